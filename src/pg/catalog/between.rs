//! What a database is to be like that somebody brings from one state to another, and may be at any point between them.

use std::collections::BTreeMap;

use super::diff::is_ordered;
use super::{Catalog, Object};

/// What is expected of a database on its way from `made` to `whole`: whatever is the same in both, and of the rest what
/// `found` has of it. What is known to have been `left` there, by kind and name, is expected to be still as it was: true
/// if it is.
pub fn between(
    made: &Catalog,
    whole: &Catalog,
    found: &Catalog,
    left: &BTreeMap<String, bool>,
) -> Catalog {
    let keys = made.0.keys().chain(whole.0.keys());
    let mut expected = Catalog::default();
    for key in keys {
        let of = |catalog: &'_ Catalog| catalog.0.get(key).cloned();
        let (kind, name) = key;
        let left = left.get(&format!("{kind} {name}")).copied();
        if let Some(object) = one(of(made), of(whole), of(found), left) {
            expected.0.insert(key.clone(), object);
        }
    }
    expected
}

fn one(
    made: Option<Object>,
    whole: Option<Object>,
    found: Option<Object>,
    left: Option<bool>,
) -> Option<Object> {
    let reads_like = |one: &Option<Object>, other: &Option<Object>| match (one, other) {
        (Some(one), Some(other)) => one.reads_like(other),
        (one, other) => one.is_none() && other.is_none(),
    };
    if reads_like(&made, &whole) {
        return made;
    }
    // It was there, and somebody has dropped it.
    if found.is_none() && left == Some(false) {
        return whole;
    }
    if reads_like(&made, &found) {
        return made;
    }
    if reads_like(&whole, &found) {
        return whole;
    }
    // Its file was edited since.
    if left == Some(true) {
        return found;
    }
    let kind = made.as_ref().or(whole.as_ref())?.kind.clone();
    // What is not there at all was not made yet.
    let (Some(found), false) = (found, is_ordered(&kind)) else {
        return whole;
    };
    let lines = |object: &Option<Object>| {
        let object = object.as_ref();
        object.map_or_else(Vec::new, |object| object.lines.clone())
    };
    let (made_lines, whole_lines) = (lines(&made), lines(&whole));
    let is_expected = |line: &String| {
        let (before, after) = (made_lines.contains(line), whole_lines.contains(line));
        (before && after) || ((before || after) && found.lines.contains(line))
    };
    let mut expected: Vec<String> = whole_lines
        .iter()
        .filter(|line| is_expected(line))
        .cloned()
        .collect();
    let gone = made_lines.iter().filter(|line| !whole_lines.contains(line));
    expected.extend(gone.filter(|line| is_expected(line)).cloned());
    let object = whole.or(made)?;
    Some(Object {
        lines: expected,
        ..object
    })
}

impl Catalog {
    /// Whether everything of this relation or function reads as in `whole`; of a relation, its indexes apart, or one of
    /// them alone.
    pub fn has_like(&self, whole: &Self, relation: &str, index: Option<&str>) -> bool {
        let is_named =
            |name: &str| name == relation || name.strip_prefix("public.") == Some(relation);
        let is_of = |object: &&Object| {
            let of = object.parent.as_deref().unwrap_or(&object.name);
            let own = object.name.rsplit('.').next();
            is_named(of)
                && index.is_some() == (object.kind == "index")
                && index.is_none_or(|index| own == Some(index))
        };
        whole.objects().filter(is_of).all(|object| {
            let there = self.0.get(&(object.kind.clone(), object.name.clone()));
            there.is_some_and(|there| there.reads_like(object))
        })
    }
}
