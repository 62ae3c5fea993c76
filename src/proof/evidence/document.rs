//! The text of an evidence file: sections that end with an empty line, and the signature over all bytes before it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;

use crate::proof::chain::Link;
use crate::proof::signature::SigningKey;
use crate::proof::tree::Hash;

/// The value of `format` in a file of this version.
pub const FORMAT: &str = "offboardd-evidence 1";

/// What a file proves: the value of `proves`.
pub const ONE_CASE: &str = "case";
pub const ONE_PERIOD: &str = "period";

/// The state of the journal's tree, as the body of a checkpoint of C2SP (`tlog-checkpoint`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// Names the journal.
    pub origin: String,
    /// The number of entries.
    pub size: u64,
    pub root: Hash,
}

/// The name of a journal: its first link, which no other journal has, identifies it.
pub fn origin(first_link: Option<&Link>) -> String {
    let name = first_link.map(hex::encode);
    let name = name.as_deref().and_then(|name| name.get(..16)).unwrap_or("empty");
    format!("offboardd/journal/{name}")
}

impl Checkpoint {
    /// Three lines: origin, size, root in base64.
    pub fn text(&self) -> String {
        format!("{}\n{}\n{}\n", self.origin, self.size, STANDARD.encode(self.root))
    }

    /// Reads what [`Self::text`] writes; `None` for any other text.
    pub fn read(text: &str) -> Option<Self> {
        let mut lines = text.lines();
        let (origin, size, root) = (lines.next()?, lines.next()?, lines.next()?);
        let root = STANDARD.decode(root).ok()?.try_into().ok()?;
        let read = Self { origin: origin.to_owned(), size: size.parse().ok()?, root };
        (read.text() == text).then_some(read)
    }
}

/// The line that proves one entry: its index in the tree, and the hashes of its path.
pub(super) fn proof_line(index: u64, path: &[Hash]) -> String {
    let mut line = index.to_string();
    for hash in path {
        line.push(' ');
        line.push_str(&hex::encode(hash));
    }
    line
}

/// Reads what [`proof_line`] writes; `None` for any other text.
pub(super) fn read_proof_line(line: &str) -> Option<(u64, Vec<Hash>)> {
    let mut words = line.split(' ');
    let index = words.next()?.parse().ok()?;
    let path = words.map(|word| hex::decode(word).ok()?.try_into().ok()).collect::<Option<Vec<Hash>>>()?;
    (proof_line(index, &path) == line).then_some((index, path))
}

/// A journal entry of a file: its line, its index in the tree, and its path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProvenLine {
    pub line: String,
    pub index: u64,
    pub path: Vec<Hash>,
}

/// Builds and signs a file about one case.
pub fn case_file(
    summary: &impl Serialize,
    entries: &[ProvenLine],
    checkpoint: &Checkpoint,
    key: &SigningKey,
) -> Result<String, serde_json::Error> {
    let (mut lines, mut proofs) = (String::new(), String::new());
    for entry in entries {
        lines.extend([&entry.line, "\n"]);
        proofs.extend([&proof_line(entry.index, &entry.path), "\n"]);
    }
    Ok(signed(&[pretty(summary)?, lines, proofs, checkpoint.text()], key))
}

/// Builds and signs a file about a period.
pub fn period_file(
    summary: &impl Serialize,
    checkpoint: &Checkpoint,
    key: &SigningKey,
) -> Result<String, serde_json::Error> {
    Ok(signed(&[pretty(summary)?, checkpoint.text()], key))
}

/// The text of an anchor: a checkpoint with the journal's head as a further line, and the signature.
pub fn anchor_file(checkpoint: &Checkpoint, head: &Link, key: &SigningKey) -> String {
    let head = format!("{} {}\n", checkpoint.size, hex::encode(head));
    signed(&[checkpoint.text() + &head], key)
}

/// The number and the link of the entry that an anchor names; `None` for another text.
pub fn anchored_head(text: &str) -> Option<(i64, Link)> {
    let (seq, link) = text.lines().nth(3)?.split_once(' ')?;
    let mut head = Link::default();
    hex::decode_to_slice(link, &mut head).ok()?;
    Some((seq.parse().ok()?, head))
}

fn pretty(summary: &impl Serialize) -> Result<String, serde_json::Error> {
    Ok(serde_json::to_string_pretty(summary)? + "\n")
}

fn signed(sections: &[String], key: &SigningKey) -> String {
    let mut text = String::new();
    for section in sections {
        text.push_str(section);
        text.push('\n');
    }
    let signature = key.sign(text.as_bytes());
    text + &signature
}
