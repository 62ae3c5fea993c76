//! Finds an email address, or any other text, in bytes: in every spelling in which a file may hold it.
//!
//! Letters are compared without case. Line breaks of MIME (base64, quoted-printable) are skipped.

use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

/// The texts to be found, in all spellings.
#[derive(Debug, Default)]
pub struct Search {
    needles: Vec<Needle>,
    /// The needles that begin with each byte, in lower case.
    by_first: Vec<Vec<usize>>,
    longest: usize,
}

#[derive(Debug, PartialEq, Eq)]
struct Needle {
    bytes: Vec<u8>,
    spelling: &'static str,
    /// Whether upper and lower case are the same. Not in base64.
    any_case: bool,
}

/// A text that was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Found {
    /// The name of the spelling.
    pub spelling: &'static str,
    /// The first byte, counted from 0.
    pub offset: usize,
}

impl Search {
    pub fn new(texts: &[impl AsRef<str>]) -> Self {
        let mut search = Self { by_first: vec![Vec::new(); 256], ..Self::default() };
        for text in texts.iter().map(AsRef::as_ref).filter(|text| !text.is_empty()) {
            search.add_text(text);
        }
        search
    }

    pub fn is_empty(&self) -> bool {
        self.needles.is_empty()
    }

    /// The number of bytes by which two windows of a long file must overlap.
    pub fn overlap(&self) -> usize {
        // A line break in every 60 characters, of up to three bytes.
        self.longest.saturating_add(self.longest / 20).saturating_add(3)
    }

    fn add_text(&mut self, text: &str) {
        let (lower, upper) = (text.to_lowercase(), text.to_uppercase());
        let utf16 = |bytes: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(bytes).collect::<Vec<u8>>();
        let (little, big) = (utf16(u16::to_le_bytes), utf16(u16::to_be_bytes));
        self.add("plain", text.as_bytes().to_vec(), true);
        self.add("percent", escaped(text, is_unreserved, |byte| format!("%{byte:02X}")), true);
        self.add("percent", escaped(text, |_| false, |byte| format!("%{byte:02X}")), true);
        self.add("quoted-printable", escaped(text, is_unreserved, |byte| format!("={byte:02X}")), true);
        self.add(
            "quoted-printable",
            escaped(text, |byte| byte.is_ascii_graphic(), |byte| format!("={byte:02X}")),
            true,
        );
        let but_at = |byte: u8| byte.is_ascii_graphic() && byte != b'@';
        self.add("quoted-printable", escaped(text, but_at, |byte| format!("={byte:02X}")), true);
        self.add("JSON", json(text, |c| c.is_ascii() && c != '@'), true);
        self.add("JSON", json(text, |c| c.is_ascii()), true);
        self.add("JSON", json(text, |_| false), true);
        self.add("HTML", text.replace('@', "&#64;").into_bytes(), true);
        self.add("HTML", text.replace('@', "&#x40;").into_bytes(), true);
        self.add("HTML", text.replace('@', "&commat;").into_bytes(), true);
        self.add("hexadecimal", hex::encode(&lower).into_bytes(), true);
        self.add("hexadecimal", hex::encode(text).into_bytes(), true);
        self.add("UTF-16LE", little.clone(), true);
        self.add("UTF-16BE", big.clone(), true);
        for (spelling, bytes) in [
            ("base64", text.as_bytes()),
            ("base64", lower.as_bytes()),
            ("base64", upper.as_bytes()),
            ("base64 of UTF-16LE", &little),
            ("base64 of UTF-16BE", &big),
        ] {
            for alignment in 0..3 {
                self.add(spelling, base64_inside(bytes, alignment, &STANDARD_NO_PAD), false);
                self.add(spelling, base64_inside(bytes, alignment, &URL_SAFE_NO_PAD), false);
            }
        }
    }

    fn add(&mut self, spelling: &'static str, bytes: Vec<u8>, any_case: bool) {
        let needle = Needle { bytes, spelling, any_case };
        let Some(first) = needle.bytes.first().copied() else { return };
        if self.needles.iter().any(|known| known.bytes == needle.bytes && known.any_case == any_case) {
            return;
        }
        let index = self.needles.len();
        let firsts = if any_case { [first.to_ascii_lowercase(), first.to_ascii_uppercase()] } else { [first; 2] };
        for first in firsts {
            if let Some(list) = self.by_first.get_mut(usize::from(first)).filter(|list| list.last() != Some(&index)) {
                list.push(index);
            }
        }
        self.longest = self.longest.max(needle.bytes.len());
        self.needles.push(needle);
    }

    /// Everything that is found in these bytes, at most one for each spelling.
    pub fn find(&self, bytes: &[u8]) -> Vec<Found> {
        let mut found = self.find_without_breaks(bytes);
        let (joined, offsets) = without_breaks(bytes);
        if joined.len() < bytes.len() {
            let in_joined = self.find_without_breaks(&joined).into_iter();
            found.extend(in_joined.filter_map(|hit| Some(Found { offset: *offsets.get(hit.offset)?, ..hit })));
        }
        found.sort_unstable();
        found.dedup_by_key(|hit| hit.spelling);
        found
    }

    fn find_without_breaks(&self, bytes: &[u8]) -> Vec<Found> {
        let mut found = Vec::<Found>::new();
        for (offset, first) in bytes.iter().enumerate() {
            let candidates = self.by_first.get(usize::from(*first)).map_or(&[][..], Vec::as_slice);
            for needle in candidates.iter().filter_map(|index| self.needles.get(*index)) {
                let is_known = || found.iter().any(|hit| hit.spelling == needle.spelling);
                if needle.is_at(bytes, offset) && !is_known() {
                    found.push(Found { spelling: needle.spelling, offset });
                }
            }
        }
        found
    }
}

impl Needle {
    fn is_at(&self, bytes: &[u8], offset: usize) -> bool {
        let Some(window) = bytes.get(offset..offset.saturating_add(self.bytes.len())) else { return false };
        if self.any_case { window.eq_ignore_ascii_case(&self.bytes) } else { window == self.bytes }
    }
}

/// Characters that no encoding of URLs replaces.
fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

fn escaped(text: &str, is_kept: impl Fn(u8) -> bool, escape: impl Fn(u8) -> String) -> Vec<u8> {
    let spelled = text.bytes().map(|byte| if is_kept(byte) { char::from(byte).to_string() } else { escape(byte) });
    spelled.collect::<String>().into_bytes()
}

fn json(text: &str, is_kept: impl Fn(char) -> bool) -> Vec<u8> {
    let mut spelled = String::new();
    for character in text.chars() {
        if is_kept(character) {
            spelled.push(character);
        } else {
            let escape = |unit: &mut u16| format!("\\u{unit:04x}");
            let units: String = character.encode_utf16(&mut [0; 2]).iter_mut().map(escape).collect();
            spelled.push_str(&units);
        }
    }
    spelled.into_bytes()
}

/// The characters of base64 that depend only on these bytes, where they follow `alignment` others.
fn base64_inside(bytes: &[u8], alignment: usize, engine: &impl base64::Engine) -> Vec<u8> {
    let padded: Vec<u8> = std::iter::repeat_n(0, alignment).chain(bytes.iter().copied()).collect();
    let encoded = engine.encode(&padded).into_bytes();
    // The first characters hold bits of what precedes, and the last one holds bits of what follows.
    let skip = [0, 2, 3].get(alignment).copied().unwrap_or_default();
    let whole = padded.len().saturating_mul(8) / 6;
    encoded.get(skip..whole.min(encoded.len())).unwrap_or_default().to_vec()
}

/// The bytes without line breaks, also those of quoted-printable, and where each byte was.
fn without_breaks(bytes: &[u8]) -> (Vec<u8>, Vec<usize>) {
    let (mut joined, mut offsets) = (Vec::with_capacity(bytes.len()), Vec::new());
    let mut rest = bytes.iter().copied().enumerate().peekable();
    while let Some((offset, byte)) = rest.next() {
        let next = rest.peek().map(|(_, next)| *next);
        let is_soft = byte == b'=' && matches!(next, Some(b'\r' | b'\n'));
        if !is_soft && !matches!(byte, b'\r' | b'\n') {
            joined.push(byte);
            offsets.push(offset);
        }
    }
    (joined, offsets)
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    use super::*;

    const ANN: &str = "ann.o'hara+x@example.com";

    fn spellings(bytes: &[u8]) -> Vec<&'static str> {
        Search::new(&[ANN]).find(bytes).into_iter().map(|found| found.spelling).collect()
    }

    #[test]
    fn every_spelling_is_found_wherever_it_stands() {
        let utf16 = |bytes: fn(u16) -> [u8; 2]| ANN.encode_utf16().flat_map(bytes).collect::<Vec<u8>>();
        for (spelling, bytes) in [
            ("plain", ANN.as_bytes().to_vec()),
            ("plain", ANN.to_uppercase().into_bytes()),
            ("percent", b"ann.o%27hara%2bx%40example.com".to_vec()),
            ("quoted-printable", b"ann.o'hara+x=40example.com".to_vec()),
            ("quoted-printable", b"ann.o=27hara=2Bx=40example.com".to_vec()),
            ("plain", b"ann.o'hara+x@exam=\r\nple.com".to_vec()),
            ("JSON", br"ann.o'hara+x\u0040example.com".to_vec()),
            ("HTML", b"ann.o'hara+x&#64;example.com".to_vec()),
            ("hexadecimal", hex::encode_upper(ANN).into_bytes()),
            ("UTF-16LE", utf16(u16::to_le_bytes)),
            ("UTF-16BE", utf16(u16::to_be_bytes)),
        ] {
            for before in ["", "x", "xy", "xyz\n"] {
                let text = [before.as_bytes(), &bytes, b"\"}"].concat();
                assert!(spellings(&text).contains(&spelling), "{spelling} after {before:?}: {:?}", spellings(&text));
            }
        }
    }

    #[test]
    fn base64_is_found_in_every_alignment_and_over_line_breaks() {
        for before in ["", "a", "ab", "abc", "{\"email\":\""] {
            for after in ["", "z", "yz", "xyz"] {
                let encoded = STANDARD.encode(format!("{before}{ANN}{after}"));
                assert_eq!(spellings(encoded.as_bytes()), ["base64"], "{before:?} {after:?}");
                let (one, two) = encoded.split_at(encoded.len() / 2);
                assert_eq!(spellings(format!("{one}\r\n{two}").as_bytes()), ["base64"], "{before:?} {after:?}");
            }
        }
    }

    #[test]
    fn other_texts_are_not_found() {
        for text in ["ann.o'hara+x@example.co", "ann@example.com", "", "YW5u", "\u{0}\u{1}\u{2}"] {
            assert_eq!(spellings(text.as_bytes()), Vec::<&str>::new(), "{text}");
        }
        assert!(Search::new(&[""]).is_empty());
    }

    #[test]
    fn offset_is_that_of_the_file() {
        let found = Search::new(&[ANN]).find(format!("12345\n{ANN}").as_bytes());
        assert_eq!(found, [Found { spelling: "plain", offset: 6 }]);
    }
}
