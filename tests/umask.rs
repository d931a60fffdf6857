//! Files the program writes, under a umask that takes nothing away.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use crate::support::tool::Outcome;
use crate::support::{Database, Tool};

/// Runs the program under a umask.
fn under(umask: &str, tool: &Tool, database: &Database, args: &[&str]) -> Outcome {
    let mut command = Command::new("/bin/sh");
    command
        .args(["-c", &format!("umask {umask}; exec \"$0\" \"$@\"")])
        .arg(env!("CARGO_BIN_EXE_toysoldiers"))
        .args(["--database-url", &database.url()])
        .args(args);
    crate::support::tool::hear(tool.dress(&mut command));
    tool.outcome(command.spawn().unwrap()).ok()
}

fn mode(path: &Path) -> u32 {
    path.metadata().unwrap().permissions().mode() & 0o7777
}

/// Everything below a folder, with its mode.
fn modes(folder: &Path, found: &mut Vec<(String, u32)>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        found.push((path.display().to_string(), mode(&path)));
        if path.is_dir() {
            modes(&path, found);
        }
    }
}

#[test]
fn nobody_else_may_write_to_what_is_written() {
    let database = Database::migrated();
    let tool = Tool::new();
    std::fs::create_dir(tool.path().join("m")).unwrap();
    let before = mode(&tool.path().join("m"));
    for args in [
        &["migrate", "dump", "--file", "schema.sql"][..],
        &["migrate", "new", "a change", "--migrations", "m"],
        &["backup", "create", "--to", "backups"],
        &["deploy", "--plan-file", "plan.json"],
        &["man", "--to", "man/pages"],
    ] {
        under("000", &tool, &database, args);
    }
    // Once more over what is there.
    std::fs::write(tool.path().join("schema.sql"), "older").unwrap();
    under(
        "000",
        &tool,
        &database,
        &["migrate", "dump", "--file", "schema.sql"],
    );
    let mut found = Vec::new();
    modes(tool.path(), &mut found);
    assert!(found.len() > 20, "{found:?}");
    for (path, mode) in found {
        if path.ends_with("/m") {
            assert_eq!(mode, before);
            continue;
        }
        assert_eq!(mode & 0o022, 0, "{path} {mode:o}");
        let is_secret = path.contains("/backups/") || path.ends_with("plan.json");
        assert!(!is_secret || mode == 0o600, "{path} {mode:o}");
    }
    assert_eq!(mode(&tool.path().join("schema.sql")), 0o644);
    assert_eq!(mode(&tool.path().join("backups")), 0o700);
}

#[test]
fn a_stricter_umask_stays_and_psql_has_the_persons_own() {
    let database = Database::migrated();
    let tool = Tool::new();
    let dump = ["migrate", "dump", "--file", "schema.sql"];
    under("077", &tool, &database, &dump);
    assert_eq!(mode(&tool.path().join("schema.sql")), 0o600);
    under("002", &tool, &database, &["psql", "-c", "\\! touch made"]);
    assert_eq!(mode(&tool.path().join("made")), 0o664);
}
