//! A database to try things in: made for the purpose, and gone when the command is.

use crate::bookkeeping;
use crate::error::{self, Error, Kind, Result};
use crate::migrate::file::Migration;
use crate::pg::undo::{Entry, Way};
use crate::pg::{Db, Endpoint, Ident, Patience, Query, Undo};

use super::replay;

crate::row! {
    /// What a scratch database is called.
    pub struct Name {
        /// Its name.
        pub name: String,
    }
}

static NAME: Query<Name> = crate::query!("migrate/scratch");

/// An empty database of a server, for this command alone.
pub struct Scratch {
    /// A session in it.
    pub db: Db,
    /// Another session, beside it.
    server: Db,
    name: String,
}

impl Scratch {
    /// Makes it on the server of this address, which names a database that is there and is not touched. Whatever
    /// becomes of the command, the database is dropped again.
    pub async fn make(server: &Endpoint, undo: &Undo) -> Result<Self> {
        let server = Db::connect(server, Patience::default()).await?;
        server.require_session("a scratch database")?;
        // It has nothing to do for as long as the migrations run.
        server.script("set idle_session_timeout = 0").await?;
        let scratch = Self::make_of(server, None, undo).await?;
        bookkeeping::install(&scratch.db, None).await?;
        Ok(scratch)
    }

    /// The same, and a copy of it to be changed in its stead.
    pub async fn copied(self, undo: &Undo) -> Result<(Self, Self)> {
        let Self { db, server, name } = self;
        let endpoint = db.endpoint().clone();
        // A database with somebody in it is not copied.
        db.close().await;
        let beside = Db::connect(server.endpoint(), Patience::default()).await?;
        beside.script("set idle_session_timeout = 0").await?;
        let copy = Self::make_of(beside, Some(&name), undo).await?;
        let db = Db::connect(&endpoint, Patience::default()).await?;
        Ok((Self { db, server, name }, copy))
    }

    /// An empty one, or a copy of this one.
    async fn make_of(server: Db, of: Option<&str>, undo: &Undo) -> Result<Self> {
        let Name { name } = server.one(&NAME, &[]).await?;
        undo.register(Entry {
            endpoint: server.endpoint().clone(),
            way: Way::Statement(format!(
                "drop database if exists {} with (force)",
                Ident(&name)
            )),
            done: "the scratch database was dropped again".to_owned(),
            stays: format!("the scratch database {name} could not be dropped"),
        });
        let made = match of {
            None => server.create_database(&name).await,
            Some(of) => server.copy_database(&name, of).await,
        };
        if let Err(error) = made {
            undo.settle_last();
            return Err(cannot_make(&server, &error).into());
        }
        let endpoint = server.endpoint().with_database(&name);
        let db = Db::connect(&endpoint, Patience::default()).await?;
        Ok(Self { db, server, name })
    }

    /// The same, with these migrations applied.
    pub async fn with(server: &Endpoint, migrations: &[&Migration], undo: &Undo) -> Result<Self> {
        let scratch = Self::make(server, undo).await?;
        for migration in migrations {
            replay::run(&scratch.db, migration, None).await?;
        }
        Ok(scratch)
    }

    /// Drops it, as nobody needs it any more: the one that was made last first.
    pub async fn drop(self, undo: &Undo) -> Result<()> {
        let Self { db, server, name } = self;
        db.close().await;
        server
            .drop_database(&name)
            .await
            .map_err(|error| error.context(format!("cannot drop the scratch database {name}")))?;
        undo.settle_last();
        Ok(())
    }
}

fn cannot_make(server: &Db, error: &anyhow::Error) -> Error {
    let place = server.endpoint();
    let cannot = Error::new(
        Kind::Refused,
        format!("cannot make a scratch database on {}", place.describe()),
    )
    .after(error)
    .unchanged();
    if error::sqlstate(error) == Some("42501") {
        let user = place.user().unwrap_or_default();
        return cannot.hint(format!(
            "have the role allowed to: `alter role {} createdb`; or name another server with `--scratch-url`",
            Ident(user)
        ));
    }
    cannot.hint("name another server with `--scratch-url`")
}
