//! audit.toml: who may be anybody, which schemas count, and which findings are right as they are.

use serde::Deserialize;
use toml::Spanned;

use super::Check;
use crate::error::{Error, Excerpt, Result};
use crate::source::{self, Source, text};

/// Its name, in the folder of the policies.
pub const NAME: &str = "audit.toml";

/// What an audit is told.
#[derive(Debug, Default)]
pub struct Config {
    /// The roles anybody may act as.
    pub low_trust: Vec<String>,
    /// The schemas that count; nothing for all of the platform's.
    pub schemas: Option<Vec<String>>,
    /// Findings that are right as they are.
    pub waivers: Vec<Waiver>,
}

/// Findings that are right as they are.
#[derive(Debug)]
pub struct Waiver {
    /// What found them.
    pub check: String,
    /// What they are about; `*` is everything.
    pub object: String,
    /// Why they are right.
    pub because: String,
    /// Where that is said.
    pub place: Excerpt,
}

impl Waiver {
    /// Whether it is about this.
    pub fn covers(&self, check: &str, object: &str) -> bool {
        self.check == check && (self.object == "*" || self.object == object)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Content {
    #[serde(default = "anybody")]
    low_trust: Vec<String>,
    schemas: Option<Vec<String>>,
    #[serde(default)]
    waive: Vec<Table>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    check: Spanned<String>,
    object: Spanned<String>,
    because: Spanned<String>,
}

fn anybody() -> Vec<String> {
    ["anon", "authenticated"].map(str::to_owned).into()
}

impl Config {
    /// Reads the file; without one, nothing is waived.
    pub fn load(source: &Source) -> Result<Self> {
        let entry = source
            .entries()?
            .into_iter()
            .find(|entry| entry.name == NAME);
        let Some(entry) = entry else {
            return Self::parse(NAME, "");
        };
        let text = text::decode(entry.bytes()?, &entry.path)
            .map_err(|illegible| illegible.about(&entry.path))?;
        Self::parse(&entry.path, &text)
    }

    /// What a text says; `path` is what the file is called.
    pub fn parse(path: &str, text: &str) -> Result<Self> {
        let content: Content = source::toml::parse(path, text)?;
        let at = |word: &Spanned<String>| {
            let span = word.span();
            Excerpt::new(path, text, span.start, span.len())
        };
        let mut waivers = Vec::new();
        for table in &content.waive {
            let name = table.check.get_ref();
            if Check::named(name)?.is_none() {
                return Err(
                    Error::configuration(format!("there is no check {name} to waive"))
                        .at(at(&table.check))
                        .hint(Check::suggestion(name)?)
                        .into(),
                );
            }
            for (word, what, hint) in [
                (
                    &table.object,
                    "the waiver does not say what it is about",
                    "name the object as `policy audit` does, or write \"*\" for all of them",
                ),
                (
                    &table.because,
                    "the waiver has no reason",
                    "say in `because` why this is right, for whoever reads it in a year",
                ),
            ] {
                if word.get_ref().trim().is_empty() {
                    return Err(Error::configuration(what).at(at(word)).hint(hint).into());
                }
            }
            waivers.push(Waiver {
                check: name.clone(),
                object: table.object.get_ref().clone(),
                because: table.because.get_ref().trim().to_owned(),
                place: at(&table.object),
            });
        }
        Ok(Self {
            low_trust: content.low_trust,
            schemas: content.schemas,
            waivers,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::explain;

    fn refused(text: &str) -> (String, usize, Option<String>) {
        let explanation = explain(&Config::parse("audit.toml", text).expect_err("is wrong"));
        let hint = explanation.hint();
        (
            explanation.message,
            explanation.excerpt.map_or(0, |place| place.line),
            hint,
        )
    }

    #[test]
    fn without_a_word_everybody_is_whom_supabase_lets_in() {
        let config = Config::parse("audit.toml", "").expect("is fine");
        assert_eq!(config.low_trust, ["anon", "authenticated"]);
        assert_eq!(config.schemas, None);
    }

    #[test]
    fn what_is_wrong_has_its_line_and_a_way_on() {
        let waiver = |check: &str, object: &str, because: &str| {
            format!(
                "[[waive]]\ncheck = \"{check}\"\nobject = \"{object}\"\nbecause = \"{because}\"\n"
            )
        };
        let (what, line, hint) = refused("low_trusts = []\n");
        assert_eq!(
            (what.as_str(), line, hint.as_deref()),
            (
                "there is no key low_trusts in audit.toml",
                1,
                Some("did you mean `low_trust`?")
            )
        );
        let (what, line, hint) = refused(&waiver("rls-disable", "x", "y"));
        assert_eq!(
            (what.as_str(), line, hint.as_deref()),
            (
                "there is no check rls-disable to waive",
                2,
                Some("did you mean `rls-disabled`?")
            )
        );
        let (what, line, _) = refused(&waiver("rls-disabled", "x", " "));
        assert_eq!((what.as_str(), line), ("the waiver has no reason", 4));
        let (what, line, _) = refused(&waiver("rls-disabled", "", "y"));
        assert_eq!(
            (what.as_str(), line),
            ("the waiver does not say what it is about", 3)
        );
        let (what, line, _) = refused("[[waive]]\ncheck = \"rls-disabled\"\nobject = \"x\"\n");
        assert_eq!(
            (what.as_str(), line),
            ("audit.toml cannot be read: missing field because", 1)
        );
    }
}
