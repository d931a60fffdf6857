//! `migrate check`, and which rules are denied

use std::path::PathBuf;

use clap::Args;

use super::SourceArgs;
use crate::context::Context;
use crate::error::{Error, Exit, Result};
use crate::migrate::check::{self, Checked};
use crate::migrate::lint::{Finding, Level, Rule};
use crate::migrate::size::Sizes;
use crate::plan::counted;
use crate::ui::diagnostic::{self, Weight};
use crate::ui::{Cell, Diagnostic, Report, Table};

#[derive(Debug, Args)]
#[command(
    after_help = "Ends with exit code 3 if `migrate up` would refuse a file: an error, or what toysoldiers.toml denies.\n\n\
    Examples:\n  toysoldiers migrate check\n  toysoldiers --env production migrate check -o github\n  \
    toysoldiers migrate check database/migrations/012_tip_currency.sql"
)]
pub(crate) struct CheckArgs {
    /// Files to check, whatever their names [default: all migrations]
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Ask the environment's database how large tables are: what hurts large ones is a note about small ones
    #[arg(long)]
    sizes: bool,
    #[command(flatten)]
    source: SourceArgs,
}

impl CheckArgs {
    pub(super) async fn run(self, cx: &Context) -> Result<Exit> {
        let denied = denied(cx)?;
        let source = self.source.source(cx)?;
        let mut checked = check::check(&source, &self.files, &denied)?;
        if self.sizes {
            let sizes = cx.read(async |db| Sizes::estimate(db).await).await?;
            let findings = checked.findings.into_iter();
            checked.findings = findings.map(|finding| finding.weighed(&sizes)).collect();
        }
        cx.report(&checked)
    }
}

/// The rules the configuration denies.
pub(in crate::cli) fn denied(cx: &Context) -> Result<Vec<&'static Rule>> {
    let words = cx.settings()?.environment.denied_rules.iter();
    words
        .map(|word| {
            Rule::named(&word.text).ok_or_else(|| {
                Error::configuration(format!("there is no rule {} to deny", word.text))
                    .at(word.place.clone())
                    .hint(Rule::suggestion(&word.text))
                    .into()
            })
        })
        .collect()
}

impl Report for Checked {
    fn table(&self) -> Table {
        let mut table = Table::new(&[
            "file",
            "line",
            "column",
            "end_column",
            "rule",
            "level",
            "message",
            "why",
            "rewrite",
            "because",
        ]);
        for finding in &self.findings {
            let place = finding.place.as_ref();
            table.row([
                Cell::text(&finding.file),
                place.map(|place| Cell::count(place.line)).into(),
                place.map(|place| Cell::count(place.column)).into(),
                place.map(|place| Cell::count(place.end_column())).into(),
                Cell::text(finding.rule.name),
                Cell::text(finding.level.word()),
                Cell::text(&finding.message),
                Cell::text(finding.rule.why),
                Cell::text(&finding.rewrite),
                finding.because.clone().into(),
            ]);
        }
        table
    }

    fn diagnostics(&self) -> Option<Vec<Diagnostic<'_>>> {
        Some(self.findings.iter().map(diagnostic).collect())
    }

    fn summary(&self) -> String {
        let levels = [
            (Level::Error, "error"),
            (Level::Denied, "denied finding"),
            (Level::Warning, "warning"),
            (Level::Note, "note"),
            (Level::Allowed, "allowed finding"),
        ];
        let counts: Vec<String> = levels
            .into_iter()
            .map(|(level, noun)| (self.count(level), noun))
            .filter(|(count, _)| *count > 0)
            .map(|(count, noun)| counted(count, noun))
            .collect();
        let found = if counts.is_empty() {
            "no findings".to_owned()
        } else {
            counts.join(", ")
        };
        let files = counted(self.files, "file");
        match &self.source {
            Some(source) => format!("{files} checked ({source}): {found}"),
            None => format!("{files} checked: {found}"),
        }
    }

    fn exit(&self) -> Exit {
        if self.stops() {
            Exit::Finding
        } else {
            Exit::Done
        }
    }
}

fn diagnostic(finding: &Finding) -> Diagnostic<'_> {
    let rule = finding.rule;
    Diagnostic {
        weight: weight(finding.level),
        word: finding.level.word(),
        message: &finding.message,
        rule: diagnostic::Rule {
            name: rule.name,
            weight: weight(rule.level),
            title: rule.why,
            why: rule.why,
            remedy: rule.rewrite,
        },
        object: None,
        file: Some(&finding.file),
        place: finding.place.as_ref(),
        notes: vec![("why", rule.why), ("instead", &finding.rewrite)],
        statement: None,
        accepted: finding.because.as_deref(),
    }
}

const fn weight(level: Level) -> Weight {
    match level {
        Level::Error | Level::Denied => Weight::Error,
        Level::Warning => Weight::Warning,
        Level::Note | Level::Allowed => Weight::Notice,
    }
}
