//! SQL as text: where statements begin and end, and where a position of the server is in a file.
//!
//! The tokens are squawk's; the statements follow psql's rules: a semicolon ends one unless it stands in
//! parentheses or in the body of a `BEGIN ATOMIC` function.

use squawk_lexer::{LiteralKind, Token, TokenKind, tokenize};

/// A statement: its byte range without leading blanks and comments, and without its semicolon.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement<'a> {
    /// Byte offset of its first token in the text.
    pub start: usize,
    /// Its text.
    pub text: &'a str,
    /// Its bare words and symbols outside parentheses and bodies, lower case, at most the first sixteen.
    pub words: Vec<String>,
}

/// Why a text cannot be cut into statements.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flaw {
    /// Byte offset.
    pub offset: usize,
    /// Length in bytes of what is to be underlined.
    pub length: usize,
    /// What it is.
    pub kind: FlawKind,
}

/// The kinds of [`Flaw`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FlawKind {
    /// A string, a quoted name, a dollar quote or a comment has no end.
    Unterminated(&'static str),
    /// A backslash outside of any string: a command for psql.
    PsqlCommand,
}

/// Cuts a text into statements, lazily: what follows a refused statement need not make sense.
pub fn statements(text: &str) -> Statements<'_> {
    Statements { text, offset: 0 }
}

/// See [`statements`].
pub struct Statements<'a> {
    text: &'a str,
    offset: usize,
}

const WORDS: usize = 16;

impl<'a> Iterator for Statements<'a> {
    type Item = Result<Statement<'a>, Flaw>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut current = Cut::default();
        let mut at = self.offset;
        for token in tokenize(&self.text[self.offset..]) {
            let Token { kind, len } = token;
            let len = len as usize;
            if matches!(kind, TokenKind::Eof) {
                break;
            }
            let word = &self.text[at..at + len];
            if let Some(kind) = flaw(kind, word) {
                self.offset = self.text.len();
                let length = if kind == FlawKind::PsqlCommand {
                    line_end(self.text, at) - at
                } else {
                    1
                };
                return Some(Err(Flaw {
                    offset: at,
                    length,
                    kind,
                }));
            }
            match kind {
                TokenKind::Whitespace | TokenKind::LineComment | TokenKind::BlockComment { .. } => {
                }
                TokenKind::Semi if current.is_outside() => {
                    if let Some(start) = current.start {
                        self.offset = at + len;
                        return Some(Ok(current.finish(self.text, start)));
                    }
                }
                _ => current.take(kind, word, at, at + len),
            }
            at += len;
        }
        self.offset = self.text.len();
        let start = current.start?;
        Some(Ok(current.finish(self.text, start)))
    }
}

/// The statement being gathered.
#[derive(Default)]
struct Cut {
    start: Option<usize>,
    end: usize,
    parentheses: usize,
    /// How many `END`s the body of a `BEGIN ATOMIC` function still wants.
    bodies: usize,
    words: Vec<String>,
    is_routine: bool,
    after_begin: bool,
}

impl Cut {
    fn is_outside(&self) -> bool {
        self.parentheses == 0 && self.bodies == 0
    }

    fn take(&mut self, kind: TokenKind, word: &str, start: usize, end: usize) {
        self.start.get_or_insert(start);
        self.end = end;
        match kind {
            TokenKind::OpenParen => self.parentheses += 1,
            TokenKind::CloseParen => self.parentheses = self.parentheses.saturating_sub(1),
            TokenKind::Ident => self.take_word(&word.to_ascii_lowercase()),
            _ => {}
        }
    }

    fn take_word(&mut self, word: &str) {
        if self.is_routine {
            match word {
                "atomic" if self.after_begin => self.bodies += 1,
                "case" if self.bodies > 0 => self.bodies += 1,
                "end" if self.bodies > 0 => self.bodies -= 1,
                _ => {}
            }
            self.after_begin = word == "begin";
        }
        if self.is_outside() && self.words.len() < WORDS {
            self.words.push(word.to_owned());
            self.is_routine |= self.words.first().is_some_and(|first| first == "create")
                && matches!(word, "function" | "procedure");
        }
    }

    fn finish(self, text: &str, start: usize) -> Statement<'_> {
        Statement {
            start,
            text: &text[start..self.end],
            words: self.words,
        }
    }
}

fn flaw(kind: TokenKind, word: &str) -> Option<FlawKind> {
    use LiteralKind as L;
    let what = match kind {
        TokenKind::BlockComment { terminated: false } => "comment",
        TokenKind::QuotedIdent {
            terminated: false, ..
        } => "quoted name",
        TokenKind::Literal {
            kind: L::DollarQuotedString { terminated: false },
        } => "dollar-quoted string",
        TokenKind::Literal {
            kind:
                L::Str { terminated: false }
                | L::NationalStr { terminated: false }
                | L::ByteStr { terminated: false }
                | L::BitStr { terminated: false }
                | L::UnicodeEscStr { terminated: false }
                | L::EscStr { terminated: false },
        } => "string",
        TokenKind::Unknown if word == "\\" => return Some(FlawKind::PsqlCommand),
        _ => return None,
    };
    Some(FlawKind::Unterminated(what))
}

fn line_end(text: &str, from: usize) -> usize {
    text[from..]
        .find('\n')
        .map_or(text.len(), |newline| from + newline)
}

/// The byte offset of the server's position, which counts characters from 1.
pub fn byte_offset(text: &str, position: usize) -> usize {
    text.char_indices()
        .nth(position.saturating_sub(1))
        .map_or(text.len(), |(offset, _)| offset)
}

/// The length in bytes of the token that begins at `offset`, at least 1.
pub fn token_length(text: &str, offset: usize) -> usize {
    text.get(offset..)
        .and_then(|rest| tokenize(rest).next())
        .map_or(1, |token| (token.len as usize).max(1))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn texts(sql: &str) -> Vec<&str> {
        statements(sql)
            .map(|statement| statement.expect("is well formed").text)
            .collect()
    }

    #[test]
    fn semicolons_in_strings_comments_and_bodies_end_nothing() {
        let cases = [
            (
                "select 'a;b', $$x;y$$, $q$ $$;$$ $q$, E'it\\'s;', U&'d\\0061t;', \"a;\"\"b\"; select 1",
                2,
            ),
            (
                "-- ; not a statement\n/* ; /* nested ; */ ; */\nselect 1; -- trailing ;\n",
                1,
            ),
            (
                "create function f() returns int language sql begin atomic select 1; select case when true then 1 end; end; select 3",
                2,
            ),
            (
                "create rule r as on insert to t do also (insert into l values (1); insert into l values (2)); select 1;",
                2,
            ),
            ("do $$ begin perform 1; end $$; select 2;", 2),
            ("select a$b$c from t; select $1;", 2),
            (
                "create table begin_atomic(id int); create table b(\"begin\" int)",
                2,
            ),
            ("", 0),
            (";;;", 0),
            ("-- nothing here", 0),
            ("select 1;\nselect 2", 2),
        ];
        for (sql, count) in cases {
            assert_eq!(texts(sql).len(), count, "{sql}");
        }
    }

    #[test]
    fn a_statement_knows_its_place_and_its_first_words() {
        let sql = "-- é\n  COPY t (a) FROM stdin;\n1;2\n";
        let first = statements(sql)
            .next()
            .expect("is one")
            .expect("is well formed");
        assert_eq!(&sql[first.start..first.start + 4], "COPY");
        assert_eq!(first.words, ["copy", "t", "from", "stdin"]);
    }

    #[test]
    fn what_has_no_end_is_found_where_it_begins() {
        for (sql, offset, what) in [
            ("select $$abc;", 7, "dollar-quoted string"),
            ("select 1; select 'abc", 17, "string"),
            ("/* /* */", 0, "comment"),
            ("select \"a", 7, "quoted name"),
        ] {
            let flaw = statements(sql).find_map(Result::err).expect("has a flaw");
            assert_eq!(
                (flaw.offset, flaw.kind),
                (offset, FlawKind::Unterminated(what)),
                "{sql}"
            );
        }
    }

    #[test]
    fn a_backslash_outside_of_strings_is_a_command_for_psql() {
        let flaw = statements("select 1;\n\\i other.sql\n")
            .find_map(Result::err)
            .expect("has a flaw");
        assert_eq!(
            (flaw.offset, flaw.length, flaw.kind),
            (10, 12, FlawKind::PsqlCommand)
        );
        assert!(statements("select 'a\\b', $$\\i$$ -- \\d\n").all(|statement| statement.is_ok()));
    }

    #[test]
    fn positions_are_characters() {
        let text = "-- é日\nselect x";
        let position = text.chars().count();
        assert_eq!(&text[byte_offset(text, position)..], "x");
        assert_eq!(byte_offset(text, 999), text.len());
        assert_eq!(token_length("curency = 1", 0), 7);
        assert_eq!(token_length("", 0), 1);
    }

    /// A statement in which much looks like an end and none is.
    fn statement() -> impl Strategy<Value = String> {
        prop_oneof![
            "select [a-z]{1,5}",
            "select '[a-z;é]{0,5}', E'\\\\';', U&'d\\\\0061;', \"[a-z;]{1,5}\", a\\$b\\$c, \\$1",
            "do \\$[a-z]{0,3}\\$ begin perform 1; end; \\$\\$".prop_map(|text| {
                let tag = text.split('$').nth(1).unwrap_or_default().to_owned();
                format!("do ${tag}$ begin perform ';'; end; ${tag}$")
            }),
            "create function [a-z]{1,5}\\(\\) returns int language sql begin atomic select 1; select case when true then 1 end; end",
            "create rule r as on insert to [a-z]{1,5} do also \\(insert into l values \\(1\\); select 2;\\)",
            "select /\\* ; /\\* ; \\*/ ' \\*/ 1 -- ; \n \\+ [0-9]",
        ]
    }

    proptest! {
        /// Any text at all: no panic, statements in order, nothing between them but blanks, comments and semicolons.
        #[test]
        fn statements_cover_the_text(text in "([a-z ;'\"$()\\-\\*/\n\\\\é]|begin atomic|end|create function| case |\\$\\$){0,40}") {
            let mut last = 0;
            for statement in statements(&text) {
                let Ok(statement) = statement else { break };
                prop_assert!(statement.start >= last);
                prop_assert!(text[statement.start..].starts_with(statement.text));
                prop_assert!(!statement.text.is_empty());
                prop_assert!(texts(&text[last..statement.start]).is_empty());
                last = statement.start + statement.text.len();
            }
        }

        /// Statements and what stands between them, put together again, are the file.
        #[test]
        fn joining_what_was_split_gives_the_file_back(
            parts in proptest::collection::vec(statement(), 0..6),
            between in proptest::collection::vec("( |\n|-- ; é\n|/\\* ; /\\* ' \\*/ \\*/){0,3}", 7),
        ) {
            let mut file = between[0].clone();
            for (part, gap) in parts.iter().zip(&between[1..]) {
                file = format!("{file}{part}{gap};{gap}");
            }
            let split: Vec<Statement<'_>> = statements(&file).map(|statement| statement.expect("is well formed")).collect();
            let texts: Vec<&str> = split.iter().map(|statement| statement.text).collect();
            prop_assert_eq!(&texts, &parts);
            let mut joined = String::new();
            for statement in &split {
                joined.push_str(&file[joined.len()..statement.start]);
                joined.push_str(statement.text);
            }
            joined.push_str(&file[joined.len()..]);
            prop_assert_eq!(joined, file);
        }

        /// Statements put together with semicolons come apart again.
        #[test]
        fn what_was_joined_is_split(parts in proptest::collection::vec("select [a-z]{1,8}( \\+ ';'| /\\* ; \\*/ \\+ 1| \\+ \\$\\$;\\$\\$)?", 0..8)) {
            let joined = parts.join(";\n");
            prop_assert_eq!(texts(&joined), parts);
        }
    }
}
