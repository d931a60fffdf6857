//! A real streaming replica of a server. It answers as soon as it is made, and follows.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock};

use super::process::{self, as_server_user};
use super::{Database, Server, Setup, server};

static PRIMARY: LazyLock<Arc<Server>> = LazyLock::new(|| Server::start(&Setup::new()));

pub struct Replica {
    pub server: Arc<Server>,
    primary: Arc<Server>,
    /// What both know it by.
    name: String,
}

impl Replica {
    /// Of the server all replicas share, so that those who break their primary have their own.
    pub fn new() -> Self {
        Self::of(&PRIMARY)
    }

    /// Of this server.
    pub fn of(primary: &Arc<Server>) -> Self {
        static NUMBER: AtomicUsize = AtomicUsize::new(1);
        let name = format!("replica_{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        let postgres = primary.database("postgres");
        // What a replica has missed while it was cut off is still there when it comes back.
        postgres.sql("alter system set wal_keep_size = '256MB'");
        primary.reload();
        let setup = Setup::new()
            .setting(&format!("cluster_name = {name}"))
            .setting("wal_retrieve_retry_interval = '10ms'");
        let server = Server::make(&setup, |folder| {
            process::run(
                as_server_user(&server::bin().join("pg_basebackup"))
                    .args(["--write-recovery-conf", "--checkpoint=fast", "--no-sync"])
                    .args(["--username=postgres", "--no-password", "--host"])
                    .arg(&primary.socket)
                    .arg("--pgdata")
                    .arg(folder.join("data")),
            );
        });
        let replica = Self {
            server,
            primary: Arc::clone(primary),
            name,
        };
        replica.wait_until_streaming();
        replica
    }

    /// The server it follows.
    pub fn primary(&self) -> &Arc<Server> {
        &self.primary
    }

    /// Its copy of a database of the primary, all of it as it is there now.
    pub fn database(&self, original: &Database) -> Database {
        self.catch_up();
        self.server.database(&original.name)
    }

    /// Waits until everything that is committed on the primary can be seen here.
    pub fn catch_up(&self) {
        let written = self.on_primary("select pg_current_wal_flush_lsn()");
        self.wait_until(&format!("select pg_last_wal_replay_lsn() >= '{written}'"));
    }

    /// From now on it receives what happens on the primary and does not show it.
    pub fn pause(&self) {
        self.sql("select pg_wal_replay_pause()");
        self.wait_until("select pg_get_wal_replay_pause_state() = 'paused'");
    }

    pub fn resume(&self) {
        self.sql("select pg_wal_replay_resume()");
    }

    /// From now on it does not know what happens on the primary, as if the network between them were gone. It goes
    /// on trying, as it would then.
    pub fn cut(&self) {
        let conninfo = self.sql("show primary_conninfo").remove(0);
        // The last word of several for the same thing is the one that counts.
        self.follow(&format!("{conninfo} host=/nonexistent"));
        self.wait_until("select not exists (select from pg_stat_wal_receiver)");
        let sender = format!(
            "select not exists (select from pg_stat_replication where application_name = '{}')",
            self.name
        );
        self.primary.database("postgres").wait_until(&sender);
    }

    /// The network is back.
    pub fn mend(&self) {
        let conninfo = self.sql("show primary_conninfo").remove(0);
        self.follow(
            conninfo
                .strip_suffix(" host=/nonexistent")
                .expect("it was cut"),
        );
        self.wait_until_streaming();
    }

    fn follow(&self, conninfo: &str) {
        let conninfo = conninfo.replace('\'', "''");
        self.sql(&format!("alter system set primary_conninfo = '{conninfo}'"));
        self.server.reload();
    }

    fn wait_until_streaming(&self) {
        let question = format!(
            "select exists (select from pg_stat_replication where application_name = '{}' and state = 'streaming')",
            self.name
        );
        self.primary.database("postgres").wait_until(&question);
        self.wait_until(
            "select exists (select from pg_stat_wal_receiver where status = 'streaming')",
        );
    }

    fn on_primary(&self, question: &str) -> String {
        self.primary.database("postgres").value(question)
    }

    fn sql(&self, text: &str) -> Vec<String> {
        self.server.database("postgres").sql(text)
    }

    fn wait_until(&self, question: &str) {
        self.server.database("postgres").wait_until(question);
    }
}
