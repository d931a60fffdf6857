//! What a backup says about itself.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

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
    /// Whether the schema was as this program left it; a manifest of before does not say so.
    #[serde(default)]
    pub schema_as_left: bool,
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

/// What every form of a manifest has in common.
#[derive(Deserialize)]
struct Form {
    format: u32,
}

impl Manifest {
    /// Reads a manifest. One of a newer form is refused: its words may mean something else.
    pub fn parse(text: &[u8]) -> Result<Self> {
        let cannot = |error: serde_json::Error| {
            Error::failed("it is no manifest")
                .because(error)
                .hint("take another backup")
        };
        let Form { format } = serde_json::from_slice(text).map_err(cannot)?;
        if format > FORMAT {
            return Err(Error::refused(format!(
                "it is of format {format}, and this version reads up to {FORMAT}"
            ))
            .hint("update toysoldiers and try again")
            .into());
        }
        let manifest: Self = serde_json::from_slice(text).map_err(cannot)?;
        if manifest.file.contains('/') {
            return Err(Error::refused("it names a dump outside its folder")
                .note(format!("it names {}", manifest.file))
                .hint("find out who wrote it; `backup create` does not")
                .into());
        }
        Ok(manifest)
    }

    /// Rows of all tables.
    pub fn rows(&self) -> i64 {
        // What a manifest says need not be true.
        let rows = self.tables.iter().map(|table| table.rows);
        rows.fold(0, i64::saturating_add)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(format: u32, file: &str) -> String {
        format!(
            r#"{{"format": {format}, "name": "x", "environment": "e", "taken_at": "2026-03-04T12:00:00Z",
            "duration_ms": 1, "tool_version": "0.1.0", "pg_dump": "15.18", "last_migration": null, "tables": [],
            "server": {{"host": "h", "port": 5432, "database": "d", "version": "15.18"}},
            "file": "{file}", "bytes": 1, "sha256": "00"}}"#
        )
    }

    fn complaint(text: &str) -> String {
        Manifest::parse(text.as_bytes())
            .expect_err("is no manifest")
            .to_string()
    }

    #[test]
    fn only_what_is_understood_is_read() {
        assert!(Manifest::parse(text(1, "x.dump").as_bytes()).is_ok());
        assert_eq!(
            complaint(&text(2, "x.dump")),
            "it is of format 2, and this version reads up to 1"
        );
        // A newer form is known by its number, whatever else it holds.
        assert_eq!(
            complaint(r#"{"format": 3}"#),
            "it is of format 3, and this version reads up to 1"
        );
        for broken in ["", "{}", r#"{"format": 1}"#] {
            assert_eq!(complaint(broken), "it is no manifest", "{broken}");
        }
    }

    #[test]
    fn a_dump_lies_beside_its_manifest() {
        assert_eq!(
            complaint(&text(1, "../x.dump")),
            "it names a dump outside its folder"
        );
    }
}
