//! `demo`: the tour. It runs the very commands a person would, as processes, and prints each before its output.

use std::fmt::Write;
use std::path::PathBuf;
use std::process::Stdio;

use clap::Args;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

use crate::context::Context;
use crate::error::{Error, Exit, Result, command};
use crate::settings::DEMO;

/// A platform's worth of sample data.
const SEED: &str = include_str!("../../database/seeds/demo.sql");
const CREATOR: &str = "newcomer@example.com";

#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  toysoldiers demo\n\nIt works in the environment `demo`, a database of its own on the local server, and starts over each time."
)]
pub(super) struct DemoArgs {}

impl DemoArgs {
    pub(super) async fn run(self, cx: &Context) -> Result<Exit> {
        if cx.flags().env.is_some() || cx.flags().database_url.is_some() {
            return Err(
                Error::usage("the tour has an environment of its own, `demo`")
                    .hint(
                        command("demo")
                            .anywhere()
                            .hint("run {} without `--env` and `--database-url`"),
                    )
                    .into(),
            );
        }
        let tour = Tour::new(cx)?;
        tour.chapter("A database of its own, empty, on a private server")?;
        tour.run(&["local", "reset", "--confirm", DEMO]).await?;
        tour.chapter(
            "The platform: migrations, then policies, proved before they are kept, then indexes",
        )?;
        tour.run(&["deploy"]).await?;
        tour.chapter("Sample data: creators, fans, content, comments, tips, views")?;
        tour.seed().await?;
        tour.chapter("A new creator, checked and verified")?;
        tour.run(&[
            "creator",
            "create",
            CREATOR,
            "--payout",
            "acct_1MqZK2Lkdw",
            "--generate",
        ])
        .await?;
        tour.run(&["creator", "verify", CREATOR, "--yes"]).await?;
        tour.chapter("A backup, read back and compared with its manifest")?;
        tour.run(&["backup", "create"]).await?;
        tour.chapter("The platform's numbers")?;
        tour.run(&["dashboard"]).await?;
        tour.chapter("Go on by yourself")?;
        for words in [
            &["status"][..],
            &["deploy", "--history"],
            &["policy", "test"],
            &["creator", "show", CREATOR],
            &["dashboard", "--limit", "3", "-o", "json"],
            &["local", "status"],
            &["local", "stop"],
        ] {
            cx.ui.print(&format!("  {}\n", tour.line(words)))?;
        }
        Ok(Exit::Done)
    }
}

struct Tour<'a> {
    cx: &'a Context,
    program: PathBuf,
    /// As the person typed it.
    name: String,
}

impl<'a> Tour<'a> {
    fn new(cx: &'a Context) -> Result<Self> {
        let program = std::env::current_exe()
            .map_err(|error| Error::failed("cannot find the program itself").because(error))?;
        let name = std::env::args()
            .next()
            .unwrap_or_else(|| "toysoldiers".to_owned());
        Ok(Self { cx, program, name })
    }

    fn chapter(&self, title: &str) -> Result<()> {
        self.cx.ui.print(&format!("\n# {title}\n"))
    }

    fn line(&self, words: &[&str]) -> String {
        format!("{} --env {DEMO} {}", self.name, words.join(" "))
    }

    async fn run(&self, words: &[&str]) -> Result<()> {
        self.run_with(words, None).await
    }

    /// The sample data goes in as anyone's SQL would: through psql.
    async fn seed(&self) -> Result<()> {
        let words = [
            "psql",
            "--",
            "--no-psqlrc",
            "--quiet",
            "--set=ON_ERROR_STOP=1",
            "--single-transaction",
        ];
        self.run_with(&words, Some(("database/seeds/demo.sql", SEED)))
            .await
    }

    /// Runs a command with a file on its standard input, which the program carries with it.
    async fn run_with(&self, words: &[&str], input: Option<(&str, &str)>) -> Result<()> {
        let mut line = self.line(words);
        if let Some((file, _)) = input {
            let _ = write!(line, " < {file}  # the program brings it along");
        }
        self.cx.ui.print(&format!("\n$ {line}\n"))?;
        let mut command = Command::new(&self.program);
        command.args(["--env", DEMO]).args(words);
        finish(command, input.map(|(_, text)| text), &line).await
    }
}

async fn finish(mut command: Command, input: Option<&str>, line: &str) -> Result<()> {
    let cannot =
        |error: std::io::Error| Error::failed(format!("cannot run `{line}`")).because(error);
    command.stdin(if input.is_some() {
        Stdio::piped()
    } else {
        Stdio::inherit()
    });
    let mut child = command.spawn().map_err(cannot)?;
    if let (Some(input), Some(mut stdin)) = (input, child.stdin.take()) {
        stdin.write_all(input.as_bytes()).await.map_err(cannot)?;
    }
    let status = child.wait().await.map_err(cannot)?;
    if status.success() {
        return Ok(());
    }
    Err(Error::failed(format!("the tour stopped: `{line}` failed"))
        .hint("see above what it said")
        .into())
}
