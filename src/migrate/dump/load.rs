//! Whether a schema can be loaded where nothing is: tried in a scratch database, statement by statement.
//!
//! Like everything that pg_dump writes it is loaded with an empty search_path, as a backup is restored. So whatever
//! calls a function that relies on the search_path of its caller fails, though it works in the database.

use std::collections::BTreeSet;

use serde::Serialize;
use tokio_postgres::error::DbError;

use crate::error::{Error, Result};
use crate::pg::db::ScriptFailure;
use crate::pg::{Db, Query};
use crate::pg::{sql, sqlstate};
use crate::plan::counted;

crate::row! {
    /// A function that runs when rows are loaded.
    pub struct Relied {
        /// Its signature.
        pub function: String,
        /// Whether PostgreSQL can check its body.
        pub is_sql: bool,
        /// What makes it again.
        pub definition: Option<String>,
        /// What calls it.
        pub used_by: String,
    }
}

crate::row! {
    /// A materialized view.
    pub struct Materialized {
        /// Its name, as in SQL.
        pub name: String,
    }
}

static RELIED: Query<Relied> = crate::query!("migrate/relied");
static MATERIALIZED: Query<Materialized> = crate::query!("migrate/materialized");

/// What came of loading a schema.
#[derive(Debug, Serialize)]
pub struct Loaded {
    /// Version of the server it was loaded on.
    pub scratch_server: String,
    /// What cannot be loaded.
    pub failures: Vec<Failure>,
    /// What this server cannot tell.
    pub notes: Vec<String>,
}

/// An object that cannot be made from the schema.
#[derive(Debug, Serialize)]
pub struct Failure {
    /// `INDEX public.links_short`
    pub object: String,
    /// What the server said.
    pub reason: String,
    /// What to do about it, where that is known.
    pub fix: Option<String>,
    /// How many other objects fail for want of it.
    pub others: usize,
    #[serde(skip)]
    name: String,
}

/// What is not there in the scratch database, and is none of the schema's doing.
#[derive(Default)]
struct Absent {
    roles: BTreeSet<String>,
    schemas: BTreeSet<String>,
    versions: usize,
    /// What was not made for want of it.
    objects: Vec<String>,
}

/// Loads a schema from a server of `major` into an empty database. `left_out` are the schemas that are not in it.
pub async fn load(text: &str, left_out: &[String], major: u32, scratch: &Db) -> Result<Loaded> {
    let mut failures: Vec<Failure> = Vec::new();
    let mut absent = Absent::default();
    let mut end = 0;
    let mut heading = Heading::default();
    for statement in sql::statements(text).map_while(std::result::Result::ok) {
        if let Some(next) = Heading::last_in(&text[end..statement.start]) {
            heading = next;
        }
        end = statement.end;
        let Err(failure) = scratch.try_script(statement.text).await else {
            continue;
        };
        let server = server(failure)?;
        let missing = matches!(server.code().code(), "42P01" | "42704" | "42883" | "3F000");
        let differs = major != scratch.server_major();
        if absent.explains(&server, left_out, differs)? || missing && absent.has(server.message()) {
            absent.objects.push(heading.name());
            continue;
        }
        let cause = failures
            .iter_mut()
            .find(|failure| missing && names(server.message(), &failure.name));
        match cause {
            Some(cause) => cause.others += 1,
            None => failures.push(Failure::of(heading.object(), heading.name(), &server)),
        }
    }
    // Nothing that is the schema's own is to run.
    let _ = scratch
        .try_script("set session_replication_role = replica")
        .await;
    let relied = scratch.all(&RELIED, &[]).await?;
    scratch.script("set check_function_bodies = on").await?;
    let mut opaque = Vec::new();
    for relied in relied {
        let definition = relied.definition.as_deref().filter(|_| relied.is_sql);
        let Some(definition) = definition else {
            opaque.push(relied.function);
            continue;
        };
        if let Err(failure) = scratch.try_script(definition).await {
            let object = format!("FUNCTION {}, for {}", relied.function, relied.used_by);
            let mut failure = Failure::of(object, relied.function, &server(failure)?);
            failure.fix = Some(FIX.to_owned());
            failures.push(failure);
        }
    }
    for view in scratch.all(&MATERIALIZED, &[]).await? {
        let refresh = format!("refresh materialized view {}", view.name);
        if let Err(failure) = scratch.try_script(&refresh).await {
            let object = format!("MATERIALIZED VIEW DATA {}", view.name);
            failures.push(Failure::of(object, view.name, &server(failure)?));
        }
    }
    Ok(Loaded {
        scratch_server: scratch.server_version().to_owned(),
        failures,
        notes: absent.notes(&opaque, major, scratch.server_major()),
    })
}

const FIX: &str = "qualify the names in the function, or add `set search_path` to it";

impl Failure {
    fn of(object: String, name: String, server: &DbError) -> Self {
        let context = server.where_().unwrap_or_default();
        let inside = context.lines().find(|line| line.contains("function"));
        let reason = match inside {
            Some(inside) => format!("{} ({inside})", server.message()),
            None => server.message().to_owned(),
        };
        Self {
            object,
            reason,
            fix: inside.map(|_| FIX.to_owned()),
            others: 0,
            name,
        }
    }
}

impl Absent {
    /// Whether it is the scratch server's lack that made this fail. What no server like it can tell is an error.
    fn explains(&mut self, server: &DbError, left_out: &[String], differs: bool) -> Result<bool> {
        let message = server.message();
        let quoted = || message.split('"').nth(1).unwrap_or_default().to_owned();
        if message.starts_with("extension \"") && message.ends_with("is not available") {
            return Err(Error::failed(format!("cannot load the schema: {message}"))
                .hint("install the extension on the scratch server, or name one that has it with `--scratch-url`")
                .hint("compare with the file alone: `--no-load`")
                .into());
        }
        if message.starts_with("role \"") && message.ends_with("does not exist") {
            self.roles.insert(quoted());
            return Ok(true);
        }
        let foreign = left_out
            .iter()
            .find(|schema| names(message, schema) || message.contains(&format!("{schema}.")));
        if let Some(schema) = foreign {
            self.schemas.insert(schema.clone());
            return Ok(true);
        }
        let is_other_language =
            differs && matches!(server.code().code(), "42601" | "0A000" | "22023");
        self.versions += usize::from(is_other_language);
        Ok(is_other_language)
    }

    /// Whether a message is about something that was not made.
    fn has(&self, message: &str) -> bool {
        self.objects.iter().any(|name| names(message, name))
    }

    fn notes(self, opaque: &[String], major: u32, scratch: u32) -> Vec<String> {
        let list = |names: BTreeSet<String>| names.into_iter().collect::<Vec<_>>().join(", ");
        let mut notes = Vec::new();
        if !self.roles.is_empty() {
            let roles = list(self.roles);
            notes.push(format!(
                "what names roles that the scratch server does not have was not tried: {roles}"
            ));
        }
        if !self.schemas.is_empty() {
            let schemas = list(self.schemas);
            notes.push(format!(
                "what needs schemas that the platform brings was not tried: {schemas}"
            ));
        }
        if self.versions > 0 {
            notes.push(format!(
                "{} of PostgreSQL {major} cannot be tried on {scratch}, which is the scratch server's",
                counted(self.versions, "statement")
            ));
        }
        if !opaque.is_empty() {
            let functions = opaque.join(", ");
            notes.push(format!("whether a function finds its names with an empty search_path shows only where there are rows: {functions}"));
        }
        notes
    }
}

/// Whether a message is about what has this name.
fn names(message: &str, name: &str) -> bool {
    !name.is_empty()
        && ['"', ' '].iter().any(|before| {
            let place = message.find(&format!("{before}{name}"));
            place.is_some_and(|place| {
                let rest = &message[place + 1 + name.len()..];
                !rest.starts_with(|next: char| next.is_alphanumeric() || next == '_')
            })
        })
}

/// What the server says; whatever else goes wrong is an error.
fn server(failure: ScriptFailure) -> Result<DbError> {
    match failure.error.as_db_error() {
        Some(server) => Ok(server.clone()),
        None => Err(sqlstate::explain(failure.error).into()),
    }
}

/// What pg_dump writes over an object.
#[derive(Default)]
struct Heading {
    name: String,
    kind: String,
    schema: String,
}

impl Heading {
    /// The last one in what stands between two statements.
    fn last_in(between: &str) -> Option<Self> {
        let line = between
            .lines()
            .rfind(|line| line.starts_with("-- Name: "))?;
        let (name, rest) = line.strip_prefix("-- Name: ")?.split_once("; Type: ")?;
        let (kind, rest) = rest.split_once("; Schema: ")?;
        let (schema, _) = rest.split_once(';')?;
        Some(Self {
            name: name.to_owned(),
            kind: kind.to_owned(),
            schema: schema.to_owned(),
        })
    }

    /// Its name as the server tells it, without arguments.
    fn name(&self) -> String {
        let name = self.name.split('(').next().unwrap_or_default();
        if self.schema == "-" {
            name.to_owned()
        } else {
            format!("{}.{name}", self.schema)
        }
    }

    fn object(&self) -> String {
        if self.schema == "-" || self.schema.is_empty() {
            return format!("{} {}", self.kind, self.name);
        }
        format!("{} {}.{}", self.kind, self.schema, self.name)
    }
}
