//! Tables that index files name have to be there, and names have to be free.

use super::declared::{Declared, Wanted, cannot};
use super::found::{self, Index, Others};
use crate::error::{Result, command, nearest};
use crate::pg::Db;
use crate::pg::relation::Relation;

/// Kinds of what can have indexes.
const INDEXED: [&str; 3] = ["table", "partitioned table", "materialized view"];

/// Every table has to be there, and be one.
pub(super) fn tables(declared: &Declared, others: &Others) -> Result<()> {
    for wanted in &declared.indexes {
        let table = &wanted.table;
        let file = declared.file_of(wanted);
        let place = file.excerpt(&wanted.on);
        match others.get(table).map(String::as_str) {
            Some(kind) if INDEXED.contains(&kind) => {}
            Some(kind) => {
                return Err(cannot(&file.path, &format!("{table} is a {kind}"), place)
                    .hint("indexes are for tables and materialized views; declare it on the table below")
                    .into());
            }
            None => {
                let names = others.iter().filter(|(other, kind)| {
                    other.schema == table.schema && INDEXED.contains(&kind.as_str())
                });
                let near = nearest(&table.name, names.map(|(other, _)| other.name.as_str()));
                let up = command("migrate up");
                let hint = match near {
                    Some(near) => up.hint(format!(
                        "did you mean {near}? otherwise make it in a migration, and run {{}}"
                    )),
                    None => up.hint("make it in a migration, and run {}"),
                };
                return Err(cannot(
                    &file.path,
                    &format!("there is no table {table} here"),
                    place,
                )
                .hint(hint)
                .into());
            }
        }
    }
    Ok(())
}

/// Every tablespace that is named has to be there.
pub(super) async fn tablespaces(db: &Db, declared: &Declared) -> Result<()> {
    let mut named = declared.indexes.iter().filter_map(|wanted| {
        let (name, place) = (wanted.tablespace.as_ref()?, wanted.tablespace_at.as_ref()?);
        Some((wanted, name, place))
    });
    let Some(first) = named.next() else {
        return Ok(());
    };
    let known = found::tablespaces(db).await?;
    for (wanted, name, place) in std::iter::once(first).chain(named) {
        if known.contains(name) {
            continue;
        }
        let file = declared.file_of(wanted);
        let message = format!("there is no tablespace {name} on this server");
        let error = cannot(&file.path, &message, file.excerpt(place));
        return Err(match nearest(name, known.iter().map(String::as_str)) {
            Some(near) => error.hint(format!("did you mean {near}?")),
            None => error.hint("leave it out, or have whoever runs the server make it"),
        }
        .into());
    }
    Ok(())
}

/// No name may be that of something else.
pub(super) fn names(declared: &Declared, found: &[Index], others: &Others) -> Result<()> {
    for wanted in &declared.indexes {
        let name = Relation::new(&wanted.table.schema, &wanted.name);
        if let Some(kind) = others.get(&name) {
            return Err(taken(
                wanted,
                &format!("{} is a {kind}", wanted.name),
                "give the index another name",
            ));
        }
        let there = found
            .iter()
            .find(|index| index.schema == name.schema && index.name == name.name);
        let Some(there) = there else {
            continue;
        };
        if there.table != wanted.table.name {
            return Err(taken(
                wanted,
                &format!("{} is an index of {}", wanted.name, there.on()),
                "give it another name, or drop that one in a migration",
            ));
        }
        if let Some(constraint) = &there.constraint {
            return Err(taken(
                wanted,
                &format!(
                    "{} is the index behind the constraint {constraint}",
                    wanted.name
                ),
                "leave it out: constraints, and the indexes behind them, belong to migrations",
            ));
        }
        if let (Some(parent), Some(root)) = (&there.parent, &there.root_name) {
            return Err(taken(
                wanted,
                &format!("{} is a part of the index {parent} of {root}", wanted.name),
                &format!("leave it out: what is declared of {root} is made on each partition"),
            ));
        }
    }
    Ok(())
}

fn taken(wanted: &Wanted, message: &str, hint: &str) -> anyhow::Error {
    cannot(&wanted.file, message, wanted.place.clone())
        .hint(hint)
        .into()
}
