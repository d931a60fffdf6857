//! How a database differs from what is declared, and the statements that bring it there.

mod rights;

use super::difference::{AccessEffect, Action, Difference};
use super::found::FoundRelation;
use super::look::{Desired, Look, is_of};
use super::statement::Relation;
use crate::pg::Ident;
use crate::pg::policy::{PUBLIC, Policy, roles};
use std::fmt::Write;

/// Everything that has to change, in the order in which it is done: what takes comes before what gives.
pub fn compare(look: &Look) -> Vec<Difference> {
    let mut all = Vec::new();
    for wanted in &look.declared.relations {
        if let Some(there) = look.found.relations.get(&wanted.relation) {
            let security = (wanted.enabled, wanted.forced);
            all.extend(switches(&wanted.relation, security, there));
            all.extend(options(&wanted.relation, &wanted.options, there));
        }
    }
    all.extend(policies(look));
    all.extend(rights::differences(look));
    all.sort_by(|left, right| {
        let key = |difference: &Difference| (difference.on.clone(), difference.action);
        key(left).cmp(&key(right))
    });
    all
}

fn switches(relation: &Relation, security: (bool, bool), there: &FoundRelation) -> Vec<Difference> {
    let (enabled, forced) = security;
    let alter = |action, effect, words: &str| {
        Difference::new(action, "row-level security", relation, effect)
            .by(format!("alter table {} {words}", relation.sql()))
            .locking(relation)
    };
    let mut all = Vec::new();
    if enabled && !there.enabled {
        let mut enable = alter(
            Action::Enable,
            AccessEffect::Tightens,
            "enable row level security",
        );
        enable
            .detail
            .push_str("it is off: every right is good for every row");
        all.push(enable);
    }
    if !enabled {
        return all;
    }
    match (forced, there.forced) {
        (true, false) => all.push(alter(
            Action::Force,
            AccessEffect::Tightens,
            "force row level security",
        )),
        (false, true) => all.push(alter(
            Action::NoForce,
            AccessEffect::Loosens,
            "no force row level security",
        )),
        _ => {}
    }
    all
}

fn options(
    relation: &Relation,
    wanted: &[(String, String)],
    there: &FoundRelation,
) -> Vec<Difference> {
    let differing = wanted
        .iter()
        .filter(|(name, value)| there.has_option(name) != (value == "true"));
    differing
        .map(|(name, value)| {
            let effect = if value == "true" {
                AccessEffect::Tightens
            } else {
                AccessEffect::Loosens
            };
            let sql = format!("alter view {} set ({name} = {value})", relation.sql());
            // It locks the view alone; LOCK TABLE would lock all that the view reads.
            let mut set =
                Difference::new(Action::Set, format!("{name} = {value}"), relation, effect).by(sql);
            if value == "true" {
                set.detail.push_str("lost, or never set");
            }
            set
        })
        .collect()
}

fn policies(look: &Look) -> Vec<Difference> {
    let mut all = Vec::new();
    let mut extra: Vec<&Policy> = look
        .found
        .policies
        .iter()
        .filter(|there| {
            let is_declared = look
                .desired
                .iter()
                .any(|desired| is_of(&desired.policy, there));
            !is_declared && is_ours(look, there)
        })
        .collect();
    for desired in &look.desired {
        let there = look
            .found
            .policies
            .iter()
            .find(|there| is_of(there, &desired.policy));
        if let Some(there) = there {
            all.extend(change(look, desired, there));
            continue;
        }
        // One that is the same but for its name needs no more than the name.
        let same = extra
            .iter()
            .position(|there| says_the_same(desired, there) && desired.apart.is_none());
        all.push(match same {
            Some(index) => rename(&desired.policy, extra.remove(index)),
            None => create(look, desired, Action::Create, None),
        });
    }
    all.extend(extra.into_iter().map(drop));
    all
}

/// Whether a policy that no file declares is our business: it is on a table of a schema that files speak of.
fn is_ours(look: &Look, policy: &Policy) -> bool {
    let mut relations = look.declared.relations.iter();
    relations.any(|wanted| wanted.relation.schema == policy.schema)
}

fn says_the_same(desired: &Desired, there: &Policy) -> bool {
    let wanted = &desired.policy;
    (
        &wanted.schema,
        &wanted.table,
        &wanted.command,
        wanted.permissive,
        &wanted.roles,
    ) == (
        &there.schema,
        &there.table,
        &there.command,
        there.permissive,
        &there.roles,
    ) && same_expressions(desired, there)
}

fn same_expressions(desired: &Desired, there: &Policy) -> bool {
    let wanted = &desired.policy;
    let is_same = (wanted.using.is_some(), wanted.check.is_some())
        == (there.using.is_some(), there.check.is_some());
    match desired.apart {
        Some(same) => is_same && same,
        None => (&wanted.using, &wanted.check) == (&there.using, &there.check),
    }
}

fn named(policy: &Policy) -> String {
    format!("policy {}", policy.name)
}

fn rename(wanted: &Policy, there: &Policy) -> Difference {
    let relation = wanted.on();
    let sql = format!(
        "alter policy {} on {} rename to {}",
        Ident(&there.name),
        there.relation(),
        Ident(&wanted.name)
    );
    let mut rename = Difference::new(Action::Rename, named(there), &relation, AccessEffect::None)
        .by(sql)
        .locking(&relation);
    rename.detail = format!("to {}; it says the same", wanted.name);
    if let Some(comment) = &wanted.comment
        && wanted.comment != there.comment
    {
        rename = rename.by(wanted.say(comment));
    }
    rename
}

fn drop(there: &Policy) -> Difference {
    let relation = there.on();
    let effect = if there.permissive {
        AccessEffect::Tightens
    } else {
        AccessEffect::Loosens
    };
    let mut drop = Difference::new(Action::Drop, named(there), &relation, effect)
        .by(there.drop())
        .locking(&relation);
    drop.detail.push_str("no file declares it");
    drop.lines = lines('-', there);
    drop.prune = true;
    drop
}

/// A policy, line by line.
fn lines(sign: char, policy: &Policy) -> Vec<String> {
    let kind = if policy.permissive {
        "permissive"
    } else {
        "restrictive"
    };
    let head = format!(
        "{kind} for {} to {}",
        policy.command,
        policy.roles.join(", ")
    );
    let using = policy.using.as_ref().map(|using| format!("using {using}"));
    let check = policy
        .check
        .as_ref()
        .map(|check| format!("with check {check}"));
    std::iter::once(head)
        .chain(using)
        .chain(check)
        .flat_map(|text| {
            let lines = text
                .lines()
                .map(|line| format!("{sign} {}", line.trim_end()));
            lines.collect::<Vec<_>>()
        })
        .collect()
}

/// The lines in which two policies differ.
fn differing(there: &Policy, wanted: &Policy) -> Vec<String> {
    let (old, new) = (lines('-', there), lines('+', wanted));
    let only = |these: &[String], those: &[String]| -> Vec<String> {
        let is_other = |line: &&String| !those.iter().any(|other| other[1..] == line[1..]);
        these.iter().filter(is_other).cloned().collect()
    };
    let mut all = only(&old, &new);
    all.extend(only(&new, &old));
    all
}

/// As a file says it, for whom the expressions on the twin mean nothing.
fn told(look: &Look, desired: &Desired) -> Policy {
    let wanted = &look.declared.relations[desired.number.0];
    let text = &wanted.policies[desired.number.1];
    let file = look.declared.file_of(wanted);
    let part = |span: &Option<std::ops::Range<usize>>| {
        let span = span.as_ref()?;
        // The newline ends a comment in its last line.
        Some(format!("{}\n", file.part(span)))
    };
    Policy {
        using: part(&text.using),
        check: part(&text.check),
        ..desired.policy.clone()
    }
}

fn create(look: &Look, desired: &Desired, action: Action, there: Option<&Policy>) -> Difference {
    let wanted = &desired.policy;
    let relation = wanted.on();
    let effect = match (action, wanted.permissive) {
        (Action::Create, false) => AccessEffect::Tightens,
        (Action::Create, true) => AccessEffect::Loosens,
        _ => AccessEffect::Unclear,
    };
    let mut create = Difference::new(action, named(wanted), &relation, effect).locking(&relation);
    if let Some(there) = there {
        create = create.by(there.drop());
    }
    create = create.by(told(look, desired).create());
    // What was said about it stays, unless a file says something else.
    let comment = wanted
        .comment
        .as_ref()
        .or(there.and_then(|there| there.comment.as_ref()));
    if let Some(comment) = comment {
        create = create.by(wanted.say(comment));
    }
    create.lines = match there {
        Some(there) => differing(there, wanted),
        None => lines('+', wanted),
    };
    create.as_written = true;
    if desired.apart.is_some() {
        create.lines = lines('+', &told(look, desired));
        create.detail.push_str(APART);
    }
    create
}

/// Said of policies that cannot be made on a twin.
const APART: &str = "compared as a view: it speaks of its table as no twin can";

/// How a policy that is there becomes what it is to be.
fn change(look: &Look, desired: &Desired, there: &Policy) -> Option<Difference> {
    let wanted = &desired.policy;
    let must_be_new = wanted.command != there.command
        || wanted.permissive != there.permissive
        || (wanted.using.is_none() && there.using.is_some())
        || (wanted.check.is_none() && there.check.is_some());
    if must_be_new {
        return Some(create(look, desired, Action::Replace, Some(there)));
    }
    let relation = wanted.on();
    if says_the_same(desired, there) {
        let comment = wanted.comment.as_ref()?;
        if there.comment.as_ref() == Some(comment) {
            return None;
        }
        let say = Difference::new(
            Action::Comment,
            named(wanted),
            &relation,
            AccessEffect::None,
        );
        return Some(say.by(wanted.say(comment)));
    }
    let told = told(look, desired);
    let mut sql = format!(
        "alter policy {} on {}",
        Ident(&wanted.name),
        wanted.relation()
    );
    if wanted.roles != there.roles {
        let _ = write!(sql, " to {}", roles(&wanted.roles));
    }
    if !same_expressions(desired, there) {
        for (word, clause) in [("using", &told.using), ("with check", &told.check)] {
            if let Some(clause) = clause {
                let _ = write!(sql, " {word} ({clause})");
            }
        }
    }
    let fewer = wanted.roles.iter().all(|role| there.roles.contains(role))
        || there.roles.iter().any(|role| role == PUBLIC);
    let more = there.roles.iter().all(|role| wanted.roles.contains(role))
        || wanted.roles.iter().any(|role| role == PUBLIC);
    let effect = match same_expressions(desired, there) {
        true if wanted.permissive && fewer => AccessEffect::Tightens,
        true if !wanted.permissive && more => AccessEffect::Tightens,
        true => AccessEffect::Loosens,
        false => AccessEffect::Unclear,
    };
    let mut alter = Difference::new(Action::Alter, named(wanted), &relation, effect)
        .by(sql)
        .locking(&relation);
    if let Some(comment) = &wanted.comment
        && wanted.comment != there.comment
    {
        alter = alter.by(wanted.say(comment));
    }
    alter.as_written = true;
    alter.lines = differing(
        there,
        if desired.apart.is_some() {
            &told
        } else {
            wanted
        },
    );
    if desired.apart.is_some() {
        alter.detail.push_str(APART);
    }
    Some(alter)
}
