//! A watched folder: each CSV file in it is imported at the next scheduled time, by the rules of an operator named `import`.
//!
//! No operator reviews the plan before: approvals and the brake apply, and a roster that names fewer people than it would
//! offboard, or that has a row that cannot be read, is refused. A file is moved after its import was stored; a file that was
//! stored and not moved is recognized.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::civil::Time;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan as _};
use serde_json::json;
use sha2::{Digest as _, Sha256};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::formats::Options;
use super::plan::{Plan, PlanError, PlanSource};
use crate::clock::Clock;
use crate::domain::ids::SiteName;
use crate::domain::import_format::ImportFormat;
use crate::domain::own_request::RequestRules;
use crate::domain::person::EmailAddress;
use crate::store::{ListingScope, Store, StoreError};

/// How often the folder is read.
const PERIOD: Duration = Duration::from_secs(10);

/// How often a list of the site's customers is checked.
const LISTING: Duration = Duration::from_millis(200);

/// A file is complete when it did not change for this long before its time.
const STABLE: SignedDuration = SignedDuration::from_secs(60);

/// No file of a hundred thousand rows is larger.
const MOST_BYTES: u64 = 64 * 1024 * 1024;

/// The number of lines that a refusal names.
const NAMED: usize = 5;

/// The name in the history, for approvals, and for the brake.
const OPERATOR: &str = "import";

/// What the settings say about the folder.
#[derive(Debug, Clone)]
pub(crate) struct FolderSettings {
    pub(crate) path: PathBuf,
    pub(crate) format: ImportFormat,
    pub(crate) options: Options,
    pub(crate) site: SiteName,
    pub(crate) rules: RequestRules,
    /// The time of day at which files are imported.
    pub(crate) at: Time,
    pub(crate) timezone: TimeZone,
}

/// Imports the files of a folder.
#[derive(Debug, Clone)]
pub(crate) struct Folder {
    pub(crate) settings: FolderSettings,
    pub(crate) store: Store,
    pub(crate) clock: Arc<dyn Clock>,
    /// Notified after the clock of a test was changed.
    pub(crate) awakened: Arc<Notify>,
    /// Notifies the importer of a stored import.
    pub(crate) importer: Arc<Notify>,
    /// Notifies the listers of a requested list.
    pub(crate) listers: Arc<Notify>,
}

/// Why a file was not imported.
#[derive(Debug, thiserror::Error)]
enum FileError {
    #[error("the file cannot be read or moved")]
    Io(#[from] std::io::Error),
    #[error("{0}")]
    Refused(String),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Folder {
    /// Imports until `stopping`.
    pub(crate) async fn run(self, stopping: CancellationToken) {
        loop {
            let awakened = self.awakened.notified();
            tokio::select! {
                () = stopping.cancelled() => return,
                () = self.import_due() => {}
            }
            tokio::select! {
                () = stopping.cancelled() => return,
                () = awakened => {}
                () = tokio::time::sleep(PERIOD) => {}
            }
        }
    }

    async fn import_due(&self) {
        let due = match self.due_files() {
            Ok(due) => due,
            Err(error) => {
                tracing::error!(%error, "import.folder cannot be read");
                return;
            }
        };
        for (path, modified_at) in due {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            match self.import(&path, modified_at).await {
                Ok(()) => {}
                Err(FileError::Refused(reason)) => {
                    tracing::error!(reason, "import of a file in import.folder refused: {name}: {reason}");
                    if let Err(error) = self.move_to(&path, "refused", &json!({ "refused": reason })) {
                        tracing::error!(%error, "a file in import.folder cannot be moved");
                    }
                }
                Err(error) => {
                    let error = anyhow::Error::new(error);
                    tracing::error!(
                        error = format!("{error:#}"),
                        "import of a file in import.folder failed, retrying: {name}"
                    );
                }
            }
        }
    }

    /// The files whose scheduled time has come since they were written, oldest first.
    fn due_files(&self) -> std::io::Result<Vec<(PathBuf, Timestamp)>> {
        let mut due = Vec::new();
        for entry in std::fs::read_dir(&self.settings.path)? {
            let path = entry?.path();
            let is_csv = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("csv"));
            if !is_csv || !path.is_file() {
                continue;
            }
            let modified_at =
                Timestamp::try_from(std::fs::metadata(&path)?.modified()?).map_err(std::io::Error::other)?;
            if self.next_time(modified_at).is_some_and(|at| at <= self.clock.now()) {
                due.push((path, modified_at));
            }
        }
        due.sort_by_key(|(_, modified_at)| *modified_at);
        Ok(due)
    }

    /// The first scheduled time at which a file of this age is complete.
    fn next_time(&self, modified_at: Timestamp) -> Option<Timestamp> {
        let stable = modified_at.checked_add(STABLE).ok()?.to_zoned(self.settings.timezone.clone());
        let days = [stable.date(), stable.date().checked_add(1.day()).ok()?, stable.date().checked_add(2.days()).ok()?];
        let at = |day: jiff::civil::Date| {
            let time = self.settings.timezone.to_ambiguous_timestamp(day.to_datetime(self.settings.at));
            time.compatible().ok()
        };
        days.into_iter().filter_map(at).find(|at| *at >= stable.timestamp())
    }

    async fn import(&self, path: &Path, modified_at: Timestamp) -> Result<(), FileError> {
        if std::fs::metadata(path)?.len() > MOST_BYTES {
            return Err(FileError::Refused("the file is too large: split it".to_owned()));
        }
        let bytes = tokio::fs::read(path).await?;
        // The same content written again is another file: a roster is compared with the site of each night.
        let file = hex::encode(Sha256::new().chain_update(&bytes).chain_update(modified_at.to_string()).finalize());
        if self.store.is_imported(&file).await? {
            return Ok(self.move_to(path, "done", &json!({ "imported": true }))?);
        }
        let listed = if self.settings.format == ImportFormat::Roster { self.listed().await? } else { Vec::new() };
        let settings = &self.settings;
        let source = PlanSource {
            bytes: &bytes,
            format: settings.format,
            options: &settings.options,
            site: &settings.site,
            rules: &settings.rules,
            operator: OPERATOR,
            listed: &listed,
        };
        let now = self.clock.now();
        let plan = match Plan::make(&self.store, source, now).await {
            Ok(plan) => plan,
            Err(PlanError::File(problem)) => return Err(FileError::Refused(problem)),
            Err(PlanError::Store(error)) => return Err(error.into()),
        };
        if plan.is_suspicious {
            return Err(FileError::Refused(format!(
                "the roster would offboard {} customers and keep {}: it is probably incomplete",
                plan.rows.len(),
                plan.excluded
            )));
        }
        if plan.unreadable > 0 && !plan.rows.is_empty() {
            let lines: Vec<_> =
                plan.bad.iter().take(NAMED).map(|(line, problem)| format!("line {line}: {problem}")).collect();
            return Err(FileError::Refused(format!(
                "{} rows of the roster cannot be read, and the people whom they name would be offboarded: {}",
                plan.unreadable,
                lines.join("; ")
            )));
        }
        let id = if plan.rows.is_empty() {
            None
        } else {
            Some(plan.store(&self.store, source, ("import of a watched folder", Some(&file)), now).await?)
        };
        self.importer.notify_one();
        let (cases, bad) = (plan.rows.len(), plan.bad.len());
        tracing::info!(cases, bad, "import of a file in import.folder: {cases} cases, {bad} bad rows");
        let bad: Vec<_> = plan.bad.iter().map(|(line, problem)| json!({ "line": line, "problem": problem })).collect();
        let report = json!({
            "import": id, "cases": cases, "already_open": plan.open.len(), "duplicates": plan.duplicates.len(),
            "excluded": plan.excluded, "problems": bad,
        });
        Ok(self.move_to(path, "done", &report)?)
    }

    /// The customers of the domain, read now.
    async fn listed(&self) -> Result<Vec<EmailAddress>, FileError> {
        let (site, now) = (&self.settings.site, self.clock.now());
        let domain = self.settings.options.domain.as_deref().unwrap_or_default();
        let mut tx = self.store.begin().await?;
        let id = tx.request_listing(site, ListingScope::Domain, domain, now).await?;
        tx.commit().await?;
        self.listers.notify_waiters();
        loop {
            let listing = self.store.listing(&id).await?;
            let Some(listing) = listing else {
                return Err(FileError::Refused("the list of customers took too long".to_owned()));
            };
            if let Some(problem) = listing.problem {
                return Err(FileError::Refused(problem));
            }
            if listing.done_at.is_some() {
                return Ok(self.store.listed_customers(&id).await?);
            }
            tokio::time::sleep(LISTING).await;
        }
    }

    /// Moves a file, and writes what became of it beside it. The report names lines, and no person.
    fn move_to(&self, path: &Path, folder: &str, report: &serde_json::Value) -> std::io::Result<()> {
        let folder = self.settings.path.join(folder);
        std::fs::create_dir_all(&folder)?;
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let stamp = self.clock.now().strftime("%Y%m%dT%H%M%S");
        let target = folder.join(format!("{stamp}-{name}"));
        std::fs::rename(path, &target)?;
        std::fs::write(target.with_extension("report.json"), format!("{report:#}\n"))
    }
}
