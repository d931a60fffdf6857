//! What a command works with: its settings, the person, and a way to the database.
//!
//! The only reader of the process environment.

use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::{Mutex, OnceLock, PoisonError};

use secrecy::SecretString;

use crate::error::{Error, Exit, Result};
use crate::local::{self, Server};
use crate::pg::connect::Cancel;
use crate::pg::tools::Programs;
use crate::pg::{Db, Endpoint, Undo};
use crate::plan::{Consent, Plan, Progress};
use crate::settings::{self, Environ, Flags, Origin, Settings, Target};
use crate::ui::{Report, Stage, Ui};

/// What a command works with.
pub struct Context {
    /// The person at the other end.
    pub ui: Ui,
    flags: Flags,
    environ: Environ,
    settings: OnceLock<Settings>,
    sessions: Mutex<Vec<Cancel>>,
    undo: Undo,
}

impl Context {
    /// Reads nothing yet: no file, no connection.
    pub fn new(flags: Flags, environ: Environ, ui: Ui) -> Self {
        Self {
            ui,
            flags,
            environ,
            settings: OnceLock::new(),
            sessions: Mutex::default(),
            undo: Undo::default(),
        }
    }

    /// Flags, variables and the file together.
    pub fn settings(&self) -> Result<&Settings> {
        if let Some(settings) = self.settings.get() {
            return Ok(settings);
        }
        let settings = Settings::load(&self.flags, &self.environ, &here()?)?;
        Ok(self.settings.get_or_init(|| settings))
    }

    /// Opens a session in the chosen environment, naming it first.
    pub async fn connect(&self) -> Result<Db> {
        let environment = &self.settings()?.environment;
        let (endpoint, password) = self.address()?;
        let protection = if environment.protected {
            "  PROTECTED"
        } else {
            ""
        };
        // A bare URL has no environment; the name of its database must not look like one.
        let name = if environment.ad_hoc {
            "(url)"
        } else {
            &environment.name
        };
        self.ui
            .say(&format!("-> {name}  {}{protection}", endpoint.describe()));
        if matches!(environment.target, Target::Url(_)) && endpoint.has_password() {
            self.ui.warn(&format!(
                "the address in {} holds a password; keep it in a variable, and name that with password_env",
                self.settings()?.definition()
            ));
        }
        self.ui.working("connecting");
        let db = match &environment.target {
            Target::Local(database) => self.server()?.connect(database, &self.ui).await?,
            Target::Url(_) => {
                let endpoint = password.map_or_else(
                    || endpoint.clone(),
                    |password| endpoint.with_password(&password),
                );
                Db::connect(&endpoint).await?
            }
        };
        self.sessions
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(db.cancel());
        let db = db.traced(self.ui.tracer());
        self.limit(&db).await?;
        self.ui.working("asking the database");
        Ok(db)
    }

    /// Bounds the session as the flags say; costs nothing when they say nothing.
    async fn limit(&self, db: &Db) -> Result<()> {
        let limits = [
            ("lock_timeout", self.flags.lock_timeout),
            ("statement_timeout", self.flags.statement_timeout),
        ];
        let script: String = limits
            .iter()
            .filter_map(|(name, limit)| Some(format!("set {name} = {};", (*limit)?.as_millis())))
            .collect();
        if script.is_empty() {
            Ok(())
        } else {
            db.script(&script).await
        }
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

    /// The address of the chosen environment and its password, for other programs.
    pub fn address(&self) -> Result<(Endpoint, Option<SecretString>)> {
        let environment = &self.settings()?.environment;
        let endpoint = match &environment.target {
            Target::Local(database) => self.server()?.endpoint(database),
            Target::Url(endpoint) => Endpoint::clone(endpoint),
        };
        Ok((endpoint, environment.password(&self.environ)?))
    }

    /// The private server.
    pub fn server(&self) -> Result<Server> {
        Ok(Server::new(self.data_folder()?, self.programs()))
    }

    /// PostgreSQL's programs.
    pub fn programs(&self) -> Programs {
        Programs::new(self.environ.path("TOYSOLDIERS_PG_BIN"))
    }

    /// Where things are kept that belong to no project: the private server, backups nobody gave a place.
    pub fn data_folder(&self) -> Result<PathBuf> {
        if let Some(folder) = self.environ.path("TOYSOLDIERS_LOCAL_DIR") {
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
    pub fn actor(&self) -> String {
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
        let environment = &self.settings()?.environment;
        let stage = Stage {
            name: environment.name.clone(),
            protected: environment.protected,
        };
        self.carry_out_on(&stage, plan, apply).await
    }

    /// The same, on a stage other than the chosen environment.
    pub async fn carry_out_on<W, R: Report>(
        &self,
        stage: &Stage,
        plan: Plan<W>,
        apply: impl AsyncFnOnce(W, Consent) -> Result<R>,
    ) -> Result<Exit> {
        let consent = match self.ui.ask(&plan, stage).await? {
            ControlFlow::Continue(consent) => consent,
            ControlFlow::Break(exit) => return Ok(exit),
        };
        self.ui.working(&plan.title);
        let report = apply(plan.work, consent).await?;
        self.report(&report).map_err(|error| {
            Error::failed("it was done, but the result cannot be shown")
                .after(&error)
                .into()
        })
    }

    /// Shows a result; the command ends as the result says.
    pub fn report(&self, report: &impl Report) -> Result<Exit> {
        self.ui.show(report)?;
        Ok(report.exit())
    }

    /// Where a feature registers what must not stay if its command does not come to its end.
    pub fn undo(&self) -> &Undo {
        &self.undo
    }

    /// Cancels on the server what is still running there.
    pub async fn cancel(&self) {
        let sessions =
            std::mem::take(&mut *self.sessions.lock().unwrap_or_else(PoisonError::into_inner));
        for session in sessions {
            session.cancel().await;
        }
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
