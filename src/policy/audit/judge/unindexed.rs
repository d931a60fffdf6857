//! Columns by which a policy looks for rows, without an index to look in.
//!
//! Only what the expression itself compares counts, and only with something that is no constant: an index on a column of
//! three words would not be used. What a query inside compares is another table's matter.

use std::collections::BTreeSet;

use serde_json::Value;

use super::read;
use crate::error::Result;
use crate::policy::audit::check::Found;
use crate::policy::audit::tree::Node;

crate::row! {
    /// A policy, and the columns of its table that no index begins with.
    pub struct Columns {
        /// Its name.
        pub policy: String,
        /// The relation it is on.
        pub relation: String,
        /// Which rows there are, as a tree.
        pub using_tree: String,
        /// The names of columns by their number.
        pub unindexed: Value,
    }
}

/// A column by which a policy looks for rows, and that no index begins with.
#[derive(Debug)]
pub struct Compared {
    /// The policy, as people type it: `policy own on public.tips`.
    pub policy: String,
    /// The relation it is on, as SQL names it.
    pub relation: String,
    /// The column's name.
    pub column: String,
}

/// The columns policies compare.
pub fn compared(rows: Vec<Columns>) -> Result<Vec<Compared>> {
    let mut found = Vec::new();
    for row in rows {
        let mut names = BTreeSet::new();
        walk(
            &read(&row.policy, &row.using_tree)?,
            &row.unindexed,
            &mut names,
        );
        for name in names {
            found.push(Compared {
                policy: row.policy.clone(),
                relation: row.relation.clone(),
                column: name.to_owned(),
            });
        }
    }
    Ok(found)
}

/// The policies that compare such a column.
pub fn unindexed(rows: Vec<Columns>) -> Result<Vec<Found>> {
    let compared = compared(rows)?.into_iter();
    let found = compared.map(|compared| Found {
        detail: format!(
            "it compares {}, and no index begins with it",
            compared.column
        ),
        object: compared.policy,
        fix: None,
        relation: Some(compared.relation),
    });
    Ok(found.collect())
}

fn walk<'a>(node: &Node<'_>, unindexed: &'a Value, names: &mut BTreeSet<&'a str>) {
    if node.tag == "SUBLINK" {
        return;
    }
    if matches!(node.tag, "OPEXPR" | "SCALARARRAYOPEXPR")
        && let [left, right] = node.nodes("args")[..]
    {
        for (column, other) in [(left, right), (right, left)] {
            let is_free =
                |node: &Node<'_>| !matches!(node.tag, "VAR" | "CONST" | "ARRAY" | "ARRAYEXPR");
            if is_free(bare(other))
                && !outside_queries(other, "VAR")
                && let Some(number) = column_of(column)
                && let Some(name) = unindexed.get(number).and_then(Value::as_str)
            {
                names.insert(name);
            }
        }
    }
    for (_, child) in node.children() {
        walk(child, unindexed, names);
    }
}

/// Without what only changes the name of its type.
fn bare<'t, 'a>(node: &'t Node<'a>) -> &'t Node<'a> {
    match (node.tag, node.nodes("arg").first()) {
        ("RELABELTYPE" | "COERCEVIAIO", Some(inner)) => bare(inner),
        _ => node,
    }
}

/// The number of the column it is.
fn column_of<'a>(node: &Node<'a>) -> Option<&'a str> {
    match (node.tag, node.nodes("arg").first()) {
        ("RELABELTYPE", Some(inner)) => column_of(inner),
        ("VAR", _) => node.word("varattno"),
        _ => None,
    }
}

/// Whether there is such a node that is in no query of its own.
fn outside_queries(node: &Node<'_>, tag: &str) -> bool {
    node.tag == tag
        || (node.tag != "SUBLINK"
            && node
                .children()
                .iter()
                .any(|(_, child)| outside_queries(child, tag)))
}
