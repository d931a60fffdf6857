//! Speed and memory, against what is already there: psql, pg_dump, and other tools of the trade if installed.
//!
//! Whole processes are measured, as a person runs them, so the harness is our own: a library that times functions
//! has nothing to time here. Milliseconds are the machine's; ratios are ours, and a ratio above its limit ends the
//! run with 1. A claim about speed is a test.
//!
//! `cargo bench -- 21 status` runs 21 rounds of the races with `status` in their name.

#![allow(clippy::print_stdout, reason = "the table is the result")]
#![allow(
    clippy::unwrap_used,
    reason = "a race that cannot be run is over, as a test is"
)]

mod backup;
mod dashboard;
mod migrate;
mod peers;
mod process;
mod race;
#[path = "../tests/support/mod.rs"]
#[allow(dead_code, unused_imports, reason = "tests need more of it")]
mod support;
mod version;

use std::process::ExitCode;

use race::Prepare;
use support::Folder;

/// Rounds after the first, which only warms up and measures memory.
const ROUNDS: usize = 7;

/// The races by name.
const RACES: [(&str, Prepare); 8] = [
    ("migrate up, 1,000 pending", migrate::all_pending),
    ("migrate up, none pending", migrate::none_pending),
    ("migrate status, 1,000", migrate::status),
    ("migrate check, 1,000", migrate::check),
    ("migrate up, 10 MB", migrate::large),
    ("--version", version::version),
    ("dashboard", dashboard::dashboard),
    ("backup create", backup::create),
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
    let folder = Folder::new();
    println!("{}", race::HEADER.join("\n"));
    let mut broken = 0;
    for (name, prepare) in RACES {
        if names.is_empty() || names.iter().any(|wanted| name.contains(wanted.as_str())) {
            broken += prepare(folder.path()).run(name, rounds);
        }
    }
    if broken == 0 {
        return ExitCode::SUCCESS;
    }
    println!("limits broken: {broken}");
    ExitCode::FAILURE
}
