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
        let text = sent(text);
        let parts = parts(&text);
        Self { text, parts }
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

fn sent(text: &str) -> Cow<'_, str> {
    let mut blank: Vec<Range<usize>> = wrapping(text)
        .map(<[Range<usize>; 2]>::from)
        .into_iter()
        .flatten()
        .collect();
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

/// Where `BEGIN` and `COMMIT` are, if one opens the file and the other ends it, both plain and alone.
pub(super) fn wrapping(text: &str) -> Option<(Range<usize>, Range<usize>)> {
    let plain = |statement: &Statement<'_>, verbs: &[&[&str]]| {
        let words: Vec<&str> = statement.words.iter().map(String::as_str).collect();
        let is_bare = statement
            .text
            .bytes()
            .all(|byte| byte.is_ascii_alphabetic() || byte.is_ascii_whitespace());
        is_bare && verbs.contains(&words.as_slice())
    };
    let mut statements = sql::statements(text);
    // Most files end here, after their first token or two.
    let first = statements.next()?.ok()?;
    let opens = plain(
        &first,
        &[
            &["begin"],
            &["begin", "work"],
            &["begin", "transaction"],
            &["start", "transaction"],
        ],
    );
    if !opens {
        return None;
    }
    // One at a time: there may be millions.
    let mut last = statements.next()?.ok()?;
    for statement in statements {
        if is_transaction_control(&last) {
            return None;
        }
        last = statement.ok()?;
    }
    let closes = plain(
        &last,
        &[
            &["commit"],
            &["commit", "work"],
            &["commit", "transaction"],
            &["end"],
            &["end", "work"],
            &["end", "transaction"],
        ],
    );
    let range = |statement: &Statement<'_>| statement.start..statement.start + statement.text.len();
    closes.then(|| (range(&first), range(&last)))
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
