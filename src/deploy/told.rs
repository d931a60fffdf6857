//! What the parts tell while they are at it: lines beside the result, which is one of the whole deploy.

use crate::plan::{Event, Progress};

/// Passes on everything; what would be part of the result of one part is no more than a line here.
pub(super) struct Told<'a>(pub &'a dyn Progress);

impl Progress for Told<'_> {
    fn say(&self, line: &str) {
        self.0.say(line);
    }

    fn warn(&self, line: &str) {
        self.0.warn(line);
    }

    fn working(&self, what: &str) {
        self.0.working(what);
    }

    fn counting(&self, what: &str) {
        self.0.counting(what);
    }

    fn advancing(&self, what: &str, share: f64, aside: &str) {
        self.0.advancing(what, share, aside);
    }

    fn happened(&self, event: &Event<'_>) {
        if !event.line.is_empty() {
            self.0.say(&event.line);
        }
    }
}
