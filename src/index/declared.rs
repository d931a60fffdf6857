//! All index files together: which indexes a database is to have.
//!
//! A file is named after the one table it is about. What cannot be right whatever the database holds is an error here,
//! with its place.

use std::collections::BTreeMap;
use std::ops::Range;

use serde::{Serialize, Serializer};

use super::statement::{self, IndexText, Refusal};
use crate::error::{Error, Excerpt, Result, command};
use crate::pg::Ident;
use crate::pg::relation::Relation;
use crate::pg::session::SearchPath;
use crate::pg::sql;
use crate::source::{Sheet, Source};

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
    /// The tablespace it is to be in; nothing to leave that to the server.
    pub tablespace: Option<String>,
    /// Where in the file that is said.
    pub tablespace_at: Option<Range<usize>>,
    /// Where in the file the statement begins.
    start: usize,
}

/// How an index is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// At once, nobody writing meanwhile, and wherever the table is: fine for an empty one.
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
        let tail = match manner {
            Manner::Plain => self.without_tablespace(),
            _ => self.statement.clone(),
        };
        format!(
            "create {unique}index {concurrently}{} on {only}{on} {}",
            Ident(name),
            &tail[self.tail.start - self.start..]
        )
    }

    /// The statement, with blanks where it names a tablespace.
    fn without_tablespace(&self) -> String {
        let mut text = self.statement.clone();
        if let Some(Range { start, end }) = &self.tablespace_at {
            let range = start - self.start..end - self.start;
            text.replace_range(range.clone(), &" ".repeat(range.len()));
        }
        text
    }

    /// What stands behind the table up to this place of the file, without a tablespace, and with other texts in these
    /// places.
    pub fn tail_with(&self, others: &[(&Range<usize>, String)], end: usize) -> String {
        let text = self.without_tablespace();
        let mut tail = String::new();
        let mut from = self.tail.start;
        for (span, other) in others {
            tail.push_str(&text[from - self.start..span.start - self.start]);
            tail.push_str(other);
            from = span.end;
        }
        tail.push_str(&text[from - self.start..end - self.start]);
        tail
    }

    /// Text of its own statement at a place of its file.
    pub fn part(&self, span: &Range<usize>) -> &str {
        &self.statement[span.start - self.start..span.end - self.start]
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
        let declared = Self::of(source, source.sheets()?)?;
        if declared.files.is_empty() && !matches!(source, Source::Nowhere(_)) {
            return Err(Error::configuration(format!(
                "there is no index file in {}",
                declared.source
            ))
            .hint("write one a table, such as content.sql, or name another folder with `--indexes`")
            .hint(
                command("index adopt")
                    .hint("have what the database has written into files, with {}"),
            )
            .into());
        }
        Ok(declared)
    }

    /// What these files of a source declare.
    pub fn of(source: &Source, sheets: Vec<Sheet>) -> Result<Self> {
        let mut declared = Self {
            source: source.describe(),
            search_path: source.search_path(),
            files: Vec::new(),
            indexes: Vec::new(),
        };
        for sheet in sheets {
            let stem = sheet.stem().to_owned();
            declared.files.push(File {
                path: sheet.path,
                text: sheet.text,
                table: Relation::written(&stem),
            });
            declared.read_last(&stem)?;
        }
        declared.refuse_one_name_twice()?;
        Ok(declared)
    }

    /// The file of an index.
    pub fn file_of(&self, wanted: &Wanted) -> &File {
        &self.files[wanted.file_number]
    }

    fn read_last(&mut self, stem: &str) -> Result<()> {
        let number = self.files.len() - 1;
        let file = &mut self.files[number];
        let mut texts = Vec::new();
        for found in sql::statements(&file.text) {
            let statement = found.map_err(|flaw| refused(file, flaw.into()))?;
            texts.push(
                statement::read(&file.text, &statement)
                    .map_err(|refusal| refused(file, refusal))?,
            );
        }
        // A dot may be part of a name: what the file speaks of decides.
        if let Some(first) = texts.first().filter(|first| first.table.is_named(stem)) {
            file.table = first.table.clone();
        }
        let file = &self.files[number];
        for text in texts {
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
    let tablespace = text.tablespace;
    let tablespace_at = tablespace.as_ref().map(|(_, place)| place.clone());
    Wanted {
        statement: file.text[text.statement.clone()].to_owned(),
        file: file.path.clone(),
        place: file.excerpt(&text.place),
        start: text.statement.start,
        table: text.table,
        name: text.name,
        unique: text.unique,
        file_number: number,
        on: text.on,
        tail: text.tail,
        tablespace: tablespace.map(|(name, _)| name),
        tablespace_at,
    }
}

/// The file beside this one that is about a table.
fn sibling(path: &str, table: &Relation) -> String {
    let folder = path.rfind(['/', ' ']).map_or("", |end| &path[..=end]);
    format!("{folder}{}.sql", table.stem())
}

pub(super) fn refused(file: &File, refusal: Refusal) -> Error {
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
