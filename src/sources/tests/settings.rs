//! Errors in the settings of a source are reported on load, in a sentence that names the key.

use super::*;

fn refusal(signature: &str, mapping: &str, secret: &str) -> String {
    let spec = Spec {
        signature: Some(table(signature)),
        mapping: (!mapping.is_empty()).then(|| table(mapping)),
        secrets: vec![SecretString::from(secret)],
        ..Spec::default()
    };
    compile(spec).unwrap_err().to_string()
}

#[test]
fn signature_that_protects_nothing_is_rejected() {
    for (signature, hint) in [
        ("", "`headers` names no header"),
        ("headers = ['X-S']\ntemplate = '{timestamp}'", "{body} is missing"),
        ("headers = ['X-S']\ntemplate = '{timestamp}{body}'", "needs timestamp_headers"),
        ("headers = ['X-S']\ntimestamp_headers = ['X-T']", "the time is not signed"),
        ("headers = ['X-S']\ntemplate = '{id}{body}'", "needs id_headers"),
        ("headers = ['X-S']\ntemplate = '{id}{body}'\nid_pointer = '/id'", "needs id_headers"),
        ("headers = ['X-S']\ntemplate = '{secret}{body}'", "mode = \"digest\""),
        ("headers = ['X-S']\nmode = 'digest'", "{secret}"),
        ("headers = ['X-S']\ntemplate = '{url}{body}'", "server.public_url"),
        ("headers = ['X S']", "cannot be the name of a header"),
        (
            "headers = ['X-S']\nprefix = 'v1='\nlist = { separator = ',', pair = '=', keys = ['v1'] }",
            "exclude each other",
        ),
        (
            "headers = ['X-S']\nlist = { separator = ',', pair = '=', keys = [] }",
            "signature.list.keys: the list is empty",
        ),
        ("headers = ['X-S']\nlist = { separator = '¦', pair = '=', keys = ['v1'] }", "are ASCII"),
        ("headers = ['X-S']\nlist = { separator = ',', pair = '→', keys = ['v1'] }", "are ASCII"),
        ("headers = ['X-S']\ntimestamp_part = 't'", "timestamp_part: this key needs `list`"),
        ("headers = ['X-S']\ntimestamp_pointer = 'at'", "begins with `/`"),
        ("headers = ['X-S']\ntimestamp_headers = ['X-T']\ntimestamp_pointer = '/at'", "only one of"),
        ("headers = ['X-S']\nid_headers = ['X-I']\nid_pointer = '/id'", "only one of"),
        ("headers = ['X-S']\ntolerance_past = '5 lightyears'", "signature.tolerance_past: not a duration"),
        ("headers = ['X-S']\nheader = 'X-T'", "did you mean `headers`?"),
        ("headers = ['X-S']\nalgorithm = 'md5'", "signature.algorithm: write one of: `sha1`, `sha256`, `sha512`"),
        ("mode = 'body_token'", "needs `token`"),
        ("headers = ['X-S']\nhandshakes = [{ kind = 'head', method = 'GET' }]", "method: unknown key"),
        ("headers = ['X-S']\nhandshakes = [{ kind = 'wave' }]", "write one of: `echo_header`"),
        ("mode = 'basic'", "user:password"),
    ] {
        let error = refusal(signature, "", "a-secret");
        assert!(error.starts_with("sources.test.") && error.contains(hint), "{signature}: {error}");
    }
}

#[test]
fn mapping_without_event_or_person_is_rejected() {
    let signed = "headers = ['X-S']";
    for (mapping, hint) in [
        ("person_id = '$.id'", "`type` and `types`, or `rules`"),
        ("type = '$.type'\nperson_id = '$.id'", "`type` and `types`, or `rules`"),
        ("types = { gone = 'departed' }\nperson_id = '$.id'", "`type` and `types`, or `rules`"),
        ("type = '$.type'\ntypes = { gone = 'departed' }", "`person_id` or `email`"),
        ("rules = [{ when = '@.gone', event = 'departed' }]", "`person_id` or `email`"),
        ("type = '$.type'\ntypes = { gone = 'deleted' }", "write one of: departed"),
        ("type = '$.[type'", "mapping.type: `$.[type` is no JSONPath"),
        ("rules = [{ when = '@.a ==', event = 'departed' }]", "`@.a ==` is no condition"),
        ("zone = 'Europe/Atlantis'", "mapping.zone: expected a time zone"),
        ("persons_id = '$.id'", "did you mean `person_id`?"),
    ] {
        let error = refusal(signed, mapping, "a-secret");
        assert!(error.starts_with("sources.test.") && error.contains(hint), "{mapping}: {error}");
    }
}

#[test]
fn rule_alone_can_define_event_and_person() {
    for place in ["person_id = '$.id'", "email = '$.mail'"] {
        let mapping = format!("rules = [{{ when = '@.gone', event = 'departed', {place} }}]");
        let spec = Spec {
            signature: Some(table("headers = ['X-S']")),
            mapping: Some(table(&mapping)),
            secrets: vec![SecretString::from("secret")],
            ..Spec::default()
        };
        assert!(compile(spec).is_ok(), "{place}");
    }
}

#[test]
fn publicly_known_secret_is_rejected() {
    for (preset, secret, hint) in [
        ("github", "", "empty"),
        ("github", " \n", "empty"),
        ("standard-webhooks", "whsec_", "empty"),
        ("standard-webhooks", "whsec_$$$", "not base64"),
        ("github", "dGhpc19zZWNyZXRfaXNfZm9yX3Rlc3Rpbmdfb25seQ==", "Zendesk's public test secret"),
    ] {
        let error = compile(spec(preset, secret)).unwrap_err().to_string();
        assert!(error.contains(hint), "{preset}: {error}");
    }
    let none = Spec { secrets: Vec::new(), ..spec("github", "x") };
    assert!(compile(none).unwrap_err().to_string().contains("secrets: any sender would be accepted"));
}

#[test]
fn secret_in_a_declared_form_is_found() {
    let copper = source("copper", "s3cret");
    let verified = |content_type: &str, body: &str| {
        let headers = headers(&[("Content-Type", content_type)]);
        copper.verify(&post(&headers, body.as_bytes()), at(SIGNED_AT)).map(|verified| verified.delivery_id)
    };
    let form = "application/x-www-form-urlencoded; charset=utf-8";
    assert_eq!(verified(form, "secret=s3cret&type=person"), Ok(None));
    assert_eq!(verified(form, "secret=guess&type=person"), Err(Rejection::SignatureMismatch));
    assert_eq!(verified("text/plain", "secret=s3cret&type=person"), Err(Rejection::BodyUnreadable));
    assert_eq!(verified("application/json", r#"{"secret":"s3cret"}"#), Ok(None));
}

#[test]
fn body_without_the_vendors_token_is_not_signed() {
    let copper = source("copper", "s3cret");
    let sign = |body: &str| {
        copper.sign(&Outgoing { method: "POST", query: None, id: "1", at: at(SIGNED_AT), body: body.as_bytes() })
    };
    assert_eq!(sign(r#"{"secret":"s3cret"}"#), Ok(Vec::new()));
    assert_eq!(sign(r#"{"secret":"guess"}"#), Err(SignError::TokenNotInBody));
    assert_eq!(sign("secret"), Err(SignError::TokenNotInBody));
}

#[test]
fn unknown_preset_lists_the_known_ones() {
    let error = compile(spec("bambooHR", "x")).unwrap_err().to_string();
    assert!(error.contains("unknown preset `bambooHR`") && error.contains("bamboohr, "), "{error}");
    assert!(compile(Spec::default()).unwrap_err().to_string().contains("preset ="));
}

#[test]
fn secret_without_padding_is_accepted() {
    assert!(compile(spec("standard-webhooks", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfI")).is_ok());
}

#[test]
fn any_of_several_secrets_is_accepted() {
    let both =
        compile(Spec { secrets: vec![SecretString::from("new"), SecretString::from("old")], ..spec("github", "x") })
            .unwrap();
    for secret in ["new", "old"] {
        let message = Outgoing { method: "POST", query: None, id: "1", at: at(SIGNED_AT), body: b"{}" };
        let signed = headers(&source("github", secret).sign(&message).unwrap());
        assert!(both.verify(&post(&signed, b"{}"), at(SIGNED_AT)).is_ok(), "{secret}");
    }
}

#[test]
fn secret_listed_twice_counts_once() {
    let twice = |preset, secret| {
        let source = compile(Spec { secrets: vec![SecretString::from(secret); 2], ..spec(preset, secret) }).unwrap();
        let message = Outgoing { method: "POST", query: None, id: "1", at: at(SIGNED_AT), body: b"{}" };
        let signed = headers(&source.sign(&message).unwrap());
        source.verify(&post(&signed, b"{}"), at(SIGNED_AT)).map(|verified| verified.delivery_id)
    };
    for (preset, secret) in [("github", "x"), ("okta", "x"), ("pipedrive", "user:password")] {
        assert!(twice(preset, secret).is_ok(), "{preset}");
    }
}

#[test]
fn debug_shows_no_secret() {
    for preset in preset::names() {
        let shown = format!("{:?}", source(preset, usable_secret(preset)));
        assert!(!shown.contains("00112233") && !shown.contains("user:password"), "{preset}: {shown}");
        // Nor the bytes that hex, base64 or text decode to.
        assert!(!shown.contains("[0, 17, 34") && !shown.contains("[48, 48, 49"), "{preset}: {shown}");
        assert!(shown.contains("SignatureKey(…)") || shown.contains("SecretDigests(…)"), "{preset}: {shown}");
    }
}

#[test]
fn source_can_be_shared_between_tasks() {
    fn shared<T: Send + Sync>(_: &T) {}
    shared(&source("bamboohr", "x"));
}

#[test]
fn event_types_and_person_fields_of_a_mapping_are_reported() {
    let facts = |preset: &str| {
        let source = source(preset, usable_secret(preset));
        let departs = source.event_types().contains(&EventType::Departed);
        (departs, source.can_name_address(), source.can_name_id())
    };
    for (preset, expected) in [
        ("standard-webhooks", (true, true, true)),
        ("gusto", (true, false, true)),
        ("remote", (true, false, true)),
        ("deel", (true, true, true)),
        ("kombo", (false, false, false)),
        ("greenhouse", (false, false, false)),
        ("microsoft-graph", (false, false, false)),
        ("shopify", (false, true, true)),
    ] {
        assert_eq!(facts(preset), expected, "{preset}");
    }
}
