//! Files of TOML beside the SQL: what is in them, and what is wrong with them, by line.

use serde::de::DeserializeOwned;

use crate::error::{Error, Excerpt, Result, nearest};

/// What a text says; `path` is the file as a person would name it.
pub fn parse<T: DeserializeOwned>(path: &str, text: &str) -> Result<T> {
    toml::from_str(text).map_err(|error| describe(path, text, &error).into())
}

/// serde names the key and the keys it knows in backquotes; the span shows where the key stands.
fn describe(path: &str, text: &str, error: &toml::de::Error) -> Error {
    let message = error.message();
    let quoted: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
    let unknown = message
        .starts_with("unknown field")
        .then(|| quoted.split_first())
        .flatten();
    let (what, hint) = if let Some((key, known)) = unknown {
        let hint = match nearest(key, known.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("the keys here are {}", known.join(", ")),
        };
        (format!("there is no key {key} in {path}"), hint)
    } else {
        let reason = message.lines().next().unwrap_or("it is no TOML");
        (
            format!("{path} cannot be read: {}", reason.replace('`', "")),
            "mend that line and try again".to_owned(),
        )
    };
    let span = error.span().unwrap_or(0..0);
    Error::configuration(what)
        .at(Excerpt::new(path, text, span.start, span.len()))
        .hint(hint)
}
