//! Attempts at something that others may be in the way of.
//!
//! Whatever locks a table waits for those who use it, and everybody who comes after waits for us. So an attempt waits
//! briefly, gives up, lets the others pass, and is made again; whoever looks on is told who is in the way.

use std::time::{Duration, Instant};

use tokio::time::sleep;

use super::blockers::Watch;
use super::db::Db;
use super::run::RunContext;
use crate::error::{self, Error, Hint, Kind, Result};
use crate::plan::{Event, Progress};

/// How long an attempt waits for locks that everybody is behind, when nobody says otherwise.
pub const BRIEF: Duration = Duration::from_millis(100);

/// How long a look waits for a lock that keeps readers out, when nobody says otherwise: nobody is behind it.
pub const LOOK: Duration = Duration::from_secs(1);

/// A failure that may be the doing of others.
pub trait Contended: Sized {
    /// The server's code for it.
    fn code(&self) -> Option<&str>;

    /// The server's message.
    fn message(&self) -> String;

    /// Is told what is known about those others.
    #[must_use]
    fn held_up(self, contention: Contention) -> Self;

    /// Whether others were in the way, and it may go well the next time: a lock that was not had, a deadlock, a
    /// transaction that cannot be put in order with others.
    fn is_contention(&self) -> bool {
        matches!(self.code(), Some("55P03" | "40P01" | "40001"))
    }
}

/// Others who were in the way.
#[derive(Debug, Default)]
pub struct Contention {
    /// Whom it waited for, a description each.
    pub blockers: Vec<String>,
    /// How often it was tried, if it is not tried again; else 0.
    pub tried: u32,
}

impl Contention {
    /// What a failure says about them.
    pub fn notes(&self) -> impl Iterator<Item = String> {
        let held = self
            .blockers
            .iter()
            .map(|blocker| format!("the lock is held by {blocker}"));
        let tries = (self.tried > 1).then(|| format!("it was tried {} times", self.tried));
        held.chain(tries)
    }
}

impl Contended for anyhow::Error {
    fn code(&self) -> Option<&str> {
        error::sqlstate(self)
    }

    fn message(&self) -> String {
        self.root_cause().to_string()
    }

    fn held_up(self, contention: Contention) -> Self {
        let told = Error::new(Kind::Refused, "others are in the way").after(&self);
        let told = contention.notes().fold(told, Error::note);
        told.unchanged()
            .hint("try again when they are done, or allow more time with `--retry-for`")
            .into()
    }
}

/// Attempts at one thing.
pub struct Attempts<'a> {
    db: &'a Db,
    progress: &'a dyn Progress,
    what: &'a str,
    retry_for: Duration,
    start: Instant,
    /// When to look first who is in the way.
    first: Duration,
    pause: Pause,
    /// Who was in the way of the last one.
    blockers: Vec<String>,
}

impl<'a> Attempts<'a> {
    /// Attempts at `what`, which `db` is busy with, each of which waits this long for a lock. The time for them runs from
    /// now on.
    pub fn new(db: &'a Db, run: RunContext<'a>, what: &'a str, lock_timeout: Duration) -> Self {
        Self {
            db,
            progress: run.progress,
            what,
            retry_for: run.retry_for,
            start: Instant::now(),
            first: (lock_timeout / 4).clamp(Duration::from_millis(10), Duration::from_millis(500)),
            pause: Pause::up_to(
                (lock_timeout * 10).clamp(Duration::from_secs(1), Duration::from_secs(5)),
            ),
            blockers: Vec::new(),
        }
    }

    /// One attempt; it is told who is in its way.
    pub async fn attempt<T>(&mut self, work: impl Future<Output = T>) -> T {
        let Self {
            db,
            progress,
            what,
            first,
            ..
        } = self;
        let done = Watch::beside(db, *first, what, *progress, work).await;
        self.blockers = db.blockers();
        done
    }

    /// Waits until it is time for the next attempt; the failure again if there is to be none.
    pub async fn pause<F: Contended>(&mut self, failure: F) -> Result<(), F> {
        if !failure.is_contention() {
            return Err(failure);
        }
        let Self {
            progress,
            what,
            retry_for,
            ..
        } = *self;
        let blockers = std::mem::take(&mut self.blockers);
        let next = self.pause.next();
        if self.start.elapsed() + next >= retry_for {
            let tried = self.pause.count;
            return Err(failure.held_up(Contention { blockers, tried }));
        }
        let message = failure.message();
        let why = match blockers.as_slice() {
            [] => message,
            blockers => format!("{message}, held by {}", blockers.join(", and by ")),
        };
        progress.happened(&Event {
            event: "retrying",
            object: what,
            numbers: &[(
                "pause_ms",
                u64::try_from(next.as_millis()).unwrap_or(u64::MAX),
            )],
            message: Some(&why),
            line: String::new(),
        });
        // Less and less often: the lines are for whoever comes to look.
        if self.pause.count.is_power_of_two() {
            progress.say(&format!(
                "{what}: {why}; trying again in {:.1} s",
                next.as_secs_f64()
            ));
        }
        progress.working(&format!("waiting to try {what} again"));
        sleep(next).await;
        Ok(())
    }
}

/// Does the work in one transaction: all of it is kept or nothing. What others are in the way of is tried again from
/// the beginning.
pub async fn transact<T>(
    db: &Db,
    what: &str,
    run: RunContext<'_>,
    mut work: impl AsyncFnMut() -> Result<T>,
) -> Result<T> {
    let lock_timeout = run.brief();
    let mut attempts = Attempts::new(db, run, what, lock_timeout);
    let begin = format!(
        "begin; set local lock_timeout = {}",
        lock_timeout.as_millis()
    );
    loop {
        run.progress.working(what);
        let attempt = async {
            db.script(&begin).await?;
            let done = work().await.map_err(undone_if_lost)?;
            db.script("commit").await.map_err(unknown_if_lost)?;
            Ok(done)
        };
        let outcome: Result<T> = attempts.attempt(attempt).await;
        match outcome {
            Ok(done) => return Ok(done),
            Err(failure) => {
                // Without a connection there is nothing to leave.
                let _ = db.script("rollback").await;
                attempts.pause(failure).await?;
            }
        }
    }
}

/// Does work that changes nothing, which may find a table locked; that is tried again from the beginning.
pub async fn retry<T>(
    db: &Db,
    what: &str,
    run: RunContext<'_>,
    mut work: impl AsyncFnMut() -> Result<T>,
) -> Result<T> {
    let mut attempts = Attempts::new(db, run, what, run.look());
    loop {
        match attempts.attempt(work()).await {
            Ok(done) => return Ok(done),
            Err(failure) => {
                // Without a connection there is nothing to leave.
                let _ = db.script("rollback").await;
                attempts.pause(failure).await?;
            }
        }
    }
}

/// What was not committed when the connection broke is undone by the server.
fn undone_if_lost(failure: anyhow::Error) -> anyhow::Error {
    if error::explain(&failure).kind != Kind::Unreachable {
        return failure;
    }
    Error::new(
        Kind::Unreachable,
        "the connection was lost before anything was committed",
    )
    .after(&failure)
    .unchanged()
    .hint("check the network and the server's log")
    .hint(Hint::again("run the same command again"))
    .into()
}

/// A commit that no answer came to may have come to its end.
fn unknown_if_lost(failure: anyhow::Error) -> anyhow::Error {
    if error::sqlstate(&failure).is_some() {
        return failure;
    }
    Error::new(
        Kind::Unreachable,
        "the connection was lost while the change was committed",
    )
    .after(&failure)
    .note("whether it was kept is not known")
    .hint(Hint::again(
        "run the same command again: it looks at what is there, and does what remains",
    ))
    .into()
}

/// Pauses between attempts: twice as long each time up to a limit, and never the same for two who are in each
/// other's way.
struct Pause {
    count: u32,
    longest: Duration,
}

impl Pause {
    /// Pauses of at most this length. Whoever gives up at once is hardly in anybody's way, and tries more often.
    fn up_to(longest: Duration) -> Self {
        Self { count: 0, longest }
    }

    fn next(&mut self) -> Duration {
        const SHORTEST: Duration = Duration::from_millis(100);
        let full = (SHORTEST * (1 << self.count.min(16))).min(self.longest);
        self.count += 1;
        let mut random = [0_u8; 1];
        // Without random bytes everybody pauses alike, which is no worse than having no jitter.
        let _ = getrandom::fill(&mut random);
        full / 2 + full * u32::from(random[0]) / 512
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_up_to_a_limit_and_are_never_nothing() {
        let mut pause = Pause::up_to(Duration::from_secs(5));
        for number in 0..40 {
            let next = pause.next();
            let full =
                Duration::from_millis(100 * (1 << number.min(6))).min(Duration::from_secs(5));
            assert!(next >= full / 2 && next <= full, "{number}: {next:?}");
        }
    }
}
