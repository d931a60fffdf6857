//! Running a migration a statement at a time, to see what each of them does.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use squawk_lexer::{TokenKind, tokenize};
use tokio_postgres::error::{DbError, ErrorPosition};

use super::lock::{Scene, Touch};
use crate::error::{Error, Excerpt, Lines, Note, Result};
use crate::migrate::comparison::beginning;
use crate::migrate::detaching;
use crate::migrate::directive::Directives;
use crate::migrate::engine::{self, Until};
use crate::migrate::file::Migration;
use crate::migrate::preflight;
use crate::migrate::record::{AS_OURSELVES, COMMIT};
use crate::migrate::script::{Script, sets_modes};
use crate::pg::session::IN_CATALOG;
use crate::pg::sql::{self, Statement};
use crate::pg::{Db, sqlstate};

/// A statement of more bytes than this is looked at whatever was before it.
const LONG: usize = 16 << 10;

/// How much of a statement is shown.
const WIDTH: usize = 60;

/// A migration that ran.
#[derive(Debug)]
pub struct Ran {
    /// How many statements it holds.
    pub statements: usize,
    /// How long it took, with the looking.
    pub duration: Duration,
    /// What its statements did, in order.
    pub deeds: Vec<Deed>,
}

/// What a statement did.
#[derive(Debug)]
pub struct Deed {
    /// Its number in the file, from 1.
    pub statement: usize,
    /// The line it begins on, from 1.
    pub line: usize,
    /// Its first words.
    pub what: String,
    /// To which table, and how.
    pub touch: Touch,
}

/// Runs a file, with the settings it has in `migrate up`: in one transaction unless it asks for none. After a failure
/// the session is usable, and what the transaction did is undone. What its statements do to tables is looked at if it
/// is told which there are before it; then it tells which there are after it.
pub async fn run(db: &Db, migration: &Migration, scene: Option<&mut Scene>) -> Result<Ran> {
    let ran = run_once(db, migration, scene.as_deref()).await;
    let reset = db.reset().await;
    let (ran, last) = ran?;
    reset?;
    if let Some(scene) = scene {
        match last {
            Some(locked) if scene.has_tables() => scene.follow(locked),
            _ => *scene = Scene::all(db).await?,
        }
    }
    Ok(ran)
}

async fn run_once(
    db: &Db,
    migration: &Migration,
    start: Option<&Scene>,
) -> Result<(Ran, Option<Scene>)> {
    let directives = preflight::check_replay(migration)?;
    let script = Script::of(migration.sql());
    let started = Instant::now();
    // Before what says how the transaction is to be nobody may ask: it would begin with the question.
    let modes = script.all().enumerate();
    let modes = modes.filter(|(_, statement)| sets_modes(statement)).last();
    let modes = modes.map_or(0, |(index, _)| index + 1);
    db.script(&opening(db, migration, &directives, script.begin))
        .await?;
    let eye = Eye {
        db,
        in_transaction: directives.transaction,
        // Where nothing is there is nothing to look at.
        start: start.filter(|start| start.has_tables()),
        modes,
    };
    let (statements, deeds, last) = match each(eye, migration, script.all()).await {
        Ok(ran) => ran,
        Err(error) => {
            if directives.transaction {
                let _ = db.script("rollback").await;
            }
            return Err(error);
        }
    };
    let attach = detaching::attach(&directives).map(|attach| format!("{AS_OURSELVES}{attach}"));
    if let Some(attach) = &attach
        && let Err(failure) = db.try_script(attach).await
    {
        let _ = db.script("rollback").await;
        let told = failed(migration).note("the file ran, but its policies could not be made again");
        return Err(told.because(sqlstate::explain(failure.error)).into());
    }
    let commit = if attach.is_some() { COMMIT } else { "commit" };
    if directives.transaction
        && let Err(failure) = db.try_script(commit).await
    {
        let error = sqlstate::explain(failure.error);
        return Err(failed(migration)
            .because(error)
            .note("the file ran, but what it leaves cannot be committed")
            .into());
    }
    db.notices();
    let ran = Ran {
        statements,
        duration: started.elapsed(),
        deeds,
    };
    Ok((ran, last.filter(|_| directives.transaction)))
}

/// Looks at what a file does, in the middle of it.
#[derive(Clone, Copy)]
struct Eye<'a> {
    db: &'a Db,
    in_transaction: bool,
    /// What there was before; nothing if nobody looks.
    start: Option<&'a Scene>,
    /// How many statements come before the first that can be looked at.
    modes: usize,
}

impl Eye<'_> {
    async fn scene(self) -> Result<Scene> {
        if self.in_transaction {
            Scene::locked(self.db).await
        } else {
            Scene::all(self.db).await
        }
    }

    /// Names are looked up in the catalog for as long as it looks, whatever the file says.
    async fn look(self) -> Result<Scene> {
        let (opening, end) = if self.in_transaction {
            (
                "savepoint toysoldiers_look",
                "rollback to savepoint toysoldiers_look;release savepoint toysoldiers_look",
            )
        } else {
            ("begin", "rollback")
        };
        let opening = format!("{opening};{IN_CATALOG}");
        let (begun, scene, ended) =
            tokio::join!(self.db.script(&opening), self.scene(), self.db.script(end));
        begun?;
        let scene = scene?;
        ended.map(|()| scene)
    }
}

/// How many statements there are, what they did, and what there was after the last of them.
async fn each(
    eye: Eye<'_>,
    migration: &Migration,
    statements: impl Iterator<Item = Statement<'_>>,
) -> Result<(usize, Vec<Deed>, Option<Scene>)> {
    let mut deeds = Vec::new();
    let mut ran = 0;
    let mut lines = Lines::of(migration.sql());
    let mut shapes = BTreeSet::new();
    let mut last = match eye.start {
        // Nothing is locked yet.
        Some(_) if eye.in_transaction => Some(Scene::default()),
        start => start.cloned(),
    };
    for statement in statements {
        if let Err(error) = one(eye.db, migration, &statement).await {
            return Err(explain(migration, &statement, error).into());
        }
        ran += 1;
        let (Some(start), Some(before)) = (eye.start, &last) else {
            continue;
        };
        if ran < eye.modes {
            continue;
        }
        // Rows are written under the lock that was taken for the first of them, and outside of a transaction it is gone.
        if let Some(shape) = shape_of_rows(&statement)
            && !(eye.in_transaction && shapes.insert(shape))
        {
            continue;
        }
        let after = eye.look().await?;
        let touches = after.touches(before, start, &statement);
        deeds.extend(touches.into_iter().map(|touch| Deed {
            statement: ran,
            line: lines.excerpt(&migration.path, statement.start, 1).line,
            what: shortened(statement.text),
            touch,
        }));
        last = Some(after);
    }
    Ok((ran, deeds, last))
}

/// A statement that writes rows without its values; nothing if it does something else, or is long.
fn shape_of_rows(statement: &Statement<'_>) -> Option<String> {
    let first = statement.words.first()?.as_str();
    let text = statement.text;
    if !["insert", "update", "delete", "merge", "copy"].contains(&first) || text.len() > LONG {
        return None;
    }
    let mut shape = String::new();
    let mut at = 0;
    for token in tokenize(text) {
        let word = &text[at..at + token.len as usize];
        at += word.len();
        match token.kind {
            TokenKind::Literal { .. } => shape.push('?'),
            TokenKind::Whitespace | TokenKind::LineComment | TokenKind::BlockComment { .. } => {
                shape.push(' ');
            }
            _ => shape.push_str(word),
        }
    }
    Some(shape)
}

async fn one(
    db: &Db,
    migration: &Migration,
    statement: &Statement<'_>,
) -> std::result::Result<(), tokio_postgres::Error> {
    match &statement.rows {
        Some(rows) => {
            let rows = &migration.sql()[rows.clone()];
            db.copy_in(statement.text, rows).await.map(|_| ())
        }
        None => match db.try_script(statement.text).await {
            Ok(_) => Ok(()),
            Err(failure) => Err(failure.error),
        },
    }
}

/// What goes before the file in `migrate up` when no flag says otherwise.
fn opening(db: &Db, migration: &Migration, directives: &Directives, begin: Option<&str>) -> String {
    let patience = engine::patience(None, None, directives);
    let until = if directives.transaction {
        Until::Commit
    } else {
        Until::Goodbye
    };
    let path = migration.search_path;
    let mut text = engine::settings(db, patience, directives, path, until, begin).text;
    if !directives.transaction {
        text.push_str("set idle_session_timeout=0;");
    }
    text
}

/// The statement on one line, as far as it fits.
fn shortened(text: &str) -> String {
    let line = beginning(text)
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ");
    match line.char_indices().nth(WIDTH) {
        Some((end, _)) => format!("{}...", line[..end].trim_end()),
        None => line,
    }
}

fn failed(migration: &Migration) -> Error {
    Error::failed(format!(
        "migration {} failed in the scratch database",
        migration.file
    ))
}

fn explain(
    migration: &Migration,
    statement: &Statement<'_>,
    error: tokio_postgres::Error,
) -> Error {
    let first_line = statement.text.lines().next().map_or(0, str::len);
    let Some(server) = error.as_db_error() else {
        return failed(migration).because(sqlstate::explain(error));
    };
    let (offset, length) = match server.position() {
        Some(ErrorPosition::Original(position)) => {
            let position = usize::try_from(*position).unwrap_or(1);
            let offset = sql::byte_offset(statement.text, position);
            if offset < statement.text.len() {
                let length = sql::token_length(statement.text, offset);
                (statement.start + offset, length)
            } else {
                (statement.start + statement.text.len(), 1)
            }
        }
        _ => (statement.start, first_line),
    };
    let mut told = failed(migration).at(Excerpt::new(
        &migration.path,
        migration.sql(),
        offset,
        length,
    ));
    if let Some(detail) = server.detail() {
        told = told.note(detail);
    }
    if let Some(context) = server.where_() {
        told = told.note(Note::Inside(context.to_owned()));
    }
    told = told.note("the database of the environment was only read");
    if let Some(hint) = advice(server) {
        told = told.hint(hint);
    }
    told.because(sqlstate::bare(server))
}

/// What to do when it is the scratch server that is not like the one the migration was written for.
fn advice(server: &DbError) -> Option<String> {
    let message = server.message();
    // The second is PostgreSQL 14's.
    if message.starts_with("extension \"") && message.ends_with("is not available")
        || message.starts_with("could not open extension control file ")
    {
        return Some(
            "install the extension on the scratch server, or name one that has it with `--scratch-url`"
                .to_owned(),
        );
    }
    if message.starts_with("role \"") && message.ends_with("already exists") {
        return Some(
            "roles belong to the whole server: make it only if it is not there (`do $$ begin create role ...; exception when duplicate_object then null; end $$`), or name another server with `--scratch-url`"
                .to_owned(),
        );
    }
    // A schema or a role that no migration makes: the platform brings it.
    if matches!(server.code().code(), "3F000" | "42704") {
        return Some(
            "fix the file; or, if it relies on what the platform brings, name a server like it with `--scratch-url`"
                .to_owned(),
        );
    }
    server
        .hint()
        .map(|hint| hint.trim_end_matches('.').to_owned())
}
