//! Tables for people.

mod layout;

use comfy_table::CellAlignment;
use comfy_table::presets::NOTHING;
use jiff::Timestamp;

use super::style::Style;
use super::table::{Shape, Table};
use super::{Cell, Printable};
use layout::{Layout, filled, wrapped};

pub(super) use layout::prose;

/// The line that says which columns there was no room for, in as many as it takes.
pub(super) fn left_out(headings: &[Printable], style: Style) -> Printable {
    let last = headings.len().saturating_sub(1);
    let headings = headings.iter().enumerate().map(|(place, heading)| {
        let comma = if place < last { "," } else { "" };
        heading.clone() + comma
    });
    let words = std::iter::once(Printable::line("left out:"))
        .chain(headings)
        .chain([Printable::line("(--wide, -o csv)")]);
    let width = style.width.map_or(usize::MAX, usize::from);
    Printable::joined(filled(words, width))
}

/// A table as it is drawn.
#[derive(Default)]
pub(super) struct Drawn {
    /// Lines, each ending in a newline; empty if there is no row.
    pub text: Printable,
    /// Headings of columns there was no room for.
    pub left_out: Vec<Printable>,
}

/// The table as people see it.
pub(super) fn draw(table: &Table, style: Style, now: Timestamp) -> Drawn {
    let Some(first) = table.rows.first() else {
        return Drawn::default();
    };
    let text = match table.shape {
        Shape::Lines => {
            let rows = table.rows.iter();
            ended(rows.map(|row| Printable::lines(row[0].human(now))))
        }
        Shape::Record => record(table, first, style, now),
        Shape::Rows => return rows(table, style, now),
    };
    Drawn {
        text,
        left_out: Vec::new(),
    }
}

/// Tables one below the other, those without a row left out.
pub(super) fn stacked(tables: &[Table], style: Style, now: Timestamp) -> Drawn {
    let mut texts = Vec::new();
    let mut left_out: Vec<Printable> = Vec::new();
    for table in tables {
        let drawn = draw(table, style, now);
        if !drawn.text.is_empty() {
            texts.push(drawn.text);
        }
        for heading in drawn.left_out {
            if !left_out.contains(&heading) {
                left_out.push(heading);
            }
        }
    }
    Drawn {
        text: Printable::joined(texts),
        left_out,
    }
}

/// A line a row under a heading; on a terminal far too narrow for that, a block a row.
fn rows(table: &Table, style: Style, now: Timestamp) -> Drawn {
    let seen = seen(table);
    let headings = seen.iter().map(|index| heading(&table.keys[*index]));
    let headings = headings.map(|text| Piece::plain(text.to_uppercase()));
    let mut cells: Vec<Vec<Piece>> = vec![headings.collect()];
    for row in &table.rows {
        let row = seen.iter().map(|index| Piece::of(&row[*index], style, now));
        cells.push(row.collect());
    }
    let columns = seen.iter().map(|index| Column {
        right: table.rows.iter().any(|row| row[*index].is_number()),
        rank: table.rank(*index),
        is_empty: table.rows.iter().all(|row| row[*index] == Cell::Missing),
        least: table.least(*index),
        enough: table.enough(*index),
        wraps: table.wraps(*index),
    });
    let mut layout = Layout {
        columns: columns.collect(),
        rows: cells,
        gap: 2,
        left_out: Vec::new(),
        ellipsis: if style.ascii { ".." } else { "…" },
    };
    if let Some(width) = style.width
        && !table.narrow.is_empty()
        && layout.excess(usize::from(width)) > 0
    {
        return stacked(&table.narrow, style, now);
    }
    // One row is read as well from top to bottom, and then all of it is there.
    let is_record = |layout: &Layout| layout.rows.len() == 2 && !layout.left_out.is_empty();
    if let Some(width) = style.width
        && (!layout.fit(usize::from(width)) || is_record(&layout))
    {
        let rows = table.rows.iter();
        let blocks = rows.map(|row| record(table, row, style, now));
        return Drawn {
            text: Printable::joined(blocks),
            left_out: Vec::new(),
        };
    }
    let right: Vec<bool> = layout.columns.iter().map(|column| column.right).collect();
    let mut lines = side_by_side(&layout.rows, &right, layout.gap, style);
    lines[0] = style.dim(std::mem::take(&mut lines[0]));
    let title = table
        .title
        .as_ref()
        .map(|title| style.bold(Printable::line(title)));
    Drawn {
        text: ended(title.into_iter().chain(lines)),
        left_out: layout.left_out,
    }
}

/// A line a value, or more where it wraps.
fn record(table: &Table, row: &[Cell], style: Style, now: Timestamp) -> Printable {
    let seen = seen(table).into_iter();
    let mut cells: Vec<Vec<Piece>> = seen
        .map(|index| {
            vec![
                Piece::plain(heading(&table.keys[index])),
                Piece::of(&row[index], style, now),
            ]
        })
        .collect();
    if let Some(width) = style.width {
        let keys = cells.iter().map(|row| row[0].width).max().unwrap_or(0);
        let room = usize::from(width).saturating_sub(keys + 2);
        // Narrower than a few words it is no help.
        if room >= 14 {
            for row in &mut cells {
                row[1].wrap(room);
            }
        }
    }
    ended(side_by_side(&cells, &[], 2, style))
}

/// The lines, each of them ended.
fn ended(lines: impl IntoIterator<Item = Printable>) -> Printable {
    let mut text = Printable::joined(lines);
    text.end_line();
    text
}

/// How a column may become narrower.
#[derive(Debug, Clone, Copy)]
struct Column {
    /// Whether its cells stand at the right.
    right: bool,
    /// It may be left out, the lowest first.
    rank: Option<usize>,
    /// Whether no row has anything in it.
    is_empty: bool,
    /// It may be cut to this.
    least: Option<usize>,
    /// So much of it is worth more than other columns.
    enough: Option<usize>,
    /// It may wrap, as the last one may.
    wraps: bool,
}

/// A text on its way into a line, or into several.
#[derive(Debug, Clone)]
struct Piece {
    lines: Vec<Printable>,
    /// Columns it takes.
    width: usize,
    /// Whether it is red.
    alarm: bool,
    /// Whether it is a picture, which makes no sense in several lines.
    picture: bool,
}

impl Piece {
    fn plain(text: impl AsRef<str>) -> Self {
        Self::tall(vec![Printable::line(text)])
    }

    fn tall(lines: Vec<Printable>) -> Self {
        let widths = lines.iter().map(Printable::width);
        Self {
            width: widths.max().unwrap_or(0),
            lines,
            alarm: false,
            picture: false,
        }
    }

    fn of(cell: &Cell, style: Style, now: Timestamp) -> Self {
        let text = if style.ascii {
            cell.plain(now)
        } else {
            cell.human(now)
        };
        match cell {
            // A tab is as wide as the terminal says, which nobody knows here.
            Cell::Lines(text) => {
                let text = text.replace('\t', "    ");
                Self::tall(text.split('\n').map(Printable::line).collect())
            }
            cell => Self {
                alarm: matches!(cell, Cell::Alarm(_)),
                picture: matches!(cell, Cell::Days(_) | Cell::DollarDays(_)),
                ..Self::plain(text)
            },
        }
    }

    fn into_text(self) -> Printable {
        Printable::joined(self.lines)
    }

    /// The beginning of it, in one line.
    fn cut(&mut self, room: usize, ellipsis: &'static str) {
        let mut text = Printable::default();
        for word in self.lines.iter().flat_map(Printable::words) {
            text.pad(usize::from(!text.is_empty()));
            text.push(word);
        }
        if text.width() > room {
            text = text.cut(room.saturating_sub(ellipsis.chars().count())) + ellipsis;
        }
        self.width = text.width();
        self.lines = vec![text];
    }

    fn wrap(&mut self, room: usize) {
        if self.width > room && !self.picture {
            let lines = self.lines.iter().flat_map(|line| wrapped(line, room));
            *self = Self {
                alarm: self.alarm,
                ..Self::tall(lines.collect())
            };
        }
    }

    fn dressed(&self, style: Style) -> Printable {
        let text = self.clone().into_text();
        if self.alarm { style.red(text) } else { text }
    }
}

/// The rows as lines: columns as wide as they must be, with a gap between them, those of numbers to the right.
fn side_by_side(rows: &[Vec<Piece>], right: &[bool], gap: usize, style: Style) -> Vec<Printable> {
    // A column is never narrower than a letter.
    let mut widths = vec![1; rows.first().map_or(0, Vec::len)];
    for row in rows {
        for (width, piece) in widths.iter_mut().zip(row) {
            *width = piece.width.max(*width);
        }
    }
    if rows.iter().flatten().any(|piece| piece.lines.len() > 1) {
        arranged(rows, right, gap, &widths, style)
    } else {
        plain(rows, right, gap, &widths, style)
    }
}

/// For texts of several lines.
fn arranged(
    rows: &[Vec<Piece>],
    right: &[bool],
    gap: usize,
    widths: &[usize],
    style: Style,
) -> Vec<Printable> {
    let mut table = comfy_table::Table::new();
    table.load_style(NOTHING);
    for row in rows {
        table.add_row(
            row.iter()
                .map(|piece| piece.clone().into_text().to_string()),
        );
    }
    let padding = u16::try_from(gap).unwrap_or(u16::MAX);
    for (index, column) in table.column_iter_mut().enumerate() {
        column.set_padding((0, padding));
        if right.get(index) == Some(&true) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    let lines = table.lines().map(|line| Printable::line(line.trim_end()));
    let mut lines: Vec<Printable> = lines.collect();
    // The library would take colours for text, so they come afterwards, from the right: what stands before is still
    // without any.
    let mut first = 0;
    for row in rows {
        for (index, piece) in row
            .iter()
            .enumerate()
            .rev()
            .filter(|(_, piece)| piece.alarm)
        {
            let offset = widths[..index].iter().sum::<usize>() + gap * index;
            let below = lines.iter_mut().skip(first);
            for (line, part) in below.zip(&piece.lines) {
                line.dress_part(offset, part, |part| style.red(part));
            }
        }
        first += row.iter().map(|piece| piece.lines.len()).max().unwrap_or(0);
    }
    lines
}

/// For texts of one line, where little needs measuring: a good part of the time of a long table.
fn plain(
    rows: &[Vec<Piece>],
    right: &[bool],
    gap: usize,
    widths: &[usize],
    style: Style,
) -> Vec<Printable> {
    let draw = |row: &Vec<Piece>| {
        let mut line = Printable::default();
        for (index, (piece, width)) in row.iter().zip(widths).enumerate() {
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
        .text
        .to_string()
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
            .text
            .to_string()
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

    #[test]
    fn columns_are_shortened_and_left_out_in_their_order() {
        let table = || {
            let mut table = Table::new(&["id", "title", "creator", "views", "note", "comment"])
                .leaving(&["creator", "views"])
                .cutting(&[("creator", 6), ("title", 8)]);
            for id in ["1", "2"] {
                table.row([
                    Cell::text(id),
                    Cell::text("Five mistakes 日本語 on a fort"),
                    Cell::text("a@example.com"),
                    Cell::Count(1234),
                    Cell::Missing,
                    Cell::text("it was seen by everybody who could see it"),
                ]);
            }
            table
        };
        let drawn = |width| {
            let style = Style::new(false, Some(width), false);
            let drawn = draw(&table(), style, Timestamp::UNIX_EPOCH);
            let left: Vec<String> = drawn.left_out.iter().map(ToString::to_string).collect();
            for line in drawn.text.to_string().lines() {
                assert!(console::measure_text_width(line) <= width.into(), "{line}");
            }
            (drawn.text.to_string(), left.join(" "))
        };
        // What is empty goes first, and nobody is told.
        assert!(drawn(105).0.contains("NOTE"));
        let (text, left) = drawn(99);
        assert!(!text.contains("NOTE") && left.is_empty(), "{text}");
        let (text, left) = drawn(92);
        assert!(text.contains("a@exa…") && left.is_empty(), "{text}");
        let (text, left) = drawn(80);
        assert!(
            text.contains("on a fort") && text.contains("could see it\n"),
            "{text}"
        );
        assert_eq!(left, "CREATOR VIEWS");
        assert_eq!(
            drawn(40).0,
            "ID  TITLE     COMMENT\n1   Five mi…  it was seen by everybody\n              who could see it\n2   Five mi…  it was seen by everybody\n              who could see it\n"
        );
        // Records have everything.
        let (text, left) = drawn(24);
        assert!(text.contains("creator") && left.is_empty(), "{text}");
    }

    #[test]
    fn what_is_wrong_is_red_beside_what_has_several_lines() {
        let mut table = Table::new(&["part", "state", "found"]);
        table.push(vec![
            Cell::text("日本"),
            Cell::Alarm("drift".to_owned()),
            Cell::lines("two\nlines"),
        ]);
        let style = Style::new(true, None, false);
        let text = draw(&table, style, Timestamp::UNIX_EPOCH).text.to_string();
        let rows: Vec<&str> = text.lines().skip(1).collect();
        assert_eq!(
            rows,
            [
                "日本  \u{1b}[1;31mdrift\u{1b}[0m  two",
                "             lines"
            ]
        );
    }

    proptest! {
        /// There is no telling which of the two drew a table.
        #[test]
        fn plain_text_is_drawn_as_any_text(
            rows in proptest::collection::vec(proptest::collection::vec("[a-z0-9,.@日-]{0,6}( [a-z]{1,4})?", 3), 1..6),
            right in proptest::collection::vec(any::<bool>(), 3),
            gap in 1_usize..3,
        ) {
            let rows: Vec<Vec<Piece>> = rows
                .into_iter()
                .map(|row| row.into_iter().map(Piece::plain).collect())
                .collect();
            let widths: Vec<usize> = (0..3)
                .map(|index| rows.iter().map(|row| row[index].width).max().unwrap_or(0).max(1))
                .collect();
            let style = Style::new(false, None, false);
            prop_assert_eq!(
                plain(&rows, &right, gap, &widths, style),
                arranged(&rows, &right, gap, &widths, style)
            );
        }
    }
}
