//! Who appears. All of them are customers in the sandbox's sample.

/// Somebody who appears.
#[derive(Debug)]
pub(super) struct Character {
    /// How the HR system numbers this person.
    pub(super) id: &'static str,
    pub(super) name: &'static str,
    pub(super) email: &'static str,
}

/// Leaves.
pub(super) const ANN: Character = Character { id: "101", name: "Ann Archer", email: "ann@example.com" };

/// Is to leave, and stays.
pub(super) const BEN: Character = Character { id: "105", name: "Ben Baker", email: "ben@example.com" };

/// Leaves, and is hired again.
pub(super) const IDA: Character = Character { id: "114", name: "Ida Irving", email: "ida@example.com" };

/// Is the one whom a forger wants gone.
pub(super) const JON: Character = Character { id: "115", name: "Jon Jansen", email: "jon@example.com" };
