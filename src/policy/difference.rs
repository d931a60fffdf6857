//! What has to change for a database to be as declared.

use serde::Serialize;

use super::statement::Relation;
use crate::plan::{Effect, Risk, Step};

/// What is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// A right is taken.
    Revoke,
    /// A policy that is not declared goes.
    Drop,
    /// Row-level security is switched on.
    Enable,
    /// The same for the owner as well.
    Force,
    /// No longer for the owner.
    NoForce,
    /// A policy gets another name.
    Rename,
    /// A policy is changed.
    Alter,
    /// A policy is made anew, since it cannot be changed so.
    Replace,
    /// A policy is made.
    Create,
    /// Something else is said about a policy.
    Comment,
    /// An option of a view is set.
    Set,
    /// A right is given.
    Grant,
}

impl Action {
    /// In a few words, for people.
    pub fn words(self) -> &'static str {
        match self {
            Self::Revoke => "revoke",
            Self::Drop => "drop",
            Self::Enable => "enable",
            Self::Force => "force",
            Self::NoForce => "no force",
            Self::Rename => "rename",
            Self::Alter => "alter",
            Self::Replace => "drop and create",
            Self::Create => "create",
            Self::Comment => "comment",
            Self::Set => "set",
            Self::Grant => "grant",
        }
    }

    /// What it is afterwards: `created`.
    pub fn done(self) -> &'static str {
        match self {
            Self::Revoke => "revoked",
            Self::Drop => "dropped",
            Self::Enable => "enabled",
            Self::Force => "forced",
            Self::NoForce => "no longer forced",
            Self::Rename => "renamed",
            Self::Alter => "altered",
            Self::Replace => "dropped and created",
            Self::Create => "created",
            Self::Comment => "commented on",
            Self::Set => "set",
            Self::Grant => "granted",
        }
    }
}

/// What it does to who may do what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AccessEffect {
    /// Nothing.
    None,
    /// Less may be done.
    Tightens,
    /// Nobody can tell.
    Unclear,
    /// More may be done.
    Loosens,
}

/// One thing that has to change.
#[derive(Debug, Clone, Serialize)]
pub struct Difference {
    /// What is done.
    pub action: Action,
    /// To what: `policy content_read`, `select (id, bio) to anon`.
    pub object: String,
    /// The relation or the function it is about.
    pub on: String,
    /// What it does to who may do what.
    pub effect: AccessEffect,
    /// What else there is to say.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub detail: String,
    /// What there is, `- `, and what there is to be, `+ `.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub lines: Vec<String>,
    /// Whether it is done only if everything that is not declared is to go.
    pub prune: bool,
    /// The statements.
    pub sql: Vec<String>,
    /// The table they lock against everybody; nothing if they lock none so.
    #[serde(skip)]
    pub locks: Option<Relation>,
    /// Whether there are expressions in them as a file has them, whose names are looked for where it says.
    #[serde(skip)]
    pub as_written: bool,
}

impl Difference {
    /// One that says no more than what is done to what.
    pub fn new(
        action: Action,
        object: impl Into<String>,
        on: &impl ToString,
        effect: AccessEffect,
    ) -> Self {
        Self {
            action,
            object: object.into(),
            on: on.to_string(),
            effect,
            detail: String::new(),
            lines: Vec::new(),
            prune: false,
            sql: Vec::new(),
            locks: None,
            as_written: false,
        }
    }

    /// The statement that does it.
    #[must_use]
    pub fn by(mut self, sql: impl Into<String>) -> Self {
        self.sql.push(sql.into());
        self
    }

    /// The table it locks against everybody.
    #[must_use]
    pub fn locking(mut self, relation: &Relation) -> Self {
        self.locks = Some(relation.clone());
        self
    }

    /// How much it can hurt.
    pub fn risk(&self) -> Risk {
        match (self.action, self.effect) {
            (Action::Drop, _) => Risk::Severe,
            (_, AccessEffect::Loosens | AccessEffect::Unclear) => Risk::Loosening,
            _ => Risk::Mild,
        }
    }

    /// What it does to what is there. What may let somebody in counts as that, unless something goes as well.
    fn step_effect(&self) -> Effect {
        match (self.action, self.effect) {
            (Action::Drop, _) => Effect::Removes,
            (Action::Replace, _) => Effect::Replaces,
            (_, AccessEffect::Loosens | AccessEffect::Unclear) => Effect::GrantsAccess,
            (Action::Create, _) => Effect::Adds,
            _ => Effect::Changes,
        }
    }

    /// As a step of a plan.
    pub fn step(&self) -> Step {
        let mut detail = self.detail.clone();
        if self.effect == AccessEffect::Unclear {
            let separator = if detail.is_empty() { "" } else { "; " };
            detail = format!("{detail}{separator}may let in more");
        }
        Step::new(
            self.step_effect(),
            self.action.words(),
            format!("{} on {}", self.object, self.on),
        )
        .detail(detail)
        .lines(self.lines.clone())
        .sql(self.sql.clone())
    }
}
