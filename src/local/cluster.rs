//! The data folder and the process that serves it.

use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::Child;

use super::SUPERUSER;
use super::folder::{DATA, Folder, LOG, RUN, cannot};
use crate::error::{Error, Result, command};
use crate::pg::tools::{Programs, Tool};
use crate::plan::Progress;

/// Data that is being made.
const UNBORN: &str = "data.new";

/// The folder of the programs that can serve the data: those of its own major version, or any if there is no data
/// yet.
pub(super) fn programs_for(folder: &Folder, programs: &Programs) -> Result<PathBuf> {
    let Some(major) = major_of_data(folder)? else {
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

/// The major version of the server: that of its data, else of the programs that would make it.
pub(super) fn major(folder: Option<&Folder>, programs: &Programs) -> Result<u32> {
    if let Some(folder) = folder
        && let Some(major) = major_of_data(folder)?
    {
        return Ok(major);
    }
    let bin = programs.folder_with(&["initdb", "postgres"])?;
    Ok(Tool::ask(bin.join("postgres"))?.major)
}

fn major_of_data(folder: &Folder) -> Result<Option<u32>> {
    let version = folder.data()?.and_then(|data| data.read("PG_VERSION"));
    Ok(version.and_then(|text| text.trim().parse().ok()))
}

/// Makes the data folder unless it is there, whole or not at all.
pub(super) fn make(folder: &Folder, bin: &Path, progress: &dyn Progress) -> Result<()> {
    let data = folder.path(DATA);
    if let Some(found) = folder.data()? {
        if found.is_whole() {
            return Ok(());
        }
        // Not whole, but perhaps of use to somebody: put aside, not deleted.
        let aside = free_name(&data, "broken");
        fs::rename(&data, &aside).map_err(|error| cannot("put aside", &data, error))?;
        progress.warn(&format!(
            "the data folder was not whole; it was put aside as {}",
            aside.display()
        ));
    }
    let unborn = folder.path(UNBORN);
    if is_there(&unborn) {
        fs::remove_dir_all(&unborn).map_err(|error| cannot("delete", &unborn, error))?;
    }
    folder.make_for_account(UNBORN)?;
    progress.say("making the local server (the first time only)");
    // C.UTF-8 sorts by code point on every system and still folds the case of all letters.
    for locale in ["C.UTF-8", "en_US.UTF-8", "C"] {
        let program = bin.join("initdb");
        let cannot_run = |error| cannot("run", &program, error);
        let mut initdb = folder.account().program(&program).map_err(cannot_run)?;
        initdb
            .command()
            .args([
                "--auth=trust",
                "--encoding=UTF8",
                "--no-sync",
                "--username",
                SUPERUSER,
            ])
            .arg(format!("--locale={locale}"))
            .arg("--pgdata")
            .arg(&unborn);
        let output = initdb.output().map_err(cannot_run)?;
        if output.status.success() {
            return fs::rename(&unborn, &data).map_err(|error| cannot("rename", &unborn, error));
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

/// Starts the server's process, out of reach of the terminal's Ctrl-C. It gets the log opened: it may write there,
/// and need not be able to read it, or to choose where it is.
pub(super) fn spawn(folder: &Folder, bin: &Path, log: File) -> Result<Child> {
    let program = bin.join("postgres");
    let copy = log
        .try_clone()
        .map_err(|error| cannot("write", &folder.path(LOG), error))?;
    let cannot_run = |error| cannot("run", &program, error);
    let mut server = folder.account().program(&program).map_err(cannot_run)?;
    server
        .command()
        .arg("-D")
        .arg(folder.path(DATA))
        .arg("-k")
        .arg(folder.path(RUN))
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
        .stdout(copy)
        .stderr(log);
    server.spawn().map_err(cannot_run)
}

/// Deletes the data folder: first out of the way, so that it is never found half deleted.
pub(super) fn delete(folder: &Folder) -> Result<()> {
    let data = folder.path(DATA);
    if !is_there(&data) {
        return Ok(());
    }
    let doomed = free_name(&data, "deleted");
    fs::rename(&data, &doomed).map_err(|error| cannot("rename", &data, error))?;
    fs::remove_dir_all(&doomed).map_err(|error| cannot("delete", &doomed, error))
}

fn free_name(path: &Path, word: &str) -> PathBuf {
    let mut number = 1;
    loop {
        let name = path.with_extension(format!("{word}-{number}"));
        if !is_there(&name) {
            return name;
        }
        number += 1;
    }
}

/// Whether something has the name, be it a link to nowhere.
fn is_there(path: &Path) -> bool {
    path.symlink_metadata().is_ok()
}

/// What the log has gained since it was `from` bytes long.
pub(super) fn log_since(mut log: File, from: u64) -> String {
    let mut text = Vec::new();
    if log.seek(SeekFrom::Start(from)).is_ok() {
        let _ = log.take(1024 * 1024).read_to_end(&mut text);
    }
    String::from_utf8_lossy(&text).into_owned()
}

/// The last lines of the log.
pub(super) fn last_lines(log: File, count: usize) -> Vec<String> {
    let length = log.metadata().map_or(0, |log| log.len());
    let text = log_since(log, length.saturating_sub(1024 * 1024));
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(count)..]
        .iter()
        .map(ToString::to_string)
        .collect()
}
