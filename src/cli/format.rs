//! In which formats each command writes its results: declared here once, for its help, completions and errors.

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, ArgMatches, Command, ValueEnum};

use crate::ui::Output;

/// The option that picks one.
const OPTION: &str = "output";

/// What `--output` takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    Table,
    Json,
    Csv,
    Ndjson,
    Github,
    Sarif,
}

use Format::{Csv, Github, Json, Ndjson, Sarif, Table};

/// Of a command whose results are records.
const RECORDS: &[Format] = &[Table, Json, Csv, Ndjson];
/// Of one that finds something in places of files or in objects of a database.
const FINDINGS: &[Format] = &[Table, Json, Csv, Ndjson, Github, Sarif];
/// Of one that prints text as it is, or leaves the terminal to another program.
const TEXT: &[Format] = &[Table];

/// The commands that write no records, or more than them.
const OTHERS: &[(&str, &[Format])] = &[
    ("migrate check", FINDINGS),
    ("policy audit", FINDINGS),
    ("index advise", FINDINGS),
    ("demo", TEXT),
    ("psql", TEXT),
    ("completions", TEXT),
    ("man", TEXT),
];

impl Format {
    pub(super) fn output(self) -> Output {
        match self {
            Table => Output::Table,
            Json => Output::Json,
            Csv => Output::Csv,
            Ndjson => Output::Ndjson,
            Github => Output::Github,
            Sarif => Output::Sarif,
        }
    }
}

/// Has every command below this one offer the formats that it can write, and no others.
pub(super) fn offer(command: Command) -> Command {
    let Some(option) = option_of(&command).cloned() else {
        return command;
    };
    command.mut_subcommands(|below| offer_below(below, "", &option))
}

fn offer_below(command: Command, path: &str, option: &Arg) -> Command {
    let path = below(path, &command);
    let formats = formats(&command, &path);
    let offered = formats.iter().filter_map(ValueEnum::to_possible_value);
    let parser = PossibleValuesParser::new(offered).try_map(|word| Format::from_str(&word, false));
    let option_here = option.clone().value_parser(parser).hide(formats.len() == 1);
    command
        .arg(option_here)
        .mut_subcommands(|command| offer_below(command, &path, option))
}

/// What a command can write; of a group, what any command of it can.
fn formats(command: &Command, path: &str) -> Vec<Format> {
    let mut groups = command.get_subcommands().peekable();
    if groups.peek().is_none() {
        let other = OTHERS.iter().find(|(name, _)| *name == path);
        return other.map_or(RECORDS, |(_, formats)| formats).to_vec();
    }
    let all: Vec<Format> = groups
        .flat_map(|group| formats(group, &below(path, group)))
        .collect();
    let every = Format::value_variants().iter().copied();
    every.filter(|format| all.contains(format)).collect()
}

/// Refuses a format that was picked before the command's name, where it is not known yet whether the command has it, in
/// the words in which it is refused behind the name.
pub(super) fn check(root: &Command, matches: &ArgMatches) -> Result<(), clap::Error> {
    let (mut command, mut matches) = (root, matches);
    while let Some((name, deeper)) = matches.subcommand() {
        let Some(found) = command.find_subcommand(name) else {
            return Ok(());
        };
        (command, matches) = (found, deeper);
    }
    let (Some(option), Some(format)) = (option_of(command), matches.get_one::<Format>(OPTION))
    else {
        return Ok(());
    };
    let offered = option.get_possible_values();
    let offered: Vec<&str> = offered.iter().map(PossibleValue::get_name).collect();
    let wanted = format.to_possible_value();
    let wanted = wanted.as_ref().map_or("", |value| value.get_name());
    if offered.contains(&wanted) {
        return Ok(());
    }
    let mut error = clap::Error::new(ErrorKind::InvalidValue).with_cmd(command);
    let offered = offered.into_iter().map(str::to_owned).collect();
    for (kind, value) in [
        (
            ContextKind::InvalidArg,
            ContextValue::String(option.to_string()),
        ),
        (
            ContextKind::InvalidValue,
            ContextValue::String(wanted.to_owned()),
        ),
        (ContextKind::ValidValue, ContextValue::Strings(offered)),
    ] {
        error.insert(kind, value);
    }
    Err(error)
}

fn option_of(command: &Command) -> Option<&Arg> {
    let mut options = command.get_arguments();
    options.find(|option| option.get_id() == OPTION)
}

fn below(path: &str, command: &Command) -> String {
    format!("{path} {}", command.get_name())
        .trim_start()
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli;

    #[test]
    fn every_command_with_formats_of_its_own_is_there() {
        let commands = cli::commands();
        for (name, _) in OTHERS {
            assert!(commands.iter().any(|command| command == name), "{name}");
        }
    }
}
