//! What pg_dump tells apart and our own queries do not: a net under them.
//!
//! pg_dump writes both databases, and what it writes is compared entry by entry. Whatever our queries read is theirs, and
//! so is everything of a relation that they have found to differ. Deliberately absent: what may hold passwords, as
//! subscriptions and user mappings do, and what belongs to the platform or the whole server.

use std::collections::{BTreeMap, BTreeSet};

use super::HISTORIES;
use crate::error::{self, Result};
use crate::migrate::heading::{Heading, headings};
use crate::pg::catalog::Catalog;
use crate::pg::catalog::diff::{Difference, State};
use crate::pg::tools::Programs;
use crate::pg::{Db, child};

/// What pg_dump wrote of a database, by kind, schema and name.
#[derive(Debug, Default)]
pub struct Dump(BTreeMap<(String, String, String), Vec<String>>);

/// Entries that our queries tell of, and those that are nobody's to compare.
const ELSEWHERE: [&str; 9] = [
    "SCHEMA",
    "EXTENSION",
    "DEFAULT ACL",
    "EVENT TRIGGER",
    "SUBSCRIPTION",
    "SUBSCRIPTION TABLE",
    "USER MAPPING",
    "BLOB",
    "BLOB METADATA",
];

/// What comments are on that are nobody's to compare.
const UNSAID: [&str; 6] = [
    "SCHEMA ",
    "EXTENSION ",
    "EVENT TRIGGER ",
    "SUBSCRIPTION ",
    "DATABASE ",
    "LARGE OBJECT ",
];

/// What rights are on that our queries do not read.
const GRANTED: [&str; 3] = ["LANGUAGE ", "FOREIGN SERVER ", "FOREIGN DATA WRAPPER "];

/// Has pg_dump write it; the reason if it cannot.
pub async fn read(db: &Db, programs: &Programs) -> Result<Dump, String> {
    if !db.pooling().keeps_sessions() {
        return Err(
            "pg_dump wants a session, and there is a pooler in transaction mode".to_owned(),
        );
    }
    let told = |error: anyhow::Error| {
        let told = error::explain(&error);
        let causes = told.causes.into_iter();
        let all: Vec<String> = std::iter::once(told.message).chain(causes).collect();
        all.join(": ")
    };
    let tool = programs
        .for_server("pg_dump", db.server_major())
        .map_err(told)?;
    let dump = child::read_beside(db, &tool, |command| {
        command
            .args(["--schema-only", "--no-owner", "--no-tablespaces"])
            .args(["--no-password", "--no-sync", "--encoding=UTF8"])
            .args(["--no-security-labels", "--exclude-schema=toysoldiers"])
            // It must not queue in front of everyone for long.
            .arg(format!(
                "--lock-wait-timeout={}",
                db.lock_timeout().as_millis()
            ));
    });
    let dump = dump.await.map_err(|error| told(error.into()))?;
    Ok(Dump::of(&String::from_utf8_lossy(&dump)))
}

impl Dump {
    fn of(text: &str) -> Self {
        let mut dump = Self::default();
        let mut entry: Option<&mut Vec<String>> = None;
        let mut headings = headings(text).peekable();
        let mut at = 0;
        for line in text.split_inclusive('\n') {
            let start = at;
            at += line.len();
            if let Some(heading) = headings.next_if(|heading| heading.start == start) {
                entry = key(heading).map(|key| dump.0.entry(key).or_default());
                continue;
            }
            let line = line.trim_end_matches(['\n', '\r']);
            if let Some(lines) = &mut entry
                && !is_between(line)
            {
                lines.push(line.trim_end().to_owned());
            }
        }
        for ((kind, ..), lines) in &mut dump.0 {
            if matches!(kind.as_str(), "table" | "foreign table" | "rights") {
                // A column that was added later stands elsewhere, and nothing moves it.
                for line in lines.iter_mut() {
                    *line = line.trim().trim_end_matches(',').to_owned();
                }
                lines.sort();
            }
        }
        dump
    }

    /// What differs of schemas that `expected` speaks of and nobody has told yet.
    pub fn differences(
        &self,
        found: &Self,
        expected: &Catalog,
        told: &[&Difference],
    ) -> Vec<Difference> {
        let known = expected.schemas();
        let itself: BTreeSet<(&str, &str)> = told
            .iter()
            .map(|one| (one.kind.as_str(), one.name.as_str()))
            .collect();
        let told = told.iter().flat_map(|one| words(&one.name));
        let told = told.chain(HISTORIES);
        let told: BTreeSet<&str> = told.filter(|word| !known.contains(word)).collect();
        let keys: BTreeSet<_> = self.0.keys().chain(found.0.keys()).collect();
        let mut differences = Vec::new();
        for key in keys {
            let (kind, schema, name) = key;
            let (one, other) = (self.0.get(key), found.0.get(key));
            let is_known = schema == "-" || schema == "public" || known.contains(schema.as_str());
            let lines = one.into_iter().chain(other).flatten();
            // A sequence, say, stands and falls with the column it counts for.
            let tables = lines.filter_map(|line| line.strip_prefix("ALTER TABLE "));
            let tables =
                tables.filter_map(|rest| rest.trim_start_matches("ONLY ").split(' ').next());
            let own = (schema != "-").then_some(name.as_str());
            let mut names = own.into_iter().chain(tables).flat_map(words);
            let is_told = names.any(|word| told.contains(word))
                || itself.contains(&(kind.as_str(), name.as_str()));
            if one == other || !is_known || is_told {
                continue;
            }
            differences.push(Difference {
                state: match (one, other) {
                    (Some(_), Some(_)) => State::Changed,
                    (_, None) => State::Missing,
                    (None, _) => State::Extra,
                },
                kind: kind.clone(),
                name: if schema == "-" {
                    name.clone()
                } else {
                    format!("{schema}.{name}")
                },
                declared: one.cloned(),
                found: other.cloned(),
            });
        }
        differences
    }
}

/// The names in a name: `own on public.tips`, `tips own`.
fn words(name: &str) -> impl Iterator<Item = &str> {
    let name = name.split('(').next().unwrap_or(name);
    let words = name.split([' ', '.', '"']);
    // Those of words between them, and of the schema all have, tell nothing.
    words.filter(|word| {
        ![
            "", "on", "of", "in", "to", "public", "table", "the", "owner",
        ]
        .contains(word)
    })
}

/// Kind, schema and name; nothing if nobody compares it.
fn key(heading: Heading<'_>) -> Option<(String, String, String)> {
    let Heading {
        name, kind, schema, ..
    } = heading;
    let begins = |words: &[&str]| words.iter().any(|word| name.starts_with(word));
    let is_left_out = match kind {
        "ACL" => !begins(&GRANTED),
        "COMMENT" => begins(&UNSAID),
        // What Supabase brings is nobody's to declare.
        kind => {
            ELSEWHERE.contains(&kind) || (kind.starts_with("PUBLICATION") && begins(&["supabase_"]))
        }
    };
    if is_left_out {
        return None;
    }
    let kind = match kind {
        "ACL" => "rights".to_owned(),
        kind => kind.to_lowercase(),
    };
    Some((kind, schema.to_owned(), name.to_owned()))
}

/// What stands between entries: blanks, frames of headers, settings for what follows, and the end.
fn is_between(line: &str) -> bool {
    let line = line.trim_end();
    line.is_empty()
        || line == "--"
        || line.starts_with("SET default_")
        || line.starts_with("\\restrict ")
        || line.starts_with("\\unrestrict ")
        || line == "-- PostgreSQL database dump complete"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pg::catalog::Object;

    const TEXT: &str = "\\restrict abc

SET default_table_access_method = heap;

--
-- Name: t; Type: TABLE; Schema: app; Owner: -
--

CREATE TABLE app.t (
    id bigint NOT NULL,
    n integer
);


--
-- Name: t_id_seq; Type: SEQUENCE; Schema: app; Owner: -
--

ALTER TABLE app.t ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME app.t_id_seq
);


--
-- Name: CAST (app.pair AS text); Type: CAST; Schema: -; Owner: -
--

CREATE CAST (app.pair AS text) WITH INOUT;


--
-- Name: USER MAPPING me SERVER s; Type: USER MAPPING; Schema: -; Owner: -
--

CREATE USER MAPPING FOR me SERVER s OPTIONS (password 'secret');


--
-- PostgreSQL database dump complete
--

\\unrestrict abc
";

    fn told(here: &str, there: &str, names: &[&str]) -> Vec<String> {
        let schema = Object {
            kind: "schema".to_owned(),
            schema: Some("app".to_owned()),
            name: "app".to_owned(),
            parent: None,
            lines: Vec::new(),
        };
        let expected: Catalog = std::iter::once(schema).collect();
        let told = names.iter().map(|name| Difference {
            state: State::Changed,
            kind: "table".to_owned(),
            name: (*name).to_owned(),
            declared: None,
            found: None,
        });
        let told: Vec<Difference> = told.collect();
        let told: Vec<&Difference> = told.iter().collect();
        let differences = Dump::of(here).differences(&Dump::of(there), &expected, &told);
        differences
            .iter()
            .map(|one| format!("{} {}", one.state.word(), one.object()))
            .collect()
    }

    #[test]
    fn entries_are_compared_and_what_holds_passwords_is_not_kept() {
        assert!(!format!("{:?}", Dump::of(TEXT)).contains("secret"));
        assert_eq!(told(TEXT, TEXT, &[]), [""; 0]);
        let other = TEXT.replace("WITH INOUT", "WITHOUT FUNCTION");
        let cast = "cast CAST (app.pair AS text)";
        assert_eq!(told(TEXT, &other, &["app.t"]), [format!("changed {cast}")]);
        let without = TEXT.replace("Type: CAST", "Type: USER MAPPING");
        assert_eq!(told(TEXT, &without, &[]), [format!("missing {cast}")]);
        assert_eq!(told(&without, TEXT, &[]), [format!("extra {cast}")]);
    }

    #[test]
    fn what_was_told_of_a_table_is_not_told_again() {
        let other = TEXT
            .replace("BY DEFAULT", "ALWAYS")
            .replace("n integer", "n bigint");
        assert_eq!(
            told(TEXT, &other, &[]),
            ["changed sequence app.t_id_seq", "changed table app.t"]
        );
        assert_eq!(told(TEXT, &other, &["own on app.t"]), [""; 0]);
        assert_eq!(told(TEXT, &other, &["app.u"]).len(), 2);
    }

    #[test]
    fn columns_may_stand_anywhere() {
        let turned = TEXT.replace(
            "    id bigint NOT NULL,\n    n integer\n",
            "    n integer,\n    id bigint NOT NULL\n",
        );
        assert_ne!(turned, TEXT);
        assert_eq!(told(TEXT, &turned, &[]), [""; 0]);
    }
}
