//! A system that gives little: few file descriptors, streams that are closed, a folder that is gone, names that are
//! no text. Every end is one of ours.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::process::Command;

use crate::support::tool::{Outcome, hear};
use crate::support::{Database, Tool};

/// Runs it by a shell that first does this.
fn after(tool: &Tool, first: &str, words: &[&str]) -> Outcome {
    let mut command = Command::new("/bin/sh");
    command
        .args(["-c", &format!("{first}\nexec \"$0\" \"$@\"")])
        .arg(env!("CARGO_BIN_EXE_toysoldiers"))
        .args(words);
    hear(tool.dress(&mut command));
    tool.outcome(command.spawn().unwrap())
}

fn is_ours(outcome: &Outcome) {
    let code = outcome.code.unwrap_or(-1);
    assert!((0..=7).contains(&code), "{outcome}");
    assert!(!outcome.stderr.contains("panicked"), "{outcome}");
}

#[test]
fn few_file_descriptors_are_an_error_of_ours() {
    let tool = Tool::new();
    let unreachable = [
        "status",
        "--database-url",
        "postgresql://me@localhost:1/x?sslmode=require",
    ];
    for count in 5..=16 {
        let limit = format!("ulimit -n {count}");
        for words in [
            &["env", "list"][..],
            &unreachable,
            &["local", "status"],
            &["man"],
        ] {
            is_ours(&after(&tool, &limit, words));
        }
    }
    let outcome = after(&tool, "ulimit -n 6", &["env", "list"]).code(1);
    assert!(outcome.stderr.starts_with("error: "), "{outcome}");
    assert!(outcome.stderr.contains("ulimit -n"), "{outcome}");
    let json = after(&tool, "ulimit -n 6", &["env", "list", "-o", "json"]).code(1);
    assert_eq!(json.error_json()["error"]["kind"], "failed");
}

#[test]
fn closed_streams_are_no_defect() {
    let tool = Tool::new();
    for closed in ["exec <&-", "exec >&-", "exec 2>&-", "exec <&- >&- 2>&-"] {
        for words in [
            &["env", "list"][..],
            &["env", "list", "--nonsense"],
            &["-e", "x", "status"],
        ] {
            is_ours(&after(&tool, closed, words));
        }
    }
}

#[test]
fn a_result_that_nobody_can_get_is_an_error() {
    let tool = Tool::new();
    let outcome = after(&tool, "exec 1</dev/null", &["env", "list"]).code(1);
    assert!(
        outcome.stderr.contains("cannot write to stdout"),
        "{outcome}"
    );
}

#[test]
fn a_file_that_may_not_grow_is_an_error_of_ours() {
    let database = Database::migrated();
    let tool = Tool::new().on(&database);
    let url = database.url_as("postgres");
    let words = ["--database-url", &url, "migrate", "dump", "--file", "d.sql"];
    let outcome = after(&tool, "ulimit -f 0", &words).code(1);
    assert!(outcome.stderr.contains("file too large"), "{outcome}");
    assert!(tool.folder().list(".").is_empty(), "nothing is left");
}

#[test]
fn a_folder_that_is_gone_is_an_error_of_ours() {
    let tool = Tool::new();
    for words in [
        &["env", "list"][..],
        &["init"],
        &["migrate", "check"],
        &["backup", "list"],
    ] {
        let outcome = after(&tool, "mkdir gone; cd gone; rmdir ../gone", words);
        assert!(outcome.code(4).stderr.contains("current folder"));
    }
    after(&tool, "mkdir gone; cd gone; rmdir ../gone", &["man"]).ok();
}

#[test]
fn what_is_no_text_is_an_error_of_ours() {
    let bytes = OsStr::from_bytes(b"\xff\xfe");
    for words in [
        &["user", "show"][..],
        &["-e"],
        &["--config"],
        &["backup", "list", "--from"],
    ] {
        let tool = Tool::new();
        let mut command = tool.command(words);
        command.arg(bytes);
        is_ours(&tool.outcome(command.spawn().unwrap()));
    }
    for name in [
        "TOYSOLDIERS_ENV",
        "TOYSOLDIERS_CONFIG",
        "DATABASE_URL",
        "SUDO_UID",
        "SUDO_USER",
        "PGUSER",
        "LC_ALL",
        "TERM",
    ] {
        let tool = Tool::new();
        let mut command = tool.command(&["env", "list"]);
        command.env(name, bytes);
        is_ours(&tool.outcome(command.spawn().unwrap()));
    }
}
