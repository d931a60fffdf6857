//! The folder of everything the private server has, and who owns what in it.
//!
//! For root the server runs as another account, which is trusted with the server's data and with nothing else. The
//! folder, the lock, the log and the backups are root's; only `data` and `run` are the account's. What lies where
//! the account may write is opened without following a link and without waiting for anybody, and looked at once it
//! is open. Everything is found from a handle of the folder, so that nobody can put another one in its place.
//!
//! An ordinary user's server runs as that user: there is nobody to be wary of, and the files are opened with the same
//! care.

mod claim;
mod data;
mod open;

use std::fs::File;
use std::io::{self, ErrorKind};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, FileType, Mode, OFlags, Stat};
use rustix::io::Errno;

use super::account::{Account, called};
use crate::error::{Error, Kind, Result, io_reason};
use crate::plan::Progress;
use crate::trust;
pub(super) use data::Data;

/// Data of the server, and of servers that were made anew or put aside.
pub(super) const DATA: &str = "data";
/// Where the socket is.
pub(super) const RUN: &str = "run";
pub(super) const LOG: &str = "server.log";
const OLD_LOG: &str = "server.log.old";
pub(super) const LOCK: &str = "lock";
pub(super) const BACKUPS: &str = "backups";
/// How the names of folders begin that hold a server of another major version.
pub(super) const BESIDE: &str = "scratch-";

/// A log larger than this is put aside when the server starts.
const LOG_LIMIT: u64 = 10 * 1024 * 1024;

/// Without its type, what `chmod` sets.
const PERMISSIONS: u32 = 0o7777;

/// The folder, opened.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    handle: OwnedFd,
    account: Account,
}

impl Folder {
    /// Makes the folder unless it is there.
    pub(super) fn make(path: &Path, account: Account, progress: &dyn Progress) -> Result<Self> {
        if account.is_other() {
            claim::trust_ancestors(path)?;
        }
        let mode = if account.is_other() { 0o755 } else { 0o700 };
        make_whole(path, mode).map_err(|error| unusable(path, &io_reason(&error)))?;
        let folder = Self::find(path, account, progress)?.ok_or_else(|| {
            unusable(path, "it is gone again, as soon as it was made")
                .hint("see who deletes it, and try again")
        })?;
        folder.let_the_account_in()?;
        Ok(folder)
    }

    /// The folder as it stands; nothing if there is none. One that an older version gave to the server's account is
    /// taken back.
    pub(super) fn find(
        path: &Path,
        account: Account,
        progress: &dyn Progress,
    ) -> Result<Option<Self>> {
        let path = match path.canonicalize() {
            Ok(canonical) if account.is_other() => {
                claim::trust_ancestors(path)?;
                claim::trust_ancestors(&canonical)?;
                canonical
            }
            Ok(_) => path.to_owned(),
            // A file in the way is an error when something is to be made there.
            Err(error)
                if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) =>
            {
                return Ok(None);
            }
            Err(error) => return Err(not_ours(path, &error).into()),
        };
        let handle = open::folder(rustix::fs::CWD, &path, !account.is_other())
            .map_err(|error| not_ours(&path, &error))?;
        let folder = Self {
            path,
            handle,
            account,
        };
        if folder.account.is_other() {
            folder.take_back(progress)?;
            folder.check_accounts(DATA)?;
            folder.check_accounts(RUN)?;
        }
        Ok(Some(folder))
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    pub(super) fn account(&self) -> &Account {
        &self.account
    }

    /// Makes a folder that only the server's account may enter, unless it is there. Whoever does this has the lock.
    pub(super) fn make_for_account(&self, name: &str) -> Result<()> {
        const UNBORN: &str = ".new-folder";
        if rustix::fs::statat(&self.handle, name, AtFlags::SYMLINK_NOFOLLOW).is_ok() {
            return self.check_accounts(name);
        }
        let make = || -> io::Result<()> {
            // What a killed command has left.
            let _ = rustix::fs::unlinkat(&self.handle, UNBORN, AtFlags::REMOVEDIR);
            rustix::fs::mkdirat(&self.handle, UNBORN, Mode::from_raw_mode(0o700))?;
            let unborn = open::folder(&self.handle, Path::new(UNBORN), false)?;
            self.account.give(&unborn)?;
            Ok(rustix::fs::renameat(
                &self.handle,
                UNBORN,
                &self.handle,
                name,
            )?)
        };
        make().map_err(|error| cannot("make", &self.path(name), error))
    }

    /// A folder of the account's is one, unless it is not there.
    fn check_accounts(&self, name: &str) -> Result<()> {
        if !self.account.is_other() {
            return Ok(());
        }
        let stat = match rustix::fs::statat(&self.handle, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => stat,
            Err(Errno::NOENT) => return Ok(()),
            Err(error) => return Err(cannot("read", &self.path(name), error.into())),
        };
        let is_folder = FileType::from_raw_mode(stat.st_mode) == FileType::Directory;
        if is_folder && stat.st_uid == self.account.uid() {
            return Ok(());
        }
        let reason = if is_folder {
            format!(
                "it belongs to {}, and not to {}",
                called(stat.st_uid),
                self.account.name()
            )
        } else {
            "it is no folder".to_owned()
        };
        Err(self.distrust(name, &io::Error::other(reason)).into())
    }

    /// The data, if there is any.
    pub(super) fn data(&self) -> Result<Option<Data>> {
        match open::folder(&self.handle, Path::new(DATA), !self.account.is_other()) {
            Ok(handle) => Ok(Some(Data {
                path: self.path(DATA),
                account: self.account.clone(),
                handle,
            })),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(self.distrust(DATA, &error).into()),
        }
    }

    /// The file whose lock keeps other commands away.
    pub(super) fn lock_file(&self) -> Result<File> {
        self.open_own(LOCK, OFlags::WRONLY | OFlags::CREATE)
    }

    /// The server's log, to be written at its end. A long one is put aside first.
    pub(super) fn log_to_write(&self) -> Result<File> {
        let flags = OFlags::WRONLY | OFlags::APPEND | OFlags::CREATE;
        let log = self.open_own(LOG, flags)?;
        if log.metadata().is_ok_and(|log| log.len() <= LOG_LIMIT) {
            return Ok(log);
        }
        rustix::fs::renameat(&self.handle, LOG, &self.handle, OLD_LOG)
            .map_err(|error| cannot("rename", &self.path(LOG), error.into()))?;
        self.open_own(LOG, flags)
    }

    /// The server's log, if there is one.
    pub(super) fn log_to_read(&self) -> Result<Option<File>> {
        match open::file(&self.handle, LOG, OFlags::RDONLY, &self.owners()) {
            Ok(log) => Ok(Some(log)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(self.distrust(LOG, &error).into()),
        }
    }

    /// Where backups of environments without a destination lie, in folders of their own. Root's are for root's eyes.
    pub(super) fn check_backups(&self) -> Result<()> {
        let distrust = |reason: &str| {
            self.distrust(BACKUPS, &io::Error::other(reason))
                .note("a backup that somebody else may have written must not be restored")
        };
        let backups = match open::folder(&self.handle, Path::new(BACKUPS), false) {
            Ok(backups) => backups,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(distrust(&io_reason(&error)).into()),
        };
        let stat = rustix::fs::fstat(&backups)
            .map_err(|error| cannot("read", &self.path(BACKUPS), error.into()))?;
        if stat.st_uid != 0 {
            let owner = called(stat.st_uid);
            return Err(distrust(&format!("it belongs to {owner}, and not to root")).into());
        }
        let writers =
            trust::writers(&backups).map_err(|error| cannot("read", &self.path(BACKUPS), error))?;
        if let Some(who) = writers {
            return Err(distrust(&format!("{who} may write in it")).into());
        }
        if stat.st_mode & 0o077 != 0 {
            rustix::fs::fchmod(&backups, Mode::from_raw_mode(0o700))
                .map_err(|error| cannot("close", &self.path(BACKUPS), error.into()))?;
        }
        Ok(())
    }

    /// Who may have made a file of ours: the user of this program; the account too where older versions let it.
    fn owners(&self) -> [u32; 2] {
        [rustix::process::geteuid().as_raw(), self.account.uid()]
    }

    /// Opens a file that is ours from here on, for nobody else to read.
    fn open_own(&self, name: &str, flags: OFlags) -> Result<File> {
        let file = open::file(&self.handle, name, flags, &self.owners())
            .map_err(|error| self.distrust(name, &error))?;
        let own = || -> io::Result<()> {
            let stat = rustix::fs::fstat(&file)?;
            let us = rustix::process::geteuid();
            if stat.st_uid != us.as_raw() {
                rustix::fs::fchown(&file, Some(us), Some(rustix::process::getegid()))?;
            }
            if stat.st_mode & PERMISSIONS != 0o600 {
                rustix::fs::fchmod(&file, Mode::from_raw_mode(0o600))?;
            }
            Ok(())
        };
        own().map_err(|error| cannot("close to others", &self.path(name), error))?;
        Ok(file)
    }

    fn stat(&self) -> Result<Stat> {
        rustix::fs::fstat(&self.handle).map_err(|error| cannot("read", &self.path, error.into()))
    }

    /// Something in the folder is not what it should be, or cannot be had.
    fn distrust(&self, name: &str, error: &io::Error) -> Error {
        let path = self.path(name);
        // Everything of the system's has a number.
        let planted = error.raw_os_error().is_none();
        let kind = if planted {
            Kind::Refused
        } else {
            Kind::Configuration
        };
        let found = Error::new(kind, format!("cannot use {}", path.display()))
            .because(Error::new(kind, io_reason(error)));
        if planted {
            found.hint(format!(
                "see whose it is with `ls -ld {}`, and move it away",
                path.display()
            ))
        } else {
            found.hint("name a folder of your own in TOYSOLDIERS_LOCAL_DIR")
        }
    }
}

/// Makes the folder under another name and renames it: whoever finds it finds it usable, also a command
/// that runs at the same moment.
fn make_whole(folder: &Path, mode: u32) -> io::Result<()> {
    use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
    if folder.exists() {
        return Ok(());
    }
    let parent = folder.parent().unwrap_or(Path::new("/"));
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o755)
        .create(parent)
        .map_err(|error| match error.kind() {
            // A file where a folder should be.
            ErrorKind::AlreadyExists => ErrorKind::NotADirectory.into(),
            _ => error,
        })?;
    let unborn = tempfile::Builder::new()
        .prefix(".new-")
        .tempdir_in(parent)?;
    std::fs::set_permissions(unborn.path(), std::fs::Permissions::from_mode(mode))?;
    match std::fs::rename(unborn.path(), folder) {
        // Somebody was faster, and theirs is as good.
        Err(_) if folder.is_dir() => Ok(()),
        other => other,
    }
}

fn unusable(folder: &Path, reason: &str) -> Error {
    Error::configuration(format!("the folder {} cannot be used", folder.display()))
        .because(Error::configuration(reason))
        .hint("name a folder of your own in TOYSOLDIERS_LOCAL_DIR")
}

fn not_ours(folder: &Path, error: &io::Error) -> Error {
    if error.kind() == ErrorKind::PermissionDenied {
        return Error::new(
            Kind::Refused,
            format!("{} belongs to another user", folder.display()),
        )
        .hint("run this as that user, or name a folder of your own in TOYSOLDIERS_LOCAL_DIR");
    }
    unusable(folder, &io_reason(error))
}

pub(super) fn cannot(verb: &str, path: &Path, error: io::Error) -> anyhow::Error {
    Error::failed(format!("cannot {verb} {}", path.display()))
        .because(error)
        .into()
}
