//! `policy test`: a matrix is asked, what is wrong with it is shown, and nothing of it stays.

use std::io::{BufRead, BufReader};

use insta::assert_snapshot;

use crate::guard::configured;
use crate::support::{Database, Tool};

/// Notes that everybody may read if they are public, and whose owners may do what they like with them.
const SCHEMA: &str = "
create schema app;
create function app.me() returns text language sql stable as $$
  select coalesce(
    nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub',
    nullif(current_setting('app.user_id', true), '')
  )
$$;
create table notes (
  id int primary key,
  owner text not null,
  body text not null check (body <> 'bad'),
  open boolean not null default false,
  tags text[] not null default '{}',
  secret text
);
alter table notes enable row level security;
create policy seen on notes for select to ANON, USER using (open or owner = (select app.me()));
create policy added on notes for insert to USER with check (owner = (select app.me()));
create policy changed on notes for update to USER using (owner = (select app.me()));
create policy gone on notes for delete to USER using (owner = (select app.me()));
create view titles as select id, body from notes where open;
create function app.note(wanted int) returns notes language sql stable security definer as $$
  select * from public.notes where id = wanted
$$;
revoke all on function app.note(int) from public;
grant usage on schema app to ANON, USER;
grant execute on function app.me() to ANON, USER;
grant execute on function app.note(int) to USER;
grant select (id, owner, body, open, tags) on notes to ANON, USER;
grant insert, update, delete on notes to USER;
grant select on titles to USER;
insert into notes values (1, 'real', 'there before', true);
";

const MATRIX: &str = r#"
[actors]
anon = { role = "ANON" }
ann = { role = "USER", user = "@notes.closed.owner" }
bob = { role = "USER", user = "bob" }
nobody = { role = "USER" }

[rows.notes]
open = { id = 1001, owner = "ann", body = "o", open = true, tags = ["a \"b\"", "c"] }
closed = { id = 1002, owner = "ann", body = "@@c", open = false }

[[probe]]
table = "notes"
select = "open"
allowed = ["*"]

[[probe]]
table = "notes"
select = "closed"
columns = ["body"]
allowed = ["ann"]
hidden = ["*"]

[[probe]]
table = "notes"
select = { body = "@@c", tags = [] }
allowed = ["ann"]
hidden = ["*"]

[[probe]]
table = "notes"
select = "open"
columns = ["secret"]
no_grant = ["*"]

[[probe]]
table = "notes"
case = "of one's own"
insert = { id = 1003, owner = "@me", body = "x" }
allowed = ["ann", "bob"]
denied = ["nobody"]
no_grant = ["anon"]

[[probe]]
table = "notes"
case = "as ann"
insert = { id = 1003, owner = "@notes.open.owner", body = "x" }
allowed = ["ann"]
no_grant = ["anon"]
denied = ["*"]

[[probe]]
table = "notes"
case = "with a bad body"
insert = { id = 1003, owner = "@me", body = "bad" }
error = ["ann", "bob"]
sqlstate = "23514"
denied = ["nobody"]
no_grant = ["anon"]

[[probe]]
table = "notes"
update = "open"
set = { body = "y" }
allowed = ["ann"]
no_grant = ["anon"]
hidden = ["*"]

[[probe]]
table = "notes"
case = "give away"
update = "open"
set = { owner = "bob" }
denied = ["ann"]
no_grant = ["anon"]
hidden = ["*"]

[[probe]]
table = "notes"
delete = "open"
allowed = ["ann"]
no_grant = ["anon"]
hidden = ["*"]

[[probe]]
table = "notes"
truncate = true
no_grant = ["*"]

[[probe]]
table = "titles"
select = { id = "@notes.open.id" }
no_grant = ["anon"]
allowed = ["*"]

[[probe]]
function = "app.note(1002)"
no_grant = ["anon"]
allowed = ["*"]

[[probe]]
function = "app.note(-1)"
no_grant = ["anon"]
hidden = ["*"]
"#;

/// A database with notes, roles of its own, and a tool in whose folder this matrix is.
fn notes(matrix: &str) -> (Database, Tool) {
    let database = Database::empty();
    let (anon, user) = roles(&database);
    database.sql(&format!("create role {anon}; create role {user}"));
    database.sql(&named(&database, SCHEMA));
    let tool = Tool::new()
        .on(&database)
        .hide(&anon, "ANON")
        .hide(&user, "USER");
    put(&database, &tool, matrix);
    (database, tool)
}

fn roles(database: &Database) -> (String, String) {
    (role(database, "anon"), role(database, "user"))
}

/// Names are equally long whatever the database's number, so that carets are too.
fn role(database: &Database, name: &str) -> String {
    format!("r{:0>5}_{name}", &database.name[1..])
}

/// Roles are the server's: each test has its own.
fn named(database: &Database, text: &str) -> String {
    let (anon, user) = roles(database);
    text.replace("ANON", &anon).replace("USER", &user)
}

fn put(database: &Database, tool: &Tool, matrix: &str) {
    tool.write("database/policies/matrix.toml", named(database, matrix));
}

const TEST: &[&str] = &["policy", "test"];

/// What is said of the matrix with each of these edits.
fn complaints(database: &Database, tool: &Tool, code: &[i32], edits: &[(&str, &str)]) -> String {
    let told = edits.iter().map(|(good, bad)| {
        assert!(MATRIX.contains(good), "{good}");
        put(database, tool, &MATRIX.replacen(good, bad, 1));
        let outcome = tool.run(TEST);
        assert!(
            outcome.code.is_some_and(|found| code.contains(&found)),
            "{outcome}"
        );
        let lines = outcome.stderr.lines();
        let lines: Vec<&str> = lines.filter(|line| !line.starts_with("-> ")).collect();
        lines.join("\n")
    });
    told.collect::<Vec<_>>().join("\n\n")
}

#[test]
fn every_outcome_is_told_from_every_other() {
    let (database, tool) = notes(MATRIX);
    let before = database.sql("select * from notes");
    assert_snapshot!(tool.run(TEST), @"
    -- stdout
    TABLE  CELLS  ALLOWED  HIDDEN  DENIED  NO GRANT  ERROR
    notes  44  11  12  5  14  2
    titles  4  3  0  0  1  0
    app.note  8  3  3  0  2  0
    -- stderr
    -> (url)  SOCKET/DB as postgres
    56 cells as they should be
    -- exit 0
    ");
    assert_snapshot!(tool.run(&["policy", "test", "--matrix"]), @"
    -- stdout
    TABLE  COMMAND  ROW  ANON  ANN  BOB  NOBODY
    notes  select  open  allowed  allowed  allowed  allowed
    notes  select  closed: body  hidden  allowed  hidden  hidden
    notes  select  body = @c, tags = [...]  hidden  allowed  hidden  hidden
    notes  select  open: secret  no grant  no grant  no grant  no grant
    notes  insert  of one's own  no grant  allowed  allowed  denied
    notes  insert  as ann  no grant  allowed  denied  denied
    notes  insert  with a bad body  no grant  error 23514  error 23514  denied
    notes  update  open: body  no grant  allowed  hidden  hidden
    notes  update  give away  no grant  denied  hidden  hidden
    notes  delete  open  no grant  allowed  hidden  hidden
    notes  truncate  no grant  no grant  no grant  no grant
    titles  select  id = 1001  no grant  allowed  allowed  allowed
    app.note  call  1002  no grant  allowed  allowed  allowed
    app.note  call  -1  no grant  hidden  hidden  hidden
    -- stderr
    -> (url)  SOCKET/DB as postgres
    56 cells as they should be
    -- exit 0
    ");
    assert_eq!(database.sql("select * from notes"), before);
}

#[test]
fn a_wrong_cell_is_shown_with_what_it_should_be() {
    let (database, tool) = notes(MATRIX);
    database.sql(&named(
        &database,
        "alter policy seen on notes using (true); revoke insert on notes from USER; grant truncate on notes to ANON",
    ));
    assert_snapshot!(tool.run(TEST), @"
    -- stdout
    TABLE  COMMAND  ROW  ANON  ANN  BOB  NOBODY
    notes  select  closed: body  allowed, not hidden  allowed  allowed, not hidden  allowed, not hidden
    notes  select  body = @c, tags = [...]  allowed, not hidden  allowed  allowed, not hidden  allowed, not hidden
    notes  insert  of one's own  no grant  no grant, not allowed  no grant, not allowed  no grant, not denied
    notes  insert  as ann  no grant  no grant, not allowed  no grant, not denied  no grant, not denied
    notes  insert  with a bad body  no grant  no grant, not error 23514  no grant, not error 23514  no grant, not denied
    notes  truncate  allowed, not no grant  no grant  no grant  no grant

    WRONG  ACTOR  THE SERVER SAYS
    notes, insert, of one's own  ann  permission denied for table notes
    notes, insert, of one's own  bob  permission denied for table notes
    notes, insert, of one's own  nobody  permission denied for table notes
    notes, insert, as ann  ann  permission denied for table notes
    notes, insert, as ann  bob  permission denied for table notes
    notes, insert, as ann  nobody  permission denied for table notes
    notes, insert, with a bad body  ann  permission denied for table notes
    notes, insert, with a bad body  bob  permission denied for table notes
    notes, insert, with a bad body  nobody  permission denied for table notes
    -- stderr
    -> (url)  SOCKET/DB as postgres
    16 of 56 cells wrong
    -- exit 3
    ");
}

#[test]
fn who_asks_can_be_said_in_two_ways() {
    let (database, tool) = notes(MATRIX);
    database.sql(
        "create or replace function app.me() returns text language sql stable as
         $$ select nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub' $$",
    );
    assert_snapshot!(tool.run(TEST), @r#"
    -- stdout
    TABLE  COMMAND  ROW  ANON  ANN  BOB  NOBODY
    notes  select  closed: body  hidden  allowed by claims; hidden, not allowed by setting  hidden  hidden
    notes  select  body = @c, tags = [...]  hidden  allowed by claims; hidden, not allowed by setting  hidden  hidden
    notes  insert  of one's own  no grant  allowed by claims; denied, not allowed by setting  allowed by claims; denied, not allowed by setting  denied
    notes  insert  as ann  no grant  allowed by claims; denied, not allowed by setting  denied  denied
    notes  insert  with a bad body  no grant  error 23514 by claims; denied, not error 23514 by setting  error 23514 by claims; denied, not error 23514 by setting  denied
    notes  update  open: body  no grant  allowed by claims; hidden, not allowed by setting  hidden  hidden
    notes  update  give away  no grant  denied by claims; hidden, not denied by setting  hidden  hidden
    notes  delete  open  no grant  allowed by claims; hidden, not allowed by setting  hidden  hidden

    WRONG  ACTOR  THE SERVER SAYS
    notes, insert, of one's own  ann  new row violates row-level security policy for table "notes"
    notes, insert, of one's own  bob  new row violates row-level security policy for table "notes"
    notes, insert, as ann  ann  new row violates row-level security policy for table "notes"
    notes, insert, with a bad body  ann  new row violates row-level security policy for table "notes"
    notes, insert, with a bad body  bob  new row violates row-level security policy for table "notes"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    10 of 56 cells wrong
    -- exit 3
    "#);
    tool.run(&["policy", "test", "--identity", "claims"]).ok();
    tool.run(&["policy", "test", "--identity", "setting"])
        .code(3);
}

#[test]
fn programs_get_a_record_a_cell() {
    let (database, tool) = notes(MATRIX);
    database.sql("alter policy gone on notes using (true)");
    let json = tool.run(&["policy", "test", "-o", "json"]).code(3).json();
    assert_eq!(json["cells"].as_array().unwrap().len(), 14 * 4);
    assert_eq!(json["wrong"], 2);
    assert_eq!(json["mutants"], serde_json::json!([]));
    let csv = tool.run(&["policy", "test", "-o", "csv"]).code(3).stdout;
    let wrong: Vec<&str> = csv
        .lines()
        .filter(|line| line.contains(",false,"))
        .collect();
    assert_snapshot!(format!("{}\n{}", csv.lines().next().unwrap(), wrong.join("\n")), @"
    table,command,row,actor,identity,expected,found,right,message
    notes,delete,open,bob,both,hidden,allowed,false,
    notes,delete,open,nobody,both,hidden,allowed,false,
    ");
}

#[test]
fn weaker_policies_are_noticed() {
    let (database, tool) = notes(MATRIX);
    let before = database.sql("select * from pg_policies");
    assert_snapshot!(tool.run(&["policy", "test", "--mutate", "-q"]).ok().stderr, @"");
    assert_eq!(database.sql("select * from pg_policies"), before);
}

#[test]
fn weaker_policies_that_nobody_notices_are_told() {
    let matrix = MATRIX
        .replace(
            "[[probe]]\ntable = \"notes\"\ncase = \"give away\"",
            "[[probe]]\ntable = \"notes\"\ncase = \"no\"",
        )
        .replace(
            "set = { owner = \"bob\" }\ndenied = [\"ann\"]",
            "set = { body = \"z\" }\nallowed = [\"ann\"]",
        );
    let (database, tool) = notes(&matrix);
    database.sql(&named(
        &database,
        "create policy slow on notes as restrictive for select to USER using (id > 0)",
    ));
    assert_snapshot!(tool.run(&["policy", "test", "--mutate"]), @"
    -- stdout
    TABLE  CELLS  ALLOWED  HIDDEN  DENIED  NO GRANT  ERROR
    notes  44  12  12  4  14  2
    titles  4  3  0  0  1  0
    app.note  8  3  3  0  2  0

    NOT NOTICED  POLICY  CHANGE
    notes  changed  with check (true)
    notes  slow  dropped
    -- stderr
    -> (url)  SOCKET/DB as postgres
    56 cells as they should be; 11 weaker policies, 2 not noticed
    -- exit 3
    ");
}

#[test]
fn actors_and_rows_that_make_no_sense_are_refused_where_they_stand() {
    let (database, tool) = notes(MATRIX);
    let told = complaints(
        &database,
        &tool,
        &[4],
        &[
            ("[actors]", "[actor]"),
            ("role = \"ANON\" }", "rol = \"ANON\" }"),
            ("anon = { role = \"ANON\" }", "anon = 3"),
            ("@notes.closed.owner", "@notes.close.owner"),
            ("@notes.closed.owner", "@notes.closed.ownr"),
            ("@notes.closed.owner", "@notes"),
            ("@notes.closed.owner", "@me"),
            ("body = \"o\"", "body = \"@notes.open.body\""),
            ("body = \"o\"", "body = { a = 1 }"),
        ],
    );
    assert_snapshot!(told, @r#"
    error: there is no key actor
      --> database/policies/matrix.toml:2:2
         |
       2 | [actor]
         |  ^^^^^
      hint: did you mean `actors`?

    error: there is no key rol
      --> database/policies/matrix.toml:3:10
         |
       3 | anon = { rol = "ANON" }
         |          ^^^
      hint: did you mean `role`?

    error: anon is a table, and not of type integer
      --> database/policies/matrix.toml:3:8
         |
       3 | anon = 3
         |        ^
      hint: mend that value and try again

    error: notes has no row close
      --> database/policies/matrix.toml:4:38
         |
       4 | ann = { role = "USER", user = "@notes.close.owner" }
         |                                      ^^^^^^^^^^^^^^^^^^^^
      hint: did you mean `closed`?

    error: the row notes.closed does not say its ownr
      --> database/policies/matrix.toml:4:38
         |
       4 | ann = { role = "USER", user = "@notes.closed.ownr" }
         |                                      ^^^^^^^^^^^^^^^^^^^^
      hint: did you mean `owner`?

    error: @notes is no reference
      --> database/policies/matrix.toml:4:38
         |
       4 | ann = { role = "USER", user = "@notes" }
         |                                      ^^^^^^^^
      hint: write @table.row.column, or @@ where a text begins with @

    error: `@me` is whoever asks, and here nobody does
      --> database/policies/matrix.toml:4:38
         |
       4 | ann = { role = "USER", user = "@me" }
         |                                      ^^^^^
      hint: name a row's value, like @users.fan.id; `@me` is for probes

    error: @notes.open.body leads back to itself
      --> database/policies/matrix.toml:9:43
         |
       9 | open = { id = 1001, owner = "ann", body = "@notes.open.body", open = true, tags = ["a \"b\"", "c"] }
         |                                           ^^^^^^^^^^^^^^^^^^
      hint: give one of the columns on the way a value of its own

    error: body is a table, which is no value
      --> database/policies/matrix.toml:9:43
         |
       9 | open = { id = 1001, owner = "ann", body = { a = 1 }, open = true, tags = ["a \"b\"", "c"] }
         |                                           ^^^^^^^^^
      hint: write JSON as a text in quotes; a table of another schema is [rows."schema.table"]
    "#);
}

#[test]
fn everybody_comes_to_one_thing_that_there_is() {
    let (database, tool) = notes(MATRIX);
    let told = complaints(
        &database,
        &tool,
        &[4],
        &[
            ("select = \"open\"", "select = \"opn\""),
            ("allowed = [\"*\"]", "allowd = [\"*\"]"),
            ("allowed = [\"*\"]", "allowed = [\"an\"]"),
            ("allowed = [\"*\"]", "allowed = [\"ann\"]"),
            ("allowed = [\"*\"]", "allowed = [\"*\", \"ann\", \"ann\"]"),
            ("allowed = [\"*\"]", "allowed = [\"*\"]\nhidden = [\"*\"]"),
            ("sqlstate = \"23514\"", "sqlstate = \"2351\""),
        ],
    );
    assert_snapshot!(told, @r#"
    error: notes has no row opn
      --> database/policies/matrix.toml:14:10
         |
      14 | select = "opn"
         |          ^^^^^
      hint: did you mean `open`?

    error: there is no key allowd
      --> database/policies/matrix.toml:15:1
         |
      15 | allowd = ["*"]
         | ^^^^^^
      hint: did you mean `allowed`?

    error: there is no actor an
      --> database/policies/matrix.toml:15:12
         |
      15 | allowed = ["an"]
         |            ^^^^
      hint: did you mean `ann`?

    error: this probe does not say what happens to anon, bob, nobody
      --> database/policies/matrix.toml:14:1
         |
      14 | select = "open"
         | ^^^^^^
      hint: name everybody in allowed, hidden, denied, no_grant or error; "*" is everybody else

    error: ann has two outcomes in this probe
      --> database/policies/matrix.toml:15:24
         |
      15 | allowed = ["*", "ann", "ann"]
         |                        ^^^^^
      hint: name each actor once, and "*" at most once

    error: everybody else has two outcomes in this probe
      --> database/policies/matrix.toml:16:11
         |
      16 | hidden = ["*"]
         |           ^^^
      hint: name each actor once, and "*" at most once

    error: this is no SQLSTATE
      --> database/policies/matrix.toml:57:12
         |
      57 | sqlstate = "2351"
         |            ^^^^^^
      hint: an SQLSTATE is five digits and capitals, like 23514, and narrows `error`
    "#);
}

#[test]
fn a_probe_asks_one_thing() {
    let (database, tool) = notes(MATRIX);
    let told = complaints(
        &database,
        &tool,
        &[4],
        &[
            ("truncate = true\nno_grant", "truncate = true\nhidden"),
            ("delete = \"open\"", "delete = \"open\"\ninsert = {}"),
            ("delete = \"open\"\n", ""),
            ("delete = \"open\"", "delete = { id = 1 }"),
            ("set = { body = \"y\" }", "set = {}"),
            ("truncate = true", "truncate = true\nblind = true"),
            ("delete = \"open\"", "delete = \"open\"\nblind = false"),
            ("app.note(1002)", "app.note(1002); commit"),
            ("app.note(1002)", "app.nothing"),
            ("[[probe]]", "[[probe]"),
        ],
    );
    assert_snapshot!(told, @r#"
    error: a truncate is never hidden
      --> database/policies/matrix.toml:88:1
         |
      88 | hidden = ["*"]
         | ^^^^^^
      hint: it is allowed or no_grant: row-level security has no say in it

    error: one probe asks delete and insert
      --> database/policies/matrix.toml:81:1
         |
      81 | insert = {}
         | ^^^^^^
      hint: make two probes of it

    error: a probe that asks nothing
      --> database/policies/matrix.toml:79:1
         |
      79 | table = "notes"
         | ^^^^^
      hint: ask one of select, insert, update, delete, truncate, function

    error: delete takes a row of [rows], and no condition
      --> database/policies/matrix.toml:80:10
         |
      80 | delete = { id = 1 }
         |          ^^^^^^^^^^
      hint: only rows that the matrix makes are changed: name one of them

    error: an update that sets nothing
      --> database/policies/matrix.toml:63:1
         |
      63 | update = "open"
         | ^^^^^^
      hint: say what: set = { title = "x" }

    error: blind belongs to update and delete, and this probe is a truncate
      --> database/policies/matrix.toml:88:1
         |
      88 | blind = true
         | ^^^^^
      hint: write blind = true for a change that reads nothing of the row, or take it out

    error: blind is either true or left out
      --> database/policies/matrix.toml:81:1
         |
      81 | blind = false
         | ^^^^^
      hint: write blind = true for a change that reads nothing of the row, or take it out

    error: this is not one call of a function
      --> database/policies/matrix.toml:97:12
         |
      97 | function = "app.note(1002); commit"
         |            ^^^^^^^^^^^^^^^^^^^^^^^^
      hint: write it as SQL does: app.get_content('UUID')

    error: this is not one call of a function
      --> database/policies/matrix.toml:97:12
         |
      97 | function = "app.nothing"
         |            ^^^^^^^^^^^^^
      hint: write it as SQL does: app.get_content('UUID')

    error: database/policies/matrix.toml cannot be read: unclosed array table, expected ]
      --> database/policies/matrix.toml:12:9
         |
      12 | [[probe]
         |         ^
      hint: mend that line and try again
    "#);
}

#[test]
fn what_the_database_has_not_got_is_said_before_anything_is_asked() {
    let (database, tool) = notes(MATRIX);
    database.sql("create table bare (n int); create table counted (id serial primary key, n int)");
    let told = complaints(
        &database,
        &tool,
        &[4],
        &[
            ("role = \"ANON\"", "role = \"nobody_of_that_name\""),
            ("table = \"titles\"", "table = \"title\""),
            ("columns = [\"body\"]", "columns = [\"bdy\"]"),
            ("set = { body = \"y\" }", "set = { boy = \"y\" }"),
            (
                "open = { id = 1001, owner",
                "open = { id = 1001, tag = \"x\", owner",
            ),
            (
                "[[probe]]",
                "[rows.bare]\none = { n = 1 }\n[[probe]]\ntable = \"bare\"\ndelete = \"one\"\nallowed = [\"*\"]\n[[probe]]",
            ),
            (
                "[[probe]]",
                "[rows.counted]\none = { n = 1 }\n[[probe]]\ntable = \"counted\"\ndelete = \"one\"\nallowed = [\"*\"]\n[[probe]]",
            ),
        ],
    );
    assert_snapshot!(told, @r#"
    error: the server has no role nobody_of_that_name
      --> database/policies/matrix.toml:3:17
         |
       3 | anon = { role = "nobody_of_that_name" }
         |                 ^^^^^^^^^^^^^^^^^^^^^
      note: nothing was asked
      hint: correct the name, or run `toysoldiers migrate up` if a migration makes it

    error: the database has no table title
      --> database/policies/matrix.toml:91:9
         |
      91 | table = "title"
         |         ^^^^^^^
      note: nothing was asked
      hint: did you mean `titles`?

    error: notes has no column bdy
      --> database/policies/matrix.toml:20:12
         |
      20 | columns = ["bdy"]
         |            ^^^^^
      note: nothing was asked
      hint: did you mean `body`?

    error: notes has no column boy
      --> database/policies/matrix.toml:64:9
         |
      64 | set = { boy = "y" }
         |         ^^^
      note: nothing was asked
      hint: did you mean `body`?

    error: notes has no column tag
      --> database/policies/matrix.toml:9:21
         |
       9 | open = { id = 1001, tag = "x", owner = "ann", body = "o", open = true, tags = ["a \"b\"", "c"] }
         |                     ^^^
      note: nothing was asked
      hint: did you mean `tags`?

    error: bare has no primary key by which a row of it could be found
      --> database/policies/matrix.toml:16:1
         |
      16 | delete = "one"
         | ^^^^^^
      hint: give bare a primary key; for a select, a condition will do: select = { ... }

    error: counted.one does not say its id, by which it is to be found
      --> database/policies/matrix.toml:13:1
         |
      13 | one = { n = 1 }
         | ^^^
      hint: say it there: id = ..., unlike any that is in use
    "#);
}

#[test]
fn what_cannot_be_made_or_called_is_refused_with_its_place() {
    let (database, tool) = notes(MATRIX);
    let told = complaints(
        &database,
        &tool,
        &[1, 6],
        &[
            ("id = 1001", "id = 1"),
            ("id = 1001", "id = \"one\""),
            ("body = \"o\"", "body = \"bad\""),
            ("app.note(1002)", "app.notes(1002)"),
            ("app.note(1002)", "app.note(1002,)"),
        ],
    );
    assert_snapshot!(told, @r#"
    error: the row notes.open cannot be made
      caused by: duplicate key value violates unique constraint "notes_pkey"
      --> database/policies/matrix.toml:9:1
         |
       9 | open = { id = 1, owner = "ann", body = "o", open = true, tags = ["a \"b\"", "c"] }
         | ^^^^
      note: nothing was kept
      note: Key (id)=(1) already exists.
      hint: the database has a row like it already: give this one other values

    error: the row notes.open cannot be made
      caused by: invalid input syntax for type integer: "one"
      --> database/policies/matrix.toml:9:1
         |
       9 | open = { id = "one", owner = "ann", body = "o", open = true, tags = ["a \"b\"", "c"] }
         | ^^^^
      note: nothing was kept
      hint: give the row values its table takes

    error: the row notes.open cannot be made
      caused by: new row for relation "notes" violates check constraint "notes_body_check"
      --> database/policies/matrix.toml:9:1
         |
       9 | open = { id = 1001, owner = "ann", body = "bad", open = true, tags = ["a \"b\"", "c"] }
         | ^^^^
      note: nothing was kept
      note: Failing row contains (1001, ann, bad, t, {"a \"b\"",c}, null).
      hint: give the row values its table takes

    error: anon cannot ask about app.notes, call, 1002
      caused by: function app.notes(integer) does not exist
      --> database/policies/matrix.toml:97:1
         |
      97 | function = "app.notes(1002)"
         | ^^^^^^^^
      note: nothing was kept
      hint: correct the call; psql's \df lists functions and their arguments

    error: anon cannot ask about app.note, call, 1002,
      caused by: syntax error at or near ")"
      --> database/policies/matrix.toml:97:1
         |
      97 | function = "app.note(1002,)"
         | ^^^^^^^^
      note: nothing was kept
      hint: correct the call; psql's \df lists functions and their arguments
    "#);
    assert_eq!(database.value("select count(*) from notes"), "1");
}

#[test]
fn a_folder_without_a_matrix_says_so() {
    let (_, tool) = notes(MATRIX);
    tool.write("p/notes.sql", "");
    assert_snapshot!(tool.run(&["policy", "test", "--policies", "p"]), @"
    -- stderr
    error: there is no matrix.toml in p
      hint: write matrix.toml there, or name another folder with `--policies`
    -- exit 4
    ");
}

#[test]
fn what_nobody_asks_is_told() {
    let (database, tool) = notes(MATRIX);
    database.sql(&named(
        &database,
        "create table app.more (id int primary key, n int, m int);
         alter table app.more enable row level security;
         create policy all_of_it on app.more using (true);
         create schema elsewhere; grant usage on schema elsewhere to USER;
         create table elsewhere.unsecured (n int); grant all on elsewhere.unsecured to USER;
         create table counted (id int primary key, n int);
         create view sums as select count(*) from counted;
         grant select (n), update (m) on app.more to USER;
         grant all on counted, sums to USER;
         grant truncate, select on counted to ANON",
    ));
    let outcome = tool.run(TEST).ok();
    let (_, gaps) = outcome.stdout.split_once("\n\n").unwrap();
    assert_snapshot!(gaps, @"
    UNTESTED  COMMAND  ROLES
    app.more  select  USER
    app.more  update  USER
    counted  delete  USER
    counted  insert  USER
    counted  select  ANON, USER
    counted  truncate  ANON, USER
    counted  update  USER
    sums  select  USER
    ");
    assert_snapshot!(outcome.stderr, @"
    -> (url)  SOCKET/DB as postgres
    56 cells as they should be; 10 privileges untested
    ");
    let json = tool.run(&["policy", "test", "-o", "json"]).ok().json();
    assert_eq!(json["untested"].as_array().unwrap().len(), 8);
}

#[test]
fn a_role_that_cannot_become_an_actors_is_refused() {
    let (database, tool) = notes(MATRIX);
    let name = role(&database, "clerk");
    let user = roles(&database).1;
    database.sql(&format!(
        "create role {name} login bypassrls; grant {user} to {name}; grant all on notes to {name}"
    ));
    let tool = tool.on_as(&database, &name).hide(&name, "CLERK");
    assert_snapshot!(tool.run(TEST), @r#"
    -- stderr
    -> (url)  SOCKET/DB as CLERK
    error: anon cannot ask: CLERK may not become ANON
      caused by: permission denied to set role "ANON"
      --> database/policies/matrix.toml:3:17
         |
       3 | anon = { role = "ANON" }
         |                 ^^^^^^^^^^^^^
      note: nothing was kept
      hint: connect as a role that may, or run: grant "ANON" to "CLERK"
    -- exit 6
    "#);
    put(
        &database,
        &tool,
        &MATRIX.replace("[actors]", "fixtures_as = \"postgres\"\n[actors]"),
    );
    assert_snapshot!(tool.run(TEST), @r#"
    -- stderr
    -> (url)  SOCKET/DB as CLERK
    error: the matrix cannot be asked
      caused by: permission denied to set role "postgres"
      --> database/policies/matrix.toml:2:15
         |
       2 | fixtures_as = "postgres"
         |               ^^^^^^^^^^
      note: nothing was kept
      hint: connect as a role that may become "postgres", or run: grant "postgres" to "CLERK"
    -- exit 6
    "#);
}

#[test]
fn rows_are_made_by_whom_policies_do_not_bind() {
    let (database, tool) = notes(MATRIX);
    let owner = role(&database, "owner");
    let maker = role(&database, "maker");
    let (anon, user) = roles(&database);
    database.sql(&format!(
        "create role {maker} bypassrls; create role {owner} login;
         grant {maker}, {anon}, {user} to {owner}; grant all on notes to {maker};
         grant all on schema app, public to {owner};
         alter table notes owner to {owner}; alter table notes force row level security;
         alter view titles owner to {owner}; alter function app.note owner to {maker};
         alter function app.me owner to {owner}"
    ));
    database.sql(&format!("grant usage on schema app to {maker}; alter view titles owner to {maker}; grant select on titles to {user}"));
    let tool = tool
        .on_as(&database, &owner)
        .hide(&owner, "OWNER")
        .hide(&maker, "MAKER");
    assert_snapshot!(tool.run(TEST), @r#"
    -- stderr
    -> (url)  SOCKET/DB as OWNER
    error: the row notes.open cannot be made
      caused by: query would be affected by row-level security policy for table "notes"
      --> database/policies/matrix.toml:9:1
         |
       9 | open = { id = 1001, owner = "ann", body = "o", open = true, tags = ["a \"b\"", "c"] }
         | ^^^^
      note: nothing was kept
      hint: say at the top of the file who can make rows whatever policies say: fixtures_as = "service_role"
    -- exit 6
    "#);
    let matrix = format!("fixtures_as = \"{maker}\"\n{MATRIX}");
    put(&database, &tool, &matrix);
    let outcome = tool.run(TEST).ok();
    assert!(
        outcome.stderr.ends_with("56 cells as they should be\n"),
        "{outcome}"
    );
    // A policy whoever makes the rows needs is noticed too, and nobody is in the way.
    tool.run(&["policy", "test", "--mutate"]).ok();
}

#[test]
fn readers_and_writers_are_in_nobodys_way() {
    let (database, tool) = notes(MATRIX);
    let reader = database.session("begin; select * from notes");
    let writer = database.session("begin; update notes set body = 'changed'");
    tool.run(TEST).ok();
    reader.sql("select * from notes; commit");
    writer.sql("commit");
}

#[test]
fn a_table_that_is_locked_is_waited_for_once() {
    let (database, tool) = notes(MATRIX);
    let holder = database.session("begin; lock table notes");
    let outcome = tool.run(&["policy", "test", "--lock-timeout", "100ms"]);
    assert_snapshot!(outcome, @"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    error: the matrix cannot be asked
      caused by: canceling statement due to lock timeout
      note: nothing was kept
      hint: another session holds a lock; try again when it is done, or wait longer with `--lock-timeout`
    -- exit 6
    ");
    let mut runner = tool.spawn(TEST);
    let mut lines = BufReader::new(runner.stderr.take().unwrap())
        .lines()
        .map(Result::unwrap);
    let waits = lines
        .by_ref()
        .find(|line| line.starts_with("the matrix waits for pid "))
        .unwrap();
    assert!(waits.ends_with("lock table notes"), "{waits}");
    holder.sql("commit");
    assert!(lines.any(|line| line == "56 cells as they should be"));
    assert!(runner.wait().unwrap().success());
}

#[test]
fn a_mutant_gives_way_to_a_reader_and_is_tried_again() {
    let (database, tool) = notes(MATRIX);
    let reader = database.session("begin; select * from notes");
    let runner = tool.spawn(&["policy", "test", "--mutate"]);
    // It has waited, in vain, for the lock that the reader's keeps from it.
    database.wait_until(
        "select exists (select from pg_locks where relation = 'notes'::regclass and not granted)",
    );
    database.wait_until(
        "select not exists (select from pg_locks where relation = 'notes'::regclass and not granted)",
    );
    reader.sql("commit");
    let outcome = tool.outcome(runner).ok();
    assert!(
        outcome
            .stderr
            .ends_with("10 weaker policies, all noticed\n"),
        "{outcome}"
    );
}

#[test]
fn a_protected_environment_is_asked_before_its_policies_are_weakened() {
    let (database, tool) = notes(MATRIX);
    drop(tool);
    let tool = configured(&[("live", &database, "protected = true")])
        .hiding(&database)
        .env("TOYSOLDIERS_ENV", "live");
    put(&database, &tool, MATRIX);
    tool.run(TEST).ok();
    assert_snapshot!(tool.run(&["policy", "test", "--mutate"]), @"
    -- stderr
    -> live  SOCKET/DB as postgres  PROTECTED
    error: cannot weaken policies for a moment without a yes: there is no terminal to ask on
      hint: agree with `--yes`
    -- exit 6
    ");
    assert_snapshot!(tool.run(&["policy", "test", "--mutate", "--dry-run"]), @"
    -- stdout
    plan: weaken policies for a moment
      weaken notes  (10 times, each locked for a moment and rolled back)
    -- stderr
    -> live  SOCKET/DB as postgres  PROTECTED
    dry run: nothing was changed
    -- exit 0
    ");
    tool.run(&["policy", "test", "--mutate", "--yes"]).ok();
}

#[test]
fn what_takes_too_long_ends_all_of_it() {
    let (database, tool) = notes(MATRIX);
    database.sql(
        "create or replace function app.note(wanted int) returns notes language plpgsql security definer as $$
         begin raise query_canceled; end $$",
    );
    assert_snapshot!(tool.run(TEST), @r#"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    error: ann cannot ask about app.note, call, 1002
      caused by: query_canceled
      --> database/policies/matrix.toml:97:1
         |
      97 | function = "app.note(1002)"
         | ^^^^^^^^
      note: nothing was kept
      note: in PL/pgSQL function app.note(integer) line 2 at RAISE
      hint: a cell is about one row and may take DURATION: narrow what it asks, or give the database the index it needs
    -- exit 1
    "#);
}

/// A statement without a condition reads nothing, so that policies for select do not hide rows from it.
#[test]
fn a_change_that_reads_nothing_can_be_asked_for() {
    let probe = "
[[probe]]
table = \"notes\"
delete = \"closed\"
BLIND
allowed = [\"ann\"]
no_grant = [\"anon\"]
hidden = [\"*\"]
";
    let (database, tool) = notes(&format!("{MATRIX}{}", probe.replace("BLIND", "")));
    database.sql("alter policy gone on notes using (not open or owner = app.me())");
    tool.run(TEST).ok();
    let blind = probe.replace("BLIND", "blind = true");
    put(&database, &tool, &format!("{MATRIX}{blind}"));
    let outcome = tool.run(TEST).code(3);
    let last = outcome.stdout.lines().last().unwrap();
    assert_snapshot!(last, @"notes  delete  closed, blind  no grant  allowed  allowed, not hidden  allowed, not hidden");
    database.sql("alter policy gone on notes using (owner = (select app.me()))");
    tool.run(TEST).ok();
}
