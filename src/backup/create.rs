//! Taking a backup.
//!
//! The order matters. Tables are locked before the snapshot is taken, since a `TRUNCATE` between the two would
//! leave the dump an empty table and no error. pg_dump works on our snapshot, and so do the row counts.

use std::fmt::Write;
use std::time::Instant;

use jiff::Timestamp;
use serde::Serialize;

use super::destination::{self, Destination};
use super::dump;
use super::manifest::{FORMAT, Manifest, Server};
use super::table::{self, Name};
use crate::bookkeeping::TOOL_VERSION;
use crate::error::{self, Error, Result};
use crate::migrate::history::History;
use crate::pg::tools::{Programs, Tool};
use crate::pg::{Db, Ident, Query};
use crate::plan::{Consent, Plan, Risk, Step};

/// How often a table may appear between listing and locking before we give up.
const ATTEMPTS: usize = 5;

crate::row! {
    /// The snapshot other sessions may share.
    pub struct Snapshot {
        /// Its name.
        pub snapshot: String,
        /// When it was taken.
        pub taken_at: Timestamp,
    }
}

static SNAPSHOT: Query<Snapshot> = crate::query!("backup/snapshot");

/// A backup to be taken.
#[derive(Debug)]
pub struct Order {
    environment: String,
    name: String,
    destination: Destination,
    tool: Tool,
}

/// A backup that was taken and read back.
#[derive(Debug, Serialize)]
pub struct Taken {
    /// Path of the dump.
    pub file: String,
    /// Path of the manifest.
    pub manifest_file: String,
    /// Whether the dump was read back from the disk and has the hash of the manifest, which was read back too.
    pub checked: bool,
    /// The manifest.
    pub manifest: Manifest,
}

/// What taking a backup would do. A pg_dump that is older than the server is refused here.
pub fn plan(
    db: &Db,
    environment: &str,
    destination: Destination,
    programs: &Programs,
    now: Timestamp,
) -> Result<Plan<Order>> {
    let tool = programs.for_server("pg_dump", db.server_major())?;
    let name = destination.free_name(&format!(
        "{}-{}",
        file_name(environment),
        now.strftime("%Y%m%dT%H%M%SZ")
    ));
    let step = Step::new(
        "write",
        destination
            .path(&format!("{name}.dump"))
            .display()
            .to_string(),
    )
    .detail(format!("by pg_dump {}", tool.version));
    Ok(Plan {
        title: "take a backup".to_owned(),
        risk: Risk::Harmless,
        steps: vec![step],
        work: Order {
            environment: environment.to_owned(),
            name,
            destination,
            tool,
        },
    })
}

/// Takes the backup. If anything fails, nothing is left that looks like one.
pub async fn take(db: &Db, order: Order, _consent: Consent) -> Result<Taken> {
    let start = Instant::now();
    let Order {
        environment,
        name,
        destination,
        tool,
    } = order;
    destination.prepare()?;
    let last_migration = History::read(db).await?.current();
    let (tables, snapshot) = freeze(db).await?;
    let file = format!("{name}.dump");
    let partial = destination.partial(&file)?;
    let (counts, ()) = tokio::try_join!(
        table::count(db, &tables),
        dump::run(&tool, db, &snapshot.snapshot, partial.path())
    )?;
    db.script("commit").await?;
    let (bytes, sha256) = destination::digest(partial.path()).await?;
    destination.keep(partial, &file)?;
    let manifest = Manifest {
        format: FORMAT,
        name: name.clone(),
        environment,
        taken_at: snapshot.taken_at,
        duration_ms: u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX),
        tool_version: TOOL_VERSION.to_owned(),
        server: Server {
            host: db.endpoint().host(),
            port: db.endpoint().port(),
            database: db.endpoint().database().to_owned(),
            version: db.server_version().to_owned(),
        },
        pg_dump: tool.version,
        last_migration,
        tables: counts,
        file: file.clone(),
        bytes,
        sha256,
    };
    if let Err(error) = destination.seal(&manifest) {
        destination.discard(&file);
        return Err(error);
    }
    let read_back = destination.manifest(&name)?;
    destination.verify(&read_back).await?;
    Ok(Taken {
        file: destination.path(&file).display().to_string(),
        manifest_file: destination
            .path(&format!("{name}.json"))
            .display()
            .to_string(),
        checked: read_back == manifest,
        manifest: read_back,
    })
}

/// Locks all tables, then takes the snapshot, and makes sure that no table slipped in between.
async fn freeze(db: &Db) -> Result<(Vec<Name>, Snapshot)> {
    for _ in 0..ATTEMPTS {
        let tables = table::list(db).await?;
        // A table RLS hides rows of would be counted wrong; with row_security off that is an error instead.
        let mut script = String::from(
            "begin isolation level repeatable read, read only;\
             set local lock_timeout = '10s';\
             set local statement_timeout = 0;\
             set local idle_in_transaction_session_timeout = 0;\
             set local row_security = off;",
        );
        for Name { schema, name } in &tables {
            let _ = write!(
                script,
                "lock table only {}.{} in access share mode;",
                Ident(schema),
                Ident(name)
            );
        }
        let frozen = async {
            db.script(&script).await?;
            let snapshot = db.one(&SNAPSHOT, &[]).await?;
            Ok((table::list(db).await?, snapshot))
        };
        match frozen.await {
            Ok((seen, snapshot)) if seen == tables => return Ok((tables, snapshot)),
            Ok(_) => db.script("rollback").await?,
            Err(error) => {
                let _ = db.script("rollback").await;
                // Dropped between listing and locking: list again.
                if matches!(error::sqlstate(&error), Some("42P01" | "3F000")) {
                    continue;
                }
                return Err(error);
            }
        }
    }
    Err(
        Error::failed("tables come and go faster than they can be locked")
            .note("nothing was kept")
            .hint("take the backup when nobody changes the schema")
            .into(),
    )
}

/// The environment's name as part of a file's name.
fn file_name(environment: &str) -> String {
    environment
        .chars()
        .map(|letter| {
            if letter.is_alphanumeric() || letter == '-' || letter == '_' {
                letter
            } else {
                '_'
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_leave_its_folder() {
        assert_eq!(file_name("production"), "production");
        assert_eq!(file_name("../../etc/x y"), "______etc_x_y");
    }
}
