//! A result is one struct; this is how it becomes a table, JSON, CSV or NDJSON.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value};

use super::style::Style;
use super::{Cell, Output, table};
use crate::error::{Error, Exit, Result};

/// A result that can be shown. Its JSON is its serde form; the rest is told here.
pub trait Report: Serialize {
    /// Facts people read above the records: totals, say. Programs find them in the JSON.
    fn lead(&self) -> Option<Table> {
        None
    }

    /// The records: a row each in CSV and NDJSON.
    fn table(&self) -> Table;

    /// What remains to be said to people, on stderr; may be empty.
    fn summary(&self) -> String {
        String::new()
    }

    /// What everybody has to know whatever the format, on stderr: that a list is not complete.
    fn remainder(&self) -> Option<String> {
        None
    }

    /// How the command ends.
    fn exit(&self) -> Exit {
        Exit::Done
    }
}

/// How people see a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Shape {
    /// A heading and a line a row.
    #[default]
    Rows,
    /// A line a value.
    Record,
    /// Nothing but the text.
    Lines,
}

/// Rows of cells under named columns.
#[derive(Debug, Default)]
pub struct Table {
    pub(super) keys: Vec<&'static str>,
    pub(super) rows: Vec<Vec<Cell>>,
    pub(super) shape: Shape,
    pub(super) unseen: Vec<&'static str>,
}

impl Table {
    /// A table with these columns; the names are the keys of CSV and NDJSON.
    pub fn new(keys: &[&'static str]) -> Self {
        Self {
            keys: keys.to_vec(),
            rows: Vec::new(),
            shape: Shape::Rows,
            unseen: Vec::new(),
        }
    }

    /// A single record, shown to people as one line a value.
    pub fn record<const N: usize>(pairs: [(&'static str, Cell); N]) -> Self {
        let (keys, row): (Vec<_>, Vec<_>) = pairs.into_iter().unzip();
        Self {
            keys,
            rows: vec![row],
            shape: Shape::Record,
            unseen: Vec::new(),
        }
    }

    /// Columns that only programs get: people have no use for an id beside an address.
    #[must_use]
    pub fn unseen(mut self, keys: &[&'static str]) -> Self {
        self.unseen = keys.to_vec();
        self
    }

    /// Lines of text, one a record, shown to people without a heading and as they are.
    pub fn lines(key: &'static str) -> Self {
        Self {
            keys: vec![key],
            rows: Vec::new(),
            shape: Shape::Lines,
            unseen: Vec::new(),
        }
    }

    /// Adds a row; it has as many cells as there are columns.
    pub fn row<const N: usize>(&mut self, cells: [Cell; N]) {
        debug_assert_eq!(N, self.keys.len(), "a cell a column");
        self.rows.push(cells.into());
    }
}

/// The text of a report, ending in a newline unless it is empty.
pub(super) fn render(report: &impl Report, output: Output, style: Style) -> Result<String> {
    match output {
        Output::Table => {
            let now = Timestamp::now();
            let mut text = String::new();
            for part in report.lead().into_iter().chain([report.table()]) {
                let part = table::render(&part, style, now);
                if !text.is_empty() && !part.is_empty() {
                    text.push('\n');
                }
                text.push_str(&part);
            }
            Ok(text)
        }
        Output::Json => {
            let mut text = serde_json::to_string_pretty(report).map_err(cannot_write)?;
            text.push('\n');
            Ok(text)
        }
        Output::Csv => csv(&report.table()),
        Output::Ndjson => Ok(ndjson(&report.table())),
    }
}

fn csv(table: &Table) -> Result<String> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(&table.keys).map_err(cannot_write)?;
    for row in &table.rows {
        writer
            .write_record(row.iter().map(Cell::raw))
            .map_err(cannot_write)?;
    }
    let bytes = writer
        .into_inner()
        .map_err(|error| cannot_write(error.into_error()))?;
    String::from_utf8(bytes).map_err(cannot_write)
}

fn ndjson(table: &Table) -> String {
    let mut text = String::new();
    for row in &table.rows {
        let object: Map<String, Value> = table
            .keys
            .iter()
            .zip(row)
            .map(|(key, cell)| ((*key).to_owned(), cell.json()))
            .collect();
        text.push_str(&Value::Object(object).to_string());
        text.push('\n');
    }
    text
}

fn cannot_write(error: impl std::error::Error + Send + Sync + 'static) -> anyhow::Error {
    Error::failed("cannot write the result")
        .because(error)
        .into()
}
