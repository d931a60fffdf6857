//! Ties an environment and a server together: the server's fingerprint goes into toysoldiers.toml, the environment's
//! name into the database.
//!
//! What is replaced was put there to keep somebody out, so replacing it is as severe as anything this program does.

use std::path::PathBuf;

use serde::Serialize;

use super::{Identity, Verdict};
use crate::bookkeeping::{self, Stamping};
use crate::error::{Error, Result};
use crate::pg::Db;
use crate::plan::{Consent, Effect, Plan, Risk, Step};
use crate::settings::{Environment, Settings, edit};

/// What is to be tied together.
#[derive(Debug)]
pub struct Bond {
    environment: String,
    path: PathBuf,
    /// What the file says.
    pinned: Option<String>,
    /// What it is to say instead.
    fingerprint: Option<String>,
    /// What the database says.
    stamped: Option<String>,
    /// Whether it is to say otherwise.
    stamps: bool,
    /// Why there is no fingerprint to be had.
    untold: Option<String>,
}

/// An environment and a server that belong together.
#[derive(Debug, Serialize)]
pub struct Pinned {
    /// The environment.
    pub environment: String,
    /// The file that pins it.
    pub file: String,
    /// The server's fingerprint, as the file has it now.
    pub fingerprint: Option<String>,
    /// The fingerprint in the file before.
    pub fingerprint_before: Option<String>,
    /// The environment the database says it belongs to now.
    pub stamp: Option<String>,
    /// The one it said before.
    pub stamp_before: Option<String>,
    /// Whether anything was changed.
    pub changed: bool,
    /// Why the server does not tell its fingerprint.
    #[serde(skip)]
    pub untold: Option<String>,
}

/// Refuses what no file describes: there is nothing to tie a server to.
pub fn require_configured(environment: &Environment) -> Result<()> {
    if environment.is_configured() {
        return Ok(());
    }
    let error = if environment.ad_hoc {
        Error::refused("a bare URL cannot be pinned: it is no environment")
            .hint("name an environment of toysoldiers.toml with `--env`")
    } else {
        Error::refused(format!(
            "{} cannot be pinned: it is a database of the private server",
            environment.name
        ))
        .hint("name another environment of toysoldiers.toml with `--env`")
    };
    Err(error.unchanged().into())
}

/// What tying this environment to the server that answers would do.
pub async fn plan(db: &Db, settings: &Settings, identity: &Identity) -> Result<Plan<Bond>> {
    let environment = &settings.environment;
    require_configured(environment)?;
    let name = &environment.name;
    let path = settings.path().unwrap_or(&settings.base).to_owned();
    let mut risk = Risk::Moderate;
    let mut steps = Vec::new();
    let mut untold = None;
    let fingerprint = match &identity.fingerprint {
        Some(Ok(found)) if environment.fingerprint.as_ref() == Some(found) => None,
        Some(Ok(found)) => {
            let step = Step::new(Effect::Changes, "pin", format!("{name} to {found}"));
            steps.push(match &environment.fingerprint {
                None => step.detail(format!("in {}", path.display())),
                Some(old) => {
                    risk = Risk::Severe;
                    step.detail(format!("in {}, instead of {old}", path.display()))
                }
            });
            Some(found.clone())
        }
        Some(Err(reason)) => {
            untold = Some(reason.clone());
            None
        }
        None => None,
    };
    let mut owner = None;
    let stamps = match super::stamp(environment, identity) {
        Verdict::Foreign(old) => {
            risk = Risk::Severe;
            steps.push(
                Step::new(Effect::Changes, "stamp", name).detail(format!("instead of {old}")),
            );
            owner = Some(old);
            true
        }
        Verdict::Absent if can_be_stamped(db).await? => {
            steps.push(
                Step::new(Effect::Changes, "stamp", name).detail("the database has no stamp yet"),
            );
            true
        }
        _ => false,
    };
    if let (Some(reason), true) = (&untold, steps.is_empty()) {
        return Err(Error::refused("the server does not tell its fingerprint")
            .note(reason.clone())
            .unchanged()
            .hint("connect as a role that may run pg_control_system()")
            .into());
    }
    let mut title = if fingerprint.is_some() {
        "pin this server".to_owned()
    } else {
        "stamp the database".to_owned()
    };
    if let Some(owner) = owner {
        title = format!("{title} and take its database from {owner}");
    }
    Ok(Plan {
        title,
        risk,
        steps,
        work: Bond {
            environment: name.clone(),
            path,
            pinned: environment.fingerprint.clone(),
            fingerprint,
            stamped: identity.stamp.clone(),
            stamps,
            untold,
        },
    })
}

/// Whether there is room for a stamp, which the next `migrate up` makes otherwise.
async fn can_be_stamped(db: &Db) -> Result<bool> {
    bookkeeping::refuse_strange(db)?;
    if !db.hello().is_some_and(|hello| hello.stamped) {
        return Ok(false);
    }
    let Some(version) = bookkeeping::installed(db).await? else {
        return Ok(false);
    };
    bookkeeping::refuse_newer(version)?;
    Ok(version >= i32::from(bookkeeping::WITH_STAMP))
}

/// Ties them together. The file is written beside itself first and takes its place last, so that what can fail does
/// before anything is changed.
pub async fn pin(db: &Db, work: Bond, _consent: Consent) -> Result<Pinned> {
    let Bond {
        environment,
        path,
        pinned,
        fingerprint,
        stamped,
        stamps,
        untold,
    } = work;
    let changed = stamps || fingerprint.is_some();
    let edit = match &fingerprint {
        Some(fingerprint) => Some(edit::fingerprint(&path, &environment, fingerprint)?),
        None => None,
    };
    if stamps {
        let stamping = Stamping {
            environment: &environment,
            seen: stamped.as_deref(),
            command: "env pin",
        };
        bookkeeping::stamp(db, stamping).await?;
    }
    if let Some(edit) = edit {
        edit.keep().map_err(|error| {
            if stamps {
                error.context("the database was stamped, but its server is not pinned")
            } else {
                error
            }
        })?;
    }
    Ok(Pinned {
        file: path.display().to_string(),
        fingerprint: fingerprint.or_else(|| pinned.clone()),
        fingerprint_before: pinned,
        stamp: if stamps {
            Some(environment.clone())
        } else {
            stamped.clone()
        },
        stamp_before: stamped,
        changed,
        untold,
        environment,
    })
}
