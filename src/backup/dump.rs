//! pg_dump on an exported snapshot.

use std::path::Path;

use crate::error::Result;
use crate::pg::tools::Tool;
use crate::pg::{Db, child};

/// How long pg_dump waits for a lock, in milliseconds: it must not queue in front of everyone for long.
const LOCK_WAIT: &str = "10000";

/// Runs pg_dump on a snapshot that `db` exports, into `file`.
pub async fn run(tool: &Tool, db: &Db, snapshot: &str, file: &Path) -> Result<()> {
    child::run(tool, db, |command| {
        // What it writes is synced by us, once, before it gets its name.
        command
            .args(["--format=custom", "--no-password", "--no-sync"])
            .arg(format!("--lock-wait-timeout={LOCK_WAIT}"))
            .arg(format!("--snapshot={snapshot}"))
            .arg("--file")
            .arg(file);
    })
    .await
    .map_err(|error| error.note("nothing was kept").into())
}
