//! The line that moves while something takes long.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressState, ProgressStyle};

/// What takes less is over before anyone wonders.
const PATIENCE: Duration = Duration::from_secs(1);

/// The line, if there is one.
#[derive(Default)]
pub(super) struct Activity(Mutex<Option<ProgressBar>>);

impl Activity {
    /// Something begins; it replaces what was going on.
    pub(super) fn begin(&self, what: &str) {
        self.end();
        let late = |shown: &'static str| {
            move |state: &ProgressState, out: &mut dyn std::fmt::Write| {
                if state.elapsed() >= PATIENCE {
                    let _ = match shown {
                        "time" => write!(out, "{} s", state.elapsed().as_secs()),
                        _ => out.write_str("..."),
                    };
                }
            }
        };
        let what = what.to_owned();
        let name = move |state: &ProgressState, out: &mut dyn std::fmt::Write| {
            if state.elapsed() >= PATIENCE {
                let _ = out.write_str(&what);
            }
        };
        let Ok(style) = ProgressStyle::with_template("{what}{dots} {time}") else {
            return;
        };
        let bar = ProgressBar::new_spinner().with_style(
            style
                .with_key("what", name)
                .with_key("dots", late("dots"))
                .with_key("time", late("time")),
        );
        bar.enable_steady_tick(Duration::from_millis(250));
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(bar);
    }

    /// Nothing goes on any more; the line is gone.
    pub(super) fn end(&self) {
        if let Some(bar) = self.0.lock().unwrap_or_else(PoisonError::into_inner).take() {
            bar.finish_and_clear();
        }
    }
}
