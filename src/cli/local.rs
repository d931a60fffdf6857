//! `local`

use clap::{Args, Subcommand};

use crate::context::Context;
use crate::error::{Error, Exit, Result, command};
use crate::local::{Changed, Cleared, Reset, Status};
use crate::settings::{self, Target};
use crate::ui::{Cell, Report, Stage, Table};

#[derive(Debug, Subcommand)]
#[command(
    after_help = "The server is made on first use, from the PostgreSQL programs on this machine. It listens on a \
    socket only. Its folder is in your data folder; TOYSOLDIERS_LOCAL_DIR names another.\n\nExamples:\n  \
    toysoldiers local status\n  toysoldiers local logs -n 20\n  toysoldiers local stop"
)]
pub(super) enum LocalCommand {
    /// Start the server; commands on `local` and `demo` do so by themselves
    Start,
    /// Stop the server; nothing is lost
    Stop,
    /// Show whether it runs, where it is, and what it holds
    Status,
    /// Show the end of the server's log
    Logs(LogsArgs),
    /// Drop the environment's database and make an empty one
    Reset(ResetArgs),
}

#[derive(Debug, Args)]
pub(super) struct LogsArgs {
    /// How many lines
    #[arg(short = 'n', long, default_value_t = 50, value_name = "COUNT")]
    lines: u32,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  toysoldiers local reset\n  toysoldiers local reset --env demo --confirm demo\n  \
    toysoldiers local reset --all --confirm local"
)]
pub(super) struct ResetArgs {
    /// Delete the server's data folder instead, with every local database
    #[arg(long)]
    all: bool,
}

impl LocalCommand {
    pub(super) async fn run(self, cx: &Context) -> Result<Exit> {
        let (name, database) = environment(cx)?;
        let server = cx.server()?;
        match self {
            Self::Start => {
                let changed = server.start(&cx.ui).await?;
                cx.confirm(&Changed {
                    changed,
                    status: server.status(&cx.ui).await?,
                })
            }
            Self::Stop => {
                let changed = server.stop(&cx.ui).await?;
                cx.confirm(&Changed {
                    changed,
                    status: server.status(&cx.ui).await?,
                })
            }
            Self::Status => cx.report(&server.status(&cx.ui).await?),
            Self::Logs(args) => cx.report(&Log(server.logs(args.lines as usize, &cx.ui)?)),
            Self::Reset(args) => {
                let reset = if args.all {
                    Reset::Folder
                } else {
                    Reset::Database(database)
                };
                let stage = Stage {
                    name,
                    protected: false,
                };
                let plan = server.plan_reset(reset);
                cx.carry_out_on(&stage, plan, async |reset, consent| {
                    server.reset(reset, consent, &cx.ui).await
                })
                .await
            }
        }
    }
}

/// The environment of the private server that is meant, and its database: `local` unless another is named.
/// What a file or a variable says about environments does not count here.
fn environment(cx: &Context) -> Result<(String, String)> {
    let flags = cx.flags();
    let name = flags.env.as_deref().unwrap_or(settings::LOCAL);
    match settings::private(name) {
        Some(Target::Local(database)) if flags.database_url.is_none() => {
            Ok((name.to_owned(), database))
        }
        _ => Err(Error::usage(
            "`local` commands are about the private server, which holds `local` and `demo`",
        )
        .hint("leave out `--env` and `--database-url`, or name one of the two")
        .into()),
    }
}

impl Report for Changed {
    fn table(&self) -> Table {
        self.status.table()
    }

    fn summary(&self) -> String {
        let state = if self.status.running {
            "running"
        } else {
            "stopped"
        };
        if self.changed {
            format!("the local server is {state}")
        } else {
            format!("the local server was {state} before; nothing was changed")
        }
    }
}

impl Report for Status {
    fn table(&self) -> Table {
        let databases: Vec<String> = self
            .databases
            .iter()
            .map(|database| {
                let size = Cell::Bytes(u64::try_from(database.bytes).unwrap_or(0))
                    .human(jiff::Timestamp::UNIX_EPOCH);
                format!("{} ({size})", database.name)
            })
            .collect();
        let databases = if databases.is_empty() {
            Cell::Missing
        } else {
            Cell::text(databases.join(", "))
        };
        Table::record([
            ("running", Cell::Flag(self.running)),
            ("pid", self.pid.map(Cell::text).into()),
            ("version", self.version.clone().into()),
            ("started_at", self.started_at.into()),
            ("folder", Cell::text(self.folder.display())),
            ("socket", Cell::text(self.socket.display())),
            ("log", Cell::text(self.log.display())),
            ("databases", databases),
        ])
    }
}

/// Lines of the server's log.
#[derive(Debug, serde::Serialize)]
struct Log(Vec<String>);

impl Report for Log {
    fn table(&self) -> Table {
        let mut table = Table::lines("line");
        for line in &self.0 {
            table.row([Cell::lines(line)]);
        }
        table
    }
}

impl Report for Cleared {
    fn table(&self) -> Table {
        Table::record([
            ("database", self.database.clone().into()),
            ("folder", Cell::text(self.folder.display())),
        ])
    }

    fn summary(&self) -> String {
        match &self.database {
            Some(database) => {
                format!(
                    "{database} is empty now; fill it with {}",
                    command("migrate up")
                )
            }
            None => {
                "the local server's data is deleted; the next command makes a new one".to_owned()
            }
        }
    }
}
