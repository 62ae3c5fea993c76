//! The mapping language, through sources without a preset.

use super::payloads::line;
use super::*;

fn described(mapping: &str) -> Source {
    compile(Spec {
        signature: Some(table("headers = ['X-Signature']")),
        mapping: Some(table(mapping)),
        secrets: vec![SecretString::from("secret")],
        ..Spec::default()
    })
    .unwrap()
}

fn events(mapping: &str, body: &str) -> Vec<String> {
    described(mapping).read(None, body.as_bytes()).unwrap().iter().map(line).collect()
}

#[test]
fn flags_and_numbers_are_valid_words() {
    let flag =
        "type = '$.active'\ntypes = { 'false' = 'departed', true = 'profile' }\nemail = '$.mail'\nperson_id = '$.id'";
    assert_eq!(events(flag, r#"{"active":false,"mail":"ann@example.com"}"#), ["departed email=ann@example.com"]);
    assert_eq!(
        events(flag, r#"{"active":true,"mail":"ann@example.com","id":1}"#),
        ["profile id=1 email=ann@example.com"]
    );
    let number = "type = '$.state'\ntypes = { 3 = 'departed', '1.5' = 'returned' }\nemail = '$.mail'";
    assert_eq!(events(number, r#"{"state":3,"mail":"ann@example.com"}"#), ["departed email=ann@example.com"]);
    assert_eq!(events(number, r#"{"state":1.5,"mail":"ann@example.com"}"#), ["returned email=ann@example.com"]);
}

#[test]
fn unknown_status_is_unreadable_if_its_location_says_so() {
    let mapping = "type = [{ path = '$.status', unknown_type = 'unreadable' }, '$.topic']\n\
                   types = { left = 'departed', here = 'profile' }\nperson_id = '$.id'\nemail = '$.mail'";
    assert_eq!(events(mapping, r#"{"status":"left","topic":"x","id":1}"#), ["departed id=1"]);
    assert_eq!(events(mapping, r#"{"topic":"x","id":1}"#), ["ignored"]);
    let unknown = events(mapping, r#"{"status":"weg","topic":"left","id":1}"#);
    assert!(unknown[0].starts_with("unreadable: item 0, at `$.status`: expected a word"), "{unknown:?}");
}

#[test]
fn topic_in_a_header_is_read_and_stored() {
    let source =
        described("type = 'header:X-Topic'\ntypes = { left = 'departed' }\nperson_id = ['header:X-Person', '$.id']");
    let sent = headers(&[("X-Topic", "left"), ("X-Other", "1"), ("X-Person", "7")]);
    let stored = source.to_store(&sent, b"{}");
    assert_eq!(str::from_utf8(&stored).unwrap(), "x-person: 7\nx-topic: left\n\n{}");
    let events = source.read(None, &stored).unwrap();
    assert_eq!(line(&events[0]), "departed id=7");
    let twice = source.to_store(&headers(&[("X-Topic", "left"), ("X-Topic", "here")]), b"x-topic: left\n\n{}");
    assert!(source.read(None, &twice).is_err(), "a body is read as headers");
    assert_eq!(*described("type = '$.t'\ntypes = { a = 'departed' }\nemail = '$.m'").to_store(&sent, b"{}"), *b"{}");
    let without = source.read(None, b"{}").unwrap();
    assert_eq!(
        line(&without[0]),
        "unreadable: item 0, at `header:x-topic`: expected a type of event that the mapping knows"
    );
}

#[test]
fn first_valid_address_of_several_counts() {
    let mapping = "type = '$.t'\ntypes = { left = 'departed' }\nperson_id = '$.id'\nemail = ['$.work', '$.private']";
    for (body, read) in [
        (r#"{"t":"left","work":"w@example.com","private":"p@example.com"}"#, "departed email=w@example.com"),
        (r#"{"t":"left","work":"","private":"p@example.com"}"#, "departed email=p@example.com"),
        (r#"{"t":"left","work":"ann.archer","private":"p@example.com"}"#, "departed email=p@example.com"),
        (r#"{"t":"left","id":7,"work":"ann.archer"}"#, "departed id=7"),
        (
            r#"{"t":"left","work":"ann.archer"}"#,
            "unreadable: item 0, at `$.work`, `$.private`: expected one e-mail address",
        ),
    ] {
        assert_eq!(events(mapping, body), [read], "{body}");
    }
}

#[test]
fn address_with_other_text_is_unreadable() {
    let mapping = "type = '$.t'\ntypes = { left = 'departed' }\nperson_id = '$.id'\nemail = '$.mail'";
    for mail in [
        "<ann@example.com>",
        "Ann <ann@example.com>",
        "ann@example.com;",
        "ann@example.com,bob@example.com",
        "ann@example.com\u{200b}",
        "\u{feff}ann@example.com",
        "an\u{ad}n@example.com",
        "\"a;b\"@example.com",
    ] {
        let read = events(mapping, &serde_json::json!({"t": "left", "id": 7, "mail": mail}).to_string());
        assert_eq!(read, ["unreadable: item 0, at `$.mail`: expected one e-mail address"], "{mail:?}");
    }
}

#[test]
fn blank_date_is_no_departure_where_only_a_date_decides() {
    for when in ["@.end", "@.end && @.end != null", "@.end != null && @.id"] {
        let mapping = format!(
            "rules = [{{ when = '{when}', event = 'departed' }}, {{ when = '@.id', event = 'profile' }}]\n\
             person_id = '$.id'\nemail = '$.mail'\neffective_at = '$.end'"
        );
        for end in ["null", "\"\"", "\"0000-00-00\"", "\"0000-00-00T00:00:00\""] {
            let body = format!(r#"{{"id":1,"mail":"ann@example.com","end":{end}}}"#);
            assert_eq!(events(&mapping, &body), ["profile id=1 email=ann@example.com"], "{when} {end}");
        }
        let body = r#"{"id":1,"mail":"ann@example.com","end":"2031-12-31"}"#;
        assert_eq!(events(&mapping, body), ["departed id=1 email=ann@example.com effective=2031-12-31"], "{when}");
    }
}

#[test]
fn status_without_a_date_departs_immediately() {
    let by_word = "type = '$.status'\ntypes = { left = 'departed' }\nperson_id = '$.id'\neffective_at = '$.end'";
    let by_rule =
        "rules = [{ when = \"@.status == 'left'\", event = 'departed' }]\nperson_id = '$.id'\neffective_at = '$.end'";
    let by_null = "rules = [{ when = \"@.status == 'left' && @.end == null\", event = 'departed' }]\nperson_id = '$.id'\neffective_at = '$.end'";
    for mapping in [by_word, by_rule, by_null] {
        for end in ["null", "\"\"", "\"0000-00-00\""] {
            let body = format!(r#"{{"status":"left","id":1,"end":{end}}}"#);
            assert_eq!(events(mapping, &body), ["departed id=1"], "{mapping} {end}");
        }
    }
}

#[test]
fn empty_date_can_cancel_a_departure() {
    for end in ["null", "\"\"", "\"0000-00-00\""] {
        let body = format!(r#"{{"id":7,"email":"ann@example.com","terminated_on":{end}}}"#);
        let read = source("factorial", "secret").read(None, body.as_bytes()).unwrap();
        assert_eq!(line(&read[0]), "departure_cancelled id=7 email=ann@example.com", "{end}");
    }
}

#[test]
fn impossible_last_day_is_unreadable_and_stops_no_return() {
    let source = source("standard-webhooks", "AAAA");
    for day in ["0001-01-01", "0001-01-01T00:00:00", "1900-01-01T00:00:00Z", "9999-12-31", "9999-12-31T23:59:59Z"] {
        let read = |kind: &str| {
            let body = format!(r#"{{"type":"{kind}","person":{{"id":"1"}},"effective_at":"{day}"}}"#);
            line(&source.read(None, body.as_bytes()).unwrap()[0])
        };
        let departed = read("departed");
        assert!(
            departed.contains("at `$.effective_at`: expected a last day between 1970 and 2200"),
            "{day}: {departed}"
        );
        assert_eq!(read("returned"), "returned id=1", "{day}");
    }
}

#[test]
fn stop_is_valid_despite_an_unreadable_address() {
    let own = source("standard-webhooks", "AAAA");
    let read = |person: &str| {
        let body = format!(r#"{{"type":"returned","person":{person}}}"#);
        line(&own.read(None, body.as_bytes()).unwrap()[0])
    };
    assert_eq!(read(r#"{"id":"1","email":"<ann@example.com>"}"#), "returned id=1");
    assert!(read(r#"{"email":"<ann@example.com>"}"#).starts_with("unreadable"));
}

#[test]
fn date_in_another_format_suggests_that_format() {
    let mapping = "type = '$.t'\ntypes = { left = 'departed' }\nperson_id = '$.id'\neffective_at = '$.end'";
    let read = events(mapping, r#"{"t":"left","id":1,"end":"31.12.2031"}"#);
    assert_eq!(read, [r#"unreadable: item 0, at `$.end`: expected one date: write date_format = "%d.%m.%Y""#]);
    let german = format!("{mapping}\ndate_format = ['%d.%m.%Y', '%m/%d/%Y']");
    for end in ["31.12.2031", "12/31/2031"] {
        assert_eq!(
            events(&german, &format!(r#"{{"t":"left","id":1,"end":"{end}"}}"#)),
            ["departed id=1 effective=2031-12-31"]
        );
    }
}

#[test]
fn json_inside_json_is_read() {
    let mapping = "embedded = ['$.payload', '$.payload.inner']\ntype = '$.payload.t'\ntypes = { left = 'departed' }\nperson_id = '$.payload.inner.id'";
    let body = r#"{"payload":"{\"t\":\"left\",\"inner\":\"{\\\"id\\\":7}\"}"}"#;
    assert_eq!(events(mapping, body), ["departed id=7"]);
    let broken = events(mapping, r#"{"payload":"{"}"#);
    assert!(broken[0].starts_with("unreadable"), "{broken:?}");
}

#[test]
fn own_type_replaces_the_rules_of_the_preset() {
    let body = r#"{"employees":[{"id":"5","changedFields":["Beschäftigung"],"fields":{"Beschäftigung":"Ausgeschieden","Work Email":"ann@example.com"}}]}"#;
    let read = |mapping: &str| {
        let source = compile(Spec { mapping: Some(table(mapping)), ..spec("bamboohr", "x") }).unwrap();
        line(&source.read(None, body.as_bytes()).unwrap()[0])
    };
    let own = "type = [\"$.fields['Beschäftigung']\", '$.action']\ntypes.Ausgeschieden = 'departed'";
    assert_eq!(read(own), "departed id=5 email=ann@example.com");
}

#[test]
fn failed_attempt_is_ignored() {
    let body = |result: &str| {
        format!(
            r#"{{"data":{{"events":[{{"eventType":"user.lifecycle.deactivate","outcome":{{"result":"{result}"}},
            "target":[{{"type":"User","id":"00u","alternateId":"ann"}}]}}]}}}}"#
        )
    };
    let okta = source("okta", "x");
    for (result, read) in [("SUCCESS", "departed id=00u"), ("FAILURE", "ignored"), ("DENY", "ignored")] {
        assert_eq!(line(&okta.read(None, body(result).as_bytes()).unwrap()[0]), read, "{result}");
    }
    let explained = okta.explain(None, body("FAILURE").as_bytes()).unwrap();
    assert!(explained[0].because.as_ref().unwrap().to_string().starts_with("`skip_item` says"), "{explained:?}");
}

#[test]
fn active_with_a_termination_date_is_no_return() {
    let merge = source("merge", "x");
    let read = |end: &str| {
        let body =
            format!(r#"{{"data":{{"id":"7","work_email":"ann@example.com","employment_status":"ACTIVE"{end}}}}}"#);
        line(&merge.read(None, body.as_bytes()).unwrap()[0])
    };
    for end in ["", r#","termination_date":null"#, r#","termination_date":"""#] {
        assert_eq!(read(end), "returned id=7 email=ann@example.com", "{end}");
    }
    assert_eq!(read(r#","termination_date":"2031-12-31T00:00:00Z""#), "profile id=7 email=ann@example.com");
}

#[test]
fn field_aliases_of_bamboohr_are_read() {
    let bamboohr = source("bamboohr", "x");
    for (fields, read) in [
        (
            r#"{"status":"Inactive","workEmail":"ann@example.com","terminationDate":"2026-11-20"}"#,
            "departed id=5 email=ann@example.com effective=2026-11-20",
        ),
        (
            r#"{"status":{"value":"Inactive"},"workEmail":{"value":"ann@example.com"}}"#,
            "departed id=5 email=ann@example.com",
        ),
        (r#"{"employmentStatus":"Terminated","workEmail":"ann@example.com"}"#, "departed id=5 email=ann@example.com"),
        (r#"{"status":"Active","workEmail":"ann@example.com"}"#, "returned id=5 email=ann@example.com"),
    ] {
        for action in [r#""action":"Updated","#, ""] {
            let body =
                format!(r#"{{"employees":[{{"id":"5",{action}"changedFields":["status"],"fields":{fields}}}]}}"#);
            assert_eq!(line(&bamboohr.read(None, body.as_bytes()).unwrap()[0]), read, "{action} {fields}");
        }
    }
}

#[test]
fn invalid_dates_and_paths_are_rejected_with_a_suggestion() {
    for (mapping, hint) in [
        ("type = 'employee.status'", "write `$.employee.status`"),
        ("type = '.status'", "write `$.status`"),
        ("type = '$.a[?'", "cannot be read at its end"),
        ("type = 'header:a b'", "expected the name of a header"),
        ("date_format = 'dd.mm.yyyy'", "date_format: `dd.mm.yyyy` is no date format"),
        ("occurred_at = 'header:X-Time'", "not for dates"),
        ("type = { path = '$.a', unknown = 1 }", "unknown: unknown key"),
        ("effective_is = 'date'", "`instant`, `day`"),
    ] {
        let all = format!(
            "{}\n{mapping}",
            if mapping.starts_with("type") {
                "types = { a = 'departed' }\nperson_id = '$.id'"
            } else {
                "type = '$.t'\ntypes = { a = 'departed' }\nperson_id = '$.id'"
            }
        );
        let error = compile(Spec {
            signature: Some(table("headers = ['X-Signature']")),
            mapping: Some(table(&all)),
            secrets: vec![SecretString::from("secret")],
            ..Spec::default()
        })
        .unwrap_err()
        .to_string();
        assert!(error.contains(hint), "{mapping}: {error}");
    }
}

#[test]
fn a_signature_may_cover_headers() {
    let source = source("smartrecruiters", "HeBVky2bccvvkcXPimH8c");
    let sent = |name: &str| {
        headers(&[
            ("smartrecruiters-signature", "v1=2e9291f10d44ca10204a4cd81b05d73b6a316b2b605d4e2e0e0b37b40198ce1f"),
            ("smartrecruiters-timestamp", "1574080897"),
            ("event-id", "123"),
            ("link", "<http://smartrecruiters.com/endpoint>; rel=self"),
            ("event-name", name),
            ("event-version", "v201910"),
        ])
    };
    let body = br#"{"job_id":"jid","candidate_id":"cid"}"#;
    assert!(source.verify(&post(&sent("application.created"), body), at(1_574_080_900)).is_ok());
    let verdict = source.verify(&post(&sent("application.deleted"), body), at(1_574_080_900));
    assert_eq!(verdict.unwrap_err(), Rejection::SignatureMismatch);
}

#[test]
fn static_token_is_accepted_with_and_without_bearer() {
    let source = source("static-token", "a-token");
    for (name, value, good) in [
        ("Authorization", "Bearer a-token", true),
        ("Authorization", "a-token", true),
        ("X-Offboardd-Token", "a-token", true),
        ("Authorization", "Bearer another", false),
        ("Authorization", "Bearer ", false),
        ("Authorization", "", false),
        ("Authorization", "Basic a-token", false),
    ] {
        let sent = headers(&[(name, value)]);
        assert_eq!(source.verify(&post(&sent, b"{}"), at(SIGNED_AT)).is_ok(), good, "{name}: {value}");
    }
}

#[test]
fn sync_message_of_google_is_answered_and_not_stored() {
    let google = source("google-workspace", "token");
    let verified = |state: &str, token: &str| {
        let sent = headers(&[("X-Goog-Channel-Token", token), ("X-Goog-Resource-State", state)]);
        google.verify(&post(&sent, b""), at(SIGNED_AT)).map(|verified| verified.handshake.is_some())
    };
    assert_eq!(verified("sync", "token"), Ok(true));
    assert_eq!(verified("delete", "token"), Ok(false));
    assert_eq!(verified("sync", "guess"), Err(Rejection::SignatureMismatch));
}

#[test]
fn every_mapping_of_the_document_compiles() {
    let document = include_str!("../../../docs/mapping.md");
    let blocks: Vec<_> = document.split("```toml\n").skip(1).filter_map(|block| block.split("```").next()).collect();
    assert!(blocks.len() > 5, "{blocks:?}");
    for block in &blocks {
        described(block);
    }
    let body = r#"{"kind":"employee.left","employee":{"no":4711,"mail":"ann@example.com"},"last_day":"31.12.2031"}"#;
    assert!(document.contains("`{\"kind\": \"employee.left\""));
    assert_eq!(events(blocks[0], body), ["departed id=4711 email=ann@example.com effective=2031-12-31"]);
}
