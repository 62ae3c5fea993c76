//! People: the current and the former email addresses of a source's person id, and whether the person has left.

use std::collections::HashSet;

use jiff::Timestamp;
use tracing::instrument;

use super::facts::{from_nanos, nanos};
use super::row::{RowReader, millis, millis_if_any};
use super::sql::{Row, query};
use super::{Store, StoreError, Tx};
use crate::domain::ids::{SiteName, SourceName};
use crate::domain::person::{EmailAddress, Person, PersonId};
use crate::proof::seal::{KeyedHash, MasterKey};

/// The maximum number of former email addresses of a person.
const FORMER: u32 = 5;

/// A person id that has an email address and has not left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Owner {
    pub person_hash: KeyedHash,
    /// When the source reported the email address.
    pub as_of: Timestamp,
}

/// A person id, its email address, and when the two were reported together.
#[derive(Debug, Clone, Copy)]
pub struct ReportedAddress<'a> {
    pub source: &'a SourceName,
    /// The site whose accounts have such email addresses.
    pub site: &'a SiteName,
    pub id: &'a PersonId,
    pub email: &'a EmailAddress,
    /// When the source reported the email address.
    pub as_of: Timestamp,
}

impl Tx {
    /// Stores the email address of an id, unless a newer one is known; returns false in that case. The previous one
    /// becomes a former one.
    #[instrument(name = "store.people.set_address", skip_all, err)]
    pub async fn set_address(&mut self, observed: ReportedAddress<'_>, now: Timestamp) -> Result<bool, StoreError> {
        let ReportedAddress { source, site, id, email, as_of } = observed;
        let person_hash = self.key.hash_person_id(source, id);
        let email_hash = self.key.hash_email(site, email);
        let known = query(
            "SELECT email_hash, sealed, as_of_ns
                 FROM people
                 WHERE source = $1 AND person_hash = $2 AND site = $3",
        )
        .bind(source.as_str())
        .bind(person_hash.0.as_slice())
        .bind(site.as_str())
        .fetch_optional(&mut **self)
        .await?;
        if let Some(known) = known {
            if nanos(as_of) < known.try_get::<i64>("as_of_ns")? {
                return Ok(false);
            }
            let before: Vec<u8> = known.try_get("email_hash")?;
            if before != email_hash.0 {
                let sealed: Vec<u8> = known.try_get("sealed")?;
                self.keep_former(source, person_hash, &before, &sealed, as_of).await?;
            }
        }
        let sealed = self.key.seal(&person_hash.0, email.as_str().as_bytes());
        query(
            "INSERT INTO people (source, person_hash, email_hash, sealed, as_of_ns, since_ns, seen_at, site)
             VALUES ($1, $2, $3, $4, $5, $5, $6, $7)
             ON CONFLICT (source, person_hash, site) DO UPDATE
             SET email_hash = excluded.email_hash,
                 sealed = excluded.sealed,
                 as_of_ns = excluded.as_of_ns,
                 since_ns = CASE people.email_hash WHEN excluded.email_hash THEN people.since_ns ELSE excluded.since_ns END,
                 seen_at = excluded.seen_at",
        )
        .bind(source.as_str())
        .bind(person_hash.0.as_slice())
        .bind(email_hash.0.as_slice())
        .bind(sealed)
        .bind(nanos(as_of))
        .bind(millis(now))
        .bind(site.as_str())
        .execute(&mut **self)
        .await?;
        // The current email address is not a former one.
        query(
            "DELETE FROM former_addresses
             WHERE source = $1 AND person_hash = $2 AND email_hash = $3",
        )
        .bind(source.as_str())
        .bind(person_hash.0.as_slice())
        .bind(email_hash.0.as_slice())
        .execute(&mut **self)
        .await?;
        Ok(true)
    }

    /// Whether an id already had its current email address at `at`.
    #[instrument(name = "store.people.had_address", skip_all, err)]
    pub async fn had_address_before(
        &mut self,
        source: &SourceName,
        id: &PersonId,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        let person_hash = self.key.hash_person_id(source, id);
        let row = query("SELECT 1 FROM people WHERE source = $1 AND person_hash = $2 AND since_ns <= $3")
            .bind(source.as_str())
            .bind(person_hash.0.as_slice())
            .bind(nanos(at))
            .fetch_optional(&mut **self)
            .await?;
        Ok(row.is_some())
    }

    async fn keep_former(
        &mut self,
        source: &SourceName,
        person_hash: KeyedHash,
        email_hash: &[u8],
        sealed: &[u8],
        until: Timestamp,
    ) -> Result<(), StoreError> {
        query(
            "INSERT INTO former_addresses (source, person_hash, email_hash, sealed, until_ns)
             VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (source, person_hash, email_hash) DO UPDATE
             SET until_ns = excluded.until_ns",
        )
        .bind(source.as_str())
        .bind(person_hash.0.as_slice())
        .bind(email_hash)
        .bind(sealed)
        .bind(nanos(until))
        .execute(&mut **self)
        .await?;
        query(
            "DELETE FROM former_addresses
             WHERE source = $1
                 AND person_hash = $2
                 AND email_hash NOT IN (
                     SELECT email_hash
                     FROM former_addresses
                     WHERE source = $1 AND person_hash = $2
                     ORDER BY until_ns DESC
                     LIMIT $3)",
        )
        .bind(source.as_str())
        .bind(person_hash.0.as_slice())
        .bind(FORMER)
        .execute(&mut **self)
        .await?;
        Ok(())
    }

    /// The email address of a source's person id, if it is known for this site.
    #[instrument(name = "store.people.address", skip_all, err)]
    pub async fn address_of(
        &mut self,
        source: &SourceName,
        site: &SiteName,
        id: &PersonId,
    ) -> Result<Option<EmailAddress>, StoreError> {
        let person_hash = self.key.hash_person_id(source, id);
        let row = query("SELECT sealed FROM people WHERE source = $1 AND person_hash = $2 AND site = $3")
            .bind(source.as_str())
            .bind(person_hash.0.as_slice())
            .bind(site.as_str())
            .fetch_optional(&mut **self)
            .await?;
        row.map(|row| open_address(&self.key, person_hash, &row)).transpose().map(Option::flatten)
    }

    /// The person ids of a source that have this email address and have not left by `now`. The query stops at two.
    #[instrument(name = "store.people.owners", skip_all, err)]
    pub async fn owners(
        &mut self,
        source: &SourceName,
        email_hash: KeyedHash,
        now: Timestamp,
    ) -> Result<Vec<Owner>, StoreError> {
        let rows = query(
            "SELECT person_hash, as_of_ns
             FROM people
             WHERE email_hash = $1 AND source = $2 AND (gone_at IS NULL OR gone_at > $3)
             ORDER BY as_of_ns DESC
             LIMIT 3",
        )
        .bind(email_hash.0.as_slice())
        .bind(source.as_str())
        .bind(millis(now))
        .fetch_all(&mut **self)
        .await?;
        rows.iter()
            .map(|row| {
                let hash: Vec<u8> = row.try_get("person_hash")?;
                let hash = hash
                    .try_into()
                    .map_err(|_wrong_length| StoreError::inconsistent("person", source, "no such hash"))?;
                Ok(Owner { person_hash: KeyedHash(hash), as_of: from_nanos(row.try_get("as_of_ns")?)? })
            })
            .collect()
    }

    /// Stores when a source's person left or will leave; `None` for a person that stays.
    #[instrument(name = "store.people.note_gone", skip_all)]
    pub async fn note_gone(
        &mut self,
        source: &SourceName,
        person_hash: KeyedHash,
        gone_at: Option<Timestamp>,
    ) -> Result<(), StoreError> {
        query("UPDATE people SET gone_at = $1 WHERE source = $2 AND person_hash = $3")
            .bind(millis_if_any(gone_at))
            .bind(source.as_str())
            .bind(person_hash.0.as_slice())
            .execute(&mut **self)
            .await?;
        Ok(())
    }

    /// Whether a source's person has left by `now`.
    #[instrument(name = "store.people.is_gone", skip_all, err)]
    pub async fn is_gone(
        &mut self,
        source: &SourceName,
        person_hash: KeyedHash,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let row = query("SELECT 1 FROM people WHERE source = $1 AND person_hash = $2 AND gone_at <= $3")
            .bind(source.as_str())
            .bind(person_hash.0.as_slice())
            .bind(millis(now))
            .fetch_optional(&mut **self)
            .await?;
        Ok(row.is_some())
    }

    /// The hashes that identify a source's person on a site.
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

impl Store {
    /// The former email addresses of a source's person id, latest first.
    #[instrument(name = "store.people.former_addresses", skip_all, err)]
    pub async fn former_addresses(&self, source: &SourceName, id: &PersonId) -> Result<Vec<EmailAddress>, StoreError> {
        let person_hash = self.key.hash_person_id(source, id);
        let rows = query(
            "SELECT sealed
             FROM former_addresses
             WHERE source = $1 AND person_hash = $2
             ORDER BY until_ns DESC",
        )
        .bind(source.as_str())
        .bind(person_hash.0.as_slice())
        .fetch_all(&self.reader)
        .await?;
        let addresses: Result<Vec<_>, _> = rows.iter().map(|row| open_address(&self.key, person_hash, row)).collect();
        let mut addresses: Vec<EmailAddress> = addresses?.into_iter().flatten().collect();
        // One row for each site of the source.
        let mut seen = HashSet::new();
        addresses.retain(|address| seen.insert(address.clone()));
        Ok(addresses)
    }
}

fn open_address(key: &MasterKey, person_hash: KeyedHash, row: &Row) -> Result<Option<EmailAddress>, StoreError> {
    let sealed = RowReader { what: "person", row }.bytes_if_any("sealed")?.unwrap_or_default();
    let plain = key.open(&person_hash.0, &sealed).map_err(|source| StoreError::Sealed { what: "person", source })?;
    Ok(EmailAddress::parse(&String::from_utf8_lossy(&plain)).ok())
}
