//! One mistake at a time: the exact text of its error.

use super::*;

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
    insta::assert_snapshot!(refusal("[retry]", "[retries]"), @"offboardd.toml:20:2: retries: unknown key; there are `mode`, `server`, `admin`, `store`, `evidence`, `notify`, `import`, `retry`, `sites`, `policies`, `sources`");
    insta::assert_snapshot!(refusal("reinvite", "shade"), @"offboardd.toml:43:1: policies.leavers.shade: unknown key; there are `departed`, `email_changed`, `erasure_requested`, `local_grace`, `timezone`, `effective`, `approvals`, `detach`, `reinvite`, `brake`, `erasure_within`");
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
    insta::assert_snapshot!(refusal("policy = \"leavers\"", "policy = \"others\""), @"offboardd.toml:49:10: sources.bamboohr.policy: no policy is called `others`: there are `leavers`");
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
    insta::assert_snapshot!(refusal("sqlite:offboardd.db", "mysql://localhost"), @r#"offboardd.toml:16:7: store.url: the database is a file: write "sqlite:PATH", like "sqlite:offboardd.db", without parameters"#);
    insta::assert_snapshot!(refusal("sqlite:offboardd.db", "postgres://user:password@host/database"), @r#"offboardd.toml:16:7: store.url: the address of a server contains a password: store "postgres://user:password@host/database" as a secret and write { env = "NAME" } or { file = "PATH" }"#);
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
fn a_file_that_is_not_there_is_named() {
    let error = Settings::load(Path::new("/nowhere/offboardd.toml")).unwrap_err();
    insta::assert_snapshot!(error, @"cannot read the settings file `/nowhere/offboardd.toml`");
    assert!(std::error::Error::source(&error).is_some());
}
