//! Files that never end, or of which nothing ever comes: refused before anybody waits for them.

use std::process::Command;

use crate::support::Tool;
use crate::support::tool::{Outcome, hear};

fn pipe(tool: &Tool, name: &str) -> String {
    let path = tool.path().join(name);
    let made = Command::new("mkfifo").arg(&path).status().unwrap();
    assert!(made.success());
    path.display().to_string()
}

/// Runs a line of bash in which `$0` is the program.
fn bash(tool: &Tool, line: &str) -> Outcome {
    let mut command = Command::new("bash");
    command
        .args(["-c", line])
        .arg(env!("CARGO_BIN_EXE_toysoldiers"));
    hear(tool.dress(&mut command));
    tool.outcome(command.spawn().unwrap())
}

#[test]
fn a_named_pipe_is_no_file() {
    let tool = Tool::new();
    let fifo = pipe(&tool, "fifo");
    tool.write("migrations/readme", "");
    pipe(&tool, "migrations/001_x.sql");
    pipe(&tool, ".pg_service.conf");
    let trusting = format!("postgresql://u@localhost:1/d?sslmode=verify-full&sslrootcert={fifo}");
    for words in [
        &["--config", &fifo, "env", "list"][..],
        &[
            "--database-url",
            "postgresql://u@localhost:1/d",
            "deploy",
            &fifo,
        ],
        &["migrate", "check", "--migrations", "migrations"],
        &["--database-url", "service=x", "status"],
        &["--database-url", &trusting, "status"],
    ] {
        let outcome = tool.run(words);
        assert!((1..=6).contains(&outcome.code.unwrap_or(-1)), "{outcome}");
        assert!(
            outcome.stderr.contains("it is a named pipe, not a file"),
            "{words:?}\n{outcome}"
        );
    }
}

#[test]
fn a_device_and_a_file_without_end_are_none() {
    let tool = Tool::new();
    let zero = tool.run(&["--config", "/dev/zero", "env", "list"]).code(4);
    assert!(zero.stderr.contains("it is a device, not a file"), "{zero}");
    for (name, size, words) in [
        (
            "large.toml",
            1,
            &["--config", "large.toml", "env", "list"][..],
        ),
        (
            "large.json",
            64,
            &[
                "--database-url",
                "postgresql://u@localhost:1/d",
                "deploy",
                "large.json",
            ],
        ),
        (
            ".pg_service.conf",
            16,
            &["--database-url", "service=x", "status"],
        ),
    ] {
        let file = std::fs::File::create(tool.path().join(name)).unwrap();
        file.set_len(size * 1024 * 1024 + 1).unwrap();
        let outcome = tool.run(words);
        let why = format!("it is larger than {size} MiB");
        assert!(outcome.stderr.contains(&why), "{words:?}\n{outcome}");
    }
    let line = "\"$0\" --config <(yes '# no end') env list";
    let endless = bash(&tool, line).code(4);
    assert!(
        endless.stderr.contains("it is larger than 1 MiB"),
        "{endless}"
    );
}

#[test]
fn what_a_shell_passes_on_is_read() {
    let tool = Tool::new();
    let config = "printf '[env.passed]\\nurl = \"postgresql://u@localhost:1/d\"\\n'";
    for line in [
        format!("\"$0\" --config <({config}) env list"),
        format!("{config} | \"$0\" --config /dev/stdin env list"),
        format!("\"$0\" --config /dev/fd/7 env list 7< <({config})"),
    ] {
        let outcome = bash(&tool, &line).ok();
        assert!(outcome.stdout.contains("passed"), "{line}\n{outcome}");
    }
    tool.run(&["--config", "/dev/null", "env", "list"]).ok();
}
