//! Writes settings as TOML: a table header for each named table, one line for each value below it.
//!
//! `toml::to_string` writes a table header for each nested table, also for `{ env = "NAME" }`.

use toml::{Table, Value};
use toml_writer::ToTomlKey;

use super::SettingsFile;

impl SettingsFile {
    /// The settings as a file, with references to secrets only. The text parses to the same settings. The order is that of
    /// the reference.
    pub fn to_toml(&self) -> Result<String, toml::ser::Error> {
        let mut text = String::new();
        section(&mut text, &[], &Table::try_from(self)?);
        Ok(text.trim_start().to_owned())
    }
}

/// Writes the plain keys of a table, then its nested tables.
fn section(text: &mut String, path: &[&str], table: &Table) {
    for (key, value) in table {
        if nested(path, key, value).is_none() {
            text.extend([key.to_toml_key().as_str(), " = ", value.to_string().as_str(), "\n"]);
        }
    }
    for (key, value) in table {
        let inner = [path, &[key.as_str()]].concat();
        let dotted = inner.iter().map(ToTomlKey::to_toml_key).collect::<Vec<_>>().join(".");
        for table in nested(path, key, value).into_iter().flatten() {
            if !path.is_empty() || table.iter().any(|(key, value)| nested(&inner, key, value).is_none()) {
                let [open, close] = if value.is_array() { ["[[", "]]"] } else { ["[", "]"] };
                text.extend(["\n", open, dotted.as_str(), close, "\n"]);
            }
            section(text, &inner, table);
        }
    }
}

/// Returns the tables that get a header: those of the reference, `[[admin.tokens]]`, and the overrides of a source.
fn nested<'a>(path: &[&str], key: &str, value: &'a Value) -> Option<Vec<&'a Table>> {
    match (path, value) {
        ([] | ["sites" | "policies" | "sources"] | ["sources", _], Value::Table(table)) => Some(vec![table]),
        (["admin"], Value::Array(items)) if key == "tokens" && !items.is_empty() => {
            Some(items.iter().filter_map(Value::as_table).collect())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_value_survives_a_round_trip() {
        let text = r#"
            [sources.hr]
            site = "acme"
            policy = "leavers"
            secrets = [{ env = "HR_KEY" }]
            signature = { "a b" = 1, f = 1.0, on = true, deeper = [{ a = -1 }, {}, []], odd = "\\ \" \n \u007F \u0000 ü" }
            mapping = {}
        "#;
        let file: SettingsFile = toml::from_str(text).unwrap();
        let written = file.to_toml().unwrap();
        let again: SettingsFile = toml::from_str(&written).unwrap();
        let tables = |file: &SettingsFile| {
            file.sources.values().map(|s| (s.signature.clone(), s.mapping.clone())).collect::<Vec<_>>()
        };
        assert_eq!(tables(&file), tables(&again), "{written}");
        insta::assert_snapshot!(written.split_once("[sources.hr.signature]\n").unwrap().1, @r#"
        "a b" = 1
        f = 1.0
        on = true
        deeper = [{ a = -1 }, {}, []]
        odd = """
        \\ " 
         \u007F \u0000 ü"""

        [sources.hr.mapping]
        "#);
    }
}
