//! What all lists have in common: how much of them, from where, in which order, and what to type for more.

use std::fmt::Write as _;

use clap::{Arg, Args};
use clap_complete::engine::{ArgValueCandidates, CompletionCandidate};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use uuid::Uuid;

use super::global::repeatable;
use crate::error::{Result, quoted};
use crate::pg::page::{Column, Order, Page};

/// A command with these tells what it can be sorted by, with `mut_arg` and [`sorted`].
#[derive(Debug, Args)]
pub(super) struct ListArgs {
    /// How many at most
    #[arg(long, default_value_t = 50, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    limit: u32,
    /// Go on after this one: the id of the last row of the page before
    #[arg(long, value_name = "ID")]
    after: Option<Uuid>,
    #[arg(
        long,
        value_name = "COLUMN",
        required = false,
        allow_hyphen_values = true
    )]
    sort: String,
}

impl ListArgs {
    /// The page these ask for, of a list that has these columns.
    pub(super) fn page(&self, columns: &[Column]) -> Result<Page> {
        Ok(Page {
            order: Order::parse(&self.sort, columns)?,
            after: self.after,
            limit: self.limit,
        })
    }
}

/// The argument `--sort` of a list that has these columns.
pub(super) fn sorted(sort: Arg, columns: &[Column], default: &'static str) -> Arg {
    let names: Vec<_> = columns.iter().map(|column| column.name()).collect();
    let orders: Vec<String> = names
        .iter()
        .flat_map(|name| [(*name).to_owned(), format!("-{name}")])
        .collect();
    let orders = move || orders.iter().map(CompletionCandidate::new).collect();
    let sort = sort.add(ArgValueCandidates::new(orders));
    sort.default_value(default).help(format!(
        "Sort by {}; with a minus before it the other way around; what has no value comes last",
        names.join(", ")
    ))
}

/// A date, which begins at midnight UTC, or a point in time.
pub(super) fn moment(text: &str) -> std::result::Result<Timestamp, String> {
    let date = || {
        // Not `parse`, which takes a time without a zone and drops the time.
        let midnight = Date::strptime("%Y-%m-%d", text)?.to_zoned(TimeZone::UTC)?;
        Ok::<_, jiff::Error>(midnight.timestamp())
    };
    text.parse()
        .or_else(|_| date())
        .map_err(|_| "write a date such as 2026-03-01, or 2026-03-01T12:00:00Z".to_owned())
}

/// How to see more of a list that goes on after this row: the command that was typed, from there on.
pub(super) fn remainder(next: Option<Uuid>) -> Vec<String> {
    next.map_or_else(Vec::new, |next| {
        let command = continued(std::env::args().skip(1), next);
        vec![format!("there are more; go on with `{command}`")]
    })
}

fn continued(words: impl IntoIterator<Item = String>, next: Uuid) -> String {
    let mut line = "toysoldiers".to_owned();
    let mut words = words.into_iter();
    while let Some(word) = words.next() {
        if word == "--after" {
            words.next();
        } else if word == "--database-url" {
            let address = words.next().unwrap_or_default();
            let _ = write!(line, " {word} {}", quoted(repeatable(&address)));
        } else if let Some(address) = word.strip_prefix("--database-url=") {
            let word = format!("--database-url={}", repeatable(address));
            let _ = write!(line, " {}", quoted(&word));
        } else if !word.starts_with("--after=") {
            let _ = write!(line, " {}", quoted(&word));
        }
    }
    format!("{line} --after {next}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_begins_at_midnight_and_a_time_needs_a_zone() {
        let time = |text: &str| moment(text).map(|time| time.to_string());
        assert_eq!(time("2026-03-01").as_deref(), Ok("2026-03-01T00:00:00Z"));
        assert_eq!(
            time("2026-03-01T01:30:00+01:00").as_deref(),
            Ok("2026-03-01T00:30:00Z")
        );
        for bad in [
            "",
            "yesterday",
            "2026-02-30",
            "2026-03-01T12:00:00",
            "03/01/2026",
        ] {
            assert!(moment(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_next_page_is_the_same_command_from_another_row() {
        let next = |words: &[&str]| continued(words.iter().map(ToString::to_string), Uuid::nil());
        let id = Uuid::nil();
        for words in [
            &["user", "list", "--email", "o'brien", "--after", "x"][..],
            &["user", "list", "--after=x", "--email", "o'brien"],
        ] {
            assert_eq!(
                next(words),
                format!("toysoldiers user list --email 'o'\\''brien' --after {id}")
            );
        }
        assert_eq!(
            next(&["--env=demo", "creator", "list", "--sort", "-email"]),
            format!("toysoldiers --env=demo creator list --sort -email --after {id}")
        );
    }

    #[test]
    fn the_next_page_does_not_tell_a_password() {
        for words in [
            &["--database-url", "postgresql://me:s3cret@localhost/x"][..],
            &["--database-url=postgresql://localhost/x?password=s3cret"],
            &["--database-url", "host=localhost password=s3cret"],
            &["--database-url", "service=x password=s3cret"],
            &["--database-url=postgresql://me:s3cret@[localhost/x"],
            &["--database-url", "s3cret"],
        ] {
            let line = continued(words.iter().map(ToString::to_string), Uuid::nil());
            assert!(line.contains("URL") && !line.contains("s3cret"), "{line}");
        }
        let words = ["--database-url", "postgresql://me@localhost/x"];
        let line = continued(words.map(str::to_owned), Uuid::nil());
        assert!(line.contains("me@localhost"), "{line}");
    }
}
