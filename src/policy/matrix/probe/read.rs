//! Reading `[[probe]]`.

use std::ops::Range;

use toml::Spanned;
use toml::de::DeTable;

use super::super::document::{Document, Item};
use super::super::row::{Drafts, Pair};
use super::super::value::Value;
use super::super::{Actor, Relation, Word};
use super::{Action, Expected, Outcome, Probe, Target};
use crate::error::{Error, Result};
use crate::pg::sql;

const ACTIONS: [&str; 6] = [
    "select", "insert", "update", "delete", "truncate", "function",
];

const KEYS: [&str; 17] = [
    "blind", "table", "case", "columns", "set", "sqlstate", "allowed", "hidden", "denied",
    "no_grant", "error", "select", "insert", "update", "delete", "truncate", "function",
];

/// The keys of one probe.
struct Reader<'t, 'a> {
    document: Document<'a>,
    entries: Vec<(&'t str, Range<usize>, &'t Item<'a>)>,
    /// The place of the whole.
    span: Range<usize>,
}

/// Reads one `[[probe]]`.
pub(in super::super) fn read<'a>(
    document: Document<'a>,
    item: &Item<'a>,
    drafts: &Drafts<'a>,
    actors: &[Actor],
) -> Result<Probe> {
    let table: &DeTable<'a> = document.table(item, "probe")?;
    let entries = document.entries(table, &KEYS)?.into_iter();
    let entries = entries.map(|(key, item)| (&**key.get_ref(), key.span(), item));
    let reader = Reader {
        document,
        entries: entries.collect(),
        span: item.span(),
    };
    reader.read(drafts, actors)
}

impl<'t, 'a> Reader<'t, 'a> {
    fn find(&self, key: &str) -> Option<(&Range<usize>, &'t Item<'a>)> {
        let mut entries = self.entries.iter();
        let (_, span, item) = entries.find(|(name, ..)| *name == key)?;
        Some((span, item))
    }

    fn text(&self, key: &str) -> Result<Option<Word>> {
        let found = self.find(key);
        found
            .map(|(_, item)| self.document.string(item, key))
            .transpose()
    }

    /// Where a complaint about the whole probe points: what it asks, else its first line.
    fn anchor(&self) -> Range<usize> {
        let mut named = ACTIONS.iter().chain(&["table"]);
        let found = named.find_map(|key| self.find(key));
        found.map_or(self.span.clone(), |(span, _)| span.clone())
    }

    fn read(&self, drafts: &Drafts<'a>, actors: &[Actor]) -> Result<Probe> {
        let (command, span, item) = self.command()?;
        for (key, owner) in [("set", "update"), ("columns", "select")] {
            if let Some((span, _)) = self.find(key).filter(|_| command != owner) {
                return Err(self
                    .document
                    .error(
                        span,
                        format!("{key} belongs to {owner}, and this probe is a {command}"),
                    )
                    .hint(format!("take {key} out, or ask for {owner}"))
                    .into());
            }
        }
        let table = match (self.text("table")?, command) {
            (Some(word), "function") => {
                return Err(Error::configuration("a function is called without a table")
                    .at(word.place)
                    .hint("take `table` out")
                    .into());
            }
            (None, "function") => None,
            (Some(word), _) => Some((Relation::written(&word.text), word.place)),
            (None, _) => {
                return Err(self
                    .document
                    .error(&self.anchor(), "a probe without a table")
                    .hint("say which: table = \"content\"")
                    .into());
            }
        };
        let action = self.action(
            command,
            item,
            table.as_ref().map(|(table, _)| table),
            drafts,
        )?;
        let blind = self.blind(command)?;
        let label = match self.text("case")? {
            Some(case) => case.text,
            None if blind => format!("{}, blind", label(&action, item)),
            None => label(&action, item),
        };
        let expected = self.expected(&action, actors)?;
        Ok(Probe {
            place: self.document.place(span),
            table,
            action,
            blind,
            label,
            expected,
        })
    }

    fn blind(&self, command: &str) -> Result<bool> {
        let Some((span, item)) = self.find("blind") else {
            return Ok(false);
        };
        let message = if !["update", "delete"].contains(&command) {
            format!("blind belongs to update and delete, and this probe is a {command}")
        } else if item.get_ref().as_bool() != Some(true) {
            "blind is either true or left out".to_owned()
        } else {
            return Ok(true);
        };
        Err(self
            .document
            .error(span, message)
            .hint("write blind = true for a change that reads nothing of the row, or take it out")
            .into())
    }

    /// The one thing that is asked.
    fn command(&self) -> Result<(&'t str, &Range<usize>, &'t Item<'a>)> {
        let mut asked = self.entries.iter();
        let mut asked = asked.by_ref().filter(|(name, ..)| ACTIONS.contains(name));
        let Some((command, span, item)) = asked.next() else {
            return Err(self
                .document
                .error(&self.anchor(), "a probe that asks nothing")
                .hint(format!("ask one of {}", ACTIONS.join(", ")))
                .into());
        };
        if let Some((second, span, _)) = asked.next() {
            return Err(self
                .document
                .error(span, format!("one probe asks {command} and {second}"))
                .hint("make two probes of it")
                .into());
        }
        Ok((command, span, item))
    }

    fn action(
        &self,
        command: &str,
        item: &Item<'a>,
        table: Option<&Relation>,
        drafts: &Drafts<'a>,
    ) -> Result<Action> {
        let row = || {
            if item.get_ref().is_table() {
                return Err(self
                    .document
                    .error(
                        &item.span(),
                        format!("{command} takes a row of [rows], and no condition"),
                    )
                    .hint("only rows that the matrix makes are changed: name one of them")
                    .into());
            }
            let word = self.document.string(item, command)?;
            match table {
                Some(table) => drafts.find(table, &word.text, &item.span()),
                None => Err(self.document.mistyped(item, command, "a call").into()),
            }
        };
        Ok(match command {
            "select" => {
                let target = if item.get_ref().is_table() {
                    Target::Condition(drafts.pairs(item, "select")?)
                } else {
                    Target::Row(row()?)
                };
                let columns = match self.find("columns") {
                    Some((_, item)) => self.document.strings(item, "columns")?,
                    None => Vec::new(),
                };
                Action::Select(target, columns.into_iter().map(|(word, _)| word).collect())
            }
            "insert" => Action::Insert(drafts.pairs(item, "insert")?),
            "update" => {
                let number = row()?;
                let set = match self.find("set") {
                    Some((_, item)) => drafts.pairs(item, "set")?,
                    None => Vec::new(),
                };
                if set.is_empty() {
                    return Err(self
                        .document
                        .error(&self.anchor(), "an update that sets nothing")
                        .hint("say what: set = { title = \"x\" }")
                        .into());
                }
                Action::Update(number, set)
            }
            "delete" => Action::Delete(row()?),
            "truncate" => {
                if item.get_ref().as_bool() != Some(true) {
                    return Err(self
                        .document
                        .error(&item.span(), "truncate is either true or left out")
                        .hint("write truncate = true")
                        .into());
                }
                Action::Truncate
            }
            _ => Action::Call(self.call(item)?),
        })
    }

    /// A call is one expression: nothing in it ends the statement it becomes a part of.
    fn call(&self, item: &Item<'a>) -> Result<Word> {
        let word = self.document.string(item, "function")?;
        let mut statements = sql::statements(&word.text);
        let first = statements.by_ref().next();
        let is_whole = matches!(
            &first,
            Some(Ok(statement))
                if statement.rows.is_none() && word.text[statement.start..].trim_end() == statement.text
        );
        let is_call = word.text.contains('(') && word.text.trim_end().ends_with(')');
        if is_whole && is_call && statements.next().is_none() && statements.skipped().is_empty() {
            return Ok(word);
        }
        Err(Error::configuration("this is not one call of a function")
            .at(word.place)
            .hint("write it as SQL does: app.get_content('f0000000-0000-0000-0000-000000000001')")
            .into())
    }

    /// Everybody comes to exactly one thing.
    fn expected(&self, action: &Action, actors: &[Actor]) -> Result<Vec<Expected>> {
        let document = self.document;
        let sqlstate = self.sqlstate()?;
        let mut found: Vec<Option<Outcome>> = vec![None; actors.len()];
        let mut others: Option<Outcome> = None;
        for outcome in Outcome::ALL {
            let Some((span, item)) = self.find(outcome.key()) else {
                continue;
            };
            if *action == Action::Truncate
                && !matches!(outcome, Outcome::Allowed | Outcome::NoGrant)
            {
                return Err(document
                    .error(span, format!("a truncate is never {}", outcome.key()))
                    .hint("it is allowed or no_grant: row-level security has no say in it")
                    .into());
            }
            for (name, span) in document.strings(item, outcome.key())? {
                let place = if name.text == "*" {
                    &mut others
                } else {
                    let number = actors.iter().position(|actor| actor.name == name.text);
                    let names = actors.iter().map(|actor| actor.name.as_str());
                    let number = number.ok_or_else(|| {
                        document.unknown(&span, "there is no actor", &name.text, names)
                    })?;
                    &mut found[number]
                };
                if place.is_some() {
                    let who = if name.text == "*" {
                        "everybody else has".to_owned()
                    } else {
                        format!("{} has", name.text)
                    };
                    return Err(document
                        .error(&span, format!("{who} two outcomes in this probe"))
                        .hint("name each actor once, and \"*\" at most once")
                        .into());
                }
                *place = Some(outcome);
            }
        }
        let missing = actors.iter().zip(&found);
        let missing: Vec<&str> = missing
            .filter(|(_, outcome)| outcome.or(others).is_none())
            .map(|(actor, _)| actor.name.as_str())
            .collect();
        if !missing.is_empty() {
            return Err(document
                .error(
                    &self.anchor(),
                    format!("this probe does not say what happens to {}", missing.join(", ")),
                )
                .hint("name everybody in allowed, hidden, denied, no_grant or error; \"*\" is everybody else").into());
        }
        let outcomes = found.into_iter().filter_map(|outcome| outcome.or(others));
        Ok(outcomes
            .map(|outcome| Expected {
                outcome,
                sqlstate: sqlstate.clone().filter(|_| outcome == Outcome::Error),
            })
            .collect())
    }

    fn sqlstate(&self) -> Result<Option<String>> {
        let Some(word) = self.text("sqlstate")? else {
            return Ok(None);
        };
        let is_code = |letter: char| letter.is_ascii_digit() || letter.is_ascii_uppercase();
        let message = if word.text.len() != 5 || !word.text.chars().all(is_code) {
            "this is no SQLSTATE"
        } else if self.find("error").is_none() {
            "sqlstate belongs to error, which nobody comes to"
        } else {
            return Ok(Some(word.text));
        };
        Err(Error::configuration(message)
            .at(word.place)
            .hint("an SQLSTATE is five digits and capitals, like 23514, and narrows `error`")
            .into())
    }
}

/// What tells a probe from others, if nobody says so.
fn label(action: &Action, item: &Spanned<toml::de::DeValue<'_>>) -> String {
    let columns = |pairs: &[Pair]| {
        let pairs: Vec<String> = pairs.iter().map(condition).collect();
        pairs.join(", ")
    };
    match action {
        Action::Select(Target::Row(_), columns) => {
            let row = item.get_ref().as_str().unwrap_or_default();
            if columns.is_empty() {
                row.to_owned()
            } else {
                let columns: Vec<&str> = columns.iter().map(|word| word.text.as_str()).collect();
                format!("{row}: {}", columns.join(", "))
            }
        }
        Action::Update(_, set) => {
            let row = item.get_ref().as_str().unwrap_or_default();
            let set: Vec<&str> = set.iter().map(|pair| pair.column.text.as_str()).collect();
            format!("{row}: {}", set.join(", "))
        }
        Action::Delete(_) => item.get_ref().as_str().unwrap_or_default().to_owned(),
        Action::Select(Target::Condition(pairs), _) => columns(pairs),
        Action::Insert(_) | Action::Truncate => String::new(),
        Action::Call(call) => {
            let rest = call.text.split_once('(').map_or("", |(_, rest)| rest);
            rest.trim_end().trim_end_matches(')').to_owned()
        }
    }
}

fn condition(pair: &Pair) -> String {
    match &pair.value {
        Value::Text(text) => format!("{} = {text}", pair.column.text),
        Value::Me => format!("{} = @me", pair.column.text),
        Value::List(_) => format!("{} = [...]", pair.column.text),
    }
}
