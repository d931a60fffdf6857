//! Throw-away servers, made without syncing. One is shared by all tests; a test that needs another kind of server,
//! or breaks its own, starts one.
//!
//! A server listens on a socket in its folder and on a port of 127.0.0.1. The port is a free one, so the socket has
//! its number in its name; a link gives it the usual name too, and nobody needs the number to use the socket.

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock, Mutex};

use super::process::{self, Process, as_server_user};
use super::requirements::{self, requirements};
use super::{Database, Setup};

pub use super::process::server_user;
pub use super::session::{sql, try_sql};

static SERVER: LazyLock<Arc<Server>> = LazyLock::new(|| {
    let server = Server::make(&Setup::new(), initdb);
    // Whoever chose another server is told by the tests that end without it.
    if requirements::chosen().is_none() && !server.has_hypopg() {
        let question = "select current_setting('server_version_num')::int / 10000";
        let major = sql(&server.socket, "postgres", question).remove(0);
        requirements::give_up(&[format!(
            "HypoPG: `apt-get install postgresql-{major}-hypopg`"
        )]);
    }
    server
});

/// Rules for all servers. A password is wanted from one user only on the socket, for the tests of passwords, and
/// from everyone but one on the port.
const RULES: &str = "\
local all clerk scram-sha-256
local all all trust
local replication all trust
host all postgres 127.0.0.1/32 trust
host all all 127.0.0.1/32 scram-sha-256
";

/// Where PostgreSQL's programs are.
pub fn bin() -> PathBuf {
    requirements().postgresql.clone()
}

/// A server; it ends when the last one to use it does.
pub struct Server {
    /// The folder of its socket.
    pub socket: PathBuf,
    /// The port on 127.0.0.1.
    pub port: u16,
    process: Mutex<Option<Process>>,
}

impl Server {
    /// The one all tests share.
    pub fn shared() -> &'static Arc<Self> {
        &SERVER
    }

    /// A server of one's own, with nothing in it.
    pub fn start(setup: &Setup) -> Arc<Self> {
        Self::make(setup, |folder| {
            // Twenty times faster than initdb.
            let blank = Self::shared().socket.join("blank");
            copy(&blank, &folder.join("data"));
        })
    }

    /// One whose fingerprint no other has: copies have that of the original.
    pub fn stranger(setup: &Setup) -> Arc<Self> {
        Self::make(setup, initdb)
    }

    /// A server whose data is made by a function, in the folder `data` of the folder it gets.
    pub fn make(setup: &Setup, data: impl Fn(&Path)) -> Arc<Self> {
        process::on_free_port(|port| {
            let folder = process::folder();
            let args = [Path::new("-D"), &folder.join("data")];
            let process = Process::prepare(&folder, "QUIT", &bin().join("postgres"), args);
            data(&folder);
            setup.write(&folder, port, RULES);
            symlink(
                folder.join(format!(".s.PGSQL.{port}")),
                folder.join(".s.PGSQL.5432"),
            )
            .unwrap();
            let process = process.start(|| try_sql(&folder, "postgres", "select 1").is_ok())?;
            Ok(Arc::new(Self {
                socket: folder,
                port,
                process: Mutex::new(Some(process)),
            }))
        })
    }

    /// Whether HypoPG can be made in its databases.
    pub fn has_hypopg(&self) -> bool {
        let question = "select count(*) from pg_available_extensions where name = 'hypopg'";
        sql(&self.socket, "postgres", question) == ["1"]
    }

    /// One of its databases.
    pub fn database(self: &Arc<Self>, name: &str) -> Database {
        Database::named(name.to_owned(), self)
    }

    /// Ends it at once, as a crash would, and waits for its end.
    pub fn stop(&self) {
        self.process.lock().unwrap().take();
    }

    /// Puts a line before those of pg_hba.conf. It holds for whoever connects when this returns.
    pub fn add_rule(self: &Arc<Self>, line: &str) {
        let path = self.socket.join("data/pg_hba.conf");
        let rules = std::fs::read_to_string(&path).unwrap();
        process::write(&path, format!("{line}\n{rules}"));
        self.reload();
    }

    /// Makes it read its files again. Sessions that begin when this returns see what they say now.
    pub fn reload(self: &Arc<Self>) {
        let postgres = self.database("postgres");
        let before = postgres.value("select pg_conf_load_time()");
        postgres.sql("select pg_reload_conf()");
        postgres.wait_until(&format!("select pg_conf_load_time() <> '{before}'"));
    }
}

/// Makes data, and keeps a copy for those who come later.
fn initdb(folder: &Path) {
    let blank = folder.join("blank");
    process::run(
        as_server_user(&bin().join("initdb"))
            .args([
                "--auth=trust",
                "--encoding=UTF8",
                "--locale=C.UTF-8",
                "--no-sync",
                "--username=postgres",
                "-D",
            ])
            .arg(&blank),
    );
    copy(&blank, &folder.join("data"));
}

/// Copies a folder as the server's user.
pub fn copy(from: &Path, to: &Path) {
    process::run(as_server_user(Path::new("cp")).arg("-Rp").arg(from).arg(to));
}
