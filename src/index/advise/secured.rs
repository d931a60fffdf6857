//! Indexes that whoever row-level security binds cannot use.

use super::{Advice, Kind, Weight, Wish};
use crate::pg::relation::Relation;

/// So many roles are named; the others are counted.
const NAMED: usize = 5;

crate::row! {
    /// Such an index, and who is bound.
    pub struct Unusable {
        /// Its schema.
        pub schema: String,
        /// Its table.
        pub table: String,
        /// It, as SQL names it.
        pub object: String,
        /// Its table, as SQL names it.
        pub on_table: String,
        /// Its access method.
        pub method: String,
        /// How large it is, in bytes.
        pub size: i64,
        /// Roles that may read the table, and are bound.
        pub bound: Vec<String>,
        /// Roles that may read it, and are not.
        pub free: Vec<String>,
        /// Whether everybody may read it.
        pub by_everybody: bool,
    }
}

/// An advice an index. A note: it may be there for those who can use it.
pub fn judge(wish: &Wish, indexes: &[Unusable]) -> Vec<Advice> {
    let advice = indexes.iter().map(|index| {
        let bound = if index.by_everybody {
            "whoever row-level security binds".to_owned()
        } else {
            named(&index.bound)
        };
        let free = if index.free.is_empty() {
            "superusers".to_owned()
        } else {
            format!("superusers, {}", named(&index.free))
        };
        Advice {
            kind: Kind::UselessUnderRls,
            weight: Weight::Note,
            object: index.object.clone(),
            table: Some(index.on_table.clone()),
            evidence: format!(
                "{bound} cannot use this {} index; these can, and security definer functions of theirs: {free}",
                index.method
            ),
            size: Some(index.size),
            remedy: "let a security definer function search with the rule of visibility inside, and grant it on purpose; if nobody else searches by it, remove it"
                .to_owned(),
            sql: None,
            file: Some(wish.files.about(&Relation::new(&index.schema, &index.table))),
            place: None,
        }
    });
    advice.collect()
}

fn named(roles: &[String]) -> String {
    let shown = roles[..roles.len().min(NAMED)].join(", ");
    match roles.len().saturating_sub(NAMED) {
        0 => shown,
        1 => format!("{shown} and one more"),
        more => format!("{shown} and {more} more"),
    }
}
