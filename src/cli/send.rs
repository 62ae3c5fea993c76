//! `offboardd send`: signs a body as a source's vendor would, and posts it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, bail};
use clap::Args;
use jiff::Timestamp;
use serde_json::{Value, json};
use url::Url;

use super::config::Config;
use super::output::print_report;
use crate::clock::{self, Clock as _, SystemClock};
use crate::domain::ids::SourceName;
use crate::settings::Settings;
use crate::sources::{Outgoing, near};

#[derive(Debug, Args)]
#[command(after_help = "Example: offboardd send bamboohr --body departure.json")]
pub(super) struct Arguments {
    /// Name of the source in the settings
    source: SourceName,
    /// File with the body; `-` reads standard input
    #[arg(long, value_name = "FILE")]
    body: PathBuf,
    /// URL to post to [default: the webhook listener of the settings]
    #[arg(long)]
    url: Option<Url>,
    /// Delivery id, for vendors that send one [default: a new id]
    #[arg(long)]
    id: Option<String>,
    /// Time of signing (RFC 3339), for vendors that send one [default: now]
    #[arg(long)]
    at: Option<Timestamp>,
    /// Additional header; may be repeated
    #[arg(long = "header", value_name = "K=V", value_parser = header)]
    headers: Vec<(String, String)>,
    /// Print the headers and send nothing
    #[arg(long)]
    print: bool,
    /// Print JSON: the status and the body of the response, or with --print the headers
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(arguments: Arguments, config: &Config) -> anyhow::Result<()> {
    let settings = config.load()?;
    let body = read(&arguments.body)?;
    let url = match &arguments.url {
        Some(url) => url.clone(),
        None => Url::parse(&format!("http://{}/webhooks/{}", settings.file.server.webhooks.get(), arguments.source))?,
    };
    let (headers, body) = sign(&settings, &arguments, &url, &body)?;
    if arguments.print {
        let lines: Vec<_> = headers.iter().map(|(name, value)| format!("{name}: {value}\n")).collect();
        let named: Vec<_> = headers.iter().map(|(name, value)| json!({ "name": name, "value": value })).collect();
        print_report(arguments.json, &json!({ "url": url.as_str(), "headers": named }), &lines.concat());
        return Ok(());
    }
    let mut request = crate::outbound::http()?.post(url.clone()).body(body).timeout(Duration::from_secs(30));
    for (name, value) in &headers {
        request = request.header(name, value);
    }
    let response = request.send().await.map_err(reqwest::Error::without_url).context("cannot post the delivery")?;
    let status = response.status();
    let text = response.text().await.map_err(reqwest::Error::without_url).context("the response ended early")?;
    let body = serde_json::from_str(&text).unwrap_or_else(|_no_json| Value::from(text.as_str()));
    let report = json!({ "url": url.as_str(), "status": status.as_u16(), "response": body });
    print_report(arguments.json, &report, &format!("{status}\n{text}\n"));
    anyhow::ensure!(status.is_success(), "the delivery was rejected: {status}");
    Ok(())
}

/// The headers and the body of a request.
type Signed = (Vec<(String, String)>, Vec<u8>);

/// Returns the vendor's headers, overridden by those of the command line, and the body. The body may begin with header
/// lines, as `offboardd preset show NAME --example` prints them.
fn sign(settings: &Settings, arguments: &Arguments, url: &Url, body: &[u8]) -> anyhow::Result<Signed> {
    let Some(source) = settings.sources.get(&arguments.source) else {
        let known: Vec<_> = settings.sources.keys().map(SourceName::as_str).collect();
        let meant = near::nearest(arguments.source.as_str(), known.iter().copied());
        let meant = meant.map(|meant| format!("did you mean `{meant}`? ")).unwrap_or_default();
        bail!("no source `{}` in the settings; {meant}configured sources: {}", arguments.source, known.join(", "));
    };
    let now = SystemClock.now();
    let id = arguments.id.clone().unwrap_or_else(|| format!("msg_{}", clock::new_id(now).simple()));
    let at = arguments.at.unwrap_or(now);
    let (mut given, body) = source.compiled.prepare(body);
    given.retain(|(name, _)| !arguments.headers.iter().any(|(over, _)| over.eq_ignore_ascii_case(name)));
    given.extend(arguments.headers.iter().cloned());
    let message = Outgoing { method: "POST", query: url.query(), id: &id, at, body: &body };
    let mut headers = vec![("content-type".to_owned(), content_type(&body).to_owned())];
    headers.extend(source.compiled.sign_with(&message, &given)?);
    headers.retain(|(name, _)| !given.iter().any(|(given, _)| given.eq_ignore_ascii_case(name)));
    headers.extend(given);
    Ok((headers, body))
}

/// The content type of a body, from its first bytes.
pub(super) fn content_type(body: &[u8]) -> &'static str {
    let begin = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body).trim_ascii_start();
    let is_form = begin.split(|byte| *byte == b'=').next().is_some_and(|name| {
        name.len() < begin.len() && name.iter().all(|byte| byte.is_ascii_alphanumeric() || b"_-.[]%+".contains(byte))
    });
    // `[` begins a JSON list; no form field has such a name.
    if is_form && !begin.starts_with(b"[") { "application/x-www-form-urlencoded" } else { "application/json" }
}

pub(super) fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    if path.as_os_str() == "-" {
        let mut body = Vec::new();
        std::io::Read::read_to_end(&mut std::io::stdin(), &mut body).context("cannot read standard input")?;
        return Ok(body);
    }
    std::fs::read(path).with_context(|| format!("cannot read the body `{}`", path.display()))
}

fn header(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("expected name=value")?;
    Ok((name.trim().to_owned(), value.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn form_and_json_bodies_get_their_content_type() {
        for body in ["event_name=EmployeeDeleted&id=7", "contact%5Bemail%5D=ann%40example.com", "a[b]=c"] {
            assert_eq!(content_type(body.as_bytes()), "application/x-www-form-urlencoded", "{body}");
        }
        for body in ["{\"a\": \"b=c\"}", "[{\"a\":1}]", " \n{}", "\u{feff}{}", "", "\"Ping test\"", "[1]=2"] {
            assert_eq!(content_type(body.as_bytes()), "application/json", "{body}");
        }
    }
}
