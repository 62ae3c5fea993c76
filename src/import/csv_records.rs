//! The records of a CSV text. A missing quote breaks the row that it is missing in, and no other one.

use csv::{Reader, ReaderBuilder, StringRecord};

const QUOTE: u8 = b'\x22';

const BAD_QUOTES: &str = "a quote is missing or not doubled";

/// A record and the line on which it begins.
#[derive(Debug)]
pub(super) enum Record {
    Row(u64, StringRecord),
    /// Repeats no value.
    Broken(u64, String),
}

/// Reads a text whose line ends are `\n`.
pub(super) struct Records<'a> {
    text: &'a str,
    delimiter: u8,
    reader: Reader<&'a [u8]>,
    /// The byte at which the reader began.
    begin: usize,
    /// The byte up to which lines are counted, and its line.
    at: usize,
    line: u64,
    /// The number of values of a whole row.
    pub(super) cells: usize,
}

impl<'a> Records<'a> {
    pub(super) fn new(text: &'a str, line: u64) -> Self {
        let delimiter = delimiter(text.lines().next().unwrap_or_default());
        Self { text, delimiter, reader: reader(text, delimiter), begin: 0, at: 0, line, cells: 0 }
    }

    /// The text from the line counter on.
    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// Counts the lines of the next bytes.
    fn advance(&mut self, bytes: usize) {
        let passed = self.rest().bytes().take(bytes);
        self.line += passed.filter(|byte| *byte == b'\n').map(|_| 1).sum::<u64>();
        self.at = self.at.saturating_add(bytes);
    }

    /// The length of the rows that a missing quote joined: the first line, and all up to the next whole row.
    fn broken_length(&self, raw: &str) -> usize {
        let mut lines = raw.split_inclusive('\n');
        let first = lines.next().map_or(0, str::len);
        let is_row = |line: &&str| {
            let record = reader(line, self.delimiter).into_records().next();
            record.and_then(Result::ok).is_some_and(|record| record.len() == self.cells)
        };
        first + lines.take_while(|line| !is_row(line)).map(str::len).sum::<usize>()
    }
}

impl Iterator for Records<'_> {
    type Item = Record;

    fn next(&mut self) -> Option<Record> {
        let mut record = StringRecord::new();
        let read = self.reader.read_record(&mut record);
        let end = usize::try_from(self.reader.position().byte()).unwrap_or(self.text.len());
        let raw = self.rest().get(..(self.begin + end).saturating_sub(self.at)).unwrap_or_else(|| self.rest());
        let row = raw.trim_start_matches('\n');
        self.advance(raw.len() - row.len());
        let line = self.line;
        if matches!(read, Ok(false)) {
            return None;
        }
        let is_one_line = !row.trim_end_matches('\n').contains('\n');
        if read.is_ok() && !is_one_line && !has_matching_quotes(row, self.delimiter) {
            self.advance(self.broken_length(row));
            self.begin = self.at;
            self.reader = reader(self.rest(), self.delimiter);
            return Some(Record::Broken(line, BAD_QUOTES.to_owned()));
        }
        self.advance(row.len());
        if read.is_err() {
            return Some(Record::Broken(line, "the row cannot be read".to_owned()));
        }
        // Two quotes of different rows match by chance.
        if !is_one_line && record.iter().any(|value| value.contains('\n') && value.contains('@')) {
            let last = self.line.saturating_sub(u64::from(row.ends_with('\n')));
            let problem = format!("an email address within several lines up to line {last}: is a quote missing?");
            return Some(Record::Broken(line, problem));
        }
        Some(Record::Row(line, record))
    }
}

fn reader(text: &str, delimiter: u8) -> Reader<&[u8]> {
    let mut builder = ReaderBuilder::new();
    builder.delimiter(delimiter).flexible(true).has_headers(false).from_reader(text.as_bytes())
}

/// Whether each quoted value ends before a separator or at the end of a line.
fn has_matching_quotes(raw: &str, delimiter: u8) -> bool {
    let mut bytes = raw.bytes().peekable();
    let (mut is_begin, mut is_quoted) = (true, false);
    while let Some(byte) = bytes.next() {
        if is_quoted {
            if byte != QUOTE || bytes.next_if_eq(&QUOTE).is_some() {
                continue;
            }
            while bytes.next_if_eq(&b' ').is_some() {}
            is_quoted = false;
            if bytes.peek().is_some_and(|next| *next != delimiter && *next != b'\n') {
                return false;
            }
        } else {
            is_quoted = is_begin && byte == QUOTE;
            is_begin = byte == delimiter;
        }
    }
    !is_quoted
}

/// The separator that occurs most often in the header.
fn delimiter(header: &str) -> u8 {
    let count = |separator: u8| header.bytes().filter(|byte| *byte == separator).count();
    // Of equal counts the last one wins: a header of one column has none.
    [b'\t', b';', b','].into_iter().max_by_key(|separator| count(*separator)).unwrap_or(b',')
}
