//! Sites that refuse us are asked, now and then and beside the work for the others, whether they take us again.
//!
//! A cheap read that is answered resumes the site. One that takes our reads and then refuses the deed all the same is asked
//! more and more seldom, so that it is not paused and resumed all day; an operator can resume it at any time.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use tokio::task::JoinSet;

use super::Worker;
use crate::atlassian::Client;
use crate::domain::ids::SiteName;
use crate::store::StoreError;

/// No site is asked more seldom.
const LONGEST_WAIT: SignedDuration = SignedDuration::from_hours(1);

/// Who refuses us again within so many waits of being resumed did not mean it.
const FLAPPING: i32 = 2;

/// What is known of the sites that refuse us or did lately.
#[derive(Debug, Default)]
pub(super) struct Probes {
    sites: BTreeMap<SiteName, Rhythm>,
    asking: JoinSet<(SiteName, Option<Timestamp>)>,
}

/// When one site is asked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Rhythm {
    paused_at: Option<Timestamp>,
    /// When it was last resumed because it answered.
    resumed_at: Option<Timestamp>,
    wait: SignedDuration,
    next: Option<Timestamp>,
    asking: bool,
}

impl Rhythm {
    /// A pause that began then, at a site that is to be asked `every` so often.
    fn notice(&mut self, paused_at: Timestamp, every: SignedDuration) {
        if self.paused_at == Some(paused_at) {
            return;
        }
        let flaps = self.resumed_at.is_some_and(|at| paused_at.duration_since(at) < self.wait.saturating_mul(FLAPPING));
        self.wait = if flaps { self.wait.saturating_mul(2).min(LONGEST_WAIT.max(every)) } else { every };
        self.paused_at = Some(paused_at);
        self.next = Some(later(paused_at, self.wait));
    }

    /// Whether it is time to ask. If so, the next time is set.
    fn is_due(&mut self, now: Timestamp) -> bool {
        // Further away than one wait: the clock was ahead when it was set, and has been set back.
        let due = !self.asking && self.next.is_some_and(|next| now >= next || next.duration_since(now) > self.wait);
        if due {
            self.asking = true;
            self.next = Some(later(now, self.wait));
        }
        due
    }
}

impl Probes {
    /// Begins to ask those sites whose time has come. Says when the next one's time comes.
    pub(super) async fn turn(&mut self, worker: &Arc<Worker>) -> Result<Option<Timestamp>, StoreError> {
        while let Some(ended) = self.asking.try_join_next() {
            self.ended(ended);
        }
        let now = worker.clock.now();
        let mut next = None;
        for standing in worker.store.sites().await? {
            let (Some(client), Some(paused_at)) = (worker.sites.get(&standing.name), standing.paused_at) else {
                continue;
            };
            let rhythm = self.sites.entry(standing.name).or_default();
            rhythm.notice(paused_at, client.site().probe_every);
            if rhythm.is_due(now) {
                self.asking.spawn(ask(Arc::clone(worker), client.clone()));
            }
            next = [next, rhythm.next].into_iter().flatten().min();
        }
        Ok(next)
    }

    fn ended(&mut self, ended: Result<(SiteName, Option<Timestamp>), tokio::task::JoinError>) {
        // A task that was aborted is one that the whole daemon ends with.
        if let Ok((name, resumed_at)) = ended
            && let Some(rhythm) = self.sites.get_mut(&name)
        {
            rhythm.asking = false;
            rhythm.resumed_at = resumed_at.or(rhythm.resumed_at);
        }
    }
}

/// Asks one site, and resumes it when nothing stands in our way. Says when that was.
async fn ask(worker: Arc<Worker>, client: Client) -> (SiteName, Option<Timestamp>) {
    let site = client.site().name.clone();
    match client.obstacles().await {
        Ok(obstacles) if obstacles.is_empty() => match resume(&worker, &site).await {
            Ok(at) => {
                tracing::info!(%site, "the site takes us again: resumed");
                worker.awakened.notify_one();
                return (site, Some(at));
            }
            Err(error) => {
                let error = anyhow::Error::new(error);
                tracing::error!(%site, error = format!("{error:#}"), "the site takes us again, but that cannot be written");
            }
        },
        Ok(obstacles) => tracing::warn!(%site, reason = obstacles.join("; "), "still paused"),
        Err(failure) => tracing::warn!(%site, error = failure.detail(), "still paused"),
    }
    (site, None)
}

async fn resume(worker: &Worker, site: &SiteName) -> Result<Timestamp, StoreError> {
    let now = worker.clock.now();
    let mut tx = worker.store.begin().await?;
    tx.resume_site(site, "probe", now).await?;
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
    fn a_site_is_asked_once_in_every_wait() {
        let mut rhythm = Rhythm::default();
        rhythm.notice(minute(0), MINUTE);
        assert!(!rhythm.is_due(minute(0)));
        assert!(rhythm.is_due(minute(1)));
        assert!(!rhythm.is_due(minute(9)), "it is being asked");
        rhythm.asking = false;
        rhythm.notice(minute(0), MINUTE);
        assert!(rhythm.is_due(minute(2)), "it is the same pause");
    }

    #[test]
    fn site_that_was_paused_in_what_is_now_the_future_is_asked() {
        let mut rhythm = Rhythm::default();
        rhythm.notice(minute(1000), MINUTE);
        assert!(rhythm.is_due(minute(5)), "the clock was set back");
        rhythm.asking = false;
        assert!(!rhythm.is_due(minute(5)), "once in every wait");
        assert!(rhythm.is_due(minute(6)));
    }

    #[test]
    fn a_site_that_flaps_is_asked_more_and_more_seldom_and_one_that_held_is_not() {
        let mut rhythm = Rhythm::default();
        let mut now = 0;
        let mut waits = Vec::new();
        for _ in 0..8 {
            rhythm.notice(minute(now), MINUTE);
            waits.push(rhythm.wait.as_mins());
            now += i32::try_from(rhythm.wait.as_mins()).unwrap();
            rhythm.resumed_at = Some(minute(now));
        }
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 60, 60]);
        rhythm.notice(minute(now + 120), MINUTE);
        assert_eq!(rhythm.wait, MINUTE);
    }
}
