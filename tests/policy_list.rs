//! The policies of a database as people read them, and what they come to.

use insta::assert_snapshot;

use crate::support::version::{since, understands};
use crate::support::{Database, Tool};

/// A database with a role of its own for every part that is played.
fn stage() -> (Database, Tool, String) {
    let database = Database::migrated();
    let name = &database.name;
    let (fan, staff) = (format!("fan_{name}"), format!("staff_{name}"));
    database.sql(&format!(
        "create role {staff};
         create role {fan} in role {staff};
         create schema back; create table back.office (id int); grant all on back.office to {fan};
         create schema shop; grant usage on schema shop to {fan};
         create table shop.shelf (id int, owner text, state text);
         alter table shop.shelf enable row level security;
         grant select on shop.shelf to {fan}; grant update (state, owner), insert (id), delete on shop.shelf to {staff};
         create policy open on shop.shelf for select to {fan} using (state = 'open');
         create policy own on shop.shelf to {staff} using (owner = current_user) with check (owner <> 'nobody');
         create policy sober on shop.shelf as restrictive using (state <> 'drunk');
         create policy strange on shop.shelf to postgres using (true);
         create table shop.bare (id int); grant all on shop.bare to {fan};
         create table shop.shut (id int); alter table shop.shut enable row level security; grant select on shop.shut to {fan};
         create view shop.all_of_it as select * from shop.shelf; grant select on shop.all_of_it to {fan};
         create materialized view shop.once as select 1; grant select on shop.once to {fan};
         create function shop.peek(text) returns int language sql security definer as 'select 1';
         create function shop.look(text) returns int language sql as 'select 1'"
    ));
    let mine = format!(
        "create view shop.mine with (security_invoker) as select * from shop.shelf; grant select on shop.mine to {fan}"
    );
    if understands(&mine) {
        database.sql(&mine);
    }
    let tool = Tool::new()
        .on(&database)
        .hide(&fan, "FAN")
        .hide(&staff, "STAFF");
    (database, tool, fan)
}

fn leave(database: &Database) {
    let name = &database.name;
    database.sql(&format!(
        "drop owned by fan_{name}, staff_{name}; drop role fan_{name}, staff_{name}"
    ));
}

#[test]
fn policies_are_listed_as_people_read_them() {
    let (database, tool, _) = stage();
    assert_snapshot!(tool.run(&["policy", "list"]), @"
    -- stdout
    TABLE  NAME  COMMAND  ROLES  KIND  USING  CHECK
    shop.shelf  open  select  FAN  permissive  (state = 'open'::text)  -
    shop.shelf  own  all  STAFF  permissive  (owner = CURRENT_USER)  (owner <> 'nobody'::text)
    shop.shelf  sober  all  public  restrictive  (state <> 'drunk'::text)  -
    shop.shelf  strange  all  postgres  permissive  true  -
    -- stderr
    -> (url)  SOCKET/DB as postgres
    4 policies
    -- exit 0
    ");
    assert_snapshot!(tool.run(&["policy", "list", "--table", "shelf", "-o", "csv"]), @"
    -- stdout
    table,name,command,roles,kind,using,check
    shop.shelf,open,select,FAN,permissive,(state = 'open'::text),
    shop.shelf,own,all,STAFF,permissive,(owner = CURRENT_USER),(owner <> 'nobody'::text)
    shop.shelf,sober,all,public,restrictive,(state <> 'drunk'::text),
    shop.shelf,strange,all,postgres,permissive,true,
    -- stderr
    -> (url)  SOCKET/DB as postgres
    -- exit 0
    ");
    leave(&database);
}

#[test]
fn what_a_role_can_do_is_what_privileges_and_policies_come_to() {
    let (database, tool, fan) = stage();
    let told = tool.run(&["policy", "list", "--as", &fan]).ok();
    let ours: Vec<&str> = told
        .stdout
        .lines()
        .filter(|line| {
            line.contains("shop.") || line.contains("back.") || line.starts_with("TABLE")
        })
        .collect();
    let (of_mine, ours): (Vec<&str>, Vec<&str>) = ours
        .into_iter()
        .partition(|line| line.starts_with("shop.mine "));
    assert_snapshot!(ours.join("\n"), @"
    TABLE  KIND  COMMAND  COLUMNS  ROWS  NEW ROWS
    back.office  table  select  none  -  -
    back.office  table  insert  none  -  -
    back.office  table  update  none  -  -
    back.office  table  delete  none  -  -
    back.office  table  truncate  none  -  -
    shop.all_of_it  view  select  all  as its owner, postgres  -
    shop.all_of_it  view  insert  none  -  -
    shop.all_of_it  view  update  none  -  -
    shop.all_of_it  view  delete  none  -  -
    shop.bare  table  select  all  all  -
    shop.bare  table  insert  all  -  all
    shop.bare  table  update  all  all  all
    shop.bare  table  delete  all  all  -
    shop.bare  table  truncate  all  all  -
    shop.once  materialized view  select  all  all  -
    shop.shelf  table  select  all  ((state = 'open'::text) or (owner = CURRENT_USER)) and (state <> 'drunk'::text)  -
    shop.shelf  table  insert  id  -  (owner <> 'nobody'::text) and (state <> 'drunk'::text)
    shop.shelf  table  update  owner, state  (owner = CURRENT_USER) and (state <> 'drunk'::text)  (owner <> 'nobody'::text) and (state <> 'drunk'::text)
    shop.shelf  table  delete  all  (owner = CURRENT_USER) and (state <> 'drunk'::text)  -
    shop.shelf  table  truncate  none  -  -
    shop.shut  table  select  all  none  -
    shop.shut  table  insert  none  -  -
    shop.shut  table  update  none  -  -
    shop.shut  table  delete  none  -  -
    shop.shut  table  truncate  none  -  -
    shop.peek(text)  function  execute  all  as its owner, postgres  -
    ");
    assert_snapshot!(told.stderr, @"
    -> (url)  SOCKET/DB as postgres
    this is what FAN can do by the policies of each command; those for select are asked too wherever rows are read by update or delete, or returned
    ");
    // What is told is what happens.
    let sees = |relation: &str| {
        database.value(&format!(
            "insert into shop.shelf values (1, 'x', 'open'), (2, 'x', 'shut'), (3, '{fan}', 'drunk'), (4, '{fan}', 'shut');
             set role {fan}; select string_agg(id::text, ',' order by id) from shop.{relation}; reset role; truncate shop.shelf"
        ))
    };
    assert_eq!(sees("shelf"), "1,4");
    assert_eq!(sees("all_of_it"), "1,2,3,4");
    if since(15) {
        assert_snapshot!(of_mine.join("\n"), @"
        shop.mine  view  select  all  as the asker  -
        shop.mine  view  insert  none  -  -
        shop.mine  view  update  none  -  -
        shop.mine  view  delete  none  -  -
        ");
        assert_eq!(sees("mine"), "1,4");
    }
    leave(&database);
}

#[test]
fn programs_get_all_of_it() {
    let (database, tool, fan) = stage();
    let all = tool
        .run(&["policy", "list", "--as", &fan, "-o", "json"])
        .ok()
        .json();
    assert_eq!(all["role"], fan);
    assert_eq!(all["bypasses"], false);
    let of = |table: &str, command: &str| {
        let abilities = all["abilities"].as_array().unwrap().iter();
        let mut found = abilities.filter(|one| {
            one["relation"]["schema"] == "shop"
                && one["relation"]["name"] == table
                && one["command"] == command
        });
        found.next().unwrap().clone()
    };
    assert_eq!(
        of("shelf", "update")["privilege"],
        serde_json::json!(["owner", "state"])
    );
    assert_eq!(of("shelf", "truncate")["privilege"], "none");
    assert_eq!(of("shut", "select")["rows"], "none");
    if since(15) {
        assert_eq!(of("mine", "select")["rows"], "as the asker");
    }
    let list = tool.run(&["policy", "list", "-o", "json"]).ok().json();
    assert_eq!(list["policies"].as_array().unwrap().len(), 4);
    assert_eq!(list["detached"], serde_json::json!([]));
    leave(&database);
}

#[test]
fn who_is_not_bound_sees_everything() {
    let (database, tool, _) = stage();
    let told = tool.run(&["policy", "list", "--as", "postgres"]).ok();
    assert!(
        told.stdout
            .contains("shop.shelf  table  truncate  all  all"),
        "{told}"
    );
    assert_snapshot!(told.stderr, @"
    -> (url)  SOCKET/DB as postgres
    row-level security does not bind postgres
    ");
    leave(&database);
}

#[test]
fn an_unknown_role_is_told_with_the_nearest() {
    let database = Database::migrated();
    let tool = Tool::new().on(&database);
    assert_snapshot!(tool.run(&["policy", "list", "--as", "authentcated"]), @"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    error: there is no role authentcated on this server
      hint: did you mean authenticated?
    -- exit 1
    ");
}

#[test]
fn one_table_may_be_asked_for() {
    let (database, tool, fan) = stage();
    let told = tool
        .run(&["policy", "list", "--as", &fan, "--table", "shop.shut"])
        .ok();
    assert_snapshot!(told.stdout, @"
    TABLE  KIND  COMMAND  COLUMNS  ROWS  NEW ROWS
    shop.shut  table  select  all  none  -
    shop.shut  table  insert  none  -  -
    shop.shut  table  update  none  -  -
    shop.shut  table  delete  none  -  -
    shop.shut  table  truncate  none  -  -
    ");
    let none = tool.run(&["policy", "list", "--table", "bare"]).ok();
    assert_eq!(
        (none.stdout.as_str(), none.stderr.lines().last()),
        ("", Some("0 policies"))
    );
    assert_snapshot!(tool.run(&["policy", "list", "--table", "shlef"]), @"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    error: there is no table shlef in this database
      hint: did you mean shop.shelf?
    -- exit 1
    ");
    leave(&database);
}

#[test]
fn whoever_may_not_read_the_bookkeeping_sees_policies_all_the_same() {
    let (database, tool, _) = stage();
    let name = format!("guest_{}", database.name);
    database.sql(&format!("create role {name} login"));
    let guest = Tool::new().on_as(&database, &name);
    let told = guest.run(&["policy", "list", "-o", "csv"]).ok();
    assert_eq!(told.stdout.lines().count(), 5, "{told}");
    database.sql(&format!(
        "drop role {name}; drop schema toysoldiers cascade"
    ));
    let told = tool.run(&["policy", "list", "-o", "csv"]).ok();
    assert_eq!(told.stdout.lines().count(), 5, "{told}");
    leave(&database);
}

#[test]
fn a_long_expression_is_shown_whole() {
    let database = Database::migrated();
    database.sql(
        "create table shelf (id int, owner text);
         create policy far on shelf using (exists (select from content c where c.title = shelf.owner and c.visibility = 'public'))",
    );
    let tool = Tool::new().on(&database);
    assert_snapshot!(tool.run(&["policy", "list"]), @"
    -- stdout
    TABLE  NAME  COMMAND  ROLES  KIND  USING  CHECK
    shelf  far  all  public  permissive  (EXISTS ( SELECT  -
                                                 FROM public.content c
                                                WHERE ((c.title = shelf.owner) AND (c.visibility = 'public'::text))))
    -- stderr
    -> (url)  SOCKET/DB as postgres
    1 policy
    -- exit 0
    ");
    let mut terminal = tool.terminal_of(&["policy", "list"], 60);
    let drawn = terminal.exp_eof().unwrap().replace('\r', "");
    assert_snapshot!(tool.redact(&drawn), @"
    -> (url)  SOCKET/DB as postgres
    table  shelf
    name  far
    command  all
    roles  public
    kind  permissive
    using  (EXISTS ( SELECT
                FROM public.content c
               WHERE ((c.title = shelf.owner) AND (c.visibility
               = 'public'::text))))
    check  -
    1 policy
    ");
}
