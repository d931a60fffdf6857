//! Doing the parts, one by one.

use super::agreed;
use super::parts::{Part, State};
use super::plan::Work;
use super::run::Run;
use super::{Wanted, foresee, story};
use crate::backup;
use crate::error::{Error, Result};
use crate::index;
use crate::migrate::history::History;
use crate::migrate::up;
use crate::pg::{Db, lock};
use crate::plan::{Plan, Step};
use crate::policy;

/// A part that did not fail, and what came of it.
pub(super) struct Came {
    pub state: State,
    pub changes: Vec<String>,
    pub detail: Option<String>,
}

impl Came {
    fn nothing() -> Self {
        Self {
            state: State::Nothing,
            changes: Vec::new(),
            detail: None,
        }
    }

    fn to(changes: Vec<String>, detail: Option<String>) -> Self {
        Self {
            state: State::Done,
            changes,
            detail,
        }
    }
}

fn detail(lines: &[String]) -> Option<String> {
    (!lines.is_empty()).then(|| lines.join(", "))
}

impl Run<'_> {
    /// Plans anew, and makes sure that it is no more than was agreed to.
    fn require<W>(&self, part: Part, plan: Plan<W>) -> Result<Option<W>> {
        agreed::require(self.work.foreseen_of(part)?, self.work.risk, &plan)?;
        Ok((!plan.steps.is_empty()).then_some(plan.work))
    }

    pub(super) async fn backup(&mut self, order: backup::Order) -> Result<Came> {
        // Another deploy may have applied them while this one waited for the lock.
        if self.work.wish.backup == Wanted::BeforeMigrations
            && self.plan_migrations().await?.work.versions.is_empty()
        {
            return Ok(Came::nothing());
        }
        self.context.progress.working("taking a backup");
        let consent = self.consent.to_a_part();
        let taken = backup::take(self.db(), order, consent, self.context.progress).await?;
        if !taken.checked {
            return Err(
                Error::failed(format!("{} is not as it was written", taken.manifest_file))
                    .unchanged()
                    .hint("have the disk looked at")
                    .into(),
            );
        }
        self.context
            .progress
            .say(&format!("took the backup {}", taken.file));
        Ok(Came::to(vec![taken.file], None))
    }

    async fn plan_migrations(&self) -> Result<Plan<up::Pending>> {
        let Work {
            files,
            stamp,
            denied,
            ..
        } = self.work;
        let all = up::Wish::default();
        Box::pin(up::plan(
            self.db(),
            files.migrations.clone(),
            all,
            stamp.clone(),
            denied,
        ))
        .await
    }

    pub(super) async fn migrations(&mut self) -> Result<Came> {
        let plan = self.plan_migrations().await?;
        // What is ours is done, too, and is no change that anybody declared.
        let mut own = Vec::new();
        if self.upgraded {
            own.push("brought the bookkeeping up to date".to_owned());
            self.context.progress.say(&own[0]);
        }
        let Some(pending) = self.require(Part::Migrations, plan)? else {
            return Ok(if self.upgraded {
                Came::to(Vec::new(), detail(&own))
            } else {
                Came::nothing()
            });
        };
        let versions = pending.versions.clone();
        let consent = self.consent.to_a_part();
        let applied = match Box::pin(up::up(self.db(), pending, consent, self.context)).await {
            Ok(applied) => applied,
            Err(failure) => {
                // What was applied before the one that failed stays applied.
                let changes = self.applied_of(&versions).await;
                if let Some(did) = self.did(Part::Migrations) {
                    did.changes = changes;
                    did.detail = detail(&own);
                }
                return Err(failure);
            }
        };
        self.come_back().await?;
        if let Some(environment) = &applied.stamped {
            let line = format!("stamped the database as {environment}");
            self.context.progress.say(&line);
            own.push(line);
        }
        let changes = applied.applied.into_iter().map(|ran| ran.migration);
        Ok(Came::to(changes.collect(), detail(&own)))
    }

    /// Those of these migrations that are in the history, as far as it can be read.
    async fn applied_of(&self, versions: &[i64]) -> Vec<String> {
        let Ok(history) = History::read(self.db()).await else {
            return Vec::new();
        };
        let all = self.work.files.migrations.all.iter();
        all.filter(|migration| versions.contains(&migration.version))
            .filter(|migration| history.has(migration.version))
            .map(|migration| migration.title().to_owned())
            .collect()
    }

    /// Migrations leave a session without the settings that questions rely on, and may have outlived it; the lock has
    /// not.
    async fn come_back(&mut self) -> Result<()> {
        if !self.db().is_lost() {
            return self.db().set_up(self.context.unhurried()).await;
        }
        let again = Db::connect(self.db().endpoint(), self.context.unhurried()).await?;
        self.context.sessions.attend(&again);
        lock::acquire(&again, &lock::DEPLOY, self.context).await?;
        self.second = Some(again);
        Ok(())
    }

    pub(super) async fn policies(&mut self) -> Result<Came> {
        let Work { files, wish, .. } = self.work;
        let matrix = files.matrix.as_ref();
        let plan = Box::pin(foresee::policies(self.db(), &files.policies, matrix, *wish)).await?;
        let changes = words(&plan.steps);
        let Some(work) = self.require(Part::Policies, plan)? else {
            return Ok(Came::nothing());
        };
        self.context.progress.working("applying policies");
        let consent = self.consent.to_a_part();
        let applied =
            Box::pin(policy::apply::apply(self.db(), work, consent, self.context)).await?;
        if !applied.kept {
            let detail = story::disproved(applied.wrong.len());
            self.deployed.wrong = applied.wrong;
            return Ok(Came {
                state: State::Failed,
                changes: Vec::new(),
                detail: Some(detail),
            });
        }
        // All of them are one transaction: each is done now.
        for change in &applied.changes {
            let line = format!(
                "{} {} on {}",
                change.action.done(),
                change.object,
                change.on
            );
            self.context.progress.say(&line);
        }
        Ok(Came::to(changes, applied.cells.map(story::proved)))
    }

    pub(super) async fn indexes(&mut self) -> Result<Came> {
        let Work { files, wish, .. } = self.work;
        let plan = Box::pin(foresee::indexes(self.db(), &files.indexes, *wish)).await?;
        let steps: Vec<Step> = plan.steps.clone();
        let Some(work) = self.require(Part::Indexes, plan)? else {
            return Ok(Came::nothing());
        };
        let consent = self.consent.to_a_part();
        if let Err(failure) =
            Box::pin(index::apply::apply(self.db(), work, consent, self.context)).await
        {
            // What was built before the one that failed stays.
            let left = Box::pin(foresee::indexes(self.db(), &files.indexes, *wish)).await;
            if let (Ok(left), Some(did)) = (left, self.did(Part::Indexes)) {
                // What is left of the one that failed may have to be cleared away, and not be made, by now.
                let mut done = steps;
                done.retain(|step| !left.steps.iter().any(|left| left.object == step.object));
                did.changes = words(&done);
            }
            return Err(failure);
        }
        Ok(Came::to(words(&steps), None))
    }
}

fn words(steps: &[Step]) -> Vec<String> {
    let steps = steps.iter().filter(|step| step.effect.is_change());
    steps
        .map(|step| format!("{} {}", step.action, step.object))
        .collect()
}
