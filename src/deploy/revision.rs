//! Which revision of the files is deployed, if they are in a work tree of git. Without git nothing is said about it.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde::{Deserialize, Serialize};

/// A commit, and whether the files are still as it has them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revision {
    /// The commit, in full.
    pub commit: String,
    /// Whether a file in one of the folders is not as the commit has it; nothing if git would not say.
    pub dirty: Option<bool>,
}

impl Revision {
    /// That of the first of these folders; all of them are looked at for changes.
    pub fn of(folders: &[PathBuf]) -> Option<Self> {
        let first = folders.first()?;
        let commit = git(first, &["rev-parse", "--verify", "--quiet", "HEAD"])?;
        let commit = commit.trim().to_owned();
        let is_commit =
            commit.len() >= 40 && commit.chars().all(|letter| letter.is_ascii_hexdigit());
        let changed = folders
            .iter()
            .map(|folder| git(folder, &["status", "--porcelain", "--", "."]))
            .collect::<Option<String>>();
        is_commit.then(|| Self {
            commit,
            dirty: changed.map(|changed| !changed.trim().is_empty()),
        })
    }

    /// The first digits, and that it is not quite it.
    pub fn short(&self) -> String {
        short(&self.commit, self.dirty)
    }
}

/// The first digits of a commit, and whether the files had been changed since.
pub fn short(commit: &str, dirty: Option<bool>) -> String {
    let digits: String = commit.chars().take(12).collect();
    match dirty {
        Some(true) => format!("{digits}, changed since"),
        _ => digits,
    }
}

/// What git answers; nothing if it does not, for whatever reason.
fn git(folder: &Path, words: &[&str]) -> Option<String> {
    let output = Command::new("git")
        // Reading must not write, and no program of the work tree's configuration is run.
        .env("GIT_OPTIONAL_LOCKS", "0")
        .args(["-c", "core.fsmonitor=false", "-C"])
        .arg(folder)
        .args(words)
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .ok()?;
    output
        .status
        .success()
        .then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}
