//! Bodies in the form of the vendors' documents, read by the preset of each vendor.

use super::*;
use crate::domain::event::{Effective, EventType};

const FORM: &str = "application/x-www-form-urlencoded; charset=utf-8";

/// The events of a body, one per line: type, id, address, old address, effective, occurred.
fn preset_events(preset: &str, body: &str) -> Vec<String> {
    events_of(&source(preset, usable_secret(preset)), body)
}

pub(super) fn events_of(source: &Source, body: &str) -> Vec<String> {
    let content_type = if body.starts_with("event_name=") { FORM } else { "application/json" };
    match source.read(Some(content_type), body.as_bytes()) {
        Ok(items) => items.iter().map(line).collect(),
        Err(unreadable) => vec![format!("whole: {unreadable}")],
    }
}

pub(super) fn line(item: &Result<Event, Unreadable>) -> String {
    let event = match item {
        Ok(event) if event.event_type == EventType::Ignored => return "ignored".to_owned(),
        Ok(event) => event,
        Err(unreadable) => return format!("unreadable: {unreadable}"),
    };
    let effective = match event.effective {
        Effective::Immediately => None,
        Effective::At(instant) => Some(instant.to_string()),
        Effective::On(day) => Some(day.to_string()),
        Effective::Local(time) => Some(time.to_string()),
    };
    let facts = [
        ("id", event.person.id.as_ref().map(|id| id.as_str().to_owned())),
        ("email", event.person.email.as_ref().map(|email| email.as_str().to_owned())),
        ("old", event.old_email.as_ref().map(|email| email.as_str().to_owned())),
        ("effective", effective),
        ("occurred", event.occurred_at.map(|at| at.to_string())),
    ];
    let facts = facts.into_iter().filter_map(|(name, value)| Some(format!("{name}={}", value?)));
    std::iter::once(event.event_type.to_string()).chain(facts).collect::<Vec<_>>().join(" ")
}

#[test]
fn our_own_event_is_read_alone_and_in_batches() {
    let one = r#"{"type":"departed","person":{"id":"42","email":"Ann@Example.com"},"effective_at":"2026-12-31","occurred_at":"2026-12-01T09:00:00Z"}"#;
    let line = "departed id=42 email=ann@example.com effective=2026-12-31 occurred=2026-12-01T09:00:00Z";
    assert_eq!(preset_events("standard-webhooks", one), [line]);
    assert_eq!(preset_events("github", &format!("[{one},{one}]")), [line, line]);
    assert_eq!(preset_events("standard-webhooks", "[]"), [""; 0]);
}

#[test]
fn every_type_of_our_own_event_is_read() {
    for (body, line) in [
        (r#"{"type":"departed","person":{"id":42}}"#, "departed id=42"),
        (
            r#"{"type":"departure_cancelled","person":{"email":"ann@example.com"}}"#,
            "departure_cancelled email=ann@example.com",
        ),
        (
            r#"{"type":"returned","person":{"id":"42"},"effective_at":"2026-12-31T08:00:00+01:00"}"#,
            "returned id=42 effective=2026-12-31T07:00:00Z",
        ),
        (
            r#"{"type":"email_changed","person":{"email":"ann.new@example.com","old_email":"ann@example.com"}}"#,
            "email_changed email=ann.new@example.com old=ann@example.com",
        ),
        (
            r#"{"type":"erasure_requested","person":{"email":"ann@example.com"}}"#,
            "erasure_requested email=ann@example.com",
        ),
        (r#"{"type":"profile","person":{"id":"42","email":"ann@example.com"}}"#, "profile id=42 email=ann@example.com"),
        // A profile without both values has no effect.
        (r#"{"type":"profile","person":{"id":"42"}}"#, "ignored"),
        (
            r#"{"type":"departed","person":{"id":"42"},"effective_at":"2026-12-31T17:00"}"#,
            "departed id=42 effective=2026-12-31T17:00:00",
        ),
    ] {
        assert_eq!(preset_events("standard-webhooks", body), [line], "{body}");
    }
}

#[test]
fn only_a_whole_number_is_an_id() {
    for (id, line) in [
        ("-7", "returned id=-7"),
        ("18446744073709551615", "returned id=18446744073709551615"),
        ("4.0", "unreadable: item 0, at `$.person.id`: expected one person id, a text or a whole number"),
        ("true", "unreadable: item 0, at `$.person.id`: expected one person id, a text or a whole number"),
    ] {
        let body = format!(r#"{{"type":"returned","person":{{"id":{id}}}}}"#);
        assert_eq!(preset_events("standard-webhooks", &body), [line], "{id}");
    }
}

#[test]
fn blank_is_no_unknown_word() {
    for (word, line) in [
        ("employee.updated", "ignored"),
        (" ", "unreadable: item 0, at `$.event_type`: expected a type of event that the mapping knows"),
    ] {
        let body = format!(r#"{{"event_type":"{word}","entity_uuid":"e"}}"#);
        assert_eq!(preset_events("gusto", &body), [line], "{word}");
    }
}

#[test]
fn event_that_differs_from_its_word_is_explained() {
    for (person, because) in [
        (r#"{"id":"42","email":"ann@example.com"}"#, "`$.type` is `profile`: profile"),
        (r#"{"id":"42"}"#, "`$.type` is `profile`: profile, but it does not hold both an id and an address"),
    ] {
        assert_eq!(because_of(&format!(r#"{{"type":"profile","person":{person}}}"#)), because);
    }
    for (old, because) in [
        ("ann@example.com", "`$.type` is `email_changed`: email_changed, but to the same address"),
        ("anna@example.com", "`$.type` is `email_changed`: email_changed"),
    ] {
        let person = format!(r#"{{"id":"42","email":"ann@example.com","old_email":"{old}"}}"#);
        assert_eq!(because_of(&format!(r#"{{"type":"email_changed","person":{person}}}"#)), because);
    }
    let departed = r#"{"type":"departed","person":{"id":"42"}}"#;
    assert_eq!(because_of(departed), "`$.type` is `departed`: departed");
}

/// The reason of the classification of a body with one item.
fn because_of(body: &str) -> String {
    let mut explained = source("standard-webhooks", "AAAA").explain(None, body.as_bytes()).unwrap();
    explained.remove(0).because.unwrap().to_string()
}

#[test]
fn change_of_case_is_no_change_of_address() {
    let body =
        r#"{"type":"email_changed","person":{"id":"42","email":"Ann@example.com","old_email":"ann@EXAMPLE.com"}}"#;
    assert_eq!(preset_events("standard-webhooks", body), ["profile id=42 email=ann@example.com"]);
}

#[test]
fn one_bad_element_never_affects_the_others() {
    let body = r#"[{"type":"departed","person":{"id":"1"}}, 7, {"type":"departed","person":{"email":"none"}},
        {"type":"departed","person":{"id":"2"}}, {"type":"gone","person":{"id":"3"}}, {"type":"departed","person":{}},
        {"type":"departed","person":{"id":"4"},"effective_at":"soon"}, null, {"type":"departed","person":{"id":{"n":5}}}]"#;
    assert_eq!(
        preset_events("standard-webhooks", body),
        [
            "departed id=1",
            "unreadable: item 1, at `$.type`: expected a type of event that the mapping knows",
            "unreadable: item 2, at `$.person.email`: expected one e-mail address",
            "departed id=2",
            "unreadable: item 4, at `$.type`: expected a type of event that the mapping knows",
            "unreadable: item 5, at `$.person.id`, `$.person.email`: expected a person id or an e-mail address",
            "unreadable: item 6, at `$.effective_at`: expected one date",
            "unreadable: item 7, at `$.type`: expected a type of event that the mapping knows",
            "unreadable: item 8, at `$.person.id`: expected one person id, a text or a whole number",
        ]
    );
}

#[test]
fn invalid_json_reports_its_position_and_never_its_text() {
    let deep = "[".repeat(10_000);
    for (body, line) in [
        ("", "whole: at `$`: expected JSON (it breaks off at line 1, column 0)"),
        ("ann@example.com", "whole: at `$`: expected JSON (it breaks off at line 1, column 1)"),
        ("{\"type\":\"departed\",", "whole: at `$`: expected JSON (it breaks off at line 1, column 19)"),
        (deep.as_str(), "whole: at `$`: expected JSON (it breaks off at line 1, column 128)"),
    ] {
        assert_eq!(preset_events("standard-webhooks", body), [line]);
    }
    let damaged = source("standard-webhooks", "AAAA").read(None, b"{\"type\":\"d\xc3\xa9part\xe9\"}");
    assert!(damaged.is_err());
}

#[test]
fn bamboohr_field_based() {
    let body = r#"{"employees":[
        {"id":"5","action":"Updated","timestamp":"2026-01-31T18:42:00+0000","changedFields":["Status"],
         "fields":{"Status":"Inactive","Work Email":"ann@example.com","Termination Date":"2026-02-28"}},
        {"id":6,"action":"Updated","timestamp":"2026-01-31T18:42:00+0000","changedFields":["Employment Status"],
         "fields":{"Employment Status":{"value":"Terminated"},"Work Email":{"value":"bob@example.com"},"Termination Date":{"value":"0000-00-00"}}},
        {"id":"7","action":"Updated","changedFields":["Status"],
         "fields":{"Status":"Active","Work Email":"cid@example.com","Termination Date":"2025-06-30"}},
        {"id":"8","action":"Updated","changedFields":["Work Email"],
         "fields":{"Status":"Active","Work Email":"dee@example.com","Termination Date":"2026-12-31"}},
        {"id":"9","action":"Deleted","changedFields":[],"fields":{}},
        {"id":"10","action":"Created","changedFields":[],"fields":{}},
        {"id":"11","action":"Updated","changedFields":["Status"],"fields":{"Status":"Inactive","Work Email":null}},
        {"id":"12","action":"Updated","changedFields":["Status"],"fields":{"Status":"On leave","Work Email":"eve@example.com"}},
        {"id":"13","action":"Updated","changedFields":["Work Email"],
         "fields":{"Status":{"value":"Active"},"Employment Status":{"value":"Terminated"},"Work Email":{"value":"fay@example.com"}}}
    ]}"#;
    assert_eq!(
        preset_events("bamboohr", body),
        [
            "departed id=5 email=ann@example.com effective=2026-02-28 occurred=2026-01-31T18:42:00Z",
            "departed id=6 email=bob@example.com occurred=2026-01-31T18:42:00Z",
            "returned id=7 email=cid@example.com",
            "profile id=8 email=dee@example.com",
            "departed id=9",
            "ignored",
            "departed id=11",
            "unreadable: item 7, at `$.fields['Status']`: expected a word that `types` knows; add the new one there, as departed, profile or ignored",
            // The history of employment does not override the status.
            "profile id=13 email=fay@example.com",
        ]
    );
}

#[test]
fn bamboohr_event_based() {
    let body = |event| {
        format!(
            r#"{{"type":"{event}","timestamp":"2026-01-31T18:42:00+0000","data":{{"companyId":"1","employeeId":"42","changedFields":[]}}}}"#
        )
    };
    assert_eq!(preset_events("bamboohr", &body("employee.deleted")), ["departed id=42 occurred=2026-01-31T18:42:00Z"]);
    assert_eq!(preset_events("bamboohr", &body("employee.updated")), ["ignored"]);
    assert_eq!(preset_events("bamboohr", &body("employee.created")), ["ignored"]);
}

#[test]
fn bamboohr_is_read_as_captured_and_in_another_shape() {
    let captured = r#"{"employees":[{"changedFields":["First name"],"fields":{"Employee #":{"value":"300"},"First name":{"value":"Tefi"},"Last name":{"value":"Adams"}},"id":"5"}]}"#;
    assert_eq!(preset_events("bamboohr", captured), ["ignored"]);
    let other = preset_events("bamboohr", r#"{"workers":[{"id":"5"}]}"#);
    assert!(other[0].starts_with("unreadable: item 0, at `$.fields['Status'].value`"), "{other:?}");
}

#[test]
fn names_of_fields_and_statuses_are_configurable() {
    let source = compile(Spec {
        mapping: Some(table(
            "type = [\"$.fields['Beschäftigung']\", '$.action']\nemail = \"$.fields['E-Mail']\"\n\
             effective_at = \"$.fields['Austritt']\"\ndate_format = '%d.%m.%Y'\ntypes.Ausgeschieden = 'departed'",
        )),
        ..spec("bamboohr", "x")
    })
    .unwrap();
    let body = r#"{"employees":[{"id":"5","action":"Updated","timestamp":"2026-01-31T18:42:00+0000","changedFields":[],
        "fields":{"Beschäftigung":"ausgeschieden","E-Mail":"ann@example.com","Austritt":"28.02.2026"}}]}"#;
    assert_eq!(
        events_of(&source, body),
        ["departed id=5 email=ann@example.com effective=2026-02-28 occurred=2026-01-31T18:42:00Z"]
    );
}

#[test]
fn two_different_addresses_at_one_location_count_as_none() {
    let source = compile(Spec {
        mapping: Some(table("type = '$.type'\ntypes.gone = 'departed'\nemail = '$.emails[*].value'")),
        ..spec("standard-webhooks", "AAAA")
    })
    .unwrap();
    let body = r#"{"type":"gone","emails":[{"value":"ann@example.com"},{"value":"boss@example.com"}]}"#;
    assert_eq!(events_of(&source, body), ["unreadable: item 0, at `$.emails[*].value`: expected one e-mail address"]);
    let same = r#"{"type":"gone","emails":[{"value":"ann@example.com"},{"value":""},{"value":"ann@example.com"}]}"#;
    assert_eq!(events_of(&source, same), ["departed email=ann@example.com"]);
}

#[test]
fn forms_are_read_by_their_content_type() {
    let source = compile(Spec {
        mapping: Some(table("type = '$.event'\ntypes.gone = 'departed'\nemail = \"$['contact[email]']\"")),
        ..spec("standard-webhooks", "AAAA")
    })
    .unwrap();
    let read = |content_type, body: &str| source.read(content_type, body.as_bytes()).map(|items| line(&items[0]));
    let form = Some(FORM);
    assert_eq!(
        read(form, "event=gone&contact%5Bemail%5D=ann%2Bx%40example.com").unwrap(),
        "departed email=ann+x@example.com"
    );
    // A field that occurs twice counts as missing.
    assert!(
        read(form, "event=gone&contact[email]=a@example.com&contact[email]=b@example.com")
            .unwrap()
            .starts_with("unreadable")
    );
    // curl labels JSON as a form, too.
    assert_eq!(
        read(form, r#"{"event":"gone","contact[email]":"ann@example.com"}"#).unwrap(),
        "departed email=ann@example.com"
    );
    assert!(read(None, "event=gone").is_err());
}
