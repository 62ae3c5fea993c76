//! Atlassian at its worst: every call fails in any way at random, under load, and an operator does what operators do.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::{Value, json};

use super::kills::count_lost_and_doubled;
use super::load::{self, Load};
use super::table::expect_row;
use super::{QUIET, times};
use crate::binary::{Folder, SITE_TOKEN};
use crate::rng::SeededRng;

/// The calls that a leaver needs, to their end.
const CALLS: [&str; 8] = ["search", "scan", "read", "revoke", "delete", "myself", "permissions", "tenant_info"];

/// Longer than the settings below let a call take.
const TOO_LONG_MS: u64 = 500;

/// A fault of any kind, for a few calls.
fn fault(rng: &mut SeededRng) -> Value {
    let mut ways = vec![
        json!({ "drop": "before" }),
        json!({ "drop": "after" }),
        json!({ "reset": true }),
        json!({ "garbage": true, "after_effect": true }),
        json!({ "delay_ms": TOO_LONG_MS }),
        json!({ "delay_ms": TOO_LONG_MS, "after_effect": true }),
        json!({ "slow_ms": TOO_LONG_MS }),
        json!({ "status": 429 }),
        json!({ "status": 429, "retry_after": 1 }),
        json!({ "status": 503, "retry_after": 1 }),
        json!({ "status": 502, "body": "<html>Oops</html>" }),
        json!({ "status": 500, "after_effect": true }),
        json!({ "status": 503, "after_effect": true }),
    ];
    ways.extend([204, 400, 401, 403, 404, 409, 412].map(|status| json!({ "status": status })));
    let pick = |rng: &mut SeededRng, many: usize| usize::try_from(rng.below(u64::try_from(many).unwrap())).unwrap();
    let mut fault = ways.swap_remove(pick(rng, ways.len()));
    fault["call"] = json!(CALLS[pick(rng, CALLS.len())]);
    fault["times"] = json!(1 + rng.below(4));
    fault
}

/// Resumes the site and retries whatever needs a human, again and again.
async fn operate(admin: SocketAddr) {
    let http = crate::http::client();
    let call = async |request: reqwest::RequestBuilder| -> Value {
        request.bearer_auth(SITE_TOKEN).send().await.unwrap().json().await.unwrap()
    };
    let reason = json!({ "reason": "the storm is over" });
    loop {
        call(http.post(format!("http://{admin}/api/v1/sites/acme/resume")).json(&reason)).await;
        let stuck = call(http.get(format!("http://{admin}/api/v1/cases?attention=true&limit=500"))).await;
        for case in stuck["items"].as_array().unwrap() {
            let id = case["id"].as_str().unwrap();
            call(http.post(format!("http://{admin}/api/v1/cases/{id}/retry")).json(&reason)).await;
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "it takes minutes: see the module `stress`"]
async fn random_faults_under_load_lose_and_repeat_nothing() {
    let row = expect_row(
        "any call to the site fails in any way, at random under load",
        "every 2xx is kept and carried out, no change twice, the journal is whole",
    );
    let (faults, mut rng) = (times(300), SeededRng::from_environment());
    let people = usize::try_from(faults).unwrap() * 2;
    let folder = Folder::new("");
    let seed = folder.file("seed.json", &load::seed(people));
    let (_sandbox, site) = folder.sandbox(&["--seed", &seed, "--deletion-grace", "1s"]);
    let token = "[[admin.tokens]]\nname = \"rosa\"\nrole = \"approver\"\ntoken = { env = \"ACME_TOKEN\" }";
    let impatient = "deletion_grace = \"1s\"\ntimeout = \"300ms\"";
    let settings = load::settings(&format!("http://{site}"), "offboardd.db");
    folder.file("offboardd.toml", &format!("{}\n{token}", settings.replace("deletion_grace = \"1s\"", impatient)));
    let daemon = folder.serve(QUIET);
    let load = Load::start(daemon.webhooks, people, 8, Duration::from_millis(400));
    let mut operator = tokio::task::JoinSet::new();
    operator.spawn(operate(daemon.admin));

    let http = crate::http::client();
    let control = format!("http://{site}/_sandbox/faults");
    for _ in 0..faults {
        let fault = fault(&mut rng);
        let answer = http.post(&control).json(&fault).send().await.unwrap();
        assert!(answer.status().is_success(), "{fault}: {}", answer.text().await.unwrap());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let waiting: Value = http.get(&control).send().await.unwrap().json().await.unwrap();
    let hits = usize::try_from(faults).unwrap() - waiting["items"].as_array().unwrap().len();
    http.delete(&control).send().await.unwrap();
    let acknowledged = load.end().await;
    let (lost, doubled) = count_lost_and_doubled(&folder, &folder.database(), site, &acknowledged).await;
    assert_eq!((lost, doubled), (0, 0));
    row.passed(
        format!("{hits} of {faults} faults"),
        format!("{} acknowledged: {lost} lost, {doubled} doubled", acknowledged.len()),
    );
}
