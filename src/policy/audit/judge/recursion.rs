//! Policies that lead back to their own table.
//!
//! The server expands the policies of a table into a query; a relation that an expression reads has its policies for
//! reading expanded in turn. It gives up if it meets a table again whose policies are just being expanded, provided that
//! these hold a query themselves: policies that do not are never expanded further.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::read;
use crate::error::Result;
use crate::policy::audit::check::Found;
use crate::policy::audit::tree::Node;

crate::row! {
    /// A policy, or a view that reads with the rights of its reader.
    pub struct Reads {
        /// The number of the table or the view.
        pub table_id: i64,
        /// Its name.
        pub relation: String,
        /// The name of the policy; nothing for a view.
        pub policy: Option<String>,
        /// Whether it is asked by queries that only read.
        pub selects: bool,
        /// Which rows there are, as a tree.
        pub using_tree: Option<String>,
        /// Which rows there may be, as a tree.
        pub check_tree: Option<String>,
        /// What the view reads.
        pub sources: Option<Vec<i64>>,
        /// Whom it binds; `public` is everybody.
        pub roles: Vec<String>,
    }
}

/// What expanding one policy or view leads to.
struct Step {
    table: i64,
    policy: Option<String>,
    selects: bool,
    /// Whether it holds a query of any kind.
    queries: bool,
    reads: BTreeSet<i64>,
    roles: Vec<String>,
}

impl Step {
    fn of(row: &Reads) -> Result<Self> {
        let mut reads: BTreeSet<i64> = row.sources.iter().flatten().copied().collect();
        let mut queries = row.policy.is_none();
        if let Some(policy) = &row.policy {
            for text in [&row.using_tree, &row.check_tree].into_iter().flatten() {
                let tree = read(policy, text)?;
                queries |= tree.any(&|node| node.tag == "SUBLINK");
                relations(&tree, &mut reads);
            }
        }
        Ok(Self {
            table: row.table_id,
            policy: row.policy.clone(),
            selects: row.selects,
            queries,
            reads,
            roles: row.roles.clone(),
        })
    }

    fn binds(&self, role: &str) -> bool {
        self.policy.is_none()
            || self
                .roles
                .iter()
                .any(|name| name == role || name == "public")
    }
}

/// Every relation that a query within reads.
fn relations(node: &Node<'_>, found: &mut BTreeSet<i64>) {
    if matches!(node.tag, "RTE" | "RANGETBLENTRY") && node.word("rtekind") == Some("0") {
        found.extend(
            node.word("relid")
                .and_then(|number| number.parse::<i64>().ok()),
        );
    }
    for (_, child) in node.children() {
        relations(child, found);
    }
}

/// The policies that cannot be asked.
pub fn recursion(rows: &[Reads]) -> Result<Vec<Found>> {
    let names: BTreeMap<i64, &str> = rows
        .iter()
        .map(|row| (row.table_id, row.relation.as_str()))
        .collect();
    let steps: Vec<Step> = rows.iter().map(Step::of).collect::<Result<_>>()?;
    let roles: BTreeSet<&str> = steps
        .iter()
        .flat_map(|step| step.roles.iter().map(String::as_str))
        .collect();
    let mut found = Vec::new();
    for step in &steps {
        let Some(policy) = &step.policy else {
            continue;
        };
        let bound = roles.iter().filter(|role| step.binds(role));
        let way = bound.filter_map(|role| Some((way_back(step, &steps, role)?, role)));
        let Some((way, role)) = way.into_iter().next() else {
            continue;
        };
        let way: Vec<&str> = way
            .iter()
            .map(|table| names.get(table).copied().unwrap_or("?"))
            .collect();
        found.push(Found {
            object: policy.clone(),
            detail: format!("for {role} it reads {}", way.join(", which reads ")),
            fix: None,
            relation: names.get(&step.table).map(|name| (*name).to_owned()),
        });
    }
    Ok(found)
}

/// The shortest way from what a policy reads back to its table, for a role.
fn way_back(from: &Step, steps: &[Step], role: &str) -> Option<Vec<i64>> {
    let expands = |table: i64| {
        steps
            .iter()
            .filter(move |step| step.table == table && step.selects && step.binds(role))
    };
    // Without a query in its policies for reading the table is not expanded again.
    if !expands(from.table).any(|step| step.queries) {
        return None;
    }
    let mut came: BTreeMap<i64, Option<i64>> = from.reads.iter().map(|id| (*id, None)).collect();
    let mut next: VecDeque<i64> = from.reads.iter().copied().collect();
    while let Some(table) = next.pop_front() {
        if table == from.table {
            let mut way = vec![table];
            let mut at = table;
            while let Some(Some(before)) = came.get(&at) {
                way.push(*before);
                at = *before;
            }
            way.reverse();
            return Some(way);
        }
        for read in expands(table).flat_map(|step| &step.reads) {
            if !came.contains_key(read) {
                came.insert(*read, Some(table));
                next.push_back(*read);
            }
        }
    }
    None
}
