//! A database for a test.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use super::session::{self, Session};
use super::{Server, Tool};

static MIGRATED: LazyLock<Database> = LazyLock::new(|| {
    let database = Database::empty();
    database.migrate();
    database
});
static SECURED: LazyLock<Database> = LazyLock::new(|| {
    let database = Database::migrated();
    Tool::new().on(&database).run(&["policy", "apply"]).ok();
    database
});
static SEEDED: LazyLock<Database> = LazyLock::new(|| {
    let database = Database::migrated();
    database.seed();
    database
});

/// Drops databases of the shared server that no test needs any more, while others go on: to delete hundreds of them
/// at the end takes longer than anybody waits.
static DROPPER: LazyLock<Sender<String>> = LazyLock::new(|| {
    let (sender, names) = channel::<String>();
    std::thread::spawn(move || {
        for name in names {
            let drop = format!("drop database {name} with (force)");
            // One that is left goes with its server.
            let _ = session::try_sql(Database::socket(), "postgres", &drop);
        }
    });
    sender
});

/// A database of a server, which is the shared one unless said otherwise.
#[derive(Clone)]
pub struct Database {
    pub name: String,
    pub server: Arc<Server>,
    /// What drops it once nobody has it any more, if it was made for a test.
    _made: Option<Arc<Made>>,
}

struct Made(String);

impl Drop for Made {
    fn drop(&mut self) {
        let _ = DROPPER.send(std::mem::take(&mut self.0));
    }
}

impl Database {
    /// Nothing in it.
    pub fn empty() -> Self {
        Self::on(Server::shared())
    }

    /// Nothing in it, on this server.
    pub fn on(server: &Arc<Server>) -> Self {
        Self::from("template0", server)
    }

    /// With the platform's schema.
    pub fn migrated() -> Self {
        Self::from(&MIGRATED.name, Server::shared())
    }

    /// With the platform's schema and its policies.
    pub fn secured() -> Self {
        Self::from(&SECURED.name, Server::shared())
    }

    /// With the platform's schema and the demo's data.
    pub fn seeded() -> Self {
        Self::from(&SEEDED.name, Server::shared())
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

    /// One that is there, and stays.
    pub fn named(name: String, server: &Arc<Server>) -> Self {
        Self {
            name,
            server: Arc::clone(server),
            _made: None,
        }
    }

    /// Another one like it, as it is now; nobody may be connected to it.
    pub fn twin(&self) -> Self {
        Self::from(&self.name, &self.server)
    }

    fn from(template: &str, server: &Arc<Server>) -> Self {
        static NUMBER: AtomicUsize = AtomicUsize::new(1);
        // All of one length, so that carets under them are too.
        let name = format!("t{:04}", NUMBER.fetch_add(1, Ordering::Relaxed));
        let create = format!("create database {name} template {template}");
        server.database("postgres").sql(&create);
        let is_shared = Arc::ptr_eq(server, Server::shared());
        Self {
            _made: is_shared.then(|| Arc::new(Made(name.clone()))),
            ..Self::named(name, server)
        }
    }

    /// Gives it the platform's schema.
    pub fn migrate(&self) {
        Tool::new().on(self).run(&["migrate", "up"]).ok();
    }

    /// Gives it the demo's data.
    pub fn seed(&self) {
        self.sql(include_str!("../../database/seeds/demo.sql"));
    }

    /// The address as a person would give it.
    pub fn url(&self) -> String {
        self.url_as("postgres")
    }

    pub fn url_as(&self, user: &str) -> String {
        format!(
            "postgresql://{user}@/{}?host={}",
            self.name,
            self.server.socket.display()
        )
    }

    /// The address by way of the network.
    pub fn tcp_url(&self, user: &str) -> String {
        format!(
            "postgresql://{user}@127.0.0.1:{}/{}",
            self.server.port, self.name
        )
    }

    /// Makes the one user whose password, `open sesame`, is asked for. Roles are the server's, and tests run at
    /// once.
    pub fn clerk(&self) {
        self.sql("do $$ begin create role clerk login superuser password 'open sesame'; exception when duplicate_object or unique_violation then null; end $$");
    }

    /// The folder of the shared server's socket.
    pub fn socket() -> &'static Path {
        &Server::shared().socket
    }

    /// The shared server's port on 127.0.0.1.
    pub fn port() -> u16 {
        Server::shared().port
    }

    /// Runs SQL; the rows of all statements, values as text joined by bars.
    pub fn sql(&self, text: &str) -> Vec<String> {
        session::sql(&self.server.socket, &self.name, text)
    }

    /// One value.
    pub fn value(&self, text: &str) -> String {
        self.sql(text).into_iter().next().unwrap_or_default()
    }

    /// Runs SQL that may fail; the error is the server's message.
    pub fn try_sql(&self, text: &str) -> Result<Vec<String>, String> {
        session::try_sql(&self.server.socket, &self.name, text)
    }

    /// Why SQL is refused.
    pub fn refusal(&self, text: &str) -> String {
        self.try_sql(text).expect_err("is refused")
    }

    /// A session that stays open until dropped, having run this SQL.
    pub fn session(&self, text: &str) -> Session {
        let session = Session::open(&self.server.socket, &self.name);
        session.sql(text);
        session
    }

    /// The same as another role.
    pub fn session_as(&self, role: &str, text: &str) -> Session {
        let session = Session::open_as(&self.server.socket, &self.name, role);
        session.sql(text);
        session
    }

    /// Waits until a query answers `t`; the test fails if it never does.
    pub fn wait_until(&self, question: &str) {
        let answered = (0..2000).any(|_| {
            let yes = self.value(question) == "t";
            if !yes {
                std::thread::sleep(Duration::from_millis(10));
            }
            yes
        });
        assert!(answered, "never true: {question}");
    }
}
