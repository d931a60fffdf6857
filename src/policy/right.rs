//! Rights: what a list of GRANT and REVOKE comes to, and how to get there from what there is.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::ops::Range;

use super::statement::Relation;
use crate::pg::Ident;
use crate::pg::policy::role;

/// Rights there are, in the order in which they are told.
pub const PRIVILEGES: [&str; 10] = [
    "select",
    "insert",
    "update",
    "delete",
    "truncate",
    "references",
    "trigger",
    "maintain",
    "usage",
    "execute",
];

/// What kind of thing rights are about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A table or a view.
    Table,
    /// A sequence.
    Sequence,
    /// A function or a procedure.
    Function,
}

impl Kind {
    /// What `all` stands for.
    fn all(self, on_columns: bool, server_major: u32) -> Vec<&'static str> {
        match self {
            Self::Table if on_columns => vec!["select", "insert", "update", "references"],
            Self::Table => {
                let mut all = vec![
                    "select",
                    "insert",
                    "update",
                    "delete",
                    "truncate",
                    "references",
                    "trigger",
                ];
                if server_major >= 17 {
                    all.push("maintain");
                }
                all
            }
            Self::Sequence => vec!["usage", "select", "update"],
            Self::Function => vec!["execute"],
        }
    }

    /// Whether there is such a privilege on it, on some version of the server.
    pub fn takes(self, privilege: &str) -> bool {
        match self {
            Self::Table => !matches!(privilege, "usage" | "execute"),
            Self::Sequence => matches!(privilege, "usage" | "select" | "update"),
            Self::Function => privilege == "execute",
        }
    }

    /// For people.
    pub fn noun(self) -> &'static str {
        match self {
            Self::Table => "table",
            Self::Sequence => "sequence",
            Self::Function => "function",
        }
    }

    /// The word before a name, for SQL.
    fn word(self) -> &'static str {
        match self {
            Self::Table => "table",
            Self::Sequence => "sequence",
            // Procedures are routines, too.
            Self::Function => "routine",
        }
    }
}

/// Columns, and where each is named; none for the whole relation.
pub type Columns = Vec<(String, Range<usize>)>;

/// What rights are about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Object {
    /// A table, a view or a sequence.
    Relation(Relation),
    /// A function: its name and the types it takes, as they are written.
    Function(String),
}

/// A GRANT or a REVOKE.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// Whether it gives; otherwise it takes.
    pub gives: bool,
    /// Whether it takes no more than the option to pass the right on.
    pub option_only: bool,
    /// Which rights, on which columns.
    pub privileges: Vec<(String, Columns)>,
    /// On what kind of thing.
    pub kind: Kind,
    /// On what, and where it is named.
    pub objects: Vec<(Object, Range<usize>)>,
    /// To whom, and where they are named.
    pub roles: Vec<(String, Range<usize>)>,
    /// Whether they may pass it on.
    pub grantable: bool,
}

/// A right of a role.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Right {
    /// Whose.
    pub grantee: String,
    /// On which column; nothing for the whole.
    pub column: Option<String>,
    /// What for.
    pub privilege: String,
}

/// All rights on one thing, each with whether it may be passed on. The owner's are not among them.
pub type Rights = BTreeMap<Right, bool>;

/// Carries out a GRANT or a REVOKE on what was there, as the server would.
pub fn carry_out(grant: &Grant, rights: &mut Rights, server_major: u32) {
    for (privilege, columns) in &grant.privileges {
        let on_columns = !columns.is_empty();
        let words = if privilege == "all" {
            grant.kind.all(on_columns, server_major)
        } else {
            vec![privilege.as_str()]
        };
        let columns: Vec<Option<&str>> = if on_columns {
            columns
                .iter()
                .map(|(name, _)| Some(name.as_str()))
                .collect()
        } else {
            vec![None]
        };
        for (grantee, _) in &grant.roles {
            for word in &words {
                for column in &columns {
                    one(grant, rights, grantee, word, *column);
                }
            }
        }
    }
}

fn one(grant: &Grant, rights: &mut Rights, grantee: &str, privilege: &str, column: Option<&str>) {
    let right = Right {
        grantee: grantee.to_owned(),
        column: column.map(str::to_owned),
        privilege: privilege.to_owned(),
    };
    if grant.gives {
        let grantable = rights.entry(right).or_default();
        *grantable |= grant.grantable;
        return;
    }
    // What is taken on the whole is taken on every column.
    let falls = |other: &Right| {
        other.grantee == grantee
            && other.privilege == privilege
            && (column.is_none() || other.column.as_deref() == column)
    };
    if grant.option_only {
        for (_, grantable) in rights.iter_mut().filter(|(other, _)| falls(other)) {
            *grantable = false;
        }
    } else {
        rights.retain(|other, _| !falls(other));
    }
}

/// A change of rights: one statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Whether it gives.
    pub gives: bool,
    /// Which rights; only one if it is about columns.
    pub privileges: Vec<String>,
    /// On which columns; none for the whole.
    pub columns: Vec<String>,
    /// To or from whom.
    pub grantee: String,
    /// Whether it is about passing on; a right that is taken stays then.
    pub grantable: bool,
}

impl Change {
    /// `select, insert`, `select (id, email)`
    pub fn what(&self) -> String {
        self.written(Clone::clone)
    }

    fn written(&self, name: impl Fn(&String) -> String) -> String {
        let mut text = self.privileges.join(", ");
        if !self.columns.is_empty() {
            let columns: Vec<String> = self.columns.iter().map(name).collect();
            let _ = write!(text, " ({})", columns.join(", "));
        }
        text
    }

    /// The statement.
    pub fn sql(&self, kind: Kind, object: &str) -> String {
        let privileges = self.written(|name| Ident(name).to_string());
        let grantee = role(&self.grantee);
        let kind = kind.word();
        let (verb, preposition) = if self.gives {
            ("grant", "to")
        } else if self.grantable {
            ("revoke grant option for", "from")
        } else {
            ("revoke", "from")
        };
        let option = match (self.gives, self.grantable) {
            (true, true) => " with grant option",
            (true, false) => "",
            // Whoever was given it by whom it is taken from had no other right to it.
            (false, _) => " cascade",
        };
        format!("{verb} {privileges} on {kind} {object} {preposition} {grantee}{option}")
    }
}

/// How rights change: what is taken comes first.
#[derive(Debug, Default)]
pub struct Changes {
    /// What is there and not wanted.
    pub taken: Vec<Change>,
    /// What is wanted and not there.
    pub given: Vec<Change>,
    /// What is there and not wanted, of roles for which nothing is declared anywhere.
    pub strange: Vec<Change>,
}

/// How to get from the rights there are to those that are wanted.
pub fn changes(wanted: &Rights, found: &Rights, is_strange: impl Fn(&str) -> bool) -> Changes {
    let extra: BTreeSet<&Right> = found
        .keys()
        .filter(|right| !wanted.contains_key(right))
        .collect();
    let too_free: BTreeSet<&Right> = wanted
        .iter()
        .filter(|(right, grantable)| !**grantable && found.get(*right) == Some(&true))
        .map(|(right, _)| right)
        .collect();
    // What is taken on the whole is taken on every column, also where it is to stay.
    let falls = |right: &Right, taken: &BTreeSet<&Right>| {
        right.column.is_some()
            && taken.contains(&Right {
                column: None,
                ..right.clone()
            })
    };
    let is_missing = |right: &Right, passes_on: bool| {
        let there = found.get(right).copied();
        let enough = if passes_on {
            there == Some(true) && !falls(right, &too_free)
        } else {
            there.is_some()
        };
        !enough || falls(right, &extra)
    };
    let missing = |passes_on: bool| -> Vec<&Right> {
        let rights = wanted.iter();
        rights
            .filter(|(right, grantable)| **grantable == passes_on && is_missing(right, passes_on))
            .map(|(right, _)| right)
            .collect()
    };
    let (strange, known): (Vec<&Right>, Vec<&Right>) =
        extra.iter().partition(|right| is_strange(&right.grantee));
    let mut taken = gather(known, false, false);
    taken.extend(gather(too_free.iter().copied(), false, true));
    let mut given = gather(missing(false), true, false);
    given.extend(gather(missing(true), true, true));
    Changes {
        taken,
        given,
        strange: gather(strange, false, false),
    }
}

/// What of the rights there are no file gives.
pub fn additions(found: &Rights, declared: &Rights) -> Vec<Change> {
    let lacking = |passes_on: bool| {
        let rights = found.iter().filter(move |(right, grantable)| {
            let said = declared.get(*right);
            **grantable == passes_on && (said.is_none() || (passes_on && said == Some(&false)))
        });
        rights.map(|(right, _)| right)
    };
    let mut all = gather(lacking(false), true, false);
    all.extend(gather(lacking(true), true, true));
    all
}

/// One statement a role for the whole, and one a role and privilege for columns.
fn gather<'a>(
    rights: impl IntoIterator<Item = &'a Right>,
    gives: bool,
    grantable: bool,
) -> Vec<Change> {
    let mut all: BTreeMap<(&str, Option<&str>), Change> = BTreeMap::new();
    for right in rights {
        let by_column = right.column.as_ref().map(|_| right.privilege.as_str());
        let change = all
            .entry((&right.grantee, by_column))
            .or_insert_with(|| Change {
                gives,
                privileges: Vec::new(),
                columns: Vec::new(),
                grantee: right.grantee.clone(),
                grantable,
            });
        if !change.privileges.contains(&right.privilege) {
            change.privileges.push(right.privilege.clone());
        }
        change.columns.extend(right.column.clone());
    }
    let place = |privilege: &String| PRIVILEGES.iter().position(|known| known == privilege);
    let mut all: Vec<Change> = all.into_values().collect();
    for change in &mut all {
        change.privileges.sort_by_key(place);
    }
    all
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn privileges() -> impl Strategy<Value = Vec<(String, Columns)>> {
        let columns = proptest::collection::vec(
            prop_oneof![Just("a"), Just("b")].prop_map(|name| (name.to_owned(), 0..0)),
            0..3,
        );
        let word = prop_oneof![Just("select"), Just("update"), Just("all")];
        proptest::collection::vec((word.prop_map(str::to_owned), columns), 1..3)
    }

    fn grant() -> impl Strategy<Value = Grant> {
        let role = prop_oneof![Just("r"), Just("public")].prop_map(|name| (name.to_owned(), 0..0));
        let roles = proptest::collection::vec(role, 1..3);
        let flags = (any::<bool>(), any::<bool>(), any::<bool>());
        (flags, privileges(), roles).prop_map(
            |((gives, option_only, grantable), privileges, roles)| Grant {
                gives,
                option_only: option_only && !gives,
                privileges,
                kind: Kind::Table,
                objects: Vec::new(),
                roles,
                grantable: grantable && gives,
            },
        )
    }

    fn rights(grants: &[Grant]) -> Rights {
        let mut rights = Rights::new();
        for grant in grants {
            carry_out(grant, &mut rights, 15);
        }
        rights
    }

    /// What a change does, by the rules of GRANT and REVOKE.
    fn apply(change: &Change, rights: &mut Rights) {
        let columns = change.columns.iter().map(|name| (name.clone(), 0..0));
        let columns: Columns = columns.collect();
        let privileges = change.privileges.iter();
        let grant = Grant {
            gives: change.gives,
            option_only: change.grantable && !change.gives,
            privileges: privileges
                .map(|word| (word.clone(), columns.clone()))
                .collect(),
            kind: Kind::Table,
            objects: Vec::new(),
            roles: vec![(change.grantee.clone(), 0..0)],
            grantable: change.grantable && change.gives,
        };
        carry_out(&grant, rights, 15);
    }

    proptest! {
        /// The changes lead from any rights to any others, and from the same to nowhere.
        #[test]
        fn changes_lead_there(one in proptest::collection::vec(grant(), 0..6), other in proptest::collection::vec(grant(), 0..6)) {
            let (wanted, mut found) = (rights(&one), rights(&other));
            let first = changes(&wanted, &found, |_| false);
            prop_assert!(first.strange.is_empty());
            for change in first.taken.iter().chain(&first.given) {
                apply(change, &mut found);
            }
            prop_assert_eq!(&found, &wanted);
            let then = changes(&wanted, &found, |_| false);
            prop_assert!(then.taken.is_empty() && then.given.is_empty());
        }
    }

    #[test]
    fn what_is_taken_on_the_whole_is_given_again_on_columns() {
        let right = |column: Option<&str>| Right {
            grantee: "anon".to_owned(),
            column: column.map(str::to_owned),
            privilege: "select".to_owned(),
        };
        let wanted = Rights::from([(right(Some("user")), false)]);
        let found = Rights::from([(right(None), false), (right(Some("user")), false)]);
        let Changes { taken, given, .. } = changes(&wanted, &found, |_| false);
        let sql = |changes: &[Change]| -> Vec<String> {
            let sql = changes.iter().map(|change| change.sql(Kind::Table, "t"));
            sql.collect()
        };
        assert_eq!(
            sql(&taken),
            ["revoke select on table t from \"anon\" cascade"]
        );
        assert_eq!(
            sql(&given),
            ["grant select (\"user\") on table t to \"anon\""]
        );
        assert_eq!(given[0].what(), "select (user)");
    }
}
