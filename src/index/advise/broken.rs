//! Indexes that are not valid: left over from a build that did not come to its end, or being built right now.

use super::stock::Index;
use super::{Advice, Kind, Weight, Window, Wish};
use crate::error::command;

/// What becomes of each.
pub fn judge(wish: &Wish, window: &Window, indexes: &[Index]) -> Vec<Advice> {
    let broken = indexes.iter().filter(|index| !index.is_valid);
    // The one on the partitioned table speaks for the parts that it has.
    let own = broken.filter(|index| !(index.is_attached && index.is_partitioned));
    own.map(|index| judge_one(wish, window, index)).collect()
}

fn judge_one(wish: &Wish, window: &Window, index: &Index) -> Advice {
    let (weight, evidence, remedy, sql) = if let Some(pid) = index.builder {
        let evidence = format!("it is being built right now, by pid {pid}");
        let remedy = format!(
            "wait until it is built; {} follows it",
            command("index status")
        );
        (Weight::Note, evidence, remedy, None)
    } else if index.may_be_built {
        let evidence = "another role builds something on its table right now, and this role may not see what: it may be this index".to_owned();
        let remedy =
            "wait until that is done, or ask as a role that has pg_read_all_stats".to_owned();
        (Weight::Note, evidence, remedy, None)
    } else if window.in_recovery {
        let evidence = "whether it is being built, or left over, only the primary knows".to_owned();
        (Weight::Note, evidence, "ask the primary".to_owned(), None)
    } else if index.is_partitioned {
        partitioned(wish, index)
    } else {
        leftover(wish, index)
    };
    Advice {
        kind: Kind::Invalid,
        weight,
        object: index.object.clone(),
        table: Some(index.on_table.clone()),
        evidence,
        size: Some(index.size),
        remedy,
        sql,
        file: Some(wish.files.about(&index.on())),
        place: wish.files.place(index),
    }
}

type Verdict = (Weight, String, String, Option<String>);

fn partitioned(wish: &Wish, index: &Index) -> Verdict {
    let evidence = match index.unattached.as_slice() {
        [] => "every partition has its part of it, and it was never told so".to_owned(),
        parts => format!(
            "these partitions have no valid part of it: {}",
            parts.join(", ")
        ),
    };
    if wish.files.declare(index) {
        let remedy = format!(
            "run {}, which builds what is missing and attaches it",
            command("index apply")
        );
        (Weight::Warning, evidence, remedy, None)
    } else {
        let remedy = format!("drop it, or declare it and run {}", command("index apply"));
        (Weight::Warning, evidence, remedy, Some(index.drop_sql()))
    }
}

fn leftover(wish: &Wish, index: &Index) -> Verdict {
    let (weight, harm) = match (index.is_ready, index.is_unique) {
        (true, true) => (
            Weight::Error,
            "every write keeps it up to date, it rejects rows that are in it already, and no query uses it",
        ),
        (true, false) => (
            Weight::Error,
            "every write keeps it up to date, and no query uses it",
        ),
        (false, _) => (Weight::Warning, "it takes room, and nothing uses it"),
    };
    let evidence = format!("left over from a build that did not come to its end: {harm}");
    let sql = Some(index.drop_sql());
    let remedy = if is_transient(&index.name) {
        "drop it: REINDEX CONCURRENTLY made it and left it behind".to_owned()
    } else if wish.files.declare(index) {
        format!(
            "run {}, which drops it and builds it again",
            command("index apply")
        )
    } else {
        "drop it; no file declares it".to_owned()
    };
    (weight, evidence, remedy, sql)
}

/// Whether REINDEX CONCURRENTLY gave it its name.
fn is_transient(name: &str) -> bool {
    let stem = name.trim_end_matches(|letter: char| letter.is_ascii_digit());
    stem.ends_with("_ccnew") || stem.ends_with("_ccold")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::index::advise::stock::tests::index;
    use crate::index::advise::tests::{window, wish};

    fn weight(index: &Index, in_recovery: bool) -> Option<Weight> {
        let window = Window {
            in_recovery,
            ..window(60)
        };
        let advice = judge(&wish(), &window, std::slice::from_ref(index));
        advice.first().map(|advice| advice.weight)
    }

    #[test]
    fn what_costs_weighs_more_than_what_only_lies_there() {
        let valid = index("a: a");
        assert_eq!(weight(&valid, false), None);
        let ready = Index {
            is_valid: false,
            ..valid
        };
        assert_eq!(weight(&ready, false), Some(Weight::Error));
        assert_eq!(weight(&ready, true), Some(Weight::Note));
        let idle = Index {
            is_ready: false,
            ..ready.clone()
        };
        assert_eq!(weight(&idle, false), Some(Weight::Warning));
        let built = Index {
            builder: Some(1),
            ..ready.clone()
        };
        assert_eq!(weight(&built, false), Some(Weight::Note));
        let hidden = Index {
            may_be_built: true,
            ..ready
        };
        assert_eq!(weight(&hidden, false), Some(Weight::Note));
    }

    #[test]
    fn names_of_reindex_are_known() {
        for (name, transient) in [
            ("a_ccnew", true),
            ("a_ccold12", true),
            ("a_ccnew_idx", false),
            ("ccnew", false),
        ] {
            assert_eq!(is_transient(name), transient, "{name}");
        }
    }
}
