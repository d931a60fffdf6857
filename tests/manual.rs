//! `completions`, `man` and `--help`.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use crate::support::{Database, Tool};

/// Every command of the program, by the names one types.
pub fn commands(tool: &Tool, path: &[&str], found: &mut BTreeSet<String>) {
    let help = tool.run(&[path, &["--help"]].concat()).ok().stdout;
    let listed = help
        .lines()
        .skip_while(|line| *line != "Commands:")
        .skip(1)
        .take_while(|line| !line.is_empty());
    let names: Vec<String> = listed
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .map(|line| line.split_whitespace().next().unwrap().to_owned())
        .filter(|name| name != "help")
        .collect();
    if names.is_empty() {
        found.insert(path.join(" "));
    }
    for name in names {
        commands(tool, &[path, &[&name]].concat(), found);
    }
}

#[test]
fn every_command_that_takes_words_has_an_example() {
    let tool = Tool::new();
    let mut all = BTreeSet::new();
    commands(&tool, &[], &mut all);
    assert!(all.len() >= 20, "{all:?}");
    for command in all {
        let words: Vec<&str> = command.split(' ').collect();
        let help = tool.run(&[&words[..], &["--help"]].concat()).ok().stdout;
        let group = tool.run(&[&words[..1], &["--help"]].concat()).ok().stdout;
        assert!(
            help.contains("Example") || group.contains("Example"),
            "{command}"
        );
    }
}

#[test]
fn completions_are_scripts_for_their_shell() {
    let tool = Tool::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = tool.run(&["completions", shell]).ok().stdout;
        assert!(script.contains("TOYSOLDIERS_COMPLETE"), "{shell}");
    }
    tool.run(&["completions", "cmd"]).code(2);
}

/// What bash offers for the last of these words.
fn completed(tool: &Tool, words: &[&str]) -> Vec<String> {
    let script = tool.write(
        "completions.bash",
        tool.run(&["completions", "bash"]).ok().stdout,
    );
    let program = tool.command(&[]);
    let folder = Path::new(program.get_program()).parent().unwrap();
    let ask = "source \"$0\"; COMP_WORDS=(toysoldiers \"$@\"); COMP_CWORD=$#
         COMP_TYPE=9; complete -p toysoldiers >/dev/null || exit 1
         _clap_complete_toysoldiers toysoldiers \"${COMP_WORDS[-1]}\"; printf '%s\\n' \"${COMPREPLY[@]}\"";
    let mut bash = Command::new("bash");
    bash.args(["-c", ask]).arg(script).args(words);
    bash.current_dir(tool.path()).env_clear();
    bash.env("PATH", format!("{}:/usr/bin:/bin", folder.display()));
    let output = bash.output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    text.lines()
        .map(|line| line.trim_end().to_owned())
        .collect()
}

#[test]
fn completions_know_what_there_is_and_connect_to_nothing() {
    let tool = Tool::new();
    assert_eq!(completed(&tool, &["-e", ""]), ["local", "demo"]);
    // Nobody is there, and the command would leave a file behind.
    tool.write(
        "toysoldiers.toml",
        "default_env = \"shop\"\n[env.shop]\nurl = \"postgresql://a@127.0.0.1:1/a\"\n\
         password_command = [\"touch\", \"asked\"]\ndeny = [\"no command\"]\n[env.shop.backup]\ndestination = \"b\"\n",
    );
    tool.write("b/shop-20260101T000000Z.dump", "cut short");
    assert_eq!(completed(&tool, &["--env", "s"]), ["shop"]);
    assert_eq!(
        completed(&tool, &["status", "--confirm", ""]),
        ["local", "demo", "shop"]
    );
    assert_eq!(completed(&tool, &["backup", "restore", "l"]), ["latest"]);
    // A broken file offers less.
    assert_eq!(
        completed(&tool, &["user", "list", "--sort", "-c"]),
        ["-created_at", "-creator_id"]
    );
    let formats = |command: &str| completed(&tool, &[command, "-o", ""]).join(" ");
    assert_eq!(formats("deploy"), "table json csv ndjson");
    assert_eq!(
        completed(&tool, &["policy", "audit", "-o", ""]).join(" "),
        "table json csv ndjson github sarif"
    );
    assert!(!tool.path().join("asked").exists());
    tool.write("toysoldiers.toml", "[env");
    assert_eq!(completed(&tool, &["-e", ""]), ["local", "demo"]);
}

#[test]
fn completions_know_the_backups() {
    let database = Database::migrated();
    let tool = Tool::new().on(&database);
    tool.run(&["backup", "create", "--to", "b"]).ok();
    let listed = ["backup", "list", "--from", "b", "-o", "json"];
    let listed = tool.run(&listed).ok().json();
    let name = listed["backups"][0]["name"].as_str().unwrap();
    // What is incomplete is not offered.
    tool.write("b/x.dump", "");
    let words = ["backup", "restore", "--from", "b", ""];
    // Behind them are options.
    let offered = completed(&tool, &words);
    let names: Vec<&String> = offered
        .iter()
        .filter(|word| !word.starts_with('-'))
        .collect();
    assert_eq!(names, ["latest", name]);
}

#[test]
fn the_manual_has_a_page_a_command() {
    let tool = Tool::new();
    let page = tool.run(&["man"]).ok().stdout;
    assert!(page.contains(".TH toysoldiers 1"), "{page}");
    tool.run(&["man", "--to", "man1"]).ok();
    let pages = tool.folder().list("man1");
    let mut all = BTreeSet::new();
    commands(&tool, &[], &mut all);
    for command in all {
        assert!(
            pages.contains(&format!("toysoldiers-{}.1", command.replace(' ', "-"))),
            "{command}: {pages:?}"
        );
    }
    assert!(!pages.iter().any(|page| page.contains("help")), "{pages:?}");
}

/// The formats a command offers, as its help tells them.
fn formats(help: &str) -> Vec<&str> {
    let option = help.split("--output <OUTPUT>").nth(1);
    let values = option.and_then(|text| text.split("[possible values: ").nth(1));
    values.map_or(vec!["table"], |values| {
        values.split(']').next().unwrap().split(", ").collect()
    })
}

#[test]
fn short_help_has_a_line_for_the_options_of_every_command() {
    let tool = Tool::new();
    let mut all = BTreeSet::new();
    commands(&tool, &[], &mut all);
    all.extend(["", "migrate", "policy"].map(str::to_owned));
    for command in all {
        let words: Vec<&str> = command.split_whitespace().collect();
        let short = tool.run(&[&words[..], &["-h"]].concat()).ok().stdout;
        let last = short.lines().last().unwrap();
        assert!(last.ends_with("see --help"), "{command}: {last}");
        assert!(!short.contains("--no-input"), "{short}");
        let long = tool.run(&[&words[..], &["--help"]].concat()).ok().stdout;
        assert!(long.contains("\nGlobal options:\n"), "{long}");
        assert!(long.contains("--no-input"), "{long}");
        assert!(!long.contains("see --help"), "{long}");
    }
}

#[test]
fn help_is_as_wide_as_the_terminal() {
    const WIDTH: usize = 60;
    let tool = Tool::new().env("COLUMNS", &WIDTH.to_string());
    let mut all = BTreeSet::new();
    commands(&tool, &[], &mut all);
    all.extend(["", "local", "migrate", "policy", "index"].map(str::to_owned));
    for command in all {
        let words: Vec<&str> = command.split_whitespace().collect();
        let help = tool.run(&[&words[..], &["--help"]].concat()).ok().stdout;
        let lines: Vec<&str> = help.lines().collect();
        for line in &lines {
            // A word that is longer stays whole, and so does how the command is typed.
            let is_whole = line.split_whitespace().count() == 1 || line.starts_with("Usage: ");
            assert!(line.len() <= WIDTH || is_whole, "{command}: {line}");
        }
        for pair in lines.windows(2) {
            let is_text = |line: &str| line.starts_with(|first: char| first.is_alphabetic());
            if is_text(pair[0]) && is_text(pair[1]) {
                let next = pair[1].split(' ').next().unwrap();
                let joined = pair[0].len() + 1 + next.len();
                assert!(joined > WIDTH, "{command}: broken by hand: {pair:?}");
            }
        }
    }
}

#[test]
fn every_command_offers_the_formats_it_can_write_and_names_them_when_asked_for_another() {
    const ALL: [&str; 6] = ["table", "json", "csv", "ndjson", "github", "sarif"];
    let tool = Tool::new();
    let mut all = BTreeSet::new();
    commands(&tool, &[], &mut all);
    for command in &all {
        let words: Vec<&str> = command.split(' ').collect();
        let help = tool.run(&[&words[..], &["--help"]].concat()).ok().stdout;
        let offered = formats(&help);
        let expected = match command.as_str() {
            "demo" | "psql" | "completions" | "man" => &ALL[..1],
            "migrate check" | "policy audit" | "index advise" => &ALL[..],
            _ => &ALL[..4],
        };
        assert_eq!(offered, expected, "{command}");
        for format in ALL.iter().filter(|format| !offered.contains(format)) {
            let told = [
                format!("invalid value '{format}' for '--output <OUTPUT>'"),
                format!("[possible values: {}]", offered.join(", ")),
            ];
            let behind = tool.run(&[&words[..], &["-o", format]].concat()).code(2);
            assert!(
                told.iter().all(|text| behind.stderr.contains(text)),
                "{command}: {behind}"
            );
            let before = tool.run(&[&["-o", *format], &words[..]].concat()).code(2);
            // That an argument is missing is found first.
            let is_missing = before.stderr.contains("required arguments");
            assert!(
                is_missing || told.iter().all(|text| before.stderr.contains(text)),
                "{command}: {before}"
            );
        }
    }
    let group = tool.run(&["migrate", "--help"]).ok().stdout;
    assert_eq!(formats(&group), ALL);
    let group = tool.run(&["user", "--help"]).ok().stdout;
    assert_eq!(formats(&group), ALL[..4]);
}

#[test]
fn help_and_manual_name_the_variables() {
    let tool = Tool::new();
    let help = tool.run(&["--help"]).ok().stdout;
    let page = tool.run(&["man"]).ok().stdout.replace("\\_", "_");
    for name in [
        "TOYSOLDIERS_ENV",
        "TOYSOLDIERS_CONFIG",
        "TOYSOLDIERS_LOCAL_DIR",
        "TOYSOLDIERS_PG_BIN",
        "DATABASE_URL",
        "PGUSER",
        "PGPASSWORD",
        "PGPASSFILE",
        "PGSERVICE",
        "PSQLRC",
        "NO_COLOR",
    ] {
        assert!(help.contains(name), "{help}");
        assert!(page.contains(name), "{page}");
    }
}
