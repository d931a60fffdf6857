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
const VIEWS: [&str; 2] = ["toysoldiers_declared", "toysoldiers_found"];

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
    let view = |name: &str| format!("create temporary view {} as select ", Ident(name));
    let columns = ["using_", "check_"];
    let begin = format!("begin;{}", search_path.in_transaction(db.endpoint()));
    db.script(&begin).await?;
    let compared = async {
        let mut text = view(VIEWS[0]);
        let mut copied: Vec<(usize, &Range<usize>)> = Vec::new();
        for (clause, column) in [&declared.using, &declared.check].into_iter().zip(columns) {
            let Some(clause) = clause else { continue };
            text.push_str(if copied.is_empty() { "((" } else { ", ((" });
            copied.push((text.len(), clause));
            text.push_str(file.part(clause));
            // The newline ends a comment in its last line.
            text.push_str("\n) is true) as ");
            text.push_str(column);
        }
        let _ = write!(text, " from {relation}");
        if let Err(failure) = db.try_script(&text).await {
            return Err(match failure.contended(&wanted.relation.title()) {
                Some(error) => error.into(),
                None => explain(file, declared, &text, &copied, failure.error),
            });
        }
        let Some(found) = found else {
            return Ok(false);
        };
        let clauses = [&found.using, &found.check].into_iter().zip(columns);
        let clauses: Vec<String> = clauses
            .filter_map(|(clause, column)| {
                Some(format!("(({}) is true) as {column}", clause.as_ref()?))
            })
            .collect();
        let text = format!("{}{} from {relation}", view(VIEWS[1]), clauses.join(", "));
        // What was found says in which schema its names are, unless that is the catalog.
        db.script(IN_CATALOG).await?;
        db.script(&text).await?;
        let (left, right) = tokio::join!(
            db.one(&VIEW_TEXT, &[&VIEWS[0]]),
            db.one(&VIEW_TEXT, &[&VIEWS[1]])
        );
        Ok(left?.text == right?.text)
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
