//! Reads headers unambiguously: a header with two different values counts as missing.

use axum::http::{HeaderMap, HeaderName, HeaderValue};

use super::compile_error::CompileError;
use super::rejection::Rejection;

/// Alternative names of one header; never empty, the first that is present counts.
pub(super) type Names = Vec<HeaderName>;

/// Parses names; `None` when there are none.
pub(super) fn names(texts: &[String]) -> Result<Option<Names>, CompileError> {
    let names = texts.iter().map(|text| name(text)).collect::<Result<Names, _>>()?;
    Ok((!names.is_empty()).then_some(names))
}

pub(super) fn name(text: &str) -> Result<HeaderName, CompileError> {
    HeaderName::try_from(text).map_err(|_ignored| CompileError::new(format!("`{text}` cannot be the name of a header")))
}

/// The value of the first name that is present.
pub(super) fn find<'a>(headers: &'a HeaderMap, names: &[HeaderName]) -> Result<Option<&'a [u8]>, Rejection> {
    for name in names {
        let mut values = headers.get_all(name).iter().map(HeaderValue::as_bytes);
        let Some(first) = values.next() else { continue };
        return if values.all(|other| other == first) { Ok(Some(first)) } else { Err(Rejection::HeaderAmbiguous) };
    }
    Ok(None)
}

/// A header that must be present with exactly this value.
#[derive(Debug, Clone)]
pub(super) struct RequiredHeader {
    pub(super) name: HeaderName,
    pub(super) value: String,
}

impl RequiredHeader {
    pub(super) fn parse(text: &str, value: &str) -> Result<Self, CompileError> {
        Ok(Self { name: name(text)?, value: value.to_owned() })
    }

    pub(super) fn holds(&self, headers: &HeaderMap) -> Result<bool, Rejection> {
        let found = find(headers, std::slice::from_ref(&self.name))?;
        Ok(found == Some(self.value.as_bytes()))
    }
}
