//! Who the server runs as: oneself, or for root somebody else, since PostgreSQL refuses root.

use std::io;
use std::os::fd::AsFd;
use std::path::Path;

use rustix::fs::{Gid, Stat, Uid};

use crate::error::{Error, Result};
use crate::pg::endpoint::Owner;
use crate::pg::shim::{self, Apart};

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

    /// A program that runs as this user, with a clean environment, in a folder everyone may enter. It has no
    /// terminal: the account could type into it what root's shell runs, and Ctrl-C there is ours to answer.
    pub(super) fn program(&self, program: &Path) -> io::Result<Apart> {
        let user = match self {
            Self::Own => None,
            Self::Other { uid, gid, .. } => Some((*uid, *gid)),
        };
        let mut apart = shim::apart(program, user)?;
        apart
            .command()
            .current_dir("/")
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("LC_ALL", "C");
        Ok(apart)
    }

    pub(super) fn is_other(&self) -> bool {
        matches!(self, Self::Other { .. })
    }

    pub(super) fn uid(&self) -> u32 {
        match self {
            Self::Own => rustix::process::geteuid().as_raw(),
            Self::Other { uid, .. } => *uid,
        }
    }

    /// Whose processes are the server's.
    pub(super) fn owner(&self) -> Owner {
        let uid = self.uid();
        Owner {
            uid,
            name: user_name(uid),
        }
    }

    /// What the system calls it.
    pub(super) fn name(&self) -> String {
        match self {
            Self::Own => called(self.uid()),
            Self::Other { name, .. } => name.clone(),
        }
    }

    /// Gives it something of ours.
    pub(super) fn give(&self, what: impl AsFd) -> io::Result<()> {
        match self {
            Self::Own => Ok(()),
            Self::Other { uid, gid, .. } => Ok(rustix::fs::fchown(
                what,
                Some(Uid::from_raw(*uid)),
                Some(Gid::from_raw(*gid)),
            )?),
        }
    }

    /// Whether it may pass through a folder.
    pub(super) fn enters(&self, folder: &Stat) -> bool {
        let Self::Other { uid, gid, .. } = self else {
            return true;
        };
        let shift = if folder.st_uid == *uid {
            6
        } else if folder.st_gid == *gid {
            3
        } else {
            0
        };
        folder.st_mode >> shift & 0o1 != 0
    }
}

/// A user by name, or by number if it has none.
pub(super) fn called(uid: u32) -> String {
    user_name(uid).unwrap_or_else(|| format!("user {uid}"))
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
