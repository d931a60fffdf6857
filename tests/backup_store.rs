//! Where backups go: a folder, whoever may write to it, and no address of another kind yet.

use std::os::unix::fs::PermissionsExt;

use insta::assert_snapshot;

use crate::deploy::write;
use crate::guard::configured;
use crate::support::{Database, Tool};

/// An environment whose backups are to go to an object store.
fn with_object_store(lines: &str) -> (Database, Tool) {
    let database = Database::empty();
    let table =
        format!("[env.shop.backup]\ndestination = \"s3://KEY:SECRET@bucket/shop\"\n{lines}");
    let tool = configured(&[("shop", &database, &table)]).env("TOYSOLDIERS_ENV", "shop");
    std::fs::remove_file(tool.path().join("database/migrations/001_a.sql")).unwrap();
    write(&tool);
    (database, tool)
}

#[test]
fn an_address_of_another_kind_is_refused_and_no_folder_is_called_so() {
    let database = Database::migrated();
    let tool = Tool::new().on(&database);
    assert_snapshot!(tool.run(&["backup", "create", "--to", "s3://bucket/x"]), @"
    -- stderr
    error: `--to` names s3://..., and this version keeps backups in folders only
      note: nothing was written; object stores are not there yet
      hint: name a folder
    -- exit 2
    ");
    for args in [
        &[
            "backup",
            "create",
            "--to",
            "gs://KEY:SECRET@bucket",
            "--dry-run",
        ][..],
        &["backup", "create", "--to", "file:///tmp/x"],
        &["backup", "list", "--from", "s3://KEY:SECRET@bucket/x"],
        &[
            "backup", "restore", "latest", "--from", "az://x", "--into", "y",
        ],
        &["backup", "restore", "s3://bucket", "--into", "y"],
        &[
            "backup",
            "restore",
            "s3://KEY:SECRET@bucket/x.dump",
            "--into",
            "y",
        ],
    ] {
        let outcome = tool.run(args).code(2);
        assert!(outcome.stderr.contains("folders only"), "{outcome}");
        assert!(!outcome.stderr.contains("SECRET"), "{outcome}");
    }
    assert_eq!(tool.folder().list("."), [""; 0]);
    // Whoever means such a folder says so.
    tool.run(&["backup", "create", "--to", "./s3://x"]).ok();
    assert_eq!(tool.folder().list("s3:/x").len(), 2);
}

#[test]
fn a_destination_of_another_kind_is_refused_by_what_would_use_it() {
    let (database, tool) = with_object_store("before_migrate = true");
    for args in [
        &["backup", "create"][..],
        &["backup", "list"],
        &["backup", "restore", "latest", "--into", "x"],
        &["deploy"],
        &["deploy", "--backup"],
    ] {
        let outcome = tool.run(args).code(4);
        assert!(!outcome.to_string().contains("SECRET"), "{outcome}");
    }
    assert_snapshot!(tool.run(&["deploy", "--dry-run"]), @"
    -- stderr
    -> shop  SOCKET/DB as postgres
    error: `destination` in `[env.shop.backup]` names s3://..., and this version keeps backups in folders only
      note: nothing was written; object stores are not there yet
      hint: name a folder as `destination`
    -- exit 4
    ");
    assert_eq!(database.value("select to_regclass('items') is null"), "t");
    let shown = tool.run(&["env", "show"]).ok();
    assert!(
        shown.stdout.contains("s3://KEY:******@bucket/shop"),
        "{shown}"
    );
    // Nobody needs it for these.
    tool.run(&["migrate", "status"]).ok();
    tool.run(&["deploy", "--no-backup"]).ok();
    tool.run(&["deploy"]).ok();
    tool.run(&["backup", "create", "--to", "b"]).ok();
    let status = tool.run(&["status", "--check"]).ok();
    assert!(
        status
            .stdout
            .contains("backup  unknown  `destination` in `[env.shop.backup]` names s3://..."),
        "{status}"
    );
    assert!(!status.to_string().contains("SECRET"), "{status}");
}

#[test]
fn a_folder_that_others_may_write_to_is_named() {
    let database = Database::migrated();
    let tool = Tool::new().on(&database);
    std::fs::create_dir(tool.path().join("b")).unwrap();
    let may = |mode: u32| {
        let mode = std::fs::Permissions::from_mode(mode);
        std::fs::set_permissions(tool.path().join("b"), mode).unwrap();
    };
    may(0o777);
    let warning =
        "warning: everyone may write to b, and can take backups away or put others in their place";
    let outcome = tool.run(&["backup", "create", "--to", "b"]).ok();
    assert!(outcome.stderr.contains(warning), "{outcome}");
    let into = format!("{}_r", database.name);
    let restore = [
        "backup", "restore", "latest", "--from", "b", "--into", &into,
    ];
    let outcome = tool.run(&restore).ok();
    assert!(outcome.stderr.contains(warning), "{outcome}");
    may(0o1777);
    let outcome = tool.run(&["backup", "create", "--to", "b"]).ok();
    let warning = "everyone may write to b, and can put backups of their own there";
    assert!(outcome.stderr.contains(warning), "{outcome}");
    may(0o750);
    let outcome = tool.run(&["backup", "create", "--to", "b"]).ok();
    assert!(!outcome.stderr.contains("warning"), "{outcome}");
    let postgres = database.server.database("postgres");
    postgres.sql(&format!("drop database {into}"));
}

#[test]
fn what_is_no_file_is_no_backup_and_keeps_nobody_waiting() {
    let database = Database::migrated();
    let tool = Tool::new().on(&database);
    tool.run(&["backup", "create", "--to", "b"]).ok();
    let pipe = |name: &str| {
        let path = tool.path().join("b").join(name);
        let made = std::process::Command::new("mkfifo").arg(path).status();
        assert!(made.unwrap().success());
    };
    pipe("shop-20260303T000000Z.json");
    pipe("shop-20260303T000000Z.dump");
    let listed = tool.run(&["backup", "list", "--from", "b"]).ok();
    assert!(
        listed.stderr.contains("1 complete, 0 incomplete"),
        "{listed}"
    );
    let restore = [
        "backup",
        "restore",
        "shop-20260303T000000Z",
        "--from",
        "b",
        "--into",
        "y",
    ];
    tool.run(&restore).code(1);
    // A dump that became a pipe after its manifest was read.
    let dump = tool
        .folder()
        .list("b")
        .into_iter()
        .find(|name| name.contains(".dump") && !name.starts_with("shop-"));
    let dump = dump.unwrap();
    std::fs::remove_file(tool.path().join("b").join(&dump)).unwrap();
    pipe(&dump);
    tool.run(&["backup", "restore", "latest", "--from", "b", "--into", "y"])
        .code(1);
}
