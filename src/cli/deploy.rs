//! `deploy`

use std::path::PathBuf;

use clap::Args;

use super::migrate::check::denied;
use super::migrate::up::Warnings;
use super::waiting::WaitArgs;
use super::{backup, index, migrate, policy};
use crate::context::Context;
use crate::deploy::history::Deploys;
use crate::deploy::revision::short;
use crate::deploy::written::{self, Written};
use crate::deploy::{
    self, Asking, Deployed, Did, Files, Revision, Safekeeping, Sources, State, Wanted, Wish,
};
use crate::error::{Exit, Result, command, quoted};
use crate::pg::lock;
use crate::plan::counted;
use crate::ui::cell::human_millis;
use crate::ui::{Cell, Report, Table};

#[derive(Debug, Args)]
#[command(
    after_help = "It stops at the first failure and says what was done. Running it again goes on from there: every part does \
    only what is still missing. What policies and indexes come to after migrations that are pending is not \
    known before; what is compared then and would drop more than was shown is not done.\n\n\
    Examples:\n  toysoldiers deploy --dry-run\n  toysoldiers --env production deploy --backup --confirm production\n  \
    toysoldiers --env staging deploy --plan-file plan.json\n  \
    toysoldiers --env staging deploy plan.json"
)]
#[allow(clippy::struct_excessive_bools)] // flags are
pub(super) struct DeployArgs {
    /// Apply the plan in this file, and nothing else; refused if anything changed since it was made
    #[arg(value_name = "FILE", conflicts_with_all = ["plan_file", "prune", "no_proof", "backup", "no_backup"])]
    plan: Option<PathBuf>,
    /// Write the plan into this file, as JSON, and stop
    #[arg(long, value_name = "FILE")]
    plan_file: Option<PathBuf>,
    /// Take a backup before anything is changed, and read it back
    #[arg(long, conflicts_with = "no_backup")]
    backup: bool,
    /// Take none, also where the environment wants one before migrations
    #[arg(long)]
    no_backup: bool,
    /// Also drop policies and indexes that no file declares, and take rights from roles that no file names
    #[arg(long)]
    prune: bool,
    /// Keep policies without asking the matrix
    #[arg(long)]
    no_proof: bool,
    #[command(flatten)]
    wait: WaitArgs,
    #[command(flatten)]
    sources: SourcesArgs,
    /// Show the deploys there were instead, the newest last
    #[arg(long, conflicts_with_all = ["plan", "plan_file", "prune", "no_proof", "backup", "no_backup"])]
    history: bool,
    /// How many of them at most
    #[arg(long, requires = "history", default_value_t = 50, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,
}

/// Where the files of all parts are.
#[derive(Debug, Args)]
pub(super) struct SourcesArgs {
    /// Folder of the migrations
    #[arg(long, value_name = "FOLDER")]
    migrations: Option<PathBuf>,
    /// Folder of the policy files
    #[arg(long, value_name = "FOLDER")]
    policies: Option<PathBuf>,
    /// Folder of the index files
    #[arg(long, value_name = "FOLDER")]
    indexes: Option<PathBuf>,
}

impl SourcesArgs {
    pub(super) fn sources(&self, cx: &Context) -> Result<Sources> {
        let migrations = self.migrations.as_deref();
        Ok(Sources {
            migrations: migrate::source(cx, migrations)?,
            policies: policy::source(cx, self.policies.as_deref(), migrations)?,
            indexes: index::source(cx, self.indexes.as_deref(), migrations)?,
        })
    }
}

impl DeployArgs {
    pub(super) async fn run(self, cx: &Context) -> Result<Exit> {
        if self.history {
            return cx
                .answer(async |db| Deploys::read(db, self.limit).await)
                .await;
        }
        let agreed = self.plan.as_deref().map(written::read).transpose()?;
        let sources = self.sources.sources(cx)?;
        // What is wrong with the files is known without a server.
        let files = Files::load(&sources)?;
        let (db, stamp) = Box::pin(cx.session_to_claim("deploying")).await?;
        let wish = match &agreed {
            Some(agreed) => agreed.wish,
            None => self.wish(cx)?,
        };
        let environment = cx.settings()?.environment.name.clone();
        let safekeeping = Safekeeping {
            environment: environment.clone(),
            destination: backup::address(cx, None)?,
            programs: cx.programs(),
        };
        let denied = denied(cx)?;
        db.set_up(cx.glance()).await?;
        let plan = async || {
            let (files, stamp, denied) = (files.clone(), stamp.clone(), denied.clone());
            Box::pin(deploy::plan(
                &db,
                files,
                wish,
                stamp,
                denied,
                Some(&safekeeping),
            ))
            .await
        };
        let locks = [&lock::DEPLOY, &lock::MIGRATE];
        let plan = self.wait.plan(cx, &db, &locks, "deploy", plan);
        let plan = Box::pin(plan).await?;
        if let (Some(agreed), Some(file)) = (&agreed, &self.plan) {
            let now = written::document(&db, &environment, &plan).await?;
            agreed.require(&file.display().to_string(), &now)?;
        }
        if let Some(file) = self.plan_file.filter(|_| !cx.ui.is_dry()) {
            let document = written::document(&db, &environment, &plan).await?;
            let written = written::write(&file, document)?;
            cx.ui.announce(&plan, &cx.stage()?);
            return cx.confirm(&written);
        }
        let mut warnings = Warnings::of(plan.work.look());
        if cx.stage()?.protected {
            warnings.tell(cx);
        }
        cx.ui.announce(&plan, &cx.stage()?);
        let run = self.wait.run(cx);
        let apply = async |work, consent| {
            let asking = Asking {
                caller: cx.caller(),
                environ: cx.environ(),
            };
            let revision = Revision::of(&sources.folders(), &asking);
            Box::pin(deploy::deploy(&db, work, consent, revision, run)).await
        };
        let exit = Box::pin(cx.carry_out(plan, apply)).await?;
        warnings.tell(cx);
        Ok(exit)
    }

    fn wish(&self, cx: &Context) -> Result<Wish> {
        let before = cx.settings()?.environment.backup_before_migrate;
        Ok(Wish {
            prune: self.prune,
            unproved: self.no_proof,
            backup: match (self.backup, self.no_backup || !before) {
                (true, _) => Wanted::Always,
                (false, true) => Wanted::Never,
                (false, false) => Wanted::BeforeMigrations,
            },
        })
    }
}

impl Report for Deployed {
    fn table(&self) -> Table {
        let mut table = Table::new(&["part", "state", "changes", "detail", "duration_ms"]);
        for did in &self.stages {
            table.row(row(did));
        }
        table
    }

    /// The changes were told while they were made; only what is wrong is news.
    fn sheets(&self) -> Option<Vec<Table>> {
        let mut wrong = Table::new(&[
            "table", "command", "row", "actor", "expected", "found", "message",
        ]);
        for cell in &self.wrong {
            wrong.row([
                Cell::text(&cell.table),
                Cell::text(cell.command),
                Cell::text(&cell.row),
                Cell::text(&cell.actor),
                Cell::text(&cell.expected),
                Cell::text(&cell.found),
                cell.message.clone().into(),
            ]);
        }
        Some(vec![wrong])
    }

    fn summary_lines(&self) -> Vec<String> {
        let time = human_millis(i64::try_from(self.duration_ms).unwrap_or(i64::MAX));
        let from = self.revision.as_ref().map_or_else(String::new, |revision| {
            format!(" from {}", revision.short())
        });
        if !self.wrong.is_empty() {
            return self.stopped();
        }
        let changes: usize = self.stages.iter().map(|did| did.changes.len()).sum();
        if changes == 0 && self.undeclared > 0 {
            return vec![format!(
                "nothing to do: all the files say is there{from}; {} that no file declares stays: {} and {} declare it, {} takes \
                 it away",
                counted(self.undeclared, "thing"),
                command("policy adopt"),
                command("index adopt"),
                command("deploy --prune")
            )];
        }
        let details = self.stages.iter().filter_map(|did| {
            let detail = did.detail.as_ref()?;
            Some(format!("{}: {detail}", did.part.word()))
        });
        let details: Vec<String> = details.collect();
        if changes == 0 && details.is_empty() {
            return vec![format!(
                "nothing to do: no migration is pending, and policies and indexes are as declared{from}"
            )];
        }
        let done = counted(changes, "change");
        let parts = by_part(&self.stages);
        let first = (changes > 0).then(|| format!("deployed {done} in {time}{from}: {parts}"));
        first.into_iter().chain(details).collect()
    }

    fn exit(&self) -> Exit {
        if self.wrong.is_empty() {
            Exit::Done
        } else {
            Exit::Finding
        }
    }
}

impl Deployed {
    /// Why it stopped for the matrix, what was done before, and how to go on.
    fn stopped(&self) -> Vec<String> {
        let failed = self.stages.iter().find(|did| did.state == State::Failed);
        let why = failed.and_then(|did| did.detail.as_deref());
        let why = why.unwrap_or("the matrix would not be as declared");
        let done = Some(by_part(&self.stages)).filter(|done| !done.is_empty());
        let hint =
            command("deploy").hint("fix the policies or the matrix, then run {} again to go on");
        let mut lines = vec![format!("deploy stopped at the policies: {why}")];
        lines.extend(done.map(|done| format!("note: done before: {done}")));
        lines.push(format!("hint: {hint}"));
        lines
    }
}

/// How much each part did: `migrations (1), indexes (13)`.
fn by_part(stages: &[Did]) -> String {
    let changed = stages.iter().filter(|did| !did.changes.is_empty());
    let parts: Vec<String> = changed
        .map(|did| format!("{} ({})", did.part.word(), did.changes.len()))
        .collect();
    parts.join(", ")
}

fn row(did: &Did) -> [Cell; 5] {
    let changes = did.changes.join("\n");
    [
        Cell::text(did.part.word()),
        Cell::text(did.state.words()),
        Some(changes)
            .filter(|changes| !changes.is_empty())
            .map(Cell::lines)
            .into(),
        did.detail.clone().into(),
        Cell::millis(did.duration_ms),
    ]
}

impl Report for Written {
    fn table(&self) -> Table {
        let steps = self.document.parts.iter().map(|part| part.steps.len());
        Table::record([
            ("file", Cell::text(&self.file)),
            ("title", Cell::text(&self.document.title)),
            ("steps", Cell::count(steps.sum::<usize>())),
        ])
    }

    fn summary(&self) -> String {
        format!(
            "nothing was changed; {} does exactly this",
            command(format!("deploy {}", quoted(&self.file)))
        )
    }
}

impl Report for Deploys {
    fn table(&self) -> Table {
        let mut table = Table::new(&[
            "id",
            "outcome",
            "started_at",
            "duration_ms",
            "actor",
            "role",
            "client",
            "tool_version",
            "revision",
            "dirty",
            "done",
            "message",
        ])
        .unseen(&["role", "dirty"])
        .leaving(&["tool_version", "client", "revision", "actor", "duration_ms"]);
        for deploy in &self.deploys {
            let done = by_part(&deploy.parts());
            table.row([
                Cell::count(deploy.id),
                Cell::text(&deploy.outcome),
                deploy.started_at.into(),
                deploy.duration_ms.map(Cell::Millis).into(),
                Cell::text(&deploy.actor),
                Cell::text(&deploy.role),
                deploy.client.clone().into(),
                Cell::text(&deploy.tool_version),
                deploy
                    .revision
                    .as_ref()
                    .map(|commit| short(commit, deploy.dirty))
                    .into(),
                deploy.dirty.map(Cell::Flag).into(),
                Some(done).filter(|done| !done.is_empty()).into(),
                deploy.message.clone().into(),
            ]);
        }
        table
    }

    fn summary(&self) -> String {
        if self.deploys.is_empty() {
            return "this database remembers no deploy".to_owned();
        }
        counted(self.deploys.len(), "deploy")
    }

    fn remainder(&self) -> Vec<String> {
        let shown = i64::try_from(self.deploys.len()).unwrap_or(i64::MAX);
        let older = (self.total > shown).then(|| {
            let older = self.total - shown;
            format!(
                "{older} older ones are not shown; ask for more with `--limit {}`",
                self.total
            )
        });
        older.into_iter().collect()
    }
}
