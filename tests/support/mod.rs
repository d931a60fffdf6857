//! What tests stand on: a throw-away server, databases in it, and a way to run the program.

pub mod folder;
pub mod server;
pub mod tool;

pub use folder::Folder;
pub use server::Database;
pub use tool::Tool;
