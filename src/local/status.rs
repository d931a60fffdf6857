//! How the private server stands.

use std::path::PathBuf;

use jiff::Timestamp;
use serde::Serialize;

use super::{Server, running};
use crate::error::{Error, Kind, Result};
use crate::pg::{Db, Query};
use crate::plan::Progress;

/// How the private server stands.
#[derive(Debug, Clone, Serialize)]
pub struct Status {
    /// Whether it answers.
    pub running: bool,
    /// Process id of the server.
    pub pid: Option<u32>,
    /// The server's version.
    pub version: Option<String>,
    /// When it was started.
    pub started_at: Option<Timestamp>,
    /// Folder of everything it has.
    pub folder: PathBuf,
    /// Folder of its socket: the host to give to other programs.
    pub socket: PathBuf,
    /// Its log.
    pub log: PathBuf,
    /// Its databases; empty unless it runs.
    pub databases: Vec<Database>,
}

crate::row! {
    /// A database of the private server.
    pub struct Database {
        /// Name.
        pub name: String,
        /// Size in bytes.
        pub bytes: i64,
    }
}

crate::row! {
    /// The server about itself.
    pub struct Uptime {
        /// When it was started.
        pub started_at: Timestamp,
    }
}

static DATABASES: Query<Database> = crate::query!("local/databases");
static UPTIME: Query<Uptime> = crate::query!("local/uptime");

impl Server {
    /// How the server stands; starts nothing.
    pub async fn status(&self, progress: &dyn Progress) -> Result<Status> {
        let mut status = Status {
            running: false,
            pid: None,
            version: None,
            started_at: None,
            folder: self.folder.clone(),
            socket: self.socket_folder(),
            log: self.log(),
            databases: Vec::new(),
        };
        if self.is_closed_to_us() {
            return Err(Error::new(
                Kind::Refused,
                format!("{} belongs to another user", self.folder.display()),
            )
            .hint("run this as that user, or name a folder of your own in TOYSOLDIERS_LOCAL_DIR")
            .into());
        }
        if let Some(folder) = self.find(progress)?
            && self.answers()
        {
            let db = Db::reach(&self.endpoint("postgres")).await?;
            status.running = true;
            status.pid = running(&folder)?.map(|pid| pid.as_raw_nonzero().get().unsigned_abs());
            status.version = Some(db.server_version().to_owned());
            status.started_at = Some(db.one(&UPTIME, &[]).await?.started_at);
            status.databases = db.all(&DATABASES, &[]).await?;
        }
        Ok(status)
    }

    fn is_closed_to_us(&self) -> bool {
        let looked = std::fs::read_dir(self.socket_folder());
        looked.is_err_and(|error| error.kind() == std::io::ErrorKind::PermissionDenied)
    }
}
