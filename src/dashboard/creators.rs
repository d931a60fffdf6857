//! Every creator's numbers.

use rust_decimal::Decimal;
use uuid::Uuid;

use super::WINDOW;
use crate::error::Result;
use crate::pg::page::Column;
use crate::pg::{Db, Page, Paged, Query};

crate::row! {
    /// A creator's numbers.
    pub struct CreatorLine {
        /// Id of the profile.
        pub id: Uuid,
        /// Address.
        pub email: String,
        /// Whether somebody checked who this is.
        pub verified: bool,
        /// Items published.
        pub total_content: i64,
        /// Views of them.
        pub total_views: i64,
        /// Seconds watched.
        pub total_watch_time: Decimal,
        /// Completed tips in US dollars.
        pub total_tips: Decimal,
        /// Comments on them.
        pub total_comments: i64,
        /// Views a day, oldest first; the last one is today and not over.
        pub views_of_30_days: Vec<i64>,
    }
}

static CREATORS: Query<CreatorLine> = crate::query!("dashboard/creators");

/// What the list can be sorted by; days are sorted by their sum.
pub const COLUMNS: [Column; 9] = [
    Column::new("id"),
    Column::new("email"),
    Column::new("verified"),
    Column::new("total_content"),
    Column::new("total_views"),
    Column::new("total_watch_time"),
    Column::new("total_tips"),
    Column::new("total_comments"),
    Column::new("views_of_30_days").by("recent_views"),
];

/// A page of all creators.
pub async fn creators(db: &Db, page: &Page) -> Result<Paged<CreatorLine>> {
    page.ask(db, &CREATORS, &[&WINDOW], |line| line.id).await
}
