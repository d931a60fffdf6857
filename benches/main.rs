//! Speed and memory, against what is already there: psql, pg_dump, and other tools of the trade if installed.
//!
//! Whole processes are measured, as a person runs them, so the harness is our own: a library that times functions
//! has nothing to time here. Milliseconds are the machine's; ratios are ours, and a ratio above its limit ends the
//! run with 1. A claim about speed is a test.
//!
//! What is no process's time is a measurement, with a limit or without: how long others wait, what a policy costs.
//!
//! `cargo bench -- 21 status` runs 21 rounds of the races and measurements with `status` in their name, and
//! `cargo bench -- policy` all that is about row-level security, which takes some minutes: one of them waits five
//! seconds a round behind a reader, another reads two million rows.

#![allow(clippy::print_stdout, reason = "the table is the result")]
#![allow(
    clippy::unwrap_used,
    reason = "a race that cannot be run is over, as a test is"
)]

mod backup;
mod dashboard;
mod deploy;
mod index;
mod measure;
mod migrate;
mod peers;
mod policy;
mod process;
mod race;
mod reader;
#[path = "../tests/support/mod.rs"]
#[allow(dead_code, unused_imports, reason = "tests need more of it")]
mod support;
mod version;
mod visitors;
mod wrapped;

use std::process::ExitCode;

use measure::Take;
use race::Prepare;
use support::Folder;

/// Rounds after the first, which only warms up and measures memory.
const ROUNDS: usize = 7;

/// The races by name.
const RACES: [(&str, Prepare); 12] = [
    ("migrate up, 1,000 pending", migrate::all_pending),
    ("migrate up, none pending", migrate::none_pending),
    ("migrate status, 1,000", migrate::status),
    ("migrate check, 1,000", migrate::check),
    ("migrate up, 10 MB", migrate::large),
    ("--version", version::version),
    ("dashboard", dashboard::dashboard),
    ("backup create", backup::create),
    ("policy status, 200", policy::status),
    ("policy test", policy::test),
    ("index status, 300", index::status),
    ("index apply, 2,000,000 rows", index::apply),
];

/// The measurements by name.
const MEASUREMENTS: [(&str, Take); 6] = [
    ("policy apply, a reader", reader::behind_a_reader),
    ("policy, wrapped", wrapped::wrapped),
    ("deploy, an upgrade", deploy::upgrade),
    ("index apply, builds", index::builds),
    ("index apply, replaces", index::replaces),
    ("migrate verify", migrate::verify),
];

fn main() -> ExitCode {
    if process::between() {
        return ExitCode::SUCCESS;
    }
    if cfg!(debug_assertions) {
        println!("not measured: this build is not optimised; use `cargo bench`");
        return ExitCode::SUCCESS;
    }
    let words: Vec<String> = std::env::args()
        .skip(1)
        .filter(|word| !word.starts_with('-'))
        .collect();
    let (numbers, names): (Vec<&String>, Vec<&String>) =
        words.iter().partition(|word| word.parse::<usize>().is_ok());
    let rounds = numbers
        .first()
        .map_or(ROUNDS, |word| word.parse().unwrap())
        .max(1);
    let wanted =
        |name: &str| names.is_empty() || names.iter().any(|word| name.contains(word.as_str()));
    let folder = Folder::new();
    let mut broken = 0;
    let races = RACES.iter().filter(|(name, _)| wanted(name));
    for (place, (name, prepare)) in races.enumerate() {
        if place == 0 {
            println!("{}", race::HEADER.join("\n"));
        }
        broken += prepare(folder.path()).run(name, rounds);
    }
    let measurements = MEASUREMENTS.iter().filter(|(name, _)| wanted(name));
    for (place, (name, take)) in measurements.enumerate() {
        if place == 0 {
            println!("{}", measure::HEADER);
        }
        broken += measure::report(name, &take(folder.path(), rounds));
    }
    if broken == 0 {
        return ExitCode::SUCCESS;
    }
    println!("limits broken: {broken}");
    ExitCode::FAILURE
}
