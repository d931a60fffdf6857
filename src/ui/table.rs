//! Tables for people.

use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, ContentArrangement};
use jiff::Timestamp;

use super::report::{Shape, Table};
use super::style::Style;

/// The table as lines, each ending in a newline; empty if there is no row.
pub(super) fn render(table: &Table, style: Style, now: Timestamp) -> String {
    if table.rows.is_empty() {
        return String::new();
    }
    if table.shape == Shape::Lines {
        let lines = table.rows.iter().map(|row| row[0].human(now) + "\n");
        return lines.collect();
    }
    let is_record = table.shape == Shape::Record;
    let mut drawn = comfy_table::Table::new();
    drawn.load_style(NOTHING);
    if let Some(width) = style.width {
        drawn
            .set_content_arrangement(ContentArrangement::Dynamic)
            .set_width(width);
    }
    let seen: Vec<usize> = (0..table.keys.len())
        .filter(|index| !table.unseen.contains(&table.keys[*index]))
        .collect();
    if is_record {
        for index in seen {
            drawn.add_row(vec![
                heading(table.keys[index]),
                table.rows[0][index].human(now),
            ]);
        }
    } else {
        drawn.set_header(
            seen.iter()
                .map(|index| heading(table.keys[*index]).to_uppercase()),
        );
        for row in &table.rows {
            drawn.add_row(seen.iter().map(|index| row[*index].human(now)));
        }
        for (index, column) in seen.iter().zip(drawn.column_iter_mut()) {
            if table.rows.iter().any(|row| row[*index].is_number()) {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
    }
    for column in drawn.column_iter_mut() {
        column.set_padding((0, 2));
    }
    let mut text = String::new();
    for (index, line) in drawn.lines().enumerate() {
        let line = line.trim_end();
        if index == 0 && !is_record {
            text.push_str(&style.dim(line));
        } else {
            text.push_str(line);
        }
        text.push('\n');
    }
    text
}

/// `total_views` reads "views", `duration_ms` reads "duration": the cell has its unit.
fn heading(key: &str) -> String {
    let key = key.strip_prefix("total_").unwrap_or(key);
    key.strip_suffix("_ms").unwrap_or(key).replace('_', " ")
}
