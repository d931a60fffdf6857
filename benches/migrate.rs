//! `migrate`, with a thousand small migrations and a large one.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use crate::measure::Measure;
use crate::peers;
use crate::race::{MEMORY_WITH_RULES, Race, Rival, Run};
use crate::support::server::{bin, sql};
use crate::support::{Database, Tool};

/// How many there are.
pub const COUNT: usize = 1000;

/// What the one of this number says.
pub fn text(number: usize) -> String {
    format!("create table t{number}(id int);\n")
}

/// All of them, to an empty database: against one session of psql that sends the same, our bookkeeping included,
/// statement by statement as a person would write it, and a message a migration, which is how we send it.
pub fn all_pending(folder: &Path) -> Race {
    let files = files(folder);
    let floor = |name, between, limit| {
        let script = folder.join(format!("{name}.sql"));
        std::fs::write(&script, all(between)).unwrap();
        let run = afresh(move |database| psql(database, &script));
        Rival { name, run, limit }
    };
    let floors = [
        floor("psql", ";\n", Some(1.15)),
        // psql sends what stands between `\;` as one message.
        floor("psql \\;", "\\;\n", None),
    ];
    let tool = Tool::new();
    let race = Race::new(up(tool, files), floors.into_iter().chain(peers::up(folder)));
    Race {
        memory: MEMORY_WITH_RULES,
        ..race
    }
}

/// `migrate up` with these files.
fn up(tool: Tool, files: String) -> Run {
    afresh(move |database| {
        let url = database.url();
        tool.command(&[
            "--database-url",
            &url,
            "migrate",
            "up",
            "--migrations",
            &files,
        ])
    })
}

/// The tables that the rows of a migration go into.
const BOOKKEEPING: [&str; 3] = [
    include_str!("../database/bookkeeping/001_history_and_audit.sql"),
    include_str!("../database/bookkeeping/002_stamp.sql"),
    include_str!("../database/bookkeeping/003_runs.sql"),
];

/// All of them for psql, with their rows in the history and among the runs, and `between` the statements of each.
fn all(between: &str) -> String {
    let mut all = String::from("set toysoldiers.tool_version = '0';\n");
    all.extend(BOOKKEEPING);
    all.push_str("insert into toysoldiers.installation (version) values (3);\n");
    for number in 1..=COUNT {
        let text = text(number);
        let statements = [
            "begin",
            text.trim_end().trim_end_matches(';'),
            &format!(
                "insert into toysoldiers.history (version, name, applied_on, checksum) \
                 values ({number}, 't{number}', '2026-01-01T00:00:00Z', '1{number}')"
            ),
            &format!(
                "insert into toysoldiers.runs (version, name, action, outcome, checksum, sql, statements) \
                 values ({number}, 't{number}', 'up', 'done', '1{number}', '{text}', 1)"
            ),
            "commit",
        ];
        all.push_str(&statements.join(between));
        all.push_str(";\n");
    }
    all
}

/// All of them applied before: against psql that reads the history.
pub fn none_pending(folder: &Path) -> Race {
    applied(folder, "up", peers::up_again(folder))
}

/// Their state: against psql that reads the history.
pub fn status(folder: &Path) -> Race {
    applied(folder, "status", peers::status(folder))
}

fn applied(folder: &Path, command: &'static str, peers: Vec<Rival>) -> Race {
    let database = Database::empty();
    let files = files(folder);
    let tool = Tool::new().on(&database);
    tool.run(&["migrate", "up", "--migrations", &files]).ok();
    let script = folder.join("history.sql");
    let history = include_str!("../database/queries/migrate/history.sql");
    std::fs::write(&script, history).unwrap();
    let floor = Rival {
        name: "psql",
        run: Box::new(move || psql(&database, &script)),
        limit: None,
    };
    Race::new(
        Box::new(move || tool.command(&["migrate", command, "--migrations", &files])),
        std::iter::once(floor).chain(peers),
    )
}

/// All of them looked at without a server. Nobody else does that, so the limit is a time.
pub fn check(folder: &Path) -> Race {
    let files = files(folder);
    let tool = Tool::new();
    let race = Race::new(
        Box::new(move || tool.command(&["migrate", "check", "--migrations", &files])),
        [],
    );
    Race {
        within: Some(Duration::from_secs(1)),
        memory: MEMORY_WITH_RULES,
        ..race
    }
}

/// One file of many statements, against psql with the same file, in a transaction too.
pub fn large(folder: &Path) -> Race {
    const STATEMENTS: usize = 200_000;
    let files = folder.join("large");
    std::fs::create_dir_all(&files).unwrap();
    let file = files.join("001_rows.sql");
    let mut text = String::from("create table rows(id int, name text);\n");
    for number in 1..=STATEMENTS {
        let _ = writeln!(
            text,
            "insert into rows values ({number}, 'row {number:010}');"
        );
    }
    std::fs::write(&file, &text).unwrap();
    let psql = Rival {
        name: "psql -1",
        run: afresh(move |database| {
            let mut command = psql(database, &file);
            command.arg("-1");
            command
        }),
        limit: Some(1.2),
    };
    let race = Race::new(up(Tool::new(), files.display().to_string()), [psql]);
    #[allow(clippy::cast_precision_loss, reason = "it is some megabytes")]
    let size = text.len() as f64 / f64::from(1 << 20);
    Race {
        memory: 100.0 + size,
        ..race
    }
}

/// A replay of many tables and statements, all of them pending and so looked at one by one: against `migrate up` of the
/// same. It may take a second more than three times as long, and twice the statements twice the time.
pub fn verify(folder: &Path, rounds: usize) -> Vec<Measure> {
    const TABLES: usize = 150;
    const INSERTS: usize = 3000;
    let replay = |count: usize| {
        let files = folder.join(format!("verify{count}"));
        std::fs::create_dir_all(&files).unwrap();
        let mut text = String::new();
        for table in 1..=TABLES {
            let _ = writeln!(
                text,
                "create table t{table}(id int primary key, name text);"
            );
        }
        std::fs::write(files.join("001_tables.sql"), &text).unwrap();
        text.clear();
        for number in 1..=count {
            let table = number % TABLES + 1;
            let _ = writeln!(
                text,
                "insert into t{table} values ({number}, 'row {number}');"
            );
        }
        std::fs::write(files.join("002_rows.sql"), &text).unwrap();
        let files = files.display().to_string();
        let mut all: Vec<(f64, f64)> = (0..rounds)
            .map(|_| {
                let database = Database::empty();
                let tool = Tool::new().on(&database);
                let server = database.server.database("postgres").url();
                let timed = |args: &[&str]| {
                    let start = Instant::now();
                    tool.run(&[args, &["--migrations", &files]].concat()).ok();
                    start.elapsed().as_secs_f64() * 1000.0
                };
                let verify = timed(&["migrate", "verify", "--scratch-url", &server]);
                (timed(&["migrate", "up"]), verify)
            })
            .collect();
        all.sort_by(|one, other| one.1.total_cmp(&other.1));
        all[all.len() / 2]
    };
    let (up, verify) = replay(INSERTS);
    let (_, twice) = replay(2 * INSERTS);
    vec![
        Measure::new("migrate up", up, "ms"),
        Measure::new("migrate verify", verify, "ms"),
        Measure::new("a second less, by up", (verify - 1000.0).max(0.0) / up, "x").within(3.0),
        Measure::new("twice the statements", twice / verify, "x").within(2.2),
    ]
}

/// Writes them; the folder they are in.
fn files(folder: &Path) -> String {
    let files = folder.join("migrations");
    write_all(&files, |number| format!("{number:04}_t{number}.sql"), text);
    files.display().to_string()
}

/// Writes a file for each of them; the folder they are in.
pub fn write_all(
    folder: &Path,
    name: impl Fn(usize) -> String,
    text: impl Fn(usize) -> String,
) -> PathBuf {
    for number in 1..=COUNT {
        let file = folder.join(name(number));
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, text(number)).unwrap();
    }
    folder.to_owned()
}

/// psql with a file.
pub fn psql(database: &Database, file: &Path) -> Command {
    let mut command = Command::new(bin().join("psql"));
    command
        .args(["-X", "-q", "-v", "ON_ERROR_STOP=1", "-f"])
        .arg(file)
        .arg(database.url());
    command
}

/// A command on an empty database each time; the one before is dropped.
pub fn afresh(mut command: impl FnMut(&Database) -> Command + 'static) -> Run {
    let mut last: Option<Database> = None;
    Box::new(move || {
        if let Some(last) = &last {
            let drop = format!("drop database {} with (force)", last.name);
            sql(Database::socket(), "postgres", &drop);
        }
        command(last.insert(Database::empty()))
    })
}
