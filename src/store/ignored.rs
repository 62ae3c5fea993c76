//! Counts of the vendors' words that were ignored: they show words that a mapping should know.
//!
//! Counted by day and source. For each day of a source, the number of words is bounded; any others count together.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use tracing::instrument;

use super::row::{RowReader, millis};
use super::sql::query;
use super::{Store, StoreError, Tx};
use crate::domain::ids::SourceName;

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// The maximum number of different words stored for a source and day.
const MOST_WORDS: i64 = 100;

/// The name under which all other words are counted.
pub const OTHER_WORDS: &str = "(other)";

/// The period over which words are counted.
pub const COUNTED_FOR: SignedDuration = SignedDuration::from_hours(7 * 24);

/// An ignored word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IgnoredWord {
    pub source: SourceName,
    pub word: String,
    /// The count over the period [`COUNTED_FOR`].
    pub count: u64,
}

impl Tx {
    /// Counts ignored words, and deletes counts that are older than [`COUNTED_FOR`].
    #[instrument(name = "store.ignored.count", skip_all, fields(source = %source))]
    pub async fn count_ignored(
        &mut self,
        source: &SourceName,
        words: &BTreeMap<String, u32>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        if words.is_empty() {
            return Ok(());
        }
        for (word, times) in words {
            self.count_word(source, word, *times, now).await?;
        }
        query("DELETE FROM ignored_words WHERE source = $1 AND day < $2")
            .bind(source.as_str())
            .bind(first_day(now))
            .execute(&mut **self)
            .await?;
        Ok(())
    }

    async fn count_word(
        &mut self,
        source: &SourceName,
        word: &str,
        times: u32,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let day = millis(now).div_euclid(DAY_MS);
        let row = query(
            "SELECT COUNT(*) AS words, COUNT(CASE WHEN word = $3 THEN 1 END) AS known
             FROM ignored_words
             WHERE source = $1 AND day = $2",
        )
        .bind(source.as_str())
        .bind(day)
        .bind(word)
        .fetch_one(&mut **self)
        .await?;
        let (words, known): (i64, i64) = (row.try_get("words")?, row.try_get("known")?);
        let word = if known > 0 || words < MOST_WORDS { word } else { OTHER_WORDS };
        query(
            "INSERT INTO ignored_words (source, day, word, count)
             VALUES ($1, $2, $3, $4)
             ON CONFLICT (source, day, word) DO UPDATE
             SET count = ignored_words.count + excluded.count",
        )
        .bind(source.as_str())
        .bind(day)
        .bind(word)
        .bind(times)
        .execute(&mut **self)
        .await?;
        Ok(())
    }
}

impl Store {
    /// The recently ignored words, the most frequent of each source first.
    #[instrument(name = "store.ignored.list", skip_all, err)]
    pub async fn ignored_words(&self, now: Timestamp) -> Result<Vec<IgnoredWord>, StoreError> {
        let rows = query(
            "SELECT source, word, CAST(SUM(count) AS BIGINT) AS total
             FROM ignored_words
             WHERE day >= $1
             GROUP BY source, word
             ORDER BY source, total DESC, word",
        )
        .bind(first_day(now))
        .fetch_all(&self.reader)
        .await?;
        rows.iter()
            .map(|row| {
                let reader = RowReader { what: "ignored word", row };
                let count: i64 = row.try_get("total")?;
                Ok(IgnoredWord {
                    source: reader.word("source")?,
                    word: reader.text("word")?,
                    count: count.unsigned_abs(),
                })
            })
            .collect()
    }
}

/// The first day that counts, in days since 1970 UTC.
fn first_day(now: Timestamp) -> i64 {
    millis(now.saturating_sub(COUNTED_FOR).unwrap_or(Timestamp::MIN)).div_euclid(DAY_MS)
}
