//! Taking a backup.
//!
//! The order matters. Tables are locked before the snapshot is taken, since a `TRUNCATE` between the two would
//! leave the dump an empty table and no error. pg_dump works on our snapshot, and so do the row counts.

use std::fmt::Write;
use std::time::Instant;

use jiff::Timestamp;
use serde::Serialize;

use super::dump;
use super::manifest::{FORMAT, Manifest, Server};
use super::seal;
use super::store::Store;
use super::table::{self, Name};
use crate::error::{self, Error, Result};
use crate::migrate::history::History;
use crate::pg::TOOL_VERSION;
use crate::pg::schema::{self, Objects, Schema, State};
use crate::pg::tools::{Programs, Tool};
use crate::pg::{Db, Ident, Query};
use crate::plan::{Consent, Effect, Plan, Progress, Risk, Step};

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
    store: Store,
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
pub async fn plan(
    db: &Db,
    environment: &str,
    store: Store,
    programs: &Programs,
    now: Timestamp,
) -> Result<Plan<Order>> {
    let tool = programs.for_server("pg_dump", db.server_major())?;
    let time = now.strftime("%Y%m%dT%H%M%SZ");
    let name = seal::free_name(&store, &format!("{}-{time}", file_name(environment))).await;
    let dump = store.path(&format!("{name}.dump"));
    let step = Step::new(Effect::Adds, "write", dump.display().to_string())
        .detail(format!("by pg_dump {}", tool.version));
    Ok(Plan {
        title: "take a backup".to_owned(),
        risk: Risk::Harmless,
        steps: vec![step],
        work: Order {
            environment: environment.to_owned(),
            name,
            store,
            tool,
        },
    })
}

/// Takes the backup. If anything fails, nothing is left that looks like one.
pub async fn take(
    db: &Db,
    order: Order,
    _consent: Consent,
    progress: &dyn Progress,
) -> Result<Taken> {
    let start = Instant::now();
    let Order {
        environment,
        name,
        store,
        tool,
    } = order;
    let file = format!("{name}.dump");
    // Where nothing can be written nobody is made to wait for our locks.
    let writing = store.create(&file).await?;
    if let Some(exposure) = store.exposure().await {
        progress.warn(&exposure);
    }
    // Since PostgreSQL 17 pg_restore sets transaction_timeout in any server, and only it reads such a dump.
    if tool.major >= 17 && db.server_major() < 17 {
        progress.warn(&format!(
            "a dump by pg_dump {} can only be restored into PostgreSQL 17 or newer; with the programs of PostgreSQL {} it could be restored here",
            tool.version,
            db.server_major()
        ));
    }
    let last_migration = History::read(db).await?.current();
    let (tables, snapshot) = freeze(db).await?;
    let schema = schema::read_here(db, Objects::LeftOut).await?;
    let is_left = |schema: &Schema| schema.state() == State::AsLeft && schema.settled;
    let shown = store.path(&file).display().to_string();
    let cannot =
        |error: std::io::Error| Error::failed(format!("cannot read {shown}")).because(error);
    let output = writing.file().map_err(cannot)?;
    let (counts, ()) = tokio::try_join!(
        table::count(db, &tables),
        dump::run(db, &tool, &snapshot.snapshot, output)
    )?;
    db.script("commit").await?;
    let reading = writing.reading().await.map_err(cannot)?;
    let (bytes, sha256) = seal::digest(reading).await.map_err(cannot)?;
    writing.commit().await?;
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
        schema_as_left: schema.as_ref().is_some_and(is_left),
        tables: counts,
        file: file.clone(),
        bytes,
        sha256,
    };
    if let Err(error) = seal::seal(&store, &manifest).await {
        // A dump without a manifest is no backup. If it cannot be taken away either, a list says what it is.
        let _ = store.delete(&file).await;
        return Err(error);
    }
    let read_back = seal::manifest(&store, &name).await?;
    seal::verify(&store, &read_back).await?;
    let shown = |file: &str| store.path(file).display().to_string();
    Ok(Taken {
        file: shown(&file),
        manifest_file: shown(&format!("{name}.json")),
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
