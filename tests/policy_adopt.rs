//! `policy adopt`: what a database has of policies and rights is written into the files, and then nothing differs.

use insta::assert_snapshot;

use crate::policy::with;
use crate::support::{Database, Tool};

const TABLE: &str =
    "create table t (id int, owner uuid, secret text); alter table t enable row level security;
    revoke all on t from public, anon, authenticated, service_role;";

fn text(tool: &Tool, name: &str) -> String {
    std::fs::read_to_string(tool.path().join("database").join(name)).unwrap()
}

#[test]
#[allow(clippy::too_many_lines, reason = "transcripts are long")]
fn all_that_files_can_declare_is_written() {
    let (database, tool) = with(
        &format!(
            "{TABLE} alter table t force row level security;
             grant select on t to anon; grant update (secret, \"id\") on t to authenticated; grant select, delete, truncate on t to service_role;
             grant select on t to authenticated with grant option;
             create policy \"Own rows\" on t as restrictive for update to authenticated, anon using (owner = (select app.current_user_id()))
                 with check (secret <> 'it''s; \"a\"' and id > 0);
             create policy everybody on t for select using (true); comment on policy everybody on t is 'it''s open';
             create schema s; create table s.\"T\" (id serial, big int generated always as identity); grant insert on s.\"T\" to anon;
             grant usage on sequence s.\"T_id_seq\" to anon; create sequence free; grant select on sequence free to anon;
             create view v with (security_barrier) as select 1 as one; grant select on v to anon;
             create function f(a int, variadic b text[]) returns int language sql as 'select 1';
             revoke all on function f(int, text[]) from public; grant execute on function f(int, text[]) to anon;
             create function plain() returns int language sql as 'select 1';
             create table closed (id int)"
        ),
        &[(
            "t.sql",
            "-- by hand\nalter table t enable row level security;\ngrant select on t to anon",
        )],
    );
    assert_snapshot!(tool.run(&["policy", "adopt", "t", "--dry-run"]), @r#"
    -- stdout
    plan: declare what t has in database/policies
      add to database/policies/t.sql  (7 statements)
          + ;
          + grant update (id, secret) on table public.t to authenticated;
          + grant select, delete, truncate on table public.t to service_role;
          + grant select on table public.t to authenticated with grant option;
          + alter table public.t force row level security;
          + create policy "Own rows" on public.t
          +  as restrictive
          +  for update
          +  to anon, authenticated
          +  using (owner = ( select app.current_user_id() as current_user_id))
          +  with check ((secret <> 'it''s; "a"'::text) and (id > 0));
          + create policy everybody on public.t
          +  for select
          +  to public
          +  using (true);
          + comment on policy everybody on public.t is 'it''s open';
    -- stderr
    -> (url)  SOCKET/DB as postgres
    dry run: nothing was changed
    -- exit 0
    "#);
    tool.run(&["policy", "adopt", "--yes"]).ok();
    assert_snapshot!(text(&tool, "policies/t.sql"), @r#"
    -- by hand
    alter table t enable row level security;
    grant select on t to anon
    ;

    grant update (id, secret) on table public.t to authenticated;
    grant select, delete, truncate on table public.t to service_role;
    grant select on table public.t to authenticated with grant option;

    alter table public.t force row level security;

    create policy "Own rows" on public.t
      as restrictive
      for update
      to anon, authenticated
      using (owner = ( select app.current_user_id() as current_user_id))
      with check ((secret <> 'it''s; "a"'::text) and (id > 0));

    create policy everybody on public.t
      for select
      to public
      using (true);

    comment on policy everybody on public.t is 'it''s open';
    "#);
    assert_snapshot!(text(&tool, "policies/s.T.sql"), @r#"
    grant insert on table s."T" to anon;
    grant usage on sequence s."T_id_seq" to anon;
    "#);
    assert_snapshot!(text(&tool, "policies/free.sql"), @"grant select on sequence public.free to anon;");
    assert_snapshot!(text(&tool, "policies/v.sql"), @"
    grant select on table public.v to anon;

    alter view public.v set (security_barrier = true);
    ");
    assert_snapshot!(text(&tool, "policies/functions.sql"), @"
    revoke all on routine app.current_creator_id() from public;
    grant execute on routine app.current_creator_id() to anon;
    grant execute on routine app.current_creator_id() to authenticated;
    grant execute on routine app.current_creator_id() to service_role;

    revoke all on routine app.current_user_id() from public;
    grant execute on routine app.current_user_id() to anon;
    grant execute on routine app.current_user_id() to authenticated;
    grant execute on routine app.current_user_id() to service_role;

    revoke all on routine app.get_comments(uuid) from public;
    grant execute on routine app.get_comments(uuid) to anon;
    grant execute on routine app.get_comments(uuid) to authenticated;

    revoke all on routine app.get_content(uuid) from public;
    grant execute on routine app.get_content(uuid) to anon;
    grant execute on routine app.get_content(uuid) to authenticated;

    revoke all on routine app.may_comment(uuid) from public;
    grant execute on routine app.may_comment(uuid) to authenticated;

    revoke all on routine app.my_payout_account() from public;
    grant execute on routine app.my_payout_account() to authenticated;

    revoke all on routine app.search_content(text[],integer,timestamp with time zone,uuid) from public;
    grant execute on routine app.search_content(text[],integer,timestamp with time zone,uuid) to anon;
    grant execute on routine app.search_content(text[],integer,timestamp with time zone,uuid) to authenticated;

    revoke all on routine app.touch_updated_at() from public;

    revoke all on routine public.f(integer,text[]) from public;
    grant execute on routine public.f(integer,text[]) to anon;
    ");
    assert!(!tool.path().join("database/policies/closed.sql").exists());
    tool.run(&["policy", "status", "--check"]).ok();
    let again = tool.run(&["policy", "adopt", "--yes"]).ok();
    assert!(again.stderr.contains("nothing to declare"), "{again}");
    drop(database);
}

#[test]
fn what_files_say_otherwise_stays_as_it_is_written() {
    let file = "alter table t enable row level security;\n\
        create policy p on t for select to anon using (id > 1);\n\
        grant select, insert on t to anon;\n";
    let (_database, tool) = with(
        &format!(
            "{TABLE} create policy p on t for select to anon using (id > 0); grant select, delete on t to anon;
             create table off (id int); create policy q on off for select to anon using (true)"
        ),
        &[("t.sql", file)],
    );
    assert_snapshot!(tool.run(&["policy", "adopt", "t", "--yes"]), @"
    -- stdout
    FILE  NEW  STATEMENTS
    database/policies/t.sql  no  1
    -- stderr
    -> (url)  SOCKET/DB as postgres
    plan: declare what t has in database/policies
      add to database/policies/t.sql  (1 statement)
          + grant delete on table public.t to anon;
    declared: 1 statement in 1 file (database/policies); 3 differences left: `toysoldiers policy status`
    -- exit 0
    ");
    assert_eq!(
        text(&tool, "policies/t.sql"),
        format!("{file}\ngrant delete on table public.t to anon;\n")
    );
    let off = tool.run(&["policy", "adopt", "off", "--yes"]).ok();
    assert!(off.stderr.contains("nothing to declare"), "{off}");
    assert!(
        off.stderr
            .contains("not declared: policy q on off: row-level security of the table is off"),
        "{off}"
    );
}

#[test]
fn policies_on_tables_of_supabase_are_found_wherever_they_are() {
    let (_database, tool) = with(
        "create schema storage; create table storage.objects (bucket_id text, name text, owner uuid);
         alter table storage.objects enable row level security; grant insert on storage.objects to anon;
         create policy anyone on storage.objects for insert to anon with check (true);
         create table storage.buckets (id text); grant all on storage.buckets to anon",
        &[("t.sql", "")],
    );
    std::fs::remove_file(tool.path().join("database/policies/t.sql")).unwrap();
    tool.run(&["policy", "adopt", "--yes"]).ok();
    assert_snapshot!(text(&tool, "policies/storage.objects.sql"), @"
    grant insert on table storage.objects to anon;

    alter table storage.objects enable row level security;

    create policy anyone on storage.objects
      for insert
      to anon
      with check (true);
    ");
    assert!(
        !tool
            .path()
            .join("database/policies/storage.buckets.sql")
            .exists()
    );
    tool.run(&["policy", "status", "--check"]).ok();
}

/// A platform that was built by hand is taken over in three commands.
#[test]
fn a_platform_built_by_hand_is_taken_over() {
    // Its roles are there once any database is migrated.
    drop(Database::migrated());
    let database = Database::empty();
    database.sql(
        "create table authors (id int primary key, name text not null);
         create table books (id int primary key, author int references authors, title text, price numeric);
         create index books_author on books (author); create index books_title on books (lower(title));
         create function label(b books) returns text immutable language sql as $$ select b.title $$;
         create index books_label on books (label(books));
         alter table books enable row level security;
         create policy cheap on books for select to anon using (price < 10);
         create policy own on books to authenticated using (author = (select id from authors limit 1));
         grant select on books, authors to anon, authenticated; grant update (title) on books to authenticated",
    );
    let tool = Tool::new().on(&database);
    let file = "database/migrations/001_platform.sql";
    std::fs::create_dir_all(tool.path().join("database/migrations")).unwrap();
    tool.run(&["migrate", "dump", "--file", file]).ok();
    // Its roles are on its own server.
    tool.run(&[
        "migrate",
        "baseline",
        "--yes",
        "--scratch-url",
        &database.url(),
    ])
    .ok();
    tool.run(&["policy", "adopt", "--yes"]).ok();
    tool.run(&["index", "adopt", "--yes"]).ok();
    tool.run(&["status", "--check"]).ok();
    tool.run(&["deploy", "--dry-run"]).ok();
    // And the files make the same of an empty one.
    let other = Database::empty();
    let there = Tool::new().on(&other);
    for folder in ["migrations", "policies", "indexes"] {
        let from = tool.path().join("database").join(folder);
        for entry in std::fs::read_dir(from).unwrap() {
            let entry = entry.unwrap();
            let name = format!("database/{folder}/{}", entry.file_name().to_str().unwrap());
            there.write(&name, std::fs::read(entry.path()).unwrap());
        }
    }
    there.run(&["deploy", "--yes"]).ok();
    there.run(&["status", "--check"]).ok();
}

#[test]
fn line_ends_within_a_text_stay_as_they_are() {
    let (database, tool) = with(
        &format!(
            "{TABLE} create policy p on t for select using (secret <> E'it''s\\r\\none' and secret <> E'a\\\\b\\r\\n' and secret <> E'\\r');
             comment on policy p on t is E'one\\r\\ntwo'; create index i on t (id) where secret <> E'a\\r\\nb'"
        ),
        &[],
    );
    for folder in ["policies", "indexes"] {
        tool.write(&format!("database/{folder}/readme"), "");
    }
    let adopted = tool.run(&["policy", "adopt", "t", "--yes"]).ok();
    assert!(adopted.stderr.contains("as declared"), "{adopted}");
    let status = ["policy", "status", "--check"];
    tool.run(&status).ok();
    tool.run(&["index", "adopt", "i", "--yes"]).ok();
    tool.run(&["index", "status", "--check"]).ok();
    database.sql("alter policy p on t using (secret <> E'it''s\\none' and secret <> E'a\\\\b\\r\\n' and secret <> E'\\r')");
    tool.run(&status).code(3);
}
