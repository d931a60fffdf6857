//! The way into the chosen environment's database: named first, guarded, and set up.

use std::sync::PoisonError;
use std::sync::atomic::Ordering;

use secrecy::SecretString;

use super::Context;
use crate::error::{self, Error, Exit, Result};
use crate::guard::{self, Identity};
use crate::pg::attempt::LOOK;
use crate::pg::connect::Unreached;
use crate::pg::options::Setting;
use crate::pg::{Db, Endpoint, Patience, session};
use crate::plan::Progress;
use crate::settings::password::Source;
use crate::settings::{Environment, Target};
use crate::ui::Report;

/// What becomes of what a database says about itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Guarding {
    /// A stranger is refused.
    Enforce,
    /// The command looks at it itself.
    Observe,
    /// It is another database of the server: what it says of itself does not count, but the server must be the one.
    Beside,
}

impl Context {
    /// A connection for questions and changes of one statement each: a pooler in transaction mode will do.
    pub async fn connect(&self) -> Result<Db> {
        Ok(Box::pin(self.enter(Guarding::Enforce)).await?.0)
    }

    /// A session of our own, for `what` needs one: locks, snapshots and settings that last.
    pub async fn session(&self, what: &str) -> Result<Db> {
        let db = self.connect().await?;
        db.require_session(what)?;
        Ok(db)
    }

    /// The same for a look at tables that somebody may have locked: it is not worth a long wait.
    pub async fn session_to_look(&self, what: &str) -> Result<Db> {
        let db = self.session(what).await?;
        db.set_up(self.glance()).await?;
        Ok(db)
    }

    /// The same, and the name of the environment if it is to claim the database, which is nobody's yet.
    pub async fn session_to_claim(&self, what: &str) -> Result<(Db, Option<String>)> {
        let (db, identity) = Box::pin(self.enter(Guarding::Enforce)).await?;
        db.require_session(what)?;
        let claim = guard::claim(&self.settings()?.environment, &identity);
        Ok((db, claim))
    }

    /// The name of the environment's database.
    pub fn database(&self) -> Result<&str> {
        Ok(match &self.settings()?.environment.target {
            Target::Local(database) => database,
            Target::Url(endpoint) => endpoint.database(),
        })
    }

    /// A session in a database of the same server that is always there, to make the environment's own.
    pub async fn session_beside(&self, what: &str) -> Result<Db> {
        let db = match &self.settings()?.environment.target {
            Target::Local(_) => return self.session(what).await,
            Target::Url(endpoint) => self.reach(&endpoint.with_database("postgres")).await?,
        };
        db.require_session(what)?;
        Ok(self.settle(db, Guarding::Beside, false).await?.0)
    }

    /// A connection, and what the database says about itself, whatever that is.
    pub async fn observe(&self) -> Result<(Db, Identity)> {
        Box::pin(self.enter(Guarding::Observe)).await
    }

    /// Asks a question that changes nothing: of the replica, if there is one and it has what the primary has,
    /// else of the primary.
    pub async fn read<T>(&self, ask: impl AsyncFn(&Db) -> Result<T>) -> Result<T> {
        let environment = &self.settings()?.environment;
        match (&environment.target, &environment.replica) {
            (Target::Url(primary), Some(replica)) => {
                Box::pin(self.read_from(primary, replica, ask)).await
            }
            _ => ask(&self.connect().await?).await,
        }
    }

    /// The same, and shows the answer.
    pub async fn answer<R: Report>(&self, ask: impl AsyncFn(&Db) -> Result<R>) -> Result<Exit> {
        self.report(&self.read(ask).await?)
    }

    async fn enter(&self, guarding: Guarding) -> Result<(Db, Identity)> {
        let environment = &self.settings()?.environment;
        let db = match &environment.target {
            Target::Local(database) => {
                let withheld = self.settings()?.password_variables();
                let server = self.server()?.withholding(withheld);
                self.banner(&server.endpoint(database))?;
                self.ui.working("connecting");
                // Only its own are made where they are not there.
                match &self.flags.database {
                    Some(_) => server.reach(database, &self.ui).await?,
                    None => server.connect(database, &self.ui).await?,
                }
            }
            Target::Url(endpoint) => {
                self.banner(endpoint)?;
                let wanted = guarding == Guarding::Observe;
                let db = self.reach(endpoint).await?;
                return self.settle(db, guarding, wanted).await;
            }
        };
        self.settle(db, guarding, guarding == Guarding::Observe)
            .await
    }

    /// Makes the settings of a session and looks whose database it is, in one round trip.
    pub(super) async fn settle(
        &self,
        db: Db,
        guarding: Guarding,
        curious: bool,
    ) -> Result<(Db, Identity)> {
        let environment = &self.settings()?.environment;
        self.sessions.attend(&db);
        let db = db.acting_for(self.actor());
        let is_unpinned = environment.protected
            && environment.is_configured()
            && environment.fingerprint.is_none()
            && self.command != "env pin";
        let with_fingerprint = curious
            || is_unpinned
            || environment.fingerprint.is_some()
            || (environment.ad_hoc && guard::kin::wants_fingerprint(self.settings()?));
        let (ready, identity) = tokio::join!(
            db.set_up(self.patience()),
            guard::identify(&db, with_fingerprint)
        );
        ready?;
        let mut identity = match identity {
            Ok(identity) => identity,
            Err(error) => return Err(db.explain_hurry(error).await),
        };
        // Where a server keeps it to itself, nobody is told what to do about it.
        if is_unpinned && matches!(identity.fingerprint, Some(Ok(_))) {
            self.unpinned.store(true, Ordering::Relaxed);
        }
        if guarding == Guarding::Beside {
            identity.stamp = None;
        }
        if guarding == Guarding::Enforce {
            guard::refuse_strange(&db)?;
        }
        if guarding != Guarding::Observe {
            guard::recognise(self.settings()?, &identity)?;
        }
        self.heed(&identity)?;
        self.heed_kin(&db, &identity).await?;
        self.ui.working("asking the database");
        Ok((
            db.traced(self.ui.tracer()).voiced(self.ui.voice()),
            identity,
        ))
    }

    /// A bare URL may lead to a protected environment by another name; its stamp tells.
    fn heed(&self, identity: &Identity) -> Result<()> {
        let settings = self.settings()?;
        let environment = &settings.environment;
        let Some(stamp) = identity.stamp.as_ref().filter(|_| environment.ad_hoc) else {
            return Ok(());
        };
        if let Some(table) = settings.table(stamp) {
            guard::permit(stamp, &table.deny, &self.command)?;
            if !table.protected {
                self.ui
                    .say(&format!("this is the database of {stamp}, by its stamp"));
            } else if !environment.protected {
                self.guarded.store(true, Ordering::Relaxed);
                self.ui
                    .say_protected(&format!("this is the database of {stamp}, by its stamp: "));
            }
        } else {
            self.ui.say(&format!(
                "this is the database of {stamp}, by its stamp; no configuration found here says how {stamp} is guarded"
            ));
        }
        Ok(())
    }

    /// Nor does the spelling of a host lead past a guard: what was resolved tells.
    async fn heed_kin(&self, db: &Db, identity: &Identity) -> Result<()> {
        let settings = self.settings()?;
        let environment = &settings.environment;
        let Target::Url(address) = &environment.target else {
            return Ok(());
        };
        if !environment.ad_hoc {
            return Ok(());
        }
        let kin = guard::kin::find(db, settings, identity, Some(address.database())).await?;
        let is_new = |name: &String| {
            identity.stamp.as_ref() != Some(name)
                && !settings.addresses().any(|configured| {
                    let is_same = |there: &Endpoint| there.is_same_database(address);
                    configured.name == name && configured.endpoint.as_ref().is_ok_and(is_same)
                })
        };
        for name in kin.same.iter().filter(|name| is_new(name)) {
            let Some(table) = settings.table(name) else {
                continue;
            };
            guard::permit(name, &table.deny, &self.command)?;
            let is_news = table.protected && !environment.protected;
            if is_news && !self.guarded.swap(true, Ordering::Relaxed) {
                self.ui.say(&format!(
                    "this is the database of {name}, by its server: PROTECTED"
                ));
            }
        }
        for (name, why) in kin.unknown.iter().filter(|(name, _)| is_new(name)) {
            self.ui.say(&format!(
                "whether this is the database of {name} is not known: {why}"
            ));
        }
        Ok(())
    }

    /// Names what is about to be touched.
    pub(super) fn banner(&self, endpoint: &Endpoint) -> Result<()> {
        let environment = &self.settings()?.environment;
        let mut line = format!("-> {}  {}", environment.title(), endpoint.describe());
        if let Some(weakness) = endpoint.weakness() {
            line.push_str("  ");
            line.push_str(weakness);
        }
        // A command that connects more than once says it once.
        let told = std::mem::replace(
            &mut *self.told.lock().unwrap_or_else(PoisonError::into_inner),
            line.clone(),
        );
        if told == line {
            return Ok(());
        }
        if environment.protected {
            self.ui.say_protected(&format!("{line}  "));
        } else {
            self.ui.say(&line);
        }
        if matches!(environment.target, Target::Url(_)) && endpoint.has_password() {
            self.ui.warn(&format!(
                "the address in {} holds a password; keep it in a variable, and name that with password_env",
                self.settings()?.definition()
            ));
        }
        if self.command == "psql" {
            return Ok(());
        }
        for (Setting { name, value }, ours) in session::overruled(endpoint) {
            let instead = match ours {
                Some(ours) => format!("every other command has {ours}"),
                None => format!("give `--{}` to every other command", name.replace('_', "-")),
            };
            self.ui.warn(&format!(
                "{name} = {value} in the address is for `psql` alone; {instead}"
            ));
        }
        Ok(())
    }

    /// Opens a connection with the password the environment's sources know, or the one a person types when the
    /// server wants one and nobody knew it.
    pub(super) async fn reach(&self, endpoint: &Endpoint) -> Result<Db> {
        self.ui.working("connecting");
        let endpoint = self
            .with_passwords(endpoint)
            .await?
            .withholding(self.settings()?.password_variables());
        match Db::reach(&endpoint).await {
            Ok(db) => Ok(db),
            Err(refused) => self.reach_asking(&endpoint, refused).await,
        }
    }

    /// Tries again with a password that a person types, if that is what was missing.
    pub(super) async fn reach_asking(&self, endpoint: &Endpoint, refused: Unreached) -> Result<Db> {
        let settings = self.settings()?;
        if !refused.wants_password || !self.ui.can_ask() {
            return Err(self.with_source(refused.error));
        }
        let name = &settings.environment.name;
        let user = endpoint.user().unwrap_or_default();
        let password = self
            .ui
            .ask_secret(
                &format!("password of {user} in {name}"),
                &error::explain(&refused.error).hint().unwrap_or_default(),
            )
            .await?;
        Ok(Db::reach(&endpoint.with_password(&password)).await?)
    }

    /// Says whose password it was that the server did not take.
    fn with_source(&self, error: anyhow::Error) -> anyhow::Error {
        let (Some("28P01"), Some(source)) = (error::sqlstate(&error), self.told_by.get()) else {
            return error;
        };
        let note = format!("the password came from {source}");
        match error.downcast::<Error>() {
            Ok(error) => error.note(note).into(),
            Err(error) => error,
        }
    }

    /// The address with what the sources of passwords know, place by place.
    pub(super) async fn with_passwords(&self, endpoint: &Endpoint) -> Result<Endpoint> {
        let settings = self.settings()?;
        let environment = &settings.environment;
        let mut passwords: Vec<Option<SecretString>> = Vec::new();
        let mut told: Vec<String> = Vec::new();
        for place in endpoint.places() {
            let stored =
                environment.stored_password(endpoint, place, &self.environ, &settings.around)?;
            if let (Source::Command(_), Some(command)) =
                (&stored.source, &environment.password_command)
            {
                // Once, also for several servers: a person may have to answer it.
                let password = match self.password.get() {
                    Some(password) => password.clone(),
                    None => command.run(&environment.name).await?,
                };
                let password = self.password.get_or_init(|| password);
                let _ = self.told_by.set(stored.source);
                return Ok(endpoint.with_password(password));
            }
            for warning in stored.warnings {
                if !told.contains(&warning) {
                    self.ui.warn(&warning);
                    told.push(warning);
                }
            }
            if stored.password.is_some() {
                let _ = self.told_by.set(stored.source);
            }
            passwords.push(stored.password);
        }
        Ok(endpoint.with_passwords(passwords))
    }

    /// A database that is no environment's, at this address: its password comes from the address, or from where
    /// PostgreSQL's own programs would look. What the environment has is not for strangers.
    pub fn elsewhere(&self, url: &str) -> Result<Endpoint> {
        let settings = self.settings()?;
        let endpoint = Endpoint::parse_in(url, &settings.around)
            .map_err(|error| error.context("cannot use the address"))?;
        let nobody = Environment {
            password_command: None,
            password_env: None,
            ..settings.environment.clone()
        };
        let mut passwords = Vec::new();
        for place in endpoint.places() {
            let stored =
                nobody.stored_password(&endpoint, place, &self.environ, &settings.around)?;
            for warning in stored.warnings {
                self.ui.warn(&warning);
            }
            passwords.push(stored.password);
        }
        Ok(endpoint.with_passwords(passwords))
    }

    /// Refuses to make databases on the server of an environment that forbids this command, or is protected: what
    /// migrations do to a server, such as making roles, would be done to that one.
    pub async fn require_unguarded(&self, endpoint: &Endpoint) -> Result<()> {
        let settings = self.settings()?;
        let db = Db::connect(endpoint, self.glance()).await?;
        let identity = guard::identify(&db, guard::kin::wants_fingerprint(settings)).await?;
        let kin = guard::kin::find(&db, settings, &identity, None).await?;
        for name in kin.same.iter().chain(&identity.stamp) {
            let Some(table) = settings.table(name) else {
                continue;
            };
            guard::permit(name, &table.deny, &self.command)?;
            if table.protected {
                return Err(Error::refused(format!(
                    "scratch databases would be made on the server of {name}, which is protected"
                ))
                .unchanged()
                .hint("name another server with `--scratch-url`, or leave it out: the private server is used then")
                .into());
            }
        }
        for (name, why) in kin.unknown {
            self.ui.say(&format!(
                "whether scratch databases are made on the server of {name} is not known: {why}"
            ));
        }
        Ok(())
    }

    /// The address, with the settings that the environment's asks for, so that a file means there what it means here.
    pub fn like_the_environment(&self, endpoint: &Endpoint) -> Result<Endpoint> {
        let settings = self.settings()?;
        let endpoint = endpoint.withholding(settings.password_variables());
        Ok(match &settings.environment.target {
            Target::Local(_) => endpoint,
            Target::Url(target) => endpoint.with_settings_of(target),
        })
    }

    /// How long to wait with a look that can be repeated.
    pub fn glance(&self) -> Patience {
        Patience {
            lock: self.flags.lock_timeout.unwrap_or(LOOK),
            ..self.patience()
        }
    }

    /// How long to wait, as the flags say.
    pub fn patience(&self) -> Patience {
        let usual = Patience::default();
        Patience {
            lock: self.flags.lock_timeout.unwrap_or(usual.lock),
            statement: self.flags.statement_timeout.unwrap_or(usual.statement),
        }
    }
}
