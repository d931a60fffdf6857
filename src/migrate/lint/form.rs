//! Rules about files as such: their names, their bytes, and whether they are SQL that a server is sent.

use super::rule::{Level, Rule};

/// All of them.
pub(super) const RULES: &[&Rule] = &[
    &NAMING,
    &NESTED,
    &DUPLICATE_NUMBER,
    &GAP_IN_NUMBERS,
    &UNDECLARED,
    &ENCODING,
    &DIRECTIVE,
    &UNUSED_ALLOW,
    &UNTERMINATED,
    &PSQL_COMMAND,
    &OTHER_TOOL_SECTION,
    &OTHER_TOOL_MARKER,
    &PLACEHOLDER,
    &TEMPLATE,
    &COPY_TO_CLIENT,
    &SYNTAX,
    &NO_STATEMENT,
    &UNDOES_NOTHING,
    &TOO_LARGE,
];

/// A file in the folder that could never run.
pub static NAMING: Rule = Rule::new(
    Level::Error,
    "naming",
    "a file that is not named NNN_description.sql would never run",
    "rename the file, or move it out of the folder",
);

/// A file in a folder below.
pub static NESTED: Rule = Rule::new(
    Level::Warning,
    "nested-file",
    "only what stands in the folder itself is run",
    "move the files up, or name their folder with `--migrations`",
);

/// Two files of one number.
pub static DUPLICATE_NUMBER: Rule = Rule::new(
    Level::Error,
    "duplicate-number",
    "which of two files of one number comes first is anybody's guess",
    "give the one that is not applied yet the next free number",
);

/// A number nobody has.
pub static GAP_IN_NUMBERS: Rule = Rule::new(
    Level::Warning,
    "gap-in-numbers",
    "a file that fills the gap later comes too late for every database that is past it",
    "number on without gaps; `migrate new` does",
);

/// An index or a policy that the files about those do not know.
pub static UNDECLARED: Rule = Rule::new(
    Level::Note,
    "undeclared",
    "the files say which indexes and policies there are: `status --check` stays red, and `--prune` would drop it",
    "write it into the file of its table",
);

/// Bytes that are not text.
pub static ENCODING: Rule = Rule::new(
    Level::Error,
    "encoding",
    "the server takes UTF-8 text, and any other bytes end up as wrong letters or as an error",
    crate::source::text::RESAVE,
);

/// A directive that means nothing.
pub static DIRECTIVE: Rule = Rule::new(
    Level::Error,
    "directive",
    "what is not read as a directive is a comment, and the file would run as it must not",
    "write directives before the first statement, one a line: `-- toysoldiers: lock-timeout 5s`",
);

/// An `allow` for something that is not there.
pub static UNUSED_ALLOW: Rule = Rule::new(
    Level::Warning,
    "unused-allow",
    "it would also silence what somebody adds later, for a reason that is no longer true",
    "remove the directive",
);

/// A string, a quoted name, a dollar quote or a comment without end.
pub static UNTERMINATED: Rule = Rule::new(
    Level::Error,
    "unterminated",
    "the rest of the file, and what is sent after it, would become part of it",
    "end it",
);

/// A backslash command.
pub static PSQL_COMMAND: Rule = Rule::new(
    Level::Error,
    "psql-command",
    "psql runs these commands itself; to the server they are syntax errors",
    "write it in SQL, or remove it",
);

/// The half of a file that another tool runs to undo the migration.
pub static OTHER_TOOL_SECTION: Rule = Rule::new(
    Level::Error,
    "other-tool-section",
    "a file runs whole here: what makes something and what undoes it are two files",
    "move what undoes the migration into NNN_description.down.sql, and remove the marker",
);

/// A comment that another tool obeys.
pub static OTHER_TOOL_MARKER: Rule = Rule::new(
    Level::Warning,
    "other-tool-marker",
    "whoever wrote it counts on something that does not happen here",
    "remove the marker, or say the same with a directive",
);

/// What another tool fills in.
pub static PLACEHOLDER: Rule = Rule::new(
    Level::Warning,
    "placeholder",
    "the server gets the text as it stands, and refuses it or keeps it",
    "write what is meant in its place; what differs between environments does not belong in a migration",
);

/// The same where there is no string around it.
pub static TEMPLATE: Rule = Rule::new(
    Level::Error,
    "template",
    "PostgreSQL has no braces outside of strings, and refuses the file",
    PLACEHOLDER.rewrite,
);

/// `COPY ... TO STDOUT`.
pub static COPY_TO_CLIENT: Rule = Rule::new(
    Level::Error,
    "copy-to-client",
    "the rows would be sent to whoever runs the migration, and go nowhere",
    "remove the statement, or copy the rows into a table",
);

/// What squawk cannot read. The server has the last word, hence no error.
pub static SYNTAX: Rule = Rule::new(
    Level::Warning,
    "syntax",
    "no rule can look into what cannot be read, and the server is likely to refuse it",
    "correct the statement",
);

/// Nothing but comments.
pub static NO_STATEMENT: Rule = Rule::new(
    Level::Note,
    "no-statement",
    "it is recorded as applied, and what was meant to be in it would need another file",
    "write the change into it before it is applied",
);

/// Nothing that could undo a migration.
pub static UNDOES_NOTHING: Rule = Rule::new(
    Level::Error,
    "undoes-nothing",
    "its migration would be forgotten, and everything it made would stay",
    "write what undoes the migration into it, or delete the file",
);

/// More than the rules about statements read.
pub static TOO_LARGE: Rule = Rule::new(
    Level::Warning,
    "too-large",
    "what the rules would have found in it, nobody is told: locks, lost data, rights",
    "put what changes the schema into a file of its own, and leave the rows in this one",
);
