use super::*;
use crate::duration::ConfigDuration;
use crate::sandbox::{AccountChange, DeletedAccount, HiddenEmail, NewAccount, RevokedAccount, State};

#[tokio::test]
async fn a_search_finds_namesakes_by_prefix_by_word_and_by_name() {
    let site = Site::open().await;
    assert_eq!(
        site.search("ann@example.com").await,
        ["Ann Archer", "Ann Austral", "Mary-Ann Mills", "ann@example.com"]
    );
    assert_eq!(site.search("hana.ito@example.com").await, ["Hana Ito"]);
    assert_eq!(site.search("rcher").await, Vec::<String>::new());
}

#[tokio::test]
async fn one_address_can_be_twins_or_two_customers() {
    let site = Site::open().await;
    let (_, found) = site.get("/rest/api/3/user/search?query=cleo%40example.com").await;
    let types: Vec<&str> = found.as_array().unwrap().iter().map(|user| user["accountType"].as_str().unwrap()).collect();
    assert_eq!(types, ["atlassian", "customer"]);
    assert_eq!(site.search("dora@example.com").await, ["Dora Dean", "Dora Dean (old)"]);
}

#[tokio::test]
async fn a_search_finds_active_accounts_only_and_a_scan_all() {
    let site = Site::open().await;
    assert!(site.search("gus@example.com").await.is_empty());
    let (status, all) = site.get("/rest/api/3/users/search?maxResults=1000").await;
    assert_eq!(status, 200);
    assert!(names(&all).contains(&"Gus Grant (Deactivated)".to_owned()));
    assert_eq!(names(&all).len(), site.sandbox.accounts().len());
}

#[tokio::test]
async fn pages_are_as_large_as_the_server_likes() {
    let site = Site::open().await;
    site.sandbox.change_options(|options| options.page_caps.search = 2);
    let page = async |start| names(&site.get(&format!("/rest/api/3/user/search?query=ann%40&startAt={start}")).await.1);
    assert_eq!(page(0).await, ["Ann Archer", "Ann Austral"]);
    assert_eq!(page(2).await, ["Mary-Ann Mills", "ann@example.com"]);
    assert!(page(4).await.is_empty());
    site.sandbox.change_options(|options| options.search_window = 3);
    assert_eq!(page(2).await, ["Mary-Ann Mills"]);
}

#[tokio::test]
async fn a_search_wants_to_know_what_for() {
    let site = Site::open().await;
    assert_eq!(site.get("/rest/api/3/user/search").await.0, 400);
    assert_eq!(site.get("/rest/api/3/user/search?query=ann&startAt=x").await.0, 400);
    assert_eq!(names(&site.get(&format!("/rest/api/3/user/search?accountId={}", encoded(BEN))).await.1), ["Ben Baker"]);
}

#[tokio::test]
async fn a_hidden_address_is_found_and_not_shown() {
    let site = Site::open().await;
    for (hidden, shown) in
        [(HiddenEmail::Absent, None), (HiddenEmail::Null, Some(Value::Null)), (HiddenEmail::Empty, Some("".into()))]
    {
        site.sandbox.change_options(|options| options.hidden_address = hidden);
        let (_, found) = site.get("/rest/api/3/user/search?query=eve%40example.com").await;
        assert_eq!(found[0]["accountId"], EVE);
        assert_eq!(found[0].get("emailAddress").cloned(), shown);
    }
}

#[tokio::test]
async fn a_user_has_the_documented_shape() {
    let site = Site::open().await;
    let (status, ann) = site.get(&user(ANN)).await;
    assert_eq!(status, 200);
    assert_eq!(ann["accountId"], ANN);
    assert_eq!(ann["accountType"], "customer");
    assert_eq!(ann["emailAddress"], "ann@example.com");
    assert_eq!(ann["displayName"], "Ann Archer");
    assert_eq!(ann["active"], true);
    assert_eq!(ann["self"], format!("{}{}", site.base, user(ANN).replace('-', "%2D")));
    assert!(ann["avatarUrls"]["48x48"].is_string() && ann["timeZone"].is_string() && ann["groups"].is_object());

    let (status, error) = site.get(&user("qm:unknown")).await;
    assert_eq!(status, 404);
    assert!(error["errorMessages"][0].is_string() && error["errors"].is_object());
    assert_eq!(site.get("/rest/api/3/user").await.0, 400);
}

#[tokio::test]
async fn a_new_account_is_read_immediately_and_found_after_the_lag() {
    let site = Site::open().await;
    site.sandbox.change_options(|options| options.search_lag = ConfigDuration::from_mins(10));
    assert_eq!(site.search("jon@").await, ["Jon Jansen"], "what was there before is known");

    let id = site.sandbox.add(NewAccount::customer("new@example.com", "Nell New")).unwrap();
    assert_eq!(site.get(&user(&id)).await.0, 200);
    assert!(site.search("new@example.com").await.is_empty());
    site.pass(SignedDuration::from_mins(10));
    assert_eq!(site.search("new@example.com").await, ["Nell New"]);

    site.revoke(&id).await;
    let change = AccountChange { email: Some("newer@example.com".to_owned()), ..AccountChange::default() };
    site.sandbox.change_account(&id, change).unwrap();
    assert_eq!(site.get(&user(&id)).await.1["emailAddress"], "newer@example.com");
    assert_eq!(site.search("new@example.com").await, ["Nell New"], "the index still has the old truth");
    site.pass(SignedDuration::from_mins(10));
    assert!(site.search("new@example.com").await.is_empty());
}

#[tokio::test]
async fn a_revoke_takes_access_and_a_human_gives_it_back() {
    let site = Site::open().await;
    assert_eq!(site.revoke(ANN).await, 204);
    assert_eq!(site.last_call(), (CallName::Revoke, Some(204), true));
    let (_, ann) = site.get(&user(ANN)).await;
    assert_eq!(ann["active"], false);
    assert_eq!(ann["displayName"], "Ann Archer (Deactivated)");
    assert_eq!(site.get(&customer(ANN)).await.0, 200);
    assert_eq!(site.sandbox.account(ANN).unwrap().state, State::Revoked);

    site.sandbox.grant("ann@example.com").unwrap();
    let (_, ann) = site.get(&user(ANN)).await;
    assert_eq!((&ann["active"], &ann["displayName"]), (&true.into(), &"Ann Archer".into()));
    assert_eq!(site.sandbox.account(ANN).unwrap().revoked_at, None);
}

#[tokio::test]
async fn a_revoked_account_reads_as_the_switch_says() {
    let site = Site::open().await;
    for (reads, status, active) in [
        (RevokedAccount::Inactive, 200, json!(false)),
        (RevokedAccount::Active, 200, json!(true)),
        (RevokedAccount::Missing, 404, Value::Null),
    ] {
        site.sandbox.change_options(|options| options.revoked_reads = reads);
        let (found, gus) = site.get(&user(GUS)).await;
        assert_eq!((found, &gus["active"]), (status, &active));
        assert!(site.search("gus@example.com").await.is_empty());
    }
}

#[tokio::test]
async fn a_change_can_show_after_a_lag() {
    let site = Site::open().await;
    site.sandbox.change_options(|options| options.read_lag = ConfigDuration::from_mins(1));
    assert_eq!(site.delete(&customer(ANN)).await, 204);
    assert_eq!(site.get(&user(ANN)).await.0, 200);
    assert_eq!(site.get(&customer(ANN)).await.0, 200);
    site.pass(SignedDuration::from_mins(1));
    assert_eq!(site.get(&user(ANN)).await.0, 404);
    assert_eq!(site.get(&customer(ANN)).await.0, 404);
}

#[tokio::test]
async fn a_second_revoke_answers_as_the_switch_says() {
    let site = Site::open().await;
    site.revoke(ANN).await;
    for response in [204, 404, 400] {
        site.sandbox.change_options(|options| options.second_revoke = response);
        assert_eq!(site.revoke(ANN).await, response);
        assert_eq!(site.last_call(), (CallName::Revoke, Some(response), false));
    }
}

#[tokio::test]
async fn only_customers_are_revoked() {
    let site = Site::open().await;
    for response in [404, 400] {
        site.sandbox.change_options(|options| options.invalid_revoke = response);
        for id in [FINN, APP, "qm:unknown"] {
            let (status, error) = reply(site.call("PUT", &revoke(id))).await;
            assert_eq!(status, response);
            assert!(error["errorMessage"].is_string() && error["i18nErrorMessage"]["i18nKey"].is_string());
        }
    }
    assert!(site.sandbox.account(FINN).unwrap().active);
}

#[tokio::test]
async fn customer_service_sees_customers_only() {
    let site = Site::open().await;
    let (status, ann) = site.get(&customer(ANN)).await;
    assert_eq!((status, &ann["id"]), (200, &ANN.into()));
    for id in [FINN, APP, "qm:unknown"] {
        let (status, error) = site.get(&customer(id)).await;
        assert_eq!(status, 404);
        assert_eq!(error["code"], 404);
        assert!(error["message"].is_string());
        assert_eq!(site.delete(&customer(id)).await, 404);
    }
    assert_eq!(site.sandbox.account(FINN).unwrap().state, State::Present);
}

#[tokio::test]
async fn a_deletion_leaves_nothing_or_a_shell() {
    let site = Site::open().await;
    assert_eq!(site.delete(&customer(ANN)).await, 204);
    assert_eq!(site.last_call(), (CallName::Delete, Some(204), true));
    assert_eq!(site.get(&user(ANN)).await.0, 404);
    assert_eq!(site.get(&customer(ANN)).await.0, 404);
    assert_eq!(site.delete(&customer(ANN)).await, 404);
    assert_eq!(site.last_call(), (CallName::Delete, Some(404), false));
    assert!(!site.search("ann@example.com").await.contains(&"Ann Archer".to_owned()));
    assert!(site.sandbox.grant(ANN).is_err());

    site.sandbox.change_options(|options| options.deletion_leaves = DeletedAccount::FormerUser);
    let (status, shell) = site.get(&user(ANN)).await;
    assert_eq!(status, 200);
    assert_eq!(shell["displayName"], "Former user (Deactivated)");
    assert_eq!(shell["active"], false);
    assert_eq!(shell.get("emailAddress"), None);
}

#[tokio::test]
async fn a_deletion_answers_as_the_switch_says() {
    let site = Site::open().await;
    for (id, response) in [(ANN, 200), (BEN, 202), (GUS, 204)] {
        site.sandbox.change_options(|options| options.delete_answer = response);
        assert_eq!(site.delete(&customer(id)).await, response);
        assert_eq!(site.sandbox.account(id).unwrap().state, State::Deleted);
    }
}

#[tokio::test]
async fn the_platform_deletes_all_accounts_but_apps() {
    let site = Site::open().await;
    assert_eq!(site.delete(&user(FINN)).await, 204);
    assert_eq!(site.sandbox.account(FINN).unwrap().state, State::Deleted);
    assert_eq!(site.delete(&user(FINN)).await, 404);
    assert_eq!(site.delete(&user(APP)).await, 400);
    assert_eq!(site.delete(&user(ANN)).await, 204);
}

async fn invite(site: &Site, body: &Value) -> (u16, Value) {
    reply(site.call("POST", "/rest/servicedeskapi/customer?strictConflictStatusCode=true").json(body)).await
}

#[tokio::test]
async fn a_deleted_address_is_invited_again_only_after_the_deletion_grace() {
    let site = Site::open().await;
    site.delete(&customer(ANN)).await;
    let ann = json!({ "email": "Ann@example.com", "displayName": "Ann Archer" });
    assert_eq!(invite(&site, &ann).await.0, 400);
    site.pass(SignedDuration::from_hours(14 * 24) - SignedDuration::from_millis(1));
    assert_eq!(invite(&site, &ann).await.0, 400);
    assert_eq!(site.last_call(), (CallName::Invite, Some(400), false));
    site.pass(SignedDuration::from_millis(1));
    let (status, new) = invite(&site, &ann).await;
    assert_eq!(status, 201);
    assert_ne!(new["accountId"], ANN);
    assert!(new["accountId"].as_str().unwrap().starts_with("qm:"));
    assert_eq!(new["emailAddress"], "Ann@example.com");
    assert_eq!(site.last_call(), (CallName::Invite, Some(201), true));
}

#[tokio::test]
async fn an_invitation_of_an_existing_account_conflicts() {
    let site = Site::open().await;
    let ben = json!({ "email": "ben@example.com" });
    assert_eq!(invite(&site, &ben).await.0, 409);
    assert_eq!(reply(site.call("POST", "/rest/servicedeskapi/customer").json(&ben)).await.0, 400);
    assert_eq!(invite(&site, &json!({ "email": "gus@example.com" })).await.0, 409, "revoked is not gone");
    assert_eq!(invite(&site, &json!({ "email": "x@example.com", "fullName": "X" })).await.0, 400);
    assert_eq!(invite(&site, &json!({ "email": "none" })).await.0, 400);
    assert_eq!(invite(&site, &json!({})).await.0, 400);
}
