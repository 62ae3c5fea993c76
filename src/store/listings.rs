//! Lists of a site's customers: of a domain, or of an organization. A list is read page by page, and continues after a
//! kill where it was.

use jiff::{SignedDuration, Timestamp};
use tracing::instrument;

use super::row::{RowReader, millis};
use super::sql::{Row, query};
use super::{Origin, Store, StoreError, Tx};
use crate::clock;
use crate::domain::event::Event;
use crate::domain::ids::{DeliveryId, SiteName, SourceName};
use crate::domain::named;
use crate::domain::person::EmailAddress;

/// Whose customers are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ListingScope {
    /// Those with an email address of the domain.
    Domain,
    /// The members of the organization with this id or name.
    Organization,
}

named!(ListingScope { Domain = "domain", Organization = "organization" });

/// A list that is being read, or that is complete.
#[derive(Debug, Clone)]
pub struct Listing {
    pub id: String,
    pub site: SiteName,
    pub scope: ListingScope,
    /// The domain, or the id or name of the organization.
    pub subject: String,
    pub requested_at: Timestamp,
    /// Where the next page begins.
    pub start: usize,
    /// The digest of the last page.
    pub last_page: Option<String>,
    /// How many customers hide their email address, so that they are not on the list.
    pub hidden: u32,
    pub due_at: Timestamp,
    pub failures: u32,
    pub failing_since: Option<Timestamp>,
    pub done_at: Option<Timestamp>,
    /// Why it ended without a list.
    pub problem: Option<String>,
}

/// A page that was read.
#[derive(Debug)]
pub struct ListedPage {
    pub customers: Vec<EmailAddress>,
    pub hidden: usize,
    /// Where the next page begins; `None`: the list is complete.
    pub next: Option<usize>,
    pub digest: String,
}

/// An event about a company: each customer of the list is the person of such an event.
#[derive(Debug, Clone)]
pub struct CompanyEvent {
    pub listing_id: String,
    pub site: SiteName,
    pub source: SourceName,
    pub delivery_id: DeliveryId,
    /// The position of the event in the delivery.
    pub position: u32,
    pub event: Event,
    /// Why there is no list.
    pub problem: Option<String>,
}

impl Tx {
    /// Requests a list of customers. Returns its id.
    #[instrument(name = "store.listing.request", skip_all, fields(site = %site), err)]
    pub async fn request_listing(
        &mut self,
        site: &SiteName,
        scope: ListingScope,
        subject: &str,
        now: Timestamp,
    ) -> Result<String, StoreError> {
        let id = clock::new_id(now).to_string();
        let sealed = self.key.seal(id.as_bytes(), subject.as_bytes());
        query(
            "INSERT INTO listings (id, site, scope, subject_hash, sealed, requested_at, due_at)
             VALUES ($1, $2, $3, $4, $5, $6, $6)",
        )
        .bind(&id)
        .bind(site.as_str())
        .bind(scope.as_str())
        .bind(self.key.hash_listing(site, scope.as_str(), subject).0.as_slice())
        .bind(sealed)
        .bind(millis(now))
        .exec_one(self, "listing", &id)
        .await?;
        Ok(id)
    }

    /// Attaches the event of a company to a list: it is routed for each customer when the list is complete.
    #[instrument(name = "store.listing.attach", skip_all, err)]
    pub async fn attach_company_event(&mut self, company: &CompanyEvent) -> Result<(), StoreError> {
        let json = serde_json::to_vec(&company.event)
            .map_err(|error| StoreError::inconsistent("event of a company", &company.listing_id, error))?;
        query(
            "INSERT INTO company_events (listing_id, source, delivery_id, position, sealed)
             VALUES ($1, $2, $3, $4, $5)",
        )
        .bind(&company.listing_id)
        .bind(company.source.as_str())
        .bind(company.delivery_id.to_string())
        .bind(company.position)
        .bind(self.key.seal(company.listing_id.as_bytes(), &json))
        .exec_one(self, "event of a company", &company.listing_id)
        .await
    }

    /// Pauses the jobs of the source while the customers of a company are routed, so that the brake counts all of them
    /// first.
    #[instrument(name = "store.listing.begin_routing", skip_all, err)]
    pub async fn begin_routing_company(&mut self, listing_id: &str) -> Result<(), StoreError> {
        query("UPDATE company_events SET is_routing = 1 WHERE listing_id = $1")
            .bind(listing_id)
            .exec_one(self, "event of a company", listing_id)
            .await
    }

    /// Stores a page of a list.
    #[instrument(name = "store.listing.page", skip_all, fields(count = page.customers.len()), err)]
    pub async fn store_page(&mut self, listing: &Listing, page: &ListedPage, now: Timestamp) -> Result<(), StoreError> {
        for email in &page.customers {
            let hash = self.key.hash_email(&listing.site, email);
            query(
                "INSERT INTO listed_customers (listing_id, email_hash, sealed)
                 VALUES ($1, $2, $3)
                 ON CONFLICT (listing_id, email_hash) DO NOTHING",
            )
            .bind(&listing.id)
            .bind(hash.0.as_slice())
            .bind(self.key.seal(&hash.0, email.as_str().as_bytes()))
            .execute(&mut **self)
            .await?;
        }
        query(
            "UPDATE listings
             SET start = COALESCE($1, start), last_page = $2, hidden = hidden + $3, failures = 0, failing_since = NULL,
                 done_at = $4
             WHERE id = $5",
        )
        .bind(page.next.map(|next| i64::try_from(next).unwrap_or(i64::MAX)))
        .bind(&page.digest)
        .bind(i64::try_from(page.hidden).unwrap_or(i64::MAX))
        .bind(page.next.is_none().then(|| millis(now)))
        .bind(&listing.id)
        .exec_one(self, "listing", &listing.id)
        .await
    }

    /// Stores that a page could not be read, and when it is tried again.
    #[instrument(name = "store.listing.defer", skip_all, err)]
    pub async fn defer_listing(&mut self, id: &str, due_at: Timestamp, now: Timestamp) -> Result<(), StoreError> {
        query(
            "UPDATE listings
             SET due_at = $1, failures = failures + 1, failing_since = COALESCE(failing_since, $2)
             WHERE id = $3",
        )
        .bind(millis(due_at))
        .bind(millis(now))
        .bind(id)
        .exec_one(self, "listing", id)
        .await
    }

    /// Ends a list without a result.
    #[instrument(name = "store.listing.fail", skip_all, err)]
    pub async fn fail_listing(&mut self, id: &str, problem: &str, now: Timestamp) -> Result<(), StoreError> {
        query("UPDATE listings SET done_at = $1, problem = $2 WHERE id = $3")
            .bind(millis(now))
            .bind(problem)
            .bind(id)
            .exec_one(self, "listing", id)
            .await
    }

    /// Removes the next customers of a list, at most `limit`.
    #[instrument(name = "store.listing.take", skip_all, err)]
    pub async fn take_listed(&mut self, listing_id: &str, limit: u32) -> Result<Vec<EmailAddress>, StoreError> {
        let rows = query(
            "SELECT '' AS id, email_hash, sealed
             FROM listed_customers
             WHERE listing_id = $1
             ORDER BY email_hash
             LIMIT $2",
        )
        .bind(listing_id)
        .bind(limit)
        .fetch_all(&mut **self)
        .await?;
        let mut emails = Vec::with_capacity(rows.len());
        for row in &rows {
            let hash: Vec<u8> = row.try_get("email_hash")?;
            emails.push(unseal(row, &self.key)?);
            query("DELETE FROM listed_customers WHERE listing_id = $1 AND email_hash = $2")
                .bind(listing_id)
                .bind(hash)
                .exec_one(self, "customer of a list", listing_id)
                .await?;
        }
        Ok(emails)
    }

    /// Deletes a list with its customers.
    #[instrument(name = "store.listing.delete", skip_all, err)]
    pub async fn delete_listing(&mut self, id: &str) -> Result<(), StoreError> {
        for table in [
            "DELETE FROM company_events WHERE listing_id = $1",
            "DELETE FROM listed_customers WHERE listing_id = $1",
            "DELETE FROM listings WHERE id = $1",
        ] {
            query(table).bind(id).execute(&mut **self).await?;
        }
        Ok(())
    }
}

impl Store {
    /// The next list of a site whose page is due, or the one that is due next.
    #[instrument(name = "store.listing.next", skip_all, fields(site = %site), err)]
    pub async fn next_listing(&self, site: &SiteName) -> Result<Option<Listing>, StoreError> {
        let row = query(
            "SELECT *
             FROM listings
             WHERE site = $1
                 AND done_at IS NULL
                 AND NOT EXISTS (SELECT 1 FROM sites WHERE name = $1 AND paused_at IS NOT NULL)
             ORDER BY due_at, id
             LIMIT 1",
        )
        .bind(site.as_str())
        .fetch_optional(&self.reader)
        .await?;
        row.map(|row| self.read_listing(&row)).transpose()
    }

    /// The newest list of this subject that was requested after `since`.
    #[instrument(name = "store.listing.newest", skip_all, fields(site = %site), err)]
    pub async fn newest_listing(
        &self,
        site: &SiteName,
        scope: ListingScope,
        subject: &str,
        since: Timestamp,
    ) -> Result<Option<Listing>, StoreError> {
        let row = query(
            "SELECT *
             FROM listings l
             WHERE subject_hash = $1
                 AND requested_at > $2
                 AND NOT EXISTS (SELECT 1 FROM company_events c WHERE c.listing_id = l.id)
             ORDER BY requested_at DESC, id DESC
             LIMIT 1",
        )
        .bind(self.key.hash_listing(site, scope.as_str(), subject).0.as_slice())
        .bind(millis(since))
        .fetch_optional(&self.reader)
        .await?;
        row.map(|row| self.read_listing(&row)).transpose()
    }

    #[instrument(name = "store.listing.find", skip_all, err)]
    pub async fn listing(&self, id: &str) -> Result<Option<Listing>, StoreError> {
        let row = query("SELECT * FROM listings WHERE id = $1").bind(id).fetch_optional(&self.reader).await?;
        row.map(|row| self.read_listing(&row)).transpose()
    }

    /// The customers of a list, sorted by email address.
    #[instrument(name = "store.listing.customers", skip_all, err)]
    pub async fn listed_customers(&self, id: &str) -> Result<Vec<EmailAddress>, StoreError> {
        let rows = query("SELECT '' AS id, email_hash, sealed FROM listed_customers WHERE listing_id = $1")
            .bind(id)
            .fetch_all(&self.reader)
            .await?;
        let mut emails: Vec<_> = rows.iter().map(|row| unseal(row, &self.key)).collect::<Result<_, _>>()?;
        emails.sort();
        Ok(emails)
    }

    /// When a delivery was received, and its identity.
    #[instrument(name = "store.listing.origin", skip_all, fields(delivery.id = %id), err)]
    pub async fn origin_of(&self, id: DeliveryId) -> Result<Option<(Timestamp, Origin)>, StoreError> {
        let row =
            query("SELECT * FROM deliveries WHERE id = $1").bind(id.to_string()).fetch_optional(&self.reader).await?;
        let read =
            |row: Row| Ok((RowReader { what: "delivery", row: &row }.at("received_at")?, Origin::read(&row, "id")?));
        row.map(read).transpose()
    }

    /// The events about companies whose list is complete.
    #[instrument(name = "store.listing.company_events", skip_all, err)]
    pub async fn company_events(&self) -> Result<Vec<CompanyEvent>, StoreError> {
        let rows = query(
            "SELECT c.*, c.listing_id AS id, l.site, l.problem
             FROM company_events c
                 JOIN listings l ON l.id = c.listing_id
             WHERE l.done_at IS NOT NULL
             ORDER BY c.listing_id",
        )
        .fetch_all(&self.reader)
        .await?;
        rows.iter()
            .map(|row| {
                let reader = RowReader { what: "event of a company", row };
                let listing_id = reader.text("listing_id")?;
                let sealed = reader.bytes_if_any("sealed")?.unwrap_or_default();
                let plain = self
                    .key
                    .open(listing_id.as_bytes(), &sealed)
                    .map_err(|source| StoreError::Sealed { what: "event of a company", source })?;
                Ok(CompanyEvent {
                    site: reader.word("site")?,
                    source: reader.word("source")?,
                    delivery_id: reader.word("delivery_id")?,
                    position: reader.count("position")?,
                    event: serde_json::from_slice(&plain)
                        .map_err(|error| StoreError::inconsistent("event of a company", &listing_id, error))?,
                    problem: reader.text_if_any("problem")?,
                    listing_id,
                })
            })
            .collect()
    }

    /// Lists without an event that are older than `kept`.
    #[instrument(name = "store.listing.expired", skip_all, err)]
    pub async fn expired_listings(&self, kept: SignedDuration, now: Timestamp) -> Result<Vec<String>, StoreError> {
        let rows = query(
            "SELECT id
             FROM listings l
             WHERE requested_at <= $1 AND NOT EXISTS (SELECT 1 FROM company_events c WHERE c.listing_id = l.id)",
        )
        .bind(millis(now.saturating_sub(kept).unwrap_or(Timestamp::MIN)))
        .fetch_all(&self.reader)
        .await?;
        rows.iter().map(|row| Ok(row.try_get("id")?)).collect()
    }

    fn read_listing(&self, row: &Row) -> Result<Listing, StoreError> {
        let reader = RowReader { what: "listing", row };
        let id = reader.text("id")?;
        let sealed = reader.bytes_if_any("sealed")?.unwrap_or_default();
        let subject =
            self.key.open(id.as_bytes(), &sealed).map_err(|source| StoreError::Sealed { what: "listing", source })?;
        Ok(Listing {
            site: reader.word("site")?,
            scope: reader.word("scope")?,
            subject: String::from_utf8_lossy(&subject).into_owned(),
            requested_at: reader.at("requested_at")?,
            start: usize::try_from(reader.count("start")?).unwrap_or(usize::MAX),
            last_page: reader.text_if_any("last_page")?,
            hidden: reader.count("hidden")?,
            due_at: reader.at("due_at")?,
            failures: reader.count("failures")?,
            failing_since: reader.at_if_any("failing_since")?,
            done_at: reader.at_if_any("done_at")?,
            problem: reader.text_if_any("problem")?,
            id,
        })
    }
}

fn unseal(row: &Row, key: &crate::proof::seal::MasterKey) -> Result<EmailAddress, StoreError> {
    let hash: Vec<u8> = row.try_get("email_hash")?;
    let sealed: Vec<u8> = row.try_get("sealed")?;
    let plain = key.open(&hash, &sealed).map_err(|source| StoreError::Sealed { what: "customer of a list", source })?;
    EmailAddress::parse(&String::from_utf8_lossy(&plain))
        .map_err(|error| StoreError::inconsistent("customer of a list", "", error))
}
