//! The table of faults: how often each was caused, what was expected, what was seen.
//!
//! A row is opened before its fault is caused, so that a promise that is broken stands there too. Each is printed as it is
//! written; where `OFFBOARDD_STRESS_TABLE` names a file, that file always holds the whole table so far.

use std::fmt::Display;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

const HEADINGS: [&str; 4] = ["fault", "count", "expected", "observed"];

/// Names the file to which rows are added, if they are to be kept.
const FILE: &str = "OFFBOARDD_STRESS_TABLE";

/// Opens the row of a fault.
pub(crate) fn expect_row(fault: &'static str, expected: &'static str) -> Row {
    Row { fault, expected, is_written: false }
}

/// A row that waits for what is seen.
#[must_use = "a row that is dropped says that the promise was broken"]
pub(crate) struct Row {
    fault: &'static str,
    expected: &'static str,
    is_written: bool,
}

impl Row {
    /// The promise was kept.
    pub(crate) fn passed(mut self, how_often: impl Display, seen: impl Display) {
        self.write(&how_often.to_string(), &seen.to_string());
    }

    /// The fault cannot be caused here.
    pub(crate) fn skipped(mut self, why: &str) {
        self.write("–", &format!("left out: {}", why.trim()));
    }

    fn write(&mut self, how_often: &str, seen: &str) {
        self.is_written = true;
        let row = [self.fault, how_often, self.expected, seen].map(|cell| cell.replace(['|', '\n'], " "));
        println!("| {} |", row.join(" | "));
        if let Some(file) = std::env::var_os(FILE) {
            add(Path::new(&file), row);
        }
    }
}

impl Drop for Row {
    fn drop(&mut self) {
        if !self.is_written {
            self.write("–", "BROKEN: see above");
        }
    }
}

/// Writes the whole table again, as wide as it has to be with one row more.
fn add(file: &Path, row: [String; 4]) {
    static ONE_BY_ONE: Mutex<()> = Mutex::new(());
    let _mine = ONE_BY_ONE.lock().unwrap_or_else(PoisonError::into_inner);
    let before = std::fs::read_to_string(file).unwrap_or_default();
    let mut rows: Vec<_> = before.lines().skip(2).map(cells).collect();
    rows.push(row);
    rows.insert(0, HEADINGS.map(str::to_owned));
    let widths = [0, 1, 2, 3].map(|column| rows.iter().map(|row| row[column].chars().count()).max().unwrap());
    rows.insert(1, widths.map(|width| "-".repeat(width)));
    let lines = rows.into_iter().map(|row| {
        let padded: Vec<_> = row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        format!("| {} |\n", padded.join(" | "))
    });
    std::fs::write(file, lines.collect::<String>()).unwrap();
}

fn cells(line: &str) -> [String; 4] {
    let mut cells = line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned());
    [(); 4].map(|()| cells.next().unwrap_or_default())
}

#[test]
fn table_file_is_complete_after_each_row() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("table.md");
    add(&file, ["a".to_owned(), "1".to_owned(), "all is well".to_owned(), "all was × well".to_owned()]);
    add(&file, ["a longer one".to_owned(), "–".to_owned(), "so is this".to_owned(), "BROKEN".to_owned()]);
    assert_eq!(
        std::fs::read_to_string(&file).unwrap(),
        "| fault        | count | expected    | observed       |\n\
         | ------------ | ----- | ----------- | -------------- |\n\
         | a            | 1     | all is well | all was × well |\n\
         | a longer one | –     | so is this  | BROKEN         |\n"
    );
}
