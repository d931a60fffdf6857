//! Where files that belong to the platform come from: a folder, or this program.

pub mod text;
pub mod toml;

use std::borrow::Cow;
use std::path::PathBuf;

use crate::error::{Error, Result};
use crate::pg::session::SearchPath;

/// Where files of one noun come from.
#[derive(Debug, Clone)]
pub enum Source {
    /// A folder, and how a person named it.
    Folder {
        /// Where it is.
        path: PathBuf,
        /// As it is shown.
        shown: String,
    },
    /// The program itself, which was built with these.
    Embedded(Embedded),
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
            Self::Folder { .. } => SearchPath::Files,
            Self::Embedded(_) => SearchPath::Catalog,
        }
    }

    /// Where from, for people.
    pub fn describe(&self) -> String {
        match self {
            Self::Folder { shown, .. } => shown.clone(),
            Self::Embedded(_) => format!("embedded in toysoldiers {}", env!("CARGO_PKG_VERSION")),
        }
    }

    /// Every file there, in no order.
    pub fn entries(&self) -> Result<Vec<Entry>> {
        let (path, shown) = match self {
            Self::Embedded(embedded) => {
                let entries = embedded.iter().map(|(name, bytes)| Entry {
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
        .hint("name the right folder, with the option for it or in toysoldiers.toml")
}
