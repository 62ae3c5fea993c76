//! The OpenAPI document, in the parts that its page shows. The document is read as JSON: what the page shows is what
//! `/openapi.json` serves.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::LazyLock;

use askama::filters::HtmlSafe;
use serde_json::Value;

use super::html::Escaped;
use crate::domain::operator::Role;

/// Statuses with which any operation may answer: they are described once.
const COMMON: [&str; 6] = ["400", "401", "413", "415", "500", "503"];

#[derive(Debug)]
pub(super) struct Document {
    pub(super) groups: Vec<Group>,
    pub(super) schemas: Vec<Schema>,
    /// What any operation may answer.
    pub(super) common: Vec<Answer>,
}

/// The operations of one tag.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) name: String,
    pub(super) operations: Vec<Operation>,
}

#[derive(Debug)]
pub(super) struct Operation {
    pub(super) id: String,
    pub(super) method: String,
    pub(super) path: String,
    pub(super) summary: String,
    pub(super) description: String,
    /// The lowest role that may do it; `None` without a token.
    pub(super) role: Option<Role>,
    pub(super) parameters: Vec<Parameter>,
    pub(super) body: Option<Kind>,
    pub(super) answers: Vec<Answer>,
}

#[derive(Debug)]
pub(super) struct Parameter {
    pub(super) name: String,
    pub(super) required: bool,
    pub(super) kind: Kind,
    pub(super) text: String,
}

#[derive(Debug, Clone)]
pub(super) struct Answer {
    pub(super) status: String,
    pub(super) text: String,
    pub(super) kind: Option<Kind>,
}

#[derive(Debug)]
pub(super) struct Schema {
    pub(super) name: String,
    pub(super) text: String,
    pub(super) fields: Vec<Parameter>,
    /// What it is, if it has no fields.
    pub(super) kind: Option<Kind>,
}

/// A type: words, and names of schemas, which are links to them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Kind(Vec<Word>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Word {
    Plain(String),
    Schema(String),
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for word in &self.0 {
            match word {
                Word::Plain(text) => write!(f, "{}", Escaped(text))?,
                Word::Schema(name) => {
                    let name = Escaped(name);
                    write!(f, r##"<a href="#schema-{name}">{name}</a>"##)?;
                }
            }
        }
        Ok(())
    }
}

impl HtmlSafe for Kind {}

static DOCUMENT: LazyLock<Document> = LazyLock::new(|| {
    let document = serde_json::from_str(crate::admin::openapi()).unwrap_or_default();
    Document::of(&document)
});

pub(super) fn document() -> &'static Document {
    &DOCUMENT
}

impl Document {
    fn of(document: &Value) -> Self {
        let mut groups: BTreeMap<String, Vec<Operation>> = BTreeMap::new();
        let mut common: BTreeMap<String, Answer> = BTreeMap::new();
        for (path, item) in members(document, "paths") {
            for (method, value) in item.as_object().into_iter().flatten() {
                let tag = value.pointer("/tags/0").and_then(Value::as_str).unwrap_or("daemon");
                groups.entry(tag.to_owned()).or_default().push(Operation::of(document, path, method, value));
                let shared = answers(document, value).filter(|answer| COMMON.contains(&answer.status.as_str()));
                common.extend(shared.map(|answer| (answer.status.clone(), answer)));
            }
        }
        let schemas = document.pointer("/components/schemas").and_then(Value::as_object);
        Self {
            groups: groups.into_iter().map(|(name, operations)| Group { name, operations }).collect(),
            schemas: schemas.into_iter().flatten().map(|(name, value)| Schema::of(name, value)).collect(),
            common: common.into_values().collect(),
        }
    }
}

impl Operation {
    fn of(document: &Value, path: &str, method: &str, value: &Value) -> Self {
        let role = value.pointer("/security/0/token/0").and_then(Value::as_str);
        Self {
            id: text(value, "operationId"),
            method: method.to_uppercase(),
            path: path.to_owned(),
            summary: text(value, "summary"),
            description: without_role(&text(value, "description")),
            role: role.and_then(|role| role.parse().ok()),
            parameters: items(value, "parameters").map(Parameter::of).collect(),
            body: value.get("requestBody").and_then(content),
            answers: answers(document, value).filter(|answer| !COMMON.contains(&answer.status.as_str())).collect(),
        }
    }
}

impl Parameter {
    fn of(value: &Value) -> Self {
        Self {
            name: text(value, "name"),
            required: value.get("required").and_then(Value::as_bool).unwrap_or_default(),
            kind: value.get("schema").map(kind).unwrap_or_default(),
            text: text(value, "description"),
        }
    }
}

impl Schema {
    fn of(name: &str, value: &Value) -> Self {
        let required: Vec<&str> = items(value, "required").filter_map(Value::as_str).collect();
        let field = |(name, field): (&String, &Value)| Parameter {
            name: name.clone(),
            required: required.contains(&name.as_str()),
            kind: kind(field),
            text: described(field),
        };
        let fields: Vec<Parameter> = members(value, "properties").map(field).collect();
        let kind = fields.is_empty().then(|| kind(value));
        Self { name: name.to_owned(), text: text(value, "description"), fields, kind }
    }
}

fn answers<'a>(document: &'a Value, operation: &'a Value) -> impl Iterator<Item = Answer> {
    members(operation, "responses").map(|(status, value)| {
        let value = referenced(document, value);
        Answer { status: status.clone(), text: text(value, "description"), kind: content(value) }
    })
}

/// The part of the document that a reference names; otherwise the value itself.
fn referenced<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    let reference = value.get("$ref").and_then(Value::as_str).and_then(|reference| reference.strip_prefix('#'));
    reference.and_then(|pointer| document.pointer(pointer)).unwrap_or(value)
}

/// The type of a body or of an answer; other contents than JSON by their name.
fn content(value: &Value) -> Option<Kind> {
    let (name, content) = members(value, "content").next()?;
    match content.get("schema") {
        Some(schema) if name.ends_with("json") => Some(kind(schema)),
        _ => Some(Kind(vec![Word::Plain(name.clone())])),
    }
}

/// The type of a schema in words: `CaseView or null`, `list of string`.
fn kind(schema: &Value) -> Kind {
    let plain = |text: String| Kind(vec![Word::Plain(text)]);
    if let Some(name) = schema.get("$ref").and_then(Value::as_str) {
        return Kind(vec![Word::Schema(name.rsplit('/').next().unwrap_or_default().to_owned())]);
    }
    for alternatives in ["oneOf", "anyOf", "allOf"] {
        if schema.get(alternatives).is_some() {
            // An empty query parameter is the same as none: not a type of its own.
            let shown = items(schema, alternatives).filter(|one| one.get("maxLength") != Some(&Value::from(0)));
            return any_of(shown.map(kind));
        }
    }
    let values: Vec<&str> = items(schema, "enum").filter_map(Value::as_str).collect();
    if !values.is_empty() {
        return plain(values.iter().map(|value| format!("`{value}`")).collect::<Vec<_>>().join(" "));
    }
    let names: Vec<&str> = match schema.get("type") {
        Some(Value::String(name)) => vec![name],
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
        _ => vec!["any"],
    };
    any_of(names.into_iter().map(|name| match (name, schema.get("items"), schema.get("additionalProperties")) {
        ("array", Some(items), _) => prefixed("list of ", kind(items)),
        ("object", _, Some(values)) if values.is_object() => prefixed("map of ", kind(values)),
        _ => match schema.get("format").and_then(Value::as_str) {
            Some(format) if name != "null" => plain(format!("{name}, {format}")),
            _ => plain(name.to_owned()),
        },
    }))
}

fn prefixed(prefix: &str, of: Kind) -> Kind {
    Kind([vec![Word::Plain(prefix.to_owned())], of.0].concat())
}

fn any_of(kinds: impl Iterator<Item = Kind>) -> Kind {
    kinds.fold(Kind::default(), |mut all, kind| {
        if !all.0.is_empty() {
            all.0.push(Word::Plain(" or ".to_owned()));
        }
        all.0.extend(kind.0);
        all
    })
}

/// The description of a field: its own, or that of its alternative.
fn described(field: &Value) -> String {
    let own = text(field, "description");
    if !own.is_empty() {
        return own;
    }
    items(field, "oneOf").map(|one| text(one, "description")).find(|text| !text.is_empty()).unwrap_or_default()
}

/// The page shows the role beside the operation, not in its description.
fn without_role(description: &str) -> String {
    let paragraphs = description.split("\n\n");
    let kept = paragraphs.filter(|text| !text.starts_with("Role") && *text != "Every role.");
    kept.collect::<Vec<_>>().join(" ")
}

fn text(value: &Value, name: &str) -> String {
    value.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn items<'a>(value: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    value.get(name).and_then(Value::as_array).into_iter().flatten()
}

fn members<'a>(value: &'a Value, name: &str) -> impl Iterator<Item = (&'a String, &'a Value)> {
    value.get(name).and_then(Value::as_object).into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(schema: &Value) -> String {
        kind(schema).to_string()
    }

    #[test]
    fn types_are_written_in_words_with_links_to_schemas() {
        use serde_json::json;
        let of = |name: &str| json!({ "$ref": format!("#/components/schemas/{name}") });
        assert_eq!(written(&of("CaseView")), "<a href=\"#schema-CaseView\">CaseView</a>");
        assert_eq!(
            written(&json!({ "oneOf": [of("Hold"), { "type": "null" }] })),
            "<a href=\"#schema-Hold\">Hold</a> or null"
        );
        assert_eq!(
            written(&json!({ "anyOf": [{ "type": "boolean" }, { "type": "string", "maxLength": 0 }] })),
            "boolean"
        );
        assert_eq!(written(&json!({ "type": "array", "items": { "type": "string" } })), "list of string");
        assert_eq!(written(&json!({ "type": ["string", "null"], "format": "date-time" })), "string, date-time or null");
        assert_eq!(written(&json!({ "type": "string", "enum": ["a", "<b>"] })), "`a` `&lt;b&gt;`");
        assert_eq!(
            written(&json!({ "type": "object", "additionalProperties": { "type": "integer" } })),
            "map of integer"
        );
        assert_eq!(written(&json!({})), "any");
    }

    #[test]
    fn every_operation_and_every_schema_of_the_document_is_shown() {
        let served: Value = serde_json::from_str(crate::admin::openapi()).unwrap();
        let document = document();
        let operations: usize = document.groups.iter().map(|group| group.operations.len()).sum();
        let served_operations: usize = members(&served, "paths").map(|(_, item)| item.as_object().unwrap().len()).sum();
        assert_eq!(operations, served_operations);
        let schemas = served.pointer("/components/schemas").unwrap().as_object().unwrap();
        assert_eq!(document.schemas.len(), schemas.len());
        for operation in document.groups.iter().flat_map(|group| &group.operations) {
            assert!(!operation.id.is_empty() && !operation.summary.is_empty(), "{operation:?}");
            assert_eq!(operation.role.is_some(), operation.path.starts_with("/api/v1/"), "{operation:?}");
            assert!(!operation.description.contains("Role"), "{operation:?}");
            assert!(operation.answers.iter().any(|answer| answer.status.starts_with('2')), "{operation:?}");
        }
    }
}
