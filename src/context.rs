//! What a command works with: its settings, the person, and a way to the database.
//!
//! The only reader of the process environment.

mod connect;
mod replica;

use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, OnceLock};
use std::time::Duration;

use secrecy::SecretString;

use crate::error::{Error, Exit, Result, command};
use crate::guard;
use crate::local::{self, Server};
use crate::pg::attempt::BRIEF;
use crate::pg::run::Sessions;
use crate::pg::tools::Programs;
use crate::pg::{Patience, RunContext, Undo};
use crate::plan::{Consent, Plan, Progress};
use crate::settings::password::Source;
use crate::settings::{self, Environ, Flags, Origin, Settings};
use crate::trust::Caller;
use crate::ui::{Report, Stage, Ui};

/// What a command works with.
pub struct Context {
    /// The person at the other end.
    pub ui: Ui,
    /// What was typed, without its arguments: `user create`. Nothing while words are completed.
    command: String,
    /// Tells every command there is; only a file that denies some wants to know.
    commands: fn() -> Vec<String>,
    flags: Flags,
    environ: Environ,
    settings: OnceLock<Settings>,
    sessions: Sessions,
    undo: Undo,
    /// Who told the password.
    told_by: OnceLock<Source>,
    /// What the password command printed.
    password: OnceLock<SecretString>,
    /// Whether the database turned out to be a protected environment's.
    guarded: AtomicBool,
    /// Whether the environment is protected and could be pinned, but is not.
    unpinned: AtomicBool,
    /// Which database was named last.
    told: Mutex<String>,
}

impl Context {
    /// Reads nothing yet: no file, no connection.
    pub fn new(
        command: String,
        commands: fn() -> Vec<String>,
        flags: Flags,
        environ: Environ,
        ui: Ui,
    ) -> Self {
        Self {
            ui,
            command,
            commands,
            flags,
            environ,
            settings: OnceLock::new(),
            sessions: Sessions::default(),
            undo: Undo::default(),
            told_by: OnceLock::new(),
            password: OnceLock::new(),
            guarded: AtomicBool::new(false),
            unpinned: AtomicBool::new(false),
            told: Mutex::default(),
        }
    }

    /// Flags, variables and the file together.
    pub fn settings(&self) -> Result<&Settings> {
        if let Some(settings) = self.settings.get() {
            return Ok(settings);
        }
        let user = local::user_name(rustix::process::geteuid().as_raw());
        let settings = Settings::load(&self.flags, &self.environ, &here()?, user, self.caller())?;
        let environment = &settings.environment;
        // A shell that completes words is told no warnings.
        if !environment.deny.is_empty() && !self.command.is_empty() {
            for line in guard::misspelt(environment, &(self.commands)()) {
                self.ui.warn(&line);
            }
        }
        guard::permit(environment.guarded_as(), &environment.deny, &self.command)?;
        Ok(self.settings.get_or_init(|| settings))
    }

    /// Whose files are obeyed when they are found and not named. Only whoever is root in earnest works for another.
    pub fn caller(&self) -> Caller {
        let uid = rustix::process::geteuid();
        let is_root = uid.is_root() && rustix::process::getuid().is_root();
        let sudo = self.environ.get("SUDO_UID").ok().flatten();
        let sudo = sudo.filter(|_| is_root).and_then(|uid| uid.parse().ok());
        Caller::new(uid.as_raw(), sudo)
    }

    /// The process environment.
    pub fn environ(&self) -> &Environ {
        &self.environ
    }

    /// The flags about where to work.
    pub fn flags(&self) -> &Flags {
        &self.flags
    }

    /// Every value in force, for showing.
    pub fn effective(&self) -> Result<Vec<settings::effective::Value>> {
        let mut values = self.settings()?.effective(&self.environ)?;
        let variable = |name: &'static str| {
            if self.environ.has(name) {
                name.to_owned()
            } else {
                Origin::Default.to_string()
            }
        };
        let limit = |key, name, flag: Option<Duration>, ours, elsewhere: String| {
            let limit = settings::written(flag.unwrap_or(ours));
            let (value, origin) = match flag {
                Some(_) => (limit, Origin::Flag(name)),
                None => (format!("{limit}, {elsewhere}"), Origin::Default),
            };
            settings::effective::Value {
                key,
                value: Some(value),
                origin: origin.to_string(),
            }
        };
        let (usual, flags) = (Patience::default(), &self.flags);
        let migrating = Patience::migrating();
        let in_migrations = |time| format!("in migrations {}", settings::written(time));
        values.extend([
            limit(
                "lock_timeout",
                "--lock-timeout",
                flags.lock_timeout,
                usual.lock,
                format!(
                    "{}, for policies {}",
                    in_migrations(migrating.lock),
                    settings::written(BRIEF)
                ),
            ),
            limit(
                "statement_timeout",
                "--statement-timeout",
                flags.statement_timeout,
                usual.statement,
                in_migrations(migrating.statement),
            ),
        ]);
        values.push(settings::effective::Value {
            key: "local.folder",
            value: Some(self.data_folder()?.display().to_string()),
            origin: variable("TOYSOLDIERS_LOCAL_DIR"),
        });
        values.push(settings::effective::Value {
            key: "postgresql.programs",
            value: self
                .environ
                .path("TOYSOLDIERS_PG_BIN")
                .map(|folder| folder.display().to_string()),
            origin: variable("TOYSOLDIERS_PG_BIN"),
        });
        Ok(values)
    }

    /// The private server.
    pub fn server(&self) -> Result<Server> {
        Ok(Server::new(self.data_folder()?, self.programs()))
    }

    /// PostgreSQL's programs.
    pub fn programs(&self) -> Programs {
        Programs::new(self.environ.path("TOYSOLDIERS_PG_BIN"))
    }

    /// Where psql looks for the person's own start file.
    pub fn psqlrc(&self) -> Option<PathBuf> {
        let home = self.environ.path("HOME");
        match (self.environ.path("PSQLRC"), home) {
            (Some(named), Some(home)) => Some(match named.strip_prefix("~") {
                Ok(below) => home.join(below),
                Err(_) => named,
            }),
            (named, home) => named.or_else(|| Some(home?.join(".psqlrc"))),
        }
    }

    /// Where things are kept that belong to no project: the private server, backups nobody gave a place.
    pub fn data_folder(&self) -> Result<PathBuf> {
        if let Some(folder) = self.environ.path("TOYSOLDIERS_LOCAL_DIR") {
            // A folder of that name would show the password in it wherever it is shown.
            if folder.to_string_lossy().contains("://") {
                return Err(Error::configuration(
                    "TOYSOLDIERS_LOCAL_DIR holds an address, and not a folder",
                )
                .unchanged()
                .hint("name a folder in TOYSOLDIERS_LOCAL_DIR, and the database with `--database-url`")
                .into());
            }
            return Ok(here()?.join(folder));
        }
        if rustix::process::geteuid().is_root() {
            return Ok(PathBuf::from("/var/lib/toysoldiers"));
        }
        let home = |path: &str| self.environ.path("HOME").map(|home| home.join(path));
        let folder = if cfg!(target_os = "macos") {
            home("Library/Application Support")
        } else {
            self.environ
                .path("XDG_DATA_HOME")
                .filter(|folder| folder.is_absolute())
                .or_else(|| home(".local/share"))
        };
        folder
            .map(|folder| folder.join("toysoldiers"))
            .ok_or_else(|| {
                Error::configuration("there is no place for the local server: HOME is not set")
                    .hint("set HOME, or name a folder in TOYSOLDIERS_LOCAL_DIR")
                    .into()
            })
    }

    /// The person who runs this, for the record: `sam@bastion`. The system's word counts, not that of a
    /// variable anyone can set; but root may say whom it works for, as sudo does.
    fn actor(&self) -> String {
        let uid = rustix::process::getuid();
        let told = |name: &str| self.environ.get(name).ok().flatten();
        let sudo = if uid.is_root() {
            told("SUDO_USER")
        } else {
            None
        };
        let user = sudo
            .or_else(|| local::user_name(uid.as_raw()))
            .or_else(|| told("USER"))
            .unwrap_or_else(|| format!("uid {}", uid.as_raw()));
        let host = rustix::system::uname()
            .nodename()
            .to_string_lossy()
            .into_owned();
        format!("{user}@{host}")
    }

    /// The one shape of every change: shows the plan, asks, applies, reports.
    pub async fn carry_out<W, R: Report>(
        &self,
        plan: Plan<W>,
        apply: impl AsyncFnOnce(W, Consent) -> Result<R>,
    ) -> Result<Exit> {
        self.carry_out_on(&self.stage()?, plan, apply).await
    }

    /// The chosen environment as changes see it. Whether it is protected is known for sure once a connection
    /// was made.
    pub fn stage(&self) -> Result<Stage> {
        let environment = &self.settings()?.environment;
        Ok(Stage {
            name: environment.name.clone(),
            protected: environment.protected || self.guarded.load(Ordering::Relaxed),
        })
    }

    /// The same, on a stage other than the chosen environment.
    pub async fn carry_out_on<W, R: Report>(
        &self,
        stage: &Stage,
        plan: Plan<W>,
        apply: impl AsyncFnOnce(W, Consent) -> Result<R>,
    ) -> Result<Exit> {
        // A person who is there can do something about it; a log would only repeat it.
        let is_news = self.unpinned.load(Ordering::Relaxed) && !plan.steps.is_empty();
        if is_news && self.ui.can_ask() {
            let name = &stage.name;
            self.ui.warn(&format!(
                "{name} is protected, but has no fingerprint: whatever answers at its address passes for it; pin it with {}",
                command("env pin").on(name)
            ));
        }
        let consent = match self.ui.ask(&plan, stage).await? {
            ControlFlow::Continue(consent) => consent,
            ControlFlow::Break(exit) => return Ok(exit),
        };
        self.ui.working(&plan.title);
        let report = apply(plan.work, consent).await?;
        self.confirm(&report).map_err(|error| {
            Error::failed("it was done, but the result cannot be shown")
                .after(&error)
                .into()
        })
    }

    /// Shows what was asked for; the command ends as the result says.
    pub fn report(&self, report: &impl Report) -> Result<Exit> {
        self.ui.show(report)?;
        Ok(report.exit())
    }

    /// Says that something was done, or is as it should be, to whoever wants to know; the command ends as the result says.
    pub fn confirm(&self, report: &impl Report) -> Result<Exit> {
        self.ui.confirm(report)?;
        Ok(report.exit())
    }

    /// How this command is carried out, if it waits this long for another run to end, and makes further attempts for
    /// this long.
    pub fn run(&self, wait: Duration, retry_for: Duration) -> RunContext<'_> {
        RunContext {
            lock_timeout: self.flags.lock_timeout,
            statement_timeout: self.flags.statement_timeout,
            retry_for,
            wait,
            progress: &self.ui,
            sessions: &self.sessions,
            undo: &self.undo,
        }
    }

    /// Where a feature registers what must not stay if its command does not come to its end.
    pub fn undo(&self) -> &Undo {
        &self.undo
    }

    /// Cancels on the server what is still running there.
    pub async fn cancel(&self) {
        self.sessions.cancel().await;
    }
}

/// The current folder.
pub fn here() -> Result<PathBuf> {
    std::env::current_dir().map_err(|error| {
        Error::configuration("the current folder cannot be read")
            .because(error)
            .hint("change to a folder that is there")
            .into()
    })
}

/// The process environment.
pub fn environ() -> Environ {
    Environ::new(std::env::vars_os())
}
