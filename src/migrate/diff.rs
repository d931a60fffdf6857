//! Files against history: what is applied, what is pending, and what is wrong.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

use super::engine::Work;
use super::file::Migration;
use super::history::{History, Record, title};
use super::step;
use crate::error::{Error, command, quoted};
use crate::plan::counted;

/// How one migration stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// It ran, and its file is what it was.
    Applied,
    /// It has not run yet.
    Pending,
    /// It runs without a transaction, and some of its statements are done.
    Unfinished,
    /// Some of its statements are done, and its file does not begin with them any more.
    ChangedHalfway,
    /// Some of its statements are done, and its file is gone.
    GoneHalfway,
    /// It ran, and its file was changed since.
    Edited,
    /// It ran under another name.
    Renamed,
    /// It ran, and its file is gone.
    Deleted,
    /// It has not run, and a later one has.
    Late,
}

impl Standing {
    /// In a word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::Pending => "pending",
            Self::Unfinished => "unfinished",
            Self::ChangedHalfway => "changed halfway",
            Self::GoneHalfway => "gone halfway",
            Self::Edited => "edited",
            Self::Renamed => "renamed",
            Self::Deleted => "deleted",
            Self::Late => "late",
        }
    }

    /// Whether `migrate up` refuses to go on.
    pub fn is_problem(self) -> bool {
        !matches!(self, Self::Applied | Self::Pending | Self::Unfinished)
    }
}

/// One migration, in the files, in the history, or in both.
#[derive(Debug, Clone, Serialize)]
pub struct Entry {
    /// Its number.
    pub version: i64,
    /// Its description, as in the file if there is one.
    pub name: String,
    /// How it stands.
    #[serde(rename = "state")]
    pub standing: Standing,
    /// When it ran.
    pub applied_at: Option<Timestamp>,
    /// Who ran it.
    pub applied_by: Option<String>,
    /// How long it took, in milliseconds.
    pub duration_ms: Option<i64>,
    /// How many of its statements are done, if it is unfinished.
    pub statements_done: Option<usize>,
    /// The description it ran under.
    #[serde(skip)]
    recorded: Option<String>,
}

impl Entry {
    /// One that was begun, and whose file is gone.
    pub(super) fn gone_halfway(version: i64) -> Self {
        Self {
            version,
            name: String::new(),
            standing: Standing::GoneHalfway,
            applied_at: None,
            applied_by: None,
            duration_ms: None,
            statements_done: None,
            recorded: None,
        }
    }

    /// `010_dashboard_creator`.
    pub fn title(&self) -> String {
        if self.name.is_empty() {
            return format!("{:03}", self.version);
        }
        title(self.version, &self.name)
    }
}

/// Compares files with all that a database remembers.
pub fn against(files: &[Migration], history: &History) -> Vec<Entry> {
    let mut entries = compare(files, &history.rows);
    step::mark(&mut entries, files, history);
    entries
}

/// Compares with what ran; both sides are in order of version.
pub fn compare(files: &[Migration], history: &[Record]) -> Vec<Entry> {
    let last = history.last().map(|record| record.version);
    let mut entries: BTreeMap<i64, Entry> = history
        .iter()
        .map(|record| (record.version, entry(record, Standing::Deleted)))
        .collect();
    for file in files {
        let Some(entry) = entries.get_mut(&file.version) else {
            entries.insert(file.version, unapplied(file, last));
            continue;
        };
        let recorded = std::mem::replace(&mut entry.name, file.name.clone());
        let record = history
            .binary_search_by_key(&file.version, |record| record.version)
            .map(|index| &history[index]);
        let checksum = file.checksum.to_string();
        let same = record.is_ok_and(|record| record.checksum == checksum);
        entry.standing = match (same, recorded == file.name) {
            (true, _) => Standing::Applied,
            (false, true) => Standing::Edited,
            (false, false) => Standing::Renamed,
        };
        entry.recorded = Some(recorded);
    }
    entries.into_values().collect()
}

fn entry(record: &Record, standing: Standing) -> Entry {
    Entry {
        version: record.version,
        name: record.name.clone(),
        standing,
        applied_at: record.applied_at,
        applied_by: record.applied_by.clone(),
        duration_ms: record.duration_ms,
        statements_done: None,
        recorded: Some(record.name.clone()),
    }
}

fn unapplied(file: &Migration, last: Option<i64>) -> Entry {
    let is_late = last.is_some_and(|last| file.version < last);
    Entry {
        version: file.version,
        name: file.name.clone(),
        standing: if is_late {
            Standing::Late
        } else {
            Standing::Pending
        },
        applied_at: None,
        applied_by: None,
        duration_ms: None,
        statements_done: None,
        recorded: None,
    }
}

/// How many problems are named beside the first.
const NAMED: usize = 5;

/// The first thing that is wrong, as an error that says what to do; the others as notes. When nothing fits at
/// all, it is not the files that are wrong but the place.
pub fn problem(
    entries: &[Entry],
    files: &[Migration],
    source: &str,
    history: &History,
) -> Option<anyhow::Error> {
    let problems: Vec<&Entry> = entries
        .iter()
        .filter(|entry| entry.standing.is_problem())
        .collect();
    let (first, others) = problems.split_first()?;
    let fits =
        |entry: &&Entry| entry.standing == Standing::Applied || entry.standing == Standing::Edited;
    if others.len() >= 2 && !entries.iter().any(|entry| fits(&entry)) {
        return Some(
            Error::failed(format!("this database has none of these migrations ({source})"))
                .unchanged()
                .hint("name the folder of its migrations with `--migrations`, or the right database with `--env`")
                .into(),
        );
    }
    let mut error = describe(first, entries, files, history);
    for other in others.iter().take(NAMED) {
        error = error.note(format!(
            "{} is {} too",
            other.title(),
            other.standing.word()
        ));
    }
    if others.len() > NAMED {
        error = error.note(format!(
            "and {} more; {} lists them",
            others.len() - NAMED,
            command("migrate status")
        ));
    }
    Some(error.unchanged().into())
}

fn describe(entry: &Entry, entries: &[Entry], files: &[Migration], history: &History) -> Error {
    let file = files.iter().find(|file| file.version == entry.version);
    let path = file.map_or_else(
        || format!("{}.sql", entry.title()),
        |file| file.path.clone(),
    );
    match entry.standing {
        Standing::Edited => Error::failed(format!("{path} was changed after it was applied"))
            .hint(
                command(format!("migrate new {}", quoted(&entry.name)))
                    .hint("put the file back as it was, and make the change in a new one: {}"),
            )
            .hint(
                command(format!("migrate repair {}", entry.title()))
                    .hint("or accept it as it is: {}"),
            ),
        Standing::Renamed => {
            let was = entry.recorded.as_deref().unwrap_or_default();
            let number = file.map_or("", |file| file.file.split('_').next().unwrap_or_default());
            Error::failed(format!("{path} was applied under another name, {was}")).hint(
                command(format!("migrate repair {number}")).hint(format!(
                    "name the file {number}_{was}.sql again, or accept it as it is: {{}}"
                )),
            )
        }
        Standing::ChangedHalfway => {
            let steps = history.begun_of(entry.version);
            file.and_then(|file| step::progressed(&Work::of(file), &steps).err())
                .map_or_else(
                    || Error::failed(format!("{path} was changed halfway")),
                    |error| *error,
                )
        }
        Standing::GoneHalfway => {
            let (title, done) = (entry.title(), entry.statements_done.unwrap_or_default());
            let done = counted(done, "statement");
            Error::failed(format!(
                "{title} stopped halfway ({done} done), and its file is gone"
            ))
            .hint(command(format!("migrate repair {title} --undone")).hint(
                "bring the file back, from version control say; or forget what ran of it: {}",
            ))
        }
        Standing::Deleted => Error::failed(format!(
            "{} was applied, and its file is gone",
            entry.title()
        ))
        .hint(format!("bring {path} back, from version control say"))
        .hint(
            command(format!("migrate repair {} --undone", entry.title()))
                .hint("or forget that it ran: {}"),
        ),
        _ => {
            let last = entries
                .iter()
                .rev()
                .find(|entry| !matches!(entry.standing, Standing::Late | Standing::Pending));
            let last = last.map_or_else(String::new, Entry::title);
            Error::failed(format!("{path} came late: {last} is applied already, and it has a higher number"))
                .hint("give the file a number after the last one, so that every database runs the same order")
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn file(version: i64, name: &str, sql: &str) -> Migration {
        let file = format!("{version:03}_{name}.sql");
        Migration::new(
            version,
            name.to_owned(),
            &file,
            file.clone(),
            sql.to_owned(),
        )
        .expect("fits")
    }

    fn record(file: &Migration) -> Record {
        Record {
            version: file.version,
            name: file.name.clone(),
            checksum: file.checksum.to_string(),
            applied_on: String::new(),
            applied_at: None,
            applied_by: None,
            duration_ms: None,
        }
    }

    fn standings(files: &[Migration], history: &[Record]) -> Vec<(i64, Standing)> {
        compare(files, history)
            .iter()
            .map(|entry| (entry.version, entry.standing))
            .collect()
    }

    #[test]
    fn every_way_to_differ_has_its_name() {
        let applied: Vec<Record> = [(1, "a"), (2, "b"), (3, "c"), (5, "e")]
            .iter()
            .map(|(version, name)| record(&file(*version, name, "x")))
            .collect();
        let files = [
            file(1, "a", "x"),
            file(2, "b", "y"),
            file(3, "z", "x"),
            file(4, "d", "x"),
            file(6, "f", "x"),
        ];
        assert_eq!(
            standings(&files, &applied),
            [
                (1, Standing::Applied),
                (2, Standing::Edited),
                (3, Standing::Renamed),
                (4, Standing::Late),
                (5, Standing::Deleted),
                (6, Standing::Pending),
            ]
        );
    }

    proptest! {
        /// Whatever was applied in order and left alone is applied; the rest is pending.
        #[test]
        fn an_untouched_prefix_is_applied(count in 0_usize..20, done in 0_usize..20) {
            let files: Vec<Migration> = (0..count).map(|n| file(i64::try_from(n).expect("is small") * 3, "m", "x")).collect();
            let history: Vec<Record> = files.iter().take(done).map(record).collect();
            for (index, (_, standing)) in standings(&files, &history).into_iter().enumerate() {
                prop_assert_eq!(standing, if index < done { Standing::Applied } else { Standing::Pending });
            }
        }

        /// Every number of either side has exactly one entry.
        #[test]
        fn nothing_is_lost(files in proptest::collection::btree_set(0_i64..30, 0..15), history in proptest::collection::btree_set(0_i64..30, 0..15)) {
            let all: Vec<i64> = files.union(&history).copied().collect();
            let files: Vec<Migration> = files.into_iter().map(|version| file(version, "m", "x")).collect();
            let history: Vec<Record> = history.into_iter().map(|version| record(&file(version, "m", "x"))).collect();
            let seen: Vec<i64> = standings(&files, &history).into_iter().map(|(version, _)| version).collect();
            prop_assert_eq!(seen, all);
        }
    }
}
