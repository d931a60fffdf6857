//! What a shell is told when somebody presses TAB: what there is, as far as files tell. Nothing connects, runs a program
//! or complains.

use std::path::PathBuf;

use clap::Args;
use clap_complete::Shell;
use clap_complete::engine::CompletionCandidate;
use clap_complete::env::{CompleteEnv, Shells};

use super::{backup, command_line, commands};
use crate::backup::{Listing, State, Store};
use crate::context::{self, Context};
use crate::error::{Error, Exit, Result};
use crate::settings::{DEMO, Flags, LOCAL, draft};
use crate::ui::{Detail, Manners, Ui};

const NAME: &str = "toysoldiers";

/// Tells a shell's own script which shell it is, and this program that it is asked.
const VARIABLE: &str = "TOYSOLDIERS_COMPLETE";

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    toysoldiers completions bash > ~/.local/share/bash-completion/completions/toysoldiers\n  \
    toysoldiers completions zsh > ~/.zfunc/_toysoldiers\n  \
    toysoldiers completions fish > ~/.config/fish/completions/toysoldiers.fish\n\n\
    The script asks the program, which looks into files and never connects.")]
pub(super) struct CompletionsArgs {
    /// Shell to complete in
    #[arg(value_enum)]
    shell: Shell,
}

impl CompletionsArgs {
    pub(super) fn run(&self, cx: &Context) -> Result<Exit> {
        let shell = self.shell.to_string();
        let cannot = || Error::failed(format!("cannot write a script for {shell}"));
        let mut script = Vec::new();
        Shells::builtins()
            .completer(&shell)
            .ok_or_else(cannot)?
            .write_registration(VARIABLE, NAME, NAME, NAME, &mut script)
            .map_err(|error| cannot().because(error))?;
        cx.ui.print(&String::from_utf8_lossy(&script))?;
        Ok(Exit::Done)
    }
}

/// Answers a shell that asks, and ends; otherwise does nothing.
pub fn answer() {
    CompleteEnv::with_factory(command_line)
        .var(VARIABLE)
        .bin(NAME)
        .completer(NAME)
        .complete();
}

/// The environments there are.
pub(super) fn environments() -> Vec<CompletionCandidate> {
    let cx = asked();
    let there = context::here()
        .and_then(|here| draft::there(cx.flags(), cx.environ(), &here, &cx.caller()));
    let configured = there.ok().flatten();
    let configured = configured.map_or_else(Vec::new, |there| there.environments);
    let private = [LOCAL, DEMO].map(str::to_owned);
    private
        .into_iter()
        .chain(configured)
        .map(CompletionCandidate::new)
        .collect()
}

/// The complete backups of the environment, or of the folder that was named.
pub(super) fn backups() -> Vec<CompletionCandidate> {
    let names = || -> Result<Vec<String>> {
        let from = said(&["--from"]).map(|from| (PathBuf::from(from), "--from"));
        let store = Store::at(&backup::address(&asked(), from)?)?;
        let runtime = tokio::runtime::Builder::new_current_thread().build()?;
        let listing = runtime.block_on(Listing::read(&store))?;
        let complete = listing
            .backups
            .into_iter()
            .filter(|entry| entry.state == State::Complete);
        Ok(complete.map(|entry| entry.name).collect())
    };
    std::iter::once("latest".to_owned())
        .chain(names().unwrap_or_default())
        .map(CompletionCandidate::new)
        .collect()
}

/// What a command works with, as far as it has been typed.
fn asked() -> Context {
    let flags = Flags {
        env: said(&["--env", "-e"]),
        config: said(&["--config"]).map(PathBuf::from),
        ..Flags::default()
    };
    let manners = Manners {
        detail: Detail::Quiet,
        ..Manners::default()
    };
    let command = String::new();
    Context::new(
        command,
        commands,
        flags,
        context::environ(),
        Ui::new(manners),
    )
}

/// The value of an option among the words that were typed.
fn said(names: &[&str]) -> Option<String> {
    let words: Vec<String> = std::env::args_os()
        .map(|word| word.to_string_lossy().into_owned())
        .collect();
    let mut words = words.iter().zip(words.iter().skip(1));
    words.find_map(|(word, next)| {
        let (name, value) = word.split_once('=').unwrap_or((word, next));
        (names.contains(&name) && !value.is_empty()).then(|| value.to_owned())
    })
}
