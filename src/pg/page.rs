//! Lists, a page at a time.
//!
//! A list is a file of SQL that selects `id`, the columns of its struct, and `fits`, which says whether a row
//! passes the filters. What a file cannot say, the column to sort by and where the page begins, is put around
//! its text here. The column comes from a fixed table of the list, never from what a person typed.
//!
//! A page begins after a row, not after a number of rows: its key is (sort column, id), so no row is shown twice
//! or left out because others come or go meanwhile. That row need not pass the filters, since whoever works
//! through a list often changes what it is filtered by. Rows without a value come last in either direction.
//!
//! The ids of a page are chosen first, and everything else is looked up for these rows only: what a list adds
//! up in a `left join lateral (aggregate) on true` is added up for the whole table only to sort by it.

use serde::Serialize;
use uuid::Uuid;

use super::{Db, FromRow, Ident, Param, Query};
use crate::error::{Error, Result, nearest};

/// A column a list can be sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column {
    name: &'static str,
    key: &'static str,
    nullable: bool,
}

impl Column {
    /// A column that always has a value.
    pub const fn new(name: &'static str) -> Self {
        Self {
            name,
            key: name,
            nullable: false,
        }
    }

    /// A column that may have none. It costs the use of an index: PostgreSQL's are sorted either way around,
    /// not with the missing values last both times.
    pub const fn nullable(name: &'static str) -> Self {
        Self {
            nullable: true,
            ..Self::new(name)
        }
    }

    /// As a person names it.
    pub const fn name(self) -> &'static str {
        self.name
    }

    /// Sorts by another column of the file, for values that have no order of their own.
    #[must_use]
    pub const fn by(self, key: &'static str) -> Self {
        Self { key, ..self }
    }
}

/// The order of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Order {
    column: Column,
    descending: bool,
}

impl Order {
    /// The highest first.
    pub const fn descending(column: Column) -> Self {
        Self {
            column,
            descending: true,
        }
    }

    /// Reads `column` or, for the other way around, `-column`; anything else is a usage error.
    pub fn parse(text: &str, columns: &[Column]) -> Result<Self> {
        let (name, descending) = text
            .strip_prefix('-')
            .map_or((text, false), |name| (name, true));
        if let Some(column) = columns.iter().find(|column| column.name == name) {
            return Ok(Self {
                column: *column,
                descending,
            });
        }
        let names: Vec<&str> = columns.iter().map(|column| column.name).collect();
        let all = names.join(", ");
        let hint = match nearest(name, names) {
            Some(near) => format!("did you mean {near}? it can be sorted by {all}"),
            None => format!("sort by one of {all}; a minus before it reverses the order"),
        };
        Err(
            Error::usage(format!("there is no column {name:?} to sort by"))
                .hint(hint)
                .into(),
        )
    }
}

/// Which part of a list is wanted.
#[derive(Debug, Clone, Copy)]
pub struct Page {
    /// The order; rows that are equal in it are ordered by id.
    pub order: Order,
    /// The last row of the page before.
    pub after: Option<Uuid>,
    /// How many rows at most.
    pub limit: u32,
}

/// A page of a list.
#[derive(Debug, Serialize)]
pub struct Paged<R> {
    /// The rows in order.
    pub rows: Vec<R>,
    /// Where the next page begins: the id of the last row, if there are more.
    pub next: Option<Uuid>,
}

crate::row! {
    /// A row of a list.
    pub struct Anchor {
        /// Its id.
        pub id: Uuid,
    }
}

impl Page {
    /// Asks for the rows, in one round trip; `id` is that of a row. A row `after` that the list does not have,
    /// whatever its filters, is an error.
    pub async fn ask<R: FromRow>(
        &self,
        db: &Db,
        list: &Query<R>,
        params: &[&dyn Param],
        id: impl Fn(&R) -> Uuid,
    ) -> Result<Paged<R>> {
        let query = Query::composed(list.name, self.compose(&list.sql, params.len()));
        // One more than wanted tells whether there are more.
        let limit = i64::from(self.limit) + 1;
        let mut all = params.to_vec();
        all.push(&limit);
        if let Some(after) = &self.after {
            all.push(after);
        }
        let mut rows = db.all(&query, &all).await?;
        if rows.is_empty()
            && let Some(after) = self.after
        {
            require(db, list, params, after).await?;
        }
        let more = rows.len() > self.limit as usize;
        rows.truncate(self.limit as usize);
        let next = rows.last().filter(|_| more).map(id);
        Ok(Paged { rows, next })
    }

    /// The text of a list, `file`, made into that of this page. The limit and, if there is one, the row it
    /// begins after are the parameters after the `given` ones of the file.
    pub fn compose(&self, file: &str, given: usize) -> String {
        let Column { key, nullable, .. } = self.order.column;
        let key = Ident(key);
        let (way, beyond) = if self.order.descending {
            ("desc", "<")
        } else {
            ("asc", ">")
        };
        let nulls = if nullable { " nulls last" } else { "" };
        let order = format!("{key} {way}{nulls}, id {way}");
        let (limit, after) = (given + 1, given + 2);
        let mut anchor = String::new();
        let mut begin = String::new();
        if self.after.is_some() {
            anchor = format!("anchor as (\n    select {key} from listed where id = ${after}\n),\n");
            begin = format!("({key}, id) {beyond} ((select {key} from anchor), ${after})");
            if nullable {
                begin = format!(
                    "exists (select from anchor)\n    and case when (select {key} from anchor) is null\n        \
                     then {key} is null and id {beyond} ${after}\n        else {key} is null or {begin} end"
                );
            }
            begin.insert_str(0, "\n    and ");
        }
        // Not materialized: each mention is planned by itself, so that each reads no more than it needs.
        format!(
            "with listed as not materialized (\n{file}\n),\n{anchor}page as (\n    select id\n    from listed\n    \
             where fits{begin}\n    order by {order}\n    limit ${limit}\n)\nselect listed.*\nfrom page\njoin listed using (id)\n\
             order by {order}"
        )
    }
}

/// Nothing came after this row: because it is the last one, or because there is no such row.
async fn require<R: FromRow>(
    db: &Db,
    list: &Query<R>,
    params: &[&dyn Param],
    after: Uuid,
) -> Result<()> {
    let sql = format!(
        "with listed as not materialized (\n{}\n)\nselect id from listed where id = ${}",
        list.sql,
        params.len() + 1
    );
    let mut all = params.to_vec();
    all.push(&after);
    let anchor: Option<Anchor> = db.opt(&Query::composed(list.name, sql), &all).await?;
    match anchor {
        Some(_) => Ok(()),
        None => Err(
            Error::failed(format!("there is no {after} in this list to go on after"))
                .hint("leave out `--after` to begin with the first page")
                .into(),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::explain;

    const COLUMNS: [Column; 2] = [Column::new("email"), Column::nullable("payout_account")];

    #[test]
    fn an_order_is_a_column_of_the_list_or_an_error_that_names_the_nearest() {
        let order = Order::parse("-email", &COLUMNS).expect("is one");
        assert_eq!((order.column.name, order.descending), ("email", true));
        for (wrong, hint) in [
            (
                "emial",
                "did you mean email? it can be sorted by email, payout_account",
            ),
            (
                "--email",
                "did you mean email? it can be sorted by email, payout_account",
            ),
            (
                "id; drop table users",
                "sort by one of email, payout_account; a minus before it reverses the order",
            ),
            (
                "",
                "sort by one of email, payout_account; a minus before it reverses the order",
            ),
        ] {
            let error = Order::parse(wrong, &COLUMNS).expect_err("is none");
            assert_eq!(explain(&error).hint().as_deref(), Some(hint), "{wrong}");
        }
    }
}
