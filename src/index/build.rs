//! Building, replacing, dropping and rebuilding indexes while everybody reads and writes.
//!
//! What PostgreSQL does concurrently wants no transaction around it, so it can end halfway: by a limit, a failure, a
//! kill. What is there then is told by the catalog alone, and whoever comes next goes on from there. Nothing here relies
//! on a note that somebody may not have had the time to write.
//!
//! What is done concurrently runs in a session of its own, which the server lets come to its end even if nobody waits
//! for it any more: a long build is not lost with its client, and the next run follows it.

mod duplicate;
mod monitor;
pub mod pace;
mod partitioned;
mod session;
mod swap;

use crate::bookkeeping;
use crate::error::{Error, Result};
use crate::pg::relation::Relation;
use crate::pg::session::SearchPath;
use crate::pg::undo::{self, Entry, Way};
use crate::pg::{Db, Ident, Query, RunContext};
use monitor::Monitor;
use session::Sessions;

crate::row! {
    /// How an index stands.
    pub struct State {
        /// The schema of its table.
        pub table_schema: String,
        /// Its table.
        pub table_name: String,
        /// Whether it is used.
        pub valid: bool,
        /// Whether it is an index of a partitioned table, which has one on each partition.
        pub partitioned: bool,
        /// Whether replicas know rows by it.
        pub identity: bool,
        /// Whether a constraint stands on it.
        pub constrained: bool,
        /// Whether it has expressions.
        pub computed: bool,
        /// Whether it belongs to the index of the parent of its table.
        pub attached: bool,
        /// How large it is, in bytes.
        pub size: i64,
        /// What somebody wrote down about it.
        pub comment: Option<String>,
        /// The session that builds it right now.
        pub pid: Option<i32>,
    }
}

static STATE: Query<State> = crate::query!("index/state");

impl State {
    /// Whether it is an index of this table.
    fn is_on(&self, table: &Relation) -> bool {
        (&self.table_schema, &self.table_name) == (&table.schema, &table.name)
    }
}

/// How often a step looks again at what it finds: every time somebody else has been faster.
const LOOKS: usize = 10;

/// Works on indexes.
pub struct Builder<'a> {
    db: &'a Db,
    run: RunContext<'a>,
    /// The command, for the record and for hints.
    what: &'static str,
    /// Where the names in declared indexes are looked for that do not say it themselves.
    search_path: SearchPath,
    sessions: Sessions<'a>,
    monitor: Monitor<'a>,
}

impl<'a> Builder<'a> {
    /// Works beside this session, which holds the lock, for this command: `index apply`.
    pub fn new(
        db: &'a Db,
        run: RunContext<'a>,
        what: &'static str,
        search_path: SearchPath,
    ) -> Self {
        Self {
            db,
            run,
            what,
            search_path,
            sessions: Sessions::new(db.endpoint(), run),
            monitor: Monitor::new(db.endpoint(), run.progress),
        }
    }

    /// How an index stands; nothing if there is none of that name.
    pub async fn state(&self, schema: &str, name: &str) -> Result<Option<State>> {
        self.db.opt(&STATE, &[&schema, &name]).await
    }

    /// Writes down what is about to be done.
    pub async fn record(&self, details: serde_json::Value) -> Result<()> {
        bookkeeping::audit(self.db, self.what, details).await
    }

    /// Waits until another session's build has ended, however it does.
    pub async fn follow(&self, pid: i32, name: &str) -> Result<()> {
        self.run.progress.say(&format!(
            "{name}: another session, pid {pid}, is building on its table; waiting until it is done"
        ));
        self.monitor
            .follow(self.db, pid, &format!("following {name}"))
            .await
    }

    /// Builds an index on a table that is not partitioned, by a statement that does so concurrently. What is there of
    /// it that is not valid is dropped before; a build that is going on is waited for. Whether it was built here.
    pub async fn build(&self, name: &str, table: &Relation, statement: &str) -> Result<bool> {
        for _ in 0..LOOKS {
            match self.state(&table.schema, name).await? {
                None => {
                    self.create(name, table, statement).await?;
                    return Ok(true);
                }
                Some(state) if !state.is_on(table) => return Err(taken(name, &state)),
                Some(State { valid: true, .. }) => return Ok(false),
                Some(State { pid: Some(pid), .. }) => self.follow(pid, name).await?,
                Some(_) => self.drop_leftover(&table.schema, name).await?,
            }
        }
        Err(never_still(name))
    }

    async fn create(&self, name: &str, table: &Relation, statement: &str) -> Result<()> {
        self.undone(&table.schema, name, true);
        let built = self
            .concurrently(&format!("building {name}"), statement, self.search_path)
            .await;
        if let Err(error) = built {
            return Err(duplicate::told(self.db, &table.schema, name, error).await);
        }
        self.run.undo.settle();
        if self
            .state(&table.schema, name)
            .await?
            .is_some_and(|state| state.computed)
        {
            // The planner knows nothing about an expression before the table is analyzed.
            let analyze = format!("analyze {}", table.sql());
            let what = format!("analyzing {table}");
            self.concurrently(&what, &analyze, SearchPath::Catalog)
                .await?;
        }
        Ok(())
    }

    /// Registers what a build leaves behind if it does not come to its end.
    fn undone(&self, schema: &str, name: &str, own: bool) {
        self.run.undo.register(Entry {
            endpoint: self.db.endpoint().clone(),
            way: Way::Leftovers {
                schema: schema.to_owned(),
                name: name.to_owned(),
                own,
            },
            done: format!("what the build of {name} left behind was dropped"),
            stays: format!(
                "what the build of {name} left behind stays, and the next run drops it or follows it"
            ),
        });
    }

    async fn drop_leftover(&self, schema: &str, name: &str) -> Result<()> {
        self.run.progress.say(&format!(
            "dropping the INVALID index {name}, which a build that did not come to its end left behind"
        ));
        self.drop(schema, name).await
    }

    /// Drops an index; that it is gone already is fine. One that is being made is waited for, and stays if it comes to
    /// be valid.
    pub async fn drop(&self, schema: &str, name: &str) -> Result<()> {
        let index = format!("{}.{}", Ident(schema), Ident(name));
        for _ in 0..LOOKS {
            match self.state(schema, name).await? {
                None => return Ok(()),
                Some(State { pid: Some(pid), .. }) => {
                    self.follow(pid, name).await?;
                    let now = self.state(schema, name).await?;
                    if now.is_none_or(|now| now.valid) {
                        return Ok(());
                    }
                }
                Some(State {
                    partitioned: true, ..
                }) => return self.drop_partitioned(&index, name).await,
                Some(_) => {
                    // Whoever was at it just now may have put it away.
                    let statement = format!("drop index concurrently if exists {index}");
                    let what = format!("dropping {name}");
                    return self
                        .concurrently(&what, &statement, SearchPath::Catalog)
                        .await;
                }
            }
        }
        Err(never_still(name))
    }

    /// Drops what rebuilds of an index left behind; one that is going on is waited for. Whether that one came to its end.
    pub async fn clear(&self, schema: &str, name: &str) -> Result<bool> {
        let mut followed = false;
        for _ in 0..LOOKS {
            let left = undo::leftovers(self.db, schema, name).await?;
            let Some(left) = left.first() else {
                return Ok(followed);
            };
            match self.state(&left.schema, &left.name).await? {
                None => {}
                Some(State { pid: Some(pid), .. }) => {
                    self.follow(pid, &left.name).await?;
                    // One that ended before its time is still there.
                    followed = self.state(&left.schema, &left.name).await?.is_none();
                }
                Some(_) => self.drop_leftover(&left.schema, &left.name).await?,
            }
        }
        Err(never_still(name))
    }

    /// Builds an index that exists anew. What a rebuild leaves behind is dropped if it does not come to its end.
    pub async fn reindex(&self, schema: &str, name: &str) -> Result<()> {
        self.undone(schema, name, false);
        let statement = format!(
            "reindex index concurrently {}.{}",
            Ident(schema),
            Ident(name)
        );
        let what = format!("rebuilding {name}");
        let built = self
            .concurrently(&what, &statement, SearchPath::Catalog)
            .await;
        if let Err(error) = built {
            return Err(duplicate::told(self.db, schema, name, error).await);
        }
        self.run.undo.settle();
        Ok(())
    }

    /// Runs one statement in the session for it, and tells how far it is and whom it waits for. It can be in no
    /// message with another one.
    async fn concurrently(
        &self,
        what: &str,
        statement: &str,
        search_path: SearchPath,
    ) -> Result<()> {
        let session = self.sessions.open().await?;
        session
            .script(&search_path.in_session(session.endpoint()))
            .await?;
        let pid = session.hello().map(|hello| hello.process);
        self.run.progress.working(what);
        let run = session.script(statement);
        let done = self.monitor.beside(pid, what, run).await;
        if done.is_err() {
            self.sessions.leave().await;
        }
        done
    }
}

/// Another index has the name.
fn taken(name: &str, state: &State) -> anyhow::Error {
    let table = Relation::new(&state.table_schema, &state.table_name);
    Error::refused(format!("there is an index {name} already, on {table}"))
        .hint("give it another name in its file, or rename the other one by a migration")
        .into()
}

fn never_still(name: &str) -> anyhow::Error {
    Error::refused(format!("somebody else keeps changing the index {name}"))
        .hint("find out who: `select * from pg_stat_activity`")
        .into()
}
