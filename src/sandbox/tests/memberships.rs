use super::*;

#[tokio::test]
async fn person_leaves_their_organizations() {
    let site = Site::open().await;
    site.sandbox.change_options(|options| options.page_caps.jsm = 1);
    let path = format!("/rest/servicedeskapi/organization?accountId={}", encoded(BEN));
    let (status, first) = site.get(&format!("{path}&start=0&limit=50")).await;
    assert_eq!(status, 200);
    assert_eq!((&first["size"], &first["limit"], &first["isLastPage"]), (&1.into(), &1.into(), &false.into()));
    assert_eq!(first["values"][0]["id"], "1");
    assert!(first["_links"]["next"].is_string() && first["_expands"].is_array());
    let (_, second) = site.get(&format!("{path}&start=1&limit=50")).await;
    assert_eq!((&second["values"][0]["name"], &second["isLastPage"]), (&"Example Partners".into(), &true.into()));

    assert_eq!(site.delete_with("/rest/servicedeskapi/organization/1/user", &[BEN]).await.0, 204);
    assert_eq!(site.last_call(), (CallName::DetachOrganization, Some(204), true));
    assert_eq!(site.sandbox.account(BEN).unwrap().organizations, ["2"]);
    assert_eq!(site.delete_with("/rest/servicedeskapi/organization/1/user", &[BEN]).await.0, 204);
    assert_eq!(site.last_call(), (CallName::DetachOrganization, Some(204), false));
    assert_eq!(site.delete_with("/rest/servicedeskapi/organization/9/user", &[BEN]).await.0, 404);
    assert_eq!(site.delete_with("/rest/servicedeskapi/organization/1/user", &["qm:unknown"]).await.0, 400);
    assert_eq!(site.delete_with("/rest/servicedeskapi/organization/1/user", &[]).await.0, 400);
    assert_eq!(site.delete("/rest/servicedeskapi/organization/1/user").await, 400, "a body is needed");
}

#[tokio::test]
async fn person_leaves_closed_desks_only() {
    let site = Site::open().await;
    let (_, desks) = site.get("/rest/servicedeskapi/servicedesk").await;
    let keys: Vec<&Value> = desks["values"].as_array().unwrap().iter().map(|desk| &desk["projectKey"]).collect();
    assert_eq!(keys, ["HELP", "VIP"]);

    let closed = "/rest/servicedeskapi/servicedesk/2/customer";
    assert_eq!(site.delete_with(closed, &[BEN]).await.0, 204);
    assert_eq!(site.last_call(), (CallName::DetachDesk, Some(204), true));
    assert_eq!(site.delete_with(closed, &[BEN]).await.0, 204);
    assert_eq!(site.last_call(), (CallName::DetachDesk, Some(204), false));
    assert_eq!(site.delete_with("/rest/servicedeskapi/servicedesk/1/customer", &[BEN]).await.0, 400);
    assert_eq!(site.delete_with("/rest/servicedeskapi/servicedesk/9/customer", &[BEN]).await.0, 404);
}

#[tokio::test]
async fn a_desk_knows_revoked_customers_too() {
    let site = Site::open().await;
    let (_, found) = site.get("/rest/servicedeskapi/servicedesk/1/customer?query=gus%40example.com").await;
    assert_eq!(found["values"][0]["accountId"], GUS);
    assert_eq!(found["values"][0]["active"], false);
    let (_, found) = site.get("/rest/servicedeskapi/servicedesk/2/customer?query=gus").await;
    assert_eq!(found["size"], 0, "a closed desk knows its own customers only");
}

#[tokio::test]
async fn experimental_calls_want_consent() {
    let site = Site::open().await;
    let plain = |method, path: &str| site.bare(method, path).basic_auth("admin@example.com", Some("token"));
    let desk = "/rest/servicedeskapi/servicedesk/2/customer";
    for (method, path) in [("GET", desk), ("DELETE", desk), ("DELETE", &customer(BEN))] {
        assert_eq!(reply(plain(method, path)).await.0, 412, "{method} {path}");
    }
    site.sandbox.change_options(|options| options.opt_in = false);
    assert_eq!(reply(plain("GET", desk)).await.0, 200);
    assert_eq!(reply(plain("DELETE", &customer(BEN))).await.0, 204);
}

async fn requests_of(site: &Site, id: &str, token: Option<&str>) -> (u16, Value) {
    let body = json!({
        "jql": format!("\"Request participants\" = \"{id}\" AND statusCategory != Done"),
        "fields": ["key"], "maxResults": 50, "nextPageToken": token,
    });
    reply(site.call("POST", "/rest/api/3/search/jql").json(&body)).await
}

#[tokio::test]
async fn person_leaves_the_open_requests_that_they_take_part_in() {
    let site = Site::open().await;
    site.sandbox.change_options(|options| options.page_caps.jql = 1);
    let (status, first) = requests_of(&site, BEN, None).await;
    assert_eq!((status, &first["issues"][0]["key"], &first["isLast"]), (200, &"HELP-1".into(), &false.into()));
    let (_, second) = requests_of(&site, BEN, first["nextPageToken"].as_str()).await;
    assert_eq!((&second["issues"][0]["key"], &second["isLast"]), (&"VIP-1".into(), &true.into()));
    assert_eq!(second.get("nextPageToken"), None);
    assert_eq!(requests_of(&site, BEN, Some("nonsense")).await.0, 400);

    let (status, left) = site.delete_with("/rest/servicedeskapi/request/HELP-1/participant", &[BEN]).await;
    assert_eq!((status, &left["values"][0]["accountId"]), (200, &ANN.into()));
    assert_eq!(site.last_call(), (CallName::DetachRequest, Some(200), true));
    assert_eq!(site.delete_with("/rest/servicedeskapi/request/HELP-1/participant", &[BEN]).await.0, 400);
    assert_eq!(site.delete_with("/rest/servicedeskapi/request/HELP-9/participant", &[BEN]).await.0, 404);
    assert_eq!(site.sandbox.account(BEN).unwrap().participates_in, ["HELP-3", "VIP-1"]);
}

#[tokio::test]
async fn a_reporter_stays() {
    let site = Site::open().await;
    assert_eq!(site.delete_with("/rest/servicedeskapi/request/HELP-2/participant", &[BEN]).await.0, 400);
    assert_eq!(site.last_call(), (CallName::DetachRequest, Some(400), false));
}

#[tokio::test]
async fn other_queries_are_refused() {
    let site = Site::open().await;
    let body = json!({ "jql": "project = HELP" });
    let (status, error) = reply(site.call("POST", "/rest/api/3/search/jql").json(&body)).await;
    assert_eq!(status, 400);
    assert!(error["errorMessages"][0].as_str().unwrap().contains("project = HELP"));
}
