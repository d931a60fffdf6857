//! The data folder and the process that serves it.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};

use rustix::process::{Pid, Signal, kill_process, test_kill_process};

use super::SUPERUSER;
use super::account::Account;
use crate::error::{Error, Result, command};
use crate::pg::tools::Programs;
use crate::plan::Progress;

/// A log larger than this is put aside when the server starts.
const LOG_LIMIT: u64 = 10 * 1024 * 1024;

/// The folder of the programs that can serve the data folder: those of its own major version, or any if there
/// is no data yet.
pub(super) fn programs_for(data: &Path, programs: &Programs) -> Result<PathBuf> {
    let Some(major) = fs::read_to_string(data.join("PG_VERSION"))
        .ok()
        .and_then(|text| text.trim().parse().ok())
    else {
        return programs.folder_with(&["initdb", "postgres"]);
    };
    let tool = programs.for_server("postgres", major)?;
    if tool.major != major {
        return Err(Error::configuration(format!(
            "the local server's data was made by PostgreSQL {major}, and this machine has {}",
            tool.version
        ))
        .hint(command("local reset --all").anywhere().hint(format!(
            "install PostgreSQL {major}, or start over with {{}}"
        )))
        .into());
    }
    Ok(tool.path.parent().unwrap_or(Path::new("/")).to_owned())
}

/// Makes the data folder unless it is there, whole or not at all.
pub(super) fn make(
    data: &Path,
    bin: &Path,
    account: &Account,
    progress: &dyn Progress,
) -> Result<()> {
    if data.join("PG_VERSION").is_file() && data.join("global/pg_control").is_file() {
        return Ok(());
    }
    if data.exists() {
        // Not whole, but perhaps of use to somebody: put aside, not deleted.
        let aside = free_name(data, "broken");
        fs::rename(data, &aside).map_err(|error| cannot("put aside", data, error))?;
        progress.warn(&format!(
            "the data folder was not whole; it was put aside as {}",
            aside.display()
        ));
    }
    let unborn = data.with_extension("new");
    if unborn.exists() {
        fs::remove_dir_all(&unborn).map_err(|error| cannot("delete", &unborn, error))?;
    }
    progress.say("making the local server (the first time only)");
    // C.UTF-8 sorts by code point on every system and still folds the case of all letters.
    for locale in ["C.UTF-8", "en_US.UTF-8", "C"] {
        let output = account
            .command(&bin.join("initdb"))
            .args([
                "--auth=trust",
                "--encoding=UTF8",
                "--no-sync",
                "--username",
                SUPERUSER,
            ])
            .arg(format!("--locale={locale}"))
            .arg("--pgdata")
            .arg(&unborn)
            .stdin(Stdio::null())
            .output()
            .map_err(|error| cannot("run", &bin.join("initdb"), error))?;
        if output.status.success() {
            return fs::rename(&unborn, data).map_err(|error| cannot("rename", &unborn, error));
        }
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        if !said.contains("locale") {
            return Err(Error::failed("initdb cannot make the data folder")
                .note(said.trim())
                .into());
        }
    }
    Err(Error::failed("initdb knows no usable locale on this system").into())
}

/// Starts the server's process, out of reach of the terminal's Ctrl-C.
pub(super) fn spawn(
    bin: &Path,
    data: &Path,
    socket: &Path,
    log: &Path,
    account: &Account,
) -> Result<Child> {
    if fs::metadata(log).is_ok_and(|log| log.len() > LOG_LIMIT) {
        fs::rename(log, log.with_extension("log.old"))
            .map_err(|error| cannot("rename", log, error))?;
    }
    let out = OpenOptions::new()
        .create(true)
        .append(true)
        .open(log)
        .map_err(|error| cannot("write", log, error))?;
    let err = out
        .try_clone()
        .map_err(|error| cannot("write", log, error))?;
    account
        .command(&bin.join("postgres"))
        .arg("-D")
        .arg(data)
        .arg("-k")
        .arg(socket)
        .args([
            "-c",
            "listen_addresses=",
            "-c",
            "unix_socket_permissions=0700",
            "-c",
            "port=5432",
        ])
        // A crash of the machine may lose the last moments, never the whole: this is a server for trying things.
        .args([
            "-c",
            "synchronous_commit=off",
            "-c",
            "log_line_prefix=%m [%p] %a ",
        ])
        .stdin(Stdio::null())
        .stdout(out)
        .stderr(err)
        .spawn()
        .map_err(|error| cannot("run", &bin.join("postgres"), error))
}

/// The server's process id, if it is really ours and alive.
pub(super) fn running_pid(data: &Path) -> Option<i32> {
    let pid = pid_in_file(data)?;
    let alive = test_kill_process(Pid::from_raw(pid)?).is_ok();
    (alive && works_in(pid, data) != Some(false)).then_some(pid)
}

/// After a crash of the machine the pid in the file may be anyone's; PostgreSQL would refuse to start.
pub(super) fn clear_stale_pid_file(data: &Path) {
    if let Some(pid) = pid_in_file(data)
        && works_in(pid, data) == Some(false)
    {
        let _ = fs::remove_file(data.join("postmaster.pid"));
    }
}

/// Asks the server to stop at once: sessions are ended, nothing is lost.
pub(super) fn interrupt(pid: i32) -> Result<()> {
    let pid =
        Pid::from_raw(pid).ok_or_else(|| Error::failed("the pid file holds no process id"))?;
    kill_process(pid, Signal::INT).map_err(|error| {
        Error::failed("the local server cannot be stopped")
            .because(std::io::Error::from(error))
            .into()
    })
}

fn pid_in_file(data: &Path) -> Option<i32> {
    fs::read_to_string(data.join("postmaster.pid"))
        .ok()?
        .lines()
        .next()?
        .trim()
        .parse()
        .ok()
}

/// Whether a process works in this folder, as a PostgreSQL server does in its data; nothing if the system does
/// not tell.
fn works_in(pid: i32, data: &Path) -> Option<bool> {
    let folder = fs::read_link(format!("/proc/{pid}/cwd")).ok()?;
    Some(folder == data.canonicalize().ok()?)
}

/// Deletes the data folder: first out of the way, so that it is never found half deleted.
pub(super) fn delete(data: &Path) -> Result<()> {
    if !data.exists() {
        return Ok(());
    }
    let doomed = free_name(data, "deleted");
    fs::rename(data, &doomed).map_err(|error| cannot("rename", data, error))?;
    fs::remove_dir_all(&doomed).map_err(|error| cannot("delete", &doomed, error))
}

fn free_name(path: &Path, word: &str) -> PathBuf {
    let mut number = 1;
    loop {
        let name = path.with_extension(format!("{word}-{number}"));
        if !name.exists() {
            return name;
        }
        number += 1;
    }
}

/// What the log has gained since it was `from` bytes long.
pub(super) fn log_since(log: &Path, from: u64) -> String {
    let mut text = Vec::new();
    if let Ok(mut file) = File::open(log)
        && file.seek(SeekFrom::Start(from)).is_ok()
    {
        let _ = file.take(1024 * 1024).read_to_end(&mut text);
    }
    String::from_utf8_lossy(&text).into_owned()
}

/// The last lines of the log.
pub(super) fn last_lines(log: &Path, count: usize) -> Vec<String> {
    let length = fs::metadata(log).map_or(0, |log| log.len());
    let text = log_since(log, length.saturating_sub(1024 * 1024));
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(count)..]
        .iter()
        .map(ToString::to_string)
        .collect()
}

fn cannot(verb: &str, path: &Path, error: std::io::Error) -> anyhow::Error {
    Error::failed(format!("cannot {verb} {}", path.display()))
        .because(error)
        .into()
}
