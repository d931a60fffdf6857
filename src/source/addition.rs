//! Adding to the files of a folder what a database has and none of them says.
//!
//! Nothing that is in a file is lost or changed: statements are put behind it, with the line ends it has. A file that
//! somebody else changed meanwhile is left alone.

use std::path::PathBuf;

use serde::Serialize;

use super::{Sheet, Source};
use crate::error::{Error, Hint, Result};
use crate::pg::reader::Reader;
use crate::pg::sql;
use crate::plan::{Consent, Effect, Plan, Risk, Step, counted};
use crate::reading;
use crate::trust;

/// What is added to one file.
#[derive(Debug)]
pub struct Addition {
    /// The file.
    path: PathBuf,
    /// As a person would name it.
    shown: String,
    /// What is in it; nothing if there is no such file.
    old: Option<Vec<u8>>,
    /// What is put behind that.
    text: String,
    statements: usize,
}

/// What adding needs to do its work.
#[derive(Debug)]
pub struct Work {
    additions: Vec<Addition>,
    report: Adopted,
}

/// A file that was written.
#[derive(Debug, Serialize)]
pub struct File {
    /// Where it is.
    pub path: String,
    /// Whether it was not there before.
    pub is_new: bool,
    /// How many statements were put into it.
    pub statements: usize,
}

/// What was added.
#[derive(Debug, Serialize)]
pub struct Adopted {
    /// `policy`, `index`: the command that compares.
    pub noun: &'static str,
    /// The folder.
    pub source: String,
    /// The files, in order of their names.
    pub files: Vec<File>,
    /// What no file can declare, and why.
    pub left: Vec<String>,
    /// In how many things the database differs from the files now.
    pub differences: usize,
}

/// The files of a folder, and what is to be put behind each.
#[derive(Debug)]
pub struct Draft {
    folder: PathBuf,
    shown: String,
    /// All files as they will be.
    pub sheets: Vec<Sheet>,
    additions: Vec<Addition>,
}

impl Draft {
    /// Reads the files of a folder; one that is not there has none.
    pub fn read(source: &Source) -> Result<Self> {
        let Source::Folder { path, shown, .. } = source else {
            return Err(
                Error::refused("the files in this program cannot be added to")
                    .hint("name a folder")
                    .into(),
            );
        };
        let sheets = if path.exists() {
            source.sheets()?
        } else {
            Vec::new()
        };
        Ok(Self {
            folder: path.clone(),
            shown: shown.trim_end_matches('/').to_owned(),
            sheets,
            additions: Vec::new(),
        })
    }

    /// Names of its files, without their endings.
    pub fn stems(&self) -> impl Iterator<Item = &str> + Clone {
        self.sheets.iter().map(Sheet::stem)
    }

    /// Puts statements, each without its semicolon or ready with its comment, behind what is in the file of this name.
    pub fn add(&mut self, name: &str, statements: &[String]) -> Result<()> {
        if statements.is_empty() {
            return Ok(());
        }
        let path = self.folder.join(name);
        let place = self.sheets.iter().position(|sheet| sheet.name == name);
        let old = match place {
            Some(index) => {
                let shown = &self.sheets[index].path;
                Some(reading::bytes(&path, u64::MAX).map_err(|error| {
                    Error::failed(format!("cannot read {shown}")).because(error)
                })?)
            }
            None => None,
        };
        let index = place.unwrap_or_else(|| {
            self.sheets.push(Sheet {
                name: name.to_owned(),
                path: format!("{}/{name}", self.shown),
                text: String::new(),
            });
            self.sheets.len() - 1
        });
        let sheet = &mut self.sheets[index];
        let mut text = seam(&sheet.text).to_owned();
        let mut before = "";
        for statement in statements {
            // Rights stand together.
            let is_right = |text: &str| text.starts_with("grant ") || text.starts_with("revoke ");
            let stays = is_right(before) && statement.starts_with("grant ");
            if !(before.is_empty() || stays) {
                text.push('\n');
            }
            text.push_str(statement);
            text.push_str(";\n");
            before = statement;
        }
        sheet.text.push_str(&text);
        self.additions.push(Addition {
            path,
            shown: sheet.path.clone(),
            old,
            text,
            statements: statements.len(),
        });
        Ok(())
    }

    /// What writing the files would do.
    pub fn plan(
        self,
        noun: &'static str,
        what: &str,
        left: Vec<String>,
        differences: usize,
    ) -> Plan<Work> {
        let Self {
            shown,
            mut additions,
            ..
        } = self;
        additions.sort_by(|one, other| one.path.cmp(&other.path));
        let steps = additions.iter().map(|addition| {
            let (effect, action) = match addition.old {
                Some(_) => (Effect::Changes, "add to"),
                None => (Effect::Adds, "write"),
            };
            let lines = addition.text.lines().filter(|line| !line.is_empty());
            let lines = lines.map(|line| format!("+ {line}"));
            Step::new(effect, action, &addition.shown)
                .detail(counted(addition.statements, "statement"))
                .lines(lines.collect())
        });
        let leave = left
            .iter()
            .map(|line| Step::new(Effect::Verifies, "leave", line));
        let steps: Vec<Step> = if additions.is_empty() {
            Vec::new()
        } else {
            steps.chain(leave).collect()
        };
        let files = additions.iter().map(|addition| File {
            path: addition.shown.clone(),
            is_new: addition.old.is_none(),
            statements: addition.statements,
        });
        Plan {
            title: format!("declare {what} in {shown}"),
            risk: Risk::Moderate,
            steps,
            work: Work {
                report: Adopted {
                    noun,
                    files: files.collect(),
                    source: shown,
                    left,
                    differences,
                },
                additions,
            },
        }
    }
}

/// What has to stand between what is in a file and what is put behind it.
fn seam(text: &str) -> &'static str {
    let last = sql::statements(text)
        .map_while(std::result::Result::ok)
        .last();
    let is_open = last.is_some_and(|last| {
        let end = last.start + last.text.len();
        Reader::new(text, end..text.len()).is_done()
    });
    match (text.is_empty(), text.ends_with('\n'), is_open) {
        (true, ..) => "",
        (_, true, false) => "\n",
        (_, false, false) => "\n\n",
        (_, true, true) => ";\n\n",
        (_, false, true) => "\n;\n\n",
    }
}

impl Addition {
    fn write(&self) -> Result<()> {
        let cannot = |error: std::io::Error| {
            Error::failed(format!("cannot write {}", self.shown)).because(error)
        };
        let Some(old) = &self.old else {
            let mut file = trust::create_new(&self.path).map_err(cannot)?;
            return Ok(std::io::Write::write_all(&mut file, self.text.as_bytes()).map_err(cannot)?);
        };
        let now = reading::bytes(&self.path, u64::MAX).map_err(cannot)?;
        if now != *old {
            return Err(
                Error::refused(format!("{} changed since the plan was shown", self.shown))
                    .hint(Hint::again(
                        "run the same command again, and look at the new plan",
                    ))
                    .into(),
            );
        }
        // A link stays one: what it leads to is written.
        let path = std::fs::canonicalize(&self.path).map_err(cannot)?;
        let permissions = path.metadata().map_err(cannot)?.permissions();
        trust::replace(&path, &joined(old, &self.text)).map_err(cannot)?;
        std::fs::set_permissions(&path, permissions).map_err(cannot)?;
        Ok(())
    }
}

/// The bytes of a file with a text behind them, whose lines end like theirs.
fn joined(old: &[u8], text: &str) -> Vec<u8> {
    let ends_like_windows = old.windows(2).any(|pair| pair == b"\r\n");
    let text = if ends_like_windows {
        text.replace('\n', "\r\n")
    } else {
        text.to_owned()
    };
    [old, text.as_bytes()].concat()
}

/// Writes the files: those before one that cannot be written stay.
pub fn write(work: Work, _consent: Consent) -> Result<Adopted> {
    let Work { additions, report } = work;
    for (number, addition) in additions.iter().enumerate() {
        if let Err(error) = addition.write() {
            let Some(last) = number.checked_sub(1) else {
                return Err(error);
            };
            let first = &additions[0].shown;
            let written = match last {
                0 => first.clone(),
                _ => format!("{first} to {}", additions[last].shown),
            };
            return Err(Error::failed("not all files were written")
                .after(&error)
                .note(format!("written, and stays: {written}"))
                .into());
        }
    }
    Ok(report)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_added_stands_apart_from_what_is_there() {
        for (text, seam_is) in [
            ("", ""),
            ("-- a", "\n\n"),
            ("select 1;\n", "\n"),
            ("select 1; -- last", "\n\n"),
            ("select 1 -- last;\n", ";\n\n"),
            ("select 1", "\n;\n\n"),
            ("select ';'\n", ";\n\n"),
        ] {
            assert_eq!(seam(text), seam_is, "{text:?}");
        }
        assert_eq!(
            joined(b"\xef\xbb\xbfa\r\n", "\nb;\n"),
            b"\xef\xbb\xbfa\r\n\r\nb;\r\n"
        );
        assert_eq!(joined(b"a\n", "b;\n"), b"a\nb;\n");
    }
}
