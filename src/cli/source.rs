//! Where a command finds the files of a noun: where a flag says, else where toysoldiers.toml does, else in the usual
//! folder, else in the program.

use std::path::{Path, PathBuf};

use crate::context::Context;
use crate::error::Result;
use crate::settings::Origin;
use crate::source::{Embedded, Source};

/// Files that belong together.
pub(super) struct Noun {
    /// Where they are when nobody says otherwise.
    pub folder: &'static str,
    /// Those in the program.
    pub embedded: Embedded,
}

impl Noun {
    /// Where they are.
    pub(super) fn find(
        &self,
        cx: &Context,
        flag: Option<&Path>,
        told: Option<&(PathBuf, Origin)>,
    ) -> Result<Source> {
        if let Some(path) = flag {
            return Ok(Source::Folder {
                shown: path.display().to_string(),
                path: path.to_owned(),
                found_for: None,
            });
        }
        let settings = cx.settings()?;
        let usual = settings.base.join(self.folder);
        let (path, found_for) = match told {
            Some((path, _)) => (path.clone(), None),
            None if usual.is_dir() => (usual, Some(settings.caller.clone())),
            None => return Ok(Source::Embedded(self.embedded)),
        };
        Ok(Source::Folder {
            shown: shown(&path),
            path,
            found_for,
        })
    }
}

/// The path as seen from the current folder, if it is below.
pub(super) fn shown(path: &Path) -> String {
    let here = std::env::current_dir().unwrap_or_default();
    path.strip_prefix(&here)
        .unwrap_or(path)
        .display()
        .to_string()
}
