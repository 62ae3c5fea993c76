//! The texts of the console in English and German, as Fluent messages in `texts`.

use std::fmt::Display;
use std::sync::LazyLock;

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource, FluentValue};
use unic_langid::LanguageIdentifier;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Lang {
    En,
    De,
}

/// The texts of one language.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Texts(pub(super) Lang);

macro_rules! files {
    ($language:literal) => {
        [
            include_str!(concat!("texts/", $language, "/shell.ftl")),
            include_str!(concat!("texts/", $language, "/today.ftl")),
            include_str!(concat!("texts/", $language, "/states.ftl")),
            include_str!(concat!("texts/", $language, "/cases.ftl")),
            include_str!(concat!("texts/", $language, "/actions.ftl")),
            include_str!(concat!("texts/", $language, "/intake.ftl")),
            include_str!(concat!("texts/", $language, "/reading.ftl")),
            include_str!(concat!("texts/", $language, "/system.ftl")),
            include_str!(concat!("texts/", $language, "/sentences.ftl")),
        ]
    };
}

const ENGLISH: [&str; 9] = files!("en");
const GERMAN: [&str; 9] = files!("de");

static BUNDLES: LazyLock<[FluentBundle<FluentResource>; 2]> =
    LazyLock::new(|| [bundle("en", &ENGLISH), bundle("de", &GERMAN)]);

/// A message that cannot be parsed is left out, and one that is repeated is ignored: the tests below find both.
fn bundle(language: &str, files: &[&str]) -> FluentBundle<FluentResource> {
    let language: LanguageIdentifier = language.parse().unwrap_or_default();
    let mut bundle = FluentBundle::new_concurrent(vec![language]);
    // The marks that isolate values from the direction of the text would be copied with them.
    bundle.set_use_isolating(false);
    for file in files {
        let resource = FluentResource::try_new((*file).to_owned()).unwrap_or_else(|(resource, _errors)| resource);
        drop(bundle.add_resource(resource));
    }
    bundle
}

impl Lang {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::De => "de",
        }
    }

    pub(super) const fn other(self) -> Self {
        match self {
            Self::En => Self::De,
            Self::De => Self::En,
        }
    }

    pub(super) fn parse(text: &str) -> Option<Self> {
        let primary = text.split(['-', ';']).next().unwrap_or_default().trim();
        [Self::En, Self::De].into_iter().find(|language| primary.eq_ignore_ascii_case(language.as_str()))
    }

    /// The first language of an `Accept-Language` header that the console has. Browsers list the preferred one first.
    pub(super) fn preferred(header: &str) -> Self {
        header.split(',').find_map(Self::parse).unwrap_or(Self::En)
    }
}

impl Texts {
    /// A text without values.
    pub(super) fn s(self, id: &str) -> String {
        self.format(id, None)
    }

    /// A text with one number, which may select a plural form.
    pub(super) fn n(self, id: &str, count: impl Count) -> String {
        let mut args = FluentArgs::new();
        args.set("count", FluentValue::from(count.count()));
        self.format(id, Some(&args))
    }

    /// A text with one value.
    pub(super) fn v(self, id: &str, name: &'static str, value: impl Display) -> String {
        self.values(id, &[(name, &value)])
    }

    /// A text with several values. A value that is a number is written by [`Texts::n`] only.
    pub(super) fn values(self, id: &str, values: &[(&'static str, &dyn Display)]) -> String {
        let mut args = FluentArgs::new();
        for (name, value) in values {
            args.set(*name, value.to_string());
        }
        self.format(id, Some(&args))
    }

    /// A text with a number and values.
    pub(super) fn count(self, id: &str, count: impl Count, values: &[(&'static str, &dyn Display)]) -> String {
        let mut args = FluentArgs::new();
        args.set("count", FluentValue::from(count.count()));
        for (name, value) in values {
            args.set(*name, value.to_string());
        }
        self.format(id, Some(&args))
    }

    /// A text with values that are made already.
    pub(super) fn with(self, id: &str, values: &FluentArgs<'_>) -> String {
        self.format(id, Some(values))
    }

    pub(super) fn has(self, id: &str) -> bool {
        self.bundle().has_message(id)
    }

    /// The text of this id, if there is one: for words that a database or an API may extend.
    pub(super) fn find(self, id: &str) -> Option<String> {
        self.has(id).then(|| self.s(id))
    }

    fn format(self, id: &str, args: Option<&FluentArgs<'_>>) -> String {
        let pattern = self.bundle().get_message(id).and_then(|message| message.value());
        let Some(pattern) = pattern else {
            debug_assert!(false, "there is no text `{id}`");
            return id.to_owned();
        };
        let mut errors = Vec::new();
        let text = self.bundle().format_pattern(pattern, args, &mut errors).into_owned();
        debug_assert!(errors.is_empty(), "the text `{id}`: {errors:?}");
        text
    }

    fn bundle(self) -> &'static FluentBundle<FluentResource> {
        let [english, german] = &*BUNDLES;
        match self.0 {
            Lang::En => english,
            Lang::De => german,
        }
    }
}

/// A number that selects a plural form.
pub(super) trait Count {
    fn count(self) -> i64;
}

macro_rules! counts {
    ($($type:ty),+) => {$(
        impl Count for $type {
            fn count(self) -> i64 {
                i64::try_from(self).unwrap_or(i64::MAX)
            }
        }

        impl Count for &$type {
            fn count(self) -> i64 {
                (*self).count()
            }
        }
    )+};
}

counts!(u8, u32, u64, usize, i64);

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    #[test]
    fn first_known_language_of_the_browser_is_chosen() {
        for (header, language) in [
            ("de-AT,de;q=0.9,en;q=0.8", Lang::De),
            ("fr-CH, fr;q=0.9, de;q=0.7", Lang::De),
            ("en-US,en;q=0.5", Lang::En),
            ("*", Lang::En),
            ("", Lang::En),
        ] {
            assert_eq!(Lang::preferred(header), language, "{header}");
        }
    }

    #[test]
    fn plural_follows_the_number() {
        let text = |count: u32| Texts(Lang::De).n("nav-need-you", count);
        assert_ne!(text(1).replace('1', ""), text(2).replace('2', ""));
    }
}
