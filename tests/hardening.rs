//! Kills, full disks and crowds: whatever happens, the command can be run again and the rest is as it was.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command};
use std::time::Duration;

use insta::assert_snapshot;
use rustix::process::{Pid, Signal, kill_process};

use crate::migrate_race::all_at_once;
use crate::support::server::{self, try_sql};
use crate::support::{Database, Folder, Tool};

/// How often; more with TEST_ROUNDS.
fn rounds(usual: u64) -> u64 {
    std::env::var("TEST_ROUNDS")
        .ok()
        .and_then(|rounds| rounds.parse().ok())
        .unwrap_or(usual)
}

/// Kills a process that nobody warned, somewhere within its life: another moment each round, the same each run.
fn kill_somewhere(mut child: Child, round: u64, span: Duration) {
    let fraction = (round * 2_654_435_761) % 1000;
    std::thread::sleep(span * u32::try_from(fraction).unwrap() / 1000);
    let _ = child.kill();
    let _ = child.wait();
}

#[test]
fn migrate_up_killed_anywhere_goes_on_where_it_was() {
    for round in 0..rounds(5) {
        let database = Database::empty();
        let tool = Tool::new().on(&database);
        for again in 0..3 {
            kill_somewhere(
                tool.spawn(&["migrate", "up"]),
                round * 3 + again,
                Duration::from_millis(120),
            );
            let rows = "select count(*) from toysoldiers.history";
            let tables = "select count(*) from pg_class where relnamespace = 'public'::regnamespace and relkind = 'r'";
            // Whatever is recorded is there, and the other way round: 004 to 009 make a table each.
            if database.value("select to_regclass('toysoldiers.history') is not null") == "t" {
                let both = database.value(&format!("select ({rows}), ({tables})"));
                let (recorded, made) = both.split_once('|').unwrap();
                let recorded: i64 = recorded.parse().unwrap();
                assert_eq!(
                    made.parse::<i64>().unwrap(),
                    (recorded - 3).clamp(0, 6),
                    "{both}"
                );
            }
        }
        tool.run(&["migrate", "up"]).ok();
        tool.run(&["migrate", "status", "--check"]).ok();
    }
}

#[test]
fn backup_create_killed_anywhere_leaves_no_backup_that_is_none() {
    let database = Database::seeded();
    let tool = Tool::new().on(&database);
    for round in 0..rounds(5) {
        kill_somewhere(
            tool.spawn(&["backup", "create", "--to", "b"]),
            round,
            Duration::from_millis(500),
        );
        for manifest in tool
            .folder()
            .list("b")
            .iter()
            .filter(|name| name.contains(".json"))
        {
            let path = tool.path().join("b").join(manifest);
            let manifest: serde_json::Value =
                serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
            let dump = tool
                .path()
                .join("b")
                .join(manifest["file"].as_str().unwrap());
            assert_eq!(
                std::fs::metadata(dump).unwrap().len(),
                manifest["bytes"].as_u64().unwrap()
            );
        }
    }
    let taken = tool
        .run(&["backup", "create", "--to", "b", "-o", "json"])
        .ok()
        .json();
    assert_eq!(taken["checked"], true);
}

#[test]
fn creator_create_killed_anywhere_makes_all_of_a_creator_or_nothing() {
    let database = Database::migrated();
    let tool = Tool::new().on(&database).input("a password");
    for round in 0..rounds(5) {
        let email = format!("c{round}@example.com");
        let words = ["creator", "create", &email, "--generate"];
        kill_somewhere(tool.spawn(&words), round, Duration::from_millis(500));
        let state = database.value(&format!(
            "select (select count(*) from users where email = '{email}'),
                    (select count(*) from creators c join users u on u.id = c.user_id where email = '{email}'),
                    (select count(*) from toysoldiers.audit_log where action = 'creator create'
                        and subject in (select c.id from creators c join users u on u.id = c.user_id where email = '{email}'))"
        ));
        assert!(state == "0|0|0" || state == "1|1|1", "{state}");
        let again = tool.run(&words);
        assert!(
            again.code == Some(0) || again.stderr.contains("is a creator already"),
            "{again}"
        );
    }
    assert_eq!(
        database.value("select count(*) from creators"),
        rounds(5).to_string()
    );
}

#[test]
fn eight_runners_at_once_on_an_empty_database() {
    for _ in 0..rounds(2) {
        all_at_once(8);
    }
}

/// Runs the program where no file may grow beyond this many blocks of 512 bytes: what a full disk looks like to
/// whoever writes.
fn run_with_little_space(tool: &Tool, blocks: u32, args: &[&str]) -> crate::support::tool::Outcome {
    let like = tool.command(args);
    let mut command = Command::new("/bin/sh");
    command.args([
        "-c",
        &format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" \"$@\""),
    ]);
    command.arg(like.get_program()).args(like.get_args());
    crate::support::tool::hear(tool.dress(&mut command));
    tool.outcome(command.spawn().unwrap())
}

#[test]
fn a_disk_that_fills_up_during_a_backup_leaves_nothing() {
    let database = Database::seeded();
    let tool = Tool::new().on(&database);
    assert_snapshot!(run_with_little_space(&tool, 200, &["backup", "create", "--to", "b"]), @"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    error: pg_dump failed
      caused by: it was ended: a file may not grow any larger here
      note: nothing was kept
    -- exit 1
    ");
    assert_eq!(tool.folder().list("b"), [""; 0]);
    tool.run(&["backup", "create", "--to", "b"]).ok();
}

#[test]
fn files_that_are_not_utf_8_are_refused_with_their_byte() {
    let tool = Tool::new().env("DATABASE_URL", "postgresql:///nothing?host=/nonexistent");
    let refusal = |bytes: &[u8]| {
        tool.write("m/001_a.sql", bytes);
        tool.run(&["migrate", "up", "--migrations", "m"])
            .code(1)
            .stderr
    };
    assert_snapshot!(refusal(b"-- caf\xe9\nselect 1;"), @"
    error: m/001_a.sql is not UTF-8 text: byte 0xe9 at offset 6
      --> m/001_a.sql:1:7
         |
       1 | -- caf�
         |       ^
      note: nothing was run
      hint: save the file as UTF-8
    ");
    assert_snapshot!(refusal(b"\xff\xfes\0e\0l\0e\0c\0t\0"), @"
    error: m/001_a.sql is not UTF-8 text: it begins like UTF-16
      note: nothing was run
      hint: save the file as UTF-8
    ");
    assert_snapshot!(refusal(b"\xfe\xff\0s\0e\0l"), @"
    error: m/001_a.sql is not UTF-8 text: it begins like UTF-16
      note: nothing was run
      hint: save the file as UTF-8
    ");
    assert_snapshot!(refusal(b"s\0e\0l\0e\0c\0t\0"), @r"
    error: m/001_a.sql holds a NUL character at offset 1
      --> m/001_a.sql:1:2
         |
       1 | s\u{0}e\u{0}l\u{0}e\u{0}c\u{0}t\u{0}
         |  ^^^^^
      note: nothing was run
      hint: remove the character; SQL text has none
    ");
    assert_snapshot!(refusal(b"\xef\xbb\xbfselect 'a\0b';"), @r"
    error: m/001_a.sql holds a NUL character at offset 12
      --> m/001_a.sql:1:10
         |
       1 | select 'a\u{0}b';
         |          ^^^^^
      note: nothing was run
      hint: remove the character; SQL text has none
    ");
}

/// Waits until a process is gone, or left for somebody else to bury; the test fails if it never is.
fn wait_until_gone(pid: &str) {
    let gone = (0..2000).any(|_| {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let gone = stat.is_empty() || stat.contains(") Z ");
        if !gone {
            std::thread::sleep(Duration::from_millis(10));
        }
        gone
    });
    assert!(gone, "{pid} is at work for ever");
}

/// What a program writes into a file, once it has written a whole line.
fn told(path: &Path) -> String {
    loop {
        let text = std::fs::read_to_string(path).unwrap_or_default();
        if text.ends_with('\n') {
            return text.trim().to_owned();
        }
        std::thread::yield_now();
    }
}

/// A pg_dump that waits for a lock for ever, and does not begin before it is told to.
const PATIENT: &str = "#!/bin/sh
[ \"$1\" = --version ] && exec REAL --version
echo $$ > \"$0.pid\"
echo $PGOPTIONS > \"$0.options\"
read -r _ < \"$0.go\"
exec REAL \"$@\" --lock-wait-timeout=600000
";

/// Who is killed.
enum Hit {
    Us,
    Program,
}

#[test]
fn pg_dump_does_not_outlive_a_program_that_is_killed() {
    for (words, hit) in [
        (&["backup", "create", "--to", "b"][..], Hit::Us),
        (&["migrate", "dump"], Hit::Us),
        (&["migrate", "dump"], Hit::Program),
    ] {
        let database = Database::migrated();
        let programs = Folder::new();
        let real = server::bin().join("pg_dump");
        let dump = programs.write("pg_dump", PATIENT.replace("REAL", real.to_str().unwrap()));
        std::fs::set_permissions(&dump, std::fs::Permissions::from_mode(0o755)).unwrap();
        let told_by = |ending: &str| programs.path().join(format!("pg_dump.{ending}"));
        assert!(
            Command::new("mkfifo")
                .arg(told_by("go"))
                .status()
                .unwrap()
                .success()
        );
        let tool = Tool::new()
            .on(&database)
            .env("TOYSOLDIERS_PG_BIN", programs.path().to_str().unwrap());
        let mut child = tool.spawn(words);
        let pid = told(&told_by("pid"));
        let options = told(&told_by("options"));
        assert!(
            options.contains("client_connection_check_interval=1s"),
            "{options}"
        );
        // Behind the locks of ours, if we have any; pg_dump comes behind it.
        let name = database.name.clone();
        let in_the_way = std::thread::spawn(move || {
            let _ = try_sql(
                Database::socket(),
                &name,
                "lock table users in access exclusive mode; select pg_sleep(600)",
            );
        });
        let others = "select from pg_locks join pg_stat_activity using (pid)
            where datname = current_database() and relation = 'users'::regclass";
        database.wait_until(&format!(
            "select exists ({others} and mode = 'AccessExclusiveLock' and application_name = 'tests')"
        ));
        std::fs::write(told_by("go"), "go\n").unwrap();
        database.wait_until(&format!(
            "select exists ({others} and mode = 'AccessShareLock' and not granted)"
        ));
        match hit {
            Hit::Us => child.kill().unwrap(),
            Hit::Program => {
                kill_process(Pid::from_raw(pid.parse().unwrap()).unwrap(), Signal::KILL).unwrap();
            }
        }
        child.wait().unwrap();
        wait_until_gone(&pid);
        // Its session too, which nobody told and which waits for a lock.
        database.wait_until(
            "select not exists (select from pg_stat_activity
            where datname = current_database() and application_name = 'toysoldiers')",
        );
        database.sql(
            "select pg_terminate_backend(pid) from pg_stat_activity
            where datname = current_database() and query ~ 'pg_sleep' and pid <> pg_backend_pid()",
        );
        in_the_way.join().unwrap();
    }
}

#[test]
fn a_password_command_does_not_outlive_a_program_that_is_killed() {
    let tool = Tool::new();
    tool.write(
        "toysoldiers.toml",
        "[env.shop]\nurl = \"postgresql://clerk@localhost/shop\"\n\
        password_command = [\"sh\", \"-c\", \"echo $$ > pid; exec sleep 600\"]\n",
    );
    let mut child = tool.spawn(&["--env", "shop", "migrate", "status"]);
    let pid = told(&tool.path().join("pid"));
    child.kill().unwrap();
    child.wait().unwrap();
    wait_until_gone(&pid);
}

#[test]
fn a_child_whose_parent_is_gone_becomes_nothing() {
    let tool = Tool::new();
    let outcome = tool.run(&["--become-child-of", "1", "/dev/null", "touch", "made"]);
    assert_eq!(outcome.code(1).to_string(), "-- exit 1");
    assert_eq!(tool.folder().list(""), [""; 0]);
}
