//! The start file that makes settings where the way to the server takes none along.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use crate::pg::ident::Literal;
use crate::pg::tools;

/// What a person may have set for psql that would show the settings being made, or keep them from being made: in
/// a transaction left open they would not hold for it, and would be gone with it.
const IN_THE_WAY: [(&str, &str); 4] = [
    ("ECHO", "none"),
    ("QUIET", "on"),
    ("SINGLESTEP", "off"),
    ("AUTOCOMMIT", "on"),
];

/// Makes the settings, says nothing, leaves psql's own variables as they were, and goes on with the person's file.
pub(super) fn file(settings: &[(&str, &str)], own: Option<&Path>) -> String {
    let mut text = String::new();
    for (name, value) in IN_THE_WAY {
        let _ = writeln!(
            text,
            "\\set TOYSOLDIERS_{name} :{name}\n\\set {name} {value}"
        );
    }
    for (name, value) in settings {
        // A value is one text, whatever is in it; to SET, a list of schemas in quotes would be one schema.
        let _ = writeln!(
            text,
            "select pg_catalog.set_config({}, {}, false) \\g /dev/null",
            Literal(name),
            Literal(value)
        );
    }
    for (name, _) in IN_THE_WAY.iter().rev() {
        let _ = writeln!(
            text,
            "\\set {name} :TOYSOLDIERS_{name}\n\\unset TOYSOLDIERS_{name}"
        );
    }
    if let Some(own) = own {
        let _ = writeln!(text, "\\i {}", quoted(own));
    }
    text
}

/// The file psql would have read by itself: the one for its version, for its major version, or for any.
pub(super) fn own(path: &Path, version: &str) -> Option<PathBuf> {
    let like = |ending: String| {
        let mut name = path.as_os_str().to_owned();
        name.push(ending);
        PathBuf::from(name)
    };
    let major = tools::major(version);
    [
        like(format!("-{version}")),
        like(format!("-{major}")),
        path.to_owned(),
    ]
    .into_iter()
    .find(|path| path.is_file())
}

/// As an argument of psql's own commands.
fn quoted(path: &Path) -> String {
    let text = path
        .display()
        .to_string()
        .replace('\\', "\\\\")
        .replace('\'', "''")
        .replace('\n', "\\n");
    format!("'{text}'")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_one_argument_whatever_is_in_it() {
        assert_eq!(quoted(Path::new("/a b/it's\\\n")), r"'/a b/it''s\\\n'");
    }
}
