//! Foreign keys that no index helps.

use std::fmt::Write as _;

use super::{Advice, Kind, Weight, Wish};
use crate::pg::relation::Relation;

crate::row! {
    /// A foreign key that no index helps.
    pub struct ForeignKey {
        /// Its name, as SQL names it.
        pub name: String,
        /// Its schema.
        pub schema: String,
        /// Its table.
        pub table: String,
        /// Its table, as SQL names it.
        pub on_table: String,
        /// Its columns, as SQL names them.
        pub columns: Vec<String>,
        /// The table it refers to, as SQL names it.
        pub refers_to: String,
        /// About how many rows its table has; the planner's number.
        pub rows: i64,
        /// How large its table is, in bytes.
        pub size: i64,
        /// An index that begins with the columns and is no help all the same, and why.
        pub unhelpful: Option<String>,
    }
}

/// An advice a key.
pub fn judge(wish: &Wish, keys: &[ForeignKey]) -> Vec<Advice> {
    let advice = keys.iter().map(|key| {
        let table = Relation::new(&key.schema, &key.table);
        let columns = key.columns.join(", ");
        let mut evidence = format!(
            "no index begins with {columns}: a row deleted from {} reads about {} rows",
            key.refers_to, key.rows
        );
        if let Some(unhelpful) = &key.unhelpful {
            let _ = write!(evidence, "; {unhelpful}, so it does not count");
        }
        Advice {
            kind: Kind::ForeignKey,
            weight: Weight::Warning,
            object: format!("constraint {} on {}", key.name, key.on_table),
            table: Some(key.on_table.clone()),
            evidence,
            size: Some(key.size),
            remedy: wish.files.declaration(&table),
            sql: Some(format!("create index on {} ({columns})", key.on_table)),
            file: Some(wish.files.about(&table)),
            place: None,
        }
    });
    advice.collect()
}
