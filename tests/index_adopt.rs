//! `index adopt`: what a database has and no file declares is written into the files, and then nothing differs.

use insta::assert_snapshot;

use crate::index::{steps, with};
use crate::support::{Database, Tool};

const TABLE: &str = "create table t (id int, name text, tags text[]);";

#[test]
fn what_no_file_declares_is_put_behind_what_is_there() {
    let (_database, tool) = with(
        &format!(
            "{TABLE} create index a on t (id); create index b on t (name desc, lower(name) text_pattern_ops) include (id) where id > 0;
             comment on index b is E'asked by name,\\nnewest first\\rdrop table t,'; create index c on t using gin (tags) with (fastupdate = off);
             create unique index u on t (id); alter table t add primary key (id)"
        ),
        // The last statement has no end, and the lines end as on Windows.
        &[("t.sql", "-- by hand\r\ncreate index a on t (id) -- last")],
    );
    assert_eq!(
        steps(&tool),
        ["drop b on t if pruned", "drop c on t if pruned"]
    );
    assert_snapshot!(tool.run(&["index", "adopt", "--dry-run"]), @"
    -- stdout
    plan: declare 2 indexes in database/indexes
      add to database/indexes/t.sql  (2 statements)
          + ;
          + -- asked by name,
          + -- newest first
          + -- drop table t,
          + create index b on public.t (name desc, lower(name) text_pattern_ops) include (id) where (id > 0);
          + create index c on public.t using gin (tags) with (fastupdate=off);
    -- stderr
    -> (url)  SOCKET/DB as postgres
    dry run: nothing was changed
    -- exit 0
    ");
    assert_snapshot!(tool.run(&["index", "adopt"]), @"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    plan: declare 2 indexes in database/indexes
      add to database/indexes/t.sql  (2 statements)
          + ;
          + -- asked by name,
          + -- newest first
          + -- drop table t,
          + create index b on public.t (name desc, lower(name) text_pattern_ops) include (id) where (id > 0);
          + create index c on public.t using gin (tags) with (fastupdate=off);
    error: cannot declare 2 indexes in database/indexes without a yes: there is no terminal to ask on
      hint: agree with `--yes`
    -- exit 6
    ");
    assert_snapshot!(tool.run(&["index", "adopt", "--yes"]), @"
    -- stdout
    FILE  NEW  STATEMENTS
    database/indexes/t.sql  no  2
    -- stderr
    -> (url)  SOCKET/DB as postgres
    plan: declare 2 indexes in database/indexes
      add to database/indexes/t.sql  (2 statements)
          + ;
          + -- asked by name,
          + -- newest first
          + -- drop table t,
          + create index b on public.t (name desc, lower(name) text_pattern_ops) include (id) where (id > 0);
          + create index c on public.t using gin (tags) with (fastupdate=off);
    declared: 2 statements in 1 file (database/indexes); the database is as declared
    -- exit 0
    ");
    let text = std::fs::read_to_string(tool.path().join("database/indexes/t.sql")).unwrap();
    assert_snapshot!(text.replace('\r', "<CR>"), @"
    -- by hand<CR>
    create index a on t (id) -- last<CR>
    ;<CR>
    <CR>
    -- asked by name,<CR>
    -- newest first<CR>
    -- drop table t,<CR>
    create index b on public.t (name desc, lower(name) text_pattern_ops) include (id) where (id > 0);<CR>
    <CR>
    create index c on public.t using gin (tags) with (fastupdate=off);<CR>
    ");
    tool.run(&["index", "status", "--check"]).ok();
    assert_snapshot!(tool.run(&["index", "adopt", "--yes"]), @"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    nothing to declare: the files say what there is (database/indexes); the database is as declared
    -- exit 0
    ");
    // A unique one is a migration's, unless it is named.
    tool.run(&["index", "adopt", "u", "--yes"]).ok();
    let text = std::fs::read_to_string(tool.path().join("database/indexes/t.sql")).unwrap();
    assert!(
        text.ends_with("\r\n\r\ncreate unique index u on public.t (id);\r\n"),
        "{text}"
    );
    tool.run(&["index", "status", "--check"]).ok();
}

#[test]
fn names_may_be_odd_and_differ_in_capitals_only() {
    let (_database, tool) = with(
        "create schema \"My app\"; create schema s; create table people (id int); create table \"People\" (id int);
         create table \"My app\".\"a/b.c\" (id int, \"order\" int); create table s.people (id int); create table functions (id int);
         create table \"50%\" (id int);
         create index people_a on people (id); create index people_b on \"People\" (id); create index people_a on s.people (id);
         create index \"Odd \"\" one\" on \"My app\".\"a/b.c\" (\"order\" desc); create index f on functions (id); create index p on \"50%\" (id)",
        &[],
    );
    std::fs::create_dir_all(tool.path().join("database/migrations")).unwrap();
    tool.run(&["index", "adopt", "--yes"]).ok();
    let mut names: Vec<String> = std::fs::read_dir(tool.path().join("database/indexes"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| !name.contains("content"))
        .collect();
    names.sort();
    assert_eq!(
        names,
        [
            "%4dy%20app.a%2fb%2ec.sql",
            "%50eople.sql",
            "50%25.sql",
            "people.sql",
            "public.functions.sql",
            "s.people.sql"
        ]
    );
    tool.run(&["index", "status", "--check"]).ok();
}

#[test]
fn what_cannot_be_declared_is_left_and_said() {
    let (database, tool) = with(
        &format!(
            "{TABLE} create index x_ccnew on t (id); create index broken on t (name); create index fine on t (id);
             create function f(r t) returns int immutable language sql as 'select 1'; create index whole on t (f(t));
             update pg_index set indisvalid = false where indexrelid = 'broken'::regclass;
             alter table t add constraint t_pk primary key (id)"
        ),
        &[("t.sql", "-- nothing yet\n")],
    );
    assert_snapshot!(tool.run(&["index", "adopt", "--yes"]), @"
    -- stdout
    FILE  NEW  STATEMENTS
    database/indexes/t.sql  no  2
    -- stderr
    -> (url)  SOCKET/DB as postgres
    plan: declare 2 indexes in database/indexes
      add to database/indexes/t.sql  (2 statements)
          + create index fine on public.t (id);
          + create index whole on public.t (public.f(t.*));
      leave broken on t: it is INVALID: drop it, or build it anew
      leave x_ccnew on t: its name ends like those of half-built indexes: rename it first
    declared: 2 statements in 1 file (database/indexes); 2 differences left: `toysoldiers index status`
    note: not declared: broken on t: it is INVALID: drop it, or build it anew
    note: not declared: x_ccnew on t: its name ends like those of half-built indexes: rename it first
    -- exit 0
    ");
    assert_snapshot!(tool.run(&["index", "adopt", "t_pk"]), @"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    error: t_pk cannot be declared: it is behind the constraint t_pk
      note: nothing was changed
    -- exit 6
    ");
    assert_snapshot!(tool.run(&["index", "adopt", "fin"]), @"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    error: there is no index fin in this database
      hint: did you mean fine?
    -- exit 1
    ");
    drop(database);
}

#[test]
fn a_folder_is_not_begun_where_the_platform_is_this_programs() {
    let (_database, tool) = with("create index extra on content (title)", &[]);
    assert_snapshot!(tool.run(&["index", "adopt", "--yes"]), @"
    -- stderr
    error: there is no folder database/indexes, and what is in this program would count no more once there is one
      note: nothing was changed
      note: the migrations in use are those in this program, too
      hint: name the folder to begin with `--indexes`
    -- exit 6
    ");
    tool.run(&["index", "adopt", "--yes", "--indexes", "mine"])
        .ok();
    let text = std::fs::read_to_string(tool.path().join("mine/content.sql")).unwrap();
    assert_eq!(text, "create index extra on public.content (title);\n");
}

#[test]
fn a_platform_of_ones_own_has_nothing_to_do_with_the_files_in_the_program() {
    let database = Database::empty();
    let tool = Tool::new().on(&database);
    tool.write("database/migrations/001_t.sql", TABLE);
    tool.run(&["deploy", "--yes"]).ok();
    for noun in ["index", "policy"] {
        tool.run(&[noun, "status", "--check"]).ok();
        let adopted = tool.run(&[noun, "adopt", "--yes"]).ok();
        assert!(adopted.stderr.contains("nothing to declare"), "{adopted}");
    }
    tool.run(&["status", "--check"]).ok();
    tool.run(&["migrate", "verify"]).ok();
    assert!(!tool.path().join("database/indexes").exists());
    database.sql("create index t_name on t (name)");
    let adopted = tool.run(&["index", "adopt", "--yes"]).ok();
    assert!(
        adopted.stdout.contains("database/indexes/t.sql"),
        "{adopted}"
    );
    tool.run(&["index", "status", "--check"]).ok();
    // The migrations may be in another folder.
    let elsewhere = Tool::new().on(&database);
    elsewhere.write("sql/001_t.sql", TABLE);
    let status = elsewhere.run(&["status", "--migrations", "sql"]).ok();
    assert!(
        !status.to_string().contains("cannot be applied"),
        "{status}"
    );
    // Copies of those in the program, and more, are its platform.
    let copies = Tool::new().on(&database);
    copies.run(&["init", "--with-files"]).ok();
    std::fs::remove_dir_all(copies.path().join("database/indexes")).unwrap();
    copies.write("database/migrations/900_more.sql", "select 1;");
    let status = copies.run(&["index", "status"]).to_string();
    assert!(
        status.contains("content_tags_idx") || status.contains("(embedded)"),
        "{status}"
    );
}
