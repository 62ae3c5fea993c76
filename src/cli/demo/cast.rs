//! The persons of the demo. All of them are customers in the sandbox's sample.

#[derive(Debug)]
pub(super) struct Character {
    /// The person id of the HR system.
    pub(super) id: &'static str,
    pub(super) name: &'static str,
    pub(super) email: &'static str,
}

/// Leaves, and is deleted.
pub(super) const ANN: Character = Character { id: "101", name: "Ann Archer", email: "ann@example.com" };

/// Has a planned departure that is cancelled.
pub(super) const BEN: Character = Character { id: "105", name: "Ben Baker", email: "ben@example.com" };

/// Leaves, and is hired again.
pub(super) const IDA: Character = Character { id: "114", name: "Ida Irving", email: "ida@example.com" };

/// Is named by a forged departure.
pub(super) const JON: Character = Character { id: "115", name: "Jon Jansen", email: "jon@example.com" };
