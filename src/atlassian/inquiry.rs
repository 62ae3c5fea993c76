//! Reads that change nothing and concern nobody: whether the calls that we need work on this site at all.

use jiff::SignedDuration;
use serde::de::IgnoredAny;

use super::call::Call;
use super::client::Client;
use super::link::Request;
use crate::domain::account::AccountId;
use crate::domain::retry::Failure;

/// Nobody's id: a read of it is answered with 404 where the API is there and lets us in.
const NOBODY: &str = "qm:offboardd:nobody";

impl Client {
    /// Whether Customer Service Management answers us. Under a wrong cloud id it may look the same as under the right one.
    pub async fn customer_service_answers(&self) -> Result<(), Failure> {
        let answer = self.send(Request::of(Call::ReadCustomerAccount).id(NOBODY)).await?;
        if answer.says(404) || answer.is(200) { Ok(()) } else { Err(answer.failure()) }
    }

    /// Whether Customer Service Management knows the account. Where it does not let us look, nothing is known there.
    pub async fn has_customer_account(&self, id: &AccountId) -> Result<bool, Failure> {
        let answer = match self.send(Request::of(Call::ReadCustomerAccount).id(id.as_str())).await {
            Err(Failure::CallRefused { .. }) => return Ok(false),
            answer => answer?,
        };
        if answer.is(200) {
            Ok(true)
        } else if answer.says(404) {
            Ok(false)
        } else {
            Err(answer.failure())
        }
    }

    /// Whether users can be searched at all. Nobody is found by this text.
    pub async fn search_answers(&self) -> Result<(), Failure> {
        let query = [("query", NOBODY), ("startAt", "0"), ("maxResults", "1")];
        self.send(Request::of(Call::Search).query(&query)).await?.read::<Vec<IgnoredAny>>().map(drop)
    }

    /// How long the access token that is in use lives, where we were told.
    pub async fn access_token_life(&self) -> Option<SignedDuration> {
        self.link.told_life().await
    }
}

#[cfg(test)]
mod tests {
    use super::super::scripted::{Far, reply};

    #[tokio::test]
    async fn nobody_is_asked_for_and_not_finding_them_is_the_good_answer() {
        let far = Far::answering(404, r#"{"code":404,"message":"no such customer"}"#).await;
        assert_eq!(far.client().customer_service_answers().await, Ok(()));
        let asked = "GET /jsm/csm/cloudid/cloud-1/api/v1/customer/account/qm%3Aoffboardd%3Anobody";
        assert_eq!(far.lines(), [asked, "GET /rest/api/3/myself"]);
        let page = Far::says(|_, _| reply(404, "<html>").with("content-type", "text/html")).await;
        assert!(page.client().customer_service_answers().await.is_err());
        assert!(Far::always(403, "{}").await.client().customer_service_answers().await.is_err());
    }
}
