//! Indexes as files: what is declared is compared with the database by meaning, built without a stall, and kept in order.
//!
//! A file a table says which indexes it has, as a person would write them. Deliberately absent: primary keys, unique and
//! exclusion constraints and unique indexes that a migration makes. They are about what is right and not about what is
//! fast, so they belong to migrations and are never touched, unless a file declares the unique index itself.
//!
//! Where an index is stored (its tablespace) is compared where a file says so, and otherwise left to the server.

pub mod adopt;
pub mod advise;
pub mod apply;
pub mod build;
mod check;
pub mod compare;
pub mod declared;
pub mod difference;
pub mod found;
pub mod list;
pub mod look;
pub mod rebuild;
pub mod statement;
pub mod status;
mod twin;
mod view_compare;
