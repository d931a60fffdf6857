//! What a role that is trusted with nothing made so deep, or so large, that nobody can read it: it is told, and stops nothing else.

use crate::support::{Database, Tool};

/// A role with a schema of its own, in a database that is as its files say.
struct Web {
    database: Database,
    tool: Tool,
    role: String,
}

impl Web {
    fn new() -> Self {
        let database = Database::migrated();
        let role = format!("web_{}", database.name);
        database.sql(&format!(
            "create role {role} login; create schema web authorization {role}"
        ));
        let tool = Tool::new().on(&database);
        tool.run(&["policy", "apply", "--yes"]).ok();
        tool.run(&["index", "apply", "--yes"]).ok();
        Self {
            database,
            tool,
            role,
        }
    }

    fn makes(&self, sql: &str) {
        let role = &self.role;
        // So that the limit is the grammar's, whatever is made.
        self.database.sql(&format!(
            "set max_stack_depth = '6MB'; set session authorization {role}; {sql}"
        ));
    }

    /// What the audit says cannot be read.
    fn unreadable(&self) -> Vec<String> {
        let audited = self.tool.run(&["policy", "audit", "-o", "json"]);
        let findings: serde_json::Value = serde_json::from_str(&audited.stdout).expect("is JSON");
        let findings = findings.as_array().expect("is a list").iter();
        findings
            .filter(|one| one["check"] == "unreadable")
            .map(|one| one["object"].as_str().expect("has a name").to_owned())
            .collect()
    }
}

impl Drop for Web {
    fn drop(&mut self) {
        let Self { database, role, .. } = self;
        let _ = database.try_sql(&format!(
            "set max_stack_depth = '6MB'; drop owned by {role} cascade; drop role {role}"
        ));
    }
}

/// As deep as the grammar takes it, which is deeper than the server can write it down.
fn deep(core: &str) -> String {
    format!("({}{core})", "not ".repeat(7_600))
}

#[test]
fn one_that_is_nested_too_deep_is_told_and_the_rest_goes_on() {
    let web = Web::new();
    let (row, always) = (deep("b"), deep("true"));
    web.makes(&format!(
        "create table web.t (b bool default {always}, check ({row}));
         alter table web.t enable row level security;
         create policy p on web.t using ({row});
         create view web.v as select {row} as b from web.t;
         create rule r as on insert to web.t where {new} do also nothing;
         create trigger g before insert on web.t for each row when ({new}) execute function suppress_redundant_updates_trigger();
         create function web.f(a bool default {always}) returns bool language sql as 'select true';
         create domain web.d as bool check ({value});
         create table web.p (b bool) partition by list (({row}));
         create statistics web.s on ({row}) from web.t;
         create index i on web.t ((not {half} b))",
        new = deep("new.b"),
        value = deep("value"),
        half = "not ".repeat(1_200),
    ));
    for written in [
        // How deep is too deep is another matter of every version's.
        "set max_stack_depth = '1MB'; select pg_get_expr(polqual, polrelid) from pg_policy where polname = 'p'",
        "set max_stack_depth = '1MB'; select pg_get_viewdef('web.v'::regclass)",
    ] {
        assert_eq!(web.database.refusal(written), "stack depth limit exceeded");
    }
    let tool = &web.tool;
    tool.run(&["policy", "status", "--check"]).ok();
    tool.run(&["index", "status", "--check"]).ok();
    tool.run(&["deploy", "--yes"]).ok();
    for words in [
        &["status"][..],
        &["index", "list"],
        &["index", "advise"],
        &["policy", "list"],
    ] {
        let outcome = tool.run(words);
        assert_eq!(outcome.code, Some(0), "{words:?}\n{outcome}");
    }
    let listed = tool.run(&["policy", "list", "-o", "json"]).ok();
    assert!(listed.stdout.contains("\"cannot be read: "), "{listed}");
    let verified = tool.run(&["migrate", "verify"]).ok();
    assert!(
        verified.stderr.contains("is what its files make"),
        "{verified}"
    );
    assert_eq!(
        web.unreadable(),
        [
            "constraint t_b_check on table web.t",
            "function web.f(boolean)",
            "index web.i",
            "policy p on table web.t",
            "rule r on table web.t",
            "statistics object web.s",
            "table web.p",
            "table web.t",
            "trigger g on table web.t",
            "type web.d",
            "view web.v",
        ]
    );
}

#[test]
fn a_comment_of_megabytes_is_not_read() {
    let web = Web::new();
    web.makes(
        "create table web.t (x int); create function web.f() returns int language sql as 'select 1';
         do $$ begin
            execute format('comment on column web.t.x is %L', repeat('x', 100000));
            execute format('comment on function web.f() is %L', repeat('x', 100000));
         end $$",
    );
    assert_eq!(web.unreadable(), ["function web.f()", "table web.t"]);
    web.database
        .sql("comment on column content.title is 'short'");
    let tool = &web.tool;
    tool.run(&["migrate", "verify"]).code(3);
}
