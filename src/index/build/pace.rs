//! How far a build has come, out of what the server says about the phase it is in.
//!
//! A phase takes a share of the whole that was measured; within it the server counts blocks, tuples or those who are
//! waited for. It does not count while it sorts: there the time that the work took so far says how it will go on. What
//! was reached is never taken back.

/// What the server says at a moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Seen {
    /// `building index: scanning table`.
    pub phase: String,
    /// How many of what the phase counts there are.
    pub total: i64,
    /// How many are done.
    pub done: i64,
}

/// Where a phase begins and ends, of 1.
fn span(phase: &str) -> (f64, f64) {
    match phase {
        "waiting for writers before build" => (0.0, 0.02),
        // Methods that tell nothing more about it.
        "building index" => (0.02, 0.72),
        "building index: scanning table" => (0.02, 0.40),
        "building index: sorting live tuples" => (0.40, 0.55),
        "building index: sorting dead tuples" => (0.55, 0.56),
        "building index: loading tuples in tree" => (0.56, 0.72),
        "waiting for writers before validation" => (0.72, 0.74),
        "index validation: scanning index" => (0.74, 0.82),
        "index validation: sorting tuples" => (0.82, 0.86),
        "index validation: scanning table" => (0.86, 0.96),
        "waiting for old snapshots" => (0.96, 0.98),
        "waiting for readers before marking dead" => (0.98, 0.99),
        "waiting for readers before dropping" => (0.99, 1.0),
        other if other.starts_with("building index") => (0.02, 0.72),
        _ => (0.0, 0.0),
    }
}

/// The phase in the words of the server, without what they have in common.
pub fn words(phase: &str) -> &str {
    phase
        .strip_prefix("building index: ")
        .or_else(|| phase.strip_prefix("index "))
        .unwrap_or(phase)
}

/// How far one build has come.
#[derive(Debug, Default)]
pub struct Pace {
    phase: String,
    reached: f64,
    /// When the phase began, in seconds since the build did.
    since: f64,
}

impl Pace {
    /// How much of it is done, of 1, so many seconds after it began.
    pub fn advance(&mut self, seen: &Seen, seconds: f64) -> f64 {
        if self.phase != seen.phase {
            self.phase.clone_from(&seen.phase);
            self.since = seconds;
        }
        let (start, end) = span(&seen.phase);
        let inside = if seen.phase.contains("sorting") {
            self.guess(start, end - start, seconds)
        } else {
            share(seen.done, seen.total)
        };
        self.reached = self.reached.max(start + (end - start) * inside);
        self.reached
    }

    /// How far a phase is that does not count: as far as it would be if it went on as all before it did.
    fn guess(&self, start: f64, width: f64, seconds: f64) -> f64 {
        let expected = (self.since / start.max(0.01) * width).max(0.5);
        1.0 - (-(seconds - self.since) / expected).exp()
    }
}

#[allow(clippy::cast_precision_loss)] // A bar has no need of the last block of 2^53.
fn share(done: i64, total: i64) -> f64 {
    if total <= 0 {
        return 0.0;
    }
    (done as f64 / total as f64).clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(phase: &str, done: i64, total: i64) -> Seen {
        Seen {
            phase: phase.to_owned(),
            total,
            done,
        }
    }

    #[test]
    fn it_moves_through_all_phases_and_never_back() {
        let mut pace = Pace::default();
        let mut last = 0.0;
        for (second, (phase, done, total)) in [
            ("initializing", 0, 0),
            ("waiting for writers before build", 0, 1),
            ("building index: scanning table", 10, 100),
            ("building index: scanning table", 90, 100),
            ("building index: sorting live tuples", 100, 100),
            ("building index: sorting live tuples", 100, 100),
            ("building index: loading tuples in tree", 500, 1000),
            ("waiting for writers before validation", 0, 0),
            ("index validation: scanning index", 5, 10),
            ("index validation: sorting tuples", 10, 10),
            ("index validation: scanning table", 5, 10),
            ("waiting for old snapshots", 1, 2),
            ("a phase of a later version", 0, 0),
        ]
        .into_iter()
        .enumerate()
        {
            let seconds = f64::from(u32::try_from(second).expect("is small"));
            let reached = pace.advance(&seen(phase, done, total), seconds);
            assert!(reached >= last && reached <= 1.0, "{phase}: {reached}");
            last = reached;
        }
        assert!(last > 0.9);
    }

    #[test]
    fn a_phase_that_does_not_count_moves_all_the_same() {
        let mut pace = Pace::default();
        pace.advance(&seen("building index: scanning table", 100, 100), 10.0);
        let sorting = seen("building index: sorting live tuples", 100, 100);
        let first = pace.advance(&sorting, 10.0);
        let second = pace.advance(&sorting, 12.0);
        let third = pace.advance(&sorting, 500.0);
        assert!(first < second && second < third && third <= 0.55);
    }

    #[test]
    fn whatever_is_counted_stays_within_its_phase() {
        let mut pace = Pace::default();
        assert!(pace.advance(&seen("building index", 500, 100), 1.0) <= 0.72);
        assert!(pace.advance(&seen("building index", -5, 0), 1.0) <= 0.72);
    }

    #[test]
    fn a_phase_is_told_in_few_words() {
        assert_eq!(words("building index: scanning table"), "scanning table");
        assert_eq!(
            words("index validation: sorting tuples"),
            "validation: sorting tuples"
        );
        assert_eq!(
            words("waiting for old snapshots"),
            "waiting for old snapshots"
        );
    }
}
