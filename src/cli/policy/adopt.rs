//! `policy adopt`

use clap::Args;

use super::{SourceArgs, relation};
use crate::context::Context;
use crate::error::{Exit, Result};
use crate::pg::relation::Named;
use crate::policy::adopt;
use crate::source::addition;

#[derive(Debug, Args)]
#[command(
    after_help = "Nothing is changed in the database, and nothing that stands in a file: statements are put behind it. Files that \
    say more than the database has, or something else, are left to `policy apply`.\n\n\
    Examples:\n  toysoldiers --env production policy adopt --dry-run\n  toysoldiers policy adopt content --yes"
)]
pub(in crate::cli) struct AdoptArgs {
    /// Only what is about this table or view [default: all, and rights on functions]
    #[arg(value_parser = relation)]
    table: Option<Named>,
    #[command(flatten)]
    source: SourceArgs,
}

impl AdoptArgs {
    pub(super) async fn run(self, cx: &Context) -> Result<Exit> {
        let folder = self.source.folder(cx)?;
        let db = cx.session_to_look("comparing policies").await?;
        let plan = Box::pin(adopt::plan(&db, &folder, self.table.as_ref())).await?;
        cx.carry_out(plan, async |work, consent| addition::write(work, consent))
            .await
    }
}
