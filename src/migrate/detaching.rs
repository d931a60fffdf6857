//! What `detach-policies` puts around a file: a block before it that takes the policies off, and one after it that
//! makes them again, all in the migration's own transaction.
//!
//! The definitions are read by the first block, under the locks, so what is made again is what was dropped.

use std::fmt::Write;

use super::directive::Directives;
use crate::pg::ident::Literal;
use crate::pg::query::with_blocks;

const DETACH: &str = include_str!("../../database/blocks/detach_policies.sql");
const ATTACH: &str = include_str!("../../database/blocks/attach_policies.sql");

/// The statement before the file, if it asks for one.
pub(super) fn detach(directives: &Directives) -> Option<String> {
    if directives.detached.is_empty() {
        return None;
    }
    let mut names = String::new();
    for named in &directives.detached {
        let comma = if names.is_empty() { "" } else { ", " };
        let _ = write!(names, "{comma}{}", Literal(&named.sql()));
    }
    let array = format!("array[{names}]");
    Some(block(&with_blocks(&code(DETACH)).replace("$1", &array)))
}

/// The statement after the file, if it asks for one.
pub(super) fn attach(directives: &Directives) -> Option<String> {
    (!directives.detached.is_empty()).then(|| block(&code(ATTACH)))
}

/// Without comments: it travels with the file.
fn code(text: &str) -> String {
    let lines = text.lines();
    let code: Vec<&str> = lines
        .filter(|line| !line.trim_start().starts_with("--"))
        .collect();
    code.join("\n")
}

/// Quoted as a string constant, so that no name in it can end it.
fn block(code: &str) -> String {
    format!("do language plpgsql {}", Literal(code))
}
