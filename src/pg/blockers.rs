//! Who stands in the way of a session: asked on a second one, since the first is waiting.

use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::sleep;

use super::db::Db;
use super::query::Query;
use super::session::Patience;
use crate::error::Result;
use crate::plan::Progress;

/// How often is asked.
const POLL: Duration = Duration::from_millis(500);

crate::row! {
    /// A session another one waits for.
    pub struct Blocker {
        /// Its process id on the server.
        pub pid: i32,
        /// Its role.
        pub role: String,
        /// Its application.
        pub application: String,
        /// `active`, `idle in transaction`.
        pub state: String,
        /// How long its transaction is open, in whole seconds.
        pub seconds: i64,
        /// What it asks, or asked last; cut short.
        pub query: String,
    }
}

static BLOCKERS: Query<Blocker> = crate::query!("lock/blockers");

impl Blocker {
    /// Those whom the session with this process id waits for.
    pub async fn of(db: &Db, pid: i32) -> Result<Vec<Self>> {
        db.all(&BLOCKERS, &[&pid]).await
    }

    /// In one line, for people.
    pub fn describe(&self) -> String {
        let Self {
            pid,
            role,
            application,
            state,
            seconds,
            query,
        } = self;
        format!(
            "pid {pid} ({application} as {role}, {state}, in a transaction for {seconds} s): {query}"
        )
    }
}

/// Looks, beside what a session does, for those it waits for. Nothing is opened before the first look.
#[derive(Default)]
pub struct Watch {
    session: Mutex<Option<Db>>,
    seen: Mutex<Vec<String>>,
}

impl Watch {
    /// Does the work, which `db` is busy with, and tells after `first` and from then on who is in its way.
    pub async fn beside<T>(
        &self,
        db: &Db,
        first: Duration,
        what: &str,
        progress: &dyn Progress,
        work: impl Future<Output = T>,
    ) -> T {
        self.seen.lock().await.clear();
        tokio::select! {
            biased;
            done = work => done,
            never = self.look(db, first, what, progress) => match never {},
        }
    }

    /// Those that were seen last, while the work was done.
    pub async fn seen(&self) -> Vec<String> {
        self.seen.lock().await.clone()
    }

    async fn look(
        &self,
        db: &Db,
        first: Duration,
        what: &str,
        progress: &dyn Progress,
    ) -> std::convert::Infallible {
        sleep(first).await;
        let Some(pid) = db.hello().map(|hello| hello.process) else {
            return std::future::pending().await;
        };
        let mut told: Vec<i32> = Vec::new();
        loop {
            let mut session = self.session.lock().await;
            if session.is_none() {
                // Without a second session nobody is told of, and the work goes on all the same.
                *session = Db::connect(db.endpoint(), Patience::default()).await.ok();
            }
            let Some(second) = session.as_ref() else {
                return std::future::pending().await;
            };
            match Blocker::of(second, pid).await {
                Ok(blockers) => {
                    let pids: Vec<i32> = blockers.iter().map(|blocker| blocker.pid).collect();
                    let lines: Vec<String> = blockers.iter().map(Blocker::describe).collect();
                    if !lines.is_empty() {
                        if pids != told {
                            progress.say(&format!("{what} waits for {}", lines.join(", and for ")));
                        }
                        self.seen.lock().await.clone_from(&lines);
                        told = pids;
                    }
                }
                Err(_) => *session = None,
            }
            drop(session);
            sleep(POLL).await;
        }
    }
}
