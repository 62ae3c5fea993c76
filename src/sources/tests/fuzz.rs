//! Long fuzz runs of the invariants for arbitrary input. They take minutes.
//!
//! ```text
//! FUZZ_SECONDS=180 cargo test --release --lib fuzz -- --ignored --nocapture --test-threads 1
//! ```
//!
//! Each test runs for `FUZZ_SECONDS` (default: 10) over fresh inputs. A failure prints the seed of its input;
//! `FUZZ_SEED` starts with that seed.

use std::time::{Duration, Instant};

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::{RngAlgorithm, TestRng, TestRunner};
use serde_json::Value;

use super::*;

/// Generates inputs until the time is over, and prints their number.
fn run<S: Strategy>(what: &str, strategy: S, holds: impl Fn(S::Value)) {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let budget = Duration::from_secs(number("FUZZ_SECONDS").unwrap_or(10));
    let mut seed = number("FUZZ_SEED").unwrap_or_else(|| u64::from_be_bytes(crate::clock::random()));
    let (begun, mut inputs) = (Instant::now(), 0_u64);
    while begun.elapsed() < budget {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&seed.to_be_bytes());
        let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
        let mut runner = TestRunner::new_with_rng(ProptestConfig::default(), rng);
        for _ in 0..64 {
            let input = strategy.new_tree(&mut runner).unwrap().current();
            let held = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| holds(input)));
            assert!(held.is_ok(), "{what} does not hold: run it again with FUZZ_SEED={seed}");
            inputs += 1;
        }
        seed = seed.wrapping_add(1);
    }
    eprintln!("{what}: {inputs} inputs in {:?}, the last seed was {seed}", begun.elapsed());
}

/// JSON of any shape, including words of the vendors.
fn json() -> impl Strategy<Value = Value> {
    let word = prop_oneof![
        4 => prop::sample::select(vec![
            "type", "id", "employees", "fields", "Status", "Inactive", "departed", "person", "email", "data", "events",
            "value", "target", "User", "alternateId", "employee.left", "contact.deletion", "ann@example.com",
            "2026-12-31", "0000-00-00", "action", "Deleted", "$", "@", "", "resource", "meta", "event_type",
            "changedFields", "detail", "ids", "token", "clientState", "subscriptionType", "occurredAt", "timestamp",
        ]).prop_map(str::to_owned),
        1 => "\\PC{0,12}",
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        word.clone().prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 64, 6, move |inner| {
        prop_oneof![
            vec(inner.clone(), 0..6).prop_map(Value::from),
            vec((word.clone(), inner), 0..6).prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// Bodies: JSON, damaged JSON, forms, and arbitrary bytes.
fn bodies() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        4 => json().prop_map(|value| value.to_string().into_bytes()),
        2 => (json(), any::<prop::sample::Index>(), any::<u8>()).prop_map(|(value, at, byte)| {
            let mut bytes = value.to_string().into_bytes();
            let at = at.index(bytes.len());
            bytes[at] = byte;
            bytes
        }),
        2 => vec(("[a-z_%+\\[\\]]{0,10}", "[ -~]{0,20}"), 0..8).prop_map(|pairs| {
            pairs.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&").into_bytes()
        }),
        1 => (1..400_usize, prop::sample::select(vec!['[', '{', '"'])).prop_map(|(depth, open)| {
            std::iter::repeat_n(open, depth).collect::<String>().into_bytes()
        }),
        1 => vec(any::<u8>(), 0..200),
    ]
}

#[test]
#[ignore = "runs for minutes: see the command above"]
fn fuzz_any_body_causes_no_panic_and_no_error_repeats_it() {
    let presets = preset::names();
    let sources: Vec<_> = presets.iter().map(|name| source(name, usable_secret(name))).collect();
    let types = prop::sample::select(vec![
        None,
        Some("application/json"),
        Some("application/x-www-form-urlencoded"),
        Some("ä;;"),
    ]);
    run("mapper", (0..sources.len(), types, bodies()), |(which, content_type, body)| {
        let read = sources[which].read(content_type, &body);
        let items = match &read {
            Ok(items) => items.iter().collect(),
            Err(_unreadable) => Vec::new(),
        };
        for item in items {
            match item {
                Ok(event) => assert!(!format!("{event:?}").contains("ann@example.com"), "Debug shows an email address"),
                Err(unreadable) => assert!(!unreadable.to_string().contains("ann@example.com"), "{unreadable}"),
            }
        }
        // `explain` returns the events of `read`, with reasons.
        match (read, sources[which].explain(content_type, &body)) {
            (Ok(read), Ok(explained)) => {
                assert_eq!(read, explained.into_iter().map(|explained| explained.event).collect::<Vec<_>>());
            }
            (read, explained) => assert_eq!(read.is_err(), explained.is_err()),
        }
    });
}

#[test]
#[ignore = "runs for minutes: see the command above"]
fn fuzz_unsigned_requests_pass_no_preset() {
    let presets = preset::names();
    let sources: Vec<_> = presets.iter().map(|name| source(name, usable_secret(name))).collect();
    let headers_of: Vec<Vec<HeaderName>> = presets
        .iter()
        .map(|name| {
            let table = &preset::find(name).unwrap().signature;
            let lists = ["headers", "timestamp_headers", "id_headers"].into_iter().filter_map(|key| table.get(key));
            let names = lists.filter_map(toml::Value::as_array).flatten().filter_map(toml::Value::as_str);
            names.chain(["authorization", "content-type"]).map(|name| name.parse().unwrap()).collect()
        })
        .collect();
    let value = prop_oneof![
        vec(any::<u8>(), 0..120),
        "(t=[0-9]{0,14}|v[01]a?[=,][0-9a-f+/=]{0,90}|[, ]){0,6}".prop_map(String::into_bytes),
        "(sha(1|256)[= ]|v0=|Bearer |Basic |)[0-9a-fA-F+/=_-]{0,100}".prop_map(String::into_bytes),
        "[0-9]{0,19}".prop_map(String::into_bytes),
    ];
    let method = prop::sample::select(vec!["POST", "GET", "HEAD", "PUT", ""]);
    let input = (0..sources.len(), method, vec((any::<prop::sample::Index>(), value), 0..8), bodies(), "[ -~]{0,60}");
    run("verification", input, |(which, method, values, body, query)| {
        let mut sent = HeaderMap::new();
        for (name, value) in values {
            let name = &headers_of[which][name.index(headers_of[which].len())];
            if let Ok(value) = HeaderValue::from_bytes(&value) {
                sent.append(name, value);
            }
        }
        let request = Request { method, query: Some(&query), headers: &sent, body: &body };
        let _answer = sources[which].answer_handshake(&request);
        assert!(sources[which].verify(&request, at(SIGNED_AT)).is_err(), "an unsigned request is accepted");
    });
}

#[test]
#[ignore = "runs for minutes: see the command above"]
fn fuzz_signed_request_verifies_and_changed_one_does_not() {
    let presets = preset::names();
    let sources: Vec<_> = presets.iter().map(|name| source(name, usable_secret(name))).collect();
    let input = (0..sources.len(), vec(any::<u8>(), 1..300), any::<prop::sample::Index>(), 0..8_u32, "[!-~]{1,30}");
    run("sign and verify", input, |(which, body, flip, bit, id)| {
        let message = Outgoing { method: "POST", query: None, id: &id, at: at(SIGNED_AT), body: &body };
        let Ok(signed) = sources[which].sign(&message) else { return };
        let sent = headers(&signed);
        let request = Request { method: "POST", query: None, headers: &sent, body: &body };
        assert!(sources[which].verify(&request, at(SIGNED_AT)).is_ok(), "{}", presets[which]);
        let mut changed = body.clone();
        changed[flip.index(body.len())] ^= 1 << bit;
        let request = Request { body: &changed, ..request };
        let bearer = matches!(presets[which], "okta" | "factorial" | "rippling" | "pipedrive" | "auth0");
        assert_eq!(sources[which].verify(&request, at(SIGNED_AT)).is_ok(), bearer, "{}", presets[which]);
    });
}

#[test]
#[ignore = "runs for minutes: see the command above"]
fn fuzz_any_expression_of_settings_causes_no_panic() {
    let path = prop_oneof![
        "\\$(\\.[a-z*]{1,6}|\\['[ -~&&[^'\\\\]]{0,6}'\\]|\\[[-0-9:*]{1,8}\\]|\\.\\.[a-z]{1,4}|\\[\\?@\\.[a-z]{1,4} ?(==|<|>=|!=) ?('[a-z]{0,4}'|[0-9]{1,20}|null)\\]){0,5}",
        "[$@.\\[\\]?'\"*:,()&|!<>=a-z0-9 -]{0,40}",
        "\\PC{0,20}",
    ];
    run("JSONPath", (path.clone(), path, bodies()), |(path, condition, body)| {
        let quoted = |text: &str| Value::from(text).to_string().replace('\u{7f}', "\\u007F");
        let mapping = format!(
            "items = {0}\nskip = {1}\ntype = {0}\nperson_id = ['envelope:$.id', {0}]\nemail = {0}\neffective_at = {0}\n\
             [types]\ndeparted = 'departed'\n[[rules]]\nwhen = {1}\nevent = 'departed'\n",
            quoted(&path),
            quoted(&condition),
        );
        let Ok(mapping) = toml::from_str(&mapping) else { return };
        let spec = Spec { mapping: Some(mapping), ..spec("github", "a-secret") };
        if let Ok(source) = compile(spec) {
            let _events = source.read(None, &body);
        }
    });
}

#[test]
#[ignore = "runs for minutes: see the command above"]
fn fuzz_any_recipe_causes_no_panic_and_accepts_no_forgery() {
    let word = prop::sample::select(vec![
        "hmac",
        "digest",
        "static_header",
        "basic",
        "body_token",
        "sha1",
        "sha256",
        "sha512",
        "hex",
        "base64",
        "base64url",
        "text",
        "s",
        "ms",
        "iso8601",
        "auto",
        "off",
        "5m",
        "-1s",
        "{body}",
        "{timestamp}.{body}",
        "{secret}{body}",
        "{",
        "}",
        "{body}{id}",
        "X-A",
        "x y",
        "",
        "/id",
        "id",
        "v1",
        "none",
        "hubspot",
        "$.a",
        "ä",
    ]);
    let key = prop::sample::select(vec![
        "mode",
        "algorithm",
        "headers",
        "prefix",
        "encoding",
        "key_encoding",
        "key_prefix",
        "template",
        "timestamp_headers",
        "timestamp_part",
        "timestamp_pointer",
        "timestamp_unit",
        "tolerance_past",
        "tolerance_future",
        "id_headers",
        "id_pointer",
        "url_decoding",
        "token_items",
        "token",
        "list",
        "handshakes",
        "expect",
        "other",
    ]);
    let value = (word.clone(), word, 0..4_u8);
    let input = (vec((key, value), 0..8), bodies(), vec(any::<u8>(), 0..60));
    run("recipe", input, |(keys, body, header)| {
        let mut signature = table("headers = ['X-A']");
        for (key, (one, other, shape)) in keys {
            let value = match shape {
                0 => toml::Value::from(one),
                1 => toml::Value::from(vec![one, other]),
                2 => toml::Value::Table(table("separator = ','\npair = '='\nkeys = ['v1']")),
                _ => toml::Value::Array(vec![toml::Value::Table(table(&format!(
                    "kind = 'ping'\nwhen = {{ equals = '{other}' }}"
                )))]),
            };
            signature.insert(key.to_owned(), value);
        }
        let spec = Spec { signature: Some(signature), secrets: vec!["00ff:77".into()], ..Spec::default() };
        let Ok(source) = compile(spec) else { return };
        let mut sent = HeaderMap::new();
        if let Ok(value) = HeaderValue::from_bytes(&header) {
            sent.insert("x-a", value);
        }
        let request = Request { method: "POST", query: None, headers: &sent, body: &body };
        assert!(source.verify(&request, at(SIGNED_AT)).is_err());
    });
}
