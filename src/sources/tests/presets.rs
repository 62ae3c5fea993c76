//! Every preset end to end: signed, verified, and read, with a body like the documented one.

use super::payloads::events_of;
use super::*;

/// Preset, body, and its events. A body token is the secret of [`usable_secret`].
const STORIES: &[(&str, &str, &[&str])] = &[
    (
        "standard-webhooks",
        r#"{"type":"departed","person":{"id":"42","email":"ann@example.com"},"effective_at":"2026-12-31"}"#,
        &["departed id=42 email=ann@example.com effective=2026-12-31"],
    ),
    ("github", r#"{"type":"returned","person":{"id":"42"}}"#, &["returned id=42"]),
    ("jira", r#"{"type":"returned","person":{"id":"42"}}"#, &["returned id=42"]),
    ("slack", r#"{"type":"returned","person":{"id":"42"}}"#, &["returned id=42"]),
    ("calendly", r#"{"type":"returned","person":{"id":"42"}}"#, &["returned id=42"]),
    ("typeform", r#"{"type":"returned","person":{"id":"42"}}"#, &["returned id=42"]),
    ("ashby", r#"{"type":"returned","person":{"id":"42"}}"#, &["returned id=42"]),
    ("jazzhr", r#"{"type":"returned","person":{"id":"42"}}"#, &["returned id=42"]),
    ("workable", r#"{"type":"returned","person":{"id":"42"}}"#, &["returned id=42"]),
    (
        "bamboohr",
        r#"{"employees":[{"id":"5","action":"Updated","changedFields":["Status"],"fields":{"Status":"Inactive","Work Email":"ann@example.com","Termination Date":"2026-02-28"}}]}"#,
        &["departed id=5 email=ann@example.com effective=2026-02-28"],
    ),
    (
        "hibob",
        r#"{"companyId":636192,"type":"employee.left","triggeredBy":"system","triggeredAt":"2025-01-08T13:06:26.915906","version":"v2","data":{"employeeId":"3332883884017713238"}}"#,
        &["departed id=3332883884017713238 occurred=2025-01-08T13:06:26.915906Z"],
    ),
    (
        "hibob",
        r#"{"companyId":636192,"type":"employee.deleted","triggeredAt":"2025-01-08T13:06:26.915906","version":"v2","data":{"employeeId":"33","email":"ann@example.com"}}"#,
        &["departed id=33 email=ann@example.com occurred=2025-01-08T13:06:26.915906Z"],
    ),
    (
        "hibob",
        r#"{"companyId":636192,"type":"employee.inactivated","triggeredAt":"2025-01-08T13:06:26.915906","version":"v2","data":{"employeeId":"33"}}"#,
        &["ignored"],
    ),
    (
        "hibob",
        r#"{"companyId":636192,"type":"table.entry.created","triggeredAt":"2025-01-08T13:06:26.915906","version":"v2","data":{"tableId":"lifecycle","employeeId":"33","effectiveDate":"2027-01-31"}}"#,
        &["ignored"],
    ),
    (
        "gusto",
        r#"{"uuid":"03ffbf0c","event_type":"employee.termination_effective","resource_type":"Company","resource_uuid":"5df9","entity_type":"Employee","entity_uuid":"bcfc9744","timestamp":1671058841}"#,
        &["departed id=bcfc9744 occurred=2022-12-14T23:00:41Z"],
    ),
    (
        "gusto",
        r#"{"uuid":"03ffbf0d","event_type":"employee.terminated","resource_uuid":"5df9","entity_type":"Employee","entity_uuid":"bcfc9744","timestamp":1671058841}"#,
        &["ignored"],
    ),
    (
        "gusto",
        r#"{"uuid":"03ffbf0e","event_type":"employee.termination_cancelled","resource_uuid":"5df9","entity_type":"Employee","entity_uuid":"bcfc9744","timestamp":1671058841}"#,
        &["departure_cancelled id=bcfc9744 occurred=2022-12-14T23:00:41Z"],
    ),
    (
        "deel",
        r#"{"data":{"meta":{"event_type":"contract.terminated","organization_id":"o"},"resource":{"id":"3gk","completion_date":"2026-12-31"}},"timestamp":"2026-12-01T09:00:00.000Z"}"#,
        &["departed id=3gk effective=2026-12-31 occurred=2026-12-01T09:00:00Z"],
    ),
    (
        "deel",
        r#"{"data":{"meta":{"event_type":"contract.terminated"},"resource":[{"id":"1"},{"id":"2"}]},"timestamp":"2026-12-01T09:00:00.000Z"}"#,
        &["departed id=1 occurred=2026-12-01T09:00:00Z", "departed id=2 occurred=2026-12-01T09:00:00Z"],
    ),
    (
        "deel",
        r#"{"data":{"meta":{"event_type":"contract.terminated","is_simulation":true},"resource":[{"id":"1"}]},"timestamp":"2026-12-01T09:00:00.000Z"}"#,
        &[],
    ),
    (
        "remote",
        r#"{"event_type":"offboarding.completed","company_id":"c","employment_id":"e-1","offboarding_id":"o"}"#,
        &["departed id=e-1"],
    ),
    ("remote", r#"{"event_type":"offboarding.submitted","company_id":"c","employment_id":"e-1"}"#, &["ignored"]),
    (
        "remote",
        r#"{"event_type":"offboarding.deleted","company_id":"c","employment_id":"e-1"}"#,
        &["departure_cancelled id=e-1"],
    ),
    (
        "greenhouse",
        r#"{"action":"delete_candidate","payload":{"person":{"id":37031511,"first_name":"J\u003ck"}}}"#,
        &["ignored"],
    ),
    // The customer's administrator is never the person.
    (
        "merge",
        r#"{"hook":{"id":"h","event":"Employee changed","target":"x"},"linked_account":{"end_user_email_address":"admin@example.com"},"data":{"id":"0958cbc6","employment_status":"INACTIVE","work_email":"ann@example.com","termination_date":"2026-12-31T00:00:00Z"}}"#,
        &["departed id=0958cbc6 email=ann@example.com effective=2026-12-31"],
    ),
    (
        "merge",
        r#"{"hook":{"id":"h","event":"Employee changed","target":"x"},"linked_account":{"end_user_email_address":"admin@example.com"},"data":{"id":"0958cbc6","employment_status":"INACTIVE","work_email":null}}"#,
        &["departed id=0958cbc6"],
    ),
    (
        "kombo",
        r#"{"id":"k","type":"data-changed","data":{"integration_id":"i","changed_models":[{"name":"hris_employees"}]}}"#,
        &["ignored"],
    ),
    (
        "finch",
        r#"{"company_id":"720b","connection_id":"c","event_type":"individual.deleted","data":{"individual_id":"8ee2"}}"#,
        &["departed id=8ee2"],
    ),
    ("finch", r#"{"event_type":"employment.updated","data":{"individual_id":"8ee2"}}"#, &["ignored"]),
    (
        "workos",
        r#"{"id":"event_01","event":"dsync.user.deleted","data":{"id":"directory_user_01","state":"inactive","emails":[{"primary":true,"value":"ann@example.com"},{"primary":false,"value":"old@example.com"}]},"created_at":"2021-06-25T19:07:33.155Z"}"#,
        &["departed id=directory_user_01 email=ann@example.com occurred=2021-06-25T19:07:33.155Z"],
    ),
    (
        "workos",
        r#"{"id":"event_02","event":"dsync.user.updated","data":{"id":"directory_user_01","state":"inactive","email":"ann@example.com"},"created_at":"2021-06-25T19:07:33.155Z"}"#,
        &["ignored"],
    ),
    (
        "hubspot",
        r#"[{"eventId":1,"subscriptionType":"contact.privacyDeletion","objectId":123,"occurredAt":1564113600000},
            {"eventId":1,"subscriptionType":"contact.deletion","objectId":124,"occurredAt":1564113600000},
            {"eventId":2,"subscriptionType":"contact.propertyChange","propertyName":"email","propertyValue":"ann.new@example.com","objectId":125,"occurredAt":1564113600000},
            {"eventId":3,"subscriptionType":"contact.propertyChange","propertyName":"city","propertyValue":"Bonn","objectId":126,"occurredAt":1564113600000},
            {"eventId":4,"subscriptionType":"contact.restore","objectId":124,"occurredAt":1564113600000}]"#,
        &[
            "erasure_requested id=123 occurred=2019-07-26T04:00:00Z",
            "ignored",
            "email_changed id=125 email=ann.new@example.com occurred=2019-07-26T04:00:00Z",
            "ignored",
            "departure_cancelled id=124 occurred=2019-07-26T04:00:00Z",
        ],
    ),
    ("hubspot-v1", r#"[{"subscriptionType":"contact.privacyDeletion","objectId":123}]"#, &["erasure_requested id=123"]),
    ("hubspot-v2", r#"[{"subscriptionType":"contact.privacyDeletion","objectId":123}]"#, &["erasure_requested id=123"]),
    (
        "zendesk",
        r#"{"type":"zen:event-type:user.deleted","account_id":12514403,"id":"2b24ef10","time":"2099-07-04T05:33:18Z","subject":"zen:user:65","detail":{"id":"65","email":"ann@example.com","external_id":""},"event":{}}"#,
        &["departed id=65 email=ann@example.com occurred=2099-07-04T05:33:18Z"],
    ),
    (
        "zendesk",
        r#"{"type":"zen:event-type:user.active_changed","id":"2b24ef11","time":"2099-07-04T05:33:18Z","detail":{"id":"65","email":"ann@example.com"},"event":{"current":false,"previous":true}}"#,
        &["ignored"],
    ),
    (
        "intercom",
        r#"{"type":"notification_event","id":"notif_1","topic":"contact.deleted","data":{"item":{"type":"contact","id":"5ba6","external_id":"x"}},"created_at":1564113600}"#,
        &["departed id=5ba6 occurred=2019-07-26T04:00:00Z"],
    ),
    (
        "intercom",
        r#"{"type":"notification_event","id":"notif_2","topic":"contact.email.updated","data":{"item":{"id":"5ba6","email":"ann.new@example.com"}},"created_at":1564113600}"#,
        &["email_changed id=5ba6 email=ann.new@example.com occurred=2019-07-26T04:00:00Z"],
    ),
    (
        "attio",
        r#"{"webhook_id":"w","events":[{"event_type":"record.deleted","id":{"workspace_id":"w","object_id":"o","record_id":"r"},"actor":{"id":"a"}}]}"#,
        &["ignored"],
    ),
    (
        "close",
        r#"{"event":{"id":"ev_1","action":"deleted","object_type":"contact","object_id":"cont_1","data":{},"previous_data":{},"date_created":"2019-01-15T12:48:23.395000"},"subscription_id":"w"}"#,
        &["departed id=cont_1 occurred=2019-01-15T12:48:23.395Z"],
    ),
    ("close", r#"{"event":{"id":"ev_2","action":"deleted","object_type":"lead","object_id":"lead_1"}}"#, &["ignored"]),
    (
        "shopify",
        r#"{"shop_id":954889,"shop_domain":"x.myshopify.com","customer":{"id":191167,"email":"ann@example.com","phone":"555"},"orders_to_redact":[299938]}"#,
        &["erasure_requested id=191167 email=ann@example.com"],
    ),
    (
        "shopify",
        r#"{"shop_id":954889,"shop_domain":"x.myshopify.com","customer":{"id":191167,"email":"ann@example.com"},"orders_requested":[299938],"data_request":{"id":9999}}"#,
        &["ignored"],
    ),
    ("shopify", r#"{"id":706405506930370084,"email":"ann@example.com"}"#, &["ignored"]),
    ("segment", r#"{"type":"delete","userId":"42","messageId":"m"}"#, &["erasure_requested id=42"]),
    (
        "segment",
        r#"{"type":"identify","userId":"42","messageId":"m","traits":{"email":"ann@example.com"}}"#,
        &["profile id=42 email=ann@example.com"],
    ),
    (
        "stripe",
        r#"{"id":"evt_1","type":"customer.updated","created":1564113600,"data":{"object":{"id":"cus_1","email":"ann.new@example.com"},"previous_attributes":{"email":"ann@example.com"}}}"#,
        &["email_changed id=cus_1 email=ann.new@example.com old=ann@example.com occurred=2019-07-26T04:00:00Z"],
    ),
    (
        "stripe",
        r#"{"id":"evt_2","type":"customer.deleted","created":1564113600,"data":{"object":{"id":"cus_1","email":"ann@example.com"}}}"#,
        &["departed id=cus_1 email=ann@example.com occurred=2019-07-26T04:00:00Z"],
    ),
    // The administrator who did it is never the person.
    (
        "okta",
        r#"{"eventType":"com.okta.event_hook","eventId":"b5a1","data":{"events":[
            {"uuid":"u1","published":"2026-03-28T19:15:23.000Z","eventType":"user.lifecycle.deactivate",
             "actor":{"id":"00a","type":"User","alternateId":"admin@example.com"},
             "target":[{"id":"0oa","type":"AppInstance","alternateId":"app@example.com"},{"id":"00u","type":"User","alternateId":"ann@example.com"}]},
            {"uuid":"u2","published":"2026-03-28T19:15:23.000Z","eventType":"user.lifecycle.deactivate",
             "actor":{"id":"00a","type":"User","alternateId":"admin@example.com"},"target":[]},
            {"uuid":"u3","published":"2026-03-28T19:15:23.000Z","eventType":"user.lifecycle.suspend",
             "actor":{"id":"00a","type":"User","alternateId":"admin@example.com"},"target":[{"id":"00v","type":"User","alternateId":"bob@example.com"}]}]}}"#,
        &[
            "departed id=00u email=ann@example.com occurred=2026-03-28T19:15:23Z",
            "unreadable: item 1, at `$.target[?@.type == 'User'].id`, `$.target[?@.type == 'User'].alternateId`: expected a person id or an e-mail address",
            "ignored",
        ],
    ),
    (
        "factorial",
        r#"{"id":7,"email":"ann@example.com","company_id":1,"terminated_on":"2026-12-31"}"#,
        &["departed id=7 email=ann@example.com effective=2026-12-31"],
    ),
    (
        "factorial",
        r#"{"id":7,"email":"ann@example.com","terminated_on":null}"#,
        &["departure_cancelled id=7 email=ann@example.com"],
    ),
    // The company's address is never the person's.
    (
        "rippling",
        "event_name=EmployeeDeleted&company_id=c&company_primary_email=boss%40example.com&id=42",
        &["ignored"],
    ),
    (
        "pipedrive",
        r#"{"meta":{"action":"delete","entity":"person","entity_id":"7","timestamp":"2026-03-28T19:15:23.000Z"},"data":null,"previous":{"id":7,"emails":[{"value":"old@example.com","primary":false},{"value":"ann@example.com","primary":true}]}}"#,
        &["departed id=7 email=ann@example.com occurred=2026-03-28T19:15:23Z"],
    ),
    (
        "pipedrive",
        r#"{"meta":{"action":"delete","entity":"person","entity_id":"7","merged_to_id":"8"},"data":null,"previous":{"emails":[{"value":"ann@example.com","primary":true}]}}"#,
        &[],
    ),
    (
        "pipedrive",
        r#"{"v":1,"event":"deleted.person","meta":{"action":"deleted","object":"person","id":7,"timestamp":1564113600},"current":null,"previous":{"email":[{"value":"ann@example.com","primary":true}]}}"#,
        &["departed id=7 email=ann@example.com occurred=2019-07-26T04:00:00Z"],
    ),
    (
        "zoho",
        r#"{"module":"Contacts","operation":"delete","ids":["1","2"],"channel_id":"c","token":"00112233445566778899aabbccddeeff","server_time":1564113600000}"#,
        &["ignored", "ignored"],
    ),
    (
        "copper",
        r#"{"subscription_id":1,"event":"delete","type":"person","ids":[26,27],"updated_attributes":{},"secret":"00112233445566778899aabbccddeeff"}"#,
        &["departed id=26", "departed id=27"],
    ),
    (
        "copper",
        r#"{"subscription_id":1,"event":"update","type":"person","ids":[26],"updated_attributes":{"email":["ann@example.com","ann.new@example.com"]},"secret":"00112233445566778899aabbccddeeff"}"#,
        &["email_changed id=26 email=ann.new@example.com old=ann@example.com"],
    ),
    (
        "copper",
        r#"{"subscription_id":1,"event":"delete","type":"company","ids":[26],"secret":"00112233445566778899aabbccddeeff"}"#,
        &[],
    ),
    (
        "microsoft-graph",
        r#"{"value":[{"subscriptionId":"s","clientState":"00112233445566778899aabbccddeeff","changeType":"deleted","resource":"Users/87d3","resourceData":{"id":"87d3"},"tenantId":"t"},
            {"subscriptionId":"s","clientState":"00112233445566778899aabbccddeeff","lifecycleEvent":"missed","tenantId":"t"}]}"#,
        &["ignored", "ignored"],
    ),
    (
        "auth0",
        r#"[{"log_id":"l","data":{"type":"sdu","user_id":"auth0|admin","date":"2026-03-28T19:15:23.000Z"}}]"#,
        &["ignored"],
    ),
];

#[test]
fn every_preset_signs_verifies_and_reads() {
    for (preset, body, events) in STORIES {
        let source = source(preset, usable_secret(preset));
        let message = Outgoing { method: "POST", query: None, id: "d-1", at: at(SIGNED_AT), body: body.as_bytes() };
        let signed = headers(&source.sign(&message).unwrap());
        let verified = source.verify(&post(&signed, body.as_bytes()), at(SIGNED_AT));
        assert!(verified.is_ok_and(|verified| verified.handshake.is_none()), "{preset}");
        assert!(source.answer_handshake(&post(&signed, body.as_bytes())).is_none(), "{preset}");
        assert_eq!(events_of(&source, body), *events, "{preset}");
    }
}

#[test]
fn unsigned_delivery_requires_its_secret() {
    for preset in ["okta", "factorial", "rippling", "pipedrive", "zoho", "copper", "microsoft-graph", "auth0"] {
        let (_, body, _) = STORIES.iter().find(|(name, _, _)| *name == preset).unwrap();
        let message = Outgoing { method: "POST", query: None, id: "1", at: at(SIGNED_AT), body: body.as_bytes() };
        let signed = headers(&source(preset, usable_secret(preset)).sign(&message).unwrap());
        let other = source(preset, "another:secret");
        let verdict = other.verify(&post(&signed, body.as_bytes()), at(SIGNED_AT));
        assert_eq!(verdict.unwrap_err(), Rejection::SignatureMismatch, "{preset}");
        let without = other.verify(&post(&HeaderMap::new(), b"{}"), at(SIGNED_AT));
        assert_eq!(without.unwrap_err(), Rejection::SignatureMissing, "{preset}");
    }
}

#[test]
fn one_notification_without_its_token_rejects_the_batch() {
    let graph = source("microsoft-graph", "state");
    let body = r#"{"value":[{"clientState":"state","changeType":"deleted"},{"changeType":"deleted"}]}"#;
    let verdict = graph.verify(&post(&HeaderMap::new(), body.as_bytes()), at(SIGNED_AT));
    assert_eq!(verdict.unwrap_err(), Rejection::SignatureMissing);
    for states in [["state", "State"], ["State", "state"]] {
        let items = states.map(|state| format!(r#"{{"clientState":"{state}","changeType":"deleted"}}"#)).join(",");
        let body = format!(r#"{{"value":[{items}]}}"#);
        let verdict = graph.verify(&post(&HeaderMap::new(), body.as_bytes()), at(SIGNED_AT));
        assert_eq!(verdict.unwrap_err(), Rejection::SignatureMismatch, "{states:?}");
    }
}

#[test]
fn ambiguous_event_can_be_mapped_by_one_line_of_settings() {
    let zoho = compile(Spec { mapping: Some(table("types.delete = 'departed'")), ..spec("zoho", "x") }).unwrap();
    let body = r#"{"module":"Contacts","operation":"delete","ids":["1"],"token":"x","server_time":1564113600000}"#;
    assert_eq!(events_of(&zoho, body), ["departed id=1 occurred=2019-07-26T04:00:00Z"]);
}

/// A minimal fuzzer: every body truncated at any position and with every byte changed in turn.
#[test]
fn no_damaged_body_makes_a_preset_panic() {
    for (preset, body, _) in STORIES {
        let source = source(preset, usable_secret(preset));
        for index in 0..body.len() {
            let mut damaged = body.as_bytes().to_vec();
            for byte in [b'0', b'"', b'[', b'{', 0xff] {
                damaged[index] = byte;
                let _events = source.read(None, &damaged);
            }
            let _events = source.read(None, &body.as_bytes()[..index]);
        }
    }
}
