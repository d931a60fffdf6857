//! `backup create`.

use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use insta::assert_snapshot;

use crate::support::version::{major, other_programs};
use crate::support::{Database, Folder, Tool, server};

#[test]
fn takes_a_backup_that_restores_to_the_same_rows() {
    let database = Database::seeded();
    let tool = Tool::new().on(&database);
    let told = tool
        .run(&["backup", "create", "--to", "b"])
        .ok()
        .to_string();
    let told = told
        .replace(&format!("{}-S", database.name), "DB-S")
        .replace(&format!("  {}\n", database.name), "  DB\n")
        // From version to version an archive is a little larger or smaller.
        .replace("1.7 MB", "1.6 MB");
    assert_snapshot!(told, @"
    -- stdout
    file  b/DB-STAMP.dump
    manifest  b/DB-STAMP.json
    environment  DB
    taken at  NOW
    last migration  013_public_is_closed
    tables  14
    rows  48,410
    bytes  1.6 MB
    sha256  SHA256
    checked  yes
    -- stderr
    -> (url)  SOCKET/DB as postgres
    the dump was read back from the disk and has the hash of its manifest
    -- exit 0
    ");
    let files = tool.folder().list("b");
    assert_eq!(files.len(), 2, "{files:?}");
    let manifest: serde_json::Value =
        serde_json::from_slice(&std::fs::read(tool.path().join("b").join(&files[1])).unwrap())
            .unwrap();
    let keys: Vec<&String> = manifest.as_object().unwrap().keys().collect();
    assert_eq!(
        keys,
        [
            "format",
            "name",
            "environment",
            "taken_at",
            "duration_ms",
            "tool_version",
            "server",
            "pg_dump",
            "last_migration",
            "schema_as_left",
            "tables",
            "file",
            "bytes",
            "sha256"
        ]
    );
    let dump = tool.path().join("b").join(&files[0]);
    let sum = Command::new("sha256sum").arg(&dump).output().unwrap();
    assert!(
        String::from_utf8(sum.stdout)
            .unwrap()
            .starts_with(manifest["sha256"].as_str().unwrap())
    );
    for file in &files {
        assert_eq!(
            std::fs::metadata(tool.path().join("b").join(file))
                .unwrap()
                .permissions()
                .mode()
                & 0o777,
            0o600
        );
    }
    let restored = Database::empty();
    let status = Command::new(server::bin().join("pg_restore"))
        .args(["--exit-on-error", "-U", "postgres", "-h"])
        .arg(Database::socket())
        .args(["-d", &restored.name])
        .arg(&dump)
        .status()
        .unwrap();
    assert!(status.success());
    for table in manifest["tables"].as_array().unwrap() {
        let name = format!(
            "{}.{}",
            table["schema"].as_str().unwrap(),
            table["name"].as_str().unwrap()
        );
        assert_eq!(
            restored.value(&format!("select count(*) from {name}")),
            table["rows"].to_string(),
            "{name}"
        );
    }
    assert_eq!(manifest["tables"].as_array().unwrap().len(), 14);
}

#[test]
fn the_counts_are_those_of_the_dump_while_others_write() {
    let database = Database::seeded();
    let tool = Tool::new().on(&database);
    let writer = database.session("select 1");
    let child = tool.spawn(&["backup", "create", "--to", "b", "-o", "json"]);
    for _ in 0..300 {
        writer.sql("insert into users (email, password_hash) values (gen_random_uuid() || '@example.com', 'x')");
    }
    let taken = tool.outcome(child).ok().json();
    let counted = taken["manifest"]["tables"]
        .as_array()
        .unwrap()
        .iter()
        .find(|table| table["name"] == "users")
        .unwrap()["rows"]
        .to_string();
    let dump = tool.folder().list("b")[0].clone();
    let output = Command::new(server::bin().join("pg_restore"))
        .args(["-a", "-t", "users", "-f", "-"])
        .arg(tool.path().join("b").join(dump))
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let rows = text
        .lines()
        .skip_while(|line| !line.starts_with("COPY"))
        .skip(1)
        .take_while(|line| *line != "\\.")
        .count();
    assert_eq!(rows.to_string(), counted);
}

#[test]
fn an_older_pg_dump_is_refused_before_it_starts() {
    let database = Database::migrated();
    let folder = Folder::new();
    let old = folder.write("pg_dump", "#!/bin/sh\ncase \"$1\" in --version) echo 'pg_dump (PostgreSQL) 9.6.24';; *) touch \"$0.started\";; esac\n");
    std::fs::set_permissions(&old, std::fs::Permissions::from_mode(0o755)).unwrap();
    let tool = Tool::new()
        .on(&database)
        .env("TOYSOLDIERS_PG_BIN", folder.path().to_str().unwrap());
    let outcome = tool.run(&["backup", "create", "--to", "b"]).code(6);
    assert!(
        outcome
            .stderr
            .contains("error: pg_dump 9.6.24 is older than the server, which is "),
        "{outcome}"
    );
    assert!(outcome.stderr.contains("hint: install them: "), "{outcome}");
    assert!(!folder.path().join("pg_dump.started").exists());
    assert_eq!(tool.folder().list("b"), [""; 0]);
}

#[test]
fn a_dump_that_fails_leaves_nothing_that_looks_like_a_backup() {
    let database = Database::migrated();
    let folder = Folder::new();
    // As pg_dump does: says its version, writes half a file, complains, fails.
    let script = format!(
        "#!/bin/sh\ncase \"$1\" in --version) echo 'pg_dump (PostgreSQL) {}.99'; exit;; esac\n\
        echo half\necho 'pg_dump: error: out of luck' >&2\nexit 1\n",
        major()
    );
    let broken = folder.write("pg_dump", script);
    std::fs::set_permissions(&broken, std::fs::Permissions::from_mode(0o755)).unwrap();
    let tool = Tool::new()
        .on(&database)
        .env("TOYSOLDIERS_PG_BIN", folder.path().to_str().unwrap());
    assert_snapshot!(tool.run(&["backup", "create", "--to", "b"]), @"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    error: pg_dump failed
      caused by: out of luck
      note: nothing was kept
    -- exit 1
    ");
    assert_eq!(tool.folder().list("b"), [""; 0]);
}

#[test]
fn an_interrupted_dump_leaves_nothing_and_nobody_at_work() {
    let database = Database::migrated();
    let tool = Tool::new().on(&database);
    let child = {
        let folder = Folder::new();
        let script = "#!/bin/sh\ncase \"$1\" in --version) echo 'pg_dump (PostgreSQL) 99.1'; exit;; esac\n\
            echo half\necho $$ > \"$0.pid\"\nexec sleep 600\n";
        let slow = folder.write("pg_dump", script);
        std::fs::set_permissions(&slow, std::fs::Permissions::from_mode(0o755)).unwrap();
        let mut command = tool.command(&["backup", "create", "--to", "b"]);
        let child = command
            .env("TOYSOLDIERS_PG_BIN", folder.path())
            .spawn()
            .unwrap();
        let pid_file = folder.path().join("pg_dump.pid");
        while std::fs::read_to_string(&pid_file)
            .unwrap_or_default()
            .is_empty()
        {
            std::thread::yield_now();
        }
        let sleeper: i32 = std::fs::read_to_string(&pid_file)
            .unwrap()
            .trim()
            .parse()
            .unwrap();
        let pid = rustix::process::Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
        rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
        (child, sleeper)
    };
    let (child, sleeper) = child;
    // Whether there was something to cancel on the server depends on the moment.
    let outcome = tool.outcome(child).code(130);
    assert!(outcome.stderr.contains("error: interrupted\n"), "{outcome}");
    assert_eq!(tool.folder().list("b"), [""; 0]);
    let sleeper = rustix::process::Pid::from_raw(sleeper).unwrap();
    while rustix::process::test_kill_process(sleeper).is_ok() {
        std::thread::yield_now();
    }
    database.wait_until("select not exists (select from pg_stat_activity where datname = current_database() and application_name = 'toysoldiers')");
}

#[test]
fn the_password_is_on_no_command_line() {
    let database = Database::migrated();
    database.clerk();
    let folder = Folder::new();
    let script = format!(
        "#!/bin/sh\n[ \"$1\" = --version ] && exec {0} --version\ntr '\\0' ' ' < /proc/$$/cmdline > \"$0.cmdline\"\ntr '\\0' ' ' < /proc/$PPID/cmdline >> \"$0.cmdline\"\nexec {0} \"$@\"\n",
        server::bin().join("pg_dump").display()
    );
    let spy = folder.write("pg_dump", script);
    std::fs::set_permissions(&spy, std::fs::Permissions::from_mode(0o755)).unwrap();
    let tool = Tool::new()
        .env("TOYSOLDIERS_PG_BIN", folder.path().to_str().unwrap())
        .env("SECRET", "open sesame");
    tool.write(
        "toysoldiers.toml",
        format!(
            "[env.shop]\nurl = \"{}\"\npassword_env = \"SECRET\"\n",
            database.url_as("clerk")
        ),
    );
    let outcome = tool
        .run(&[
            "--env", "shop", "backup", "create", "--to", "b", "-o", "json",
        ])
        .ok();
    let seen = std::fs::read_to_string(folder.path().join("pg_dump.cmdline")).unwrap();
    assert!(seen.contains("--snapshot="), "{seen}");
    assert!(
        !seen.contains("sesame") && !outcome.to_string().contains("sesame"),
        "{seen}{outcome}"
    );
    let manifest = tool.folder().list("b").pop().unwrap();
    assert!(
        !std::fs::read_to_string(tool.path().join("b").join(manifest))
            .unwrap()
            .contains("sesame")
    );
}

#[test]
fn the_folder_of_the_file_is_the_default() {
    let database = Database::migrated();
    let tool = Tool::new();
    tool.write(
        "toysoldiers.toml",
        format!(
            "[env.shop]\nurl = \"{}\"\n[env.shop.backup]\ndestination = \"dumps\"\n",
            database.url()
        ),
    );
    tool.run(&["--env", "shop", "backup", "create"]).ok();
    assert_eq!(tool.folder().list("dumps").len(), 2);
    assert_snapshot!(tool.run(&["--env", "shop", "backup", "create", "--dry-run", "--to", "elsewhere"]).code(0).stdout.replace(&tool.path().display().to_string(), "HERE").split("  (by").next().unwrap(), @"
    plan: take a backup
      write elsewhere/shop-STAMP.dump
    ");
    assert_eq!(tool.folder().list("elsewhere"), [""; 0]);
}

#[test]
fn a_folder_that_cannot_be_made_is_an_error() {
    let database = Database::migrated();
    let tool = Tool::new().on(&database);
    tool.write("file", "");
    assert_snapshot!(tool.run(&["backup", "create", "--to", "file/b"]), @"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    error: cannot make the folder file/b
      caused by: not a directory
      hint: name a folder you may write to, with `--to` or as `destination` in `[env.NAME.backup]`
    -- exit 4
    ");
}

#[test]
fn backups_of_the_same_second_have_names_of_their_own() {
    let database = Database::migrated();
    let tool = Tool::new().on(&database);
    for _ in 0..3 {
        tool.run(&["backup", "create", "--to", "b"]).ok();
    }
    assert_eq!(tool.folder().list("b").len(), 6);
}

#[test]
#[cfg_attr(
    not(has_programs),
    ignore = "needs folders of PostgreSQL's programs of several versions in TOYSOLDIERS_TEST_PG_BINS, as a PATH"
)]
fn newer_programs_take_a_backup_and_bring_it_back_and_older_ones_do_not_try() {
    for (folder, program) in other_programs() {
        let database = Database::seeded();
        let tool = Tool::new().on(&database).env("TOYSOLDIERS_PG_BIN", &folder);
        let outcome = tool.run(&["backup", "create", "--to", "b", "-o", "json"]);
        if program.major < major() {
            let error = outcome.code(6);
            let older = format!(
                "pg_dump VERSION is older than the server, which is {}",
                major()
            );
            assert!(error.stderr.contains(&older), "{error}");
            assert_eq!(tool.folder().list("b"), [""; 0]);
            continue;
        }
        let told = outcome.ok().stderr;
        // What pg_restore sets since PostgreSQL 17 older servers do not know.
        let is_too_new = program.major >= 17 && major() < 17;
        assert_eq!(
            told.contains("can only be restored into PostgreSQL 17 or newer"),
            is_too_new,
            "{told}"
        );
        let into = format!("{}_restored", database.name);
        let restore = [
            "backup", "restore", "latest", "--from", "b", "--into", &into, "--yes", "-o", "json",
        ];
        let outcome = tool.run(&restore);
        if is_too_new {
            let hint = outcome.code(1).error_json()["error"]["hint"].take();
            let hint = hint.as_str().unwrap();
            assert!(
                hint.starts_with("restore into PostgreSQL 17 or newer; or"),
                "{hint}"
            );
            assert_eq!(
                database.value(&format!(
                    "select count(*) from pg_database where datname like '{into}%'"
                )),
                "0"
            );
            continue;
        }
        let restored = outcome.ok().json();
        // As many as the screen of the first test shows.
        assert_eq!(restored["rows"], 48_409, "{}", program.version);
        database.sql(&format!("drop database {into}"));
    }
}
