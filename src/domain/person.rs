//! Who an event is about. What is written here is personal data: `Debug` hides it, nothing implements `Display`.

use std::fmt;

use serde::{Deserialize, Serialize};

/// An e-mail address, compared without regard to case.
///
/// It is kept in lower case, so that equal addresses are equal values and hash alike. What is legal is left to mail
/// servers: an address is refused only when it could not be one (no `@`, blanks, control characters, longer than the
/// 254 characters of RFC 5321).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct EmailAddress(String);

impl EmailAddress {
    /// Reads an address; surrounding blanks are dropped.
    pub fn parse(text: &str) -> Result<Self, NotAnAddress> {
        let text = text.trim();
        let (local, domain) = text.rsplit_once('@').ok_or(NotAnAddress)?;
        let fits = !local.is_empty()
            && !domain.is_empty()
            && text.len() <= 254
            && !text.chars().any(|c| c.is_control() || c.is_whitespace());
        if fits { Ok(Self(text.to_lowercase())) } else { Err(NotAnAddress) }
    }

    /// The address, in lower case.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What stands behind the `@`.
    pub fn domain(&self) -> &str {
        self.0.rsplit_once('@').map_or("", |(_, domain)| domain)
    }
}

impl fmt::Debug for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EmailAddress(…)")
    }
}

impl TryFrom<String> for EmailAddress {
    type Error = NotAnAddress;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text)
    }
}

impl From<EmailAddress> for String {
    fn from(address: EmailAddress) -> Self {
        address.0
    }
}

/// A text that is no e-mail address. The text is not repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an e-mail address")]
pub struct NotAnAddress;

/// How a source numbers a person. Means something only together with the source.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PersonId(String);

impl PersonId {
    /// Reads an id: not empty, at most 256 bytes, no control characters.
    pub fn parse(text: &str) -> Result<Self, NotAnId> {
        let text = text.trim();
        let fits = !text.is_empty() && text.len() <= 256 && !text.chars().any(char::is_control);
        if fits { Ok(Self(text.to_owned())) } else { Err(NotAnId) }
    }

    /// The id as the source writes it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PersonId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PersonId(…)")
    }
}

impl TryFrom<String> for PersonId {
    type Error = NotAnId;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text)
    }
}

impl From<PersonId> for String {
    fn from(id: PersonId) -> Self {
        id.0
    }
}

/// A text that is no person id. The text is not repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a person id has 1 to 256 bytes and no control characters")]
pub struct NotAnId;

/// Who an event is about: the source's person id, an address, or both.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// The source's own number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<PersonId>,
    /// The address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<EmailAddress>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_but_legal_addresses_are_read() {
        for odd in [
            "o'brien+jira@example.com",
            "\"a@b\"@example.com",
            "käthe@example.com",
            "x@[192.0.2.1]",
            " Ann@Example.com ",
        ] {
            assert!(EmailAddress::parse(odd).is_ok(), "{odd}");
        }
    }

    #[test]
    fn what_cannot_be_an_address_is_refused() {
        for bad in ["", "ann", "@example.com", "ann@", "ann bell@example.com", "ann@example.com\r\nBcc: x@example.com"]
        {
            assert_eq!(EmailAddress::parse(bad), Err(NotAnAddress), "{bad}");
        }
    }

    #[test]
    fn addresses_compare_without_case() {
        assert_eq!(EmailAddress::parse("Ann@Example.COM"), EmailAddress::parse("ann@example.com"));
    }

    #[test]
    fn an_address_has_at_most_254_bytes() {
        let long = |bytes: usize| format!("{}@example.com", "a".repeat(bytes - "@example.com".len()));
        assert!(EmailAddress::parse(&long(254)).is_ok());
        assert_eq!(EmailAddress::parse(&long(255)), Err(NotAnAddress));
    }

    #[test]
    fn the_domain_is_what_stands_behind_the_last_at() {
        assert_eq!(EmailAddress::parse("\"a@b\"@Example.com").unwrap().domain(), "example.com");
    }

    #[test]
    fn an_id_is_kept_as_the_source_writes_it() {
        assert_eq!(PersonId::parse(" EMP 007/b ").unwrap().as_str(), "EMP 007/b");
        assert_eq!(String::from(PersonId::parse("42").unwrap()), "42");
        assert!(PersonId::parse(&"7".repeat(256)).is_ok());
        for bad in ["", "  ", "4\n2", "4\u{7f}2", &"7".repeat(257)] {
            assert_eq!(PersonId::parse(bad), Err(NotAnId), "{bad:?}");
        }
    }

    #[test]
    fn debug_shows_nobody() {
        let person = Person { id: PersonId::parse("42").ok(), email: EmailAddress::parse("ann@example.com").ok() };
        let shown = format!("{person:?}");
        assert_eq!(shown, "Person { id: Some(PersonId(…)), email: Some(EmailAddress(…)) }");
    }
}
