//! `policy status` and `policy apply`: every kind of difference is found and mended, and nothing else is.

use insta::assert_snapshot;

use crate::support::version::{major, since};
use crate::support::{Bouncer, Database, Replica, Tool};

/// A program on a database that has the platform's roles, what this SQL makes, and no policy files but these.
pub fn with(sql: &str, files: &[(&str, &str)]) -> (Database, Tool) {
    let database = Database::migrated();
    database.sql(sql);
    let tool = Tool::new().on(&database);
    for (name, text) in files {
        tool.write(&format!("database/policies/{name}"), text);
    }
    (database, tool)
}

/// What would be done, a line a step.
fn steps(tool: &Tool, args: &[&str]) -> Vec<String> {
    let status = tool.run(&[&["policy", "status", "-o", "json"], args].concat());
    let status = status.ok().json();
    let differences = status["differences"].as_array().unwrap().iter();
    differences
        .map(|difference| {
            let word = |key: &str| difference[key].as_str().unwrap().to_owned();
            format!("{} {} on {}", word("action"), word("object"), word("on"))
        })
        .collect()
}

const TABLE: &str =
    "create table t (id int, owner uuid, secret text); alter table t enable row level security;
    revoke all on t from public, anon, authenticated, service_role;";
const ON: &str = "alter table t enable row level security;\n";

/// What there is, what a file says, and what has to be done.
struct Case(&'static str, &'static str, &'static [&'static str]);

const CASES: &[Case] = &[
    Case("", "", &[]),
    // Policies.
    Case(
        "",
        "create policy p on t for select to anon using (id > 0);",
        &["create policy p on t"],
    ),
    Case(
        "create policy p on t for select to anon using (id > 0);",
        "create policy p on public.t as permissive for SELECT to anon using ( ( t.id>0 ) ); -- the same",
        &[],
    ),
    Case(
        "create policy p on t for select to anon using (id > 0);",
        "create policy p on t for select to anon using (id > 1);",
        &["alter policy p on t"],
    ),
    Case(
        "create policy p on t for select to anon using (id > 0);",
        "create policy p on t for select to authenticated, anon using (id > 0);",
        &["alter policy p on t"],
    ),
    Case(
        "create policy p on t to anon using (id > 0) with check (id > 1);",
        "create policy p on t to anon using (id > 0) with check (id > 2);",
        &["alter policy p on t"],
    ),
    Case(
        "create policy p on t to anon using (id > 0);",
        "create policy p on t to anon using (id > 0) with check (id > 2);",
        &["alter policy p on t"],
    ),
    Case(
        "create policy p on t to anon using (id > 0) with check (id > 1);",
        "create policy p on t to anon using (id > 0);",
        &["replace policy p on t"],
    ),
    Case(
        "create policy p on t for select to anon using (id > 0);",
        "create policy p on t for delete to anon using (id > 0);",
        &["replace policy p on t"],
    ),
    Case(
        "create policy p on t to anon using (id > 0);",
        "create policy p on t as restrictive to anon using (id > 0);",
        &["replace policy p on t"],
    ),
    Case(
        "create policy old on t for select to anon using (id > 0);",
        "create policy p on t for select to anon using (id > 0);",
        &["rename policy old on t"],
    ),
    Case(
        "create policy p on t using (id > 0); comment on policy p on t is 'a';",
        "create policy p on t using (id > 0); comment on policy p on t is 'it''s b';",
        &["comment policy p on t"],
    ),
    Case(
        "create policy p on t using (id > 0); comment on policy p on t is 'stays';",
        "create policy p on t using (id > 0);",
        &[],
    ),
    // Subqueries, on the table itself and on another one; names with and without their schema.
    Case(
        "create policy p on t for insert with check (exists (select from public.content c where c.id = t.owner) and not exists (select from t k where k.id = t.id));",
        "create policy p on t for insert with check (EXISTS (SELECT FROM content AS c WHERE c.id = owner) and not exists (select from public.t k where k.id = t.id));",
        &[],
    ),
    // The row as a whole, which means nothing on a twin, and a column with its schema before it.
    Case(
        "create function sees(r t) returns boolean language sql as 'select true'; create policy p on t using (sees(t));",
        "create policy p on t using (sees(t));",
        &[],
    ),
    Case(
        "create function sees(r t) returns boolean language sql as 'select true'; create policy p on t using (not sees(t));",
        "create policy p on t using (sees(t) -- whole\n);",
        &["alter policy p on t"],
    ),
    Case(
        "create function sees(r t) returns boolean language sql as 'select true';",
        "create policy p on t for insert to anon with check (sees(t) and public.t.id > 0);",
        &["create policy p on t"],
    ),
    // Row-level security itself.
    Case(
        "alter table t disable row level security;",
        "",
        &["enable row-level security on t"],
    ),
    Case(
        "",
        "alter table t force row level security;",
        &["force row-level security on t"],
    ),
    Case(
        "alter table t force row level security;",
        "",
        &["no_force row-level security on t"],
    ),
    // Rights.
    Case(
        "",
        "grant select, delete on t to anon;",
        &["grant select, delete to anon on t"],
    ),
    Case(
        "",
        "grant all on t to service_role; revoke truncate on t from service_role;",
        &["grant select, insert, update, delete, references, trigger to service_role on t"],
    ),
    Case(
        "grant all on t to anon;",
        "grant select on t to anon;",
        &["revoke insert, update, delete, truncate, references, trigger from anon on t"],
    ),
    Case(
        "grant select on t to public;",
        "",
        &["revoke select from public on t"],
    ),
    Case(
        "grant select on t to anon;",
        "grant select (id, owner) on t to anon;",
        &[
            "revoke select from anon on t",
            "grant select (id, owner) to anon on t",
        ],
    ),
    Case(
        "grant select (id, secret) on t to anon;",
        "grant select (id) on t to anon;",
        &["revoke select (secret) from anon on t"],
    ),
    Case(
        "grant select on t to anon with grant option;",
        "grant select on t to anon;",
        &["revoke grant option for select from anon on t"],
    ),
    Case(
        "grant select on t to anon;",
        "grant select on t to anon with grant option;",
        &["grant select with grant option to anon on t"],
    ),
    Case(
        "create sequence s;",
        "grant usage on sequence s to anon;",
        &["grant usage to anon on s"],
    ),
];

#[test]
fn every_kind_of_difference_is_found_and_mended_and_then_there_is_none() {
    for Case(there, says, wanted) in CASES {
        let (database, tool) = with(
            &format!("{TABLE}{there}"),
            &[("t.sql", &format!("{ON}{says}"))],
        );
        // Since PostgreSQL 17 `all` is more.
        let wanted: Vec<String> = if major() < 17 {
            wanted.iter().map(ToString::to_string).collect()
        } else {
            let step = |step: &&str| {
                step.replace("references, trigger ", "references, trigger, maintain ")
            };
            wanted.iter().map(step).collect()
        };
        assert_eq!(steps(&tool, &[]), wanted, "{there}\n{says}");
        let code = if wanted.is_empty() { 0 } else { 3 };
        tool.run(&["policy", "status", "--check"]).code(code);
        tool.run(&["policy", "apply"]).ok();
        assert_eq!(steps(&tool, &[]), [""; 0], "{there}\n{says}");
        let again = tool.run(&["policy", "apply"]).ok();
        assert!(again.stderr.contains("nothing to do"), "{again}");
        drop(database);
    }
}

#[test]
fn a_function_is_meant_as_postgresql_reads_it() {
    let sql = "create type kind as enum ('a');
        create function f(a int, variadic b text[]) returns int language sql as 'select 1';
        create function g(inout a int, out b text, c \"char\" default 'x') language sql as $$ select 1, '' $$;
        create function h(double precision, at timestamptz, k kind[]) returns table (x int) language sql as 'select 1';
        create procedure p(in a int, out b int) language sql as 'select 1';
        create aggregate agg(x int) (sfunc = int4pl, stype = int);";
    // As pg_dump writes it.
    let file = "GRANT ALL ON FUNCTION public.f(a integer, VARIADIC b text[]) TO anon;
        GRANT ALL ON FUNCTION public.g(INOUT a integer, OUT b text, c \"char\") TO anon;
        GRANT ALL ON FUNCTION public.h(double precision, at timestamp with time zone, k public.kind[]) TO anon;
        GRANT ALL ON PROCEDURE public.p(IN a integer, OUT b integer) TO anon;
        GRANT ALL ON FUNCTION public.agg(x integer) TO anon;
        -- And as people do.
        grant execute on function f(int, text[]), g(a int, c \"char\" default 'x') to authenticated;";
    let (database, tool) = with(sql, &[("functions.sql", file)]);
    tool.run(&["policy", "apply"]).ok();
    tool.run(&["policy", "status", "--check"]).ok();
    assert_eq!(
        database.sql(
            "select p.oid::regprocedure::text || ' ' || string_agg(a.grantee::regrole::text, ' ' order by a.grantee::regrole::text) from pg_proc p,
             aclexplode(proacl) a where pronamespace = 'public'::regnamespace and a.grantee not in (p.proowner, 0)
             group by p.oid order by p.oid"
        ),
        [
            "f(integer,text[]) anon authenticated",
            "g(integer,\"char\") anon authenticated",
            "h(double precision,timestamp with time zone,kind[]) anon",
            "p(integer) anon",
            "agg(integer) anon",
        ]
    );
}

#[test]
fn a_sequence_of_its_own_has_a_file_of_its_own() {
    let grant = "grant usage on sequence orders to anon;";
    let (database, tool) = with("create sequence orders", &[("functions.sql", grant)]);
    assert_snapshot!(tool.run(&["policy", "status"]), @"
    -- stderr
    error: database/policies/functions.sql cannot be applied: this is not about functions
      --> database/policies/functions.sql:1:1
         |
       1 | grant usage on sequence orders to anon;
         | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      note: nothing was changed
      hint: put it into the file of the table that the sequence belongs to, or, if it belongs to none, into database/policies/orders.sql
    -- exit 1
    ");
    std::fs::rename(
        tool.path().join("database/policies/functions.sql"),
        tool.path().join("database/policies/orders.sql"),
    )
    .unwrap();
    assert_eq!(steps(&tool, &[]), ["grant usage to anon on orders"]);
    tool.run(&["policy", "apply"]).ok();
    assert_eq!(
        database.value("select has_sequence_privilege('anon', 'orders', 'usage')"),
        "t"
    );
    tool.run(&["policy", "status", "--check"]).ok();
    tool.write(
        "database/policies/orders.sql",
        "alter table orders enable row level security;",
    );
    tool.run(&["policy", "status"]).code(1);
}

#[test]
fn functions_and_views_have_their_rights_and_options_here() {
    if !since(15) {
        return;
    }
    let sql = "create schema s; create function s.f(a int, b text[]) returns int language sql as 'select 1';
        create function g() returns int language sql as 'select 1';
        create view v with (security_barrier) as select 1 as one; create or replace view v as select 1 as one;
        create view w with (security_invoker = on) as select 1 as one;";
    let files = [
        (
            "functions.sql",
            "revoke all on function s.f(int, text[]) from public;\ngrant execute on function s.f(integer, text[]), g() to anon;",
        ),
        (
            "v.sql",
            "alter view v set (security_barrier = true);\ngrant select on v to anon;",
        ),
        ("w.sql", "alter view w reset (security_invoker);"),
    ];
    let (database, tool) = with(sql, &files);
    assert_snapshot!(tool.run(&["policy", "status"]), @"
    -- stdout
    ACTION  OBJECT  ON  EFFECT  DETAIL
    revoke  execute from public  public.g()  tightens
    grant  execute to anon  public.g()  loosens
    revoke  execute from public  s.f(integer,text[])  tightens
    grant  execute to anon  s.f(integer,text[])  loosens
    set  security_barrier = true  v  tightens  lost, or never set
    grant  select to anon  v  loosens
    set  security_invoker = false  w  loosens
    -- stderr
    -> (url)  SOCKET/DB as postgres
    7 differences from what is declared: 0 policies of 2 relations (database/policies); `toysoldiers policy apply` mends them
    -- exit 0
    ");
    tool.run(&["policy", "apply"]).ok();
    tool.run(&["policy", "status", "--check"]).ok();
    assert_eq!(
        database
            .sql("select relname, reloptions from pg_class where relname in ('v', 'w') order by 1"),
        ["v|{security_barrier=true}", "w|{security_invoker=false}"]
    );
}

#[test]
fn names_are_what_postgresql_makes_of_them() {
    let long = "p".repeat(70);
    let odd = "alter table \"Odd.Name\" enable row level security; create policy \"P\" on \"Odd.Name\" using (true);";
    let (database, tool) = with(
        &format!(
            "{TABLE} create table \"Odd.Name\" (id int); create procedure run(n int) language sql as ''"
        ),
        &[
            (
                "t.sql",
                &format!("{ON}create policy {long} on t as restrictive using (false);"),
            ),
            ("Odd.Name.sql", odd),
            (
                "functions.sql",
                "grant execute on procedure run(int) to anon;",
            ),
        ],
    );
    tool.run(&["policy", "apply"]).ok();
    tool.run(&["policy", "status", "--check"]).ok();
    assert_eq!(
        database.sql("select polname from pg_policy order by 1"),
        ["P".to_owned(), "p".repeat(63)]
    );
}

#[test]
fn two_files_about_one_table_are_refused() {
    let (_database, tool) = with(TABLE, &[("t.sql", ON), ("public.t.sql", ON)]);
    let outcome = tool.run(&["policy", "status"]).code(1);
    assert!(
        outcome.stderr.contains("are about the same relation, t"),
        "{outcome}"
    );
}

#[test]
fn what_no_file_declares_goes_only_if_it_is_to() {
    let (database, tool) = with(
        &format!(
            "{TABLE} create policy stray on t using (true); create table other (id int);
             create policy stray on other using (true); create role reader_NAME; grant select on t to reader_NAME"
        )
        .replace("NAME", "of_files"),
        &[("t.sql", &format!("{ON}grant select on t to anon;"))],
    );
    let tool = tool.hide(&format!("--confirm {}", database.name), "--confirm DB");
    assert_snapshot!(tool.run(&["policy", "status"]), @"
    -- stdout
    ACTION  OBJECT  ON  EFFECT  DETAIL
    drop  policy stray  other  tightens  no file declares it; goes only with --prune
                                                          - permissive for all to public
                                                          - using true
    revoke  select from reader_of_files  t  tightens  no file names reader_of_files; goes only with --prune
    drop  policy stray  t  tightens  no file declares it; goes only with --prune
                                                          - permissive for all to public
                                                          - using true
    grant  select to anon  t  loosens
    -- stderr
    -> (url)  SOCKET/DB as postgres
    4 differences from what is declared: 0 policies of 1 relation (database/policies); `toysoldiers policy apply` mends 1 of them; `toysoldiers policy adopt` declares what no file does, and `toysoldiers policy apply --prune` takes it away
    -- exit 0
    ");
    tool.run(&["policy", "apply"]).ok();
    assert_snapshot!(tool.run(&["policy", "status", "--check"]), @"
    -- stdout
    ACTION  OBJECT  ON  EFFECT  DETAIL
    drop  policy stray  other  tightens  no file declares it; goes only with --prune
                                                          - permissive for all to public
                                                          - using true
    revoke  select from reader_of_files  t  tightens  no file names reader_of_files; goes only with --prune
    drop  policy stray  t  tightens  no file declares it; goes only with --prune
                                                          - permissive for all to public
                                                          - using true
    -- stderr
    -> (url)  SOCKET/DB as postgres
    3 differences from what is declared: 0 policies of 1 relation (database/policies); `toysoldiers policy adopt` declares what no file does, and `toysoldiers policy apply --prune` takes it away
    -- exit 3
    ");
    assert_snapshot!(tool.run(&["policy", "apply", "--prune"]), @"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    plan: apply 3 changes of policies and rights
      drop policy stray on other  (no file declares it)
          - permissive for all to public
          - using true
      revoke select from reader_of_files on t  (no file names reader_of_files)
      drop policy stray on t  (no file declares it)
          - permissive for all to public
          - using true
      leave unproved what it comes to  (there is no matrix.toml among the files)
    error: cannot apply 3 changes of policies and rights without a confirmation: there is no terminal to ask on
      hint: confirm with `--confirm DB`
    -- exit 6
    ");
    assert_snapshot!(tool.run(&["policy", "apply", "--prune", "--confirm", &database.name]), @"
    -- stdout
    ACTION  OBJECT  ON
    drop  policy stray  other
    revoke  select from reader_of_files  t
    drop  policy stray  t
    -- stderr
    -> (url)  SOCKET/DB as postgres
    plan: apply 3 changes of policies and rights
      drop policy stray on other  (no file declares it)
          - permissive for all to public
          - using true
      revoke select from reader_of_files on t  (no file names reader_of_files)
      drop policy stray on t  (no file declares it)
          - permissive for all to public
          - using true
      leave unproved what it comes to  (there is no matrix.toml among the files)
    applied 3 changes in DURATION (database/policies); not proved
    -- exit 0
    ");
    tool.run(&["policy", "status", "--check"]).ok();
    database.sql("drop owned by reader_of_files; drop role reader_of_files");
}

#[test]
fn a_policy_that_is_made_anew_keeps_what_is_said_about_it() {
    let (database, tool) = with(
        &format!(
            "{TABLE} create policy p on t for select using (true); comment on policy p on t is 'why'"
        ),
        &[(
            "t.sql",
            &format!("{ON}create policy p on t for delete using (true);"),
        )],
    );
    let oid = "select oid from pg_policy where polname = 'p'";
    let before = database.value(oid);
    tool.run(&["policy", "apply"]).ok();
    assert_ne!(database.value(oid), before);
    let comment = "select obj_description(oid) from pg_policy where polname = 'p'";
    assert_eq!(database.value(comment), "why");
    tool.write(
        "database/policies/t.sql",
        format!("{ON}create policy p on t for delete using (false);"),
    );
    let before = database.value(oid);
    tool.run(&["policy", "apply"]).ok();
    assert_eq!(database.value(oid), before, "altered in place");
    assert_eq!(database.value(comment), "why");
}

#[test]
fn the_platforms_own_files_are_applied_and_leave_a_trace() {
    let database = Database::migrated();
    let tool = Tool::new().on(&database);
    assert_snapshot!(tool.run(&["policy", "apply"]), @"
    -- stdout
    ACTION  OBJECT  ON
    create  policy analytics_views_read  analytics_views
    grant  select to authenticated  analytics_views
    grant  select, insert, update, delete to service_role  analytics_views
    grant  usage to service_role  analytics_views_id_seq
    create  policy comments_read  comments
    create  policy comments_write  comments
    create  policy comments_change  comments
    create  policy comments_delete  comments
    grant  select to anon  comments
    grant  select, delete to authenticated  comments
    grant  insert (content_id, parent_id, text, user_id) to authenticated  comments
    grant  update (text) to authenticated  comments
    grant  select, insert, update, delete to service_role  comments
    create  policy content_read  content
    create  policy content_publish  content
    create  policy content_change  content
    create  policy content_delete  content
    grant  select to anon  content
    grant  select, insert, update, delete to authenticated  content
    grant  select, insert, update, delete to service_role  content
    create  policy creators_read  creators
    create  policy creators_change  creators
    grant  select (bio, id, tiers, verified) to anon  creators
    grant  select (bio, id, tiers, verified) to authenticated  creators
    grant  update (bio, tiers) to authenticated  creators
    grant  select, insert, update, delete to service_role  creators
    create  policy tips_read  tips
    create  policy tips_give  tips
    grant  select to authenticated  tips
    grant  insert (amount, from_user, status, to_creator) to authenticated  tips
    grant  select, insert, update, delete to service_role  tips
    create  policy users_read  users
    create  policy users_change  users
    grant  select (created_at, email, id, role, updated_at) to authenticated  users
    grant  update (email) to authenticated  users
    grant  select, insert, update, delete to service_role  users
    -- stderr
    -> (url)  SOCKET/DB as postgres
    applied 36 changes in DURATION (embedded in toysoldiers 0.1.0); 624 cells as they should be
    -- exit 0
    ");
    assert_snapshot!(tool.run(&["policy", "status", "--check"]), @"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    as declared: 15 policies of 7 relations (embedded in toysoldiers 0.1.0)
    -- exit 0
    ");
    assert_eq!(
        database.sql("select action, details ->> 'source', jsonb_array_length(details -> 'changes') > 30, details -> 'cells' > '100' from toysoldiers.audit_log"),
        ["policy apply|embedded in toysoldiers 0.1.0|t|t"]
    );
}

#[test]
fn a_wrong_cell_undoes_everything_and_is_shown() {
    let matrix = r#"
[actors]
anon = { role = "anon" }
owner = { role = "authenticated", user = "6d617472-6978-0000-0001-000000000001" }

[rows.t]
one = { id = 1, owner = "6d617472-6978-0000-0001-000000000001" }

[[probe]]
table = "t"
select = { id = 1 }
allowed = ["owner"]
hidden = ["anon"]
"#;
    let says =
        "create policy p on t for select using (WHOSE);\ngrant select on t to anon, authenticated;";
    let (database, tool) = with(TABLE, &[("matrix.toml", matrix)]);
    tool.write(
        "database/policies/t.sql",
        format!("{ON}{}", says.replace("WHOSE", "true")),
    );
    let catalog = "select count(*) from pg_policy";
    assert_snapshot!(tool.run(&["policy", "apply"]), @"
    -- stdout
    TABLE  COMMAND  ROW  ACTOR  EXPECTED  FOUND  MESSAGE
    t  select  id = 1  anon  hidden  allowed  -
    -- stderr
    -> (url)  SOCKET/DB as postgres
    nothing was changed: after 3 changes, 1 cell of the matrix would not be as declared
    -- exit 3
    ");
    assert_snapshot!(tool.run(&["policy", "apply", "-o", "json"]).code(3).json()["wrong"], @r#"[{"table":"t","command":"select","row":"id = 1","actor":"anon","identity":"claims","expected":"hidden","found":"allowed","right":false,"message":null}]"#);
    assert_eq!(database.value(catalog), "0");
    assert_eq!(database.value("select count(*) from t"), "0");
    assert_eq!(
        database.value("select count(*) from toysoldiers.audit_log"),
        "0"
    );
    let right = says.replace("WHOSE", "owner = (select app.current_user_id())");
    tool.write("database/policies/t.sql", format!("{ON}{right}"));
    let applied = tool.run(&["policy", "apply"]).ok();
    assert!(
        applied.stderr.contains("2 cells as they should be"),
        "{applied}"
    );
    assert_eq!(database.value("select count(*) from t"), "0");
    // What is wrong can be kept all the same, by whoever says so.
    let wrong = says.replace("WHOSE", "true");
    tool.write("database/policies/t.sql", format!("{ON}{wrong}"));
    let kept = tool.run(&["policy", "apply", "--no-proof"]).ok();
    assert!(kept.stderr.contains("not proved"), "{kept}");
}

#[test]
fn a_dry_run_shows_the_plan_and_writes_nothing() {
    let (database, tool) = with(
        &format!("{TABLE} create policy p on t for select using (id > 0)"),
        &[(
            "t.sql",
            &format!(
                "{ON}create policy p on t for select using (id > 1);\ngrant select on t to anon;"
            ),
        )],
    );
    assert_snapshot!(tool.run(&["policy", "apply", "--dry-run"]), @"
    -- stdout
    plan: apply 2 changes of policies and rights
      alter policy p on t  (may let in more)
          - using (id > 0)
          + using (id > 1)
      grant select to anon on t
      leave unproved what it comes to  (there is no matrix.toml among the files)
    -- stderr
    -> (url)  SOCKET/DB as postgres
    dry run: nothing was changed
    -- exit 0
    ");
    assert_snapshot!(tool.run(&["policy", "apply", "--dry-run", "-o", "json"]).stdout, @r#"
    {
      "title": "apply 2 changes of policies and rights",
      "risk": "loosening",
      "steps": [
        {
          "effect": "grants_access",
          "action": "alter",
          "object": "policy p on t",
          "detail": "may let in more",
          "lines": [
            "- using (id > 0)",
            "+ using (id > 1)"
          ],
          "sql": [
            "alter policy \"p\" on \"public\".\"t\" using (id > 1\n)"
          ]
        },
        {
          "effect": "grants_access",
          "action": "grant",
          "object": "select to anon on t",
          "detail": "",
          "sql": [
            "grant select on table \"public\".\"t\" to \"anon\""
          ]
        },
        {
          "effect": "verifies",
          "action": "leave unproved",
          "object": "what it comes to",
          "detail": "there is no matrix.toml among the files"
        }
      ]
    }
    "#);
    assert_eq!(
        database.value("select count(*) from toysoldiers.audit_log"),
        "0"
    );
}

#[test]
fn in_a_protected_environment_opening_access_wants_the_name_and_closing_it_a_yes() {
    let (database, tool) = with(
        TABLE,
        &[("t.sql", &format!("{ON}grant select on t to anon;"))],
    );
    let shop = Tool::new().hiding(&database);
    shop.write(
        "toysoldiers.toml",
        format!(
            "[env.shop]\nurl = \"{}\"\nprotected = true\n",
            database.url()
        ),
    );
    shop.write(
        "database/policies/t.sql",
        format!("{ON}grant select on t to anon;"),
    );
    let run = |args: &[&str]| shop.run(&[&["--env", "shop", "policy", "apply"], args].concat());
    assert_snapshot!(run(&["--yes"]), @"
    -- stderr
    -> shop  SOCKET/DB as postgres  PROTECTED
    error: cannot apply 1 change of policies and rights without a confirmation: there is no terminal to ask on
      hint: confirm with `--confirm shop`
    -- exit 6
    ");
    run(&["--confirm", "shop"]).ok();
    shop.write(
        "database/policies/t.sql",
        format!("{ON}revoke all on t from anon;"),
    );
    run(&[]).code(6);
    run(&["--yes"]).ok();
    assert_eq!(
        database.value("select has_table_privilege('anon', 't', 'select')"),
        "f"
    );
    drop(tool);
}

/// What is told of files that are wrong, by both commands alike.
fn told(there: &str, files: &[(&str, &str)]) -> String {
    let (_database, tool) = with(&format!("{TABLE}{there}"), files);
    let status = tool.run(&["policy", "status"]).code(1);
    let apply = tool.run(&["policy", "apply"]).code(1);
    assert_eq!(status.stderr, apply.stderr);
    let lines = status
        .stderr
        .lines()
        .filter(|line| !line.starts_with("-> "));
    lines.collect::<Vec<_>>().join("\n")
}

fn file(text: &str) -> String {
    format!("{ON}{text}")
}

#[test]
fn a_policy_that_cannot_be_is_refused_with_its_place_before_anything_is_changed() {
    assert_snapshot!(told("", &[("contnet.sql", "alter table contnet enable row level security;")]), @"
    error: database/policies/contnet.sql cannot be applied: there is no table or view contnet here
      --> database/policies/contnet.sql:1:13
         |
       1 | alter table contnet enable row level security;
         |             ^^^^^^^
      note: nothing was changed
      hint: did you mean content? otherwise make it in a migration, and run `toysoldiers migrate up`
    ");
    assert_snapshot!(told("create view v as select 1", &[("v.sql", "alter table v enable row level security;")]), @"
    error: database/policies/v.sql cannot be applied: v is a view
      --> database/policies/v.sql:1:13
         |
       1 | alter table v enable row level security;
         |             ^
      note: nothing was changed
      hint: row-level security is for tables, options are for views, and rights on a sequence say SEQUENCE
    ");
    assert_snapshot!(told("", &[("t.sql", &file("create policy p on t using (idd > 0);"))]), @r#"
    error: database/policies/t.sql cannot be applied
      caused by: column "idd" does not exist
      --> database/policies/t.sql:2:29
         |
       2 | create policy p on t using (idd > 0);
         |                             ^^^
      note: nothing was changed
      hint: Perhaps you meant to reference the column "t.id"; fix the file
    "#);
    assert_snapshot!(told("", &[("t.sql", &file("create policy p on t\n  for select using (id >);"))]), @r#"
    error: database/policies/t.sql cannot be applied
      caused by: syntax error at or near ")"
      --> database/policies/t.sql:3:25
         |
       3 |   for select using (id >);
         |                         ^
      note: nothing was changed
      hint: fix the file
    "#);
    assert_snapshot!(told("", &[("t.sql", &file("create policy p on t for insert using (true);"))]), @"
    error: database/policies/t.sql cannot be applied
      caused by: only WITH CHECK expression allowed for INSERT
      --> database/policies/t.sql:2:15
         |
       2 | create policy p on t for insert using (true);
         |               ^
      note: nothing was changed
      hint: fix the file
    ");
    assert_snapshot!(told("", &[("t.sql", &file("create policy p on t to nobody_such using (true);"))]), @r#"
    error: database/policies/t.sql cannot be applied
      caused by: role "nobody_such" does not exist
      --> database/policies/t.sql:2:15
         |
       2 | create policy p on t to nobody_such using (true);
         |               ^
      note: nothing was changed
      hint: fix the file
    "#);
}

#[test]
fn what_the_server_is_too_old_for_is_refused() {
    let view = "create view v as select 1 as one";
    let invoker = "alter view v set (security_barrier, security_invoker = on);";
    let maintain = file("grant maintain on t to anon;");
    if major() < 15 {
        assert_snapshot!(told(view, &[("v.sql", invoker)]), @"
        error: database/policies/v.sql cannot be applied: this server has no option security_invoker, which needs PostgreSQL 15
          --> database/policies/v.sql:1:12
             |
           1 | alter view v set (security_barrier, security_invoker = on);
             |            ^
          note: nothing was changed
          hint: leave it out
        ");
    }
    if major() < 17 {
        assert_snapshot!(told("", &[("t.sql", &maintain)]), @"
        error: database/policies/t.sql cannot be applied: this server has no privilege maintain, which needs PostgreSQL 17
          --> database/policies/t.sql:2:19
             |
           2 | grant maintain on t to anon;
             |                   ^
          note: nothing was changed
          hint: leave it out
        ");
    }
    if since(17) {
        let (_database, tool) = with(
            &format!("{TABLE}{view};"),
            &[("t.sql", &maintain), ("v.sql", invoker)],
        );
        let wanted = [
            "grant maintain to anon on t",
            "set security_barrier = true on v",
            "set security_invoker = true on v",
        ];
        assert_eq!(steps(&tool, &[]), wanted);
        tool.run(&["policy", "apply", "--yes"]).ok();
        assert_eq!(steps(&tool, &[]), [""; 0]);
    }
}

#[test]
fn rights_that_cannot_be_are_refused_with_their_place() {
    assert_snapshot!(told("", &[("t.sql", &file("grant select (id, scret) on t to anon;"))]), @"
    error: database/policies/t.sql cannot be applied: there is no column scret here
      --> database/policies/t.sql:2:19
         |
       2 | grant select (id, scret) on t to anon;
         |                   ^^^^^
      note: nothing was changed
      hint: did you mean secret? otherwise make it in a migration, and run `toysoldiers migrate up`
    ");
    assert_snapshot!(told("", &[("t.sql", &file("grant select on t to anonn;"))]), @"
    error: database/policies/t.sql cannot be applied: there is no role anonn here
      --> database/policies/t.sql:2:22
         |
       2 | grant select on t to anonn;
         |                      ^^^^^
      note: nothing was changed
      hint: did you mean anon? otherwise make it in a migration, and run `toysoldiers migrate up`
    ");
    for (says, message) in [
        (
            "grant execute on t to anon;",
            "execute is no privilege on a table",
        ),
        (
            "grant select on t to public with grant option;",
            "everybody cannot pass a right on",
        ),
        (
            "create policy p on t to current_user using (true);",
            "nobody in particular",
        ),
        ("create policy p on t using (id);", "argument of"),
    ] {
        let told = told("", &[("t.sql", &file(says))]);
        assert!(told.contains(message), "{told}");
    }
    assert_snapshot!(told("", &[("t.sql", &file("grant usage on sequence s to anon;"))]), @"
    error: database/policies/t.sql cannot be applied: there is no sequence s here
      --> database/policies/t.sql:2:25
         |
       2 | grant usage on sequence s to anon;
         |                         ^
      note: nothing was changed
      hint: make it in a migration, and run `toysoldiers migrate up`
    ");
    assert_snapshot!(told("", &[("functions.sql", "grant execute on function app.get_content(text) to anon;")]), @r"
    error: database/policies/functions.sql cannot be applied: there is no function app.get_content(text)
      --> database/policies/functions.sql:1:27
         |
       1 | grant execute on function app.get_content(text) to anon;
         |                           ^^^^^^^^^^^^^^^^^^^^^
      note: nothing was changed
      hint: write the types of its arguments as `\df` shows them; or make it in a migration
    ");
    // PostgreSQL 16 was the first to look for a function of an unknown type and find none.
    let told = told(
        "",
        &[(
            "functions.sql",
            "grant execute on function app.get_content(id nosuch) to anon;",
        )],
    );
    let reason = if major() >= 16 {
        "there is no function app.get_content(nosuch)"
    } else {
        "type \"nosuch\" does not exist"
    };
    for part in [reason, "functions.sql:1:27", "hint: write the types of "] {
        assert!(told.contains(part), "{part}\n{told}");
    }
}

#[test]
fn policies_that_ask_one_another_without_end_are_refused() {
    assert_snapshot!(
        told("create table u (id int)", &[
            ("t.sql", &file("create policy p on t for select to anon using (exists (select from u where u.id = t.id));")),
            ("u.sql", "alter table u enable row level security;\ncreate policy p on u for select to anon using (exists (select from t where u.id = t.id));"),
        ]),
        @"
    error: policies ask one another without end (SQLSTATE 42P17)
      --> database/policies/t.sql:2:15
         |
       2 | create policy p on t for select to anon using (exists (select from u where u.id = t.id));
         |               ^
      note: p on t reads u, p on u reads t
      note: nothing was changed
      hint: let one of them ask a SECURITY DEFINER function, as `(select app.current_creator_id())`
    "
    );
}

#[test]
fn somebody_who_may_only_read_can_compare_and_cannot_apply() {
    let (database, tool) = with(
        TABLE,
        &[(
            "t.sql",
            &format!("{ON}create policy p on t for select to anon using (id > 0);"),
        )],
    );
    let auditor = format!("auditor_{}", database.name);
    database.sql(&format!(
        "create role {auditor} login; grant usage on schema app, toysoldiers to {auditor}; grant select on t to {auditor};
         grant select on all tables in schema toysoldiers to {auditor}"
    ));
    let theirs = tool.on_as(&database, &auditor).hide(&auditor, "AUDITOR");
    assert_snapshot!(theirs.run(&["policy", "status"]), @"
    -- stdout
    ACTION  OBJECT  ON  EFFECT  DETAIL
    revoke  select from AUDITOR  t  tightens  no file names AUDITOR; goes only with --prune
    create  policy p  t  loosens  + permissive for select to anon
                                                     + using (id > 0)
    -- stderr
    -> (url)  SOCKET/DB as AUDITOR
    2 differences from what is declared: 1 policy of 1 relation (database/policies); `toysoldiers policy apply` mends 1 of them; `toysoldiers policy adopt` declares what no file does, and `toysoldiers policy apply --prune` takes it away
    -- exit 0
    ");
    assert_snapshot!(theirs.run(&["policy", "apply"]), @"
    -- stderr
    -> (url)  SOCKET/DB as AUDITOR
    error: this role may not take the lock of a run
      caused by: permission denied for view runner
      note: nothing was changed
      hint: connect as the owner of the schema toysoldiers, or have it run `grant update on toysoldiers.runner to` this role
    -- exit 6
    ");
    database.sql(&format!(
        "revoke temporary on database {} from public",
        database.name
    ));
    assert_snapshot!(theirs.run(&["policy", "status"]), @r#"
    -- stderr
    -> (url)  SOCKET/DB as AUDITOR
    error: policies are compared on temporary tables, and t cannot get one
      caused by: permission denied to create temporary tables in database "DB"
      note: nothing was changed
      hint: connect as a role that may read the tables and make temporary ones: grant select on them, and temporary on the database
    -- exit 6
    "#);
    database.sql(&format!("drop owned by {auditor}; drop role {auditor}"));
}

#[test]
fn a_replica_says_why_it_cannot_compare() {
    let replica = Replica::new();
    let primary = Database::on(replica.primary());
    primary.migrate();
    let copy = replica.database(&primary);
    let tool = Tool::new().on(&copy);
    assert_snapshot!(tool.run(&["policy", "status"]), @"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    error: this is a replica: policies are compared on temporary tables, which only the primary can make
      note: `policy list` and `policy audit` only read, and work here
      hint: name the primary
    -- exit 6
    ");
}

#[test]
fn a_pooler_in_transaction_mode_is_refused() {
    let database = Database::migrated();
    let bouncer = Bouncer::transaction(&database);
    let tool = Tool::new().env("DATABASE_URL", &bouncer.url());
    for command in ["status", "apply"] {
        let outcome = tool.run(&["policy", command]).code(6);
        assert!(
            outcome.stderr.contains("needs a session of its own"),
            "{outcome}"
        );
    }
}
