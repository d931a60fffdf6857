//! All files of a deploy, read once: what is applied later is what was shown before, whatever becomes of the files.

use std::collections::BTreeMap;
use std::path::PathBuf;

use sha2::{Digest, Sha256};

use super::parts::Part;
use crate::error::Result;
use crate::index;
use crate::migrate;
use crate::plan::hex;
use crate::policy::declared::Declared;
use crate::policy::matrix::Matrix;
use crate::source::Source;

/// Where the files are.
#[derive(Debug, Clone)]
pub struct Sources {
    /// Of migrations.
    pub migrations: Source,
    /// Of policies.
    pub policies: Source,
    /// Of indexes.
    pub indexes: Source,
}

impl Sources {
    fn all(&self) -> [(Part, &Source); 3] {
        [
            (Part::Migrations, &self.migrations),
            (Part::Policies, &self.policies),
            (Part::Indexes, &self.indexes),
        ]
    }

    /// The folders among them; what is in the program is in none.
    pub fn folders(&self) -> Vec<PathBuf> {
        self.all()
            .into_iter()
            .filter_map(|(_, source)| match source {
                Source::Folder { path, .. } => Some(path.clone()),
                Source::Embedded(_) | Source::Nowhere(_) => None,
            })
            .collect()
    }
}

/// All files of a deploy.
#[derive(Debug, Clone)]
pub struct Files {
    /// Migrations.
    pub migrations: migrate::Files,
    /// Policies and rights.
    pub policies: Declared,
    /// Who may do what, which is asked before policies are kept.
    pub matrix: Option<Matrix>,
    /// Indexes.
    pub indexes: index::declared::Declared,
    /// The SHA-256 of each file, by its part and its name.
    pub hashes: BTreeMap<String, String>,
}

impl Files {
    /// Reads and checks them; no database is asked.
    pub fn load(sources: &Sources) -> Result<Self> {
        let mut hashes = BTreeMap::new();
        for (part, source) in sources.all() {
            for entry in source.entries()? {
                if [".sql", ".toml"]
                    .iter()
                    .any(|end| entry.name.ends_with(end))
                {
                    let name = format!("{}/{}", part.word(), entry.name);
                    hashes.insert(name, hash(&entry.bytes()?));
                }
            }
        }
        Ok(Self {
            migrations: migrate::Files::load(&sources.migrations)?,
            policies: Declared::load(&sources.policies)?,
            matrix: Matrix::load(&sources.policies)?,
            indexes: index::declared::Declared::load(&sources.indexes)?,
            hashes,
        })
    }
}

fn hash(bytes: &[u8]) -> String {
    hex(Sha256::digest(bytes))
}
