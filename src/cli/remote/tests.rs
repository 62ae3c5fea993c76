//! The commands against a served listener.

use clap::{CommandFactory as _, Parser};
use serde_json::Value;

use super::{RemoteCommand, run};
use crate::admin::tests::{Daemon, OTTO, ROSA, VERA};
use crate::domain::case::{Hold, State};
use crate::domain::policy::Action;

#[derive(Parser)]
struct Line {
    #[command(subcommand)]
    command: RemoteCommand,
}

/// Runs a command line; gives what it printed, or its error with everything that led to it.
async fn offboardd(daemon: &Daemon, who: &str, line: &str) -> Result<String, String> {
    let address = daemon.address.clone();
    let words = ["offboardd"].into_iter().chain(line.split_whitespace()).chain(["--url", &address]);
    let Line { command } = Line::try_parse_from(words).map_err(|error| error.to_string())?;
    let token = if who.is_empty() { None } else { Some(who.to_owned().into()) };
    let mut output = Vec::new();
    run(command, token, &mut output).await.map_err(|error| format!("{error:#}"))?;
    Ok(String::from_utf8(output).unwrap())
}

#[test]
fn the_arguments_do_not_contradict_each_other() {
    Line::command().debug_assert();
}

#[test]
fn a_command_is_described_by_what_it_does_not_by_its_arguments() {
    let mut line = Line::command();
    line.build();
    let about = |path: [&str; 2]| {
        let found = path.iter().try_fold(&line, |command, name| command.find_subcommand(name)).unwrap();
        found.get_about().unwrap().to_string()
    };
    assert_eq!(about(["case", "list"]), "List cases, newest first");
    assert_eq!(about(["case", "hold"]), "Hold a case until it is released");
    assert_eq!(about(["source", "pause"]), "Ask a source's webhooks to come again later, and let its jobs wait");
}

#[tokio::test]
async fn a_case_is_opened_listed_shown_held_and_told() {
    let daemon = Daemon::enforcing().await;
    let open = "case open --site acme --email ann@example.com --action revoke --reason asked";
    let opened = offboardd(&daemon, OTTO, open).await.unwrap();
    let id = opened.lines().next().unwrap().strip_prefix("case ").unwrap();
    assert!(opened.contains("access is being revoked") && opened.contains("ann@example.com"), "{opened}");

    let list = offboardd(&daemon, OTTO, "case list --email ann@example.com").await.unwrap();
    assert_eq!(list.lines().count(), 2, "{list}");
    assert!(list.starts_with("CASE") && list.contains(id), "{list}");
    let held = offboardd(&daemon, OTTO, &format!("case hold {id} --reason holiday")).await.unwrap();
    assert!(held.contains("an operator holds it"), "{held}");
    let history = offboardd(&daemon, OTTO, &format!("case history {id}")).await.unwrap();
    let newest = history.lines().last().unwrap();
    assert!(newest.ends_with("held, by otto (revoking → held): “holiday”"), "{history}");
}

#[tokio::test]
async fn json_is_printed_as_the_api_says_it() {
    let daemon = Daemon::enforcing().await;
    let id = daemon.scheduled("ann@example.com").await;
    let printed = offboardd(&daemon, OTTO, &format!("case show {id} --json")).await.unwrap();
    assert_eq!(printed.trim_end(), daemon.get(&format!("/api/v1/cases/{id}"), OTTO).await.text);
}

#[tokio::test]
async fn all_pages_are_followed() {
    let daemon = Daemon::enforcing().await;
    for n in 0..501 {
        daemon.scheduled(&format!("p{n}@example.com")).await;
    }
    let some = offboardd(&daemon, OTTO, "job list --limit 2").await.unwrap();
    assert_eq!(some.lines().count(), 5);
    assert!(some.contains("there are more: --cursor "), "{some}");
    let all: Value = serde_json::from_str(&offboardd(&daemon, OTTO, "job list --all --json").await.unwrap()).unwrap();
    assert_eq!((all["items"].as_array().unwrap().len(), &all["next"]), (501, &Value::Null));
}

#[tokio::test]
async fn a_refusal_is_one_clear_line() {
    let daemon = Daemon::enforcing().await;
    let id = daemon.scheduled("ann@example.com").await;
    for (who, line, text) in [
        (
            OTTO,
            format!("case resolve {id}"),
            "Conflict (409): a case in state `scheduled` cannot be resolved: no human was asked",
        ),
        (VERA, format!("case cancel {id}"), "Forbidden (403): this takes the role `operator`; your token has `viewer`"),
        ("stranger", "site list".into(), "Unauthorized (401): show a token: Authorization: Bearer TOKEN"),
        ("", "site list".into(), "set OFFBOARDD_TOKEN to a token of the settings' [[admin.tokens]]"),
    ] {
        assert_eq!(offboardd(&daemon, who, &line).await.unwrap_err(), text);
    }
}

#[tokio::test]
async fn a_daemon_that_is_not_there_is_told_without_the_query() {
    let mut daemon = Daemon::enforcing().await;
    daemon.address = "http://127.0.0.1:1".to_owned();
    let error = offboardd(&daemon, OTTO, "case list --email ann@example.com").await.unwrap_err();
    assert!(error.starts_with("no answer from http://127.0.0.1:1/: is the daemon running"), "{error}");
    assert!(!error.contains("ann"), "{error}");
}

#[tokio::test]
async fn held_cases_are_released_after_their_number_was_reviewed() {
    let daemon = Daemon::enforcing().await;
    for email in ["ann@example.com", "bob@example.com"] {
        daemon.case(email, Action::Delete, Some(State::Held(Hold::Observe))).await;
    }
    let line = |more: &str| format!("case release --held observe {more}");
    let reviewed = offboardd(&daemon, OTTO, &line("")).await.unwrap();
    assert!(reviewed.starts_with("2 cases would be released, 2 of them lead to a deletion"), "{reviewed}");
    let other = offboardd(&daemon, OTTO, &line("--expect 1 --reason enforce --yes")).await.unwrap_err();
    assert!(other.starts_with("2 cases would be released, not 1"), "{other}");
    assert!(offboardd(&daemon, OTTO, &line("--yes --reason x")).await.is_err(), "without the number");
    assert_eq!(
        offboardd(&daemon, OTTO, &line("--expect 2 --reason enforce --yes")).await.unwrap(),
        "released 2 cases\n"
    );
}

#[tokio::test]
async fn an_approval_names_its_action_and_is_withdrawn() {
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
    assert!(list.contains(&delivery.to_string()) && list.contains("received"), "{list}");
    for verb in ["show", "replay"] {
        let told = offboardd(&daemon, OTTO, &format!("delivery {verb} {delivery}")).await.unwrap();
        assert!(told.contains("there, it can be replayed") && told.ends_with("none\n"), "{told}");
    }
}
