//! What is declared besides migrations, policies and indexes: made in the scratch database, as far as the environment
//! has it.
//!
//! What a file declares and nobody has applied yet is no drift; a policy or an index that was applied and is gone is. So
//! everything is made, looked at, and taken back; what the environment has of it, or had, is made again, and stays.

use std::collections::BTreeMap;

use crate::error::{self, Result};
use crate::index;
use crate::index::difference::Action;
use crate::pg::catalog::Catalog;
use crate::pg::catalog::between::between;
use crate::pg::session::{IN_CATALOG, SearchPath};
use crate::pg::{Db, Ident};
use crate::policy;
use crate::source::Source;

/// What the files declare, as far as they can be read.
#[derive(Debug, Default)]
pub struct Declared {
    /// Policies and rights.
    policies: Option<policy::declared::Declared>,
    indexes: Option<index::declared::Declared>,
    /// Which of them cannot be read, and why.
    pub unread: Vec<String>,
}

/// What a database is to be like, and what was done for it.
#[derive(Debug)]
pub struct Expected {
    /// All of it.
    pub catalog: Catalog,
    /// What files declare that the environment has.
    pub applied: Vec<Change>,
    /// Whether it has all of that.
    pub is_whole: bool,
}

/// One change that files ask for.
#[derive(Debug)]
pub struct Change {
    /// The relation or the function it is about, as the catalog calls it.
    on: String,
    /// The index, if it is about one.
    index: Option<String>,
    sql: String,
}

impl Declared {
    /// Reads the files.
    pub fn load(policies: &Source, indexes: &Source) -> Self {
        let mut unread = Vec::new();
        let mut note = |noun: &str, error: &anyhow::Error| {
            let reason = error::explain(error).message;
            unread.push(format!(
                "{noun} are compared with migrations alone: {reason}"
            ));
        };
        let policies = policy::declared::Declared::load(policies);
        let indexes = index::declared::Declared::load(indexes);
        Self {
            policies: policies.map_err(|error| note("policies", &error)).ok(),
            indexes: indexes.map_err(|error| note("indexes", &error)).ok(),
            unread,
        }
    }

    /// Makes of it what `found` has, or is known to have had, in a database with these migrations.
    pub async fn replay(
        &self,
        db: &Db,
        found: &Catalog,
        left: &BTreeMap<String, bool>,
    ) -> Result<Expected> {
        let made = Catalog::read(db).await?;
        let changes = self.changes(db).await?;
        if changes.is_empty() {
            return Ok(Expected {
                catalog: made,
                applied: changes,
                is_whole: true,
            });
        }
        db.script("begin").await?;
        let whole = async {
            run(db, &changes).await?;
            Catalog::read_here(db).await
        };
        let whole = whole.await;
        db.script("rollback").await?;
        let whole = whole?;
        let catalog = between(&made, &whole, found, left);
        let is_applied =
            |change: &Change| catalog.has_like(&whole, &change.on, change.index.as_deref());
        let applied: Vec<Change> = changes.into_iter().filter(is_applied).collect();
        make(db, &applied).await?;
        Ok(Expected {
            is_whole: catalog == whole,
            catalog,
            applied,
        })
    }

    /// What the files ask for. A file that asks for more than the migrations have made so far asks for nothing.
    async fn changes(&self, db: &Db) -> Result<Vec<Change>> {
        let mut changes = Vec::new();
        if let Some(declared) = &self.policies {
            match policy::look::look(db, declared.clone()).await {
                Ok(look) => changes.extend(of_policies(db, &look)),
                Err(error) if db.is_lost() => return Err(error),
                Err(_) => {
                    for number in 0..declared.files.len() {
                        if let Ok(look) = policy::look::look(db, declared.only(number)).await {
                            changes.extend(of_policies(db, &look));
                        }
                    }
                }
            }
        }
        if let Some(declared) = &self.indexes {
            match index::look::look(db, declared.clone()).await {
                Ok(look) => changes.extend(of_indexes(db, &look)),
                Err(error) if db.is_lost() => return Err(error),
                Err(_) => {
                    for number in 0..declared.files.len() {
                        if let Ok(look) = index::look::look(db, declared.only(number)).await {
                            changes.extend(of_indexes(db, &look));
                        }
                    }
                }
            }
        }
        db.reset().await?;
        Ok(changes)
    }
}

fn of_policies(db: &Db, look: &policy::look::Look) -> Vec<Change> {
    let search_path = look.declared.search_path;
    let mut differences = policy::compare::compare(look);
    differences.retain(|difference| !difference.prune);
    let changes = differences.into_iter().map(|difference| Change {
        on: difference.on.clone(),
        index: None,
        sql: policy::apply::statements(db, search_path, &[difference]).join(";\n"),
    });
    changes.collect()
}

fn of_indexes(db: &Db, look: &index::look::Look) -> Vec<Change> {
    let there = |search_path: SearchPath| search_path.in_transaction(db.endpoint());
    let search_path = there(look.declared.search_path);
    let differences = index::compare::compare(look).into_iter();
    let changes = differences.filter_map(|difference| {
        let schema = Ident(&difference.table.schema);
        let named = |name: &str| format!("{schema}.{}", Ident(name));
        let (name, table) = (&difference.name, difference.table.sql());
        let create = || {
            let wanted = difference.wanted.as_ref()?;
            Some(wanted.create(index::declared::Manner::Plain, name, &table))
        };
        let sql = match (difference.action, &difference.from) {
            (Action::Create, _) => create()?,
            (Action::Rename, Some(from)) => {
                format!("alter index {} rename to {}", named(from), Ident(name))
            }
            (Action::Replace, _) => format!("drop index {};\n{}", named(name), create()?),
            _ => return None,
        };
        Some(Change {
            on: difference.table.to_string(),
            index: Some(name.clone()),
            sql: format!("{search_path};\n{sql}\n;{IN_CATALOG}"),
        })
    });
    changes.collect()
}

/// Makes changes.
pub async fn make(db: &Db, changes: &[Change]) -> Result<()> {
    db.script("begin").await?;
    run(db, changes).await?;
    db.script("commit").await?;
    db.reset().await
}

/// Makes changes in the transaction that is open; one that cannot be made is left out.
async fn run(db: &Db, changes: &[Change]) -> Result<()> {
    for change in changes {
        let script = format!(
            "savepoint toysoldiers_change;\n{}\n;release savepoint toysoldiers_change",
            change.sql
        );
        if let Err(failure) = db.try_script(&script).await {
            if db.is_lost() {
                return Err(failure.explain().into());
            }
            db.script("rollback to savepoint toysoldiers_change")
                .await?;
        }
    }
    Ok(())
}
