//! Whether the database has what a matrix speaks of: seen before anything is made or asked.

use std::collections::BTreeSet;

use serde_json::json;

use super::{Action, Matrix, Pair, Relation, Target, Word};
use crate::error::{Error, Excerpt, Result, command, nearest};
use crate::pg::{Db, Query};

crate::row! {
    /// Something that has rows.
    pub struct Known {
        /// Its schema.
        pub schema: String,
        /// Its name.
        pub name: String,
        /// Its columns.
        pub columns: Vec<String>,
        /// Those of its primary key.
        pub keys: Vec<String>,
        /// Whether this session may lock it as writers do.
        pub lockable: bool,
    }
}

crate::row! {
    /// A role.
    pub struct Role {
        /// Its name.
        pub name: String,
    }
}

crate::row! {
    /// A role that may empty a table.
    pub struct Emptying {
        /// The table's schema.
        pub schema: String,
        /// The table.
        pub name: String,
        /// The role.
        pub role: String,
    }
}

static RELATIONS: Query<Known> = crate::query!("matrix/relations");
static ROLES: Query<Role> = crate::query!("matrix/roles");
static TRUNCATE: Query<Emptying> = crate::query!("matrix/truncate");

/// What a database has of what a matrix speaks of.
#[derive(Debug)]
pub struct Catalog {
    relations: Vec<Known>,
    roles: Vec<Role>,
    emptying: BTreeSet<(String, Relation)>,
}

impl Catalog {
    /// Reads it, in one round trip.
    pub async fn read(db: &Db, matrix: &Matrix) -> Result<Self> {
        let roles: BTreeSet<&str> = matrix
            .actors
            .iter()
            .map(|actor| &*actor.role.text)
            .collect();
        let roles = json!(roles);
        let params: [&dyn crate::pg::Param; 1] = [&roles];
        let (relations, roles, emptying) = tokio::join!(
            db.all(&RELATIONS, &[]),
            db.all(&ROLES, &[]),
            db.all(&TRUNCATE, &params)
        );
        let emptying = emptying?.into_iter().map(|one| {
            let relation = Relation::new(&one.schema, &one.name);
            (one.role, relation)
        });
        Ok(Self {
            relations: relations?,
            roles: roles?,
            emptying: emptying.collect(),
        })
    }

    /// What the database knows of a relation.
    pub fn find(&self, relation: &Relation) -> Option<&Known> {
        self.relations
            .iter()
            .find(|known| (&known.schema, &known.name) == (&relation.schema, &relation.name))
    }

    /// Whether a role may empty a table.
    pub fn may_truncate(&self, role: &str, table: &Relation) -> bool {
        self.emptying.contains(&(role.to_owned(), table.clone()))
    }

    /// Everything the matrix speaks of is there: roles, relations, columns, and keys to find rows by.
    pub fn check(&self, matrix: &Matrix) -> Result<()> {
        let roles = matrix.actors.iter().map(|actor| &actor.role);
        for role in roles.chain(&matrix.fixtures_as) {
            if !self.roles.iter().any(|known| known.name == role.text) {
                let known = self.roles.iter().map(|known| known.name.as_str());
                return Err(unknown("the server has no role", role, known).into());
            }
        }
        for row in &matrix.rows {
            let known = self.relation(&row.table, &row.table_place)?;
            known.require(&row.values)?;
        }
        for probe in &matrix.probes {
            let Some((table, place)) = &probe.table else {
                continue;
            };
            let known = self.relation(table, place)?;
            match &probe.action {
                Action::Select(target, columns) => {
                    if let Target::Condition(pairs) = target {
                        known.require(pairs)?;
                    }
                    columns
                        .iter()
                        .try_for_each(|column| known.require_column(column))?;
                }
                Action::Insert(pairs) | Action::Update(_, pairs) => known.require(pairs)?,
                Action::Delete(_) | Action::Truncate | Action::Call(_) => {}
            }
            if let Some(number) = probe.row() {
                self.keys(matrix, number, &probe.place)?;
            }
        }
        Ok(())
    }

    /// The values by which a row is found.
    pub fn keys<'m>(
        &self,
        matrix: &'m Matrix,
        number: usize,
        place: &Excerpt,
    ) -> Result<Vec<&'m Pair>> {
        let row = &matrix.rows[number];
        let known = self.relation(&row.table, &row.table_place)?;
        if known.keys.is_empty() {
            let table = row.table.title();
            let error = Error::configuration(format!(
                "{table} has no primary key by which a row of it could be found"
            ));
            return Err(error
                .at(place.clone())
                .hint(format!("give {table} a primary key; for a select, a condition will do: select = {{ ... }}"))
                .into());
        }
        let keys = known.keys.iter().map(|key| {
            let pair = row.values.iter().find(|pair| pair.column.text == *key);
            pair.ok_or_else(|| {
                Error::configuration(format!(
                    "{}.{} does not say its {key}, by which it is to be found",
                    row.table.title(),
                    row.name
                ))
                .at(row.place.clone())
                .hint(format!(
                    "say it there: {key} = ..., unlike any that is in use"
                ))
                .into()
            })
        });
        keys.collect()
    }

    fn relation(&self, relation: &Relation, place: &Excerpt) -> Result<&Known> {
        self.find(relation).ok_or_else(|| {
            let word = Word {
                text: relation.title(),
                place: place.clone(),
            };
            let known: Vec<String> = self
                .relations
                .iter()
                .map(|known| Relation::new(&known.schema, &known.name).title())
                .collect();
            let known = known.iter().map(String::as_str);
            unknown("the database has no table", &word, known).into()
        })
    }
}

impl Known {
    fn require(&self, pairs: &[Pair]) -> Result<()> {
        pairs
            .iter()
            .try_for_each(|pair| self.require_column(&pair.column))
    }

    fn require_column(&self, column: &Word) -> Result<()> {
        if self.columns.contains(&column.text) {
            return Ok(());
        }
        let what = format!("{} has no column", Relation::new(&self.schema, &self.name));
        let known = self.columns.iter().map(String::as_str);
        Err(unknown(&what, column, known).into())
    }
}

fn unknown<'n>(what: &str, word: &Word, known: impl Iterator<Item = &'n str>) -> Error {
    let near = nearest(&word.text, known);
    Error::configuration(format!("{what} {}", word.text))
        .at(word.place.clone())
        .note("nothing was asked")
        .hint(match near {
            Some(near) => format!("did you mean `{near}`?").into(),
            None => {
                command("migrate up").hint("correct the name, or run {} if a migration makes it")
            }
        })
}
