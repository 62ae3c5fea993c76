//! A departure that is announced for later, and taken back in time.

use anyhow::Context as _;
use jiff::Timestamp;

use crate::cli::demo::bodies;
use crate::cli::demo::calendar::{days, later};
use crate::cli::demo::cast::BEN;
use crate::cli::demo::folder::PAYROLL;
use crate::cli::demo::narrator::{self, Voice};
use crate::cli::demo::stage::Stage;
use crate::domain::case::StateName;

/// The HR system announces a departure. Says for when.
pub(super) async fn is_planned(stage: &Stage) -> anyhow::Result<Timestamp> {
    narrator::title("Somebody is going to leave, and does not.");
    let now = stage.calendar.now();
    let effective_at = later(now, days(30));
    let day = stage.calendar.day_of(effective_at);
    stage.tell(Voice::Hr, &format!("the payroll posts: {} ({}) leaves on day {day}", BEN.name, BEN.email));
    stage.deliver(&stage.hr.sign(PAYROLL, &bodies::departure(&BEN, effective_at, now))?).await?;
    let opened = stage.soon(&BEN, "opened").await?;
    let case = &opened.dossier.case;
    opened.must_be(StateName::Scheduled)?;
    let wanted = case.job_wanted().context("no job waits for the departure")?;
    anyhow::ensure!(wanted.due_at == effective_at, "the job is due at another time than the departure");
    stage.tell_of(
        opened.at,
        Voice::Daemon,
        &format!(
            "opens a case: scheduled, with a {} job for day {}",
            wanted.kind,
            stage.calendar.day_of(wanted.due_at)
        ),
    );
    Ok(effective_at)
}

/// The HR system takes it back.
pub(super) async fn is_cancelled(stage: &Stage) -> anyhow::Result<()> {
    stage.tell(Voice::Hr, &format!("the payroll posts: the departure of {} is cancelled", BEN.name));
    let body = bodies::event("departure_cancelled", &BEN, stage.calendar.now());
    stage.deliver(&stage.hr.sign(PAYROLL, &body)?).await?;
    let stopped = stage.soon(&BEN, "stopped").await?;
    stopped.must_be(StateName::Cancelled)?;
    anyhow::ensure!(!is_known(stage)?, "a call about Ben was made before his day");
    stage.tell_of(stopped.at, Voice::Daemon, "closes the case: cancelled. Atlassian never heard of it");
    Ok(())
}

/// His day has come and gone.
pub(super) fn stays(stage: &Stage, planned: Timestamp) -> anyhow::Result<()> {
    narrator::title("Those who stay have stayed.");
    let account = stage.account_of(&BEN)?;
    anyhow::ensure!(account.active && !is_known(stage)?, "Ben stays, but something was done to his account");
    let day = stage.calendar.day_of(planned);
    stage.tell(Voice::Atlassian, &format!("day {day} is over: {} has access, and no call ever named him", BEN.name));
    Ok(())
}

/// Whether any call named his account, reads included.
fn is_known(stage: &Stage) -> anyhow::Result<bool> {
    let account = stage.account_of(&BEN)?;
    Ok(stage.sandbox.calls().iter().any(|call| call.account_id.as_ref() == Some(&account.account_id)))
}
