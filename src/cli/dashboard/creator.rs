//! `dashboard creator`

use clap::Args;

use super::content;
use crate::account::who::Who;
use crate::context::Context;
use crate::dashboard::creator::{self, Portrait};
use crate::error::{Exit, Result};
use crate::ui::{Cell, Report, Table};

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    toysoldiers dashboard creator nina@example.com\n  \
    toysoldiers dashboard creator nina@example.com --limit 3 -o json")]
pub(super) struct CreatorArgs {
    /// E-mail address, creator id or user id
    who: String,
    /// How many items to list
    #[arg(long, default_value_t = 10, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    limit: u32,
}

impl CreatorArgs {
    pub(super) async fn run(self, cx: &Context) -> Result<Exit> {
        let who = Who::parse(&self.who)?;
        cx.answer(async |db| creator::portrait(db, &who, self.limit).await)
            .await
    }
}

impl Report for Portrait {
    fn lead(&self) -> Option<Table> {
        let creator = &self.creator;
        let views = self.days.iter().map(|day| day.views).collect();
        let tips = self.days.iter().map(|day| day.tips).collect();
        Some(Table::record([
            ("email", Cell::text(&creator.email)),
            ("verified", Cell::Flag(creator.verified)),
            ("payout_account", creator.payout_account.clone().into()),
            ("created_at", creator.created_at.into()),
            ("content", Cell::Count(creator.total_content)),
            ("views", Cell::Count(creator.total_views)),
            ("watch_time", Cell::Seconds(creator.total_watch_time)),
            ("tips", Cell::Dollars(creator.total_tips)),
            ("comments", Cell::Count(creator.total_comments)),
            ("views_of_30_days", Cell::Days(views)),
            ("tips_of_30_days", Cell::DollarDays(tips)),
        ]))
    }

    fn table(&self) -> Table {
        content::table(&self.top_content, &["id", "creator"])
    }

    fn summary(&self) -> String {
        let items = self.creator.total_content;
        let shown = self.top_content.len();
        format!("{shown} of {items} items, by views; tips are completed ones; today is not over")
    }
}
