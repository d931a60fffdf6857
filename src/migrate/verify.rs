//! `migrate verify`: replays every migration in a scratch database, and compares what comes of it with what there is.
//!
//! The database of the environment is read once, in one snapshot, and nothing is ever written to it. It is compared
//! with a replay of the migrations that it has applied; those that are pending run after that, to see what locks they
//! take and whether they rewrite tables. Deliberately absent: a plan and a consent. The one thing that is made is the
//! scratch database, and that is gone in the end.

mod declared;
pub mod lock;
mod net;
pub mod proof;
mod replay;
mod scratch;
mod target;

use std::time::Instant;

use serde::Serialize;

use super::Files;
use super::diff::{self, Standing};
use super::file::Migration;
use super::history::title;
use super::preflight;
use crate::error::{self, Result, command};
use crate::pg::catalog::Catalog;
use crate::pg::catalog::diff::{Comparison, Difference, State, compare, differences};
use crate::pg::schema::{self, Schema, State as SchemaState};
use crate::pg::{Db, Endpoint, Patience, Undo};
use crate::plan::{Progress, counted};
pub use declared::Declared;
use declared::Expected;
use lock::{Mode, Scene};
use proof::{Flaw, Undoable};
use replay::Ran;
pub use scratch::Scratch;
pub use target::Target;

/// What came of replaying the migrations.
#[derive(Debug, Serialize)]
pub struct Verified {
    /// Where the migrations come from.
    pub source: String,
    /// Version of the server they were replayed on.
    pub scratch_server: String,
    /// Version of the environment's server.
    pub server: String,
    /// Every migration, in the order of their numbers.
    pub migrations: Vec<Replayed>,
    /// The locks their statements take on tables that were there before, and the tables they rewrite.
    pub locks: Vec<Lock>,
    /// In what the database differs from its migrations.
    pub drift: Vec<Difference>,
    /// What is wrong with the files that undo migrations.
    pub downs: Vec<Flaw>,
    /// What makes the answer less certain; a person has been warned of it.
    pub warnings: Vec<String>,
    /// What is no finding, and worth knowing.
    pub notes: Vec<String>,
    /// How long it took, in milliseconds.
    pub duration_ms: u64,
    /// Whether all was compared that can be, and all is there that files declare.
    #[serde(skip)]
    is_complete: bool,
}

/// The locks of which migrations are told: to look at them takes time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Watched {
    /// Of those that the environment has not applied yet.
    Pending,
    /// Of all.
    All,
}

/// A migration, and how its replay went.
#[derive(Debug, Serialize)]
pub struct Replayed {
    /// Its number.
    pub version: i64,
    /// Its description.
    pub name: String,
    /// How it stands in the environment.
    pub state: Standing,
    /// How many statements it holds; nothing if its file is gone.
    pub statements: Option<usize>,
    /// How long it took in the empty scratch database, in milliseconds.
    pub duration_ms: Option<u64>,
    /// Whether the file that undoes it was proved to; nothing if there is no such file.
    pub undone: Option<bool>,
}

/// What a statement does to a table that was there before its migration.
#[derive(Debug, Serialize)]
pub struct Lock {
    /// `014_tip_currency`
    pub migration: String,
    /// Whether the environment has not applied it yet.
    pub pending: bool,
    /// Number of the statement in its file, from 1.
    pub statement: usize,
    /// Line it begins on, from 1.
    pub line: usize,
    /// Its first words.
    pub what: String,
    /// `public.tips`
    pub table: String,
    /// The lock it takes; nothing where that is not known.
    pub lock: Option<Mode>,
    /// Whether it writes every row anew.
    pub rewrites: bool,
    /// Size of the table in the environment, in bytes; nothing if it is not there.
    pub bytes: Option<i64>,
    /// About how many rows it has there; nothing if that is not known.
    pub rows: Option<i64>,
}

impl Verified {
    /// How many things are not as they should be.
    pub fn findings(&self) -> usize {
        self.drift.len() + self.downs.len()
    }

    /// How many migrations the environment has not applied.
    pub fn pending(&self) -> usize {
        let waiting = |one: &&Replayed| waits(one.state);
        self.migrations.iter().filter(waiting).count()
    }

    /// How many files were proved to undo their migration.
    pub fn undone(&self) -> usize {
        let undone = |one: &&Replayed| one.undone == Some(true);
        self.migrations.iter().filter(undone).count()
    }
}

/// What pg_dump tells apart and nobody has told yet, or why that is not known.
async fn caught(
    scratch: &Scratch,
    target: &Target,
    expected: &Expected,
    told: &[Difference],
) -> Result<Vec<Difference>, String> {
    let unknown = |reason: &str| {
        format!(
            "what only pg_dump tells apart was not compared, such as operators, casts, collations, foreign servers and row \
             filters: {reason}"
        )
    };
    if scratch.db.server_major() != target.major {
        return Err(unknown("the servers are not of one version"));
    }
    let found = target.dump.as_ref().map_err(|reason| unknown(reason))?;
    let here = net::read(&scratch.db, &target.programs).await;
    let here = here.map_err(|reason| unknown(&reason))?;
    // What files declare that the environment has only in part is not here.
    let catalog = Catalog::read(&scratch.db).await;
    let partly = catalog.map(|catalog| differences(&catalog, &expected.catalog));
    let partly = partly.map_err(|error| unknown(&error.to_string()))?;
    let told: Vec<&Difference> = told.iter().chain(&partly).collect();
    Ok(here.differences(found, &expected.catalog, &told))
}

/// How a database differs from what is declared.
fn drift(expected: &Catalog, found: &Catalog) -> Comparison {
    let mut comparison = compare(expected, found);
    // Whoever took over from another tool has its table still, and that is as it should be.
    let is_theirs = |difference: &Difference| {
        let table = HISTORIES
            .iter()
            .find(|table| difference.name == format!("public.{table}"));
        table.is_some() && difference.state == State::Extra
    };
    let (theirs, ours) = comparison.differences.into_iter().partition(is_theirs);
    comparison.differences = ours;
    let tables = theirs
        .into_iter()
        .filter(|difference: &Difference| difference.kind == "table");
    comparison.notes.extend(tables.map(|difference| {
        format!(
            "{} is another tool's history, and is left out",
            difference.object()
        )
    }));
    comparison
}

/// Where other tools remember their migrations.
const HISTORIES: [&str; 8] = [
    "_sqlx_migrations",
    "__diesel_schema_migrations",
    "flyway_schema_history",
    "schema_migrations",
    "refinery_schema_history",
    "goose_db_version",
    "goose_db_version_id_seq",
    "_prisma_migrations",
];

/// How a database differs from what these migrations make, as they make it on `server`, in a scratch database that is
/// gone afterwards.
pub async fn compare_with(
    found: &Catalog,
    migrations: &[&Migration],
    server: &Endpoint,
    undo: &Undo,
) -> Result<Comparison> {
    let scratch = Scratch::with(server, migrations, undo).await?;
    let comparison = drift(&Catalog::read(&scratch.db).await?, found);
    scratch.drop(undo).await?;
    Ok(comparison)
}

/// Replays what is declared in a scratch database on `server`, and compares with the target.
pub async fn verify(
    target: &Target,
    files: Files,
    declared: Declared,
    watched: Watched,
    server: &Endpoint,
    undo: &Undo,
    progress: &dyn Progress,
) -> Result<Verified> {
    let start = Instant::now();
    let entries = diff::against(&files.all, &target.history);
    progress.working("making a scratch database");
    let mut scratch = Scratch::make(server, undo).await?;
    let troubled = entries
        .iter()
        .filter(|entry| entry.standing.is_problem() || entry.standing == Standing::Unfinished);
    let warnings: Vec<String> = troubled
        .map(|entry| format!("{} {}", entry.title(), consequence(entry.standing)))
        .chain(strangeness(&scratch, target))
        .chain(declared.unread.iter().cloned())
        .collect();
    for warning in &warnings {
        progress.warn(warning);
    }
    let verified = Verified {
        source: files.source.clone(),
        scratch_server: scratch.db.server_version().to_owned(),
        server: target.version.clone(),
        migrations: entries
            .iter()
            .map(|entry| Replayed {
                version: entry.version,
                name: entry.name.clone(),
                state: entry.standing,
                statements: None,
                duration_ms: None,
                undone: None,
            })
            .collect(),
        locks: Vec::new(),
        drift: Vec::new(),
        downs: files.stray_downs().map(Flaw::stray).collect(),
        warnings,
        notes: Vec::new(),
        duration_ms: 0,
        is_complete: declared.unread.is_empty(),
    };
    let mut replay = Replay {
        files: &files,
        server,
        undo,
        progress,
        verified,
        ran: Vec::new(),
        applied: 0,
        declared: Vec::new(),
        watched,
        scene: None,
    };
    // First what the target has, then what it waits for.
    scratch = replay.all(scratch, target, false).await?;
    progress.working("comparing");
    let left = target.schema.as_ref().map(Schema::left);
    let left = left.unwrap_or_default();
    let expected = declared.replay(&scratch.db, &target.catalog, &left).await?;
    replay.applied = replay.ran.len();
    let Comparison { differences, notes } = drift(&expected.catalog, &target.catalog);
    let (unwritten, more) = match caught(&scratch, target, &expected, &differences).await {
        Ok(more) => (None, more),
        Err(reason) => (Some(reason), Vec::new()),
    };
    replay.verified.drift = differences;
    replay.verified.drift.extend(more);
    // A right that was taken by hand looks like one that was never given.
    replay.verified.is_complete &= unwritten.is_none() && expected.is_whole;
    replay.verified.notes = notes;
    replay.verified.notes.extend(unwritten);
    if !expected.is_whole {
        replay.verified.notes.push(format!(
            "the database has not all that policy and index files declare, which is no drift: {} shows the rest",
            command("deploy --dry-run")
        ));
    }
    replay.declared = expected.applied;
    scratch = replay.all(scratch, target, true).await?;
    let mut verified = replay.verified;
    scratch.drop(undo).await?;
    verified.downs.sort_by_key(|flaw| flaw.version);
    verified.duration_ms = u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX);
    Ok(verified)
}

/// What was in doubt about the schema is not any more, if all of it was found as declared: the database remembers that.
/// Nothing is written where nothing was in doubt, and where this role may not write is said what stays as it was.
pub async fn remember(target: &Target, endpoint: &Endpoint, verified: &mut Verified) {
    let Some(schema) = &target.schema else {
        return;
    };
    let is_known = schema.state() == SchemaState::AsLeft && schema.settled;
    if is_known || !verified.drift.is_empty() || !verified.is_complete {
        return;
    }
    let written = async {
        let db = Db::connect(endpoint, Patience::default()).await?;
        schema::accept(&db, schema).await
    };
    verified.notes.push(match Box::pin(written).await {
        Ok(true) => {
            "the database remembers from now on that its schema was found as declared".to_owned()
        }
        Ok(false) => {
            "that the schema was found as declared is not remembered: a run is at work, or ended meanwhile"
                .to_owned()
        }
        Err(error) => format!(
            "that the schema was found as declared could not be written down: {}",
            error::explain(&error).message
        ),
    });
}

/// Migrations on their way through a scratch database.
struct Replay<'a> {
    files: &'a Files,
    server: &'a Endpoint,
    undo: &'a Undo,
    progress: &'a dyn Progress,
    verified: Verified,
    /// Those that were applied so far.
    ran: Vec<&'a Migration>,
    /// After how many of them what other files declare was made, and what that is.
    applied: usize,
    declared: Vec<declared::Change>,
    watched: Watched,
    /// The tables there are, once somebody looks at what becomes of them.
    scene: Option<Scene>,
}

impl<'a> Replay<'a> {
    /// Applies those that the target has, or those it waits for. Where a row of them can be undone, a copy of what the
    /// last one left is where that is proved: the scratch database itself is what others are compared with.
    async fn all(
        &mut self,
        mut scratch: Scratch,
        target: &Target,
        pending: bool,
    ) -> Result<Scratch> {
        let files = self.files;
        // Those in a row that can be undone.
        let mut row: Vec<Undoable<'a>> = Vec::new();
        for migration in &files.all {
            let Some(place) = self.place(migration) else {
                continue;
            };
            if waits(self.verified.migrations[place].state) != pending {
                continue;
            }
            let down = files.down_of(migration);
            let unfit = down.and_then(proof::unfit);
            let down = down.filter(|_| unfit.is_none());
            if let Some(unfit) = unfit {
                self.verified.migrations[place].undone = Some(false);
                self.verified.downs.push(unfit);
            }
            if down.is_none() {
                scratch = self.prove(scratch, std::mem::take(&mut row)).await?;
            }
            self.progress
                .working(&format!("replaying {}", migration.title()));
            let before = match (down, row.last()) {
                (None, _) => Catalog::default(),
                (Some(_), Some(last)) => last.after.clone(),
                (Some(_), None) => Catalog::read(&scratch.db).await?,
            };
            if self.watched == Watched::All || pending {
                // Asked once; from then on every migration says what became of it.
                if self.scene.is_none() {
                    self.scene = Some(Scene::all(&scratch.db).await?);
                }
            }
            if pending {
                preflight::check_whole(migration)?;
            }
            let ran = replay::run(&scratch.db, migration, self.scene.as_mut()).await?;
            self.ran.push(migration);
            if let Some(down) = down {
                row.push(Undoable {
                    up: migration,
                    down,
                    before,
                    after: Catalog::read(&scratch.db).await?,
                });
            }
            let replayed = &mut self.verified.migrations[place];
            replayed.statements = Some(ran.statements);
            replayed.duration_ms =
                Some(u64::try_from(ran.duration.as_millis()).unwrap_or(u64::MAX));
            let locks = locks(migration, pending, ran, target);
            self.verified.locks.extend(locks);
        }
        self.prove(scratch, row).await
    }

    /// Another scratch database, with the first so many migrations.
    async fn again(&self, count: usize) -> Result<Scratch> {
        let (before, after) = self.ran[..count].split_at(self.applied.min(count));
        let scratch = Scratch::with(self.server, before, self.undo).await?;
        if count >= self.applied {
            declared::make(&scratch.db, &self.declared).await?;
        }
        for migration in after {
            replay::run(&scratch.db, migration, None).await?;
        }
        Ok(scratch)
    }

    fn place(&self, migration: &Migration) -> Option<usize> {
        let mut all = self.verified.migrations.iter();
        all.position(|one| one.version == migration.version)
    }

    /// Undoes a row of migrations, the last one first, in a copy of the scratch database.
    async fn prove(&mut self, scratch: Scratch, mut row: Vec<Undoable<'a>>) -> Result<Scratch> {
        if row.is_empty() {
            return Ok(scratch);
        }
        let mut below = self.ran.len();
        let (scratch, mut copy) = scratch.copied(self.undo).await?;
        while let Some(undoable) = row.pop() {
            below -= 1;
            let up = undoable.up;
            self.progress.working(&format!("undoing {}", up.title()));
            let (flaws, is_restored) = proof::prove(&copy.db, &undoable).await?;
            if let Some(place) = self.place(up) {
                self.verified.migrations[place].undone = Some(flaws.is_empty());
            }
            self.verified.downs.extend(flaws);
            // What is wrong with this one is not to be blamed on those before it.
            if !is_restored && !row.is_empty() {
                copy.drop(self.undo).await?;
                copy = self.again(below).await?;
            }
        }
        copy.drop(self.undo).await?;
        Ok(scratch)
    }
}

fn locks(migration: &Migration, pending: bool, ran: Ran, target: &Target) -> Vec<Lock> {
    let name = title_of(migration);
    let deeds = ran.deeds.into_iter();
    deeds
        .map(|deed| {
            let touch = deed.touch;
            let size = target.size(&touch.schema, &touch.name);
            Lock {
                migration: name.clone(),
                pending,
                statement: deed.statement,
                line: deed.line,
                what: deed.what,
                table: format!("{}.{}", touch.schema, touch.name),
                lock: touch.lock,
                rewrites: touch.rewrites,
                bytes: size.map(|size| size.bytes),
                rows: size.and_then(|size| size.rows),
            }
        })
        .collect()
}

fn title_of(migration: &Migration) -> String {
    title(migration.version, &migration.name)
}

/// Whether the environment has yet to apply it.
fn waits(standing: Standing) -> bool {
    matches!(
        standing,
        Standing::Pending | Standing::Unfinished | Standing::ChangedHalfway | Standing::Late
    )
}

/// What is made of a migration whose history is in trouble.
fn consequence(standing: Standing) -> &'static str {
    match standing {
        Standing::Edited => "was edited after it was applied; its file is replayed as it is now",
        Standing::Renamed => "was applied under another name; its file is replayed as it is now",
        Standing::Deleted => "was applied, and its file is gone: what it made is not replayed",
        Standing::Late => "came late; it is replayed after those that are applied",
        Standing::Unfinished | Standing::ChangedHalfway | Standing::GoneHalfway => {
            "is half-done: what it did so far counts as drift"
        }
        Standing::Applied | Standing::Pending => "is as it should be",
    }
}

/// In what the scratch server is not like the target's.
fn strangeness(scratch: &Scratch, target: &Target) -> Option<String> {
    let (ours, theirs) = (scratch.db.server_major(), target.major);
    (ours != theirs).then(|| format!(
        "the scratch server is PostgreSQL {ours} and the environment's is {theirs}: they may take other locks and write the same definition otherwise"
    ))
}

/// `3 migrations (1 pending)`
pub fn replayed(verified: &Verified) -> String {
    let count = verified
        .migrations
        .iter()
        .filter(|one| one.statements.is_some());
    let count = counted(count.count(), "migration");
    match verified.pending() {
        0 => count,
        pending => format!("{count} ({pending} pending)"),
    }
}
