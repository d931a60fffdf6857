//! What a rule is: a name that stays, a reason, and a safe way to write what it finds.

use std::fmt;

use serde::{Serialize, Serializer};

use super::{access, data, form, mode, path, squawk};
use crate::error::{command, nearest};

/// How much a finding weighs. The first two stop `migrate up`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// It cannot work.
    Error,
    /// It could run, but the configuration denies it.
    Denied,
    /// It can hurt: whoever waits for a lock, the data, or who may see it.
    Warning,
    /// Worth knowing when there is time; nothing is hurt while it runs.
    Note,
    /// The file itself says why it is right.
    Allowed,
}

impl Level {
    /// Its word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Denied => "denied",
            Self::Warning => "warning",
            Self::Note => "note",
            Self::Allowed => "allowed",
        }
    }

    /// Whether `migrate up` refuses a file with such a finding.
    pub const fn stops(self) -> bool {
        matches!(self, Self::Error | Self::Denied)
    }
}

/// When a rule looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Habit {
    /// Always.
    Always,
    /// Only where the configuration denies what it finds.
    WhenDenied,
}

/// Something that can be found in a migration.
#[derive(Debug)]
pub struct Rule {
    /// Its name, which never changes.
    pub name: &'static str,
    /// What its findings are unless somebody says otherwise.
    pub level: Level,
    /// When it looks.
    pub habit: Habit,
    /// Why it matters, in one line.
    pub why: &'static str,
    /// What to write instead.
    pub rewrite: &'static str,
}

impl Rule {
    /// A rule that always looks.
    pub(super) const fn new(
        level: Level,
        name: &'static str,
        why: &'static str,
        rewrite: &'static str,
    ) -> Self {
        Self {
            name,
            level,
            habit: Habit::Always,
            why,
            rewrite,
        }
    }

    /// Every rule there is.
    pub fn all() -> impl Iterator<Item = &'static Self> {
        [
            form::RULES,
            mode::RULES,
            access::RULES,
            data::RULES,
            path::RULES,
        ]
        .into_iter()
        .flatten()
        .copied()
        .chain(squawk::rules())
    }

    /// The rule of this name.
    pub fn named(name: &str) -> Option<&'static Self> {
        Self::all().find(|rule| rule.name == name)
    }

    /// What to do about a name that no rule has.
    pub fn suggestion(name: &str) -> String {
        if let Some(reason) = squawk::never(name) {
            return format!("leave it out: {reason}");
        }
        match nearest(name, Self::all().map(|rule| rule.name)) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("take a name that {} shows", command("migrate check")),
        }
    }
}

impl PartialEq for Rule {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Rule {}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl Serialize for Rule {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn names_are_unique_and_texts_are_written_as_errors_are() {
        let mut names = HashSet::new();
        for rule in Rule::all() {
            assert!(names.insert(rule.name), "{rule} twice");
            assert!(
                rule.name
                    .bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte == b'-'),
                "{rule}"
            );
            for text in [rule.why, rule.rewrite] {
                let ends = text.ends_with('.') && !text.ends_with("...");
                assert!(!text.is_empty() && !ends, "{rule}: {text}");
                assert!(!text.contains('\n'), "{rule}: {text}");
            }
        }
    }

    #[test]
    fn a_wrong_name_leads_to_the_right_one() {
        assert_eq!(
            Rule::suggestion("ban-drop-colum"),
            "did you mean `ban-drop-column`?"
        );
        assert!(Rule::suggestion("require-lock-timeout").starts_with("leave it out: "));
    }
}
