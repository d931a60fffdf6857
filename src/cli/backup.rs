//! `backup`

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::backup::{self, Destination, Taken, dump};
use crate::context::Context;
use crate::error::{Exit, Result};
use crate::ui::{Cell, Report, Table};

#[derive(Debug, Subcommand)]
pub(super) enum BackupCommand {
    /// Take a backup: a dump by pg_dump and a manifest with row counts and a hash
    Create(CreateArgs),
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    toysoldiers backup create\n  \
    toysoldiers --env production backup create --to /var/backups/toysoldiers\n\n\
    Restore it by hand: pg_restore --dbname NEW --exit-on-error FILE")]
pub(super) struct CreateArgs {
    /// Folder to write to [default: the environment's `backup.destination`, else one in your data folder]
    #[arg(long, value_name = "FOLDER")]
    to: Option<PathBuf>,
}

impl BackupCommand {
    pub(super) async fn run(self, cx: &Context) -> Result<Exit> {
        match self {
            Self::Create(args) => args.run(cx).await,
        }
    }
}

impl CreateArgs {
    async fn run(self, cx: &Context) -> Result<Exit> {
        let db = cx.connect().await?;
        let (endpoint, password) = cx.address()?;
        let environment = &cx.settings()?.environment;
        let folder = match self.to.or_else(|| environment.backup_destination.clone()) {
            Some(folder) => folder,
            None => cx.data_folder()?.join("backups").join(&environment.name),
        };
        let source = dump::Source { endpoint, password };
        let now = jiff::Timestamp::now();
        let plan = backup::plan(
            &db,
            &environment.name,
            source,
            Destination::new(folder),
            &cx.programs(),
            now,
        )?;
        cx.carry_out(plan, async |order, consent| {
            backup::take(&db, order, consent).await
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
            (
                "tables",
                Cell::Count(i64::try_from(manifest.tables.len()).unwrap_or(i64::MAX)),
            ),
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
