//! The shipped vendor presets: loaded from `presets.toml`, listed, and merged with the overrides of the settings.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};
use toml::{Table, Value};

use super::near;

const FILE: &str = include_str!("presets.toml");
const SAMPLES_FILE: &str = include_str!("examples.toml");

/// The preset whose mapping is offboardd's own event.
const OWN_EVENTS: &str = "standard-webhooks";

/// A shipped description of a vendor.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Preset {
    /// The vendor's name.
    pub title: String,
    /// Other names of the preset.
    #[serde(default)]
    pub aliases: Vec<String>,
    /// The source of the facts.
    pub source: String,
    /// How reliable the facts are.
    pub confidence: Confidence,
    /// How reliable the mapping is, if less so than the rest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mapping_confidence: Option<Confidence>,
    /// Notes for an integrator, and why ambiguous events have no effect.
    #[serde(default)]
    pub notes: Vec<String>,
    /// Whether the vendor's own bodies need a `[sources.X.mapping]`, because the preset only verifies them.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub needs_mapping: bool,
    /// The preset whose mapping this one shares.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mapping_of: Option<String>,
    /// How requests are proven authentic.
    pub signature: Table,
    /// How bodies become events.
    #[serde(default)]
    pub mapping: Table,
}

/// The entry of a preset in `examples.toml`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Samples {
    departure: Option<String>,
    #[serde(rename = "return")]
    back: Option<String>,
    content_type: Option<String>,
    no_departure: Option<String>,
    no_return: Option<String>,
    clicks: Vec<String>,
}

/// A request like the vendor's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    /// The headers that the mapping reads, one per line, an empty line, and the body, as [`split_headers`] splits them.
    /// `{secret}` stands for the source's secret.
    pub text: String,
    pub content_type: String,
}

/// How reliable a preset's facts are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Confidence {
    /// From the vendor's own documentation or code.
    Verified,
    /// From third-party code or lists: test it with a real delivery first.
    Secondary,
}

static PRESETS: LazyLock<BTreeMap<String, Preset>> = LazyLock::new(|| {
    #[expect(clippy::expect_used, reason = "the file is part of the program, and a test reads it")]
    let mut presets: BTreeMap<String, Preset> = toml::from_str(FILE).expect("presets.toml holds presets");
    let mappings: BTreeMap<String, Table> =
        presets.iter().map(|(name, preset)| (name.clone(), preset.mapping.clone())).collect();
    for preset in presets.values_mut() {
        if let Some(shared) = preset.mapping_of.as_ref().and_then(|name| mappings.get(name)) {
            preset.mapping = merged(shared.clone(), std::mem::take(&mut preset.mapping));
        }
    }
    presets
});

static SAMPLES: LazyLock<BTreeMap<String, Samples>> = LazyLock::new(|| {
    #[expect(clippy::expect_used, reason = "the file is part of the program, and a test reads it")]
    toml::from_str(SAMPLES_FILE).expect("examples.toml holds samples")
});

/// The names of all presets, in alphabetical order, without aliases.
pub fn names() -> Vec<&'static str> {
    PRESETS.keys().map(String::as_str).collect()
}

/// The preset of a name or an alias.
pub fn find(name: &str) -> Option<&'static Preset> {
    PRESETS.get(name).or_else(|| PRESETS.values().find(|preset| preset.aliases.iter().any(|alias| alias == name)))
}

/// The name or alias that is nearest to an unknown name.
pub fn nearest(name: &str) -> Option<&'static str> {
    let aliases = PRESETS.values().flat_map(|preset| preset.aliases.iter().map(String::as_str));
    let names: Vec<_> = names().into_iter().chain(aliases).collect();
    near::nearest_or_longer(name, &names)
}

/// The mapping of offboardd's own event.
pub(super) fn own_events() -> Table {
    PRESETS.get(OWN_EVENTS).map(|preset| preset.mapping.clone()).unwrap_or_default()
}

/// `over` merged over `under`, key by key, nested tables included; lists are replaced as a whole.
pub(super) fn merged(mut under: Table, over: Table) -> Table {
    for (key, value) in over {
        let value = match (under.remove(&key), value) {
            (Some(Value::Table(under)), Value::Table(over)) => Value::Table(merged(under, over)),
            (_, value) => value,
        };
        under.insert(key, value);
    }
    under
}

impl Preset {
    /// The output of `offboardd preset show`: the preset's block of `presets.toml`, and the block whose mapping it
    /// shares.
    pub fn describe(&self) -> String {
        let own = block(self.name());
        match &self.mapping_of {
            Some(shared) => format!("{own}\n# The mapping is that of {shared}:\n\n{}", block(shared)),
            None => own,
        }
    }

    /// A delivery of a departure; an ignored delivery if [`Self::no_departure`] has a reason.
    pub fn example(&self) -> Option<Sample> {
        self.sample(|samples| samples.departure.as_ref())
    }

    /// A delivery of the return of the person of [`Self::example`].
    pub fn return_example(&self) -> Option<Sample> {
        self.sample(|samples| samples.back.as_ref())
    }

    /// Why no event of this vendor is a departure unless the settings say so.
    pub fn no_departure(&self) -> Option<&'static str> {
        self.samples().find_map(|samples| samples.no_departure.as_deref())
    }

    /// Why no event of this vendor is a return.
    pub fn no_return(&self) -> Option<&'static str> {
        self.samples().find_map(|samples| samples.no_return.as_deref())
    }

    /// The setup steps at the vendor. `/webhooks/NAME` stands for the source's URL.
    pub fn clicks(&self) -> &'static [String] {
        self.samples().map(|samples| samples.clicks.as_slice()).find(|clicks| !clicks.is_empty()).unwrap_or_default()
    }

    /// Its own samples, then those of the preset whose mapping it shares.
    fn samples(&self) -> impl Iterator<Item = &'static Samples> {
        [Some(self.name()), self.mapping_of.as_deref()].into_iter().flatten().filter_map(|name| SAMPLES.get(name))
    }

    fn sample(&self, text: fn(&Samples) -> Option<&String>) -> Option<Sample> {
        let (samples, text) = self.samples().find_map(|samples| Some((samples, text(samples)?)))?;
        let content_type = samples.content_type.clone().unwrap_or_else(|| "application/json".to_owned());
        Some(Sample { text: text.clone() + "\n", content_type })
    }

    /// The name in the settings.
    pub fn name(&self) -> &'static str {
        PRESETS.iter().find(|(_, preset)| std::ptr::eq(*preset, self)).map_or("", |(name, _)| name.as_str())
    }
}

/// Splits a sample into headers, one per line before an empty line, and body.
///
/// A sample that begins like JSON or a form has no headers.
pub fn split_headers(sample: &[u8]) -> (Vec<(String, String)>, &[u8]) {
    let mut headers = Vec::new();
    let mut rest = sample;
    loop {
        let Some(end) = rest.iter().position(|byte| *byte == b'\n') else { return (Vec::new(), sample) };
        let (line, behind) = rest.split_at(end);
        rest = behind.get(1..).unwrap_or_default();
        let line = line.trim_ascii_end();
        if line.is_empty() && !headers.is_empty() {
            return (headers, rest);
        }
        let header = str::from_utf8(line).ok().and_then(|line| line.split_once(": "));
        match header {
            Some((name, value)) if name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') => {
                headers.push((name.to_owned(), value.trim().to_owned()));
            }
            Some(_) | None => return (Vec::new(), sample),
        }
    }
}

/// The lines of the file that belong to a preset: from its table to the next table of another name.
fn block(name: &str) -> String {
    let mut inside = false;
    let mut lines = Vec::new();
    for line in FILE.lines() {
        if line.starts_with('[') {
            let root = line.trim_start_matches('[').split(['.', ']']).next();
            inside = root == Some(name);
        }
        if inside {
            lines.push(line);
        }
    }
    lines.join("\n").trim_end().to_owned() + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn block_is_printed_unchanged() {
        let shown = find("bamboohr").unwrap().describe();
        assert!(shown.starts_with("[bamboohr]\n") && shown.contains("[[bamboohr.mapping.rules]]"), "{shown}");
        assert!(!shown.contains("[github"), "{shown}");
        assert!(find("github").unwrap().describe().contains("[standard-webhooks.mapping]"));
    }

    #[test]
    fn tables_are_merged_key_by_key_and_lists_are_replaced() {
        let under: Table = toml::from_str("a = 1\nb = [1, 2]\n[types]\nx = 'departed'\ny = 'ignored'").unwrap();
        let over: Table = toml::from_str("b = [3]\n[types]\ny = 'departed'").unwrap();
        let both: Table = toml::from_str("a = 1\nb = [3]\n[types]\nx = 'departed'\ny = 'departed'").unwrap();
        assert_eq!(merged(under, over), both);
    }

    #[test]
    fn a_preset_shares_a_mapping_that_exists() {
        for (name, preset) in PRESETS.iter() {
            assert!(!preset.mapping.is_empty(), "{name} has no mapping");
            let shared = preset.mapping_of.as_ref();
            assert!(shared.is_none_or(|shared| PRESETS.contains_key(shared)), "{name}");
        }
    }
}
