//! The one-time links of messages: after the sign-in they open one decision, once.

use offboardd::domain::case::StateName;
use serde_json::Value;

use super::client::{OTTO, Page, Visitor, tokens};
use crate::harness::{Harness, ROSA, Setup, TOM};
use crate::notices::{Receivers, gather, wait_until_sent};

const ANN: &str = "ann@example.com";
const POLICY: &str = "departed = \"revoke_then_delete\"\napprovals = { revoke = 1, delete = 1 }";

/// Waits for the message about the case of [`ANN`]. Returns the path and the query of its link.
async fn link(story: &Harness, receivers: &Receivers) -> String {
    gather(story).await;
    wait_until_sent(story).await;
    let message: Value = receivers.webhook.received().last().unwrap().json();
    let url = message["data"]["cases"][0]["confirm_url"].as_str().unwrap().to_owned();
    url.strip_prefix("https://offboardd.acme.example").unwrap().to_owned()
}

/// The value of `link` in a link.
fn token(link: &str) -> &str {
    link.split_once("&link=").unwrap().1
}

#[track_caller]
fn says(page: &Page, text: &str) {
    assert_eq!(page.status, 409, "{}", page.text);
    assert!(page.shows(text) && page.shows("Open the case") && !page.shows("name=\"reason\""), "{}", page.text);
}

#[tokio::test]
async fn link_opens_the_prepared_approval_after_the_sign_in_and_only_once() {
    let receivers = Receivers::start().await;
    let story = receivers.story("", Setup { policy: POLICY, ..Setup::default() }).await;
    story.send_departed(ANN).await;
    let link = link(&story, &receivers).await;
    let case = format!("/cases/{}", story.case(ANN).await.case.id);
    assert!(link.starts_with(&format!("{case}/approve?for=revoke&link=")), "{link}");

    let mut rosa = Visitor::unknown(&story);
    let to_sign_in = rosa.get(&link).await;
    assert_eq!(to_sign_in.status, 303);
    let sign_in = rosa.get(&to_sign_in.location.unwrap()).await;
    let next = sign_in.field("next").replace("&#38;", "&").replace("&amp;", "&");
    let signed_in = rosa.post("/sign-in", &[("token", ROSA), ("next", &next)]).await;
    assert_eq!(signed_in.location.as_deref(), Some(link.as_str()));
    rosa.keep(&signed_in);
    let page = rosa.get(&link).await;
    assert_eq!((page.status, page.field("for"), page.field("link")), (200, "revoke", token(&link)));
    assert!(page.shows("Approve the revoke") && page.shows("Hold the case instead"), "{}", page.text);
    assert_eq!(story.state(ANN).await, StateName::Held, "the link alone approves nothing");

    let fields = [("for", "revoke"), ("link", token(&link)), ("reason", "left on Friday")];
    // Without a reason nothing is done, and the link is not used.
    let path = format!("{case}/approve");
    let again = rosa.post(&path, &fields[..2]).await;
    assert!(again.status == 409 && again.shows("A reason is missing") && again.field("link") == token(&link));
    let done = rosa.post(&path, &fields).await;
    assert_eq!((done.status, done.location.as_deref()), (303, Some(case.as_str())));
    story.settle().await;
    assert_eq!(story.state(ANN).await, StateName::Revoked);

    says(&rosa.get(&link).await, "This link was used before");
    let tom = Visitor::signed_in(&story, TOM).await;
    says(&tom.post(&path, &fields).await, "This link was used before");
    assert!(tom.get(&format!("{link}&lang=de")).await.shows("Dieser Link wurde schon benutzt"));
    story.finish(&["revoke ann@example.com"]).await;
}

#[tokio::test]
async fn altered_or_expired_link_opens_no_decision_and_says_so() {
    let receivers = Receivers::start().await;
    let story = receivers.story("", Setup { policy: POLICY, ..Setup::default() }).await;
    story.send_departed("ben@example.com").await;
    story.send_departed(ANN).await;
    gather(&story).await;
    wait_until_sent(&story).await;
    let received = receivers.webhook.received();
    let cases = received.iter().flat_map(|message| message.json()["data"]["cases"].as_array().unwrap().clone());
    let (ann, ben) = (story.case(ANN).await.case.id, story.case("ben@example.com").await.case.id);
    let found = cases.into_iter().find(|case| case["id"] == ann.to_string()).unwrap();
    let url = found["confirm_url"].as_str().unwrap();
    let link = url.strip_prefix("https://offboardd.acme.example").unwrap();

    let rosa = Visitor::signed_in(&story, ROSA).await;
    assert_eq!(rosa.get(link).await.status, 200);
    let (without_last, last) = link.split_at(link.len() - 4);
    let altered = if last.starts_with('A') { "BBBB" } else { "AAAA" };
    for wrong in [
        link.replace("for=revoke", "for=delete"),
        link.replace(&ann.to_string(), &ben.to_string()),
        link.replace("/approve?", "/cancel?"),
        format!("{without_last}{altered}"),
        without_last.to_owned(),
    ] {
        says(&rosa.get(&wrong).await, "This link is not valid");
    }
    let fields = [("for", "revoke"), ("link", token(link)), ("reason", "left")];
    says(&rosa.post(&format!("/cases/{ben}/approve"), &fields).await, "This link is not valid");
    story.advance("7d").await;
    let rosa = Visitor::signed_in(&story, ROSA).await;
    says(&rosa.get(link).await, "This link has expired");
    says(&rosa.post(&format!("/cases/{ann}/approve"), &fields).await, "This link has expired");
    // The same by the API, with a reason that a program can show.
    let body = serde_json::json!({ "for": "revoke", "reason": "left", "link": token(link) });
    let refused = story.api_as(ROSA, &format!("/cases/{ann}/approve"), Some(body)).await;
    let detail = "this link has expired: open the case in the console";
    assert_eq!((refused.status, refused.body["detail"].as_str()), (409, Some(detail)), "{refused:?}");
    for email in [ANN, "ben@example.com"] {
        assert_eq!(story.state(email).await, StateName::Held);
    }
    story.finish(&[]).await;
}

#[tokio::test]
async fn operator_holds_a_case_by_a_link_that_only_an_approver_can_approve_with() {
    let folder = tempfile::tempdir().unwrap();
    let receivers = Receivers::start().await;
    let setup = Setup { policy: POLICY, tokens: tokens(folder.path()), ..Setup::default() };
    let story = receivers.story("", setup).await;
    story.send_departed(ANN).await;
    let link = link(&story, &receivers).await;
    let otto = Visitor::signed_in(&story, OTTO).await;
    let page = otto.get(&link).await;
    assert!(page.status == 200 && page.shows("Only an approver can approve"), "{}", page.text);
    assert!(!page.shows("name=\"reason\""), "{}", page.text);
    let case = format!("/cases/{}", story.case(ANN).await.case.id);
    let hold = format!("{case}/hold?link={}", token(&link));
    assert!(page.shows(&hold), "{}", page.text);
    let page = otto.get(&hold).await;
    assert_eq!((page.status, page.field("link")), (200, token(&link)));
    let fields = [("link", token(&link)), ("reason", "HR calls back")];
    assert_eq!(otto.post(&format!("{case}/hold"), &fields).await.status, 303);
    story.settle().await;
    assert!(story.case(ANN).await.case.on_hold);
    says(&Visitor::signed_in(&story, ROSA).await.get(&link).await, "This link was used before");
    story.finish(&[]).await;
}
