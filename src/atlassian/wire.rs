//! What Atlassian's answers look like, as far as we read them. Everything that may be missing is optional here.

use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::domain::account::{Account, AccountId, AccountType};
use crate::domain::person::EmailAddress;

/// A user of the Jira platform, or a customer of JSM.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct User {
    pub(super) account_id: Option<String>,
    account_type: Option<String>,
    active: Option<bool>,
    email_address: Option<String>,
    pub(super) display_name: Option<String>,
}

impl User {
    /// The address, unless it is hidden or none.
    pub(super) fn address(&self) -> Option<EmailAddress> {
        self.email_address.as_deref().and_then(|text| EmailAddress::parse(text).ok())
    }

    pub(super) fn account_type(&self) -> AccountType {
        self.account_type.as_deref().and_then(|name| name.parse().ok()).unwrap_or(AccountType::Unknown)
    }

    pub(super) fn is_inactive(&self) -> bool {
        self.active == Some(false)
    }

    /// The account, unless what decides about it is missing.
    pub(super) fn account(self) -> Option<Account> {
        let former = self.is_former();
        Some(Account {
            account_type: self.account_type(),
            active: self.active.or_else(|| former.then_some(false))?,
            email: self.address(),
            former,
            id: self.account_id.filter(|id| !id.is_empty()).map(AccountId::from)?,
        })
    }

    /// The shell of a deleted account, as Atlassian's support pages name it. A person with the same display name has
    /// access, or an email address.
    fn is_former(&self) -> bool {
        matches!(self.display_name.as_deref(), Some("Former user" | "Former user (Deactivated)"))
            && self.email_address.as_deref().is_none_or(str::is_empty)
            && self.active != Some(true)
    }
}

/// One entry of a list of users. An entry of unknown shape must not hide the others.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum ListedUser {
    /// As the reference says.
    Recognized(User),
    /// Anything else.
    Unrecognized(Value),
}

impl ListedUser {
    pub(super) fn address(&self) -> Option<EmailAddress> {
        match self {
            Self::Recognized(user) => user.address(),
            Self::Unrecognized(odd) => EmailAddress::parse(odd.get("emailAddress")?.as_str()?).ok(),
        }
    }

    /// Whether it is a customer, or may be one.
    pub(super) fn is_customer(&self) -> bool {
        let named = match self {
            Self::Recognized(user) if user.is_former() => return false,
            Self::Recognized(user) => user.account_type.as_deref(),
            Self::Unrecognized(odd) => odd.get("accountType").and_then(Value::as_str),
        };
        named == Some(AccountType::Customer.as_str())
    }

    pub(super) fn id(&self) -> Option<&str> {
        match self {
            Self::Recognized(user) => user.account_id.as_deref(),
            Self::Unrecognized(odd) => odd.get("accountId")?.as_str(),
        }
    }

    pub(super) fn hides_its_address(&self) -> bool {
        self.address().is_none()
    }

    pub(super) fn account(self) -> Option<Account> {
        match self {
            Self::Recognized(user) => user.account(),
            Self::Unrecognized(_) => None,
        }
    }
}

/// A page of JSM.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Page<T> {
    pub(super) values: Vec<T>,
    #[serde(default)]
    pub(super) is_last_page: bool,
}

/// Something of which only the id matters. Atlassian writes it as text, and here and there as a number.
#[derive(Deserialize)]
pub(super) struct Numbered {
    #[serde(deserialize_with = "text_or_number")]
    pub(super) id: String,
}

/// A page of issues found by JQL.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Issues {
    #[serde(rename = "issues")]
    pub(super) found: Vec<Issue>,
    next_page_token: Option<String>,
    #[serde(default)]
    is_last: bool,
}

impl Issues {
    /// The token of the next page, if there is one.
    pub(super) fn next(&mut self) -> Option<String> {
        self.next_page_token.take().filter(|_| !self.is_last)
    }
}

/// An issue with the requested fields.
#[derive(Deserialize)]
pub(super) struct Issue {
    pub(super) key: String,
    #[serde(default)]
    pub(super) fields: IssueFields,
}

#[derive(Default, Deserialize)]
pub(super) struct IssueFields {
    pub(super) summary: Option<String>,
    pub(super) status: Option<Named>,
}

#[derive(Deserialize)]
pub(super) struct Named {
    pub(super) name: Option<String>,
}

pub(super) fn text_or_number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum TextOrNumber {
        Text(String),
        Number(u64),
    }
    Ok(match TextOrNumber::deserialize(deserializer)? {
        TextOrNumber::Text(text) => text,
        TextOrNumber::Number(number) => number.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(json: &str) -> Option<Account> {
        serde_json::from_str::<User>(json).unwrap().account()
    }

    #[test]
    fn an_account_is_read() {
        let account =
            account(r#"{"accountId":"qm:1","accountType":"customer","active":true,"emailAddress":"Ann@example.com"}"#);
        let expected = Account {
            id: AccountId::from("qm:1".to_owned()),
            account_type: AccountType::Customer,
            active: true,
            email: EmailAddress::parse("ann@example.com").ok(),
            former: false,
        };
        assert_eq!(account, Some(expected));
    }

    #[test]
    fn a_type_that_we_do_not_know_is_unknown() {
        for json in [r#"{"accountId":"1","active":true,"accountType":"robot"}"#, r#"{"accountId":"1","active":true}"#] {
            assert_eq!(account(json).unwrap().account_type, AccountType::Unknown);
        }
    }

    #[test]
    fn a_hidden_address_is_none() {
        for email in ["null", "\"\"", "\"hidden\""] {
            let json = format!(r#"{{"accountId":"1","active":true,"emailAddress":{email}}}"#);
            assert_eq!(account(&json).unwrap().email, None, "{email}");
        }
    }

    #[test]
    fn without_id_or_activity_nothing_can_be_decided() {
        assert_eq!(account(r#"{"active":true}"#), None);
        assert_eq!(account(r#"{"accountId":"","active":true}"#), None);
        assert_eq!(account(r#"{"accountId":"1"}"#), None);
    }

    #[test]
    fn former_user_is_distinguished_from_a_person_of_that_name() {
        let former = |rest: &str| {
            account(&format!(r#"{{"accountId":"1","displayName":"Former user"{rest}}}"#)).map(|account| account.former)
        };
        assert_eq!(former(""), Some(true));
        assert_eq!(former(r#","active":false,"emailAddress":"""#), Some(true));
        assert_eq!(former(r#","active":true"#), Some(false));
        assert_eq!(former(r#","active":false,"emailAddress":"ann@example.com""#), Some(false));
    }

    #[test]
    fn ids_are_text_or_numbers() {
        let page: Page<Numbered> =
            serde_json::from_str(r#"{"values":[{"id":"7"},{"id":8}],"isLastPage":true}"#).unwrap();
        let ids: Vec<_> = page.values.into_iter().map(|numbered| numbered.id).collect();
        assert_eq!(ids, ["7", "8"]);
        assert!(page.is_last_page);
    }
}
