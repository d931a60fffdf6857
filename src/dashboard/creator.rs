//! One creator's numbers.

use jiff::Timestamp;
use jiff::civil::Date;
use rust_decimal::Decimal;
use serde::Serialize;

use super::content::{self, Item, VIEWS};
use super::{WINDOW, snapshot};
use crate::account::creator::{self, Creator};
use crate::account::who::Who;
use crate::error::Result;
use crate::pg::page::Order;
use crate::pg::{Db, Page, Param, Query};

crate::row! {
    /// What a day brought a creator.
    pub struct CreatorDay {
        /// The day, in the session's time zone.
        pub date: Date,
        /// Views.
        pub views: i64,
        /// Completed tips in US dollars.
        pub tips: Decimal,
    }
}

static DAYS: Query<CreatorDay> = crate::query!("dashboard/creator_days");

/// One creator's numbers.
#[derive(Debug, Serialize)]
pub struct Portrait {
    /// When the numbers were true, by the server's clock.
    pub as_of: Timestamp,
    /// The profile with the totals of all time.
    pub creator: Creator,
    /// The last 30 days, oldest first; the last one is today and not over.
    pub days: Vec<CreatorDay>,
    /// The items with the most views.
    pub top_content: Vec<Item>,
}

/// Asks for everything at one point in time; an error that names the nearest if there is no such creator.
pub async fn portrait(db: &Db, who: &Who, limit: u32) -> Result<Portrait> {
    snapshot::begin(db).await?;
    let creator = creator::show(db, who).await?;
    let page = Page {
        order: Order::descending(VIEWS),
        after: None,
        limit,
    };
    let params: [&dyn Param; 2] = [&creator.id, &WINDOW];
    let (as_of, days, top_content) = tokio::join!(
        snapshot::as_of(db),
        db.all(&DAYS, &params),
        content::of(db, Some(creator.id), None, &page),
    );
    // In the order they were asked: the first that failed says why, those after it only that one did.
    let portrait = Portrait {
        as_of: as_of?,
        creator,
        days: days?,
        top_content: top_content?.rows,
    };
    snapshot::end(db).await?;
    Ok(portrait)
}
