//! `policy`

mod adopt;
mod apply;
mod attach;
mod audit;
mod detach;
mod list;
mod status;
mod test;

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};

use super::source::Noun;
use crate::context::Context;
use crate::error::{Exit, Result};
use crate::source::{self, Source};

/// Where policies are when nobody says otherwise.
const FOLDER: &str = "database/policies";
use crate::pg::relation::Named;

#[derive(Debug, Subcommand)]
#[command(
    after_help = "Policy files are named after the relation they are about: content.sql, functions.sql for rights on functions. \
    They come from `--policies`, else from the folder toysoldiers.toml names, else from database/policies, else from the \
    program itself."
)]
pub(super) enum PolicyCommand {
    /// Show how the database differs from the policy files; writes nothing
    Status(status::StatusArgs),
    /// Bring the database to what the policy files say, all in one transaction
    Apply(apply::ApplyArgs),
    /// Prove by behaviour what everybody may do to which row, as matrix.toml has it; all of it is rolled back
    Test(test::TestArgs),
    /// Find out from the catalog who may do what nobody should, and what slows policies down
    Audit(audit::AuditArgs),
    /// Show the policies a database has, or what a role can do
    List(list::ListArgs),
    /// Take policies off that stand in the way of changing a table
    Detach(detach::DetachArgs),
    /// Make detached policies again
    Attach(attach::AttachArgs),
    /// Write what a database has of policies and rights into the policy files that do not say it yet
    Adopt(adopt::AdoptArgs),
}

impl PolicyCommand {
    pub(super) async fn run(self, cx: &Context) -> Result<Exit> {
        match self {
            Self::Status(args) => args.run(cx).await,
            Self::Apply(args) => args.run(cx).await,
            Self::List(args) => args.run(cx).await,
            Self::Test(args) => args.run(cx).await,
            Self::Audit(args) => args.run(cx).await,
            Self::Detach(args) => Box::pin(args.run(cx)).await,
            Self::Attach(args) => Box::pin(args.run(cx)).await,
            Self::Adopt(args) => Box::pin(args.run(cx)).await,
        }
    }
}

#[derive(Debug, Args)]
struct SourceArgs {
    /// Folder of the policy files
    #[arg(long, value_name = "FOLDER")]
    policies: Option<PathBuf>,
}

/// Where policies are when nobody says otherwise, and how else that is said.
pub(super) const NOUN: Noun = Noun {
    folder: FOLDER,
    flag: "--policies",
    embedded: source::POLICIES,
};

/// Where policies are, if this folder was named or none, and this one of the migrations.
pub(super) fn source(
    cx: &Context,
    folder: Option<&Path>,
    migrations: Option<&Path>,
) -> Result<Source> {
    NOUN.find_beside(cx, folder, cx.settings()?.policies.as_ref(), migrations)
}

impl SourceArgs {
    fn source(&self, cx: &Context) -> Result<Source> {
        source(cx, self.policies.as_deref(), None)
    }

    /// The folder files are written into.
    fn folder(&self, cx: &Context) -> Result<Source> {
        let told = cx.settings()?.policies.as_ref();
        NOUN.folder(cx, self.policies.as_deref(), told)
    }
}

/// A table or view as it is typed: `content`, `public.content`.
fn relation(text: &str) -> Result<Named, String> {
    Named::parse(text).ok_or_else(|| {
        format!("`{text}` names no table: write it as in SQL, `content` or `public.content`")
    })
}
