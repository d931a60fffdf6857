//! Migrations in folders below the folder: other tools look there, and we do not.

use std::path::{Path, PathBuf};

use super::import::Tool;
use super::lint::{Finding, form};
use crate::error::Error;
use crate::source::Source;

/// How deep is looked.
const DEPTH: usize = 4;

/// Files below the folder that look like migrations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Nested {
    /// One of them, as a person would name it.
    pub first: String,
    /// How many there are besides.
    pub more: usize,
    /// The tool that lays them out so, if it is known.
    tool: Option<Tool>,
}

impl Nested {
    /// What is below the folder of a source; nothing if no migration is.
    pub fn look(source: &Source) -> Option<Self> {
        let Source::Folder { path, shown, .. } = source else {
            return None;
        };
        let mut found = Vec::new();
        walk(path, DEPTH, &mut found);
        found.sort();
        let first = found.first()?;
        let below = first.strip_prefix(path).unwrap_or(first);
        Some(Self {
            first: format!("{}/{}", shown.trim_end_matches('/'), below.display()),
            more: found.len() - 1,
            tool: tool(below),
        })
    }

    /// What they are, in a line about the first of them.
    fn message(&self) -> String {
        let (what, stand, it, are) = match self.more {
            0 => ("this file".to_owned(), "stands in a folder", "it", "is"),
            more => (
                format!("this file and {more} more like it"),
                "stand in folders",
                "them",
                "are",
            ),
        };
        let tool = self.tool.map_or_else(String::new, |tool| {
            format!(", where {tool} looks for {it},")
        });
        format!("{what} {stand} below{tool} and {are} not run")
    }

    /// What to do with them.
    fn rewrite(&self) -> String {
        match self.tool {
            Some(tool) => tool.take_over(),
            None => "move the files up, or name their folder with `--migrations`".to_owned(),
        }
    }

    /// That there is nothing else.
    pub fn alone(self, source: &Source) -> Error {
        let more = match self.more {
            0 => String::new(),
            more => format!(", and {more} more like it"),
        };
        let tool = self
            .tool
            .map_or_else(String::new, |tool| format!(", as {tool} has them"));
        Error::failed(format!(
            "{} holds no migration, and a folder below it does",
            source.describe()
        ))
        .note(format!("there is {}{more}{tool}", self.first))
        .note("nothing was run")
        .hint(self.rewrite())
    }
}

/// A warning; where nothing else is there it is an error.
impl From<Nested> for Finding {
    fn from(nested: Nested) -> Self {
        let mut finding = Self::of_file(&form::NESTED, &nested.first, nested.message());
        finding.rewrite = nested.rewrite();
        finding
    }
}

/// A folder that cannot be read is no reason not to run what can.
fn walk(folder: &Path, depth: usize, found: &mut Vec<PathBuf>) {
    let entries = std::fs::read_dir(folder).into_iter().flatten();
    for entry in entries.filter_map(std::result::Result::ok) {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        // What is linked to is somebody else's, or a circle.
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            if depth > 1 && !name.starts_with('.') {
                walk(&entry.path(), depth - 1, found);
            }
        } else if depth < DEPTH && is_migration(&name) {
            found.push(entry.path());
        }
    }
}

/// Whether a file is named as those are that change a database.
fn is_migration(name: &str) -> bool {
    let Some(stem) = name.strip_suffix(".sql") else {
        return false;
    };
    let numbered = stem.strip_prefix(['V', 'U']).unwrap_or(stem);
    let is_numbered = numbered.starts_with(|first: char| first.is_ascii_digit());
    (is_numbered && stem.strip_suffix(".down").is_none()) || matches!(stem, "migration" | "up")
}

/// The tool that has its files at such a path below its folder.
fn tool(below: &Path) -> Option<Tool> {
    let below = below.to_string_lossy();
    let tools = [Tool::Prisma, Tool::Diesel, Tool::Flyway];
    tools
        .into_iter()
        .find(|tool| super::import::name::read(*tool, &below).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look(files: &[&str]) -> Option<Nested> {
        let folder = tempfile::tempdir().expect("there is room");
        for file in files {
            let path = folder.path().join(file);
            std::fs::create_dir_all(path.parent().expect("has one")).expect("can be made");
            std::fs::write(path, "select 1;").expect("can be written");
        }
        Nested::look(&Source::Folder {
            path: folder.path().to_owned(),
            shown: "m".to_owned(),
            found_for: None,
        })
    }

    #[test]
    fn what_looks_like_a_migration_is_found_below_the_folder_only() {
        let none = [
            "001_a.sql",
            "seeds/users.sql",
            "old/001_a.down.sql",
            "x/down.sql",
            ".git/001_a.sql",
            "x/README.md",
        ];
        assert_eq!(look(&none), None);
        for (files, first, more, tool) in [
            (
                vec!["2_b/migration.sql", "1_a/migration.sql"],
                "m/1_a/migration.sql",
                1,
                Some(Tool::Prisma),
            ),
            (
                vec!["1_a/up.sql", "1_a/down.sql"],
                "m/1_a/up.sql",
                0,
                Some(Tool::Diesel),
            ),
            (vec!["default/1_a/up.sql"], "m/default/1_a/up.sql", 0, None),
            (vec!["x/V1__a.sql"], "m/x/V1__a.sql", 0, Some(Tool::Flyway)),
            (vec!["2026/001_a.sql"], "m/2026/001_a.sql", 0, None),
        ] {
            let first = first.to_owned();
            assert_eq!(look(&files), Some(Nested { first, more, tool }));
        }
    }
}
