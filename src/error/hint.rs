//! What to do next, as data: the action in words, and the command to type if it is one.
//!
//! A command of ours in a hint, a note or a remedy is an [`Invocation`] and never plain text, so that what is typed
//! next works on the same database: it repeats what chose that database on the command line.

use std::fmt;
use std::sync::OnceLock;

use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};

/// What the command line said about where to work, as it is repeated.
static ADDRESS: OnceLock<Vec<String>> = OnceLock::new();

/// Remembers what the command line said about where to work: `--env production`. Once a process; until then commands
/// are shown bare.
pub fn repeat_address(words: Vec<String>) {
    let _ = ADDRESS.set(words);
}

/// A command of this program, to be typed next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invocation {
    words: String,
    target: Target,
}

/// The database a command is to work on.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Target {
    /// The one the command that runs was given.
    Same,
    /// This environment's.
    Environment(String),
    /// None, or one that needs no naming.
    None,
}

/// A command on the same database, as it is typed behind `toysoldiers`: `migrate up --dry-run`.
pub fn command(words: impl Into<String>) -> Invocation {
    Invocation {
        words: words.into(),
        target: Target::Same,
    }
}

impl Invocation {
    /// On this environment instead.
    #[must_use]
    pub fn on(self, environment: impl Into<String>) -> Self {
        Self {
            target: Target::Environment(environment.into()),
            ..self
        }
    }

    /// Without a database: `init`, `local logs`.
    #[must_use]
    pub fn anywhere(self) -> Self {
        Self {
            target: Target::None,
            ..self
        }
    }

    /// The hint that names it where `text` has `{}`.
    pub fn hint(self, text: impl Into<String>) -> Hint {
        Hint {
            text: text.into(),
            action: Action::Command(self),
        }
    }

    /// Whether it is this command, whatever its flags are.
    pub fn is(&self, name: &str) -> bool {
        self.words
            .strip_prefix(name)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
    }

    /// The whole line.
    pub fn line(&self) -> String {
        let mut line = "toysoldiers".to_owned();
        let address = match &self.target {
            Target::Same => ADDRESS.get().cloned().unwrap_or_default(),
            Target::Environment(name) => vec!["--env".to_owned(), name.clone()],
            Target::None => Vec::new(),
        };
        for word in address {
            line.push(' ');
            line.push_str(&quoted(&word));
        }
        line.push(' ');
        line.push_str(&self.words);
        line
    }
}

impl fmt::Display for Invocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`", self.line())
    }
}

/// A word as a shell reads it.
pub fn quoted(word: &str) -> String {
    let plain = |letter: char| letter.is_alphanumeric() || "-_=./:@%+,".contains(letter);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

/// One thing to do next, in the imperative.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hint {
    text: String,
    action: Action,
}

/// What a hint is about.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Action {
    /// Something to be done by hand.
    ByHand,
    /// A command; its place in the text is `{}`.
    Command(Invocation),
    /// The command that has just run, once more.
    Again,
}

impl Hint {
    /// To run once more what has just run; says why.
    pub fn again(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            action: Action::Again,
        }
    }

    /// The command it names.
    pub fn command(&self) -> Option<&Invocation> {
        match &self.action {
            Action::Command(command) => Some(command),
            Action::ByHand | Action::Again => None,
        }
    }

    /// The same with another command.
    #[must_use]
    pub fn naming(self, command: Invocation) -> Self {
        Self {
            action: Action::Command(command),
            ..self
        }
    }

    /// Whether it ends with what has just run, run once more.
    pub fn is_again(&self) -> bool {
        self.action == Action::Again
    }

    /// The same with its texts changed.
    #[must_use]
    pub fn map(&self, change: impl Fn(&str) -> String) -> Self {
        Self {
            text: change(&self.text),
            action: match &self.action {
                Action::Command(command) => Action::Command(Invocation {
                    words: change(&command.words),
                    ..command.clone()
                }),
                other => other.clone(),
            },
        }
    }
}

impl From<&str> for Hint {
    fn from(text: &str) -> Self {
        text.to_owned().into()
    }
}

impl From<String> for Hint {
    fn from(text: String) -> Self {
        Self {
            text,
            action: Action::ByHand,
        }
    }
}

impl fmt::Display for Hint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.action {
            Action::Command(command) => {
                f.write_str(&self.text.replacen("{}", &command.to_string(), 1))
            }
            Action::ByHand | Action::Again => f.write_str(&self.text),
        }
    }
}

impl Serialize for Hint {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let command = self.command();
        let mut fields = serializer.serialize_struct("Hint", 1 + usize::from(command.is_some()))?;
        fields.serialize_field("text", &self.to_string())?;
        if let Some(command) = command {
            fields.serialize_field("command", &command.line())?;
        }
        fields.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_says_what_it_works_on_and_what_it_is() {
        let up = command("migrate up --dry-run");
        assert_eq!(up.to_string(), "`toysoldiers migrate up --dry-run`");
        assert!(up.is("migrate up") && up.is("migrate") && !up.is("migrate u"));
        let pin = command("env pin").on("pro d");
        assert_eq!(pin.to_string(), "`toysoldiers --env 'pro d' env pin`");
        let hint = pin.hint("stamp it: {}");
        assert_eq!(
            hint.to_string(),
            "stamp it: `toysoldiers --env 'pro d' env pin`"
        );
        assert_eq!(
            serde_json::to_string(&hint).expect("is serialised"),
            r#"{"text":"stamp it: `toysoldiers --env 'pro d' env pin`","command":"toysoldiers --env 'pro d' env pin"}"#
        );
    }

    #[test]
    fn what_is_done_by_hand_names_no_command() {
        let hint = Hint::from("write {} into the file");
        assert_eq!(hint.to_string(), "write {} into the file");
        assert!(hint.command().is_none() && !hint.is_again());
    }
}
