//! `/journal`: the append-only history, by kind and case, and its verification.

use askama::Template;
use axum::response::Response;

use super::cases::Choice;
use super::failure::Failure;
use super::fields::{Fields, Form};
use super::i18n::Texts;
use super::layout::{Nav, Shell, render};
use super::problems::Sentence;
use super::time::{Calendar, Moment};
use super::visitor::Visitor;
use super::words;
use crate::domain::ids::CaseId;
use crate::domain::operator::Role;
use crate::store::{JournalFilter, JournalRow};

/// The kinds of entries that a visitor may select, in groups.
const GROUPS: &[(&str, &[&str])] = &[
    ("calls", &["revoke_dispatched", "deletion_dispatched", "detach_dispatched", "reinvite_dispatched"]),
    (
        "outcomes",
        &["revoke_confirmed", "deletion_accepted", "gone_confirmed", "account_missing", "grant_seen", "reinvited"],
    ),
    (
        "operators",
        &["approved", "withdrawn", "cancelled", "held", "released", "retried", "resolved", "delivery_replayed"],
    ),
    ("sources", &["opened", "departed", "stopped", "erasure_requested", "demands_ended"]),
    (
        "pauses",
        &[
            "site_paused",
            "site_resumed",
            "site_kind_paused",
            "site_kind_resumed",
            "source_paused",
            "source_resumed",
            "brake_tripped",
            "brake_released",
            "fence_raised",
            "fence_lifted",
        ],
    ),
    ("attention", &["attention_needed", "withheld", "call_rejected"]),
];

#[derive(Debug, Template)]
#[template(path = "journal.html")]
struct JournalPage {
    shell: Shell,
    groups: Vec<Choice>,
    case: String,
    caption: String,
    rows: Vec<Row>,
    next: Option<String>,
    entries: i64,
    verified: Option<Verified>,
    may_verify: bool,
}

#[derive(Debug)]
struct Row {
    seq: i64,
    at: Moment,
    name: String,
    kind: String,
    case: Option<(String, String)>,
    detail: String,
}

/// The result of a verification.
#[derive(Debug)]
struct Verified {
    is_intact: bool,
    findings: Vec<Sentence>,
}

pub(super) async fn list(visitor: Visitor, fields: Fields) -> Result<Response, Failure> {
    page(&visitor, &fields, None).await
}

/// Walks the whole journal and all cases. Changes nothing, but takes a while: not for viewers.
pub(super) async fn verify(visitor: Visitor, Form(_form): Form) -> Result<Response, Failure> {
    visitor.require(Role::Operator)?;
    let found = visitor.admin().store.verify_history().await?;
    let t = visitor.t();
    let findings: Vec<_> = found.iter().map(|finding| Sentence::of(t, &finding.detail)).collect();
    let verified = Verified { is_intact: findings.is_empty(), findings };
    page(&visitor, &Fields::default(), Some(verified)).await
}

async fn page(visitor: &Visitor, fields: &Fields, verified: Option<Verified>) -> Result<Response, Failure> {
    let t = visitor.t();
    let calendar = visitor.calendar(None);
    let group = fields.get("kind");
    let kinds = GROUPS.iter().find(|(name, _)| Some(*name) == group).map_or(&[][..], |(_, kinds)| *kinds);
    let case_id = fields.get("case").map(str::parse::<CaseId>);
    let filter = JournalFilter {
        case_id: case_id.transpose().map_err(|_no_id| Failure::Invalid(t.s("journal-case-hint")))?,
        kinds: kinds.to_vec(),
        cursor: fields.get("cursor").and_then(|cursor| cursor.parse().ok()),
        limit: 100,
    };
    let page = visitor.admin().store.journal(&filter).await?;
    let entries = visitor.admin().store.count_journal_entries().await?;
    let rows: Vec<Row> = page.items.into_iter().map(|entry| row(t, &calendar, entry)).collect();
    render(&JournalPage {
        groups: GROUPS
            .iter()
            .map(|(name, _)| Choice {
                value: (*name).to_owned(),
                name: t.s(&format!("journal-group-{name}")),
                chosen: group == Some(name),
            })
            .collect(),
        case: fields.get("case").unwrap_or_default().to_owned(),
        caption: t.n("journal-caption", rows.len()),
        rows,
        next: page.next.map(|cursor| fields.only(&["kind", "case"]).with("cursor", cursor).on("/journal")),
        entries,
        verified,
        may_verify: visitor.is_operator(),
        shell: Shell::of(visitor, Nav::Journal, t.s("nav-journal")).await?,
    })
}

fn row(t: Texts, calendar: &Calendar, entry: JournalRow) -> Row {
    Row {
        seq: entry.seq,
        at: calendar.exact(entry.at),
        name: t.find(&format!("journal-{}", entry.kind.replace('_', "-"))).unwrap_or_else(|| entry.kind.clone()),
        case: entry.case_id.map(|id| (format!("/cases/{id}"), words::short(id))),
        kind: entry.kind,
        detail: entry.detail,
    }
}
