//! Which account is the person's, read right now.

use crate::domain::account::Account;
use crate::domain::case::{Attention, Happening};
use crate::domain::guard::{self, Identified};
use crate::domain::person::EmailAddress;
use crate::domain::retry::Failure;
use crate::store::{Dossier, KnownAccount};
use crate::worker::attempt::{Attempt, Outcome};

/// The person's account, or why the attempt ends here.
pub(super) enum Located {
    /// It may be touched, as far as this read tells.
    Here(Account),
    /// It was known, and is not there any more: neither by its id (404, or a nameless shell) nor in the list of everyone.
    Gone,
    /// It cannot be read by its id, but is still in the list of everyone, as it says here. One of them lags behind, or
    /// Atlassian does not show such accounts by id.
    Listed(Account),
    /// The attempt ends with this.
    Ended(Box<Outcome>),
}

/// Finds the account by the person's exact address, or reads the one that is known. Either way the account was read by id
/// just now and passed the guard; what was learned is put into the dossier.
pub(super) async fn locate(attempt: &Attempt<'_>, dossier: &mut Dossier) -> Result<Located, Failure> {
    let Some(email) = dossier.person.email.clone() else {
        return Ok(Located::Ended(Box::new(Outcome::stuck(Attention::no_email(), dossier.clone()))));
    };
    let known = match &dossier.account {
        Some(known) => known.clone(),
        None => match find(attempt, &email, dossier).await? {
            Ok(found) => found,
            Err(outcome) => return Ok(Located::Ended(outcome)),
        },
    };
    let Some(account) = attempt.client.read(&known.id).await?.filter(|account| !account.former) else {
        must_see_people(attempt).await?;
        let listed = attempt.client.scan(&email).await?.into_iter().find(|account| account.id == known.id);
        return Ok(listed.map_or(Located::Gone, Located::Listed));
    };
    dossier.account = Some(known);
    dossier.account_type = Some(account.account_type);
    match guard::examine(&account, &email, &attempt.client.site().protect) {
        Ok(()) => Ok(Located::Here(account)),
        Err(objection) => Ok(Located::Ended(Box::new(Outcome::stuck(objection, dossier.clone())))),
    }
}

/// Looks for the address: among active accounts by search, then among everyone by scan, because a search sees neither who
/// was revoked before nor, for a while, who is new.
async fn find(
    attempt: &Attempt<'_>,
    email: &EmailAddress,
    dossier: &mut Dossier,
) -> Result<Result<KnownAccount, Box<Outcome>>, Failure> {
    let protect = &attempt.client.site().protect;
    let mut identified = guard::identify(&attempt.client.search(email).await?, email, protect);
    if identified == Identified::Nobody {
        identified = guard::identify(&attempt.client.scan(email).await?, email, protect);
    }
    Ok(match identified {
        Identified::One { account, twin } => Ok(KnownAccount { id: account.id, twin }),
        Identified::Refused(objection) => Err(Box::new(Outcome::stuck(objection, dossier.clone()))),
        Identified::Nobody => {
            must_see_people(attempt).await?;
            Err(Box::new(nobody(attempt, dossier)))
        }
    })
}

/// Who may not browse users is told that nobody is there: an empty list, not a 403; and under the cloud id of another site
/// nobody is there in truth. Before "not there" is believed, the site is asked whether we would see it.
pub(super) async fn must_see_people(attempt: &Attempt<'_>) -> Result<(), Failure> {
    let obstacles = attempt.client.obstacles().await?;
    if obstacles.is_empty() { Ok(()) } else { Err(Failure::SiteRefuses { detail: obstacles.join("; ") }) }
}

/// What is said of an account that is [`Located::Listed`], until the list says the same as the read.
pub(super) fn still_listed(account: &Account, dossier: Dossier) -> Outcome {
    let detail = if account.active {
        "the account cannot be read by its id, but the list of users still has it, active"
    } else {
        "the account cannot be read by its id, but the list of users still has it, without access"
    };
    Outcome::Failed { failure: Failure::Transient { detail: detail.to_owned(), retry_at: None }, learned: dossier }
}

/// Not found is looked again, because the search is only eventually consistent; then there is no account.
fn nobody(attempt: &Attempt<'_>, dossier: &mut Dossier) -> Outcome {
    let looks = usize::try_from(dossier.looks).unwrap_or(usize::MAX);
    dossier.looks = dossier.looks.saturating_add(1);
    match attempt.client.site().look_again.get(looks) {
        Some(wait) => {
            let at = attempt.now().saturating_add(*wait).unwrap_or(jiff::Timestamp::MAX);
            Outcome::NotYet { at, why: "nobody has this address yet; it is looked for again", learned: dossier.clone() }
        }
        None => Outcome::finished(Happening::AccountMissing, "not_found", dossier.clone()),
    }
}
