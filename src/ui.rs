//! All that meets a person: results on stdout; plans, questions, progress, warnings and errors on stderr.
//!
//! Nothing outside this room writes to a stream. Colour is never needed to understand, and a reader that
//! closes stdout early ends the command quietly.

pub mod cell;
mod consent;
mod explanation;
pub mod prompt;
pub mod report;
pub mod style;
mod table;

use std::io::{self, IsTerminal, Write};

use crate::error::Result;
use crate::plan::Progress;

pub use cell::Cell;
pub use consent::Stage;
pub use report::{Report, Table};
use style::Style;

/// How results are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Output {
    /// For people.
    #[default]
    Table,
    /// One JSON document.
    Json,
    /// One CSV row a record, with a header.
    Csv,
    /// One JSON object a record and line.
    Ndjson,
}

/// What the command line and the terminal say about talking to the person.
#[derive(Debug, Clone, Default)]
pub struct Manners {
    /// How results are written.
    pub output: Output,
    /// Stop after showing the plan.
    pub dry_run: bool,
    /// Answers moderate questions.
    pub yes: bool,
    /// Answers severe ones, if it is the right name.
    pub confirm: Option<String>,
    /// Never ask.
    pub no_input: bool,
    /// Colour on stdout and on stderr.
    pub color: (bool, bool),
}

/// The person at the other end.
#[derive(Debug, Default)]
pub struct Ui {
    manners: Manners,
}

impl Ui {
    /// Someone to talk to, with these manners.
    pub fn new(manners: Manners) -> Self {
        Self { manners }
    }

    /// Writes a result to stdout.
    pub fn show(&self, report: &impl Report) -> Result<()> {
        let text = report::render(report, self.manners.output, self.style_of_stdout())?;
        write_out(&text)?;
        if self.manners.output == Output::Table {
            let summary = report.summary();
            if !summary.is_empty() {
                self.say(&summary);
            }
        }
        Ok(())
    }

    /// Writes raw text to stdout, such as a log or a completion script.
    pub fn print(&self, text: &str) -> Result<()> {
        write_out(text)
    }

    /// Names the database a command is about to touch.
    pub fn banner(&self, line: &str) {
        self.say(line);
    }

    fn style_of_stdout(&self) -> Style {
        Style::new(
            self.manners.color.0,
            io::stdout().is_terminal().then(terminal_width),
        )
    }

    fn style_of_stderr(&self) -> Style {
        Style::new(
            self.manners.color.1,
            io::stderr().is_terminal().then(terminal_width),
        )
    }
}

impl Progress for Ui {
    fn say(&self, line: &str) {
        write_err(line);
    }

    fn warn(&self, line: &str) {
        write_err(&format!(
            "{} {line}",
            self.style_of_stderr().yellow("warning:")
        ));
    }
}

/// The width of the terminal in columns, 80 if it does not say.
fn terminal_width() -> u16 {
    console::Term::stderr()
        .size_checked()
        .or_else(|| console::Term::stdout().size_checked())
        .map_or(80, |(_, width)| width)
}

/// A reader that went away has seen enough: that is not an error.
fn write_out(text: &str) -> Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other.map_err(|error| {
            crate::error::Error::failed("cannot write to stdout")
                .because(error)
                .into()
        }),
    }
}

/// There is nobody to tell when stderr is gone.
fn write_err(line: &str) {
    let mut err = io::stderr().lock();
    let _ = err.write_all(format!("{line}\n").as_bytes());
}
