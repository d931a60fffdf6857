//! Whose files are obeyed without anybody having named them.
//!
//! A file found by searching decides which programs run and which SQL a database gets, so it counts only if nobody
//! but the caller and root could have put it there or changed it: the file, the folder it lies in, and every folder
//! and symbolic link on the way, since whoever may rename one of those decides what is found. The way is walked
//! from the root down, and each step is judged before the next is looked up: what was judged can no longer be
//! changed by anybody else.
//!
//! What somebody names (`--config`, `--migrations`, a folder in an obeyed file) is not judged here.

use std::ffi::OsString;
use std::fmt;
use std::fs::{self, File, Metadata, Permissions};
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Component, Path, PathBuf};

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;

/// As many symbolic links as the kernel follows on one path.
const LINKS: usize = 40;

/// `S_ISVTX` of a folder: only its owner and an entry's own may rename or delete the entry.
const STICKY: u32 = 0o1000;

/// Whose files are obeyed: numbers of users, root always among them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    uids: Vec<u32>,
}

/// Why something is not obeyed.
#[derive(Debug)]
pub enum Distrust {
    /// The file, or what leads to it, belongs to another user.
    Owner {
        /// What belongs to that user.
        path: PathBuf,
        /// The user, by name if it has one.
        owner: String,
    },
    /// Others may write the file, or put another in its place.
    Writable {
        /// What they may write.
        path: PathBuf,
        /// Who may.
        by: String,
    },
    /// It cannot be looked at.
    Unreadable(io::Error),
}

impl fmt::Display for Distrust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Owner { path, owner } => write!(f, "{} belongs to {owner}", path.display()),
            Self::Writable { path, by } => write!(f, "{} can be written by {by}", path.display()),
            Self::Unreadable(error) => f.write_str(&crate::error::io_reason(error)),
        }
    }
}

impl std::error::Error for Distrust {}

impl From<io::Error> for Distrust {
    fn from(error: io::Error) -> Self {
        Self::Unreadable(error)
    }
}

/// What decides: owner, group, permissions, and whether a list of further users (an ACL) is hidden behind those of
/// the group.
#[derive(Debug, Clone, Copy)]
struct Facts {
    uid: u32,
    gid: u32,
    mode: u32,
    has_acl: bool,
}

/// How much is allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rule {
    /// Nobody else may write it.
    Closed,
    /// A folder on the way: others may add to it, but not replace what is not theirs.
    Passable,
}

/// What is wrong with [`Facts`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    Owner,
    Group,
    Everyone,
}

impl Caller {
    /// A user of this number; `sudo` is the one it works for (`SUDO_UID`), which only root may claim.
    pub fn new(uid: u32, sudo: Option<u32>) -> Self {
        let mut uids = vec![0, uid];
        uids.extend(sudo.filter(|_| uid == 0));
        Self { uids }
    }

    /// The same, for whom files of one more user count.
    #[must_use]
    pub fn and(mut self, uid: u32) -> Self {
        self.uids.push(uid);
        self
    }

    /// Opens a file that was found at an absolute path.
    pub fn open(&self, path: &Path) -> Result<File, Distrust> {
        let real = self.walk(path)?;
        if let Some(folder) = real.parent() {
            self.judge(folder, &folder.symlink_metadata()?, Rule::Closed)?;
        }
        // A pipe does not hold us up, and what was a link is none any more.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file: File = rustix::fs::open(&real, flags, Mode::empty())
            .map_err(io::Error::from)?
            .into();
        let metadata = file.metadata()?;
        self.judge(&real, &metadata, Rule::Closed)?;
        if !metadata.is_file() {
            return Err(io::Error::other("it is not a file").into());
        }
        Ok(file)
    }

    /// Refuses a folder that was found at an absolute path.
    pub fn check_folder(&self, path: &Path) -> Result<(), Distrust> {
        let real = self.walk(path)?;
        self.judge(&real, &real.symlink_metadata()?, Rule::Closed)
    }

    /// Where a path leads, judged all the way but for the last step's permissions.
    fn walk(&self, path: &Path) -> Result<PathBuf, Distrust> {
        let mut rest: Vec<OsString> = steps(&std::path::absolute(path)?);
        let mut real = PathBuf::from("/");
        self.judge(&real, &real.symlink_metadata()?, Rule::Passable)?;
        let mut links = 0;
        while let Some(step) = rest.pop() {
            if step == "/" {
                real = PathBuf::from("/");
                continue;
            }
            if step == ".." {
                real.pop();
                continue;
            }
            let next = real.join(step);
            let metadata = next.symlink_metadata()?;
            if metadata.is_symlink() {
                self.judge_owner(&next, &metadata)?;
                links += 1;
                if links > LINKS {
                    return Err(io::Error::other("too many symbolic links").into());
                }
                rest.extend(steps(&next.read_link()?));
                continue;
            }
            if rest.is_empty() {
                self.judge_owner(&next, &metadata)?;
            } else {
                self.judge(&next, &metadata, Rule::Passable)?;
            }
            real = next;
        }
        Ok(real)
    }

    fn judge_owner(&self, path: &Path, metadata: &Metadata) -> Result<(), Distrust> {
        if self.uids.contains(&metadata.uid()) {
            return Ok(());
        }
        Err(Distrust::Owner {
            path: path.to_owned(),
            owner: Accounts::read().user(metadata.uid()),
        })
    }

    fn judge(&self, path: &Path, metadata: &Metadata, rule: Rule) -> Result<(), Distrust> {
        self.judge_owner(path, metadata)?;
        let mut facts = Facts {
            uid: metadata.uid(),
            gid: metadata.gid(),
            mode: metadata.mode(),
            has_acl: false,
        };
        if facts.mode & 0o022 == 0 {
            return Ok(());
        }
        facts.has_acl = has_acl(path);
        let accounts = Accounts::read();
        let Some(fault) = self.fault(facts, rule, &accounts) else {
            return Ok(());
        };
        let path = path.to_owned();
        Err(match (fault, facts.named(&accounts)) {
            (Fault::Everyone | Fault::Group, Some(by)) => Distrust::Writable { path, by },
            _ => Distrust::Owner {
                path,
                owner: accounts.user(facts.uid),
            },
        })
    }

    /// The decision, without any looking.
    fn fault(&self, facts: Facts, rule: Rule, accounts: &Accounts) -> Option<Fault> {
        if !self.uids.contains(&facts.uid) {
            return Some(Fault::Owner);
        }
        if rule == Rule::Passable && facts.mode & STICKY != 0 {
            return None;
        }
        facts.others(accounts)
    }
}

impl Facts {
    /// Whether others than the owner may write it.
    fn others(self, accounts: &Accounts) -> Option<Fault> {
        if self.mode & 0o002 != 0 {
            return Some(Fault::Everyone);
        }
        // With an ACL the bits of the group are the most that anybody in the list may do.
        let is_private = !self.has_acl && accounts.is_private(self.gid, self.uid);
        (self.mode & 0o020 != 0 && !is_private).then_some(Fault::Group)
    }

    /// Those others, in a sentence.
    fn named(self, accounts: &Accounts) -> Option<String> {
        Some(match self.others(accounts)? {
            Fault::Owner => accounts.user(self.uid),
            Fault::Everyone => "everyone".to_owned(),
            Fault::Group if self.has_acl => {
                format!("{}, or whom its ACL names", accounts.group(self.gid))
            }
            Fault::Group => accounts.group(self.gid),
        })
    }
}

/// Who besides its owner may write what is open, in a sentence; nothing if nobody may.
pub fn writers(open: impl AsFd) -> io::Result<Option<String>> {
    let open = File::from(open.as_fd().try_clone_to_owned()?);
    let metadata = open.metadata()?;
    Ok(writers_of(&metadata, || is_there(read_acl(&open))))
}

/// The same of what a path leads to.
pub fn writers_at(path: &Path) -> io::Result<Option<String>> {
    let metadata = path.metadata()?;
    Ok(writers_of(&metadata, || has_acl(path)))
}

fn writers_of(metadata: &Metadata, has_acl: impl FnOnce() -> bool) -> Option<String> {
    let mut facts = Facts {
        uid: metadata.uid(),
        gid: metadata.gid(),
        mode: metadata.mode(),
        has_acl: false,
    };
    if facts.mode & 0o022 == 0 {
        return None;
    }
    facts.has_acl = has_acl();
    facts.named(&Accounts::read())
}

/// Makes a file that is not there yet, and its folder; under no umask others may write it: it would not be obeyed.
pub fn create_new(path: &Path) -> io::Result<File> {
    fs::create_dir_all(folder_of(path))?;
    File::options()
        .write(true)
        .create_new(true)
        .mode(0o644)
        .open(path)
}

/// Writes a file whole or not at all, and makes its folder, in the place of whatever has its name: a link there is replaced, not followed.
/// Whoever may read the folder may read it, as far as the umask lets them.
pub fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    fs::create_dir_all(folder_of(path))?;
    let mut partial = tempfile::Builder::new()
        .permissions(Permissions::from_mode(0o666))
        .tempfile_in(folder_of(path))?;
    partial.write_all(bytes)?;
    // A default access list of the folder counts in the place of the umask.
    let mode = partial.as_file().metadata()?.mode();
    if mode & 0o022 != 0 {
        let kept = Permissions::from_mode(mode & 0o755);
        partial.as_file().set_permissions(kept)?;
    }
    partial.persist(path)?;
    Ok(())
}

/// The folder of a file that is to be written.
fn folder_of(path: &Path) -> &Path {
    path.parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."))
}

/// The steps of a path, the last one first.
fn steps(path: &Path) -> Vec<OsString> {
    let mut steps: Vec<OsString> = path
        .components()
        .filter(|step| !matches!(step, Component::CurDir))
        .map(|step| step.as_os_str().to_owned())
        .collect();
    steps.reverse();
    steps
}

/// Where Linux keeps an access list, beyond what the mode tells.
#[cfg(target_os = "linux")]
const ACL: &str = "system.posix_acl_access";

#[cfg(target_os = "linux")]
fn has_acl(path: &Path) -> bool {
    is_there(rustix::fs::getxattr(path, ACL, &mut [0_u8; 1]))
}

#[cfg(target_os = "linux")]
fn read_acl(open: &File) -> rustix::io::Result<usize> {
    rustix::fs::fgetxattr(open, ACL, &mut [0_u8; 1])
}

/// Elsewhere such lists are not in the bits of the group.
#[cfg(not(target_os = "linux"))]
fn has_acl(_path: &Path) -> bool {
    false
}

#[cfg(not(target_os = "linux"))]
fn read_acl(_open: &File) -> rustix::io::Result<usize> {
    Err(Errno::NODATA)
}

/// Whether there is a list, going by an attempt to read one into a single byte, which holds none. What cannot be found
/// out may be there; only an empty room would always be answered with a length of nothing.
fn is_there(read: rustix::io::Result<usize>) -> bool {
    match read {
        Ok(length) => length > 0,
        // The file has none, or its file system has no such thing.
        Err(error) => ![Errno::NODATA, Errno::OPNOTSUPP, Errno::NOSYS].contains(&error),
    }
}

/// The users and groups of the system, as /etc/passwd and /etc/group have them; empty where it keeps them elsewhere.
struct Accounts {
    passwd: String,
    group: String,
}

impl Accounts {
    fn read() -> Self {
        let read = |path| std::fs::read_to_string(path).unwrap_or_default();
        Self {
            passwd: read("/etc/passwd"),
            group: read("/etc/group"),
        }
    }

    /// Name, number and first group of each user.
    fn users(&self) -> impl Iterator<Item = (&str, u32, u32)> {
        self.passwd.lines().filter_map(|line| {
            let mut fields = line.split(':');
            let name = fields.next()?;
            let uid = fields.nth(1)?.parse().ok()?;
            Some((name, uid, fields.next()?.parse().ok()?))
        })
    }

    /// Name, number and members of each group, without those who have it as their first one.
    fn groups(&self) -> impl Iterator<Item = (&str, u32, &str)> {
        self.group.lines().filter_map(|line| {
            let mut fields = line.split(':');
            let name = fields.next()?;
            let gid = fields.nth(1)?.parse().ok()?;
            Some((name, gid, fields.next().unwrap_or_default()))
        })
    }

    /// Whether a group has nobody in it but this user, as groups made with their user have. A user that is in no
    /// file, as in a container, has the group of its own number.
    fn is_private(&self, gid: u32, uid: u32) -> bool {
        let owner = self.users().find(|(_, number, _)| *number == uid);
        let is_own = match owner {
            Some((_, _, first)) => first == gid,
            None => uid == gid,
        };
        let name = owner.map_or("", |(name, _, _)| name);
        is_own
            && self
                .users()
                .all(|(_, number, first)| number == uid || first != gid)
            && self
                .groups()
                .filter(|(_, number, _)| *number == gid)
                .flat_map(|(_, _, members)| members.split(','))
                .all(|member| member.is_empty() || member == name)
    }

    /// What a user is called, in a sentence.
    fn user(&self, uid: u32) -> String {
        let mut users = self.users();
        users
            .find(|(_, number, _)| *number == uid)
            .map_or_else(|| format!("uid {uid}"), |(name, _, _)| name.to_owned())
    }

    /// What a group is called, in a sentence.
    fn group(&self, gid: u32) -> String {
        let mut groups = self.groups();
        let name = groups
            .find(|(_, number, _)| *number == gid)
            .map_or_else(|| format!("gid {gid}"), |(name, _, _)| name.to_owned());
        format!("the group {name}")
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    const SAM: u32 = 1001;
    const MALLORY: u32 = 1002;

    fn accounts() -> Accounts {
        Accounts {
            passwd: "root:x:0:0:root:/root:/bin/sh\nsam:x:1001:1001::/home/sam:/bin/sh\n\
                     mallory:x:1002:1002::/:/bin/sh\nstaff:x:1003:50::/:/bin/sh\n\
                     kim:x:1004:50::/:/bin/sh\nlee:x:1005:1005::/:/bin/sh\n"
                .to_owned(),
            group:
                "root:x:0:\nstaff:x:50:\nsam:x:1001:sam\nmallory:x:1002:\nlee:x:1005:lee,mallory\n"
                    .to_owned(),
        }
    }

    fn fault(caller: &Caller, uid: u32, gid: u32, mode: u32) -> Option<Fault> {
        let facts = Facts {
            uid,
            gid,
            mode,
            has_acl: false,
        };
        caller.fault(facts, Rule::Closed, &accounts())
    }

    #[test]
    fn files_of_the_caller_and_of_root_count() {
        let sam = Caller::new(SAM, None);
        assert_eq!(fault(&sam, SAM, SAM, 0o644), None);
        assert_eq!(fault(&sam, 0, 0, 0o644), None);
        assert_eq!(fault(&sam, MALLORY, MALLORY, 0o644), Some(Fault::Owner));
        // Whoever can read it only by its group does not own it either.
        assert_eq!(fault(&sam, MALLORY, SAM, 0o640), Some(Fault::Owner));
        assert_eq!(
            fault(&Caller::new(0, None), SAM, SAM, 0o644),
            Some(Fault::Owner)
        );
    }

    #[test]
    fn only_root_works_for_somebody_else() {
        assert_eq!(fault(&Caller::new(0, Some(SAM)), SAM, SAM, 0o644), None);
        let mallory = Caller::new(MALLORY, Some(SAM));
        assert_eq!(fault(&mallory, SAM, SAM, 0o644), Some(Fault::Owner));
        assert_eq!(
            fault(&Caller::new(0, Some(SAM)), MALLORY, MALLORY, 0o644),
            Some(Fault::Owner)
        );
    }

    #[test]
    fn a_group_may_write_if_its_owner_is_alone_in_it() {
        let sam = Caller::new(SAM, None);
        // umask 002
        assert_eq!(fault(&sam, SAM, SAM, 0o664), None);
        assert_eq!(fault(&sam, SAM, SAM, 0o2775), None);
        assert_eq!(fault(&sam, SAM, 50, 0o664), Some(Fault::Group));
        assert_eq!(fault(&sam, SAM, 50, 0o644), None);
        assert_eq!(fault(&sam, SAM, MALLORY, 0o664), Some(Fault::Group));
        // A first group that others have as well, or that has other members.
        assert_eq!(
            fault(&Caller::new(1004, None), 1004, 50, 0o664),
            Some(Fault::Group)
        );
        assert_eq!(
            fault(&Caller::new(1005, None), 1005, 1005, 0o664),
            Some(Fault::Group)
        );
        // A user that is in no file.
        assert_eq!(fault(&Caller::new(7000, None), 7000, 7000, 0o664), None);
        assert_eq!(
            fault(&Caller::new(7000, None), 7000, 7001, 0o664),
            Some(Fault::Group)
        );
        assert_eq!(fault(&sam, 0, 0, 0o664), None);
    }

    #[test]
    fn an_acl_makes_the_bits_of_the_group_those_of_others() {
        let facts = Facts {
            uid: SAM,
            gid: SAM,
            mode: 0o664,
            has_acl: true,
        };
        let sam = Caller::new(SAM, None);
        assert_eq!(
            sam.fault(facts, Rule::Closed, &accounts()),
            Some(Fault::Group)
        );
    }

    #[test]
    fn an_acl_is_there_unless_it_is_certainly_not() {
        assert!(is_there(Ok(1)));
        assert!(is_there(Err(Errno::RANGE)));
        assert!(is_there(Err(Errno::ACCESS)));
        for none in [Errno::NODATA, Errno::OPNOTSUPP, Errno::NOSYS] {
            assert!(!is_there(Err(none)));
        }
        assert!(!is_there(Ok(0)));
    }

    #[test]
    fn everyone_may_only_add_to_a_folder_on_the_way() {
        let sam = Caller::new(SAM, None);
        let on_the_way = |mode| {
            let facts = Facts {
                uid: 0,
                gid: 0,
                mode,
                has_acl: false,
            };
            sam.fault(facts, Rule::Passable, &accounts())
        };
        assert_eq!(on_the_way(0o1777), None);
        assert_eq!(on_the_way(0o777), Some(Fault::Everyone));
        assert_eq!(on_the_way(0o757), Some(Fault::Everyone));
        assert_eq!(fault(&sam, 0, 0, 0o1777), Some(Fault::Everyone));
        assert_eq!(fault(&sam, SAM, SAM, 0o666), Some(Fault::Everyone));
    }

    /// A folder of ours, whatever the umask.
    fn folder() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::Builder::new()
            .tempdir_in("/tmp")
            .expect("a folder");
        let path = folder.path().canonicalize().expect("is there");
        mode(&path, 0o755);
        (folder, path)
    }

    fn mode(path: &Path, mode: u32) {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("is set");
    }

    fn us() -> Caller {
        Caller::new(rustix::process::geteuid().as_raw(), None)
    }

    fn refusal(path: &Path) -> Option<String> {
        us().open(path).err().map(|distrust| distrust.to_string())
    }

    #[test]
    fn every_folder_on_the_way_counts() {
        let (_kept, folder) = folder();
        let deep = folder.join("a/b");
        std::fs::create_dir_all(&deep).expect("is made");
        let file = deep.join("f");
        std::fs::write(&file, "x").expect("is written");
        for path in [&file, &deep, &folder.join("a"), &folder] {
            let before = path.metadata().expect("is there").mode();
            mode(path, before & !0o022);
        }
        assert_eq!(refusal(&file), None);
        for open in [&file, &deep, &folder.join("a"), &folder] {
            let before = open.metadata().expect("is there").mode();
            mode(open, before | 0o002);
            let refusal = refusal(&file).expect("is refused");
            assert_eq!(
                refusal,
                format!("{} can be written by everyone", open.display())
            );
            mode(open, before);
        }
        // As /tmp is.
        mode(&folder, 0o1777);
        assert_eq!(refusal(&file), None);
    }

    #[test]
    fn a_link_leads_where_nobody_else_can_change_it() {
        let (_kept, folder) = folder();
        let (_elsewhere_kept, elsewhere) = self::folder();
        std::fs::write(elsewhere.join("f"), "x").expect("is written");
        mode(&elsewhere.join("f"), 0o644);
        symlink(&elsewhere, folder.join("d")).expect("is made");
        symlink("d/../d/f", folder.join("l")).expect("is made");
        // `d/..` is where the link leads to, not where it is.
        let name = elsewhere.file_name().expect("has a name").to_owned();
        std::fs::remove_file(folder.join("l")).expect("is removed");
        symlink(Path::new("d/..").join(name).join("f"), folder.join("l")).expect("is made");
        assert_eq!(refusal(&folder.join("l")), None);
        mode(&elsewhere, 0o777);
        assert_eq!(
            refusal(&folder.join("l")),
            Some(format!(
                "{} can be written by everyone",
                elsewhere.display()
            ))
        );
        symlink("loop", folder.join("loop")).expect("is made");
        assert_eq!(
            refusal(&folder.join("loop")).as_deref(),
            Some("too many symbolic links")
        );
    }

    #[test]
    fn a_pipe_holds_nobody_up() {
        let (_kept, folder) = folder();
        let pipe = folder.join("p");
        let made = std::process::Command::new("mkfifo")
            .args(["-m", "600"])
            .arg(&pipe)
            .status();
        assert!(made.expect("can be run").success());
        assert_eq!(refusal(&pipe).as_deref(), Some("it is not a file"));
    }
}
