//! A departure: revoke, local grace, deletion, deletion grace, erased.

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

/// Part of the path of a revoke.
const REVOKE: &str = "/revoke-portal-only-access";

/// Part of the path of a deletion.
const DELETE: &str = "/customer/account/";

/// The delivery of the departure, and the time of the revoke.
#[derive(Debug)]
pub(super) struct Left {
    pub(super) webhook: Webhook,
    pub(super) delivery: DeliveryId,
    revoked_at: Timestamp,
}

/// The HR system reports the departure, and the daemon revokes access.
pub(super) async fn leave(observer: &Observer) -> anyhow::Result<Left> {
    narrator::title("A person leaves.");
    let now = observer.calendar.now();
    let yesterday = now.to_zoned(TimeZone::UTC).date().saturating_sub(1.day());
    observer.narrate(
        Speaker::Hr,
        &format!("BambooHR posts: {} ({}) is Inactive, last day {yesterday}", ANN.name, ANN.email),
    );
    let webhook = observer.hr.sign(BAMBOOHR, &bodies::bamboohr_inactive(&ANN, yesterday, now))?;
    let delivery = observer.deliver(&webhook).await?;

    let opened = observer.soon(&ANN, "opened").await?;
    observer.narrate_at(opened.at, Speaker::Daemon, &format!("opens a case: {}", opened.record.case.terms.action));
    let revoked = observer.soon(&ANN, "revoke_confirmed").await?;
    let call = only(observer, CallName::Revoke, REVOKE)?;
    let account = observer.account_of(&ANN)?;
    anyhow::ensure!(!account.active, "expected the access of Ann to be revoked, but the account is active");
    observer.narrate_at(
        call.at,
        Speaker::Atlassian,
        &format!("receives {} …{REVOKE}, answers {}", call.method, status(&call)),
    );
    let delete_at = revoked.record.case.delete_at().context("no deletion is planned")?;
    observer.narrate_at(
        revoked.at,
        Speaker::Daemon,
        &format!(
            "reads the account: access is revoked. Deletion due on day {}, after a local grace of {} days",
            observer.calendar.day_of(delete_at),
            whole_days(LOCAL_GRACE),
        ),
    );
    Ok(Left { webhook, delivery, revoked_at: revoked.at })
}

/// After the local grace the account is deleted.
pub(super) async fn delete(observer: &Observer, left: &Left) -> anyhow::Result<()> {
    narrator::title("The local grace ends.");
    let expected = later(left.revoked_at, LOCAL_GRACE);
    let accepted = observer.until(&ANN, "deletion_accepted", observer.calendar.deadline(expected)).await?;
    let call = only(observer, CallName::Delete, DELETE)?;
    let waited = call.at.duration_since(left.revoked_at);
    anyhow::ensure!(waited >= LOCAL_GRACE, "the deletion was sent {} days after the revoke", whole_days(waited));
    let account = observer.account_of(&ANN)?;
    anyhow::ensure!(
        account.state == State::Deleted,
        "expected the account of Ann to be deleted, found {:?}",
        account.state
    );
    observer.narrate_at(
        call.at,
        Speaker::Atlassian,
        &format!(
            "receives {} …{DELETE}…, answers {}, {} days after the revoke",
            call.method,
            status(&call),
            whole_days(waited),
        ),
    );
    let grace_ends_at =
        accepted.record.case.progress.grace_ends_at.context("the case has no end of the deletion grace")?;
    observer.narrate_at(
        accepted.at,
        Speaker::Daemon,
        &format!(
            "reads the account: deleted. The deletion grace ends on day {}",
            observer.calendar.day_of(grace_ends_at)
        ),
    );
    Ok(())
}

/// After the deletion grace two reads confirm the deletion, and the personal data is shredded.
pub(super) async fn erase(observer: &Observer) -> anyhow::Result<()> {
    narrator::title("The deletion grace ends.");
    let requested_at = only(observer, CallName::Delete, DELETE)?.at;
    let seen =
        observer.until(&ANN, "gone_seen", observer.calendar.deadline(later(requested_at, DELETION_GRACE))).await?;
    let waited = seen.at.duration_since(requested_at);
    anyhow::ensure!(waited >= DELETION_GRACE, "the grace ended after {} days", whole_days(waited));
    let last_read_at = seen.record.case.progress.last_read_at.context("the case has no time for the last read")?;
    observer.narrate_at(
        seen.at,
        Speaker::Daemon,
        &format!("reads the account again: deleted. Last read due on day {}", observer.calendar.day_of(last_read_at)),
    );
    let gone = observer.until(&ANN, "gone_confirmed", observer.calendar.deadline(last_read_at)).await?;
    gone.require_state(StateName::Erased)?;
    let erased = &gone.record;
    anyhow::ensure!(
        erased.person.email.is_none() && erased.person.id.is_none() && erased.account.is_none(),
        "the erased case still contains personal data"
    );
    observer.narrate_at(
        gone.at,
        Speaker::Daemon,
        "finds no account. The case is erased, and its personal data is shredded",
    );
    let history: Vec<_> = observer.store.history(erased).await?.into_iter().map(|entry| entry.kind).collect();
    observer.narrate(Speaker::Daemon, &format!("its history: {}", history.join(", ")));
    Ok(())
}

/// The only call of this kind for Ann's account.
fn only(observer: &Observer, name: CallName, endpoint: &str) -> anyhow::Result<CallRecord> {
    let mut calls = observer.changes_to(&observer.account_of(&ANN)?.account_id);
    calls.retain(|call| call.call == name && call.path.contains(endpoint));
    let seen = calls.len();
    let call = calls.pop().filter(|_| seen == 1);
    call.with_context(|| format!("expected one {name:?} call for the account of Ann, found {seen}"))
}

fn status(call: &CallRecord) -> String {
    call.status.map_or_else(|| "no response".to_owned(), |status| status.to_string())
}
