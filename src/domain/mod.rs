//! The rules: what an event results in, what a case does next, which accounts are protected, when a call is retried.
//!
//! Pure: no I/O, no async, no clock, no tracing. Functions receive what they need, `now` and `jitter` included.

pub mod account;
pub mod blocked;
pub mod brake;
pub mod case;
pub mod clock_check;
pub mod desk_request;
pub mod event;
pub mod facts;
pub mod guard;
pub mod ids;
pub mod import_format;
pub mod notice;
pub mod operator;
pub mod own_request;
pub mod person;
pub mod policy;
pub mod problem;
pub mod recent_rejections;
pub mod repeat;
pub mod retry;
pub mod routing;
pub mod site_health;

/// Implements the names of a fieldless enum: `as_str`, `ALL`, `FromStr`, `Display` and serde use the same names.
macro_rules! named {
    ($type:ident { $($variant:ident = $name:literal),+ $(,)? }) => {
        impl $type {
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The name in JSON, settings, database and logs.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name),+ }
            }
        }

        impl std::fmt::Display for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl std::str::FromStr for $type {
            type Err = crate::domain::UnknownName;

            fn from_str(name: &str) -> Result<Self, Self::Err> {
                match name {
                    $($name => Ok(Self::$variant),)+
                    _ => Err(crate::domain::UnknownName { expected: &[$($name),+] }),
                }
            }
        }

        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let name = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
                name.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}
pub(crate) use named;

/// A name that is not one of those expected. The message does not repeat it, because it may be personal data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected one of: {}", expected.join(", "))]
pub struct UnknownName {
    pub expected: &'static [&'static str],
}
