//! Finds the accounts of an email address, within the limits of Atlassian's lists.
//!
//! This module does not decide which account is the person's.

use super::call::Call;
use super::client::{Client, no_account};
use super::failure;
use super::transport::Request;
use super::wire::ListedUser;
use crate::domain::account::Account;
use crate::domain::person::EmailAddress;
use crate::domain::retry::Failure;

/// The platform's search ends after its first thousand results (Atlassian's reference).
const END_OF_SEARCH: usize = 1000;
const SEARCH_PAGE: usize = 100;
const SCAN_PAGE: usize = 1000;

/// Limits a list that does not end: this is enough for a hundred thousand users
/// in pages of fifty.
const LONGEST_SCAN: usize = 2000;

impl Client {
    /// The *candidates* for an address: active accounts whose name or address begins with it, namesakes included.
    ///
    /// It misses revoked accounts, and recent ones for a while. Without the permission to browse users the result is
    /// empty and no error is reported: see [`Client::probe`].
    pub async fn search(&self, email: &EmailAddress) -> Result<Vec<Account>, Failure> {
        let mut candidates = self.search_spelling(email, email.as_str()).await?;
        for spelling in email.other_spellings() {
            candidates.extend(self.search_spelling(email, &spelling).await?);
        }
        Ok(candidates)
    }

    /// The candidates that the site has under one spelling of the address.
    async fn search_spelling(&self, email: &EmailAddress, spelling: &str) -> Result<Vec<Account>, Failure> {
        let mut candidates = Vec::new();
        let (mut start, mut before) = (0, None);
        while start < END_OF_SEARCH {
            let page = self.users(Call::Search, Some(spelling), start, SEARCH_PAGE).await?;
            if is_repeated(&page, &mut before) {
                break;
            }
            start += page.len();
            // A server may cap its pages at any size, so a short page is not the last: the list ends with an empty
            // page. No known server caps at one, and one result is the usual case: this saves a second call.
            let last = page.len() <= 1;
            for user in page {
                candidates.extend(candidate(user, email, Call::Search)?);
            }
            if last {
                break;
            }
        }
        Ok(candidates)
    }

    /// The accounts with exactly this address, revoked ones too, out of everyone on the site: one page after the other,
    /// of which no other account is kept. Accounts that hide their address are not among them.
    pub async fn scan(&self, email: &EmailAddress) -> Result<Vec<Account>, Failure> {
        Ok(self.survey(email).await?.found)
    }

    /// The same, and how many of the site's customers hide their address from us.
    pub async fn survey(&self, email: &EmailAddress) -> Result<UserSurvey, Failure> {
        let mut survey = UserSurvey::default();
        let (mut start, mut before) = (0, None);
        for _ in 0..LONGEST_SCAN {
            let page = self.users(Call::Scan, None, start, SCAN_PAGE).await?;
            if page.is_empty() || is_repeated(&page, &mut before) {
                return Ok(survey);
            }
            start += page.len();
            for listed in page {
                survey.count(&listed);
                let has_the_address = listed.address().as_ref() == Some(email);
                survey.found.extend(candidate(listed, email, Call::Scan)?.filter(|_| has_the_address));
            }
        }
        Err(failure::unreadable(Call::Scan, "the list of users does not end"))
    }

    /// The customers whose address is wanted, out of everyone on the site: one page after the other.
    pub async fn customers_with(&self, is_wanted: impl Fn(&EmailAddress) -> bool) -> Result<Vec<Account>, Failure> {
        let (mut start, mut before, mut found) = (0, None, Vec::new());
        for _ in 0..LONGEST_SCAN {
            let page = self.users(Call::Scan, None, start, SCAN_PAGE).await?;
            if page.is_empty() || is_repeated(&page, &mut before) {
                return Ok(found);
            }
            start += page.len();
            let customers = page.into_iter().filter(ListedUser::is_customer);
            let wanted = customers.filter(|listed| listed.address().is_some_and(|address| is_wanted(&address)));
            found.extend(wanted.filter_map(ListedUser::account));
        }
        Err(failure::unreadable(Call::Scan, "the list of users does not end"))
    }

    /// How many customers on the first page of everyone hide their address from us: for `check --online`.
    pub async fn first_page(&self) -> Result<UserSurvey, Failure> {
        let mut survey = UserSurvey::default();
        for listed in self.users(Call::Scan, None, 0, SCAN_PAGE).await? {
            survey.count(&listed);
        }
        Ok(survey)
    }

    /// One page of users, beginning with the `start`th.
    async fn users(
        &self,
        call: Call,
        query: Option<&str>,
        start: usize,
        most: usize,
    ) -> Result<Vec<ListedUser>, Failure> {
        let (start, most) = (start.to_string(), most.to_string());
        let mut parameters = vec![("startAt", start.as_str()), ("maxResults", most.as_str())];
        if let Some(text) = query {
            parameters.insert(0, ("query", text));
        }
        self.send(Request::of(call).query(&parameters)).await?.read()
    }
}

/// The result of a scan of all users.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UserSurvey {
    /// The accounts with exactly the address.
    pub found: Vec<Account>,
    /// How many customer accounts there are.
    pub customers: usize,
    /// How many of them hide their address from our credentials.
    pub hidden: usize,
}

impl UserSurvey {
    /// Whether so many hide their address that a missing account proves nothing: more than one in ten.
    pub const fn hides_too_many(&self) -> bool {
        self.hidden.saturating_mul(10) > self.customers
    }

    fn count(&mut self, listed: &ListedUser) {
        if listed.is_customer() {
            self.customers += 1;
            self.hidden += usize::from(listed.hides_its_address());
        }
    }
}

/// Whether a page is the one `before` it once more: such a server returns everything on each page and ignores the parameters.
fn is_repeated(page: &[ListedUser], before: &mut Option<Vec<String>>) -> bool {
    let ids: Vec<_> = page.iter().filter_map(ListedUser::id).map(str::to_owned).collect();
    let repeated = !ids.is_empty() && before.as_ref() == Some(&ids);
    *before = Some(ids);
    repeated
}

/// The account of a list, unless it cannot be that of the address. An account that is listed without what decides about it
/// stops the search only if it may be the one that is looked for.
fn candidate(listed: ListedUser, email: &EmailAddress, call: Call) -> Result<Option<Account>, Failure> {
    let address = listed.address();
    let may_be_meant = match &address {
        Some(address) => address == email,
        None => call == Call::Search && listed.is_customer(),
    };
    match listed.account() {
        Some(account) => Ok(Some(account)),
        None if may_be_meant => Err(no_account(call)),
        None => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::super::fake_server::{FakeServer, reply};
    use super::*;
    use crate::domain::account::AccountId;

    const ANN: &str =
        r#"{"accountId":"qm:a:1","accountType":"customer","active":true,"emailAddress":"ann@example.com"}"#;

    fn ann() -> EmailAddress {
        EmailAddress::parse("ann@example.com").unwrap()
    }

    /// The `from`th to the `to`th of many users, the `nth` being Ann.
    fn users(from: usize, to: usize, nth: usize) -> String {
        let mut page = String::new();
        for n in from..to {
            let comma = if n == from { "" } else { "," };
            if n == nth {
                write!(page, "{comma}{ANN}").unwrap();
            } else {
                write!(
                    page,
                    r#"{comma}{{"accountId":"qm:{n}","accountType":"customer","active":true,"emailAddress":"ann@example.com.{n}"}}"#
                )
                .unwrap();
            }
        }
        format!("[{page}]")
    }

    #[tokio::test]
    async fn search_continues_to_an_empty_page_for_any_page_cap() {
        for cap in [2, 3, 50, 100] {
            let server = FakeServer::scripted(move |request, _| {
                let start = request.number("startAt");
                let end = (start + request.number("maxResults").min(cap)).min(7);
                reply(200, users(start.min(end), end, 6))
            })
            .await;
            let found = server.client().search(&ann()).await.unwrap();
            assert_eq!(found.len(), 7, "capped at {cap}");
            assert_eq!(found.iter().filter(|account| account.email == Some(ann())).count(), 1, "capped at {cap}");
        }
    }

    #[tokio::test]
    async fn search_with_at_most_one_result_is_one_call() {
        for (body, count) in [("[]".to_owned(), 0), (format!("[{ANN}]"), 1)] {
            let server = FakeServer::scripted(move |_, _| reply(200, body.clone())).await;
            assert_eq!(server.client().search(&ann()).await.unwrap().len(), count);
            assert_eq!(
                server.request_lines(),
                ["GET /rest/api/3/user/search?query=ann%40example.com&startAt=0&maxResults=100"]
            );
        }
    }

    #[tokio::test]
    async fn a_search_ends_at_the_first_thousand() {
        let server = FakeServer::scripted(|request, _| {
            let start = request.number("startAt");
            reply(200, users(start, start + 100, usize::MAX))
        })
        .await;
        assert_eq!(server.client().search(&ann()).await.unwrap().len(), 1000);
        assert_eq!(server.request_lines().len(), 10);
    }

    #[tokio::test]
    async fn search_keeps_accounts_with_hidden_addresses() {
        let hidden = r#"[{"accountId":"qm:1","accountType":"customer","active":true,"emailAddress":null}]"#;
        let server = FakeServer::always(200, hidden).await;
        assert_eq!(server.client().search(&ann()).await.unwrap()[0].email, None);
    }

    #[tokio::test]
    async fn a_scan_walks_everyone_and_keeps_only_the_exact_address() {
        let server = FakeServer::scripted(|request, _| {
            let start = request.number("startAt");
            let end = (start + request.number("maxResults").min(4)).min(9);
            reply(200, users(start.min(end), end, 8))
        })
        .await;
        let found = server.client().scan(&ann()).await.unwrap();
        assert_eq!(
            found.into_iter().map(|account| account.id).collect::<Vec<_>>(),
            [AccountId::from("qm:a:1".to_owned())]
        );
        assert_eq!(server.request_lines().len(), 4, "three pages and an empty one");
    }

    #[tokio::test]
    async fn a_scan_is_not_stopped_by_strangers_that_cannot_be_read() {
        let server = FakeServer::scripted(|_, number| {
            reply(200, if number == 0 { format!(r#"[{{"displayName":"?"}},{ANN}]"#) } else { "[]".to_owned() })
        })
        .await;
        assert_eq!(server.client().scan(&ann()).await.unwrap().len(), 1);
    }

    #[tokio::test]
    async fn unreadable_candidate_of_another_person_is_ignored() {
        for odd in [
            r#"{"accountId":"557058:app","accountType":"app","displayName":"ann@example.com.au"}"#,
            r#"{"accountId":"qm:2","accountType":"customer","emailAddress":"ann@example.com.au"}"#,
            r#"{"accountId":7,"accountType":"customer","emailAddress":"ann@example.com.au","active":true}"#,
            r#"{"accountType":["app"]}"#,
            r#""ann""#,
            "null",
        ] {
            let server = FakeServer::scripted(move |_, number| {
                reply(200, if number == 0 { format!("[{odd},{ANN}]") } else { "[]".to_owned() })
            })
            .await;
            let found = server.client().search(&ann()).await.unwrap();
            assert!(found.iter().any(|account| account.email == Some(ann())), "{odd}");
        }
        for meant in [
            r#"{"accountId":"qm:2","accountType":"customer","emailAddress":"Ann@example.com"}"#,
            r#"{"accountId":"qm:2","accountType":"customer"}"#,
            r#"{"accountId":7,"emailAddress":"ann@example.com","active":true}"#,
        ] {
            let server = FakeServer::scripted(move |_, number| {
                reply(200, if number == 0 { format!("[{meant},{{}}]") } else { "[]".to_owned() })
            })
            .await;
            assert!(matches!(server.client().search(&ann()).await, Err(Failure::Transient { .. })), "{meant}");
        }
    }

    #[tokio::test]
    async fn a_list_that_is_whole_on_every_page_ends_there() {
        let server = FakeServer::scripted(|_, _| reply(200, users(0, 3, 1))).await;
        let client = server.client();
        assert_eq!(client.search(&ann()).await.unwrap().len(), 3);
        assert_eq!(client.scan(&ann()).await.unwrap().len(), 1);
        assert_eq!(server.request_lines().len(), 4);
    }

    #[tokio::test]
    async fn both_spellings_of_a_domain_are_searched() {
        let server = FakeServer::always(200, "[]").await;
        server.client().search(&EmailAddress::parse("jane@m\u{fc}ller.example").unwrap()).await.unwrap();
        let lines = server.request_lines();
        assert_eq!(lines.len(), 2);
        assert!(
            lines[0].contains("jane%40xn--mller-kva.example") && lines[1].contains("jane%40m%C3%BCller.example"),
            "{lines:?}"
        );
    }

    #[tokio::test]
    async fn a_survey_counts_the_customers_that_hide_their_address() {
        let server = FakeServer::scripted(|_, number| {
            let hidden = r#"{"accountId":"qm:2","accountType":"customer","active":true}"#;
            let app = r#"{"accountId":"a","accountType":"app","active":true}"#;
            let former = r#"{"accountId":"qm:3","accountType":"customer","active":false,"displayName":"Former user"}"#;
            reply(200, if number == 0 { format!("[{ANN},{hidden},{app},{former}]") } else { "[]".to_owned() })
        })
        .await;
        let survey = server.client().survey(&ann()).await.unwrap();
        assert_eq!((survey.found.len(), survey.customers, survey.hidden), (1, 2, 1));
        assert!(survey.hides_too_many());
        assert!(!UserSurvey { customers: 10, hidden: 1, ..UserSurvey::default() }.hides_too_many());
        assert!(UserSurvey { customers: 19, hidden: 2, ..UserSurvey::default() }.hides_too_many());
        assert!(!UserSurvey::default().hides_too_many());
    }

    #[tokio::test]
    async fn a_scan_that_took_too_long_is_tried_again() {
        let server = FakeServer::always(409, "").await;
        assert!(matches!(server.client().scan(&ann()).await, Err(Failure::Transient { .. })));
    }
}
