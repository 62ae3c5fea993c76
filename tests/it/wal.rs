//! The write-ahead log: moved into the database while others write, and begun again before it is long.

use std::path::Path;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use offboardd::clock;
use offboardd::domain::ids::{DeliveryId, SourceName};
use offboardd::store::{Database, KeyLocation, NewDelivery, Store, WalCheckpointer};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{Connection as _, Row as _};

use crate::harness::START;

/// How many groups are written: as many as fill the log several times over.
const GROUPS: usize = 60;

/// How many deliveries a group has, and how large each of them is: together two mebibytes.
const GROUP: usize = 32;
const BODY: usize = 64 * 1024;

/// How long the log may become, in bytes: half as long again as where it begins again.
const LONGEST: u64 = 48 * 1024 * 1024;

/// And while little is written at a time.
const SHORT: u64 = 6 * 1024 * 1024;

async fn open(folder: &Path) -> Store {
    Database::file(folder.join("offboardd.db"), KeyLocation::Beside).open().await.unwrap()
}

async fn write_group(store: &Store) {
    let (received_at, source) = (START.parse().unwrap(), "hr".parse::<SourceName>().unwrap());
    let delivery = |_| {
        let id = DeliveryId::from(clock::new_id(received_at));
        NewDelivery {
            id,
            source: source.clone(),
            received_at,
            dedupe_hash: store.key().hash_delivery(&source, "id", id.as_bytes()),
            dedupe_until: None,
            signed_at: None,
            content_type: None,
            sealed_body: vec![0; BODY],
        }
    };
    let group: Vec<NewDelivery> = (0..GROUP).map(delivery).collect();
    store.insert_deliveries(&group).await.unwrap();
}

#[tokio::test]
async fn wal_restarts_before_it_exceeds_its_limit() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    let mut keeper = store.wal_checkpointer();
    let mut longest = 0;
    for _ in 0..GROUPS {
        write_group(&store).await;
        assert!(keeper.checkpoint().await.unwrap(), "something was written");
        longest = longest.max(store.wal_status().bytes);
    }
    assert!(!keeper.checkpoint().await.unwrap(), "nothing was written any more");
    assert!(longest <= LONGEST, "the log was {longest} bytes long");
    keeper.close().await.unwrap();
    store.close().await;
    drop(store);
    assert!(!folder.path().join("offboardd.db-wal").exists());
    let store = open(folder.path()).await;
    assert_eq!(store.unrouted(&"hr".parse().unwrap(), u32::MAX, u64::MAX).await.unwrap().len(), GROUPS * GROUP);
    store.close().await;
}

#[tokio::test]
async fn wal_stays_short_under_small_writes() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    let mut keeper = store.wal_checkpointer();
    let (source, mut now) = ("hr".parse().unwrap(), START.parse::<Timestamp>().unwrap());
    let mut longest = 0;
    for number in 0..120 {
        // Longer than an offer is kept, so that each has room.
        now += SignedDuration::from_hours(25);
        // It began before the rest was moved, so that it continues behind it: by itself the log never begins again.
        let mut tx = store.begin().await.unwrap();
        let secret = format!("{number:060000}").into();
        assert!(tx.store_offered_secret(&source, &secret, now).await.unwrap());
        let writing = async {
            tokio::time::sleep(Duration::from_millis(5)).await;
            tx.commit().await.unwrap();
        };
        let ((), turned) = tokio::join!(writing, keeper.checkpoint());
        turned.unwrap();
        longest = longest.max(store.wal_status().bytes);
    }
    assert!(longest <= SHORT, "the log was {longest} bytes long");
    keeper.close().await.unwrap();
    store.close().await;
}

#[tokio::test]
async fn long_read_of_the_wal_does_not_block_writes() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    let mut keeper = store.wal_checkpointer();
    let options = SqliteConnectOptions::new().filename(folder.path().join("offboardd.db"));
    let mut reader = SqliteConnection::connect_with(&options).await.unwrap();
    let mut reading = reader.begin().await.unwrap();
    let count = async |reading: &mut SqliteConnection| {
        sqlx::query("SELECT COUNT(*) FROM deliveries").fetch_one(reading).await.unwrap().get::<i64, _>(0)
    };
    assert_eq!(count(&mut reading).await, 0);
    for _ in 0..GROUPS {
        write_group(&store).await;
        keeper.checkpoint().await.unwrap();
    }
    assert_eq!(count(&mut reading).await, 0, "who reads sees what was there when it began");
    assert!(store.wal_status().bytes > LONGEST);
    reading.rollback().await.unwrap();
    let before = store.wal_status().bytes;
    for _ in 0..GROUPS {
        write_group(&store).await;
        keeper.checkpoint().await.unwrap();
    }
    let grown = store.wal_status().bytes - before;
    assert!(grown <= LONGEST, "the log keeps growing: by {grown} bytes");
    keeper.close().await.unwrap();
    store.close().await;
}

#[tokio::test]
async fn short_wal_is_checkpointed_beside_a_writer() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    let mut keeper = store.wal_checkpointer();
    write_group(&store).await;
    let written = store.wal_status().bytes;
    let size = || std::fs::metadata(folder.path().join("offboardd.db")).unwrap().len();
    assert!(size() < written / 2, "it is in the log alone");
    let writing = store.begin().await.unwrap();
    let moving = tokio::time::timeout(Duration::from_secs(10), keeper.checkpoint()).await;
    assert!(moving.expect("who writes is not waited for").unwrap());
    assert!(size() > written / 2, "it is still in the log alone");
    assert_eq!(store.wal_status().bytes, written);
    drop(writing);
    keeper.close().await.unwrap();
    store.close().await;
}

/// Whether the checkpointer waits for the writer, so that the log can begin again.
async fn waits_for_writers(store: &Store, keeper: &mut WalCheckpointer) -> bool {
    write_group(store).await;
    let writing = store.begin().await.unwrap();
    let turned = tokio::time::timeout(Duration::from_secs(1), keeper.checkpoint()).await;
    drop(writing);
    turned.is_err()
}

/// How many groups are written before it does.
async fn groups_before_writers_wait(store: &Store, keeper: &mut WalCheckpointer) -> usize {
    for number in 1..=GROUPS {
        if waits_for_writers(store, keeper).await {
            return number;
        }
    }
    panic!("the log was never to begin again");
}

#[tokio::test]
async fn writers_wait_once_for_each_long_wal_with_a_reader() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    let mut keeper = store.wal_checkpointer();
    let options = SqliteConnectOptions::new().filename(folder.path().join("offboardd.db"));
    let mut reader = SqliteConnection::connect_with(&options).await.unwrap();
    let mut lengths = Vec::new();
    for _ in 0..2 {
        let mut reading = reader.begin().await.unwrap();
        sqlx::query("SELECT COUNT(*) FROM deliveries").fetch_one(&mut *reading).await.unwrap();
        lengths.push(groups_before_writers_wait(&store, &mut keeper).await);
        assert!(!waits_for_writers(&store, &mut keeper).await, "it is still read, and hardly longer");
        reading.rollback().await.unwrap();
        // No reader is left: it is moved whole, and the next write begins it again.
        write_group(&store).await;
        assert!(keeper.checkpoint().await.unwrap());
    }
    let [first, second] = lengths[..] else { panic!("{lengths:?}") };
    assert!(first > 1 && second <= first, "{lengths:?}");
    keeper.close().await.unwrap();
    store.close().await;
}

#[tokio::test]
async fn wal_is_truncated_after_shredding_unless_a_reader_is_active() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    write_group(&store).await;
    let options = SqliteConnectOptions::new().filename(folder.path().join("offboardd.db"));
    let mut reader = SqliteConnection::connect_with(&options).await.unwrap();
    let mut reading = reader.begin().await.unwrap();
    sqlx::query("SELECT COUNT(*) FROM deliveries").fetch_one(&mut *reading).await.unwrap();
    assert!(!store.truncate_wal().await.unwrap(), "a reader is active");
    assert!(store.wal_status().bytes > 0);
    reading.rollback().await.unwrap();
    assert!(store.truncate_wal().await.unwrap());
    assert_eq!(store.wal_status().bytes, 0);
    store.close().await;
}
