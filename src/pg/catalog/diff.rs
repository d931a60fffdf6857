//! How two catalogs differ, and how two texts do.

use std::collections::BTreeSet;

use serde::Serialize;

use super::{Catalog, Object};

/// More pairs of lines than this are not compared one by one.
const PAIRS: usize = 4_000_000;

/// In which way something differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Declared, and not there.
    Missing,
    /// There, and not declared.
    Extra,
    /// There, and otherwise than declared.
    Changed,
}

impl State {
    /// In a word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Extra => "extra",
            Self::Changed => "changed",
        }
    }
}

/// One thing that is not as declared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// In which way.
    pub state: State,
    /// `table`, `policy`, `grants`
    pub kind: String,
    /// `public.tips`
    pub name: String,
    /// Its definition as declared; nothing if it is not.
    pub declared: Option<Vec<String>>,
    /// Its definition as found; nothing if it is not there.
    pub found: Option<Vec<String>>,
}

impl Difference {
    /// `table public.tips`
    pub fn object(&self) -> String {
        format!("{} {}", self.kind, self.name)
    }

    /// The lines that differ: `- as declared`, `+ as found`.
    pub fn lines(&self) -> Vec<String> {
        let declared = self.declared.as_deref().unwrap_or_default();
        let found = self.found.as_deref().unwrap_or_default();
        if is_ordered(&self.kind) {
            return changes(declared, found);
        }
        let only = |sign, these: &[String], those: &[String]| -> Vec<String> {
            let these = these.iter().filter(|line| !those.contains(line));
            these.map(|line| format!("{sign} {line}")).collect()
        };
        let mut lines = only('-', declared, found);
        lines.extend(only('+', found, declared));
        lines
    }
}

/// What came of comparing two databases.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Comparison {
    /// What is not as declared.
    pub differences: Vec<Difference>,
    /// What is no difference, and worth knowing.
    pub notes: Vec<String>,
}

impl Comparison {
    /// The differences for people, one after the other: `changed table public.tips` and the lines that differ, indented.
    pub fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for difference in &self.differences {
            let object = difference.object();
            lines.push(format!("{} {object}", difference.state.word()));
            lines.extend(difference.lines().iter().map(|line| format!("  {line}")));
        }
        lines
    }
}

/// In the order of their lines most definitions say something; of tables, rights and constraints they do not. A column
/// that somebody made by hand before its migration came stands elsewhere than declared, and nothing moves it.
pub(super) fn is_ordered(kind: &str) -> bool {
    !matches!(kind, "table" | "grants" | "publication")
}

impl Object {
    /// Whether both definitions say the same.
    pub(super) fn reads_like(&self, other: &Self) -> bool {
        if self.kind == "extension" {
            // The version is the server's choice.
            return true;
        }
        if is_ordered(&self.kind) {
            return self.lines == other.lines;
        }
        let sorted = |object: &Self| {
            let mut lines = object.lines.clone();
            lines.sort();
            lines
        };
        sorted(self) == sorted(other)
    }
}

/// Everything in which two catalogs differ, object by object.
fn all<'a>(declared: &'a Catalog, found: &'a Catalog) -> Vec<(&'a Object, Difference)> {
    let mut differences = Vec::new();
    for (key, object) in &declared.0 {
        match found.0.get(key) {
            None => differences.push((object, difference(Some(object), None))),
            Some(other) if !object.reads_like(other) => {
                differences.push((object, difference(Some(object), Some(other))));
            }
            Some(_) => {}
        }
    }
    let extra = found.objects().filter(|object| !declared.has(object));
    differences.extend(extra.map(|object| (object, difference(None, Some(object)))));
    differences
}

fn difference(declared: Option<&Object>, found: Option<&Object>) -> Difference {
    let state = match (declared, found) {
        (_, None) => State::Missing,
        (None, _) => State::Extra,
        _ => State::Changed,
    };
    let one = declared.or(found);
    let lines = |object: Option<&Object>| object.map(|object| object.lines.clone());
    Difference {
        state,
        kind: one.map(|object| object.kind.clone()).unwrap_or_default(),
        name: one.map(|object| object.name.clone()).unwrap_or_default(),
        declared: lines(declared),
        found: lines(found),
    }
}

/// In what two states of one database differ; what falls with something that is missing or extra is not told again.
/// Things that belong together stand together.
pub fn differences(declared: &Catalog, found: &Catalog) -> Vec<Difference> {
    let names = |catalog: &'_ Catalog| -> BTreeSet<String> {
        let roots = catalog.objects().filter(|object| object.parent.is_none());
        roots.map(|object| object.name.clone()).collect()
    };
    let (of_declared, of_found) = (names(declared), names(found));
    let falls = |object: &Object, difference: &Difference| {
        let Some(parent) = &object.parent else {
            return false;
        };
        match difference.state {
            State::Missing => of_declared.contains(parent) && !of_found.contains(parent),
            State::Extra => of_found.contains(parent) && !of_declared.contains(parent),
            State::Changed => false,
        }
    };
    let mut differences = all(declared, found);
    differences.retain(|(object, difference)| !falls(object, difference));
    differences.sort_by_key(|(object, _)| {
        (
            object.parent.clone().unwrap_or_else(|| object.name.clone()),
            object.parent.is_some(),
            object.kind.clone(),
            object.name.clone(),
        )
    });
    differences
        .into_iter()
        .map(|(_, difference)| difference)
        .collect()
}

/// Compares a database with what is declared. Schemas that no declaration mentions are a platform's or somebody else's:
/// they are named, and not compared.
pub fn compare(declared: &Catalog, found: &Catalog) -> Comparison {
    let mut known = declared.schemas();
    known.insert("public");
    let is_known = |object: &Object| {
        let schema = object.schema.as_deref();
        declared.has(object) || schema.is_none_or(|schema| known.contains(schema))
    };
    let (ours, others): (Vec<&Object>, Vec<&Object>) =
        found.objects().partition(|object| is_known(object));
    let mut notes = Vec::new();
    let schemas: BTreeSet<&str> = others
        .iter()
        .filter(|object| object.kind == "schema")
        .map(|object| object.name.as_str())
        .collect();
    if !schemas.is_empty() {
        let schemas: Vec<&str> = schemas.into_iter().collect();
        notes.push(format!(
            "schemas that no migration mentions are not compared: {}",
            schemas.join(", ")
        ));
    }
    for object in declared
        .objects()
        .filter(|object| object.kind == "extension")
    {
        let key = (object.kind.clone(), object.name.clone());
        if let Some(other) = found.0.get(&key)
            && other.lines != object.lines
        {
            notes.push(format!(
                "the extension {} has {} on the scratch server and {} here",
                object.name,
                object.lines.concat(),
                other.lines.concat()
            ));
        }
    }
    let found = ours.into_iter().cloned().collect();
    Comparison {
        differences: differences(declared, &found),
        notes,
    }
}

/// A line of two texts laid side by side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side<'a> {
    Both(&'a str),
    First(&'a str),
    Second(&'a str),
}

/// The lines in which two texts differ: `- of the first`, `+ of the second`.
pub fn changes(first: &[String], second: &[String]) -> Vec<String> {
    let sides = align(first, second).into_iter();
    let changes = sides.filter_map(|side| match side {
        Side::Both(_) => None,
        Side::First(line) => Some(format!("- {line}")),
        Side::Second(line) => Some(format!("+ {line}")),
    });
    changes.collect()
}

/// Both texts in one, with as many lines in common as there can be.
fn align<'a>(first: &'a [String], second: &'a [String]) -> Vec<Side<'a>> {
    let pairs = || first.iter().zip(second);
    let start = pairs().take_while(|(one, other)| one == other).count();
    let (rest, other) = (&first[start..], &second[start..]);
    let backwards = rest.iter().rev().zip(other.iter().rev());
    let end = backwards.take_while(|(one, other)| one == other).count();
    let (one, other) = (&rest[..rest.len() - end], &other[..other.len() - end]);
    let mut sides: Vec<Side<'_>> = first[..start].iter().map(|line| Side::Both(line)).collect();
    if one.len() * other.len() > PAIRS {
        sides.extend(one.iter().map(|line| Side::First(line)));
        sides.extend(other.iter().map(|line| Side::Second(line)));
    } else {
        sides.extend(middle(one, other));
    }
    let tail = &first[first.len() - end..];
    sides.extend(tail.iter().map(|line| Side::Both(line)));
    sides
}

/// The longest common subsequence, by the book.
fn middle<'a>(first: &'a [String], second: &'a [String]) -> Vec<Side<'a>> {
    let width = second.len() + 1;
    // How many lines the ends from here on have in common.
    let mut common = vec![0_u32; (first.len() + 1) * width];
    for row in (0..first.len()).rev() {
        for column in (0..second.len()).rev() {
            common[row * width + column] = if first[row] == second[column] {
                common[(row + 1) * width + column + 1] + 1
            } else {
                common[(row + 1) * width + column].max(common[row * width + column + 1])
            };
        }
    }
    let (mut row, mut column) = (0, 0);
    let mut sides = Vec::new();
    while row < first.len() || column < second.len() {
        let below = |row: usize, column: usize| common[row * width + column];
        if row < first.len() && column < second.len() && first[row] == second[column] {
            sides.push(Side::Both(&first[row]));
            (row, column) = (row + 1, column + 1);
        } else if column == second.len()
            || (row < first.len() && below(row + 1, column) >= below(row, column + 1))
        {
            sides.push(Side::First(&first[row]));
            row += 1;
        } else {
            sides.push(Side::Second(&second[column]));
            column += 1;
        }
    }
    sides
}

#[cfg(test)]
mod tests;
