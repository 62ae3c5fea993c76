//! A temporary folder with the demo's settings, secrets and database, which is removed at the end.

use std::fs::{DirBuilder, OpenOptions};
use std::io::Write as _;
use std::net::SocketAddr;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;

use super::calendar::{DELETION_GRACE, LOCAL_GRACE, days};
use crate::clock;

pub(super) const BAMBOOHR: &str = "bamboohr";

/// Signs as Standard Webhooks defines.
pub(super) const PAYROLL: &str = "payroll";

/// Signs as GitHub does.
pub(super) const CRM: &str = "crm";

pub(super) const SITE: &str = "acme";

/// Removed when it is dropped.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    /// The admin token.
    pub(super) token: String,
}

impl Folder {
    /// Creates the folder, with settings for a daemon whose site is at `site`.
    pub(super) fn create(
        webhooks: SocketAddr,
        admin: SocketAddr,
        site: SocketAddr,
        now: Timestamp,
    ) -> anyhow::Result<Self> {
        let path = std::env::temp_dir().join(format!("offboardd-demo-{}", clock::new_id(now).simple()));
        let created = DirBuilder::new().mode(0o700).create(&path);
        created.with_context(|| format!("cannot create the folder `{}`", path.display()))?;
        let folder = Self { path, token: hex::encode(clock::random::<16>()) };
        folder.write("admin-token", &folder.token)?;
        folder.write("atlassian-token", &hex::encode(clock::random::<16>()))?;
        folder.write("bamboohr-key", &hex::encode(clock::random::<32>()))?;
        folder.write("payroll-key", &format!("whsec_{}", STANDARD.encode(clock::random::<24>())))?;
        folder.write("crm-key", &hex::encode(clock::random::<32>()))?;
        folder.write("offboardd.toml", &(settings(webhooks, admin, site, &folder.database()) + &source_settings()))?;
        Ok(folder)
    }

    pub(super) fn settings(&self) -> PathBuf {
        self.path.join("offboardd.toml")
    }

    pub(super) fn database(&self) -> PathBuf {
        self.path.join("offboardd.db")
    }

    /// Reads every file of the database: the main file, the write-ahead log and the shared memory.
    pub(super) fn database_files(&self) -> anyhow::Result<Vec<Vec<u8>>> {
        let mut files = Vec::new();
        for entry in std::fs::read_dir(&self.path)? {
            let entry = entry?;
            if entry.file_name().to_string_lossy().starts_with("offboardd.db") {
                files.push(std::fs::read(entry.path())?);
            }
        }
        Ok(files)
    }

    pub(super) fn remove(&self) -> anyhow::Result<()> {
        remove(&self.path).with_context(|| format!("cannot remove the folder `{}`", self.path.display()))
    }

    fn write(&self, name: &str, text: &str) -> anyhow::Result<()> {
        let path = self.path.join(name);
        let written = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
        let written = written.and_then(|mut file| file.write_all(text.as_bytes()));
        written.with_context(|| format!("cannot write `{}`", path.display()))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // For the paths that return early. An error here has no receiver.
        if let Err(error) = remove(&self.path) {
            tracing::debug!(%error, "cannot remove the folder of the demo");
        }
    }
}

fn remove(path: &Path) -> std::io::Result<()> {
    if path.exists() { std::fs::remove_dir_all(path) } else { Ok(()) }
}

fn settings(webhooks: SocketAddr, admin: SocketAddr, site: SocketAddr, database: &Path) -> String {
    let database = serde_json::Value::from(format!("sqlite:{}", database.display()));
    let [day, local_grace, deletion_grace] =
        [days(1), LOCAL_GRACE, DELETION_GRACE].map(|time| format!("{}ms", time.as_millis()));
    format!(
        r#"mode = "enforce"

[server]
webhooks = "{webhooks}"
admin = "{admin}"

[[admin.tokens]]
name = "rosa"
role = "approver"
token = {{ file = "admin-token" }}

[store]
url = {database}

[retry]
base = "{day}"
max = "{day}"

[sites.{SITE}]
url = "http://{site}"
cloud_id = "11111111-2222-3333-4444-555555555555"
gateway = "http://{site}"
auth = {{ email = "bot@example.org", token = {{ file = "atlassian-token" }} }}
deletion_grace = "{deletion_grace}"
watch_grant = "{day}"

[policies.leavers]
departed = "revoke_then_delete"
local_grace = "{local_grace}"
"#
    )
}

fn source_settings() -> String {
    format!(
        r#"
[sources.{BAMBOOHR}]
preset = "bamboohr"
site = "{SITE}"
policy = "leavers"
secrets = [{{ file = "bamboohr-key" }}]

[sources.{PAYROLL}]
preset = "standard-webhooks"
site = "{SITE}"
policy = "leavers"
secrets = [{{ file = "payroll-key" }}]

[sources.{CRM}]
preset = "github"
site = "{SITE}"
policy = "leavers"
secrets = [{{ file = "crm-key" }}]
"#
    )
}
