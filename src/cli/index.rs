//! `index`

mod adopt;
mod advise;
mod apply;
mod list;
mod rebuild;
mod status;

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};

use super::source::Noun;
use crate::context::Context;
use crate::error::{Exit, Result};
use crate::pg::relation::Named;
use crate::plan::counted_as;
use crate::source::{self, Source};

/// Where indexes are when nobody says otherwise.
const FOLDER: &str = "database/indexes";

#[derive(Debug, Subcommand)]
#[command(
    after_help = "Index files are named after the table they are about: content.sql. They come from `--indexes`, else from the folder \
    toysoldiers.toml names, else from database/indexes, else from the program itself."
)]
pub(super) enum IndexCommand {
    /// Find out what would be better about the indexes: what is unused, superfluous, missing, broken or mostly empty
    Advise(advise::AdviseArgs),
    /// Show how the database differs from the index files; writes nothing
    Status(status::StatusArgs),
    /// Build, replace and drop indexes while everybody reads and writes, until they are as the index files say
    Apply(apply::ApplyArgs),
    /// Make indexes anew that take more room than they need, while everybody reads and writes
    Rebuild(rebuild::RebuildArgs),
    /// Show the indexes a database has: how large, how much used, whether valid, and what they are
    List(list::ListArgs),
    /// Write the indexes a database has into the index files that do not declare them yet
    Adopt(adopt::AdoptArgs),
}

impl IndexCommand {
    pub(super) async fn run(self, cx: &Context) -> Result<Exit> {
        match self {
            Self::Advise(args) => Box::pin(args.run(cx)).await,
            Self::Status(args) => args.run(cx).await,
            Self::Apply(args) => Box::pin(args.run(cx)).await,
            Self::Rebuild(args) => Box::pin(args.run(cx)).await,
            Self::List(args) => args.run(cx).await,
            Self::Adopt(args) => Box::pin(args.run(cx)).await,
        }
    }
}

#[derive(Debug, Args)]
struct SourceArgs {
    /// Folder of the index files
    #[arg(long, value_name = "FOLDER")]
    indexes: Option<PathBuf>,
}

/// Where indexes are when nobody says otherwise, and how else that is said.
pub(super) const NOUN: Noun = Noun {
    folder: FOLDER,
    flag: "--indexes",
    embedded: source::INDEXES,
};

/// Where indexes are, if this folder was named or none, and this one of the migrations.
pub(super) fn source(
    cx: &Context,
    folder: Option<&Path>,
    migrations: Option<&Path>,
) -> Result<Source> {
    NOUN.find_beside(cx, folder, cx.settings()?.indexes.as_ref(), migrations)
}

impl SourceArgs {
    fn source(&self, cx: &Context) -> Result<Source> {
        source(cx, self.indexes.as_deref(), None)
    }

    /// The folder files are written into.
    fn folder(&self, cx: &Context) -> Result<Source> {
        let told = cx.settings()?.indexes.as_ref();
        NOUN.folder(cx, self.indexes.as_deref(), told)
    }
}

/// A table as it is typed: `content`, `public.content`.
fn table(text: &str) -> Result<Named, String> {
    Named::parse(text).ok_or_else(|| {
        format!("`{text}` names no table: write it as in SQL, `content` or `public.content`")
    })
}

/// `1 index`, `2 indexes`.
fn counted_indexes(count: usize) -> String {
    counted_as(count, "index", "indexes")
}
