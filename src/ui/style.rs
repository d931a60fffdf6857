//! Colour by meaning, and how wide the paper is.

use std::borrow::Cow;

/// How text may be dressed on one stream.
#[derive(Debug, Clone, Copy)]
pub struct Style {
    color: bool,
    /// Whether only ASCII can be trusted to show.
    pub ascii: bool,
    /// Columns of the terminal; nothing when it is not a terminal, where lines are as long as they are.
    pub width: Option<u16>,
}

impl Style {
    pub(super) fn new(color: bool, width: Option<u16>, ascii: bool) -> Self {
        Self {
            color,
            ascii,
            width,
        }
    }

    /// Whether escape sequences may be written at all.
    pub fn is_colored(self) -> bool {
        self.color
    }

    fn dress(self, code: &str, text: &str) -> String {
        if self.color {
            format!("\x1b[{code}m{text}\x1b[0m")
        } else {
            text.to_owned()
        }
    }

    /// Headings and names.
    pub fn bold(self, text: &str) -> String {
        self.dress("1", text)
    }

    /// What may be overlooked.
    pub fn dim(self, text: &str) -> String {
        self.dress("2", text)
    }

    /// Failures and danger.
    pub fn red(self, text: &str) -> String {
        self.dress("1;31", text)
    }

    /// Warnings.
    pub fn yellow(self, text: &str) -> String {
        self.dress("1;33", text)
    }

    /// Help.
    pub fn cyan(self, text: &str) -> String {
        self.dress("36", text)
    }
}

/// Text that cannot move the cursor or change colours: whoever wrote it may not be a friend.
pub fn printable(text: &str) -> Cow<'_, str> {
    let is_harmless = |letter: char| !letter.is_control() || matches!(letter, '\n' | '\t');
    if text.chars().all(is_harmless) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(
        text.chars()
            .map(|letter| {
                if is_harmless(letter) {
                    letter
                } else {
                    '\u{fffd}'
                }
            })
            .collect(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escape_sequences_are_disarmed_one_for_one() {
        assert_eq!(
            printable("\u{1b}[31mred\u{7}\0\r"),
            "\u{fffd}[31mred\u{fffd}\u{fffd}\u{fffd}"
        );
        assert_eq!(printable("naïve\n\tßü日本"), "naïve\n\tßü日本");
    }
}
