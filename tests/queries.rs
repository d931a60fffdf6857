//! Every query the program asks: it prepares on the migrated schema, says what it is for, and is used.

use std::path::{Path, PathBuf};

use toysoldiers::pg::query::with_blocks;

use crate::migrate_import;
use crate::support::Database;

fn queries() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("database/queries");
    let mut found: Vec<PathBuf> = Vec::new();
    for noun in std::fs::read_dir(&root).unwrap() {
        found.extend(
            std::fs::read_dir(noun.unwrap().path())
                .unwrap()
                .map(|entry| entry.unwrap().path()),
        );
    }
    found.sort();
    found
        .into_iter()
        .map(|path| {
            let name = path
                .strip_prefix(&root)
                .unwrap()
                .with_extension("")
                .display()
                .to_string();
            let text = std::fs::read_to_string(&path).unwrap();
            (name, with_blocks(&text).into_owned())
        })
        .collect()
}

#[test]
fn every_query_prepares() {
    let database = Database::migrated();
    let queries = queries();
    assert!(queries.len() > 15);
    for (name, text) in queries {
        // What another tool left is there only where that tool was.
        let foreign = name.strip_prefix("import/").and_then(|tool| {
            let mut tables = migrate_import::TABLES.iter();
            tables.find(|(other, _)| *other == tool)
        });
        let table = foreign.map_or("", |(_, table)| table);
        let failure = database
            .try_sql(&format!("begin; {table}; prepare q as {text}; rollback"))
            .err();
        assert_eq!(failure, None, "{name}");
    }
}

/// What is replaced where the database has no such function.
const CALL: &str = "select toysoldiers.audit(action, subject, details) as id from entry";

#[test]
fn every_query_that_writes_the_audit_log_can_do_so_without_the_function() {
    let database = Database::migrated();
    database.sql("drop function toysoldiers.audit");
    let insert = include_str!("../database/blocks/audit.sql");
    let mut found = 0;
    for (name, text) in queries() {
        assert!(!text.contains("audit_log ("), "{name} writes by itself");
        if text.contains("toysoldiers.audit(") {
            found += 1;
            let text = text.replace(CALL, insert);
            let failure = database.try_sql(&format!("prepare q as {text}; deallocate q"));
            assert_eq!(failure.err(), None, "{name}");
            // A call that nobody asks for is not made.
            let (_, rest) = text.split_once(insert).unwrap();
            assert!(rest.contains("from audited"), "{name}");
        }
    }
    assert!(found >= 8, "{found}");
}

#[test]
fn every_query_of_the_platform_says_which_migration_it_needs() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("database/migrations");
    let mut made: Vec<(String, String)> = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let stem = path.file_stem().unwrap().display().to_string();
        for line in std::fs::read_to_string(&path).unwrap().lines() {
            let words: Vec<&str> = line.split_whitespace().collect();
            if let ["create", "table" | "view", name, ..] = words[..] {
                made.push((name.to_owned(), stem.clone()));
            }
        }
    }
    assert!(made.len() >= 7, "{made:?}");
    let is_word = |text: &str, name: &str| {
        text.split(|letter: char| !letter.is_ascii_alphanumeric() && !"._".contains(letter))
            .any(|word| word == name)
    };
    for (name, text) in queries() {
        let made = made.iter().filter(|(table, _)| is_word(&text, table));
        let newest = made.map(|(_, stem)| stem).max();
        let told = text
            .lines()
            .find_map(|line| line.strip_prefix("-- Needs migration "));
        assert_eq!(
            told.map(|told| told.trim_end_matches('.')),
            newest.map(String::as_str),
            "{name}"
        );
    }
}

#[test]
fn every_query_says_what_it_is_for_and_names_its_parameters() {
    for (name, text) in queries() {
        assert!(text.starts_with("-- "), "{name} has no comment");
        let (comment, code): (Vec<&str>, Vec<&str>) =
            text.lines().partition(|line| line.starts_with("--"));
        for number in 1..=9 {
            let parameter = format!("${number}");
            let used = code.iter().any(|line| line.contains(&parameter));
            let told = comment.iter().any(|line| line.contains(&parameter));
            assert_eq!(used, told, "{name}: {parameter}");
        }
        assert!(!code.concat().contains(';'), "{name} holds a semicolon");
    }
}

fn read(folder: &Path, code: &mut String) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            read(&path, code);
        } else {
            code.push_str(&std::fs::read_to_string(path).unwrap());
        }
    }
}

#[test]
fn every_query_is_asked() {
    let mut code = String::new();
    read(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("src"),
        &mut code,
    );
    for (name, _) in queries() {
        assert!(
            code.contains(&format!("query!(\"{name}\")")),
            "nobody asks {name}"
        );
    }
}
