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
        self.steps.iter().filter(|step| step.effect.is_change())
    }
}

/// Refuses a plan that does more than was agreed to: anything else, if all of it was known; what takes away something
/// that was not shown, or hurts more than anything that was, if not.
pub fn require<W>(foreseen: &Foreseen, risk: Risk, plan: &Plan<W>) -> Result<()> {
    let was_shown = |step: &&Step| {
        foreseen.steps.iter().any(|shown| {
            (&shown.action, &shown.object, &shown.sql) == (&step.action, &step.object, &step.sql)
        })
    };
    let others: Vec<&Step> = plan
        .steps
        .iter()
        .filter(|step| step.effect.is_change())
        .filter(|step| !was_shown(step))
        .collect();
    let refused: Vec<&Step> = if foreseen.exact {
        others
    } else if plan.risk > risk {
        let losses: Vec<&Step> = others
            .iter()
            .copied()
            .filter(|step| step.effect.takes_away())
            .collect();
        if losses.is_empty() { others } else { losses }
    } else if plan.risk == Risk::Severe {
        others
            .into_iter()
            .filter(|step| step.effect.takes_away())
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Effect;

    fn plan(risk: Risk, steps: Vec<Step>) -> Plan<()> {
        Plan {
            title: String::new(),
            risk,
            steps,
            work: (),
        }
    }

    fn agreed(exact: bool, steps: Vec<Step>) -> Foreseen {
        Foreseen {
            part: Part::Policies,
            steps,
            risk: Risk::Loosening,
            exact,
        }
    }

    #[test]
    fn what_was_not_shown_stops_a_deploy_by_what_it_does_and_not_by_its_verb() {
        // Of each effect: whether it may turn up where all was known, after migrations, and after migrations in a
        // deploy that was agreed to as one that destroys.
        for (effect, exact, after, severe) in [
            (Effect::Adds, false, true, true),
            (Effect::Changes, false, true, true),
            (Effect::GrantsAccess, false, true, true),
            (Effect::Removes, false, true, false),
            (Effect::Replaces, false, true, false),
            (Effect::Verifies, true, true, true),
        ] {
            // The verb is the same for all.
            let step = || vec![Step::new(effect, "do", "it")];
            let may = |foreseen: Foreseen, agreed: Risk, risk: Risk| {
                require(&foreseen, agreed, &plan(risk, step())).is_ok()
            };
            let same = Risk::Loosening;
            assert_eq!(
                may(agreed(true, Vec::new()), same, same),
                exact,
                "{effect:?}"
            );
            assert_eq!(
                may(agreed(false, Vec::new()), same, same),
                after,
                "{effect:?}"
            );
            assert_eq!(
                may(agreed(false, Vec::new()), Risk::Severe, Risk::Severe),
                severe,
                "{effect:?}"
            );
            assert!(
                may(agreed(true, step()), same, same),
                "{effect:?} was shown"
            );
            // What hurts more than anything that was shown is refused whatever it is, unless it changes nothing.
            assert_eq!(
                may(agreed(false, Vec::new()), same, Risk::Severe),
                effect == Effect::Verifies,
                "{effect:?}"
            );
        }
    }
}
