//! Large tables that are often read from end to end.
//!
//! Which columns a query looks for is not in the catalog. Named are only those that are known to be compared: by
//! policies, in every query of a bound role, and by foreign keys.

use std::collections::BTreeSet;

use super::foreign::ForeignKey;
use super::{Advice, Kind, Weight, Window, Wish};
use crate::error::command;
use crate::pg::relation::Relation;
use crate::policy::audit::Compared;

/// Fewer scans are not many.
const SCANS: i64 = 100;

/// Fewer rows are read faster than looked up.
const ROWS: i64 = 10_000;

crate::row! {
    /// How often a table was read from end to end.
    pub struct Scanned {
        /// Its schema.
        pub schema: String,
        /// Its name.
        pub table: String,
        /// It, as SQL names it.
        pub on_table: String,
        /// How often.
        pub scans: i64,
        /// How many rows all of that took.
        pub rows_read: i64,
        /// About how many rows it has.
        pub rows: i64,
        /// How large it is, in bytes.
        pub size: i64,
    }
}

/// An advice a table.
pub fn judge(
    wish: &Wish,
    window: &Window,
    tables: &[Scanned],
    keys: &[ForeignKey],
    compared: &[Compared],
) -> Vec<Advice> {
    let often = tables.iter().filter(|table| {
        table.scans >= SCANS && table.rows >= ROWS && table.rows_read / table.scans >= ROWS
    });
    let advice = often.map(|table| {
        let on = &table.on_table;
        let own_keys = keys.iter().filter(|key| key.on_table == *on);
        let by_keys = own_keys.map(|key| format!("({}) by {}", key.columns.join(", "), key.name));
        let by_policies = compared
            .iter()
            .filter(|compared| compared.relation == *on)
            .map(|compared| {
                let policy = compared.policy.split(" on ").next().unwrap_or_default();
                format!("({}) by {policy}", compared.column)
            });
        let columns: BTreeSet<String> = by_keys.chain(by_policies).collect();
        let known = if columns.is_empty() {
            "every column that foreign keys and policies compare has an index".to_owned()
        } else {
            let columns: Vec<String> = columns.into_iter().collect();
            format!("compared without an index: {}", columns.join(", "))
        };
        let relation = Relation::new(&table.schema, &table.table);
        Advice {
            kind: Kind::SequentialScans,
            weight: Weight::Note,
            object: on.clone(),
            table: Some(on.clone()),
            evidence: format!(
                "read from end to end {} times {}, {} rows each time of about {}; {known}",
                table.scans,
                window.words(),
                table.rows_read / table.scans,
                table.rows
            ),
            size: Some(table.size),
            remedy: format!(
                "find the query, and try indexes for it with {}; {}",
                command("index advise --query"),
                wish.files.declaration(&relation)
            ),
            sql: None,
            file: Some(wish.files.about(&relation)),
            place: None,
        }
    });
    advice.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::index::advise::tests::{window, wish};

    #[test]
    fn few_scans_small_tables_and_short_reads_are_fine() {
        let table = |scans, rows_read, rows| Scanned {
            schema: "public".to_owned(),
            table: "t".to_owned(),
            on_table: "public.t".to_owned(),
            scans,
            rows_read,
            rows,
            size: 0,
        };
        let count = |table| judge(&wish(), &window(60), &[table], &[], &[]).len();
        assert_eq!(count(table(100, 1_000_000, 10_000)), 1);
        assert_eq!(count(table(99, 1_000_000, 10_000)), 0);
        assert_eq!(count(table(100, 999_999, 10_000)), 0);
        assert_eq!(count(table(100, 1_000_000, 9_999)), 0);
        assert_eq!(count(table(0, 0, 1_000_000)), 0);
    }
}
