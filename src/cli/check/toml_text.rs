//! Writes settings as TOML: a table header for each named table, one line for each value below it.
//!
//! The `toml` crate writes a table header for each nested table, also for `{ env = "NAME" }`.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use crate::settings::SettingsFile;

/// The text parses to the same settings. The order is that of the reference.
pub(super) fn write(file: &SettingsFile) -> serde_json::Result<String> {
    // Through JSON text, which keeps the order of the keys.
    let tree: Node = serde_json::from_str(&serde_json::to_string(file)?)?;
    let mut text = String::new();
    if let Node::Table(entries) = &tree {
        section(&mut text, &[], entries);
    }
    Ok(text.trim_start().to_owned())
}

/// Writes the plain keys of a table, then its nested tables.
fn section(text: &mut String, path: &[&str], entries: &[(String, Node)]) {
    for (key, node) in entries {
        if heading(path, key, node).is_none() {
            text.push_str(&format_key(key));
            text.push_str(" = ");
            text.push_str(&node.to_string());
            text.push('\n');
        }
    }
    for (key, node) in entries {
        let inner = [path, &[key.as_str()]].concat();
        let dotted = inner.iter().map(|key| format_key(key)).collect::<Vec<_>>().join(".");
        for entries in heading(path, key, node).into_iter().flatten() {
            if !path.is_empty() || entries.iter().any(|(key, node)| heading(&inner, key, node).is_none()) {
                let [open, close] = if matches!(node, Node::List(_)) { ["[[", "]]"] } else { ["[", "]"] };
                text.push_str(&["\n", open, &dotted, close, "\n"].concat());
            }
            section(text, &inner, entries);
        }
    }
}

/// Returns the tables that get a header: those of the reference, `[[admin.tokens]]`, and the overrides of a source.
fn heading<'a>(path: &[&str], key: &str, node: &'a Node) -> Option<Vec<&'a [(String, Node)]>> {
    match (path, node) {
        ([] | ["sites" | "policies" | "sources"] | ["sources", _], Node::Table(entries)) => Some(vec![entries]),
        (["admin"], Node::List(items)) if key == "tokens" && !items.is_empty() => {
            Some(items.iter().filter_map(Node::entries).collect())
        }
        _ => None,
    }
}

fn format_key(key: &str) -> String {
    let bare = !key.is_empty() && key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    if bare { key.to_owned() } else { quoted(key) }
}

/// JSON escapes are valid in TOML. TOML also requires an escape for DEL.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string().replace('\u{7f}', "\\u007F")
}

/// A value whose tables keep the order of their keys.
enum Node {
    Table(Vec<(String, Self)>),
    List(Vec<Self>),
    Text(String),
    Bool(bool),
    Integer(i64),
    Float(f64),
}

impl Node {
    fn entries(&self) -> Option<&[(String, Self)]> {
        if let Self::Table(entries) = self { Some(entries) } else { None }
    }
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Table(entries) if entries.is_empty() => f.write_str("{}"),
            Self::Table(entries) => {
                let entries: Vec<_> =
                    entries.iter().map(|(key, node)| format!("{} = {node}", format_key(key))).collect();
                write!(f, "{{ {} }}", entries.join(", "))
            }
            Self::List(items) => {
                let items: Vec<_> = items.iter().map(Self::to_string).collect();
                write!(f, "[{}]", items.join(", "))
            }
            Self::Text(text) => f.write_str(&quoted(text)),
            Self::Bool(value) => value.fmt(f),
            Self::Integer(value) => value.fmt(f),
            Self::Float(value) => write!(f, "{value:?}"),
        }
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyNode)
    }
}

struct AnyNode;

impl<'de> Visitor<'de> for AnyNode {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a TOML value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Node, E> {
        Ok(Node::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Node, E> {
        Ok(Node::Integer(value))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Node, E> {
        i64::try_from(value).map(Node::Integer).map_err(E::custom)
    }

    fn visit_f64<E>(self, value: f64) -> Result<Node, E> {
        Ok(Node::Float(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Node, E> {
        Ok(Node::Text(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Node, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Node::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Node, A::Error> {
        let mut table = Vec::new();
        while let Some(entry) = map.next_entry()? {
            table.push(entry);
        }
        Ok(Node::Table(table))
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
        let written = write(&file).unwrap();
        let again: SettingsFile = toml::from_str(&written).unwrap();
        let tables = |file: &SettingsFile| {
            file.sources.values().map(|s| (s.signature.clone(), s.mapping.clone())).collect::<Vec<_>>()
        };
        assert_eq!(tables(&file), tables(&again), "{written}");
        insta::assert_snapshot!(written.split_once("[sources.hr.signature]\n").unwrap().1, @r#"
        "a b" = 1
        deeper = [{ a = -1 }, {}, []]
        f = 1.0
        odd = "\\ \" \n \u007F \u0000 ü"
        on = true

        [sources.hr.mapping]
        "#);
    }
}
