//! What is wrong with who may do what, as far as the catalog tells.
//!
//! Every check is a file in database/queries/audit: its comment says what is wrong, its query finds it. All of them are
//! asked in one snapshot and change nothing, so any role, a pooler and a replica will do. Deliberately absent: whatever
//! takes rows to know. `policy test` proves what policies do; which buckets of Supabase's storage are public is a row, too.

mod check;
mod config;
mod header;
mod judge;
mod tree;

use std::collections::BTreeMap;

use futures_util::future::try_join_all;
use serde::{Serialize, Serializer};
use serde_json::{Value, json};

use crate::error::{Excerpt, Result};
use crate::pg::{Db, Param, Query};
use crate::source::Source;

pub use check::{Check, Found, compared};
pub use config::{Config, Waiver};
pub use header::Level;
pub use judge::Compared;

crate::row! {
    /// Whom and what an audit looks at.
    pub struct Scope {
        /// The roles anybody may act as, as they were told.
        pub told_roles: Vec<String>,
        /// The same with those they may become, and `public`.
        pub roles: Vec<String>,
        /// Those that are not here.
        pub absent_roles: Vec<String>,
        /// The schemas.
        pub schemas: Vec<String>,
        /// The schemas whose policies it looks at.
        pub policy_schemas: Vec<String>,
        /// Those that are not here.
        pub absent_schemas: Vec<String>,
    }
}

static SCOPE: Query<Scope> = crate::query!("policy/audit_scope");

impl Scope {
    /// What is looked at when nobody is told of: every schema of the platform.
    pub async fn usual(db: &Db) -> Result<Self> {
        db.one(&SCOPE, &[&json!([]), &Value::Null]).await
    }
}

/// Something that is wrong.
#[derive(Debug, Serialize)]
pub struct Finding {
    /// What found it.
    #[serde(flatten)]
    pub check: &'static Check,
    /// How much it weighs.
    pub level: Level,
    /// What it is about.
    pub object: String,
    /// What exactly.
    pub detail: String,
    /// The statement that mends just this.
    pub fix: Option<String>,
    /// Why it is right as it is.
    pub because: Option<String>,
    /// The file that declares it, or is wrong itself.
    pub file: Option<String>,
    /// Where in that file.
    #[serde(skip)]
    pub place: Option<Excerpt>,
}

/// What was found.
#[derive(Debug)]
pub struct Audited {
    /// How many checks looked.
    pub checks: usize,
    /// Whom and what they looked at.
    pub scope: Scope,
    /// The worst first.
    pub findings: Vec<Finding>,
}

/// The findings are all there is to know.
impl Serialize for Audited {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.findings.serialize(serializer)
    }
}

impl Audited {
    /// How many findings are of this level.
    pub fn count(&self, level: Level) -> usize {
        let findings = self.findings.iter();
        findings.filter(|finding| finding.level == level).count()
    }

    /// Whether there is something to mend or to waive.
    pub fn is_clean(&self) -> bool {
        self.count(Level::Error) + self.count(Level::Warning) == 0
    }
}

/// What an audit is told, and the files that declare what it finds.
#[derive(Debug)]
pub struct Files {
    /// audit.toml.
    pub config: Config,
    /// Paths by name without ending.
    paths: BTreeMap<String, String>,
    /// Whether a person can change them: those in the program are in no folder that anybody could open.
    in_folder: bool,
}

impl Files {
    /// Reads audit.toml; of the other files only the names count.
    pub fn load(source: &Source) -> Result<Self> {
        let config = Config::load(source)?;
        let in_folder = matches!(source, Source::Folder { .. });
        let mut paths = BTreeMap::new();
        if in_folder {
            for entry in source.entries()? {
                if let Some(stem) = entry.name.strip_suffix(".sql") {
                    paths.insert(stem.to_owned(), entry.path);
                }
            }
        }
        Ok(Self {
            config,
            paths,
            in_folder,
        })
    }

    /// The file that declares who may do what with this.
    fn declaring(&self, found: &Found) -> Option<&String> {
        let Some(relation) = &found.relation else {
            let is_function = found.object.ends_with(')');
            return is_function.then(|| self.paths.get("functions"))?;
        };
        let stem = relation.strip_prefix("public.").unwrap_or(relation);
        self.paths.get(stem).or_else(|| self.paths.get(relation))
    }
}

/// Looks with these checks.
pub async fn audit(db: &Db, files: &Files, checks: &[&'static Check]) -> Result<Audited> {
    db.begin_snapshot().await?;
    let looked = look(db, &files.config, checks).await;
    let ended = db.end().await;
    let (scope, found) = looked?;
    ended?;
    Ok(Audited {
        checks: checks.len(),
        findings: judged(files, checks, found),
        scope,
    })
}

/// All questions travel together, once it is known whom they are about.
async fn look(
    db: &Db,
    config: &Config,
    checks: &[&'static Check],
) -> Result<(Scope, Vec<Vec<Found>>)> {
    let low_trust = json!(config.low_trust);
    let schemas = config
        .schemas
        .as_ref()
        .map_or(Value::Null, |names| json!(names));
    let params: [&dyn Param; 2] = [&low_trust, &schemas];
    let scope = db.one(&SCOPE, &params).await?;
    let told = json!({
        "told": scope.told_roles,
        "roles": scope.roles,
        "schemas": scope.schemas,
        "policy_schemas": scope.policy_schemas,
    });
    let found = try_join_all(checks.iter().map(|check| check.ask(db, &told))).await?;
    Ok((scope, found))
}

/// Findings with their weight, and waivers without a finding.
fn judged(files: &Files, checks: &[&'static Check], found: Vec<Vec<Found>>) -> Vec<Finding> {
    let waivers = &files.config.waivers;
    let mut used = vec![false; waivers.len()];
    let mut findings = Vec::new();
    for (check, found) in checks.iter().zip(found) {
        for found in found {
            let waiver = waivers
                .iter()
                .position(|waiver| waiver.covers(&check.name, &found.object));
            if let Some(index) = waiver {
                used[index] = true;
            }
            let file = files.declaring(&found).cloned();
            findings.push(Finding {
                check,
                level: waiver.map_or(check.level, |_| Level::Waived),
                because: waiver.map(|index| waivers[index].because.clone()),
                object: found.object,
                detail: found.detail,
                fix: found.fix,
                file,
                place: None,
            });
        }
    }
    for (waiver, used) in waivers.iter().zip(used) {
        let was_asked = checks.iter().any(|check| check.name == waiver.check);
        if files.in_folder && was_asked && !used {
            findings.push(Finding {
                check: &check::UNUSED,
                level: check::UNUSED.level,
                object: waiver.object.clone(),
                detail: format!("{} finds nothing that it covers", waiver.check),
                fix: None,
                because: None,
                file: Some(waiver.place.file.clone()),
                place: Some(waiver.place.clone()),
            });
        }
    }
    findings.sort_by(|a, b| {
        let keys = (a.level, &a.check.name, &a.object);
        keys.cmp(&(b.level, &b.check.name, &b.object))
    });
    findings
}
