//! A real PgBouncer in front of a server.
//!
//! It lets in the same people as the server does: `postgres` as is, `clerk` with the password `open sesame`.

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use super::Database;
use super::process::{self, Process};
use super::requirements::requirements;
use super::session::try_sql;

/// A pooler; it ends when dropped.
pub struct Bouncer {
    /// The folder of its socket.
    pub socket: PathBuf,
    port: u16,
    database: Database,
    _process: Process,
}

impl Bouncer {
    /// Gives a connection to the server away for a transaction.
    pub fn transaction(database: &Database) -> Self {
        Self::start(database, &["pool_mode = transaction"])
    }

    /// Gives a connection to the server away for as long as the client stays.
    pub fn session(database: &Database) -> Self {
        Self::start(database, &["pool_mode = session"])
    }

    /// With these lines in the section `[pgbouncer]` of its file; a line wins over those before it.
    pub fn start(database: &Database, lines: &[&str]) -> Self {
        process::on_free_port(|port| {
            let folder = process::folder();
            // Which of its signals ends it at once depends on its version; it has nothing to put in order.
            let ini = folder.join("pgbouncer.ini");
            let process =
                Process::prepare(&folder, "KILL", &requirements().pgbouncer, [ini.as_path()]);
            configure(&folder, port, database, lines);
            symlink(
                folder.join(format!(".s.PGSQL.{port}")),
                folder.join(".s.PGSQL.5432"),
            )
            .unwrap();
            let process =
                process.start(|| try_sql(&folder, "pgbouncer", "show version").is_ok())?;
            // It goes on without the port if somebody else has it.
            let log = std::fs::read_to_string(folder.join("log")).unwrap();
            if !log.contains(&format!("listening on 127.0.0.1:{port}")) {
                return Err(log);
            }
            Ok(Self {
                socket: folder,
                port,
                database: database.clone(),
                _process: process,
            })
        })
    }

    /// Its port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The database behind it.
    pub fn database(&self) -> &str {
        &self.database.name
    }

    /// The address by way of the network.
    pub fn url(&self) -> String {
        self.url_as("postgres")
    }

    pub fn url_as(&self, user: &str) -> String {
        format!(
            "postgresql://{user}@127.0.0.1:{}/{}",
            self.port(),
            self.database.name
        )
    }

    /// The address by way of the socket.
    pub fn socket_url(&self) -> String {
        format!(
            "postgresql://postgres@/{}?host={}",
            self.database.name,
            self.socket.display()
        )
    }
}

fn configure(folder: &Path, port: u16, database: &Database, lines: &[&str]) {
    let server = &database.server;
    let ini = format!(
        "[databases]\n\
         * = host={socket} port={server_port}\n\
         [pgbouncer]\n\
         listen_addr = 127.0.0.1\n\
         listen_port = {port}\n\
         unix_socket_dir = {folder}\n\
         auth_type = hba\n\
         auth_hba_file = {folder}/hba\n\
         auth_file = {folder}/users\n\
         admin_users = postgres\n\
         {lines}\n",
        socket = server.socket.display(),
        server_port = server.port,
        folder = folder.display(),
        lines = lines.join("\n"),
    );
    process::write(&folder.join("pgbouncer.ini"), ini);
    process::write(
        &folder.join("users"),
        "\"postgres\" \"\"\n\"clerk\" \"open sesame\"\n",
    );
    process::write(
        &folder.join("hba"),
        "local all postgres trust\n\
         host all postgres 127.0.0.1/32 trust\n\
         local all all scram-sha-256\n\
         host all all 127.0.0.1/32 scram-sha-256\n",
    );
}
