//! Every state, every hold and every reason for attention has a screen that says what happened, why, and what to do now.

use std::collections::BTreeSet;

use jiff::SignedDuration;

use super::{Visit, daemon};
use crate::admin::tests::{Daemon, OTTO, ROSA, VERA};
use crate::console::i18n::{Lang, Texts};
use crate::domain::case::{Attention, AttentionReason, Hold, State, StateName, Transition};
use crate::domain::ids::CaseId;
use crate::domain::policy::Action;
use crate::store::Note;

/// Moves a case by transitions, as worker and operators would.
async fn moved(daemon: &Daemon, email: &str, transitions: &[Transition]) -> CaseId {
    let mut record = daemon.case(email, Action::RevokeThenDelete, None).await;
    for (transition, month) in transitions.iter().zip(0..) {
        let mut tx = daemon.store.begin().await.unwrap();
        // Each a month after the one before: due, and after every grace.
        let now = daemon.now() + SignedDuration::from_hours(2 + month * 31 * 24);
        record = tx.transition(record, transition, Note::default(), now).await.unwrap().record;
        tx.commit().await.unwrap();
    }
    record.case.id
}

fn revoked() -> Vec<Transition> {
    vec![Transition::Due, Transition::RevokeDispatched, Transition::RevokeConfirmed]
}

fn approved_and_due() -> Vec<Transition> {
    vec![Transition::Due]
}

/// The transitions that end in each state.
fn way_to(state: StateName) -> Vec<Transition> {
    let accepted = || Transition::DeletionAccepted { grace_ends_at: "2026-07-01T00:00:00Z".parse().unwrap() };
    let gone = Transition::GoneSeen { last_read_at: "2026-07-02T00:00:00Z".parse().unwrap() };
    let deleted = [revoked(), approved_and_due(), vec![Transition::DeletionDispatched, accepted()]].concat();
    match state {
        StateName::Scheduled => vec![],
        StateName::Held => vec![Transition::Held],
        StateName::Revoking => vec![Transition::Due],
        StateName::Revoked => revoked(),
        StateName::Deleting => [revoked(), approved_and_due()].concat(),
        StateName::DeletionGrace => deleted,
        StateName::Erased => [deleted, vec![gone, Transition::GoneConfirmed]].concat(),
        StateName::Restoring => [revoked(), vec![Transition::Cancelled]].concat(),
        StateName::Restored => [revoked(), vec![Transition::Cancelled, Transition::GrantSeen]].concat(),
        StateName::Cancelled => vec![Transition::Cancelled],
        StateName::NoAccount => vec![Transition::Due, Transition::AccountMissing],
        StateName::NeedsAttention => vec![Transition::AttentionNeeded(Attention::no_email())],
    }
}

/// The screens of a case in both languages, for each role: complete, and with the words of the situation.
async fn check(daemon: &Daemon, id: CaseId, key: &str) {
    for who in [ROSA, OTTO, VERA] {
        let visit = Visit::of(daemon, who).await;
        for language in [Lang::En, Lang::De] {
            let page = visit.get(&format!("/cases/{id}?lang={}", language.as_str())).await;
            assert_eq!(page.status, 200, "{key}: {}", page.text);
            let t = Texts(language);
            for part in ["title", "what", "why"] {
                let text = escaped(&t.s(&format!("{key}-{part}")));
                assert!(page.text.contains(&text), "{key}-{part} in {language:?}: {}", page.text);
            }
            for step in t.s(&format!("{key}-now")).lines() {
                assert!(page.text.contains(&escaped(step)), "{key}: {step}");
            }
            if who == VERA {
                assert!(!page.text.contains("@example.com") && !page.text.contains("qm:secret"), "{}", page.text);
                assert!(!page.text.contains("class=\"btn main\""), "{key}: a button for a viewer");
            }
        }
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&#38;").replace('<', "&#60;").replace('>', "&#62;").replace('"', "&#34;").replace('\'', "&#39;")
}

#[tokio::test]
async fn every_state_has_a_screen() {
    let daemon = daemon().await;
    let mut walked = BTreeSet::new();
    for state in StateName::ALL {
        // Two states are described by their hold and by their reason: see below.
        if matches!(state, StateName::Held | StateName::NeedsAttention) {
            continue;
        }
        let id = moved(&daemon, &format!("{}@example.com", state.as_str()), &way_to(*state)).await;
        let record = daemon.store.case(id).await.unwrap().unwrap();
        assert_eq!(record.case.state.name(), *state);
        check(&daemon, id, &format!("state-{state}")).await;
        walked.insert(*state);
    }
    assert_eq!(walked.len() + 2, StateName::ALL.len());
}

#[tokio::test]
async fn every_hold_has_a_screen() {
    let daemon = daemon().await;
    for hold in Hold::ALL {
        let email = format!("{hold}@example.com");
        let id = daemon.case(&email, Action::RevokeThenDelete, Some(State::Held(*hold))).await.case.id;
        check(&daemon, id, &format!("held-{hold}")).await;
    }
}

#[tokio::test]
async fn every_reason_for_attention_has_a_screen() {
    let daemon = daemon().await;
    for reason in AttentionReason::ALL {
        let email = format!("{reason}@example.com").replace('_', "-");
        let attention = Attention::new(*reason, "words of the daemon");
        let id = moved(&daemon, &email, &[Transition::AttentionNeeded(attention)]).await;
        check(&daemon, id, &format!("attention-{reason}")).await;
        for (language, mark) in [("en", ""), ("de", " lang=\"en\"")] {
            let page = Visit::of(&daemon, ROSA).await.get(&format!("/cases/{id}?lang={language}")).await.text;
            assert!(page.contains(&format!("<p class=\"small muted\"{mark}>words of the daemon</p>")), "{page}");
        }
    }
    let visit = Visit::of(&daemon, ROSA).await;
    for path in ["/", "/cases?state=attention"] {
        let page = visit.get(path).await;
        assert_eq!(page.status, 200, "{}", page.text);
        for reason in AttentionReason::ALL {
            assert!(page.text.contains(&Texts(Lang::En).s(&format!("attention-{reason}"))), "{path}: {reason}");
        }
    }
}
