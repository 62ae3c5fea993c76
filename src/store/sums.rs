//! Sums over the rows of the tables in [`super::guarded`].

use std::collections::BTreeMap;

/// A table of such rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Guarded {
    Sites,
    PausedKinds,
    Sources,
    Holds,
    BrakeHolds,
    BrakeDeferred,
    Fences,
    Secrets,
}

/// A sum of keyed hashes modulo 2^256, most significant byte first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Sum(pub(super) [u8; 32]);

/// The changes of a unit of work, and whether the tables are accepted as they are.
#[derive(Debug, Default)]
pub(super) struct GuardedChanges {
    pub(super) sums: BTreeMap<Guarded, Sum>,
    pub(super) all_accepted: bool,
}

impl Sum {
    pub(super) fn plus(self, other: Self) -> Self {
        let (mut sum, mut carry) = (self.0, 0_u16);
        for (byte, addend) in sum.iter_mut().zip(other.0).rev() {
            let [high, low] = (u16::from(*byte) + u16::from(addend) + carry).to_be_bytes();
            (*byte, carry) = (low, u16::from(high));
        }
        Self(sum)
    }

    /// The two's complement.
    pub(super) fn negated(self) -> Self {
        let mut one = [0; 32];
        if let Some(last) = one.last_mut() {
            *last = 1;
        }
        Self(self.0.map(|byte| !byte)).plus(Self(one))
    }
}

impl Guarded {
    pub(super) const ALL: [Self; 8] = [
        Self::Sites,
        Self::PausedKinds,
        Self::Sources,
        Self::Holds,
        Self::BrakeHolds,
        Self::BrakeDeferred,
        Self::Fences,
        Self::Secrets,
    ];

    /// The name of the table.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Sites => "sites",
            Self::PausedKinds => "paused_kinds",
            Self::Sources => "sources",
            Self::Holds => "holds",
            Self::BrakeHolds => "brake_holds",
            Self::BrakeDeferred => "brake_deferred",
            Self::Fences => "fences",
            Self::Secrets => "offered_secrets",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sum(byte: u8) -> Sum {
        let mut bytes = [byte; 32];
        bytes[0] = byte.rotate_left(3);
        Sum(bytes)
    }

    #[test]
    fn sum_without_one_of_its_parts_is_that_of_the_others() {
        for (a, b, c) in [(1, 2, 3), (255, 255, 255), (0, 128, 127), (200, 100, 1)] {
            let all = sum(a).plus(sum(b)).plus(sum(c));
            assert_eq!(all, sum(c).plus(sum(a)).plus(sum(b)), "the order does not matter");
            assert_eq!(all.plus(sum(b).negated()), sum(a).plus(sum(c)));
            assert_ne!(all, sum(a).plus(sum(c)));
        }
        assert_eq!(sum(7).plus(sum(7).negated()), Sum::default());
        assert_eq!(Sum::default().negated(), Sum::default());
    }
}
