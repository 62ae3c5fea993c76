//! The commands against a served listener.

use clap::{CommandFactory as _, Parser};
use serde_json::Value;

use super::screen::Screen;
use super::{RemoteCommand, run};
use crate::admin::tests::{Daemon, OTTO, ROSA, VERA};
use crate::domain::case::{Hold, State};
use crate::domain::policy::Action;

#[derive(Parser)]
struct Line {
    #[command(subcommand)]
    command: RemoteCommand,
}

/// Runs a command line and returns its output, or its error with all causes.
async fn offboardd(daemon: &Daemon, who: &str, line: &str) -> Result<String, String> {
    let address = daemon.address.clone();
    let words = ["offboardd"].into_iter().chain(line.split_whitespace()).chain(["--url", &address]);
    let Line { command } = Line::try_parse_from(words).map_err(|error| error.to_string())?;
    let token = if who.is_empty() { None } else { Some(who.to_owned().into()) };
    let mut output = Vec::new();
    run(command, token, Screen::plain(), &mut output).await.map_err(|error| format!("{error:#}"))?;
    Ok(String::from_utf8(output).unwrap())
}

#[test]
fn arguments_are_consistent() {
    Line::command().debug_assert();
}

#[test]
fn help_describes_the_command_and_not_its_arguments() {
    let mut line = Line::command();
    line.build();
    let about = |path: [&str; 2]| {
        let found = path.iter().try_fold(&line, |command, name| command.find_subcommand(name)).unwrap();
        found.get_about().unwrap().to_string()
    };
    assert_eq!(about(["case", "list"]), "List cases, newest first");
    assert_eq!(about(["case", "hold"]), "Hold a case until it is released");
    assert_eq!(about(["source", "pause"]), "Pause a source: answer its deliveries with 503 and suspend its jobs");
}

#[tokio::test]
async fn case_is_opened_listed_held_and_its_history_printed() {
    let daemon = Daemon::enforcing().await;
    let open = "case open --site acme --email ann@example.com --action revoke --reason requested";
    let opened = offboardd(&daemon, OTTO, open).await.unwrap();
    let id = opened.lines().next().unwrap().strip_prefix("case ").unwrap();
    assert!(opened.contains("access is being revoked") && opened.contains("ann@example.com"), "{opened}");
    assert!(opened.ends_with("  policy chosen     most careful of site\n"), "{opened}");

    let list = offboardd(&daemon, OTTO, "case list --email ann@example.com").await.unwrap();
    assert_eq!(list.lines().count(), 2, "{list}");
    assert!(list.starts_with("CASE") && list.contains(id.get(id.len() - 8..).unwrap()), "{list}");
    let held = offboardd(&daemon, OTTO, &format!("case hold {id} --reason holiday")).await.unwrap();
    assert!(held.contains("held by an operator"), "{held}");
    let history = offboardd(&daemon, OTTO, &format!("case history {id}")).await.unwrap();
    let first = history.lines().next().unwrap();
    assert!(first.contains("opened, by otto, policy careful (most careful of site): “requested”"), "{history}");
    let newest = history.lines().last().unwrap();
    assert!(newest.ends_with("held, by otto (revoking → held): “holiday”"), "{history}");
}

#[tokio::test]
async fn json_output_equals_the_response_of_the_api() {
    let daemon = Daemon::enforcing().await;
    let id = daemon.scheduled("ann@example.com").await;
    let printed = offboardd(&daemon, OTTO, &format!("case show {id} --json")).await.unwrap();
    assert_eq!(printed.trim_end(), daemon.get(&format!("/api/v1/cases/{id}"), OTTO).await.text);
}

#[tokio::test]
async fn all_follows_every_page() {
    let daemon = Daemon::enforcing().await;
    for n in 0..501 {
        daemon.scheduled(&format!("p{n}@example.com")).await;
    }
    let some = offboardd(&daemon, OTTO, "job list --limit 2").await.unwrap();
    assert_eq!(some.lines().count(), 5);
    assert!(some.contains("more items: --cursor "), "{some}");
    let all: Value = serde_json::from_str(&offboardd(&daemon, OTTO, "job list --all --json").await.unwrap()).unwrap();
    assert_eq!((all["items"].as_array().unwrap().len(), &all["next"]), (501, &Value::Null));
}

#[tokio::test]
async fn rejected_command_prints_one_line() {
    let daemon = Daemon::enforcing().await;
    let id = daemon.scheduled("ann@example.com").await;
    for (who, line, text) in [
        (
            OTTO,
            format!("case resolve {id}"),
            "Conflict (409): a case in state `scheduled` cannot be resolved: it does not wait for a human's decision",
        ),
        (
            VERA,
            format!("case cancel {id}"),
            "Forbidden (403): this requires the role `operator`; the token has `viewer`",
        ),
        (
            "stranger",
            "site list".into(),
            "Unauthorized (401): missing or invalid token: send `Authorization: Bearer TOKEN`",
        ),
        ("", "site list".into(), "OFFBOARDD_TOKEN is not set: set it to one of the [[admin.tokens]]"),
    ] {
        assert_eq!(offboardd(&daemon, who, &line).await.unwrap_err(), text);
    }
}

#[tokio::test]
async fn unreachable_daemon_is_reported_without_the_query() {
    let mut daemon = Daemon::enforcing().await;
    daemon.address = "http://127.0.0.1:1".to_owned();
    let error = offboardd(&daemon, OTTO, "case list --email ann@example.com").await.unwrap_err();
    assert!(error.starts_with("no response from http://127.0.0.1:1/: check that the daemon runs"), "{error}");
    assert!(!error.contains("ann"), "{error}");
}

#[tokio::test]
async fn held_cases_are_released_with_their_reviewed_number() {
    let daemon = Daemon::enforcing().await;
    for email in ["ann@example.com", "bob@example.com"] {
        daemon.case(email, Action::Delete, Some(State::Held(Hold::Observe))).await;
    }
    let line = |more: &str| format!("case release --held observe {more}");
    let reviewed = offboardd(&daemon, OTTO, &line("")).await.unwrap();
    assert!(
        reviewed.contains("2 cases; nothing is done yet\nirreversible: 2 of them include a deletion"),
        "{reviewed}"
    );
    assert!(reviewed.contains("to release them, add: --expect 2 --reason REASON --yes"), "{reviewed}");
    let other = offboardd(&daemon, OTTO, &line("--expect 1 --reason enforce --yes")).await.unwrap_err();
    assert!(other.starts_with("found 2 cases to release, expected 1"), "{other}");
    assert!(offboardd(&daemon, OTTO, &line("--yes --reason x")).await.is_err(), "without the number");
    assert_eq!(
        offboardd(&daemon, OTTO, &line("--expect 2 --reason enforce --yes")).await.unwrap(),
        "release: done for 2 of 2 cases\n"
    );
}

#[tokio::test]
async fn approval_names_its_action_and_is_withdrawn() {
    let daemon = Daemon::enforcing().await;
    let id = daemon.scheduled("ann@example.com").await;
    assert!(offboardd(&daemon, ROSA, &format!("case approve {id}")).await.is_err(), "without the action");
    let approved = offboardd(&daemon, ROSA, &format!("case approve {id} --for delete --reason known")).await.unwrap();
    assert!(approved.contains("rosa for delete"), "{approved}");
    let withdrawn = offboardd(&daemon, ROSA, &format!("case withdraw {id} --for delete")).await.unwrap();
    assert!(!withdrawn.contains("rosa for delete"), "{withdrawn}");
}

#[tokio::test]
async fn sources_sites_and_deliveries_are_listed_and_changed() {
    let daemon = Daemon::enforcing().await;
    let delivery = daemon.delivery("bamboohr").await;
    let paused = offboardd(&daemon, OTTO, "source pause bamboohr").await.unwrap();
    assert!(paused.contains("paused since") && paused.contains("by otto"), "{paused}");
    assert!(offboardd(&daemon, OTTO, "source list").await.unwrap().contains("paused since"));
    assert!(offboardd(&daemon, OTTO, "source resume bamboohr").await.unwrap().contains("listening"));
    assert!(offboardd(&daemon, OTTO, "site list").await.unwrap().contains("https://acme.example.com/"));
    assert!(offboardd(&daemon, OTTO, "site resume acme").await.unwrap().contains("working"));
    let list = offboardd(&daemon, OTTO, "delivery list --source bamboohr").await.unwrap();
    let end = delivery.to_string().split_off(28);
    assert!(list.contains(&end) && list.contains("received"), "{list}");
    let paused = offboardd(&daemon, OTTO, "site pause acme").await.unwrap();
    assert!(paused.contains("paused since") && paused.contains("by otto"), "{paused}");
    for (verb, name) in [("show", delivery.to_string()), ("show", end.clone()), ("replay", end.to_uppercase())] {
        let printed = offboardd(&daemon, OTTO, &format!("delivery {verb} {name}")).await.unwrap();
        assert!(printed.starts_with(&format!("delivery {delivery}\n")), "{printed}");
        assert!(printed.contains("stored, can be replayed") && printed.ends_with("none\n"), "{printed}");
    }
}
