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
    "/sources",
    "/sites",
    "/deliveries",
    "/journal",
    "/evidence",
    "/settings",
    "/api",
    "/sign-in",
];

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
                assert!(page.status.as_u16() < 500, "{path}: {}", page.text);
                assert_harmless(&path, &page.text);
            }
        }
    }
    let visit = Visit::of(&daemon, ROSA).await;
    for (path, form) in [
        (format!("/cases/{id}/cancel"), format!("reason=&understood={encoded}")),
        ("/cases/bulk".to_owned(), format!("action=cancel&site=acme&digest={encoded}&reason={encoded}")),
        ("/cases/new".to_owned(), format!("email={encoded}&site={encoded}&action={encoded}&reason={encoded}")),
        ("/sign-in".to_owned(), format!("token={encoded}&next={encoded}")),
        ("/display".to_owned(), format!("theme={encoded}&here={encoded}")),
    ] {
        let page = visit.post(&path, &form).await;
        assert!(page.status.as_u16() < 500, "{path}: {}", page.text);
        assert_harmless(&path, &page.text);
    }
}
