//! The command line: one file a group, with its arguments, what each command runs, and how its results look.

mod adopted;
mod backup;
mod complete;
mod creator;
mod dashboard;
mod demo;
mod deploy;
mod env;
mod format;
mod global;
mod index;
mod init;
mod list;
mod local;
mod manual;
mod migrate;
mod policy;
mod psql;
mod secret;
mod source;
mod standing;
mod status;
mod usage;
mod user;
mod waiting;

use std::ffi::OsString;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::time::Duration;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use futures_util::FutureExt;

use crate::context::{self, Context};
use crate::error::{self, Error, Exit, Hint, Kind, Mask, Result};
use crate::ui::{Output, Ui};
pub use complete::answer as answer_shell;
use global::Global;

/// How long a command has to end by itself once it is cancelled.
const GRACE: Duration = Duration::from_secs(2);

/// Runs the PostgreSQL database of Toy Soldiers.
///
/// Migrations, people, backups and the platform's numbers, in every environment. Without any configuration it
/// works on `local`, a private PostgreSQL server that it makes, starts and stops by itself.
#[derive(Debug, Parser)]
#[command(
    version,
    // Whatever the program was started as.
    bin_name = "toysoldiers",
    propagate_version = true,
    arg_required_else_help = true,
    max_term_width = 100
)]
#[command(after_help = "Try it: toysoldiers demo\n\n\
    Variables:\n  \
    TOYSOLDIERS_ENV        the environment, like --env\n  \
    TOYSOLDIERS_CONFIG     the configuration file, like --config\n  \
    DATABASE_URL           the database, where there is no configuration file\n  \
    TOYSOLDIERS_LOCAL_DIR  folder of the private server and of backups nobody gave a place\n  \
    TOYSOLDIERS_PG_BIN     folder of PostgreSQL's programs, or several as in PATH\n  \
    PGUSER, PGPASSWORD, PGPASSFILE, PGSERVICE, PGSERVICEFILE, PGSYSCONFDIR, PSQLRC  as for psql\n  \
    NO_COLOR               no colour, whatever it is set to\n\n\
    Exit codes:\n  \
    0 done        3 finding        6 refused\n  \
    1 failed      4 configuration  7 declined at the prompt\n  \
    2 usage       5 unreachable    130 interrupted   70 bug")]
pub struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
    /// What names the command: `user create`.
    #[arg(skip)]
    path: String,
    /// Takes out of messages what is secret of all that was said.
    #[arg(skip)]
    mask: Mask,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Take the tour: local server, deploy, sample data, a verified creator, a backup, the dashboard
    Demo(demo::DemoArgs),
    /// Write toysoldiers.toml, an environment into it, or the files of the platform; asks on a terminal, or takes flags
    Init(init::InitArgs),
    /// Environments: which there are, what is in force, and whether it is the right server
    #[command(subcommand)]
    Env(env::EnvCommand),
    /// The private server behind the environments `local` and `demo`
    #[command(subcommand)]
    Local(local::LocalCommand),
    /// Show on one screen how an environment stands: migrations, policies, indexes, backups, deploys
    Status(status::StatusArgs),
    /// Bring a database to what the files say: migrations, then policies, then indexes
    Deploy(deploy::DeployArgs),
    /// Apply and inspect migrations
    #[command(subcommand)]
    Migrate(migrate::MigrateCommand),
    /// Row-level security: who may do what to which row
    #[command(subcommand)]
    Policy(policy::PolicyCommand),
    /// Indexes: what the database has and what it is to have
    #[command(subcommand)]
    Index(index::IndexCommand),
    /// Take, list and restore backups
    #[command(subcommand)]
    Backup(backup::BackupCommand),
    /// Users of the platform
    #[command(subcommand)]
    User(user::UserCommand),
    /// Creators: users with a profile, a payout account and a verification
    #[command(subcommand)]
    Creator(creator::CreatorCommand),
    /// The platform's numbers
    Dashboard(dashboard::DashboardArgs),
    /// Open psql on the environment; read-only in a protected one
    Psql(psql::PsqlArgs),
    /// Print a completion script for a shell
    Completions(complete::CompletionsArgs),
    /// Print the manual page
    Man(manual::ManArgs),
}

impl Cli {
    /// Reads the command line. The error is an exit code; what there is to say has been said.
    pub fn read(args: impl IntoIterator<Item = OsString>) -> std::result::Result<Self, u8> {
        let args: Vec<OsString> = args.into_iter().collect();
        let environ = context::environ();
        let words: Vec<_> = args.iter().map(|word| word.to_string_lossy()).collect();
        let values: Vec<_> = environ.values().collect();
        let mask = Mask::knowing(words.iter().chain(&values).map(AsRef::as_ref));
        let read = Self::parse_all(&args).map(|cli| Self {
            mask: mask.clone(),
            ..cli
        });
        read.map_err(|error| {
            let output = if wants_json(&args) {
                Output::Json
            } else {
                Output::Table
            };
            usage::tell(error, global::first_manners(output, &environ, mask))
        })
    }

    /// The command line, and what of it names the command: `user create`.
    fn parse_all(args: &[OsString]) -> std::result::Result<Self, clap::Error> {
        let mut command = command_line();
        let matches = command.try_get_matches_from_mut(args)?;
        format::check(&command, &matches)?;
        let mut cli = Self::from_arg_matches(&matches)?;
        let mut matches = &matches;
        while let Some((word, below)) = matches.subcommand() {
            if !cli.path.is_empty() {
                cli.path.push(' ');
            }
            cli.path.push_str(word);
            matches = below;
        }
        Ok(cli)
    }

    /// Runs the command, explains a failure, and says how the process ends.
    pub fn run_to_the_end(self) -> u8 {
        std::panic::set_hook(Box::new(|_| {}));
        let runtime = match runtime() {
            Ok(runtime) => runtime,
            Err(error) => {
                let manners = self.global.manners(&context::environ(), self.mask);
                let explanation = error::explain(&error);
                Ui::new(manners).explain(&explanation);
                return explanation.kind.code();
            }
        };
        let code = runtime.block_on(self.run_on_runtime());
        // A name that is still being looked up, which nobody waits for any more, must not hold us up.
        runtime.shutdown_background();
        code
    }

    async fn run_on_runtime(self) -> u8 {
        outlive_full_files();
        let Self {
            global,
            command,
            path,
            mask,
        } = self;
        let environ = context::environ();
        let ui = Ui::new(global.manners(&environ, mask));
        error::repeat_address(global.address(&environ));
        let checked = global.check(&path);
        let cx = Context::new(path, commands, global.flags(), environ, ui);
        let run = async {
            checked?;
            command.run(&cx).await
        };
        let work = AssertUnwindSafe(run).catch_unwind();
        let mut work =
            Box::pin(work.map(|ended| ended.unwrap_or_else(|panic| Err(bug(panic.as_ref())))));
        let outcome = tokio::select! {
            outcome = &mut work => outcome,
            () = interrupted() => wind_down(&cx, work).await,
        };
        match outcome {
            Ok(exit) => exit.code(),
            Err(error) => {
                let mut explanation = error::explain(&error);
                let undone = cx.undo().carry_out().await;
                explanation.notes.extend(undone.into_iter().map(Into::into));
                cx.ui.explain(&explanation);
                explanation.kind.code()
            }
        }
    }
}

/// What everything runs on. It takes file descriptors before anything else does, and panics for want of some.
fn runtime() -> Result<tokio::runtime::Runtime> {
    let build = || {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
    };
    let cannot = || {
        Error::failed("the system does not give the program what it needs to start")
            .note("nothing was done")
            .hint("allow more open files and threads: see `ulimit -n` and `ulimit -u`")
    };
    match std::panic::catch_unwind(build) {
        Ok(runtime) => runtime.map_err(|error| cannot().because(error).into()),
        Err(panic) => {
            let reason = panic_text(panic.as_ref());
            Err(cannot().because(Error::failed(reason)).into())
        }
    }
}

/// The command line as a person meets it: every command offers the formats that it can write, and short help is short.
fn command_line() -> clap::Command {
    let command = Cli::command().mut_args(|option| {
        let is_global = option.is_global_set();
        option.hide_short_help(is_global)
    });
    shorten_help(format::offer(command))
}

/// In short help one line stands for the options that every command has; `--help` shows them.
fn shorten_help(command: clap::Command) -> clap::Command {
    const OPTIONS: &str = "Options of every command (--env, --output, --dry-run, ...): see --help";
    let after = command.get_after_help().map(ToString::to_string);
    let short = match &after {
        Some(after) => format!("{after}\n\n{OPTIONS}"),
        None => OPTIONS.to_owned(),
    };
    command
        .after_help(short)
        .after_long_help(after.unwrap_or_default())
        .mut_subcommands(shorten_help)
}

/// Every command there is, as one types it: `user create`.
fn commands() -> Vec<String> {
    fn walk(command: &clap::Command, path: &str, found: &mut Vec<String>) {
        for below in command.get_subcommands() {
            let path = format!("{path} {}", below.get_name());
            found.push(path.trim_start().to_owned());
            walk(below, &path, found);
        }
    }
    let mut found = Vec::new();
    walk(&Cli::command(), "", &mut found);
    found
}

impl Command {
    async fn run(self, cx: &Context) -> Result<Exit> {
        match self {
            Self::Demo(args) => args.run(cx).await,
            Self::Local(command) => command.run(cx).await,
            Self::Status(args) => args.run(cx).await,
            Self::Deploy(args) => Box::pin(args.run(cx)).await,
            Self::Migrate(command) => command.run(cx).await,
            Self::Policy(command) => command.run(cx).await,
            Self::Index(command) => command.run(cx).await,
            Self::Backup(command) => command.run(cx).await,
            Self::User(command) => command.run(cx).await,
            Self::Creator(command) => command.run(cx).await,
            Self::Dashboard(args) => args.run(cx).await,
            Self::Psql(args) => args.run(cx).await,
            Self::Init(args) => args.run(cx).await,
            Self::Env(command) => command.run(cx).await,
            Self::Completions(args) => args.run(cx),
            Self::Man(args) => args.run(cx),
        }
    }
}

/// A file that may grow no more (`ulimit -f`) is an error of whoever writes it, and not the end of the program.
fn outlive_full_files() {
    use tokio::signal::unix::{SignalKind, signal};
    let exceeded = rustix::process::Signal::XFSZ.as_raw();
    // Whoever listens once is never killed by it again.
    let _ = signal(SignalKind::from_raw(exceeded));
}

/// Ends when somebody wants us to end.
fn interrupted() -> impl Future<Output = ()> {
    use tokio::signal::unix::{SignalKind, signal};
    let signals = [
        SignalKind::interrupt(),
        SignalKind::terminate(),
        SignalKind::hangup(),
    ]
    .map(signal);
    async move {
        let mut waits = Vec::new();
        for mut signal in signals.into_iter().flatten() {
            waits.push(Box::pin(async move { signal.recv().await }));
        }
        if waits.is_empty() {
            std::future::pending::<()>().await;
        }
        futures_util::future::select_all(waits).await;
    }
}

/// Ends what is going on: cancels it on the server, and gives it a moment to say what was kept. What has nothing
/// to say by then is dropped.
async fn wind_down(
    cx: &Context,
    work: Pin<Box<impl Future<Output = Result<Exit>>>>,
) -> Result<Exit> {
    let interrupted = Error::new(Kind::Interrupted, "interrupted");
    if cx.ui.is_asking() {
        return Err(interrupted.into());
    }
    cx.cancel().await;
    match tokio::time::timeout(GRACE, work).await {
        // It was as good as done.
        Ok(Ok(exit)) => Ok(exit),
        Ok(Err(error)) => Err(interrupted
            .after(&error)
            .hint(Hint::again("run it again to go on"))
            .into()),
        Err(_) => Err(interrupted.into()),
    }
}

fn bug(panic: &(dyn std::any::Any + Send)) -> anyhow::Error {
    // A library panics for want of a thread; then there is none for us either.
    if let Err(error) = std::thread::Builder::new().spawn(|| ()) {
        return Error::failed("the system gives the program no more threads")
            .because(error)
            .hint("allow more threads and processes: see `ulimit -u`")
            .into();
    }
    Error::new(Kind::Bug, "this is a defect of toysoldiers")
        .because(Error::new(Kind::Bug, panic_text(panic)))
        .hint("please report it, with the command and this text")
        .into()
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> &str {
    panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("it panicked")
}

fn wants_json(args: &[OsString]) -> bool {
    let args: Vec<_> = args.iter().map(|arg| arg.to_string_lossy()).collect();
    args.windows(2).any(|pair| {
        matches!(pair[0].as_ref(), "-o" | "--output")
            && matches!(pair[1].as_ref(), "json" | "ndjson")
    }) || args.iter().any(|arg| {
        matches!(
            arg.as_ref(),
            "-ojson" | "-ondjson" | "--output=json" | "--output=ndjson"
        )
    })
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn what_only_reads_is_a_command() {
        let commands = commands();
        for words in global::READING {
            assert!(commands.iter().any(|command| command == words), "{words}");
        }
    }

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
