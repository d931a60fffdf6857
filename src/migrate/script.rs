//! A file as it is sent: what belongs to psql left out, the rows of a `COPY` apart from the SQL, and a large file in
//! pieces.

use std::borrow::Cow;
use std::ops::Range;

use crate::pg::sql::{self, Statement};

/// From this many bytes on a file travels in several messages. The server keeps the whole of a message and the trees
/// of all its statements until it has run, and so do we with what is on its way.
pub(super) const LARGE: usize = 4 << 20;

/// About how many bytes of a large file travel in one message; a statement is never cut.
const PIECE: usize = 1 << 20;

/// A file as it is sent. It has passed [`preflight::check`](super::preflight::check).
#[derive(Debug)]
pub struct Script<'a> {
    /// The text, every character in its place; blanks stand for what is not sent.
    pub text: Cow<'a, str>,
    /// What is sent one after the other; a single part without rows for nearly every file.
    pub parts: Vec<Part>,
    /// The file's own `BEGIN`, if it stands around all of it and says what kind of transaction it is.
    pub begin: Option<&'a str>,
}

/// A part of a file, in bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// Statements, which travel together.
    Statements(Range<usize>),
    /// `COPY ... FROM STDIN`, and the rows behind it.
    Rows(Range<usize>, Range<usize>),
}

impl<'a> Script<'a> {
    /// Reads a text.
    pub fn of(text: &'a str) -> Self {
        let pairs = pairs(text);
        let begin = pairs.first().map(|pair| &text[pair.begin.clone()]);
        let begin = begin.filter(|begin| modes(begin).is_some_and(|modes| !modes.is_empty()));
        let text = sent(text, pairs);
        let parts = parts(&text);
        Self { text, parts, begin }
    }

    /// The statements in a part of it.
    pub fn statements(&self, range: Range<usize>) -> impl Iterator<Item = Statement<'_>> {
        let start = range.start;
        let statements = sql::statements(&self.text[range]);
        statements.filter_map(Result::ok).map(move |mut statement| {
            statement.start += start;
            statement.end += start;
            statement.rows = statement
                .rows
                .map(|rows| rows.start + start..rows.end + start);
            statement
        })
    }

    /// All statements.
    pub fn all(&self) -> impl Iterator<Item = Statement<'_>> {
        self.statements(0..self.text.len())
    }
}

/// Rows end with a backslash and a dot, so most texts have none for sure.
fn may_have_rows(text: &str) -> bool {
    text.as_bytes().contains(&b'\\')
}

fn parts(text: &str) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut from = 0;
    let mut is_empty = true;
    let is_large = text.len() > LARGE;
    if may_have_rows(text) || is_large {
        for statement in sql::statements(text).filter_map(Result::ok) {
            let Some(rows) = statement.rows else {
                // What one message holds already goes before a statement that would make it too long.
                if is_large && !is_empty && statement.end - from > PIECE {
                    parts.push(Part::Statements(from..statement.start));
                    from = statement.start;
                }
                is_empty = false;
                continue;
            };
            if !is_empty {
                parts.push(Part::Statements(from..statement.start));
            }
            let copy = statement.start..statement.start + statement.text.len();
            parts.push(Part::Rows(copy, rows));
            (from, is_empty) = (statement.end, true);
        }
    }
    if !is_empty || parts.is_empty() {
        parts.push(Part::Statements(from..text.len()));
    }
    parts
}

fn sent(text: &str, pairs: Vec<Pair>) -> Cow<'_, str> {
    let pairs = pairs.into_iter();
    let mut blank: Vec<Range<usize>> = pairs.flat_map(|pair| [pair.begin, pair.commit]).collect();
    if may_have_rows(text) {
        let mut statements = sql::statements(text);
        statements.by_ref().for_each(drop);
        blank.extend(statements.skipped());
    }
    if blank.is_empty() {
        return Cow::Borrowed(text);
    }
    let mut sent = text.to_owned();
    for range in blank {
        // A blank for a byte, and lines stay lines: places in the one text are places in the other.
        let blanks = text[range.clone()].bytes();
        let blanks: String = blanks
            .map(|byte| if byte == b'\n' { '\n' } else { ' ' })
            .collect();
        sent.replace_range(range, &blanks);
    }
    Cow::Owned(sent)
}

/// What kind of transaction is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// `ISOLATION LEVEL ...`
    Isolation,
    /// `READ ONLY`
    ReadOnly,
    /// `READ WRITE`
    ReadWrite,
    /// `DEFERRABLE` or `NOT DEFERRABLE`
    Deferrable,
}

/// What a plain `BEGIN` or `START TRANSACTION` says of its transaction; nothing of what is none.
pub(super) fn modes(text: &str) -> Option<Vec<Mode>> {
    let is_bare =
        |byte: u8| byte.is_ascii_alphabetic() || byte.is_ascii_whitespace() || byte == b',';
    if !text.bytes().all(is_bare) {
        return None;
    }
    let text = text.to_ascii_lowercase().replace(',', " , ");
    let words: Vec<&str> = text.split_ascii_whitespace().collect();
    let (["begin", "work" | "transaction", rest @ ..]
    | ["start", "transaction", rest @ ..]
    | ["begin", rest @ ..]) = words.as_slice()
    else {
        return None;
    };
    let mut rest = rest;
    let mut modes = Vec::new();
    while !rest.is_empty() {
        let (mode, next) = match rest {
            ["isolation", "level", "serializable", next @ ..]
            | ["isolation", "level", "repeatable", "read", next @ ..]
            | [
                "isolation",
                "level",
                "read",
                "committed" | "uncommitted",
                next @ ..,
            ] => (Mode::Isolation, next),
            ["read", "only", next @ ..] => (Mode::ReadOnly, next),
            ["read", "write", next @ ..] => (Mode::ReadWrite, next),
            ["deferrable", next @ ..] | ["not", "deferrable", next @ ..] => {
                (Mode::Deferrable, next)
            }
            _ => return None,
        };
        modes.push(mode);
        rest = match next {
            // A comma stands between two.
            [",", after @ ..] if !after.is_empty() => after,
            [","] => return None,
            next => next,
        };
    }
    Some(modes)
}

/// Where a `BEGIN` and its `COMMIT` are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pair {
    /// The one.
    pub begin: Range<usize>,
    /// The other.
    pub commit: Range<usize>,
    /// Whether nothing in the file is outside of them.
    pub is_whole: bool,
}

/// The pairs of `BEGIN` and `COMMIT` that mean nothing in a file that is one transaction anyway: all plain, and nothing
/// else there begins or ends one. Only a pair around the whole file may say what kind of transaction is meant. None of
/// a file where that is not so.
pub(super) fn pairs(text: &str) -> Vec<Pair> {
    try_pairs(text).unwrap_or_default()
}

fn try_pairs(text: &str) -> Option<Vec<Pair>> {
    // Most files end here.
    if !may_begin(text) {
        return None;
    }
    let range = |statement: &Statement<'_>| statement.start..statement.start + statement.text.len();
    let mut pairs = Vec::new();
    let mut open: Option<Range<usize>> = None;
    let mut is_whole = true;
    let mut says_modes = false;
    // One at a time: there may be millions.
    for statement in sql::statements(text) {
        let statement = statement.ok()?;
        if !is_transaction_control(&statement) {
            is_whole &= open.is_some();
        } else if let Some(modes) = modes(statement.text) {
            is_whole &= pairs.is_empty();
            says_modes |= !modes.is_empty();
            if open.replace(range(&statement)).is_some() {
                return None;
            }
        } else if closes(&statement) {
            pairs.push(Pair {
                begin: open.take()?,
                commit: range(&statement),
                is_whole: false,
            });
        } else {
            return None;
        }
    }
    is_whole &= pairs.len() == 1;
    for pair in &mut pairs {
        pair.is_whole = is_whole;
    }
    (open.is_none() && (is_whole || !says_modes)).then_some(pairs)
}

/// Whether a semicolon stands behind one of the words that a `BEGIN` ends with.
fn may_begin(text: &str) -> bool {
    let ends = |before: &str| {
        let before = before.trim_end().as_bytes();
        let word = |word: &str| {
            let start = before.len().checked_sub(word.len());
            start.is_some_and(|start| before[start..].eq_ignore_ascii_case(word.as_bytes()))
        };
        ["begin", "work", "transaction"].into_iter().any(word)
    };
    let first = sql::statements(text).next();
    first.is_some_and(|first| first.is_ok_and(|first| modes(first.text).is_some()))
        || text.match_indices(';').any(|(at, _)| ends(&text[..at]))
}

/// Whether it is a plain `COMMIT` or `END`.
fn closes(statement: &Statement<'_>) -> bool {
    let is_bare = |byte: u8| byte.is_ascii_alphabetic() || byte.is_ascii_whitespace();
    let words: Vec<&str> = statement.words.iter().map(String::as_str).collect();
    statement.text.bytes().all(is_bare)
        && matches!(
            words.as_slice(),
            ["commit" | "end"] | ["commit" | "end", "work" | "transaction"]
        )
}

/// Whether it says what kind of transaction it is in, which it can before anything else was asked.
pub(super) fn sets_modes(statement: &Statement<'_>) -> bool {
    let words: Vec<&str> = statement.words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["set", rest @ ..] => match rest {
            ["local" | "session", rest @ ..] | rest => rest.first().is_some_and(|word| {
                [
                    "transaction",
                    "transaction_isolation",
                    "transaction_read_only",
                    "transaction_deferrable",
                ]
                .contains(word)
            }),
        },
        _ => false,
    }
}

/// Whether it begins or ends a transaction.
pub(super) fn is_transaction_control(statement: &Statement<'_>) -> bool {
    let words: Vec<&str> = statement.words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["begin" | "commit" | "end" | "abort", ..] | ["start" | "prepare", "transaction", ..] => {
            true
        }
        // ROLLBACK TO a savepoint stays inside the transaction.
        ["rollback", rest @ ..] => !rest.contains(&"to"),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_wholly_wrapped_is_sent_without_its_wrapping_and_nothing_moves() {
        let text = "-- é\nBEGIN\n;\nselect 'é';\ncommit work;\n";
        let sent = Script::of(text).text;
        assert_eq!(sent, "-- é\n     \n;\nselect 'é';\n           ;\n");
        for as_it_is in ["select 1;", "begin; select 1;", "commit;", "begin;", ""] {
            assert_eq!(Script::of(as_it_is).text, as_it_is);
        }
    }

    #[test]
    fn the_kind_of_transaction_is_read_from_a_begin_around_the_file() {
        for (begin, kind) in [
            ("begin", false),
            ("BEGIN work", false),
            ("start\ntransaction", false),
            ("begin isolation level serializable", true),
            (
                "begin transaction isolation level read committed, not deferrable",
                true,
            ),
            (
                "START TRANSACTION ISOLATION LEVEL\n  REPEATABLE READ READ WRITE,DEFERRABLE",
                true,
            ),
        ] {
            let text = format!("{begin};\nselect 1;\ncommit;");
            let script = Script::of(&text);
            assert_eq!(script.begin, kind.then_some(begin), "{begin}");
            assert_eq!(script.all().count(), 1, "{begin}");
        }
        for begin in [
            "begin isolation level none",
            "begin isolation level serializable,",
            "begin , read write",
            "begin read write,, deferrable",
            "begin \"work\"",
            "begin atomic",
            "begin /* here */ read write",
            "start",
        ] {
            let text = format!("{begin};\nselect 1;\ncommit;");
            let script = Script::of(&text);
            assert_eq!((script.begin, &*script.text), (None, &*text), "{begin}");
        }
    }

    #[test]
    fn rows_are_apart_and_lines_for_psql_are_blank() {
        let text = "\\restrict k\nset a = 1;\ncopy t from stdin;\n1\n\\.\ncopy u from stdin;\n\\.\n\nselect 2;\n";
        let script = Script::of(text);
        assert!(script.text.starts_with("           \nset a"));
        let part = |part: &Part| match part {
            Part::Statements(range) => script.text[range.clone()].trim().to_owned(),
            Part::Rows(copy, rows) => format!(
                "{} <- {:?}",
                &script.text[copy.clone()],
                &script.text[rows.clone()]
            ),
        };
        let parts: Vec<String> = script.parts.iter().map(part).collect();
        assert_eq!(
            parts,
            [
                "set a = 1;",
                "copy t from stdin <- \"1\\n\"",
                "copy u from stdin <- \"\"",
                "select 2;"
            ]
        );
        assert_eq!(script.all().count(), 4);
    }

    #[test]
    fn a_large_file_travels_in_pieces_of_whole_statements() {
        let row = format!("insert into t values ('{}');\n", "x".repeat(100_000));
        let long = format!("select '{}'; -- end\n", "y".repeat(3 * PIECE));
        let text = format!("-- first\n{}{long}{row}", row.repeat(30));
        let script = Script::of(&text);
        let mut at = 0;
        let mut statements = 0;
        for part in &script.parts {
            let Part::Statements(range) = part else {
                panic!("{part:?}")
            };
            assert_eq!(range.start, at);
            at = range.end;
            let count = script.statements(range.clone()).count();
            assert!(range.len() <= PIECE || count == 1, "{range:?}");
            statements += count;
        }
        assert_eq!((at, statements), (text.len(), 32));
        assert_eq!(script.parts.len(), 5);
        let small = &text[..LARGE / 2];
        assert_eq!(Script::of(small).parts.len(), 1);
    }

    #[test]
    fn a_file_without_statements_is_one_part() {
        for text in ["", "-- nothing", ";;", "select 1"] {
            assert_eq!(Script::of(text).parts, [Part::Statements(0..text.len())]);
        }
        let text = "copy t from stdin;\n\\.\n";
        assert_eq!(Script::of(text).parts.len(), 1);
    }
}
