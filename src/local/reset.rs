//! Starting over: one database, or all of the private server.

use std::path::PathBuf;

use serde::Serialize;

use super::{Server, cluster};
use crate::error::Result;
use crate::pg::Ident;
use crate::plan::{Consent, Effect, Plan, Progress, Risk, Step};

/// What `local reset` takes away.
#[derive(Debug)]
pub enum Reset {
    /// One database.
    Database(String),
    /// The data folder: every database.
    Folder,
}

/// What `local reset` took away.
#[derive(Debug, Serialize)]
pub struct Cleared {
    /// The database that is empty now; nothing if it was the whole server.
    pub database: Option<String>,
    /// The folder of the server.
    pub folder: PathBuf,
}

impl Server {
    /// What a reset would do.
    pub fn plan_reset(&self, reset: Reset) -> Plan<Reset> {
        let (title, step) = match &reset {
            Reset::Database(name) => (
                format!("drop the database {name}"),
                Step::new(Effect::Removes, "drop", format!("database {name}"))
                    .detail("everything in it; an empty one takes its place"),
            ),
            Reset::Folder => (
                "delete the local server's data".to_owned(),
                Step::new(Effect::Removes, "delete", self.data().display().to_string())
                    .detail("every local database, demo included"),
            ),
        };
        Plan {
            title,
            risk: Risk::Severe,
            steps: vec![step],
            work: reset,
        }
    }

    /// Starts over.
    pub async fn reset(
        &self,
        reset: Reset,
        _consent: Consent,
        progress: &dyn Progress,
    ) -> Result<Cleared> {
        match reset {
            Reset::Database(name) => {
                let db = self.connect("postgres", progress).await?;
                let ident = Ident(&name);
                // CREATE DATABASE cannot share a message with anything else.
                db.script(&format!("drop database if exists {ident} with (force)"))
                    .await?;
                db.script(&format!("create database {ident}")).await?;
                Ok(Cleared {
                    database: Some(name),
                    folder: self.folder.clone(),
                })
            }
            Reset::Folder => {
                self.stop(progress).await?;
                for server in std::iter::once(self.clone()).chain(self.beside()) {
                    if let Some(folder) = server.find(progress)? {
                        let _lock = server.lock(&folder).await?;
                        cluster::delete(&folder)?;
                    }
                }
                Ok(Cleared {
                    database: None,
                    folder: self.folder.clone(),
                })
            }
        }
    }
}
