//! How far the server is, and how far apart the clocks are.

use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};

use super::Line;
use crate::error::Result;
use crate::pg::{Db, Query};

/// How often the server is asked.
const SAMPLES: usize = 5;

/// How far apart the clocks may be. What happens is dated by the server, when it was backed up and by which name by
/// us; a second is far more than NTP leaves, and far less than anybody reading both would forgive.
const TOLERANCE: SignedDuration = SignedDuration::from_secs(1);

crate::row! {
    /// The server's clock.
    pub struct Ping {
        /// What time it is there.
        pub now: Timestamp,
    }
}

static PING: Query<Ping> = crate::query!("env/ping");

/// What asking for the time a few times has shown.
#[derive(Debug, Clone, Copy)]
pub(super) struct Clock {
    /// There and back, in the median.
    round_trip: Duration,
    /// The server's clock minus ours, by the fastest answer, which leaves the least to guess.
    skew: SignedDuration,
    /// How far the guess can be wrong: the answer may have been made at any time of its round trip.
    doubt: SignedDuration,
}

/// Asks for the time a few times.
pub(super) async fn read(db: &Db) -> Result<Clock> {
    let mut samples = Vec::with_capacity(SAMPLES);
    for _ in 0..SAMPLES {
        let (start, ours) = (Instant::now(), Timestamp::now());
        let theirs = db.one(&PING, &[]).await?.now;
        let took = start.elapsed();
        samples.push((took, theirs.duration_since(ours)));
    }
    Ok(Clock::of(&mut samples))
}

impl Clock {
    /// Of how long each answer took, and by how much it is later than our time when it was asked for.
    fn of(samples: &mut [(Duration, SignedDuration)]) -> Self {
        samples.sort_unstable();
        let (fastest, ahead) = samples.first().copied().unwrap_or_default();
        let (round_trip, _) = samples.get(samples.len() / 2).copied().unwrap_or_default();
        let doubt = SignedDuration::try_from(fastest / 2).unwrap_or(SignedDuration::MAX);
        Self {
            round_trip,
            skew: ahead - doubt,
            doubt,
        }
    }

    /// How long an answer takes.
    pub(super) fn round_trip(&self) -> Line {
        let millis = (self.round_trip.as_secs_f64() * 10_000.0).round() / 10.0;
        Line::fine("round_trip", millis, format!("{millis} ms"))
    }

    /// How far the clocks are apart.
    pub(super) fn skew(&self) -> Line {
        let millis = i64::try_from(self.skew.as_millis()).unwrap_or(i64::MAX);
        let found = if self.skew.abs() <= TOLERANCE {
            format!("the server's differs from ours by {} ms", millis.abs())
        } else {
            let direction = if self.skew.is_negative() {
                "behind"
            } else {
                "ahead of"
            };
            let apart = self.skew.abs().as_secs_f64();
            format!("the server's is {apart:.1} s {direction} ours")
        };
        let line = Line::fine("clock_skew", millis, found);
        if self.skew.abs() > TOLERANCE + self.doubt {
            line.wrong(
                "set the clock that is wrong, ours or the server's, and let NTP keep it right",
            )
        } else {
            line
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::State;
    use super::*;

    fn clock(samples: &[(u64, i64)]) -> Clock {
        let mut samples: Vec<_> = samples
            .iter()
            .map(|(took, ahead)| {
                (
                    Duration::from_millis(*took),
                    SignedDuration::from_millis(*ahead),
                )
            })
            .collect();
        Clock::of(&mut samples)
    }

    #[test]
    fn half_a_round_trip_is_taken_off_the_fastest_answer() {
        let clock = clock(&[(90, 60), (10, 5), (20, 12)]);
        let line = clock.skew();
        assert_eq!((line.value, line.state), (0.into(), State::Fine));
        assert_eq!(clock.round_trip().value, 20.0);
    }

    #[test]
    fn more_than_a_second_is_wrong_unless_the_way_explains_it() {
        let line = clock(&[(10, 2505)]).skew();
        assert_eq!(line.found, "the server's is 2.5 s ahead of ours");
        assert_eq!(line.state, State::Wrong);
        let line = clock(&[(10, -1995)]).skew();
        assert_eq!(line.found, "the server's is 2.0 s behind ours");
        assert_eq!(line.state, State::Wrong);
        assert_eq!(clock(&[(1000, 1900)]).skew().state, State::Fine);
    }
}
