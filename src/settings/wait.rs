//! Durations that must be longer than zero, because a wait of no time would be a busy loop, or nothing at all.
//!
//! For `#[serde(deserialize_with = …)]`.

use std::str::FromStr;

use serde::de::{Deserialize, Deserializer};

use super::text;
use crate::duration::{ConfigDuration, DurationError};

struct Positive(ConfigDuration);

#[derive(Debug, thiserror::Error)]
enum PositiveError {
    #[error(transparent)]
    Invalid(#[from] DurationError),
    #[error("must be longer than zero: write a duration like \"30s\"")]
    Zero,
}

impl FromStr for Positive {
    type Err = PositiveError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let duration: ConfigDuration = text.parse()?;
        if duration.is_zero() { Err(PositiveError::Zero) } else { Ok(Self(duration)) }
    }
}

impl<'de> Deserialize<'de> for Positive {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        text::deserialize(deserializer, ConfigDuration::EXPECTED)
    }
}

pub(super) fn positive<'de, D: Deserializer<'de>>(deserializer: D) -> Result<ConfigDuration, D::Error> {
    Positive::deserialize(deserializer).map(|duration| duration.0)
}

pub(super) fn some_positive<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<ConfigDuration>, D::Error> {
    positive(deserializer).map(Some)
}

pub(super) fn all_positive<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<ConfigDuration>, D::Error> {
    let durations = Vec::<Positive>::deserialize(deserializer)?;
    Ok(durations.into_iter().map(|duration| duration.0).collect())
}
