//! What pg_dump wrote, made the same for the same database: without what tells when and by which version it was
//! written, and with the rights in one order.

use std::ops::Range;

use crate::pg::sql::{self, Statement};

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

/// The text of the file.
pub fn settled(dump: &str) -> String {
    let dump = without_restriction(dump);
    // Whatever cannot be cut into statements stays as it is.
    let statements: Vec<Statement<'_>> = sql::statements(&dump).map_while(Result::ok).collect();
    let mut text = HEAD.to_owned();
    let mut end = 0;
    let mut index = 0;
    while index < statements.len() {
        let group = rights(&dump, &statements, index);
        for (statement, place) in sorted(&statements[group.clone()])
            .into_iter()
            .zip(&statements[group.clone()])
        {
            comment(&mut text, &dump[end..place.start]);
            end = (place.start + place.text.len() + 1).min(dump.len());
            if !is_setting(statement) {
                text.push_str(statement.text);
                text.push_str(";\n");
            }
        }
        index = group.end;
    }
    comment(&mut text, &dump[end..]);
    let length = text.trim_end().len();
    text.truncate(length);
    text.push('\n');
    text
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
    let between = between
        .replace("--\n-- PostgreSQL database dump complete\n--\n", "")
        .replace("--\n-- PostgreSQL database dump\n--\n", "");
    // The line that the last semicolon stands on has ended.
    let between = between.strip_prefix('\n').unwrap_or(&between);
    for line in between.lines() {
        let is_told = line.starts_with("-- Dumped from database version ")
            || line.starts_with("-- Dumped by pg_dump version ");
        if is_told || (line.is_empty() && text.ends_with("\n\n")) {
            continue;
        }
        text.push_str(line);
        text.push('\n');
    }
}

fn is_setting(statement: &Statement<'_>) -> bool {
    let mut words = statement.words.iter().map(String::as_str);
    words.next() == Some("set") && words.next().is_some_and(|name| SETTINGS.contains(&name))
}

/// Where the rights of one object end that begin at `first`; whatever else is there stands alone.
fn rights(dump: &str, statements: &[Statement<'_>], first: usize) -> Range<usize> {
    let mut end = first + 1;
    while end < statements.len() {
        let (last, next) = (&statements[end - 1], &statements[end]);
        let between = &dump[last.start + last.text.len()..next.start];
        if !is_right(last) || !is_right(next) || between.contains("--") {
            break;
        }
        end += 1;
    }
    first..end
}

fn is_right(statement: &Statement<'_>) -> bool {
    let words: Vec<&str> = statement.words.iter().map(String::as_str).collect();
    matches!(
        words.as_slice(),
        ["grant" | "revoke", ..] | ["alter", "default", "privileges", ..]
    )
}

/// First what is taken away, then what is given: PostgreSQL keeps rights in the order in which they were given.
fn sorted<'a, 'b>(statements: &'b [Statement<'a>]) -> Vec<&'b Statement<'a>> {
    let mut sorted: Vec<&Statement<'_>> = statements.iter().collect();
    if sorted.len() > 1 {
        let gives =
            |statement: &Statement<'_>| !statement.words.iter().any(|word| word == "revoke");
        sorted.sort_by_key(|statement| (gives(statement), statement.text));
    }
    sorted
}

#[cfg(test)]
mod tests {
    use super::*;

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
        insta::assert_snapshot!(settled(DUMP), @"
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
        let once = settled(DUMP);
        let again = settled(once.strip_prefix(HEAD).expect("has a head"));
        assert_eq!(again, once);
        assert_eq!(settled(""), format!("{}\n", HEAD.trim_end()));
    }
}
