//! What is said when a command line makes no sense, or asks for help.

use clap::error::{ContextKind, ContextValue};

use crate::error::{Exit, Explanation, Kind, Mask};
use crate::ui::{Manners, Output, Printable, Ui};

/// Says it, and how the process ends.
pub(super) fn tell(error: clap::Error, manners: Manners) -> u8 {
    let error = cleaned(error, &manners.mask);
    let text = error.render();
    let color = manners.color;
    let output = manners.output;
    let ui = Ui::new(manners);
    let dressed = |color| {
        if color {
            text.ansi().to_string()
        } else {
            text.to_string()
        }
    };
    if !error.use_stderr() {
        // Help and version are results; a reader that went away has seen enough.
        return match ui.show_help(&dressed(color.0)) {
            Ok(()) => Exit::Done.code(),
            Err(_) => Kind::Failed.code(),
        };
    }
    if output == Output::Json {
        let text = text.to_string();
        let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        let message = lines
            .next()
            .unwrap_or_default()
            .trim_start_matches("error: ")
            .to_owned();
        ui.explain(&Explanation::usage(
            message,
            lines.map(str::to_owned).collect(),
        ));
    } else {
        ui.explain_usage(&dressed(color.1));
    }
    Kind::Usage.code()
}

/// Words of the command line stand in the text among lines that the library writes: each of them is one line here, so
/// that it cannot pass for one of those.
fn cleaned(mut error: clap::Error, mask: &Mask) -> clap::Error {
    // A password is known by how it was written.
    let line = |text: &str| Printable::line(mask.apply(text)).to_string();
    let changed: Vec<(ContextKind, ContextValue)> = error
        .context()
        .filter_map(|(kind, value)| {
            let value = match value {
                ContextValue::String(text) => ContextValue::String(line(text)),
                ContextValue::Strings(texts) => {
                    ContextValue::Strings(texts.iter().map(|text| line(text)).collect())
                }
                // Advice that quotes such words.
                ContextValue::StyledStrs(texts) => ContextValue::StyledStrs(
                    texts
                        .iter()
                        .map(|text| line(&text.to_string()).into())
                        .collect(),
                ),
                _ => return None,
            };
            Some((kind, value))
        })
        .collect();
    for (kind, value) in changed {
        error.insert(kind, value);
    }
    error
}
