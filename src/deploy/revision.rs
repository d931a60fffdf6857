//! Which revision of the files is deployed, if they are in a work tree of git. Without git nothing is said about it.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde::{Deserialize, Serialize};

use crate::settings::environ::Environ;
use crate::trust::Caller;

/// A commit, and whether the files are still as it has them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revision {
    /// The commit, in full.
    pub commit: String,
    /// Whether a file in one of the folders is not as the commit has it; nothing if git would not say.
    pub dirty: Option<bool>,
}

/// Who asks git, and where its variables come from.
pub struct Asking<'a> {
    /// Whose files decide what is run.
    pub caller: Caller,
    /// The process environment.
    pub environ: &'a Environ,
}

/// What git goes by that is no secret: where it is, whose settings count, and for whom root works.
const VARIABLES: [&str; 5] = ["PATH", "HOME", "XDG_CONFIG_HOME", "SUDO_UID", "TMPDIR"];

impl Revision {
    /// That of the first of these folders; all of them are looked at for changes. Comparing files runs the filters that
    /// the repository's configuration names, so it is done only where nobody else may write that.
    pub fn of(folders: &[PathBuf], asking: &Asking<'_>) -> Option<Self> {
        let first = folders.first()?;
        let commit = asking.git(first, &["rev-parse", "--verify", "--quiet", "HEAD"])?;
        let commit = commit.trim().to_owned();
        let is_commit =
            commit.len() >= 40 && commit.chars().all(|letter| letter.is_ascii_hexdigit());
        let changed = folders
            .iter()
            .map(|folder| asking.status(folder))
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

impl Asking<'_> {
    /// What is not as the commit has it.
    fn status(&self, folder: &Path) -> Option<String> {
        let is_trusted = ["--absolute-git-dir", "--git-common-dir"]
            .into_iter()
            .all(|place| self.trusts(folder, place));
        is_trusted
            .then(|| self.git(folder, &["status", "--porcelain", "--", "."]))
            .flatten()
    }

    /// Whether nobody else decides what git runs there.
    fn trusts(&self, folder: &Path, place: &str) -> bool {
        let Some(place) = self.git(folder, &["rev-parse", "--path-format=absolute", place]) else {
            return false;
        };
        let place = Path::new(place.trim_end_matches('\n'));
        self.caller.check_folder(place).is_ok()
            && ["config", "config.worktree"].into_iter().all(|name| {
                let file = place.join(name);
                !file.exists() || self.caller.open(&file).is_ok()
            })
    }

    /// What git answers; nothing if it does not, for whatever reason.
    fn git(&self, folder: &Path, words: &[&str]) -> Option<String> {
        let variables = VARIABLES.map(|name| (name, self.environ.path(name)));
        let output = Command::new("git")
            .env_clear()
            .envs(
                variables
                    .into_iter()
                    .filter_map(|(name, value)| Some((name, value?))),
            )
            // Reading must not write, and watches over files that a configuration names are not asked.
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
}
