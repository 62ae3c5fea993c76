//! Verification of an evidence file. It needs nothing but the file, and the public key to trust.
//!
//! There is one text for a fact: a file whose bytes differ in any way is rejected, also where the difference means nothing.

use serde_json::Value;

use super::document::{Checkpoint, FORMAT, ONE_CASE, ONE_PERIOD, read_proof_line};
use crate::proof::signature::{self, PublicKey, SIGNATURE_BEGIN, SIGNATURE_END, SignatureError};
use crate::proof::tree;

/// What a verified file proves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// The key that signed it. Without an expected key, only the reader can decide whether it is the right one.
    pub key: PublicKey,
    pub checkpoint: Checkpoint,
    /// When it was made, by the clock of the daemon.
    pub made_at: String,
    pub subject: Subject,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    Case {
        case: String,
        state: String,
        /// The number of journal entries, each with a proof.
        entries: usize,
    },
    Period {
        from: String,
        to: String,
        cases: usize,
        /// Whether the deliveries add up, and whether all of them are still stored.
        adds_up: bool,
        complete: bool,
    },
}

/// Why a file proves nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EvidenceError {
    #[error("the file is not UTF-8 text")]
    NotText,
    #[error("line {line} ends with a carriage return: the file was converted, get the original")]
    CarriageReturn { line: usize },
    #[error("the file has no complete signature at its end: it is cut off")]
    CutOff,
    #[error("text follows the signature: the file was joined with another text")]
    TextAfterSignature,
    #[error("the file holds {0} signatures: split it, and verify each file by itself")]
    SeveralSignatures(usize),
    #[error(transparent)]
    Signature(#[from] SignatureError),
    #[error("the sections of the file are not those of `{FORMAT}`")]
    Sections,
    #[error("the first section is not the JSON object of `{FORMAT}`: {0}")]
    Summary(&'static str),
    #[error("the checkpoint is not an origin, a size and a root")]
    Checkpoint,
    #[error("journal line {0} is not a journal entry of this case in its order")]
    Line(usize),
    #[error("the proof of journal line {0} is not a proof")]
    Proof(usize),
    #[error("journal line {0} is not in the tree of the checkpoint")]
    NotInTree(usize),
    #[error("the commitment of entry {0} is not in its journal line")]
    Commitment(i64),
}

/// Verifies a file. With `expected`, only a signature by that key counts.
pub fn verify(file: &[u8], expected: Option<&PublicKey>) -> Result<Verified, EvidenceError> {
    let text = std::str::from_utf8(file).map_err(|_not_text| EvidenceError::NotText)?;
    if let Some(line) = text.split('\n').position(|line| line.contains('\r')) {
        return Err(EvidenceError::CarriageReturn { line: line.saturating_add(1) });
    }
    let (message, signature) = split(text)?;
    let key = signature::verify(message.as_bytes(), signature, expected)?;
    let sections: Vec<&str> = message.strip_suffix("\n\n").ok_or(EvidenceError::Sections)?.split("\n\n").collect();
    let summary = sections.first().ok_or(EvidenceError::Sections)?;
    let summary: Value = serde_json::from_str(summary).map_err(|_not_json| EvidenceError::Summary("it is not JSON"))?;
    if summary.get("format").and_then(Value::as_str) != Some(FORMAT) {
        return Err(EvidenceError::Summary("it states another format: use a newer version of offboardd"));
    }
    let word = |key: &'static str| {
        summary.get(key).and_then(Value::as_str).map(str::to_owned).ok_or(EvidenceError::Summary("a member is missing"))
    };
    let made_at = word("made_at")?;
    let (subject, checkpoint) = match (word("proves")?.as_str(), sections.as_slice()) {
        (ONE_CASE, [_, lines, proofs, checkpoint]) => {
            let checkpoint = read_checkpoint(checkpoint)?;
            let case = word("case")?;
            let lines: Vec<&str> = lines.lines().collect();
            verify_lines(&lines, &case)?;
            verify_proofs(&lines, proofs, &checkpoint)?;
            verify_commitments(&lines, &summary)?;
            (Subject::Case { case, state: word("state")?, entries: lines.len() }, checkpoint)
        }
        (ONE_PERIOD, [_, checkpoint]) => {
            let checkpoint = read_checkpoint(checkpoint)?;
            let cases = summary.get("cases").and_then(Value::as_array).map_or(0, Vec::len);
            let holds = |key: &str| summary.pointer(key).and_then(Value::as_bool) == Some(true);
            let (adds_up, complete) = (holds("/deliveries/adds_up"), holds("/deliveries/complete"));
            (Subject::Period { from: word("from")?, to: word("to")?, cases, adds_up, complete }, checkpoint)
        }
        _ => return Err(EvidenceError::Sections),
    };
    Ok(Verified { key, checkpoint, made_at, subject })
}

/// Splits a file into what is signed and the signature.
fn split(text: &str) -> Result<(&str, &str), EvidenceError> {
    let begins = |line: &str| line == SIGNATURE_BEGIN;
    let count = text.lines().filter(|line| begins(line)).count();
    let at = text.find(&format!("\n{SIGNATURE_BEGIN}\n")).ok_or(EvidenceError::CutOff)?;
    if count > 1 {
        return Err(EvidenceError::SeveralSignatures(count));
    }
    let (message, signature) = text.split_at_checked(at.saturating_add(1)).ok_or(EvidenceError::CutOff)?;
    let end = format!("\n{SIGNATURE_END}\n");
    match signature.find(&end) {
        Some(at) if at.saturating_add(end.len()) == signature.len() => Ok((message, signature)),
        Some(_) => Err(EvidenceError::TextAfterSignature),
        None => Err(EvidenceError::CutOff),
    }
}

fn read_checkpoint(section: &str) -> Result<Checkpoint, EvidenceError> {
    Checkpoint::read(&format!("{section}\n")).ok_or(EvidenceError::Checkpoint)
}

/// Each line begins with its number, which grows, and names the case.
fn verify_lines(lines: &[&str], case: &str) -> Result<(), EvidenceError> {
    let mut previous = 0;
    for (at, line) in lines.iter().enumerate() {
        let number = at.saturating_add(1);
        let mut words = line.split(' ');
        let seq = words.next().and_then(|seq| seq.parse::<u64>().ok()).filter(|seq| *seq > previous);
        let of_case = words.nth(1) == Some(case);
        previous = seq.filter(|_| of_case).ok_or(EvidenceError::Line(number))?;
    }
    if lines.is_empty() { Err(EvidenceError::Sections) } else { Ok(()) }
}

/// Each line has the proof with the same place in the list, and the proof's index follows from the line's number.
fn verify_proofs(lines: &[&str], proofs: &str, checkpoint: &Checkpoint) -> Result<(), EvidenceError> {
    let proofs: Vec<&str> = proofs.lines().collect();
    if proofs.len() != lines.len() {
        return Err(EvidenceError::Proof(proofs.len().min(lines.len()).saturating_add(1)));
    }
    for (at, (line, proof)) in lines.iter().zip(proofs).enumerate() {
        let number = at.saturating_add(1);
        let (index, path) = read_proof_line(proof).ok_or(EvidenceError::Proof(number))?;
        let seq = line.split(' ').next().and_then(|seq| seq.parse::<u64>().ok());
        if seq != index.checked_add(1) {
            return Err(EvidenceError::Proof(number));
        }
        let root = tree::root_of_path(index, checkpoint.size, tree::leaf(line.as_bytes()), &path);
        if root != Some(checkpoint.root) {
            return Err(EvidenceError::NotInTree(number));
        }
    }
    Ok(())
}

/// The commitments of the summary are those of the journal, not only of the daemon that signed.
fn verify_commitments(lines: &[&str], summary: &Value) -> Result<(), EvidenceError> {
    let commitments = summary.pointer("/person/commitments").and_then(Value::as_array);
    for commitment in commitments.into_iter().flatten() {
        let entry = commitment.get("entry").and_then(Value::as_i64).unwrap_or_default();
        let sha256 = commitment.get("sha256").and_then(Value::as_str).unwrap_or("-");
        let (begin, member) = (format!("{entry} "), format!("\"commitment\":\"{sha256}\""));
        if !lines.iter().any(|line| line.starts_with(&begin) && line.contains(&member)) {
            return Err(EvidenceError::Commitment(entry));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use serde_json::json;

    use super::*;
    use crate::proof::chain::ChainEntry;
    use crate::proof::evidence::document::{ProvenLine, case_file, period_file};
    use crate::proof::signature::SigningKey;
    use crate::proof::tree::Tree;

    const CASE: &str = "019a2b3c-4d5e-7f60-8123-456789abcdef";

    fn key() -> SigningKey {
        SigningKey::from_seed(&[7; 32]).unwrap()
    }

    fn entry(seq: i64) -> ChainEntry {
        let is_of_case = seq % 3 == 0;
        let detail = if seq == 3 { json!({ "commitment": "c0ffee", "by": "Žofie" }) } else { json!({}) };
        ChainEntry {
            seq,
            at: Timestamp::from_second(1_798_761_600 + seq).unwrap(),
            case_id: is_of_case.then(|| CASE.to_owned()),
            kind: "due".to_owned(),
            detail: detail.to_string(),
        }
    }

    fn proven(seqs: &[i64]) -> (Vec<ProvenLine>, Checkpoint) {
        let indexes = seqs.iter().map(|seq| u64::try_from(seq - 1).unwrap());
        let mut tree = Tree::proving(indexes.clone().collect());
        for seq in 1..=11 {
            tree.push(entry(seq).line().as_bytes());
        }
        let (root, paths) = tree.finish();
        let lines = seqs.iter().zip(indexes).zip(paths);
        let lines = lines.map(|((seq, index), path)| ProvenLine { line: entry(*seq).line(), index, path });
        (lines.collect(), Checkpoint { origin: "offboardd/journal/0123456789abcdef".to_owned(), size: 11, root })
    }

    fn summary() -> Value {
        json!({
            "format": FORMAT,
            "proves": "case",
            "made_at": "2027-01-01T00:00:00Z",
            "case": CASE,
            "state": "erased",
            "person": { "commitments": [{ "entry": 3, "sha256": "c0ffee" }] },
        })
    }

    fn file() -> String {
        let (lines, checkpoint) = proven(&[3, 6, 9]);
        case_file(&summary(), &lines, &checkpoint, &key()).unwrap()
    }

    #[test]
    fn untouched_file_is_verified_with_and_without_the_key() {
        let verified = verify(file().as_bytes(), None).unwrap();
        assert_eq!(verify(file().as_bytes(), Some(key().public())), Ok(verified.clone()));
        assert_eq!(verified.key, *key().public());
        assert_eq!(verified.checkpoint.size, 11);
        let subject = Subject::Case { case: CASE.to_owned(), state: "erased".to_owned(), entries: 3 };
        assert_eq!(verified.subject, subject);
    }

    #[test]
    fn every_flipped_bit_of_every_byte_is_found() {
        let file = file().into_bytes();
        for at in 0..file.len() {
            for bit in 0..8 {
                let mut changed = file.clone();
                changed[at] ^= 1 << bit;
                assert!(verify(&changed, None).is_err(), "bit {bit} of byte {at}");
            }
        }
    }

    #[test]
    fn every_removed_byte_and_every_shorter_file_is_found() {
        let file = file().into_bytes();
        for at in 0..file.len() {
            let mut changed = file.clone();
            changed.remove(at);
            assert!(verify(&changed, None).is_err(), "without byte {at}");
            assert!(verify(&file[..at], None).is_err(), "{at} bytes");
        }
    }

    #[test]
    fn damaged_file_is_reported_by_what_was_done_to_it() {
        let file = file();
        let (message, signature) = file.split_at(file.find(SIGNATURE_BEGIN).unwrap());
        let failed = |text: &str| verify(text.as_bytes(), None).unwrap_err();
        assert_eq!(failed(&file.replace('\n', "\r\n")), EvidenceError::CarriageReturn { line: 1 });
        assert_eq!(failed(message), EvidenceError::CutOff);
        assert_eq!(failed(file.trim_end()), EvidenceError::CutOff);
        assert_eq!(failed(file.split_at(file.len() - 40).0), EvidenceError::CutOff);
        assert_eq!(failed(""), EvidenceError::CutOff);
        assert_eq!(failed(&format!("{file}{file}")), EvidenceError::SeveralSignatures(2));
        assert_eq!(failed(&format!("{file}\n")), EvidenceError::TextAfterSignature);
        assert_eq!(failed(&format!("{signature}{message}")), EvidenceError::CutOff);
        assert_eq!(failed(&format!("\u{feff}{file}")), EvidenceError::Signature(SignatureError::Mismatch));
        assert_eq!(verify(b"\xff\xfe", None), Err(EvidenceError::NotText));
        let sections: Vec<&str> = message.split("\n\n").collect();
        let reordered = [sections[1], sections[0], sections[2], sections[3]].join("\n\n");
        let reordered = format!("{reordered}\n\n{signature}");
        assert_eq!(failed(&reordered), EvidenceError::Signature(SignatureError::Mismatch));
        let other = SigningKey::from_seed(&[8; 32]).unwrap();
        let refused = verify(file.as_bytes(), Some(other.public())).unwrap_err();
        assert!(matches!(refused, EvidenceError::Signature(SignatureError::OtherKey { .. })), "{refused}");
    }

    /// A signature proves who made the file, not that it is right: each part is checked by itself, too.
    #[test]
    fn signed_file_whose_parts_contradict_each_other_is_rejected() {
        let (lines, checkpoint) = proven(&[3, 6, 9]);
        let failed = |summary: &Value, lines: &[ProvenLine], checkpoint: &Checkpoint| {
            verify(case_file(summary, lines, checkpoint, &key()).unwrap().as_bytes(), None).unwrap_err()
        };
        let mut changed = lines.clone();
        changed[1].line = changed[1].line.replace("due", "not");
        assert_eq!(failed(&summary(), &changed, &checkpoint), EvidenceError::NotInTree(2));
        let mut swapped = lines.clone();
        swapped.swap(0, 1);
        assert_eq!(failed(&summary(), &swapped, &checkpoint), EvidenceError::Line(2));
        let mut moved = lines.clone();
        moved[2].index = 9;
        assert_eq!(failed(&summary(), &moved, &checkpoint), EvidenceError::Proof(3));
        let mut cut = lines.clone();
        cut[0].path.pop();
        assert_eq!(failed(&summary(), &cut, &checkpoint), EvidenceError::NotInTree(1));
        let foreign = proven(&[3, 4]).0;
        assert_eq!(failed(&summary(), &foreign, &checkpoint), EvidenceError::Line(2));
        let smaller = Checkpoint { size: 10, ..checkpoint.clone() };
        assert_eq!(failed(&summary(), &lines, &smaller), EvidenceError::NotInTree(3));
        let commitment = json!([{ "entry": 6, "sha256": "c0ffee" }]);
        let mut summary_with = summary();
        summary_with["person"]["commitments"] = commitment;
        assert_eq!(failed(&summary_with, &lines, &checkpoint), EvidenceError::Commitment(6));
        let mut newer = summary();
        newer["format"] = json!("offboardd-evidence 2");
        assert!(matches!(failed(&newer, &lines, &checkpoint), EvidenceError::Summary(_)));
        assert_eq!(failed(&summary(), &[], &checkpoint), EvidenceError::Sections);
        let mut period = summary();
        period["proves"] = json!("period");
        assert_eq!(failed(&period, &lines, &checkpoint), EvidenceError::Sections);
    }

    #[test]
    fn period_is_reported_with_its_sums() {
        let period = json!({
            "format": FORMAT, "proves": "period", "made_at": "2027-01-01T00:00:00Z", "from": "a", "to": "b",
            "deliveries": { "adds_up": true, "complete": false }, "cases": [{}, {}],
        });
        let file = period_file(&period, &proven(&[]).1, &key()).unwrap();
        let (from, to) = ("a".to_owned(), "b".to_owned());
        let expected = Subject::Period { from, to, cases: 2, adds_up: true, complete: false };
        assert_eq!(verify(file.as_bytes(), None).unwrap().subject, expected);
    }
}
