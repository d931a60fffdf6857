//! One plan out of all parts.

use jiff::Timestamp;

use super::agreed::Foreseen;
use super::files::Files;
use super::foresee;
use super::parts::Part;
use super::{Safekeeping, Wanted, Wish};
use crate::backup::{self, Order, Store};
use crate::error::{Error, Result};
use crate::migrate::check::Beside;
use crate::migrate::lint::Rule;
use crate::migrate::up;
use crate::pg::Db;
use crate::plan::{Effect, Plan, Risk, Step, counted};

/// What a deploy needs to do its work.
#[derive(Debug)]
pub struct Work {
    pub(super) files: Files,
    pub(super) wish: Wish,
    pub(super) stamp: Option<String>,
    pub(super) denied: Vec<&'static Rule>,
    /// Migrations, policies, indexes.
    pub(super) foreseen: [Foreseen; 3],
    /// The highest there is among them, which is what was agreed to.
    pub(super) risk: Risk,
    pub(super) backup: Option<Order>,
    migrations: up::Pending,
    /// How many things there are that no file declares, as far as that is known.
    pub(super) undeclared: usize,
}

impl Work {
    /// Looks, on a thread of its own, for what is worth a warning about the migrations that are pending.
    pub fn look(&self) -> Beside {
        self.migrations.look()
    }

    /// The files.
    pub fn files(&self) -> &Files {
        &self.files
    }

    /// What was wanted.
    pub fn wish(&self) -> Wish {
        self.wish
    }

    /// What each part would do.
    pub fn foreseen(&self) -> &[Foreseen] {
        &self.foreseen
    }

    pub(super) fn foreseen_of(&self, part: Part) -> Result<&Foreseen> {
        let mut all = self.foreseen.iter();
        all.find(|foreseen| foreseen.part == part)
            .ok_or_else(|| Error::failed(format!("nothing is known about {}", part.word())).into())
    }

    /// Whether there is nothing to do.
    pub(super) fn is_nothing(&self) -> bool {
        self.foreseen
            .iter()
            .all(|foreseen| foreseen.steps.is_empty())
    }
}

/// What would be done. Everything that can be known to be wrong before it begins is an error here.
///
/// `stamp` is the environment that claims the database, if nobody has; what the rules in `denied` find in a pending
/// migration is an error.
pub async fn plan(
    db: &Db,
    files: Files,
    wish: Wish,
    stamp: Option<String>,
    denied: Vec<&'static Rule>,
    safekeeping: Option<&Safekeeping>,
) -> Result<Plan<Work>> {
    refuse_replica(db)?;
    let all = up::Wish::default();
    let migrations = Box::pin(up::plan(
        db,
        files.migrations.clone(),
        all,
        stamp.clone(),
        &denied,
    ))
    .await?;
    let pending = migrations.work.versions.len();
    let mut undeclared = 0;
    let [policies, indexes] = if pending > 0 {
        Box::pin(foresee::after(db, &files, wish)).await?
    } else {
        let matrix = files.matrix.as_ref();
        let policies = Box::pin(foresee::policies(db, &files.policies, matrix, wish)).await?;
        let indexes = Box::pin(foresee::indexes(db, &files.indexes, wish)).await?;
        undeclared = policies.work.left() + indexes.work.left();
        [
            Foreseen::exactly(Part::Policies, &policies),
            Foreseen::exactly(Part::Indexes, &indexes),
        ]
    };
    let foreseen = [
        Foreseen::exactly(Part::Migrations, &migrations),
        policies,
        indexes,
    ];
    let mut steps: Vec<Step> = foreseen
        .iter()
        .flat_map(|foreseen| foreseen.steps.clone())
        .collect();
    let is_wanted = match wish.backup {
        Wanted::Always => !steps.is_empty(),
        Wanted::BeforeMigrations => pending > 0,
        Wanted::Never => false,
    };
    let mut order = None;
    if let (true, Some(safekeeping)) = (is_wanted, safekeeping) {
        let Safekeeping {
            environment,
            destination,
            programs,
        } = safekeeping;
        let now = Timestamp::now();
        let store = Store::at(destination)?;
        let backup = backup::plan(db, environment, store, programs, now).await?;
        for step in backup.steps.into_iter().rev() {
            let first = Step::new(Effect::Adds, "back up to", step.object).detail(step.detail);
            steps.insert(0, first);
        }
        order = Some(backup.work);
    }
    // Where there is nothing to do, nothing is risked either.
    let risks = foreseen
        .iter()
        .filter(|foreseen| !foreseen.exact || !foreseen.steps.is_empty())
        .map(|foreseen| foreseen.risk);
    let risk = risks.max().unwrap_or(Risk::Mild);
    Ok(Plan {
        title: title(pending, &foreseen),
        risk,
        steps,
        work: Work {
            undeclared,
            files,
            wish,
            stamp,
            denied,
            foreseen,
            risk,
            backup: order,
            migrations: migrations.work,
        },
    })
}

fn title(pending: usize, foreseen: &[Foreseen; 3]) -> String {
    if pending > 0 {
        let migrations = counted(pending, "migration");
        return format!("deploy {migrations}, then policies and indexes");
    }
    let [besides, policies, indexes] = foreseen;
    let parts: Vec<String> = [(policies, "policies and rights"), (indexes, "indexes")]
        .into_iter()
        .map(|(foreseen, noun)| (foreseen.changes().count(), noun))
        .filter(|(count, _)| *count > 0)
        .map(|(count, noun)| format!("{} of {noun}", counted(count, "change")))
        .collect();
    match (parts.is_empty(), besides.steps.is_empty()) {
        (false, _) => format!("deploy {}", parts.join(" and ")),
        (true, false) => "deploy no more than the bookkeeping".to_owned(),
        (true, true) => "deploy nothing".to_owned(),
    }
}

fn refuse_replica(db: &Db) -> Result<()> {
    if db.hello().is_none_or(|hello| !hello.in_recovery) {
        return Ok(());
    }
    Err(
        Error::refused("this is a replica: a deploy changes the primary, and replicas follow")
            .unchanged()
            .hint("name the primary")
            .into(),
    )
}
