//! The line that moves while something takes long. What takes less than a second leaves no trace.

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::printable::Printable;
use super::stream;

/// What takes less is over before anyone wonders.
const PATIENCE: Duration = Duration::from_secs(1);
const TICK: Duration = Duration::from_millis(200);

/// The line, if there is one.
#[derive(Default, Clone)]
pub(super) struct Activity {
    state: Arc<Mutex<State>>,
    ticker: OnceLock<()>,
}

#[derive(Default)]
struct State {
    /// What goes on, and since when.
    current: Option<(Printable, Instant)>,
    /// Whether it stands on the terminal.
    drawn: bool,
}

impl Activity {
    /// Something begins; it replaces what was going on.
    pub(super) fn begin(&self, what: &str) {
        self.end();
        self.lock().current = Some((Printable::line(what), Instant::now()));
        // A thread of its own, so that the line moves while the program computes; it ends with the process.
        self.ticker.get_or_init(|| {
            let state = Arc::clone(&self.state);
            thread::spawn(move || {
                loop {
                    thread::sleep(TICK);
                    state.lock().unwrap_or_else(PoisonError::into_inner).draw();
                }
            });
        });
    }

    /// The same goes on, further.
    pub(super) fn go_on(&self, what: &str) {
        if let Some((current, _)) = &mut self.lock().current {
            *current = Printable::line(what);
        }
    }

    /// This goes on, since before if anything did.
    pub(super) fn show(&self, what: &str) {
        if self.lock().current.is_none() {
            self.begin(what);
        }
        self.go_on(what);
    }

    /// Nothing goes on any more; the line is gone.
    pub(super) fn end(&self) {
        let mut state = self.lock();
        state.current = None;
        if std::mem::take(&mut state.drawn) {
            stream::replace_line(&Printable::default());
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn draw(&mut self) {
        let Some((what, since)) = &self.current else {
            return;
        };
        let elapsed = since.elapsed();
        if elapsed >= PATIENCE {
            let end = format!("... {} s", elapsed.as_secs());
            // A line that wrapped could not be taken back.
            let width = stream::width_of_stderr().map_or(80, usize::from);
            let room = width.saturating_sub(end.len() + 1);
            stream::replace_line(&(what.cut(room) + end));
            self.drawn = true;
        }
    }
}
