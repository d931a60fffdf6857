//! The one place that prints a failure.

use std::fmt::Write;

use serde_json::json;

use super::style::{Style, printable};
use super::{Output, Ui, write_err};
use crate::error::{Excerpt, Explanation, Mask};

impl Ui {
    /// Tells a person what failed, why, and what to do next; under `-o json` the same as one line of JSON.
    pub fn explain(&self, explanation: &Explanation) {
        self.activity.end();
        let explanation = &masked(explanation, &self.manners.mask);
        if matches!(self.manners.output, Output::Json | Output::Ndjson) {
            let mut document = json!(explanation);
            // The first of them has a key of its own, for programs that knew no other.
            if let Some(hint) = explanation.hint() {
                document["hint"] = json!(hint);
            }
            document["exit"] = json!(explanation.kind.code());
            write_err(&json!({ "error": document }).to_string());
        } else {
            write_err(render(&disarmed(explanation), self.style_of_stderr()).trim_end());
        }
    }

    /// Shows what is wrong with a command line, as the parser of command lines tells it.
    pub fn explain_usage(&self, text: &str) {
        write_err(self.manners.mask.apply(text).trim_end());
    }
}

/// The same, without whatever could play tricks on a terminal.
fn disarmed(explanation: &Explanation) -> Explanation {
    each_text(explanation, |text| printable(text).into_owned())
}

/// The same, without passwords: also a file's line holds them, and what came from a server or another program.
fn masked(explanation: &Explanation, mask: &Mask) -> Explanation {
    each_text(explanation, |text| mask.apply(text))
}

fn each_text(explanation: &Explanation, change: impl Fn(&str) -> String) -> Explanation {
    Explanation {
        kind: explanation.kind,
        message: change(&explanation.message),
        causes: explanation.causes.iter().map(|text| change(text)).collect(),
        excerpt: explanation.excerpt.as_ref().map(|excerpt| Excerpt {
            file: change(&excerpt.file),
            text: change(&excerpt.text),
            ..excerpt.clone()
        }),
        notes: explanation
            .notes
            .iter()
            .map(|note| note.map(&change))
            .collect(),
        hints: explanation
            .hints
            .iter()
            .map(|hint| hint.map(&change))
            .collect(),
        sqlstate: explanation.sqlstate.clone(),
    }
}

fn render(explanation: &Explanation, style: Style) -> String {
    let mut text = format!("{} {}\n", style.red("error:"), explanation.message);
    for cause in &explanation.causes {
        let _ = writeln!(
            text,
            "  caused by: {}",
            cause.replace('\n', "\n             ")
        );
    }
    if let Some(excerpt) = &explanation.excerpt {
        text.push_str(&draw(excerpt, style, |carets| style.red(carets)));
    }
    for note in &explanation.notes {
        let _ = writeln!(
            text,
            "  {} {}",
            style.bold("note:"),
            note.to_string().replace('\n', "\n        ")
        );
    }
    for hint in &explanation.hints {
        let _ = writeln!(
            text,
            "  {} {}",
            style.cyan("hint:"),
            hint.to_string().replace('\n', "\n        ")
        );
    }
    text
}

/// Of a very long line, this much is shown before and after the place.
const AROUND: usize = 60;

/// The line of the file with the place underlined by these carets.
pub(super) fn draw(excerpt: &Excerpt, style: Style, paint: impl Fn(&str) -> String) -> String {
    let Excerpt {
        file,
        line,
        column,
        width,
        text,
    } = excerpt;
    let letters: Vec<char> = text.chars().collect();
    let place = (column - 1).min(letters.len());
    let (from, until) = if letters.len() > 2 * AROUND {
        (
            place.saturating_sub(AROUND),
            (place + AROUND).min(letters.len()),
        )
    } else {
        (0, letters.len())
    };
    let shown: String = letters[from..until].iter().collect();
    let (before, after) = (
        if from > 0 { "..." } else { "" },
        if until < letters.len() { "..." } else { "" },
    );
    // Tabs stay tabs in the line of carets, and other letters are as wide as they are, so that both lines are
    // indented alike.
    let indent: String = letters[from..place]
        .iter()
        .map(|letter| match letter {
            '\t' => "\t".to_owned(),
            _ => " ".repeat(columns(&[*letter])),
        })
        .collect();
    let end = (place + *width).min(until).max(place);
    let carets = paint(&"^".repeat(columns(&letters[place..end]).max(1)));
    let number = line.to_string();
    let gutter = " ".repeat(number.len().max(3));
    format!(
        "  {} {file}:{line}:{column}\n  {gutter}|\n  {number:>pad$}| {before}{shown}{after}\n  {gutter}| {skip}{indent}{carets}\n",
        style.dim("-->"),
        number = format!("{number} "),
        pad = gutter.len(),
        skip = " ".repeat(before.len()),
    )
}

/// How many columns of a terminal they take.
fn columns(letters: &[char]) -> usize {
    let columns = |letter: &char| match letter {
        '\t' => 1,
        _ => console::measure_text_width(letter.encode_utf8(&mut [0; 4])),
    };
    letters.iter().map(columns).sum()
}
