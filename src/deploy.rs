//! `deploy`: migrations, then policies, then indexes, as one change; and `status`, which tells how all of it stands.
//!
//! What policies and indexes come to can only be known once the migrations are there. So every part is planned again
//! when its turn comes, under the lock, and held against what was shown before: more than that is never done. It stops
//! at the first failure, and running it again goes on from there, since each part does only what is still missing.
//! What is deliberately absent: a way back. Migrations have theirs, and a backup can be taken first.

mod agreed;
pub mod document;
mod doing;
mod files;
mod foresee;
pub mod history;
mod parts;
mod plan;
mod record;
pub mod revision;
mod run;
pub mod status;
mod story;
mod told;
pub mod written;

use serde::{Deserialize, Serialize};

use crate::backup::Address;
use crate::pg::tools::Programs;

pub use files::{Files, Sources};
pub use parts::{Did, Part, State};
pub use plan::{Work, plan};
pub use revision::{Asking, Revision};
pub use run::{Deployed, deploy};

/// What is wanted besides what the files say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wish {
    /// Whether policies, rights and indexes that no file declares go.
    pub prune: bool,
    /// Whether policies are kept without asking the matrix.
    pub unproved: bool,
    /// Whether a backup is taken first.
    pub backup: Wanted,
}

/// When a backup is taken before anything is changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Wanted {
    /// Whatever there is to do.
    Always,
    /// If there are migrations to apply.
    BeforeMigrations,
    /// Not at all.
    Never,
}

/// Where a backup goes, and what it takes to make one.
pub struct Safekeeping {
    /// The environment it is of.
    pub environment: String,
    /// Where to.
    pub destination: Address,
    /// PostgreSQL's programs.
    pub programs: Programs,
}
