//! `env pin`.

use std::os::unix::fs::{PermissionsExt, symlink};

use insta::assert_snapshot;

use crate::guard::{configured, first_version, said, stamp};
use crate::support::{Bouncer, Database, Server, Setup, Tool};

const PIN: [&str; 4] = ["--env", "shop", "env", "pin"];

fn file(tool: &Tool, database: &Database) -> String {
    let text = std::fs::read_to_string(tool.path().join("toysoldiers.toml")).unwrap();
    let fingerprint = database.value("select system_identifier from pg_control_system()");
    text.replace(&fingerprint, "FINGERPRINT")
        .replace(&database.url(), "URL")
}

#[test]
fn the_first_pin_asks_and_ties_both_sides() {
    let database = Database::migrated();
    let tool = configured(&[("shop", &database, "protected = true # always")]);
    let before = file(&tool, &database);
    assert_snapshot!(said(&tool, &database, &[&PIN[..], &["--dry-run"]].concat()), @"
    -- stdout
    plan: pin this server
      pin shop to FINGERPRINT  (in HERE/toysoldiers.toml)
      stamp shop  (the database has no stamp yet)
    -- stderr
    -> shop  SOCKET/DB as postgres  PROTECTED
    dry run: nothing was changed
    -- exit 0
    ");
    assert_snapshot!(said(&tool, &database, &PIN), @"
    -- stderr
    -> shop  SOCKET/DB as postgres  PROTECTED
    error: cannot pin this server without a yes: there is no terminal to ask on
      hint: agree with `--yes`
    -- exit 6
    ");
    assert_eq!(file(&tool, &database), before);
    assert_eq!(stamp(&database), "");
    assert_snapshot!(said(&tool, &database, &[&PIN[..], &["--yes"]].concat()), @"
    -- stdout
    environment  shop
    file  HERE/toysoldiers.toml
    fingerprint  FINGERPRINT
    stamp  shop
    changed  yes
    -- stderr
    -> shop  SOCKET/DB as postgres  PROTECTED
    from now on no other server passes for shop; commit the file
    -- exit 0
    ");
    assert_snapshot!(file(&tool, &database), @r#"
    [env.shop]
    url = "URL"
    protected = true # always
    fingerprint = "FINGERPRINT"
    "#);
    assert_eq!(
        database.sql("select actor ~ '@', action, details from toysoldiers.audit_log"),
        [r#"t|env pin|{"stamp": "shop", "before": null}"#]
    );
    // From now on it holds, and there is nothing left to do.
    tool.run(&["--env", "shop", "dashboard"]).ok();
    assert_snapshot!(said(&tool, &database, &PIN), @"
    -- stdout
    environment  shop
    file  HERE/toysoldiers.toml
    fingerprint  FINGERPRINT
    stamp  shop
    changed  no
    -- stderr
    -> shop  SOCKET/DB as postgres  PROTECTED
    nothing to do: shop and this server are tied together
    -- exit 0
    ");
}

#[test]
fn what_kept_somebody_out_is_replaced_by_name_only() {
    let database = Database::migrated();
    database.sql("update toysoldiers.installation set environment = 'production'");
    let tool = configured(&[(
        "shop",
        &database,
        "fingerprint = \"7710944152318583818\" # of May",
    )]);
    assert_snapshot!(said(&tool, &database, &[&PIN[..], &["--dry-run"]].concat()), @"
    -- stdout
    plan: pin this server and take its database from production
      pin shop to FINGERPRINT  (in HERE/toysoldiers.toml, instead of 7710944152318583818)
      stamp shop  (instead of production)
    -- stderr
    -> shop  SOCKET/DB as postgres
    dry run: nothing was changed
    -- exit 0
    ");
    assert_snapshot!(said(&tool, &database, &[&PIN[..], &["--yes"]].concat()), @"
    -- stderr
    -> shop  SOCKET/DB as postgres
    error: cannot pin this server and take its database from production without a confirmation: there is no terminal to ask on
      hint: confirm with `--confirm shop`
    -- exit 6
    ");
    tool.run(&[&PIN[..], &["--confirm", "production"]].concat())
        .code(6);
    let pinned = tool
        .run(&[&PIN[..], &["--confirm", "shop", "-o", "json"]].concat())
        .ok()
        .json();
    let keys: Vec<&String> = pinned.as_object().unwrap().keys().collect();
    assert_eq!(
        keys,
        [
            "environment",
            "file",
            "fingerprint",
            "fingerprint_before",
            "stamp",
            "stamp_before",
            "changed"
        ]
    );
    assert_eq!(pinned["fingerprint_before"], "7710944152318583818");
    assert_eq!(pinned["stamp_before"], "production");
    assert_eq!(pinned["stamp"], "shop");
    assert_eq!(stamp(&database), "shop");
    assert_snapshot!(file(&tool, &database), @r#"
    [env.shop]
    url = "URL"
    fingerprint = "FINGERPRINT" # of May
    "#);
}

#[test]
fn a_terminal_is_asked_for_the_name() {
    let database = Database::migrated();
    database.sql("update toysoldiers.installation set environment = 'production'");
    let tool = configured(&[("shop", &database, "")]);
    for (answer, code) in [("yes", 7), ("shop", 0)] {
        let mut terminal = tool.terminal(&PIN);
        terminal.exp_string("type shop to pin this server").unwrap();
        terminal.send_line(answer).unwrap();
        terminal.exp_eof().unwrap();
        let status = terminal.process.wait().unwrap();
        assert_eq!(
            status,
            rexpect::process::wait::WaitStatus::Exited(terminal.process.child_pid, code)
        );
    }
    assert_eq!(stamp(&database), "shop");
}

#[test]
fn what_no_file_describes_cannot_be_pinned() {
    let database = Database::empty();
    let tool = configured(&[("shop", &database, "")]);
    assert_snapshot!(tool.run(&["--database-url", &database.url(), "env", "pin"]), @"
    -- stderr
    error: a bare URL cannot be pinned: it is no environment
      note: nothing was changed
      hint: name an environment of toysoldiers.toml with `--env`
    -- exit 6
    ");
    assert_snapshot!(tool.run(&["--env", "local", "env", "pin"]), @"
    -- stderr
    error: local cannot be pinned: it is a database of the private server
      note: nothing was changed
      hint: name another environment of toysoldiers.toml with `--env`
    -- exit 6
    ");
}

#[test]
fn where_there_is_no_room_for_a_stamp_the_next_migrate_up_stamps() {
    let database = Database::empty();
    let tool = configured(&[("shop", &database, "")]);
    assert_snapshot!(said(&tool, &database, &[&PIN[..], &["--yes"]].concat()), @"
    -- stdout
    environment  shop
    file  HERE/toysoldiers.toml
    fingerprint  FINGERPRINT
    stamp  -
    changed  yes
    -- stderr
    -> shop  SOCKET/DB as postgres
    from now on no other server passes for shop; commit the file; the next `migrate up` stamps the database
    -- exit 0
    ");
    let database = Database::migrated();
    first_version(&database);
    let tool = configured(&[("shop", &database, "")]);
    let pinned = tool
        .run(&[&PIN[..], &["--yes", "-o", "json"]].concat())
        .ok()
        .json();
    assert!(pinned["stamp"].is_null() && pinned["changed"] == true);
}

#[test]
fn a_server_that_does_not_tell_its_fingerprint_can_only_be_stamped() {
    // Of its own, since what a role may run is taken from all.
    let server = Server::start(&Setup::new());
    let database = Database::on(&server);
    database.migrate();
    database.sql(
        "revoke execute on function pg_control_system() from public;
         create role keeper login;
         grant usage on schema toysoldiers to keeper;
         grant all on all tables in schema toysoldiers to keeper;",
    );
    let tool = configured(&[]).hiding(&database);
    tool.write(
        "toysoldiers.toml",
        format!("[env.shop]\nurl = \"{}\"\n", database.url_as("keeper")),
    );
    assert_snapshot!(tool.run(&[&PIN[..], &["--yes"]].concat()), @"
    -- stdout
    environment  shop
    file  HERE/toysoldiers.toml
    fingerprint  -
    stamp  shop
    changed  yes
    -- stderr
    -> shop  SOCKET/DB as keeper
    the database is stamped as shop's; the server does not tell its fingerprint: permission denied for function pg_control_system
    -- exit 0
    ");
    assert_snapshot!(tool.run(&[&PIN[..], &["--yes"]].concat()), @"
    -- stderr
    -> shop  SOCKET/DB as keeper
    error: the server does not tell its fingerprint
      note: permission denied for function pg_control_system
      note: nothing was changed
      hint: connect as a role that may run pg_control_system()
    -- exit 6
    ");
}

#[test]
fn the_file_keeps_its_mode_and_a_link_to_it_stays_one() {
    let database = Database::migrated();
    let tool = configured(&[("shop", &database, "")]);
    let path = tool.path().join("toysoldiers.toml");
    let real = tool.path().join("shared.toml");
    std::fs::rename(&path, &real).unwrap();
    std::fs::set_permissions(&real, std::fs::Permissions::from_mode(0o640)).unwrap();
    symlink("shared.toml", &path).unwrap();
    tool.run(&[&PIN[..], &["--yes"]].concat()).ok();
    assert!(path.symlink_metadata().unwrap().is_symlink());
    let metadata = real.metadata().unwrap();
    assert_eq!(metadata.permissions().mode() & 0o7777, 0o640);
    assert!(file(&tool, &database).contains("fingerprint = \"FINGERPRINT\""));
    // Nothing is left beside it.
    let names = tool.folder().list(".");
    assert_eq!(names, ["database", "shared.toml", "toysoldiers.toml"]);
}

#[test]
fn a_pooler_in_transaction_mode_will_do() {
    let database = Database::migrated();
    let bouncer = Bouncer::transaction(&database);
    let tool = configured(&[]);
    tool.write(
        "toysoldiers.toml",
        format!("[env.shop]\nurl = \"{}\"\n", bouncer.url()),
    );
    tool.run(&[&PIN[..], &["--yes"]].concat()).ok();
    assert_eq!(stamp(&database), "shop");
}
