//! Names on their way into SQL.

use std::fmt;

/// An identifier; its `Display` is quoted, and there is no other way for a name to enter SQL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ident<'a>(pub &'a str);

impl fmt::Display for Ident<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.0.replace('"', "\"\""))
    }
}

/// A string constant; for the few statements that take no parameters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Literal<'a>(pub &'a str);

impl fmt::Display for Literal<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // E'' means the same whatever standard_conforming_strings says.
        write!(f, "E'{}'", self.0.replace('\\', "\\\\").replace('\'', "''"))
    }
}

/// The name a text begins with, as PostgreSQL folds it, and what follows it.
pub fn first(text: &str) -> Option<(String, &str)> {
    if let Some(quoted) = text.strip_prefix('"') {
        let mut from = 0;
        loop {
            let end = from + quoted[from..].find('"')?;
            let rest = &quoted[end + 1..];
            if !rest.starts_with('"') {
                return Some((quoted[..end].replace("\"\"", "\""), rest));
            }
            from = end + 2;
        }
    }
    let is_first =
        |letter: char| letter.is_ascii_alphabetic() || letter == '_' || !letter.is_ascii();
    let is_next = |letter: char| is_first(letter) || letter.is_ascii_digit() || letter == '$';
    if !text.starts_with(is_first) {
        return None;
    }
    let end = text.find(|letter| !is_next(letter)).unwrap_or(text.len());
    Some((text[..end].to_ascii_lowercase(), &text[end..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_read_as_postgresql_does() {
        let read = |text| first(text).map(|(name, rest)| (name, rest.to_owned()));
        let found = |name: &str, rest: &str| Some((name.to_owned(), rest.to_owned()));
        assert_eq!(read("A_b$1 on"), found("a_b$1", " on"));
        assert_eq!(read("\"A\"\"b\".c"), found("A\"b", ".c"));
        assert_eq!(read("é(x)"), found("é", "(x)"));
        for text in ["", "1a", "\"a", "(a)"] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn quotes_cannot_be_left() {
        assert_eq!(Ident("we\"ird").to_string(), "\"we\"\"ird\"");
        assert_eq!(Literal("it's \\ all").to_string(), "E'it''s \\\\ all'");
    }
}
