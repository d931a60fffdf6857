//! Policies that mean something only on their own table, such as those that hand the whole row to a function.
//!
//! A twin has another row type. So their expressions are compared as columns of two temporary views of the real table:
//! the server writes both, and reading a view's text locks nobody out.

use std::fmt::Write;
use std::ops::Range;

use tokio_postgres::error::ErrorPosition;

use super::declared::{File, Wanted};
use super::statement::PolicyText;
use super::twin::wrong;
use crate::error::{Error, Kind, Result};
use crate::pg::policy::Policy;
use crate::pg::session::{IN_CATALOG, SearchPath};
use crate::pg::{Db, Ident, Query, sql, sqlstate};

crate::row! {
    /// What a view says.
    pub struct ViewText {
        /// Its query.
        pub text: String,
    }
}

static VIEW_TEXT: Query<ViewText> = crate::query!("policy/view_text");

/// Names of the two views.
pub const VIEWS: [&str; 2] = ["toysoldiers_declared", "toysoldiers_found"];

/// An expression about a relation, as a column of a view.
#[derive(Debug)]
pub struct Column<'a> {
    /// What the column is called.
    pub name: String,
    /// The expression.
    pub text: &'a str,
    /// Whether it tells which rows there are: the server writes such a one without what changes nothing.
    pub is_condition: bool,
}

impl<'a> Column<'a> {
    /// An expression that tells which rows there are.
    pub fn condition(name: &str, text: &'a str) -> Self {
        Self {
            name: name.to_owned(),
            text,
            is_condition: true,
        }
    }
}

/// The statement that makes a temporary view of these columns, and where in it each expression begins.
pub fn view(name: &str, columns: &[Column<'_>], relation: &str) -> (String, Vec<usize>) {
    let mut text = format!("create temporary view {} as select ", Ident(name));
    let mut starts = Vec::new();
    for column in columns {
        text.push_str(if starts.is_empty() { "((" } else { ", ((" });
        starts.push(text.len());
        // The newline ends a comment in its last line.
        let is = if column.is_condition { " is true" } else { "" };
        let _ = write!(text, "{}\n){is}) as {}", column.text, Ident(&column.name));
    }
    let _ = write!(text, " from {relation}");
    (text, starts)
}

/// Whether the two views say the same.
pub async fn views_agree(db: &Db) -> Result<bool> {
    let (left, right) = tokio::join!(
        db.one(&VIEW_TEXT, &[&VIEWS[0]]),
        db.one(&VIEW_TEXT, &[&VIEWS[1]])
    );
    Ok(left?.text == right?.text)
}

/// Whether the expressions of a declared policy say what those of the one that is there say. An error if the declared
/// ones mean nothing on the real table either.
pub async fn is_same(
    db: &Db,
    search_path: SearchPath,
    (file, wanted): (&File, &Wanted),
    declared: &PolicyText,
    found: Option<&Policy>,
) -> Result<bool> {
    let relation = wanted.relation.sql();
    let begin = format!("begin;{}", search_path.in_transaction(db.endpoint()));
    db.script(&begin).await?;
    let compared = async {
        let names = ["using_", "check_"];
        let clauses = [&declared.using, &declared.check].into_iter().zip(names);
        let clauses = clauses.filter_map(|(clause, name)| Some((clause.as_ref()?, name)));
        let (clauses, columns): (Vec<&Range<usize>>, Vec<Column<'_>>) = clauses
            .map(|(clause, name)| (clause, Column::condition(name, file.part(clause))))
            .unzip();
        let (text, starts) = view(VIEWS[0], &columns, &relation);
        let copied: Vec<(usize, &Range<usize>)> = starts.into_iter().zip(clauses).collect();
        if let Err(failure) = db.try_script(&text).await {
            return Err(match failure.contended(&wanted.relation.title()) {
                Some(error) => error.into(),
                None => explain(file, declared, &text, &copied, failure.error),
            });
        }
        let Some(found) = found.filter(|found| found.readable) else {
            return Ok(false);
        };
        let columns = [&found.using, &found.check].into_iter().zip(names);
        let columns: Vec<Column<'_>> = columns
            .filter_map(|(clause, name)| Some(Column::condition(name, clause.as_ref()?)))
            .collect();
        let (text, _) = view(VIEWS[1], &columns, &relation);
        // What was found says in which schema its names are, unless that is the catalog.
        db.script(IN_CATALOG).await?;
        db.script(&text).await?;
        views_agree(db).await
    };
    let compared = compared.await;
    let ended = db.script("rollback").await;
    let compared = compared?;
    ended.map(|()| compared)
}

fn explain(
    file: &File,
    declared: &PolicyText,
    text: &str,
    copied: &[(usize, &Range<usize>)],
    error: tokio_postgres::Error,
) -> anyhow::Error {
    let Some(server) = error.as_db_error() else {
        return sqlstate::explain(error).into();
    };
    let Some(ErrorPosition::Original(position)) = server.position() else {
        return wrong(file, &declared.place, server);
    };
    let offset = sql::byte_offset(text, usize::try_from(*position).unwrap_or(1));
    let place = copied.iter().find_map(|(start, clause)| {
        let inside = offset.checked_sub(*start)?;
        (inside < clause.len()).then_some(clause.start + inside)
    });
    match place {
        Some(start) => {
            let span = start..start + sql::token_length(&file.text, start);
            wrong(file, &span, server)
        }
        None => Error::new(Kind::Failed, format!("{} cannot be applied", file.path))
            .at(file.excerpt(&declared.place))
            .because(sqlstate::bare(server))
            .into(),
    }
}
