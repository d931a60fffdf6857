//! `backup restore`.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Child;

use insta::assert_snapshot;
use rustix::process::{Pid, Signal, kill_process};

use crate::support::{Database, Folder, Tool, server};

/// The program in an environment `shop`, which is this database, with a backup of it.
fn shop(database: &Database) -> Tool {
    let tool = Tool::new().hiding(database);
    configure(&tool, &database.url(), "");
    tool.run(&["backup", "create"]).ok();
    tool
}

fn configure(tool: &Tool, url: &str, more: &str) {
    tool.write(
        "toysoldiers.toml",
        format!(
            "default_env = \"shop\"\n[env.shop]\nurl = \"{url}\"\n{more}\n[env.shop.backup]\ndestination = \"b\"\n"
        ),
    );
}

/// The only file with this ending.
fn file(tool: &Tool, ending: &str) -> PathBuf {
    let name = tool
        .folder()
        .list("b")
        .into_iter()
        .find(|name| name.ends_with(ending));
    tool.path().join("b").join(name.unwrap())
}

/// A pg_restore that says its version and then does what the script says.
fn fake(script: &str) -> Folder {
    let folder = Folder::new();
    let text = format!(
        "#!/bin/sh\n[ \"$1\" = --version ] && echo 'pg_restore (PostgreSQL) 99.1' && exit\n{script}\n"
    );
    let path = folder.write("pg_restore", text);
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    folder
}

/// A pg_restore that is in the database, and at work for as long as the tests last.
fn tireless() -> Folder {
    fake(&format!(
        "cut -d' ' -f1,5 /proc/$$/stat > \"$0.ids\"\nexec {} -X -c 'select pg_sleep(600)' \"$4\"",
        server::bin().join("psql").display()
    ))
}

fn with(tool: &Tool, programs: &Folder, args: &[&str]) -> Child {
    tool.command(args)
        .env("TOYSOLDIERS_PG_BIN", programs.path())
        .spawn()
        .unwrap()
}

fn signal(child: &Child, signal: Signal) {
    let pid = Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
    kill_process(pid, signal).unwrap();
}

/// Databases whose names begin so.
fn databases(any: &Database, name: &str) -> Vec<String> {
    any.sql(&format!(
        "select datname from pg_database where starts_with(datname, '{name}') order by 1"
    ))
}

fn edit(path: &Path, change: impl FnOnce(&mut serde_json::Value)) {
    let mut manifest = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    change(&mut manifest);
    std::fs::write(path, manifest.to_string()).unwrap();
}

#[test]
fn the_new_database_is_the_old_one() {
    let database = Database::seeded();
    let tool = shop(&database);
    assert_snapshot!(tool.run(&["backup", "restore", "latest", "--into", "round_trip"]), @"
    -- stdout
    database  round_trip
    environment  shop
    backup  shop-STAMP
    tables  14
    rows  48,410
    duration DURATION
    checked  yes
    -- stderr
    -> shop  SOCKET/DB as postgres
    every table has the rows its manifest says; look at it with `toysoldiers dashboard --database round_trip`
    -- exit 0
    ");
    // What it says works, with the environment's guards; what changes something wants the environment's own.
    let looked = ["dashboard", "--database", "round_trip", "-o", "json"];
    assert_eq!(
        tool.run(&looked).ok().json()["totals"],
        tool.run(&["dashboard", "-o", "json"]).ok().json()["totals"]
    );
    assert_snapshot!(tool.run(&["--database", "round_trip", "user", "create", "a@example.com"]), @"
    -- stderr
    error: `user create` has no `--database`: it goes with what only reads, and with psql
      hint: leave out `--database` to work on the environment's own database
    -- exit 2
    ");
    let url = database.url();
    let address = ["--database-url", &url, "--database", "x", "dashboard"];
    assert_snapshot!(tool.run(&address), @"
    -- stderr
    error: `--database` names a database of an environment, and --database-url names one itself
      hint: write the name into the address
    -- exit 2
    ");
    let restored = database.server.database("round_trip");
    assert_eq!(databases(&database, "round_trip"), ["round_trip"]);
    // The restore itself is on record, and then as if it were not.
    assert_eq!(
        restored.sql("delete from toysoldiers.audit_log where action = 'backup restore' returning actor ~ '^[^@]+@', details ->> 'environment', details ->> 'backup' like 'shop-%'"),
        ["t|shop|t"]
    );
    // So is whose it is.
    assert_eq!(
        restored.sql("update toysoldiers.installation i set environment = null from toysoldiers.installation before returning before.environment"),
        ["shop"]
    );
    let tables = database.sql("select oid::regclass from pg_class where relkind = 'r' and relnamespace in ('public'::regnamespace, 'toysoldiers'::regnamespace) order by relname");
    assert_eq!(tables.len(), 14);
    // The hash of the schema is taken anew: it knows what is in it by numbers.
    for table in tables
        .iter()
        .filter(|table| !table.ends_with("schema_hash"))
    {
        let digest = format!(
            "select count(*), md5(string_agg(t::text, '|' order by t::text)) from {table} t"
        );
        assert_eq!(restored.sql(&digest), database.sql(&digest), "{table}");
    }
    // Whatever a table, a view or a function is beside its rows.
    for question in [
        "select relname, relkind, relrowsecurity, relforcerowsecurity, reloptions, coalesce(relacl, acldefault(case relkind when 'S' then 's'::\"char\" else 'r' end, relowner)), pg_get_userbyid(relowner) \
         from pg_class where relnamespace = 'public'::regnamespace order by relname",
        "select * from pg_policies order by 1, 2, 3",
        "select indexdef from pg_indexes where schemaname = 'public' order by 1",
        "select conrelid::regclass::text, pg_get_constraintdef(oid), convalidated from pg_constraint \
         where connamespace = 'public'::regnamespace order by 1, 2",
        "select proname, prosrc, proconfig, coalesce(proacl, acldefault('f', proowner)) from pg_proc where pronamespace = 'public'::regnamespace order by 1",
        "select tgrelid::regclass::text, tgname, tgenabled from pg_trigger where not tgisinternal order by 1, 2",
    ] {
        let before = database.sql(question);
        assert_eq!(restored.sql(question), before, "{question}");
    }
    assert_ne!(
        restored.value("select count(*) from pg_class where relrowsecurity"),
        "0"
    );
    // Sequences go on where they were.
    assert_eq!(
        restored.sql("insert into analytics_views (date, content_id) select current_date, min(id::text)::uuid from content returning id > (select max(id) from analytics_views)"),
        ["t"]
    );
    let url = format!(
        "postgresql://postgres@/round_trip?host={}",
        Database::socket().display()
    );
    let status = Tool::new()
        .run(&["--database-url", &url, "migrate", "status", "--check"])
        .ok();
    assert!(status.stderr.contains("13 applied, 0 pending"), "{status}");
}

#[test]
fn a_database_without_an_audit_log_is_restored_too() {
    let database = Database::empty();
    database.sql("create table t as select generate_series(1, 3)");
    let tool = shop(&database);
    tool.run(&["backup", "restore", "latest", "--into", "plain"])
        .ok();
    let restored = database.server.database("plain");
    assert_eq!(restored.value("select count(*) from t"), "3");
}

#[test]
fn the_result_has_keys_programs_rely_on() {
    let database = Database::migrated();
    let tool = shop(&database);
    let restored = tool
        .run(&[
            "backup", "restore", "latest", "--into", "keys", "-o", "json",
        ])
        .ok()
        .json();
    let keys: Vec<&String> = restored.as_object().unwrap().keys().collect();
    assert_eq!(
        keys,
        [
            "database",
            "environment",
            "stamp",
            "backup",
            "tables",
            "rows",
            "duration_ms",
            "checked",
            "url"
        ]
    );
    assert_eq!(restored["checked"], true);
    assert_eq!(restored["database"], "keys");
    assert_eq!(restored["tables"], 14);
    // The address it gives is one that works.
    let url = restored["url"].as_str().unwrap();
    Tool::new().run(&["--database-url", url, "dashboard"]).ok();
}

#[test]
fn a_backup_is_named_by_name_file_or_path() {
    let database = Database::migrated();
    let tool = shop(&database);
    let dump = file(&tool, ".dump");
    let manifest = file(&tool, ".json");
    let name = dump.file_stem().unwrap().to_str().unwrap();
    let dump_file = format!("{name}.dump");
    for named in [
        name,
        &dump_file,
        &format!("{name}.json"),
        &format!("b/{name}.dump"),
        manifest.to_str().unwrap(),
    ] {
        let plan = tool
            .run(&["backup", "restore", named, "--into", "named", "--dry-run"])
            .ok();
        assert!(
            plan.stdout
                .starts_with("plan: restore shop-STAMP into named\n"),
            "{named}\n{plan}"
        );
    }
    let from = tool.run(&[
        "backup",
        "restore",
        name,
        "--from",
        "elsewhere",
        "--into",
        "named",
    ]);
    assert_snapshot!(from, @"
    -- stderr
    -> shop  SOCKET/DB as postgres
    error: there is no backup shop-STAMP in elsewhere
      hint: see what is there with `toysoldiers backup list --from elsewhere`
    -- exit 1
    ");
    assert_snapshot!(tool.run(&["backup", "restore", "b/x.dump", "--from", "b", "--into", "named"]), @"
    -- stderr
    error: `b/x.dump` and `--from` name two folders
      hint: give the path, or the name and `--from`
    -- exit 2
    ");
    let misspelt = name.replace("shop-2", "shpo-2");
    assert_snapshot!(tool.run(&["backup", "restore", &misspelt, "--into", "named"]), @"
    -- stderr
    -> shop  SOCKET/DB as postgres
    error: there is no backup shpo-STAMP in HERE/b
      hint: did you mean shop-STAMP?
    -- exit 1
    ");
    assert_eq!(databases(&database, "named"), [""; 0]);
}

#[test]
fn latest_is_the_newest_complete_one() {
    let database = Database::migrated();
    let tool = shop(&database);
    let (dump, manifest) = (file(&tool, ".dump"), file(&tool, ".json"));
    let copy = |name: &str, taken_at: &str| {
        let path = tool.path().join("b").join(format!("{name}.json"));
        std::fs::copy(&manifest, &path).unwrap();
        std::fs::copy(&dump, tool.path().join("b").join(format!("{name}.dump"))).unwrap();
        edit(&path, |manifest| {
            manifest["taken_at"] = taken_at.into();
            manifest["file"] = format!("{name}.dump").into();
        });
    };
    copy("older", "2020-01-01T00:00:00Z");
    copy("newer", "2120-01-01T00:00:00Z");
    copy("broken", "2121-01-01T00:00:00Z");
    tool.write("b/broken.dump", "half");
    let restored = tool
        .run(&[
            "backup", "restore", "latest", "--into", "newest", "-o", "json",
        ])
        .ok();
    assert_eq!(restored.json()["backup"], "newer");
    std::fs::remove_dir_all(tool.path().join("b")).unwrap();
    assert_snapshot!(tool.run(&["backup", "restore", "latest", "--into", "none"]), @"
    -- stderr
    -> shop  SOCKET/DB as postgres
    error: there is no complete backup in HERE/b
      hint: take one with `toysoldiers backup create`, or name another folder with `--from`
    -- exit 1
    ");
}

#[test]
fn a_dry_run_shows_the_plan() {
    let database = Database::migrated();
    let tool = shop(&database);
    assert_snapshot!(tool.run(&["backup", "restore", "latest", "--into", "dry", "--dry-run"]), @"
    -- stdout
    plan: restore shop-STAMP into dry
      check HERE/b/shop-STAMP.dump  (its size and SHA-256)
      create database dry
      restore shop-STAMP  (of shop, 14 tables, by pg_restore VERSION)
      stamp shop  (the new database belongs to this environment)
    -- stderr
    -> shop  SOCKET/DB as postgres
    dry run: nothing was changed
    -- exit 0
    ");
    assert_eq!(databases(&database, "dry"), [""; 0]);
}

#[test]
fn a_protected_environment_is_asked_for() {
    let database = Database::migrated();
    let tool = shop(&database);
    configure(&tool, &database.url(), "protected = true");
    assert_snapshot!(tool.run(&["backup", "restore", "latest", "--into", "guarded"]), @"
    -- stderr
    -> shop  SOCKET/DB as postgres  PROTECTED
    error: cannot restore shop-STAMP into guarded without a yes: there is no terminal to ask on
      hint: agree with `--yes`
    -- exit 6
    ");
    assert_eq!(databases(&database, "guarded"), [""; 0]);
    tool.run(&["backup", "restore", "latest", "--into", "guarded", "--yes"])
        .ok();
    assert_eq!(databases(&database, "guarded"), ["guarded"]);
}

#[test]
fn a_database_that_is_there_is_not_touched() {
    let database = Database::migrated();
    let tool = shop(&database);
    database.sql("create database taken");
    let taken = database.server.database("taken");
    taken.sql("create table mine ()");
    assert_snapshot!(tool.run(&["backup", "restore", "latest", "--into", "taken"]), @"
    -- stderr
    -> shop  SOCKET/DB as postgres
    error: there is a database taken already
      note: it was not touched: a backup is never restored over a database
      hint: pick another name with `--into`
    -- exit 6
    ");
    assert_eq!(
        taken.sql("select relname from pg_class where relnamespace = 'public'::regnamespace"),
        ["mine"]
    );
    assert_eq!(databases(&database, "taken"), ["taken"]);
}

#[test]
fn a_database_made_meanwhile_is_not_touched() {
    let database = Database::migrated();
    let tool = shop(&database);
    let programs = fake(&format!(
        "{0}/psql -X -d postgres -c 'create database meanwhile' && exec {0}/pg_restore \"$@\"",
        server::bin().display()
    ));
    let child = with(
        &tool,
        &programs,
        &["backup", "restore", "latest", "--into", "meanwhile"],
    );
    assert_snapshot!(tool.outcome(child), @"
    -- stderr
    -> shop  SOCKET/DB as postgres
    error: there is a database meanwhile already
      note: it was not touched: a backup is never restored over a database
      note: the new database, meanwhile.partial, was dropped again
      hint: pick another name with `--into`
    -- exit 6
    ");
    assert_eq!(databases(&database, "meanwhile"), ["meanwhile"]);
    let made = database.server.database("meanwhile");
    assert_eq!(
        made.value("select count(*) from pg_class where relnamespace = 'public'::regnamespace"),
        "0"
    );
}

#[test]
fn a_dump_that_is_not_the_manifests_is_refused_before_anything_is_made() {
    let database = Database::migrated();
    let tool = shop(&database);
    let dump = file(&tool, ".dump");
    let whole = std::fs::read(&dump).unwrap();
    let started = fake("touch \"$0.started\"; exit 1");
    let restore = || {
        let child = with(
            &tool,
            &started,
            &[
                "backup",
                "restore",
                &dump.display().to_string(),
                "--into",
                "flipped",
            ],
        );
        regex::Regex::new(r"\d+ bytes")
            .unwrap()
            .replace_all(&tool.outcome(child).to_string(), "N bytes")
            .into_owned()
    };
    let mut flipped = whole.clone();
    flipped[whole.len() / 2] ^= 1;
    std::fs::write(&dump, flipped).unwrap();
    assert_snapshot!(restore(), @"
    -- stderr
    -> shop  SOCKET/DB as postgres
    error: cannot restore shop-STAMP; nothing was created
      caused by: HERE/b/shop-STAMP.dump is not what its manifest says
      note: manifest: N bytes, SHA-256 SHA256
      note: on disk:  N bytes, SHA-256 SHA256
      hint: do not rely on this backup, and have the disk looked at
    -- exit 1
    ");
    std::fs::write(&dump, &whole[..whole.len() - 1]).unwrap();
    assert_snapshot!(restore(), @"
    -- stderr
    -> shop  SOCKET/DB as postgres
    error: cannot restore shop-STAMP; nothing was created
      caused by: HERE/b/shop-STAMP.dump is not what its manifest says
      note: manifest: N bytes, SHA-256 SHA256
      note: on disk:  N bytes, SHA-256 SHA256
      hint: do not rely on this backup, and have the disk looked at
    -- exit 1
    ");
    std::fs::remove_file(&dump).unwrap();
    assert_snapshot!(restore(), @"
    -- stderr
    -> shop  SOCKET/DB as postgres
    error: the dump HERE/b/shop-STAMP.dump is gone
      note: only its manifest is there
      hint: restore another backup; `toysoldiers backup list` shows which are complete
    -- exit 1
    ");
    assert!(!started.path().join("pg_restore.started").exists());
    assert_eq!(databases(&database, "flipped"), [""; 0]);
}

#[test]
fn a_manifest_of_a_newer_form_is_refused() {
    let database = Database::migrated();
    let tool = shop(&database);
    edit(&file(&tool, ".json"), |manifest| {
        manifest["format"] = 2.into();
    });
    let dump = file(&tool, ".dump").display().to_string();
    assert_snapshot!(tool.run(&["backup", "restore", &dump, "--into", "newer_form"]), @"
    -- stderr
    -> shop  SOCKET/DB as postgres
    error: cannot read the manifest HERE/b/shop-STAMP.json
      caused by: it is of format 2, and this version reads up to 1
      hint: update toysoldiers and try again
    -- exit 6
    ");
    std::fs::remove_file(file(&tool, ".json")).unwrap();
    assert_snapshot!(tool.run(&["backup", "restore", &dump, "--into", "newer_form"]), @"
    -- stderr
    -> shop  SOCKET/DB as postgres
    error: cannot read the manifest HERE/b/shop-STAMP.json
      caused by: no such file or directory
      hint: restore another backup; `toysoldiers backup list` shows which are complete
    -- exit 1
    ");
}

#[test]
fn rows_that_differ_from_the_manifest_are_a_failure_and_the_database_is_gone() {
    let database = Database::migrated();
    let tool = shop(&database);
    edit(&file(&tool, ".json"), |manifest| {
        for table in manifest["tables"].as_array_mut().unwrap() {
            if table["name"] == "users" {
                table["rows"] = 7.into();
            }
        }
    });
    assert_snapshot!(tool.run(&["backup", "restore", "latest", "--into", "tampered"]), @"
    -- stderr
    -> shop  SOCKET/DB as postgres
    error: what was restored is not what the manifest says
      note: public.users: 7 rows in the manifest, 0 rows restored
      note: the new database, tampered.partial, was dropped again
      hint: restore another backup, and find out who changed this one
    -- exit 1
    ");
    assert_eq!(databases(&database, "tampered"), [""; 0]);
}

#[test]
fn a_role_that_is_missing_is_named_and_the_database_is_gone() {
    let database = Database::migrated();
    database.sql("create role ghost; grant select on users to ghost");
    let tool = shop(&database);
    database.sql("drop owned by ghost; drop role ghost");
    assert_snapshot!(tool.run(&["backup", "restore", "latest", "--into", "haunted"]), @r#"
    -- stderr
    -> shop  SOCKET/DB as postgres
    error: pg_restore failed
      caused by: could not execute query: ERROR:  role "ghost" does not exist
      note: Command was: GRANT SELECT ON TABLE public.users TO ghost;
      note: the new database, haunted.partial, was dropped again
      hint: make the roles of the backup on this server first, with `create role`
    -- exit 1
    "#);
    assert_eq!(databases(&database, "haunted"), [""; 0]);
}

#[test]
fn a_pg_restore_that_lies_is_found_out() {
    let database = Database::seeded();
    let tool = shop(&database);
    let programs = fake("exit 0");
    let child = with(
        &tool,
        &programs,
        &["backup", "restore", "latest", "--into", "lies"],
    );
    assert_snapshot!(tool.outcome(child), @"
    -- stderr
    -> shop  SOCKET/DB as postgres
    error: what was restored is not what the manifest says
      note: public.analytics_views: 42810 rows in the manifest, no table restored
      note: public.comments: 1500 rows in the manifest, no table restored
      note: public.content: 598 rows in the manifest, no table restored
      note: public.creators: 36 rows in the manifest, no table restored
      note: public.tips: 3000 rows in the manifest, no table restored
      note: and 9 more tables
      note: the new database, lies.partial, was dropped again
      hint: restore another backup, and find out who changed this one
    -- exit 1
    ");
    assert_eq!(databases(&database, "lies"), [""; 0]);
}

#[test]
fn an_older_pg_restore_is_refused_before_it_starts() {
    let database = Database::migrated();
    let tool = shop(&database);
    let programs = Folder::new();
    let old = programs.write("pg_restore", "#!/bin/sh\ncase \"$1\" in --version) echo 'pg_restore (PostgreSQL) 9.6.24';; *) touch \"$0.started\";; esac\n");
    std::fs::set_permissions(&old, std::fs::Permissions::from_mode(0o755)).unwrap();
    let child = with(
        &tool,
        &programs,
        &["backup", "restore", "latest", "--into", "old"],
    );
    let outcome = tool.outcome(child).code(6);
    assert!(
        outcome
            .stderr
            .contains("error: pg_restore 9.6.24 is older than the server, which is "),
        "{outcome}"
    );
    // New enough for the server, but not for the dump.
    edit(&file(&tool, ".json"), |manifest| {
        manifest["pg_dump"] = "100.2".into();
    });
    let programs = fake("touch \"$0.started\"");
    let child = with(
        &tool,
        &programs,
        &["backup", "restore", "latest", "--into", "old"],
    );
    let outcome = tool.outcome(child).code(6);
    assert!(
        outcome.stderr.contains(
            "error: pg_restore 99.1 is older than the pg_dump that made the dump, which is 100\n"
        ),
        "{outcome}"
    );
    assert!(!programs.path().join("pg_restore.started").exists());
    assert_eq!(databases(&database, "old"), [""; 0]);
}

#[test]
fn an_interrupted_restore_leaves_no_database() {
    let database = Database::migrated();
    let tool = shop(&database);
    let programs = tireless();
    let child = with(
        &tool,
        &programs,
        &["backup", "restore", "latest", "--into", "halfway"],
    );
    database.wait_until("select exists (select from pg_stat_activity where datname = 'halfway.partial' and query like '%pg_sleep%')");
    // Ctrl-C in a terminal reaches only us: the child is in a group of its own.
    let ids = std::fs::read_to_string(programs.path().join("pg_restore.ids")).unwrap();
    let (pid, group) = ids.trim().split_once(' ').unwrap();
    assert_eq!(pid, group);
    signal(&child, Signal::INT);
    assert_snapshot!(tool.outcome(child), @"
    -- stderr
    -> shop  SOCKET/DB as postgres
    error: interrupted
      note: the new database, halfway.partial, was dropped again
    -- exit 130
    ");
    assert_eq!(databases(&database, "halfway"), [""; 0]);
    let pid = Pid::from_raw(pid.parse().unwrap()).unwrap();
    while rustix::process::test_kill_process(pid).is_ok() {
        std::thread::yield_now();
    }
}

#[test]
fn a_database_that_cannot_be_dropped_is_named() {
    let database = Database::migrated();
    let tool = shop(&database);
    let programs = fake(&format!(
        "{}/psql -X -q -d postgres -c 'alter database \"stuck.partial\" is_template true'; exit 1",
        server::bin().display()
    ));
    let child = with(
        &tool,
        &programs,
        &["backup", "restore", "latest", "--into", "stuck"],
    );
    assert_snapshot!(tool.outcome(child), @"
    -- stderr
    -> shop  SOCKET/DB as postgres
    error: pg_restore failed
      caused by: it gave no reason
      note: stuck.partial stays until the next restore into stuck: cannot drop a template database
    -- exit 1
    ");
    assert_eq!(databases(&database, "stuck"), ["stuck.partial"]);
}

#[test]
fn a_large_dump_can_be_interrupted_while_it_is_read() {
    let database = Database::migrated();
    let tool = shop(&database);
    let dump = file(&tool, ".dump");
    let bytes = 1_u64 << 40;
    std::fs::OpenOptions::new()
        .write(true)
        .open(&dump)
        .unwrap()
        .set_len(bytes)
        .unwrap();
    edit(&file(&tool, ".json"), |manifest| {
        manifest["bytes"] = bytes.into();
    });
    let child = tool.spawn(&["backup", "restore", "latest", "--into", "large"]);
    let files = PathBuf::from(format!("/proc/{}/fd", child.id()));
    let reads = || {
        std::fs::read_dir(&files)
            .unwrap()
            .any(|file| std::fs::read_link(file.unwrap().path()).is_ok_and(|path| path == dump))
    };
    while !reads() {
        std::thread::yield_now();
    }
    signal(&child, Signal::INT);
    assert_snapshot!(tool.outcome(child), @"
    -- stderr
    -> shop  SOCKET/DB as postgres
    error: interrupted
    -- exit 130
    ");
}

#[test]
fn what_a_killed_restore_left_behind_is_replaced_once_nobody_is_at_work_on_it() {
    let database = Database::migrated();
    let tool = shop(&database);
    let programs = tireless();
    let mut child = with(
        &tool,
        &programs,
        &["backup", "restore", "latest", "--into", "killed"],
    );
    database.wait_until("select exists (select from pg_stat_activity where datname = 'killed.partial' and query like '%pg_sleep%')");
    assert_eq!(databases(&database, "killed"), ["killed.partial"]);
    assert_snapshot!(tool.run(&["backup", "restore", "latest", "--into", "killed"]), @r#"
    -- stderr
    -> shop  SOCKET/DB as postgres
    error: another restore into killed is at work
      caused by: somebody is in the database killed.partial
      caused by: database "killed.partial" is being accessed by other users
      note: There are 2 other sessions using the database.
      note: in it is pid PID (toysoldiers as postgres, active, in a transaction for DURATION): select pg_sleep(600)
      note: in it is pid PID (toysoldiers as postgres, idle, in a transaction for DURATION): set idle_session_timeout = 0;set statement_timeout = 0;set lock_timeout = 0;set ...
      hint: wait until it has ended, or pick another name with `--into`
    -- exit 6
    "#);
    signal(&child, Signal::KILL);
    child.wait().unwrap();
    // pg_restore does not outlive us, nor does its session.
    database.wait_until(
        "select not exists (select from pg_stat_activity where datname = 'killed.partial')",
    );
    assert_eq!(databases(&database, "killed"), ["killed.partial"]);
    assert_snapshot!(tool.run(&["backup", "restore", "latest", "--into", "killed", "--dry-run"]), @"
    -- stdout
    plan: restore shop-STAMP into killed
      check HERE/b/shop-STAMP.dump  (its size and SHA-256)
      drop database killed.partial  (left behind by a restore that was killed)
      create database killed
      restore shop-STAMP  (of shop, 14 tables, by pg_restore VERSION)
      stamp shop  (the new database belongs to this environment)
    -- stderr
    -> shop  SOCKET/DB as postgres
    dry run: nothing was changed
    -- exit 0
    ");
    let outcome = tool
        .run(&["backup", "restore", "latest", "--into", "killed"])
        .ok();
    assert!(
        outcome.stderr.contains(
            "\ndropped killed.partial, which a restore that was killed had left behind\n"
        ),
        "{outcome}"
    );
    assert_eq!(databases(&database, "killed"), ["killed"]);
}

#[test]
fn a_name_that_is_too_long_is_refused() {
    let database = Database::migrated();
    let tool = shop(&database);
    assert_snapshot!(tool.run(&["backup", "restore", "latest", "--into", &"x".repeat(56)]), @"
    -- stderr
    -> shop  SOCKET/DB as postgres
    error: a database's name has 1 to 55 bytes here
      note: 63 is PostgreSQL's limit, and until it is whole the database is called NAME.partial
      hint: name another one with `--into`
    -- exit 2
    ");
}

#[test]
fn a_name_is_only_ever_a_name() {
    let database = Database::migrated();
    let tool = shop(&database);
    let name = "it's \"odd\" host=nowhere";
    tool.run(&["backup", "restore", "latest", "--into", name])
        .ok();
    assert_eq!(databases(&database, "it''s"), [name]);
}

#[test]
fn the_password_is_on_no_command_line() {
    let database = Database::migrated();
    database.clerk();
    let tool = shop(&database);
    let programs = fake(&format!(
        "for pid in $$ $PPID; do tr '\\0' ' ' < /proc/$pid/cmdline >> \"$0.cmdline\"; done\nexec {} \"$@\"",
        server::bin().join("pg_restore").display()
    ));
    configure(
        &tool,
        &database.url_as("clerk"),
        "password_env = \"SECRET\"",
    );
    let child = tool
        .command(&[
            "backup", "restore", "latest", "--into", "secret", "-o", "json",
        ])
        .env("TOYSOLDIERS_PG_BIN", programs.path())
        .env("SECRET", "open sesame")
        .spawn()
        .unwrap();
    let outcome = tool.outcome(child).ok();
    let seen = std::fs::read_to_string(programs.path().join("pg_restore.cmdline")).unwrap();
    assert!(
        seen.contains("--single-transaction") && seen.contains("backup restore"),
        "{seen}"
    );
    assert!(
        !seen.contains("sesame") && !outcome.to_string().contains("sesame"),
        "{seen}{outcome}"
    );
}
