//! `index adopt`: indexes that a database has and no file declares are written into the files.
//!
//! What is behind a constraint, or unique, belongs to the migration that made it; a unique one can be named. An INVALID one
//! is nothing to declare.

use serde_json::json;

use super::compare::{self, Undeclared};
use super::declared::Declared;
use super::found::Index;
use super::look::{self, Look};
use super::{statement, status};
use crate::error::{Error, Result, nearest};
use crate::pg::reader::as_people_write;
use crate::pg::relation::{Named, Relation};
use crate::pg::session::keywords;
use crate::pg::stranger::{Stranger, not_trusted};
use crate::pg::{Db, Ident, Query};
use crate::plan::{Plan, counted_as};
use crate::policy::audit::Scope;
use crate::source::Source;
use crate::source::addition::{Draft, Work};

crate::row! {
    /// An index as a file would declare it.
    pub struct Adoptable {
        /// The schema of its table and its own.
        pub schema: String,
        /// Its table.
        pub table: String,
        /// Its name.
        pub name: String,
        /// Whether it allows a key once.
        pub unique: bool,
        /// What stands behind the table.
        pub tail: String,
        /// The tablespace it is in, unless that is the database's own.
        pub tablespace: Option<String>,
        /// What is said about it.
        pub comment: Option<String>,
    }
}

static ADOPTABLE: Query<Adoptable> = crate::query!("index/adoptable");

/// What writing them would do: all that no file declares, or the one of this name.
pub async fn plan(db: &Db, source: &Source, only: Option<&Named>) -> Result<Plan<Work>> {
    let mut draft = Draft::read(source)?;
    let declared = Declared::of(source, draft.sheets.clone())?;
    let mut schemas = Scope::usual(db).await?.schemas;
    schemas.extend(declared.files.iter().map(|file| file.table.schema.clone()));
    let look = look::look(db, declared).await?;
    let mut left = Vec::new();
    let strangers = Stranger::all(db).await?;
    let mut chosen: Vec<&Index> = match only {
        Some(named) => named_one(&look, named)?.into_iter().collect(),
        None => compare::undeclared_in(&look, &schemas)
            .filter_map(|(index, why)| match why {
                Undeclared::Adoptable => Some(index),
                Undeclared::Left(why) => {
                    left.push(format!("{} on {}: {why}", index.name, index.on()));
                    None
                }
            })
            .collect(),
    };
    // What a role that is not trusted wrote is for a person to read, before anything evaluates it.
    chosen.retain(|index| match Stranger::owner_of(&strangers, &index.on()) {
        Some(owner) => {
            left.push(not_trusted(
                &format!("{} on {}", index.name, index.on()),
                owner,
            ));
            false
        }
        None => true,
    });
    let pairs = chosen.iter().map(|index| [&index.schema, &index.name]);
    let pairs = json!(pairs.collect::<Vec<_>>());
    let definitions = db.all(&ADOPTABLE, &[&pairs]).await?;
    let keywords = keywords(db).await?;
    let mut tables: Vec<(Relation, Vec<String>)> = Vec::new();
    for index in &chosen {
        let definition = definitions
            .iter()
            .find(|other| (&other.schema, &other.name) == (&index.schema, &index.name));
        let Some(definition) = definition else {
            continue;
        };
        let text = as_people_write(&create(definition)?, &keywords);
        let comment = definition
            .comment
            .iter()
            // For psql a carriage return ends a line, too.
            .flat_map(|comment| comment.split(['\n', '\r']))
            .filter(|line| !line.trim().is_empty());
        let lines = comment.map(|line| format!("-- {line}")).chain([text]);
        let text = lines.collect::<Vec<_>>().join("\n");
        match tables.last_mut().filter(|(table, _)| *table == index.on()) {
            Some((_, texts)) => texts.push(text),
            None => tables.push((index.on(), vec![text])),
        }
    }
    // Where names differ in capitals only, the one without has the file of its name.
    tables.sort_by_key(|(table, _)| table.stem() != table.stem().to_lowercase());
    for (table, texts) in tables {
        let own = look.declared.files.iter().find(|file| file.table == table);
        let own = own.and_then(|own| draft.sheets.iter().find(|sheet| sheet.path == own.path));
        let name = match own {
            Some(sheet) => sheet.name.clone(),
            None => format!("{}.sql", table.stem_beside(&draft.stems())),
        };
        draft.add(&name, &texts)?;
    }
    let after = Declared::of(source, draft.sheets.clone())?;
    let after = look::look(db, after).await?;
    let differences = status::differences(&after)?.len();
    let what = counted_as(chosen.len(), "index", "indexes");
    Ok(draft.plan("index", &what, left, differences))
}

/// The statement that declares it.
fn create(index: &Adoptable) -> Result<String> {
    let mut tail = index.tail.clone();
    if let Some(tablespace) = &index.tablespace {
        let parts = statement::parts(&tail, &(0..tail.len())).map_err(|refusal| {
            Error::failed(format!("{} cannot be declared", index.name))
                .because(Error::failed(refusal.message))
        })?;
        tail.insert_str(parts.end, &format!(" tablespace {}", Ident(tablespace)));
    }
    let unique = if index.unique { "unique " } else { "" };
    Ok(format!(
        "create {unique}index {} on {} {}",
        Ident(&index.name),
        Relation::new(&index.schema, &index.table).sql(),
        tail.strip_prefix("USING btree ").unwrap_or(&tail)
    ))
}

/// The one that is meant, unless a file declares it.
fn named_one<'a>(look: &'a Look, named: &Named) -> Result<Option<&'a Index>> {
    let all: Vec<Relation> = look
        .found
        .iter()
        .map(|index| Relation::new(&index.schema, &index.name))
        .collect();
    let near = nearest(
        &named.name,
        look.found.iter().map(|index| index.name.as_str()),
    );
    let is_known = all.iter().any(|other| other.name == named.name);
    if !is_known {
        let error = Error::failed(format!("there is no index {named} in this database"));
        return Err(match near {
            Some(near) => error.hint(format!("did you mean {near}?")),
            None => error,
        }
        .into());
    }
    let meant = named.among(&all)?;
    let index = look
        .found
        .iter()
        .find(|index| (&index.schema, &index.name) == (&meant.schema, &meant.name));
    let Some(index) = index.filter(|index| !compare::is_declared(look, index)) else {
        return Ok(None);
    };
    let why = match (&index.constraint, &index.parent) {
        (Some(constraint), _) => Some(format!("it is behind the constraint {constraint}")),
        (None, Some(parent)) => Some(format!("it is a part of the index {parent}")),
        (None, None) => compare::hindrance(index),
    };
    match why {
        None => Ok(Some(index)),
        Some(why) => Err(
            Error::refused(format!("{} cannot be declared: {why}", index.name))
                .unchanged()
                .into(),
        ),
    }
}
