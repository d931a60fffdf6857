//! Folders of migrations: another tool's is read, our own is written.

use std::io::Write;
use std::path::{Path, PathBuf};

use super::{Tool, name};
use crate::error::{Error, Result};
use crate::reading;

/// A file of another tool.
#[derive(Debug)]
pub struct Found {
    /// Its path below the folder, with slashes.
    pub path: String,
    /// As a person would name it.
    pub shown: String,
    /// What is in it.
    pub bytes: Vec<u8>,
}

/// A folder, and how a person named it.
#[derive(Debug, Clone)]
pub struct Place {
    /// Where it is.
    pub path: PathBuf,
    /// As it is shown.
    pub shown: String,
}

impl Place {
    /// A file in it, as it is shown.
    pub fn show(&self, file: &str) -> String {
        format!("{}/{file}", self.shown.trim_end_matches('/'))
    }

    /// Every file the tool would look at, in order of their paths.
    pub fn read(&self, tool: Tool) -> Result<Vec<Found>> {
        let mut found = Vec::new();
        self.walk(tool, &self.path, "", &mut found)?;
        found.sort_by(|left, right| left.path.cmp(&right.path));
        Ok(found)
    }

    fn walk(&self, tool: Tool, folder: &Path, below: &str, found: &mut Vec<Found>) -> Result<()> {
        let goes_below = match tool {
            Tool::Flyway | Tool::Refinery => true,
            Tool::Diesel | Tool::Prisma => below.is_empty(),
            _ => false,
        };
        let cannot = |error: std::io::Error| {
            Error::configuration(format!(
                "cannot read {}",
                self.show(below).trim_end_matches('/')
            ))
            .because(error)
            .hint("name the folder of the tool's migrations with `--migrations`")
        };
        for entry in std::fs::read_dir(folder).map_err(cannot)? {
            let entry = entry.map_err(cannot)?;
            let path = format!("{below}{}", entry.file_name().to_string_lossy());
            if entry.file_type().map_err(cannot)?.is_dir() {
                if goes_below {
                    self.walk(tool, &entry.path(), &format!("{path}/"), found)?;
                }
            } else if name::read(tool, &path).is_some() {
                let shown = self.show(&path);
                let bytes = reading::bytes(&entry.path(), u64::MAX).map_err(|error| {
                    Error::failed(format!("cannot read {shown}")).because(error)
                })?;
                found.push(Found { path, shown, bytes });
            }
        }
        Ok(())
    }

    /// Writes files that are not there yet. Until they are kept they vanish again, however that comes.
    pub fn write(&self, files: &[(String, String)]) -> Result<Written> {
        let mut written = Written::default();
        if !files.is_empty() {
            written.make(&self.path).map_err(|error| {
                Error::failed(format!("cannot make the folder {}", self.shown)).because(error)
            })?;
        }
        for (name, text) in files {
            let path = self.path.join(name);
            let cannot = |error: std::io::Error| {
                Error::failed(format!("cannot write {}", self.show(name)))
                    .because(error)
                    .unchanged()
            };
            let mut file = crate::trust::create_new(&path).map_err(cannot)?;
            written.files.push(path);
            file.write_all(text.as_bytes()).map_err(cannot)?;
        }
        Ok(written)
    }
}

/// Files that were written, and are removed again unless they are kept.
#[derive(Debug, Default)]
pub struct Written {
    files: Vec<PathBuf>,
    /// The folders that were made for them, the innermost last.
    folders: Vec<PathBuf>,
}

impl Written {
    fn make(&mut self, folder: &Path) -> std::io::Result<()> {
        if folder.is_dir() {
            return Ok(());
        }
        if let Some(parent) = folder.parent()
            && !parent.as_os_str().is_empty()
        {
            self.make(parent)?;
        }
        std::fs::create_dir(folder)?;
        self.folders.push(folder.to_owned());
        Ok(())
    }

    /// They stay.
    pub fn keep(mut self) {
        self.files.clear();
        self.folders.clear();
    }
}

impl Drop for Written {
    fn drop(&mut self) {
        for file in &self.files {
            let _ = std::fs::remove_file(file);
        }
        // A folder that somebody else has put something into stays.
        for folder in self.folders.iter().rev() {
            let _ = std::fs::remove_dir(folder);
        }
    }
}
