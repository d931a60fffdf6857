//! An index takes the place of another one: two names change in one short transaction, and nobody is kept from the table.

use std::fmt::Write;

use super::{Builder, State};
use crate::error::{Error, Result};
use crate::index::difference::name_once_replaced;
use crate::pg::Ident;
use crate::pg::attempt;
use crate::pg::ident::Literal;
use crate::pg::relation::Relation;

impl Builder<'_> {
    /// Something else may stand on an index, and would be in the way of dropping it once all is built.
    pub async fn require_replaceable(&self, table: &Relation, name: &str) -> Result<()> {
        let Some(there) = self.state(&table.schema, name).await? else {
            return Ok(());
        };
        let what = if there.identity {
            format!("replicas of {table} know its rows by {name} (replica identity)")
        } else if there.constrained {
            format!("a foreign key stands on {name}")
        } else {
            return Ok(());
        };
        Err(Error::refused(what)
            .hint("replace it in a migration, together with what stands on it")
            .into())
    }

    /// The index `new` gets the name `name`; the one that has it is dropped afterwards.
    pub async fn swap(&self, table: &Relation, new: &str, name: &str) -> Result<()> {
        let schema = &table.schema;
        let old = name_once_replaced(name);
        if let Some(there) = self.state(schema, &old).await? {
            if !there.is_on(table) {
                return Err(super::taken(&old, &there));
            }
            self.drop(schema, &old).await?;
        }
        let once = async || self.swap_once(table, new, name, &old).await;
        let what = format!("swapping {name}");
        attempt::transact(self.db, &what, self.run, once).await?;
        self.drop(schema, &old).await
    }

    async fn swap_once(&self, table: &Relation, new: &str, name: &str, old: &str) -> Result<()> {
        let schema = &table.schema;
        let index = |name: &str| format!("{}.{}", Ident(schema), Ident(name));
        let is_ready = |state: &State| state.valid && state.is_on(table);
        if !self
            .state(schema, new)
            .await?
            .as_ref()
            .is_some_and(is_ready)
        {
            return Err(Error::refused(format!(
                "{new}, which was to take the place of {name}, is gone"
            ))
            .into());
        }
        let mut sql = String::new();
        if let Some(there) = self.state(schema, name).await? {
            if !there.is_on(table) {
                return Err(super::taken(name, &there));
            }
            sql = format!("alter index {} rename to {};", index(name), Ident(old));
            if let Some(comment) = &there.comment {
                let text = Literal(comment);
                let _ = write!(sql, "comment on index {} is {text};", index(new));
            }
        }
        let _ = write!(sql, "alter index {} rename to {}", index(new), Ident(name));
        self.db.script(&sql).await
    }

    /// An index gets another name.
    pub async fn rename(&self, schema: &str, from: &str, to: &str) -> Result<()> {
        let sql = format!(
            "alter index {}.{} rename to {}",
            Ident(schema),
            Ident(from),
            Ident(to)
        );
        let once = async || self.db.script(&sql).await;
        let what = format!("renaming {from}");
        attempt::transact(self.db, &what, self.run, once).await
    }
}
