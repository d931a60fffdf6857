//! What is published, with its numbers.

use jiff::Timestamp;
use rust_decimal::Decimal;
use uuid::Uuid;

use super::WINDOW;
use crate::account::creator;
use crate::account::who::Who;
use crate::error::Result;
use crate::pg::page::Column;
use crate::pg::{Db, Page, Paged, Param, Query};

crate::row! {
    /// An item and its numbers.
    pub struct Item {
        /// Id of the item.
        pub id: Uuid,
        /// Its title.
        pub title: String,
        /// Address of who published it.
        pub creator: String,
        /// public, unlisted or private.
        pub visibility: String,
        /// Views of all time.
        pub views: i64,
        /// Seconds watched.
        pub watch_time: Decimal,
        /// Comments on it.
        pub comments: i64,
        /// When it was made.
        pub created_at: Timestamp,
        /// Views a day, oldest first; the last one is today and not over.
        pub views_of_30_days: Vec<i64>,
    }
}

static CONTENT: Query<Item> = crate::query!("dashboard/content");

/// What the list can be sorted by; days are sorted by their sum.
pub const COLUMNS: [Column; 9] = [
    Column::new("id"),
    Column::new("title"),
    Column::new("creator"),
    Column::new("visibility"),
    VIEWS,
    Column::new("watch_time"),
    Column::new("comments"),
    Column::new("created_at"),
    Column::new("views_of_30_days").by("recent_views"),
];

/// The views of all time.
pub(super) const VIEWS: Column = Column::new("views");

/// Who may see an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Visibility {
    /// Everyone.
    Public,
    /// Whoever has the link.
    Unlisted,
    /// Its creator.
    Private,
}

impl Visibility {
    /// As the database writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Unlisted => "unlisted",
            Self::Private => "private",
        }
    }
}

/// Which items a list is of; what is not said does not matter.
#[derive(Debug, Default)]
pub struct Filter {
    /// Published by this creator.
    pub creator: Option<Who>,
    /// To be seen by these.
    pub visibility: Option<Visibility>,
}

/// A page of the items that pass the filter.
pub async fn content(db: &Db, filter: &Filter, page: &Page) -> Result<Paged<Item>> {
    let creator = match &filter.creator {
        Some(who) => Some(creator::find(db, who).await?.id),
        None => None,
    };
    of(db, creator, filter.visibility, page).await
}

/// The same for a creator who has been found.
pub(super) async fn of(
    db: &Db,
    creator: Option<Uuid>,
    visibility: Option<Visibility>,
    page: &Page,
) -> Result<Paged<Item>> {
    let visibility = visibility.map(Visibility::as_str);
    let params: [&dyn Param; 3] = [&creator, &visibility, &WINDOW];
    page.ask(db, &CONTENT, &params, |item| item.id).await
}
