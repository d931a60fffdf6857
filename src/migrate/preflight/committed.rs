//! What counts on a `COMMIT` in the middle of a file that is left out, since the file is one transaction.

use std::collections::HashSet;

use squawk_lexer::{LiteralKind, TokenKind, tokenize};

use crate::migrate::lint::facts::Name;
use crate::migrate::lint::{Hit, mode};
use crate::migrate::script::{Pair, sets_modes};
use crate::pg::sql::{self, Statement};

/// What to write instead of what is used too early.
const APART: &str = "begin the file with `-- toysoldiers: no-transaction` and leave out BEGIN and COMMIT, or put what follows the COMMIT into the next migration";

/// What to write instead of what lasts too long.
const NEXT: &str = "put what follows the COMMIT into the next migration";

/// What would run otherwise than between its `BEGIN` and its `COMMIT`, or behind them: the first of each.
pub(in crate::migrate) fn look(text: &str, pairs: &[Pair]) -> Vec<Hit> {
    let mut hits = Vec::new();
    if pairs.is_empty() || pairs.iter().any(|pair| pair.is_whole) {
        return hits;
    }
    let mut made = HashSet::new();
    let mut values: Vec<Value<'_>> = Vec::new();
    let mut committed = 0;
    let mut local: Option<(usize, &str)> = None;
    let mut is_ended = false;
    for statement in sql::statements(text).map_while(Result::ok) {
        let place = statement.start;
        if pairs.iter().any(|pair| pair.commit.start == place) {
            committed = values.len();
            is_ended = local.is_some();
            continue;
        }
        let in_pair = pairs
            .iter()
            .any(|pair| (pair.begin.start..pair.commit.start).contains(&place));
        if let Some((place, what)) = local.filter(|_| is_ended) {
            let message =
                format!("{what} would last to the end of the file: its COMMIT is left out");
            let span = (place, text[place..].lines().next().map_or(0, str::len)).into();
            hits.push(Hit::new(&mode::TRANSACTION_CONTROL, span, message).rewrite(NEXT));
            (local, is_ended) = (None, false);
        }
        let used = values[..committed].iter().find_map(|value| {
            let at = statement.text.find(value.literal)?;
            Some((place + at, value))
        });
        if let Some((at, Value { literal, name })) = used {
            let message = format!(
                "{literal} of the enum {name} cannot be used before it is committed, and the COMMIT is left out: the file is one transaction"
            );
            let hit = Hit::new(
                &mode::TRANSACTION_CONTROL,
                (at, literal.len()).into(),
                message,
            );
            hits.push(hit.rewrite(APART));
            return hits;
        }
        if in_pair && local.is_none() {
            local = lasting(&statement).map(|what| (place, what));
        }
        match Named::read(&statement) {
            Some(Named::Made(name)) => {
                made.insert(name);
            }
            Some(Named::Value(value)) if !made.contains(&value.name) => values.push(value),
            _ => {}
        }
    }
    hits
}

/// Whether a text gives an enum a value.
pub(in crate::migrate) fn adds_value(text: &str) -> bool {
    let mut statements = sql::statements(text).map_while(Result::ok);
    statements.any(|statement| matches!(Named::read(&statement), Some(Named::Value(_))))
}

/// What lasts until the transaction ends, and is not undone by leaving out its end.
fn lasting(statement: &Statement<'_>) -> Option<&'static str> {
    let words: Vec<&str> = statement.words.iter().map(String::as_str).collect();
    if sets_modes(statement) {
        return Some("SET TRANSACTION");
    }
    match words.as_slice() {
        ["set", "local", ..] => Some("SET LOCAL"),
        ["set", "constraints", ..] => Some("SET CONSTRAINTS"),
        ["create", ..] if words.windows(2).any(|pair| pair == ["on", "commit"]) => {
            Some("a temporary table with ON COMMIT")
        }
        ["select", ..] if sets_locally(statement.text) => Some("set_config"),
        _ => None,
    }
}

/// Whether it calls `set_config(..., true)`.
fn sets_locally(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    let calls = lower.split("set_config").skip(1);
    calls
        .filter_map(|call| call.split_once(')'))
        .any(|(arguments, _)| arguments.trim_end().ends_with("true"))
}

/// A value that an enum is given.
struct Value<'a> {
    /// With its quotes.
    literal: &'a str,
    name: Name,
}

/// What a statement does to a type.
enum Named<'a> {
    Made(Name),
    Value(Value<'a>),
}

impl<'a> Named<'a> {
    fn read(statement: &Statement<'a>) -> Option<Self> {
        let [first, second, ..] = statement.words.as_slice() else {
            return None;
        };
        let ends_name = match (first.as_str(), second.as_str()) {
            ("create", "type") => "as",
            ("alter", "type") => "add",
            _ => return None,
        };
        // Behind both words comes the name, and behind that the word that ends it.
        let mut words = 0;
        let mut name = String::new();
        let mut at = 0;
        for token in tokenize(statement.text) {
            let word = &statement.text[at..at + token.len as usize];
            at += word.len();
            let is_str = matches!(
                token.kind,
                TokenKind::Literal {
                    kind: LiteralKind::Str { .. } | LiteralKind::EscStr { .. }
                }
            );
            match token.kind {
                TokenKind::Whitespace | TokenKind::LineComment | TokenKind::BlockComment { .. } => {
                }
                TokenKind::Ident if words < 2 => words += 1,
                TokenKind::Ident if words == 2 && word.eq_ignore_ascii_case(ends_name) => {
                    words = 3;
                    if ends_name == "as" {
                        return Some(Self::Made(Name::read(&name)));
                    }
                }
                _ if words == 2 => name.push_str(word),
                _ if is_str => {
                    let name = Name::read(&name);
                    return Some(Self::Value(Value {
                        literal: word,
                        name,
                    }));
                }
                // What is added is a value and no attribute.
                TokenKind::Ident if words == 3 && !word.eq_ignore_ascii_case("value") => {
                    return None;
                }
                _ => words = 4,
            }
        }
        None
    }
}
