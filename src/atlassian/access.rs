//! The daemon's account at a site and its permissions: for probes of a paused site, and for `check --online`.

use std::collections::HashMap;
use std::fmt;

use serde::Deserialize;

use super::attribution::reject_unauthenticated;
use super::call::Call;
use super::client::Client;
use super::failure;
use super::transport::Request;
use super::wire::User;
use crate::domain::account::AccountType;
use crate::domain::person::EmailAddress;
use crate::domain::retry::Failure;

/// Jira's keys of the two global permissions that all calls require.
const ADMINISTER: &str = "ADMINISTER";
const BROWSE_USERS: &str = "USER_PICKER";

/// The state of the daemon's account at a site.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SiteAccess {
    /// Who we are.
    pub me: Me,
    /// "Administer Jira"; `None`: the site did not report it.
    pub administer: Option<bool>,
    /// "Browse users and groups", without which no account is found. `None`: the site did not report it.
    pub browse_users: Option<bool>,
}

/// Our own account at the site. `Debug` hides it.
#[derive(Clone, PartialEq, Eq)]
pub struct Me {
    /// Its name.
    pub name: Option<String>,
    /// Its address, unless it is hidden.
    pub email: Option<EmailAddress>,
    /// Its type.
    pub account_type: AccountType,
}

/// What the site reports without credentials.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ServerInfo {
    /// The URL that the site reports.
    pub base_url: Option<String>,
    /// `Cloud`, or something that we are not made for.
    pub deployment_type: Option<String>,
}

impl SiteAccess {
    /// The names of the missing permissions.
    pub fn missing(&self) -> Vec<&'static str> {
        let wanted = [(self.administer, "Administer Jira"), (self.browse_users, "Browse users and groups")];
        wanted.into_iter().filter(|(granted, _)| *granted == Some(false)).map(|(_, name)| name).collect()
    }
}

impl fmt::Debug for Me {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Me(…)")
    }
}

impl Client {
    /// Whether the credentials are accepted, and what they are good for: two cheap reads.
    pub async fn probe(&self) -> Result<SiteAccess, Failure> {
        let user = self.whoami().await?;
        self.access_of(user).await
    }

    /// The permissions of `user`, the daemon's account at the site.
    pub(super) async fn access_of(&self, user: User) -> Result<SiteAccess, Failure> {
        #[derive(Deserialize)]
        struct Permissions {
            permissions: HashMap<String, Permission>,
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Permission {
            have_permission: bool,
        }

        let keys = format!("{ADMINISTER},{BROWSE_USERS}");
        // Not `send`: it may call this function.
        let response = self.transport.send(Request::of(Call::Permissions).query(&[("permissions", &keys)])).await?;
        let response = reject_unauthenticated(response)?;
        let Permissions { permissions } = response.read()?;
        let granted = |key| permissions.get(key).map(|permission| permission.have_permission);
        Ok(SiteAccess {
            administer: granted(ADMINISTER),
            browse_users: granted(BROWSE_USERS),
            me: Me { email: user.address(), account_type: user.account_type(), name: user.display_name },
        })
    }

    /// The problems that make every read of accounts misleading, as far as three cheap reads show them, in words for an
    /// admin. A permission that only some calls need is not included: those calls are rejected individually.
    pub async fn missing_access(&self) -> Result<Vec<String>, Failure> {
        let mut missing_access = Vec::new();
        if self.probe().await?.browse_users == Some(false) {
            missing_access.push(failure::CANNOT_BROWSE_USERS.to_owned());
        }
        missing_access.extend(self.wrong_cloud_id().await);
        // By the responses to these reads.
        missing_access.extend(self.check_clock().err().map(|problem| problem.to_string()));
        Ok(missing_access)
    }

    /// Whether the settings name the cloud id of another site. The gateway would lead to that site, where every read
    /// returns 404. A site that does not report its id is assumed to have the configured one.
    pub async fn wrong_cloud_id(&self) -> Option<String> {
        let site = self.site();
        let ours = site.cloud_id.as_deref()?;
        let theirs = self.tenant_info().await.ok().filter(|theirs| !theirs.eq_ignore_ascii_case(ours))?;
        Some(format!("sites.{}.cloud_id is another site's: this one's is {theirs}", site.name))
    }

    /// Reads what is at the site's URL, without credentials.
    pub async fn server_info(&self) -> Result<ServerInfo, Failure> {
        self.send(Request::of(Call::ServerInfo)).await?.read()
    }

    /// Reads the site's cloud id from the site itself, without credentials.
    pub async fn tenant_info(&self) -> Result<String, Failure> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct TenantInfo {
            cloud_id: String,
        }

        // Not `send`: it may call this function.
        let info: TenantInfo = self.transport.send(Request::of(Call::TenantInfo)).await?.read()?;
        if info.cloud_id.is_empty() {
            return Err(failure::unreadable(Call::TenantInfo, "the cloud id is empty"));
        }
        Ok(info.cloud_id)
    }
}

#[cfg(test)]
mod tests {
    use super::super::fake_server::{FakeServer, reply, site_at};
    use super::super::site::Site;

    #[tokio::test]
    async fn probe_reports_the_account_and_missing_permissions() {
        let server = FakeServer::scripted(|_, number| {
            reply(200, if number == 0 {
                r#"{"accountId":"5b1","accountType":"atlassian","active":true,"displayName":"Offboarding","emailAddress":"bot@example.com"}"#
            } else {
                r#"{"permissions":{"ADMINISTER":{"havePermission":true},"USER_PICKER":{"havePermission":false}}}"#
            })
        })
        .await;
        let access = server.client().probe().await.unwrap();
        assert_eq!(access.me.name.as_deref(), Some("Offboarding"));
        assert_eq!(access.missing(), ["Browse users and groups"]);
        assert_eq!(
            server.request_lines(),
            ["GET /rest/api/3/myself", "GET /rest/api/3/mypermissions?permissions=ADMINISTER%2CUSER_PICKER"]
        );
    }

    #[tokio::test]
    async fn unreported_permission_is_not_missing() {
        let server = FakeServer::scripted(|_, number| {
            reply(200, if number == 0 { r#"{"accountId":"5b1"}"# } else { r#"{"permissions":{}}"# })
        })
        .await;
        let access = server.client().probe().await.unwrap();
        assert_eq!((access.administer, access.browse_users), (None, None));
        assert!(access.missing().is_empty());
    }

    #[tokio::test]
    async fn obstacles_are_permissions_and_a_cloud_id_of_another_site() {
        let server = FakeServer::scripted(|request, _| {
            reply(
                200,
                match request.line.as_str() {
                    "GET /rest/api/3/myself" => r#"{"accountId":"5b1"}"#,
                    "GET /_edge/tenant_info" => r#"{"cloudId":"cloud-2"}"#,
                    _ => r#"{"permissions":{"ADMINISTER":{"havePermission":false},"USER_PICKER":{"havePermission":false}}}"#,
                },
            )
        })
        .await;
        assert_eq!(
            server.client().missing_access().await.unwrap(),
            [
                "our account lacks the permission \"Browse users and groups\"",
                "sites.acme.cloud_id is another site's: this one's is cloud-2"
            ]
        );
        let own = server.client_of(Site { cloud_id: Some("Cloud-2".to_owned()), ..site_at(&server.url) });
        assert_eq!(own.wrong_cloud_id().await, None);
        let silent = FakeServer::always(404, "").await;
        assert_eq!(silent.client().wrong_cloud_id().await, None);
    }

    #[tokio::test]
    async fn site_is_queried_without_credentials_and_not_through_the_gateway() {
        let server = FakeServer::scripted(|_, number| {
            reply(
                200,
                if number == 0 {
                    r#"{"baseUrl":"https://acme.atlassian.net","deploymentType":"Cloud"}"#
                } else {
                    r#"{"cloudId":"cloud-1"}"#
                },
            )
        })
        .await;
        let client = server.client_of(Site { via_gateway: true, ..site_at(&server.url) });
        assert_eq!(client.server_info().await.unwrap().deployment_type.as_deref(), Some("Cloud"));
        assert_eq!(client.tenant_info().await.unwrap(), "cloud-1");
        assert_eq!(server.request_lines(), ["GET /rest/api/3/serverInfo", "GET /_edge/tenant_info"]);
        assert!(server.requests().iter().all(|seen| seen.header("authorization").is_empty()));
    }
}
