//! The audit log: one row a change, with the person, the place and the program, whichever version of the bookkeeping
//! the database has, and however it is reached.

use insta::assert_snapshot;

use crate::support::{Bouncer, Database, Tool};

/// The bookkeeping before the one that has a function for the log.
const BEFORE: &[&str] = &[
    include_str!("../database/bookkeeping/001_history_and_audit.sql"),
    include_str!("../database/bookkeeping/002_stamp.sql"),
    include_str!("../database/bookkeeping/003_runs.sql"),
    include_str!("../database/bookkeeping/004_detached.sql"),
    include_str!("../database/bookkeeping/005_deploys.sql"),
];

/// Gives a database the bookkeeping of version 5, as the program of then made it, with the history it has.
fn make_old(database: &Database) {
    database.sql(&format!(
        "create table public.kept as table toysoldiers.history;
         drop schema toysoldiers cascade;
         {};
         insert into toysoldiers.installation (version, tool_version) values (5, '0.1.0');
         insert into toysoldiers.history select * from public.kept;
         drop table public.kept",
        BEFORE.join(";\n")
    ));
}

/// Has every row say how it came.
fn watch(database: &Database) {
    database.sql(
        "create table public.came (id bigint, by_function bool);
         create function public.watch() returns trigger language plpgsql as $$
         declare context text;
         begin
             get diagnostics context = pg_context;
             insert into public.came values (new.id, context like '%SQL function \"audit\"%');
             return new;
         end $$;
         create trigger watch before insert on toysoldiers.audit_log for each row execute function public.watch()",
    );
}

/// The rows, with what differs from database to database hidden.
fn rows(database: &Database) -> Vec<String> {
    database.sql(
        r#"select action, subject is null, actor, role, client, tool_version,
             regexp_replace(details::text, '[0-9a-f]{8}-[0-9a-f-]{27}|("(duration_ms|deploy)": )[0-9]+|"backup": "[^"]*"', '*', 'g')
         from toysoldiers.audit_log order by id"#,
    )
}

/// A database with a table of its own, and a program beside its files.
fn shop() -> (Database, Tool) {
    let database = Database::migrated();
    database.sql("create table items (id int, kind int)");
    let tool = Tool::new().hiding(&database);
    tool.write(
        "toysoldiers.toml",
        format!("[env.shop]\nurl = \"{}\"\n", database.url()),
    );
    tool.write(
        "database/indexes/items.sql",
        "create index items_kind on items (kind);",
    );
    tool.write(
        "database/policies/items.sql",
        "alter table items enable row level security;
         create policy read on items for select using (kind = 1);",
    );
    (database, tool)
}

/// Commands that leave rows, none of which brings the bookkeeping up to date.
const CHANGES: &[&[&str]] = &[
    &["env", "pin", "--yes"],
    &["user", "create", "fan@example.com", "--generate"],
    &["creator", "create", "fan@example.com"],
    &[
        "creator",
        "create",
        "nina@example.com",
        "--generate",
        "--payout",
        "acct_1MqZ",
    ],
    &["creator", "verify", "nina@example.com", "--yes"],
    &["creator", "unverify", "nina@example.com", "--yes"],
    &["policy", "apply"],
    &["policy", "detach", "items", "--yes"],
    &["policy", "attach", "items", "--yes"],
    &["index", "apply"],
    &["index", "rebuild", "items_kind"],
];

#[test]
fn rows_are_alike_whether_the_database_has_the_function_or_not() {
    let [new, old] = [false, true].map(|is_old| {
        let (database, tool) = shop();
        if is_old {
            make_old(&database);
        }
        watch(&database);
        let run = |words: &[&str]| {
            tool.run(&[&["--env", "shop"], words].concat()).ok();
        };
        for words in CHANGES {
            run(words);
        }
        let versions = "select version from toysoldiers.installation";
        assert_eq!(
            database.value(versions),
            if is_old { "5" } else { "7" },
            "a change does not bring the bookkeeping up to date"
        );
        let came = database.sql("select distinct by_function from public.came");
        assert_eq!(came, [if is_old { "f" } else { "t" }]);
        // The deploy does, in the middle of its own session.
        tool.write(
            "database/indexes/items.sql",
            "create index items_id on items (id);",
        );
        run(&["deploy", "--yes"]);
        assert_eq!(database.value(versions), "7");
        rows(&database)
    });
    // That one has more to tell where it brought the bookkeeping up to date.
    let ([new @ .., of_new], [old @ .., of_old]) = (&new[..], &old[..]) else {
        panic!("no rows");
    };
    assert_eq!(new, old);
    let who = |row: &str| row.split_once("|{").unwrap().0.to_owned();
    assert_eq!(who(of_new), who(of_old));
    assert!(of_new.starts_with("deploy|t|"), "{of_new}");
    let actor = new[0].split('|').nth(2).unwrap();
    assert!(actor.contains('@'), "{actor}");
    assert_snapshot!(new.join("\n").replace(actor, "ACTOR"), @r#"
    env pin|t|ACTOR|postgres||0.1.0|{"stamp": "shop", "before": null}
    user create|f|ACTOR|postgres||0.1.0|{"role": "fan"}
    user set-role|f|ACTOR|postgres||0.1.0|{"to": "creator", "from": "fan"}
    creator create|f|ACTOR|postgres||0.1.0|{"payout": false, "user_id": "*"}
    user create|f|ACTOR|postgres||0.1.0|{"role": "creator"}
    creator create|f|ACTOR|postgres||0.1.0|{"payout": true, "user_id": "*"}
    creator verify|f|ACTOR|postgres||0.1.0|{"payout": true}
    creator unverify|f|ACTOR|postgres||0.1.0|{"payout": true}
    policy apply|t|ACTOR|postgres||0.1.0|{"cells": null, "prune": false, "source": "database/policies", "changes": ["enable row-level security on items", "create policy read on items"]}
    policy detach|t|ACTOR|postgres||0.1.0|{"policies": ["public.items.read"], "relation": "public.items"}
    policy attach|t|ACTOR|postgres||0.1.0|{"attached": ["public.items.read"], "relation": "public.items", "forgotten": []}
    index apply|t|ACTOR|postgres||0.1.0|{"index": "items_kind", "table": "items", "change": "create", "statement": "create index items_kind on items (kind)"}
    index rebuild|t|ACTOR|postgres||0.1.0|{"index": "items_kind", "table": "items", "change": "rebuild"}
    index apply|t|ACTOR|postgres||0.1.0|{"index": "items_id", "table": "items", "change": "create", "statement": "create index items_id on items (id)"}
    "#);
}

#[test]
fn a_restored_database_has_a_row_of_its_restore_whatever_its_bookkeeping() {
    let rows = [false, true].map(|is_old| {
        let (database, tool) = shop();
        if is_old {
            make_old(&database);
        }
        let name = format!("{}_again", database.name);
        for words in [
            &["backup", "create", "--to", "b"][..],
            &[
                "backup", "restore", "latest", "--from", "b", "--into", &name,
            ],
        ] {
            tool.run(&[&["--env", "shop"], words].concat()).ok();
        }
        rows(&database.server.database(&name))
    });
    assert_eq!(rows[0], rows[1]);
    assert_eq!(rows[0].len(), 1);
    assert!(rows[0][0].starts_with("backup restore|t|"), "{rows:?}");
}

#[test]
fn a_pooler_in_transaction_mode_takes_nothing_from_a_row() {
    for is_old in [false, true] {
        let database = Database::migrated();
        if is_old {
            make_old(&database);
        }
        let direct = Tool::new().on(&database);
        let bouncer = Bouncer::transaction(&database);
        let pooled = Tool::new()
            .hiding(&database)
            .env("DATABASE_URL", &bouncer.url());
        for (tool, email) in [(&direct, "a@example.com"), (&pooled, "b@example.com")] {
            tool.run(&["user", "create", email, "--generate"]).ok();
            tool.run(&["creator", "create", email]).ok();
            tool.run(&["creator", "verify", email, "--without-payout", "--yes"])
                .ok();
        }
        let rows = rows(&database);
        assert_eq!(rows.len(), 8);
        assert_eq!(rows[..4], rows[4..]);
        // Nor is the person left behind for the next client of the pool.
        let left = crate::support::session::sql(
            &bouncer.socket,
            &database.name,
            "select coalesce(current_setting('toysoldiers.actor', true), '')",
        );
        assert_eq!(left, [""]);
    }
}

#[test]
fn nobody_is_another_person_by_a_setting() {
    let database = Database::migrated();
    let direct = Tool::new().on(&database);
    direct
        .run(&["user", "create", "a@example.com", "--generate"])
        .ok();
    database.sql(&format!(
        "alter database {0} set toysoldiers.actor = 'mallory@home'; alter database {0} set toysoldiers.tool_version = '9'",
        database.name
    ));
    let url = format!(
        "{}&options=-c%20toysoldiers.actor%3Dmallory@home",
        database.url()
    );
    let told = Tool::new().hiding(&database).at(&url);
    for (tool, email) in [(&direct, "b@example.com"), (&told, "c@example.com")] {
        tool.run(&["user", "create", email, "--generate"]).ok();
    }
    let who = database.sql("select distinct actor, tool_version from toysoldiers.audit_log");
    assert_eq!(who.len(), 1, "{who:?}");
    assert!(!who[0].contains("mallory"), "{who:?}");
    // Where nobody is told there is no row.
    database.sql(&format!("alter database {} reset all", database.name));
    assert_snapshot!(
        database.refusal("select toysoldiers.audit('x', null, '{}')"),
        @r#"null value in column "actor" of relation "audit_log" violates not-null constraint"#
    );
}

/// A role that may log in and work on users, named after the database.
fn clerk(database: &Database) -> String {
    let name = format!("{}_clerk", database.name);
    database.sql(&format!(
        "create role {name} login bypassrls;
         grant usage on schema public, app, toysoldiers to {name};
         grant select, insert, update on all tables in schema public to {name};
         grant select on toysoldiers.installation to {name}"
    ));
    name
}

fn may_call(database: &Database, role: &str) -> String {
    database.value(&format!(
        "select has_function_privilege('{role}', 'toysoldiers.audit(text, uuid, jsonb)', 'execute')"
    ))
}

#[test]
fn whoever_may_write_the_log_goes_on_and_nobody_else_begins() {
    let database = Database::migrated();
    let clerk = clerk(&database);
    let tool = Tool::new().on_as(&database, &clerk);
    let create = |email: &str| tool.run(&["user", "create", email, "--generate"]);
    // Neither, and then the function alone, which has no rights of its own.
    create("a@example.com").code(6);
    database.sql(&format!(
        "grant execute on function toysoldiers.audit to {clerk}"
    ));
    assert!(
        create("a@example.com")
            .code(6)
            .stderr
            .contains("permission denied for table audit_log")
    );
    assert_eq!(database.value("select count(*) from users"), "0");
    // The table alone, as it was before there was a function.
    database.sql(&format!(
        "revoke execute on function toysoldiers.audit from {clerk}; grant insert, select on toysoldiers.audit_log to {clerk}"
    ));
    create("a@example.com").ok();
    assert_eq!(
        database.sql("select role from toysoldiers.audit_log"),
        [clerk.as_str()]
    );
    assert_eq!(may_call(&database, &clerk), "f");
    // Who could write when the function came may call it, and nobody else, whatever functions usually give away.
    let old = Database::migrated();
    make_old(&old);
    let writer = self::clerk(&old);
    let reader = format!("{writer}_reader");
    old.sql(&format!(
        "create role {reader};
         do $$ begin create role anon; exception when duplicate_object or unique_violation then null; end $$;
         grant insert on toysoldiers.audit_log to {writer}, anon;
         alter default privileges grant execute on functions to {reader}, anon"
    ));
    old.migrate();
    assert_eq!(
        [
            may_call(&old, &writer),
            may_call(&old, &reader),
            may_call(&old, "anon")
        ],
        ["t", "f", "f"]
    );
    assert_eq!(
        old.value("select proowner = (select relowner from pg_class where oid = 'toysoldiers.audit_log'::regclass) from pg_proc where oid = 'toysoldiers.audit'::regproc"),
        "t"
    );
}

#[test]
fn a_function_that_somebody_else_put_there_is_not_called() {
    let database = Database::migrated();
    make_old(&database);
    let web = format!("{}_web", database.name);
    database.sql(&format!(
        "create role {web}; grant usage, create on schema toysoldiers to {web}; set role {web};
         create function toysoldiers.audit(action text, subject uuid, details jsonb) returns bigint
         language plpgsql as $$ begin raise exception 'planted code ran'; end $$"
    ));
    let tool = Tool::new().on(&database);
    tool.run(&["user", "create", "a@example.com", "--generate"])
        .ok();
    assert_eq!(rows(&database).len(), 1);
    // Nor does it become ours.
    assert!(
        tool.run(&["migrate", "up"])
            .code(1)
            .stderr
            .contains("function \"audit\" already exists")
    );
    tool.run(&["user", "create", "b@example.com", "--generate"])
        .ok();
    assert_eq!(rows(&database).len(), 2);
}

#[test]
fn the_function_looks_nothing_up_where_its_caller_does() {
    let database = Database::migrated();
    let web = format!("{}_web", database.name);
    database.sql(&format!(
        "create role {web}; create schema evil authorization {web}; set role {web};
         create function evil.fires(text, text) returns boolean language plpgsql as $$ begin raise exception 'planted code ran'; end $$;
         create operator evil.= (leftarg = text, rightarg = text, function = evil.fires);
         create function evil.current_setting(text, boolean) returns text language plpgsql as $$ begin raise exception 'planted code ran'; end $$"
    ));
    let path = "set search_path = evil, pg_catalog; ";
    assert_eq!(
        database.refusal(&format!("{path} select nullif('a'::text, '')")),
        "planted code ran"
    );
    database.sql(&format!(
        "{path} select set_config('toysoldiers.actor', 'sam@bastion', false), set_config('toysoldiers.tool_version', '1', false);
         select toysoldiers.audit('x', null, '{{}}')"
    ));
    assert_eq!(rows(&database), ["x|t|sam@bastion|postgres||1|{}"]);
}

#[test]
fn a_migration_that_fails_is_on_record_for_whoever_ran_it() {
    let database = Database::empty();
    let tool = Tool::new().on(&database);
    tool.write(
        "database/migrations/001_a.sql",
        "-- toysoldiers: no-transaction\nset toysoldiers.actor = 'mallory@home';\nselect 1 / 0;",
    );
    tool.run(&["migrate", "up"]).code(1);
    tool.write("database/migrations/001_a.sql", "select 1 / 0;");
    tool.run(&["migrate", "up"]).code(1);
    let rows = database.sql("select distinct actor, tool_version from toysoldiers.runs");
    assert_eq!(rows.len(), 1, "{rows:?}");
    assert!(!rows[0].contains("mallory"), "{rows:?}");
}

#[test]
fn a_command_that_needs_a_newer_migration_names_it() {
    for (words, needed) in [
        (&["user", "list"][..], "005_creators"),
        (
            &["user", "create", "a@example.com", "--generate"],
            "005_creators",
        ),
        (
            &["creator", "verify", "a@example.com", "--yes"],
            "005_creators",
        ),
        (&["creator", "list"], "009_analytics_views"),
        (&["dashboard", "content"], "009_analytics_views"),
        (&["dashboard", "creators"], "009_analytics_views"),
    ] {
        let database = Database::empty();
        let tool = Tool::new().on(&database);
        let number: u32 = needed[..3].parse().unwrap();
        let up = |to: u32| {
            tool.run(&["migrate", "up", "--to", &to.to_string()]).ok();
        };
        up(number - 1);
        let refused = tool.run(words).code(6);
        assert!(
            refused
                .stderr
                .contains(&format!("needs what migration {needed} makes")),
            "{refused}"
        );
        up(number);
        let enough = tool.run(words);
        assert!(!enough.stderr.contains("needs what"), "{enough}");
    }
}
