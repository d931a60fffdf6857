//! `index apply` and `index rebuild` that are killed, and servers that are.

use std::time::{Duration, Instant};

use insta::assert_snapshot;

use crate::index_apply::{INVALID, indexes, partitioned};
use crate::migrate_race::{Mortal, next, rounds};
use crate::support::{Database, Tool};

/// Indexes of all kinds on tables that are large enough for builds to take a while.
const DECLARED: &str = "create index big_kind on big (kind, id);
create unique index big_id on big (id);
create index big_name on big using gin (tags);
create index big_half on big ((id / 2)) where kind > 1;
create index big_brin on big using brin (id);
";

/// One index is there as it is to be, one is not, one is nobody's, one was left behind.
const BEFORE: &str =
    "create table big as select n as id, n % 7 as kind, array['t' || n % 50, 'u' || n % 9] as tags
        from generate_series(1, 20000) n;
    create index big_kind on big (kind);
    create index big_brin on big using brin (id);
    create index big_half on big (id);
    create index nobodys on big (kind);
    create index big_id_ccold on big (id);";

fn big() -> (Database, Tool) {
    let database = Database::migrated();
    database.sql(BEFORE);
    let tool = Tool::new().on(&database);
    tool.write("database/indexes/big.sql", DECLARED);
    (database, tool)
}

fn all(database: &Database) -> Vec<String> {
    database.sql(
        "select pg_get_indexdef(indexrelid), indisvalid, indisready, indislive from pg_index
         where indrelid::regclass::text ~ '^(big|views)' order by 1",
    )
}

fn drop(database: &Database) {
    database
        .server
        .database("postgres")
        .sql(&format!("drop database {} with (force)", database.name));
}

/// Kills the command at any moment, again and again; whatever is there then, one more run ends as if nothing had been.
fn killed(make: impl Fn() -> (Database, Tool), seed: u64) {
    let run = |database: &Database, tool: &Tool| {
        let name = database.name.clone();
        tool.spawn(&["index", "apply", "--prune", "--yes", "--confirm", &name])
    };
    let (undisturbed, tool) = make();
    let start = Instant::now();
    tool.outcome(run(&undisturbed, &tool)).ok();
    let time = u64::try_from(start.elapsed().as_micros()).unwrap();
    let expected = all(&undisturbed);
    let mut seed = seed;
    for round in 0..rounds() {
        let (database, tool) = make();
        let moment = Duration::from_micros(next(&mut seed) % time);
        let mut killed = run(&database, &tool);
        // The moment is what is tried, and nothing waits for it.
        std::thread::sleep(moment);
        killed.kill().unwrap();
        killed.wait().unwrap();
        let context = format!("round {round}, killed after {moment:?} of {time} microseconds");
        let outcome = tool.outcome(run(&database, &tool));
        assert_eq!(outcome.code, Some(0), "{context}\n{outcome}");
        let there = all(&database);
        assert!(there == expected, "{context}\n{outcome}\n{there:#?}");
        drop(&database);
    }
}

#[test]
fn whenever_it_is_killed_the_next_run_ends_as_declared() {
    killed(big, 0x1dea);
}

#[test]
fn whenever_it_is_killed_a_partitioned_table_ends_as_declared() {
    let make = || {
        let (database, tool) = partitioned(
            "create index views_day on views (day desc);\ncreate index views_id on views (id);\n",
        );
        database.sql("create index views_day on views (day)");
        (database, tool)
    };
    killed(make, 0x9a47);
}

#[test]
fn when_the_server_is_killed_while_it_builds_the_next_run_goes_on() {
    let mut mortal = Mortal::new();
    let database = Database::on(&mortal.server);
    database.migrate();
    database
        .sql("create table items as select n as id, n % 7 as kind from generate_series(1, 500) n");
    let tool = Tool::new()
        .env("DATABASE_URL", &mortal.url(&database))
        .hiding(&database)
        .hide(&mortal.way.path().display().to_string(), "SOCKET");
    tool.write(
        "database/indexes/items.sql",
        "create index one on items (id);\ncreate index two on items (kind);\n",
    );
    let writer = database.session("begin; update items set kind = kind where id = 1");
    let runner = tool.spawn(&["index", "apply"]);
    database.wait_until(INVALID);
    mortal.kill();
    std::mem::drop(writer);
    // Nobody is there whom it could ask to take anything back.
    assert_snapshot!(tool.outcome(runner).without_waiting(), @"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    error: cannot create the index one on items
      caused by: the server closed the connection
      --> database/indexes/items.sql:1:14
         |
       1 | create index one on items (id);
         |              ^^^
      note: no other index was changed
      note: not begun: create two
      note: what the build of one left behind stays, and the next run drops it or follows it: cannot reach SOCKET/DB as postgres
      hint: check the server's log, then try again
      hint: run the same command again: it goes on with what is left
    -- exit 5
    ");
    mortal.start_again();
    let database = mortal.server.database(&database.name);
    assert_eq!(database.value(INVALID), "t");
    assert_snapshot!(tool.run(&["index", "apply"]), @"
    -- stdout
    rebuilt one on items in DURATION
    created two on items in DURATION
    -- stderr
    -> (url)  SOCKET/DB as postgres
    dropping the INVALID index one, which a build that did not come to its end left behind
    applied 2 changes in DURATION (database/indexes)
    -- exit 0
    ");
    assert_eq!(indexes(&database).len(), 2);
    assert_eq!(database.value(INVALID), "f");
}

#[test]
fn whenever_a_rebuild_is_killed_the_next_one_leaves_one_valid_index() {
    let make = || {
        let (database, tool) = big();
        database.sql("drop index big_id_ccold");
        (database, tool)
    };
    let (undisturbed, tool) = make();
    let start = Instant::now();
    tool.run(&["index", "rebuild", "big_kind", "big_half"]).ok();
    let time = u64::try_from(start.elapsed().as_micros()).unwrap();
    let expected = all(&undisturbed);
    let mut seed = 0x4eb1;
    for round in 0..rounds() {
        let (database, tool) = make();
        let moment = Duration::from_micros(next(&mut seed) % time);
        let mut killed = tool.spawn(&["index", "rebuild", "big_kind", "big_half"]);
        std::thread::sleep(moment);
        killed.kill().unwrap();
        killed.wait().unwrap();
        let context = format!("round {round}, killed after {moment:?} of {time} microseconds");
        let outcome = tool.run(&["index", "rebuild", "big_kind", "big_half"]);
        assert_eq!(outcome.code, Some(0), "{context}\n{outcome}");
        let there = all(&database);
        assert!(there == expected, "{context}\n{outcome}\n{there:#?}");
        drop(&database);
    }
}
