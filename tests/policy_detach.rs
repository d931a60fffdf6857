//! Policies that are taken off while a column changes, and made again.

use std::io::{BufRead, BufReader};

use insta::assert_snapshot;

use crate::support::version::since;
use crate::support::{Database, Tool};

/// Two tables, policies on both that use a column of the first, and one that does not.
pub const SHOP: &str = "
    create table shelf (id int primary key, owner text, state text);
    create table label (id int primary key, shelf int, owner text);
    alter table shelf enable row level security;
    alter table label enable row level security;
    create policy open on shelf for select using (state = 'open');
    create policy own on shelf to postgres using (owner = current_user) with check (owner = current_user);
    create policy sober on shelf as restrictive for delete using (state <> 'drunk');
    create policy through on label for select using (exists (select from shelf s where s.id = label.shelf and s.state = 'open'));
    create policy alone on label for insert with check (owner = current_user);
    comment on policy open on shelf is 'it''s open to all';";

/// Everything about the policies there are.
pub const POLICIES: &str = "
    set search_path = pg_catalog;
    select polrelid::regclass || '.' || polname, polcmd, polpermissive, polroles, pg_get_expr(polqual, polrelid),
        pg_get_expr(polwithcheck, polrelid), obj_description(oid, 'pg_policy')
    from pg_policy
    order by 1";

fn shop() -> (Database, Tool) {
    let database = Database::migrated();
    database.sql(SHOP);
    let tool = Tool::new().on(&database);
    (database, tool)
}

#[test]
fn takes_off_what_stands_in_the_way_and_puts_it_back_as_it_was() {
    let (database, tool) = shop();
    let before = database.sql(POLICIES);
    let alter = "alter table shelf alter state type varchar(9)";
    assert_snapshot!(database.refusal(alter), @"cannot alter type of a column used in a policy definition");
    assert_snapshot!(tool.run(&["policy", "detach", "shelf", "--yes"]), @"
    -- stdout
    TABLE  NAME  COMMAND  ROLES
    label  through  select  public
    shelf  open  select  public
    shelf  own  all  postgres
    shelf  sober  delete  public
    -- stderr
    -> (url)  SOCKET/DB as postgres
    detached 4 policies; `toysoldiers policy attach shelf` makes them again
    -- exit 0
    ");
    assert_eq!(
        database.sql("select tablename || '.' || policyname from pg_policies"),
        ["label.alone"]
    );
    assert_eq!(
        database.value(
            "select bool_and(relrowsecurity) from pg_class where relname in ('shelf', 'label')"
        ),
        "t"
    );
    database.sql(alter);
    database.sql("alter table shelf alter state type text");
    assert_snapshot!(tool.run(&["policy", "list"]), @"
    -- stdout
    TABLE  NAME  COMMAND  ROLES  KIND  USING  CHECK
    label  alone  insert  public  permissive  -  (owner = CURRENT_USER)
    -- stderr
    -> (url)  SOCKET/DB as postgres
    1 policy
    besides, 4 policies are detached because of shelf; `toysoldiers policy attach shelf` makes them again
    -- exit 0
    ");
    assert_snapshot!(tool.run(&["policy", "attach", "shelf"]), @"
    -- stdout
    TABLE  NAME  COMMAND  ROLES  OUTCOME
    label  through  select  public  attached
    shelf  open  select  public  attached
    shelf  own  all  postgres  attached
    shelf  sober  delete  public  attached
    -- stderr
    -> (url)  SOCKET/DB as postgres
    attached 4 policies
    -- exit 0
    ");
    assert_eq!(database.sql(POLICIES), before);
    assert_eq!(
        database.value("select count(*) from toysoldiers.detached"),
        "0"
    );
    assert_snapshot!(
        database.sql("select action || ' ' || details from toysoldiers.audit_log order by id").join("\n"), @r#"
    policy detach {"policies": ["public.label.through", "public.shelf.open", "public.shelf.own", "public.shelf.sober"], "relation": "public.shelf"}
    policy attach {"attached": ["public.label.through", "public.shelf.open", "public.shelf.own", "public.shelf.sober"], "relation": "public.shelf", "forgotten": []}
    "#);
    assert_snapshot!(tool.run(&["policy", "attach", "shelf"]), @"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    nothing to do: no policy is detached because of shelf
    -- exit 0
    ");
}

#[test]
fn of_a_column_only_what_uses_it_goes() {
    let (_database, tool) = shop();
    assert_snapshot!(tool.run(&["policy", "detach", "shelf", "--column", "owner", "--dry-run"]), @"
    -- stdout
    plan: detach 2 policies of shelf
      drop policy through on label  (select for public; it reads shelf, of which less is seen meanwhile)
      drop policy own on shelf  (all for postgres; it reads shelf.owner)
      keep row-level security as it is  (until `toysoldiers policy attach shelf`, those bound by it see only what is left to them; nobody sees more, unless a policy that stays asks a function that reads it)
    -- stderr
    -> (url)  SOCKET/DB as postgres
    dry run: nothing was changed
    -- exit 0
    ");
    assert_snapshot!(tool.run(&["policy", "detach", "shelf", "--column", "stat", "--dry-run"]), @"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    error: shelf has no column stat
      note: nothing was changed
      hint: did you mean state?
    -- exit 6
    ");
    assert_snapshot!(tool.run(&["policy", "detach", "label", "--column", "id", "--yes"]), @"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    nothing to do: no policy is in the way of changing label
    -- exit 0
    ");
}

#[test]
fn nobody_is_let_in_while_what_keeps_out_is_gone() {
    if !since(15) {
        return;
    }
    let database = Database::migrated();
    database.sql(
        "create table club (id int, name text, banned boolean);
         create table list (id int);
         create table far (id int);
         create policy members on club using (true);
         create policy banned on club as restrictive using (not banned);
         create policy unlisted on list using (not exists (select from club c where c.id = list.id));
         create policy further on far using (not exists (select from list l where l.id = far.id));
         create policy near on far using (id > 0);
         create view seen with (security_invoker) as select id from club;
         create view known as select id from club;
         create table door (id int);
         create policy unseen on door using (not exists (select from seen s where s.id = door.id));
         create policy unknown on door using (not exists (select from known k where k.id = door.id))",
    );
    let tool = Tool::new().on(&database);
    assert_snapshot!(tool.run(&["policy", "detach", "club", "--column", "banned", "--yes", "--dry-run"]), @"
    -- stdout
    plan: detach 5 policies of club
      drop policy banned on club  (restrictive, all for public; it reads club.banned)
      drop policy members on club  (all for public; what keeps out beside it is gone meanwhile)
      drop policy unseen on door  (all for public; it reads club, of which less is seen meanwhile)
      drop policy further on far  (all for public; it reads list, of which less is seen meanwhile)
      drop policy unlisted on list  (all for public; it reads club, of which less is seen meanwhile)
      keep row-level security as it is  (until `toysoldiers policy attach club`, those bound by it see only what is left to them; nobody sees more, unless a policy that stays asks a function that reads it)
    -- stderr
    -> (url)  SOCKET/DB as postgres
    dry run: nothing was changed
    -- exit 0
    ");
}

#[test]
fn nobody_is_let_in_by_the_order_in_which_policies_come_back() {
    let database = Database::migrated();
    database.sql(
        "create table club (id int);
         create table list (id int);
         create policy members on club using (true);
         create policy unlisted on list using (not exists (select from club c where c.id = list.id))",
    );
    let before = database.sql(POLICIES);
    let tool = Tool::new().on(&database);
    tool.run(&["policy", "detach", "list", "--yes"]).ok();
    tool.run(&["policy", "detach", "club", "--yes"]).ok();
    assert_snapshot!(tool.run(&["policy", "attach", "list"]), @"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    error: policy unlisted on list would let in more than it did: policy members on club is detached because of club
      note: nothing was changed
      hint: run `toysoldiers policy attach club` first
      hint: or declare all of them in database/policies, and run `toysoldiers policy apply`
    -- exit 6
    ");
    assert_eq!(database.value("select count(*) from pg_policies"), "0");
    tool.run(&["policy", "attach", "club"]).ok();
    tool.run(&["policy", "attach", "list"]).ok();
    assert_eq!(database.sql(POLICIES), before);
}

#[test]
fn a_dropped_column_is_told_with_the_policy_that_wants_it() {
    let (database, tool) = shop();
    tool.run(&["policy", "detach", "shelf", "--yes"]).ok();
    database.sql("alter table shelf drop column state");
    assert_snapshot!(tool.run(&["policy", "attach", "shelf"]), @r#"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    error: policy through on label cannot be made again
      caused by: column s.state does not exist
      note: create policy "through" on "public"."label" as permissive for select to public using ((EXISTS ( SELECT
               FROM public.shelf s
              WHERE ((s.id = label.shelf) AND (s.state = 'open'::text)))))
      note: nothing was changed; all of them are still detached
      hint: declare it in database/policies as it has to be now, and run `toysoldiers policy apply`
      hint: then give up the detached one: `toysoldiers policy attach shelf --forget through`
    -- exit 1
    "#);
    assert_eq!(database.value("select count(*) from pg_policies"), "1");
    assert_snapshot!(tool.run(&["policy", "attach", "shelf", "--forget", "opn"]), @"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    error: no policy opn is detached because of shelf
      note: nothing was changed
      hint: did you mean open?
    -- exit 6
    ");
    // One was made otherwise by now.
    database.sql("create policy through on label using (true)");
    assert_snapshot!(tool.run(&[
        "policy", "attach", "shelf", "--forget", "open", "--forget", "sober", "--yes"
    ]), @r#"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    error: there is a policy through on label by now that says something else
      note: detached was: create policy "through" on "public"."label" as permissive for select to public using ((EXISTS ( SELECT
               FROM public.shelf s
              WHERE ((s.id = label.shelf) AND (s.state = 'open'::text)))))
      note: there is now: create policy "through" on "public"."label" as permissive for all to public using (true)
      note: nothing was changed
      hint: drop it to have the detached one again
      hint: or give that up with `toysoldiers policy attach shelf --forget through`
    -- exit 6
    "#);
    let forget = ["through", "open", "sober"].map(|name| ["--forget", name]);
    tool.run(&[&["policy", "attach", "shelf", "--yes"], &*forget.concat()].concat())
        .ok();
    assert_eq!(
        database.sql("select tablename || '.' || policyname from pg_policies order by 1"),
        ["label.alone", "label.through", "shelf.own"]
    );
    assert_eq!(
        database.value("select count(*) from toysoldiers.detached"),
        "0"
    );
}

#[test]
fn what_is_detached_again_is_kept_as_it_is_now() {
    let (database, tool) = shop();
    tool.run(&["policy", "detach", "shelf", "--column", "owner", "--yes"])
        .ok();
    database.sql("create policy own on shelf using (owner = 'me')");
    assert_snapshot!(tool.run(&["policy", "detach", "shelf", "--column", "owner", "--yes"]), @"
    -- stdout
    TABLE  NAME  COMMAND  ROLES
    shelf  own  all  public
    -- stderr
    -> (url)  SOCKET/DB as postgres
    plan: detach 1 policy of shelf
      drop policy own on shelf  (all for public; it reads shelf.owner)
          an older one of this name, detached before, is forgotten
      keep row-level security as it is  (until `toysoldiers policy attach shelf`, those bound by it see only what is left to them; nobody sees more, unless a policy that stays asks a function that reads it)
    detached 1 policy; `toysoldiers policy attach shelf` makes it again
    -- exit 0
    ");
    tool.run(&["policy", "attach", "shelf"]).ok();
    assert_eq!(
        database
            .value("select pg_get_expr(polqual, polrelid) from pg_policy where polname = 'own'"),
        "(owner = 'me'::text)"
    );
}

#[test]
fn partitions_have_policies_of_their_own() {
    let database = Database::migrated();
    database.sql(
        "create table part (id int, state text) partition by range (id);
         create table part_1 partition of part for values from (1) to (9);
         create policy whole on part using (state = 'a');
         create policy piece on part_1 using (state = 'b')",
    );
    let tool = Tool::new().on(&database);
    let before = database.sql(POLICIES);
    assert_snapshot!(tool.run(&["policy", "detach", "part", "--column", "state", "--yes"]), @"
    -- stdout
    TABLE  NAME  COMMAND  ROLES
    part  whole  all  public
    part_1  piece  all  public
    -- stderr
    -> (url)  SOCKET/DB as postgres
    detached 2 policies; `toysoldiers policy attach part` makes them again
    -- exit 0
    ");
    database.sql("alter table part alter state type varchar(9)");
    database.sql("alter table part alter state type text");
    tool.run(&["policy", "attach", "public.part"]).ok();
    assert_eq!(database.sql(POLICIES), before);
}

#[test]
fn refuses_what_is_not_there() {
    let database = Database::migrated();
    let tool = Tool::new().on(&database);
    assert_snapshot!(tool.run(&["policy", "detach", "contnet"]), @"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    error: there is no table contnet in this database
      note: nothing was changed
      hint: did you mean content?
    -- exit 6
    ");
    assert_snapshot!(tool.run(&["policy", "detach", "a b"]), @"
    -- stderr
    error: invalid value 'a b' for '<TABLE>': `a b` names no table: write it as in SQL, `content` or `public.content`

    For more information, try '--help'.
    -- exit 2
    ");
    assert_snapshot!(tool.run(&["policy", "attach", "nowhere"]), @r"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    error: there is no table nowhere in this database
      note: nothing was changed
      hint: see the tables with `toysoldiers psql -c '\d'`
    -- exit 6
    ");
    assert_snapshot!(tool.run(&["policy", "detach", "tips"]), @"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    nothing to do: no policy is in the way of changing tips
    -- exit 0
    ");
    let empty = Database::empty();
    assert_snapshot!(Tool::new().on(&empty).run(&["policy", "detach", "tips"]), @"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    error: this database was not set up by toysoldiers: it cannot record who changed what
      note: nothing was changed
      hint: run `toysoldiers migrate up` first
    -- exit 6
    ");
}

#[test]
fn asks_and_in_a_protected_environment_wants_its_name() {
    let (database, tool) = shop();
    assert_snapshot!(tool.run(&["policy", "detach", "shelf", "--column", "owner"]), @"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    error: cannot detach 2 policies of shelf without a yes: there is no terminal to ask on
      hint: agree with `--yes`
    -- exit 6
    ");
    let tool = Tool::new().hiding(&database);
    tool.write(
        "toysoldiers.toml",
        format!(
            "default_env = \"shop\"\n[env.shop]\nurl = \"{}\"\nprotected = true\n",
            database.url()
        ),
    );
    assert_snapshot!(tool.run(&["policy", "detach", "shelf", "--column", "owner", "--yes"]), @"
    -- stderr
    -> shop  SOCKET/DB as postgres  PROTECTED
    error: cannot detach 2 policies of shelf without a confirmation: there is no terminal to ask on
      hint: confirm with `--confirm shop`
    -- exit 6
    ");
    tool.run(&[
        "policy",
        "detach",
        "shelf",
        "--column",
        "owner",
        "--confirm",
        "shop",
    ])
    .ok();
    assert_snapshot!(tool.run(&["policy", "attach", "shelf"]), @"
    -- stderr
    -> shop  SOCKET/DB as postgres  PROTECTED
    error: cannot attach 2 policies of shelf without a yes: there is no terminal to ask on
      hint: agree with `--yes`
    -- exit 6
    ");
    tool.run(&["policy", "attach", "shelf", "--yes"]).ok();
}

#[test]
fn a_reader_is_waited_for_and_told_of() {
    let (database, tool) = shop();
    let holder = database.session("begin; select * from shelf");
    let mut runner = tool.spawn(&["policy", "detach", "shelf", "--yes"]);
    let mut lines = BufReader::new(runner.stderr.take().unwrap())
        .lines()
        .map(Result::unwrap);
    let again = lines
        .by_ref()
        .find(|line| line.contains("trying again"))
        .unwrap();
    assert!(
        again.starts_with("detaching policies of shelf: canceling statement due to lock timeout"),
        "{again}"
    );
    // While it is not at it, others are not in its way either.
    database.sql("select * from shelf");
    holder.sql("commit");
    assert!(lines.any(|line| line.starts_with("detached 4 policies")));
    assert!(runner.wait().unwrap().success());
}

#[test]
fn a_reader_that_stays_is_named_and_nothing_is_kept() {
    let (database, tool) = shop();
    let _holder = database.session("begin; select * from shelf");
    let refused = tool.run(&["policy", "detach", "shelf", "--yes", "--retry-for", "0"]);
    let text = refused.code(6).to_string();
    assert!(
        text.contains(
            "error: others are in the way\n  caused by: canceling statement due to lock timeout"
        ),
        "{text}"
    );
    assert!(text.contains("note: nothing was changed"), "{text}");
    assert_eq!(
        database.value("select count(*) from toysoldiers.detached"),
        "0"
    );
    assert_eq!(database.value("select count(*) from pg_policies"), "5");
}

/// A table, a policy and a role that mind their names.
pub const ODD: &str = "
    create table \"O'dd, $1 ta\\ble\" (id int, \"co'l\" text);
    create policy \"it's \"\"%s\"\" \\\" on \"O'dd, $1 ta\\ble\" to current_user using (\"co'l\" = 'a''b\\c%');
    comment on policy \"it's \"\"%s\"\" \\\" on \"O'dd, $1 ta\\ble\" is 'it''s \\ %I'";

#[test]
fn names_may_be_odd() {
    let database = Database::migrated();
    database.sql(ODD);
    let before = database.sql(POLICIES);
    let tool = Tool::new().on(&database);
    tool.run(&[
        "policy",
        "detach",
        "\"O'dd, $1 ta\\ble\"",
        "--column",
        "co'l",
        "--yes",
    ])
    .ok();
    assert_eq!(database.value("select count(*) from pg_policies"), "0");
    tool.run(&["policy", "attach", "public.\"O'dd, $1 ta\\ble\""])
        .ok();
    assert_eq!(database.sql(POLICIES), before);
}
