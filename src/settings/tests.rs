//! Whole settings files: what is taken, what holds by default, and the exact words of each refusal.

use proptest::prelude::*;

use super::*;
use crate::domain::operator::Role;

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

#[test]
fn the_sample_of_the_contract_is_understood() {
    let settings = Settings::parse(SAMPLE, with_key().path(), &env).unwrap();
    assert_eq!(settings.sources.values().next().unwrap().quiet_after, Some(SignedDuration::from_hours(168)));
    assert_eq!(settings.sites.len(), 1);
    assert_eq!(settings.policies.len(), 1);
    let rosa = settings.admin_tokens.first().unwrap();
    assert_eq!((rosa.name.as_str(), rosa.role), ("rosa", Role::Approver));
    assert!(rosa.digest.matches("hunter2-ROSA_TOKEN"));
}

#[test]
fn an_empty_file_is_a_daemon_that_observes_nothing() {
    let settings = parse("").unwrap();
    assert_eq!(settings.mode, Mode::Observe);
    insta::assert_debug_snapshot!(settings.server, @"
    ServerSettings {
        webhooks: 127.0.0.1:8080,
        admin: 127.0.0.1:9090,
        public_url: None,
        max_body: 1048576,
        shutdown: 30s,
    }
    ");
    insta::assert_debug_snapshot!(settings.retry, @"
    RetryPolicy {
        base: 5s,
        max: 3600s,
        give_up_after: 259200s,
    }
    ");
    assert_eq!(settings.store.path.file_name().unwrap(), "offboardd.db");
    assert_eq!(settings.store.keep_payloads, SignedDuration::from_hours(168));
}

#[test]
fn nothing_destructive_happens_that_was_not_written() {
    let settings = parse("[policies.p]\ndeparted = \"revoke\"").unwrap();
    insta::assert_debug_snapshot!(settings.policies.values().next().unwrap(), @"
    Policy {
        departed: Revoke,
        email_changed: Ignore,
        erasure_requested: Ignore,
        local_grace: 2592000s,
        timezone: TimeZone(
            UTC,
        ),
        effective: EndOfDay,
        approvals: Approvals {
            revoke: 0,
            delete: 0,
        },
        detach: [],
        reinvite: false,
        brake: Brake {
            per_hour: 25,
            per_day: 100,
        },
    }
    ");
}

#[test]
fn a_site_has_the_defaults_of_the_reference() {
    let settings =
        parse("[sites.s]\nurl = \"http://127.0.0.1:4000\"\ncloud_id = \"c\"\nauth = { bearer = { env = \"TOKEN\" } }")
            .unwrap();
    let site = settings.sites.values().next().unwrap();
    assert!(site.via_gateway, "a bearer token works only there");
    assert_eq!(site.gateway.as_str(), "https://api.atlassian.com/");
    insta::assert_debug_snapshot!(
        (site.delete_with, site.deletion_grace, &site.look_again, site.watch_grant, site.concurrency, site.timeout),
        @"
    (
        CustomerAccount,
        1209600s,
        [
            60s,
            600s,
            3600s,
        ],
        300s,
        4,
        30s,
    )
    "
    );
}

#[test]
fn a_source_is_reached_below_the_public_url() {
    let settings = parse(&sample()).unwrap();
    let source = settings.sources.values().next().unwrap();
    assert_eq!(source.spec.public_url.as_ref().unwrap().as_str(), "https://hooks.acme.example/webhooks/bamboohr");
    assert_eq!(source.dedupe_window, SignedDuration::from_hours(72));
}

#[test]
fn secrets_are_reloaded_from_their_original_location() {
    let dir = with_key();
    let text = sample().replace("{ env = \"BAMBOOHR_KEY\" }", "{ file = \"hr\" }");
    std::fs::write(dir.path().join("hr"), "first\n").unwrap();
    let settings = Settings::parse(&text, dir.path(), &env).unwrap();
    let source = settings.sources.values().next().unwrap();
    std::fs::write(dir.path().join("hr"), "second\n").unwrap();
    let shown = |secrets: &[SecretString]| secrets.iter().map(|s| s.expose_secret().to_owned()).collect::<Vec<_>>();
    assert_eq!(shown(&source.spec.secrets), ["first", "hunter2-BAMBOOHR_OLD_KEY"]);
    let again = settings.reload_source(&source.name, &env).unwrap();
    assert_eq!(shown(&again.spec.secrets), ["second", "hunter2-BAMBOOHR_OLD_KEY"]);
    assert_eq!(settings.secret_files(), [dir.path().join("hr")]);
    std::fs::write(dir.path().join("hr"), "\n").unwrap();
    let refusal = settings.reload_source(&source.name, &env).unwrap_err().to_string();
    assert!(
        refusal.starts_with("secrets[0]: the file ") && refusal.ends_with("is empty: store the secret there"),
        "{refusal}"
    );
}

#[test]
fn debug_shows_no_secret() {
    let shown = format!("{:?}", parse(&sample()).unwrap());
    assert!(!shown.contains("hunter2") && !shown.contains("7, 7, 7"), "{shown}");
}

#[test]
fn what_is_not_toml_is_refused_with_its_place() {
    insta::assert_snapshot!(refusal("rosa\"", "hunter2"), @r#"offboardd.toml:11:16: not TOML: invalid basic string, expected `"`"#);

    insta::assert_snapshot!(refusal("= false", "= hunter2"), @"offboardd.toml:43:12: not TOML: string values must be quoted, expected literal string");
}

#[test]
fn an_unknown_key_is_refused_and_the_meant_one_offered() {
    insta::assert_snapshot!(refusal("local_grace", "local_grce"), @"offboardd.toml:38:1: policies.leavers.local_grce: unknown key; did you mean `local_grace`?");
    insta::assert_snapshot!(refusal("[retry]", "[retries]"), @"offboardd.toml:20:2: retries: unknown key; there are `mode`, `server`, `admin`, `store`, `evidence`, `retry`, `sites`, `policies`, `sources`");
    insta::assert_snapshot!(refusal("reinvite", "colour"), @"offboardd.toml:43:1: policies.leavers.colour: unknown key; there are `departed`, `email_changed`, `erasure_requested`, `local_grace`, `timezone`, `effective`, `approvals`, `detach`, `reinvite`, `brake`");
    insta::assert_snapshot!(refusal("per_hour = 25,", "per_minute = 25,"), @"offboardd.toml:44:11: policies.leavers.brake.per_minute: unknown key; there are `per_hour`, `per_day`");
    insta::assert_snapshot!(refusal("role = ", "roles = "), @"offboardd.toml:12:1: admin.tokens[0].roles: unknown key; did you mean `role`?");
    insta::assert_snapshot!(refusal("emails = []", "email = []"), @"offboardd.toml:32:13: sites.acme.protect.email: unknown key; did you mean `emails`?");
}

#[test]
fn missing_key_is_reported() {
    insta::assert_snapshot!(refusal("departed =", "#"), @"offboardd.toml:34:1: policies.leavers.departed: this key is missing: write the action for a departure: ignore, revoke, revoke_then_delete or delete");
    insta::assert_snapshot!(refusal("url = \"https://acme", "# \"https://acme"), @r#"offboardd.toml:25:1: sites.acme.url: this key is missing: write the URL, like "https://acme.atlassian.net""#);
    insta::assert_snapshot!(refusal("auth =", "#"), @"offboardd.toml:25:1: sites.acme.auth: this key is missing: write the credentials: { email = …, token = … }, { bearer = … } or { client_id = …, client_secret = … }");
    insta::assert_snapshot!(refusal("secrets = ", "#"), @r#"offboardd.toml:46:1: sources.bamboohr.secrets: this key is missing: write where the secrets are, like [{ env = "NAME" }]"#);
    insta::assert_snapshot!(refusal("preset =", "#"), @r#"offboardd.toml:46:1: sources.bamboohr.preset: this key is missing: name the vendor, or "standard-webhooks", or describe it in [sources.NAME.signature]"#);
}

#[test]
fn an_inline_secret_is_refused_and_never_repeated() {
    insta::assert_snapshot!(refusal("{ env = \"ROSA_TOKEN\" }", "\"hunter2\""), @r#"offboardd.toml:13:9: admin.tokens[0].token: a secret must not be written in the settings: write { env = "NAME" } or { file = "PATH" }"#);
    insta::assert_snapshot!(refusal("{ env = \"ACME_TOKEN\" }", "\"hunter2\""), @r#"offboardd.toml:29:46: sites.acme.auth.token: a secret must not be written in the settings: write { env = "NAME" } or { file = "PATH" }"#);
    insta::assert_snapshot!(refusal("{ email = \"bot@acme.example\", token = { env = \"ACME_TOKEN\" } }", "\"hunter2\""), @"offboardd.toml:29:8: sites.acme.auth: write a table, not a text: write the credentials: { email = …, token = … }, { bearer = … } or { client_id = …, client_secret = … }");
    insta::assert_snapshot!(refusal("[{ env = \"BAMBOOHR_KEY\" }, ", "[\"hunter2\", "), @r#"offboardd.toml:50:12: sources.bamboohr.secrets[0]: a secret must not be written in the settings: write { env = "NAME" } or { file = "PATH" }"#);
    insta::assert_snapshot!(refusal("[{ env = \"BAMBOOHR_KEY\" }, { env = \"BAMBOOHR_OLD_KEY\" }]", "\"hunter2\""), @r#"offboardd.toml:50:11: sources.bamboohr.secrets: write a list in square brackets, not a text: write where the secrets are, like [{ env = "NAME" }]"#);
    insta::assert_snapshot!(refusal("{ file = \"offboardd-key\" }", "{ value = \"hunter2\" }"), @r#"offboardd.toml:17:7: store.key: a secret is { env = "NAME" } or { file = "PATH" }"#);
    insta::assert_snapshot!(refusal("{ file = \"offboardd-key\" }", "{ env = \"hunter2=\" }"), @"offboardd.toml:17:7: store.key: `env` takes the name of a variable: letters, digits and `_`");
    insta::assert_snapshot!(refusal("{ file = \"offboardd-key\" }", "{ env = \"A\", file = \"b\" }"), @r#"offboardd.toml:17:7: store.key: a secret is { env = "NAME" } or { file = "PATH" }"#);
    insta::assert_snapshot!(refusal("https://acme.atl", "https://bot:hunter2@acme.atl"), @"offboardd.toml:26:7: sites.acme.url: the URL contains credentials: write them in their own key, as { env = … } or { file = … }");
}

#[test]
fn a_secret_that_is_not_there_is_named() {
    let dir = with_key();
    let none = |name: &str| (name != "ACME_TOKEN").then(|| format!("hunter2-{name}"));
    let missing = Settings::parse(&sample(), dir.path(), &none).unwrap_err().to_string();
    insta::assert_snapshot!(missing, @"offboardd.toml:29:46: sites.acme.auth.token: the environment variable `ACME_TOKEN` is not set");

    let empty = |name: &str| Some(if name == "BAMBOOHR_OLD_KEY" { "\n" } else { "x" }.to_owned());
    let missing = Settings::parse(&sample(), dir.path(), &empty).unwrap_err().to_string();
    insta::assert_snapshot!(missing, @"offboardd.toml:50:38: sources.bamboohr.secrets[1]: the environment variable `BAMBOOHR_OLD_KEY` is empty: store the secret there");

    let blank = |name: &str| Some(format!("hunter2 {name}"));
    let missing = Settings::parse(&sample(), dir.path(), &blank).unwrap_err().to_string();
    insta::assert_snapshot!(missing, @"offboardd.toml:13:9: admin.tokens[0].token: the secret contains spaces or other characters that no token has: store only the token");

    let missing = refusal("file = \"offboardd-key\"", "file = \"/nowhere/key\"");
    insta::assert_snapshot!(missing, @"offboardd.toml:17:7: store.key: cannot read the secret file `/nowhere/key`: No such file or directory (os error 2)");
}

#[test]
fn a_dangling_name_is_refused_and_the_names_that_there_are_are_listed() {
    insta::assert_snapshot!(refusal("site = \"acme\"", "site = \"acne\""), @"offboardd.toml:48:8: sources.bamboohr.site: no site is called `acne`: did you mean `acme`? There are `acme`");
    insta::assert_snapshot!(refusal("site = \"acme\"", "site = \"globex\""), @"offboardd.toml:48:8: sources.bamboohr.site: no site is called `globex`: there are `acme`");
    insta::assert_snapshot!(refusal("policy = \"leavers\"", "policy = \"everybody\""), @"offboardd.toml:49:10: sources.bamboohr.policy: no policy is called `everybody`: there are `leavers`");
    insta::assert_snapshot!(refusal("site = \"acme\"", "site = \"ac me\""), @"offboardd.toml:48:8: sources.bamboohr.site: a name has 1 to 64 letters, digits, `-` or `_`");
    insta::assert_snapshot!(refusal("[sites.acme]", "[sites.\"ac me\"]"), @r#"offboardd.toml:25:8: sites."ac me": a name has 1 to 64 letters, digits, `-` or `_`"#);
    let alone = "[sources.hr]\npreset = \"github\"\nsite = \"acme\"\npolicy = \"p\"\nsecrets = [{ env = \"A\" }]";
    insta::assert_snapshot!(parse(alone).unwrap_err(), @"
    the settings have 2 errors:
      offboardd.toml:3:8: sources.hr.site: no site is called `acme`: describe it in [sites.acme]
      offboardd.toml:4:10: sources.hr.policy: no policy is called `p`: describe it in [policies.p]
    ");
}

#[test]
fn a_bad_duration_is_refused_and_the_meant_one_offered() {
    insta::assert_snapshot!(refusal("\"30d\"", "\"30 days\""), @r#"offboardd.toml:38:15: policies.leavers.local_grace: not a duration: write "30d""#);
    insta::assert_snapshot!(refusal("\"30d\"", "\"-30d\""), @r#"offboardd.toml:38:15: policies.leavers.local_grace: not a duration: write whole numbers with the units d, h, m, s or ms, like "90s", "15m", "36h" or "14d""#);
    insta::assert_snapshot!(refusal("\"30d\"", "30"), @r#"offboardd.toml:38:15: policies.leavers.local_grace: write a duration like "90s", "15m", "36h" or "14d", not that number"#);
    insta::assert_snapshot!(refusal("base = \"5s\"", "base = \"0s\""), @r#"offboardd.toml:21:8: retry.base: must be longer than zero: write a duration like "30s""#);
}

#[test]
fn a_value_that_makes_no_sense_is_refused() {
    insta::assert_snapshot!(refusal("mode = \"observe\"", "mode = \"dry-run\""), @"offboardd.toml:2:8: mode: write one of: observe, enforce");
    insta::assert_snapshot!(refusal("\"revoke_then_delete\"", "\"revoke-then-delete\""), @"offboardd.toml:35:12: policies.leavers.departed: write one of: ignore, revoke, revoke_then_delete, delete");
    insta::assert_snapshot!(refusal("per_day = 100", "per_day = 0"), @"offboardd.toml:44:36: policies.leavers.brake.per_day: the brake would stop every action: write 1 or more");
    insta::assert_snapshot!(refusal("per_day = 100", "per_day = -1"), @"offboardd.toml:44:36: policies.leavers.brake.per_day: write a whole number from 0 on, not that number");
    insta::assert_snapshot!(refusal("delete = 1", "delete = 1000"), @"offboardd.toml:41:36: policies.leavers.approvals.delete: write a whole number from 0 to 255, not that number");
    insta::assert_snapshot!(refusal("reinvite = false", "reinvite = \"no\""), @"offboardd.toml:43:12: policies.leavers.reinvite: write true or false, not a text");
    insta::assert_snapshot!(refusal("Europe/Berlin", "Europe/Berlim"), @r#"offboardd.toml:39:12: policies.leavers.timezone: no time zone has this name: did you mean "Europe/Berlin"?"#);
    insta::assert_snapshot!(refusal("Europe/Berlin", "Nowhere"), @r#"offboardd.toml:39:12: policies.leavers.timezone: no time zone has this name: write one of the IANA database, like "Europe/Berlin" or "UTC""#);
    insta::assert_snapshot!(refusal("127.0.0.1:8080", "localhost"), @r#"offboardd.toml:5:12: server.webhooks: invalid listen address: use IP:PORT, like "127.0.0.1:8080" or "[::]:8080""#);
    insta::assert_snapshot!(refusal("127.0.0.1:8080", "127.0.0.1:9090"), @"offboardd.toml:6:9: server.admin: both listeners have the same address: change the port of one");
    insta::assert_snapshot!(refusal("1MiB", "1 megabyte"), @r#"offboardd.toml:8:12: server.max_body: not a size: write a whole number with the unit B, KiB, MiB, KB or MB, like "1MiB", from "1B" to "64MiB""#);
    insta::assert_snapshot!(refusal("\"participants\"]", "\"organizations\"]"), @"offboardd.toml:42:45: policies.leavers.detach[2]: written twice");
    insta::assert_snapshot!(refusal("domains = []", "domains = [\"@example.com\"]"), @r#"offboardd.toml:32:37: sites.acme.protect.domains[0]: this is an email address, which matches no account: write only what follows the @, like "example.com""#);
    insta::assert_snapshot!(refusal("emails = []", "emails = [\"ann@example.com\", \"ann\"]"), @"offboardd.toml:32:22: sites.acme.protect.emails[1]: not an e-mail address");
    insta::assert_snapshot!(refusal("deletion_grace =", "concurrency = 0\n#"), @"offboardd.toml:31:15: sites.acme.concurrency: no job would ever run: write 1 or more");
    insta::assert_snapshot!(refusal("deletion_grace =", "look_again = [\"1m\", \"0s\"]\n#"), @r#"offboardd.toml:31:21: sites.acme.look_again[1]: must be longer than zero: write a duration like "30s""#);
    insta::assert_snapshot!(refusal("{ env = \"BAMBOOHR_KEY\" }, { env = \"BAMBOOHR_OLD_KEY\" }", ""), @"offboardd.toml:50:11: sources.bamboohr.secrets: any sender would be accepted: write at least one { env = … } or { file = … }");
    insta::assert_snapshot!(refusal("sqlite:offboardd.db", "postgres://localhost"), @r#"offboardd.toml:16:7: store.url: the database is a file: write "sqlite:PATH", like "sqlite:offboardd.db", without parameters"#);
}

#[test]
fn protect_entries_that_cannot_match_are_rejected() {
    for (entry, word) in [
        ("https://example.com", "a URL"),
        ("mail.example.com:25", "a domain with a port"),
        ("exa\u{200b}mple.com", "invisible"),
        ("*.example.com", "a pattern"),
        ("example com", "blanks"),
        ("example", "without a dot"),
        (".example.com", "no domain"),
        ("example.com/", "no domain"),
        ("", "no domain"),
    ] {
        let message = refusal("domains = []", &format!("domains = [\"{entry}\"]"));
        assert!(message.contains("domains[0]") && message.contains(word), "{entry}: {message}");
    }
    for entry in ["", " ", "ann@example.com", "qm:1 ", "qm:\u{200b}1"] {
        let message = refusal("account_ids = []", &format!("account_ids = [\"{entry}\"]"));
        assert!(message.contains("account_ids[0]") && message.contains("not an account id"), "{entry}: {message}");
    }
    for entry in ["<ann@example.com>", "ann@example.com;", "ann@example.com\u{200b}", "mailto:ann@example.com"] {
        assert!(
            refusal("emails = []", &format!("emails = [\"{entry}\"]")).contains("not an e-mail address"),
            "{entry}"
        );
    }
}

#[test]
fn an_address_that_cannot_be_meant_is_refused() {
    insta::assert_snapshot!(refusal("https://hooks.acme.example", "hooks.acme.example"), @r#"offboardd.toml:7:14: server.public_url: not an HTTP URL: write it with its scheme, like "https://acme.example""#);
    insta::assert_snapshot!(refusal("https://acme.atlassian.net", "https://acme.atlassian.net/jira/people"), @r#"offboardd.toml:26:7: sites.acme.url: more than the URL of the site: write "https://acme.atlassian.net""#);
}

#[test]
fn a_site_that_needs_its_cloud_id_says_where_it_stands() {
    insta::assert_snapshot!(refusal("cloud_id =", "#"), @r#"offboardd.toml:25:1: sites.acme.cloud_id: delete_with = "customer-account" needs this key: https://acme.atlassian.net/_edge/tenant_info shows it"#);
    let by_gateway = "via = \"gateway\"\ndelete_with = \"jira-user\" #";
    let without_id = sample().replace("cloud_id =", "#").replace("delete_with =", by_gateway);
    insta::assert_snapshot!(parse(&without_id).unwrap_err(), @r#"offboardd.toml:25:1: sites.acme.cloud_id: via = "gateway" needs this key: https://acme.atlassian.net/_edge/tenant_info shows it"#);
    assert!(parse(&sample().replace("cloud_id =", "#").replace("customer-account", "jira-user")).is_ok());
}

#[test]
fn credentials_are_of_exactly_one_kind() {
    let auth = "{ email = \"bot@acme.example\", token = { env = \"ACME_TOKEN\" } }";
    let client = "{ client_id = \"abc\", client_secret = { env = \"ACME_SECRET\" } }";
    let settings = parse(&sample().replace(auth, client)).unwrap();
    let site = settings.sites.values().next().unwrap();
    assert!(site.via_gateway);
    insta::assert_debug_snapshot!(site.auth, @r#"
    Client {
        client_id: "abc",
        client_secret: SecretBox<str>([REDACTED]),
    }
    "#);
    insta::assert_snapshot!(refusal(auth, "{ email = \"bot@acme.example\" }"), @"offboardd.toml:29:8: sites.acme.auth: write exactly one of { email = …, token = … }, { bearer = … } and { client_id = …, client_secret = … }");
    insta::assert_snapshot!(refusal("token = { env = \"ACME_TOKEN\" }", "token = { env = \"A\" }, bearer = { env = \"B\" }"), @"offboardd.toml:29:8: sites.acme.auth: write exactly one of { email = …, token = … }, { bearer = … } and { client_id = …, client_secret = … }");
}

#[test]
fn admin_names_and_tokens_are_unique() {
    let another = |name: &str, token: &str| {
        format!("[[admin.tokens]]\nname = \"{name}\"\nrole = \"viewer\"\ntoken = {{ env = \"{token}\" }}\n[store]")
    };
    insta::assert_snapshot!(refusal("[store]", &another("rosa", "OTHER_TOKEN")), @"offboardd.toml:16:8: admin.tokens[1].name: `rosa` exists already, or a name that looks like it: choose another name");
    insta::assert_snapshot!(refusal("[store]", &another("tom", "ROSA_TOKEN")), @"offboardd.toml:18:9: admin.tokens[1].token: another entry has this token: create one token for each person");
    insta::assert_snapshot!(refusal("[store]", &another("", "OTHER_TOKEN")), @"offboardd.toml:16:8: admin.tokens[1].name: a name has 1 to 64 characters");
}

#[test]
fn a_lookup_is_understood() {
    let lookup = |text: &str| {
        let text = format!("{SAMPLE}[sources.bamboohr.lookup]\n{text}");
        Settings::parse(&text, with_key().path(), &env)
            .map(|settings| settings.sources.into_values().next().unwrap().lookup.unwrap())
            .map_err(|error| without_places(&error.to_string()))
    };
    let url = "url = \"https://api.example.com/people/{person_id}?fields=email\"";
    let email = "email = \"$.workEmail\"";
    let good = lookup(&format!("{url}\n{email}\nauth = {{ user = {{ env = \"KEY\" }} }}")).unwrap();
    insta::assert_debug_snapshot!(good.auth(), @"
    Basic {
        user: SecretBox<str>([REDACTED]),
        password: Some(
            SecretBox<str>([REDACTED]),
        ),
    }
    ");
    let refused = |url: &str, email: &str, auth: &str| lookup(&format!("{url}\n{email}\nauth = {auth}")).unwrap_err();
    insta::assert_snapshot!(refused("url = \"https://api.example.com/\"", email, "{}"), @"
    the settings have 2 errors:
    sources.bamboohr.lookup.url: the URL is the same for every person: write {person_id} in place of the id
    sources.bamboohr.lookup.auth: write exactly one of { bearer = … }, { secret = … }, { user = …, password = … }, { header = …, value = … } and { client_id = …, client_secret = … }
    ");
    insta::assert_snapshot!(refused("url = \"api/{person_id}\"", email, "{}"), @r#"
    the settings have 2 errors:
    sources.bamboohr.lookup.url: not an HTTP URL: write it like "https://acme.example/people/{person_id}"
    sources.bamboohr.lookup.auth: write exactly one of { bearer = … }, { secret = … }, { user = …, password = … }, { header = …, value = … } and { client_id = …, client_secret = … }
    "#);
    insta::assert_snapshot!(refused(url, "email = \"workEmail\"", "{}"), @"
    the settings have 2 errors:
    sources.bamboohr.lookup.email: `workEmail` is no JSONPath (RFC 9535): write `$.workEmail`
    sources.bamboohr.lookup.auth: write exactly one of { bearer = … }, { secret = … }, { user = …, password = … }, { header = …, value = … } and { client_id = …, client_secret = … }
    ");
    insta::assert_snapshot!(refused(url, email, "{}"), @"sources.bamboohr.lookup.auth: write exactly one of { bearer = … }, { secret = … }, { user = …, password = … }, { header = …, value = … } and { client_id = …, client_secret = … }");
    insta::assert_snapshot!(refused(&format!("{url}\nfallback_url = \"https://api.example.com/gone/{{person_id}}?api_key=hunter2\"\nheaders.X-Api-Key = \"hunter2\""), email, "{ bearer = { env = \"KEY\" } }"), @r#"
    the settings have 2 errors:
    sources.bamboohr.lookup.fallback_url: a secret must not be written in the settings: write {secret} in its place, and auth = { secret = { env = "NAME" } }
    sources.bamboohr.lookup.headers.X-Api-Key: a secret must not be written in the settings: write it in `auth`, as { env = "NAME" } or { file = "PATH" }
    "#);
    let with_secret = "url = \"https://api.example.com/people/{person_id}?key={secret}\"";
    insta::assert_snapshot!(refused(&format!("{with_secret}\nfallback_url = \"https://api.example.com/gone/{{person_id}}\""), email, "{ secret = { env = \"KEY\" } }"), @"sources.bamboohr.lookup.fallback_url: `auth.secret` is not used: write {secret} in place of the key");
    insta::assert_snapshot!(refused(with_secret, email, "{ secret = { env = \"KEY\" }, scope = \"people\" }"), @"sources.bamboohr.lookup.auth: write { secret = … } without other keys: the secret is sent in the URL only");
    insta::assert_snapshot!(refused(url, email, "{ header = \"a b\", value = { env = \"KEY\" } }"), @r#"sources.bamboohr.lookup.auth.header: not the name of a header: write it like "X-Api-Key""#);
}

#[test]
fn what_may_be_a_key_of_a_lookup_is_not_printed() {
    let key = "hunter2-very-secret-0123456789";
    let text = format!(
        "{SAMPLE}[sources.bamboohr.lookup]\nurl = \"https://api.example.com/{key}/{{person_id}}\"\n\
         fallback_url = \"https://api.example.com/gone/{{person_id}}?k={key}\"\nheaders.X-Company = \"{key}\"\n\
         body = '{{\"k\":\"{key}\",\"id\":\"{{person_id}}\"}}'\nemail = \"$.mail\"\nauth = {{ bearer = {{ env = \"KEY\" }} }}\n"
    );
    let settings = Settings::parse(&text, with_key().path(), &env).unwrap();
    let printed = serde_json::to_string(&settings.file).unwrap();
    assert!(printed.contains("/gone/{person_id}?k=…") && !printed.contains("hunter2"), "{printed}");
}

#[test]
fn a_lookup_preset_lookup_wants_only_what_the_customer_knows() {
    let lookup = |text: &str| {
        let text = format!("{SAMPLE}[sources.bamboohr.lookup]\n{text}");
        Settings::parse(&text, with_key().path(), &env)
            .map(|settings| format!("{:?}", settings.sources.into_values().next().unwrap().lookup.unwrap()))
            .map_err(|error| without_places(&error.to_string()))
    };
    let user = "auth = { user = { env = \"KEY\" } }";
    let good = lookup(&format!("company = \"acme\"\n{user}")).unwrap();
    assert!(good.contains("gateway.php/acme/v1/employees/{person_id}?fields=workEmail"), "{good}");
    insta::assert_snapshot!(lookup(user).unwrap_err(), @"sources.bamboohr.lookup.company: this key is missing: the URL contains {company}, your name at the vendor");
    insta::assert_snapshot!(lookup(&format!("vendor = \"x\"\n{user}")).unwrap_err(), @"sources.bamboohr.lookup.vendor: no lookup preset has this name; there are `bamboohr`, `close`, `finch`, `gusto`, `hibob`, `hubspot`, `microsoft-graph`, `personio`, `remote`");
    let client = "auth = { client_id = { env = \"ID\" }, client_secret = { env = \"KEY\" } }";
    let personio = lookup(&format!("vendor = \"personio\"\n{client}")).unwrap();
    assert!(personio.contains("/v2/auth/token") && !personio.contains("hunter2"), "{personio}");
    insta::assert_snapshot!(lookup(&format!("company = \"acme\"\n{client}")).unwrap_err(), @"sources.bamboohr.lookup.auth.token_url: this key is missing: write the URL that issues access tokens");
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let error = Settings::load(Path::new("/nowhere/offboardd.toml")).unwrap_err();
    insta::assert_snapshot!(error, @"cannot read the settings file `/nowhere/offboardd.toml`");
    assert!(std::error::Error::source(&error).is_some());
}

#[test]
fn a_file_is_named_as_it_was_given_and_paths_begin_in_the_working_directory() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("hr.toml");
    std::fs::write(&file, "[store]\nurl = \"sqlite:data/x.db\"").unwrap();
    assert_eq!(Settings::load(&file).unwrap().store.path, Path::new("data/x.db"));
    std::fs::write(&file, "\n  mod = 1").unwrap();
    assert_eq!(
        Settings::load(&file).unwrap_err().to_string(),
        format!("{}:2:3: mod: unknown key; did you mean `mode`?", file.display())
    );
}

/// One fault a line, each with its place, and no secret.
fn is_well_formed(refusal: &str) -> bool {
    let mut lines = refusal.lines();
    let several = refusal.starts_with("the settings have ") && lines.next().is_some();
    let faults: Vec<_> = lines.collect();
    let begins = |line: &&str| line.trim_start().starts_with("offboardd.toml:");
    !refusal.contains("hunter2") && (faults.len() > 1) == several && faults.iter().all(begins)
}

proptest! {
    #[test]
    fn a_slip_of_the_pen_gives_one_line_and_shows_no_secret(at in 0..SAMPLE.len(), slip in "\\PC?", dropped in 0..12_usize) {
        let mut text: Vec<char> = sample().chars().collect();
        let from = at.min(text.len());
        text.splice(from..(from + dropped).min(text.len()), slip.chars());
        let text: String = text.into_iter().collect();
        if let Err(refusal) = Settings::parse(&text, Path::new("/nowhere"), &env) {
            let refusal = refusal.to_string();
            prop_assert!(is_well_formed(&refusal), "{}", refusal);
        }
    }
}

/// The long run of the same: `FUZZ_SECONDS=180 cargo test --lib fuzz -- --ignored --nocapture --test-threads 1`.
#[test]
#[ignore = "runs for minutes: see the command above"]
fn fuzz_no_settings_panic_and_no_refusal_shows_a_secret() {
    use proptest::strategy::ValueTree as _;

    let seconds = std::env::var("FUZZ_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(10);
    let budget = std::time::Duration::from_secs(seconds);
    let piece = prop_oneof![
        "\\PC{0,3}",
        prop::sample::select(SAMPLE.lines().collect::<Vec<_>>()).prop_map(str::to_owned),
        prop::sample::select(vec![
            "[",
            "]",
            "[[",
            "=",
            "\"",
            "'",
            "{",
            "}",
            ",",
            "\n",
            "-1",
            "1e999",
            "1979-05-27",
            "nan",
            "[sources.x]",
            "[sources.bamboohr.mapping]",
            "type = \"$.a\"",
            "[sources.bamboohr.lookup]",
            "auth = { user = { env = \"K\" } }",
            "rules = [{ when = \"@.a\", event = \"departed\" }]",
            "[sources.bamboohr.signature]",
            "template = \"{body}\"",
        ])
        .prop_map(str::to_owned),
    ];
    let slips = prop::collection::vec((0..SAMPLE.len(), piece, 0..40_usize), 1..6);
    let mut runner = proptest::test_runner::TestRunner::default();
    let (begun, mut inputs) = (std::time::Instant::now(), 0_u64);
    let mut understood = 0_u64;
    let dir = with_key();
    while begun.elapsed() < budget {
        let mut text: Vec<char> = sample().chars().collect();
        for (at, piece, dropped) in slips.new_tree(&mut runner).unwrap().current() {
            let from = at.min(text.len());
            text.splice(from..(from + dropped).min(text.len()), piece.chars());
        }
        let text: String = text.into_iter().collect();
        match Settings::parse(&text, dir.path(), &env) {
            Ok(_) => understood += 1,
            Err(refusal) => {
                let refusal = refusal.to_string();
                assert!(is_well_formed(&refusal), "{refusal}\n{text}");
            }
        }
        inputs += 1;
    }
    eprintln!("settings: {inputs} inputs in {:?}, {understood} of them settings", begun.elapsed());
}

#[test]
fn all_faults_are_reported_together_in_the_order_of_the_text() {
    let text = sample()
        .replace("max = \"1h\"", "max = \"0s\"")
        .replace("local_grace", "local_grce")
        .replace("departed =", "#")
        .replace("per_hour = 25", "per_hour = 0")
        .replace("Europe/Berlin", "GMT+1")
        .replace("{ env = \"BAMBOOHR_KEY\" }, ", "\"hunter2\", { env = \"NONE\" }, ")
        .replace("preset = \"bamboohr\"", "preset = \"bambohr\"")
        .replace("policy = \"leavers\"", "policy = \"leaver\"")
        .replace("quiet_after = \"7d\"", "quiet_after = \"0s\"")
        .replace("name = \"rosa\"", "name = \"\"");
    let env = |name: &str| (name != "NONE").then(|| format!("hunter2-{name}"));
    let refusal = Settings::parse(&text, with_key().path(), &env).unwrap_err().to_string();
    insta::assert_snapshot!(refusal, @r#"
    the settings have 11 errors:
      offboardd.toml:11:8: admin.tokens[0].name: a name has 1 to 64 characters
      offboardd.toml:22:7: retry.max: must be longer than zero: write a duration like "30s"
      offboardd.toml:34:1: policies.leavers.departed: this key is missing: write the action for a departure: ignore, revoke, revoke_then_delete or delete
      offboardd.toml:38:1: policies.leavers.local_grce: unknown key; did you mean `local_grace`?
      offboardd.toml:39:12: policies.leavers.timezone: an offset is not a time zone: write the name in the IANA database, like "Europe/Berlin"
      offboardd.toml:44:22: policies.leavers.brake.per_hour: the brake would stop every action: write 1 or more
      offboardd.toml:47:10: sources.bamboohr.preset: no preset is called `bambohr`: did you mean `bamboohr`?
      offboardd.toml:49:10: sources.bamboohr.policy: no policy is called `leaver`: did you mean `leavers`? There are `leavers`
      offboardd.toml:50:12: sources.bamboohr.secrets[0]: a secret must not be written in the settings: write { env = "NAME" } or { file = "PATH" }
      offboardd.toml:50:23: sources.bamboohr.secrets[1]: the environment variable `NONE` is not set
      offboardd.toml:51:15: sources.bamboohr.quiet_after: must be longer than zero: write a duration like "30s"
    "#);
}

#[test]
fn each_wrong_key_of_a_mapping_and_a_signature_is_reported() {
    let own = "[sources.own]\nsite = \"acme\"\npolicy = \"leavers\"\nsecrets = [{ env = \"A\" }]\n\
        [sources.own.signature]\nheaders = [\"X-S\"]\nalgorithm = \"md5\"\nencodng = \"hex\"\n\
        [sources.own.mapping]\ntype = \"event\"\ntypes = { left = \"gone\" }\nmail = \"$.m\"\n";
    insta::assert_snapshot!(parse(&format!("{SAMPLE}{own}")).unwrap_err(), @"
    the settings have 5 errors:
      offboardd.toml:58:13: sources.own.signature.algorithm: write one of: `sha1`, `sha256`, `sha512`
      offboardd.toml:59:11: sources.own.signature.encodng: unknown key; did you mean `encoding`?
      offboardd.toml:61:8: sources.own.mapping.type: `event` is no JSONPath (RFC 9535): write `$.event`
      offboardd.toml:62:18: sources.own.mapping.types.left: write one of: departed, departure_cancelled, returned, email_changed, erasure_requested, profile, ignored
      offboardd.toml:63:8: sources.own.mapping.mail: unknown key; did you mean `email`?
    ");
}

#[test]
fn a_table_or_a_key_that_is_there_twice_names_the_line_of_the_first() {
    let again =
        "[sources.bamboohr]\npreset = \"okta\"\nsite = \"acme\"\npolicy = \"leavers\"\nsecrets = [{ env = \"A\" }]\n";
    insta::assert_snapshot!(parse(&format!("{SAMPLE}{again}[sources.crm]\nsite = \"acme\"\n")).unwrap_err(), @"
    the settings have 4 errors:
      offboardd.toml:52:10: this table exists already in line 46: keep one of them
      offboardd.toml:57:1: sources.crm.policy: this key is missing: write the name of one of the [policies]
      offboardd.toml:57:1: sources.crm.secrets: this key is missing: write where the secrets are, like [{ env = \"NAME\" }]
      offboardd.toml:57:1: sources.crm.preset: this key is missing: name the vendor, or \"standard-webhooks\", or describe it in [sources.NAME.signature]
    ");
    insta::assert_snapshot!(refusal("max = \"1h\"", "base = \"1h\""), @"offboardd.toml:22:1: this key exists already in line 21: keep one of them");
}

#[test]
fn secrets_with_padding_and_short_admin_tokens_are_suspect() {
    let env = |name: &str| {
        Some(match name {
            "ROSA_TOKEN" => "admin".to_owned(),
            "ACME_TOKEN" => "\"hunter2-hunter2\"".to_owned(),
            "BAMBOOHR_OLD_KEY" => "hunter2-hunter2-hunter2 ".to_owned(),
            _ => format!("hunter2-hunter2-{name}"),
        })
    };
    let settings = Settings::parse(SAMPLE, with_key().path(), &env).unwrap();
    let found: Vec<_> = settings.secret_warnings.iter().map(ToString::to_string).collect();
    assert!(!found.concat().contains("hunter2"), "{found:?}");
    insta::assert_snapshot!(found.join("\n"), @"
    offboardd.toml:13:9: admin.tokens[0].token: the environment variable `ROSA_TOKEN` holds a token of fewer than 20 characters, which can be guessed: make one with `openssl rand -hex 32`
    offboardd.toml:29:46: sites.acme.auth.token: the environment variable `ACME_TOKEN` has quotes around it, which count as part of the secret (a file for `--env-file` keeps them): remove them
    offboardd.toml:50:38: sources.bamboohr.secrets[1]: the environment variable `BAMBOOHR_OLD_KEY` begins or ends with a space, which counts as part of the secret: remove it
    ");
}
