//! The rows a matrix makes before anybody asks, and the references to what is in them.

use std::ops::Range;

use super::document::{Document, Item, Key, in_order};
use super::value::{self, Raw, Value};
use super::{Relation, Word};
use crate::error::{Error, Excerpt, Result};

/// How far a reference may lead from row to row.
const FAR: usize = 32;

/// A value and the column it is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pair {
    /// The column.
    pub column: Word,
    /// The value.
    pub value: Value,
}

/// A row that is made for the proof.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Its table.
    pub table: Relation,
    /// Where the table is named.
    pub table_place: Excerpt,
    /// What it is called in the file.
    pub name: String,
    /// Where.
    pub place: Excerpt,
    /// What is in it; other columns have their defaults.
    pub values: Vec<Pair>,
}

/// A row before references are followed.
pub(super) struct Draft {
    table: Relation,
    table_place: Excerpt,
    name: String,
    place: Excerpt,
    values: Vec<(Word, Raw)>,
}

/// All rows before references are followed.
pub(super) struct Drafts<'a> {
    document: Document<'a>,
    drafts: Vec<Draft>,
}

impl<'a> Drafts<'a> {
    /// Reads `[rows]`; the order is that of the file.
    pub(super) fn read(document: Document<'a>, rows: Option<&Item<'a>>) -> Result<Self> {
        let mut found: Vec<(usize, Draft)> = Vec::new();
        let Some(rows) = rows else {
            return Ok(Self {
                document,
                drafts: Vec::new(),
            });
        };
        for (key, rows) in in_order(document.table(rows, "rows")?) {
            for (name, row) in in_order(document.table(rows, key.get_ref())?) {
                let title = format!("{}.{}", key.get_ref(), name.get_ref());
                let values = pairs(&document, row, &title)?;
                found.push((
                    name.span().start,
                    Draft {
                        table: Relation::written(key.get_ref()),
                        table_place: document.place(&key.span()),
                        name: name.get_ref().to_string(),
                        place: document.place(&name.span()),
                        values,
                    },
                ));
            }
        }
        found.sort_by_key(|(start, _)| *start);
        let drafts = found.into_iter().map(|(_, draft)| draft).collect();
        Ok(Self { document, drafts })
    }

    /// Which row that is.
    pub(super) fn find(&self, table: &Relation, name: &str, span: &Range<usize>) -> Result<usize> {
        let found = self
            .drafts
            .iter()
            .position(|draft| draft.table == *table && draft.name == name);
        found.ok_or_else(|| {
            let siblings = self.drafts.iter().filter(|draft| draft.table == *table);
            self.document
                .unknown(
                    span,
                    &format!("{} has no row", table.title()),
                    name,
                    siblings.map(|draft| draft.name.as_str()),
                )
                .into()
        })
    }

    /// The rows with what their references lead to.
    pub(super) fn finish(&self) -> Result<Vec<Row>> {
        let rows = self.drafts.iter().enumerate();
        rows.map(|(number, draft)| {
            let values = draft.values.iter().enumerate();
            let values = values.map(|(place, (column, raw))| {
                refuse_me(raw, &column.place)?;
                Ok(Pair {
                    column: column.clone(),
                    value: self.follow(raw, &mut vec![(number, place)])?,
                })
            });
            Ok(Row {
                table: draft.table.clone(),
                table_place: draft.table_place.clone(),
                name: draft.name.clone(),
                place: draft.place.clone(),
                values: values.collect::<Result<_>>()?,
            })
        })
        .collect()
    }

    /// The pairs of a probe with what their references lead to.
    pub(super) fn pairs(&self, item: &Item<'a>, what: &str) -> Result<Vec<Pair>> {
        let pairs = pairs(&self.document, item, what)?.into_iter();
        pairs
            .map(|(column, raw)| {
                let value = self.follow(&raw, &mut Vec::new())?;
                Ok(Pair { column, value })
            })
            .collect()
    }

    /// The identity of an actor.
    pub(super) fn user(&self, item: &Item<'a>) -> Result<String> {
        let what = "user";
        let raw = value::read(&self.document, item, what)?;
        refuse_me(&raw, &self.document.place(&item.span()))?;
        match self.follow(&raw, &mut Vec::new())? {
            Value::Text(text) if !text.is_empty() => Ok(text),
            _ => Err(self
                .document
                .mistyped(item, what, "a text in quotes")
                .into()),
        }
    }

    /// What a value comes to; `trail` is where it was on the way.
    fn follow(&self, raw: &Raw, trail: &mut Vec<(usize, usize)>) -> Result<Value> {
        match raw {
            Raw::Text(text) => Ok(Value::Text(text.clone())),
            Raw::Me => Ok(Value::Me),
            Raw::List(items) => {
                let items = items.iter().map(|item| self.follow(item, trail));
                Ok(Value::List(items.collect::<Result<_>>()?))
            }
            Raw::Reference(name, span) => {
                let step = self.refer(name, span)?;
                if trail.contains(&step) {
                    return Err(self
                        .document
                        .error(span, format!("@{name} leads back to itself"))
                        .hint("give one of the columns on the way a value of its own")
                        .into());
                }
                if trail.len() >= FAR {
                    return Err(self
                        .document
                        .error(span, format!("@{name} leads on through too many rows"))
                        .hint("refer to the row that has the value")
                        .into());
                }
                trail.push(step);
                let value = self.follow(&self.drafts[step.0].values[step.1].1, trail);
                trail.pop();
                value
            }
        }
    }

    /// Which row, and which of its values, a reference names.
    fn refer(&self, name: &str, span: &Range<usize>) -> Result<(usize, usize)> {
        let parts: Vec<&str> = name.split('.').collect();
        let (table, row, column) = match parts.as_slice() {
            [table, row, column] => (Relation::written(table), row, column),
            [schema, table, row, column] => {
                (Relation::written(&format!("{schema}.{table}")), row, column)
            }
            _ => {
                return Err(self
                    .document
                    .error(span, format!("@{name} is no reference"))
                    .hint("write @table.row.column, or @@ where a text begins with @")
                    .into());
            }
        };
        let number = self.find(&table, row, span)?;
        let values = &self.drafts[number].values;
        let place = values.iter().position(|(word, _)| word.text == *column);
        let place = place.ok_or_else(|| {
            self.document.unknown(
                span,
                &format!("the row {}.{row} does not say its", table.title()),
                column,
                values.iter().map(|(word, _)| word.text.as_str()),
            )
        })?;
        Ok((number, place))
    }
}

/// A table of columns and values, in the order of the file.
fn pairs<'a>(document: &Document<'a>, item: &Item<'a>, what: &str) -> Result<Vec<(Word, Raw)>> {
    let read = |(key, item): (&Key<'a>, &Item<'a>)| {
        let raw = value::read(document, item, key.get_ref())?;
        Ok((document.word(key), raw))
    };
    in_order(document.table(item, what)?)
        .into_iter()
        .map(read)
        .collect()
}

/// Rows and actors are the same whoever asks.
fn refuse_me(raw: &Raw, place: &Excerpt) -> Result<()> {
    match raw {
        Raw::Me => Err(
            Error::configuration("`@me` is whoever asks, and here nobody does")
                .at(place.clone())
                .hint("name a row's value, like @users.fan.id; `@me` is for probes")
                .into(),
        ),
        Raw::List(items) => items.iter().try_for_each(|item| refuse_me(item, place)),
        Raw::Text(_) | Raw::Reference(..) => Ok(()),
    }
}
