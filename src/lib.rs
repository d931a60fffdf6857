//! `toysoldiers` runs the PostgreSQL database of Toy Soldiers.
//!
//! A folder is a feature, a file name is a noun, and the same noun is found in every layer: `cli/user.rs`,
//! `account/user.rs`, `database/queries/user/`, `tests/user.rs`. Who may use whom is told and checked in
//! `tests/layers.rs`.
//!
//! What always holds:
//!
//! - Every change goes plan, show, consent, apply, report; `--dry-run` stops after show ([`plan`]).
//! - Every change of a person leaves a row in the audit log, in the same transaction ([`account`]).
//! - A migration happens with its row in the history or not at all ([`migrate`]).
//! - A backup is restored whole, under a new name, or not at all ([`backup`]).
//! - No secret reaches a command line, a log, an error or a result.
//! - Results go to stdout, everything else to stderr, and only [`ui`] writes to either.

pub mod account;
pub mod backup;
pub mod bookkeeping;
pub mod cli;
pub mod context;
pub mod dashboard;
pub mod deploy;
pub mod error;
pub mod guard;
pub mod index;
pub mod local;
pub mod migrate;
pub mod pg;
pub mod plan;
pub mod policy;
pub mod psql;
pub mod reading;
pub mod settings;
pub mod source;
pub mod trust;
pub mod ui;
pub mod umask;
