//! Whether a replica has what its primary has.
//!
//! Neither of the usual measures tells: the time since the last replayed change grows while nothing happens, and
//! the difference between what was received and what was replayed is nothing when the stream is cut. So the
//! primary is asked where it is, and the replica until it is there.

use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::db::Db;
use super::query::Query;
use crate::error::Result;

/// How often a replica is asked.
const POLL: Duration = Duration::from_millis(10);

/// A replica that has replayed nothing for so long is not about to.
const STALLED: Duration = Duration::from_secs(2);

crate::row! {
    /// How far a server is.
    pub struct Position {
        /// In the stream of changes, as PostgreSQL writes it: `0/3000148`.
        pub position: String,
        /// When the last change that a replica replayed was made.
        pub replayed_at: Option<Timestamp>,
    }
}

crate::row! {
    /// How far a replica is from a position.
    pub struct Distance {
        /// It is there.
        pub reached: bool,
        /// What is missing, in bytes.
        pub missing: i64,
    }
}

static POSITION: Query<Position> = crate::query!("session/position");
static REACHED: Query<Distance> = crate::query!("session/reached");

/// How far this server is.
pub async fn position(db: &Db) -> Result<Position> {
    db.one(&POSITION, &[]).await
}

/// How long a replica took to get to a position of its primary.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lag {
    /// It is there, and was after this time.
    CaughtUp(Duration),
    /// It is not, and misses this many bytes.
    Behind(i64),
}

/// Waits until the replica is where its primary was, for at most `limit`.
pub async fn wait(replica: &Db, position: &str, limit: Duration) -> Result<Lag> {
    let start = Instant::now();
    let mut moved = (Instant::now(), i64::MAX);
    loop {
        let distance = replica.one(&REACHED, &[&position]).await?;
        if distance.reached {
            return Ok(Lag::CaughtUp(start.elapsed()));
        }
        if distance.missing < moved.1 {
            moved = (Instant::now(), distance.missing);
        }
        if start.elapsed() >= limit || moved.0.elapsed() >= STALLED {
            return Ok(Lag::Behind(distance.missing));
        }
        tokio::time::sleep(POLL).await;
    }
}
