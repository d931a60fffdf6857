//! Asking how a statement would be run, without running it.

use serde_json::Value;

use super::Db;
use super::session::{IN_CATALOG, SearchPath};
use super::sqlstate;
use crate::error::{Error, Excerpt, Hint, Result, command};

/// What goes before a statement.
const EXPLAIN: &str = "explain (format json, verbose) ";

/// The same for one that has places for values; PostgreSQL 16 and later can.
const GENERIC: &str = "explain (format json, verbose, generic_plan) ";

/// A statement somebody wants to know about, and what to call where it came from.
#[derive(Debug, Clone, Copy)]
pub struct Statement<'a> {
    /// Its text.
    pub text: &'a str,
    /// What to call it.
    pub origin: &'a str,
}

impl Db {
    /// The plan of a statement, in the transaction that is open. Its names are looked for where people keep their
    /// things. It is planned and never run; text of more than one statement is refused by the server,
    /// which takes one at a time in this form.
    pub async fn explain(&self, statement: Statement<'_>, is_generic: bool) -> Result<Value> {
        let words = if is_generic { GENERIC } else { EXPLAIN };
        let sql = format!("{words}{}", statement.text);
        let failed = |error| cannot_plan(error, statement, words);
        let there = SearchPath::Files.in_transaction(self.endpoint());
        // They travel together.
        let (set, planned, back) = tokio::join!(
            self.script(&there),
            self.client.query_typed(&sql, &[]),
            self.script(IN_CATALOG),
        );
        set?;
        let row = planned.map_err(failed)?;
        back?;
        let row = row.first().ok_or_else(nothing)?;
        let plan: Value = row.try_get(0).map_err(failed)?;
        Ok(plan)
    }
}

fn nothing() -> Error {
    Error::failed("the statement has no plan").hint("name a statement that reads or changes rows")
}

/// Says why, and where in the statement.
fn cannot_plan(
    error: tokio_postgres::Error,
    statement: Statement<'_>,
    words: &str,
) -> anyhow::Error {
    use tokio_postgres::error::ErrorPosition;
    let Statement { text, origin } = statement;
    let place = error.as_db_error().and_then(|db| match db.position() {
        Some(ErrorPosition::Original(position)) => {
            let before = words.chars().count() + 1;
            let place = usize::try_from(*position).ok()?.checked_sub(before)?;
            let offset = text
                .char_indices()
                .nth(place)
                .map_or(text.len(), |(offset, _)| offset);
            Some(Excerpt::new(origin, text, offset, 1))
        }
        _ => None,
    });
    let code = error.code().map(|code| code.code().to_owned());
    let hint = match code.as_deref() {
        Some("42P02" | "08P01" | "42P18") => {
            Some("put a value in the place of each parameter".into())
        }
        Some("42P01" | "42703" | "42883") => {
            Some(command("psql").hint("check the names; {} shows what there is"))
        }
        Some("42601") => Some(Hint::from("name one statement as it is written in SQL")),
        _ => None,
    };
    let cause = sqlstate::explain(error);
    let kind = cause.kind;
    let mut failure = Error::new(kind, "the query cannot be planned").note("it was not run");
    if let Some(place) = place {
        failure = failure.at(place);
    }
    if let Some(code) = code {
        failure = failure.sqlstate(code);
    }
    if let Some(hint) = hint.filter(|_| !cause.has_hint()) {
        failure = failure.hint(hint);
    }
    failure.because(cause).into()
}
