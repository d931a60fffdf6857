//! How the indexes of a database differ from those that are declared.

use std::collections::BTreeSet;

use super::declared::Wanted;
use super::difference::{Action, Difference, is_leftover_name, is_leftover_of};
use super::found::Index;
use super::look::Look;

/// Everything that has to change, by table: what nobody declares comes last.
pub fn compare(look: &Look) -> Vec<Difference> {
    let mut all = Vec::new();
    // Indexes under another name that say what is wanted.
    let mut used: BTreeSet<(&str, &str)> = BTreeSet::new();
    for (wanted, desired) in look.declared.indexes.iter().zip(&look.desired) {
        let other = substitute(look, wanted, desired, &used);
        let difference = match named(look, wanted) {
            Some(there) => change(wanted, desired, there, other),
            None => Some(missing(look, wanted, desired, other)),
        };
        let Some(difference) = difference else {
            continue;
        };
        if let (Some(other), Some(_)) = (other, &difference.from) {
            used.insert((&other.schema, &other.name));
        }
        all.push(difference);
    }
    all.extend(
        ours(look)
            .filter(|index| !used.contains(&(index.schema.as_str(), index.name.as_str())))
            .filter_map(|index| undeclared(look, index)),
    );
    all.sort_by(|left, right| {
        let key = |difference: &Difference| {
            (
                difference.table.clone(),
                difference.prune,
                difference.action,
            )
        };
        key(left).cmp(&key(right))
    });
    all
}

/// What is worth knowing and is nobody's to change here.
pub fn notes(look: &Look) -> Vec<String> {
    let mut notes = Vec::new();
    for index in ours(look).filter(|index| !index.valid && !is_declared(look, index)) {
        let (name, table) = (&index.name, index.on());
        if let Some(busy) = busy(index) {
            notes.push(format!("{name} on {table}, which no file declares: {busy}"));
        } else if index.unique && !is_leftover_name(name) {
            let invalid = invalid(index);
            notes.push(format!(
                "{name} on {table}, which is unique and which no file declares, is {invalid}; whoever made it has to drop it \
                 and make it again"
            ));
        }
    }
    for (number, is_certain) in &look.apart {
        let wanted = &look.declared.indexes[*number];
        let (name, table) = (&wanted.name, &wanted.table);
        notes.push(if *is_certain {
            format!(
                "{name} on {table} cannot be made on a twin of its table, so its expressions are compared as those of views: \
                 it hands on the whole row, or writes the schema before a column"
            )
        } else {
            format!("{name} on {table} cannot be compared: an index of this name is taken to be as declared")
        });
    }
    notes
}

fn named<'a>(look: &'a Look, wanted: &Wanted) -> Option<&'a Index> {
    look.found
        .iter()
        .find(|index| index.schema == wanted.table.schema && index.name == wanted.name)
}

/// Indexes on tables of schemas that files speak of, save those that belong to constraints, to others, or to extensions.
fn ours(look: &Look) -> impl Iterator<Item = &Index> {
    let schemas: BTreeSet<&str> = look
        .declared
        .files
        .iter()
        .map(|file| file.table.schema.as_str())
        .collect();
    look.found.iter().filter(move |index| {
        index.constraint.is_none()
            && index.parent.is_none()
            && !index.foreign
            && schemas.contains(index.schema.as_str())
    })
}

/// What becomes of an index that no file declares, when all of them are to be declared.
#[derive(Debug)]
pub enum Undeclared {
    /// A file can declare it.
    Adoptable,
    /// No file can, for this reason.
    Left(String),
}

/// The indexes of these schemas that no file declares, save those that are a migration's, or on their way.
pub fn undeclared_in<'a>(
    look: &'a Look,
    schemas: &'a [String],
) -> impl Iterator<Item = (&'a Index, Undeclared)> {
    let indexes = look.found.iter().filter(move |index| {
        let is_free = index.constraint.is_none() && index.parent.is_none() && !index.foreign;
        let is_left =
            is_leftover_name(&index.name) && (!index.valid || is_left_of_declared(look, index));
        is_free
            && schemas.contains(&index.schema)
            && !(index.unique || is_declared(look, index) || index.pid.is_some())
            && !(is_left || is_part_to_be(look, index))
    });
    indexes.map(|index| {
        let how = hindrance(index).map_or(Undeclared::Adoptable, Undeclared::Left);
        (index, how)
    })
}

/// Why no file can declare an index that is there.
pub fn hindrance(index: &Index) -> Option<String> {
    if !index.valid {
        return Some("it is INVALID: drop it, or build it anew".to_owned());
    }
    if !index.readable {
        return Some("it is nested too deep, or too large, to be read".to_owned());
    }
    is_leftover_name(&index.name)
        .then(|| "its name ends like those of half-built indexes: rename it first".to_owned())
}

/// Whether a file declares it.
pub fn is_declared(look: &Look, index: &Index) -> bool {
    let mut indexes = look.declared.indexes.iter();
    indexes.any(|wanted| wanted.table.schema == index.schema && wanted.name == index.name)
}

/// What a replacement of a declared index left behind.
fn is_left_of_declared(look: &Look, index: &Index) -> bool {
    let mut indexes = look.declared.indexes.iter();
    indexes.any(|wanted| index.is_on(&wanted.table) && is_leftover_of(&index.name, &wanted.name))
}

/// A valid index under another name that says what is wanted. A unique one is a migration's, unless the name says that it
/// was built for this.
fn substitute<'a>(
    look: &'a Look,
    wanted: &Wanted,
    desired: &Index,
    used: &BTreeSet<(&str, &str)>,
) -> Option<&'a Index> {
    let fits = |index: &&Index| {
        index.valid
            && index.is_on(&wanted.table)
            && !used.contains(&(index.schema.as_str(), index.name.as_str()))
            && !is_declared(look, index)
            && (!index.unique || is_leftover_of(&index.name, &wanted.name))
            && index.says_the_same(desired)
    };
    ours(look).find(fits)
}

fn about(action: Action, wanted: &Wanted, there: Option<&Index>) -> Difference {
    let mut difference = Difference::new(action, &wanted.table, &wanted.name);
    difference.wanted = Some(wanted.clone());
    difference.size = there.and_then(|there| there.size);
    difference
}

fn missing(look: &Look, wanted: &Wanted, desired: &Index, other: Option<&Index>) -> Difference {
    let kind = look.others.get(&wanted.table);
    let mut difference = if let Some(other) = other {
        let mut rename = about(Action::Rename, wanted, Some(other));
        rename.detail = format!("it is there as {}", other.name);
        rename.from = Some(other.name.clone());
        rename
    } else {
        let mut create = about(Action::Create, wanted, None);
        create.lines = lines('+', desired);
        create
    };
    difference.partitioned = kind.is_some_and(|kind| kind == "partitioned table");
    difference
}

/// What has to be done about one that has the name. If it is replaced, the other one is used for it.
fn change(
    wanted: &Wanted,
    desired: &Index,
    there: &Index,
    other: Option<&Index>,
) -> Option<Difference> {
    let is_same = there.says_the_same(desired);
    let mut difference = if !there.valid && there.pid.is_some() {
        let mut follow = about(Action::Follow, wanted, Some(there));
        follow.pid = there.pid;
        follow.detail = busy(there).unwrap_or_default();
        follow
    } else if !there.valid && (is_same || !there.partitioned) {
        let mut rebuild = about(Action::Rebuild, wanted, Some(there));
        rebuild.detail = invalid(there);
        rebuild
    } else if !is_same {
        let mut replace = about(Action::Replace, wanted, Some(there));
        if let Some(other) = other {
            replace.from = Some(other.name.clone());
            replace.detail = format!("{} says it already", other.name);
        }
        replace
    } else if !there.lacking.is_empty() {
        let mut rebuild = about(Action::Rebuild, wanted, Some(there));
        rebuild.detail = invalid(there);
        rebuild
    } else {
        return None;
    };
    difference.partitioned = there.partitioned;
    if !is_same {
        difference.lines = differing(there, desired);
    }
    Some(difference)
}

/// What is the matter with one that is not valid, or not everywhere.
fn invalid(there: &Index) -> String {
    if there.partitioned {
        return match there.lacking.as_slice() {
            [] => "INVALID: not every partition has its part of it".to_owned(),
            lacking => format!("no valid part of it on {}", listed(lacking)),
        };
    }
    let writes = match (there.ready, there.unique) {
        (false, _) => "",
        (true, false) => ", and every write goes into it",
        (true, true) => ", and it refuses what is not unique all the same",
    };
    format!("INVALID: an interrupted build left it, no query uses it{writes}")
}

fn listed(names: &[String]) -> String {
    match names {
        [first, second, third, rest @ ..] if rest.len() > 1 => {
            format!("{first}, {second}, {third} and {} more", rest.len())
        }
        names => names.join(", "),
    }
}

/// Who is at work on it.
fn busy(index: &Index) -> Option<String> {
    let pid = index.pid?;
    let what = match index.command.as_deref() {
        Some(command) if command.starts_with("REINDEX") => "is rebuilding",
        Some(_) => "is building",
        None => "is at work on",
    };
    let phase = index.phase.as_ref();
    let phase = phase.map_or_else(String::new, |phase| format!(" ({phase})"));
    Some(format!("pid {pid} {what} it{phase}"))
}

/// What becomes of an index that no file declares.
fn undeclared(look: &Look, index: &Index) -> Option<Difference> {
    if is_declared(look, index) || index.pid.is_some() {
        return None;
    }
    let mut drop = Difference::new(Action::Drop, &index.on(), &index.name);
    drop.size = index.size;
    drop.partitioned = index.partitioned;
    if is_leftover_name(&index.name) && (!index.valid || is_left_of_declared(look, index)) {
        drop.detail = if index.valid {
            "left behind when another took its place".to_owned()
        } else {
            invalid(index)
        };
        return Some(drop);
    }
    if index.unique || is_part_to_be(look, index) {
        return None;
    }
    drop.prune = true;
    "no file declares it".clone_into(&mut drop.detail);
    if !index.valid {
        drop.detail = format!("{}; {}", drop.detail, invalid(index));
    }
    drop.lines = lines('-', index);
    Some(drop)
}

/// Whether it is on a partition, and just what an index says that is declared of the partitioned table and is not whole:
/// it will be attached.
fn is_part_to_be(look: &Look, index: &Index) -> bool {
    let (Some(schema), Some(name)) = (&index.root_schema, &index.root_name) else {
        return false;
    };
    let mut declared = look.declared.indexes.iter().zip(&look.desired);
    declared.any(|(wanted, desired)| {
        (&wanted.table.schema, &wanted.table.name) == (schema, name)
            && index.says_the_same(desired)
            && named(look, wanted).is_none_or(|there| !there.valid || !there.lacking.is_empty())
    })
}

/// An index, line by line.
fn lines(sign: char, index: &Index) -> Vec<String> {
    let unique = index.unique.then(|| {
        let nulls = if index.nulls_not_distinct {
            " nulls not distinct"
        } else {
            ""
        };
        format!("unique{nulls}")
    });
    let keys = format!("using {} ({})", index.method, index.keys.join(", "));
    let included =
        (!index.included.is_empty()).then(|| format!("include ({})", index.included.join(", ")));
    let options =
        (!index.options.is_empty()).then(|| format!("with ({})", index.options.join(", ")));
    let predicate = index
        .predicate
        .as_ref()
        .map(|predicate| format!("where {predicate}"));
    unique
        .into_iter()
        .chain([keys])
        .chain(included)
        .chain(options)
        .chain(predicate)
        .map(|line| format!("{sign} {line}"))
        .collect()
}

/// The lines in which two indexes differ.
fn differing(there: &Index, desired: &Index) -> Vec<String> {
    let (old, new) = (lines('-', there), lines('+', desired));
    let only = |these: &[String], those: &[String]| -> Vec<String> {
        let is_other = |line: &&String| !those.iter().any(|other| other[1..] == line[1..]);
        these.iter().filter(is_other).cloned().collect()
    };
    let mut all = only(&old, &new);
    all.extend(only(&new, &old));
    if !there.is_in_place(desired) {
        for (sign, index) in [('-', there), ('+', desired)] {
            let name = index.tablespace.as_deref().unwrap_or_default();
            all.push(format!("{sign} tablespace {name}"));
        }
    }
    if all.is_empty() {
        all.push("the operator classes differ".to_owned());
    }
    all
}
