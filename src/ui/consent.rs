//! Shows a plan and asks, as much as its risk wants.

use std::future::Future;
use std::ops::ControlFlow;
use std::sync::atomic::Ordering;

use super::style::Style;
use super::{Output, Printable, Ui, drawing, prompt, stream};
use crate::error::{Error, Exit, Result};
use crate::plan::{Consent, Plan, Progress, Risk};

/// Whom a plan is for.
#[derive(Debug, Clone)]
pub struct Stage {
    /// The name that must be typed for severe changes: the environment's, or the database's for a bare URL.
    pub name: String,
    /// Whether every change is one step more dangerous here.
    pub protected: bool,
}

impl Ui {
    /// Shows the plan and asks for consent; breaks with how the command ends when there is none.
    ///
    /// `--dry-run` is stopping here, after showing. A plan without steps needs no consent: there is nothing
    /// to refuse.
    pub async fn ask<W>(
        &self,
        plan: &Plan<W>,
        stage: &Stage,
    ) -> Result<ControlFlow<Exit, Consent>> {
        self.activity.end();
        if self.manners.dry_run {
            self.show_plan(plan)?;
            return Ok(ControlFlow::Break(Exit::Done));
        }
        if plan.steps.is_empty() {
            return Ok(ControlFlow::Continue(Consent::given()));
        }
        match raised(plan.risk, stage.protected) {
            Risk::Harmless | Risk::Mild | Risk::Loosening => {
                Ok(ControlFlow::Continue(Consent::given()))
            }
            Risk::Moderate if self.manners.yes => {
                self.show_evidence(plan);
                Ok(ControlFlow::Continue(Consent::given()))
            }
            Risk::Moderate => {
                self.show_evidence_to_nobody(plan);
                let question = format!("{} in {}?", sentence(&plan.title), stage.name);
                self.require_terminal(
                    &format!("{} without a yes", plan.title),
                    "agree with `--yes`",
                )?;
                stream::err(&lines(plan, self.style_of_stderr()));
                let agreed = self.asking(prompt::yes_or_no(question)).await?;
                Ok(if agreed {
                    ControlFlow::Continue(Consent::given())
                } else {
                    self.declined()
                })
            }
            Risk::Severe => {
                if let Some(given) = &self.manners.confirm {
                    return if *given == stage.name {
                        self.show_evidence(plan);
                        Ok(ControlFlow::Continue(Consent::given()))
                    } else {
                        Err(Error::refused(format!(
                            "`--confirm {given}` does not name {}",
                            stage.name
                        ))
                        .hint(format!(
                            "to {}, give `--confirm {}`",
                            plan.title, stage.name
                        ))
                        .into())
                    };
                }
                self.show_evidence_to_nobody(plan);
                self.require_terminal(
                    &format!("{} without a confirmation", plan.title),
                    &format!("confirm with `--confirm {}`", stage.name),
                )?;
                stream::err(&lines(plan, self.style_of_stderr()));
                let question = format!("type {} to {}", stage.name, plan.title);
                let typed = self.asking(prompt::line(question)).await?;
                Ok(if typed == stage.name {
                    ControlFlow::Continue(Consent::given())
                } else {
                    self.declined()
                })
            }
        }
    }

    /// Shows a plan to people before it is carried out, unless [asking](Self::ask) about it does so.
    pub fn announce<W>(&self, plan: &Plan<W>, stage: &Stage) {
        let has_evidence = plan.steps.iter().any(|step| !step.lines.is_empty());
        let is_asked = match raised(plan.risk, stage.protected) {
            Risk::Harmless | Risk::Mild | Risk::Loosening => None,
            Risk::Moderate => Some(!self.manners.yes),
            Risk::Severe => Some(self.manners.confirm.is_none()),
        };
        let is_shown = match is_asked {
            None => false,
            Some(true) => self.can_ask() || has_evidence,
            Some(false) => has_evidence,
        };
        if !self.manners.dry_run && !is_shown && !plan.steps.is_empty() {
            self.tell(&lines(plan, self.style_of_stderr()));
        }
    }

    /// What speaks for or against a plan is shown also when the answer was given with the command: somebody reads the
    /// log later.
    fn show_evidence<W>(&self, plan: &Plan<W>) {
        if plan.steps.iter().any(|step| !step.lines.is_empty()) {
            self.tell(&lines(plan, self.style_of_stderr()));
        }
    }

    /// The same where nobody can be asked, so that whoever reads the refusal knows what it is about.
    fn show_evidence_to_nobody<W>(&self, plan: &Plan<W>) {
        if !self.can_ask() {
            self.show_evidence(plan);
        }
    }

    /// Asks for a secret that does not show while it is typed.
    pub async fn ask_secret(
        &self,
        question: &str,
        otherwise: &str,
    ) -> Result<secrecy::SecretString> {
        self.activity.end();
        self.require_terminal("go on without a password", otherwise)?;
        self.asking(prompt::secret(question.to_owned())).await
    }

    /// Asks for a line of text, if there is somebody to ask.
    pub async fn ask_line(&self, question: &str) -> Result<Option<String>> {
        self.activity.end();
        if self.manners.no_input || self.manners.dry_run || !stream::is_interactive() {
            return Ok(None);
        }
        self.asking(prompt::line(question.to_owned()))
            .await
            .map(Some)
    }

    /// Whether there is somebody to ask, and asking is allowed.
    pub fn can_ask(&self) -> bool {
        !self.manners.no_input && stream::is_interactive()
    }

    async fn asking<T>(&self, question: impl Future<Output = T>) -> T {
        self.asking.store(true, Ordering::Relaxed);
        let answer = question.await;
        self.asking.store(false, Ordering::Relaxed);
        answer
    }

    fn declined(&self) -> ControlFlow<Exit, Consent> {
        self.say("nothing was changed");
        ControlFlow::Break(Exit::Declined)
    }

    /// There must be somebody to ask; `what` cannot be done otherwise.
    fn require_terminal(&self, what: &str, otherwise: &str) -> Result<()> {
        let obstacle = if self.manners.no_input {
            "`--no-input` forbids questions"
        } else if stream::is_interactive() {
            return Ok(());
        } else {
            "there is no terminal to ask on"
        };
        Err(Error::refused(format!("cannot {what}: {obstacle}"))
            .hint(otherwise)
            .into())
    }

    /// The plan as a result of its own: what `--dry-run` prints.
    fn show_plan<W>(&self, plan: &Plan<W>) -> Result<()> {
        match self.manners.output {
            Output::Table if plan.steps.is_empty() => self.say("nothing to do"),
            Output::Table => {
                let mut text = lines(plan, self.style_of_stdout());
                text.end_line();
                stream::out(&stream::Output::Text(text))?;
                self.say("dry run: nothing was changed");
            }
            Output::Json => {
                let document = serde_json::to_string_pretty(plan)
                    .map_err(|error| Error::failed("cannot write the plan").because(error))?;
                let document = Printable::json(&(document + "\n"));
                stream::out(&stream::Output::Text(document))?;
            }
            Output::Csv | Output::Ndjson | Output::Github | Output::Sarif => {
                return Err(Error::usage("a plan is shown as a table or as JSON")
                    .hint("use `-o table` or `-o json` with `--dry-run`")
                    .into());
            }
        }
        Ok(())
    }
}

/// In a protected environment what only adds is asked for, and what lets somebody in is confirmed by name.
fn raised(risk: Risk, protected: bool) -> Risk {
    match risk {
        Risk::Mild if protected => Risk::Moderate,
        Risk::Loosening if protected => Risk::Severe,
        Risk::Loosening => Risk::Mild,
        risk => risk,
    }
}

fn sentence(title: &str) -> String {
    let mut letters = title.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(letters).collect()
    })
}

/// The plan as people read it: what comes is green, what goes is red, and both have their sign.
fn lines<W>(plan: &Plan<W>, style: Style) -> Printable {
    let title = Printable::line(format!("plan: {}", plan.title));
    let mut text = drawing::prose(title, style.width, 2);
    for step in &plan.steps {
        let mut line = Printable::line(format!("  {} {}", step.action, step.object));
        if !step.detail.is_empty() {
            line.push(format!("  ({})", step.detail));
        }
        text.end_line();
        text.push(drawing::prose(line, style.width, 6));
        for line in &step.lines {
            // A definition may have line feeds of its own.
            for part in line.split('\n') {
                let part = Printable::lines(part);
                text.below(
                    6,
                    match line.chars().next() {
                        Some('+') => style.green(part),
                        Some('-') => style.red(part),
                        _ => part,
                    },
                );
            }
        }
    }
    text
}
