//! Reading a statement token by token, for what has to be understood before a server sees it.
//!
//! Words are compared without regard to case, names are folded as PostgreSQL does. Blanks and comments are nothing.

use std::collections::BTreeSet;
use std::ops::Range;

use squawk_lexer::{TokenKind, tokenize};

use super::ident::Literal;
use super::sql::{Flaw, FlawKind};

/// A part of a statement that is not what it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Misread {
    /// Where, in bytes of the text the reader was made for.
    pub span: Range<usize>,
    /// What would have made sense there.
    pub expected: String,
}

/// A statement that may not stand where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Where, in bytes of the whole text.
    pub span: Range<usize>,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub hint: String,
}

/// A statement that may not stand here: where, why, and what to do.
pub fn refusal<T>(span: Range<usize>, message: &str, hint: &str) -> Result<T, Refusal> {
    Err(Refusal {
        span,
        message: message.to_owned(),
        hint: hint.to_owned(),
    })
}

impl From<Misread> for Refusal {
    fn from(misread: Misread) -> Self {
        Self {
            message: format!("here should be {}", misread.expected),
            span: misread.span,
            hint: "fix the file; psql has help: `\\h`".to_owned(),
        }
    }
}

impl From<Flaw> for Refusal {
    fn from(flaw: Flaw) -> Self {
        let (message, hint) = match flaw.kind {
            FlawKind::Unterminated(what) => {
                (format!("this {what} has no end"), "close it where it ends")
            }
            FlawKind::PsqlCommand => (
                "this is a command for psql".to_owned(),
                "leave it out: the file has to mean the same without psql",
            ),
        };
        Self {
            span: flaw.offset..flaw.offset + flaw.length,
            message,
            hint: hint.to_owned(),
        }
    }
}

/// A name that may be qualified, and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Qualified {
    /// Its schema, if it is said.
    pub schema: Option<String>,
    /// Its last part.
    pub name: String,
    /// All of it.
    pub span: Range<usize>,
}

struct Token {
    kind: TokenKind,
    span: Range<usize>,
}

/// A statement, and how far it has been read.
pub struct Reader<'a> {
    text: &'a str,
    tokens: Vec<Token>,
    next: usize,
}

impl<'a> Reader<'a> {
    /// Reads this part of a text.
    pub fn new(text: &'a str, range: Range<usize>) -> Self {
        let mut at = range.start;
        let mut tokens = Vec::new();
        for token in tokenize(&text[range]) {
            let span = at..at + token.len as usize;
            at = span.end;
            match token.kind {
                TokenKind::Whitespace | TokenKind::LineComment | TokenKind::BlockComment { .. } => {
                }
                TokenKind::Eof => break,
                kind => tokens.push(Token { kind, span }),
            }
        }
        Self {
            text,
            tokens,
            next: 0,
        }
    }

    /// Where the next token is; a place behind the last one when there is none.
    pub fn place(&self) -> Range<usize> {
        match (self.tokens.get(self.next), self.tokens.last()) {
            (Some(token), _) => token.span.clone(),
            (None, Some(last)) => last.span.end..last.span.end,
            (None, None) => 0..0,
        }
    }

    /// Where the last token that was read ends.
    pub fn end(&self) -> usize {
        match self.next.checked_sub(1) {
            Some(last) => self.tokens[last].span.end,
            None => self.place().start,
        }
    }

    /// Whether all has been read.
    pub fn is_done(&self) -> bool {
        self.next >= self.tokens.len()
    }

    /// That something else should be here.
    pub fn misread<T>(&self, expected: impl Into<String>) -> Result<T, Misread> {
        Err(Misread {
            span: self.place(),
            expected: expected.into(),
        })
    }

    /// There must be nothing more.
    pub fn done(&self) -> Result<(), Misread> {
        if self.is_done() {
            return Ok(());
        }
        self.misread("the end of the statement")
    }

    fn text_of(&self, index: usize) -> &'a str {
        self.tokens
            .get(index)
            .map_or("", |token| &self.text[token.span.clone()])
    }

    /// Whether these words come next.
    pub fn sees(&self, words: &[&str]) -> bool {
        words.iter().enumerate().all(|(offset, word)| {
            let index = self.next + offset;
            let is_word = self
                .tokens
                .get(index)
                .is_some_and(|token| token.kind == TokenKind::Ident);
            is_word && self.text_of(index).eq_ignore_ascii_case(word)
        })
    }

    /// Reads these words if they come next.
    pub fn take(&mut self, words: &[&str]) -> bool {
        let seen = self.sees(words);
        if seen {
            self.next += words.len();
        }
        seen
    }

    /// These words must come next.
    pub fn expect(&mut self, words: &[&str]) -> Result<(), Misread> {
        if self.take(words) {
            return Ok(());
        }
        self.misread(words.join(" ").to_uppercase())
    }

    /// Reads a bare word, in lower case.
    pub fn word(&mut self) -> Option<String> {
        let token = self.tokens.get(self.next)?;
        if token.kind != TokenKind::Ident {
            return None;
        }
        let word = self.text_of(self.next).to_ascii_lowercase();
        self.next += 1;
        Some(word)
    }

    fn is(&self, kind: TokenKind) -> bool {
        self.tokens
            .get(self.next)
            .is_some_and(|token| token.kind == kind)
    }

    /// Reads a comma if it comes next.
    pub fn comma(&mut self) -> bool {
        self.symbol(TokenKind::Comma)
    }

    /// Whether a comma comes next.
    pub fn sees_comma(&self) -> bool {
        self.is(TokenKind::Comma)
    }

    /// Whether an equals sign comes next.
    pub fn sees_equals(&self) -> bool {
        self.is(TokenKind::Eq)
    }

    /// Reads an equals sign if it comes next.
    pub fn equals(&mut self) -> bool {
        self.symbol(TokenKind::Eq)
    }

    fn symbol(&mut self, kind: TokenKind) -> bool {
        let seen = self.is(kind);
        self.next += usize::from(seen);
        seen
    }

    /// Whether a parenthesis opens here.
    pub fn sees_parenthesis(&self) -> bool {
        self.is(TokenKind::OpenParen)
    }

    /// Reads an opening parenthesis.
    pub fn open(&mut self) -> Result<(), Misread> {
        if self.symbol(TokenKind::OpenParen) {
            return Ok(());
        }
        self.misread("(")
    }

    /// Reads a closing parenthesis.
    pub fn close(&mut self) -> Result<(), Misread> {
        if self.symbol(TokenKind::CloseParen) {
            return Ok(());
        }
        self.misread(")")
    }

    /// Reads parentheses with all that is in them; where what is in them stands.
    pub fn parentheses(&mut self) -> Result<Range<usize>, Misread> {
        let opening = self.place();
        self.open()?;
        let mut depth = 1_usize;
        while let Some(token) = self.tokens.get(self.next) {
            self.next += 1;
            match token.kind {
                TokenKind::OpenParen => depth += 1,
                TokenKind::CloseParen => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                return Ok(opening.end..token.span.start);
            }
        }
        Err(Misread {
            span: opening,
            expected: "a closing parenthesis further on".to_owned(),
        })
    }

    /// Passes over one token.
    pub fn skip(&mut self) {
        self.next += 1;
    }

    /// Passes over one token, or over brackets with all that is in them.
    pub fn pass(&mut self) {
        let mut depth = 0_usize;
        while let Some(token) = self.tokens.get(self.next) {
            self.next += 1;
            match token.kind {
                TokenKind::OpenParen | TokenKind::OpenBracket => depth += 1,
                TokenKind::CloseParen | TokenKind::CloseBracket => depth = depth.saturating_sub(1),
                _ => {}
            }
            if depth == 0 {
                return;
            }
        }
    }

    /// Whether two names come next, with nothing between them.
    pub fn sees_two_names(&self) -> bool {
        let is_name = |index: usize| {
            let kind = self.tokens.get(index).map(|token| token.kind);
            matches!(kind, Some(TokenKind::Ident | TokenKind::QuotedIdent { .. }))
        };
        is_name(self.next) && is_name(self.next + 1)
    }

    /// Whether this word comes after the next token.
    pub fn sees_second(&self, word: &str) -> bool {
        let second = self.tokens.get(self.next + 1);
        second.is_some_and(|token| token.kind == TokenKind::Ident)
            && self.text_of(self.next + 1).eq_ignore_ascii_case(word)
    }

    /// Reads a name, and where it stands.
    pub fn name(&mut self, what: &str) -> Result<(String, Range<usize>), Misread> {
        let text = self.text_of(self.next);
        let name = match self.tokens.get(self.next).map(|token| token.kind) {
            Some(TokenKind::Ident) => text.to_ascii_lowercase(),
            Some(TokenKind::QuotedIdent {
                uescape: false,
                terminated: true,
            }) => text[1..text.len() - 1].replace("\"\"", "\""),
            _ => return self.misread(what),
        };
        let span = self.place();
        self.next += 1;
        Ok((truncated(name), span))
    }

    /// Reads a name that may have a schema before it.
    pub fn qualified(&mut self, what: &str) -> Result<Qualified, Misread> {
        let (first, span) = self.name(what)?;
        if !self.symbol(TokenKind::Dot) {
            return Ok(Qualified {
                schema: None,
                name: first,
                span,
            });
        }
        let (name, last) = self.name(what)?;
        Ok(Qualified {
            schema: Some(first),
            name,
            span: span.start..last.end,
        })
    }
}

/// SQL as people write it: words in lower case, and quotes only around what is no name without them. `keywords` are those
/// that are none. A carriage return within a text is spelled out, since files do not keep line ends as they are.
pub fn as_people_write(sql: &str, keywords: &BTreeSet<String>) -> String {
    let is_plain = |name: &str| {
        let first = name.starts_with(|letter: char| letter.is_ascii_lowercase() || letter == '_');
        let is_next = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        first && name.bytes().all(is_next) && !keywords.contains(name)
    };
    let mut written = String::new();
    let mut at = 0;
    for token in tokenize(sql) {
        let text = &sql[at..at + token.len as usize];
        at += text.len();
        match token.kind {
            TokenKind::Ident => written.push_str(&text.to_ascii_lowercase()),
            TokenKind::QuotedIdent {
                uescape: false,
                terminated: true,
            } if is_plain(&text[1..text.len() - 1]) => {
                written.push_str(&text[1..text.len() - 1]);
            }
            TokenKind::Eof => break,
            _ if text.contains('\r') && text.starts_with('\'') && text.len() > 1 => {
                let inside = text[1..text.len() - 1].replace("''", "'");
                written.push_str(&Literal(&inside).to_string().replace('\r', "\\r"));
            }
            _ if text.contains('\r') && text.starts_with(['E', 'e']) => {
                written.push_str(&text.replace('\r', "\\r"));
            }
            _ => written.push_str(text),
        }
    }
    written
}

/// An expression without the parentheses around all of it. Those of a subquery belong to it.
pub fn without_parentheses(text: &str) -> &str {
    let text = text.trim();
    let mut reader = Reader::new(text, 0..text.len());
    let Ok(inside) = reader.parentheses() else {
        return text;
    };
    let is_query = ["select", "with", "values"]
        .iter()
        .any(|word| Reader::new(text, inside.clone()).sees(&[word]));
    if !reader.is_done() || is_query {
        return text;
    }
    without_parentheses(&text[inside])
}

/// PostgreSQL cuts names off after so many bytes, and says so in a notice at most.
const LONGEST: usize = 63;

fn truncated(mut name: String) -> String {
    if name.len() > LONGEST {
        let mut end = LONGEST;
        while !name.is_char_boundary(end) {
            end -= 1;
        }
        name.truncate(end);
    }
    name
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn reader(text: &str) -> Reader<'_> {
        Reader::new(text, 0..text.len())
    }

    #[test]
    fn words_and_names_are_read_as_postgresql_does() {
        let mut read =
            reader("Create /* a */ POLICY \"Odd \"\"name\" -- b\n on Public.TIPS (a, (b))");
        assert!(read.take(&["create", "policy"]));
        assert_eq!(read.name("a name").expect("is one").0, "Odd \"name");
        assert!(!read.sees(&["using"]) && read.take(&["on"]));
        let table = read.qualified("a table").expect("is one");
        assert_eq!(
            (table.schema.as_deref(), &*table.name),
            (Some("public"), "tips")
        );
        let inside = read.parentheses().expect("close");
        assert_eq!(&read.text[inside], "a, (b)");
        assert!(read.is_done() && read.done().is_ok());
    }

    #[test]
    fn people_write_fewer_quotes_and_no_capitals() {
        let keywords = BTreeSet::from(["user".to_owned()]);
        assert_eq!(
            as_people_write(
                "GRANT select (\"user\", \"a\", \"B\") on \"s\".\"1\" -- \"a\"\n is E'\"a\" AND'",
                &keywords
            ),
            "grant select (\"user\", a, \"B\") on s.\"1\" -- \"a\"\n is E'\"a\" AND'"
        );
    }

    #[test]
    fn parentheses_go_that_are_around_all() {
        for (text, without) in [
            ("((a = b))", "a = b"),
            ("(a) = (b)", "(a) = (b)"),
            ("( SELECT true)", "( SELECT true)"),
            ("a", "a"),
            ("(a = ')')", "a = ')'"),
        ] {
            assert_eq!(without_parentheses(text), without);
        }
    }

    #[test]
    fn a_name_is_as_long_as_postgresql_has_it() {
        let long = "é".repeat(40);
        let text = format!("{long} \"{long}\"");
        let mut read = reader(&text);
        for _ in 0..2 {
            assert_eq!(read.name("a name").expect("is one").0, "é".repeat(31));
        }
    }

    #[test]
    fn what_is_missing_is_told_where_it_is_missing() {
        let misread = reader("grant").name("a role");
        assert!(misread.is_ok());
        let mut read = reader("on 1");
        read.skip();
        let misread = read.qualified("a table").expect_err("is a number");
        assert_eq!((misread.span, &*misread.expected), (3..4, "a table"));
        let open = reader("(a").parentheses().expect_err("is open");
        assert_eq!(open.span, 0..1);
        assert_eq!(reader("").place(), 0..0);
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "([a-z ;'\"$().,=\\-\n\\\\é]|using|\\$\\$){0,30}") {
            let mut read = reader(&text);
            while !read.is_done() {
                let before = read.next;
                let _ = read.qualified("x");
                let _ = read.parentheses();
                let _ = read.comma() || read.equals();
                if read.next == before {
                    read.skip();
                }
            }
        }
    }
}
