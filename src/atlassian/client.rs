//! The calls about one account, and the meaning of their responses.

use std::sync::Arc;
use std::sync::atomic::AtomicI64;

use serde_json::json;

use super::call::Call;
use super::failure;
use super::metrics::Metrics;
use super::site::{Auth, DeleteWith, Site};
use super::transport::{Request, Transport};
use super::wire::User;
use crate::clock::Clock;
use crate::domain::account::{Account, AccountId};
use crate::domain::clock_check::ClockProblem;
use crate::domain::person::EmailAddress;
use crate::domain::retry::Failure;
use crate::domain::site_health::SiteHealth;

/// The client of one site. Cheap to clone; all clones share pacing and access token.
#[derive(Debug, Clone)]
pub struct Client {
    pub(super) transport: Arc<Transport>,
}

/// The result of a revoke.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Revoked {
    /// Accepted. Whether it was revoked before is not known; a read shows that access is gone.
    Done,
    /// The site knows no such customer (404, or 400 by an earlier reference).
    NotThere,
}

/// The result of a deletion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deleted {
    /// Accepted: the deletion grace begins. It may take a while, in which the account can still be read.
    Accepted,
    /// The account did not exist any more.
    AlreadyGone,
}

/// The result of a re-invitation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reinvited {
    /// A brand-new account, without any tie to an old one.
    Invited(AccountId),
    /// An account with this email address exists already.
    Exists,
}

impl Client {
    /// A client of `site`. There should be one for each, because it keeps the pace.
    pub fn new(site: Arc<Site>, http: reqwest::Client, clock: Arc<dyn Clock>, metrics: Metrics) -> Self {
        Self { transport: Arc::new(Transport::new(site, http, clock, metrics)) }
    }

    /// Whether our clock agrees with the site's latest response, as a changing call requires.
    pub fn check_clock(&self) -> Result<(), ClockProblem> {
        self.transport.clock_watch.check(self.transport.clock.as_ref())
    }

    /// The newest journal entry at the start, in milliseconds since 1970 UTC, where it was in the future: no changing call
    /// is made before it, unless a response confirms our clock. Then it is set to 0.
    pub fn set_journal_end(&self, journal_end: Arc<AtomicI64>) {
        self.transport.clock_watch.set_journal_end(journal_end);
    }

    /// What the latest responses show.
    pub fn health(&self) -> SiteHealth {
        self.transport.health()
    }

    pub fn site(&self) -> &Arc<Site> {
        &self.transport.site
    }

    /// Replaces the credentials of all clones, so that a new token needs no restart.
    pub fn set_auth(&self, auth: Auth) {
        self.transport.set_auth(auth);
    }

    /// The account as it is now; `None` when there is none. What a deletion leaves of one is read as `former`.
    pub async fn read(&self, id: &AccountId) -> Result<Option<Account>, Failure> {
        let response = self.send(Request::of(Call::Read).query(&[("accountId", id.as_str())])).await?;
        if response.is_api_status(404) {
            return Ok(None);
        }
        let account = response.read::<User>()?.account().ok_or_else(|| no_account(Call::Read))?;
        if account.id != *id {
            return Err(failure::unreadable(Call::Read, "it is about another account"));
        }
        Ok(Some(account))
    }

    /// Takes the customer's access to the portal away.
    pub async fn revoke(&self, id: &AccountId) -> Result<Revoked, Failure> {
        let response = self.send(Request::of(Call::Revoke).id(id.as_str())).await?;
        if response.is_accepted() {
            Ok(Revoked::Done)
        } else if response.is_api_status(404) || response.is_api_status(400) {
            Ok(Revoked::NotThere)
        } else {
            Err(response.failure())
        }
    }

    /// Deletes the account, for good. With [`DeleteWith::JiraUser`] it deletes an account of *any* type: read it first.
    pub async fn delete(&self, id: &AccountId) -> Result<Deleted, Failure> {
        let by_query = [("accountId", id.as_str())];
        let request = match self.transport.site.delete_with {
            DeleteWith::CustomerAccount => Request::of(Call::DeleteCustomerAccount).id(id.as_str()),
            DeleteWith::JiraUser => Request::of(Call::DeleteUser).query(&by_query),
        };
        let response = self.send(request).await?;
        // 409: a deletion that was accepted before is still in progress.
        if response.is_accepted() || response.is_api_status(409) {
            Ok(Deleted::Accepted)
        } else if response.is_api_status(404) {
            Ok(Deleted::AlreadyGone)
        } else {
            Err(response.failure())
        }
    }

    /// Invites a customer, as a new account.
    ///
    /// It creates the account if none exists: never use it to search for one.
    pub async fn reinvite(&self, email: &EmailAddress, display_name: &str) -> Result<Reinvited, Failure> {
        let invitation = json!({ "email": email.as_str(), "displayName": display_name });
        let query = [("strictConflictStatusCode", "true")];
        let response = self.send(Request::of(Call::Reinvite).query(&query).body(invitation)).await?;
        if response.is_api_status(409) {
            return Ok(Reinvited::Exists);
        }
        let id = response.read::<User>()?.account_id.filter(|id| !id.is_empty());
        id.map(|id| Reinvited::Invited(AccountId::from(id))).ok_or_else(|| no_account(Call::Reinvite))
    }
}

pub(super) fn no_account(call: Call) -> Failure {
    failure::unreadable(call, "an account lacks its id, or whether it is active")
}

#[cfg(test)]
mod tests {
    use super::super::fake_server::{FakeServer, Reply, reply, site_at};
    use super::*;

    const ANN: &str =
        r#"{"accountId":"qm:a:1","accountType":"customer","active":true,"emailAddress":"ann@example.com"}"#;

    fn ann() -> EmailAddress {
        EmailAddress::parse("ann@example.com").unwrap()
    }

    fn id() -> AccountId {
        AccountId::from("qm:a:1".to_owned())
    }

    #[tokio::test]
    async fn read_distinguishes_present_missing_and_former() {
        let server = FakeServer::always(200, ANN).await;
        let account = server.client().read(&id()).await.unwrap().unwrap();
        assert!(account.active && !account.former && account.email == Some(ann()));
        assert_eq!(server.request_lines(), ["GET /rest/api/3/user?accountId=qm%3Aa%3A1"]);

        let gone = r#"{"errorMessages":["Specified user does not exist"],"errors":{}}"#;
        assert_eq!(FakeServer::always(404, gone).await.client().read(&id()).await, Ok(None));
        assert_eq!(FakeServer::always(404, "").await.client().read(&id()).await, Ok(None));

        let shell = r#"{"accountId":"qm:a:1","accountType":"unknown","active":false,"displayName":"Former user"}"#;
        assert!(FakeServer::always(200, shell).await.client().read(&id()).await.unwrap().unwrap().former);
    }

    #[tokio::test]
    async fn read_of_another_account_is_rejected() {
        let server = FakeServer::always(200, r#"{"accountId":"qm:a:2","accountType":"customer","active":false}"#).await;
        assert!(matches!(server.client().read(&id()).await, Err(Failure::Transient { .. })));
    }

    #[tokio::test]
    async fn a_web_page_that_says_404_is_not_a_deleted_account() {
        let server =
            FakeServer::scripted(|_, _| reply(404, "<html>").with("content-type", "text/html;charset=UTF-8")).await;
        let client = server.client();
        assert!(matches!(client.read(&id()).await, Err(Failure::SiteUnavailable { .. })));
        assert!(matches!(client.revoke(&id()).await, Err(Failure::SiteUnavailable { .. })));
        assert!(matches!(client.delete(&id()).await, Err(Failure::SiteUnavailable { .. })));
    }

    #[tokio::test]
    async fn revoke_has_no_body_and_distinguishes_done_from_missing() {
        let server = FakeServer::always(204, "").await;
        assert_eq!(server.client().revoke(&id()).await, Ok(Revoked::Done));
        let request = server.requests().remove(0);
        assert_eq!(request.line, "PUT /rest/servicedeskapi/customer/user/qm%3Aa%3A1/revoke-portal-only-access");
        assert_eq!((request.body.as_str(), request.header("content-length")), ("", "0"));
        for status in [400, 404] {
            assert_eq!(FakeServer::authenticated(status, "").await.client().revoke(&id()).await, Ok(Revoked::NotThere));
        }
    }

    #[tokio::test]
    async fn a_customer_account_is_deleted_behind_the_gateway_with_the_opt_in() {
        for (status, body) in [(204, ""), (200, "{}"), (202, "")] {
            let server = FakeServer::always(status, body).await;
            assert_eq!(server.client().delete(&id()).await, Ok(Deleted::Accepted), "{status}");
            let request = server.requests().remove(0);
            assert_eq!(request.line, "DELETE /jsm/csm/cloudid/cloud-1/api/v1/customer/account/qm%3Aa%3A1");
            assert_eq!(request.header("x-experimentalapi"), "opt-in");
        }
        assert_eq!(FakeServer::authenticated(404, "{}").await.client().delete(&id()).await, Ok(Deleted::AlreadyGone));
        let in_progress = FakeServer::authenticated(409, r#"{"message":"deletion already in progress"}"#).await;
        assert_eq!(in_progress.client().delete(&id()).await, Ok(Deleted::Accepted));
        let refused = FakeServer::always(412, "").await.client().delete(&id()).await;
        assert!(matches!(refused, Err(Failure::Permanent { .. })), "{refused:?}");
    }

    #[tokio::test]
    async fn a_user_is_deleted_at_the_platform() {
        let by_platform =
            |server: &FakeServer| server.client_of(Site { delete_with: DeleteWith::JiraUser, ..site_at(&server.url) });
        let server = FakeServer::always(204, "").await;
        assert_eq!(by_platform(&server).delete(&id()).await, Ok(Deleted::Accepted));
        assert_eq!(server.request_lines(), ["DELETE /rest/api/3/user?accountId=qm%3Aa%3A1"]);
        let server = FakeServer::always(400, r#"{"errorMessages":["qm:a:1 cannot be removed"]}"#).await;
        assert_eq!(
            by_platform(&server).delete(&id()).await,
            Err(Failure::Permanent { detail: "delete_user: 400".to_owned() })
        );
    }

    #[tokio::test]
    async fn unexpected_body_with_200_is_no_success() {
        let server = FakeServer::always(200, "<html>Sign in to the proxy</html>").await;
        assert!(matches!(server.client().revoke(&id()).await, Err(Failure::SiteUnavailable { .. })));
        assert!(matches!(server.client().delete(&id()).await, Err(Failure::SiteUnavailable { .. })));
        let server = FakeServer::authenticated(200, "<html>Sign in to the proxy</html>").await;
        assert!(matches!(server.client().revoke(&id()).await, Err(Failure::Transient { .. })));
        assert!(matches!(server.client().delete(&id()).await, Err(Failure::Transient { .. })));
    }

    #[tokio::test]
    async fn an_empty_id_never_becomes_a_call() {
        let server = FakeServer::always(204, "").await;
        let empty = AccountId::from(String::new());
        for client in
            [server.client(), server.client_of(Site { delete_with: DeleteWith::JiraUser, ..site_at(&server.url) })]
        {
            assert!(matches!(client.delete(&empty).await, Err(Failure::Permanent { .. })));
            assert!(matches!(client.revoke(&empty).await, Err(Failure::Permanent { .. })));
        }
        assert!(server.request_lines().is_empty());
    }

    #[tokio::test]
    async fn invitation_sends_only_email_and_name() {
        let server = FakeServer::always(201, r#"{"accountId":"qm:a:2","emailAddress":"ann@example.com"}"#).await;
        let invited = server.client().reinvite(&ann(), "Ann").await;
        assert_eq!(invited, Ok(Reinvited::Invited(AccountId::from("qm:a:2".to_owned()))));
        let request = server.requests().remove(0);
        assert_eq!(request.line, "POST /rest/servicedeskapi/customer?strictConflictStatusCode=true");
        assert_eq!(request.body, r#"{"displayName":"Ann","email":"ann@example.com"}"#);
        assert_eq!(FakeServer::always(409, "").await.client().reinvite(&ann(), "Ann").await, Ok(Reinvited::Exists));
        let refused = FakeServer::always(400, "").await.client().reinvite(&ann(), "Ann").await;
        assert!(matches!(refused, Err(Failure::Permanent { .. })), "{refused:?}");
    }

    #[tokio::test]
    async fn what_answers_200_but_cannot_be_read_may_pass() {
        for body in ["", "null", "{}", "[{", r#"{"accountId":7}"#, r#"{"accountId":"qm:a:1"}"#] {
            let server = FakeServer::scripted(move |_, _| reply(200, body)).await;
            let client = server.client();
            for response in [
                client.read(&id()).await.map(drop),
                client.search(&ann()).await.map(drop),
                client.scan(&ann()).await.map(drop),
            ] {
                assert!(matches!(response, Err(Failure::Transient { .. })), "{body}: {response:?}");
            }
        }
        let nothing = FakeServer::scripted(|_, _| Reply::broken(204)).await;
        assert!(matches!(nothing.client().read(&id()).await, Err(Failure::Transient { .. })));
    }
}
