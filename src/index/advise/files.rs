//! The files that declare indexes, as far as advice has to name them.

use super::stock::Index;
use crate::error::{Excerpt, Result, command};
use crate::index::declared::{Declared, Wanted};
use crate::pg::relation::Relation;
use crate::source::Source;

/// Where index files are when nobody says otherwise.
const FOLDER: &str = "database/indexes";

/// The files that declare indexes.
#[derive(Debug)]
pub struct Files {
    declared: Declared,
    /// The folder, if a person can change what is in it: the files in the program nobody can open.
    folder: Option<String>,
}

impl Files {
    /// Reads them.
    pub fn load(source: &Source) -> Result<Self> {
        Ok(Self {
            declared: Declared::load(source)?,
            folder: match source {
                Source::Folder { shown, .. } => Some(shown.trim_end_matches('/').to_owned()),
                Source::Embedded(_) | Source::Nowhere(_) => None,
            },
        })
    }

    /// The file that declares the indexes of a table, or would.
    pub(super) fn about(&self, table: &Relation) -> String {
        let own = self.declared.files.iter().find(|file| file.table == *table);
        match (&self.folder, own) {
            (Some(_), Some(file)) => file.path.clone(),
            (folder, _) => {
                let folder = folder.as_deref().unwrap_or(FOLDER);
                format!("{folder}/{}.sql", table.stem())
            }
        }
    }

    fn wanted(&self, index: &Index) -> Option<&Wanted> {
        let mut wanted = self.declared.indexes.iter();
        wanted.find(|wanted| wanted.name == index.name && wanted.table == index.on())
    }

    /// Whether one declares it.
    pub(super) fn declare(&self, index: &Index) -> bool {
        self.wanted(index).is_some()
    }

    /// Where it is declared, if a person can change it there.
    pub(super) fn place(&self, index: &Index) -> Option<Excerpt> {
        self.folder.as_ref()?;
        self.wanted(index).map(|wanted| wanted.place.clone())
    }

    /// How an index comes to be.
    pub(super) fn declaration(&self, table: &Relation) -> String {
        let file = self.about(table);
        format!(
            "declare an index in {file}, with a name; {} builds it",
            command("index apply")
        )
    }

    /// How an index goes for good.
    pub(super) fn removal(&self, index: &Index) -> String {
        if self.declare(index) {
            let file = self.about(&index.on());
            format!(
                "remove it from {file}; {} drops it then",
                command("index apply --prune")
            )
        } else {
            "drop it; no file declares it".to_owned()
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::source;

    /// Those in the program.
    pub(in crate::index::advise) fn files() -> Files {
        Files::load(&Source::Embedded(source::INDEXES)).expect("can be read")
    }

    #[test]
    fn what_is_in_the_program_is_named_as_in_the_usual_folder() {
        let files = files();
        assert_eq!(
            files.about(&Relation::new("public", "tips")),
            "database/indexes/tips.sql"
        );
        assert_eq!(
            files.about(&Relation::new("other", "tips")),
            "database/indexes/other.tips.sql"
        );
    }
}
