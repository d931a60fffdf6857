//! Where backups lie, whatever that is: names, and bytes under them.
//!
//! An object appears under its name whole or not at all, never in the place of another, and never changes. Nothing
//! is known of what the bytes mean: that is the manifest's business, which is why it is written last.

mod folder;

use std::io;
use std::path::{Path, PathBuf};

pub use folder::{Folder, Reading, Writing};

use crate::error::{Error, Kind, Result, masked};

/// Ending of what is still being written: never taken for an object.
pub(super) const PARTIAL: &str = ".partial";

/// Where backups lie.
#[derive(Debug, Clone)]
pub enum Store {
    /// In a folder, a file an object.
    Folder(Folder),
}

/// Something in a store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    /// Its name.
    pub name: String,
    /// Its size.
    pub bytes: u64,
}

/// Where somebody says that backups lie; nobody has looked yet whether that can be.
#[derive(Debug, Clone)]
pub struct Address {
    place: PathBuf,
    said: Said,
}

/// Who says so.
#[derive(Debug, Clone)]
pub enum Said {
    /// A flag of the command line, or an argument.
    Flag(&'static str),
    /// The table of this environment in the configuration.
    Setting(String),
}

impl Address {
    /// As it was said.
    pub fn new(place: PathBuf, said: Said) -> Self {
        Self { place, said }
    }
}

impl Store {
    /// The store at an address. Nothing is made there yet.
    pub fn at(address: &Address) -> Result<Self> {
        let Address { place, said } = address;
        let text = place.to_string_lossy();
        // No more of it than that: a key may stand behind.
        let what = match scheme(place) {
            Some(scheme) => format!("{scheme}://..."),
            // Nobody means a folder of such a name.
            None if masked(&text) != text => "an address with a password".to_owned(),
            None => return Ok(Self::Folder(Folder::new(place.clone()))),
        };
        let (kind, what, hint) = match said {
            Said::Flag(flag) => (
                Kind::Usage,
                format!("`{flag}` names {what}"),
                "name a folder".to_owned(),
            ),
            Said::Setting(environment) => (
                Kind::Configuration,
                format!("`destination` in `[env.{environment}.backup]` names {what}"),
                "name a folder as `destination`".to_owned(),
            ),
        };
        Err(Error::new(
            kind,
            format!("{what}, and this version keeps backups in folders only"),
        )
        .note("nothing was written; object stores are not there yet")
        .hint(hint)
        .into())
    }

    /// Which one it is, for people.
    pub fn describe(&self) -> String {
        match self {
            Self::Folder(folder) => folder.path().display().to_string(),
        }
    }

    /// Where an object of this name is or will be. PostgreSQL's programs read and write files.
    pub fn path(&self, name: &str) -> PathBuf {
        match self {
            Self::Folder(folder) => folder.path().join(name),
        }
    }

    /// Everything in it, and what is still being written: its name ends with `.partial`. A store that is not there
    /// is an empty one.
    pub async fn list(&self) -> Result<Vec<Object>> {
        match self {
            Self::Folder(folder) => folder.list().await,
        }
    }

    /// Opens an object for reading, piece by piece.
    pub async fn open(&self, name: &str) -> io::Result<Reading> {
        match self {
            Self::Folder(folder) => folder.open(name).await,
        }
    }

    /// Begins to write an object. It is not there before it is [committed](Writing::commit), and vanishes if it never
    /// is.
    pub async fn create(&self, name: &str) -> Result<Writing> {
        match self {
            Self::Folder(folder) => folder.create(name).await,
        }
    }

    /// Takes an object away.
    pub async fn delete(&self, name: &str) -> Result<()> {
        match self {
            Self::Folder(folder) => folder.delete(name).await,
        }
    }

    /// Who else may change what lies in it, if anybody may: a sentence.
    pub async fn exposure(&self) -> Option<String> {
        match self {
            Self::Folder(folder) => folder.exposure().await,
        }
    }
}

/// `s3` of `s3://bucket/prefix`; nothing for a path. A folder that is called so is written `./s3:/...`.
pub(super) fn scheme(place: &Path) -> Option<&str> {
    let (scheme, _) = place.to_str()?.split_once("://")?;
    let mut letters = scheme.bytes();
    let begins = letters
        .next()
        .is_some_and(|first| first.is_ascii_alphabetic());
    let goes_on = |letter: u8| letter.is_ascii_alphanumeric() || b"+-.".contains(&letter);
    (begins && letters.all(goes_on)).then_some(scheme)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_told_from_a_folder() {
        for (place, expected) in [
            ("s3://bucket/x", Some("s3")),
            ("GS://b", Some("GS")),
            ("az+https://x", Some("az+https")),
            ("file:///var/backups", Some("file")),
            ("/var/backups", None),
            ("backups", None),
            ("./s3://bucket", None),
            ("/srv/s3://bucket", None),
            ("s3:/bucket", None),
            ("://x", None),
            ("3s://x", None),
            ("", None),
        ] {
            assert_eq!(scheme(Path::new(place)), expected, "{place}");
        }
    }

    #[test]
    fn what_is_refused_shows_no_key() {
        for (said, code) in [
            (Said::Flag("--to"), 2),
            (Said::Setting("shop".to_owned()), 4),
        ] {
            let address = Address::new("s3://KEY:SECRET@bucket/x".into(), said);
            let error = Store::at(&address).expect_err("is refused");
            let told = crate::error::explain(&error);
            assert_eq!(told.kind.code(), code);
            assert!(!format!("{told:?}").contains("SECRET"), "{told:?}");
        }
    }
}
