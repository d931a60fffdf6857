//! Databases of a server: made closed, named when they are whole, dropped.
//!
//! Their owner, its members and superusers get into one that is closed to everybody else. Whoever sits in it when it is
//! to be named or dropped is ended, and named if that is not ours to do.

use super::blockers::Blocker;
use super::db::Db;
use super::ident::{Ident, Literal};
use crate::error::{self, Error, Result};

impl Db {
    /// Makes an empty database that nobody is let into but its owner and superusers. It is UTF-8, which holds whatever
    /// there is; the server's default may be less.
    pub async fn create_database(&self, name: &str) -> Result<()> {
        self.create_database_of(name, "template0 encoding 'UTF8'")
            .await
    }

    /// Makes a copy of a database that nobody is connected to, and nobody is let into the copy either.
    pub async fn copy_database(&self, name: &str, of: &str) -> Result<()> {
        self.create_database_of(name, &Ident(of).to_string()).await
    }

    async fn create_database_of(&self, name: &str, template: &str) -> Result<()> {
        let name = Ident(name);
        // Nobody gets in before the right to is taken away.
        self.script(&format!(
            "create database {name} template {template} connection limit 0"
        ))
        .await?;
        self.script(&format!(
            "revoke connect on database {name} from public; alter database {name} connection limit -1"
        ))
        .await
    }

    /// Gives a database that was made so its name, and lets everybody in.
    pub async fn open_database(&self, partial: &str, name: &str) -> Result<()> {
        let (old, new) = (Ident(partial), Ident(name));
        // Not even superusers come in from here on.
        self.script(&format!("alter database {old} allow_connections false"))
            .await?;
        // Those of superusers are not everybody's to end: the server says so when it is named.
        let _ = self
            .script(&format!(
                "select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = {}",
                Literal(partial)
            ))
            .await;
        let named = self
            .script(&format!(
                "alter database {old} rename to {new}; alter database {new} allow_connections true; \
                 grant connect on database {new} to public"
            ))
            .await;
        match named {
            Err(error) => Err(self.occupied(partial, error).await),
            Ok(()) => Ok(()),
        }
    }

    /// Drops a database, if it is there, and ends whoever is in it.
    pub async fn drop_database(&self, name: &str) -> Result<()> {
        let dropped = self
            .script(&format!(
                "drop database if exists {} with (force)",
                Ident(name)
            ))
            .await;
        match dropped {
            Err(error) => Err(self.occupied(name, error).await),
            Ok(()) => Ok(()),
        }
    }

    /// A failure because of sessions in a database, with those who are in it; any other as it is.
    pub async fn occupied(&self, name: &str, error: anyhow::Error) -> anyhow::Error {
        if !matches!(error::sqlstate(&error), Some("55006" | "42501")) {
            return error;
        }
        let inside = Blocker::inside(self, name).await.unwrap_or_default();
        let Some(first) = inside.first() else {
            return error;
        };
        let hint = format!(
            "have a superuser end it: `select pg_terminate_backend({})`",
            first.pid
        );
        let told = Error::refused(format!("somebody is in the database {name}")).after(&error);
        let told = inside.iter().fold(told, |told, inside| {
            told.note(format!("in it is {}", inside.describe()))
        });
        told.hint(hint).into()
    }
}
