//! The open requests of a person, read on demand for a human who decides about a case.

use std::collections::BTreeMap;

use super::client::Client;
use super::detach::quoted;
use super::wire::Issue;
use crate::domain::account::AccountId;
use crate::domain::desk_request::DeskRequest;
use crate::domain::guard::{self, Identification};
use crate::domain::person::EmailAddress;
use crate::domain::retry::Failure;

impl Client {
    /// The open requests that the customer raised or takes part in, by key.
    pub async fn requests_of(&self, id: &AccountId) -> Result<Vec<DeskRequest>, Failure> {
        let mut requests = BTreeMap::new();
        for field in ["reporter", "\"Request participants\""] {
            let jql = format!("{field} = {} AND statusCategory != Done", quoted(id.as_str()));
            let issues = self.issues(&jql, &["summary", "status"]).await?;
            requests.extend(issues.into_iter().map(|issue| (issue.key.clone(), request(issue))));
        }
        Ok(requests.into_values().collect())
    }

    /// The same for the account of an email address; none if it is not found exactly once.
    pub async fn requests_of_address(&self, email: &EmailAddress) -> Result<Vec<DeskRequest>, Failure> {
        let candidates = self.search(email).await?;
        match guard::identify(&candidates, email, &self.site().protect) {
            Identification::Found { account, .. } => self.requests_of(&account.id).await,
            Identification::NotFound | Identification::Rejected(_) => Ok(Vec::new()),
        }
    }
}

fn request(issue: Issue) -> DeskRequest {
    let Issue { key, fields } = issue;
    let status = fields.status.and_then(|status| status.name).unwrap_or_default();
    DeskRequest { key, summary: fields.summary.unwrap_or_default(), status }
}

#[cfg(test)]
mod tests {
    use super::super::fake_server::{FakeServer, reply};
    use super::*;

    #[tokio::test]
    async fn raised_and_joined_requests_are_merged_by_key() {
        let server = FakeServer::scripted(|request, _| {
            let issue =
                |key: &str| format!(r#"{{"key":"{key}","fields":{{"summary":"Printer","status":{{"name":"Open"}}}}}}"#);
            let raised = request.body.contains("reporter");
            let issues = if raised { [issue("HELP-2"), issue("HELP-1")] } else { [issue("HELP-1"), issue("HELP-3")] };
            reply(200, format!(r#"{{"issues":[{}],"isLast":true}}"#, issues.join(",")))
        })
        .await;
        let requests = server.client().requests_of(&AccountId::from("qm:a:1".to_owned())).await.unwrap();
        let keys: Vec<_> = requests.iter().map(|request| request.key.as_str()).collect();
        assert_eq!(keys, ["HELP-1", "HELP-2", "HELP-3"]);
        let first = requests.first().unwrap();
        assert_eq!((first.summary.as_str(), first.status.as_str()), ("Printer", "Open"));
    }
}
