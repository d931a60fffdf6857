//! The throw-away server: made once a run, without syncing, on a socket only.
//!
//! Its life hangs on a pipe: a shell waits for the pipe to close, which happens when this process ends by any
//! cause, and then kills the server and deletes its folder.

use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio_postgres::{Config, NoTls, SimpleQueryMessage};
use toysoldiers::pg::tools::Programs;

use super::{Folder, Tool};

static SERVER: LazyLock<Server> = LazyLock::new(Server::start);
static MIGRATED: LazyLock<Database> = LazyLock::new(|| {
    let database = Database::empty();
    Tool::new().on(&database).run(&["migrate", "up"]).ok();
    database
});
static SEEDED: LazyLock<Database> = LazyLock::new(|| {
    let database = Database::migrated();
    database.sql(include_str!("../../database/seeds/demo.sql"));
    database
});

struct Server {
    socket: PathBuf,
    /// Its pipe is closed by the end of this process, which is also the end of the server.
    _shell: Child,
}

/// Who PostgreSQL runs as when the tests run as root, which it refuses.
pub fn server_user() -> Option<(u32, u32)> {
    if !rustix::process::geteuid().is_root() {
        return None;
    }
    let passwd = std::fs::read_to_string("/etc/passwd").unwrap();
    let entry = ["postgres:", "nobody:"]
        .iter()
        .find_map(|name| passwd.lines().find(|line| line.starts_with(name)));
    let fields: Vec<&str> = entry
        .expect("there is a user postgres or nobody")
        .split(':')
        .collect();
    Some((fields[2].parse().unwrap(), fields[3].parse().unwrap()))
}

/// Where PostgreSQL's programs are.
pub fn bin() -> PathBuf {
    Programs::new(None)
        .folder_with(&["initdb", "postgres", "pg_dump", "pg_restore", "psql"])
        .unwrap_or_else(|error| panic!("{:?}", toysoldiers::error::explain(&error)))
}

fn as_server_user(program: &Path) -> Command {
    let mut command = Command::new(program);
    command.current_dir("/").env("LC_ALL", "C");
    if let Some((uid, gid)) = server_user() {
        command.uid(uid).gid(gid);
    }
    command
}

impl Server {
    fn start() -> Self {
        let folder = std::mem::ManuallyDrop::new(Folder::new());
        if let Some((uid, gid)) = server_user() {
            std::os::unix::fs::chown(folder.path(), Some(uid), Some(gid)).unwrap();
        }
        let data = folder.path().join("data");
        let bin = bin();
        let made = as_server_user(&bin.join("initdb"))
            .args([
                "--auth=trust",
                "--encoding=UTF8",
                "--locale=C.UTF-8",
                "--no-sync",
                "--username=postgres",
                "-D",
            ])
            .arg(&data)
            .output()
            .unwrap();
        assert!(
            made.status.success(),
            "{}",
            String::from_utf8_lossy(&made.stderr)
        );
        // A password is wanted from one user only, for the tests of passwords.
        let rules = "local all clerk scram-sha-256\nlocal all all trust\nlocal replication all trust\n\
                     host all all 127.0.0.1/32 scram-sha-256\n";
        std::fs::write(data.join("pg_hba.conf"), rules).unwrap();
        let shell = as_server_user(Path::new("/bin/sh"))
            .arg("-c")
            .arg(
                "\"$1/postgres\" -D \"$2/data\" -k \"$2\" -c listen_addresses= -c fsync=off \
                 -c full_page_writes=off -c max_connections=200 -c autovacuum=off >\"$2/log\" 2>&1 & \
                 cat >/dev/null; kill -QUIT $!; wait $!; rm -rf \"$2\"",
            )
            .arg("sh")
            .arg(&bin)
            .arg(folder.path())
            .stdin(Stdio::piped())
            .process_group(0)
            .spawn()
            .unwrap();
        let socket = folder.path().to_owned();
        // The server has no other way to say that it is ready than to answer.
        let ready = (0..600).any(|_| {
            let answer = try_sql(&socket, "postgres", "select 1");
            if answer.is_err() {
                std::thread::sleep(std::time::Duration::from_millis(10));
            }
            answer.is_ok()
        });
        assert!(
            ready,
            "{}",
            std::fs::read_to_string(socket.join("log")).unwrap_or_default()
        );
        Self {
            socket,
            _shell: shell,
        }
    }
}

/// A database of the server, for one test.
#[derive(Clone)]
pub struct Database {
    pub name: String,
}

impl Database {
    /// Nothing in it.
    pub fn empty() -> Self {
        Self::from("template0")
    }

    /// With the platform's schema.
    pub fn migrated() -> Self {
        Self::from(&MIGRATED.name)
    }

    /// With the platform's schema and the demo's data.
    pub fn seeded() -> Self {
        Self::from(&SEEDED.name)
    }

    /// The same with the indexes the platform's documentation names, without which adding up everything is slow.
    pub fn indexed() -> Self {
        let database = Self::seeded();
        database.sql(
            "create index on content (creator_id);
             create index on comments (content_id);
             create index on tips (to_creator);
             create index on analytics_views (content_id) include (view_count, duration);
             analyze",
        );
        database
    }

    fn from(template: &str) -> Self {
        static NUMBER: AtomicUsize = AtomicUsize::new(1);
        let name = format!("t{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        sql(
            &SERVER.socket,
            "postgres",
            &format!("create database {name} template {template}"),
        );
        Self { name }
    }

    /// The address as a person would give it.
    pub fn url(&self) -> String {
        self.url_as("postgres")
    }

    pub fn url_as(&self, user: &str) -> String {
        format!(
            "postgresql://{user}@/{}?host={}",
            self.name,
            SERVER.socket.display()
        )
    }

    /// Makes the one user whose password, `open sesame`, is asked for. Roles are the server's, and tests run at
    /// once.
    pub fn clerk(&self) {
        self.sql("do $$ begin create role clerk login superuser password 'open sesame'; exception when duplicate_object or unique_violation then null; end $$");
    }

    pub fn socket() -> &'static Path {
        &SERVER.socket
    }

    /// Runs SQL; the rows of all statements, values as text joined by bars.
    pub fn sql(&self, text: &str) -> Vec<String> {
        sql(&SERVER.socket, &self.name, text)
    }

    /// One value.
    pub fn value(&self, text: &str) -> String {
        self.sql(text).into_iter().next().unwrap_or_default()
    }

    /// Runs SQL that may fail; the error is the server's message.
    pub fn try_sql(&self, text: &str) -> Result<Vec<String>, String> {
        try_sql(&SERVER.socket, &self.name, text)
    }

    /// Why SQL is refused.
    pub fn refusal(&self, text: &str) -> String {
        self.try_sql(text).expect_err("is refused")
    }

    /// A session that stays open until dropped, having run this SQL.
    pub fn session(&self, text: &str) -> Session {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let client = runtime.block_on(async {
            let (client, connection) = config(&SERVER.socket, &self.name)
                .connect(NoTls)
                .await
                .unwrap();
            tokio::spawn(connection);
            client.batch_execute(text).await.unwrap();
            client
        });
        Session { client, runtime }
    }

    /// Waits until a query answers `t`; the test fails if it never does.
    pub fn wait_until(&self, question: &str) {
        let answered = (0..2000).any(|_| {
            let yes = self.value(question) == "t";
            if !yes {
                std::thread::sleep(std::time::Duration::from_millis(10));
            }
            yes
        });
        assert!(answered, "never true: {question}");
    }
}

/// A session somebody else has.
pub struct Session {
    client: tokio_postgres::Client,
    runtime: tokio::runtime::Runtime,
}

impl Session {
    pub fn sql(&self, text: &str) {
        self.runtime
            .block_on(self.client.batch_execute(text))
            .unwrap();
    }
}

fn config(socket: &Path, database: &str) -> Config {
    let mut config = Config::new();
    config
        .host_path(socket)
        .user("postgres")
        .dbname(database)
        .application_name("tests");
    config
}

pub fn sql(socket: &Path, database: &str, text: &str) -> Vec<String> {
    try_sql(socket, database, text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

pub fn try_sql(socket: &Path, database: &str, text: &str) -> Result<Vec<String>, String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let (client, connection) = config(socket, database)
            .connect(NoTls)
            .await
            .map_err(|error| error.to_string())?;
        let connection = tokio::spawn(connection);
        let messages = client
            .simple_query(text)
            .await
            .map_err(|error| match error.as_db_error() {
                Some(db) => db.message().to_owned(),
                None => error.to_string(),
            });
        drop(client);
        // The session is over when this returns: a template must have none.
        let _ = connection.await;
        let rows = messages?.into_iter().filter_map(|message| match message {
            SimpleQueryMessage::Row(row) => {
                let values: Vec<&str> = (0..row.len())
                    .map(|index| row.get(index).unwrap_or(""))
                    .collect();
                Some(values.join("|"))
            }
            _ => None,
        });
        Ok(rows.collect())
    })
}
