//! A small client of the admin API.

use std::time::Duration;

use anyhow::{Context as _, anyhow, bail};
use reqwest::header::CONTENT_TYPE;
use reqwest::{Method, RequestBuilder, StatusCode};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use url::Url;

use super::{ListArgs, Remote};
use crate::admin::api::List;
use crate::atlassian;

/// How long an answer may take: a little longer than the daemon gives itself.
const PATIENCE: Duration = Duration::from_secs(40);

/// The page size when a whole list is fetched: the largest that the API gives.
const LARGEST_PAGE: &str = "500";

/// Asks one daemon.
#[derive(Debug)]
pub(super) struct Client {
    http: reqwest::Client,
    base: Url,
    token: SecretString,
    json: bool,
}

/// A list, in both forms.
#[derive(Debug)]
pub(super) struct Listed<T> {
    /// As the API said it.
    pub(super) json: String,
    /// What is in it.
    pub(super) items: Vec<T>,
    /// Where it goes on.
    pub(super) next: Option<String>,
}

/// The part of a problem (RFC 9457) that is for people.
#[derive(Deserialize)]
struct ProblemDetails {
    title: String,
    detail: String,
}

impl Client {
    pub(super) fn new(remote: &Remote, token: Option<SecretString>) -> anyhow::Result<Self> {
        let token = token.context("set OFFBOARDD_TOKEN to a token of the settings' [[admin.tokens]]")?;
        if remote.url.cannot_be_a_base() {
            bail!("OFFBOARDD_URL is no address of a daemon: write http://HOST:PORT");
        }
        Ok(Self { http: atlassian::http()?, base: remote.url.clone(), token, json: remote.json })
    }

    /// Whether the user wants the API's JSON.
    pub(super) fn prints_json(&self) -> bool {
        self.json
    }

    pub(super) async fn get(&self, path: &[&str], query: &[(&str, String)]) -> anyhow::Result<String> {
        self.send(self.request(Method::GET, path).query(query)).await
    }

    pub(super) async fn post(&self, path: &[&str], body: &Value) -> anyhow::Result<String> {
        self.send(self.request(Method::POST, path).json(body)).await
    }

    /// Posts a reason, if there is one.
    pub(super) async fn post_reason(&self, path: &[&str], reason: Option<&str>) -> anyhow::Result<String> {
        let body = reason.map_or_else(|| json!({}), |reason| json!({ "reason": reason }));
        self.post(path, &body).await
    }

    /// One page of a list, or all of them.
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
        query.push(("limit", LARGEST_PAGE.to_owned()));
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
        // Only an address without a base has no path, and such a one was refused.
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(["api", "v1"]).extend(path);
        }
        self.http.request(method, url).timeout(PATIENCE).bearer_auth(self.token.expose_secret())
    }

    async fn send(&self, request: RequestBuilder) -> anyhow::Result<String> {
        // The address that failed is not shown: a person's may stand in its query.
        let unreachable =
            || format!("no answer from {}: is the daemon running, and is OFFBOARDD_URL right?", self.base);
        let response = request.send().await.map_err(reqwest::Error::without_url).with_context(unreachable)?;
        let status = response.status();
        let is_json = response.headers().get(CONTENT_TYPE).is_some_and(|value| value.as_bytes().ends_with(b"json"));
        let text = response.text().await.map_err(reqwest::Error::without_url).with_context(unreachable)?;
        if status.is_success() && is_json { Ok(text) } else { Err(self.refusal(status, &text)) }
    }

    fn refusal(&self, status: StatusCode, text: &str) -> anyhow::Error {
        match serde_json::from_str::<ProblemDetails>(text) {
            Ok(problem) => anyhow!("{} ({}): {}", problem.title, status.as_u16(), problem.detail),
            Err(_) => anyhow!("{} answered {status}, and not as offboardd would: is OFFBOARDD_URL right?", self.base),
        }
    }
}

/// Reads an answer.
pub(super) fn read<T: DeserializeOwned>(json: &str) -> anyhow::Result<T> {
    serde_json::from_str(json).context("the daemon's answer is not one that this version knows")
}
