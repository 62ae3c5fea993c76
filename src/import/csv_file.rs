//! CSV as spreadsheets and vendors write it: with or without a byte order mark, with commas, semicolons or tabs, with
//! quotes, with any line ends.

use std::collections::BTreeMap;

use super::csv_records::{Record, Records};

/// The maximum number of rows of one file.
const MOST_ROWS: usize = 100_000;

/// The maximum length of a value in characters: no email address, id or date is longer.
const LONGEST: usize = 1_000;

/// A file with a header.
#[derive(Debug)]
pub(super) struct CsvFile {
    /// The names of the columns in lower case, with their index.
    columns: BTreeMap<String, usize>,
    rows: Vec<(u64, Vec<String>)>,
    /// Rows that cannot be read at all.
    pub(super) broken: Vec<(u64, String)>,
}

/// Why a file cannot be read. Repeats no value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum CsvError {
    #[error("the file is not UTF-8 text: export it as \"CSV UTF-8\"")]
    NotText,
    #[error("the file is empty: the first line names the columns")]
    Empty,
    #[error("the first line names no column `{0}`: it must name the columns, one of them {0}")]
    NoColumn(&'static str),
    #[error("the file has more than {MOST_ROWS} rows: split it")]
    TooLong,
}

/// One row.
#[derive(Debug, Clone, Copy)]
pub(super) struct CsvRow<'a> {
    file: &'a CsvFile,
    /// The line of the file on which it begins, from 1.
    pub(super) line: u64,
    values: &'a [String],
}

impl CsvFile {
    pub(super) fn read(bytes: &[u8]) -> Result<Self, CsvError> {
        let text = std::str::from_utf8(bytes).map_err(|_not_utf8| CsvError::NotText)?;
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        // Excel writes this line to name the separator.
        let (text, skipped) = match text.split_once('\n') {
            Some((first, rest)) if first.trim_end().starts_with("sep=") => (rest, 1),
            _ => (text, 0),
        };
        let text = text.replace("\r\n", "\n").replace('\r', "\n");
        let mut records = Records::new(&text, skipped + 1);
        let Some(Record::Row(_, header)) = records.next() else { return Err(CsvError::Empty) };
        records.cells = header.len();
        let mut columns = BTreeMap::new();
        for (index, name) in header.iter().enumerate() {
            columns.entry(name.trim().to_lowercase()).or_insert(index);
        }
        let mut file = Self { columns, rows: Vec::new(), broken: Vec::new() };
        for record in records {
            match record {
                Record::Row(_, row) if row.iter().all(|value| value.trim().is_empty()) => {}
                Record::Row(line, row) if row.iter().any(|value| value.chars().count() > LONGEST) => {
                    file.broken.push((line, "a value is too long: is a quote missing?".to_owned()));
                }
                Record::Row(line, row) => {
                    file.rows.push((line, row.iter().map(|value| value.trim().to_owned()).collect()));
                }
                Record::Broken(line, problem) => file.broken.push((line, problem)),
            }
            if file.rows.len() > MOST_ROWS {
                return Err(CsvError::TooLong);
            }
        }
        Ok(file)
    }

    /// The name of the first of these columns that the file has.
    pub(super) fn column(&self, names: &[&'static str]) -> Option<&'static str> {
        names.iter().copied().find(|name| self.columns.contains_key(*name))
    }

    /// The same, or an error that names the first one.
    pub(super) fn require(&self, names: &[&'static str]) -> Result<&'static str, CsvError> {
        self.column(names).ok_or_else(|| CsvError::NoColumn(names.first().copied().unwrap_or_default()))
    }

    pub(super) fn rows(&self) -> impl Iterator<Item = CsvRow<'_>> {
        self.rows.iter().map(|(line, values)| CsvRow { file: self, line: *line, values })
    }
}

impl<'a> CsvRow<'a> {
    /// The value of a column; empty if the row or the file has none.
    pub(super) fn value(self, column: &str) -> &'a str {
        let index = self.file.columns.get(column);
        index.and_then(|index| self.values.get(*index)).map_or("", String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(text: &str) -> Vec<(u64, String, String)> {
        let file = CsvFile::read(text.as_bytes()).unwrap();
        let rows = file.rows().map(|row| (row.line, row.value("email").to_owned(), row.value("person_id").to_owned()));
        rows.collect()
    }

    #[test]
    fn every_dialect_is_read_with_its_lines() {
        let expected =
            vec![(2, "ann@example.com".to_owned(), "4;2".to_owned()), (4, "ben@example.com".to_owned(), String::new())];
        for text in [
            "email,person_id\nann@example.com,4;2\n\nben@example.com,\n",
            "\u{feff}EMAIL,person_id\r\nann@example.com,4;2\r\n\r\nben@example.com\r\n",
            "email;person_id\n ann@example.com ;\"4;2\"\n;\nben@example.com;\n",
            "email\tperson_id\nann@example.com\t4;2\n\t\nben@example.com",
        ] {
            assert_eq!(values(text), expected, "{text:?}");
        }
        assert_eq!(values("sep=;\nemail;person_id\nann@example.com;1")[0].0, 3);
        let quoted = values("email,person_id\n\"ann@example.com\",\"one\ntwo\"\nben@example.com,2");
        assert_eq!((quoted[0].2.as_str(), quoted[1].0), ("one\ntwo", 4));
    }

    #[test]
    fn file_that_is_none_is_refused() {
        assert_eq!(CsvFile::read(b"").unwrap_err(), CsvError::Empty);
        assert_eq!(CsvFile::read(b"\xff\xfe").unwrap_err(), CsvError::NotText);
        let file = CsvFile::read(b"name\nx").unwrap();
        assert_eq!(file.require(&["email"]).unwrap_err(), CsvError::NoColumn("email"));
        let long = format!("email\n{}", "a@b.c\n".repeat(MOST_ROWS + 1));
        assert_eq!(CsvFile::read(long.as_bytes()).unwrap_err(), CsvError::TooLong);
    }

    #[test]
    fn missing_quote_takes_no_other_row() {
        let read = |text: &str| {
            let file = CsvFile::read(text.as_bytes()).unwrap();
            let rows: Vec<_> = file.rows().map(|row| (row.line, row.value("email").to_owned())).collect();
            let broken: Vec<u64> = file.broken.iter().map(|(line, _)| *line).collect();
            (rows, broken)
        };
        let row = |line: u64, name: &str| (line, format!("{name}@example.com"));
        let text =
            "name,email\n\"Ann,ann@example.com\nBen,ben@example.com\n\"Cid\",cid@example.com\nDan,dan@example.com\n";
        assert_eq!(read(text), (vec![row(3, "ben"), row(4, "cid"), row(5, "dan")], vec![2]));
        // No quote follows at all.
        let text = "name;email\nAnn;ann@example.com\n\"Ben;ben@example.com\nCid;cid@example.com\n";
        assert_eq!(read(text), (vec![row(2, "ann"), row(4, "cid")], vec![3]));
        // Lines that are no row of their own belong to the broken one.
        let text = "email,note\nann@example.com,\"left\nin May\nben@example.com,\"\"\"on\" 1 May\ncid@example.com,\n";
        assert_eq!(read(text), (vec![row(4, "ben"), row(5, "cid")], vec![2]));
        // Quotes that match by chance.
        let text = "name,email\n\"Ann,ann@example.com\nBen\",ben@example.com\nCid,cid@example.com\n";
        assert_eq!(read(text), (vec![row(4, "cid")], vec![2]));
        // Values of several lines are none of this.
        let text = "street,email\n\"1 Main St\nSpringfield\",ann@example.com\n\"the \"\"Hub\"\"\n2nd floor\" ,ben@example.com\n";
        assert_eq!(read(text), (vec![row(2, "ann"), row(4, "ben")], vec![]));
    }
}
