//! `migrate up`

use clap::Args;

use super::{SourceArgs, check};
use crate::cli::waiting::WaitArgs;
use crate::context::Context;
use crate::error::{self, Error, Exit, Result, command};
use crate::migrate::Files;
use crate::migrate::check::Beside;
use crate::migrate::named::Named;
use crate::migrate::up::{self, Applied, Wish};
use crate::pg::Db;
use crate::plan::{Consent, Plan, Progress, counted};
use crate::ui::cell::human_millis;
use crate::ui::{Cell, Report, Table};

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  toysoldiers migrate up --dry-run\n  toysoldiers --env staging migrate up\n  \
    toysoldiers --env production migrate up --yes --lock-timeout 500ms"
)]
pub(in crate::cli) struct UpArgs {
    #[command(flatten)]
    source: SourceArgs,
    #[command(flatten)]
    wait: WaitArgs,
    /// Make the database if it is not there
    #[arg(long)]
    create_db: bool,
    /// The last migration to apply: its number, its description or its file
    #[arg(long, value_name = "MIGRATION")]
    to: Option<Named>,
    /// Apply all of it in one transaction: everything happens, or nothing does
    #[arg(long)]
    one_transaction: bool,
}

impl UpArgs {
    pub(in crate::cli) async fn run(self, cx: &Context) -> Result<Exit> {
        // What is wrong with the files is known without a server.
        let files = self.source.load(cx)?;
        let connected = Box::pin(cx.session_to_claim("migrating")).await;
        match connected {
            Err(error) if error::sqlstate(&error) == Some("3D000") => {
                Box::pin(self.create(cx, &files, error)).await
            }
            connected => {
                let (db, stamp) = connected?;
                let plan = self.plan(cx, &db, files, stamp).await?;
                let mut warnings = Warnings::of(plan.work.look());
                // Whoever is asked wants to know before; for everybody else nothing waits.
                if cx.stage()?.protected {
                    warnings.tell(cx);
                }
                let apply = async |work, consent| self.apply(cx, &db, work, consent).await;
                let outcome = Box::pin(cx.carry_out(plan, apply)).await?;
                warnings.tell(cx);
                Ok(outcome)
            }
        }
    }

    async fn plan(
        &self,
        cx: &Context,
        db: &Db,
        files: Files,
        stamp: Option<String>,
    ) -> Result<Plan<up::Pending>> {
        let wish = self.wish(&files)?;
        up::plan(db, files, wish, stamp, &check::denied(cx)?).await
    }

    async fn apply(
        &self,
        cx: &Context,
        db: &Db,
        work: up::Pending,
        consent: Consent,
    ) -> Result<Applied> {
        Box::pin(up::up(db, work, consent, self.wait.run(cx))).await
    }

    fn wish(&self, files: &Files) -> Result<Wish> {
        Ok(Wish {
            to: self.to.as_ref().map(|to| to.find(files)).transpose()?,
            one_transaction: self.one_transaction,
        })
    }

    /// The database is not there; makes it if that is wanted.
    async fn create(&self, cx: &Context, files: &Files, missing: anyhow::Error) -> Result<Exit> {
        if !self.create_db {
            let hint =
                command("migrate up --create-db").hint("check its name, or have it made: {}");
            return Err(match missing.downcast::<Error>() {
                Ok(error) => error.hint(hint).into(),
                Err(error) => error,
            });
        }
        let name = cx.database()?.to_owned();
        let plan = up::plan_from_nothing(&name, files, self.wish(files)?, &check::denied(cx)?)?;
        cx.carry_out(plan, async |(), consent| {
            let beside = cx.session_beside("making a database").await?;
            up::create_database(&beside, &name, &consent).await?;
            cx.ui.say(&format!("created the database {name}"));
            let (db, stamp) = Box::pin(cx.session_to_claim("migrating")).await?;
            let files = self.source.load(cx)?;
            let plan = self.plan(cx, &db, files, stamp).await?;
            self.apply(cx, &db, plan.work, consent).await
        })
        .await
    }
}

/// What is found beside the run; told once.
pub(in crate::cli) struct Warnings(Option<Beside>);

impl Warnings {
    pub(in crate::cli) fn of(beside: Beside) -> Self {
        Self(Some(beside))
    }

    pub(in crate::cli) fn tell(&mut self, cx: &Context) {
        let warnings = self.0.take().map(Beside::warnings).unwrap_or_default();
        for warning in &warnings {
            cx.ui.warn(warning);
        }
        if !warnings.is_empty() {
            cx.ui.say(&format!(
                "{} tells why, and what to write instead",
                command("migrate check")
            ));
        }
    }
}

impl Report for Applied {
    fn table(&self) -> Table {
        let mut table = Table::new(&["migration", "statements", "duration_ms"]);
        for ran in &self.applied {
            table.row([
                Cell::text(&ran.migration),
                Cell::count(ran.statements),
                Cell::millis(ran.duration_ms),
            ]);
        }
        table
    }

    fn is_told(&self) -> bool {
        true
    }

    fn summary(&self) -> String {
        let Self {
            source,
            applied,
            current,
            total,
            left,
            stamped,
            upgraded,
            duration_ms,
        } = self;
        let at = current.as_deref().unwrap_or("no migration");
        let source = match left {
            0 => source.clone(),
            left => format!("{source}, {left} left for later"),
        };
        let stamped = stamped
            .as_ref()
            .map(|environment| format!("stamped the database as {environment}"));
        let besides: Vec<String> = upgraded
            .then(|| "brought the bookkeeping up to date".to_owned())
            .into_iter()
            .chain(stamped)
            .collect();
        let besides = besides.join(" and ");
        if applied.is_empty() {
            let place = format!(
                "the database is at {at} ({}, {source})",
                counted(*total, "migration")
            );
            return if besides.is_empty() {
                format!("nothing to do: {place}")
            } else {
                format!("{besides}; no migration was pending: {place}")
            };
        }
        let count = counted(applied.len(), "migration");
        let time = human_millis(i64::try_from(*duration_ms).unwrap_or(i64::MAX));
        let text = format!("applied {count} in {time} ({source}); the database is at {at}");
        if besides.is_empty() {
            text
        } else {
            format!("{text}; {besides}")
        }
    }
}
