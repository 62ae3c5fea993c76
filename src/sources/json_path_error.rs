//! Describes an invalid JSONPath for its author: the position, and what to write instead.

use serde_json_path::{JsonPath, ParseError};

/// Describes what is wrong with `path`. A condition is parsed inside `$[?…]`: `before` is the length of the preceding
/// text.
pub(crate) fn describe(path: &str, error: &ParseError, before: usize) -> String {
    if let Some(instead) = instead(path).filter(|_| before == 0) {
        return format!("`{path}` is no JSONPath (RFC 9535): write `{instead}`");
    }
    let at = error.position().saturating_sub(before).min(path.len());
    let place = match path.get(at..) {
        Some(rest) if !rest.is_empty() => format!("at character {}, before `{rest}`", characters(path, at) + 1),
        _ => "at its end".to_owned(),
    };
    let kind = if before == 0 {
        "JSONPath (RFC 9535), like `$.person.email`"
    } else {
        "condition (RFC 9535), like `@.status == 'left'`"
    };
    format!("`{path}` is no {kind}: it cannot be read {place}")
}

fn characters(path: &str, bytes: usize) -> usize {
    path.get(..bytes).map_or(0, |before| before.chars().count())
}

/// The path that `work.email`, `.work.email`, `/work/email` or `work email` probably mean.
fn instead(path: &str) -> Option<String> {
    let path = path.trim();
    if path.starts_with(['$', '@']) || path.is_empty() {
        return path.strip_prefix('@').map(|rest| format!("${rest}")).filter(|path| JsonPath::parse(path).is_ok());
    }
    let steps: Vec<&str> = match path.strip_prefix('/') {
        Some(pointer) => pointer.split('/').collect(),
        None => path.trim_start_matches('.').split('.').collect(),
    };
    let mut instead = "$".to_owned();
    for step in steps {
        let bare = JsonPath::parse(&format!("$.{step}")).is_ok();
        instead.extend(if bare { [".", step, ""] } else { ["['", step, "']"] });
    }
    JsonPath::parse(&instead).is_ok().then_some(instead)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_path(path: &str) -> String {
        describe(path, &JsonPath::parse(path).unwrap_err(), 0)
    }

    #[test]
    fn path_without_dollar_suggests_path_with_dollar() {
        for (path, instead) in [
            ("workEmail", "$.workEmail"),
            (".work.email", "$.work.email"),
            ("/work/email", "$.work.email"),
            ("fields.Work Email", "$.fields['Work Email']"),
            ("people[0].email", "$.people[0].email"),
            ("@.email", "$.email"),
        ] {
            assert_eq!(of_path(path), format!("`{path}` is no JSONPath (RFC 9535): write `{instead}`"));
        }
    }

    #[test]
    fn incomplete_path_reports_its_position() {
        insta::assert_snapshot!(of_path("$.work email"), @"`$.work email` is no JSONPath (RFC 9535), like `$.person.email`: it cannot be read at character 7, before ` email`");
        insta::assert_snapshot!(of_path("$.work["), @"`$.work[` is no JSONPath (RFC 9535), like `$.person.email`: it cannot be read at character 7, before `[`");
        let error = JsonPath::parse("$[?@.status = 'left']").unwrap_err();
        insta::assert_snapshot!(describe("@.status = 'left'", &error, 3), @"`@.status = 'left'` is no condition (RFC 9535), like `@.status == 'left'`: it cannot be read at character 10, before `= 'left'`");
    }
}
