use super::*;
use crate::sandbox::{DeleteRole, Permissions};

#[tokio::test]
async fn only_public_calls_work_without_credentials() {
    let site = Site::open().await;
    for path in ["/rest/api/3/myself", "/rest/servicedeskapi/organization", &user(ANN), &customer(ANN)] {
        assert_eq!(reply(site.bare("GET", path)).await.0, 401, "{path}");
        assert_eq!(reply(site.bare("GET", path).header("authorization", "Bearer ")).await.0, 401, "{path}");
        assert_eq!(reply(site.bare("GET", path).basic_auth("a@example.com", Some(""))).await.0, 401, "{path}");
    }
    let (status, info) = reply(site.bare("GET", "/rest/api/3/serverInfo")).await;
    assert_eq!((status, &info["deploymentType"], &info["baseUrl"]), (200, &"Cloud".into(), &site.base.clone().into()));
    let (status, tenant) = reply(site.bare("GET", "/_edge/tenant_info")).await;
    assert_eq!((status, &tenant["cloudId"]), (200, &CLOUD.into()));
}

#[tokio::test]
async fn each_family_complains_in_its_own_words() {
    let site = Site::open().await;
    let gateway = format!("/ex/jira/{CLOUD}/rest/api/3/myself");
    assert!(reply(site.bare("GET", "/rest/api/3/myself")).await.1["errorMessages"].is_array());
    assert!(reply(site.bare("GET", "/rest/servicedeskapi/servicedesk")).await.1["errorMessage"].is_string());
    assert_eq!(reply(site.bare("GET", &gateway)).await.1["code"], 401);
    assert_eq!(reply(site.bare("GET", &customer(ANN))).await.1["code"], 401);
}

#[tokio::test]
async fn caller_and_permissions_are_returned() {
    let site = Site::open().await;
    let (_, me) = site.get("/rest/api/3/myself").await;
    assert_eq!(me["emailAddress"], "admin@example.com");
    let (_, may) = site.get("/rest/api/3/mypermissions?permissions=ADMINISTER,USER_PICKER").await;
    assert_eq!(may["permissions"]["ADMINISTER"]["havePermission"], true);
    site.sandbox.change_options(|options| options.permissions.administer = false);
    let (_, may) = site.get("/rest/api/3/mypermissions?permissions=ADMINISTER").await;
    assert_eq!(may["permissions"]["ADMINISTER"]["havePermission"], false);
    assert_eq!(site.get("/rest/api/3/mypermissions").await.0, 400);
    assert_eq!(site.get("/rest/api/3/mypermissions?permissions=FLY").await.0, 400);
}

#[tokio::test]
async fn only_listed_tokens_are_accepted_when_there_is_a_list() {
    let site = Site::open().await;
    site.sandbox.change_options(|options| options.tokens = Some(vec!["good".to_owned()]));
    let basic = |token| site.bare("GET", "/rest/api/3/myself").basic_auth("admin@example.com", Some(token));
    assert_eq!(reply(basic("good")).await.0, 200);
    assert_eq!(reply(basic("expired")).await.0, 401);
    assert_eq!(reply(site.bare("GET", "/rest/api/3/myself").bearer_auth("good")).await.0, 200);
    site.sandbox.change_options(|options| options.bearer_at_site = false);
    assert_eq!(reply(site.bare("GET", "/rest/api/3/myself").bearer_auth("good")).await.0, 401);
    let gateway = format!("/ex/jira/{CLOUD}/rest/api/3/myself");
    assert_eq!(reply(site.bare("GET", &gateway).bearer_auth("good")).await.0, 200);
}

#[tokio::test]
async fn missing_permissions_are_refused_but_a_search_finds_none() {
    let site = Site::open().await;
    let nothing = Permissions {
        browse_users: false,
        administer: false,
        site_admin: false,
        organization_admin: false,
        agent: false,
        desk_admin: false,
    };
    site.sandbox.change_options(|options| options.permissions = nothing);
    assert!(site.search("ann").await.is_empty());
    assert_eq!(site.get("/rest/api/3/users/search").await.0, 403);
    assert_eq!(site.get(&user(ANN)).await.0, 403);
    assert_eq!(site.get(&customer(ANN)).await.0, 403);
    assert_eq!(site.revoke(ANN).await, 403);
    assert_eq!(site.delete(&customer(ANN)).await, 403);
    assert_eq!(site.delete(&user(ANN)).await, 403);
    assert_eq!(site.get("/rest/servicedeskapi/organization").await.0, 403);
    assert_eq!(site.delete_with("/rest/servicedeskapi/servicedesk/2/customer", &[BEN]).await.0, 403);
    assert_eq!(
        reply(site.call("POST", "/rest/servicedeskapi/customer").json(&json!({ "email": "x@example.com" }))).await.0,
        403
    );
    assert!(site.sandbox.calls().iter().all(|call| !call.changed));
}

#[tokio::test]
async fn the_platforms_deletion_may_need_an_organization_admin() {
    let site = Site::open().await;
    site.sandbox.change_options(|options| {
        options.platform_delete_needs = DeleteRole::OrganizationAdmin;
        options.permissions.organization_admin = false;
    });
    assert_eq!(site.delete(&user(ANN)).await, 403);
    site.sandbox.change_options(|options| options.platform_delete_needs = DeleteRole::SiteAdmin);
    assert_eq!(site.delete(&user(ANN)).await, 204);
}

#[tokio::test]
async fn the_gateway_serves_the_same_site() {
    let site = Site::open().await;
    let through = |path: String| format!("/ex/jira/{CLOUD}{path}");
    assert_eq!(site.get(&through(user(ANN))).await.1["accountId"], ANN);
    assert_eq!(site.put(&through(revoke(ANN))).await, 204);
    assert_eq!(site.get(&user(ANN)).await.1["active"], false);
    assert_eq!(site.get(&customer_at("another", ANN)).await.0, 200, "the sample insists on none");
}

#[tokio::test]
async fn the_gateway_does_not_lead_here_under_another_cloud_id() {
    let site =
        Site::with(SandboxOptions::default(), Seed { cloud_id: Some("ours".to_owned()), ..Seed::sample() }).await;
    assert_eq!(site.get(&customer_at("ours", ANN)).await.0, 200);
    assert_eq!(site.get(&format!("/ex/jira/ours{}", user(ANN))).await.0, 200);
    assert_eq!(site.get(&format!("/ex/jira/{CLOUD}{}", user(ANN))).await.0, 404);
    assert_eq!(site.delete(&customer(ANN)).await, 404);
    assert_eq!(site.last_call(), (CallName::Unknown, Some(404), false));
    assert!(site.sandbox.account(ANN).unwrap().active);
}

#[tokio::test]
async fn a_missing_scope_is_refused_at_the_gateway_only() {
    let site = Site::open().await;
    site.sandbox.change_options(|options| {
        options.missing_scopes.insert("manage:servicedesk-customer".to_owned());
    });
    let (status, error) = reply(site.call("PUT", &format!("/ex/jira/{CLOUD}{}", revoke(ANN)))).await;
    assert_eq!((status, &error["code"]), (401, &401.into()));
    assert_eq!(site.revoke(ANN).await, 204);
}

async fn token(site: &Site, secret: &str, grant_type: &str) -> (u16, Value) {
    let body = json!({ "grant_type": grant_type, "client_id": "robot", "client_secret": secret });
    reply(site.bare("POST", "/oauth/token").json(&body)).await
}

#[tokio::test]
async fn client_credentials_buy_a_token_that_expires() {
    let site = Site::open().await;
    site.sandbox.change_options(|options| {
        options.tokens = Some(Vec::new());
        options.clients = Some([("robot".to_owned(), "secret".to_owned())].into());
    });
    let (status, bought) = token(&site, "secret", "client_credentials").await;
    assert_eq!((status, &bought["expires_in"], &bought["token_type"]), (200, &3600.into(), &"Bearer".into()));
    let bearer = bought["access_token"].as_str().unwrap();
    let me = || reply(site.bare("GET", "/rest/api/3/myself").bearer_auth(bearer));
    assert_eq!(me().await.0, 200);
    site.pass(SignedDuration::from_hours(1));
    assert_eq!(me().await.0, 401);

    let form = [("grant_type", "client_credentials"), ("client_id", "robot"), ("client_secret", "secret")];
    assert_eq!(reply(site.bare("POST", "/oauth/token").form(&form)).await.0, 200, "a form is as good");
    assert_eq!(token(&site, "wrong", "client_credentials").await.0, 401);
    let (status, error) = token(&site, "secret", "password").await;
    assert_eq!(status, 400);
    assert!(error["error"].is_string());
}

#[tokio::test]
async fn bursts_are_limited_per_endpoint_and_method() {
    let site = Site::open().await;
    site.sandbox.change_options(|options| options.burst_limits = true);
    let desk = "/rest/servicedeskapi/servicedesk/2/customer";
    for _ in 0..5 {
        assert_eq!(site.get(desk).await.0, 200);
    }
    let refused = site.call("GET", desk).send().await.unwrap();
    assert_eq!(refused.status(), 429);
    let header = |name: &str| refused.headers()[name].to_str().unwrap().to_owned();
    assert_eq!(header("retry-after"), "1");
    assert_eq!(header("ratelimit-reason"), "jira-burst-based");
    assert_eq!(header("x-ratelimit-limit"), "5");
    assert_eq!(header("x-ratelimit-remaining"), "0");
    assert_eq!(header("x-ratelimit-reset"), "2026-03-01T09:00:01Z");
    assert_eq!(site.delete_with(desk, &[BEN]).await.0, 204, "another method has its own limit");

    site.pass(SignedDuration::from_secs(1));
    let answered = site.call("GET", desk).send().await.unwrap();
    assert_eq!(answered.status(), 200);
    assert_eq!(answered.headers()["x-ratelimit-remaining"], "4");
    assert_eq!(answered.headers()["x-ratelimit-nearlimit"], "false");

    for _ in 0..50 {
        site.revoke(ANN).await;
    }
    assert_eq!(site.revoke(ANN).await, 429);
}

#[tokio::test]
async fn other_paths_and_methods_lead_nowhere() {
    let site = Site::open().await;
    assert_eq!(site.get("/rest/api/3/project").await.0, 404);
    assert_eq!(site.delete("/rest/servicedeskapi/customer").await, 404);
    assert_eq!(site.last_call(), (CallName::Unknown, Some(404), false));
}
