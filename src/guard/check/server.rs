//! Which server answers, what it is, and what is between it and us.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::Line;
use crate::error::{self, Result};
use crate::pg::endpoint::Mode;
use crate::pg::tls::Seen;
use crate::pg::{Db, Patience, Pooling, Query};
use crate::settings::{Environment, written};

/// The newest major version this program was made for.
const NEWEST: i32 = 18;

/// A certificate that is valid for less should have been renewed by now.
const RENEWAL: SignedDuration = SignedDuration::from_hours(14 * 24);

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
        /// Whether there are tables in the schema public.
        pub has_tables: bool,
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
    written(Duration::from_millis(millis.unsigned_abs()))
}

/// Which of the places of the address answered.
pub(super) fn place(db: &Db) -> Line {
    let described = db.endpoint().describe();
    Line::fine("server", &*described, &described)
}

/// What protects the way there.
pub(super) fn tls(db: &Db, environment: &Environment) -> Line {
    let is_here = db.endpoint().places()[0].is_here();
    secrecy(
        db.tls().as_ref(),
        is_here,
        environment.guarded_as(),
        Timestamp::now(),
    )
}

fn secrecy(seen: Option<&Seen>, is_here: bool, name: &str, now: Timestamp) -> Line {
    let Some(seen) = seen else {
        let line = |found| Line::fine("tls", Value::Null, found);
        return if is_here {
            line("none; nothing leaves this machine")
        } else {
            line("none: everybody on the way can read and change what passes").wrong(format!(
                "write `sslmode=verify-full` into the url of {name}, or take `sslmode` out of it"
            ))
        };
    };
    let whose = seen.subject.as_deref().unwrap_or("somebody");
    let by = seen.trusted.as_deref().unwrap_or("nobody");
    let version = seen.version;
    let found = match seen.mode {
        Mode::VerifyFull => format!("{version} with {whose}, verified by {by}"),
        Mode::VerifyCa => format!("{version} with {whose}, verified by {by}, but not the name"),
        _ => format!("{version} with {whose}, not verified"),
    };
    let value = json!({
        "version": version,
        "sslmode": seen.mode.to_string(),
        "trusted": seen.trusted,
        "subject": seen.subject,
        "issuer": seen.issuer,
        "until": seen.until,
    });
    let line = Line::fine("tls", value, found);
    if !is_here && seen.mode < Mode::VerifyFull {
        return line.wrong(format!(
            "write `sslmode=verify-full` into the url of {name}: somebody in between could pass for the server"
        ));
    }
    match seen.until {
        Some(until) if until.duration_since(now) < RENEWAL => line.note(format!(
            "have the server's certificate renewed: it is valid until {until:.0}"
        )),
        _ => line,
    }
}

/// What is in between.
pub(super) fn pooler(db: &Db) -> Line {
    let pooling = db.pooling();
    let what = "migrating or a backup";
    let advice = db
        .require_session(what)
        .err()
        .and_then(|error| error::explain(&error).hint())
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

#[cfg(test)]
mod tests {
    use super::super::State;
    use super::*;

    #[test]
    fn the_way_to_another_machine_is_to_be_verified() {
        let now = Timestamp::UNIX_EPOCH;
        let seen = |mode, days: i64| Seen {
            version: "TLSv1.3",
            mode,
            trusted: (mode >= Mode::VerifyCa).then(|| "us".to_owned()),
            subject: Some("db.example.com".to_owned()),
            issuer: None,
            until: Some(now + SignedDuration::from_hours(days * 24)),
        };
        for (seen, is_here, found, state) in [
            (None, true, "none; nothing leaves this machine", State::Fine),
            (
                None,
                false,
                "none: everybody on the way can read and change what passes",
                State::Wrong,
            ),
            (
                Some(seen(Mode::VerifyFull, 99)),
                false,
                "TLSv1.3 with db.example.com, verified by us",
                State::Fine,
            ),
            (
                Some(seen(Mode::VerifyFull, 13)),
                false,
                "TLSv1.3 with db.example.com, verified by us",
                State::Note,
            ),
            (
                Some(seen(Mode::VerifyCa, 99)),
                false,
                "TLSv1.3 with db.example.com, verified by us, but not the name",
                State::Wrong,
            ),
            (
                Some(seen(Mode::Require, 99)),
                false,
                "TLSv1.3 with db.example.com, not verified",
                State::Wrong,
            ),
            (
                Some(seen(Mode::Prefer, 99)),
                true,
                "TLSv1.3 with db.example.com, not verified",
                State::Fine,
            ),
        ] {
            let line = secrecy(seen.as_ref(), is_here, "shop", now);
            assert_eq!((line.found.as_str(), line.state), (found, state));
        }
    }
}
