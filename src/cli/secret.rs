//! Where a new password comes from: a hidden prompt, a pipe, or chance. Never the command line.

use std::io::{IsTerminal, Read};

use clap::Args;
use secrecy::{ExposeSecret, SecretString};

use crate::account::password;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::plan::Progress;

/// More than this is no password; reading stops there.
const LONGEST: u64 = 4096;

#[derive(Debug, Args)]
pub(super) struct PasswordArgs {
    /// Read the password from standard input
    #[arg(long, conflicts_with = "generate")]
    password_stdin: bool,
    /// Make a password and show it once
    #[arg(long)]
    generate: bool,
}

impl PasswordArgs {
    /// The password, checked.
    pub(super) async fn obtain(&self, cx: &Context) -> Result<SecretString> {
        if self.generate {
            return password::generate();
        }
        let password = if self.password_stdin {
            from_stdin()?
        } else {
            from_prompt(cx).await?
        };
        password::check(&password)?;
        Ok(password)
    }

    /// Says that a password that was offered is not wanted.
    pub(super) fn decline(&self, cx: &Context, email: &str) {
        if self.generate || self.password_stdin {
            cx.ui.warn(&format!(
                "{email} has a password already; it was left alone"
            ));
        }
    }

    /// The error of work that a shown password was for.
    pub(super) fn void(&self, error: anyhow::Error) -> anyhow::Error {
        if self.generate {
            error.context("nobody was made: the password shown above is worth nothing")
        } else {
            error
        }
    }

    /// Shows a password that nobody has seen yet. Called before the work is done: whoever cannot be shown it
    /// does not get a user whose password nobody knows.
    pub(super) fn reveal(&self, cx: &Context, email: &str, password: &SecretString) -> Result<()> {
        if !self.generate {
            return Ok(());
        }
        cx.ui.show_secret(&[
            &format!("password of {email}: {}", password.expose_secret()),
            "it is shown this once and kept nowhere but as a hash",
        ])
    }
}

fn from_stdin() -> Result<SecretString> {
    let mut stdin = std::io::stdin().lock();
    if stdin.is_terminal() {
        return Err(Error::usage(
            "`--password-stdin` reads a pipe, and standard input is a terminal",
        )
        .hint("leave the flag out to be asked, hidden")
        .into());
    }
    let mut text = String::new();
    (&mut stdin)
        .take(LONGEST + 1)
        .read_to_string(&mut text)
        .map_err(|error| {
            Error::usage("the password on standard input is not text").because(error)
        })?;
    // Windows' programs write a byte order mark before text.
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let line = text
        .strip_suffix('\n')
        .map_or(text, |line| line.strip_suffix('\r').unwrap_or(line));
    let refuse = |what: &str| {
        Error::usage(format!("standard input holds {what}"))
            .unchanged()
            .hint("pass the password alone, on one line")
    };
    if line.contains('\n') {
        return Err(refuse("more than one line, and a password is one").into());
    }
    if text.len() as u64 > LONGEST {
        return Err(refuse(&format!(
            "more than {LONGEST} bytes, and a password has 72 at most"
        ))
        .into());
    }
    Ok(SecretString::from(line.to_owned()))
}

async fn from_prompt(cx: &Context) -> Result<SecretString> {
    let otherwise = "give it with `--password-stdin`, or have one made with `--generate`";
    for _ in 0..3 {
        let first = cx.ui.ask_secret("password", otherwise).await?;
        password::check(&first)?;
        let second = cx.ui.ask_secret("the same again", otherwise).await?;
        if first.expose_secret() == second.expose_secret() {
            return Ok(first);
        }
        cx.ui.warn("the two differ");
    }
    Err(Error::failed("no password was typed the same twice")
        .unchanged()
        .hint("try again, or use `--generate`")
        .into())
}
