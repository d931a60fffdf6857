//! Something about a place in a file or an object of a database: for people with the line and a caret, for GitHub as an
//! annotation.

use std::fmt::Write;

use super::style::Style;
use super::{Printable, drawing, explanation};
use crate::error::Excerpt;

/// How much it weighs, which picks the colour and GitHub's word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weight {
    /// It has to be changed.
    Error,
    /// It may hurt.
    Warning,
    /// It is worth knowing.
    Notice,
}

/// What finds things, whatever it found.
#[derive(Debug, Clone, Copy)]
pub struct Rule<'a> {
    /// Its name, which never changes.
    pub name: &'a str,
    /// How much its findings weigh as a rule.
    pub weight: Weight,
    /// What it finds, in one sentence.
    pub title: &'a str,
    /// Why that matters.
    pub why: &'a str,
    /// What to do about it.
    pub remedy: &'a str,
}

/// Something about a place in a file or an object of a database.
#[derive(Debug)]
pub struct Diagnostic<'a> {
    /// How much it weighs.
    pub weight: Weight,
    /// The word for that.
    pub word: &'static str,
    /// What it is, in one line.
    pub message: &'a str,
    /// What found it.
    pub rule: Rule<'a>,
    /// The object of a database it is about.
    pub object: Option<&'a str>,
    /// The file it is about, or that declares the object.
    pub file: Option<&'a str>,
    /// Where in the file; nothing if it is about the whole.
    pub place: Option<&'a Excerpt>,
    /// What else there is to say, each with a word for what it is.
    pub notes: Vec<(&'static str, &'a str)>,
    /// A statement that does something about it, with a word for it.
    pub statement: Option<(&'static str, &'a str)>,
    /// Why it is right as it is, if somebody has said so: people are spared all the rest.
    pub accepted: Option<&'a str>,
}

/// All of them for people, with a blank line between. What a rule says about one object it does not say again about the
/// next.
pub(super) fn draw(diagnostics: &[Diagnostic<'_>], style: Style) -> Printable {
    let before = std::iter::once(None).chain(diagnostics.iter().map(Some));
    let drawn = diagnostics.iter().zip(before).map(|(diagnostic, before)| {
        let told = before.filter(|before| {
            before.object.is_some()
                && before.accepted.is_none()
                && before.rule.name == diagnostic.rule.name
        });
        let mut notes = notes(diagnostic);
        let mut statement = statement(diagnostic);
        if let Some(before) = told {
            notes.retain(|note| !before.notes.contains(note));
            statement = statement.filter(|_| before.statement != statement);
        }
        one(diagnostic, &notes, statement, style)
    });
    Printable::joined(drawn)
}

fn one(
    diagnostic: &Diagnostic<'_>,
    notes: &[(&str, &str)],
    statement: Option<(&str, &str)>,
    style: Style,
) -> Printable {
    let paint = |text: &str| match diagnostic.weight {
        Weight::Error => style.red(text),
        Weight::Warning => style.yellow(text),
        Weight::Notice => style.cyan(text),
    };
    let mut text = paint(&format!("{}:", diagnostic.word)) + " " + diagnostic.message + " ";
    text.push(style.dim(format!("[{}]", diagnostic.rule.name)));
    let mut text = drawing::prose(text, style.width, 2);
    text.end_line();
    match diagnostic.place {
        Some(place) if diagnostic.accepted.is_none() => {
            text.push(explanation::draw(place, style, paint));
        }
        place => {
            text.pad(2);
            text.push(style.dim("-->"));
            text.push(format!(" {}", whereabouts(diagnostic)));
            if let Some(place) = place {
                text.push(format!(":{}:{}", place.line, place.column));
            }
        }
    }
    for (word, note) in notes {
        text.end_line();
        text.push(if note.contains('\n') {
            labelled(word, note, style)
        } else {
            drawing::prose(labelled(word, note, style), style.width, 4)
        });
    }
    // It is copied: a line feed might stand within a string.
    if let Some((word, statement)) = statement {
        text.end_line();
        text.push(labelled(word, statement, style));
    }
    text.end_line();
    text
}

fn labelled(word: &str, note: &str, style: Style) -> Printable {
    let mut line = Printable::default();
    line.pad(2);
    line.push(style.bold(format!("{word}:")) + " " + Printable::hanging(note, 4));
    line
}

/// The object and the file that declares it, or either.
fn whereabouts(diagnostic: &Diagnostic<'_>) -> String {
    match (diagnostic.object, diagnostic.file) {
        (Some(object), Some(file)) => format!("{object} ({file})"),
        (Some(one), None) | (None, Some(one)) => one.to_owned(),
        (None, None) => String::new(),
    }
}

/// What else there is to say.
fn notes<'a>(diagnostic: &Diagnostic<'a>) -> Vec<(&'static str, &'a str)> {
    match diagnostic.accepted {
        Some(because) => vec![("because", because)],
        None => diagnostic.notes.clone(),
    }
}

fn statement<'a>(diagnostic: &Diagnostic<'a>) -> Option<(&'static str, &'a str)> {
    diagnostic
        .statement
        .filter(|_| diagnostic.accepted.is_none())
}

/// All of them as commands of GitHub's runners, a line each.
pub(super) fn annotate(diagnostics: &[Diagnostic<'_>]) -> Printable {
    let mut text = Printable::default();
    for diagnostic in diagnostics {
        text.push(annotation(diagnostic));
        text.end_line();
    }
    text
}

fn annotation(diagnostic: &Diagnostic<'_>) -> String {
    let command = match diagnostic.weight {
        Weight::Error => "error",
        Weight::Warning => "warning",
        Weight::Notice => "notice",
    };
    let mut properties = Vec::new();
    if let Some(file) = diagnostic.file {
        properties.push(format!("file={}", property(file)));
    }
    if let Some(place) = diagnostic.place {
        let Excerpt { line, column, .. } = place;
        properties.push(format!(
            "line={line},endLine={line},col={column},endColumn={}",
            place.end_column()
        ));
    }
    properties.push(format!("title={}", property(diagnostic.rule.name)));
    let mut message = match diagnostic.object {
        Some(object) => format!("{object}: {}", diagnostic.message),
        None => diagnostic.message.to_owned(),
    };
    for (word, note) in notes(diagnostic).into_iter().chain(statement(diagnostic)) {
        let _ = write!(message, "\n{word}: {note}");
    }
    format!("::{command} {}::{}", properties.join(","), data(&message))
}

/// What stands behind the colons.
fn data(text: &str) -> String {
    text.replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

/// What stands before them, where commas and colons mean something.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_a_file_says_can_end_an_annotation_or_begin_another() {
        let place = Excerpt::new("a", "select 1;", 7, 1);
        let diagnostic = Diagnostic {
            weight: Weight::Error,
            word: "error",
            message: "50 % of\n::error::x",
            rule: Rule {
                name: "code",
                weight: Weight::Error,
                title: "so",
                why: "so",
                remedy: "do",
            },
            object: None,
            file: Some("odd,line=9:name\n::x.sql"),
            place: Some(&place),
            notes: vec![("why", "so")],
            statement: None,
            accepted: None,
        };
        assert_eq!(
            annotate(&[diagnostic]).as_str(),
            "::error file=odd%2Cline=9%3Aname%0A%3A%3Ax.sql,line=1,endLine=1,col=8,endColumn=9,title=code::\
             50 %25 of%0A::error::x%0Awhy: so\n"
        );
    }
}
