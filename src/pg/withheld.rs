//! Questions with a secret among their parameters, such as the hash of a password.
//!
//! A server that logs statements logs their parameters as well. What can be done about that from here is done for
//! the one transaction that needs it: a superuser, and whoever was granted the settings, leaves no value in the log.
//! For everybody else the server's configuration decides.

use super::db::{Db, asked};
use super::ident::Literal;
use super::query::{FromRow, Param, Query};
use super::session::Scope;
use super::sqlstate;
use crate::error::{Error, Kind, Result};

const WITHHOLD: &str = include_str!("../../database/blocks/withhold_parameters.sql");

impl Db {
    /// The one row there always is, of a question whose parameters nobody but the tables may learn. A transaction of
    /// its own, and still one round trip.
    pub async fn one_withheld<R: FromRow>(
        &self,
        query: &Query<R>,
        params: &[&dyn Param],
    ) -> Result<R> {
        let opening = format!("begin;do language plpgsql {}", Literal(WITHHOLD));
        let settings = async {
            if self.pooling().keeps_sessions() {
                Ok(())
            } else {
                self.make_settings(Scope::Transaction).await
            }
        };
        // They travel together. If the first fails, the question finds its transaction broken and is not asked.
        let (begun, set, rows, committed) = tokio::join!(
            self.script(&opening),
            settings,
            self.rows(query, params),
            self.script("commit"),
        );
        begun?;
        set?;
        let rows = rows.map_err(|error| match error.as_db_error() {
            // The detail shows the row that was refused.
            Some(db) if db.detail().is_some() => sqlstate::bare(db).into(),
            _ => asked(query, error),
        })?;
        committed?;
        let row = rows.first().ok_or_else(|| {
            Error::new(Kind::Bug, format!("{} answered without a row", query.name))
        })?;
        R::from_row(row).map_err(|error| asked(query, error))
    }
}
