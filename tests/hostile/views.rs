//! Relations of names we ask for, made by somebody else: reading them would run what their owner wrote.

use crate::support::{Database, Tool};

/// A function that leaves a trace when it runs, whatever becomes of the transaction.
const TRACE: &str = "
    create sequence public.trace;
    create function public.ev() returns boolean language plpgsql as
        'begin perform nextval(''public.trace''); return true; end';
";

fn has_run(database: &Database) -> bool {
    database.value("select is_called from public.trace") == "t"
}

#[test]
fn views_in_the_place_of_our_tables_are_not_read() {
    let database = Database::empty();
    database.sql(&format!(
        "{TRACE}
         create schema toysoldiers;
         create view toysoldiers.installation as
             select 6 as version, null::text as environment, '0'::text as tool_version, true as singleton where public.ev();
         create view toysoldiers.history as
             select 1::bigint as version, 'a'::text as name, 'x'::text as applied_on, '1'::text as checksum where public.ev();
         create view public.users as
             select null::uuid as id, 'a@b.c'::text as email, 'fan'::text as role, now() as created_at where public.ev();
         create view public.creators as select null::uuid as id, null::uuid as user_id where public.ev();
         create view public.dashboard_creator as select null::uuid as creator_id where public.ev();
         create view public._sqlx_migrations as
             select 1::bigint as version, 'a'::text as description, now() as installed_on, true as success,
                 ''::bytea as checksum, 1::bigint as execution_time where public.ev();
         grant usage on schema toysoldiers to public;
         grant select on all tables in schema toysoldiers, public to public"
    ));
    let tool = Tool::new().on(&database);
    for words in [
        &["env", "check"][..],
        &["status"],
        &["migrate", "status"],
        &["migrate", "history"],
        &["migrate", "up", "--dry-run"],
        &["migrate", "baseline", "--from", "sqlx", "--dry-run"],
        &["user", "list"],
        &["user", "show", "a@b.c"],
        &["creator", "list"],
        &["dashboard"],
        &["dashboard", "creators"],
        &["policy", "list"],
        &["index", "list"],
        &["backup", "create", "--to", "b"],
    ] {
        tool.run(words);
        assert!(!has_run(&database), "{words:?}");
    }
}

#[test]
fn a_view_that_took_the_place_of_the_platforms_own_is_not_read() {
    let database = Database::migrated();
    database.sql(&format!(
        "{TRACE} create or replace view public.dashboard_creator with (security_barrier = true) as
             select id as creator_id, 0::bigint as total_content, 0::bigint as total_views, 0::numeric as total_watch_time,
                 0::numeric as total_tips, 0::bigint as total_comments
             from public.creators where public.ev()"
    ));
    let tool = Tool::new().on(&database);
    tool.run(&["creator", "create", "a@example.com", "--generate"])
        .ok();
    for words in [
        &["creator", "list"][..],
        &["creator", "show", "a@example.com"],
        &["dashboard"],
        &["dashboard", "creators"],
    ] {
        tool.run(words).ok();
        assert!(!has_run(&database), "{words:?}");
    }
}

#[test]
fn nobody_else_gets_into_a_database_that_is_being_restored() {
    let database = Database::migrated();
    let tool = Tool::new().on(&database);
    tool.run(&["backup", "create", "--to", "b"]).ok();
    let copy = format!("{}_copy", database.name);
    tool.run(&[
        "backup", "restore", "latest", "--from", "b", "--into", &copy,
    ])
    .ok();
    // Once it is whole it is open, as a new database is.
    assert_eq!(
        database.value(&format!(
            "select has_database_privilege('anon', '{copy}', 'connect') and datconnlimit = -1
             from pg_database where datname = '{copy}'"
        )),
        "t"
    );
    database.sql(&format!("drop database {copy}"));
}

#[test]
fn a_role_that_the_database_gives_a_superuser_is_not_taken() {
    let database = Database::empty();
    let owner = format!("{}_owner", database.name);
    database.sql(&format!(
        "create role {owner}; alter database {} set role = '{owner}'",
        database.name
    ));
    let tool = Tool::new().on(&database);
    tool.run(&["migrate", "up"]).ok();
    assert_eq!(
        database.value(&format!(
            "select count(*) from pg_class where relowner = '{owner}'::regrole"
        )),
        "0"
    );
}
