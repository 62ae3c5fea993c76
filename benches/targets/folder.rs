//! The settings of what is measured, in a temporary folder.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde_json::json;

/// The secret of every source.
pub(crate) const KEY: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// The URL of a site that does not exist.
pub(crate) const NOWHERE: &str = "http://127.0.0.1:9";

/// A folder with settings and a database.
pub(crate) struct Folder(tempfile::TempDir);

impl Folder {
    pub(crate) fn new(settings: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("offboardd.toml"), settings).unwrap();
        Self(folder)
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.0.path().join("offboardd.db")
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    }
}

/// Settings with one source for each of so many sites, all of which have the same URL: `hr0` for `site0`, and so on.
/// The limits of Atlassian are counted for each site, so that many sites together do not limit the daemon.
pub(crate) fn settings(site: &str, sites: usize) -> String {
    let mut settings = "mode = \"enforce\"
        server = { webhooks = \"127.0.0.1:0\", admin = \"127.0.0.1:0\" }
        [[admin.tokens]]
        name = \"rosa\"
        role = \"approver\"
        token = { env = \"ROSA_TOKEN\" }
        [policies.leavers]
        departed = \"revoke\"
        brake = { per_hour = 10000000, per_day = 10000000 }
        "
    .to_owned();
    for number in 0..sites {
        let table = format!(
            "[sites.site{number}]
             url = \"{site}\"
             gateway = \"{site}\"
             cloud_id = \"11111111-2222-3333-4444-555555555555\"
             auth = {{ email = \"admin@example.com\", token = {{ env = \"SITE_TOKEN\" }} }}
             concurrency = 16
             [sources.hr{number}]
             preset = \"standard-webhooks\"
             site = \"site{number}\"
             policy = \"leavers\"
             secrets = [{{ env = \"HR_KEY\" }}]
             "
        );
        settings.push_str(&table);
    }
    settings
}

/// The seed of a sandbox on which these people are customers.
pub(crate) fn seed(people: usize) -> String {
    let people = (0..people).map(|person| json!({ "email": email(person) }));
    let admin = json!({ "email": "admin@example.com", "account_type": "atlassian" });
    json!({ "accounts": people.chain([admin]).collect::<Vec<_>>() }).to_string()
}

pub(crate) fn email(person: usize) -> String {
    format!("person{person}@example.com")
}

/// A command that knows the secrets.
pub(crate) fn with_secrets(command: &mut std::process::Command) -> &mut std::process::Command {
    command
        .env_remove("OFFBOARDD_CONFIG")
        .env("RUST_LOG", "info,sqlx=warn,hyper=warn,reqwest=warn")
        .env("ROSA_TOKEN", crate::daemon::ROSA)
        .env("SITE_TOKEN", "t0ken-of-the-site")
        .env("HR_KEY", KEY)
}

/// Waits until something listens there.
pub(crate) fn until_reachable(address: SocketAddr) {
    let begun = std::time::Instant::now();
    while std::net::TcpStream::connect(address).is_err() {
        assert!(begun.elapsed().as_secs() < 30, "no server listens on {address}");
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
}
