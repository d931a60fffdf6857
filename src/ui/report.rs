//! A result is one struct; this is how it becomes a table, JSON, CSV, NDJSON, annotations or SARIF.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value};

use super::style::Style;
use super::table::Table;
use super::{Cell, Diagnostic, Manners, Output, Printable, diagnostic, drawing, sarif, stream};
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

    /// Whether somebody has to see it, also where nobody wants to read that all went well.
    fn has_findings(&self) -> bool {
        self.exit() != Exit::Done
    }

    /// What remains to be said to people, on stderr, in one line; may be empty.
    fn summary(&self) -> String {
        String::new()
    }

    /// The same of a report that has more to say than a line.
    fn summary_lines(&self) -> Vec<String> {
        Some(self.summary())
            .filter(|line| !line.is_empty())
            .into_iter()
            .collect()
    }

    /// What everybody has to know whatever the format, on stderr: that a list is not complete.
    fn remainder(&self) -> Vec<String> {
        Vec::new()
    }

    /// How the command ends.
    fn exit(&self) -> Exit {
        Exit::Done
    }
}

/// A report on its way out.
pub(super) struct Rendered {
    /// It ends in a newline unless it is empty.
    pub output: stream::Output,
    /// Headings of what there was no room for.
    pub left_out: Vec<Printable>,
}

/// The report in the form that is wanted.
pub(super) fn render(report: &impl Report, manners: &Manners, style: Style) -> Result<Rendered> {
    let text = match manners.output {
        Output::Table | Output::Ndjson if report.is_told() => Printable::default(),
        Output::Table => return Ok(people(report, style)),
        Output::Json => {
            let text = serde_json::to_string_pretty(report).map_err(cannot_write)?;
            Printable::json(&(text + "\n"))
        }
        Output::Csv => {
            let form = if stream::width_of_stdout().is_some() {
                CsvForm::Terminal
            } else {
                manners.csv
            };
            return Ok(Rendered {
                output: stream::Output::Data(csv(&report.table(), form)?),
                left_out: Vec::new(),
            });
        }
        Output::Ndjson => Printable::json(&ndjson(&report.table())),
        Output::Github | Output::Sarif => match report.diagnostics() {
            Some(diagnostics) if manners.output == Output::Github => {
                diagnostic::annotate(&diagnostics)
            }
            Some(diagnostics) => {
                Printable::json(&sarif::render(&diagnostics).map_err(cannot_write)?)
            }
            None => return Err(no_findings("this result", manners.output).into()),
        },
    };
    Ok(Rendered {
        output: stream::Output::Text(text),
        left_out: Vec::new(),
    })
}

fn people(report: &impl Report, style: Style) -> Rendered {
    let drawn = if let Some(diagnostics) = report.diagnostics() {
        drawing::Drawn {
            text: diagnostic::draw(&diagnostics, style),
            ..drawing::Drawn::default()
        }
    } else {
        let parts = report
            .sheets()
            .unwrap_or_else(|| report.lead().into_iter().chain([report.table()]).collect());
        drawing::stacked(&parts, style, Timestamp::now())
    };
    Rendered {
        output: stream::Output::Text(drawn.text),
        left_out: drawn.left_out,
    }
}

/// Who reads a CSV.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CsvForm {
    /// A program: texts as they are.
    #[default]
    Exact,
    /// A spreadsheet, which takes for a formula what begins like one.
    Spreadsheet,
    /// A person: every record is one line.
    Terminal,
}

impl CsvForm {
    fn text(self, text: String) -> String {
        match self {
            Self::Terminal => Printable::line(text).to_string(),
            Self::Spreadsheet => defused(&text),
            Self::Exact => text,
        }
    }

    fn cell(self, cell: &Cell) -> String {
        match cell {
            Cell::Text(_) | Cell::Alarm(_) | Cell::Lines(_) => self.text(cell.raw()),
            // Nobody else wrote it: a negative number stays a number.
            _ => cell.raw(),
        }
    }
}

/// How a cell begins that a spreadsheet computes, also in full width.
const FORMULA: [char; 8] = [
    '=', '+', '-', '@', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}',
];

/// What some spreadsheet takes for the end of a cell, whatever quotes are around it.
const SEPARATORS: [char; 6] = [',', ';', '\t', '|', '\r', '\n'];

/// With a mark before whatever would be computed, at the beginning or in what would be a cell of its own.
fn defused(text: &str) -> String {
    let mut defused = String::with_capacity(text.len());
    // Such a beginning is taken off, and what is left is looked at.
    if text.starts_with(['\t', '\r', '\n']) {
        defused.push('\'');
    }
    for part in text.split_inclusive(SEPARATORS) {
        let is_skipped = |letter: char| {
            letter == '"'
                || letter.is_whitespace()
                || letter.is_control()
                || matches!(letter, '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}')
        };
        if part.trim_start_matches(is_skipped).starts_with(FORMULA) {
            defused.push('\'');
        }
        defused.push_str(part);
    }
    defused
}

fn csv(table: &Table, form: CsvForm) -> Result<String> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer
        .write_record(table.keys.iter().map(|key| form.text(key.to_string())))
        .map_err(cannot_write)?;
    for row in &table.rows {
        writer
            .write_record(row.iter().map(|cell| form.cell(cell)))
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
