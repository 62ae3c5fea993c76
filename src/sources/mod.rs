//! Inbound knowledge: what HR and CRM systems send, how they sign it, and what it means.

use secrecy::SecretString;
use url::Url;

use crate::domain::ids::SourceName;

/// What the settings say of a source, before it is compiled.
#[derive(Debug, Clone, Default)]
pub struct Spec {
    /// The preset's name; without one, the generic description is all in `signature` and `mapping`.
    pub preset: Option<String>,
    /// `[sources.X.signature]`: overrides the preset's, key by key.
    pub signature: Option<toml::Table>,
    /// `[sources.X.mapping]`: overrides the preset's, key by key.
    pub mapping: Option<toml::Table>,
    /// Any of them is accepted.
    pub secrets: Vec<SecretString>,
    /// The address under which the vendor reaches this source, for schemes that sign it.
    pub public_url: Option<Url>,
}

/// A source, ready to verify, to shake hands and to read.
#[derive(Debug)]
pub struct Source;

/// What is wrong with the description of a source: one sentence that says what to write instead.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct CompileError(pub String);

impl Source {
    /// Makes a source of what the settings say.
    pub fn compile(name: &SourceName, spec: Spec) -> Result<Self, CompileError> {
        let _ = (name, spec);
        Ok(Self)
    }
}
