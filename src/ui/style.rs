//! Colour by meaning, and how wide the paper is.

use super::printable::{Emphasis, Printable};

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

    fn dress(self, emphasis: Emphasis, text: impl Into<Printable>) -> Printable {
        let text = text.into();
        if self.color {
            text.with(emphasis)
        } else {
            text
        }
    }

    /// Headings and names.
    pub fn bold(self, text: impl Into<Printable>) -> Printable {
        self.dress(Emphasis::Bold, text)
    }

    /// What may be overlooked.
    pub fn dim(self, text: impl Into<Printable>) -> Printable {
        self.dress(Emphasis::Dim, text)
    }

    /// Failures and danger.
    pub fn red(self, text: impl Into<Printable>) -> Printable {
        self.dress(Emphasis::Red, text)
    }

    /// Warnings.
    pub fn yellow(self, text: impl Into<Printable>) -> Printable {
        self.dress(Emphasis::Yellow, text)
    }

    /// What is added.
    pub fn green(self, text: impl Into<Printable>) -> Printable {
        self.dress(Emphasis::Green, text)
    }

    /// Help.
    pub fn cyan(self, text: impl Into<Printable>) -> Printable {
        self.dress(Emphasis::Cyan, text)
    }
}
