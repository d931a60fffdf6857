//! An address with a password where something else belongs: it is said back, but without the password.

use crate::support::Tool;

const PASSWORD: &str = "S3cr3t";

/// What somebody may paste.
const ADDRESSES: &[&str] = &[
    "postgresql://u:S3cr3t@h/d",
    "postgres://u:x%40S3cr3t%2F@h:1/d?sslmode=disable",
    "postgresql://u:my S3cr3t@h/d",
    "postgresql://u:a\"b'S3cr3t@h/d",
    "postgresql://u:p@S3cr3t@h/d",
    "postgresql://h/d?user=u&password=S3cr3t",
    "postgres:/u:S3cr3t@h/d",
    "host=h user=u password=S3cr3t dbname=d",
    "host=h password = 'my S3cr3t' dbname=d",
    "password=x&S3cr3t",
    "password\t=\tS3cr3t",
    "postgresql://h/x?%70assword=S3cr3t",
    "postgresql://h/x?pass%77ord=S3cr3t",
    "Postgres:u:S3cr3t@h/x",
    "passwrd=S3cr3t",
    "u:S3cr3t@host/x",
];

/// Where, as `@`.
const PLACES: &[&[&str]] = &[
    &["@"],
    &["--@"],
    &["--@=3", "env", "list"],
    &["migrate", "@"],
    &["user", "list", "@"],
    &["user", "list", "--limit", "@"],
    &["user", "show", "@"],
    &["user", "create", "@"],
    &["creator", "verify", "@"],
    &["-e", "@", "status"],
    &["-e@", "status"],
    &["--env=@", "status"],
    &["--config", "@", "env", "list"],
    &["--output", "@", "env", "list"],
    &["--color", "@", "env", "list"],
    &["--lock-timeout", "@", "env", "list"],
    &["deploy", "@"],
    &["backup", "create", "--to", "@"],
    &["backup", "list", "--from", "@"],
    &["backup", "restore", "@", "--from", "missing"],
    &["init", "@"],
    &["init", "x", "--url", "@"],
    &[
        "init",
        "x",
        "--url",
        "postgresql://h/x",
        "--password-env",
        "@",
    ],
    &["migrate", "check", "--migrations", "@"],
    &["psql", "@"],
    &["psql", "-f", "@"],
    &["psql", "--", "--file=@"],
    &["psql", "--", "-o@"],
    &["completions", "@"],
    &["--env", "x", "--database-url", "@", "env", "list"],
];

fn is_silent(tool: &Tool, words: &[&str]) {
    let outcome = tool.run(words);
    assert_ne!(outcome.code, Some(0), "{words:?}\n{outcome}");
    assert!(
        !outcome.to_string().contains(PASSWORD),
        "{words:?}\n{outcome}"
    );
}

#[test]
fn no_error_says_a_password_back() {
    let tool = Tool::new();
    for address in ADDRESSES {
        for place in PLACES {
            let words: Vec<String> = place
                .iter()
                .map(|word| word.replace('@', address))
                .collect();
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            is_silent(&tool, &words);
            if *address == ADDRESSES[0] {
                is_silent(&tool, &[&words[..], &["-o", "json"]].concat());
            }
        }
    }
    assert!(tool.folder().list(".").is_empty(), "nothing was made of it");
}

#[test]
fn nor_one_of_a_variable() {
    for address in ADDRESSES {
        for variable in ["TOYSOLDIERS_ENV", "TOYSOLDIERS_CONFIG", "DATABASE_URL"] {
            let tool = Tool::new().env(variable, address);
            is_silent(&tool, &["status", "--statement-timeout", "1s"]);
        }
    }
}

#[test]
fn all_but_the_password_is_said() {
    let outcome = Tool::new().run(&["user", "list", "postgresql://u:S3cr3t@h/d"]);
    let line = outcome.stderr.lines().next().unwrap().to_owned();
    assert_eq!(
        line,
        "error: unexpected argument 'postgresql://u:******@h/d' found"
    );
}

#[test]
fn nor_one_of_a_file_that_is_wrong() {
    for line in [
        "url = \"postgresql://u:pa'S3cr3t@h/db\" x",
        "url = \"postgresql://u:pa S3cr3t@h/db\" x",
        "url = \"postgresql://u:pa`S3cr3t@h/db\" x",
        "url = 'postgresql://u:pa\"S3cr3t@h/db' x",
        "url = \"postgresql://h/db?password=pa S3cr3t\" x",
        "passwd = \"S3cr3t\"",
        "pwd = \"S3cr3t\"",
        "password_command = \"echo S3cr3t\"",
        "password_command = [\"echo\", \"S3cr3t\"] x",
    ] {
        let tool = Tool::new();
        tool.write("toysoldiers.toml", format!("[env.x]\n{line}\n"));
        for form in ["table", "json"] {
            let words = ["-o", form, "-e", "x", "env", "show"];
            is_silent(&tool, &words);
        }
    }
}

#[test]
fn what_is_told_of_variables_holds_none() {
    let elsewhere = ["--database-url", "postgresql://localhost:1/d"];
    for address in ["postgresql://u:S3cr3t@h/d", "u:S3cr3t@host/x"] {
        for variable in ["TOYSOLDIERS_LOCAL_DIR", "TOYSOLDIERS_PG_BIN", "PGUSER"] {
            let tool = Tool::new().env(variable, address);
            for words in [
                &["env", "show"][..],
                &["env", "show", "-o", "json"],
                &["status"],
            ] {
                let words = [&elsewhere[..], words].concat();
                let outcome = tool.run(&words);
                assert!(
                    !outcome.to_string().contains(PASSWORD),
                    "{variable} {words:?}\n{outcome}"
                );
            }
        }
    }
}

#[test]
fn no_server_is_made_in_a_folder_that_is_an_address() {
    let tool = Tool::new().env("TOYSOLDIERS_LOCAL_DIR", "postgresql://u:S3cr3t@h/d");
    for words in [&["status"][..], &["local", "start"], &["env", "show"]] {
        is_silent(&tool, words);
    }
    assert!(tool.folder().list(".").is_empty(), "nothing was made of it");
}
