//! Twins: temporary tables with the columns of the real ones, on which declared indexes are made, to be compared as the
//! catalog has them.
//!
//! All of it is one message in a transaction that is rolled back. The real tables are locked as a reader locks them, the
//! twins are empty, and nobody notices.

use std::collections::BTreeSet;
use std::fmt::Write;

use tokio_postgres::error::{DbError, ErrorPosition};

use super::declared::{Declared, Manner, Wanted};
use super::statement;
use crate::error::{Error, Kind, Result};
use crate::pg::db::ScriptFailure;
use crate::pg::relation::Relation;
use crate::pg::{Db, Ident, sql, sqlstate};

/// What a statement of the script makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Made {
    /// The twin of the table of this index.
    Twin(usize),
    /// The index.
    Index(usize),
}

/// The script that makes twins and their indexes.
#[derive(Debug)]
struct Script {
    text: String,
    made: Vec<(usize, Made)>,
}

/// How many statements there are before the first twin: the transaction begins, and names are looked for where the
/// files say.
const LEAD: usize = 2;

/// A twin is partitioned, by a column that no index speaks of, so that nothing is stored of it and its indexes: that is
/// five times as fast. Unique indexes would have to contain that column, so with one the twin is a table like others.
const PART: &str = "part of a twin";

/// The name of a declared index on a twin: names are unique in one schema, and here indexes of several meet.
pub fn name(number: usize) -> String {
    format!("index {number}")
}

/// Why there are no twins.
#[derive(Debug)]
pub enum Failure {
    /// The index of this number means something on its own table that it does not mean on a twin.
    Apart(usize),
    /// What it is, for people.
    Wrong(anyhow::Error),
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self::Wrong(error)
    }
}

/// Opens a transaction, and makes twins of the tables of these indexes, and the indexes on them.
pub async fn make(db: &Db, declared: &Declared, numbers: &[usize]) -> Result<(), Failure> {
    let search_path = declared.search_path.in_transaction(db.endpoint());
    let script = Script::of(format!("begin;{search_path};"), declared, numbers);
    match db.try_script(&script.text).await {
        Ok(_) => Ok(()),
        Err(failure) => Err(script.explain(declared, failure, db.server_major())),
    }
}

impl Script {
    fn of(lead: String, declared: &Declared, numbers: &[usize]) -> Self {
        let mut script = Self {
            text: lead,
            made: Vec::new(),
        };
        let mut twins: BTreeSet<&Relation> = BTreeSet::new();
        for number in numbers {
            let wanted = &declared.indexes[*number];
            let twin = Ident(&wanted.table.name);
            if twins.insert(&wanted.table) {
                script.begin(Made::Twin(*number));
                let real = wanted.table.sql();
                let is_unique = declared
                    .indexes
                    .iter()
                    .any(|other| other.unique && other.table == wanted.table);
                let (besides, by) = if is_unique {
                    (String::new(), String::new())
                } else {
                    let part = Ident(PART);
                    (
                        format!(", {part} int"),
                        format!("partition by list ({part}) "),
                    )
                };
                let _ = writeln!(
                    script.text,
                    "create temporary table {twin} (like {real}{besides}) {by}on commit drop;"
                );
            }
            script.begin(Made::Index(*number));
            let create = wanted.create(Manner::Plain, &name(*number), &format!("pg_temp.{twin}"));
            script.text.push_str(&create);
            script.text.push_str("\n;");
        }
        script
    }

    fn begin(&mut self, made: Made) {
        self.made.push((self.text.len(), made));
    }

    fn explain(&self, declared: &Declared, failure: ScriptFailure, major: u32) -> Failure {
        let Some(server) = failure.error.as_db_error() else {
            return Failure::Wrong(sqlstate::explain(failure.error).into());
        };
        let offset = match server.position() {
            Some(ErrorPosition::Original(position)) => {
                let position = usize::try_from(*position).unwrap_or(1);
                Some(sql::byte_offset(&self.text, position))
            }
            _ => None,
        };
        let index = match offset {
            Some(offset) => self.made.partition_point(|(start, _)| *start <= offset),
            None => (failure.completed + 1).saturating_sub(LEAD),
        };
        let Some(index) = index
            .checked_sub(1)
            .filter(|index| *index < self.made.len())
        else {
            return Failure::Wrong(failure.explain().into());
        };
        let end = self
            .made
            .get(index + 1)
            .map_or(self.text.len(), |(next, _)| *next);
        let (Made::Twin(number) | Made::Index(number)) = self.made[index].1;
        if let Some(error) = failure.contended(&declared.indexes[number].table.title()) {
            return Failure::Wrong(error.into());
        }
        match self.made[index].1 {
            Made::Twin(number) => Failure::Wrong(no_twin(&declared.indexes[number], server)),
            Made::Index(number)
                if sqlstate::is_strange_on_a_twin(server)
                    && has_expressions(&declared.indexes[number]) =>
            {
                Failure::Apart(number)
            }
            Made::Index(number) => {
                let wanted = &declared.indexes[number];
                // What the file says stands at the end of the statement.
                let left = offset.and_then(|offset| (end - "\n;".len()).checked_sub(offset));
                let origin = left.and_then(|left| wanted.tail.end.checked_sub(left));
                let origin = origin.filter(|origin| wanted.tail.contains(origin));
                Failure::Wrong(wrong(declared, wanted, origin, server, major))
            }
        }
    }
}

fn has_expressions(wanted: &Wanted) -> bool {
    let whole = 0..wanted.statement.len();
    let tail = whole.end - wanted.tail.len()..whole.end;
    statement::parts(&wanted.statement, &tail)
        .is_ok_and(|parts| !parts.expressions.is_empty() || parts.predicate.is_some())
}

/// The server does not take what a file says.
pub(super) fn wrong(
    declared: &Declared,
    wanted: &Wanted,
    origin: Option<usize>,
    server: &DbError,
    major: u32,
) -> anyhow::Error {
    let file = declared.file_of(wanted);
    let is_about_nulls = origin.is_some_and(|start| {
        let mut words = file.text[start..].split_whitespace();
        words
            .next()
            .is_some_and(|word| word.eq_ignore_ascii_case("nulls"))
            && words.next().is_some_and(|word| {
                word.eq_ignore_ascii_case("not") || word.eq_ignore_ascii_case("distinct")
            })
    });
    // Of what belongs to the whole the server gives no position, but a name.
    let place = match origin.or_else(|| named(&file.text, wanted, server.message())) {
        Some(start) => file.excerpt(&(start..start + sql::token_length(&file.text, start))),
        None => wanted.place.clone(),
    };
    let cause = sqlstate::bare(server);
    let kind = if cause.kind == Kind::Refused {
        Kind::Refused
    } else {
        Kind::Failed
    };
    let mut error = Error::new(kind, format!("{} cannot be applied", file.path))
        .at(place)
        .unchanged();
    if let Some(detail) = server.detail() {
        error = error.note(detail);
    }
    let error = error.because(cause);
    match (server.hint(), server.code().code()) {
        (_, "42883") => {
            error.hint("fix the file: a function has to be in the search path, or qualified")
        }
        (_, "42601") if is_about_nulls && major < 15 => {
            error.hint("leave it out: NULLS NOT DISTINCT needs PostgreSQL 15")
        }
        (Some(hint), _) => error.hint(format!("{}; fix the file", hint.trim_end_matches('.'))),
        (None, _) => error.hint("fix the file"),
    }
    .into()
}

/// Where behind the table the first name stands that a message quotes.
fn named(text: &str, wanted: &Wanted, message: &str) -> Option<usize> {
    let name = message.split('"').nth(1).filter(|name| !name.is_empty())?;
    let tail = &text[wanted.tail.clone()];
    let is_part = |letter: char| letter.is_alphanumeric() || letter == '_';
    tail.match_indices(name)
        .find(|(start, _)| {
            !tail[..*start].ends_with(is_part) && !tail[start + name.len()..].starts_with(is_part)
        })
        .map(|(start, _)| wanted.tail.start + start)
}

fn no_twin(wanted: &Wanted, server: &DbError) -> anyhow::Error {
    let table = &wanted.table;
    let error = Error::refused(format!(
        "indexes are compared on temporary tables, and {table} cannot get one"
    ))
    .because(sqlstate::bare(server))
    .unchanged();
    match server.code().code() {
        "42501" => error.hint(
            "connect as a role that may read the tables and make temporary ones: \
             grant select on them, and temporary on the database",
        ),
        "25006" => error.hint("connect to the primary: a replica makes no temporary tables"),
        _ => error,
    }
    .into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Source;

    #[test]
    fn the_script_speaks_of_twins_and_of_each_once() {
        let folder = tempfile::tempdir().expect("there is room");
        let text = "create unique index a on app.t\n  using btree (x) -- end\n;create index b on only app.t (y) where z";
        std::fs::write(folder.path().join("app.t.sql"), text).expect("can be written");
        std::fs::write(folder.path().join("u.sql"), "create index c on u (x)")
            .expect("can be written");
        let declared = Declared::load(&Source::Folder {
            path: folder.path().to_owned(),
            shown: "i".to_owned(),
            found_for: None,
        })
        .expect("is fine");
        assert_eq!(
            Script::of("begin;".to_owned(), &declared, &[0, 1, 2]).text,
            "begin;create temporary table \"t\" (like \"app\".\"t\") on commit drop;\n\
             create unique index \"index 0\" on pg_temp.\"t\" using btree (x)\n;\
             create index \"index 1\" on pg_temp.\"t\" (y) where z\n;\
             create temporary table \"u\" (like \"public\".\"u\", \"part of a twin\" int) \
             partition by list (\"part of a twin\") on commit drop;\n\
             create index \"index 2\" on pg_temp.\"u\" (x)\n;"
        );
    }
}
