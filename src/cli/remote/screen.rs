//! The width and the colors of the terminal, and text that fits it.

use std::io::IsTerminal as _;

/// The width without a terminal.
const WIDTH: usize = 80;

/// A narrower terminal is treated as this wide.
const MIN_WIDTH: usize = 40;

/// How a command prints.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Screen {
    pub(super) width: usize,
    pub(super) colors: bool,
}

impl Screen {
    /// Colors only on a terminal, and not with `NO_COLOR` (no-color.org) or `TERM=dumb`.
    pub(crate) fn detect() -> Self {
        let out = std::io::stdout();
        if !out.is_terminal() {
            return Self::plain();
        }
        let columns = rustix::termios::tcgetwinsize(&out).map_or(0, |size| usize::from(size.ws_col));
        let width = if columns == 0 { WIDTH } else { columns.max(MIN_WIDTH) };
        let is_set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        let is_dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        Self { width, colors: !is_set("NO_COLOR") && !is_dumb }
    }

    /// 80 columns without colors.
    pub(crate) const fn plain() -> Self {
        Self { width: WIDTH, colors: false }
    }

    pub(super) fn bold(self, text: &str) -> String {
        self.style("1", text)
    }

    pub(super) fn red(self, text: &str) -> String {
        self.style("31", text)
    }

    pub(super) fn green(self, text: &str) -> String {
        self.style("32", text)
    }

    fn style(self, code: &str, text: &str) -> String {
        if self.colors { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }

    /// The label in a column of its own, and the text beside it, wrapped.
    pub(super) fn beside(self, label: &str, label_width: usize, text: &str) -> String {
        let room = self.width.saturating_sub(label_width).max(MIN_WIDTH / 2);
        let mut lines = String::new();
        for (number, line) in wrap(text, room).iter().enumerate() {
            let label = if number == 0 { label } else { "" };
            let padding = " ".repeat(label_width.saturating_sub(label.chars().count()));
            lines.push_str(format!("{label}{padding}{line}").trim_end());
            lines.push('\n');
        }
        lines
    }
}

/// Breaks a text between words, and within words that are longer than a line.
pub(super) fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    let mut used = 0;
    for word in text.split_whitespace() {
        let mut letters: Vec<char> = word.chars().collect();
        let gap = usize::from(used > 0);
        if used + gap + letters.len() > width && used > 0 {
            lines.push(String::new());
            used = 0;
        }
        while letters.len() > width {
            let rest = letters.split_off(width);
            if let Some(line) = lines.last_mut() {
                line.extend(letters);
            }
            lines.push(String::new());
            letters = rest;
        }
        if let Some(line) = lines.last_mut() {
            if used > 0 {
                line.push(' ');
                used += 1;
            }
            used += letters.len();
            line.extend(letters);
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_wrapped_between_words_and_within_long_ones() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("abcdefghij k", 4), ["abcd", "efgh", "ij k"]);
        assert_eq!(wrap("", 4), [""]);
        let shown = Screen::plain().beside("  site acme", 16, &"word ".repeat(30));
        assert!(shown.lines().all(|line| line.chars().count() <= 80) && shown.lines().count() == 3, "{shown}");
    }

    #[test]
    fn plain_screen_has_no_escape_codes() {
        assert_eq!(Screen::plain().red("x"), "x");
        assert_eq!(Screen { width: 80, colors: true }.red("x"), "\u{1b}[31mx\u{1b}[0m");
    }
}
