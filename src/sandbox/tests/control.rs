use super::*;

impl Site {
    async fn control(&self, method: &str, path: &str, body: Value) -> (u16, Value) {
        let request = self.bare(method, &format!("/_sandbox{path}"));
        reply(if body.is_null() { request } else { request.body(body.to_string()) }).await
    }
}

#[tokio::test]
async fn the_index_names_the_routes() {
    let site = Site::open().await;
    for path in ["/", "/_sandbox"] {
        let (status, text) = reply(site.bare("GET", path)).await;
        assert_eq!(status, 200);
        assert!(text.as_str().unwrap().contains("POST   /_sandbox/faults"));
    }
    assert_eq!(site.control("GET", "/nothing", Value::Null).await.0, 404);
}

#[tokio::test]
async fn log_contains_calls_and_their_changes() {
    let site = Site::open().await;
    site.get("/rest/api/3/user/search?query=ann").await;
    site.revoke(ANN).await;
    let (_, log) = site.control("GET", "/calls", Value::Null).await;
    let revoked = &log["items"][1];
    assert_eq!(log["items"].as_array().unwrap().len(), 2, "its own routes are not in it");
    assert_eq!(log["items"][0]["call"], "search");
    assert_eq!(log["items"][0]["query"], "query=ann");
    assert_eq!(revoked["call"], "revoke");
    assert_eq!(revoked["method"], "PUT");
    assert_eq!(revoked["path"], revoke(ANN));
    assert_eq!(revoked["account_id"], ANN);
    assert_eq!(revoked["status"], 204);
    assert_eq!(revoked["changed"], true);
    assert_eq!(revoked["at"], "2026-03-01T09:00:00Z");

    assert_eq!(site.control("DELETE", "/calls", Value::Null).await.0, 204);
    assert_eq!(site.control("GET", "/calls", Value::Null).await.1, json!({ "items": [] }));
}

#[tokio::test]
async fn accounts_are_added_changed_and_looked_at() {
    let site = Site::open().await;
    let new = json!({ "email": "zoe@example.com", "displayName": "Zoe Zed" });
    let (status, zoe) = site.control("POST", "/accounts", new).await;
    assert_eq!(status, 201);
    let id = zoe["account_id"].as_str().unwrap();
    assert!(id.starts_with("qm:"));

    let one = format!("/accounts/{}", encoded(id));
    let change = json!({ "account_type": "atlassian", "hidden": true, "active": false });
    let (status, zoe) = site.control("PATCH", &one, change).await;
    assert_eq!(status, 200);
    assert_eq!(
        (&zoe["account_type"], &zoe["hidden"], &zoe["state"]),
        (&"atlassian".into(), &true.into(), &"revoked".into())
    );
    assert_eq!(zoe["email"], "zoe@example.com", "only the sandbox returns it");
    assert_eq!(site.control("GET", &one, Value::Null).await.1, zoe);
    assert_eq!(site.control("GET", "/accounts/unknown", Value::Null).await.0, 404);

    let (_, all) = site.control("GET", "/accounts", Value::Null).await;
    assert!(all["items"].as_array().unwrap().contains(&zoe));
    assert_eq!(site.control("POST", "/accounts", json!({ "account_id": ANN })).await.0, 409);
    assert_eq!(site.control("POST", "/accounts", json!({ "e-mail": "x" })).await.0, 400);
}

#[tokio::test]
async fn the_human_who_grants_access_is_a_route() {
    let site = Site::open().await;
    let state = |(status, account): (u16, Value)| (status, account["state"].as_str().unwrap_or_default().to_owned());
    let present = (200, "present".to_owned());
    assert_eq!(state(site.control("POST", "/grant", json!({ "email": "gus@example.com" })).await), present);
    site.revoke(GUS).await;
    assert_eq!(state(site.control("POST", "/grant", json!({ "account_id": GUS })).await), present);
    site.revoke(GUS).await;
    let path = format!("/accounts/{}/grant", encoded(GUS));
    assert_eq!(state(site.control("POST", &path, Value::Null).await), present);
    assert_eq!(state(site.control("POST", "/grant", json!({ "email": "cleo@example.com" })).await), present);

    assert_eq!(site.control("POST", "/grant", json!({ "email": "dora@example.com" })).await.0, 409);
    assert_eq!(site.control("POST", "/grant", json!({ "email": "unknown@example.com" })).await.0, 404);
    assert_eq!(site.control("POST", "/grant", json!({})).await.0, 400);
    site.delete(&customer(GUS)).await;
    assert_eq!(site.control("POST", &path, Value::Null).await.0, 409);
}

#[tokio::test]
async fn deletions_show_when_their_grace_ends() {
    let site = Site::open().await;
    site.delete(&customer(ANN)).await;
    let (_, ann) = site.control("GET", &format!("/accounts/{}", encoded(ANN)), Value::Null).await;
    assert_eq!(ann["state"], "deleted");
    assert_eq!(ann["deleted_at"], "2026-03-01T09:00:00Z");
    assert_eq!(ann["grace_ends_at"], "2026-03-15T09:00:00Z");
}

#[tokio::test]
async fn faults_switches_and_permissions_are_routes() {
    let site = Site::open().await;
    assert_eq!(site.control("POST", "/faults", json!({ "call": "revoke", "status": 503, "times": 1 })).await.0, 201);
    assert_eq!(site.control("GET", "/faults", Value::Null).await.1["items"][0]["status"], 503);
    assert_eq!(site.revoke(ANN).await, 503);
    for wrong in [
        json!({ "call": "revoek" }),
        json!({ "status": 99 }),
        json!({ "times": 0 }),
        json!({ "headers": { "a b": "" } }),
    ] {
        assert_eq!(site.control("POST", "/faults", wrong).await.0, 400);
    }
    site.control("POST", "/faults", json!({ "status": 500 })).await;
    assert_eq!(site.control("DELETE", "/faults", Value::Null).await.0, 204);
    assert_eq!(site.revoke(ANN).await, 204);

    let (status, options) =
        site.control("PATCH", "/settings", json!({ "second_revoke": 404, "search_lag": "10m" })).await;
    assert_eq!((status, &options["second_revoke"]), (200, &404.into()));
    assert_eq!(site.control("GET", "/settings", Value::Null).await.1, options);
    assert_eq!(site.revoke(ANN).await, 404);
    let (status, error) = site.control("PATCH", "/settings", json!({ "second_rewoke": 404 })).await;
    assert_eq!(status, 400);
    assert!(error["error"].as_str().unwrap().contains("second_rewoke"));

    assert_eq!(
        site.control("POST", "/permissions", json!({ "site_admin": false, "organization_admin": false })).await.0,
        200
    );
    assert_eq!(site.revoke(BEN).await, 403);
}

#[tokio::test]
async fn a_seed_can_be_added_and_places_be_seen() {
    let site = Site::open().await;
    let seed = json!({
        "accounts": [{ "email": "zoe@example.com" }],
        "organizations": [{ "id": "7", "name": "Zed", "members": ["zoe@example.com", ANN] }],
    });
    assert_eq!(site.control("POST", "/seed", seed).await.0, 204);
    let (_, memberships) = site.control("GET", "/places", Value::Null).await;
    assert_eq!(memberships["organizations"][2]["members"].as_array().unwrap().len(), 2);
    let twins = json!({ "desks": [{ "id": "8", "key": "Z", "name": "Z", "customers": ["cleo@example.com"] }] });
    let (status, error) = site.control("POST", "/seed", twins).await;
    assert_eq!(status, 409);
    assert!(error["error"].as_str().unwrap().contains("fits 2 accounts"));
}

#[tokio::test]
async fn service_ends_on_stop() {
    let clock = Arc::new(ManualClock::at("2026-03-01T09:00:00Z".parse().unwrap()));
    let sandbox = Sandbox::new(SandboxOptions::default(), Seed::default(), clock).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let serving = sandbox.serve(listener, async { stopped.await.unwrap_or_default() });
    stop.send(()).unwrap();
    tokio::time::timeout(std::time::Duration::from_secs(5), serving).await.unwrap().unwrap();
}
