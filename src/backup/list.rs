//! Which backups there are, told from the store alone: no database is asked and no dump is read.
//!
//! Whether a dump still has the hash of its manifest is not looked at here. That takes as long as reading it,
//! and `backup restore` does it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde::Serialize;

use super::manifest::Manifest;
use super::seal;
use super::store::{self, Object, PARTIAL, Store};
use crate::error::{self, Error, Result, command, quoted};

/// Asks for the newest complete backup instead of naming one.
const LATEST: &str = "latest";

/// The backups of a store.
#[derive(Debug, Serialize)]
pub struct Listing {
    /// The store: a folder.
    pub folder: String,
    /// What is in it, newest first.
    pub backups: Vec<Entry>,
}

/// A backup, or what is left of one.
#[derive(Debug, Serialize)]
pub struct Entry {
    /// Its name.
    pub name: String,
    /// The environment it is of.
    pub environment: Option<String>,
    /// When the snapshot was taken.
    pub taken_at: Option<Timestamp>,
    /// The last migration applied.
    pub last_migration: Option<String>,
    /// How many tables it holds.
    pub tables: Option<usize>,
    /// How many rows, of all tables.
    pub rows: Option<i64>,
    /// Size of the dump on the disk; nothing if there is none.
    pub bytes: Option<u64>,
    /// Whether it can be restored, as far as one can see.
    pub state: State,
    /// What is wrong with an incomplete one.
    pub reason: Option<String>,
}

/// Whether a backup is whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// The manifest can be read, and the dump is there in the size the manifest says.
    Complete,
    /// Something is missing.
    Incomplete,
}

impl State {
    /// As it is written.
    pub fn word(self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::Incomplete => "incomplete",
        }
    }
}

/// The files of a store by what they are, under the name of their backup.
#[derive(Debug, Default)]
struct Files {
    manifests: BTreeSet<String>,
    dumps: BTreeMap<String, u64>,
    partials: BTreeMap<String, u64>,
}

impl Listing {
    /// Looks at a store; one that is not there is an empty one.
    pub async fn read(store: &Store) -> Result<Self> {
        let files = Files::of(store.list().await?);
        let mut claimed = BTreeSet::new();
        let mut backups = Vec::new();
        for name in &files.manifests {
            let manifest = seal::manifest(store, name).await;
            let dump = match &manifest {
                Ok(manifest) => name_of(&manifest.file).to_owned(),
                Err(_) => name.clone(),
            };
            let bytes = files.dumps.get(&dump).copied();
            claimed.insert(dump);
            backups.push(match manifest {
                Ok(manifest) => Entry::described(name, manifest, bytes),
                Err(error) => Entry::incomplete(name, bytes, unreadable(&error)),
            });
        }
        for (name, bytes) in &files.dumps {
            if claimed.insert(name.clone()) {
                let reason = "there is no manifest beside the dump";
                backups.push(Entry::incomplete(name, Some(*bytes), reason));
            }
        }
        for (name, bytes) in &files.partials {
            if !claimed.contains(name) && !files.manifests.contains(name) {
                let reason = "partial: its run was interrupted, or is still at work";
                backups.push(Entry::incomplete(name, Some(*bytes), reason));
            }
        }
        backups.sort_by(|left, right| (right.age(), &right.name).cmp(&(left.age(), &left.name)));
        Ok(Self {
            folder: store.describe(),
            backups,
        })
    }

    /// The backup of this name, or the newest complete one for `latest`.
    pub fn find(&self, name: &str) -> Result<&Entry> {
        let found = if name == LATEST {
            self.backups
                .iter()
                .find(|entry| entry.state == State::Complete)
        } else {
            self.backups.iter().find(|entry| entry.name == name)
        };
        if let Some(entry) = found {
            return Ok(entry);
        }
        let folder = &self.folder;
        if name == LATEST {
            return Err(
                Error::failed(format!("there is no complete backup in {folder}"))
                    .hint(
                        command("backup create")
                            .hint("take one with {}, or name another folder with `--from`"),
                    )
                    .into(),
            );
        }
        let names = self.backups.iter().map(|entry| entry.name.as_str());
        let hint = match error::nearest(name, names) {
            Some(near) => format!("did you mean {near}?").into(),
            None => command(format!("backup list --from {}", quoted(folder)))
                .hint("see what is there with {}"),
        };
        Err(
            Error::failed(format!("there is no backup {name} in {folder}"))
                .hint(hint)
                .into(),
        )
    }

    /// How many are complete, and how many are not.
    pub fn counts(&self) -> (usize, usize) {
        let complete = self
            .backups
            .iter()
            .filter(|entry| entry.state == State::Complete)
            .count();
        (complete, self.backups.len() - complete)
    }
}

impl Entry {
    /// What its manifest says, compared with the size of the dump on the disk.
    fn described(name: &str, manifest: Manifest, bytes: Option<u64>) -> Self {
        let reason = match bytes {
            None => Some("there is no dump beside the manifest".to_owned()),
            Some(bytes) if bytes != manifest.bytes => Some(format!(
                "the dump has {bytes} bytes, the manifest says {}",
                manifest.bytes
            )),
            Some(_) => None,
        };
        Self {
            name: name.to_owned(),
            rows: Some(manifest.rows()),
            environment: Some(manifest.environment),
            taken_at: Some(manifest.taken_at),
            last_migration: manifest.last_migration,
            tables: Some(manifest.tables.len()),
            bytes,
            state: if reason.is_none() {
                State::Complete
            } else {
                State::Incomplete
            },
            reason,
        }
    }

    fn incomplete(name: &str, bytes: Option<u64>, reason: impl Into<String>) -> Self {
        Self {
            name: name.to_owned(),
            environment: None,
            taken_at: None,
            last_migration: None,
            tables: None,
            rows: None,
            bytes,
            state: State::Incomplete,
            reason: Some(reason.into()),
        }
    }

    /// What it is sorted by: without a manifest, the time in its name.
    fn age(&self) -> Option<Timestamp> {
        self.taken_at.or_else(|| stamp_in(&self.name))
    }
}

impl Files {
    fn of(objects: Vec<Object>) -> Self {
        let mut files = Self::default();
        for Object { name, bytes } in objects {
            files.add(&name, bytes);
        }
        files
    }

    fn add(&mut self, file: &str, bytes: u64) {
        if let Some(begun) = file.strip_suffix(PARTIAL) {
            if let Some((name, _)) = begun
                .rsplit_once(".dump.")
                .or_else(|| begun.rsplit_once(".json."))
            {
                *self.partials.entry(name.to_owned()).or_default() += bytes;
            }
        } else if let Some(name) = file.strip_suffix(".dump") {
            self.dumps.insert(name.to_owned(), bytes);
        } else if let Some(name) = file.strip_suffix(".json") {
            self.manifests.insert(name.to_owned());
        }
    }
}

/// The name of the backup a file belongs to.
fn name_of(file: &str) -> &str {
    file.strip_suffix(".dump")
        .or_else(|| file.strip_suffix(".json"))
        .unwrap_or(file)
}

/// Takes apart how a person names a backup: the folder, if it is a path, and the name without its ending.
pub fn named(typed: &str) -> (Option<PathBuf>, String) {
    let path = Path::new(typed);
    if store::scheme(path).is_some() {
        return (Some(path.to_owned()), String::new());
    }
    let file = path.file_name().unwrap_or_default().to_string_lossy();
    let name = name_of(&file);
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    (folder.map(Path::to_owned), name.to_owned())
}

/// Why a manifest cannot be read, in a few words.
fn unreadable(error: &anyhow::Error) -> String {
    let causes = error::explain(error).causes.join(": ");
    format!("the manifest cannot be read: {causes}")
}

/// The time in a name such as `local-20261122T141500Z`.
fn stamp_in(name: &str) -> Option<Timestamp> {
    let (_, stamp) = name.rsplit_once('-')?;
    let time = DateTime::strptime("%Y%m%dT%H%M%SZ", stamp).ok()?;
    Some(time.to_zoned(TimeZone::UTC).ok()?.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_backup_is_named_by_its_name_or_by_a_file() {
        let folder = |folder: &str| Some(PathBuf::from(folder));
        assert_eq!(named("a-1"), (None, "a-1".to_owned()));
        assert_eq!(named("a-1.dump"), (None, "a-1".to_owned()));
        assert_eq!(named("./a-1.json"), (folder("."), "a-1".to_owned()));
        assert_eq!(named("/b/a-1.dump"), (folder("/b"), "a-1".to_owned()));
        assert_eq!(named("latest"), (None, "latest".to_owned()));
    }

    #[test]
    fn a_name_tells_its_time() {
        assert_eq!(
            stamp_in("my-shop-20260304T120000Z").map(|time| time.to_string()),
            Some("2026-03-04T12:00:00Z".to_owned())
        );
        assert_eq!(stamp_in("my-shop"), None);
    }
}
