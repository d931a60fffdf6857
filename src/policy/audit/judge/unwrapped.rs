//! Calls that are made for every row and need not be.
//!
//! A query of its own, `(select f())`, is asked once if it reads no row of the outer one. So a call is wrapped if the
//! innermost query around it reads no relation. A call that takes something of a row has to be made for every row.

use std::collections::BTreeSet;

use serde_json::Value;

use super::read;
use crate::error::Result;
use crate::policy::audit::check::Found;
use crate::policy::audit::tree::Node;

crate::row! {
    /// A policy, and the functions in it whose answer may change between queries but not within one.
    pub struct Calls {
        /// Its name.
        pub policy: String,
        /// The relation it is on.
        pub relation: String,
        /// Which rows there are, as a tree.
        pub using_tree: Option<String>,
        /// Which rows there may be, as a tree.
        pub check_tree: Option<String>,
        /// The names of functions by their number.
        pub functions: Value,
    }
}

/// The policies with such calls.
pub fn unwrapped(rows: Vec<Calls>) -> Result<Vec<Found>> {
    let mut found = Vec::new();
    for row in rows {
        let mut names = BTreeSet::new();
        for text in [&row.using_tree, &row.check_tree].into_iter().flatten() {
            walk(&read(&row.policy, text)?, false, &row.functions, &mut names);
        }
        if names.is_empty() {
            continue;
        }
        let names: Vec<&str> = names.into_iter().collect();
        found.push(Found {
            object: row.policy,
            detail: format!("it calls {} for every row", names.join(", ")),
            fix: None,
            relation: Some(row.relation),
        });
    }
    Ok(found)
}

/// `is_wrapped`: the innermost query around reads no relation.
fn walk<'a>(
    node: &Node<'_>,
    is_wrapped: bool,
    functions: &'a Value,
    names: &mut BTreeSet<&'a str>,
) {
    let is_wrapped = match node.tag {
        "QUERY" => node.nodes("rtable").is_empty(),
        // A function in FROM is called once a scan and not once a row.
        "RTEFUNC" | "RANGETBLFUNCTION" => true,
        _ => is_wrapped,
    };
    if node.tag == "FUNCEXPR" && !is_wrapped {
        // 0 is a call; others are casts, which cost next to nothing.
        let is_call = node.word("funcformat") == Some("0");
        let takes_row = node
            .nodes("args")
            .iter()
            .any(|arg| arg.any(&|below| below.tag == "VAR"));
        let name = node.word("funcid").and_then(|number| functions.get(number));
        if let (true, false, Some(name)) = (is_call, takes_row, name.and_then(Value::as_str)) {
            names.insert(name);
            return;
        }
    }
    for (_, child) in node.children() {
        walk(child, is_wrapped, functions, names);
    }
}
