//! One source for several sites: each event acts on all of them, with one case on each.

use std::sync::Arc;

use offboardd::clock::ManualClock;
use offboardd::domain::case::{AttentionReason, Hold, State, StateName};
use offboardd::sandbox::{AccountType, NewAccount, Sandbox, SandboxOptions, Seed};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::binary::Folder;
use crate::harness::{Harness, Setup};

const ANN: &str = "ann@example.com";
const BEN: &str = "ben@example.com";

/// The usual story with a second site, on which both have accounts too.
struct TwoSites {
    story: Harness,
    eu: Sandbox,
    _tasks: JoinSet<()>,
}

impl TwoSites {
    async fn start(policy: &'static str) -> Self {
        let mut story = Harness::with(Setup { policy, ..Setup::default() }).await;
        let clock = Arc::<ManualClock>::clone(&story.clock);
        let eu = Sandbox::new(SandboxOptions::default(), Seed::default(), clock).unwrap();
        for (email, name) in [(ANN, "Ann"), (BEN, "Ben")] {
            eu.add(NewAccount::customer(email, name)).unwrap();
        }
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut tasks = JoinSet::new();
        let serving = eu.clone().serve(listener, std::future::pending());
        tasks.spawn(async { serving.await.unwrap() });
        let site = format!(
            "[sites.eu]\nurl = \"http://{address}\"\ngateway = \"http://{address}\"
             cloud_id = \"11111111-2222-3333-4444-555555555555\"
             auth = {{ email = \"admin@example.com\", token = {{ env = \"ACME_TOKEN\" }} }}
             probe_idle = \"0s\"\nlook_back = \"0s\""
        );
        let sites =
            "[sources.hr]\n             preset = \"standard-webhooks\"\n             sites = [\"acme\", \"eu\"]";
        story
            .restart_with(|settings| {
                let one = "[sources.hr]\n             preset = \"standard-webhooks\"\n             site = \"acme\"";
                assert!(settings.contains(one), "{settings}");
                format!("{}\n{site}", settings.replace(one, sites))
            })
            .await;
        Self { story, eu, _tasks: tasks }
    }

    fn eu_changes(&self) -> Vec<String> {
        let changed = self.eu.calls().into_iter().filter(|record| record.changed);
        let email = |id: &str| self.eu.account(id).and_then(|account| account.email).unwrap_or_default();
        changed
            .map(|record| {
                let call = serde_json::to_value(record.call).unwrap();
                format!("{} {}", call.as_str().unwrap(), email(record.account_id.as_deref().unwrap_or_default()))
            })
            .collect()
    }

    /// The state of the newest case on each site.
    async fn states(&self) -> [StateName; 2] {
        let cases = self.story.cases().await;
        ["acme", "eu"].map(|site| {
            cases.iter().find(|record| record.case.site.as_str() == site).expect("a case").case.state.name()
        })
    }
}

fn event(kind: &str, id: &str, email: &str) -> Value {
    json!({ "type": kind, "person": { "id": id, "email": email } })
}

#[tokio::test]
async fn departure_and_return_act_on_every_site() {
    let two = TwoSites::start("departed = \"revoke_then_delete\"\nlocal_grace = \"30d\"").await;
    let delivery = two.story.send_event(event("departed", "1", ANN)).await;
    assert_eq!(two.states().await, [StateName::Revoked, StateName::Revoked]);
    assert_eq!(two.story.cases().await.len(), 2);
    let events = two.story.events(delivery).await;
    assert_eq!(
        events.iter().map(|event| event.position).collect::<Vec<_>>(),
        [0, 0],
        "one event, one effect on each site"
    );
    // The same event again is the same fact on both.
    two.story.send_event(event("returned", "1", ANN)).await;
    assert_eq!(two.states().await, [StateName::Restoring, StateName::Restoring]);
    assert_eq!(two.eu_changes(), ["revoke ann@example.com"]);
    two.story.finish(&["revoke ann@example.com"]).await;
}

#[tokio::test]
async fn former_address_and_shared_address_are_recognized_on_every_site() {
    let two = TwoSites::start("departed = \"revoke\"\nemail_changed = \"revoke\"").await;
    two.story.send_event(event("profile", "1", ANN)).await;
    // Only the new address is reported: each site knows the old one.
    two.story.send_event(event("email_changed", "1", "ann.new@example.com")).await;
    assert_eq!(two.states().await, [StateName::Revoked, StateName::Revoked]);
    // Two ids with one address, of which one leaves.
    two.story.send_event(event("profile", "2", BEN)).await;
    two.story.send_event(event("profile", "3", BEN)).await;
    two.story.send_event(event("departed", "2", BEN)).await;
    let unconfirmed = two.story.cases().await.into_iter().filter(|record| {
        matches!(&record.case.state, State::NeedsAttention(attention) if attention.reason == AttentionReason::AddressUnconfirmed)
    });
    assert_eq!(unconfirmed.count(), 2);
    assert_eq!(two.eu_changes(), ["revoke ann@example.com"]);
    two.story.finish(&["revoke ann@example.com"]).await;
}

#[tokio::test]
async fn brake_of_the_source_holds_the_cases_of_every_site() {
    let two = TwoSites::start("departed = \"revoke\"\nbrake = { per_hour = 3, per_day = 100 }").await;
    two.story.send_event(json!([event("departed", "1", ANN), event("departed", "2", BEN)])).await;
    let cases = two.story.cases().await;
    assert_eq!(cases.iter().filter(|record| record.case.state == State::Held(Hold::Brake)).count(), 4);
    assert!(two.eu_changes().is_empty());
    two.story.finish(&[]).await;
}

#[tokio::test]
async fn account_of_another_type_on_one_site_does_not_stop_the_other() {
    let two = TwoSites::start("departed = \"revoke\"").await;
    let cid = "cid@example.com";
    let agent = NewAccount { account_type: AccountType::Atlassian, ..NewAccount::customer(cid, "Cid") };
    two.eu.add(agent).unwrap();
    two.story.site.add(NewAccount::customer("cid.customer@example.com", "Cid")).unwrap();
    two.story.send_event(event("departed", "1", "cid.customer@example.com")).await;
    two.story.send_event(event("departed", "2", cid)).await;
    two.story.advance_past_rechecks().await;
    assert!(two.eu_changes().is_empty());
    two.story.finish(&["revoke cid.customer@example.com"]).await;
}

#[test]
fn site_and_sites_exclude_each_other() {
    let settings = |keys: &str| {
        format!(
            "[sites.acme]\nurl = \"https://acme.atlassian.net\"\ncloud_id = \"11111111-2222-3333-4444-555555555555\"
             auth = {{ email = \"a@example.com\", token = {{ env = \"ACME_TOKEN\" }} }}
             [policies.leavers]\ndeparted = \"revoke\"
             [sources.hr]\npreset = \"standard-webhooks\"\npolicy = \"leavers\"\nsecrets = [{{ env = \"HR_KEY\" }}]\n{keys}"
        )
    };
    let check = |keys: &str| Folder::new(&settings(keys)).run(&["check"]);
    assert_eq!(check("sites = [\"acme\"]").code, Some(0));
    for (keys, problem) in [
        ("site = \"acme\"\nsites = [\"acme\"]", "`site` and `sites` exclude each other"),
        ("", "name the site, or several in `sites`"),
        ("sites = [\"acme\", \"acme\"]", "sources.hr.sites[1]: written twice"),
        ("sites = [\"acne\"]", "sources.hr.sites[0]: no site is called `acne`"),
    ] {
        let run = check(keys);
        assert_eq!(run.code, Some(1), "{run:?}");
        assert!(run.stderr.contains(problem), "{problem}: {}", run.stderr);
    }
}
