//! Backups: a dump by pg_dump, and beside it a manifest that says what is in it.
//!
//! The manifest is the commit mark: it is written last, and without one there is no backup, whatever else lies
//! in the folder. Its row counts are taken in the very snapshot the dump is made of.

pub mod create;
pub mod destination;
pub mod dump;
pub mod manifest;

pub use create::{Order, Taken, plan, take};
pub use destination::Destination;
pub use manifest::Manifest;
