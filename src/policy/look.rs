//! Looking at files and at a database together: what each says, in terms that can be compared.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use futures_util::future::join_all;

use super::declared::{Declared, File};
use super::found::{self, Found, Reference, Role};
use super::right::{self, Kind, Object, Rights};
use super::statement::Relation;
use super::twin::{self, Failure, Number};
use super::{apart, check};
use crate::error::{Error, Kind as ErrorKind, Result};
use crate::pg::Db;
use crate::pg::policy::Policy;

/// A declared policy as the catalog has it.
#[derive(Debug, Clone)]
pub struct Desired {
    /// Which.
    pub number: Number,
    /// As it would be on its own table. The expressions of one that means nothing on a twin are `true`.
    pub policy: Policy,
    /// For one that means nothing on a twin: whether its expressions say what is there.
    pub apart: Option<bool>,
}

/// A declared function, its rights as they are and as they should be.
#[derive(Debug, Clone)]
pub struct Function {
    /// Its number in the catalog.
    pub number: i64,
    /// As PostgreSQL writes its signature.
    pub name: String,
    /// Rights on it.
    pub found: Rights,
    /// Rights there should be.
    pub wanted: Rights,
}

/// Files and database.
#[derive(Debug)]
pub struct Look {
    /// What the files say.
    pub declared: Declared,
    /// What the database has.
    pub found: Found,
    /// Declared policies as the catalog has them.
    pub desired: Vec<Desired>,
    /// Rights there should be, on relations and sequences.
    pub rights: BTreeMap<Relation, (Kind, Rights)>,
    /// Functions.
    pub functions: Vec<Function>,
    /// Roles.
    pub roles: Vec<Role>,
    /// What policies read, declared ones under the name of their own table.
    pub references: Vec<Reference>,
    /// The server's major version.
    pub server_major: u32,
}

impl Look {
    /// The same files, and the database after they were applied. Policies that mean nothing on a twin are as they
    /// were told to be.
    #[must_use]
    pub fn after(&self, found: Found, functions: Vec<Rights>) -> Self {
        let desired = self.desired.iter().map(|desired| Desired {
            apart: desired.apart.map(|_| true),
            ..desired.clone()
        });
        let functions = self.functions.iter().zip(functions);
        Self {
            declared: self.declared.clone(),
            found,
            desired: desired.collect(),
            rights: self.rights.clone(),
            functions: functions
                .map(|(function, found)| Function {
                    found,
                    ..function.clone()
                })
                .collect(),
            roles: self.roles.clone(),
            references: self.references.clone(),
            server_major: self.server_major,
        }
    }
}

/// Reads the database and makes of the declared policies what the catalog would have. Nothing stays.
pub async fn look(db: &Db, declared: Declared) -> Result<Look> {
    refuse_replica(db)?;
    let signatures = signatures(&declared);
    let spelt: Vec<&str> = signatures
        .iter()
        .map(|(_, signature, _)| signature.as_str())
        .collect();
    let (roles, numbers) = tokio::join!(
        found::roles(db),
        found::functions(db, declared.search_path, &spelt),
    );
    let roles = roles?;
    let functions = numbers?.into_iter().map(async |number| match number? {
        Some(number) => {
            let function = found::function(db, number).await?;
            Ok(function.map(|(name, rights)| (number, name, rights)))
        }
        None => Ok(None),
    });
    let functions: Vec<Result<_>> = join_all(functions).await;
    let mut apart = BTreeSet::new();
    let (found, twins, references) = loop {
        match twins(db, &declared, &apart).await {
            Ok(made) => break made,
            Err(Failure::Apart(number)) if apart.insert(number) => {
                let wanted = &declared.relations[number.0];
                let file = declared.file_of(wanted);
                // It may mean nothing anywhere.
                let text = &wanted.policies[number.1];
                apart::is_same(db, declared.search_path, (file, wanted), text, None).await?;
            }
            Err(Failure::Apart((relation, _))) => {
                let path = &declared.file_of(&declared.relations[relation]).path;
                return Err(Error::failed(format!("{path} cannot be compared")).into());
            }
            Err(Failure::Wrong(error)) => return Err(known(db, &declared, error).await),
        }
    };
    check::everything(&declared, &found, &roles, db.server_major())?;
    let desired = desired(db, &declared, &found, twins, &apart).await?;
    let server_major = db.server_major();
    let rights = rights(&declared, server_major);
    let mut known: Vec<Function> = Vec::new();
    // Several spellings may be one function.
    let mut named: Vec<usize> = Vec::new();
    for ((file, signature, span), function) in signatures.iter().zip(functions) {
        let file = &declared.files[*file];
        let Some((number, name, found)) = function.map_err(|error| at(&error, file, span))? else {
            return Err(Error::failed(format!(
                "{} cannot be applied: there is no function {signature}",
                file.path
            ))
            .at(file.excerpt(span))
            .unchanged()
            .hint(
                "write the types of its arguments as `\\df` shows them; or make it in a migration",
            )
            .into());
        };
        let there = known.iter().position(|function| function.name == name);
        named.push(there.unwrap_or(known.len()));
        if there.is_none() {
            known.push(Function {
                number,
                name,
                found,
                wanted: Rights::new(),
            });
        }
    }
    give(&declared, &named, &mut known, server_major);
    Ok(Look {
        declared,
        found,
        desired,
        rights,
        functions: known,
        roles,
        references,
        server_major,
    })
}

fn refuse_replica(db: &Db) -> Result<()> {
    if db.hello().is_none_or(|hello| !hello.in_recovery) {
        return Ok(());
    }
    Err(Error::refused(
        "this is a replica: policies are compared on temporary tables, which only the primary can make",
    )
    .note("`policy list` and `policy audit` only read, and work here")
    .hint("name the primary")
    .into())
}

type Signature = (usize, String, Range<usize>);

fn signatures(declared: &Declared) -> Vec<Signature> {
    let grants = declared.functions.iter();
    grants
        .flat_map(|(file, grant)| grant.objects.iter().map(move |object| (*file, object)))
        .filter_map(|(file, (object, span))| match object {
            Object::Function(signature) => Some((file, signature.clone(), span.clone())),
            Object::Relation(_) => None,
        })
        .collect()
}

/// Carries out what is declared of functions: those that grants name one after the other.
fn give(declared: &Declared, named: &[usize], known: &mut [Function], server_major: u32) {
    let mut named = named.iter();
    for (_, grant) in &declared.functions {
        for index in named.by_ref().take(grant.objects.len()) {
            right::carry_out(grant, &mut known[*index].wanted, server_major);
        }
    }
}

fn at(error: &anyhow::Error, file: &File, span: &Range<usize>) -> anyhow::Error {
    Error::failed(format!("{} cannot be applied", file.path))
        .at(file.excerpt(span))
        .unchanged()
        .after(error)
        .hint("write the types of the function's arguments as `\\df` shows them")
        .into()
}

/// Makes all twins, and reads what they and the real tables are like. Tables of one name in two schemas take turns.
async fn twins(
    db: &Db,
    declared: &Declared,
    apart: &BTreeSet<Number>,
) -> Result<(Found, Vec<(usize, Vec<Policy>)>, Vec<Reference>), Failure> {
    let mut rest: Vec<usize> = (0..declared.relations.len()).collect();
    let mut all = Vec::new();
    let mut references: Vec<Reference> = Vec::new();
    loop {
        let mut names = BTreeSet::new();
        let name = |number: &usize| declared.relations[*number].relation.name.as_str();
        let (now, later): (Vec<usize>, Vec<usize>) = rest
            .into_iter()
            .partition(|number| names.insert(name(number)));
        let (made, found, read, ended) = tokio::join!(
            twin::make(db, declared, &now, apart),
            Found::read_here(db),
            found::references(db),
            db.script("rollback"),
        );
        made?;
        ended?;
        let mut found = found?;
        for number in now {
            let relation = &declared.relations[number].relation;
            let (own, others) = found
                .twins
                .into_iter()
                .partition(|twin| twin.table == relation.name);
            found.twins = others;
            all.push((number, own));
            references.extend(
                read.as_ref()
                    .map(Vec::as_slice)
                    .unwrap_or_default()
                    .iter()
                    .filter(|reference| {
                        reference.schema == "pg_temp" && reference.table == relation.name
                    })
                    .map(|reference| Reference {
                        schema: relation.schema.clone(),
                        ..reference.clone()
                    }),
            );
        }
        rest = later;
        if rest.is_empty() {
            references.extend(read?.into_iter().filter(|reference| {
                // What a declared policy reads now is not what it will.
                reference.schema != "pg_temp" && !is_declared(declared, reference)
            }));
            return Ok((found, all, references));
        }
        read?;
    }
}

fn is_declared(declared: &Declared, reference: &Reference) -> bool {
    declared.relations.iter().any(|wanted| {
        (
            wanted.relation.schema.as_str(),
            wanted.relation.name.as_str(),
        ) == (reference.schema.as_str(), reference.table.as_str())
            && wanted
                .policies
                .iter()
                .any(|policy| policy.name == reference.policy)
    })
}

async fn desired(
    db: &Db,
    declared: &Declared,
    found: &Found,
    twins: Vec<(usize, Vec<Policy>)>,
    apart: &BTreeSet<Number>,
) -> Result<Vec<Desired>> {
    let mut desired = Vec::new();
    for (relation, own) in twins {
        let wanted = &declared.relations[relation];
        for (index, text) in wanted.policies.iter().enumerate() {
            let twin = own.iter().find(|twin| twin.name == text.name);
            let twin = twin.ok_or_else(|| {
                let file = declared.file_of(wanted);
                let message = format!("the policy {} has another name in the catalog", text.name);
                Error::new(ErrorKind::Bug, message).at(file.excerpt(&text.place))
            })?;
            let number = (relation, index);
            let policy = Policy {
                schema: wanted.relation.schema.clone(),
                table: wanted.relation.name.clone(),
                ..twin.clone()
            };
            let there = found.policies.iter().find(|there| is_of(there, &policy));
            let apart = if apart.contains(&number) {
                let file = declared.file_of(wanted);
                Some(apart::is_same(db, declared.search_path, (file, wanted), text, there).await?)
            } else {
                None
            };
            desired.push(Desired {
                number,
                policy,
                apart,
            });
        }
    }
    Ok(desired)
}

/// Whether two policies have one name on one table.
pub fn is_of(one: &Policy, other: &Policy) -> bool {
    (&one.schema, &one.table, &one.name) == (&other.schema, &other.table, &other.name)
}

fn rights(declared: &Declared, server_major: u32) -> BTreeMap<Relation, (Kind, Rights)> {
    let mut all: BTreeMap<Relation, (Kind, Rights)> = BTreeMap::new();
    for wanted in &declared.relations {
        let kind = if wanted.is_of_sequence() {
            Kind::Sequence
        } else {
            Kind::Table
        };
        let own = (kind, Rights::new());
        all.entry(wanted.relation.clone()).or_insert(own);
        for grant in &wanted.grants {
            for (object, _) in &grant.objects {
                if let Object::Relation(relation) = object {
                    let empty = || (grant.kind, Rights::new());
                    let (_, rights) = all.entry(relation.clone()).or_insert_with(empty);
                    right::carry_out(grant, rights, server_major);
                }
            }
        }
    }
    all
}

/// An error of a twin, said better if the relation is not there at all.
async fn known(db: &Db, declared: &Declared, error: anyhow::Error) -> anyhow::Error {
    if let Ok(found) = read_alone(db).await
        && let Err(better) = check::relations(declared, &found)
    {
        return better;
    }
    error
}

async fn read_alone(db: &Db) -> Result<Found> {
    let (begun, found, ended) = tokio::join!(
        db.script("begin"),
        Found::read_here(db),
        db.script("rollback")
    );
    begun?;
    ended?;
    found
}
