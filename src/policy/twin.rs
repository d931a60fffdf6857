//! Twins: temporary tables with the columns of the real ones, on which declared policies are made, to be compared as
//! the catalog has them.
//!
//! All of it is one message in a transaction that is rolled back. The real tables are locked as a reader locks them,
//! and nobody notices.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::ops::Range;

use tokio_postgres::error::{DbError, ErrorPosition};

use super::declared::{Declared, File, Wanted};
use super::statement::PolicyText;
use crate::error::{Error, Kind, Result};
use crate::pg::db::ScriptFailure;
use crate::pg::{Db, Ident, sql, sqlstate};

/// A policy by the number of its relation and its own.
pub type Number = (usize, usize);

/// What a statement of the script makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Made {
    Twin(usize),
    Policy(Number),
    Comment(usize),
}

/// A part of the script that is a part of a file.
#[derive(Debug)]
struct Copied {
    script: Range<usize>,
    file: usize,
    start: usize,
}

/// The script that makes twins and their policies.
#[derive(Debug, Default)]
struct Script {
    text: String,
    made: Vec<(usize, Made)>,
    copied: Vec<Copied>,
}

/// How many statements there are before the first twin: the transaction begins, and names are looked for where the
/// files say.
const LEAD: usize = 2;

/// Why there are no twins.
#[derive(Debug)]
pub enum Failure {
    /// A policy means something on its own table that it does not mean on a twin.
    Apart(Number),
    /// What it is, for people.
    Wrong(anyhow::Error),
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self::Wrong(error)
    }
}

/// Opens a transaction and makes the twins of these relations. The expressions of policies that are `apart` are left
/// out: each is `true` on the twin.
pub async fn make(
    db: &Db,
    declared: &Declared,
    relations: &[usize],
    apart: &BTreeSet<Number>,
) -> Result<(), Failure> {
    let search_path = declared.search_path.in_transaction(db.endpoint());
    let lead = format!("begin;{search_path};");
    let script = Script::of(lead, declared, relations, apart);
    match db.try_script(&script.text).await {
        Ok(_) => Ok(()),
        Err(failure) => Err(script.explain(declared, failure)),
    }
}

impl Script {
    fn of(
        lead: String,
        declared: &Declared,
        relations: &[usize],
        apart: &BTreeSet<Number>,
    ) -> Self {
        let mut script = Self {
            text: lead,
            ..Self::default()
        };
        for number in relations {
            let wanted = &declared.relations[*number];
            if wanted.policies.is_empty() {
                continue;
            }
            let (real, name) = (wanted.relation.sql(), Ident(&wanted.relation.name));
            script.begin(Made::Twin(*number));
            let _ = writeln!(
                script.text,
                "create temporary table {name} (like {real}) on commit drop;"
            );
            let file = declared.file_of(wanted);
            for (index, policy) in wanted.policies.iter().enumerate() {
                let is_apart = apart.contains(&(*number, index));
                script.begin(Made::Policy((*number, index)));
                script.policy(file, wanted, policy, is_apart);
            }
            for (_, table, statement) in &wanted.comments {
                script.begin(Made::Comment(*number));
                script.copy(file, wanted.file, statement.start..table.start);
                let _ = write!(script.text, "pg_temp.{name}");
                script.copy(file, wanted.file, table.end..statement.end);
                script.text.push_str("\n;");
            }
        }
        script
    }

    fn begin(&mut self, made: Made) {
        self.made.push((self.text.len(), made));
    }

    fn copy(&mut self, file: &File, number: usize, range: Range<usize>) {
        let start = self.text.len();
        self.text.push_str(file.part(&range));
        self.copied.push(Copied {
            script: start..self.text.len(),
            file: number,
            start: range.start,
        });
    }

    fn policy(&mut self, file: &File, wanted: &Wanted, policy: &PolicyText, is_apart: bool) {
        let number = wanted.file;
        self.copy(file, number, policy.statement.start..policy.table.start);
        let twin = format!("pg_temp.{}", Ident(&wanted.relation.name));
        self.text.push_str(&twin);
        let mut from = policy.table.end;
        if is_apart {
            let mut clauses: Vec<&Range<usize>> =
                policy.using.iter().chain(&policy.check).collect();
            clauses.sort_by_key(|clause| clause.start);
            for clause in clauses {
                self.copy(file, number, from..clause.start);
                self.text.push_str("true");
                from = clause.end;
            }
        }
        self.copy(file, number, from..policy.statement.end);
        // The newline ends a comment in the last line of the statement.
        self.text.push_str("\n;");
    }

    /// Where in a file a place of the script is.
    fn origin(&self, offset: usize) -> Option<(usize, usize)> {
        let copied = self
            .copied
            .iter()
            .find(|copied| copied.script.contains(&offset))?;
        Some((copied.file, copied.start + offset - copied.script.start))
    }

    fn explain(&self, declared: &Declared, failure: ScriptFailure) -> Failure {
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
        let Some((_, made)) = index.checked_sub(1).and_then(|index| self.made.get(index)) else {
            return Failure::Wrong(failure.explain().into());
        };
        let relation = match made {
            Made::Twin(number) | Made::Comment(number) | Made::Policy((number, _)) => *number,
        };
        let wanted = &declared.relations[relation];
        if let Some(error) = failure.contended(&wanted.relation.title()) {
            return Failure::Wrong(error.into());
        }
        let file = declared.file_of(wanted);
        match made {
            Made::Twin(_) => Failure::Wrong(no_twin(file, wanted, server)),
            Made::Policy(number) if sqlstate::is_strange_on_a_twin(server) => {
                Failure::Apart(*number)
            }
            Made::Policy((_, policy)) => {
                let policy = &wanted.policies[*policy];
                let place = offset.and_then(|offset| self.origin(offset));
                let span = match place {
                    Some((_, start)) => start..start + sql::token_length(&file.text, start),
                    None => policy.place.clone(),
                };
                Failure::Wrong(wrong(file, &span, server))
            }
            Made::Comment(_) => Failure::Wrong(wrong(file, &wanted.place, server)),
        }
    }
}

/// The server does not take what a file says.
pub fn wrong(file: &File, span: &Range<usize>, server: &DbError) -> anyhow::Error {
    let cause = sqlstate::bare(server);
    let kind = if cause.kind == Kind::Refused {
        Kind::Refused
    } else {
        Kind::Failed
    };
    let mut error = Error::new(kind, format!("{} cannot be applied", file.path))
        .at(file.excerpt(span))
        .unchanged();
    if let Some(detail) = server.detail() {
        error = error.note(detail);
    }
    let error = error.because(cause);
    match server.hint() {
        Some(hint) => error.hint(format!("{}; fix the file", hint.trim_end_matches('.'))),
        None => error.hint("fix the file"),
    }
    .into()
}

fn no_twin(file: &File, wanted: &Wanted, server: &DbError) -> anyhow::Error {
    let hint = match server.code().code() {
        "42501" => {
            "connect as a role that may read the tables and make temporary ones: \
             grant select on them, and temporary on the database"
        }
        "25006" => "connect to the primary: a replica makes no temporary tables",
        _ => return wrong(file, &wanted.place, server),
    };
    let relation = &wanted.relation;
    Error::refused(format!(
        "policies are compared on temporary tables, and {relation} cannot get one"
    ))
    .because(sqlstate::bare(server))
    .unchanged()
    .hint(hint)
    .into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Source;

    #[test]
    fn the_script_speaks_of_twins_and_knows_where_it_came_from() {
        let folder = tempfile::tempdir().expect("there is room");
        let text = "alter table app.t enable row level security;\ncreate policy p on app.t for all using (a) with check (b) -- end\n;\ncomment on policy p on app.t is 'x';";
        std::fs::write(folder.path().join("app.t.sql"), text).expect("can be written");
        let declared = Declared::load(&Source::Folder {
            path: folder.path().to_owned(),
            shown: "p".to_owned(),
            found_for: None,
        })
        .expect("is fine");
        let script = Script::of("begin;".to_owned(), &declared, &[0], &BTreeSet::new());
        assert_eq!(
            script.text,
            "begin;create temporary table \"t\" (like \"app\".\"t\") on commit drop;\n\
             create policy p on pg_temp.\"t\" for all using (a) with check (b)\n;\
             comment on policy p on pg_temp.\"t\" is 'x'\n;"
        );
        let offset = script.text.find("b)").expect("is there");
        assert_eq!(
            script.origin(offset),
            Some((0, text.find("b)").expect("is there")))
        );
        let apart = Script::of(String::new(), &declared, &[0], &BTreeSet::from([(0, 0)]));
        assert!(apart.text.contains("using (true) with check (true)"));
    }
}
