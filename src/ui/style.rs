//! Colour by meaning, and how wide the paper is.

/// How text may be dressed on one stream.
#[derive(Debug, Clone, Copy)]
pub struct Style {
    color: bool,
    /// Columns of the terminal; nothing when it is not a terminal, where lines are as long as they are.
    pub width: Option<u16>,
}

impl Style {
    pub(super) fn new(color: bool, width: Option<u16>) -> Self {
        Self { color, width }
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
