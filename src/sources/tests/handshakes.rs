//! Handshakes that vendors send, and their responses.

use axum::http::StatusCode;
use secrecy::ExposeSecret as _;

use super::*;

fn greeted(
    preset: &str,
    method: &str,
    query: Option<&str>,
    sent: &[(&str, &str)],
    body: &str,
) -> Option<HandshakeResponse> {
    let headers = headers(sent);
    let request = Request { method, query, headers: &headers, body: body.as_bytes() };
    source(preset, usable_secret(preset)).answer_handshake(&request)
}

/// The response to a body that is signed as the preset's vendor would.
fn answered(source: &Source, body: &str) -> Option<HandshakeResponse> {
    let message = Outgoing { method: "POST", query: None, id: "1", at: at(SIGNED_AT), body: body.as_bytes() };
    let signed = headers(&source.sign(&message).unwrap());
    source.verify(&post(&signed, body.as_bytes()), at(SIGNED_AT)).unwrap().handshake
}

fn body_of(answer: &HandshakeResponse) -> (&str, &str) {
    assert_eq!(answer.status, StatusCode::OK);
    let content_type = answer.headers.iter().find(|(name, _)| name == "content-type");
    (content_type.map_or("", |(_, value)| value), str::from_utf8(&answer.body).unwrap())
}

#[test]
fn okta_receives_its_challenge() {
    let challenge = [("X-Okta-Verification-Challenge", "ab\"c")];
    let answer = greeted("okta", "GET", None, &challenge, "").unwrap();
    assert_eq!(body_of(&answer), ("application/json", r#"{"verification":"ab\"c"}"#));
    assert!(greeted("okta", "POST", None, &challenge, "").is_none());
    assert!(greeted("okta", "GET", None, &[], "").is_none());
    assert!(greeted("bamboohr", "GET", None, &challenge, "").is_none());
}

#[test]
fn graph_receives_its_decoded_token_as_text_that_no_browser_runs() {
    let query = Some("a=1&validationToken=Validation%3A+Testing%20%3Cb%3E");
    let answer = greeted("microsoft-graph", "POST", query, &[], "").unwrap();
    assert_eq!(body_of(&answer), ("text/plain; charset=utf-8", "Validation: Testing <b>"));
    assert!(answer.headers.iter().any(|(name, value)| name == "x-content-type-options" && value == "nosniff"));
    assert!(greeted("microsoft-graph", "POST", Some("a=1"), &[], "").is_none());
    let long = format!("validationToken={}", "x".repeat(5000));
    assert!(greeted("microsoft-graph", "POST", Some(&long), &[], "").is_none());
}

#[test]
fn only_pings_are_answered_as_pings() {
    for (preset, body) in [
        ("hibob", r#""Ping test""#),
        ("hibob", r#" {"text": "Ping test"} "#),
        ("jazzhr", r#"{"data":"JazzHR Verify Event"}"#),
    ] {
        assert_eq!(body_of(&greeted(preset, "POST", None, &[], body).unwrap()), ("", ""), "{preset}");
    }
    for body in [r#""Ping"#, r#"{"text":"Ping test","type":"employee.left"}"#, r#"{"type":"employee.left"}"#, ""] {
        assert!(greeted("hibob", "POST", None, &[], body).is_none(), "{body}");
    }
}

#[test]
fn signed_ping_is_answered_only_after_verification() {
    for (preset, body) in [
        ("greenhouse", r#"{"action":"ping","payload":{}}"#),
        ("ashby", r#"{"action":"ping"}"#),
        ("intercom", r#"{"type":"notification_event","topic":"ping"}"#),
    ] {
        assert!(greeted(preset, "POST", None, &[], body).is_none(), "{preset} unsigned");
        let source = source(preset, usable_secret(preset));
        assert_eq!(body_of(&answered(&source, body).unwrap()), ("", ""), "{preset}");
        assert!(answered(&source, r#"{"action":"candidate_hired","topic":"contact.deleted"}"#).is_none(), "{preset}");
    }
}

#[test]
fn slack_receives_its_challenge_only_with_a_valid_signature() {
    let body = r#"{"token":"x","challenge":"3eZbrw1a","type":"url_verification"}"#;
    assert!(greeted("slack", "POST", None, &[], body).is_none());
    let answer = answered(&source("slack", "secret"), body).unwrap();
    assert_eq!(body_of(&answer), ("application/json", r#"{"challenge":"3eZbrw1a"}"#));
}

#[test]
fn head_request_is_answered_where_the_vendor_probes_with_it() {
    assert!(greeted("intercom", "HEAD", None, &[], "").is_some());
    assert!(greeted("bamboohr", "HEAD", None, &[], "").is_none());
}

#[test]
fn gusto_offers_its_token_before_a_secret_exists() {
    let gusto = compile(Spec { preset: Some("gusto".to_owned()), ..Spec::default() }).unwrap();
    let none = HeaderMap::new();
    let answer = gusto
        .answer_handshake(&post(&none, br#"{"verification_token":"tok","webhook_subscription_uuid":"u"}"#))
        .unwrap();
    assert_eq!(answer.offered.unwrap().expose_secret(), "tok");
    let event = br#"{"event_type":"employee.termination_effective","entity_uuid":"e"}"#;
    assert!(gusto.answer_handshake(&post(&none, event)).is_none());
    let guessed = headers(&[("X-Gusto-Signature", "00")]);
    assert_eq!(gusto.verify(&post(&guessed, event), at(SIGNED_AT)).unwrap_err(), Rejection::SignatureMismatch);
}

#[test]
fn handshake_with_another_method_is_not_answered() {
    let token = r#"{"verification_token":"tok"}"#;
    let query = Some("validationToken=x");
    let ping = r#""Ping test""#;
    for (preset, query, body, methods) in [
        ("microsoft-graph", query, "", &["GET", "POST"][..]),
        ("gusto", None, token, &["POST"]),
        ("hibob", None, ping, &["POST"]),
        ("intercom", None, "", &["HEAD"]),
    ] {
        for method in ["GET", "HEAD", "POST", "PUT", "DELETE"] {
            let answer = greeted(preset, method, query, &[], body);
            assert_eq!(answer.is_some(), methods.contains(&method), "{method} {preset}");
        }
    }
    let asana = described(ASANA);
    let sent = headers(&[("X-Hook-Secret", "abc")]);
    for method in ["GET", "HEAD", "PUT"] {
        assert!(asana.answer_handshake(&Request { method, ..post(&sent, b"") }).is_none(), "{method}");
    }
}

#[test]
fn empty_or_long_challenge_is_not_answered() {
    for (challenge, greets) in [("", false), ("x", true), (&*"x".repeat(4096), true), (&*"x".repeat(4097), false)] {
        let sent = [("X-Okta-Verification-Challenge", challenge)];
        assert_eq!(greeted("okta", "GET", None, &sent, "").is_some(), greets, "{}", challenge.len());
    }
    let padded = |length: usize| format!("{:<length$}", r#""Ping test""#);
    assert!(greeted("hibob", "POST", None, &[], &padded(4096)).is_some());
    assert!(greeted("hibob", "POST", None, &[], &padded(4097)).is_none());
    let query = |length: usize| format!("validationToken={}", "x".repeat(length - "validationToken=".len()));
    assert!(greeted("microsoft-graph", "POST", Some(&query(4096)), &[], "").is_some());
    assert!(greeted("microsoft-graph", "POST", Some(&query(4097)), &[], "").is_none());
}

#[test]
fn signed_event_that_partly_resembles_a_handshake_is_an_event() {
    let event = r#"{"challenge":"3eZbrw1a","type":"event_callback"}"#;
    assert!(answered(&source("slack", "secret"), event).is_none());
    assert!(answered(&described(ZOOM), r#"{"event":"user.deleted","payload":{"plainToken":"data"}}"#).is_none());
}

#[test]
fn only_a_vendor_that_shows_a_token_reports_it() {
    assert!(source("gusto", "secret").shows_a_token());
    assert!(!source("hibob", "secret").shows_a_token());
    assert!(!described(ASANA).shows_a_token(), "Asana needs no operator to enter its secret");
}

/// A source without a preset that has this handshake.
fn described(handshake: &str) -> Source {
    compile(Spec {
        signature: Some(table(&format!("headers = ['X-Signature']\nhandshakes = [{handshake}]"))),
        secrets: vec![SecretString::from("secret")],
        ..Spec::default()
    })
    .unwrap()
}

const ASANA: &str = "{ kind = 'hook_secret', header = 'X-Hook-Secret' }";
const ZOOM: &str = "{ kind = 'prove_secret', when = { pointer = '/event', equals = 'endpoint.url_validation' }, \
    token = '/payload/plainToken', plain = 'plainToken', signed = 'encryptedToken' }";

#[test]
fn settings_can_describe_handshakes_without_a_preset() {
    // Asana
    let sent = headers(&[("X-Hook-Secret", "abc")]);
    let answer = described(ASANA).answer_handshake(&post(&sent, b"")).unwrap();
    assert_eq!(answer.headers, [("X-Hook-Secret".to_owned(), "abc".to_owned())]);
    assert_eq!(answer.offered.unwrap().expose_secret(), "abc");
    // Zoom
    let answer =
        answered(&described(ZOOM), r#"{"event":"endpoint.url_validation","payload":{"plainToken":"data"}}"#).unwrap();
    let proof = "1b2c16b75bd2a870c114153ccda5bcfca63314bc722fa160d690de133ccbb9db";
    let expected = format!(r#"{{"encryptedToken":"{proof}","plainToken":"data"}}"#);
    assert_eq!(body_of(&answer), ("application/json", expected.as_str()));
    // Recruitee
    let recruitee = described("{ kind = 'ping', when = { equals = { test = true } } }");
    assert!(recruitee.answer_handshake(&post(&HeaderMap::new(), br#"{"test":true}"#)).is_some());
}
