//! Who said something.

use std::fmt;
use std::path::PathBuf;

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// A flag.
    Flag(&'static str),
    /// A variable of the process environment.
    Variable(&'static str),
    /// toysoldiers.toml.
    File(PathBuf),
    /// Whoever runs the program.
    System,
    /// Nobody said anything.
    Default,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(name) | Self::Variable(name) => f.write_str(name),
            Self::File(path) => write!(f, "{}", path.display()),
            Self::System => f.write_str("the system"),
            Self::Default => f.write_str("default"),
        }
    }
}
