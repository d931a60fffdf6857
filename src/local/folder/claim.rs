//! Whose the folder is, and that nobody else can change what is in it.

use std::io;
use std::path::Path;

use rustix::fs::{Dir, FileType, Gid, Mode, Uid};

use super::{BACKUPS, BESIDE, DATA, Folder, LOCK, LOG, OLD_LOG, RUN, cannot, unusable};
use crate::error::{Result, io_reason};
use crate::local::account::called;
use crate::plan::Progress;
use crate::trust;

impl Folder {
    /// Sees to it that the folder is root's, and that nobody else may write in it.
    pub(super) fn take_back(&self, progress: &dyn Progress) -> Result<()> {
        let stat = self.stat()?;
        if stat.st_uid == 0 {
            let writers =
                trust::writers(&self.handle).map_err(|error| cannot("read", &self.path, error))?;
            return match writers {
                None => Ok(()),
                Some(who) => Err(unusable(
                    &self.path,
                    &format!("{who} may write in it, and so make root read and write other files"),
                )
                .hint(format!("close it: `chmod 755 {}`", self.path.display()))
                .into()),
            };
        }
        let name = self.account.name();
        if stat.st_uid != self.account.uid() {
            return Err(unusable(
                &self.path,
                &format!(
                    "it belongs to {}, neither to root nor to {name}, whom the server runs as",
                    called(stat.st_uid)
                ),
            )
            .hint("name another folder in TOYSOLDIERS_LOCAL_DIR")
            .into());
        }
        self.refuse_others_things()?;
        // From the first of the two on, the account can change nothing in it any more.
        rustix::fs::fchown(&self.handle, Some(Uid::ROOT), Some(Gid::ROOT))
            .and_then(|()| rustix::fs::fchmod(&self.handle, Mode::from_raw_mode(0o755)))
            .map_err(|error| cannot("change the owner of", &self.path, error.into()))?;
        progress.warn(&format!(
            "the folder {} belonged to {name}, as older versions left it; it is root's now, but for {DATA} and {RUN}",
            self.path.display()
        ));
        Ok(())
    }

    /// A folder somebody uses for other things as well keeps its owner and its permissions.
    fn refuse_others_things(&self) -> Result<()> {
        for name in self.names()? {
            if !is_ours(&name) {
                return Err(unusable(
                    &self.path,
                    &format!("it would have to be root's, and it holds other things: {name}"),
                )
                .hint("name a folder in TOYSOLDIERS_LOCAL_DIR that holds nothing else")
                .into());
            }
        }
        Ok(())
    }

    /// The account has to get to its two folders; for an ordinary user, whether the folder can be written in.
    pub(super) fn let_the_account_in(&self) -> Result<()> {
        let unusable = |reason: String| {
            unusable(&self.path, &reason).hint("name a folder of your own in TOYSOLDIERS_LOCAL_DIR")
        };
        if !self.account.is_other() {
            return tempfile::tempfile_in(&self.path)
                .map(|_| ())
                .map_err(|error| unusable(io_reason(&error)).into());
        }
        let stat = self.stat()?;
        if !self.account.enters(&stat) {
            // As a backup made it, before there was a server.
            self.refuse_others_things()?;
            rustix::fs::fchmod(&self.handle, Mode::from_raw_mode(0o755))
                .map_err(|error| cannot("open", &self.path, error.into()))?;
        }
        for ancestor in self.path.ancestors().skip(1) {
            let stat =
                rustix::fs::stat(ancestor).map_err(|error| unusable(io_reason(&error.into())))?;
            if !self.account.enters(&stat) {
                return Err(unusable(format!(
                    "the user {}, whom the server runs as, cannot use {}",
                    self.account.name(),
                    ancestor.display()
                ))
                .note("PostgreSQL does not run as root")
                .hint("name a folder that this user may reach in TOYSOLDIERS_LOCAL_DIR")
                .into());
            }
        }
        Ok(())
    }

    fn names(&self) -> Result<Vec<String>> {
        let read = || -> io::Result<Vec<String>> {
            let mut names = Vec::new();
            for entry in Dir::read_from(&self.handle)? {
                let name = entry?.file_name().to_string_lossy().into_owned();
                if name != "." && name != ".." {
                    names.push(name);
                }
            }
            Ok(names)
        };
        read().map_err(|error| cannot("read", &self.path, error))
    }
}

/// Nobody but root may be able to put something else in the place of any folder on the way there.
pub(super) fn trust_ancestors(path: &Path) -> Result<()> {
    for ancestor in path.ancestors().skip(1) {
        // What is not there yet will be root's. What cannot be read will be told by whoever uses it.
        let Ok(stat) = rustix::fs::stat(ancestor) else {
            continue;
        };
        if FileType::from_raw_mode(stat.st_mode) != FileType::Directory {
            continue;
        }
        let sticky = stat.st_mode & 0o1000 != 0;
        let reason = if stat.st_uid != 0 {
            format!("belongs to {}", called(stat.st_uid))
        } else {
            match trust::writers_at(ancestor) {
                Ok(Some(who)) if !sticky => format!("may be written in by {who}"),
                _ => continue,
            }
        };
        return Err(unusable(
            path,
            &format!(
                "{} {reason}, who could put another folder in its place",
                ancestor.display()
            ),
        )
        .hint("name a folder in TOYSOLDIERS_LOCAL_DIR that lies in folders of root only")
        .into());
    }
    Ok(())
}

/// Whether a name in the folder is one that we gave.
fn is_ours(name: &str) -> bool {
    [DATA, RUN, LOG, OLD_LOG, LOCK, BACKUPS].contains(&name)
        || name.starts_with(BESIDE)
        || name.starts_with("data.")
        || name.starts_with(".new-")
}
