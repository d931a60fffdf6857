//! All migrations of a source.

use super::file::{self, Kind, Migration};
use super::lint::form;
use super::nested::Nested;
use crate::error::{Error, Result};
use crate::source::{Entry, Source, text};

/// All migrations of a source.
#[derive(Debug, Clone)]
pub struct Files {
    /// Where from, for people.
    pub source: String,
    /// Whether they are the program's own, which nobody who runs it can change.
    pub is_embedded: bool,
    /// In order of version, each version once.
    pub all: Vec<Migration>,
    /// The files `NNN_description.down.sql`, likewise.
    pub downs: Vec<Migration>,
    /// What is left where nobody looks.
    pub nested: Option<Nested>,
}

impl Files {
    /// The file that undoes a migration: the one of its number and description.
    pub fn down_of(&self, migration: &Migration) -> Option<&Migration> {
        self.downs.iter().find(|down| undoes(down, migration))
    }

    /// The files that undo nothing that is here.
    pub fn stray_downs(&self) -> impl Iterator<Item = &Migration> {
        let has_one = |down: &&Migration| self.all.iter().any(|up| undoes(down, up));
        self.downs.iter().filter(move |down| !has_one(down))
    }
}

fn undoes(down: &Migration, up: &Migration) -> bool {
    (down.version, &down.name) == (up.version, &up.name)
}

impl Files {
    /// All migrations in order, and what undoes them. That there are none is an error if there are some in folders
    /// below.
    pub fn load(source: &Source) -> Result<Self> {
        let mut files = Self::read(source)?;
        match files.nested.take_if(|_| files.all.is_empty()) {
            Some(nested) => Err(nested.alone(source).into()),
            None => Ok(files),
        }
    }

    /// The same, where there need not be any. Names that do not fit, two files of one number and bytes that
    /// are not text are errors.
    pub fn read(source: &Source) -> Result<Self> {
        let (mut all, mut downs) = (Vec::new(), Vec::new());
        for entry in source.entries()? {
            let Entry { name, path, .. } = &entry;
            let (files, version, description) =
                match file::kind(name).map_err(|misfit| misfit.about(path))? {
                    Kind::Up(version, description) => (&mut all, version, description),
                    Kind::Down(version, description) => (&mut downs, version, description),
                    Kind::Other => continue,
                };
            let sql =
                text::decode(entry.bytes()?, path).map_err(|illegible| illegible.about(path))?;
            let mut migration = Migration::new(version, description, name, path.clone(), sql)?;
            migration.search_path = source.search_path();
            files.push(migration);
        }
        for (files, what) in [
            (&mut all, "two migrations have"),
            (&mut downs, "two files undo"),
        ] {
            sort(files, what)?;
        }
        Ok(Self {
            source: source.describe(),
            is_embedded: matches!(source, Source::Embedded(_)),
            all,
            downs,
            nested: Nested::look(source),
        })
    }
}

/// In order of version; two of one version are an error.
fn sort(files: &mut [Migration], what: &str) -> Result<()> {
    files.sort_by(|left, right| (left.version, &left.file).cmp(&(right.version, &right.file)));
    match files
        .windows(2)
        .find(|pair| pair[0].version == pair[1].version)
    {
        Some(pair) => Err(Error::failed(format!(
            "{what} the number {}: {} and {}",
            pair[0].version, pair[0].file, pair[1].file
        ))
        .hint(form::DUPLICATE_NUMBER.rewrite)
        .into()),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(names: &[&str]) -> Result<Files> {
        let folder = tempfile::tempdir().expect("there is room");
        for name in names {
            std::fs::write(folder.path().join(name), "select 1;").expect("can be written");
        }
        let path = folder.path().to_owned();
        let shown = "m".to_owned();
        Files::load(&Source::Folder {
            path,
            shown,
            found_for: None,
        })
    }

    #[test]
    fn what_undoes_a_migration_has_its_number_and_its_description() {
        let files = load(&[
            "001_a.sql",
            "001_a.down.sql",
            "002_b.sql",
            "002_c.down.sql",
            "003_d.down.sql",
        ])
        .expect("fits");
        let downs = files.all.iter().map(|up| files.down_of(up));
        let downs: Vec<Option<&str>> = downs.map(|down| down.map(Migration::title)).collect();
        assert_eq!(downs, [Some("001_a.down"), None]);
        let strays: Vec<&str> = files.stray_downs().map(|down| &*down.path).collect();
        assert_eq!(strays, ["m/002_c.down.sql", "m/003_d.down.sql"]);
    }

    #[test]
    fn two_files_of_one_number_are_refused() {
        for (names, message) in [
            (
                ["001_a.sql", "1_b.sql"],
                "two migrations have the number 1: 001_a.sql and 1_b.sql",
            ),
            (
                ["001_a.down.sql", "001_b.down.sql"],
                "two files undo the number 1: 001_a.down.sql and 001_b.down.sql",
            ),
        ] {
            let error = load(&names).expect_err("is refused");
            assert_eq!(error.to_string(), message);
        }
    }
}
