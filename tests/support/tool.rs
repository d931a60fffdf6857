//! Running the program, and its transcript.

use std::ffi::OsStr;
use std::fmt;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;

use regex::Regex;

use super::requirements::{self, requirements};
use super::{Database, Folder};

/// How to run the program: in an empty folder, with an environment of nothing but what is said here.
pub struct Tool {
    folder: Folder,
    environ: Vec<(String, String)>,
    first: Vec<String>,
    input: Option<Vec<u8>>,
    hidden: Vec<(String, &'static str)>,
    /// They are there for as long as this is.
    databases: Vec<Database>,
}

impl Tool {
    pub fn new() -> Self {
        requirements();
        let folder = Folder::new();
        let home = folder.path().display().to_string();
        let path = std::env::var("PATH").unwrap();
        let environ = [
            ("PATH", path.as_str()),
            ("HOME", &home),
            ("LC_ALL", "C.UTF-8"),
            ("SUDO_USER", "tester"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()));
        let hidden = vec![(home, "HERE")];
        Self {
            folder,
            environ: environ.into(),
            first: Vec::new(),
            input: None,
            hidden,
            databases: Vec::new(),
        }
        .env("TOYSOLDIERS_LOCAL_DIR", "/nonexistent/toysoldiers")
        .with_chosen_programs()
    }

    fn with_chosen_programs(self) -> Self {
        match requirements::chosen() {
            Some(folder) => self.env("TOYSOLDIERS_PG_BIN", &folder.display().to_string()),
            None => self,
        }
    }

    /// Works on this database.
    pub fn on(self, database: &Database) -> Self {
        self.on_as(database, "postgres")
    }

    pub fn on_as(mut self, database: &Database, user: &str) -> Self {
        self.first = vec!["--database-url".to_owned(), database.url_as(user)];
        self.hiding(database)
    }

    /// Works on what is at this address.
    pub fn at(mut self, url: &str) -> Self {
        self.first = vec!["--database-url".to_owned(), url.to_owned()];
        self
    }

    /// Shows the database's name and the server's place by other names.
    pub fn hiding(mut self, database: &Database) -> Self {
        self.databases.push(database.clone());
        let server = &database.server;
        self.hidden
            .push((server.socket.display().to_string(), "SOCKET"));
        self.hidden.push((format!(":{}", server.port), ":PORT"));
        self.hidden
            .push((format!("/{} as", database.name), "/DB as"));
        self.hidden.push((format!("/{}?", database.name), "/DB?"));
        self.hidden
            .push((format!("-> {} ", database.name), "-> DB "));
        self.hidden
            .push((format!(" in {}?", database.name), " in DB?"));
        self.hidden.push((format!("/{}-", database.name), "/DB-"));
        self.hidden.push((format!("\"{}", database.name), "\"DB"));
        self
    }

    /// Shows this text by another name.
    pub fn hide(mut self, text: &str, name: &'static str) -> Self {
        self.hidden.push((text.to_owned(), name));
        self
    }

    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.environ.retain(|(other, _)| other != name);
        self.environ.push((name.to_owned(), value.to_owned()));
        self
    }

    pub fn without(mut self, name: &str) -> Self {
        self.environ.retain(|(other, _)| other != name);
        self
    }

    /// Text on standard input; otherwise there is none.
    pub fn input(mut self, text: impl AsRef<[u8]>) -> Self {
        self.input = Some(text.as_ref().to_vec());
        self
    }

    /// The folder it runs in.
    pub fn folder(&self) -> &Folder {
        &self.folder
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    pub fn write(&self, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
        self.folder.write(name, text)
    }

    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = self.bare(args);
        hear(&mut command);
        command
    }

    /// The program with its words and its surroundings, its streams left to whoever starts it.
    fn bare(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_toysoldiers"));
        command.args(&self.first).args(args);
        self.dress(&mut command);
        command
    }

    /// The folder and the environment of the program, for another command.
    pub fn dress<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        let environ = self.environ.iter();
        command
            .current_dir(self.path())
            .env_clear()
            .envs(environ.map(|(name, value)| (OsStr::new(name), OsStr::new(value))))
    }

    /// Starts it and lets it run.
    pub fn spawn(&self, args: &[&str]) -> Child {
        self.command(args).spawn().unwrap()
    }

    /// Starts it on a terminal this many columns wide.
    pub fn terminal_of(&self, args: &[&str], columns: u16) -> rexpect::session::PtySession {
        let mut command = Command::new("/bin/sh");
        command.args([
            "-c",
            &format!("stty cols {columns} rows 24; exec \"$0\" \"$@\""),
        ]);
        command
            .arg(env!("CARGO_BIN_EXE_toysoldiers"))
            .args(&self.first)
            .args(args);
        self.dress(&mut command).env("TERM", "xterm");
        rexpect::session::spawn_command(command, Some(30_000)).unwrap()
    }

    /// Starts it on a terminal of its own.
    pub fn terminal(&self, args: &[&str]) -> rexpect::session::PtySession {
        let mut command = self.bare(args);
        command.env("TERM", "xterm");
        rexpect::session::spawn_command(command, Some(30_000)).unwrap()
    }

    pub fn run(&self, args: &[&str]) -> Outcome {
        let mut command = self.command(args);
        if self.input.is_some() {
            command.stdin(Stdio::piped());
        }
        let mut child = command.spawn().unwrap();
        if let (Some(input), Some(mut stdin)) = (&self.input, child.stdin.take()) {
            // A program that refuses before it reads is a fine program.
            let _ = stdin.write_all(input);
        }
        self.outcome(child)
    }

    /// Waits for the end.
    pub fn outcome(&self, child: Child) -> Outcome {
        let output = child.wait_with_output().unwrap();
        let raw = String::from_utf8(output.stdout.clone()).unwrap();
        let text = |bytes: Vec<u8>| self.redact(&String::from_utf8(bytes).unwrap());
        Outcome {
            code: output.status.code(),
            stdout: text(output.stdout),
            stderr: text(output.stderr),
            raw,
        }
    }

    /// What differs from run to run, made alike.
    pub fn redact(&self, text: &str) -> String {
        let mut text = text.to_owned();
        // What to type next repeats the address; that it does has tests of its own.
        if let [flag, address] = self.first.as_slice() {
            let address = toysoldiers::error::quoted(address);
            text = text.replace(&format!("toysoldiers {flag} {address}"), "toysoldiers");
        }
        for (secret, name) in &self.hidden {
            text = text.replace(secret, name);
        }
        let text = ACTOR.replace_all(&text, "tester@HOST");
        redact(&text)
    }
}

/// Whoever runs the tests, wherever.
static ACTOR: LazyLock<Regex> = LazyLock::new(|| {
    let host = rustix::system::uname()
        .nodename()
        .to_string_lossy()
        .into_owned();
    Regex::new(&format!(r"[\w.-]+@{}\b", regex::escape(&host))).unwrap()
});

/// What differs from run to run reads the same.
fn redact(text: &str) -> String {
    static RULES: LazyLock<Vec<(Regex, &str)>> = LazyLock::new(|| {
        [
            (
                r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
                "UUID",
            ),
            (r"\b[0-9a-f]{64}\b", "SHA256"),
            (r"\d{8}T\d{6}Z(-\d+)?", "STAMP"),
            (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", "TIME"),
            (r"just now|\d+ seconds? ago", "NOW"),
            (r" +\d+(\.\d+)? m?s\b", " DURATION"),
            (r"\(\d+(\.\d+)? m?s\)", "(DURATION)"),
            (r#""duration_ms": \d+"#, r#""duration_ms": 0"#),
            (r"pid +\d+", "pid PID"),
            (r"terminate_backend\(\d+\)", "terminate_backend(PID)"),
            (r"\b1\d\.\d+( \([^)]*\))?", "VERSION"),
            (r"tester@HOST,\d+", "tester@HOST,0"),
            // Columns are as wide as what differs.
            (r"([^\s|])  +", "$1  "),
        ]
        .map(|(rule, name)| (Regex::new(rule).unwrap(), name))
        .into()
    });
    let mut text = text.to_owned();
    for (rule, name) in RULES.iter() {
        text = rule.replace_all(&text, *name).into_owned();
    }
    text
}

/// Nothing to read, and all it says is heard.
pub fn hear(command: &mut Command) {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
}

/// How it ended and what it said.
pub struct Outcome {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
    /// stdout, with nothing made alike.
    raw: String,
}

impl Outcome {
    /// It went well.
    pub fn ok(self) -> Self {
        assert_eq!(self.code, Some(0), "{self}");
        self
    }

    /// It ended with this code.
    pub fn code(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{self}");
        self
    }

    /// What was said, but for whom it waits for: whether there was time to see that is the machine's business.
    pub fn without_waiting(&self) -> String {
        let text = self.to_string();
        let lines = text.lines().filter(|line| {
            !line.contains(" waits for ") && !line.starts_with("waiting for another run to end: ")
        });
        lines.collect::<Vec<_>>().join("\n")
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.raw).unwrap_or_else(|error| panic!("{error}\n{self}"))
    }

    /// The failure under `-o json`: the last line of stderr.
    pub fn error_json(&self) -> serde_json::Value {
        serde_json::from_str(self.stderr.lines().last().unwrap())
            .unwrap_or_else(|error| panic!("{error}\n{self}"))
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, text) in [("stdout", &self.stdout), ("stderr", &self.stderr)] {
            if !text.is_empty() {
                writeln!(f, "-- {name}\n{}", text.trim_end())?;
            }
        }
        match self.code {
            Some(code) => write!(f, "-- exit {code}"),
            None => f.write_str("-- killed"),
        }
    }
}
