//! `index rebuild`: indexes are made anew beside those who use them, and take no more room than they have to.
//!
//! How full an index is, is measured or not known: what is popular for estimating it says nothing about an index with
//! duplicates, which are most.

use std::time::{Duration, Instant};

use serde::Serialize;

use super::build::Builder;
use crate::bookkeeping;
use crate::error::{self, Error, Hint, Result, command, nearest};
use crate::pg::relation::{Named, Relation};
use crate::pg::session::SearchPath;
use crate::pg::{Db, Ident, Query, RunContext, lock};
use crate::plan::{Consent, Effect, Event, Plan, Risk, Step, counted_as, spent};

crate::row! {
    /// An index that can be rebuilt.
    pub struct Target {
        /// Its number in the catalog.
        pub oid: i64,
        /// Its schema.
        pub schema: String,
        /// Its name.
        pub name: String,
        /// The schema of its table.
        pub table_schema: String,
        /// Its table.
        pub table_name: String,
        /// `btree`
        pub method: String,
        /// Whether it is one of a partitioned table.
        pub partitioned: bool,
        /// Whether it is one of an exclusion constraint.
        pub exclusion: bool,
        /// Whether it is used.
        pub valid: bool,
        /// How large it is, in bytes, with all its parts.
        pub size: i64,
    }
}

crate::row! {
    /// Where the extension is that measures.
    pub struct Extension {
        /// Its schema.
        pub schema: String,
    }
}

crate::row! {
    /// How full an index is.
    pub struct Density {
        /// Its leaves, in percent. A new one has 90.
        pub density: f64,
    }
}

static TARGETS: Query<Target> = crate::query!("index/rebuildable");
static MEASURING: Query<Extension> = crate::query!("index/measuring");

/// Which are rebuilt.
#[derive(Debug)]
pub enum Which {
    /// These.
    Named(Vec<Named>),
    /// Those whose leaves are less full than this, in percent.
    Bloated(f64),
}

/// Smaller ones are not worth it, in bytes.
const WORTH_IT: i64 = 128 << 10;

impl Target {
    fn relation(&self) -> Relation {
        Relation::new(&self.schema, &self.name)
    }

    fn table(&self) -> Relation {
        Relation::new(&self.table_schema, &self.table_name)
    }
}

/// What `index rebuild` needs to do its work.
#[derive(Debug)]
pub struct Work {
    targets: Vec<Target>,
    not_measurable: Vec<String>,
}

/// An index that was rebuilt.
#[derive(Debug, Serialize)]
pub struct Anew {
    /// Its name.
    pub name: String,
    /// Its table.
    pub table: String,
    /// How large it was, in bytes.
    pub before: i64,
    /// How large it is.
    pub after: i64,
    /// How long it took, in milliseconds.
    pub duration_ms: u64,
}

/// What `index rebuild` did.
#[derive(Debug, Serialize)]
pub struct Rebuilt {
    /// The indexes, in order.
    pub indexes: Vec<Anew>,
    /// Those of which nobody knows how full they are.
    pub not_measurable: Vec<String>,
    /// How long it took, in milliseconds.
    pub duration_ms: u64,
}

/// What would be rebuilt.
pub async fn plan(db: &Db, which: Which) -> Result<Plan<Work>> {
    db.require_session("building indexes")?;
    let all = db.all(&TARGETS, &[]).await?;
    let mut work = Work {
        targets: Vec::new(),
        not_measurable: Vec::new(),
    };
    let mut steps = Vec::new();
    match which {
        Which::Named(names) => {
            for name in &names {
                let target = find(&all, name)?;
                if !work.targets.iter().any(|other| other.oid == target.oid) {
                    steps.push(step(target, String::new()));
                    work.targets.push(target.clone());
                }
            }
        }
        Which::Bloated(below) => {
            let schema = measuring(db).await?;
            for target in all {
                if target.partitioned || !target.valid || target.exclusion || target.size < WORTH_IT
                {
                    continue;
                }
                if target.method != "btree" {
                    work.not_measurable.push(target.relation().title());
                    continue;
                }
                let density = measure(db, &schema, &target).await?;
                if density < below {
                    steps.push(step(&target, format!("its leaves are {density:.0} % full")));
                    work.targets.push(target);
                }
            }
        }
    }
    if !steps.is_empty() {
        bookkeeping::require(db, bookkeeping::WITH_AUDIT_LOG).await?;
    }
    let count = steps.len();
    Ok(Plan {
        title: format!("rebuild {}", counted_as(count, "index", "indexes")),
        risk: Risk::Mild,
        steps,
        work,
    })
}

fn step(target: &Target, detail: String) -> Step {
    Step::new(
        Effect::Replaces,
        "rebuild",
        format!("{} on {}", target.relation(), target.table()),
    )
    .detail(detail)
    .sql(vec![format!(
        "reindex index concurrently {}",
        target.relation().sql()
    )])
}

fn find<'a>(all: &'a [Target], named: &Named) -> Result<&'a Target> {
    let is_meant = |target: &&Target| {
        target.name == named.name
            && match &named.schema {
                Some(schema) => target.schema == *schema,
                None => true,
            }
    };
    let mut found: Vec<&Target> = all.iter().filter(is_meant).collect();
    if found.len() > 1 && found.iter().any(|target| target.schema == "public") {
        found.retain(|target| target.schema == "public");
    }
    let [target] = found.as_slice() else {
        if let [_, ..] = found.as_slice() {
            return Err(
                Error::failed(format!("{named} may be an index of several schemas"))
                    .hint("name its schema, too")
                    .into(),
            );
        }
        let error = Error::failed(format!("there is no index {named} in this database"));
        let near = nearest(&named.name, all.iter().map(|target| target.name.as_str()));
        return Err(match near {
            Some(near) => error.hint(format!("did you mean {near}?")),
            None => error.hint(command("index list").hint("see the indexes with {}")),
        }
        .into());
    };
    if target.exclusion {
        return Err(Error::refused(format!(
            "{named} is the index of an exclusion constraint, which PostgreSQL does not rebuild concurrently"
        ))
        .unchanged()
        .hint("rebuild it in a migration, at a time when nobody writes")
        .into());
    }
    Ok(target)
}

async fn measuring(db: &Db) -> Result<String> {
    match db.opt(&MEASURING, &[]).await? {
        Some(extension) => Ok(extension.schema),
        None => Err(Error::refused(
            "how full indexes are is not measurable here: the extension pgstattuple is not installed",
        )
        .unchanged()
        .hint("install it with `create extension pgstattuple`, or name the indexes to rebuild")
        .into()),
    }
}

async fn measure(db: &Db, schema: &str, target: &Target) -> Result<f64> {
    let sql = format!(
        "select avg_leaf_density as density from {}.pgstatindex(({})::oid::regclass)",
        Ident(schema),
        target.oid
    );
    let query = Query::<Density>::composed("index/measuring", sql);
    let measured = db.one(&query, &[]).await.map_err(|error| {
        error.context(format!("cannot measure how full {} is", target.relation()))
    })?;
    // Of one without leaves there is nothing to gain.
    Ok(if measured.density.is_nan() {
        100.0
    } else {
        measured.density
    })
}

/// Does it, one after the other; the first failure is the end.
pub async fn rebuild(
    db: &Db,
    work: Work,
    _consent: Consent,
    run: RunContext<'_>,
) -> Result<Rebuilt> {
    let start = Instant::now();
    let mut rebuilt = Rebuilt {
        indexes: Vec::new(),
        not_measurable: work.not_measurable,
        duration_ms: 0,
    };
    if !work.targets.is_empty() {
        lock::acquire(db, &lock::INDEX, run).await?;
        let done = Box::pin(all(db, &work.targets, run, &mut rebuilt)).await;
        lock::end(db, &lock::INDEX, done).await?;
    }
    rebuilt.duration_ms = millis(start.elapsed());
    Ok(rebuilt)
}

async fn all(
    db: &Db,
    targets: &[Target],
    run: RunContext<'_>,
    rebuilt: &mut Rebuilt,
) -> Result<()> {
    let builder = Builder::new(db, run, "index rebuild", SearchPath::Catalog);
    for (number, target) in targets.iter().enumerate() {
        let start = Instant::now();
        if let Err(error) = one(db, &builder, target).await {
            return Err(halted(&error, rebuilt, &targets[number..]));
        }
        let now = db.all(&TARGETS, &[]).await?;
        let is_it =
            |other: &&Target| (&other.schema, &other.name) == (&target.schema, &target.name);
        let after = now.iter().find(is_it).map_or(0, |now| now.size);
        let (name, table) = (target.relation().title(), target.table().title());
        let time = start.elapsed();
        run.progress.happened(&Event {
            event: "rebuilt",
            object: &name,
            numbers: &[
                ("before", u64::try_from(target.size).unwrap_or(0)),
                ("after", u64::try_from(after).unwrap_or(0)),
                ("duration_ms", millis(time)),
            ],
            message: None,
            line: String::new(),
        });
        run.progress
            .say(&format!("rebuilt {name} on {table} in {}", spent(time)));
        rebuilt.indexes.push(Anew {
            name,
            table,
            before: target.size,
            after,
            duration_ms: millis(time),
        });
    }
    Ok(())
}

async fn one(db: &Db, builder: &Builder<'_>, target: &Target) -> Result<()> {
    lock::verify(db).await?;
    let (name, table) = (target.relation().title(), target.table().title());
    builder
        .record(serde_json::json!({"change": "rebuild", "index": name, "table": table}))
        .await?;
    if builder.clear(&target.schema, &target.name).await? {
        // Somebody's rebuild came to its end while it was waited for.
        return Ok(());
    }
    builder.reindex(&target.schema, &target.name).await
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

fn halted(failure: &anyhow::Error, rebuilt: &Rebuilt, rest: &[Target]) -> anyhow::Error {
    let explanation = error::explain(failure);
    let title = |target: &Target| target.relation().title();
    let name = rest.first().map(title).unwrap_or_default();
    let error = Error::new(explanation.kind, format!("cannot rebuild the index {name}"));
    let mut error = error.after(failure).note("it is as it was before");
    let done: Vec<&str> = rebuilt
        .indexes
        .iter()
        .map(|index| index.name.as_str())
        .collect();
    if !done.is_empty() {
        error = error.note(format!("rebuilt, and stays: {}", done.join(", ")));
    }
    let left: Vec<String> = rest.iter().skip(1).map(title).collect();
    if !left.is_empty() {
        error = error.note(format!("not begun: {}", left.join(", ")));
    }
    error
        .hints(explanation.hints)
        .hint(Hint::again("run the same command again"))
        .into()
}
