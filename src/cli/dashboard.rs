//! `dashboard`

mod content;
mod creator;
mod creators;
mod overview;

use clap::{Args, Subcommand};

use crate::context::Context;
use crate::error::{Error, Exit, Result};

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    toysoldiers dashboard\n  \
    toysoldiers dashboard creators --sort -total_tips\n  \
    toysoldiers dashboard creator nina@example.com\n  \
    toysoldiers dashboard content --creator nina@example.com --sort -created_at")]
pub(super) struct DashboardArgs {
    #[command(subcommand)]
    command: Option<DashboardCommand>,
    #[command(flatten)]
    overview: overview::OverviewArgs,
}

#[derive(Debug, Subcommand)]
enum DashboardCommand {
    /// The whole platform on a page; what `dashboard` alone shows
    Overview(overview::OverviewArgs),
    /// Every creator, the most viewed first
    Creators(creators::CreatorsArgs),
    /// One creator: totals, the last 30 days, the most viewed content
    Creator(creator::CreatorArgs),
    /// What is published, the most viewed first
    Content(content::ContentArgs),
}

impl DashboardArgs {
    pub(super) async fn run(self, cx: &Context) -> Result<Exit> {
        // Not clap's rule against arguments before a subcommand: it knows no exception for the global ones.
        if self.command.is_some() && self.overview.is_asked() {
            return Err(
                Error::usage("`--limit` before a command of the dashboard means nothing")
                    .hint("write it after the command")
                    .into(),
            );
        }
        match self.command {
            None => self.overview.run(cx).await,
            Some(DashboardCommand::Overview(args)) => args.run(cx).await,
            Some(DashboardCommand::Creators(args)) => args.run(cx).await,
            Some(DashboardCommand::Creator(args)) => args.run(cx).await,
            Some(DashboardCommand::Content(args)) => args.run(cx).await,
        }
    }
}
