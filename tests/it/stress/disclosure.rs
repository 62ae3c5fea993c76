//! Everything that the daemon returns to clients without permission: the public, viewers, the metrics, the log and the command
//! line. None of it names a person or a secret. (What stands in its files: `privacy.rs`.)

use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};

use super::load;
use super::table::expect_row;
use crate::binary::{CommandOutput, Daemon, Folder, HR_KEY, SITE_TOKEN};

const VERA: &str = "vera-v1ewer-secret-0123456789";
const ROSA: &str = "rosa-4pprover-secret-0123456789";
const EMAIL: &str = "person7@example.com";
const PERSON_ID: &str = "employee-4711-0815";
const STRAY: &str = "stray.visitor@example.com";

/// Texts with their places.
#[derive(Default)]
struct Collected(Vec<(String, String)>);

impl Collected {
    fn note(&mut self, place: impl Into<String>, text: impl Into<String>) {
        self.0.push((place.into(), text.into()));
    }

    fn note_command(&mut self, place: &str, ended: &CommandOutput) {
        self.note(place, format!("{}\n{}", ended.stdout, ended.stderr));
    }

    fn names_none_of(&self, secrets: &[String]) {
        for (place, text) in &self.0 {
            let text = text.to_lowercase();
            for secret in secrets {
                assert!(!text.contains(&secret.to_lowercase()), "`{secret}` is contained in {place}: {text}");
            }
        }
    }
}

/// Sends a request, and returns the whole response, head and body.
async fn send(daemon: &Daemon, method: Method, path: &str, token: &str, body: Option<Value>) -> (u16, String) {
    let mut request =
        crate::http::client().request(method, format!("http://{}{path}", daemon.admin)).bearer_auth(token);
    if let Some(body) = body {
        request = request.json(&body);
    }
    let answer = request.send().await.unwrap();
    let head = format!("{:?}", answer.headers());
    (answer.status().as_u16(), format!("{head}\n{}", answer.text().await.unwrap()))
}

fn folder() -> (Folder, crate::binary::Process) {
    let folder = Folder::new("");
    let seed = folder.file("seed.json", &load::seed(10));
    let (sandbox, site) = folder.sandbox(&["--seed", &seed]);
    let tokens = "[[admin.tokens]]\nname = \"vera\"\nrole = \"viewer\"\ntoken = { env = \"VERA_TOKEN\" }\n\
                  [[admin.tokens]]\nname = \"rosa\"\nrole = \"approver\"\ntoken = { env = \"ROSA_TOKEN\" }\n";
    let settings = load::settings(&format!("http://{site}"), "offboardd.db")
        .replace("local_grace = \"1s\"", "local_grace = \"1d\"");
    folder.file("offboardd.toml", &format!("{settings}\n{tokens}"));
    (folder, sandbox)
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "one story, from its beginning to its end")]
async fn public_viewers_metrics_and_logs_show_no_person_and_no_secret() {
    let row =
        expect_row("everything returned to the public, viewers, metrics, log, command line", "no person, no secret");
    let (folder, _sandbox) = folder();
    let with_tokens = |arguments: &[&str]| {
        let mut command = folder.command(arguments);
        command.env("VERA_TOKEN", VERA).env("ROSA_TOKEN", ROSA);
        command
    };
    let mut collected = Collected::default();
    let mut daemon = Folder::serve_as(with_tokens(&["serve"]).env("RUST_LOG", "trace"));

    // One that is carried out, one that cannot be read, one without an account, and forged ones.
    let (http, hr) = (crate::http::client(), load::hr_source());
    let bodies = [
        json!({ "type": "departed", "person": { "id": PERSON_ID, "email": EMAIL } }),
        json!({ "type": STRAY, "person": { "id": PERSON_ID, "email": [EMAIL] }, "effective_at": EMAIL }),
        json!({ "type": "departed", "person": { "email": STRAY } }),
    ];
    for (number, body) in bodies.iter().enumerate() {
        let answer = load::post(&http, &hr, daemon.webhooks, &format!("msg_{number}"), &body.to_string()).await;
        collected.note("the answer to a delivery", format!("{answer:?}"));
    }
    for path in [format!("/webhooks/{EMAIL}"), format!("/webhooks/hr?email={EMAIL}"), format!("/{EMAIL}")] {
        let url = format!("http://{}{path}", daemon.webhooks);
        let request = http.post(url).header("webhook-signature", ROSA).header("webhook-id", EMAIL).bearer_auth(ROSA);
        collected.note("the answer to a forgery", request.body(EMAIL).send().await.unwrap().text().await.unwrap());
    }
    let begun = Instant::now();
    while !daemon.process.output_lines().iter().any(|line| line.contains("\"outcome\":\"revoke_confirmed\"")) {
        assert!(begun.elapsed() < Duration::from_secs(30), "{:#?}", daemon.process.output_lines());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }

    // Rosa may know, and does; what she does may not show anywhere else.
    let (_, all) = send(&daemon, Method::GET, &format!("/api/v1/cases?email={EMAIL}"), ROSA, None).await;
    assert!(all.contains(EMAIL) && all.contains(PERSON_ID), "{all}");
    let listed: Value = serde_json::from_str(all.split_once('\n').unwrap().1).unwrap();
    let (id, account) = (&listed["items"][0]["id"], &listed["items"][0]["account"]["id"]);
    let case = format!("/api/v1/cases/{}", id.as_str().unwrap());
    let reason = json!({ "reason": format!("requested by {EMAIL}") });
    for step in ["hold", "approve", "withdraw", "release", "nonsense"] {
        send(&daemon, Method::POST, &format!("{case}/{step}"), ROSA, Some(reason.clone())).await;
    }
    for wrong in [json!({ "site": EMAIL, "email": EMAIL }), json!({ "email": [EMAIL] }), json!(EMAIL)] {
        assert!(send(&daemon, Method::POST, "/api/v1/cases", ROSA, Some(wrong)).await.0 >= 400);
    }

    // Vera may not.
    for path in [
        "/",
        "/livez",
        "/readyz",
        "/metrics",
        "/api/v1/cases",
        "/api/v1/jobs",
        "/api/v1/sources",
        "/api/v1/sites",
        "/api/v1/deliveries",
        &case,
        &format!("{case}/history"),
        &format!("/api/v1/cases?state={ROSA}"),
        &format!("/api/v1/{EMAIL}"),
        "/api/v1/cases?cursor=%00",
    ] {
        let (status, text) = send(&daemon, Method::GET, path, VERA, None).await;
        assert!(status != 401 && status != 403, "{path}: {status}");
        // What stood in her own question she knows.
        let text =
            if path.contains(EMAIL) || path.contains(ROSA) { text.replace(EMAIL, "").replace(ROSA, "") } else { text };
        collected.note(format!("{path} to a viewer"), text);
    }
    // Nor whether there is anything to know.
    for email in [EMAIL, STRAY, "unknown@example.com"] {
        let (status, text) = send(&daemon, Method::GET, &format!("/api/v1/cases?email={email}"), VERA, None).await;
        assert_eq!(status, 403, "{text}");
        collected.note("a search by a viewer", text);
    }
    for (token, path) in [(VERA, case.as_str()), ("wrong", "/api/v1/cases"), ("", &case)] {
        let (status, text) = send(&daemon, Method::POST, &format!("{path}/cancel"), token, Some(reason.clone())).await;
        assert!(status == 401 || status == 403 || status == 404, "{status}");
        collected.note("a refusal", text);
    }
    let url = format!("http://{}", daemon.admin);
    for arguments in [["case", "list"].as_slice(), &["case", "list", "--json"], &["job", "list"], &["delivery", "list"]]
    {
        let output = with_tokens(arguments).env("OFFBOARDD_URL", &url).env("OFFBOARDD_TOKEN", VERA).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {output:?}");
        collected.note(format!("{arguments:?} of a viewer"), String::from_utf8(output.stdout).unwrap());
    }
    assert!(daemon.process.terminate().success());
    for line in daemon.process.output_lines() {
        collected.note("the log", line);
    }

    let mut people: Vec<String> = [EMAIL, &EMAIL.replace('@', "%40"), PERSON_ID, STRAY].map(str::to_owned).to_vec();
    let secrets = [VERA, ROSA, SITE_TOKEN, HR_KEY, HR_KEY.trim_start_matches("whsec_")].map(str::to_owned);
    people.extend(secrets.clone());
    let mut places = collected.0.len();
    assert!(places > 100 && account.is_string(), "{places} places, {account}");
    collected.names_none_of(&people);

    // The command line, with settings that are right and with some that are not.
    let mut collected = Collected::default();
    let check = |arguments: &[&str]| {
        let output = with_tokens(arguments).output().unwrap();
        CommandOutput {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    };
    for arguments in [["check"].as_slice(), &["check", "--json"], &["migrate"], &["journal", "verify"]] {
        let ended = check(arguments);
        assert_eq!(ended.code, Some(0), "{ended:?}");
        collected.note_command(&format!("{arguments:?}"), &ended);
    }
    let settings = std::fs::read_to_string(folder.path().join("offboardd.toml")).unwrap();
    for (right, wrong) in [
        ("token = { env = \"VERA_TOKEN\" }", format!("token = \"{VERA}\"")),
        ("token = { env = \"VERA_TOKEN\" }", format!("token = {{ env = \"VERA_TOKEN\", x = \"{VERA}\" }}")),
        ("secrets = [{ env = \"HR_KEY\" }]", format!("secrets = [\"{HR_KEY}\"]")),
        ("secrets = [{ env = \"HR_KEY\" }]", format!("secret = \"{HR_KEY}\"")),
        ("secrets = [{ env = \"HR_KEY\" }]", "secrets = [{ env = \"SITE_KEY_UNSET\" }]".to_owned()),
    ] {
        assert!(settings.contains(right), "{right}");
        folder.file("offboardd.toml", &settings.replace(right, &wrong));
        for arguments in [["check"], ["serve"], ["migrate"]] {
            let ended = check(&arguments);
            assert_eq!(ended.code, Some(1), "{wrong}: {ended:?}");
            collected.note_command(&format!("{arguments:?} with {right} replaced"), &ended);
        }
    }
    collected.names_none_of(&secrets);
    places += collected.0.len();
    row.passed(format!("{places} places"), "0 named");
}
