//! Parse, run, explain, exit.

use std::process::ExitCode;

use toysoldiers::cli::{self, Cli};
use toysoldiers::pg::shim;

fn main() -> ExitCode {
    if shim::take_over(std::env::args_os()).is_some() {
        return ExitCode::FAILURE;
    }
    toysoldiers::umask::restrict();
    cli::answer_shell();
    ExitCode::from(match Cli::read(std::env::args_os()) {
        Ok(cli) => cli.run_to_the_end(),
        Err(code) => code,
    })
}
