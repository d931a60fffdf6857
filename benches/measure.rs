//! A measurement: numbers that are the time of no process, such as how long others wait while one of ours runs.

use std::path::Path;

/// What stands above the rows.
pub const HEADER: &str = "measurement                what                                              value unit    limit verdict";

/// Measures, with files in a folder and in this many rounds.
pub type Take = fn(&Path, usize) -> Vec<Measure>;

/// One number.
pub struct Measure {
    /// What it is of.
    pub what: String,
    pub value: f64,
    /// `ms`; `x` where it is a ratio.
    pub unit: &'static str,
    /// What it may be at most; nothing where the number only informs.
    pub limit: Option<f64>,
}

impl Measure {
    /// One that only informs.
    pub fn new(what: impl Into<String>, value: f64, unit: &'static str) -> Self {
        Self {
            what: what.into(),
            value,
            unit,
            limit: None,
        }
    }

    #[must_use]
    pub fn within(self, limit: f64) -> Self {
        Self {
            limit: Some(limit),
            ..self
        }
    }

    /// Prints it; whether its limit is kept.
    fn print(&self, name: &str) -> bool {
        let kept = self.limit.is_none_or(|limit| self.value <= limit);
        let verdict = match (self.limit, kept) {
            (None, _) => "-",
            (Some(_), true) => "kept",
            (Some(_), false) => "BROKEN",
        };
        let limit = self
            .limit
            .map_or("-".to_owned(), |limit| format!("{limit:.2}"));
        println!(
            "{name:<26} {:<46} {:>8.2} {:<4} {limit:>8} {verdict}",
            self.what, self.value, self.unit
        );
        kept
    }
}

/// Prints a row each; how many limits are broken.
pub fn report(name: &str, measures: &[Measure]) -> usize {
    measures
        .iter()
        .filter(|measure| !measure.print(name))
        .count()
}
