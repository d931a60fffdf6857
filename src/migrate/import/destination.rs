//! Our own folder, where another tool's migrations are to go: nothing in it is written over.

use super::super::file::{self, Kind, Migration};
use super::Tool;
use super::folder::Place;
use super::script::Script;
use crate::error::Result;
use crate::source::{Source, text};

/// What is in our folder already.
pub(super) struct Mine {
    place: Place,
    /// Names and texts.
    files: Vec<(String, Vec<u8>)>,
    /// The migrations among them, in order.
    pub(super) all: Vec<Migration>,
}

impl Mine {
    pub(super) fn look(place: &Place) -> Result<Self> {
        let mut mine = Self {
            place: place.clone(),
            files: Vec::new(),
            all: Vec::new(),
        };
        if !place.path.is_dir() {
            return Ok(mine);
        }
        let source = Source::Folder {
            path: place.path.clone(),
            shown: place.shown.clone(),
            found_for: None,
        };
        for entry in source.entries()? {
            // Folders of theirs may be in there too.
            if entry.name.strip_suffix(".sql").is_none() {
                continue;
            }
            let bytes = entry.bytes()?.into_owned();
            if let (Ok(Kind::Up(version, name)), Ok(text)) =
                (file::kind(&entry.name), text::decode(&bytes, &entry.path))
            {
                let path = entry.path.clone();
                mine.all
                    .push(Migration::new(version, name, &entry.name, path, text)?);
            }
            mine.files.push((entry.name, bytes));
        }
        mine.all.sort_by_key(|file| file.version);
        Ok(mine)
    }

    /// Whether this file has to be written; it cannot be in place of another one.
    pub(super) fn missing(&self, name: &str, text: &str, version: i64) -> Result<bool, String> {
        if let Some((_, bytes)) = self.files.iter().find(|(other, _)| other == name) {
            let is_same = text::decode(bytes, name).is_ok_and(|other| other == text);
            return if is_same {
                Ok(false)
            } else {
                Err(format!(
                    "{} is there already, and says something else",
                    self.place.show(name)
                ))
            };
        }
        let other = self
            .files
            .iter()
            .find(|(other, _)| match file::kind(other) {
                Ok(Kind::Up(number, _)) => number == version && !name.ends_with(".down.sql"),
                Ok(Kind::Down(number, _)) => number == version && name.ends_with(".down.sql"),
                _ => false,
            });
        match other {
            Some((other, _)) => Err(format!(
                "{} is there already, and has the number of {name}; name another folder with `--into`",
                self.place.show(other)
            )),
            None => Ok(true),
        }
    }

    /// Migrations in our folder that would come between theirs.
    pub(super) fn strangers(&self, scripts: &[Script], tool: Tool) -> Vec<String> {
        let last = scripts.last().map(|script| script.ours.version);
        let is_theirs =
            |file: &Migration| scripts.iter().any(|script| script.ours.file == file.file);
        self.all
            .iter()
            .filter(|file| Some(file.version) <= last && !is_theirs(file))
            .map(|file| {
                format!(
                    "{} is none of {tool}'s, and would come between them; name another folder with `--into`",
                    file.path
                )
            })
            .collect()
    }
}
