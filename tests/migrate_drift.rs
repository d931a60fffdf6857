//! Whatever was changed by hand is seen, a kind of change at a time; what is not looked at is what the README says.

use std::sync::Mutex;

use crate::migrate::with;
use crate::schema_hash;
use crate::support::tool::Outcome;
use crate::support::{Database, Tool};

const ALL: &str = include_str!("cases/drift/001_all.sql");
const CHANGES: &str = include_str!("cases/drift/changes.txt");

/// What the README says is not looked at.
const UNSEEN: [&str; 6] = [
    "owner",
    "large object",
    "db setting",
    "role in db setting",
    "grant database",
    "extra schema",
];

/// How many are made at a time.
const AT_A_TIME: usize = 4;

fn verify(tool: &Tool, database: &Database) -> Outcome {
    let server = database.server.database("postgres").url();
    let url = database.url();
    tool.run(&[
        "migrate",
        "verify",
        "-o",
        "json",
        "--database-url",
        &url,
        "--scratch-url",
        &server,
    ])
}

/// What differs, all of it compared.
fn drift(outcome: &Outcome) -> Vec<String> {
    let json = outcome.json();
    assert!(!json["notes"].to_string().contains("pg_dump"), "{json}");
    let drift = json["drift"].as_array().unwrap().iter();
    drift
        .map(|one| format!("{} {} {}", one["state"], one["kind"], one["name"]))
        .collect()
}

/// Makes each change alone, in a copy of the database: it is seen, or it is one of those that nobody looks at.
fn each(database: &Database, tool: &Tool, changes: &[(&str, String)]) {
    let changes = Mutex::new(changes.iter());
    let wrong = Mutex::new(Vec::new());
    let work = || {
        loop {
            let next = changes.lock().unwrap().next();
            let Some((name, sql)) = next else { return };
            let copy = database.twin();
            copy.sql(&sql.replace("DBNAME", &copy.name));
            let told = schema_hash::state(&Tool::new().on(&copy));
            let outcome = verify(tool, &copy);
            let found = drift(&outcome);
            let expected = if UNSEEN.contains(name) { 0 } else { 3 };
            // Of schemas that nobody declares a hash knows nothing.
            let is_told = expected == 3 || *name == "extra schema";
            let state = if is_told { "changed" } else { "as_left" };
            if outcome.code != Some(expected)
                || found.is_empty() != (expected == 0)
                || told != state
            {
                wrong
                    .lock()
                    .unwrap()
                    .push(format!("{name}: {found:?}, {told}"));
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..AT_A_TIME {
            scope.spawn(work);
        }
    });
    assert_eq!(*wrong.lock().unwrap(), [""; 0]);
}

fn role(database: &Database) {
    database.sql("do $$ begin create role r_a; exception when duplicate_object or unique_violation then null; end $$");
}

fn major(database: &Database) -> u32 {
    let question = "select current_setting('server_version_num')::int / 10000";
    database.value(question).parse().unwrap()
}

#[test]
fn every_kind_of_change_is_seen_and_a_clean_database_is_clean() {
    let (database, tool) = with(&[]);
    role(&database);
    let major = major(&database);
    // A server may be built without ICU.
    let has_icu = database.value("select count(*) > 10 from pg_collation where collprovider = 'i'");
    let icu = "provider=icu, locale='de'";
    assert!(ALL.contains(icu));
    let all = if has_icu == "t" {
        ALL.to_owned()
    } else {
        ALL.replace(icu, "locale='C'")
    };
    tool.write("database/migrations/001_all.sql", all);
    tool.run(&["migrate", "up"]).ok();
    assert_eq!(drift(&verify(&tool, &database).ok()), [""; 0]);
    let lines = CHANGES.lines().map(|line| line.split_once('|').unwrap());
    // Of publications 14 knows only tables.
    let known = |(name, _): &(&str, &str)| major >= 15 || !name.starts_with("publication");
    let changes: Vec<(&str, String)> = lines
        .filter(known)
        .map(|(name, sql)| (name, sql.to_owned()))
        .collect();
    assert_eq!(changes.len(), if major >= 15 { 82 } else { 79 });
    for unseen in UNSEEN {
        assert!(changes.iter().any(|(name, _)| *name == unseen), "{unseen}");
    }
    each(&database, &tool, &changes);
}

#[test]
fn what_newer_servers_know_is_seen() {
    let (database, tool) = with(&[]);
    role(&database);
    let major = major(&database);
    let mut text = "create table a (id int not null, constraint x check (id > 0));".to_owned();
    let mut changes = vec![("renamed", "alter table a rename constraint x to y")];
    if major >= 17 {
        changes.push(("maintain", "grant maintain on a to r_a"));
    }
    if major >= 18 {
        text.push_str(
            "create table v (id int not null, d int generated always as (id * 2) virtual);",
        );
        changes.extend([
            ("stored", "alter table v drop d; alter table v add d int generated always as (id * 2) stored"),
            ("not valid", "alter table a alter id drop not null; alter table a add constraint a_id_not_null not null id not valid"),
            ("no inherit", "alter table a alter constraint a_id_not_null no inherit"),
            ("not null renamed", "alter table a rename constraint a_id_not_null to other"),
        ]);
    }
    tool.write("database/migrations/001_a.sql", text);
    tool.run(&["migrate", "up"]).ok();
    assert_eq!(drift(&verify(&tool, &database).ok()), [""; 0]);
    let changes: Vec<(&str, String)> = changes
        .into_iter()
        .map(|(name, sql)| (name, sql.to_owned()))
        .collect();
    each(&database, &tool, &changes);
}
