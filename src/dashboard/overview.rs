//! The whole platform on a page.

use jiff::Timestamp;
use jiff::civil::Date;
use rust_decimal::Decimal;
use serde::Serialize;
use uuid::Uuid;

use super::{WINDOW, snapshot};
use crate::error::Result;
use crate::pg::{Db, Param, Query};

crate::row! {
    /// A creator's line.
    pub struct Line {
        /// Id of the profile.
        pub creator_id: Uuid,
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
    }
}

crate::row! {
    /// The whole platform.
    pub struct Totals {
        /// Creators.
        pub creators: i64,
        /// Creators somebody checked.
        pub verified_creators: i64,
        /// Users of every role.
        pub users: i64,
        /// Items published.
        pub content: i64,
        /// Views of them.
        pub views: i64,
        /// Seconds watched.
        pub watch_time: Decimal,
        /// Completed tips in US dollars.
        pub tips: Decimal,
        /// Comments.
        pub comments: i64,
    }
}

crate::row! {
    /// Views of a day.
    pub struct Day {
        /// The day, in the session's time zone.
        pub date: Date,
        /// Views.
        pub views: i64,
    }
}

static TOTALS: Query<Totals> = crate::query!("dashboard/totals");
static TOP: Query<Line> = crate::query!("dashboard/top");
static DAYS: Query<Day> = crate::query!("dashboard/days");

/// The overview.
#[derive(Debug, Serialize)]
pub struct Overview {
    /// When the numbers were true, by the server's clock.
    pub as_of: Timestamp,
    /// The whole platform.
    pub totals: Totals,
    /// Views of the last 30 days, oldest first; the last one is today and not over.
    pub views_by_day: Vec<Day>,
    /// The creators with the most views.
    pub top_creators: Vec<Line>,
}

/// Asks for everything at one point in time; the questions travel together.
pub async fn overview(db: &Db, limit: i64) -> Result<Overview> {
    snapshot::begin(db).await?;
    let top: [&dyn Param; 1] = [&limit];
    let (as_of, totals, views_by_day, top_creators) = tokio::join!(
        snapshot::as_of(db),
        db.one(&TOTALS, &[]),
        db.all(&DAYS, &[&WINDOW]),
        db.all(&TOP, &top),
    );
    // In the order they were asked: the first that failed says why, those after it only that one did.
    let overview = Overview {
        as_of: as_of?,
        totals: totals?,
        views_by_day: views_by_day?,
        top_creators: top_creators?,
    };
    snapshot::end(db).await?;
    Ok(overview)
}
