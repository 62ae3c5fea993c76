//! SQLite without us: the same rows in the same tables, by its C interface and one thread.

use std::path::Path;
use std::time::{Duration, Instant};

use offboardd::store::{Database, KeyLocation};
use rusqlite::{Connection, params};

use crate::load::BODY;

/// How many bytes sealing adds to a body.
const SEAL: usize = 28;

/// A database with our schema, opened as we open it.
pub(crate) fn open(path: &Path) -> Connection {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        Database::file(path.to_owned(), KeyLocation::Beside).open().await.unwrap().close().await;
    });
    let connection = Connection::open(path).unwrap();
    for (name, value) in [("journal_mode", "WAL"), ("synchronous", "FULL"), ("secure_delete", "ON")] {
        connection.pragma_update(None, name, value).unwrap();
    }
    connection
}

/// Deliveries per second, so many in each transaction.
pub(crate) fn deliveries(connection: &mut Connection, in_each: usize, lasts: Duration) -> f64 {
    let (begun, mut count) = (Instant::now(), 0_usize);
    while begun.elapsed() < lasts {
        let tx = connection.transaction().unwrap();
        for _ in 0..in_each {
            insert(&tx, count);
            count += 1;
        }
        tx.commit().unwrap();
    }
    count as f64 / begun.elapsed().as_secs_f64()
}

/// How long one durable insert takes, in microseconds: the middle one.
pub(crate) fn one_insert(connection: &mut Connection, lasts: Duration) -> f64 {
    let (begun, mut took) = (Instant::now(), Vec::new());
    while begun.elapsed() < lasts {
        let sent_at = Instant::now();
        insert(connection, took.len());
        took.push(sent_at.elapsed().as_secs_f64() * 1e6);
    }
    crate::table::median(took)
}

fn insert(connection: &Connection, number: usize) {
    let id = offboardd::clock::new_id(jiff::Timestamp::now()).to_string();
    let hash = offboardd::clock::random::<32>();
    let body = vec![b'x'; BODY + SEAL];
    let mut insert = connection
        .prepare_cached(
            "INSERT INTO deliveries (id, source, received_at, dedupe_hash, dedupe_until, content_type, body)
             VALUES (?, 'hr0', ?, ?, NULL, 'application/json', ?)",
        )
        .unwrap();
    insert.execute(params![id, number as i64, hash.as_slice(), body]).unwrap();
}
