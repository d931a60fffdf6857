//! Large migrations: how much memory they take, and what is said of them.

use std::fmt::Write;

use crate::migrate::with;
use crate::support::tool::Outcome;
use crate::support::{Database, Tool};

/// As large as a file has to be for nothing to be read into a tree.
const SIZE: usize = 24 << 20;

/// Runs the program to its end; what it said, and the most memory it had at once, in MB.
fn peak(tool: &Tool, args: &[&str]) -> (Outcome, usize) {
    let child = tool.spawn(args);
    let status = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    // The kernel keeps the peak for as long as the process has memory.
    while let Ok(text) = std::fs::read_to_string(&status) {
        let Some(line) = text.lines().find(|line| line.starts_with("VmHWM:")) else {
            break;
        };
        peak = line.split_whitespace().nth(1).unwrap().parse().unwrap();
        std::thread::yield_now();
    }
    (tool.outcome(child), peak / 1024)
}

fn limit() -> usize {
    (SIZE >> 20) * 5 / 2 + 30
}

/// A file of one `INSERT` a row.
fn inserts() -> String {
    let mut text = "create table public.words (id int, word text);\n".to_owned();
    for id in 0.. {
        if text.len() >= SIZE {
            break;
        }
        let word = "word ".repeat(150);
        writeln!(text, "insert into public.words values ({id}, '{word}');").unwrap();
    }
    text
}

/// A file of rows, as pg_dump writes it.
fn rows() -> String {
    let mut text = "\\restrict x\ncreate table public.words (id int, word text);\ncopy public.words from stdin;\n".to_owned();
    for id in 0.. {
        if text.len() >= SIZE {
            break;
        }
        writeln!(text, "{id}\t{}", "word ".repeat(20)).unwrap();
    }
    text + "\\.\n\\unrestrict x\n"
}

fn count(database: &Database) -> usize {
    let count = database.value("select count(*) from public.words");
    count.parse().unwrap()
}

#[test]
fn a_large_file_takes_two_and_a_half_times_its_size() {
    for text in [inserts(), rows()] {
        let expected = text
            .lines()
            .filter(|line| line.contains("word word"))
            .count();
        let (database, tool) = with(&[("001_words.sql", &text)]);
        drop(text);
        for args in [
            &["migrate", "status"][..],
            &["migrate", "check"],
            &["migrate", "up"],
            &["migrate", "status", "--check"],
            &["migrate", "history"],
            &["migrate", "baseline", "--no-compare", "--yes"],
        ] {
            let (outcome, peak) = peak(&tool, args);
            let outcome = outcome.ok();
            assert!(peak <= limit(), "{args:?}: {peak} MB\n{outcome}");
            if args == ["migrate", "check"] || args == ["migrate", "up"] {
                let said = format!("{}{}", outcome.stdout, outcome.stderr);
                assert!(said.contains("too-large"), "{outcome}");
            }
        }
        assert_eq!(count(&database), expected);
    }
}

#[test]
fn a_mistake_in_the_middle_of_a_large_file_is_shown_and_nothing_is_kept() {
    let mut text = inserts();
    let place = text.len() / 2;
    let place = place + text[place..].find("\ninsert").unwrap() + 1;
    let line = text[..place].lines().count() + 1;
    text.insert_str(
        place,
        "insert into public.words values ('no number', 'x');\n",
    );
    let (database, tool) = with(&[("001_words.sql", &text)]);
    let outcome = tool.run(&["migrate", "up"]).code(1);
    assert!(
        outcome.stderr.contains(&format!("001_words.sql:{line}:34")),
        "{outcome}"
    );
    assert!(
        outcome.stderr.contains("nothing of 001_words was kept"),
        "{outcome}"
    );
    let left = database.value("select to_regclass('public.words') is null");
    assert_eq!(left, "t");
    assert_eq!(
        database.value("select count(*) from toysoldiers.history"),
        "0"
    );
}
