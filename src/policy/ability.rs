//! What a role can do: which commands on which relations, and on which of their rows, as privileges and policies
//! together say.
//!
//! For every command its own policies count. Those for `select` are asked besides, wherever an `update` or a `delete`
//! reads the rows it is about, and an `insert` returns them.

use serde::{Serialize, Serializer};

use crate::pg::policy::{PUBLIC, Policy};
use crate::pg::relation::Relation;

crate::row! {
    /// What a role may do to a relation by one command, whatever its rows.
    pub struct Reach {
        /// The relation's schema.
        pub schema: String,
        /// The relation.
        pub name: String,
        /// `table`, `view`, `materialized view`, `foreign table`.
        pub kind: String,
        /// `select`, `insert`, `update`, `delete` or `truncate`.
        pub command: String,
        /// Whether the schema may be used at all.
        pub within: bool,
        /// Whether the whole relation is granted.
        pub whole: bool,
        /// Columns that are granted, where the whole is not.
        pub columns: Vec<String>,
        /// Whether row-level security is switched on.
        pub secured: bool,
        /// Whether it binds the owner as well.
        pub forced: bool,
        /// Whose it is.
        pub owner: String,
        /// Whether the role has its owner's rights.
        pub owned: bool,
        /// Whether a view looks with the rights of whoever asks.
        pub invoker: bool,
    }
}

impl Reach {
    /// The relation.
    pub fn on(&self) -> Relation {
        Relation::new(&self.schema, &self.name)
    }
}

/// Who asks.
#[derive(Debug, Clone, Copy)]
pub struct Asker<'a> {
    /// Roles whose rights it has, its own among them.
    pub has: &'a [String],
    /// Whether row-level security does not bind it: a superuser, or one with BYPASSRLS.
    pub bypasses: bool,
}

/// How much of a relation a command may touch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Privilege {
    /// Nothing.
    None,
    /// These columns.
    Columns(Vec<String>),
    /// All of it.
    All,
}

/// Which rows a command finds, or may leave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rows {
    /// Every one.
    All,
    /// None, since no policy lets any in.
    None,
    /// Those for which this is true.
    Those(String),
    /// Those that a view's owner finds.
    AsOwner(String),
    /// Those that the asker finds in what the view reads.
    AsAsker,
}

/// What a role can do by one command.
#[derive(Debug, Clone, Serialize)]
pub struct Ability {
    /// The relation, or the function.
    pub relation: Relation,
    /// `table`, `view`, `materialized view`, `foreign table`, `function`.
    pub kind: String,
    /// `select`, `insert`, `update`, `delete`, `truncate` or `execute`.
    pub command: String,
    /// How much of it.
    pub privilege: Privilege,
    /// Which rows it finds; nothing where none are looked for, or nothing is granted.
    pub rows: Option<Rows>,
    /// Which rows it may leave, likewise.
    pub new_rows: Option<Rows>,
}

impl Privilege {
    /// In words.
    pub fn describe(&self) -> String {
        match self {
            Self::None => "none".to_owned(),
            Self::Columns(columns) => columns.join(", "),
            Self::All => "all".to_owned(),
        }
    }
}

impl Rows {
    /// In words, or in SQL.
    pub fn describe(&self) -> String {
        match self {
            Self::All => "all".to_owned(),
            Self::None => "none".to_owned(),
            Self::Those(expression) => expression.clone(),
            Self::AsOwner(owner) => format!("as its owner, {owner}"),
            Self::AsAsker => "as the asker".to_owned(),
        }
    }
}

impl Serialize for Privilege {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Columns(columns) => columns.serialize(serializer),
            other => serializer.serialize_str(&other.describe()),
        }
    }
}

impl Serialize for Rows {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.describe())
    }
}

/// What this asker can do within this reach, the policies of all tables being these.
pub fn ability(reach: &Reach, policies: &[Policy], asker: Asker<'_>) -> Ability {
    let privilege = match reach {
        Reach { within: false, .. } => Privilege::None,
        Reach { whole: true, .. } => Privilege::All,
        Reach { columns, .. } if columns.is_empty() => Privilege::None,
        Reach { columns, .. } => Privilege::Columns(columns.clone()),
    };
    let relation = reach.on();
    let (rows, new_rows) = if privilege == Privilege::None {
        (None, None)
    } else {
        let own = policies.iter().filter(|policy| policy.on() == relation);
        let own: Vec<&Policy> = own.collect();
        let old = || rows(reach, &own, asker, |policy| policy.using.as_deref());
        let new = || {
            rows(reach, &own, asker, |policy| {
                policy.check.as_deref().or(policy.using.as_deref())
            })
        };
        match reach.command.as_str() {
            "insert" => (None, Some(new())),
            "update" => (Some(old()), Some(new())),
            // It asks no policy.
            "truncate" => (Some(Rows::All), None),
            _ => (Some(old()), None),
        }
    };
    Ability {
        relation,
        kind: reach.kind.clone(),
        command: reach.command.clone(),
        privilege,
        rows,
        new_rows,
    }
}

fn rows<'p>(
    reach: &Reach,
    policies: &[&'p Policy],
    asker: Asker<'_>,
    expression: impl Fn(&'p Policy) -> Option<&'p str>,
) -> Rows {
    if reach.kind == "view" {
        return if reach.invoker {
            Rows::AsAsker
        } else {
            Rows::AsOwner(reach.owner.clone())
        };
    }
    let is_free = asker.bypasses || reach.owned && !reach.forced;
    if !reach.secured || is_free {
        return Rows::All;
    }
    let is_for = |role: &String| role == PUBLIC || asker.has.contains(role);
    let of = |permissive: bool| -> Vec<&str> {
        policies
            .iter()
            .filter(|policy| policy.permissive == permissive)
            .filter(|policy| policy.command == "all" || policy.command == reach.command)
            .filter(|policy| policy.roles.iter().any(is_for))
            // A policy without an expression says nothing against a row.
            .map(|policy| expression(policy).unwrap_or("true"))
            .collect()
    };
    let (lets_in, keeps_out) = (of(true), of(false));
    if lets_in.is_empty() {
        return Rows::None;
    }
    let is_open = |expression: &&str| *expression == "true";
    let lets_in = if lets_in.iter().any(is_open) {
        Vec::new()
    } else {
        vec![joined(&lets_in, " or ")]
    };
    let keeps_out: Vec<&str> = keeps_out
        .into_iter()
        .filter(|expression| *expression != "true")
        .collect();
    let all: Vec<&str> = lets_in
        .iter()
        .map(String::as_str)
        .chain(keeps_out)
        .collect();
    if all.is_empty() {
        Rows::All
    } else {
        Rows::Those(joined(&all, " and "))
    }
}

/// Several in parentheses, each its own, so that a reader sees which policy is which.
fn joined(expressions: &[&str], word: &str) -> String {
    match expressions {
        [one] => (*one).to_owned(),
        many => {
            let parts: Vec<String> = many
                .iter()
                .map(|expression| {
                    if is_enclosed(expression) {
                        (*expression).to_owned()
                    } else {
                        format!("({expression})")
                    }
                })
                .collect();
            parts.join(word)
        }
    }
}

/// Whether the first parenthesis is closed by the last letter. A parenthesis in a quoted text only ever adds a pair.
fn is_enclosed(expression: &str) -> bool {
    let mut depth = 0_i32;
    let mut quoted = false;
    for (at, letter) in expression.char_indices() {
        match letter {
            '\'' => quoted = !quoted,
            '(' if !quoted => depth += 1,
            ')' if !quoted => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return at > 0 && at + letter.len_utf8() == expression.len();
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reach(command: &str) -> Reach {
        Reach {
            schema: "public".to_owned(),
            name: "a".to_owned(),
            kind: "table".to_owned(),
            command: command.to_owned(),
            within: true,
            whole: true,
            columns: Vec::new(),
            secured: true,
            forced: false,
            owner: "boss".to_owned(),
            owned: false,
            invoker: false,
        }
    }

    fn policy(command: &str, role: &str, using: Option<&str>, check: Option<&str>) -> Policy {
        Policy {
            schema: "public".to_owned(),
            table: "a".to_owned(),
            name: "p".to_owned(),
            command: command.to_owned(),
            permissive: true,
            roles: vec![role.to_owned()],
            using: using.map(str::to_owned),
            check: check.map(str::to_owned),
            comment: None,
            readable: true,
        }
    }

    fn told(reach: &Reach, policies: &[Policy]) -> String {
        let has = ["fan".to_owned()];
        let asker = Asker {
            has: &has,
            bypasses: false,
        };
        let Ability {
            privilege,
            rows,
            new_rows,
            ..
        } = ability(reach, policies, asker);
        let describe = |rows: Option<Rows>| rows.map_or("-".to_owned(), |rows| rows.describe());
        format!(
            "{} | {} | {}",
            privilege.describe(),
            describe(rows),
            describe(new_rows)
        )
    }

    #[test]
    fn one_of_those_that_let_in_and_all_that_keep_out() {
        let keeps_out = Policy {
            permissive: false,
            ..policy("all", "public", Some("(n < 9)"), None)
        };
        let policies = [
            policy("select", "fan", Some("(a = b)"), None),
            policy("all", "public", Some("(x = 1) or (y = 2)"), Some("z")),
            policy("select", "stranger", Some("true"), None),
            keeps_out,
        ];
        assert_eq!(
            told(&reach("select"), &policies),
            "all | ((a = b) or ((x = 1) or (y = 2))) and (n < 9) | -"
        );
        assert_eq!(
            told(&reach("update"), &policies),
            "all | ((x = 1) or (y = 2)) and (n < 9) | (z) and (n < 9)"
        );
        assert_eq!(
            told(&reach("insert"), &policies),
            "all | - | (z) and (n < 9)"
        );
        assert_eq!(told(&reach("truncate"), &policies), "all | all | -");
    }

    #[test]
    fn without_a_policy_nothing_and_without_security_everything() {
        assert_eq!(told(&reach("delete"), &[]), "all | none | -");
        let open = [policy("select", "fan", Some("true"), None)];
        assert_eq!(told(&reach("select"), &open), "all | all | -");
        let off = Reach {
            secured: false,
            ..reach("select")
        };
        assert_eq!(told(&off, &[]), "all | all | -");
        let owned = Reach {
            owned: true,
            ..reach("select")
        };
        assert_eq!(told(&owned, &[]), "all | all | -");
        let forced = Reach {
            forced: true,
            ..owned
        };
        assert_eq!(told(&forced, &[]), "all | none | -");
    }

    #[test]
    fn what_is_not_granted_has_no_rows() {
        let nothing = Reach {
            whole: false,
            ..reach("select")
        };
        assert_eq!(told(&nothing, &[]), "none | - | -");
        let columns = Reach {
            columns: vec!["x".to_owned(), "y".to_owned()],
            ..nothing
        };
        assert_eq!(told(&columns, &[]), "x, y | none | -");
        let outside = Reach {
            within: false,
            ..reach("select")
        };
        assert_eq!(told(&outside, &[]), "none | - | -");
    }

    #[test]
    fn a_pair_of_parentheses_around_all_is_enough() {
        assert!(is_enclosed("(a = ')(')"));
        for open in ["(a) or (b)", "a", "", "f(x)", "(a"] {
            assert!(!is_enclosed(open), "{open}");
        }
    }
}
