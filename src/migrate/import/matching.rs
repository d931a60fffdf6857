//! The files of another tool against what it says it applied.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::script::{Script, Scripts};
use super::table::Row;
use super::{Tool, checksum, name};

/// That a migration was applied.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Applied {
    /// When, if the tool remembers.
    pub at: Option<Timestamp>,
    /// By whom, if the tool remembers.
    pub by: Option<String>,
    /// The tool's checksum of what it ran.
    checksum: Option<String>,
}

/// What was applied, and what is wrong.
#[derive(Debug, Default)]
pub struct Matched {
    /// By the tool's numbers.
    pub applied: BTreeMap<Vec<u64>, Applied>,
    /// What does not fit.
    pub problems: Vec<String>,
}

/// Compares; both sides are in the tool's order.
pub fn compare(tool: Tool, scripts: &Scripts, rows: &[Row]) -> Matched {
    let Scripts { all, broken, .. } = scripts;
    let mut matched = Matched::default();
    for row in rows {
        matched.row(tool, all, row);
    }
    matched.missing(tool, all, broken);
    matched.edited(tool, all);
    let last = matched.applied.keys().next_back().cloned();
    for script in all {
        let is_late = last.as_ref().is_some_and(|last| script.key < *last);
        if is_late && !matched.applied.contains_key(&script.key) {
            matched.problems.push(format!(
                "{} was not applied by {tool}, and later ones were: apply it there, or take it away",
                script.path
            ));
        }
    }
    matched
}

impl Matched {
    fn row(&mut self, tool: Tool, scripts: &[Script], row: &Row) {
        // What has no number is repeatable; its file is what is refused.
        let Some(version) = &row.version else {
            return;
        };
        let Some(key) = name::parts(version) else {
            self.problems
                .push(format!("{tool} applied {version}, which is no number"));
            return;
        };
        if !row.done {
            self.problems.push(match tool {
                Tool::GolangMigrate => format!(
                    "{tool} calls {version} dirty: it failed halfway; mend it, then `migrate force`"
                ),
                _ => format!("{tool} says that {version} failed; mend it there first"),
            });
            // One word about it is enough.
            if tool != Tool::GolangMigrate {
                self.applied.entry(key).or_default();
            }
            return;
        }
        let applied = Applied {
            at: row.applied_at,
            by: row.applied_by.clone(),
            checksum: row.checksum.clone().filter(|_| row.kind == "SQL"),
        };
        match (tool, row.kind.as_str()) {
            (Tool::Flyway, "UNDO_SQL" | "DELETE") => {
                self.applied.remove(&key);
            }
            // Everything up to here was there before.
            (Tool::Flyway, "BASELINE" | "SQL_BASELINE") | (Tool::GolangMigrate, _) => {
                let before = scripts.iter().filter(|script| script.key <= key);
                let before: Vec<Vec<u64>> = before.map(|script| script.key.clone()).collect();
                for key in before {
                    self.applied.insert(key, applied.clone());
                }
                if tool == Tool::GolangMigrate {
                    self.applied.insert(key, applied);
                }
            }
            (Tool::Flyway, "SCHEMA") => {}
            (_, "SQL") => {
                self.applied.insert(key, applied);
            }
            (_, kind) => self.problems.push(format!(
                "{version} is no migration in SQL: {tool} calls it {kind}"
            )),
        }
    }

    fn edited(&mut self, tool: Tool, scripts: &[Script]) {
        for script in scripts {
            let ran = self.applied.get(&script.key);
            let checksum = ran.and_then(|applied| applied.checksum.as_deref());
            if checksum.is_some_and(|checksum| is_edited(tool, script, checksum)) {
                self.problems.push(format!(
                    "{} is not the file that {tool} ran: the checksum is another one",
                    script.path
                ));
            }
        }
    }

    fn missing(&mut self, tool: Tool, scripts: &[Script], broken: &[Vec<u64>]) {
        for key in self.applied.keys() {
            if !broken.contains(key) && !scripts.iter().any(|script| script.key == *key) {
                let version: Vec<String> = key.iter().map(u64::to_string).collect();
                self.problems.push(format!(
                    "{tool} applied {}, and its file is missing",
                    version.join(".")
                ));
            }
        }
    }
}

/// Whether a tool that keeps checksums ran another file.
fn is_edited(tool: Tool, script: &Script, checksum: &str) -> bool {
    match tool {
        Tool::Sqlx => !checksum::is_sqlx(&script.bytes, checksum),
        Tool::Prisma => !checksum::is_prisma(&script.bytes, checksum),
        Tool::Refinery => {
            let number = script
                .key
                .first()
                .and_then(|number| i64::try_from(*number).ok());
            let fits = |number| {
                let description = &script.description;
                checksum::is_refinery(&script.bytes, number, description, checksum)
            };
            !number.is_some_and(fits)
        }
        Tool::Flyway => {
            let text = String::from_utf8_lossy(&script.bytes);
            checksum::flyway(&text).to_string() != checksum
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::super::folder::Found;
    use super::super::script::gather;
    use super::*;

    fn scripts(tool: Tool, paths: &[&str]) -> Scripts {
        let found: Vec<Found> = paths
            .iter()
            .map(|path| Found {
                path: (*path).to_owned(),
                shown: (*path).to_owned(),
                bytes: b"select 1;".to_vec(),
            })
            .collect();
        gather(tool, &found)
    }

    fn row(version: &str, kind: &str) -> Row {
        Row {
            version: Some(version.to_owned()),
            applied_at: None,
            applied_by: None,
            done: true,
            checksum: None,
            kind: kind.to_owned(),
        }
    }

    fn applied(tool: Tool, scripts: &Scripts, rows: &[Row]) -> Vec<u64> {
        let matched = compare(tool, scripts, rows);
        assert_eq!(matched.problems, Vec::<String>::new());
        matched.applied.keys().map(|key| key[0]).collect()
    }

    #[test]
    fn flyways_history_is_read_to_its_end() {
        let files = scripts(
            Tool::Flyway,
            &["V1__a.sql", "V2__b.sql", "V3__c.sql", "V4__d.sql"],
        );
        let rows = [
            row("2", "BASELINE"),
            row("3", "SQL"),
            row("4", "SQL"),
            row("4", "UNDO_SQL"),
        ];
        assert_eq!(applied(Tool::Flyway, &files, &rows), [1, 2, 3]);
        let java = compare(Tool::Flyway, &files, &[row("1", "JDBC")]);
        assert_eq!(
            java.problems,
            ["1 is no migration in SQL: Flyway calls it JDBC"]
        );
    }

    #[test]
    fn golang_migrate_applied_everything_up_to_where_it_stands() {
        let files = scripts(
            Tool::GolangMigrate,
            &["1_a.up.sql", "3_b.up.sql", "4_c.up.sql"],
        );
        assert_eq!(
            applied(Tool::GolangMigrate, &files, &[row("3", "SQL")]),
            [1, 3]
        );
        assert_eq!(applied(Tool::GolangMigrate, &files, &[]).len(), 0);
        let gone = compare(Tool::GolangMigrate, &files, &[row("2", "SQL")]);
        assert_eq!(
            gone.problems,
            ["golang-migrate applied 2, and its file is missing"]
        );
    }

    #[test]
    fn what_came_late_is_named() {
        let files = scripts(Tool::Sqlx, &["1_a.sql", "2_b.sql"]);
        let late = compare(Tool::Sqlx, &files, &[row("2", "SQL")]);
        assert_eq!(
            late.problems,
            [
                "1_a.sql was not applied by sqlx, and later ones were: apply it there, or take it away"
            ]
        );
    }
}
