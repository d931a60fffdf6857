//! Ends of an attempt at applying that are no failures, and keep nothing either.

use std::fmt;

use crate::policy::matrix::Proof;

/// Cells came out wrong, so nothing is kept.
#[derive(Debug)]
pub(super) struct Disproved(pub(super) Proof);

impl fmt::Display for Disproved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the matrix is not as it should be")
    }
}

impl std::error::Error for Disproved {}

/// Somebody else did what was to be done.
#[derive(Debug)]
pub(super) struct Overtaken;

impl fmt::Display for Overtaken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("somebody else did it")
    }
}

impl std::error::Error for Overtaken {}
