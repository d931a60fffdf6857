//! `psql`

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches, value_parser};

use crate::context::Context;
use crate::error::{Exit, Result};
use crate::plan::Progress;
use crate::psql::{self, Access, Action, Arguments, Call, Gone};
use crate::ui::{Report, Table};

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    toysoldiers psql\n  \
    toysoldiers --env staging psql -c 'select count(*) from users'\n  \
    toysoldiers --env production psql --write -f repair.sql -- -v ON_ERROR_STOP=1 --single-transaction\n  \
    toysoldiers psql -- --csv -X < report.sql\n\n\
    It connects as every command does, and then becomes psql. The exit code is psql's own: 0 done, \
    1 failed, 2 connection lost, 3 a script stopped by ON_ERROR_STOP, without which it goes on. \
    Read-only keeps from accidents, not from intent. With `--dry-run`, psql is not started.")]
pub(super) struct PsqlArgs {
    #[command(flatten)]
    actions: Actions,
    /// Allow changes in a protected environment; asks first
    #[arg(long)]
    write: bool,
    /// More arguments for psql
    #[arg(last = true, value_name = "PSQL_ARGS")]
    rest: Vec<OsString>,
}

/// `-c` and `-f`, in the order they were typed.
#[derive(Debug)]
struct Actions(Vec<Action>);

impl Args for Actions {
    fn augment_args(command: Command) -> Command {
        command
            .arg(
                Arg::new("command")
                    .short('c')
                    .long("command")
                    .value_name("SQL")
                    .action(ArgAction::Append)
                    .allow_hyphen_values(true)
                    .help("Run this and end; -c and -f may be repeated and mixed"),
            )
            .arg(
                Arg::new("file")
                    .short('f')
                    .long("file")
                    .value_name("FILE")
                    .action(ArgAction::Append)
                    .value_parser(value_parser!(PathBuf))
                    .help("Run this script and end; `-` is standard input"),
            )
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for Actions {
    fn from_arg_matches(matches: &ArgMatches) -> std::result::Result<Self, clap::Error> {
        let places = |id| matches.indices_of(id).into_iter().flatten();
        let commands = matches.get_many::<String>("command").into_iter().flatten();
        let files = matches.get_many::<PathBuf>("file").into_iter().flatten();
        let mut actions: Vec<(usize, Action)> = places("command")
            .zip(commands.cloned().map(Action::Command))
            .chain(places("file").zip(files.cloned().map(Action::File)))
            .collect();
        actions.sort_by_key(|(place, _)| *place);
        Ok(Self(
            actions.into_iter().map(|(_, action)| action).collect(),
        ))
    }

    fn update_from_arg_matches(
        &mut self,
        matches: &ArgMatches,
    ) -> std::result::Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl PsqlArgs {
    pub(super) async fn run(self, cx: &Context) -> Result<Exit> {
        let rest = Arguments::read(self.rest)?;
        for action in &self.actions.0 {
            if let Action::File(path) = action {
                psql::refuse_address("-f", &path.to_string_lossy())?;
            }
        }
        let db = cx.session("psql").await?;
        // Only the database can tell whether a bare URL leads to a protected environment.
        let is_protected = cx.stage()?.protected;
        let flags = cx.flags();
        let millis =
            |name, time: Option<Duration>| time.map(|time| (name, time.as_millis().to_string()));
        let call = Call {
            name: cx.settings()?.environment.title().to_owned(),
            access: if is_protected && !self.write {
                Access::ReadOnly
            } else {
                Access::ReadWrite
            },
            is_recorded: self.write,
            actions: self.actions.0,
            rest,
            settings: [
                millis("lock_timeout", flags.lock_timeout),
                millis("statement_timeout", flags.statement_timeout),
            ]
            .into_iter()
            .flatten()
            .collect(),
            start_file: cx.psqlrc(),
        };
        let plan = psql::plan(db, call, &cx.programs()).await?;
        cx.carry_out(plan, async |ready, consent| {
            if let Some(notice) = &ready.notice {
                for line in notice.lines() {
                    cx.ui.say(line);
                }
            }
            cx.ui.leave();
            psql::take_over(ready, consent, &cx.ui).await
        })
        .await
    }
}

impl Report for Gone {
    fn table(&self) -> Table {
        match *self {}
    }
}
