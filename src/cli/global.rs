//! Options of every command: where to work, how to talk, how long to wait.

use std::io::IsTerminal;
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::NonEmptyStringValueParser;
use clap::{Args, ValueEnum};
use clap_complete::engine::ArgValueCandidates;

use super::complete;
use super::format::Format;
use crate::error::{Error, Mask, Result};
use crate::guard;
use crate::pg::conninfo;
use crate::settings::{Environ, Flags, duration};
use crate::ui::{CsvForm, Detail, Fit, Letters, Manners, Output};

#[derive(Debug, Args)]
#[command(next_help_heading = "Global options")]
#[allow(clippy::struct_excessive_bools)] // flags are
pub(super) struct Global {
    /// Environment to work on: `local`, `demo`, or one of toysoldiers.toml
    #[arg(short, long, global = true, value_name = "NAME", add = ArgValueCandidates::new(complete::environments))]
    env: Option<String>,
    /// Database to work on, without an environment; keep passwords out of it
    #[arg(long, global = true, value_name = "URL")]
    database_url: Option<String>,
    /// Another database of the environment's server, with its password, guards and TLS; for what only reads, and psql
    #[arg(long, global = true, value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
    database: Option<String>,
    /// Configuration file [default: TOYSOLDIERS_CONFIG, else toysoldiers.toml, searched from here up]
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// How results are written
    #[arg(
        short,
        long,
        global = true,
        value_enum,
        default_value = "table",
        hide_possible_values = false
    )]
    output: Format,
    /// Show every column of a table, however wide
    #[arg(long, global = true)]
    wide: bool,
    /// With `-o csv`: mark texts that a spreadsheet would compute as formulas
    #[arg(long, global = true)]
    spreadsheet: bool,
    /// Show what would be done and stop
    #[arg(long, global = true)]
    dry_run: bool,
    /// Answer y/N questions with yes
    #[arg(short, long, global = true)]
    yes: bool,
    /// Answer the question for the environment's name
    #[arg(long, global = true, value_name = "NAME", add = ArgValueCandidates::new(complete::environments))]
    confirm: Option<String>,
    /// Never ask; refuse instead
    #[arg(long, global = true)]
    no_input: bool,
    /// Say only what was asked for: no reports of success, only data, questions, warnings and errors
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    quiet: bool,
    /// Tell what is asked of the server; twice, with the SQL
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    verbose: u8,
    /// When to use colour
    #[arg(
        long,
        global = true,
        value_enum,
        default_value = "auto",
        value_name = "WHEN"
    )]
    color: ColorArg,
    /// How long to wait for locks on tables: `500ms`, `2s`, `5m` [default: 10s, in migrations 2s, for policies 100ms]
    #[arg(long, global = true, value_name = "TIME", value_parser = duration)]
    lock_timeout: Option<Duration>,
    /// How long a statement may take; 0 is for ever [default: 5m, in migrations 0]
    #[arg(long, global = true, value_name = "TIME", value_parser = duration)]
    statement_timeout: Option<Duration>,
}

/// What only reads the database it is given, and psql: the commands, or groups of them.
pub(super) const READING: [&str; 18] = [
    "status",
    "dashboard",
    "psql",
    "env show",
    "env check",
    "migrate status",
    "migrate history",
    "migrate verify",
    "policy status",
    "policy list",
    "policy audit",
    "index status",
    "index list",
    "index advise",
    "user list",
    "user show",
    "creator list",
    "creator show",
];

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ColorArg {
    Auto,
    Always,
    Never,
}

impl Global {
    pub(super) fn flags(&self) -> Flags {
        Flags {
            env: self.env.clone(),
            database_url: self.database_url.clone(),
            database: self.database.clone(),
            config: self.config.clone(),
            lock_timeout: self.lock_timeout,
            statement_timeout: self.statement_timeout,
        }
    }

    /// What chose the database, as it is repeated in commands to type next. An address that holds a password is not
    /// repeated, nor one that cannot be read and may hold one.
    pub(super) fn address(&self, environ: &Environ) -> Vec<String> {
        let mut words = Vec::new();
        let mut add = |flag: &str, value: String| words.extend([flag.to_owned(), value]);
        if let Some(file) = &self.config {
            add("--config", file.display().to_string());
        }
        if let Some(address) = &self.database_url {
            add("--database-url", repeatable(address).to_owned());
        } else if let Some(name) = self
            .env
            .clone()
            .or_else(|| environ.get("TOYSOLDIERS_ENV").ok().flatten())
        {
            add("--env", name);
        }
        if let Some(name) = &self.database {
            add("--database", name.clone());
        }
        words
    }

    /// Options that go only with others, or with some commands.
    pub(super) fn check(&self, command: &str) -> Result<()> {
        let reads = || READING.iter().any(|words| guard::covers(words, command));
        if self.database.is_some() && !reads() {
            return Err(Error::usage(format!(
                "`{command}` has no `--database`: it goes with what only reads, and with psql"
            ))
            .hint("leave out `--database` to work on the environment's own database")
            .into());
        }
        if self.spreadsheet && self.output != Format::Csv {
            return Err(Error::usage("`--spreadsheet` goes with `-o csv`")
                .hint("add `-o csv`, or leave out `--spreadsheet`")
                .into());
        }
        Ok(())
    }

    pub(super) fn manners(&self, environ: &Environ, mask: Mask) -> Manners {
        let wanted = |is_terminal: bool| match self.color {
            ColorArg::Always => true,
            ColorArg::Never => false,
            ColorArg::Auto => may_color(is_terminal, environ),
        };
        Manners {
            output: self.output.output(),
            dry_run: self.dry_run,
            yes: self.yes,
            confirm: self.confirm.clone(),
            no_input: self.no_input,
            detail: match (self.quiet, self.verbose) {
                (true, _) => Detail::Quiet,
                (false, 0) => Detail::Usual,
                (false, 1) => Detail::Questions,
                (false, _) => Detail::Sql,
            },
            letters: letters(environ),
            mask,
            fit: if self.wide { Fit::Whole } else { Fit::Terminal },
            csv: if self.spreadsheet {
                CsvForm::Spreadsheet
            } else {
                CsvForm::Exact
            },
            color: {
                (
                    wanted(std::io::stdout().is_terminal()),
                    wanted(std::io::stderr().is_terminal()),
                )
            },
        }
    }
}

/// An address that may be shown again.
pub(super) fn repeatable(address: &str) -> &str {
    if conninfo::holds_password(address) {
        "URL"
    } else {
        address
    }
}

/// Whether colour is wanted where nothing was said.
fn may_color(is_terminal: bool, environ: &Environ) -> bool {
    is_terminal
        && !environ.has("NO_COLOR")
        && environ
            .get("TERM")
            .ok()
            .flatten()
            .is_none_or(|term| term != "dumb")
}

/// How to talk before the command line was understood.
pub(super) fn first_manners(output: Output, environ: &Environ, mask: Mask) -> Manners {
    Manners {
        output,
        mask,
        color: (
            may_color(std::io::stdout().is_terminal(), environ),
            may_color(std::io::stderr().is_terminal(), environ),
        ),
        ..Manners::default()
    }
}

/// What the locale can show; one that is not set at all is given the benefit of the doubt.
fn letters(environ: &Environ) -> Letters {
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"]
        .iter()
        .find_map(|name| environ.get(name).ok().flatten());
    match locale.map(|locale| locale.to_lowercase()) {
        Some(locale) if !locale.contains("utf-8") && !locale.contains("utf8") => Letters::Ascii,
        _ => Letters::Unicode,
    }
}
