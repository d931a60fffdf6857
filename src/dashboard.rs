//! The platform's numbers.
//!
//! Sums are made by the database and arrive exact. What takes several questions is answered from one snapshot,
//! so the lines add up to what stands above them. A window of days has every day, also those without anything,
//! oldest first; the last one is today, which is not over.

pub mod content;
pub mod creator;
pub mod creators;
pub mod overview;
mod snapshot;

/// Days of a sparkline, today included.
const WINDOW: i32 = 30;
