//! Tables for people.

use comfy_table::CellAlignment;
use comfy_table::presets::NOTHING;
use jiff::Timestamp;

use super::Cell;
use super::report::{Shape, Table};
use super::style::{Style, printable};

/// The table as lines, each ending in a newline; empty if there is no row.
pub(super) fn render(table: &Table, style: Style, now: Timestamp) -> String {
    let Some(first) = table.rows.first() else {
        return String::new();
    };
    match table.shape {
        Shape::Lines => table
            .rows
            .iter()
            .map(|row| text(&row[0], style, now) + "\n")
            .collect(),
        Shape::Record => record(table, first, style, now),
        Shape::Rows => rows(table, style, now),
    }
}

/// A line a row under a heading; on a terminal far too narrow for that, a block a row.
fn rows(table: &Table, style: Style, now: Timestamp) -> String {
    let seen = seen(table);
    let mut drawn = empty();
    drawn.set_header(
        seen.iter()
            .map(|index| heading(table.keys[*index]).to_uppercase()),
    );
    for row in &table.rows {
        drawn.add_row(seen.iter().map(|index| text(&row[*index], style, now)));
    }
    for (index, column) in seen.iter().zip(drawn.column_iter_mut()) {
        column.set_padding((0, 2));
        if table.rows.iter().any(|row| row[*index].is_number()) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    // Values stay whole: first the columns move closer, then every row becomes a block.
    let is_too_wide = |drawn: &comfy_table::Table| {
        let widest = drawn
            .lines()
            .map(|line| console::measure_text_width(line.trim_end()))
            .max();
        style
            .width
            .is_some_and(|width| widest > Some(usize::from(width)))
    };
    if is_too_wide(&drawn) {
        for column in drawn.column_iter_mut() {
            column.set_padding((0, 1));
        }
        if is_too_wide(&drawn) {
            let blocks: Vec<String> = table
                .rows
                .iter()
                .map(|row| record(table, row, style, now))
                .collect();
            return blocks.join("\n");
        }
    }
    let lines: Vec<String> = drawn.lines().collect();
    let (head, body) = lines.split_at(1);
    let head = head.iter().map(|line| style.dim(line.trim_end()) + "\n");
    head.chain(body.iter().map(|line| line.trim_end().to_owned() + "\n"))
        .collect()
}

/// A line a value.
fn record(table: &Table, row: &[Cell], style: Style, now: Timestamp) -> String {
    let mut drawn = empty();
    for index in seen(table) {
        drawn.add_row(vec![
            heading(table.keys[index]),
            text(&row[index], style, now),
        ]);
    }
    for column in drawn.column_iter_mut() {
        column.set_padding((0, 2));
    }
    drawn
        .lines()
        .map(|line| line.trim_end().to_owned() + "\n")
        .collect()
}

fn text(cell: &Cell, style: Style, now: Timestamp) -> String {
    let text = if style.ascii {
        cell.plain(now)
    } else {
        cell.human(now)
    };
    printable(&text).into_owned()
}

fn empty() -> comfy_table::Table {
    let mut table = comfy_table::Table::new();
    table.load_style(NOTHING);
    table
}

/// The columns that are for people too.
fn seen(table: &Table) -> Vec<usize> {
    (0..table.keys.len())
        .filter(|index| !table.unseen.contains(&table.keys[*index]))
        .collect()
}

/// `total_views` reads "views", `duration_ms` reads "duration": the cell has its unit.
fn heading(key: &str) -> String {
    let key = key.strip_prefix("total_").unwrap_or(key);
    key.strip_suffix("_ms").unwrap_or(key).replace('_', " ")
}

#[cfg(test)]
mod tests {
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
        render(
            &table(),
            Style::new(false, width, false),
            Timestamp::UNIX_EPOCH,
        )
    }

    #[test]
    fn numbers_stand_at_the_right_and_ids_are_for_programs() {
        let text = "EMAIL          VIEWS  DURATION\na@example.com  1,234      7 ms\nb@example.com      5         -\n";
        assert_eq!(drawn(None), text);
        assert_eq!(drawn(Some(80)), text);
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
}
