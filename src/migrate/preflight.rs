//! What keeps a file from being run, found in its text alone before anything runs.
//!
//! Each refusal guards a promise: transaction control would break "nothing of it was kept", `COPY` from the
//! client would leave the session waiting for data that never comes, psql's commands mean nothing to a server.

pub(super) mod committed;

use squawk_lexer::tokenize;

use super::directive::{self, Directives, Read};
use super::file::Migration;
use super::lint::facts::Span;
use super::lint::{Finding, Hit, Level, Rule, Sheet, form, mode, placed};
use super::marker::{self, Side};
use super::script::{Mode, Pair, Script, is_transaction_control, modes, pairs, sets_modes};
use super::step;
use crate::error::{Error, Kind, Result, command};
use crate::pg::sql::{self, Flaw, FlawKind, Statement};

/// Refuses a file that cannot be run; the error names the line.
pub fn check(migration: &Migration) -> Result<Directives> {
    refuse(migration, |_| true)
}

/// The same for a file that ran before there was a rule about what is in it: it is replayed as it ran.
pub fn check_replay(migration: &Migration) -> Result<Directives> {
    let later = [&mode::UNLOCKS_RUN, &form::OTHER_TOOL_SECTION];
    refuse(migration, |rule| !later.contains(&rule))
}

/// Refuses a file that holds what another tool would not run with the rest.
pub fn check_whole(migration: &Migration) -> Result<()> {
    refuse(migration, |rule| *rule == form::OTHER_TOOL_SECTION).map(drop)
}

/// What another tool would not have run of a file that ran here.
pub fn ran_too_much(migration: &Migration) -> Option<Finding> {
    let text = migration.sql();
    // Most need no closer look.
    if !marker::may_have_halves(text) {
        return None;
    }
    let mut hits = look(text, &directive::read(text)).hits;
    hits.retain(|hit| *hit.rule == form::OTHER_TOOL_SECTION);
    placed(&Sheet::of(migration), hits).next()
}

fn refuse(migration: &Migration, matters: impl Fn(&Rule) -> bool) -> Result<Directives> {
    let text = migration.sql();
    let read = directive::read(text);
    let mut errors = look(text, &read).hits;
    errors.retain(|hit| hit.rule.level == Level::Error && matters(hit.rule));
    refuse_for(migration, errors)?;
    Ok(read.directives)
}

/// What keeps a file from undoing its migration, in the order of the file: the one answer of `check`, `verify` and
/// `down`.
pub fn undoing(text: &str) -> Vec<Hit> {
    let mut read = directive::read(text);
    let alone = read.no_transaction;
    read.directives.transaction = true;
    let hits = look_at(text, &read, Side::Down).hits.into_iter();
    let hits = hits.filter_map(|hit| match hit.rule {
        rule if *rule == form::NO_STATEMENT => {
            let rule = &form::UNDOES_NOTHING;
            Some(Hit::new(rule, hit.span, hit.message))
        }
        rule if *rule == mode::NEEDS_NO_TRANSACTION => Some(hit.rewrite(mode::UNDONE)),
        rule => (rule.level == Level::Error).then_some(hit),
    });
    let alone = alone.map(|span| {
        let message = "a file that undoes a migration runs in a transaction";
        Hit::new(&mode::UNDONE_ALONE, span, message)
    });
    alone.into_iter().chain(hits).collect()
}

/// Refuses a file that cannot undo its migration.
pub fn check_undoing(down: &Migration) -> Result<()> {
    refuse_for(down, undoing(down.sql()))
}

fn refuse_for(migration: &Migration, errors: Vec<Hit>) -> Result<()> {
    let more = errors.len().saturating_sub(1);
    let Some(first) = (!errors.is_empty())
        .then(|| placed(&Sheet::of(migration), errors).next())
        .flatten()
    else {
        return Ok(());
    };
    let is_refused = [&mode::UNDONE_ALONE, &form::UNDOES_NOTHING].contains(&first.rule);
    let kind = if is_refused {
        Kind::Refused
    } else {
        Kind::Failed
    };
    let mut error = Error::new(kind, format!("{} cannot be applied", migration.path))
        .because(Error::failed(first.message))
        .note("nothing was run")
        .hint(first.rewrite);
    if let Some(place) = first.place {
        error = error.at(place);
    }
    if more > 0 {
        error = error.note(format!(
            "and {more} more; {} lists them",
            command("migrate check")
        ));
    }
    Err(error.into())
}

/// How many statements of a migration are sent.
pub fn count(migration: &Migration) -> usize {
    Script::of(migration.sql()).all().count()
}

/// What was found in a text, and what of it no rule can read.
#[derive(Debug, Default)]
pub struct Found {
    /// What is wrong, or worth a note.
    pub hits: Vec<Hit>,
    /// Commands for psql, rows behind `COPY`, and everything from a quote without end on.
    pub unreadable: Vec<Span>,
}

/// Looks at a text that makes a migration, as far as it can be cut into statements.
pub fn look(text: &str, read: &Read) -> Found {
    look_at(text, read, Side::Up)
}

fn look_at(text: &str, read: &Read, side: Side) -> Found {
    let mut found = Found::default();
    for mistake in read.mistakes.iter().cloned() {
        let hit = Hit::new(&form::DIRECTIVE, mistake.span, mistake.message);
        found.hits.push(hit.rewrite(mistake.hint));
    }
    let pairs = if read.directives.transaction {
        pairs(text)
    } else {
        Vec::new()
    };
    found.hits.extend(committed::look(text, &pairs));
    let mut is_empty = true;
    let mut from = Some(0);
    while let Some(start) = from {
        from = found.look_from(start, text, &read.directives, &pairs, &mut is_empty);
    }
    if is_empty && found.unreadable.is_empty() {
        let message = "there is no statement in this file";
        let place = (0, first_line(text)).into();
        found
            .hits
            .push(Hit::new(&form::NO_STATEMENT, place, message));
    }
    let transaction = read.directives.transaction;
    let markers = marker::look(text, side, transaction, &found.unreadable);
    found.hits.extend(markers);
    found
}

impl Found {
    /// Looks on from here, and says where to look on after what is no SQL.
    fn look_from(
        &mut self,
        start: usize,
        text: &str,
        directives: &Directives,
        pairs: &[Pair],
        is_empty: &mut bool,
    ) -> Option<usize> {
        let mut end = start;
        let mut statements = sql::statements(&text[start..]);
        for statement in statements.by_ref() {
            let statement = match statement {
                Ok(statement) => statement,
                Err(flaw) => {
                    let offset = start + flaw.offset;
                    self.hits.push(flawed(&flaw, offset));
                    if flaw.kind == FlawKind::PsqlCommand {
                        // What stands before it on the line is half a statement.
                        end = text[end..offset]
                            .rfind('\n')
                            .map_or(end, |newline| end + newline);
                        let next = offset + flaw.length;
                        self.unreadable.push((end, next - end).into());
                        return Some(next);
                    }
                    self.unreadable.push((end, text.len() - end).into());
                    return None;
                }
            };
            let place = start + statement.start;
            end = place + statement.text.len();
            let span = (place, first_line(statement.text)).into();
            let pair = pairs
                .iter()
                .find(|pair| place == pair.begin.start || place == pair.commit.start);
            if let Some(pair) = pair {
                if place == pair.begin.start {
                    match modes(statement.text).unwrap_or_default().as_slice() {
                        [] => {
                            let part = if pair.is_whole {
                                "the whole"
                            } else {
                                "a part of the"
                            };
                            let message =
                                format!("BEGIN and COMMIT around {part} file change nothing");
                            self.hits.push(Hit::new(&mode::WRAPPED, span, message));
                        }
                        modes if modes.contains(&Mode::ReadOnly) => {
                            self.hits.push(Hit::new(&mode::READ_ONLY, span, READ_ONLY));
                        }
                        _ => {}
                    }
                }
                continue;
            }
            *is_empty = false;
            if let Some(rows) = &statement.rows {
                // They are no SQL, and neither is the line that ends them.
                let first = start + rows.start;
                self.unreadable
                    .push((first, start + statement.end - first).into());
                end = start + statement.end;
            }
            if let Some((rule, message)) = misfit(&statement, directives) {
                let hit = Hit::new(rule, span, message);
                // What says more than BEGIN wants more than a transaction.
                let opens = modes(statement.text).is_some_and(|modes| !modes.is_empty());
                self.hits.push(if opens && directives.transaction {
                    hit.rewrite(mode::CHOOSE)
                } else {
                    hit
                });
            }
        }
        let skipped = statements.skipped().into_iter();
        self.unreadable
            .extend(skipped.map(|line| Span::from((start + line.start, line.len()))));
        None
    }
}

fn misfit(statement: &Statement<'_>, directives: &Directives) -> Option<(&'static Rule, String)> {
    let words: Vec<&str> = statement.words.iter().map(String::as_str).collect();
    if words == ["discard", "all"] {
        let message = "DISCARD ALL forgets what this run has told the session";
        return Some((&mode::UNLOCKS_RUN, message.to_owned()));
    }
    if names(statement.text, "pg_advisory_unlock_all") {
        let message = "pg_advisory_unlock_all() gives away what marks this session as one of a run";
        return Some((&mode::UNLOCKS_RUN, message.to_owned()));
    }
    if is_transaction_control(statement) {
        let word = words[0].to_uppercase();
        return Some((
            &mode::TRANSACTION_CONTROL,
            if directives.transaction {
                format!(
                    "{word} does not belong in a migration: each one is a transaction of its own"
                )
            } else {
                format!("{word} does not belong in a migration: this one asks for no transaction")
            },
        ));
    }
    if words.first() == Some(&"copy")
        && words
            .windows(2)
            .any(|pair| matches!(pair, ["to", "stdout"]))
    {
        let message = "a migration has nobody to whom COPY could give rows";
        return Some((&form::COPY_TO_CLIENT, message.to_owned()));
    }
    if directives.transaction && sets_modes(statement) {
        if is_read_only(&words) {
            return Some((&mode::READ_ONLY, READ_ONLY.to_owned()));
        }
        let message = "SET TRANSACTION comes too late behind detach-policies";
        return (!directives.detached.is_empty())
            .then(|| (&mode::ASKED_BEFORE, message.to_owned()));
    }
    if directives.transaction {
        let what = outside_only(&words, statement.text)?;
        Some((
            &mode::NEEDS_NO_TRANSACTION,
            format!("{what} cannot run in a transaction"),
        ))
    } else {
        let is_concurrent = matches!(
            words.as_slice(),
            ["create", "index", "concurrently", ..]
                | ["create", "unique", "index", "concurrently", ..]
        );
        if is_concurrent && step::concurrent_index(statement).is_none() {
            return Some((
                &mode::CONCURRENT_WITHOUT_NAME,
                "this index has no name of its own".to_owned(),
            ));
        }
        let what = inside_only(&words)?;
        Some((
            &mode::NEEDS_TRANSACTION,
            format!("{what} does nothing outside of a transaction"),
        ))
    }
}

const READ_ONLY: &str = "a transaction that is read-only cannot be remembered in the history";

/// Whether a statement that says what kind of transaction it is in says that it writes nothing.
fn is_read_only(words: &[&str]) -> bool {
    words.windows(2).any(|pair| pair == ["read", "only"])
        || words.contains(&"transaction_read_only")
            && !["off", "false", "no", "0"]
                .iter()
                .any(|no| words.contains(no))
}

/// Whether a statement names this, outside of strings and comments.
fn names(text: &str, name: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    // Most texts need no closer look.
    lower.contains(name) && {
        let mut from = 0;
        tokenize(&lower).any(|token| {
            let word = &lower[from..from + token.len as usize];
            from += token.len as usize;
            word.trim_matches('"') == name
        })
    }
}

/// What PostgreSQL refuses inside a transaction, by name.
pub(super) fn outside_only(words: &[&str], text: &str) -> Option<&'static str> {
    let says = |word: &str| {
        let text = text.to_ascii_lowercase();
        text.split(|letter: char| !letter.is_alphanumeric() && letter != '_')
            .any(|other| other == word)
    };
    Some(match words {
        ["create", "index", "concurrently", ..]
        | ["create", "unique", "index", "concurrently", ..] => "CREATE INDEX CONCURRENTLY",
        ["drop", "index", "concurrently", ..] => "DROP INDEX CONCURRENTLY",
        ["reindex", "database" | "system" | "schema", ..] => "REINDEX of more than a table",
        // Its options may stand in parentheses.
        ["reindex", ..] if says("concurrently") => "REINDEX CONCURRENTLY",
        ["alter", "table", .., "concurrently"] if says("detach") => "DETACH PARTITION CONCURRENTLY",
        ["vacuum", ..] => "VACUUM",
        ["create", "database", ..] => "CREATE DATABASE",
        ["drop", "database", ..] => "DROP DATABASE",
        ["alter", "database", rest @ ..]
            if rest.windows(2).any(|pair| pair == ["set", "tablespace"]) =>
        {
            "ALTER DATABASE SET TABLESPACE"
        }
        ["alter", "system", ..] => "ALTER SYSTEM",
        ["create", "tablespace", ..] => "CREATE TABLESPACE",
        ["drop", "tablespace", ..] => "DROP TABLESPACE",
        // Without a slot of its own it can.
        ["create", "subscription", ..] if !says("create_slot") && !says("connect") => {
            "CREATE SUBSCRIPTION"
        }
        ["cluster"] | ["cluster", "verbose"] if !text.contains('"') => "CLUSTER of all tables",
        ["discard", "all"] => "DISCARD ALL",
        _ => return None,
    })
}

/// What PostgreSQL refuses or ignores outside of a transaction, by name.
fn inside_only(words: &[&str]) -> Option<&'static str> {
    Some(match words {
        ["lock", ..] => "LOCK TABLE",
        ["savepoint", ..] => "SAVEPOINT",
        ["release", ..] => "RELEASE",
        ["rollback", ..] => "ROLLBACK TO",
        ["set", "local", ..] => "SET LOCAL",
        ["set", "transaction", ..] => "SET TRANSACTION",
        ["set", "constraints", ..] => "SET CONSTRAINTS",
        ["declare", rest @ ..] if !rest.windows(2).any(|pair| pair == ["with", "hold"]) => {
            "DECLARE CURSOR"
        }
        _ => return None,
    })
}

fn flawed(flaw: &Flaw, offset: usize) -> Hit {
    let span = (offset, flaw.length).into();
    match flaw.kind {
        FlawKind::PsqlCommand => Hit::new(
            &form::PSQL_COMMAND,
            span,
            "this is a command for psql, which a migration cannot hold",
        ),
        FlawKind::Unterminated(what) => {
            let hit = Hit::new(&form::UNTERMINATED, span, format!("this {what} has no end"));
            if what == "COPY" {
                hit.rewrite("end its rows with a line that is `\\.`")
            } else {
                hit
            }
        }
    }
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
        let migration =
            Migration::new(1, "x".to_owned(), "001_x.sql", path, sql.to_owned()).expect("fits");
        let error = check(&migration).err()?;
        explain(&error)
            .excerpt
            .map(|excerpt| (excerpt.line, excerpt.column))
    }

    #[test]
    fn what_would_break_the_promise_is_refused_with_its_place() {
        for (sql, place) in [
            ("select 1;\n  COMMIT;\nselect 2;", (2, 3)),
            ("begin;\ncreate table a();\nrollback;", (1, 1)),
            ("begin isolation level serializable;\nselect 1;", (1, 1)),
            ("begin read only;\nselect 1;\ncommit;", (1, 1)),
            (
                "select 1; set transaction isolation level serializable, read only",
                (1, 11),
            ),
            ("set local transaction_read_only = on", (1, 1)),
            (
                "-- toysoldiers: detach-policies a\nset transaction isolation level serializable;",
                (2, 1),
            ),
            ("begin; begin; commit; commit;", (1, 1)),
            ("commit; select 1; begin;", (1, 1)),
            ("select 1; begin; commit; rollback;", (1, 11)),
            ("select 1; begin read write; select 2; commit;", (1, 11)),
            (
                "begin; alter type mood add value 'x'; commit; insert into t values ('x');",
                (1, 69),
            ),
            (
                "alter type \"Mood\" add value if not exists 'x'; begin; select 1; end; select 'x';",
                (1, 77),
            ),
            ("begin; set local role a; commit; select 1;", (1, 8)),
            (
                "begin; select set_config('search_path', 'a', true); commit; select 1;",
                (1, 8),
            ),
            (
                "begin; create temp table a (b text) on commit drop; commit; select 1;",
                (1, 8),
            ),
            ("start transaction;", (1, 1)),
            ("rollback;", (1, 1)),
            ("rollback and chain", (1, 1)),
            ("/* x */ end", (1, 9)),
            ("prepare transaction 'x'", (1, 1)),
            ("copy a(id) from stdin;\n1\n2\nselect 1;", (1, 1)),
            ("copy (select 1) to stdout with csv", (1, 1)),
            ("create table a(id int);\n\\i other.sql\n", (2, 1)),
            ("select 1;\nselect $$abc;", (2, 8)),
            ("-- toysoldiers: no-transactoin\nvacuum;", (1, 17)),
        ] {
            assert_eq!(verdict(sql), Some(place), "{sql}");
        }
    }

    #[test]
    fn what_only_looks_like_it_passes() {
        for sql in [
            "",
            "-- commit;",
            "select pg_advisory_unlock(1), 'pg_advisory_unlock_all' -- pg_advisory_unlock_all()",
            "select 'commit'; select $$ begin; commit; $$;",
            "savepoint a; rollback to savepoint a; rollback to a; release a;",
            "create function f() returns int language sql begin atomic select 1; end;",
            "do $$ begin null; end $$;",
            "copy a from '/tmp/x'; copy a to program 'cat'",
            "create table commits(\"end\" int)",
            "begin;\ncreate table a();\ncommit;",
            "begin isolation level serializable;\nselect 1;\ncommit;",
            "-- toysoldiers: detach-policies a\nbegin isolation level serializable;\nselect 1;\ncommit;",
            "set transaction isolation level repeatable read; select 1;",
            "set transaction_read_only = off; set transaction not deferrable",
            "-- why\nSTART TRANSACTION; select 1; END WORK",
            "select 1; begin; select 2; commit; select 3; start transaction; select 4; end;",
            "begin; commit; begin; commit;",
            "begin; alter type mood add value 'x'; commit; insert into t values ('y');",
            "begin; create type mood as enum ('y'); alter type mood add value 'x'; commit; select 'x';",
            "select 1; begin; set local role a; commit;",
            "reindex table a; cluster a; cluster a using b; refresh materialized view concurrently v",
            "create table concurrently(vacuum int); alter type t add value 'x'; discard temp",
            "create subscription s connection '' publication p with (create_slot = false)",
            "copy a(id) from stdin;\n1\n2\n\\.\nselect 1;",
            "\\restrict abc\nselect 1;\n\\unrestrict abc\n",
            "-- toysoldiers: no-transaction\nvacuum;",
        ] {
            assert_eq!(verdict(sql), None, "{sql}");
        }
    }

    #[test]
    fn what_cannot_run_in_a_transaction_is_known() {
        for sql in [
            "create index concurrently a_b on a(b)",
            "CREATE UNIQUE INDEX CONCURRENTLY ON a(b)",
            "drop index concurrently a",
            "reindex (verbose, concurrently) table a",
            "reindex index concurrently a",
            "reindex schema public",
            "alter table only a detach partition b concurrently",
            "vacuum (analyze) a",
            "create database x",
            "drop database x",
            "alter database \"x\" set tablespace y",
            "alter system set x = 1",
            "create tablespace x location '/x'",
            "create subscription s connection '' publication p",
            "cluster",
            "discard all",
        ] {
            assert_eq!(verdict(sql), Some((1, 1)), "{sql}");
        }
    }

    #[test]
    fn what_means_nothing_outside_of_a_transaction_is_known() {
        for sql in [
            "lock table a",
            "savepoint a",
            "release a",
            "rollback to a",
            "set local role x",
            "set constraints all deferred",
            "declare c cursor for select 1",
            "begin",
            "discard all",
            "Select pg_catalog.PG_advisory_unlock_all()",
            "select \"pg_advisory_unlock_all\"()",
        ] {
            let text = format!("-- toysoldiers: no-transaction\n{sql};");
            let found = look(&text, &directive::read(&text));
            let levels: Vec<Level> = found.hits.iter().map(|hit| hit.rule.level).collect();
            assert_eq!(levels, [Level::Error], "{sql}");
        }
        let text = "-- toysoldiers: no-transaction\nvacuum; set role x; declare c cursor with hold for select 1";
        assert!(look(text, &directive::read(text)).hits.is_empty());
    }

    #[test]
    fn everything_is_found_and_what_is_no_sql_is_left_out() {
        let text = "\\set x 1\ncopy a from stdin;\n1\\t2\n\\.\ncommit;\n\\i x\nselect 'a";
        let found = look(text, &directive::read(text));
        let names: Vec<&str> = found.hits.iter().map(|hit| hit.rule.name).collect();
        assert_eq!(
            names,
            [
                "psql-command",
                "transaction-control",
                "psql-command",
                "unterminated"
            ]
        );
        let mut left = String::new();
        for (offset, letter) in text.char_indices() {
            if !found.unreadable.iter().any(|span| span.holds(offset)) {
                left.push(letter);
            }
        }
        assert_eq!(left, "\ncopy a from stdin;\ncommit;");
    }
}
