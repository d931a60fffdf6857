//! A result is one struct; this is how it becomes a table, JSON, CSV, NDJSON, annotations or SARIF.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value};

use super::style::Style;
use super::table::Table;
use super::{Cell, Diagnostic, Output, diagnostic, drawing, sarif};
use crate::error::{Error, Exit, Result};

/// A result that can be shown. Its JSON is its serde form; the rest is told here.
pub trait Report: Serialize {
    /// Facts people read above the records: totals, say. Programs find them in the JSON.
    fn lead(&self) -> Option<Table> {
        None
    }

    /// The records: a row each in CSV and NDJSON.
    fn table(&self) -> Table;

    /// What people see instead of the records, where programs want them in another arrangement: one below the other,
    /// those without a row left out.
    fn sheets(&self) -> Option<Vec<Table>> {
        None
    }

    /// Places in files or objects of a database, for a report that is about them: people read these instead of the
    /// table, GitHub puts them beside the lines of a pull request, and other tools read them as SARIF.
    fn diagnostics(&self) -> Option<Vec<Diagnostic<'_>>> {
        None
    }

    /// Whether its records were told while they came to be, to people and in a stream: they are not told again.
    fn is_told(&self) -> bool {
        false
    }

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

/// The text of a report, ending in a newline unless it is empty.
pub(super) fn render(report: &impl Report, output: Output, style: Style) -> Result<String> {
    match output {
        Output::Table | Output::Ndjson if report.is_told() => Ok(String::new()),
        Output::Table => {
            if let Some(diagnostics) = report.diagnostics() {
                return Ok(diagnostic::draw(&diagnostics, style));
            }
            let now = Timestamp::now();
            let mut text = String::new();
            let parts = report
                .sheets()
                .unwrap_or_else(|| report.lead().into_iter().chain([report.table()]).collect());
            for part in parts {
                let part = drawing::draw(&part, style, now);
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
        Output::Github | Output::Sarif => match report.diagnostics() {
            Some(diagnostics) if output == Output::Github => Ok(diagnostic::annotate(&diagnostics)),
            Some(diagnostics) => sarif::render(&diagnostics).map_err(cannot_write),
            None => Err(no_findings("this result", output).into()),
        },
    }
}

fn csv(table: &Table) -> Result<String> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer
        .write_record(table.keys.iter().map(|key| &**key))
        .map_err(cannot_write)?;
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
            .map(|(key, cell)| (key.to_string(), cell.json()))
            .collect();
        text.push_str(&Value::Object(object).to_string());
        text.push('\n');
    }
    text
}

/// A form for findings is wanted of what finds nothing.
pub(super) fn no_findings(what: &str, output: Output) -> Error {
    let form = match output {
        Output::Sarif => "SARIF",
        _ => "annotations for GitHub",
    };
    Error::usage(format!("{what} cannot be written as {form}"))
        .hint("take another `--output`: table, json, csv or ndjson")
}

fn cannot_write(error: impl std::error::Error + Send + Sync + 'static) -> anyhow::Error {
    Error::failed("cannot write the result")
        .because(error)
        .into()
}
