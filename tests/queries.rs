//! Every query the program asks: it prepares on the migrated schema, says what it is for, and is used.

use std::path::{Path, PathBuf};

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
            (name, std::fs::read_to_string(&path).unwrap())
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
