//! The one place that prints a failure.

use serde_json::json;

use super::style::Style;
use super::{Output, Printable, Ui, stream};
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
            let document = json!({ "error": document }).to_string();
            stream::err(&Printable::json(&document));
        } else {
            stream::err(&render(explanation, self.style_of_stderr()).trimmed());
        }
    }

    /// Shows what is wrong with a command line, as a library tells it in its colours.
    pub fn explain_usage(&self, text: &str) {
        let text = self.manners.mask.apply(text);
        stream::err(&Printable::colored(&text).trimmed());
    }
}

/// The same, without passwords: also a file's line holds them, and what came from a server or another program.
fn masked(explanation: &Explanation, mask: &Mask) -> Explanation {
    let change = |text: &str| mask.apply(text);
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
            .map(|note| note.map(change))
            .collect(),
        hints: explanation
            .hints
            .iter()
            .map(|hint| hint.map(change))
            .collect(),
        sqlstate: explanation.sqlstate.clone(),
    }
}

fn render(explanation: &Explanation, style: Style) -> Printable {
    let mut text =
        style.red("error:") + " " + Printable::hanging(&explanation.message, "error: ".len());
    for cause in &explanation.causes {
        text.below(2, "caused by: ");
        text.push(Printable::hanging(cause, "  caused by: ".len()));
    }
    if let Some(excerpt) = &explanation.excerpt {
        text.end_line();
        text.push(draw(excerpt, style, |carets| style.red(carets)));
    }
    for note in &explanation.notes {
        text.below(2, style.bold("note:"));
        text.push(" ");
        text.push(Printable::hanging(note.to_string(), "  note: ".len()));
    }
    for hint in &explanation.hints {
        text.below(2, style.cyan("hint:"));
        text.push(" ");
        text.push(Printable::hanging(hint.to_string(), "  hint: ".len()));
    }
    text
}

/// Of a very long line, this much is shown before and after the place.
const AROUND: usize = 60;

/// The line of the file with the place underlined by these carets.
pub(super) fn draw(
    excerpt: &Excerpt,
    style: Style,
    paint: impl Fn(&str) -> Printable,
) -> Printable {
    let Excerpt {
        file,
        line,
        column,
        width,
        text,
        before: cut,
        goes_on,
    } = excerpt;
    let letters = Printable::letters(text);
    let place = column.saturating_sub(1 + *cut as usize).min(letters.len());
    let (from, until) = if letters.len() > 2 * AROUND {
        (
            place.saturating_sub(AROUND),
            (place + AROUND).min(letters.len()),
        )
    } else {
        (0, letters.len())
    };
    let (before, after) = (
        if from > 0 || *cut > 0 { "..." } else { "" },
        if until < letters.len() || *goes_on {
            "..."
        } else {
            ""
        },
    );
    let end = (place + *width).min(until).max(place);
    let number = line.to_string();
    let gutter = number.len().max(3);
    let mut drawn = Printable::default();
    drawn.pad(2);
    drawn.push(style.dim("-->"));
    drawn.push(format!(" {file}:{line}:{column}"));
    drawn.below(2 + gutter, "|");
    drawn.below(2 + gutter - number.len() - 1, number);
    drawn.push(" | ");
    drawn.push(before);
    for letter in &letters[from..until] {
        drawn.push(letter.clone());
    }
    drawn.push(after);
    drawn.below(2 + gutter, "| ");
    drawn.pad(before.len());
    // Tabs stay tabs in the line of carets, and other letters are as wide as they are, so that both lines are
    // indented alike.
    for letter in &letters[from..place] {
        if letter.as_str() == "\t" {
            drawn.push(letter.clone());
        } else {
            drawn.pad(letter.width());
        }
    }
    drawn.push(paint(&"^".repeat(columns(&letters[place..end]).max(1))));
    drawn
}

/// How many columns of a terminal they take.
fn columns(letters: &[Printable]) -> usize {
    let columns = |letter: &Printable| match letter.as_str() {
        "\t" => 1,
        _ => letter.width(),
    };
    letters.iter().map(columns).sum()
}
