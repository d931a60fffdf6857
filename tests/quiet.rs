//! `-q`, command by command: what was asked for appears, and what only says that all went well does not.

use std::collections::BTreeSet;

use crate::deploy;
use crate::guard::configured;
use crate::local::Private;
use crate::manual;
use crate::support::{Database, Tool};

/// Commands that have something to show.
const SHOW: &[&str] = &[
    "env list",
    "env show",
    "env check",
    "local status",
    "local logs",
    "status",
    "migrate status",
    "migrate history",
    "migrate check",
    "migrate verify",
    "policy status",
    "policy list",
    "policy audit",
    "index list",
    "index status",
    "index advise",
    "backup list",
    "user list",
    "user show",
    "creator list",
    "creator show",
    "dashboard overview",
    "dashboard creators",
    "dashboard creator",
    "dashboard content",
    "psql",
    "completions",
    "man",
    // The tour shows what it does.
    "demo",
];

/// Commands that do something, or make sure of something.
const DO: &[&str] = &[
    "init",
    "env pin",
    "local start",
    "local stop",
    "local reset",
    "deploy",
    "migrate up",
    "migrate repair",
    "migrate baseline",
    "migrate down",
    "migrate new",
    "migrate dump",
    "policy apply",
    "policy test",
    "policy detach",
    "policy attach",
    "policy adopt",
    "index apply",
    "index adopt",
    "index rebuild",
    "backup create",
    "backup restore",
    "user create",
    "creator create",
    "creator verify",
    "creator unverify",
];

/// The words of a command with `-q`; it must be one that is of this kind.
fn quietly<'a>(kind: &[&str], words: &[&'a str]) -> Vec<&'a str> {
    let known = kind.iter().any(|command| {
        let command: Vec<&str> = command.split(' ').collect();
        words
            .windows(command.len())
            .any(|part| part == command.as_slice())
    });
    assert!(known, "{words:?}");
    [words, &["-q"]].concat()
}

/// Nothing is said of what was done.
fn does(tool: &Tool, words: &[&str]) {
    let outcome = tool.run(&quietly(DO, words)).ok();
    assert_eq!(outcome.stdout, "", "{words:?}: {outcome}");
    assert_eq!(outcome.stderr, "", "{words:?}: {outcome}");
}

/// What was asked for is there, and nothing besides.
fn shows(tool: &Tool, words: &[&str], shown: &str) {
    let outcome = tool.run(&quietly(SHOW, words));
    assert!(
        matches!(outcome.code, Some(0 | 3)) && outcome.stdout.contains(shown),
        "{words:?}: {outcome}"
    );
    assert_eq!(outcome.stderr, "", "{words:?}: {outcome}");
}

#[test]
fn every_command_is_of_one_kind_or_the_other() {
    let mut all = BTreeSet::new();
    manual::commands(&Tool::new(), &[], &mut all);
    let known = SHOW.iter().chain(DO).map(|name| (*name).to_owned());
    assert_eq!(all, known.collect());
}

#[test]
fn lists_records_and_findings_appear() {
    let database = Database::seeded();
    let tool = Tool::new().on(&database);
    tool.write("m/001_a.sql", "delete from t;\n");
    for (words, shown) in [
        (&["env", "list"][..], "NAME"),
        (&["env", "show"], "lock_timeout"),
        (&["env", "check"], "CHECK"),
        (&["status"], "migrations"),
        (&["migrate", "status"], "013"),
        (&["migrate", "history"], "013"),
        (&["migrate", "check", "m/001_a.sql"], "write-without-where"),
        (&["policy", "status"], "content_read"),
        (&["policy", "audit"], "unindexed-foreign-key"),
        (&["policy", "audit", "--list"], "CHECK"),
        (&["index", "list"], "users_email_key"),
        (&["index", "status"], "content_tags_idx"),
        (&["index", "advise"], "foreign-key"),
        (&["user", "list"], "EMAIL"),
        (
            &["user", "show", "clockwork.fox@example.com"],
            "clockwork.fox@example.com",
        ),
        (&["creator", "list"], "EMAIL"),
        (
            &["creator", "show", "clockwork.fox@example.com"],
            "clockwork.fox@example.com",
        ),
        (&["dashboard", "overview"], "EMAIL"),
        (&["dashboard", "creators"], "EMAIL"),
        (
            &["dashboard", "creator", "clockwork.fox@example.com"],
            "clockwork.fox@example.com",
        ),
        (&["dashboard", "content"], "TITLE"),
        (&["psql", "-c", "select 'asked'"], "asked"),
        (&["completions", "bash"], "complete"),
        (&["man"], ".TH"),
    ] {
        shows(&tool, words, shown);
    }
    let (found, _) = crate::migrate::with(&[("001_a.sql", "create table a ();")]);
    found.sql("create table nobody_declared ()");
    let scratch = found.server.database("postgres").url();
    let tool = Tool::new().on(&found);
    tool.write("m/001_a.sql", "create table a ();");
    let words = ["migrate", "verify", "--migrations", "m", "--all"];
    let words = [&words[..], &["--scratch-url", &scratch]].concat();
    shows(&tool, &words, "nobody_declared");
    // A plan was asked for, too.
    let plan = tool.run(&["deploy", "--dry-run", "-q"]).ok();
    assert!(plan.stdout.starts_with("plan: deploy 13 "), "{plan}");
    assert_eq!(plan.stderr, "", "{plan}");
}

#[test]
fn what_was_done_is_not_told() {
    let database = Database::empty();
    let tool = Tool::new().on(&database).input("correct horse");
    deploy::write(&tool);
    tool.write(
        "database/migrations/001_items.down.sql",
        "drop table items;",
    );
    does(&tool, &["migrate", "up"]);
    does(&tool, &["migrate", "repair"]);
    does(&tool, &["policy", "apply"]);
    does(&tool, &["policy", "detach", "items", "--yes"]);
    does(&tool, &["policy", "attach", "items"]);
    does(&tool, &["index", "apply"]);
    does(&tool, &["index", "rebuild", "items_owner"]);
    database.sql(
        "create policy by_hand on items for delete using (price = 0);
        create index items_by_hand on items (price)",
    );
    does(&tool, &["policy", "adopt", "--yes"]);
    does(&tool, &["index", "adopt", "--yes"]);
    does(&tool, &["deploy"]);
    does(&tool, &["deploy", "--plan-file", "plan.json"]);
    assert!(tool.path().join("plan.json").exists());
    does(&tool, &["migrate", "dump"]);
    let dumped = tool.run(&["migrate", "dump", "--file", "-", "-q"]).ok();
    assert!(dumped.stdout.contains("CREATE TABLE"), "{dumped}");
    does(&tool, &["migrate", "new", "more"]);
    std::fs::remove_file(tool.path().join("database/migrations/002_more.sql")).unwrap();
    does(&tool, &["migrate", "down", "--confirm", &database.name]);
    does(&tool, &["migrate", "baseline", "--no-compare", "--yes"]);
    let shown = tool.run(&["deploy", "--history", "-q"]).ok();
    assert!(shown.stdout.contains("OUTCOME"), "{shown}");
    // Nor by a deploy that has something to do.
    let other = Database::empty();
    let tool = Tool::new().on(&other);
    deploy::write(&tool);
    does(&tool, &["deploy"]);
    assert_eq!(
        other.value("select count(*) from pg_policies where tablename = 'items'"),
        "1"
    );
}

#[test]
fn people_and_backups_are_made_without_a_word() {
    let database = Database::secured();
    let tool = Tool::new().on(&database).input("correct horse");
    let who = "a@example.com";
    does(&tool, &["user", "create", who, "--password-stdin"]);
    let creator = "c@example.com";
    let words = ["creator", "create", creator, "--password-stdin"];
    does(
        &tool,
        &[&words[..], &["--payout", "acct_1MqZK2Lkdw"]].concat(),
    );
    does(&tool, &["creator", "verify", creator, "--yes"]);
    does(&tool, &["creator", "unverify", creator, "--yes"]);
    does(&tool, &["backup", "create", "--to", "b"]);
    shows(&tool, &["backup", "list", "--from", "b"], "complete");
    let into = format!("{}_restored", database.name);
    let words = ["backup", "restore", "latest", "--from", "b", "--into"];
    let restored = database.server.database(&into);
    does(&tool, &[&words[..], &[&into]].concat());
    drop(restored);
    // What a program reads, and a password that is told only once, are there.
    let made = tool.run(&[
        "user",
        "create",
        "b@example.com",
        "--generate",
        "-q",
        "-o",
        "json",
    ]);
    let made = made.ok();
    assert_eq!(made.json()["email"], "b@example.com");
    assert!(
        made.stderr.starts_with("password of b@example.com: "),
        "{made}"
    );
}

#[test]
fn a_matrix_that_is_right_says_nothing_and_one_that_is_not_is_shown() {
    let database = Database::secured();
    let tool = Tool::new().on(&database);
    does(&tool, &["policy", "test"]);
    let whole = tool.run(&["policy", "test", "--matrix", "-q"]).ok();
    assert!(whole.stdout.contains("paid already"), "{whole}");
    database.sql("alter policy tips_read on tips using (true)");
    let wrong = tool.run(&["policy", "test", "-q"]).code(3);
    assert!(wrong.stdout.contains("allowed, not hidden"), "{wrong}");
    assert!(!wrong.stdout.contains("paid already"), "{wrong}");
}

#[test]
fn the_private_server_and_the_configuration_too() {
    let private = Private::new();
    let tool = &private.tool;
    does(tool, &["local", "start"]);
    shows(tool, &["local", "status"], "running");
    shows(tool, &["local", "logs"], "ready to accept connections");
    does(tool, &["local", "reset", "--confirm", "local"]);
    does(tool, &["local", "stop"]);
    does(tool, &["init"]);
    assert!(tool.path().join("toysoldiers.toml").exists());
    let database = Database::migrated();
    let tool = configured(&[("shop", &database, "")]);
    does(&tool, &["--env", "shop", "env", "pin", "--yes"]);
}
