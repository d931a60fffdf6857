//! How far a build is, and whom it waits for: asked on another session, since the one that builds is busy.

use std::convert::Infallible;
use std::time::{Duration, Instant};

use tokio::sync::Mutex;
use tokio::time::sleep;

use super::pace::{self, Pace, Seen};
use crate::error::Result;
use crate::pg::blockers::Blocker;
use crate::pg::{Db, Endpoint, Patience, Query};
use crate::plan::{Event, Progress};

/// What takes less is over before anybody wonders.
const FIRST: Duration = Duration::from_millis(300);

/// How often is asked.
const POLL: Duration = Duration::from_millis(300);

crate::row! {
    /// How far a build is.
    pub struct Building {
        /// What is done right now.
        pub phase: String,
        /// How many of what it counts there are.
        pub total: Option<i64>,
        /// How many are done.
        pub done: Option<i64>,
    }
}

static PROGRESS: Query<Building> = crate::query!("index/progress");

/// Looks on.
pub(super) struct Monitor<'a> {
    endpoint: &'a Endpoint,
    progress: &'a dyn Progress,
    session: Mutex<Option<Db>>,
}

impl<'a> Monitor<'a> {
    /// Nothing is opened yet.
    pub(super) fn new(endpoint: &'a Endpoint, progress: &'a dyn Progress) -> Self {
        Self {
            endpoint,
            progress,
            session: Mutex::new(None),
        }
    }

    /// Does the work, with which the session `pid` is busy, and tells how far it is.
    pub(super) async fn beside<T>(
        &self,
        pid: Option<i32>,
        what: &str,
        work: impl Future<Output = T>,
    ) -> T {
        tokio::select! {
            biased;
            done = work => done,
            never = self.look(pid, what) => match never {},
        }
    }

    /// Tells how far the build of the session `pid` is, until it is at its end.
    pub(super) async fn follow(&self, db: &Db, pid: i32, what: &str) -> Result<()> {
        self.progress.working(what);
        let mut telling = Telling::new(self.progress, what);
        while let Some(building) = db.opt(&PROGRESS, &[&pid]).await? {
            let blockers = Blocker::of(db, pid).await?;
            telling.tell(Some(building), &blockers);
            sleep(POLL).await;
        }
        Ok(())
    }

    async fn look(&self, pid: Option<i32>, what: &str) -> Infallible {
        let mut telling = Telling::new(self.progress, what);
        sleep(FIRST).await;
        let Some(pid) = pid else {
            return std::future::pending().await;
        };
        loop {
            let mut session = self.session.lock().await;
            if session.is_none() {
                // Without another session nothing is told, and the work goes on all the same.
                *session = Db::connect(self.endpoint, Patience::default()).await.ok();
            }
            let Some(db) = session.as_ref() else {
                return std::future::pending().await;
            };
            let params: [&dyn crate::pg::Param; 1] = [&pid];
            let (building, blockers) =
                tokio::join!(db.opt(&PROGRESS, &params), Blocker::of(db, pid));
            match (building, blockers) {
                (Ok(building), Ok(blockers)) => telling.tell(building, &blockers),
                _ => *session = None,
            }
            drop(session);
            sleep(POLL).await;
        }
    }
}

/// What was told of one build.
struct Telling<'a> {
    progress: &'a dyn Progress,
    what: &'a str,
    start: Instant,
    pace: Pace,
    percent: u64,
    phase: String,
    blockers: Vec<i32>,
}

impl<'a> Telling<'a> {
    fn new(progress: &'a dyn Progress, what: &'a str) -> Self {
        Self {
            progress,
            what,
            start: Instant::now(),
            pace: Pace::default(),
            percent: 0,
            phase: String::new(),
            blockers: Vec::new(),
        }
    }

    fn tell(&mut self, building: Option<Building>, blockers: &[Blocker]) {
        let pids: Vec<i32> = blockers.iter().map(|blocker| blocker.pid).collect();
        if !pids.is_empty() && pids != self.blockers {
            let lines: Vec<String> = blockers.iter().map(Blocker::describe).collect();
            let line = format!("{} waits for {}", self.what, lines.join(", and for "));
            self.progress.happened(&Event {
                event: "waiting",
                object: self.what,
                numbers: &[],
                message: Some(&lines.join(", and for ")),
                line: String::new(),
            });
            self.progress.say(&line);
            self.blockers = pids;
        }
        let Some(building) = building else {
            return;
        };
        let seen = Seen {
            phase: building.phase,
            total: building.total.unwrap_or(0),
            done: building.done.unwrap_or(0),
        };
        let share = self.pace.advance(&seen, self.start.elapsed().as_secs_f64());
        let phase = pace::words(&seen.phase);
        let aside = match (phase.strip_prefix("waiting for "), blockers.first()) {
            (Some(whom), Some(blocker)) => format!("waiting for {whom}: pid {}", blocker.pid),
            _ => phase.to_owned(),
        };
        self.progress.advancing(self.what, share, &aside);
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // Between 0 and 100.
        let percent = (share * 100.0) as u64;
        if (percent, phase) != (self.percent, &self.phase) {
            self.progress.happened(&Event {
                event: "progress",
                object: self.what,
                numbers: &[("percent", percent)],
                message: Some(phase),
                line: String::new(),
            });
            self.percent = percent;
            phase.clone_into(&mut self.phase);
        }
    }
}
