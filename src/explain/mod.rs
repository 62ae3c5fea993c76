//! Which events a body contains, and what each would do under the settings: for `explain` and for stored deliveries.
//!
//! Pure: it applies the mapping of a source and the rules of its policy. It reads no database and makes no call.

mod consequence;
mod plan;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub(crate) use self::consequence::{Basis, Consequence, Lookup};
pub(crate) use self::plan::{Circumstances, neutral};
use crate::domain::event::{Effective, Event};
pub(crate) use crate::sources::{Because, Lack, Match};
use crate::sources::{Explained, Unreadable};

#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub(crate) struct Explanation {
    /// The source or the preset whose mapping was applied.
    pub(crate) source: String,
    /// The policy, or a sentence about the assumed one.
    pub(crate) policy: String,
    /// Why the whole body is unreadable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) unreadable: Option<String>,
    pub(crate) items: Vec<ExplainedItem>,
}

/// Either `event` or `unreadable` is present.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub(crate) struct ExplainedItem {
    /// Index in the body, from 0.
    pub(crate) position: usize,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub(crate) event: Option<Event>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) unreadable: Option<String>,
    /// The rule of the mapping that produced the event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<String>,
    /// Absent for events that open no case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) effective_at: Option<Timestamp>,
    /// The same as facts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub(crate) because: Option<Because>,
    /// The consequences, one sentence each.
    pub(crate) then: Vec<String>,
    /// The same as facts.
    #[schema(value_type = Vec<Object>)]
    pub(crate) consequences: Vec<Consequence>,
}

impl Explanation {
    pub(crate) fn new(
        source: String,
        policy: String,
        read: Result<Vec<Explained>, Unreadable>,
        circumstances: &Circumstances<'_>,
        now: Timestamp,
    ) -> Self {
        let (unreadable, items) = match read {
            Ok(items) => (None, items),
            Err(unreadable) => (Some(unreadable.to_string()), Vec::new()),
        };
        let items = items.into_iter().enumerate();
        let items = items.map(|(position, explained)| ExplainedItem::new(position, explained, circumstances, now));
        Self { source, policy, unreadable, items: items.collect() }
    }

    /// Whether the daemon could read every item.
    pub(crate) fn is_readable(&self) -> bool {
        self.unreadable.is_none() && self.items.iter().all(|item| item.unreadable.is_none())
    }

    /// Formats it as text.
    pub(crate) fn render(&self) -> String {
        let mut lines = vec![self.source.clone(), format!("policy: {}", self.policy)];
        if let Some(unreadable) = &self.unreadable {
            lines.push(format!("the body is unreadable: {unreadable}"));
            lines.push("the delivery would be stored as unreadable; fix the mapping, then replay it".to_owned());
        } else if self.items.is_empty() {
            lines.push("no events: the body is empty, or the mapping ignores its items".to_owned());
        }
        for item in &self.items {
            lines.push(String::new());
            lines.extend(item.event.as_ref().map(|event| format!("item {}: {}", item.position, of_event(event))));
            lines.extend(item.unreadable.as_ref().map(|why| format!("item {}: unreadable, {why}", item.position)));
            lines.extend(item.reason.iter().map(|reason| format!("  reason: {reason}")));
            lines.extend(item.then.iter().map(|sentence| format!("  - {sentence}")));
        }
        lines.join("\n") + "\n"
    }
}

impl ExplainedItem {
    fn new(position: usize, explained: Explained, circumstances: &Circumstances<'_>, now: Timestamp) -> Self {
        let Explained { event, because } = explained;
        let (event, unreadable, effective_at, consequences) = match event {
            Ok(event) => {
                let (effective_at, consequences) = circumstances.plan(&event, now);
                (Some(event), None, effective_at, consequences)
            }
            Err(unreadable) => {
                let problem = Unreadable { item: None, ..unreadable }.to_string();
                (None, Some(problem), None, vec![Consequence::Unreadable])
            }
        };
        let then = consequences.iter().map(ToString::to_string).collect();
        let reason = because.as_ref().map(ToString::to_string);
        Self { position, event, unreadable, reason, effective_at, because, then, consequences }
    }
}

fn of_event(event: &Event) -> String {
    let mut words = vec![event.event_type.to_string()];
    words.extend(event.person.id.iter().map(|id| format!("person {}", id.as_str())));
    words.extend(event.person.email.iter().map(|email| email.as_str().to_owned()));
    words.extend(event.old_email.iter().map(|email| format!("old address {}", email.as_str())));
    words.extend(match event.effective {
        Effective::Immediately => None,
        Effective::At(instant) => Some(format!("effective {instant}")),
        Effective::On(day) => Some(format!("effective {day}")),
        Effective::Local(time) => Some(format!("effective {time}")),
    });
    words.extend(event.occurred_at.map(|at| format!("occurred {at}")));
    words.join(", ")
}
