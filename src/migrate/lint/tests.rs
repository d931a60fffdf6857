//! What squawk's rules find, and what we leave alone of it; what files allow and configurations deny.

use proptest::prelude::*;

use super::*;

/// Findings of a file as `line:column rule`, in order; notes too.
pub(super) fn found(text: &str) -> Vec<String> {
    found_with(text, &[])
}

fn found_with(text: &str, denied: &[&'static Rule]) -> Vec<String> {
    let sheet = Sheet {
        path: "f.sql".into(),
        text: text.into(),
    };
    let mut reading = Reading::of(sheet, Wanted::All(denied));
    let mut made = Made::default();
    made.add(&mut reading);
    let findings = reading.findings(&made, Wanted::All(denied)).into_iter();
    findings
        .map(|finding| {
            let place = finding.place.expect("has a place");
            let level = match finding.level {
                Level::Warning => String::new(),
                level => format!(" ({})", level.word()),
            };
            format!("{}:{} {}{level}", place.line, place.column, finding.rule)
        })
        .collect()
}

#[track_caller]
pub(super) fn finds(text: &str, expected: &[&str]) {
    assert_eq!(found(text), expected, "{text}");
}

pub(super) const SECURE: &str = "alter table t enable row level security;";

#[test]
fn what_waits_for_locks_is_found_once() {
    finds(
        "create index on t (a);",
        &["1:1 require-concurrent-index-creation"],
    );
    finds(
        "alter table t add constraint c check (a > 0);",
        &["1:15 constraint-missing-not-valid"],
    );
    finds(
        "alter table t add constraint f foreign key (a) references u; create index on t (a);",
        &[
            "1:19 adding-foreign-key-constraint",
            "1:62 require-concurrent-index-creation",
        ],
    );
    finds(
        "alter table t add constraint k unique (a);",
        &["1:19 disallowed-unique-constraint"],
    );
    finds(
        "alter table t add constraint k primary key (a);",
        &["1:19 adding-serial-primary-key-field"],
    );
    finds(
        "alter table t alter column a type bigint;",
        &["1:30 changing-column-type"],
    );
    finds(
        "alter table t add column b text not null;",
        &["1:15 adding-required-field"],
    );
    finds(
        "alter table t add column b uuid default gen_random_uuid();",
        &["1:41 adding-field-with-default"],
    );
}

#[test]
fn what_hurts_nobody_is_not_found() {
    // Nothing has to be read to prove a key that is null everywhere.
    finds(
        "alter table t add column u_id uuid references u;",
        &["1:36 unindexed-foreign-key"],
    );
    // What the file itself made.
    finds(
        &format!(
            "create table t (a text);{SECURE} create index on t (a); alter table t drop column a; alter table t alter column a type uuid using a::uuid; drop table t;"
        ),
        &[],
    );
    // Dropped and made again.
    finds(
        "drop view if exists v; create view v with (security_invoker) as select a from t;",
        &[],
    );
    finds(
        "drop function if exists public.f(int); create function f(a int) returns int language sql as $$ select 1 $$;",
        &[],
    );
    finds(
        "drop view v, w; create view v with (security_invoker) as select a from t;",
        &["1:1 ban-drop-view"],
    );
    // Seconds do not run out as keys do.
    finds(
        &format!(
            "create table t (id bigint primary key, seconds integer, flags smallint);{SECURE}"
        ),
        &[],
    );
    // A transaction of its own, and timeouts, are the runner's business.
    finds("alter table t add column b text;", &[]);
}

#[test]
fn advice_is_a_note() {
    finds(
        &format!(
            "create table t (id serial, a varchar(20), b char(2), c int primary key);{SECURE}"
        ),
        &[
            "1:20 prefer-bigint-over-int (note)",
            "1:20 prefer-identity (note)",
            "1:30 prefer-text-field (note)",
            "1:45 ban-char-field (note)",
            "1:56 prefer-bigint-over-int (note)",
        ],
    );
}

#[test]
fn tricky_texts_are_read_as_psql_reads_them() {
    for text in [
        "create function f() returns void language plpgsql as $body$ begin perform 'a;b'; raise notice '%', $$x;y$$; end; $body$;\nselect 1;",
        "do $$ begin if not exists (select 1) then create role x; end if; end $$;\nselect 2;",
        "create function g(a int) returns int language sql begin atomic select a + 1; select a + 2; end;\nselect 3;",
        "-- ; none\n/* ; /* nested ; */ ; */\nselect 1; -- trailing ;\n",
        "select E'it\\'s;', 'a''b;', U&'d\\0061t;', \"weird;\"\"col\" from t;\nselect 1;",
        "create rule r as on insert to t do also (insert into l values (1); insert into l values (2));",
        "merge into t using s on t.id = s.id when matched then update set v = s.v when not matched then insert values (s.id, s.v);",
        "select 1;\nselect 2",
    ] {
        finds(text, &[]);
    }
    finds(
        "begin;\nselect 1;\ncommit;",
        &["1:1 wrapped-in-transaction (note)"],
    );
    finds(";;;", &["1:1 no-statement (note)"]);
    finds(
        "select 1;\ncreat table x();\ndrop table y;",
        &["2:1 syntax", "3:1 ban-drop-table"],
    );
    finds(
        "\\set x 1\ndrop table y;",
        &["1:1 psql-command (error)", "2:1 ban-drop-table"],
    );
    finds(
        "drop table y;\ncopy a from stdin;\n1\n\\.\ndrop table z;",
        &["1:1 ban-drop-table", "5:1 ban-drop-table"],
    );
    finds(
        "drop table y; select $$abc;",
        &["1:1 ban-drop-table", "1:22 unterminated (error)"],
    );
}

#[test]
fn a_file_may_allow_what_is_no_error_and_says_why() {
    finds(
        "-- toysoldiers: allow ban-drop-table because \"empty since May\"\ndrop table y;",
        &["2:1 ban-drop-table (allowed)"],
    );
    finds(
        "-- toysoldiers: allow ban-drop-table because \"empty since May\"\nselect 1;",
        &["1:17 unused-allow"],
    );
    // Nobody looks for it here, so nobody can say that it is not there.
    finds(
        "-- toysoldiers: allow ban-drop-index because \"nobody uses it\"\n-- toysoldiers: no-transaction\ndrop index concurrently y;",
        &[],
    );
}

#[test]
fn what_is_denied_stops_unless_the_file_says_why() {
    let denied = |name: &str| [Rule::named(name).expect("is one")];
    assert_eq!(
        found_with("drop table y;", &denied("ban-drop-table")),
        ["1:1 ban-drop-table (denied)"]
    );
    assert_eq!(
        found_with(
            "-- toysoldiers: allow ban-drop-table because \"x\"\ndrop table y;",
            &denied("ban-drop-table")
        ),
        ["2:1 ban-drop-table (allowed)"]
    );
    // Denied, a rule looks that otherwise does not.
    assert_eq!(found("create policy p on t to x using (true);"), [""; 0]);
    assert_eq!(
        found_with(
            "create policy p on t to x using (true);",
            &denied("ban-create-policy")
        ),
        ["1:1 ban-create-policy (denied)"]
    );
    assert_eq!(
        found_with(
            "create table t (id serial); alter table t enable row level security;",
            &denied("prefer-identity")
        ),
        [
            "1:20 prefer-bigint-over-int (note)",
            "1:20 prefer-identity (denied)"
        ]
    );
}

#[test]
fn what_every_file_of_the_platform_says_is_worth_no_warning() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/database/migrations");
    for entry in std::fs::read_dir(folder).expect("is there") {
        let text = std::fs::read_to_string(entry.expect("is there").path()).expect("is text");
        let worse: Vec<String> = found(&text)
            .into_iter()
            .filter(|line| !line.ends_with("(note)"))
            .collect();
        assert_eq!(worse, [""; 0], "{text}");
    }
}

proptest! {
    /// Any text: no panic, and every place is in it.
    #[test]
    fn no_text_makes_it_panic(text in "(create table |alter table |t |\\(id serial |references u|\\)|;|'|\"|\\$\\$|--|/\\*|é|\n|create policy p on t |using \\(auth.uid\\(\\)|grant all |on |to public|begin|commit|\\\\i x|copy t from stdin|add value 'x'|drop view v|create index |on t \\(a|-- toysoldiers: allow |[a-z ]){0,25}") {
        let count = text.lines().count().max(1) + 1;
        for line in found(&text) {
            let number: usize = line.split(':').next().and_then(|number| number.parse().ok()).expect("has a line");
            prop_assert!(number <= count);
        }
    }
}
