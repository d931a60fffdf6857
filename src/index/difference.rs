//! What has to change for a database to have the indexes that are declared.

use serde::{Serialize, Serializer};

use super::declared::Wanted;
use super::statement::LONGEST_NAME;
use crate::pg::relation::Relation;
use crate::plan::{Effect, Risk, Step};

/// What is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// One that nobody declares goes, or what an interrupted build left behind.
    Drop,
    /// One that says what is wanted gets the name it is to have.
    Rename,
    /// Somebody is at work on it right now: what comes of it is waited for.
    Follow,
    /// What is there is INVALID: it is made anew. That of a partitioned table is completed on the partitions that lack it.
    Rebuild,
    /// It is built as it is to be beside the old one, and takes its place.
    Replace,
    /// It is built.
    Create,
}

impl Action {
    /// What it does to what is there.
    fn effect(self) -> Effect {
        match self {
            Self::Drop => Effect::Removes,
            Self::Rename => Effect::Changes,
            Self::Follow => Effect::Verifies,
            Self::Rebuild | Self::Replace => Effect::Replaces,
            Self::Create => Effect::Adds,
        }
    }

    /// In a few words, for people.
    pub fn words(self) -> &'static str {
        match self {
            Self::Drop => "drop",
            Self::Rename => "rename",
            Self::Follow => "follow",
            Self::Rebuild => "rebuild",
            Self::Replace => "replace",
            Self::Create => "create",
        }
    }
}

/// One thing that has to change.
#[derive(Debug, Clone, Serialize)]
pub struct Difference {
    /// What is done.
    pub action: Action,
    /// The table.
    #[serde(serialize_with = "title")]
    pub table: Relation,
    /// The name the index has to have, or that of the one that goes.
    pub name: String,
    /// For a rename, the name it has. For a replacement, the name of a valid index that says what is wanted already, so
    /// that nothing has to be built.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// What is declared; nothing for one that goes. Programs get its statement.
    #[serde(rename = "statement", skip_serializing_if = "Option::is_none")]
    pub wanted: Option<Wanted>,
    /// What else there is to say.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub detail: String,
    /// What there is, `- `, and what there is to be, `+ `.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub lines: Vec<String>,
    /// How large the one that is there is, in bytes.
    pub size: Option<i64>,
    /// Whether it is done only if everything that is not declared is to go.
    pub prune: bool,
    /// The session that is at work on it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pid: Option<i32>,
    /// Whether the table is partitioned.
    pub partitioned: bool,
}

fn title<S: Serializer>(table: &Relation, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(table)
}

impl Difference {
    /// One that says no more than what is done to which index.
    pub fn new(action: Action, table: &Relation, name: &str) -> Self {
        Self {
            action,
            table: table.clone(),
            name: name.to_owned(),
            from: None,
            wanted: None,
            detail: String::new(),
            lines: Vec::new(),
            size: None,
            prune: false,
            pid: None,
            partitioned: false,
        }
    }

    /// How much it can hurt. An INVALID index serves nobody, and one that is replaced is there until the new one is.
    pub fn risk(&self) -> Risk {
        match (self.action, self.prune) {
            (Action::Drop, true) => Risk::Severe,
            _ => Risk::Mild,
        }
    }

    /// As a step of a plan, without the statements that do it.
    pub fn step(&self) -> Step {
        Step::new(
            self.action.effect(),
            self.action.words(),
            format!("{} on {}", self.name, self.table),
        )
        .detail(self.detail.clone())
        .lines(self.lines.clone())
    }
}

/// Endings of the names PostgreSQL gives to what REINDEX CONCURRENTLY is building and to what it is about to drop; so do
/// we. A number follows if the name is taken.
const NEW: &str = "_ccnew";
const OLD: &str = "_ccold";

/// The name under which an index is built that is to take the place of the one of this name.
pub fn name_while_built(name: &str) -> String {
    with_ending(name, NEW)
}

/// The name of an index whose place has been taken, until it is dropped.
pub fn name_once_replaced(name: &str) -> String {
    with_ending(name, OLD)
}

fn with_ending(name: &str, ending: &str) -> String {
    let mut end = name.len().min(LONGEST_NAME - ending.len());
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}{ending}", &name[..end])
}

/// Whether an index of this name is what a build left behind, unless it is still going on.
pub fn is_leftover_name(name: &str) -> bool {
    base_of(name).is_some()
}

/// Whether this is what a build of the index of this name leaves behind.
pub fn is_leftover_of(leftover: &str, name: &str) -> bool {
    base_of(leftover).is_some_and(|base| {
        // Of a long name only so much is kept as there is room for.
        base == name || (base.len() >= LONGEST_NAME - 16 && name.starts_with(base))
    })
}

fn base_of(name: &str) -> Option<&str> {
    let name = name.trim_end_matches(|letter: char| letter.is_ascii_digit());
    name.strip_suffix(NEW).or_else(|| name.strip_suffix(OLD))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_behind_has_a_name_that_says_of_what() {
        assert_eq!(name_while_built("a_idx"), "a_idx_ccnew");
        let long = "é".repeat(31);
        let built = name_while_built(&long);
        assert!(built.len() <= LONGEST_NAME && is_leftover_of(&built, &long));
        assert!(is_leftover_of(&name_once_replaced("a_idx"), "a_idx"));
        assert!(is_leftover_of("a_idx_ccnew12", "a_idx"));
        assert!(!is_leftover_of("a_idx_ccnew", "a_id"));
        assert!(!is_leftover_name("a_ccnews") && !is_leftover_name("a1"));
    }
}
