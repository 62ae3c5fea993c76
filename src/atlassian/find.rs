//! Finding the accounts of an address, with what Atlassian's lists do and do not say.
//!
//! Which of the accounts found is the person's is not decided here.

use super::call::Call;
use super::client::{Client, no_account};
use super::failure;
use super::link::Request;
use super::wire::User;
use crate::domain::account::Account;
use crate::domain::person::EmailAddress;
use crate::domain::retry::Failure;

/// The platform's search ends after its first thousand, says Atlassian's reference.
const END_OF_SEARCH: usize = 1000;
const SEARCH_PAGE: usize = 100;
const SCAN_PAGE: usize = 1000;

/// A far side whose list does not end would be asked for ever: this is enough for a hundred thousand users
/// in pages of fifty.
const LONGEST_SCAN: usize = 2000;

impl Client {
    /// The *candidates* for an address: active accounts whose name or address begins with it, namesakes included.
    ///
    /// It misses revoked accounts, and for a while new ones. Without the permission to browse users it finds nobody and
    /// does not say so: see [`Client::probe`].
    pub async fn search(&self, email: &EmailAddress) -> Result<Vec<Account>, Failure> {
        let mut candidates = Vec::new();
        let mut start = 0;
        while start < END_OF_SEARCH {
            let page = self.users(Call::Search, Some(email), start, SEARCH_PAGE).await?;
            start += page.len();
            // A server may cap its pages at any size, so that a short page is not the last: the list ends where nothing
            // comes. But nobody caps at one, and one is the usual answer: this saves every look-up a second call.
            let last = page.len() <= 1;
            for user in page {
                candidates.push(user.account().ok_or_else(|| no_account(Call::Search))?);
            }
            if last {
                break;
            }
        }
        Ok(candidates)
    }

    /// The accounts with exactly this address, revoked ones too, out of everyone on the site: one page after the other,
    /// of which nobody else is kept. Accounts that hide their address are not among them.
    pub async fn scan(&self, email: &EmailAddress) -> Result<Vec<Account>, Failure> {
        let mut found = Vec::new();
        let mut start = 0;
        for _ in 0..LONGEST_SCAN {
            let page = self.users(Call::Scan, None, start, SCAN_PAGE).await?;
            if page.is_empty() {
                return Ok(found);
            }
            start += page.len();
            for user in page.into_iter().filter(|user| user.address().as_ref() == Some(email)) {
                found.push(user.account().ok_or_else(|| no_account(Call::Scan))?);
            }
        }
        Err(failure::unreadable(Call::Scan, "the list of users does not end"))
    }

    /// One page of users, beginning with the `start`th.
    async fn users(
        &self,
        call: Call,
        query: Option<&EmailAddress>,
        start: usize,
        most: usize,
    ) -> Result<Vec<User>, Failure> {
        let (start, most) = (start.to_string(), most.to_string());
        let mut parameters = vec![("startAt", start.as_str()), ("maxResults", most.as_str())];
        if let Some(email) = query {
            parameters.insert(0, ("query", email.as_str()));
        }
        self.send(Request::of(call).query(&parameters)).await?.read()
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::super::scripted::{Far, reply};
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
    async fn a_search_goes_on_until_nothing_more_comes_however_the_server_caps_it() {
        for cap in [2, 3, 50, 100] {
            let far = Far::says(move |request, _| {
                let start = request.number("startAt");
                let end = (start + request.number("maxResults").min(cap)).min(7);
                reply(200, users(start.min(end), end, 6))
            })
            .await;
            let found = far.client().search(&ann()).await.unwrap();
            assert_eq!(found.len(), 7, "capped at {cap}");
            assert_eq!(found.iter().filter(|account| account.email == Some(ann())).count(), 1, "capped at {cap}");
        }
    }

    #[tokio::test]
    async fn a_search_that_finds_one_or_nobody_is_one_call() {
        for (body, count) in [("[]".to_owned(), 0), (format!("[{ANN}]"), 1)] {
            let far = Far::says(move |_, _| reply(200, body.clone())).await;
            assert_eq!(far.client().search(&ann()).await.unwrap().len(), count);
            assert_eq!(far.lines(), ["GET /rest/api/3/user/search?query=ann%40example.com&startAt=0&maxResults=100"]);
        }
    }

    #[tokio::test]
    async fn a_search_ends_at_the_first_thousand() {
        let far = Far::says(|request, _| {
            let start = request.number("startAt");
            reply(200, users(start, start + 100, usize::MAX))
        })
        .await;
        assert_eq!(far.client().search(&ann()).await.unwrap().len(), 1000);
        assert_eq!(far.lines().len(), 10);
    }

    #[tokio::test]
    async fn a_search_keeps_those_who_hide_their_address() {
        let hidden = r#"[{"accountId":"qm:1","accountType":"customer","active":true,"emailAddress":null}]"#;
        let far = Far::always(200, hidden).await;
        assert_eq!(far.client().search(&ann()).await.unwrap()[0].email, None);
    }

    #[tokio::test]
    async fn a_scan_walks_everyone_and_keeps_only_the_exact_address() {
        let far = Far::says(|request, _| {
            let start = request.number("startAt");
            let end = (start + request.number("maxResults").min(4)).min(9);
            reply(200, users(start.min(end), end, 8))
        })
        .await;
        let found = far.client().scan(&ann()).await.unwrap();
        assert_eq!(
            found.into_iter().map(|account| account.id).collect::<Vec<_>>(),
            [AccountId::from("qm:a:1".to_owned())]
        );
        assert_eq!(far.lines().len(), 4, "three pages and an empty one");
    }

    #[tokio::test]
    async fn a_scan_is_not_stopped_by_strangers_that_cannot_be_read() {
        let far = Far::says(|_, number| {
            reply(200, if number == 0 { format!(r#"[{{"displayName":"?"}},{ANN}]"#) } else { "[]".to_owned() })
        })
        .await;
        assert_eq!(far.client().scan(&ann()).await.unwrap().len(), 1);
    }

    #[tokio::test]
    async fn a_scan_that_took_too_long_is_tried_again() {
        let far = Far::always(409, "").await;
        assert!(matches!(far.client().scan(&ann()).await, Err(Failure::Transient { .. })));
    }
}
