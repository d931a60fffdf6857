//! Every check of `policy audit`, both ways: silent about the platform's own schema and rules, and not about a planted
//! fault.

use std::collections::BTreeSet;
use std::path::Path;

use crate::policy_audit::{clean, found};
use crate::support::version::understands;
use crate::support::{Database, Tool};

/// A fault: the check that has to see it, the SQL that makes it, and the objects it is about. DB is the database's
/// name, after which roles are called: they are the whole server's.
struct Plant(&'static str, &'static str, &'static str);

const TABLES: &[Plant] = &[
    Plant(
        "rls-disabled",
        "create table public.t (id uuid primary key); grant select on public.t to anon",
        "public.t",
    ),
    Plant(
        "rls-disabled",
        "create table public.t (day date) partition by range (day); grant insert (day) on public.t to public",
        "public.t",
    ),
    Plant(
        "policies-without-rls",
        "alter table public.tips disable row level security",
        "public.tips",
    ),
    Plant(
        "rls-without-policy",
        "create table public.t (id uuid primary key); alter table public.t enable row level security; grant select on public.t to anon",
        "public.t",
    ),
    Plant(
        "rls-not-forced",
        "create role DB_owner; create table public.t (id uuid primary key); alter table public.t owner to DB_owner;
         alter table public.t enable row level security",
        "public.t",
    ),
    Plant(
        "rls-forced",
        "create role DB_owner; create table public.t (id uuid primary key); alter table public.t owner to DB_owner;
         alter table public.t enable row level security; alter table public.t force row level security",
        "public.t",
    ),
    Plant(
        "partition-reachable",
        "create table public.t (day date) partition by range (day);
         alter table public.t enable row level security;
         create table public.t_2026 partition of public.t for values from ('2026-01-01') to ('2027-01-01');
         grant select on public.t_2026 to anon",
        "public.t_2026",
    ),
    Plant(
        "partition-reachable",
        "create table public.child () inherits (public.tips); grant select on public.child to authenticated",
        "public.child",
    ),
    Plant(
        "queue-exposed",
        "create schema pgmq; create table pgmq.q_mail (id bigint); grant select on pgmq.q_mail to anon",
        "pgmq.q_mail",
    ),
    Plant(
        "fkey-to-auth-unique",
        "create schema auth; create table auth.users (id uuid primary key, email text unique);
         create table public.t (email text primary key references auth.users (email))",
        "constraint t_email_fkey on public.t",
    ),
    Plant(
        "foreign-table-reachable",
        "create foreign data wrapper w; create server s foreign data wrapper w;
         create foreign table public.t (id int) server s; grant select on public.t to anon",
        "public.t",
    ),
];

const VIEWS: &[Plant] = &[
    Plant(
        "security-definer-view",
        "create view public.v with (security_barrier) as select * from public.tips; grant select on public.v to anon",
        "public.v",
    ),
    Plant(
        "security-definer-view",
        "create view public.inside with (security_invoker) as select * from public.tips;
         create view public.v with (security_invoker = false) as select * from public.inside; grant delete on public.v to public",
        "public.v",
    ),
    Plant(
        "nested-definer-view",
        "create schema inside; create view inside.v as select * from public.tips;
         create view public.middle with (security_invoker = on) as select * from inside.v;
         create view public.v with (security_invoker = true) as select * from public.middle;
         grant select on inside.v, public.v to anon",
        "public.v",
    ),
    Plant(
        "view-without-barrier",
        "create view public.v as select * from public.tips where status = 'completed'; grant select on public.v to anon",
        "public.v",
    ),
    Plant(
        "materialized-view-reachable",
        "create materialized view public.v as select 1 as one; grant select on public.v to authenticated",
        "public.v",
    ),
    Plant(
        "auth-users-exposed",
        "create schema auth; create table auth.users (id uuid primary key, email text);
         create view public.inside as select * from auth.users; create view public.v as select email from public.inside;
         grant select on public.v to anon",
        "public.v",
    ),
    Plant(
        "graphql-exposed",
        "insert into pg_catalog.pg_extension (oid, extname, extowner, extnamespace, extrelocatable, extversion)
         values (1, 'pg_graphql', 10, 11, false, '1')",
        "public.content",
    ),
];

const FUNCTIONS: &[Plant] = &[
    Plant(
        "security-definer-function",
        "create function app.f(a uuid, b text) returns int language sql security definer set search_path = pg_catalog, pg_temp as 'select 1';
         revoke all on function app.f from public; grant execute on function app.f to anon",
        "app.f(uuid,text)",
    ),
    Plant(
        "function-executable-by-public",
        "create function app.f() returns int language sql set search_path = '' as 'select 1'",
        "app.f()",
    ),
    Plant(
        "security-definer-search-path",
        "create function app.f() returns int language sql security definer as 'select 1'",
        "app.f()",
    ),
    Plant(
        "security-definer-search-path",
        "create schema open; grant create on schema open to anon;
         create function app.f() returns int language sql security definer set search_path = pg_catalog, \"open\", pg_temp as 'select 1'",
        "app.f()",
    ),
    Plant(
        "security-definer-pg-temp",
        "create function app.f() returns int language sql security definer set search_path = pg_catalog, public as 'select 1'",
        "app.f()",
    ),
    Plant(
        "function-search-path",
        "create function app.f() returns int language sql as 'select 1'",
        "app.f()",
    ),
    Plant(
        "immutable-reads-settings",
        "create function app.f() returns text language sql immutable set search_path = '' as 'select pg_catalog.current_setting(''app.user_id'', true)'",
        "app.f()",
    ),
    Plant(
        "immutable-reads-settings",
        "create function app.f() returns uuid language sql immutable return app.current_user_id()",
        "app.f()",
    ),
    Plant(
        "leakproof-function",
        "create function app.f(a int) returns bool language sql leakproof set search_path = '' as 'select a > 1'",
        "app.f(integer)",
    ),
];

const GRANTS: &[Plant] = &[
    Plant(
        "maintain-granted",
        "create table public.t (id int primary key); grant maintain on public.t to authenticated",
        "public.t",
    ),
    Plant(
        "truncate-granted",
        "grant all on public.tips to authenticated",
        "public.tips",
    ),
    Plant(
        "references-or-trigger-granted",
        "grant references (id) on public.tips to anon",
        "public.tips",
    ),
    Plant(
        "default-privileges",
        "alter default privileges in schema public grant all on tables to anon",
        "default privileges of postgres on tables in public",
    ),
    Plant(
        "default-privileges",
        "alter default privileges grant execute on functions to authenticated",
        "default privileges of postgres on functions",
    ),
    Plant(
        "schema-create-granted",
        "grant create on schema public to public",
        "schema public",
    ),
    Plant(
        "sensitive-column-readable",
        "grant select (password_hash) on public.users to authenticated",
        "public.users.password_hash",
    ),
    Plant(
        "sensitive-column-readable",
        "grant select (payout_account) on public.creators to anon",
        "public.creators.payout_account",
    ),
    Plant(
        "unique-oracle",
        "create unique index one on public.creators (lower(bio)); grant update (bio) on public.creators to authenticated",
        "public.one",
    ),
    Plant(
        "unique-oracle",
        "create table public.t (id int primary key, body text); alter table public.t enable row level security;
         grant insert (id) on public.t to authenticated",
        "public.t_pkey",
    ),
    Plant(
        "bypassrls-role",
        "create role DB_service bypassrls",
        "role DB_service",
    ),
    Plant(
        "low-trust-bypasses-rls",
        "create role DB_god bypassrls; create role DB_middle noinherit; create role DB_anybody noinherit;
         grant DB_god to DB_middle; grant DB_middle to DB_anybody",
        "role DB_anybody",
    ),
    Plant(
        "low-trust-bypasses-rls",
        "create role DB_anybody; alter table public.tips owner to DB_anybody",
        "role DB_anybody",
    ),
];

const POLICIES: &[Plant] = &[
    // Where Supabase keeps files and messages, the policies are the platform's own.
    Plant(
        "policy-always-true",
        "create schema storage; create table storage.objects (bucket_id text, name text);
         alter table storage.objects enable row level security;
         create policy anyone on storage.objects for insert to anon with check (true)",
        "policy anyone on storage.objects",
    ),
    Plant(
        "policy-to-public",
        "create schema realtime; create table realtime.messages (topic text);
         alter table realtime.messages enable row level security;
         create policy hear on realtime.messages for select using (topic = 'open')",
        "policy hear on realtime.messages",
    ),
    Plant(
        "policies-without-rls",
        "create schema storage; create table storage.objects (bucket_id text);
         create policy anyone on storage.objects for select to anon using (true)",
        "storage.objects",
    ),
    Plant(
        "storage-listing",
        "create schema storage; create table storage.objects (bucket_id text, name text, owner uuid);
         alter table storage.objects enable row level security;
         create policy avatars on storage.objects for select to public using (bucket_id = 'avatars');
         create policy own on storage.objects for select to authenticated
             using (bucket_id = 'files' and owner = (select app.current_user_id()));
         create policy one on storage.objects for select to anon using (bucket_id = 'files' and name = 'logo.png');
         create policy service on storage.objects for select to service_role using (true)",
        "policy avatars on storage.objects",
    ),
    Plant(
        "policy-always-true",
        "create policy loose on public.tips for update to authenticated using (1 = 1)",
        "policy loose on public.tips",
    ),
    Plant(
        "policy-always-true",
        "create policy \"my own\" on public.tips for all to authenticated using (from_user = (select app.current_user_id())) with check (true)",
        "policy \"my own\" on public.tips",
    ),
    Plant(
        "policy-to-public",
        "create policy wide on public.tips for select using (false)",
        "policy wide on public.tips",
    ),
    Plant(
        "multiple-permissive-policies",
        "create policy more on public.content to anon using (false)",
        "public.content",
    ),
    Plant(
        "policy-user-metadata",
        "create policy vain on public.tips for select to authenticated
         using ((select current_setting('request.jwt.claims', true)::jsonb -> 'user_metadata' ->> 'role') = 'admin')",
        "policy vain on public.tips",
    ),
    Plant(
        "unwrapped-call",
        "create policy bare on public.tips for select to authenticated using (from_user = current_setting('app.user_id', true)::uuid)",
        "policy bare on public.tips",
    ),
    Plant(
        "unwrapped-call",
        "create policy mixed on public.tips for select to authenticated
         using (from_user = (select app.current_user_id()) or to_creator = app.current_creator_id())",
        "policy mixed on public.tips",
    ),
    Plant(
        "unwrapped-call",
        "create policy checked on public.tips for insert to authenticated with check (from_user = app.current_user_id())",
        "policy checked on public.tips",
    ),
    Plant(
        "unwrapped-call",
        "create policy inside on public.tips for select to authenticated
         using (exists (select from public.creators c where c.id = to_creator and c.user_id = app.current_user_id()))",
        "policy inside on public.tips",
    ),
    Plant(
        "policy-recursion",
        "create policy itself on public.tips for select to authenticated
         using (exists (select from public.tips other where other.id = tips.id))",
        "policy itself on public.tips",
    ),
    Plant(
        "policy-recursion",
        "create policy onward on public.content for select to authenticated
         using (exists (select from public.comments where comments.content_id = content.id))",
        "policy comments_read on public.comments, policy onward on public.content",
    ),
    Plant(
        "policy-column-unindexed",
        "drop index public.tips_from_user_idx",
        "policy tips_read on public.tips",
    ),
    Plant(
        "index-not-leakproof",
        "create index content_by_tag on public.content using gin (tags)",
        "public.content_by_tag",
    ),
];

const HYGIENE: &[Plant] = &[
    Plant(
        "unreadable",
        "do $$ begin execute format('comment on table public.tips is %L', repeat('x', 60000)); end $$",
        "table public.tips",
    ),
    Plant(
        "no-primary-key",
        "create table public.t (a int)",
        "public.t",
    ),
    Plant(
        "unindexed-foreign-key",
        "drop index public.tips_from_user_idx; create index on public.tips (from_user) where status = 'pending'",
        "constraint tips_from_user_fkey on public.tips",
    ),
    Plant(
        "duplicate-index",
        "create index tips on app.t (a); create index t2 on app.t using btree (a asc nulls last)",
        "app.t2",
    ),
    Plant(
        "extension-in-public",
        "create extension citext schema public",
        "extension citext",
    ),
    Plant(
        "extension-outdated",
        "update pg_catalog.pg_extension set extversion = '0.9' where extname = 'plpgsql'",
        "extension plpgsql",
    ),
    Plant(
        "reg-column",
        "create table public.t (id uuid primary key, f regprocedure)",
        "public.t.f",
    ),
    Plant(
        "table-bloat",
        "create table public.t (id int primary key, filler text);
         insert into public.t select n, repeat('x', 250) from generate_series(1, 100000) n;
         delete from public.t where id % 10 <> 0; analyze public.t",
        "public.t",
    ),
    Plant(
        "unused-index",
        "do $$ begin for n in 1..100 loop perform from public.content; end loop; end $$",
        "public.content_created_at_idx",
    ),
];

const CODE: &[Plant] = &[
    // What is put into an extension is seen by nobody else.
    Plant(
        "extension-of-others",
        "create role DB_low; create schema theirs authorization DB_low; do $$ begin
             execute format('grant create on database %I to DB_low', current_database());
         end $$;
         set role DB_low; create extension citext schema theirs; create table theirs.hidden (a int);
         alter extension citext add table theirs.hidden; reset role",
        "extension citext",
    ),
    Plant(
        "untrusted-code",
        "create role DB_low; create function app.f(int) returns int language sql immutable set search_path = '' as 'select 1';
         alter function app.f owner to DB_low;
         create table app.t (a int default app.f(1), b int generated always as (app.f(a)) stored)",
        "app.t.a, app.t.b",
    ),
    // The attack: an operator that fits better than the catalog's.
    Plant(
        "untrusted-code",
        "create role DB_low; grant create on schema public to DB_low; set role DB_low;
         create function public.more(numeric, int) returns bool language sql immutable set search_path = '' as 'select true';
         create operator public.> (leftarg = numeric, rightarg = int, function = public.more);
         reset role; set search_path = public;
         alter table public.tips add constraint large check (amount > 1)",
        "constraint large on public.tips",
    ),
    // The operator is trusted, the function behind it is not.
    Plant(
        "untrusted-code",
        "create role DB_low;
         create function app.same(uuid, uuid) returns bool language sql immutable set search_path = '' as 'select true';
         create operator app.= (leftarg = uuid, rightarg = uuid, function = app.same);
         alter function app.same owner to DB_low;
         create policy mine on public.tips for select to authenticated using (from_user operator(app.=) (select app.current_user_id()))",
        "policy mine on public.tips",
    ),
    Plant(
        "untrusted-code",
        "create role DB_low; create function app.f(text) returns text language sql immutable set search_path = '' as 'select $1';
         alter function app.f owner to DB_low;
         create index by_f on public.users (app.f(email)); create index of_fans on public.users (id) where app.f(role) = 'fan';
         create view app.v as select app.f(email) from public.users; create materialized view app.m as select app.f('a')",
        "app.m, app.v, public.by_f, public.of_fans",
    ),
    Plant(
        "untrusted-code",
        "create role DB_low; create function app.f() returns trigger language plpgsql set search_path = '' as 'begin return new; end';
         create function app.g(text) returns bool language sql immutable set search_path = '' as 'select true';
         alter function app.f owner to DB_low; alter function app.g owner to DB_low;
         create trigger one before insert on public.users for each row execute function app.f();
         create trigger two before insert on public.users for each row when (app.g(new.email)) execute function app.touch_updated_at();
         create rule three as on insert to public.tips where app.g(new.status) do nothing",
        "rule three on public.tips, trigger one on public.users, trigger two on public.users",
    ),
    Plant(
        "untrusted-code",
        "create role DB_low; create domain app.d as text check (value <> ''); alter domain app.d owner to DB_low;
         create table app.t (a app.d)",
        "app.t",
    ),
    // The domain is trusted, what its check and its default call is not.
    Plant(
        "untrusted-code",
        "create role DB_low; create function app.f(text) returns bool language sql immutable set search_path = '' as 'select true';
         create function app.g() returns text language sql set search_path = '' as 'select current_user::text';
         create domain app.d as text check (app.f(value)); create domain app.e as text default app.g();
         alter function app.f owner to DB_low; alter function app.g owner to DB_low; create table app.t (a app.d); create table app.u (a app.e)",
        "app.t, app.u",
    ),
    // Nor is what is made of it: an array, a composite and a range type, a domain over one.
    Plant(
        "untrusted-code",
        "create role DB_low; create function app.f(int) returns bool language sql immutable set search_path = '' as 'select true';
         create domain app.d as int check (app.f(value)); create type app.pair as (one int, two app.d);
         create type app.span as range (subtype = app.d); create domain app.e as app.pair[];
         create function app.diff(float8, float8) returns float8 language sql immutable set search_path = '' as 'select 0';
         create type app.far as range (subtype = float8, subtype_diff = app.diff);
         alter function app.f owner to DB_low; alter function app.diff owner to DB_low;
         create table app.t (a app.d[]); create table app.u (a app.pair); create table app.v (a app.span); create table app.w (a app.e);
         create table app.x (a app.far); create table app.y (a int default ('{1}'::app.d[])[1])",
        "app.pair, app.t, app.u, app.v, app.w, app.x, app.y.a",
    ),
    // So are an aggregate, an operator class, and a function that calls another.
    Plant(
        "untrusted-code",
        "create role DB_low; create function app.f(int, int) returns int language sql immutable set search_path = '' as 'select 0';
         create aggregate app.total(int) (sfunc = app.f, stype = int);
         create operator class app.odd for type int using btree as operator 1 <, operator 2 <=, operator 3 =, operator 4 >=,
             operator 5 >, function 1 app.f(int, int);
         create function app.outer_one(a int) returns int language sql immutable return app.f(a, a);
         alter function app.f owner to DB_low; create table app.t (a int, b int default app.outer_one(1));
         create index by_odd on app.t (a app.odd); create view app.v as select app.total(a) from app.t",
        "app.by_odd, app.t.b, app.v",
    ),
    // A view that reads somebody else's.
    Plant(
        "untrusted-code",
        "create role DB_low; create view app.inner_view as select 1 as id; alter view app.inner_view owner to DB_low;
         create view app.outer_view as select id from app.inner_view",
        "app.outer_view",
    ),
    Plant(
        "untrusted-code",
        "create role DB_low; create function app.f() returns event_trigger language plpgsql set search_path = '' as 'begin end';
         create event trigger watch on sql_drop execute function app.f(); alter function app.f owner to DB_low",
        "event trigger watch",
    ),
    // An older version of this program had it.
    Plant(
        "untrusted-code",
        "create role DB_low; create function app.f() returns bigint language sql set search_path = '' as 'select 1';
         drop function toysoldiers.audit; drop view toysoldiers.runner, toysoldiers.deploy_runner, toysoldiers.index_runner; drop table toysoldiers.schema_hash;
         update toysoldiers.installation set version = 5; alter function app.f owner to DB_low; alter table toysoldiers.history alter duration_ms set default app.f()",
        "toysoldiers.history.duration_ms",
    ),
];

fn all() -> impl Iterator<Item = &'static Plant> {
    [TABLES, VIEWS, FUNCTIONS, GRANTS, POLICIES, HYGIENE, CODE]
        .into_iter()
        .flatten()
}

/// Plants each in a database of its own.
fn are_found(plants: &[Plant]) {
    for Plant(check, sql, object) in plants.iter().filter(|Plant(_, sql, _)| understands(sql)) {
        let database = clean();
        let name = |text: &str| text.replace("DB", &database.name);
        if *check == "duplicate-index" {
            database.sql("create table app.t (a int)");
        }
        let before: Vec<String> = found(&tool(&database, check), check);
        let is_older = "select current_setting('server_version_num')::int < 170000";
        if *check == "maintain-granted" && database.value(is_older) == "t" {
            // There is no such right yet.
            assert!(database.refusal(sql).contains("maintain"));
            assert_eq!(before, [""; 0]);
            continue;
        }
        database.sql(&name(sql));
        if *check == "unused-index" {
            let counted =
                "select seq_scan >= 100 from pg_stat_user_tables where relname = 'content'";
            database.wait_until(counted);
        }
        let objects = name(object);
        let objects: Vec<&str> = objects.split(", ").collect();
        let after = found(&tool(&database, check), check);
        let new: Vec<&String> = after
            .iter()
            .filter(|object| !before.contains(object))
            // Other tests make roles meanwhile.
            .filter(|object| !object.starts_with("role ") || object.contains(&database.name))
            .collect();
        // An extension is about everything at once.
        if *check == "graphql-exposed" {
            assert!(
                new.iter().any(|object| objects.contains(&object.as_str())),
                "{new:?}"
            );
        } else {
            assert_eq!(new, objects, "{check}: {sql}");
        }
    }
}

/// Where a role of one's own may be anybody.
fn tool(database: &Database, check: &str) -> Tool {
    let tool = Tool::new().on(database);
    if check == "low-trust-bypasses-rls" {
        std::fs::create_dir_all(tool.path().join("database/policies")).unwrap();
        let config = format!("low_trust = [\"{}_anybody\"]\n", database.name);
        tool.write("database/policies/audit.toml", config);
    }
    tool
}

#[test]
fn code_of_others_is_found() {
    are_found(CODE);
}

#[test]
fn what_is_trusted_more_is_no_finding() {
    let database = clean();
    // Whoever owns the code may become the owner of the table, or is a superuser.
    database.sql(
        &"create role DB_owner; create role DB_chief; grant DB_owner to DB_chief;
          create function app.f(int) returns int language sql immutable set search_path = '' as 'select 1';
          create function app.g(int) returns int language sql immutable set search_path = '' as 'select 1';
          create function app.h(int) returns int language sql immutable set search_path = '' as 'select 1';
          create table app.t (a int default app.f(1) check (app.g(a) > 0), b int default app.h(1));
          alter function app.f owner to DB_owner; alter function app.g owner to DB_chief;
          alter table app.t owner to DB_owner;
          create extension citext schema app; create table app.c (a app.citext check (a <> 'x'))"
            .replace("DB", &database.name),
    );
    let tool = Tool::new().on(&database);
    assert!(found(&tool, "untrusted-code").is_empty());
}

#[test]
fn open_tables_are_found() {
    are_found(TABLES);
}

#[test]
fn views_past_policies_are_found() {
    are_found(VIEWS);
}

#[test]
fn functions_that_do_too_much_are_found() {
    are_found(FUNCTIONS);
}

#[test]
fn rights_nobody_should_have_are_found() {
    are_found(GRANTS);
}

#[test]
fn policies_that_do_not_hold_or_are_slow_are_found() {
    are_found(POLICIES);
}

#[test]
fn what_splinter_finds_in_a_schema_is_found() {
    are_found(HYGIENE);
}

#[test]
fn every_check_has_a_planted_fault() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("database/queries/audit");
    let files: BTreeSet<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| {
            path.file_stem()
                .unwrap()
                .to_str()
                .unwrap()
                .replace('_', "-")
        })
        .collect();
    let planted: BTreeSet<String> = all().map(|Plant(check, ..)| (*check).to_owned()).collect();
    assert_eq!(files, planted);
}
