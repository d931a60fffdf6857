//! Where a command finds the files of a noun: where a flag says, else where toysoldiers.toml does, else in the usual
//! folder, else in the program.

use std::path::{Path, PathBuf};

use super::migrate;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::settings::Origin;
use crate::source::{self, Embedded, Source};

/// Files that belong together.
pub(super) struct Noun {
    /// Where they are when nobody says otherwise.
    pub folder: &'static str,
    /// The option that names another folder.
    pub flag: &'static str,
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

    /// The same of what is about the tables that migrations make, where these may be in the folder of a flag. What the
    /// program has is about its own migrations, and counts where these do.
    pub(super) fn find_beside(
        &self,
        cx: &Context,
        flag: Option<&Path>,
        told: Option<&(PathBuf, Origin)>,
        migrations: Option<&Path>,
    ) -> Result<Source> {
        match self.find(cx, flag, told)? {
            Source::Embedded(_) if has_own_migrations(cx, migrations)? => {
                Ok(Source::Nowhere(self.folder))
            }
            found => Ok(found),
        }
    }

    /// The folder they are written into: where they are found, or else where they would be. Those in the program count
    /// only until there is a folder, so none is begun where the platform is theirs.
    pub(super) fn folder(
        &self,
        cx: &Context,
        flag: Option<&Path>,
        told: Option<&(PathBuf, Origin)>,
    ) -> Result<Source> {
        match self.find_beside(cx, flag, told, None)? {
            Source::Nowhere(_) => {}
            Source::Embedded(_) => {
                return Err(Error::refused(format!(
                    "there is no folder {}, and what is in this program would count no more once there is one",
                    self.folder
                ))
                .unchanged()
                .note("the migrations in use are those in this program, too")
                .hint(format!("name the folder to begin with `{}`", self.flag))
                .into());
            }
            found @ Source::Folder { .. } => return Ok(found),
        }
        let settings = cx.settings()?;
        let path = settings.base.join(self.folder);
        Ok(Source::Folder {
            shown: shown(&path),
            path,
            found_for: Some(settings.caller.clone()),
        })
    }
}

/// Whether the migrations in use are others than those in this program, or copies of all of these and more.
fn has_own_migrations(cx: &Context, flag: Option<&Path>) -> Result<bool> {
    let Source::Folder { path, .. } = migrate::source(cx, flag)? else {
        return Ok(false);
    };
    let mut names = source::MIGRATIONS.iter();
    Ok(path.is_dir() && !names.all(|(name, _)| path.join(name).is_file()))
}

/// The path as seen from the current folder, if it is below.
pub(super) fn shown(path: &Path) -> String {
    let here = std::env::current_dir().unwrap_or_default();
    path.strip_prefix(&here)
        .unwrap_or(path)
        .display()
        .to_string()
}
