//! `index adopt`

use clap::Args;

use super::SourceArgs;
use crate::context::Context;
use crate::error::{Exit, Result};
use crate::index::adopt;
use crate::pg::relation::Named;
use crate::source::addition;

#[derive(Debug, Args)]
#[command(
    after_help = "Nothing is changed in the database, and nothing that stands in a file: statements are put behind it. Indexes behind \
    constraints, and unique ones, belong to migrations and are left out; a unique one is declared if it is named.\n\n\
    Examples:\n  toysoldiers --env production index adopt --dry-run\n  toysoldiers index adopt content_title_idx --yes"
)]
pub(in crate::cli) struct AdoptArgs {
    /// Only this index [default: all that no file declares]
    #[arg(value_parser = index)]
    name: Option<Named>,
    #[command(flatten)]
    source: SourceArgs,
}

/// An index as it is typed: `content_title_idx`, `app.content_title_idx`.
fn index(text: &str) -> Result<Named, String> {
    Named::parse(text).ok_or_else(|| {
        format!("`{text}` names no index: write it as in SQL, `content_title_idx` or `app.content_title_idx`")
    })
}

impl AdoptArgs {
    pub(super) async fn run(self, cx: &Context) -> Result<Exit> {
        let folder = self.source.folder(cx)?;
        let db = cx.session_to_look("comparing indexes").await?;
        let plan = Box::pin(adopt::plan(&db, &folder, self.name.as_ref())).await?;
        cx.carry_out(plan, async |work, consent| addition::write(work, consent))
            .await
    }
}
