//! What pg_dump wrote, made the same for the same database: without what tells when and by which version it was
//! written, with the rights in one order, and without secrets.

mod origin;
mod secret;

use std::borrow::Cow;

use crate::pg::sql::{self, Flaw};
use origin::Origin;

/// The first lines of the file.
const HEAD: &str = "-- The schema of the database, written by `toysoldiers migrate dump`.\n\
    -- Migrations change the database; nobody changes this file.\n\n";

/// Settings that some versions make and others do not, or that would undo the limits of `migrate up`.
const SETTINGS: [&str; 6] = [
    "statement_timeout",
    "lock_timeout",
    "idle_in_transaction_session_timeout",
    "transaction_timeout",
    "client_min_messages",
    "default_tablespace",
];

/// What pg_dump writes around everything, and where it says that it makes no schema.
const SILENT: [&str; 3] = [
    "--\n-- PostgreSQL database dump complete\n--\n",
    "--\n-- PostgreSQL database dump\n--\n",
    // It is there or not by who owns the schema, and owners are left out.
    "--\n-- Name: public; Type: SCHEMA; Schema: -; Owner: -\n--\n\n-- *not* creating schema, since initdb creates it\n",
];

/// The text of the file.
#[derive(Debug)]
pub struct Settled {
    /// All of it.
    pub text: String,
    /// What is in the database and, being a secret, not in the text: `the option password of USER MAPPING ...`.
    pub masked: Vec<String>,
}

/// A statement, and what stands before it.
struct Piece<'a> {
    between: &'a str,
    text: Cow<'a, str>,
    words: Vec<String>,
}

/// What of a dump is the same whoever writes it. An error says where it cannot be read.
pub fn settled(dump: &str) -> Result<Settled, Flaw> {
    let origin = Origin::of(dump);
    let dump = without_restriction(dump);
    let mut masked = Vec::new();
    let mut end = 0;
    let mut pieces: Vec<Piece<'_>> = Vec::new();
    for statement in sql::statements(&dump) {
        let statement = statement?;
        let between = &dump[end..statement.start];
        end = (statement.start + statement.text.len() + 1).min(dump.len());
        let mut text = origin.usual(&statement);
        if let Some(found) = secret::masked(&text, &statement.words) {
            masked.push(found.what);
            text = Cow::Owned(found.text);
        }
        pieces.push(Piece {
            between,
            text,
            words: statement.words,
        });
    }
    origin.settle_public(&mut pieces);
    let mut text = HEAD.to_owned();
    let mut rest = pieces.as_mut_slice();
    while !rest.is_empty() {
        let (group, others) = rest.split_at_mut(rights(rest));
        let betweens: Vec<&str> = group.iter().map(|piece| piece.between).collect();
        // First what is taken away, then what is given: PostgreSQL keeps rights in the order in which they were given.
        group.sort_by(|one, other| {
            let key = |piece: &Piece<'_>| !piece.words.iter().any(|word| word == "revoke");
            (key(one), &one.text).cmp(&(key(other), &other.text))
        });
        for (piece, between) in group.iter().zip(betweens) {
            comment(&mut text, between);
            if !is_setting(&piece.words) {
                text.push_str(&piece.text);
                text.push_str(";\n");
            }
        }
        rest = others;
    }
    comment(&mut text, &dump[end..]);
    let length = text.trim_end().len();
    text.truncate(length);
    text.push('\n');
    Ok(Settled { text, masked })
}

/// Without the key that keeps psql from obeying what a server sends; it is another one each time, and no SQL.
fn without_restriction(dump: &str) -> String {
    let key = dump
        .lines()
        .find_map(|line| line.strip_prefix("\\restrict "));
    let Some(key) = key else {
        return dump.to_owned();
    };
    dump.replacen(&format!("\\restrict {key}\n"), "", 1)
        .replace(&format!("\\unrestrict {key}\n"), "")
}

/// What stands between two statements: comments of pg_dump's, and never more than one blank line.
fn comment(text: &mut String, between: &str) {
    // The line that the last semicolon stands on has ended.
    let between = between.strip_prefix('\n').unwrap_or(between);
    let between = SILENT
        .iter()
        .fold(between.to_owned(), |text, silent| text.replace(silent, ""));
    for line in between.lines() {
        let is_told = origin::VERSIONS
            .iter()
            .any(|version| line.starts_with(version));
        if is_told || (line.is_empty() && text.ends_with("\n\n")) {
            continue;
        }
        text.push_str(line);
        text.push('\n');
    }
}

fn is_setting(words: &[String]) -> bool {
    let mut words = words.iter().map(String::as_str);
    words.next() == Some("set") && words.next().is_some_and(|name| SETTINGS.contains(&name))
}

/// How many of these are the rights of one object; whatever else is there stands alone.
fn rights(pieces: &[Piece<'_>]) -> usize {
    let more = pieces.windows(2).take_while(|pair| {
        is_right(&pair[0].words) && is_right(&pair[1].words) && !pair[1].between.contains("--")
    });
    1 + more.count()
}

fn is_right(words: &[String]) -> bool {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    matches!(
        words.as_slice(),
        ["grant" | "revoke", ..] | ["alter", "default", "privileges", ..]
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(dump: &str) -> String {
        settled(dump).expect("can be read").text
    }

    const DUMP: &str = r"--
-- PostgreSQL database dump
--

\restrict abc

-- Dumped from database version 15.18
-- Dumped by pg_dump version 15.18

SET statement_timeout = 0;
SET lock_timeout = 0;
SET client_encoding = 'UTF8';

--
-- Name: f(); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.f() RETURNS void
    LANGUAGE sql
    AS $$
SET lock_timeout = 0;


-- Dumped from database version 1
GRANT b; GRANT a;
$$;


--
-- Name: TABLE a; Type: ACL; Schema: public; Owner: -
--

REVOKE ALL ON TABLE public.a FROM x;
GRANT SELECT ON TABLE public.a TO z;
GRANT SELECT ON TABLE public.a TO b;


--
-- Name: TABLE b; Type: ACL; Schema: public; Owner: -
--

GRANT SELECT ON TABLE public.b TO a;


--
-- PostgreSQL database dump complete
--

\unrestrict abc

";

    #[test]
    fn what_differs_from_run_to_run_is_gone_and_rights_are_in_order() {
        insta::assert_snapshot!(text(DUMP), @"
        -- The schema of the database, written by `toysoldiers migrate dump`.
        -- Migrations change the database; nobody changes this file.

        SET client_encoding = 'UTF8';

        --
        -- Name: f(); Type: FUNCTION; Schema: public; Owner: -
        --

        CREATE FUNCTION public.f() RETURNS void
            LANGUAGE sql
            AS $$
        SET lock_timeout = 0;


        -- Dumped from database version 1
        GRANT b; GRANT a;
        $$;

        --
        -- Name: TABLE a; Type: ACL; Schema: public; Owner: -
        --

        REVOKE ALL ON TABLE public.a FROM x;
        GRANT SELECT ON TABLE public.a TO b;
        GRANT SELECT ON TABLE public.a TO z;

        --
        -- Name: TABLE b; Type: ACL; Schema: public; Owner: -
        --

        GRANT SELECT ON TABLE public.b TO a;
        ");
    }

    #[test]
    fn settling_twice_changes_nothing_more() {
        let once = text(DUMP);
        let again = text(once.strip_prefix(HEAD).expect("has a head"));
        assert_eq!(again, once);
        assert_eq!(text(""), format!("{}\n", HEAD.trim_end()));
    }
}
