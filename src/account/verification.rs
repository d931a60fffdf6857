//! Verification: somebody checked who a creator is, or takes that back.

use serde::Serialize;
use uuid::Uuid;

use super::creator::{self, Profile};
use super::who::Who;
use crate::bookkeeping;
use crate::error::{Error, Result, command};
use crate::pg::{Db, Param, Query};
use crate::plan::{Consent, Effect, Plan, Risk, Step};

crate::row! {
    /// Whether the statement found the creator as it was expected.
    pub struct Turned {
        /// Whether this run changed the creator.
        pub changed: bool,
    }
}

static SET: Query<Turned> = crate::query!("creator/set_verified");

/// What somebody wants for a creator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Only a creator who can be paid.
    Verify,
    /// A creator who cannot be paid yet, too.
    VerifyWithoutPayout,
    /// Take it back.
    Unverify,
}

impl Verdict {
    fn verified(self) -> bool {
        self != Self::Unverify
    }

    fn verb(self) -> &'static str {
        if self.verified() {
            "verify"
        } else {
            "unverify"
        }
    }
}

/// What a verdict did.
#[derive(Debug, Serialize)]
pub struct Judged {
    /// Id of the profile.
    pub id: Uuid,
    /// Address.
    pub email: String,
    /// What holds from now on.
    pub verified: bool,
    /// False if it held before.
    pub changed: bool,
}

/// What a verdict would do: nothing if it holds already. A creator without a payout account is not verified
/// unless that is said.
pub async fn plan(db: &Db, who: &Who, verdict: Verdict) -> Result<Plan<(Profile, Verdict)>> {
    bookkeeping::require(db, bookkeeping::WITH_AUDIT_LOG).await?;
    let profile = creator::find(db, who).await?;
    let mut steps = Vec::new();
    if profile.verified != verdict.verified() {
        if profile.payout_account.is_none() && verdict == Verdict::Verify {
            return Err(unpaid(&profile.email));
        }
        let detail = profile.payout_account.as_deref();
        steps.push(
            Step::new(
                Effect::Changes,
                verdict.verb(),
                format!("creator {}", profile.email),
            )
            .detail(detail.unwrap_or("no payout account")),
        );
    }
    Ok(Plan {
        title: format!("{} the creator {}", verdict.verb(), profile.email),
        risk: Risk::Moderate,
        steps,
        work: (profile, verdict),
    })
}

/// Does it. Doing it twice is no error.
pub async fn apply(
    db: &Db,
    (profile, verdict): (Profile, Verdict),
    _consent: Consent,
) -> Result<Judged> {
    let Profile {
        id,
        email,
        verified,
        ..
    } = profile;
    let mut changed = false;
    if verified != verdict.verified() {
        let without_payout = verdict == Verdict::VerifyWithoutPayout;
        let params: [&dyn Param; 3] = [&id, &verdict.verified(), &without_payout];
        changed = match (db.opt(&SET, &params).await?, verdict) {
            (Some(turned), _) => turned.changed,
            // Gone, or the payout account was taken away, since the plan was made.
            (None, Verdict::Verify) => return Err(unpaid(&email)),
            (None, _) => return Err(gone(&email)),
        };
    }
    Ok(Judged {
        id,
        email,
        verified: verdict.verified(),
        changed,
    })
}

fn unpaid(email: &str) -> anyhow::Error {
    Error::refused(format!("{email} has no payout account"))
        .note("fans would tip a creator who cannot be paid; nothing was changed")
        .hint("have the creator connect one first, or verify all the same with `--without-payout`")
        .into()
}

fn gone(email: &str) -> anyhow::Error {
    Error::failed(format!("{email} is no creator any more"))
        .note("somebody deleted the profile in this moment; nothing was changed")
        .hint(command("creator list").hint("see who is there with {}"))
        .into()
}
