//! Sizes as the settings write them: `"512KiB"`, `"1MiB"`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::text;

/// A number of bytes, at least one and at most [`ByteSize::LARGEST`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ByteSize(u32);

/// The units, the largest first.
const UNITS: [(&str, u32); 5] = [("MiB", 1 << 20), ("MB", 1_000_000), ("KiB", 1 << 10), ("KB", 1000), ("B", 1)];

impl ByteSize {
    /// 64 MiB: no webhook is larger, and every one is held in memory while it is verified.
    pub const LARGEST: Self = Self::from_mebibytes(64);

    /// So many times 1,048,576 bytes.
    pub const fn from_mebibytes(mebibytes: u32) -> Self {
        Self(mebibytes << 20)
    }

    /// The number of bytes.
    pub fn bytes(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }
}

impl FromStr for ByteSize {
    type Err = ByteSizeError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (number, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit()).ok_or(ByteSizeError)?);
        let (_, size) = UNITS.iter().find(|(name, _)| *name == unit.trim_start()).ok_or(ByteSizeError)?;
        let bytes = number.parse::<u32>().ok().and_then(|number| number.checked_mul(*size)).ok_or(ByteSizeError)?;
        if (1..=Self::LARGEST.0).contains(&bytes) { Ok(Self(bytes)) } else { Err(ByteSizeError) }
    }
}

impl fmt::Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (unit, size) = UNITS.into_iter().find(|(_, size)| self.0.is_multiple_of(*size)).unwrap_or(("B", 1));
        write!(f, "{}{unit}", self.0 / size)
    }
}

impl Serialize for ByteSize {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ByteSize {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        text::deserialize(deserializer, r#"a size like "512KiB" or "1MiB""#)
    }
}

/// A text that is no size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "not a size: write a whole number with the unit B, KiB, MiB, KB or MB, like \"1MiB\", from \"1B\" to \"{}\"",
    ByteSize::LARGEST
)]
pub struct ByteSizeError;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_unit_is_read_and_printed_again() {
        for (text, bytes) in [("1MiB", 1_048_576), ("1MB", 1_000_000), ("512KiB", 524_288), ("3KB", 3000), ("17B", 17)]
        {
            let size: ByteSize = text.parse().unwrap();
            assert_eq!((size.bytes(), size.to_string().as_str()), (bytes, text));
        }
        assert_eq!("1 MiB".parse(), Ok(ByteSize::from_mebibytes(1)));
    }

    #[test]
    fn what_is_no_size_or_too_large_is_refused() {
        for text in ["", "1", "MiB", "0B", "-1B", "1.5MiB", "1mib", "65MiB", "9999999999B", "4294967295MiB"] {
            assert_eq!(text.parse::<ByteSize>(), Err(ByteSizeError), "{text}");
        }
    }
}
