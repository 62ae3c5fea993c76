//! Notices to people. The journal is the queue: whatever a transition wrote there, in its own transaction, is read once,
//! gathered into notices, and sent to each channel until the channel accepted it.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use tracing::instrument;

use super::row::{RowReader, millis};
use super::sql::query;
use super::{Store, StoreError, Tx};
use crate::clock;
use crate::domain::ids::CaseId;
use crate::domain::notice::{Notice, NoticeGroup, NoticeSample};
use crate::proof::confirm_link::ConfirmLink;

/// The maximum number of entries that are read together.
const ENTRIES: i64 = 500;

/// A group that grows is closed after this multiple of the gather time, however much more is to come.
const LONGEST: i32 = 6;

/// The maximum number of messages that wait for one channel. Beyond it the oldest is dropped.
const WAITING: i64 = 1_000;

/// A journal entry, with what a notice needs to know about its case.
#[derive(Debug, Clone)]
pub struct NoticeEntry {
    pub seq: i64,
    pub at: Timestamp,
    pub case_id: Option<CaseId>,
    pub kind: String,
    pub detail: Value,
    /// The details of the case's previous entry with a state.
    pub before: Option<Value>,
    /// The site of the case.
    pub site: Option<String>,
    /// The source that opened the case.
    pub source: Option<String>,
}

/// A message that waits for its channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PendingMessage {
    /// The id of the notice: the same for each channel and each attempt.
    pub notice_id: String,
    pub group: NoticeGroup,
    pub sample: NoticeSample,
    /// The time of the first transition.
    pub first_at: Timestamp,
    pub due_at: Timestamp,
    pub attempts: u32,
    /// The time of the first failed attempt.
    pub failing_since: Option<Timestamp>,
}

impl Tx {
    /// Begins to follow the journal after its newest entry, unless it is followed already. Without channels, stops to
    /// follow it and deletes everything that waits.
    #[instrument(name = "store.notice.follow", skip_all, err)]
    pub async fn follow_journal(&mut self, channels: &[String]) -> Result<(), StoreError> {
        if channels.is_empty() {
            query("DELETE FROM notice_cursor").execute(&mut **self).await?;
        } else {
            query(
                "INSERT INTO notice_cursor (sole, seq)
                 SELECT 1, COALESCE(MAX(seq), 0)
                 FROM journal
                 WHERE true
                 ON CONFLICT (sole) DO NOTHING",
            )
            .execute(&mut **self)
            .await?;
        }
        // What waits for a channel that is no longer configured.
        let known = serde_json::to_string(channels).unwrap_or_else(|_never| "[]".to_owned());
        query(super::dialect::DELETE_MESSAGES_OF_OTHER_CHANNELS).bind(known).execute(&mut **self).await?;
        self.delete_finished_notices().await
    }

    /// Adds transitions to the notices of their groups, and stores that the journal was read up to `seq`. A notice is
    /// closed when its group is silent for `gather`.
    #[instrument(name = "store.notice.gather", skip_all, fields(count = notices.len()), err)]
    pub async fn gather_notices(
        &mut self,
        notices: &[Notice],
        seq: Option<i64>,
        gather: SignedDuration,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let mut groups: BTreeMap<&NoticeGroup, Vec<&Notice>> = BTreeMap::new();
        for notice in notices {
            groups.entry(&notice.group).or_default().push(notice);
        }
        for (group, notices) in groups {
            self.add_to_notice(group, &notices, gather, now).await?;
        }
        if let Some(seq) = seq {
            query("UPDATE notice_cursor SET seq = $1").bind(seq).exec_one(self, "cursor of the notices", "1").await?;
        }
        Ok(())
    }

    async fn add_to_notice(
        &mut self,
        group: &NoticeGroup,
        notices: &[&Notice],
        gather: SignedDuration,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let open = query(
            "SELECT id, first_at, sample
             FROM notices
             WHERE kind = $1 AND site = $2 AND source = $3 AND closed_at IS NULL",
        )
        .bind(group.kind.as_str())
        .bind(group.site.as_deref().unwrap_or_default())
        .bind(group.source.as_deref().unwrap_or_default())
        .fetch_optional(&mut **self)
        .await?;
        let (mut sample, first_at) = match &open {
            Some(row) => {
                let reader = RowReader { what: "notice", row };
                (reader.json::<NoticeSample>("sample")?, reader.at("first_at")?)
            }
            None => (NoticeSample::default(), now),
        };
        for notice in notices {
            sample.add(notice);
        }
        let sample = super::cases::to_json(&sample)?;
        let latest = first_at.saturating_add(gather.saturating_mul(LONGEST)).unwrap_or(Timestamp::MAX);
        let closes_at = now.saturating_add(gather).unwrap_or(Timestamp::MAX).min(latest);
        if let Some(row) = open {
            let id: String = row.try_get("id")?;
            return query("UPDATE notices SET sample = $1, closes_at = $2 WHERE id = $3")
                .bind(sample)
                .bind(millis(closes_at))
                .bind(&id)
                .exec_one(self, "notice", &id)
                .await;
        }
        let id = clock::new_id(now).to_string();
        query(
            "INSERT INTO notices (id, kind, site, source, first_at, closes_at, sample)
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
        )
        .bind(&id)
        .bind(group.kind.as_str())
        .bind(group.site.as_deref().unwrap_or_default())
        .bind(group.source.as_deref().unwrap_or_default())
        .bind(millis(now))
        .bind(millis(closes_at))
        .bind(sample)
        .exec_one(self, "notice", &id)
        .await
    }

    /// Closes the notices that are complete, and queues a message for each channel. Returns the number of messages of
    /// each channel that were dropped, because too many wait.
    #[instrument(name = "store.notice.close", skip_all, err)]
    pub async fn close_notices(
        &mut self,
        channels: &[String],
        now: Timestamp,
    ) -> Result<BTreeMap<String, u64>, StoreError> {
        let complete = query(
            "UPDATE notices
             SET closed_at = $1
             WHERE closed_at IS NULL AND closes_at <= $1
             RETURNING id",
        )
        .bind(millis(now))
        .fetch_all(&mut **self)
        .await?;
        for row in &complete {
            let id: String = row.try_get("id")?;
            for channel in channels {
                query("INSERT INTO notice_messages (notice_id, channel, due_at) VALUES ($1, $2, $3)")
                    .bind(&id)
                    .bind(channel)
                    .bind(millis(now))
                    .exec_one(self, "message of a notice", &id)
                    .await?;
            }
        }
        let mut dropped = BTreeMap::new();
        for channel in channels.iter().filter(|_| !complete.is_empty()) {
            let done = query(
                "DELETE FROM notice_messages
                 WHERE channel = $1
                     AND notice_id < (
                         SELECT notice_id
                         FROM notice_messages
                         WHERE channel = $1
                         ORDER BY notice_id DESC
                         LIMIT 1 OFFSET $2)",
            )
            .bind(channel)
            .bind(WAITING - 1)
            .execute(&mut **self)
            .await?;
            if done.rows_affected() > 0 {
                dropped.insert(channel.clone(), done.rows_affected());
            }
        }
        if !dropped.is_empty() {
            self.delete_finished_notices().await?;
        }
        Ok(dropped)
    }

    /// Ends a message that was accepted, or given up.
    #[instrument(name = "store.notice.settle", skip_all, err)]
    pub async fn settle_message(&mut self, message: &PendingMessage, channel: &str) -> Result<(), StoreError> {
        query("DELETE FROM notice_messages WHERE notice_id = $1 AND channel = $2")
            .bind(&message.notice_id)
            .bind(channel)
            .execute(&mut **self)
            .await?;
        self.delete_finished_notices().await
    }

    /// Stores that an attempt failed, and when the next one is due.
    #[instrument(name = "store.notice.defer", skip_all, err)]
    pub async fn defer_message(
        &mut self,
        message: &PendingMessage,
        channel: &str,
        due_at: Timestamp,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        query(
            "UPDATE notice_messages
             SET due_at = $1, attempts = attempts + 1, failing_since = COALESCE(failing_since, $2)
             WHERE notice_id = $3 AND channel = $4",
        )
        .bind(millis(due_at))
        .bind(millis(now))
        .bind(&message.notice_id)
        .bind(channel)
        .execute(&mut **self)
        .await?;
        Ok(())
    }

    async fn delete_finished_notices(&mut self) -> Result<(), StoreError> {
        query(
            "DELETE FROM notices
             WHERE closed_at IS NOT NULL
                 AND NOT EXISTS (SELECT 1 FROM notice_messages m WHERE m.notice_id = notices.id)",
        )
        .execute(&mut **self)
        .await?;
        Ok(())
    }

    /// Uses a one-time link. Returns false if it was used before.
    #[instrument(name = "store.notice.use_link", skip_all, err)]
    pub async fn use_link(&mut self, link: &ConfirmLink, now: Timestamp) -> Result<bool, StoreError> {
        query("DELETE FROM used_links WHERE expires_at < $1").bind(millis(now)).execute(&mut **self).await?;
        let done = query("INSERT INTO used_links (nonce, expires_at) VALUES ($1, $2) ON CONFLICT DO NOTHING")
            .bind(link.nonce.as_slice())
            .bind(millis(link.expires_at))
            .execute(&mut **self)
            .await?
            .rows_affected();
        Ok(done == 1)
    }
}

impl Store {
    /// Whether a one-time link was used.
    #[instrument(name = "store.notice.is_link_used", skip_all, err)]
    pub async fn is_link_used(&self, link: &ConfirmLink) -> Result<bool, StoreError> {
        let row = query("SELECT EXISTS (SELECT 1 FROM used_links WHERE nonce = $1) AS used")
            .bind(link.nonce.as_slice())
            .fetch_one(&self.reader)
            .await?;
        Ok(row.try_get("used")?)
    }

    /// The next entries of the journal that were not read for notices.
    #[instrument(name = "store.notice.entries", skip_all, err)]
    pub async fn notice_entries(&self) -> Result<Vec<NoticeEntry>, StoreError> {
        let rows = query(
            "SELECT
                 j.seq AS id, j.seq, j.at, j.case_id, j.kind, j.detail, c.site, c.source,
                 (
                     SELECT p.detail
                     FROM journal p
                     WHERE p.case_id = j.case_id AND p.seq < j.seq AND p.detail ->> 'state' IS NOT NULL
                     ORDER BY p.seq DESC
                     LIMIT 1) AS before
             FROM journal j
                 LEFT JOIN cases c ON c.id = j.case_id
             WHERE j.seq > (SELECT seq FROM notice_cursor)
             ORDER BY j.seq
             LIMIT $1",
        )
        .bind(ENTRIES)
        .fetch_all(&self.reader)
        .await?;
        rows.iter()
            .map(|row| {
                let reader = RowReader { what: "journal entry", row };
                let before = reader.text_if_any("before")?;
                Ok(NoticeEntry {
                    seq: row.try_get("seq")?,
                    at: reader.at("at")?,
                    case_id: reader.word_if_any("case_id")?,
                    kind: reader.text("kind")?,
                    detail: reader.json("detail")?,
                    before: before.and_then(|before| serde_json::from_str(&before).ok()),
                    site: reader.text_if_any("site")?,
                    source: reader.text_if_any("source")?,
                })
            })
            .collect()
    }

    /// When the next notice is complete.
    #[instrument(name = "store.notice.next_close", skip_all, err)]
    pub async fn next_notice_closes_at(&self) -> Result<Option<Timestamp>, StoreError> {
        let row = query("SELECT '' AS id, MIN(closes_at) AS closes_at FROM notices WHERE closed_at IS NULL")
            .fetch_one(&self.reader)
            .await?;
        RowReader { what: "notice", row: &row }.at_if_any("closes_at")
    }

    /// The next message of a channel.
    #[instrument(name = "store.notice.next_message", skip_all, err)]
    pub async fn next_message(&self, channel: &str) -> Result<Option<PendingMessage>, StoreError> {
        let row = query(
            "SELECT n.id, n.kind, n.site, n.source, n.first_at, n.sample, m.due_at, m.attempts, m.failing_since
             FROM notice_messages m
                 JOIN notices n ON n.id = m.notice_id
             WHERE m.channel = $1
             ORDER BY m.due_at, m.notice_id
             LIMIT 1",
        )
        .bind(channel)
        .fetch_optional(&self.reader)
        .await?;
        let Some(row) = row else { return Ok(None) };
        let reader = RowReader { what: "notice", row: &row };
        let named = |column| Ok::<_, StoreError>(Some(reader.text(column)?).filter(|name| !name.is_empty()));
        Ok(Some(PendingMessage {
            notice_id: reader.text("id")?,
            group: NoticeGroup { kind: reader.word("kind")?, site: named("site")?, source: named("source")? },
            sample: reader.json("sample")?,
            first_at: reader.at("first_at")?,
            due_at: reader.at("due_at")?,
            attempts: reader.count("attempts")?,
            failing_since: reader.at_if_any("failing_since")?,
        }))
    }
}
