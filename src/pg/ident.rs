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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_cannot_be_left() {
        assert_eq!(Ident("we\"ird").to_string(), "\"we\"\"ird\"");
        assert_eq!(Literal("it's \\ all").to_string(), "E'it''s \\\\ all'");
    }
}
