//! A statement of a policy file: what it declares, or why it may not stand there.

mod grant;
mod signature;

use std::ops::Range;

use super::right::Grant;
pub use crate::pg::reader::Refusal;
use crate::pg::reader::{Reader, refusal};
pub use crate::pg::relation::Relation;
use crate::pg::sql::Statement;

/// `create policy`, and where its parts stand in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyText {
    /// Its name.
    pub name: String,
    /// Where the name stands.
    pub place: Range<usize>,
    /// Where its table is named.
    pub table: Range<usize>,
    /// Where the expression behind USING stands, without its parentheses.
    pub using: Option<Range<usize>>,
    /// Where the one behind WITH CHECK stands.
    pub check: Option<Range<usize>>,
    /// The whole statement.
    pub statement: Range<usize>,
}

/// What row-level security of a table is to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Security {
    /// On.
    Enable,
    /// On for the table's owner as well.
    Force,
    /// Off for the owner, which it is anyway.
    NoForce,
}

/// What a statement declares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Declaration {
    /// Row-level security of a table.
    Security(Vec<Security>),
    /// A policy.
    Policy(PolicyText),
    /// Words about a policy: its name, where the table is named, and the whole statement.
    Comment(String, Range<usize>, Range<usize>),
    /// Options of a view, as the catalog has them.
    Options(Vec<(String, String)>),
    /// Rights that are given or taken.
    Grant(Grant),
}

/// A declaration, and the relation it is about; functions are about none.
pub type Read = (Declaration, Option<(Relation, Range<usize>)>);

/// Reads a statement of this text.
pub fn read(text: &str, statement: &Statement<'_>) -> Result<Read, Refusal> {
    let range = statement.start..statement.start + statement.text.len();
    let mut reader = Reader::new(text, range.clone());
    if reader.take(&["alter", "table"]) {
        return security(reader);
    }
    if reader.take(&["create", "policy"]) {
        return policy(reader, range);
    }
    if reader.take(&["comment", "on", "policy"]) {
        let (name, _) = reader.name("the name of a policy")?;
        reader.expect(&["on"])?;
        let table = reader.qualified("a table")?;
        reader.expect(&["is"])?;
        let about = Some((Relation::from(&table), table.span.clone()));
        return Ok((Declaration::Comment(name, table.span, range), about));
    }
    if reader.take(&["alter", "view"]) {
        return options(reader);
    }
    if reader.take(&["grant"]) {
        return grant::read(text, reader, true);
    }
    if reader.take(&["revoke"]) {
        return grant::read(text, reader, false);
    }
    Err(foreign(text, reader.place(), statement))
}

/// What does not belong into these files belongs somewhere.
fn foreign(text: &str, place: Range<usize>, statement: &Statement<'_>) -> Refusal {
    let words: Vec<&str> = statement.words.iter().take(3).map(String::as_str).collect();
    let (what, hint) = match words.as_slice() {
        ["alter", "policy", ..] => (
            "ALTER POLICY",
            "write the policy as it is to be, with CREATE POLICY; it is altered where that can be done",
        ),
        ["drop", "policy", ..] => (
            "DROP POLICY",
            "leave the policy out of the file; `policy apply --prune` drops it",
        ),
        ["alter", "default", ..] => (
            "ALTER DEFAULT PRIVILEGES",
            "put it into a migration: it is about tables to come",
        ),
        ["begin" | "start" | "commit" | "rollback" | "end", ..] => (
            "transaction control",
            "leave it out: all files are applied in one transaction",
        ),
        ["set" | "reset", ..] => (
            "a setting",
            "leave it out, and qualify names that are not in public or extensions",
        ),
        _ => (
            "this",
            "put it into a migration; policy files hold row-level security, policies and their comments, rights, and \
             security options of views",
        ),
    };
    let length = statement.text.lines().next().unwrap_or_default().len();
    let end = (statement.start + length).min(text.len());
    Refusal {
        span: place.start..end.max(place.end),
        message: format!("{what} is not for a policy file"),
        hint: hint.to_owned(),
    }
}

fn security(mut reader: Reader<'_>) -> Result<Read, Refusal> {
    reader.take(&["if", "exists"]);
    reader.take(&["only"]);
    let table = reader.qualified("a table")?;
    let mut all = Vec::new();
    loop {
        let place = reader.place();
        let what = if reader.take(&["enable"]) {
            Security::Enable
        } else if reader.take(&["force"]) {
            Security::Force
        } else if reader.take(&["no", "force"]) {
            Security::NoForce
        } else if reader.sees(&["disable", "row"]) {
            return refusal(
                place,
                "row-level security is not switched off by a policy file",
                "if it has to be off, do it in a migration, and remove the file",
            );
        } else {
            return refusal(
                place,
                "this change of a table is not for a policy file",
                "put it into a migration; here is room for ENABLE and FORCE ROW LEVEL SECURITY",
            );
        };
        if !reader.take(&["row", "level", "security"]) {
            return refusal(
                place.start..reader.place().end,
                "this change of a table is not for a policy file",
                "put it into a migration; here is room for ENABLE and FORCE ROW LEVEL SECURITY",
            );
        }
        all.push(what);
        if !reader.comma() {
            break;
        }
    }
    reader.done()?;
    let about = Some((Relation::from(&table), table.span));
    Ok((Declaration::Security(all), about))
}

/// Words for whoever it is.
const SOMEBODY: [&str; 3] = ["current_role", "current_user", "session_user"];

fn nobody_in_particular<T>(reader: &Reader<'_>) -> Result<T, Refusal> {
    refusal(
        reader.place(),
        "whoever applies the files is nobody in particular",
        "name the role",
    )
}

fn policy(mut reader: Reader<'_>, statement: Range<usize>) -> Result<Read, Refusal> {
    let (name, place) = reader.name("the name of a policy")?;
    reader.expect(&["on"])?;
    let table = reader.qualified("a table")?;
    let (mut using, mut check) = (None, None);
    while !reader.is_done() {
        if reader.take(&["using"]) {
            using = Some(reader.parentheses()?);
        } else if reader.take(&["with", "check"]) {
            check = Some(reader.parentheses()?);
        } else if SOMEBODY.iter().any(|word| reader.sees(&[word])) {
            return nobody_in_particular(&reader);
        } else {
            // What stands here the server judges.
            reader.skip();
        }
    }
    let about = Some((Relation::from(&table), table.span.clone()));
    let text = PolicyText {
        name,
        place,
        table: table.span,
        using,
        check,
        statement,
    };
    Ok((Declaration::Policy(text), about))
}

/// Options of views that say with whose rights they read; the server takes no others but `check_option`.
const OPTIONS: [&str; 2] = ["security_barrier", "security_invoker"];

fn options(mut reader: Reader<'_>) -> Result<Read, Refusal> {
    reader.take(&["if", "exists"]);
    let view = reader.qualified("a view")?;
    let place = reader.place();
    let is_reset = reader.take(&["reset"]);
    if !is_reset && !reader.take(&["set"]) || !reader.sees_parenthesis() {
        return refusal(
            place,
            "this change of a view is not for a policy file",
            "put it into a migration; here is room for SET (security_invoker = ..., security_barrier = ...)",
        );
    }
    reader.open()?;
    let mut all = Vec::new();
    loop {
        let (name, place) = reader.name("an option")?;
        if !OPTIONS.contains(&name.as_str()) {
            return refusal(
                place,
                &format!("{name} is no security option of a view"),
                "the options are security_barrier and security_invoker; others belong into a migration",
            );
        }
        let value = if is_reset {
            false
        } else if reader.equals() {
            boolean(&mut reader)?
        } else {
            true
        };
        all.push((name, value.to_string()));
        if !reader.comma() {
            break;
        }
    }
    reader.close()?;
    reader.done()?;
    let about = Some((Relation::from(&view), view.span));
    Ok((Declaration::Options(all), about))
}

fn boolean(reader: &mut Reader<'_>) -> Result<bool, Refusal> {
    let place = reader.place();
    match reader.word().as_deref() {
        Some("true" | "on" | "yes") => Ok(true),
        Some("false" | "off" | "no") => Ok(false),
        _ => refusal(place, "here should be true or false", "write one of them"),
    }
}
