//! Both languages have the same texts with the same values, every text is used, and no text is missing.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::console::case_actions::Action;
use crate::domain::account::AccountType;
use crate::domain::case::{AttentionReason, Hold, JobKind, Stage, StateName};
use crate::domain::event::EventType;
use crate::domain::policy::{Action as PolicyAction, Detach};
use crate::domain::problem::Kind;
use crate::domain::routing::IgnoredReason;
use crate::store::{DeliveryStatus, EventStatus, FenceReason, JobState};

/// The text of every file of a folder below `src/console` or `templates`.
fn files(folder: &str, extension: &str) -> Vec<String> {
    let (mut folders, mut texts) = (vec![Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)], Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|found| found == extension) {
                texts.push(std::fs::read_to_string(&path).unwrap());
            }
        }
    }
    assert!(!texts.is_empty());
    texts
}

/// The ids of a language, each with the names of its values.
fn messages(language: &str) -> BTreeMap<String, BTreeSet<String>> {
    let mut messages = BTreeMap::new();
    for text in files(&format!("src/console/texts/{language}"), "ftl") {
        let parsed = fluent_bundle::FluentResource::try_new(text.clone());
        assert!(parsed.is_ok(), "{language}: {:?}", parsed.err().map(|(_, errors)| errors));
        let mut id = String::new();
        for line in text.lines() {
            if let Some((found, _)) =
                line.split_once(" =").filter(|_| line.starts_with(|c: char| c.is_ascii_lowercase()))
            {
                found.clone_into(&mut id);
                let known = messages.insert(id.clone(), BTreeSet::new());
                assert!(known.is_none(), "{language}: `{id}` is repeated");
            }
            let values = line.split("{ $").skip(1).filter_map(|after| after.split([' ', '}']).next());
            messages.entry(id.clone()).or_default().extend(values.map(str::to_owned));
        }
    }
    messages.remove("");
    messages
}

#[test]
fn both_languages_have_the_same_texts_with_the_same_values() {
    let (english, german) = (messages("en"), messages("de"));
    for (id, values) in &english {
        assert_eq!(german.get(id), Some(values), "the German `{id}`");
    }
    for id in german.keys() {
        assert!(english.contains_key(id), "the English `{id}` is missing");
    }
}

/// The ids that are made of a word: a state, a reason, a kind.
fn composed() -> BTreeSet<String> {
    let mut ids = BTreeSet::new();
    let mut add = |prefix: &str, words: &[&str], suffixes: &[&str]| {
        for word in words {
            ids.extend(suffixes.iter().map(|suffix| format!("{prefix}{word}{suffix}")));
        }
    };
    macro_rules! words {
        ($type:ty) => {
            <$type>::ALL.iter().map(|value| value.as_str()).collect::<Vec<_>>()
        };
    }
    let situation = &["-title", "-what", "-why", "-now"];
    add("state-", &words!(StateName), &[""]);
    // These two are described by their hold and by their reason.
    let states = words!(StateName).into_iter().filter(|state| !["held", "needs_attention"].contains(state));
    add("state-", &states.collect::<Vec<_>>(), situation);
    add("held-", &words!(Hold), situation);
    add("hold-", &words!(Hold), &[""]);
    add("released-by-", &words!(Hold), &[""]);
    add("attention-", &words!(AttentionReason), &[""]);
    add("attention-", &words!(AttentionReason), situation);
    add("job-", &words!(JobKind), &[""]);
    add("job-state-", &words!(JobState), &[""]);
    add("stage-", &words!(Stage), &[""]);
    add("action-", &words!(PolicyAction), &[""]);
    add("account-type-", &words!(AccountType), &[""]);
    add("delivery-", &words!(DeliveryStatus), &[""]);
    add("event-status-", &words!(EventStatus), &[""]);
    add("fence-", &words!(FenceReason), &[""]);
    let events: Vec<String> = EventType::ALL.iter().map(|event| event.as_str().replace('_', "-")).collect();
    add("event-", &events.iter().map(String::as_str).collect::<Vec<_>>(), &[""]);
    let actions = [
        "approve-revoke",
        "approve-delete",
        "withdraw-revoke",
        "withdraw-delete",
        "cancel",
        "hold",
        "release",
        "retry",
        "resolve",
    ];
    add("question-", &actions, &[""]);
    add("do-", &actions, &[""]);
    add("keep-", &Action::ALL.map(Action::as_str), &[""]);
    let bulk = ["approve", "cancel", "hold", "release", "retry", "resolve"];
    add("question-bulk-", &bulk, &[""]);
    add("do-bulk-", &bulk, &[""]);
    add("", &["question-", "do-"], &["site-pause", "site-resume", "source-pause", "source-resume", "source-release"]);
    add("journal-group-", &["calls", "outcomes", "operators", "sources", "pauses", "attention"], &[""]);
    add("blocked-", &["fence", "site-paused", "call-paused", "source-paused", "source-frozen"], &[""]);
    let hows: Vec<String> = hows().into_iter().map(|how| how.replace('_', "-")).collect();
    add("how-", &hows.iter().map(String::as_str).collect::<Vec<_>>(), &[""]);
    let kinds: Vec<String> = journal_kinds().into_iter().map(|kind| kind.replace('_', "-")).collect();
    add("journal-", &kinds.iter().map(String::as_str).collect::<Vec<_>>(), &[""]);
    let outcomes = crate::console::period::OUTCOMES.map(|outcome| outcome.replace('_', "-"));
    add("period-outcome-", &outcomes.iter().map(String::as_str).collect::<Vec<_>>(), &[""]);
    add(
        "import-format-",
        &crate::domain::import_format::ImportFormat::ALL.iter().map(|format| format.as_str()).collect::<Vec<_>>(),
        &[""],
    );
    add("refused-", &["unauthorized", "stale", "too-large"], &[""]);
    add("expected-", &words!(Kind), &[""]);
    add("detach-", &words!(Detach), &[""]);
    let reasons = words!(IgnoredReason).into_iter().chain(crate::console::problems::EFFECTS);
    let reasons: Vec<String> = reasons.map(|reason| reason.replace('_', "-")).collect();
    add("reason-", &reasons.iter().map(String::as_str).collect::<Vec<_>>(), &[""]);
    for error in ["not-found", "role", "other-origin", "invalid", "refused", "unavailable"] {
        add("error-", &[error], &["", "-text"]);
    }
    for step in ["site", "source", "webhook", "enforce"] {
        add("first-", &[step], &["", "-text"]);
    }
    // The daemon's own sentences are found by their words.
    ids.extend(messages("en").into_keys().filter(|id| id.starts_with("sentence-")));
    ids
}

/// Kinds that are chosen before they are written.
const CHOSEN: [&str; 5] = ["opened", "source_quiet", "source_active", "call_unconfirmed", "interrupted"];

/// The kinds of journal entries, as the code writes them: those of the daemon, and one for each transition.
fn journal_kinds() -> BTreeSet<String> {
    let mut kinds: BTreeSet<String> = CHOSEN.iter().map(|kind| (*kind).to_owned()).collect();
    for folder in ["src/store", "src/admin", "src/import"] {
        for text in files(folder, "rs") {
            let second =
                |call: &str| Some(call.split(',').nth(1)?.trim().strip_prefix('"')?.split('"').next()?.to_owned());
            kinds.extend(text.split("write_journal(").skip(1).filter_map(second).filter(|kind| kind != "test"));
        }
    }
    let transitions = include_str!("../../domain/case/transition.rs").split("pub const fn name(&self)").nth(1).unwrap();
    let names = transitions.split("=> \"").skip(1).filter_map(|name| name.split('"').next());
    kinds.extend(names.map(str::to_owned));
    assert!(kinds.len() > 50 && kinds.contains("site_kind_paused") && kinds.contains("departed"), "{kinds:?}");
    kinds
}

/// How a job was finished, as the worker's steps write it: their only texts of words with underscores.
fn hows() -> BTreeSet<String> {
    let mut hows = BTreeSet::new();
    for text in files("src/worker/steps", "rs") {
        let is_word =
            |text: &&str| text.contains('_') && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
        hows.extend(text.split('"').skip(1).step_by(2).filter(is_word).map(str::to_owned));
    }
    assert!(hows.contains("done_by_us") && hows.contains("was_gone_before"), "{hows:?}");
    hows
}

/// The ids that templates and code write as a whole.
fn written() -> BTreeSet<String> {
    let mut ids = BTreeSet::new();
    for text in files("templates", "html").into_iter().chain(files("src/console", "rs")) {
        ids.extend(text.split('"').skip(1).map(str::to_owned).filter(|text| {
            !text.is_empty()
                && text
                    .bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' || byte == b'_')
        }));
    }
    ids
}

#[test]
fn every_text_is_used() {
    let (written, composed) = (written(), composed());
    let used = |id: &str| {
        let is_effect = id.strip_suffix("-text").is_some_and(|head| written.contains(head) || composed.contains(head));
        written.contains(id) || composed.contains(id) || is_effect
    };
    let unused: Vec<String> = messages("en").into_keys().filter(|id| !used(id)).collect();
    assert!(unused.is_empty(), "{unused:?}");
}

#[test]
fn no_text_is_missing() {
    let known = messages("en");
    let missing: Vec<String> = composed().into_iter().filter(|id| !known.contains_key(id)).collect();
    assert!(missing.is_empty(), "{missing:?}");
    // What a template or a function writes as the first value of these calls.
    for text in files("templates", "html").into_iter().chain(files("src/console", "rs")) {
        if text.contains("fn no_text_is_missing") {
            continue;
        }
        for call in [".s(\"", ".n(\"", ".v(\"", ".values(\"", ".count(\""] {
            for id in text.split(call).skip(1).filter_map(|after| after.split('"').next()) {
                assert!(known.contains_key(id), "there is no text `{id}`");
            }
        }
        for id in text.split("effect(Tone::").skip(1).filter_map(|after| after.split('"').nth(3)) {
            assert!(known.contains_key(id) && known.contains_key(&format!("{id}-text")), "there is no text `{id}`");
        }
    }
}

#[test]
fn texts_stay_within_one_line_and_use_typographic_quotes() {
    for language in ["en", "de"] {
        for text in files(&format!("src/console/texts/{language}"), "ftl") {
            assert!(!text.contains("  \n") && !text.contains('\t'));
            // A straight quote is a value of the settings.
            for line in text.lines().filter(|line| line.contains('"') && !line.starts_with('#')) {
                assert!(
                    line.contains("mode = \"") || line.contains("date_format") || line.starts_with("sentence-"),
                    "{line}"
                );
            }
        }
    }
}
