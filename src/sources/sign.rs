//! The inverse of verification: the headers that a vendor would send, from the same recipe.

use std::borrow::Cow;

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use jiff::Timestamp;

use super::bearer::BodyToken;
use super::mapping::body;
use super::signature::{Envelope, IdSource, Scheme, Shape, Signed, TemplateValues};
use super::timestamp::TimeSource;

/// A request to sign.
#[derive(Debug, Clone, Copy)]
pub struct Outgoing<'a> {
    /// Usually `POST`.
    pub method: &'a str,
    /// The part after the `?` of the URL.
    pub query: Option<&'a str>,
    /// The delivery's id, if the vendor sends one in a header.
    pub id: &'a str,
    /// The time of signing, if the vendor sends one outside the body.
    pub at: Timestamp,
    pub body: &'a [u8],
}

/// Why a request could not be signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SignError {
    /// No secret is configured.
    #[error("the source has no secret")]
    NoSecret,
    /// The vendor puts the secret into the body, and this body lacks it.
    #[error("this vendor's proof stands in the body: put the secret there, as the vendor would")]
    TokenNotInBody,
}

impl Scheme {
    /// The headers that sign a message with the first secret.
    pub(super) fn sign(
        &self,
        message: &Outgoing<'_>,
        covered: &[(String, String)],
    ) -> Result<Vec<(String, String)>, SignError> {
        let mut headers: Vec<_> =
            self.expect.iter().map(|required| (required.name.to_string(), required.value.clone())).collect();
        if let Some(IdSource::Header(names)) = &self.id
            && let Some(name) = names.first()
        {
            headers.push((name.to_string(), message.id.to_owned()));
        }
        match &self.shape {
            Shape::Signed(signed) => self.sign_template(signed, message, covered, &mut headers)?,
            Shape::StaticHeader(bearer) => headers.push(bearer.headers().ok_or(SignError::NoSecret)?),
            Shape::Basic(basic) => headers.push(basic.headers().ok_or(SignError::NoSecret)?),
            Shape::BodyToken(token) => check_token(token, message.body)?,
        }
        Ok(headers)
    }

    fn sign_template(
        &self,
        signed: &Signed,
        message: &Outgoing<'_>,
        covered: &[(String, String)],
        headers: &mut Vec<(String, String)>,
    ) -> Result<(), SignError> {
        let covered = covered.iter().filter_map(|(name, value)| {
            Some((HeaderName::try_from(name).ok()?, HeaderValue::try_from(value.as_str()).ok()?))
        });
        let covered: HeaderMap = covered.collect();
        let timestamp = self.unit.print(message.at);
        let url = signed.url(message.query);
        let values = TemplateValues {
            body: message.body,
            timestamp: timestamp.as_bytes(),
            id: message.id.as_bytes(),
            method: message.method.as_bytes(),
            url: url.as_bytes(),
            headers: &covered,
        };
        let key = signed.keys.first().ok_or(SignError::NoSecret)?;
        let signature = signed.encoding.encode(&signed.tag(key, &values));
        if let Some(TimeSource::Header(names)) = &self.time
            && let Some(name) = names.first()
        {
            headers.push((name.to_string(), timestamp.clone()));
        }
        if let Some(name) = signed.headers.first() {
            headers.push((name.to_string(), self.wrap(&signed.envelope, &signature, &timestamp)));
        }
        Ok(())
    }

    fn wrap(&self, envelope: &Envelope, signature: &str, timestamp: &str) -> String {
        let list = match envelope {
            Envelope::Prefix(prefix) => return format!("{prefix}{signature}"),
            Envelope::List(list) => list,
        };
        let entry = |key: &str, value: &str| format!("{key}{}{value}", list.pair);
        let time = match &self.time {
            Some(TimeSource::Part(key)) => Some(entry(key, timestamp)),
            Some(TimeSource::Header(_) | TimeSource::Body(_)) | None => None,
        };
        let key = list.keys.first().map_or(Cow::Borrowed(""), Cow::from);
        let entries: Vec<_> = time.into_iter().chain([entry(&key, signature)]).collect();
        entries.join(&list.separator.to_string())
    }
}

fn check_token(token: &BodyToken, bytes: &[u8]) -> Result<(), SignError> {
    body::parse(None, bytes)
        .ok()
        .filter(|body| token.verify(body).is_ok())
        .map(|_body| ())
        .ok_or(SignError::TokenNotInBody)
}
