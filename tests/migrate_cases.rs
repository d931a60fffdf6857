//! SQL that is easy to get wrong: the files in `cases`, whole dumps, and rows that travel with a migration.

use std::fmt::Write;
use std::path::Path;
use std::process::Command;

use insta::assert_snapshot;

use crate::migrate::with;
use crate::support::server::bin;
use crate::support::version::understands;
use crate::support::{Database, Server, Setup, Tool};

/// What makes a file run by itself.
const DIRECTIVE: &str = "-- toysoldiers: no-transaction\n";

fn bytes(case: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    std::fs::read(folder.join(format!("{case}.sql"))).unwrap()
}

/// The text as it is hashed.
fn text(case: &str) -> String {
    let text = String::from_utf8(bytes(case)).unwrap();
    text.trim_start_matches('\u{feff}').replace("\r\n", "\n")
}

/// A file as the only migration of a database in which something was made before.
fn case(case: &str, before: &str) -> (Database, Tool) {
    let (database, tool) = with(&[]);
    database.sql(before);
    tool.write(&format!("database/migrations/{case}.sql"), bytes(case));
    (database, tool)
}

/// Runs all that is pending; how many statements the last one holds.
fn statements(tool: &Tool) -> u64 {
    let outcome = tool.run(&["migrate", "up", "-o", "json"]).ok();
    let applied = outcome.json()["applied"].as_array().unwrap().clone();
    applied.last().unwrap()["statements"].as_u64().unwrap()
}

/// Nothing of it is there, and nothing says that it ran.
fn nothing_was_kept(database: &Database) {
    let tables = "select count(*) from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace";
    assert_eq!(database.value(tables), "0");
    if database.value("select to_regclass('toysoldiers.history') is not null") == "t" {
        let history = "select count(*) from toysoldiers.history";
        assert_eq!(database.value(history), "0");
    }
}

/// Files that run as they are: what has to be there before, how many statements they hold, and what is there then.
const RUN: [(&str, &str, u64, &str); 18] = [
    ("01_dollar", "", 2, "to_regprocedure('f()') is not null"),
    ("02_do", "", 2, "count(*) = 1 from pg_roles where rolname = 'x'"),
    ("03_atomic", "", 2, "add1(1) = 3"),
    ("04_comments", "", 1, "true"),
    (
        "05_crlf",
        "",
        2,
        "count(*) = 0 from a, b",
    ),
    ("06_bom", "", 1, "count(*) = 0 from a"),
    ("07_empty", "", 0, "true"),
    ("08_comment_only", "", 0, "true"),
    (
        "10_copy",
        "create table a(id int)",
        2,
        "array_agg(id) = '{1,2}' from a",
    ),
    (
        "11_estring",
        "create table t(\"weird;\"\"col\" int)",
        2,
        "true",
    ),
    ("12_nosemi", "", 2, "true"),
    (
        "14_policy",
        "create schema auth;
         create function auth.uid() returns uuid language sql as 'select null::uuid';
         create table content(creator_id uuid);
         do $$ begin create role authenticated; exception when duplicate_object or unique_violation then null; end $$",
        3,
        "relrowsecurity and relforcerowsecurity and exists (select from pg_policies where policyname = 'p') from pg_class where relname = 'content'",
    ),
    (
        "17_rule",
        "create table t(i int); create table l(i int)",
        2,
        "count(*) = 1 from pg_rules where rulename = 'r'",
    ),
    (
        "18_unicode",
        "",
        2,
        "pg_get_expr(adbin, adrelid) = '''日本;語''::text' from pg_attrdef where adrelid = '\"créateur\"'::regclass",
    ),
    (
        "20_merge15",
        "create table t(id int, v text); create table s(id int, v text);
         insert into t values (1, 'old'); insert into s values (1, 'new'), (2, 'more')",
        1,
        "string_agg(id || v, ' ' order by id) = '1new 2more' from t",
    ),
    (
        "21_security_invoker",
        "",
        1,
        "reloptions = '{security_invoker=true}' from pg_class where relname = 'v'",
    ),
    ("22_begincommit", "", 1, "count(*) = 0 from a"),
    ("24_semi_only", "", 0, "true"),
];

#[test]
fn what_is_tricky_runs_and_is_remembered_as_it_is() {
    for (name, before, count, question) in RUN {
        if !understands(&text(name)) {
            continue;
        }
        let (database, tool) = case(name, before);
        assert_eq!(statements(&tool), count, "{name}");
        assert_eq!(database.value(&format!("select {question}")), "t", "{name}");
        let runs = database.sql("select outcome, sql, count(*) over () from toysoldiers.runs");
        assert_eq!(runs, [format!("done|{}|1", text(name))], "{name}");
        // The rows behind the file are as good as those of any other.
        tool.write(&format!("database/migrations/{name}.sql"), text(name));
        assert_eq!(
            tool.run(&["migrate", "up", "-o", "json"]).ok().json()["applied"],
            serde_json::json!([]),
            "{name}"
        );
    }
    Database::empty().sql("drop role x");
}

#[test]
fn line_ends_and_a_byte_order_mark_change_no_hash() {
    for name in ["05_crlf", "06_bom"] {
        let hash = |bytes: &[u8]| {
            let (database, tool) = with(&[]);
            tool.write(&format!("database/migrations/{name}.sql"), bytes);
            tool.run(&["migrate", "up"]).ok();
            database.value("select checksum from toysoldiers.history")
        };
        let plain = text(name);
        assert_ne!(bytes(name), plain.as_bytes());
        assert_eq!(hash(&bytes(name)), hash(plain.as_bytes()), "{name}");
    }
}

#[test]
fn commands_for_psql_run_nothing() {
    let (database, tool) = case("09_psql_meta", "");
    assert_snapshot!(tool.run(&["migrate", "up"]), @r"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    error: database/migrations/09_psql_meta.sql cannot be applied
      caused by: this is a command for psql, which a migration cannot hold
      --> database/migrations/09_psql_meta.sql:1:1
         |
       1 | \set ON_ERROR_STOP on
         | ^^^^^^^^^^^^^^^^^^^^^
      note: nothing was run
      note: and 1 more; `toysoldiers migrate check` lists them
      hint: write it in SQL, or remove it
    -- exit 1
    ");
    nothing_was_kept(&database);
}

#[test]
fn errors_of_syntax_have_their_place_and_nothing_is_kept() {
    let (database, tool) = case("15_syntaxerr", "");
    assert_snapshot!(tool.run(&["migrate", "up"]), @r#"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    error: migration 15_syntaxerr.sql failed
      caused by: syntax error at or near "CREAT"
      --> database/migrations/15_syntaxerr.sql:2:1
         |
       2 | CREAT TABLE b(id int);
         | ^^^^^
      note: nothing of 15_syntaxerr was kept; no migration is applied
      hint: fix the file and run `toysoldiers migrate up` again
    -- exit 1
    "#);
    nothing_was_kept(&database);
    let (database, tool) = case("25_unterminated", "");
    assert_snapshot!(tool.run(&["migrate", "up"]), @"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    error: database/migrations/25_unterminated.sql cannot be applied
      caused by: this dollar-quoted string has no end
      --> database/migrations/25_unterminated.sql:1:8
         |
       1 | SELECT $$abc;
         |        ^
      note: nothing was run
      hint: end it
    -- exit 1
    ");
    nothing_was_kept(&database);
}

#[test]
fn a_parameter_is_the_servers_error_and_a_name_with_dollars_is_a_name() {
    let (database, tool) = case("19_param_like", "create table t(a$b$c int)");
    assert_snapshot!(tool.run(&["migrate", "up"]), @"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    error: migration 19_param_like.sql failed
      caused by: there is no parameter $1
      --> database/migrations/19_param_like.sql:1:8
         |
       1 | SELECT $1, a$b$c FROM t; SELECT 1;
         |        ^^
      note: nothing of 19_param_like was kept; no migration is applied
      hint: fix the file and run `toysoldiers migrate up` again
    -- exit 1
    ");
    assert_eq!(
        database.value("select count(*) from toysoldiers.history"),
        "0"
    );
    let fixed = text("19_param_like").replace("$1, ", "");
    tool.write("database/migrations/19_param_like.sql", fixed);
    assert_eq!(statements(&tool), 2);
}

#[test]
fn a_procedure_that_commits_is_refused_and_runs_without_a_transaction() {
    let (database, tool) = case("16_proc_tx", "");
    assert_snapshot!(tool.run(&["migrate", "up"]), @"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    error: migration 16_proc_tx.sql failed
      caused by: invalid transaction termination
      --> database/migrations/16_proc_tx.sql:2:1
         |
       2 | CALL p();
         | ^^^^^^^^
      note: in PL/pgSQL function p() line 1 at COMMIT
      note: nothing of 16_proc_tx was kept; no migration is applied
      hint: put it into a file of its own that begins with `-- toysoldiers: no-transaction`
    -- exit 1
    ");
    assert_eq!(database.value("select to_regproc('p') is null"), "t");
    let freed = format!("{DIRECTIVE}{}", text("16_proc_tx"));
    tool.write("database/migrations/16_proc_tx.sql", freed);
    assert_eq!(statements(&tool), 2);
}

#[test]
fn what_a_function_must_not_do_is_no_matter_of_the_directive() {
    let text = format!(
        "{DIRECTIVE}create function f() returns void language plpgsql as $$ begin execute 'vacuum'; end $$;\nselect f();\n"
    );
    let (_, tool) = with(&[("001_a.sql", &text)]);
    assert_snapshot!(tool.run(&["migrate", "up"]), @r#"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    error: migration 001_a.sql failed
      caused by: VACUUM cannot run inside a transaction block
      --> database/migrations/001_a.sql:3:1
         |
       3 | select f();
         | ^^^^^^^^^^
      note: in SQL statement "vacuum"
            PL/pgSQL function f() line 1 at EXECUTE
      note: 1 of 2 statements of 001_a are done and stay; no migration is applied
      note: the next `migrate up` goes on with statement 2
      hint: fix the file and run `toysoldiers migrate up` again
    -- exit 1
    "#);
}

#[test]
fn an_index_built_concurrently_wants_the_directive() {
    let (database, tool) = case("13_concurrently", "create table content(tags text[])");
    assert_snapshot!(tool.run(&["migrate", "up"]), @"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    error: database/migrations/13_concurrently.sql cannot be applied
      caused by: CREATE INDEX CONCURRENTLY cannot run in a transaction
      --> database/migrations/13_concurrently.sql:1:1
         |
       1 | CREATE INDEX CONCURRENTLY IF NOT EXISTS ix ON content USING gin (tags);
         | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      note: nothing was run
      hint: put it into a file of its own that begins with `-- toysoldiers: no-transaction`
    -- exit 1
    ");
    let freed = format!("{DIRECTIVE}{}", text("13_concurrently"));
    tool.write("database/migrations/13_concurrently.sql", freed);
    assert_eq!(statements(&tool), 1);
    let valid = "select indisvalid from pg_index where indexrelid = 'ix'::regclass";
    assert_eq!(database.value(valid), "t");
}

#[test]
fn what_the_server_refuses_in_the_middle_is_put_right_and_goes_on() {
    // The last statement is about the whole server.
    let server = Server::start(&Setup::new());
    let database = Database::on(&server);
    database.sql("create table content(id int); create type mood as enum ('y')");
    let tool = Tool::new().on(&database);
    let file = "database/migrations/23_vacuum.sql";
    tool.write(file, bytes("23_vacuum"));
    assert_snapshot!(tool.run(&["migrate", "up"]), @"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    error: database/migrations/23_vacuum.sql cannot be applied
      caused by: VACUUM cannot run in a transaction
      --> database/migrations/23_vacuum.sql:1:1
         |
       1 | VACUUM ANALYZE content;
         | ^^^^^^^^^^^^^^^^^^^^^^
      note: nothing was run
      note: and 1 more; `toysoldiers migrate check` lists them
      hint: put it into a file of its own that begins with `-- toysoldiers: no-transaction`
    -- exit 1
    ");
    let freed = format!("{DIRECTIVE}{}", text("23_vacuum"));
    tool.write(file, &freed);
    assert_snapshot!(tool.run(&["migrate", "up"]), @r#"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    error: migration 23_vacuum.sql failed
      caused by: unrecognized configuration parameter "x"
      --> database/migrations/23_vacuum.sql:4:1
         |
       4 | ALTER SYSTEM SET x=1;
         | ^^^^^^^^^^^^^^^^^^^^
      note: 2 of 3 statements of 23_vacuum are done and stay; no migration is applied
      note: the next `migrate up` goes on with statement 3
      hint: fix the file and run `toysoldiers migrate up` again
    -- exit 1
    "#);
    tool.write(file, freed.replace("SET x=1", "SET work_mem='5MB'"));
    assert_snapshot!(tool.run(&["migrate", "up"]), @"
    -- stdout
    applied 23_vacuum (3 statements, DURATION)
    -- stderr
    -> (url)  SOCKET/DB as postgres
    23_vacuum: 2 of 3 statements are done; going on with statement 3
    applied 1 migration in DURATION (database/migrations); the database is at 23_vacuum
    -- exit 0
    ");
    assert_eq!(
        database.value(
            "select string_agg(e.enumlabel::text, ' ' order by e.enumsortorder), min(s.setting)
             from pg_enum e, pg_file_settings s where s.name = 'work_mem'"
        ),
        "y x|5MB"
    );
}

#[test]
fn transaction_control_that_is_no_plain_pair_is_refused() {
    let wrapped = text("22_begincommit");
    for (other, line) in [
        (format!("{wrapped}create table b();\nrollback;\n"), 1),
        (wrapped.replace("COMMIT", "ROLLBACK"), 1),
        (wrapped.replace("BEGIN", "BEGIN READ ONLY"), 1),
        (
            wrapped.replace("COMMIT;", "SAVEPOINT s;\nCOMMIT;\nCOMMIT;"),
            1,
        ),
        (
            format!(
                "select 1;\n{}",
                wrapped.replace("BEGIN", "BEGIN READ WRITE")
            ),
            2,
        ),
        (format!("{DIRECTIVE}{wrapped}"), 2),
    ] {
        let (database, tool) = with(&[("001_a.sql", &other)]);
        let outcome = tool.run(&["migrate", "up", "-o", "json"]).code(1);
        let error = &outcome.error_json()["error"];
        assert_eq!(error["excerpt"]["line"], line, "{other}{outcome}");
        assert_eq!(error["notes"][0], "nothing was run", "{other}");
        nothing_was_kept(&database);
    }
}

#[test]
fn what_fails_inside_a_wrapped_file_is_at_its_place_and_nothing_is_kept() {
    let (database, tool) = with(&[(
        "001_a.sql",
        "-- größer\nBEGIN;\ncreate table a(id int);\ninsert into a values ('日本' || nothing);\nCOMMIT;\n",
    )]);
    assert_snapshot!(tool.run(&["migrate", "up"]), @r#"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    error: migration 001_a.sql failed
      caused by: column "nothing" does not exist
      --> database/migrations/001_a.sql:4:31
         |
       4 | insert into a values ('日本' || nothing);
         |                                 ^^^^^^^
      note: nothing of 001_a was kept; no migration is applied
      hint: fix the file and run `toysoldiers migrate up` again
    -- exit 1
    "#);
    nothing_was_kept(&database);
}

/// psql on this database with a file.
fn psql(database: &Database, file: &Path) {
    let output = Command::new(bin().join("psql"))
        .args(["-X", "-q", "-1", "-v", "ON_ERROR_STOP=1", "-f"])
        .arg(file)
        .arg(database.url())
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
}

/// Rows in which all that can be escaped is, a page and more.
fn escaped_rows(count: usize) -> String {
    let mut rows = String::new();
    for number in 0..count {
        let value = match number % 9 {
            0 => "\\N",
            1 => "",
            2 => "tab\\tnewline\\nreturn\\rbackslash\\\\N",
            3 => "a\\\\.b",
            4 => "\\x41\\102;'$$ \"quoted\" -- no comment",
            5 => "日本語 é \u{1f600}",
            6 => "\\\\.",
            7 => " blanks  ",
            _ => "/* ; begin; commit; \\\\i x",
        };
        let _ = writeln!(rows, "{number}\t{value}");
    }
    rows
}

#[test]
fn rows_arrive_byte_for_byte_as_with_psql() {
    let (database, tool) = with(&[]);
    let other = Database::empty();
    let file = tool.write(
        "database/migrations/001_rows.sql",
        format!(
            "create table a(id int, t text);\n\
             create table b(id int, t text);\n\
             copy a (id, t) from stdin;\n{}\\.\n\
             -- nothing of it\n\
             COPY a FROM STDIN WITH (FORMAT text);\n\\.\n\n\
             copy b from stdin with (format csv, header);\n\
             id,t\n1,\"quoted, \"\"twice\"\"\nand on the next line\"\n2,\n3,\"\"\n4,\\N\n5,日本\n\\.\n\
             insert into b select 6, 'after ' || count(*) from a;\n\
             copy b (t, id) from stdin (delimiter '|', null 'nil');\nlast|7\nnil|8\n\\.\n",
            escaped_rows(20_000)
        ),
    );
    assert_eq!(statements(&tool), 7);
    psql(&other, &file);
    let all = "select 'a', count(*), count(t), md5(string_agg(id || ' ' || coalesce(t, 'null'), ',' order by id)) from a union all
               select 'b', count(*), count(t), md5(string_agg(id || ' ' || coalesce(t, 'null'), ',' order by id)) from b order by 1";
    let rows = database.sql(all);
    assert!(rows[0].starts_with("a|20000|17777|"), "{rows:?}");
    assert!(rows[1].starts_with("b|8|"), "{rows:?}");
    assert_eq!(rows, other.sql(all));
}

#[test]
fn a_bad_row_is_shown_where_it_is_and_nothing_is_kept() {
    let rows = escaped_rows(40_000);
    let (database, tool) = with(&[(
        "001_a.sql",
        &format!(
            "create table a(id int, t text);\ncopy a from stdin;\n1\tfine\n2\tfine\nzwölf\tis no number\n{rows}\\.\ncreate table b();\n"
        ),
    )]);
    // There is a lot behind it that the server has not read yet.
    assert_snapshot!(tool.run(&["migrate", "up"]), @r#"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    error: migration 001_a.sql failed
      caused by: invalid input syntax for type integer: "zwölf"
      --> database/migrations/001_a.sql:5:1
         |
       5 | zwölf	is no number
         | ^^^^^^^^^^^^^^^^^^
      note: in COPY a, line 3, column id: "zwölf"
      note: nothing of 001_a was kept; no migration is applied
      hint: fix the file and run `toysoldiers migrate up` again
    -- exit 1
    "#);
    nothing_was_kept(&database);
    tool.write(
        "database/migrations/001_a.sql",
        "create table a(id int, t text);\ncopy a from stdin with csv header;\nid,t\n1,fine\n2,\"too\nmany\",columns\n\\.\n",
    );
    assert_snapshot!(tool.run(&["migrate", "up"]), @r#"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    error: migration 001_a.sql failed
      caused by: extra data after last expected column
      --> database/migrations/001_a.sql:6:1
         |
       6 | many",columns
         | ^^^^^^^^^^^^^
      note: in COPY a, line 4: "2,"too
            many",columns"
      note: nothing of 001_a was kept; no migration is applied
      hint: fix the file and run `toysoldiers migrate up` again
    -- exit 1
    "#);
    nothing_was_kept(&database);
    tool.write(
        "database/migrations/001_a.sql",
        "create table a(id int primary key);\ncopy a from stdin;\n1\n2\n\\.\ncopy a from stdin;\n3\n1\n\\.\n",
    );
    assert_snapshot!(tool.run(&["migrate", "up"]), @r#"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    error: migration 001_a.sql failed
      caused by: duplicate key value violates unique constraint "a_pkey"
      --> database/migrations/001_a.sql:8:1
         |
       8 | 1
         | ^
      note: Key (id)=(1) already exists.
      note: in COPY a, line 2
      note: nothing of 001_a was kept; no migration is applied
      hint: fix the file and run `toysoldiers migrate up` again
    -- exit 1
    "#);
    nothing_was_kept(&database);
    tool.write(
        "database/migrations/001_a.sql",
        "create table a(id int);\ncopy a (id, nothing) from stdin;\n1\t2\n\\.\n",
    );
    assert_snapshot!(tool.run(&["migrate", "up"]), @r#"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    error: migration 001_a.sql failed
      caused by: column "nothing" of relation "a" does not exist
      --> database/migrations/001_a.sql:2:1
         |
       2 | copy a (id, nothing) from stdin;
         | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      note: nothing of 001_a was kept; no migration is applied
      hint: fix the file and run `toysoldiers migrate up` again
    -- exit 1
    "#);
    nothing_was_kept(&database);
}

#[test]
fn a_bad_row_without_a_transaction_keeps_what_was_done_before() {
    let text = format!(
        "{DIRECTIVE}create table a(id int);\ncopy a from stdin;\n1\n\\.\ncopy a from stdin;\n2\nthree\n\\.\n"
    );
    let (database, tool) = with(&[("001_a.sql", &text)]);
    assert_snapshot!(tool.run(&["migrate", "up"]), @r#"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    error: migration 001_a.sql failed
      caused by: invalid input syntax for type integer: "three"
      --> database/migrations/001_a.sql:8:1
         |
       8 | three
         | ^^^^^
      note: in COPY a, line 2, column id: "three"
      note: 2 of 3 statements of 001_a are done and stay; no migration is applied
      note: the next `migrate up` goes on with statement 3
      hint: fix the file and run `toysoldiers migrate up` again
    -- exit 1
    "#);
    assert_eq!(database.value("select array_agg(id) from a"), "{1}");
    tool.write("database/migrations/001_a.sql", text.replace("three", "3"));
    tool.run(&["migrate", "up"]).ok();
    assert_eq!(database.value("select array_agg(id) from a"), "{1,2,3}");
}

#[test]
fn what_cannot_be_committed_without_a_transaction_is_the_statements_fault() {
    let text = format!(
        "{DIRECTIVE}create table a(id int primary key, up int references a deferrable initially deferred);\n\
         insert into a values (1, 2);\n"
    );
    let (database, tool) = with(&[("001_a.sql", &text)]);
    assert_snapshot!(tool.run(&["migrate", "up"]), @r#"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    error: migration 001_a.sql failed
      caused by: insert or update on table "a" violates foreign key constraint "a_up_fkey"
      note: Key (up)=(2) is not present in table "a".
      note: the file ran, but what it leaves cannot be committed
      note: 1 of 2 statements of 001_a are done and stay; no migration is applied
      note: the next `migrate up` goes on with statement 2
      hint: fix the file and run `toysoldiers migrate up` again
    -- exit 1
    "#);
    tool.write(
        "database/migrations/001_a.sql",
        text.replace("(1, 2)", "(1, 1)"),
    );
    tool.run(&["migrate", "up"]).ok();
    assert_eq!(database.value("select up from a"), "1");
}

/// A dump of the platform's database as a file of SQL, rows included. Our own tables are every database's own.
fn dump(database: &Database) -> String {
    let output = Command::new(bin().join("pg_dump"))
        .args(["--exclude-schema", "toysoldiers"])
        .arg(database.url())
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// Every table and how many rows it has.
fn counts(database: &Database) -> Vec<String> {
    database.sql(
        "select format('%I.%I', schemaname, tablename) as name,
                (xpath('/row/n/text()', query_to_xml(format('select count(*) as n from %I.%I', schemaname, tablename), false, true, '')))[1]
         from pg_tables where schemaname not in ('pg_catalog', 'information_schema', 'toysoldiers') order by 1",
    )
}

#[test]
fn a_whole_dump_is_a_migration_and_the_next_one_finds_its_tables() {
    let original = Database::seeded();
    let text = dump(&original);
    assert!(text.contains("\n\\restrict ") && text.contains("\nCOPY public."));
    assert!(text.contains("set_config('search_path', '', false)"));
    let (database, tool) = with(&[
        ("001_dump.sql", &text),
        (
            "002_after.sql",
            "alter table tips add column note text;\nupdate users set updated_at = updated_at where false;\n",
        ),
    ]);
    let outcome = tool.run(&["migrate", "up", "-o", "json"]).ok();
    assert_eq!(outcome.json()["applied"].as_array().unwrap().len(), 2);
    let rows = counts(&database);
    assert!(
        rows.len() > 4 && rows.iter().any(|row| !row.ends_with("|0")),
        "{rows:?}"
    );
    assert_eq!(rows, counts(&original));
    database.sql("alter table tips drop column note");
    // Whatever differs from one dump to the next is the key behind `\restrict`.
    let plain = |text: &str| -> Vec<String> {
        let lines = text.lines().filter(|line| !line.contains("restrict "));
        lines.map(str::to_owned).collect()
    };
    assert_eq!(plain(&dump(&database)), plain(&text));
}

#[test]
fn a_dump_of_an_old_client_is_a_migration_too() {
    let (database, tool) = with(&[(
        "001_dump.sql",
        "SET client_encoding = 'UTF8';\nSET standard_conforming_strings = off;\n\
         SELECT pg_catalog.set_config('search_path', '', false);\n\
         CREATE TABLE public.a (t text);\nCOPY public.a (t) FROM stdin;\nit''s \\\\ and \\t\n\\.\n\n\
         SELECT E'a\\'b', 'c''d';\n",
    )]);
    tool.run(&["migrate", "up"]).ok();
    assert_eq!(database.value("select t from a"), "it''s \\ and \t");
    let kept = database.value("select sql from toysoldiers.runs");
    let file = tool.path().join("database/migrations/001_dump.sql");
    assert_eq!(kept, std::fs::read_to_string(file).unwrap());
}
