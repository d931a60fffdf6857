//! What must be true before a command works on a database: that the environment allows the command, and that the
//! database is the environment's.
//!
//! The stamp is in the database and names its environment: it catches a wrong address. The fingerprint is in the
//! configuration and names the server: it catches a database that was moved or copied.

pub mod check;
pub mod kin;
pub mod pin;

pub use crate::bookkeeping::refuse_strange;
use crate::bookkeeping::{self, Stamp};
use crate::error::{self, Error, Result, command};
use crate::pg::{Db, Query};
use crate::settings::{Environment, Settings};

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
        let is_stamped = db
            .hello()
            .is_some_and(|hello| hello.stamped && hello.strange.is_none());
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

/// The environment that claims the database when it is migrated: a configured one, if the database says of none that
/// it belongs to it.
pub fn claim(environment: &Environment, identity: &Identity) -> Option<String> {
    (stamp(environment, identity) == Verdict::Absent).then(|| environment.name.clone())
}

/// Refuses a command that is never run where `name` is at home. `command` is what was typed: `user create`.
pub fn permit(name: &str, deny: &[String], command: &str) -> Result<()> {
    match deny.iter().find(|denied| covers(denied, command)) {
        None => Ok(()),
        Some(denied) => Err(Error::refused(format!("{name} never runs `{command}`"))
            .note(format!(
                "`deny` of {name} in toysoldiers.toml has `{denied}`; nothing was changed"
            ))
            .hint("work on another environment, or have it taken out of `deny`")
            .into()),
    }
}

/// Whether these words name the command, or a group it is in.
pub fn covers(words: &str, command: &str) -> bool {
    let mut command = command.split_whitespace();
    words
        .split_whitespace()
        .all(|word| command.next() == Some(word))
}

/// What is said about words in `deny` that name no command, and so deny nothing: one line each.
pub fn misspelt(environment: &Environment, commands: &[String]) -> Vec<String> {
    let is_known = |denied: &String| commands.iter().any(|command| covers(denied, command));
    let unknown = environment.deny.iter().filter(|denied| !is_known(denied));
    unknown
        .map(|denied| {
            let name = environment.guarded_as();
            let advice = match error::nearest(denied, commands.iter().map(String::as_str)) {
                Some(near) => format!("did you mean `{near}`?"),
                None => "see `--help`".to_owned(),
            };
            format!("{name} denies `{denied}`, which is no command and denies nothing; {advice}")
        })
        .collect()
}

/// Refuses a database that says it is another environment's, and a server that is not the pinned one.
pub fn recognise(settings: &Settings, identity: &Identity) -> Result<()> {
    let environment = &settings.environment;
    let name = environment.guarded_as();
    let pin = command("env pin").on(name);
    if let Verdict::Foreign(stamp) = stamp(environment, identity) {
        let error = Error::refused(format!(
            "this is not the database of {name}: it is stamped {stamp}"
        ))
        .unchanged();
        // Whoever took it away would lock its own environment out.
        return Err(match settings.table(&stamp) {
            Some(_) => error
                .note(format!("{stamp} is an environment of toysoldiers.toml"))
                .hint(format!(
                    "mend the url of {name}: it leads to the database of {stamp}"
                )),
            None => error.hint(format!(
                "check the url of {name}; if the database is to be its from now on, stamp it: {pin}"
            )),
        }
        .into());
    }
    let Some(pinned) = &environment.fingerprint else {
        return Ok(());
    };
    match &identity.fingerprint {
        None => Ok(()),
        Some(Ok(found)) if found == pinned => Ok(()),
        Some(Ok(found)) => Err(Error::refused(format!("this is not the server of {name}"))
            .note(format!(
                "its fingerprint is {found}, {name} is pinned to {pinned}"
            ))
            .unchanged()
            .hint(format!(
                "check the url of {name}; if the server was replaced on purpose, pin the new one: {pin}"
            ))
            .into()),
        Some(Err(reason)) => Err(Error::refused(format!(
            "{name} is pinned to {pinned}, and the server does not tell its fingerprint"
        ))
        .note(reason.clone())
        .unchanged()
        .hint("connect as a role that may run pg_control_system(), or take the fingerprint out")
        .into()),
    }
}

/// What a stamp means to an environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It is its own.
    Own,
    /// It is another's.
    Foreign(String),
    /// There is none.
    Absent,
    /// Any will do: a bare URL, a database of the private server.
    Indifferent,
}

/// What the stamp means to the environment.
pub fn stamp(environment: &Environment, identity: &Identity) -> Verdict {
    match &identity.stamp {
        _ if !environment.is_configured() => Verdict::Indifferent,
        None => Verdict::Absent,
        Some(stamp) if *stamp == environment.name => Verdict::Own,
        Some(stamp) => Verdict::Foreign(stamp.clone()),
    }
}

/// What is wrong with a server that should be a replica.
pub fn why_no_replica(copy: &Db, primary: &Identity, of_copy: &Identity) -> Option<String> {
    if !copy.hello().is_some_and(|hello| hello.in_recovery) {
        return Some("is no replica: it takes changes of its own".to_owned());
    }
    match (&primary.fingerprint, &of_copy.fingerprint) {
        (Some(Ok(primary)), Some(Ok(copy))) if primary != copy => Some(format!(
            "is a replica of another server (its fingerprint is {copy}, the primary's {primary})"
        )),
        _ => None,
    }
}
