//! What another tool remembers of its migrations in the database.

use jiff::Timestamp;

use super::Tool;
use crate::error::{Error, Result, command};
use crate::pg::{Db, Query};

crate::row! {
    /// Whose tables are there.
    pub struct Tables {
        /// The Supabase CLI's.
        pub supabase: bool,
        /// sqlx's.
        pub sqlx: bool,
        /// Diesel's.
        pub diesel: bool,
        /// Flyway's.
        pub flyway: bool,
        /// dbmate's.
        pub dbmate: bool,
        /// golang-migrate's.
        pub golang_migrate: bool,
        /// goose's.
        pub goose: bool,
        /// Prisma's.
        pub prisma: bool,
        /// refinery's.
        pub refinery: bool,
    }
}

crate::row! {
    /// A row of such a table.
    #[derive(PartialEq, Eq)]
    pub struct Row {
        /// The tool's number; nothing for what has none.
        pub version: Option<String>,
        /// When it was applied, if the tool remembers.
        pub applied_at: Option<Timestamp>,
        /// By whom, if the tool remembers.
        pub applied_by: Option<String>,
        /// Whether it ran to its end.
        pub done: bool,
        /// The tool's checksum of the file.
        pub checksum: Option<String>,
        /// What it was, in the tool's own word: `SQL` of a migration in SQL.
        pub kind: String,
    }
}

static TABLES: Query<Tables> = crate::query!("import/tables");
static SUPABASE: Query<Row> = crate::query!("import/supabase");
static SQLX: Query<Row> = crate::query!("import/sqlx");
static DIESEL: Query<Row> = crate::query!("import/diesel");
static DBMATE: Query<Row> = crate::query!("import/dbmate");
static FLYWAY: Query<Row> = crate::query!("import/flyway");
static GOLANG_MIGRATE: Query<Row> = crate::query!("import/golang_migrate");
static GOOSE: Query<Row> = crate::query!("import/goose");
static PRISMA: Query<Row> = crate::query!("import/prisma");
static REFINERY: Query<Row> = crate::query!("import/refinery");

/// Everything in the tool's table, in the tool's order. Without that table it is an error that tells whose is there.
pub async fn read(db: &Db, tool: Tool) -> Result<Vec<Row>> {
    let tables = db.one(&TABLES, &[]).await?;
    let is_there = |tool: Tool| match tool {
        Tool::Supabase => tables.supabase,
        Tool::Sqlx => tables.sqlx,
        Tool::Diesel => tables.diesel,
        Tool::Dbmate => tables.dbmate,
        Tool::Flyway => tables.flyway,
        Tool::GolangMigrate => tables.golang_migrate,
        Tool::Goose => tables.goose,
        Tool::Prisma => tables.prisma,
        Tool::Refinery => tables.refinery,
    };
    if is_there(tool) {
        let query = match tool {
            Tool::Supabase => &SUPABASE,
            Tool::Sqlx => &SQLX,
            Tool::Diesel => &DIESEL,
            Tool::Dbmate => &DBMATE,
            Tool::Flyway => &FLYWAY,
            Tool::GolangMigrate => &GOLANG_MIGRATE,
            Tool::Goose => &GOOSE,
            Tool::Prisma => &PRISMA,
            Tool::Refinery => &REFINERY,
        };
        return db.all(query, &[]).await;
    }
    let other = Tool::ALL.into_iter().find(|tool| is_there(*tool));
    let error = match other {
        // Two of them call it the same.
        Some(other) if other.table() == tool.table() => Error::refused(format!(
            "the table {} is {other}'s, not {tool}'s",
            tool.table()
        )),
        _ => Error::refused(format!(
            "{tool} never migrated this database: its table {} is not there",
            tool.table()
        )),
    };
    Err(match other {
        Some(other) => error.unchanged().hint(format!(
            "take over what {other} did with `--from {}`",
            other.word()
        )),
        None => error
            .unchanged()
            .hint(format!(
                "name a database that {tool} migrated, with `--env`"
            ))
            .hint(
                command("migrate baseline")
                    .hint("or mark migrations as applied with {}, without `--from`"),
            ),
    }
    .into())
}
