//! The daemon's own sentences are known in German: those of the code, and each message is one of them.

use crate::console::i18n::{Lang, Texts};
use crate::console::sentences::translated;

const GERMAN: Texts = Texts(Lang::De);

/// The texts of a file's code that are sentences: of three words or more. Lines that a `\` joins are one.
fn sentences(code: &str) -> Vec<String> {
    let code = code.split("#[cfg(test)]").next().unwrap();
    let is_code = |line: &&str| !line.trim_start().starts_with("//") && !line.trim_start().starts_with("reason =");
    let lines: Vec<&str> = code.lines().filter(is_code).collect();
    let mut joined = String::new();
    for line in lines {
        let line = if joined.ends_with('\\') { line.trim_start() } else { line };
        joined.truncate(joined.trim_end_matches('\\').len());
        joined.push_str(line);
        if !line.ends_with('\\') {
            joined.push('\n');
        }
    }
    let joined = joined.replace("\\\"", "\u{1}");
    let texts = joined.split('"').skip(1).step_by(2).map(|text| text.replace('\u{1}', "\""));
    let is_sentence = |text: &String| text.split(' ').filter(|word| !word.contains('{')).count() > 2;
    texts.filter(|text| is_sentence(text) && !text.contains('\n')).collect()
}

/// A text as it is written: with values in place of the code's.
fn filled(text: &str) -> String {
    let mut parts = text.split('{');
    let mut filled = parts.next().unwrap().to_owned();
    for part in parts {
        let (name, rest) = part.split_once('}').unwrap();
        filled.push_str(match name {
            "seen" => "revoke: 403 (sd.customer.not.found)",
            "call" => "revoke",
            "status" => "401",
            "account" => "an account has an address that this person had before",
            "hidden" | "customers" | "last" | "by:#" => "12",
            _ if filled.is_empty() => "revoke",
            _ => "it is closed",
        });
        filled.push_str(rest);
    }
    filled
}

#[test]
fn sentences_of_the_code_are_known_in_german() {
    let files = [
        include_str!("../../atlassian/failure.rs"),
        include_str!("../../atlassian/call.rs"),
        include_str!("../../domain/case/attention.rs"),
        include_str!("../../domain/case/approvals.rs"),
        include_str!("../../domain/case/operators.rs"),
        include_str!("../../domain/clock_check.rs"),
        include_str!("../../domain/guard.rs"),
        include_str!("../../import/csv_file.rs"),
        include_str!("../../import/csv_records.rs"),
        include_str!("../../proof/chain.rs"),
        include_str!("../../sources/lookup/response.rs"),
        include_str!("../../store/brake/release.rs"),
        include_str!("../../worker/steps/delete.rs"),
        include_str!("../../worker/steps/locate.rs"),
        include_str!("../../worker/steps/restore.rs"),
        include_str!("../../worker/steps/revoke.rs"),
        include_str!("../../worker/steps/verify.rs"),
    ];
    // Parts of a sentence, statements of SQL, and words by which responses are recognized.
    let is_part = |text: &str| {
        let begins = |beginning: &&str| text.starts_with(beginning);
        [
            "an account has an address",
            "no account has an address that",
            "SELECT",
            "UPDATE",
            "DELETE",
            "INSERT",
            "{:?} error at",
        ]
        .iter()
        .any(begins)
    };
    let (mut known, mut unknown) = (0, Vec::new());
    for text in files.into_iter().flat_map(sentences).filter(|text| !is_part(text)) {
        let text = filled(&text);
        if translated(GERMAN, &text).is_some() { known += 1 } else { unknown.push(text) }
    }
    assert!(unknown.is_empty(), "{unknown:#?}");
    assert!(known > 70, "only {known} sentences are found");
}

#[test]
fn every_message_is_read_by_its_own_words() {
    for line in include_str!("../texts/en/sentences.ftl").lines() {
        let Some((id, text)) = line.split_once(" = ") else { continue };
        let mut parts = text.split("{ $");
        let mut written = parts.next().unwrap().to_owned();
        for part in parts {
            let (name, rest) = part.split_once(" }").unwrap();
            written.push_str(match name.split('-').next().unwrap() {
                "sentence" => "it is closed",
                "state" => "deletion_grace",
                "day" => "5 October 2026",
                "code" => "revoke: 403",
                _ => "12",
            });
            written.push_str(rest);
        }
        let german = translated(GERMAN, &written);
        assert!(german.is_some_and(|german| !german.is_empty()), "{id}: {written}");
    }
}

#[test]
fn sentences_within_sentences_are_translated_and_codes_stay() {
    let german = |text: &str| translated(GERMAN, text);
    for (english, expected) in [
        (
            "a case in state `deletion_grace` cannot be cancelled: Atlassian accepted the deletion, which cannot be undone",
            "Ein Fall im Zustand „Atlassian-Frist läuft“ kann nicht abgebrochen werden: Atlassian hat die Löschung \
             angenommen; sie ist endgültig.",
        ),
        (
            "revoke: 403 (sd.customer.not.found), while the credentials work: the configured account may not make this call: \
             it needs to be an administrator of the service projects",
            "revoke: 403 (sd.customer.not.found); die Zugangsdaten selbst funktionieren: Das eingerichtete Konto darf diesen \
             Aufruf nicht machen. Es braucht die Rolle Administrator der Serviceprojekte.",
        ),
        (
            "myself: 410: this API was removed; sites.acme.cloud_id is another site's: this one's is 1-2",
            "myself: 410: Diese API gibt es nicht mehr. sites.acme.cloud_id gehört zu einer anderen Site; die dieser Site \
             ist 1-2.",
        ),
        ("query parameter `to`: must be later than `from`", "to: Das Ende muss nach dem Beginn liegen."),
        (
            "There is no customer account with your email address on our help desk.",
            "In unserem Helpdesk gibt es kein Kundenkonto mit Ihrer E-Mail-Adresse.",
        ),
        (
            "Your customer account on our help desk was deleted on 5 October 2026.",
            "Ihr Kundenkonto in unserem Helpdesk wurde am 5.10.2026 gelöscht.",
        ),
    ] {
        assert_eq!(german(english).as_deref(), Some(expected));
    }
    for other in ["", "gone", "the listing failed: it is closed", "<b>: it is closed", &"it is closed; ".repeat(200)] {
        assert_eq!(german(other), None, "{other}");
    }
}
