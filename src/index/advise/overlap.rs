//! Indexes that another one makes superfluous.
//!
//! The same table, access method, predicate, and keys that are the same in column or expression, operator class,
//! collation and order. Whatever rejects rows, or has a constraint standing on it, is never the superfluous one.

use std::cmp::Reverse;
use std::fmt::Write as _;

use super::stock::Index;
use super::{Advice, Kind, Weight, Wish};

/// The superfluous ones. No two of them are each other's reason.
pub fn judge(wish: &Wish, indexes: &[Index]) -> Vec<Advice> {
    let valid: Vec<&Index> = indexes.iter().filter(|index| index.is_valid).collect();
    let mut advice = Vec::new();
    let mut rest = Vec::new();
    for index in &valid {
        let twin = valid
            .iter()
            .filter(|other| is_twin(index, other))
            .max_by_key(|other| rank(wish, other))
            .filter(|other| index.is_droppable() && rank(wish, other) > rank(wish, index));
        match twin {
            Some(twin) => advice.push(duplicate(wish, index, twin)),
            None => rest.push(*index),
        }
    }
    for index in rest.iter().filter(|index| index.is_droppable()) {
        let longest = rest
            .iter()
            .filter(|other| covers(other, index))
            .max_by_key(|other| (other.keys.len(), other.included.len(), rank(wish, other)));
        if let Some(longest) = longest {
            advice.push(covered(wish, index, longest));
        }
    }
    advice
}

/// Who of two stays: what cannot go, what a file declares, what was used more, what is older.
fn rank(wish: &Wish, index: &Index) -> (bool, bool, i64, Reverse<i64>) {
    (
        !index.is_droppable(),
        wish.files.declare(index),
        index.scans,
        Reverse(index.oid),
    )
}

fn is_alike(a: &Index, b: &Index) -> bool {
    a.oid != b.oid
        && (&a.schema, &a.table, &a.method) == (&b.schema, &b.table, &b.method)
        && a.predicate == b.predicate
        // Those of a btree say how full its pages are; those of others, what it can find.
        && (a.method == "btree" || a.options == b.options)
        && a.is_partitioned == b.is_partitioned
}

fn is_twin(a: &Index, b: &Index) -> bool {
    let included = |index: &Index| {
        let mut names = index.included.clone();
        names.sort();
        names
    };
    is_alike(a, b) && a.keys == b.keys && included(a) == included(b)
}

/// Whether the long one answers whatever the short one does.
fn covers(long: &Index, short: &Index) -> bool {
    let carries = |name: &String| long.included.contains(name) || long.columns.contains(name);
    is_alike(long, short)
        && short.method == "btree"
        && long.keys.starts_with(&short.keys)
        && (long.keys.len(), long.included.len()) > (short.keys.len(), short.included.len())
        && short.included.iter().all(carries)
}

fn duplicate(wish: &Wish, index: &Index, twin: &Index) -> Advice {
    let evidence = format!(
        "{} is the same: {}; used {} times, this one {}",
        twin.object,
        described(twin),
        twin.scans,
        index.scans
    );
    advice(wish, Kind::Duplicate, index, evidence)
}

fn covered(wish: &Wish, index: &Index, long: &Index) -> Advice {
    let evidence = format!(
        "{} begins with the same: {}; used {} times, this one {}",
        long.object,
        described(long),
        long.scans,
        index.scans
    );
    advice(wish, Kind::Covered, index, evidence)
}

fn advice(wish: &Wish, kind: Kind, index: &Index, evidence: String) -> Advice {
    Advice {
        kind,
        weight: Weight::Warning,
        object: index.object.clone(),
        table: Some(index.on_table.clone()),
        evidence,
        size: Some(index.size),
        remedy: wish.files.removal(index),
        sql: Some(index.drop_sql()),
        file: Some(wish.files.about(&index.on())),
        place: wish.files.place(index),
    }
}

/// Its columns: `btree (a, b) include (c) where (d > 0)`.
fn described(index: &Index) -> String {
    let mut text = format!("{} ({})", index.method, index.columns.join(", "));
    if !index.included.is_empty() {
        let _ = write!(text, " include ({})", index.included.join(", "));
    }
    if let Some(predicate) = &index.predicate {
        let _ = write!(text, " where {predicate}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::index::advise::stock::tests::index;
    use crate::index::advise::tests::wish;

    /// Which go, and because of which, of these in order of their age.
    fn judged(mut indexes: Vec<Index>) -> Vec<String> {
        for (oid, index) in (1..).zip(&mut indexes) {
            index.oid = oid;
        }
        let advice = judge(&wish(), &indexes).into_iter();
        let advice = advice.map(|advice| {
            let because = advice.evidence.split(' ').next().unwrap_or_default();
            format!("{} {} {because}", advice.object, advice.kind.name())
        });
        advice.map(|line| line.replace("public.", "")).collect()
    }

    #[test]
    fn of_two_that_are_the_same_the_younger_goes_unless_it_is_used_more() {
        let (a, b) = (index("a: x, y"), index("b: x, y"));
        assert_eq!(judged(vec![a.clone(), b.clone()]), ["b duplicate a"]);
        let busy = Index { scans: 9, ..b };
        assert_eq!(judged(vec![a, busy]), ["a duplicate b"]);
    }

    #[test]
    fn three_that_are_the_same_have_one_reason() {
        let three = vec![index("a: x"), index("b: x"), index("c: x")];
        assert_eq!(judged(three), ["b duplicate a", "c duplicate a"]);
    }

    #[test]
    fn what_rejects_rows_or_is_needed_stays() {
        let (a, b) = (index("a: x"), index("b: x"));
        let unique = Index {
            is_unique: true,
            ..b.clone()
        };
        assert_eq!(judged(vec![a.clone(), unique.clone()]), ["a duplicate b"]);
        let needed = Index {
            is_needed: true,
            ..a.clone()
        };
        assert_eq!(judged(vec![needed.clone(), unique]), [""; 0]);
        assert_eq!(judged(vec![b, needed]), ["b duplicate a"]);
        let attached = Index {
            is_attached: true,
            ..a
        };
        assert_eq!(judged(vec![attached.clone(), attached]), [""; 0]);
    }

    #[test]
    fn the_longest_of_those_that_begin_alike_is_the_reason() {
        let three = vec![index("a: x"), index("b: x, y"), index("c: x, y, z")];
        assert_eq!(judged(three), ["a covered c", "b covered c"]);
    }

    #[test]
    fn what_is_carried_has_to_be_in_the_longer_one() {
        let include = |index: Index, names: &[&str]| Index {
            included: names.iter().map(|name| (*name).to_owned()).collect(),
            ..index
        };
        let (short, long) = (index("a: x"), index("b: x, y"));
        let carrying = |names| vec![include(short.clone(), names), long.clone()];
        assert_eq!(judged(carrying(&["y"])), ["a covered b"]);
        assert_eq!(judged(carrying(&["z"])), [""; 0]);
        let both = vec![index("a: x"), include(index("b: x"), &["y"])];
        assert_eq!(judged(both), ["a covered b"]);
        let turned = |names| include(index("b: x"), names);
        let both = vec![include(index("a: x"), &["y", "z"]), turned(&["z", "y"])];
        assert_eq!(judged(both), ["b duplicate a"]);
    }

    #[test]
    fn what_differs_in_anything_else_stays() {
        let (a, b) = (index("a: x"), index("b: x, y"));
        let others = [
            Index {
                method: "gist".to_owned(),
                ..b.clone()
            },
            Index {
                table: "u".to_owned(),
                ..b.clone()
            },
            Index {
                predicate: Some("(x > 0)".to_owned()),
                ..b.clone()
            },
            Index {
                is_valid: false,
                ..b.clone()
            },
            Index {
                keys: vec!["x desc".to_owned(), "y".to_owned()],
                ..b
            },
        ];
        for other in others {
            assert_eq!(judged(vec![a.clone(), other]), [""; 0]);
        }
        let gin = |index: Index| Index {
            method: "gin".to_owned(),
            ..index
        };
        assert_eq!(judged(vec![gin(a), gin(index("b: x, y"))]), [""; 0]);
    }
}
