//! `policy apply` behind a reader: how long everybody else has to wait for it.
//!
//! A transaction that has read one of the tables stays open for five seconds. Meanwhile `policy apply` wants to change
//! policies on all of them, with the whole matrix asked before anything is kept, and others go on reading all of them.
//! What they wait is measured where they are: from the moment they ask to the moment they have their answer.

use std::path::Path;
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::measure::Measure;
use crate::policy::protected;
use crate::race::{median, milliseconds};
use crate::support::session::Session;
use crate::support::{Database, Tool};

/// How long the transaction stays open.
const HELD: Duration = Duration::from_secs(5);

/// How long everybody reads undisturbed, to know what they wait for anyhow.
const QUIET: Duration = Duration::from_secs(2);

/// How many read at a time.
const READERS: usize = 8;

/// How long a reader rests between two questions. They are visitors, who come and go; without a rest they would take
/// all of a small machine, and what is measured would be that.
const REST: Duration = Duration::from_millis(5);

/// What readers wait at most, in milliseconds.
const LIMIT: f64 = 300.0;

/// What readers ask, one after the other.
const QUESTIONS: [&str; 6] = [
    "select id, email from users limit 1",
    "select id, bio from creators limit 1",
    "select id, title from content limit 1",
    "select id, text from comments limit 1",
    "select id, amount from tips limit 1",
    "select id, view_count from analytics_views limit 1",
];

/// Leaves [`CHANGES`] to do, one or more on every table. Doing them tightens what everybody may do, so nobody is asked.
const LOOSEN: &str = "
    alter policy users_read on users using (true);
    alter policy creators_change on creators using (true);
    alter policy content_read on content using (true);
    alter policy comments_read on comments using (true);
    drop policy comments_delete on comments;
    alter policy tips_read on tips using (true);
    alter policy analytics_views_read on analytics_views using (true)";

/// How many things there are to do then.
const CHANGES: usize = 7;

/// What one run came to.
struct Run {
    /// What readers waited while nobody was in their way, in milliseconds.
    quiet: Vec<f64>,
    /// What they waited from the start of `policy apply` to its end.
    waits: Vec<f64>,
    /// How often it tried.
    tries: u32,
    /// How long it took.
    time: f64,
}

/// Runs it in rounds; other work on the machine only adds time, so the longest wait of each round has to keep the limit
/// in the median.
pub fn behind_a_reader(_folder: &Path, rounds: usize) -> Vec<Measure> {
    let database = protected(Database::seeded());
    let tool = Tool::new().on(&database);
    let runs: Vec<Run> = (0..rounds).map(|_| run(&database, &tool)).collect();
    let each = |value: fn(&Run) -> f64| -> Vec<f64> { runs.iter().map(value).collect() };
    let longest = each(|run| most(&run.waits));
    vec![
        Measure::new("longest wait of a reader, median", median(&longest), "ms").within(LIMIT),
        Measure::new("longest wait, worst round", most(&longest), "ms"),
        Measure::new(
            "longest wait with nobody in the way",
            median(&each(|run| most(&run.quiet))),
            "ms",
        ),
        Measure::new(
            "wait of a reader, median",
            median(&each(|run| median(&run.waits))),
            "ms",
        ),
        Measure::new(
            "attempts of policy apply, median",
            median(&each(|run| run.tries.into())),
            "",
        ),
        Measure::new(
            "time of policy apply, median",
            median(&each(|run| run.time)),
            "ms",
        ),
    ]
}

fn run(database: &Database, tool: &Tool) -> Run {
    database.sql(LOOSEN);
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        let ending = Ending(&over);
        let readers: Vec<_> = (0..READERS)
            .map(|number| {
                let over = &over;
                scope.spawn(move || read(database, number, over))
            })
            .collect();
        thread::sleep(QUIET);
        let reader = database.session("begin; select from content limit 1");
        let start = Instant::now();
        let mut command = tool.command(&["policy", "apply", "-o", "ndjson"]);
        let apply = command.stdout(Stdio::piped()).spawn().unwrap();
        thread::sleep(HELD);
        reader.sql("commit");
        let output = apply.wait_with_output().unwrap();
        let end = Instant::now();
        drop(ending);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{said}");
        let events = events(&output.stdout);
        let is_change = |event: &&Value| event.get("action").is_some();
        assert_eq!(events.iter().filter(is_change).count(), CHANGES);
        let is_retry = |event: &&Value| event["event"] == "retrying";
        let (during, quiet): (Vec<_>, Vec<_>) = readers
            .into_iter()
            .flat_map(|reader| reader.join().unwrap())
            .filter(|(asked, _)| *asked < end)
            .partition(|(asked, wait)| *asked + *wait >= start);
        let waits = |reads: Vec<(Instant, Duration)>| -> Vec<f64> {
            reads
                .into_iter()
                .map(|(_, wait)| milliseconds(wait))
                .collect()
        };
        Run {
            quiet: waits(quiet),
            waits: waits(during),
            tries: 1 + u32::try_from(events.iter().filter(is_retry).count()).unwrap(),
            time: milliseconds(end - start),
        }
    })
}

/// Ends the readers when dropped, whatever happens to those who wait for them.
struct Ending<'a>(&'a AtomicBool);

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Asks until it is over; when was asked, and how long that took.
fn read(database: &Database, number: usize, over: &AtomicBool) -> Vec<(Instant, Duration)> {
    let session: Session = database.session(
        "set role authenticated; set app.user_id = '00000000-0000-0000-0000-000000000001'",
    );
    let mut reads = Vec::new();
    for question in QUESTIONS.iter().cycle().skip(number) {
        if over.load(Ordering::Relaxed) {
            break;
        }
        let asked = Instant::now();
        session.sql(question);
        reads.push((asked, asked.elapsed()));
        thread::sleep(REST);
    }
    reads
}

/// What it told: a line each time it tries again, and a line a change in the end.
fn events(stdout: &[u8]) -> Vec<Value> {
    let lines = str::from_utf8(stdout).unwrap().lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn most(values: &[f64]) -> f64 {
    values.iter().copied().fold(0.0, f64::max)
}
