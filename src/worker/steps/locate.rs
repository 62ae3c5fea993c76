//! Finds the person's account by a read right before the change.

use crate::atlassian::UserSurvey;
use crate::domain::account::{Account, AccountType, Candidate};
use crate::domain::case::{Attention, Transition};
use crate::domain::guard::{self, GuardViolation, Identification};
use crate::domain::person::EmailAddress;
use crate::domain::retry::Failure;
use crate::store::KnownAccount;
use crate::worker::attempt::{Attempt, Outcome, StepError};

/// The maximum number of stored candidates.
const MOST_CANDIDATES: usize = 20;

pub(super) enum Located {
    /// This read found no reason against a change.
    Here(Account),
    /// The account was known, and all reads agreed that it is gone: neither its id (404, or a nameless shell) nor the
    /// list of all accounts finds it.
    Gone,
    /// The account cannot be read by its id, but is in the list of all accounts, with these values. One of them lags
    /// behind, or Atlassian does not show such accounts by id.
    Listed(Account),
}

/// Finds the account by the person's exact email address, or reads the known one. Either way the account was read by id
/// right now and passed the guard. The observations go into the attempt's record.
pub(super) async fn locate(attempt: &mut Attempt<'_>) -> Result<Located, StepError> {
    let Some(email) = attempt.record.person.email.clone() else {
        return Err(Outcome::stuck(Attention::no_email()).into());
    };
    // Before any call: a protected email address needs none.
    if attempt.client.site().protect.covers_address(&email) {
        return Err(Outcome::stuck(GuardViolation::Protected).into());
    }
    let known = match &attempt.record.account {
        Some(known) => known.clone(),
        None => find(attempt, &email).await?,
    };
    let read = attempt.client.read(&known.id).await?.filter(|account| !account.former);
    attempt.record.account = Some(known.clone());
    let Some(account) = read else { return vanished(attempt, &known, &email).await };
    if is_fallback(&account) {
        return Err(unavailable(attempt).unwrap_or_else(|| Outcome::stuck(GuardViolation::NotACustomer)).into());
    }
    attempt.record.account_type = Some(account.account_type);
    attempt.record.reads_without_account = 0;
    match guard::examine(&account, &email, &attempt.client.site().protect) {
        Ok(()) => Ok(Located::Here(account)),
        Err(violation) => {
            if violation == GuardViolation::AddressUnconfirmed {
                // Accounts hide their email addresses from a caller without that permission.
                ensure_can_browse_users(attempt).await?;
            }
            Err(Outcome::stuck(violation).into())
        }
    }
}

/// Whether Atlassian shows a record with fallback values: the real one is temporarily unavailable, so that none of its
/// values count.
pub(super) const fn is_fallback(account: &Account) -> bool {
    matches!(account.account_type, AccountType::Unknown)
}

/// The outcome of a fallback record: another read, as long as one is due.
pub(super) fn unavailable(attempt: &mut Attempt<'_>) -> Option<Outcome> {
    attempt.look_again("the account's record is not available at the moment; it is read again")
}

/// Handles a known account that cannot be read any more.
async fn vanished(attempt: &mut Attempt<'_>, known: &KnownAccount, email: &EmailAddress) -> Result<Located, StepError> {
    ensure_can_browse_users(attempt).await?;
    let listed = attempt.client.scan(email).await?;
    if let Some(account) = listed.iter().find(|account| account.id == known.id) {
        return Ok(Located::Listed(account.clone()));
    }
    if let Some(outcome) = attempt.look_again("the account cannot be read; it is read again") {
        return Err(outcome.into());
    }
    // A customer account that was migrated to an Atlassian account is not gone: the person still has access, by another
    // account.
    let deletion_dispatched = attempt.record.case.progress.deletion_dispatched_at.is_some();
    if !known.twin && !deletion_dispatched && guard::is_migrated(&known.id, &listed) {
        attempt.record.account = Some(KnownAccount { twin: true, ..known.clone() });
        return Err(Outcome::stuck(Attention::migrated()).into());
    }
    Ok(Located::Gone)
}

/// Finds the email address: among active accounts by search, then among all accounts by scan. A search finds neither
/// accounts that were revoked before nor, for a while, new ones.
async fn find(attempt: &mut Attempt<'_>, email: &EmailAddress) -> Result<KnownAccount, StepError> {
    let protect = &attempt.client.site().protect;
    let mut candidates = attempt.client.search(email).await?;
    let mut survey = UserSurvey::default();
    let mut identification = guard::identify(&candidates, email, protect);
    if identification == Identification::NotFound {
        survey = attempt.client.survey(email).await?;
        candidates.clone_from(&survey.found);
        identification = guard::identify(&candidates, email, protect);
    }
    if identification == Identification::Rejected(GuardViolation::AddressUnconfirmed) {
        // Accounts hide their email addresses from a caller without that permission.
        ensure_can_browse_users(attempt).await?;
    }
    attempt.record.candidates.clear();
    if identification == Identification::Rejected(GuardViolation::AmbiguousAccount) {
        let of_that_address = candidates.iter().filter(|candidate| candidate.email.as_ref() == Some(email));
        attempt.record.candidates = of_that_address.take(MOST_CANDIDATES).map(Candidate::from).collect();
    }
    match identification {
        Identification::Rejected(GuardViolation::NotACustomer) if candidates.iter().any(is_fallback) => {
            Err(unavailable(attempt).unwrap_or_else(|| Outcome::stuck(GuardViolation::NotACustomer)).into())
        }
        Identification::Found { account, twin } => Ok(KnownAccount { id: account.id, twin }),
        Identification::Rejected(violation) => Err(Outcome::stuck(violation).into()),
        Identification::NotFound => {
            ensure_can_browse_users(attempt).await?;
            // The search is only eventually consistent.
            if let Some(again) = attempt.look_again("no account has this email address yet; the search is repeated") {
                return Err(again.into());
            }
            Err(renamed(attempt).await?.unwrap_or_else(|| no_account(&survey)).into())
        }
    }
}

/// Ensures that "not found" is reliable. An account without permission to browse users gets an empty list, not a 403.
/// Under the cloud id of another site, the account is really absent.
pub(super) async fn ensure_can_browse_users(attempt: &Attempt<'_>) -> Result<(), StepError> {
    let missing_access = attempt.client.missing_access().await?;
    if missing_access.is_empty() {
        Ok(())
    } else {
        Err(Failure::AccessDenied { detail: missing_access.join("; ") }.into())
    }
}

/// The error for an account that is [`Located::Listed`], until the list agrees with the read.
pub(super) fn still_listed(account: &Account) -> StepError {
    StepError::transient(if account.active {
        "the account cannot be read by its id, but the list of users still has it, active"
    } else {
        "the account cannot be read by its id, but the list of users still has it, without access"
    })
}

/// An account may have a former email address of a person whose email address changed on leaving. A human decides; such
/// a case is never closed as if there were no account.
async fn renamed(attempt: &Attempt<'_>) -> Result<Option<Outcome>, StepError> {
    let (Some(source), Some(id)) = (&attempt.record.case.source, &attempt.record.person.id) else { return Ok(None) };
    let former = attempt.context.store.former_addresses(source, id).await?;
    let protect = &attempt.client.site().protect;
    let mut found = false;
    for email in &former {
        let candidates = attempt.client.search(email).await?;
        let identification = match guard::identify(&candidates, email, protect) {
            Identification::NotFound => guard::identify(&attempt.client.survey(email).await?.found, email, protect),
            identification @ (Identification::Found { .. } | Identification::Rejected(_)) => identification,
        };
        found |= identification != Identification::NotFound;
    }
    Ok((!former.is_empty()).then(|| Outcome::stuck(Attention::renamed(found))))
}

/// No read found the person, which is conclusive only where most customers show their email address.
fn no_account(survey: &UserSurvey) -> Outcome {
    if survey.hides_too_many() {
        Outcome::stuck(Attention::hidden_addresses(survey.hidden, survey.customers))
    } else {
        Outcome::finished(Transition::AccountMissing, "not_found")
    }
}
