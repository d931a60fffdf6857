//! The database a backup is restored into.
//!
//! Like a file of a backup, it appears under its name whole or not at all: it is made as `NAME.partial` and
//! renamed when everything in it has been checked. What fails or is interrupted is dropped again ([`Undo`]).
//! What a killed run could not drop bears a name that says so, and the next restore into the same name takes it
//! away, unless somebody is still at work in it.

use super::store::PARTIAL;
use crate::error::{self, Error, Result};
use crate::pg::undo::{Entry, Way};
use crate::pg::{Db, Endpoint, Ident, Patience, Query, Undo};
use crate::plan::Progress;

/// PostgreSQL cuts longer names off in silence.
const NAME_LIMIT: usize = 63;

crate::row! {
    /// What is in the way of a new database.
    pub struct Standing {
        /// There is a database of this name.
        pub taken: bool,
        /// A restore into this name was killed half-way.
        pub leftover: bool,
    }
}

static TARGET: Query<Standing> = crate::query!("backup/target");

/// A database to be made.
#[derive(Debug)]
pub struct Target {
    /// Its name once it is whole.
    pub database: String,
    /// Its name until then.
    pub partial: String,
    /// Whether what a killed run left behind has to go first.
    pub leftover: bool,
    /// The way into another database of the same server.
    server: Endpoint,
}

impl Target {
    /// Looks whether there is room for `database`; one that is there is refused. `db` is a session in another
    /// database of the server.
    pub async fn find(db: &Db, database: String) -> Result<Self> {
        let partial = partial_name(&database)?;
        let Standing { taken, leftover } = db
            .one(&TARGET, &[&database.as_str(), &partial.as_str()])
            .await?;
        if taken {
            return Err(exists(&database).into());
        }
        Ok(Self {
            database,
            partial,
            leftover,
            server: db.endpoint().clone(),
        })
    }

    /// The way into the database while it is partial.
    pub fn endpoint(&self) -> Endpoint {
        self.server.with_database(&self.partial)
    }

    /// The address of the database once it is whole, without a password.
    pub fn url(&self) -> String {
        self.server.with_database(&self.database).url()
    }

    /// Makes the database, empty, and opens a session in it, which also tells others that it is no left-over.
    pub async fn make(&self, db: &Db, undo: &Undo, progress: &dyn Progress) -> Result<Db> {
        let Self {
            database, partial, ..
        } = self;
        let ident = Ident(partial);
        // This session has nothing to do for as long as pg_restore works.
        db.script("set idle_session_timeout = 0").await?;
        if self.leftover {
            // Without force: it would end a restore that is at work after all.
            let dropped = db.script(&format!("drop database if exists {ident}")).await;
            if let Err(error) = dropped {
                return Err(self.at_work(db.occupied(partial, error).await));
            }
            progress.say(&format!(
                "dropped {partial}, which a restore that was killed had left behind"
            ));
        }
        undo.register(Entry {
            endpoint: self.server.clone(),
            way: Way::Statement(format!("drop database if exists {ident} with (force)")),
            done: format!("the new database, {partial}, was dropped again"),
            stays: format!("{partial} stays until the next restore into {database}"),
        });
        // UTF-8 holds whatever the dump does, and the server's default may be less.
        let made = db.create_database(partial).await;
        if let Err(error) = made {
            // If there is one now, it is somebody else's.
            undo.settle();
            return Err(self.at_work(error));
        }
        let inside = Db::connect(&self.endpoint(), Patience::default()).await?;
        // A table RLS hides rows of would be counted wrong; with row_security off that is an error instead.
        inside
            .script(
                "set idle_session_timeout = 0;\
                 set statement_timeout = 0;\
                 set lock_timeout = 0;\
                 set row_security = off;",
            )
            .await?;
        Ok(inside)
    }

    /// Gives the database its name. Whoever is in it is ended: a pooler keeps the connections we have left, and nobody
    /// else has any business there yet.
    pub async fn keep(&self, db: &Db, undo: &Undo) -> Result<()> {
        match db.open_database(&self.partial, &self.database).await {
            Err(error) if error::sqlstate(&error) == Some("42P04") => {
                return Err(exists(&self.database).into());
            }
            Err(error) => {
                return Err(error.context(format!("cannot give {} its name", self.database)));
            }
            Ok(()) => {}
        }
        undo.settle();
        Ok(())
    }

    /// Says who it is that is in the way, if it is another restore.
    fn at_work(&self, error: anyhow::Error) -> anyhow::Error {
        if matches!(error::sqlstate(&error), Some("55006" | "42P04" | "23505")) {
            Error::refused(format!("another restore into {} is at work", self.database))
                .after(&error)
                .hint("wait until it has ended, or pick another name with `--into`")
                .into()
        } else {
            error.context(format!("cannot make the database {}", self.partial))
        }
    }
}

/// What the database is called until it is whole.
fn partial_name(database: &str) -> Result<String> {
    if database.is_empty() || database.len() + PARTIAL.len() > NAME_LIMIT {
        return Err(Error::usage(format!(
            "a database's name has 1 to {} bytes here",
            NAME_LIMIT - PARTIAL.len()
        ))
        .note(format!(
            "{NAME_LIMIT} is PostgreSQL's limit, and until it is whole the database is called NAME{PARTIAL}"
        ))
        .hint("name another one with `--into`")
        .into());
    }
    Ok(format!("{database}{PARTIAL}"))
}

fn exists(database: &str) -> Error {
    Error::refused(format!("there is a database {database} already"))
        .note("it was not touched: a backup is never restored over a database")
        .hint("pick another name with `--into`")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_leaves_room_for_partial() {
        assert!(partial_name(&"x".repeat(55)).is_ok());
        assert!(partial_name(&"x".repeat(56)).is_err());
        assert!(partial_name("").is_err());
    }
}
