//! `psql`: the real one, let in by us.

use insta::assert_snapshot;

use crate::local::Private;
use crate::support::tool::Outcome;
use crate::support::{Bouncer, Database, Tool, server};

/// A folder with a protected environment `shop` at this address.
fn shop(url: &str) -> Tool {
    let tool = Tool::new().env("PAGER", "cat");
    tool.write(
        "toysoldiers.toml",
        format!("default_env = \"shop\"\n[env.shop]\nurl = \"{url}\"\nprotected = true\n"),
    );
    tool
}

/// What psql is told, and nothing around it.
const BARE: [&str; 3] = ["--", "-A", "-t"];

fn ask(tool: &Tool, args: &[&str]) -> Outcome {
    tool.run(&[&["psql"], args, &BARE].concat())
}

#[test]
fn commands_and_scripts_run_in_the_order_they_are_typed() {
    let database = Database::empty();
    let tool = Tool::new().on(&database).input("select 'from the pipe';");
    tool.write("one.sql", "select 'from a file';\n");
    assert_snapshot!(ask(&tool, &["-c", "select 1", "-f", "one.sql", "--command", "-- no option\nselect 2", "-f", "-", "--file=one.sql", "-c", "\\echo done"]), @"
    -- stdout
    1
    from a file
    2
    from the pipe
    from a file
    done
    -- stderr
    -> (url)  SOCKET/DB as postgres
    -- exit 0
    ");
    // Without either it reads its input, as psql does.
    assert_eq!(ask(&tool, &[]).ok().stdout, "from the pipe\n");
}

#[test]
fn the_exit_code_is_its_own() {
    let database = Database::empty();
    let tool = Tool::new().on(&database);
    assert_snapshot!(tool.run(&["psql", "-c", "select 1/0"]), @"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    ERROR:  division by zero
    -- exit 1
    ");
    tool.write("two.sql", "select 1/0;\nselect 'went on';\n");
    assert_snapshot!(ask(&tool, &["-f", "two.sql"]), @"
    -- stdout
    went on
    -- stderr
    -> (url)  SOCKET/DB as postgres
    psql:two.sql:1: ERROR:  division by zero
    -- exit 0
    ");
    assert_snapshot!(tool.run(&["psql", "-f", "two.sql", "--", "-v", "ON_ERROR_STOP=1"]), @"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    psql:two.sql:1: ERROR:  division by zero
    -- exit 3
    ");
    assert_snapshot!(tool.run(&["psql", "-f", "none.sql"]), @"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    psql: error: none.sql: No such file or directory
    -- exit 1
    ");
    tool.run(&["psql", "--", "--no-such-option"]).code(1);
}

#[test]
fn a_protected_environment_is_read_only() {
    let database = Database::migrated();
    let tool = shop(&database.url()).hiding(&database);
    let insert = "insert into users (email, password_hash) values ('a@example.com', 'x')";
    assert_snapshot!(tool.run(&["psql", "-c", insert]), @"
    -- stderr
    -> shop  SOCKET/DB as postgres  PROTECTED
    psql is read-only, since this database is protected; `--write` opens it for changes
    ERROR:  cannot execute INSERT in a read-only transaction
    -- exit 1
    ");
    // A new connection of the same psql is no way out, and neither is leaving out the start file.
    let again = format!("\\c {}", database.name);
    let outcome = tool.run(&["psql", "-c", &again, "-c", insert, "--", "-X"]);
    assert!(
        outcome.stderr.contains("read-only transaction"),
        "{outcome}"
    );
    // What only asks is not asked about.
    assert_eq!(
        ask(&tool, &["-c", "select count(*) from users"])
            .ok()
            .stdout,
        "0\n"
    );
    assert_eq!(ask(&tool, &["-q", "-c", "select 1"]).ok().stderr, "");
}

#[test]
fn writing_there_is_asked_for_like_a_change() {
    let database = Database::migrated();
    let tool = shop(&database.url()).hiding(&database);
    let update = "update users set role = role";
    assert_snapshot!(tool.run(&["psql", "--write", "-c", update]), @"
    -- stderr
    -> shop  SOCKET/DB as postgres  PROTECTED
    error: cannot open psql for writing without a yes: there is no terminal to ask on
      hint: agree with `--yes`
    -- exit 6
    ");
    assert_snapshot!(tool.run(&["psql", "--write", "--yes", "-c", update]), @"
    -- stdout
    UPDATE 0
    -- stderr
    -> shop  SOCKET/DB as postgres  PROTECTED
    -- exit 0
    ");
    // What ran may hold a secret, and is not told.
    assert_eq!(
        database.sql(
            "select action, actor ~ '@', details from toysoldiers.audit_log where action = 'psql'"
        ),
        [r#"psql|t|{"files": [], "commands": 1}"#]
    );
    let mut terminal = tool.terminal(&["psql", "--write", "-c", update]);
    terminal
        .exp_string("Open psql for writing in shop? [y/N]")
        .unwrap();
    terminal.send_line("y").unwrap();
    let rest = terminal.exp_eof().unwrap();
    assert!(rest.contains("UPDATE 0"), "{rest}");
    let mut terminal = tool.terminal(&["psql", "--write", "-c", update]);
    terminal.exp_string("[y/N]").unwrap();
    terminal.send_line("").unwrap();
    let rest = terminal.exp_eof().unwrap();
    assert!(rest.contains("nothing was changed"), "{rest}");
    // Nothing is asked where nothing is protected.
    let plain = Tool::new().on(&database);
    plain.run(&["psql", "--write", "-c", update]).ok();
    let told = "select count(*) from toysoldiers.audit_log where action = 'psql'";
    assert_eq!(database.value(told), "3");
    // Nothing of ours is there to tell it.
    let empty = Database::empty();
    let new = Tool::new().on(&empty);
    new.run(&["psql", "--write", "-c", "select 1"]).ok();
    // A role that may not tell it writes all the same.
    let role = format!("scribe_{}", database.name);
    database.sql(&format!("create role {role} login"));
    let scribe = Tool::new()
        .run(&[
            "--database-url",
            &database.url_as(&role),
            "psql",
            "--write",
            "-c",
            "select 1",
        ])
        .ok();
    assert!(
        scribe
            .stderr
            .contains("the audit log does not tell that psql was opened"),
        "{scribe}"
    );
}

#[test]
fn a_dry_run_starts_nothing() {
    let database = Database::migrated();
    let tool = shop(&database.url()).hiding(&database);
    let bin = server::bin().display().to_string();
    let shown = |args: &[&str]| tool.run(args).to_string().replace(&bin, "BIN");
    assert_snapshot!(shown(&["psql", "--dry-run", "-c", "select 1"]), @"
    -- stdout
    plan: open psql, read-only
      run BIN/psql  (read-only)
    -- stderr
    -> shop  SOCKET/DB as postgres  PROTECTED
    dry run: nothing was changed
    -- exit 0
    ");
    assert_snapshot!(shown(&["psql", "--dry-run", "--write", "-c", "select 1"]), @"
    -- stdout
    plan: open psql for writing
      run BIN/psql  (read and write)
    -- stderr
    -> shop  SOCKET/DB as postgres  PROTECTED
    dry run: nothing was changed
    -- exit 0
    ");
    assert_snapshot!(shown(&["psql", "-o", "json", "-c", "select 1"]), @r#"
    -- stderr
    {"error":{"kind":"usage","message":"invalid value 'json' for '--output <OUTPUT>'","causes":[],"notes":["[possible values: table]","For more information, try '--help'."],"exit":2}}
    -- exit 2
    "#);
}

#[test]
fn what_would_lead_elsewhere_is_refused() {
    let database = Database::migrated();
    let tool = shop(&database.url()).hiding(&database);
    assert_snapshot!(tool.run(&["psql", "--", "-qh", "elsewhere"]), @"
    -- stderr
    error: `-h` would lead psql away from the database of the environment
      hint: name another one with `--env` or `--database-url`
    -- exit 2
    ");
    for words in [
        &["postgres"][..],
        &["-A", "--dbname=options=-cx=y"],
        &["-Uroot"],
        &["--port", "1"],
    ] {
        tool.run(&[&["psql", "--"], words].concat()).code(2);
    }
}

/// Says that the database is `shop`'s.
fn stamp(database: &Database) {
    database.migrate();
    database.sql(
        "alter table toysoldiers.installation add if not exists environment text;
         update toysoldiers.installation set environment = 'shop'",
    );
}

#[test]
fn a_stamp_protects_a_bare_address_too() {
    let database = Database::empty();
    stamp(&database);
    let tool = shop("postgresql://nobody@/x?host=/nonexistent").hiding(&database);
    let url = database.url();
    assert_snapshot!(tool.run(&["psql", "--database-url", &url, "-c", "create table t ()"]), @"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    this is the database of shop, by its stamp: PROTECTED
    psql is read-only, since this database is protected; `--write` opens it for changes
    ERROR:  cannot execute CREATE TABLE in a read-only transaction
    -- exit 1
    ");
}

#[test]
fn a_denied_command_and_a_foreign_database_are_refused() {
    let database = Database::empty();
    let tool = shop(&database.url()).hiding(&database);
    stamp(&database);
    tool.write(
        "toysoldiers.toml",
        format!(
            "[env.other]\nurl = \"{0}\"\n[env.shop]\nurl = \"{0}\"\ndeny = [\"psql\"]\n",
            database.url()
        ),
    );
    assert_snapshot!(tool.run(&["--env", "shop", "psql", "-c", "select 1"]).code(6).stderr.lines().next().unwrap(), @"error: shop never runs `psql`");
    assert_snapshot!(tool.run(&["--env", "other", "psql", "-c", "select 1"]).code(6).stderr.lines().nth(1).unwrap(), @"error: this is not the database of other: it is stamped shop");
}

#[test]
fn flags_about_patience_count() {
    let database = Database::empty();
    let flags = [
        "--statement-timeout",
        "77s",
        "--lock-timeout",
        "5s",
        "-c",
        "show statement_timeout",
        "-c",
        "show lock_timeout",
    ];
    let bouncer = Bouncer::session(&database);
    for tool in [
        Tool::new().on(&database),
        Tool::new().env("DATABASE_URL", &bouncer.url()),
        shop(&bouncer.url()),
    ] {
        assert_eq!(ask(&tool, &flags).ok().stdout, "77s\n5s\n");
        assert_eq!(
            ask(&tool, &["-c", "show statement_timeout"]).ok().stdout,
            "0\n"
        );
    }
}

#[test]
fn read_only_holds_behind_a_pooler_that_keeps_sessions() {
    let database = Database::migrated();
    let bouncer = Bouncer::session(&database);
    let tool = shop(&bouncer.url()).hiding(&database);
    let port = bouncer.port().to_string();
    let shown = |args: &[&str]| tool.run(args).to_string().replace(&port, "PORT");
    assert_snapshot!(shown(&["psql", "-c", "update users set role = role"]), @r"
    -- stderr
    -> shop  127.0.0.1:PORT/DB as postgres  PROTECTED
    psql is read-only, since this database is protected; `--write` opens it for changes
    behind this pooler that ends with the connection: by `\c`, or when psql makes a new one for a lost one
    ERROR:  cannot execute UPDATE in a read-only transaction
    -- exit 1
    ");
    // Whatever psql is told to do with transactions and with what it shows.
    for words in [
        &["-v", "AUTOCOMMIT=off"][..],
        &["-e"],
        &["-s"],
        &["-q"],
        &["--single-transaction"],
    ] {
        let args = [
            "psql",
            "-c",
            "rollback",
            "-c",
            "update users set role = role",
            "--",
        ];
        let outcome = tool.run(&[&args, words].concat());
        assert!(
            outcome
                .stderr
                .contains("cannot execute UPDATE in a read-only transaction"),
            "{words:?}\n{outcome}"
        );
        assert!(
            !outcome.to_string().contains("default_transaction"),
            "{words:?}\n{outcome}"
        );
    }
    // It leaves psql as it was.
    assert_eq!(
        ask(
            &tool,
            &[
                "-c",
                "\\echo :QUIET :AUTOCOMMIT :ECHO :SINGLESTEP :TOYSOLDIERS_QUIET"
            ]
        )
        .ok()
        .stdout,
        "off on none off :TOYSOLDIERS_QUIET\n"
    );
    assert_snapshot!(shown(&["psql", "-c", "select 1", "--", "-AX"]), @"
    -- stderr
    -> shop  127.0.0.1:PORT/DB as postgres  PROTECTED
    error: with `-X` psql would not be read-only here
      note: 127.0.0.1:PORT/DB as postgres is behind a pooler that takes no settings along; the start file makes them, and `-X` skips it
      note: psql was not started
      hint: leave out `-X`, or connect to the server itself
    -- exit 6
    ");
    // Writing needs no start file.
    tool.run(&[
        "psql",
        "--write",
        "--yes",
        "-c",
        "update users set role = role",
        "--",
        "-X",
    ])
    .ok();
}

#[test]
fn a_pooler_that_takes_settings_along_is_as_good_as_none() {
    let database = Database::migrated();
    // Its own servers have the setting, so it arrives, which is all that is looked at.
    database.sql(&format!(
        "alter database {} set default_transaction_read_only = on",
        database.name
    ));
    let bouncer = Bouncer::start(
        &database,
        &["pool_mode = session", "ignore_startup_parameters = options"],
    );
    let outcome = ask(
        &shop(&bouncer.url()),
        &["-c", "select 1", "-c", "\\echo :TOYSOLDIERS"],
    )
    .ok();
    assert_eq!(outcome.stdout, "1\nshop (read-only)\n");
    // One that only says so is found out.
    let database = Database::migrated();
    let bouncer = Bouncer::start(
        &database,
        &["pool_mode = session", "ignore_startup_parameters = options"],
    );
    let outcome = ask(
        &shop(&bouncer.url()),
        &[
            "-c",
            "show transaction_read_only",
            "-c",
            "\\echo :TOYSOLDIERS",
        ],
    )
    .ok();
    assert_eq!(outcome.stdout, "on\nshop (read-only until reconnected)\n");
}

#[test]
fn the_persons_own_start_file_counts() {
    let database = Database::migrated();
    let bouncer = Bouncer::session(&database);
    for url in [database.url(), bouncer.url()] {
        let tool = shop(&url);
        tool.write(".psqlrc", "\\set word usual\n\\set QUIET on\n");
        let psql = toysoldiers::pg::tools::Tool::ask(server::bin().join("psql")).unwrap();
        let of_major = tool.write(&format!(".psqlrc-{}", psql.major), "\\set word major\n");
        tool.write("it's mine", "\\set word named\n");
        let word = |tool: &Tool| ask(tool, &["-c", "\\echo :word"]).ok().stdout;
        assert_eq!(word(&tool), "major\n");
        std::fs::remove_file(of_major).unwrap();
        assert_eq!(word(&tool), "usual\n");
        let named = tool.path().join("it's mine");
        let tool = tool.env("PSQLRC", named.to_str().unwrap());
        assert_eq!(word(&tool), "named\n");
        let tool = tool.env("PSQLRC", "~/it's mine");
        assert_eq!(word(&tool), "named\n");
        let tool = tool.env("PSQLRC", "/nonexistent");
        assert_eq!(word(&tool), ":word\n");
    }
}

#[test]
fn a_pooler_in_transaction_mode_is_refused() {
    let database = Database::migrated();
    let bouncer = Bouncer::transaction(&database);
    let tool = Tool::new().hiding(&database);
    let outcome = tool.run(&["psql", "-c", "select 1", "--database-url", &bouncer.url()]);
    assert_snapshot!(outcome.to_string().replace(&bouncer.port().to_string(), "PORT"), @"
    -- stderr
    -> (url)  127.0.0.1:PORT/DB as postgres
    error: 127.0.0.1:PORT/DB as postgres is a pooler in transaction mode, and psql needs a session of its own
      note: locks, settings and snapshots would end up in other people's sessions
      note: nothing was changed
      hint: connect to the server itself, or to a pool in session mode
    -- exit 6
    ");
}

#[test]
fn on_a_terminal_it_is_psql() {
    let database = Database::migrated();
    let tool = shop(&database.url());
    let mut terminal = tool.terminal_of(&["psql"], 100);
    let prompt = format!("shop (read-only) {}=# ", database.name);
    terminal.exp_string(&prompt).unwrap();
    terminal.send_line("select 40 + 2 as answer;").unwrap();
    terminal.exp_string("42").unwrap();
    terminal.exp_string(&prompt).unwrap();
    // Ctrl-C is for the statement, not for psql.
    terminal.send_line("select pg_sleep(600);").unwrap();
    database.wait_until("select exists (select from pg_stat_activity where datname = current_database() and state = 'active' and query like '%pg_sleep(600)%' and pid <> pg_backend_pid())");
    terminal.send_control('c').unwrap();
    terminal
        .exp_string("canceling statement due to user request")
        .unwrap();
    terminal.exp_string(&prompt).unwrap();
    terminal.send_line("\\c").unwrap();
    terminal.exp_string("You are now connected").unwrap();
    terminal.exp_string(&prompt).unwrap();
    terminal.send_line("create table t ();").unwrap();
    terminal.exp_string("read-only transaction").unwrap();
    terminal.exp_string(&prompt).unwrap();
    terminal.send_line("\\q").unwrap();
    terminal.exp_eof().unwrap();
    // It may write where nothing is protected, and a prompt of one's own may tell where one is.
    let tool = Tool::new().on(&database);
    tool.write(".psqlrc", "\\set PROMPT1 'at %:TOYSOLDIERS:> '\n");
    let mut terminal = tool.terminal_of(&["psql"], 100);
    terminal.exp_string("at (url)> ").unwrap();
    terminal.send_line("create table t ();").unwrap();
    terminal.exp_string("CREATE TABLE").unwrap();
    terminal.send_control('d').unwrap();
    terminal.exp_eof().unwrap();
}

#[test]
fn the_password_is_nowhere_to_be_seen() {
    let database = Database::migrated();
    database.clerk();
    let tool = Tool::new()
        .env("SHOP_PASSWORD", "open sesame")
        .env("TMPDIR", "/tmp");
    tool.write(
        "toysoldiers.toml",
        format!(
            "default_env = \"shop\"\n[env.shop]\nurl = \"{}\"\npassword_env = \"SHOP_PASSWORD\"\n",
            database.url_as("clerk")
        ),
    );
    // It gets in, again and again.
    let again = format!("\\c {} postgres\n\\c {0} clerk", database.name);
    tool.write("again.sql", again);
    assert_eq!(
        ask(&tool, &["-f", "again.sql", "-c", "select current_user"])
            .ok()
            .stdout
            .lines()
            .last(),
        Some("clerk")
    );
    let child = tool.spawn(&["psql", "-c", "select pg_sleep(600)"]);
    let sleeps = "from pg_stat_activity where datname = current_database() and state = 'active' and application_name = 'toysoldiers psql'";
    database.wait_until(&format!("select exists (select {sleeps})"));
    let seen = |name: &str| {
        let bytes = std::fs::read(format!("/proc/{}/{name}", child.id())).unwrap();
        String::from_utf8(bytes).unwrap().replace('\0', "\n")
    };
    assert!(seen("cmdline").contains("psql\n"));
    assert!(!seen("cmdline").contains("sesame"), "{}", seen("cmdline"));
    let environ = seen("environ");
    assert!(!environ.contains("sesame"), "{environ}");
    // What it holds has no name.
    let file = environ
        .lines()
        .find_map(|line| line.strip_prefix("PGPASSFILE=/dev/fd/"))
        .unwrap();
    let target = std::fs::read_link(format!("/proc/{}/fd/{file}", child.id())).unwrap();
    assert!(
        target.display().to_string().contains("(deleted)"),
        "{target:?}"
    );
    database.sql(&format!("select pg_terminate_backend(pid) {sleeps}"));
    let outcome = tool.outcome(child).code(2);
    assert!(!outcome.to_string().contains("sesame"), "{outcome}");
}

#[test]
fn an_older_psql_will_do() {
    use std::os::unix::fs::PermissionsExt;
    let database = Database::empty();
    let tool = Tool::new().on(&database);
    let old = tool.write("bin/psql", format!("#!/bin/sh\n[ \"$1\" = --version ] && echo 'psql (PostgreSQL) 9.6.24' && exit\nexec {} \"$@\"\n", server::bin().join("psql").display()));
    std::fs::set_permissions(&old, std::fs::Permissions::from_mode(0o755)).unwrap();
    let bin = old.parent().unwrap().to_str().unwrap().to_owned();
    let tool = tool.env("TOYSOLDIERS_PG_BIN", &bin);
    assert_eq!(ask(&tool, &["-c", "select 1"]).ok().stdout, "1\n");
    std::fs::remove_file(old).unwrap();
    assert_snapshot!(tool.run(&["psql"]), @"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    error: no psql in HERE/bin, which TOYSOLDIERS_PG_BIN names
      hint: name a folder that holds PostgreSQL's programs, or unset it to have them found
    -- exit 4
    ");
}

#[test]
fn the_private_server_is_started_for_it() {
    let private = Private::new();
    let outcome = ask(
        &private.tool,
        &["-c", "select current_database(), current_user"],
    )
    .ok();
    assert_eq!(outcome.stdout, "toysoldiers|postgres\n");
    let outcome = ask(
        &private.tool,
        &["--env", "demo", "-c", "select current_database()"],
    )
    .ok();
    assert_eq!(outcome.stdout, "toysoldiers_demo\n");
}
