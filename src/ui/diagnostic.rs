//! Something about a place in a file: for people with the line and a caret, for GitHub as an annotation.

use std::fmt::Write;

use super::explanation;
use super::style::{Style, printable};
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

/// Something about a place in a file.
#[derive(Debug)]
pub struct Diagnostic<'a> {
    /// How much it weighs.
    pub weight: Weight,
    /// The word for that.
    pub word: &'static str,
    /// What it is, in one line.
    pub message: &'a str,
    /// The name of what found it.
    pub code: &'static str,
    /// The file.
    pub file: &'a str,
    /// Where in the file; nothing if it is about the whole.
    pub place: Option<&'a Excerpt>,
    /// What else there is to say, each with a word for what it is.
    pub notes: Vec<(&'static str, &'a str)>,
    /// Whether people are spared the line and what else there is to say.
    pub brief: bool,
}

/// All of them for people, with a blank line between.
pub(super) fn draw(diagnostics: &[Diagnostic<'_>], style: Style) -> String {
    let drawn: Vec<String> = diagnostics
        .iter()
        .map(|diagnostic| one(diagnostic, style))
        .collect();
    drawn.join("\n")
}

fn one(diagnostic: &Diagnostic<'_>, style: Style) -> String {
    let paint = |text: &str| match diagnostic.weight {
        Weight::Error => style.red(text),
        Weight::Warning => style.yellow(text),
        Weight::Notice => style.cyan(text),
    };
    let mut text = format!(
        "{} {} {}\n",
        paint(&format!("{}:", diagnostic.word)),
        printable(diagnostic.message),
        style.dim(&format!("[{}]", diagnostic.code)),
    );
    match diagnostic.place {
        Some(place) if !diagnostic.brief => {
            let place = Excerpt {
                file: printable(&place.file).into_owned(),
                text: printable(&place.text).into_owned(),
                ..place.clone()
            };
            text.push_str(&explanation::draw(&place, style, paint));
        }
        place => {
            let _ = write!(
                text,
                "  {} {}",
                style.dim("-->"),
                printable(diagnostic.file)
            );
            if let Some(place) = place {
                let _ = write!(text, ":{}:{}", place.line, place.column);
            }
            text.push('\n');
        }
    }
    for (word, note) in &diagnostic.notes {
        let _ = writeln!(
            text,
            "  {} {}",
            style.bold(&format!("{word}:")),
            printable(note)
        );
    }
    text
}

/// All of them as commands of GitHub's runners, a line each.
pub(super) fn annotate(diagnostics: &[Diagnostic<'_>]) -> String {
    diagnostics.iter().map(annotation).collect()
}

fn annotation(diagnostic: &Diagnostic<'_>) -> String {
    let command = match diagnostic.weight {
        Weight::Error => "error",
        Weight::Warning => "warning",
        Weight::Notice => "notice",
    };
    let mut text = format!("::{command} file={}", property(diagnostic.file));
    if let Some(place) = diagnostic.place {
        let Excerpt { line, column, .. } = place;
        let _ = write!(
            text,
            ",line={line},endLine={line},col={column},endColumn={}",
            place.end_column()
        );
    }
    let _ = write!(text, ",title={}::", property(diagnostic.code));
    let mut message = diagnostic.message.to_owned();
    for (word, note) in &diagnostic.notes {
        let _ = write!(message, "\n{word}: {note}");
    }
    text.push_str(&data(&message));
    text.push('\n');
    text
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
            code: "code",
            file: "odd,line=9:name\n::x.sql",
            place: Some(&place),
            notes: vec![("why", "so")],
            brief: false,
        };
        assert_eq!(
            annotate(&[diagnostic]),
            "::error file=odd%2Cline=9%3Aname%0A%3A%3Ax.sql,line=1,endLine=1,col=8,endColumn=9,title=code::\
             50 %25 of%0A::error::x%0Awhy: so\n"
        );
    }
}
