//! Which server answers, what it is, and what is between it and us.

use serde_json::Value;

use super::Line;
use crate::error::{self, Result};
use crate::pg::{Db, Patience, Pooling, Query};
use crate::settings::Environment;

/// The newest major version this program was made for.
const NEWEST: i32 = 18;

crate::row! {
    /// What the server is.
    pub struct Facts {
        /// As it gives it.
        pub version: String,
        /// Its major version.
        pub major: i32,
        /// How long a statement may take now.
        pub statement_timeout_ms: i64,
        /// How long it might if we had said nothing.
        pub usual_statement_timeout_ms: i64,
        /// Whether there is bookkeeping, whoever may read it.
        pub has_bookkeeping: bool,
    }
}

static FACTS: Query<Facts> = crate::query!("env/server");

/// Asks the server what it is.
pub(super) async fn read(db: &Db) -> Result<Facts> {
    db.one(&FACTS, &[]).await
}

impl Facts {
    /// Whether it is a version we know. An older one is not connected to at all.
    pub(super) fn version(&self) -> Line {
        let line = Line::fine("version", &*self.version, &self.version);
        if self.major > NEWEST {
            line.note(format!(
                "look for a newer toysoldiers: this one was made for PostgreSQL 14 to {NEWEST}"
            ))
        } else {
            line
        }
    }

    /// Whether our time limit holds, and what it replaces.
    pub(super) fn timeout(&self, patience: Patience) -> Line {
        let ours = i64::try_from(patience.statement.as_millis()).unwrap_or(i64::MAX);
        let found = format!(
            "{}; the role's own is {}",
            limit(self.statement_timeout_ms),
            limit(self.usual_statement_timeout_ms)
        );
        let line = Line::fine("statement_timeout", self.statement_timeout_ms, found);
        if self.statement_timeout_ms == ours {
            line
        } else {
            line.wrong(format!(
                "find out what keeps our limit, {}, from being set",
                limit(ours)
            ))
        }
    }
}

/// A time limit in milliseconds, for people.
fn limit(millis: i64) -> String {
    match millis {
        0 => "no limit".to_owned(),
        millis if millis % 60_000 == 0 => format!("{} min", millis / 60_000),
        millis if millis % 1000 == 0 => format!("{} s", millis / 1000),
        millis => format!("{millis} ms"),
    }
}

/// Which of the places of the address answered.
pub(super) fn place(db: &Db) -> Line {
    let described = db.endpoint().describe();
    Line::fine("server", &*described, &described)
}

/// What protects the way there.
pub(super) fn tls(db: &Db, environment: &Environment) -> Line {
    let endpoint = db.endpoint();
    let is_here = endpoint.places()[0].is_here();
    let line = match db.tls() {
        None if is_here => Line::fine("tls", Value::Null, "none; nothing leaves this machine"),
        None => Line::fine(
            "tls",
            Value::Null,
            "none: everybody on the way can read along",
        ),
        Some(_) => Line::fine("tls", "on", "on"),
    };
    if endpoint.weakness().is_none() {
        return line;
    }
    line.wrong(format!(
        "write `sslmode=verify-full` into the url of {}, and name who vouches for the server with `sslrootcert`",
        environment.guarded_as()
    ))
}

/// What is in between.
pub(super) fn pooler(db: &Db) -> Line {
    let pooling = db.pooling();
    let what = "migrating or a backup";
    let advice = db
        .require_session(what)
        .err()
        .and_then(|error| error::explain(&error).hint)
        .unwrap_or_default();
    let line = |found: &str| Line::fine("pooler", pooling.to_string(), found);
    match pooling {
        Pooling::Direct => line("none"),
        Pooling::Session => line("one that keeps sessions"),
        Pooling::Transaction => {
            line("one in transaction mode: no migrations, backups or restores through it")
                .note(advice)
        }
        Pooling::Unknown(reason) => line(&format!("one of unknown mode: {reason}")).wrong(advice),
    }
}

/// Whether anything can be changed here.
pub(super) fn writes(db: &Db, environment: &Environment) -> Line {
    let (in_recovery, read_only) = db
        .hello()
        .map_or((false, false), |hello| (hello.in_recovery, hello.read_only));
    let found = match (in_recovery, read_only) {
        (true, _) => "no: the server is a replica",
        (false, true) => "no: default_transaction_read_only is on",
        (false, false) => "yes",
    };
    let line = Line::fine("takes_writes", !read_only, found);
    if !read_only {
        return line;
    }
    line.wrong(if in_recovery {
        format!(
            "name the primary in the url of {}; a replica has a table of its own, `[env.{}.replica]`",
            environment.guarded_as(),
            environment.guarded_as()
        )
    } else {
        "set default_transaction_read_only off for this role or database".to_owned()
    })
}
