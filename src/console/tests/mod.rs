//! Tests of the console as a whole: its screens, its texts, and hostile values.

mod hostile;
mod screens;
mod sentences;
mod size;
mod texts;
mod today;

use reqwest::Method;

use crate::admin::tests::{Daemon, TestResponse};

/// A daemon with the console.
pub(super) async fn daemon() -> Daemon {
    Daemon::with_console(true, |admin| super::router(admin, "mode = \"enforce\"\n".to_owned())).await
}

/// A visitor who is signed in.
pub(super) struct Visit {
    address: String,
    /// Follows no redirect, so that a test sees it.
    client: reqwest::Client,
    cookie: String,
}

impl Visit {
    pub(super) async fn of(daemon: &Daemon, who: &str) -> Self {
        let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        let mut visit = Self { address: daemon.address.clone(), client, cookie: String::new() };
        let response = visit.post("/sign-in", &format!("token={who}")).await;
        assert_eq!(response.status, 303, "{}", response.text);
        let cookie = response.headers["set-cookie"].to_str().unwrap();
        cookie.split(';').next().unwrap().clone_into(&mut visit.cookie);
        visit
    }

    pub(super) async fn get(&self, path: &str) -> TestResponse {
        self.send(Method::GET, path, String::new()).await
    }

    pub(super) async fn post(&self, path: &str, form: &str) -> TestResponse {
        self.send(Method::POST, path, form.to_owned()).await
    }

    async fn send(&self, method: Method, path: &str, form: String) -> TestResponse {
        let request = self.client.request(method, format!("{}{path}", self.address)).header("cookie", &self.cookie);
        Daemon::answer(request.header("sec-fetch-site", "same-origin").body(form)).await
    }
}
