//! The progress of a move.

pub(super) type Progress<'a> = &'a (dyn Fn(MoveProgress) + Send + Sync);

/// How far a move is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MoveProgress {
    /// The number of copied rows.
    Copied(u64),
    /// The number of verified journal entries of the copy.
    Verified(i64),
}
