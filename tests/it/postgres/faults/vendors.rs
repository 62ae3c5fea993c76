//! Vendors that send to both replicas, and what was acknowledged to them.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::json;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::TIMEOUT;
use crate::stress::load::{self, email, hr_source};

pub(super) const PEOPLE: usize = 2_000;
const SENDERS: usize = 3;

/// The pause of each sender, so that the work is done while the deliveries arrive.
const PAUSE: Duration = Duration::from_secs(1);

/// A vendor repeats what was not answered within this time.
const PATIENCE: Duration = Duration::from_secs(3);

/// Vendors that send to both replicas, and repeat at the other one what was not acknowledged.
pub(super) struct Load {
    senders: JoinSet<()>,
    daemons: watch::Sender<[SocketAddr; 2]>,
    enough: Arc<AtomicBool>,
    seen: Arc<Mutex<Seen>>,
}

#[derive(Debug, Default)]
pub(super) struct Seen {
    /// The deliveries, by person.
    pub(super) acknowledged: BTreeMap<usize, String>,
    last_at: Option<Instant>,
    /// The longest time between two acknowledgements.
    gap: Duration,
    refusals: usize,
}

impl Seen {
    fn acknowledge(&mut self, person: usize, delivery: String) {
        self.touch();
        self.acknowledged.insert(person, delivery);
    }

    /// Anything was acknowledged.
    fn touch(&mut self) {
        let now = Instant::now();
        self.gap = self.gap.max(self.last_at.map_or(Duration::ZERO, |last_at| now - last_at));
        self.last_at = Some(now);
    }
}

impl Load {
    pub(super) fn start(daemons: [SocketAddr; 2]) -> Self {
        let (daemons, current) = watch::channel(daemons);
        let (enough, seen) = (Arc::new(AtomicBool::new(false)), Arc::new(Mutex::new(Seen::default())));
        let mut senders = JoinSet::new();
        for sender in 0..SENDERS {
            senders.spawn(send(sender, current.clone(), Arc::clone(&enough), Arc::clone(&seen)));
        }
        senders.spawn(repeat(current, Arc::clone(&enough), Arc::clone(&seen)));
        Self { senders, daemons, enough, seen }
    }

    pub(super) fn send_to(&self, daemons: [SocketAddr; 2]) {
        self.daemons.send_replace(daemons);
    }

    pub(super) fn acknowledged(&self) -> usize {
        self.seen.lock().unwrap().acknowledged.len()
    }

    pub(super) async fn wait_until_more_than(&self, before: usize) {
        let begun = Instant::now();
        while self.acknowledged() <= before {
            assert!(begun.elapsed() < TIMEOUT, "nothing is acknowledged");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Begins to measure the longest time between two acknowledgements.
    pub(super) fn measure(&self) {
        let mut seen = self.seen.lock().unwrap();
        (seen.last_at, seen.gap) = (Some(Instant::now()), Duration::ZERO);
    }

    pub(super) fn gap(&self) -> Duration {
        self.seen.lock().unwrap().gap
    }

    pub(super) async fn end(mut self) -> Seen {
        self.enough.store(true, Ordering::Relaxed);
        while let Some(ended) = self.senders.join_next().await {
            ended.unwrap();
        }
        std::mem::take(&mut *self.seen.lock().unwrap())
    }
}

/// Repeats one delivery without effect all the time, to measure how long nothing is acknowledged.
async fn repeat(daemons: watch::Receiver<[SocketAddr; 2]>, enough: Arc<AtomicBool>, seen: Arc<Mutex<Seen>>) {
    let (http, hr) = (crate::http::client(), hr_source());
    let body = json!({ "type": "profile", "person": { "id": "1", "email": "absent@example.com" } }).to_string();
    let mut replica = 0;
    while !enough.load(Ordering::Relaxed) {
        let to = daemons.borrow()[replica];
        match tokio::time::timeout(PATIENCE, load::post(&http, &hr, to, "repeated", &body)).await {
            Ok(Some((200 | 202, _))) => seen.lock().unwrap().touch(),
            Ok(_) | Err(_) => replica = 1 - replica,
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn send(
    sender: usize,
    daemons: watch::Receiver<[SocketAddr; 2]>,
    enough: Arc<AtomicBool>,
    seen: Arc<Mutex<Seen>>,
) {
    let (http, hr) = (crate::http::client(), hr_source());
    for person in (sender..PEOPLE).step_by(SENDERS) {
        let body = json!({ "type": "departed", "person": { "email": email(person) } }).to_string();
        for attempt in person / SENDERS.. {
            if enough.load(Ordering::Relaxed) {
                return;
            }
            let to = daemons.borrow()[attempt % 2];
            let id = format!("msg_{person}");
            let answer = tokio::time::timeout(PATIENCE, load::post(&http, &hr, to, &id, &body)).await;
            match answer {
                Ok(Some((200 | 202, answer))) => {
                    let delivery = answer["delivery"].as_str().unwrap().to_owned();
                    seen.lock().unwrap().acknowledge(person, delivery);
                    break;
                }
                Ok(Some((503, _))) => seen.lock().unwrap().refusals += 1,
                Ok(Some((status, answer))) => panic!("what is genuine was refused: {status} {answer}"),
                Ok(None) | Err(_) => {}
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        tokio::time::sleep(PAUSE).await;
    }
}
