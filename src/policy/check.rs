//! Everything that policy files name has to be there, and to be what they take it for.

use std::ops::Range;

use super::declared::{Declared, File};
use super::found::{Found, Role};
use super::right::{Kind, Object};
use super::statement::Relation;
use crate::error::{Error, Result, command, nearest};
use crate::pg::policy::PUBLIC;

/// Roles, relations, sequences, columns.
pub(super) fn everything(
    declared: &Declared,
    found: &Found,
    roles: &[Role],
    server_major: u32,
) -> Result<()> {
    relations(declared, found)?;
    for (file, name, span) in declared.roles() {
        if name != PUBLIC && !roles.iter().any(|role| role.name == name) {
            let names = roles.iter().map(|role| role.name.as_str());
            return Err(missing(file, span, "role", name, names));
        }
    }
    for wanted in &declared.relations {
        let file = declared.file_of(wanted);
        let invoker = ("security_invoker".to_owned(), "true".to_owned());
        if server_major < 15 && wanted.options.contains(&invoker) {
            return Err(too_new(file, &wanted.place, "option security_invoker", 15));
        }
        for grant in &wanted.grants {
            for (object, span) in &grant.objects {
                let Object::Relation(relation) = object else {
                    continue;
                };
                let Some(there) = found.relations.get(relation) else {
                    let names = found.relations.values();
                    let names = names
                        .filter(|relation| relation.kind == "sequence")
                        .map(|relation| relation.name.as_str());
                    return Err(missing(
                        file,
                        span,
                        "sequence",
                        &relation.to_string(),
                        names,
                    ));
                };
                if (grant.kind == Kind::Sequence) != (there.kind == "sequence") {
                    return Err(mismatch(file, span, relation, &there.kind));
                }
                for (privilege, columns) in &grant.privileges {
                    if privilege == "maintain" && server_major < 17 {
                        return Err(too_new(file, span, "privilege maintain", 17));
                    }
                    for (column, span) in columns {
                        if !there.columns.contains(column) {
                            let names = there.columns.iter().map(String::as_str);
                            return Err(missing(file, span, "column", column, names));
                        }
                    }
                }
            }
        }
    }
    Ok(())
}

pub(super) fn relations(declared: &Declared, found: &Found) -> Result<()> {
    for wanted in &declared.relations {
        let file = declared.file_of(wanted);
        let relation = &wanted.relation;
        let Some(there) = found.relations.get(relation) else {
            let names = found.relations.values();
            let names = names
                .filter(|other| other.schema == relation.schema && other.kind != "sequence")
                .map(|relation| relation.name.as_str());
            return Err(missing(
                file,
                &wanted.place,
                "table or view",
                &relation.to_string(),
                names,
            ));
        };
        let is_table = there.kind == "table";
        let secures = wanted.enabled || wanted.forced || !wanted.policies.is_empty();
        let is_misfit =
            (secures && !is_table) || (!wanted.options.is_empty() && there.kind != "view");
        let is_sequence = there.kind == "sequence";
        if is_misfit || (is_sequence && !wanted.is_of_sequence()) {
            return Err(mismatch(file, &wanted.place, relation, &there.kind));
        }
    }
    Ok(())
}

fn too_new(file: &File, span: &Range<usize>, what: &str, since: u32) -> anyhow::Error {
    Error::failed(format!(
        "{} cannot be applied: this server has no {what}, which needs PostgreSQL {since}",
        file.path
    ))
    .at(file.excerpt(span))
    .unchanged()
    .hint("leave it out")
    .into()
}

fn mismatch(file: &File, span: &Range<usize>, relation: &Relation, kind: &str) -> anyhow::Error {
    Error::failed(format!(
        "{} cannot be applied: {relation} is a {kind}",
        file.path
    ))
    .at(file.excerpt(span))
    .unchanged()
    .hint("row-level security is for tables, options are for views, and rights on a sequence say SEQUENCE")
    .into()
}

fn missing<'a>(
    file: &File,
    span: &Range<usize>,
    what: &str,
    name: &str,
    names: impl IntoIterator<Item = &'a str>,
) -> anyhow::Error {
    let up = command("migrate up");
    let hint = match nearest(name, names) {
        Some(near) => up.hint(format!(
            "did you mean {near}? otherwise make it in a migration, and run {{}}"
        )),
        None => up.hint("make it in a migration, and run {}"),
    };
    Error::failed(format!(
        "{} cannot be applied: there is no {what} {name} here",
        file.path
    ))
    .at(file.excerpt(span))
    .unchanged()
    .hint(hint)
    .into()
}
