//! What the daemon found is German on German pages, the words of the API and of the database included.

use offboardd::sandbox::{CallName, Fault};

use super::client::Visitor;
use crate::harness::{Harness, ROSA, Setup};

const ANN: &str = "ann@example.com";

/// The English that a page marks as such, without the names in Atlassian's administration.
fn english(page: &str) -> Vec<&str> {
    let marked = page.split(" lang=\"en\">").skip(1).filter_map(|rest| rest.split('<').next());
    marked.filter(|text| text.split(' ').count() > 5).collect()
}

#[tokio::test]
async fn pause_of_a_site_and_what_follows_are_explained_in_german() {
    let site = "probe_every = \"1000d\"";
    let story = Harness::with(Setup { site, ..Setup::default() }).await;
    story.inject(Fault { call: Some(CallName::Revoke), status: Some(401), times: Some(1), ..Fault::default() });
    story.send_departed(ANN).await;
    let rosa = Visitor::signed_in(&story, ROSA).await;
    let page = rosa.get("/sites?lang=de").await;
    assert!(page.shows("revoke: 401: Die Zugangsdaten werden abgelehnt"), "{}", page.text);
    let case = format!("/cases/{}", story.case(ANN).await.case.id);
    let page = rosa.get(&format!("{case}?lang=de")).await;
    assert!(page.shows("Die Zugangsdaten werden abgelehnt"), "{}", page.text);
    for path in ["/", "/sites", "/sources", "/deliveries", "/journal", &case] {
        let page = rosa.get(&format!("{path}?lang=de")).await;
        assert!(english(&page.text).is_empty(), "{path}: {:?}", english(&page.text));
    }
    story.resume_site().await;
    story.finish(&["revoke ann@example.com"]).await;
}

#[tokio::test]
async fn refusals_of_the_api_are_explained_in_german() {
    let story = Harness::start().await;
    story.send_departed_at(ANN, "2026-12-01").await;
    let rosa = Visitor::signed_in(&story, ROSA).await;
    let case = format!("/cases/{}", story.case(ANN).await.case.id);
    story.act(ANN, "cancel").await;
    for (path, expected) in [
        (
            format!("{case}/hold?lang=de"),
            "Ein Fall im Zustand „Abgebrochen“ kann nicht angehalten werden: Er ist geschlossen.",
        ),
        ("/evidence?from=2026-02-01&to=2026-01-01&lang=de".to_owned(), "to: Das Ende muss nach dem Beginn liegen."),
    ] {
        let page = rosa.get(&path).await;
        assert!(page.shows(expected) && english(&page.text).is_empty(), "{path}: {}", page.text);
    }
    story.finish(&[]).await;
}
