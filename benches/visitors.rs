//! Others at work while one of ours runs: how long they wait for it.
//!
//! What they wait is measured where they are: from the moment they ask to the moment they have their answer.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::measure::Measure;
use crate::race::{median, milliseconds};
use crate::support::Database;

/// How long they rest between two requests. They are visitors, who come and go; without a rest they would take all of
/// a small machine, and what is measured would be that.
const REST: Duration = Duration::from_millis(5);

/// How long everybody is at it undisturbed, to know what they wait for anyhow.
const QUIET: Duration = Duration::from_secs(1);

/// What one round came to, in milliseconds.
pub struct Round {
    /// What they waited while nobody was in their way.
    quiet: Vec<f64>,
    /// What they waited while ours ran.
    waits: Vec<f64>,
    /// How long ours took.
    time: f64,
}

/// Runs ours among as many visitors as there are lists of requests. Each goes through its list over and over, from a
/// place of its own.
pub fn among(database: &Database, visitors: &[&[&str]], ours: impl FnOnce()) -> Round {
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        let ending = Ending(&over);
        let visitors: Vec<_> = visitors
            .iter()
            .enumerate()
            .map(|(number, requests)| {
                let over = &over;
                scope.spawn(move || visit(database, requests, number, over))
            })
            .collect();
        thread::sleep(QUIET);
        let start = Instant::now();
        ours();
        let end = Instant::now();
        drop(ending);
        let (during, quiet): (Vec<_>, Vec<_>) = visitors
            .into_iter()
            .flat_map(|visitor| visitor.join().unwrap())
            .filter(|(asked, _)| *asked < end)
            .partition(|(asked, wait)| *asked + *wait >= start);
        let waits = |requests: Vec<(Instant, Duration)>| -> Vec<f64> {
            requests
                .into_iter()
                .map(|(_, wait)| milliseconds(wait))
                .collect()
        };
        Round {
            quiet: waits(quiet),
            waits: waits(during),
            time: milliseconds(end - start),
        }
    })
}

/// What the rounds came to. Other work on the machine only adds time, so the longest wait of each round has to keep the
/// limit, in milliseconds, in the median.
pub fn measures(rounds: &[Round], visitor: &str, limit: f64, ours: &str) -> Vec<Measure> {
    let each = |value: fn(&Round) -> f64| -> Vec<f64> { rounds.iter().map(value).collect() };
    let longest = each(|round| most(&round.waits));
    vec![
        Measure::new(
            format!("longest wait of a {visitor}, median"),
            median(&longest),
            "ms",
        )
        .within(limit),
        Measure::new("longest wait, worst round", most(&longest), "ms"),
        Measure::new(
            "longest wait with nobody in the way",
            median(&each(|round| most(&round.quiet))),
            "ms",
        ),
        Measure::new(
            format!("time of {ours}, median"),
            median(&each(|round| round.time)),
            "ms",
        ),
    ]
}

/// Ends the visits when dropped, whatever happens to those who wait for them.
struct Ending<'a>(&'a AtomicBool);

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Asks until it is over; when was asked, and how long that took.
fn visit(
    database: &Database,
    requests: &[&str],
    number: usize,
    over: &AtomicBool,
) -> Vec<(Instant, Duration)> {
    let session = database.session("select 1");
    let mut all = Vec::new();
    for request in requests.iter().cycle().skip(number) {
        if over.load(Ordering::Relaxed) {
            break;
        }
        let asked = Instant::now();
        session.sql(request);
        all.push((asked, asked.elapsed()));
        thread::sleep(REST);
    }
    all
}

fn most(values: &[f64]) -> f64 {
    values.iter().copied().fold(0.0, f64::max)
}
