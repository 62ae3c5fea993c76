//! The files: searched as bytes, and databases value by value as well.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use super::finding::Finding;
use crate::proof::search::Search;
use crate::store::{Database, is_database, read_values};

/// The number of bytes that are searched at a time.
const WINDOW: u64 = 1 << 20;

/// The database, and every file beside it whose name begins like it: its log, its keys, what a restore left.
pub(super) fn beside(database: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let folder = database.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    let name = database.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).with_context(|| format!("cannot list `{}`", folder.display()))? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with(&name) && entry.file_type()?.is_file() {
            found.push(folder.join(entry.file_name()));
        }
    }
    found.sort();
    Ok(found)
}

/// Searches one file. `is_copy`: no process uses it.
pub(super) async fn look_through(path: &Path, search: &Search, is_copy: bool) -> anyhow::Result<Vec<Finding>> {
    if search.is_empty() {
        return Ok(Vec::new());
    }
    let mut findings = Vec::new();
    search_bytes(path, search, &mut findings).with_context(|| format!("cannot read `{}`", path.display()))?;
    let is_main = path.extension().is_none_or(|extension| extension != "db-wal" && extension != "db-shm");
    if is_main && is_database(path).await {
        let mut in_values = Vec::<(String, &'static str)>::new();
        read_values(path, is_copy, |place, value| {
            for found in search.find(value) {
                let hit = (place.to_owned(), found.spelling);
                if !in_values.contains(&hit) {
                    in_values.push(hit);
                }
            }
        })
        .await?;
        let hits = in_values.into_iter().map(|(place, spelling)| found(path, &format!("column {place}"), spelling));
        findings.extend(hits);
    }
    Ok(findings)
}

/// One finding for each spelling.
fn search_bytes(path: &Path, search: &Search, findings: &mut Vec<Finding>) -> std::io::Result<()> {
    let mut file = File::open(path)?;
    let (mut window, mut start) = (Vec::new(), 0_usize);
    let mut spellings = Vec::new();
    loop {
        let read = file.by_ref().take(WINDOW).read_to_end(&mut window)?;
        for hit in search.find(&window) {
            if !spellings.contains(&hit.spelling) {
                spellings.push(hit.spelling);
                let offset = start.saturating_add(hit.offset);
                findings.push(found(path, &format!("byte {offset}"), hit.spelling));
            }
        }
        if read == 0 {
            return Ok(());
        }
        let keep = window.len().saturating_sub(search.overlap());
        start = start.saturating_add(keep);
        window.drain(..keep);
    }
}

fn found(path: &Path, place: &str, spelling: &'static str) -> Finding {
    let detail = format!("an address that was searched ({place}, spelled as {spelling})");
    Finding { kind: "address", place: path.display().to_string(), detail }
}

/// Whether the keys of closed cases in a backup can still be opened.
pub(super) async fn look_for_keys(database: &Database, backup: &Path) -> anyhow::Result<Option<Finding>> {
    let keys = database.keys_in_backup(backup).await?;
    Ok((keys.openable > 0).then(|| Finding {
        kind: "key",
        place: backup.display().to_string(),
        detail: format!(
            "the keys of {} cases that are closed now; they open until the secrets of their period are deleted \
             (store.keep_backups), and without {}.keys",
            keys.openable,
            backup.display()
        ),
    }))
}
