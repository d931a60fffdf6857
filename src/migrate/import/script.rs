//! The files of another tool, each with the file it becomes.

use std::collections::BTreeMap;

use super::Tool;
use super::folder::Found;
use super::name::{self, Name, Role};
use super::text;
use crate::migrate::file::Migration;
use crate::source;

/// A migration of another tool, and ours that it becomes.
#[derive(Debug)]
pub struct Script {
    /// The tool's number, by which the tool orders.
    pub key: Vec<u64>,
    /// What it does, in the words of its author.
    pub description: String,
    /// Its file, as a person would name it.
    pub path: String,
    /// What is in it, byte for byte.
    pub bytes: Vec<u8>,
    /// Our file.
    pub ours: Migration,
    /// Name and text of our file that takes it back.
    pub down: Option<(String, String)>,
    /// What is worth a look.
    pub note: Option<String>,
}

/// All files of a tool.
#[derive(Debug, Default)]
pub struct Scripts {
    /// In the tool's order.
    pub all: Vec<Script>,
    /// The numbers of those that cannot be read.
    pub broken: Vec<Vec<u64>>,
    /// What cannot be taken over, and why.
    pub problems: Vec<String>,
}

/// The files that make up one migration.
#[derive(Default)]
struct Group<'a> {
    version: String,
    description: String,
    up: Option<&'a Found>,
    down: Option<&'a Found>,
    settings: Option<&'a Found>,
}

/// Reads everything in a folder of the tool's.
pub fn gather(tool: Tool, found: &[Found]) -> Scripts {
    let mut scripts = Scripts::default();
    let groups = scripts.group(tool, found);
    // Numbers such as 1.2 are none of ours: then all are counted anew.
    let is_counted = groups.keys().any(|key| key.len() > 1);
    let width = groups.len().to_string().len().max(3);
    for (index, (key, group)) in groups.into_iter().enumerate() {
        let digits = match (is_counted, tool) {
            (true, _) => format!("{:0width$}", index + 1),
            (false, Tool::Flyway | Tool::Refinery) => format!("{:03}", key[0]),
            (false, _) => format!("{:0>3}", group.version),
        };
        let Some(up) = group.up else {
            for file in [group.down, group.settings].into_iter().flatten() {
                scripts.problem(format!(
                    "{} belongs to no migration that is there",
                    file.shown
                ));
            }
            continue;
        };
        match script(tool, &key, &digits, up, &group) {
            Ok(script) => scripts.all.push(script),
            Err(problem) => {
                scripts.problem(problem);
                scripts.broken.push(key);
            }
        }
    }
    scripts
}

impl Scripts {
    fn problem(&mut self, problem: String) {
        self.problems.push(problem);
    }

    fn group<'a>(&mut self, tool: Tool, found: &'a [Found]) -> BTreeMap<Vec<u64>, Group<'a>> {
        let mut groups: BTreeMap<Vec<u64>, Group<'a>> = BTreeMap::new();
        for file in found {
            let Some(Name {
                version,
                description,
                role,
            }) = name::read(tool, &file.path)
            else {
                continue;
            };
            if role == Role::Repeatable {
                self.problem(format!(
                    "{} is repeatable, which no migration of ours is: write what it makes as one of its own, and take it away",
                    file.shown
                ));
                continue;
            }
            if role == Role::Program {
                self.problem(format!(
                    "{} is a program, and migrations are SQL here: write in SQL what it does, and take it away",
                    file.shown
                ));
                continue;
            }
            let Some(key) = name::parts(&version) else {
                let what = if version.bytes().all(|byte| byte.is_ascii_digit()) {
                    "has too large a number"
                } else {
                    "has no number"
                };
                self.problem(format!("{} {what}", file.shown));
                continue;
            };
            let group = groups.entry(key).or_default();
            let place = match role {
                Role::Up => &mut group.up,
                Role::Down => &mut group.down,
                Role::Settings | Role::Repeatable | Role::Program => &mut group.settings,
            };
            if let Some(other) = place.replace(file) {
                self.problem(format!(
                    "{} and {} have the same number",
                    other.shown, file.shown
                ));
            }
            if role == Role::Up || group.version.is_empty() {
                group.version = version;
                group.description = description;
            }
        }
        groups
    }
}

fn script(
    tool: Tool,
    key: &[u64],
    digits: &str,
    up: &Found,
    group: &Group<'_>,
) -> Result<Script, String> {
    let read = |file: &Found| {
        source::text::decode(file.bytes.as_slice(), &file.shown)
            .map_err(|found| format!("{} {}", file.shown, found.what))
    };
    let settings = group.settings.map(read).transpose()?;
    let original = read(up)?;
    let texts = text::up(tool, &original, settings.as_deref())
        .map_err(|problem| format!("{} {problem}", up.shown))?;
    let down = match group.down {
        Some(down) => Some(text::down(tool, &read(down)?, settings.as_deref())),
        None => texts.down,
    };
    let slug = name::slug(&group.description);
    let stem = format!("{digits}_{slug}");
    let file = format!("{stem}.sql");
    let number = digits
        .parse()
        .map_err(|_| format!("{} has too large a number", up.shown))?;
    let ours = Migration::new(number, slug, &file, file.clone(), texts.up.clone())
        .map_err(|error| error.to_string())?;
    let note = text::fills_in(tool, &original)
        .then(|| text::placeholders(&texts.up).next())
        .flatten()
        .map(|name| format!("holds {name}, which only {tool} fills in"));
    Ok(Script {
        key: key.to_vec(),
        description: group.description.clone(),
        path: up.shown.clone(),
        bytes: up.bytes.clone(),
        ours,
        down: down.map(|text| (format!("{stem}.down.sql"), text)),
        note,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn found(path: &str) -> Found {
        Found {
            path: path.to_owned(),
            shown: path.to_owned(),
            bytes: b"select 1;\n".to_vec(),
        }
    }

    fn files(tool: Tool, paths: &[&str]) -> Vec<String> {
        let found: Vec<Found> = paths.iter().copied().map(found).collect();
        let scripts = gather(tool, &found);
        let taken = scripts.all.into_iter().map(|script| script.ours.file);
        taken.chain(scripts.problems).collect()
    }

    #[test]
    fn numbers_stay_if_they_can() {
        assert_eq!(
            files(
                Tool::Sqlx,
                &["2_b.sql", "10_c d.sql", "1_a.up.sql", "1_a.down.sql"]
            ),
            ["001_a.sql", "002_b.sql", "010_c_d.sql"]
        );
        assert_eq!(
            files(Tool::Flyway, &["V2__b.sql", "V1.0__a.sql", "V10__c.sql"]),
            ["001_a.sql", "002_b.sql", "010_c.sql"]
        );
        assert_eq!(
            files(Tool::Flyway, &["V2__c.sql", "V1_1__b.sql", "V1__a.sql"]),
            ["001_a.sql", "002_b.sql", "003_c.sql"]
        );
        assert_eq!(
            files(Tool::Diesel, &["2024-01-01-000000_a/up.sql"]),
            ["20240101000000_a.sql"]
        );
        assert_eq!(
            files(Tool::GolangMigrate, &["000001_a.up.sql"]),
            ["000001_a.sql"]
        );
    }

    #[test]
    fn what_cannot_be_taken_over_is_named() {
        assert_eq!(
            files(Tool::Flyway, &["V1__a.sql", "x/V1.0__b.sql"])[1],
            "V1__a.sql and x/V1.0__b.sql have the same number"
        );
        assert_eq!(
            files(Tool::Sqlx, &["1_a.down.sql"]),
            ["1_a.down.sql belongs to no migration that is there"]
        );
        assert_eq!(
            files(Tool::Sqlx, &["99999999999999999999_a.sql"]),
            ["99999999999999999999_a.sql has too large a number"]
        );
        assert_eq!(
            files(Tool::Sqlx, &["9999999999999999999_a.sql"]),
            ["9999999999999999999_a.sql has too large a number"]
        );
        assert!(files(Tool::Flyway, &["R__v.sql"])[0].starts_with("R__v.sql is repeatable, "));
    }

    proptest! {
        /// Whatever lies there, our numbers go up as theirs do.
        #[test]
        fn the_order_stays(versions in proptest::collection::btree_set("[1-9][0-9]{0,3}(\\.[1-9]){0,2}", 1..12)) {
            let paths: Vec<String> = versions.iter().map(|version| format!("V{version}__x.sql")).collect();
            let found: Vec<Found> = paths.iter().map(|path| found(path)).collect();
            let scripts = gather(Tool::Flyway, &found);
            prop_assert_eq!(scripts.all.len(), versions.len());
            for pair in scripts.all.windows(2) {
                prop_assert!(pair[0].key < pair[1].key);
                prop_assert!(pair[0].ours.version < pair[1].ours.version);
            }
        }
    }
}
