//! PostgreSQL, as this program speaks to it: connections, queries, locks, SQL text and the server's programs.
//!
//! One [`Db`] a task, no pool. Every query is one round trip and leaves nothing prepared behind, so it works
//! through any pooler. The driver speaks the protocol; which server, how protected, and what is in between is ours.

pub mod attempt;
pub mod blockers;
pub mod catalog;
pub mod child;
pub mod connect;
pub mod conninfo;
pub mod database;
pub mod db;
pub mod duration;
pub mod endpoint;
pub mod explain;
mod hurry;
pub mod ident;
pub mod libpq;
pub mod lock;
pub mod options;
pub mod page;
pub mod parameter;
pub mod passfile;
pub mod policy;
pub mod pooler;
pub mod query;
pub mod reader;
pub mod relation;
pub mod replica;
pub mod run;
pub mod schema;
pub mod service;
pub mod session;
pub mod shim;
pub mod socket;
pub mod sql;
pub mod sqlstate;
pub mod stranger;
pub mod tls;
pub mod tools;
pub mod undo;
mod withheld;

pub use db::Db;
pub use endpoint::Endpoint;
pub use ident::Ident;
pub use page::{Page, Paged};
pub use pooler::Pooling;
pub use query::{FromRow, Param, Query};
pub use run::RunContext;
pub use session::Patience;
pub use undo::Undo;

/// This program's version, for the record.
pub const TOOL_VERSION: &str = env!("CARGO_PKG_VERSION");

/// The name under which the server knows our sessions.
pub const APPLICATION_NAME: &str = "toysoldiers";
