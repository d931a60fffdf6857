//! `dashboard overview`

use clap::Args;

use crate::context::Context;
use crate::dashboard::overview::{self, Overview};
use crate::error::{Exit, Result};
use crate::ui::{Cell, Report, Table};

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  toysoldiers dashboard\n  toysoldiers dashboard --limit 50 -o csv > creators.csv"
)]
pub(super) struct OverviewArgs {
    /// How many creators to list [default: 10]
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    limit: Option<u32>,
}

impl OverviewArgs {
    pub(super) async fn run(self, cx: &Context) -> Result<Exit> {
        let limit = i64::from(self.limit.unwrap_or(10));
        cx.answer(async |db| overview::overview(db, limit).await)
            .await
    }

    /// Whether anything was said about the overview.
    pub(super) fn is_asked(&self) -> bool {
        self.limit.is_some()
    }
}

impl Report for Overview {
    fn lead(&self) -> Option<Table> {
        let totals = &self.totals;
        Some(Table::record([
            ("users", Cell::Count(totals.users)),
            ("creators", Cell::Count(totals.creators)),
            ("verified", Cell::Count(totals.verified_creators)),
            ("content", Cell::Count(totals.content)),
            ("comments", Cell::Count(totals.comments)),
            ("views", Cell::Count(totals.views)),
            ("watch_time", Cell::Seconds(totals.watch_time)),
            ("tips", Cell::Dollars(totals.tips)),
            (
                "views_of_30_days",
                Cell::Days(self.views_by_day.iter().map(|day| day.views).collect()),
            ),
        ]))
    }

    fn table(&self) -> Table {
        let mut table = Table::new(&[
            "creator_id",
            "email",
            "verified",
            "total_content",
            "total_views",
            "total_watch_time",
            "total_tips",
            "total_comments",
        ])
        .unseen(&["creator_id"])
        .leaving(&[
            "total_comments",
            "total_watch_time",
            "total_content",
            "verified",
        ])
        .cutting(&[("email", 20)]);
        for line in &self.top_creators {
            table.row([
                Cell::text(line.creator_id),
                Cell::text(&line.email),
                Cell::Flag(line.verified),
                Cell::Count(line.total_content),
                Cell::Count(line.total_views),
                Cell::Seconds(line.total_watch_time),
                Cell::Dollars(line.total_tips),
                Cell::Count(line.total_comments),
            ]);
        }
        table
    }

    fn summary(&self) -> String {
        let creators = self.totals.creators;
        let shown = self.top_creators.len();
        format!(
            "{shown} of {creators} creators, by views; tips are completed ones; today is not over"
        )
    }
}
