//! Finds the items of a batch in a JSON text without parsing them.

use std::borrow::Cow;
use std::ops::Range;

use serde::Deserialize;
use serde::de::IgnoredAny;

/// The range of the value at this path of member names. `None` if there is none, or if the text is not JSON.
pub(super) fn value(text: &str, path: &[&str]) -> Option<Range<usize>> {
    path.iter().try_fold(0..text.len(), |scope, name| member(text, scope, name))
}

/// The ranges of the elements of an array. `None` if the value is no array, or if it is not JSON.
pub(super) fn elements(text: &str, scope: Range<usize>) -> Option<Vec<Range<usize>>> {
    let mut elements = Vec::new();
    let mut scanner = Scanner::of(text, scope)?;
    scanner.list(b'[', b']', |scanner| {
        elements.push(scanner.value::<IgnoredAny>()?.0);
        Some(())
    })?;
    Some(elements)
}

/// The value of the member of an object; of the last one with this name, as a parser would have it.
fn member(text: &str, scope: Range<usize>, name: &str) -> Option<Range<usize>> {
    let mut found = None;
    let mut scanner = Scanner::of(text, scope)?;
    scanner.list(b'{', b'}', |scanner| {
        let (_, key) = scanner.value::<Cow<'_, str>>()?;
        scanner.expect(b':')?;
        let (value, _) = scanner.value::<IgnoredAny>()?;
        if key == name {
            found = Some(value);
        }
        Some(())
    })?;
    found
}

/// A position in a JSON text.
struct Scanner<'t> {
    text: &'t str,
    at: usize,
    end: usize,
}

impl<'t> Scanner<'t> {
    fn of(text: &'t str, scope: Range<usize>) -> Option<Self> {
        text.get(scope.clone()).map(|_| Self { text, at: scope.start, end: scope.end })
    }

    /// A list between two brackets, with nothing after it.
    fn list(&mut self, open: u8, close: u8, mut entry: impl FnMut(&mut Self) -> Option<()>) -> Option<()> {
        self.expect(open)?;
        if self.next()? == close {
            self.at += 1;
        } else {
            loop {
                entry(self)?;
                let separator = self.next()?;
                self.at += 1;
                if separator == close {
                    break;
                }
                if separator != b',' {
                    return None;
                }
            }
        }
        self.next().is_none().then_some(())
    }

    fn expect(&mut self, byte: u8) -> Option<()> {
        (self.next()? == byte).then(|| self.at += 1)
    }

    /// The next byte that is no white space.
    fn next(&mut self) -> Option<u8> {
        let rest = self.text.as_bytes().get(self.at..self.end)?;
        let blank = rest.iter().take_while(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r')).count();
        self.at += blank;
        rest.get(blank).copied()
    }

    /// The range of the next value, and the value.
    fn value<T: Deserialize<'t>>(&mut self) -> Option<(Range<usize>, T)> {
        self.next()?;
        let begin = self.at;
        let mut values = serde_json::Deserializer::from_str(self.text.get(begin..self.end)?).into_iter::<T>();
        let value = values.next()?.ok()?;
        self.at = begin + values.byte_offset();
        Some((begin..self.at, value))
    }
}

#[cfg(test)]
mod tests {
    use super::{elements, value};

    fn texts<'t>(text: &'t str, path: &[&str]) -> Option<Vec<&'t str>> {
        elements(text, value(text, path)?)?.into_iter().map(|range| text.get(range)).collect()
    }

    #[test]
    fn elements_of_an_array_are_found_by_their_ranges() {
        let values = r#"{"a":[1,"]"]}"#;
        assert_eq!(
            texts(&format!(" [{values} ,\n2.5,\"x\\\"\",null] "), &[]).unwrap(),
            [values, "2.5", "\"x\\\"\"", "null"]
        );
        assert_eq!(texts("[]", &[]).unwrap(), [""; 0]);
        assert_eq!(texts(r#"{"x":{"a":[]},"data":{"events":[1],"more":[2]}}"#, &["data", "events"]).unwrap(), ["1"]);
        assert_eq!(texts(r#"{"a":[1],"\u0061":[2]}"#, &["a"]).unwrap(), ["2"], "the last one counts");
    }

    #[test]
    fn nothing_is_found_in_damaged_json() {
        for (text, path) in [
            ("", &[][..]),
            ("[1", &[]),
            ("[1,]", &[]),
            ("[1 2]", &[]),
            ("[1]]", &[]),
            ("[tru]", &[]),
            ("{}", &[]),
            ("1", &[]),
            ("[1]", &["a"]),
            (r#"{"a":1}"#, &["a"]),
            (r#"{"a":[1]"#, &["a"]),
            (r#"{"a":[1],}"#, &["a"]),
            (r#"{"a":[1]} x"#, &["a"]),
            (r#"{"b":[1]}"#, &["a"]),
            (r"{a:[1]}", &["a"]),
        ] {
            assert_eq!(texts(text, path), None, "{text}");
        }
    }
}
