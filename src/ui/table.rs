//! Rows of cells under named columns: what every result is, before it has a form.

use std::borrow::Cow;

use super::Cell;

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
    pub(super) keys: Vec<Cow<'static, str>>,
    pub(super) rows: Vec<Vec<Cell>>,
    pub(super) shape: Shape,
    pub(super) unseen: Vec<&'static str>,
}

impl Table {
    /// A table with these columns; the names are the keys of CSV and NDJSON.
    pub fn new(keys: &[&'static str]) -> Self {
        Self {
            keys: keys.iter().copied().map(Cow::Borrowed).collect(),
            rows: Vec::new(),
            shape: Shape::Rows,
            unseen: Vec::new(),
        }
    }

    /// More columns, of names that only the data knows.
    #[must_use]
    pub fn columns(mut self, names: impl IntoIterator<Item = String>) -> Self {
        self.keys.extend(names.into_iter().map(Cow::Owned));
        self
    }

    /// A single record, shown to people as one line a value.
    pub fn record<const N: usize>(pairs: [(&'static str, Cell); N]) -> Self {
        let pairs = pairs.into_iter();
        let (keys, row) = pairs.map(|(key, cell)| (Cow::Borrowed(key), cell)).unzip();
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
            keys: vec![Cow::Borrowed(key)],
            rows: Vec::new(),
            shape: Shape::Lines,
            unseen: Vec::new(),
        }
    }

    /// Adds a row; it has as many cells as there are columns.
    pub fn row<const N: usize>(&mut self, cells: [Cell; N]) {
        self.push(cells.into());
    }

    /// The same, of as many columns as the data has.
    pub fn push(&mut self, cells: Vec<Cell>) {
        debug_assert_eq!(cells.len(), self.keys.len(), "a cell a column");
        self.rows.push(cells);
    }
}
