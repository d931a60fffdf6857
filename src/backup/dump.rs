//! pg_dump on an exported snapshot.

use std::fs::File;

use crate::error::Result;
use crate::pg::tools::Tool;
use crate::pg::{Db, child};

/// Runs pg_dump on a snapshot that `db` exports, into a file that is open: it goes back in it to note where the rows of
/// each table begin. By its name it could come to another file, if somebody else may write to the folder.
pub async fn run(db: &Db, tool: &Tool, snapshot: &str, file: File) -> Result<()> {
    child::run_beside(db, tool, file.into(), |command| {
        // What it writes is synced by us, once, before it gets its name.
        command
            .args(["--format=custom", "--no-password", "--no-sync"])
            // It must not queue in front of everyone for long.
            .arg(format!(
                "--lock-wait-timeout={}",
                db.lock_timeout().as_millis()
            ))
            .arg(format!("--snapshot={snapshot}"));
    })
    .await
    .map_err(|error| error.note("nothing was kept").into())
}
