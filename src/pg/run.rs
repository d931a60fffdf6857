//! How a command is carried out: how long it waits, whom it tells, and what is done when it is interrupted.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::attempt::{BRIEF, LOOK};
use super::db::{Cancel, Db};
use super::session::Patience;
use super::undo::Undo;
use crate::plan::Progress;

/// What everything that a command does is done under.
#[derive(Clone, Copy)]
pub struct RunContext<'a> {
    /// How long a lock is waited for at one attempt, if anybody says so.
    pub lock_timeout: Option<Duration>,
    /// How long a statement may take, if anybody says so; zero is for ever.
    pub statement_timeout: Option<Duration>,
    /// For how long further attempts are made when others hold a lock; zero is one attempt.
    pub retry_for: Duration,
    /// How long to wait for another run to end.
    pub wait: Duration,
    /// Whom to tell.
    pub progress: &'a dyn Progress,
    /// The sessions that are cancelled when the command is interrupted.
    pub sessions: &'a Sessions,
    /// Where is registered what must not stay if it does not come to its end.
    pub undo: &'a Undo,
}

impl RunContext<'_> {
    /// How long changes that are done in a moment, and lock what everybody uses, wait for a lock: an attempt is hardly
    /// noticed by others.
    pub fn brief(&self) -> Duration {
        self.lock_timeout.unwrap_or(BRIEF)
    }

    /// How long a look waits for a lock.
    pub fn look(&self) -> Duration {
        self.lock_timeout.unwrap_or(LOOK)
    }

    /// Of what is in nobody's way, and waits and takes as long as it needs.
    pub fn unhurried(&self) -> Patience {
        Patience {
            lock: self.lock_timeout.unwrap_or(Duration::ZERO),
            statement: self.statement_timeout.unwrap_or(Duration::ZERO),
        }
    }
}

/// Sessions of a command.
#[derive(Default)]
pub struct Sessions(Mutex<Vec<Cancel>>);

impl Sessions {
    /// Has a session cancelled with the others when the command is interrupted.
    pub fn attend(&self, db: &Db) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.push(db.cancel());
    }

    /// Cancels on the server what is still running there.
    pub async fn cancel(&self) {
        let all = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        for session in all {
            session.cancel().await;
        }
    }
}
