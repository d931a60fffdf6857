//! The data folder, which is the account's: nothing in it is believed without a look.

use std::io::{self, Read};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, FileType, OFlags};

use super::open;
use crate::local::account::Account;

/// More than the small files in it have.
const SMALL: u64 = 64 * 1024;

/// The data folder, opened.
#[derive(Debug)]
pub(in crate::local) struct Data {
    pub(in crate::local) path: PathBuf,
    pub(in crate::local) account: Account,
    pub(super) handle: OwnedFd,
}

impl Data {
    /// The text of a small file in it; nothing unless there is one and it is a plain file of the account's.
    pub(in crate::local) fn read(&self, name: &str) -> Option<String> {
        let owners = [self.account.uid(), rustix::process::geteuid().as_raw()];
        let file = open::file(&self.handle, name, OFlags::RDONLY, &owners).ok()?;
        let mut text = String::new();
        file.take(SMALL).read_to_string(&mut text).ok()?;
        Some(text)
    }

    /// Whether initdb came to its end.
    pub(in crate::local) fn is_whole(&self) -> bool {
        let control = || -> io::Result<bool> {
            let global = open::folder(&self.handle, Path::new("global"), false)?;
            let stat = rustix::fs::statat(&global, "pg_control", AtFlags::SYMLINK_NOFOLLOW)?;
            Ok(FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile)
        };
        self.read("PG_VERSION").is_some() && control().unwrap_or(false)
    }

    /// Whether there is nothing of this name, or a plain file.
    pub(in crate::local) fn has_only_plain(&self, name: &str) -> bool {
        let stat = rustix::fs::statat(&self.handle, name, AtFlags::SYMLINK_NOFOLLOW);
        stat.is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile)
            || stat.is_err()
    }

    /// Deletes a file, or whatever bears its name.
    pub(in crate::local) fn remove(&self, name: &str) {
        let _ = rustix::fs::unlinkat(&self.handle, name, AtFlags::empty());
    }
}
