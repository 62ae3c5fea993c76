//! The case that a command line names: by its id, a unique end of it, or an email address.

use std::fmt;
use std::str::FromStr;

use crate::domain::ids::CaseId;
use crate::domain::person::EmailAddress;

/// The minimum number of characters of an end.
const SHORTEST_END: usize = 4;

/// The daemon finds the case; here only the form is checked.
#[derive(Debug, Clone)]
pub(crate) struct CaseName(String);

impl CaseName {
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
        let is_end = text.len() >= SHORTEST_END && text.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
        if is_end || text.parse::<CaseId>().is_ok() || EmailAddress::parse(text).is_ok() {
            Ok(Self(text.to_owned()))
        } else {
            Err("expected the id of a case, its end from 4 characters on, or an email address")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn id_end_and_address_are_names_of_a_case() {
        for name in ["019a2b3c-4d5e-7f60-8123-456789abcdef", "cdef", "ABCDEF", "9abc-def", "ann@example.com"] {
            assert!(name.parse::<CaseName>().is_ok(), "{name}");
        }
        for other in ["", "def", "xyzw", "ann", "019a2b3c/..", "ann@"] {
            assert!(other.parse::<CaseName>().is_err(), "{other}");
        }
    }
}
