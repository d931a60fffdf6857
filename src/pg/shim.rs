//! Children that end when we do, whatever ends us.
//!
//! A process that is killed cannot end its children, and a pg_dump that waits for a lock notices nothing by itself.
//! Linux sends a signal to a process whose parent is gone, if the process asked for it. The program will not ask, and
//! between its start and its `exec` a child of ours may run no code but what is async-signal-safe; so the child is
//! this program again, which asks, makes sure that its parent is still there, and becomes the program. What the
//! program inherits, descriptors included, it inherits through us.
//!
//! Other systems have no such signal: there a child of a killed parent goes on until it notices by itself.
//!
//! In the same way a child leaves our terminal for good: it becomes the leader of a session of its own before it
//! becomes somebody else. Whoever keeps a terminal as the controlling one may open it as `/dev/tty`, write to it, and
//! on many systems type into it, which root's shell would then run.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::{self, Read, Seek, Write};
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::io::FdFlags;
use rustix::process::Signal;

/// The first word of a command line that is for us and for no person: the number of the parent, the file for a
/// failure, the program and its words follow.
const MARK: &str = "--become-child-of";

/// The same for a child without a terminal: user and group, or [`NOBODY_ELSE`], the program and its words follow. The
/// failure goes to what it finds as its input.
const APART: &str = "--become-apart";

/// The first descriptor beyond input, output and errors.
const FIRST_OTHER: i32 = 3;

/// In the place of a user: the one we are.
const NOBODY_ELSE: &str = "-";

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
    match words.next() {
        Some(word) if word == MARK => Some(become_child(&mut words)),
        Some(word) if word == APART => Some(become_apart(&mut words)),
        _ => {
            READY.store(true, Ordering::Relaxed);
            None
        }
    }
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

/// What a failure is told to is closed by becoming the program: that is how the parent knows.
fn become_apart(words: &mut impl Iterator<Item = OsString>) -> io::Error {
    let mut report = match io::stdin().as_fd().try_clone_to_owned() {
        Ok(report) => File::from(report),
        Err(error) => return error,
    };
    let error = leave(words);
    let number = error.raw_os_error().unwrap_or_default();
    let _ = report.write_all(number.to_string().as_bytes());
    error
}

fn leave(words: &mut impl Iterator<Item = OsString>) -> io::Error {
    let unfit = || io::Error::from(io::ErrorKind::InvalidInput);
    let (Some(uid), Some(gid), Some(program)) = (words.next(), words.next(), words.next()) else {
        return unfit();
    };
    if let Err(error) = rustix::process::setsid() {
        return error.into();
    }
    // What whoever started us had open is no other user's: a file of root, its terminal, a lock that would last as long
    // as a server does.
    close_fds::set_fds_cloexec(FIRST_OTHER, &[]);
    let mut command = Command::new(program);
    command.args(words).stdin(Stdio::null());
    if uid != NOBODY_ELSE {
        let number = |text: OsString| text.to_str().and_then(|text| text.parse().ok());
        let (Some(uid), Some(gid)) = (number(uid), number(gid)) else {
            return unfit();
        };
        // Further groups go with the user.
        command.uid(uid).gid(gid);
    }
    command.exec()
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
    // Where nobody sends the signal there is nothing to ask for.
    let asks =
        cfg!(any(target_os = "linux", target_os = "freebsd")) && READY.load(Ordering::Relaxed);
    let Some(ourselves) = ourselves().filter(|_| asks) else {
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

/// A program that has no terminal, and may be another user's.
#[derive(Debug)]
pub struct Apart {
    command: Command,
    report: Option<io::PipeReader>,
}

/// A program in a session of its own, without a terminal and without input; only root may name a user and a group.
pub fn apart(program: impl AsRef<OsStr>, user: Option<(u32, u32)>) -> io::Result<Apart> {
    let mut command;
    let mut report = None;
    if READY.load(Ordering::Relaxed) {
        let ourselves = ourselves().ok_or_else(|| {
            io::Error::other("this program cannot find itself, which takes a mounted /proc")
        })?;
        let (reader, writer) = io::pipe()?;
        let [uid, gid] = user.map_or(
            [NOBODY_ELSE.to_owned(), NOBODY_ELSE.to_owned()],
            |(uid, gid)| [uid.to_string(), gid.to_string()],
        );
        command = Command::new(ourselves);
        command.args([APART, &uid, &gid]).arg(program).stdin(writer);
        report = Some(reader);
    } else {
        command = Command::new(program);
        command.stdin(Stdio::null()).process_group(0);
        if let Some((uid, gid)) = user {
            command.uid(uid).gid(gid);
        }
    }
    Ok(Apart { command, report })
}

impl Apart {
    /// Its words, folder, environment and output. Its input is not to be touched.
    pub fn command(&mut self) -> &mut Command {
        &mut self.command
    }

    /// Starts it: it has become the program, or this is an error.
    pub fn spawn(self) -> io::Result<Child> {
        let Self {
            mut command,
            report,
        } = self;
        let mut child = command.spawn()?;
        // Our end of what it tells us through.
        drop(command);
        let mut number = String::new();
        if let Some(mut report) = report {
            report.read_to_string(&mut number)?;
        }
        if number.is_empty() {
            return Ok(child);
        }
        child.wait()?;
        Err(match number.parse() {
            Ok(number @ 1..) => io::Error::from_raw_os_error(number),
            _ => io::ErrorKind::InvalidInput.into(),
        })
    }

    /// Runs it to its end, and takes what it writes.
    pub fn output(mut self) -> io::Result<Output> {
        self.command.stdout(Stdio::piped()).stderr(Stdio::piped());
        self.spawn()?.wait_with_output()
    }
}

/// This program, also where another version has taken its place in the meantime.
fn ourselves() -> Option<PathBuf> {
    if cfg!(target_os = "linux") {
        Some(PathBuf::from("/proc/self/exe")).filter(|path| path.exists())
    } else {
        std::env::current_exe().ok()
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
