//! Small parts of pages that are made in code: icons, states, buttons' effects.

use std::fmt;

use askama::filters::HtmlSafe;

/// An icon of the sprite in `templates/icons.html`. It stands beside a word, never alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Icon(pub(super) &'static str);

impl fmt::Display for Icon {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, r##"<svg class="i" aria-hidden="true"><use href="#i-{}"/></svg>"##, self.0)
    }
}

impl HtmlSafe for Icon {}

/// How serious something is. Color never stands alone: each tone comes with an icon and a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tone {
    Plain,
    Go,
    Ok,
    Warn,
    Bad,
}

impl fmt::Display for Tone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Plain => "",
            Self::Go => "go",
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Bad => "bad",
        })
    }
}

impl HtmlSafe for Tone {}

/// A state or a health, as icon and word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Status {
    pub(super) tone: Tone,
    pub(super) icon: Icon,
    pub(super) word: String,
}

impl Status {
    pub(super) fn new(tone: Tone, icon: &'static str, word: impl Into<String>) -> Self {
        Self { tone, icon: Icon(icon), word: word.into() }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, r#"<span class="st {}">{}{}</span>"#, self.tone, self.icon, Escaped(&self.word))
    }
}

impl HtmlSafe for Status {}

/// A text, escaped for HTML and for attributes in double quotes.
#[derive(Debug)]
pub(super) struct Escaped<'a>(pub(super) &'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for character in self.0.chars() {
            match character {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                other => write!(f, "{other}")?,
            }
        }
        Ok(())
    }
}

impl HtmlSafe for Escaped<'_> {}

/// One consequence of an action, as a confirmation states it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Effect {
    pub(super) tone: Tone,
    pub(super) icon: Icon,
    pub(super) head: String,
    pub(super) text: String,
}

impl Effect {
    pub(super) fn new(tone: Tone, icon: &'static str, head: String, text: String) -> Self {
        Self { tone, icon: Icon(icon), head, text }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn word_of_a_status_is_escaped() {
        let status = Status::new(Tone::Warn, "alert", "<b>\"&'");
        assert_eq!(
            status.to_string(),
            "<span class=\"st warn\"><svg class=\"i\" aria-hidden=\"true\"><use href=\"#i-alert\"/></svg>\
             &lt;b&gt;&quot;&amp;&#39;</span>"
        );
    }
}
