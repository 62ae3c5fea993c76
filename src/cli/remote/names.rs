//! What a command line names: a case by its id, a unique end of it, or an email address; a delivery by its id or its end.

use std::fmt;
use std::str::FromStr;

use crate::domain::ids::{CaseId, DeliveryId};
use crate::domain::person::EmailAddress;

/// The minimum number of characters of an end.
const SHORTEST_END: usize = 4;

/// The daemon finds the case; here only the form is checked.
#[derive(Debug, Clone)]
pub(crate) struct CaseName(String);

/// The daemon finds the delivery; here only the form is checked.
#[derive(Debug, Clone)]
pub(crate) struct DeliveryName(String);

impl CaseName {
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

impl DeliveryName {
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for CaseName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for CaseName {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        if is_end(text) || text.parse::<CaseId>().is_ok() || EmailAddress::parse(text).is_ok() {
            Ok(Self(text.to_owned()))
        } else {
            Err("expected the id of a case, its end from 4 characters on, or an email address")
        }
    }
}

impl FromStr for DeliveryName {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        if is_end(text) || text.parse::<DeliveryId>().is_ok() {
            Ok(Self(text.to_owned()))
        } else {
            Err("expected the id of a delivery, or its end from 4 characters on")
        }
    }
}

fn is_end(text: &str) -> bool {
    text.len() >= SHORTEST_END && text.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn id_end_and_address_are_names_of_a_case() {
        for name in ["019a2b3c-4d5e-7f60-8123-456789abcdef", "cdef", "ABCDEF", "9abc-def", "ann@example.com"] {
            assert!(name.parse::<CaseName>().is_ok(), "{name}");
            assert_eq!(name.parse::<DeliveryName>().is_ok(), !name.contains('@'), "{name}");
        }
        for other in ["", "def", "xyzw", "ann", "019a2b3c/..", "ann@"] {
            assert!(other.parse::<CaseName>().is_err() && other.parse::<DeliveryName>().is_err(), "{other}");
        }
    }
}
