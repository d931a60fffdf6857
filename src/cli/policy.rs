//! `policy`

mod list;

use clap::Subcommand;

use crate::context::Context;
use crate::error::{Exit, Result};

#[derive(Debug, Subcommand)]
pub(super) enum PolicyCommand {
    /// Show the policies a database has
    List(list::ListArgs),
}

impl PolicyCommand {
    pub(super) async fn run(self, cx: &Context) -> Result<Exit> {
        match self {
            Self::List(args) => args.run(cx).await,
        }
    }
}
