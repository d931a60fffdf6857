//! What makes a backup of files in a store: the manifest, written last, and whether they are what it says.

use std::io;

use sha2::{Digest, Sha256};

use super::manifest::Manifest;
use super::store::{Reading, Store};
use crate::error::{Error, Result, command};
use crate::plan::hex;

/// More than any manifest has, in bytes: who writes a larger one means no good.
const LARGEST: usize = 64 << 20;

/// The name, or with a number behind it if a backup of the same second has it.
pub(super) async fn free_name(store: &Store, name: &str) -> String {
    // Where nothing can be read nothing can be written either, and that has better words.
    let objects = store.list().await.unwrap_or_default();
    let taken = |name: &str| {
        ["dump", "json"].iter().any(|ending| {
            let file = format!("{name}.{ending}");
            objects.iter().any(|object| object.name == file)
        })
    };
    let mut free = name.to_owned();
    let mut number = 2;
    while taken(&free) {
        free = format!("{name}-{number}");
        number += 1;
    }
    free
}

/// Writes the manifest: from here on there is a backup.
pub(super) async fn seal(store: &Store, manifest: &Manifest) -> Result<()> {
    let text = serde_json::to_string_pretty(manifest)
        .map_err(|error| Error::failed("cannot write the manifest").because(error))?;
    let mut writing = store.create(&file_of(&manifest.name)).await?;
    writing.write(format!("{text}\n").into_bytes()).await?;
    writing.commit().await
}

/// Reads the manifest of a backup.
pub(super) async fn manifest(store: &Store, name: &str) -> Result<Manifest> {
    let file = file_of(name);
    let cannot = format!("cannot read the manifest {}", store.path(&file).display());
    let text = read(store, &file).await.map_err(|error| {
        Error::failed(&cannot).because(error).hint(
            command("backup list").hint("restore another backup; {} shows which are complete"),
        )
    })?;
    Manifest::parse(&text).map_err(|error| error.context(cannot))
}

fn file_of(name: &str) -> String {
    format!("{name}.json")
}

async fn read(store: &Store, file: &str) -> io::Result<Vec<u8>> {
    let mut reading = store.open(file).await?;
    let mut text = Vec::new();
    while let Some(piece) = reading.piece().await? {
        text.extend_from_slice(&piece);
        if text.len() > LARGEST {
            return Err(io::Error::other("it is too large for a manifest"));
        }
    }
    Ok(text)
}

/// Reads a dump and compares size and hash with its manifest.
pub(super) async fn verify(store: &Store, manifest: &Manifest) -> Result<()> {
    let dump = store.path(&manifest.file);
    let cannot =
        |error: io::Error| Error::failed(format!("cannot read {}", dump.display())).because(error);
    let reading = store.open(&manifest.file).await.map_err(cannot)?;
    let (bytes, sha256) = digest(reading).await.map_err(cannot)?;
    if (bytes, &sha256) == (manifest.bytes, &manifest.sha256) {
        return Ok(());
    }
    Err(
        Error::failed(format!("{} is not what its manifest says", dump.display()))
            .note(format!(
                "manifest: {} bytes, SHA-256 {}",
                manifest.bytes, manifest.sha256
            ))
            .note(format!("on disk:  {bytes} bytes, SHA-256 {sha256}"))
            .hint("do not rely on this backup, and have the disk looked at")
            .into(),
    )
}

/// Size and SHA-256 of what is read. Between two pieces Ctrl-C is heard: a large dump takes minutes.
pub(super) async fn digest(mut reading: Reading) -> io::Result<(u64, String)> {
    let mut hash = Sha256::new();
    let mut bytes = 0;
    while let Some(piece) = reading.piece().await? {
        bytes += piece.len() as u64;
        hash.update(&piece);
    }
    Ok((bytes, hex(hash.finalize())))
}
