//! Running a file statement by statement.
//!
//! Between the mark that a statement is begun and the one that it is done, nobody knows how far it came: what is known
//! about its kind decides how to go on.

use std::time::Instant;

use tokio_postgres::error::{DbError, ErrorPosition, SqlState};

use super::engine::{Engine, KEPT, Until, Work};
use super::leftover::Leftover;
use super::record::{AS_OURSELVES, AS_OURSELVES_COUNT, COMMIT};
use super::step::{
    self, Progressed, Way, finalizing, hash, is_done, is_setting, stops_nobody, way,
};
use super::transaction::{Failure, Stage, place_in_rows};
use crate::error::Excerpt;
use crate::pg::Ident;
use crate::pg::attempt::Contention;
use crate::pg::db::ScriptFailure;
use crate::pg::ident::Literal;
use crate::pg::lock;
use crate::pg::sql::{self, Statement};

/// Why a file stopped.
pub(super) enum Stopped {
    /// At a statement, of which so many are done.
    At(Failure, usize),
    /// Before it could begin.
    Before(anyhow::Error),
}

impl From<anyhow::Error> for Stopped {
    fn from(error: anyhow::Error) -> Self {
        Self::Before(error)
    }
}

impl Engine<'_> {
    /// Runs a file that asks for no transaction, from where it stopped before; how many statements it holds.
    pub(super) async fn step_through(
        &self,
        work: &Work<'_>,
        closing: impl Fn(u128) -> String + Send,
    ) -> Result<usize, Stopped> {
        let start = Instant::now();
        let migration = work.migration;
        // The file before may have left the session otherwise.
        self.db.reset().await?;
        // Under the lock, as everything that is believed about what ran.
        let mut steps = step::read(self.db).await?;
        steps.retain(|step| step.version == migration.version);
        let Progressed { done, begun, total } =
            step::progressed(work, &steps).map_err(|error| anyhow::Error::from(*error))?;
        let lead = self.settings(work, Until::Goodbye);
        self.db.script(&lead.text).await.map_err(lock::told)?;
        // One at a time: there may be millions.
        let mut statements = work.script.all();
        for statement in statements.by_ref().take(done).filter(is_setting) {
            self.db.script(statement.text).await?;
        }
        if done > 0 || begun {
            self.run.progress.say(&format!(
                "{}: {done} of {total} statements are done; going on with statement {}",
                migration.title(),
                done + 1
            ));
        }
        for (index, statement) in (done..).zip(statements) {
            if total > 1 {
                let title = migration.title();
                self.run.progress.counting(&format!(
                    "applying {title}: statement {} of {total}",
                    index + 1
                ));
            }
            let again = begun && index == done;
            let step = Stepping {
                work,
                statement: &statement,
                number: index + 1,
                again,
            };
            match way(&statement) {
                Way::Marked => self.marked(&step).await,
                Way::Bare => self.bare(&step).await,
            }
            .map_err(|failure| Stopped::At(failure, index))?;
        }
        let version = migration.version;
        let closing = closing(start.elapsed().as_millis());
        let script = format!(
            "begin;{AS_OURSELVES}delete from toysoldiers.steps where version={version};{closing};commit"
        );
        if let Err(failure) = self.db.try_script(&script).await {
            self.rollback().await;
            return Err(Stopped::At(unplaced(Stage::Record, failure.error), total));
        }
        Ok(total)
    }

    async fn marked(&self, step: &Stepping<'_>) -> Result<(), Failure> {
        let Work {
            migration,
            directives,
            ..
        } = step.work;
        let mut attempts = self.attempts(migration.title(), directives);
        loop {
            match attempts.attempt(self.with_mark(step)).await {
                Ok(()) => return Ok(()),
                Err(failure) => attempts.pause(failure).await?,
            }
        }
    }

    /// A statement and its mark, both or neither.
    async fn with_mark(&self, step: &Stepping<'_>) -> Result<(), Failure> {
        let mark = format!("{AS_OURSELVES}{};{COMMIT}", step.mark(Mark::Done));
        let result = match &step.statement.rows {
            None => {
                let lead = format!("begin;{}", lock::guard(self.db, "null"));
                let text = format!("{lead}{}\n;{mark}", step.statement.text);
                let sent = self.db.try_script(&text).await;
                sent.map(drop).map_err(|failure| {
                    let stage = match failure.completed.checked_sub(3) {
                        None if failure.completed == 1 => stage_of_start(&failure, 1),
                        None => Stage::File,
                        Some(completed) => stage_of_mark(completed),
                    };
                    step.failed(failure.error, lead.len(), stage)
                })
            }
            Some(rows) => {
                let rows = &step.work.script.text[rows.clone()];
                self.rows_with_mark(step, rows, &mark).await
            }
        };
        // A commit that fails leaves no transaction behind.
        let is_open = |failure: &Failure| failure.stage != Stage::Commit;
        if result.as_ref().is_err_and(is_open) {
            self.rollback().await;
        }
        result
    }

    async fn rows_with_mark(
        &self,
        step: &Stepping<'_>,
        rows: &str,
        mark: &str,
    ) -> Result<(), Failure> {
        let begin = format!("begin;{}", lock::guard(self.db, "null"));
        self.db.try_script(&begin).await.map_err(|failure| {
            let stage = stage_of_start(&failure, 1);
            step.failed(failure.error, 0, stage)
        })?;
        let copied = self.db.copy_in(step.statement.text, rows).await;
        copied.map_err(|error| step.failed(error, 0, Stage::File))?;
        let marked = self.db.try_script(mark).await;
        marked
            .map(drop)
            .map_err(|failure| step.failed(failure.error, 0, stage_of_mark(failure.completed)))
    }

    /// A statement by itself, between two marks.
    async fn bare(&self, step: &Stepping<'_>) -> Result<(), Failure> {
        let directives = &step.work.directives;
        let is_patient = self.run.lock_timeout.is_none()
            && directives.lock_timeout.is_none()
            && stops_nobody(step.statement);
        if is_patient {
            self.plain("set lock_timeout=0").await?;
        }
        let mut attempts = self.attempts(step.work.migration.title(), directives);
        let outcome = loop {
            match attempts.attempt(self.between_marks(step)).await {
                Ok(()) => break Ok(()),
                Err(failure) => {
                    if let Err(failure) = attempts.pause(failure).await {
                        break Err(failure);
                    }
                }
            }
        };
        if is_patient && outcome.is_ok() {
            let timeout = self.patience(directives).lock.as_millis();
            self.plain(&format!("set lock_timeout={timeout}")).await?;
        }
        outcome
    }

    async fn between_marks(&self, step: &Stepping<'_>) -> Result<(), Failure> {
        self.clear_leftover(step).await?;
        let guard = lock::guard(self.db, "null") + &step.begin(Mark::Begun);
        self.plain(&guard).await?;
        let mut outcome = self.db.try_script(step.statement.text).await;
        let code = |failure: &ScriptFailure| failure.error.code().cloned();
        if step.again
            && let Err(failure) = &outcome
            && code(failure) == Some(SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE)
            && let Some(rest) = finalizing(step.statement)
        {
            outcome = self.db.try_script(&rest).await;
        }
        match outcome {
            Ok(_) => self.plain(&step.begin(Mark::Done)).await,
            Err(failure) if failure.error.as_db_error().is_none() => {
                Err(step.failed(failure.error, 0, Stage::File))
            }
            Err(failure) => {
                // What was begun before, and is there now, is what it has made.
                let is_done = |code: SqlState| is_done(step.statement, code.code());
                if step.again && code(&failure).is_some_and(is_done) {
                    self.run.progress.say(&format!(
                        "{}: statement {} had come to its end when the connection was lost",
                        step.work.migration.title(),
                        step.number
                    ));
                    return self.plain(&step.begin(Mark::Done)).await;
                }
                let failure = step.failed(failure.error, 0, Stage::File);
                // The server says it failed, so it is not unknown how it ended.
                let _ = self.db.script(&step.begin(Mark::Undone)).await;
                Err(failure)
            }
        }
    }

    async fn plain(&self, sql: &str) -> Result<(), Failure> {
        match self.db.try_script(sql).await {
            Ok(_) => Ok(()),
            Err(failure) => {
                self.rollback().await;
                let stage = stage_of_start(&failure, 0);
                Err(unplaced(stage, failure.error))
            }
        }
    }

    /// Drops what a build of the same index left behind: it is of no use to anybody, and its name is taken.
    async fn clear_leftover(&self, step: &Stepping<'_>) -> Result<(), Failure> {
        // If it cannot be asked for, the build says what is wrong.
        let found = self.leftovers(step.statement).await.unwrap_or_default();
        for Leftover { schema, name } in found {
            let index = format!("{}.{}", Ident(&schema), Ident(&name));
            self.run.progress.say(&format!(
                "{}: dropping the INVALID index {index}, which a build that did not come to its end left behind",
                step.work.migration.title()
            ));
            // Whoever was at it just now may have put it away.
            let drop = format!("drop index concurrently if exists {index}");
            let dropped = self.db.try_script(&drop).await;
            dropped.map_err(|failure| step.failed(failure.error, 0, Stage::File))?;
        }
        Ok(())
    }
}

/// One statement on its way.
struct Stepping<'a> {
    work: &'a Work<'a>,
    statement: &'a Statement<'a>,
    number: usize,
    /// Whether it was begun before, and how that ended is not known.
    again: bool,
}

#[derive(Debug, Clone, Copy)]
enum Mark {
    Begun,
    Done,
    Undone,
}

impl Stepping<'_> {
    fn mark(&self, mark: Mark) -> String {
        let version = self.work.migration.version;
        let number = self.number;
        if let Mark::Undone = mark {
            return format!(
                "delete from toysoldiers.steps where version={version} and number={number}"
            );
        }
        let hash = hash(self.work, self.statement);
        let text = if self.statement.text.len() > KEPT {
            ""
        } else {
            self.statement.text
        };
        let finished = if let Mark::Done = mark {
            "clock_timestamp()"
        } else {
            "null"
        };
        format!(
            "insert into toysoldiers.steps (version,number,hash,sql,finished_at) values ({version},{number},'{hash}',{},{finished}) \
             on conflict (version,number) do update set hash=excluded.hash,sql=excluded.sql,finished_at=excluded.finished_at,\
             started_at=case when excluded.finished_at is null then clock_timestamp() else steps.started_at end",
            Literal(text)
        )
    }

    /// The mark in a transaction of its own.
    fn begin(&self, mark: Mark) -> String {
        format!("begin;{AS_OURSELVES}{};commit", self.mark(mark))
    }

    /// `lead` is how many characters went before the statement in its message.
    fn failed(&self, error: tokio_postgres::Error, lead: usize, stage: Stage) -> Failure {
        let server = error.as_db_error().filter(|_| stage == Stage::File);
        let place = server.map(|db| self.place(db, lead));
        Failure {
            stage,
            place,
            error,
            contention: Contention::default(),
        }
    }

    fn place(&self, db: &DbError, lead: usize) -> Excerpt {
        let Self {
            work, statement, ..
        } = self;
        let migration = work.migration;
        let text = statement.text;
        let at = |offset, length| Excerpt::new(&migration.path, migration.sql(), offset, length);
        if let Some(rows) = &statement.rows {
            let copy = statement.start..statement.start + text.len();
            let data = &work.script.text[rows.clone()];
            let (offset, length) = place_in_rows(db, text, data, &copy, rows);
            return at(offset, length);
        }
        let offset = match db.position() {
            Some(ErrorPosition::Original(position)) => usize::try_from(*position)
                .ok()
                .and_then(|position| position.checked_sub(lead))
                .map(|position| sql::byte_offset(text, position)),
            _ => None,
        };
        let (offset, length) = match offset.filter(|offset| *offset < text.len()) {
            Some(offset) => (offset, sql::token_length(text, offset)),
            None => (0, text.lines().next().map_or(0, str::len)),
        };
        at(statement.start + offset, length)
    }
}

/// What failed of a script of ours, which asks for the lock of the run after so many statements.
fn stage_of_start(failure: &ScriptFailure, before: usize) -> Stage {
    match failure.error.code().map(SqlState::code) {
        Some(lock::GUARDED) if failure.completed == before => Stage::Lock,
        _ => Stage::Record,
    }
}

/// What failed of the message with a mark in it, of whose statements so many completed.
fn stage_of_mark(completed: usize) -> Stage {
    if completed > AS_OURSELVES_COUNT {
        Stage::Commit
    } else {
        Stage::Record
    }
}

fn unplaced(stage: Stage, error: tokio_postgres::Error) -> Failure {
    Failure {
        stage,
        place: None,
        error,
        contention: Contention::default(),
    }
}
