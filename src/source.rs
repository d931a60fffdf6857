//! Where files that belong to the platform come from: a folder, or this program.

pub mod addition;
pub mod text;
pub mod toml;

use std::borrow::Cow;
use std::io::Read;
use std::path::PathBuf;

use crate::error::{Error, Result};
use crate::pg::session::SearchPath;
use crate::reading;
use crate::trust::{Caller, Distrust};

/// Where files of one noun come from.
#[derive(Debug, Clone)]
pub enum Source {
    /// A folder, and how a person named it.
    Folder {
        /// Where it is.
        path: PathBuf,
        /// As it is shown.
        shown: String,
        /// Whom it and its files have to belong to, when nobody named it and it was found.
        found_for: Option<Caller>,
    },
    /// The program itself, which was built with these.
    Embedded(Embedded),
    /// Nowhere: the folder where they would be is not there, and those in the program are about another platform.
    Nowhere(&'static str),
}

/// The names and the contents of files this program was built with.
pub type Embedded = &'static [(&'static str, &'static [u8])];

/// The migrations this program was built with.
pub const MIGRATIONS: Embedded = include!(concat!(env!("OUT_DIR"), "/migrations.rs"));

/// The policies this program was built with.
pub const POLICIES: Embedded = include!(concat!(env!("OUT_DIR"), "/policies.rs"));

/// The indexes this program was built with.
pub const INDEXES: Embedded = include!(concat!(env!("OUT_DIR"), "/indexes.rs"));

impl Source {
    /// Where the names in its files are looked for that do not say it themselves.
    pub fn search_path(&self) -> SearchPath {
        match self {
            Self::Folder { .. } | Self::Nowhere(_) => SearchPath::Files,
            Self::Embedded(_) => SearchPath::Catalog,
        }
    }

    /// Where from, for people.
    pub fn describe(&self) -> String {
        match self {
            Self::Folder { shown, .. } => shown.clone(),
            Self::Embedded(_) => format!("embedded in toysoldiers {}", env!("CARGO_PKG_VERSION")),
            Self::Nowhere(folder) => format!("there is no {folder}"),
        }
    }

    /// Every file there, in no order.
    pub fn entries(&self) -> Result<Vec<Entry>> {
        let (path, shown, found_for) = match self {
            Self::Embedded(embedded) => {
                let entries = embedded.iter().map(|(name, bytes)| Entry {
                    name: (*name).to_owned(),
                    path: format!("(embedded) {name}"),
                    content: Content::Embedded(bytes),
                });
                return Ok(entries.collect());
            }
            Self::Nowhere(_) => return Ok(Vec::new()),
            Self::Folder {
                path,
                shown,
                found_for,
            } => (path, shown, found_for),
        };
        if let Some(caller) = found_for {
            caller
                .check_folder(path)
                .map_err(|distrust| refuse(shown, distrust))?;
        }
        let entries = std::fs::read_dir(path).map_err(|error| cannot_read(shown, error))?;
        entries
            .map(|entry| {
                let entry = entry.map_err(|error| cannot_read(shown, error))?;
                let name = entry.file_name().to_string_lossy().into_owned();
                Ok(Entry {
                    path: format!("{}/{name}", shown.trim_end_matches('/')),
                    name,
                    content: Content::File(entry.path(), found_for.clone()),
                })
            })
            .collect()
    }
}

/// A file of SQL.
#[derive(Debug, Clone)]
pub struct Sheet {
    /// Its name.
    pub name: String,
    /// As a person would name it.
    pub path: String,
    /// Its text, normalised.
    pub text: String,
}

impl Sheet {
    /// Its name without the ending.
    pub fn stem(&self) -> &str {
        self.name.strip_suffix(".sql").unwrap_or(&self.name)
    }
}

impl Source {
    /// The files of SQL there, in order of their names.
    pub fn sheets(&self) -> Result<Vec<Sheet>> {
        let mut entries = self.entries()?;
        entries.sort_by(|left, right| left.name.cmp(&right.name));
        let mut sheets = Vec::new();
        for entry in entries {
            if entry.name.strip_suffix(".sql").is_some() {
                let text = text::decode(entry.bytes()?, &entry.path)
                    .map_err(|illegible| illegible.about(&entry.path))?;
                sheets.push(Sheet {
                    name: entry.name,
                    path: entry.path,
                    text,
                });
            } else if entry.name.to_ascii_lowercase().ends_with(".sql") {
                return Err(Error::failed(format!(
                    "{} does not fit: its ending is not .sql in lower case",
                    entry.path
                ))
                .unchanged()
                .hint("rename it, or it would be left out")
                .into());
            }
        }
        Ok(sheets)
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
    /// A file, and whom it has to belong to.
    File(PathBuf, Option<Caller>),
}

impl Entry {
    /// A file that somebody named.
    pub fn named(path: PathBuf) -> Self {
        let name = path.file_name().unwrap_or_default();
        Self {
            name: name.to_string_lossy().into_owned(),
            path: path.display().to_string(),
            content: Content::File(path, None),
        }
    }

    /// What is in it.
    pub fn bytes(&self) -> Result<Cow<'static, [u8]>> {
        match &self.content {
            Content::Embedded(bytes) => Ok(Cow::Borrowed(bytes)),
            Content::File(path, found_for) => {
                let cannot = |error: std::io::Error| {
                    Error::failed(format!("cannot read {}", self.path))
                        .because(error)
                        .hint("name a file that is there and may be read")
                };
                let Some(caller) = found_for else {
                    return Ok(Cow::Owned(reading::bytes(path, u64::MAX).map_err(cannot)?));
                };
                let mut file = caller.open(path).map_err(|distrust| match distrust {
                    Distrust::Unreadable(error) => cannot(error),
                    distrust => refuse(&self.path, distrust),
                })?;
                let mut bytes = Vec::new();
                file.read_to_end(&mut bytes).map_err(cannot)?;
                Ok(Cow::Owned(bytes))
            }
        }
    }
}

/// What was found is another's, or could be.
fn refuse(what: &str, distrust: Distrust) -> Error {
    match distrust {
        Distrust::Unreadable(error) => cannot_read(what, error),
        distrust => Error::configuration(format!("{what} was found and is not obeyed"))
            .because(distrust)
            .note("what is found without being named must belong to you or root, and be writable by nobody else")
            .note("nothing was run")
            .hint("if you trust it, name its folder with the option for it, or the configuration with `--config FILE` or TOYSOLDIERS_CONFIG"),
    }
}

fn cannot_read(what: &str, error: std::io::Error) -> Error {
    Error::configuration(format!("cannot read {what}"))
        .because(error)
        .hint("name the right folder, with the option for it or in toysoldiers.toml")
}
