//! The values of a query or of a form.

use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{Uri, header};

use super::failure::Failure;

/// Names and values, in their order, without empty values.
#[derive(Debug, Clone, Default)]
pub(super) struct Fields(Vec<(String, String)>);

impl Fields {
    pub(super) fn of(uri: &Uri) -> Self {
        Self::parse(uri.query().unwrap_or_default().as_bytes())
    }

    fn parse(text: &[u8]) -> Self {
        let pairs = form_urlencoded::parse(text).map(|(name, value)| (name.into_owned(), value.trim().to_owned()));
        Self(pairs.filter(|(_, value)| !value.is_empty()).collect())
    }

    /// The parts of a form with a file. A file counts as the text that it holds.
    fn parse_parts(body: &str, boundary: &str) -> Self {
        let delimiter = format!("--{boundary}");
        let parts = body.split(&delimiter).filter_map(|part| part.split_once("\r\n\r\n"));
        let named = parts.filter_map(|(head, value)| {
            let name = head.split("; name=\"").nth(1)?.split('"').next()?;
            Some((name.to_owned(), value.trim().to_owned()))
        });
        Self(named.filter(|(_, value)| !value.is_empty()).collect())
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    /// The values of these names only, as a query.
    pub(super) fn only(&self, names: &[&str]) -> Query {
        let mut query = Query::default();
        for name in names {
            query = query.with_some(name, self.get(name));
        }
        query
    }
}

/// Builds a query.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Query(Vec<(String, String)>);

impl Query {
    #[expect(clippy::needless_pass_by_value, reason = "numbers and texts are passed alike")]
    pub(super) fn with(mut self, name: &str, value: impl ToString) -> Self {
        self.0.retain(|(found, _)| found != name);
        self.0.push((name.to_owned(), value.to_string()));
        self
    }

    pub(super) fn with_some(self, name: &str, value: Option<impl ToString>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    pub(super) fn without(mut self, name: &str) -> Self {
        self.0.retain(|(found, _)| found != name);
        self
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn pairs(&self) -> &[(String, String)] {
        &self.0
    }

    /// The path with this query.
    pub(super) fn on(&self, path: &str) -> String {
        if self.0.is_empty() {
            return path.to_owned();
        }
        let mut serializer = form_urlencoded::Serializer::new(format!("{path}?"));
        for (name, value) in &self.0 {
            serializer.append_pair(name, value);
        }
        serializer.finish().replacen("?&", "?", 1)
    }
}

impl<S: Sync> FromRequestParts<S> for Fields {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Failure> {
        Ok(Self::of(&parts.uri))
    }
}

/// The values of a form. The body's size is limited by the listener.
#[derive(Debug)]
pub(super) struct Form(pub(super) Fields);

impl<S: Send + Sync> FromRequest<S> for Form {
    type Rejection = Failure;

    async fn from_request(request: Request, state: &S) -> Result<Self, Failure> {
        let too_large = |_rejection| Failure::Invalid("the form is too large".to_owned());
        let content_type = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let boundary =
            content_type.and_then(|value| value.strip_prefix("multipart/form-data")?.split_once("boundary="));
        let boundary = boundary.map(|(_, boundary)| boundary.trim_matches('"').to_owned());
        let bytes = Bytes::from_request(request, state).await.map_err(too_large)?;
        Ok(Self(match boundary {
            Some(boundary) => Fields::parse_parts(&String::from_utf8_lossy(&bytes), &boundary),
            None => Fields::parse(&bytes),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn query_is_encoded_and_replaces_earlier_values() {
        let query = Query::default().with("email", "a+b@example.com").with("state", "held").with("state", "revoked");
        assert_eq!(query.on("/cases"), "/cases?email=a%2Bb%40example.com&state=revoked");
        assert_eq!(query.without("email").without("state").on("/cases"), "/cases");
    }

    #[test]
    fn file_of_a_form_is_read_as_text() {
        let body = "--xyz\r\nContent-Disposition: form-data; name=\"format\"\r\n\r\nroster\r\n--xyz\r\n\
                    Content-Disposition: form-data; name=\"file\"; filename=\"a.csv\"\r\nContent-Type: text/csv\r\n\r\n\
                    email\na@example.com\n\r\n--xyz\r\nContent-Disposition: form-data; name=\"csv\"\r\n\r\n\r\n--xyz--\r\n";
        let fields = Fields::parse_parts(body, "xyz");
        assert_eq!(fields.get("format"), Some("roster"));
        assert_eq!(fields.get("file"), Some("email\na@example.com"));
        assert_eq!(fields.get("csv"), None);
    }

    #[test]
    fn empty_values_count_as_missing() {
        let fields = Fields::parse(b"state=&q=+x+&x=1");
        assert_eq!((fields.get("state"), fields.get("q")), (None, Some("x")));
        assert_eq!(fields.only(&["x", "q"]).on("/"), "/?x=1&q=x");
    }
}
