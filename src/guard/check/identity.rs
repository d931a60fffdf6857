//! Whose database it is, and on which server.

use serde_json::Value;

use super::Line;
use super::server::Facts;
use crate::bookkeeping::{self, VERSION, WITH_STAMP};
use crate::error::{Result, command};
use crate::guard::{self, Identity, Verdict};
use crate::pg::Db;
use crate::settings::Environment;

const NEVER: &str = "none: the database was never migrated";

/// What is known of the program's own schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Bookkeeping {
    /// There is none.
    Absent {
        /// Whether somebody has made tables all the same.
        has_tables: bool,
    },
    /// There is, but not for this role.
    Unreadable,
    /// There is one of this version.
    Version(i32),
}

/// Looks for the program's own schema.
pub(super) async fn bookkeeping(db: &Db, facts: &Facts) -> Result<Bookkeeping> {
    let absent = Bookkeeping::Absent {
        has_tables: facts.has_tables,
    };
    if !facts.has_bookkeeping {
        return Ok(absent);
    }
    bookkeeping::refuse_strange(db)?;
    if !db.hello().is_some_and(|hello| hello.stamped) {
        return Ok(Bookkeeping::Unreadable);
    }
    Ok(bookkeeping::installed(db)
        .await?
        .map_or(absent, Bookkeeping::Version))
}

impl Bookkeeping {
    /// Whether the database was never migrated.
    pub(super) fn is_absent(self) -> bool {
        matches!(self, Self::Absent { .. })
    }

    /// Whether this program and the schema fit each other.
    pub(super) fn line(self) -> Line {
        let check = "bookkeeping";
        match self {
            Self::Absent { has_tables: false } => Line::fine(check, Value::Null, NEVER)
                .note(format!("run {}", command("migrate up"))),
            Self::Absent { has_tables: true } => {
                Line::fine(check, Value::Null, format!("{NEVER}, and has tables")).note(format!(
                    "if they are what migrations make, take it over: {}; {} would make everything anew",
                    command("migrate baseline"),
                    command("migrate up")
                ))
            }
            Self::Unreadable => Line::fine(check, Value::Null, "not to be read by this role")
                .note("connect as the role that migrates: others neither see the stamp nor record changes"),
            Self::Version(found) => {
                let line = Line::fine(check, found, format!("version {found}"));
                match found.cmp(&i32::from(VERSION)) {
                    std::cmp::Ordering::Equal => line,
                    std::cmp::Ordering::Less => {
                        line.note(format!("run {}, which makes it version {VERSION}", command("migrate up")))
                    }
                    std::cmp::Ordering::Greater => {
                        line.wrong(format!("update toysoldiers: this one knows version {VERSION}"))
                    }
                }
            }
        }
    }
}

/// Whose database it says it is.
pub(super) fn stamp(
    environment: &Environment,
    identity: &Identity,
    bookkeeping: Bookkeeping,
) -> Line {
    let name = environment.guarded_as();
    let stamp = identity.stamp.as_deref();
    let line = |found: &str| Line::fine("stamp", stamp, found);
    let nothing = match bookkeeping {
        Bookkeeping::Unreadable => "not to be read by this role",
        _ => "none",
    };
    match guard::stamp(environment, identity) {
        Verdict::Own | Verdict::Indifferent => line(stamp.unwrap_or(nothing)),
        Verdict::Foreign(other) => line(&format!("{other}, not {name}")).wrong(format!(
            "check the url of {name}; if the database is to be its from now on, stamp it: {}",
            command("env pin").on(name)
        )),
        Verdict::Absent => line(nothing).note(match bookkeeping {
            Bookkeeping::Version(found) if found >= i32::from(WITH_STAMP) => {
                format!("stamp it: {}", command("env pin").on(name))
            }
            Bookkeeping::Unreadable => "connect as a role that may read it".to_owned(),
            Bookkeeping::Absent { has_tables: true } => {
                format!("{} stamps it", command("migrate baseline").on(name))
            }
            _ => format!("run {}, which stamps it", command("migrate up").on(name)),
        }),
    }
}

/// Which server it says it is.
pub(super) fn fingerprint(environment: &Environment, identity: &Identity) -> Line {
    let name = environment.guarded_as();
    let pin = command("env pin").on(name);
    let pinned = environment.fingerprint.as_deref();
    let found = match &identity.fingerprint {
        Some(Ok(found)) => found,
        other => {
            let reason = match other {
                Some(Err(reason)) => reason,
                _ => "nobody asked",
            };
            let line = Line::fine("fingerprint", Value::Null, format!("not told: {reason}"));
            return match pinned {
                Some(pinned) => line.wrong(format!(
                    "connect as a role that may run pg_control_system(), or take {pinned} out of toysoldiers.toml"
                )),
                None => line,
            };
        }
    };
    let line = |what: &str| Line::fine("fingerprint", &**found, format!("{found}, {what}"));
    match pinned {
        Some(pinned) if pinned == found => line("as pinned"),
        Some(pinned) => line(&format!("and not {pinned}, to which {name} is pinned")).wrong(format!(
            "check the url of {name}; if the server was replaced on purpose, pin the new one: {pin}"
        )),
        None if environment.protected && environment.is_configured() => {
            line("not pinned").note(format!("pin it, so that no other server passes for it: {pin}"))
        }
        None => line("not pinned"),
    }
}
