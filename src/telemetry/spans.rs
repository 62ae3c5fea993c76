//! The way of a delivery as spans, for OpenTelemetry: intake, routing, attempts and their calls.
//!
//! The trace of a delivery has the delivery's id, and the trace of a case the case's id, so that nothing has to be stored and
//! a restart breaks no trace. The span in which a case was opened links to its trace, and the case's first span links back.
//! Only the fields below are taken: none of them holds personal data.

use std::io::IsTerminal as _;
use std::sync::Arc;

use jiff::Timestamp;
use serde::Serialize;
use tokio::sync::mpsc;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt as _;
use uuid::Uuid;

use crate::clock::{self, Clock};

/// The spans that are exported, with their kind in OpenTelemetry.
const SPANS: [(&str, Kind); 4] = [
    ("intake.delivery", Kind::Server),
    ("router.event", Kind::Consumer),
    ("worker.job", Kind::Consumer),
    ("atlassian.call", Kind::Client),
];

/// The event that begins the trace of a case.
const OPENED: &str = "case.opened";

const FIELDS: [&str; 11] = [
    "delivery.id",
    "source",
    "site",
    "position",
    "case.id",
    "case.state",
    "job.id",
    "job.kind",
    "attempt",
    "call",
    "http.status",
];

/// The number of finished spans that wait for their export. More are dropped.
const WAITING: usize = 4096;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Server,
    Client,
    Consumer,
}

impl Kind {
    /// The number in the protocol.
    pub(crate) const fn number(self) -> u8 {
        match self {
            Self::Server => 2,
            Self::Client => 3,
            Self::Consumer => 5,
        }
    }
}

/// A finished span.
#[derive(Debug, Clone)]
pub(crate) struct Span {
    pub(crate) place: Place,
    pub(crate) parent: Option<u64>,
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    pub(crate) began_at: Timestamp,
    pub(crate) ended_at: Timestamp,
    pub(crate) attributes: Vec<(&'static str, Value)>,
    pub(crate) links: Vec<Place>,
}

/// A span in its trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) trace: u128,
    pub(crate) span: u64,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) enum Value {
    #[serde(rename = "stringValue")]
    Text(String),
    #[serde(rename = "intValue")]
    Number(String),
}

impl Place {
    /// The first span of the trace of a delivery or a case. The end of its id is random.
    const fn root(id: Uuid) -> Self {
        let (_, span) = id.as_u64_pair();
        Self { trace: id.as_u128(), span }
    }
}

/// Starts logging as without traces, and returns the finished spans.
pub(crate) fn start(clock: Arc<dyn Clock>) -> mpsc::Receiver<Span> {
    let (sender, spans) = mpsc::channel(WAITING);
    let filter = super::filter(super::DEFAULT);
    let logs = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let logs = if std::io::stderr().is_terminal() {
        logs.compact().with_filter(filter).boxed()
    } else {
        logs.json().flatten_event(true).with_current_span(true).with_span_list(false).with_filter(filter).boxed()
    };
    let traces = SpanLayer { sender, clock }.with_filter(filter_fn(is_exported));
    if let Err(error) = tracing_subscriber::registry().with(logs).with(traces).try_init() {
        tracing::debug!(%error, "logging is already started");
    }
    spans
}

fn is_exported(metadata: &Metadata<'_>) -> bool {
    if metadata.is_span() { kind_of(metadata.name()).is_some() } else { metadata.name() == OPENED }
}

fn kind_of(name: &str) -> Option<Kind> {
    SPANS.iter().find(|(known, _)| *known == name).map(|(_, kind)| *kind)
}

struct SpanLayer {
    sender: mpsc::Sender<Span>,
    clock: Arc<dyn Clock>,
}

impl SpanLayer {
    fn finish(&self, span: Span) {
        if self.sender.try_send(span).is_err() {
            // The exporter is behind or has ended: traces are not worth a wait.
        }
    }
}

impl<S: Subscriber + for<'s> LookupSpan<'s>> Layer<S> for SpanLayer {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let (Some(new), Some(kind)) = (context.span(id), kind_of(attributes.metadata().name())) else { return };
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        let now = self.clock.now();
        let (_, random) = clock::new_id(now).as_u64_pair();
        let above = new.parent().and_then(|parent| parent.extensions().get::<Span>().map(|span| span.place));
        let (place, parent) = match (kind, fields.root, above) {
            (Kind::Server, Some(root), _) => (root, None),
            (_, Some(root), _) => (Place { span: random, ..root }, Some(root.span)),
            (_, None, Some(above)) => (Place { span: random, ..above }, Some(above.span)),
            // A call outside of a job: a probe.
            (_, None, None) => return,
        };
        let name = attributes.metadata().name();
        let (attributes, links) = (fields.attributes, Vec::new());
        new.extensions_mut().insert(Span {
            place,
            parent,
            name,
            kind,
            began_at: now,
            ended_at: now,
            attributes,
            links,
        });
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let Some(recorded) = context.span(id) else { return };
        if let Some(span) = recorded.extensions_mut().get_mut::<Span>() {
            let mut fields = Fields::default();
            values.record(&mut fields);
            span.attributes.extend(fields.attributes);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let Some(root) = fields.root else { return };
        let mut links = Vec::new();
        if let Some(current) = context.lookup_current()
            && let Some(span) = current.extensions_mut().get_mut::<Span>()
        {
            span.links.push(root);
            links.push(span.place);
        }
        let now = self.clock.now();
        self.finish(Span {
            place: root,
            parent: None,
            name: OPENED,
            kind: Kind::Consumer,
            began_at: now,
            ended_at: now,
            attributes: fields.attributes,
            links,
        });
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        let Some(closed) = context.span(&id) else { return };
        let finished = closed.extensions_mut().remove::<Span>();
        if let Some(span) = finished {
            self.finish(Span { ended_at: self.clock.now(), ..span });
        }
    }
}

/// The known fields of a span or an event.
#[derive(Default)]
struct Fields {
    /// The trace that the delivery or the case names.
    root: Option<Place>,
    attributes: Vec<(&'static str, Value)>,
}

impl Fields {
    fn add(&mut self, field: &Field, value: Value) {
        let Some(name) = FIELDS.into_iter().find(|name| *name == field.name()) else { return };
        if let (Value::Text(text), "delivery.id" | "case.id") = (&value, name) {
            self.root = text.parse().ok().map(Place::root);
        }
        self.attributes.push((name, value));
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        self.add(field, Value::Text(format!("{value:?}")));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.add(field, Value::Text(value.to_owned()));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.add(field, Value::Number(value.to_string()));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.add(field, Value::Number(value.to_string()));
    }
}
