//! The deliveries of one source on their way through the router: fetched a few at a time, read one after the other.
//!
//! A large body is opened on a separate thread, so that the other sources have their turns meanwhile. Its items are read
//! as they are routed. After a crash in between, the new process opens the body again and continues after the last committed
//! part.

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Instant;

use tokio::sync::Notify;
use tokio::task::JoinHandle;

use super::reader::{BodyReader, Item};
use super::route::Route;
use crate::domain::ids::DeliveryId;
use crate::sources::Source;
use crate::store::UnroutedDelivery;

/// The start of the router.
#[derive(Debug, Clone, Copy)]
pub(super) struct Start {
    pub(super) at: Instant,
    /// The newest delivery at that time: an earlier process may have crashed over it or an older one.
    pub(super) newest_delivery: Option<i64>,
}

/// Bodies up to this size are opened in place: it takes about a millisecond.
const SMALL: usize = 32 * 1024;

/// The result of opening a body; otherwise the reason why it cannot be read.
type Opened = Result<BodyReader, String>;

/// The deliveries of one source.
#[derive(Debug, Default)]
pub(super) struct SourceQueue {
    pub(super) waiting: VecDeque<UnroutedDelivery>,
    /// A large body that is being opened.
    opening: Option<(UnroutedDelivery, JoinHandle<Opened>)>,
    /// The open deliveries, with the progress of the first one.
    open: VecDeque<DeliveryProgress>,
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
    /// Whether something changed since the brake's count was last updated.
    pub(super) uncounted: bool,
}

/// An open delivery, with its routing progress.
#[derive(Debug)]
pub(super) struct DeliveryProgress {
    pub(super) delivery: UnroutedDelivery,
    /// The reader of the body, or the reason why the body as a whole cannot be read.
    reader: Opened,
    /// The items that are read and not routed.
    read: VecDeque<Item>,
    /// The position of the next item.
    pub(super) next: u32,
    /// Positions that an earlier reading applied. They are not applied again.
    pub(super) applied: HashSet<u32>,
    /// Whether the first part is routed.
    pub(super) begun: bool,
    /// Whether it is routed in several parts.
    pub(super) in_parts: bool,
}

/// The state of the first delivery in the queue.
pub(super) enum Head {
    /// Its items can be routed.
    Ready,
    /// Its body is being opened: the source's next turn continues.
    Opening,
    Nothing,
}

impl SourceQueue {
    /// Opens waiting deliveries until they hold `items` items, and reads so many. A delivery that may cause a crash, or that
    /// failed before, is opened alone.
    pub(super) async fn read_ahead(&mut self, route: Option<&Route>, finished: &Arc<Notify>, items: usize) -> Head {
        while self.open.is_empty() || (self.may_read_ahead() && self.count() < items) {
            if !self.open_next(route, finished).await {
                break;
            }
        }
        let mut left = items;
        for progress in &mut self.open {
            self.at = Some(progress.delivery.id);
            left -= progress.read_ahead(left);
        }
        match (self.open.is_empty(), &self.opening) {
            (false, _) => Head::Ready,
            (true, Some(_)) => Head::Opening,
            (true, None) => Head::Nothing,
        }
    }

    const fn may_read_ahead(&self) -> bool {
        !self.one_by_one && self.marked.is_none() && self.suspects == 0
    }

    /// The number of items that are not routed; a delivery without items counts as one.
    fn count(&self) -> usize {
        self.open.iter().map(|progress| progress.left().max(1)).sum()
    }

    /// Opens the next delivery. Returns false if there is none, or if its body is being opened.
    async fn open_next(&mut self, route: Option<&Route>, finished: &Arc<Notify>) -> bool {
        if let Some((delivery, opening)) = self.opening.take() {
            if !opening.is_finished() {
                self.opening = Some((delivery, opening));
                return false;
            }
            let opened = opening.await.unwrap_or_else(|_panic| Err(panicked()));
            self.open.push_back(DeliveryProgress::new(delivery, opened));
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
                self.open.push_back(DeliveryProgress::new(delivery, Err(problem)));
                return true;
            }
        };
        let content_type = delivery.content_type.clone();
        // After a replay, all items are read again; applied ones stay applied.
        let routed = if delivery.replayed { 0 } else { delivery.items_routed };
        let small = body.len() <= SMALL;
        let open = move || open_body(&source, content_type.as_deref(), &body, routed);
        if small {
            self.open.push_back(DeliveryProgress::new(delivery, open()));
            return true;
        }
        let finished = Arc::clone(finished);
        let opening = tokio::task::spawn_blocking(move || {
            let opened = open();
            finished.notify_one();
            opened
        });
        self.opening = Some((delivery, opening));
        false
    }

    /// Takes the next open delivery.
    pub(super) fn next(&mut self) -> Option<DeliveryProgress> {
        let progress = self.open.pop_front()?;
        self.at = Some(progress.delivery.id);
        Some(progress)
    }

    /// Requeues a delivery of which more items are to be routed.
    pub(super) fn requeue(&mut self, progress: DeliveryProgress) {
        self.open.push_front(progress);
    }

    /// The next delivery, if it may have caused the crash of the previous process.
    pub(super) fn suspect(&self) -> Option<&UnroutedDelivery> {
        let is_next = self.open.is_empty() && self.opening.is_none() && self.suspects > 0;
        self.waiting.front().filter(|_| is_next)
    }

    /// Marks the next delivery as unreadable.
    pub(super) fn mark_next_unreadable(&mut self, problem: &str) {
        if let Some(delivery) = self.waiting.pop_front() {
            self.suspects = self.suspects.saturating_sub(1);
            self.open.push_back(DeliveryProgress::new(delivery, Err(problem.to_owned())));
        }
    }

    /// Whether all fetched deliveries are routed.
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty() && self.opening.is_none() && self.open.is_empty()
    }

    /// Drops the fetched deliveries after a turn failed: nothing of the turn is committed, and the database still has
    /// the rest.
    pub(super) fn reset(&mut self) {
        *self = Self {
            fetched: self.fetched,
            marked: self.marked,
            one_by_one: true,
            uncounted: self.uncounted,
            ..Self::default()
        };
    }
}

impl DeliveryProgress {
    fn new(delivery: UnroutedDelivery, reader: Opened) -> Self {
        let was_begun = !delivery.replayed && delivery.items_routed > 0;
        let routed = reader.as_ref().map_or(0, |reader| reader.count() - reader.left());
        Self {
            reader,
            read: VecDeque::new(),
            next: u32::try_from(routed).unwrap_or(u32::MAX),
            applied: HashSet::new(),
            begun: was_begun,
            in_parts: was_begun,
            delivery,
        }
    }

    /// Reads items until `most` of them are read and not routed. Returns how many there are then.
    fn read_ahead(&mut self, most: usize) -> usize {
        if let Ok(reader) = &mut self.reader {
            let missing = most.saturating_sub(self.read.len());
            self.read.extend(std::iter::from_fn(|| reader.next()).take(missing));
        }
        self.read.len().min(most)
    }

    /// The next item that is read, and its position.
    pub(super) fn take(&mut self) -> Option<(u32, Item)> {
        let item = self.read.pop_front()?;
        let position = self.next;
        self.next = self.next.saturating_add(1);
        Some((position, item))
    }

    /// The number of items that are not routed.
    fn left(&self) -> usize {
        self.read.len() + self.reader.as_ref().map_or(0, BodyReader::left)
    }

    pub(super) fn is_finished(&self) -> bool {
        self.left() == 0
    }

    pub(super) fn count(&self) -> usize {
        self.reader.as_ref().map_or(0, BodyReader::count)
    }

    /// Whether any item could be read.
    pub(super) fn any_readable(&self) -> bool {
        self.reader.as_ref().is_ok_and(BodyReader::any_readable)
    }

    /// A short description of the delivery's problems, however many items it has.
    pub(super) fn problem(&self) -> Option<String> {
        match &self.reader {
            Ok(reader) => reader.problem(),
            Err(problem) => Some(problem.clone()),
        }
    }

    /// The vendor's words of ignored items, with the number of items of each.
    pub(super) fn into_ignored(self) -> BTreeMap<String, u32> {
        self.reader.map(BodyReader::into_ignored).unwrap_or_default()
    }
}

/// Opens a body and skips the items that are routed already. A panic over one body would recur at every start: it counts
/// as unreadable.
fn open_body(source: &Source, content_type: Option<&str>, body: &[u8], routed: u32) -> Opened {
    let open = AssertUnwindSafe(|| {
        let mut reader = BodyReader::open(source, content_type, body)?;
        for _ in 0..routed {
            reader.next();
        }
        Ok(reader)
    });
    std::panic::catch_unwind(open).map_err(|_panic| panicked())?
}

fn panicked() -> String {
    "an error of our own: see the log, and report it".to_owned()
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::router::reader::source;
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

    /// The positions of the items that are left of a body with five, two at a time.
    fn left(items_routed: u32, replayed: bool) -> Vec<u32> {
        let body = br#"{"events":[1,2,3,4,5]}"#;
        let routed = if replayed { 0 } else { items_routed };
        let opened = open_body(&source(), None, body, routed);
        let mut progress = DeliveryProgress::new(delivery(items_routed, replayed), opened);
        assert_eq!(progress.begun, !replayed);
        let mut positions = Vec::new();
        while progress.read_ahead(2) > 0 {
            assert!(!progress.is_finished());
            positions.extend(std::iter::from_fn(|| progress.take()).map(|(position, _)| position));
        }
        assert!(progress.is_finished());
        assert!(progress.problem().unwrap().starts_with("5 of 5 items cannot be read: "), "the routed ones count, too");
        positions
    }

    #[test]
    fn partly_routed_delivery_continues_after_the_last_part() {
        assert_eq!(left(3, false), [3, 4]);
        assert_eq!(left(9, false), [0; 0], "another mapping reads fewer items");
    }

    #[test]
    fn replayed_delivery_starts_again() {
        assert_eq!(left(3, true), [0, 1, 2, 3, 4]);
    }
}
