//! A folder as a store: a file an object.
//!
//! What is written has a name of its own until it is whole and on the disk. It gets its name by a link, which fails
//! if somebody has it: two runs never overwrite each other. Every call that waits for a disk waits on a thread of its
//! own, so that Ctrl-C is heard while a network's disk is away.

use std::fs::{self, File};
use std::io::{self, Read, Seek, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, OFlags};
use rustix::io::Errno;
use tempfile::NamedTempFile;

use super::{Object, PARTIAL};
use crate::error::{Error, Result};
use crate::trust;

/// How much of a file is read at once, in bytes.
const PIECE: usize = 1 << 20;

/// A folder of backups.
#[derive(Debug, Clone)]
pub struct Folder {
    path: PathBuf,
}

impl Folder {
    /// The folder, there or not.
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) async fn list(&self) -> Result<Vec<Object>> {
        let path = self.path.clone();
        let listed = apart(move || list(&path)).await;
        listed.map_err(|error| {
            Error::configuration(format!("cannot read the folder {}", self.path.display()))
                .because(error)
                .hint("name a folder you may read with `--from`")
                .into()
        })
    }

    pub(super) async fn open(&self, name: &str) -> io::Result<Reading> {
        Reading::of(self.path.join(name)).await
    }

    /// For its owner only, the folder too if it has to be made: a dump holds everything the database knows.
    pub(super) async fn create(&self, name: &str) -> Result<Writing> {
        let cannot = |what: &str| {
            Error::configuration(format!("cannot {what} {}", self.path.display()))
                .hint("name a folder you may write to, with `--to` or as `destination` in `[env.NAME.backup]`")
        };
        let folder = self.path.clone();
        let made = apart(move || {
            let mut builder = fs::DirBuilder::new();
            builder.recursive(true).mode(0o700).create(folder)
        });
        made.await
            .map_err(|error| cannot("make the folder").because(error))?;
        let (folder, prefix) = (self.path.clone(), format!("{name}."));
        let begun = apart(move || {
            tempfile::Builder::new()
                .prefix(&prefix)
                .suffix(PARTIAL)
                .permissions(fs::Permissions::from_mode(0o600))
                .tempfile_in(folder)
        });
        let file = begun
            .await
            .map_err(|error| cannot("write to").because(error))?;
        Ok(Writing {
            file,
            path: self.path.join(name),
        })
    }

    pub(super) async fn delete(&self, name: &str) -> Result<()> {
        let path = self.path.join(name);
        let shown = path.display().to_string();
        let deleted = apart(move || {
            fs::remove_file(&path)?;
            sync_folder(&path)
        });
        deleted.await.map_err(|error| {
            Error::failed(format!("cannot delete {shown}"))
                .because(error)
                .into()
        })
    }

    pub(super) async fn exposure(&self) -> Option<String> {
        let path = self.path.clone();
        let looked = apart(move || Ok((fs::metadata(&path)?, trust::writers_at(&path)?)));
        let (metadata, writers) = looked.await.ok()?;
        let us = rustix::process::geteuid().as_raw();
        let is_anothers = metadata.uid() != us && metadata.uid() != 0;
        let owner = || format!("its owner, the user with the id {}", metadata.uid());
        let who = writers.or_else(|| is_anothers.then(owner))?;
        // Its owner may do everything, whatever others may.
        let is_sticky = metadata.mode() & 0o1000 != 0 && !is_anothers;
        let what = if is_sticky {
            "put backups of their own there"
        } else {
            "take backups away or put others in their place"
        };
        Some(format!(
            "{who} may write to {}, and can {what}",
            self.path.display()
        ))
    }
}

fn list(folder: &Path) -> io::Result<Vec<Object>> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut objects = Vec::new();
    for entry in entries {
        let path = entry?.path();
        // What was partial a moment ago may be gone now.
        let (Some(name), Ok(metadata)) = (
            path.file_name().and_then(|name| name.to_str()),
            fs::metadata(&path),
        ) else {
            continue;
        };
        if metadata.is_file() {
            objects.push(Object {
                name: name.to_owned(),
                bytes: metadata.len(),
            });
        }
    }
    Ok(objects)
}

/// A file being read.
#[derive(Debug)]
pub struct Reading(File);

impl Reading {
    async fn of(path: PathBuf) -> io::Result<Self> {
        let opened = apart(move || {
            let file = File::options()
                .read(true)
                // A pipe in the place of a file would be waited for, for ever.
                .custom_flags(OFlags::NONBLOCK.bits().cast_signed())
                .open(path)?;
            if file.metadata()?.is_file() {
                Ok(file)
            } else {
                Err(io::Error::other("it is no file"))
            }
        });
        opened.await.map(Self)
    }

    /// The next piece; nothing at the end.
    pub async fn piece(&mut self) -> io::Result<Option<Vec<u8>>> {
        let mut file = self.0.try_clone()?;
        let piece = apart(move || {
            let mut piece = vec![0; PIECE];
            let length = file.read(&mut piece)?;
            piece.truncate(length);
            Ok(piece)
        });
        let piece = piece.await?;
        Ok((!piece.is_empty()).then_some(piece))
    }
}

/// A file being written, which has not got its name yet.
#[derive(Debug)]
pub struct Writing {
    file: NamedTempFile,
    path: PathBuf,
}

impl Writing {
    /// The open file, for another program to write. Its name would not do: whoever may write to the folder can give it
    /// to another file.
    pub fn file(&self) -> io::Result<File> {
        self.file.as_file().try_clone()
    }

    /// What was written so far, from its beginning. Reading moves the place where writing would go on.
    pub async fn reading(&self) -> io::Result<Reading> {
        let mut file = self.file()?;
        apart(move || {
            file.rewind()?;
            Ok(Reading(file))
        })
        .await
    }

    /// Writes more.
    pub async fn write(&mut self, bytes: Vec<u8>) -> Result<()> {
        let written = async {
            let mut file = self.file.as_file().try_clone()?;
            apart(move || file.write_all(&bytes)).await
        };
        written.await.map_err(|error| self.cannot(error).into())
    }

    /// Puts it on the disk and gives it its name, unless somebody has it.
    pub async fn commit(self) -> Result<()> {
        let path = self.path.clone();
        let kept = apart(move || {
            let Self { file, path } = self;
            // Another program may have written it through a handle of its own; the data of a file is synced through any.
            file.as_file().sync_all()?;
            give_name(file, &path)?;
            sync_folder(&path)
        });
        kept.await.map_err(|error| {
            Error::failed(format!("cannot write {}", path.display()))
                .because(error)
                .into()
        })
    }

    fn cannot(&self, error: io::Error) -> Error {
        Error::failed(format!("cannot write {}", self.path.display())).because(error)
    }
}

/// Gives the open file a name, whatever has become of the one it had; not if somebody has the new one.
fn give_name(file: NamedTempFile, name: &Path) -> io::Result<()> {
    let open = format!("/proc/self/fd/{}", file.as_file().as_raw_fd());
    match rustix::fs::linkat(CWD, open, CWD, name, AtFlags::SYMLINK_FOLLOW) {
        // The name it had goes with `file`.
        Ok(()) => return Ok(()),
        Err(Errno::EXIST) => return Err(Errno::EXIST.into()),
        // No second names on this file system, no `/proc`, or no name left that would be ours.
        Err(_) => {}
    }
    same(file.as_file(), file.path())?;
    let file = file.persist_noclobber(name).map_err(|error| error.error)?;
    same(&file, name)
}

/// Refuses a name that somebody has given to something else.
fn same(file: &File, name: &Path) -> io::Result<()> {
    let (ours, theirs) = (file.metadata()?, name.symlink_metadata()?);
    if (ours.dev(), ours.ino()) == (theirs.dev(), theirs.ino()) {
        return Ok(());
    }
    Err(io::Error::other(format!(
        "somebody has put something else in the place of {}",
        name.display()
    )))
}

/// What a folder says of its files is on the disk only once the folder is.
fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let folder = if folder.as_os_str().is_empty() {
        Path::new(".")
    } else {
        folder
    };
    File::open(folder)?.sync_all()
}

/// On a thread that may wait.
async fn apart<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|ended| Err(io::Error::other(ended)))
}
