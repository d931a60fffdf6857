//! Names, texts and places of nodes.

use std::ops::Range;

use squawk_syntax::ast::AstNode;
use squawk_syntax::{SyntaxKind, SyntaxNode};

use crate::migrate::lint::facts::{Name, Span};

/// A name as it stands in the tree.
pub(super) fn name(node: Option<impl AstNode>) -> Option<Name> {
    node.map(|node| Name::read(&node.syntax().text().to_string()))
}

pub(super) fn words_before(node: &SyntaxNode, end: &str) -> String {
    let text = node.text().to_string();
    text.split(end).next().unwrap_or_default().to_owned()
}

pub(super) fn range(node: &SyntaxNode) -> Range<usize> {
    let span = span(node);
    span.start..span.end()
}

/// Where a node stands, without the comments and blanks around it.
pub(super) fn span(node: &SyntaxNode) -> Span {
    let range = node.text_range();
    let is_silent = |kind| matches!(kind, SyntaxKind::WHITESPACE | SyntaxKind::COMMENT);
    let start = node
        .children_with_tokens()
        .find(|child| !is_silent(child.kind()))
        .map_or(range.start(), |child| child.text_range().start());
    (usize::from(start), usize::from(range.end() - start)).into()
}
