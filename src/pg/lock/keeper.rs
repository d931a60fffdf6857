//! The session that holds the locks of a run, and making sure that it does.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use super::Lock;
use crate::error::{self, Error, Kind, Result};
use crate::pg::blockers;
use crate::pg::db::Db;
use crate::pg::ident::Literal;
use crate::pg::query::{Param, Query};

crate::row! {
    /// A lock that is held.
    pub struct Hold {
        /// Process id of the session that holds it.
        pub pid: i32,
        /// The transaction that does, as the server numbers them.
        pub transaction: String,
    }
}

static HELD: Query<Hold> = crate::query!("lock/held");

/// What a session holds for the run it works for.
#[derive(Default)]
pub struct Kept {
    /// The session that holds the locks.
    pub(super) session: Option<Arc<Db>>,
    /// The locks, in the order they were taken.
    pub(super) held: Vec<Held>,
    /// How long other runs were waited for so far.
    pub(super) waited: Duration,
}

#[derive(Clone)]
pub(super) struct Held {
    pub(super) lock: &'static Lock,
    /// The key of the mark.
    pub(super) mark: i64,
    /// The lock itself; nothing where there is no relation yet.
    pub(super) hold: Option<(i64, Hold)>,
    /// Whether the schema was compared with its hash, which is taken anew in the end.
    pub(super) begun: bool,
}

impl Db {
    pub(super) fn kept<T>(&self, look: impl FnOnce(&mut Kept) -> T) -> T {
        look(&mut self.kept.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The session that holds this session's locks.
    pub(super) fn keeper(&self) -> Option<Arc<Self>> {
        self.kept(|kept| kept.session.clone())
    }
}

/// Locks the relation, in the session for that; nothing if somebody else has it.
pub(super) async fn take(db: &Db, lock: &Lock, oid: i64) -> Result<Option<Hold>> {
    let keeper = match db.keeper() {
        // It held others.
        Some(keeper) if keeper.is_lost() => return Err(lost().into()),
        Some(keeper) => keeper,
        None => open(db).await?,
    };
    let Lock { relation, .. } = lock;
    let taken = keeper
        .script(&format!(
            "savepoint {relation}; lock table toysoldiers.{relation} in share update exclusive mode nowait"
        ))
        .await;
    match taken {
        Ok(()) => {
            // A question keeps its snapshot until the next statement takes its place, which needs none.
            let params: [&dyn Param; 1] = [&oid];
            let (hold, forgotten) = tokio::join!(
                keeper.one(&HELD, &params),
                keeper.script("set local lock_timeout = 0")
            );
            forgotten?;
            Ok(Some(hold?))
        }
        Err(error) => {
            let back = format!("rollback to savepoint {relation}; release savepoint {relation}");
            let _ = keeper.script(&back).await;
            match error::sqlstate(&error) {
                Some("55P03") => Ok(None),
                Some("42501") => Err(Error::refused("this role may not take the lock of a run")
                    .after(&error)
                    .note("nothing was changed")
                    .hint(format!(
                        "connect as the owner of the schema toysoldiers, or have it run `grant update on toysoldiers.{relation} to` this role"
                    ))
                    .into()),
                _ => Err(error),
            }
        }
    }
}

/// Opens the session that holds locks; it is in a transaction from then on.
async fn open(db: &Db) -> Result<Arc<Db>> {
    let keeper = blockers::beside(db).await.map_err(|error| {
        let told = error::explain(&error);
        let hints = told.hints.clone();
        let error = Error::new(told.kind, "cannot open a second session to hold the lock of the run")
            .after(&error)
            .note("nothing was changed");
        anyhow::Error::from(if error.is("53300") {
            error.hint("allow more sessions: a run needs two, and up to four if it builds indexes or waits for locks")
        } else {
            error.hints(hints)
        })
    })?;
    keeper.require_session("holding the lock of a run")?;
    // Nothing may end it but us: it is idle all the time.
    let mut begin = "set idle_in_transaction_session_timeout = 0; set idle_session_timeout = 0; set lock_timeout = 0; ".to_owned();
    if keeper.server_major() >= 17 {
        begin.push_str("set transaction_timeout = 0; ");
    }
    begin.push_str("begin isolation level read committed");
    keeper.script(&begin).await?;
    let keeper = Arc::new(keeper);
    db.kept(|kept| kept.session = Some(Arc::clone(&keeper)));
    Ok(keeper)
}

/// Makes sure that the locks of this session are held, by asking the session that holds them.
pub async fn verify(db: &Db) -> Result<()> {
    match db.keeper() {
        None => Ok(()),
        Some(keeper) => keeper.script("").await.map_err(|error| {
            lost()
                .because(Error::failed(error::explain(&error).message))
                .into()
        }),
    }
}

/// A run whose lock is gone.
pub fn lost() -> Error {
    Error::new(
        Kind::Unreachable,
        "this run has lost its lock: the session that held it was ended",
    )
    .hint("find out who ended it in the server's log, then run the same command again")
}

/// The server's code when [`guard`] stops a statement.
pub const GUARDED: &str = "22P02";

/// The same, if that is what stopped a script with a [`guard`].
pub fn told(error: anyhow::Error) -> anyhow::Error {
    if error::sqlstate(&error) == Some(GUARDED) {
        lost().into()
    } else {
        error
    }
}

/// An SQL statement that fails unless the locks of this session are held, and restores the mark that a file gave away. It
/// computes `columns` as well, and where there is nothing to guard nothing else.
///
/// The function is asked that the view `pg_locks` asks: planning a view takes longer than looking at all locks, and
/// this is sent with every file.
pub fn guard(db: &Db, columns: &str) -> String {
    let held = db.kept(|kept| kept.held.clone());
    let mut all = held
        .iter()
        .filter_map(|held| held.hold.as_ref().map(|hold| (held.mark, hold)));
    // They are all held by one transaction, and lost together.
    let Some((mark, (oid, Hold { pid, transaction }))) = all.next_back() else {
        return format!("select {columns};");
    };
    let (upper, lower) = (mark >> 32, mark & 0xffff_ffff);
    let transaction = Literal(transaction);
    // It goes where a file may have said how names are looked up, so it looks up none, and no operator either.
    let is = "operator(pg_catalog.=)";
    // Of the two rows, one has a relation, and the other one a class.
    let none = |column: &str| format!("pg_catalog.count(l.{column}) {is} 0::pg_catalog.int8");
    let (unlocked, unmarked) = (none("relation"), none("classid"));
    format!(
        "select case when {unlocked} then 'this run of toysoldiers has lost its lock' else '1' end::pg_catalog.int4,\
         case when {unmarked} then pg_catalog.pg_try_advisory_lock({mark}::pg_catalog.int8) end,{columns} \
         from pg_catalog.pg_lock_status() l \
         where l.relation {is} {oid}::pg_catalog.oid and l.locktype {is} 'relation'::pg_catalog.text \
         and l.pid {is} {pid}::pg_catalog.int4 and l.virtualtransaction {is} {transaction}::pg_catalog.text and l.granted \
         or l.pid {is} pg_catalog.pg_backend_pid() and l.locktype {is} 'advisory'::pg_catalog.text \
         and l.classid {is} {upper}::pg_catalog.oid and l.objid {is} {lower}::pg_catalog.oid;"
    )
}
