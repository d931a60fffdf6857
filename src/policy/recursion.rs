//! Policies that would ask one another without end: the server finds that out only when somebody asks (SQLSTATE 42P17).
//!
//! It works as the rewriter does: while the subqueries of a table's policies are rewritten, the table is being worked
//! on; coming back to it is an error if the policies for reading it have subqueries too, even ones that read nothing.
//! Views end the search: what they read they read as their owner.

use std::collections::BTreeSet;

use super::found::{Reference, Role};
use super::statement::Relation;
use crate::pg::policy::{PUBLIC, Policy};

/// A policy on the way, and what it reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leg {
    /// The policy's table.
    pub table: Relation,
    /// The policy.
    pub policy: String,
    /// What it reads.
    pub reads: Relation,
}

/// All that is known of policies.
pub struct Policies<'a> {
    /// Those there will be, on tables where row-level security is on.
    pub all: Vec<&'a Policy>,
    /// What they read.
    pub references: &'a [Reference],
    /// Roles.
    pub roles: &'a [Role],
}

/// The policies for reading and those for writing that are asked with them.
const COMMANDS: [&str; 4] = ["select", "insert", "update", "delete"];

impl<'a> Policies<'a> {
    /// A way round that some role would go, policy by policy; nothing if there is none.
    pub fn circle(&self) -> Option<Vec<Leg>> {
        let named: BTreeSet<&str> = self
            .all
            .iter()
            .flat_map(|policy| policy.roles.iter().map(String::as_str))
            .collect();
        let tables: BTreeSet<(&str, &str)> = self
            .all
            .iter()
            .map(|policy| (policy.schema.as_str(), policy.table.as_str()))
            .collect();
        for role in named {
            let known = self.roles.iter().find(|known| known.name == role);
            if known.is_some_and(|known| known.exempt) {
                continue;
            }
            let uses = known.map_or(&[][..], |known| known.uses.as_slice());
            for (schema, name) in &tables {
                let table = Relation::new(schema, name);
                for command in COMMANDS {
                    let mut way = Vec::new();
                    let mut active = vec![table.clone()];
                    if self.goes_round(uses, &table, command, &mut active, &mut way) {
                        return Some(way);
                    }
                }
            }
        }
        None
    }

    /// The policies of a table that a command of this role asks.
    fn asked(&self, uses: &[String], table: &Relation, command: &str) -> Vec<&'a Policy> {
        let applies = |policy: &&&Policy| {
            let is_here = (&policy.schema, &policy.table) == (&table.schema, &table.name);
            let is_for = policy.command == command || policy.command == "all";
            let is_whose = |role: &String| role == PUBLIC || uses.iter().any(|used| used == role);
            is_here && is_for && policy.roles.iter().any(is_whose)
        };
        self.all.iter().filter(applies).copied().collect()
    }

    fn subqueries(&self, policy: &Policy, reading: bool) -> impl Iterator<Item = &'a Reference> {
        let (schema, table, name) = (
            policy.schema.clone(),
            policy.table.clone(),
            policy.name.clone(),
        );
        self.references.iter().filter(move |reference| {
            (&reference.schema, &reference.table, &reference.policy) == (&schema, &table, &name)
                && (reference.in_using || !reading)
        })
    }

    fn goes_round(
        &self,
        uses: &[String],
        table: &Relation,
        command: &str,
        active: &mut Vec<Relation>,
        way: &mut Vec<Leg>,
    ) -> bool {
        let reading = command == "select";
        for policy in self.asked(uses, table, command) {
            for reference in self.subqueries(policy, reading) {
                let (Some(schema), Some(name)) = (&reference.read_schema, &reference.read_table)
                else {
                    continue;
                };
                let reads = Relation::new(schema, name);
                let has_subqueries = self
                    .asked(uses, &reads, "select")
                    .iter()
                    .any(|policy| self.subqueries(policy, true).next().is_some());
                if !has_subqueries {
                    continue;
                }
                way.push(Leg {
                    table: table.clone(),
                    policy: policy.name.clone(),
                    reads: reads.clone(),
                });
                if active.contains(&reads) {
                    return true;
                }
                active.push(reads.clone());
                if self.goes_round(uses, &reads, "select", active, way) {
                    return true;
                }
                active.pop();
                way.pop();
            }
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(table: &str, command: &str, role: &str) -> Policy {
        Policy {
            schema: "public".to_owned(),
            table: table.to_owned(),
            name: format!("{table}_{command}"),
            command: command.to_owned(),
            permissive: true,
            roles: vec![role.to_owned()],
            using: Some("true".to_owned()),
            check: None,
            comment: None,
            readable: true,
        }
    }

    fn reads(policy: &Policy, table: Option<&str>) -> Reference {
        Reference {
            schema: policy.schema.clone(),
            table: policy.table.clone(),
            policy: policy.name.clone(),
            read_schema: table.map(|_| "public".to_owned()),
            read_table: table.map(str::to_owned),
            in_using: policy.command != "insert",
        }
    }

    fn circle(policies: &[Policy], references: &[Reference]) -> Option<String> {
        let role = |name: &str, exempt, uses: &[&str]| Role {
            name: name.to_owned(),
            exempt,
            uses: uses.iter().map(|role| (*role).to_owned()).collect(),
        };
        let roles = [
            role("a", false, &["a"]),
            role("b", false, &["b"]),
            role("both", false, &["a", "b", "both"]),
            role("root", true, &[]),
        ];
        let policies = Policies {
            all: policies.iter().collect(),
            references,
            roles: &roles,
        };
        let way = policies.circle()?;
        let way: Vec<String> = way
            .iter()
            .map(|leg| format!("{} of {} reads {}", leg.policy, leg.table, leg.reads))
            .collect();
        Some(way.join(", "))
    }

    #[test]
    fn two_tables_that_read_each_other_go_round_for_a_role_that_both_are_for() {
        let (t, u) = (policy("t", "select", "a"), policy("u", "select", "a"));
        let references = [reads(&t, Some("u")), reads(&u, Some("t"))];
        assert_eq!(
            circle(&[t.clone(), u], &references).as_deref(),
            Some("t_select of t reads u, u_select of u reads t")
        );
        let other = policy("u", "select", "b");
        assert_eq!(circle(&[t.clone(), other.clone()], &references), None);
        let mut third = policy("v", "select", "both");
        third.using = None;
        assert!(circle(&[t.clone(), other, third], &references).is_some());
        let root = policy("u", "select", "root");
        assert_eq!(circle(&[t, root], &references), None);
    }

    #[test]
    fn a_table_that_reads_itself_goes_round_if_reading_it_asks_anything() {
        let (insert, select) = (
            policy("t", "insert", "public"),
            policy("t", "select", "public"),
        );
        let itself = reads(&insert, Some("t"));
        assert_eq!(
            circle(
                &[insert.clone(), select.clone()],
                std::slice::from_ref(&itself)
            ),
            None
        );
        // As in `(select app.current_user_id())`.
        let asks = reads(&select, None);
        assert_eq!(
            circle(&[insert, select], &[itself, asks]).as_deref(),
            Some("t_insert of t reads t")
        );
    }
}
