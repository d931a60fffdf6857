//! The platform's numbers.
//!
//! Sums are made by the database and arrive exact. All questions are answered from one snapshot, so the lines
//! add up to what stands above them.

use jiff::Timestamp;
use jiff::civil::Date;
use rust_decimal::Decimal;
use serde::Serialize;
use uuid::Uuid;

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

crate::row! {
    /// The server's clock.
    pub struct Clock {
        /// Now.
        pub now: Timestamp,
    }
}

static TOTALS: Query<Totals> = crate::query!("dashboard/totals");
static TOP: Query<Line> = crate::query!("dashboard/top");
static DAYS: Query<Day> = crate::query!("dashboard/days");
static CLOCK: Query<Clock> = crate::query!("dashboard/clock");

/// Days of the sparkline, today included.
const WINDOW: i32 = 30;

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
    db.script("begin isolation level repeatable read, read only")
        .await?;
    let top: [&dyn Param; 1] = [&limit];
    let (clock, totals, views_by_day, top_creators) = tokio::join!(
        db.one(&CLOCK, &[]),
        db.one(&TOTALS, &[]),
        db.all(&DAYS, &[&WINDOW]),
        db.all(&TOP, &top),
    );
    // In the order they were asked: the first that failed says why, those after it only that one did.
    let (clock, totals, views_by_day, top_creators) =
        (clock?, totals?, views_by_day?, top_creators?);
    db.script("commit").await?;
    Ok(Overview {
        as_of: clock.now,
        totals,
        views_by_day,
        top_creators,
    })
}
