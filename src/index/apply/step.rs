//! What a change does, as SQL, for those who look before it is done.

use crate::index::declared::Manner as Making;
use crate::index::difference::{Action, Difference, name_once_replaced, name_while_built};
use crate::pg::Ident;
use crate::plan::Step;

/// A step with the statements that do it.
pub(super) fn step(difference: &Difference) -> Step {
    difference.step().sql(statements(difference))
}

fn statements(difference: &Difference) -> Vec<String> {
    let index = |name: &str| format!("{}.{}", Ident(&difference.table.schema), Ident(name));
    let name = &difference.name;
    let create = |under: &str| {
        let making = if difference.partitioned {
            Making::OnlyParent
        } else {
            Making::Concurrently
        };
        let table = difference.table.sql();
        let wanted = difference.wanted.as_ref();
        wanted.map(|wanted| wanted.create(making, under, &table))
    };
    let drop = |name: &str| {
        let concurrently = if difference.partitioned {
            ""
        } else {
            "concurrently "
        };
        format!("drop index {concurrently}{}", index(name))
    };
    let rename =
        |from: &str, to: &str| format!("alter index {} rename to {}", index(from), Ident(to));
    match difference.action {
        Action::Follow => Vec::new(),
        Action::Drop => vec![drop(name)],
        Action::Create => create(name).into_iter().collect(),
        Action::Rebuild if difference.partitioned => Vec::new(),
        Action::Rebuild => [drop(name)].into_iter().chain(create(name)).collect(),
        Action::Rename => {
            let from = difference.from.as_deref();
            from.map(|from| rename(from, name)).into_iter().collect()
        }
        Action::Replace => {
            let old = name_once_replaced(name);
            let (new, made) = match &difference.from {
                Some(from) => (from.clone(), None),
                None => (name_while_built(name), create(&name_while_built(name))),
            };
            made.into_iter()
                .chain([rename(name, &old), rename(&new, name), drop(&old)])
                .collect()
        }
    }
}
