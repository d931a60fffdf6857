//! Where the password of a database comes from.

use std::fmt::Write;
use std::os::unix::fs::PermissionsExt;

use insta::assert_snapshot;

use crate::support::{Bouncer, Database, Tool};

const PASSWORD: &str = "open sesame";

/// A database whose password is wanted.
fn database() -> Database {
    let database = Database::migrated();
    database.clerk();
    database
}

/// A folder with an environment `shop` at the database, and these lines about its password.
fn shop(database: &Database, lines: &str) -> Tool {
    let tool = Tool::new().hiding(database);
    configure(&tool, &database.url_as("clerk"), lines);
    tool
}

fn configure(tool: &Tool, url: &str, lines: &str) {
    let file = format!("default_env = \"shop\"\n[env.shop]\nurl = \"{url}\"\n{lines}\n");
    tool.write("toysoldiers.toml", file);
}

/// A script the password command can run.
fn script(tool: &Tool, name: &str, text: &str) {
    let path = tool.write(name, format!("#!/bin/sh\n{text}\n"));
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
}

/// The same that counts its runs.
fn counting(tool: &Tool) {
    script(tool, "count", "echo >> runs; echo 'open sesame'");
}

fn runs(tool: &Tool) -> usize {
    std::fs::read(tool.path().join("runs"))
        .unwrap_or_default()
        .len()
}

/// From each source on, the first is right and the rest are wrong, and it gets in.
fn the_first_counts(sources: &[&str]) {
    let database = database();
    for (place, right) in sources.iter().enumerate() {
        let mut tool = Tool::new();
        let mut url = database.url_as("clerk");
        let mut lines = String::new();
        for source in &sources[place..] {
            let password = if source == right { PASSWORD } else { "wrong" };
            let socket = database.server.socket.display();
            match *source {
                "command" => {
                    writeln!(lines, "password_command = [\"echo\", \"{password}\"]").unwrap();
                }
                "variable" => {
                    lines += "password_env = \"SHOP_PASSWORD\"\n";
                    tool = tool.env("SHOP_PASSWORD", password);
                }
                "address" => {
                    url = database.url_as(&format!("clerk:{}", password.replace(' ', "%20")));
                }
                "passfile" => {
                    passfile(&tool, "of the address", password);
                    url += "&passfile=of%20the%20address";
                }
                "PGPASSFILE" => {
                    let path = passfile(&tool, "named", password);
                    tool = tool.env("PGPASSFILE", &path);
                }
                ".pgpass" => {
                    passfile(&tool, ".pgpass", password);
                }
                "PGSERVICE" => {
                    let service = format!("[shop]\nhost={socket}\npassword={password}\n");
                    tool.write(".pg_service.conf", service);
                    tool = tool.env("PGSERVICE", "shop");
                }
                _ => tool = tool.env("PGPASSWORD", password),
            }
        }
        configure(&tool, &url, &lines);
        let outcome = tool.run(&["migrate", "status"]);
        assert_eq!(outcome.code, Some(0), "{right}: {outcome}");
    }
}

/// Writes a file of passwords, and tells where it is.
fn passfile(tool: &Tool, name: &str, password: &str) -> String {
    let path = tool.write(name, format!("*:*:*:clerk:{password}\n"));
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn the_first_source_that_knows_it_counts() {
    the_first_counts(&["command", "variable", "address", "PGPASSWORD"]);
}

#[test]
fn files_of_passwords_and_services_have_their_place_in_between() {
    the_first_counts(&[
        "command",
        "variable",
        "address",
        "passfile",
        "PGPASSFILE",
        ".pgpass",
        "PGSERVICE",
        "PGPASSWORD",
    ]);
}

#[test]
fn a_file_that_does_not_know_it_leaves_it_to_the_next() {
    let database = database();
    let tool = shop(&database, "").env("PGPASSWORD", PASSWORD);
    let path = tool.write(".pgpass", "*:*:*:somebody_else:wrong\n");
    let mode =
        |mode| std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
    mode(0o600);
    let outcome = tool.run(&["dashboard"]).ok();
    assert!(!outcome.stderr.contains("warning"), "{outcome}");
    // One that everybody can read is not trusted, even if it knows it.
    tool.write(".pgpass", "*:*:*:clerk:wrong\n");
    mode(0o644);
    let outcome = tool.run(&["dashboard"]).ok();
    assert_eq!(outcome.stderr.matches("warning: ").count(), 1, "{outcome}");
    assert!(!outcome.to_string().contains("wrong"), "{outcome}");
    mode(0o600);
    tool.run(&["dashboard"]).code(5);
}

#[test]
fn a_service_tells_its_password_to_its_own_host_only() {
    let database = database();
    let tool = shop(&database, "").env("PGSERVICE", "shop");
    let socket = database.server.socket.display();
    for (line, code) in [
        (format!("host={socket}"), 0),
        (
            format!("host={socket}\nuser=clerk\ndbname={}", database.name),
            0,
        ),
        ("host=db.example.com".to_owned(), 5),
        (format!("host={socket}\nuser=somebody_else"), 5),
        ("port=5432".to_owned(), 5),
    ] {
        tool.write(
            ".pg_service.conf",
            format!("[shop]\n{line}\npassword={PASSWORD}\n"),
        );
        let outcome = tool.run(&["dashboard"]);
        assert_eq!(outcome.code, Some(code), "{line}: {outcome}");
        assert!(!outcome.to_string().contains("sesame"), "{outcome}");
    }
}

#[test]
fn a_command_is_run_once_whatever_the_way() {
    let database = database();
    let tool = shop(&database, "password_command = [\"./count\"]");
    counting(&tool);
    for words in [
        &["dashboard"][..],
        &["migrate", "up"],
        &["backup", "create", "--to", "b"],
        &["psql", "-c", "select 1"],
        &["user", "create", "a@example.com", "--generate"],
    ] {
        let before = runs(&tool);
        tool.run(words).ok();
        assert_eq!(runs(&tool), before + 1, "{words:?}");
    }
    // Also by a pooler, where one connection is not enough.
    let bouncer = Bouncer::session(&database);
    configure(
        &tool,
        &bouncer.url_as("clerk"),
        "protected = true\npassword_command = [\"./count\"]",
    );
    for words in [&["dashboard"][..], &["psql", "-c", "select 1"]] {
        let before = runs(&tool);
        tool.run(words).ok();
        assert_eq!(runs(&tool), before + 1, "{words:?}");
    }
}

#[test]
fn a_command_is_not_run_for_nothing() {
    let database = database();
    let tool = shop(
        &database,
        "password_command = [\"./count\"]\ndeny = [\"user\"]",
    );
    counting(&tool);
    tool.write("m/001_a.sql", "select 1;");
    for words in [
        &["env", "list"][..],
        &["env", "show"],
        &["env", "show", "-o", "json"],
        &["--help"],
        &["dashboard", "--help"],
        &["completions", "bash"],
        &["man"],
        &["backup", "list", "--from", "b"],
        &["migrate", "new", "b", "--migrations", "m"],
    ] {
        tool.run(words).ok();
    }
    // Nor for what is refused before.
    tool.run(&["user", "list"]).code(6);
    tool.run(&["psql", "-o", "json"]).code(2);
    tool.run(&["psql", "--", "-h", "x"]).code(2);
    assert_eq!(runs(&tool), 0);
}

#[test]
fn a_command_is_no_shell_and_runs_beside_the_file() {
    let database = database();
    let tool = shop(
        &database,
        r#"password_command = ["./show", "a b", "it's \"$HOME\"; `x`", "", "*"]"#,
    );
    script(
        &tool,
        "show",
        "printf '<%s>' \"$@\" > words; pwd >> words; echo 'open sesame'",
    );
    std::fs::create_dir_all(tool.path().join("deep/down")).unwrap();
    let child = tool
        .command(&["dashboard"])
        .current_dir(tool.path().join("deep/down"))
        .spawn()
        .unwrap();
    tool.outcome(child).ok();
    let words = std::fs::read_to_string(tool.path().join("words")).unwrap();
    assert_eq!(
        words,
        format!("<a b><it's \"$HOME\"; `x`><><*>{}\n", tool.path().display())
    );
}

#[test]
fn a_command_that_gives_no_password_says_why() {
    let database = database();
    let refusal = |words: &str| {
        let lines = format!("password_timeout = \"200ms\"\npassword_command = {words}");
        let outcome = shop(&database, &lines).run(&["dashboard"]).code(4);
        assert!(!outcome.to_string().contains("sesame"), "{outcome}");
        outcome.stderr
    };
    assert_snapshot!(refusal(r#"["sh", "-c", "echo 'open sesame'; echo locked >&2; exit 3"]"#), @"
    -> shop  SOCKET/DB as clerk
    locked
    error: the password_command of shop, sh, gave no password
      caused by: it ended with exit code 3
      hint: run it by hand and see what it says; it has to print one line, the password
    ");
    assert_snapshot!(refusal(r#"["no-such-program", "x"]"#), @"
    -> shop  SOCKET/DB as clerk
    error: the password_command of shop, no-such-program, gave no password
      caused by: there is no such program
      hint: install it, or name it by its path; it is run in the folder of toysoldiers.toml
    ");
    assert_snapshot!(refusal(r#"["/etc/passwd"]"#), @"
    -> shop  SOCKET/DB as clerk
    error: the password_command of shop, /etc/passwd, gave no password
      caused by: permission denied
      hint: run it by hand and see what it says; it has to print one line, the password
    ");
    let reason = |words: &str| refusal(words).lines().nth(2).unwrap().to_owned();
    assert_snapshot!(reason(r#"["true"]"#), @"  caused by: it printed nothing");
    assert_snapshot!(reason(r#"["echo"]"#), @"  caused by: it printed nothing");
    assert_snapshot!(reason(r#"["printf", "open sesame\n\n"]"#), @"  caused by: it printed more than one line");
    assert_snapshot!(reason(r#"["printf", "open\nsesame"]"#), @"  caused by: it printed more than one line");
    assert_snapshot!(reason(r#"["printf", "sesame\\377"]"#), @"  caused by: what it printed is not UTF-8");
    assert_snapshot!(reason(r#"["yes", "open sesame"]"#), @"  caused by: it printed more than 64 KiB");
    assert_snapshot!(reason(r#"["sh", "-c", "kill -9 $$"]"#), @"  caused by: it was killed");
    assert_snapshot!(reason(r#"["sleep", "600"]"#), @"  caused by: it had not ended after DURATION");
}

#[test]
fn the_end_of_the_line_is_not_part_of_it() {
    let database = database();
    for text in ["open sesame", "open sesame\\n", "open sesame\\r\\n"] {
        shop(
            &database,
            &format!("password_command = ['printf', '{text}']"),
        )
        .run(&["dashboard"])
        .ok();
    }
}

#[test]
fn a_command_that_hangs_is_ended() {
    let database = database();
    let tool = shop(
        &database,
        "password_timeout = \"200ms\"\npassword_command = [\"./hang\"]",
    );
    script(&tool, "hang", "echo $$ > pid; exec sleep 600");
    tool.run(&["dashboard"]).code(4);
    let pid = std::fs::read_to_string(tool.path().join("pid")).unwrap();
    let pid = rustix::process::Pid::from_raw(pid.trim().parse().unwrap()).unwrap();
    while rustix::process::test_kill_process(pid).is_ok() {
        std::thread::yield_now();
    }
}

#[test]
fn what_a_command_leaves_behind_is_not_waited_for() {
    let database = database();
    let tool = shop(&database, "password_command = [\"./agent\"]");
    // As a keyring's agent: it stays, and keeps what it was given.
    script(
        &tool,
        "agent",
        "sleep 600 2>&- &\necho $! > pid; echo 'open sesame'",
    );
    tool.run(&["dashboard"]).ok();
    let pid = std::fs::read_to_string(tool.path().join("pid")).unwrap();
    let pid = rustix::process::Pid::from_raw(pid.trim().parse().unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
}

#[test]
fn a_command_does_not_eat_what_is_meant_for_us() {
    let database = database();
    let tool = shop(
        &database,
        "password_command = [\"sh\", \"-c\", \"cat; echo 'open sesame'\"]",
    )
    .input("correct horse");
    tool.run(&["user", "create", "a@example.com", "--password-stdin"])
        .ok();
    let hash = database.value("select password_hash from users");
    assert!(bcrypt::verify("correct horse", &hash).unwrap());
}

#[test]
fn a_person_is_asked_when_nobody_knows_it() {
    let database = database();
    let tool = shop(&database, "").env("PAGER", "cat");
    let mut terminal = tool.terminal(&["migrate", "status"]);
    terminal.exp_string("password of clerk in shop:").unwrap();
    terminal.send_line(PASSWORD).unwrap();
    let rest = terminal.exp_eof().unwrap();
    assert!(rest.contains("13 applied, 0 pending"), "{rest}");
    assert!(!rest.contains("sesame") && !rest.contains("::"), "{rest}");
    // Those who are let in by us are not asked again.
    let mut terminal = tool.terminal(&["psql", "-c", "select current_user"]);
    terminal.exp_string("password of clerk in shop:").unwrap();
    terminal.send_line(PASSWORD).unwrap();
    let rest = terminal.exp_eof().unwrap();
    assert!(rest.contains(" clerk"), "{rest}");
    // A wrong one is refused by the server, and nobody tries on.
    let mut terminal = tool.terminal(&["migrate", "status"]);
    terminal.exp_string("password of clerk in shop:").unwrap();
    terminal.send_line("a wrong one").unwrap();
    let rest = terminal.exp_eof().unwrap();
    assert!(
        rest.contains("password authentication failed for user \"clerk\""),
        "{rest}"
    );
    assert!(!rest.contains("a wrong one"), "{rest}");
    let mut terminal = tool.terminal(&["migrate", "status"]);
    terminal.exp_string("password of clerk in shop:").unwrap();
    terminal.send_control('c').unwrap();
    let rest = terminal.exp_eof().unwrap();
    assert!(rest.contains("interrupted"), "{rest}");
}

#[test]
fn nobody_is_asked_who_does_not_want_to_be() {
    let database = database();
    let tool = shop(&database, "").env("NO_COLOR", "1");
    let mut terminal = tool.terminal(&["migrate", "status", "--no-input"]);
    let rest = terminal.exp_eof().unwrap();
    assert!(!rest.contains("password of clerk"), "{rest}");
    assert_snapshot!(tool.redact(&rest.replace('\r', "")).trim(), @"
    -> shop  SOCKET/DB as clerk
    error: cannot connect to SOCKET/DB as clerk
      caused by: the server wants a password, and none was given
      hint: say where it is, with `password_command` or `password_env` in toysoldiers.toml, in ~/.pgpass, or in PGPASSWORD
    ");
    // A password that somebody knew is not asked for, also when it is wrong.
    let tool = tool.env("PGPASSWORD", "wrong");
    let rest = tool.terminal(&["migrate", "status"]).exp_eof().unwrap();
    assert!(rest.contains("password authentication failed"), "{rest}");
}
