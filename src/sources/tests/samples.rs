//! The sample of every preset, end to end: it departs, or the preset states why it cannot. The vendor's sample of a
//! return is a stop, or a profile with the same email address.

use axum::http::header::CONTENT_TYPE;

use super::payloads::line;
use super::*;
use crate::sources::preset::{Preset, Sample};

/// The events of a sample, signed and verified like the vendor's.
fn events_of(preset: &Preset, sample: &Sample) -> Vec<Event> {
    let name = preset.name();
    let source = source(name, usable_secret(name));
    let (extra, body) = source.prepare(sample.text.as_bytes());
    let message = Outgoing { method: "POST", query: None, id: "d-1", at: at(SIGNED_AT), body: &body };
    let mut signed = headers(&source.sign_with(&message, &extra).unwrap());
    signed.extend(headers(&extra));
    signed.insert(CONTENT_TYPE, sample.content_type.parse().unwrap());
    let request = post(&signed, &body);
    let verified = source.verify(&request, at(SIGNED_AT)).unwrap();
    assert!(
        verified.handshake.is_none() && source.answer_handshake(&request).is_none(),
        "{name}: taken for a handshake"
    );
    let read = source.read(request.content_type(), &source.to_store(&signed, &body)).unwrap();
    let explained = explain_preset(preset, request.content_type(), sample.text.as_bytes()).unwrap().unwrap();
    assert_eq!(explained.len(), read.len(), "{name}");
    read.into_iter().map(|event| event.unwrap_or_else(|error| panic!("{name}: {error}"))).collect()
}

#[test]
fn each_sample_departs_or_its_preset_states_why_not() {
    for name in preset::names() {
        let preset = preset::find(name).unwrap();
        let events = events_of(preset, &preset.example().unwrap_or_else(|| panic!("{name} has no sample")));
        let leaves = |event: &Event| matches!(event.event_type, EventType::Departed | EventType::ErasureRequested);
        if preset.no_departure().is_none() {
            assert!(events.iter().all(leaves) && !events.is_empty(), "{name}: {events:?}");
            continue;
        }
        assert!(events.iter().all(|event| event.event_type == EventType::Ignored), "{name}: {events:?}");
        let types = source(name, usable_secret(name)).event_types();
        assert!(!types.contains(&EventType::Departed), "{name} has no departure, but its sample departs");
    }
}

#[test]
fn each_return_sample_is_a_stop_or_a_profile() {
    for name in preset::names() {
        let preset = preset::find(name).unwrap();
        let Some(back) = preset.return_example() else {
            assert!(preset.no_return().is_some(), "{name}: neither a return sample nor a reason why there is none");
            continue;
        };
        let left = events_of(preset, &preset.example().unwrap()).remove(0);
        let back = events_of(preset, &back).remove(0);
        let shown = line(&Ok(back.clone()));
        match back.event_type {
            EventType::Returned | EventType::DepartureCancelled => {
                let same = (left.person.id.is_some() && left.person.id == back.person.id)
                    || (left.person.email.is_some() && left.person.email == back.person.email);
                assert!(same, "{name}: the return sample is about another person: {shown}");
            }
            // With another id, only the email address identifies the same person.
            EventType::Profile => {
                let email = back.person.email.as_ref().map(crate::domain::person::EmailAddress::as_str);
                assert_eq!(email, Some("ann@example.com"), "{name}: {shown}");
            }
            EventType::Departed
            | EventType::EmailChanged
            | EventType::ErasureRequested
            | EventType::CompanyDeparted
            | EventType::Ignored => {
                panic!("{name}: not a way back: {shown}")
            }
        }
        if let (Some(left), Some(back)) = (left.occurred_at, back.occurred_at) {
            assert!(left < back, "{name}: the return is not newer than the departure");
        }
    }
}

#[test]
fn every_preset_has_steps_to_set_it_up() {
    for name in preset::names() {
        assert!(!preset::find(name).unwrap().clicks().is_empty(), "{name}");
    }
}

#[test]
fn headers_of_a_sample_are_separated_from_its_body() {
    let split = |text: &'static str| {
        let (headers, body) = preset::split_headers(text.as_bytes());
        (headers.len(), str::from_utf8(body).unwrap())
    };
    assert_eq!(split("A-b: c\r\nD: e\n\n{\"x\": 1}"), (2, "{\"x\": 1}"));
    for body in ["{\"a\": 1}\n\n", "[1,\n\n2]", "a=b&c=d", "", "\n\n{}", "A: b", "A: b\n{}", "\"a: b\"\n\n"] {
        assert_eq!(split(body), (0, body));
    }
}
