-- Instants are milliseconds since 1970 UTC. Ids are UUIDs (version 7) as text. Data that identifies a person is sealed
-- (XChaCha20-Poly1305) or a keyed hash (HMAC-SHA256), never plain.

-- One HTTP request of a source, verified and stored as received.
CREATE TABLE deliveries (
    seq          INTEGER PRIMARY KEY,   -- the order of acceptance
    id           TEXT    NOT NULL UNIQUE,
    source       TEXT    NOT NULL,
    received_at  INTEGER NOT NULL,
    -- Keyed hash of the source and the body or, where the vendor signs an id, 16 bytes of the hash of that id followed
    -- by 16 bytes of the hash of the body: different bodies under the same id are adjacent in the index.
    dedupe_hash  BLOB,
    dedupe_until INTEGER,               -- NULL: for as long as the row is kept (the vendor gave an id)
    -- 0: a repeated delivery is stored again. Its window is over, or a later event about one of its people took effect.
    dedupes      INTEGER NOT NULL DEFAULT 1 CHECK (dedupes IN (0, 1)),
    signed_at    INTEGER,               -- the time that the signature covers
    content_type TEXT,
    body         BLOB,                  -- sealed; emptied when it is no longer needed for a replay
    status       TEXT    NOT NULL DEFAULT 'received' CHECK (status IN ('received', 'routed', 'unreadable')),
    routed_at    INTEGER,
    problem      TEXT,                  -- why it could not be read: a place in the body and the expected value
    items_routed INTEGER NOT NULL DEFAULT 0,  -- the number of routed items, while it is routed in parts
    -- The number of crashes while this delivery was routed; counted after a start only, before the delivery is routed.
    crashes      INTEGER NOT NULL DEFAULT 0,
    replayed     INTEGER NOT NULL DEFAULT 0 CHECK (replayed IN (0, 1)),  -- the events of an earlier reading are stored
    partly_read  INTEGER NOT NULL DEFAULT 0 CHECK (partly_read IN (0, 1))  -- unreadable, but some of its items were read
) STRICT;
CREATE UNIQUE INDEX deliveries_once ON deliveries (dedupe_hash) WHERE dedupes = 1;
CREATE INDEX deliveries_windows ON deliveries (dedupe_until) WHERE dedupes = 1 AND dedupe_until IS NOT NULL;
-- The unrouted deliveries of each source, in their order: the router serves the sources in turn.
CREATE INDEX deliveries_unrouted ON deliveries (source, seq) WHERE status = 'received';
-- A source's jobs wait until a delivery that is routed in parts is done.
CREATE INDEX deliveries_in_parts ON deliveries (source) WHERE items_routed > 0;
CREATE INDEX deliveries_unreadable ON deliveries (seq) WHERE status = 'unreadable';
CREATE INDEX deliveries_kept ON deliveries (routed_at) WHERE routed_at IS NOT NULL AND body IS NOT NULL
    AND (status = 'routed' OR partly_read = 1);

-- The people that a delivery without an id is about, by the keyed hashes of the email address and of the person id. The
-- same body again is a duplicate only until a later event about that person took effect.
CREATE TABLE body_people (
    person_key    BLOB    NOT NULL,
    body_hash     BLOB    NOT NULL,
    delivery_seq  INTEGER NOT NULL,
    superseded_at INTEGER,              -- when a later event about this person took effect
    PRIMARY KEY (person_key, body_hash, delivery_seq)
) STRICT, WITHOUT ROWID;
CREATE INDEX body_people_of_delivery ON body_people (delivery_seq);

-- One fact about one person, from a delivery.
CREATE TABLE events (
    seq         INTEGER PRIMARY KEY,    -- the order of reading: ids within one millisecond are unordered
    id          TEXT    NOT NULL UNIQUE,
    delivery_id TEXT    NOT NULL,
    position    INTEGER NOT NULL,       -- in the delivery's batch, from 0
    source      TEXT    NOT NULL,
    type        TEXT    NOT NULL,
    happened_at INTEGER NOT NULL,
    site        TEXT,                   -- where the event applies, if its source has several sites
    -- waiting: a call about the same person is in progress, or a lookup of the email address is pending.
    status      TEXT    NOT NULL CHECK (status IN ('waiting', 'applied', 'ignored', 'unreadable')),
    reason      TEXT,                   -- why it had no effect, or why it could not be read
    case_id     TEXT,
    person_hash BLOB,                   -- the person whose email address is looked up
    sealed      BLOB                    -- the event itself, while it waits
) STRICT;
CREATE INDEX events_of_delivery ON events (delivery_id, position);
CREATE INDEX events_of_case ON events (case_id) WHERE case_id IS NOT NULL;
-- No job of a case is claimed while an event waits to be applied to it.
CREATE INDEX events_waiting ON events (case_id) WHERE status = 'waiting' AND person_hash IS NULL;
-- The waiting events in their order, which the router reads in each round.
CREATE INDEX events_waiting_in_order ON events (seq) WHERE status = 'waiting' AND person_hash IS NULL;
CREATE INDEX events_of_lookup ON events (person_hash) WHERE person_hash IS NOT NULL;

-- The email address of a source's person id, as reported by the source; one row for each of its sites.
CREATE TABLE people (
    source      TEXT    NOT NULL,
    site        TEXT    NOT NULL,
    person_hash BLOB    NOT NULL,
    email_hash  BLOB    NOT NULL,
    sealed      BLOB    NOT NULL,       -- the email address
    as_of_ns    INTEGER NOT NULL,       -- when the source reported it, in nanoseconds: a later report wins
    since_ns    INTEGER NOT NULL,       -- when the source first reported this email address
    seen_at     INTEGER NOT NULL,
    gone_at     INTEGER,                -- when this person of the source left or will leave
    PRIMARY KEY (source, person_hash, site)
) STRICT, WITHOUT ROWID;
CREATE INDEX people_by_address ON people (email_hash);

-- Former email addresses of a source's person id: the account of a renamed leaver may have one of them.
CREATE TABLE former_addresses (
    source      TEXT    NOT NULL,
    person_hash BLOB    NOT NULL,
    email_hash  BLOB    NOT NULL,
    sealed      BLOB    NOT NULL,       -- the email address
    until_ns    INTEGER NOT NULL,       -- when the next email address was reported
    PRIMARY KEY (source, person_hash, email_hash)
) STRICT, WITHOUT ROWID;
CREATE INDEX former_addresses_by_address ON former_addresses (email_hash);

-- Pending lookups of email addresses at the source's vendor. The events of these people wait meanwhile.
CREATE TABLE lookups (
    source      TEXT    NOT NULL,
    person_hash BLOB    NOT NULL,
    sealed      BLOB    NOT NULL,       -- the person id
    since       INTEGER NOT NULL,
    urgency     INTEGER NOT NULL DEFAULT 0,  -- 0 before 1: a departure or an erasure waits for it, or only stops
    due_at      INTEGER NOT NULL,
    attempts    INTEGER NOT NULL DEFAULT 0,
    first_at    INTEGER,                -- the first attempt, from which the time until giving up counts
    problem     TEXT,                   -- why the last one failed
    PRIMARY KEY (source, person_hash)
) STRICT, WITHOUT ROWID;
-- Also for the brake, which counts the recent ones of a source without reading their rows.
CREATE INDEX lookups_due ON lookups (source, urgency, due_at, since);

-- The number of ignored items for each of a vendor's words without a mapping, by day.
CREATE TABLE ignored_words (
    source      TEXT    NOT NULL,
    day         INTEGER NOT NULL,       -- days since 1970 UTC
    word        TEXT    NOT NULL,       -- the vendor's word for the event; identifies no person
    count       INTEGER NOT NULL,
    PRIMARY KEY (source, day, word)
) STRICT, WITHOUT ROWID;

-- Secrets that vendors offered in their handshakes, waiting for an operator or accepted.
CREATE TABLE offered_secrets (
    source      TEXT    NOT NULL,
    hash        BLOB    NOT NULL,       -- of the secret
    sealed      BLOB    NOT NULL,       -- the secret
    offered_at  INTEGER NOT NULL,
    accepted_at INTEGER,
    accepted_by TEXT,
    PRIMARY KEY (source, hash)
) STRICT, WITHOUT ROWID;

-- The newest fact of each kind about a person's leaving and staying, under the hash of the source's person id and under
-- the hash of the email address, so that an older event never reverts a newer one.
CREATE TABLE facts (
    person_key  BLOB    NOT NULL,
    kind        TEXT    NOT NULL,
    happened_ns INTEGER NOT NULL,       -- nanoseconds since 1970: keeps the order within a millisecond
    claimed_ns  INTEGER,                -- the source's own time, which may lie after the receipt
    delivery_id TEXT,                   -- a replay of that delivery is not a repetition of the fact
    PRIMARY KEY (person_key, kind)
) STRICT, WITHOUT ROWID;

-- The offboarding of one person on one site.
CREATE TABLE cases (
    id                    TEXT    PRIMARY KEY,
    site                  TEXT    NOT NULL,
    source                TEXT,         -- NULL: an operator's own request
    -- The hash of the email address on the site or, as long as none is known, of the source's person id.
    person_key            BLOB    NOT NULL,
    email_hash            BLOB,
    person_hash           BLOB,
    opened_at             INTEGER NOT NULL,
    state                 TEXT    NOT NULL CHECK (state IN ('scheduled', 'held', 'revoking', 'revoked', 'deleting',
                              'deletion_grace', 'erased', 'restoring', 'restored', 'cancelled', 'no_account',
                              'needs_attention')),
    since                 INTEGER NOT NULL,
    held                  TEXT    CHECK ((held IS NOT NULL) = (state = 'held')),
    attention             TEXT    CHECK ((attention IS NOT NULL) = (state = 'needs_attention')),
    attention_detail      TEXT,
    terms                 TEXT    NOT NULL,  -- JSON
    demands               TEXT    NOT NULL,  -- JSON: the demands of each source and operator, with effective dates
    approvals             TEXT    NOT NULL,  -- JSON
    on_hold               INTEGER NOT NULL DEFAULT 0 CHECK (on_hold IN (0, 1)),  -- an operator holds the person
    direction                TEXT    NOT NULL CHECK (direction IN ('leaving', 'returning')),
    effective_at          INTEGER NOT NULL,
    revoke_dispatched_at   INTEGER,
    revoked_at            INTEGER,
    detached_at           INTEGER,
    deletion_dispatched_at INTEGER,
    deletion_requested_at INTEGER,
    grace_ends_at         INTEGER,
    last_read_at          INTEGER,
    gone_at               INTEGER,
    reinvite_dispatched_at INTEGER,
    reads_without_account INTEGER NOT NULL DEFAULT 0,
    account_type          TEXT,
    sealed                BLOB,         -- the person and the account, with the case's own key; emptied when it closes
    closed_at             INTEGER,
    -- Of the open request for erasure with the nearest deadline: when it was received, and by when it must be carried out.
    erasure_requested_at  INTEGER,
    erasure_deadline_at   INTEGER,
    -- Increases with each entry of the journal that states it: an earlier version of the row does not match the newest one.
    version               INTEGER NOT NULL DEFAULT 0,
    code                  BLOB          -- shows that a holder of the key wrote this row (HMAC-SHA256)
) STRICT;
-- At most one open case for each person and site.
CREATE UNIQUE INDEX cases_one_open ON cases (site, person_key) WHERE closed_at IS NULL;
-- For a stop of an unknown id: whether it may concern any open case.
CREATE INDEX cases_open_by_source ON cases (site, source, person_hash) WHERE closed_at IS NULL;
CREATE INDEX cases_by_address ON cases (email_hash, id) WHERE email_hash IS NOT NULL;
CREATE INDEX cases_by_person_id ON cases (person_hash, id) WHERE person_hash IS NOT NULL;
CREATE INDEX cases_by_state ON cases (state, id);
-- The cases of a source, for its brake.
CREATE INDEX cases_by_source ON cases (source, opened_at) WHERE source IS NOT NULL;
CREATE INDEX cases_with_deadline ON cases (erasure_deadline_at) WHERE erasure_deadline_at IS NOT NULL;
-- For the retention of closed cases.
CREATE INDEX cases_closed ON cases (closed_at) WHERE closed_at IS NOT NULL;
-- The gauges count all cases by site and state, from this index alone.
CREATE INDEX cases_counted ON cases (site, state);
-- What waits for a human is counted from these alone, however many other cases there are.
CREATE INDEX cases_held ON cases (held, site, id) WHERE held IS NOT NULL;
CREATE INDEX cases_with_attention ON cases (site, attention, since) WHERE attention IS NOT NULL;

-- The people of open cases, by both hashes: what is stored about them does not expire.
CREATE VIEW open_people AS
SELECT email_hash AS person_key
FROM cases
WHERE closed_at IS NULL
UNION ALL
SELECT person_hash
FROM cases
WHERE closed_at IS NULL;

-- How near the deadline of a request for erasure is, as far as humans were alerted.
CREATE TABLE deadline_steps (
    case_id    TEXT    PRIMARY KEY,
    until_at   INTEGER NOT NULL,        -- the deadline: another one begins at its first step
    step       TEXT    NOT NULL CHECK (step IN ('quarter_left', 'tenth_left', 'overdue')),
    reached_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Persons that an operator holds: no event of a source lifts a hold, and a new case of the same person begins with it.
CREATE TABLE holds (
    site       TEXT    NOT NULL,
    person_key BLOB    NOT NULL,        -- the hash of the email address, or of the source's person id
    case_id    TEXT    NOT NULL,        -- the case on which the hold was placed; its rows are released together
    held_at    INTEGER NOT NULL,
    PRIMARY KEY (site, person_key)
) STRICT, WITHOUT ROWID;
CREATE INDEX holds_of_case ON holds (case_id);

-- The destructive actions that were opened, moved earlier or made stronger. The brake counts them.
CREATE TABLE escalations (
    actor   TEXT    NOT NULL,           -- a source's name, or `operator:` and the name of an admin token
    at      INTEGER NOT NULL,
    case_id TEXT    NOT NULL,
    kind    TEXT    NOT NULL CHECK (kind IN ('opened', 'earlier', 'stronger'))
) STRICT;
CREATE INDEX escalations_of_actor ON escalations (actor, at);
CREATE INDEX escalations_of_case ON escalations (case_id);

-- The cases held by each brake, besides those of the source that opened them.
CREATE TABLE brake_holds (
    actor   TEXT NOT NULL,
    case_id TEXT NOT NULL,
    PRIMARY KEY (case_id, actor)
) STRICT, WITHOUT ROWID;
CREATE INDEX brake_holds_of_actor ON brake_holds (actor);

-- Events of a frozen source about an open case. They take effect when the source is released, and are part of its
-- digest.
CREATE TABLE brake_deferred (
    seq          INTEGER PRIMARY KEY,   -- the order of arrival
    source       TEXT    NOT NULL,
    case_id      TEXT    NOT NULL,
    kind         TEXT    NOT NULL CHECK (kind IN ('departed', 'erasure_requested')),
    demand       TEXT    NOT NULL       -- JSON
) STRICT;
CREATE INDEX brake_deferred_of_source ON brake_deferred (source, seq);
CREATE INDEX brake_deferred_of_case ON brake_deferred (case_id);

-- Persons of other sources, or other ids, whose departure joined an open case: their stops find the case here.
CREATE TABLE case_people (
    person_hash BLOB NOT NULL,
    case_id     TEXT NOT NULL,
    PRIMARY KEY (person_hash, case_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX case_people_of_case ON case_people (case_id);

-- The key of each case, sealed with the master key. Deleting a row shreds the personal data of its case.
CREATE TABLE case_keys (
    case_id TEXT PRIMARY KEY REFERENCES cases (id),
    sealed  BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- One queued job of a case. Derived: each state of a case wants at most one job.
CREATE TABLE jobs (
    id            TEXT    PRIMARY KEY,
    case_id       TEXT    NOT NULL REFERENCES cases (id),
    site          TEXT    NOT NULL,
    source        TEXT,
    kind          TEXT    NOT NULL CHECK (kind IN ('revoke', 'detach', 'delete', 'verify', 'restore', 'reinvite')),
    -- 0: revokes, which have a lane of their own. 2: requests for erasure that are near their deadline, before 1: the others.
    urgency       INTEGER NOT NULL,
    state         TEXT    NOT NULL CHECK (state IN ('queued', 'running', 'done', 'cancelled')),
    due_at        INTEGER NOT NULL,
    attempts      INTEGER NOT NULL DEFAULT 0,
    failures      INTEGER NOT NULL DEFAULT 0,  -- failed attempts in a row
    -- The first of them, from which the time until giving up counts. Moved later by rate limits and pauses.
    failing_since INTEGER,
    refusals      INTEGER NOT NULL DEFAULT 0,  -- rejections of its call (403) while the credentials worked
    -- The lease of a worker. A worker whose token no longer matches has lost the lease.
    lease_token   TEXT,
    lease_until   INTEGER,
    dispatched_at INTEGER,              -- the call that changes something is in progress: too late to stop it
    -- The newest delivery when its call was requested, and the number of such fences: no call before it is routed.
    fence         INTEGER,
    fences        INTEGER NOT NULL DEFAULT 0,
    last_error    TEXT,
    created_at    INTEGER NOT NULL,
    finished_at   INTEGER,
    code          BLOB                  -- shows that a holder of the key wrote the due time (HMAC-SHA256)
) STRICT;
CREATE UNIQUE INDEX jobs_one_open ON jobs (case_id) WHERE state IN ('queued', 'running');
-- The last two columns, so that the coming calls of each hour are counted from this index alone.
CREATE INDEX jobs_due ON jobs (site, urgency, due_at, kind, state) WHERE state = 'queued';
-- The list of cases by what happens next.
CREATE INDEX jobs_next ON jobs (due_at, case_id) WHERE state IN ('queued', 'running');
CREATE INDEX jobs_leased ON jobs (lease_until) WHERE state = 'running';
CREATE INDEX jobs_of_case ON jobs (case_id, id);

-- One attempt of a job: its calls and their result.
CREATE TABLE attempts (
    job_id     TEXT    NOT NULL REFERENCES jobs (id),
    number     INTEGER NOT NULL,
    started_at INTEGER NOT NULL,
    ended_at   INTEGER NOT NULL,
    outcome    TEXT    NOT NULL,
    detail     TEXT,
    PRIMARY KEY (job_id, number)
) STRICT, WITHOUT ROWID;

-- The pause of a site: it rejected the credentials (401, 403) and waits for a fix, or an operator paused it.
CREATE TABLE sites (
    name      TEXT    PRIMARY KEY,
    paused_at INTEGER,
    reason    TEXT,
    paused_by TEXT                      -- the operator: no probe resumes the site; NULL: the daemon
) STRICT, WITHOUT ROWID;

-- Kinds of jobs whose call a site rejects while the credentials work (403, a missing scope): only they wait.
CREATE TABLE paused_kinds (
    site      TEXT    NOT NULL,
    kind      TEXT    NOT NULL CHECK (kind IN ('revoke', 'detach', 'delete', 'verify', 'restore', 'reinvite')),
    paused_at INTEGER NOT NULL,
    reason    TEXT    NOT NULL,
    PRIMARY KEY (site, kind)
) STRICT, WITHOUT ROWID;

-- The pause and the brake of a source, and the time of its last delivery.
CREATE TABLE sources (
    name              TEXT    PRIMARY KEY,
    paused_at         INTEGER,
    paused_by         TEXT,
    braked_at         INTEGER,          -- the brake tripped: cases of the source are held until an operator releases it
    brake             TEXT,             -- the limit that was exceeded, and by how much
    brake_released_at INTEGER,          -- cases released with it are not counted again
    last_delivery_at  INTEGER,
    quiet_since       INTEGER,          -- it sent nothing for longer than `quiet_after`, and this was reported
    lookups_day       INTEGER,          -- the day since 1970 of the newest lookups, and their number
    lookups           INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

-- The sites on which the people of a configured source have accounts.
CREATE TABLE source_sites (
    source TEXT NOT NULL,
    site   TEXT NOT NULL,
    PRIMARY KEY (site, source)
) STRICT, WITHOUT ROWID;

-- Which of several daemons does what (PostgreSQL; a file has one daemon). The server's clock ends a term. Each term has a token of
-- its own, which the writes of its holder name.
CREATE TABLE terms (
    duty  TEXT PRIMARY KEY,
    owner TEXT NOT NULL,
    token INTEGER NOT NULL,
    until INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- The daemons that use the database, each with a fingerprint of its settings.
CREATE TABLE replicas (
    id       TEXT PRIMARY KEY,
    settings TEXT NOT NULL,
    seen_at  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Why no change is made at any site until an approver lifts it: this database was changed by another hand, or is an older
-- copy. What the walk over the history found and an approver accepted is not raised by the next walk.
CREATE TABLE fences (
    id        INTEGER PRIMARY KEY,
    reason    TEXT    NOT NULL CHECK (reason IN ('restored', 'older', 'changed')),
    detail    TEXT    NOT NULL,
    raised_at INTEGER,                  -- NULL: found while the database was opened, not in the journal yet
    lifted_at INTEGER
) STRICT;

-- The queued jobs that may run when they are due, unless their site is paused: nothing else pauses them, no event waits to
-- be applied to their case, and no large delivery of their source is routed in parts. While a fence stands there are none.
-- A query adds the pause of its site, so that SQLite checks it once and not for each job.
CREATE VIEW runnable_jobs AS
SELECT id, site, urgency, due_at
FROM jobs
WHERE state = 'queued'
    AND NOT EXISTS (SELECT 1 FROM fences WHERE lifted_at IS NULL)
    AND NOT EXISTS (SELECT 1 FROM paused_kinds p WHERE p.site = jobs.site AND p.kind = jobs.kind)
    AND (source IS NULL OR source NOT IN (SELECT name FROM sources WHERE paused_at IS NOT NULL))
    AND (source IS NULL OR source NOT IN (SELECT source FROM deliveries WHERE items_routed > 0))
    AND (source IS NULL OR source NOT IN (SELECT source FROM company_events WHERE is_routing = 1))
    AND NOT EXISTS (
        SELECT 1
        FROM events e
        WHERE e.case_id = jobs.case_id AND e.status = 'waiting' AND e.person_hash IS NULL);

-- The append-only, hash-chained history. No personal data: a case is identified by its id, an account by a keyed hash.
CREATE TABLE journal (
    seq     INTEGER PRIMARY KEY,
    at      INTEGER NOT NULL,
    case_id TEXT,
    kind    TEXT    NOT NULL,
    detail  TEXT    NOT NULL,           -- JSON
    link    BLOB    NOT NULL,           -- SHA-256 of the previous link and this entry as a line of text
    code    BLOB    NOT NULL            -- shows that a holder of the key wrote the link (HMAC-SHA256)
) STRICT;
CREATE INDEX journal_of_case ON journal (case_id, seq) WHERE case_id IS NOT NULL;
-- The sums over the rows that decide, in tables without codes of their own: only the newest one counts.
CREATE INDEX journal_of_rows ON journal (seq) WHERE kind = 'rows';
-- What was done lately, among all the steps towards it. The query repeats the list, so that it can use the index.
CREATE INDEX journal_of_outcomes ON journal (at, seq)
WHERE kind IN ('revoke_confirmed', 'deletion_accepted', 'gone_confirmed', 'account_missing', 'grant_seen', 'reinvited',
    'cancelled', 'stopped', 'attention_needed');
CREATE TRIGGER journal_is_never_changed BEFORE UPDATE ON journal
BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;
CREATE TRIGGER journal_is_never_shortened BEFORE DELETE ON journal
BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;

-- An operator's remark on a journal entry: free text, which may name a person and is sealed with the case's key.
CREATE TABLE remarks (
    seq     INTEGER PRIMARY KEY REFERENCES journal (seq),
    case_id TEXT NOT NULL,
    sealed  BLOB NOT NULL
) STRICT;
CREATE INDEX remarks_of_case ON remarks (case_id);

-- The sessions of the console. The cookie's secret is not stored, only its hash.
CREATE TABLE sessions (
    hash       BLOB    PRIMARY KEY,     -- SHA-256 of the cookie's secret
    operator   TEXT    NOT NULL,        -- the name of the admin token
    -- SHA-256 of the secret and the token's digest: the session ends when the token is changed or removed.
    bound      BLOB    NOT NULL,
    began_at   INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX sessions_of_operator ON sessions (operator);
CREATE INDEX sessions_expiring ON sessions (expires_at);

-- The key of the keyed hashes, sealed with the master key: shows at start whether that is the right one.
CREATE TABLE store_key (
    sole   INTEGER PRIMARY KEY CHECK (sole = 1),
    sealed BLOB NOT NULL
) STRICT;

-- Up to which journal entry notices were derived. No row: no channel is configured.
CREATE TABLE notice_cursor (
    sole INTEGER PRIMARY KEY CHECK (sole = 1),
    seq  INTEGER NOT NULL
) STRICT;

-- Notices to people: the transitions of one kind, site and source that happened together. Deleted when every channel
-- accepted it.
CREATE TABLE notices (
    id        TEXT    PRIMARY KEY,
    kind      TEXT    NOT NULL,
    site      TEXT    NOT NULL,         -- empty: of no site
    source    TEXT    NOT NULL,         -- a source, `operator:` and the name of an admin token, or empty
    first_at  INTEGER NOT NULL,
    closes_at INTEGER NOT NULL,         -- when it is sent, unless more is added before
    closed_at INTEGER,
    sample    TEXT    NOT NULL          -- JSON: the number of transitions, the first cases, the reasons; no personal data
) STRICT;
CREATE UNIQUE INDEX notices_open ON notices (kind, site, source) WHERE closed_at IS NULL;

-- Messages that wait for their channel, one for each notice and channel.
CREATE TABLE notice_messages (
    notice_id     TEXT    NOT NULL REFERENCES notices (id),
    channel       TEXT    NOT NULL,
    due_at        INTEGER NOT NULL,
    attempts      INTEGER NOT NULL DEFAULT 0,
    failing_since INTEGER,
    PRIMARY KEY (notice_id, channel)
) STRICT, WITHOUT ROWID;
CREATE INDEX notice_messages_due ON notice_messages (channel, due_at);

-- One-time links of messages that were used, until they expire.
CREATE TABLE used_links (
    nonce      BLOB    PRIMARY KEY,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Lists of a site's customers: of a domain or of an organization. Read page by page.
CREATE TABLE listings (
    id            TEXT    PRIMARY KEY,
    site          TEXT    NOT NULL,
    scope         TEXT    NOT NULL CHECK (scope IN ('domain', 'organization')),
    subject_hash  BLOB    NOT NULL,         -- of site, scope and subject
    sealed        BLOB    NOT NULL,         -- the domain, or the id or name of the organization
    requested_at  INTEGER NOT NULL,
    start         INTEGER NOT NULL DEFAULT 0,  -- where the next page begins
    last_page     TEXT,                     -- its digest: a server may return the same page again
    hidden        INTEGER NOT NULL DEFAULT 0,  -- customers without a visible email address
    due_at        INTEGER NOT NULL,
    failures      INTEGER NOT NULL DEFAULT 0,
    failing_since INTEGER,
    done_at       INTEGER,
    problem       TEXT                      -- why it ended without a list
) STRICT;
CREATE INDEX listings_due ON listings (site, due_at) WHERE done_at IS NULL;
CREATE INDEX listings_by_subject ON listings (subject_hash, requested_at);

-- The customers of a list; deleted with it.
CREATE TABLE listed_customers (
    listing_id TEXT NOT NULL REFERENCES listings (id),
    email_hash BLOB NOT NULL,
    sealed     BLOB NOT NULL,           -- the email address
    PRIMARY KEY (listing_id, email_hash)
) STRICT, WITHOUT ROWID;

-- Events about a company: each is routed for every customer of its list.
CREATE TABLE company_events (
    listing_id  TEXT    PRIMARY KEY REFERENCES listings (id),
    source      TEXT    NOT NULL,
    delivery_id TEXT    NOT NULL,
    position    INTEGER NOT NULL,       -- of the event in the delivery
    -- Its customers are being routed: the jobs of the source wait, so that the brake counts all of them first.
    is_routing  INTEGER NOT NULL DEFAULT 0 CHECK (is_routing IN (0, 1)),
    sealed      BLOB    NOT NULL        -- the event
) STRICT, WITHOUT ROWID;

-- Imports: cases that an operator opens together.
CREATE TABLE imports (
    id          TEXT    PRIMARY KEY,
    operator    TEXT    NOT NULL,       -- the name of the admin token, or `import` for a watched folder
    site        TEXT    NOT NULL,
    format      TEXT    NOT NULL,
    digest      TEXT    NOT NULL,       -- of the reviewed plan
    brake       TEXT    NOT NULL,       -- JSON: the limits of the operator's brake
    sealed      BLOB,                   -- the operator's reason, until the import is done
    file        TEXT,                   -- SHA-256 of the file of a watched folder
    state       TEXT    NOT NULL DEFAULT 'loading' CHECK (state IN ('loading', 'running', 'done')),
    total       INTEGER NOT NULL,
    opened      INTEGER NOT NULL DEFAULT 0,
    skipped     INTEGER NOT NULL DEFAULT 0,  -- the person had an open case meanwhile
    created_at  INTEGER NOT NULL,
    finished_at INTEGER
) STRICT;
CREATE INDEX imports_open ON imports (id) WHERE state <> 'done';
CREATE INDEX imports_of_file ON imports (file) WHERE file IS NOT NULL;

-- The rows of an import that have no case yet. A row is deleted in the transaction that opens its case.
CREATE TABLE import_rows (
    import_id TEXT    NOT NULL REFERENCES imports (id),
    line      INTEGER NOT NULL,
    sealed    BLOB    NOT NULL,         -- the person, the terms and the date
    PRIMARY KEY (import_id, line)
) STRICT, WITHOUT ROWID;
