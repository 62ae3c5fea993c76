//! Values that hold markup: on every page they are shown as text.

use super::{Visit, daemon};
use crate::admin::tests::{ROSA, VERA};
use crate::domain::case::{Attention, AttentionReason, Transition};
use crate::domain::policy::Action;
use crate::store::Note;

/// Markup in every form in which a page might break.
const HOSTILE: &str = "\"><script>alert(1)</script><img src=x onerror=alert(2)>'</td></textarea>{{7*7}}&lt;";

/// Every page, as far as it needs no id.
const PAGES: &[&str] = &[
    "/",
    "/cases",
    "/cases/new",
    "/import",
    "/sources",
    "/sites",
    "/deliveries",
    "/journal",
    "/evidence",
    "/settings",
    "/api",
    "/sign-in",
];

/// The addresses of a method, as the router has them.
fn routes(method: &str) -> Vec<&'static str> {
    let routes = include_str!("../mod.rs").split(".route(\"").skip(1).filter_map(|route| route.split_once("\", "));
    let of_method = routes.filter(|(_, handlers)| handlers.lines().next().unwrap().contains(&format!("{method}(")));
    of_method.map(|(path, _)| path).collect()
}

/// Whether a path belongs to a route.
fn fits(route: &str, path: &str) -> bool {
    let path = path.split('?').next().unwrap();
    let parts = |text: &str| text.split('/').map(str::to_owned).collect::<Vec<_>>();
    let (route, path) = (parts(route), parts(path));
    route.len() == path.len() && route.iter().zip(&path).all(|(one, other)| one.starts_with('{') || one == other)
}

/// A page that is added has to be added to the test, too.
fn assert_all_are_tried(method: &str, paths: &[String]) {
    let routes = routes(method);
    assert!(routes.len() > 10, "{routes:?}");
    for route in routes {
        let is_tried = |path: &String| fits(route, path);
        assert!(paths.iter().any(is_tried), "{method} {route} is not tried with hostile values");
    }
}

fn assert_harmless(path: &str, page: &str) {
    for markup in ["<script>alert", "<img src=x", "\"><script", "</textarea>{{"] {
        assert!(!page.contains(markup), "{path} contains {markup}: {page}");
    }
    let scripts: Vec<&str> = page.split("<script").skip(1).collect();
    assert!(scripts.iter().all(|script| script.starts_with(" src=\"/assets/")), "{path}: an inline script");
    assert!(!page.contains(" style=") && !page.contains("<style"), "{path}: an inline style");
    assert!(!page.contains("javascript:"), "{path}");
    assert!(!page.contains("{{7*7}}") || !page.contains(">49<"), "{path}");
}

#[tokio::test]
async fn markup_in_values_is_shown_as_text_on_every_page() {
    let daemon = daemon().await;
    let record = daemon.case("ann&o'neil{{7*7}}@example.com", Action::RevokeThenDelete, None).await;
    let id = record.case.id;
    let mut tx = daemon.store.begin().await.unwrap();
    let attention = Transition::AttentionNeeded(Attention::new(AttentionReason::Refused, HOSTILE));
    let note = Note { by: Some(HOSTILE.to_owned()), remark: Some(HOSTILE.to_owned()), ..Note::default() };
    let record = tx.transition(record, &attention, note, daemon.now()).await.unwrap().record;
    tx.count_ignored(&"bamboohr".parse().unwrap(), &[(HOSTILE.to_owned(), 3)].into(), daemon.now()).await.unwrap();
    tx.pause_site(&"acme".parse().unwrap(), HOSTILE, daemon.now()).await.unwrap();
    tx.pause_source(&"crm".parse().unwrap(), HOSTILE, daemon.now()).await.unwrap();
    tx.write_journal(Some(record.case.id), HOSTILE, &serde_json::json!({ "by": HOSTILE }), daemon.now()).await.unwrap();
    tx.commit().await.unwrap();
    let delivery = daemon.delivery("bamboohr").await;

    let encoded: String = form_urlencoded::byte_serialize(HOSTILE.as_bytes()).collect();
    let mut paths: Vec<String> = PAGES.iter().map(|path| (*path).to_owned()).collect();
    paths.extend([
        format!("/cases/{id}"),
        format!("/cases/{id}/retry"),
        format!("/cases/{id}/cancel"),
        format!("/cases/{encoded}"),
        format!("/cases?q={encoded}"),
        format!("/cases?state={encoded}&source={encoded}&limit={encoded}"),
        format!("/cases/bulk?action={encoded}&site=acme"),
        "/cases/bulk?action=cancel&site=acme".to_owned(),
        format!("/deliveries/{delivery}"),
        format!("/deliveries/{delivery}/replay"),
        format!("/deliveries/{delivery}/explain"),
        format!("/cases/{id}/evidence"),
        format!("/cases/{id}/requests"),
        format!("/import/{encoded}"),
        format!("/sources/crm/accept?offer={encoded}"),
        "/evidence/key".to_owned(),
        "/fence".to_owned(),
        format!("/assets/{encoded}"),
        format!("/deliveries?source={encoded}"),
        format!("/journal?case={encoded}&kind={encoded}"),
        format!("/evidence?from={encoded}&to={encoded}"),
        format!("/evidence/period?from={encoded}&to={encoded}"),
        format!("/sign-in?next={encoded}"),
        format!("/sources/{encoded}/pause"),
        "/sources/crm/resume".to_owned(),
        "/sites/acme/resume".to_owned(),
        format!("/no-such-page?lang={encoded}"),
    ]);
    assert_all_are_tried("get", &paths);
    for who in [ROSA, VERA] {
        let visit = Visit::of(&daemon, who).await;
        for path in &paths {
            for language in ["", "de"] {
                let path = if path.contains('?') {
                    format!("{path}&lang={language}")
                } else {
                    format!("{path}?lang={language}")
                };
                let page = visit.get(&path).await;
                assert!(page.status.as_u16() < 500 || path.contains("/requests"), "{path}: {}", page.text);
                if page.headers.get("content-type").is_some_and(|kind| kind.to_str().unwrap().starts_with("text/html"))
                {
                    assert_harmless(&path, &page.text);
                }
            }
        }
    }
    let visit = Visit::of(&daemon, ROSA).await;
    let forms = [
        (format!("/cases/{id}/cancel"), format!("reason=&understood={encoded}")),
        ("/cases/bulk".to_owned(), format!("action=cancel&site=acme&digest={encoded}&reason={encoded}")),
        ("/cases/new".to_owned(), format!("email={encoded}&site={encoded}&action={encoded}&reason={encoded}")),
        ("/import".to_owned(), format!("csv=email%0A{encoded}%0Aa@example.com&site=acme&domain={encoded}")),
        (
            "/import".to_owned(),
            format!("csv=email%2C{encoded}%0Aa@example.com%2C{encoded}%0A{encoded}&site=acme&reason={encoded}"),
        ),
        ("/sign-in".to_owned(), format!("token={encoded}&next={encoded}")),
        ("/display".to_owned(), format!("theme={encoded}&here={encoded}")),
        (format!("/deliveries/{delivery}/replay"), format!("reason={encoded}")),
        ("/sources/crm/pause".to_owned(), format!("reason={encoded}")),
        ("/sources/crm/accept".to_owned(), format!("offer={encoded}")),
        ("/sites/acme/pause".to_owned(), format!("reason={encoded}")),
        ("/journal/verify".to_owned(), format!("case={encoded}")),
        ("/fence/lift".to_owned(), format!("digest={encoded}&understood=1")),
        ("/sign-out".to_owned(), format!("everywhere={encoded}")),
    ];
    assert_all_are_tried("post", &forms.clone().map(|(path, _)| path));
    for (path, form) in forms {
        let page = visit.post(&path, &form).await;
        assert!(page.status.as_u16() < 500, "{path}: {}", page.text);
        assert_harmless(&path, &page.text);
    }
}

/// Values are escaped by their type. What templates take as markup are other templates only.
#[test]
fn templates_and_types_mark_nothing_else_as_markup() {
    let mut marked = Vec::new();
    for entry in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/templates")).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let filters = text.split("|safe").count() - 1;
        marked.extend(
            text.split("|safe").take(filters).map(|before| format!("{name}: {}", before.rsplit("{{ ").next().unwrap())),
        );
        for forbidden in [" style=", "<style", " onclick", " onload", " onerror", "javascript:", "http://", "https://"]
        {
            assert!(!text.replace("http://127.0.0.1:9090", "").contains(forbidden), "{name}: {forbidden}");
        }
    }
    marked.sort();
    assert_eq!(marked, ["case.html: drawing", "sources.html: source.plot", "today.html: timeline"]);
}
