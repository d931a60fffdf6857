//! Rights that are missing, and rights that are too many.

use std::collections::BTreeSet;

use crate::pg::policy::PUBLIC;
use crate::policy::difference::{AccessEffect, Action, Difference};
use crate::policy::look::Look;
use crate::policy::right::{self, Changes, Kind, Rights};

/// What is taken and what is given.
pub(super) fn differences(look: &Look) -> Vec<Difference> {
    let declared: BTreeSet<&str> = look
        .declared
        .roles()
        .map(|(_, name, _)| name)
        .chain(look.desired.iter().flat_map(|desired| {
            let roles = desired.policy.roles.iter();
            roles.map(String::as_str)
        }))
        .chain([PUBLIC])
        .collect();
    let strange = |role: &str| !declared.contains(role);
    let nothing = Rights::new();
    let of_relations = look.rights.iter().flat_map(|(relation, (kind, wanted))| {
        let found = look.found.rights.get(relation).unwrap_or(&nothing);
        let changes = right::changes(wanted, found, strange);
        steps(changes, *kind, &relation.to_string(), &relation.sql())
    });
    let of_functions = look.functions.iter().flat_map(|function| {
        let changes = right::changes(&function.wanted, &function.found, strange);
        steps(changes, Kind::Function, &function.name, &function.name)
    });
    of_relations.chain(of_functions).collect()
}

fn steps(changes: Changes, kind: Kind, on: &str, object: &str) -> Vec<Difference> {
    let Changes {
        taken,
        given,
        strange,
    } = changes;
    let step = |change: &right::Change, prune: bool| {
        let (action, word, effect) = if change.gives {
            (Action::Grant, "to", AccessEffect::Loosens)
        } else {
            (Action::Revoke, "from", AccessEffect::Tightens)
        };
        let what = match (change.grantable, change.gives) {
            (true, true) => format!("{} with grant option", change.what()),
            (true, false) => format!("grant option for {}", change.what()),
            (false, _) => change.what(),
        };
        let object_text = format!("{what} {word} {}", change.grantee);
        let mut step =
            Difference::new(action, object_text, &on, effect).by(change.sql(kind, object));
        if prune {
            step.detail = format!("no file names {}", change.grantee);
            step.prune = true;
        }
        step
    };
    let certain = taken.iter().chain(&given).map(|change| step(change, false));
    let strange = strange.iter().map(|change| step(change, true));
    certain.chain(strange).collect()
}
