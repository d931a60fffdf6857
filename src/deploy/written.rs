//! Writing a plan into a file, with the state of the database it was made for.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

use serde::Serialize;

use super::document::{Document, Planned, Target};
use super::plan::Work;
use crate::error::{Error, Result, command};
use crate::migrate::history::{self, History};
use crate::pg::TOOL_VERSION;
use crate::pg::{Db, Query};
use crate::plan::Plan;
use crate::reading::{self, MIB};

crate::row! {
    /// A database of a server.
    pub struct Database {
        /// Its name.
        pub name: String,
        /// Its number.
        pub number: i64,
    }
}

static DATABASE: Query<Database> = crate::query!("deploy/database");

/// A plan that was written into a file.
#[derive(Debug, Serialize)]
pub struct Written {
    /// The file.
    pub file: String,
    /// What is in it.
    #[serde(flatten)]
    pub document: Document,
}

/// The plan, and everything it depends on.
pub async fn document(db: &Db, environment: &str, plan: &Plan<Work>) -> Result<Document> {
    let (database, history) = tokio::join!(db.one(&DATABASE, &[]), History::read(db));
    let (database, history) = (database?, history?);
    let history: BTreeMap<String, String> = history
        .rows
        .iter()
        .map(|row| {
            let title = history::title(row.version, &row.name);
            let at = row.applied_at.map(|at| format!(", applied {at}"));
            (title, format!("{}{}", row.checksum, at.unwrap_or_default()))
        })
        .collect();
    let target = Target {
        environment: environment.to_owned(),
        host: db.endpoint().host(),
        port: db.endpoint().port(),
        database: database.name,
        number: database.number,
    };
    let files = plan.work.files().hashes.clone();
    let document = Document::new(TOOL_VERSION, target, plan.work.wish(), files, history);
    let parts = plan.work.foreseen().iter().map(|foreseen| Planned {
        part: foreseen.part,
        exact: foreseen.exact,
        steps: foreseen.steps.clone(),
    });
    Ok(Document {
        title: plan.title.clone(),
        risk: plan.risk,
        parts: parts.collect(),
        ..document
    })
}

/// A plan names files and steps, not what is in them.
const LARGEST: u64 = 64 * MIB;

/// Reads a plan from a file.
pub fn read(path: &Path) -> Result<Document> {
    let shown = path.display().to_string();
    let text = reading::text(path, LARGEST).map_err(|error| {
        Error::failed(format!("cannot read the plan {shown}"))
            .because(error)
            .hint(command(format!("deploy --plan-file {shown}")).hint("make one with {}"))
    })?;
    Document::parse(&shown, &text)
}

/// Writes a plan into a file, whole or not at all. Only an older plan is replaced.
pub fn write(path: &Path, document: Document) -> Result<Written> {
    let file = path.display().to_string();
    if path.exists() && read(path).is_err() {
        return Err(
            Error::refused(format!("{file} is there, and is no plan of a deploy"))
                .unchanged()
                .hint("name another file, or remove that one")
                .into(),
        );
    }
    let cannot = |error: std::io::Error| {
        Error::failed(format!("cannot write {file}"))
            .because(error)
            .hint("name a file in a folder that is there and may be written to")
    };
    let text = serde_json::to_string_pretty(&document)
        .map_err(|error| Error::failed("cannot write the plan").because(error))?;
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    let mut partial = tempfile::NamedTempFile::new_in(folder).map_err(cannot)?;
    partial
        .write_all(format!("{text}\n").as_bytes())
        .map_err(cannot)?;
    partial.persist(path).map_err(|error| cannot(error.error))?;
    Ok(Written { file, document })
}
