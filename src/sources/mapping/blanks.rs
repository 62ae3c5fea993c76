//! Blank dates in conditions.

use serde_json::Value;

use super::description::Rule;
use crate::domain::event::EventType;
use crate::sources::json_path::Scope;

/// An item and its envelope, each alone in an array, with blank dates once as null and once removed.
pub(super) struct Blanks {
    null: (Value, Value),
    missing: (Value, Value),
}

impl Blanks {
    pub(super) fn of(alone: &Value, wrapped: &Value) -> Self {
        let both = (alone.clone(), wrapped.clone());
        Self { null: both.clone(), missing: both }
    }

    pub(super) fn clear(&mut self, scope: &Scope, pointer: &str) {
        let (null, missing) = match scope {
            Scope::Item => (&mut self.null.0, &mut self.missing.0),
            Scope::Envelope | Scope::Header(_) => (&mut self.null.1, &mut self.missing.1),
        };
        let pointer = format!("/0{pointer}");
        if let Some(value) = null.pointer_mut(&pointer) {
            *value = Value::Null;
        }
        if let Some((parent, name)) = pointer.rsplit_once('/')
            && let Some(Value::Object(members)) = missing.pointer_mut(parent)
        {
            members.remove(&name.replace("~1", "/").replace("~0", "~"));
        }
    }

    /// Whether a rule holds despite a blank date. A rule that only the date could fulfill does not prove a departure: a
    /// rule that departs must hold without the date, unless it names null itself.
    pub(super) fn hold(&self, rule: &Rule) -> bool {
        let holds = |both: &(Value, Value)| match rule.when.scope {
            Scope::Item => rule.when.holds(&both.0),
            Scope::Envelope | Scope::Header(_) => rule.when.holds(&both.1),
        };
        let departs = matches!(rule.event, EventType::Departed | EventType::ErasureRequested);
        holds(&self.null) && (!departs || rule.when.names_null() || holds(&self.missing))
    }
}
