//! The person of an event. The types hold personal data: `Debug` hides it, and none implements `Display`.

use std::fmt;

use icu_normalizer::{ComposingNormalizerBorrowed, DecomposingNormalizerBorrowed};
use serde::{Deserialize, Serialize};

/// An email address in its one canonical spelling, so that equal addresses are equal values and hash alike.
///
/// The domain is the lower-case A-label form of UTS 46, the local part is in NFC with ASCII letters in lower case. What is
/// legal is left to mail servers; a text is rejected when it could not be one address: no `@`, blanks, control, zero-width or
/// bidirectional characters, brackets or separators of a list, a scheme such as `mailto:`, more than the 254 characters of
/// RFC 5321.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct EmailAddress(String);

impl EmailAddress {
    /// Parses an email address; surrounding blanks are dropped.
    pub fn parse(text: &str) -> Result<Self, InvalidEmailAddress> {
        let text = text.trim();
        if text.len() > LONGEST || text.chars().any(is_never_in_an_address) {
            return Err(InvalidEmailAddress);
        }
        let (local, domain) = text.rsplit_once('@').ok_or(InvalidEmailAddress)?;
        let quoted = local.len() > 2 && local.starts_with('"') && local.ends_with('"');
        if local.is_empty() || !quoted && local.contains(['@', ':', '(', ')', '[', ']', '"', '\\']) {
            return Err(InvalidEmailAddress);
        }
        let local = ComposingNormalizerBorrowed::new_nfc().normalize(local).to_ascii_lowercase();
        let address = format!("{local}@{}", canonical_domain(domain)?);
        if address.len() > LONGEST { Err(InvalidEmailAddress) } else { Ok(Self(address)) }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The part after the `@`, in its canonical spelling.
    pub fn domain(&self) -> &str {
        self.0.rsplit_once('@').map_or("", |(_, domain)| domain)
    }

    /// The other spellings in which a site may have stored the address: the domain in Unicode, the local part decomposed.
    /// Empty for an address in ASCII letters.
    pub fn other_spellings(&self) -> Vec<String> {
        let (local, domain) = self.0.rsplit_once('@').unwrap_or((&self.0, ""));
        let (unicode, readable) = idna::domain_to_unicode(domain);
        let domains = if readable.is_ok() && unicode != domain { vec![domain, &unicode] } else { vec![domain] };
        let decomposed = DecomposingNormalizerBorrowed::new_nfd().normalize(local);
        let locals = if decomposed == local { vec![local] } else { vec![local, &decomposed] };
        let all = locals.iter().flat_map(|local| domains.iter().map(move |domain| format!("{local}@{domain}")));
        all.filter(|spelling| *spelling != self.0).collect()
    }
}

/// The longest address, in bytes (RFC 5321).
const LONGEST: usize = 254;

/// A domain in the spelling in which domains are compared: lower-case A-labels (UTS 46), without a final dot.
pub fn canonical_domain(text: &str) -> Result<String, InvalidEmailAddress> {
    // An address literal names a host by its number.
    if let Some(number) = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        let fits = !number.is_empty() && number.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b':'));
        return if fits { Ok(text.to_ascii_lowercase()) } else { Err(InvalidEmailAddress) };
    }
    if text.chars().any(|c| is_never_in_an_address(c) || c.is_ascii() && !is_of_a_host_name(c)) {
        return Err(InvalidEmailAddress);
    }
    let mapped = idna::domain_to_ascii(text).map_err(|_invalid| InvalidEmailAddress)?;
    let domain = mapped.strip_suffix('.').unwrap_or(&mapped);
    let fits = !domain.split('.').any(str::is_empty) && domain.chars().all(is_of_a_host_name);
    if fits { Ok(domain.to_owned()) } else { Err(InvalidEmailAddress) }
}

const fn is_of_a_host_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_')
}

/// Characters that show that a text is not one bare address: blanks and control characters, invisible ones (zero
/// width, bidirectional, variation selectors and the like: the default ignorable code points of Unicode), and those that
/// stand around or between addresses in a list.
fn is_never_in_an_address(c: char) -> bool {
    c.is_control()
        || c.is_whitespace()
        || matches!(c, '<' | '>' | ',' | ';')
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}' | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

impl fmt::Debug for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EmailAddress(…)")
    }
}

impl TryFrom<String> for EmailAddress {
    type Error = InvalidEmailAddress;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text)
    }
}

impl From<EmailAddress> for String {
    fn from(address: EmailAddress) -> Self {
        address.0
    }
}

/// A text that is no email address. The message does not repeat it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an e-mail address")]
pub struct InvalidEmailAddress;

/// The id that a source gives a person. It is unique only within the source.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PersonId(String);

impl PersonId {
    /// Parses an id: not empty, at most 256 bytes, no control characters.
    pub fn parse(text: &str) -> Result<Self, InvalidPersonId> {
        let text = text.trim();
        let fits = !text.is_empty() && text.len() <= 256 && !text.chars().any(char::is_control);
        if fits { Ok(Self(text.to_owned())) } else { Err(InvalidPersonId) }
    }

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
    type Error = InvalidPersonId;

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
pub struct InvalidPersonId;

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
    fn odd_but_legal_addresses_are_accepted() {
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
    fn text_that_cannot_be_an_address_is_rejected() {
        for bad in ["", "ann", "@example.com", "ann@", "ann bell@example.com", "ann@example.com\r\nBcc: x@example.com"]
        {
            assert_eq!(EmailAddress::parse(bad), Err(InvalidEmailAddress), "{bad}");
        }
    }

    #[test]
    fn addresses_compare_without_case() {
        assert_eq!(EmailAddress::parse("Ann@Example.COM"), EmailAddress::parse("ann@example.com"));
    }

    #[test]
    fn spellings_of_one_address_are_equal() {
        for (one, other) in [
            ("jane@m\u{fc}ller.example.com", "jane@xn--mller-kva.example.com"),
            ("jane@M\u{dc}LLER.example.com", "jane@mu\u{308}ller.example.com"),
            ("ren\u{e9}@example.com", "rene\u{301}@Example.com"),
            ("ann@example.com.", "ann@example.com"),
            ("ann@example\u{3002}com", "ann@example.com"),
            ("ann@\u{ff45}xample.com", "ann@example.com"),
            ("ann@fa\u{df}.example", "ann@xn--fa-hia.example"),
        ] {
            let read = |text: &str| EmailAddress::parse(text).unwrap();
            assert_eq!(read(one), read(other), "{one} {other}");
        }
    }

    #[test]
    fn only_ascii_letters_are_folded_in_the_local_part() {
        for (one, other) in [
            ("REN\u{c9}@example.com", "ren\u{e9}@example.com"),
            ("\u{212a}im@example.com", "xim@example.com"),
            ("\u{130}rem@example.com", "irem@example.com"),
            ("ann@fa\u{df}.example", "ann@fass.example"),
        ] {
            assert_ne!(EmailAddress::parse(one), EmailAddress::parse(other), "{one} {other}");
        }
    }

    #[test]
    fn text_that_is_not_one_bare_address_is_rejected() {
        for bad in [
            "ann@example.com\u{200b}",
            "an\u{200d}n@example.com",
            "ann@exa\u{ad}mple.com",
            "\u{feff}ann@example.com",
            "\u{202e}ann@example.com",
            "ann@example.com\u{2060}",
            "<ann@example.com>",
            "Ann <ann@example.com>",
            "ann@example.com;",
            "ann@example.com,ben@example.com",
            "ann@example.com/ben@example.com",
            "ann@ben@example.com",
            "mailto:ann@example.com",
            "(ann)ann@example.com",
            "ann@example.com:25",
            "ann@example.com>",
            "ann@exa mple.com",
            "ann@example..com",
            "ann@.example.com",
            "ann@https://example.com",
            "ann@[]",
        ] {
            assert_eq!(EmailAddress::parse(bad), Err(InvalidEmailAddress), "{}", bad.escape_unicode());
        }
    }

    #[test]
    fn other_spellings_are_those_of_the_domain_and_of_the_local_part() {
        let of = |text: &str| EmailAddress::parse(text).unwrap().other_spellings();
        assert!(of("ann@example.com").is_empty());
        assert_eq!(of("jane@xn--mller-kva.example.com"), ["jane@m\u{fc}ller.example.com"]);
        assert_eq!(of("ren\u{e9}@example.com"), ["rene\u{301}@example.com"]);
        assert_eq!(of("ren\u{e9}@m\u{fc}ller.example").len(), 3);
    }

    #[test]
    fn address_has_at_most_254_bytes() {
        let long = |bytes: usize| format!("{}@example.com", "a".repeat(bytes - "@example.com".len()));
        assert!(EmailAddress::parse(&long(254)).is_ok());
        assert_eq!(EmailAddress::parse(&long(255)), Err(InvalidEmailAddress));
    }

    #[test]
    fn domain_is_the_part_after_the_last_at() {
        assert_eq!(EmailAddress::parse("\"a@b\"@Example.com").unwrap().domain(), "example.com");
    }

    #[test]
    fn person_id_is_kept_as_the_source_writes_it() {
        assert_eq!(PersonId::parse(" EMP 007/b ").unwrap().as_str(), "EMP 007/b");
        assert_eq!(String::from(PersonId::parse("42").unwrap()), "42");
        assert!(PersonId::parse(&"7".repeat(256)).is_ok());
        for bad in ["", "  ", "4\n2", "4\u{7f}2", &"7".repeat(257)] {
            assert_eq!(PersonId::parse(bad), Err(InvalidPersonId), "{bad:?}");
        }
    }

    #[test]
    fn debug_hides_personal_data() {
        let person = Person { id: PersonId::parse("42").ok(), email: EmailAddress::parse("ann@example.com").ok() };
        let shown = format!("{person:?}");
        assert_eq!(shown, "Person { id: Some(PersonId(…)), email: Some(EmailAddress(…)) }");
    }
}
