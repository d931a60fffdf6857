//! The README is true: its commands, run in order on a fresh machine, say what it shows.

use std::fs::File;

use crate::local::Private;

const README: &str = include_str!("../README.md");

/// The `console` blocks as commands with what they print.
fn sessions() -> Vec<(String, String)> {
    let mut sessions: Vec<(String, String)> = Vec::new();
    let mut inside = false;
    for line in README.lines() {
        if line.starts_with("```") {
            inside = line == "```console";
        } else if let (true, Some(command)) = (inside, line.strip_prefix("$ ")) {
            sessions.push((command.to_owned(), String::new()));
        } else if let (true, Some((_, shown))) = (inside, sessions.last_mut()) {
            shown.push_str(line);
            shown.push('\n');
        }
    }
    sessions
}

/// What a shell makes of a command without anything special in it but single quotes.
fn words(command: &str) -> Vec<&str> {
    let quoted = command.split('\'').enumerate();
    let words = quoted.flat_map(|(place, part)| match place % 2 {
        0 => part.split_whitespace().collect(),
        _ => vec![part],
    });
    words.collect()
}

/// What no two runs have in common.
fn alike(text: &str) -> String {
    let text = regex::Regex::new(r"[a-zA-Z0-9]{20}\n")
        .unwrap()
        .replace_all(text, "PASSWORD\n")
        .into_owned();
    let text = regex::Regex::new(r"[\w.-]+@(bastion|HOST)")
        .unwrap()
        .replace_all(&text, "WHO")
        .into_owned();
    let text = regex::Regex::new(r"  [\d.]+ (kB|MB)|\([\d.]+ MB\)")
        .unwrap()
        .replace_all(&text, "  SIZE")
        .into_owned();
    let text = regex::Regex::new(r"\b\d{19}\b")
        .unwrap()
        .replace_all(&text, "FINGERPRINT")
        .into_owned();
    text.replace("PID", "4711")
}

#[test]
fn every_command_says_what_the_readme_shows() {
    let private = Private::new();
    let tool = &private.tool;
    tool.write("examples/014_tip_currency.sql", "-- All tips are in US dollars.\nalter table tips add currency text;\nupdate tips set curency = 'usd';\n");
    for entry in
        std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/database/migrations")).unwrap()
    {
        let entry = entry.unwrap();
        std::fs::copy(
            entry.path(),
            tool.path().join("examples").join(entry.file_name()),
        )
        .unwrap();
    }
    let sessions = sessions();
    assert!(sessions.len() >= 9, "{sessions:?}");
    for (command, shown) in sessions {
        let words = words(&command);
        assert_eq!(words[0], "toysoldiers");
        let path = tool.path().join("printed");
        let file = File::create(&path).unwrap();
        let status = tool
            .command(&words[1..])
            .stdout(file.try_clone().unwrap())
            .stderr(file)
            .status()
            .unwrap();
        let printed = tool.redact(&std::fs::read_to_string(&path).unwrap());
        assert_eq!(alike(&printed), alike(&tool.redact(&shown)), "{command}");
        assert_eq!(status.success(), !shown.contains("error: "), "{command}");
    }
}

#[test]
fn the_two_commands_open_it_and_ci_runs_the_second() {
    let (before, _) = README.split_once("## ").unwrap();
    assert!(before.contains("\nscripts/demo.sh ") && before.contains("\nscripts/test.sh "));
    let ci = include_str!("../.ci/run");
    assert!(ci.ends_with("\nscripts/test.sh --yes\nscripts/test.sh --yes --postgres 14,18\n"));
}

#[test]
fn its_configuration_is_read() {
    let (_, rest) = README.split_once("```toml\n").unwrap();
    let (file, _) = rest.split_once("```").unwrap();
    let private = Private::new();
    private.tool.write("toysoldiers.toml", file);
    let outcome = private
        .tool
        .run(&["--env", "production", "dashboard"])
        .code(4);
    assert!(
        outcome
            .stderr
            .contains("PRODUCTION_PASSWORD, which holds the password of production, is not set"),
        "{outcome}"
    );
}
