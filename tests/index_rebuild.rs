//! `index rebuild`: made anew beside those who use it, measured and never guessed, and nothing left behind.

use std::io::{BufRead, BufReader};

use insta::assert_snapshot;

use crate::index_apply::{INVALID, indexes, signal, with};

#[test]
fn a_rebuilt_index_is_smaller_and_says_by_how_much() {
    let (database, tool) = with("create index items_kind on items (kind);");
    database.sql(
        "insert into items select n, n % 7, 'more' from generate_series(1000, 20000) n;
         create index items_name on items (id, name);
         delete from items where id % 10 <> 0",
    );
    database.sql("vacuum items");
    let rebuilt = tool
        .run(&["index", "rebuild", "items_name", "-o", "json"])
        .ok();
    let index = &rebuilt.json()["indexes"][0];
    assert!(
        index["after"].as_i64().unwrap() * 2 < index["before"].as_i64().unwrap(),
        "{rebuilt}"
    );
    let row = "select details from toysoldiers.audit_log where action = 'index rebuild'";
    assert_eq!(
        database.value(row),
        r#"{"index": "items_name", "table": "items", "change": "rebuild"}"#
    );
    assert_eq!(indexes(&database).len(), 1);
}

#[test]
fn what_is_bloated_is_measured_or_not_known() {
    let (database, tool) = with("create index items_kind on items (kind);");
    assert_snapshot!(tool.run(&["index", "rebuild", "--bloated"]), @"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    error: how full indexes are is not measurable here: the extension pgstattuple is not installed
      note: nothing was changed
      hint: install it with `create extension pgstattuple`, or name the indexes to rebuild
    -- exit 6
    ");
    database.sql(
        "create extension pgstattuple;
         insert into items select n, n % 7, 'more' from generate_series(1000, 40000) n;
         create index full_one on items (id); create index empty_one on items (id) where id % 10 <> 0;
         create index words on items using gin (array_fill(id, array[1]));
         delete from items where id % 10 <> 0 and id % 100 <> 1",
    );
    database.sql("vacuum items");
    database.sql("reindex index full_one");
    let outcome = tool.run(&["index", "rebuild", "--bloated"]).ok();
    assert!(
        outcome.stdout.contains("empty_one") && !outcome.stdout.contains("full_one"),
        "{outcome}"
    );
    assert!(
        outcome
            .stderr
            .contains("not measurable, since no B-tree: words"),
        "{outcome}"
    );
    let outcome = tool.run(&["index", "rebuild", "--bloated"]).ok();
    assert!(
        outcome
            .stderr
            .contains("nothing to do: no index is less full than that"),
        "{outcome}"
    );
}

#[test]
fn what_is_not_there_is_told_with_the_nearest_name() {
    let (database, tool) = with("create index items_kind on items (kind);");
    database.sql("create index items_kind on items (kind)");
    assert_snapshot!(tool.run(&["index", "rebuild", "item_kind"]), @"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    error: there is no index item_kind in this database
      hint: did you mean items_kind?
    -- exit 1
    ");
    database.sql("alter table items add constraint apart exclude (id with =)");
    assert_snapshot!(tool.run(&["index", "rebuild", "apart"]), @"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    error: apart is the index of an exclusion constraint, which PostgreSQL does not rebuild concurrently
      note: nothing was changed
      hint: rebuild it in a migration, at a time when nobody writes
    -- exit 6
    ");
    tool.run(&["index", "rebuild"]).code(2);
    tool.run(&["index", "rebuild", "1"]).code(2);
}

#[test]
fn an_interrupted_rebuild_leaves_the_old_index_and_nothing_else() {
    let (database, tool) = with("create index items_kind on items (kind);");
    database.sql("create index items_kind on items (kind)");
    let writer = database.session("begin; update items set kind = kind where id = 1");
    let runner = tool.spawn(&["index", "rebuild", "items_kind"]);
    database.wait_until(INVALID);
    signal(&runner, rustix::process::Signal::INT);
    database.wait_until("select exists (select from pg_stat_activity where datname = current_database() and query like 'drop index%' and state = 'active')");
    writer.sql("commit");
    assert_snapshot!(tool.outcome(runner).without_waiting(), @"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    error: interrupted
      caused by: cannot rebuild the index items_kind
      caused by: canceling statement due to user request
      note: it is as it was before
      note: what the build of items_kind left behind was dropped
      hint: run it again to go on
    -- exit 130
    ");
    assert_eq!(
        indexes(&database),
        ["CREATE INDEX items_kind ON public.items USING btree (kind)|t"]
    );
}

#[test]
fn what_a_rebuild_left_behind_is_dropped_and_one_that_goes_on_is_followed() {
    let (database, tool) = with("create index items_kind on items (kind);");
    database.sql("create index items_kind on items (kind)");
    database.refusal("create unique index concurrently items_kind_ccnew on items (kind)");
    let oid = "select 'items_kind'::regclass::oid";
    tool.run(&["index", "rebuild", "items_kind"]).ok();
    assert_eq!(
        indexes(&database),
        ["CREATE INDEX items_kind ON public.items USING btree (kind)|t"]
    );
    let writer = database.session("begin; update items set kind = kind where id = 1");
    let mut killed = tool.spawn(&["index", "rebuild", "items_kind"]);
    database.wait_until(INVALID);
    killed.kill().unwrap();
    killed.wait().unwrap();
    let new = database.value("select 'items_kind_ccnew'::regclass::oid");
    let mut runner = tool.spawn(&["index", "rebuild", "items_kind"]);
    let mut lines = BufReader::new(runner.stderr.take().unwrap())
        .lines()
        .map(Result::unwrap);
    assert!(lines.any(|line| line.contains("is building on its table")));
    writer.sql("commit");
    assert!(lines.any(|line| line.starts_with("rebuilt 1 index ")));
    assert!(runner.wait().unwrap().success());
    assert_eq!(database.value(oid), new);
    assert_eq!(indexes(&database).len(), 1);
}
