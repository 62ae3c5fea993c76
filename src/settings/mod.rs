//! The settings file: reads it, rejects unknown keys, resolves secrets, and converts it for each module.
//!
//! Loading validates everything that can be validated offline. Nothing here listens, connects or writes.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::atlassian::Site;
use crate::domain::ids::{PolicyName, SiteName, SourceName};
use crate::domain::operator::AdminToken;
use crate::domain::policy::Policy;
use crate::domain::retry::RetryPolicy;

mod admin;
mod defaults;
mod document;
mod evidence;
mod file;
mod http_url;
mod import;
mod lookup;
mod notify;
mod policy;
mod problem;
mod retry;
mod secret;
mod secret_warnings;
mod server;
mod site;
mod size;
mod source;
mod store;
mod store_url;
mod text;
mod toml_text;
mod url_secret;
mod wait;

#[cfg(test)]
mod tests;

pub use admin::{AdminTable, TokenTable};
pub use evidence::{EvidenceSettings, EvidenceTable};
pub use file::{Mode, SettingsFile};
pub use http_url::{HttpUrl, HttpUrlError, ListenAddress, ListenAddressError};
pub use import::{ImportSettings, ImportTable};
pub use lookup::{LookupAuthTable, LookupTable, OneOrMany};
pub use notify::{
    ChatFormat, ChatTable, MailTable, NotifyChat, NotifyMail, NotifySettings, NotifyTable, NotifyWebhook,
    NotifyWebhookTable, SmtpUrl, SmtpUrlError,
};
pub use policy::{PolicyTable, Zone, ZoneError};
pub use problem::Problem;
pub use retry::RetryTable;
pub use secret::{Environment, SecretError, SecretRef};
pub use server::ServerTable;
pub use site::{AuthTable, ProtectTable, SiteTable, Via};
pub use size::{ByteSize, ByteSizeError};
pub use source::{SourceSettings, SourceTable};
pub use store::{SealingKey, StoreSettings, StoreTable, parse_keys};
pub use store_url::{StoreUrl, StoreUrlError};

use crate::sources::Step;
use crate::sources::near::{listed, nearest};
use document::{Document, Located};
use problem::Faults;

/// Everything that the settings say, ready for use.
#[derive(Debug)]
pub struct Settings {
    /// The file with its defaults: what `check` prints. Holds references to secrets, no secrets.
    pub file: SettingsFile,
    /// Whether anything is changed at Atlassian.
    pub mode: Mode,
    /// Who may use the API and the console.
    pub admin_tokens: Vec<AdminToken>,
    /// The database.
    pub store: StoreSettings,
    /// The signed proofs.
    pub evidence: EvidenceSettings,
    /// The channels of messages to people.
    pub notify: NotifySettings,
    /// The watched folder; its site and policy exist.
    pub import: Option<ImportSettings>,
    /// How long to wait between attempts, and when to call a human.
    pub retry: RetryPolicy,
    /// The Atlassian Cloud sites.
    pub sites: BTreeMap<SiteName, Site>,
    /// What events lead to.
    pub policies: BTreeMap<PolicyName, Policy>,
    /// The HR and CRM systems; their sites and policies exist.
    pub sources: BTreeMap<SourceName, SourceSettings>,
    /// Secrets that can be read and are hardly what was meant: weak ones, and ones with blanks or quotes around them.
    pub secret_warnings: Vec<Fault>,
    /// Where secret files lie that are not named by a complete path.
    base_dir: PathBuf,
    /// The file as it was written, and its name: for the places of keys.
    text: String,
    path: PathBuf,
}

impl Settings {
    /// Reads a settings file, with the secrets that it refers to.
    pub fn load(path: &Path) -> Result<Self, SettingsError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| SettingsError::Unreadable { path: path.to_owned(), source })?;
        let base_dir = path.parent().unwrap_or_else(|| Path::new(""));
        Self::read(&text, path, base_dir, &|name| std::env::var(name).ok())
    }

    /// Reads the text of a settings file. Secret files lie relative to `base_dir`, `env` reads environment variables.
    pub fn parse(text: &str, base_dir: &Path, env: &Environment<'_>) -> Result<Self, SettingsError> {
        Self::read(text, Path::new("offboardd.toml"), base_dir, env)
    }

    fn read(text: &str, path: &Path, base_dir: &Path, env: &Environment<'_>) -> Result<Self, SettingsError> {
        let wrong = |faults: Vec<Located>| SettingsError::wrong(path, faults);
        let (document, mut faults) = Document::parse(text);
        let Some(document) = document else { return Err(wrong(faults)) };
        let tables = document.tables();
        faults.extend(tables.faults.iter().cloned());
        let Some(mut file) = tables.file.clone() else { return Err(wrong(faults)) };
        file.sites.values_mut().for_each(SiteTable::complete);
        let names = Names { sites: document.names("sites"), policies: document.names("policies") };
        let place = |problem: Problem| document.locate(problem);
        match Self::convert(file, &names, base_dir, env) {
            Ok(converted) if faults.is_empty() => {
                let secret_warnings = converted.file.secret_warnings(base_dir, env).into_iter().map(place);
                let secret_warnings = secret_warnings.map(|located| Fault::new(path, located)).collect();
                Ok(Self { secret_warnings, text: text.to_owned(), path: path.to_owned(), ..converted })
            }
            Ok(_) => Err(wrong(faults)),
            Err(problems) => {
                let problems = problems.into_iter().map(|problem| tables.original(problem));
                faults.extend(problems.filter(|problem| !tables.follows(problem)).map(place));
                Err(wrong(faults))
            }
        }
    }

    fn convert(
        file: SettingsFile,
        names: &Names<'_>,
        base_dir: &Path,
        env: &Environment<'_>,
    ) -> Result<Self, Vec<Problem>> {
        let mut faults = Faults::default();
        let mut sites = BTreeMap::new();
        for (name, table) in &file.sites {
            let site = table.convert(name, base_dir, env).map_err(|problems| under(problems, name.as_str()));
            sites.extend(faults.take_all("sites", site).map(|site| (name.clone(), site)));
        }
        let mut policies = BTreeMap::new();
        for (name, table) in &file.policies {
            let policy = table.convert().map_err(|problems| under(problems, name.as_str()));
            policies.extend(faults.take_all("policies", policy).map(|policy| (name.clone(), policy)));
        }
        let mut sources = BTreeMap::new();
        for (name, table) in &file.sources {
            let dangling = names.check(table);
            let source = table.convert(name, file.server.public_url.as_ref(), base_dir, env);
            let source = match (dangling.is_empty(), source) {
                (true, source) => source,
                (false, Ok(_)) => Err(dangling),
                (false, Err(problems)) => Err([dangling, problems].concat()),
            };
            let source = source.map_err(|problems| under(problems, name.as_str()));
            sources.extend(faults.take_all("sources", source).map(|source| (name.clone(), source)));
        }
        faults.take(file.server.check().map_err(|problem| problem.under("server")));
        let admin_tokens = faults.take_all("admin", file.admin.convert(base_dir, env));
        let store = faults.take(file.store.convert(base_dir, env).map_err(|problem| problem.under("store")));
        let evidence = faults.take_all("evidence", file.evidence.convert(base_dir, env));
        if matches!(file.store.url, StoreUrl::Server(_)) && file.evidence.key.is_none() {
            faults.add(Problem::at("key", evidence::NO_KEY).under("evidence"));
        }
        let notify = faults.take_all("notify", file.notify.convert(base_dir, env));
        let import = file.import.as_ref().map(|table| names.check_import(table)).transpose();
        let import = faults.take(import.map_err(|problem| problem.under("import")));
        let converted = admin_tokens.zip(store).zip(evidence).zip(notify).zip(import);
        faults.or(converted.map(|((((admin_tokens, store), evidence), notify), import)| Self {
            evidence,
            notify,
            import,
            mode: file.mode,
            admin_tokens,
            store,
            retry: file.retry.convert(),
            sites,
            policies,
            sources,
            base_dir: base_dir.to_owned(),
            secret_warnings: Vec::new(),
            text: String::new(),
            path: PathBuf::new(),
            file,
        }))
    }

    /// The position of a key as `FILE:LINE:COLUMN`; `keys` is its path from the top.
    pub fn place_of(&self, keys: &[&str]) -> String {
        let step = |key: &&str| match key.parse() {
            Ok(index) => Step::Index(index),
            Err(_) => Step::Key((*key).to_owned()),
        };
        let problem = Problem::here("").with_path(keys.iter().map(step).collect());
        let (document, _) = Document::parse(&self.text);
        let (line, column) =
            document.map(|document| document.locate(problem)).map_or((1, 1), |at| (at.line, at.column));
        format!("{}:{line}:{column}", self.path.display())
    }

    /// Reads the secrets of a source again. The settings do not change.
    pub fn reload_source(&self, name: &SourceName, env: &Environment<'_>) -> Result<SourceSettings, Problem> {
        let table = self.file.sources.get(name).ok_or_else(|| Problem::here("the settings have no such source"))?;
        table.convert(name, self.file.server.public_url.as_ref(), &self.base_dir, env).map_err(first)
    }

    /// Reads the credentials of a site again.
    pub fn reload_site(&self, name: &SiteName, env: &Environment<'_>) -> Result<Site, Problem> {
        let table = self.file.sites.get(name).ok_or_else(|| Problem::here("the settings have no such site"))?;
        table.convert(name, &self.base_dir, env).map_err(first)
    }

    /// The files that hold a source's secrets, those of its lookup among them.
    pub fn secret_files_of_source(&self, name: &SourceName) -> Vec<PathBuf> {
        self.files(self.file.sources.get(name).into_iter().flat_map(SourceTable::references))
    }

    /// The files that hold a site's credentials.
    pub fn secret_files_of_site(&self, name: &SiteName) -> Vec<PathBuf> {
        self.files(self.file.sites.get(name).into_iter().flat_map(SiteTable::references))
    }

    /// Reads the admin tokens again. Also returns what is wrong with those that are left out.
    pub fn reload_admin_tokens(&self, env: &Environment<'_>) -> (Vec<AdminToken>, Vec<Problem>) {
        self.file.admin.read(&self.base_dir, env)
    }

    /// The files that hold admin tokens.
    pub fn secret_files_of_admin_tokens(&self) -> Vec<PathBuf> {
        self.files(self.file.admin.tokens.iter().map(|table| &table.token))
    }

    /// Reads the secrets of the channels of messages again.
    pub fn reload_notify(&self, env: &Environment<'_>) -> Result<NotifySettings, Problem> {
        self.file.notify.convert(&self.base_dir, env).map_err(first)
    }

    /// The files that hold the secrets of the channels of messages.
    pub fn secret_files_of_notify(&self) -> Vec<PathBuf> {
        self.files(self.file.notify.references())
    }

    /// The files that hold the secrets of sources, sites and channels, and admin tokens.
    pub fn secret_files(&self) -> Vec<PathBuf> {
        let of_sources = self.file.sources.keys().flat_map(|name| self.secret_files_of_source(name));
        let of_sites = self.file.sites.keys().flat_map(|name| self.secret_files_of_site(name));
        let others = self.secret_files_of_admin_tokens().into_iter().chain(self.secret_files_of_notify());
        of_sources.chain(of_sites).chain(others).collect()
    }

    fn files<'a, R: IntoIterator<Item = &'a SecretRef>>(&self, references: R) -> Vec<PathBuf> {
        let files = references.into_iter().filter_map(|reference| match reference {
            SecretRef::File(path) => Some(self.base_dir.join(path)),
            SecretRef::Env(_) => None,
        });
        files.collect()
    }
}

/// The names of the sites and policies that the text describes, be it rightly or wrongly.
struct Names<'a> {
    sites: Vec<&'a str>,
    policies: Vec<&'a str>,
}

impl Names<'_> {
    fn check(&self, source: &SourceTable) -> Vec<Problem> {
        let mut faults = Faults::default();
        if let Some(site) = &source.site {
            faults.take(exists("site", "sites", site.as_str(), &self.sites));
        }
        for (i, site) in source.sites.iter().enumerate() {
            let named = exists("site", "sites", site.as_str(), &self.sites);
            faults.take(named.map_err(|problem| problem.without_key().under_index(i).under("sites")));
        }
        faults.take(exists("policy", "policies", source.policy.as_str(), &self.policies));
        faults.into_problems()
    }
}

impl Names<'_> {
    fn check_import(&self, table: &ImportTable) -> Result<ImportSettings, Problem> {
        if let Some(site) = &table.site {
            exists("site", "sites", site.as_str(), &self.sites)?;
        }
        if let Some(policy) = &table.policy {
            exists("policy", "policies", policy.as_str(), &self.policies)?;
        }
        table.convert(&self.sites)
    }
}

fn under(problems: Vec<Problem>, key: &str) -> Vec<Problem> {
    problems.into_iter().map(|problem| problem.under(key)).collect()
}

/// One of the problems: the next one appears when this one is fixed.
fn first(problems: Vec<Problem>) -> Problem {
    problems.into_iter().next().unwrap_or_else(|| Problem::here("the source or site cannot be used"))
}

/// Refuses the name of something that does not exist, and lists what does.
fn exists(key: &str, table: &str, name: &str, names: &[&str]) -> Result<(), Problem> {
    if names.contains(&name) {
        return Ok(());
    }
    let instead = match nearest(name, names.iter().copied()) {
        Some(meant) => format!("did you mean `{meant}`? There are {}", listed(names)),
        None if names.is_empty() => format!("describe it in [{table}.{name}]"),
        None => format!("there are {}", listed(names)),
    };
    Err(Problem::at(key, format!("no {key} is called `{name}`: {instead}")))
}

/// Why settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// There is no such file, or it is not for us, or it is not text.
    #[error("cannot read the settings file `{}`", path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// What is written cannot be meant so.
    #[error("{}", all(faults))]
    Wrong {
        /// Everything that is wrong, in the order of the text.
        faults: Vec<Fault>,
    },
}

/// Something in the settings that is wrong, or that can only fail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// The file.
    pub file: PathBuf,
    /// The line, counted from 1.
    pub line: usize,
    /// The character in the line, counted from 1.
    pub column: usize,
    /// The key, what is wrong with it, and what to write instead.
    #[serde(serialize_with = "as_text")]
    pub problem: Problem,
}

impl Fault {
    fn new(file: &Path, Located { line, column, problem }: Located) -> Self {
        Self { file: file.to_owned(), line, column, problem }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}: {}", self.file.display(), self.line, self.column, self.problem)
    }
}

fn as_text<T: fmt::Display, S: serde::Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(value)
}

/// One fault in one line; several below a line that counts them.
fn all(faults: &[Fault]) -> String {
    if let [fault] = faults {
        return fault.to_string();
    }
    let mut text = format!("the settings have {} errors:", faults.len());
    for fault in faults {
        text.push_str("\n  ");
        text.push_str(&fault.to_string());
    }
    text
}

impl SettingsError {
    fn wrong(file: &Path, mut faults: Vec<Located>) -> Self {
        faults.sort_by_key(|fault| (fault.line, fault.column));
        faults.dedup();
        Self::Wrong { faults: faults.into_iter().map(|fault| Fault::new(file, fault)).collect() }
    }
}
