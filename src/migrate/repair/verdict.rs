//! What somebody says of a migration: that it is done, or that it is not.
//!
//! A migration without a transaction can stand half-done, and only a person can know what that means. Anything else is
//! known: it happened with its row in the history or not at all.

use super::super::comparison::{means_the_same, shortened};
use super::super::directive;
use super::super::history::{History, Record, title};
use super::super::mark::{self, Action, Change, Entry, Seen};
use super::super::named::Named;
use super::super::script::Script;
use super::super::source::Files;
use super::super::step::Step as Begun;
use super::{Mended, Repair, unknown};
use crate::error::{Error, Hint, Result, command};
use crate::pg::Db;
use crate::plan::{Effect, Plan, Risk, Step, counted};

/// How a migration stands that somebody has a word to say about.
struct Subject<'a> {
    version: i64,
    title: String,
    record: Option<&'a Record>,
    file: Option<&'a super::Migration>,
    /// Its statements that ran, or began.
    steps: Vec<&'a Begun>,
}

impl<'a> Subject<'a> {
    fn find(
        named: &Named,
        history: &'a History,
        files: &'a Files,
        steps: &'a [Begun],
    ) -> Result<Self> {
        let file = files
            .all
            .iter()
            .find(|file| named.is(file.version, &file.name));
        let record = history
            .rows
            .iter()
            .find(|row| named.is(row.version, &row.name));
        let begun = steps
            .iter()
            .find(|step| named.version == Some(step.version));
        let version = file
            .map(|file| file.version)
            .or(record.map(|row| row.version))
            .or(begun.map(|step| step.version))
            .ok_or_else(|| unknown(named, history, files))?;
        let record = history.rows.iter().find(|row| row.version == version);
        let file = files.all.iter().find(|file| file.version == version);
        let title = match (file, record) {
            (Some(file), _) => file.title().to_owned(),
            (None, Some(record)) => title(version, &record.name),
            (None, None) => format!("{version:03}"),
        };
        Ok(Self {
            version,
            title,
            record,
            file,
            steps: steps
                .iter()
                .filter(|step| step.version == version)
                .collect(),
        })
    }

    fn name(&self) -> &str {
        let of_file = self.file.map(|file| file.name.as_str());
        let of_record = self.record.map(|record| record.name.as_str());
        of_file.or(of_record).unwrap_or_default()
    }

    /// How many of its statements are done.
    fn finished(&self) -> usize {
        self.steps.iter().filter(|step| step.finished).count()
    }

    /// Every statement, and whether it ran.
    fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        let text = self.file.map_or("", |file| file.sql());
        let script = Script::of(text);
        let statements: Vec<&str> = script.all().map(|statement| statement.text).collect();
        let ran = |number: usize| {
            let mut steps = self.steps.iter();
            steps.find(|step| usize::try_from(step.number) == Ok(number))
        };
        let last = self.steps.iter().map(|step| step.number).max().unwrap_or(0);
        let count = statements.len().max(usize::try_from(last).unwrap_or(0));
        for number in 1..=count {
            let statement = statements.get(number - 1).copied();
            let (state, text) = match (ran(number), statement) {
                (None, statement) => ("not run", statement.unwrap_or_default()),
                (Some(step), Some(statement)) if !means_the_same(&step.text, statement) => {
                    lines.push(line(number, word(step), &step.text));
                    ("in the file now", statement)
                }
                (Some(step), _) => (word(step), step.text.as_str()),
            };
            lines.push(line(number, state, text));
        }
        lines
    }
}

fn word(step: &Begun) -> &'static str {
    if step.finished {
        "done"
    } else {
        "begun, its end is not known"
    }
}

fn line(number: usize, state: &str, text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    shortened(&format!("{number}. {state}: {}", words.join(" ")))
}

fn refused(message: String, hint: impl Into<Hint>) -> anyhow::Error {
    Error::refused(message).unchanged().hint(hint).into()
}

/// What marking a half-done migration as applied would do.
pub async fn plan_done(db: &Db, files: &Files, named: &Named) -> Result<Plan<Repair>> {
    let history = History::read(db).await?;
    let subject = Subject::find(named, &history, files, &history.begun)?;
    let Subject { version, title, .. } = &subject;
    if subject.record.is_some() {
        return Err(refused(
            format!("{title} is applied already"),
            command("migrate history").hint("see when and by whom with {}"),
        ));
    }
    let Some(file) = subject.file else {
        return Err(refused(
            format!("the file of {title} is gone, so that there is nothing to say it is done of"),
            command(format!("migrate repair {version} --undone"))
                .hint("bring the file back, or forget what ran of it: {}"),
        ));
    };
    if subject.steps.is_empty() {
        let is_whole = directive::read(file.sql()).directives.transaction;
        let message = if is_whole {
            format!(
                "{title} runs in one transaction: it is applied or it is not, and needs no word on it"
            )
        } else {
            format!("{title} has not begun to run")
        };
        return Err(Error::refused(message)
            .unchanged()
            .hint(command("migrate up").hint("apply it with {}"))
            .hint(
                command(format!("migrate baseline --to {version}"))
                    .hint("or, if its changes are in the database already, mark it with {}"),
            )
            .into());
    }
    let detail = format!(
        "{} ran to the end; the others do not run any more",
        counted(subject.finished(), "statement")
    );
    let message = format!("marked as applied by hand; {detail}");
    let change = Change::to(file, Entry::Add, Action::Repair, message).forgetting();
    let step = Step::new(Effect::Changes, "mark", format!("{title} as applied"))
        .detail(&detail)
        .lines(subject.lines());
    Ok(plan(&history, &subject, "applied", step, change, detail))
}

/// What marking a migration as not applied would do: a half-done one begins anew, an applied one loses its row.
pub async fn plan_undone(db: &Db, files: &Files, named: &Named) -> Result<Plan<Repair>> {
    let history = History::read(db).await?;
    let subject = Subject::find(named, &history, files, &history.begun)?;
    let Subject { version, title, .. } = &subject;
    if subject.record.is_none() && subject.steps.is_empty() {
        return Err(refused(
            format!("{title} has not run"),
            command("migrate status").hint("see what has with {}"),
        ));
    }
    let (entry, verdict, detail, mut lines) = if subject.record.is_some() {
        let detail =
            "its row in the history is removed; nothing in the database is undone by it".to_owned();
        (Entry::Remove, "not applied", detail, Vec::new())
    } else {
        let detail = format!(
            "`migrate up` begins at its first statement again; what {} did stays",
            counted(subject.finished(), "statement")
        );
        (Entry::Keep, "not begun", detail, subject.lines())
    };
    if entry == Entry::Remove && subject.file.is_some() {
        let later = history.rows.iter().filter(|row| row.version > *version);
        lines.push(match later.count() {
            0 => "the next `migrate up` runs it again".to_owned(),
            later => format!(
                "{} applied after it: `migrate up` will call it late and refuse to go on",
                counted(later, "migration")
            ),
        });
    }
    let message = format!("marked as not applied by hand; {detail}");
    let change = Change::away(*version, subject.name(), entry, message);
    let step = Step::new(Effect::Changes, "mark", format!("{title} as {verdict}"))
        .detail(&detail)
        .lines(lines);
    Ok(plan(&history, &subject, verdict, step, change, detail))
}

fn plan(
    history: &History,
    subject: &Subject<'_>,
    verdict: &'static str,
    step: Step,
    change: Change,
    detail: String,
) -> Plan<Repair> {
    let title = &subject.title;
    Plan {
        title: format!("mark {title} as {verdict}"),
        risk: Risk::Severe,
        steps: mark::upgrade(history).into_iter().chain([step]).collect(),
        work: Repair {
            changes: vec![change],
            repaired: vec![Mended {
                migration: title.clone(),
                verdict,
                detail,
            }],
            seen: Seen::new(history, &history.begun),
            remaining: Vec::new(),
        },
    }
}
