//! `policy status` of many policies, and `policy test` of the platform's.

use std::fmt::Write;
use std::path::Path;
use std::time::Duration;

use toysoldiers::pg::query::with_blocks;

use crate::migrate::psql;
use crate::race::{MEMORY_WITH_RULES, Race, Rival, Run};
use crate::support::{Database, Tool};

/// How many tables there are.
const TABLES: usize = 60;

/// How many policies there are on them.
const POLICIES: usize = 200;

/// What psql asks: everything that a comparison needs to know of the database, without making anything to compare
/// it with.
const QUESTIONS: [&str; 5] = [
    include_str!("../database/queries/policy/relations.sql"),
    include_str!("../database/queries/policy/rights.sql"),
    include_str!("../database/queries/policy/all.sql"),
    include_str!("../database/queries/policy/roles.sql"),
    include_str!("../database/queries/policy/references.sql"),
];

/// Everything is as declared, so all of it is compared and nothing is found. Nobody else does that, so the limit is a
/// time.
pub fn status(folder: &Path) -> Race {
    let (database, tool) = many();
    let script = folder.join("policies.sql");
    std::fs::write(&script, &*with_blocks(&QUESTIONS.join(";\n"))).unwrap();
    // Tables to compare with are made and gone again, and leave the catalog fuller each time. Elsewhere autovacuum
    // clears that away, which these servers do without.
    let cleared = database.clone();
    let ours: Run = Box::new(move || {
        cleared.sql("vacuum");
        tool.command(&["policy", "status"])
    });
    let floor = Rival {
        name: "psql",
        run: Box::new(move || psql(&database, &script)),
        limit: None,
    };
    let race = Race::new(ours, [floor]);
    Race {
        within: Some(Duration::from_millis(300)),
        memory: MEMORY_WITH_RULES,
        ..race
    }
}

/// The whole matrix of the platform, once by claims and once by `app.user_id`, on a database as it is after the first
/// deployment.
pub fn test(_folder: &Path) -> Race {
    let tool = Tool::new().on(&protected(Database::migrated()));
    let race = Race::new(Box::new(move || tool.command(&["policy", "test"])), []);
    Race {
        within: Some(Duration::from_secs(1)),
        memory: MEMORY_WITH_RULES,
        ..race
    }
}

/// A database with the platform's policies in place.
pub fn protected(database: Database) -> Database {
    let tool = Tool::new().on(&database);
    tool.run(&["policy", "apply"]).ok();
    tool.run(&["policy", "status", "--check"]).ok();
    database
}

/// A database with many tables and policies, and a program among their files.
fn many() -> (Database, Tool) {
    let database = Database::migrated();
    let tool = Tool::new().on(&database);
    let mut tables = String::new();
    let mut policies = 0;
    for number in 0..TABLES {
        let table = format!("t{number:02}");
        let count = (number + 1) * POLICIES / TABLES - number * POLICIES / TABLES;
        let _ = writeln!(
            tables,
            "create table {table} (id bigint primary key, owner uuid, parent bigint, state text, label text, at timestamptz);
             alter table {table} enable row level security;"
        );
        tool.write(
            &format!("database/policies/{table}.sql"),
            file(number, &table, count),
        );
        policies += count;
    }
    assert_eq!(policies, POLICIES);
    database.sql(&tables);
    tool.run(&["policy", "apply"]).ok();
    tool.run(&["policy", "status", "--check"]).ok();
    (database, tool)
}

/// The file of a table, as a person would write it. Every table but the first looks at the one before it.
fn file(number: usize, table: &str, count: usize) -> String {
    let own = "owner = (select app.current_user_id())";
    let seen = match number.checked_sub(1) {
        None => format!("state = 'public' or {own}"),
        Some(before) => format!(
            "{own} or exists (select from public.t{before:02} other where other.id = {table}.parent and other.state = 'public')"
        ),
    };
    let policies = [
        format!("for select to anon, authenticated using ({seen})"),
        format!("for insert to authenticated with check ({own} and state in ('draft', 'public'))"),
        format!("for update to authenticated using ({own})"),
        format!("for delete to authenticated using ({own} and state = 'draft')"),
    ];
    let mut text = format!(
        "-- Written by the measurement.\n\n\
         revoke all on table public.{table} from public, anon, authenticated, service_role;\n\
         grant select on table public.{table} to anon, authenticated;\n\
         grant insert, update (state, label), delete on table public.{table} to authenticated;\n\
         grant select, insert, update, delete on table public.{table} to service_role;\n\n\
         alter table public.{table} enable row level security;\n"
    );
    for (policy, says) in policies.iter().take(count).enumerate() {
        let _ = write!(
            text,
            "\ncreate policy {table}_{policy} on public.{table}\n  {says};\n\
             comment on policy {table}_{policy} on public.{table} is 'number {policy}';\n"
        );
    }
    text
}
