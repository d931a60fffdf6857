//! Opening what others may have made.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use rustix::fs::{FileType, Mode, OFlags};
use rustix::io::Errno;

use super::super::account;

/// Opens a plain file: follows no link, waits for no other end of a pipe, and believes in no file that is known by
/// another name elsewhere or belongs to somebody else.
pub(super) fn file(at: impl AsFd, name: &str, flags: OFlags, owners: &[u32]) -> io::Result<File> {
    let flags = flags | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let opened = rustix::fs::openat(at, name, flags, Mode::from_raw_mode(0o600));
    let file = opened.map_err(|error| match error {
        Errno::LOOP => io::Error::other("it is a symbolic link"),
        Errno::NXIO | Errno::ISDIR => io::Error::other("it is no plain file"),
        error => error.into(),
    })?;
    let stat = rustix::fs::fstat(&file)?;
    if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
        return Err(io::Error::other("it is no plain file"));
    }
    if !owners.contains(&stat.st_uid) {
        let owner = account::called(stat.st_uid);
        return Err(io::Error::other(format!("it belongs to {owner}")));
    }
    if stat.st_nlink > 1 {
        return Err(io::Error::other("it has another name elsewhere"));
    }
    Ok(file.into())
}

/// Opens a folder.
pub(super) fn folder(at: impl AsFd, path: &Path, through_links: bool) -> io::Result<OwnedFd> {
    let mut flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    if !through_links {
        flags |= OFlags::NOFOLLOW;
    }
    rustix::fs::openat(at, path, flags, Mode::empty()).map_err(|error| match error {
        // Linux calls a link NOTDIR here, others LOOP.
        Errno::LOOP | Errno::NOTDIR if !through_links => {
            io::Error::other("it is a link, or no folder at all")
        }
        error => error.into(),
    })
}
