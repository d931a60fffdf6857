//! `env`

use clap::Subcommand;
use serde::Serialize;

use crate::context::Context;
use crate::error::{Exit, Result, masked};
use crate::guard::check::{self, Checked, State};
use crate::guard::pin::{self, Pinned};
use crate::plan::counted_as;
use crate::settings::effective::{Known, Value};
use crate::ui::{Cell, Report, Table};

#[derive(Debug, Subcommand)]
#[command(after_help = "`list` and `show` open no connection.\n\nExamples:\n  \
    toysoldiers env list\n  \
    toysoldiers --env production env show\n  \
    toysoldiers --env production env check || echo 'not today'\n  \
    toysoldiers --env production env pin --dry-run")]
pub(super) enum EnvCommand {
    /// List the environments one can name
    List,
    /// Show every value in force and where it came from
    Show,
    /// Connect, look at everything there is to know before one relies on it, and say what is wrong
    ///
    /// Which server answers, how far it is, how the way there is protected and what is in between; who we are there
    /// and what that is enough for; whose database it is, and whether it is the pinned server. Ends with exit code 3
    /// if anything is wrong. A note is something to know, and no reason to stop. Times are milliseconds in JSON.
    Check,
    /// Tie this environment and the server that answers together
    ///
    /// Writes the server's fingerprint into toysoldiers.toml and the environment's name into the database. From then
    /// on every command refuses another server at this environment's address, and this database at another
    /// environment's.
    Pin,
}

impl EnvCommand {
    pub(super) async fn run(self, cx: &Context) -> Result<Exit> {
        match self {
            Self::List => cx.report(&Environments(cx.settings()?.known())),
            Self::Show => cx.report(&Effective(shown(cx.effective()?))),
            Self::Check => check(cx).await,
            Self::Pin => pin(cx).await,
        }
    }
}

async fn check(cx: &Context) -> Result<Exit> {
    let (db, identity) = cx.observe().await?;
    let settings = cx.settings()?;
    let mut lines = check::look(&db, settings, &identity, cx.patience(), &cx.programs()).await?;
    if let (Some(replica), Some(copy)) =
        (&settings.environment.replica, cx.observe_replica().await?)
    {
        lines.push(check::replica::line(&db, &identity, replica, copy).await?);
    }
    cx.report(&Checked::new(&settings.environment.name, lines))
}

async fn pin(cx: &Context) -> Result<Exit> {
    let settings = cx.settings()?;
    pin::require_configured(&settings.environment)?;
    let (db, identity) = cx.observe().await?;
    let plan = pin::plan(&db, settings, &identity).await?;
    cx.carry_out(plan, async |bond, consent| {
        pin::pin(&db, bond, consent).await
    })
    .await
}

#[derive(Debug, Serialize)]
struct Environments(Vec<Known>);

/// A folder or a name may be an address that somebody put in the wrong variable.
fn shown(mut values: Vec<Value>) -> Vec<Value> {
    for Value { value, origin, .. } in &mut values {
        if let Some(value) = value {
            *value = masked(value);
        }
        *origin = masked(origin);
    }
    values
}

#[derive(Debug, Serialize)]
struct Effective(Vec<Value>);

impl Report for Environments {
    fn table(&self) -> Table {
        let mut table = Table::new(&["name", "target", "protected", "chosen", "origin"])
            .leaving(&["origin"])
            .wrapping(&["target"]);
        for known in &self.0 {
            table.row([
                Cell::text(&known.name),
                Cell::text(&known.target),
                Cell::Flag(known.protected),
                Cell::Flag(known.chosen),
                Cell::text(&known.origin),
            ]);
        }
        table
    }
}

impl Report for Effective {
    fn table(&self) -> Table {
        let mut table = Table::new(&["key", "value", "origin"]).wrapping(&["value"]);
        for value in &self.0 {
            table.row([
                Cell::text(value.key),
                value.value.clone().into(),
                Cell::text(&value.origin),
            ]);
        }
        table
    }
}

impl Report for Checked {
    fn table(&self) -> Table {
        let mut table = Table::new(&["check", "state", "found", "advice"]).unseen(&["advice"]);
        for line in &self.checks {
            table.row([
                Cell::text(line.check),
                Cell::text(line.state.word()),
                Cell::text(&line.found),
                line.advice.clone().into(),
            ]);
        }
        table
    }

    fn summary_lines(&self) -> Vec<String> {
        let advised = |state: State| {
            self.checks
                .iter()
                .filter(move |line| line.state == state)
                .filter_map(move |line| {
                    let advice = line.advice.as_ref()?;
                    Some(format!("  {} {}: {advice}", state.word(), line.check))
                })
        };
        let found = match self.wrong {
            0 => "nothing is wrong".to_owned(),
            wrong => format!("{} wrong", counted_as(wrong, "thing is", "things are")),
        };
        let advised = advised(State::Wrong).chain(advised(State::Note));
        std::iter::once(found).chain(advised).collect()
    }

    fn exit(&self) -> Exit {
        if self.wrong == 0 {
            Exit::Done
        } else {
            Exit::Finding
        }
    }
}

impl Report for Pinned {
    fn table(&self) -> Table {
        Table::record([
            ("environment", Cell::text(&self.environment)),
            ("file", Cell::text(&self.file)),
            ("fingerprint", self.fingerprint.clone().into()),
            ("fingerprint_before", self.fingerprint_before.clone().into()),
            ("stamp", self.stamp.clone().into()),
            ("stamp_before", self.stamp_before.clone().into()),
            ("changed", Cell::Flag(self.changed)),
        ])
        .unseen(&["fingerprint_before", "stamp_before"])
    }

    fn summary(&self) -> String {
        let Self {
            environment, stamp, ..
        } = self;
        let tied = match (&self.fingerprint, self.changed) {
            (_, false) => format!("nothing to do: {environment} and this server are tied together"),
            (None, true) => format!("the database is stamped as {environment}'s"),
            (Some(_), true) => {
                format!("from now on no other server passes for {environment}; commit the file")
            }
        };
        let untold = self
            .untold
            .as_ref()
            .map(|reason| format!("the server does not tell its fingerprint: {reason}"));
        let unstamped = stamp
            .is_none()
            .then(|| "the next `migrate up` stamps the database".to_owned());
        let parts: Vec<String> = [Some(tied), untold, unstamped]
            .into_iter()
            .flatten()
            .collect();
        parts.join("; ")
    }
}
