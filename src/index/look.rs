//! Looking at files and at a database together: what each says, in terms that can be compared.

use std::collections::{BTreeMap, BTreeSet};

use super::check;
use super::declared::Declared;
use super::found::{self, Index, Others};
use super::twin::{self, Failure};
use super::view_compare;
use crate::error::{Error, Kind, Result};
use crate::pg::Db;
use crate::pg::session::IN_CATALOG;

/// Files and database.
#[derive(Debug)]
pub struct Look {
    /// What the files say.
    pub declared: Declared,
    /// Declared indexes as the catalog would have them, in their order.
    pub desired: Vec<Index>,
    /// The indexes there are.
    pub found: Vec<Index>,
    /// What else has a name, and its kind.
    pub others: Others,
    /// Declared indexes that cannot be made on a twin, and whether they could be compared all the same.
    pub apart: BTreeMap<usize, bool>,
}

/// Reads the database and makes of the declared indexes what the catalog would have. Nothing stays.
pub async fn look(db: &Db, declared: Declared) -> Result<Look> {
    refuse_replica(db)?;
    let mut apart = BTreeSet::new();
    let (mut desired, found, others) = loop {
        match twins(db, &declared, &apart).await {
            Ok(made) => break made,
            Err(Failure::Apart(number)) if apart.insert(number) => {}
            Err(Failure::Apart(number)) => {
                let path = &declared.indexes[number].file;
                return Err(Error::failed(format!("{path} cannot be compared")).into());
            }
            Err(Failure::Wrong(error)) => return Err(error),
        }
    };
    let mut certain = BTreeMap::new();
    for number in apart {
        let compared = view_compare::desired(db, &declared, number, &found).await?;
        certain.insert(number, compared.is_certain);
        desired.insert(number, compared.index);
    }
    check::tablespaces(db, &declared).await?;
    Ok(Look {
        desired: as_declared(&declared, desired)?,
        declared,
        found,
        others,
        apart: certain,
    })
}

type Twins = (BTreeMap<usize, Index>, Vec<Index>, Others);

/// Makes twins of all indexes but these, and reads what they and the real ones are like.
async fn twins(db: &Db, declared: &Declared, apart: &BTreeSet<usize>) -> Result<Twins, Failure> {
    let mut rest: Vec<usize> = (0..declared.indexes.len())
        .filter(|number| !apart.contains(number))
        .collect();
    let mut desired: BTreeMap<usize, Index> = BTreeMap::new();
    let mut others = Others::new();
    // What is asked is worth no compiling, which would take longer than the answer.
    let settings = format!("{IN_CATALOG}; set local jit = off");
    loop {
        // Twins have the names of their tables; tables of one name in two schemas take turns.
        let mut schemas: BTreeMap<&str, &str> = BTreeMap::new();
        let (now, later): (Vec<usize>, Vec<usize>) = rest.into_iter().partition(|number| {
            let table = &declared.indexes[*number].table;
            *schemas.entry(&table.name).or_insert(&table.schema) == table.schema
        });
        // They travel together.
        let (named, made, path, indexes, ended) = tokio::join!(
            found::others(db),
            twin::make(db, declared, &now),
            db.script(&settings),
            found::indexes(db),
            db.script("rollback"),
        );
        others.extend(named?);
        check::tables(declared, &others)?;
        made?;
        path?;
        ended?;
        let (twins, found): (Vec<Index>, Vec<Index>) = indexes?
            .into_iter()
            .partition(|index| index.schema == "pg_temp");
        let mut twins: BTreeMap<String, Index> = twins
            .into_iter()
            .map(|index| (index.name.clone(), index))
            .collect();
        desired.extend(
            now.into_iter()
                .filter_map(|number| Some((number, twins.remove(&twin::name(number))?))),
        );
        rest = later;
        if rest.is_empty() {
            return Ok((desired, found, others));
        }
    }
}

/// Twins under the names of what they are twins of.
fn as_declared(declared: &Declared, mut twins: BTreeMap<usize, Index>) -> Result<Vec<Index>> {
    let indexes = declared.indexes.iter().enumerate();
    indexes
        .map(|(number, wanted)| {
            let twin = twins
                .remove(&number)
                .ok_or_else(|| Error::new(Kind::Bug, format!("{} has no twin", wanted.name)))?;
            Ok(Index {
                schema: wanted.table.schema.clone(),
                name: wanted.name.clone(),
                tablespace: wanted.tablespace.clone(),
                ..twin
            })
        })
        .collect()
}

fn refuse_replica(db: &Db) -> Result<()> {
    if db.hello().is_none_or(|hello| !hello.in_recovery) {
        return Ok(());
    }
    Err(Error::refused(
        "this is a replica: indexes are compared on temporary tables, which only the primary can make",
    )
    .note("`index list` only reads, and works here")
    .hint("name the primary")
    .into())
}
