//! `completions`, `man` and `--help`.

use std::collections::BTreeSet;
use std::process::Command;

use crate::support::Tool;

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
fn completions_are_scripts_their_shell_reads() {
    let tool = Tool::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        assert!(
            tool.run(&["completions", shell])
                .ok()
                .stdout
                .contains("migrate"),
            "{shell}"
        );
    }
    let script = tool.write(
        "completions.bash",
        tool.run(&["completions", "bash"]).stdout,
    );
    let output = Command::new("bash")
        .args(["-c", "source \"$0\" && complete -p toysoldiers"])
        .arg(script)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    tool.run(&["completions", "cmd"]).code(2);
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
