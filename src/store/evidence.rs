//! Reads for evidence. The rows of one file are read in one snapshot. The journal is read up to the head of that snapshot,
//! page by page and outside of it: a long snapshot would keep the write-ahead log from being emptied, and the journal only
//! grows. One request uses one connection, so that requests do not wait for each other's second one.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use tracing::instrument;

use super::cases::{find_case, read_case};
use super::head::Head;
use super::journal::read_entry;
use super::journal_tree::{JournalTree, index_of};
use super::row::{RowReader, millis};
use super::sql::{Connection, query};
use super::{Store, StoreError};
use crate::domain::ids::{CaseId, PolicyName};
use crate::proof::chain::ChainEntry;
use crate::proof::evidence::approvals::given_approvals;
use crate::proof::evidence::case::{AttemptFact, CaseFacts, CaseSummary, DeliveryFact, EventFact};
use crate::proof::evidence::document::{self, ProvenLine};
use crate::proof::evidence::period::{DeliveryFacts, DeliveryOutcome, PeriodCase, PeriodFacts, PeriodSummary};
use crate::proof::signature::SigningKey;

/// The maximum number of unreadable deliveries that a file names.
const MOST_UNREADABLE: i64 = 1000;

impl Store {
    /// The number of journal entries.
    #[instrument(name = "store.journal.count", skip_all, err)]
    pub async fn count_journal_entries(&self) -> Result<i64, StoreError> {
        Ok(Head::newest(&mut self.reader.acquire().await?).await?.seq)
    }

    /// The signed evidence of a case; `None` if there is no such case. `policy_of_source` names the policy of a case that
    /// stores none.
    #[instrument(name = "store.evidence.case", skip_all, fields(case.id = %id), err)]
    pub async fn evidence_of_case(
        &self,
        id: CaseId,
        policy_of_source: impl Fn(&str) -> Option<PolicyName>,
        key: &SigningKey,
        now: Timestamp,
    ) -> Result<Option<String>, StoreError> {
        let mut snapshot = self.reader.snapshot().await?;
        let head = Head::newest(&mut snapshot).await?.seq;
        let facts = self.case_facts(&mut snapshot, id).await?;
        snapshot.close().await?;
        let Some(mut facts) = facts else { return Ok(None) };
        if facts.policy.is_none() {
            facts.policy = facts.case.source.as_ref().and_then(|source| policy_of_source(source.as_str()));
        }
        let mut journal = JournalTree::proving(&facts.entries);
        journal.read_to(head, &mut self.reader.acquire().await?, |_| {}).await?;
        let checkpoint = journal.checkpoint();
        let (_, paths) = journal.tree.finish();
        let lines = facts.entries.iter().zip(paths).map(|(entry, path)| ProvenLine {
            line: entry.line(),
            index: index_of(entry.seq),
            path,
        });
        let lines: Vec<_> = lines.collect();
        let broken = |error: serde_json::Error| StoreError::inconsistent("journal of case", id, error);
        let summary = CaseSummary::of(facts, now).map_err(broken)?;
        document::case_file(&summary, &lines, &checkpoint, key).map(Some).map_err(broken)
    }

    /// The signed list of all cases of a period. `to` is exclusive.
    #[instrument(name = "store.evidence.period", skip_all, err)]
    pub async fn evidence_of_period(
        &self,
        from: Timestamp,
        to: Timestamp,
        key: &SigningKey,
        now: Timestamp,
    ) -> Result<String, StoreError> {
        let mut connection = self.reader.acquire().await?;
        let mut journal = JournalTree::default();
        let mut in_period: BTreeMap<String, u64> = BTreeMap::new();
        let mut opened_in_journal = 0_u64;
        let mut visit = |entry: &ChainEntry| {
            if let (Some(case), true) = (&entry.case_id, from <= entry.at && entry.at < to) {
                *in_period.entry(case.clone()).or_default() += 1;
                opened_in_journal = opened_in_journal.saturating_add(u64::from(entry.kind == "opened"));
            }
        };
        // Most of the journal is read before the snapshot begins, so that the snapshot is short.
        let head = Head::newest(&mut connection).await?.seq;
        journal.read_to(head, &mut connection, &mut visit).await?;
        connection.close().await?;
        let mut snapshot = self.reader.snapshot().await?;
        let head = Head::newest(&mut snapshot).await?.seq;
        journal.read_to(head, &mut snapshot, &mut visit).await?;
        let deliveries = delivery_facts(&mut snapshot, from, to).await?;
        let mut cases = Vec::with_capacity(in_period.len());
        for (id, entries) in in_period {
            cases.extend(self.period_case(&mut snapshot, &id, entries).await?);
        }
        snapshot.close().await?;
        let summary = PeriodSummary::of(PeriodFacts { from, to, cases, opened_in_journal, deliveries }, now);
        document::period_file(&summary, &journal.checkpoint(), key)
            .map_err(|error| StoreError::inconsistent("evidence", "", error))
    }

    async fn case_facts(&self, connection: &mut Connection, id: CaseId) -> Result<Option<CaseFacts>, StoreError> {
        let Some(record) = find_case(connection, id, &self.key).await? else { return Ok(None) };
        Ok(Some(CaseFacts {
            policy: record.case.terms.policy.clone(),
            case: record.case,
            opened_at: record.opened_at,
            account_type: record.account_type,
            salt: self.key.commitment_salt(id),
            entries: entries_of(connection, &id.to_string()).await?,
            deliveries: deliveries_of(connection, id).await?,
            events: events_of(connection, id).await?,
            attempts: attempts_of(connection, id).await?,
        }))
    }

    async fn period_case(
        &self,
        connection: &mut Connection,
        id: &str,
        entries: u64,
    ) -> Result<Option<PeriodCase>, StoreError> {
        let row = query("SELECT c.*, NULL AS sealed_key FROM cases c WHERE c.id = $1")
            .bind(id)
            .fetch_optional(&mut *connection)
            .await?;
        let Some(row) = row else { return Ok(None) };
        let record = read_case(&row, &self.key)?;
        let approvals = given_approvals(&entries_of(connection, id).await?)
            .map_err(|error| StoreError::inconsistent("journal of case", id, error))?;
        Ok(Some(PeriodCase { case: record.case, opened_at: record.opened_at, approvals, entries }))
    }
}

async fn entries_of(connection: &mut Connection, case_id: &str) -> Result<Vec<ChainEntry>, StoreError> {
    let rows = query(
        "SELECT seq AS id, seq, at, case_id, kind, detail
         FROM journal
         WHERE case_id = $1
         ORDER BY seq",
    )
    .bind(case_id)
    .fetch_all(&mut *connection)
    .await?;
    rows.iter().map(read_entry).collect()
}

async fn deliveries_of(connection: &mut Connection, id: CaseId) -> Result<Vec<DeliveryFact>, StoreError> {
    let rows = query(
        "SELECT d.id, d.source, d.received_at, d.signed_at, d.dedupe_hash, d.status
         FROM deliveries d
         WHERE d.id IN (SELECT delivery_id FROM events WHERE case_id = $1)
         ORDER BY d.seq",
    )
    .bind(id.to_string())
    .fetch_all(&mut *connection)
    .await?;
    rows.iter()
        .map(|row| {
            let reader = RowReader { what: "delivery", row };
            Ok(DeliveryFact {
                delivery: reader.text("id")?,
                source: reader.text("source")?,
                received_at: reader.at("received_at")?,
                signed_at: reader.at_if_any("signed_at")?,
                signature: "verified",
                keyed_digest: reader.bytes_if_any("dedupe_hash")?.map(hex::encode),
                status: reader.text("status")?,
            })
        })
        .collect()
}

async fn events_of(connection: &mut Connection, id: CaseId) -> Result<Vec<EventFact>, StoreError> {
    let rows = query(
        "SELECT id, delivery_id, position, type, happened_at, status, reason
         FROM events
         WHERE case_id = $1
         ORDER BY seq",
    )
    .bind(id.to_string())
    .fetch_all(&mut *connection)
    .await?;
    rows.iter()
        .map(|row| {
            let reader = RowReader { what: "event", row };
            Ok(EventFact {
                delivery: reader.text("delivery_id")?,
                position: reader.count("position")?,
                event_type: reader.text("type")?,
                happened_at: reader.at("happened_at")?,
                status: reader.text("status")?,
                reason: reader.text_if_any("reason")?,
            })
        })
        .collect()
}

async fn attempts_of(connection: &mut Connection, id: CaseId) -> Result<Vec<AttemptFact>, StoreError> {
    let rows = query(
        "SELECT j.id, j.kind, a.number, a.started_at, a.ended_at, a.outcome
         FROM jobs j
             JOIN attempts a ON a.job_id = j.id
         WHERE j.case_id = $1
         ORDER BY j.id, a.number",
    )
    .bind(id.to_string())
    .fetch_all(&mut *connection)
    .await?;
    rows.iter()
        .map(|row| {
            let reader = RowReader { what: "attempt", row };
            Ok(AttemptFact {
                job: reader.text("id")?,
                kind: reader.text("kind")?,
                number: reader.count("number")?,
                started_at: reader.at("started_at")?,
                ended_at: reader.at("ended_at")?,
                outcome: reader.text("outcome")?,
            })
        })
        .collect()
}

/// Accounts for every delivery of a period. Rows that retention removed are counted by the gaps in their order.
async fn delivery_facts(
    connection: &mut Connection,
    from: Timestamp,
    to: Timestamp,
) -> Result<DeliveryFacts, StoreError> {
    let mut facts = DeliveryFacts::default();
    let rows = query(
        "SELECT source, outcome, COUNT(*) AS deliveries
         FROM (
             SELECT d.source, CASE
                 WHEN d.status = 'received' THEN 'not_routed'
                 WHEN EXISTS (SELECT 1 FROM events e WHERE e.delivery_id = d.id AND e.status = 'waiting')
                     THEN 'waiting'
                 WHEN d.status = 'unreadable'
                     AND EXISTS (SELECT 1 FROM events e WHERE e.delivery_id = d.id AND e.status = 'applied')
                     THEN 'partly_unreadable'
                 WHEN d.status = 'unreadable' THEN 'unreadable'
                 WHEN EXISTS (SELECT 1 FROM events e WHERE e.delivery_id = d.id AND e.status = 'applied') THEN 'case'
                 WHEN EXISTS (SELECT 1 FROM events e WHERE e.delivery_id = d.id) THEN 'no_effect'
                 ELSE 'ignored'
                 END AS outcome
             FROM deliveries d
             WHERE d.received_at >= $1 AND d.received_at < $2) received
         GROUP BY source, outcome",
    )
    .bind(millis(from))
    .bind(millis(to))
    .fetch_all(&mut *connection)
    .await?;
    for row in &rows {
        let reader = RowReader { what: "delivery", row };
        let outcome: DeliveryOutcome = reader.word("outcome")?;
        facts.counts.insert((reader.word("source")?, outcome), row.try_get::<i64>("deliveries")?.unsigned_abs());
    }
    count_removed(connection, from, to, &mut facts).await?;
    let rows = query(
        "SELECT e.reason, COUNT(*) AS events
         FROM deliveries d
             JOIN events e ON e.delivery_id = d.id
         WHERE d.received_at >= $1 AND d.received_at < $2 AND e.status = 'ignored'
         GROUP BY e.reason",
    )
    .bind(millis(from))
    .bind(millis(to))
    .fetch_all(&mut *connection)
    .await?;
    for row in &rows {
        let reason = RowReader { what: "event", row }.text_if_any("reason")?.unwrap_or_else(|| "-".to_owned());
        facts.no_effect.insert(reason, row.try_get::<i64>("events")?.unsigned_abs());
    }
    let rows = query(
        "SELECT id
         FROM deliveries
         WHERE received_at >= $1 AND received_at < $2 AND status = 'unreadable'
         ORDER BY seq
         LIMIT $3",
    )
    .bind(millis(from))
    .bind(millis(to))
    .bind(MOST_UNREADABLE)
    .fetch_all(&mut *connection)
    .await?;
    let ids: Result<BTreeSet<String>, StoreError> =
        rows.iter().map(|row| RowReader { what: "delivery", row }.text("id")).collect();
    facts.unreadable = ids?.into_iter().collect();
    Ok(facts)
}

/// Deliveries are numbered without gaps, so that a missing number is a removed row.
async fn count_removed(
    connection: &mut Connection,
    from: Timestamp,
    to: Timestamp,
    facts: &mut DeliveryFacts,
) -> Result<(), StoreError> {
    let row = query(
        "SELECT 'period' AS id, COUNT(*) AS received, MIN(seq) AS first, MAX(seq) AS last
         FROM deliveries
         WHERE received_at >= $1 AND received_at < $2",
    )
    .bind(millis(from))
    .bind(millis(to))
    .fetch_one(&mut *connection)
    .await?;
    facts.received = row.try_get::<i64>("received")?.unsigned_abs();
    let (first, last): (Option<i64>, Option<i64>) = (row.try_get("first")?, row.try_get("last")?);
    if let (Some(first), Some(last)) = (first, last) {
        let row = query("SELECT COUNT(*) AS stored FROM deliveries WHERE seq BETWEEN $1 AND $2")
            .bind(first)
            .bind(last)
            .fetch_one(&mut *connection)
            .await?;
        let stored: i64 = row.try_get("stored")?;
        facts.missing = last.saturating_sub(first).saturating_add(1).saturating_sub(stored).unsigned_abs();
    }
    let oldest = query("SELECT id, seq, received_at FROM deliveries ORDER BY seq LIMIT 1")
        .fetch_optional(&mut *connection)
        .await?;
    if let Some(row) = oldest {
        facts.removed_before = row.try_get::<i64>("seq")?.saturating_sub(1).unsigned_abs();
        facts.oldest_stored_at = Some(RowReader { what: "delivery", row: &row }.at("received_at")?);
    }
    Ok(())
}
