//! A browser without a script: one visitor with a cookie.

use reqwest::{Method, header};

use crate::harness::Harness;

/// The tokens of an operator and a viewer, as entries of the settings. [`read_tokens`] writes their files.
pub(super) const OTTO: &str = "t0ken-of-otto-never-shown";
pub(super) const VERA: &str = "t0ken-of-vera-never-shown";

/// The entries of the settings for both, whose tokens are in files of `folder`.
pub(super) fn tokens(folder: &std::path::Path) -> &'static str {
    let entry = |name: &str, role: &str, token: &str| {
        let file = folder.join(name);
        std::fs::write(&file, token).unwrap();
        format!("{{ name = \"{name}\", role = \"{role}\", token = {{ file = {file:?} }} }},")
    };
    (entry("otto", "operator", OTTO) + &entry("vera", "viewer", VERA)).leak()
}

/// A page as it arrived.
#[derive(Debug)]
pub(super) struct Page {
    pub(super) status: u16,
    pub(super) location: Option<String>,
    pub(super) cookies: Vec<String>,
    pub(super) headers: header::HeaderMap,
    pub(super) text: String,
}

pub(super) struct Visitor {
    http: reqwest::Client,
    address: String,
    pub(super) cookie: String,
}

impl Visitor {
    pub(super) fn unknown(story: &Harness) -> Self {
        let address = format!("http://{}", story.admin());
        Self { http: crate::http::client(), address, cookie: String::new() }
    }

    pub(super) async fn signed_in(story: &Harness, token: &str) -> Self {
        let mut visitor = Self::unknown(story);
        let page = visitor.post("/sign-in", &[("token", token)]).await;
        assert_eq!(page.status, 303, "{page:?}");
        visitor.keep(&page);
        visitor
    }

    /// Keeps the session's cookie of a page, as a browser does.
    pub(super) fn keep(&mut self, page: &Page) {
        let session = page.cookies.iter().find(|cookie| cookie.starts_with("offboardd="));
        session.unwrap().split(';').next().unwrap().clone_into(&mut self.cookie);
    }

    pub(super) async fn get(&self, path: &str) -> Page {
        self.send(Method::GET, path, &[], "").await
    }

    /// Sends a form as a page of the console does.
    pub(super) async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Page {
        let form = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        self.send(Method::POST, path, &[("sec-fetch-site", "same-origin")], &form).await
    }

    pub(super) async fn send(&self, method: Method, path: &str, headers: &[(&str, &str)], body: &str) -> Page {
        let mut request = self.http.request(method, format!("{}{path}", self.address)).body(body.to_owned());
        if !self.cookie.is_empty() {
            request = request.header(header::COOKIE, &self.cookie);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = request.send().await.unwrap();
        let text = |value: &header::HeaderValue| value.to_str().unwrap().to_owned();
        Page {
            status: response.status().as_u16(),
            location: response.headers().get(header::LOCATION).map(text),
            cookies: response.headers().get_all(header::SET_COOKIE).iter().map(text).collect(),
            headers: response.headers().clone(),
            text: response.text().await.unwrap(),
        }
    }
}

impl Page {
    /// The value of a hidden field.
    pub(super) fn field(&self, name: &str) -> &str {
        let begin = format!("<input type=\"hidden\" name=\"{name}\" value=\"");
        let (_, after) = self.text.split_once(&begin).unwrap_or_else(|| panic!("no field {name}: {}", self.text));
        after.split('"').next().unwrap()
    }

    pub(super) fn shows(&self, text: &str) -> bool {
        self.text.contains(text)
    }
}
