//! Drains no-ops with apalis-sqlite, every commit on the disk, and prints how many that were a second.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use apalis::prelude::*;
use apalis_sqlite::SqliteStorage;
use futures::stream;
use sqlx::SqlitePool;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};

const JOBS: u32 = 2000;

static DONE: AtomicU32 = AtomicU32::new(0);

async fn nothing(_job: u32) -> Result<(), BoxDynError> {
    DONE.fetch_add(1, Ordering::Relaxed);
    Ok(())
}

#[tokio::main]
async fn main() -> Result<(), BoxDynError> {
    let options = SqliteConnectOptions::new()
        .filename("apalis.db")
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(Duration::from_secs(30));
    let pool = SqlitePool::connect_with(options).await?;
    SqliteStorage::setup(&pool).await?;
    let mut backend = SqliteStorage::new(&pool);
    backend.push_stream(&mut stream::iter(0..JOBS)).await?;
    let begun = Instant::now();
    let worker = WorkerBuilder::new("drain").backend(backend).concurrency(8).build(nothing);
    let working = tokio::spawn(worker.run());
    while DONE.load(Ordering::Relaxed) < JOBS {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    println!("{:.0}", f64::from(JOBS) / begun.elapsed().as_secs_f64());
    working.abort();
    Ok(())
}
