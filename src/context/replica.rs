//! Reading from a replica, when it has what the primary has.

use std::time::Duration;

use super::Context;
use super::connect::Guarding;
use crate::error::{self, Error, Kind, Result};
use crate::guard::{Identity, why_no_replica};
use crate::pg::replica::{self, Lag};
use crate::pg::{Db, Endpoint};
use crate::plan::Progress;
use crate::settings::{Replica, Target};

/// The least time a replica gets to let us in.
const CONNECT: Duration = Duration::from_secs(1);

/// Who answers, and why.
struct Answering {
    db: Db,
    /// Who answers if the first one cancels the question.
    instead: Option<Db>,
}

impl Context {
    /// Asks the replica if it has what the primary has, else the primary; says which of them answered.
    pub(super) async fn read_from<T>(
        &self,
        primary: &Endpoint,
        replica: &Replica,
        ask: impl AsyncFn(&Db) -> Result<T>,
    ) -> Result<T> {
        let Answering { db, instead } = Box::pin(self.choose(primary, replica)).await?;
        match (ask(&db).await, instead) {
            // The replica had to apply a change that the question stood in the way of.
            (Err(error), Some(primary)) if error::sqlstate(&error) == Some("40001") => {
                self.ui.say(
                    "the replica had to cancel the question for changes of the primary; the primary answers",
                );
                ask(&primary).await
            }
            (answer, _) => answer,
        }
    }

    /// A connection to the replica and what it says about itself, or why there is none; nothing if no replica is
    /// named.
    pub async fn observe_replica(&self) -> Result<Option<Result<(Db, Identity), String>>> {
        let Some(replica) = &self.settings()?.environment.replica else {
            return Ok(None);
        };
        self.ui.working("connecting to the replica");
        let endpoint = self.with_passwords(&replica.endpoint).await?;
        Ok(Some(match Box::pin(reach(&endpoint, replica)).await {
            Ok(copy) => Ok(self.settle(copy, Guarding::Observe, true).await?),
            Err(reason) => Err(reason),
        }))
    }

    /// A connection to the primary, and one to the replica, named as people name it, if there is one: for what each of
    /// them knows by itself. Says so if the replica cannot be asked.
    pub async fn connect_to_both(&self) -> Result<(Db, Option<(Db, String)>)> {
        let environment = &self.settings()?.environment;
        let (Target::Url(endpoint), Some(replica)) = (&environment.target, &environment.replica)
        else {
            return Ok((self.connect().await?, None));
        };
        self.banner(endpoint)?;
        let primary = self.reach(endpoint).await?;
        let (primary, identity) = self.settle(primary, Guarding::Enforce, true).await?;
        let name = replica.endpoint.describe();
        let reason = match Box::pin(self.observe_replica()).await? {
            None => return Ok((primary, None)),
            Some(Ok((copy, of_copy))) => match why_no_replica(&copy, &identity, &of_copy) {
                None => return Ok((primary, Some((copy, name)))),
                Some(reason) => format!("{name} {reason}"),
            },
            Some(Err(reason)) => format!("the replica {name} cannot be reached ({reason})"),
        };
        self.ui
            .warn(&format!("{reason}; only the primary is asked"));
        Ok((primary, None))
    }

    async fn choose(&self, endpoint: &Endpoint, replica: &Replica) -> Result<Answering> {
        self.banner(endpoint)?;
        self.ui.working("connecting");
        // One after the other, since a person may have to be asked.
        let primary = self.with_passwords(endpoint).await?;
        let copy = self.with_passwords(&replica.endpoint).await?;
        let (primary, copy) = tokio::join!(Db::reach(&primary), reach(&copy, replica));
        let name = replica.endpoint.describe();
        let primary = match primary {
            Ok(primary) => primary,
            Err(refused) if refused.wants_password => {
                let primary = self.reach_asking(endpoint, refused).await?;
                let (primary, _) = self.settle(primary, Guarding::Enforce, true).await?;
                return Ok(alone(primary));
            }
            Err(refused) => {
                return match copy {
                    Ok(copy) if is_away(&refused.error) => {
                        self.stand_in(copy, &name, &refused.error).await
                    }
                    _ => Err(refused.error),
                };
            }
        };
        let (primary, identity) = self.settle(primary, Guarding::Enforce, true).await?;
        match copy {
            Ok(copy) => self.compare(primary, &identity, copy, replica, &name).await,
            Err(reason) => {
                self.ui.warn(&format!(
                    "the replica {name} cannot be reached ({reason}); the primary answers"
                ));
                Ok(alone(primary))
            }
        }
    }

    /// Which of the two is to answer.
    async fn compare(
        &self,
        primary: Db,
        identity: &Identity,
        copy: Db,
        replica: &Replica,
        name: &str,
    ) -> Result<Answering> {
        let (settled, position) = tokio::join!(
            self.settle(copy, Guarding::Observe, true),
            replica::position(&primary)
        );
        let (copy, of_copy) = settled?;
        if let Some(reason) = why_no_replica(&copy, identity, &of_copy) {
            self.ui
                .warn(&format!("{name} {reason}; the primary answers"));
            return Ok(alone(primary));
        }
        self.ui.working("waiting for the replica");
        let lag = replica::wait(&copy, &position?.position, replica.max_lag).await?;
        self.ui.working("asking the database");
        match lag {
            Lag::CaughtUp(time) => {
                self.ui.say(&format!(
                    "the replica {name} answers; it had all changes of the primary after {} ms",
                    time.as_millis()
                ));
                Ok(Answering {
                    db: copy,
                    instead: Some(primary),
                })
            }
            Lag::Behind(bytes) => {
                self.ui.say(&format!(
                    "the primary answers; the replica {name} is {bytes} bytes behind"
                ));
                Ok(alone(primary))
            }
        }
    }

    /// The replica answers, because nobody else does.
    async fn stand_in(&self, copy: Db, name: &str, error: &anyhow::Error) -> Result<Answering> {
        let (copy, _) = self.settle(copy, Guarding::Enforce, false).await?;
        if !copy.hello().is_some_and(|hello| hello.in_recovery) {
            return Err(Error::new(
                Kind::Unreachable,
                format!("the primary cannot be reached, and {name} is no replica of it"),
            )
            .because(Error::new(Kind::Unreachable, reasons(error)))
            .hint("check that the primary runs; if the replica was promoted, make it the environment's url")
            .into());
        }
        let age = match replica::position(&copy).await?.replayed_at {
            Some(at) => format!("the last change it has was made at {at:.0}"),
            None => "when its last change was made is not known".to_owned(),
        };
        self.ui.warn(&format!(
            "the primary cannot be reached ({}); the replica {name} answers: {age}",
            reasons(error)
        ));
        Ok(alone(copy))
    }
}

/// The replica gets less time than a primary: somebody else can answer.
async fn reach(endpoint: &Endpoint, replica: &Replica) -> Result<Db, String> {
    let limit = replica.max_lag.max(CONNECT);
    match tokio::time::timeout(limit, Db::reach(endpoint)).await {
        Ok(Ok(copy)) => Ok(copy),
        Ok(Err(refused)) => Err(reasons(&refused.error)),
        Err(_) => Err(format!("no answer within {} s", limit.as_secs_f32())),
    }
}

fn alone(db: Db) -> Answering {
    Answering { db, instead: None }
}

/// Whether nobody answered, as opposed to somebody who said no.
fn is_away(error: &anyhow::Error) -> bool {
    let refused = error::sqlstate(error).is_some_and(|code| code != "57P03");
    error::explain(error).kind == Kind::Unreachable && !refused
}

fn reasons(error: &anyhow::Error) -> String {
    let told = error::explain(error);
    told.causes.last().cloned().unwrap_or(told.message)
}
