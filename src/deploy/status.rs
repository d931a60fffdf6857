//! `status`: how everything stands, on one screen. What cannot be had says why, and the rest is told all the same.

use jiff::Timestamp;
use serde::Serialize;

use super::files::Sources;
use super::history::{self, Deploys};
use crate::backup::{Address, Listing, State, Store};
use crate::bookkeeping;
use crate::error::Result;
use crate::index;
use crate::migrate;
use crate::pg::schema::{self, Objects};
use crate::pg::{Db, Query};
use crate::policy;

crate::row! {
    /// What answers.
    pub struct Server {
        /// As whom.
        pub role: String,
        /// Whether it is a replica.
        pub is_replica: bool,
        /// How large the database is, in bytes; nothing if this role may not know.
        pub size: Option<i64>,
        /// How many tables are partitioned.
        pub partitioned: i64,
        /// Into how many partitions, all together.
        pub partitions: i64,
    }
}

static SERVER: Query<Server> = crate::query!("status/server");

/// What is known, or why it is not.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum Known<T> {
    /// This.
    Yes(T),
    /// It could not be found out.
    No {
        /// Why.
        error: String,
    },
}

impl<T> From<Result<T>> for Known<T> {
    fn from(answer: Result<T>) -> Self {
        match answer {
            Ok(value) => Self::Yes(value),
            Err(error) => Self::No {
                error: super::story::message(&error),
            },
        }
    }
}

impl<T> Known<T> {
    fn is(&self, holds: impl FnOnce(&T) -> bool) -> bool {
        match self {
            Self::Yes(value) => holds(value),
            Self::No { .. } => false,
        }
    }
}

/// Migrations.
#[derive(Debug, Serialize)]
pub struct Migrations {
    /// Where the files are.
    pub source: String,
    /// How many are applied.
    pub applied: usize,
    /// How many are pending.
    pub pending: usize,
    /// How many are edited, missing or late.
    pub trouble: usize,
    /// The last one applied.
    pub current: Option<String>,
    /// When that was.
    pub applied_at: Option<Timestamp>,
}

/// Whether anything but this program changed the schema.
#[derive(Debug, Serialize)]
pub struct Schema {
    /// How it stands.
    pub state: schema::State,
    /// Since when: when this program left it, or after when it was changed.
    pub since: Option<Timestamp>,
    /// Who changed it last by this program.
    pub actor: Option<String>,
}

/// Policies and rights.
#[derive(Debug, Serialize)]
pub struct Policies {
    /// Where the files are.
    pub source: String,
    /// How many are declared.
    pub policies: usize,
    /// On how many relations.
    pub relations: usize,
    /// How many things differ.
    pub differences: usize,
    /// How many of them are things that no file declares.
    pub undeclared: usize,
}

/// Indexes.
#[derive(Debug, Serialize)]
pub struct Indexes {
    /// Where the files are.
    pub source: String,
    /// How many are declared.
    pub indexes: usize,
    /// How many things differ.
    pub differences: usize,
    /// How many of them are things that no file declares.
    pub undeclared: usize,
    /// How many of them are INVALID, left behind by a build.
    pub invalid: usize,
}

/// The newest complete backup.
#[derive(Debug, Serialize)]
pub struct Backup {
    /// Its name.
    pub name: String,
    /// When it was taken.
    pub taken_at: Option<Timestamp>,
    /// How large the dump is.
    pub bytes: Option<u64>,
    /// The last migration in it.
    pub last_migration: Option<String>,
}

/// Backups of an environment.
#[derive(Debug, Serialize)]
pub struct Backups {
    /// Where they are.
    pub folder: String,
    /// The newest complete one.
    pub last: Option<Backup>,
    /// How many there are that are not complete.
    pub incomplete: usize,
}

/// How an environment stands.
#[derive(Debug, Serialize)]
pub struct Status {
    /// The environment.
    pub environment: String,
    /// Where it is: `host/database`.
    pub place: String,
    /// The version of the server.
    pub version: String,
    /// What answers.
    pub server: Known<Server>,
    /// Migrations.
    pub migrations: Known<Migrations>,
    /// Whether the schema is as this program left it.
    pub schema: Known<Schema>,
    /// Policies and rights.
    pub policies: Known<Policies>,
    /// Indexes.
    pub indexes: Known<Indexes>,
    /// Backups.
    pub backups: Known<Backups>,
    /// The last deploy; nothing if there was none.
    pub deploy: Known<Option<history::Row>>,
}

impl Status {
    /// Whether nothing is pending, nothing differs, and all of that is known.
    pub fn is_settled(&self) -> bool {
        self.migrations
            .is(|migrations| (migrations.pending, migrations.trouble) == (0, 0))
            && self.policies.is(|policies| policies.differences == 0)
            && self.indexes.is(|indexes| indexes.differences == 0)
            && self.schema.is(|schema| {
                // What nobody has compared yet is no finding.
                matches!(schema.state, schema::State::AsLeft | schema::State::Unknown)
            })
    }

    /// Whether a deploy would have something to do.
    pub fn is_behind(&self) -> bool {
        self.migrations.is(|migrations| migrations.pending > 0)
            || self.policies.is(|policies| policies.differences > 0)
            || self.indexes.is(|indexes| indexes.differences > 0)
    }

    /// Whether that is only to take away what no file declares, which a deploy does when it is told to.
    pub fn is_undeclared(&self) -> bool {
        let declared = |differences: usize, undeclared: usize| differences > undeclared;
        !(self.migrations.is(|migrations| migrations.pending > 0)
            || self
                .policies
                .is(|policies| declared(policies.differences, policies.undeclared))
            || self
                .indexes
                .is(|indexes| declared(indexes.differences, indexes.undeclared)))
    }

    /// How many of migrations, schema, policies and indexes nothing is known about.
    pub fn unknown(&self) -> usize {
        let known = [
            self.migrations.is(|_| true),
            self.schema.is(|_| true),
            self.policies.is(|_| true),
            self.indexes.is(|_| true),
        ];
        known.iter().filter(|known| !**known).count()
    }
}

/// Finds out; nothing is changed.
pub async fn status(db: &Db, environment: &str, sources: &Sources, backups: &Address) -> Status {
    // They travel together.
    let (server, migrations, schema, deploys) = tokio::join!(
        db.one(&SERVER, &[]),
        migrations(db, sources),
        schema(db),
        Deploys::read(db, 1)
    );
    let policies = Box::pin(policies(db, sources)).await;
    let indexes = Box::pin(indexes(db, sources)).await;
    Status {
        environment: environment.to_owned(),
        place: db.endpoint().describe(),
        version: db.server_version().to_owned(),
        server: server.into(),
        migrations: migrations.into(),
        schema: schema.into(),
        policies: policies.into(),
        indexes: indexes.into(),
        backups: last_backup(environment, backups).await.into(),
        deploy: deploys.map(|mut deploys| deploys.deploys.pop()).into(),
    }
}

async fn migrations(db: &Db, sources: &Sources) -> Result<Migrations> {
    let files = migrate::Files::load(&sources.migrations)?;
    let status = migrate::status(db, files).await?;
    let (applied, pending, trouble) = status.counts();
    let last = status
        .migrations
        .iter()
        .rev()
        .find(|entry| entry.applied_at.is_some());
    Ok(Migrations {
        applied,
        pending,
        trouble,
        current: last.map(|entry| migrate::history::title(entry.version, &entry.name)),
        applied_at: last.and_then(|entry| entry.applied_at),
        source: status.source,
    })
}

/// Bookkeeping before version 7 has no place for a hash.
async fn schema(db: &Db) -> Result<Schema> {
    let read = schema::read(db, Objects::LeftOut).await;
    let read = bookkeeping::absent_is_none(read)?.flatten();
    Ok(read.map_or(
        Schema {
            state: schema::State::Unknown,
            since: None,
            actor: None,
        },
        |schema| Schema {
            state: schema.state(),
            since: schema.since,
            actor: schema.actor,
        },
    ))
}

async fn policies(db: &Db, sources: &Sources) -> Result<Policies> {
    let declared = policy::declared::Declared::load(&sources.policies)?;
    db.require_session("comparing policies")?;
    let status = Box::pin(policy::status::status(db, declared)).await?;
    Ok(Policies {
        source: status.source,
        policies: status.policies,
        relations: status.relations,
        differences: status.differences.len(),
        undeclared: status
            .differences
            .iter()
            .filter(|difference| difference.prune)
            .count(),
    })
}

async fn indexes(db: &Db, sources: &Sources) -> Result<Indexes> {
    let declared = index::declared::Declared::load(&sources.indexes)?;
    db.require_session("comparing indexes")?;
    let status = Box::pin(index::status::status(db, declared)).await?;
    let invalid = status
        .differences
        .iter()
        .filter(|difference| difference.action == index::difference::Action::Rebuild);
    Ok(Indexes {
        invalid: invalid.count(),
        indexes: status.indexes,
        differences: status.differences.len(),
        undeclared: status
            .differences
            .iter()
            .filter(|difference| difference.prune)
            .count(),
        source: status.source,
    })
}

async fn last_backup(environment: &str, destination: &Address) -> Result<Backups> {
    let listing = Listing::read(&Store::at(destination)?).await?;
    let ours = |of: Option<&str>| of.is_none_or(|of| of == environment);
    let last = listing
        .backups
        .iter()
        .find(|entry| entry.state == State::Complete && ours(entry.environment.as_deref()));
    Ok(Backups {
        last: last.map(|entry| Backup {
            name: entry.name.clone(),
            taken_at: entry.taken_at,
            bytes: entry.bytes,
            last_migration: entry.last_migration.clone(),
        }),
        incomplete: listing.counts().1,
        folder: listing.folder,
    })
}
