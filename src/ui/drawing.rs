//! Tables for people.

use comfy_table::CellAlignment;
use comfy_table::presets::NOTHING;
use jiff::Timestamp;

use super::style::Style;
use super::table::{Shape, Table};
use super::{Cell, Printable};

/// The table as lines, each ending in a newline; empty if there is no row.
pub(super) fn draw(table: &Table, style: Style, now: Timestamp) -> Printable {
    let Some(first) = table.rows.first() else {
        return Printable::default();
    };
    match table.shape {
        Shape::Lines => {
            let rows = table.rows.iter();
            ended(rows.map(|row| Piece::of(&row[0], style, now).dressed(style)))
        }
        Shape::Record => record(table, first, style, now),
        Shape::Rows => rows(table, style, now),
    }
}

/// A line a row under a heading; on a terminal far too narrow for that, a block a row.
fn rows(table: &Table, style: Style, now: Timestamp) -> Printable {
    let seen = seen(table);
    let headings = seen.iter().map(|index| heading(&table.keys[*index]));
    let headings = headings.map(|text| Piece::plain(text.to_uppercase()));
    let mut cells: Vec<Vec<Piece>> = vec![headings.collect()];
    for row in &table.rows {
        let row = seen.iter().map(|index| Piece::of(&row[*index], style, now));
        cells.push(row.collect());
    }
    let right: Vec<bool> = seen
        .iter()
        .map(|index| table.rows.iter().any(|row| row[*index].is_number()))
        .collect();
    // Values stay whole: first the columns move closer, then every row becomes a block.
    let is_too_wide = |lines: &[Printable]| {
        style.width.is_some_and(|width| {
            let mut widths = lines.iter().map(Printable::width);
            widths.any(|columns| columns > usize::from(width))
        })
    };
    let mut lines = side_by_side(&cells, &right, 2, style);
    if is_too_wide(&lines) {
        lines = side_by_side(&cells, &right, 1, style);
        if is_too_wide(&lines) {
            let blocks = table.rows.iter().map(|row| record(table, row, style, now));
            return Printable::joined(blocks);
        }
    }
    lines[0] = style.dim(std::mem::take(&mut lines[0]));
    ended(lines)
}

/// A line a value.
fn record(table: &Table, row: &[Cell], style: Style, now: Timestamp) -> Printable {
    let cells: Vec<Vec<Piece>> = seen(table)
        .into_iter()
        .map(|index| {
            vec![
                Piece::plain(heading(&table.keys[index])),
                Piece::of(&row[index], style, now),
            ]
        })
        .collect();
    ended(side_by_side(&cells, &[], 2, style))
}

/// The lines, each of them ended.
fn ended(lines: impl IntoIterator<Item = Printable>) -> Printable {
    let mut text = Printable::joined(lines);
    text.end_line();
    text
}

/// A text on its way into a line.
#[derive(Debug, Clone)]
struct Piece {
    text: Printable,
    /// Columns it takes.
    width: usize,
    /// Whether it is red.
    alarm: bool,
    /// Whether it has several lines.
    is_tall: bool,
}

impl Piece {
    fn plain(text: impl AsRef<str>) -> Self {
        let text = Printable::line(text);
        Self {
            width: text.width(),
            text,
            alarm: false,
            is_tall: false,
        }
    }

    fn of(cell: &Cell, style: Style, now: Timestamp) -> Self {
        let text = if style.ascii {
            cell.plain(now)
        } else {
            cell.human(now)
        };
        match cell {
            Cell::Lines(text) if text.contains(['\n', '\t']) => Self {
                text: Printable::lines(text),
                width: 0,
                alarm: false,
                is_tall: true,
            },
            cell => Self {
                alarm: matches!(cell, Cell::Alarm(_)),
                ..Self::plain(text)
            },
        }
    }

    fn dressed(&self, style: Style) -> Printable {
        let text = self.text.clone();
        if self.alarm { style.red(text) } else { text }
    }
}

/// The rows as lines: columns as wide as they must be, with a gap between them, those of numbers to the right.
fn side_by_side(rows: &[Vec<Piece>], right: &[bool], gap: u16, style: Style) -> Vec<Printable> {
    if rows.iter().flatten().any(|piece| piece.is_tall) {
        arranged(rows, right, gap)
    } else {
        plain(rows, right, usize::from(gap), style)
    }
}

/// For texts of several lines, without colours.
fn arranged(rows: &[Vec<Piece>], right: &[bool], gap: u16) -> Vec<Printable> {
    let mut table = comfy_table::Table::new();
    table.load_style(NOTHING);
    for row in rows {
        table.add_row(row.iter().map(|piece| piece.text.as_str()));
    }
    for (index, column) in table.column_iter_mut().enumerate() {
        column.set_padding((0, gap));
        if right.get(index) == Some(&true) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
        .lines()
        .map(|line| Printable::line(line.trim_end()))
        .collect()
}

/// For texts of one line, where little needs measuring: a good part of the time of a long table.
fn plain(rows: &[Vec<Piece>], right: &[bool], gap: usize, style: Style) -> Vec<Printable> {
    // A column is never narrower than a letter.
    let mut widths = vec![1; rows.first().map_or(0, Vec::len)];
    for row in rows {
        for (width, piece) in widths.iter_mut().zip(row) {
            *width = piece.width.max(*width);
        }
    }
    let draw = |row: &Vec<Piece>| {
        let mut line = Printable::default();
        for (index, (piece, width)) in row.iter().zip(&widths).enumerate() {
            let blanks = width - piece.width;
            let is_right = right.get(index) == Some(&true);
            let before = if is_right { blanks } else { 0 };
            line.pad(before);
            line.push(piece.dressed(style));
            line.pad(blanks - before + gap);
        }
        line.trimmed()
    };
    rows.iter().map(draw).collect()
}

/// The columns that are for people too.
fn seen(table: &Table) -> Vec<usize> {
    (0..table.keys.len())
        .filter(|index| !table.unseen.contains(&&*table.keys[*index]))
        .collect()
}

/// `total_views` reads "views", `duration_ms` reads "duration": the cell has its unit.
fn heading(key: &str) -> String {
    let key = key.strip_prefix("total_").unwrap_or(key);
    key.strip_suffix("_ms").unwrap_or(key).replace('_', " ")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn table() -> Table {
        let mut table = Table::new(&["id", "email", "total_views", "duration_ms"]).unseen(&["id"]);
        table.row([
            Cell::text("7"),
            Cell::text("a@example.com"),
            Cell::Count(1234),
            Cell::Millis(7),
        ]);
        table.row([
            Cell::text("8"),
            Cell::text("b@example.com"),
            Cell::Count(5),
            Cell::Missing,
        ]);
        table
    }

    fn drawn(width: Option<u16>) -> String {
        draw(
            &table(),
            Style::new(false, width, false),
            Timestamp::UNIX_EPOCH,
        )
        .as_str()
        .to_owned()
    }

    #[test]
    fn numbers_stand_at_the_right_and_ids_are_for_programs() {
        let text = "EMAIL          VIEWS  DURATION\na@example.com  1,234      7 ms\nb@example.com      5         -\n";
        assert_eq!(drawn(None), text);
        assert_eq!(drawn(Some(80)), text);
    }

    #[test]
    fn what_is_wrong_is_red_and_as_wide_as_without() {
        let mut table = Table::new(&["row"]).columns(["fan".to_owned(), "rivalé".to_owned()]);
        table.push(vec![
            Cell::text("own"),
            Cell::Alarm("allowed, not hidden".to_owned()),
            Cell::text("hidden"),
        ]);
        let drawn = |color| {
            draw(
                &table,
                Style::new(color, Some(40), false),
                Timestamp::UNIX_EPOCH,
            )
            .as_str()
            .to_owned()
        };
        assert_eq!(
            drawn(false),
            "ROW  FAN                  RIVALÉ\nown  allowed, not hidden  hidden\n"
        );
        assert_eq!(
            drawn(true),
            "\u{1b}[2mROW  FAN                  RIVALÉ\u{1b}[0m\nown  \u{1b}[1;31mallowed, not hidden\u{1b}[0m  hidden\n"
        );
    }

    #[test]
    fn a_terminal_too_narrow_for_rows_gets_blocks() {
        let closer = "EMAIL         VIEWS DURATION\na@example.com 1,234     7 ms\nb@example.com     5        -\n";
        assert_eq!(drawn(Some(29)), closer);
        assert_eq!(
            drawn(Some(22)),
            "email     a@example.com\nviews     1,234\nduration  7 ms\n\nemail     b@example.com\nviews     5\nduration  -\n"
        );
    }

    proptest! {
        /// There is no telling which of the two drew a table.
        #[test]
        fn plain_text_is_drawn_as_any_text(
            rows in proptest::collection::vec(proptest::collection::vec("[a-z0-9,.@-]{0,6}( [a-z]{1,4})?", 3), 1..6),
            right in proptest::collection::vec(any::<bool>(), 3),
            gap in 1_u16..3,
        ) {
            let rows: Vec<Vec<Piece>> = rows
                .into_iter()
                .map(|row| row.into_iter().map(Piece::plain).collect())
                .collect();
            let style = Style::new(false, None, false);
            prop_assert_eq!(plain(&rows, &right, usize::from(gap), style), arranged(&rows, &right, gap));
        }
    }
}
