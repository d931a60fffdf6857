//! `dashboard creators`

use clap::Args;

use crate::cli::list::{self, ListArgs};
use crate::context::Context;
use crate::dashboard::creators::{self, CreatorLine};
use crate::error::{Exit, Result};
use crate::pg::Paged;
use crate::plan::counted;
use crate::ui::{Cell, Report, Table};

#[derive(Debug, Args)]
#[command(
    mut_arg("sort", |sort| list::sorted(sort, &creators::COLUMNS, "-total_views")),
    after_help = "Examples:\n  \
    toysoldiers dashboard creators --limit 5\n  \
    toysoldiers dashboard creators --sort -views_of_30_days"
)]
pub(super) struct CreatorsArgs {
    #[command(flatten)]
    list: ListArgs,
}

impl CreatorsArgs {
    pub(super) async fn run(self, cx: &Context) -> Result<Exit> {
        let page = self.list.page(&creators::COLUMNS)?;
        cx.answer(async |db| creators::creators(db, &page).await)
            .await
    }
}

impl Report for Paged<CreatorLine> {
    fn table(&self) -> Table {
        let mut table = Table::new(&[
            "id",
            "email",
            "verified",
            "total_content",
            "total_views",
            "total_watch_time",
            "total_tips",
            "total_comments",
            "views_of_30_days",
        ])
        .unseen(&["id"])
        .leaving(&[
            "views_of_30_days",
            "total_comments",
            "total_watch_time",
            "total_content",
            "verified",
        ])
        .cutting(&[("email", 20)]);
        for line in &self.rows {
            table.row([
                Cell::text(line.id),
                Cell::text(&line.email),
                Cell::Flag(line.verified),
                Cell::Count(line.total_content),
                Cell::Count(line.total_views),
                Cell::Seconds(line.total_watch_time),
                Cell::Dollars(line.total_tips),
                Cell::Count(line.total_comments),
                Cell::Days(line.views_of_30_days.clone()),
            ]);
        }
        table
    }

    fn summary(&self) -> String {
        let creators = counted(self.rows.len(), "creator");
        format!("{creators}; tips are completed ones; today is not over")
    }

    fn remainder(&self) -> Vec<String> {
        list::remainder(self.next)
    }
}
