//! `index apply`: indexes built among readers and writers, replaced, followed, cleaned up and finished.

use std::fmt::Write;
use std::io::{BufRead, BufReader};
use std::process::Child;

use insta::assert_snapshot;

use crate::support::{Bouncer, Database, Proxy, Tool};

const TABLE: &str = "create table items as select n as id, n % 7 as kind, 'item ' || n as name from generate_series(1, 500) n";

/// A database with a table of some rows, and a file that declares its indexes.
pub fn with(text: &str) -> (Database, Tool) {
    let database = Database::migrated();
    database.sql(TABLE);
    let tool = Tool::new().on(&database);
    tool.write("database/indexes/items.sql", text);
    (database, tool)
}

/// The indexes of the table, and whether they are valid.
pub fn indexes(database: &Database) -> Vec<String> {
    database.sql(
        "select pg_get_indexdef(indexrelid), indisvalid from pg_index
         where indrelid = 'items'::regclass order by indexrelid::regclass::text",
    )
}

/// Somebody who changes the table and does not come to an end: a build waits for them.
const WRITER: &str = "begin; update items set kind = kind where id = 1";

/// A build that has left its first mark.
pub const INVALID: &str = "select exists (select from pg_index where not indisvalid)";

/// Whether somebody builds.
pub const BUILDING: &str =
    "select exists (select from pg_stat_progress_create_index where datname = current_database())";

pub fn signal(child: &Child, signal: rustix::process::Signal) {
    let pid = rustix::process::Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
    rustix::process::kill_process(pid, signal).unwrap();
}

const PLAIN: &str = "create index items_kind on items (kind);";

#[test]
fn what_is_declared_is_built_and_then_there_is_nothing_to_do() {
    let (database, tool) = with(
        "create index items_kind on items (kind);\n\
         create unique index items_id on items (id desc) include (name) where id > 3; -- last\n",
    );
    assert_snapshot!(tool.run(&["index", "apply"]), @"
    -- stdout
    created items_kind on items in DURATION
    created items_id on items in DURATION
    -- stderr
    -> (url)  SOCKET/DB as postgres
    applied 2 changes in DURATION (database/indexes)
    -- exit 0
    ");
    assert_snapshot!(indexes(&database).join("\n"), @"
    CREATE UNIQUE INDEX items_id ON public.items USING btree (id DESC) INCLUDE (name) WHERE (id > 3)|t
    CREATE INDEX items_kind ON public.items USING btree (kind)|t
    ");
    assert_snapshot!(tool.run(&["index", "apply"]), @"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    nothing to do: the indexes are as declared (database/indexes)
    -- exit 0
    ");
    assert_snapshot!(database.sql(
        "select details ->> 'change', details ->> 'index', details ->> 'table', actor is not null
         from toysoldiers.audit_log where action = 'index apply' order by id"
    ).join("\n"), @"
    create|items_kind|items|t
    create|items_id|items|t
    ");
}

#[test]
fn a_dry_run_shows_the_statements_and_writes_nothing() {
    let (database, tool) = with(PLAIN);
    let plan = tool
        .run(&["index", "apply", "--dry-run", "-o", "json"])
        .ok();
    assert_snapshot!(plan.json()["steps"][0]["sql"][0], @r#""create index concurrently \"items_kind\" on \"public\".\"items\" (kind)""#);
    assert!(indexes(&database).is_empty());
}

#[test]
fn a_stream_tells_how_far_it_is_and_whom_it_waits_for() {
    let (database, tool) = with(PLAIN);
    let writer = database.session(WRITER);
    let mut runner = tool.spawn(&["index", "apply", "-o", "ndjson"]);
    let mut lines = BufReader::new(runner.stdout.take().unwrap())
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(&line.unwrap()).unwrap());
    let waiting = lines.find(|line| line["event"] == "waiting").unwrap();
    assert_eq!(waiting["object"], "building items_kind");
    let message = waiting["message"].as_str().unwrap();
    assert!(
        message.contains("(tests as postgres, idle in transaction,"),
        "{message}"
    );
    let progress = lines.find(|line| line["event"] == "progress").unwrap();
    assert_eq!(progress["message"], "waiting for writers before build");
    writer.sql("commit");
    let created = lines.find(|line| line["event"] == "created").unwrap();
    assert_eq!(created["object"], "items_kind");
    assert!(created["bytes"].as_u64().unwrap() > 0);
    assert!(runner.wait().unwrap().success());
}

#[test]
fn on_a_terminal_a_bar_says_how_far_it_is() {
    let (database, tool) = with(PLAIN);
    let writer = database.session(WRITER);
    let mut terminal = tool.terminal_of(&["index", "apply"], 100);
    terminal
        .exp_string("building items_kind waits for pid")
        .unwrap();
    terminal
        .exp_string(
            "building items_kind  [..........]   0 %  waiting for writers before build: pid",
        )
        .unwrap();
    writer.sql("commit");
    terminal.exp_string("created items_kind on items").unwrap();
    terminal.exp_eof().unwrap();
}

#[test]
fn a_changed_index_serves_until_the_new_one_takes_its_place() {
    let (database, tool) = with("create index items_kind on items (kind desc, id);");
    database.sql(
        "create index items_kind on items (kind); comment on index items_kind is 'for the shop';",
    );
    assert_snapshot!(tool.run(&["index", "apply"]), @"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    plan: apply 1 change of indexes
      replace items_kind on items
          - using btree (kind)
          + using btree (kind desc, id)
    error: cannot apply 1 change of indexes without a yes: there is no terminal to ask on
      hint: agree with `--yes`
    -- exit 6
    ");
    let old = "select indisvalid from pg_index where indexrelid = 'items_kind'::regclass";
    let writer = database.session(WRITER);
    let runner = tool.spawn(&["index", "apply", "--yes"]);
    database.wait_until(INVALID);
    assert_eq!(database.value(old), "t");
    writer.sql("commit");
    assert_snapshot!(tool.outcome(runner).without_waiting(), @"
    -- stdout
    replaced items_kind on items in DURATION
    -- stderr
    -> (url)  SOCKET/DB as postgres
    plan: apply 1 change of indexes
      replace items_kind on items
          - using btree (kind)
          + using btree (kind desc, id)
    applied 1 change in DURATION (database/indexes)
    -- exit 0
    ");
    assert_snapshot!(indexes(&database).join("\n"), @"CREATE INDEX items_kind ON public.items USING btree (kind DESC, id)|t");
    let comment = "select obj_description('items_kind'::regclass, 'pg_class')";
    assert_eq!(database.value(comment), "for the shop");
}

#[test]
fn a_swap_that_was_interrupted_is_finished_without_building_again() {
    // Built, and not yet swapped.
    let (database, tool) = with("create index items_kind on items (kind, id);");
    database.sql("create index items_kind on items (kind); create index items_kind_ccnew on items (kind, id)");
    let oid = database.value("select 'items_kind_ccnew'::regclass::oid");
    tool.run(&["index", "apply", "--yes"]).ok();
    assert_eq!(database.value("select 'items_kind'::regclass::oid"), oid);
    assert_snapshot!(indexes(&database).join("\n"), @"CREATE INDEX items_kind ON public.items USING btree (kind, id)|t");
    // Swapped, and the old one not yet dropped.
    database.sql("create index items_kind_ccold on items (kind)");
    assert_snapshot!(tool.run(&["index", "apply"]), @"
    -- stdout
    dropped items_kind_ccold on items in DURATION
    -- stderr
    -> (url)  SOCKET/DB as postgres
    applied 1 change in DURATION (database/indexes)
    -- exit 0
    ");
    assert_eq!(indexes(&database).len(), 1);
    // Built for what was declared once, and is not any more.
    database.sql("create index items_kind_ccnew on items (name)");
    tool.write(
        "database/indexes/items.sql",
        "create index items_kind on items (id, kind);",
    );
    tool.run(&["index", "apply", "--yes"]).ok();
    assert_snapshot!(indexes(&database).join("\n"), @"CREATE INDEX items_kind ON public.items USING btree (id, kind)|t");
}

/// Leaves INVALID indexes behind, as builds do that fail at their end.
fn leave(database: &Database, names: &[&str]) {
    for name in names {
        let create = format!("create unique index concurrently {name} on items (kind)");
        database.refusal(&create);
    }
}

#[test]
fn leftovers_of_every_kind_are_dropped_and_what_is_declared_is_built() {
    let (database, tool) = with(PLAIN);
    leave(
        &database,
        &[
            "items_kind",
            "items_kind_ccnew",
            "items_kind_ccold1",
            "items_id_ccnew",
        ],
    );
    assert_snapshot!(tool.run(&["index", "apply"]), @"
    -- stdout
    dropped items_id_ccnew on items in DURATION
    dropped items_kind_ccnew on items in DURATION
    dropped items_kind_ccold1 on items in DURATION
    rebuilt items_kind on items in DURATION
    -- stderr
    -> (url)  SOCKET/DB as postgres
    dropping the INVALID index items_kind, which a build that did not come to its end left behind
    applied 4 changes in DURATION (database/indexes)
    -- exit 0
    ");
    assert_snapshot!(indexes(&database).join("\n"), @"CREATE INDEX items_kind ON public.items USING btree (kind)|t");
}

#[test]
fn a_table_that_is_not_unique_is_shown_with_its_keys_and_nothing_stays() {
    let (database, tool) = with(
        "create index items_name on items (name);\n\
         create unique index items_kind on items (kind, lower(name)) where id < 100;\n\
         create index zz on items (id);\n",
    );
    database.sql("update items set name = 'same' where id < 20");
    assert_snapshot!(tool.run(&["index", "apply"]), @r#"
    -- stdout
    created items_name on items in DURATION
    -- stderr
    -> (url)  SOCKET/DB as postgres
    error: cannot create the index items_kind on items
      caused by: the table has rows that the unique index items_kind does not allow
      caused by: could not create unique index "items_kind"
      --> database/indexes/items.sql:2:21
         |
       2 | create unique index items_kind on items (kind, lower(name)) where id < 100;
         |                     ^^^^^^^^^^
      note: Key (kind, lower(name))=(5, same) is duplicated.
      note: (kind, lower(name)) = (1, same): 3 rows
      note: (kind, lower(name)) = (2, same): 3 rows
      note: (kind, lower(name)) = (3, same): 3 rows
      note: (kind, lower(name)) = (4, same): 3 rows
      note: (kind, lower(name)) = (5, same): 3 rows
      note: (kind, lower(name)) = (0, same): 2 rows
      note: (kind, lower(name)) = (6, same): 2 rows
      note: all of them: select kind, lower(name), count(*) from public.items where ((id < 100)) and kind is not null and lower(name) is not null group by kind, lower(name) having count(*) > 1
      note: done, and stays: created items_name
      note: not begun: create zz
      note: what the build of items_kind left behind was dropped
      hint: change or delete these rows
      hint: run the same command again: it goes on with what is left
    -- exit 1
    "#);
    assert_snapshot!(indexes(&database).join("\n"), @"CREATE INDEX items_name ON public.items USING btree (name)|t");
    // Whoever mends it goes on with the same command.
    database.sql("delete from items where name = 'same'");
    tool.run(&["index", "apply"]).ok();
    assert_eq!(indexes(&database).len(), 3);
}

#[test]
fn the_build_of_a_client_that_was_killed_is_followed_and_not_begun_again() {
    let (database, tool) = with(PLAIN);
    let writer = database.session(WRITER);
    let mut killed = tool.spawn(&["index", "apply"]);
    database.wait_until(INVALID);
    killed.kill().unwrap();
    killed.wait().unwrap();
    let oid = database.value("select 'items_kind'::regclass::oid");
    assert_eq!(database.value(BUILDING), "t");
    let mut runner = tool.spawn(&["index", "apply"]);
    let mut lines = BufReader::new(runner.stderr.take().unwrap())
        .lines()
        .map(Result::unwrap);
    let follows = lines
        .find(|line| line.contains("is building on its table"))
        .unwrap();
    assert!(
        follows.starts_with("items_kind: another session, pid "),
        "{follows}"
    );
    writer.sql("commit");
    assert!(lines.any(|line| line.starts_with("applied 1 change ")));
    assert!(runner.wait().unwrap().success());
    assert_eq!(database.value("select 'items_kind'::regclass::oid"), oid);
    assert_eq!(
        indexes(&database),
        ["CREATE INDEX items_kind ON public.items USING btree (kind)|t"]
    );
}

#[test]
fn the_replacement_of_a_client_that_was_killed_is_followed_too() {
    let (database, tool) = with("create index items_kind on items (kind, id);");
    database.sql("create index items_kind on items (kind)");
    let writer = database.session(WRITER);
    let mut killed = tool.spawn(&["index", "apply", "--yes"]);
    database.wait_until(INVALID);
    killed.kill().unwrap();
    killed.wait().unwrap();
    let oid = database.value("select 'items_kind_ccnew'::regclass::oid");
    let mut runner = tool.spawn(&["index", "apply", "--yes"]);
    let mut lines = BufReader::new(runner.stderr.take().unwrap())
        .lines()
        .map(Result::unwrap);
    assert!(lines.any(|line| line.starts_with("items_kind_ccnew: another session, pid ")));
    writer.sql("commit");
    assert!(lines.any(|line| line.starts_with("applied 1 change ")));
    assert!(runner.wait().unwrap().success());
    assert_eq!(database.value("select 'items_kind'::regclass::oid"), oid);
    assert_eq!(indexes(&database).len(), 1);
}

#[test]
fn a_build_that_was_followed_and_failed_is_made_anew() {
    let (database, tool) = with(PLAIN);
    let writer = database.session(WRITER);
    let mut killed = tool.spawn(&["index", "apply"]);
    database.wait_until(INVALID);
    killed.kill().unwrap();
    killed.wait().unwrap();
    let mut runner = tool.spawn(&["index", "apply"]);
    let mut lines = BufReader::new(runner.stderr.take().unwrap())
        .lines()
        .map(Result::unwrap);
    assert!(lines.any(|line| line.contains("is building on its table")));
    database.sql("select pg_terminate_backend(pid) from pg_stat_progress_create_index where datname = current_database()");
    writer.sql("commit");
    assert!(lines.any(|line| line.starts_with("applied 1 change ")));
    assert!(runner.wait().unwrap().success());
    assert_eq!(
        indexes(&database),
        ["CREATE INDEX items_kind ON public.items USING btree (kind)|t"]
    );
}

#[test]
fn an_interrupt_ends_the_build_on_the_server_and_leaves_nothing() {
    let (database, tool) = with(PLAIN);
    let writer = database.session(WRITER);
    let runner = tool.spawn(&["index", "apply"]);
    database.wait_until(INVALID);
    signal(&runner, rustix::process::Signal::INT);
    // Dropping waits for the writer, too.
    database.wait_until("select exists (select from pg_stat_activity where datname = current_database() and query like 'drop index%' and state = 'active')");
    writer.sql("commit");
    assert_snapshot!(tool.outcome(runner).without_waiting(), @"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    error: interrupted
      caused by: cannot create the index items_kind on items
      caused by: canceling statement due to user request
      --> database/indexes/items.sql:1:14
         |
       1 | create index items_kind on items (kind);
         |              ^^^^^^^^^^
      note: no other index was changed
      note: what the build of items_kind left behind was dropped
      hint: run it again to go on
    -- exit 130
    ");
    assert!(indexes(&database).is_empty());
    tool.run(&["index", "apply"]).ok();
}

#[test]
fn limits_of_time_hold_for_builds_and_nothing_is_left() {
    for (limit, told) in [
        (
            "--statement-timeout",
            "canceling statement due to statement timeout",
        ),
        ("--lock-timeout", "canceling statement due to lock timeout"),
    ] {
        let (database, tool) =
            with("create index a on items (id);\ncreate index b on items (kind);\n");
        let writer = database.session(WRITER);
        let runner = tool.spawn(&["index", "apply", limit, "2s"]);
        database.wait_until("select exists (select from pg_stat_activity where datname = current_database() and query like 'drop index%' and state = 'active')");
        writer.sql("commit");
        let outcome = tool.outcome(runner);
        assert!(matches!(outcome.code, Some(1 | 6)), "{outcome}");
        for said in [
            "error: cannot create the index a on items",
            told,
            "what the build of a left behind was dropped",
            "no other index was changed",
            "not begun: create b",
            "run the same command again: it goes on with what is left",
        ] {
            assert!(outcome.stderr.contains(said), "{limit}: {said}: {outcome}");
        }
        assert!(indexes(&database).is_empty());
        tool.run(&["index", "apply"]).ok();
        assert_eq!(indexes(&database).len(), 2);
    }
}

#[test]
fn a_connection_that_breaks_leaves_a_build_that_the_next_run_follows() {
    let (database, tool) = with(PLAIN);
    let proxy = Proxy::start(database.server.port);
    let through = Tool::new().at(&proxy.url(&database, "postgres"));
    through.write("database/indexes/items.sql", PLAIN);
    let writer = database.session(WRITER);
    let runner = through.spawn(&["index", "apply"]);
    database.wait_until(INVALID);
    proxy.cut();
    let outcome = through.outcome(runner).code(5);
    for said in [
        "error: cannot create the index items_kind on items",
        "what the build of items_kind left behind stays, and the next run drops it or follows it: the server is still at work on it",
    ] {
        assert!(outcome.stderr.contains(said), "{said}: {outcome}");
    }
    assert_eq!(database.value(BUILDING), "t");
    let oid = database.value("select 'items_kind'::regclass::oid");
    let runner = tool.spawn(&["index", "apply"]);
    database.wait_until("select count(*) > 1 from pg_stat_activity where datname = current_database() and application_name = 'toysoldiers'");
    writer.sql("commit");
    tool.outcome(runner).ok();
    assert_eq!(database.value("select 'items_kind'::regclass::oid"), oid);
}

#[test]
fn runs_started_together_build_each_index_once_and_none_fails() {
    let (database, tool) = with(
        "create index a on items (id);\ncreate index b on items (kind);\ncreate index c on items (name);\n",
    );
    let runners: Vec<_> = (0..4)
        .map(|_| tool.spawn(&["index", "apply", "-o", "json"]))
        .collect();
    let counts: Vec<usize> = runners
        .into_iter()
        .map(|runner| {
            let outcome = tool.outcome(runner).ok();
            outcome.json()["changes"].as_array().unwrap().len()
        })
        .collect();
    assert_eq!(counts.iter().sum::<usize>(), 3, "{counts:?}");
    assert_eq!(indexes(&database).len(), 3);
    let rows = "select count(*) from toysoldiers.audit_log where action = 'index apply'";
    assert_eq!(database.value(rows), "3");
}

#[test]
fn writers_go_on_while_an_index_is_built_replaced_and_dropped() {
    let (database, tool) = with("create index items_kind on items (kind, id);");
    database.sql("create index items_kind on items (kind); create index other on items (name)");
    let reader =
        database.session("begin isolation level repeatable read; select count(*) from items");
    let runner = tool.spawn(&["index", "apply", "--prune", "--confirm", &database.name]);
    database.wait_until(BUILDING);
    // The build waits for the reader's snapshot, and nobody waits for the build.
    database.sql("set lock_timeout = '1s'; insert into items values (1000, 1, 'new'); update items set name = 'x' where id = 2; delete from items where id = 3");
    reader.sql("commit");
    tool.outcome(runner).ok();
    assert_snapshot!(indexes(&database).join("\n"), @"CREATE INDEX items_kind ON public.items USING btree (kind, id)|t");
    assert_eq!(
        database.value("select count(*) from items where kind = 1 and id = 1000"),
        "1"
    );
}

#[test]
fn what_no_file_declares_goes_only_when_that_is_said_and_confirmed() {
    let (database, tool) = with(PLAIN);
    database.sql("create index other on items (name)");
    tool.run(&["index", "apply"]).ok();
    assert_eq!(indexes(&database).len(), 2);
    assert_snapshot!(tool.run(&["index", "apply", "--prune"]).to_string().replace(&database.name, "DB"), @"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    plan: apply 1 change of indexes
      drop other on items  (no file declares it)
          - using btree (name)
    error: cannot apply 1 change of indexes without a confirmation: there is no terminal to ask on
      hint: confirm with `--confirm DB`
    -- exit 6
    ");
    tool.run(&["index", "apply", "--prune", "--confirm", &database.name])
        .ok();
    assert_eq!(indexes(&database).len(), 1);
}

#[test]
fn what_something_else_stands_on_is_not_replaced() {
    let (database, tool) = with("create unique index items_id on items (id, kind);");
    database.sql("alter table items alter id set not null; create unique index items_id on items (id); alter table items replica identity using index items_id");
    assert_snapshot!(tool.run(&["index", "apply", "--yes"]), @"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    plan: apply 1 change of indexes
      replace items_id on items
          - using btree (id)
          + using btree (id, kind)
    error: cannot replace the index items_id on items
      caused by: replicas of items know its rows by items_id (replica identity)
      --> database/indexes/items.sql:1:21
         |
       1 | create unique index items_id on items (id, kind);
         |                     ^^^^^^^^
      note: no other index was changed
      hint: replace it in a migration, together with what stands on it
      hint: run the same command again: it goes on with what is left
    -- exit 6
    ");
    assert_eq!(indexes(&database).len(), 1);
}

#[test]
fn an_expression_is_analyzed_so_that_the_planner_knows_about_it() {
    let (database, tool) = with("create index items_half on items ((id / 2));");
    tool.run(&["index", "apply"]).ok();
    let known = "select count(*) from pg_statistic where starelid = 'items_half'::regclass";
    assert_eq!(database.value(known), "1");
}

#[test]
fn a_pooler_that_keeps_no_sessions_is_refused() {
    let (database, _) = with(PLAIN);
    let bouncer = Bouncer::transaction(&database);
    let tool = Tool::new().at(&bouncer.url());
    for command in [&["index", "apply"][..], &["index", "rebuild", "items_kind"]] {
        let outcome = tool.run(command).code(6);
        let told = "building indexes needs a session of its own";
        assert!(outcome.stderr.contains(told), "{outcome}");
    }
}

const PARTITIONED: &str = "create table views (id int, day date, kind int) partition by range (day);
    create table views_1 partition of views for values from ('2024-01-01') to ('2024-02-01');
    create table views_2 partition of views for values from ('2024-02-01') to ('2024-03-01') partition by list (kind);
    create table views_2a partition of views_2 for values in (1);
    create table views_2b partition of views_2 default;
    insert into views select n, date '2024-01-01' + n % 60, n % 3 from generate_series(1, 300) n;";

pub fn partitioned(text: &str) -> (Database, Tool) {
    let database = Database::migrated();
    database.sql(PARTITIONED);
    let tool = Tool::new().on(&database);
    tool.write("database/indexes/views.sql", text);
    (database, tool)
}

/// The indexes of all partitions, and whether they are valid and belong to one of the parent.
pub fn parts(database: &Database) -> Vec<String> {
    database.sql(
        "select i.indexrelid::regclass, i.indisvalid, coalesce(h.inhparent::regclass::text, 'none')
         from pg_index i left join pg_inherits h on h.inhrelid = i.indexrelid
         where i.indrelid::regclass::text like 'views%' order by i.indexrelid::regclass::text",
    )
}

#[test]
fn an_index_of_a_partitioned_table_is_built_partition_by_partition() {
    let (database, tool) = partitioned("create index views_day on views (day);");
    let writer = database.session("begin; update views_1 set kind = 1 where id = 31");
    let runner = tool.spawn(&["index", "apply", "-o", "json"]);
    // The first partition waits for its writer; others write where they like.
    database.wait_until(BUILDING);
    database.sql("set lock_timeout = '5s'; insert into views values (1000, '2024-02-03', 1)");
    writer.sql("commit");
    tool.outcome(runner).ok();
    assert_snapshot!(parts(&database).join("\n"), @"
    views_day|t|none
    views_day_views_1|t|views_day
    views_day_views_2|t|views_day
    views_day_views_2a|t|views_day_views_2
    views_day_views_2b|t|views_day_views_2
    ");
    tool.write(
        "database/indexes/views.sql",
        "create index views_day on views (day desc);",
    );
    tool.run(&["index", "apply", "--yes"]).ok();
    assert_snapshot!(parts(&database).join("\n"), @"
    views_day|t|none
    views_day_views_1_1|t|views_day
    views_day_views_2_1|t|views_day
    views_day_views_2a_1|t|views_day_views_2_1
    views_day_views_2b_1|t|views_day_views_2_1
    ");
    tool.write(
        "database/indexes/views.sql",
        "create index views_id on views (id);",
    );
    tool.run(&["index", "apply", "--prune", "--confirm", &database.name])
        .ok();
    assert_snapshot!(parts(&database).join("\n"), @"
    views_id|t|none
    views_id_views_1|t|views_id
    views_id_views_2|t|views_id
    views_id_views_2a|t|views_id_views_2
    views_id_views_2b|t|views_id_views_2
    ");
    let status = tool.run(&["index", "status", "--check"]).ok();
    assert!(status.stderr.contains("as declared"), "{status}");
}

#[test]
fn what_is_missing_of_an_index_of_a_partitioned_table_is_completed() {
    let (database, tool) = partitioned("create index views_day on views (day);");
    database.sql("create index views_day on only views (day); create index views_day_views_1 on views_1 (day)");
    let kept = database.value("select 'views_day_views_1'::regclass::oid");
    tool.run(&["index", "apply"]).ok();
    assert_eq!(
        database.value("select 'views_day_views_1'::regclass::oid"),
        kept
    );
    // Somebody else's index has the name: it is left alone.
    let (database, tool) = partitioned("create index views_day on views (day);");
    database.sql("create index views_day_views_1 on views_1 (id)");
    tool.run(&["index", "apply"]).ok();
    let mut text = String::new();
    for part in parts(&database) {
        writeln!(text, "{part}").unwrap();
    }
    assert_snapshot!(text, @"
    views_day|t|none
    views_day_views_1|t|none
    views_day_views_1_1|t|views_day
    views_day_views_2|t|views_day
    views_day_views_2a|t|views_day_views_2
    views_day_views_2b|t|views_day_views_2
    ");
}
