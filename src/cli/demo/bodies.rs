//! The bodies that the demo's HR systems send, as each vendor documents them.

use jiff::{Timestamp, civil};
use serde_json::{Value, json};

use super::cast::Character;

/// A field-based BambooHR webhook: an update whose `Status` is a departure.
pub(super) fn bamboohr_inactive(who: &Character, last_day: civil::Date, at: Timestamp) -> Value {
    let (first, last) = who.name.split_once(' ').unwrap_or((who.name, ""));
    json!({ "employees": [{
        "id": who.id,
        "action": "Updated",
        // BambooHR writes the offset without a colon.
        "timestamp": at.strftime("%Y-%m-%dT%H:%M:%S+0000").to_string(),
        "changedFields": ["Status", "Termination Date"],
        "fields": {
            "First Name": first,
            "Last Name": last,
            "Work Email": who.email,
            "Status": "Inactive",
            "Termination Date": last_day,
        },
    }] })
}

/// offboardd's own event.
pub(super) fn event(kind: &str, who: &Character, at: Timestamp) -> Value {
    json!({ "type": kind, "person": { "id": who.id, "email": who.email }, "occurred_at": at })
}

/// offboardd's own event for a future departure.
pub(super) fn departure(who: &Character, effective_at: Timestamp, at: Timestamp) -> Value {
    json!({
        "type": "departed",
        "person": { "id": who.id, "email": who.email },
        "effective_at": effective_at,
        "occurred_at": at,
    })
}
