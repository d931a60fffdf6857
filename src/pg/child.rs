//! PostgreSQL's programs as children, pg_dump and pg_restore: told everything but secrets on their command line, ended when we end.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::process::Stdio;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncReadExt, ReadBuf};
use tokio::process::{Child, ChildStderr, ChildStdout, Command};
use tokio::task::JoinHandle;

use super::libpq::Passage;
use super::session::CLIENT_CHECK;
use super::shim::{self, Report};
use super::tools::Tool;
use super::{APPLICATION_NAME, Db, Pooling};
use crate::error::{Error, Result};

/// How many lines of a child's complaints are passed on, besides the reason.
const LINES: usize = 5;

/// How much of its complaints is kept, in bytes: the end.
const TAIL: usize = 64 * 1024;

/// Runs a program to its end, where `db` is; `arguments` adds what is its own. The error holds what it complained
/// about.
pub async fn run(tool: &Tool, db: &Db, arguments: impl FnOnce(&mut Command)) -> Result<(), Error> {
    let running = Running::start(tool, db, arguments, Stdio::null());
    running.map_err(|error| *error)?.end().await
}

/// Starts a program where `db` is, and reads what it writes. It counts only if [`Stream::end`] is no error; dropped
/// before, the program is killed.
pub fn stream(
    tool: &Tool,
    db: &Db,
    arguments: impl FnOnce(&mut Command),
) -> Result<Stream, Box<Error>> {
    let mut running = Running::start(tool, db, arguments, Stdio::piped())?;
    let output = running.child.stdout.take();
    Ok(Stream { output, running })
}

/// What a program writes, while it writes.
#[derive(Debug)]
pub struct Stream {
    output: Option<ChildStdout>,
    running: Running,
}

impl Stream {
    /// Waits for the program's end. The error holds what it complained about. What it writes from here on is read by
    /// nobody, and an error of the program's.
    pub async fn end(self) -> Result<(), Error> {
        drop(self.output);
        self.running.end().await
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match &mut self.get_mut().output {
            Some(output) => Pin::new(output).poll_read(context, buffer),
            None => Poll::Ready(Ok(())),
        }
    }
}

/// A program at work.
#[derive(Debug)]
struct Running {
    tool: Tool,
    child: Child,
    complaints: JoinHandle<Vec<u8>>,
    report: Report,
}

impl Running {
    fn start(
        tool: &Tool,
        db: &Db,
        arguments: impl FnOnce(&mut Command),
        output: Stdio,
    ) -> Result<Self, Box<Error>> {
        let mut passage = Passage::to(db.endpoint(), APPLICATION_NAME)
            .map_err(|error| Error::failed("cannot prepare the way in").after(&error))?;
        // Killed, it says nothing to its session, which might wait for a lock for long.
        if *db.pooling() == Pooling::Direct
            && db.hello().is_some_and(|hello| hello.tells_of_clients)
        {
            let (name, value) = CLIENT_CHECK;
            passage.add_options(&format!("-c {name}={value}"));
        }
        let (command, report) =
            shim::command(&tool.path).map_err(|error| cannot_run(tool, error))?;
        let mut command = Command::from(command);
        passage.show(command.as_std_mut());
        arguments(&mut command);
        let mut child = command
            .env("LC_ALL", "C")
            .stdin(Stdio::null())
            .stdout(output)
            .stderr(Stdio::piped())
            // Ctrl-C in a terminal is for us, who end the child; otherwise the child could be faster to complain.
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| cannot_run(tool, error))?;
        // It has the passage's files by now, as its own.
        let complaints = tokio::spawn(tail(child.stderr.take()));
        Ok(Self {
            tool: tool.clone(),
            child,
            complaints,
            report,
        })
    }

    async fn end(mut self) -> Result<(), Error> {
        let status = self.child.wait().await;
        let status = status.map_err(|error| cannot_run(&self.tool, error))?;
        let said = self.complaints.await.unwrap_or_default();
        if let Some(error) = self.report.failure() {
            return Err(cannot_run(&self.tool, error));
        }
        if status.success() {
            return Ok(());
        }
        let program = self.tool.path.file_name().unwrap_or_default();
        let program = program.to_string_lossy().into_owned();
        let (reason, rest) = complaint(&program, &String::from_utf8_lossy(&said));
        let mut error = Error::failed(format!("{program} failed")).because(Error::failed(reason));
        for line in rest.into_iter().take(LINES) {
            error = error.note(line);
        }
        Err(error)
    }
}

fn cannot_run(tool: &Tool, error: io::Error) -> Error {
    Error::failed(format!("cannot run {}", tool.path.display())).because(error)
}

/// The end of what a program complains about. It is read all the time: a program whose complaints nobody takes waits.
async fn tail(stderr: Option<ChildStderr>) -> Vec<u8> {
    let mut kept = VecDeque::new();
    let mut piece = vec![0; 8 * 1024];
    if let Some(mut stderr) = stderr {
        while let Ok(count @ 1..) = stderr.read(&mut piece).await {
            kept.extend(&piece[..count]);
            kept.drain(..kept.len().saturating_sub(TAIL));
        }
    }
    kept.into()
}

/// The reason among what a program said, and the other lines.
fn complaint(program: &str, said: &str) -> (String, Vec<String>) {
    let mut lines: Vec<&str> = said
        .lines()
        .map(|line| line.strip_prefix(&format!("{program}: ")).unwrap_or(line))
        .filter(|line| !line.trim().is_empty() && *line != "while PROCESSING TOC:")
        .map(without_rows)
        .collect();
    let place = lines.iter().position(|line| line.starts_with("error: "));
    let reason = match place.or((!lines.is_empty()).then_some(0)) {
        Some(place) => lines.remove(place).trim_start_matches("error: ").to_owned(),
        None => "it gave no reason".to_owned(),
    };
    (reason, lines.into_iter().map(str::to_owned).collect())
}

/// The line without the row it quotes, which may hold anything: addresses, hashes of passwords.
fn without_rows(line: &str) -> &str {
    let end = if line.starts_with("CONTEXT:") {
        line.find(": \"")
    } else if line.starts_with("DETAIL:") {
        line.find(" (")
    } else {
        None
    };
    &line[..end.unwrap_or(line.len())]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reason_comes_first_and_no_row_is_quoted() {
        let said = "pg_restore: while PROCESSING TOC:\n\
            pg_restore: from TOC entry 7; 0 1 TABLE DATA users postgres\n\
            pg_restore: error: COPY failed for table \"users\": ERROR:  duplicate key value\n\
            DETAIL:  Failing row contains (1, a@example.com, $2a$12$x).\n\
            CONTEXT:  COPY users, line 2: \"1\ta@example.com\t$2a$12$x\"\n\n";
        let (reason, rest) = complaint("pg_restore", said);
        assert_eq!(
            reason,
            "COPY failed for table \"users\": ERROR:  duplicate key value"
        );
        assert_eq!(
            rest,
            [
                "from TOC entry 7; 0 1 TABLE DATA users postgres",
                "DETAIL:  Failing row contains",
                "CONTEXT:  COPY users, line 2",
            ]
        );
        assert_eq!(
            complaint("pg_dump", ""),
            ("it gave no reason".to_owned(), Vec::new())
        );
    }
}
