//! Somebody leaves, and is hired again before the deletion.

use anyhow::Context as _;
use jiff::Timestamp;

use crate::cli::demo::bodies;
use crate::cli::demo::cast::IDA;
use crate::cli::demo::folder::CRM;
use crate::cli::demo::narrator::{self, Voice};
use crate::cli::demo::stage::Stage;
use crate::domain::case::{JobKind, StateName};
use crate::sandbox::CallName;

/// The departure. Says for when the deletion is planned.
pub(super) async fn leaves(stage: &Stage) -> anyhow::Result<Timestamp> {
    narrator::title("Somebody leaves, and is hired again.");
    stage.tell(Voice::Hr, &format!("the CRM posts: {} ({}) has left", IDA.name, IDA.email));
    let body = bodies::event("departed", &IDA, stage.calendar.now());
    stage.deliver(&stage.hr.sign(CRM, &body)?).await?;
    let revoked = stage.soon(&IDA, "revoke_confirmed").await?;
    anyhow::ensure!(!stage.account_of(&IDA)?.active, "Ida's access should be revoked, but her account is active");
    let delete_at = revoked.dossier.case.delete_at().context("no deletion is planned")?;
    let day = stage.calendar.day_of(delete_at);
    stage.tell_of(revoked.at, Voice::Daemon, &format!("revokes her access, and will delete the account on day {day}"));
    Ok(delete_at)
}

/// The re-hire stops the deletion.
pub(super) async fn returns(stage: &Stage) -> anyhow::Result<()> {
    stage.tell(Voice::Hr, &format!("the CRM posts: {} is back", IDA.name));
    let body = bodies::event("returned", &IDA, stage.calendar.now());
    stage.deliver(&stage.hr.sign(CRM, &body)?).await?;
    let stopped = stage.soon(&IDA, "stopped").await?;
    stopped.must_be(StateName::Restoring)?;
    let case = &stopped.dossier.case;
    let wanted = case.job_wanted().context("no job looks for the grant")?;
    anyhow::ensure!(wanted.kind == JobKind::Restore, "a {} job is still queued", wanted.kind);
    let attention = case.attention().context("nobody is told that access has to be granted")?;
    stage.tell_of(stopped.at, Voice::Daemon, "stops the deletion: the case is restoring");
    stage.tell_of(stopped.at, Voice::Daemon, &format!("asks for help: {}", attention.detail));
    Ok(())
}

/// A human grants access again, and the daemon sees it.
pub(super) async fn is_granted(stage: &Stage) -> anyhow::Result<()> {
    let waiting = stage.case_of(&IDA).await?.context("the case of Ida is gone")?.case.state.name();
    anyhow::ensure!(waiting == StateName::Restoring, "nobody granted access yet, but the case is {waiting}");
    let account = stage.account_of(&IDA)?;
    stage.sandbox.grant(&account.account_id)?;
    stage.tell(Voice::Human, &format!("clicks Grant access for {} (the demo plays that human)", IDA.name));
    let seen = stage.soon(&IDA, "grant_seen").await?;
    seen.must_be(StateName::Restored)?;
    stage.tell_of(seen.at, Voice::Daemon, "sees it by itself, and closes the case: restored");
    Ok(())
}

/// The day of the deletion that was stopped has come and gone.
pub(super) fn stays(stage: &Stage, planned: Timestamp) -> anyhow::Result<()> {
    let account = stage.account_of(&IDA)?;
    let deletions = stage.changes_to(&account.account_id).iter().filter(|call| call.call == CallName::Delete).count();
    anyhow::ensure!(account.active && deletions == 0, "Ida was hired again, but her account was deleted");
    let day = stage.calendar.day_of(planned);
    stage.tell(Voice::Atlassian, &format!("day {day} is over: {} has access, and saw no deletion", IDA.name));
    Ok(())
}
