//! What the program was told: flags before variables before the file before defaults. Every value knows where
//! it came from.

pub mod draft;
pub mod edit;
pub mod effective;
pub mod environ;
pub mod file;
mod origin;
pub mod password;
pub mod words;

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::error::{self, Error, Result};
use crate::pg::Endpoint;
pub use crate::pg::duration::{duration, written};
use crate::pg::endpoint::Surroundings;
use crate::trust::Caller;
pub use environ::Environ;
use file::{Address, Content, EnvTable, File, Word};
pub use origin::Origin;
pub use password::PasswordCommand;

/// The environment that needs no configuration.
pub const LOCAL: &str = "local";
/// The environment of the tour, on the local server too.
pub const DEMO: &str = "demo";

/// The database of `local`.
pub const LOCAL_DATABASE: &str = "toysoldiers";
/// The database of `demo`.
pub const DEMO_DATABASE: &str = "toysoldiers_demo";

/// The variable that names the file, like `--config`.
const CONFIG: &str = "TOYSOLDIERS_CONFIG";

/// What flags say about where to work.
#[derive(Debug, Default)]
pub struct Flags {
    /// `--env`
    pub env: Option<String>,
    /// `--database-url`
    pub database_url: Option<String>,
    /// `--database`
    pub database: Option<String>,
    /// `--config`
    pub config: Option<PathBuf>,
    /// `--lock-timeout`
    pub lock_timeout: Option<Duration>,
    /// `--statement-timeout`; zero is for ever.
    pub statement_timeout: Option<Duration>,
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
    /// For a bare URL, the configured environment whose database it names, and whose guards it has.
    pub kin: Option<String>,
    /// The program that prints the password.
    pub password_command: Option<PasswordCommand>,
    /// The variable that holds the password.
    pub password_env: Option<String>,
    /// The server's identity, if it is pinned.
    pub fingerprint: Option<String>,
    /// Commands that are never run here.
    pub deny: Vec<String>,
    /// A server that may answer instead, when it is asked for lists and numbers.
    pub replica: Option<Replica>,
    /// Where backups go, if the file says so: a folder, or an address such as `s3://bucket`.
    pub backup_destination: Option<PathBuf>,
    /// Whether `deploy` takes a backup before it applies migrations.
    pub backup_before_migrate: bool,
    /// Rules about migrations whose findings stop `migrate up`, as the file names them.
    pub denied_rules: Vec<Word>,
}

/// A copy of an environment's server.
#[derive(Debug, Clone)]
pub struct Replica {
    /// Where it is.
    pub endpoint: Box<Endpoint>,
    /// How long a read waits for it to have what the primary has.
    pub max_lag: Duration,
}

/// How long a read waits for a replica when nobody says.
const MAX_LAG: Duration = Duration::from_secs(30);

/// Everything that was told.
#[derive(Debug)]
pub struct Settings {
    /// The environment to work on.
    pub environment: Environment,
    /// The folder of migrations and who named it; nothing when nobody did.
    pub migrations: Option<(PathBuf, Origin)>,
    /// The folder of policies, likewise.
    pub policies: Option<(PathBuf, Origin)>,
    /// The folder of indexes, likewise.
    pub indexes: Option<(PathBuf, Origin)>,
    /// The folder relative paths of defaults start from: that of the file, else the current one.
    pub base: PathBuf,
    /// Whose files are obeyed when they are found and not named.
    pub caller: Caller,
    /// What addresses may refer to.
    pub around: Surroundings,
    file: Option<File>,
    /// Who named the file, or that it was searched for.
    searched: Origin,
}

impl Settings {
    /// Puts everything together. Opens no connection and runs no program.
    ///
    /// `user` is who runs the program, the role of addresses that name none; `caller` is the same to files. Who names
    /// a file trusts its owner with what lies beside it.
    pub fn load(
        flags: &Flags,
        environ: &Environ,
        here: &Path,
        user: Option<String>,
        caller: Caller,
    ) -> Result<Self> {
        if flags.env.is_some() && flags.database_url.is_some() {
            return Err(
                Error::usage("`--env` and `--database-url` name two databases")
                    .hint("give one of them")
                    .into(),
            );
        }
        let (named, searched) = match (&flags.config, environ.path(CONFIG)) {
            (Some(path), _) => (Some(path.clone()), Origin::Flag("--config")),
            (None, Some(path)) => (Some(path), Origin::Variable(CONFIG)),
            (None, None) => (None, Origin::Default),
        };
        let file = File::find(named.as_deref(), here, &caller)?;
        let caller = match &file {
            Some(file) if named.is_some() => caller.and(file.owner),
            _ => caller,
        };
        let base = file
            .as_ref()
            .and_then(|file| file.path.parent())
            .unwrap_or(here)
            .to_owned();
        let around = Surroundings {
            home: environ.path("HOME"),
            base: Some(here.to_owned()),
            user: environ.get("PGUSER")?.or(user),
            service_file: environ.path("PGSERVICEFILE"),
            system_folder: environ.path("PGSYSCONFDIR"),
        };
        let chosen = choose(flags, environ, file.as_ref(), &around)?;
        let environment = match &flags.database {
            Some(database) => {
                let mut other = chosen.on_database(database)?;
                other.guard_like_others(file.as_ref(), &around);
                other
            }
            None => chosen,
        };
        let folder = |named: fn(&Content) -> Option<&PathBuf>| {
            let file = file.as_ref()?;
            let folder = named(&file.content)?;
            Some((base.join(folder), Origin::File(file.path.clone())))
        };
        let migrations = folder(|content| content.migrations.dir.as_ref());
        let policies = folder(|content| content.policies.dir.as_ref());
        let indexes = folder(|content| content.indexes.dir.as_ref());
        Ok(Self {
            environment,
            migrations,
            policies,
            indexes,
            base,
            caller,
            around,
            file,
            searched,
        })
    }
}

impl Settings {
    /// What the file says about the environment of this name.
    pub fn table(&self, name: &str) -> Option<&EnvTable> {
        self.file.as_ref()?.content.env.get(name)
    }

    /// All addresses the file has.
    pub fn addresses(&self) -> impl Iterator<Item = Address<'_>> {
        let files = self.file.iter();
        files.flat_map(|file| file.addresses(&self.around))
    }

    /// Where the file is, if there is one.
    pub fn path(&self) -> Option<&Path> {
        self.file.as_ref().map(|file| file.path.as_path())
    }

    /// The variables that hold passwords of configured environments.
    pub fn password_variables(&self) -> Vec<String> {
        let tables = self.file.iter().flat_map(|file| file.content.env.values());
        tables
            .filter_map(|table| table.password_env.clone())
            .collect()
    }
}

fn choose(
    flags: &Flags,
    environ: &Environ,
    file: Option<&File>,
    around: &Surroundings,
) -> Result<Environment> {
    if let Some(url) = &flags.database_url {
        return ad_hoc(url, Origin::Flag("--database-url"), file, around);
    }
    if let Some(name) = &flags.env {
        return named(name, Origin::Flag("--env"), file, around);
    }
    if let Some(name) = environ.get("TOYSOLDIERS_ENV")? {
        return named(&name, Origin::Variable("TOYSOLDIERS_ENV"), file, around);
    }
    if let Some(file) = file {
        if let Some(name) = &file.content.default_env {
            return named(name, Origin::File(file.path.clone()), Some(file), around);
        }
    } else if let Some(url) = environ.get("DATABASE_URL")? {
        return ad_hoc(&url, Origin::Variable("DATABASE_URL"), None, around);
    }
    named(LOCAL, Origin::Default, file, around)
}

impl Environment {
    /// Whether toysoldiers.toml describes it: neither a bare URL nor a database of the private server.
    pub fn is_configured(&self) -> bool {
        !self.ad_hoc && matches!(self.target, Target::Url(_))
    }

    /// Whose guards it has: its own name, or that of its kin.
    pub fn guarded_as(&self) -> &str {
        self.kin.as_ref().unwrap_or(&self.name)
    }

    /// With nothing but a name and a place.
    fn plain(name: &str, origin: Origin, target: Target) -> Self {
        Self {
            name: name.to_owned(),
            origin,
            target,
            protected: false,
            ad_hoc: false,
            kin: None,
            password_command: None,
            password_env: None,
            fingerprint: None,
            deny: Vec::new(),
            replica: None,
            backup_destination: None,
            backup_before_migrate: false,
            denied_rules: Vec::new(),
        }
    }

    /// Guards it besides like the configured environments whose database it is.
    fn guard_like_others(&mut self, file: Option<&File>, around: &Surroundings) {
        let (Some(file), Target::Url(endpoint)) = (file, &self.target) else {
            return;
        };
        let mut same: Vec<(&String, &EnvTable)> = file
            .addresses(around)
            .filter(|guarded| {
                let there = guarded.endpoint.as_ref();
                there.is_ok_and(|there| there.is_same_database(endpoint))
            })
            .map(|Address { name, table, .. }| (name, table))
            .collect();
        same.sort_by_key(|(_, table)| !table.protected);
        let Some((kin, _)) = same.first() else {
            return;
        };
        let tables = || same.iter().map(|(_, table)| *table);
        self.kin = Some((*kin).clone());
        self.protected |= tables().any(|table| table.protected);
        self.fingerprint = tables()
            .find_map(|table| table.fingerprint.clone())
            .or(self.fingerprint.take());
        self.deny
            .extend(tables().flat_map(|table| table.deny.clone()));
        self.backup_before_migrate |= tables().any(|table| table.backup.before_migrate);
        self.denied_rules = file.denied(tables());
    }

    /// The same, with another database of its servers.
    fn on_database(mut self, database: &str) -> Result<Self> {
        if self.ad_hoc {
            return Err(Error::usage(format!(
                "`--database` names a database of an environment, and {} names one itself",
                self.origin
            ))
            .hint("write the name into the address")
            .into());
        }
        let other = |endpoint: &Endpoint| Box::new(endpoint.with_database(database));
        self.target = match &self.target {
            Target::Local(_) => Target::Local(database.to_owned()),
            Target::Url(endpoint) => Target::Url(other(endpoint)),
        };
        if let Some(replica) = &mut self.replica {
            replica.endpoint = other(&replica.endpoint);
        }
        Ok(self)
    }

    /// What people are shown. A bare URL has no environment; the name of its database must not look like one.
    pub fn title(&self) -> &str {
        if self.ad_hoc { "(url)" } else { &self.name }
    }
}

/// A bare URL is guarded like the configured environment whose database it names.
fn ad_hoc(
    url: &str,
    origin: Origin,
    file: Option<&File>,
    around: &Surroundings,
) -> Result<Environment> {
    let endpoint = Endpoint::parse_in(url, around)
        .map_err(|error| error.context(format!("cannot use {origin}")))?;
    let name = endpoint.database().to_owned();
    let mut environment = Environment::plain(&name, origin, Target::Url(Box::new(endpoint)));
    environment.ad_hoc = true;
    environment.denied_rules = file.map(|file| file.denied([])).unwrap_or_default();
    environment.guard_like_others(file, around);
    Ok(environment)
}

fn named(
    name: &str,
    origin: Origin,
    file: Option<&File>,
    around: &Surroundings,
) -> Result<Environment> {
    if let Some(target) = private(name) {
        return Ok(Environment {
            denied_rules: file.map(|file| file.denied([])).unwrap_or_default(),
            ..Environment::plain(name, origin, target)
        });
    }
    let table = file.and_then(|file| file.content.env.get(name));
    let (Some(file), Some(table)) = (file, table) else {
        return Err(unknown(name, &origin, file));
    };
    let around = beside(file, around);
    let path = file.path.display();
    let parse = |url: &str, what: &str| {
        Endpoint::parse_in(url, &around)
            .map_err(|error| error.context(format!("cannot use the {what} of {name} in {path}")))
    };
    let replica = match &table.replica {
        None => None,
        Some(replica) => Some(Replica {
            endpoint: Box::new(parse(&replica.url, "replica's url")?),
            max_lag: replica.max_lag.unwrap_or(MAX_LAG),
        }),
    };
    let target = Target::Url(Box::new(parse(&table.url, "url")?));
    let folder = file.path.parent().unwrap_or(Path::new("."));
    let password_command = table
        .password_command
        .as_ref()
        .map(|words| PasswordCommand {
            words: words.clone(),
            folder: folder.to_owned(),
            timeout: table.password_timeout.unwrap_or(password::TIMEOUT),
        });
    Ok(Environment {
        protected: table.protected,
        password_command,
        password_env: table.password_env.clone(),
        fingerprint: table.fingerprint.clone(),
        deny: table.deny.clone(),
        denied_rules: file.denied([table]),
        replica,
        backup_destination: table.backup.place(folder),
        backup_before_migrate: table.backup.before_migrate,
        ..Environment::plain(name, origin, target)
    })
}

/// Relative paths in the file start where the file is.
fn beside(file: &File, around: &Surroundings) -> Surroundings {
    Surroundings {
        base: file.path.parent().map(Path::to_owned),
        ..around.clone()
    }
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
        None => error.hint(
            error::command(format!(
                "init {} --url postgresql://user@host:5432/database",
                error::quoted(name)
            ))
            .anywhere()
            .hint("add it: {}"),
        ),
    }
    .into()
}
