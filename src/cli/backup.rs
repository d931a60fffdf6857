//! `backup`

use std::path::PathBuf;

use clap::{Args, Subcommand};
use clap_complete::engine::ArgValueCandidates;

use super::complete;
use crate::backup::restore::{self, Place};
use crate::backup::{self, Address, Entry, Listing, Restored, Said, Store, Taken, list};
use crate::context::Context;
use crate::error::{Error, Exit, Result, command, quoted};
use crate::ui::{Cell, Report, Table};

#[derive(Debug, Subcommand)]
pub(super) enum BackupCommand {
    /// Take a backup: a dump by pg_dump and a manifest with row counts and a hash
    Create(CreateArgs),
    /// List the backups of a folder, newest first; asks no database
    List(ListArgs),
    /// Restore a backup into a new database, and count its rows
    Restore(RestoreArgs),
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    toysoldiers backup create\n  \
    toysoldiers --env production backup create --to /var/backups/toysoldiers")]
pub(super) struct CreateArgs {
    /// Folder to write to [default: the environment's `backup.destination`, else one in your data folder]
    #[arg(long, value_name = "FOLDER")]
    to: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    toysoldiers --env production backup list\n  \
    toysoldiers backup list --from /var/backups/toysoldiers -o json\n\n\
    Complete means: the manifest can be read, and the dump has its size. Hashes are compared by \
    `backup restore`.")]
pub(super) struct ListArgs {
    /// Folder to look into [default: the environment's `backup.destination`, else one in your data folder]
    #[arg(long, value_name = "FOLDER")]
    from: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    toysoldiers backup restore latest --into restored\n  \
    toysoldiers backup restore /var/backups/toysoldiers/production-20261122T141500Z.dump --into look\n  \
    toysoldiers --env staging backup restore latest --from /var/backups/toysoldiers --into drill\n\n\
    The database must be new; none is ever restored over. It is called DATABASE.partial until its \
    rows are counted, and dropped again if anything fails.")]
pub(super) struct RestoreArgs {
    /// The backup: its name, a file of it, or `latest`, the newest complete one
    #[arg(add = ArgValueCandidates::new(complete::backups))]
    name: String,
    /// Database to make, on the server of the environment
    #[arg(long, value_name = "DATABASE")]
    into: String,
    /// Folder of the backup [default: that of NAME, else as in `backup list`]
    #[arg(long, value_name = "FOLDER")]
    from: Option<PathBuf>,
}

impl BackupCommand {
    pub(super) async fn run(self, cx: &Context) -> Result<Exit> {
        match self {
            Self::Create(args) => args.run(cx).await,
            Self::List(args) => args.run(cx).await,
            Self::Restore(args) => args.run(cx).await,
        }
    }
}

/// What a flag names, else the environment's, else a folder beside the local server's data.
pub(super) fn address(cx: &Context, flag: Option<(PathBuf, &'static str)>) -> Result<Address> {
    let environment = &cx.settings()?.environment;
    if let Some((place, flag)) = flag {
        return Ok(Address::new(place, Said::Flag(flag)));
    }
    let place = match environment.backup_destination.clone() {
        Some(place) => place,
        None => cx.server()?.backups(&cx.ui)?.join(&environment.name),
    };
    Ok(Address::new(place, Said::Setting(environment.name.clone())))
}

impl CreateArgs {
    async fn run(self, cx: &Context) -> Result<Exit> {
        let store = Store::at(&address(cx, self.to.map(|to| (to, "--to")))?)?;
        let db = cx.session("a backup").await?;
        let environment = &cx.settings()?.environment.name;
        let now = jiff::Timestamp::now();
        let plan = backup::plan(&db, environment, store, &cx.programs(), now).await?;
        cx.carry_out(plan, async |order, consent| {
            backup::take(&db, order, consent, &cx.ui).await
        })
        .await
    }
}

impl ListArgs {
    async fn run(self, cx: &Context) -> Result<Exit> {
        let store = Store::at(&address(cx, self.from.map(|from| (from, "--from")))?)?;
        cx.report(&Listing::read(&store).await?)
    }
}

impl RestoreArgs {
    async fn run(self, cx: &Context) -> Result<Exit> {
        let (folder, name) = list::named(&self.name);
        if folder.is_some() && self.from.is_some() {
            return Err(
                Error::usage(format!("`{}` and `--from` name two folders", self.name))
                    .hint("give the path, or the name and `--from`")
                    .into(),
            );
        }
        let named = folder.map(|folder| (folder, "NAME"));
        let from = self.from.map(|from| (from, "--from"));
        let store = Store::at(&address(cx, named.or(from))?)?;
        let db = cx.session("a restore").await?;
        let environment = &cx.settings()?.environment;
        let place = Place {
            environment: environment.name.clone(),
            claims: environment.is_configured(),
            is_address: environment.ad_hoc,
        };
        let plan = restore::plan(&db, place, &name, store, self.into, &cx.programs()).await?;
        cx.carry_out(plan, async |order, consent| {
            backup::restore(&db, order, consent, cx.undo(), &cx.ui).await
        })
        .await
    }
}

impl Report for Taken {
    fn table(&self) -> Table {
        let manifest = &self.manifest;
        Table::record([
            ("file", Cell::text(&self.file)),
            ("manifest", Cell::text(&self.manifest_file)),
            ("environment", Cell::text(&manifest.environment)),
            ("taken_at", manifest.taken_at.into()),
            ("last_migration", manifest.last_migration.clone().into()),
            ("tables", Cell::count(manifest.tables.len())),
            ("rows", Cell::Count(manifest.rows())),
            ("bytes", Cell::Bytes(manifest.bytes)),
            ("sha256", Cell::text(&manifest.sha256)),
            ("checked", Cell::Flag(self.checked)),
        ])
    }

    fn summary(&self) -> String {
        "the dump was read back from the disk and has the hash of its manifest".to_owned()
    }
}

impl Report for Listing {
    fn table(&self) -> Table {
        let mut table = Table::new(&[
            "name",
            "environment",
            "taken_at",
            "last_migration",
            "tables",
            "rows",
            "bytes",
            "state",
            "reason",
        ])
        .leaving(&["environment", "last_migration", "tables", "rows"]);
        if self.counts().1 == 0 {
            table = table.unseen(&["reason"]);
        }
        for entry in &self.backups {
            let Entry {
                name,
                environment,
                taken_at,
                last_migration,
                tables,
                rows,
                bytes,
                state,
                reason,
            } = entry;
            table.row([
                Cell::text(name),
                environment.clone().into(),
                (*taken_at).into(),
                last_migration.clone().into(),
                tables.map(Cell::count).into(),
                rows.map(Cell::Count).into(),
                bytes.map(Cell::Bytes).into(),
                Cell::text(state.word()),
                reason.clone().into(),
            ]);
        }
        table
    }

    fn summary(&self) -> String {
        let folder = &self.folder;
        match self.counts() {
            (0, 0) => format!(
                "there is no backup in {folder}; {} takes one",
                command(format!("backup create --to {}", quoted(folder)))
            ),
            (complete, incomplete) => {
                format!("{complete} complete, {incomplete} incomplete in {folder}")
            }
        }
    }
}

impl Report for Restored {
    fn table(&self) -> Table {
        Table::record([
            ("database", Cell::text(&self.database)),
            ("environment", Cell::text(&self.environment)),
            ("backup", Cell::text(&self.backup)),
            ("tables", Cell::count(self.tables)),
            ("rows", Cell::Count(self.rows)),
            ("duration_ms", Cell::millis(self.duration_ms)),
            ("checked", Cell::Flag(self.checked)),
            ("stamp", self.stamp.clone().into()),
            ("url", Cell::text(&self.url)),
        ])
        .unseen(&["stamp", "url"])
    }

    fn summary(&self) -> String {
        let look = if self.is_address {
            command(format!("dashboard --database-url {}", quoted(&self.url))).anywhere()
        } else {
            command(format!("dashboard --database {}", quoted(&self.database)))
        };
        format!("every table has the rows its manifest says; look at it with {look}")
    }
}
