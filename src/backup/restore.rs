//! Restoring a backup into a database of its own.
//!
//! The order matters. The dump is compared with its manifest before anything is made, and the new database with
//! the manifest before it gets its name ([`Target`]): an exit code of pg_restore is no proof of rows.

use std::path::Path;
use std::time::Instant;

use serde::Serialize;

use super::list::Listing;
use super::manifest::{Manifest, Table};
use super::seal;
use super::store::Store;
use super::table;
use super::target::Target;
use crate::bookkeeping::{self, Stamp};
use crate::error::{Error, Result, command};
use crate::pg::schema::{self, Objects};
use crate::pg::tools::{self, Programs, Tool};
use crate::pg::{Db, Query, Undo, child};
use crate::plan::{Consent, Effect, Plan, Progress, Risk, Step};

/// How many tables that differ are told.
const DIFFERENCES: usize = 5;

static STAMP: Query<Stamp> = crate::query!("backup/stamp");

/// Where a backup is restored.
#[derive(Debug, Clone)]
pub struct Place {
    /// Name of the environment on whose server the new database will be.
    pub environment: String,
    /// Whether the environment is a configured one, which the new database will belong to.
    pub claims: bool,
    /// Whether the environment is an address, which has no name.
    pub is_address: bool,
}

/// A restore to be done.
#[derive(Debug)]
pub struct Order {
    place: Place,
    name: String,
    manifest: Manifest,
    store: Store,
    target: Target,
    tool: Tool,
}

/// A backup that was restored, with its rows counted.
#[derive(Debug, Serialize)]
pub struct Restored {
    /// The new database.
    pub database: String,
    /// The environment on whose server it is.
    pub environment: String,
    /// The environment it says it belongs to; nothing if none.
    pub stamp: Option<String>,
    /// Name of the backup.
    pub backup: String,
    /// How many tables it has.
    pub tables: usize,
    /// How many rows, of all tables.
    pub rows: i64,
    /// How long it took, in milliseconds.
    pub duration_ms: u64,
    /// Whether every table has as many rows as the manifest says.
    pub checked: bool,
    /// The new database's address, without a password.
    pub url: String,
    /// Whether its server was named by an address, and not by an environment.
    #[serde(skip)]
    pub is_address: bool,
}

/// What restoring would do. What can be refused without reading the dump is refused here; size and hash of the
/// dump are compared when the plan is carried out, so a dry run is quick and says nothing about them.
pub async fn plan(
    db: &Db,
    place: Place,
    name: &str,
    store: Store,
    database: String,
    programs: &Programs,
) -> Result<Plan<Order>> {
    let listing = Listing::read(&store).await?;
    let entry = listing.find(name)?;
    let name = entry.name.clone();
    let manifest = seal::manifest(&store, &name).await?;
    let dump = store.path(&manifest.file);
    if entry.bytes.is_none() {
        return Err(
            Error::failed(format!("the dump {} is gone", dump.display()))
                .note("only its manifest is there")
                .hint(
                    command("backup list")
                        .hint("restore another backup; {} shows which are complete"),
                )
                .into(),
        );
    }
    let tool = program_for(programs, db, &manifest)?;
    let target = Target::find(db, database).await?;
    let mut steps = vec![
        Step::new(Effect::Verifies, "check", dump.display().to_string())
            .detail("its size and SHA-256"),
    ];
    if target.leftover {
        steps.push(
            Step::new(
                Effect::Removes,
                "drop",
                format!("database {}", target.partial),
            )
            .detail("left behind by a restore that was killed"),
        );
    }
    steps.push(Step::new(
        Effect::Adds,
        "create",
        format!("database {}", target.database),
    ));
    steps.push(Step::new(Effect::Adds, "restore", &name).detail(format!(
        "of {}, {} tables, by pg_restore {}",
        manifest.environment,
        manifest.tables.len(),
        tool.version
    )));
    if place.claims {
        steps.push(
            Step::new(Effect::Changes, "stamp", &place.environment)
                .detail("the new database belongs to this environment"),
        );
    }
    Ok(Plan {
        title: format!("restore {name} into {}", target.database),
        risk: Risk::Mild,
        steps,
        work: Order {
            place,
            name,
            manifest,
            store,
            target,
            tool,
        },
    })
}

/// Restores the backup. `db` is a session in any other database of the server. Either the database is
/// there with every row of the manifest, and with one more in its audit log if it has one, or there is none.
pub async fn restore(
    db: &Db,
    order: Order,
    _consent: Consent,
    undo: &Undo,
    progress: &dyn Progress,
) -> Result<Restored> {
    let start = Instant::now();
    let Order {
        place,
        name,
        manifest,
        store,
        target,
        tool,
    } = order;
    if let Some(exposure) = store.exposure().await {
        progress.warn(&exposure);
    }
    seal::verify(&store, &manifest)
        .await
        .map_err(|error| error.context(format!("cannot restore {name}; nothing was created")))?;
    let inside = target.make(db, undo, progress).await?;
    run(&tool, &inside, &store.path(&manifest.file)).await?;
    let tables = table::list(&inside).await?;
    let counted = table::count(&inside, &tables).await?;
    compare(&manifest.tables, &counted)?;
    // A database that toysoldiers never migrated has no audit log.
    let details = serde_json::json!({ "backup": name, "environment": manifest.environment });
    let audited = bookkeeping::audit(&inside, "backup restore", details).await;
    bookkeeping::absent_is_none(audited)?;
    let stamp = stamp(&inside, &place).await?;
    // What was as it was left is so in the copy, whose numbers are others.
    if manifest.schema_as_left
        && let Some(schema) =
            bookkeeping::absent_is_none(schema::read(&inside, Objects::Told).await)?.flatten()
    {
        schema::accept(&inside, &schema).await?;
    }
    drop(inside);
    target.keep(db, undo).await?;
    Ok(Restored {
        is_address: place.is_address,
        environment: place.environment,
        stamp,
        backup: name,
        tables: counted.len(),
        rows: counted.iter().map(|table| table.rows).sum(),
        duration_ms: u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX),
        checked: true,
        url: target.url(),
        database: target.database,
    })
}

/// The stamp in the dump is that of another database. A dump of older bookkeeping, or of none, has no place for one.
async fn stamp(inside: &Db, place: &Place) -> Result<Option<String>> {
    let installed = bookkeeping::installed(inside).await?;
    if installed.is_none_or(|version| version < i32::from(bookkeeping::WITH_STAMP)) {
        return Ok(None);
    }
    let claim = place.claims.then_some(place.environment.as_str());
    let row = inside.opt(&STAMP, &[&claim]).await?;
    Ok(row.and_then(|row| row.environment))
}

/// A pg_restore that is older than the server, or than the pg_dump that made the dump, is refused.
fn program_for(programs: &Programs, db: &Db, manifest: &Manifest) -> Result<Tool> {
    let tool = programs.for_server("pg_restore", db.server_major())?;
    let made_by = tools::major(&manifest.pg_dump);
    if tool.major >= made_by {
        return Ok(tool);
    }
    programs.at_least("pg_restore", made_by, "the pg_dump that made the dump")
}

/// Runs pg_restore: everything or nothing.
async fn run(tool: &Tool, inside: &Db, dump: &Path) -> Result<()> {
    let ran = child::run(tool, inside, |command| {
        command
            .args(["--single-transaction", "--exit-on-error", "--no-password"])
            .arg(format!(
                "--dbname={}",
                conninfo(inside.endpoint().database())
            ))
            .arg("--")
            .arg(dump);
    })
    .await;
    ran.map_err(|error| {
        let reason = std::error::Error::source(&error).map(ToString::to_string);
        let reason = reason.unwrap_or_default();
        if reason.contains("role \"") && reason.ends_with("does not exist") {
            error
                .hint("make the roles of the backup on this server first, with `create role`")
                .into()
        } else if reason.ends_with("unrecognized configuration parameter \"transaction_timeout\"") {
            error
                .hint(format!(
                    "restore into PostgreSQL 17 or newer; or take the backup and restore it with the programs of PostgreSQL {}",
                    inside.server_major()
                ))
                .into()
        } else {
            error.into()
        }
    })
}

/// The name of a database as pg_restore takes it: unquoted, some names would be read as addresses.
fn conninfo(database: &str) -> String {
    let quoted = database.replace('\\', "\\\\").replace('\'', "\\'");
    format!("dbname='{quoted}'")
}

/// Every table is there with as many rows as the manifest says, and no other.
fn compare(expected: &[Table], counted: &[Table]) -> Result<()> {
    let rows_in = |tables: &[Table], wanted: &Table| {
        tables
            .iter()
            .find(|table| (&table.schema, &table.name) == (&wanted.schema, &wanted.name))
            .map_or_else(
                || "no table".to_owned(),
                |table| format!("{} rows", table.rows),
            )
    };
    let missing = expected.iter().filter(|table| !counted.contains(table));
    let extra = counted
        .iter()
        .filter(|table| rows_in(expected, table) == "no table");
    let different: Vec<String> = missing
        .chain(extra)
        .map(|table| {
            format!(
                "{}.{}: {} in the manifest, {} restored",
                table.schema,
                table.name,
                rows_in(expected, table),
                rows_in(counted, table)
            )
        })
        .collect();
    if different.is_empty() {
        return Ok(());
    }
    let mut error = Error::failed("what was restored is not what the manifest says")
        .hint("restore another backup, and find out who changed this one");
    for line in different.iter().take(DIFFERENCES) {
        error = error.note(line.as_str());
    }
    if different.len() > DIFFERENCES {
        error = error.note(format!("and {} more tables", different.len() - DIFFERENCES));
    }
    Err(error.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_never_read_as_an_address() {
        assert_eq!(conninfo("shop"), "dbname='shop'");
        assert_eq!(conninfo("a' host='b\\"), "dbname='a\\' host=\\'b\\\\'");
    }

    #[test]
    fn every_difference_is_told() {
        let table = |name: &str, rows| Table {
            schema: "public".to_owned(),
            name: name.to_owned(),
            rows,
        };
        let same = [table("a", 1), table("b", 2)];
        assert!(compare(&same, &same).is_ok());
        let error = compare(&same, &[table("a", 1), table("b", 3), table("c", 0)])
            .expect_err("they differ");
        assert_eq!(
            crate::error::explain(&error)
                .notes
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>(),
            [
                "public.b: 2 rows in the manifest, 3 rows restored",
                "public.c: no table in the manifest, 0 rows restored",
            ]
        );
        assert!(compare(&same, &same[..1]).is_err());
    }
}
