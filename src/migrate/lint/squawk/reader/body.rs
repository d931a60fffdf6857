//! The bodies of functions, as far as one can read them without knowing their language: what they call, and from where
//! they read, by bare names.

use squawk_lexer::{Token, TokenKind, tokenize};
use squawk_syntax::ast::{self, AstNode};
use squawk_syntax::{SyntaxKind, SyntaxNode};

use super::Reader;
use super::node::{name, span, words_before};
use crate::migrate::lint::facts::{Fact, Name};

impl Reader<'_> {
    /// A function whose names are looked for when it runs.
    pub(super) fn body(&mut self, function: &ast::CreateFunction) {
        let Some(name) = name(function.name()) else {
            return;
        };
        let options = function.option_list();
        let options = options.into_iter().flat_map(|list| list.options());
        let mut is_readable = false;
        let mut body = String::new();
        for option in options {
            match option {
                ast::FuncOption::LanguageFuncOption(language) => {
                    let words = self.words(language.syntax());
                    let language = words.split(' ').next_back().unwrap_or_default();
                    is_readable = ["sql", "plpgsql"].contains(&language.trim_matches(['\'', '"']));
                }
                ast::FuncOption::AsFuncOption(code) => body = code.syntax().text().to_string(),
                _ => {}
            }
        }
        let inside = inside(&body);
        let (calls, tables) = if is_readable {
            bare_names(inside)
        } else {
            (Vec::new(), Vec::new())
        };
        let parameters = function.param_list();
        let parameters = parameters
            .map(|list| self.words(list.syntax()))
            .unwrap_or_default();
        let varies = ["default", "=", "variadic", "out ", "inout "];
        let count =
            (!varies.iter().any(|word| parameters.contains(word))).then(|| arguments(&parameters));
        self.facts.all.push(Fact::Function {
            name,
            parameters,
            count,
            calls,
            tables,
        });
    }

    /// The functions that a node calls, which runs in every restore.
    pub(super) fn runs(&mut self, what: &'static str, node: &SyntaxNode) {
        for call in node
            .descendants()
            .filter(|node| node.kind() == SyntaxKind::CALL_EXPR)
        {
            let text = call.text().to_string();
            let called = Name::read(&words_before(&call, "("));
            let count = arguments(&text[text.find('(').unwrap_or(0)..]);
            let span = span(&call);
            self.facts.all.push(Fact::Run {
                what,
                called,
                count,
                span,
            });
        }
    }

    /// The same of what a table checks and computes.
    pub(super) fn rows(&mut self, node: &SyntaxNode) {
        for part in node.descendants() {
            match part.kind() {
                SyntaxKind::CHECK_CONSTRAINT => self.runs("the constraint", &part),
                SyntaxKind::GENERATED_CONSTRAINT => self.runs("the generated column", &part),
                _ => {}
            }
        }
    }
}

/// What is between the dollars, or the quotes.
fn inside(code: &str) -> &str {
    let code = code.get(2..).unwrap_or_default().trim();
    let mark = match code.strip_prefix('$').and_then(|rest| rest.find('$')) {
        Some(end) => &code[..end + 2],
        None => "'",
    };
    let inside = code
        .strip_prefix(mark)
        .and_then(|code| code.strip_suffix(mark));
    inside.unwrap_or_default()
}

/// How many arguments there are in parentheses.
fn arguments(text: &str) -> usize {
    let (mut depth, mut commas, mut is_empty) = (0_usize, 0, true);
    for Token { kind, .. } in tokenize(text) {
        match kind {
            TokenKind::OpenParen | TokenKind::OpenBracket => {
                is_empty &= depth == 0;
                depth += 1;
            }
            TokenKind::CloseParen | TokenKind::CloseBracket => depth = depth.saturating_sub(1),
            TokenKind::Comma if depth == 1 => commas += 1,
            TokenKind::Whitespace
            | TokenKind::LineComment
            | TokenKind::BlockComment { .. }
            | TokenKind::Eof => {}
            _ => is_empty &= depth == 0,
        }
    }
    if is_empty { 0 } else { commas + 1 }
}

/// Functions that take their arguments apart with FROM.
const PARTING: [&str; 4] = ["extract", "substring", "trim", "overlay"];

/// The bare names that are called, and those of which rows are read or written.
fn bare_names(body: &str) -> (Vec<String>, Vec<String>) {
    let mut words: Vec<String> = Vec::new();
    // What stands before the parentheses that are open, and the places of a FROM that is no clause.
    let mut open: Vec<String> = Vec::new();
    let mut no_clause = Vec::new();
    let mut at = 0;
    for token in tokenize(body) {
        let word = &body[at..at + token.len as usize];
        at += token.len as usize;
        match token.kind {
            TokenKind::Whitespace | TokenKind::LineComment | TokenKind::BlockComment { .. } => {}
            TokenKind::Ident => {
                let word = word.to_ascii_lowercase();
                let is_part = |opener: &String| PARTING.contains(&opener.as_str());
                if word == "from" && open.last().is_some_and(is_part) {
                    no_clause.push(words.len());
                }
                words.push(word);
            }
            TokenKind::OpenParen => {
                open.push(words.last().cloned().unwrap_or_default());
                words.push(word.to_owned());
            }
            TokenKind::CloseParen => {
                open.pop();
                words.push(word.to_owned());
            }
            // What is quoted, in a name or a text, is not looked into.
            TokenKind::Literal { .. } | TokenKind::QuotedIdent { .. } => words.push("'".to_owned()),
            _ => words.push(word.to_owned()),
        }
    }
    let word = |index: usize| words.get(index).map_or("", String::as_str);
    let before = |index: usize, back: usize| index.checked_sub(back).map_or("", &word);
    let (mut calls, mut tables) = (Vec::new(), Vec::new());
    for (index, name) in words.iter().enumerate() {
        let is_name = name.starts_with(|first: char| first.is_alphabetic() || first == '_');
        if !is_name || before(index, 1) == "." || word(index + 1) == "." {
            continue;
        }
        let is_defined_here = words.windows(3).any(|three| {
            three[0] == *name
                && three[1] == "as"
                && ["(", "materialized", "not"].contains(&three[2].as_str())
        });
        let (last, second) = (before(index, 1), before(index, 2));
        let is_table = match last {
            "from" => second != "distinct" && !no_clause.contains(&(index - 1)),
            "join" => true,
            "into" => second == "insert",
            "update" => second != "for" && second != "do",
            _ => false,
        };
        if is_table && (last == "into" || word(index + 1) != "(") && !is_defined_here {
            tables.push(name.clone());
        } else if word(index + 1) == "(" && !is_defined_here {
            calls.push(name.clone());
        }
    }
    (calls, tables)
}
