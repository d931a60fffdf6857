//! `scripts/migrate_db.sh`, the documented way in for other scripts.

use std::process::Command;

use crate::local::Private;
use crate::support::{Database, Tool};

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/migrate_db.sh");

fn run(tool: &Tool, args: &[&str]) -> crate::support::tool::Outcome {
    let mut command = Command::new(SCRIPT);
    crate::support::tool::hear(tool.dress(command.args(args)));
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
        "11"
    );
}
