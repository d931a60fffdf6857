//! Migrations without a transaction: what is done stays done, and the next run goes on.

use insta::assert_snapshot;

use crate::migrate::with;
use crate::support::{Database, Tool};

/// A table, and a file that indexes it twice and fails in between.
fn half_done() -> (Database, Tool) {
    let (database, tool) = with(&[
        ("001_a.sql", "create table a(b int, c int);"),
        (
            "002_index.sql",
            "-- toysoldiers: no-transaction\n\
             create index concurrently a_b on a(b);\n\
             insert into a values (1, 1), (1, 2);\n\
             create unique index concurrently a_unique on a(b);\n\
             create index concurrently a_c on a(c);\n",
        ),
    ]);
    tool.run(&["migrate", "up"]).code(1);
    (database, tool)
}

fn indexes(database: &Database) -> String {
    database
        .sql(
            "select c.relname || case when i.indisvalid then '' else ' INVALID' end
             from pg_index i join pg_class c on c.oid = i.indexrelid
             where i.indrelid = 'a'::regclass order by 1",
        )
        .join(", ")
}

#[test]
fn a_failure_keeps_what_is_done_and_says_how_it_goes_on() {
    let (database, tool) = with(&[
        ("001_a.sql", "create table a(b int);"),
        (
            "002_b.sql",
            "-- toysoldiers: no-transaction\ncreate index concurrently a_b on a(b);\nupdate a set é = 1;\nvacuum a;\n",
        ),
    ]);
    assert_snapshot!(tool.run(&["migrate", "up"]), @r#"
    -- stdout
    applied 001_a (1 statement, DURATION)
    -- stderr
    -> (url)  SOCKET/DB as postgres
    error: migration 002_b.sql failed
      caused by: column "é" of relation "a" does not exist
      --> database/migrations/002_b.sql:3:14
         |
       3 | update a set é = 1;
         |              ^
      note: 1 of 3 statements of 002_b are done and stay; 001_a is the last applied migration
      note: the next `migrate up` goes on with statement 2
      hint: fix the file and run `toysoldiers migrate up` again
    -- exit 1
    "#);
    assert_snapshot!(tool.run(&["migrate", "status"]), @"
    -- stdout
    VERSION  NAME  STATE  APPLIED AT  APPLIED BY  DURATION
    001  a  applied  NOW  tester@HOST DURATION
    002  b  unfinished (1 statement done)  -  -  -
    -- stderr
    -> (url)  SOCKET/DB as postgres
    1 applied, 1 pending (database/migrations)
    -- exit 0
    ");
    assert_snapshot!(tool.run(&["migrate", "up", "--dry-run"]), @"
    -- stdout
    plan: apply 1 migration
      apply database/migrations/002_b.sql  (goes on with statement 2 of 3)
    -- stderr
    -> (url)  SOCKET/DB as postgres
    dry run: nothing was changed
    warning: database/migrations/002_b.sql:3:1: UPDATE without WHERE changes all rows of a (write-without-where)
    `toysoldiers migrate check` tells why, and what to write instead
    -- exit 0
    ");
    tool.write(
        "database/migrations/002_b.sql",
        "-- toysoldiers: no-transaction\ncreate index concurrently a_b on a(b);\nupdate a set b = 1;\nvacuum a;\n",
    );
    assert_snapshot!(tool.run(&["migrate", "up"]), @"
    -- stdout
    applied 002_b (3 statements, DURATION)
    -- stderr
    -> (url)  SOCKET/DB as postgres
    002_b: 1 of 3 statements are done; going on with statement 2
    applied 1 migration in DURATION (database/migrations); the database is at 002_b
    warning: database/migrations/002_b.sql:3:1: UPDATE without WHERE changes all rows of a (write-without-where)
    `toysoldiers migrate check` tells why, and what to write instead
    -- exit 0
    ");
    assert_eq!(indexes(&database), "a_b");
    assert_eq!(
        database.sql("select version, action, outcome, statements, sqlstate from toysoldiers.runs order by id"),
        ["1|up|done|1|", "2|up|failed||42703", "2|up|done|3|"]
    );
    assert_eq!(
        database.value("select count(*) from toysoldiers.steps"),
        "0"
    );
}

#[test]
fn an_invalid_index_is_dropped_before_it_is_built_again() {
    let (database, tool) = half_done();
    assert_eq!(indexes(&database), "a_b, a_unique INVALID");
    database.sql("delete from a where c = 2");
    assert_snapshot!(tool.run(&["migrate", "up"]), @r#"
    -- stdout
    applied 002_index (4 statements, DURATION)
    -- stderr
    -> (url)  SOCKET/DB as postgres
    002_index: 2 of 4 statements are done; going on with statement 3
    002_index: dropping the INVALID index "public"."a_unique", which a build that did not come to its end left behind
    applied 1 migration in DURATION (database/migrations); the database is at 002_index
    -- exit 0
    "#);
    assert_eq!(indexes(&database), "a_b, a_c, a_unique");
    assert_eq!(database.value("select count(*) from a"), "1");
}

#[test]
fn what_somebody_else_left_behind_is_dropped_too() {
    let (database, tool) = with(&[(
        "001_index.sql",
        "-- toysoldiers: no-transaction\ncreate index concurrently if not exists \"A b\" on only public.a using btree (b);\n",
    )]);
    database.sql("create table a(b int); insert into a values (1), (1)");
    database.refusal("create unique index concurrently \"A b\" on a(b)");
    assert_eq!(indexes(&database), "A b INVALID");
    assert_snapshot!(tool.run(&["migrate", "up"]), @r#"
    -- stdout
    applied 001_index (1 statement, DURATION)
    -- stderr
    -> (url)  SOCKET/DB as postgres
    001_index: dropping the INVALID index "public"."A b", which a build that did not come to its end left behind
    applied 1 migration in DURATION (database/migrations); the database is at 001_index
    -- exit 0
    "#);
    assert_eq!(indexes(&database), "A b");
}

#[test]
fn statements_that_are_done_must_stay_as_they_are() {
    let (database, tool) = half_done();
    tool.write(
        "database/migrations/002_index.sql",
        "-- toysoldiers: no-transaction\n-- Comments may change.\ncreate index concurrently a_b on a(b);\n\
         insert into a values (1, 1);\ncreate index concurrently a_unique on a(b);\n",
    );
    assert_snapshot!(tool.run(&["migrate", "up"]), @"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    error: database/migrations/002_index.sql was changed after its first 2 statements had run
      caused by: this is not the statement that ran
      --> database/migrations/002_index.sql:4:1
         |
       4 | insert into a values (1, 1);
         | ^^^^^^^^^^^^^^^^^^^^^^^^^^^
      note: nothing was changed
      hint: make the file what it was; or say what became of it with `toysoldiers migrate repair 002_index --done` or `--undone`
    -- exit 1
    ");
    assert_eq!(database.value("select count(*) from a"), "2");
    assert_eq!(
        database.value("select count(*) from toysoldiers.history"),
        "1"
    );
}

#[test]
fn what_was_set_for_the_session_is_set_again() {
    let (database, tool) = with(&[(
        "001_a.sql",
        "-- toysoldiers: no-transaction\ncreate schema s;\nset search_path = s;\nselect set_config('my.word', 'kept', false);\n\
         create table a(b text);\ninsert into a values (1/(select count(*) from public.go));\n\
         insert into a values (current_setting('my.word'));\nset role pg_read_all_data;\n",
    )]);
    database.sql("create table go()");
    tool.run(&["migrate", "up"]).code(1);
    database.sql("alter table go add a int; insert into go values (1)");
    tool.run(&["migrate", "up"]).ok();
    assert_eq!(database.sql("select b from s.a"), ["1", "kept"]);
    assert_eq!(
        database.value("select count(*) from toysoldiers.history"),
        "1"
    );
}

#[test]
fn rows_are_copied_with_their_mark() {
    let text = "-- toysoldiers: no-transaction\ncreate table a(b int, c text);\ncopy a from stdin;\n1\tit's; a\\tb\n2\t\\N\n\\.\nvacuum a;\n";
    let (database, tool) = with(&[("001_a.sql", text)]);
    assert_snapshot!(tool.run(&["migrate", "up"]), @"
    -- stdout
    applied 001_a (3 statements, DURATION)
    -- stderr
    -> (url)  SOCKET/DB as postgres
    applied 1 migration in DURATION (database/migrations); the database is at 001_a
    warning: database/migrations/001_a.sql:2:14: the table a is made without row-level security (table-without-row-security)
    `toysoldiers migrate check` tells why, and what to write instead
    -- exit 0
    ");
    assert_eq!(
        database.sql("select b, c is null, length(c) from a order by b"),
        ["1|f|9", "2|t|"]
    );
}

#[test]
fn a_procedure_may_commit() {
    let (database, tool) = with(&[(
        "001_a.sql",
        "-- toysoldiers: no-transaction\ncreate table a(b int);\n\
         create procedure fill() language plpgsql as $$ begin for n in 1..3 loop insert into a values (n); commit; end loop; end $$;\n\
         call fill();\ndo $$ begin insert into a values (4); commit; end $$;\n",
    )]);
    tool.run(&["migrate", "up"]).ok();
    assert_eq!(database.value("select count(*) from a"), "4");
}

#[test]
fn it_cannot_share_a_transaction_with_others() {
    let (database, tool) = half_done();
    tool.write("database/migrations/003_b.sql", "create table b();");
    assert_snapshot!(tool.run(&["migrate", "up", "--one-transaction"]), @"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    error: database/migrations/002_index.sql asks for no transaction, and `--one-transaction` for one
      note: nothing was changed
      hint: leave out `--one-transaction`, or stop before this migration with `--to`
    -- exit 6
    ");
    assert_eq!(indexes(&database), "a_b, a_unique INVALID");
}

#[test]
fn a_build_waits_for_old_transactions_and_says_for_which() {
    let (database, tool) = with(&[(
        "001_a.sql",
        "-- toysoldiers: no-transaction\ncreate index concurrently a_b on a(b);\n",
    )]);
    database.sql("create table a(b int)");
    let reader = database.session("begin isolation level repeatable read; select * from a");
    let runner = tool.spawn(&["migrate", "up"]);
    database.wait_until(
        "select exists (select from pg_stat_progress_create_index where phase like 'waiting%' and datname = current_database())",
    );
    // The second session has looked once somebody has asked there who is in the way.
    database.wait_until(
        "select exists (select from pg_stat_activity where datname = current_database() and query like '-- Whom a session waits for%' and state = 'idle' and pid <> pg_backend_pid())",
    );
    reader.sql("commit");
    let outcome = tool.outcome(runner).ok().to_string();
    assert!(
        outcome.contains(
            "001_a waits for pid PID (tests as postgres, idle in transaction, in a transaction for"
        ),
        "{outcome}"
    );
    assert_eq!(indexes(&database), "a_b");
}

#[test]
fn what_stopped_halfway_is_not_forgotten_when_its_file_is_gone_or_another() {
    let (database, tool) = half_done();
    let path = "database/migrations/002_index.sql";
    let text = std::fs::read_to_string(tool.path().join(path)).unwrap();
    tool.write("database/migrations/003_c.sql", "create table c();");
    std::fs::remove_file(tool.path().join(path)).unwrap();
    assert_snapshot!(tool.run(&["migrate", "up"]), @"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    error: 002 stopped halfway (2 statements done), and its file is gone
      note: nothing was changed
      hint: bring the file back, from version control say; or forget what ran of it: `toysoldiers migrate repair 002 --undone`
    -- exit 1
    ");
    assert_snapshot!(tool.run(&["migrate", "status", "--check"]), @"
    -- stdout
    VERSION  NAME  STATE  APPLIED AT  APPLIED BY  DURATION
    001  a  applied  NOW  tester@HOST DURATION
    002  gone halfway (2 statements done)  -  -  -
    003  c  pending  -  -  -
    -- stderr
    -> (url)  SOCKET/DB as postgres
    1 applied, 1 pending (database/migrations); 1 in trouble, which `toysoldiers migrate up` explains
    -- exit 3
    ");
    tool.write(
        path,
        text.replace("no-transaction", "lock-timeout 5s")
            .replace("concurrently ", ""),
    );
    assert_snapshot!(tool.run(&["migrate", "up"]), @"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    error: database/migrations/002_index.sql asks for a transaction now after its first 2 statements had run
      note: nothing was changed
      hint: make the file what it was; or say what became of it with `toysoldiers migrate repair 002_index --done` or `--undone`
    -- exit 1
    ");
    tool.write(path, text.replace("(1, 1)", "(2, 2)"));
    assert_snapshot!(tool.run(&["migrate", "status"]), @"
    -- stdout
    VERSION  NAME  STATE  APPLIED AT  APPLIED BY  DURATION
    001  a  applied  NOW  tester@HOST DURATION
    002  index  changed halfway (2 statements done)  -  -  -
    003  c  pending  -  -  -
    -- stderr
    -> (url)  SOCKET/DB as postgres
    1 applied, 1 pending (database/migrations); 1 in trouble, which `toysoldiers migrate up` explains
    -- exit 0
    ");
    assert_snapshot!(tool.run(&["migrate", "repair"]), @"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    nothing to repair: no file was edited or renamed after it ran
    002_index stopped halfway, and its file was changed; say how it stands with `toysoldiers migrate repair 002_index --done` or `--undone`
    -- exit 0
    ");
    assert_eq!(database.value("select to_regclass('c') is null"), "t");
    database.sql("delete from a where c = 2");
    tool.write(path, text);
    tool.run(&["migrate", "up"]).ok();
    assert_eq!(database.value("select to_regclass('c') is null"), "f");
}

#[test]
fn it_is_on_record_how_long_all_of_it_took() {
    let (database, tool) = with(&[
        (
            "001_a.sql",
            "-- toysoldiers: no-transaction\nselect pg_sleep(0.2);\nselect 1;\n",
        ),
        (
            "002_b.sql",
            "select pg_sleep(0.2);\ncreate table b(n int);\ncopy b from stdin;\n1\n\\.\n",
        ),
    ]);
    tool.run(&["migrate", "up"]).ok();
    assert_eq!(
        database.sql("select h.duration_ms >= 200, r.duration_ms >= 200 from toysoldiers.history h join toysoldiers.runs r using (version)"),
        ["t|t", "t|t"]
    );
}

#[test]
fn a_session_that_somebody_ends_is_on_record() {
    let (database, tool) = with(&[("001_a.sql", "select pg_sleep(600);")]);
    let runner = tool.spawn(&["migrate", "up"]);
    let asleep =
        "from pg_stat_activity where datname = current_database() and wait_event = 'PgSleep'";
    database.wait_until(&format!("select exists (select {asleep})"));
    database.sql(&format!("select pg_terminate_backend(pid) {asleep}"));
    assert_snapshot!(tool.outcome(runner), @"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    warning: the connection was lost while 001_a ran; connecting again to find out what became of it
    error: the connection was lost while 001_a.sql ran
      caused by: terminating connection due to administrator command
      note: nothing of 001_a was kept; no migration is applied
      hint: run `toysoldiers migrate up` again
    -- exit 5
    ");
    assert_eq!(
        database.sql("select outcome, message from toysoldiers.runs"),
        ["failed|the connection was lost"]
    );
}
