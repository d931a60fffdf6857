//! Indexes nobody uses, as far as the counters of one server tell, and as long as they have counted.

use std::fmt::Write as _;

use super::stock::Index;
use super::{Advice, Kind, Weight, Window, Wish};

/// Below this many uses, and below one a day, an index is rarely used.
const RARELY: i64 = 50;

/// Fewer reads of its table say nothing about an index.
const READS: i64 = 100;

const DAY: i64 = 86_400;

/// The unused ones; one advice for all of them if it is too early to tell. Those that go for a better reason are not
/// named again.
pub fn judge(
    wish: &Wish,
    window: &Window,
    replica: Option<&str>,
    indexes: &[Index],
    redundant: &[&str],
) -> Vec<Advice> {
    let days = window.seconds / DAY;
    let idle: Vec<&Index> = indexes
        .iter()
        .filter(|index| index.is_droppable())
        .filter(|index| wish.foreign_keys || index.foreign_keys.is_empty())
        .filter(|index| index.scans == 0 || index.scans < days.min(RARELY))
        .filter(|index| !redundant.contains(&index.object.as_str()))
        .collect();
    let enough = wish.since.as_secs();
    if u64::try_from(window.seconds).unwrap_or(0) < enough {
        let enough = super::long(i64::try_from(enough).unwrap_or(i64::MAX));
        return too_early(window, &enough, &idle).into_iter().collect();
    }
    idle.into_iter()
        .map(|index| unused(wish, window, replica, index))
        .collect()
}

fn too_early(window: &Window, enough: &str, idle: &[&Index]) -> Option<Advice> {
    if idle.is_empty() {
        return None;
    }
    let names: Vec<&str> = idle.iter().map(|index| index.object.as_str()).collect();
    Some(Advice {
        kind: Kind::TooEarlyToTell,
        weight: Weight::Note,
        object: "unused indexes".to_owned(),
        table: None,
        evidence: format!(
            "too early to tell: the counters have counted {}; not used since: {}",
            window.words(),
            names.join(", ")
        ),
        size: Some(idle.iter().map(|index| index.size).sum()),
        remedy: format!(
            "ask again when they have counted {enough}, or name a shorter time with `--since`"
        ),
        sql: None,
        file: None,
        place: None,
    })
}

fn unused(wish: &Wish, window: &Window, replica: Option<&str>, index: &Index) -> Advice {
    let times = match index.scans {
        0 => "not used once".to_owned(),
        1 => "used once".to_owned(),
        times => format!("used {times} times"),
    };
    let seen = match replica {
        Some(name) => format!("this server and its replica {name}: others count for themselves"),
        None => "this server only: replicas count for themselves".to_owned(),
    };
    let mut evidence = format!(
        "{times} {}, while its table was read {} times; {seen}",
        window.words(),
        index.reads
    );
    if let Some(last) = index.last_scan {
        let _ = write!(evidence, "; last used {last:.0}");
    }
    if index.has_expression {
        evidence.push_str("; the planner may need what it knows about its expression");
    }
    if !index.foreign_keys.is_empty() {
        let _ = write!(
            evidence,
            "; {} needs it when a row goes on the other side",
            index.foreign_keys.join(", ")
        );
    }
    let is_plain = !index.has_expression && index.foreign_keys.is_empty();
    let weight = if index.scans == 0 && index.reads >= READS && is_plain {
        Weight::Warning
    } else {
        Weight::Note
    };
    Advice {
        kind: Kind::Unused,
        weight,
        object: index.object.clone(),
        table: Some(index.on_table.clone()),
        evidence,
        size: Some(index.size),
        remedy: format!(
            "look at the counters of the replicas, then {}",
            wish.files.removal(index)
        ),
        sql: Some(index.drop_sql()),
        file: Some(wish.files.about(&index.on())),
        place: wish.files.place(index),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::index::advise::stock::tests::index;
    use crate::index::advise::tests::{window, wish};

    const MONTH: i64 = 30 * DAY;

    fn weight(index: &Index) -> Option<Weight> {
        let advice = judge(
            &wish(),
            &window(MONTH),
            None,
            std::slice::from_ref(index),
            &[],
        );
        advice.first().map(|advice| advice.weight)
    }

    #[test]
    fn what_is_used_less_than_once_a_day_is_rarely_used() {
        let with = |scans, reads| Index {
            scans,
            reads,
            ..index("a: x")
        };
        assert_eq!(weight(&with(0, 100)), Some(Weight::Warning));
        assert_eq!(weight(&with(0, 99)), Some(Weight::Note));
        assert_eq!(weight(&with(29, 1000)), Some(Weight::Note));
        assert_eq!(weight(&with(30, 1000)), None);
        let often = judge(&wish(), &window(365 * DAY), None, &[with(50, 1000)], &[]);
        assert_eq!(often, []);
    }

    #[test]
    fn what_others_stand_on_is_never_unused() {
        let a = index("a: x");
        let others = [
            Index {
                is_unique: true,
                ..a.clone()
            },
            Index {
                is_needed: true,
                ..a.clone()
            },
            Index {
                is_attached: true,
                ..a.clone()
            },
            Index {
                is_valid: false,
                ..a.clone()
            },
            Index {
                foreign_keys: vec!["t_x_fkey".to_owned()],
                ..a.clone()
            },
        ];
        for other in &others {
            assert_eq!(weight(other), None, "{other:?}");
        }
        let told = Wish {
            foreign_keys: true,
            ..wish()
        };
        let advice = judge(&told, &window(MONTH), None, &others, &[]);
        assert_eq!(advice.len(), 1);
        assert_eq!(advice[0].weight, Weight::Note);
        assert_eq!(
            judge(&wish(), &window(MONTH), None, &[a], &["public.a"]),
            []
        );
    }

    #[test]
    fn within_the_time_that_is_wanted_nothing_is_advised() {
        let advice = judge(
            &wish(),
            &window(6 * DAY),
            None,
            &[index("a: x"), index("b: y")],
            &[],
        );
        let [one] = advice.as_slice() else {
            panic!("{advice:?}");
        };
        assert_eq!((one.kind, one.weight), (Kind::TooEarlyToTell, Weight::Note));
        assert!(
            one.evidence.starts_with("too early to tell: "),
            "{}",
            one.evidence
        );
        assert!(
            one.evidence
                .ends_with("(6 days ago); not used since: public.a, public.b")
        );
        assert_eq!((one.size, one.sql.as_ref()), (Some(16_384), None));
        assert_eq!(judge(&wish(), &window(6 * DAY), None, &[], &[]), []);
    }
}
