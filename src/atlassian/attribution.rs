//! Attributes a rejection to one kind of call, or to the whole site.
//!
//! A 403, a redirect, a web page or a 404 without an account says that something is wrong, not with what. One cheap read that
//! concerns no account (`myself`) decides: if it works, only this kind of call is rejected; if it does not, the site is
//! unavailable or rejects the credentials, which is one problem of the site.

use super::call::Call;
use super::client::Client;
use super::error_code::scope_is_missing;
use super::failure;
use super::response::ApiResponse;
use super::transport::Request;
use super::wire::User;
use crate::domain::account::AccountType;
use crate::domain::retry::Failure;

/// What is doubtful about a response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Doubt {
    /// The account may not make this call.
    Forbidden,
    /// There is no such API.
    NoSuchCall,
    /// There is no such account.
    NoSuchAccount,
    /// It is a web page instead of Atlassian's response: the outcome of the call is unknown.
    Page,
}

impl Client {
    /// Makes the call. A response that may be the whole site's problem is returned only after the site answered another call.
    pub(super) async fn send(&self, request: Request<'_>) -> Result<ApiResponse, Failure> {
        let call = request.call();
        let sent = self.transport.send(request).await;
        if call.is_about_the_site() {
            return sent.and_then(reject_unauthenticated);
        }
        let response = match sent {
            Ok(response) => reject_unauthenticated(response)?,
            Err(Failure::SiteUnavailable { detail }) => {
                self.whoami().await?;
                return Err(Failure::Transient { detail, retry_at: None });
            }
            Err(failure) => return Err(failure),
        };
        let Some(doubt) = doubt(&response, self.transport.outcomes.latest(call)) else {
            if response.is_success() {
                self.transport.outcomes.note(call, true);
            } else if response.has_status(401) {
                self.transport.outcomes.note(call, false);
            }
            return Ok(response);
        };
        let me = self.whoami().await?;
        if doubt == Doubt::Forbidden
            && matches!(call, Call::Search | Call::Scan | Call::Read)
            && self.access_of(me).await?.browse_users == Some(false)
        {
            return Err(failure::cannot_browse_users());
        }
        match doubt {
            Doubt::NoSuchAccount | Doubt::Page => Ok(response),
            Doubt::Forbidden | Doubt::NoSuchCall => {
                let works_otherwise = self.transport.outcomes.note(call, false) == Some(true);
                Err(failure::of_rejected_call(&response, doubt == Doubt::Forbidden, works_otherwise))
            }
        }
    }

    /// Reads our own account, the cheapest read that needs credentials. An error is about the site as a whole.
    pub(super) async fn whoami(&self) -> Result<User, Failure> {
        let sent = self.transport.send(Request::of(Call::Myself)).await.and_then(reject_unauthenticated);
        let user = match sent {
            Ok(response) if response.has_status(200) && !response.is_web_page() => response.read::<User>()?,
            Ok(response) => return Err(self.explained(response.failure()).await),
            Err(failure) => return Err(self.explained(failure).await),
        };
        if is_anonymous(&user) { Err(failure::anonymous()) } else { Ok(user) }
    }

    /// A site that is not there may be another one than the settings mean.
    async fn explained(&self, failure: Failure) -> Failure {
        if let Failure::SiteUnavailable { detail } = &failure
            && self.site().via_gateway
            && let Some(hint) = self.wrong_cloud_id().await
        {
            return Failure::SiteUnavailable { detail: format!("{detail}; {hint}") };
        }
        failure
    }
}

/// Rejects an unauthenticated response. A header shows it even if the status is 200.
pub(super) fn reject_unauthenticated(response: ApiResponse) -> Result<ApiResponse, Failure> {
    if response.is_unauthenticated() { Err(failure::unauthenticated(&response)) } else { Ok(response) }
}

/// Whether the user has no id, or is not active.
fn is_anonymous(user: &User) -> bool {
    user.account_id.as_deref().is_none_or(|id| id.is_empty() || id == "unknown" || id == "anonymous")
        || user.account_type() == AccountType::Unknown && user.is_inactive()
}

fn doubt(response: &ApiResponse, latest: Option<bool>) -> Option<Doubt> {
    let (call, status) = (response.call, response.status);
    match status {
        // The first time it is the credentials. If they were found to work since, it is the call.
        401 if latest == Some(false) || scope_is_missing(response) => Some(Doubt::Forbidden),
        403 => Some(Doubt::Forbidden),
        300..400 | 407 | 410 => Some(Doubt::NoSuchCall),
        401 | 408 | 425 | 429 => None,
        400..500 if response.is_web_page() => Some(Doubt::NoSuchCall),
        404 | 405 if !call.is_about_an_account() => Some(Doubt::NoSuchCall),
        // Reads are repeated before anything follows from them; a changing call needs the answer now.
        404 if call != Call::Read => Some(Doubt::NoSuchAccount),
        400 if call == Call::Revoke => Some(Doubt::NoSuchAccount),
        200..300 if response.is_web_page() => Some(Doubt::Page),
        500.. if response.is_from_proxy() => Some(Doubt::Page),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::fake_server::{FakeServer, RecordedRequest, Reply, reply};
    use super::*;
    use crate::domain::account::AccountId;
    use crate::domain::person::EmailAddress;

    type Answer = Box<dyn Fn() -> Reply + Send + Sync>;

    const ME: &str = r#"{"accountId":"5b1","accountType":"atlassian","active":true}"#;

    fn id() -> AccountId {
        AccountId::from("qm:a:1".to_owned())
    }

    fn ann() -> EmailAddress {
        EmailAddress::parse("ann@example.com").unwrap()
    }

    /// A site whose `myself` works, and which answers everything else by `script`.
    async fn working(script: impl Fn(&RecordedRequest) -> Reply + Send + Sync + 'static) -> FakeServer {
        FakeServer::scripted(
            move |request, _| if request.line.ends_with("/myself") { reply(200, ME) } else { script(request) },
        )
        .await
    }

    #[tokio::test]
    async fn a_forbidden_call_is_its_own_problem_where_the_credentials_work() {
        let server = working(|_| reply(403, "{}")).await;
        let failure = server.client().delete(&id()).await.unwrap_err();
        assert!(matches!(failure, Failure::CallRefused { forbidden: true, works_otherwise: false, .. }), "{failure:?}");
    }

    #[tokio::test]
    async fn a_call_that_worked_just_before_is_rejected_for_one_account() {
        let server = working(|request| reply(if request.line.contains("poisoned") { 403 } else { 204 }, "")).await;
        let client = server.client();
        client.revoke(&id()).await.unwrap();
        let poisoned = AccountId::from("poisoned".to_owned());
        for works_otherwise in [true, false] {
            let failure = client.revoke(&poisoned).await.unwrap_err();
            assert!(
                matches!(&failure, Failure::CallRefused { works_otherwise: is, .. } if *is == works_otherwise),
                "{failure:?}"
            );
        }
    }

    #[tokio::test]
    async fn a_401_is_the_sites_problem_and_then_the_calls_where_the_credentials_work() {
        let server = working(|_| reply(401, "{}")).await;
        let client = server.client();
        assert!(matches!(client.revoke(&id()).await, Err(Failure::AccessDenied { .. })));
        assert!(matches!(client.revoke(&id()).await, Err(Failure::CallRefused { forbidden: true, .. })));
        let scope = r#"{"code":401,"message":"Unauthorized; scope does not match"}"#;
        let server = working(move |_| reply(401, scope)).await;
        assert!(matches!(server.client().revoke(&id()).await, Err(Failure::CallRefused { forbidden: true, .. })));
        let server = FakeServer::always(401, "{}").await;
        for _ in 0..3 {
            assert!(matches!(server.client().revoke(&id()).await, Err(Failure::AccessDenied { .. })));
        }
    }

    #[tokio::test]
    async fn a_site_that_answers_everything_the_same_is_unavailable() {
        let html =
            |status: u16| move || reply(status, "<html>Sorry</html>").with("content-type", "text/html;charset=UTF-8");
        let replies: [(&str, Answer); 9] = [
            ("suspended", Box::new(|| reply(404, r#"{"errorMessage":"Site temporarily unavailable"}"#))),
            ("moved", Box::new(|| reply(301, "").with("location", "https://acme-new.atlassian.net/"))),
            ("login", Box::new(|| reply(302, "").with("location", "https://id.atlassian.com/login"))),
            ("proxy", Box::new(|| reply(407, ""))),
            ("removed", Box::new(|| reply(410, "{}"))),
            ("login page", Box::new(html(200))),
            ("maintenance page", Box::new(html(503))),
            ("page of a proxy", Box::new(html(502))),
            ("error", Box::new(html(404))),
        ];
        for (name, response) in replies {
            let server = FakeServer::scripted(move |_, _| response()).await;
            let client = server.client();
            for failure in [
                client.search(&ann()).await.map(drop),
                client.scan(&ann()).await.map(drop),
                client.revoke(&id()).await.map(drop),
                client.delete(&id()).await.map(drop),
                client.service_desks().await.map(drop),
                client.probe().await.map(drop),
            ] {
                assert!(matches!(failure, Err(Failure::SiteUnavailable { .. })), "{name}: {failure:?}");
            }
        }
    }

    #[tokio::test]
    async fn missing_api_rejects_the_call_and_no_case() {
        for status in [302, 404, 407, 410] {
            let server = working(move |_| reply(status, "{}")).await;
            let failure = server.client().search(&ann()).await.unwrap_err();
            assert!(matches!(failure, Failure::CallRefused { forbidden: false, .. }), "{status}: {failure:?}");
        }
    }

    #[tokio::test]
    async fn anonymous_session_is_recognized_whatever_the_status_is() {
        for status in [200, 204, 404] {
            let server = FakeServer::scripted(move |_, _| {
                reply(status, "[]").with("x-seraph-loginreason", "AUTHENTICATED_FAILED")
            })
            .await;
            let client = server.client();
            assert!(matches!(client.search(&ann()).await, Err(Failure::AccessDenied { .. })), "{status}");
            assert!(matches!(client.read(&id()).await, Err(Failure::AccessDenied { .. })), "{status}");
            assert!(matches!(client.probe().await, Err(Failure::AccessDenied { .. })), "{status}");
        }
        let anonymous = r#"{"accountId":"unknown","accountType":"unknown","active":false}"#;
        for body in ["{}", anonymous] {
            assert!(matches!(
                FakeServer::always(200, body).await.client().probe().await,
                Err(Failure::AccessDenied { .. })
            ));
        }
        let fine = FakeServer::scripted(|_, _| reply(200, "[]").with("x-seraph-loginreason", "OK")).await;
        assert!(fine.client().search(&ann()).await.is_ok());
    }
}
