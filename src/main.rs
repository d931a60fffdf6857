//! Parse, run, explain, exit.

use std::process::ExitCode;

use toysoldiers::cli::Cli;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match Cli::read(std::env::args_os()) {
        Ok(cli) => ExitCode::from(cli.run_to_the_end().await),
        Err(code) => ExitCode::from(code),
    }
}
