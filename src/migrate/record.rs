//! The rows that remember a migration, as SQL that travels with it.

use std::time::Duration;

use tokio_postgres::error::DbError;

use super::detaching;
use super::engine::{KEPT, Lead, Work};
use super::file::Migration;
use super::transaction::{Closing, Failure, Stage};
use crate::pg::ident::Literal;

/// The rights and the visibility of whoever runs the migration, and names looked up in the catalog alone, whatever the
/// file made of them. Nothing in it is looked up where the file says.
pub(super) const AS_OURSELVES: &str = "set local session authorization default;set local role none;\
    select pg_catalog.set_config('toysoldiers.search_path',pg_catalog.current_setting('search_path'),true);\
    set local search_path=pg_catalog,pg_temp;set local statement_timeout=0;";

/// How many statements that is.
pub(super) const AS_OURSELVES_COUNT: usize = 5;

/// The end of the transaction. Triggers that were put off until then look names up where the file does.
pub(super) const COMMIT: &str = "select pg_catalog.set_config('search_path',pg_catalog.current_setting('toysoldiers.search_path'),true);commit";

/// How many statements that is.
pub(super) const COMMIT_COUNT: usize = 2;

/// The rows that remember a migration: refinery's, and ours with the text that ran.
pub(super) fn closing(work: &Work<'_>, record: &str, lead: &Lead) -> Closing {
    let whole = work.is_sent_whole();
    let text = if whole && work.migration.sql().len() <= KEPT {
        // The server has the text already: it is the middle of the message it is at.
        let (from, length) = (
            lead.text.chars().count() + 1,
            work.migration.sql().chars().count(),
        );
        format!("substr(current_query(),{from},{length})")
    } else {
        text_of(work)
    };
    let start = if whole {
        "statement_timestamp()"
    } else {
        "transaction_timestamp()"
    };
    let run = remember(work, "up", &text, start);
    // A migration of several messages began with the first of them.
    let (took, again) = if whole {
        (String::new(), 0)
    } else {
        (format!(";{}", took(work, start)), 1)
    };
    let attach = detaching::attach(&work.directives);
    let attached = usize::from(attach.is_some());
    let attach = attach.map_or_else(String::new, |attach| attach + ";");
    Closing {
        sql: format!("{AS_OURSELVES}{attach}{record}{took};{run}"),
        statements: 2 + AS_OURSELVES_COUNT + attached + again,
        attach: (attached > 0).then_some(AS_OURSELVES_COUNT),
        commits: false,
    }
}

/// Writes into the history how long it took since it began; its row alone knows of the last message.
pub(super) fn took(work: &Work<'_>, began: &str) -> String {
    format!(
        "update toysoldiers.history set duration_ms=(extract(epoch from clock_timestamp()-{began})*1000)::bigint where version={}",
        work.migration.version
    )
}

/// The text that ran, as SQL.
pub(super) fn text_of(work: &Work<'_>) -> String {
    let text = work.migration.sql();
    if text.len() > KEPT {
        "null".to_owned()
    } else {
        Literal(text).to_string()
    }
}

/// The row of an attempt that came to its end.
pub(super) fn remember(work: &Work<'_>, action: &str, text: &str, start: &str) -> String {
    let migration = work.migration;
    format!(
        "insert into toysoldiers.runs (version,name,action,outcome,checksum,sql,statements,started_at,duration_ms) \
         values ({},{},'{action}','done','{}',{text},{},{start},(extract(epoch from clock_timestamp()-{start})*1000)::bigint)",
        migration.version,
        Literal(&migration.name),
        migration.checksum,
        work.script.all().count(),
    )
}

/// The row of an attempt that failed. The session is reset, so that it says who we are.
pub(super) fn remember_failure(
    migration: &Migration,
    action: &str,
    failure: &Failure,
    took: Duration,
) -> String {
    let server = failure.error.as_db_error();
    let stage = match failure.stage {
        Stage::File => "",
        Stage::Lock => "the lock of the run: ",
        Stage::Detach => "taking policies off: ",
        Stage::Attach => "making policies again: ",
        Stage::Record => "its row in the history: ",
        Stage::Commit => "at its commit: ",
    };
    let message = server.map_or_else(String::new, |db| format!("{stage}{}", db.message()));
    let code = server.map_or("", |db: &DbError| db.code().code());
    let millis = took.as_millis();
    format!(
        "begin;{AS_OURSELVES}insert into toysoldiers.runs (version,name,action,outcome,checksum,message,sqlstate,started_at,duration_ms) \
         values ({},{},'{action}','failed','{}',{},{},clock_timestamp()-interval '{millis} ms',{millis});commit",
        migration.version,
        Literal(&migration.name),
        migration.checksum,
        Literal(&message),
        Literal(code),
    )
}

/// The row of a migration whose connection was lost, and of which it was found out that it had not come to its end.
pub(super) fn lost(migration: &Migration) -> String {
    format!(
        "insert into toysoldiers.runs (version,name,action,outcome,checksum,message,duration_ms) \
         values ({},{},'up','failed','{}','the connection was lost',0)",
        migration.version,
        Literal(&migration.name),
        migration.checksum,
    )
}
