//! Every value that is in force, and where it came from: what `env list` and `env show` tell.
//!
//! Opens no connection and runs no program; a password is told to be there, never what it is.

use serde::Serialize;

use super::{DEMO, Environ, Environment, LOCAL, Origin, Settings, Target};
use crate::error::Result;
use crate::pg::Endpoint;

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
                target: Endpoint::parse(&table.url).map_or_else(
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
                values.push(value(
                    "host",
                    Some("the private server".to_owned()),
                    &Origin::Default,
                ));
                values.push(value("database", Some(database.clone()), &Origin::Default));
            }
            Target::Url(endpoint) => {
                values.push(value("host", Some(endpoint.host()), &defined));
                values.push(value("port", Some(endpoint.port().to_string()), &defined));
                values.push(value(
                    "database",
                    Some(endpoint.database().to_owned()),
                    &defined,
                ));
                values.push(value("user", endpoint.user().map(str::to_owned), &defined));
                values.push(password(environment, endpoint, environ, &defined)?);
            }
        }
        let protected = if environment.protected {
            defined.clone()
        } else {
            Origin::Default
        };
        values.push(value(
            "protected",
            Some(environment.protected.to_string()),
            &protected,
        ));
        let (migrations, origin) = match &self.migrations {
            Some((folder, origin)) => (folder.display().to_string(), origin.clone()),
            None => (
                "database/migrations, else embedded".to_owned(),
                Origin::Default,
            ),
        };
        values.push(value("migrations", Some(migrations), &origin));
        let backups = environment
            .backup_destination
            .as_ref()
            .map(|folder| folder.display().to_string());
        let origin = if backups.is_some() {
            defined
        } else {
            Origin::Default
        };
        values.push(value("backup.destination", backups, &origin));
        Ok(values)
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

/// The password in the order in which it is looked for.
fn password(
    environment: &Environment,
    endpoint: &Endpoint,
    environ: &Environ,
    defined: &Origin,
) -> Result<Value> {
    let masked = || Some("****".to_owned());
    if let Some(variable) = &environment.password_env {
        let set = environ.secret(variable)?.is_some();
        return Ok(Value {
            key: "password",
            value: masked().filter(|_| set),
            origin: variable.clone(),
        });
    }
    if endpoint.has_password() {
        return Ok(value("password", masked(), defined));
    }
    let set = environ.secret("PGPASSWORD")?.is_some();
    let origin = if set {
        Origin::Variable("PGPASSWORD")
    } else {
        Origin::Default
    };
    Ok(value("password", masked().filter(|_| set), &origin))
}
