//! A planned departure that is cancelled before its day.

use anyhow::Context as _;
use jiff::Timestamp;

use crate::cli::demo::bodies;
use crate::cli::demo::calendar::{days, later};
use crate::cli::demo::cast::BEN;
use crate::cli::demo::folder::PAYROLL;
use crate::cli::demo::narrator::{self, Speaker};
use crate::cli::demo::observer::Observer;
use crate::domain::case::StateName;

/// The HR system announces a departure. Returns its effective time.
pub(super) async fn announce(observer: &Observer) -> anyhow::Result<Timestamp> {
    narrator::title("A planned departure is cancelled.");
    let now = observer.calendar.now();
    let effective_at = later(now, days(30));
    let day = observer.calendar.day_of(effective_at);
    observer.narrate(Speaker::Hr, &format!("payroll posts: {} ({}) leaves on day {day}", BEN.name, BEN.email));
    observer.deliver(&observer.hr.sign(PAYROLL, &bodies::departure(&BEN, effective_at, now))?).await?;
    let opened = observer.soon(&BEN, "opened").await?;
    let case = &opened.record.case;
    opened.require_state(StateName::Scheduled)?;
    let wanted = case.job_wanted().context("the case has no job for the departure")?;
    anyhow::ensure!(wanted.due_at == effective_at, "the job is not due at the time of the departure");
    observer.narrate_at(
        opened.at,
        Speaker::Daemon,
        &format!("opens a case: scheduled, {} job due on day {}", wanted.kind, observer.calendar.day_of(wanted.due_at)),
    );
    Ok(effective_at)
}

pub(super) async fn cancel(observer: &Observer) -> anyhow::Result<()> {
    observer.narrate(Speaker::Hr, &format!("payroll posts: the departure of {} is cancelled", BEN.name));
    let body = bodies::event("departure_cancelled", &BEN, observer.calendar.now());
    observer.deliver(&observer.hr.sign(PAYROLL, &body)?).await?;
    let stopped = observer.soon(&BEN, "stopped").await?;
    stopped.require_state(StateName::Cancelled)?;
    anyhow::ensure!(!has_calls(observer)?, "a call about Ben was made before the effective day");
    observer.narrate_at(stopped.at, Speaker::Daemon, "closes the case: cancelled, without any call to Atlassian");
    Ok(())
}

/// Checks the account after the planned day.
pub(super) fn check_account(observer: &Observer, planned: Timestamp) -> anyhow::Result<()> {
    narrator::title("The other accounts are unchanged.");
    let account = observer.account_of(&BEN)?;
    anyhow::ensure!(account.active && !has_calls(observer)?, "the account of Ben was changed or read");
    let day = observer.calendar.day_of(planned);
    observer.narrate(
        Speaker::Atlassian,
        &format!("after day {day}, {} has access, and no call used the account", BEN.name),
    );
    Ok(())
}

/// Whether any call used Ben's account, including reads.
fn has_calls(observer: &Observer) -> anyhow::Result<bool> {
    let account = observer.account_of(&BEN)?;
    Ok(observer.sandbox.calls().iter().any(|call| call.account_id.as_ref() == Some(&account.account_id)))
}
