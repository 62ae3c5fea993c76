//! The statements of two engines that differ, and those of SQLite's own functions.
//!
//! Nearly every text of the store serves both engines. Three means keep the differences few:
//!
//! - The schema of PostgreSQL defines the functions of SQLite that the statements use: `json_each`, `->>` on text, `hex`, `unhex`.
//! - A list of values is bound as JSON and read with `json_each($1)`. Its values are texts in PostgreSQL: numbers are cast.
//! - A value that is 0 or 1 is an integer in both. A condition is compared with it by `CASE`.
//!
//! What remains has a text for each engine: the begin of a group, and the insert of deliveries.
//!
//! Not here: the files of SQLite (`open`, `stamp`, `wal`, `restore`, `backup`), which have no counterpart.

use super::sql::Kind;

/// Begins a group of units of work, with the savepoint of the first one. Acquires the write lock first, so that no unit
/// fails halfway for lack of it. PostgreSQL has no such lock: one number stands for it, "offw" in ASCII. A replica that is frozen
/// while it holds the lock loses it after a moment, also behind a pooler that ignores the settings of sessions.
pub(super) const fn begin(kind: Kind) -> &'static str {
    match kind {
        Kind::Sqlite => "BEGIN IMMEDIATE; SAVEPOINT unit",
        Kind::Postgres => {
            "BEGIN; SET LOCAL idle_in_transaction_session_timeout = '3s'; SET LOCAL lock_timeout = '20s'; \
             SELECT pg_advisory_xact_lock(1868981879); SAVEPOINT unit"
        }
    }
}

/// Begins a transaction of the intake. In PostgreSQL it has a lock of its own, "offi" in ASCII, so that no vendor waits for the
/// router. The message makes the commit wait for the synchronous standby although nothing else may be written: a delivery that is
/// acknowledged as a duplicate must be as durable as a new one.
pub(super) const fn begin_intake(kind: Kind) -> &'static str {
    match kind {
        Kind::Sqlite => begin(kind),
        Kind::Postgres => {
            "BEGIN; SELECT pg_advisory_xact_lock(1868981865); SELECT pg_logical_emit_message(TRUE, 'offboardd', ''); SAVEPOINT unit"
        }
    }
}

/// Begins the next unit of a group.
pub(super) const BEGIN_NEXT: &str = "RELEASE unit; SAVEPOINT unit";

/// Rolls back the current unit.
pub(super) const ROLL_BACK_UNIT: &str = "ROLLBACK TO unit";

/// Commits a group. Fails without the savepoint: then SQLite has rolled back the group by itself.
pub(super) const COMMIT: &str = "RELEASE unit; COMMIT";

/// Deletes up to `$2` escalations until `$1`.
pub(super) const DELETE_OLD_ESCALATIONS: &str = "DELETE FROM escalations
     WHERE rowid IN (SELECT rowid FROM escalations WHERE at <= $1 LIMIT $2)";

/// The messages of channels that are not in the JSON list `$1`.
pub(super) const DELETE_MESSAGES_OF_OTHER_CHANNELS: &str = "DELETE FROM notice_messages
     WHERE channel NOT IN (SELECT value FROM json_each($1))";

/// Jobs of dead workers: running, with a lease until `$1` unless `$2`, and without the ids in the JSON list `$3`. Those of the
/// sites in the JSON list `$4`, or of all sites.
pub(super) const JOBS_OF_DEAD_WORKERS: &str = "SELECT id, case_id, kind, dispatched_at
     FROM jobs
     WHERE state = 'running' AND ($2 = 1 OR lease_until <= $1) AND id NOT IN (SELECT value FROM json_each($3))
         AND ($4 IS NULL OR site IN (SELECT value FROM json_each($4)))";

/// The open cases of a site whose email hash is in the JSON list `$2` of hashes in hexadecimal.
pub(super) const OPEN_CASES_OF_ADDRESSES: &str = "SELECT c.id, c.email_hash
     FROM json_each($2) wanted
         JOIN cases c ON c.email_hash = unhex(wanted.value)
     WHERE c.site = $1 AND c.closed_at IS NULL";

/// The open jobs of the cases in the JSON list `$1`.
pub(super) const JOBS_OF_CASES: &str = "SELECT *
     FROM jobs
     WHERE case_id IN (SELECT value FROM json_each($1)) AND state IN ('queued', 'running')";

/// The due time of the next queued job in each lane of the JSON list `$1`: pairs of a site and an urgency.
pub(super) const NEXT_DUE: &str = "SELECT
         lane.key AS id,
         (
             SELECT due_at
             FROM runnable_jobs
             WHERE site = lane.value ->> 0
                 AND urgency = CAST(lane.value ->> 1 AS BIGINT)
                 AND NOT EXISTS (SELECT 1 FROM sites WHERE name = lane.value ->> 0 AND paused_at IS NOT NULL)
             ORDER BY due_at
             LIMIT 1) AS due_at
     FROM json_each($1) lane
     ORDER BY lane.key";

/// Cases by their properties, newest first.
pub(super) const LIST_CASES: &str = "SELECT c.*, k.sealed AS sealed_key
     FROM cases c
         LEFT JOIN case_keys k ON k.case_id = c.id
     WHERE ($1 IS NULL OR c.state = $1)
         AND ($2 IS NULL OR c.source = $2)
         AND ($3 IS NULL OR c.site = $3)
         AND ($4 IS NULL OR c.held = $4)
         AND ($5 IS NULL OR CASE WHEN c.state IN ('needs_attention', 'restoring') THEN 1 ELSE 0 END = $5)
         AND ($6 IS NULL OR c.id < $6)
     ORDER BY c.id DESC
     LIMIT $7";

/// The same, by the due time of the open job; `$6` is the last case of the previous page.
pub(super) const LIST_CASES_BY_NEXT: &str = "SELECT c.*, k.sealed AS sealed_key
     FROM cases c
         LEFT JOIN case_keys k ON k.case_id = c.id
         LEFT JOIN jobs j ON j.case_id = c.id AND j.state IN ('queued', 'running')
     WHERE ($1 IS NULL OR c.state = $1)
         AND ($2 IS NULL OR c.source = $2)
         AND ($3 IS NULL OR c.site = $3)
         AND ($4 IS NULL OR c.held = $4)
         AND ($5 IS NULL OR CASE WHEN c.state IN ('needs_attention', 'restoring') THEN 1 ELSE 0 END = $5)
         AND ($6 IS NULL
             OR (COALESCE(j.due_at, 9223372036854775807), c.id) > (
                 COALESCE(
                     (SELECT due_at FROM jobs WHERE case_id = $6 AND state IN ('queued', 'running')),
                     9223372036854775807),
                 $6))
     ORDER BY COALESCE(j.due_at, 9223372036854775807), c.id
     LIMIT $7";

/// The same for a filter that most cases match: the open jobs are read in their order, up to the end of the page. Cases
/// without an open job follow.
pub(super) const LIST_MOST_CASES_BY_NEXT: &str = "WITH last AS (
         SELECT (SELECT due_at FROM jobs WHERE case_id = $6 AND state IN ('queued', 'running')) AS due_at),
     due AS MATERIALIZED (
         SELECT j.due_at, c.id
         FROM jobs j
             CROSS JOIN cases c
         WHERE c.id = j.case_id
             AND j.state IN ('queued', 'running')
             AND ($1 IS NULL OR c.state = $1)
             AND ($2 IS NULL OR c.source = $2)
             AND ($3 IS NULL OR c.site = $3)
             AND ($6 IS NULL OR (j.due_at, j.case_id) > ((SELECT due_at FROM last), $6))
         ORDER BY j.due_at, j.case_id
         LIMIT $7),
     rest AS MATERIALIZED (
         SELECT 9223372036854775807 AS due_at, c.id
         FROM cases c
         WHERE ($1 IS NULL OR c.state = $1)
             AND ($2 IS NULL OR c.source = $2)
             AND ($3 IS NULL OR c.site = $3)
             AND NOT EXISTS (SELECT 1 FROM jobs j WHERE j.case_id = c.id AND j.state IN ('queued', 'running'))
             AND ($6 IS NULL OR (SELECT due_at FROM last) IS NOT NULL OR c.id > $6)
         ORDER BY c.id
         LIMIT $7 - (SELECT COUNT(*) FROM due))
     SELECT c.*, k.sealed AS sealed_key
     FROM (SELECT * FROM due UNION ALL SELECT * FROM rest) found
         CROSS JOIN cases c
         LEFT JOIN case_keys k ON k.case_id = c.id
     WHERE c.id = found.id
         AND $4 IS NULL
         AND $5 IS NULL
     ORDER BY found.due_at, c.id";

/// The cases of a person: those with an email hash of the JSON list `$8` and a person hash of the JSON list `$9`, in
/// hexadecimal; either list may be NULL. With `$10` by the due time of the open job, otherwise newest first. The hashes are
/// looked up in their indexes first.
pub(super) const LIST_CASES_OF_PERSON: &str = "SELECT c.*, k.sealed AS sealed_key
     FROM (
         SELECT id
         FROM cases
         WHERE email_hash IN (SELECT unhex(value) FROM json_each($8))
         UNION
         SELECT id
         FROM cases
         WHERE person_hash IN (SELECT unhex(value) FROM json_each($9))) found
         CROSS JOIN cases c
         LEFT JOIN case_keys k ON k.case_id = c.id
         CROSS JOIN (
             SELECT
                 COALESCE(
                     (SELECT due_at FROM jobs WHERE $10 = 1 AND case_id = $6 AND state IN ('queued', 'running')),
                     9223372036854775807) AS due_at) page
         LEFT JOIN jobs j ON $10 = 1 AND j.case_id = c.id AND j.state IN ('queued', 'running')
     WHERE c.id = found.id
         AND ($1 IS NULL OR c.state = $1)
         AND ($2 IS NULL OR c.source = $2)
         AND ($3 IS NULL OR c.site = $3)
         AND ($4 IS NULL OR c.held = $4)
         AND ($5 IS NULL OR CASE WHEN c.state IN ('needs_attention', 'restoring') THEN 1 ELSE 0 END = $5)
         AND ($6 IS NULL
             OR COALESCE(j.due_at, 9223372036854775807) > page.due_at
             OR (COALESCE(j.due_at, 9223372036854775807) = page.due_at AND c.id < $6))
         AND ($8 IS NULL OR c.email_hash IN (SELECT unhex(value) FROM json_each($8)))
         AND ($9 IS NULL OR c.person_hash IN (SELECT unhex(value) FROM json_each($9)))
     ORDER BY COALESCE(j.due_at, 9223372036854775807), c.id DESC
     LIMIT $7";

/// Entries of one case, newest first. `$2` is a JSON list of kinds; `$5` is unused.
pub(super) const JOURNAL_OF_CASE: &str = "SELECT seq AS id, seq, at, case_id, kind, detail
     FROM journal
     WHERE case_id = $1
         AND ($2 IS NULL OR kind IN (SELECT value FROM json_each($2)))
         AND ($3 IS NULL OR seq < $3)
         AND $5 > 0
     ORDER BY seq DESC
     LIMIT $4";

/// Entries, newest first, of the newest `$5` before the cursor `$3`. `$2` is a JSON list of kinds; `$1` is unused.
pub(super) const JOURNAL: &str = "SELECT seq AS id, seq, at, case_id, kind, detail
     FROM journal
     WHERE $1 IS NULL
         AND ($2 IS NULL OR kind IN (SELECT value FROM json_each($2)))
         AND seq < COALESCE($3, (SELECT MAX(seq) + 1 FROM journal))
         AND seq >= COALESCE($3, (SELECT MAX(seq) + 1 FROM journal)) - $5
     ORDER BY seq DESC
     LIMIT $4";

/// The unrouted deliveries of the source `$1` up to the row `$2`, at most `$3`. Each with whether an older one has the same
/// id: the first `$4` bytes of the hash. All bodies under one id are adjacent in the index, up to the id followed by `$5`.
pub(super) const UNROUTED: &str = "SELECT
         d.id,
         d.seq,
         d.source,
         d.received_at,
         d.content_type,
         d.body,
         d.dedupe_hash,
         d.dedupe_until,
         d.signed_at,
         d.items_routed,
         d.crashes,
         d.replayed,
         d.dedupe_until IS NULL AND EXISTS (
             SELECT 1
             FROM deliveries o
             WHERE o.dedupes = 1
                 AND o.dedupe_hash >= substr(d.dedupe_hash, 1, CAST($4 AS INTEGER))
                 AND o.dedupe_hash <= CAST(substr(d.dedupe_hash, 1, CAST($4 AS INTEGER)) || $5 AS BLOB)
                 AND o.seq < d.seq) AS reuses_id
     FROM deliveries d
     WHERE d.status = 'received' AND d.source = $1 AND d.seq <= $2
     ORDER BY d.seq
     LIMIT $3";

/// Inserts the events in the JSON list `$1`: lists of the columns' values, then the site and the email hash in hexadecimal
/// whose open case the event is about.
pub(super) const INSERT_EVENTS: &str = "INSERT INTO events (
         id, delivery_id, position, source, type, happened_at, status, reason, case_id, site)
     SELECT
         e.value ->> 0,
         e.value ->> 1,
         CAST(e.value ->> 2 AS BIGINT),
         e.value ->> 3,
         e.value ->> 4,
         CAST(e.value ->> 5 AS BIGINT),
         e.value ->> 6,
         e.value ->> 7,
         COALESCE(
             e.value ->> 8,
             (
                 SELECT id
                 FROM cases
                 WHERE email_hash = unhex(e.value ->> 11) AND site = e.value ->> 10 AND closed_at IS NULL
                 ORDER BY id DESC
                 LIMIT 1)),
         e.value ->> 9
     FROM json_each($1) e
     ORDER BY e.key";

/// Stores at `$1` that the deliveries in the JSON list `$2` are routed.
pub(super) const ROUTED: &str = "UPDATE deliveries
     SET status = 'routed', routed_at = $1, problem = NULL, items_routed = 0
     WHERE seq IN (SELECT CAST(value AS BIGINT) FROM json_each($2))";

/// PostgreSQL: inserts the new ones of some deliveries, each column an array. They are numbered in their order, and inserted in
/// that of their hashes: replicas that insert the same ones do not wait for each other in a circle.
pub(super) const INSERT_DELIVERIES: &str = "WITH given AS (
         SELECT nextval('deliveries_seq_seq') AS seq, columns.*
         FROM UNNEST(
             $1::text[], $2::text[], $3::bigint[], $4::bytea[], $5::bigint[], $6::text[], $7::bytea[], $8::bigint[]) columns (
             id, source, received_at, dedupe_hash, dedupe_until, content_type, body, signed_at))
     INSERT INTO deliveries (
         seq, id, source, received_at, dedupe_hash, dedupe_until, content_type, body, signed_at)
     SELECT *
     FROM given
     ORDER BY dedupe_hash
     ON CONFLICT (dedupe_hash) WHERE dedupes = 1 DO NOTHING";

/// PostgreSQL: gives the replica `$1` the terms of the duties in the JSON list `$2` that no other one holds, for `$3`
/// milliseconds by the server's clock. A term that was over has a new token.
pub(super) const RENEW_TERMS: &str = "INSERT INTO terms (duty, owner, token, until)
     SELECT value, $1, 1, instant.now + $3
     FROM json_each($2)
         CROSS JOIN (SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT) AS now) instant
     ORDER BY value
     ON CONFLICT (duty) DO UPDATE
     SET owner = excluded.owner,
         token = terms.token
             + CASE WHEN terms.owner = excluded.owner AND terms.until > excluded.until - $3 THEN 0 ELSE 1 END,
         until = excluded.until
     WHERE terms.owner = excluded.owner OR terms.until <= excluded.until - $3
     RETURNING duty, token";

/// The replica `$1` gives up the duties in the JSON list `$2`.
pub(super) const RESIGN: &str = "UPDATE terms
     SET until = 0
     WHERE owner = $1 AND until > 0 AND duty IN (SELECT value FROM json_each($2))";

/// PostgreSQL: stores that the replica `$1` with the settings `$2` is alive, and deletes those that ended a while ago.
pub(super) const SEE_REPLICA: &str = "WITH instant AS (
         SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT) AS now),
     ended AS (DELETE FROM replicas WHERE id <> $1 AND seen_at < (SELECT now FROM instant) - 60000)
     INSERT INTO replicas (id, settings, seen_at)
     SELECT $1, $2, now
     FROM instant
     ON CONFLICT (id) DO UPDATE
     SET settings = excluded.settings, seen_at = excluded.seen_at
     WHERE replicas.seen_at < excluded.seen_at - 1000";

/// PostgreSQL: the replica with the settings `$2` that works the fewest sites, besides `$1`.
pub(super) const IDLEST_REPLICA: &str = "WITH instant AS (
         SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT) AS now)
     SELECT r.id, COUNT(t.duty) AS sites
     FROM replicas r
         CROSS JOIN instant
         LEFT JOIN terms t ON t.owner = r.id AND t.until > instant.now AND t.duty LIKE 'site/%'
     WHERE r.id <> $1 AND r.settings = $2 AND r.seen_at > instant.now - 2500
     GROUP BY r.id
     ORDER BY sites, r.id
     LIMIT 1";

/// PostgreSQL: the duty `$2` of the replica `$1`, with the token `$3`, goes to the replica `$4` for `$5` ms with another token, unless
/// a job of its site `$6` runs.
pub(super) const HAND_OVER: &str = "UPDATE terms
     SET owner = $4,
         token = token + 1,
         until = CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT) + $5
     WHERE owner = $1
         AND duty = $2
         AND token = $3
         AND NOT EXISTS (SELECT 1 FROM jobs WHERE site = $6 AND state = 'running')";

/// PostgreSQL: the replicas that are alive.
pub(super) const LIVE_REPLICAS: &str = "SELECT id, settings, seen_at
     FROM replicas
     WHERE seen_at > CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT) - 5000
     ORDER BY id";

/// Joins the rows of [`insert_deliveries`].
macro_rules! rows {
    (1) => {
        "(?, ?, ?, ?, ?, ?, ?, ?)"
    };
    (2) => {
        concat!(rows!(1), ", ", rows!(1))
    };
    (4) => {
        concat!(rows!(2), ", ", rows!(2))
    };
    (8) => {
        concat!(rows!(4), ", ", rows!(4))
    };
    (16) => {
        concat!(rows!(8), ", ", rows!(8))
    };
    (32) => {
        concat!(rows!(16), ", ", rows!(16))
    };
    (64) => {
        concat!(rows!(32), ", ", rows!(32))
    };
    (128) => {
        concat!(rows!(64), ", ", rows!(64))
    };
    (256) => {
        concat!(rows!(128), ", ", rows!(128))
    };
}

macro_rules! insert {
    ($rows:tt) => {
        concat!(
            "INSERT INTO deliveries (id, source, received_at, dedupe_hash, dedupe_until, content_type, body, signed_at)
             SELECT *
             FROM (VALUES ",
            rows!($rows),
            ")
             WHERE column1 IS NOT NULL
             ON CONFLICT (dedupe_hash) WHERE dedupes = 1 DO NOTHING"
        )
    };
}

/// The maximum number of deliveries in one statement.
pub(super) const MOST_DELIVERIES: usize = 256;

/// SQLite: inserts up to `rows` deliveries, at most [`MOST_DELIVERIES`].
///
/// There is one statement for a group, because each costs a round trip to the SQLite thread. There are few texts,
/// because each is prepared once. Unused rows are not bound: SQLite reads them as NULL, and the statement skips them.
pub(super) const fn insert_deliveries(rows: usize) -> &'static str {
    match rows {
        0..=1 => insert!(1),
        2 => insert!(2),
        3..=4 => insert!(4),
        5..=8 => insert!(8),
        9..=16 => insert!(16),
        17..=32 => insert!(32),
        33..=64 => insert!(64),
        65..=128 => insert!(128),
        129.. => insert!(256),
    }
}
