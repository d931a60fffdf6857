//! `migrate history`: every attempt, also those that failed.

use insta::assert_snapshot;

use crate::migrate::with;
use crate::support::{Bouncer, Database, Tool};

/// A database that remembers an attempt that failed, the next one that did not, and one from far away.
fn eventful() -> (Database, Tool) {
    let (database, tool) = with(&[("001_a.sql", "create table a();")]);
    tool.run(&["migrate", "up"]).ok();
    database.sql(
        "delete from toysoldiers.runs;
         insert into toysoldiers.runs
             (version, name, action, outcome, checksum, sql, statements, message, sqlstate, started_at, duration_ms, actor, client, tool_version)
         values
             (1, 'a', 'up', 'failed', '17', 'create table a(;', 0, 'syntax error at or near \";\"', '42601', now(), 5, 'sam@bastion', '192.168.0.7', '0.1.0'),
             (1, 'a', 'up', 'done', '18', 'create table a();', 1, null, null, now(), 7, 'sam@bastion', '192.168.0.7', '0.1.0'),
             (2, 'b', 'baseline', 'done', '19', null, null, 'recorded without being run', null, now(), 0, null, null, null)",
    );
    (database, tool)
}

#[test]
fn every_attempt_is_shown_the_newest_last_and_without_its_text() {
    let (_, tool) = eventful();
    assert_snapshot!(tool.run(&["migrate", "history"]), @r#"
    -- stdout
    VERSION  NAME  ACTION  OUTCOME  STARTED AT  DURATION  ACTOR  CLIENT  TOOL VERSION  MESSAGE
    001  a  up  failed  NOW DURATION  sam@bastion  192.168.0.7  0.1.0  syntax error at or near ";"
    001  a  up  done  NOW DURATION  sam@bastion  192.168.0.7  0.1.0  -
    002  b  baseline  done  NOW DURATION  -  -  -  recorded without being run
    -- stderr
    -> (url)  SOCKET/DB as postgres
    3 attempts, 1 failed
    -- exit 0
    "#);
    assert_snapshot!(tool.run(&["migrate", "history", "-o", "csv"]), @r#"
    -- stdout
    id,version,name,action,outcome,started_at,duration_ms,actor,role,client,tool_version,statements,checksum,sqlstate,message
    2,1,a,up,failed,TIME,5,sam@bastion,postgres,192.168.0.7,0.1.0,0,17,42601,"syntax error at or near "";"""
    3,1,a,up,done,TIME,7,sam@bastion,postgres,192.168.0.7,0.1.0,1,18,,
    4,2,b,baseline,done,TIME,0,,postgres,,,,19,,recorded without being run
    -- stderr
    -> (url)  SOCKET/DB as postgres
    -- exit 0
    "#);
    assert_snapshot!(tool.run(&["migrate", "history", "-o", "ndjson", "--limit", "1"]), @r#"
    -- stdout
    {"id":4,"version":2,"name":"b","action":"baseline","outcome":"done","started_at":"TIME","duration_ms":0,"actor":null,"role":"postgres","client":null,"tool_version":null,"statements":null,"checksum":"19","sqlstate":null,"message":"recorded without being run"}
    -- stderr
    -> (url)  SOCKET/DB as postgres
    2 older ones are not shown; ask for more with `--limit 3`
    -- exit 0
    "#);
    for output in ["table", "json", "csv", "ndjson"] {
        let outcome = tool.run(&["migrate", "history", "-o", output]).ok();
        assert!(!outcome.stdout.contains("create table"), "{outcome}");
    }
}

#[test]
fn one_migration_has_many_names() {
    let (_, tool) = eventful();
    for name in ["1", "001", "a", "001_a", "database/migrations/001_a.sql"] {
        let runs = tool
            .run(&["migrate", "history", name, "-o", "json"])
            .ok()
            .json();
        assert_eq!(runs["runs"].as_array().unwrap().len(), 2, "{name}");
        assert_eq!(runs["runs"][0]["outcome"], "failed");
        assert_eq!(runs["runs"][1]["client"], "192.168.0.7");
    }
    assert_snapshot!(tool.run(&["migrate", "history", "tips"]), @"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    no attempt at tips is on record
    -- exit 0
    ");
}

#[test]
fn what_was_done_is_on_record_as_it_went() {
    let (database, tool) = with(&[("001_a.sql", "create table a(;")]);
    tool.run(&["migrate", "up"]).code(1);
    tool.write("database/migrations/001_a.sql", "create table a();");
    tool.write("database/migrations/001_a.down.sql", "drop table a;");
    tool.run(&["migrate", "up"]).ok();
    tool.write("database/migrations/001_a.sql", "create table a(); -- A.");
    tool.run(&["migrate", "repair", "--yes"]).ok();
    tool.run(&["migrate", "down", "--confirm", &database.name])
        .ok();
    tool.run(&["migrate", "baseline", "--no-compare", "--yes"])
        .ok();
    let runs = tool.run(&["migrate", "history", "-o", "json"]).ok().json();
    let runs = runs["runs"].as_array().unwrap().iter();
    let told: Vec<String> = runs
        .map(|run| format!("{} {}: {}", run["action"], run["outcome"], run["message"]))
        .collect();
    assert_snapshot!(told.join("\n"), @r#"
    "up" "failed": "syntax error at or near \";\""
    "up" "done": null
    "repair" "done": "accepted as it is now; edited: only blanks and comments differ; 1 line added, 1 removed"
    "down" "done": null
    "baseline" "done": "marked as applied without being run"
    "#);
    let everybody = "select count(distinct actor) from toysoldiers.runs where outcome = 'done'";
    assert_eq!(database.value(everybody), "1");
}

#[test]
fn a_pooler_in_between_does_not_matter() {
    let (database, _) = eventful();
    let bouncer = Bouncer::transaction(&database);
    let tool = Tool::new().env("DATABASE_URL", &bouncer.url());
    let outcome = tool.run(&["migrate", "history", "-o", "json"]).ok();
    assert_eq!(outcome.json()["total"], 3);
}

#[test]
fn a_database_of_nobody_remembers_nothing_and_stays_so() {
    let (database, tool) = with(&[]);
    assert_snapshot!(tool.run(&["migrate", "history"]), @"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    this database remembers no migration: toysoldiers never migrated it
    -- exit 0
    ");
    assert_snapshot!(tool.run(&["migrate", "history", "-o", "json"]), @r#"
    -- stdout
    {
      "complete": false,
      "total": 0,
      "runs": []
    }
    -- stderr
    -> (url)  SOCKET/DB as postgres
    -- exit 0
    "#);
    assert_eq!(
        database.value("select to_regnamespace('toysoldiers') is null"),
        "t"
    );
}

#[test]
fn an_older_database_shows_what_was_applied() {
    let (database, tool) = with(&[
        ("001_a.sql", "create table a();"),
        ("002_b.sql", "create table b();"),
    ]);
    tool.run(&["migrate", "up"]).ok();
    database.sql(
        "drop function toysoldiers.audit; drop view toysoldiers.runner, toysoldiers.deploy_runner, toysoldiers.index_runner; drop table toysoldiers.schema_hash;
         drop table toysoldiers.deploys, toysoldiers.detached, toysoldiers.runs, toysoldiers.steps;
         update toysoldiers.installation set version = 2",
    );
    assert_snapshot!(tool.run(&["migrate", "history", "--limit", "1"]), @"
    -- stdout
    VERSION  NAME  ACTION  OUTCOME  STARTED AT  DURATION  ACTOR  CLIENT  TOOL VERSION  MESSAGE
    002  b  up  done  NOW DURATION  tester@HOST  -  0.1.0  -
    -- stderr
    -> (url)  SOCKET/DB as postgres
    1 attempt; this database remembers only what was applied until the next `migrate up`
    1 older ones are not shown; ask for more with `--limit 2`
    -- exit 0
    ");
    database.sql("update toysoldiers.installation set version = 99");
    assert_snapshot!(tool.run(&["migrate", "history"]), @"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    error: this database was served by a newer toysoldiers (its bookkeeping has version 99, this program knows 7)
      note: nothing was changed
      hint: update toysoldiers and try again
    -- exit 6
    ");
}
