//! Where migrations come from: a folder, or this program.

use std::path::PathBuf;

use super::file::{self, Kind, Migration};
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

    /// All migrations in order. Names that do not fit, two files of one number and bytes that are not text are
    /// errors.
    pub fn load(&self) -> Result<Files> {
        let mut migrations = Vec::new();
        match self {
            Self::Embedded => {
                for (name, bytes) in EMBEDDED {
                    add(&mut migrations, name, format!("(embedded) {name}"), || {
                        Ok(bytes.to_vec())
                    })?;
                }
            }
            Self::Folder { path, shown } => {
                let cannot = |what: &str, error: std::io::Error| {
                    Error::configuration(format!("cannot read {what}"))
                        .because(error)
                        .hint("name the folder of the migrations with `--migrations`")
                };
                let entries = std::fs::read_dir(path).map_err(|error| cannot(shown, error))?;
                for entry in entries {
                    let entry = entry.map_err(|error| cannot(shown, error))?;
                    let name = entry.file_name();
                    let name = name.to_string_lossy();
                    let label = format!("{}/{name}", shown.trim_end_matches('/'));
                    add(&mut migrations, &name, label.clone(), || {
                        std::fs::read(entry.path()).map_err(|error| cannot(&label, error).into())
                    })?;
                }
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
                .hint("give the one that is not applied yet the next free number")
                .into());
            }
        }
        Ok(Files {
            source: self.describe(),
            all: migrations,
        })
    }
}

fn add(
    migrations: &mut Vec<Migration>,
    name: &str,
    path: String,
    read: impl FnOnce() -> Result<Vec<u8>>,
) -> Result<()> {
    if let Kind::Up(version, description) = file::kind(name, &path)? {
        let sql = file::decode(&read()?, &path)?;
        migrations.push(Migration::new(version, description, name, path, &sql)?);
    }
    Ok(())
}
