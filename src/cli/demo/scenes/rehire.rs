//! A departure and a re-hire before the deletion.

use anyhow::Context as _;
use jiff::Timestamp;

use crate::cli::demo::bodies;
use crate::cli::demo::cast::IDA;
use crate::cli::demo::folder::CRM;
use crate::cli::demo::narrator::{self, Speaker};
use crate::cli::demo::observer::Observer;
use crate::domain::case::{JobKind, StateName};
use crate::sandbox::CallName;

/// The departure. Returns the planned time of the deletion.
pub(super) async fn leave(observer: &Observer) -> anyhow::Result<Timestamp> {
    narrator::title("A person leaves, and is hired again.");
    observer.narrate(Speaker::Hr, &format!("the CRM posts: {} ({}) has left", IDA.name, IDA.email));
    let body = bodies::event("departed", &IDA, observer.calendar.now());
    observer.deliver(&observer.hr.sign(CRM, &body)?).await?;
    let revoked = observer.soon(&IDA, "revoke_confirmed").await?;
    anyhow::ensure!(
        !observer.account_of(&IDA)?.active,
        "expected the access of Ida to be revoked, but the account is active"
    );
    let delete_at = revoked.record.case.delete_at().context("no deletion is planned")?;
    let day = observer.calendar.day_of(delete_at);
    observer.narrate_at(revoked.at, Speaker::Daemon, &format!("revokes access, deletion due on day {day}"));
    Ok(delete_at)
}

/// The re-hire stops the deletion.
pub(super) async fn rehire(observer: &Observer) -> anyhow::Result<()> {
    observer.narrate(Speaker::Hr, &format!("the CRM posts: {} is back", IDA.name));
    let body = bodies::event("returned", &IDA, observer.calendar.now());
    observer.deliver(&observer.hr.sign(CRM, &body)?).await?;
    let stopped = observer.soon(&IDA, "stopped").await?;
    stopped.require_state(StateName::Restoring)?;
    let case = &stopped.record.case;
    let wanted = case.job_wanted().context("the case has no job for the grant")?;
    anyhow::ensure!(wanted.kind == JobKind::Restore, "a {} job is still queued", wanted.kind);
    let attention = case.attention().context("the case does not need attention for the grant")?;
    observer.narrate_at(stopped.at, Speaker::Daemon, "stops the deletion: the case is restoring");
    observer.narrate_at(stopped.at, Speaker::Daemon, &format!("needs attention: {}", attention.detail));
    Ok(())
}

/// An admin grants access again, and the daemon detects it.
pub(super) async fn grant_access(observer: &Observer) -> anyhow::Result<()> {
    let waiting = observer.case_of(&IDA).await?.context("Ida has no case")?.case.state.name();
    anyhow::ensure!(waiting == StateName::Restoring, "access is not granted yet, but the case is {waiting}");
    let account = observer.account_of(&IDA)?;
    observer.sandbox.grant(&account.account_id)?;
    observer.narrate(Speaker::Admin, &format!("grants access for {} again (done by the demo)", IDA.name));
    let seen = observer.soon(&IDA, "grant_seen").await?;
    seen.require_state(StateName::Restored)?;
    observer.narrate_at(seen.at, Speaker::Daemon, "reads the account: access is granted. Closes the case: restored");
    Ok(())
}

/// Checks the account after the planned day of the stopped deletion.
pub(super) fn check_account(observer: &Observer, planned: Timestamp) -> anyhow::Result<()> {
    let account = observer.account_of(&IDA)?;
    let deletions =
        observer.changes_to(&account.account_id).iter().filter(|call| call.call == CallName::Delete).count();
    anyhow::ensure!(account.active && deletions == 0, "the account of Ida was deleted or has no access");
    let day = observer.calendar.day_of(planned);
    observer.narrate(
        Speaker::Atlassian,
        &format!("after day {day}, {} has access, and the account was not deleted", IDA.name),
    );
    Ok(())
}
