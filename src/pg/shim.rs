//! Children that end when we do, whatever ends us.
//!
//! A process that is killed cannot end its children, and a pg_dump that waits for a lock notices nothing by itself.
//! Linux sends a signal to a process whose parent is gone, if the process asked for it. The program will not ask, and
//! between its start and its `exec` a child of ours may run no code but what is async-signal-safe; so the child is
//! this program again, which asks, makes sure that its parent is still there, and becomes the program. What the
//! program inherits, descriptors included, it inherits through us.
//!
//! Other systems have no such signal: there a child of a killed parent goes on until it notices by itself.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::{self, Read, Seek};
use std::os::fd::AsRawFd;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::io::FdFlags;
use rustix::process::Signal;

/// The first word of a command line that is for us and for no person: the number of the parent, the file for a
/// failure, the program and its words follow.
const MARK: &str = "--become-child-of";

/// What pg_dump and pg_restore end at, and cancel on the server what they were doing.
const SIGNAL: Signal = Signal::TERM;

/// Whether this program knows the mark. A test or another program that uses the library does not.
static READY: AtomicBool = AtomicBool::new(false);

/// Where the child tells why it could not become the program.
#[derive(Debug)]
pub struct Report(Option<File>);

/// Becomes the program that the command line names, if it has the mark. Returns only if it has not, with nothing, or
/// if there is no program to become, with the reason.
pub fn take_over(args: impl IntoIterator<Item = OsString>) -> Option<io::Error> {
    let mut words = args.into_iter().skip(1);
    if words.next().is_none_or(|word| word != MARK) {
        READY.store(true, Ordering::Relaxed);
        return None;
    }
    Some(become_child(&mut words))
}

fn become_child(words: &mut impl Iterator<Item = OsString>) -> io::Error {
    let unfit = || io::Error::from(io::ErrorKind::InvalidInput);
    let (Some(parent), Some(report), Some(program)) = (words.next(), words.next(), words.next())
    else {
        return unfit();
    };
    if let Err(error) = stay_with(&parent) {
        return error;
    }
    let error = Command::new(program).args(words).exec();
    // The number is all the parent needs to say it as if it had tried by itself.
    let number = error.raw_os_error().unwrap_or_default().to_string();
    let _ = fs::write(report, number);
    error
}

/// Asks for the signal. The parent may be gone already: then nobody will send one.
#[cfg(any(target_os = "linux", target_os = "freebsd"))]
fn stay_with(parent: &OsStr) -> io::Result<()> {
    rustix::process::set_parent_process_death_signal(Some(SIGNAL))?;
    let now = rustix::process::getppid().map(|pid| pid.as_raw_nonzero().to_string());
    if now.as_deref().map(OsStr::new) == Some(parent) {
        Ok(())
    } else {
        Err(rustix::io::Errno::SRCH.into())
    }
}

#[cfg(not(any(target_os = "linux", target_os = "freebsd")))]
fn stay_with(_parent: &OsStr) -> io::Result<()> {
    let _ = SIGNAL;
    Ok(())
}

/// A command for a program that ends when we do. To be spawned by the thread that lives longest: to the system, that
/// is the parent. The file has to live until the program has ended.
pub fn command(program: impl AsRef<OsStr>) -> io::Result<(Command, Report)> {
    let Some(ourselves) = ourselves().filter(|_| READY.load(Ordering::Relaxed)) else {
        return Ok((Command::new(program), Report(None)));
    };
    let report = tempfile::tempfile()?;
    rustix::io::fcntl_setfd(&report, FdFlags::empty())?;
    let mut command = Command::new(ourselves);
    command
        .arg(MARK)
        .arg(std::process::id().to_string())
        .arg(format!("/dev/fd/{}", report.as_raw_fd()))
        .arg(program);
    Ok((command, Report(Some(report))))
}

/// This program, also where another version has taken its place in the meantime.
fn ourselves() -> Option<PathBuf> {
    if cfg!(target_os = "linux") {
        Some(PathBuf::from("/proc/self/exe")).filter(|path| path.exists())
    } else if cfg!(target_os = "freebsd") {
        std::env::current_exe().ok()
    } else {
        // Where nobody sends the signal there is nothing to ask for.
        None
    }
}

impl Report {
    /// Why the program did not start, if it did not; once the child has ended.
    pub fn failure(self) -> Option<io::Error> {
        let mut file = self.0?;
        let mut number = String::new();
        file.rewind().ok()?;
        file.read_to_string(&mut number).ok()?;
        number.parse().ok().map(io::Error::from_raw_os_error)
    }
}
