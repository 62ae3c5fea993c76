//! Each lookup preset against the documented responses of its vendor.

use axum::http::StatusCode;

use super::*;

/// A stub of a vendor's documented API: responses by method, path and body.
type Api = fn(&str, &str, &str) -> (u16, &'static str);

/// Runs a lookup preset for the person `id`, with its URLs replaced by those of a test server.
async fn find_with_preset(vendor: &str, id: &str, api: Api) -> (Result<LookupOutcome, Failure>, Vec<String>) {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let notes = Arc::clone(&seen);
    let answer = move |request: Request| {
        let notes = Arc::clone(&notes);
        async move {
            let (parts, body) = request.into_parts();
            let body = axum::body::to_bytes(body, 10_000).await.unwrap();
            let body = String::from_utf8(body.to_vec()).unwrap();
            let header = |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
            let more = [header("authorization"), header("finch-api-version"), &body];
            let line = format!("{} {} {}", parts.method, parts.uri, more.join(" "));
            notes.lock().unwrap().push(line.trim_end().to_owned());
            let (status, text) = api(parts.method.as_str(), parts.uri.path(), &body);
            (StatusCode::from_u16(status).unwrap(), text)
        }
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let stand_in = format!("http://{}", listener.local_addr().unwrap());
    let mut serving = JoinSet::new();
    serving.spawn(async move { axum::serve(listener, Router::new().fallback(answer)).await.unwrap() });

    let ready = find(vendor).unwrap();
    let local = |url: &String| {
        let path = url.splitn(4, '/').nth(3).unwrap();
        format!("{stand_in}/{path}").replace("{company}", "acme")
    };
    let place = LookupEndpoint {
        urls: std::iter::once(&ready.url).chain(&ready.fallback_url).map(local).collect(),
        headers: ready.headers.iter().map(|(name, value)| (name.to_lowercase(), value.clone())).collect(),
        body: ready.body.clone(),
        emails: ready.email.iter().map(|path| JsonPath::parse(path).unwrap()).collect(),
        id_in_front: ready.id_in_front,
    };
    let auth = match ready.auth {
        AuthKind::Bearer => Auth::Bearer("t".into()),
        AuthKind::Basic => Auth::Basic {
            user: "user".into(),
            password: Some(ready.password.clone().unwrap_or_else(|| "password".to_owned()).into()),
        },
        AuthKind::Client => Auth::Client {
            token_url: local(ready.token_url.as_ref().unwrap()).parse().unwrap(),
            client_id: "id".into(),
            client_secret: "secret".into(),
            scope: ready.scope.clone(),
            audience: ready.audience.clone(),
        },
    };
    let outcome = find_email(&Lookup::new(place, auth), id).await;
    let seen = seen.lock().unwrap().clone();
    (outcome, seen)
}

const TOKEN: &str = r#"{"access_token":"t","expires_in":3600}"#;

#[tokio::test]
async fn remote_returns_the_work_address_of_an_employment() {
    let (outcome, seen) = find_with_preset("remote", "e-1", |_, _, _| {
        (
            200,
            r#"{"data":{"employment":{"id":"e-1","personal_email":"a@home.example","work_email":"ann@example.com"}}}"#,
        )
    })
    .await;
    assert_eq!(outcome, Ok(ann()));
    assert_eq!(seen, ["GET /v1/employments/e%2D1 Bearer t"]);
}

#[tokio::test]
async fn finch_receives_the_id_by_post_and_returns_the_work_address() {
    let (outcome, seen) = find_with_preset("finch", "5d0b", |_, _, _| {
        (
            200,
            r#"{"responses":[{"individual_id":"5d0b","code":200,"body":{"id":"5d0b","emails":[
                {"data":"a@home.example","type":"personal"},{"data":"ann@example.com","type":"work"}]}}]}"#,
        )
    })
    .await;
    assert_eq!(outcome, Ok(ann()));
    assert_eq!(seen, [r#"POST /employer/individual Bearer t 2020-09-17 {"requests":[{"individual_id":"5d0b"}]}"#]);
    let (outcome, _) =
        find_with_preset("finch", "5d0b", |_, _, _| (200, r#"{"responses":[{"individual_id":"5d0b","code":404}]}"#))
            .await;
    assert_eq!(outcome, Ok(LookupOutcome::NoAddress));
}

#[tokio::test]
async fn id_in_posted_body_cannot_end_its_json_string() {
    let (_, seen) = find_with_preset("finch", "a\"},{\"b\\", |_, _, _| (200, r#"{"responses":[]}"#)).await;
    assert!(seen[0].ends_with(r#"{"requests":[{"individual_id":"a\"},{\"b\\"}]}"#), "{seen:?}");
}

#[tokio::test]
async fn gusto_and_hibob_return_the_work_address() {
    let (outcome, seen) = find_with_preset("gusto", "u-1", |_, _, _| {
        (200, r#"{"uuid":"u-1","email":"a@home.example","work_email":"ann@example.com"}"#)
    })
    .await;
    assert_eq!((outcome, seen[0].as_str()), (Ok(ann()), "GET /v1/employees/u%2D1 Bearer t"));
    let (outcome, seen) = find_with_preset("hibob", "33", |_, _, _| {
        (200, r#"{"/root/email":{"value":"ann@example.com"},"/root/id":{"value":"33"}}"#)
    })
    .await;
    assert_eq!(outcome, Ok(ann()));
    assert_eq!(seen, [r#"POST /v1/people/33 Basic dXNlcjpwYXNzd29yZA==  {"fields":["root.email"]}"#]);
}

#[tokio::test]
async fn close_prefers_the_office_address_and_never_guesses() {
    let (outcome, seen) = find_with_preset("close", "cont_1", |_, _, _| {
        (200, r#"{"emails":[{"type":"home","email":"a@home.example"},{"type":"office","email":"ann@example.com"}]}"#)
    })
    .await;
    assert_eq!((outcome, seen[0].as_str()), (Ok(ann()), "GET /api/v1/contact/cont%5F1/ Basic dXNlcjo="));
    let (outcome, _) = find_with_preset("close", "cont_1", |_, _, _| {
        (200, r#"{"emails":[{"type":"direct","email":"ann@example.com"}]}"#)
    })
    .await;
    assert_eq!(outcome, Ok(ann()));
    let (outcome, _) = find_with_preset("close", "cont_1", |_, _, _| {
        (200, r#"{"emails":[{"type":"direct","email":"ann@example.com"},{"type":"home","email":"a@home.example"}]}"#)
    })
    .await;
    assert_eq!(outcome, Ok(LookupOutcome::NoAddress));
}

#[tokio::test]
async fn personio_exchanges_its_client_and_returns_the_address() {
    let (outcome, seen) = find_with_preset("personio", "7", |_, path, _| match path {
        "/v2/auth/token" => (200, TOKEN),
        _ => (200, r#"{"id":"7","email":"ann@example.com"}"#),
    })
    .await;
    assert_eq!(outcome, Ok(ann()));
    assert!(seen[1].starts_with("GET /v2/persons/7 Bearer t"), "{seen:?}");
}

#[tokio::test]
async fn deleted_user_of_entra_is_found_among_deleted_items() {
    const ID: &str = "87d349ed-44d7-43e1-9a83-5f2406dee5bd";
    let graph: Api = |_, path, body| match path {
        "/acme/oauth2/v2.0/token" if body.contains("scope=https%3A%2F%2Fgraph.microsoft.com%2F.default") => {
            (200, TOKEN)
        }
        "/acme/oauth2/v2.0/token" => (400, r#"{"error":"invalid_request"}"#),
        path if path.starts_with("/v1.0/directory/deletedItems/") => {
            (200, r#"{"mail":null,"userPrincipalName":"87d349ed44d743e19a835f2406dee5bdann@example.com"}"#)
        }
        _ => (404, r#"{"error":{"code":"Request_ResourceNotFound"}}"#),
    };
    let (outcome, seen) = find_with_preset("microsoft-graph", ID, graph).await;
    assert_eq!(outcome, Ok(ann()));
    let paths: Vec<_> = seen.iter().map(|line| line.split(['?', ' ']).nth(1).unwrap()).collect();
    let encoded = ID.replace('-', "%2D");
    assert_eq!(
        paths,
        [
            "/acme/oauth2/v2.0/token".to_owned(),
            format!("/v1.0/users/{encoded}"),
            format!("/v1.0/directory/deletedItems/{encoded}/microsoft.graph.user"),
        ]
    );
    let there: Api = |_, path, _| {
        if path.ends_with("/token") {
            (200, TOKEN)
        } else {
            (200, r#"{"mail":"ann@example.com","userPrincipalName":"x"}"#)
        }
    };
    assert_eq!(find_with_preset("microsoft-graph", ID, there).await.0, Ok(ann()));
    let missing: Api = |_, path, _| if path.ends_with("/token") { (200, TOKEN) } else { (404, "{}") };
    assert_eq!(find_with_preset("microsoft-graph", ID, missing).await.0, Ok(LookupOutcome::UnknownPerson));
}

#[tokio::test]
async fn missing_scope_at_token_endpoint_is_reported_with_its_key() {
    let api: Api = |_, _, _| (400, r#"{"error":"invalid_request"}"#);
    let (outcome, _) = find_with_preset("personio", "7", api).await;
    let Err(Failure::AccessDenied { detail }) = outcome else { panic!("{outcome:?}") };
    assert!(detail.contains("`scope` or an `audience` in `auth`"), "{detail}");
}
