//! What is remembered about people: which address a source's person id belongs to, and the newest fact about each.

use jiff::Timestamp;
use tracing::instrument;

use super::row::{Reading, millis, millis_if_any};
use super::{StoreError, Tx};
use crate::domain::event::EventType;
use crate::domain::ids::{SiteName, SourceName};
use crate::domain::person::{EmailAddress, Person, PersonId};
use crate::proof::seal::KeyedHash;

impl Tx {
    /// Remembers that an id and an address belong together; the newest word counts.
    #[instrument(name = "store.people.remember", skip_all)]
    pub fn remember(
        &mut self,
        source: &SourceName,
        site: &SiteName,
        id: &PersonId,
        email: &EmailAddress,
        now: Timestamp,
    ) {
        let person_hash = self.key.hash_person_id(source, id);
        let email_hash = self.key.hash_email(site, email);
        let sealed = self.key.seal(&person_hash.0, email.as_str().as_bytes());
        self.statement(
            "INSERT INTO people (source, person_hash, email_hash, sealed, seen_at) VALUES (?, ?, ?, ?, ?)
             ON CONFLICT (source, person_hash) DO UPDATE
             SET email_hash = excluded.email_hash, sealed = excluded.sealed, seen_at = excluded.seen_at",
        )
        .bind(source.as_str())
        .bind(person_hash.0.as_slice())
        .bind(email_hash.0.as_slice())
        .bind(sealed)
        .bind(millis(now))
        .later();
    }

    /// The address that belongs to a source's person id, as far as it is remembered.
    #[instrument(name = "store.people.recall", skip_all, err)]
    pub async fn recall(&mut self, source: &SourceName, id: &PersonId) -> Result<Option<EmailAddress>, StoreError> {
        let person_hash = self.key.hash_person_id(source, id);
        let row = self
            .statement("SELECT sealed FROM people WHERE source = ? AND person_hash = ?")
            .bind(source.as_str())
            .bind(person_hash.0.as_slice())
            .row()
            .await?;
        let Some(row) = row else { return Ok(None) };
        let sealed = Reading { what: "person", row: &row }.bytes_if_any("sealed")?.unwrap_or_default();
        let plain =
            self.key.open(&person_hash.0, &sealed).map_err(|source| StoreError::Sealed { what: "person", source })?;
        Ok(EmailAddress::parse(&String::from_utf8_lossy(&plain)).ok())
    }

    /// Whether a source knows this address under another person id as well, of somebody who has not left by `now`.
    #[instrument(name = "store.people.shares", skip_all, err)]
    pub async fn shares_address(
        &mut self,
        source: &SourceName,
        person_hash: Option<KeyedHash>,
        email_hash: KeyedHash,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        // An event without an id is about the one who has the address, as long as it is one.
        let row = self
            .statement(
                "SELECT 1 FROM people WHERE email_hash = ?1 AND source = ?2 AND person_hash IS NOT ?3
                 AND (gone_at IS NULL OR gone_at > ?4) LIMIT 1 OFFSET ?3 IS NULL",
            )
            .bind(email_hash.0.as_slice())
            .bind(source.as_str())
            .bind(person_hash.map(|hash| hash.0.to_vec()))
            .bind(millis(now))
            .row()
            .await?;
        Ok(row.is_some())
    }

    /// Notes when a source's person left or will leave; `None` for somebody who stays.
    #[instrument(name = "store.people.note_gone", skip_all)]
    pub fn note_gone(&mut self, source: &SourceName, id: &PersonId, gone_at: Option<Timestamp>) {
        let person_hash = self.key.hash_person_id(source, id);
        self.statement("UPDATE people SET gone_at = ? WHERE source = ? AND person_hash = ?")
            .bind(millis_if_any(gone_at))
            .bind(source.as_str())
            .bind(person_hash.0.as_slice())
            .later();
    }

    /// When the newest fact about a person's leaving or coming back happened.
    #[instrument(name = "store.people.newest", skip_all, err)]
    pub async fn newest(&mut self, person_key: &KeyedHash) -> Result<Option<Timestamp>, StoreError> {
        let row = self
            .statement("SELECT happened_at FROM newest WHERE person_key = ?")
            .bind(person_key.0.as_slice())
            .row()
            .await?;
        row.map(|row| Reading { what: "newest fact", row: &row }.at("happened_at")).transpose()
    }

    /// Notes a fact about a person's leaving or coming back.
    #[instrument(name = "store.people.note", skip_all)]
    pub fn note_newest(&mut self, person_key: &KeyedHash, event_type: EventType, happened_at: Timestamp) {
        self.statement(
            "INSERT INTO newest (person_key, happened_at, type) VALUES (?1, ?2, ?3)
             ON CONFLICT (person_key) DO UPDATE SET happened_at = ?2, type = ?3 WHERE happened_at <= ?2",
        )
        .bind(person_key.0.as_slice())
        .bind(millis(happened_at))
        .bind(event_type.as_str())
        .later();
    }

    /// The hashes by which a person of a source is known on a site.
    pub fn hashes(
        &self,
        site: &SiteName,
        source: Option<&SourceName>,
        person: &Person,
    ) -> (Option<KeyedHash>, Option<KeyedHash>) {
        let email = person.email.as_ref().map(|email| self.key.hash_email(site, email));
        let id = source.zip(person.id.as_ref()).map(|(source, id)| self.key.hash_person_id(source, id));
        (email, id)
    }
}
