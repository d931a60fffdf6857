//! Trying indexes that are not there on a query that is not run.
//!
//! hypopg makes the planner believe in them. They are this session's alone, and gone when the transaction of the trial
//! is over, also where a pooler lends the session to somebody else next. The transaction is read only.

mod columns;

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::{Value, json};

use super::Files;
use super::density::Extension;
use crate::error::{self, Error, Result};
use crate::pg::explain::Statement;
use crate::pg::relation::Relation;
use crate::pg::{Db, Ident, Query};
use crate::plan::Progress;

use columns::{Columns, Wanted};

/// No more are tried.
const MOST: usize = 400;

/// An index helps if it saves at least this share of the cost; two columns, if they save this share of what one does.
const GAIN: f64 = 0.1;

/// An index that would help.
#[derive(Debug, Serialize)]
pub struct Candidate {
    /// The table, as SQL names it.
    pub table: String,
    /// Its keys.
    pub columns: Vec<String>,
    /// What the planner says the query costs with it.
    pub cost: f64,
    /// How large the planner believes it to be, in bytes.
    pub size: i64,
    /// The statement that makes it, for the file.
    pub sql: String,
    /// The file that declares the table's indexes.
    pub file: String,
}

/// What came of it.
#[derive(Debug, Serialize)]
pub struct Tried {
    /// What the planner says the query costs as things are.
    pub cost: f64,
    /// How many indexes were tried.
    pub tried: usize,
    /// How many more there were.
    pub untried: usize,
    /// Tables that were never analyzed: costs mean little there.
    pub unanalyzed: Vec<String>,
    /// Those that help, the best first.
    pub candidates: Vec<Candidate>,
}

crate::row! {
    /// A table of a plan.
    pub struct Table {
        /// Its schema.
        pub schema: String,
        /// Its name.
        pub name: String,
        /// The schema of the table it is a partition of in the end, or its own.
        pub root_schema: String,
        /// That table, or itself.
        pub root: String,
        /// It, as SQL names it.
        pub sql: String,
        /// That table, as SQL names it.
        pub root_sql: String,
        /// Whether the planner knows anything about it.
        pub is_analyzed: bool,
        /// The names of its columns, as SQL names them.
        pub columns: Vec<String>,
    }
}

crate::row! {
    /// An index the planner is made to believe in.
    pub struct Hypothetical {
        /// Its name in plans.
        pub name: String,
        /// How large the planner believes it to be, in bytes.
        pub size: i64,
    }
}

crate::row! {
    /// Nothing of interest.
    pub struct Done {
        /// That it is.
        pub done: bool,
    }
}

static TABLES: Query<Table> = crate::query!("index/trial_tables");

/// An index to try: on one table, or on every partition the plan has.
struct Try {
    root: Relation,
    root_sql: String,
    on: Vec<String>,
    keys: Vec<String>,
}

/// Tries indexes for a query.
pub async fn try_out(
    db: &Db,
    statement: Statement<'_>,
    files: &Files,
    progress: &dyn Progress,
) -> Result<Tried> {
    let extension = Extension::of(db, "hypopg", "hypopg_create_index").await?;
    let schema = usable(&extension, db.server_major())?;
    let bench = Bench {
        db,
        statement,
        create: Query::composed(
            "index/hypothetical",
            format!(
                "select indexname as name, {schema}.hypopg_relation_size(indexrelid)::bigint as size
                from {schema}.hypopg_create_index($1)"
            ),
        ),
        reset: Query::composed(
            "index/forget",
            format!("select true as done from (select {schema}.hypopg_reset()) forgotten"),
        ),
    };
    db.begin_snapshot().await?;
    // What is tried may read views.
    db.script(&db.read_views()).await?;
    let tried = bench.run(files, progress).await;
    // A failed transaction can be ended, too; what the planner was made to believe is forgotten before.
    let ended = db.end().await;
    let tried = tried?;
    ended?;
    Ok(tried)
}

/// Where hypopg is, or what to do to have it.
fn usable(extension: &Extension, major: u32) -> Result<String> {
    match &extension.schema {
        Some(schema) if extension.may_call => Ok(Ident(schema).to_string()),
        Some(schema) => Err(Error::refused(format!(
            "the role {} may not call the functions of the extension hypopg",
            extension.role
        ))
        .hint(format!(
            "have the schema {schema} and its functions granted to it"
        ))
        .into()),
        None => {
            let error = Error::failed("this database has not got the extension hypopg").note(
                "indexes that are not there can only be tried with it; the query was not planned",
            );
            Err(if extension.is_available {
                error.hint("run `create extension hypopg` on the primary, as a role that may")
            } else {
                error.hint(format!(
                    "install the package postgresql-{major}-hypopg on the server, then run `create extension hypopg` there"
                ))
            }
            .into())
        }
    }
}

/// What trying takes.
struct Bench<'a> {
    db: &'a Db,
    statement: Statement<'a>,
    create: Query<Hypothetical>,
    reset: Query<Done>,
}

impl Bench<'_> {
    async fn run(&self, files: &Files, progress: &dyn Progress) -> Result<Tried> {
        // A pooler's session may still believe in somebody else's.
        self.forget().await?;
        let (plan, is_generic) = self.first().await?;
        let cost = columns::cost(&plan);
        let Columns { wanted, sorted } = columns::read(columns::root(&plan));
        let names: Vec<Value> = wanted
            .iter()
            .map(|wanted| json!([wanted.table.0, wanted.table.1]))
            .collect();
        let tables = self.db.all(&TABLES, &[&json!(names)]).await?;
        let mut tries = tries(&tables, &wanted, &sorted);
        let untried = tries.len().saturating_sub(MOST);
        tries.truncate(MOST);
        let mut candidates: Vec<Candidate> = Vec::new();
        for (number, attempt) in (1..).zip(&tries) {
            progress.working(&format!("trying index {number} of {}", tries.len()));
            let Some((with, size)) = self.attempt(attempt, is_generic).await? else {
                continue;
            };
            // One column is tried before two, and two have to be better than each alone.
            let alone = candidates
                .iter()
                .filter(|other| other.table == attempt.root_sql)
                .filter(|other| other.columns.len() < attempt.keys.len())
                .filter(|other| other.columns.iter().all(|key| same_in(&attempt.keys, key)))
                .map(|other| other.cost);
            let before = alone.fold(cost, f64::min);
            if with <= before * (1.0 - GAIN) {
                candidates.push(attempt.candidate(with, size, files));
            }
        }
        candidates.sort_by(|a, b| {
            let keys = a.cost.total_cmp(&b.cost);
            keys.then_with(|| {
                (a.columns.len(), a.size, &a.sql).cmp(&(b.columns.len(), b.size, &b.sql))
            })
        });
        let mut unanalyzed: Vec<String> = tables
            .iter()
            .filter(|table| !table.is_analyzed)
            .map(|table| table.sql.clone())
            .collect();
        unanalyzed.dedup();
        Ok(Tried {
            cost,
            tried: tries.len(),
            untried,
            unanalyzed,
            candidates,
        })
    }

    /// The plan as things are, and whether it took leaving its parameters open.
    async fn first(&self) -> Result<(Value, bool)> {
        self.db.script("savepoint trial").await?;
        match self.db.explain(self.statement, false).await {
            Err(error)
                if self.db.server_major() >= 16
                    && matches!(error::sqlstate(&error), Some("42P02" | "42P18" | "08P01")) =>
            {
                self.db.script("rollback to savepoint trial").await?;
                Ok((self.db.explain(self.statement, true).await?, true))
            }
            plan => Ok((plan?, false)),
        }
    }

    /// The cost with this index, and its size; nothing if it cannot be or is not used.
    async fn attempt(&self, attempt: &Try, is_generic: bool) -> Result<Option<(f64, i64)>> {
        self.db.script("savepoint trial").await?;
        let planned = self.plan_with(attempt, is_generic).await;
        if let Err(error) = &planned {
            if error::sqlstate(error).is_none_or(|code| code == "57014" || code == "40001") {
                return planned;
            }
            self.db.script("rollback to savepoint trial").await?;
        }
        self.forget().await?;
        self.db.script("release savepoint trial").await?;
        // Types without an order have no btree; hypopg says so.
        Ok(planned.unwrap_or(None))
    }

    async fn plan_with(&self, attempt: &Try, is_generic: bool) -> Result<Option<(f64, i64)>> {
        let mut names = Vec::new();
        let mut size = 0;
        for table in &attempt.on {
            let made = self.db.all(&self.create, &[&attempt.sql(table)]).await?;
            for index in made {
                names.push(index.name);
                size += index.size;
            }
        }
        let plan = self.db.explain(self.statement, is_generic).await?;
        let is_used = columns::uses(columns::root(&plan), &names);
        Ok(is_used.then(|| (columns::cost(&plan), size)))
    }

    async fn forget(&self) -> Result<()> {
        self.db.one(&self.reset, &[]).await.map(|_| ())
    }
}

impl Try {
    fn sql(&self, table: &str) -> String {
        format!("create index on {table} ({})", self.keys.join(", "))
    }

    fn candidate(&self, cost: f64, size: i64, files: &Files) -> Candidate {
        Candidate {
            table: self.root_sql.clone(),
            columns: self.keys.clone(),
            cost,
            size,
            sql: self.sql(&self.root_sql),
            file: files.about(&self.root),
        }
    }
}

/// Whether a key is among these, whatever its order.
fn same_in(keys: &[String], key: &str) -> bool {
    let bare = |key: &str| {
        key.trim_end_matches(" nulls last")
            .trim_end_matches(" nulls first")
            .trim_end_matches(" desc")
            .to_owned()
    };
    keys.iter().any(|other| bare(other) == bare(key))
}

/// What to try: each column alone, then each two of a table.
fn tries(
    tables: &[Table],
    wanted: &BTreeSet<Wanted>,
    sorted: &BTreeSet<(Wanted, Wanted)>,
) -> Vec<Try> {
    // By the table in the end: the partitions it has in the plan, and the keys.
    let mut roots: BTreeMap<&str, (&Table, Vec<&Table>)> = BTreeMap::new();
    for table in tables {
        let (_, parts) = roots
            .entry(&table.root_sql)
            .or_insert_with(|| (table, Vec::new()));
        parts.push(table);
    }
    let mut singles = Vec::new();
    let mut pairs = Vec::new();
    for (root_sql, (table, parts)) in roots {
        let is_here = |wanted: &Wanted| {
            parts
                .iter()
                .any(|part| (&part.schema, &part.name) == (&wanted.table.0, &wanted.table.1))
        };
        let key = |wanted: &Wanted| {
            let quoted = Ident(&wanted.column).to_string();
            let is_it = |name: &&String| **name == wanted.column || **name == quoted;
            table.columns.iter().find(is_it).cloned()
        };
        let attempt = |keys: Vec<String>| Try {
            root: Relation::new(&table.root_schema, &table.root),
            root_sql: root_sql.to_owned(),
            on: parts.iter().map(|part| part.sql.clone()).collect(),
            keys,
        };
        let mut keys = Vec::new();
        for wanted in wanted.iter().filter(|wanted| is_here(wanted)) {
            let Some(name) = key(wanted) else { continue };
            // An index is read backwards as well.
            let order = if wanted.order == "desc" {
                ""
            } else {
                &wanted.order
            };
            let text = format!("{name} {order}").trim_end().to_owned();
            if !keys.iter().any(|(_, other)| *other == text) {
                keys.push((name, text));
            }
        }
        for (_, text) in &keys {
            singles.push(attempt(vec![text.clone()]));
        }
        for (name, text) in &keys {
            let others = keys.iter().filter(|(other, _)| other != name);
            pairs.extend(others.map(|(_, other)| attempt(vec![text.clone(), other.clone()])));
        }
        for (first, second) in sorted {
            // Two that go the same way are read backwards together.
            let is_mixed = first.order != second.order;
            if !is_mixed || !is_here(first) {
                continue;
            }
            if let (Some(one), Some(two)) = (key(first), key(second)) {
                let with =
                    |name: String, order: &str| format!("{name} {order}").trim_end().to_owned();
                pairs.push(attempt(vec![
                    with(one, &first.order),
                    with(two, &second.order),
                ]));
            }
        }
    }
    singles.append(&mut pairs);
    singles
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(extension: &Extension) -> (String, Option<String>) {
        let error = usable(extension, 16).expect_err("is refused");
        let told = error::explain(&error);
        (told.message.clone(), told.hint())
    }

    #[test]
    fn what_is_missing_is_named_with_its_package() {
        let mut extension = Extension {
            schema: None,
            may_call: false,
            is_available: false,
            role: "r".to_owned(),
        };
        let (message, hint) = refusal(&extension);
        assert_eq!(message, "this database has not got the extension hypopg");
        let hint = hint.expect("has a hint");
        assert!(hint.contains("postgresql-16-hypopg"), "{hint}");
        extension.is_available = true;
        let hint = refusal(&extension).1.expect("has a hint");
        assert!(!hint.contains("install"), "{hint}");
        extension.schema = Some("x".to_owned());
        assert!(refusal(&extension).0.starts_with("the role r may not call"));
        extension.may_call = true;
        assert_eq!(usable(&extension, 16).expect("can be used"), "\"x\"");
    }

    #[test]
    fn an_order_makes_no_other_column() {
        let keys = ["a desc nulls last".to_owned(), "b".to_owned()];
        assert!(same_in(&keys, "a"));
        assert!(same_in(&keys, "b desc"));
        assert!(!same_in(&keys, "c"));
    }
}
