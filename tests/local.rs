//! The private server.

use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Stdio};

use insta::assert_snapshot;

use crate::support::{Folder, Tool, server};

/// A program with a private server of its own, which ends with the test, whatever ends the test.
pub struct Private {
    pub tool: Tool,
    watchdog: Child,
}

impl Private {
    pub fn new() -> Self {
        let tool = Tool::new();
        let folder = tool.path().join("local");
        let tool = tool.env("TOYSOLDIERS_LOCAL_DIR", folder.to_str().unwrap());
        let watchdog = std::process::Command::new("/bin/sh")
            .args([
                "-c",
                "cat >/dev/null; exec \"$0\" local stop >/dev/null 2>&1",
            ])
            .arg(env!("CARGO_BIN_EXE_toysoldiers"))
            .env("TOYSOLDIERS_LOCAL_DIR", &folder)
            .current_dir("/")
            .stdin(Stdio::piped())
            // Out of reach of the terminal's Ctrl-C.
            .process_group(0)
            .spawn()
            .unwrap();
        Self { tool, watchdog }
    }

    pub fn folder(&self) -> PathBuf {
        self.tool.path().join("local")
    }

    pub fn status(&self) -> serde_json::Value {
        self.tool
            .run(&["local", "status", "-o", "json"])
            .ok()
            .json()
    }

    pub fn sql(&self, database: &str, text: &str) -> Vec<String> {
        server::sql(&self.folder().join("run"), database, text)
    }

    pub fn pid(&self) -> rustix::process::Pid {
        rustix::process::Pid::from_raw(
            i32::try_from(self.status()["pid"].as_i64().unwrap()).unwrap(),
        )
        .unwrap()
    }

    fn kill(&self) {
        let pid = self.pid();
        rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
        // Gone, or left for somebody else to bury.
        let stat = || {
            std::fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero()))
                .unwrap_or_default()
        };
        while !(stat().is_empty() || stat().contains(") Z ")) {
            std::thread::yield_now();
        }
    }
}

impl Drop for Private {
    fn drop(&mut self) {
        drop(self.watchdog.stdin.take());
        let _ = self.watchdog.wait();
    }
}

#[test]
fn starts_stops_and_says_how_it_stands() {
    let private = Private::new();
    let tool = &private.tool;
    assert_snapshot!(tool.run(&["local", "status"]), @"
    -- stdout
    running  no
    pid  -
    version  -
    started at  -
    folder  HERE/local
    socket  HERE/local/run
    log  HERE/local/server.log
    databases  -
    -- exit 0
    ");
    assert_snapshot!(tool.run(&["local", "start"]), @"
    -- stdout
    running  yes
    pid PID
    version  VERSION
    started at  NOW
    folder  HERE/local
    socket  HERE/local/run
    log  HERE/local/server.log
    databases  -
    -- stderr
    making the local server (the first time only)
    the local server is running
    -- exit 0
    ");
    assert_snapshot!(tool.run(&["local", "start"]).stderr, @"the local server was running before; nothing was changed");
    let status = private.status();
    let keys: Vec<&String> = status.as_object().unwrap().keys().collect();
    assert_eq!(
        keys,
        [
            "running",
            "pid",
            "version",
            "started_at",
            "folder",
            "socket",
            "log",
            "databases"
        ]
    );
    assert_eq!(status["running"], true);
    assert_snapshot!(tool.run(&["local", "stop"]).stderr, @"the local server is stopped");
    assert_snapshot!(tool.run(&["local", "stop"]).stderr, @"the local server was stopped before; nothing was changed");
    assert_eq!(private.status()["running"], false);
}

#[test]
fn listens_on_a_socket_only_and_lets_nobody_else_in() {
    let private = Private::new();
    private.tool.run(&["local", "start"]).ok();
    assert_eq!(private.sql("postgres", "show listen_addresses"), [""]);
    assert_eq!(
        private.sql("postgres", "show unix_socket_permissions"),
        ["0700"]
    );
    let root = rustix::process::geteuid().is_root();
    for (folder, mode) in [
        ("local", if root { 0o755 } else { 0o700 }),
        ("local/run", 0o700),
        ("local/data", 0o700),
    ] {
        let there = std::fs::metadata(private.tool.path().join(folder)).unwrap();
        assert_eq!(there.permissions().mode() & 0o777, mode, "{folder}");
    }
}

#[test]
fn commands_that_race_to_start_it_get_one_server() {
    let private = Private::new();
    let racers: Vec<Child> = (0..4)
        .map(|_| private.tool.spawn(&["local", "start", "-o", "json"]))
        .collect();
    let answers: Vec<_> = racers
        .into_iter()
        .map(|racer| private.tool.outcome(racer).ok().json())
        .collect();
    assert_eq!(
        answers
            .iter()
            .filter(|answer| answer["changed"] == true)
            .count(),
        1
    );
    assert!(
        answers
            .iter()
            .all(|answer| answer["pid"] == answers[0]["pid"]),
        "{answers:?}"
    );
}

#[test]
fn any_command_on_local_starts_it_and_makes_the_database() {
    let private = Private::new();
    let racers: Vec<Child> = (0..3)
        .map(|_| private.tool.spawn(&["migrate", "up"]))
        .collect();
    for racer in racers {
        private.tool.outcome(racer).ok();
    }
    assert_eq!(
        private.sql("toysoldiers", "select count(*) from toysoldiers.history"),
        ["13"]
    );
    private.tool.run(&["local", "stop"]).ok();
    let status = private
        .tool
        .run(&["migrate", "status", "--check", "-o", "json"])
        .ok()
        .json();
    assert_eq!(status["migrations"].as_array().unwrap().len(), 13);
}

#[test]
fn after_a_crash_it_starts_again_with_everything() {
    let private = Private::new();
    private.tool.run(&["local", "start"]).ok();
    // What was committed a moment ago may be lost; what reached the disk is not.
    private.sql("postgres", "create table kept as select 7 as n");
    private.sql("postgres", "checkpoint");
    private.kill();
    assert!(private.folder().join("data/postmaster.pid").exists());
    private.tool.run(&["local", "start"]).ok();
    assert_eq!(private.sql("postgres", "select n from kept"), ["7"]);
}

#[test]
fn a_stale_pid_file_that_names_somebody_else_is_no_obstacle() {
    let private = Private::new();
    private.tool.run(&["local", "start"]).ok();
    let pid_file = private.folder().join("data/postmaster.pid");
    let text = std::fs::read_to_string(&pid_file).unwrap();
    private.tool.run(&["local", "stop"]).ok();
    // The number belongs to this very process now: alive, of a user who may send it signals.
    let (_, rest) = text.split_once('\n').unwrap();
    std::fs::write(&pid_file, format!("{}\n{rest}", std::process::id())).unwrap();
    assert_eq!(private.status()["running"], false);
    assert_eq!(
        private
            .tool
            .run(&["local", "stop", "-o", "json"])
            .ok()
            .json()["changed"],
        false
    );
    private.tool.run(&["local", "start"]).ok();
    assert_eq!(private.sql("postgres", "select 1"), ["1"]);
}

#[test]
fn a_half_made_data_folder_is_no_obstacle() {
    let private = Private::new();
    // What a killed initdb leaves behind, under the name it works on.
    std::fs::create_dir_all(private.folder()).unwrap();
    std::fs::create_dir_all(private.folder().join("data.new/base")).unwrap();
    std::fs::write(private.folder().join("data.new/PG_VERSION"), "15\n").unwrap();
    if let Some((uid, gid)) = server::server_user() {
        for folder in ["", "data.new", "data.new/base"] {
            std::os::unix::fs::chown(private.folder().join(folder), Some(uid), Some(gid)).unwrap();
        }
    }
    private.tool.run(&["local", "start"]).ok();
    private.tool.run(&["local", "stop"]).ok();
    // What an unlucky disk leaves behind: kept, out of the way.
    std::fs::remove_file(private.folder().join("data/global/pg_control")).unwrap();
    assert_snapshot!(private.tool.run(&["local", "start"]).ok().stderr, @"
    warning: the data folder was not whole; it was put aside as HERE/local/data.broken-1
    making the local server (the first time only)
    the local server is running
    ");
    assert!(private.folder().join("data.broken-1/PG_VERSION").exists());
    assert!(!private.folder().join("data.new").exists());
}

#[test]
fn a_server_that_does_not_start_says_why() {
    let private = Private::new();
    private.tool.run(&["local", "start"]).ok();
    private.tool.run(&["local", "stop"]).ok();
    std::fs::write(
        private.folder().join("data/postgresql.conf"),
        "nonsense = 7\n",
    )
    .unwrap();
    let outcome = private.tool.run(&["local", "start"]).code(1);
    assert!(
        outcome
            .stderr
            .contains("error: the local server did not start"),
        "{outcome}"
    );
    assert!(
        outcome
            .stderr
            .contains("unrecognized configuration parameter \"nonsense\""),
        "{outcome}"
    );
    assert!(outcome.stderr.contains("local reset --all"), "{outcome}");
    private
        .tool
        .run(&["local", "reset", "--all", "--confirm", "local"])
        .ok();
    private.tool.run(&["local", "start"]).ok();
}

#[test]
fn data_of_another_version_is_an_error_that_names_it() {
    let private = Private::new();
    private.tool.run(&["local", "start"]).ok();
    private.tool.run(&["local", "stop"]).ok();
    std::fs::write(private.folder().join("data/PG_VERSION"), "9\n").unwrap();
    let outcome = private.tool.run(&["local", "start"]).code(4);
    assert!(
        outcome
            .stderr
            .contains("the local server's data was made by PostgreSQL 9, and this machine has "),
        "{outcome}"
    );
    std::fs::write(private.folder().join("data/PG_VERSION"), "99\n").unwrap();
    let outcome = private.tool.run(&["local", "start"]);
    assert!(outcome.stderr.contains("99"), "{outcome}");
    assert!(
        outcome.code == Some(4) || outcome.code == Some(6),
        "{outcome}"
    );
}

#[test]
fn reset_empties_one_database_and_asks_for_its_name() {
    let private = Private::new();
    let tool = &private.tool;
    tool.run(&["migrate", "up"]).ok();
    tool.run(&["--env", "demo", "migrate", "up"]).ok();
    assert_snapshot!(tool.run(&["local", "reset"]), @"
    -- stderr
    error: cannot drop the database toysoldiers without a confirmation: there is no terminal to ask on
      hint: confirm with `--confirm local`
    -- exit 6
    ");
    assert_snapshot!(tool.run(&["local", "reset", "--yes"]), @"
    -- stderr
    error: cannot drop the database toysoldiers without a confirmation: there is no terminal to ask on
      hint: confirm with `--confirm local`
    -- exit 6
    ");
    assert_snapshot!(tool.run(&["local", "reset", "--confirm", "demo"]), @"
    -- stderr
    error: `--confirm demo` does not name local
      hint: to drop the database toysoldiers, give `--confirm local`
    -- exit 6
    ");
    assert_snapshot!(tool.run(&["local", "reset", "--dry-run"]), @"
    -- stdout
    plan: drop the database toysoldiers
      drop database toysoldiers  (everything in it; an empty one takes its place)
    -- stderr
    dry run: nothing was changed
    -- exit 0
    ");
    assert_eq!(
        private.sql("toysoldiers", "select count(*) from toysoldiers.history"),
        ["13"]
    );
    assert_snapshot!(tool.run(&["local", "reset", "--confirm", "local"]), @"
    -- stdout
    database  toysoldiers
    folder  HERE/local
    -- stderr
    toysoldiers is empty now; fill it with `toysoldiers migrate up`
    -- exit 0
    ");
    assert_eq!(
        private.sql(
            "toysoldiers",
            "select to_regnamespace('toysoldiers') is null"
        ),
        ["t"]
    );
    assert_eq!(
        private.sql(
            "toysoldiers_demo",
            "select count(*) from toysoldiers.history"
        ),
        ["13"]
    );
    assert_snapshot!(tool.run(&["local", "reset", "--all", "--confirm", "local"]), @"
    -- stdout
    database  -
    folder  HERE/local
    -- stderr
    the local server's data is deleted; the next command makes a new one
    -- exit 0
    ");
    assert!(!private.folder().join("data").exists());
    assert_eq!(private.status()["running"], false);
}

#[test]
fn on_a_terminal_the_name_is_typed() {
    let private = Private::new();
    private.tool.run(&["migrate", "up"]).ok();
    let mut terminal = private.tool.terminal(&["local", "reset"]);
    terminal
        .exp_string("type local to drop the database toysoldiers")
        .unwrap();
    terminal.send_line("yes").unwrap();
    terminal.exp_string("nothing was changed").unwrap();
    terminal.exp_eof().unwrap();
    assert!(format!("{:?}", terminal.process().wait().unwrap()).contains(", 7)"));
    let mut terminal = private.tool.terminal(&["local", "reset"]);
    terminal.exp_string("type local").unwrap();
    terminal.send_line("local").unwrap();
    terminal.exp_string("is empty now").unwrap();
    terminal.exp_eof().unwrap();
}

#[test]
fn logs_are_the_servers() {
    let private = Private::new();
    assert_snapshot!(private.tool.run(&["local", "logs"]), @"
    -- stderr
    error: there is no log yet in HERE/local
      hint: start the server with `toysoldiers local start`
    -- exit 1
    ");
    private.tool.run(&["local", "start"]).ok();
    let _ = server::try_sql(&private.folder().join("run"), "postgres", "select nothing");
    let logs = private.tool.run(&["local", "logs", "-n", "2"]).ok();
    assert_eq!(logs.stdout.lines().count(), 2, "{logs}");
    assert!(logs.stdout.contains("select nothing"), "{logs}");
}

#[test]
fn local_is_the_private_server_whatever_the_file_says() {
    let tool = Tool::new();
    tool.write("toysoldiers.toml", "default_env = \"production\"\n[env.production]\nurl = \"postgresql://a@b/c\"\nprotected = true\n");
    let tool = tool
        .env("TOYSOLDIERS_ENV", "production")
        .env("DATABASE_URL", "postgresql://a@b/c");
    let outcome = tool.run(&["local", "reset", "--dry-run"]).ok();
    assert!(
        outcome.stdout.contains("drop database toysoldiers "),
        "{outcome}"
    );
    assert_snapshot!(tool.run(&["local", "reset", "--env", "production"]), @"
    -- stderr
    error: `local` commands are about the private server, which holds `local` and `demo`
      hint: leave out `--env` and `--database-url`, or name one of the two
    -- exit 2
    ");
}

#[test]
fn without_postgresqls_programs_there_is_one_error_that_says_what_to_do() {
    let empty = Folder::new();
    let private = Private::new();
    let tool = Tool::new()
        .env("TOYSOLDIERS_LOCAL_DIR", private.folder().to_str().unwrap())
        .env("TOYSOLDIERS_PG_BIN", empty.path().to_str().unwrap());
    let outcome = tool.run(&["local", "start"]);
    assert_snapshot!(outcome.to_string().replace(empty.path().to_str().unwrap(), "EMPTY"), @"
    -- stderr
    error: no initdb, postgres in EMPTY, which TOYSOLDIERS_PG_BIN names
      hint: name a folder that holds PostgreSQL's programs, or unset it to have them found
    -- exit 4
    ");
    tool.run(&["migrate", "up"]).code(4);
}

#[test]
fn a_folder_that_cannot_be_used_is_an_error() {
    let tool = Tool::new().env("TOYSOLDIERS_LOCAL_DIR", "/dev/null/x");
    assert_snapshot!(tool.run(&["local", "start"]), @"
    -- stderr
    error: the folder /dev/null/x cannot be used
      caused by: not a directory
      hint: name a folder of your own in TOYSOLDIERS_LOCAL_DIR
    -- exit 4
    ");
    let deep = format!("/tmp/{}", "x".repeat(100));
    let tool = Tool::new().env("TOYSOLDIERS_LOCAL_DIR", &deep);
    assert_snapshot!(tool.run(&["local", "start"]).to_string().replace(&deep, "DEEP"), @"
    -- stderr
    error: the folder DEEP is too deep: its socket's path would have 123 bytes, and 107 is the limit
      hint: name a shorter folder in TOYSOLDIERS_LOCAL_DIR
    -- exit 4
    ");
    assert!(!PathBuf::from(deep).exists());
    // A folder only others may use: another user's for root, a read-only one for everyone else.
    let closed = Folder::new();
    let mode = if server::server_user().is_some() {
        0o700
    } else {
        0o500
    };
    std::fs::set_permissions(closed.path(), std::fs::Permissions::from_mode(mode)).unwrap();
    let tool = Tool::new().env(
        "TOYSOLDIERS_LOCAL_DIR",
        closed.path().join("x").to_str().unwrap(),
    );
    let outcome = tool.run(&["local", "start"]).code(4);
    assert!(outcome.stderr.contains("cannot be used"), "{outcome}");
    assert!(outcome.stderr.contains("hint: name a folder"), "{outcome}");
}

#[test]
fn without_a_home_there_is_no_place_unless_one_is_named() {
    if server::server_user().is_none() {
        let tool = Tool::new().without("TOYSOLDIERS_LOCAL_DIR").without("HOME");
        let outcome = tool.run(&["local", "status"]).code(4);
        assert!(outcome.stderr.contains("HOME is not set"), "{outcome}");
    } else {
        // Root's own home is closed to the server's user; its place is the machine's.
        let tool = Tool::new().without("TOYSOLDIERS_LOCAL_DIR").without("HOME");
        let status = tool.run(&["local", "status", "-o", "json"]).ok().json();
        assert_eq!(status["folder"], "/var/lib/toysoldiers");
    }
}

#[test]
fn a_socket_that_was_deleted_is_named_and_not_the_data() {
    let private = Private::new();
    private.tool.run(&["local", "start"]).ok();
    let run = private.folder().join("run");
    for entry in std::fs::read_dir(&run).unwrap() {
        std::fs::remove_file(entry.unwrap().path()).unwrap();
    }
    let outcome = private.tool.run(&["local", "start"]);
    assert_snapshot!(outcome, @"
    -- stderr
    error: the local server runs (pid PID), but its socket is gone
      note: something deleted it from HERE/local/run
      hint: `toysoldiers local stop`, then try again; nothing is lost
    -- exit 1
    ");
    private.tool.run(&["local", "stop"]).ok();
    private.tool.run(&["local", "start"]).ok();
}
