//! Several questions answered as of one point in time.

use jiff::Timestamp;

use crate::error::Result;
use crate::pg::{Db, Query};

crate::row! {
    /// The server's clock.
    pub struct Clock {
        /// Now.
        pub now: Timestamp,
    }
}

static CLOCK: Query<Clock> = crate::query!("dashboard/clock");

/// From here on every question is answered from the same snapshot.
pub(super) async fn begin(db: &Db) -> Result<()> {
    db.begin_snapshot().await
}

/// When the numbers of the snapshot are true, by the server's clock.
pub(super) async fn as_of(db: &Db) -> Result<Timestamp> {
    Ok(db.one(&CLOCK, &[]).await?.now)
}

/// The last question has been asked.
pub(super) async fn end(db: &Db) -> Result<()> {
    db.end().await
}
