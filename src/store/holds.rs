//! Operators' holds: on a person, for every case of that person, until an operator releases or cancels.

use jiff::Timestamp;
use tracing::instrument;

use super::row::{RowReader, millis};
use super::sql::query;
use super::sums::Guarded;
use super::{CaseRecord, StoreError, Tx};
use crate::domain::ids::{CaseId, SiteName, SourceName};
use crate::domain::person::PersonId;
use crate::proof::seal::KeyedHash;

impl Tx {
    /// Whether an operator holds this person, by the email address, by the source's id, or by other known keys of the
    /// person.
    #[instrument(name = "store.hold.is_held", skip_all, err)]
    pub(super) async fn is_person_held(
        &mut self,
        site: &SiteName,
        source: Option<&SourceName>,
        email_hash: Option<KeyedHash>,
        person_hash: Option<KeyedHash>,
    ) -> Result<bool, StoreError> {
        let row = query(
            "SELECT 1
             FROM holds
             WHERE site = $1
AND (
                     person_key IN ($2, $3)
                     OR person_key IN (SELECT person_hash FROM people WHERE email_hash = $2)
                     OR person_key IN (SELECT email_hash FROM people WHERE source = $4 AND person_hash = $3))
             LIMIT 1",
        )
        .bind(site.as_str())
        .bind(email_hash.map(|hash| hash.0.to_vec()))
        .bind(person_hash.map(|hash| hash.0.to_vec()))
        .bind(source.map(SourceName::as_str))
        .fetch_optional(&mut **self)
        .await?;
        Ok(row.is_some())
    }

    /// Holds a case if an operator holds this person of a source, whom an event just connected with it.
    #[instrument(name = "store.hold.apply", skip_all, fields(case.id = %record.case.id), err)]
    pub async fn apply_hold(
        &mut self,
        record: &mut CaseRecord,
        source: &SourceName,
        id: Option<&PersonId>,
    ) -> Result<(), StoreError> {
        let email_hash = record.person.email.as_ref().map(|email| self.key.hash_email(&record.case.site, email));
        let person_hash = id.map(|id| self.key.hash_person_id(source, id));
        if self.is_person_held(&record.case.site, Some(source), email_hash, person_hash).await? {
            record.case.on_hold = true;
        }
        Ok(())
    }

    /// Records a hold on the person of a case.
    pub(super) async fn hold_person(&mut self, record: &CaseRecord, now: Timestamp) -> Result<(), StoreError> {
        let placed = query(
            "INSERT INTO holds (site, person_key, case_id, held_at)
             SELECT site, person_key, id, $2
             FROM (
                 SELECT site, id, email_hash AS person_key
                 FROM cases
                 WHERE id = $1
                 UNION
                 SELECT site, id, person_hash
                 FROM cases
                 WHERE id = $1
                 UNION
                 SELECT site, id, person_key
                 FROM cases
                 WHERE id = $1) keys
             WHERE person_key IS NOT NULL
             ON CONFLICT (site, person_key) DO NOTHING
             RETURNING *",
        )
        .bind(record.case.id.to_string())
        .bind(millis(now))
        .fetch_all(&mut **self)
        .await?;
        self.guarded_added(Guarded::Holds, &placed)
    }

    /// Ends every hold on the person of a case.
    pub(super) async fn release_person(&mut self, record: &CaseRecord) -> Result<(), StoreError> {
        let released = query(
            "DELETE FROM holds
             WHERE case_id IN (
                     SELECT h.case_id
                     FROM holds h
                         JOIN cases c ON c.site = h.site
                             AND h.person_key IN (c.email_hash, c.person_hash, c.person_key)
                     WHERE c.id = $1)
                 OR case_id = $1
             RETURNING *",
        )
        .bind(record.case.id.to_string())
        .fetch_all(&mut **self)
        .await?;
        self.guarded_removed(Guarded::Holds, &released)
    }

    /// The other open cases of the same person on the same site.
    pub(super) async fn other_cases_of_person(&mut self, record: &CaseRecord) -> Result<Vec<CaseId>, StoreError> {
        let (site, source) = (&record.case.site, record.case.source.as_ref());
        let (email_hash, person_hash) = self.hashes(site, source, &record.person);
        let rows = query(
            "SELECT id
             FROM (
                 SELECT id, site, closed_at
                 FROM cases
                 WHERE email_hash = $2
                 UNION
                 SELECT id, site, closed_at
                 FROM cases
                 WHERE person_hash = $3) found
             WHERE site = $1 AND closed_at IS NULL AND id <> $4
             ORDER BY id",
        )
        .bind(site.as_str())
        .bind(email_hash.map(|hash| hash.0.to_vec()))
        .bind(person_hash.map(|hash| hash.0.to_vec()))
        .bind(record.case.id.to_string())
        .fetch_all(&mut **self)
        .await?;
        rows.iter().map(|row| RowReader { what: "case", row }.word("id")).collect()
    }
}
