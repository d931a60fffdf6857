//! `index status` of many indexes, and `index apply` on a large table: what it takes beside the bare statement, and how
//! long writers wait for it.

use std::fmt::Write;
use std::path::Path;
use std::time::Duration;

use toysoldiers::pg::query::with_blocks;

use crate::measure::Measure;
use crate::migrate::psql;
use crate::race::{MEMORY_WITH_RULES, Race, Rival, Run};
use crate::support::server::Server;
use crate::support::{Database, Setup, Tool};
use crate::visitors::{self, Round, among};

/// How many tables there are, with one index of each kind.
const TABLES: usize = 60;

/// What a person would write behind the name of an index of a table of this name.
const KINDS: [&str; 5] = [
    "on TABLE (owner)",
    "on TABLE (parent, at desc)",
    "on TABLE (at) include (label) where state = 'public'",
    "on TABLE (lower(label))",
    "on TABLE using gin (tags)",
];

/// What psql asks: everything that a comparison needs to know of the database.
const QUESTIONS: [&str; 2] = [
    include_str!("../database/queries/index/all.sql"),
    include_str!("../database/queries/index/relations.sql"),
];

/// Who writes to the large table at a time, each beginning with something else.
const WRITERS: [&[&str]; 4] = [&WRITES; 4];

/// What writers wait at most, in milliseconds.
const LIMIT: f64 = 300.0;

/// Rows of the large table. As on all of the platform's tables, what an index is made of has no order.
const ROWS: &str = "
    create table items (id bigint generated always as identity primary key, owner uuid not null, kind integer, name text);
    insert into items (owner, kind, name)
    select gen_random_uuid(), n % 1000, 'item ' || n from generate_series(1, 2000000) n;";

const WRITES: [&str; 4] = [
    "insert into items (owner, kind, name) values (gen_random_uuid(), 1, 'new')",
    "update items set kind = kind + 1 where id = (select 1 + floor(random() * 2000000)::bigint)",
    "update items set owner = gen_random_uuid() where id = (select 1 + floor(random() * 2000000)::bigint)",
    "update items set name = 'other' where id = (select 1 + floor(random() * 2000000)::bigint)",
];

const FILE: &str = "database/indexes/items.sql";
const INDEX: &str = "create index concurrently items_owner_idx on items (owner);\n";
const CHANGED: &str = "create index items_owner_idx on items (owner, kind);\n";

/// Everything is as declared, so all of it is compared and nothing is found. Nobody else does that, so the limit is a
/// time.
pub fn status(folder: &Path) -> Race {
    let (database, tool) = many();
    let script = folder.join("indexes.sql");
    std::fs::write(&script, &*with_blocks(&QUESTIONS.join(";\n"))).unwrap();
    // Tables to compare with are made and gone again, and leave the catalog fuller each time. Elsewhere autovacuum
    // clears that away, which these servers do without.
    let cleared = database.clone();
    let ours: Run = Box::new(move || {
        cleared.sql("vacuum");
        tool.command(&["index", "status"])
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

/// One index on a large table, against the statement that makes it and nothing else.
pub fn apply(folder: &Path) -> Race {
    let (database, tool) = large();
    let script = folder.join("items.sql");
    std::fs::write(&script, INDEX).unwrap();
    tool.write(FILE, INDEX.replace(" concurrently", ""));
    let cleared = database.clone();
    let ours: Run = Box::new(move || {
        clear(&cleared);
        tool.command(&["index", "apply"])
    });
    let floor = Rival {
        name: "psql",
        run: Box::new(move || {
            clear(&database);
            psql(&database, &script)
        }),
        limit: Some(1.03),
    };
    let race = Race::new(ours, [floor]);
    Race {
        memory: MEMORY_WITH_RULES,
        ..race
    }
}

/// What writers wait while an index is built.
pub fn builds(_folder: &Path, rounds: usize) -> Vec<Measure> {
    among_writers(rounds, "", CHANGED)
}

/// What writers wait while an index is built anew, takes the old one's place, and the old one is dropped.
pub fn replaces(_folder: &Path, rounds: usize) -> Vec<Measure> {
    among_writers(rounds, INDEX, CHANGED)
}

/// What writers wait from one declaration to the other.
fn among_writers(rounds: usize, before: &str, after: &str) -> Vec<Measure> {
    let (database, tool) = large();
    tool.write(FILE, after);
    let round = || {
        clear(&database);
        database.sql(&before.replace(" concurrently", ""));
        let round = among(&database, &WRITERS, || {
            tool.run(&["index", "apply", "--yes"]).ok();
        });
        tool.run(&["index", "status", "--check"]).ok();
        round
    };
    let rounds: Vec<Round> = (0..rounds).map(|_| round()).collect();
    visitors::measures(&rounds, "writer", LIMIT, "index apply")
}

/// Without the index, and with nothing left to be written to the disk.
fn clear(database: &Database) {
    database.sql("drop index if exists items_owner_idx");
    database.sql("checkpoint");
}

/// A database with a large table, on a server that holds all of it in memory: what is measured is not the disk.
fn large() -> (Database, Tool) {
    let server = Server::start(&Setup::new().setting("shared_buffers = '768MB'"));
    server.database("postgres").sql("create database platform");
    let database = server.database("platform");
    database.migrate();
    database.sql(ROWS);
    database.sql("vacuum (analyze) items");
    let tool = Tool::new().on(&database);
    (database, tool)
}

/// A database with many tables and indexes, and a program among their files.
fn many() -> (Database, Tool) {
    let database = Database::migrated();
    let tool = Tool::new().on(&database);
    let mut tables = String::new();
    for number in 0..TABLES {
        let table = format!("t{number:02}");
        let _ = writeln!(
            tables,
            "create table {table} (id bigint primary key, owner uuid, parent bigint, state text, label text, tags text[], at timestamptz);"
        );
        let mut file = String::from("-- Written by the measurement.\n");
        for (kind, says) in KINDS.iter().enumerate() {
            let says = says.replace("TABLE", &table);
            let _ = writeln!(file, "\ncreate index {table}_{kind} {says};");
        }
        tool.write(&format!("database/indexes/{table}.sql"), file);
    }
    database.sql(&tables);
    tool.run(&["index", "apply"]).ok();
    tool.run(&["index", "status", "--check"]).ok();
    (database, tool)
}
