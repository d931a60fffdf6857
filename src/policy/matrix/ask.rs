//! Asking: rows are made, every actor puts every probe, and all of it is taken back.
//!
//! Everything travels without waiting for answers, since policies that have just been changed are asked while their
//! tables are locked. A cell is one message: it takes back what the cell before it has done, says who asks, and asks.

use std::time::Duration;

use tokio_postgres::error::DbError;

use super::catalog::Catalog;
use super::script::{CLOSING, LEAD, Script};
use super::{Action, Actor, Asked, Found, Identity, Matrix, Outcome, Probe, Proof};
use crate::error::{self, Error, Explanation, Kind, Result};
use crate::pg::blockers::Watch;
use crate::pg::db::{Ran, ScriptFailure};
use crate::pg::{Db, Ident, sqlstate};
use crate::plan::Progress;

/// How long a cell may take: it is about one row.
const DEADLINE: Duration = Duration::from_secs(10);

/// When a person wants to know what takes so long.
const LOOK: Duration = Duration::from_secs(1);

/// Puts every probe as every actor, in the transaction that is open, and leaves nothing behind in it.
pub async fn prove(db: &Db, matrix: &Matrix, identity: Identity) -> Result<Proof> {
    let catalog = Catalog::read(db, matrix).await?;
    catalog.check(matrix)?;
    let all: Vec<usize> = (0..matrix.probes.len()).collect();
    let cells = ask(db, matrix, &catalog, identity, &all).await?;
    Ok(Proof { identity, cells })
}

/// The same in a transaction of its own, once for each way of saying who asks; tells who is in the way.
pub async fn test(
    db: &Db,
    matrix: &Matrix,
    identities: &[Identity],
    progress: &dyn Progress,
) -> Result<Vec<Proof>> {
    progress.working("asking the matrix");
    let work = Box::pin(async {
        db.script("begin").await?;
        let mut proofs = Vec::new();
        for identity in identities {
            proofs.push(prove(db, matrix, *identity).await?);
        }
        Ok(proofs)
    });
    let watched = Watch::beside(db, LOOK, "the matrix", progress, work);
    let proofs = Box::pin(watched).await;
    let seen = db.blockers();
    let ended = db.script("rollback").await;
    match proofs {
        Ok(proofs) => ended.map(|()| proofs),
        Err(failure) => {
            if error::sqlstate(&failure) != Some("55P03") || seen.is_empty() {
                return Err(failure);
            }
            let Explanation { message, hints, .. } = error::explain(&failure);
            Err(Error::refused(message)
                .because(Error::failed(
                    "a lock that others hold was not given back in time",
                ))
                .sqlstate("55P03")
                .note(format!("it is held by {}", seen.join(", and by ")))
                .note("nothing was kept")
                .hints(hints)
                .into())
        }
    }
}

/// Puts some of the probes, by their places.
pub(super) async fn ask(
    db: &Db,
    matrix: &Matrix,
    catalog: &Catalog,
    identity: Identity,
    probes: &[usize],
) -> Result<Vec<Asked>> {
    let asking = Asking {
        db,
        matrix,
        script: Script {
            matrix,
            catalog,
            identity,
        },
    };
    let messages = asking.messages(probes)?;
    let mut cells = Vec::new();
    let mut failure = None;
    let mut numbers = 0..;
    db.pipeline(messages.iter().map(|message| &*message.sql), |ran| {
        let message = numbers.next().and_then(|number| messages.get(number));
        let judged = message.map(|message| asking.judge(message, ran));
        match judged {
            Some(Ok(cell)) => {
                cells.extend(cell);
                true
            }
            Some(Err(error)) => {
                failure = Some(error);
                false
            }
            None => false,
        }
    })
    .await;
    let gone = db.script(CLOSING).await;
    match failure {
        Some(error) => Err(error),
        None => gone.map(|()| cells),
    }
}

struct Asking<'a> {
    db: &'a Db,
    matrix: &'a Matrix,
    script: Script<'a>,
}

/// What is sent in one piece.
struct Message {
    sql: String,
    part: Part,
}

/// What a message is for.
enum Part {
    /// Settings and locks.
    Opening,
    /// A row is made.
    Row(usize),
    /// Rows are made; cells begin.
    Made,
    /// A probe and an actor.
    Cell(usize, usize),
    /// The same, answered by the catalog.
    Known(usize, usize, Outcome),
}

impl Asking<'_> {
    fn messages(&self, probes: &[usize]) -> Result<Vec<Message>> {
        let mut messages = vec![Message {
            sql: self.script.opening(self.db, DEADLINE),
            part: Part::Opening,
        }];
        for (number, row) in self.matrix.rows.iter().enumerate() {
            let sql = Script::row(row);
            messages.push(Message {
                sql,
                part: Part::Row(number),
            });
        }
        messages.push(Message {
            sql: self.script.made(probes)?,
            part: Part::Made,
        });
        for &number in probes {
            let probe = &self.matrix.probes[number];
            for (actor, who) in self.matrix.actors.iter().enumerate() {
                let (sql, part) = match (&probe.action, &probe.table) {
                    (Action::Truncate, Some((table, _))) => {
                        let may = self.script.catalog.may_truncate(&who.role.text, table);
                        let outcome = if may {
                            Outcome::Allowed
                        } else {
                            Outcome::NoGrant
                        };
                        (String::new(), Part::Known(number, actor, outcome))
                    }
                    _ => (self.script.cell(probe, who)?, Part::Cell(number, actor)),
                };
                messages.push(Message { sql, part });
            }
        }
        Ok(messages)
    }

    /// The cell a message was, if it was one; or why asking cannot go on.
    fn judge(&self, message: &Message, ran: Result<Ran, ScriptFailure>) -> Result<Option<Asked>> {
        let (probe, actor, found) = match (&message.part, ran) {
            (Part::Known(probe, actor, outcome), Ok(_)) => (
                *probe,
                *actor,
                Found {
                    outcome: *outcome,
                    sqlstate: None,
                    message: None,
                },
            ),
            (Part::Cell(probe, actor), Ok(ran)) => (
                *probe,
                *actor,
                Found {
                    outcome: if ran.rows > 0 {
                        Outcome::Allowed
                    } else {
                        Outcome::Hidden
                    },
                    sqlstate: None,
                    message: None,
                },
            ),
            (Part::Cell(probe, actor), Err(failure)) => {
                (*probe, *actor, self.refused(*probe, *actor, failure)?)
            }
            (Part::Opening | Part::Row(_) | Part::Made, Ok(_)) => return Ok(None),
            (Part::Row(number), Err(failure)) => return Err(self.unmade(*number, failure)),
            (Part::Opening | Part::Made | Part::Known(..), Err(failure)) => {
                return Err(self.unopened(failure));
            }
        };
        Ok(Some(Asked {
            probe,
            actor,
            expected: self.matrix.probes[probe].expected[actor].clone(),
            found,
        }))
    }

    /// What a refusal means for a cell.
    fn refused(&self, number: usize, actor: usize, failure: ScriptFailure) -> Result<Found> {
        let (probe, actor) = (&self.matrix.probes[number], &self.matrix.actors[actor]);
        let Some(server) = failure.error.as_db_error() else {
            return Err(sqlstate::explain(failure.error).into());
        };
        let code = server.code().code();
        if failure.completed + 1 == LEAD {
            return Err(cannot_be(actor, &self.connected(), server));
        }
        if failure.completed < LEAD || is_ours(code) || is_misspelt(probe, server) {
            let error = sqlstate::explain_db(server);
            let error = Error::new(
                error.kind,
                format!("{} cannot ask about {}", actor.name, probe.title()),
            )
            .at(probe.place.clone())
            .note("nothing was kept")
            .because(error);
            return Err(match (code, &probe.action) {
                ("57014", _) => error.hint(format!(
                    "a cell is about one row and may take {} s: narrow what it asks, or give the database the index it needs",
                    DEADLINE.as_secs()
                )),
                (_, Action::Call(_)) if is_misspelt(probe, server) || failure.completed < LEAD => {
                    error.hint("correct the call; psql's \\df lists functions and their arguments")
                }
                _ => error,
            }
            .into());
        }
        let by_policy = server.routine() == Some("ExecWithCheckOptions");
        let (outcome, sqlstate) = match code {
            "42501" if by_policy => (Outcome::Denied, None),
            "42501" => (Outcome::NoGrant, None),
            _ => (Outcome::Error, Some(code.to_owned())),
        };
        Ok(Found {
            outcome,
            sqlstate,
            message: Some(server.message().to_owned()),
        })
    }

    /// A row cannot be made.
    fn unmade(&self, number: usize, failure: ScriptFailure) -> anyhow::Error {
        let row = &self.matrix.rows[number];
        let code = failure.error.code().map(|code| code.code().to_owned());
        let cause = failure.explain();
        let error = Error::new(
            cause.kind,
            format!("the row {}.{} cannot be made", row.table.title(), row.name),
        )
        .at(row.place.clone())
        .note("nothing was kept");
        let error = match code.as_deref() {
            Some("42501") if self.matrix.fixtures_as.is_none() => error.hint(
                "say at the top of the file who can make rows whatever policies say: fixtures_as = \"service_role\"",
            ),
            Some("23505") => error.hint("the database has a row like it already: give this one other values"),
            Some(code) if code.starts_with("22") || code.starts_with("23") || code.starts_with("42") => {
                error.hint("give the row values its table takes")
            }
            _ => error,
        };
        error.because(cause).into()
    }

    /// Nothing can be asked at all.
    fn unopened(&self, failure: ScriptFailure) -> anyhow::Error {
        let cause = failure.explain();
        let error = Error::new(cause.kind, "the matrix cannot be asked").note("nothing was kept");
        let error = match &self.matrix.fixtures_as {
            Some(role) if cause.is("42501") => error.at(role.place.clone()).hint(format!(
                "connect as a role that may become {0}, or run: grant {0} to {1}",
                Ident(&role.text),
                Ident(&self.connected())
            )),
            _ => error,
        };
        error.because(cause).into()
    }

    /// Whom we are connected as.
    fn connected(&self) -> String {
        self.db.endpoint().user().unwrap_or("you").to_owned()
    }
}

/// The connected role cannot become an actor's.
fn cannot_be(actor: &Actor, connected: &str, server: &DbError) -> anyhow::Error {
    let role = &actor.role;
    let cause = sqlstate::bare(server);
    Error::new(
        Kind::Refused,
        format!(
            "{} cannot ask: {connected} may not become {}",
            actor.name, role.text
        ),
    )
    .at(role.place.clone())
    .note("nothing was kept")
    .hint(format!(
        "connect as a role that may, or run: grant {} to {}",
        Ident(&role.text),
        Ident(connected)
    ))
    .because(cause)
    .into()
}

/// Whether a refusal says nothing about the cell: others were in the way, time was up, the server is in trouble.
fn is_ours(code: &str) -> bool {
    matches!(
        code,
        "55P03" | "57014" | "40P01" | "40001" | "25P02" | "3B001"
    ) || ["08", "53", "57P", "58", "XX"]
        .iter()
        .any(|class| code.starts_with(class))
}

/// Whether there is no such function, as opposed to something missing inside it.
fn is_misspelt(probe: &Probe, server: &DbError) -> bool {
    matches!(probe.action, Action::Call(_))
        && server.where_().is_none()
        && matches!(
            server.code().code(),
            "42883" | "42601" | "42703" | "42P01" | "3F000" | "42725" | "42809" | "22P02"
        )
}
