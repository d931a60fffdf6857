//! `init`.

use std::path::Path;

use insta::assert_snapshot;

use crate::support::{Database, Tool};

#[test]
fn writes_a_commented_file_from_flags_and_never_over_another() {
    let tool = Tool::new();
    let words = [
        "init",
        "production",
        "--url",
        "postgresql://app@127.0.0.1:1/app",
        "--password-env",
        "SECRET",
        "--protected",
    ];
    assert_snapshot!(tool.run(&[&words[..], &["--dry-run"]].concat()), @"
    -- stdout
    plan: write toysoldiers.toml
      write HERE/toysoldiers.toml
    -- stderr
    dry run: nothing was changed
    -- exit 0
    ");
    assert_snapshot!(tool.run(&words), @"
    -- stdout
    path  HERE/toysoldiers.toml
    -- stderr
    see what is in force now with `toysoldiers env show`
    -- exit 0
    ");
    assert_snapshot!(std::fs::read_to_string(tool.path().join("toysoldiers.toml")).unwrap(), @r#"
    # Settings of toysoldiers. Commit this file: it holds no secret.
    # `toysoldiers env show` tells every value in force and where it came from.

    # The environment when neither --env nor TOYSOLDIERS_ENV names one.
    default_env = "local"

    [migrations]
    # dir = "database/migrations"           # relative to this file

    # `local` and `demo` need no table: they are databases of a private server.
    [env.production]
    url = "postgresql://app@127.0.0.1:1/app"
    # Who knows the password: a program that prints it, a variable, ~/.pgpass or PGPASSWORD.
    # password_command = ["op", "read", "op://ops/database/password"]
    password_env = "SECRET"
    protected = true                         # whether every change asks first
    # deny = ["backup restore"]              # commands that are never run here
    # `toysoldiers --env production env pin` writes here which server this is: its fingerprint.

    # Lists and numbers are read here while it has what the primary has.
    # [env.production.replica]
    # url = "postgresql://user@replica:5432/database"
    # max_lag = "30s"                        # how long it is waited for

    # [env.production.backup]
    # destination = "backups"                # a folder, relative to this file
    "#);
    assert_snapshot!(tool.run(&["init"]), @"
    -- stderr
    error: HERE/toysoldiers.toml is there already
      note: nothing was changed
      hint: name an environment to be added to it
    -- exit 6
    ");
    let outcome = tool.run(&["--env", "production", "dashboard"]).code(4);
    assert!(
        outcome
            .stderr
            .contains("SECRET, which holds the password of production, is not set"),
        "{outcome}"
    );
}

#[test]
fn without_a_name_and_a_terminal_the_file_holds_an_example() {
    let tool = Tool::new();
    tool.run(&["init"]).ok();
    let text = std::fs::read_to_string(tool.path().join("toysoldiers.toml")).unwrap();
    assert!(text.contains("# [env.production]"), "{text}");
    assert_eq!(
        tool.run(&["env", "list", "-o", "csv"])
            .ok()
            .stdout
            .lines()
            .count(),
        3
    );
}

#[test]
fn a_terminal_is_asked() {
    let tool = Tool::new();
    let mut terminal = tool.terminal(&["init"]);
    for (question, answer) in [
        ("name of an environment", "staging"),
        ("its address", "postgresql://app@127.0.0.1:1/app"),
        ("a command that prints its password", "pass show 'the db'"),
        ("ask before every change", "y"),
    ] {
        terminal.exp_string(question).unwrap();
        terminal.send_line(answer).unwrap();
    }
    terminal.exp_string("env show").unwrap();
    terminal.exp_eof().unwrap();
    let text = std::fs::read_to_string(tool.path().join("toysoldiers.toml")).unwrap();
    assert!(
        text.contains("password_command = [\"pass\", \"show\", \"the db\"]"),
        "{text}"
    );
    assert_eq!(
        tool.run(&["env", "list", "-o", "csv"])
            .ok()
            .stdout
            .lines()
            .last()
            .unwrap()
            .replace(tool.path().to_str().unwrap(), "HERE"),
        "staging,127.0.0.1:1/app as app,true,false,HERE/toysoldiers.toml"
    );
}

#[test]
fn what_the_file_must_not_hold_is_refused() {
    let tool = Tool::new();
    let refusal = |words: &[&str]| tool.run(&[&["init"], words].concat()).code(2).to_string();
    assert_snapshot!(refusal(&["production", "--url", "postgresql://app:hunter2@127.0.0.1/app"]), @"
    -- stderr
    error: the address holds a password, and the file is meant to be committed
      hint: leave it out; say who knows it with `--password-command` or `--password-env`
    -- exit 2
    ");
    assert_snapshot!(refusal(&["local", "--url", "postgresql://app@127.0.0.1/app"]), @"
    -- stderr
    error: the environment local is the private server's
      hint: give yours another name
    -- exit 2
    ");
    assert_snapshot!(refusal(&["pro duction", "--url", "postgresql://app@127.0.0.1/app"]), @r#"
    -- stderr
    error: "pro duction" cannot name an environment
      hint: use letters, digits, - and _
    -- exit 2
    "#);
    assert_snapshot!(refusal(&["production", "--url", "postgresql://app@127.0.0.1/app", "--password-env", "hunter 2"]), @"
    -- stderr
    error: the password's variable has no name of a variable
      hint: name it like PRODUCTION_PASSWORD; the password itself stays out of the file
    -- exit 2
    ");
    assert_snapshot!(refusal(&["production"]), @"
    -- stderr
    error: where is the database of production?
      hint: say it: `toysoldiers init production --url postgresql://user@host:5432/database`
    -- exit 2
    ");
    assert_snapshot!(refusal(&["production", "--url", "postgresql://app@127.0.0.1/app", "--password-command", "vault read db | head -1"]), @"
    -- stderr
    error: invalid value 'vault read db | head -1' for '--password-command <COMMAND>': `|` means something to a shell only; quote it with '', or call a script

    For more information, try '--help'.
    -- exit 2
    ");
    assert_snapshot!(refusal(&["production", "--url", "postgresql://app@127.0.0.1/app", "--password-command", "a", "--password-env", "B"]), @"
    -- stderr
    error: the argument '--password-command <COMMAND>' cannot be used with '--password-env <VARIABLE>'

    Usage: toysoldiers init --url <URL> --password-command <COMMAND> <NAME>

    For more information, try '--help'.
    -- exit 2
    ");
    assert!(!tool.path().join("toysoldiers.toml").exists());
}

#[test]
fn a_command_for_the_password_is_written_as_a_list() {
    let tool = Tool::new();
    tool.run(&[
        "init",
        "staging",
        "--url",
        "postgresql://app@127.0.0.1:1/app",
        "--password-command",
        "op read 'op://ops/staging db/password'",
    ])
    .ok();
    let text = std::fs::read_to_string(tool.path().join("toysoldiers.toml")).unwrap();
    assert_snapshot!(text.split_once("private server.\n").unwrap().1, @r#"
    [env.staging]
    url = "postgresql://app@127.0.0.1:1/app"
    # Who knows the password: a program that prints it, a variable, ~/.pgpass or PGPASSWORD.
    password_command = ["op", "read", "op://ops/staging db/password"]
    # password_env = "THE_VARIABLE"
    protected = false                        # whether every change asks first
    # deny = ["backup restore"]              # commands that are never run here
    # `toysoldiers --env staging env pin` writes here which server this is: its fingerprint.

    # Lists and numbers are read here while it has what the primary has.
    # [env.staging.replica]
    # url = "postgresql://user@replica:5432/database"
    # max_lag = "30s"                        # how long it is waited for

    # [env.staging.backup]
    # destination = "backups"                # a folder, relative to this file
    "#);
}

#[test]
fn an_environment_is_added_to_the_file_that_is_there() {
    let tool = Tool::new();
    let file = "# ours\n[env.shop] # the first\nurl = \"postgresql://app@127.0.0.1:1/shop\"\n";
    tool.write("toysoldiers.toml", file);
    tool.write("below/x", "");
    let url = ["--url", "postgresql://app@127.0.0.1:1/app"];
    // Also from below, since it is the file that counts there.
    let below = tool.path().join("below");
    let staging = [&["init", "staging"], &url[..]].concat();
    let added = tool.command(&staging).current_dir(below).status().unwrap();
    assert!(added.success());
    assert!(!tool.path().join("below/toysoldiers.toml").exists());
    let text = std::fs::read_to_string(tool.path().join("toysoldiers.toml")).unwrap();
    let added = text.strip_prefix(file).unwrap();
    assert!(
        added.starts_with("\n[env.staging]\nurl = \"postgresql://app@127.0.0.1:1/app\"\n"),
        "{text}"
    );
    let list = tool.run(&["env", "list", "-o", "csv"]).ok().stdout;
    assert_eq!(list.lines().count(), 5, "{list}");
    assert_snapshot!(tool.run(&staging), @"
    -- stderr
    error: HERE/toysoldiers.toml has an environment staging already
      note: nothing was changed
      hint: edit it there, or give the new one another name
    -- exit 6
    ");
    assert_eq!(
        std::fs::read_to_string(tool.path().join("toysoldiers.toml")).unwrap(),
        text
    );
}

#[test]
fn the_files_in_the_program_are_written_out_and_mean_the_same() {
    let database = Database::empty();
    let tool = Tool::new().on(&database);
    tool.run(&["deploy", "--yes"]).ok();
    let bare = Tool::new();
    assert_snapshot!(bare.run(&["init", "--with-files", "--dry-run"]), @"
    -- stdout
    plan: write toysoldiers.toml and the files in this program
      write HERE/toysoldiers.toml
      write HERE/database/migrations  (13 files)
      write HERE/database/policies  (10 files)
      write HERE/database/indexes  (6 files)
    -- stderr
    dry run: nothing was changed
    -- exit 0
    ");
    bare.run(&["init", "--with-files"]).ok();
    let bare = bare.on(&database);
    bare.run(&["status", "--check"]).ok();
    bare.run(&["policy", "test"]).ok();
    for folder in ["migrations", "policies", "indexes"] {
        let ours = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("database")
            .join(folder);
        let theirs = bare.path().join("database").join(folder);
        for entry in std::fs::read_dir(&ours).unwrap() {
            let name = entry.unwrap().file_name();
            assert_eq!(
                std::fs::read(theirs.join(&name)).unwrap(),
                std::fs::read(ours.join(&name)).unwrap(),
                "{name:?}"
            );
        }
    }
    // What is there stays as it is.
    std::fs::remove_dir_all(bare.path().join("database/indexes")).unwrap();
    bare.write("database/policies/content.sql", "-- mine");
    assert_snapshot!(bare.run(&["init", "--with-files", "--dry-run"]), @"
    -- stdout
    plan: write the files in this program
      leave HERE/database/migrations  (is there already)
      leave HERE/database/policies  (is there already)
      write HERE/database/indexes  (6 files)
    -- stderr
    dry run: nothing was changed
    -- exit 0
    ");
    bare.run(&["init", "--with-files"]).ok();
    bare.run(&["init", "--with-files"]).code(6);
    assert_eq!(
        std::fs::read(bare.path().join("database/policies/content.sql")).unwrap(),
        b"-- mine"
    );
}

#[test]
fn files_are_not_written_where_a_link_leads() {
    let tool = Tool::new();
    let elsewhere = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink(elsewhere.path(), tool.path().join("database")).unwrap();
    assert_snapshot!(tool.run(&["init", "--with-files"]), @"
    -- stderr
    error: HERE/database is a link
      note: nothing was changed
      hint: make a folder of it, or begin in another one
    -- exit 6
    ");
    assert_eq!(std::fs::read_dir(elsewhere.path()).unwrap().count(), 0);
}
