//! The tour, from an empty machine to the platform's numbers.

use crate::local::Private;

#[test]
fn the_tour_runs_from_nothing_and_starts_over() {
    let private = Private::new();
    let first = private.tool.run(&["demo"]).ok();
    for line in [
        "--env demo deploy",
        "--env demo creator verify newcomer@example.com --yes",
        "--env demo backup create",
        "--env demo dashboard",
    ] {
        assert!(
            first
                .stdout
                .lines()
                .any(|shown| shown.starts_with("$ ") && shown.ends_with(line)),
            "{line}\n{first}"
        );
    }
    assert!(first.stdout.contains("checked  yes"), "{first}");
    // The commands to go on with work as they are printed.
    let (_, rest) = first.stdout.split_once("# Go on by yourself").unwrap();
    let commands: Vec<Vec<&str>> = rest
        .lines()
        .map(|line| line.split_whitespace().skip(1).collect())
        .filter(|words: &Vec<_>| !words.is_empty())
        .collect();
    assert!(commands.len() >= 4, "{first}");
    let second = private.tool.run(&["demo"]).ok();
    let numbers = |text: &str| {
        text.lines()
            .filter(|line| line.starts_with("views") || line.starts_with("tips"))
            .collect::<Vec<_>>()
            .join("\n")
    };
    assert_eq!(numbers(&first.stdout), numbers(&second.stdout));
    for command in commands {
        private.tool.run(&command).ok();
    }
}

#[test]
fn the_tour_has_an_environment_of_its_own() {
    let private = Private::new();
    insta::assert_snapshot!(private.tool.run(&["--env", "local", "demo"]), @"
    -- stderr
    error: the tour has an environment of its own, `demo`
      hint: run `toysoldiers demo` without `--env` and `--database-url`
    -- exit 2
    ");
}

#[test]
fn the_tour_stops_where_a_step_fails() {
    let private = Private::new();
    let tool = &private.tool;
    std::fs::write(tool.path().join("toysoldiers.toml"), "broken").unwrap();
    let outcome = tool.run(&["demo"]);
    assert_ne!(outcome.code, Some(0), "{outcome}");
    assert!(outcome.stderr.contains("the tour stopped: "), "{outcome}");
}
