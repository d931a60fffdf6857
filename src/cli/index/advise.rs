//! `index advise`

use std::io::Read;
use std::time::Duration;

use clap::Args;
use jiff::{SpanRelativeTo, Timestamp};
use serde::Serialize;

use super::{SourceArgs, counted_indexes};
use crate::context::Context;
use crate::error::{Error, Exit, Result, command};
use crate::index::advise::trial::{self, Tried};
use crate::index::advise::{self, Advice, Advised, Files, Kind, Weight, Wish};
use crate::pg::explain::Statement;
use crate::plan::counted;
use crate::ui::diagnostic::{self, Rule};
use crate::ui::{Cell, Diagnostic, Report, Table};

#[derive(Debug, Args)]
#[command(
    after_help = "Reads only: any role, a pooler and a replica will do. How full indexes are is measured where the \
    extension pgstattuple is there, which reads each btree index of 1 MB and more once.\n\n\
    Examples:\n  toysoldiers --env production index advise\n  toysoldiers index advise --check -o json\n  \
    toysoldiers index advise --query \"select * from tips where stripe_txn = 'txn_1'\"\n  \
    toysoldiers index advise --query - < slow.sql"
)]
pub(in crate::cli) struct AdviseArgs {
    /// How long counters must have counted before an index counts as unused
    #[arg(long, default_value = "7d", value_name = "TIME", value_parser = time)]
    since: Duration,
    /// Tell of unused indexes that foreign keys need, too
    #[arg(long)]
    foreign_keys: bool,
    /// Try indexes that are not there on this query, which is planned and never run; `-` reads it from standard input.
    /// Needs the extension hypopg
    #[arg(long, value_name = "SQL", conflicts_with_all = ["since", "foreign_keys", "check"])]
    query: Option<String>,
    /// End with exit code 3 if there is an error or a warning
    #[arg(long)]
    check: bool,
    #[command(flatten)]
    source: SourceArgs,
}

impl AdviseArgs {
    pub(super) async fn run(self, cx: &Context) -> Result<Exit> {
        if self.query.is_some() {
            cx.ui.refuse_findings("index advise --query")?;
        }
        let files = Files::load(&self.source.source(cx)?)?;
        if let Some(query) = &self.query {
            let (text, origin) = statement(query)?;
            let statement = Statement {
                text: &text,
                origin,
            };
            return cx
                .answer(async |db| trial::try_out(db, statement, &files, &cx.ui).await)
                .await;
        }
        let wish = Wish {
            since: self.since,
            foreign_keys: self.foreign_keys,
            files,
        };
        // What a server counted only that server knows: a replica's answer would be another one.
        let (db, replica) = cx.connect_to_both().await?;
        let replica = replica.as_ref().map(|(copy, name)| (copy, name.as_str()));
        let advised = Box::pin(advise::advise(&db, replica, &wish, &cx.ui)).await?;
        let is_clean = advised.is_clean();
        cx.report(&Shown::of(advised))?;
        Ok(if self.check && !is_clean {
            Exit::Finding
        } else {
            Exit::Done
        })
    }
}

/// The text of the query, and where it is from.
fn statement(told: &str) -> Result<(String, &'static str)> {
    let (text, origin) = if told == "-" {
        let mut text = String::new();
        std::io::stdin()
            .lock()
            .read_to_string(&mut text)
            .map_err(|error| Error::failed("cannot read the query").because(error))?;
        (text, "(standard input)")
    } else {
        (told.to_owned(), "--query")
    };
    let text = text.trim_end().trim_end_matches(';').to_owned();
    if text.trim().is_empty() {
        return Err(Error::usage("there is no query")
            .hint("write it behind `--query`, or pipe it in with `--query -`")
            .into());
    }
    if text.contains('\0') {
        return Err(Error::usage("the query holds a NUL character")
            .hint("remove the character; SQL text has none")
            .into());
    }
    Ok((text, origin))
}

/// `7d`, `12h`, `2w`, or 0.
fn time(text: &str) -> Result<Duration, String> {
    if text == "0" {
        return Ok(Duration::ZERO);
    }
    let wrong = || "write a number with its unit: 12h, 7d, 2w, or 0".to_owned();
    let span: jiff::Span = text.parse().map_err(|_| wrong())?;
    let time = span
        .to_duration(SpanRelativeTo::days_are_24_hours())
        .map_err(|_| wrong())?;
    Duration::try_from(time).map_err(|_| "time does not run backwards".to_owned())
}

/// Advice, and what people read instead of numbers of bytes.
#[derive(Serialize)]
struct Shown {
    #[serde(flatten)]
    advised: Advised,
    #[serde(skip)]
    sizes: Vec<String>,
}

impl Shown {
    fn of(advised: Advised) -> Self {
        let size = |advice: &Advice| bytes(advice.size).human(Timestamp::UNIX_EPOCH);
        Self {
            sizes: advised.advice.iter().map(size).collect(),
            advised,
        }
    }
}

fn bytes(size: Option<i64>) -> Cell {
    let size = size.and_then(|size| u64::try_from(size).ok());
    size.map_or(Cell::Missing, Cell::Bytes)
}

impl Report for Shown {
    fn table(&self) -> Table {
        let mut table = Table::new(&[
            "kind", "weight", "object", "table", "size", "evidence", "remedy", "sql", "file",
        ]);
        for advice in &self.advised.advice {
            table.row([
                Cell::text(advice.kind.name()),
                Cell::text(advice.weight.word()),
                Cell::text(&advice.object),
                advice.table.clone().into(),
                bytes(advice.size),
                Cell::text(&advice.evidence),
                Cell::text(&advice.remedy),
                advice.sql.clone().into(),
                advice.file.clone().into(),
            ]);
        }
        table
    }

    fn diagnostics(&self) -> Option<Vec<Diagnostic<'_>>> {
        let advice = self.advised.advice.iter().zip(&self.sizes);
        Some(advice.map(diagnostic).collect())
    }

    fn summary(&self) -> String {
        let Advised {
            indexes, counted, ..
        } = &self.advised;
        let weights = [
            (Weight::Error, "error"),
            (Weight::Warning, "warning"),
            (Weight::Note, "note"),
        ];
        let counts: Vec<String> = weights
            .into_iter()
            .map(|(weight, noun)| (self.advised.count(weight), noun))
            .filter(|(count, _)| *count > 0)
            .map(|(count, noun)| self::counted(count, noun))
            .collect();
        let found = if counts.is_empty() {
            "nothing to advise".to_owned()
        } else {
            counts.join(", ")
        };
        let looked = counted_indexes(*indexes);
        format!(
            "{looked}: {found}; counters have counted {}",
            counted.words()
        )
    }
}

fn diagnostic<'a>((advice, size): (&'a Advice, &'a String)) -> Diagnostic<'a> {
    let Advice { kind, .. } = advice;
    let mut notes = vec![
        ("size", size.as_str()),
        ("why", kind.why()),
        ("do", advice.remedy.as_str()),
    ];
    if advice.size.is_none() {
        notes.remove(0);
    }
    Diagnostic {
        weight: weight(advice.weight),
        word: advice.weight.word(),
        message: &advice.evidence,
        rule: Rule {
            name: kind.name(),
            weight: usual(*kind),
            title: kind.title(),
            why: kind.why(),
            remedy: &advice.remedy,
        },
        object: Some(&advice.object),
        file: advice.file.as_deref(),
        place: advice.place.as_ref(),
        notes,
        statement: advice.sql.as_deref().map(|sql| ("sql", sql)),
        accepted: None,
    }
}

const fn weight(weight: Weight) -> diagnostic::Weight {
    match weight {
        Weight::Error => diagnostic::Weight::Error,
        Weight::Warning => diagnostic::Weight::Warning,
        Weight::Note => diagnostic::Weight::Notice,
    }
}

/// What most advice of a kind weighs.
const fn usual(kind: Kind) -> diagnostic::Weight {
    match kind {
        Kind::Invalid => diagnostic::Weight::Error,
        Kind::Duplicate | Kind::Covered | Kind::ForeignKey | Kind::Unused => {
            diagnostic::Weight::Warning
        }
        _ => diagnostic::Weight::Notice,
    }
}

impl Report for Tried {
    fn table(&self) -> Table {
        let mut table = Table::new(&["sql", "cost", "without", "size", "file"])
            .leaving(&["file", "size"])
            .wrapping(&["sql"]);
        let cost = |cost: f64| Cell::text(format!("{cost:.2}"));
        for candidate in &self.candidates {
            table.row([
                Cell::text(&candidate.sql),
                cost(candidate.cost),
                cost(self.cost),
                bytes(Some(candidate.size)),
                Cell::text(&candidate.file),
            ]);
        }
        table
    }

    fn summary(&self) -> String {
        let tried = match self.tried {
            1 => "1 index that is not there".to_owned(),
            count => format!("{count} indexes that are not there"),
        };
        let cost = self.cost;
        if self.candidates.is_empty() {
            return format!(
                "tried {tried}: none makes the planner's cost of {cost:.2} a tenth less"
            );
        }
        format!(
            "tried {tried}; as things are the planner's cost is {cost:.2}; declare one in its file, with a name, and {} builds it",
            command("index apply")
        )
    }

    fn remainder(&self) -> Vec<String> {
        let mut lines = Vec::new();
        if self.untried > 0 {
            lines.push(format!("{} more were not tried", self.untried));
        }
        if !self.unanalyzed.is_empty() {
            lines.push(format!(
                "costs mean little: never analyzed: {}",
                self.unanalyzed.join(", ")
            ));
        }
        lines
    }
}
