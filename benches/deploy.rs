//! A whole upgrade of the platform through `deploy`, while everybody reads and writes: how long they wait for it.
//!
//! A new table with row-level security, its policy and its index, a column of an old table, a view that tells more, and
//! an index on a table that is written to. What others wait is measured where they are: from the moment they ask to the
//! moment they have their answer.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::measure::Measure;
use crate::race::{median, milliseconds};
use crate::support::{Database, Tool};

/// How many read at a time, and how many write.
const READERS: usize = 6;
const WRITERS: usize = 2;

/// How long they rest between two requests. They are visitors, who come and go; without a rest they would take all of
/// a small machine, and what is measured would be that.
const REST: Duration = Duration::from_millis(5);

/// How long everybody is at it undisturbed, to know what they wait for anyhow.
const QUIET: Duration = Duration::from_secs(1);

/// What a request waits at most, in milliseconds.
const LIMIT: f64 = 500.0;

const READS: [&str; 4] = [
    "select id, title from content order by created_at desc limit 20",
    "select id, text from comments limit 20",
    "select sum(amount) from tips where created_at > now() - interval '1 day'",
    "select id, bio from creators limit 20",
];

const WRITES: [&str; 3] = [
    "update content set updated_at = now() where id = (select id from content order by random() limit 1)",
    "insert into comments (content_id, user_id, text) select c.id, u.id, 'new' from content c, users u order by random() limit 1",
    "update tips set status = 'completed' where id = (select id from tips order by random() limit 1)",
];

const MIGRATION: &str = "create table playlists (
    id uuid primary key default gen_random_uuid(),
    creator_id uuid not null references creators on delete cascade,
    title text not null
);
alter table playlists enable row level security;
alter table content add column playlist_id uuid references playlists;
create or replace view dashboard_playlists with (security_barrier = true) as
select p.id, p.title, count(c.id) as items
from playlists p
left join content c on c.playlist_id = p.id
group by p.id;
";
const POLICY: &str = "alter table playlists enable row level security;
create policy playlists_read on playlists for select to anon, authenticated using (true);
grant select on playlists to anon, authenticated;
";
const INDEX: &str = "create index playlists_creator_id_idx on playlists (creator_id);\n";
const BUSY: &str = "create index comments_created_at_idx on comments (created_at);\n";

/// What one round came to, in milliseconds.
struct Round {
    quiet: Vec<f64>,
    waits: Vec<f64>,
    time: f64,
}

/// Runs it in rounds, each on a database of its own; other work on the machine only adds time, so the longest wait of
/// each round has to keep the limit in the median.
pub fn upgrade(_folder: &Path, rounds: usize) -> Vec<Measure> {
    let rounds: Vec<Round> = (0..rounds).map(|_| round()).collect();
    let each = |value: fn(&Round) -> f64| -> Vec<f64> { rounds.iter().map(value).collect() };
    vec![
        Measure::new(
            "longest wait of a request, median",
            median(&each(|round| most(&round.waits))),
            "ms",
        )
        .within(LIMIT),
        Measure::new(
            "longest wait, worst round",
            most(&each(|round| most(&round.waits))),
            "ms",
        ),
        Measure::new(
            "longest wait with nobody in the way",
            median(&each(|round| most(&round.quiet))),
            "ms",
        ),
        Measure::new(
            "time of deploy, median",
            median(&each(|round| round.time)),
            "ms",
        ),
    ]
}

fn round() -> Round {
    let database = Database::seeded();
    let tool = Tool::new().on(&database);
    copy(&tool);
    tool.run(&["deploy"]).ok();
    tool.write("database/migrations/900_playlists.sql", MIGRATION);
    tool.write("database/policies/playlists.sql", POLICY);
    tool.write("database/indexes/playlists.sql", INDEX);
    let comments = tool.path().join("database/indexes/comments.sql");
    let declared = std::fs::read_to_string(&comments).unwrap_or_default();
    tool.write("database/indexes/comments.sql", format!("{declared}{BUSY}"));
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        let ending = Ending(&over);
        let visitors: Vec<_> = (0..READERS)
            .map(|number| (number, &READS[..]))
            .chain((0..WRITERS).map(|number| (number, &WRITES[..])))
            .map(|(number, requests)| {
                let (database, over) = (&database, &over);
                scope.spawn(move || visit(database, requests, number, over))
            })
            .collect();
        thread::sleep(QUIET);
        let start = Instant::now();
        tool.run(&["deploy"]).ok();
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

/// The platform's own files, beside the program.
fn copy(tool: &Tool) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for noun in ["migrations", "policies", "indexes"] {
        let folder = Path::new("database").join(noun);
        for entry in std::fs::read_dir(root.join(&folder)).unwrap() {
            let path = entry.unwrap().path();
            let name = folder.join(path.file_name().unwrap());
            tool.write(name.to_str().unwrap(), std::fs::read(&path).unwrap());
        }
    }
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
