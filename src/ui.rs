//! All that meets a person: results on stdout; plans, questions, progress, warnings and errors on stderr.
//!
//! Nothing outside this room writes to a stream, and within it only `stream` does, which takes no text that was not
//! cleaned. Colour is never needed to understand, and a reader that closes stdout early ends the command quietly.

mod activity;
pub mod cell;
mod consent;
pub mod diagnostic;
mod drawing;
mod explanation;
mod printable;
pub mod prompt;
pub mod report;
mod sarif;
mod stream;
pub mod style;
pub mod table;

use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::json;

use crate::error::{Error, Mask, Result};
use crate::plan::{Event, Progress};

use activity::Activity;
pub use cell::Cell;
pub use consent::Stage;
pub use diagnostic::Diagnostic;
pub use printable::Printable;
pub use report::{CsvForm, Report};
use style::Style;
pub use table::Table;

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
    /// One annotation a place in a file, as GitHub's runners take them.
    Github,
    /// One SARIF document, as tools that gather findings take them.
    Sarif,
}

/// How wide a table may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Fit {
    /// As wide as the terminal.
    #[default]
    Terminal,
    /// As wide as it is.
    Whole,
}

/// What can be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Letters {
    /// All there are.
    #[default]
    Unicode,
    /// No more than ASCII.
    Ascii,
}

/// How much is said besides results, questions, warnings and errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Detail {
    /// Nothing.
    Quiet,
    /// Which database is touched, and a summary.
    #[default]
    Usual,
    /// Also what is asked of the server.
    Questions,
    /// Also the SQL of it.
    Sql,
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
    /// How much is said besides.
    pub detail: Detail,
    /// Colour on stdout and on stderr.
    pub color: (bool, bool),
    /// What the locale can show.
    pub letters: Letters,
    /// How what was said to the program may be said back.
    pub mask: Mask,
    /// How wide tables may be.
    pub fit: Fit,
    /// Who reads a CSV that is not for a terminal.
    pub csv: CsvForm,
}

/// Is told of a question and its SQL; see [`Ui::tracer`].
pub type Tracer = Box<dyn Fn(&str, &str) + Send + Sync>;

/// Says whom a session waits for.
pub type Voice = Box<dyn Fn(&str) + Send + Sync>;

/// The person at the other end.
#[derive(Default)]
pub struct Ui {
    manners: Manners,
    activity: Activity,
    /// Whether a question is open.
    asking: AtomicBool,
}

impl Ui {
    /// Someone to talk to, with these manners.
    pub fn new(manners: Manners) -> Self {
        Self {
            manners,
            activity: Activity::default(),
            asking: AtomicBool::new(false),
        }
    }

    /// Whether a person is being asked something right now.
    pub fn is_asking(&self) -> bool {
        self.asking.load(Ordering::Relaxed)
    }

    /// Whether nothing is to be changed, whatever is asked for.
    pub fn is_dry(&self) -> bool {
        self.manners.dry_run
    }

    /// Writes a result to stdout.
    pub fn show(&self, report: &impl Report) -> Result<()> {
        self.activity.end();
        let rendered = report::render(report, &self.manners, self.style_of_stdout())?;
        stream::out(&rendered.output)?;
        if self.manners.output == Output::Table {
            report
                .summary_lines()
                .iter()
                .for_each(|line| self.say_prose(line, 0));
        }
        report
            .remainder()
            .iter()
            .for_each(|line| self.say_prose(line, 0));
        if !rendered.left_out.is_empty() {
            let style = self.style_of_stderr();
            self.tell(&drawing::left_out(&rendered.left_out, style));
        }
        Ok(())
    }

    /// Writes a result that says that something was done, or is as it should be: `-q` leaves it out, unless it is written
    /// for a program, or has something in it that must be seen.
    pub fn confirm(&self, report: &impl Report) -> Result<()> {
        let is_wanted = self.manners.detail > Detail::Quiet
            || self.manners.output != Output::Table
            || report.has_findings();
        if is_wanted {
            return self.show(report);
        }
        self.activity.end();
        Ok(())
    }

    /// Writes text for programs to stdout, such as SQL or a completion script.
    pub fn print(&self, text: &str) -> Result<()> {
        stream::out(&stream::Output::Data(text.to_owned()))
    }

    /// Writes to stderr what must be seen, line by line; an error if it cannot be.
    pub fn show_secret(&self, lines: &[&str]) -> Result<()> {
        self.activity.end();
        let lines = lines.iter().map(Printable::line);
        stream::try_err(&Printable::joined(lines)).map_err(|error| {
            Error::refused("the password that was made cannot be shown")
                .because(error)
                .unchanged()
                .hint("leave stderr open, or give a password with `--password-stdin`")
                .into()
        })
    }

    /// The same as [`Progress::say`], of a target that is guarded.
    pub fn say_protected(&self, line: &str) {
        let style = self.style_of_stderr();
        self.tell(&(self.masked(line) + style.red("PROTECTED")));
    }

    /// Writes help, which a library has drawn and coloured, to stdout.
    pub fn show_help(&self, text: &str) -> Result<()> {
        stream::out(&stream::Output::Text(Printable::colored(text)))
    }

    /// Leaves the terminal to another program.
    pub fn leave(&self) {
        self.activity.end();
    }

    /// A command whose result has one form only; another one is a usage error.
    pub fn require_table(&self, command: &str) -> Result<()> {
        if self.manners.output == Output::Table {
            return Ok(());
        }
        Err(Error::usage(format!("`{command}` has one form of output"))
            .hint("leave out `--output`")
            .into())
    }

    /// A command that does not look for findings; a form that is only for them is a usage error.
    pub fn refuse_findings(&self, command: &str) -> Result<()> {
        match self.manners.output {
            output @ (Output::Github | Output::Sarif) => {
                Err(report::no_findings(&format!("`{command}`"), output).into())
            }
            _ => Ok(()),
        }
    }

    /// Whom to tell what goes on underneath; nobody unless somebody wants to know.
    pub fn tracer(&self) -> Option<Tracer> {
        let detail = self.manners.detail;
        let style = self.style_of_stderr();
        (detail >= Detail::Questions).then(|| {
            let mask = self.manners.mask.clone();
            let tracer: Tracer = Box::new(move |what, sql| {
                stream::err(&style.dim(mask.apply(what)));
                if detail == Detail::Sql {
                    // Indented, so that no line of it passes for one of ours.
                    let mut text = Printable::default();
                    text.pad(2);
                    text.push(Printable::hanging(mask.apply(sql.trim_end()), 2));
                    stream::err(&style.dim(text));
                }
            });
            tracer
        })
    }

    /// Says whom a session waits for.
    pub fn voice(&self) -> Voice {
        let (activity, detail) = (self.activity.clone(), self.manners.detail);
        let mask = self.manners.mask.clone();
        Box::new(move |line| tell(&activity, detail, &Printable::line(mask.apply(line))))
    }

    /// Says a text that may take several lines, all but the first indented.
    fn say_prose(&self, line: &str, indent: usize) {
        let width = self.style_of_stderr().width;
        self.tell(&drawing::prose(self.masked(line), width, indent));
    }

    /// Writes lines to stderr, unless nobody wants to know.
    fn tell(&self, text: &Printable) {
        tell(&self.activity, self.manners.detail, text);
    }

    /// A line for people, without passwords.
    fn masked(&self, line: &str) -> Printable {
        Printable::line(self.manners.mask.apply(line))
    }

    fn style_of_stdout(&self) -> Style {
        Style::new(
            self.manners.color.0,
            stream::width_of_stdout().filter(|_| self.manners.fit == Fit::Terminal),
            self.manners.letters == Letters::Ascii,
        )
    }

    fn style_of_stderr(&self) -> Style {
        Style::new(
            self.manners.color.1,
            stream::width_of_stderr(),
            self.manners.letters == Letters::Ascii,
        )
    }
}

impl Progress for Ui {
    fn say(&self, line: &str) {
        self.say_prose(line, 2);
    }

    fn working(&self, what: &str) {
        if self.manners.detail > Detail::Quiet && stream::width_of_stderr().is_some() {
            self.activity.begin(what);
        }
    }

    fn counting(&self, what: &str) {
        self.activity.go_on(what);
    }

    fn advancing(&self, what: &str, share: f64, aside: &str) {
        if self.manners.detail > Detail::Quiet && stream::width_of_stderr().is_some() {
            self.activity.show(&bar(what, share, aside));
        }
    }

    fn happened(&self, event: &Event<'_>) {
        let mut line = match self.manners.output {
            Output::Table if !event.line.is_empty() && self.manners.detail > Detail::Quiet => {
                let width = self.style_of_stdout().width;
                drawing::prose(Printable::line(&event.line), width, 2)
            }
            Output::Ndjson => Printable::json(&json!(event).to_string()),
            _ => return,
        };
        line.end_line();
        self.activity.end();
        // What cannot be written is noticed by the result at the end.
        let _ = stream::out(&stream::Output::Text(line));
    }

    fn warn(&self, line: &str) {
        self.activity.end();
        let line = self.manners.mask.apply(line);
        stream::err(&(self.style_of_stderr().yellow("warning:") + " " + line));
    }
}

/// `building content_tags  [####......]  43 %  scanning table`
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // Between 0 and 100.
fn bar(what: &str, share: f64, aside: &str) -> String {
    const WIDTH: usize = 10;
    let percent = (share.clamp(0.0, 1.0) * 100.0) as usize;
    let full = percent * WIDTH / 100;
    format!(
        "{what}  [{}{}] {percent:3} %  {aside}",
        "#".repeat(full),
        ".".repeat(WIDTH - full)
    )
}

fn tell(activity: &Activity, detail: Detail, text: &Printable) {
    activity.end();
    if detail > Detail::Quiet {
        stream::err(text);
    }
}
