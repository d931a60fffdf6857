//! More arguments for psql, read as psql reads them, for the few that concern us.

use std::borrow::Cow;
use std::ffi::OsString;

use crate::error::{Error, Result, masked};

/// Its letters that take an argument.
const WITH_ARGUMENT: &str = "cdfFhLopPRTUv";

/// Those of them that name a file.
const FILES: &str = "fLo";

/// Its long options, with their letters where they have one.
const LONG: [(&str, char); 37] = [
    ("command", 'c'),
    ("csv", ' '),
    ("dbname", 'd'),
    ("echo-all", 'a'),
    ("echo-errors", 'b'),
    ("echo-hidden", 'E'),
    ("echo-queries", 'e'),
    ("expanded", 'x'),
    ("field-separator", 'F'),
    ("field-separator-zero", 'z'),
    ("file", 'f'),
    ("help", ' '),
    ("host", 'h'),
    ("html", 'H'),
    ("list", 'l'),
    ("log-file", 'L'),
    ("no-align", 'A'),
    ("no-password", 'w'),
    ("no-psqlrc", 'X'),
    ("no-readline", 'n'),
    ("output", 'o'),
    ("password", 'W'),
    ("port", 'p'),
    ("pset", 'P'),
    ("quiet", 'q'),
    ("record-separator", 'R'),
    ("record-separator-zero", '0'),
    ("set", 'v'),
    ("single-line", 'S'),
    ("single-step", 's'),
    ("single-transaction", '1'),
    ("table-attr", 'T'),
    ("tuples-only", 't'),
    ("username", 'U'),
    ("variable", 'v'),
    ("version", 'V'),
    ("?", ' '),
];

/// Arguments that leave psql where it is.
#[derive(Debug)]
pub struct Arguments {
    /// As they were typed.
    pub(super) typed: Vec<OsString>,
    /// Whether psql reads no start file.
    pub(super) without_start_file: bool,
}

impl Arguments {
    /// Refuses what would lead to another database, or there as somebody else: what is checked is the one of the
    /// environment.
    pub fn read(typed: Vec<OsString>) -> Result<Self> {
        let words = words(&typed);
        for word in &words {
            if let Word::Path(letter, path) = word {
                refuse_address(&format!("-{letter}"), path)?;
            }
        }
        let elsewhere = words.iter().find_map(|word| match word {
            Word::Option(letter @ ('d' | 'h' | 'p' | 'U')) => Some(format!("-{letter}")),
            Word::Plain(text) => Some(text.clone()),
            Word::Option(_) | Word::Path(..) => None,
        });
        if let Some(word) = elsewhere {
            return Err(Error::usage(format!(
                "`{word}` would lead psql away from the database of the environment"
            ))
            .hint("name another one with `--env` or `--database-url`")
            .into());
        }
        Ok(Self {
            without_start_file: words.contains(&Word::Option('X')),
            typed,
        })
    }
}

/// What one of its arguments is; arguments of options are left out.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Word {
    /// An option, by its letter.
    Option(char),
    /// The file that an option names.
    Path(char, String),
    /// The name of a database, or of a role.
    Plain(String),
}

/// What psql will make of these arguments. What it does not know either is left out: psql refuses it.
fn words(arguments: &[OsString]) -> Vec<Word> {
    let mut words = Vec::new();
    let mut arguments = arguments.iter().map(|argument| argument.to_string_lossy());
    let mut is_over = false;
    while let Some(argument) = arguments.next() {
        if is_over || argument == "-" || !argument.starts_with('-') {
            words.push(Word::Plain(argument.into_owned()));
        } else if argument == "--" {
            is_over = true;
        } else if let Some(long) = argument.strip_prefix("--") {
            let (name, value) = long
                .split_once('=')
                .map_or((long, None), |(name, value)| (name, Some(value)));
            let Some(letter) = letter_of(name) else {
                continue;
            };
            words.push(Word::Option(letter));
            if WITH_ARGUMENT.contains(letter) {
                let value = value.map(Into::into).or_else(|| arguments.next());
                words.extend(path(letter, value));
            }
        } else {
            let mut letters = argument[1..].chars();
            while let Some(letter) = letters.next() {
                words.push(Word::Option(letter));
                if WITH_ARGUMENT.contains(letter) {
                    let rest = Some(letters.as_str()).filter(|rest| !rest.is_empty());
                    let value = rest.map(|rest| rest.to_owned().into());
                    words.extend(path(letter, value.or_else(|| arguments.next())));
                    break;
                }
            }
        }
    }
    words
}

/// The file that this option names with this value.
fn path(letter: char, value: Option<Cow<'_, str>>) -> Option<Word> {
    let value = value.filter(|_| FILES.contains(letter));
    value.map(|value| Word::Path(letter, value.into_owned()))
}

/// Refuses an address as the name of a file: psql's own error would say it back, password and all.
pub fn refuse_address(option: &str, path: &str) -> Result<()> {
    if path.contains("://") || masked(path) != path {
        return Err(Error::usage(format!(
            "`{option}` takes a file, and {} is an address",
            masked(path)
        ))
        .hint("name a file, and the database with `--env` or `--database-url`")
        .into());
    }
    Ok(())
}

/// A long option may be shortened as long as it stays the only one.
fn letter_of(name: &str) -> Option<char> {
    if let Some((_, letter)) = LONG.iter().find(|(long, _)| *long == name) {
        return Some(*letter);
    }
    let mut like = LONG.iter().filter(|(long, _)| long.starts_with(name));
    match (like.next(), like.next()) {
        (Some((_, letter)), None) => Some(*letter),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(line: &str) -> String {
        let arguments: Vec<OsString> = line.split(' ').map(OsString::from).collect();
        let words = words(&arguments).into_iter().map(|word| match word {
            Word::Option(letter) => format!("-{letter}"),
            Word::Path(_, path) => format!("({path})"),
            Word::Plain(text) => text,
        });
        words.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn options_are_found_however_they_are_written() {
        for (line, words) in [
            ("-AtX", "-A -t -X"),
            ("-F X -q", "-F -q"),
            ("-FX -q", "-F -q"),
            ("-v ON_ERROR_STOP=1 shop", "-v shop"),
            ("--no-psqlrc", "-X"),
            ("--no-ps", "-X"),
            ("--no-p", ""),
            ("--host=db --port 6000", "-h -p"),
            ("--field-separator -X", "-F"),
            ("-c -X", "-c"),
            ("-- -X", "-X"),
            ("--csv -1 -", "-  -1 -"),
            ("-qfa --fil=b -L c -o d", "-q -f (a) -f (b) -L (c) -o (d)"),
        ] {
            assert_eq!(shown(line), words, "{line}");
        }
        // After the end of the options there are none.
        assert_eq!(
            words(&["--".into(), "-X".into()]),
            [Word::Plain("-X".to_owned())]
        );
    }
}
