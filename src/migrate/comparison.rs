//! Two texts of one migration: what was changed, line by line, and whether it means anything.

use std::time::Duration;

use similar::{Algorithm, ChangeTag, TextDiff};
use squawk_lexer::{TokenKind, tokenize};

use crate::plan::counted;

/// How many lines around a change are shown.
const CONTEXT: usize = 2;

/// How many lines are shown at most: some screenfuls.
const LINES: usize = 120;

/// How many characters of a line are shown at most.
const COLUMNS: usize = 160;

/// How long the shortest description of a change is looked for; after that a longer one will do.
const PATIENCE: Duration = Duration::from_secs(1);

/// What was changed.
#[derive(Debug, PartialEq, Eq)]
pub struct Comparison {
    /// How many lines are new.
    pub added: usize,
    /// How many are gone.
    pub removed: usize,
    /// Whether the server would read the same in both: blanks and comments are all that differs.
    pub is_form: bool,
    /// The changes with what is around them, to be shown.
    pub lines: Vec<String>,
}

/// Compares a text as it was with what it is now.
pub fn compare(before: &str, now: &str) -> Comparison {
    let old: Vec<&str> = before.lines().collect();
    let new: Vec<&str> = now.lines().collect();
    let diff = TextDiff::configure()
        .algorithm(Algorithm::Myers)
        .timeout(PATIENCE)
        .diff_slices(&old, &new);
    let (mut added, mut removed) = (0, 0);
    let mut lines = Vec::new();
    for group in diff.grouped_ops(CONTEXT) {
        if let Some(first) = group.first() {
            lines.push(format!("@@ line {} @@", first.new_range().start + 1));
        }
        for change in group.iter().flat_map(|op| diff.iter_changes(op)) {
            let sign = match change.tag() {
                ChangeTag::Equal => ' ',
                ChangeTag::Delete => {
                    removed += 1;
                    '-'
                }
                ChangeTag::Insert => {
                    added += 1;
                    '+'
                }
            };
            lines.push(format!("{sign} {}", shortened(change.value())));
        }
    }
    let more = lines.len().saturating_sub(LINES);
    if more > 0 {
        lines.truncate(LINES);
        lines.push(format!("and {more} more lines"));
    }
    if lines.is_empty() && before != now {
        lines.push("only the line breaks at the end differ".to_owned());
    }
    Comparison {
        added,
        removed,
        is_form: means_the_same(before, now),
        lines,
    }
}

impl Comparison {
    /// In a few words: `2 lines added, 1 removed`.
    pub fn summary(&self) -> String {
        let Self { added, removed, .. } = self;
        let lines = |count: usize| counted(count, "line");
        let counts = match (*added, *removed) {
            (0, 0) => String::new(),
            (0, removed) => format!("{} removed", lines(removed)),
            (added, 0) => format!("{} added", lines(added)),
            (added, removed) => format!("{} added, {removed} removed", lines(added)),
        };
        match (self.is_form, counts.is_empty()) {
            (true, true) => "only blanks and comments differ".to_owned(),
            (true, false) => format!("only blanks and comments differ; {counts}"),
            (false, _) => counts,
        }
    }
}

/// Whether the server would read the same in both: blanks and comments are all that differs.
pub fn means_the_same(before: &str, now: &str) -> bool {
    words(before).eq(words(now))
}

/// What the server reads.
fn words(text: &str) -> impl Iterator<Item = &str> {
    let mut at = 0;
    tokenize(text).filter_map(move |token| {
        let start = at;
        at += token.len as usize;
        let is_word = !matches!(
            token.kind,
            TokenKind::Whitespace
                | TokenKind::LineComment
                | TokenKind::BlockComment { .. }
                | TokenKind::Eof
        );
        is_word.then(|| &text[start..at])
    })
}

/// As much of a statement as can matter for one line of it: it may be of any length.
pub(super) fn beginning(statement: &str) -> &str {
    &statement[..statement.floor_char_boundary(8 * COLUMNS)]
}

/// The beginning of a line that is too long to be read.
pub(super) fn shortened(line: &str) -> String {
    let line = line.trim_end();
    match line.char_indices().nth(COLUMNS) {
        Some((end, _)) => format!("{}...", &line[..end]),
        None => line.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_change_is_shown_with_what_is_around_it() {
        let before = "-- Tips.\n\ncreate table tips (\n    id uuid,\n    amount int\n);\n";
        let now =
            "-- Tips.\n\ncreate table tips (\n    id uuid,\n    amount bigint,\n    at date\n);\n";
        let found = compare(before, now);
        assert_eq!(
            found.lines,
            [
                "@@ line 3 @@",
                "  create table tips (",
                "      id uuid,",
                "-     amount int",
                "+     amount bigint,",
                "+     at date",
                "  );",
            ]
        );
        assert_eq!(found.summary(), "2 lines added, 1 removed");
    }

    #[test]
    fn what_means_the_same_is_said_to() {
        let is_form = |before, now| compare(before, now).is_form;
        assert!(is_form(
            "select 1;",
            "-- One.\nselect\n  1 /* the first */;\n"
        ));
        assert!(!is_form("select '1';", "select ' 1';"));
        assert!(!is_form("select 1;", "select 1"));
        assert!(!is_form("select '-- a';", "select '-- b';"));
        let at_the_end = compare("select 1;", "select 1;\n");
        assert_eq!(at_the_end.lines, ["only the line breaks at the end differ"]);
        assert_eq!(at_the_end.summary(), "only blanks and comments differ");
    }

    #[test]
    fn what_is_too_long_is_cut() {
        let long = "select 1;\n".repeat(1000);
        let found = compare("", &long);
        assert_eq!(found.added, 1000);
        assert_eq!(found.lines.len(), LINES + 1);
        assert_eq!(found.lines[LINES], "and 881 more lines");
        assert_eq!(
            compare("", &"é".repeat(200)).lines[1].chars().count(),
            2 + COLUMNS + 3
        );
    }

    proptest! {
        #[test]
        fn a_text_is_itself(text in "([a-z'$\\- /*\n;é]|--){0,40}") {
            let same = compare(&text, &text);
            prop_assert_eq!((same.added, same.removed, same.is_form, same.lines.len()), (0, 0, true, 0));
        }

        #[test]
        fn what_differs_is_shown(before in "[a-c;\n]{0,40}", now in "[a-c;\n]{0,40}") {
            let found = compare(&before, &now);
            prop_assert_eq!(before == now, found.lines.is_empty());
            let balance = before.lines().count() + found.added == now.lines().count() + found.removed;
            prop_assert!(balance);
        }
    }
}
