//! `migrate`, with a thousand small migrations and a large one.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

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

/// All of them for psql, with their rows in the history and `between` the statements of each.
fn all(between: &str) -> String {
    let mut all = String::from("set toysoldiers.tool_version = '0';\n");
    all.push_str(include_str!(
        "../database/bookkeeping/001_history_and_audit.sql"
    ));
    all.push_str("insert into toysoldiers.installation (version) values (1);\n");
    for number in 1..=COUNT {
        let text = text(number);
        let statements = [
            "begin",
            text.trim_end().trim_end_matches(';'),
            &format!(
                "insert into toysoldiers.history (version, name, applied_on, checksum) \
                 values ({number}, 't{number}', '2026-01-01T00:00:00Z', '1{number}')"
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
