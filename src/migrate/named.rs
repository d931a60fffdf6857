//! A migration as somebody names it: `8`, `008`, `tips`, `008_tips` or the path of its file.

use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;

use super::history::title;
use super::source::Files;
use crate::error::{Error, Result, command, nearest};

/// Which migration is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    text: String,
    /// Its number, if that was said.
    pub version: Option<i64>,
    /// Its description, if that was said.
    pub name: Option<String>,
}

impl FromStr for Named {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        let file = text.rsplit('/').next().unwrap_or(text);
        let stem = file.strip_suffix(".sql").unwrap_or(file);
        let stem = stem.strip_suffix(".down").unwrap_or(stem);
        let (number, rest) = stem.split_once('_').unwrap_or((stem, ""));
        // `parse` alone would take a sign.
        let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
        let version = number.parse().ok().filter(|_| is_number);
        let name = if version.is_some() { rest } else { stem };
        Ok(Self {
            text: text.to_owned(),
            version,
            name: (!name.is_empty()).then(|| name.to_owned()),
        })
    }
}

impl fmt::Display for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Named {
    /// Whether the migration of this number and description is meant; nothing was said is nobody.
    pub fn is(&self, version: i64, name: &str) -> bool {
        let says_something = self.version.is_some() || self.name.is_some();
        says_something
            && self.version.is_none_or(|wanted| wanted == version)
            && self.name.as_ref().is_none_or(|wanted| wanted == name)
    }

    /// The number of the migration that is meant.
    pub fn find(&self, files: &Files) -> Result<i64> {
        let found = files
            .all
            .iter()
            .find(|file| self.is(file.version, &file.name));
        found.map(|file| file.version).ok_or_else(|| {
            let known = files
                .all
                .iter()
                .map(|file| (file.version, file.name.as_str()));
            self.unknown(known, &format!("in {}", files.source)).into()
        })
    }

    /// None of the known migrations is meant; `place` says where they are.
    pub fn unknown<'a>(&self, known: impl Iterator<Item = (i64, &'a str)>, place: &str) -> Error {
        let candidates: Vec<String> = known
            .flat_map(|(version, name)| [title(version, name), name.to_owned()])
            .collect();
        let near = nearest(&self.text, candidates.iter().map(String::as_str));
        Error::failed(format!("there is no migration {self} {place}"))
            .unchanged()
            .hint(near.map_or_else(
                || command("migrate status").hint("see all of them with {}"),
                |near| format!("did you mean {near}?").into(),
            ))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn means(text: &str, version: i64, name: &str) -> bool {
        text.parse::<Named>()
            .expect("never fails")
            .is(version, name)
    }

    #[test]
    fn a_migration_has_many_names() {
        for text in [
            "8",
            "008",
            "tips",
            "008_tips",
            "8_tips",
            "008_tips.sql",
            "008_tips.down.sql",
            "database/migrations/008_tips.sql",
        ] {
            assert!(means(text, 8, "tips"), "{text}");
        }
        for text in [
            "",
            "9",
            "tip",
            "009_tips",
            "008_tip",
            "-8",
            "+8",
            "8.5",
            "99999999999999999999",
        ] {
            assert!(!means(text, 8, "tips"), "{text}");
        }
        assert!(means("touch_updated_at", 3, "touch_updated_at"));
    }

    proptest! {
        /// What this program shows as a migration's name means that migration and no other.
        #[test]
        fn a_title_means_its_migration(version in 0_i64.., other in 0_i64.., name in "[A-Za-z0-9_]{1,12}") {
            let title = super::super::history::title(version, &name);
            prop_assert!(means(&title, version, &name));
            prop_assert_eq!(means(&title, other, &name), other == version);
        }

        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,30}") {
            means(&text, 1, "a");
        }
    }
}
