//! What other tools write into their files besides SQL, in comments that mean nothing here: where the half begins that
//! undoes a migration, how the file is run, what is filled in. One table of them.

use std::collections::HashSet;
use std::ops::Range;

use squawk_lexer::{LiteralKind, TokenKind, tokenize};

use super::import::{Tool, text};
use super::lint::facts::Span;
use super::lint::{Hit, LARGEST, Rule, blanked, form};
use crate::pg::sql;

/// What a comment means to the tool that it is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Meaning {
    /// From here on the migration is made.
    Up,
    /// From here on it is undone.
    Down,
    /// The file only looks whether it was made.
    Verify,
    /// It runs without a transaction.
    NoTransaction,
    /// Something is filled in before it runs.
    FillsIn,
}

use Meaning::{Down, FillsIn, NoTransaction, Up, Verify};

/// The tools, the words of their comments, and what these mean. `*` is any word, `...` are any words or none. Dashes in
/// front and behind, blanks, and the case of letters do not matter.
#[rustfmt::skip]
const MARKERS: &[(&str, &str, Meaning)] = &[
    ("goose", "+goose up", Up),
    ("goose", "+goose down", Down),
    ("goose", "+goose no transaction", NoTransaction),
    ("goose", "+goose envsub on", FillsIn),
    ("sql-migrate", "+migrate up ...", Up),
    ("sql-migrate", "+migrate up ... notransaction ...", NoTransaction),
    ("sql-migrate", "+migrate down ...", Down),
    ("dbmate", "migrate:up ...", Up),
    ("dbmate", "migrate:up ... transaction:false ...", NoTransaction),
    ("dbmate", "migrate:down ...", Down),
    ("node-pg-migrate", "up migration", Up),
    ("node-pg-migrate", "down migration", Down),
    ("tern", "create above / drop below", Down),
    ("tern", "tern: disable-tx", NoTransaction),
    ("rambler", "rambler up", Up),
    ("rambler", "rambler down", Down),
    ("shmig", "==== up ====", Up),
    ("shmig", "==== down ====", Down),
    ("MyBatis Migrations", "//@undo", Down),
    ("MyBatis Migrations", "// @undo", Down),
    ("Play", "!ups", Up),
    ("Play", "!downs", Down),
    // A file of its own, with what it is in its first line; one that deploys runs as it should.
    ("Sqitch", "revert * from pg", Down),
    ("Sqitch", "verify * on pg", Verify),
    ("sqlx", "no-transaction", NoTransaction),
    ("graphile-migrate", "! no-transaction", NoTransaction),
    ("Atlas", "atlas:txmode none", NoTransaction),
    ("yoyo", "transactional: false", NoTransaction),
    ("Liquibase", "changeset ... runintransaction:false ...", NoTransaction),
];

/// A longer line is no marker, in bytes.
const LONGEST: usize = 200;

/// What a file does for a migration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    /// It makes it.
    Up,
    /// It undoes it.
    Down,
}

/// A comment for another tool.
struct Marker<'a> {
    tool: &'static str,
    meaning: Meaning,
    /// Its line without the blanks around it.
    text: &'a str,
    at: usize,
}

impl Marker<'_> {
    fn is_about_a_half(&self) -> bool {
        matches!(self.meaning, Up | Down | Verify)
    }

    fn hit(&self, side: Side, transaction: bool, is_followed: bool) -> Option<Hit> {
        let Self { tool, text, .. } = self;
        let span = Span::from((self.at, text.len()));
        let comment = format!("`{text}` is a comment here");
        let hit = match (self.meaning, side) {
            (Down, Side::Up) | (Up, Side::Down) | (Verify, _) if is_followed => {
                let what = match self.meaning {
                    Down => "undoes the migration",
                    Up => "makes the migration",
                    _ => "only checks the migration",
                };
                let message = format!("to {tool} what follows {what}; here it runs with the rest");
                Hit::new(&form::OTHER_TOOL_SECTION, span, message).rewrite(self.apart(side))
            }
            (Down, Side::Down) | (Verify, _) => return None,
            (Up | Down, _) => {
                let message = format!("{comment}: the file is written for {tool}");
                Hit::new(&form::OTHER_TOOL_MARKER, span, message).rewrite(self.apart(side))
            }
            (NoTransaction, _) if transaction => {
                let message = format!(
                    "{comment}: {tool} runs this file without a transaction, and here it is one"
                );
                Hit::new(&form::OTHER_TOOL_MARKER, span, message)
                    .rewrite("begin the file with `-- toysoldiers: no-transaction`")
            }
            (NoTransaction, _) => return None,
            (FillsIn, _) => {
                let message =
                    format!("{comment}: {tool} fills in variables, and nothing does here");
                Hit::new(&form::OTHER_TOOL_MARKER, span, message).rewrite(form::PLACEHOLDER.rewrite)
            }
        };
        Some(hit)
    }

    /// What to do about a file of which a part is not for us.
    fn apart(&self, side: Side) -> String {
        let by_hand = match (self.meaning, side) {
            (Verify, _) => "move the file out of the folder",
            (Down, Side::Up) => {
                "move what undoes the migration into NNN_description.down.sql, and remove the marker"
            }
            (Up, Side::Down) => "move what makes the migration into NNN_description.sql",
            _ => "remove the marker",
        };
        match Tool::ALL
            .into_iter()
            .find(|tool| tool.to_string() == self.tool)
        {
            Some(tool) => format!("{}, or {by_hand}", tool.take_over()),
            None => by_hand.to_owned(),
        }
    }
}

/// Whether a text may have a half that is not to run with the rest.
pub(super) fn may_have_halves(text: &str) -> bool {
    let mut markers = markers(text).into_iter();
    markers.any(|marker| matches!(marker.meaning, Down | Verify))
}

/// What is found in a text that makes or undoes a migration. In `unreadable` there is no SQL.
pub(super) fn look(text: &str, side: Side, transaction: bool, unreadable: &[Span]) -> Vec<Hit> {
    let markers = markers(text);
    let may_fill_in = text.len() <= LARGEST && (text.contains("${") || text.contains("{{"));
    if markers.is_empty() && !may_fill_in {
        return Vec::new();
    }
    let readable = blanked(text, unreadable);
    let mut comments = Vec::new();
    let mut filled: Vec<(&'static Rule, Range<usize>)> = Vec::new();
    let mut at = 0;
    for token in tokenize(&readable) {
        let range = at..at + token.len as usize;
        at = range.end;
        match token.kind {
            TokenKind::LineComment => comments.push(range.start),
            TokenKind::OpenCurly if may_fill_in => {
                let bare = bare(&readable, range.start);
                filled.extend(bare.map(|range| (&form::TEMPLATE, range)));
            }
            kind if may_fill_in && is_text(kind) => {
                filled.extend(text::placeholders(&readable[range.clone()]).map(|name| {
                    let start = name.as_ptr() as usize - readable.as_ptr() as usize;
                    (&form::PLACEHOLDER, start..start + name.len())
                }));
            }
            _ => {}
        }
    }
    let mut named = HashSet::new();
    filled.retain(|(_, range)| named.insert(readable[range.clone()].to_owned()));
    let mut hits: Vec<Hit> = filled
        .into_iter()
        .map(|(rule, range)| unfilled(&readable, rule, range))
        .collect();
    // One word about halves is enough, however often they take turns: about the first that hurts.
    let hurts = |hit: &Hit| *hit.rule == form::OTHER_TOOL_SECTION;
    let mut half: Option<Hit> = None;
    for marker in markers {
        if comments.binary_search(&marker.at).is_err() {
            continue;
        }
        let is_followed = sql::statements(&readable[marker.at..]).next().is_some();
        let Some(hit) = marker.hit(side, transaction, is_followed) else {
            continue;
        };
        if !marker.is_about_a_half() {
            hits.push(hit);
        } else if half
            .as_ref()
            .is_none_or(|first| hurts(&hit) && !hurts(first))
        {
            half = Some(hit);
        }
    }
    hits.extend(half);
    hits
}

/// The lines that may be markers, in order; whether they are comments is for the lexer to say.
fn markers(text: &str) -> Vec<Marker<'_>> {
    let mut markers = Vec::new();
    let mut end = 0;
    for (at, _) in text.match_indices("--") {
        if at < end {
            continue;
        }
        let line = text[at..].lines().next().unwrap_or_default();
        end = at + line.len();
        let before = text[..at].trim_end_matches([' ', '\t']);
        let is_own = before.is_empty() || before.ends_with('\n');
        let line = line.trim_end();
        if !is_own || line.len() > LONGEST {
            continue;
        }
        let body = line.trim_matches(['-', ' ', '\t']).to_ascii_lowercase();
        let words: Vec<&str> = body.split_whitespace().collect();
        let first = words.first().copied();
        let fitting = MARKERS.iter().filter(|(_, pattern, _)| {
            let mut pattern = pattern.split(' ').peekable();
            pattern.peek().copied() == first && fits(&pattern.collect::<Vec<_>>(), &words)
        });
        markers.extend(fitting.map(|(tool, _, meaning)| Marker {
            tool,
            meaning: *meaning,
            text: line,
            at,
        }));
    }
    markers
}

fn fits(pattern: &[&str], words: &[&str]) -> bool {
    match (pattern, words) {
        ([], []) => true,
        (["...", rest @ ..], _) => (0..=words.len()).any(|some| fits(rest, &words[some..])),
        ([wanted, rest @ ..], [word, more @ ..]) => {
            (*wanted == "*" || wanted == word) && fits(rest, more)
        }
        _ => false,
    }
}

/// Whether a token holds text of the author's that other tools look into. What is in dollar quotes may be a program
/// with braces of its own.
fn is_text(kind: TokenKind) -> bool {
    use LiteralKind as L;
    matches!(
        kind,
        TokenKind::QuotedIdent { .. }
            | TokenKind::Literal {
                kind: L::Str { .. }
                    | L::EscStr { .. }
                    | L::NationalStr { .. }
                    | L::UnicodeEscStr { .. }
            }
    )
}

/// `${name}` or `{{ template }}` among SQL, by the place of a brace.
fn bare(text: &str, brace: usize) -> Option<Range<usize>> {
    let (before, behind) = text.split_at(brace);
    let (start, end) = if before.ends_with('$') {
        (brace - 1, "}")
    } else if behind.starts_with("{{") {
        (brace, "}}")
    } else {
        return None;
    };
    let line = behind.lines().next().unwrap_or_default();
    let length = line.find(end).map_or(line.len(), |at| at + end.len());
    Some(start..brace + length)
}

fn unfilled(text: &str, rule: &'static Rule, range: Range<usize>) -> Hit {
    let message = format!("nothing fills in {} here", &text[range.clone()]);
    Hit::new(rule, (range.start, range.len()).into(), message)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn found(text: &str, side: Side) -> Vec<String> {
        let hits = look(text, side, true, &[]);
        let line = |at: usize| text[..at].matches('\n').count() + 1;
        hits.iter()
            .map(|hit| format!("{} {}", line(hit.span.start), hit.rule))
            .collect()
    }

    #[test]
    fn the_half_that_undoes_is_found_whatever_the_tool() {
        for (up, down) in [
            ("-- +goose Up", "-- +goose Down"),
            ("--+GOOSE up", "  --+goose DOWN"),
            ("-- +migrate Up", "-- +migrate Down"),
            ("-- migrate:up", "--migrate:down transaction:true"),
            ("-- Up Migration", "---- Down   Migration"),
            ("-- made", "---- create above / drop below ----"),
            ("-- rambler up", "-- rambler down"),
            ("-- ====  UP  ====", "-- ==== DOWN ===="),
            ("-- // made", "--//@UNDO"),
            ("-- // made", "-- // @UNDO"),
            ("-- !Ups", "--- !Downs"),
            ("-- Deploy x to pg", "-- Revert x from pg"),
            ("-- Deploy x to pg", "-- Verify x on pg"),
        ] {
            let text = format!("{up}\ncreate table a();\n{down}\ndrop table a;\n");
            assert_eq!(found(&text, Side::Up), ["3 other-tool-section"], "{text}");
        }
    }

    #[test]
    fn a_half_that_is_empty_hurts_nobody() {
        for (text, expected) in [
            ("-- +goose Up\nselect 1;", vec!["1 other-tool-marker"]),
            (
                "-- +goose Up\nselect 1;\n-- +goose Down\n-- select 2;",
                vec!["1 other-tool-marker"],
            ),
            ("select 1;\n-- migrate:down\n;", vec!["2 other-tool-marker"]),
            ("-- Deploy x to pg\nselect 1;", vec![]),
            (
                "-- +goose StatementBegin\nselect 1;\n-- +goose StatementEnd",
                vec![],
            ),
        ] {
            assert_eq!(found(text, Side::Up), expected, "{text}");
        }
    }

    #[test]
    fn a_file_that_undoes_may_say_so() {
        let text = "-- +goose Up\ncreate table a();\n-- +goose Down\ndrop table a;";
        assert_eq!(found(text, Side::Down), ["1 other-tool-section"]);
        let rest = &text[text.find("-- +goose Down").expect("is there")..];
        assert_eq!(found(rest, Side::Down), Vec::<String>::new());
    }

    #[test]
    fn only_comments_on_lines_of_their_own_count() {
        for text in [
            "select '\n-- +goose Down\n'; select 1;",
            "select $$\n-- +goose Down\n$$; select 1;",
            "/*\n-- +goose Down\n*/ select 1;",
            "select 1; -- +goose Down\nselect 2;",
            "-- +goose Downs\nselect 1;",
            "-- the Down Migration is elsewhere\nselect 1;",
            "-- no-transaction is what others say\nselect 1;",
        ] {
            assert_eq!(found(text, Side::Up), Vec::<String>::new(), "{text}");
        }
    }

    #[test]
    fn how_a_file_runs_elsewhere_is_told() {
        for comment in [
            "-- no-transaction",
            "--! no-transaction",
            "-- +goose NO TRANSACTION",
            "-- +migrate Up notransaction",
            "-- migrate:up transaction:false",
            "---- tern: disable-tx ----",
            "-- atlas:txmode none",
            "-- transactional: false",
            "--changeset me:1 runInTransaction:false",
        ] {
            let text = format!("{comment}\nvacuum;");
            let is_about_mode = |hit: &Hit| {
                hit.rewrite
                    .as_deref()
                    .is_some_and(|text| text.contains("toysoldiers: no-transaction"))
            };
            let modes = |transaction| {
                let hits = look(&text, Side::Up, transaction, &[]);
                hits.iter().filter(|hit| is_about_mode(hit)).count()
            };
            assert_eq!((modes(true), modes(false)), (1, 0), "{comment}");
        }
    }

    #[test]
    fn what_is_not_filled_in_is_named_once() {
        let text = "-- ${a}\nselect '${b}', \"${flyway:user}\", '${b}', ${c d}, '$' || '{', '{{1},{2}}', $$ ${e} $$;\n{{ template \"x.sql\" . }}";
        let hits = look(text, Side::Up, true, &[]);
        let said = hits
            .iter()
            .map(|hit| format!("{}: {}", hit.rule, hit.message));
        let messages: Vec<String> = said.collect();
        assert_eq!(
            messages,
            [
                "placeholder: nothing fills in ${b} here",
                "placeholder: nothing fills in ${flyway:user} here",
                "template: nothing fills in ${c d} here",
                "template: nothing fills in {{ template \"x.sql\" . }} here",
            ]
        );
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "(-- ?|\\+goose |up|down|migrate:|\\$\\{|\\}|\\{\\{|[\n é'\"$;a-]){0,20}") {
            for side in [Side::Up, Side::Down] {
                for hit in look(&text, side, true, &[]) {
                    prop_assert!(text.get(hit.span.start..hit.span.end()).is_some());
                }
            }
        }
    }
}
