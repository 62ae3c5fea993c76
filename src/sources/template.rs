//! The signed text of a vendor: literals and tokens in order.

use axum::http::HeaderName;

use super::compile_error::CompileError;
use super::header;

/// A placeholder of a template.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Token {
    /// The raw body.
    Body,
    /// The time, in the vendor's notation.
    Timestamp,
    /// The delivery's id.
    Id,
    /// The method, such as `POST`.
    Method,
    /// The public URL with the query.
    Url,
    /// The secret, for plain digests.
    Secret,
}

const TOKENS: [(&str, Token); 6] = [
    ("body", Token::Body),
    ("timestamp", Token::Timestamp),
    ("id", Token::Id),
    ("method", Token::Method),
    ("url", Token::Url),
    ("secret", Token::Secret),
];

/// A part of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Part {
    /// Fixed text.
    Literal(Box<[u8]>),
    /// A placeholder.
    Token(Token),
    /// The value of a header; empty when the request lacks the header.
    Header(HeaderName),
}

/// The signed text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Template(Vec<Part>);

impl Template {
    /// Parses a template like `v0:{timestamp}:{body}`.
    ///
    /// `{body}` is required: a signature without the body protects nothing. A literal time is rejected: it would be the
    /// same for every request, and no window could be checked.
    pub(super) fn parse(text: &str) -> Result<Self, CompileError> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((literal, behind)) = rest.split_once('{') {
            push_literal(&mut parts, literal)?;
            let (name, behind) =
                behind.split_once('}').ok_or_else(|| CompileError::at("template", "a `{` is not closed"))?;
            if let Some(name) = name.strip_prefix("header:") {
                parts.push(Part::Header(header::name(name).map_err(|error| error.within("template"))?));
                rest = behind;
                continue;
            }
            let token = TOKENS.iter().find(|(known, _)| *known == name).map(|(_, token)| *token).ok_or_else(|| {
                CompileError::at(
                    "template",
                    "unknown token; there are {body} {timestamp} {id} {method} {url} {secret} {header:NAME}",
                )
            })?;
            parts.push(Part::Token(token));
            rest = behind;
        }
        push_literal(&mut parts, rest)?;
        let template = Self(parts);
        if template.holds(Token::Body) {
            Ok(template)
        } else {
            Err(CompileError::at("template", "{body} is missing; a signature without it protects nothing"))
        }
    }

    /// Whether the token occurs.
    pub(super) fn holds(&self, token: Token) -> bool {
        self.0.contains(&Part::Token(token))
    }

    /// The headers that are signed.
    pub(super) fn headers(&self) -> impl Iterator<Item = &HeaderName> {
        self.0.iter().filter_map(|part| match part {
            Part::Header(name) => Some(name),
            Part::Literal(_) | Part::Token(_) => None,
        })
    }

    /// The parts, in order.
    pub(super) fn parts(&self) -> &[Part] {
        &self.0
    }
}

fn push_literal(parts: &mut Vec<Part>, literal: &str) -> Result<(), CompileError> {
    if looks_like_a_time(literal) {
        return Err(CompileError::at("template", "a time is typed in as text; write {timestamp}"));
    }
    if !literal.is_empty() {
        parts.push(Part::Literal(literal.as_bytes().into()));
    }
    Ok(())
}

/// Eight digits in a row are a date or seconds; `2026-…` is an ISO date.
fn looks_like_a_time(literal: &str) -> bool {
    let shape: String = literal.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    shape.contains("00000000") || shape.contains("0000-00-00")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_and_tokens_keep_their_order() {
        let template = Template::parse("v0:{timestamp}:{body}").unwrap();
        assert_eq!(
            template.parts(),
            [
                Part::Literal((*b"v0:").into()),
                Part::Token(Token::Timestamp),
                Part::Literal((*b":").into()),
                Part::Token(Token::Body),
            ]
        );
    }

    #[test]
    fn template_that_protects_nothing_is_rejected() {
        for (text, hint) in [
            ("{timestamp}", "{body} is missing"),
            ("", "{body} is missing"),
            ("{body", "not closed"),
            ("{body}{nonce}", "unknown token"),
            ("{body}{header:a b}", "cannot be the name of a header"),
            ("1766000000.{body}", "typed in"),
            ("2026-01-31T00:00:00Z{body}", "typed in"),
        ] {
            let error = Template::parse(text).unwrap_err().to_string();
            assert!(error.contains(hint), "{text}: {error}");
        }
    }
}
