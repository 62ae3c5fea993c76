//! Keys that are understood and validated, but have no effect yet. They are refused: what is written and silently does
//! nothing is worse than what cannot be written.

use toml::de::{DeTable, DeValue};

use super::problem::Problem;

/// The keys without effect. `*` stands for any name. Whoever builds one deletes its line here, and nothing else.
pub const NOT_BUILT_YET: &[&str] = &["sources.*.lookup"];

/// Refuses the first key that is not built yet.
pub(super) fn refuse(document: &DeTable<'_>, not_built_yet: &[&str]) -> Result<(), Problem> {
    for pattern in not_built_yet {
        if let Some(problem) = find(document, pattern) {
            return Err(problem);
        }
    }
    Ok(())
}

fn find(table: &DeTable<'_>, pattern: &str) -> Option<Problem> {
    let (step, rest) = pattern.split_once('.').map_or((pattern, None), |(step, rest)| (step, Some(rest)));
    table.iter().filter(|(key, _)| step == "*" || step == key.get_ref().as_ref()).find_map(|(key, value)| {
        let key = key.get_ref().as_ref();
        match (rest, value.get_ref()) {
            (None, _) => Some(Problem::at(key, "not built yet: take this key out")),
            (Some(rest), DeValue::Table(inner)) => find(inner, rest).map(|problem| problem.under(key)),
            (Some(_), _) => None,
        }
    })
}
