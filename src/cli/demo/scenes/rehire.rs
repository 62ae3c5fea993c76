//! Somebody leaves, and is hired again before the deletion.

use anyhow::Context as _;
use jiff::Timestamp;

use crate::cli::demo::bodies;
use crate::cli::demo::cast::IDA;
use crate::cli::demo::folder::CRM;
use crate::cli::demo::narrator::{self, Speaker};
use crate::cli::demo::observer::Observer;
use crate::domain::case::{JobKind, StateName};
use crate::sandbox::CallName;

/// The departure. Says for when the deletion is planned.
pub(super) async fn leaves(observer: &Observer) -> anyhow::Result<Timestamp> {
    narrator::title("Somebody leaves, and is hired again.");
    observer.narrate(Speaker::Hr, &format!("the CRM posts: {} ({}) has left", IDA.name, IDA.email));
    let body = bodies::event("departed", &IDA, observer.calendar.now());
    observer.deliver(&observer.hr.sign(CRM, &body)?).await?;
    let revoked = observer.soon(&IDA, "revoke_confirmed").await?;
    anyhow::ensure!(!observer.account_of(&IDA)?.active, "Ida's access should be revoked, but her account is active");
    let delete_at = revoked.dossier.case.delete_at().context("no deletion is planned")?;
    let day = observer.calendar.day_of(delete_at);
    observer.narrate_at(
        revoked.at,
        Speaker::Daemon,
        &format!("revokes her access, and will delete the account on day {day}"),
    );
    Ok(delete_at)
}

/// The re-hire stops the deletion.
pub(super) async fn returns(observer: &Observer) -> anyhow::Result<()> {
    observer.narrate(Speaker::Hr, &format!("the CRM posts: {} is back", IDA.name));
    let body = bodies::event("returned", &IDA, observer.calendar.now());
    observer.deliver(&observer.hr.sign(CRM, &body)?).await?;
    let stopped = observer.soon(&IDA, "stopped").await?;
    stopped.require_state(StateName::Restoring)?;
    let case = &stopped.dossier.case;
    let wanted = case.job_wanted().context("no job looks for the grant")?;
    anyhow::ensure!(wanted.kind == JobKind::Restore, "a {} job is still queued", wanted.kind);
    let attention = case.attention().context("nobody is told that access has to be granted")?;
    observer.narrate_at(stopped.at, Speaker::Daemon, "stops the deletion: the case is restoring");
    observer.narrate_at(stopped.at, Speaker::Daemon, &format!("asks for help: {}", attention.detail));
    Ok(())
}

/// A human grants access again, and the daemon sees it.
pub(super) async fn is_granted(observer: &Observer) -> anyhow::Result<()> {
    let waiting = observer.case_of(&IDA).await?.context("the case of Ida is gone")?.case.state.name();
    anyhow::ensure!(waiting == StateName::Restoring, "nobody granted access yet, but the case is {waiting}");
    let account = observer.account_of(&IDA)?;
    observer.sandbox.grant(&account.account_id)?;
    observer.narrate(Speaker::Human, &format!("clicks Grant access for {} (the demo plays that human)", IDA.name));
    let seen = observer.soon(&IDA, "grant_seen").await?;
    seen.require_state(StateName::Restored)?;
    observer.narrate_at(seen.at, Speaker::Daemon, "sees it by itself, and closes the case: restored");
    Ok(())
}

/// The day of the deletion that was stopped has come and gone.
pub(super) fn stays(observer: &Observer, planned: Timestamp) -> anyhow::Result<()> {
    let account = observer.account_of(&IDA)?;
    let deletions =
        observer.changes_to(&account.account_id).iter().filter(|call| call.call == CallName::Delete).count();
    anyhow::ensure!(account.active && deletions == 0, "Ida was hired again, but her account was deleted");
    let day = observer.calendar.day_of(planned);
    observer.narrate(Speaker::Atlassian, &format!("day {day} is over: {} has access, and saw no deletion", IDA.name));
    Ok(())
}
