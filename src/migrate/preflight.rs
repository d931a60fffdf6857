//! What a migration must not hold, found before anything runs.
//!
//! Each refusal guards a promise: transaction control would break "nothing of it was kept", `COPY` from the
//! client would leave the session waiting for data that never comes, psql's commands mean nothing to a server.

use super::file::Migration;
use crate::error::{Error, Excerpt, Result};
use crate::pg::sql::{self, Flaw, FlawKind, Statement};

/// Refuses a file that cannot be run as one transaction; the error names the line.
pub fn check(migration: &Migration) -> Result<()> {
    for statement in sql::statements(migration.sql()) {
        match statement {
            Ok(statement) => {
                if let Some((what, hint)) = misfit(&statement) {
                    return Err(refused(
                        migration,
                        statement.start,
                        first_line(statement.text),
                        &what,
                        hint,
                    ));
                }
            }
            Err(flaw) => return Err(flawed(migration, &flaw)),
        }
    }
    Ok(())
}

/// How many statements a migration holds, and where each begins. The file has passed [`check`].
pub fn offsets(migration: &Migration) -> Vec<(usize, usize)> {
    sql::statements(migration.sql())
        .filter_map(std::result::Result::ok)
        .map(|statement| (statement.start, first_line(statement.text)))
        .collect()
}

fn misfit(statement: &Statement<'_>) -> Option<(String, &'static str)> {
    let words: Vec<&str> = statement.words.iter().map(String::as_str).collect();
    let control = match words.as_slice() {
        ["begin" | "commit" | "end" | "abort", ..] | ["start" | "prepare", "transaction", ..] => {
            true
        }
        // ROLLBACK TO a savepoint stays inside the transaction.
        ["rollback", rest @ ..] => !rest.contains(&"to"),
        _ => false,
    };
    if control {
        let word = words[0].to_uppercase();
        return Some((
            format!("{word} does not belong in a migration: each one is a transaction of its own"),
            "remove the transaction control; everything in the file happens, or nothing does",
        ));
    }
    if words.first() == Some(&"copy")
        && words
            .windows(2)
            .any(|pair| matches!(pair, ["from", "stdin"] | ["to", "stdout"]))
    {
        return Some((
            "COPY to or from the client cannot run in a migration".to_owned(),
            "write the rows as INSERT ... VALUES",
        ));
    }
    None
}

fn flawed(migration: &Migration, flaw: &Flaw) -> anyhow::Error {
    let (what, hint) = match flaw.kind {
        FlawKind::PsqlCommand => (
            "this is a command for psql, which a migration cannot hold".to_owned(),
            "write it in SQL, or remove it",
        ),
        FlawKind::Unterminated(what) => (format!("this {what} has no end"), "end it"),
    };
    refused(migration, flaw.offset, flaw.length, &what, hint)
}

fn refused(
    migration: &Migration,
    offset: usize,
    length: usize,
    what: &str,
    hint: &str,
) -> anyhow::Error {
    Error::failed(format!("{} cannot be applied", migration.path))
        .because(Error::failed(what))
        .at(Excerpt::new(
            &migration.path,
            migration.sql(),
            offset,
            length,
        ))
        .note("nothing was run")
        .hint(hint)
        .into()
}

fn first_line(text: &str) -> usize {
    text.lines().next().map_or(0, str::len)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::explain;

    fn verdict(sql: &str) -> Option<(usize, usize)> {
        let path = "001_x.sql".to_owned();
        let migration = Migration::new(1, "x".to_owned(), "001_x.sql", path, sql).expect("fits");
        let error = check(&migration).err()?;
        explain(&error)
            .excerpt
            .map(|excerpt| (excerpt.line, excerpt.column))
    }

    #[test]
    fn what_would_break_the_promise_is_refused_with_its_place() {
        for (sql, place) in [
            ("select 1;\n  COMMIT;\nselect 2;", (2, 3)),
            ("begin;\ncreate table a();\ncommit;", (1, 1)),
            ("start transaction;", (1, 1)),
            ("rollback;", (1, 1)),
            ("rollback and chain", (1, 1)),
            ("/* x */ end", (1, 9)),
            ("prepare transaction 'x'", (1, 1)),
            ("copy a(id) from stdin;\n1\n2\n\\.\nselect 1;", (1, 1)),
            ("copy (select 1) to stdout with csv", (1, 1)),
            ("create table a(id int);\n\\i other.sql\n", (2, 1)),
            ("select 1;\nselect $$abc;", (2, 8)),
        ] {
            assert_eq!(verdict(sql), Some(place), "{sql}");
        }
    }

    #[test]
    fn what_only_looks_like_it_passes() {
        for sql in [
            "",
            "-- commit;",
            "select 'commit'; select $$ begin; commit; $$;",
            "savepoint a; rollback to savepoint a; rollback to a; release a;",
            "create function f() returns int language sql begin atomic select 1; end;",
            "do $$ begin null; end $$;",
            "copy a from '/tmp/x'; copy a to program 'cat'",
            "create table commits(\"end\" int)",
        ] {
            assert_eq!(verdict(sql), None, "{sql}");
        }
    }
}
