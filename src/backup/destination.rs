//! Where backups lie: a folder.
//!
//! A file appears under its name whole or not at all, and never in the place of another.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{self, Read, Write as _};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use tempfile::NamedTempFile;

use super::manifest::Manifest;
use crate::error::{Error, Result, command};

/// Ending of a file that is still being written: never taken for a backup.
pub(super) const PARTIAL: &str = ".partial";

/// A folder of backups.
#[derive(Debug, Clone)]
pub struct Destination {
    folder: PathBuf,
}

impl Destination {
    /// The folder, there or not.
    pub fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Where a file of this name is or will be.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// The name, or with a number behind it if a backup of the same second has it.
    pub fn free_name(&self, name: &str) -> String {
        let taken = |name: &str| {
            ["dump", "json"]
                .iter()
                .any(|ending| self.path(&format!("{name}.{ending}")).exists())
        };
        let mut free = name.to_owned();
        let mut number = 2;
        while taken(&free) {
            free = format!("{name}-{number}");
            number += 1;
        }
        free
    }

    /// Makes the folder if need be, for its owner only: a dump holds everything the database knows.
    pub fn prepare(&self) -> Result<()> {
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.folder)
            .map_err(|error| {
                Error::configuration(format!("cannot make the folder {}", self.folder.display()))
                    .because(error)
                    .hint("name a folder you may write to, with `--to` or as `destination` in `[env.NAME.backup]`")
                    .into()
            })
    }

    /// A file to write to, which vanishes unless it is [kept](Self::keep).
    pub fn partial(&self, name: &str) -> Result<NamedTempFile> {
        tempfile::Builder::new()
            .prefix(&format!("{name}."))
            .suffix(PARTIAL)
            .permissions(fs::Permissions::from_mode(0o600))
            .tempfile_in(&self.folder)
            .map_err(|error| {
                Error::configuration(format!("cannot write to {}", self.folder.display()))
                    .because(error)
                    .hint("name a folder you may write to, with `--to` or as `destination` in `[env.NAME.backup]`")
                    .into()
            })
    }

    /// Gives a written file its name, once it is on the disk.
    pub fn keep(&self, file: NamedTempFile, name: &str) -> Result<()> {
        let path = self.path(name);
        let cannot = |error: io::Error| {
            Error::failed(format!("cannot write {}", path.display())).because(error)
        };
        // pg_dump wrote through a handle of its own; the file's data is synced through ours.
        File::open(file.path())
            .and_then(|file| file.sync_all())
            .map_err(cannot)?;
        file.persist_noclobber(&path)
            .map_err(|error| cannot(error.error))?;
        File::open(&self.folder)
            .and_then(|folder| folder.sync_all())
            .map_err(cannot)?;
        Ok(())
    }

    /// Writes the manifest: from here on there is a backup.
    pub fn seal(&self, manifest: &Manifest) -> Result<()> {
        let name = format!("{}.json", manifest.name);
        let mut file = self.partial(&name)?;
        let text = serde_json::to_string_pretty(manifest)
            .map_err(|error| Error::failed("cannot write the manifest").because(error))?;
        file.write_all(format!("{text}\n").as_bytes())
            .map_err(|error| {
                Error::failed(format!("cannot write {}", self.path(&name).display())).because(error)
            })?;
        self.keep(file, &name)
    }

    /// Takes away a file that turned out to belong to no backup.
    pub fn discard(&self, name: &str) {
        let _ = fs::remove_file(self.path(name));
    }

    /// Reads the manifest of a backup.
    pub fn manifest(&self, name: &str) -> Result<Manifest> {
        let path = self.path(&format!("{name}.json"));
        let cannot = format!("cannot read the manifest {}", path.display());
        let text = fs::read(&path).map_err(|error| {
            Error::failed(&cannot).because(error).hint(
                command("backup list").hint("restore another backup; {} shows which are complete"),
            )
        })?;
        Manifest::parse(&text).map_err(|error| error.context(cannot))
    }

    /// Reads a dump from the disk and compares size and hash with its manifest.
    pub async fn verify(&self, manifest: &Manifest) -> Result<()> {
        let dump = self.path(&manifest.file);
        let (bytes, sha256) = digest(&dump).await?;
        if (bytes, &sha256) == (manifest.bytes, &manifest.sha256) {
            return Ok(());
        }
        Err(
            Error::failed(format!("{} is not what its manifest says", dump.display()))
                .note(format!(
                    "manifest: {} bytes, SHA-256 {}",
                    manifest.bytes, manifest.sha256
                ))
                .note(format!("on disk:  {bytes} bytes, SHA-256 {sha256}"))
                .hint("do not rely on this backup, and have the disk looked at")
                .into(),
        )
    }
}

/// Size and SHA-256 of a file, read in pieces. Between two pieces Ctrl-C is heard: a large dump takes minutes.
pub async fn digest(path: &Path) -> Result<(u64, String)> {
    let cannot =
        |error: io::Error| Error::failed(format!("cannot read {}", path.display())).because(error);
    let mut file = File::open(path).map_err(cannot)?;
    let mut hash = Sha256::new();
    let mut bytes = 0;
    let mut piece = vec![0; 1024 * 1024];
    loop {
        let length = file.read(&mut piece).map_err(cannot)?;
        if length == 0 {
            break;
        }
        bytes += length as u64;
        hash.update(&piece[..length]);
        tokio::task::yield_now().await;
    }
    let mut hex = String::with_capacity(64);
    for byte in hash.finalize() {
        let _ = write!(hex, "{byte:02x}");
    }
    Ok((bytes, hex))
}
