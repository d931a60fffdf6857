//! Every value that is in force, and where it came from: what `env list` and `env show` tell.
//!
//! Opens no connection and runs no program; a password is told to be there, never what it is.

use std::path::PathBuf;

use serde::Serialize;

use super::password::Source;
use super::{DEMO, Environ, Environment, LOCAL, Origin, Settings, Target, beside, written};
use crate::error::{Result, masked};
use crate::pg::{Endpoint, tls};

/// An environment one can name.
#[derive(Debug, Serialize)]
pub struct Known {
    /// Its name.
    pub name: String,
    /// Where it is: `host/database as user`, or the private server.
    pub target: String,
    /// Whether every change asks first.
    pub protected: bool,
    /// Whether it is the one when nobody names one.
    pub chosen: bool,
    /// Who defines it.
    pub origin: String,
}

/// One value in force.
#[derive(Debug, Serialize)]
pub struct Value {
    /// Its name.
    pub key: &'static str,
    /// What it is; nothing if it is not set.
    pub value: Option<String>,
    /// Where it came from.
    pub origin: String,
}

impl Settings {
    /// All environments one can name, the private server's first.
    pub fn known(&self) -> Vec<Known> {
        let chosen = |name: &str| !self.environment.ad_hoc && self.environment.name == name;
        let private = [LOCAL, DEMO].map(|name| Known {
            name: name.to_owned(),
            target: "the private server".to_owned(),
            protected: false,
            chosen: chosen(name),
            origin: "built in".to_owned(),
        });
        let configured = self.file.iter().flat_map(|file| {
            file.content.env.iter().map(|(name, table)| Known {
                name: name.clone(),
                // The file was read, but the addresses of other environments may be wrong.
                target: Endpoint::parse_in(&table.url, &beside(file, &self.around)).map_or_else(
                    |_| "an address that cannot be read".to_owned(),
                    |endpoint| endpoint.describe(),
                ),
                protected: table.protected,
                chosen: chosen(name),
                origin: file.path.display().to_string(),
            })
        });
        private.into_iter().chain(configured).collect()
    }

    /// Every value of the chosen environment.
    pub fn effective(&self, environ: &Environ) -> Result<Vec<Value>> {
        let environment = &self.environment;
        let defined = self.definition();
        let mut values = vec![
            value(
                "environment",
                Some(environment.name.clone()),
                &environment.origin,
            ),
            self.config(),
        ];
        match &environment.target {
            Target::Local(database) => {
                let host = Some("the private server".to_owned());
                values.push(value("host", host, &Origin::Default));
                values.push(value("database", Some(database.clone()), &Origin::Default));
            }
            Target::Url(endpoint) => {
                values.extend(address(endpoint, environ, &defined));
                values.extend(self.password(endpoint, environ)?);
            }
        }
        values.extend(self.guards());
        if environment.is_configured() {
            let replica = environment.replica.as_ref();
            let url = replica.map(|replica| replica.endpoint.url());
            values.push(told("replica.url", url, &defined));
            let lag = replica.map(|replica| written(replica.max_lag));
            let is_told = self
                .table(&environment.name)
                .and_then(|table| table.replica.as_ref()?.max_lag)
                .is_some();
            let origin = if is_told { &defined } else { &Origin::Default };
            values.push(value("replica.max_lag", lag, origin));
        }
        let folder = |key, told: Option<&(PathBuf, Origin)>| {
            if let Some((folder, origin)) = told {
                return value(key, Some(folder.display().to_string()), origin);
            }
            let folder = format!("database/{key}");
            let found = if self.base.join(&folder).is_dir() {
                format!("{folder}, not the embedded")
            } else {
                format!("embedded: there is no {folder}")
            };
            value(key, Some(found), &Origin::Default)
        };
        values.push(folder("migrations", self.migrations.as_ref()));
        let denied = environment.denied_rules.iter();
        let denied: Vec<&str> = denied.map(|word| word.text.as_str()).collect();
        let origin = match &self.file {
            Some(file) if !denied.is_empty() => Origin::File(file.path.clone()),
            _ => Origin::Default,
        };
        let denied = (!denied.is_empty()).then(|| denied.join(", "));
        values.push(value("migrations.deny", denied, &origin));
        values.push(folder("policies", self.policies.as_ref()));
        values.push(folder("indexes", self.indexes.as_ref()));
        let backups = environment
            .backup_destination
            .as_ref()
            .map(|place| masked(&place.display().to_string()));
        values.push(told("backup.destination", backups, &defined));
        let before = environment.backup_before_migrate;
        let guarded = self.guarded_by();
        let origin = if before { &guarded } else { &Origin::Default };
        values.push(value(
            "backup.before_migrate",
            Some(before.to_string()),
            origin,
        ));
        Ok(values)
    }

    /// Where its guards stand. A bare URL has those of its kin in the file.
    fn guarded_by(&self) -> Origin {
        match (&self.environment.kin, self.path()) {
            (Some(_), Some(path)) => Origin::File(path.to_owned()),
            _ => self.definition(),
        }
    }

    /// What guards the environment.
    fn guards(&self) -> Vec<Value> {
        let environment = &self.environment;
        let origin = self.guarded_by();
        let protected = if environment.protected {
            &origin
        } else {
            &Origin::Default
        };
        let mut values = vec![value(
            "protected",
            Some(environment.protected.to_string()),
            protected,
        )];
        if matches!(environment.target, Target::Url(_)) {
            let deny = Some(environment.deny.join(", ")).filter(|deny| !deny.is_empty());
            values.push(told(
                "fingerprint",
                environment.fingerprint.clone(),
                &origin,
            ));
            values.push(told("deny", deny, &origin));
        }
        values
    }

    /// The password, as the first source that has one knows it, and the program that would be run for it.
    fn password(&self, endpoint: &Endpoint, environ: &Environ) -> Result<[Value; 2]> {
        let environment = &self.environment;
        let defined = self.definition();
        let program = environment.password_command.as_ref().map(|command| {
            // An argument may hold what nobody should read over a shoulder.
            let (program, arguments) = match command.words.split_first() {
                Some((program, arguments)) => (program.as_str(), arguments.len()),
                None => ("", 0),
            };
            match arguments {
                0 => program.to_owned(),
                1 => format!("{program} and 1 argument"),
                count => format!("{program} and {count} arguments"),
            }
        });
        let password = self.known_password(environment, endpoint, environ, &defined)?;
        Ok([password, told("password_command", program, &defined)])
    }

    fn known_password(
        &self,
        environment: &Environment,
        endpoint: &Endpoint,
        environ: &Environ,
        defined: &Origin,
    ) -> Result<Value> {
        let masked = || Some("****".to_owned());
        let from = |value: Option<String>, origin: String| Value {
            key: "password",
            value,
            origin,
        };
        // A variable that is not set stands in the way of a connection, and not of being told about it.
        if let (None, Some(variable)) = (&environment.password_command, &environment.password_env) {
            let is_set = environ.secret(variable)?.is_some();
            return Ok(from(masked().filter(|_| is_set), variable.clone()));
        }
        let place = &endpoint.places()[0];
        let stored = environment.stored_password(endpoint, place, environ, &self.around)?;
        Ok(match stored.source {
            Source::Command(program) => {
                from(Some(format!("printed by {program}")), defined.to_string())
            }
            Source::Variable(variable) => from(masked(), variable),
            Source::Address => from(masked(), defined.to_string()),
            Source::Passfile(path) => from(masked(), path.display().to_string()),
            Source::Service(name) => from(masked(), format!("PGSERVICE, {name}")),
            Source::Standard => from(masked(), "PGPASSWORD".to_owned()),
            Source::Nobody => from(None, Origin::Default.to_string()),
        })
    }

    /// The file, if there is one.
    fn config(&self) -> Value {
        let path = self
            .file
            .as_ref()
            .map(|file| file.path.display().to_string());
        let origin = match (&self.searched, &path) {
            (Origin::Default, Some(_)) => "found from the current folder up".to_owned(),
            (origin, _) => origin.to_string(),
        };
        Value {
            key: "config",
            value: path,
            origin,
        }
    }

    /// Where the address of the chosen environment stands.
    pub fn definition(&self) -> Origin {
        match (&self.environment.target, &self.file) {
            (Target::Url(_), Some(file)) if !self.environment.ad_hoc => {
                Origin::File(file.path.clone())
            }
            (Target::Url(_), _) => self.environment.origin.clone(),
            (Target::Local(_), _) => Origin::Default,
        }
    }
}

fn value(key: &'static str, value: Option<String>, origin: &Origin) -> Value {
    Value {
        key,
        value,
        origin: origin.to_string(),
    }
}

/// The same, or nothing, which nobody told.
fn told(key: &'static str, text: Option<String>, origin: &Origin) -> Value {
    let origin = if text.is_some() {
        origin
    } else {
        &Origin::Default
    };
    value(key, text, origin)
}

/// Where an address leads, as whom, and how the way to the first place is protected.
fn address(endpoint: &Endpoint, environ: &Environ, defined: &Origin) -> [Value; 6] {
    let user = if endpoint.names_user() {
        defined
    } else if environ.has("PGUSER") {
        &Origin::Variable("PGUSER")
    } else {
        &Origin::System
    };
    let (mode, trusted) = tls::foresee(endpoint, &endpoint.places()[0]);
    let chosen = |is_said: bool| if is_said { defined } else { &Origin::Default };
    let said = endpoint.tls();
    [
        value("host", Some(endpoint.host()), defined),
        value("port", Some(endpoint.port().to_string()), defined),
        value("database", Some(endpoint.database().to_owned()), defined),
        value("user", endpoint.user().map(str::to_owned), user),
        value(
            "sslmode",
            Some(mode.to_string()),
            chosen(said.mode.is_some()),
        ),
        value("sslrootcert", trusted, chosen(said.trust.is_some())),
    ]
}
