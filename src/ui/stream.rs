//! The two streams. Nothing else in the program writes to them (`tests/layers.rs`), and they take nothing that was not
//! cleaned: [`Printable`] for people, and data for programs, which a terminal gets cleaned as well.

use std::io::{self, IsTerminal, Write};
use std::os::fd::AsFd;

use rustix::io::Errno;

use super::printable::Printable;
use crate::error::{Error, Result};

/// What a result is on its way out.
pub(super) enum Output {
    /// People read it.
    Text(Printable),
    /// Programs read it: a pipe or a file gets it as it is.
    Data(String),
}

/// Writes to stdout. A reader that went away has seen enough: that is not an error.
pub(super) fn out(output: &Output) -> Result<()> {
    match output {
        Output::Text(text) => write_out(text.as_str()),
        Output::Data(data) if io::stdout().is_terminal() => {
            write_out(Printable::lines(data).as_str())
        }
        Output::Data(data) => write_out(data),
    }
}

fn write_out(text: &str) -> Result<()> {
    match write_all(&io::stdout().lock(), text.as_bytes()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other.map_err(|error| {
            Error::failed("cannot write to stdout")
                .because(error)
                .into()
        }),
    }
}

/// By ourselves: for the library, a stream that is not open for writing takes everything.
fn write_all(out: &impl AsFd, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match rustix::io::write(out, bytes) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(count) => bytes = &bytes[count..],
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// Writes lines to stderr. There is nobody to tell when it is gone.
pub(super) fn err(text: &Printable) {
    let _ = try_err(text);
}

/// Writes to stderr what must be seen.
pub(super) fn try_err(text: &Printable) -> io::Result<()> {
    io::stderr()
        .lock()
        .write_all(format!("{}\n", text.as_str()).as_bytes())
}

/// Writes the beginning of a line to stderr, which an answer goes on.
pub(super) fn ask(question: &Printable) -> io::Result<()> {
    let mut err = io::stderr().lock();
    err.write_all(format!("{} ", question.as_str()).as_bytes())?;
    err.flush()
}

/// Replaces the line of the terminal that the cursor stands in.
pub(super) fn replace_line(text: &Printable) {
    let _ = io::stderr()
        .lock()
        .write_all(format!("\r\u{1b}[2K{}", text.as_str()).as_bytes());
}

/// The width of a terminal in columns, 80 if it does not say; nothing where lines are as long as they are.
pub(super) fn width_of_stdout() -> Option<u16> {
    io::stdout().is_terminal().then(terminal_width)
}

/// The same of the other one.
pub(super) fn width_of_stderr() -> Option<u16> {
    io::stderr().is_terminal().then(terminal_width)
}

fn terminal_width() -> u16 {
    console::Term::stderr()
        .size_checked()
        .or_else(|| console::Term::stdout().size_checked())
        .map_or(80, |(_, width)| width)
}

/// Whether somebody sits before it who can be asked.
pub(super) fn is_interactive() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}
