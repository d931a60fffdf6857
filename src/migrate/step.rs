//! The statements of a file that runs without a transaction: each is remembered when it is done.
//!
//! Whatever can be a transaction is one, together with its own mark, so that it is done and marked or neither. The
//! few statements that cannot are marked before they begin and again when they are done.

use sha2::{Digest, Sha256};

use super::diff::{Entry, Standing};
use super::engine::Work;
use super::file::Migration;
use super::history::History;
use super::preflight;
use crate::bookkeeping;
use crate::error::{Error, Excerpt, Result, command};
use crate::pg::ident;
use crate::pg::sql::Statement;
use crate::pg::{Db, Query};
use crate::plan::hex;

crate::row! {
    /// A statement of a migration that is not at its end.
    #[derive(PartialEq, Eq)]
    pub struct Step {
        /// Number of the migration.
        pub version: i64,
        /// The how-manieth statement it is, from 1.
        pub number: i32,
        /// Hash of its text and its rows.
        pub hash: String,
        /// Its text.
        pub text: String,
        /// Whether it came to its end; if not, nobody saw how it ended.
        pub finished: bool,
    }
}

static STEPS: Query<Step> = crate::query!("migrate/steps");

/// The statements that were begun of all migrations that are not at their end; a database that is older has none.
pub async fn read(db: &Db) -> Result<Vec<Step>> {
    Ok(bookkeeping::absent_is_none(db.all(&STEPS, &[]).await)?.unwrap_or_default())
}

/// How far a file came before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progressed {
    /// How many of its statements are done.
    pub done: usize,
    /// Whether the next one was begun, and how it ended is not known.
    pub begun: bool,
    /// How many there are.
    pub total: usize,
}

/// How far a file came, or why it cannot go on: what was done is not what it says any more.
pub(super) fn progressed(work: &Work<'_>, steps: &[Step]) -> Result<Progressed, Box<Error>> {
    let migration = work.migration;
    let done = steps.iter().take_while(|step| step.finished).count();
    if work.directives.transaction {
        return Err(Box::new(halfway(
            migration,
            done,
            "asks for a transaction now",
        )));
    }
    // One at a time: there may be millions.
    let mut statements = work.script.all();
    for (index, step) in steps.iter().take(done).enumerate() {
        let statement = statements.next();
        let statement = statement.as_ref();
        let same = usize::try_from(step.number).is_ok_and(|number| number == index + 1)
            && statement.is_some_and(|statement| hash(work, statement) == step.hash);
        if !same {
            let error = halfway(migration, done, "was changed");
            return Err(Box::new(match statement {
                Some(statement) => {
                    let length = statement.text.lines().next().map_or(0, str::len);
                    let path = &migration.path;
                    let place = Excerpt::new(path, migration.sql(), statement.start, length);
                    error
                        .because(Error::failed("this is not the statement that ran"))
                        .at(place)
                }
                None => error,
            }));
        }
    }
    Ok(Progressed {
        done,
        begun: steps.len() > done,
        total: done + statements.count(),
    })
}

fn halfway(migration: &Migration, done: usize, what: &str) -> Error {
    let (path, title) = (&migration.path, migration.title());
    let ran = if done == 1 {
        "its first statement".to_owned()
    } else {
        format!("its first {done} statements")
    };
    Error::failed(format!("{path} {what} after {ran} had run")).hint(
        command(format!("migrate repair {title} --done"))
            .hint("make the file what it was; or say what became of it with {} or `--undone`"),
    )
}

/// Says of every migration that was begun and is not at its end how it stands.
pub(super) fn mark(entries: &mut Vec<Entry>, files: &[Migration], history: &History) {
    let mut versions: Vec<i64> = history.begun.iter().map(|step| step.version).collect();
    versions.dedup();
    for version in versions {
        let steps = history.begun_of(version);
        let done = steps.iter().take_while(|step| step.finished).count();
        let place = entries.binary_search_by_key(&version, |entry| entry.version);
        let index = match place {
            Ok(index) => index,
            Err(index) => {
                entries.insert(index, Entry::gone_halfway(version));
                index
            }
        };
        let entry = &mut entries[index];
        let file = files.iter().find(|file| file.version == version);
        entry.statements_done = Some(done);
        entry.standing = match (entry.standing, file) {
            (Standing::Pending | Standing::Late, Some(file)) => {
                match (progressed(&Work::of(file), &steps), entry.standing) {
                    (Err(_), _) => Standing::ChangedHalfway,
                    (Ok(_), Standing::Pending) => Standing::Unfinished,
                    (Ok(_), late) => late,
                }
            }
            (standing, _) => standing,
        };
    }
}

pub(super) fn hash(work: &Work<'_>, statement: &Statement<'_>) -> String {
    let mut hasher = Sha256::new();
    hasher.update(statement.text);
    if let Some(rows) = &statement.rows {
        hasher.update(&work.script.text[rows.clone()]);
    }
    hex(hasher.finalize())
}

/// What is to be done about a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// In a transaction with its mark.
    Marked,
    /// By itself: PostgreSQL wants no transaction around it, or it ends the one it is in.
    Bare,
}

pub(super) fn way(statement: &Statement<'_>) -> Way {
    let words: Vec<&str> = statement.words.iter().map(String::as_str).collect();
    let may_commit = || {
        let text = statement.text.to_ascii_lowercase();
        text.contains("commit") || text.contains("rollback")
    };
    match words.as_slice() {
        ["call", ..] => Way::Bare,
        ["do", ..] if may_commit() => Way::Bare,
        _ if preflight::outside_only(&words, statement.text).is_some() => Way::Bare,
        _ => Way::Marked,
    }
}

/// Whether it changes nothing but the session, and has to be said again in another one.
pub(super) fn is_setting(statement: &Statement<'_>) -> bool {
    match statement.words.first().map(String::as_str) {
        Some("set" | "reset" | "load") => true,
        Some("select") => statement.text.to_ascii_lowercase().contains("set_config"),
        _ => false,
    }
}

/// An index that is built without stopping anybody: its schema, if it is said, and its name.
pub(super) fn concurrent_index(statement: &Statement<'_>) -> Option<(Option<String>, String)> {
    let words: Vec<&str> = statement.words.iter().map(String::as_str).collect();
    let is_one = matches!(
        words.as_slice(),
        ["create", "index", "concurrently", ..] | ["create", "unique", "index", "concurrently", ..]
    );
    if !is_one {
        return None;
    }
    let lower = statement.text.to_ascii_lowercase();
    let mut rest = &statement.text[lower.find("concurrently")? + "concurrently".len()..];
    rest = rest.trim_start();
    for word in ["if", "not", "exists"] {
        if rest
            .get(..word.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(word))
            && rest[word.len()..].starts_with(char::is_whitespace)
        {
            rest = rest[word.len()..].trim_start();
        }
    }
    // An index is made in the schema of its table, which may be said.
    let (name, after) = ident::first(rest)?;
    if name.eq_ignore_ascii_case("on") && !rest.starts_with('"') {
        return None;
    }
    let mut table = after.trim_start();
    for word in ["on", "only"] {
        if table
            .get(..word.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(word))
            && table[word.len()..].starts_with(char::is_whitespace)
        {
            table = table[word.len()..].trim_start();
        }
    }
    let schema = ident::first(table)
        .filter(|(_, after)| after.trim_start().starts_with('.'))
        .map(|(schema, _)| schema);
    Some((schema, name))
}

/// What `REINDEX CONCURRENTLY` of an index or a table rebuilds, as it is written.
pub(super) fn reindexed<'a>(statement: &Statement<'a>) -> Option<&'a str> {
    let words: Vec<&str> = statement.words.iter().map(String::as_str).collect();
    if !matches!(words.as_slice(), ["reindex", "index" | "table", ..]) || !stops_nobody(statement) {
        return None;
    }
    // The name comes last.
    let mut is_quoted = false;
    let start = statement.text.rfind(|letter: char| {
        is_quoted ^= letter == '"';
        !is_quoted && letter.is_whitespace()
    })?;
    Some(statement.text[start..].trim_start())
}

/// What brings a partition to its end that was left half detached.
pub(super) fn finalizing(statement: &Statement<'_>) -> Option<String> {
    let words: Vec<&str> = statement.words.iter().map(String::as_str).collect();
    let is_one = matches!(words.as_slice(), ["alter", "table", .., "concurrently"])
        && preflight::outside_only(&words, statement.text).is_some();
    let end = statement.text.len().checked_sub("concurrently".len())?;
    let rest = statement.text.get(..end).filter(|_| is_one)?;
    Some(format!("{rest}finalize"))
}

/// Whether the server's refusal of a statement that was begun before says that it came to its end then: what it was
/// to make is there, or what it was to take away is not.
pub(super) fn is_done(statement: &Statement<'_>, code: &str) -> bool {
    match statement.words.first().map(String::as_str) {
        Some("create") => ["42P07", "42710", "42P04"].contains(&code),
        Some("drop") => ["42704", "3D000"].contains(&code),
        // A partition that is none any more.
        Some("alter") => code == "42P01",
        _ => false,
    }
}

/// Waiting for a lock, it keeps nobody from reading or writing.
pub(super) fn stops_nobody(statement: &Statement<'_>) -> bool {
    let words: Vec<&str> = statement.words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["create", "unique", "index", ..] | ["create" | "drop", "index", ..] => true,
        ["reindex", ..] => statement.text.to_ascii_lowercase().contains("concurrently"),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pg::sql::statements;

    fn only(text: &str) -> Statement<'_> {
        statements(text)
            .next()
            .expect("is one")
            .expect("is well formed")
    }

    #[test]
    fn the_name_of_an_index_is_found() {
        let found = |text: &str| {
            concurrent_index(&only(text)).map(|(schema, name)| {
                schema.map_or_else(|| name.clone(), |schema| format!("{schema}.{name}"))
            })
        };
        for (sql, name) in [
            ("create index concurrently a_b on a(b)", Some("a_b")),
            (
                "CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS A_b ON only Public . a (b)",
                Some("public.a_b"),
            ),
            (
                "create index concurrently \"On\" on \"S\".a(b)",
                Some("S.On"),
            ),
            ("create index concurrently on a(b)", None),
            ("create index a on b(c)", None),
            ("reindex index concurrently a", None),
        ] {
            assert_eq!(found(sql).as_deref(), name, "{sql}");
        }
    }

    #[test]
    fn the_name_of_what_is_rebuilt_is_found() {
        for (sql, name) in [
            ("reindex index concurrently a", Some("a")),
            (
                "REINDEX (tablespace index, concurrently) TABLE \"S s\".\"T \"\" t\"",
                Some("\"S s\".\"T \"\" t\""),
            ),
            ("reindex table a", None),
            ("reindex schema concurrently a", None),
            ("create index concurrently a on b(c)", None),
        ] {
            assert_eq!(reindexed(&only(sql)), name, "{sql}");
        }
    }

    #[test]
    fn a_partition_half_detached_is_brought_to_its_end() {
        let of = |sql: &str| finalizing(&only(sql));
        assert_eq!(
            of("ALTER TABLE a DETACH PARTITION b CONCURRENTLY;").as_deref(),
            Some("ALTER TABLE a DETACH PARTITION b finalize")
        );
        assert_eq!(of("alter table a detach partition b"), None);
        assert_eq!(of("vacuum"), None);
    }

    #[test]
    fn only_what_made_a_thing_can_have_made_it() {
        for (sql, code, expected) in [
            ("create index concurrently a on b(c)", "42P07", true),
            ("create index concurrently a on b(c)", "42P01", false),
            ("drop index concurrently a", "42704", true),
            (
                "alter table a detach partition b concurrently",
                "42P01",
                true,
            ),
            ("vacuum a", "42P01", false),
            ("call p()", "42P07", false),
        ] {
            assert_eq!(is_done(&only(sql), code), expected, "{sql}");
        }
    }

    #[test]
    fn what_can_be_a_transaction_is_one() {
        for (sql, expected) in [
            ("create table a()", Way::Marked),
            ("do $$ begin null; end $$", Way::Marked),
            ("do $$ begin commit; end $$", Way::Bare),
            ("call p()", Way::Bare),
            ("vacuum a", Way::Bare),
            ("create index concurrently a on b(c)", Way::Bare),
            ("copy a from stdin;\n\\.\n", Way::Marked),
        ] {
            assert_eq!(way(&only(sql)), expected, "{sql}");
        }
    }
}
