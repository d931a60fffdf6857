//! What would be better about the indexes of a database, each with what speaks for it.
//!
//! Only what the catalog, the counters and measurements tell is said: nothing is estimated, and what cannot be known is
//! said to be so. All of it is read, so any role, a pooler and a replica will do. Deliberately absent: changing
//! anything. Indexes are declared in files, and `index apply` makes what the files say.

mod broken;
mod density;
mod files;
mod foreign;
mod idle;
mod kind;
mod overlap;
mod scanned;
mod secured;
mod stock;
pub mod trial;

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::json;

use crate::error::{Excerpt, Result};
use crate::pg::{Db, Param, Query};
use crate::plan::{Progress, counted};
use crate::policy::audit::{self, Scope};

pub use files::Files;
use foreign::ForeignKey;
pub use kind::{Kind, Weight};
use scanned::Scanned;
use secured::Unusable;
use stock::Index;

/// Something that would be better.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Advice {
    /// What it is about.
    pub kind: Kind,
    /// How much it weighs.
    pub weight: Weight,
    /// The object, as SQL names it.
    pub object: String,
    /// The table it belongs to, as SQL names it.
    pub table: Option<String>,
    /// What speaks for it.
    pub evidence: String,
    /// How large the index is, or the table if there is none; in bytes.
    pub size: Option<i64>,
    /// What to do, in words.
    pub remedy: String,
    /// The statement that does just this: for a file if it makes an index, for the database otherwise.
    pub sql: Option<String>,
    /// The file to change.
    pub file: Option<String>,
    /// Where in it the index is declared.
    #[serde(skip)]
    pub place: Option<Excerpt>,
}

crate::row! {
    /// Since when counters count.
    pub struct Window {
        /// Their beginning, as far as can be told.
        pub began: Timestamp,
        /// Whether somebody reset them; otherwise the server started then. PostgreSQL 14 does not tell a reset from
        /// the first time anything was counted.
        pub was_reset: Option<bool>,
        /// How long ago that is, in seconds.
        pub seconds: i64,
        /// Whether the server replays another's changes.
        pub in_recovery: bool,
    }
}

impl Window {
    /// How long it is, for people: `34 days`, `3 hours`.
    pub fn length(&self) -> String {
        long(self.seconds)
    }

    /// In words: `since 2026-03-01T12:00Z, when the server started (3 days)`.
    pub fn words(&self) -> String {
        let event = match self.was_reset {
            Some(true) => "when the counters were reset",
            Some(false) => "when the server started",
            None => "when the counters began",
        };
        format!("since {:.0}, {event} ({} ago)", self.began, self.length())
    }
}

/// A length of time in the largest unit that fills it.
fn long(seconds: i64) -> String {
    let (amount, unit) = match seconds {
        ..60 => (seconds, "second"),
        60..3600 => (seconds / 60, "minute"),
        3600..86_400 => (seconds / 3600, "hour"),
        _ => (seconds / 86_400, "day"),
    };
    counted(usize::try_from(amount).unwrap_or(usize::MAX), unit)
}

/// What is advised.
#[derive(Debug, Serialize)]
pub struct Advised {
    /// Since when counters count; of two servers, the later.
    pub counted: Window,
    /// The replica whose counters were added.
    pub replica: Option<String>,
    /// How many indexes were looked at.
    pub indexes: usize,
    /// What weighs most first.
    pub advice: Vec<Advice>,
}

impl Advised {
    /// How many of this weight there are.
    pub fn count(&self, weight: Weight) -> usize {
        let advice = self.advice.iter();
        advice.filter(|advice| advice.weight == weight).count()
    }

    /// Whether there is nothing to mend.
    pub fn is_clean(&self) -> bool {
        self.count(Weight::Error) + self.count(Weight::Warning) == 0
    }
}

/// What to look for, and how hard.
#[derive(Debug)]
pub struct Wish {
    /// How long counters must have counted before what they did not count means anything.
    pub since: Duration,
    /// Whether indexes that foreign keys need count as unused, too.
    pub foreign_keys: bool,
    /// The files that declare indexes.
    pub files: Files,
}

static WINDOW: Query<Window> = crate::query!("index/advice_window");
static INDEXES: Query<Index> = crate::query!("index/advice_indexes");
static FOREIGN_KEYS: Query<ForeignKey> = crate::query!("index/foreign_keys");
static UNUSABLE: Query<Unusable> = crate::query!("index/bound_roles");
static SCANNED: Query<Scanned> = crate::query!("index/table_scans");

/// All that was read.
struct Facts {
    window: Window,
    indexes: Vec<Index>,
    keys: Vec<ForeignKey>,
    unusable: Vec<Unusable>,
    scanned: Vec<Scanned>,
    compared: Vec<audit::Compared>,
}

/// Another server that has the same indexes and counts for itself, and what people call it.
pub type Replica<'a> = (&'a Db, &'a str);

/// Looks at everything; the uses of an index on the replica count, too. What takes long, the measuring, is done after the
/// rest and holds no snapshot.
pub async fn advise(
    db: &Db,
    replica: Option<Replica<'_>>,
    wish: &Wish,
    progress: &dyn Progress,
) -> Result<Advised> {
    let mut facts = Box::pin(snapshot(db, look)).await?;
    let mut added = None;
    if let Some((copy, name)) = replica {
        match Box::pin(snapshot(copy, count)).await {
            Ok((window, indexes)) => {
                facts.add(&window, &indexes);
                added = Some(name);
            }
            Err(error) => progress.warn(&format!(
                "the replica {name} cannot be asked ({error}); only the primary's counters count"
            )),
        }
    }
    let Facts {
        window, indexes, ..
    } = &facts;
    let mut advice = broken::judge(wish, window, indexes);
    let overlapping = overlap::judge(wish, indexes);
    let redundant: Vec<&str> = overlapping
        .iter()
        .map(|advice| advice.object.as_str())
        .collect();
    advice.extend(idle::judge(wish, window, added, indexes, &redundant));
    advice.extend(foreign::judge(wish, &facts.keys));
    advice.extend(secured::judge(wish, &facts.unusable));
    advice.extend(scanned::judge(
        wish,
        window,
        &facts.scanned,
        &facts.keys,
        &facts.compared,
    ));
    advice.extend(overlapping);
    advice.extend(density::measure(db, indexes, progress).await?);
    advice.sort_by(|a, b| {
        let keys = (a.weight, a.kind, &a.object);
        keys.cmp(&(b.weight, b.kind, &b.object))
    });
    Ok(Advised {
        indexes: indexes.len(),
        counted: facts.window,
        replica: added.map(str::to_owned),
        advice,
    })
}

impl Facts {
    /// Adds what a replica has counted.
    fn add(&mut self, window: &Window, indexes: &[Index]) {
        if window.seconds < self.window.seconds {
            let in_recovery = self.window.in_recovery;
            self.window = Window {
                in_recovery,
                ..window.clone()
            };
        }
        let there: BTreeMap<i64, &Index> = indexes.iter().map(|index| (index.oid, index)).collect();
        for index in &mut self.indexes {
            if let Some(there) = there.get(&index.oid) {
                index.scans += there.scans;
                index.reads += there.reads;
                index.last_scan = index.last_scan.max(there.last_scan);
            }
        }
    }
}

/// Asks for something in one snapshot.
async fn snapshot<T>(db: &Db, ask: impl AsyncFn(&Db) -> Result<T>) -> Result<T> {
    db.begin_snapshot().await?;
    let answer = ask(db).await;
    let ended = db.end().await;
    let answer = answer?;
    ended?;
    Ok(answer)
}

/// No question is worth a second of compiling it.
const SETTINGS: &str = "set local jit = off";

/// Where to look.
async fn schemas(db: &Db) -> Result<Vec<String>> {
    let (set, scope) = tokio::join!(db.script(SETTINGS), Scope::usual(db));
    set?;
    Ok(scope?.schemas)
}

/// What a replica has counted.
async fn count(db: &Db) -> Result<(Window, Vec<Index>)> {
    let told = json!(schemas(db).await?);
    let params: [&dyn Param; 1] = [&told];
    tokio::try_join!(db.one(&WINDOW, &[]), db.all(&INDEXES, &params))
}

/// All questions travel together, once it is known where to look.
async fn look(db: &Db) -> Result<Facts> {
    let schemas = schemas(db).await?;
    let told = json!(schemas);
    let params: [&dyn Param; 1] = [&told];
    let (window, indexes, keys, unusable, scanned, compared) = tokio::try_join!(
        db.one(&WINDOW, &[]),
        db.all(&INDEXES, &params),
        db.all(&FOREIGN_KEYS, &params),
        db.all(&UNUSABLE, &params),
        db.all(&SCANNED, &params),
        audit::compared(db, &schemas),
    )?;
    Ok(Facts {
        window,
        indexes,
        keys,
        unusable,
        scanned,
        compared,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Counters that have counted this long.
    pub(super) fn window(seconds: i64) -> Window {
        Window {
            began: Timestamp::UNIX_EPOCH,
            was_reset: Some(true),
            seconds,
            in_recovery: false,
        }
    }

    /// What a person wants who says nothing.
    pub(super) fn wish() -> Wish {
        Wish {
            since: Duration::from_hours(7 * 24),
            foreign_keys: false,
            files: files::tests::files(),
        }
    }

    #[test]
    fn lengths_of_time_have_one_unit() {
        for (seconds, text) in [
            (0, "0 seconds"),
            (1, "1 second"),
            (119, "1 minute"),
            (7_200, "2 hours"),
            (86_400 * 40, "40 days"),
        ] {
            assert_eq!(long(seconds), text);
        }
    }
}
