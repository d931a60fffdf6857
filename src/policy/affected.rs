//! Which policies have to go while a relation is changed, so that nobody sees more in the meantime.
//!
//! Those that read what is changed have to go because the server refuses the change otherwise. Without them fewer
//! rows are seen; but a policy elsewhere may let in whomever a row is *not* found for, and a policy that keeps out
//! leaves those that let in behind. So these go too, until nothing that is left depends on what is gone. What a
//! function reads nobody knows but the function.

use crate::pg::policy::{Policy, Read};
use crate::pg::relation::Relation;

/// A policy that has to go.
#[derive(Debug, Clone)]
pub struct Affected {
    /// It.
    pub policy: Policy,
    /// Why, for people.
    pub why: String,
}

/// What is changed.
#[derive(Debug, Clone, Copy)]
pub struct Changed<'a> {
    /// The relation and whatever inherits from it.
    pub family: &'a [Relation],
    /// Columns of it; none for all of it.
    pub columns: &'a [String],
}

/// The policies that have to go, in the order they were given in.
pub fn affected(policies: &[Policy], reads: &[Read], changed: Changed<'_>) -> Vec<Affected> {
    let mut whys: Vec<Option<String>> = policies
        .iter()
        .map(|policy| reason(policy, reads, changed))
        .collect();
    loop {
        let gone: Vec<(Relation, bool)> = policies
            .iter()
            .zip(&whys)
            .filter(|(_, why)| why.is_some())
            .map(|(policy, _)| (policy.on(), policy.permissive))
            .collect();
        let mut is_settled = true;
        for (policy, why) in policies.iter().zip(&mut whys) {
            if why.is_none() {
                *why = consequence(policy, reads, &gone);
                is_settled &= why.is_none();
            }
        }
        if is_settled {
            break;
        }
    }
    let found = policies.iter().zip(whys);
    found
        .filter_map(|(policy, why)| {
            Some(Affected {
                policy: policy.clone(),
                why: why?,
            })
        })
        .collect()
}

/// Why the change itself wants it gone.
fn reason(policy: &Policy, reads: &[Read], changed: Changed<'_>) -> Option<String> {
    let Changed { family, columns } = changed;
    if columns.is_empty() && family.contains(&policy.on()) {
        return Some("it is on the table".to_owned());
    }
    let mut reads = reads.iter().filter(|read| read.is_of(policy));
    let read = reads.find(|read| {
        let is_wanted = |column: &String| read.column.as_ref() == Some(column);
        family.contains(&read.relation()) && (columns.is_empty() || columns.iter().any(is_wanted))
    })?;
    let title = read.relation().title();
    Some(match &read.column {
        Some(column) if !columns.is_empty() => format!("it reads {title}.{column}"),
        _ => format!("it reads {title}"),
    })
}

/// Why it cannot stay when these are gone, which let in or keep out.
fn consequence(policy: &Policy, reads: &[Read], gone: &[(Relation, bool)]) -> Option<String> {
    let own = policy.on();
    if policy.permissive && gone.contains(&(own.clone(), false)) {
        return Some("what keeps out beside it is gone meanwhile".to_owned());
    }
    let read = reads
        .iter()
        .filter(|read| read.is_of(policy) && read.relation() != own)
        .find(|read| gone.iter().any(|(table, _)| *table == read.relation()))?;
    let title = read.relation().title();
    Some(format!("it reads {title}, of which less is seen meanwhile"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(table: &str, name: &str, permissive: bool) -> Policy {
        Policy {
            schema: "public".to_owned(),
            table: table.to_owned(),
            name: name.to_owned(),
            command: "all".to_owned(),
            permissive,
            roles: vec!["public".to_owned()],
            using: Some("true".to_owned()),
            check: None,
            comment: None,
            readable: true,
        }
    }

    fn read(table: &str, name: &str, of: &str, column: Option<&str>) -> Read {
        Read {
            schema: "public".to_owned(),
            table: table.to_owned(),
            name: name.to_owned(),
            read_schema: "public".to_owned(),
            read_name: of.to_owned(),
            column: column.map(str::to_owned),
        }
    }

    fn found(columns: &[&str], policies: &[Policy], reads: &[Read]) -> Vec<String> {
        let family = [Relation::new("public", "a")];
        let columns: Vec<String> = columns.iter().map(ToString::to_string).collect();
        let changed = Changed {
            family: &family,
            columns: &columns,
        };
        affected(policies, reads, changed)
            .into_iter()
            .map(|found| {
                let Policy { table, name, .. } = found.policy;
                format!("{table}.{name}: {}", found.why)
            })
            .collect()
    }

    #[test]
    fn those_on_the_table_and_those_that_read_it_go() {
        let policies = [
            policy("a", "own", true),
            policy("b", "reader", true),
            policy("b", "other", true),
            policy("c", "far", true),
        ];
        let reads = [
            read("a", "own", "a", Some("x")),
            read("b", "reader", "a", None),
            read("b", "other", "b", Some("x")),
            read("c", "far", "b", Some("x")),
        ];
        assert_eq!(
            found(&[], &policies, &reads),
            [
                "a.own: it is on the table",
                "b.reader: it reads a",
                "c.far: it reads b, of which less is seen meanwhile",
            ]
        );
    }

    #[test]
    fn of_a_column_only_those_that_read_it_go() {
        let policies = [policy("a", "x", true), policy("a", "y", true)];
        let reads = [
            read("a", "x", "a", Some("x")),
            read("a", "y", "a", Some("y")),
        ];
        assert_eq!(found(&["y"], &policies, &reads), ["a.y: it reads a.y"]);
        assert_eq!(found(&["z"], &policies, &reads), [""; 0]);
    }

    #[test]
    fn nobody_is_let_in_by_what_is_left() {
        let policies = [
            policy("a", "keeps_out", false),
            policy("a", "lets_in", true),
        ];
        let reads = [read("a", "keeps_out", "a", Some("x"))];
        assert_eq!(
            found(&["x"], &policies, &reads),
            [
                "a.keeps_out: it reads a.x",
                "a.lets_in: what keeps out beside it is gone meanwhile",
            ]
        );
    }
}
