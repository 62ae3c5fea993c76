//! Whole settings files: what is accepted, the defaults, and the exact text of each error.

mod accepted;
mod lookups;
mod refused;
mod reports;

use std::path::Path;

use super::*;

/// The sample of the contract.
const SAMPLE: &str = r#"
mode = "observe"                     # "observe" (default: plan and show, change nothing at Atlassian) or "enforce"

[server]
webhooks = "127.0.0.1:8080"          # the public listener: /webhooks/*, /livez, nothing else
admin = "127.0.0.1:9090"             # console, API, metrics, health
public_url = "https://hooks.acme.example"   # for schemes that sign the URL; never taken from Host
max_body = "1MiB"

[[admin.tokens]]                     # who may use the API and the console
name = "rosa"
role = "approver"                    # viewer (sees no personal data) < operator < approver
token = { env = "ROSA_TOKEN" }       # secrets only by reference: { env = … } or { file = … }; inline is refused

[store]
url = "sqlite:offboardd.db"
key = { file = "offboardd-key" }
keep_payloads = "7d"                 # how long a routed delivery's sealed body is kept for replay

[retry]
base = "5s"
max = "1h"
give_up_after = "72h"

[sites.acme]
url = "https://acme.atlassian.net"
cloud_id = "11111111-2222-3333-4444-555555555555"
gateway = "https://api.atlassian.com"
auth = { email = "bot@acme.example", token = { env = "ACME_TOKEN" } }
delete_with = "customer-account"     # or "jira-user"
deletion_grace = "14d"
protect = { emails = [], domains = [], account_ids = [] }

[policies.leavers]
departed = "revoke_then_delete"      # ignore | revoke | revoke_then_delete | delete
email_changed = "ignore"             # same choices, for the account of the old address
erasure_requested = "delete"
local_grace = "30d"
timezone = "Europe/Berlin"
effective = "end-of-day"             # for dates without a time: end-of-day | start-of-day
approvals = { revoke = 0, delete = 1 }   # how many different people; 2 = four eyes
detach = ["organizations", "service_desks", "participants"]
reinvite = false
brake = { per_hour = 25, per_day = 100 }

[sources.bamboohr]
preset = "bamboohr"
site = "acme"
policy = "leavers"
secrets = [{ env = "BAMBOOHR_KEY" }, { env = "BAMBOOHR_OLD_KEY" }]
quiet_after = "7d"                   # alert when nothing has come for so long
"#;

fn sample() -> String {
    SAMPLE.to_owned()
}

/// A directory with the key of the sample in it.
fn with_key() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("offboardd-key"), "07".repeat(32)).unwrap();
    dir
}

/// Every variable is set, each to something else.
#[expect(clippy::unnecessary_wraps, reason = "the shape of an environment")]
fn env(name: &str) -> Option<String> {
    Some(format!("hunter2-{name}"))
}

fn parse(text: &str) -> Result<Settings, String> {
    Settings::parse(text, with_key().path(), &env).map_err(|error| error.to_string())
}

/// What is wrong, without the file and the places.
fn without_places(text: &str) -> String {
    let line =
        |line: &str| line.trim().splitn(4, ':').nth(3).map_or_else(|| line.to_owned(), |rest| rest.trim().to_owned());
    text.lines().map(line).collect::<Vec<_>>().join("\n")
}

/// The error for the sample with `from` replaced by `to`.
fn refusal(from: &str, to: &str) -> String {
    let sample = sample();
    assert!(sample.contains(from), "the sample has no {from}");
    let refusal = parse(&sample.replace(from, to)).map(|_| ()).unwrap_err();
    assert!(!refusal.contains("hunter2"), "{refusal}");
    assert!(!refusal.contains('\n'), "{refusal}");
    refusal
}
