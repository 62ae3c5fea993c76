//! The health of sites and sources, in one line each.

use super::html::{Status, Tone};
use super::i18n::Texts;
use super::time::{Moment, span};
use super::visitor::Visitor;
use crate::admin::api::{SiteView, SourceView};

/// A site or a source in the overview.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) name: String,
    pub(super) kind: String,
    pub(super) href: String,
    pub(super) status: Status,
    pub(super) last: Option<Moment>,
}

pub(super) fn parts(visitor: &Visitor, sites: &[SiteView], sources: &[SourceView]) -> Vec<Part> {
    let t = visitor.t();
    let calendar = visitor.calendar(None);
    let sites = sites.iter().map(|view| Part {
        name: view.name.to_string(),
        kind: t.s("kind-site"),
        href: format!("/sites#{}", view.name),
        status: site(t, view),
        last: view.paused_at.map(|at| calendar.short(at, visitor.now)),
    });
    let sources = sources.iter().map(|view| Part {
        name: view.name.to_string(),
        kind: t.s("kind-source"),
        href: format!("/sources#{}", view.name),
        status: source(visitor, view),
        last: view.last_delivery_at.map(|at| calendar.short(at, visitor.now)),
    });
    sites.chain(sources).collect()
}

pub(super) fn site(t: Texts, site: &SiteView) -> Status {
    if site.paused_at.is_some() {
        Status::new(Tone::Bad, "pause", t.s("site-paused"))
    } else if site.paused_calls.is_empty() {
        Status::new(Tone::Ok, "check", t.s("site-works"))
    } else {
        Status::new(Tone::Warn, "pause", t.n("site-calls-paused", site.paused_calls.len()))
    }
}

pub(super) fn source(visitor: &Visitor, source: &SourceView) -> Status {
    let t = visitor.t();
    if source.brake.is_some() {
        return Status::new(Tone::Bad, "snow", t.s("source-frozen"));
    }
    if source.paused_at.is_some() {
        return Status::new(Tone::Warn, "pause", t.s("source-paused"));
    }
    match source.last_delivery_at {
        None => Status::new(Tone::Plain, "clock", t.s("source-waiting")),
        Some(last) if source.quiet => {
            let silence = span(t, visitor.now.duration_since(last));
            Status::new(Tone::Warn, "clock", t.v("source-quiet", "time", silence))
        }
        Some(_) => Status::new(Tone::Ok, "check", t.s("source-works")),
    }
}
