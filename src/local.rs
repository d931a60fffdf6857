//! The private server: a PostgreSQL of one's own, made from the programs on the machine.
//!
//! Everything it has lies in one folder: the data, the socket, the log, the lock. It listens on a Unix socket
//! only. PostgreSQL refuses to run as root, so for root the server runs as another user, whom root trusts with the
//! data and with nothing else. Any number of commands may try to start it at once: one does, the others find it
//! running. A data folder is made under another name and renamed when it is whole, so there is no half-made one to
//! trip over.
//!
//! The server is no friend of its clients either: it may answer with anything, or not at all. That it is the
//! account's process is made sure of with each connection, so that a link in the socket's place does not lead root
//! to a server of somebody else.

mod account;
mod cluster;
mod folder;
mod process;
mod reset;
mod status;

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Serialize;
use tokio::time::{Instant, sleep};

use crate::error::{self, Error, Kind, Result, command};
use crate::pg::tools::Programs;
use crate::pg::{Db, Endpoint, Ident};
use crate::plan::Progress;
use account::Account;
pub use account::user_name;
use folder::{BACKUPS, BESIDE, DATA, Folder, LOCK, LOG, RUN};
pub use reset::{Cleared, Reset};
pub use status::{Database, Status};

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
    /// Variables that no program gets which is let in there.
    withheld: Vec<String>,
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

impl Server {
    /// The server whose folder this is.
    pub fn new(folder: PathBuf, programs: Programs) -> Self {
        Self {
            folder,
            programs,
            withheld: Vec::new(),
        }
    }

    /// The same; no program that is let in there gets these variables of ours.
    #[must_use]
    pub fn withholding(self, withheld: Vec<String>) -> Self {
        Self { withheld, ..self }
    }

    /// The server to try things in that is of this major version: this one if it is; one beside it, in a folder of
    /// its own, if there are programs for it; else this one, whatever it is.
    pub fn of_major(self, major: u32, progress: &dyn Progress) -> Result<Self> {
        let folder = self.find(progress)?;
        if cluster::major(folder.as_ref(), &self.programs)? == major {
            return Ok(self);
        }
        let tool = self.programs.of_major("initdb", major);
        let bin = tool.as_ref().and_then(|tool| tool.path.parent());
        Ok(match bin {
            Some(bin) if bin.join("postgres").is_file() => Self::new(
                self.folder.join(format!("{BESIDE}{major}")),
                Programs::new(Some(bin.to_owned())),
            ),
            _ => self,
        })
    }

    /// The servers of other versions that were made beside it.
    fn beside(&self) -> Vec<Self> {
        let entries = std::fs::read_dir(&self.folder).into_iter().flatten();
        let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        let names = names.filter(|name| name.starts_with(BESIDE));
        names
            .map(|name| Self::new(self.folder.join(name), self.programs.clone()))
            .collect()
    }

    /// Folder of everything the server has.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    fn data(&self) -> PathBuf {
        self.folder.join(DATA)
    }

    fn socket_folder(&self) -> PathBuf {
        self.folder.join(RUN)
    }

    fn log(&self) -> PathBuf {
        self.folder.join(LOG)
    }

    /// The address of one of its databases.
    pub fn endpoint(&self, database: &str) -> Endpoint {
        let endpoint = Endpoint::socket(&self.socket_folder(), SUPERUSER, database)
            .withholding(self.withheld.clone());
        match Account::for_server() {
            Ok(account) => endpoint.of_user(account.owner()),
            // Then there is no server; who tries to start one will hear why.
            Err(_) => endpoint,
        }
    }

    /// The folder as it stands, if there is one. Where root has nobody to run a server as, there was never one.
    fn find(&self, progress: &dyn Progress) -> Result<Option<Folder>> {
        match Account::for_server() {
            Ok(account) => Folder::find(&self.folder, account, progress),
            Err(_) => Ok(None),
        }
    }

    /// The folder for backups of environments that name none. Nothing is made; but what is there is made sure to be
    /// root's own, if root asks.
    pub fn backups(&self, progress: &dyn Progress) -> Result<PathBuf> {
        if rustix::process::geteuid().is_root()
            && let Some(folder) = self.find(progress)?
        {
            folder.check_backups()?;
        }
        Ok(self.folder.join(BACKUPS))
    }

    /// A session in one of its databases; starts the server and makes the database if need be.
    pub async fn connect(&self, database: &str, progress: &dyn Progress) -> Result<Db> {
        match self.reach(database, progress).await {
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
                Ok(Db::reach(&self.endpoint(database)).await?)
            }
            other => other,
        }
    }

    /// A connection to a database that is there. Starts the server if need be.
    pub async fn reach(&self, database: &str, progress: &dyn Progress) -> Result<Db> {
        self.start(progress).await?;
        Ok(Db::reach(&self.endpoint(database)).await?)
    }

    /// Starts the server unless it runs; true if it had to be started.
    pub async fn start(&self, progress: &dyn Progress) -> Result<bool> {
        if self.find(progress)?.is_some() && self.answers() {
            return Ok(false);
        }
        let folder = self.prepare_folder(progress)?;
        let _lock = self.lock(&folder).await?;
        if self.answers() {
            return Ok(false);
        }
        folder.make_for_account(RUN)?;
        self.refuse_without_socket(&folder).await?;
        let bin = cluster::programs_for(&folder, &self.programs)?;
        cluster::make(&folder, &bin, progress)?;
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self.launch(&folder, &bin, deadline).await? {
                Launch::Ready => return Ok(true),
                // Killed servers leave children behind that need a moment to notice.
                Launch::Busy if Instant::now() < deadline => {
                    sleep(Duration::from_millis(100)).await;
                }
                Launch::Busy | Launch::Failed => return Err(did_not_start(&folder).into()),
            }
        }
    }

    /// A server that runs but cannot be reached: it is just starting or stopping, or somebody deleted its socket.
    async fn refuse_without_socket(&self, folder: &Folder) -> Result<()> {
        let deadline = Instant::now() + PATIENCE / 12;
        while let Some(pid) = running(folder)? {
            if self.answers() {
                break;
            }
            if Instant::now() >= deadline {
                return Err(Error::failed(format!(
                    "the local server runs (pid {}), but its socket is gone",
                    pid.as_raw_nonzero()
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

    async fn launch(&self, folder: &Folder, bin: &Path, deadline: Instant) -> Result<Launch> {
        if let Some(data) = folder.data()? {
            process::clear_stale_file(&data);
        }
        let log = folder.log_to_write()?;
        let from = log.metadata().map_or(0, |log| log.len());
        let mut child = cluster::spawn(folder, bin, log)?;
        while Instant::now() < deadline {
            if self.answers() && Db::reach(&self.endpoint("postgres")).await.is_ok() {
                return Ok(Launch::Ready);
            }
            let ended = child
                .try_wait()
                .map_err(|error| Error::failed("cannot wait for the server").because(error))?;
            if ended.is_some() {
                let said = folder
                    .log_to_read()?
                    .map(|log| cluster::log_since(log, from))
                    .unwrap_or_default();
                let busy = said.contains("is still in use") || said.contains("already exists");
                return Ok(if busy { Launch::Busy } else { Launch::Failed });
            }
            sleep(Duration::from_millis(10)).await;
        }
        Ok(Launch::Failed)
    }

    /// Stops the server and those beside it, as far as they run; true if one had to be stopped.
    pub async fn stop(&self, progress: &dyn Progress) -> Result<bool> {
        let mut stopped = self.stop_alone(progress).await?;
        for server in self.beside() {
            stopped |= server.stop_alone(progress).await?;
        }
        Ok(stopped)
    }

    async fn stop_alone(&self, progress: &dyn Progress) -> Result<bool> {
        let Some(folder) = self.find(progress)? else {
            return Ok(false);
        };
        let _lock = self.lock(&folder).await?;
        let Some(pid) = running(&folder)? else {
            return Ok(false);
        };
        process::interrupt(pid, folder.account())?;
        let deadline = Instant::now() + PATIENCE;
        while running(&folder)?.is_some() {
            if Instant::now() >= deadline {
                return Err(Error::failed(format!(
                    "the local server (pid {}) does not stop",
                    pid.as_raw_nonzero()
                ))
                .hint(
                    command("local logs")
                        .anywhere()
                        .hint("see what it does in {}"),
                )
                .into());
            }
            sleep(Duration::from_millis(10)).await;
        }
        Ok(true)
    }

    /// The last `count` lines of the server's log.
    pub fn logs(&self, count: usize, progress: &dyn Progress) -> Result<Vec<String>> {
        let log = match self.find(progress)? {
            Some(folder) => folder.log_to_read()?,
            None => None,
        };
        let log = log.ok_or_else(|| {
            Error::failed(format!("there is no log yet in {}", self.folder.display())).hint(
                command("local start")
                    .anywhere()
                    .hint("start the server with {}"),
            )
        })?;
        Ok(cluster::last_lines(log, count))
    }

    /// Whether something accepts connections on our socket. One whose queue is full is taken at its word, and not
    /// waited for.
    fn answers(&self) -> bool {
        let knock = || {
            let socket = socket2::Socket::new(socket2::Domain::UNIX, socket2::Type::STREAM, None)?;
            socket.set_nonblocking(true)?;
            let path = self.socket_folder().join(".s.PGSQL.5432");
            socket.connect(&socket2::SockAddr::unix(path)?)
        };
        knock().map_or_else(
            |error: io::Error| error.kind() == io::ErrorKind::WouldBlock,
            |()| true,
        )
    }

    /// Makes the folder, for the user the server will run as.
    fn prepare_folder(&self, progress: &dyn Progress) -> Result<Folder> {
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
        Folder::make(&self.folder, Account::for_server()?, progress)
    }

    /// One command at a time may start, stop or reset the server.
    async fn lock(&self, folder: &Folder) -> Result<File> {
        let file = folder.lock_file()?;
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
                .note(format!("the lock is {}", folder.path(LOCK).display()))
                .hint("see what it is with `ps`, end it, and try again")
                .into());
            }
            sleep(Duration::from_millis(20)).await;
        }
        Ok(file)
    }
}

/// The server's process, if there is one.
fn running(folder: &Folder) -> Result<Option<rustix::process::Pid>> {
    Ok(folder.data()?.as_ref().and_then(process::find))
}

fn did_not_start(folder: &Folder) -> Error {
    let mut error = Error::failed("the local server did not start");
    let log = folder.log_to_read().ok().flatten();
    for line in log
        .map(|log| cluster::last_lines(log, 5))
        .unwrap_or_default()
    {
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

enum Launch {
    Ready,
    /// What a killed server left behind is still in use.
    Busy,
    Failed,
}
