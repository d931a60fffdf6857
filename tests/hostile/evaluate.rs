//! What a role that is trusted with nothing wrote into its own tables: to look at it evaluates none of it, and what
//! would is refused or left out.

use crate::support::{Database, Tool};

/// A role with a schema of its own; what it wrote leaves a trace that no rollback takes back, whoever runs it.
struct Web {
    database: Database,
    role: String,
}

impl Web {
    fn new() -> Self {
        let database = Database::migrated();
        let role = format!("web_{}", database.name);
        database.sql(&format!(
            "create role {role} login; create schema web authorization {role};
             set session authorization {role};
             create sequence web.fired; grant all on web.fired to public; grant usage on schema web to public;
             create function web.note() returns bool language plpgsql as $$ begin perform nextval('web.fired'); return true; end $$;
             create function web.f(int) returns bool language plpgsql immutable as $$ begin return web.note(); end $$;
             create domain web.d as int check (web.f(value));
             create table web.t (x int);
             create index t_x on web.t (x) where web.f(1);
             create table web.p (x int); alter table web.p enable row level security;
             create policy spy on web.p using (exists (select from public.content) and '{{1}}'::web.d[] is not null);
             reset session authorization;
             select setval('web.fired', 1, false)"
        ));
        Self { database, role }
    }

    fn is_quiet(&self) {
        assert_eq!(self.database.value("select is_called from web.fired"), "f");
    }
}

impl Drop for Web {
    fn drop(&mut self) {
        let Self { database, role } = self;
        let _ = database.try_sql(&format!("drop owned by {role} cascade; drop role {role}"));
    }
}

#[test]
fn what_is_taken_over_is_evaluated_by_nobody() {
    let web = Web::new();
    let tool = Tool::new().on(&web.database);
    for (kind, folder, what) in [
        ("index", "--indexes", "t_x on web.t"),
        ("policy", "--policies", "web.p"),
    ] {
        tool.write("adopted/empty.txt", "");
        let outcome = tool.run(&[kind, "adopt", folder, "adopted", "--yes"]);
        assert!(
            outcome
                .stderr
                .contains(&format!("{what}: it belongs to {}", web.role)),
            "{outcome}"
        );
        web.is_quiet();
    }
}

#[test]
fn a_dump_with_things_of_others_is_loaded_nowhere_unasked() {
    let web = Web::new();
    let tool = Tool::new().on(&web.database);
    let dump = ["migrate", "dump", "--file", "schema.sql"];
    tool.run(&dump).ok();
    let outcome = tool.run(&[&dump[..], &["--check"]].concat()).ok();
    assert!(
        outcome
            .stderr
            .contains(&format!("it was not loaded: it has things of {}", web.role)),
        "{outcome}"
    );
    web.is_quiet();
}

#[test]
fn a_policy_of_others_that_runs_their_code_is_not_made_again() {
    let web = Web::new();
    let tool = Tool::new().on(&web.database);
    let says = format!(
        "belongs to {}, whose code would be run to make it again",
        web.role
    );
    let refused = tool.run(&["policy", "detach", "content", "--yes"]).code(6);
    assert!(refused.stderr.contains(&says), "{refused}");
    tool.write(
        "m/014_x.sql",
        "-- toysoldiers: detach-policies content\nalter table content alter column title type varchar(500);\n",
    );
    for name in std::fs::read_dir("database/migrations").unwrap() {
        let path = name.unwrap().path();
        let text = std::fs::read(&path).unwrap();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        tool.write(&format!("m/{name}"), text);
    }
    let refused = tool.run(&["migrate", "up", "--migrations", "m"]).code(1);
    assert!(refused.stderr.contains(&says), "{refused}");
    web.is_quiet();
    // One that runs nobody's code is in nobody's way.
    web.database.sql("drop policy spy on web.p; create policy plain on web.p using (exists (select from public.content))");
    tool.run(&["migrate", "up", "--migrations", "m"]).ok();
    assert_eq!(
        web.database
            .value("select count(*) from pg_policies where schemaname = 'web'"),
        "1"
    );
}

#[test]
fn a_detached_policy_of_others_that_runs_their_code_is_not_attached() {
    let web = Web::new();
    let tool = Tool::new().on(&web.database);
    // As versions did that did not ask whose code it is.
    web.database.sql(
        "insert into toysoldiers.detached (because_schema, because_name, table_schema, table_name, policy, command, permissive, roles,
            using_expression, actor, tool_version)
         select 'public', 'content', 'web', 'p', policyname, 'all', true, '{public}', qual, 'me', 'old'
         from pg_policies
         where policyname = 'spy';
         drop policy spy on web.p",
    );
    let refused = tool.run(&["policy", "attach", "content", "--yes"]).code(6);
    assert!(
        refused.stderr.contains(&format!(
            "the policy spy on web.p belongs to {}, whose code would be run to make it again",
            web.role
        )),
        "{refused}"
    );
    web.is_quiet();
    web.database
        .sql("update toysoldiers.detached set using_expression = '(x > 0)'");
    tool.run(&["policy", "attach", "content", "--yes"]).ok();
    web.is_quiet();
}
