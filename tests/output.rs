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
    -> (url)  SOCKET/DB as postgres
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

      tip: some similar subcommands exist: 'dump', 'up'

    Usage: toysoldiers migrate [OPTIONS] <COMMAND>

    For more information, try '--help'.
    -- exit 2
    ");
    assert_snapshot!(tool.run(&["migrate", "upp", "-o", "json"]), @r#"
    -- stderr
    {"error":{"kind":"usage","message":"unrecognized subcommand 'upp'","causes":[],"notes":["tip: some similar subcommands exist: 'dump', 'up'","Usage: toysoldiers migrate [OPTIONS] <COMMAND>","For more information, try '--help'."],"exit":2}}
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

#[test]
fn quiet_leaves_results_warnings_and_errors() {
    let database = Database::migrated();
    let tool = Tool::new().on(&database);
    assert_snapshot!(tool.run(&["-q", "migrate", "status", "--check", "-o", "csv"]).stderr, @"");
    assert_snapshot!(tool.run(&["-q", "user", "show", "a@example.com"]), @"
    -- stderr
    error: there is no user a@example.com
      hint: make one with `toysoldiers user create EMAIL`
    -- exit 1
    ");
    tool.run(&["-q", "-v", "migrate", "status"]).code(2);
}

#[test]
fn verbose_tells_the_questions_and_very_verbose_their_sql_but_never_a_secret() {
    let database = Database::migrated();
    let tool = Tool::new().on(&database).input("correct horse");
    let once = tool
        .run(&["user", "create", "a@example.com", "--password-stdin", "-v"])
        .ok()
        .stderr;
    assert!(once.contains("user/create: 1 rows in "), "{once}");
    assert!(!once.contains("insert into"), "{once}");
    let twice = tool
        .run(&["user", "create", "b@example.com", "--password-stdin", "-vv"])
        .ok()
        .stderr;
    assert!(twice.contains("insert into public.users"), "{twice}");
    assert!(
        !twice.contains("horse") && !twice.contains("$2a$"),
        "{twice}"
    );
}

#[test]
fn what_takes_longer_than_a_second_shows_on_a_terminal_and_only_there() {
    let database = Database::empty();
    let tool = Tool::new().on(&database);
    tool.write("m/001_slow.sql", "select pg_sleep(1.6);");
    let mut terminal = tool.terminal(&["migrate", "up", "--migrations", "m"]);
    terminal.exp_string("applying 001_slow... 1 s").unwrap();
    terminal.exp_eof().unwrap();
    // A question that has to wait for a lock says for whom.
    let holder = database.session("begin; lock table toysoldiers.history in access exclusive mode");
    let mut terminal = tool.terminal(&["migrate", "status", "--migrations", "m"]);
    terminal.exp_string("waiting for pid").unwrap();
    holder.sql("rollback");
    terminal.exp_eof().unwrap();
    tool.write("m/002_slow.sql", "select pg_sleep(1.2);");
    let outcome = tool.run(&["migrate", "up", "--migrations", "m"]).ok();
    assert!(!outcome.stderr.contains("applying"), "{outcome}");
}

#[test]
fn a_narrow_terminal_and_a_plain_locale_are_served_too() {
    let database = Database::seeded();
    let tool = Tool::new()
        .on(&database)
        .env("LC_ALL", "C")
        .env("COLUMNS", "40");
    let plain = tool.run(&["dashboard"]).ok().stdout;
    assert!(plain.is_ascii(), "{plain}");
    let mut terminal = tool.terminal_of(&["dashboard"], 40);
    let bytes = terminal
        .exp_eof()
        .unwrap()
        .chars()
        .map(|letter| u8::try_from(letter).unwrap())
        .collect();
    let text = String::from_utf8(bytes).unwrap();
    // The banner is a path and the summary a sentence, as long as they are; so is a sparkline. The table fits.
    let table: Vec<&str> = text
        .lines()
        .filter(|line| {
            !["->", "views of"]
                .iter()
                .any(|start| line.starts_with(start))
                && !line.contains(" creators, by views")
        })
        .map(str::trim_end)
        .collect();
    assert!(
        table
            .iter()
            .any(|line| line.contains("EMAIL  ") && line.contains("VIEWS")),
        "{text}"
    );
    let widest = table
        .iter()
        .map(|line| console::measure_text_width(line))
        .max()
        .unwrap();
    assert!(widest <= 40, "{widest}\n{text}");
}

#[test]
fn what_strangers_wrote_cannot_play_tricks_on_the_terminal() {
    let database = Database::migrated();
    let tool = Tool::new().on(&database);
    tool.run(&["creator", "create", "a@example.com", "--generate"])
        .ok();
    database.sql("update creators set bio = E'\\x1b]0;owned\\x07\\x1b[2Jhello'");
    let shown = tool
        .run(&["creator", "show", "a@example.com", "--color", "always"])
        .ok();
    assert!(
        !shown.stdout.contains('\u{1b}') && !shown.stdout.contains('\u{7}'),
        "{shown}"
    );
    assert!(shown.stdout.contains("[2Jhello"), "{shown}");
    // Programs get what is there.
    assert_eq!(
        tool.run(&["creator", "show", "a@example.com", "-o", "json"])
            .ok()
            .json()["bio"],
        "\u{1b}]0;owned\u{7}\u{1b}[2Jhello"
    );
}

#[test]
fn a_very_long_line_is_shown_around_the_place() {
    let database = Database::empty();
    let tool = Tool::new().on(&database);
    tool.write(
        "m/001_a.sql",
        format!("select {} nothing{};", "1,".repeat(300), ",2".repeat(300)),
    );
    let outcome = tool.run(&["migrate", "up", "--migrations", "m"]).code(1);
    let lines: Vec<&str> = outcome.stderr.lines().collect();
    let place = lines
        .iter()
        .position(|line| line.contains("001_a.sql:1:609"))
        .unwrap();
    assert!(lines[place + 2].len() < 140, "{outcome}");
    assert_eq!(
        lines[place + 2].find("nothing"),
        lines[place + 3].find('^'),
        "{outcome}"
    );
}

#[test]
fn what_has_one_form_takes_no_other() {
    let tool = Tool::new();
    for words in [
        &["demo", "-o", "json"][..],
        &["completions", "bash", "-o", "csv"],
        &["man", "-o", "json"],
    ] {
        tool.run(words).code(2);
    }
}
