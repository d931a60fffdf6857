//! A place in a text file, for showing.

use serde::Serialize;

/// A place in a text file, with the line it is on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Excerpt {
    /// The file, as a person would name it.
    pub file: String,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// How many characters to underline, at least 1.
    pub width: usize,
    /// The line; of a very long one, what is around the place.
    pub text: String,
    /// How many characters of the line come before the text.
    #[serde(skip_serializing_if = "is_nothing")]
    pub before: u32,
    /// Whether the line goes on after it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub goes_on: bool,
}

#[allow(clippy::trivially_copy_pass_by_ref)] // As serde asks.
fn is_nothing(count: &u32) -> bool {
    *count == 0
}

/// The longest line that is kept whole, in bytes: there may be as many places as bytes, and all in one line.
const LONGEST: usize = 4096;

/// How much of a longer one is kept on each side of the place, in bytes.
const AROUND: usize = 1024;

impl Excerpt {
    /// The place of byte `offset` in `text`, underlining up to `bytes` bytes but never past the line's end.
    pub fn new(file: impl Into<String>, text: &str, offset: usize, bytes: usize) -> Self {
        let mut offset = offset.min(text.len());
        while !text.is_char_boundary(offset) {
            offset -= 1;
        }
        let start = text[..offset].rfind('\n').map_or(0, |newline| newline + 1);
        let end = text[offset..]
            .find('\n')
            .map_or(text.len(), |newline| offset + newline);
        let mut stop = (offset + bytes).min(end);
        while !text.is_char_boundary(stop) {
            stop += 1;
        }
        let line = text[..start].matches('\n').count() + 1;
        let column = text[start..offset].chars().count() + 1;
        let width = text[offset..stop].chars().count().max(1);
        let whole = text[start..end].trim_end_matches('\r');
        let (from, until) = if whole.len() > LONGEST {
            let place = (offset - start).min(whole.len());
            (
                whole.floor_char_boundary(place.saturating_sub(AROUND)),
                whole.ceil_char_boundary((place + AROUND).min(whole.len())),
            )
        } else {
            (0, whole.len())
        };
        Self {
            file: file.into(),
            line,
            column,
            width,
            text: whole[from..until].to_owned(),
            before: u32::try_from(whole[..from].chars().count()).unwrap_or(u32::MAX),
            goes_on: until < whole.len(),
        }
    }
}

impl Excerpt {
    /// The column after the last underlined one.
    pub fn end_column(&self) -> usize {
        self.column + self.width
    }
}

/// A text whose lines are counted once, for many places in it, one after the other.
#[derive(Debug)]
pub struct Lines<'a> {
    text: &'a str,
    /// Where the line begins that was counted last, and its number from 1.
    start: usize,
    line: usize,
}

impl<'a> Lines<'a> {
    /// At the beginning of a text.
    pub fn of(text: &'a str) -> Self {
        Self {
            text,
            start: 0,
            line: 1,
        }
    }

    /// The same as [`Excerpt::new`] of the whole text. Quick for places in the order in which they stand there.
    pub fn excerpt(&mut self, file: &str, offset: usize, bytes: usize) -> Excerpt {
        let offset = offset.min(self.text.len());
        if offset < self.start {
            *self = Self::of(self.text);
        }
        let passed = &self.text.as_bytes()[self.start..offset];
        if let Some(last) = passed.iter().rposition(|byte| *byte == b'\n') {
            let newlines = passed[..=last].iter().filter(|byte| **byte == b'\n');
            self.line += newlines.count();
            self.start += last + 1;
        }
        let end = self.text.as_bytes()[self.start..]
            .iter()
            .position(|byte| *byte == b'\n')
            .map_or(self.text.len(), |newline| self.start + newline);
        let line = &self.text[self.start..end];
        let excerpt = Excerpt::new(file, line, offset - self.start, bytes);
        Excerpt {
            line: self.line,
            ..excerpt
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_excerpt_counts_characters_not_bytes() {
        let text = "select 1;\n-- é\nselect 'ß' as naïve, wrong;";
        let excerpt = Excerpt::new("f.sql", text, text.find("wrong").expect("is there"), 5);
        assert_eq!((excerpt.line, excerpt.column, excerpt.width), (3, 22, 5));
        assert_eq!(excerpt.text, "select 'ß' as naïve, wrong;");
    }

    #[test]
    fn of_a_very_long_line_what_is_around_the_place_is_kept() {
        let line = format!("{}here{}", "ß".repeat(100_000), "é".repeat(100_000));
        let excerpt = Excerpt::new("f.sql", &line, 200_000, 4);
        assert_eq!(
            (excerpt.line, excerpt.column, excerpt.width),
            (1, 100_001, 4)
        );
        assert!(excerpt.text.len() < LONGEST, "{}", excerpt.text.len());
        assert!(excerpt.goes_on);
        let place = excerpt.column - 1 - excerpt.before as usize;
        let kept: String = excerpt.text.chars().skip(place).take(4).collect();
        assert_eq!(kept, "here");
    }

    #[test]
    fn lines_counted_once_are_the_same_lines() {
        let text = "é\n\nselect 'ß';\r\nend";
        let mut lines = Lines::of(text);
        let forwards = 0..=text.len() + 1;
        for offset in forwards.clone().chain(forwards.rev()) {
            for bytes in [0, 1, 3, 99] {
                assert_eq!(
                    lines.excerpt("f", offset, bytes),
                    Excerpt::new("f", text, offset, bytes)
                );
            }
        }
    }

    #[test]
    fn an_excerpt_never_leaves_its_line_or_the_text() {
        let excerpt = Excerpt::new("f.sql", "ab\ncd", 1, 99);
        assert_eq!((excerpt.line, excerpt.column, excerpt.width), (1, 2, 1));
        let excerpt = Excerpt::new("f.sql", "é", 1, 1);
        assert_eq!((excerpt.line, excerpt.column, excerpt.width), (1, 1, 1));
        let excerpt = Excerpt::new("f.sql", "", 7, 1);
        assert_eq!((excerpt.line, excerpt.column, excerpt.width), (1, 1, 1));
    }
}
