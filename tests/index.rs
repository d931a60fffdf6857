//! `index status` and `index list`: every kind of difference is found, and nothing else is.

use insta::assert_snapshot;

use crate::support::version::{major, since, understands};
use crate::support::{Bouncer, Database, Replica, Tool};

/// A program on a database that has what this SQL makes, and no index files but these.
pub fn with(sql: &str, files: &[(&str, &str)]) -> (Database, Tool) {
    let database = Database::migrated();
    // One by one: some cannot be made in a transaction.
    for statement in sql.split(';') {
        database.sql(statement);
    }
    let tool = Tool::new().on(&database);
    for (name, text) in files {
        tool.write(&format!("database/indexes/{name}"), text);
    }
    (database, tool)
}

/// What would be done, a line a step.
pub fn steps(tool: &Tool) -> Vec<String> {
    let status = tool.run(&["index", "status", "-o", "json"]).ok().json();
    let differences = status["differences"].as_array().unwrap().iter();
    differences
        .map(|difference| {
            let word = |key: &str| difference[key].as_str().unwrap_or_default().to_owned();
            let from = match word("from").as_str() {
                "" => String::new(),
                from => format!(" from {from}"),
            };
            let prune = if difference["prune"] == true {
                " if pruned"
            } else {
                ""
            };
            format!(
                "{} {} on {}{from}{prune}",
                word("action"),
                word("name"),
                word("table")
            )
        })
        .collect()
}

const TABLE: &str =
    "create table t (id int, owner uuid, name text, code varchar(9), tags text[], at timestamptz);";

/// What there is, what a file says, and what has to be done.
struct Case(&'static str, &'static str, &'static [&'static str]);

const CASES: &[Case] = &[
    Case("", "", &[]),
    Case("", "create index i on t (id);", &["create i on t"]),
    // However it is written, it is the same.
    Case(
        "create index i on t (id)",
        "CREATE INDEX I\n  ON public.t -- here\n USING btree (\"id\" ASC NULLS LAST);",
        &[],
    ),
    Case(
        "create index i on t (at desc)",
        "create index i on only t (at desc nulls first)",
        &[],
    ),
    Case(
        "create index i on t (lower(name) text_pattern_ops) include (id) with (fillfactor = 80)",
        "create index i on t (LOWER(t.name) text_pattern_ops) include (id) with (fillfactor='80')",
        &[],
    ),
    Case(
        "create index i on t (name)",
        "create index i on t (name collate \"default\" text_ops)",
        &[],
    ),
    Case(
        "create index i on t (code)",
        "create index i on t (code varchar_ops)",
        &[],
    ),
    Case(
        "create index i on t using gin (tags)",
        "create index i on t using gin (tags array_ops)",
        &[],
    ),
    Case(
        "create index i on t (id) where code = 'a'",
        "create index i on t (id) where ((code)::text = 'a'::text)",
        &[],
    ),
    Case(
        "create index i on t (id) where name in ('a', 'b')",
        "create index i on t (id) where name = any (array['a', 'b'])",
        &[],
    ),
    Case(
        "create unique index i on t (id, name) nulls not distinct",
        "create unique index i on t (id, name) NULLS NOT DISTINCT",
        &[],
    ),
    Case(
        "create index i on t (id) with (fillfactor = 80, deduplicate_items = off)",
        "create index i on t (id) with (deduplicate_items = off, fillfactor = 80)",
        &[],
    ),
    // Each of what an index is.
    Case(
        "create index i on t (id)",
        "create index i on t using hash (id)",
        &["replace i on t"],
    ),
    Case(
        "create index i on t (id)",
        "create unique index i on t (id)",
        &["replace i on t"],
    ),
    Case(
        "create unique index i on t (id)",
        "create unique index i on t (id) nulls not distinct",
        &["replace i on t"],
    ),
    Case(
        "create index i on t (id)",
        "create index i on t (owner)",
        &["replace i on t"],
    ),
    Case(
        "create index i on t (id, owner)",
        "create index i on t (owner, id)",
        &["replace i on t"],
    ),
    Case(
        "create index i on t (id, owner)",
        "create index i on t (id) include (owner)",
        &["replace i on t"],
    ),
    Case(
        "create index i on t (lower(name))",
        "create index i on t (upper(name))",
        &["replace i on t"],
    ),
    Case(
        "create index i on t (at)",
        "create index i on t (at desc)",
        &["replace i on t"],
    ),
    Case(
        "create index i on t (at)",
        "create index i on t (at nulls first)",
        &["replace i on t"],
    ),
    Case(
        "create index i on t (name)",
        "create index i on t (name collate \"C\")",
        &["replace i on t"],
    ),
    Case(
        "create index i on t (name)",
        "create index i on t (name text_pattern_ops)",
        &["replace i on t"],
    ),
    Case(
        "create index i on t (id)",
        "create index i on t (id) where id > 0",
        &["replace i on t"],
    ),
    Case(
        "create index i on t (id) where id > 0",
        "create index i on t (id) where id > 1",
        &["replace i on t"],
    ),
    Case(
        "create index i on t (id)",
        "create index i on t (id) with (fillfactor = 80)",
        &["replace i on t"],
    ),
    Case(
        "create index i on t using gin (tags)",
        "create index i on t using gin (tags) with (fastupdate = off)",
        &["replace i on t"],
    ),
    // What means something on its own table only.
    Case(
        "create function f(r t) returns int immutable language sql as 'select 1'; create index i on t (f(t) desc, id) where f(t) > 0",
        "create index i on t (F(t.*) desc, (public.t.id)) where f( t )>0 -- here",
        &[],
    ),
    Case(
        "create function f(r t) returns int immutable language sql as 'select 1'; create index i on t (f(t)) where f(t) > 0",
        "create index i on t (f(t)) where f(t) > 1",
        &["replace i on t"],
    ),
    Case(
        "create function f(r t) returns int immutable language sql as 'select 1'; create index i on t (f(t))",
        "create index i on t (f(t) desc)",
        &["replace i on t"],
    ),
    Case(
        "create function f(r t) returns int immutable language sql as 'select 1'; create index j on t (f(t), lower(name) collate \"C\")",
        "create index i on t (f(t), lower(t.name) collate \"C\")",
        &["rename i on t from j"],
    ),
    Case(
        "create function f(r t) returns int immutable language sql as 'select 1'",
        "create index i on t using hash (f(t)); create index k on t (name)",
        &["create i on t", "create k on t"],
    ),
    // Where it is stored.
    Case(
        "create index i on t (id)",
        "create index i on t (id) TABLESPACE pg_default",
        &[],
    ),
    Case(
        "create index i on t (id) where id > 0",
        "create index i on t (id) tablespace \"pg_default\" where id > 0",
        &[],
    ),
    // What no file declares.
    Case(
        "create index i on t (id); create index j on t (owner)",
        "create index i on t (id)",
        &["drop j on t if pruned"],
    ),
    Case(
        "create index j on content (title)",
        "",
        &["drop j on content if pruned"],
    ),
    Case(
        "create schema s; create table s.t (id int); create index j on s.t (id)",
        "",
        &[],
    ),
    // What is a migration's.
    Case(
        "create unique index j on t (owner); alter table t add primary key (id); alter table t add exclude using hash (name with =)",
        "",
        &[],
    ),
    // Under another name.
    Case(
        "create index j on t (id)",
        "create index i on t (id)",
        &["rename i on t from j"],
    ),
    Case(
        "create unique index j on t (id)",
        "create unique index i on t (id)",
        &["create i on t"],
    ),
    Case(
        "create index i on t (id); create index j on t (owner)",
        "create index i on t (owner)",
        &["replace i on t from j"],
    ),
    Case(
        "create index j on t (id); create index k on t (id)",
        "create index i on t (id)",
        &["rename i on t from j", "drop k on t if pruned"],
    ),
    Case(
        "create index j on t (id)",
        "create index i on t (id); create index j on t (id)",
        &["create i on t"],
    ),
    // What a replacement leaves behind, at each of its moments.
    Case(
        "create index i on t (id); create unique index i_ccnew on t (id)",
        "create unique index i on t (id)",
        &["replace i on t from i_ccnew"],
    ),
    Case(
        "create index i on t (id); create index i_ccold on t (owner)",
        "create index i on t (id)",
        &["drop i_ccold on t"],
    ),
    Case(
        "create unique index i_ccold1 on t (owner); create index i_ccnew on t (id)",
        "create index i on t (id)",
        &["drop i_ccold1 on t", "rename i on t from i_ccnew"],
    ),
    Case(
        "create index k_ccold on t (owner)",
        "",
        &["drop k_ccold on t if pruned"],
    ),
    // Materialized views have indexes, too.
    Case(
        "create materialized view m as select 1 as one; create index j on m (one)",
        "",
        &["drop j on m if pruned"],
    ),
];

#[test]
fn every_kind_of_difference_is_found_and_spelling_is_none() {
    let (database, tool) = with("", &[]);
    for Case(there, says, wanted) in CASES.iter().filter(|Case(_, says, _)| understands(says)) {
        database.sql(&format!("{TABLE}{there}"));
        tool.write("database/indexes/t.sql", says);
        assert_eq!(&steps(&tool), wanted, "{there}\n{says}");
        let code = if wanted.is_empty() { 0 } else { 3 };
        tool.run(&["index", "status", "--check"]).code(code);
        database.sql(
            "drop table t cascade; drop schema if exists s cascade; drop materialized view if exists m; drop index if exists j",
        );
    }
}

#[test]
#[allow(clippy::too_many_lines, reason = "transcripts are long")]
fn differences_are_told_line_by_line_with_sizes() {
    if !since(15) {
        return;
    }
    let (_database, tool) = with(
        &format!(
            "{TABLE} create index a on t (id, at desc) where id > 0; create index b on t (owner);
             create index c on t (name)"
        ),
        &[(
            "t.sql",
            "create index a on t (id, at) include (owner) where id > 0;
             create unique index d on t using btree (lower(name) collate \"C\", at desc nulls last) nulls not distinct;
             create index e on t (owner) with (fillfactor = 70);
             create index f on t (owner);",
        )],
    );
    assert_snapshot!(tool.run(&["index", "status"]), @r#"
    -- stdout
    ACTION  INDEX  TABLE  SIZE  DETAIL
    rename  f  t  8.2 kB  it is there as b
    replace  a  t  8.2 kB  - using btree (id, at desc)
                                   + using btree (id, at)
                                   + include (owner)
    create  d  t  -  + unique nulls not distinct
                                   + using btree (lower(name) collate "C", at desc nulls last)
    create  e  t  -  + using btree (owner)
                                   + with (fillfactor=70)
    drop  c  t  8.2 kB  no file declares it; goes only with --prune
                                   - using btree (name)
    -- stderr
    -> (url)  SOCKET/DB as postgres
    5 differences from what is declared: 4 indexes on 1 table (database/indexes); `toysoldiers index apply` mends 4 of them; `toysoldiers index adopt` declares what no file does, and `toysoldiers index apply --prune` takes it away
    -- exit 0
    "#);
    assert_snapshot!(tool.run(&["index", "status", "-o", "json"]).stdout, @r#"
    {
      "source": "database/indexes",
      "tables": 1,
      "indexes": 4,
      "in_sync": false,
      "differences": [
        {
          "action": "rename",
          "table": "t",
          "name": "f",
          "from": "b",
          "statement": "create index f on t (owner)",
          "detail": "it is there as b",
          "size": 8192,
          "prune": false,
          "partitioned": false
        },
        {
          "action": "replace",
          "table": "t",
          "name": "a",
          "statement": "create index a on t (id, at) include (owner) where id > 0",
          "lines": [
            "- using btree (id, at desc)",
            "+ using btree (id, at)",
            "+ include (owner)"
          ],
          "size": 8192,
          "prune": false,
          "partitioned": false
        },
        {
          "action": "create",
          "table": "t",
          "name": "d",
          "statement": "create unique index d on t using btree (lower(name) collate \"C\", at desc nulls last) nulls not distinct",
          "lines": [
            "+ unique nulls not distinct",
            "+ using btree (lower(name) collate \"C\", at desc nulls last)"
          ],
          "size": null,
          "prune": false,
          "partitioned": false
        },
        {
          "action": "create",
          "table": "t",
          "name": "e",
          "statement": "create index e on t (owner) with (fillfactor = 70)",
          "lines": [
            "+ using btree (owner)",
            "+ with (fillfactor=70)"
          ],
          "size": null,
          "prune": false,
          "partitioned": false
        },
        {
          "action": "drop",
          "table": "t",
          "name": "c",
          "detail": "no file declares it",
          "lines": [
            "- using btree (name)"
          ],
          "size": 8192,
          "prune": true,
          "partitioned": false
        }
      ],
      "notes": []
    }
    "#);
}

#[test]
fn what_is_half_built_is_told_from_what_is_being_built() {
    let (database, tool) = with(
        &format!("{TABLE} insert into t values (1), (1)"),
        &[(
            "t.sql",
            "create unique index i on t (id);\ncreate index j on t (owner);",
        )],
    );
    database.refusal("create unique index concurrently i on t (id)");
    database.refusal("create unique index concurrently stray on t (id)");
    database.sql("create index k on t (name)");
    database.sql("create unique index k_ccnew on t (at)");
    database.sql("create index m on t (code)");
    database.sql("update pg_index set indisvalid = false where indexrelid in ('k_ccnew'::regclass, 'm'::regclass)");
    // Whoever writes is waited for.
    let writer = database.session("begin; insert into t values (2)");
    let other = database.clone();
    let build = std::thread::spawn(move || other.sql("create index concurrently j on t (owner)"));
    database.wait_until(
        "select count(*) = 1 from pg_stat_progress_create_index where index_relid = to_regclass('j') and phase like 'waiting%'",
    );
    assert_snapshot!(tool.run(&["index", "status"]), @"
    -- stdout
    ACTION  INDEX  TABLE  SIZE  DETAIL
    drop  k_ccnew  t  VERSION kB  INVALID: an interrupted build left it, no query uses it, and it refuses what is not unique all the same
    follow  j  t  0 B  pid PID is building it (waiting for writers before build)
    rebuild  i  t  0 B  INVALID: an interrupted build left it, no query uses it
    drop  k  t  VERSION kB  no file declares it; goes only with --prune
                                      - using btree (name)
    drop  m  t  VERSION kB  no file declares it; INVALID: an interrupted build left it, no query uses it, and every write goes into it; goes only with --prune
                                      - using btree (code)
    -- stderr
    -> (url)  SOCKET/DB as postgres
    5 differences from what is declared: 2 indexes on 1 table (database/indexes); `toysoldiers index apply` mends 3 of them; `toysoldiers index adopt` declares what no file does, and `toysoldiers index apply --prune` takes it away
    note: stray on t, which is unique and which no file declares, is INVALID: an interrupted build left it, no query uses it; whoever made it has to drop it and make it again
    -- exit 0
    ");
    assert_snapshot!(tool.run(&["index", "list", "--table", "t", "-o", "csv"]).stdout, @"
    table,name,size,scans,last_used,state,definition
    t,i,0,0,,INVALID,CREATE UNIQUE INDEX i ON public.t USING btree (id)
    t,j,0,0,,being built by pid PID,CREATE INDEX j ON public.t USING btree (owner)
    t,k,16384,0,,valid,CREATE INDEX k ON public.t USING btree (name)
    t,k_ccnew,16384,0,,INVALID,CREATE UNIQUE INDEX k_ccnew ON public.t USING btree (at)
    t,m,16384,0,,INVALID,CREATE INDEX m ON public.t USING btree (code)
    t,stray,0,0,,INVALID,CREATE UNIQUE INDEX stray ON public.t USING btree (id)
    ");
    let status = tool.run(&["index", "status", "-o", "json"]).json();
    let follow = &status["differences"][1];
    assert_eq!(
        (follow["action"].as_str(), follow["name"].as_str()),
        (Some("follow"), Some("j"))
    );
    let pid = database.value(
        "select pid from pg_stat_progress_create_index where index_relid = to_regclass('j')",
    );
    assert_eq!(follow["pid"].to_string(), pid);
    drop(writer);
    build.join().unwrap();
    let names: Vec<String> = steps(&tool);
    assert!(!names.contains(&"follow j on t".to_owned()), "{names:?}");
}

#[test]
fn whoever_may_not_see_the_progress_of_others_knows_of_their_builds_all_the_same() {
    let (database, tool) = with(TABLE, &[("t.sql", "create index i on t (id);")]);
    let role = format!("{}_clerk", database.name);
    database.sql(&format!(
        "create role {role} login; grant select on t to {role}"
    ));
    let tool = tool.on_as(&database, &role);
    let writer = database.session("begin; insert into t values (2)");
    let other = database.clone();
    let build = std::thread::spawn(move || other.sql("create index concurrently i on t (id)"));
    database.wait_until(
        "select count(*) = 1 from pg_stat_progress_create_index where index_relid = to_regclass('i')",
    );
    assert_eq!(steps(&tool), ["follow i on t"]);
    drop(writer);
    build.join().unwrap();
    assert_eq!(steps(&tool), [""; 0]);
    // Nor is one that somebody drops a leftover.
    let reader = database.session("begin; select from t");
    let other = database.clone();
    let drop_it = std::thread::spawn(move || other.sql("drop index concurrently i"));
    database.wait_until("select not indisvalid from pg_index where indexrelid = 'i'::regclass");
    assert_eq!(steps(&tool), ["follow i on t"]);
    drop(reader);
    drop_it.join().unwrap();
    assert_eq!(steps(&tool), ["create i on t"]);
    database.sql(&format!("drop owned by {role}; drop role {role}"));
}

#[test]
fn an_index_of_a_partitioned_table_is_whole_or_not() {
    let table = "create table p (id int, at date) partition by range (at);
        create table p1 partition of p for values from ('2025-01-01') to ('2026-01-01');
        create table p2 partition of p for values from ('2026-01-01') to ('2027-01-01')";
    let file = [("p.sql", "create index i on p (id);")];
    let (database, tool) = with(table, &file);
    assert_eq!(steps(&tool), ["create i on p"]);
    let json = tool.run(&["index", "status", "-o", "json"]).json();
    assert_eq!(json["differences"][0]["partitioned"], true);
    database.sql("create index i on only p (id)");
    database.sql("create index p1_id on p1 (id)");
    database.sql("create index p1_at on p1 (at)");
    assert_snapshot!(tool.run(&["index", "status"]), @"
    -- stdout
    ACTION  INDEX  TABLE  SIZE  DETAIL
    rebuild  i  p  0 B  no valid part of it on p1, p2
    drop  p1_at  p1  8.2 kB  no file declares it; goes only with --prune
                                   - using btree (at)
    -- stderr
    -> (url)  SOCKET/DB as postgres
    2 differences from what is declared: 1 index on 1 table (database/indexes); `toysoldiers index apply` mends 1 of them; `toysoldiers index adopt` declares what no file does, and `toysoldiers index apply --prune` takes it away
    -- exit 0
    ");
    database.sql("alter index i attach partition p1_id");
    assert_eq!(
        steps(&tool),
        ["rebuild i on p", "drop p1_at on p1 if pruned"]
    );
    database.sql("drop index p1_at");
    database.sql("create index p2_id on p2 (id)");
    database.sql("alter index i attach partition p2_id");
    assert_eq!(steps(&tool), [""; 0]);
    // A part that is not valid, of one that says it is.
    database.sql("update pg_index set indisvalid = false where indexrelid = 'p2_id'::regclass");
    assert_eq!(steps(&tool), ["rebuild i on p"]);
    let sizes = tool
        .run(&["index", "list", "--table", "p", "-o", "json"])
        .json();
    assert_eq!(sizes["indexes"][0]["size"], 16384);
}

#[test]
fn names_may_be_odd_and_the_same_in_two_schemas() {
    let (database, tool) = with(
        "create schema s; create table s.t (id int, \"A b\" int); create table t (id int, x int);
         create table s.\"O.dd\" (id int)",
        &[
            (
                "t.sql",
                "create index i on t (x);\ncreate index \"Odd \"\"i\" on t (id);",
            ),
            ("s.t.sql", "create index i on s.t (\"A b\");"),
            ("s.O.dd.sql", "create index t_i on s.\"O.dd\" (id);"),
        ],
    );
    assert_eq!(
        steps(&tool),
        [
            "create i on t",
            "create Odd \"i on t",
            "create t_i on s.\"O.dd\"",
            "create i on s.t"
        ]
    );
    database.sql("create index i on t (x); create index i on s.t (\"A b\")");
    database.sql("create index \"Odd \"\"i\" on t (id); create index t_i on s.\"O.dd\" (id)");
    assert_eq!(steps(&tool), [""; 0]);
}

/// What is told of files that are wrong.
fn told(there: &str, files: &[(&str, &str)]) -> String {
    let (_database, tool) = with(&format!("{TABLE}{there}"), files);
    let status = tool.run(&["index", "status"]).code(1);
    match status.stderr.split_once('\n') {
        Some((first, rest)) if first.starts_with("->") => rest.to_owned(),
        _ => status.stderr,
    }
}

#[test]
fn an_index_of_the_whole_row_stops_nothing_and_is_never_dropped() {
    let (database, tool) = with(
        "create table people (first text, last text);
         create function full_name(p people) returns text immutable language sql as $$ select p.first || p.last $$;
         create index people_name on people (full_name(people)); create index people_last on people (last)",
        &[("people.sql", "create index people_name on people (full_name(people));")],
    );
    assert_snapshot!(tool.run(&["index", "status"]), @"
    -- stdout
    ACTION  INDEX  TABLE  SIZE  DETAIL
    drop  people_last  people  8.2 kB  no file declares it; goes only with --prune
                                         - using btree (last)
    -- stderr
    -> (url)  SOCKET/DB as postgres
    1 difference from what is declared: 1 index on 1 table (database/indexes); `toysoldiers index adopt` declares what no file does, and `toysoldiers index apply --prune` takes it away
    note: people_name on people cannot be made on a twin of its table, so its expressions are compared as those of views: it hands on the whole row, or writes the schema before a column
    -- exit 0
    ");
    tool.run(&["index", "apply", "--prune", "--confirm", &database.name])
        .ok();
    let left = "select array_agg(indexrelid::regclass::text) from pg_index where indrelid = 'people'::regclass";
    assert_eq!(database.value(left), "{people_name}");
    database.sql("drop index people_name");
    tool.run(&["index", "apply"]).ok();
    assert_eq!(database.value(left), "{people_name}");
    tool.run(&["index", "status", "--check"]).ok();
}

#[test]
fn an_index_is_brought_into_its_tablespace() {
    let (database, tool) = with(&format!("{TABLE}create index i on t (id)"), &[]);
    let fast = format!("fast_{}", database.name);
    let session = database.session("set allow_in_place_tablespaces = on");
    session.sql(&format!("create tablespace {fast} location ''"));
    let file =
        format!("create index i on t (id) with (fillfactor = 90) tablespace {fast} where id > 0;");
    tool.write("database/indexes/t.sql", &file);
    tool.run(&["index", "apply", "--yes"]).ok();
    let place = "select spcname from pg_class c join pg_tablespace s on s.oid = c.reltablespace where relname = 'i'";
    assert_eq!(database.value(place), fast);
    tool.run(&["index", "status", "--check"]).ok();
    // A file that does not say leaves it where it is.
    tool.write(
        "database/indexes/t.sql",
        file.replace(&format!("tablespace {fast}"), ""),
    );
    tool.run(&["index", "status", "--check"]).ok();
    tool.write("database/indexes/t.sql", file.replace(&fast, "pg_default"));
    let tool = tool.hide(&fast, "FAST");
    assert_snapshot!(tool.run(&["index", "status"]), @"
    -- stdout
    ACTION  INDEX  TABLE  SIZE  DETAIL
    replace  i  t  8.2 kB  - tablespace FAST
                                   + tablespace pg_default
    -- stderr
    -> (url)  SOCKET/DB as postgres
    1 difference from what is declared: 1 index on 1 table (database/indexes); `toysoldiers index apply` mends it
    -- exit 0
    ");
    tool.run(&["index", "apply", "--yes"]).ok();
    assert_eq!(database.sql(place), [""; 0]);
    session.sql(&format!("drop tablespace {fast}"));
}

#[test]
#[allow(clippy::too_many_lines, reason = "transcripts are long")]
fn a_statement_that_does_not_belong_is_refused_with_what_to_write_instead() {
    let refusals: Vec<String> = [
        "create index concurrently i on t (id);",
        "create index if not exists i on t (id);",
        "create index on t (id, name desc);",
        "create index on t (lower(name));",
        "create index public.i on t (id);",
        "create index i_ccnew on t (id);",
        "create index i123456789012345678901234567890123456789012345678901234567890123 on t (id);",
        "create index i on t;",
        "create index i on content (id);",
        "create index i on t (id);\ncreate index i on t (name);",
        "drop index i;",
        "alter index i rename to j;",
        "reindex index i;",
        "comment on index i is 'x';",
        "alter table t add primary key (id);",
        "begin;",
        "set search_path = s;",
        "create table t (id int);",
        "\\d t",
        "create index i on t (id) where name = 'x;",
    ]
    .iter()
    .map(|text| told("", &[("t.sql", text)]))
    .collect();
    assert_snapshot!(refusals.join(""), @r"
    error: database/indexes/t.sql cannot be applied: CONCURRENTLY is not for an index file
      --> database/indexes/t.sql:1:14
         |
       1 | create index concurrently i on t (id);
         |              ^^^^^^^^^^^^
      note: nothing was changed
      hint: leave it out: `index apply` builds concurrently anyway
    error: database/indexes/t.sql cannot be applied: IF NOT EXISTS is not for an index file
      --> database/indexes/t.sql:1:14
         |
       1 | create index if not exists i on t (id);
         |              ^^^^^^^^^^^^^
      note: nothing was changed
      hint: leave it out: it is content with any index of this name, even an INVALID one; files are compared by meaning
    error: database/indexes/t.sql cannot be applied: this index has no name
      --> database/indexes/t.sql:1:14
         |
       1 | create index on t (id, name desc);
         |              ^^
      note: nothing was changed
      hint: name it: `create index t_id_name_idx on ...`
    error: database/indexes/t.sql cannot be applied: this index has no name
      --> database/indexes/t.sql:1:14
         |
       1 | create index on t (lower(name));
         |              ^^
      note: nothing was changed
      hint: name it: `create index TABLE_COLUMN_idx on ...`
    error: database/indexes/t.sql cannot be applied: the name of an index has no schema
      --> database/indexes/t.sql:1:14
         |
       1 | create index public.i on t (id);
         |              ^^^^^^^^
      note: nothing was changed
      hint: leave the schema out: an index is where its table is
    error: database/indexes/t.sql cannot be applied: names that end in _ccnew or _ccold are those of half-built indexes
      --> database/indexes/t.sql:1:14
         |
       1 | create index i_ccnew on t (id);
         |              ^^^^^^^
      note: nothing was changed
      hint: give it another name
    error: database/indexes/t.sql cannot be applied: this name is longer than 63 bytes, and PostgreSQL would cut it
      --> database/indexes/t.sql:1:14
         |
       1 | create index i123456789012345678901234567890123456789012345678901234567890123 on t (id);
         |              ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      note: nothing was changed
      hint: give it a shorter name
    error: database/indexes/t.sql cannot be applied: here should be the columns in parentheses, or USING and a method
      --> database/indexes/t.sql:1:20
         |
       1 | create index i on t;
         |                    ^
      note: nothing was changed
      hint: fix the file; psql has help: `\h`
    error: database/indexes/t.sql cannot be applied: this is an index of content, and the file is about t
      --> database/indexes/t.sql:1:19
         |
       1 | create index i on content (id);
         |                   ^^^^^^^
      note: nothing was changed
      hint: put it into database/indexes/content.sql
    error: database/indexes/t.sql cannot be applied: the index i is declared twice
      --> database/indexes/t.sql:2:14
         |
       2 | create index i on t (name);
         |              ^
      note: nothing was changed
      note: first in database/indexes/t.sql, line 1
      hint: give it another name, or remove one
    error: database/indexes/t.sql cannot be applied: DROP INDEX is not for an index file
      --> database/indexes/t.sql:1:1
         |
       1 | drop index i;
         | ^^^^^^^^^^^^
      note: nothing was changed
      hint: leave the index out of the file; `index apply --prune` drops it
    error: database/indexes/t.sql cannot be applied: ALTER INDEX is not for an index file
      --> database/indexes/t.sql:1:1
         |
       1 | alter index i rename to j;
         | ^^^^^^^^^^^^^^^^^^^^^^^^^
      note: nothing was changed
      hint: write the index as it is to be, with CREATE INDEX; `index apply` replaces the old one
    error: database/indexes/t.sql cannot be applied: REINDEX is not for an index file
      --> database/indexes/t.sql:1:1
         |
       1 | reindex index i;
         | ^^^^^^^^^^^^^^^
      note: nothing was changed
      hint: leave it out; `index rebuild` does it
    error: database/indexes/t.sql cannot be applied: COMMENT is not for an index file
      --> database/indexes/t.sql:1:1
         |
       1 | comment on index i is 'x';
         | ^^^^^^^^^^^^^^^^^^^^^^^^^
      note: nothing was changed
      hint: leave it out, and say it in a comment of the file: `-- ...`
    error: database/indexes/t.sql cannot be applied: ALTER TABLE is not for an index file
      --> database/indexes/t.sql:1:1
         |
       1 | alter table t add primary key (id);
         | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      note: nothing was changed
      hint: put it into a migration: constraints, and the indexes behind them, are made there
    error: database/indexes/t.sql cannot be applied: transaction control is not for an index file
      --> database/indexes/t.sql:1:1
         |
       1 | begin;
         | ^^^^^
      note: nothing was changed
      hint: leave it out: indexes are built one by one, outside of any transaction
    error: database/indexes/t.sql cannot be applied: a setting is not for an index file
      --> database/indexes/t.sql:1:1
         |
       1 | set search_path = s;
         | ^^^^^^^^^^^^^^^^^^^
      note: nothing was changed
      hint: leave it out, and qualify names that are not in public or extensions
    error: database/indexes/t.sql cannot be applied: this is not for an index file
      --> database/indexes/t.sql:1:1
         |
       1 | create table t (id int);
         | ^^^^^^^^^^^^^^^^^^^^^^^
      note: nothing was changed
      hint: put it into a migration; index files hold `create index NAME on TABLE (COLUMNS)` and nothing else
    error: database/indexes/t.sql cannot be applied: this is a command for psql
      --> database/indexes/t.sql:1:1
         |
       1 | \d t
         | ^^^^
      note: nothing was changed
      hint: leave it out: the file has to mean the same without psql
    error: database/indexes/t.sql cannot be applied: this string has no end
      --> database/indexes/t.sql:1:39
         |
       1 | create index i on t (id) where name = 'x;
         |                                       ^
      note: nothing was changed
      hint: close it where it ends
    ");
}

#[test]
fn what_the_server_is_too_old_for_is_said() {
    if major() >= 15 {
        return;
    }
    assert_snapshot!(told("", &[("t.sql", "create unique index i on t (id)\n  NULLS  not distinct;")]), @r#"
    error: database/indexes/t.sql cannot be applied
      caused by: syntax error at or near "NULLS"
      --> database/indexes/t.sql:2:3
         |
       2 |   NULLS  not distinct;
         |   ^^^^^
      note: nothing was changed
      hint: leave it out: NULLS NOT DISTINCT needs PostgreSQL 15
    "#);
}

#[test]
#[allow(clippy::too_many_lines, reason = "transcripts are long")]
fn an_index_that_cannot_be_is_refused_with_its_place() {
    let refusals: Vec<String> = [
        ("", "tt.sql", "-- é\ncreate index i on tt (id);"),
        ("create view v as select 1 as one", "v.sql", "create index i on v (one);"),
        ("", "t.sql", "create index i on t\n  (idd);"),
        ("", "t.sql", "create index i on t (id) where (name = );"),
        ("", "t.sql", "create index i on t using gin (id);"),
        ("", "t.sql", "create index i on t (name nosuch_ops);"),
        ("", "t.sql", "create index i on t (now());"),
        ("", "t.sql", "create index i on t (id, f(t));"),
        ("", "t.sql", "create index i on t (id) tablespace pg_defalt;"),
        ("", "t.sql", "create index i on t (id) with (fillfactor = 5);"),
        ("alter table t add constraint t_pk primary key (id)", "t.sql", "create unique index t_pk on t (id);"),
        ("create index i on content (title)", "t.sql", "create index i on t (id);"),
        ("create sequence i", "t.sql", "create index i on t (id);"),
        ("create table p (id int) partition by range (id); create table q partition of p default; create index i on p (id)", "q.sql", "create index q_id_idx on q (id);"),
    ]
    .iter()
    .map(|(there, name, text)| told(there, &[(name, text)]))
    .collect();
    assert_snapshot!(refusals.join(""), @r#"
    error: database/indexes/tt.sql cannot be applied: there is no table tt here
      --> database/indexes/tt.sql:2:19
         |
       2 | create index i on tt (id);
         |                   ^^
      note: nothing was changed
      hint: did you mean t? otherwise make it in a migration, and run `toysoldiers migrate up`
    error: database/indexes/v.sql cannot be applied: v is a view
      --> database/indexes/v.sql:1:19
         |
       1 | create index i on v (one);
         |                   ^
      note: nothing was changed
      hint: indexes are for tables and materialized views; declare it on the table below
    error: database/indexes/t.sql cannot be applied
      caused by: column "idd" does not exist
      --> database/indexes/t.sql:2:4
         |
       2 |   (idd);
         |    ^^^
      note: nothing was changed
      hint: fix the file
    error: database/indexes/t.sql cannot be applied
      caused by: syntax error at or near ")"
      --> database/indexes/t.sql:1:40
         |
       1 | create index i on t (id) where (name = );
         |                                        ^
      note: nothing was changed
      hint: fix the file
    error: database/indexes/t.sql cannot be applied
      caused by: data type integer has no default operator class for access method "gin"
      --> database/indexes/t.sql:1:27
         |
       1 | create index i on t using gin (id);
         |                           ^^^
      note: nothing was changed
      hint: You must specify an operator class for the index or define a default operator class for the data type; fix the file
    error: database/indexes/t.sql cannot be applied
      caused by: operator class "nosuch_ops" does not exist for access method "btree"
      --> database/indexes/t.sql:1:27
         |
       1 | create index i on t (name nosuch_ops);
         |                           ^^^^^^^^^^
      note: nothing was changed
      hint: fix the file
    error: database/indexes/t.sql cannot be applied
      caused by: functions in index expression must be marked IMMUTABLE
      --> database/indexes/t.sql:1:14
         |
       1 | create index i on t (now());
         |              ^
      note: nothing was changed
      hint: fix the file
    error: database/indexes/t.sql cannot be applied
      caused by: function f(t) does not exist
      --> database/indexes/t.sql:1:26
         |
       1 | create index i on t (id, f(t));
         |                          ^
      note: nothing was changed
      hint: fix the file: a function has to be in the search path, or qualified
    error: database/indexes/t.sql cannot be applied: there is no tablespace pg_defalt on this server
      --> database/indexes/t.sql:1:26
         |
       1 | create index i on t (id) tablespace pg_defalt;
         |                          ^^^^^^^^^^^^^^^^^^^^
      note: nothing was changed
      hint: did you mean pg_default?
    error: database/indexes/t.sql cannot be applied
      caused by: value 5 out of bounds for option "fillfactor"
      --> database/indexes/t.sql:1:32
         |
       1 | create index i on t (id) with (fillfactor = 5);
         |                                ^^^^^^^^^^
      note: nothing was changed
      note: Valid values are between "10" and "100".
      hint: fix the file
    error: database/indexes/t.sql cannot be applied: t_pk is the index behind the constraint t_pk
      --> database/indexes/t.sql:1:21
         |
       1 | create unique index t_pk on t (id);
         |                     ^^^^
      note: nothing was changed
      hint: leave it out: constraints, and the indexes behind them, belong to migrations
    error: database/indexes/t.sql cannot be applied: i is an index of content
      --> database/indexes/t.sql:1:14
         |
       1 | create index i on t (id);
         |              ^
      note: nothing was changed
      hint: give it another name, or drop that one in a migration
    error: database/indexes/t.sql cannot be applied: i is a sequence
      --> database/indexes/t.sql:1:14
         |
       1 | create index i on t (id);
         |              ^
      note: nothing was changed
      hint: give the index another name
    error: database/indexes/q.sql cannot be applied: q_id_idx is a part of the index i of p
      --> database/indexes/q.sql:1:14
         |
       1 | create index q_id_idx on q (id);
         |              ^^^^^^^^
      note: nothing was changed
      hint: leave it out: what is declared of p is made on each partition
    "#);
}

#[test]
fn no_files_are_an_error_and_other_places_can_be_named() {
    let (_database, tool) = with(TABLE, &[]);
    std::fs::create_dir_all(tool.path().join("empty")).unwrap();
    assert_snapshot!(tool.run(&["index", "status", "--indexes", "empty"]), @"
    -- stderr
    error: there is no index file in empty
      hint: write one a table, such as content.sql, or name another folder with `--indexes`
      hint: have what the database has written into files, with `toysoldiers index adopt`
    -- exit 4
    ");
    let database = Database::migrated();
    let tool = Tool::new().hiding(&database).env("TOYSOLDIERS_ENV", "shop");
    tool.write(
        "toysoldiers.toml",
        format!(
            "[indexes]\ndir = \"mine\"\n[env.shop]\nurl = \"{}\"\n",
            database.url()
        ),
    );
    tool.write(
        "mine/tips.sql",
        "create index tips_status on tips (status);",
    );
    assert_eq!(steps(&tool), ["create tips_status on tips"]);
    tool.write("others/users.sql", "-- none");
    tool.run(&["index", "status", "--indexes", "others", "--check"])
        .ok();
}

/// The platform's own files, as psql would run them.
fn platform() -> String {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("database/indexes");
    let files = std::fs::read_dir(folder).unwrap();
    files
        .map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap())
        .collect()
}

#[test]
fn the_platforms_own_indexes_are_plain_sql_and_then_nothing_differs_and_the_audit_is_content() {
    let database = Database::secured();
    let tool = Tool::new().on(&database);
    tool.run(&["index", "status", "--check"]).code(3);
    database.sql(&platform());
    let status = tool.run(&["index", "status", "--check"]).ok();
    assert_snapshot!(status, @"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    as declared: 13 indexes on 6 tables (embedded in toysoldiers 0.1.0)
    -- exit 0
    ");
    let audit = tool.run(&["policy", "audit", "-o", "json"]).ok().json();
    let mut waived = Vec::new();
    for finding in audit.as_array().unwrap() {
        let check = finding["check"].as_str().unwrap();
        // Nobody has asked anything yet.
        assert!(
            !check.contains("unindexed") && check != "duplicate-index",
            "{finding}"
        );
        if check == "index-not-leakproof" {
            waived.push(format!("{} {}", finding["level"], finding["object"]));
        }
    }
    assert_eq!(waived, ["\"waived\" \"public.content_tags_idx\""]);
}

#[test]
fn a_replica_lists_indexes_and_compares_none() {
    let replica = Replica::new();
    let primary = Database::on(replica.primary());
    primary.migrate();
    let copy = replica.database(&primary);
    let tool = Tool::new().on(&copy);
    let list = tool.run(&["index", "list", "-o", "json"]).ok().json();
    assert_eq!(list["indexes"].as_array().unwrap().len(), 9);
    assert_snapshot!(tool.run(&["index", "status"]).stderr, @"
    -> (url)  SOCKET/DB as postgres
    error: this is a replica: indexes are compared on temporary tables, which only the primary can make
      note: `index list` only reads, and works here
      hint: name the primary
    ");
}

#[test]
fn a_pooler_in_transaction_mode_lists_and_does_not_compare() {
    let database = Database::migrated();
    let bouncer = Bouncer::transaction(&database);
    let tool = Tool::new().at(&bouncer.url()).hiding(&database);
    let list = tool.run(&["index", "list", "-o", "json"]).ok().json();
    assert_eq!(list["indexes"].as_array().unwrap().len(), 9);
    tool.run(&["index", "status"]).code(6);
}

#[test]
fn whoever_may_not_make_temporary_tables_is_told() {
    let (database, tool) = with(TABLE, &[("t.sql", "create index i on t (id);")]);
    let role = format!("{}_clerk", database.name);
    database.sql(&format!("create role {role} login"));
    let tool = tool.on_as(&database, &role);
    assert_snapshot!(tool.run(&["index", "status"]).stderr.lines().skip(1).collect::<Vec<_>>().join("\n"), @"
    error: indexes are compared on temporary tables, and t cannot get one
      caused by: permission denied for table t
      note: nothing was changed
      hint: connect as a role that may read the tables and make temporary ones: grant select on them, and temporary on the database
    ");
    database.sql(&format!("drop role {role}"));
}

#[test]
fn nothing_stays_of_a_comparison() {
    let (database, tool) = with(TABLE, &[("t.sql", "create index i on t (id);")]);
    let count = "select count(*) from pg_class";
    let before = database.value(count);
    steps(&tool);
    assert_eq!(database.value(count), before);
}
