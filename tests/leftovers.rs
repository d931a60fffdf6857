//! What the tests leave on the machine when they are killed: nothing.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::support::{Database, Folder, Server, Setup, Tool};

/// Says who it is to the test that runs this in a process of its own, and stays until it is killed.
const STAYS: &str = "leftovers::stays_until_it_is_killed";

#[test]
#[ignore = "run by another test, which kills it"]
fn stays_until_it_is_killed() {
    let folder = Folder::new();
    folder.write("file", "text");
    let server = Server::start(&Setup::new());
    let shared = Database::empty();
    let private = Tool::new();
    let local = private.path().join("local");
    let private = private.env("TOYSOLDIERS_LOCAL_DIR", &local.display().to_string());
    private.run(&["local", "start"]).ok();
    for path in [folder.path(), &server.socket, &shared.server.socket, &local] {
        say(&format!("here: {}", path.display()));
    }
    say("ready");
    // Nobody writes there: it lasts as long as the other test does.
    let _ = std::io::stdin().read_to_end(&mut Vec::new());
}

fn say(line: &str) {
    let mut stdout = std::io::stdout();
    writeln!(stdout, "{line}")
        .and_then(|()| stdout.flush())
        .unwrap();
}

/// Whether a process works in this folder or was started with it.
fn is_used(folder: &Path) -> bool {
    let folder = folder.display().to_string();
    let processes = std::fs::read_dir("/proc").unwrap();
    processes.filter_map(Result::ok).any(|process| {
        let command = std::fs::read(process.path().join("cmdline")).unwrap_or_default();
        let place = std::fs::read_link(process.path().join("cwd")).unwrap_or_default();
        String::from_utf8_lossy(&command).contains(&folder) || place.starts_with(&folder)
    })
}

#[test]
fn folders_and_servers_end_with_the_tests_that_were_killed() {
    let mut tests = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", STAYS, "--ignored", "--nocapture"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(tests.stdout.take().unwrap()).lines();
    let mut folders: Vec<PathBuf> = Vec::new();
    loop {
        let line = lines.next().expect("says that it is ready").unwrap();
        if let Some((_, path)) = line.split_once("here: ") {
            folders.push(PathBuf::from(path));
        }
        if line.ends_with("ready") {
            break;
        }
    }
    assert_eq!(folders.len(), 4);
    assert!(folders.iter().all(|folder| folder.exists()));
    assert!(is_used(&folders[1]));

    tests.kill().unwrap();
    tests.wait().unwrap();
    let root = folders[0].parent().unwrap();
    while root.exists() || is_used(root) {
        std::thread::sleep(Duration::from_millis(50));
    }
}
