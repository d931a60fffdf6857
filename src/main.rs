//! Parse, run, explain, exit.

use std::process::ExitCode;

use toysoldiers::cli::Cli;

fn main() -> ExitCode {
    toysoldiers::umask::restrict();
    ExitCode::from(match Cli::read(std::env::args_os()) {
        Ok(cli) => cli.run_to_the_end(),
        Err(code) => code,
    })
}
