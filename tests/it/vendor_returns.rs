//! For each vendor: a person leaves, the vendor reports in its own way that the same person came back, no account is deleted.

use offboardd::sources::preset::{self, Preset};

use crate::harness::{Harness, Setup};

/// These sign the public URL, which the stories do not have; `hubspot-v1` reads the same bodies.
const SIGN_THE_URL: [&str; 2] = ["hubspot", "hubspot-v2"];

/// A year and more after the return, what was changed at the site.
async fn changes_after_a_return(preset: &Preset, secret: &str) -> Vec<String> {
    let more = format!(
        "[sources.vendor]
         preset = \"{}\"
         site = \"acme\"
         policy = \"leavers\"
         secrets = [{secret}]",
        preset.name()
    );
    let policy = "departed = \"revoke_then_delete\"\nerasure_requested = \"revoke_then_delete\"\n\
                  local_grace = \"30d\"\ntimezone = \"Europe/Berlin\"";
    let story = Harness::with(Setup { policy, more: more.leak(), ..Setup::default() }).await;
    story.advance_to("2026-12-01T12:00:00Z".parse().unwrap()).await;
    for (what, sample) in [("departure", preset.example()), ("return", preset.return_example())] {
        let sample = sample.unwrap();
        let (headers, body) = preset::split_headers(sample.text.as_bytes());
        let mut all = story.sign("vendor", &story.new_id(), story.now(), body);
        all.extend(headers);
        all.push(("content-type".to_owned(), sample.content_type));
        let reply = story.post("vendor", body, &all).await;
        assert_eq!(reply.status, 202, "{}: {reply:?}", preset.name());
        story.settle().await;
        let cases = story.cases().await;
        assert_eq!(cases.len(), 1, "{}: the {what} is not read as that of one person", preset.name());
        story.advance("1h").await;
    }
    story.advance("400d").await;
    let changes = story.changes();
    story.finish(&changes.iter().map(String::as_str).collect::<Vec<_>>()).await;
    changes
}

#[tokio::test]
async fn return_event_of_each_vendor_prevents_the_deletion() {
    let folder = tempfile::tempdir().unwrap();
    let basic = folder.path().join("basic");
    std::fs::write(&basic, "user:password").unwrap();
    let basic = format!("{{ file = \"{}\" }}", basic.display());
    let mut seen = Vec::new();
    for name in preset::names() {
        let preset = preset::find(name).unwrap();
        if preset.return_example().is_none() || preset.mapping_of.is_some() || SIGN_THE_URL.contains(&name) {
            continue;
        }
        let secret = if name == "pipedrive" { basic.as_str() } else { "{ env = \"BAMBOOHR_KEY\" }" };
        let changes = changes_after_a_return(preset, secret).await;
        assert!(changes.iter().all(|change| change.starts_with("revoke")), "{name}: {changes:?}");
        seen.push(name);
    }
    assert!(seen.contains(&"okta") && seen.contains(&"google-workspace") && seen.len() > 15, "{seen:?}");
}
