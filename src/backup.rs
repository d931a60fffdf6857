//! Backups: a dump by pg_dump, and beside it a manifest that says what is in it.
//!
//! The manifest is the commit mark: it is written last, and without one there is no backup, whatever else lies
//! in the folder. Its row counts are taken in the very snapshot the dump is made of. A backup is restored into a
//! database of its own, never over one, and that database has its name only once its rows are counted.

pub mod create;
pub mod dump;
pub mod list;
pub mod manifest;
pub mod restore;
mod seal;
pub mod store;
pub mod table;
pub mod target;

pub use create::{Order, Taken, plan, take};
pub use list::{Entry, Listing, State};
pub use manifest::Manifest;
pub use restore::{Restored, restore};
pub use store::{Address, Said, Store};
