//! `[[admin.tokens]]`: who may use the API and the console.

use std::collections::HashSet;
use std::path::Path;

use secrecy::ExposeSecret as _;
use serde::{Deserialize, Serialize};

use super::header_safe;
use super::problem::Problem;
use super::secret::{Env, SecretRef};
use crate::domain::operator::{AdminToken, Role, TokenDigest};

/// `[admin]`: who may use the API and the console.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AdminTable {
    /// One table a person or a program. Default: nobody.
    pub tokens: Vec<TokenTable>,
}

/// `[[admin.tokens]]`: one person or program.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenTable {
    /// What the history calls them: 1 to 64 characters.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// What they show us.
    pub token: SecretRef,
}

impl AdminTable {
    pub(super) fn convert(&self, base_dir: &Path, env: &Env<'_>) -> Result<Vec<AdminToken>, Problem> {
        let mut names = HashSet::new();
        let mut digests = HashSet::new();
        let mut tokens = Vec::new();
        for (i, table) in self.tokens.iter().enumerate() {
            let token = table.convert(base_dir, env).and_then(|token| {
                if !names.insert(table.name.as_str()) {
                    return Err(Problem::at(
                        "name",
                        format!("`{}` is there already: give everybody a name", token.name),
                    ));
                }
                if !digests.insert(token.digest) {
                    return Err(Problem::at("token", "somebody else has this token: give everybody their own"));
                }
                Ok(token)
            });
            tokens.push(token.map_err(|problem| problem.under_index(i).under("tokens"))?);
        }
        Ok(tokens)
    }
}

impl TokenTable {
    fn convert(&self, base_dir: &Path, env: &Env<'_>) -> Result<AdminToken, Problem> {
        let name = self.name.trim();
        if name.is_empty() || name.chars().count() > 64 || name.chars().any(char::is_control) {
            return Err(Problem::at("name", "a name has 1 to 64 characters"));
        }
        let secret = self.token.based_on(base_dir).read(env).map_err(|error| Problem::from(error).under("token"))?;
        header_safe(&secret).map_err(|problem| problem.under("token"))?;
        Ok(AdminToken { name: name.to_owned(), role: self.role, digest: TokenDigest::of(secret.expose_secret()) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_grow() {
        assert!(Role::Viewer < Role::Operator && Role::Operator < Role::Approver);
    }

    #[test]
    fn a_token_is_recognized_and_not_shown() {
        let digest = TokenDigest::of("correct horse");
        assert!(digest.matches("correct horse") && !digest.matches("correct hors"));
        assert_eq!(format!("{digest:?}"), "TokenDigest(…)");
    }
}
