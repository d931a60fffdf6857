//! A statement of an index file: which index it declares, or why it may not stand there.

use std::ops::Range;

use super::difference::is_leftover_name;
pub use crate::pg::reader::Refusal;
use crate::pg::reader::{Reader, refusal};
use crate::pg::relation::Relation;
use crate::pg::sql::Statement;

/// Longer names are cut by the server, in bytes.
pub const LONGEST_NAME: usize = 63;

/// `create index`, and where its parts stand in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexText {
    /// Its name.
    pub name: String,
    /// Where the name stands.
    pub place: Range<usize>,
    /// Whether it is unique.
    pub unique: bool,
    /// The table.
    pub table: Relation,
    /// Where the table is named.
    pub on: Range<usize>,
    /// Everything behind the table: method, columns, what is stored besides, options, predicate.
    pub tail: Range<usize>,
    /// The tablespace it is to be in, and where that is said.
    pub tablespace: Option<(String, Range<usize>)>,
    /// The whole statement.
    pub statement: Range<usize>,
}

/// Reads a statement of this text.
pub fn read(text: &str, statement: &Statement<'_>) -> Result<IndexText, Refusal> {
    let range = statement.start..statement.start + statement.text.len();
    let mut reader = Reader::new(text, range.clone());
    let unique = reader.take(&["create", "unique", "index"]);
    if !unique && !reader.take(&["create", "index"]) {
        return Err(foreign(text, reader.place(), statement));
    }
    refuse_manner(&mut reader)?;
    if reader.sees(&["on"]) {
        return Err(nameless(text, reader));
    }
    let name = reader.qualified("the name of an index")?;
    let place = name.span.clone();
    if name.schema.is_some() {
        return refusal(
            place,
            "the name of an index has no schema",
            "leave the schema out: an index is where its table is",
        );
    }
    // The reader has cut it off, as PostgreSQL would.
    let written = &text[place.clone()];
    let written = match written.strip_prefix('"') {
        Some(quoted) => quoted.trim_end_matches('"').replace("\"\"", "\"").len(),
        None => written.len(),
    };
    if written > LONGEST_NAME {
        return refusal(
            place,
            "this name is longer than 63 bytes, and PostgreSQL would cut it",
            "give it a shorter name",
        );
    }
    if is_leftover_name(&name.name) {
        return refusal(
            place,
            "names that end in _ccnew or _ccold are those of half-built indexes",
            "give it another name",
        );
    }
    reader.expect(&["on"])?;
    reader.take(&["only"]);
    let table = reader.qualified("a table")?;
    if !reader.sees_parenthesis() && !reader.sees(&["using"]) {
        reader.misread("the columns in parentheses, or USING and a method")?;
    }
    let tail = reader.place().start..range.end;
    Ok(IndexText {
        name: name.name,
        place,
        unique,
        tablespace: tablespace(reader)?,
        tail,
        table: Relation::from(&table),
        on: table.span,
        statement: range,
    })
}

/// Where it is to be stored, if that is said.
fn tablespace(mut reader: Reader<'_>) -> Result<Option<(String, Range<usize>)>, Refusal> {
    while !(reader.is_done() || reader.sees(&["where"])) {
        let start = reader.place().start;
        if reader.take(&["tablespace"]) {
            let (name, place) = reader.name("the name of a tablespace")?;
            return Ok(Some((name, start..place.end)));
        }
        reader.pass();
    }
    Ok(None)
}

/// What an index is made of, and where in a text it stands.
#[derive(Debug, PartialEq, Eq)]
pub struct Parts {
    /// Expressions among its keys, with the parentheses around them, each by the place of its key.
    pub expressions: Vec<(usize, Range<usize>)>,
    /// Which rows are in it: what stands behind WHERE.
    pub predicate: Option<Range<usize>>,
    /// Where all that stands before WHERE ends.
    pub end: usize,
}

/// Takes apart what stands behind the table.
pub fn parts(text: &str, tail: &Range<usize>) -> Result<Parts, Refusal> {
    let mut reader = Reader::new(text, tail.clone());
    if reader.take(&["using"]) {
        reader.name("a method")?;
    }
    let keys = reader.parentheses()?;
    let mut expressions = Vec::new();
    let mut inside = Reader::new(text, keys);
    for place in 0.. {
        if inside.is_done() {
            break;
        }
        let start = inside.place().start;
        let is_column = !inside.sees_parenthesis();
        if is_column {
            inside.qualified("a column or an expression")?;
        }
        // A name with parentheses behind it is a function.
        if inside.sees_parenthesis() {
            inside.pass();
            expressions.push((place, start..inside.end()));
        }
        while !(inside.is_done() || inside.comma()) {
            inside.pass();
        }
    }
    while !(reader.is_done() || reader.sees(&["where"])) {
        reader.pass();
    }
    let end = reader.end();
    let predicate = reader
        .take(&["where"])
        .then(|| reader.place().start..tail.end);
    Ok(Parts {
        expressions,
        predicate,
        end,
    })
}

/// How it is made is not the file's matter.
fn refuse_manner(reader: &mut Reader<'_>) -> Result<(), Refusal> {
    let place = reader.place();
    if reader.take(&["concurrently"]) {
        return refusal(
            place,
            "CONCURRENTLY is not for an index file",
            "leave it out: `index apply` builds concurrently anyway",
        );
    }
    if reader.take(&["if", "not", "exists"]) {
        return refusal(
            place.start..reader.end(),
            "IF NOT EXISTS is not for an index file",
            "leave it out: it is content with any index of this name, even an INVALID one; files are compared by meaning",
        );
    }
    Ok(())
}

/// PostgreSQL would think of a name; the next one who looks would not know which.
fn nameless(text: &str, mut reader: Reader<'_>) -> Refusal {
    let place = reader.place();
    let suggestion = suggested_name(text, &mut reader);
    let example = suggestion.as_deref().unwrap_or("TABLE_COLUMN_idx");
    Refusal {
        span: place,
        message: "this index has no name".to_owned(),
        hint: format!("name it: `create index {example} on ...`"),
    }
}

/// The name PostgreSQL would choose, if the columns are simple.
fn suggested_name(text: &str, reader: &mut Reader<'_>) -> Option<String> {
    reader.take(&["on"]);
    reader.take(&["only"]);
    let table = reader.qualified("a table").ok()?;
    if reader.take(&["using"]) {
        reader.skip();
    }
    let columns = reader.parentheses().ok()?;
    let mut inside = Reader::new(text, columns);
    let mut name = table.name;
    loop {
        let (column, _) = inside.name("a column").ok()?;
        name.push('_');
        name.push_str(&column);
        while !inside.is_done() && !inside.comma() {
            if inside.sees_parenthesis() {
                return None;
            }
            inside.skip();
        }
        if inside.is_done() {
            break;
        }
    }
    name.push_str("_idx");
    let is_plain = name.bytes().all(|byte| {
        byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'_' | b'$')
    });
    (is_plain && name.len() <= LONGEST_NAME).then_some(name)
}

/// What does not belong into these files belongs somewhere.
fn foreign(text: &str, place: Range<usize>, statement: &Statement<'_>) -> Refusal {
    let words: Vec<&str> = statement.words.iter().take(3).map(String::as_str).collect();
    let (what, hint) = match words.as_slice() {
        ["drop", "index", ..] => (
            "DROP INDEX",
            "leave the index out of the file; `index apply --prune` drops it",
        ),
        ["alter", "index", ..] => (
            "ALTER INDEX",
            "write the index as it is to be, with CREATE INDEX; `index apply` replaces the old one",
        ),
        ["reindex", ..] => ("REINDEX", "leave it out; `index rebuild` does it"),
        ["comment", ..] => (
            "COMMENT",
            "leave it out, and say it in a comment of the file: `-- ...`",
        ),
        ["alter", "table", ..] => (
            "ALTER TABLE",
            "put it into a migration: constraints, and the indexes behind them, are made there",
        ),
        ["begin" | "start" | "commit" | "rollback" | "end", ..] => (
            "transaction control",
            "leave it out: indexes are built one by one, outside of any transaction",
        ),
        ["set" | "reset", ..] => (
            "a setting",
            "leave it out, and qualify names that are not in public or extensions",
        ),
        _ => (
            "this",
            "put it into a migration; index files hold `create index NAME on TABLE (COLUMNS)` and nothing else",
        ),
    };
    let length = statement.text.lines().next().unwrap_or_default().len();
    let end = (statement.start + length).min(text.len());
    Refusal {
        span: place.start..end.max(place.end),
        message: format!("{what} is not for an index file"),
        hint: hint.to_owned(),
    }
}
