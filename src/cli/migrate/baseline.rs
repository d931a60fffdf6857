//! `migrate baseline`

use std::time::Duration;

use clap::Args;

use super::{SourceArgs, marking};
use crate::context::Context;
use crate::error::{Exit, Result};
use crate::migrate::baseline::{self, Adopted};
use crate::migrate::named::Named;
use crate::plan::counted;
use crate::ui::{Cell, Report, Table};

#[derive(Debug, Args)]
#[command(
    after_help = "Nothing is run: what these migrations would do is in the database already.\n\n\
    Examples:\n  toysoldiers --env production migrate baseline --dry-run\n  \
    toysoldiers --env production migrate baseline --to 008_tips --yes"
)]
pub(crate) struct BaselineArgs {
    /// The last migration to be marked: its number, its description or its file [default: the last one there is]
    #[arg(long, value_name = "MIGRATION")]
    to: Option<Named>,
    #[command(flatten)]
    source: SourceArgs,
    /// How long to wait for another run on the same database to end
    #[arg(long, default_value = "10m", value_name = "TIME", value_parser = crate::settings::duration)]
    wait: Duration,
}

impl BaselineArgs {
    pub(super) async fn run(self, cx: &Context) -> Result<Exit> {
        let files = self.source.source(cx)?.load()?;
        let (db, stamp) = cx.session_to_claim("a baseline").await?;
        // Nobody compared the database with what the migrations make.
        let differences = None;
        let plan = baseline::plan(&db, &files, self.to.as_ref(), stamp, differences).await?;
        let marking = marking(cx, "migrate baseline", self.wait);
        cx.carry_out(plan, async |work, consent| {
            baseline::baseline(&db, work, consent, &marking).await
        })
        .await
    }
}

impl Report for Adopted {
    fn table(&self) -> Table {
        let mut table = Table::new(&["migration"]);
        for migration in &self.adopted {
            table.row([Cell::text(migration)]);
        }
        table
    }

    fn summary(&self) -> String {
        let Self {
            source,
            adopted,
            pending,
            stamped,
            upgraded: _,
        } = self;
        let stamped = stamped.as_ref().map_or_else(String::new, |environment| {
            format!("; stamped the database as {environment}")
        });
        let rest = match pending {
            0 => "none is pending".to_owned(),
            pending => format!("{pending} pending"),
        };
        let marked = match adopted.len() {
            0 => "nothing to mark".to_owned(),
            count => format!("marked {} as applied", counted(count, "migration")),
        };
        format!("{marked} ({source}); {rest}{stamped}")
    }
}
