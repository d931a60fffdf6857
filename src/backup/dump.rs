//! pg_dump on an exported snapshot.

use std::path::Path;

use crate::error::Result;
use crate::pg::tools::Tool;
use crate::pg::{Db, child};

/// Runs pg_dump on a snapshot that `db` exports, into `file`.
pub async fn run(db: &Db, tool: &Tool, snapshot: &str, file: &Path) -> Result<()> {
    child::run_beside(db, tool, |command| {
        // What it writes is synced by us, once, before it gets its name.
        command
            .args(["--format=custom", "--no-password", "--no-sync"])
            // It must not queue in front of everyone for long.
            .arg(format!(
                "--lock-wait-timeout={}",
                db.lock_timeout().as_millis()
            ))
            .arg(format!("--snapshot={snapshot}"))
            .arg("--file")
            .arg(file);
    })
    .await
    .map_err(|error| error.note("nothing was kept").into())
}
