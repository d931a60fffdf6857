//! Questions: a file of SQL, and a struct that names its columns.
//!
//! Columns are mapped by name, so that a query and its struct cannot drift apart in silence. Parameters carry
//! their type, so that a query is parsed, bound and executed in one round trip without a prepared statement.

use std::borrow::Cow;
use std::fmt::Debug;
use std::marker::PhantomData;

use jiff::Timestamp;
use rust_decimal::Decimal;
use tokio_postgres::Row;
use tokio_postgres::types::{ToSql, Type};
use uuid::Uuid;

/// What several queries ask, in parentheses, by the words that stand for it: the totals of creators (sessions read no view
/// but the catalog's, so they are asked of the tables), whose an address is, the roles that are not trusted, the relations
/// that another session or a prepared transaction has locked for itself alone, what cannot be read, and the policies that
/// can; and of the schema a hash of the catalog, the hashes of policies and indexes by name, what makes hashes comparable,
/// and which runs are at work.
const BLOCKS: [(&str, &str); 10] = [
    (
        ":creator_totals",
        include_str!("../../database/blocks/creator_totals.sql"),
    ),
    (
        ":strangers",
        include_str!("../../database/blocks/strangers.sql"),
    ),
    (
        ":user_of_address",
        include_str!("../../database/blocks/user_of_address.sql"),
    ),
    (":locked", include_str!("../../database/blocks/locked.sql")),
    (
        ":readable_policies",
        include_str!("../../database/blocks/readable_policies.sql"),
    ),
    (
        ":unreadable",
        include_str!("../../database/blocks/unreadable.sql"),
    ),
    (
        ":schema_hash",
        include_str!("../../database/blocks/schema_hash.sql"),
    ),
    (
        ":schema_objects",
        include_str!("../../database/blocks/schema_objects.sql"),
    ),
    (
        ":schema_place",
        include_str!("../../database/blocks/schema_place.sql"),
    ),
    (
        ":schema_runs",
        include_str!("../../database/blocks/schema_runs.sql"),
    ),
];

/// How a query writes into the audit log, word by word: a row for each `entry` it has made. What it returns is asked
/// for, or the server would not do it.
const AUDIT: &str = "select toysoldiers.audit(action, subject, details) as id from entry";

/// The same by hand.
const INSERT: &str = include_str!("../../database/blocks/audit.sql");

/// The text with what its words for blocks stand for.
pub fn with_blocks(sql: &str) -> Cow<'_, str> {
    let mut text = Cow::Borrowed(sql);
    for (word, block) in BLOCKS {
        if text.contains(word) {
            text = Cow::Owned(text.replace(word, block.trim_end()));
        }
    }
    text
}

/// One file of `database/queries`, and what its rows are.
pub struct Query<R> {
    /// `noun/question`, the path of the file.
    pub name: &'static str,
    /// The text of the file.
    pub sql: Cow<'static, str>,
    rows: PhantomData<fn() -> R>,
}

impl<R> Query<R> {
    /// Used by [`query!`](crate::query).
    pub const fn new(name: &'static str, sql: &'static str) -> Self {
        Self {
            name,
            sql: Cow::Borrowed(sql),
            rows: PhantomData,
        }
    }

    /// The text for a session that may, or may not, call `toysoldiers.audit`: bookkeeping before version 6 has no such
    /// function, and what it writes is written all the same.
    pub(super) fn text(&self, calls_audit: bool) -> Cow<'_, str> {
        let text = with_blocks(&self.sql);
        if !calls_audit && text.contains(AUDIT) {
            Cow::Owned(text.replace(AUDIT, INSERT))
        } else {
            text
        }
    }

    /// The newest of the platform's migrations whose tables and views it names: `005_creators`; nothing if it names none.
    pub(super) fn needs(&self) -> Option<&str> {
        let mut lines = self.sql.lines();
        lines.find_map(|line| line.strip_prefix("-- Needs migration ")?.strip_suffix('.'))
    }

    /// A query over names that only the database knows; they have gone through [`Ident`](super::Ident).
    pub const fn composed(name: &'static str, sql: String) -> Self {
        Self {
            name,
            sql: Cow::Owned(sql),
            rows: PhantomData,
        }
    }
}

/// The query of a file: `query!("user/find")`.
#[macro_export]
macro_rules! query {
    ($name:literal) => {
        $crate::pg::Query::new(
            $name,
            include_str!(concat!(
                env!("CARGO_MANIFEST_DIR"),
                "/database/queries/",
                $name,
                ".sql"
            )),
        )
    };
}

/// Something a row can be made into.
pub trait FromRow: Sized {
    /// Maps the columns by name.
    fn from_row(row: &Row) -> Result<Self, tokio_postgres::Error>;
}

/// A struct whose fields are the columns of a query.
#[macro_export]
macro_rules! row {
    ($(#[$meta:meta])* pub struct $name:ident { $($(#[$field_meta:meta])* pub $field:ident: $type:ty,)* }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, serde::Serialize)]
        pub struct $name { $($(#[$field_meta])* pub $field: $type,)* }

        impl $crate::pg::FromRow for $name {
            fn from_row(row: &tokio_postgres::Row) -> Result<Self, tokio_postgres::Error> {
                Ok(Self { $($field: row.try_get(stringify!($field))?,)* })
            }
        }
    };
}

/// A value with a type, on its way into a query.
pub trait Param: Debug + Sync {
    /// The value.
    fn value(&self) -> &(dyn ToSql + Sync);
    /// The type it has in SQL.
    fn sql_type(&self) -> Type;
}

macro_rules! param {
    ($($rust:ty => $sql:ident),* $(,)?) => {$(
        impl Param for $rust {
            fn value(&self) -> &(dyn ToSql + Sync) { self }
            fn sql_type(&self) -> Type { Type::$sql }
        }
        impl Param for Option<$rust> {
            fn value(&self) -> &(dyn ToSql + Sync) { self }
            fn sql_type(&self) -> Type { Type::$sql }
        }
    )*};
}

param! {
    bool => BOOL,
    i32 => INT4,
    i64 => INT8,
    &str => TEXT,
    String => TEXT,
    Uuid => UUID,
    Timestamp => TIMESTAMPTZ,
    Decimal => NUMERIC,
    serde_json::Value => JSONB,
    Vec<String> => TEXT_ARRAY,
}
