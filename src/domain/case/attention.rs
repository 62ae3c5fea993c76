//! Why a case needs a human, and what the human can do about it.
//!
//! The details are shown to operators and written to the journal, so they hold no personal data.

use crate::domain::guard::GuardViolation;
use crate::domain::named;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attention {
    pub reason: AttentionReason,
    /// A sentence for the operator, without personal data.
    pub detail: String,
}

/// Why a human is needed. The first six are documented at [`GuardViolation`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum AttentionReason {
    AmbiguousAccount,
    NotACustomer,
    Protected,
    AddressUnconfirmed,
    Regranted,
    AddressChanged,
    /// Access has to be granted again by hand: there is no API for it.
    GrantNeeded,
    /// Atlassian rejected the call permanently.
    Refused,
    /// The call failed for as long as the settings allow.
    RetriesExhausted,
    /// The source gave no email address, and none is known.
    NoEmail,
    /// Another source than the one that opened the case reports that the person is here.
    SourcesDisagree,
    /// A body arrived a second time after another event took effect, and no signed time proves that it is new.
    Repeated,
}

named!(AttentionReason {
    AmbiguousAccount = "ambiguous_account",
    NotACustomer = "not_a_customer",
    Protected = "protected",
    AddressUnconfirmed = "address_unconfirmed",
    Regranted = "regranted",
    AddressChanged = "address_changed",
    GrantNeeded = "grant_needed",
    Refused = "refused",
    RetriesExhausted = "retries_exhausted",
    NoEmail = "no_email",
    SourcesDisagree = "sources_disagree",
    Repeated = "repeated",
});

impl From<GuardViolation> for Attention {
    fn from(violation: GuardViolation) -> Self {
        let reason = match violation {
            GuardViolation::AmbiguousAccount => AttentionReason::AmbiguousAccount,
            GuardViolation::NotACustomer => AttentionReason::NotACustomer,
            GuardViolation::Protected => AttentionReason::Protected,
            GuardViolation::AddressUnconfirmed => AttentionReason::AddressUnconfirmed,
            GuardViolation::AddressChanged => AttentionReason::AddressChanged,
            GuardViolation::Regranted => AttentionReason::Regranted,
        };
        Self::new(reason, violation.explain())
    }
}

impl Attention {
    pub fn new(reason: AttentionReason, detail: impl Into<String>) -> Self {
        Self { reason, detail: detail.into() }
    }

    /// The source gave no email address, and none is known.
    pub fn no_email() -> Self {
        Self::new(
            AttentionReason::NoEmail,
            "the source gave no address and none is known for this person: retry when one is",
        )
    }

    /// An event whose body may be a recording of an earlier one.
    pub fn repeated() -> Self {
        Self::new(
            AttentionReason::Repeated,
            "the source sent the same body as before, another event about this person took effect since, and no signed \
             time proves that it is new: a second departure, or a recording that is sent again. Retry if the person leaves, \
             else cancel",
        )
    }

    /// The customer account is gone, and an active Atlassian account has its email address.
    pub fn migrated() -> Self {
        Self::new(
            AttentionReason::NotACustomer,
            "the customer account is gone and an active Atlassian account has the same address: it was migrated, not \
             erased. Atlassian accounts are managed in the organization's directory",
        )
    }

    /// No account has the email address, but the person had another one before. `found`: an account has the earlier one.
    pub fn renamed(found: bool) -> Self {
        let account = if found {
            "an account has an address that this person had before"
        } else {
            "no account has an address that this person had before either"
        };
        Self::new(
            AttentionReason::AddressChanged,
            format!(
                "no account has the address of the departure, and {account}: open a case for the earlier address if that is \
                 the leaver's account, then resolve this one, else cancel it"
            ),
        )
    }

    /// No account shows the email address, but many customers hide theirs.
    pub fn hidden_addresses(hidden: usize, customers: usize) -> Self {
        Self::new(
            AttentionReason::AddressUnconfirmed,
            format!(
                "no account shows this address, but {hidden} of the site's {customers} customers hide theirs from our \
                 credentials: the scope read:email-address:jira shows them. Retry after that, or look the address up in the \
                 administration"
            ),
        )
    }

    /// The source knows the email address under another person id as well.
    pub fn shared_address() -> Self {
        Self::new(
            AttentionReason::AddressUnconfirmed,
            "the source has another person with this address who has not left: a duplicate record was deleted, or two \
             people share a mailbox. Retry to remove the account of this address nevertheless, else cancel",
        )
    }

    /// A newer stop is known for the email address that became known.
    pub fn address_stopped() -> Self {
        Self::new(
            AttentionReason::AddressUnconfirmed,
            "since the departure, the source reported the address that became known as that of a person who is here, or an \
             operator stopped its case. Retry to remove the account of this address nevertheless, else cancel",
        )
    }

    /// The email address that became known has an open case.
    pub fn address_has_case() -> Self {
        Self::new(
            AttentionReason::AddressUnconfirmed,
            "the email address of this person became known, and another case of it is open. Cancel this case if the other \
             one covers it",
        )
    }

    /// A newer record of the source has the email address and has not left.
    pub fn address_in_use() -> Self {
        Self::new(
            AttentionReason::AddressUnconfirmed,
            "after the departure, the source reported this address as that of a person who has not left. Retry to remove \
             the account of this address nevertheless, else cancel",
        )
    }

    /// Another source than the one that opened the case reported a return.
    pub fn sources_disagree() -> Self {
        Self::new(
            AttentionReason::SourcesDisagree,
            "another source than the one that opened this case reports that the person is here. Retry if the person has \
             left nevertheless, else cancel",
        )
    }

    /// Access must be granted by hand, because there is no API for it (Atlassian's support pages on portal-only customers).
    pub fn grant_needed() -> Self {
        Self::new(
            AttentionReason::GrantNeeded,
            "grant access again by hand: admin.atlassian.com → Apps → the site → Jira Service Management → Portal-only \
             customers → ⋯ → Grant access; the case then closes by itself",
        )
    }
}
