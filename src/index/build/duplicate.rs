//! Rows that a unique index cannot be built over, shown with their keys.

use std::fmt::Write;

use crate::error::{self, Error, Kind};
use crate::pg::{Db, Query};

/// How many keys are shown.
const SHOWN: usize = 10;

crate::row! {
    /// What an index keeps unique.
    pub struct Unique {
        /// The table as SQL names it.
        pub relation: String,
        /// Its keys, as SQL.
        pub keys: Vec<String>,
        /// The rows it is about, as SQL.
        pub predicate: Option<String>,
        /// Whether two NULLs are the same.
        pub nulls_alike: bool,
    }
}

crate::row! {
    /// A key that is there more than once.
    pub struct Duplicate {
        /// Its values, for people.
        pub key: String,
        /// How many rows have it.
        pub rows: i64,
    }
}

static KEYS: Query<Unique> = crate::query!("index/keys");

impl Unique {
    /// From which rows, and which of them belong together.
    fn groups(&self) -> String {
        let mut conditions: Vec<String> = Vec::new();
        if let Some(predicate) = &self.predicate {
            conditions.push(format!("({predicate})"));
        }
        if !self.nulls_alike {
            let present = self.keys.iter().map(|key| format!("{key} is not null"));
            conditions.extend(present);
        }
        let mut sql = format!("from {}", self.relation);
        if !conditions.is_empty() {
            let _ = write!(sql, " where {}", conditions.join(" and "));
        }
        let _ = write!(
            sql,
            " group by {} having count(*) > 1",
            self.keys.join(", ")
        );
        sql
    }

    /// What a person asks to see all of them.
    fn question(&self) -> String {
        format!(
            "select {}, count(*) {}",
            self.keys.join(", "),
            self.groups()
        )
    }

    /// The same for us: the worst of them.
    fn worst(&self) -> String {
        let texts = self
            .keys
            .iter()
            .map(|key| format!("coalesce(({key})::text, 'null')"));
        let texts: Vec<String> = texts.collect();
        format!(
            "select concat_ws(', ', {}) as key, count(*) as rows {} order by 2 desc, 1 limit {}",
            texts.join(", "),
            self.groups(),
            SHOWN + 1
        )
    }
}

/// The failure of a build; if it is one of a unique index, with the keys that are there more than once. What the build
/// left behind is still there, and says what the keys are.
pub(super) async fn told(
    db: &Db,
    schema: &str,
    name: &str,
    failure: anyhow::Error,
) -> anyhow::Error {
    if error::sqlstate(&failure) != Some("23505") {
        return failure;
    }
    let Ok(Some(keys)) = db.opt(&KEYS, &[&schema, &name]).await else {
        return failure;
    };
    let mut told = Error::new(
        Kind::Failed,
        format!("the table has rows that the unique index {name} does not allow"),
    )
    .after(&failure);
    let columns = keys.keys.join(", ");
    let worst = Query::<Duplicate>::composed("index/keys", keys.worst());
    // Somebody may have mended it meanwhile, and a table may be too large to be asked.
    let found = db.all(&worst, &[]).await.unwrap_or_default();
    for Duplicate { key, rows } in found.iter().take(SHOWN) {
        told = told.note(format!("({columns}) = ({key}): {rows} rows"));
    }
    if found.len() > SHOWN {
        told = told.note("and more");
    }
    told.note(format!("all of them: {}", keys.question()))
        .hint("change or delete these rows")
        .into()
}
