//! The server's process: whether there is one, and how it is told to stop.
//!
//! Which it is stands in a file that the server's account writes, so the file alone proves nothing: any number may
//! stand there, and after a crash of the machine any process may have it. It counts if its owner is the account, it
//! works in the data folder, and its program is PostgreSQL. The signal is sent by the account, which can hurt no
//! process but its own, whatever becomes of the number in the meantime.
//!
//! A system without `/proc` does not tell folder and program: there the account's power over the process has to do.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::process::{Pid, Signal, kill_process, test_kill_process};

use super::account::Account;
use super::folder::Data;
use crate::error::{Error, Result, io_reason};

const PID_FILE: &str = "postmaster.pid";

/// Whose number is in the file.
#[derive(Debug, PartialEq, Eq)]
enum Named {
    Server(Pid),
    /// Certainly another process of the account's.
    Stranger,
    /// Nobody, or a process that is on its way out.
    Unknown,
}

/// The server's process.
pub(super) fn find(data: &Data) -> Option<Pid> {
    match named(data) {
        Named::Server(pid) => Some(pid),
        Named::Stranger | Named::Unknown => None,
    }
}

/// Deletes a pid file that names another process: PostgreSQL would refuse to start. It stays if the process is gone,
/// for PostgreSQL learns from it whether anybody still works on the data.
pub(super) fn clear_stale_file(data: &Data) {
    if named(data) == Named::Stranger || !data.has_only_plain(PID_FILE) {
        data.remove(PID_FILE);
    }
}

/// Asks the server to stop at once: sessions are ended, nothing is lost.
pub(super) fn interrupt(pid: Pid, account: &Account) -> Result<()> {
    signal(pid, account, Signal::INT).map_err(|error| {
        Error::failed("the local server cannot be stopped")
            .because(Error::failed(io_reason(&error)))
            .into()
    })
}

/// The number in the file. 0 and below would be whole groups of processes, and 1 is the system's own.
fn stated(file: &str) -> Option<Pid> {
    let number: i32 = file.lines().next()?.trim().parse().ok()?;
    Some(number)
        .filter(|number| *number > 1)
        .and_then(Pid::from_raw)
}

fn named(data: &Data) -> Named {
    let Some(pid) = data.read(PID_FILE).as_deref().and_then(stated) else {
        return Named::Unknown;
    };
    if !tells_all() {
        return if can_signal(pid, &data.account) {
            Named::Server(pid)
        } else {
            Named::Unknown
        };
    }
    let process = PathBuf::from(format!("/proc/{}", pid.as_raw_nonzero()));
    // One of somebody else is nothing to PostgreSQL either.
    let owner = fs::metadata(&process).map(|process| process.uid());
    if owner.ok() != Some(data.account.uid()) {
        return Named::Unknown;
    }
    match (links(&process, &data.account), data.path.canonicalize()) {
        (Some((folder, program)), Ok(data)) if folder == data && is_postgres(&program) => {
            Named::Server(pid)
        }
        (Some(_), Ok(_)) => Named::Stranger,
        _ => Named::Unknown,
    }
}

/// Whether `/proc` is there.
fn tells_all() -> bool {
    Path::new("/proc/self/exe").exists()
}

/// Where a process works, and its program. Root without all of its powers, as in a container, is told as little
/// about others' processes as anybody: then the account itself is asked, about its own.
fn links(process: &Path, account: &Account) -> Option<(PathBuf, PathBuf)> {
    let paths = [process.join("cwd"), process.join("exe")];
    match (fs::read_link(&paths[0]), fs::read_link(&paths[1])) {
        (Ok(folder), Ok(program)) => return Some((folder, program)),
        (Err(error), _) | (_, Err(error))
            if account.is_other() && error.kind() == io::ErrorKind::PermissionDenied => {}
        _ => return None,
    }
    let [folder, program] = paths.map(|path| {
        let mut shell = account.program(Path::new("/bin/sh")).ok()?;
        shell
            .command()
            .args(["-c", "exec readlink -n \"$1\"", "sh"])
            .arg(path);
        let told = shell.output().ok()?;
        let path = String::from_utf8(told.stdout).ok()?;
        (!path.is_empty()).then(|| PathBuf::from(path))
    });
    Some((folder?, program?))
}

/// Whichever PostgreSQL: a new one may have been installed while the server runs.
fn is_postgres(program: &Path) -> bool {
    let name = program.file_name().unwrap_or_default().to_string_lossy();
    name.strip_suffix(" (deleted)").unwrap_or(&name) == "postgres"
}

fn can_signal(pid: Pid, account: &Account) -> bool {
    match account {
        Account::Own => test_kill_process(pid).is_ok(),
        Account::Other { .. } => kill_as(account, "0", pid).is_ok(),
    }
}

fn signal(pid: Pid, account: &Account, signal: Signal) -> io::Result<()> {
    match account {
        Account::Own => Ok(kill_process(pid, signal)?),
        Account::Other { .. } => kill_as(account, &signal.as_raw().to_string(), pid),
    }
}

/// By the shell, whose `kill` needs no program that may be missing.
fn kill_as(account: &Account, signal: &str, pid: Pid) -> io::Result<()> {
    let mut shell = account.program(Path::new("/bin/sh"))?;
    shell
        .command()
        .args(["-c", "kill -\"$1\" \"$2\"", "sh", signal])
        .arg(pid.as_raw_nonzero().to_string());
    if shell.output()?.status.success() {
        return Ok(());
    }
    Err(io::Error::other(format!(
        "{} may not send it a signal",
        account.name()
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_number_but_that_of_one_process_is_taken() {
        for text in ["-1", "0", "1", "-4711", "", "x", "99999999999", "\n4711"] {
            assert_eq!(stated(text), None, "{text}");
        }
        assert_eq!(stated("4711\n/data\n"), Pid::from_raw(4711));
    }

    #[test]
    fn a_program_that_was_replaced_is_known_by_its_name() {
        assert!(is_postgres(Path::new(
            "/usr/lib/postgresql/15/bin/postgres"
        )));
        assert!(is_postgres(Path::new("/x/postgres (deleted)")));
        assert!(!is_postgres(Path::new("/usr/bin/sleep")));
        assert!(!is_postgres(Path::new("/x/postgresql")));
    }
}
