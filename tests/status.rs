//! `status`: one screen for an environment. What cannot be found out says why, and the rest is told all the same.

use insta::assert_snapshot;

use crate::deploy::write;
use crate::guard::configured;
use crate::support::{Bouncer, Database, Proxy, Replica, Tool};

/// The program on a database of these files.
fn on(database: &Database) -> Tool {
    let tool = Tool::new().on(database);
    write(&tool);
    tool.hide(&format!("backups/{}", database.name), "backups/DB")
}

/// What differs from machine to machine, made alike.
fn shown(tool: &Tool, args: &[&str]) -> String {
    let text = tool.run(args).to_string();
    let size = regex::Regex::new(r", (VERSION|[0-9.]+) [kM]B").unwrap();
    size.replace_all(&text, ", SIZE").into_owned()
}

#[test]
fn one_screen_tells_how_everything_stands() {
    let database = Database::empty();
    let tool = configured(&[("shop", &database, "[env.shop.backup]\ndestination = \"b\"")])
        .env("TOYSOLDIERS_ENV", "shop");
    std::fs::remove_file(tool.path().join("database/migrations/001_a.sql")).unwrap();
    write(&tool);
    assert_snapshot!(shown(&tool, &["status", "--check"]), @"
    -- stdout
    PART  STATE  FOUND  AT
    server  primary  SOCKET/DB as postgres, PostgreSQL VERSION, SIZE  -
    migrations  pending  0 applied, 1 pending; the last is none  -
    schema  unknown  known after the next change by toysoldiers  -
    policies  unknown  database/policies/items.sql cannot be applied: there is no table or view items here  -
    indexes  unknown  database/indexes/items.sql cannot be applied: there is no table items here  -
    backup  none  no complete one in HERE/b  -
    deploy  none  this database remembers no deploy  -
    -- stderr
    -> shop  SOCKET/DB as postgres
    `toysoldiers --env shop deploy --dry-run` shows what would be done; 2 parts could not be checked
    -- exit 3
    ");
    tool.run(&["deploy"]).ok();
    tool.run(&["backup", "create"]).ok();
    assert_snapshot!(shown(&tool, &["status", "--check"]), @"
    -- stdout
    PART  STATE  FOUND  AT
    server  primary  SOCKET/DB as postgres, PostgreSQL VERSION, SIZE  -
    migrations  applied  1 applied, 0 pending; the last is 001_items  NOW
    schema  as left  as toysoldiers left it  NOW
    policies  as declared  1 policy of 1 relation  -
    indexes  as declared  1 index  -
    backup  complete  shop-STAMP, SIZE  NOW
    deploy  done  by tester@HOST  NOW
    -- stderr
    -> shop  SOCKET/DB as postgres
    nothing is pending, and policies and indexes are as declared
    -- exit 0
    ");
}

#[test]
fn what_differs_is_counted_and_a_finding() {
    let database = Database::empty();
    let tool = on(&database);
    tool.run(&["deploy"]).ok();
    tool.write("database/migrations/002_b.sql", "create table b ();\n");
    database.sql(
        "alter policy read on items using (true); drop index items_owner;
         create table parted (id int) partition by range (id);
         create table parted_1 partition of parted for values from (0) to (10)",
    );
    assert_snapshot!(shown(&tool, &["status"]), @"
    -- stdout
    PART  STATE  FOUND  AT
    server  primary  SOCKET/DB as postgres, PostgreSQL VERSION, SIZE  -
    migrations  pending  1 applied, 1 pending; the last is 001_items  NOW
    schema  changed  by something else, since toysoldiers left it  NOW
    policies  differ  1 difference; 1 policy of 1 relation  -
    indexes  differ  1 difference; 1 index  -
    partitions  in use  1 table in 1 partition  -
    backup  none  no complete one in /nonexistent/toysoldiers/backups/DB  -
    deploy  done  by tester@HOST  NOW
    -- stderr
    -> (url)  SOCKET/DB as postgres
    `toysoldiers deploy --dry-run` shows what would be done; `toysoldiers migrate verify` shows what was changed
    -- exit 0
    ");
    tool.run(&["status", "--check"]).code(3);
    let status = tool.run(&["status", "-o", "json"]).ok().json();
    assert_eq!(status["migrations"]["pending"], 1);
    assert_eq!(status["policies"]["differences"], 1);
    assert_eq!(status["indexes"]["differences"], 1);
    assert_eq!(status["server"]["partitions"], 1);
}

#[test]
fn a_replica_tells_what_it_can() {
    let replica = Replica::new();
    let primary = Database::on(replica.primary());
    on(&primary).run(&["deploy"]).ok();
    let copy = replica.database(&primary);
    assert_snapshot!(shown(&on(&copy), &["status"]), @"
    -- stdout
    PART  STATE  FOUND  AT
    server  replica  SOCKET/DB as postgres, PostgreSQL VERSION, SIZE  -
    migrations  applied  1 applied, 0 pending; the last is 001_items  NOW
    schema  as left  as toysoldiers left it  NOW
    policies  unknown  this is a replica: policies are compared on temporary tables, which only the primary can make  -
    indexes  unknown  this is a replica: indexes are compared on temporary tables, which only the primary can make  -
    backup  none  no complete one in /nonexistent/toysoldiers/backups/DB  -
    deploy  done  by tester@HOST  NOW
    -- stderr
    -> (url)  SOCKET/DB as postgres
    2 parts could not be checked
    -- exit 0
    ");
    assert_snapshot!(on(&copy).run(&["deploy"]), @"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    error: this is a replica: a deploy changes the primary, and replicas follow
      note: nothing was changed
      hint: name the primary
    -- exit 6
    ");
}

#[test]
fn through_a_pooler_in_transaction_mode_what_needs_no_session_is_told() {
    let database = Database::empty();
    on(&database).run(&["deploy"]).ok();
    let bouncer = Bouncer::transaction(&database);
    let tool = Tool::new()
        .hiding(&database)
        .env("DATABASE_URL", &bouncer.url());
    write(&tool);
    let status = tool.run(&["status", "-o", "json"]).ok().json();
    assert_eq!(status["migrations"]["applied"], 1);
    assert_eq!(status["deploy"]["outcome"], "done");
    for part in ["policies", "indexes"] {
        let error = status[part]["error"].as_str().unwrap();
        assert!(error.contains("session"), "{error}");
    }
    let outcome = tool.run(&["deploy"]).code(6);
    assert!(outcome.stderr.contains("session"), "{outcome}");
}

#[test]
fn a_role_that_may_not_look_into_the_bookkeeping_is_told_the_rest() {
    let database = Database::empty();
    on(&database).run(&["deploy"]).ok();
    let name = format!("guest_{}", database.name);
    database.sql(&format!("create role {name} login"));
    let tool = Tool::new().on_as(&database, &name);
    write(&tool);
    let status = tool.run(&["status", "-o", "json"]).ok().json();
    assert_eq!(status["server"]["role"], name);
    let error = status["migrations"]["error"].as_str().unwrap();
    assert!(error.contains("permission denied"), "{error}");
    tool.run(&["status", "--check"]).code(3);
    database.sql(&format!("drop role {name}"));
}

#[test]
fn however_many_files_there_are_it_waits_for_as_few_answers() {
    let trips = |count: usize| {
        let database = Database::empty();
        let proxy = Proxy::start(database.server.port);
        let tool = Tool::new().at(&proxy.url(&database, "postgres"));
        for number in 1..=count {
            let table = format!("t{number}");
            tool.write(
                &format!("database/migrations/{number:03}_a.sql"),
                format!("create table {table} (id int);\nalter table {table} enable row level security;\n"),
            );
            tool.write(
                &format!("database/policies/{table}.sql"),
                format!("alter table {table} enable row level security;\ncreate policy p on {table} using (true);\n"),
            );
            tool.write(
                &format!("database/indexes/{table}.sql"),
                format!("create index {table}_id on {table} (id);\n"),
            );
        }
        tool.run(&["deploy"]).ok();
        let before = proxy.round_trips().len();
        tool.run(&["status", "--check"]).ok();
        let waits = proxy.round_trips();
        waits[before..].iter().sum::<usize>()
    };
    let (few, many) = (trips(2), trips(20));
    assert!(many <= few + 3, "{few}, {many}");
}

#[test]
fn what_no_file_declares_is_for_adopt_and_not_for_a_deploy() {
    let database = Database::migrated();
    let tool = Tool::new().on(&database);
    tool.run(&["deploy", "--yes"]).ok();
    database.sql("create index extra on content (title)");
    let status = tool.run(&["status"]).ok();
    assert!(
        status
            .stderr
            .contains("index adopt` declare what no file does, and"),
        "{status}"
    );
    assert!(!status.stderr.contains("deploy --dry-run"), "{status}");
    database.sql("drop index content_tags_idx");
    let status = tool.run(&["status"]).ok();
    assert!(status.stderr.contains("deploy --dry-run"), "{status}");
}
