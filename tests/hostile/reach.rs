//! What another user of the machine reaches through us: the terminal, and files that were meant to be others.

use std::fs::{self, Permissions};
use std::io::Read;
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rustix::fs::{XattrFlags, setxattr};

use crate::local::Private;
use crate::support::{Database, Folder, Tool, server};

/// A user of another number, whether the system knows it or not.
const STRANGER: u32 = 61_001;

const SECRET: &str = "root's own\n";

fn mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

/// Lets a stranger write by an access list, as `setfacl --modify u:61001:rwx` does: the mode shows it as the group's.
fn let_a_stranger_write(path: &Path) {
    const NOBODY: u32 = u32::MAX;
    let entries: [(u16, u16, u32); 5] = [
        (0x01, 7, NOBODY),
        (0x02, 7, STRANGER),
        (0x04, 5, NOBODY),
        (0x10, 7, NOBODY),
        (0x20, 5, NOBODY),
    ];
    let mut list = 2_u32.to_le_bytes().to_vec();
    for (tag, rights, id) in entries {
        list.extend(tag.to_le_bytes());
        list.extend(rights.to_le_bytes());
        list.extend(id.to_le_bytes());
    }
    let set = setxattr(path, "system.posix_acl_access", &list, XattrFlags::empty());
    set.unwrap_or_else(|error| panic!("{} keeps no access lists: {error}", path.display()));
    assert_eq!(path.metadata().unwrap().permissions().mode() & 0o020, 0o020);
}

/// PostgreSQL's programs, some of which do something before they do their work.
fn programs(folder: &Path, before: &[(&str, &str)]) -> PathBuf {
    let bin = folder.join("bin");
    fs::create_dir(&bin).unwrap();
    for entry in fs::read_dir(server::bin()).unwrap() {
        let program = entry.unwrap();
        let name = program.file_name().into_string().unwrap();
        let path = bin.join(&name);
        let Some((_, first)) = before.iter().find(|(known, _)| *known == name) else {
            symlink(program.path(), path).unwrap();
            continue;
        };
        let script = format!(
            "#!/bin/sh\n[ \"$1\" = --version ] && exec {0} --version\n{first}\nexec {0} \"$@\"\n",
            program.path().display()
        );
        fs::write(&path, script).unwrap();
        mode(&path, 0o755);
    }
    bin
}

#[test]
fn the_private_server_has_no_terminal_of_ours() {
    let mut private = Private::new();
    let trace = private.tool.write("trace", "");
    mode(private.tool.path(), 0o755);
    mode(&trace, 0o666);
    let look = format!(
        "if ( : > /dev/tty ) 2>/dev/null; then echo \"$(basename $0) has it\"; \
         else echo \"$(basename $0) has none\"; fi >> {}",
        trace.display()
    );
    let bin = programs(
        private.tool.path(),
        &[("initdb", &look), ("postgres", &look)],
    );
    private.tool = std::mem::replace(&mut private.tool, Tool::new())
        .env("TOYSOLDIERS_PG_BIN", bin.to_str().unwrap());
    let mut terminal = private.tool.terminal(&["local", "start"]);
    let said = terminal.exp_eof().unwrap();
    let traced = fs::read_to_string(&trace).unwrap();
    assert!(traced.contains("initdb has none\n"), "{traced}\n{said}");
    assert!(traced.contains("postgres has none\n"), "{traced}\n{said}");
    assert!(!traced.contains("has it"), "{traced}");
    // Of the running server the system says the same: it leads its session, and has no terminal.
    let file = fs::read_to_string(private.folder().join("data/postmaster.pid")).unwrap();
    let pid = file.lines().next().unwrap();
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let fields: Vec<&str> = stat.rsplit(") ").next().unwrap().split(' ').collect();
    assert_eq!((fields[3], fields[4]), (pid, "0"), "{stat}");
    private.tool.run(&["local", "stop"]).ok();
}

#[test]
fn a_program_that_cannot_be_started_apart_is_told() {
    let (mut reader, writer) = std::io::pipe().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_toysoldiers"));
    command
        .args(["--become-apart", "-", "-", "/nowhere/at/all"])
        .stdin(writer)
        .stdout(Stdio::piped());
    let child = command.spawn().unwrap();
    drop(command);
    let mut number = String::new();
    reader.read_to_string(&mut number).unwrap();
    assert_eq!(number, "2");
    assert!(!child.wait_with_output().unwrap().status.success());
}

#[test]
fn a_file_with_an_access_list_is_not_obeyed() {
    let tool = Tool::new();
    mode(tool.path(), 0o755);
    let file = tool.write(
        "toysoldiers.toml",
        "[env.shop]\nurl = \"postgresql://me@127.0.0.1:1/shop\"\n",
    );
    mode(&file, 0o644);
    tool.run(&["env", "list"]).ok();
    for what in [&file, tool.path()] {
        let before = what.metadata().unwrap().permissions().mode();
        let_a_stranger_write(what);
        let refused = tool.run(&["env", "list"]).code(4);
        assert!(refused.stderr.contains("is not obeyed"), "{refused}");
        assert!(
            refused.stderr.contains("or whom its ACL names"),
            "{refused}"
        );
        rustix::fs::removexattr(what, "system.posix_acl_access").unwrap();
        mode(what, before);
        tool.run(&["env", "list"]).ok();
    }
}

#[test]
fn root_takes_no_folder_with_an_access_list() {
    if server::server_user().is_none() {
        return;
    }
    let outer = Folder::new();
    mode(outer.path(), 0o755);
    let folder = outer.path().join("local");
    fs::create_dir(&folder).unwrap();
    mode(&folder, 0o755);
    let tool = Tool::new().env("TOYSOLDIERS_LOCAL_DIR", folder.to_str().unwrap());
    for (what, reason) in [
        (folder.as_path(), "or whom its ACL names may write in it"),
        (
            outer.path(),
            "or whom its ACL names, who could put another folder",
        ),
    ] {
        let_a_stranger_write(what);
        let refused = tool.run(&["local", "start"]).code(4);
        assert!(refused.stderr.contains(reason), "{refused}");
        rustix::fs::removexattr(what, "system.posix_acl_access").unwrap();
        mode(what, 0o755);
    }
    fs::create_dir(folder.join("backups")).unwrap();
    mode(&folder.join("backups"), 0o700);
    let_a_stranger_write(&folder.join("backups"));
    let refused = tool.run(&["backup", "list", "--env", "local"]).code(6);
    assert!(
        refused
            .stderr
            .contains("or whom its ACL names may write in it"),
        "{refused}"
    );
}

#[test]
fn backups_in_a_folder_that_a_group_or_an_access_list_opens_come_with_a_warning() {
    let database = Database::migrated();
    let tool = Tool::new().on(&database);
    let folder = tool.path().join("b");
    fs::create_dir(&folder).unwrap();
    mode(&folder, 0o700);
    let create = || tool.run(&["backup", "create", "--to", "b"]).ok().stderr;
    assert!(!create().contains("warning"));
    let_a_stranger_write(&folder);
    let said = create();
    assert!(
        said.contains("or whom its ACL names may write to b, and can take backups away"),
        "{said}"
    );
    rustix::fs::removexattr(&folder, "system.posix_acl_access").unwrap();
    if rustix::process::geteuid().is_root() {
        chown(&folder, None, Some(STRANGER)).unwrap();
        mode(&folder, 0o770);
        let said = create();
        let warning = format!("the group gid {STRANGER} may write to b");
        assert!(said.contains(&warning), "{said}");
    }
}

#[test]
fn a_dump_is_written_to_the_file_we_made_whatever_has_its_name() {
    let database = Database::seeded();
    let tool = Tool::new().on(&database);
    let target = tool.write("target", SECRET);
    let folder = tool.path().join("b");
    fs::create_dir(&folder).unwrap();
    mode(&folder, 0o777);
    // Whoever the folder belongs to does this between the making of the file and the start of pg_dump.
    let swap = format!(
        "for partial in {0}/*.partial; do ln -s {1} {0}/.x && mv -f {0}/.x \"$partial\" && touch {2}; done",
        folder.display(),
        target.display(),
        tool.path().join("swapped").display()
    );
    let bin = programs(tool.path(), &[("pg_dump", &swap)]);
    let tool = tool.env("TOYSOLDIERS_PG_BIN", bin.to_str().unwrap());
    let refused = tool.run(&["backup", "create", "--to", "b"]).code(1);
    assert!(tool.path().join("swapped").exists());
    assert!(
        refused
            .stderr
            .contains("somebody has put something else in the place of"),
        "{refused}"
    );
    assert_eq!(fs::read_to_string(&target).unwrap(), SECRET);
    let left = tool.folder().list("b");
    assert!(!left.iter().any(|name| name.contains(".dump")), "{left:?}");
}

#[test]
fn a_page_of_the_manual_follows_no_link() {
    let tool = Tool::new();
    let target = tool.write("target", SECRET);
    fs::create_dir(tool.path().join("man1")).unwrap();
    let page = tool.path().join("man1/toysoldiers.1");
    symlink(&target, &page).unwrap();
    symlink(
        tool.path().join("unborn"),
        tool.path().join("man1/toysoldiers-deploy.1"),
    )
    .unwrap();
    tool.run(&["man", "--to", "man1"]).ok();
    assert_eq!(fs::read_to_string(&target).unwrap(), SECRET);
    assert!(!tool.path().join("unborn").exists());
    assert!(page.symlink_metadata().unwrap().is_file());
    assert!(
        fs::read_to_string(&page)
            .unwrap()
            .contains(".TH toysoldiers 1")
    );
}
