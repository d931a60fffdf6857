//! GRANT and REVOKE.

use std::ops::Range;

use super::{Declaration, Read, Refusal, Relation, SOMEBODY, nobody_in_particular, signature};
use crate::pg::policy::PUBLIC;
use crate::pg::reader::{Qualified, Reader, refusal};
use crate::policy::right::{Columns, Grant, Kind, Object, PRIVILEGES};

/// Reads what follows the first word.
pub(super) fn read(text: &str, mut reader: Reader<'_>, gives: bool) -> Result<Read, Refusal> {
    let mut option_only = false;
    if !gives {
        option_only = reader.take(&["grant", "option", "for"]);
    }
    let (privileges, spans) = privileges(&mut reader)?;
    let place = reader.place();
    if !reader.take(&["on"]) {
        return refusal(
            place,
            "membership in a role is not for a policy file",
            "put it into a migration: roles are the whole server's",
        );
    }
    let kind = kind(&mut reader)?;
    for (privilege, span) in &spans {
        if privilege != "all" && !kind.takes(privilege) {
            return refusal(
                span.clone(),
                &format!("{privilege} is no privilege on a {}", kind.noun()),
                "see `\\h GRANT` in psql for those there are",
            );
        }
    }
    let mut objects = Vec::new();
    let mut about = None;
    loop {
        let name = reader.qualified("a name")?;
        let mut span = name.span.clone();
        let object = if kind == Kind::Function {
            let (signature, whole) = function(text, &mut reader, &name)?;
            span = whole;
            Object::Function(signature)
        } else {
            let relation = Relation::from(&name);
            if kind == Kind::Table {
                about.get_or_insert_with(|| (relation.clone(), span.clone()));
            }
            Object::Relation(relation)
        };
        objects.push((object, span));
        if !reader.comma() {
            break;
        }
    }
    reader.expect(&[if gives { "to" } else { "from" }])?;
    let mut roles = Vec::new();
    loop {
        reader.take(&["group"]);
        if SOMEBODY.iter().any(|word| reader.sees(&[word])) {
            return nobody_in_particular(&reader);
        }
        roles.push(reader.name("a role")?);
        if !reader.comma() {
            break;
        }
    }
    let mut grantable = false;
    if gives {
        let place = reader.place();
        grantable = reader.take(&["with", "grant", "option"]);
        if grantable && roles.iter().any(|(role, _)| role == PUBLIC) {
            return refusal(
                place,
                "everybody cannot pass a right on",
                "leave out WITH GRANT OPTION, or name roles",
            );
        }
    } else if !reader.take(&["cascade"]) {
        reader.take(&["restrict"]);
    }
    if reader.sees(&["granted", "by"]) {
        return refusal(
            reader.place(),
            "rights are given by the owner",
            "leave out GRANTED BY",
        );
    }
    reader.done()?;
    let grant = Grant {
        gives,
        option_only,
        privileges,
        kind,
        objects,
        roles,
        grantable,
    };
    Ok((Declaration::Grant(grant), about))
}

/// A function's name and the types it takes, and where all of that stands.
fn function(
    text: &str,
    reader: &mut Reader<'_>,
    name: &Qualified,
) -> Result<(String, Range<usize>), Refusal> {
    if !reader.sees_parenthesis() {
        return refusal(
            name.span.clone(),
            "a function is named with the types of its arguments",
            "write `app.current_user_id()`, say, or `app.get_content(uuid)`",
        );
    }
    let inside = reader.parentheses()?;
    let whole = name.span.start..inside.end + 1;
    let types = signature::types(text, inside)?;
    let types: Vec<&str> = types.into_iter().map(|span| &text[span]).collect();
    let signature = format!("{}({})", &text[name.span.clone()], types.join(", "));
    Ok((signature, whole))
}

type Privileges = (Vec<(String, Columns)>, Vec<(String, Range<usize>)>);

/// Privileges, and where each is named.
fn privileges(reader: &mut Reader<'_>) -> Result<Privileges, Refusal> {
    let (mut all, mut spans) = (Vec::new(), Vec::new());
    loop {
        let place = reader.place();
        let Some(word) = reader.word() else {
            return Ok(reader.misread("a privilege")?);
        };
        if word == "all" {
            reader.take(&["privileges"]);
        } else if !PRIVILEGES.contains(&word.as_str()) {
            return refusal(
                place,
                &format!("{word} is no privilege on a relation or a function"),
                "the privileges are select, insert, update, delete, truncate, references, trigger, maintain, usage, execute; \
                 membership in a role is for a migration",
            );
        }
        spans.push((word.clone(), place));
        let mut columns = Columns::new();
        if reader.sees_parenthesis() {
            reader.open()?;
            loop {
                columns.push(reader.name("a column")?);
                if !reader.comma() {
                    break;
                }
            }
            reader.close()?;
        }
        all.push((word, columns));
        if !reader.comma() {
            return Ok((all, spans));
        }
    }
}

/// What kind of thing rights are about.
fn kind(reader: &mut Reader<'_>) -> Result<Kind, Refusal> {
    let place = reader.place();
    if reader.sees(&["all"]) {
        return refusal(
            place,
            "rights on everything in a schema are not for a policy file",
            "name the relation: each has a file of its own",
        );
    }
    for word in [
        "schema",
        "database",
        "type",
        "domain",
        "language",
        "tablespace",
        "foreign",
        "large",
        "parameter",
    ] {
        if reader.sees(&[word]) {
            return refusal(
                place,
                &format!("rights on a {word} are not for a policy file"),
                "put them into a migration",
            );
        }
    }
    Ok(if reader.take(&["sequence"]) {
        Kind::Sequence
    } else if ["function", "procedure", "routine"]
        .iter()
        .any(|word| reader.take(&[word]))
    {
        Kind::Function
    } else {
        reader.take(&["table"]);
        Kind::Table
    })
}
