use futures_util::FutureExt as _;
use jiff::Timestamp;
use serde_json::Value;
use tokio::task::JoinSet;

use super::*;
use crate::store::{Database, JournalCheck, KeyLocation, Store, Tx, verify_journal};

struct Office {
    dir: tempfile::TempDir,
    store: Store,
}

impl Office {
    async fn open() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = Database::file(dir.path().join("x.db"), KeyLocation::Given([7; 32])).open().await.unwrap();
        Self { dir, store }
    }

    /// The number of journal entries, seen by another process.
    fn entries(&self) -> i64 {
        let reader = rusqlite::Connection::open(self.dir.path().join("x.db")).unwrap();
        reader.query_row("SELECT COUNT(*) FROM journal", [], |row| row.get(0)).unwrap()
    }

    async fn assert_intact(&self, expected: i64) {
        let check = verify_journal(&self.dir.path().join("x.db")).await.unwrap();
        assert!(matches!(check, JournalCheck::Intact { entries, .. } if entries == expected), "{check:?}");
    }
}

async fn write(tx: &mut Tx) {
    tx.write_journal(None, "test", &Value::Null, Timestamp::UNIX_EPOCH).await.unwrap();
}

async fn write_and_commit(store: &Store) -> Result<(), StoreError> {
    let mut tx = store.begin().await?;
    write(&mut tx).await;
    tx.commit().await
}

#[tokio::test]
async fn writer_notices_whether_another_writer_waits() {
    let office = Office::open().await;
    let first = office.store.begin().await.unwrap();
    assert!(!first.is_awaited());
    let mut others = JoinSet::new();
    let waiting = office.store.clone();
    others.spawn(async move { waiting.begin().await.unwrap() });
    let noticed = async {
        while !first.is_awaited() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), noticed).await.expect("it is noticed");
    drop(first);
    assert!(!others.join_next().await.unwrap().unwrap().is_awaited(), "no other writer waits");
}

#[tokio::test]
async fn waiting_units_share_a_transaction() {
    let office = Office::open().await;
    let mut first = office.store.begin().await.unwrap();
    write(&mut first).await;
    let second = office.store.begin();
    let last = async {
        let mut second = second.await.unwrap();
        // The first unit has ended; it is committed with this one.
        assert_eq!(office.entries(), 0);
        write(&mut second).await;
        second.commit().await.unwrap();
    };
    let ((), committed) = tokio::join!(last, first.commit());
    committed.unwrap();
    office.assert_intact(2).await;
}

#[tokio::test]
async fn unit_that_is_dropped_is_rolled_back_and_the_others_are_committed() {
    let office = Office::open().await;
    let store = &office.store;
    let mut first = store.begin().await.unwrap();
    write(&mut first).await;
    let dropped = async {
        let mut second = store.begin().await.unwrap();
        write(&mut second).await;
        drop(second);
    };
    let (first, (), third) = tokio::join!(first.commit(), dropped, write_and_commit(store));
    first.unwrap();
    third.unwrap();
    office.assert_intact(2).await;
}

#[tokio::test]
async fn unit_whose_commit_is_not_awaited_is_committed() {
    let office = Office::open().await;
    let mut tx = office.store.begin().await.unwrap();
    write(&mut tx).await;
    assert!(tx.commit().now_or_never().is_none());
    write_and_commit(&office.store).await.unwrap();
    office.assert_intact(2).await;
}

#[tokio::test]
async fn caller_that_no_longer_waits_does_not_block_the_others() {
    let office = Office::open().await;
    let first = office.store.begin().await.unwrap();
    assert!(Box::pin(office.store.begin()).now_or_never().is_none());
    drop(first);
    write_and_commit(&office.store).await.unwrap();
    office.assert_intact(1).await;
}

#[tokio::test]
async fn transaction_that_sqlite_rolled_back_fails_all_its_units() {
    let office = Office::open().await;
    let store = &office.store;
    let mut first = store.begin().await.unwrap();
    write(&mut first).await;
    let broken = async {
        let mut second = store.begin().await.unwrap();
        // As SQLite does by itself when the disk is full.
        second.run("ROLLBACK").await.unwrap();
        second.commit().await
    };
    let (first, second) = tokio::join!(first.commit(), broken);
    assert!(matches!(first, Err(StoreError::NotCommitted)), "{first:?}");
    assert!(matches!(second, Err(StoreError::Database(_))), "{second:?}");
    write_and_commit(store).await.unwrap();
    office.assert_intact(1).await;
}

#[tokio::test]
async fn closed_database_writes_nothing_and_returns_an_error() {
    let office = Office::open().await;
    office.store.close().await;
    let begun = office.store.begin().await;
    assert!(matches!(begun, Err(StoreError::Database(sqlx::Error::PoolClosed))), "{begun:?}");
}
