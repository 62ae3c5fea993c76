//! The style sheet, the script and the icon: part of the binary, named by their content, cached forever.

use std::sync::LazyLock;

use axum::extract::Path;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use sha2::{Digest as _, Sha256};

const STYLE: &str = include_str!("assets/console.css");
const SCRIPT: &str = include_str!("assets/console.js");
const ICON: &str = include_str!("assets/favicon.svg");

/// The paths of the assets.
#[derive(Debug)]
pub(super) struct Assets {
    pub(super) style: String,
    pub(super) script: String,
    pub(super) icon: String,
}

static ASSETS: LazyLock<Assets> = LazyLock::new(|| Assets {
    style: path("console", STYLE, "css"),
    script: path("console", SCRIPT, "js"),
    icon: path("favicon", ICON, "svg"),
});

pub(super) fn assets() -> &'static Assets {
    &ASSETS
}

fn path(name: &str, content: &str, extension: &str) -> String {
    let mut digest = hex::encode(Sha256::digest(content));
    digest.truncate(16);
    format!("/assets/{name}.{digest}.{extension}")
}

/// An asset by its name. A name of another version is not found: the page that uses it is reloaded.
pub(super) async fn show(Path(name): Path<String>) -> Response {
    let assets = assets();
    let wanted = format!("/assets/{name}");
    let (content, kind) = match wanted {
        style if style == assets.style => (STYLE, "text/css; charset=utf-8"),
        script if script == assets.script => (SCRIPT, "text/javascript; charset=utf-8"),
        icon if icon == assets.icon => (ICON, "image/svg+xml"),
        _ => return (StatusCode::NOT_FOUND, [(header::CONTENT_TYPE, "text/html; charset=utf-8")], "").into_response(),
    };
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(kind)),
        (header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=31536000, immutable")),
    ];
    (headers, content).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn style_and_script_together_are_small() {
        let bytes = STYLE.len() + SCRIPT.len();
        assert!(bytes <= 30_000, "{bytes} bytes");
        assert!(SCRIPT.lines().count() <= 150);
    }

    #[test]
    fn assets_load_nothing_from_another_origin() {
        for content in [STYLE, SCRIPT, ICON.replace("http://www.w3.org/2000/svg", "").as_str()] {
            assert!(!content.contains("//") || !content.contains("http"), "an address");
            assert!(!content.contains("url(") && !content.contains("@import"));
        }
    }
}
