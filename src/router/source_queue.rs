//! The deliveries of one source on their way through the router: fetched a few at a time, read one after the other.
//!
//! A large body is read on a separate thread, so that the other sources have their turns meanwhile. Its items stay here
//! between the parts. After a crash in between, the new process reads the body again and continues after the last
//! committed part.

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Instant;

use tokio::sync::Notify;
use tokio::task::JoinHandle;

use super::route::Route;
use crate::domain::event::{Event, EventType};
use crate::domain::ids::DeliveryId;
use crate::sources::Source;
use crate::store::{OTHER_WORDS, UnroutedDelivery};

/// The start of the router.
#[derive(Debug, Clone, Copy)]
pub(super) struct Start {
    pub(super) at: Instant,
    /// The newest delivery at that time: an earlier process may have crashed over it or an older one.
    pub(super) newest_delivery: Option<i64>,
}

/// Bodies up to this size are read in place: it takes about a millisecond.
const SMALL: usize = 32 * 1024;

/// The maximum number of problems that are written for a delivery, and the maximum length of each.
const PROBLEMS: usize = 5;
const PROBLEM_LENGTH: usize = 300;

/// An item of a delivery: an event, or the reason why the item cannot be read.
pub(super) type Item = Result<Event, String>;

/// The maximum number of different words of one delivery that are counted separately. Any others count together.
const WORDS: usize = 100;

/// The contents of a body.
#[derive(Debug, Default)]
struct Body {
    items: Vec<Item>,
    /// The vendor's words of ignored items, with the number of items of each.
    ignored: BTreeMap<String, u32>,
}

/// The result of reading a body.
type Read = Result<Body, String>;

/// The deliveries of one source.
#[derive(Debug, Default)]
pub(super) struct SourceQueue {
    pub(super) waiting: VecDeque<UnroutedDelivery>,
    /// A large body that is being read.
    reading: Option<(UnroutedDelivery, JoinHandle<Read>)>,
    /// The deliveries that are read, with the progress of the first one.
    read: VecDeque<DeliveryProgress>,
    /// The delivery that is being routed.
    pub(super) at: Option<DeliveryId>,
    /// A turn failed at one of the deliveries: each is routed separately until the faulty one is found.
    pub(super) one_by_one: bool,
    /// Whether deliveries were fetched since the start of the process.
    pub(super) fetched: bool,
    /// The number of next deliveries that may have caused the crash of the previous process.
    pub(super) suspects: usize,
    /// The delivery for which a crash is counted in advance.
    pub(super) marked: Option<DeliveryId>,
}

/// A delivery that was read, with its routing progress.
#[derive(Debug)]
pub(super) struct DeliveryProgress {
    pub(super) delivery: UnroutedDelivery,
    items: std::vec::IntoIter<Item>,
    /// The position of the next item.
    pub(super) next: u32,
    count: usize,
    /// Positions that an earlier reading applied. They are not applied again.
    pub(super) applied: HashSet<u32>,
    /// Whether the first part is routed.
    pub(super) begun: bool,
    /// Whether it is routed in several parts.
    pub(super) in_parts: bool,
    /// Whether any item could be read.
    pub(super) any_readable: bool,
    bad: usize,
    problems: Vec<String>,
    /// The vendor's words of ignored items, with the number of items of each.
    pub(super) ignored: BTreeMap<String, u32>,
    /// The reason why the body as a whole cannot be read.
    unreadable: Option<String>,
}

/// The state of the first delivery in the queue.
pub(super) enum Head {
    /// It is read: its items can be routed.
    Ready,
    /// A body that is being read: the source's next turn continues.
    Reading,
    Nothing,
}

impl SourceQueue {
    /// Reads waiting deliveries until they hold `items` items. A delivery that may cause a crash, or that failed before, is
    /// read alone.
    pub(super) async fn read_ahead(&mut self, route: Option<&Route>, finished: &Arc<Notify>, items: usize) -> Head {
        while self.read.is_empty() || (self.may_read_ahead() && self.count() < items) {
            if !self.read_next(route, finished).await {
                break;
            }
        }
        match (self.read.is_empty(), &self.reading) {
            (false, _) => Head::Ready,
            (true, Some(_)) => Head::Reading,
            (true, None) => Head::Nothing,
        }
    }

    const fn may_read_ahead(&self) -> bool {
        !self.one_by_one && self.marked.is_none() && self.suspects == 0
    }

    /// The number of items that are read and not routed; a delivery without items counts as one.
    fn count(&self) -> usize {
        self.read.iter().map(|progress| progress.items.len().max(1)).sum()
    }

    /// Reads the next delivery. Returns false if there is none, or if its body is being read.
    async fn read_next(&mut self, route: Option<&Route>, finished: &Arc<Notify>) -> bool {
        if let Some((delivery, reading)) = self.reading.take() {
            if !reading.is_finished() {
                self.reading = Some((delivery, reading));
                return false;
            }
            let read = reading.await.unwrap_or_else(|_panic| Err(panicked()));
            self.read.push_back(DeliveryProgress::new(delivery, read));
            return true;
        }
        let Some(mut delivery) = self.waiting.pop_front() else { return false };
        self.suspects = self.suspects.saturating_sub(1);
        let body = match (route, delivery.body.take()) {
            (None, _) => Err("the settings know no source of this name".to_owned()),
            (Some(_), None) => Err("the stored body has expired, or was sealed with another key".to_owned()),
            (Some(route), Some(body)) => Ok((Arc::clone(&route.source), body)),
        };
        let (source, body) = match body {
            Ok(both) => both,
            Err(problem) => {
                self.read.push_back(DeliveryProgress::new(delivery, Err(problem)));
                return true;
            }
        };
        let content_type = delivery.content_type.clone();
        let small = body.len() <= SMALL;
        let read = move || {
            // A panic over one body would recur at every start: it counts as unreadable.
            let read = AssertUnwindSafe(|| read_body(&source, content_type.as_deref(), &body));
            std::panic::catch_unwind(read).map_err(|_panic| panicked())?
        };
        if small {
            self.read.push_back(DeliveryProgress::new(delivery, read()));
            return true;
        }
        let finished = Arc::clone(finished);
        let reading = tokio::task::spawn_blocking(move || {
            let read = read();
            finished.notify_one();
            read
        });
        self.reading = Some((delivery, reading));
        false
    }

    /// Takes the next delivery that is read.
    pub(super) fn next(&mut self) -> Option<DeliveryProgress> {
        let progress = self.read.pop_front()?;
        self.at = Some(progress.delivery.id);
        Some(progress)
    }

    /// Requeues a delivery of which more items are to be routed.
    pub(super) fn requeue(&mut self, progress: DeliveryProgress) {
        self.read.push_front(progress);
    }

    /// The next delivery, if it may have caused the crash of the previous process.
    pub(super) fn suspect(&self) -> Option<&UnroutedDelivery> {
        let is_next = self.read.is_empty() && self.reading.is_none() && self.suspects > 0;
        self.waiting.front().filter(|_| is_next)
    }

    /// Marks the next delivery as unreadable.
    pub(super) fn mark_next_unreadable(&mut self, problem: &str) {
        if let Some(delivery) = self.waiting.pop_front() {
            self.suspects = self.suspects.saturating_sub(1);
            self.read.push_back(DeliveryProgress::new(delivery, Err(problem.to_owned())));
        }
    }

    /// Whether all fetched deliveries are routed.
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty() && self.reading.is_none() && self.read.is_empty()
    }

    /// Drops the fetched deliveries after a turn failed: nothing of the turn is committed, and the database still has
    /// the rest.
    pub(super) fn reset(&mut self) {
        *self = Self { fetched: self.fetched, marked: self.marked, one_by_one: true, ..Self::default() };
    }
}

impl DeliveryProgress {
    fn new(delivery: UnroutedDelivery, read: Read) -> Self {
        let (Body { items, ignored }, unreadable) = match read {
            Ok(body) => (body, None),
            Err(problem) => (Body::default(), Some(problem)),
        };
        let count = items.len();
        let mut progress = Self {
            // After a replay, all items are read again; applied ones stay applied.
            next: 0,
            items: items.into_iter(),
            count,
            applied: HashSet::new(),
            begun: false,
            in_parts: false,
            any_readable: false,
            bad: 0,
            problems: Vec::new(),
            ignored,
            unreadable,
            delivery,
        };
        if !progress.delivery.replayed {
            progress.begun = progress.delivery.items_routed > 0;
            progress.in_parts = progress.begun;
            while progress.next < progress.delivery.items_routed && progress.take().is_some() {}
        }
        progress
    }

    /// The next item and its position.
    pub(super) fn take(&mut self) -> Option<(u32, Item)> {
        let item = self.items.next()?;
        let position = self.next;
        self.next = self.next.saturating_add(1);
        match &item {
            Ok(_) => self.any_readable = true,
            Err(problem) => {
                self.bad += 1;
                if self.problems.len() < PROBLEMS {
                    self.problems.push(problem.clone());
                }
            }
        }
        Some((position, item))
    }

    pub(super) fn is_finished(&self) -> bool {
        self.items.as_slice().is_empty()
    }

    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// A short description of the delivery's problems, however many items it has.
    pub(super) fn problem(&self) -> Option<String> {
        if let Some(problem) = &self.unreadable {
            return Some(problem.clone());
        }
        if self.bad == 0 {
            return None;
        }
        let more = self.bad.saturating_sub(self.problems.len());
        let more = if more > 0 { format!("; and {more} more") } else { String::new() };
        Some(format!("{} of {} items cannot be read: {}{more}", self.bad, self.count, self.problems.join("; ")))
    }
}

fn read_body(source: &Source, content_type: Option<&str>, body: &[u8]) -> Read {
    let items = source.read(content_type, body).map_err(|error| shortened(error.to_string()))?;
    let is_ignored = |event: &Event| event.event_type == EventType::Ignored;
    let words = if items.iter().any(|item| item.as_ref().is_ok_and(is_ignored)) {
        source.ignored_words(content_type, body)
    } else {
        Vec::new()
    };
    let items = items.into_iter().map(|item| item.map_err(|error| shortened(error.to_string()))).collect();
    Ok(Body { items, ignored: counted(words) })
}

fn counted(words: Vec<String>) -> BTreeMap<String, u32> {
    let mut counts = BTreeMap::<String, u32>::new();
    for word in words {
        let known = counts.len() < WORDS || counts.contains_key(&word);
        let count = counts.entry(if known { word } else { OTHER_WORDS.to_owned() }).or_default();
        *count = count.saturating_add(1);
    }
    counts
}

fn panicked() -> String {
    "an error of our own: see the log, and report it".to_owned()
}

/// Cuts a long problem: a mapping may be long, and so may its expectation.
fn shortened(mut problem: String) -> String {
    if let Some((end, _)) = problem.char_indices().nth(PROBLEM_LENGTH) {
        problem.truncate(end);
        problem.push('…');
    }
    problem
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::store::Origin;

    fn delivery(items_routed: u32, replayed: bool) -> UnroutedDelivery {
        let id = DeliveryId::from(crate::clock::new_id(Timestamp::UNIX_EPOCH));
        UnroutedDelivery {
            id,
            origin: Origin { delivery_id: id, seq: 1, body_hash: None, signed_at: None },
            source: "hr".parse().unwrap(),
            received_at: Timestamp::UNIX_EPOCH,
            content_type: None,
            body: None,
            items_routed,
            crashes: 0,
            replayed,
            reuses_id: false,
        }
    }

    fn unreadable(count: usize) -> Body {
        let items = (0..count).map(|n| Err(shortened(format!("item {n} {}", "x".repeat(10_000))))).collect();
        Body { items, ..Body::default() }
    }

    #[test]
    fn words_of_a_delivery_are_counted_and_bounded() {
        let words = |different: usize| (0..2 * different).map(|n| format!("word {}", n % different)).collect();
        assert_eq!(counted(words(3)).into_values().collect::<Vec<_>>(), [2, 2, 2]);
        let many = counted(words(1000));
        assert_eq!((many.len(), many.values().sum::<u32>()), (WORDS + 1, 2000));
        assert_eq!(many.get(OTHER_WORDS), Some(&1800));
    }

    #[test]
    fn problem_of_ten_thousand_bad_items_is_short() {
        let mut progress = DeliveryProgress::new(delivery(0, false), Ok(unreadable(10_000)));
        while progress.take().is_some() {}
        let problem = progress.problem().unwrap();
        assert!(problem.starts_with("10000 of 10000 items cannot be read: item 0 "), "{problem}");
        assert!(problem.ends_with("; and 9995 more") && problem.len() < 2000, "{problem}");
    }

    #[test]
    fn partly_routed_delivery_continues_after_the_last_part() {
        let progress = DeliveryProgress::new(delivery(3, false), Ok(unreadable(5)));
        assert_eq!((progress.next, progress.bad, progress.begun), (3, 3, true));
        let progress = DeliveryProgress::new(delivery(9, false), Ok(unreadable(5)));
        assert!(progress.is_finished(), "another mapping reads fewer items");
    }

    #[test]
    fn replayed_delivery_starts_again() {
        let progress = DeliveryProgress::new(delivery(3, true), Ok(unreadable(5)));
        assert_eq!((progress.next, progress.begun), (0, false));
    }

    #[test]
    fn problem_is_cut_between_characters() {
        assert_eq!(shortened("ä".repeat(400)), format!("{}…", "ä".repeat(300)));
        assert_eq!(shortened("short".to_owned()), "short");
    }
}
