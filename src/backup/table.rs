//! The tables of a database and how many rows they have: counted when a backup is taken and when it is restored.

use super::manifest::Table;
use crate::error::Result;
use crate::pg::{Db, Ident, Query};

crate::row! {
    /// A table.
    #[derive(PartialEq, Eq)]
    pub struct Name {
        /// Schema.
        pub schema: String,
        /// Name.
        pub name: String,
    }
}

crate::row! {
    /// How many rows a table has.
    pub struct Count {
        /// Rows.
        pub rows: i64,
    }
}

static TABLES: Query<Name> = crate::query!("backup/tables");

/// Every table a dump holds rows of, by name.
pub async fn list(db: &Db) -> Result<Vec<Name>> {
    db.all(&TABLES, &[]).await
}

/// Rows of these tables, in one statement.
pub async fn count(db: &Db, tables: &[Name]) -> Result<Vec<Table>> {
    if tables.is_empty() {
        return Ok(Vec::new());
    }
    let parts: Vec<String> = tables
        .iter()
        .enumerate()
        .map(|(index, Name { schema, name })| {
            format!(
                "select {index} as place, count(*) as rows from only {}.{}",
                Ident(schema),
                Ident(name)
            )
        })
        .collect();
    let query: Query<Count> = Query::composed(
        "backup/count",
        format!(
            "select rows from ({}) as counts order by place",
            parts.join(" union all ")
        ),
    );
    let counts = db.all(&query, &[]).await?;
    Ok(tables
        .iter()
        .zip(counts)
        .map(|(Name { schema, name }, Count { rows })| Table {
            schema: schema.clone(),
            name: name.clone(),
            rows,
        })
        .collect())
}
