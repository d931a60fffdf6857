//! Indexes that mean something only on their own table, such as those that hand the whole row to a function.
//!
//! A twin has another row type. So their expressions are compared as policies' are, as columns of temporary views of the
//! real table; and all else of them on a twin that has these columns, too, in the place of the expressions.

use std::ops::Range;

use tokio_postgres::error::ErrorPosition;

use super::declared::{Declared, Wanted};
use super::found::{self, Index};
use super::statement::{self, Parts};
use super::twin::{self, wrong};
use crate::error::{Error, Kind, Result};
use crate::pg::db::ScriptFailure;
use crate::pg::session::IN_CATALOG;
use crate::pg::{Db, Ident, sql, sqlstate};
use crate::policy::apart::{Column, VIEWS, view, views_agree};

/// An index as the catalog would have it.
#[derive(Debug)]
pub struct Compared {
    /// It, with the expressions as they are in the catalog if an index there says the same.
    pub index: Index,
    /// Whether it could be compared; otherwise it is taken to be the one of its name.
    pub is_certain: bool,
}

/// Column of a view and of a twin.
fn column(number: usize) -> String {
    format!("key {number} of a twin")
}

const PREDICATE: &str = "predicate of a twin";

/// Makes of a declared index what the catalog would have; an error if it means nothing on its own table either.
pub async fn desired(
    db: &Db,
    declared: &Declared,
    number: usize,
    found: &[Index],
) -> Result<Compared> {
    let begin = format!(
        "begin;{}",
        declared.search_path.in_transaction(db.endpoint())
    );
    db.script(&begin).await?;
    let desired = inside(db, declared, number, found).await;
    let ended = db.script("rollback").await;
    let desired = desired?;
    ended.map(|()| desired)
}

async fn inside(db: &Db, declared: &Declared, number: usize, found: &[Index]) -> Result<Compared> {
    let wanted = &declared.indexes[number];
    let file = declared.file_of(wanted);
    let parts = statement::parts(&file.text, &wanted.tail)
        .map_err(|refusal| super::declared::refused(file, refusal))?;
    let expressions: Vec<(usize, &str)> = parts
        .expressions
        .iter()
        .map(|(place, span)| (*place, wanted.part(span)))
        .collect();
    let predicate = parts.predicate.as_ref().map(|span| wanted.part(span));
    let real = wanted.table.sql();
    let (text, starts) = view(VIEWS[0], &columns(&expressions, predicate), &real);
    if let Err(failure) = db.try_script(&text).await {
        let spans = parts.expressions.iter().map(|(_, span)| span);
        let spans = spans.chain(&parts.predicate);
        let copied: Vec<(usize, &Range<usize>)> = starts.into_iter().zip(spans).collect();
        return Err(refused(db, declared, wanted, failure, |position| {
            origin(&text, &copied, position)
        }));
    }
    let mut index = on_twin(db, declared, number, &parts).await?;
    let on_twin = (
        std::mem::take(&mut index.keys),
        std::mem::take(&mut index.bare),
    );
    // What the file says stands where the twin has columns, unless an index there says the same.
    index.keys = filled(&on_twin, &expressions);
    index.predicate = predicate.map(str::to_owned);
    for there in found {
        if !there.is_on(&wanted.table)
            || there.keys.len() != on_twin.0.len()
            || there.predicate.is_some() != predicate.is_some()
        {
            continue;
        }
        let theirs: Vec<(usize, &str)> = expressions
            .iter()
            .map(|(place, _)| (*place, there.bare[*place].as_str()))
            .collect();
        let columns = columns(&theirs, there.predicate.as_deref());
        let (text, _) = view(VIEWS[1], &columns, &real);
        // What was found says in which schema its names are, unless that is the catalog.
        let again = format!(
            "{IN_CATALOG};drop view if exists pg_temp.{};{text}",
            Ident(VIEWS[1])
        );
        if db.try_script(&again).await.is_err() {
            return Ok(uncertain(index, wanted, found));
        }
        if views_agree(db).await? {
            index.keys = filled(&on_twin, &theirs);
            index.predicate.clone_from(&there.predicate);
            break;
        }
    }
    Ok(Compared {
        index,
        is_certain: true,
    })
}

fn columns<'a>(expressions: &[(usize, &'a str)], predicate: Option<&'a str>) -> Vec<Column<'a>> {
    let keys = expressions.iter().map(|(place, text)| Column {
        name: column(*place),
        text,
        is_condition: false,
    });
    let predicate = predicate.map(|text| Column::condition(PREDICATE, text));
    keys.chain(predicate).collect()
}

/// The index on a twin that has columns in the place of the expressions. What else is wrong with it is wrong.
async fn on_twin(db: &Db, declared: &Declared, number: usize, parts: &Parts) -> Result<Index> {
    let wanted = &declared.indexes[number];
    let twin = Ident(&wanted.table.name);
    let (real, columns) = (wanted.table.sql(), Ident(VIEWS[0]));
    let unique = if wanted.unique { "unique " } else { "" };
    let name = twin::name(number);
    let keys = parts.expressions.iter();
    let keys: Vec<(&Range<usize>, String)> = keys
        .map(|(place, span)| (span, Ident(&column(*place)).to_string()))
        .collect();
    let made = format!(
        "create temporary table {twin} (like {real}, like pg_temp.{columns}) on commit drop;\
         create {unique}index {} on pg_temp.{twin} {};{IN_CATALOG}",
        Ident(&name),
        wanted.tail_with(&keys, parts.end)
    );
    if let Err(failure) = db.try_script(&made).await {
        return Err(refused(db, declared, wanted, failure, |_| None));
    }
    let mut indexes = found::indexes(db).await?.into_iter();
    let index = indexes.find(|index| index.schema == "pg_temp" && index.name == name);
    index.ok_or_else(|| Error::new(Kind::Bug, format!("{} has no twin", wanted.name)).into())
}

/// Keys of a twin, with expressions in the place of its columns.
fn filled((keys, bare): &(Vec<String>, Vec<String>), expressions: &[(usize, &str)]) -> Vec<String> {
    let mut filled = keys.clone();
    for (place, text) in expressions {
        let ending = keys[*place].strip_prefix(&bare[*place]).unwrap_or_default();
        filled[*place] = format!("{text}{ending}");
    }
    filled
}

/// One that cannot be compared is taken to be what has its name.
fn uncertain(index: Index, wanted: &Wanted, found: &[Index]) -> Compared {
    let named = found
        .iter()
        .find(|there| (&there.schema, &there.name) == (&wanted.table.schema, &wanted.name));
    Compared {
        index: named.cloned().unwrap_or(index),
        is_certain: false,
    }
}

/// The server does not take what the file says.
fn refused(
    db: &Db,
    declared: &Declared,
    wanted: &Wanted,
    failure: ScriptFailure,
    origin: impl Fn(Option<&ErrorPosition>) -> Option<usize>,
) -> anyhow::Error {
    if let Some(error) = failure.contended(&wanted.table.title()) {
        return error.into();
    }
    match failure.error.as_db_error() {
        Some(server) => {
            let place = origin(server.position());
            wrong(declared, wanted, place, server, db.server_major())
        }
        None => sqlstate::explain(failure.error).into(),
    }
}

/// Where in the file a place of the statement is that made the view.
fn origin(
    text: &str,
    copied: &[(usize, &Range<usize>)],
    position: Option<&ErrorPosition>,
) -> Option<usize> {
    let Some(ErrorPosition::Original(position)) = position else {
        return None;
    };
    let offset = sql::byte_offset(text, usize::try_from(*position).unwrap_or(1));
    copied.iter().find_map(|(start, span)| {
        let inside = offset.checked_sub(*start)?;
        (inside < span.len()).then_some(span.start + inside)
    })
}
