//! `[[admin.tokens]]`: who may use the API and the console.

use std::collections::HashSet;
use std::path::Path;

use secrecy::ExposeSecret as _;
use serde::{Deserialize, Serialize};

use super::problem::Problem;
use super::secret::{Environment, SecretRef};
use crate::domain::operator::{AdminToken, Role, TokenDigest};

/// `[admin]`: the operators who may use the API and the console.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AdminTable {
    /// One table for each person or program. Default: `[]`.
    pub tokens: Vec<TokenTable>,
}

/// `[[admin.tokens]]`: one person or program.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenTable {
    /// Name in the history and in approvals: 1 to 64 Latin characters. Two names must not look alike. Example: `"rosa"`.
    pub name: String,
    /// What the token may do: `viewer` reads without personal data, `operator` also acts on cases, `approver` also
    /// approves.
    pub role: Role,
    /// The bearer token, of at least 20 characters. Example: `{ env = "ROSA_TOKEN" }`.
    pub token: SecretRef,
}

impl AdminTable {
    /// All tokens, or all that is wrong with them.
    pub(super) fn convert(&self, base_dir: &Path, env: &Environment<'_>) -> Result<Vec<AdminToken>, Vec<Problem>> {
        let (tokens, problems) = self.read(base_dir, env);
        if problems.is_empty() { Ok(tokens) } else { Err(problems) }
    }

    /// The tokens that can be read, and what is wrong with the others.
    pub(super) fn read(&self, base_dir: &Path, env: &Environment<'_>) -> (Vec<AdminToken>, Vec<Problem>) {
        let mut names = HashSet::new();
        let mut digests = HashSet::new();
        let (mut tokens, mut problems) = (Vec::new(), Vec::new());
        for (i, table) in self.tokens.iter().enumerate() {
            let token = table.convert(base_dir, env).and_then(|token| {
                if !names.insert(skeleton(&token.name)) {
                    return Err(Problem::at(
                        "name",
                        format!("`{}` exists already, or a name that looks like it: choose another name", token.name),
                    ));
                }
                if !digests.insert(token.digest) {
                    return Err(Problem::at("token", "another entry has this token: create one token for each person"));
                }
                Ok(token)
            });
            match token {
                Ok(token) => tokens.push(token),
                Err(problem) => problems.push(problem.under_index(i).under("tokens")),
            }
        }
        (tokens, problems)
    }
}

/// What a reader takes a name for: approvals are counted by name, so that no two may look alike.
fn skeleton(name: &str) -> String {
    let words: Vec<&str> = name.split_whitespace().collect();
    let look = |c: char| match c {
        '0' => 'o',
        '1' | 'I' | '|' => 'l',
        '`' | '"' => '\'',
        other => other,
    };
    words.join(" ").chars().map(look).flat_map(char::to_lowercase).collect::<String>().replace("rn", "m")
}

/// Whether a character can stand in a name: printable ASCII and the accented letters of European languages, since letters
/// of other scripts look like these. The four that look like plain letters are left out.
fn is_name_character(c: char) -> bool {
    let accented = ('\u{c0}'..='\u{17e}').contains(&c) && !"×÷ıĸŀŉ".contains(c);
    c == ' ' || c.is_ascii_graphic() || accented
}

impl TokenTable {
    fn convert(&self, base_dir: &Path, env: &Environment<'_>) -> Result<AdminToken, Problem> {
        let name = self.name.trim();
        if name.is_empty() || name.chars().count() > 64 {
            return Err(Problem::at("name", "a name has 1 to 64 characters"));
        }
        if !name.chars().all(is_name_character) {
            return Err(Problem::at("name", "write the name in Latin letters: others look like them"));
        }
        let secret = self.token.based_on(base_dir).read_token(env);
        let secret = secret.map_err(|error| Problem::from(error).under("token"))?;
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
    fn names_that_look_alike_are_one_name() {
        let lookalikes = [("rosa", "Rosa"), ("rosa  b", "rosa b"), ("tom0", "tomO"), ("Ian", "lan"), ("bern", "bem")];
        for (one, other) in lookalikes {
            assert_eq!(skeleton(one), skeleton(other), "{one} and {other}");
        }
        assert_ne!(skeleton("rosa"), skeleton("rose"));
    }

    #[test]
    fn letters_that_look_like_latin_ones_are_no_name() {
        // Cyrillic o, Greek alpha, full width a, no-break space, zero width space, right-to-left override.
        for c in ['\u{43e}', '\u{3b1}', '\u{ff41}', '\u{a0}', '\u{200b}', '\u{202e}', '\u{131}', '\t', '\u{301}'] {
            assert!(!is_name_character(c), "{c:?}");
        }
        assert!("tom \"the\" ü Žižek-O'Neil_2".chars().all(is_name_character));
    }

    #[test]
    fn a_token_is_recognized_and_not_shown() {
        let digest = TokenDigest::of("correct horse");
        assert!(digest.matches("correct horse") && !digest.matches("correct hors"));
        assert_eq!(format!("{digest:?}"), "TokenDigest(…)");
    }
}
