//! What advice is about, and how much it weighs.

use serde::Serialize;

/// How much an advice weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Weight {
    /// It does harm now.
    Error,
    /// It costs, and nobody gains.
    Warning,
    /// It is worth knowing, or a matter of judgement.
    Note,
}

impl Weight {
    /// Its word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Note => "note",
        }
    }
}

/// What an advice is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// An index that no query may use.
    Invalid,
    /// An index like another one.
    Duplicate,
    /// An index whose columns another one begins with.
    Covered,
    /// A foreign key that no index helps.
    ForeignKey,
    /// An index that whoever row-level security binds cannot use.
    UselessUnderRls,
    /// An index whose pages are mostly empty.
    LowDensity,
    /// An index nobody uses.
    Unused,
    /// A table that is read from end to end, often.
    SequentialScans,
    /// Counters too young to tell from.
    TooEarlyToTell,
    /// Something that could be measured and was not.
    NotMeasurable,
}

impl Kind {
    /// Every kind there is.
    pub const ALL: [Self; 10] = [
        Self::Invalid,
        Self::Duplicate,
        Self::Covered,
        Self::ForeignKey,
        Self::UselessUnderRls,
        Self::LowDensity,
        Self::Unused,
        Self::SequentialScans,
        Self::TooEarlyToTell,
        Self::NotMeasurable,
    ];

    /// Its name, which never changes.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Invalid => "invalid",
            Self::Duplicate => "duplicate",
            Self::Covered => "covered",
            Self::ForeignKey => "foreign-key",
            Self::UselessUnderRls => "useless-under-rls",
            Self::LowDensity => "low-density",
            Self::Unused => "unused",
            Self::SequentialScans => "sequential-scans",
            Self::TooEarlyToTell => "too-early-to-tell",
            Self::NotMeasurable => "not-measurable",
        }
    }

    /// What it is, in one sentence without a full stop.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Invalid => "An index is not valid",
            Self::Duplicate => "Two indexes are the same in all but the name",
            Self::Covered => "Another index begins with the same columns",
            Self::ForeignKey => "No index begins with the columns of a foreign key",
            Self::UselessUnderRls => "Row-level security keeps an index from being used",
            Self::LowDensity => "An index is mostly empty",
            Self::Unused => "Nobody uses an index",
            Self::SequentialScans => "A large table is often read from end to end",
            Self::TooEarlyToTell => "The counters have not counted long enough",
            Self::NotMeasurable => "Something could not be measured",
        }
    }

    /// Why that matters.
    pub const fn why(self) -> &'static str {
        match self {
            Self::Invalid => {
                "No query may use an index that is not valid. One that is ready all the same is kept up to date by every write, and if it is unique it rejects rows."
            }
            Self::Duplicate => "Each write pays for both, and queries use one of them.",
            Self::Covered => {
                "The longer index answers what the shorter one does, in the same order. Each write pays for both."
            }
            Self::ForeignKey => {
                "Each row deleted or renamed on the other side reads this whole table, under a lock."
            }
            Self::UselessUnderRls => {
                "No operator of the index is leakproof, so PostgreSQL asks the policies first, of every row: whoever they bind reads the whole table."
            }
            Self::LowDensity => {
                "Pages that are mostly empty take room on disk and in memory, and more of them have to be read."
            }
            Self::Unused => "Each write keeps it up to date, and it takes room.",
            Self::SequentialScans => {
                "Each such scan reads every row, and drives others out of memory."
            }
            Self::TooEarlyToTell => {
                "An index that serves a report once a week looks unused until the week is over."
            }
            Self::NotMeasurable => {
                "How full an index is can only be measured: what is estimated from statistics is wrong about indexes that hold values more than once."
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_json() {
        for kind in Kind::ALL {
            assert_eq!(serde_json::json!(kind), kind.name());
        }
    }
}
