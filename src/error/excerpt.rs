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
    /// The whole line.
    pub text: String,
}

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
        let text = text[start..end].trim_end_matches('\r').to_owned();
        Self {
            file: file.into(),
            line,
            column,
            width,
            text,
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
    fn an_excerpt_never_leaves_its_line_or_the_text() {
        let excerpt = Excerpt::new("f.sql", "ab\ncd", 1, 99);
        assert_eq!((excerpt.line, excerpt.column, excerpt.width), (1, 2, 1));
        let excerpt = Excerpt::new("f.sql", "é", 1, 1);
        assert_eq!((excerpt.line, excerpt.column, excerpt.width), (1, 1, 1));
        let excerpt = Excerpt::new("f.sql", "", 7, 1);
        assert_eq!((excerpt.line, excerpt.column, excerpt.width), (1, 1, 1));
    }
}
