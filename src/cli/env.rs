//! `env`

use clap::Subcommand;
use serde::Serialize;

use crate::context::Context;
use crate::error::{Exit, Result};
use crate::settings::effective::{Known, Value};
use crate::ui::{Cell, Report, Table};

#[derive(Debug, Subcommand)]
#[command(
    after_help = "Neither command opens a connection.\n\nExamples:\n  toysoldiers env list\n  \
    toysoldiers --env production env show"
)]
pub(super) enum EnvCommand {
    /// List the environments one can name
    List,
    /// Show every value in force and where it came from
    Show,
}

impl EnvCommand {
    pub(super) fn run(self, cx: &Context) -> Result<Exit> {
        match self {
            Self::List => cx.report(&Environments(cx.settings()?.known())),
            Self::Show => cx.report(&Effective(cx.effective()?)),
        }
    }
}

#[derive(Debug, Serialize)]
struct Environments(Vec<Known>);

#[derive(Debug, Serialize)]
struct Effective(Vec<Value>);

impl Report for Environments {
    fn table(&self) -> Table {
        let mut table = Table::new(&["name", "target", "protected", "chosen", "origin"]);
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
        let mut table = Table::new(&["key", "value", "origin"]);
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
