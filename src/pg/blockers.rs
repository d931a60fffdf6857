//! Who stands in the way of a session: asked on a second one, since the first is waiting.
//!
//! Every question and every script of a session is watched. What is over soon costs nothing; whatever takes longer than
//! half of the time a lock may be waited for has its blockers looked for and told, and if it then fails for want of that
//! lock, its error names them.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::sleep;

use super::db::Db;
use super::query::Query;
use super::session::Patience;
use crate::error::Result;
use crate::plan::Progress;

/// How often is asked.
const POLL: Duration = Duration::from_millis(500);

crate::row! {
    /// A session another one waits for, or a prepared transaction.
    pub struct Blocker {
        /// Its process id on the server; 0 for a prepared transaction.
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
        /// What a prepared transaction is called.
        pub prepared: Option<String>,
    }
}

static BLOCKERS: Query<Blocker> = crate::query!("lock/blockers");

impl Blocker {
    /// Those whom the session with this process id waits for.
    pub async fn of(db: &Db, pid: i32) -> Result<Vec<Self>> {
        db.ask(&BLOCKERS, &[&pid, &None::<&str>, &None::<&str>])
            .await
    }

    /// Those whom the sessions of this name wait for.
    async fn of_program(db: &Db, name: &str) -> Result<Vec<Self>> {
        db.ask(&BLOCKERS, &[&None::<i32>, &name, &None::<&str>])
            .await
    }

    /// Those who are in a database.
    pub(super) async fn inside(db: &Db, database: &str) -> Result<Vec<Self>> {
        db.ask(&BLOCKERS, &[&None::<i32>, &None::<&str>, &database])
            .await
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
            prepared,
        } = self;
        if let Some(name) = prepared {
            return format!(
                "the prepared transaction {name} ({role}, prepared {seconds} s ago), until somebody ends it with `commit prepared` or `rollback prepared`"
            );
        }
        format!(
            "pid {pid} ({application} as {role}, {state}, in a transaction for {seconds} s): {query}"
        )
    }
}

/// Opens a session beside this one. A session can open others, so the type of this future must not hold itself.
pub(super) fn beside(db: &Db) -> Pin<Box<dyn Future<Output = Result<Db>> + Send + '_>> {
    Box::pin(Db::connect(db.endpoint(), Patience::default()))
}

/// Looks, beside what a session does, for those it waits for. Nothing is opened before the first look.
#[derive(Default)]
pub struct Watch {
    session: tokio::sync::Mutex<Option<Box<Db>>>,
    seen: Mutex<Vec<String>>,
    /// Who was told of last.
    told: Mutex<Vec<i32>>,
    /// Whether somebody watches over more than one question.
    taken: AtomicBool,
}

/// Whose blockers are looked for.
#[derive(Clone, Copy)]
enum Waiting<'a> {
    /// Those of a session with this process id.
    Session(i32),
    /// Those of a program's sessions, which have this name.
    Program(&'a str),
}

/// Nobody watches any more, also when the work was given up.
struct Taken<'a>(&'a AtomicBool);

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

/// Whatever is over by then is not looked at, however long it may wait for a lock.
const AT_THE_LATEST: Duration = Duration::from_secs(1);

/// When to look first.
fn first(db: &Db) -> Duration {
    let lock = db.patience().lock;
    if lock.is_zero() {
        AT_THE_LATEST
    } else {
        (lock / 2).min(AT_THE_LATEST)
    }
}

impl Watch {
    /// Does one thing, which `db` is busy with, and tells of those it waits for, unless it is watched already.
    pub(super) async fn over<T>(db: &Db, work: impl Future<Output = T>) -> T {
        let watch = &db.watch;
        if watch.taken.load(Ordering::Relaxed) {
            return work.await;
        }
        watch.take();
        let Some(pid) = db.hello().map(|hello| hello.process) else {
            return work.await;
        };
        let say = |line: &str| db.say(line);
        tokio::select! {
            biased;
            done = work => done,
            never = watch.look(db, first(db), Waiting::Session(pid), &say) => match never {},
        }
    }

    /// Does the work, which `db` is busy with, and tells after `first` and from then on who is in its way.
    pub async fn beside<T>(
        db: &Db,
        first: Duration,
        what: &str,
        progress: &dyn Progress,
        work: impl Future<Output = T>,
    ) -> T {
        let Some(pid) = db.hello().map(|hello| hello.process) else {
            return work.await;
        };
        let watch = &db.watch;
        watch.take();
        watch.tell(Vec::new());
        watch.taken.store(true, Ordering::Relaxed);
        let _taken = Taken(&watch.taken);
        let say = |line: &str| progress.say(&format!("{what} waits for {line}"));
        tokio::select! {
            biased;
            done = work => done,
            never = watch.look(db, first, Waiting::Session(pid), &say) => match never {},
        }
    }

    /// Those that were seen last, while the work was done; from now on they are forgotten.
    pub fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.seen.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The same, unless somebody watches over more than one question, and tells himself.
    pub(super) fn own(&self) -> Vec<String> {
        if self.taken.load(Ordering::Relaxed) {
            Vec::new()
        } else {
            self.take()
        }
    }

    /// Whether these are others than those who were told of last.
    fn tell(&self, pids: Vec<i32>) -> bool {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let is_new = *told != pids;
        *told = pids;
        is_new
    }

    /// Runs a program, whose sessions have this name, and tells of those they wait for. Afterwards those are known whom
    /// they waited for last.
    pub(super) async fn program<T>(db: &Db, name: &str, work: impl Future<Output = T>) -> T {
        let watch = &db.watch;
        watch.take();
        let say = |line: &str| db.say(line);
        tokio::select! {
            biased;
            done = work => done,
            never = watch.look(db, first(db), Waiting::Program(name), &say) => match never {},
        }
    }

    async fn look(
        &self,
        db: &Db,
        first: Duration,
        waiting: Waiting<'_>,
        say: &(dyn Fn(&str) + Sync),
    ) -> Infallible {
        sleep(first).await;
        // How many looks in a row found nobody.
        let mut idle = 0_u32;
        loop {
            let mut session = self.session.lock().await;
            if session.is_none() {
                // Without a second session nobody is told of, and the work goes on all the same.
                *session = beside(db).await.ok().map(Box::new);
            }
            let Some(second) = session.as_ref() else {
                return std::future::pending().await;
            };
            let blockers = match waiting {
                Waiting::Session(pid) => Blocker::of(second, pid).await,
                Waiting::Program(name) => Blocker::of_program(second, name).await,
            };
            match blockers {
                Ok(blockers) => {
                    let pids: Vec<i32> = blockers.iter().map(|blocker| blocker.pid).collect();
                    let lines: Vec<String> = blockers.iter().map(Blocker::describe).collect();
                    if !lines.is_empty() && self.tell(pids) {
                        say(&lines.join(", and for "));
                    }
                    // A lock that was waited for in vain is not waited for any more; a program that goes on after
                    // that waits for nobody.
                    idle = if lines.is_empty() { idle + 1 } else { 0 };
                    if idle == 0 || (idle > 1 && matches!(waiting, Waiting::Program(_))) {
                        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = lines;
                    }
                }
                Err(_) => *session = None,
            }
            drop(session);
            sleep(POLL).await;
        }
    }
}
