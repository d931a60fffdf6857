//! What must be true before a command works on a database: that the environment allows the command, and that the
//! database is the environment's.
//!
//! The stamp is in the database and names its environment: it catches a wrong address. The fingerprint is in the
//! configuration and names the server: it catches a database that was moved or copied.

use crate::bookkeeping;
use crate::error::{self, Error, Result};
use crate::pg::{Db, Query};
use crate::settings::Environment;

crate::row! {
    /// The environment a database says it belongs to.
    pub struct Stamp {
        /// Its name; nothing if it was never stamped.
        pub environment: Option<String>,
    }
}

crate::row! {
    /// What tells a server from every other.
    pub struct Fingerprint {
        /// A number, as text.
        pub fingerprint: String,
    }
}

static STAMP: Query<Stamp> = crate::query!("guard/stamp");
static FINGERPRINT: Query<Fingerprint> = crate::query!("guard/fingerprint");

/// Whose database it is, as it says itself.
#[derive(Debug, Clone)]
pub struct Identity {
    /// The environment; nothing if it says none, or not to this role.
    pub stamp: Option<String>,
    /// The server; nothing if nobody asked.
    pub fingerprint: Option<Result<String, String>>,
}

/// Reads the stamp, and the fingerprint if it is wanted, in one round trip.
pub async fn identify(db: &Db, with_fingerprint: bool) -> Result<Identity> {
    let stamp = async {
        let is_stamped = db.hello().is_some_and(|hello| hello.stamped);
        if !is_stamped {
            return Ok(None);
        }
        let row = bookkeeping::absent_is_none(db.opt(&STAMP, &[]).await)?;
        Ok::<_, anyhow::Error>(row.flatten().and_then(|row| row.environment))
    };
    let fingerprint = async {
        if !with_fingerprint {
            return Ok(None);
        }
        match db.one(&FINGERPRINT, &[]).await {
            Ok(row) => Ok(Some(Ok(row.fingerprint))),
            // Not every host lets every role know.
            Err(error) if error::sqlstate(&error) == Some("42501") => {
                Ok(Some(Err(error::explain(&error).message)))
            }
            Err(error) => Err(error),
        }
    };
    let (stamp, fingerprint) = tokio::join!(stamp, fingerprint);
    Ok(Identity {
        stamp: stamp?,
        fingerprint: fingerprint?,
    })
}

/// Refuses a command the environment never runs. `command` is what was typed: `user create`.
pub fn permit(environment: &Environment, command: &str) -> Result<()> {
    let covers = |denied: &&String| {
        command == denied.as_str()
            || command
                .strip_prefix(denied.as_str())
                .is_some_and(|rest| rest.starts_with(' '))
    };
    match environment.deny.iter().find(covers) {
        None => Ok(()),
        Some(denied) => Err(
            Error::refused(format!("{} never runs `{denied}`", environment.name))
                .note("`deny` in toysoldiers.toml says so; nothing was changed")
                .hint("work on another environment, or have it taken out of `deny`")
                .into(),
        ),
    }
}

/// Refuses a database that says it is another environment's, and a server that is not the pinned one.
pub fn recognise(environment: &Environment, identity: &Identity) -> Result<()> {
    let name = &environment.name;
    if let Some(stamp) = &identity.stamp
        && !environment.ad_hoc
        && stamp != name
    {
        return Err(Error::refused(format!(
            "this is not the database of {name}: it is stamped {stamp}"
        ))
        .note(format!("the stamp says {stamp}, the environment is {name}"))
        .note("nothing was changed")
        .hint(format!(
            "check the url of {name}; if the database is meant to be its, stamp it: `toysoldiers --env {name} env pin`"
        ))
        .into());
    }
    let (Some(pinned), Some(found)) = (&environment.fingerprint, &identity.fingerprint) else {
        return Ok(());
    };
    match found {
        Ok(found) if found == pinned => Ok(()),
        Ok(found) => Err(Error::refused(format!("this is not the server of {name}"))
            .note(format!("its fingerprint is {found}, {name} is pinned to {pinned}"))
            .note("nothing was changed")
            .hint(format!(
                "check the url of {name}; if the server was replaced on purpose, pin the new one: `toysoldiers --env {name} env pin`"
            ))
            .into()),
        Err(reason) => Err(Error::refused(format!(
            "{name} is pinned to {pinned}, and the server does not tell its fingerprint"
        ))
        .note(reason.clone())
        .hint("connect as a role that may run pg_control_system(), or take the fingerprint out")
        .into()),
    }
}
