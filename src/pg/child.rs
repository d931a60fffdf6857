//! PostgreSQL's programs as children, pg_dump and pg_restore: told everything but secrets on their command line, ended when we end.

use std::collections::VecDeque;
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::pin::Pin;
use std::process::Stdio;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncReadExt, ReadBuf};
use tokio::process::{Child, ChildStderr, ChildStdout, Command};
use tokio::task::JoinHandle;

use super::blockers::Watch;
use super::db::Db;
use super::libpq::Passage;
use super::options::{self, Setting};
use super::session::{CLIENT_CHECK, HELD};
use super::shim::{self, Report};
use super::tools::Tool;
use super::{APPLICATION_NAME, Endpoint, Pooling};
use crate::error::{Error, Hint, Result};

/// How many lines of a child's complaints are passed on, besides the reason.
const LINES: usize = 5;

/// Settings that libpq makes by itself from variables, and which every pooler takes along.
const BY_VARIABLE: [(&str, &str); 2] = [("TimeZone", "PGTZ"), ("DateStyle", "PGDATESTYLE")];

/// Variables of the person's shell that would make settings.
const FOREIGN: [&str; 4] = ["PGCLIENTENCODING", "PGDATESTYLE", "PGGEQO", "PGTZ"];

/// SIGXFSZ, of Linux and the BSDs: the limit of `ulimit -f` was reached.
const FILE_SIZE: i32 = 25;

/// How much of its complaints is kept, in bytes: the end.
const TAIL: usize = 64 * 1024;

/// Runs a program to its end, where `db` is; `arguments` adds what is its own. It has the settings of `db`. The error
/// holds what it complained about.
pub async fn run(tool: &Tool, db: &Db, arguments: impl FnOnce(&mut Command)) -> Result<(), Error> {
    let running = Running::start(tool, db, APPLICATION_NAME, arguments, Stdio::null());
    running.await?.end().await
}

/// The same of a program that locks tables: whoever is in its way is told of, and named if it gives up waiting for
/// them. What it writes goes to `output`.
pub async fn run_beside(
    db: &Db,
    tool: &Tool,
    output: Stdio,
    arguments: impl FnOnce(&mut Command),
) -> Result<(), Error> {
    watched(db, async |name| {
        let running = Running::start(tool, db, name, arguments, output);
        running.await?.end().await
    })
    .await
}

/// All that such a program writes.
pub async fn read_beside(
    db: &Db,
    tool: &Tool,
    arguments: impl FnOnce(&mut Command),
) -> Result<Vec<u8>, Error> {
    watched(db, async |name| {
        let mut output = stream(tool, db, name, arguments).await?;
        let mut text = Vec::new();
        let read = output.read_to_end(&mut text).await;
        // What the program has to say explains more.
        output.end().await?;
        read.map_err(|error| cannot_run(tool, error))?;
        Ok(text)
    })
    .await
}

/// Starts a program where `db` is, which the server knows by this name, and reads what it writes. It counts only if
/// [`Stream::end`] is no error; dropped before, the program is killed.
pub async fn stream(
    tool: &Tool,
    db: &Db,
    name: &str,
    arguments: impl FnOnce(&mut Command),
) -> Result<Stream, Error> {
    let mut running = Running::start(tool, db, name, arguments, Stdio::piped()).await?;
    let output = running.child.stdout.take();
    Ok(Stream { output, running })
}

/// Lets a program do its work under a name of its own, and names whoever is in its way.
async fn watched<T>(db: &Db, work: impl AsyncFnOnce(&str) -> Result<T, Error>) -> Result<T, Error> {
    let mut any = [0; 4];
    getrandom::fill(&mut any)
        .map_err(|error| Error::failed("the system has no random number").because(error))?;
    // The server knows it by this name alone.
    let name = format!("{APPLICATION_NAME} {:08x}", u32::from_ne_bytes(any));
    let ran = Box::pin(Watch::program(db, &name, work(&name))).await;
    ran.map_err(|error| {
        let blockers = db.blockers();
        if blockers.is_empty() {
            return error;
        }
        let holders = blockers.join(", and by ");
        Error::refused(format!("a table is locked by {holders}"))
            .because(error)
            .hint("wait for it to end")
            .hint(Hint::again("run the same command again"))
    })
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
    async fn start(
        tool: &Tool,
        db: &Db,
        name: &str,
        arguments: impl FnOnce(&mut Command),
        output: Stdio,
    ) -> Result<Self, Error> {
        let mut passage = Passage::to(db.endpoint(), name)
            .map_err(|error| Error::failed("cannot prepare the way in").after(&error))?;
        Box::pin(hand_on(db, &mut passage)).await?;
        // Killed, it says nothing to its session, which might wait for a lock for long.
        if *db.pooling() == Pooling::Direct
            && db.hello().is_some_and(|hello| hello.tells_of_clients)
        {
            let (name, value) = CLIENT_CHECK;
            passage.add_setting(name, value);
        }
        let (command, report) =
            shim::command(&tool.path).map_err(|error| cannot_run(tool, error))?;
        let mut command = Command::from(command);
        for name in FOREIGN {
            command.env_remove(name);
        }
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
        let (mut reason, rest) = complaint(&program, &String::from_utf8_lossy(&said));
        // What is ended by a signal has no time to say why.
        if let (Some(signal), true) = (status.signal(), said.is_empty()) {
            reason = if signal == FILE_SIZE {
                "it was ended: a file may not grow any larger here".to_owned()
            } else {
                format!("it was ended by signal {signal}")
            };
        }
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

/// Gives a program the settings that ours has.
async fn hand_on(db: &Db, passage: &mut Passage) -> Result<(), Error> {
    let mut settings = db.for_programs();
    // What a program writes and reads is in the encoding of the database, and converted by nobody.
    settings.retain(|setting| setting.name != "client_encoding");
    if !db.encoding.is_empty() {
        passage.add_variable("PGCLIENTENCODING", &db.encoding);
    }
    let mut rest = Vec::new();
    for setting in settings {
        let is = |(name, _): &&(&str, &str)| name.eq_ignore_ascii_case(&setting.name);
        match BY_VARIABLE.iter().find(is) {
            Some((_, variable)) => passage.add_variable(variable, &setting.value),
            None => rest.push(setting),
        }
    }
    if rest.is_empty() {
        return Ok(());
    }
    if *db.pooling() == Pooling::Direct || are_taken_along(db.endpoint(), &rest).await? {
        for Setting { name, value } in &rest {
            passage.add_setting(name, value);
        }
    }
    Ok(())
}

/// Whether what is in between takes settings along with the first message. Where it does not, a session has to have
/// them by itself.
async fn are_taken_along(endpoint: &Endpoint, settings: &[Setting]) -> Result<bool, Error> {
    let words: Vec<String> = settings
        .iter()
        .map(|Setting { name, value }| options::word(name, value))
        .collect();
    let cannot = |error: &anyhow::Error| {
        Error::failed("cannot find out which settings a program's session would have").after(error)
    };
    if let Ok(with) = Db::reach(&endpoint.with_startup(&words.join(" "))).await
        && missing(&with, settings)
            .await
            .map_err(|error| cannot(&error))?
            .is_empty()
    {
        return Ok(true);
    }
    let plain = Db::reach(endpoint).await;
    let plain = plain.map_err(|error| cannot(&error.error))?;
    let missing = missing(&plain, settings)
        .await
        .map_err(|error| cannot(&error))?;
    if missing.is_empty() {
        return Ok(false);
    }
    let mut error = Error::refused(format!(
        "{} is behind a pooler that takes no settings along, and PostgreSQL's programs need some",
        endpoint.describe()
    ));
    for (Setting { name, value }, found) in missing {
        error = error.note(format!("{name} has to be {value}, and is {found}"));
    }
    Err(error
        .note("nothing was done")
        .hint("connect to the server itself"))
}

/// The settings a session lacks, each with what it has instead.
async fn missing<'a>(
    db: &Db,
    settings: &'a [Setting],
) -> anyhow::Result<Vec<(&'a Setting, String)>> {
    let names: Vec<String> = settings
        .iter()
        .map(|setting| setting.name.clone())
        .collect();
    let held = db.all(&HELD, &[&names]).await?;
    let pairs = settings.iter().zip(held);
    Ok(pairs
        .filter(|(setting, held)| held.value.as_ref() != Some(&setting.value))
        .map(|(setting, held)| (setting, held.value.unwrap_or_else(|| "not set".to_owned())))
        .collect())
}

/// The reason among what a program said, and the other lines.
fn complaint(program: &str, said: &str) -> (String, Vec<String>) {
    let mut lines: Vec<&str> = said
        .lines()
        .map(|line| line.strip_prefix(&format!("{program}: ")).unwrap_or(line))
        .filter(|line| !line.trim().is_empty() && !is_where_in_the_archive(line))
        .map(without_rows)
        .collect();
    let place = lines.iter().position(|line| line.starts_with("error: "));
    let reason = match place.or((!lines.is_empty()).then_some(0)) {
        Some(place) => lines.remove(place).trim_start_matches("error: ").to_owned(),
        None => "it gave no reason".to_owned(),
    };
    // What belongs to an error has this word of its own since PostgreSQL 15, and was called an error before.
    let rest = lines.into_iter().map(|line| {
        let plain = line
            .strip_prefix("detail: ")
            .or(line.strip_prefix("error: "));
        plain.unwrap_or(line).to_owned()
    });
    (reason, rest.collect())
}

/// Whether a line of pg_restore only counts where in the archive it was. Since PostgreSQL 15 it says so only if asked.
fn is_where_in_the_archive(line: &str) -> bool {
    line == "while PROCESSING TOC:" || line.starts_with("from TOC entry ")
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
                "DETAIL:  Failing row contains",
                "CONTEXT:  COPY users, line 2",
            ]
        );
        for said in ["error: query was: LOCK", "detail: query was: LOCK"] {
            let said = format!("pg_dump: error: query failed\npg_dump: {said}\n");
            let (reason, rest) = complaint("pg_dump", &said);
            assert_eq!(
                (reason.as_str(), rest),
                ("query failed", vec!["query was: LOCK".to_owned()])
            );
        }
        assert_eq!(
            complaint("pg_dump", ""),
            ("it gave no reason".to_owned(), Vec::new())
        );
    }
}
