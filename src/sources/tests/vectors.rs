//! Published and computed vectors; a change of any byte is rejected.

use super::computed::COMPUTED;
use super::published::{HUBSPOT, PUBLISHED};
use super::*;

/// A request of a vendor that is known to be genuine.
pub(super) struct Vector {
    pub(super) preset: &'static str,
    /// The overrides of the settings, in TOML.
    pub(super) signature: &'static str,
    pub(super) secret: &'static str,
    pub(super) method: &'static str,
    pub(super) url: Option<&'static str>,
    pub(super) query: Option<&'static str>,
    pub(super) headers: &'static [(&'static str, &'static str)],
    pub(super) body: &'static str,
    pub(super) now: i64,
}

/// The body and the secret of the computed ones.
pub(super) const PLAIN: Vector = Vector {
    preset: "github",
    signature: "",
    secret: "test-secret",
    method: "POST",
    url: None,
    query: None,
    headers: &[],
    body: r#"{"event":"employee.terminated","id":"42"}"#,
    now: SIGNED_AT,
};

impl Vector {
    fn source(&self, secret: &str) -> Source {
        let mut spec = spec(self.preset, secret);
        spec.signature = Some(table(self.signature));
        if let Some(url) = self.url {
            spec.public_url = Some(url.parse().unwrap());
        }
        compile(spec).unwrap()
    }

    fn check(&self, source: &Source, headers: &HeaderMap, body: &[u8]) -> Result<Verified, Rejection> {
        source.verify(&Request { method: self.method, query: self.query, headers, body }, at(self.now))
    }
}

fn holds(vector: &Vector) {
    let verdict = vector.check(&vector.source(vector.secret), &headers(vector.headers), vector.body.as_bytes());
    assert!(verdict.is_ok(), "{}: {verdict:?}", vector.preset);
}

fn every_byte_counts(vector: &Vector) {
    let source = vector.source(vector.secret);
    let genuine = headers(vector.headers);
    for index in 0..vector.body.len() {
        let mut body = vector.body.as_bytes().to_vec();
        body[index] ^= 1;
        assert!(vector.check(&source, &genuine, &body).is_err(), "{}: body byte {index}", vector.preset);
    }
    for (name, value) in vector.headers {
        for index in 0..value.len() {
            let mut changed = value.as_bytes().to_vec();
            changed[index] ^= 1;
            let Ok(changed) = HeaderValue::from_bytes(&changed) else { continue };
            let mut forged = genuine.clone();
            forged.insert(HeaderName::try_from(*name).unwrap(), changed);
            let verdict = vector.check(&source, &forged, vector.body.as_bytes());
            assert!(verdict.is_err(), "{}: byte {index} of {name}", vector.preset);
        }
        let mut missing = genuine.clone();
        missing.remove(*name);
        assert!(vector.check(&source, &missing, vector.body.as_bytes()).is_err(), "{}: no {name}", vector.preset);
    }
}

fn another_key_is_refused(vector: &Vector) {
    // One letter of the secret is changed to another one that is valid in text, hex and base64.
    let (first, rest) = vector.secret.split_at(vector.secret.len() - 4);
    let other = rest.replacen(|c: char| c.is_ascii_alphanumeric(), "0", 1);
    let other = if other == rest { rest.replacen('0', "1", 1) } else { other };
    let verdict =
        vector.check(&vector.source(&format!("{first}{other}")), &headers(vector.headers), vector.body.as_bytes());
    assert_eq!(verdict.unwrap_err(), Rejection::SignatureMismatch, "{}", vector.preset);
}

#[test]
fn every_vector_verifies() {
    PUBLISHED.iter().chain(COMPUTED).for_each(holds);
}

#[test]
fn change_of_any_byte_of_a_vector_is_rejected() {
    PUBLISHED.iter().chain(COMPUTED).for_each(every_byte_counts);
}

#[test]
fn another_key_is_rejected_for_every_vector() {
    PUBLISHED.iter().chain(COMPUTED).for_each(another_key_is_refused);
}

#[test]
fn signing_reproduces_the_computed_vectors() {
    for vector in COMPUTED {
        let message = Outgoing {
            method: vector.method,
            query: vector.query,
            id: "1",
            at: at(SIGNED_AT),
            body: vector.body.as_bytes(),
        };
        let signed = headers(&vector.source(vector.secret).sign(&message).unwrap());
        let (name, value) = vector.headers.last().unwrap();
        // Attio sends the same value under two names; a vendor may add a blank between entries.
        let signed = signed.get(*name).or_else(|| signed.get("Attio-Signature")).unwrap();
        assert_eq!(signed.to_str().unwrap(), value.replace(", ", ","), "{}", vector.preset);
    }
}

#[test]
fn older_signature_is_rejected_if_a_newer_one_is_configured() {
    let v1 = PUBLISHED.iter().find(|vector| vector.preset == "hubspot-v1").unwrap();
    for (preset, rejection) in [("hubspot", Rejection::SignatureMissing), ("hubspot-v2", Rejection::HeaderUnexpected)] {
        let verdict = source(preset, HUBSPOT).verify(&post(&headers(v1.headers), v1.body.as_bytes()), at(SIGNED_AT));
        assert_eq!(verdict.unwrap_err(), rejection, "{preset}");
    }
}

#[test]
fn segment_batch_with_only_its_first_item_signed_is_rejected() {
    let segment = source("segment", "secret");
    let first = r#"{"type":"delete","userId":"42"}"#;
    let message = Outgoing { method: "POST", query: None, id: "1", at: at(SIGNED_AT), body: first.as_bytes() };
    let signed = headers(&segment.sign(&message).unwrap());
    assert!(segment.verify(&post(&signed, first.as_bytes()), at(SIGNED_AT)).is_ok());
    let batch = format!("[{first},{}]", r#"{"type":"delete","userId":"43"}"#);
    assert!(segment.verify(&post(&signed, batch.as_bytes()), at(SIGNED_AT)).is_err());
}

#[test]
fn time_of_a_first_attempt_is_valid_for_days() {
    let vector = COMPUTED.iter().find(|vector| vector.preset == "remote").unwrap();
    let source = vector.source(vector.secret);
    let headers = headers(vector.headers);
    let request = post(&headers, vector.body.as_bytes());
    assert!(source.verify(&request, at(SIGNED_AT + 3 * 86_400)).is_ok());
    assert_eq!(source.verify(&request, at(SIGNED_AT + 3 * 86_400 + 1)).unwrap_err(), Rejection::Stale);
    assert_eq!(source.window(), Some(SignedDuration::from_hours(72) + SignedDuration::from_mins(5)));
}

#[test]
fn the_id_of_a_delivery_is_reported() {
    let vector = &PUBLISHED[1];
    let verified =
        vector.check(&vector.source(vector.secret), &headers(vector.headers), vector.body.as_bytes()).unwrap();
    assert_eq!(verified.delivery_id.as_deref(), Some("msg_p5jXN8AQM9LWM0D4loKWxJek"));
    assert!(verified.handshake.is_none());
}

/// The first Standard Webhooks vector with another signature header.
fn standard_webhooks_with(signature: &str, now: i64) -> Result<(), Rejection> {
    let vector = &PUBLISHED[1];
    let mut headers = headers(vector.headers);
    headers.insert("webhook-signature", signature.parse().unwrap());
    let request = post(&headers, vector.body.as_bytes());
    vector.source(vector.secret).verify(&request, at(now)).map(|_verified| ())
}

const GENUINE: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
const SENT_AT: i64 = 1_614_265_330;

#[test]
fn one_valid_signature_among_several_is_enough() {
    for signature in [
        GENUINE.to_owned(),
        format!("v1,Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc= v2,Zm9v {GENUINE}"),
        format!(
            "garbage v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg== ,, v1 {GENUINE}"
        ),
        format!("  {GENUINE}  "),
        // Padding may be missing.
        GENUINE.trim_end_matches('=').to_owned(),
    ] {
        assert_eq!(standard_webhooks_with(&signature, SENT_AT), Ok(()), "{signature}");
    }
}

#[test]
fn signatures_of_other_versions_do_not_count() {
    for signature in [
        GENUINE.replace("v1,", "v2,"),
        GENUINE.replace("v1,", "v1a,"),
        GENUINE.replace("v1,", "V1,"),
        GENUINE.replace("v1,", ""),
        GENUINE.replace("v1,", ","),
        "v1,".to_owned(),
        "v1".to_owned(),
        String::new(),
        " ".to_owned(),
        "v1,g0hM".to_owned(),
    ] {
        assert!(standard_webhooks_with(&signature, SENT_AT).is_err(), "{signature}");
    }
}

#[test]
fn the_window_is_five_minutes_on_both_sides_and_its_edges_are_inside() {
    assert_eq!(standard_webhooks_with(GENUINE, SENT_AT + 300), Ok(()));
    assert_eq!(standard_webhooks_with(GENUINE, SENT_AT - 300), Ok(()));
    assert_eq!(standard_webhooks_with(GENUINE, SENT_AT + 301), Err(Rejection::Stale));
    assert_eq!(standard_webhooks_with(GENUINE, SENT_AT - 301), Err(Rejection::Stale));
}

#[test]
fn stale_is_reported_only_for_a_valid_signature() {
    let forged = GENUINE.replace("g0hM", "h0hM");
    assert_eq!(standard_webhooks_with(&forged, SENT_AT + 9999), Err(Rejection::SignatureMismatch));
}

#[test]
fn header_with_two_different_values_is_rejected() {
    let vector = &PUBLISHED[1];
    let source = vector.source(vector.secret);
    for (name, value) in vector.headers {
        let mut twice = headers(vector.headers);
        twice.append(HeaderName::try_from(*name).unwrap(), value.parse().unwrap());
        assert!(vector.check(&source, &twice, vector.body.as_bytes()).is_ok(), "{name} twice, the same");
        twice.append(HeaderName::try_from(*name).unwrap(), "x".parse().unwrap());
        let verdict = vector.check(&source, &twice, vector.body.as_bytes());
        assert_eq!(verdict.unwrap_err(), Rejection::HeaderAmbiguous, "{name}");
    }
}

#[test]
fn time_listed_twice_counts_only_if_equal() {
    let stripe = source("stripe", "secret");
    let message = Outgoing { method: "POST", query: None, id: "1", at: at(SIGNED_AT), body: b"{}" };
    let signed = stripe.sign(&message).unwrap();
    let [(name, value)] = signed.as_slice() else { panic!("{signed:?}") };
    for (more, verdict) in
        [(format!("t={SIGNED_AT}"), Ok(None)), (format!("t={}", SIGNED_AT + 1), Err(Rejection::HeaderAmbiguous))]
    {
        let headers = headers(&[(name, format!("{value},{more}"))]);
        let verified = stripe.verify(&post(&headers, b"{}"), at(SIGNED_AT)).map(|verified| verified.delivery_id);
        assert_eq!(verified, verdict, "{more}");
    }
}

#[test]
fn a_stripped_signature_is_missing_and_not_a_mismatch() {
    let vector = &PUBLISHED[0];
    let source = vector.source(vector.secret);
    let verdict = vector.check(&source, &HeaderMap::new(), vector.body.as_bytes());
    assert_eq!(verdict.unwrap_err(), Rejection::SignatureMissing);
}

#[test]
fn bytes_cannot_move_between_body_and_adjacent_time() {
    let vector = &PUBLISHED[0];
    let source = vector.source(vector.secret);
    let signature = vector.headers[1];
    // The same signed bytes, split at another position.
    let longer_body = format!("{}165", vector.body);
    let shorter_body = vector.body.strip_suffix('}').unwrap();
    for (body, timestamp) in [(longer_body.as_str(), "8248023"), (shorter_body, "}1658248023")] {
        let moved = headers(&[("X-BambooHR-Timestamp", timestamp), signature]);
        let verdict = vector.check(&source, &moved, body.as_bytes()).unwrap_err();
        assert!(matches!(verdict, Rejection::Stale | Rejection::TimestampMalformed), "{verdict}");
    }
}

/// A vendor without a preset, signed with `secret` over the body alone.
fn generic(more: &str) -> Source {
    compile(Spec {
        signature: Some(table(&format!("headers = ['X-Signature']\n{more}"))),
        secrets: vec![SecretString::from("secret")],
        ..Spec::default()
    })
    .unwrap()
}

fn verdict(source: &Source, body: &str, now: i64) -> Result<Option<String>, Rejection> {
    let message = Outgoing { method: "POST", query: None, id: "1", at: at(SIGNED_AT), body: body.as_bytes() };
    let signed = headers(&source.sign(&message).unwrap());
    source.verify(&post(&signed, body.as_bytes()), at(now)).map(|verified| verified.delivery_id)
}

#[test]
fn time_inside_the_body_is_checked_like_any_other() {
    let linear = generic("timestamp_pointer = '/webhookTimestamp'\ntolerance_past = '1m'");
    for (body, now, expected) in [
        (r#"{"webhookTimestamp":1766000000000}"#, SIGNED_AT + 60, Ok(None)),
        (r#"{"webhookTimestamp":"1766000000"}"#, SIGNED_AT + 60, Ok(None)),
        (r#"{"webhookTimestamp":1766000000000}"#, SIGNED_AT + 61, Err(Rejection::Stale)),
        (r#"{"webhookTimestamp":1766000000000}"#, SIGNED_AT - 301, Err(Rejection::Stale)),
        (r#"{"webhookTimestamp":"soon"}"#, SIGNED_AT, Err(Rejection::TimestampMalformed)),
        (r#"{"webhookTimestamp":null}"#, SIGNED_AT, Err(Rejection::TimestampMissing)),
        (r"{}", SIGNED_AT, Err(Rejection::TimestampMissing)),
        ("x", SIGNED_AT, Err(Rejection::TimestampMissing)),
    ] {
        assert_eq!(verdict(&linear, body, now), expected, "{body}");
    }
}

#[test]
fn invalid_id_counts_as_missing() {
    let source = generic("id_pointer = '/id'");
    let long = format!(r#"{{"id":"{}"}}"#, "x".repeat(257));
    for (body, id) in [
        (r#"{"id":"evt_1"}"#, Some("evt_1")),
        (r#"{"id":17}"#, Some("17")),
        (r#"{"id":""}"#, None),
        (r#"{"id":"a\u0000b"}"#, None),
        (r#"{"id":{"a":1}}"#, None),
        (r"{}", None),
        (long.as_str(), None),
    ] {
        assert_eq!(verdict(&source, body, SIGNED_AT).unwrap().as_deref(), id, "{body}");
    }
}

#[test]
fn unsigned_id_counts_as_missing() {
    for (more, id) in [
        ("id_headers = ['X-Id']", None),
        ("id_headers = ['X-Id']\ntemplate = '{id}.{body}'", Some("1")),
        ("id_headers = ['X-Id']\nmode = 'digest'\ntemplate = '{secret}{body}'", None),
        // Anyone who has seen this request has seen the secret.
        ("id_headers = ['X-Id']\nmode = 'static_header'", Some("1")),
    ] {
        assert_eq!(verdict(&generic(more), "{}", SIGNED_AT).unwrap().as_deref(), id, "{more}");
    }
}

#[test]
fn hex_signature_matches_in_either_case_but_not_truncated() {
    let github = source("github", "secret");
    let hex = "1b2c16b75bd2a870c114153ccda5bcfca63314bc722fa160d690de133ccbb9db";
    for (value, expected) in [
        (format!("sha256={}", hex.to_uppercase()), None),
        (format!("sha256={}", hex.trim_end_matches("db")), Some(Rejection::SignatureMismatch)),
        (format!("sha256={}", hex.trim_end_matches('b')), Some(Rejection::SignatureMalformed)),
        (format!("sha256={hex}00"), Some(Rejection::SignatureMismatch)),
        ("sha256=".to_owned(), Some(Rejection::SignatureMismatch)),
        (format!("SHA256={hex}"), Some(Rejection::SignatureMalformed)),
        (format!("sha1={hex}"), Some(Rejection::SignatureMalformed)),
        (hex.to_owned(), Some(Rejection::SignatureMalformed)),
        (format!("sha256= {hex}"), Some(Rejection::SignatureMalformed)),
    ] {
        let sent = headers(&[("X-Hub-Signature-256", &value)]);
        assert_eq!(github.verify(&post(&sent, b"data"), at(SIGNED_AT)).err(), expected, "{value}");
    }
}

#[test]
fn missing_part_is_named() {
    let vector = &PUBLISHED[1];
    let source = vector.source(vector.secret);
    for (name, expected) in [
        ("webhook-id", Rejection::IdMissing),
        ("webhook-timestamp", Rejection::TimestampMissing),
        ("webhook-signature", Rejection::SignatureMissing),
    ] {
        let mut sent = headers(vector.headers);
        sent.remove(name);
        assert_eq!(vector.check(&source, &sent, vector.body.as_bytes()).unwrap_err(), expected);
    }
}
