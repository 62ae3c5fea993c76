//! The settings file: read, refuse what is not known, resolve secrets, validate, and hand each part what it wants.
//!
//! After [`Settings::load`] nothing can be wrong that could have been seen. Nothing here listens, connects or writes.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use jiff::SignedDuration;
use secrecy::{ExposeSecret as _, SecretString};

use crate::atlassian::Site;
use crate::domain::ids::{PolicyName, SiteName, SourceName};
use crate::domain::operator::AdminToken;
use crate::domain::policy::Policy;
use crate::domain::retry::RetryPolicy;

mod address;
mod admin;
mod defaults;
mod document;
mod duration;
mod file;
mod lookup;
mod near;
mod policy;
mod problem;
mod retry;
mod secret;
mod server;
mod site;
mod size;
mod source;
mod store;
mod text;
mod url_secret;

#[cfg(test)]
mod tests;

pub use address::{BadListen, BadUrl, HttpUrl, Listen};
pub use admin::{AdminTable, TokenTable};
pub use duration::{BadDuration, Duration};
pub use file::{File, Mode};
pub use lookup::{LookupAuthTable, LookupTable};
pub use policy::{BadZone, PolicyTable, Zone};
pub use problem::Problem;
pub use retry::RetryTable;
pub use secret::{Env, SecretError, SecretRef};
pub use server::{Server, ServerTable};
pub use site::{AuthTable, ProtectTable, SiteTable, Via};
pub use size::{BadSize, ByteSize};
pub use source::{Source, SourceTable};
pub use store::{BadStoreUrl, SealingKey, Store, StoreTable, StoreUrl};

use document::{Document, Located};
use near::{listed, nearest};

/// Everything that the settings say, ready for use.
#[derive(Debug)]
pub struct Settings {
    /// The file with its defaults: what `check` prints. Holds references to secrets, no secrets.
    pub file: File,
    /// Whether anything is changed at Atlassian.
    pub mode: Mode,
    /// Our two listeners.
    pub server: Server,
    /// Who may use the API and the console.
    pub admin_tokens: Vec<AdminToken>,
    /// The database.
    pub store: Store,
    /// How long to wait between attempts, and when to call a human.
    pub retry: RetryPolicy,
    /// The Atlassian Cloud sites.
    pub sites: BTreeMap<SiteName, Site>,
    /// What events lead to.
    pub policies: BTreeMap<PolicyName, Policy>,
    /// The HR and CRM systems; their sites and policies exist.
    pub sources: BTreeMap<SourceName, Source>,
    /// Where secret files lie that are not named by a complete path.
    base_dir: PathBuf,
}

impl Settings {
    /// Reads a settings file, with the secrets that it refers to.
    pub fn load(path: &Path) -> Result<Self, SettingsError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| SettingsError::Unreadable { path: path.to_owned(), source })?;
        let base_dir = path.parent().unwrap_or_else(|| Path::new(""));
        Self::read(&text, base_dir, &|name| std::env::var(name).ok())
            .map_err(|located| SettingsError::wrong(path, located))
    }

    /// Reads the text of a settings file. Secret files lie relative to `base_dir`, variables are asked of `env`.
    pub fn parse(text: &str, base_dir: &Path, env: &Env<'_>) -> Result<Self, SettingsError> {
        Self::read(text, base_dir, env).map_err(|located| SettingsError::wrong(Path::new("offboardd.toml"), located))
    }

    fn read(text: &str, base_dir: &Path, env: &Env<'_>) -> Result<Self, Located> {
        let document = Document::parse(text)?;
        let mut file = document.file()?;
        file.sites.values_mut().for_each(SiteTable::complete);
        Self::convert(file, base_dir, env).map_err(|problem| document.locate(problem))
    }

    fn convert(file: File, base_dir: &Path, env: &Env<'_>) -> Result<Self, Problem> {
        let mut sites = BTreeMap::new();
        for (name, table) in &file.sites {
            let site = table.convert(name, base_dir, env);
            sites.insert(name.clone(), site.map_err(|problem| problem.under(name.as_str()).under("sites"))?);
        }
        let mut policies = BTreeMap::new();
        for (name, table) in &file.policies {
            let policy = table.convert().map_err(|problem| problem.under(name.as_str()).under("policies"))?;
            policies.insert(name.clone(), policy);
        }
        let mut sources = BTreeMap::new();
        for (name, table) in &file.sources {
            let source = file
                .names_exist(table)
                .and_then(|()| table.convert(name, file.server.public_url.as_ref(), base_dir, env));
            sources.insert(name.clone(), source.map_err(|problem| problem.under(name.as_str()).under("sources"))?);
        }
        Ok(Self {
            mode: file.mode,
            server: file.server.convert().map_err(|problem| problem.under("server"))?,
            admin_tokens: file.admin.convert(base_dir, env).map_err(|problem| problem.under("admin"))?,
            store: file.store.convert(base_dir, env).map_err(|problem| problem.under("store"))?,
            retry: file.retry.convert().map_err(|problem| problem.under("retry"))?,
            sites,
            policies,
            sources,
            base_dir: base_dir.to_owned(),
            file,
        })
    }

    /// Reads a source anew, secrets and all; the settings themselves stay as they are.
    pub fn reread_source(&self, name: &SourceName, env: &Env<'_>) -> Result<Source, Problem> {
        let table = self.file.sources.get(name).ok_or_else(|| Problem::here("there is no such source"))?;
        table.convert(name, self.file.server.public_url.as_ref(), &self.base_dir, env)
    }

    /// Reads a site anew, credentials and all.
    pub fn reread_site(&self, name: &SiteName, env: &Env<'_>) -> Result<Site, Problem> {
        let table = self.file.sites.get(name).ok_or_else(|| Problem::here("there is no such site"))?;
        table.convert(name, &self.base_dir, env)
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
    pub fn reread_admin_tokens(&self, env: &Env<'_>) -> (Vec<AdminToken>, Vec<Problem>) {
        self.file.admin.read(&self.base_dir, env)
    }

    /// The files that hold admin tokens.
    pub fn secret_files_of_admin_tokens(&self) -> Vec<PathBuf> {
        self.files(self.file.admin.tokens.iter().map(|table| &table.token))
    }

    /// The files that hold the secrets of sources and sites, and admin tokens.
    pub fn secret_files(&self) -> Vec<PathBuf> {
        let of_sources = self.file.sources.keys().flat_map(|name| self.secret_files_of_source(name));
        let of_sites = self.file.sites.keys().flat_map(|name| self.secret_files_of_site(name));
        of_sources.chain(of_sites).chain(self.secret_files_of_admin_tokens()).collect()
    }

    fn files<'a, R: IntoIterator<Item = &'a SecretRef>>(&self, references: R) -> Vec<PathBuf> {
        let files = references.into_iter().filter_map(|reference| match reference {
            SecretRef::File(path) => Some(self.base_dir.join(path)),
            SecretRef::Env(_) => None,
        });
        files.collect()
    }
}

impl File {
    fn names_exist(&self, source: &SourceTable) -> Result<(), Problem> {
        let sites: Vec<&str> = self.sites.keys().map(SiteName::as_str).collect();
        let policies: Vec<&str> = self.policies.keys().map(PolicyName::as_str).collect();
        exists("site", "sites", source.site.as_str(), &sites)?;
        exists("policy", "policies", source.policy.as_str(), &policies)
    }
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
    #[error("{}:{line}:{column}: {problem}", file.display())]
    Wrong {
        /// The file.
        file: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// The character in the line, counted from 1.
        column: usize,
        /// What is wrong, and what to write instead.
        problem: Problem,
    },
}

impl SettingsError {
    fn wrong(file: &Path, Located { line, column, problem }: Located) -> Self {
        Self::Wrong { file: file.to_owned(), line, column, problem }
    }
}

const MORE_THAN_NOTHING: &str = "must be more than nothing: write a duration like \"30s\"";

/// Refuses a wait of no time where that would mean spinning, or nothing at all.
fn positive(key: &str, duration: Duration) -> Result<SignedDuration, Problem> {
    if duration.is_zero() { Err(Problem::at(key, MORE_THAN_NOTHING)) } else { Ok(duration.get()) }
}

/// Refuses a secret that no HTTP header can carry, without showing it.
fn header_safe(secret: &SecretString) -> Result<(), Problem> {
    if secret.expose_secret().bytes().all(|byte| byte.is_ascii_graphic()) {
        return Ok(());
    }
    Err(Problem::here("this secret has blanks or other characters that no token has: put only the token there"))
}
