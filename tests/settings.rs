//! Which database: flags, variables, the file, and what is wrong with it.

use insta::assert_snapshot;

use crate::support::{Database, Tool};

fn banner(tool: &Tool, args: &[&str]) -> String {
    let outcome = tool.run(&[args, &["migrate", "status"]].concat());
    outcome
        .stderr
        .lines()
        .find(|line| line.starts_with("->"))
        .unwrap_or(&outcome.stderr)
        .to_owned()
}

#[test]
fn the_first_that_says_something_is_right() {
    let database = Database::empty();
    let url = |name: &str| format!("postgresql://{name}@127.0.0.1:1/{name}");
    let tool = Tool::new();
    tool.write(
        "toysoldiers.toml",
        format!("default_env = \"file\"\n[env.file]\nurl = \"{}\"\n[env.flag]\nurl = \"{}\"\n[env.variable]\nurl = \"{}\"\nprotected = true\n", url("file"), url("flag"), url("variable")),
    );
    let tool = tool.env("DATABASE_URL", &url("stray"));
    assert_eq!(banner(&tool, &[]), "-> file  127.0.0.1:1/file as file");
    let tool = tool.env("TOYSOLDIERS_ENV", "variable");
    assert_eq!(
        banner(&tool, &[]),
        "-> variable  127.0.0.1:1/variable as variable  PROTECTED"
    );
    assert_eq!(
        banner(&tool, &["--env", "flag"]),
        "-> flag  127.0.0.1:1/flag as flag"
    );
    assert_eq!(
        banner(&tool, &["--database-url", &url("bare")]),
        "-> (url)  127.0.0.1:1/bare as bare"
    );
    // The file is found from a folder below.
    std::fs::create_dir_all(tool.path().join("deep/down")).unwrap();
    let mut command = tool.command(&["--env", "flag", "dashboard"]);
    let outcome = tool.outcome(
        command
            .current_dir(tool.path().join("deep/down"))
            .spawn()
            .unwrap(),
    );
    assert!(outcome.stderr.starts_with("-> flag "), "{outcome}");
    // Without a file, the variable everyone knows.
    let bare = Tool::new()
        .env("DATABASE_URL", &database.url())
        .hiding(&database);
    assert_eq!(banner(&bare, &[]), "-> (url)  SOCKET/DB as postgres");
}

#[test]
fn two_databases_at_once_are_refused() {
    assert_snapshot!(Tool::new().run(&["--env", "local", "--database-url", "postgresql://a@b/c", "dashboard"]), @"
    -- stderr
    error: `--env` and `--database-url` name two databases
      hint: give one of them
    -- exit 2
    ");
}

#[test]
fn an_unknown_environment_is_answered_with_the_nearest() {
    let tool = Tool::new();
    assert_snapshot!(tool.run(&["--env", "production", "dashboard"]), @"
    -- stderr
    error: there is no environment production (from --env)
      note: there is no toysoldiers.toml here or above
      hint: add it: `toysoldiers init production --url postgresql://user@host:5432/database`
    -- exit 4
    ");
    tool.write(
        "toysoldiers.toml",
        "[env.production]\nurl = \"postgresql://a@b/c\"\n",
    );
    assert_snapshot!(tool.run(&["--env", "prodution", "dashboard"]), @"
    -- stderr
    error: there is no environment prodution (from --env)
      note: HERE/toysoldiers.toml knows local, demo, production
      hint: did you mean `--env production`?
    -- exit 4
    ");
}

#[test]
fn what_is_wrong_with_the_file_has_its_line() {
    let tool = Tool::new();
    let refusal = |text: &str| {
        tool.write("toysoldiers.toml", text);
        tool.run(&["migrate", "status"]).code(4).to_string()
    };
    assert_snapshot!(refusal("[env.production]\nurl = \"postgresql://a@b/c\"\nprotectd = true\n"), @"
    -- stderr
    error: there is no key protectd in toysoldiers.toml
      --> HERE/toysoldiers.toml:3:1
         |
       3 | protectd = true
         | ^^^^^^^^
      hint: did you mean `protected`?
    -- exit 4
    ");
    assert_snapshot!(refusal("[env.production]\nurl = \"postgresql://a@b/c\"\nprotected = \"yes\"\n"), @r#"
    -- stderr
    error: toysoldiers.toml cannot be read: invalid type: string "yes", expected a boolean
      --> HERE/toysoldiers.toml:3:13
         |
       3 | protected = "yes"
         |             ^^^^^
      hint: mend that line and try again
    -- exit 4
    "#);
    assert_snapshot!(refusal("[env.production\n"), @"
    -- stderr
    error: toysoldiers.toml cannot be read: unclosed table, expected ]
      --> HERE/toysoldiers.toml:1:16
         |
       1 | [env.production
         |                ^
      hint: mend that line and try again
    -- exit 4
    ");
    assert_snapshot!(refusal("[env.production]\nprotected = true\n"), @"
    -- stderr
    error: toysoldiers.toml cannot be read: missing field url
      --> HERE/toysoldiers.toml:1:1
         |
       1 | [env.production]
         | ^^^^^^^^^^^^^^^^
      hint: mend that line and try again
    -- exit 4
    ");
    assert_snapshot!(refusal("[env.local]\nurl = \"postgresql://a@b/c\"\n"), @"
    -- stderr
    error: the environment local is the private server's
      --> HERE/toysoldiers.toml:1:2
         |
       1 | [env.local]
         |  ^^^^^^^^^
      hint: give yours another name
    -- exit 4
    ");
    assert_snapshot!(refusal("default_env = \"x\"\n[env.x]\nurl = \"not a url\"\n"), @"
    -- stderr
    error: cannot use the url of x in HERE/toysoldiers.toml
      caused by: the connection string is neither a URL nor `name=value`
      hint: write it as `postgresql://user@host:5432/database`
    -- exit 4
    ");
}

#[test]
fn a_file_that_is_named_must_be_there() {
    assert_snapshot!(Tool::new().run(&["--config", "nowhere.toml", "dashboard"]), @"
    -- stderr
    error: cannot read HERE/nowhere.toml
      caused by: no such file or directory
      hint: name a file that is there with `--config`
    -- exit 4
    ");
}

#[test]
fn commands_that_need_no_database_do_not_mind_a_broken_file() {
    let tool = Tool::new();
    tool.write("toysoldiers.toml", "broken");
    tool.run(&["--version"]).ok();
    tool.run(&["--help"]).ok();
}

#[test]
fn a_bare_url_is_as_protected_as_the_environment_it_names() {
    let database = Database::empty();
    let tool = Tool::new().hiding(&database);
    tool.write(
        "toysoldiers.toml",
        format!(
            "[env.production]\nurl = \"{}\"\nprotected = true\n",
            database.url()
        ),
    );
    let outcome = tool
        .run(&[
            "--database-url",
            &database.url_as("postgres"),
            "migrate",
            "up",
        ])
        .code(6);
    assert!(outcome.stderr.contains("PROTECTED"), "{outcome}");
    assert_eq!(
        database.value("select to_regnamespace('toysoldiers') is null"),
        "t"
    );
}
