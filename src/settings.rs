//! What the program was told: flags before variables before the file before defaults. Every value knows where
//! it came from.

pub mod draft;
pub mod effective;
pub mod environ;
pub mod file;

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use secrecy::SecretString;

use crate::error::{self, Error, Result};
use crate::pg::Endpoint;
pub use environ::Environ;
use file::{EnvTable, File};

/// The environment that needs no configuration.
pub const LOCAL: &str = "local";
/// The environment of the tour, on the local server too.
pub const DEMO: &str = "demo";

/// The database of `local`.
pub const LOCAL_DATABASE: &str = "toysoldiers";
/// The database of `demo`.
pub const DEMO_DATABASE: &str = "toysoldiers_demo";

/// What flags say about where to work.
#[derive(Debug, Default)]
pub struct Flags {
    /// `--env`
    pub env: Option<String>,
    /// `--database-url`
    pub database_url: Option<String>,
    /// `--config`
    pub config: Option<PathBuf>,
    /// `--lock-timeout`
    pub lock_timeout: Option<Duration>,
    /// `--statement-timeout`; zero is for ever.
    pub statement_timeout: Option<Duration>,
}

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// A flag.
    Flag(&'static str),
    /// A variable of the process environment.
    Variable(&'static str),
    /// toysoldiers.toml.
    File(PathBuf),
    /// Nobody said anything.
    Default,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(name) | Self::Variable(name) => f.write_str(name),
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Default => f.write_str("default"),
        }
    }
}

/// Where the database is.
#[derive(Debug, Clone)]
pub enum Target {
    /// On the private server, under this name.
    Local(String),
    /// Anywhere.
    Url(Box<Endpoint>),
}

/// One environment, ready to be used.
#[derive(Debug, Clone)]
pub struct Environment {
    /// Its name; for a bare URL the name of the database.
    pub name: String,
    /// Who chose it.
    pub origin: Origin,
    /// Where it is.
    pub target: Target,
    /// Whether every change asks first.
    pub protected: bool,
    /// Whether it is a bare URL and no configured environment.
    pub ad_hoc: bool,
    /// The variable that holds the password.
    pub password_env: Option<String>,
    /// The folder for backups, if the file names one.
    pub backup_destination: Option<PathBuf>,
}

/// Everything that was told.
#[derive(Debug)]
pub struct Settings {
    /// The environment to work on.
    pub environment: Environment,
    /// The folder of migrations and who named it; nothing when nobody did.
    pub migrations: Option<(PathBuf, Origin)>,
    /// The folder relative paths of defaults start from: that of the file, else the current one.
    pub base: PathBuf,
    file: Option<File>,
    /// Who named the file, or that it was searched for.
    searched: Origin,
}

impl Settings {
    /// Puts everything together. Opens no connection and runs no program.
    pub fn load(flags: &Flags, environ: &Environ, here: &Path) -> Result<Self> {
        if flags.env.is_some() && flags.database_url.is_some() {
            return Err(
                Error::usage("`--env` and `--database-url` name two databases")
                    .hint("give one of them")
                    .into(),
            );
        }
        let file = File::find(flags.config.as_deref(), here)?;
        let environment = choose(flags, environ, file.as_ref())?;
        let base = file
            .as_ref()
            .and_then(|file| file.path.parent())
            .unwrap_or(here)
            .to_owned();
        let migrations = file.as_ref().and_then(|file| {
            let folder = file.content.migrations.dir.as_ref()?;
            Some((base.join(folder), Origin::File(file.path.clone())))
        });
        let searched = if flags.config.is_some() {
            Origin::Flag("--config")
        } else {
            Origin::Default
        };
        Ok(Self {
            environment,
            migrations,
            base,
            file,
            searched,
        })
    }
}

fn choose(flags: &Flags, environ: &Environ, file: Option<&File>) -> Result<Environment> {
    if let Some(url) = &flags.database_url {
        return ad_hoc(url, Origin::Flag("--database-url"), file);
    }
    if let Some(name) = &flags.env {
        return named(name, Origin::Flag("--env"), file);
    }
    if let Some(name) = environ.get("TOYSOLDIERS_ENV")? {
        return named(&name, Origin::Variable("TOYSOLDIERS_ENV"), file);
    }
    if let Some(file) = file {
        if let Some(name) = &file.content.default_env {
            return named(name, Origin::File(file.path.clone()), Some(file));
        }
    } else if let Some(url) = environ.get("DATABASE_URL")? {
        return ad_hoc(&url, Origin::Variable("DATABASE_URL"), None);
    }
    named(LOCAL, Origin::Default, file)
}

/// A bare URL is as protected as the configured environment whose database it names.
fn ad_hoc(url: &str, origin: Origin, file: Option<&File>) -> Result<Environment> {
    let endpoint =
        Endpoint::parse(url).map_err(|error| error.context(format!("cannot use {origin}")))?;
    let tables = file.iter().flat_map(|file| file.content.env.values());
    let protected = tables
        .filter(|table| table.protected)
        .filter_map(|table| Endpoint::parse(&table.url).ok())
        .any(|guarded| guarded.is_same_database(&endpoint));
    Ok(Environment {
        name: endpoint.database().to_owned(),
        origin,
        target: Target::Url(Box::new(endpoint)),
        protected,
        ad_hoc: true,
        password_env: None,
        backup_destination: None,
    })
}

fn named(name: &str, origin: Origin, file: Option<&File>) -> Result<Environment> {
    let table = file.and_then(|file| file.content.env.get(name));
    if let Some(target) = private(name) {
        return Ok(Environment {
            name: name.to_owned(),
            origin,
            target,
            protected: false,
            ad_hoc: false,
            password_env: None,
            backup_destination: None,
        });
    }
    let (Some(file), Some(table)) = (file, table) else {
        return Err(unknown(name, &origin, file));
    };
    let EnvTable {
        url,
        password_env,
        protected,
        backup,
    } = table;
    let endpoint = Endpoint::parse(url).map_err(|error| {
        error.context(format!(
            "cannot use the url of {name} in {}",
            file.path.display()
        ))
    })?;
    Ok(Environment {
        name: name.to_owned(),
        origin,
        target: Target::Url(Box::new(endpoint)),
        protected: *protected,
        ad_hoc: false,
        password_env: password_env.clone(),
        backup_destination: backup
            .destination
            .as_ref()
            .map(|folder| file.path.parent().unwrap_or(Path::new(".")).join(folder)),
    })
}

/// The database of an environment on the private server; nothing for any other name.
pub fn private(name: &str) -> Option<Target> {
    match name {
        LOCAL => Some(Target::Local(LOCAL_DATABASE.to_owned())),
        DEMO => Some(Target::Local(DEMO_DATABASE.to_owned())),
        _ => None,
    }
}

fn unknown(name: &str, origin: &Origin, file: Option<&File>) -> anyhow::Error {
    let mut names = vec![LOCAL.to_owned(), DEMO.to_owned()];
    names.extend(
        file.iter()
            .flat_map(|file| file.content.env.keys().cloned()),
    );
    let place = file.map_or_else(
        || "there is no toysoldiers.toml here or above".to_owned(),
        |file| format!("{} knows {}", file.path.display(), names.join(", ")),
    );
    let error =
        Error::configuration(format!("there is no environment {name} (from {origin})")).note(place);
    match error::nearest(name, names.iter().map(String::as_str)) {
        Some(near) => error.hint(format!("did you mean `--env {near}`?")),
        None => error.hint(format!(
            "add a table `[env.{name}]` with a url to toysoldiers.toml"
        )),
    }
    .into()
}

impl Environment {
    /// Its password: the variable it names, else PGPASSWORD, else what stands in the address.
    pub fn password(&self, environ: &Environ) -> Result<Option<SecretString>> {
        let Target::Url(endpoint) = &self.target else {
            return Ok(None);
        };
        if let Some(variable) = &self.password_env {
            return match environ.secret(variable)? {
                Some(password) => Ok(Some(password)),
                None => Err(Error::configuration(format!(
                    "{variable}, which holds the password of {}, is not set",
                    self.name
                ))
                .hint(format!("set it: `export {variable}=...`"))
                .into()),
            };
        }
        Ok(environ
            .secret("PGPASSWORD")?
            .filter(|_| !endpoint.has_password())
            .or_else(|| endpoint.password()))
    }
}
