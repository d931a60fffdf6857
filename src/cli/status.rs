//! `status`

use clap::Args;

use super::backup;
use super::deploy::SourcesArgs;
use crate::context::Context;
use crate::deploy::revision::short;
use crate::deploy::status::{self, Known, Status};
use crate::error::{Exit, Result, command};
use crate::pg::schema::State;
use crate::plan::{counted, counted_as};
use crate::ui::{Cell, Report, Table};

#[derive(Debug, Args)]
#[command(
    after_help = "What cannot be found out says why, and counts as a finding for `--check`: nobody can say that it is as it should be.\n\n\
    Examples:\n  toysoldiers --env production status\n  toysoldiers status --check -o json"
)]
pub(super) struct StatusArgs {
    #[command(flatten)]
    sources: SourcesArgs,
    /// End with exit code 3 if anything is pending or differs
    #[arg(long)]
    check: bool,
}

impl StatusArgs {
    pub(super) async fn run(self, cx: &Context) -> Result<Exit> {
        let sources = self.sources.sources(cx)?;
        let backups = backup::address(cx, None)?;
        let environment = cx.settings()?.environment.name.clone();
        let db = cx.connect().await?;
        db.set_up(cx.glance()).await?;
        let status = Box::pin(status::status(&db, &environment, &sources, &backups)).await;
        cx.report(&status)?;
        Ok(if self.check && !status.is_settled() {
            Exit::Finding
        } else {
            Exit::Done
        })
    }
}

/// How a part stands, what there is to say, and of when that is.
struct Line(Cell, String, Cell);

impl Line {
    fn fine(state: &str, found: String) -> Self {
        Self(Cell::text(state), found, Cell::Missing)
    }

    fn alarm(state: &str, found: String) -> Self {
        Self(Cell::Alarm(state.to_owned()), found, Cell::Missing)
    }

    fn of<T>(known: &Known<T>, line: impl FnOnce(&T) -> Self) -> Self {
        match known {
            Known::Yes(value) => line(value),
            Known::No { error } => Self::alarm("unknown", error.clone()),
        }
    }
}

impl Status {
    fn lines(&self) -> Vec<(&'static str, Line)> {
        let mut lines = vec![("server", self.server_line())];
        lines.push(("migrations", self.migrations_line()));
        lines.push(("schema", self.schema_line()));
        lines.push(("policies", self.policies_line()));
        lines.push(("indexes", self.indexes_line()));
        if let Known::Yes(server) = &self.server
            && server.partitioned > 0
        {
            let tables = counted(usize::try_from(server.partitioned).unwrap_or(0), "table");
            let partitions = counted(usize::try_from(server.partitions).unwrap_or(0), "partition");
            let found = format!("{tables} in {partitions}");
            lines.push(("partitions", Line::fine("in use", found)));
        }
        lines.push(("backup", self.backup_line()));
        lines.push(("deploy", self.deploy_line()));
        lines
    }

    fn server_line(&self) -> Line {
        Line::of(&self.server, |server| {
            let state = if server.is_replica {
                "replica"
            } else {
                "primary"
            };
            let size = server.size.and_then(|size| u64::try_from(size).ok());
            let size = size.map(|size| format!(", {}", human_bytes(size)));
            // Whose package it is says `env check`.
            let version = self
                .version
                .split_once(" (")
                .map_or(&*self.version, |(version, _)| version);
            let found = format!("{}, PostgreSQL {version}", self.place);
            Line::fine(state, format!("{found}{}", size.unwrap_or_default()))
        })
    }

    fn migrations_line(&self) -> Line {
        Line::of(&self.migrations, |migrations| {
            let at = migrations.current.as_deref().unwrap_or("none");
            let counts = format!(
                "{} applied, {} pending; the last is {at}",
                migrations.applied, migrations.pending
            );
            let Line(state, found, _) = match (migrations.trouble, migrations.pending) {
                (0, 0) => Line::fine("applied", counts),
                (0, _) => Line::alarm("pending", counts),
                (trouble, _) => Line::alarm(
                    "in trouble",
                    format!("{counts}; {trouble} edited, missing or late"),
                ),
            };
            Line(state, found, migrations.applied_at.into())
        })
    }

    fn schema_line(&self) -> Line {
        Line::of(&self.schema, |schema| {
            let Line(state, found, _) = match schema.state {
                State::AsLeft => Line::fine("as left", "as toysoldiers left it".to_owned()),
                State::Changed => Line::alarm(
                    "changed",
                    "by something else, since toysoldiers left it".to_owned(),
                ),
                State::Interrupted => Line::alarm(
                    "unknown",
                    "a run of toysoldiers was killed before its end".to_owned(),
                ),
                State::AtWork => Line::alarm("unknown", "a run is at work".to_owned()),
                State::Elsewhere => Line::alarm(
                    "unknown",
                    "restored or upgraded since toysoldiers left it".to_owned(),
                ),
                State::Unknown => Line::fine(
                    "unknown",
                    "known after the next change by toysoldiers".to_owned(),
                ),
            };
            Line(state, found, schema.since.into())
        })
    }

    fn policies_line(&self) -> Line {
        Line::of(&self.policies, |policies| {
            let here = format!(
                "{} of {}",
                policy_count(policies.policies),
                counted(policies.relations, "relation")
            );
            match policies.differences {
                0 => Line::fine("as declared", here),
                count => Line::alarm(
                    "differ",
                    format!("{}; {here}", counted(count, "difference")),
                ),
            }
        })
    }

    fn indexes_line(&self) -> Line {
        Line::of(&self.indexes, |indexes| {
            let here = counted_as(indexes.indexes, "index", "indexes");
            let invalid = match indexes.invalid {
                0 => String::new(),
                invalid => format!(", {invalid} invalid"),
            };
            match indexes.differences {
                0 => Line::fine("as declared", here),
                count => Line::alarm(
                    "differ",
                    format!("{}{invalid}; {here}", counted(count, "difference")),
                ),
            }
        })
    }

    fn backup_line(&self) -> Line {
        Line::of(&self.backups, |backups| {
            let Some(last) = &backups.last else {
                return Line::alarm("none", format!("no complete one in {}", backups.folder));
            };
            let size = last.bytes.map(|bytes| format!(", {}", human_bytes(bytes)));
            let found = format!("{}{}", last.name, size.unwrap_or_default());
            Line(Cell::text("complete"), found, last.taken_at.into())
        })
    }

    fn deploy_line(&self) -> Line {
        Line::of(&self.deploy, |deploy| {
            let Some(last) = deploy else {
                return Line::fine("none", "this database remembers no deploy".to_owned());
            };
            let from = last
                .revision
                .as_ref()
                .map(|commit| format!(" from {}", short(commit, last.dirty)));
            let why = last.message.as_ref().map(|message| format!(": {message}"));
            let found = format!(
                "by {}{}{}",
                last.actor,
                from.unwrap_or_default(),
                why.unwrap_or_default()
            );
            let state = match last.outcome.as_str() {
                "lost" => Cell::Alarm("killed".to_owned()),
                "failed" => Cell::Alarm("failed".to_owned()),
                outcome => Cell::text(outcome),
            };
            Line(state, found, last.started_at.into())
        })
    }
}

fn human_bytes(bytes: u64) -> String {
    Cell::Bytes(bytes).human(jiff::Timestamp::UNIX_EPOCH)
}

fn policy_count(count: usize) -> String {
    counted_as(count, "policy", "policies")
}

impl Report for Status {
    fn table(&self) -> Table {
        let mut table = Table::new(&["part", "state", "found", "at"])
            .leaving(&["at"])
            .shortening(&[("found", 30)])
            .wrapping(&["found"]);
        for (part, Line(state, found, at)) in self.lines() {
            table.row([Cell::text(part), state, Cell::text(found), at]);
        }
        table
    }

    fn summary(&self) -> String {
        if self.is_settled() {
            return "nothing is pending, and policies and indexes are as declared".to_owned();
        }
        let mut advice = Vec::new();
        if matches!(&self.migrations, Known::Yes(migrations) if migrations.trouble > 0) {
            advice.push(format!(
                "{} shows what is in trouble",
                command("migrate status")
            ));
        }
        if self.is_behind() && self.is_undeclared() {
            advice.push(format!(
                "{} and {} declare what no file does, and {} takes it away",
                command("policy adopt"),
                command("index adopt"),
                command("deploy --prune")
            ));
        } else if self.is_behind() {
            advice.push(format!(
                "{} shows what would be done",
                command("deploy --dry-run")
            ));
        }
        if let Known::Yes(schema) = &self.schema {
            let verify = command("migrate verify");
            match schema.state {
                State::Changed => advice.push(format!("{verify} shows what was changed")),
                State::Interrupted | State::Elsewhere => {
                    advice.push(format!("{verify} tells whether the schema is as declared"));
                }
                State::AsLeft | State::AtWork | State::Unknown => {}
            }
        }
        let unknown = self.unknown();
        if unknown > 0 {
            advice.push(format!("{} could not be checked", counted(unknown, "part")));
        }
        advice.join("; ")
    }
}
