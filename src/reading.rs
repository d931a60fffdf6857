//! Reading files of people: never longer than memory lasts, and never waiting for somebody who writes nothing.
//!
//! Only a regular file is read. A named pipe would hold the program up for as long as nobody writes to it, and a device
//! may never end. A pipe that a shell made and passed on is read: `<(...)`, `/dev/stdin`; so is /dev/null, which is
//! empty.

use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;

/// One mebibyte.
pub const MIB: u64 = 1024 * 1024;

/// Where the descriptors of the program are, which it was given.
const GIVEN: [&str; 3] = ["/dev/fd", "/proc/self/fd", "/dev/stdin"];

/// Opens a file for reading.
pub fn open(path: &Path) -> io::Result<File> {
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file: File = rustix::fs::open(path, flags, Mode::empty())?.into();
    let facts = file.metadata()?;
    let is_given = GIVEN.iter().any(|place| path.starts_with(place));
    if facts.is_file() || is_nothing(&facts) {
        return Ok(file);
    }
    if facts.file_type().is_fifo() && is_given {
        let flags = rustix::fs::fcntl_getfl(&file)?;
        rustix::fs::fcntl_setfl(&file, flags - OFlags::NONBLOCK)?;
        return Ok(file);
    }
    Err(refuse(&facts))
}

/// What is in a file, if that is no more than so many bytes.
pub fn bytes(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    rest(&open(path)?, limit)
}

/// The same of one that is text.
pub fn text(path: &Path, limit: u64) -> io::Result<String> {
    text_of(bytes(path, limit)?)
}

/// What is left in an open file, if that is no more than so many bytes.
pub fn rest(file: &File, limit: u64) -> io::Result<Vec<u8>> {
    let too_large = || io::Error::other(format!("it is larger than {} MiB", limit / MIB));
    if file.metadata()?.len() > limit {
        return Err(too_large());
    }
    let mut bytes = Vec::new();
    file.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit {
        return Err(too_large());
    }
    Ok(bytes)
}

/// Bytes as text, or the error a reader of text has.
pub fn text_of(bytes: Vec<u8>) -> io::Result<String> {
    String::from_utf8(bytes).map_err(|_| {
        io::Error::new(
            io::ErrorKind::InvalidData,
            "stream did not contain valid UTF-8",
        )
    })
}

/// Whether it is /dev/null.
fn is_nothing(facts: &Metadata) -> bool {
    facts.file_type().is_char_device()
        && std::fs::metadata("/dev/null").is_ok_and(|null| null.rdev() == facts.rdev())
}

fn refuse(facts: &Metadata) -> io::Error {
    let kind = facts.file_type();
    if kind.is_dir() {
        return Errno::ISDIR.into();
    }
    io::Error::other(if kind.is_fifo() {
        "it is a named pipe, not a file"
    } else {
        "it is a device, not a file"
    })
}
