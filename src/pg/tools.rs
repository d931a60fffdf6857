//! PostgreSQL's own programs on this machine: where they are, how old they are, how they are run.
//!
//! The real programs are looked for, not the wrappers that some systems put on the PATH: those cost several
//! times the start-up and choose a version by rules of their own.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::error::{Error, Kind, Result};

/// PostgreSQL's programs. Looks for nothing until one is asked for.
#[derive(Debug, Clone)]
pub struct Programs {
    /// The folders a person named, as in PATH; then nothing else is looked at.
    chosen: Option<PathBuf>,
}

/// Where distributions and packagers put them; a star is any version.
const USUAL: [&str; 8] = [
    "/usr/lib/postgresql/*/bin",
    "/usr/pgsql-*/bin",
    "/usr/libexec/postgresql*",
    "/opt/homebrew/opt/postgresql@*/bin",
    "/usr/local/opt/postgresql@*/bin",
    "/Applications/Postgres.app/Contents/Versions/*/bin",
    "/usr/local/pgsql/bin",
    "/usr/bin",
];

impl Programs {
    /// Those in `chosen` if it is given, else those of `pg_config --bindir` and of the usual places.
    pub fn new(chosen: Option<PathBuf>) -> Self {
        Self { chosen }
    }

    /// Where to look, best first.
    fn folders(&self) -> Vec<PathBuf> {
        if let Some(folder) = &self.chosen {
            return std::env::split_paths(folder).collect();
        }
        let mut folders = Vec::new();
        if let Ok(output) = Command::new("pg_config").arg("--bindir").output()
            && output.status.success()
        {
            folders.push(PathBuf::from(
                String::from_utf8_lossy(&output.stdout).trim(),
            ));
        }
        for pattern in USUAL {
            let mut found = expand(Path::new(pattern));
            found.retain(|folder| !folders.contains(folder));
            found.sort_by_key(|folder| std::cmp::Reverse(number_in(folder)));
            folders.extend(found);
        }
        folders
    }

    /// The first folder that has all of `programs`.
    pub fn folder_with(&self, programs: &[&str]) -> Result<PathBuf> {
        self.folders()
            .into_iter()
            .find(|folder| {
                programs
                    .iter()
                    .all(|program| folder.join(program).is_file())
            })
            .ok_or_else(|| self.not_found(programs))
    }

    /// The program, in the oldest version that is not older than the server.
    pub fn for_server(&self, program: &str, major: u32) -> Result<Tool> {
        self.at_least(program, major, "the server")
    }

    /// The program, in the oldest version that is at least `major`, which is that of `what`; if all are older,
    /// the error says so.
    pub fn at_least(&self, program: &str, major: u32, what: &str) -> Result<Tool> {
        let tools = self.tools(program, major);
        let newest = tools.last().map(|tool| tool.version.clone());
        if let Some(fitting) = tools.into_iter().find(|tool| tool.major >= major) {
            return Ok(fitting);
        }
        let Some(newest) = newest else {
            return Err(self.not_found(&[program]));
        };
        Err(Error::refused(format!(
            "{program} {newest} is older than {what}, which is {major}"
        ))
        .note("an older program does not understand a newer one; nothing was started")
        .hint(install_hint(Some(major)))
        .into())
    }

    /// The program of exactly this major version, if it is here.
    pub fn of_major(&self, program: &str, major: u32) -> Option<Tool> {
        let mut tools = self.tools(program, major).into_iter();
        tools.find(|tool| tool.major == major)
    }

    /// The program, as [`Programs::for_server`] finds it, else the newest there is: for one that gets along with
    /// a server newer than itself.
    pub fn nearest(&self, program: &str, major: u32) -> Result<Tool> {
        let mut tools = self.tools(program, major);
        let fitting = tools.iter().position(|tool| tool.major >= major);
        match fitting {
            Some(place) => Ok(tools.swap_remove(place)),
            None => tools.pop().ok_or_else(|| self.not_found(&[program])),
        }
    }

    /// The program in the versions there are, oldest first; only one of this major version if there is one.
    fn tools(&self, program: &str, major: u32) -> Vec<Tool> {
        let mut tools: Vec<Tool> = Vec::new();
        for folder in self.folders() {
            let path = folder.join(program);
            if !path.is_file() {
                continue;
            }
            let Ok(tool) = Tool::ask(path) else { continue };
            // Nothing fits better, and to ask another costs a process, a slow one if it is a wrapper.
            if tool.major == major {
                return vec![tool];
            }
            tools.push(tool);
        }
        tools.sort_by_key(|tool| tool.major);
        tools
    }

    fn not_found(&self, programs: &[&str]) -> anyhow::Error {
        let names = programs.join(", ");
        let error = if let Some(folder) = &self.chosen {
            // One folder, or several as in PATH.
            let folder = folder.display();
            Error::configuration(format!(
                "no {names} in {folder}, which TOYSOLDIERS_PG_BIN names"
            ))
            .hint("name a folder that holds PostgreSQL's programs, or unset it to have them found")
        } else {
            Error::new(
                Kind::Configuration,
                format!("PostgreSQL's programs are not on this machine ({names})"),
            )
            .hint(install_hint(None))
        };
        error.into()
    }
}

/// One program.
#[derive(Debug, Clone)]
pub struct Tool {
    /// Where it is.
    pub path: PathBuf,
    /// Its version: `15.18`.
    pub version: String,
    /// Its major version.
    pub major: u32,
}

impl Tool {
    /// Asks the program at this path for its version.
    pub fn ask(path: PathBuf) -> Result<Self> {
        let output = Command::new(&path)
            .arg("--version")
            .env("LC_ALL", "C")
            .output()?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let version = version_in(&text)
            .ok_or_else(|| Error::failed(format!("{} does not say its version", path.display())))?
            .to_owned();
        let major = major(&version);
        Ok(Self {
            path,
            version,
            major,
        })
    }
}

/// `pg_dump (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)` is `15.18`.
fn version_in(text: &str) -> Option<&str> {
    text.split_whitespace()
        .find(|word| word.starts_with(|first: char| first.is_ascii_digit()))
}

/// The major version in a version: of `15.18` it is 15.
pub fn major(text: &str) -> u32 {
    let digits: String = text.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().unwrap_or(0)
}

/// The version in a path such as `/usr/lib/postgresql/15/bin`.
fn number_in(path: &Path) -> u32 {
    path.components()
        .filter_map(|part| part.as_os_str().to_str())
        .map(|part| major(part.trim_start_matches(|letter: char| !letter.is_ascii_digit())))
        .max()
        .unwrap_or(0)
}

/// The folders that fit a path whose components may hold one star each.
fn expand(pattern: &Path) -> Vec<PathBuf> {
    let mut found = vec![PathBuf::new()];
    for part in pattern.components() {
        let name = part.as_os_str().to_string_lossy();
        let Some((before, after)) = name.split_once('*') else {
            for path in &mut found {
                path.push(part);
            }
            continue;
        };
        found = found
            .iter()
            .filter_map(|folder| std::fs::read_dir(folder).ok())
            .flatten()
            .filter_map(std::io::Result::ok)
            .filter(|entry| {
                let name = entry.file_name();
                let name = name.to_string_lossy();
                name.starts_with(before) && name.ends_with(after)
            })
            .map(|entry| entry.path())
            .collect();
    }
    found.retain(|folder| folder.is_dir());
    found
}

/// What to type to get the programs on this system.
fn install_hint(major: Option<u32>) -> String {
    let release = std::fs::read_to_string("/etc/os-release")
        .unwrap_or_default()
        .to_lowercase();
    let like = |names: &[&str]| {
        release
            .lines()
            .filter(|line| line.starts_with("id=") || line.starts_with("id_like="))
            .any(|line| names.iter().any(|name| line.contains(name)))
    };
    let number = major.map(|major| major.to_string()).unwrap_or_default();
    let dashed = major.map(|major| format!("-{major}")).unwrap_or_default();
    if cfg!(target_os = "macos") {
        format!(
            "install them: `brew install postgresql@{}`",
            major.unwrap_or(15)
        )
    } else if like(&["debian", "ubuntu"]) {
        format!("install them: `apt-get install postgresql{dashed}`")
    } else if like(&["fedora", "rhel", "centos"]) {
        format!("install them: `dnf install postgresql{number}-server`")
    } else if like(&["alpine"]) {
        format!("install them: `apk add postgresql{number}`")
    } else if like(&["arch"]) {
        "install them: `pacman -S postgresql`".to_owned()
    } else {
        format!("install PostgreSQL {number} from your system's packages, or name its folder in TOYSOLDIERS_PG_BIN")
            .replace("  ", " ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_from_what_programs_and_paths_say() {
        assert_eq!(
            version_in("pg_dump (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n"),
            Some("15.18")
        );
        assert_eq!(version_in("pg_dump (PostgreSQL) 18devel"), Some("18devel"));
        assert_eq!(version_in("nonsense"), None);
        assert_eq!(major("18devel"), 18);
        assert_eq!(number_in(Path::new("/usr/lib/postgresql/15/bin")), 15);
        assert_eq!(
            number_in(Path::new("/opt/homebrew/opt/postgresql@17/bin")),
            17
        );
    }
}
