//! `policy adopt`: what a database has of policies, rights and options, and no file says, is written into the files.
//!
//! The files may say more than the database has, or something else: that is for `policy apply`, and stays as it is written.
//! What is written is read back and compared before anybody is asked, so that it is known what still differs.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use super::audit::Scope;
use super::declared::{Declared, Wanted};
use super::found::FunctionRight;
use super::look::{self, Look};
use super::right::{self, Kind, Right, Rights};
use super::status;
use crate::error::Result;
use crate::pg::ident::Literal;
use crate::pg::policy::{PUBLIC, Policy, role, roles};
use crate::pg::reader::{as_people_write, without_parentheses};
use crate::pg::relation::{Named, Relation};
use crate::pg::session::keywords;
use crate::pg::stranger::{Stranger, not_trusted};
use crate::pg::{Db, Ident, Query};
use crate::plan::{Plan, counted};
use crate::source::Source;
use crate::source::addition::{Draft, Work};

crate::row! {
    /// A relation whose policies and rights files may declare.
    pub struct Adoptable {
        /// Its schema.
        pub schema: String,
        /// Its name.
        pub name: String,
        /// The schema of the table a sequence belongs to.
        pub owner_schema: Option<String>,
        /// That table.
        pub owner_name: Option<String>,
    }
}

static ADOPTABLE: Query<Adoptable> = crate::query!("policy/adoptable");
static FUNCTIONS: Query<FunctionRight> = crate::query!("policy/adoptable_functions");

/// The file about functions.
const FUNCTIONS_FILE: &str = "functions.sql";

/// Options of views that files may declare.
const OPTIONS: [&str; 2] = ["security_barrier", "security_invoker"];

/// What writing it would do: all of it, or what is about one relation.
pub async fn plan(db: &Db, source: &Source, only: Option<&Named>) -> Result<Plan<Work>> {
    let mut draft = Draft::read(source)?;
    let only = match only {
        Some(named) => Some(named.among(&Relation::all(db).await?)?),
        None => None,
    };
    let declared = Declared::of(source, draft.sheets.clone())?;
    let mut schemas: BTreeSet<String> = Scope::usual(db).await?.schemas.into_iter().collect();
    schemas.extend(
        declared
            .relations
            .iter()
            .map(|wanted| wanted.relation.schema.clone()),
    );
    let schemas = json!(schemas);
    let relations = db.all(&ADOPTABLE, &[&schemas]).await?;
    let functions = match only {
        Some(_) => Vec::new(),
        None => db.all(&FUNCTIONS, &[&schemas]).await?,
    };
    let look = look::look(db, declared).await?;
    let keywords = keywords(db).await?;
    let strangers = Stranger::all(db).await?;
    let mut writer = Writer {
        look: &look,
        left: Vec::new(),
    };
    let mut files: BTreeMap<Relation, Vec<String>> = BTreeMap::new();
    for found in &relations {
        let relation = Relation::new(&found.schema, &found.name);
        // Rights on a sequence stand in the file of its table.
        let about = match (&found.owner_schema, &found.owner_name) {
            (Some(schema), Some(name)) => Relation::new(schema, name),
            _ => relation.clone(),
        };
        if only.as_ref().is_none_or(|only| *only == about) {
            // What a role that is not trusted wrote is for a person to read, before anything evaluates it.
            if let Some(owner) = Stranger::owner_of(&strangers, &relation) {
                writer.left.push(not_trusted(&relation.title(), owner));
                continue;
            }
            let statements = writer.statements(&relation);
            files.entry(about).or_default().extend(statements);
        }
    }
    let functions = writer.functions(functions);
    let left = writer.left;
    let written = |statements: Vec<String>| -> Vec<String> {
        let statements = statements.iter();
        statements
            .map(|statement| as_people_write(statement, &keywords))
            .collect()
    };
    // Where names differ in capitals only, the one without has the file of its name.
    let mut files: Vec<(Relation, Vec<String>)> = files.into_iter().collect();
    files.sort_by_key(|(relation, _)| relation.stem() != relation.stem().to_lowercase());
    for (relation, statements) in files {
        let own = look
            .declared
            .relations
            .iter()
            .find(|wanted| wanted.relation == relation)
            .and_then(|wanted| name_of(&draft, &look.declared.file_of(wanted).path));
        let name = own.unwrap_or_else(|| format!("{}.sql", relation.stem_beside(&draft.stems())));
        draft.add(&name, &written(statements))?;
    }
    draft.add(FUNCTIONS_FILE, &written(functions))?;
    let after = Declared::of(source, draft.sheets.clone())?;
    let after = look::look(db, after).await?;
    let differences = status::differences(&after)?.len();
    let what = match &only {
        Some(relation) => format!("what {relation} has"),
        None => format!("what {} have", counted(relations.len(), "relation")),
    };
    Ok(draft.plan("policy", &what, left, differences))
}

/// The name of a file as its folder has it.
fn name_of(draft: &Draft, path: &str) -> Option<String> {
    let mut sheets = draft.sheets.iter();
    sheets
        .find(|sheet| sheet.path == path)
        .map(|sheet| sheet.name.clone())
}

/// What the files lack.
struct Writer<'a> {
    look: &'a Look,
    left: Vec<String>,
}

impl<'a> Writer<'a> {
    fn wanted(&self, relation: &Relation) -> Option<&'a Wanted> {
        let mut relations = self.look.declared.relations.iter();
        relations.find(|wanted| wanted.relation == *relation)
    }

    /// The statements that say of a relation what no file does.
    fn statements(&mut self, relation: &Relation) -> Vec<String> {
        let Some(found) = self.look.found.relations.get(relation) else {
            return Vec::new();
        };
        let kind = match found.kind.as_str() {
            "sequence" => Kind::Sequence,
            _ => Kind::Table,
        };
        let nothing = Rights::new();
        let rights = self.look.found.rights.get(relation).unwrap_or(&nothing);
        let declared = self.look.rights.get(relation);
        let declared = declared.map_or(&nothing, |(_, rights)| rights);
        let mut statements: Vec<String> = right::additions(rights, declared)
            .iter()
            .map(|change| change.sql(kind, &relation.sql()))
            .collect();
        let wanted = self.wanted(relation);
        let is_on = |wanted: Option<&Wanted>| wanted.is_some_and(|wanted| wanted.enabled);
        let alter = |words: &str| format!("alter table {} {words}", relation.sql());
        if found.enabled && !is_on(wanted) {
            statements.push(alter("enable row level security"));
        }
        if found.forced && !wanted.is_some_and(|wanted| wanted.forced) {
            statements.push(alter("force row level security"));
        }
        for option in OPTIONS.iter().filter(|_| found.kind == "view") {
            let is_said =
                wanted.is_some_and(|wanted| wanted.options.iter().any(|(name, _)| name == option));
            if !is_said && found.has_option(option) {
                statements.push(format!(
                    "alter view {} set ({option} = true)",
                    relation.sql()
                ));
            }
        }
        let can_be_declared = found.enabled || is_on(wanted);
        for policy in &self.look.found.policies {
            let is_declared = wanted
                .is_some_and(|wanted| wanted.policies.iter().any(|own| own.name == policy.name));
            if policy.on() != *relation || is_declared {
                continue;
            }
            if !policy.readable {
                self.left.push(format!(
                    "policy {} on {relation}: it is nested too deep, or too large, to be read",
                    policy.name
                ));
            } else if can_be_declared {
                statements.push(create(policy));
                statements.extend(policy.comment.as_ref().map(|comment| say(policy, comment)));
            } else {
                self.left.push(format!(
                    "policy {} on {relation}: row-level security of the table is off",
                    policy.name
                ));
            }
        }
        statements
    }

    /// The statements that say who may call what. Where everybody's right was taken away, that is said first.
    fn functions(&self, rows: Vec<FunctionRight>) -> Vec<String> {
        let mut functions: Vec<(String, Rights)> = Vec::new();
        for row in rows {
            if functions.last().is_none_or(|(name, _)| *name != row.name) {
                functions.push((row.name, Rights::new()));
            }
            if let (Some(grantee), Some(privilege), Some((_, rights))) =
                (row.grantee, row.privilege, functions.last_mut())
            {
                let right = Right {
                    grantee,
                    column: None,
                    privilege,
                };
                rights.insert(right, row.grantable);
            }
        }
        let nothing = Rights::new();
        let mut statements = Vec::new();
        for (name, rights) in &functions {
            let mut declared = self.look.functions.iter();
            let declared = declared.find(|function| function.name == *name);
            let is_everybodys = rights.keys().any(|right| right.grantee == PUBLIC);
            if declared.is_none() && !is_everybodys {
                statements.push(format!("revoke all on routine {name} from {PUBLIC}"));
            }
            let said = declared.map_or(&nothing, |function| &function.wanted);
            statements.extend(
                right::additions(rights, said)
                    .iter()
                    .map(|change| change.sql(Kind::Function, name)),
            );
        }
        statements
    }
}

/// What is said about a policy, as people write strings.
fn say(policy: &Policy, comment: &str) -> String {
    // A file's line ends are not kept as they are written.
    let text = if comment.contains(['\\', '\r']) {
        Literal(comment).to_string().replace('\r', "\\r")
    } else {
        format!("'{}'", comment.replace('\'', "''"))
    };
    format!(
        "comment on policy {} on {} is {text}",
        Ident(&policy.name),
        policy.relation()
    )
}

/// A policy, a clause a line.
fn create(policy: &Policy) -> String {
    let mut lines = vec![format!(
        "create policy {} on {}",
        Ident(&policy.name),
        policy.relation()
    )];
    if !policy.permissive {
        lines.push("as restrictive".to_owned());
    }
    lines.push(format!("for {}", policy.command));
    lines.push(match policy.roles.as_slice() {
        [one] => format!("to {}", role(one)),
        all => format!("to {}", roles(all)),
    });
    let clause = |word: &str, text: &String| format!("{word} ({})", without_parentheses(text));
    lines.extend(policy.using.as_ref().map(|text| clause("using", text)));
    lines.extend(policy.check.as_ref().map(|text| clause("with check", text)));
    lines.join("\n  ")
}
