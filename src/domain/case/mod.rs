//! A case: the offboarding of one person on one site, and the rules by which its state changes.
//!
//! ```text
//!                    departure_cancelled, returned, cancel (nothing done yet) ──▶ cancelled
//!                                          │
//!  scheduled ──time──▶ revoking ──read-back──▶ revoked ──time──▶ deleting ──read-back──▶ deletion_grace ──time, read──▶ erased
//!      ▲                  │  │                    │                 │                         │
//!      │                  │  └─ not found ─▶ no_account             │                         └─ returned, reinvite ─▶ restored
//!    release              │                       │                 │
//!    approve ── held ◀────┴───────────────────────┴─────────────────┤ (observe, approval, brake, hold)
//!                                                                   │
//!  returned, cancelled, cancel after the revoke ─▶ restoring ──access granted ──▶ restored
//!  a human must decide ─▶ needs_attention ──retry──▶ the state that follows from its progress
//! ```
//!
//! Two ideas keep this small:
//!
//! * **Progress, not stages.** [`Progress`] records once what was done to the account. The state follows from progress, terms,
//!   direction and time (`Case::proceed`). Release, retry and a stop all end there, so none of them can resume at the wrong
//!   place.
//! * **The queue is derived.** Each state requires a job at a time ([`Case::job_wanted`]); the store writes that job in the
//!   transaction that writes the state.
//!
//! A call whose response was lost may have taken effect. *Dispatched* is therefore written before the call and *done* after a
//! read, and everything between the two counts as "may have taken effect".

// The data.
mod approval;
mod attention;
mod deadline;
mod demand;
mod job;
mod offboarding;
mod progress;
mod state;
mod terms;
mod transition;

// The rules, as methods of `Case`.
mod approvals;
mod demands;
mod erasure;
mod machine;
mod operators;
mod plan;
mod results;

#[cfg(test)]
pub(in crate::domain) mod tests;

pub use self::approval::{Approval, Escalation, Stage};
pub use self::attention::{Attention, AttentionReason};
pub use self::deadline::{DeadlineStep, ErasureDeadline};
pub use self::demand::{Cause, Demand, EndedDemands};
pub use self::job::{JobKind, WantedJob};
pub use self::offboarding::{Case, Direction};
pub use self::progress::Progress;
pub use self::state::{Hold, State, StateName};
pub use self::terms::Terms;
pub use self::transition::{Change, InvalidTransition, Transition};
