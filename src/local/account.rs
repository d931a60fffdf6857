//! Who the server runs as: oneself, or for root somebody else, since PostgreSQL refuses root.

use std::io::ErrorKind;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use crate::error::{Error, Result, io_reason};

/// The user of the server's processes.
#[derive(Debug, Clone)]
pub(super) enum Account {
    /// The user who runs this program.
    Own,
    /// Another user, since this program runs as root.
    Other { name: String, uid: u32, gid: u32 },
}

impl Account {
    pub(super) fn for_server() -> Result<Self> {
        if !rustix::process::geteuid().is_root() {
            return Ok(Self::Own);
        }
        let passwd = passwd();
        ["postgres", "nobody"]
            .iter()
            .find_map(|name| find(&passwd, name))
            .ok_or_else(|| {
                Error::configuration(
                    "PostgreSQL does not run as root, and there is no user postgres or nobody",
                )
                .hint("add one with `useradd --system postgres`, or run this as an ordinary user")
                .into()
            })
    }

    /// A command that runs as this user, with a clean environment, in a folder everyone may enter.
    pub(super) fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command
            .current_dir("/")
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("LC_ALL", "C")
            // Out of reach of the terminal's Ctrl-C, which is ours to answer.
            .process_group(0);
        if let Self::Other { uid, gid, .. } = self {
            command.uid(*uid).gid(*gid);
        }
        command
    }

    /// Makes a folder that only this user may enter, and checks that the user gets there.
    pub(super) fn make_folder(&self, folder: &Path) -> Result<()> {
        let unusable = |reason: String| {
            Error::configuration(format!("the folder {} cannot be used", folder.display()))
                .because(Error::configuration(reason))
                .hint("name a folder of your own in TOYSOLDIERS_LOCAL_DIR")
        };
        self.make_whole(folder)
            .map_err(|error| unusable(io_reason(&error)))?;
        let Self::Other { name, uid, gid } = self else {
            return tempfile::tempfile_in(folder)
                .map(|_| ())
                .map_err(|error| unusable(io_reason(&error)).into());
        };
        for ancestor in folder
            .ancestors()
            .filter(|ancestor| !ancestor.as_os_str().is_empty())
        {
            let metadata = ancestor
                .metadata()
                .map_err(|error| unusable(io_reason(&error)))?;
            let needed = if ancestor == folder { 0o3 } else { 0o1 };
            let shift = if metadata.uid() == *uid {
                6
            } else if metadata.gid() == *gid {
                3
            } else {
                0
            };
            if metadata.mode() >> shift & needed != needed {
                return Err(unusable(format!(
                    "the user {name}, whom the server runs as, cannot use {}",
                    ancestor.display()
                ))
                .note("PostgreSQL does not run as root")
                .hint("name a folder that this user may reach and write in TOYSOLDIERS_LOCAL_DIR")
                .into());
            }
        }
        Ok(())
    }

    /// Makes the folder under another name and renames it: whoever finds it finds it usable, also a command
    /// that runs at the same moment.
    fn make_whole(&self, folder: &Path) -> std::io::Result<()> {
        if folder.exists() {
            return Ok(());
        }
        let parent = folder.parent().unwrap_or(Path::new("/"));
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o755)
            .create(parent)
            .map_err(|error| match error.kind() {
                // A file where a folder should be.
                ErrorKind::AlreadyExists => ErrorKind::NotADirectory.into(),
                _ => error,
            })?;
        let unborn = tempfile::Builder::new()
            .prefix(".new-")
            .tempdir_in(parent)?;
        if let Self::Other { uid, gid, .. } = self {
            std::os::unix::fs::chown(unborn.path(), Some(*uid), Some(*gid))?;
        }
        std::fs::set_permissions(unborn.path(), std::fs::Permissions::from_mode(0o700))?;
        match std::fs::rename(unborn.path(), folder) {
            // Somebody was faster, and theirs is as good.
            Err(_) if folder.is_dir() => Ok(()),
            other => other,
        }
    }
}

/// The name the system knows a user by.
pub fn user_name(uid: u32) -> Option<String> {
    let passwd = passwd();
    let mut entries = entries(&passwd);
    entries
        .find(|entry| entry.uid == uid)
        .map(|entry| entry.name.to_owned())
}

/// The users of the system; none if it keeps them elsewhere.
fn passwd() -> String {
    std::fs::read_to_string("/etc/passwd").unwrap_or_default()
}

/// A user of the system.
struct Entry<'a> {
    name: &'a str,
    uid: u32,
    gid: u32,
}

fn entries(passwd: &str) -> impl Iterator<Item = Entry<'_>> {
    passwd.lines().filter_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        let uid = fields.nth(1)?.parse().ok()?;
        let gid = fields.next()?.parse().ok()?;
        Some(Entry { name, uid, gid })
    })
}

fn find(passwd: &str, name: &str) -> Option<Account> {
    let Entry { name, uid, gid } = entries(passwd).find(|entry| entry.name == name)?;
    Some(Account::Other {
        name: name.to_owned(),
        uid,
        gid,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_found_in_passwd() {
        let passwd = "root:x:0:0:root:/root:/bin/sh\npostgresql:x:9:9::/:/bin/sh\npostgres:x:101:104::/:/bin/sh\n";
        assert!(matches!(
            find(passwd, "postgres"),
            Some(Account::Other {
                uid: 101,
                gid: 104,
                ..
            })
        ));
        assert!(find(passwd, "nobody").is_none());
    }
}
