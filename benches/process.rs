//! One run of one process: how long it takes, and how much memory it needs at most.

use std::fs::File;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::resource::{UsageWho, getrusage};

use crate::support::Folder;

/// The first word of a command line that [`between`] takes for itself.
const BETWEEN: &str = "--between";

/// Runs it to its end, with nobody reading what it says.
pub fn time(command: &mut Command) -> Duration {
    let folder = Folder::new();
    let path = folder.path().join("stderr");
    let stderr = File::create(&path).unwrap();
    let start = Instant::now();
    let status = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(stderr)
        .status()
        .unwrap();
    let elapsed = start.elapsed();
    let said = || std::fs::read_to_string(&path).unwrap_or_default();
    assert!(status.success(), "{command:?}\n{}", said());
    elapsed
}

/// Its largest resident set, in kB, or that of its largest child such as pg_dump, which the kernel counts too.
///
/// The kernel also counts whoever started it. So a small process in between does: this program, called with
/// [`BETWEEN`].
pub fn peak(command: &mut Command) -> u32 {
    let mut between = Command::new(std::env::current_exe().unwrap());
    between
        .arg(BETWEEN)
        .arg(command.get_program())
        .args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => between.env(name, value),
            None => between.env_remove(name),
        };
    }
    if let Some(folder) = command.get_current_dir() {
        between.current_dir(folder);
    }
    let output = between.stdin(Stdio::null()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}\n{said}");
    String::from_utf8(output.stdout).unwrap().parse().unwrap()
}

/// Makes of this program the process in between, if it was called so: runs a command and prints its peak.
pub fn between() -> bool {
    let mut words = std::env::args_os().skip(1);
    if words.next().is_none_or(|word| word != BETWEEN) {
        return false;
    }
    let mut command = Command::new(words.next().unwrap());
    let status = command.args(words).stdout(Stdio::null()).status().unwrap();
    assert!(status.success(), "{status}");
    print!(
        "{}",
        getrusage(UsageWho::RUSAGE_CHILDREN).unwrap().max_rss()
    );
    true
}
