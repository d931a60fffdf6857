//! `dashboard`, against psql asking the same questions in one session, of the demo's data.

use std::path::Path;

use toysoldiers::pg::query::with_blocks;

use crate::migrate::psql;
use crate::race::{Race, Rival};
use crate::support::{Database, Tool};

/// The questions, and the value of their parameter.
const QUESTIONS: [(&str, &str); 4] = [
    (include_str!("../database/queries/dashboard/clock.sql"), ""),
    (include_str!("../database/queries/dashboard/totals.sql"), ""),
    (include_str!("../database/queries/dashboard/days.sql"), "30"),
    (include_str!("../database/queries/dashboard/top.sql"), "10"),
];

pub fn dashboard(folder: &Path) -> Race {
    let database = Database::seeded();
    let mut text = String::from("begin isolation level repeatable read, read only;\n");
    for (question, value) in QUESTIONS {
        text.push_str(&with_blocks(question).replace("$1", value));
        text.push_str(";\n");
    }
    text.push_str("commit;\n");
    let script = folder.join("dashboard.sql");
    std::fs::write(&script, text).unwrap();
    let tool = Tool::new().on(&database);
    Race::new(
        Box::new(move || tool.command(&["dashboard"])),
        [Rival {
            name: "psql",
            run: Box::new(move || psql(&database, &script)),
            limit: Some(1.25),
        }],
    )
}
