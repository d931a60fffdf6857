//! The private server: a PostgreSQL of one's own, made from the programs on the machine.
//!
//! Everything it has lies in one folder: the data, the socket, the log, the lock. It listens on a Unix socket
//! only. PostgreSQL refuses to run as root, so for root the server runs as another user. Any number of
//! commands may try to start it at once: one does, the others find it running. A data folder is made under
//! another name and renamed when it is whole, so there is no half-made one to trip over.

mod account;
mod cluster;
mod reset;

use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;
use tokio::time::{Instant, sleep};

use crate::error::{self, Error, Kind, Result, command};
use crate::pg::tools::Programs;
use crate::pg::{Db, Endpoint, Ident, Query};
use crate::plan::Progress;
use account::Account;
pub use account::user_name;
pub use reset::{Cleared, Reset};

/// The superuser of the private server; the socket's folder keeps everyone else out.
pub const SUPERUSER: &str = "postgres";

/// A Unix socket's path may be this long in bytes, on Linux; other systems allow four less.
const SOCKET_PATH_LIMIT: usize = if cfg!(target_os = "linux") { 107 } else { 103 };

const PATIENCE: Duration = Duration::from_mins(1);

/// A private server, running or not.
#[derive(Debug, Clone)]
pub struct Server {
    folder: PathBuf,
    programs: Programs,
}

/// What became of a request to start or to stop.
#[derive(Debug, Clone, Serialize)]
pub struct Changed {
    /// Whether anything had to be done.
    pub changed: bool,
    /// How it stands now.
    #[serde(flatten)]
    pub status: Status,
}

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
    /// The server whose folder this is.
    pub fn new(folder: PathBuf, programs: Programs) -> Self {
        Self { folder, programs }
    }

    /// Folder of everything the server has.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    fn socket_folder(&self) -> PathBuf {
        self.folder.join("run")
    }

    fn log(&self) -> PathBuf {
        self.folder.join("server.log")
    }

    /// The address of one of its databases.
    pub fn endpoint(&self, database: &str) -> Endpoint {
        Endpoint::socket(&self.socket_folder(), SUPERUSER, database)
    }

    /// A session in one of its databases; starts the server and makes the database if need be.
    pub async fn connect(&self, database: &str, progress: &dyn Progress) -> Result<Db> {
        self.start(progress).await?;
        let endpoint = self.endpoint(database);
        match Db::reach(&endpoint).await.map_err(anyhow::Error::from) {
            Err(error) if error::sqlstate(&error) == Some("3D000") => {
                let maintenance = Db::reach(&self.endpoint("postgres")).await?;
                match maintenance
                    .script(&format!("create database {}", Ident(database)))
                    .await
                {
                    // Another command was faster.
                    Err(error) if matches!(error::sqlstate(&error), Some("42P04" | "23505")) => {}
                    other => other?,
                }
                Ok(Db::reach(&endpoint).await?)
            }
            other => other,
        }
    }

    /// Starts the server unless it runs; true if it had to be started.
    pub async fn start(&self, progress: &dyn Progress) -> Result<bool> {
        if self.answers() {
            return Ok(false);
        }
        let account = self.prepare_folder()?;
        let _lock = self.lock().await?;
        if self.answers() {
            return Ok(false);
        }
        self.refuse_without_socket().await?;
        let bin = cluster::programs_for(&self.data(), &self.programs)?;
        cluster::make(&self.data(), &bin, &account, progress)?;
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self.launch(&bin, &account, deadline).await? {
                Launch::Ready => return Ok(true),
                // Killed servers leave children behind that need a moment to notice.
                Launch::Busy if Instant::now() < deadline => {
                    sleep(Duration::from_millis(100)).await;
                }
                Launch::Busy | Launch::Failed => return Err(self.did_not_start().into()),
            }
        }
    }

    /// A server that runs but cannot be reached: it is just starting or stopping, or somebody deleted its socket.
    async fn refuse_without_socket(&self) -> Result<()> {
        let deadline = Instant::now() + PATIENCE / 12;
        while let Some(pid) = cluster::running_pid(&self.data()) {
            if self.answers() {
                break;
            }
            if Instant::now() >= deadline {
                return Err(Error::failed(format!(
                    "the local server runs (pid {pid}), but its socket is gone"
                ))
                .note(format!(
                    "something deleted it from {}",
                    self.socket_folder().display()
                ))
                .hint(
                    command("local stop")
                        .anywhere()
                        .hint("{}, then try again; nothing is lost"),
                )
                .into());
            }
            sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }

    async fn launch(&self, bin: &Path, account: &Account, deadline: Instant) -> Result<Launch> {
        cluster::clear_stale_pid_file(&self.data());
        let from = std::fs::metadata(self.log()).map_or(0, |log| log.len());
        let mut child = cluster::spawn(
            bin,
            &self.data(),
            &self.socket_folder(),
            &self.log(),
            account,
        )?;
        while Instant::now() < deadline {
            if self.answers() && Db::reach(&self.endpoint("postgres")).await.is_ok() {
                return Ok(Launch::Ready);
            }
            let ended = child
                .try_wait()
                .map_err(|error| Error::failed("cannot wait for the server").because(error))?;
            if ended.is_some() {
                let said = cluster::log_since(&self.log(), from);
                let busy = said.contains("is still in use") || said.contains("already exists");
                return Ok(if busy { Launch::Busy } else { Launch::Failed });
            }
            sleep(Duration::from_millis(10)).await;
        }
        Ok(Launch::Failed)
    }

    fn did_not_start(&self) -> Error {
        let mut error = Error::failed("the local server did not start");
        for line in cluster::last_lines(&self.log(), 5) {
            error = error.note(line);
        }
        error
            .hint(command("local logs").anywhere().hint("read {}"))
            .hint(
                command("local reset --all")
                    .anywhere()
                    .hint("if its data is of no more use, start over with {}"),
            )
    }

    /// Stops the server if it runs; true if it had to be stopped.
    pub async fn stop(&self) -> Result<bool> {
        if !self.folder.is_dir() {
            return Ok(false);
        }
        let _lock = self.lock().await?;
        let Some(pid) = cluster::running_pid(&self.data()) else {
            return Ok(false);
        };
        cluster::interrupt(pid)?;
        let deadline = Instant::now() + PATIENCE;
        while cluster::running_pid(&self.data()).is_some() {
            if Instant::now() >= deadline {
                return Err(
                    Error::failed(format!("the local server (pid {pid}) does not stop"))
                        .hint(
                            command("local logs")
                                .anywhere()
                                .hint("see what it does in {}"),
                        )
                        .into(),
                );
            }
            sleep(Duration::from_millis(10)).await;
        }
        Ok(true)
    }

    /// How the server stands; starts nothing.
    pub async fn status(&self) -> Result<Status> {
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
        if self.answers() {
            let db = Db::reach(&self.endpoint("postgres")).await?;
            status.running = true;
            status.pid = cluster::running_pid(&self.data()).and_then(|pid| u32::try_from(pid).ok());
            status.version = Some(db.server_version().to_owned());
            status.started_at = Some(db.one(&UPTIME, &[]).await?.started_at);
            status.databases = db.all(&DATABASES, &[]).await?;
        }
        Ok(status)
    }

    /// The last `count` lines of the server's log.
    pub fn logs(&self, count: usize) -> Result<Vec<String>> {
        if !self.log().is_file() {
            return Err(
                Error::failed(format!("there is no log yet in {}", self.folder.display()))
                    .hint(
                        command("local start")
                            .anywhere()
                            .hint("start the server with {}"),
                    )
                    .into(),
            );
        }
        Ok(cluster::last_lines(&self.log(), count))
    }

    /// Whether something accepts connections on our socket.
    fn answers(&self) -> bool {
        std::os::unix::net::UnixStream::connect(self.socket_folder().join(".s.PGSQL.5432")).is_ok()
    }

    fn is_closed_to_us(&self) -> bool {
        let looked = std::fs::read_dir(self.socket_folder());
        looked.is_err_and(|error| error.kind() == std::io::ErrorKind::PermissionDenied)
    }

    /// Makes the folder, for the user the server will run as.
    fn prepare_folder(&self) -> Result<Account> {
        let socket = self.socket_folder().join(".s.PGSQL.5432");
        let length = socket.as_os_str().len();
        if length > SOCKET_PATH_LIMIT {
            return Err(Error::configuration(format!(
                "the folder {} is too deep: its socket's path would have {length} bytes, and {SOCKET_PATH_LIMIT} is the limit",
                self.folder.display()
            ))
            .hint("name a shorter folder in TOYSOLDIERS_LOCAL_DIR")
            .into());
        }
        let account = Account::for_server()?;
        account.make_folder(&self.folder)?;
        account.make_folder(&self.socket_folder())?;
        Ok(account)
    }

    /// One command at a time may start, stop or reset the server.
    async fn lock(&self) -> Result<std::fs::File> {
        let path = self.folder.join("lock");
        let file = std::fs::OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(|error| {
                Error::configuration(format!("cannot write {}", path.display()))
                    .because(error)
                    .hint("name a folder of your own in TOYSOLDIERS_LOCAL_DIR")
            })?;
        let deadline = Instant::now() + 2 * PATIENCE;
        // Polled, so that Ctrl-C is answered while another command is at it.
        while rustix::fs::flock(&file, rustix::fs::FlockOperation::NonBlockingLockExclusive)
            .is_err()
        {
            if Instant::now() >= deadline {
                return Err(Error::new(
                    Kind::Refused,
                    "another command keeps the local server's lock",
                )
                .note(format!("the lock is {}", path.display()))
                .hint("see what it is with `ps`, end it, and try again")
                .into());
            }
            sleep(Duration::from_millis(20)).await;
        }
        Ok(file)
    }
}

enum Launch {
    Ready,
    /// What a killed server left behind is still in use.
    Busy,
    Failed,
}
