//! Probes sites that reject the credentials, periodically and apart from the work for other sites.
//!
//! A cheap read that succeeds resumes the site. A site that accepts reads but then rejects the change is probed less
//! and less often, so that it is not paused and resumed all day. An operator can resume it at any time, and only an operator
//! resumes a site that an operator paused.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use tokio::task::JoinSet;

use super::context::Context;
use crate::atlassian::Client;
use crate::domain::case::JobKind;
use crate::domain::ids::SiteName;
use crate::domain::retry::Failure;
use crate::store::{SiteStatus, StoreError};

/// The maximum wait between two probes of a site.
const LONGEST_WAIT: SignedDuration = SignedDuration::from_hours(1);

/// A site flaps if it rejects the credentials again within this many waits after it was resumed.
const FLAPPING: i32 = 2;

/// The scope of a pause: a whole site, or one kind of its jobs.
type Paused = (SiteName, Option<JobKind>);

/// The probes that run and their schedules.
#[derive(Debug, Default)]
pub(super) struct Probes {
    paused: BTreeMap<Paused, ProbeSchedule>,
    /// When a site that is not paused is probed next.
    idle: BTreeMap<SiteName, Timestamp>,
    probing: JoinSet<(Paused, Option<Timestamp>)>,
}

/// The schedule of one site's probes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct ProbeSchedule {
    paused_at: Option<Timestamp>,
    /// When a successful probe last resumed the site.
    resumed_at: Option<Timestamp>,
    wait: SignedDuration,
    next: Option<Timestamp>,
    probing: bool,
}

impl ProbeSchedule {
    /// Records a pause that began at `paused_at`. The site is probed at the interval `every`.
    fn observe_pause(&mut self, paused_at: Timestamp, every: SignedDuration) {
        if self.paused_at == Some(paused_at) {
            return;
        }
        let flaps = self.resumed_at.is_some_and(|at| paused_at.duration_since(at) < self.wait.saturating_mul(FLAPPING));
        self.wait = if flaps { self.wait.saturating_mul(2).min(LONGEST_WAIT.max(every)) } else { every };
        self.paused_at = Some(paused_at);
        self.next = Some(later(paused_at, self.wait));
    }

    /// Whether a probe is due. If so, schedules the next one.
    fn is_due(&mut self, now: Timestamp) -> bool {
        // More than one wait ahead: the clock was ahead when the time was set, and has been set back.
        let due = !self.probing && self.next.is_some_and(|next| now >= next || next.duration_since(now) > self.wait);
        if due {
            self.probing = true;
            self.next = Some(later(now, self.wait));
        }
        due
    }
}

impl Probes {
    /// Starts the probes that are due. Returns when the next one is due.
    pub(super) async fn tick(
        &mut self,
        sites: &BTreeMap<SiteName, Client>,
        context: &Arc<Context>,
    ) -> Result<Option<Timestamp>, StoreError> {
        while let Some(ended) = self.probing.try_join_next() {
            self.ended(ended);
        }
        let now = context.clock.now();
        let mut next = None;
        let mut working: BTreeSet<&SiteName> = sites.keys().collect();
        for standing in context.store.sites().await? {
            let Some(client) = sites.get(&standing.name) else { continue };
            if standing.paused_at.is_some() {
                working.remove(&standing.name);
            }
            if standing.paused_by.is_some() {
                continue;
            }
            for (paused, paused_at) in pauses(standing) {
                let schedule = self.paused.entry(paused.clone()).or_default();
                schedule.observe_pause(paused_at, client.site().probe_every);
                if schedule.is_due(now) {
                    self.probing.spawn(probe(context.of_site(&paused.0), client.clone(), paused));
                }
                next = [next, schedule.next].into_iter().flatten().min();
            }
        }
        for client in working.into_iter().filter_map(|site| sites.get(site)) {
            next = [next, self.tick_idle(client, context, now)].into_iter().flatten().min();
        }
        Ok(next)
    }

    /// Tries the credentials of a site that is not paused, when no call did for a while. Returns when the next try is
    /// due.
    fn tick_idle(&mut self, client: &Client, context: &Arc<Context>, now: Timestamp) -> Option<Timestamp> {
        let every = client.site().probe_idle;
        if every.is_zero() {
            return None;
        }
        // The first try is soon after the start: what is due then tests the credentials by itself.
        let first = later(now, every.min(client.site().probe_every));
        let due_at = self.idle.entry(client.site().name.clone()).or_insert(first);
        if now >= *due_at {
            *due_at = later(now, every);
            self.probing.spawn(try_credentials(context.of_site(&client.site().name), client.clone()));
        }
        Some(*due_at)
    }

    fn ended(&mut self, ended: Result<(Paused, Option<Timestamp>), tokio::task::JoinError>) {
        // A task is aborted only when the whole daemon ends.
        if let Ok((paused, resumed_at)) = ended
            && let Some(schedule) = self.paused.get_mut(&paused)
        {
            schedule.probing = false;
            schedule.resumed_at = resumed_at.or(schedule.resumed_at);
        }
    }
}

/// The pauses of a site. While the whole site is paused, its kinds of jobs need no probe.
fn pauses(standing: SiteStatus) -> Vec<(Paused, Timestamp)> {
    let SiteStatus { name, paused_at, paused_kinds, .. } = standing;
    match paused_at {
        Some(at) => vec![((name, None), at)],
        None => paused_kinds.into_iter().map(|paused| ((name.clone(), Some(paused.kind)), paused.paused_at)).collect(),
    }
}

/// Probes one site, and resumes it if access is complete. Returns when it was resumed.
async fn probe(context: Arc<Context>, client: Client, paused: Paused) -> (Paused, Option<Timestamp>) {
    let (site, kind) = &paused;
    let missing_access = match kind {
        None => client.missing_access().await,
        Some(_) => client.probe().await.map(|_| Vec::new()),
    };
    match missing_access {
        Ok(missing_access) if missing_access.is_empty() => match resume(&context, site, *kind).await {
            Ok(at) => {
                let what = kind.map_or("all", JobKind::as_str);
                tracing::info!(%site, "site {site}: a probe succeeded, {what} jobs resumed");
                context.awakened.notify_one();
                return (paused, Some(at));
            }
            Err(error) => {
                let error = anyhow::Error::new(error);
                tracing::error!(%site, error = format!("{error:#}"), "site {site}: a probe succeeded, but that cannot be written");
            }
        },
        Ok(missing_access) => {
            tracing::warn!(%site, reason = missing_access.join("; "), "site {site}: probe failed, still paused");
        }
        Err(failure) => {
            tracing::warn!(%site, error = failure.detail(), "site {site}: probe failed, still paused");
            pause_if_refused(&context, site, &failure).await;
        }
    }
    (paused, None)
}

/// Tries the credentials of a site that is not paused: an expired token is reported before a call is due.
async fn try_credentials(context: Arc<Context>, client: Client) -> (Paused, Option<Timestamp>) {
    let site = client.site().name.clone();
    if let Err(failure) = client.probe().await {
        pause_if_refused(&context, &site, &failure).await;
    }
    ((site, None), None)
}

/// Pauses the site if the probe finds it unavailable or the credentials rejected.
async fn pause_if_refused(context: &Context, site: &SiteName, failure: &Failure) {
    let (Failure::AccessDenied { detail } | Failure::SiteUnavailable { detail }) = failure else { return };
    let paused = async {
        let mut tx = context.store.begin().await?;
        let paused = tx.pause_site(site, detail, context.clock.now()).await?;
        tx.commit().await?;
        Ok::<_, StoreError>(paused)
    };
    match paused.await {
        Ok(true) => tracing::error!(%site, reason = detail, "site {site}: paused until a probe succeeds"),
        Ok(false) => {}
        Err(error) => {
            let error = anyhow::Error::new(error);
            tracing::error!(%site, error = format!("{error:#}"), "site {site}: cannot be paused");
        }
    }
}

async fn resume(context: &Context, site: &SiteName, kind: Option<JobKind>) -> Result<Timestamp, StoreError> {
    let now = context.clock.now();
    let mut tx = context.store.begin().await?;
    match kind {
        None => tx.resume_probed_site(site, now).await?,
        Some(_) => tx.resume_kinds(site, kind, "probe", now).await?,
    };
    tx.commit().await?;
    Ok(now)
}

fn later(now: Timestamp, by: SignedDuration) -> Timestamp {
    now.saturating_add(by).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: SignedDuration = SignedDuration::from_mins(1);

    fn minute(n: i32) -> Timestamp {
        Timestamp::UNIX_EPOCH + MINUTE * n
    }

    #[test]
    fn paused_site_is_probed_once_in_every_wait() {
        let mut schedule = ProbeSchedule::default();
        schedule.observe_pause(minute(0), MINUTE);
        assert!(!schedule.is_due(minute(0)));
        assert!(schedule.is_due(minute(1)));
        assert!(!schedule.is_due(minute(9)), "a probe is in progress");
        schedule.probing = false;
        schedule.observe_pause(minute(0), MINUTE);
        assert!(schedule.is_due(minute(2)), "same pause");
    }

    #[test]
    fn site_paused_in_the_future_is_probed_after_the_clock_was_set_back() {
        let mut schedule = ProbeSchedule::default();
        schedule.observe_pause(minute(1000), MINUTE);
        assert!(schedule.is_due(minute(5)), "the clock was set back");
        schedule.probing = false;
        assert!(!schedule.is_due(minute(5)), "once in every wait");
        assert!(schedule.is_due(minute(6)));
    }

    #[test]
    fn flapping_site_is_probed_less_often_and_a_stable_one_is_not() {
        let mut schedule = ProbeSchedule::default();
        let mut now = 0;
        let mut waits = Vec::new();
        for _ in 0..8 {
            schedule.observe_pause(minute(now), MINUTE);
            waits.push(schedule.wait.as_mins());
            now += i32::try_from(schedule.wait.as_mins()).unwrap();
            schedule.resumed_at = Some(minute(now));
        }
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 60, 60]);
        schedule.observe_pause(minute(now + 120), MINUTE);
        assert_eq!(schedule.wait, MINUTE);
    }
}
