//! squawk, wrapped: nothing outside of this module and those below it knows its types.
//!
//! Its API is not promised to stay, hence the exact version in Cargo.toml. It finds much; what is no finding here
//! is taken out again: [`table`] tells which rules look, and [`Sheet::lint`] what they see that is not so.

mod depth;
mod reader;
mod table;

use std::borrow::Cow;
use std::panic::{AssertUnwindSafe, catch_unwind};

use squawk_linter::{Linter, LinterSettings, Rule as Theirs, Violation};
use squawk_syntax::{Parse, SourceFile};

use super::facts::{Fact, Facts, Span};
use super::rule::Rule;
use super::{Hit, Wanted, blanked, form};
use crate::pg::sql;
pub use depth::STACK;
use table::{About, Verdict};

/// The oldest server a migration may meet.
const OLDEST_SERVER: &str = "14.0";

/// Where a text is large enough to look at what it is made of.
const LARGE: usize = 256 << 10;

/// What is not read any more: the tree of so much text would take the memory that a migration on a small machine needs.
const LARGEST: usize = 4 << 20;

/// Those of squawk's rules that are ours too.
pub(super) fn rules() -> impl Iterator<Item = &'static Rule> {
    table::all().filter_map(|row| match &row.verdict {
        Verdict::Looks(rule, _) => Some(rule),
        Verdict::Never(_) => None,
    })
}

/// Why a rule of squawk's is none of ours.
pub(super) fn never(name: &str) -> Option<&'static str> {
    table::all().find_map(|row| match row.verdict {
        Verdict::Never(reason) if row.theirs.to_string() == name => Some(reason),
        _ => None,
    })
}

/// A file that was read.
pub(super) struct Sheet {
    text: String,
    parse: Option<Parse<SourceFile>>,
    /// What it says.
    pub facts: Facts,
    /// Statements that could not be read, blanked in `text`.
    unread: Vec<Hit>,
}

impl Sheet {
    /// Reads a file. A statement that cannot be read is left out, so that it spoils none of the others.
    pub fn read(text: &str) -> Self {
        // squawk's own comments would silence rules without a word, and without a reason.
        let text = if text.contains("squawk-") {
            Cow::Owned(text.replace("squawk-", "squawk_"))
        } else {
            Cow::Borrowed(text)
        };
        catch_unwind(AssertUnwindSafe(|| Self::try_read(&text))).unwrap_or_else(|_| Self {
            facts: Facts::default(),
            unread: vec![lost(text.len())],
            parse: None,
            text: text.into_owned(),
        })
    }

    fn try_read(text: &str) -> Self {
        let mut unread = Vec::new();
        let without_rows = blank_rows(text);
        let deep = match blank_deep(&without_rows, &mut unread) {
            Cow::Owned(text) => Some(text),
            Cow::Borrowed(_) => None,
        };
        let mut text = deep.unwrap_or_else(|| without_rows.into_owned());
        let rest = text.bytes().filter(|byte| *byte != b' ').count();
        if rest > LARGEST {
            return Self {
                facts: Facts::default(),
                unread: vec![lost(text.len())],
                parse: None,
                text,
            };
        }
        let mut parse = SourceFile::parse(&text);
        if !parse.errors().is_empty() {
            text = blank_unread(&text, &mut unread).into_owned();
            parse = SourceFile::parse(&text);
        }
        let facts = reader::read(&parse.tree(), &text);
        Self {
            text,
            parse: Some(parse),
            facts,
            unread,
        }
    }

    /// What squawk's rules find, and what could not be read.
    pub fn lint(&self, in_transaction: bool, wanted: Wanted<'_>, hits: &mut Vec<Hit>) {
        hits.extend(self.unread.iter().cloned());
        let Some(parse) = &self.parse else { return };
        let rows: Vec<(Theirs, &'static Rule, About)> = table::all()
            .filter_map(|row| match &row.verdict {
                Verdict::Looks(rule, about) if wanted.includes(rule) => {
                    Some((row.theirs, rule, *about))
                }
                _ => None,
            })
            .collect();
        let found = catch_unwind(AssertUnwindSafe(|| {
            let mut linter = Linter::from(rows.iter().map(|(theirs, ..)| *theirs));
            linter.settings = LinterSettings {
                pg_version: OLDEST_SERVER.parse().unwrap_or_default(),
                assume_in_transaction: in_transaction,
            };
            linter.lint(parse, &self.text)
        }));
        let Ok(found) = found else {
            hits.push(lost(self.text.len()));
            return;
        };
        for violation in &found {
            let row = rows.iter().find(|(theirs, ..)| *theirs == violation.code);
            if let Some((_, rule, about)) = row
                && self.holds(violation, *about, &found)
            {
                let place = span(violation);
                let hit = Hit::new(rule, place, sentence(&violation.message));
                hits.push(if *about == About::WhatIsThere {
                    hit.on(self.facts.at(place))
                } else {
                    hit
                });
            }
        }
    }

    /// Whether what squawk says is so, and is not said twice.
    fn holds(&self, violation: &Violation, about: About, all: &[Violation]) -> bool {
        let place = span(violation);
        let is_fresh = || {
            self.facts
                .fresh
                .iter()
                .any(|statement| statement.holds(place.start))
        };
        if about == About::WhatIsThere && is_fresh() {
            return false;
        }
        match violation.code {
            // Only what counts rows runs out of numbers; seconds and degrees do not.
            Theirs::PreferBigintOverInt => {
                self.facts.keys.iter().any(|key| key.holds(place.start))
            }
            // A new column without a default holds nothing that would have to be looked at.
            Theirs::AddingForeignKeyConstraint => !self.facts.all.iter().any(|fact| {
                matches!(fact, Fact::ForeignKey { scans: false, span, .. } if span.holds(place.start))
            }),
            // Said more exactly; and neither keys nor uniqueness can be NOT VALID.
            Theirs::ConstraintMissingNotValid => !all.iter().any(|other| {
                matches!(
                    other.code,
                    Theirs::AddingForeignKeyConstraint
                        | Theirs::DisallowedUniqueConstraint
                        | Theirs::AddingSerialPrimaryKeyField
                ) && place.holds(span(other).start)
            }),
            _ => true,
        }
    }
}

/// A large text without its `INSERT`s and their semicolons: no rule looks into rows, and a tree of them takes twenty
/// times their size.
fn blank_rows(text: &str) -> Cow<'_, str> {
    if text.len() < LARGE {
        return Cow::Borrowed(text);
    }
    let places: Vec<Span> = sql::statements(text)
        .filter_map(Result::ok)
        .filter(|statement| statement.words.first().is_some_and(|word| word == "insert"))
        .map(|statement| (statement.start, statement.end - statement.start).into())
        .collect();
    blanked(text, &places)
}

/// The text without statements so deep that reading them would need more stack than there is: no panic could be
/// caught then, and the program would end in the middle of whatever it does.
fn blank_deep<'a>(text: &'a str, unread: &mut Vec<Hit>) -> Cow<'a, str> {
    if !depth::is_too_deep(text) {
        return Cow::Borrowed(text);
    }
    let mut places = Vec::new();
    for statement in sql::statements(text).filter_map(Result::ok) {
        if depth::is_too_deep(statement.text) {
            unread.push(Hit::new(
                &form::SYNTAX,
                (statement.start, sql::token_length(text, statement.start)).into(),
                "this statement is too deep for the rules about statements",
            ));
            places.push((statement.start, statement.text.len()).into());
        }
    }
    blanked(text, &places)
}

/// The text without the statements that squawk cannot read.
fn blank_unread<'a>(text: &'a str, unread: &mut Vec<Hit>) -> Cow<'a, str> {
    let mut places = Vec::new();
    for statement in sql::statements(text) {
        let Ok(statement) = statement else { break };
        let alone = SourceFile::parse(statement.text);
        let Some(error) = alone.errors().into_iter().next() else {
            continue;
        };
        let offset = usize::from(error.range().start()).min(statement.text.len().saturating_sub(1));
        let start = statement.start + offset;
        unread.push(Hit::new(
            &form::SYNTAX,
            (start, sql::token_length(text, start)).into(),
            sentence(error.message()),
        ));
        places.push((statement.start, statement.text.len()).into());
    }
    blanked(text, &places)
}

/// A file on which squawk gives up. What we look for without its help is found all the same.
fn lost(length: usize) -> Hit {
    let message = "the file cannot be read by the rules about statements".to_owned();
    Hit::new(&form::SYNTAX, (0, length).into(), message)
}

fn span(violation: &Violation) -> Span {
    let range = violation.text_range;
    (usize::from(range.start()), usize::from(range.len())).into()
}

/// The first sentence of a message, written as ours are.
fn sentence(message: &str) -> String {
    let first = message.split(". ").next().unwrap_or(message);
    let first = first.trim_end_matches(['.', '!']);
    let mut letters = first.chars();
    let Some(initial) = letters.next() else {
        return String::new();
    };
    // `CREATE` and `NOT NULL` stay as they are.
    if letters.clone().next().is_some_and(char::is_uppercase) {
        return first.to_owned();
    }
    initial.to_lowercase().chain(letters).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_has_every_rule_of_squawk_once_and_by_its_name() {
        // No list of them is public without a crate more, so the names are tried as the table has them.
        let mut seen = Vec::new();
        for row in table::all() {
            assert!(!seen.contains(&row.theirs), "{} twice", row.theirs);
            seen.push(row.theirs);
            if let Verdict::Looks(rule, _) = &row.verdict {
                assert_eq!(rule.name, row.theirs.to_string());
            }
        }
        assert_eq!(seen.len(), 78);
    }

    #[test]
    fn what_cannot_be_read_spoils_nothing_else() {
        let text = "create table é(a text);\ncreat table b(id int);\ndrop table c;\n";
        let sheet = Sheet::read(text);
        let mut hits = Vec::new();
        sheet.lint(true, Wanted::All(&[]), &mut hits);
        let found: Vec<(&str, usize)> = hits
            .iter()
            .map(|hit| (hit.rule.name, hit.span.start))
            .collect();
        let place = |word: &str| text.find(word).expect("is there");
        assert_eq!(
            found,
            [
                ("syntax", place("creat table b")),
                ("ban-drop-table", place("drop"))
            ]
        );
        assert_eq!(sheet.text.len(), text.len());
    }

    #[test]
    fn of_a_large_text_the_rows_are_not_read() {
        let rows = "insert into t values (1, 'a');\n".repeat(10_000);
        let found = |text: &str| {
            let mut hits = Vec::new();
            Sheet::read(text).lint(true, Wanted::All(&[]), &mut hits);
            hits.iter()
                .map(|hit| (hit.rule.name, hit.span.start))
                .collect::<Vec<_>>()
        };
        assert_eq!(
            found(&format!("{rows}drop table c;")),
            [("ban-drop-table", rows.len())]
        );
        let updates = "update t set a = 1 where b = 2;\n".repeat(200_000);
        assert_eq!(found(&updates), [("syntax", 0)]);
    }

    #[test]
    fn comments_for_squawk_silence_nothing() {
        let sheet =
            Sheet::read("-- squawk-ignore-file\n-- squawk-ignore ban-drop-table\ndrop table c;\n");
        let mut hits = Vec::new();
        sheet.lint(true, Wanted::All(&[]), &mut hits);
        assert_eq!(hits.len(), 1);
    }

    #[test]
    fn messages_read_like_ours() {
        assert_eq!(
            sentence("Dropping a table may hurt. Really."),
            "dropping a table may hurt"
        );
        assert_eq!(sentence("NOT NULL is."), "NOT NULL is");
        assert_eq!(sentence(""), "");
    }
}
