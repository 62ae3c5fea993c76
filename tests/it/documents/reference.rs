//! Compares names in the documents with the code: links, files, states, reasons and numbers.

use std::collections::BTreeSet;
use std::path::Path;

use offboardd::domain::case::{AttentionReason, Hold, StateName};

use super::{document, documents, section};
use crate::binary::Folder;

/// The first cell of each row of the tables of a text.
fn first_cells(text: &str) -> BTreeSet<String> {
    let rows = text.lines().filter_map(|line| line.strip_prefix("| "));
    let cells = rows.filter_map(|row| row.split(" |").next());
    cells.flat_map(|cell| cell.split('`').skip(1).step_by(2).map(str::to_owned)).collect()
}

fn set(names: impl Iterator<Item = &'static str>) -> BTreeSet<String> {
    names.into_iter().map(str::to_owned).collect()
}

#[test]
fn operations_lists_every_state_reason_and_hold() {
    let operations = document("docs/operations.md");
    let listed = |heading: &str| first_cells(section(&operations, heading));
    assert_eq!(listed("## States"), set(StateName::ALL.iter().map(|state| state.as_str())));
    assert_eq!(listed("## Attention"), set(AttentionReason::ALL.iter().map(|reason| reason.as_str())));
    assert_eq!(listed("## Held cases"), set(Hold::ALL.iter().map(|hold| hold.as_str())));
}

#[test]
fn number_of_presets_in_the_documents_is_right() {
    let presets: Vec<serde_json::Value> =
        serde_json::from_str(&Folder::new("").run(&["preset", "list", "--json"]).stdout).unwrap();
    for name in ["README.md", "CHANGELOG.md"] {
        let text = document(name);
        assert!(text.contains(&format!("{} presets", presets.len())), "{name}: there are {} presets", presets.len());
    }
}

/// The anchor of a heading, as the repository's web page builds it.
fn anchor(heading: &str) -> String {
    let words = heading.trim_start_matches('#').trim().to_lowercase().replace(' ', "-");
    words.chars().filter(|c| c.is_alphanumeric() || *c == '-' || *c == '_').collect()
}

#[test]
fn links_between_documents_resolve() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for name in documents() {
        let text = document(&name);
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            if link.contains("://") {
                continue;
            }
            let (file, heading) = link.split_once('#').unwrap_or((link, ""));
            let folder = root.join(&name).parent().unwrap().to_owned();
            let target = if file.is_empty() { root.join(&name) } else { folder.join(file) };
            assert!(target.exists(), "{name}: {link} does not exist");
            if !heading.is_empty() {
                let target = std::fs::read_to_string(target).unwrap();
                let mut headings = target.lines().filter(|line| line.starts_with('#'));
                assert!(headings.any(|line| anchor(line) == heading), "{name}: {link} has no such heading");
            }
        }
    }
}

#[test]
fn files_that_the_documents_name_exist() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for name in documents() {
        for code in document(&name).split('`').skip(1).step_by(2) {
            let is_path = ["src/", "tests/", "benches", ".ci/", ".cargo/", "migrations/"]
                .iter()
                .any(|start| code.starts_with(start));
            if is_path && !code.contains([' ', '*', '<', 'N']) {
                assert!(root.join(code).exists(), "{name}: {code} does not exist");
            }
        }
    }
}
