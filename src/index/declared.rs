//! All index files together: which indexes a database is to have.
//!
//! A file is named after the one table it is about. What cannot be right whatever the database holds is an error here,
//! with its place.

use std::collections::BTreeMap;
use std::ops::Range;

use serde::{Serialize, Serializer};

use super::statement::{self, IndexText, Refusal};
use crate::error::{Error, Excerpt, Result};
use crate::pg::Ident;
use crate::pg::relation::{PUBLIC, Relation};
use crate::pg::session::SearchPath;
use crate::pg::sql;
use crate::source::{Source, text};

/// An index file.
#[derive(Debug, Clone)]
pub struct File {
    /// As a person would name it.
    pub path: String,
    /// Its text, normalised.
    pub text: String,
    /// The table it is about.
    pub table: Relation,
}

impl File {
    /// A place in it.
    pub fn excerpt(&self, span: &Range<usize>) -> Excerpt {
        Excerpt::new(&self.path, &self.text, span.start, span.len())
    }
}

/// A declared index.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// The table.
    pub table: Relation,
    /// Its name.
    pub name: String,
    /// The statement as it is written, without its semicolon.
    pub statement: String,
    /// The file, as a person would name it.
    pub file: String,
    /// Where its name stands.
    pub place: Excerpt,
    /// Whether it is unique.
    pub unique: bool,
    /// The number of its file.
    pub file_number: usize,
    /// Where the table is named in the file.
    pub on: Range<usize>,
    /// Where in the file everything behind the table stands.
    pub tail: Range<usize>,
    /// The same, in the statement.
    tail_at: usize,
}

/// How an index is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// At once, nobody writing meanwhile: fine for an empty table.
    Plain,
    /// Beside those who write; not in a transaction, and not on a partitioned table.
    Concurrently,
    /// On a partitioned table alone: it is INVALID until each partition has one that is attached to it.
    OnlyParent,
}

impl Serialize for Wanted {
    /// Programs get the statement.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.statement)
    }
}

impl Wanted {
    /// The statement that makes it in this manner, under this name, on this relation as SQL names it: a partition, say.
    /// It may be of several lines, and may end in no comment.
    pub fn create(&self, manner: Manner, name: &str, on: &str) -> String {
        let unique = if self.unique { "unique " } else { "" };
        let (concurrently, only) = match manner {
            Manner::Plain => ("", ""),
            Manner::Concurrently => ("concurrently ", ""),
            Manner::OnlyParent => ("", "only "),
        };
        format!(
            "create {unique}index {concurrently}{} on {only}{on} {}",
            Ident(name),
            &self.statement[self.tail_at..]
        )
    }
}

/// All that is declared.
#[derive(Debug, Clone)]
pub struct Declared {
    /// Where it comes from, for people.
    pub source: String,
    /// Where the names in them are looked for that do not say it themselves.
    pub search_path: SearchPath,
    /// The files, one a table.
    pub files: Vec<File>,
    /// The indexes, in the order of the files.
    pub indexes: Vec<Wanted>,
}

impl Declared {
    /// What one of the files declares.
    #[must_use]
    pub fn only(&self, file: usize) -> Self {
        let mut only = self.clone();
        only.indexes.retain(|wanted| wanted.file_number == file);
        only
    }

    /// Reads all files of a source.
    pub fn load(source: &Source) -> Result<Self> {
        let mut declared = Self {
            source: source.describe(),
            search_path: source.search_path(),
            files: Vec::new(),
            indexes: Vec::new(),
        };
        let mut entries = source.entries()?;
        entries.sort_by(|left, right| left.name.cmp(&right.name));
        for entry in &entries {
            let Some(stem) = entry.name.strip_suffix(".sql") else {
                continue;
            };
            let text = text::decode(entry.bytes()?, &entry.path)
                .map_err(|illegible| illegible.about(&entry.path))?;
            declared.files.push(File {
                path: entry.path.clone(),
                text,
                table: table_of(stem),
            });
            declared.read_last()?;
        }
        if declared.files.is_empty() {
            return Err(Error::configuration(format!(
                "there is no index file in {}",
                declared.source
            ))
            .hint("write one a table, such as content.sql, or name another folder with `--indexes`")
            .into());
        }
        declared.refuse_one_name_twice()?;
        Ok(declared)
    }

    /// The file of an index.
    pub fn file_of(&self, wanted: &Wanted) -> &File {
        &self.files[wanted.file_number]
    }

    fn read_last(&mut self) -> Result<()> {
        let number = self.files.len() - 1;
        let file = &self.files[number];
        for found in sql::statements(&file.text) {
            let statement = found.map_err(|flaw| refused(file, flaw.into()))?;
            let text = statement::read(&file.text, &statement)
                .map_err(|refusal| refused(file, refusal))?;
            if text.table != file.table {
                let message = format!(
                    "this is an index of {}, and the file is about {}",
                    text.table, file.table
                );
                let hint = format!("put it into {}", sibling(&file.path, &text.table));
                return Err(misplaced(file, &text.on, &message, &hint).into());
            }
            self.indexes.push(wanted(file, number, text));
        }
        Ok(())
    }

    /// Names of indexes are unique in a schema.
    fn refuse_one_name_twice(&self) -> Result<()> {
        let mut first: BTreeMap<(&str, &str), &Wanted> = BTreeMap::new();
        for wanted in &self.indexes {
            let key = (wanted.table.schema.as_str(), wanted.name.as_str());
            if let Some(other) = first.insert(key, wanted) {
                let message = format!("the index {} is declared twice", wanted.name);
                let (file, line) = (&other.place.file, other.place.line);
                return Err(cannot(&wanted.file, &message, wanted.place.clone())
                    .note(format!("first in {file}, line {line}"))
                    .hint("give it another name, or remove one")
                    .into());
            }
        }
        Ok(())
    }
}

fn wanted(file: &File, number: usize, text: IndexText) -> Wanted {
    Wanted {
        statement: file.text[text.statement.clone()].to_owned(),
        file: file.path.clone(),
        place: file.excerpt(&text.place),
        tail_at: text.tail.start - text.statement.start,
        table: text.table,
        name: text.name,
        unique: text.unique,
        file_number: number,
        on: text.on,
        tail: text.tail,
    }
}

/// The table a file is about, by its name: `content`, or `app.content`.
fn table_of(stem: &str) -> Relation {
    let (schema, name) = stem.split_once('.').unwrap_or((PUBLIC, stem));
    Relation::new(schema, name)
}

/// The file beside this one that is about a table.
fn sibling(path: &str, table: &Relation) -> String {
    let folder = path.rfind(['/', ' ']).map_or("", |end| &path[..=end]);
    format!("{folder}{table}.sql")
}

fn refused(file: &File, refusal: Refusal) -> Error {
    let Refusal {
        span,
        message,
        hint,
    } = refusal;
    misplaced(file, &span, &message, &hint)
}

fn misplaced(file: &File, span: &Range<usize>, message: &str, hint: &str) -> Error {
    cannot(&file.path, message, file.excerpt(span)).hint(hint)
}

/// A file that cannot be applied, and where in it.
pub(super) fn cannot(path: &str, message: &str, place: Excerpt) -> Error {
    Error::failed(format!("{path} cannot be applied: {message}"))
        .at(place)
        .unchanged()
}
