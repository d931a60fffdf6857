//! `man`: the command line about itself.

use std::path::{Path, PathBuf};

use clap::{Args, Command};

use super::command_line;
use crate::context::Context;
use crate::error::{Error, Exit, Result};
use crate::trust;

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  toysoldiers man | man -l -\n  toysoldiers man --to ~/.local/share/man/man1"
)]
pub(super) struct ManArgs {
    /// Write a page for every command into this folder instead
    #[arg(long, value_name = "FOLDER")]
    to: Option<PathBuf>,
}

impl ManArgs {
    pub(super) fn run(&self, cx: &Context) -> Result<Exit> {
        let mut command = without_help(command_line());
        // Global options are part of every command's own page.
        command.build();
        let cannot =
            |error: std::io::Error| Error::failed("cannot write the manual").because(error);
        let Some(folder) = &self.to else {
            let mut page = Vec::new();
            clap_mangen::Man::new(command)
                .render(&mut page)
                .map_err(cannot)?;
            cx.ui.print(&String::from_utf8_lossy(&page))?;
            return Ok(Exit::Done);
        };
        std::fs::create_dir_all(folder).map_err(cannot)?;
        write_pages(&command, folder).map_err(cannot)?;
        Ok(Exit::Done)
    }
}

/// The page of a command and those of the commands below it.
fn write_pages(command: &Command, folder: &Path) -> std::io::Result<()> {
    for below in command
        .get_subcommands()
        .filter(|below| !below.is_hide_set())
    {
        write_pages(below, folder)?;
    }
    let page = clap_mangen::Man::new(command.clone());
    let mut text = Vec::new();
    page.render(&mut text)?;
    // The folder may be everybody's: what lies there under the name of a page may lead elsewhere.
    trust::replace(&folder.join(page.get_filename()), &text)
}

/// `help` is a command everywhere; it needs no page of its own.
fn without_help(command: Command) -> Command {
    command
        .disable_help_subcommand(true)
        .mut_subcommands(without_help)
}
