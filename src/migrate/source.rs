//! Where migrations come from: a folder, or this program.

use std::borrow::Cow;
use std::path::PathBuf;

use super::file::{self, Kind, Migration};
use super::lint::form;
use crate::error::{Error, Result};

/// The migrations this program was built with.
const EMBEDDED: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/migrations.rs"));

/// Where migrations come from.
#[derive(Debug, Clone)]
pub enum Source {
    /// A folder, and how a person named it.
    Folder {
        /// Where it is.
        path: PathBuf,
        /// As it is shown.
        shown: String,
    },
    /// The program itself.
    Embedded,
}

/// All migrations of a source.
#[derive(Debug)]
pub struct Files {
    /// Where from, for people.
    pub source: String,
    /// Whether they are the program's own, which nobody who runs it can change.
    pub is_embedded: bool,
    /// In order of version, each version once.
    pub all: Vec<Migration>,
}

impl Source {
    /// Where from, for people.
    pub fn describe(&self) -> String {
        match self {
            Self::Folder { shown, .. } => shown.clone(),
            Self::Embedded => format!("embedded in toysoldiers {}", env!("CARGO_PKG_VERSION")),
        }
    }

    /// Every file there, in no order.
    pub fn entries(&self) -> Result<Vec<Entry>> {
        let (path, shown) = match self {
            Self::Embedded => {
                let entries = EMBEDDED.iter().map(|(name, bytes)| Entry {
                    name: (*name).to_owned(),
                    path: format!("(embedded) {name}"),
                    content: Content::Embedded(bytes),
                });
                return Ok(entries.collect());
            }
            Self::Folder { path, shown } => (path, shown),
        };
        let entries = std::fs::read_dir(path).map_err(|error| cannot_read(shown, error))?;
        entries
            .map(|entry| {
                let entry = entry.map_err(|error| cannot_read(shown, error))?;
                let name = entry.file_name().to_string_lossy().into_owned();
                Ok(Entry {
                    path: format!("{}/{name}", shown.trim_end_matches('/')),
                    name,
                    content: Content::File(entry.path()),
                })
            })
            .collect()
    }

    /// All migrations in order. Names that do not fit, two files of one number and bytes that are not text are
    /// errors.
    pub fn load(&self) -> Result<Files> {
        let mut migrations = Vec::new();
        for entry in self.entries()? {
            let Entry { name, path, .. } = &entry;
            if let Kind::Up(version, description) =
                file::kind(name).map_err(|misfit| misfit.about(path))?
            {
                let sql = file::decode(&entry.bytes()?, path)
                    .map_err(|illegible| illegible.about(path))?;
                migrations.push(Migration::new(
                    version,
                    description,
                    name,
                    path.clone(),
                    &sql,
                )?);
            }
        }
        migrations
            .sort_by(|left, right| (left.version, &left.file).cmp(&(right.version, &right.file)));
        for pair in migrations.windows(2) {
            if pair[0].version == pair[1].version {
                return Err(Error::failed(format!(
                    "two migrations have the number {}: {} and {}",
                    pair[0].version, pair[0].file, pair[1].file
                ))
                .hint(form::DUPLICATE_NUMBER.rewrite)
                .into());
            }
        }
        Ok(Files {
            source: self.describe(),
            is_embedded: matches!(self, Self::Embedded),
            all: migrations,
        })
    }
}

/// A file of a source, not read yet.
#[derive(Debug)]
pub struct Entry {
    /// Its name.
    pub name: String,
    /// As a person would name it.
    pub path: String,
    content: Content,
}

#[derive(Debug)]
enum Content {
    Embedded(&'static [u8]),
    File(PathBuf),
}

impl Entry {
    /// A file that somebody named.
    pub fn named(path: PathBuf) -> Self {
        let name = path.file_name().unwrap_or_default();
        Self {
            name: name.to_string_lossy().into_owned(),
            path: path.display().to_string(),
            content: Content::File(path),
        }
    }

    /// What is in it.
    pub fn bytes(&self) -> Result<Cow<'static, [u8]>> {
        match &self.content {
            Content::Embedded(bytes) => Ok(Cow::Borrowed(bytes)),
            Content::File(path) => {
                let bytes = std::fs::read(path).map_err(|error| {
                    Error::failed(format!("cannot read {}", self.path))
                        .because(error)
                        .hint("name a file that is there and may be read")
                })?;
                Ok(Cow::Owned(bytes))
            }
        }
    }
}

fn cannot_read(what: &str, error: std::io::Error) -> Error {
    Error::configuration(format!("cannot read {what}"))
        .because(error)
        .hint("name the folder of the migrations with `--migrations`")
}
