//! A race: the program and its rivals take turns, and each pair of runs makes a ratio.
//!
//! Turns make a machine's moods hit everyone alike, and other work on the machine only ever adds time. So a limit
//! is broken when both say so: the median of the pairs' ratios, and the ratio of the shortest times. Where nobody does
//! the same, the limit is a time, and the median has to keep it, whatever else the machine does.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::process;

/// What a command of ours may hold in memory, in MB.
const MEMORY: f64 = 12.0;

/// The same for migrations that are looked at: the rules about statements are a fifth of the program.
pub const MEMORY_WITH_RULES: f64 = 15.0;

/// Against other tools: not slower, but for what a clock cannot tell apart.
pub const NOT_SLOWER: Option<f64> = Some(1.05);

/// What stands above the rows. Times are in milliseconds, memory in MB.
pub const HEADER: [&str; 2] = [
    "                                         ours          rival          ratios                                 MB",
    "race                        rival      median    min  median    min  medians  pairs   mins  limit verdict  ours  rival",
];

/// Makes what a run needs, such as an empty database, and then the command that is timed.
pub type Run = Box<dyn FnMut() -> Command>;

/// Prepares a race in a folder for its files.
pub type Prepare = fn(&Path) -> Race;

/// One command of ours against others that do the same.
pub struct Race {
    pub ours: Run,
    pub rivals: Vec<Rival>,
    /// How long ours may take, whoever else takes part; nothing where the ratios are all that counts.
    pub within: Option<Duration>,
    /// What ours may hold in memory, in MB.
    pub memory: f64,
}

/// Who it is measured against.
pub struct Rival {
    pub name: &'static str,
    pub run: Run,
    /// How many times its time ours may take; nothing where the number only informs.
    pub limit: Option<f64>,
}

impl Race {
    /// One in which the ratios are all that counts, and no more memory is needed than usual.
    pub fn new(ours: Run, rivals: impl IntoIterator<Item = Rival>) -> Self {
        Self {
            ours,
            rivals: rivals.into_iter().collect(),
            within: None,
            memory: MEMORY,
        }
    }

    /// Runs all rounds and prints a row a rival; how many limits are broken.
    pub fn run(mut self, name: &str, rounds: usize) -> usize {
        let memory: Vec<f64> = self
            .round(process::peak)
            .into_iter()
            .map(megabytes)
            .collect();
        let rounds: Vec<Vec<f64>> = (0..rounds)
            .map(|_| {
                self.round(process::time)
                    .into_iter()
                    .map(milliseconds)
                    .collect()
            })
            .collect();
        let times =
            |runner: usize| -> Vec<f64> { rounds.iter().map(|round| round[runner]).collect() };
        let ours = times(0);
        let mut broken = 0;
        for (place, rival) in self.rivals.iter().enumerate() {
            let theirs = times(place + 1);
            let pairs: Vec<f64> = ours
                .iter()
                .zip(&theirs)
                .map(|(ours, theirs)| ours / theirs)
                .collect();
            let ratio = median(&pairs);
            let shortest = least(&ours) / least(&theirs);
            let (limit, verdict) = match rival.limit {
                None => ("-".to_owned(), "-"),
                Some(limit) if ratio.min(shortest) <= limit => (format!("{limit:.2}"), "kept"),
                Some(limit) => {
                    broken += 1;
                    (format!("{limit:.2}"), "BROKEN")
                }
            };
            println!(
                "{name:<27} {:<9} {:>7.1} {:>6.1} {:>7.1} {:>6.1} {:>8.2} {ratio:>6.2} {shortest:>6.2} {limit:>6} {verdict:<7} {:>5.1} {:>6.1}",
                rival.name,
                median(&ours),
                least(&ours),
                median(&theirs),
                least(&theirs),
                median(&ours) / median(&theirs),
                memory[0],
                memory[place + 1],
            );
        }
        if let Some(within) = self.within.map(milliseconds) {
            let verdict = if median(&ours) <= within {
                "kept"
            } else {
                broken += 1;
                "BROKEN"
            };
            println!(
                "{name:<27} {:<9} {:>7.1} {:>6.1} {within:>7.1} {:>36} {verdict:<7} {:>5.1}",
                "(time)",
                median(&ours),
                least(&ours),
                "",
                memory[0],
            );
        }
        if memory[0] > self.memory {
            println!("{name:<27} holds more than {} MB: BROKEN", self.memory);
            broken += 1;
        }
        broken
    }

    /// Everyone once, ours first.
    fn round<T>(&mut self, measure: fn(&mut Command) -> T) -> Vec<T> {
        std::iter::once(&mut self.ours)
            .chain(self.rivals.iter_mut().map(|rival| &mut rival.run))
            .map(|run| measure(&mut run()))
            .collect()
    }
}

pub fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

fn megabytes(kilobytes: u32) -> f64 {
    f64::from(kilobytes) / 1024.0
}

pub fn median(values: &[f64]) -> f64 {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    let half = values.len() / 2;
    if values.len().is_multiple_of(2) {
        f64::midpoint(values[half - 1], values[half])
    } else {
        values[half]
    }
}

pub fn least(values: &[f64]) -> f64 {
    values.iter().copied().fold(f64::INFINITY, f64::min)
}
