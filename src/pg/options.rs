//! What the `options` of an address hold: settings of the session, as the server's command line has them.
//!
//! They are not sent with the first message of a connection, which poolers refuse or drop: a session makes them for
//! itself, and looks whether they hold. What is no setting is for whoever is in between, such as
//! `reference=PROJECT`, and stays where it is. So does what a session can only be born with.

use std::fmt::Write;

/// Settings that a server takes from the first message alone.
const AT_BIRTH: [&str; 7] = [
    "ignore_system_indexes",
    "jit_debugging_support",
    "jit_profiling_support",
    "local_preload_libraries",
    "log_connections",
    "log_disconnections",
    "post_auth_delay",
];

/// A setting of a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// As the server spells it, but for the case.
    pub name: String,
    /// Its value, as `set_config` takes it.
    pub value: String,
}

/// `options=`, taken apart.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Options {
    /// As it was written.
    pub text: String,
    /// The settings in it, each once: of several values the last counts.
    pub settings: Vec<Setting>,
    /// What of it goes into the first message.
    pub startup: String,
}

/// A setting without a value.
#[derive(Debug, PartialEq, Eq)]
pub struct WithoutValue;

impl Options {
    /// Reads `-c name=value`, `-cname=value` and `--name=value`; a backslash keeps the letter behind it as it is.
    pub fn parse(text: &str) -> Result<Self, WithoutValue> {
        let mut options = Self {
            text: text.to_owned(),
            ..Self::default()
        };
        let mut words = words(text).into_iter();
        while let Some((raw, word)) = words.next() {
            let (mut raw, mut assignment) = (raw.to_owned(), None);
            if let Some(rest) = word.strip_prefix("--").filter(|rest| !rest.is_empty()) {
                assignment = Some(rest.to_owned());
            } else if word == "-c" {
                let (next, value) = words.next().ok_or(WithoutValue)?;
                let _ = write!(raw, " {next}");
                assignment = Some(value);
            } else if let Some(rest) = word.strip_prefix("-c") {
                assignment = Some(rest.to_owned());
            }
            match assignment {
                None => options.keep(&raw),
                Some(assignment) => {
                    let (name, value) = assignment.split_once('=').ok_or(WithoutValue)?;
                    let name = name.replace('-', "_");
                    if name.is_empty() {
                        return Err(WithoutValue);
                    }
                    if AT_BIRTH
                        .iter()
                        .any(|known| name.eq_ignore_ascii_case(known))
                    {
                        options.keep(&raw);
                    } else {
                        options.set(&name, value);
                    }
                }
            }
        }
        Ok(options)
    }

    /// Sets it, whatever it was before.
    pub fn set(&mut self, name: &str, value: &str) {
        self.settings
            .retain(|setting| !setting.name.eq_ignore_ascii_case(name));
        self.settings.push(Setting {
            name: name.to_owned(),
            value: value.to_owned(),
        });
    }

    fn keep(&mut self, word: &str) {
        if !self.startup.is_empty() {
            self.startup.push(' ');
        }
        self.startup.push_str(word);
    }

    /// The value of a setting, if it is in there.
    pub fn value(&self, name: &str) -> Option<&str> {
        let mut settings = self.settings.iter();
        let setting = settings.find(|setting| setting.name.eq_ignore_ascii_case(name))?;
        Some(&setting.value)
    }
}

/// A setting as a word of the server's command line.
pub fn word(name: &str, value: &str) -> String {
    let mut word = String::from("--");
    for letter in name.chars().chain("=".chars()).chain(value.chars()) {
        if is_space(letter) || letter == '\\' {
            word.push('\\');
        }
        word.push(letter);
    }
    word
}

/// The words as they are written, and as they are meant.
fn words(text: &str) -> Vec<(&str, String)> {
    let mut words = Vec::new();
    let mut letters = text.char_indices().peekable();
    while let Some((start, letter)) = letters.peek().copied() {
        if is_space(letter) {
            letters.next();
            continue;
        }
        let mut word = String::new();
        let mut end = start;
        while let Some((place, letter)) = letters.next_if(|(_, letter)| !is_space(*letter)) {
            end = place + letter.len_utf8();
            if letter != '\\' {
                word.push(letter);
            } else if let Some((place, letter)) = letters.next() {
                end = place + letter.len_utf8();
                word.push(letter);
            }
        }
        words.push((&text[start..end], word));
    }
    words
}

/// As `isspace` of C has it.
fn is_space(letter: char) -> bool {
    letter.is_ascii_whitespace() || letter == '\x0b'
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (String, String) {
        let options = Options::parse(text).expect("every setting has a value");
        let settings: Vec<String> = options
            .settings
            .iter()
            .map(|setting| format!("{}={}", setting.name, setting.value))
            .collect();
        (settings.join("|"), options.startup)
    }

    #[test]
    fn settings_are_taken_out_however_they_are_written() {
        for (text, settings, startup) in [
            ("-csearch_path=app", "search_path=app", ""),
            (
                " -c  search_path=app\t--work-mem=8MB ",
                "search_path=app|work_mem=8MB",
                "",
            ),
            (
                r"-c search_path=app,\ public",
                "search_path=app, public",
                "",
            ),
            (r#"-c search_path="a\\b""#, r#"search_path="a\b""#, ""),
            ("-c a.b=1 -c A.B=2", "A.B=2", ""),
            ("-c a.b=", "a.b=", ""),
            ("-c a.b=c=d", "a.b=c=d", ""),
            // What the server's own command line has besides, and what is said to somebody in between.
            ("reference=abc -c a.b=1", "a.b=1", "reference=abc"),
            (r"-S 64 -e x\ y", "", r"-S 64 -e x\ y"),
            (
                "-c log_connections=on --post-auth-delay=1",
                "",
                "-c log_connections=on --post-auth-delay=1",
            ),
            ("--", "", "--"),
            ("", "", ""),
            ("\\", "", "\\"),
        ] {
            let expected = (settings.to_owned(), startup.to_owned());
            assert_eq!(read(text), expected, "{text}");
        }
        for text in ["-c", "-c a", "-ca", "--a", "-c =x", "--=x", "-c a=b -c"] {
            assert_eq!(Options::parse(text), Err(WithoutValue), "{text}");
        }
    }

    #[test]
    fn a_setting_is_read_as_it_was_written() {
        for value in ["", "a b", r"\", "a\tb\\ ", "é='\"", "x=y"] {
            let text = format!("--z=1 {}", word("a.b", value));
            let options = Options::parse(&text).expect("is whole");
            assert_eq!(options.value("A.b"), Some(value));
        }
    }
}
