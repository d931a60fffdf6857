//! What a file says, as far as our own rules ask: plain data, without the tree it was read from.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::fmt;

use super::change::Change;

/// A part of the text, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// Where it begins.
    pub start: usize,
    /// How long it is.
    pub length: usize,
}

impl Span {
    /// Where it ends.
    pub fn end(self) -> usize {
        self.start + self.length
    }

    /// Whether a place is in it.
    pub fn holds(self, offset: usize) -> bool {
        (self.start..self.end()).contains(&offset)
    }
}

impl From<(usize, usize)> for Span {
    fn from((start, length): (usize, usize)) -> Self {
        Self { start, length }
    }
}

/// The name of a table, a view, a function: as PostgreSQL folds it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Name {
    /// Its schema, if it is said. `public` is taken for said in any case.
    pub schema: Option<String>,
    /// Its own name.
    pub name: String,
}

impl Name {
    /// Reads `schema.name` and `"Schema"."Name"`.
    pub fn read(text: &str) -> Self {
        let mut parts = vec![String::new()];
        let mut quoted = false;
        let mut letters = text.trim().chars().peekable();
        while let Some(letter) = letters.next() {
            let last = parts.len() - 1;
            match letter {
                '"' if quoted && letters.peek() == Some(&'"') => {
                    letters.next();
                    parts[last].push('"');
                }
                '"' => quoted = !quoted,
                '.' if !quoted => parts.push(String::new()),
                _ if quoted => parts[last].push(letter),
                _ if letter.is_whitespace() => {}
                _ => parts[last].push(letter.to_ascii_lowercase()),
            }
        }
        let name = parts.pop().unwrap_or_default();
        let schema = parts.pop().filter(|schema| schema != "public");
        Self { schema, name }
    }

    /// Whether it is in the schema that clients see.
    pub fn is_exposed(&self) -> bool {
        self.schema.is_none()
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(schema) = &self.schema {
            write!(f, "{}.", quoted(schema))?;
        }
        f.write_str(&quoted(&self.name))
    }
}

/// As it must be written for PostgreSQL to read it so.
pub fn quoted(name: &str) -> Cow<'_, str> {
    let is_plain =
        |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '_';
    let starts_plain = name.starts_with(|first: char| first.is_ascii_lowercase() || first == '_');
    if starts_plain && name.chars().all(is_plain) {
        Cow::Borrowed(name)
    } else {
        Cow::Owned(format!("\"{}\"", name.replace('"', "\"\"")))
    }
}

/// One thing a file says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fact {
    /// A table is made.
    Table {
        /// Its name.
        name: Name,
        /// Whether it ends with the session.
        temporary: bool,
        /// Its name in the text.
        span: Span,
    },
    /// Row-level security is turned on.
    RowSecurityOn(Name),
    /// Row-level security is turned off, or no longer binds the owner.
    RowSecurityOff {
        /// Of this table.
        table: Name,
        /// Where.
        span: Span,
    },
    /// A view that reads tables is made.
    View {
        /// Its name.
        name: Name,
        /// Names of the options in `with (...)`.
        options: Vec<String>,
        /// Its name in the text.
        span: Span,
    },
    /// A type is made.
    Type(Name),
    /// A procedure is made that ends the transaction it is called in.
    Committing(Name),
    /// A procedure is called.
    Call {
        /// Which.
        name: Name,
        /// The statement.
        span: Span,
    },
    /// A function is given a search path of its own.
    SearchPath(Name),
    /// A function is made that runs with the rights of its owner.
    Definer {
        /// Its name.
        name: Name,
        /// `security definer` in the text.
        span: Span,
    },
    /// A foreign key is made.
    ForeignKey {
        /// The table that has it.
        table: Name,
        /// Its columns.
        columns: Vec<String>,
        /// The table it refers to.
        target: Name,
        /// Its name, if it is said.
        name: Option<String>,
        /// Whether rows that are there have to be looked at.
        scans: bool,
        /// Where.
        span: Span,
    },
    /// An index is made, for itself or for a constraint.
    Index {
        /// The table it is for.
        table: Name,
        /// Its columns from the first on, as far as they are plain columns.
        columns: Vec<String>,
    },
    /// All rows of a table are changed.
    Write {
        /// `UPDATE` or `DELETE`.
        verb: &'static str,
        /// The table.
        table: Name,
        /// The verb and the name in the text.
        span: Span,
    },
    /// A policy is made.
    Policy {
        /// Its name.
        name: Name,
        /// Its table.
        table: Name,
        /// Whether it says for whom.
        roles: bool,
        /// Functions about the caller that it calls for every row.
        calls: Vec<(String, Span)>,
        /// Its name in the text.
        span: Span,
    },
    /// Something is granted on tables.
    Grant {
        /// What, in lower case.
        privileges: Vec<String>,
        /// On what.
        object: String,
        /// To whom.
        roles: Vec<Name>,
        /// The statement.
        span: Span,
    },
    /// An enum that is there gets a value.
    EnumValue {
        /// The enum.
        name: Name,
        /// The value, with its quotes.
        value: String,
        /// The statement.
        span: Span,
    },
    /// A function is made.
    Function {
        /// Its name.
        name: Name,
        /// What it takes, in lower case: which of several of its name it is.
        parameters: String,
        /// How many arguments it takes, if that is always the same.
        count: Option<usize>,
        /// What its body calls by bare names.
        calls: Vec<String>,
        /// What its body reads and writes by bare names.
        tables: Vec<String>,
    },
    /// A function is dropped.
    Dropped(Name),
    /// A table that is there is changed.
    Change(Change),
    /// Something calls a function when rows are loaded or an index is built.
    Run {
        /// What.
        what: &'static str,
        /// The function.
        called: Name,
        /// With how many arguments.
        count: usize,
        /// The call.
        span: Span,
    },
    /// Something is set for the session.
    Setting {
        /// What it is.
        what: String,
        /// Where.
        span: Span,
    },
}

impl Fact {
    /// A table that stays.
    pub fn is_permanent(&self) -> bool {
        matches!(
            self,
            Self::Table {
                temporary: false,
                ..
            }
        )
    }
}

/// All a file says.
#[derive(Debug, Default)]
pub struct Facts {
    /// In order.
    pub all: Vec<Fact>,
    /// Columns that identify rows: only their numbers run out.
    pub keys: Vec<Span>,
    /// Tables that statements work on.
    pub subjects: Vec<(Span, Name)>,
    /// Statements that change nothing but what the file itself makes.
    pub fresh: Vec<Span>,
    /// Whether code in the file speaks of row-level security, where nobody can follow it.
    pub mentions_row_security: bool,
}

impl Facts {
    fn any(&self, matches: impl Fn(&Fact) -> bool) -> bool {
        self.all.iter().any(matches)
    }

    /// The tables that the statement at this place works on.
    pub fn at(&self, place: Span) -> Vec<Name> {
        let subjects = self.subjects.iter();
        subjects
            .filter(|(statement, _)| statement.holds(place.start))
            .map(|(_, name)| name.clone())
            .collect()
    }

    /// The tables that the file makes.
    pub fn tables(&self) -> HashSet<&Name> {
        let tables = self.all.iter().filter_map(|fact| match fact {
            Fact::Table { name, .. } => Some(name),
            _ => None,
        });
        tables.collect()
    }

    /// Whether the file makes this type.
    pub fn makes_type(&self, wanted: &Name) -> bool {
        self.any(|fact| matches!(fact, Fact::Type(name) if name == wanted))
    }

    /// Whether the file makes this procedure, and it ends the transaction.
    pub fn commits(&self, wanted: &Name) -> bool {
        self.any(|fact| matches!(fact, Fact::Committing(name) if name == wanted))
    }

    /// Whether the file turns on row-level security of this table.
    pub fn secures(&self, wanted: &Name) -> bool {
        self.any(|fact| matches!(fact, Fact::RowSecurityOn(name) if name == wanted))
    }

    /// Whether the file gives this function a search path.
    pub fn sets_search_path(&self, wanted: &Name) -> bool {
        self.any(|fact| matches!(fact, Fact::SearchPath(name) if name == wanted))
    }
}

/// The indexes of some files, by table.
#[derive(Debug, Default)]
pub struct Indexes(HashMap<Name, Vec<Vec<String>>>);

impl Indexes {
    /// Adds those of a file.
    pub fn add(&mut self, facts: &Facts) {
        facts.all.iter().for_each(|fact| self.add_one(fact));
    }

    fn add_one(&mut self, fact: &Fact) {
        if let Fact::Index { table, columns } = fact {
            let indexes = self.0.entry(table.clone()).or_default();
            indexes.push(columns.clone());
        }
    }

    /// Adds those of a file that runs after all that was followed before, and what becomes of those.
    pub fn follow(&mut self, facts: &Facts) {
        for fact in &facts.all {
            self.add_one(fact);
            let Fact::Change(change) = fact else {
                continue;
            };
            match change {
                Change::TableDropped(table) => {
                    self.0.remove(table);
                }
                Change::TableRenamed(table, to) => {
                    // Files that nobody knows when they run may have the old name.
                    let indexes = self.0.get(table).cloned().unwrap_or_default();
                    self.0.entry(to.clone()).or_default().extend(indexes);
                }
                Change::ColumnDropped(table, column) => {
                    if let Some(indexes) = self.0.get_mut(table) {
                        indexes.retain(|columns| !columns.contains(column));
                    }
                }
                Change::ColumnRenamed(table, column, to) => {
                    let indexes = self.0.entry(table.clone()).or_default();
                    let mut renamed = indexes.clone();
                    renamed.retain(|columns| columns.contains(column));
                    for name in renamed.iter_mut().flatten().filter(|name| *name == column) {
                        name.clone_from(to);
                    }
                    indexes.extend(renamed);
                }
                _ => {}
            }
        }
    }

    /// Whether an index begins with these columns, in any order.
    pub fn cover(&self, table: &Name, columns: &[String]) -> bool {
        let wanted: HashSet<&String> = columns.iter().collect();
        self.0.get(table).is_some_and(|indexes| {
            indexes.iter().any(|index| {
                index.len() >= wanted.len()
                    && index[..wanted.len()].iter().collect::<HashSet<_>>() == wanted
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_folded_as_postgresql_does() {
        let read = |text: &str| Name::read(text).to_string();
        assert_eq!(read("Public.Users"), "users");
        assert_eq!(read("app . T"), "app.t");
        assert_eq!(read("\"App\".\"a.\"\"b\""), "\"App\".\"a.\"\"b\"");
        assert_eq!(Name::read("users"), Name::read("\"public\".users"));
    }

    #[test]
    fn an_index_covers_a_key_by_its_first_columns_in_any_order() {
        let columns = |names: &[&str]| {
            names
                .iter()
                .map(|&name| name.to_owned())
                .collect::<Vec<_>>()
        };
        let facts = Facts {
            all: vec![Fact::Index {
                table: Name::read("t"),
                columns: columns(&["a", "b", "c"]),
            }],
            ..Facts::default()
        };
        let mut indexes = Indexes::default();
        indexes.add(&facts);
        let covers = |names: &[&str]| indexes.cover(&Name::read("t"), &columns(names));
        assert!(covers(&["a"]) && covers(&["b", "a"]) && covers(&["c", "a", "b"]));
        assert!(!covers(&["b"]) && !covers(&["a", "c"]) && !covers(&["d"]));
    }
}
