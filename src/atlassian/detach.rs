//! Where a customer is a member, and how they leave: organizations, service desks, other people's requests.
//!
//! Leaving a group without being a member is not a failure, whichever status Atlassian returns.

use serde::de::DeserializeOwned;
use serde_json::json;

use super::call::Call;
use super::client::Client;
use super::failure;
use super::response::ApiResponse;
use super::transport::Request;
use super::wire::{Issue, Issues, Numbered, Page};
use crate::domain::account::AccountId;
use crate::domain::retry::Failure;

/// The largest page of JSM, which may return fewer.
const PAGE: &str = "50";

/// Limits a list that does not end, in pages.
const LONGEST_LIST: usize = 1000;

macro_rules! ids {
    ($($(#[$doc:meta])* $type:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash)]
        pub struct $type(String);

        impl $type {
            /// As Atlassian writes it.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl From<String> for $type {
            fn from(id: String) -> Self {
                Self(id)
            }
        }
    )+};
}

ids! {
    /// An organization of customers.
    OrganizationId,
    /// A service desk.
    ServiceDeskId,
    /// A request, by its issue key.
    RequestKey,
}

/// The result of leaving.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Left {
    /// Accepted; some endpoints also accept it for an account that was no member.
    Done,
    /// There was nothing to leave.
    NothingToLeave,
}

impl Client {
    /// The organizations that the customer is in.
    pub async fn organizations(&self, id: &AccountId) -> Result<Vec<OrganizationId>, Failure> {
        let all = self.pages::<Numbered>(Call::Organizations, Some(id)).await?;
        Ok(all.into_iter().map(|numbered| OrganizationId(numbered.id)).collect())
    }

    /// Takes the customer out of an organization.
    pub async fn leave_organization(&self, organization: &OrganizationId, id: &AccountId) -> Result<Left, Failure> {
        let response = self.leave(Call::LeaveOrganization, organization.as_str(), id).await?;
        left(&response, response.is_api_status(404))
    }

    /// Every service desk of the site. No call returns those of one customer.
    pub async fn service_desks(&self) -> Result<Vec<ServiceDeskId>, Failure> {
        let all = self.pages::<Numbered>(Call::ServiceDesks, None).await?;
        Ok(all.into_iter().map(|numbered| ServiceDeskId(numbered.id)).collect())
    }

    /// Takes the customer off a service desk. A service desk that is open to everyone returns 400: its list is empty.
    pub async fn leave_service_desk(&self, desk: &ServiceDeskId, id: &AccountId) -> Result<Left, Failure> {
        let response = self.leave(Call::LeaveServiceDesk, desk.as_str(), id).await?;
        left(&response, response.is_api_status(400) || response.is_api_status(404))
    }

    /// The open requests in which the customer takes part.
    pub async fn open_requests(&self, id: &AccountId) -> Result<Vec<RequestKey>, Failure> {
        let jql = format!(r#""Request participants" = {} AND statusCategory != Done"#, quoted(id.as_str()));
        Ok(self.issues(&jql, &["key"]).await?.into_iter().map(|issue| RequestKey(issue.key)).collect())
    }

    /// The issues that a query finds.
    pub(super) async fn issues(&self, jql: &str, fields: &[&str]) -> Result<Vec<Issue>, Failure> {
        let mut issues = Vec::new();
        let mut token: Option<String> = None;
        for _ in 0..LONGEST_LIST {
            let mut body = json!({ "jql": jql, "fields": fields, "maxResults": 100 });
            if let (Some(token), Some(fields)) = (&token, body.as_object_mut()) {
                fields.insert("nextPageToken".to_owned(), json!(token));
            }
            let mut page: Issues = self.send(Request::of(Call::OpenRequests).body(body)).await?.read()?;
            token = page.next();
            issues.append(&mut page.found);
            if token.is_none() {
                return Ok(issues);
            }
        }
        Err(failure::unreadable(Call::OpenRequests, "the list does not end"))
    }

    /// Takes the customer off a request's participants. It returns 400 for the reporter, who stays, and for an account that
    /// takes no part.
    pub async fn leave_request(&self, request: &RequestKey, id: &AccountId) -> Result<Left, Failure> {
        let response = self.leave(Call::LeaveRequest, request.as_str(), id).await?;
        left(&response, response.is_api_status(400) || response.is_api_status(404))
    }

    async fn leave(&self, call: Call, what: &str, id: &AccountId) -> Result<ApiResponse, Failure> {
        self.send(Request::of(call).id(what).body(json!({ "accountIds": [id.as_str()] }))).await
    }

    /// A whole list of JSM, which may shorten its pages: continues by the number of results, not by the requested size.
    pub(super) async fn pages<T: DeserializeOwned>(
        &self,
        call: Call,
        account: Option<&AccountId>,
    ) -> Result<Vec<T>, Failure> {
        let mut all = Vec::new();
        for _ in 0..LONGEST_LIST {
            let start = all.len().to_string();
            let mut query = vec![("start", start.as_str()), ("limit", PAGE)];
            query.extend(account.map(|id| ("accountId", id.as_str())));
            let page: Page<T> = self.send(Request::of(call).query(&query)).await?.read()?;
            let last = page.is_last_page || page.values.is_empty();
            all.extend(page.values);
            if last {
                return Ok(all);
            }
        }
        Err(failure::unreadable(call, "the list does not end"))
    }
}

fn left(response: &ApiResponse, nothing_to_leave: bool) -> Result<Left, Failure> {
    if response.is_accepted() {
        Ok(Left::Done)
    } else if nothing_to_leave {
        Ok(Left::NothingToLeave)
    } else {
        Err(response.failure())
    }
}

/// A string of JQL.
pub(super) fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

#[cfg(test)]
mod tests {
    use super::super::fake_server::{FakeServer, reply};
    use super::*;

    fn id() -> AccountId {
        AccountId::from("qm:a:1".to_owned())
    }

    #[tokio::test]
    async fn list_continues_by_received_count_until_the_last_page() {
        let server = FakeServer::scripted(|request, _| {
            let start = request.number("start");
            let last = start == 4;
            let more = if last { "" } else { r#",{"id":"b"}"# };
            reply(
                200,
                format!(r#"{{"size":2,"start":{start},"limit":2,"isLastPage":{last},"values":[{{"id":"a"}}{more}]}}"#),
            )
        })
        .await;
        assert_eq!(server.client().organizations(&id()).await.unwrap().len(), 5);
        assert_eq!(
            server.request_lines(),
            [0, 2, 4].map(|start| {
                format!("GET /rest/servicedeskapi/organization?start={start}&limit=50&accountId=qm%3Aa%3A1")
            })
        );
    }

    #[tokio::test]
    async fn a_list_without_the_last_page_flag_ends_where_nothing_comes() {
        let server = FakeServer::scripted(|_, number| {
            reply(200, if number < 2 { r#"{"values":[{"id":1}]}"# } else { r#"{"values":[]}"# })
        })
        .await;
        assert_eq!(server.client().service_desks().await.unwrap().len(), 2);
    }

    #[tokio::test]
    async fn leaving_names_the_account_in_the_body() {
        let server = FakeServer::always(204, "").await;
        let client = server.client();
        let organization = OrganizationId::from("3".to_owned());
        let desk = ServiceDeskId::from("4".to_owned());
        let request = RequestKey::from("HELP-5".to_owned());
        assert_eq!(client.leave_organization(&organization, &id()).await, Ok(Left::Done));
        assert_eq!(client.leave_service_desk(&desk, &id()).await, Ok(Left::Done));
        assert_eq!(client.leave_request(&request, &id()).await, Ok(Left::Done));
        assert_eq!(
            server.request_lines(),
            [
                "DELETE /rest/servicedeskapi/organization/3/user",
                "DELETE /rest/servicedeskapi/servicedesk/4/customer",
                "DELETE /rest/servicedeskapi/request/HELP-5/participant",
            ]
        );
        assert!(server.requests().iter().all(|seen| seen.body == r#"{"accountIds":["qm:a:1"]}"#));
        let opted_in: Vec<_> =
            server.requests().iter().map(|seen| seen.header("x-experimentalapi") == "opt-in").collect();
        assert_eq!(opted_in, [false, true, false]);
    }

    #[tokio::test]
    async fn open_desks_and_reporters_have_nothing_to_leave() {
        for (status, organization) in [(400, Err(())), (404, Ok(Left::NothingToLeave))] {
            let server = FakeServer::authenticated(status, r#"{"errorMessage":"open access"}"#).await;
            let client = server.client();
            assert_eq!(
                client.leave_service_desk(&ServiceDeskId::from("4".to_owned()), &id()).await,
                Ok(Left::NothingToLeave)
            );
            assert_eq!(
                client.leave_request(&RequestKey::from("H-5".to_owned()), &id()).await,
                Ok(Left::NothingToLeave)
            );
            let left = client.leave_organization(&OrganizationId::from("3".to_owned()), &id()).await;
            assert_eq!(left.map_err(drop), organization);
        }
    }

    #[tokio::test]
    async fn open_requests_are_found_page_by_page() {
        let server = FakeServer::scripted(|request, _| {
            let last = request.body.contains(r#""nextPageToken":"t2""#);
            let next = if last { r#""isLast":true"# } else { r#""isLast":false,"nextPageToken":"t2""# };
            reply(200, format!(r#"{{"issues":[{{"id":"1","key":"H-1"}}],{next}}}"#))
        })
        .await;
        assert_eq!(server.client().open_requests(&id()).await.unwrap().len(), 2);
        let body: serde_json::Value = serde_json::from_str(&server.requests()[0].body).unwrap();
        assert_eq!(body["jql"], r#""Request participants" = "qm:a:1" AND statusCategory != Done"#);
        assert_eq!(body["fields"], json!(["key"]));
    }

    #[test]
    fn an_id_cannot_leave_its_quotes() {
        assert_eq!(quoted(r#"a" OR "1\"#), r#""a\" OR \"1\\""#);
    }
}
