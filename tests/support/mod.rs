//! What tests stand on: throw-away servers, databases in them, and a way to run the program.

pub mod bouncer;
pub mod database;
pub mod folder;
pub mod process;
pub mod proxy;
pub mod replica;
pub mod requirements;
pub mod server;
pub mod session;
pub mod setup;
pub mod tls;
pub mod tool;
pub mod version;
mod wire;

pub use bouncer::Bouncer;
pub use database::Database;
pub use folder::Folder;
pub use proxy::Proxy;
pub use replica::Replica;
pub use server::Server;
pub use setup::Setup;
pub use tool::Tool;
