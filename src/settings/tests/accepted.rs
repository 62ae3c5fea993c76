//! Settings that are accepted, and the defaults of what they leave out.

use super::*;
use crate::domain::operator::Role;
use jiff::SignedDuration;
use secrecy::{ExposeSecret as _, SecretString};

#[test]
fn the_sample_of_the_contract_is_understood() {
    let settings = Settings::parse(SAMPLE, with_key().path(), &env).unwrap();
    assert_eq!(settings.sources.values().next().unwrap().table.quiet_after(), Some(SignedDuration::from_hours(168)));
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
    insta::assert_json_snapshot!(settings.file.server, @r#"
    {
      "webhooks": "127.0.0.1:8080",
      "admin": "127.0.0.1:9090",
      "max_body": "1MiB",
      "shutdown": "30s"
    }
    "#);
    insta::assert_debug_snapshot!(settings.retry, @"
    RetryPolicy {
        base: 5s,
        max: 3600s,
        give_up_after: 259200s,
    }
    ");
    assert_eq!(settings.store.path.file_name().unwrap(), "offboardd.db");
    assert_eq!(settings.file.store.keep_payloads.get(), SignedDuration::from_hours(168));
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
        erasure_within: 2419200s,
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
    assert_eq!(source.table.dedupe_window.get(), SignedDuration::from_hours(72));
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
