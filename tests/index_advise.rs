//! `index advise`: every kind of advice, both ways: it finds what is planted and keeps quiet about what only looks like it.

use std::collections::BTreeSet;

use insta::assert_snapshot;
use serde_json::Value;

use crate::support::tool::Outcome;
use crate::support::version::{has_hypopg, major, since};
use crate::support::{Bouncer, Database, Replica, Tool};

/// What the platform declares.
const DECLARED: [&str; 4] = [
    include_str!("../database/indexes/analytics_views.sql"),
    include_str!("../database/indexes/comments.sql"),
    include_str!("../database/indexes/content.sql"),
    include_str!("../database/indexes/tips.sql"),
];

/// The platform's schema with its policies and indexes.
fn clean() -> Database {
    let database = Database::secured();
    build(&database);
    database
}

fn build(database: &Database) {
    for file in DECLARED {
        database.sql(file);
    }
}

/// All advice.
fn advice(tool: &Tool, args: &[&str]) -> Vec<Value> {
    let args = [&["index", "advise", "-o", "json"], args].concat();
    let document = tool.run(&args).ok().json();
    document["advice"].as_array().unwrap().clone()
}

/// The objects and the weights of one kind of advice about what is not declared by the platform.
fn found(database: &Database, kind: &str, args: &[&str]) -> BTreeSet<String> {
    let advice = advice(&Tool::new().on(database), args);
    advice
        .iter()
        .filter(|advice| advice["kind"] == kind)
        .map(|advice| {
            let word = |key: &str| advice[key].as_str().unwrap().to_owned();
            format!("{} {}", word("weight"), word("object"))
        })
        .collect()
}

fn expect(database: &Database, kind: &str, args: &[&str], objects: &[&str]) {
    let objects = objects.iter().map(|object| (*object).to_owned()).collect();
    assert_eq!(found(database, kind, args), objects, "{kind}");
}

#[test]
fn the_platforms_own_indexes_need_no_advice() {
    let database = clean();
    let outcome = Tool::new()
        .on(&database)
        .run(&["index", "advise", "--check", "-o", "json"])
        .ok();
    let document = outcome.json();
    let kinds: BTreeSet<&str> = document["advice"]
        .as_array()
        .unwrap()
        .iter()
        .map(|advice| advice["kind"].as_str().unwrap())
        .collect();
    // Tags are searched by a function that policies do not bind.
    assert_eq!(
        kinds,
        BTreeSet::from(["too-early-to-tell", "useless-under-rls"])
    );
    assert!(document["counted"]["seconds"].as_i64().unwrap() >= 0);
}

#[test]
fn people_read_what_speaks_for_it_and_which_file_to_change() {
    let database = Database::secured();
    database.sql(
        "create table public.t (id bigint primary key, a int);
         create index t_a on t (a);
         create index t_a_again on t (a);
         create table public.u (id int references public.t)",
    );
    let tool = Tool::new().on(&database);
    tool.write(
        "database/indexes/t.sql",
        "create index t_a_again on t (a);\ncreate index t_a\n  on t (a);\n",
    );
    let text = tool.run(&["index", "advise"]).ok().stdout;
    let own: Vec<&str> = text
        .split("\n\n")
        .filter(|advice| {
            advice.contains("t_a") && !advice.contains("too early") || advice.contains("public.u ")
        })
        .collect();
    assert_snapshot!(own.join("\n\n"), @"
    warning: public.t_a is the same: btree (a); used 0 times, this one 0 [duplicate]
      --> database/indexes/t.sql:1:14
         |
       1 | create index t_a_again on t (a);
         |              ^^^^^^^^^
      size: 8.2 kB
      why: Each write pays for both, and queries use one of them.
      do: remove it from database/indexes/t.sql; `toysoldiers index apply --prune` drops it then
      sql: drop index concurrently public.t_a_again

    warning: no index begins with id: a row deleted from public.t reads about 0 rows [foreign-key]
      --> constraint u_id_fkey on public.u (database/indexes/u.sql)
      size: 0 B
      do: declare an index in database/indexes/u.sql, with a name; `toysoldiers index apply` builds it
      sql: create index on public.u (id)
    ");
}

#[test]
fn check_ends_with_3_only_for_what_has_to_be_mended() {
    let database = clean();
    let check = |code| {
        let tool = Tool::new().on(&database);
        tool.run(&["index", "advise", "--check"]).code(code)
    };
    check(0);
    database.sql("create index again on tips (from_user)");
    check(3);
    Tool::new().on(&database).run(&["index", "advise"]).ok();
    let outcome = Tool::new()
        .on(&database)
        .run(&["index", "advise", "-o", "github"])
        .ok();
    assert!(
        outcome
            .stdout
            .contains("::warning file=database/indexes/tips.sql,title=duplicate::public.again: "),
        "{outcome}"
    );
}

#[test]
fn of_indexes_that_are_the_same_one_goes() {
    let database = clean();
    database.sql(
        "create table public.t (id bigint primary key, a text, b text, tags text[], geo point);
         create index plain on t (a);
         create index plain_again on t using btree (a asc nulls last);
         create index id_again on t (id);
         create index expression on t (lower(a)) where b is not null;
         create index expression_again on t (lower(a)) where (b is not null);
         create index tags on t using gin (tags);
         create index tags_again on t using gin (tags)",
    );
    expect(
        &database,
        "duplicate",
        &[],
        &[
            "warning public.expression_again",
            "warning public.id_again",
            "warning public.plain_again",
            "warning public.tags_again",
        ],
    );
}

#[test]
fn what_differs_in_one_thing_is_not_the_same() {
    let database = clean();
    database.sql(
        "create table public.t (id bigint primary key, a text, b text, tags text[]);
         create table public.u (a text);
         create index plain on t (a);
         create index other_table on u (a);
         create index pattern on t (a text_pattern_ops);
         create index collated on t (a collate \"POSIX\");
         create index downwards on t (a desc);
         create index nulls on t (a nulls first);
         create index hashed on t using hash (a);
         create index partial on t (a) where b is null;
         create index partly on t (a) where b is not null;
         create index expression on t (upper(a));
         create index brin_small on t using brin (b) with (pages_per_range = 4);
         create index brin_large on t using brin (b) with (pages_per_range = 64);
         create unique index unique_b on t (b);
         alter table t add constraint b_key unique (b)",
    );
    expect(&database, "duplicate", &[], &[]);
    expect(&database, "covered", &[], &[]);
}

#[test]
fn the_shorter_of_two_that_begin_alike_goes() {
    let database = clean();
    database.sql(
        "create table public.t (id bigint primary key, a int, b int, c int);
         create index short on t (a);
         create index carrying on t (a) include (c);
         create index long on t (a, b) include (c);
         create index backwards on t (b, a);
         create unique index alone on t (c);
         create index c_and_a on t (c, a);
         create index other_order on t (b desc, c);
         create index partial on t (b) where c > 0",
    );
    expect(
        &database,
        "covered",
        &[],
        &["warning public.carrying", "warning public.short"],
    );
}

#[test]
fn parts_of_a_partitioned_index_stay() {
    let database = clean();
    database.sql(
        "create table public.t (day date, a int) partition by range (day);
         create table public.t_2026 partition of t for values from ('2026-01-01') to ('2027-01-01');
         create index t_a on t (a);
         create index t_a_day on t (a, day);
         create index own on t_2026 (a)",
    );
    expect(&database, "covered", &[], &["warning public.t_a"]);
    expect(&database, "duplicate", &[], &["warning public.own"]);
    let advice = advice(&Tool::new().on(&database), &[]);
    let parent = advice
        .iter()
        .find(|advice| advice["object"] == "public.t_a")
        .unwrap();
    // The server cannot drop one of a partitioned table concurrently.
    assert_eq!(parent["sql"], "drop index public.t_a");
}

#[test]
fn a_foreign_key_needs_an_index_on_all_rows() {
    let database = clean();
    database.sql(
        "create table public.p (a int, b int, primary key (a, b));
         create table public.bare (a int, b int, constraint bare_fkey foreign key (a, b) references p);
         create table public.half (a int, b int, constraint half_fkey foreign key (a, b) references p);
         create index on half (a);
         create table public.partly (a int, b int, gone bool, constraint partly_fkey foreign key (a, b) references p);
         create index partly_idx on partly (a, b) where not gone;
         create table public.late (a int, b int, c int, constraint late_fkey foreign key (a, b) references p);
         create index on late (c, a, b);
         create table public.broken (a int, b int, constraint broken_fkey foreign key (a, b) references p);
         create index broken_idx on broken (a, b);
         update pg_index set indisvalid = false where indexrelid = 'broken_idx'::regclass;
         create table public.turned (a int, b int, c int, foreign key (a, b) references p);
         create index on turned (b, a, c);
         create table public.present (a int, b int, foreign key (a, b) references p);
         create index on present (a, b) where a is not null and b is not null;
         create table public.hashed (id uuid references users);
         create index on hashed using hash (id);
         create table public.known (id uuid primary key references users)",
    );
    expect(
        &database,
        "foreign-key",
        &[],
        &[
            "warning constraint bare_fkey on public.bare",
            "warning constraint broken_fkey on public.broken",
            "warning constraint half_fkey on public.half",
            "warning constraint late_fkey on public.late",
            "warning constraint partly_fkey on public.partly",
        ],
    );
    let advice = advice(&Tool::new().on(&database), &[]);
    let of = |name: &str| {
        let advice = advice.iter().find(|advice| {
            advice["kind"] == "foreign-key" && advice["table"] == format!("public.{name}")
        });
        let advice = advice.unwrap();
        format!(
            "{}\n{}\n{}",
            advice["evidence"], advice["sql"], advice["file"]
        )
    };
    assert_snapshot!(of("partly"), @r#"
    "no index begins with a, b: a row deleted from public.p reads about 0 rows; partly_idx leaves out rows, so it does not count"
    "create index on public.partly (a, b)"
    "database/indexes/partly.sql"
    "#);
    assert_snapshot!(of("broken"), @r#"
    "no index begins with a, b: a row deleted from public.p reads about 0 rows; broken_idx is not valid, so it does not count"
    "create index on public.broken (a, b)"
    "database/indexes/broken.sql"
    "#);
}

#[test]
fn what_a_failed_build_leaves_is_an_error_if_writes_pay_for_it() {
    let database = clean();
    database.sql(
        "create table public.t (id bigint primary key, a int, b int, c int);
         insert into t values (1, 1, 1, 1), (2, 1, 1, 1);
         create index t_b on t (b);
         create index t_c_ccnew1 on t (c);
         create index t_valid_ccnew on t (a);
         update pg_index set indisvalid = false where indexrelid in ('t_b'::regclass, 't_c_ccnew1'::regclass)",
    );
    database.refusal("create unique index concurrently t_a on t (a)");
    expect(
        &database,
        "invalid",
        &[],
        &[
            "error public.t_b",
            "error public.t_c_ccnew1",
            "warning public.t_a",
        ],
    );
    let advice = advice(&Tool::new().on(&database), &[]);
    let remedies: Vec<String> = advice
        .iter()
        .filter(|advice| advice["kind"] == "invalid")
        .map(|advice| {
            format!(
                "{}: {}\n{}",
                advice["object"], advice["evidence"], advice["remedy"]
            )
        })
        .collect();
    assert_snapshot!(remedies.join("\n"), @r#"
    "public.t_b": "left over from a build that did not come to its end: every write keeps it up to date, and no query uses it"
    "drop it; no file declares it"
    "public.t_c_ccnew1": "left over from a build that did not come to its end: every write keeps it up to date, and no query uses it"
    "drop it: REINDEX CONCURRENTLY made it and left it behind"
    "public.t_a": "left over from a build that did not come to its end: it takes room, and nothing uses it"
    "drop it; no file declares it"
    "#);
}

#[test]
fn a_declared_leftover_is_built_again_by_apply() {
    let database = clean();
    database.sql(
        "update pg_index set indisvalid = false, indisready = false
         where indexrelid = 'tips_to_creator_idx'::regclass",
    );
    let advice = advice(&Tool::new().on(&database), &[]);
    let own = advice
        .iter()
        .find(|advice| advice["kind"] == "invalid")
        .unwrap();
    let remedy = own["remedy"].as_str().unwrap();
    assert!(
        remedy.ends_with(" index apply`, which drops it and builds it again"),
        "{remedy}"
    );
}

#[test]
fn what_is_being_built_is_no_leftover_even_for_those_who_may_not_see_who_builds() {
    let database = clean();
    let poor = format!("{}_poor", database.name);
    database.sql(&format!(
        "create role {poor} login; create table public.t (a int)"
    ));
    let writer = database.session("begin; insert into t values (1)");
    let builder = {
        let database = database.clone();
        std::thread::spawn(move || database.sql("create index concurrently t_a on t (a)"))
    };
    database.wait_until(
        "select exists (select from pg_stat_progress_create_index where index_relid = to_regclass('t_a'))",
    );
    let evidence = |tool: &Tool| {
        let advice = advice(tool, &[]);
        let own = advice
            .iter()
            .find(|advice| advice["kind"] == "invalid")
            .unwrap();
        assert_eq!(own["weight"], "note");
        tool.redact(own["evidence"].as_str().unwrap())
    };
    assert_snapshot!(evidence(&Tool::new().on(&database)), @"it is being built right now, by pid PID");
    assert_snapshot!(evidence(&Tool::new().on_as(&database, &poor)), @"another role builds something on its table right now, and this role may not see what: it may be this index");
    drop(writer);
    builder.join().unwrap();
    expect(&database, "invalid", &[], &[]);
}

#[test]
fn an_index_on_a_partitioned_table_says_which_parts_are_missing() {
    let database = clean();
    database.sql(
        "create table public.t (day date, a int) partition by range (day);
         create table public.t_2026 partition of t for values from ('2026-01-01') to ('2027-01-01');
         create table public.t_2027 partition of t for values from ('2027-01-01') to ('2028-01-01');
         create index t_a on only t (a);
         create index t_2026_a on t_2026 (a);
         alter index t_a attach partition t_2026_a",
    );
    let advice = advice(&Tool::new().on(&database), &[]);
    let own: Vec<&Value> = advice
        .iter()
        .filter(|advice| advice["kind"] == "invalid")
        .collect();
    assert_eq!(own.len(), 1, "{own:?}");
    assert_eq!(own[0]["object"], "public.t_a");
    assert_eq!(
        own[0]["evidence"],
        "these partitions have no valid part of it: public.t_2027"
    );
}

#[test]
fn an_index_that_bound_roles_cannot_use_says_who_can() {
    let database = clean();
    let name = database.name.clone();
    database.sql(&format!(
        "create role {name}_owner; create role {name}_reader; create role {name}_free bypassrls;
         create table public.t (id uuid primary key, tags text[], amount numeric, day date);
         alter table t owner to {name}_owner;
         alter table t enable row level security;
         create policy own on t for select to {name}_reader using (id = (select app.current_user_id()));
         grant select on t to {name}_reader, {name}_free;
         create index t_tags on t using gin (tags);
         create index t_amount on t (amount);
         create index t_day on t (day);
         create table public.open (tags text[]);
         grant select on open to {name}_reader;
         create index open_tags on open using gin (tags)"
    ));
    expect(
        &database,
        "useless-under-rls",
        &[],
        &[
            "note public.content_tags_idx",
            "note public.t_amount",
            "note public.t_tags",
        ],
    );
    let advice = advice(&Tool::new().on(&database), &[]);
    let own = advice
        .iter()
        .find(|advice| advice["object"] == "public.t_tags")
        .unwrap();
    let evidence = own["evidence"].as_str().unwrap();
    assert_snapshot!(evidence.replace(&name, "DB"), @"DB_reader cannot use this gin index; these can, and security definer functions of theirs: superusers, DB_free, DB_owner");
    // A policy that hides nothing has nothing to leak.
    database.sql("alter policy own on t using (true)");
    expect(
        &database,
        "useless-under-rls",
        &[],
        &["note public.content_tags_idx"],
    );
}

/// Two indexes of more than 1 MB: one mostly empty, one full.
fn sparse(database: &Database) {
    database.sql(
        "create table public.t (id bigint, a int, b int);
         insert into t select i, i, i from generate_series(1, 60000) i;
         create index t_a on t (a);
         delete from t where id % 5 <> 0;
         create table public.u (a int);
         insert into u select i from generate_series(1, 60000) i;
         create index u_a on u (a);
         create index u_small on u (a) where a < 100",
    );
    database.sql("vacuum t");
}

#[test]
fn how_full_an_index_is_is_measured() {
    let database = clean();
    sparse(&database);
    database
        .sql("create schema \"Odd schema\"; create extension pgstattuple schema \"Odd schema\"");
    expect(&database, "low-density", &[], &["note public.t_a"]);
    expect(&database, "not-measurable", &[], &[]);
    let advice = advice(&Tool::new().on(&database), &[]);
    let own = advice
        .iter()
        .find(|advice| advice["kind"] == "low-density")
        .unwrap();
    assert_snapshot!(own["evidence"].as_str().unwrap(), @"its pages are 18 % full, as measured; a rebuild fills them to 90 % and gives back about 1 MB");
    assert_eq!(own["sql"], "reindex index concurrently public.t_a");
    database.sql("reindex index t_a");
    expect(&database, "low-density", &[], &[]);
}

#[test]
fn where_nothing_can_be_measured_nothing_is_estimated() {
    let database = clean();
    // Nothing that is worth it.
    expect(&database, "not-measurable", &[], &[]);
    sparse(&database);
    expect(&database, "low-density", &[], &[]);
    expect(
        &database,
        "not-measurable",
        &[],
        &["note density of indexes"],
    );
    let of = |tool: &Tool| {
        let advice = advice(tool, &[]);
        let own = advice
            .iter()
            .find(|advice| advice["kind"] == "not-measurable")
            .unwrap();
        let text = format!("{}\n{}\n{}", own["evidence"], own["remedy"], own["sql"]);
        text.replace(&database.name, "DB")
    };
    assert_snapshot!(of(&Tool::new().on(&database)), @r#"
    "how full the 2 btree indexes of 1 MB and more are is not measurable: this database has not got the extension pgstattuple"
    "create the extension, on the primary"
    "create extension pgstattuple"
    "#);
    let poor = format!("{}_poor", database.name);
    database.sql(&format!(
        "create role {poor} login; create extension pgstattuple"
    ));
    let tool = Tool::new().on_as(&database, &poor);
    assert_snapshot!(of(&tool), @r#"
    "how full the 2 btree indexes of 1 MB and more are is not measurable: the role DB_poor may not call pgstatindex"
    "ask as another role, or have the right granted"
    "grant pg_stat_scan_tables to \"DB_poor\"; grant usage on schema \"public\" to \"DB_poor\""
    "#);
    database.sql(&format!("grant pg_stat_scan_tables to {poor}"));
    let measured = advice(&tool, &[]);
    assert!(
        measured
            .iter()
            .any(|advice| advice["kind"] == "low-density")
    );
}

#[test]
fn an_index_that_cannot_be_measured_is_told_and_the_others_are_measured() {
    let database = clean();
    sparse(&database);
    database.sql(
        "create extension pgstattuple;
         alter function pgstatindex(regclass) rename to measure;
         create function pgstatindex(named regclass, out index_size bigint, out leaf_pages bigint, out empty_pages bigint,
             out deleted_pages bigint, out avg_leaf_density float8) language plpgsql set search_path = public as $$
         begin
             if named = 'u_a'::regclass then raise 'it is being rebuilt' using errcode = '55P03'; end if;
             select m.index_size, m.leaf_pages, m.empty_pages, m.deleted_pages, m.avg_leaf_density from measure(named) m
             into index_size, leaf_pages, empty_pages, deleted_pages, avg_leaf_density;
         end $$",
    );
    expect(&database, "low-density", &[], &["note public.t_a"]);
    expect(&database, "not-measurable", &[], &["note public.u_a"]);
    let advice = advice(&Tool::new().on(&database), &[]);
    let own = advice
        .iter()
        .find(|advice| advice["kind"] == "not-measurable")
        .unwrap();
    assert_snapshot!(format!("{}\n{}", own["evidence"], own["remedy"]), @r#"
    "how full it is could not be measured: it is being rebuilt"
    "another session holds a lock; try again when it is done, or wait longer with `--lock-timeout`"
    "#);
}

/// A table that is read often, by one of its indexes.
fn busy(database: &Database) {
    database.sql(
        "create table public.t (id bigint primary key, a int unique, b int, c int, d int, e uuid references users, day date);
         insert into t select i, i, i, i, i from generate_series(1, 1000) i;
         create index t_b on t (b);
         create index t_c on t (c);
         create index t_e on t (e);
         create index t_lower on t ((d + 1));
         create unique index t_d on t (d)",
    );
    database.sql(
        "set enable_seqscan = off;
         do $$ begin for i in 1..150 loop perform from t where b = i; end loop; end $$",
    );
}

#[test]
fn what_nobody_used_is_unused_once_the_counters_have_counted_long_enough() {
    let database = clean();
    busy(&database);
    let unused = |args: &[&str]| -> Vec<String> {
        let found = found(&database, "unused", args).into_iter();
        found
            .filter(|object| object.contains("public.t_"))
            .collect()
    };
    assert_eq!(
        unused(&["--since", "0"]),
        ["note public.t_lower", "warning public.t_c"]
    );
    assert_eq!(
        unused(&["--since", "0", "--foreign-keys"]),
        [
            "note public.t_e",
            "note public.t_lower",
            "warning public.t_c"
        ]
    );
    let tool = Tool::new().on(&database);
    let all = advice(&tool, &["--since", "0", "--foreign-keys"]);
    let evidence = |name: &str| {
        let own = all.iter().find(|advice| advice["object"] == name).unwrap();
        let text = tool.redact(own["evidence"].as_str().unwrap());
        let (before, rest) = text.split_once('(').unwrap();
        let (_, after) = rest.split_once(')').unwrap();
        // PostgreSQL 14 does not tell whether it was reset.
        let began = if major() < 15 {
            "the counters began"
        } else {
            "the server started"
        };
        assert!(before.contains(began), "{text}");
        format!("{before}(AGE){after}").replace(began, "IT BEGAN")
    };
    assert_snapshot!(evidence("public.t_c"), @"not used once since TIME, when IT BEGAN (AGE), while its table was read 157 times; this server only: replicas count for themselves");
    assert_snapshot!(evidence("public.t_e"), @"not used once since TIME, when IT BEGAN (AGE), while its table was read 157 times; this server only: replicas count for themselves; t_e_fkey needs it when a row goes on the other side");
    assert_snapshot!(evidence("public.t_lower"), @"not used once since TIME, when IT BEGAN (AGE), while its table was read 157 times; this server only: replicas count for themselves; the planner may need what it knows about its expression");
    // Seven days, unless somebody says otherwise.
    assert_eq!(unused(&[]), [""; 0]);
    let all = advice(&tool, &[]);
    let own = all
        .iter()
        .find(|advice| advice["kind"] == "too-early-to-tell")
        .unwrap();
    let evidence = own["evidence"].as_str().unwrap();
    assert!(
        evidence.starts_with("too early to tell: the counters have counted since "),
        "{evidence}"
    );
    assert!(
        evidence.contains("public.t_c, public.t_lower"),
        "{evidence}"
    );
}

#[test]
fn a_reset_begins_the_counting_anew() {
    if !since(15) {
        return;
    }
    let database = clean();
    let counted = || {
        let outcome = Tool::new()
            .on(&database)
            .run(&["index", "advise", "-o", "json"]);
        outcome.ok().json()["counted"]["was_reset"]
            .as_bool()
            .unwrap()
    };
    assert!(!counted());
    database.sql("select pg_stat_reset()");
    assert!(counted());
}

#[test]
fn a_large_table_that_is_often_read_whole_is_named_with_the_columns_that_are_compared() {
    let database = clean();
    database.sql(
        "create table public.t (id bigint primary key, owner uuid, other uuid references users, a int);
         alter table t enable row level security;
         create policy own on t using (owner = (select app.current_user_id()));
         insert into t (id, a) select i, i % 10 from generate_series(1, 12000) i;
         create table public.small (a int);
         insert into small select i from generate_series(1, 100) i;
         create table public.seldom (a int);
         insert into seldom select i from generate_series(1, 12000) i",
    );
    database.sql(
        "do $$ begin
             for i in 1..110 loop
                 perform count(*) from t where a = i;
                 perform count(*) from small where a = i;
             end loop;
             perform count(*) from seldom;
         end $$",
    );
    // Version 14 counts a little later.
    database.wait_until(
        "select bool_and(seq_scan >= case relname when 'seldom' then 1 else 110 end) and count(*) = 3
         from pg_stat_user_tables where relname in ('t', 'small', 'seldom')",
    );
    expect(&database, "sequential-scans", &[], &["note public.t"]);
    let advice = advice(&Tool::new().on(&database), &[]);
    let own = advice
        .iter()
        .find(|advice| advice["kind"] == "sequential-scans")
        .unwrap();
    let evidence = own["evidence"].as_str().unwrap();
    assert!(
        evidence.starts_with("read from end to end 11"),
        "{evidence}"
    );
    assert!(
        evidence
            .ends_with("compared without an index: (other) by t_other_fkey, (owner) by policy own"),
        "{evidence}"
    );
    database.sql("create index on t (owner); create index on t (other)");
    let advice = self::advice(&Tool::new().on(&database), &[]);
    let own = advice
        .iter()
        .find(|advice| advice["kind"] == "sequential-scans")
        .unwrap();
    let evidence = own["evidence"].as_str().unwrap();
    assert!(
        evidence.ends_with("every column that foreign keys and policies compare has an index"),
        "{evidence}"
    );
}

#[test]
fn anybody_may_ask_also_through_a_pooler() {
    let database = clean();
    database.sql("create index again on tips (from_user)");
    let poor = format!("{}_poor", database.name);
    database.sql(&format!("create role {poor} login"));
    let bouncer = Bouncer::transaction(&database);
    let kinds = |tool: &Tool| {
        let advice = advice(tool, &["--since", "0"]);
        let kinds = advice.iter().map(|advice| {
            let word = |key: &str| advice[key].as_str().unwrap().to_owned();
            (word("kind"), word("object"))
        });
        kinds.collect::<Vec<_>>()
    };
    let direct = kinds(&Tool::new().on(&database));
    assert!(direct.contains(&("duplicate".to_owned(), "public.again".to_owned())));
    assert_eq!(kinds(&Tool::new().on_as(&database, &poor)), direct);
    assert_eq!(kinds(&Tool::new().at(&bouncer.url())), direct);
}

#[test]
fn what_is_used_on_the_replica_alone_is_used() {
    let replica = Replica::new();
    let primary = Database::on(replica.primary());
    busy(&{
        primary.migrate();
        primary.clone()
    });
    let copy = replica.database(&primary);
    copy.sql(
        "set enable_seqscan = off;
         do $$ begin for i in 1..100 loop perform from t where c = i; end loop; end $$",
    );
    let alone = found(&primary, "unused", &["--since", "0"]);
    assert!(alone.contains("warning public.t_c"), "{alone:?}");
    let tool = Tool::new()
        .hiding(&primary)
        .hide(&copy.server.socket.display().to_string(), "REPLICA")
        .env("TOYSOLDIERS_ENV", "shop");
    let configure = |url: &str| {
        tool.write(
            "toysoldiers.toml",
            format!(
                "[env.shop]\nurl = \"{}\"\n[env.shop.replica]\nurl = \"{url}\"\nmax_lag = \"10s\"\n",
                primary.url()
            ),
        );
    };
    configure(&copy.url());
    let unused = |advice: &[Value]| -> Vec<String> {
        let unused = advice.iter().filter(|advice| advice["kind"] == "unused");
        unused
            .map(|advice| advice["object"].as_str().unwrap().to_owned())
            .collect()
    };
    let both = advice(&tool, &["--since", "0"]);
    assert_eq!(unused(&both), ["public.t_lower"]);
    let own = both
        .iter()
        .find(|advice| advice["kind"] == "unused")
        .unwrap();
    let evidence = own["evidence"].as_str().unwrap();
    assert!(
        tool.redact(evidence).contains(
            "this server and its replica REPLICA/DB as postgres: others count for themselves"
        ),
        "{evidence}"
    );
    // Asked alone, a replica tells what it can; whether something is being built it cannot.
    primary.sql("update pg_index set indisvalid = false where indexrelid = 't_b'::regclass");
    replica.catch_up();
    expect(&copy, "invalid", &[], &["note public.t_b"]);
    expect(&primary, "invalid", &[], &["error public.t_b"]);
    if has_hypopg() {
        primary.sql("create extension hypopg; analyze t");
        replica.catch_up();
        assert_eq!(
            helping(&copy, "select * from t where day = '2026-01-01'"),
            ["create index on public.t (day)"]
        );
    }
    configure("postgresql://postgres@/nowhere?host=/nonexistent");
    let outcome = tool
        .run(&["index", "advise", "--since", "0", "-o", "json"])
        .ok();
    assert!(
        outcome.stderr.contains("only the primary is asked"),
        "{outcome}"
    );
}

#[test]
fn what_makes_no_sense_is_refused() {
    let database = Database::empty();
    let run = |args: &[&str]| {
        let args = [&["index", "advise"], args].concat();
        Tool::new().on(&database).run(&args).code(2)
    };
    assert_snapshot!(run(&["--since", "soon"]).stderr, @"
    error: invalid value 'soon' for '--since <TIME>': write a number with its unit: 12h, 7d, 2w, or 0

    For more information, try '--help'.
    ");
    run(&["--since", "-7d"]);
    run(&["--query", "select 1", "--check"]);
    run(&["--query", "select 1", "-o", "sarif"]);
    assert_snapshot!(run(&["--query", " ;"]).stderr, @"
    error: there is no query
      hint: write it behind `--query`, or pipe it in with `--query -`
    ");
}

/// A table of some size, and hypopg if there is such a thing.
fn bench() -> Option<Database> {
    if !has_hypopg() {
        return None;
    }
    let database = clean();
    database.sql("create schema \"Odd schema\"; create extension hypopg schema \"Odd schema\"");
    database.sql(
        "create table public.t (id bigint primary key, a int, b int, \"Odd name\" text, made timestamptz, doc json);
         insert into t select i, i % 100, i, 'x' || i, now(), '{}' from generate_series(1, 20000) i;
         analyze t",
    );
    Some(database)
}

fn query(database: &Database, sql: &str) -> Outcome {
    let tool = Tool::new().on(database);
    tool.run(&["index", "advise", "--query", sql, "-o", "json"])
}

/// The statements that would help, the best first.
fn helping(database: &Database, sql: &str) -> Vec<String> {
    let document = query(database, sql).ok().json();
    let candidates = document["candidates"].as_array().unwrap().iter();
    candidates
        .map(|candidate| candidate["sql"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn indexes_that_are_not_there_are_tried_on_a_query_that_is_not_run() {
    let Some(database) = bench() else {
        return;
    };
    assert_eq!(
        helping(&database, "select * from t where \"Odd name\" = 'x5'"),
        ["create index on public.t (\"Odd name\")"]
    );
    // Two columns where they are better than either.
    assert_eq!(
        helping(
            &database,
            "select id from t where a = 7 order by b limit 3;"
        )[0],
        "create index on public.t (a, b)"
    );
    // The order that is wanted.
    assert!(
        helping(&database, "select * from t order by a, b desc limit 3")
            .contains(&"create index on public.t (a, b desc)".to_owned())
    );
    // A column that another table is joined by.
    assert_eq!(
        helping(
            &database,
            "select t.* from t join (select 7 as n offset 0) one on one.n = t.b"
        ),
        ["create index on public.t (b)"]
    );
    // It is there already, or nothing helps, or it has no order.
    for sql in [
        "select * from t where id = 7",
        "select * from t",
        "select count(*) from t where a >= 0",
        "select * from t where doc is not null",
        "select 1",
    ] {
        assert_eq!(helping(&database, sql), [""; 0], "{sql}");
    }
    let tool = Tool::new()
        .on(&database)
        .input("delete from t\nwhere b = 7;\n");
    let outcome = tool.run(&["index", "advise", "--query", "-"]).ok();
    assert_snapshot!(outcome, @"
    -- stdout
    SQL  COST  WITHOUT  SIZE  FILE
    create index on public.t (b)  8.05  417.00  516 kB  database/indexes/t.sql
    -- stderr
    -> (url)  SOCKET/DB as postgres
    tried 1 index that is not there; as things are the planner's cost is 417.00; declare one in its file, with a name, and `toysoldiers index apply` builds it
    -- exit 0
    ");
    assert_eq!(database.value("select count(*) from t"), "20000");
    assert_eq!(
        database.value("select count(*) from pg_indexes where tablename = 't'"),
        "1"
    );
}

#[test]
fn a_query_that_cannot_be_planned_says_where() {
    let Some(database) = bench() else {
        return;
    };
    let told = |sql: &str| query(&database, sql).code(1).error_json().to_string();
    let show = |sql: &str| {
        let tool = Tool::new().on(&database);
        tool.run(&["index", "advise", "--query", sql])
            .code(1)
            .stderr
    };
    assert_snapshot!(show("select *\nfrom tt\nwhere a = 1"), @r#"
    -> (url)  SOCKET/DB as postgres
    error: the query cannot be planned
      caused by: relation "tt" does not exist
      --> --query:2:6
         |
       2 | from tt
         |      ^
      note: it was not run
      hint: check the names; `toysoldiers psql` shows what there is
    "#);
    assert_snapshot!(show("selekt 1"), @r#"
    -> (url)  SOCKET/DB as postgres
    error: the query cannot be planned
      caused by: syntax error at or near "selekt"
      --> --query:1:1
         |
       1 | selekt 1
         | ^
      note: it was not run
      hint: name one statement as it is written in SQL
    "#);
    assert!(told("select 1; delete from t").contains("cannot insert multiple commands"));
    assert!(told("analyze delete from t").contains("syntax error"));
    assert!(told("(analyze) delete from t").contains("syntax error"));
    assert!(told("drop table t").contains("syntax error"));
    assert!(
        told("select * from t where b = $1").contains("put a value in the place of each parameter")
    );
    assert_eq!(database.value("select count(*) from t"), "20000");
}

#[test]
fn partitions_are_tried_together_and_the_table_is_named() {
    let Some(database) = bench() else {
        return;
    };
    database.sql(
        "create table public.p (day date, a int) partition by range (day);
         create table public.p_1 partition of p for values from ('2026-01-01') to ('2027-01-01');
         create table public.p_2 partition of p for values from ('2027-01-01') to ('2028-01-01');
         insert into p select date '2026-01-01' + i % 700, i from generate_series(1, 20000) i;
         analyze p",
    );
    let outcome = query(&database, "select * from p where a = 7").ok().json();
    let candidates = outcome["candidates"].as_array().unwrap();
    assert_eq!(candidates.len(), 1, "{outcome}");
    assert_eq!(candidates[0]["sql"], "create index on public.p (a)");
    assert_eq!(candidates[0]["file"], "database/indexes/p.sql");
}

#[test]
fn costs_of_tables_nobody_analyzed_are_said_to_mean_little() {
    let Some(database) = bench() else {
        return;
    };
    database.sql("create table public.fresh as select i as a from generate_series(1, 5000) i");
    let outcome = query(&database, "select * from fresh where a = 7").ok();
    assert!(
        outcome
            .stderr
            .contains("costs mean little: never analyzed: public.fresh"),
        "{outcome}"
    );
}

#[test]
fn nothing_is_left_in_a_session_that_a_pooler_lends_to_others() {
    let Some(database) = bench() else {
        return;
    };
    let bouncer = Bouncer::start(
        &database,
        &["pool_mode = transaction", "default_pool_size = 1"],
    );
    // Somebody else's, which must not count either.
    crate::support::server::sql(
        &bouncer.socket,
        &database.name,
        "select * from \"Odd schema\".hypopg_create_index('create index on t (b)')",
    );
    let tool = Tool::new().at(&bouncer.url());
    let outcome = tool
        .run(&[
            "index",
            "advise",
            "--query",
            "select * from t where b = 7",
            "-o",
            "json",
        ])
        .ok();
    let document = outcome.json();
    assert_eq!(
        document["candidates"][0]["sql"],
        "create index on public.t (b)"
    );
    let left = crate::support::server::sql(
        &bouncer.socket,
        &database.name,
        "select count(*) from \"Odd schema\".hypopg()",
    );
    assert_eq!(left, ["0"]);
}

#[test]
fn without_hypopg_it_says_what_to_install() {
    let database = clean();
    let outcome = Tool::new()
        .on(&database)
        .run(&["index", "advise", "--query", "select 1"])
        .code(1);
    let (told, hint) = outcome.stderr.trim_end().rsplit_once('\n').unwrap();
    assert_snapshot!(told, @"
    -> (url)  SOCKET/DB as postgres
    error: this database has not got the extension hypopg
      note: indexes that are not there can only be tried with it; the query was not planned
    ");
    let what = if has_hypopg() {
        "run `create extension hypopg` on the primary, as a role that may".to_owned()
    } else {
        format!(
            "install the package postgresql-{}-hypopg on the server, then run `create extension hypopg` there",
            major()
        )
    };
    assert_eq!(hint, format!("  hint: {what}"));
}
