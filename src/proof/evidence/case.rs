//! The summary of one case: what was demanded, approved, done and read, each with its entry in the journal.
//!
//! Everything comes from the journal and from rows that stay after the personal data was shredded. The summary holds no
//! personal data.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::approvals::{given_approvals, names_of};
use super::document::{FORMAT, ONE_CASE};
use super::steps::{ApprovalStep, Call, Commitment, Entry, OperatorStep, ReadBack, calls};
use crate::domain::account::AccountType;
use crate::domain::case::{Attention, Case, Demand, JobKind, Stage, StateName, Terms};
use crate::domain::ids::{CaseId, PolicyName, SiteName, SourceName};
use crate::domain::policy::Action;
use crate::proof::chain::ChainEntry;

/// How to check the commitment; part of each file.
const HOW_TO_CHECK: &str = "sha256 of SALT:ADDRESS, the address in lower case: printf %s \"SALT:ADDRESS\" | sha256sum";

/// The daemon makes every call itself, with the credentials of the site.
const EXECUTOR: &str = "offboardd";

/// What the database holds about a case.
#[derive(Debug)]
pub struct CaseFacts {
    pub case: Case,
    pub opened_at: Timestamp,
    pub account_type: Option<AccountType>,
    /// The salt of the commitment to the email address.
    pub salt: String,
    /// The policy of the case's terms, or of its source.
    pub policy: Option<PolicyName>,
    /// The journal entries of the case, oldest first.
    pub entries: Vec<ChainEntry>,
    pub deliveries: Vec<DeliveryFact>,
    pub events: Vec<EventFact>,
    pub attempts: Vec<AttemptFact>,
}

/// A delivery with an event about the case.
#[derive(Debug, Serialize)]
pub struct DeliveryFact {
    pub delivery: String,
    pub source: String,
    pub received_at: Timestamp,
    /// The time that the vendor's signature covers.
    pub signed_at: Option<Timestamp>,
    /// The verdict on the vendor's signature. A request whose signature does not hold is never stored.
    pub signature: &'static str,
    /// HMAC-SHA256 under the store's key, of the body or of the vendor's delivery id and the body: a body cannot be guessed
    /// from it.
    pub keyed_digest: Option<String>,
    pub status: String,
}

#[derive(Debug, Serialize)]
pub struct EventFact {
    pub delivery: String,
    /// Its index in the delivery.
    pub position: u32,
    #[serde(rename = "type")]
    pub event_type: String,
    pub happened_at: Timestamp,
    pub status: String,
    pub reason: Option<String>,
}

#[derive(Debug, Serialize)]
pub struct AttemptFact {
    pub job: String,
    pub kind: String,
    pub number: u32,
    pub started_at: Timestamp,
    pub ended_at: Timestamp,
    pub outcome: String,
}

/// The first section of a file about one case. The order of the fields is the order in the file.
#[derive(Debug, Serialize)]
pub struct CaseSummary {
    format: &'static str,
    proves: &'static str,
    made_at: Timestamp,
    case: CaseId,
    site: SiteName,
    source: Option<SourceName>,
    state: StateName,
    action: Action,
    dates: Dates,
    duties: Duties,
    person: PersonProof,
    policy: Option<PolicyName>,
    terms: Value,
    terms_sha256: String,
    demands: Vec<Demand>,
    deliveries: Vec<DeliveryFact>,
    events: Vec<EventFact>,
    approvals: Vec<ApprovalStep>,
    operators: Vec<OperatorStep>,
    calls: Vec<Call>,
    read_backs: Vec<ReadBack>,
    attempts: Vec<AttemptFact>,
    graces: Graces,
    /// The answer to the person whose request for erasure was carried out.
    answer: Option<String>,
    left_open: Option<LeftOpen>,
}

/// From the last day to the removal.
#[derive(Debug, Serialize)]
struct Dates {
    opened_at: Timestamp,
    /// When the departure, or what else was demanded, takes effect.
    effective_at: Timestamp,
    /// When a read confirmed the revoke or, without one, when the deletion was accepted.
    access_removed_at: Option<Timestamp>,
    seconds_from_effect_to_removal: Option<i64>,
    deletion_accepted_at: Option<Timestamp>,
    /// When the last read found no account.
    gone_at: Option<Timestamp>,
    closed_at: Option<Timestamp>,
}

/// Who requested, approved and executed: different parties, at a glance.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Duties {
    pub(super) requested_by: String,
    pub(super) approvals_required: ApprovalsRequired,
    /// The people whose approvals covered a call when it was made, or stand now.
    pub(super) approved_by: BTreeSet<String>,
    pub(super) executed_by: &'static str,
    pub(super) approver_is_not_requester: bool,
    pub(super) approver_is_not_executor: bool,
}

#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct ApprovalsRequired {
    revoke: u8,
    delete: u8,
}

#[derive(Debug, Serialize)]
struct PersonProof {
    /// The address is left to the reader.
    email: &'static str,
    salt: String,
    /// The address when the case was opened, and each one that became known later.
    commitments: Vec<Commitment>,
    account_type: Option<AccountType>,
    /// HMAC-SHA256 of the account id under the store's key, as in the journal.
    account_hash: Option<String>,
}

#[derive(Debug, Serialize)]
struct Graces {
    local: Option<LocalGrace>,
    deletion: Option<DeletionGrace>,
}

/// Our wait between revoke and deletion.
#[derive(Debug, Serialize)]
struct LocalGrace {
    length: SignedDuration,
    from: Timestamp,
    until: Option<Timestamp>,
}

/// Atlassian's wait after the deletion.
#[derive(Debug, Serialize)]
struct DeletionGrace {
    from: Option<Timestamp>,
    until: Timestamp,
}

/// What an open case still waits for.
#[derive(Debug, Serialize)]
struct LeftOpen {
    next: Option<JobKind>,
    not_before: Option<Timestamp>,
    approvals_missing: Option<MissingApprovals>,
    attention: Option<String>,
    on_hold: bool,
}

#[derive(Debug, Serialize)]
struct MissingApprovals {
    #[serde(rename = "for")]
    stage: Stage,
    count: usize,
}

impl CaseSummary {
    /// Summarizes a case.
    pub fn of(facts: CaseFacts, made_at: Timestamp) -> Result<Self, serde_json::Error> {
        let CaseFacts { case, opened_at, account_type, salt, policy, entries, deliveries, events, attempts } = facts;
        let approved_by = names_of(&given_approvals(&entries)?);
        let details =
            entries.iter().map(|entry| serde_json::from_str(&entry.detail)).collect::<Result<Vec<Value>, _>>()?;
        let entries: Vec<Entry<'_>> =
            entries.iter().zip(details).map(|(entry, detail)| Entry { entry, detail }).collect();
        let terms = serde_json::to_value(&case.terms)?;
        Ok(Self {
            format: FORMAT,
            proves: ONE_CASE,
            made_at,
            case: case.id,
            site: case.site.clone(),
            source: case.source.clone(),
            state: case.state.name(),
            action: case.terms.action,
            dates: Dates::of(&case, opened_at),
            duties: Duties::of(&case.terms, case.source.as_ref(), &approved_by),
            person: PersonProof {
                email: HOW_TO_CHECK,
                salt,
                commitments: entries.iter().filter_map(Entry::commitment).collect(),
                account_type,
                account_hash: entries.iter().rev().find_map(|entry| entry.text("account")),
            },
            policy,
            terms_sha256: hex::encode(Sha256::digest(terms.to_string())),
            terms,
            deliveries,
            events,
            approvals: entries.iter().filter_map(Entry::approval).collect(),
            operators: entries.iter().filter_map(Entry::operator).collect(),
            calls: calls(&entries),
            read_backs: entries.iter().filter_map(Entry::read_back).collect(),
            attempts,
            graces: Graces::of(&case),
            answer: case.answer(),
            left_open: case.closed_at().is_none().then(|| LeftOpen::of(&case)),
            demands: case.demands,
        })
    }
}

impl Duties {
    /// `approved_by` are the names of the approvers.
    pub(super) fn of(terms: &Terms, source: Option<&SourceName>, approved_by: &BTreeSet<String>) -> Self {
        let operator = terms.requested_by.as_deref();
        let requested_by = match (operator, source) {
            (Some(operator), _) => format!("operator {operator}"),
            (None, Some(source)) => format!("source {source}"),
            (None, None) => "operator".to_owned(),
        };
        Self {
            requested_by,
            approvals_required: ApprovalsRequired { revoke: terms.approvals.revoke, delete: terms.approvals.delete },
            approved_by: approved_by.clone(),
            executed_by: EXECUTOR,
            approver_is_not_requester: operator.is_none_or(|operator| !approved_by.contains(operator)),
            approver_is_not_executor: !approved_by.contains(EXECUTOR),
        }
    }
}

/// When access was removed: a read confirmed the revoke or, without one, the deletion was accepted.
pub(super) fn access_removed_at(case: &Case) -> Option<Timestamp> {
    case.progress.revoked_at.or(case.progress.deletion_requested_at)
}

impl Dates {
    fn of(case: &Case, opened_at: Timestamp) -> Self {
        let removed_at = access_removed_at(case);
        Self {
            opened_at,
            effective_at: case.effective_at,
            access_removed_at: removed_at,
            seconds_from_effect_to_removal: removed_at.map(|at| at.duration_since(case.effective_at).as_secs()),
            deletion_accepted_at: case.progress.deletion_requested_at,
            gone_at: case.progress.gone_at,
            closed_at: case.closed_at(),
        }
    }
}

impl Graces {
    fn of(case: &Case) -> Self {
        let deletes = case.terms.action == Action::RevokeThenDelete;
        let progress = &case.progress;
        Self {
            local: progress.revoked_at.filter(|_| deletes).map(|from| LocalGrace {
                length: case.terms.local_grace,
                from,
                until: from.checked_add(case.terms.local_grace).ok(),
            }),
            deletion: progress.grace_ends_at.map(|until| DeletionGrace { from: progress.deletion_requested_at, until }),
        }
    }
}

impl LeftOpen {
    fn of(case: &Case) -> Self {
        let wanted = case.job_wanted();
        let stage = case.next_stage();
        Self {
            next: wanted.map(|wanted| wanted.kind),
            not_before: wanted.map(|wanted| wanted.due_at).or_else(|| case.planned_at(stage?)),
            approvals_missing: stage
                .map(|stage| MissingApprovals { stage, count: case.approvals_missing(stage) })
                .filter(|missing| missing.count > 0),
            attention: case.attention().map(|Attention { reason, detail: _ }| reason.to_string()),
            on_hold: case.on_hold,
        }
    }
}
