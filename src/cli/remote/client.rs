//! A client of the admin API.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, anyhow, bail};
use jiff::Timestamp;
use jiff::fmt::rfc2822;
use jiff::tz::TimeZone;
use reqwest::header::{CONTENT_TYPE, DATE};
use reqwest::{Method, RequestBuilder, StatusCode};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use url::Url;

use super::options::{ListArgs, Remote};
use super::screen::Screen;
use super::times::Times;
use crate::admin::api::List;
use crate::clock::{Clock as _, SystemClock};

/// Longer than the request timeout of the daemon.
const TIMEOUT: Duration = Duration::from_secs(40);

/// For a file of 100,000 rows.
const FILE_TIMEOUT: Duration = Duration::from_mins(2);

/// The largest page size of the API.
const MAX_PAGE_SIZE: &str = "500";

#[derive(Debug)]
pub(super) struct Client {
    http: reqwest::Client,
    base: Url,
    token: SecretString,
    json: bool,
    screen: Screen,
    /// The daemon's time, by its latest response.
    now: Mutex<Option<Timestamp>>,
}

#[derive(Debug)]
pub(super) struct Listed<T> {
    /// The response text.
    pub(super) json: String,
    pub(super) items: Vec<T>,
    /// The cursor of the next page.
    pub(super) next: Option<String>,
}

/// The members of a problem (RFC 9457) that are printed.
#[derive(Deserialize)]
struct ProblemDetails {
    title: String,
    detail: String,
}

/// The daemon rejected a name or a value of the command line.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Misuse(String);

impl Client {
    pub(super) fn new(remote: &Remote, token: Option<SecretString>, screen: Screen) -> anyhow::Result<Self> {
        let token = token.context("OFFBOARDD_TOKEN is not set: set it to one of the [[admin.tokens]]")?;
        if remote.url.cannot_be_a_base() {
            bail!("invalid OFFBOARDD_URL: use http://HOST:PORT");
        }
        Ok(Self {
            http: crate::outbound::http()?,
            base: remote.url.clone(),
            token,
            json: remote.json,
            screen,
            now: Mutex::default(),
        })
    }

    pub(super) fn screen(&self) -> Screen {
        self.screen
    }

    pub(super) fn prints_json(&self) -> bool {
        self.json
    }

    /// The daemon's time, the zone of this machine.
    pub(super) fn times(&self) -> Times {
        let now = *self.now.lock().unwrap_or_else(PoisonError::into_inner);
        Times { now: now.unwrap_or_else(|| SystemClock.now()), zone: TimeZone::system() }
    }

    pub(super) async fn get(&self, path: &[&str], query: &[(&str, String)]) -> anyhow::Result<String> {
        self.send(self.request(Method::GET, path).query(query)).await
    }

    /// Returns a response of plain text.
    pub(super) async fn get_text(&self, path: &[&str], query: &[(&str, String)]) -> anyhow::Result<String> {
        self.send_for(self.request(Method::GET, path).query(query), b"text/plain").await
    }

    pub(super) async fn post(&self, path: &[&str], body: &Value) -> anyhow::Result<String> {
        self.send(self.request(Method::POST, path).json(body)).await
    }

    /// Posts a CSV file.
    pub(super) async fn post_file(
        &self,
        path: &[&str],
        query: &[(&str, String)],
        file: Vec<u8>,
    ) -> anyhow::Result<String> {
        let request = self.request(Method::POST, path).query(query).timeout(FILE_TIMEOUT);
        self.send(request.header(CONTENT_TYPE, "text/csv").body(file)).await
    }

    pub(super) async fn post_reason(&self, path: &[&str], reason: Option<&str>) -> anyhow::Result<String> {
        let body = reason.map_or_else(|| json!({}), |reason| json!({ "reason": reason }));
        self.post(path, &body).await
    }

    /// Returns one page, or with `--all` all pages.
    pub(super) async fn list<T: DeserializeOwned>(
        &self,
        resource: &str,
        filter: &[(&str, Option<String>)],
        args: &ListArgs,
    ) -> anyhow::Result<Listed<T>> {
        let filter = filter.iter().filter_map(|(name, value)| Some((*name, value.clone()?)));
        let mut query: Vec<(&str, String)> = filter.collect();
        if args.all {
            return self.list_all(resource, query).await;
        }
        query.extend(args.limit.map(|limit| ("limit", limit.to_string())));
        query.extend(args.cursor.clone().map(|cursor| ("cursor", cursor)));
        let json = self.get(&[resource], &query).await?;
        let page: List<T> = read(&json)?;
        Ok(Listed { json, items: page.items, next: page.next })
    }

    async fn list_all<T: DeserializeOwned>(
        &self,
        resource: &str,
        mut query: Vec<(&str, String)>,
    ) -> anyhow::Result<Listed<T>> {
        query.push(("limit", MAX_PAGE_SIZE.to_owned()));
        let mut items: Vec<Value> = Vec::new();
        let mut cursor = None;
        loop {
            let at = cursor.map(|cursor| ("cursor", cursor));
            let page = [query.as_slice(), at.as_slice()].concat();
            let page: List<Value> = read(&self.get(&[resource], &page).await?)?;
            items.extend(page.items);
            cursor = page.next;
            if cursor.is_none() {
                break;
            }
        }
        let json = json!({ "items": items, "next": null }).to_string();
        let items = read::<List<T>>(&json)?.items;
        Ok(Listed { json, items, next: None })
    }

    fn request(&self, method: Method, path: &[&str]) -> RequestBuilder {
        let mut url = self.base.clone();
        // Only a URL without a base has no path; `new` rejects it.
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(["api", "v1"]).extend(path);
        }
        self.http.request(method, url).timeout(TIMEOUT).bearer_auth(self.token.expose_secret())
    }

    async fn send(&self, request: RequestBuilder) -> anyhow::Result<String> {
        self.send_for(request, b"application/json").await
    }

    /// Another content type than the expected one is not a response of this API.
    async fn send_for(&self, request: RequestBuilder, content_type: &[u8]) -> anyhow::Result<String> {
        // The query of the URL may contain an email address: print the base URL only.
        let unreachable =
            || format!("no response from {}: check that the daemon runs and that OFFBOARDD_URL is correct", self.base);
        let response = request.send().await.map_err(reqwest::Error::without_url).with_context(unreachable)?;
        let status = response.status();
        let date = response.headers().get(DATE).and_then(|date| rfc2822::parse(date.to_str().ok()?).ok());
        *self.now.lock().unwrap_or_else(PoisonError::into_inner) = date.map(|date| date.timestamp());
        let found = response.headers().get(CONTENT_TYPE);
        let is_expected = found.is_some_and(|found| found.as_bytes().starts_with(content_type));
        let text = response.text().await.map_err(reqwest::Error::without_url).with_context(unreachable)?;
        if status.is_success() && is_expected { Ok(text) } else { Err(self.problem(status, &text)) }
    }

    fn problem(&self, status: StatusCode, text: &str) -> anyhow::Error {
        match serde_json::from_str::<ProblemDetails>(text) {
            // An unknown name or a malformed value: the command line is wrong, not the daemon.
            Ok(problem) if matches!(status, StatusCode::BAD_REQUEST | StatusCode::UNPROCESSABLE_ENTITY) => {
                Misuse(problem.detail).into()
            }
            Ok(problem) => anyhow!("{} ({}): {}", problem.title, status.as_u16(), problem.detail),
            Err(_) => anyhow!("unexpected response {status} from {}: check that OFFBOARDD_URL is correct", self.base),
        }
    }
}

pub(super) fn read<T: DeserializeOwned>(json: &str) -> anyhow::Result<T> {
    serde_json::from_str(json).context("cannot parse the response: use a client of the daemon's version")
}
