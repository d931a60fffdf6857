//! What a backup says about itself.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The version of this form; a reader refuses a newer one.
pub const FORMAT: u32 = 1;

/// The manifest: JSON beside the dump.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// Version of this form.
    pub format: u32,
    /// Name of the backup: the dump and the manifest are called so.
    pub name: String,
    /// The environment it is of.
    pub environment: String,
    /// When the snapshot was taken.
    pub taken_at: Timestamp,
    /// How long it took, in milliseconds.
    pub duration_ms: u64,
    /// Version of this program.
    pub tool_version: String,
    /// The server it comes from.
    pub server: Server,
    /// The program that made it.
    pub pg_dump: String,
    /// The last migration applied; nothing if none ran.
    pub last_migration: Option<String>,
    /// Every table with its rows.
    pub tables: Vec<Table>,
    /// The dump's file, beside the manifest.
    pub file: String,
    /// Size of the dump in bytes.
    pub bytes: u64,
    /// SHA-256 of the dump, in hexadecimal.
    pub sha256: String,
}

/// The server a backup comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Server {
    /// Host, or the folder of its socket.
    pub host: String,
    /// Port.
    pub port: u16,
    /// Database.
    pub database: String,
    /// Version, as the server gives it.
    pub version: String,
}

/// A table and how much was in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Table {
    /// Schema.
    pub schema: String,
    /// Name.
    pub name: String,
    /// Rows in the snapshot.
    pub rows: i64,
}

impl Manifest {
    /// Rows of all tables.
    pub fn rows(&self) -> i64 {
        self.tables.iter().map(|table| table.rows).sum()
    }
}
