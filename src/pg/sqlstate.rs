//! What the server's complaints mean to the person in front of this program: one table.

use std::error::Error as _;
use std::io;

use tokio_postgres::error::{DbError, SqlState};

use crate::error::{Error, Kind, Note, io_reason};

/// Kind and hint of an SQLSTATE; the hint is used when the server gives none.
fn meaning(state: &SqlState) -> (Kind, Option<&'static str>) {
    match state.code() {
        "28P01" | "28000" => (
            Kind::Unreachable,
            Some("check the user and the password of this environment"),
        ),
        "3D000" => (
            Kind::Unreachable,
            Some("check the database's name; `psql -l` lists those of a server"),
        ),
        "53300" => (
            Kind::Unreachable,
            Some(
                "wait for sessions to end, or raise max_connections; `select * from pg_stat_activity` shows them",
            ),
        ),
        "57P03" => (
            Kind::Unreachable,
            Some("wait until the server has started, then try again"),
        ),
        "57P01" | "57P02" => (
            Kind::Unreachable,
            Some("somebody ended the session, or the server; its log knows who; then try again"),
        ),
        "42501" => (
            Kind::Refused,
            Some("connect as a role that has this right, or have it granted"),
        ),
        "25006" => (
            Kind::Refused,
            Some(
                "connect to the primary, if this is a replica; else see default_transaction_read_only of the role and the database",
            ),
        ),
        // It wants no transaction around it, or ends the one it is in.
        "25001" | "2D000" => (
            Kind::Failed,
            Some("put it into a file of its own that begins with `-- toysoldiers: no-transaction`"),
        ),
        "55P03" => (
            Kind::Refused,
            Some(
                "another session holds a lock; try again when it is done, or wait longer with `--lock-timeout`",
            ),
        ),
        "57014" => (
            Kind::Failed,
            Some("allow more time with `--statement-timeout`"),
        ),
        "40P01" | "40001" => (
            Kind::Failed,
            Some("other sessions were in the way; try again"),
        ),
        "53100" => (
            Kind::Failed,
            Some("the server's disk is full: free space there, then try again"),
        ),
        _ => (Kind::Failed, None),
    }
}

/// Turns what the driver says into our own words. Never holds a secret: the driver has none to tell.
pub fn explain(error: tokio_postgres::Error) -> Error {
    if let Some(db) = error.as_db_error() {
        return explain_db(db);
    }
    if let Some(io) = error
        .source()
        .and_then(|source| source.downcast_ref::<io::Error>())
    {
        return Error::new(
            Kind::Unreachable,
            format!("the connection was lost: {}", io_reason(io)),
        )
        .hint("check the network and the server's log, then try again");
    }
    if error.is_closed() {
        return Error::new(Kind::Unreachable, "the server closed the connection")
            .hint("check the server's log, then try again");
    }
    Error::failed("the server's answer cannot be read").because(error)
}

/// The server's message and what its code means, without its detail and its own hint.
pub fn bare(db: &DbError) -> Error {
    let (kind, mut hint) = meaning(db.code());
    if db
        .message()
        .starts_with("query would be affected by row-level security")
    {
        hint = Some(
            "connect as the owner of the tables or a role with BYPASSRLS: policies would hide rows from this one",
        );
    }
    let error = Error::new(kind, db.message()).sqlstate(db.code().code());
    match hint {
        Some(hint) => error.hint(hint),
        None => error,
    }
}

/// The server's message with its detail and its hint, or ours.
pub fn explain_db(db: &DbError) -> Error {
    let mut error = bare(db);
    if let Some(detail) = db.detail() {
        error = error.note(detail);
    }
    if let Some(context) = db.where_() {
        error = error.note(Note::Inside(context.to_owned()));
    }
    match db.hint() {
        Some(hint) => error.first_hint(hint),
        None => error,
    }
}

/// Whether a temporary table with the columns of another may be why the server does not take what is about that one: a
/// name that is not found may be there on the real table: the table itself as a row, or with its schema before it.
pub fn is_strange_on_a_twin(server: &DbError) -> bool {
    ["42883", "42P01", "42703", "42846", "42804"].contains(&server.code().code())
}
