//! How deep reading a statement would go. squawk reads by recursion, as far as a statement goes down.

use squawk_lexer::{LiteralKind, TokenKind, tokenize};

/// How much stack the rules need for what is not too deep, several times over.
pub const STACK: usize = 64 << 20;

/// Parentheses and brackets within one another. PostgreSQL itself gives up after a few thousand.
const NESTED: usize = 500;

/// Tokens without a comma: operators and words that lead one into the other.
const CHAINED: usize = 10_000;

/// Shorter texts hold nothing deep.
const SHORT: usize = 1_000;

/// Whether the text, or a body in it, is deeper than anybody writes by hand.
pub(super) fn is_too_deep(text: &str) -> bool {
    if text.len() < SHORT {
        return false;
    }
    let (mut nested, mut chained, mut at) = (0_usize, 0_usize, 0);
    for token in tokenize(text) {
        let end = at + token.len as usize;
        match token.kind {
            TokenKind::Eof => break,
            TokenKind::Whitespace | TokenKind::LineComment | TokenKind::BlockComment { .. } => {}
            TokenKind::Comma | TokenKind::Semi => chained = 0,
            kind => {
                chained += 1;
                match kind {
                    TokenKind::OpenParen | TokenKind::OpenBracket => nested += 1,
                    TokenKind::CloseParen | TokenKind::CloseBracket => {
                        nested = nested.saturating_sub(1);
                    }
                    TokenKind::Literal { kind } if is_too_deep(body(&text[at..end], kind)) => {
                        return true;
                    }
                    _ => {}
                }
            }
        }
        if nested > NESTED || chained > CHAINED {
            return true;
        }
        at = end;
    }
    false
}

/// What a string may hold of SQL.
fn body(literal: &str, kind: LiteralKind) -> &str {
    let mark = match kind {
        LiteralKind::DollarQuotedString { .. } => literal[1..].find('$').map_or(1, |end| end + 2),
        _ => literal.find('\'').map_or(literal.len(), |quote| quote + 1),
    };
    literal
        .get(mark..literal.len().saturating_sub(mark))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_nobody_writes_is_too_deep() {
        let nested = |depth: usize| format!("select {}1{};", "(".repeat(depth), ")".repeat(depth));
        assert!(!is_too_deep(&nested(400)) && is_too_deep(&nested(600)));
        assert!(is_too_deep(&format!("do $x$ {} $x$", nested(600))));
        assert!(is_too_deep(&format!("select '{}'", nested(600))));
        assert!(is_too_deep(&format!("select 1{};", " or a".repeat(20_000))));
        let rows = "(1, (2), 'a'), ".repeat(50_000);
        assert!(!is_too_deep(&format!(
            "insert into t values {rows} (1, 2, 'a');"
        )));
        assert!(!is_too_deep(&"select 1;\n".repeat(50_000)));
    }
}
