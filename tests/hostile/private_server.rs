//! The private server's account turns on root, and whoever can write in a folder on its user.

use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::os::unix::net::UnixListener;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};

use crate::local::Private;
use crate::support::tool::hear;
use crate::support::{Folder, Tool, server};

const SECRET: &str = "root:$y$j9T$secret:1::::::\n";

/// A file that only its owner may read, away from everything of the server's.
struct Secret {
    path: PathBuf,
    _folder: Folder,
}

impl Secret {
    fn new() -> Self {
        let folder = Folder::new();
        let path = folder.write("shadow", SECRET);
        set_mode(&path, 0o600);
        Self {
            path,
            _folder: folder,
        }
    }

    /// Nobody wrote in it, gave it away or opened it.
    fn check(&self) {
        assert_eq!(std::fs::read_to_string(&self.path).unwrap(), SECRET);
        let facts = std::fs::metadata(&self.path).unwrap();
        assert_eq!(facts.permissions().mode() & 0o777, 0o600);
        assert_eq!(facts.uid(), rustix::process::geteuid().as_raw());
    }
}

fn set_mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

/// User and permissions.
fn standing(path: &Path) -> (u32, u32) {
    let facts = std::fs::symlink_metadata(path).unwrap();
    (facts.uid(), facts.permissions().mode() & 0o777)
}

/// Leaves the folder as older versions did: for root it was the account's, which could do in it as it pleased.
fn as_older_versions_left_it(folder: &Path) {
    let Some((uid, gid)) = server::server_user() else {
        return;
    };
    chown(folder, Some(uid), Some(gid)).unwrap();
    set_mode(folder, 0o700);
    for name in ["lock", "server.log"] {
        if folder.join(name).exists() {
            set_mode(&folder.join(name), 0o644);
        }
    }
}

/// A private server that has run, and its folder.
fn stopped() -> (Private, PathBuf) {
    let private = Private::new();
    private.tool.run(&["local", "start"]).ok();
    private.tool.run(&["local", "stop"]).ok();
    let folder = private.folder();
    as_older_versions_left_it(&folder);
    (private, folder)
}

/// Puts another thing in the place of one.
fn replace(path: &Path, plant: impl FnOnce(&Path)) {
    let there = path.symlink_metadata();
    if there.as_ref().is_ok_and(std::fs::Metadata::is_dir) {
        std::fs::remove_dir_all(path).unwrap();
    } else if there.is_ok() {
        std::fs::remove_file(path).unwrap();
    }
    plant(path);
}

fn fifo(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

/// The commands that use the folder refuse, and name the reason.
fn refused(private: &Private, commands: &[&[&str]], name: &str, reason: &str) {
    for command in commands {
        let outcome = private.tool.run(command).code(6);
        for part in [
            &format!("error: cannot use HERE/local/{name}\n"),
            &format!("caused by: {reason}\n"),
            "hint: see whose it is with `ls -ld ",
        ] {
            assert!(outcome.stderr.contains(part), "{part}\n{outcome}");
        }
        assert!(!outcome.to_string().contains("secret"), "{outcome}");
    }
}

const START: &[&str] = &["local", "start"];
const STOP: &[&str] = &["local", "stop"];
const LOGS: &[&str] = &["local", "logs"];
const RESET: &[&str] = &["local", "reset", "--all", "--confirm", "local"];

#[test]
fn a_link_in_the_place_of_the_log_shows_and_changes_nothing() {
    let (private, folder) = stopped();
    let secret = Secret::new();
    let log = folder.join("server.log");
    replace(&log, |log| symlink(&secret.path, log).unwrap());
    refused(
        &private,
        &[LOGS, START],
        "server.log",
        "it is a symbolic link",
    );
    replace(&log, |log| {
        symlink("/tmp/ts-nobody-made-this", log).unwrap();
    });
    refused(
        &private,
        &[LOGS, START],
        "server.log",
        "it is a symbolic link",
    );
    assert!(!Path::new("/tmp/ts-nobody-made-this").exists());
    replace(&log, |log| std::fs::hard_link(&secret.path, log).unwrap());
    refused(
        &private,
        &[LOGS, START],
        "server.log",
        "it has another name elsewhere",
    );
    replace(&log, fifo);
    refused(
        &private,
        &[LOGS, START],
        "server.log",
        "it is no plain file",
    );
    replace(&log, |log| std::fs::create_dir(log).unwrap());
    refused(
        &private,
        &[LOGS, START],
        "server.log",
        "it is no plain file",
    );
    secret.check();
    std::fs::remove_dir(&log).unwrap();
    private.tool.run(START).ok();
}

#[test]
fn whatever_is_in_the_place_of_the_lock_is_refused_and_not_waited_for() {
    let (private, folder) = stopped();
    let secret = Secret::new();
    let lock = folder.join("lock");
    replace(&lock, |lock| symlink(&secret.path, lock).unwrap());
    refused(
        &private,
        &[START, STOP, RESET],
        "lock",
        "it is a symbolic link",
    );
    replace(&lock, |lock| {
        symlink("/tmp/ts-nobody-made-this", lock).unwrap();
    });
    refused(
        &private,
        &[START, STOP, RESET],
        "lock",
        "it is a symbolic link",
    );
    assert!(!Path::new("/tmp/ts-nobody-made-this").exists());
    replace(&lock, fifo);
    refused(
        &private,
        &[START, STOP, RESET],
        "lock",
        "it is no plain file",
    );
    // Somebody at the other end makes no difference.
    let _reader = std::fs::OpenOptions::new()
        .read(true)
        .write(true)
        .open(&lock)
        .unwrap();
    refused(
        &private,
        &[START, STOP, RESET],
        "lock",
        "it is no plain file",
    );
    replace(&lock, |lock| {
        std::fs::hard_link(&secret.path, lock).unwrap();
    });
    refused(&private, &[START], "lock", "it has another name elsewhere");
    secret.check();
    std::fs::remove_file(&lock).unwrap();
    private.tool.run(START).ok();
}

/// A process that is killed when the test ends.
struct Victim(Child);

impl Victim {
    fn new(command: &mut Command) -> Self {
        Self(command.arg("600").spawn().unwrap())
    }

    fn is_alive(&mut self) -> bool {
        self.0.try_wait().unwrap().is_none()
    }
}

impl Drop for Victim {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_pid_file_names_no_victim() {
    let private = Private::new();
    private.tool.run(START).ok();
    let data = private.folder().join("data");
    let file = data.join("postmaster.pid");
    let text = std::fs::read_to_string(&file).unwrap();
    let (own, rest) = text.split_once('\n').unwrap();
    // One that works elsewhere, one that works in the data, and one that the account itself started there.
    let mut victims = vec![
        Victim::new(&mut Command::new("sleep")),
        Victim::new(Command::new("sleep").current_dir(&data)),
    ];
    if let Some((uid, gid)) = server::server_user() {
        let mut command = Command::new("sleep");
        victims.push(Victim::new(command.uid(uid).gid(gid).current_dir(&data)));
    }
    let mut pids: Vec<String> = victims
        .iter()
        .map(|victim| victim.0.id().to_string())
        .collect();
    pids.extend(["-1", "0", "1", "nonsense"].map(str::to_owned));
    for pid in pids {
        std::fs::write(&file, format!("{pid}\n{rest}")).unwrap();
        let stopped = private.tool.run(&["local", "stop", "-o", "json"]).ok();
        assert_eq!(stopped.json()["changed"], false, "{pid}: {stopped}");
        assert_eq!(stopped.json()["pid"], serde_json::Value::Null, "{pid}");
        assert_eq!(private.sql("postgres", "select 1"), ["1"], "{pid}");
        assert!(victims.iter_mut().all(Victim::is_alive), "{pid}");
    }
    let secret = Secret::new();
    replace(&file, |file| {
        symlink(&secret.path, file).unwrap();
    });
    let stopped = private.tool.run(&["local", "stop", "-o", "json"]).ok();
    assert_eq!(stopped.json()["changed"], false, "{stopped}");
    replace(&file, |file| {
        std::fs::write(file, format!("{own}\n{rest}")).unwrap();
    });
    assert!(private.tool.run(STOP).ok().stderr.contains("is stopped"));
    assert!(victims.iter_mut().all(Victim::is_alive));
    secret.check();
}

#[test]
fn a_pid_file_that_is_a_pipe_holds_nobody_up() {
    let (private, folder) = stopped();
    fifo(&folder.join("data/postmaster.pid"));
    private.tool.run(START).ok();
    assert_eq!(private.sql("postgres", "select 1"), ["1"]);
}

#[test]
fn links_in_the_places_of_folders_lead_nowhere() {
    if server::server_user().is_none() {
        // Of one's own folders a link may be one: the data lies on another disk.
        let (private, folder) = stopped();
        std::fs::rename(folder.join("data"), private.tool.path().join("disk")).unwrap();
        symlink(private.tool.path().join("disk"), folder.join("data")).unwrap();
        private.tool.run(START).ok();
        assert!(private.tool.run(STOP).ok().stderr.contains("is stopped"));
        return;
    }
    let (private, folder) = stopped();
    let elsewhere = Folder::new();
    elsewhere.write("kept", "x");
    for name in ["data", "run"] {
        as_older_versions_left_it(&folder);
        replace(&folder.join(name), |path| {
            symlink(elsewhere.path(), path).unwrap();
        });
        refused(
            &private,
            &[START, STOP, LOGS, RESET],
            name,
            "it is no folder",
        );
        replace(&folder.join(name), |path| {
            std::fs::create_dir(path).unwrap();
        });
        let reason = "it belongs to root, and not to ";
        let outcome = private.tool.run(START).code(6);
        assert!(outcome.stderr.contains(reason), "{outcome}");
        std::fs::remove_dir(folder.join(name)).unwrap();
    }
    symlink(elsewhere.path(), folder.join("data.new")).unwrap();
    symlink(elsewhere.path(), folder.join("data.broken-1")).unwrap();
    symlink(elsewhere.path(), folder.join("data.deleted-1")).unwrap();
    private.tool.run(START).ok();
    private.tool.run(RESET).ok();
    assert_eq!(elsewhere.list(""), ["kept"]);
    assert_eq!(standing(elsewhere.path()), (0, 0o755));
}

#[test]
fn a_link_in_the_place_of_the_socket_leads_root_to_no_other_server() {
    if server::server_user().is_none() {
        // Nobody but the user can put one there.
        let (_private, folder) = stopped();
        assert_eq!(standing(&folder).1, 0o700);
        return;
    }
    let (private, folder) = stopped();
    let elsewhere = Folder::new();
    let socket = elsewhere.path().join("socket");
    let listener = UnixListener::bind(&socket).unwrap();
    symlink(&socket, folder.join("run/.s.PGSQL.5432")).unwrap();
    for command in [&["local", "status"][..], &["migrate", "status"]] {
        let outcome = private.tool.run(command).code(5);
        assert!(
            outcome
                .stderr
                .contains("the socket there is a process's of user 0, and not of user "),
            "{outcome}"
        );
    }
    drop(listener);
    // libpq is told too, for the children.
    std::fs::remove_file(folder.join("run/.s.PGSQL.5432")).unwrap();
    let told = private
        .tool
        .run(&["psql", "--yes", "-c", "\\! echo $PGREQUIREPEER"])
        .ok();
    assert!(
        ["postgres\n", "nobody\n"].contains(&told.stdout.as_str()),
        "{told}"
    );
}

#[test]
fn what_older_versions_left_is_taken_back_while_the_server_runs() {
    let private = Private::new();
    let tool = &private.tool;
    tool.run(&["migrate", "up"]).ok();
    tool.run(&["backup", "create"]).ok();
    let pid = private.pid();
    let folder = private.folder();
    as_older_versions_left_it(&folder);
    let root = server::server_user().is_some();
    let line = "warning: the folder HERE/local belonged to ";
    let outcome = tool.run(&["migrate", "status"]).ok();
    assert_eq!(outcome.stderr.contains(line), root, "{outcome}");
    let outcome = tool.run(&["backup", "create"]).ok();
    assert!(!outcome.stderr.contains(line), "{outcome}");
    assert_eq!(private.pid(), pid);
    assert!(tool.run(STOP).ok().stderr.contains("is stopped"));
    tool.run(START).ok();
    assert_eq!(
        private.sql(
            "toysoldiers",
            "select count(*) > 5 from toysoldiers.history"
        ),
        ["t"]
    );
    let us = rustix::process::geteuid().as_raw();
    let account = server::server_user().map_or(us, |(uid, _)| uid);
    for (name, standing_of) in [
        ("", (us, if root { 0o755 } else { 0o700 })),
        ("lock", (us, 0o600)),
        ("server.log", (us, 0o600)),
        ("backups", (us, 0o700)),
        ("data", (account, 0o700)),
        ("run", (account, 0o700)),
    ] {
        assert_eq!(standing(&folder.join(name)), standing_of, "{name}");
    }
    let backups = tool.folder().list("local/backups/local");
    assert_eq!(backups.len(), 4, "{backups:?}");
    for name in backups {
        let file = folder.join("backups/local").join(name);
        assert_eq!(standing(&file), (us, 0o600));
    }
}

#[test]
fn a_folder_that_a_backup_made_first_serves_the_server_too() {
    let database = crate::support::Database::migrated();
    let private = Private::new();
    let url = database.url();
    private
        .tool
        .run(&["--database-url", &url, "backup", "create"])
        .ok();
    private.tool.run(START).ok();
    assert_eq!(standing(&private.folder().join("backups")).1, 0o700);
}

#[test]
fn backups_of_root_that_somebody_else_may_have_written_are_not_used() {
    let Some((uid, gid)) = server::server_user() else {
        // They lie in the user's own folder.
        return;
    };
    let (private, folder) = stopped();
    let backups = folder.join("backups");
    let commands: &[&[&str]] = &[&["backup", "list"], &["backup", "create"]];
    std::fs::create_dir_all(backups.join("local")).unwrap();
    chown(&backups, Some(uid), Some(gid)).unwrap();
    for command in commands {
        let outcome = private.tool.run(command).code(6);
        assert!(
            outcome
                .stderr
                .contains("error: cannot use HERE/local/backups\n")
                && outcome.stderr.contains(", and not to root\n"),
            "{outcome}"
        );
    }
    let elsewhere = Folder::new();
    replace(&backups, |path| symlink(elsewhere.path(), path).unwrap());
    for command in commands {
        let outcome = private.tool.run(command).code(6);
        assert!(
            outcome.stderr.contains("it is a link, or no folder at all"),
            "{outcome}"
        );
    }
    assert_eq!(elsewhere.list(""), [""; 0]);
}

#[test]
fn root_takes_no_folder_that_others_can_swap_or_use_for_more() {
    let Some((uid, gid)) = server::server_user() else {
        return;
    };
    let refused = |folder: &Path, reason: &str| {
        let tool = Tool::new().env("TOYSOLDIERS_LOCAL_DIR", folder.to_str().unwrap());
        let before = standing(folder.parent().unwrap());
        for command in [START, &["backup", "list"]] {
            let outcome = tool.run(command).code(4);
            assert!(outcome.stderr.contains("cannot be used"), "{outcome}");
            assert!(outcome.stderr.contains(reason), "{outcome}");
            assert!(outcome.stderr.contains("hint: "), "{outcome}");
        }
        assert_eq!(standing(folder.parent().unwrap()), before);
    };
    let open = Folder::new();
    let below = open.path().join("below");
    std::fs::create_dir(&below).unwrap();
    set_mode(open.path(), 0o777);
    refused(&below, "may be written in by everyone");
    set_mode(open.path(), 0o755);
    set_mode(&below, 0o777);
    refused(&below, "everyone may write in it");
    set_mode(&below, 0o755);
    chown(open.path(), Some(uid), Some(gid)).unwrap();
    refused(&below, "could put another folder in its place");
    chown(open.path(), Some(0), Some(0)).unwrap();
    chown(&below, Some(1), Some(1)).unwrap();
    refused(&below, "neither to root nor to ");
    chown(&below, Some(uid), Some(gid)).unwrap();
    std::fs::write(below.join("15"), "another server's").unwrap();
    refused(&below, "it holds other things: 15");
    assert_eq!(standing(&below), (uid, 0o755));
}

#[test]
fn the_server_has_nothing_open_that_was_ours() {
    let private = Private::new();
    let secret = Secret::new();
    let mut command = Command::new("sh");
    command
        .args(["-c", "exec 9<\"$0\"; exec \"$@\""])
        .arg(&secret.path)
        .arg(env!("CARGO_BIN_EXE_toysoldiers"))
        .args(START);
    hear(private.tool.dress(&mut command));
    let started = private.tool.outcome(command.spawn().unwrap()).ok();
    assert!(!started.stderr.is_empty(), "{started}");
    let open = format!("/proc/{}/fd", private.pid().as_raw_nonzero());
    let open: Vec<_> = std::fs::read_dir(open)
        .unwrap()
        .filter_map(|file| std::fs::read_link(file.unwrap().path()).ok())
        .collect();
    assert!(!open.is_empty());
    assert!(!open.contains(&secret.path), "{open:?}");
    secret.check();
}
