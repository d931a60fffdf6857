//! Questions on the terminal.
//!
//! A question blocks a thread of its own, so that Ctrl-C is answered while it waits; whatever ends the
//! question, the terminal is left as it was found.

use std::io::BufRead;

use dialoguer::Password;
use rustix::termios::{OptionalActions, Termios, tcgetattr, tcsetattr};
use secrecy::SecretString;

use super::printable::Printable;
use super::stream;
use crate::error::{Error, Kind, Result};

/// Asks y/N; anything but a yes is a no, also the end of the input.
pub(super) async fn yes_or_no(question: String) -> Result<bool> {
    let answer = line(format!("{question} [y/N]")).await?;
    Ok(matches!(answer.to_lowercase().as_str(), "y" | "yes"))
}

/// Asks for a line of text, without blanks around it; the end of the input is an empty one.
pub(super) async fn line(question: String) -> Result<String> {
    ask(move || {
        stream::ask(&Printable::line(question))?;
        let mut answer = String::new();
        if std::io::stdin().lock().read_line(&mut answer)? == 0 {
            stream::err(&Printable::default());
        }
        Ok(answer.trim().to_owned())
    })
    .await
}

/// Asks for a secret, hidden.
pub(super) async fn secret(question: String) -> Result<SecretString> {
    let typed = ask(move || {
        Password::new()
            .with_prompt(Printable::line(question).as_str())
            .allow_empty_password(true)
            .interact()
    })
    .await?;
    Ok(SecretString::from(typed))
}

async fn ask<T, F>(question: F) -> Result<T>
where
    T: Send + 'static,
    F: FnOnce() -> dialoguer::Result<T> + Send + 'static,
{
    let _terminal = Terminal::remember();
    let (sender, receiver) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || sender.send(question()));
    match receiver.await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(dialoguer::Error::IO(error))) if error.kind() == std::io::ErrorKind::Interrupted => {
            Err(Error::new(Kind::Interrupted, "interrupted").into())
        }
        Ok(Err(dialoguer::Error::IO(error)))
            if error.kind() == std::io::ErrorKind::UnexpectedEof =>
        {
            Err(Error::refused("the terminal was closed before the question was answered").into())
        }
        Ok(Err(error)) => Err(Error::failed("cannot ask on this terminal")
            .because(error)
            .into()),
        Err(error) => Err(Error::new(Kind::Bug, "the question was dropped")
            .because(error)
            .into()),
    }
}

/// Puts the terminal back as it was, with its cursor.
struct Terminal(Option<Termios>);

impl Terminal {
    fn remember() -> Self {
        Self(tcgetattr(std::io::stdin()).ok())
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        if let Some(termios) = &self.0 {
            let _ = tcsetattr(std::io::stdin(), OptionalActions::Now, termios);
            let _ = console::Term::stderr().show_cursor();
        }
    }
}
