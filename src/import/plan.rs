//! The plan of an import: which cases it would open, and why the other rows open none.

use std::collections::HashMap;

use jiff::Timestamp;
use sha2::{Digest as _, Sha256};

use super::csv_file::CsvError;
use super::formats::{self, Options, Row};
use crate::domain::case::Terms;
use crate::domain::event::Effective;
use crate::domain::ids::{CaseId, SiteName};
use crate::domain::import_format::ImportFormat;
use crate::domain::own_request::RequestRules;
use crate::domain::person::{EmailAddress, Person};
use crate::domain::policy::Action;
use crate::proof::seal::KeyedHash;
use crate::store::{ImportedCase, NewImport, Store, StoreError};

/// The number of rows that are stored in one transaction.
const STORED: usize = 500;

/// What a plan is made of.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PlanSource<'a> {
    pub(crate) bytes: &'a [u8],
    pub(crate) format: ImportFormat,
    pub(crate) options: &'a Options,
    pub(crate) site: &'a SiteName,
    pub(crate) rules: &'a RequestRules,
    /// The name of the admin token.
    pub(crate) operator: &'a str,
    /// The customers of the domain, for a roster.
    pub(crate) listed: &'a [EmailAddress],
}

/// Why there is no plan.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PlanError {
    /// The file cannot be read.
    #[error("{0}")]
    File(String),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The cases that an import would open.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) rows: Vec<PlannedRow>,
    /// The rows that cannot be used, by line.
    pub(crate) bad: Vec<(u64, String)>,
    /// The rows that name a person of an earlier row, with the line of that row.
    pub(crate) duplicates: Vec<(u64, u64)>,
    /// The rows whose person has an open case.
    pub(crate) open: Vec<(u64, CaseId)>,
    /// The number of rows that the options exclude or, for a roster, of customers who stay.
    pub(crate) excluded: usize,
    /// Identifies exactly what would be done.
    pub(crate) digest: String,
    /// A roster that names so few of the site's customers that it is probably incomplete.
    pub(crate) is_suspicious: bool,
    /// The rows of a roster that cannot be read: the people whom they name would be taken for ones who left.
    pub(crate) unreadable: usize,
}

/// A case that would be opened.
#[derive(Debug, Clone)]
pub(crate) struct PlannedRow {
    /// The line in the file; for a roster the position on the list.
    pub(crate) line: u64,
    pub(crate) person: Person,
    pub(crate) terms: Terms,
    /// `None`: when it is opened.
    pub(crate) effective_at: Option<Timestamp>,
}

impl Plan {
    pub(crate) async fn make(store: &Store, source: PlanSource<'_>, now: Timestamp) -> Result<Self, PlanError> {
        let mut plan = Self {
            rows: Vec::new(),
            bad: Vec::new(),
            duplicates: Vec::new(),
            open: Vec::new(),
            excluded: 0,
            digest: String::new(),
            is_suspicious: false,
            unreadable: 0,
        };
        let rows = plan.read(source, now).map_err(|error| PlanError::File(error.to_string()))?;
        let hash = |row: &Row| store.key().hash_email(source.site, &row.email);
        let rows: Vec<(KeyedHash, Row)> = rows.into_iter().map(|row| (hash(&row), row)).collect();
        let hashes: Vec<KeyedHash> = rows.iter().map(|(hash, _)| *hash).collect();
        let open = store.open_cases_among(source.site, &hashes).await?;
        let mut seen: HashMap<KeyedHash, u64> = HashMap::new();
        let mut digest = Sha256::new();
        let head = format!("import {} {} {}", source.format, source.site, source.rules.policy_name);
        digest.update(head.as_bytes());
        for (hash, row) in rows {
            if let Some(first) = seen.get(&hash) {
                plan.duplicates.push((row.line, *first));
                continue;
            }
            seen.insert(hash, row.line);
            if let Some(case) = open.get(&hash) {
                plan.open.push((row.line, *case));
                continue;
            }
            match planned(row, source, now) {
                Ok(row) => {
                    digest.update(row.digest_line(hash).as_bytes());
                    plan.rows.push(row);
                }
                Err((line, problem)) => plan.bad.push((line, problem)),
            }
        }
        plan.bad.sort();
        plan.digest = hex::encode(digest.finalize());
        Ok(plan)
    }

    /// The rows of the file or, for a roster, the listed customers that are not in it.
    fn read(&mut self, source: PlanSource<'_>, now: Timestamp) -> Result<Vec<Row>, CsvError> {
        if source.format != ImportFormat::Roster {
            let contents = formats::read(source.bytes, source.format, source.options, now)?;
            self.bad = contents.bad;
            self.excluded = contents.excluded;
            return Ok(contents.rows);
        }
        let staying = formats::read_roster(source.bytes)?;
        self.bad = staying.bad;
        self.unreadable = staying.unreadable;
        let mut rows = Vec::new();
        for (email, line) in source.listed.iter().zip(1..) {
            if staying.people.contains(email) {
                self.excluded += 1;
            } else {
                let email = email.clone();
                rows.push(Row { line, email, person_id: None, effective: Effective::Immediately, action: None });
            }
        }
        self.is_suspicious = rows.len() > self.excluded;
        Ok(rows)
    }

    /// The number of cases that include a deletion.
    pub(crate) fn irreversible(&self) -> usize {
        self.rows.iter().filter(|row| row.terms.action.deletes()).count()
    }

    /// Stores the plan as an import. Returns its id.
    pub(crate) async fn store(
        &self,
        store: &Store,
        source: PlanSource<'_>,
        (reason, file): (&str, Option<&str>),
        now: Timestamp,
    ) -> Result<String, StoreError> {
        let new = NewImport {
            operator: source.operator,
            site: source.site,
            format: source.format.as_str(),
            digest: &self.digest,
            brake: source.rules.brake,
            reason,
            file,
            total: self.rows.len(),
        };
        let mut tx = store.begin().await?;
        let id = tx.create_import(&new, now).await?;
        tx.commit().await?;
        for part in self.rows.chunks(STORED) {
            let rows: Vec<_> = part.iter().map(|row| (row.line, row.case())).collect();
            let mut tx = store.begin().await?;
            tx.add_import_rows(&id, &rows).await?;
            tx.commit().await?;
        }
        let mut tx = store.begin().await?;
        tx.begin_import(&id).await?;
        let detail = serde_json::json!({
            "import": id, "by": source.operator, "site": source.site, "format": source.format,
            "cases": self.rows.len(), "digest": self.digest,
        });
        tx.write_journal(None, "import_begun", &detail, now).await?;
        tx.commit().await?;
        Ok(id)
    }
}

impl PlannedRow {
    fn case(&self) -> ImportedCase {
        ImportedCase { person: self.person.clone(), terms: self.terms.clone(), effective_at: self.effective_at }
    }

    fn digest_line(&self, hash: KeyedHash) -> String {
        let at = self.effective_at.map_or_else(|| "now".to_owned(), |at| at.as_millisecond().to_string());
        let Terms { action, approvals, local_grace, .. } = &self.terms;
        let hash = hex::encode(hash.0);
        format!("\n{hash} {action} {at} {} {} {}", local_grace.as_secs(), approvals.revoke, approvals.delete)
    }
}

fn planned(row: Row, source: PlanSource<'_>, now: Timestamp) -> Result<PlannedRow, (u64, String)> {
    let action = row.action.unwrap_or(source.rules.policy.departed);
    if action == Action::Ignore {
        return Err((
            row.line,
            "action: the policy ignores departures: write revoke, revoke_then_delete or delete".into(),
        ));
    }
    let effective_at = match row.effective {
        Effective::Immediately => None,
        effective @ (Effective::At(_) | Effective::On(_) | Effective::Local(_)) => {
            Some(source.rules.policy.effective_at(effective, now))
        }
    };
    Ok(PlannedRow {
        line: row.line,
        person: Person { id: row.person_id, email: Some(row.email) },
        terms: source.rules.terms(source.operator, action),
        effective_at,
    })
}
