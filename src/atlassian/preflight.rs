//! Reads that change nothing and concern no account: whether the required calls work on this site.

use jiff::SignedDuration;
use serde::de::IgnoredAny;

use super::call::Call;
use super::client::Client;
use super::transport::Request;
use crate::domain::account::AccountId;
use crate::domain::retry::Failure;

/// An id that no account has: a read of it returns 404 where the API is available and grants access.
const MISSING_ACCOUNT: &str = "qm:offboardd:none";

impl Client {
    /// Whether Customer Service Management answers us. Under a wrong cloud id it may look the same as under the right one.
    pub async fn customer_service_answers(&self) -> Result<(), Failure> {
        let response = self.send(Request::of(Call::ReadCustomerAccount).id(MISSING_ACCOUNT)).await?;
        if response.is_api_status(404) || response.has_status(200) { Ok(()) } else { Err(response.failure()) }
    }

    /// Whether Customer Service Management knows the account. Where it does not let us look, nothing is known there.
    pub async fn has_customer_account(&self, id: &AccountId) -> Result<bool, Failure> {
        let response = match self.send(Request::of(Call::ReadCustomerAccount).id(id.as_str())).await {
            Err(Failure::CallRefused { .. }) => return Ok(false),
            response => response?,
        };
        if response.has_status(200) {
            Ok(true)
        } else if response.is_api_status(404) {
            Ok(false)
        } else {
            Err(response.failure())
        }
    }

    /// Whether users can be searched at all. No account matches this text.
    pub async fn search_answers(&self) -> Result<(), Failure> {
        let query = [("query", MISSING_ACCOUNT), ("startAt", "0"), ("maxResults", "1")];
        self.send(Request::of(Call::Search).query(&query)).await?.read::<Vec<IgnoredAny>>().map(drop)
    }

    /// Lifetime of the access token in use, if its grant stated one.
    pub async fn access_token_life(&self) -> Option<SignedDuration> {
        self.transport.token_lifetime().await
    }
}

#[cfg(test)]
mod tests {
    use super::super::fake_server::{FakeServer, reply};

    #[tokio::test]
    async fn read_of_an_unused_id_returning_404_is_success() {
        let server = FakeServer::authenticated(404, r#"{"code":404,"message":"no such customer"}"#).await;
        assert_eq!(server.client().customer_service_answers().await, Ok(()));
        let read = "GET /jsm/csm/cloudid/cloud-1/api/v1/customer/account/qm%3Aoffboardd%3Anone";
        assert_eq!(server.request_lines(), [read, "GET /rest/api/3/myself"]);
        let page = FakeServer::scripted(|_, _| reply(404, "<html>").with("content-type", "text/html")).await;
        assert!(page.client().customer_service_answers().await.is_err());
        assert!(FakeServer::always(403, "{}").await.client().customer_service_answers().await.is_err());
    }
}
