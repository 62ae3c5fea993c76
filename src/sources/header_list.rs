//! A header with several entries, like `t=1,v1=abc`.

use serde::Deserialize;

/// A signature header that holds several entries.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct List {
    /// Character between entries: `,` or a space. Spaces around entries are ignored.
    pub separator: char,
    /// Character between the key and the value of an entry: `=` or `,`. Example: `"="`.
    pub pair: char,
    /// Keys whose values are signatures; entries with other keys are ignored. Example: `["v1"]`.
    pub keys: Vec<String>,
}

impl List {
    /// The keys and values of a header without surrounding blanks; entries without a key are skipped.
    pub(super) fn entries<'a>(&self, value: &'a [u8]) -> impl Iterator<Item = (&'a [u8], &'a [u8])> {
        let separator = u8::try_from(self.separator).unwrap_or(b',');
        let pair = u8::try_from(self.pair).unwrap_or(b'=');
        value.split(move |byte| *byte == separator).filter_map(move |entry| {
            let entry = entry.trim_ascii();
            let at = entry.iter().position(|byte| *byte == pair)?;
            let (key, rest) = entry.split_at_checked(at)?;
            Some((key, rest.get(1..)?))
        })
    }
}
