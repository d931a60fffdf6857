//! Migrations that take policies off and make them again, in their own transaction.

use std::io::{BufRead, BufReader};

use insta::assert_snapshot;

use crate::migrate::with;
use crate::policy_detach::{ODD, POLICIES, SHOP};
use crate::support::{Database, Tool};

/// The shop, with these migrations behind it.
fn migrating(files: &[(&str, &str)]) -> (Database, Tool) {
    let (database, tool) = with(files);
    database.sql(SHOP);
    (database, tool)
}

#[test]
fn a_migration_takes_policies_off_and_puts_them_back_in_its_own_transaction() {
    let text = "-- The states are few.\n-- toysoldiers: detach-policies shelf\n\n\
        alter table shelf alter state type varchar(9);\nalter table shelf alter state type text;\n";
    let (database, tool) = migrating(&[("001_states.sql", text)]);
    let before = database.sql(POLICIES);
    assert_snapshot!(tool.run(&["migrate", "up", "--dry-run"]), @"
    -- stdout
    plan: apply 1 migration
      apply database/migrations/001_states.sql  (policies that use shelf are taken off before and made again after it)
    -- stderr
    -> (url)  SOCKET/DB as postgres
    dry run: nothing was changed
    warning: database/migrations/001_states.sql:4:31: changing a column type requires an `ACCESS EXCLUSIVE` lock on the table which blocks reads and writes while the table is rewritten (changing-column-type)
    warning: database/migrations/001_states.sql:5:31: changing a column type requires an `ACCESS EXCLUSIVE` lock on the table which blocks reads and writes while the table is rewritten (changing-column-type)
    `toysoldiers migrate check` tells why, and what to write instead
    -- exit 0
    ");
    assert_snapshot!(tool.run(&["migrate", "up"]), @"
    -- stdout
    applied 001_states (2 statements, DURATION)
    -- stderr
    -> (url)  SOCKET/DB as postgres
    applied 1 migration in DURATION (database/migrations); the database is at 001_states
    warning: database/migrations/001_states.sql:4:31: changing a column type requires an `ACCESS EXCLUSIVE` lock on the table which blocks reads and writes while the table is rewritten (changing-column-type)
    warning: database/migrations/001_states.sql:5:31: changing a column type requires an `ACCESS EXCLUSIVE` lock on the table which blocks reads and writes while the table is rewritten (changing-column-type)
    `toysoldiers migrate check` tells why, and what to write instead
    -- exit 0
    ");
    assert_eq!(database.sql(POLICIES), before);
    // The text that ran is the text of the file.
    assert_eq!(database.value("select sql from toysoldiers.runs"), text);
    assert_eq!(
        database.value("select statements from toysoldiers.runs"),
        "2"
    );
}

#[test]
fn others_see_the_policies_all_the_time() {
    let (database, tool) = migrating(&[(
        "001_states.sql",
        "-- toysoldiers: detach-policies shelf\nselect pg_advisory_lock(9);\nselect pg_advisory_unlock(9);",
    )]);
    let before = database.sql(POLICIES);
    let gate = database.session("select pg_advisory_lock(9)");
    let runner = tool.spawn(&["migrate", "up"]);
    database.wait_until(
        "select exists (select from pg_locks where locktype = 'advisory' and objid = 9 and not granted and database = (select oid from pg_database where datname = current_database()))",
    );
    assert_eq!(database.sql("select count(*) from pg_policies"), ["5"]);
    assert_eq!(
        database.refusal("set lock_timeout = '1ms'; select from shelf"),
        "canceling statement due to lock timeout"
    );
    gate.sql("select pg_advisory_unlock(9)");
    tool.outcome(runner).ok();
    assert_eq!(database.sql(POLICIES), before);
}

#[test]
fn a_reader_is_waited_for_before_policies_are_taken_off() {
    let (database, tool) = migrating(&[(
        "001_states.sql",
        "-- A line.\n-- toysoldiers: detach-policies shelf\nalter table shelf alter state type text;",
    )]);
    let holder = database.session("begin; select * from shelf");
    let refused = tool.run(&[
        "migrate",
        "up",
        "--lock-timeout",
        "20ms",
        "--retry-for",
        "0",
    ]);
    let text = refused.code(6).to_string();
    assert!(
        text.contains("caused by: canceling statement due to lock timeout\n  --> database/migrations/001_states.sql:2:17"),
        "{text}"
    );
    let mut runner = tool.spawn(&["migrate", "up", "--lock-timeout", "20ms"]);
    let mut lines = BufReader::new(runner.stderr.take().unwrap())
        .lines()
        .map(Result::unwrap);
    lines.find(|line| line.contains("trying again")).unwrap();
    holder.sql("commit");
    lines.for_each(drop);
    assert!(runner.wait().unwrap().success());
}

#[test]
fn without_the_directive_a_migration_is_told_of_it() {
    let (_database, tool) = migrating(&[(
        "001_states.sql",
        "alter table shelf alter state type varchar(9);",
    )]);
    assert_snapshot!(tool.run(&["migrate", "up"]), @r#"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    error: migration 001_states.sql failed
      caused by: cannot alter type of a column used in a policy definition
      --> database/migrations/001_states.sql:1:1
         |
       1 | alter table shelf alter state type varchar(9);
         | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      note: policy open on table shelf depends on column "state"
      note: nothing of 001_states was kept; no migration is applied
      hint: begin the file with `-- toysoldiers: detach-policies TABLE`, which makes the policies again after it, and run `toysoldiers migrate up` again
    -- exit 1
    "#);
    tool.write(
        "database/migrations/001_states.sql",
        "alter table shelf drop column state;",
    );
    assert_snapshot!(tool.run(&["migrate", "up"]), @"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    error: migration 001_states.sql failed
      caused by: cannot drop column state of table shelf because other objects depend on it
      --> database/migrations/001_states.sql:1:1
         |
       1 | alter table shelf drop column state;
         | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      note: policy open on table shelf depends on column state of table shelf
            policy sober on table shelf depends on column state of table shelf
            policy through on table label depends on column state of table shelf
      note: nothing of 001_states was kept; no migration is applied
      hint: declare in database/policies how it has to be without it and run `toysoldiers policy apply`
      hint: then run `toysoldiers migrate up` again
    -- exit 1
    ");
}

#[test]
fn a_policy_that_cannot_be_made_again_undoes_the_migration() {
    let (database, tool) = migrating(&[
        ("001_a.sql", "create table a();"),
        (
            "002_b.sql",
            "-- toysoldiers: detach-policies shelf\nalter table shelf drop column state;",
        ),
    ]);
    let before = database.sql(POLICIES);
    assert_snapshot!(tool.run(&["migrate", "up", "--one-transaction"]), @"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    error: migration 002_b.sql failed
      caused by: policy through on public.label cannot be made again: column s.state does not exist
      note: create policy through on public.label as permissive for select to public using ((EXISTS ( SELECT
               FROM public.shelf s
              WHERE ((s.id = label.shelf) AND (s.state = 'open'::text)))))
      note: the file ran, but its policies could not be made again
      note: nothing of the 2 migrations in this transaction was kept; no migration is applied
      hint: leave out the directive
      hint: take its policies off with `toysoldiers policy detach shelf`
      hint: run `toysoldiers migrate up`
      hint: write the policy in database/policies as it has to be now, and run `toysoldiers policy apply`
    -- exit 1
    ");
    assert_eq!(database.sql(POLICIES), before);
    assert_snapshot!(database.value("select message from toysoldiers.runs"), @"making policies again: policy through on public.label cannot be made again: column s.state does not exist");
}

#[test]
fn a_failing_statement_keeps_its_place_and_the_policies() {
    let (database, tool) = migrating(&[(
        "001_b.sql",
        "-- toysoldiers: detach-policies shelf\nalter table shelf alter state type varchar(9);\nselect 1 / 0;",
    )]);
    let before = database.sql(POLICIES);
    assert_snapshot!(tool.run(&["migrate", "up"]), @"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    error: migration 001_b.sql failed
      caused by: division by zero
      --> database/migrations/001_b.sql:3:1
         |
       3 | select 1 / 0;
         | ^^^^^^^^^^^^
      note: nothing of 001_b was kept; no migration is applied
      hint: fix the file and run `toysoldiers migrate up` again
    -- exit 1
    ");
    tool.write(
        "database/migrations/001_b.sql",
        "-- toysoldiers: detach-policies shelf\nselect wrong from shelf;",
    );
    assert_snapshot!(tool.run(&["migrate", "up"]), @r#"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    error: migration 001_b.sql failed
      caused by: column "wrong" does not exist
      --> database/migrations/001_b.sql:2:8
         |
       2 | select wrong from shelf;
         |        ^^^^^
      note: nothing of 001_b was kept; no migration is applied
      hint: fix the file and run `toysoldiers migrate up` again
    -- exit 1
    "#);
    tool.write(
        "database/migrations/001_b.sql",
        "-- One line.\n-- toysoldiers: detach-policies label, nothing\nselect 1;",
    );
    assert_snapshot!(tool.run(&["migrate", "up"]), @r#"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    error: migration 001_b.sql failed
      caused by: relation "nothing" does not exist
      --> database/migrations/001_b.sql:2:17
         |
       2 | -- toysoldiers: detach-policies label, nothing
         |                 ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      note: nothing of 001_b was kept; no migration is applied
      hint: fix the directive and run `toysoldiers migrate up` again
    -- exit 1
    "#);
    tool.write(
        "database/migrations/001_b.sql",
        "-- toysoldiers: detach-policies shelf\nreset all;",
    );
    assert_snapshot!(tool.run(&["migrate", "up"]), @"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    error: migration 001_b.sql failed
      caused by: the file resets all settings, and with them what its policies were
      note: the file ran, but its policies could not be made again
      note: nothing of 001_b was kept; no migration is applied
      hint: reset by name what the file has set
      hint: then run `toysoldiers migrate up` again
    -- exit 1
    ");
    assert_eq!(database.sql(POLICIES), before);
}

#[test]
fn several_migrations_in_one_transaction_each_put_back_what_they_took_off() {
    let (database, tool) = migrating(&[
        (
            "001_a.sql",
            "-- toysoldiers: detach-policies shelf\nalter table shelf alter state type varchar(9);\nalter table shelf alter state type text;",
        ),
        ("002_b.sql", "create table b();"),
        (
            "003_c.sql",
            "-- toysoldiers: detach-policies label, shelf\ncopy label from stdin;\n1\t2\tme\n\\.\nalter table label alter owner type varchar(9);\nset local role postgres;\nalter table label alter owner type text;",
        ),
    ]);
    let before = database.sql(POLICIES);
    tool.run(&["migrate", "up", "--one-transaction"]).ok();
    assert_eq!(database.sql(POLICIES), before);
    assert_eq!(
        database.sql("select statements from toysoldiers.runs order by id"),
        ["2", "1", "4"]
    );
}

#[test]
fn what_becomes_of_a_table_is_told() {
    let (database, tool) = migrating(&[(
        "001_a.sql",
        "-- toysoldiers: detach-policies shelf, other\n\
         create table shelf_2 as select * from shelf;\ndrop table shelf;\nalter table shelf_2 rename to shelf;\n\
         drop table label;\ncreate policy own on shelf using (true);\nalter table other rename to another;",
    )]);
    database.sql("create table other (id int); create policy here on other using (id > 0)");
    assert_snapshot!(tool.run(&["migrate", "up"]), @"
    -- stdout
    applied 001_a (6 statements, DURATION)
    -- stderr
    -> (url)  SOCKET/DB as postgres
    notice: 001_a.sql: policy through went with its table public.label
    warning: 001_a.sql: public.shelf had row-level security, and has none any more: its policies bind nobody (alter table ... enable row level security)
    notice: 001_a.sql: policy own on public.shelf was made by this file, and stays as it is
    applied 1 migration in DURATION (database/migrations); the database is at 001_a
    warning: database/migrations/001_a.sql:2:14: the table shelf_2 is made without row-level security (table-without-row-security)
    warning: database/migrations/001_a.sql:3:1: dropping a table may break existing clients (ban-drop-table)
    warning: database/migrations/001_a.sql:5:1: dropping a table may break existing clients (ban-drop-table)
    warning: database/migrations/001_a.sql:6:15: the policy own on shelf names no role (policy-without-role)
    warning: database/migrations/001_a.sql:7:19: renaming a table may break existing clients (renaming-table)
    `toysoldiers migrate check` tells why, and what to write instead
    -- exit 0
    ");
    assert_eq!(
        database.sql("select tablename || '.' || policyname from pg_policies order by 1"),
        ["another.here", "shelf.open", "shelf.own", "shelf.sober"]
    );
}

#[test]
fn undoing_and_verifying_honour_the_directive() {
    let (database, tool) = with(&[
        ("001_shop.sql", SHOP),
        (
            "002_a.sql",
            "-- toysoldiers: detach-policies shelf\nalter table shelf alter state type varchar(9);",
        ),
        (
            "002_a.down.sql",
            "-- toysoldiers: detach-policies shelf\nalter table shelf alter state type text;",
        ),
    ]);
    tool.run(&["migrate", "up", "--to", "1"]).ok();
    let before = database.sql(POLICIES);
    let server = database.server.database("postgres").url();
    tool.run(&["migrate", "verify", "--scratch-url", &server])
        .ok();
    tool.run(&["migrate", "up"]).ok();
    tool.run(&["migrate", "down", "--confirm", &database.name])
        .ok();
    let plain = |rows: Vec<String>| {
        let rows = rows.into_iter();
        rows.map(|row| row.replace("('open'::character varying)::text", "'open'::text"))
            .collect::<Vec<_>>()
    };
    let after = plain(database.sql(POLICIES));
    assert_eq!(after.len(), before.len());
    tool.write(
        "database/migrations/002_a.down.sql",
        "-- toysoldiers: detach-policies shelf\nalter table shelf drop column state;",
    );
    tool.run(&["migrate", "up"]).ok();
    assert_snapshot!(tool.run(&["migrate", "down", "--confirm", &database.name]), @"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    plan: undo 002_a
      undo 002_a  (with database/migrations/002_a.down.sql)
          alter table shelf drop column state
    error: cannot undo 002_a: 002_a.down.sql failed
      caused by: policy through on public.label cannot be made again: column s.state does not exist
      note: create policy through on public.label as permissive for select to public using ((EXISTS ( SELECT
               FROM public.shelf s
              WHERE ((s.id = label.shelf) AND ((s.state)::text = 'open'::text)))))
      note: the file ran, but its policies could not be made again
      note: 002_a is applied as it was
      hint: fix the file and run `toysoldiers migrate down` again
    -- exit 1
    ");
}

#[test]
fn partitions_and_tables_without_policies_are_fine() {
    let (database, tool) = with(&[(
        "001_a.sql",
        "-- toysoldiers: detach-policies part, bare\nalter table part alter state type varchar(9);\nalter table part alter state type text;",
    )]);
    database.sql(
        "create table bare();
         create table part (id int, state text) partition by range (id);
         create table part_1 partition of part for values from (1) to (9);
         create policy whole on part as restrictive using (state = 'a');
         create policy piece on part_1 using (state = 'b')",
    );
    let before = database.sql(POLICIES);
    tool.run(&["migrate", "up"]).ok();
    assert_eq!(database.sql(POLICIES), before);
}

#[test]
fn a_directive_without_a_transaction_is_a_mistake() {
    let (_database, tool) = with(&[(
        "001_a.sql",
        "-- toysoldiers: detach-policies shelf\n-- toysoldiers: no-transaction\nselect 1;",
    )]);
    assert_snapshot!(tool.run(&["migrate", "check"]), @"
    -- stdout
    error: detach-policies wants a transaction, and no-transaction none [directive]
      --> database/migrations/001_a.sql:1:17
         |
       1 | -- toysoldiers: detach-policies shelf
         |                 ^^^^^^^^^^^^^^^^^^^^^
      why: what is not read as a directive is a comment, and the file would run as it must not
      instead: leave out one of them; without a transaction, `policy detach` before the migration and `policy attach` after it do the same
    -- stderr
    1 file checked (database/migrations): 1 error
    -- exit 3
    ");
    assert_snapshot!(tool.run(&["migrate", "up"]), @"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    error: database/migrations/001_a.sql cannot be applied
      caused by: detach-policies wants a transaction, and no-transaction none
      --> database/migrations/001_a.sql:1:17
         |
       1 | -- toysoldiers: detach-policies shelf
         |                 ^^^^^^^^^^^^^^^^^^^^^
      note: nothing was run
      hint: leave out one of them; without a transaction, `policy detach` before the migration and `policy attach` after it do the same
    -- exit 1
    ");
}

#[test]
fn names_in_a_directive_may_be_odd() {
    let (database, tool) = with(&[(
        "001_a.sql",
        "-- toysoldiers: detach-policies public.\"O'dd, $1 ta\\ble\"\nalter table \"O'dd, $1 ta\\ble\" alter \"co'l\" type varchar(9);\nalter table \"O'dd, $1 ta\\ble\" alter \"co'l\" type text;",
    )]);
    database.sql(ODD);
    let before = database.sql(POLICIES);
    tool.run(&["migrate", "up"]).ok();
    assert_eq!(database.sql(POLICIES), before);
}
