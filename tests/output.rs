//! Streams, forms and colours.

use std::process::Stdio;

use insta::assert_snapshot;

use crate::support::{Database, Tool};

#[test]
fn a_reader_that_closes_early_ends_the_command_quietly() {
    let database = Database::seeded();
    let tool = Tool::new().on(&database);
    let mut child = tool.spawn(&["dashboard", "--limit", "1000", "-o", "ndjson"]);
    drop(child.stdout.take());
    let outcome = tool.outcome(child).ok();
    assert_eq!(outcome.stderr.lines().count(), 1, "{outcome}");
    // The same when nobody listens to what is said aside.
    let mut child = tool.spawn(&["migrate", "status"]);
    drop(child.stderr.take());
    tool.outcome(child).ok();
}

#[test]
fn a_full_disk_under_stdout_is_an_error() {
    let database = Database::seeded();
    let tool = Tool::new().on(&database);
    let full = std::fs::OpenOptions::new()
        .write(true)
        .open("/dev/full")
        .unwrap();
    let child = tool
        .command(&["dashboard"])
        .stdout(Stdio::from(full))
        .spawn()
        .unwrap();
    assert_snapshot!(tool.outcome(child), @"
    -- stderr
    -> DB  SOCKET/DB as postgres
    error: cannot write to stdout
      caused by: no space left on device
    -- exit 1
    ");
}

#[test]
fn colour_is_for_terminals_and_can_be_had_or_not() {
    let tool = Tool::new();
    let escapes = |tool: &Tool, args: &[&str]| tool.run(args).to_string().contains('\u{1b}');
    assert!(!escapes(&tool, &["--env", "x", "dashboard"]));
    assert!(escapes(
        &tool,
        &["--env", "x", "dashboard", "--color", "always"]
    ));
    let mut terminal = tool.terminal(&["--env", "x", "dashboard"]);
    assert!(terminal.exp_eof().unwrap().contains('\u{1b}'));
    let plain = Tool::new().env("NO_COLOR", "1");
    assert!(
        !plain
            .terminal(&["--env", "x", "dashboard"])
            .exp_eof()
            .unwrap()
            .contains('\u{1b}')
    );
}

#[test]
fn a_terminal_gets_a_table_that_fits() {
    let database = Database::seeded();
    let tool = Tool::new().on(&database);
    let mut terminal = tool.terminal(&["dashboard"]);
    // The library reads bytes as letters.
    let bytes = terminal
        .exp_eof()
        .unwrap()
        .chars()
        .map(|letter| u8::try_from(letter).unwrap())
        .collect();
    let text = String::from_utf8(bytes).unwrap();
    let widest = text
        .lines()
        .map(|line| console::measure_text_width(line.trim_end()))
        .max()
        .unwrap();
    assert!(widest <= 80, "{widest}\n{text}");
}

#[test]
fn a_command_line_that_makes_no_sense_is_a_usage_error_in_both_forms() {
    let tool = Tool::new();
    assert_snapshot!(tool.run(&["migrate", "upp"]), @"
    -- stderr
    error: unrecognized subcommand 'upp'

      tip: a similar subcommand exists: 'up'

    Usage: toysoldiers migrate [OPTIONS] <COMMAND>

    For more information, try '--help'.
    -- exit 2
    ");
    assert_snapshot!(tool.run(&["migrate", "upp", "-o", "json"]), @r#"
    -- stderr
    {"error":{"kind":"usage","message":"unrecognized subcommand 'upp'","causes":[],"notes":["tip: a similar subcommand exists: 'up'","Usage: toysoldiers migrate [OPTIONS] <COMMAND>","For more information, try '--help'."],"exit":2}}
    -- exit 2
    "#);
    tool.run(&["dashboard", "-o", "sarif"]).code(2);
    tool.run(&["migrate", "up", "--lock-timeout", "soon"])
        .code(2);
    tool.run(&[]).code(2);
}

#[test]
fn the_version_is_a_result() {
    let outcome = Tool::new().run(&["--version"]).ok();
    assert_eq!(
        outcome.stdout,
        format!("toysoldiers {}\n", env!("CARGO_PKG_VERSION"))
    );
}
