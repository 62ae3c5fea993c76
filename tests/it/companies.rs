//! A customer company left: each of its customers becomes a case of its own, through approvals and the brake.

use std::collections::BTreeSet;

use offboardd::domain::case::{Hold, State};
use offboardd::domain::ids::DeliveryId;
use offboardd::sandbox::{AccountType, CallName, Fault, NewAccount, Organization, Seed};
use offboardd::store::DeliveryStatus;
use serde_json::{Value, json};

use crate::harness::{Harness, Setup};

const REVOKE: &str = "departed = \"revoke\"\nbrake = { per_hour = 25, per_day = 100 }";

fn address(number: usize) -> String {
    format!("person{number}@customer.example")
}

/// A site with customers of one company, two others, and an agent with an address of the company.
async fn site_of(people: usize, policy: &'static str) -> Harness {
    let story = Harness::with(Setup { seed: Seed::default(), policy, ..Setup::default() }).await;
    for number in 0..people {
        story.site.add(NewAccount::customer(&address(number), &format!("Person {number}"))).unwrap();
    }
    story.site.add(NewAccount::customer("guest@other.example", "Guest")).unwrap();
    story.site.add(NewAccount::customer("guest@sub.customer.example", "Another guest")).unwrap();
    let agent = NewAccount::customer("agent@customer.example", "Agent");
    story.site.add(NewAccount { account_type: AccountType::Atlassian, ..agent }).unwrap();
    story
}

/// Sends the event, and waits until its customers are routed and everything due is done.
async fn company_departed(story: &Harness, company: Value) -> DeliveryId {
    let reply = story.send("hr", &json!({ "type": "company_departed", "company": company })).await;
    assert_eq!(reply.status, 202, "{reply:?}");
    story.wait_until_routed(reply.delivery()).await;
    wait_until_listed(story).await;
    reply.delivery()
}

async fn wait_until_listed(story: &Harness) {
    let none_left = "SELECT COUNT(*) = 0 AS is_true FROM company_events";
    story.wait_until_true("the customers of the company", none_left).await;
    story.settle().await;
}

fn revokes(people: impl Iterator<Item = usize>) -> Vec<String> {
    people.map(|number| format!("revoke {}", address(number))).collect()
}

async fn finish(story: Harness, expected: &[String]) {
    story.finish(&expected.iter().map(String::as_str).collect::<Vec<_>>()).await;
}

#[tokio::test]
async fn customers_of_a_domain_become_one_case_each() {
    let story = site_of(12, REVOKE).await;
    company_departed(&story, json!({ "domain": "Customer.Example" })).await;
    assert_eq!(story.cases().await.len(), 12);
    // A second report finds them open.
    company_departed(&story, json!({ "domain": "customer.example" })).await;
    assert_eq!(story.cases().await.len(), 12);
    finish(story, &revokes(0..12)).await;
}

#[tokio::test]
async fn members_of_an_organization_leave_and_the_organization_stays() {
    let story = site_of(70, "departed = \"revoke\"\nbrake = { per_hour = 900, per_day = 900 }").await;
    let members: BTreeSet<String> = (0..60).map(address).chain(["agent@customer.example".to_owned()]).collect();
    let organization =
        |id: &str, name: &str, members| Organization { id: id.to_owned(), name: name.to_owned(), members };
    let organizations = vec![
        organization("7", "Customer Inc.", members),
        organization("8", "Twin", BTreeSet::new()),
        organization("9", "twin", BTreeSet::new()),
    ];
    story.site.add_seed(Seed { organizations, ..Seed::default() }).unwrap();
    company_departed(&story, json!({ "organization": "customer inc." })).await;
    assert_eq!(story.cases().await.len(), 60, "the agent is left alone");
    let left = story.site.memberships().organizations;
    assert_eq!(left.iter().find(|organization| organization.id == "7").unwrap().members.len(), 61);
    // A name that two organizations have, and one that none has, are shown to a human.
    for (name, problem) in [("TWIN", "2 organizations"), ("Unknown Ltd", "no such organization")] {
        let id = company_departed(&story, json!({ "organization": name })).await;
        let delivery = story.delivery(id).await;
        assert_eq!(delivery.status, DeliveryStatus::Unreadable);
        assert!(delivery.problem.as_ref().unwrap().contains(problem), "{delivery:?}");
        if name == "Unknown Ltd" {
            let organizations = vec![organization("10", name, BTreeSet::from([address(65)]))];
            story.site.add_seed(Seed { organizations, ..Seed::default() }).unwrap();
            let replayed = story.api(&format!("/deliveries/{id}/replay"), Some(json!({ "reason": "created" }))).await;
            assert_eq!(replayed.status, 200, "{replayed:?}");
            story.wait_until("the replay", async || story.cases().await.len() == 61).await;
            wait_until_listed(&story).await;
        }
    }
    finish(story, &revokes((0..60).chain([65]))).await;
}

#[tokio::test]
async fn large_company_is_held_by_the_brake_before_its_first_call() {
    let story = site_of(130, REVOKE).await;
    company_departed(&story, json!({ "domain": "customer.example" })).await;
    let held = story.cases().await.iter().filter(|record| record.case.state == State::Held(Hold::Brake)).count();
    assert_eq!((held, story.count(CallName::Revoke)), (130, 0));
    finish(story, &[]).await;
}

#[tokio::test]
async fn customers_of_a_company_wait_for_approval() {
    let story = site_of(3, "departed = \"revoke\"\napprovals = { revoke = 1, delete = 1 }").await;
    company_departed(&story, json!({ "domain": "customer.example" })).await;
    assert!(story.cases().await.iter().all(|record| record.case.state == State::Held(Hold::Approval)));
    finish(story, &[]).await;
}

#[tokio::test]
async fn list_continues_after_failures_and_a_crash() {
    let mut story = site_of(20, REVOKE).await;
    story.inject(Fault { call: Some(CallName::Scan), status: Some(429), times: Some(1), ..Fault::default() });
    let event = json!({ "type": "company_departed", "company": { "domain": "customer.example" } });
    let reply = story.send("hr", &event).await;
    story.wait_until_routed(reply.delivery()).await;
    story.wait_for_call(CallName::Scan).await;
    story.crash().await;
    story
        .wait_at_most(std::time::Duration::from_mins(1), async || {
            story.clock.advance(jiff::SignedDuration::from_secs(10));
            story.wake_tasks();
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
            story.cases().await.len() == 20
        })
        .await;
    wait_until_listed(&story).await;
    assert_eq!(story.cases().await.len(), 20);
    finish(story, &revokes(0..20)).await;
}

#[tokio::test]
async fn company_without_a_domain_or_with_both_is_unreadable() {
    let story = site_of(1, REVOKE).await;
    for company in [json!({}), json!({ "domain": "a.example", "organization": "7" }), json!({ "domain": "no domain" })]
    {
        let reply = story.send("hr", &json!({ "type": "company_departed", "company": company })).await;
        story.wait_until_routed(reply.delivery()).await;
        assert_eq!(story.delivery(reply.delivery()).await.status, DeliveryStatus::Unreadable, "{company}");
    }
    finish(story, &[]).await;
}
