//! The locks that keep two runs apart.
//!
//! A session of its own holds the lock, on a relation of ours that nobody else may lock, for as long as the run lasts:
//! whatever a file does to the session it runs in, and whatever other roles do, the lock stays. It holds neither a
//! snapshot nor a transaction id, so vacuum and `CREATE INDEX CONCURRENTLY` do not notice it. Its loss is noticed before
//! anything else is done: by a question to it, or by [`guard`], which travels with what is done.
//!
//! The session that works bears a mark besides, an advisory lock. If the program is killed the lock goes at once, and
//! what it left running on the server does not: whoever comes next waits for the mark too. Programs that know no
//! relation know each other by a mark of one key for all, which is taken in its place where the relation is not there
//! yet. A mark of a role that cannot run anything here counts for nothing: that may not lock the relation, or, where there
//! is none yet, may not write the history; before there is one, may not create a schema.
//!
//! Locks are tried, and never waited for in a statement: whoever waits holds a snapshot, and a `CREATE INDEX
//! CONCURRENTLY` of the holder waits for that snapshot.

mod keeper;

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::APPLICATION_NAME;
use super::db::Db;
use super::query::{Param, Query};
use super::run::RunContext;
use super::schema;
use crate::error::{Error, Kind, Result};
pub(super) use keeper::Kept;
pub use keeper::{GUARDED, guard, lost, told, verify};
use keeper::{Held, take};

/// What runs of one kind lock.
#[derive(Debug, PartialEq, Eq)]
pub struct Lock {
    /// The relation in our schema.
    relation: &'static str,
    /// The key of the advisory lock in its place, before version 6 of the bookkeeping.
    pub key: i64,
    /// The least key of the marks of those who work: the upper half says for what, the lower one is any.
    marks: i64,
    /// Whether whoever has it changes the schema. Deploys do so by their parts.
    changes: bool,
}

/// Of everybody who runs migrations or changes policies. The key is "toysoldi" in ASCII.
pub static MIGRATE: Lock = Lock {
    relation: "runner",
    key: 0x746f_7973_6f6c_6469,
    marks: 0x7473_6d69_0000_0000,
    changes: true,
};

/// Of deploys, besides those their parts take. The key is "toysdepl" in ASCII.
pub static DEPLOY: Lock = Lock {
    relation: "deploy_runner",
    key: 0x746f_7973_6465_706c,
    marks: 0x7473_6465_0000_0000,
    changes: false,
};

/// Of those who build indexes. A build may take hours, and no migration and no policy has to wait for it. The key is
/// "toysindx" in ASCII.
pub static INDEX: Lock = Lock {
    relation: "index_runner",
    key: 0x746f_7973_696e_6478,
    marks: 0x7473_6978_0000_0000,
    changes: true,
};

const POLL: Duration = Duration::from_millis(100);

/// How long another run may be looking for marks under the lock that was just made: it gives it back at once.
const MOMENT: Duration = Duration::from_secs(10);

crate::row! {
    /// Whether a mark was taken or given back.
    pub struct Marked {
        /// It was.
        pub done: bool,
    }
}

crate::row! {
    /// The relation of a lock.
    pub struct Relation {
        /// Its oid.
        pub oid: i64,
        /// Whether there is a place for the hash of the schema.
        pub hashes: bool,
    }
}

crate::row! {
    /// Who keeps a run out.
    pub struct Holder {
        /// Process id of the session on the server.
        pub pid: i32,
        /// Its role.
        pub role: String,
        /// Its application.
        pub application: String,
        /// Where it comes from.
        pub client: String,
        /// How long it has been connected, in whole seconds.
        pub seconds: i64,
        /// What it asks, or asked last; cut short.
        pub query: String,
    }
}

static HOLDERS: Query<Holder> = crate::query!("lock/holders");
static RELATION: Query<Relation> = crate::query!("lock/relation");
static MARK: Query<Marked> = crate::query!("lock/mark");
static UNMARK: Query<Marked> = crate::query!("lock/unmark");

impl Holder {
    /// In one line, for people.
    pub fn describe(&self) -> String {
        let Self {
            pid,
            role,
            application,
            client,
            seconds,
            query,
        } = self;
        format!("pid {pid} ({application} as {role}, {client}, connected for {seconds} s): {query}")
    }
}

/// Why a lock was not had at this attempt.
enum Attempt {
    Acquired,
    /// Somebody else has it.
    Taken(Option<Holder>),
}

/// Takes the lock, trying for as long as other runs are waited for; says once who holds it. All that a session waits for
/// other runs is within that time.
pub async fn acquire(db: &Db, lock: &'static Lock, run: RunContext<'_>) -> Result<()> {
    if db.kept(|kept| kept.held.iter().any(|held| held.lock == lock)) {
        return verify(db).await;
    }
    waiting(db, run, async || attempt(db, lock).await).await
}

/// Waits until nobody holds the lock, for as long as other runs are waited for, and does not take it: for whoever is
/// about to look at what a run changes, and has not decided anything yet.
pub async fn wait_until_free(db: &Db, lock: &'static Lock, run: RunContext<'_>) -> Result<()> {
    waiting(db, run, async || {
        let holder = holders(db, lock).await?.into_iter().next();
        Ok(match holder {
            Some(holder) => Attempt::Taken(Some(holder)),
            None => Attempt::Acquired,
        })
    })
    .await
}

/// Whether another session has the lock.
pub async fn is_taken(db: &Db, lock: &'static Lock) -> Result<bool> {
    holders(db, lock).await.map(|holders| !holders.is_empty())
}

async fn waiting(
    db: &Db,
    run: RunContext<'_>,
    attempt: impl AsyncFn() -> Result<Attempt>,
) -> Result<()> {
    let start = Instant::now();
    let before = db.kept(|kept| kept.waited);
    let mut told = false;
    loop {
        let Attempt::Taken(holder) = attempt().await? else {
            return Ok(());
        };
        let waited = before + start.elapsed();
        db.kept(|kept| kept.waited = waited);
        if waited >= run.wait {
            let error = Error::new(Kind::Refused, "another run is at work on this database")
                .note(format!(
                    "the lock is held by {}",
                    holder
                        .as_ref()
                        .map_or_else(|| "another session".to_owned(), Holder::describe)
                ))
                .unchanged()
                .hint("wait for it to end, or allow more time with `--wait`");
            return Err(match holder {
                Some(Holder {
                    pid, application, ..
                }) if !application.starts_with(APPLICATION_NAME) => error.hint(format!(
                    "if it is no run, end its session: `select pg_terminate_backend({pid})`"
                )),
                _ => error,
            }
            .into());
        }
        if let Some(holder) = holder
            && !told
        {
            run.progress.say(&format!(
                "waiting for another run to end: {}",
                holder.describe()
            ));
            told = true;
        }
        sleep(POLL.min(run.wait.saturating_sub(waited))).await;
    }
}

async fn holders(db: &Db, lock: &Lock) -> Result<Vec<Holder>> {
    let keeper = db.keeper();
    let keeper = keeper.as_ref().and_then(|keeper| keeper.hello());
    let pid = keeper.map_or(0, |hello| hello.process);
    db.all(&HOLDERS, &[&lock.relation, &lock.key, &lock.marks, &pid])
        .await
}

async fn attempt(db: &Db, lock: &'static Lock) -> Result<Attempt> {
    let taken = |holders: Vec<Holder>| Ok(Attempt::Taken(holders.into_iter().next()));
    let name: [&dyn Param; 1] = [&lock.relation];
    let (others, relation) = tokio::join!(holders(db, lock), db.opt(&RELATION, &name));
    let (others, mut relation) = (others?, relation?);
    if !others.is_empty() {
        return taken(others);
    }
    let mut mark = None;
    if relation.is_none() {
        if db.one(&MARK, &[&lock.key]).await?.done {
            mark = Some(lock.key);
        } else {
            let others = holders(db, lock).await?;
            if !others.is_empty() {
                return taken(others);
            }
            // Whoever has it cannot run anything here, and keeps programs out that know nothing else. Those that do
            // see our own mark.
        }
        // Whoever had it before may have made the relation.
        relation = db.opt(&RELATION, &[&lock.relation]).await?;
    }
    let hold = match relation {
        None => None,
        Some(Relation { oid, .. }) => {
            let Some(hold) = take(db, lock, oid).await? else {
                if let Some(mark) = mark {
                    db.one(&UNMARK, &[&mark]).await?;
                }
                return taken(holders(db, lock).await?);
            };
            Some((oid, hold))
        }
    };
    let mark = match mark {
        Some(mark) => mark,
        None => marked(db, lock).await?,
    };
    db.kept(|kept| {
        kept.held.push(Held {
            lock,
            mark,
            hold,
            begun: false,
        });
    });
    // Only now nobody else can come.
    let others = holders(db, lock).await?;
    if others.is_empty() {
        begin(db, lock, relation.as_ref()).await?;
        return Ok(Attempt::Acquired);
    }
    release(db, lock).await?;
    taken(others)
}

/// From here on something may be changed: how the schema is now is compared with how it was left.
async fn begin(db: &Db, lock: &'static Lock, relation: Option<&Relation>) -> Result<()> {
    if !lock.changes || relation.is_none_or(|relation| !relation.hashes) {
        return Ok(());
    }
    schema::begin(db, lock.relation).await?;
    db.kept(|kept| {
        let mut all = kept.held.iter_mut();
        if let Some(held) = all.find(|held| held.lock == lock) {
            held.begun = true;
        }
    });
    Ok(())
}

/// Marks this session as one that works under a lock; the key.
async fn marked(db: &Db, lock: &Lock) -> Result<i64> {
    loop {
        let mut any = [0; 4];
        getrandom::fill(&mut any)
            .map_err(|error| Error::failed("the system has no random number").because(error))?;
        let key = lock.marks | i64::from(u32::from_ne_bytes(any));
        if db.one(&MARK, &[&key]).await?.done {
            return Ok(key);
        }
    }
}

/// The relations are there now: what was held by a mark alone is locked, and from here on the schema is hashed.
pub async fn settle(db: &Db) -> Result<()> {
    let all = db.kept(|kept| kept.held.clone());
    for held in &all {
        let lock = held.lock;
        let Some(relation) = db.opt(&RELATION, &[&lock.relation]).await? else {
            continue;
        };
        if !held.begun {
            begin(db, lock, Some(&relation)).await?;
        }
        if held.hold.is_some() {
            continue;
        }
        let oid = relation.oid;
        let start = Instant::now();
        let hold = loop {
            if let Some(hold) = take(db, lock, oid).await? {
                break hold;
            }
            // Whoever has it sees our mark and gives it back.
            still_held(db, lock, start).await?;
        };
        db.kept(|kept| {
            let mut all = kept.held.iter_mut();
            if let Some(held) = all.find(|held| held.lock == lock) {
                held.hold = Some((oid, hold));
            }
        });
        // Without the key an older program may have come in while there was no relation. From now on it sees that it is
        // too old.
        while held.mark != lock.key && is_taken(db, lock).await? {
            still_held(db, lock, start).await?;
        }
    }
    Ok(())
}

/// Waits a little for those who still hold the lock; an error once they have had their time.
async fn still_held(db: &Db, lock: &Lock, start: Instant) -> Result<()> {
    if start.elapsed() < MOMENT {
        sleep(POLL / 10).await;
        return Ok(());
    }
    let holders = holders(db, lock).await?;
    let error = Error::refused("the lock of this run is held by another session");
    let error = holders.iter().fold(error, |error, holder| {
        error.note(format!("it is held by {}", holder.describe()))
    });
    Err(error
        .hint("wait for it to end, then run the same command again")
        .into())
}

/// Gives the lock back however it ended what was done under it, as long as there is a session to do so.
pub async fn end<T>(db: &Db, lock: &'static Lock, done: Result<T>) -> Result<T> {
    if done.is_err() {
        if db.is_lost() {
            return done;
        }
        // What failed may have left a transaction open.
        let _ = db.script("rollback").await;
    }
    let released = release(db, lock).await;
    let done = done?;
    released.map(|()| done)
}

/// Gives the lock back, and those that were taken after it; the end of the session does so too.
pub async fn release(db: &Db, lock: &'static Lock) -> Result<()> {
    let begun: Vec<&Lock> = db.kept(|kept| {
        let given = kept.held.iter().skip_while(|held| held.lock != lock);
        given
            .filter(|held| held.begun)
            .map(|held| held.lock)
            .collect()
    });
    let mut ended = Ok(());
    for lock in begun {
        ended = ended.and(schema::end(db, lock.relation).await);
    }
    let (given, keeper) = db.kept(|kept| {
        let at = kept.held.iter().position(|held| held.lock == lock);
        let given = at.map_or_else(Vec::new, |at| kept.held.split_off(at));
        let keeper = if kept.held.iter().any(|held| held.hold.is_some()) {
            kept.session.clone()
        } else {
            kept.session.take()
        };
        (given, keeper)
    });
    if let (Some(keeper), Some(first)) = (&keeper, given.iter().find(|held| held.hold.is_some())) {
        let Lock { relation, .. } = first.lock;
        // If that session is gone, so is the lock.
        let _ = keeper
            .script(&format!(
                "rollback to savepoint {relation}; release savepoint {relation}"
            ))
            .await;
    }
    for held in given.iter().rev() {
        db.one(&UNMARK, &[&held.mark]).await?;
    }
    ended
}

/// The session that worked was lost, and `again` takes its place: it gets the locks, once nothing of the first is left
/// running on the server.
pub async fn hand_over(
    db: &Db,
    again: &Db,
    lock: &'static Lock,
    run: RunContext<'_>,
) -> Result<()> {
    let kept = db.kept(std::mem::take);
    let is_locked = |held: &Held| held.lock == lock && held.hold.is_some();
    let is_held = kept.held.iter().any(is_locked)
        && match &kept.session {
            Some(keeper) => keeper.script("").await.is_ok(),
            None => false,
        };
    again.kept(|new| {
        new.waited = kept.waited;
        if is_held {
            *new = kept;
        }
    });
    if !is_held {
        return acquire(again, lock, run).await;
    }
    wait_until_free(again, lock, run).await?;
    let held = again.kept(|kept| kept.held.clone());
    let mut marks = Vec::new();
    for held in &held {
        marks.push(marked(again, held.lock).await?);
    }
    again.kept(|kept| {
        for (held, mark) in kept.held.iter_mut().zip(marks) {
            held.mark = mark;
        }
    });
    Ok(())
}
