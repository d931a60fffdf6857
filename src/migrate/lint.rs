//! What can be wrong with a migration, found without a server.
//!
//! A [`Rule`] looks, a [`Finding`] is what it found: where, why it matters, what to write instead. Rules about text
//! alone are quick ([`preflight`]); the others read squawk's tree, once a file.

mod access;
mod change;
mod data;
pub mod facts;
pub mod form;
pub mod mode;
mod path;
pub mod rule;
mod squawk;

use std::borrow::Cow;
use std::fmt::Write;

use serde::{Serialize, Serializer, ser::SerializeStruct};

use super::directive::{self, Directives};
use super::file::Migration;
use super::preflight::{self, Found};
use super::size::{Size, Sizes};
use crate::error::{Excerpt, Lines};
use change::Changes;
use facts::{Facts, Indexes, Name, Span};
use path::Routines;
pub use rule::{Habit, Level, Rule};
pub use squawk::STACK;

/// Of a larger file, in bytes, only what its statements are is looked at: the rules want copies of it and a tree.
pub(super) const LARGEST: usize = 16 << 20;

/// A file to look at.
#[derive(Debug, Clone)]
pub struct Sheet<'a> {
    /// As a person would name it.
    pub path: Cow<'a, str>,
    /// Normalised.
    pub text: Cow<'a, str>,
}

impl<'a> Sheet<'a> {
    /// Of a migration.
    pub fn of(migration: &'a Migration) -> Self {
        Self {
            path: Cow::Borrowed(&migration.path),
            text: Cow::Borrowed(migration.sql()),
        }
    }
}

/// Which rules look.
#[derive(Debug, Clone, Copy)]
pub enum Wanted<'a> {
    /// All that always do, and these, which the configuration denies.
    All(&'a [&'static Rule]),
    /// Only those that the configuration denies.
    Denied(&'a [&'static Rule]),
}

impl Wanted<'_> {
    /// Whether the configuration denies what it finds.
    pub fn denies(self, rule: &'static Rule) -> bool {
        let (Self::All(denied) | Self::Denied(denied)) = self;
        denied.contains(&rule)
    }

    /// Whether it looks at all.
    pub fn includes(self, rule: &'static Rule) -> bool {
        // What silences nothing is known once everything has looked.
        let is_all = matches!(self, Self::All(_)) || self.denies(&form::UNUSED_ALLOW);
        (is_all && rule.habit == Habit::Always) || self.denies(rule)
    }
}

/// What a rule found, before anybody looks at who allows or denies it.
#[derive(Debug, Clone)]
pub struct Hit {
    pub(super) rule: &'static Rule,
    pub(super) span: Span,
    pub(super) message: String,
    pub(super) rewrite: Option<String>,
    pub(super) level: Option<Level>,
    pub(super) tables: Vec<Name>,
}

impl Hit {
    /// What was found, and where in the text.
    pub(super) fn new(rule: &'static Rule, span: Span, message: impl Into<String>) -> Self {
        Self {
            rule,
            span,
            message: message.into(),
            rewrite: None,
            level: None,
            tables: Vec::new(),
        }
    }

    /// What to write instead, more exactly than the rule knows.
    pub(super) fn rewrite(mut self, rewrite: impl Into<String>) -> Self {
        self.rewrite = Some(rewrite.into());
        self
    }

    /// The tables on whose size it depends how much it weighs.
    pub(super) fn on(mut self, tables: Vec<Name>) -> Self {
        self.tables = tables;
        self
    }

    /// That it weighs less here than the rule says.
    pub(super) fn level(mut self, level: Level) -> Self {
        self.level = Some(level);
        self
    }
}

/// Something found in a file.
#[derive(Debug, Clone)]
pub struct Finding {
    /// Who found it.
    pub rule: &'static Rule,
    /// How much it weighs here.
    pub level: Level,
    /// What it is.
    pub message: String,
    /// The file, as a person would name it.
    pub file: String,
    /// Where in the file, unless it is about the file as a whole.
    pub place: Option<Excerpt>,
    /// What to write instead.
    pub rewrite: String,
    /// Why the file allows it.
    pub because: Option<String>,
    /// The tables on whose size it depends how much it weighs.
    tables: Vec<Name>,
}

impl Finding {
    /// Lets the sizes of the tables it is about say how much it weighs: in a small one nobody waits.
    #[must_use]
    pub fn weighed(mut self, sizes: &Sizes) -> Self {
        let size = |name: &Name| sizes.of(name.schema.as_deref().unwrap_or("public"), &name.name);
        let known: Vec<&Size> = self.tables.iter().filter_map(size).collect();
        if known.is_empty() || self.level != Level::Warning {
            return self;
        }
        if known.len() == self.tables.len() && known.iter().all(|size| size.is_small()) {
            self.level = Level::Note;
            self.message.push_str(", but the table is small");
        } else if let Some(rows) = known.iter().filter_map(|size| size.rows).max() {
            let _ = write!(self.message, ", and the table has about {rows} rows");
        }
        self
    }

    /// About a file as a whole.
    pub fn of_file(rule: &'static Rule, file: &str, message: impl Into<String>) -> Self {
        Self {
            rule,
            level: rule.level,
            message: message.into(),
            file: file.to_owned(),
            place: None,
            rewrite: rule.rewrite.to_owned(),
            because: None,
            tables: Vec::new(),
        }
    }

    /// What it is sorted by: file, place, weight.
    pub fn key(&self) -> (String, usize, usize, Level) {
        let place = self.place.as_ref();
        let (line, column) = place.map_or((0, 0), |place| (place.line, place.column));
        (self.file.clone(), line, column, self.level)
    }

    /// Lets the file allow it and the configuration deny it. What cannot work cannot be allowed.
    #[must_use]
    pub fn judged(mut self, directives: &Directives, wanted: Wanted<'_>) -> Self {
        let allowed = directives
            .allowed
            .iter()
            .find(|(rule, _)| *rule == self.rule);
        if self.level == Level::Error {
            return self;
        }
        if let Some((_, reason)) = allowed {
            self.level = Level::Allowed;
            self.because = Some(reason.clone());
        } else if wanted.denies(self.rule) {
            self.level = Level::Denied;
        }
        self
    }
}

/// Keys are there whatever the finding, so that programs need not ask.
impl Serialize for Finding {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let place = self.place.as_ref();
        let mut fields = serializer.serialize_struct("Finding", 10)?;
        fields.serialize_field("file", &self.file)?;
        fields.serialize_field("line", &place.map(|place| place.line))?;
        fields.serialize_field("column", &place.map(|place| place.column))?;
        fields.serialize_field("end_column", &place.map(Excerpt::end_column))?;
        fields.serialize_field("rule", self.rule)?;
        fields.serialize_field("level", &self.level)?;
        fields.serialize_field("message", &self.message)?;
        fields.serialize_field("why", self.rule.why)?;
        fields.serialize_field("rewrite", &self.rewrite)?;
        fields.serialize_field("because", &self.because)?;
        fields.end()
    }
}

/// What some files make, for the rules that have to know.
#[derive(Debug, Default)]
pub struct Made {
    indexes: Indexes,
    routines: Routines,
    changes: Changes,
    files: usize,
}

impl Made {
    /// Adds what a file makes that runs before or after others, nobody knows.
    pub fn add_apart(&mut self, facts: &Facts) {
        self.indexes.add(facts);
        self.routines.add(facts);
    }

    /// Adds what a file makes, and what it does to what earlier ones make; in the order in which they run.
    pub fn add(&mut self, reading: &mut Reading<'_>) {
        self.indexes.follow(&reading.facts);
        self.routines.add(&reading.facts);
        self.changes.add(self.files, &reading.facts);
        reading.number = self.files;
        self.files += 1;
    }
}

/// A file that was read, and what was found so far.
pub struct Reading<'a> {
    sheet: Sheet<'a>,
    read: directive::Read,
    facts: Facts,
    /// How many files run before it.
    number: usize,
    hits: Vec<Hit>,
}

impl<'a> Reading<'a> {
    /// Reads a file, and looks for what it says by itself.
    pub fn of(sheet: Sheet<'a>, wanted: Wanted<'_>) -> Self {
        let text: &str = &sheet.text;
        let read = directive::read(text);
        let directives = &read.directives;
        let Found {
            mut hits,
            unreadable,
        } = preflight::look(text, &read);
        let facts = if text.len() > LARGEST {
            let message = format!(
                "the file has {} MB and was not read by the rules about statements, which read {} at most",
                text.len() >> 20,
                LARGEST >> 20
            );
            hits.push(Hit::new(&form::TOO_LARGE, (0, 1).into(), message));
            Facts::default()
        } else {
            let tree = squawk::Sheet::read(&blanked(text, &unreadable));
            tree.lint(directives.transaction, wanted, &mut hits);
            // The tree is as large as ten such files; what is known of it by now is enough.
            let facts = tree.facts;
            if directives.transaction {
                mode::look(&facts, text, &mut hits);
            }
            access::look(&facts, &mut hits);
            facts
        };
        Self {
            sheet,
            read,
            facts,
            number: 0,
            hits,
        }
    }

    /// What other files may have to say more of: tables with a foreign key for which none of these indexes is, and
    /// functions that have to do without a search_path.
    pub fn wanting<'i>(&'i self, made: &'i Made) -> impl Iterator<Item = &'i Name> {
        data::wanting(&self.facts, &made.indexes).chain(path::wanting(&self.facts))
    }

    /// All that is found, in order of place.
    pub fn findings(mut self, made: &Made, wanted: Wanted<'_>) -> Vec<Finding> {
        let is_settled = |key, index| {
            made.changes
                .settle(key, (self.number, index), &made.indexes)
        };
        data::look(&self.facts, is_settled, &mut self.hits);
        path::look(&self.facts, &made.routines, &mut self.hits);
        for (place, rule) in &self.read.allows {
            // What is found between files is not found in one.
            let between = [&form::GAP_IN_NUMBERS, &form::UNDECLARED];
            let looked = wanted.includes(rule) && !between.contains(rule);
            if looked && self.hits.iter().all(|hit| hit.rule != *rule) {
                let message = format!("nothing in this file is found by {rule}");
                self.hits
                    .push(Hit::new(&form::UNUSED_ALLOW, *place, message));
            }
        }
        placed(&self.sheet, self.hits)
            .map(|finding| finding.judged(&self.read.directives, wanted))
            .collect()
    }
}

/// What a file says, whatever is wrong with it.
pub(super) fn facts_of(text: &str) -> Facts {
    if text.len() > LARGEST {
        return Facts::default();
    }
    squawk::Sheet::read(text).facts
}

/// The text with blanks in these places: same length, same lines.
pub(super) fn blanked<'a>(text: &'a str, places: &[Span]) -> Cow<'a, str> {
    if places.is_empty() {
        return Cow::Borrowed(text);
    }
    let mut blanked = text.to_owned().into_bytes();
    for place in places {
        for byte in &mut blanked[place.start..place.end()] {
            if *byte != b'\n' {
                *byte = b' ';
            }
        }
    }
    // Whole characters became blanks, so it is text still.
    let blanked = String::from_utf8(blanked).unwrap_or_default();
    Cow::Owned(blanked)
}

/// Findings with their places, in order.
pub(super) fn placed(sheet: &Sheet<'_>, mut hits: Vec<Hit>) -> impl Iterator<Item = Finding> {
    hits.sort_by_key(|hit| hit.span.start);
    let mut lines = Lines::of(&sheet.text);
    hits.into_iter().map(move |hit| Finding {
        level: hit.level.unwrap_or(hit.rule.level),
        file: sheet.path.to_string(),
        place: Some(lines.excerpt(&sheet.path, hit.span.start, hit.span.length)),
        rewrite: hit.rewrite.unwrap_or_else(|| hit.rule.rewrite.to_owned()),
        rule: hit.rule,
        message: hit.message,
        because: None,
        tables: hit.tables,
    })
}

#[cfg(test)]
mod tests;
