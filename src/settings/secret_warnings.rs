//! Secrets that can be read and are hardly what was meant: with blanks or quotes around them, or too short.
//!
//! A finding names the key and where the secret comes from, never the secret.

use std::path::Path;

use secrecy::ExposeSecret as _;

use super::file::SettingsFile;
use super::problem::Problem;
use super::secret::{Environment, SecretRef};
use crate::sources::Step;

/// Below this an admin token can be guessed.
const SHORTEST_ADMIN_TOKEN: usize = 20;

impl SettingsFile {
    /// What is suspect about the secrets that this file refers to. How strong a source's secrets are depends on how the
    /// vendor uses them: `sources` says that.
    pub(super) fn secret_warnings(&self, base_dir: &Path, env: &Environment<'_>) -> Vec<Problem> {
        let mut found = Vec::new();
        for (path, reference) in self.references() {
            // What cannot be read was reported as a fault.
            let Ok(secret) = reference.based_on(base_dir).read(env) else { continue };
            let text = secret.expose_secret();
            let is_admin_token = matches!(path.first(), Some(Step::Key(key)) if key == "admin");
            if let Some(message) = padding(text) {
                found.push(Problem::here(format!("{reference} {message}")).with_path(path));
            } else if is_admin_token && text.chars().count() < SHORTEST_ADMIN_TOKEN {
                let message = format!(
                    "{reference} holds a token of fewer than {SHORTEST_ADMIN_TOKEN} characters, which can be guessed: \
                     make one with `openssl rand -hex 32`"
                );
                found.push(Problem::here(message).with_path(path));
            }
        }
        found
    }

    /// Every secret that is sent or compared as text, with the way to its key.
    fn references(&self) -> Vec<(Vec<Step>, &SecretRef)> {
        let key = |text: &str| Step::Key(text.to_owned());
        let mut all = Vec::new();
        for (i, token) in self.admin.tokens.iter().enumerate() {
            all.push((vec![key("admin"), key("tokens"), Step::Index(i), key("token")], &token.token));
        }
        for (name, site) in &self.sites {
            for (field, reference) in site.auth.secrets() {
                all.push((vec![key("sites"), key(name.as_str()), key("auth"), key(field)], reference));
            }
        }
        for (name, source) in &self.sources {
            let at = [key("sources"), key(name.as_str())];
            for (i, reference) in source.secrets.iter().enumerate() {
                all.push(([&at[..], &[key("secrets"), Step::Index(i)]].concat(), reference));
            }
            for (field, reference) in source.lookup.iter().flat_map(|lookup| lookup.auth.secrets()) {
                all.push(([&at[..], &[key("lookup"), key("auth"), key(field)]].concat(), reference));
            }
        }
        all
    }
}

/// What is around a secret that does not belong to it.
fn padding(secret: &str) -> Option<&'static str> {
    if secret.trim() != secret {
        return Some("begins or ends with a space, which counts as part of the secret: remove it");
    }
    if secret.chars().any(|c| c.is_control() || "\u{200b}\u{200c}\u{200d}\u{2060}\u{feff}\u{ad}".contains(c)) {
        return Some("has an invisible character in it, which counts as part of the secret: type it again");
    }
    let quoted = ['"', '\'', '`'].into_iter().any(|quote| {
        let inner = secret.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote));
        inner.is_some_and(|inner| !inner.is_empty())
    });
    quoted.then_some(
        "has quotes around it, which count as part of the secret (a file for `--env-file` keeps them): remove them",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blanks_quotes_and_invisible_characters_around_a_secret_are_found() {
        for secret in ["a ", " a", "a\t", "\"a\"", "'a'", "`a`", "a\u{200b}", "\u{feff}a", "a\u{a0}"] {
            assert!(padding(secret).is_some(), "{secret:?}");
        }
        for secret in ["a", "a b", "a\"b", "\"", "\"\"", "it's"] {
            assert_eq!(padding(secret), None, "{secret:?}");
        }
    }
}
