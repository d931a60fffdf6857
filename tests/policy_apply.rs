//! `policy apply` among others: readers, other runs, kills and lost connections. All of it happens, or nothing does.

use std::fmt::Write;
use std::io::{BufRead, BufReader};
use std::time::{Duration, Instant};

use insta::assert_snapshot;

use crate::migrate_race::{next, rounds};
use crate::policy::with;
use crate::support::{Database, Proxy, Tool};

const TABLES: &str =
    "create table a (id int); create table b (id int); create table c (id int);
    alter table a enable row level security; alter table b enable row level security; alter table c enable row level security;
    create policy p on a using (false); create policy p on b using (false); create policy p on c using (false);
    grant select on a, b, c to anon;";

/// Policies on three tables that all say the same.
fn files(says: &str) -> Vec<(String, String)> {
    ["a", "b", "c"]
        .iter()
        .map(|table| {
            let text = format!(
                "alter table {table} enable row level security;\ncreate policy p on {table} using ({says});\n\
                 grant select on {table} to anon;\n"
            );
            (format!("{table}.sql"), text)
        })
        .collect()
}

fn on_tables(says: &str) -> (Database, Tool) {
    let files = files(says);
    let files: Vec<(&str, &str)> = files
        .iter()
        .map(|(name, text)| (name.as_str(), text.as_str()))
        .collect();
    with(TABLES, &files)
}

/// What the policies on the three tables say, each expression once.
fn said(database: &Database) -> Vec<String> {
    database.sql("select distinct qual from pg_policies order by 1")
}

#[test]
fn behind_a_reader_it_steps_back_and_lets_others_pass() {
    let (database, tool) = on_tables("true");
    let reader = database.session("begin; select * from b");
    let mut runner = tool.spawn(&["policy", "apply"]);
    let mut lines = BufReader::new(runner.stderr.take().unwrap())
        .lines()
        .map(Result::unwrap);
    let waits = lines
        .by_ref()
        .find(|line| line.contains(" waits for "))
        .unwrap();
    assert!(
        waits.starts_with("policy apply waits for pid ")
            && waits.ends_with(": begin; select * from b"),
        "{waits}"
    );
    let again = lines
        .by_ref()
        .find(|line| line.contains("trying again"))
        .unwrap();
    assert!(again.starts_with("policy apply: "), "{again}");
    // Others get what they ask for meanwhile, on every table.
    database.sql("select * from a; select * from b; select * from c");
    assert_eq!(said(&database), ["false"]);
    reader.sql("commit");
    assert!(lines.any(|line| line.starts_with("applied 3 changes in ")));
    assert!(runner.wait().unwrap().success());
    assert_eq!(said(&database), ["true"]);
}

#[test]
fn when_the_reader_never_ends_nothing_is_changed_and_it_is_named() {
    let (database, tool) = on_tables("true");
    let reader = database.session("begin; select * from b");
    // Long enough to see who is in the way on a second connection, however busy the machine.
    let patient = ["--lock-timeout", "5s", "--retry-for", "0"];
    let outcome = tool
        .run(&[&["policy", "apply"], &patient[..]].concat())
        .code(6);
    let lines = outcome.stderr.lines();
    let lines: Vec<&str> = lines.filter(|line| !line.contains(" waits for ")).collect();
    assert_snapshot!(lines.join("\n").replace(&database.name, "DB"), @"
    -> (url)  SOCKET/DB as postgres
    error: others are in the way
      caused by: the tables could not all be locked in time
      note: the lock is held by pid PID (tests as postgres, idle in transaction, in a transaction for DURATION): begin; select * from b
      note: nothing was changed
      hint: try again when they are done, or allow more time with `--retry-for`
    ");
    assert_eq!(said(&database), ["false"]);
    drop(reader);
}

#[test]
fn whenever_it_is_killed_all_of_it_is_there_or_nothing() {
    let (_database, tool) = on_tables("true");
    let start = Instant::now();
    tool.run(&["policy", "apply"]).ok();
    let time = u64::try_from(start.elapsed().as_micros()).unwrap();
    let mut seed = 0xb0a7;
    for round in 0..rounds() {
        let (database, tool) = on_tables("true");
        let moment = Duration::from_micros(next(&mut seed) % time);
        let mut killed = tool.spawn(&["policy", "apply"]);
        // The moment is what is tried, and nothing waits for it.
        std::thread::sleep(moment);
        killed.kill().unwrap();
        killed.wait().unwrap();
        let context = format!("round {round}, killed after {moment:?} of {time} microseconds");
        let left = said(&database);
        assert!(left == ["true"] || left == ["false"], "{context}: {left:?}");
        tool.run(&["policy", "apply"]).ok();
        assert_eq!(said(&database), ["true"], "{context}");
        let rows = "select count(*) from toysoldiers.audit_log where action = 'policy apply'";
        assert_eq!(database.value(rows), "1", "{context}");
    }
}

#[test]
fn two_at_once_do_it_once() {
    let (database, tool) = on_tables("true");
    let runners: Vec<_> = (0..4).map(|_| tool.spawn(&["policy", "apply"])).collect();
    let outcomes: Vec<_> = runners
        .into_iter()
        .map(|runner| tool.outcome(runner))
        .collect();
    let applied = outcomes
        .iter()
        .filter(|outcome| outcome.stderr.contains("applied 3 changes"))
        .count();
    assert_eq!(applied, 1);
    for outcome in &outcomes {
        assert_eq!(outcome.code, Some(0), "{outcome}");
    }
    assert_eq!(said(&database), ["true"]);
}

#[test]
fn what_changed_while_somebody_was_asked_is_noticed() {
    let (database, tool) = on_tables("true");
    let shop = Tool::new();
    shop.write(
        "toysoldiers.toml",
        format!(
            "[env.shop]\nurl = \"{}\"\nprotected = true\n",
            database.url()
        ),
    );
    for (name, text) in files("true") {
        shop.write(&format!("database/policies/{name}"), text);
    }
    let mut terminal = shop.terminal(&["--env", "shop", "policy", "apply"]);
    terminal.exp_string("type shop to apply 3 changes").unwrap();
    database.sql("alter policy p on c using (1 = 0)");
    terminal.send_line("shop").unwrap();
    terminal
        .exp_string("policies or rights of this database changed since the plan was shown")
        .unwrap();
    terminal.exp_eof().unwrap();
    assert_eq!(said(&database), ["(1 = 0)", "false"]);
    tool.run(&["policy", "apply"]).ok();
    assert_eq!(said(&database), ["true"]);
}

#[test]
fn a_connection_that_breaks_leaves_nothing_behind_and_the_story_is_true() {
    for moment in [
        "in access exclusive mode",
        "alter policy",
        "toysoldiers.audit(",
    ] {
        let (database, tool) = on_tables("true");
        let proxy = Proxy::start(database.server.port);
        proxy.cut_at(moment);
        let through = Tool::new().at(&proxy.url(&database, "postgres"));
        for (name, text) in files("true") {
            through.write(&format!("database/policies/{name}"), text);
        }
        let outcome = through.run(&["policy", "apply"]).code(5);
        let told = "the connection was lost before anything was committed";
        assert!(outcome.stderr.contains(told), "{moment}: {outcome}");
        database
            .wait_until("select not exists (select from pg_locks where relation = 'a'::regclass)");
        assert_eq!(said(&database), ["false"], "{moment}");
        tool.run(&["policy", "apply"]).ok();
        assert_eq!(said(&database), ["true"], "{moment}");
    }
}

#[test]
fn however_many_policies_there_are_it_waits_for_as_few_answers() {
    let trips = |count: usize, command: &str| {
        let mut sql = String::new();
        let mut text = String::from("alter table many enable row level security;\n");
        for number in 0..count {
            writeln!(sql, "create policy p{number} on many using (false);").unwrap();
            writeln!(text, "create policy p{number} on many using (true);").unwrap();
        }
        let (database, _) = with(&format!("create table many (id int);{sql}"), &[]);
        let proxy = Proxy::start(database.server.port);
        let through = Tool::new().at(&proxy.url(&database, "postgres"));
        through.write("database/policies/many.sql", text);
        through.run(&["policy", command]).ok();
        // On the first connection: on another one it looks who is in its way, if there is time for that.
        proxy.round_trips()[0]
    };
    for command in ["status", "apply"] {
        let (few, many) = (trips(3, command), trips(60, command));
        // A long message travels in several pieces.
        assert!(many <= few + 3, "{command}: {few}, {many}");
    }
}
