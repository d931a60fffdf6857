//! `init`

use clap::Args;

use super::{index, migrate, policy};
use crate::context::{self, Context};
use crate::error::{self, Error, Exit, Result};
use crate::settings::draft::{self, First, Written};
use crate::settings::words;
use crate::ui::{Cell, Report, Stage, Table};

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  toysoldiers init\n  \
    toysoldiers init production --url postgresql://app@127.0.0.1:6001/app --password-env PRODUCTION_PASSWORD --protected\n  \
    toysoldiers init staging --url postgresql://app@db.example.com/app --password-command \"op read 'op://ops/staging/password'\"")]
pub(super) struct InitArgs {
    /// An environment, for a new file or for the one that is there; without it, a terminal is asked, and otherwise a new
    /// file has an example
    name: Option<String>,
    /// Where its database is, without a password
    #[arg(long, requires = "name")]
    url: Option<String>,
    /// The program that prints its password, with its arguments, in one word: quotes mean what they mean to a shell,
    /// but no shell will be there
    #[arg(long, requires = "name", value_name = "COMMAND", value_parser = words, conflicts_with = "password_env")]
    password_command: Option<Words>,
    /// The variable that will hold its password
    #[arg(long, requires = "name", value_name = "VARIABLE")]
    password_env: Option<String>,
    /// Ask before every change in it
    #[arg(long, requires = "name")]
    protected: bool,
    /// Write out the migrations, policies and indexes that are in this program, too, as a platform to begin with
    #[arg(long)]
    with_files: bool,
}

/// A command, taken apart.
#[derive(Debug, Clone)]
struct Words(Vec<String>);

fn words(text: &str) -> std::result::Result<Words, String> {
    words::split(text).map(Words)
}

impl InitArgs {
    pub(super) async fn run(self, cx: &Context) -> Result<Exit> {
        let first = match self.name {
            Some(name) => {
                let url = self.url.ok_or_else(|| {
                    Error::usage(format!("where is the database of {name}?")).hint(
                        error::command(format!(
                            "init {name} --url postgresql://user@host:5432/database"
                        ))
                        .anywhere()
                        .hint("say it: {}"),
                    )
                })?;
                Some(First {
                    name,
                    url,
                    password_command: self.password_command.map(|words| words.0),
                    password_env: self.password_env,
                    protected: self.protected,
                })
            }
            // Who wants the files has said what is wanted.
            None if self.with_files => None,
            None => ask(cx).await?,
        };
        let here = context::here()?;
        let there = draft::there(cx.flags(), cx.environ(), &here, &cx.caller());
        // A file that cannot be obeyed is no matter to one that is begun beside it.
        let there = match &first {
            Some(_) => there?,
            None => there.ok().flatten(),
        };
        let base = there.as_ref().and_then(|there| there.path.parent());
        let base = base.unwrap_or(&here);
        let folders = if self.with_files {
            [migrate::NOUN, policy::NOUN, index::NOUN]
                .map(|noun| (base.join(noun.folder), noun.embedded))
                .into()
        } else {
            Vec::new()
        };
        let plan = draft::plan(&here, there.as_ref(), first.as_ref(), folders)?;
        let stage = Stage {
            name: "init".to_owned(),
            protected: false,
        };
        cx.carry_out_on(&stage, plan, async |draft, consent| {
            draft::write(draft, consent)
        })
        .await
    }
}

/// What a person at a terminal wants; nothing without one, or if they want nothing yet.
async fn ask(cx: &Context) -> Result<Option<First>> {
    let Some(name) = cx
        .ui
        .ask_line("name of an environment (empty: none yet)")
        .await?
    else {
        return Ok(None);
    };
    if name.is_empty() {
        return Ok(None);
    }
    let line = async |question: &str| {
        Ok::<_, anyhow::Error>(cx.ui.ask_line(question).await?.unwrap_or_default())
    };
    let url =
        line("its address, without a password (postgresql://user@host:5432/database)").await?;
    let command = line("a command that prints its password (empty: none)").await?;
    let password_command = if command.is_empty() {
        None
    } else {
        Some(words::split(&command).map_err(|reason| {
            Error::usage("the command that prints the password cannot be run as it is")
                .because(Error::usage(reason))
                .hint(
                    error::command("init")
                        .anywhere()
                        .hint("run {} again, or write it into toysoldiers.toml as a list"),
                )
        })?)
    };
    let variable = match password_command {
        Some(_) => String::new(),
        None => {
            line("the variable that will hold its password (empty: ~/.pgpass or PGPASSWORD)")
                .await?
        }
    };
    let protected = line("ask before every change in it? [y/N]").await?;
    Ok(Some(First {
        name,
        url,
        password_command,
        password_env: (!variable.is_empty()).then_some(variable),
        protected: matches!(protected.to_lowercase().as_str(), "y" | "yes"),
    }))
}

impl Report for Written {
    fn table(&self) -> Table {
        let path = self.path.as_ref();
        let path = path.map(|path| path.display().to_string());
        let path = ("path", path.into());
        let files = ("files", Cell::count(self.files));
        match (&self.path, self.files) {
            (_, 0) => Table::record([path]),
            (None, _) => Table::record([files]),
            (Some(_), _) => Table::record([path, files]),
        }
    }

    fn summary(&self) -> String {
        format!(
            "see what is in force now with {}",
            error::command("env show")
        )
    }
}
