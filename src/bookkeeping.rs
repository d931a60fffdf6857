//! The program's own schema in a database, `toysoldiers`: the history of migrations and of deploys, the audit log,
//! the stamp, which says whose database it is, and the hash of the schema as it was left.
//!
//! It has a version of its own, apart from the platform's migrations. An older one is brought up to date by
//! `migrate up`; a newer one is refused, since an older program cannot know what it means.

use std::fmt::Write;

use crate::error::{self, Error, Result};
use crate::pg::session::IN_CATALOG;
use crate::pg::{Db, Param, Query, lock};

/// The schema of the version that this program writes, one script a version.
const STEPS: [&str; VERSION as usize] = [
    include_str!("../database/bookkeeping/001_history_and_audit.sql"),
    include_str!("../database/bookkeeping/002_stamp.sql"),
    include_str!("../database/bookkeeping/003_runs.sql"),
    include_str!("../database/bookkeeping/004_detached.sql"),
    include_str!("../database/bookkeeping/005_deploys.sql"),
    include_str!("../database/bookkeeping/006_trust.sql"),
    include_str!("../database/bookkeeping/007_schema_hash.sql"),
];

/// The version this program writes.
pub const VERSION: u8 = 7;

/// The version from which there is an audit log.
pub const WITH_AUDIT_LOG: u8 = 1;

/// The version from which a database can be stamped.
pub const WITH_STAMP: u8 = 2;

/// The version from which every attempt at a migration is remembered.
pub const WITH_RUNS: u8 = 3;

/// The version from which policies can be detached.
pub const WITH_DETACHED: u8 = 4;

/// The version from which deploys are remembered.
pub const WITH_DEPLOYS: u8 = 5;

crate::row! {
    /// The version of the schema in a database.
    pub struct Installed {
        /// From 1.
        pub version: i32,
    }
}

crate::row! {
    /// The environment a database says it belongs to.
    pub struct Stamp {
        /// Its name; nothing if it was never stamped.
        pub environment: Option<String>,
    }
}

crate::row! {
    /// What became of a stamp.
    pub struct Stamped {
        /// The environment the database says it belongs to now.
        pub environment: Option<String>,
        /// Whether it said otherwise before.
        pub changed: bool,
    }
}

crate::row! {
    /// A row of the audit log.
    pub struct Audited {
        /// Its number.
        pub id: i64,
    }
}

static AUDIT: Query<Audited> = crate::query!("bookkeeping/audit");
static INSTALLED: Query<Installed> = crate::query!("bookkeeping/version");
static STAMP: Query<Stamped> = crate::query!("bookkeeping/stamp");

/// The version in this database; nothing if there is no such schema yet.
pub async fn installed(db: &Db) -> Result<Option<i32>> {
    absent_is_none(db.opt(&INSTALLED, &[]).await).map(|row| row.flatten().map(|row| row.version))
}

/// Turns "there is no such schema or table" into nothing.
pub fn absent_is_none<T>(answer: Result<T>) -> Result<Option<T>> {
    match answer {
        Err(error) if matches!(error::sqlstate(&error), Some("42P01" | "3F000")) => Ok(None),
        other => other.map(Some),
    }
}

/// Refuses a schema that another role has made in the place of ours: what it says counts for nothing, and writing to it
/// would run that role's code.
pub fn refuse_strange(db: &Db) -> Result<()> {
    let Some(strange) = db.hello().and_then(|hello| hello.strange.as_ref()) else {
        return Ok(());
    };
    Err(Error::refused(format!(
        "the bookkeeping of this database is not to be trusted: {strange}"
    ))
    .note("it is neither this role's, nor a superuser's, nor that of the database's owner")
    .unchanged()
    .hint("if that role runs toysoldiers here, connect as it, or have the schema toysoldiers and all in it given to the owner of the database")
    .hint("if nobody knows of it, have it dropped: `drop schema toysoldiers cascade`")
    .into())
}

/// Refuses a database whose schema is newer than this program.
pub fn refuse_newer(version: i32) -> Result<()> {
    if version <= i32::from(VERSION) {
        return Ok(());
    }
    Err(Error::refused(format!(
        "this database was served by a newer toysoldiers (its bookkeeping has version {version}, this program knows {VERSION})"
    ))
    .unchanged()
    .hint("update toysoldiers and try again")
    .into())
}

/// Requires the schema, in the version that has what a change writes or a later one. A change whose trace fits into
/// an older schema does not wait for a `migrate up`, which somebody may have good reason to put off.
pub async fn require(db: &Db, since: u8) -> Result<()> {
    match installed(db).await? {
        Some(version) if version < i32::from(since) => Err(not_ready(
            "this database's bookkeeping is of an older version",
        )),
        Some(version) => refuse_newer(version),
        None => Err(not_ready(
            "this database was not set up by toysoldiers: it cannot record who changed what",
        )),
    }
}

fn not_ready(message: &str) -> anyhow::Error {
    Error::refused(message)
        .unchanged()
        .hint(error::command("migrate up").hint("run {} first"))
        .into()
}

/// Brings the schema from `from` to the version this program writes, in one transaction. The caller holds the
/// lock. Whether there was anything to do.
pub async fn install(db: &Db, from: Option<i32>) -> Result<bool> {
    let done = usize::try_from(from.unwrap_or(0)).unwrap_or(0);
    if done >= STEPS.len() {
        return Ok(false);
    }
    let mut script = format!("begin;\n{IN_CATALOG};\n");
    for step in &STEPS[done..] {
        script.push_str(step);
        script.push('\n');
    }
    let _ = write!(
        script,
        "insert into toysoldiers.installation (version) values ({VERSION}) \
         on conflict (singleton) do update set version = excluded.version, tool_version = excluded.tool_version;\ncommit;"
    );
    let installed = db.script(&script).await;
    if installed.is_err() {
        let _ = db.script("rollback").await;
    }
    installed.map_err(|error| {
        error.context(match from {
            None => "cannot make the schema toysoldiers, which remembers the migrations",
            Some(_) => {
                "cannot bring the schema toysoldiers up to date, which remembers the migrations"
            }
        })
    })?;
    // It has the relations that runs lock from now on, and the place for the hash.
    lock::settle(db).await?;
    Ok(true)
}

/// Writes into the audit log what `command` does: `policy apply`. Who it is, the session says.
pub async fn audit(db: &Db, command: &str, details: serde_json::Value) -> Result<()> {
    db.one(&AUDIT, &[&command, &details]).await.map(drop)
}

/// How a database is stamped.
#[derive(Debug, Clone, Copy)]
pub struct Stamping<'a> {
    /// The environment it belongs to from now on.
    pub environment: &'a str,
    /// The stamp it bears now; one that somebody else put there meanwhile is left alone.
    pub seen: Option<&'a str>,
    /// `migrate up`
    pub command: &'a str,
}

/// Stamps the database, with a row in its audit log; whether it was not stamped so before. Refused if somebody else
/// was faster.
pub async fn stamp(db: &Db, stamping: Stamping<'_>) -> Result<bool> {
    let Stamping {
        environment,
        seen,
        command,
    } = stamping;
    let params: [&dyn Param; 3] = [&environment, &seen, &command];
    let Stamped {
        environment: now,
        changed,
    } = db.one(&STAMP, &params).await?;
    if now.as_deref() == Some(environment) {
        return Ok(changed);
    }
    let now = now.map_or_else(|| "of nobody".to_owned(), |now| format!("stamped {now}"));
    Err(
        Error::refused(format!("the database is {now} since the plan was made"))
            .unchanged()
            .hint(
                error::command("env check")
                    .on(environment)
                    .hint("find out who else works on it, then see {}"),
            )
            .into(),
    )
}
