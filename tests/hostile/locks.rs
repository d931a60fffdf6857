//! Locks of others: nobody without rights stops a run, nothing a file does gives its lock away, and whoever holds a lock
//! that is waited for is named.

use std::io::{BufRead, BufReader};

use toysoldiers::pg::lock::{DEPLOY, INDEX, MIGRATE};

use crate::migrate::with;
use crate::support::tool::Outcome;
use crate::support::{Database, Server, Setup, Tool};

/// A role that may connect and nothing else, gone with the value.
struct Guest(Database, String);

impl Guest {
    fn of(database: &Database) -> Self {
        let name = format!("guest_{}", database.name);
        database.sql(&format!("create role {name} login"));
        Self(database.clone(), name)
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        let _ = self.0.try_sql(&format!("drop role {}", self.1));
    }
}

/// Takes every advisory lock that means anything to this program.
fn every_advisory_lock() -> String {
    let marks = [0x7473_6d69_i64, 0x7473_6465, 0x7473_6978].map(|upper| upper << 32);
    let keys = [MIGRATE.key, DEPLOY.key, INDEX.key]
        .into_iter()
        .chain(marks);
    let taken: Vec<String> = keys.map(|key| format!("pg_advisory_lock({key})")).collect();
    format!("select {}", taken.join(", "))
}

/// Makes the bookkeeping that of the version before, which knew advisory locks only.
fn make_old(database: &Database) {
    database.sql(
        "drop function toysoldiers.audit; drop view toysoldiers.runner, toysoldiers.deploy_runner, toysoldiers.index_runner; drop table toysoldiers.schema_hash;
         update toysoldiers.installation set version = 5",
    );
}

/// In this database alone: copies of one have the same numbers.
const HOLDS: &str = "from pg_locks where relation = 'toysoldiers.runner'::regclass and mode = 'ShareUpdateExclusiveLock' and granted
    and database = (select oid from pg_database where datname = current_database())";

/// A statement that waits until the gate is opened.
const GATE: &str = "select pg_advisory_lock(11), pg_advisory_unlock(11)";

fn wait_at_gate(database: &Database) {
    database.wait_until(
        "select exists (select from pg_locks where locktype = 'advisory' and objid = 11 and not granted
             and database = (select oid from pg_database where datname = current_database()))",
    );
}

fn log(database: &Database) -> String {
    database.value("select coalesce(string_agg(n::text, ',' order by n), '') from log")
}

#[test]
fn a_role_without_rights_stops_no_run() {
    let (database, tool) = with(&[("001_a.sql", "create table a(id int);")]);
    tool.run(&["migrate", "up"]).ok();
    let guest = Guest::of(&database);
    let _holder = database.session_as(&guest.1, &every_advisory_lock());
    let refusal = database.refusal(&format!(
        "set role {}; lock table toysoldiers.runner in share update exclusive mode",
        guest.1
    ));
    assert!(refusal.contains("permission denied"), "{refusal}");
    tool.write("database/migrations/002_b.sql", "create table b(id int);");
    tool.write("database/indexes/a.sql", "create index a_id on a (id);");
    tool.write(
        "database/policies/a.sql",
        "alter table a enable row level security;",
    );
    let all = ["deploy", "--wait", "1ms"];
    tool.run(&all).ok();
    tool.write(
        "database/indexes/a.sql",
        "create index a_id on a (id desc);",
    );
    tool.run(&["index", "apply", "--yes", "--wait", "1ms"]).ok();
}

#[test]
fn the_first_run_and_the_upgrade_wait_for_those_alone_who_could_run_something() {
    let (database, tool) = with(&[("001_a.sql", "create table a();")]);
    let guest = Guest::of(&database);
    let holds = || database.session_as(&guest.1, &every_advisory_lock());
    let grant = |what: &str| {
        database.sql(&format!("grant {what} to {}", guest.1));
        let outcome = tool.run(&["migrate", "up", "--wait", "1ms"]).code(6);
        let named = format!("(tests as {}, from this machine, connected for", guest.1);
        assert!(outcome.stderr.contains(&named), "{outcome}");
        assert!(
            outcome
                .stderr
                .contains("if it is no run, end its session: `select pg_terminate_backend("),
            "{outcome}"
        );
        database.sql(&format!("revoke {} from {}", what, guest.1));
    };
    let _holder = holds();
    grant(&format!("create on database {}", database.name));
    assert_eq!(
        database.value("select to_regnamespace('toysoldiers') is null"),
        "t"
    );
    tool.run(&["migrate", "up", "--wait", "1ms"]).ok();
    make_old(&database);
    grant("insert on toysoldiers.history");
    assert_eq!(
        database.value("select version from toysoldiers.installation"),
        "5"
    );
    tool.run(&["migrate", "up", "--wait", "1ms"]).ok();
    assert_eq!(
        database.value("select version from toysoldiers.installation"),
        "7"
    );
}

#[test]
fn older_programs_and_this_one_keep_each_other_out() {
    let (database, tool) = with(&[("001_a.sql", "create table a();")]);
    tool.run(&["migrate", "up"]).ok();
    tool.write("database/migrations/002_b.sql", GATE);
    for is_old in [true, false] {
        if is_old {
            make_old(&database);
        } else {
            tool.write("database/migrations/003_c.sql", "create table c();");
        }
        // As the older program takes it; who runs migrations can reach our schema.
        let older = database.session(&format!("select pg_advisory_lock({})", MIGRATE.key));
        let outcome = tool.run(&["migrate", "up", "--wait", "1ms"]).code(6);
        assert!(
            outcome.stderr.contains("another run is at work"),
            "{outcome}"
        );
        drop(older);
        if is_old {
            let gate = database.session("select pg_advisory_lock(11)");
            let runner = tool.spawn(&["migrate", "up"]);
            wait_at_gate(&database);
            let tried = format!("select pg_try_advisory_lock({})", MIGRATE.key);
            assert_eq!(database.value(&tried), "f");
            assert_eq!(database.value(&format!("select count(*) {HOLDS}")), "1");
            drop(gate);
            tool.outcome(runner).ok();
        }
    }
}

#[test]
fn the_lock_is_noticed_by_nobody_else_and_keeps_no_snapshot() {
    let (database, tool) = with(&[
        ("001_a.sql", "create table a(id int);"),
        (
            "002_b.sql",
            "-- toysoldiers: no-transaction\nvacuum;\nanalyze;\nreindex schema toysoldiers;\ncreate index concurrently a_id on a (id);\n",
        ),
        ("003_c.sql", GATE),
    ]);
    let gate = database.session("select pg_advisory_lock(11)");
    let runner = tool.spawn(&["migrate", "up"]);
    wait_at_gate(&database);
    let keeper = format!(
        "select state, backend_xid is null, backend_xmin is null from pg_stat_activity where pid in (select pid {HOLDS})"
    );
    assert_eq!(database.sql(&keeper), ["idle in transaction|t|t"]);
    let outcome = tool.run(&["migrate", "up", "--wait", "1ms"]).code(6);
    assert!(
        outcome.stderr.contains("another run is at work"),
        "{outcome}"
    );
    database.sql("vacuum analyze");
    drop(gate);
    tool.outcome(runner).ok();
}

#[test]
fn what_would_give_the_mark_away_is_refused() {
    for statement in [
        "discard all",
        "select pg_advisory_unlock_all()",
        "select 1, pg_catalog.\"pg_advisory_unlock_all\"()",
    ] {
        for directive in ["", "-- toysoldiers: no-transaction\n"] {
            let text = format!("{directive}create table a();\n{statement};\n");
            let (database, tool) = with(&[("001_a.sql", &text)]);
            let outcome = tool.run(&["migrate", "check"]).code(3);
            assert!(outcome.stdout.contains("unlocks-run"), "{outcome}");
            tool.run(&["migrate", "up"]).code(1);
            assert_eq!(database.value("select to_regclass('a') is null"), "t");
        }
    }
}

#[test]
fn a_file_that_hides_it_gives_nothing_away() {
    let (database, tool) = with(&[(
        "001_a.sql",
        &format!(
            "-- toysoldiers: no-transaction\ncreate table log(n int);\ndo $$ begin execute 'select pg_advisory_' || 'unlock_all()'; end $$;\n{GATE};\ninsert into log values (1);\n"
        ),
    )]);
    let gate = database.session("select pg_advisory_lock(11)");
    let runner = tool.spawn(&["migrate", "up"]);
    wait_at_gate(&database);
    let outcome = tool.run(&["migrate", "up", "--wait", "1ms"]).code(6);
    assert!(
        outcome.stderr.contains("another run is at work"),
        "{outcome}"
    );
    // The mark is there again, too.
    let marks =
        "select count(*) from pg_locks where locktype = 'advisory' and classid <> 0 and granted
        and database = (select oid from pg_database where datname = current_database())";
    assert_eq!(database.value(marks), "1");
    drop(gate);
    tool.outcome(runner).ok();
    assert_eq!(log(&database), "1");
}

fn end_keeper(database: &Database) {
    database.sql(&format!("select pg_terminate_backend(pid) {HOLDS}"));
    database.wait_until(&format!("select count(*) = 0 {HOLDS}"));
}

#[test]
fn a_run_that_has_lost_its_lock_stops_and_nothing_runs_twice() {
    let without = "-- toysoldiers: no-transaction\n";
    let files = [
        vec![
            ("001_a.sql", format!("create table log(n int);\n{GATE};")),
            ("002_b.sql", "insert into log values (1);".to_owned()),
        ],
        vec![(
            "001_a.sql",
            format!("{without}create table log(n int);\n{GATE};\ninsert into log values (1);"),
        )],
        vec![(
            "001_a.sql",
            format!(
                "{without}create table log(n int);\n{GATE};\nvacuum log;\ninsert into log values (1);"
            ),
        )],
        vec![(
            "001_a.sql",
            format!("{without}create table log(n int);\n{GATE};\ncopy log from stdin;\n1\n\\.\n"),
        )],
    ];
    for files in files {
        let files: Vec<(&str, &str)> = files
            .iter()
            .map(|(name, text)| (*name, text.as_str()))
            .collect();
        let (database, tool) = with(&files);
        let gate = database.session("select pg_advisory_lock(11)");
        let runner = tool.spawn(&["migrate", "up"]);
        wait_at_gate(&database);
        end_keeper(&database);
        // Another run sees that somebody is still at work.
        tool.run(&["migrate", "up", "--wait", "1ms"]).code(6);
        drop(gate);
        let outcome = tool.outcome(runner).code(5);
        assert!(
            outcome.stderr.contains("this run has lost its lock"),
            "{outcome}"
        );
        assert!(outcome.stderr.contains("001_a"), "{outcome}");
        assert!(!outcome.stderr.contains("fix the file"), "{outcome}");
        assert_eq!(log(&database), "");
        tool.run(&["migrate", "up"]).ok();
        assert_eq!(log(&database), "1");
        assert_eq!(
            database.value("select count(*) from toysoldiers.runs where outcome = 'failed'"),
            "0"
        );
    }
}

#[test]
fn policies_and_indexes_stop_too() {
    let database = Database::migrated();
    let tool = Tool::new().on(&database);
    let holder = database.session("begin; lock table tips in share mode");
    let mut runner = tool.spawn(&["policy", "apply"]);
    let mut lines = BufReader::new(runner.stderr.take().unwrap())
        .lines()
        .map(Result::unwrap);
    lines
        .by_ref()
        .find(|line| line.contains(" waits for pid "))
        .unwrap();
    end_keeper(&database);
    drop(holder);
    let rest: Vec<String> = lines.collect();
    assert!(
        rest.iter()
            .any(|line| line.contains("this run has lost its lock")),
        "{rest:?}"
    );
    assert_eq!(runner.wait().unwrap().code(), Some(5));
    assert_eq!(database.value("select count(*) from pg_policies"), "0");
    tool.run(&["policy", "apply"]).ok();
}

#[test]
fn what_a_killed_program_left_running_is_waited_for() {
    let (database, tool) = with(&[(
        "001_a.sql",
        "-- toysoldiers: no-transaction\ncreate table log(n int);\ninsert into log select 1 from (select pg_advisory_lock(11)) gate;\n",
    )]);
    let gate = database.session("select pg_advisory_lock(11)");
    let mut runner = tool.spawn(&["migrate", "up"]);
    wait_at_gate(&database);
    runner.kill().unwrap();
    runner.wait().unwrap();
    database.wait_until(&format!("select count(*) = 0 {HOLDS}"));
    let outcome = tool.run(&["migrate", "up", "--wait", "1ms"]);
    // The server may have noticed by itself that nobody waits any more.
    assert_ne!(outcome.code, Some(0), "it was not waited for: {outcome}");
    drop(gate);
    tool.run(&["migrate", "up"]).ok();
    assert_eq!(log(&database), "1");
}

#[test]
fn a_role_with_room_for_one_session_is_told_so() {
    let (database, tool) = with(&[("001_a.sql", "create table a();")]);
    tool.run(&["migrate", "up"]).ok();
    tool.write("database/migrations/002_b.sql", "create table b();");
    let name = format!("single_{}", database.name);
    database.sql(&format!("create role {name} login connection limit 1; grant usage on schema toysoldiers to {name}; grant all on all tables in schema toysoldiers to {name}"));
    let outcome = tool.on_as(&database, &name).run(&["migrate", "up"]).code(5);
    assert!(
        outcome
            .stderr
            .contains("cannot open a second session to hold the lock of the run"),
        "{outcome}"
    );
    assert!(
        outcome.stderr.contains("too many connections for role"),
        "{outcome}"
    );
    assert!(
        outcome.stderr.contains("hint: allow more sessions"),
        "{outcome}"
    );
    database.sql(&format!("drop owned by {name}; drop role {name}"));
}

#[test]
fn whoever_could_run_migrations_before_the_upgrade_still_can() {
    let (database, tool) = with(&[("001_a.sql", "create table a();")]);
    tool.run(&["migrate", "up"]).ok();
    let name = format!("deployer_{}", database.name);
    database.sql(&format!(
        "create role {name} login;
         grant usage on schema toysoldiers to {name};
         grant select, insert, update, delete on all tables in schema toysoldiers to {name};
         grant create on schema public to {name};"
    ));
    make_old(&database);
    tool.run(&["migrate", "up"]).ok();
    tool.write("database/migrations/002_b.sql", "create table b();");
    tool.on_as(&database, &name).run(&["migrate", "up"]).ok();
    database.sql(&format!("drop owned by {name}; drop role {name}"));
}

/// It was refused for a lock, named whoever holds it, and blamed no file.
fn names_holder(outcome: Outcome) {
    let outcome = outcome.code(6);
    let said = &outcome.stderr;
    assert!(
        said.contains("by pid PID (tests as postgres, idle in transaction, in a transaction for"),
        "{outcome}"
    );
    assert!(said.contains("begin; lock table "), "{outcome}");
    assert!(!said.contains("fix the file"), "{outcome}");
}

#[test]
fn a_table_that_somebody_holds_is_no_broken_file() {
    let database = Database::secured();
    let tool = Tool::new().on(&database);
    let _holder =
        database.session("begin; lock table tips, users, creators in access exclusive mode");
    for words in [
        &["policy", "status"][..],
        &["policy", "apply", "--retry-for", "0"],
        &["index", "status"],
        &["index", "apply", "--retry-for", "0"],
        &["deploy", "--retry-for", "0"],
        &["deploy", "--dry-run"],
        &["dashboard"],
        &["user", "list"],
        &["creator", "verify", "nobody@example.com", "--yes"],
        &["backup", "create", "--to", "b"],
        &["migrate", "dump", "--file", "-"],
        &["migrate", "verify"],
    ] {
        names_holder(tool.run(&[words, &["--lock-timeout", "600ms"]].concat()));
    }
    let outcome = tool.run(&["status", "--check"]).code(3);
    assert!(
        outcome
            .stdout
            .contains("is locked by pid PID (tests as postgres, "),
        "{outcome}"
    );
    assert!(
        !outcome.to_string().contains("cannot be applied"),
        "{outcome}"
    );
}

#[test]
fn a_program_of_postgresql_that_waits_names_the_holder() {
    let (database, tool) = with(&[("001_a.sql", "create table a(id int);")]);
    tool.run(&["migrate", "up"]).ok();
    let holder = database.session("begin; lock table a in access exclusive mode");
    names_holder(tool.run(&["migrate", "dump", "--lock-timeout", "2s"]));
    drop(holder);
    tool.run(&["migrate", "dump"]).ok();
}

#[test]
fn what_is_retried_waits_for_the_table_and_says_for_whom() {
    let database = Database::migrated();
    let tool = Tool::new().on(&database);
    let holder = database.session("begin; lock table tips in access exclusive mode");
    let mut runner = tool.spawn(&["deploy", "--lock-timeout", "200ms"]);
    let mut lines = BufReader::new(runner.stderr.take().unwrap())
        .lines()
        .map(Result::unwrap);
    let waits = lines
        .by_ref()
        .find(|line| line.starts_with("deploy waits for pid "))
        .unwrap();
    assert!(
        waits.ends_with(": begin; lock table tips in access exclusive mode"),
        "{waits}"
    );
    lines
        .by_ref()
        .find(|line| line.contains("trying again in"))
        .unwrap();
    holder.sql("commit");
    let rest: Vec<String> = lines.collect();
    assert!(
        rest.iter().any(|line| line.starts_with("deployed ")),
        "{rest:?}"
    );
    assert!(runner.wait().unwrap().success());
}

#[test]
fn another_run_is_looked_for_before_the_tables_it_has_locked() {
    let database = Database::migrated();
    let tool = Tool::new().on(&database);
    let _run = database.session(
        "begin; lock table toysoldiers.runner in share update exclusive mode; lock table tips, content in access exclusive mode",
    );
    for words in [&["deploy"][..], &["policy", "apply"]] {
        let outcome = tool.run(&[words, &["--wait", "1ms"]].concat()).code(6);
        assert!(
            outcome.stderr.contains("another run is at work"),
            "{outcome}"
        );
        assert!(
            outcome
                .stderr
                .contains("held by pid PID (tests as postgres, "),
            "{outcome}"
        );
        assert!(!outcome.stderr.contains("is locked by"), "{outcome}");
    }
}

/// A role that may make things in `public`, as PUBLIC may on version 14, and sits on what is its own.
#[test]
fn what_others_have_locked_of_their_own_holds_up_nobody() {
    let database = Database::secured();
    let tool = Tool::new().on(&database);
    tool.run(&["index", "apply", "--yes"]).ok();
    let guest = Guest::of(&database);
    database.sql(&format!(
        "grant create on schema public to {0}; set role {0};
         create table public.theirs (id int primary key, text text, to_theirs int references public.theirs);
         create index theirs_text on public.theirs (text) where id > 0;
         create table public.parts (id int) partition by range (id);
         create table public.part partition of public.parts for values from (0) to (9);
         create index parts_id on public.parts (id)",
        guest.1
    ));
    let holder = database.session_as(
        &guest.1,
        "begin; drop index public.theirs_text; lock table public.theirs, public.part in access exclusive mode",
    );
    for words in [
        &["index", "list"][..],
        &["index", "status"],
        &["index", "advise"],
        &["policy", "status"],
        &["migrate", "status"],
        &["migrate", "check"],
        &["status"],
        &["deploy", "--dry-run"],
        &["deploy", "--yes"],
    ] {
        let outcome = tool.run(&[words, &["--lock-timeout", "100ms"]].concat());
        assert!(matches!(outcome.code, Some(0 | 3)), "{words:?}\n{outcome}");
        assert!(
            !outcome.to_string().contains("by pid"),
            "{words:?}\n{outcome}"
        );
    }
    drop(holder);
    database.sql(&format!("drop owned by {}", guest.1));
}

#[test]
fn a_prepared_transaction_that_holds_a_lock_is_named() {
    let server = Server::start(&Setup::new().setting("max_prepared_transactions = 2"));
    let database = Database::on(&server);
    let tool = Tool::new().on(&database);
    database.sql("create table a (id int)");
    database.sql("begin; lock table a; prepare transaction 'left over'");
    let dump = ["migrate", "dump", "--file", "d.sql", "--lock-timeout", "3s"];
    let refused = tool.run(&dump).code(6);
    assert!(
        refused
            .stderr
            .contains("locked by the prepared transaction left over (postgres, prepared "),
        "{refused}"
    );
    database.sql("rollback prepared 'left over'");
    tool.run(&dump).ok();
}
