//! How a matrix looks to people: counted, in words, and where there is no room for words in short forms.

use std::collections::{BTreeMap, BTreeSet};

use crate::policy::matrix::Outcome;
use crate::policy::matrix::tested::{self, Tested};
use crate::ui::{Cell, Table};

impl Tested {
    /// A row a table: how many cells it has, and what they come to.
    pub(super) fn tables(&self) -> Table {
        let keys = [
            "table", "cells", "allowed", "hidden", "denied", "no_grant", "error",
        ];
        let mut table = Table::new(&keys).leaving(&["error", "no_grant", "denied"]);
        for (name, cells) in self.by_table() {
            // One that depends on how it is said who asks is there once each way.
            let asked: BTreeSet<(usize, &str)> = cells
                .iter()
                .map(|cell| (cell.probe, &*cell.actor))
                .collect();
            let mut row = vec![Cell::text(name), Cell::count(asked.len())];
            for outcome in Outcome::ALL {
                let came: BTreeSet<(usize, &str)> = cells
                    .iter()
                    .filter(|cell| cell.found.outcome == outcome)
                    .map(|cell| (cell.probe, &*cell.actor))
                    .collect();
                row.push(Cell::count(came.len()));
            }
            table.push(row);
        }
        table
    }

    /// A row a probe, a column an actor.
    pub(super) fn matrix(&self) -> Table {
        self.in_words(|_| true).or_narrow(self.in_short())
    }

    /// The same of the probes with a cell that is wrong.
    pub(super) fn wrong_rows(&self) -> Table {
        let is_wrong = |cells: &[&tested::Cell]| cells.iter().any(|cell| !cell.right);
        self.in_words(is_wrong).or_narrow(vec![self.wrong_cells()])
    }

    fn in_words(&self, wanted: impl Fn(&[&tested::Cell]) -> bool) -> Table {
        let mut table =
            Table::new(&["table", "command", "row"]).columns(self.actors.iter().cloned());
        let cells: Vec<&tested::Cell> = self.cells.iter().collect();
        for cells in by_probe(&cells).values().filter(|cells| wanted(cells)) {
            let Some(first) = cells.first() else { continue };
            let mut row = vec![
                Cell::text(&first.table),
                Cell::text(first.command),
                Cell::text(&first.row),
            ];
            row.extend(self.actors.iter().map(|actor| drawn(&of(actor, cells))));
            table.push(row);
        }
        table
    }

    /// A table each table, and what the short forms mean.
    fn in_short(&self) -> Vec<Table> {
        let names = abbreviated(&self.actors);
        let mut tables = Vec::new();
        for (name, cells) in self.by_table() {
            let mut table = Table::new(&["command", "row"])
                .titled(name)
                .columns(names.iter().cloned())
                .cutting(&[("row", 18)]);
            for cells in by_probe(&cells).values() {
                let Some(first) = cells.first() else { continue };
                let mut row = vec![Cell::text(first.command), Cell::text(&first.row)];
                row.extend(self.actors.iter().map(|actor| short(&of(actor, cells))));
                table.push(row);
            }
            tables.push(table);
        }
        tables.push(self.wrong_cells());
        let actors = names.iter().zip(&self.actors);
        let actors: Vec<String> = actors
            .map(|(short, actor)| format!("{} {actor}", short.to_uppercase()))
            .collect();
        let outcomes = "yes allowed, - hidden by a policy, no denied by a policy, . no grant, \
                        err another error, ! not as it should be";
        tables.push(Table::record([
            ("cells", Cell::text(outcomes)),
            ("actors", Cell::text(actors.join(", "))),
        ]));
        tables
    }

    /// What is wrong, a row a cell.
    fn wrong_cells(&self) -> Table {
        let mut table = Table::new(&["wrong", "actor", "found", "expected"]).wrapping(&["wrong"]);
        for cell in self.cells.iter().filter(|cell| !cell.right) {
            table.row([
                Cell::text(title(cell)),
                Cell::text(&cell.actor),
                Cell::Alarm(cell.found.to_string()),
                Cell::text(&cell.expected),
            ]);
        }
        table
    }

    /// The cells of each table, in the order of the file.
    fn by_table(&self) -> Vec<(&str, Vec<&tested::Cell>)> {
        let mut tables: Vec<(&str, Vec<&tested::Cell>)> = Vec::new();
        for cell in &self.cells {
            match tables.iter_mut().find(|(name, _)| *name == cell.table) {
                Some((_, cells)) => cells.push(cell),
                None => tables.push((&cell.table, vec![cell])),
            }
        }
        tables
    }

    /// What the server said where it should have said something else.
    pub(super) fn refusals(&self) -> Table {
        let mut table = Table::new(&["wrong", "actor", "the_server_says"]).wrapping(&["wrong"]);
        for cell in self.cells.iter().filter(|cell| !cell.right) {
            if let Some(message) = &cell.message {
                table.row([
                    Cell::text(title(cell)),
                    Cell::text(&cell.actor),
                    Cell::text(message),
                ]);
            }
        }
        table
    }

    /// What no probe tries.
    pub(super) fn gaps(&self) -> Table {
        let mut table = Table::new(&["untested", "command", "roles"]);
        for gap in &self.untested {
            table.row([
                Cell::text(&gap.table),
                Cell::text(&gap.command),
                Cell::text(gap.roles.join(", ")),
            ]);
        }
        table
    }

    /// Weaker policies that were not noticed.
    pub(super) fn survived(&self) -> Table {
        let mut table = Table::new(&["not_noticed", "policy", "change"]);
        for mutant in self.survivors() {
            table.row([
                Cell::text(&mutant.table),
                mutant.policy.clone().into(),
                Cell::Alarm(mutant.change.to_owned()),
            ]);
        }
        table
    }
}

/// What an actor came to: in a word, or in one for each way of saying who asks.
fn drawn(cells: &[&tested::Cell]) -> Cell {
    let told = |cell: &tested::Cell| {
        if cell.right {
            cell.found.to_string()
        } else {
            format!("{}, not {}", cell.found, cell.expected)
        }
    };
    let text = match cells {
        [one] => told(one),
        several => {
            let told = several
                .iter()
                .map(|cell| format!("{} by {}", told(cell), cell.identity));
            let told: Vec<String> = told.collect();
            told.join("; ")
        }
    };
    if cells.iter().all(|cell| cell.right) {
        Cell::Text(text)
    } else {
        Cell::Alarm(text)
    }
}

/// The same in no more than four letters.
fn short(cells: &[&tested::Cell]) -> Cell {
    let wrong = cells.iter().find(|cell| !cell.right);
    let Some(cell) = wrong.or_else(|| cells.first()) else {
        return Cell::Missing;
    };
    let word = match cell.found.outcome {
        Outcome::Allowed => "yes",
        Outcome::Hidden => "-",
        Outcome::Denied => "no",
        Outcome::NoGrant => ".",
        Outcome::Error => "err",
    };
    match wrong {
        Some(_) => Cell::Alarm(format!("{word}!")),
        None => Cell::text(word),
    }
}

/// Which cell, but for the actor.
fn title(cell: &tested::Cell) -> String {
    let parts = [&*cell.table, cell.command, &*cell.row].into_iter();
    let parts: Vec<&str> = parts.filter(|part| !part.is_empty()).collect();
    parts.join(", ")
}

/// Cells of the same row, in the order of the file.
fn by_probe<'a>(cells: &[&'a tested::Cell]) -> BTreeMap<usize, Vec<&'a tested::Cell>> {
    let mut rows: BTreeMap<usize, Vec<&tested::Cell>> = BTreeMap::new();
    for cell in cells {
        rows.entry(cell.probe).or_default().push(cell);
    }
    rows
}

fn of<'a>(actor: &str, cells: &[&'a tested::Cell]) -> Vec<&'a tested::Cell> {
    let cells = cells.iter().copied();
    cells.filter(|cell| cell.actor == actor).collect()
}

/// Names in three letters: one of each word, and as many of the last as are left. Those that would share them stay as
/// they are.
fn abbreviated(names: &[String]) -> Vec<String> {
    let short = |name: &str| -> String {
        let mut words: Vec<&str> = name
            .split([' ', '_', '-'])
            .filter(|word| !word.is_empty())
            .collect();
        let last = words.pop().unwrap_or(name);
        let first = words.iter().filter_map(|word| word.chars().next());
        first.take(2).chain(last.chars()).take(3).collect()
    };
    let shorts: Vec<String> = names.iter().map(|name| short(name)).collect();
    let shared = |short: &String| shorts.iter().filter(|other| *other == short).count() > 1;
    let pairs = shorts.iter().zip(names);
    pairs
        .map(|(short, name)| if shared(short) { name } else { short }.clone())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_short_and_differ() {
        let names = [
            "anon",
            "fan",
            "other fan",
            "other_creator",
            "me",
            "family",
            "familiar",
        ];
        let names = names.map(str::to_owned);
        assert_eq!(
            abbreviated(&names),
            ["ano", "fan", "ofa", "ocr", "me", "family", "familiar"]
        );
    }
}
