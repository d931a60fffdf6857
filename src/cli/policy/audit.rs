//! `policy audit`

use clap::Args;
use serde::Serialize;

use super::SourceArgs;
use crate::context::Context;
use crate::error::{Error, Exit, Result};
use crate::plan::counted;
use crate::policy::audit::{self, Audited, Check, Files, Finding, Level};
use crate::ui::diagnostic::{Rule, Weight};
use crate::ui::{Cell, Diagnostic, Report, Table};

#[derive(Debug, Args)]
#[command(
    after_help = "Asks the catalog only and changes nothing: any role, a pooler and a replica will do. \
    audit.toml in the folder of the policies says which roles anybody may act as, and waives \
    findings with a reason. Ends with exit code 3 if an error or a warning remains.\n\n\
    Examples:\n  toysoldiers --env production policy audit\n  toysoldiers policy audit --check truncate-granted --check rls-disabled\n  \
    toysoldiers policy audit -o sarif > audit.sarif"
)]
pub(in crate::cli) struct AuditArgs {
    /// Look with this check only; may be given again [default: all]
    #[arg(long, value_name = "NAME")]
    check: Vec<String>,
    /// Show the checks there are, without a database
    #[arg(long)]
    list: bool,
    #[command(flatten)]
    source: SourceArgs,
}

impl AuditArgs {
    pub(super) async fn run(self, cx: &Context) -> Result<Exit> {
        let checks = wanted(&self.check)?;
        if self.list {
            cx.ui.refuse_findings("policy audit --list")?;
            return cx.report(&Checks::of(checks));
        }
        let files = Files::load(&self.source.source(cx)?)?;
        cx.answer(async |db| audit::audit(db, &files, &checks).await)
            .await
    }
}

/// The checks of these names, or all of them.
fn wanted(names: &[String]) -> Result<Vec<&'static Check>> {
    if names.is_empty() {
        return Ok(Check::all()?.iter().collect());
    }
    let mut checks: Vec<&'static Check> = Vec::new();
    for name in names {
        let Some(check) = Check::named(name)? else {
            return Err(Error::usage(format!("there is no check {name}"))
                .hint(Check::suggestion(name)?)
                .into());
        };
        if !checks.iter().any(|other| other.name == check.name) {
            checks.push(check);
        }
    }
    Ok(checks)
}

/// The checks there are.
#[derive(Serialize)]
struct Checks(Vec<Listed>);

#[derive(Serialize)]
struct Listed {
    level: Level,
    #[serde(flatten)]
    check: &'static Check,
}

impl Checks {
    fn of(checks: Vec<&'static Check>) -> Self {
        let listed = checks.into_iter().map(|check| Listed {
            level: check.level,
            check,
        });
        Self(listed.collect())
    }
}

impl Report for Checks {
    fn table(&self) -> Table {
        let mut table = Table::new(&["check", "level", "splinter", "finds"])
            .leaving(&["splinter"])
            .shortening(&[("finds", 24)]);
        for Listed { level, check } in &self.0 {
            let splinter = check.splinter.join(", ");
            table.row([
                Cell::text(&check.name),
                Cell::text(level.word()),
                Some(splinter).filter(|numbers| !numbers.is_empty()).into(),
                Cell::text(&check.title),
            ]);
        }
        table
    }

    fn summary(&self) -> String {
        counted(self.0.len(), "check")
    }
}

impl Report for Audited {
    fn table(&self) -> Table {
        let mut table = Table::new(&[
            "check", "level", "object", "detail", "why", "remedy", "fix", "because", "file",
        ]);
        for finding in &self.findings {
            table.row([
                Cell::text(&finding.check.name),
                Cell::text(finding.level.word()),
                Cell::text(&finding.object),
                Cell::text(&finding.detail),
                Cell::text(&finding.check.why),
                Cell::text(&finding.check.remedy),
                finding.fix.clone().into(),
                finding.because.clone().into(),
                finding.file.clone().into(),
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
            (Level::Warning, "warning"),
            (Level::Note, "note"),
            (Level::Waived, "waived finding"),
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
        format!("{}: {found}", counted(self.checks, "check"))
    }

    /// Nothing is found about whom and what is not here, which is not the same as being fine.
    fn remainder(&self) -> Vec<String> {
        let absent = [
            ("role", &self.scope.absent_roles),
            ("schema", &self.scope.absent_schemas),
        ];
        let absent: Vec<String> = absent
            .into_iter()
            .filter(|(_, names)| !names.is_empty())
            .map(|(noun, names)| format!("no {noun} {}", names.join(", ")))
            .collect();
        let line = (!absent.is_empty()).then(|| {
            format!(
                "this database has {}: nothing was looked for there",
                absent.join(" and ")
            )
        });
        line.into_iter().collect()
    }

    fn exit(&self) -> Exit {
        if self.is_clean() {
            Exit::Done
        } else {
            Exit::Finding
        }
    }
}

fn diagnostic(finding: &Finding) -> Diagnostic<'_> {
    let check = finding.check;
    Diagnostic {
        weight: weight(finding.level),
        word: finding.level.word(),
        message: &finding.detail,
        rule: Rule {
            name: &check.name,
            weight: weight(check.level),
            title: &check.title,
            why: &check.why,
            remedy: &check.remedy,
        },
        object: finding.place.is_none().then_some(finding.object.as_str()),
        file: finding.file.as_deref(),
        place: finding.place.as_ref(),
        notes: vec![
            ("why", check.why.as_str()),
            ("remedy", check.remedy.as_str()),
        ],
        statement: finding.fix.as_deref().map(|fix| ("fix", fix)),
        accepted: finding.because.as_deref(),
    }
}

const fn weight(level: Level) -> Weight {
    match level {
        Level::Error => Weight::Error,
        Level::Warning => Weight::Warning,
        Level::Note | Level::Waived => Weight::Notice,
    }
}
