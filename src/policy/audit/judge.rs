//! What only the trees of expressions tell.

mod recursion;
mod unindexed;
mod unwrapped;

use super::tree::{self, Node};
use crate::error::{Error, Result};

pub use recursion::{Reads, recursion};
pub use unindexed::{Columns, Compared, compared, unindexed};
pub use unwrapped::{Calls, unwrapped};

/// The tree of an expression of this policy.
fn read<'a>(policy: &str, text: &'a str) -> Result<Node<'a>> {
    tree::parse(text).map_err(|what| {
        Error::failed(format!("the expression of {policy} cannot be read"))
            .because(Error::failed(what))
            .note("the server keeps it in a form this version does not know")
            .hint("leave the check out with `--check`, and report it with the server's version")
            .into()
    })
}
