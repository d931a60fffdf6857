//! Indexes and policies that migrations make and no file beside them declares.
//!
//! The files say which of both a database has, so that what they do not know is a difference for ever: nothing to do for
//! `deploy`, and `--prune` takes it away.

use std::collections::BTreeSet;

use super::super::lint::{Finding, Sheet, form};
use crate::error::Excerpt;
use crate::pg::reader::Reader;
use crate::pg::relation::Relation;
use crate::pg::sql;

/// What is made.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Made {
    /// An index that is not unique, by its name.
    Index(String),
    /// A policy, by its name and its table.
    Policy(String, Relation),
}

/// What files beside the migrations declare; nothing where there is no folder for it.
#[derive(Debug, Default)]
pub(super) struct Declared {
    /// The texts of index files.
    pub indexes: Option<Vec<String>>,
    /// The texts of policy files.
    pub policies: Option<Vec<String>>,
}

/// What migrations make, and leave, that is in none of these files.
pub(super) fn undeclared(sheets: &[&Sheet<'_>], declared: &Declared) -> Vec<Finding> {
    let files = [&declared.indexes, &declared.policies];
    let texts = files.into_iter().flatten().flatten();
    let known: BTreeSet<Made> = texts
        .flat_map(|text| statements(text))
        .filter_map(|(made, _, drops)| (!drops).then_some(made))
        .collect();
    let mut open: Vec<(Made, &Sheet<'_>, std::ops::Range<usize>)> = Vec::new();
    for sheet in sheets {
        for (made, place, drops) in statements(&sheet.text) {
            if drops {
                open.retain(|(other, ..)| *other != made);
            } else if !known.contains(&made) {
                open.push((made, sheet, place));
            }
        }
    }
    let looked_at = open.into_iter().filter(|(made, ..)| match made {
        Made::Index(_) => declared.indexes.is_some(),
        Made::Policy(..) => declared.policies.is_some(),
    });
    looked_at
        .map(|(made, sheet, place)| {
            let (what, noun) = match &made {
                Made::Index(name) => (format!("no index file declares {name}"), "index"),
                Made::Policy(name, table) => {
                    (format!("no policy file declares {name} on {table}"), "policy")
                }
            };
            let mut finding = Finding::of_file(&form::UNDECLARED, &sheet.path, what);
            finding.place = Some(Excerpt::new(
                &*sheet.path,
                &sheet.text,
                place.start,
                place.len(),
            ));
            finding.rewrite = format!(
                "write it into the file of its table instead; for one that is there already, `{noun} adopt` does"
            );
            finding
        })
        .collect()
}

/// The indexes and policies of a text, where each is named, and whether it goes.
fn statements(text: &str) -> Vec<(Made, std::ops::Range<usize>, bool)> {
    // What cannot be read others complain of.
    let statements = sql::statements(text).map_while(Result::ok);
    statements
        .filter_map(|statement| {
            let range = statement.start..statement.start + statement.text.len();
            read(Reader::new(text, range))
        })
        .collect()
}

fn read(mut reader: Reader<'_>) -> Option<(Made, std::ops::Range<usize>, bool)> {
    let drops = reader.take(&["drop"]);
    if !drops && !reader.take(&["create"]) {
        return None;
    }
    if reader.take(&["policy"]) {
        reader.take(&["if", "exists"]);
        let (name, place) = reader.name("a policy").ok()?;
        reader.expect(&["on"]).ok()?;
        let table = Relation::from(&reader.qualified("a table").ok()?);
        return Some((Made::Policy(name, table), place, drops));
    }
    if !reader.take(&["index"]) {
        return None;
    }
    reader.take(&["concurrently"]);
    if !reader.take(&["if", "not", "exists"]) {
        reader.take(&["if", "exists"]);
    }
    if reader.sees(&["on"]) {
        return None;
    }
    let name = reader.qualified("an index").ok()?;
    Some((Made::Index(name.name), name.span, drops))
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::*;

    fn found(migrations: &[&str], indexes: Option<&str>, policies: Option<&str>) -> Vec<String> {
        let sheets: Vec<Sheet<'_>> = migrations
            .iter()
            .map(|text| Sheet {
                path: Cow::Borrowed("m"),
                text: Cow::Borrowed(*text),
            })
            .collect();
        let texts = |text: Option<&str>| text.map(|text| vec![text.to_owned()]);
        let declared = Declared {
            indexes: texts(indexes),
            policies: texts(policies),
        };
        let findings = undeclared(&sheets.iter().collect::<Vec<_>>(), &declared).into_iter();
        findings.map(|finding| finding.message).collect()
    }

    #[test]
    fn what_a_migration_leaves_and_no_file_knows_is_found() {
        let migrations = [
            "create index a on t (x); CREATE INDEX CONCURRENTLY IF NOT EXISTS \"B\" on t (x); create unique index u on t (x);\n\
             create index gone on t (x); create index on t (x); create policy p on public.t using (true);\n\
             create policy q on t using (true)",
            "drop index concurrently gone; drop policy if exists q on t;",
        ];
        assert_eq!(
            found(&migrations, Some("create index a on t (x);"), Some("")),
            ["no index file declares B", "no policy file declares p on t"]
        );
        let files = (
            "create index a on t (x); create index \"B\" on t (x);",
            "create policy p on t using (true);",
        );
        assert!(found(&migrations, Some(files.0), Some(files.1)).is_empty());
        // Without a folder the files are this program's.
        assert!(found(&migrations, None, None).is_empty());
    }
}
