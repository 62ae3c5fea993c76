//! What happened to a case, why, and what to do now: a screen for every state, every hold and every reason for attention.

use super::html::{Icon, Tone};
use super::i18n::Texts;
use super::problems::Sentence;
use super::words;
use crate::admin::api::CaseView;
use crate::domain::case::{AttentionReason, StateName};

#[derive(Debug)]
pub(super) struct Situation {
    pub(super) tone: Tone,
    pub(super) icon: Icon,
    pub(super) title: String,
    pub(super) what: String,
    pub(super) why: String,
    /// The steps, in their order.
    pub(super) now: Vec<String>,
    /// The reason in particular.
    pub(super) detail: Option<Sentence>,
    /// The clicks in Atlassian's administration, where they are needed.
    pub(super) clicks: Option<Clicks>,
}

/// The clicks for the two layouts of Atlassian's administration: no API reports which one an organization has.
#[derive(Debug)]
pub(super) struct Clicks {
    pub(super) heading: String,
    /// The last click.
    pub(super) last: String,
}

/// The key of the texts about a case.
fn key(case: &CaseView) -> String {
    match (&case.attention, case.held) {
        (Some(attention), _) if case.state == StateName::NeedsAttention => format!("attention-{}", attention.reason),
        (_, Some(hold)) => format!("held-{hold}"),
        _ => format!("state-{}", case.state),
    }
}

pub(super) fn of(t: Texts, case: &CaseView) -> Situation {
    let key = key(case);
    let text = |part: &str| t.s(&format!("{key}-{part}"));
    let status = words::of_case(t, case);
    let stuck = case.attention.as_ref().filter(|_| case.state == StateName::NeedsAttention);
    Situation {
        tone: status.tone,
        icon: status.icon,
        title: text("title"),
        what: text("what"),
        why: text("why"),
        now: text("now").lines().map(str::to_owned).collect(),
        detail: stuck
            .map(|attention| attention.detail.as_str())
            .filter(|detail| !detail.is_empty())
            .map(|detail| Sentence::of(t, detail)),
        clicks: clicks(t, case),
    }
}

fn clicks(t: Texts, case: &CaseView) -> Option<Clicks> {
    let grant = || Clicks { heading: t.s("clicks-grant"), last: t.s("clicks-grant-last") };
    let find = || Clicks { heading: t.s("clicks-find"), last: t.s("clicks-find-last") };
    if case.state == StateName::Restoring {
        return Some(grant());
    }
    match case.attention.as_ref()?.reason {
        AttentionReason::GrantNeeded => Some(grant()),
        AttentionReason::AmbiguousAccount
        | AttentionReason::AddressUnconfirmed
        | AttentionReason::Regranted
        | AttentionReason::AddressChanged
        | AttentionReason::Refused
        | AttentionReason::RetriesExhausted => Some(find()),
        AttentionReason::NotACustomer
        | AttentionReason::Protected
        | AttentionReason::NoEmail
        | AttentionReason::SourcesDisagree
        | AttentionReason::Repeated => None,
    }
}
