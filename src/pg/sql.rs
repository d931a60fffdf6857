//! SQL as text: where statements begin and end, and where a position of the server is in a file.
//!
//! The tokens are squawk's; the statements follow psql's rules: a semicolon ends one unless it stands in
//! parentheses or in the body of a `BEGIN ATOMIC` function.

use std::ops::Range;

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
    /// The rows behind a `COPY ... FROM STDIN`: the lines up to the one that is `\.`.
    pub rows: Option<Range<usize>>,
    /// Byte offset of what comes after it: its semicolon, its rows and the line that ends them left behind.
    pub end: usize,
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
    Statements {
        text,
        offset: 0,
        skipped: Vec::new(),
    }
}

/// See [`statements`].
pub struct Statements<'a> {
    text: &'a str,
    offset: usize,
    skipped: Vec<Range<usize>>,
}

const WORDS: usize = 16;

/// Commands for psql that `pg_dump` writes, and that mean nothing once psql is not there.
const TOLERATED: [&str; 2] = ["\\restrict", "\\unrestrict"];

/// The line that ends rows.
const END_OF_ROWS: &str = "\\.";

/// What a look at the text came to.
enum Look<'a> {
    Found(Result<Statement<'a>, Flaw>),
    /// A line was skipped; there may be more.
    Skipped,
    Ended,
}

impl<'a> Iterator for Statements<'a> {
    type Item = Result<Statement<'a>, Flaw>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            match self.look() {
                Look::Found(found) => return Some(found),
                Look::Skipped => {}
                Look::Ended => return None,
            }
        }
    }
}

impl<'a> Statements<'a> {
    /// The lines that were left out so far: they are for psql and are nothing to a server.
    pub fn skipped(self) -> Vec<Range<usize>> {
        self.skipped
    }

    fn look(&mut self) -> Look<'a> {
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
                let end = line_end(self.text, at);
                let is_psql = kind == FlawKind::PsqlCommand;
                if is_psql && current.start.is_none() && is_tolerated(&self.text[at..end]) {
                    self.offset = end;
                    self.skipped.push(at..end);
                    return Look::Skipped;
                }
                let length = if is_psql { end - at } else { 1 };
                return self.stop(at, length, kind);
            }
            match kind {
                TokenKind::Whitespace | TokenKind::LineComment | TokenKind::BlockComment { .. } => {
                }
                TokenKind::Semi if current.is_outside() => {
                    if let Some(start) = current.start {
                        return self.finish(current, start, at + len);
                    }
                }
                _ => current.take(kind, word, at, at + len),
            }
            at += len;
        }
        self.offset = self.text.len();
        match current.start {
            Some(start) => self.finish(current, start, self.text.len()),
            None => Look::Ended,
        }
    }

    fn finish(&mut self, cut: Cut, start: usize, end: usize) -> Look<'a> {
        let mut statement = Statement {
            start,
            text: &self.text[start..cut.end],
            words: cut.words,
            rows: None,
            end,
        };
        if statement.takes_rows() {
            let first = (line_end(self.text, end) + 1).min(self.text.len());
            let Some((rows, end)) = rows(self.text, first) else {
                let length = line_end(self.text, start) - start;
                return self.stop(start, length, FlawKind::Unterminated("COPY"));
            };
            statement.rows = Some(rows);
            statement.end = end;
        }
        self.offset = statement.end;
        Look::Found(Ok(statement))
    }

    /// Nothing that follows is looked at.
    fn stop(&mut self, offset: usize, length: usize, kind: FlawKind) -> Look<'a> {
        self.offset = self.text.len();
        Look::Found(Err(Flaw {
            offset,
            length,
            kind,
        }))
    }
}

impl Statement<'_> {
    /// Whether the client sends rows after it.
    pub fn takes_rows(&self) -> bool {
        self.words.first().is_some_and(|word| word == "copy")
            && self.words.windows(2).any(|pair| pair == ["from", "stdin"])
    }
}

fn is_tolerated(line: &str) -> bool {
    let word = line.split_whitespace().next().unwrap_or_default();
    TOLERATED.contains(&word)
}

/// The rows that begin here, and where the line after them begins; nothing if they have no end.
fn rows(text: &str, first: usize) -> Option<(Range<usize>, usize)> {
    let mut at = first;
    for line in text[first..].split_inclusive('\n') {
        let next = at + line.len();
        if line.trim_end_matches('\n') == END_OF_ROWS {
            return Some((first..at, next));
        }
        at = next;
    }
    None
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
        let sql = "-- é\n  COPY t (a) FROM stdin;\n1;2\n\\.\n";
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
    fn rows_belong_to_the_copy_before_them() {
        let sql = "\\restrict abc\ncopy a (b) from stdin;\n1;\tit's\n\\.\n\nselect 2;\nCOPY c FROM stdin;\n\\.\n\\unrestrict abc\n";
        let mut cut = statements(sql);
        let found: Vec<Statement<'_>> = cut
            .by_ref()
            .map(|found| found.expect("is well formed"))
            .collect();
        let rows: Vec<Option<&str>> = found
            .iter()
            .map(|statement| statement.rows.clone().map(|rows| &sql[rows]))
            .collect();
        assert_eq!(rows, [Some("1;\tit's\n"), None, Some("")]);
        let skipped: Vec<&str> = cut.skipped().into_iter().map(|line| &sql[line]).collect();
        assert_eq!(skipped, ["\\restrict abc", "\\unrestrict abc"]);
        for endless in [
            "copy a from stdin;\n1\n",
            "select 1; copy a from stdin",
            "copy a from stdin;\n1\n\\. \n",
        ] {
            let flaw = statements(endless)
                .find_map(Result::err)
                .expect("has a flaw");
            assert_eq!(flaw.kind, FlawKind::Unterminated("COPY"), "{endless}");
        }
        assert!(statements("select 1 \\restrict x").any(|found| found.is_err()));
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

        /// What stands between statements, the statements, and the rest put together are the file again; and each
        /// statement alone is that statement.
        #[test]
        fn joined_again_they_are_the_file(text in "([a-z ;'\"$()\\-\\*/\n\\\\é.]|begin atomic|end|create function| case |\\$\\$|copy a from stdin;\n|1\t2\n|\\\\\\.\n|\\\\restrict x\n){0,40}") {
            let mut joined = String::new();
            let mut is_whole = true;
            for statement in statements(&text) {
                let Ok(statement) = statement else { is_whole = false; break };
                joined.push_str(&text[joined.len()..statement.start]);
                joined.push_str(statement.text);
                joined.push_str(&text[joined.len()..statement.end]);
                if let Some(rows) = &statement.rows {
                    prop_assert!(rows.start >= statement.start + statement.text.len() && rows.end <= statement.end);
                } else {
                    prop_assert_eq!(texts(statement.text), [statement.text]);
                }
            }
            let rest = text[joined.len()..].to_owned();
            if is_whole {
                prop_assert!(texts(&rest).is_empty());
            }
            joined.push_str(&rest);
            prop_assert_eq!(joined, text);
        }

        /// Statements put together with semicolons come apart again.
        #[test]
        fn what_was_joined_is_split(parts in proptest::collection::vec("select [a-z]{1,8}( \\+ ';'| /\\* ; \\*/ \\+ 1| \\+ \\$\\$;\\$\\$)?", 0..8)) {
            let joined = parts.join(";\n");
            prop_assert_eq!(texts(&joined), parts);
        }
    }
}
