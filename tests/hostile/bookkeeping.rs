//! Bookkeeping that somebody else has put in the place of ours: nothing is written to it, and nobody is misled by it.

use crate::support::version::major;
use crate::support::{Database, Tool};

/// A role that may make schemas in a database, and no more; the functions it makes leave a trace.
fn mallory(database: &Database) -> String {
    let name = format!("mallory_{}", database.name);
    database.sql(&format!(
        "create role {name} login; grant create on database {} to {name};
         create sequence public.trace; grant usage on sequence public.trace to {name};
         create schema evil authorization {name};
         set role {name};
         create function evil.mark() returns trigger language plpgsql as
             'begin perform nextval(''public.trace''); return new; end';
         create function evil.now() returns timestamptz language plpgsql as
             'begin perform nextval(''public.trace''); return pg_catalog.now(); end'",
        database.name
    ));
    name
}

/// Our own, but for whose it is.
fn bookkeeping() -> String {
    [
        include_str!("../../database/bookkeeping/001_history_and_audit.sql"),
        include_str!("../../database/bookkeeping/002_stamp.sql"),
        include_str!("../../database/bookkeeping/003_runs.sql"),
        include_str!("../../database/bookkeeping/004_detached.sql"),
        include_str!("../../database/bookkeeping/005_deploys.sql"),
        include_str!("../../database/bookkeeping/006_trust.sql"),
        "insert into toysoldiers.installation (version, tool_version) values (6, '0');",
    ]
    .concat()
}

/// Every command is refused, names what is wrong, and has run nothing of it.
fn is_refused(database: &Database, tool: &Tool, says: &str) {
    for words in [
        &["migrate", "up"][..],
        &["migrate", "status"],
        &["policy", "apply"],
        &["deploy", "--yes"],
        &["user", "list"],
        &["status"],
        &["env", "check"],
    ] {
        let refused = tool.run(words).code(6);
        assert!(refused.stderr.contains(says), "{words:?}\n{refused}");
    }
    let trace = "select is_called from public.trace";
    assert_eq!(database.value(trace), "f");
}

#[test]
fn a_schema_planted_before_the_first_migration_is_not_taken_for_ours() {
    for with_tables in [true, false] {
        let database = Database::empty();
        let mallory = mallory(&database);
        let tables = if with_tables {
            format!(
                "set role {mallory}; {} update toysoldiers.installation set environment = 'production';
                 create trigger mark before insert on toysoldiers.history for each row execute function evil.mark();
                 alter table toysoldiers.audit_log alter at set default evil.now();
                 grant usage on schema toysoldiers to public; grant all on all tables in schema toysoldiers to public",
                bookkeeping()
            )
        } else {
            format!("create schema toysoldiers authorization {mallory}")
        };
        database.sql(&tables);
        let tool = Tool::new().on(&database);
        let says = format!("the schema toysoldiers belongs to {mallory}");
        is_refused(&database, &tool, &says);
        database.sql("drop schema toysoldiers cascade");
        tool.run(&["migrate", "up"]).ok();
    }
}

#[test]
fn code_of_others_behind_our_own_tables_is_found() {
    for (plant, says) in [
        (
            "grant usage on schema toysoldiers to MALLORY; grant trigger on toysoldiers.history to MALLORY; set role MALLORY;
             create trigger mark before insert on toysoldiers.history for each row execute function evil.mark()",
            "toysoldiers.history runs code of MALLORY",
        ),
        (
            "alter table toysoldiers.audit_log alter at set default evil.now()",
            "toysoldiers.audit_log runs code of MALLORY",
        ),
        (
            "drop table toysoldiers.steps; grant create, usage on schema toysoldiers to MALLORY; set role MALLORY;
             create table toysoldiers.steps (version bigint, number integer)",
            "toysoldiers.steps belongs to MALLORY",
        ),
    ] {
        let database = Database::migrated();
        let mallory = mallory(&database);
        database.sql(&plant.replace("MALLORY", &mallory));
        let tool = Tool::new().on(&database);
        is_refused(&database, &tool, &says.replace("MALLORY", &mallory));
    }
}

#[test]
fn bookkeeping_of_whoever_owns_the_database_or_gives_us_its_rights_is_ours() {
    let database = Database::empty();
    let name = |suffix: &str| format!("{suffix}_{}", database.name);
    let (owner, deployer, member) = (name("owner"), name("deployer"), name("member"));
    database.sql(&format!(
        "create role {owner} login createrole; create role {deployer} login; create role {member} login in role {deployer};
         alter database {0} owner to {owner}; grant create on database {0} to {deployer};
         grant create, usage on schema public to {deployer}",
        database.name
    ));
    let tool = Tool::new();
    tool.write("database/migrations/001_a.sql", "create table a (id int);");
    let tool = tool.on_as(&database, &owner);
    tool.run(&["migrate", "up"]).ok();
    let tool = tool.on(&database);
    tool.run(&["migrate", "status"]).ok();
    database.sql("drop schema toysoldiers cascade; drop table a");
    let tool = tool.on_as(&database, &deployer);
    tool.run(&["migrate", "up"]).ok();
    // Before PostgreSQL 15 a role could make others members of itself.
    let tool = tool.on_as(&database, &member);
    let code = if major() < 15 { 6 } else { 0 };
    tool.run(&["migrate", "up"]).code(code);
    database.sql(&format!(
        "reassign owned by {owner}, {deployer} to postgres; drop owned by {owner}, {deployer}; drop role {owner}, {deployer}, {member}"
    ));
}
