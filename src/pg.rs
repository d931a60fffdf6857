//! PostgreSQL, as this program speaks to it: connections, queries, locks, SQL text and the server's programs.
//!
//! One [`Db`] a task, no pool. Every query is one round trip and leaves nothing prepared behind, so it works
//! through any pooler.

pub mod connect;
pub mod endpoint;
pub mod ident;
pub mod lock;
pub mod page;
pub mod query;
pub mod sql;
pub mod sqlstate;
pub mod tools;
pub mod undo;

pub use connect::Db;
pub use endpoint::Endpoint;
pub use ident::Ident;
pub use page::{Page, Paged};
pub use query::{FromRow, Param, Query};
pub use undo::Undo;

/// The name under which the server knows our sessions.
pub const APPLICATION_NAME: &str = "toysoldiers";
