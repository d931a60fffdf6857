//! `dashboard content`

use clap::{Args, ValueEnum};

use crate::account::who::Who;
use crate::cli::list::{self, ListArgs};
use crate::context::Context;
use crate::dashboard::content::{self, Filter, Item, Visibility};
use crate::error::{Exit, Result};
use crate::pg::Paged;
use crate::plan::counted;
use crate::ui::{Cell, Report, Table};

#[derive(Debug, Args)]
#[command(
    mut_arg("sort", |sort| list::sorted(sort, &content::COLUMNS, "-views")),
    after_help = "Examples:\n  \
    toysoldiers dashboard content --limit 10\n  \
    toysoldiers dashboard content --creator nina@example.com --visibility public --sort -created_at"
)]
pub(super) struct ContentArgs {
    /// Only what this creator published: e-mail address, creator id or user id
    #[arg(long, value_name = "WHO")]
    creator: Option<String>,
    /// Only what may be seen by these
    #[arg(long, value_enum)]
    visibility: Option<VisibilityArg>,
    #[command(flatten)]
    list: ListArgs,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum VisibilityArg {
    Public,
    Unlisted,
    Private,
}

impl From<VisibilityArg> for Visibility {
    fn from(visibility: VisibilityArg) -> Self {
        match visibility {
            VisibilityArg::Public => Self::Public,
            VisibilityArg::Unlisted => Self::Unlisted,
            VisibilityArg::Private => Self::Private,
        }
    }
}

impl ContentArgs {
    pub(super) async fn run(self, cx: &Context) -> Result<Exit> {
        let page = self.list.page(&content::COLUMNS)?;
        let filter = Filter {
            creator: self.creator.as_deref().map(Who::parse).transpose()?,
            visibility: self.visibility.map(Visibility::from),
        };
        cx.answer(async |db| content::content(db, &filter, &page).await)
            .await
    }
}

/// Items as rows, for people without these columns.
pub(super) fn table(items: &[Item], unseen: &[&'static str]) -> Table {
    let mut table = Table::new(&[
        "id",
        "title",
        "creator",
        "visibility",
        "views",
        "watch_time",
        "comments",
        "created_at",
        "views_of_30_days",
    ])
    .unseen(unseen)
    .leaving(&[
        "views_of_30_days",
        "created_at",
        "comments",
        "visibility",
        "creator",
        "watch_time",
    ])
    .shortening(&[("title", 32)])
    .cutting(&[("title", 20), ("creator", 16)]);
    for item in items {
        table.row([
            Cell::text(item.id),
            Cell::text(&item.title),
            Cell::text(&item.creator),
            Cell::text(&item.visibility),
            Cell::Count(item.views),
            Cell::Seconds(item.watch_time),
            Cell::Count(item.comments),
            item.created_at.into(),
            Cell::Days(item.views_of_30_days.clone()),
        ]);
    }
    table
}

impl Report for Paged<Item> {
    fn table(&self) -> Table {
        table(&self.rows, &["id"])
    }

    fn summary(&self) -> String {
        let items = counted(self.rows.len(), "item");
        format!("{items}; today is not over")
    }

    fn remainder(&self) -> Vec<String> {
        list::remainder(self.next)
    }
}
