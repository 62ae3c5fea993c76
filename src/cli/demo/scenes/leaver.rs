//! Somebody leaves: access revoked, the local grace, the deletion, Atlassian's 14 days, erased.

use anyhow::Context as _;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};

use crate::cli::demo::bodies;
use crate::cli::demo::calendar::{DELETION_GRACE, LOCAL_GRACE, later, whole_days};
use crate::cli::demo::cast::ANN;
use crate::cli::demo::folder::BAMBOOHR;
use crate::cli::demo::hr::Webhook;
use crate::cli::demo::narrator::{self, Speaker};
use crate::cli::demo::observer::Observer;
use crate::domain::case::StateName;
use crate::domain::ids::DeliveryId;
use crate::sandbox::{CallName, CallRecord, State};

/// By what the address of a revoke is known.
const REVOKE: &str = "/revoke-portal-only-access";

/// By what the address of a deletion is known.
const DELETE: &str = "/customer/account/";

/// How the departure went in.
#[derive(Debug)]
pub(super) struct Left {
    pub(super) webhook: Webhook,
    pub(super) delivery: DeliveryId,
    revoked_at: Timestamp,
}

/// The HR system says so, and access is revoked.
pub(super) async fn leaves(observer: &Observer) -> anyhow::Result<Left> {
    narrator::title("Somebody leaves.");
    let now = observer.calendar.now();
    let yesterday = now.to_zoned(TimeZone::UTC).date().saturating_sub(1.day());
    observer.narrate(
        Speaker::Hr,
        &format!("BambooHR posts: {} ({}) is Inactive, the last day was {yesterday}", ANN.name, ANN.email),
    );
    let webhook = observer.hr.sign(BAMBOOHR, &bodies::bamboohr_inactive(&ANN, yesterday, now))?;
    let delivery = observer.deliver(&webhook).await?;

    let opened = observer.soon(&ANN, "opened").await?;
    observer.narrate_at(opened.at, Speaker::Daemon, &format!("opens a case: {}", opened.dossier.case.terms.action));
    let revoked = observer.soon(&ANN, "revoke_confirmed").await?;
    let call = only(observer, CallName::Revoke, REVOKE)?;
    let account = observer.account_of(&ANN)?;
    anyhow::ensure!(!account.active, "Ann's access should be revoked, but her account is active");
    observer.narrate_at(
        call.at,
        Speaker::Atlassian,
        &format!("sees {} …{REVOKE}, answers {}", call.method, status(&call)),
    );
    let delete_at = revoked.dossier.case.delete_at().context("no deletion is planned")?;
    observer.narrate_at(
        revoked.at,
        Speaker::Daemon,
        &format!(
            "reads the account back: access is gone. Deletes it on day {}, after a local grace of {} days",
            observer.calendar.day_of(delete_at),
            whole_days(LOCAL_GRACE),
        ),
    );
    Ok(Left { webhook, delivery, revoked_at: revoked.at })
}

/// After the local grace the account is deleted.
pub(super) async fn is_deleted(observer: &Observer, left: &Left) -> anyhow::Result<()> {
    narrator::title("The local grace of the one who left is over.");
    let expected = later(left.revoked_at, LOCAL_GRACE);
    let accepted = observer.until(&ANN, "deletion_accepted", observer.calendar.deadline(expected)).await?;
    let call = only(observer, CallName::Delete, DELETE)?;
    let waited = call.at.duration_since(left.revoked_at);
    anyhow::ensure!(waited >= LOCAL_GRACE, "the deletion came {} days after the revoke", whole_days(waited));
    let account = observer.account_of(&ANN)?;
    anyhow::ensure!(account.state == State::Deleted, "Ann's account should be deleted, but is {:?}", account.state);
    observer.narrate_at(
        call.at,
        Speaker::Atlassian,
        &format!(
            "sees {} …{DELETE}…, answers {}: {} days after the revoke, and not before",
            call.method,
            status(&call),
            whole_days(waited),
        ),
    );
    let grace_ends_at =
        accepted.dossier.case.progress.grace_ends_at.context("no end of the deletion grace is known")?;
    observer.narrate_at(
        accepted.at,
        Speaker::Daemon,
        &format!("reads back: gone. Atlassian's own grace runs until day {}", observer.calendar.day_of(grace_ends_at)),
    );
    Ok(())
}

/// After Atlassian's grace two reads confirm it, and the case forgets.
pub(super) async fn is_erased(observer: &Observer) -> anyhow::Result<()> {
    narrator::title("Atlassian's 14 days are over.");
    let asked = only(observer, CallName::Delete, DELETE)?.at;
    let seen = observer.until(&ANN, "gone_seen", observer.calendar.deadline(later(asked, DELETION_GRACE))).await?;
    let waited = seen.at.duration_since(asked);
    anyhow::ensure!(waited >= DELETION_GRACE, "the grace was over after {} days", whole_days(waited));
    let last_look_at = seen.dossier.case.progress.last_look_at.context("no last look is planned")?;
    observer.narrate_at(
        seen.at,
        Speaker::Daemon,
        &format!("reads once more: still gone. Looks a last time on day {}", observer.calendar.day_of(last_look_at)),
    );
    let gone = observer.until(&ANN, "gone_confirmed", observer.calendar.deadline(last_look_at)).await?;
    gone.require_state(StateName::Erased)?;
    let known = &gone.dossier;
    anyhow::ensure!(
        known.person.email.is_none() && known.person.id.is_none() && known.account.is_none(),
        "the erased case still knows whom it was about"
    );
    observer.narrate_at(
        gone.at,
        Speaker::Daemon,
        "finds nobody. The case is erased, and has forgotten whom it was about",
    );
    let history: Vec<_> = observer.store.history(known).await?.into_iter().map(|entry| entry.kind).collect();
    observer.narrate(Speaker::Daemon, &format!("its history: {}", history.join(", ")));
    Ok(())
}

/// The only call of its kind about Ann's account, at the endpoint that belongs to it.
fn only(observer: &Observer, name: CallName, endpoint: &str) -> anyhow::Result<CallRecord> {
    let mut calls = observer.changes_to(&observer.account_of(&ANN)?.account_id);
    calls.retain(|call| call.call == name && call.path.contains(endpoint));
    let seen = calls.len();
    let call = calls.pop().filter(|_| seen == 1);
    call.with_context(|| format!("Atlassian should have seen one {name:?} of Ann's account, but saw {seen}"))
}

fn status(call: &CallRecord) -> String {
    call.status.map_or_else(|| "nothing".to_owned(), |status| status.to_string())
}
