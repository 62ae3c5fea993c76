//! Compares every answer of the admin listener with its OpenAPI document: status, content type, body.

use std::collections::BTreeMap;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock};

use jsonschema::Validator;
use serde_json::{Value, json};

static CHECKED: AtomicUsize = AtomicUsize::new(0);

/// An answer to a request.
pub(super) struct Answer<'a> {
    pub(super) method: &'a str,
    /// Without the query.
    pub(super) path: &'a str,
    pub(super) status: u16,
    pub(super) content_type: &'a str,
    pub(super) body: &'a str,
}

/// The document that the binary prints, which is the one that the daemon serves.
pub(crate) fn document() -> &'static Value {
    static DOCUMENT: OnceLock<Value> = OnceLock::new();
    DOCUMENT.get_or_init(|| {
        let printed = Command::new(env!("CARGO_BIN_EXE_offboardd")).arg("openapi").output().unwrap();
        assert!(printed.status.success());
        serde_json::from_slice(&printed.stdout).unwrap()
    })
}

/// The number of answers that this process has compared.
pub(crate) fn checked() -> usize {
    CHECKED.load(Ordering::Relaxed)
}

/// Fails the story if the document does not describe the answer. A path that is no route is not described.
pub(super) fn check(answer: &Answer<'_>) {
    let Answer { method, path, status, content_type, body } = *answer;
    let Some(template) = template(path) else {
        assert_eq!(status, 404, "{path} is not in the document, and is answered with {status}");
        return;
    };
    let Some(operation) = document()["paths"][template].get(method.to_lowercase()) else {
        assert_eq!(status, 405, "{method} {template} is not in the document, and is answered with {status}");
        return;
    };
    let stated = &operation["responses"][status.to_string()];
    assert!(stated.is_object(), "{method} {template}: {status} is not in the document: {body}");
    let pointer = match stated.get("$ref") {
        Some(reference) => reference.as_str().unwrap().trim_start_matches('#').to_owned(),
        None => format!("/paths/{}/{}/responses/{status}", escaped(template), method.to_lowercase()),
    };
    let response = document().pointer(&pointer).unwrap_or_else(|| panic!("no response at {pointer}"));
    let essence = content_type.split(';').next().unwrap_or_default();
    let content = &response["content"][essence];
    assert!(content.is_object(), "{method} {template} {status}: `{essence}` is not in the document");
    CHECKED.fetch_add(1, Ordering::Relaxed);
    if !essence.ends_with("json") {
        return;
    }
    let body: Value = serde_json::from_str(body).unwrap_or_else(|error| panic!("{method} {template}: {error}: {body}"));
    let pointer = format!("{pointer}/content/{}/schema", escaped(essence));
    validate(&pointer, &body, &format!("{method} {template} {status}"));
}

/// The path of the document that a path is an instance of. A literal segment is preferred to a parameter.
fn template(path: &str) -> Option<&'static str> {
    let paths = document()["paths"].as_object().unwrap();
    let segments: Vec<&str> = path.split('/').collect();
    let fits = |template: &&String| {
        let parts: Vec<&str> = template.split('/').collect();
        parts.len() == segments.len()
            && parts.iter().zip(&segments).all(|(part, segment)| part == segment || part.starts_with('{'))
    };
    paths.keys().filter(fits).min_by_key(|template| template.matches('{').count()).map(String::as_str)
}

fn escaped(part: &str) -> String {
    part.replace('~', "~0").replace('/', "~1")
}

/// Validators are compiled once for each response. Members that a schema does not name fail.
fn validate(pointer: &str, body: &Value, what: &str) {
    static VALIDATORS: Mutex<BTreeMap<String, &'static Validator>> = Mutex::new(BTreeMap::new());
    let validator = {
        let mut validators = VALIDATORS.lock().unwrap();
        *validators.entry(pointer.to_owned()).or_insert_with(|| {
            let mut schema = document().pointer(pointer).unwrap_or_else(|| panic!("no schema at {pointer}")).clone();
            schema["components"] = closed(document()["components"].clone());
            Box::leak(Box::new(jsonschema::validator_for(&schema).unwrap()))
        })
    };
    let errors: Vec<String> =
        validator.iter_errors(body).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(errors.is_empty(), "{what} differs from its document: {errors:#?}\n{body:#}");
}

/// The schemas with `unevaluatedProperties: false` where the document is open to later additions: no member may be
/// undocumented.
fn closed(mut components: Value) -> Value {
    let schemas = components["schemas"].as_object_mut().unwrap();
    // A part of another schema does not know the members of the whole.
    let parts: Vec<String> = schemas
        .values()
        .filter_map(|schema| schema["allOf"].as_array())
        .flatten()
        .filter_map(|part| part["$ref"].as_str()?.rsplit('/').next().map(str::to_owned))
        .collect();
    for (name, schema) in schemas.iter_mut() {
        let is_object = schema.get("properties").is_some() || schema.get("allOf").is_some();
        if is_object && !parts.contains(name) {
            schema["unevaluatedProperties"] = json!(false);
        }
    }
    components
}
