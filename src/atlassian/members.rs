//! The customers of a site, page by page: those of the directory, and those of one organization.

use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use super::call::Call;
use super::client::Client;
use super::transport::Request;
use super::wire::{ListedUser, Page};
use crate::domain::account::{AccountId, AccountType};
use crate::domain::person::EmailAddress;
use crate::domain::retry::Failure;

const DIRECTORY_PAGE: usize = 1000;
const ORGANIZATION_PAGE: &str = "50";

/// The ids of customer accounts begin so. Other accounts of an organization are read to learn their type.
const CUSTOMER_ID: &str = "qm:";

/// A part of a list of customers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MembersPage {
    pub customers: Vec<ListedCustomer>,
    /// The number of customer accounts that hide their email address from our credentials.
    pub hidden: usize,
    /// The number of accounts of another type, which are left alone.
    pub others: usize,
    /// Where the next page begins; `None` after the last one.
    pub next: Option<usize>,
    /// Identifies the content: a server that ignores the parameters returns the same page again.
    pub digest: String,
}

/// A customer account of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedCustomer {
    pub email: EmailAddress,
    /// Whether the account has access to the portal.
    pub active: bool,
}

/// An organization of customers.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct NamedOrganization {
    #[serde(deserialize_with = "super::wire::text_or_number")]
    pub id: String,
    pub name: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Member {
    account_id: String,
    email_address: Option<String>,
    account_type: Option<String>,
    active: Option<bool>,
}

impl Client {
    /// A page of the site's directory, beginning with the `start`th user.
    pub async fn directory_page(&self, start: usize) -> Result<MembersPage, Failure> {
        let users: Vec<ListedUser> = {
            let (start, most) = (start.to_string(), DIRECTORY_PAGE.to_string());
            let query = [("startAt", start.as_str()), ("maxResults", most.as_str())];
            self.send(Request::of(Call::Scan).query(&query)).await?.read()?
        };
        let mut page =
            MembersPage { digest: digest(users.iter().filter_map(ListedUser::id)), ..MembersPage::default() };
        page.next = (!users.is_empty()).then_some(start + users.len());
        for user in users {
            if !user.is_customer() {
                page.others += 1;
            } else if let Some(email) = user.address() {
                let active = user.account().is_none_or(|account| account.active);
                page.customers.push(ListedCustomer { email, active });
            } else {
                page.hidden += 1;
            }
        }
        Ok(page)
    }

    /// A page of the members of an organization, beginning with the `start`th.
    pub async fn organization_page(&self, organization: &str, start: usize) -> Result<MembersPage, Failure> {
        let from = start.to_string();
        let query = [("start", from.as_str()), ("limit", ORGANIZATION_PAGE)];
        let members: Page<Member> =
            self.send(Request::of(Call::OrganizationMembers).id(organization).query(&query)).await?.read()?;
        let mut page = MembersPage {
            digest: digest(members.values.iter().map(|member| member.account_id.as_str())),
            ..MembersPage::default()
        };
        let is_last = members.is_last_page || members.values.is_empty();
        page.next = (!is_last).then_some(start + members.values.len());
        for member in members.values {
            if !self.is_customer(&member).await? {
                page.others += 1;
            } else if let Some(email) = member.email_address.as_deref().and_then(|text| EmailAddress::parse(text).ok())
            {
                page.customers.push(ListedCustomer { email, active: member.active.unwrap_or(true) });
            } else {
                page.hidden += 1;
            }
        }
        Ok(page)
    }

    /// The organizations with this id or, regardless of case, this name.
    pub async fn find_organizations(&self, wanted: &str) -> Result<Vec<NamedOrganization>, Failure> {
        let mut found: Vec<NamedOrganization> = self.pages(Call::Organizations, None).await?;
        if let Some(by_id) = found.iter().find(|organization| organization.id == wanted) {
            return Ok(vec![by_id.clone()]);
        }
        let name = wanted.trim().to_lowercase();
        found.retain(|organization| organization.name.trim().to_lowercase() == name);
        Ok(found)
    }

    /// The list of members does not state the type of an account: an account that may be licensed is read.
    async fn is_customer(&self, member: &Member) -> Result<bool, Failure> {
        if let Some(account_type) = &member.account_type {
            return Ok(account_type == "customer");
        }
        if member.account_id.starts_with(CUSTOMER_ID) {
            return Ok(true);
        }
        let id = AccountId::from(member.account_id.clone());
        let account = self.read(&id).await?;
        Ok(account.is_some_and(|account| account.account_type == AccountType::Customer))
    }
}

#[expect(single_use_lifetimes, reason = "an anonymous lifetime is not possible in `impl Iterator`")]
fn digest<'a>(ids: impl Iterator<Item = &'a str>) -> String {
    let mut hash = Sha256::new();
    for id in ids {
        hash.update(id.as_bytes());
        hash.update([0]);
    }
    hex::encode(hash.finalize())
}
