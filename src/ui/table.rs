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
    /// Columns to leave out where there is no room, the first one first.
    pub(super) leaving: Vec<&'static str>,
    /// Columns that may be cut, and to how much.
    pub(super) cutting: Vec<(&'static str, usize)>,
    /// Columns that are cut to this before others are left out.
    pub(super) shortening: Vec<(&'static str, usize)>,
    /// Columns that may wrap.
    pub(super) wrapping: Vec<&'static str>,
    /// What it is about, above its heading.
    pub(super) title: Option<String>,
    /// What takes its place where it is too wide.
    pub(super) narrow: Vec<Table>,
}

impl Table {
    /// A table with these columns; the names are the keys of CSV and NDJSON.
    pub fn new(keys: &[&'static str]) -> Self {
        Self {
            keys: keys.iter().copied().map(Cow::Borrowed).collect(),
            ..Self::default()
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
            ..Self::default()
        }
    }

    /// Columns that only programs get: people have no use for an id beside an address.
    #[must_use]
    pub fn unseen(mut self, keys: &[&'static str]) -> Self {
        self.unseen = keys.to_vec();
        self
    }

    /// Columns that people can do without where there is no room, the first one first; all others stay.
    #[must_use]
    pub fn leaving(mut self, keys: &[&'static str]) -> Self {
        self.leaving = keys.to_vec();
        self
    }

    /// Columns of texts that may be cut at their end, and to how many columns of the terminal at least. What people
    /// copy is not among them: ids, names, files.
    #[must_use]
    pub fn cutting(mut self, keys: &[(&'static str, usize)]) -> Self {
        self.cutting = keys.to_vec();
        self
    }

    /// Columns whose end is worth less than the columns beside them: they are cut to so much before any is left out.
    #[must_use]
    pub fn shortening(mut self, keys: &[(&'static str, usize)]) -> Self {
        self.shortening = keys.to_vec();
        self
    }

    /// Columns of text that may wrap between words; the last one does in any table.
    #[must_use]
    pub fn wrapping(mut self, keys: &[&'static str]) -> Self {
        self.wrapping = keys.to_vec();
        self
    }

    /// What it is about: a line above the heading.
    #[must_use]
    pub fn titled(mut self, title: impl Into<String>) -> Self {
        self.title = Some(title.into());
        self
    }

    /// The same in fewer letters, for a terminal that is not as wide as this is.
    #[must_use]
    pub fn or_narrow(mut self, tables: Vec<Self>) -> Self {
        self.narrow = tables;
        self
    }

    /// Whether a column may wrap, were it not the last.
    pub(super) fn wraps(&self, index: usize) -> bool {
        self.wrapping.iter().any(|key| *key == self.keys[index])
    }

    /// When a column is left out: the lowest first, nothing if it never is.
    pub(super) fn rank(&self, index: usize) -> Option<usize> {
        self.leaving.iter().position(|key| *key == self.keys[index])
    }

    /// To how much a column may be cut.
    pub(super) fn least(&self, index: usize) -> Option<usize> {
        self.named(&self.cutting, index)
    }

    /// How much of a column is worth more than other columns.
    pub(super) fn enough(&self, index: usize) -> Option<usize> {
        self.named(&self.shortening, index)
    }

    fn named(&self, columns: &[(&str, usize)], index: usize) -> Option<usize> {
        let mut columns = columns.iter().filter(|(key, _)| *key == self.keys[index]);
        columns.next().map(|(_, width)| *width)
    }

    /// Lines of text, one a record, shown to people without a heading and as they are.
    pub fn lines(key: &'static str) -> Self {
        Self {
            keys: vec![Cow::Borrowed(key)],
            shape: Shape::Lines,
            ..Self::default()
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
