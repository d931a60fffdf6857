//! A plan in a file: what would be done, where, and everything it depends on, so that it can be seen whether that is
//! still so.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::Wish;
use super::parts::Part;
use crate::error::{Error, Excerpt, Hint, Result, command, quoted};
use crate::plan::{Risk, Step};

/// The form of the file that this program writes.
const FORMAT: u32 = 2;

/// A plan and what it depends on.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Document {
    /// The form of the file.
    pub format: u32,
    /// The version of the program that made it.
    pub tool_version: String,
    /// Where it is to be done.
    pub target: Target,
    /// What was wanted.
    pub wish: Wish,
    /// The SHA-256 of each file, by its part and its name.
    pub files: BTreeMap<String, String>,
    /// What ran in the database: the checksum of each migration, and when it ran, by its title.
    pub history: BTreeMap<String, String>,
    /// The whole of it in a few words.
    pub title: String,
    /// How much it can hurt.
    pub risk: Risk,
    /// What is done, part by part.
    pub parts: Vec<Planned>,
}

/// A database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Target {
    /// The environment.
    pub environment: String,
    /// Its server.
    pub host: String,
    /// The port of that.
    pub port: u16,
    /// The database.
    pub database: String,
    /// Its number on the server, another one when it was made anew.
    pub number: i64,
}

/// What a part does.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Planned {
    /// Which.
    pub part: Part,
    /// Whether that is all of it, whatever the migrations before it come to.
    pub exact: bool,
    /// In order.
    pub steps: Vec<Step>,
}

impl Document {
    /// A document of what this program writes.
    pub fn new(
        tool_version: &str,
        target: Target,
        wish: Wish,
        files: BTreeMap<String, String>,
        history: BTreeMap<String, String>,
    ) -> Self {
        Self {
            format: FORMAT,
            tool_version: tool_version.to_owned(),
            target,
            wish,
            files,
            history,
            title: String::new(),
            risk: Risk::Mild,
            parts: Vec::new(),
        }
    }

    /// Reads one; `file` is what it is called.
    pub fn parse(file: &str, text: &str) -> Result<Self> {
        #[derive(Deserialize)]
        struct Form {
            format: u32,
        }
        let form = serde_json::from_str::<Form>(text);
        let read = match form {
            Ok(Form { format }) if format != FORMAT => {
                return Err(Error::refused(format!(
                    "{file} is a plan of another form (it has format {format}, this program knows {FORMAT})"
                ))
                .unchanged()
                .hint(again(file))
                .into());
            }
            _ => serde_json::from_str(text),
        };
        read.map_err(|error| {
            let offset = offset(text, error.line(), error.column());
            Error::failed(format!("{file} is no plan of a deploy"))
                .at(Excerpt::new(file, text, offset, 1))
                .because(Error::failed(reason(&error)))
                .hint(again(file))
                .into()
        })
    }

    /// What is not as it was when this was made, a line each, in the words of one who wants to know why.
    pub fn changed(&self, now: &Self) -> Vec<String> {
        let mut lines = Vec::new();
        if self.tool_version != now.tool_version {
            lines.push(format!(
                "it was made by toysoldiers {}, and this is {}",
                self.tool_version, now.tool_version
            ));
        }
        lines.extend(self.target.changed(&now.target));
        lines.extend(compare(
            &self.files,
            &now.files,
            ["is new", "is gone", "has changed"],
        ));
        let words = [
            "was applied since",
            "is not applied any more",
            "is another one, or was applied again",
        ];
        lines.extend(compare(&self.history, &now.history, words));
        // These are told by the files and the history.
        if lines.is_empty() {
            for part in [Part::Policies, Part::Indexes] {
                lines.extend(self.steps_changed(now, part));
            }
        }
        lines
    }

    /// Refuses to go on if anything is not as it was.
    pub fn require(&self, file: &str, now: &Self) -> Result<()> {
        let changed = self.changed(now);
        if changed.is_empty() {
            return Ok(());
        }
        let error = Error::refused(format!("the plan in {file} does not fit any more"));
        let error = changed.into_iter().fold(error, Error::note);
        Err(error.unchanged().hint(again(file)).into())
    }

    fn steps_changed(&self, now: &Self, part: Part) -> Vec<String> {
        fn keys(document: &Document, part: Part) -> BTreeSet<(&str, &str, &[String], &[String])> {
            let parts = document.parts.iter();
            parts
                .filter(|planned| planned.part == part)
                .flat_map(|planned| planned.steps.iter())
                .filter(|step| step.effect.is_change())
                .map(|step| {
                    (
                        step.action.as_str(),
                        step.object.as_str(),
                        step.lines.as_slice(),
                        step.sql.as_slice(),
                    )
                })
                .collect()
        }
        let (then, now) = (keys(self, part), keys(now, part));
        let more = now
            .difference(&then)
            .map(|(action, object, ..)| format!("now there is also to {action} {object}"));
        let less = then
            .difference(&now)
            .map(|(action, object, ..)| format!("there is no more to {action} {object}"));
        more.chain(less).collect()
    }
}

impl Target {
    fn changed(&self, now: &Self) -> Option<String> {
        if self == now {
            return None;
        }
        let title = |target: &Self| {
            format!(
                "{} ({}:{}/{})",
                target.environment, target.host, target.port, target.database
            )
        };
        let (then, here) = (title(self), title(now));
        Some(if then == here {
            format!("the database of {then} was made anew")
        } else {
            format!("it is for {then}, and this is {here}")
        })
    }
}

/// What came, what went, and what has another value, in these words.
fn compare(
    then: &BTreeMap<String, String>,
    now: &BTreeMap<String, String>,
    [came, went, differs]: [&str; 3],
) -> Vec<String> {
    let names: BTreeSet<&String> = then.keys().chain(now.keys()).collect();
    names
        .into_iter()
        .filter_map(|name| match (then.get(name), now.get(name)) {
            (None, _) => Some(format!("{name} {came}")),
            (_, None) => Some(format!("{name} {went}")),
            (Some(then), Some(now)) => (then != now).then(|| format!("{name} {differs}")),
        })
        .collect()
}

fn again(file: &str) -> Hint {
    command(format!("deploy --plan-file {}", quoted(file)))
        .hint("make it again with {}, and read it")
}

/// Where in a text a line and a column are, both from 1; the column counts bytes.
fn offset(text: &str, line: usize, column: usize) -> usize {
    let before: usize = text
        .split_inclusive('\n')
        .take(line.saturating_sub(1))
        .map(str::len)
        .sum();
    let mut offset = (before + column.saturating_sub(1)).min(text.len());
    while !text.is_char_boundary(offset) {
        offset -= 1;
    }
    offset
}

/// Why it cannot be read, without the place, which is shown.
fn reason(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let text = text.split(" at line ").next().unwrap_or(&text);
    text.replace('`', "")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deploy::Wanted;

    fn document() -> Document {
        let target = Target {
            environment: "shop".to_owned(),
            host: "db".to_owned(),
            port: 5432,
            database: "shop".to_owned(),
            number: 1,
        };
        let wish = Wish {
            prune: false,
            unproved: false,
            backup: Wanted::Never,
        };
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let files = [pair("policies/a.sql", "1"), pair("policies/b.sql", "2")];
        let history = [pair("001_a", "1")];
        Document::new("1", target, wish, files.into(), history.into())
    }

    #[test]
    fn what_changed_is_named() {
        let then = document();
        assert!(then.changed(&then).is_empty());
        let mut now = document();
        now.files.remove("policies/a.sql");
        now.files
            .insert("policies/b.sql".to_owned(), "3".to_owned());
        now.files
            .insert("policies/c.sql".to_owned(), "1".to_owned());
        now.history.insert("002_b".to_owned(), "1".to_owned());
        now.target.number = 2;
        assert_eq!(
            then.changed(&now),
            [
                "the database of shop (db:5432/shop) was made anew",
                "policies/a.sql is gone",
                "policies/b.sql has changed",
                "policies/c.sql is new",
                "002_b was applied since",
            ]
        );
    }

    #[test]
    fn a_document_survives_its_file() {
        let then = document();
        let text = serde_json::to_string_pretty(&then).expect("can be written");
        let read = Document::parse("plan.json", &text).expect("can be read");
        assert!(then.changed(&read).is_empty());
        assert_eq!(offset("ab\ncd", 2, 2), 4);
    }
}
