//! Invariants for every recipe: a signed request verifies, a changed one does not, and nothing panics.

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

/// Recipes with every kind of signature.
fn recipes() -> impl Strategy<Value = String> {
    let algorithms = prop::sample::select(vec!["sha1", "sha256", "sha512"]);
    let encodings = prop::sample::select(vec!["hex", "base64", "base64url"]);
    let templates = prop::sample::select(vec![
        "{body}",
        "{body}{timestamp}",
        "{timestamp}.{body}",
        "{id}.{timestamp}.{body}",
        "POST{body}",
        "{method}{url}{body}{timestamp}",
        "v0:{timestamp}:{id}:{body}",
    ]);
    let shapes = prop::sample::select(vec![
        "",
        "prefix = 'sha256 '",
        "prefix = 'v0='",
        "list = { separator = ',', pair = '=', keys = ['v1'] }",
        "list = { separator = ' ', pair = ',', keys = ['v1', 'v2'] }",
    ]);
    let units = prop::sample::select(vec!["s", "ms", "iso8601", "auto"]);
    (algorithms, encodings, templates, shapes, units, any::<bool>(), any::<bool>()).prop_map(
        |(algorithm, encoding, template, shape, unit, digest, in_list)| {
            let (mode, template) =
                if digest { ("digest", format!("{{secret}}{template}")) } else { ("hmac", template.to_owned()) };
            let time = match (template.contains("{timestamp}"), in_list && shape.starts_with("list")) {
                (false, _) => "",
                (true, true) => "timestamp_part = 't'",
                (true, false) => "timestamp_headers = ['X-Time']",
            };
            format!(
                "mode = '{mode}'\nalgorithm = '{algorithm}'\nencoding = '{encoding}'\ntemplate = '{template}'\n\
                 headers = ['X-Signature']\nid_headers = ['X-Id']\n{shape}\n{time}\ntimestamp_unit = '{unit}'\n"
            )
        },
    )
}

fn described(recipe: &str, secret: &str) -> Source {
    compile(Spec {
        signature: Some(table(recipe)),
        secrets: vec![SecretString::from(secret)],
        public_url: Some("https://hooks.example.com/webhooks/x".parse().unwrap()),
        ..Spec::default()
    })
    .unwrap()
}

fn outgoing<'a>(id: &'a str, body: &'a [u8]) -> Outgoing<'a> {
    Outgoing { method: "POST", query: Some("a=1"), id, at: at(SIGNED_AT), body }
}

fn received<'a>(headers: &'a HeaderMap, body: &'a [u8]) -> Request<'a> {
    Request { method: "POST", query: Some("a=1"), headers, body }
}

proptest! {
    #[test]
    fn signed_request_verifies(
        recipe in recipes(), secret in "[ -~]{0,40}[!-~]", id in "[!-~]{1,40}", body in vec(any::<u8>(), 0..200),
    ) {
        let source = described(&recipe, &secret);
        let signed = headers(&source.sign(&outgoing(&id, &body)).unwrap());
        let verified = source.verify(&received(&signed, &body), at(SIGNED_AT)).unwrap();
        // An unsigned id or time counts for nothing: anyone could have written it.
        prop_assert_eq!(verified.delivery_id, recipe.contains("{id}").then_some(id));
    }

    #[test]
    fn changed_request_is_rejected(
        recipe in recipes(), id in "[!-~]{1,40}", body in vec(any::<u8>(), 1..200), flip in any::<prop::sample::Index>(),
        bit in 0..8_u32,
    ) {
        let source = described(&recipe, "a-secret");
        let signed = headers(&source.sign(&outgoing(&id, &body)).unwrap());
        let mut changed = body.clone();
        changed[flip.index(body.len())] ^= 1 << bit;
        prop_assert!(source.verify(&received(&signed, &changed), at(SIGNED_AT)).is_err());
        let other = described(&recipe, "b-secret");
        prop_assert!(other.verify(&received(&signed, &body), at(SIGNED_AT)).is_err());
        if recipe.contains("{id}") {
            let mut forged = signed.clone();
            forged.insert("x-id", format!("{id}x").parse().unwrap());
            prop_assert!(source.verify(&received(&forged, &body), at(SIGNED_AT)).is_err());
        }
        if recipe.contains("{timestamp}") {
            prop_assert_eq!(source.verify(&received(&signed, &body), at(SIGNED_AT + 301)).unwrap_err(), Rejection::Stale);
            if recipe.contains("X-Time") {
                let later = source.sign(&Outgoing { at: at(SIGNED_AT + 1), ..outgoing(&id, &body) }).unwrap();
                let mut forged = signed;
                forged.insert("x-time", headers(&later)["x-time"].clone());
                prop_assert!(source.verify(&received(&forged, &body), at(SIGNED_AT)).is_err());
            }
        }
    }

    #[test]
    fn verification_never_panics(
        recipe in recipes(), values in vec(vec(32_u8.., 0..80), 0..6), body in vec(any::<u8>(), 0..80),
    ) {
        let mut arbitrary = HeaderMap::new();
        for (value, name) in values.iter().zip(["x-signature", "x-time", "x-id", "x-signature", "x-time", "x-id"]) {
            if let Ok(value) = HeaderValue::from_bytes(value) {
                arbitrary.append(name, value);
            }
        }
        let verdict = described(&recipe, "a-secret").verify(&received(&arbitrary, &body), at(SIGNED_AT));
        prop_assert!(verdict.is_err());
    }

    #[test]
    fn arbitrary_input_makes_no_preset_panic(
        preset in prop::sample::select(preset::names()), body in "[\\PC]{0,60}", query in "[ -~]{0,40}", value in "[ -~]{0,40}",
    ) {
        let source = source(preset, usable_secret(preset));
        let mut sent = HeaderMap::new();
        for name in find_headers(preset) {
            sent.insert(name, value.parse().unwrap());
        }
        for method in ["POST", "GET", "HEAD"] {
            let request = Request { method, query: Some(&query), headers: &sent, body: body.as_bytes() };
            let _answer = source.answer_handshake(&request);
            prop_assert!(source.verify(&request, at(SIGNED_AT)).is_err());
        }
        for content_type in [None, Some("application/json"), Some("application/x-www-form-urlencoded")] {
            let _events = source.read(content_type, body.as_bytes());
        }
    }

    #[test]
    fn public_library_agrees(id in "msg_[a-zA-Z0-9]{1,30}", body in "[ -~]{0,100}", key in vec(any::<u8>(), 24..64)) {
        use base64::Engine as _;
        let secret = format!("whsec_{}", base64::prelude::BASE64_STANDARD.encode(&key));
        let theirs = standardwebhooks::Webhook::new(&secret).unwrap();
        let ours = source("standard-webhooks", &secret);
        let signature = theirs.sign(&id, SIGNED_AT, body.as_bytes()).unwrap();
        let time = SIGNED_AT.to_string();
        let sent = headers(&[("webhook-id", id.as_str()), ("webhook-timestamp", &time), ("webhook-signature", &signature)]);
        prop_assert!(ours.verify(&post(&sent, body.as_bytes()), at(SIGNED_AT)).is_ok());
        let signed = ours.sign(&outgoing(&id, body.as_bytes())).unwrap();
        prop_assert!(signed.contains(&("webhook-signature".to_owned(), signature)));
    }
}

/// The headers that a preset reads, by its own table.
fn find_headers(preset: &str) -> Vec<HeaderName> {
    let table = &preset::find(preset).unwrap().signature;
    ["headers", "timestamp_headers", "id_headers"]
        .into_iter()
        .filter_map(|key| table.get(key)?.as_array())
        .flatten()
        .map(|name| HeaderName::try_from(name.as_str().unwrap()).unwrap())
        .collect()
}
