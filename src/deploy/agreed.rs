//! What was agreed to, and holding against it what turns out to be done.

use super::parts::Part;
use crate::error::{Error, Hint, Result};
use crate::plan::{Plan, Risk, Step, counted};

/// What one part was shown to do.
#[derive(Debug, Clone)]
pub struct Foreseen {
    /// Which.
    pub part: Part,
    /// What it would do, as far as that is known.
    pub steps: Vec<Step>,
    /// How much it can hurt, whatever turns up.
    pub risk: Risk,
    /// Whether that is all of it. Otherwise it depends on the migrations before it.
    pub exact: bool,
}

impl Foreseen {
    /// A part that does what this plan says.
    pub fn exactly<W>(part: Part, plan: &Plan<W>) -> Self {
        Self {
            part,
            steps: plan.steps.clone(),
            risk: plan.risk,
            exact: true,
        }
    }

    /// What it would change; what is only proved or left unproved changes nothing.
    pub fn changes(&self) -> impl Iterator<Item = &Step> {
        self.steps.iter().filter(|step| is_change(step))
    }
}

/// Whether a step changes something.
pub fn is_change(step: &Step) -> bool {
    !matches!(step.action.as_str(), "prove" | "leave unproved")
}

/// Refuses a plan that does more than was agreed to: anything else, if all of it was known; what drops something that
/// was not shown, or hurts more than anything that was, if not.
pub fn require<W>(foreseen: &Foreseen, risk: Risk, plan: &Plan<W>) -> Result<()> {
    let was_shown = |step: &&Step| {
        foreseen.steps.iter().any(|shown| {
            (&shown.action, &shown.object, &shown.sql) == (&step.action, &step.object, &step.sql)
        })
    };
    let others: Vec<&Step> = plan
        .steps
        .iter()
        .filter(|step| is_change(step))
        .filter(|step| !was_shown(step))
        .collect();
    let refused: Vec<&Step> = if foreseen.exact {
        others
    } else if plan.risk > risk {
        let drops: Vec<&Step> = others
            .iter()
            .copied()
            .filter(|step| step.action == "drop")
            .collect();
        if drops.is_empty() { others } else { drops }
    } else if plan.risk == Risk::Severe {
        others
            .into_iter()
            .filter(|step| step.action == "drop")
            .collect()
    } else {
        Vec::new()
    };
    let Some(first) = refused.first() else {
        return Ok(());
    };
    let what = foreseen.part.word();
    let more = match refused.len() {
        1 => String::new(),
        count => format!(", and {} more", counted(count - 1, "step")),
    };
    Err(Error::refused(format!(
        "more is to be done about {what} than was shown: {} {}{more}",
        first.action, first.object
    ))
    .unchanged()
    .hint(Hint::again(
        "run the same command again: it shows the rest, and asks",
    ))
    .into())
}
