//! Files of others: found by searching, they decide nothing.

use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};

use insta::assert_snapshot;

use crate::support::tool::{Outcome, hear};
use crate::support::{Database, Folder, Tool};

/// A user of another number, whether the system knows it or not.
const STRANGER: u32 = 61_001;

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

fn mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

/// Makes it a thing another user decides about: as root gives it away, else lets everyone write it. What is said of
/// it then.
fn betray(path: &Path) -> String {
    if is_root() {
        chown(path, Some(STRANGER), Some(STRANGER)).unwrap();
        format!("{} belongs to uid {STRANGER}", path.display())
    } else {
        let before = path.metadata().unwrap().permissions().mode();
        mode(path, before | 0o002);
        format!("{} can be written by everyone", path.display())
    }
}

/// The program in a folder `project/below`, its file above it with a password command that leaves a trace.
fn project() -> (Tool, PathBuf, PathBuf) {
    let tool = Tool::new();
    let root = tool.path().to_owned();
    let trace = root.join("trace");
    let file = tool.write(
        "project/toysoldiers.toml",
        format!(
            "default_env = \"shop\"\n[env.shop]\nurl = \"postgresql://me@127.0.0.1:1/shop\"\n\
             password_command = [\"touch\", \"{}\"]\n",
            trace.display()
        ),
    );
    std::fs::create_dir(root.join("project/below")).unwrap();
    for (path, is_folder) in [(&root.join("project"), true), (&file, false)] {
        mode(path, if is_folder { 0o755 } else { 0o644 });
    }
    (tool, file, trace)
}

/// Runs it in `project/below`, where `status` would run the password command.
fn run(tool: &Tool, args: &[&str]) -> Outcome {
    let mut command = tool.command(args);
    command.current_dir(tool.path().join("project/below"));
    tool.outcome(command.spawn().unwrap())
}

#[test]
fn a_file_that_another_user_decides_about_is_not_obeyed() {
    for what in ["project/toysoldiers.toml", "project", ""] {
        let (tool, file, trace) = project();
        run(&tool, &["status"]).code(4);
        assert!(trace.exists(), "this is what it would run");
        std::fs::remove_file(&trace).unwrap();
        let reason = betray(&tool.path().join(what));
        let reason = tool
            .redact(reason.trim_end_matches('/'))
            .replace("HERE/ ", "HERE ");
        for args in [
            &["status"][..],
            &["env", "list"],
            &["migrate", "up", "--dry-run"],
        ] {
            let refused = run(&tool, args).code(4);
            assert!(
                refused.stderr.contains("was found and is not obeyed"),
                "{refused}"
            );
            assert!(refused.stderr.contains(&reason), "{reason}\n{refused}");
            for way in ["`--config FILE`", "TOYSOLDIERS_CONFIG"] {
                assert!(refused.stderr.contains(way), "{refused}");
            }
        }
        assert!(!trace.exists());
        // Whoever names it means it.
        let named = file.display().to_string();
        run(&tool, &["env", "list", "--config", &named]).ok();
        run(&tool.env("TOYSOLDIERS_CONFIG", &named), &["env", "list"]).ok();
    }
}

#[test]
fn a_file_others_may_write_is_not_obeyed() {
    let (tool, file, _) = project();
    mode(&file, 0o666);
    assert_snapshot!(run(&tool, &["env", "list"]), @"
    -- stderr
    error: HERE/project/toysoldiers.toml was found and is not obeyed
      caused by: HERE/project/toysoldiers.toml can be written by everyone
      note: what is found without being named must belong to you or root, and be writable by nobody else
      hint: if you trust it, name it with `--config FILE` or TOYSOLDIERS_CONFIG
    -- exit 4
    ");
    mode(&file, 0o644);
    // As /tmp is: others cannot replace the file, but any of them could have been the first.
    mode(&tool.path().join("project"), 0o1777);
    run(&tool, &["env", "list"]).code(4);
    // On the way that does no harm.
    mode(&tool.path().join("project"), 0o755);
    mode(tool.path(), 0o1777);
    run(&tool, &["env", "list"]).ok();
    mode(tool.path(), 0o777);
    run(&tool, &["env", "list"]).code(4);
}

#[test]
fn the_group_of_its_own_that_a_user_has_may_write() {
    let (tool, file, _) = project();
    mode(&file, 0o664);
    mode(&tool.path().join("project"), 0o2775);
    run(&tool, &["env", "list"]).ok();
    if is_root() {
        // A group that root is not alone in.
        chown(&file, Some(0), Some(1)).unwrap();
        mode(&file, 0o664);
        let refused = run(&tool, &["env", "list"]).code(4);
        assert!(
            refused.stderr.contains("can be written by the group"),
            "{refused}"
        );
    }
}

#[test]
fn under_sudo_files_of_whom_root_works_for_count() {
    let (tool, file, _) = project();
    let reason = betray(&file);
    run(&tool, &["env", "list"]).code(4);
    let tool = tool.env("SUDO_UID", &STRANGER.to_string());
    if is_root() {
        run(&tool, &["env", "list"]).ok();
        let tool = tool.env("SUDO_UID", "61002");
        run(&tool, &["env", "list"]).code(4);
        for nonsense in ["", "-1", "0x1", "4294967296", "sam"] {
            let (tool, file, _) = project();
            betray(&file);
            run(&tool.env("SUDO_UID", nonsense), &["env", "list"]).code(4);
        }
    } else {
        let refused = run(&tool, &["env", "list"]).code(4);
        assert!(refused.stderr.contains(&tool.redact(&reason)), "{refused}");
    }
}

#[test]
fn a_link_is_followed_where_nobody_else_decides() {
    let (tool, file, _) = project();
    let elsewhere = tool.path().join("elsewhere");
    std::fs::create_dir(&elsewhere).unwrap();
    mode(&elsewhere, 0o755);
    let real = elsewhere.join("real.toml");
    std::fs::rename(&file, &real).unwrap();
    symlink("../elsewhere/real.toml", &file).unwrap();
    run(&tool, &["env", "list"]).ok();
    let reason = betray(&elsewhere);
    let refused = run(&tool, &["env", "list"]).code(4);
    assert!(refused.stderr.contains(&tool.redact(&reason)), "{refused}");
}

#[test]
fn a_planted_file_further_up_is_refused_and_not_passed_by() {
    let (tool, file, _) = project();
    let planted = tool.write("toysoldiers.toml", std::fs::read(&file).unwrap());
    std::fs::remove_file(&file).unwrap();
    mode(&planted, 0o666);
    run(&tool, &["env", "list"]).code(4);
    // A pipe is no file, and holds nobody up.
    std::fs::remove_file(&planted).unwrap();
    let made = std::process::Command::new("mkfifo").arg(&planted).status();
    assert!(made.unwrap().success());
    run(&tool, &["env", "list"]).ok();
}

#[test]
fn folders_that_were_found_are_obeyed_only_where_nobody_else_decides() {
    let database = Database::migrated();
    for (noun, file, command) in [
        ("migrations", "900_x.sql", &["migrate", "up"][..]),
        ("policies", "x.sql", &["policy", "apply"]),
        ("indexes", "x.sql", &["index", "apply"]),
    ] {
        for what in [
            "database",
            &format!("database/{noun}"),
            &format!("database/{noun}/{file}"),
        ] {
            let tool = Tool::new().on(&database);
            tool.write(
                &format!("database/{noun}/{file}"),
                "create table planted ();",
            );
            let reason = tool.redact(&betray(&tool.path().join(what)));
            let refused = tool.run(command).code(4);
            assert!(
                refused.stderr.contains("was found and is not obeyed"),
                "{refused}"
            );
            assert!(refused.stderr.contains(&reason), "{reason}\n{refused}");
            assert_eq!(
                database.value("select to_regclass('public.planted') is null"),
                "t"
            );
        }
    }
}

#[test]
fn a_folder_that_is_named_is_obeyed_and_so_is_what_lies_beside_a_file_that_is_named() {
    let tool = Tool::new();
    let migration = tool.write("database/migrations/001_a.sql", "create table a ();");
    let folder = migration.parent().unwrap().to_owned();
    let file = tool.write("toysoldiers.toml", "");
    for path in [&folder, &migration, &file] {
        betray(path);
    }
    if !is_root() {
        // Its owner is trusted with what lies beside it, but not everyone else.
        for path in [&folder, &migration] {
            let before = path.metadata().unwrap().permissions().mode();
            mode(path, before & !0o002);
        }
    }
    tool.run(&["migrate", "check"]).code(4);
    tool.run(&["migrate", "check", "--config", "toysoldiers.toml"])
        .ok();
    tool.run(&[
        "migrate",
        "check",
        "--config",
        "toysoldiers.toml",
        "--migrations",
        "database/migrations",
    ])
    .ok();
    mode(&folder, 0o777);
    let refused = tool
        .run(&["migrate", "check", "--config", "toysoldiers.toml"])
        .code(4);
    assert!(
        refused.stderr.contains("database/migrations was found"),
        "{refused}"
    );
    tool.write(
        "named.toml",
        "[migrations]\ndir = \"database/migrations\"\n",
    );
    tool.run(&["migrate", "check", "--config", "named.toml"])
        .ok();
}

#[test]
fn the_variable_names_the_file_unless_the_flag_does() {
    let elsewhere = Folder::new();
    let file = elsewhere.write("of_variable.toml", "default_env = \"demo\"\n");
    let tool = Tool::new().env("TOYSOLDIERS_CONFIG", &file.display().to_string());
    tool.write("toysoldiers.toml", "default_env = \"missing\"\n");
    tool.write("of_flag.toml", "default_env = \"local\"\n");
    let value = |args: &[&str]| {
        let shown = tool
            .run(&[args, &["env", "show", "-o", "json"]].concat())
            .ok()
            .json();
        let config = shown
            .as_array()
            .unwrap()
            .iter()
            .find(|value| value["key"] == "config");
        let config = config.unwrap().clone();
        (shown[0]["value"].clone(), config["origin"].clone())
    };
    assert_eq!(value(&[]), ("demo".into(), "TOYSOLDIERS_CONFIG".into()));
    assert_eq!(
        value(&["--config", "of_flag.toml"]),
        ("local".into(), "--config".into())
    );
    let missing = tool.env("TOYSOLDIERS_CONFIG", "missing.toml");
    missing.run(&["env", "list"]).code(4);
}

#[test]
fn what_we_write_is_obeyed_whatever_the_umask() {
    let tool = Tool::new();
    let run = |args: &str| {
        let mut command = std::process::Command::new("/bin/sh");
        command.args(["-c", &format!("umask 000; exec \"$0\" {args}")]);
        command.arg(env!("CARGO_BIN_EXE_toysoldiers"));
        hear(tool.dress(&mut command));
        tool.outcome(command.spawn().unwrap()).ok();
    };
    run("init");
    run("env list");
    std::fs::create_dir_all(tool.path().join("database/migrations")).unwrap();
    run("migrate new 'a change'");
    run("migrate check");
}

#[test]
fn what_others_put_into_a_repository_is_not_run() {
    let database = Database::empty();
    let tool = Tool::new().on(&database).env("PGPASSWORD", "hunter2");
    crate::deploy::write(&tool);
    let git = |words: &[&str]| {
        let identity = ["-c", "user.name=sam", "-c", "user.email=sam@example.com"];
        let mut command = std::process::Command::new("git");
        let output = tool.dress(command.args(identity).args(words)).output();
        assert!(output.unwrap().status.success(), "{words:?}");
    };
    git(&["init", "--quiet"]);
    git(&["add", "database"]);
    git(&["commit", "--quiet", "--message", "files"]);
    let ran = tool.path().join("ran");
    let filter = format!("env > {}; cat", ran.display());
    git(&["config", "filter.x.clean", &filter]);
    tool.write(".git/info/attributes", "*.sql filter=x\n");
    // Written anew, it is compared by what is in it.
    crate::deploy::write(&tool);
    git(&["read-tree", "HEAD"]);
    let repository = tool.path().join(".git");
    mode(&repository, 0o777);
    tool.run(&["deploy"]).ok();
    assert!(!ran.exists(), "{}", std::fs::read_to_string(&ran).unwrap());
    assert_eq!(
        database.sql("select length(revision), dirty is null from toysoldiers.deploys"),
        ["40|t"]
    );
    // One's own is run as git runs it, and is told no password.
    mode(&repository, 0o755);
    git(&["read-tree", "HEAD"]);
    let _ = std::fs::remove_file(&ran);
    tool.run(&["deploy"]).ok();
    let environment = std::fs::read_to_string(&ran).unwrap();
    assert!(!environment.contains("hunter2"), "{environment}");
}
