//! `--version`: what it costs to start at all.

use std::path::Path;
use std::process::Command;

use crate::peers;
use crate::race::{Race, Rival};
use crate::support::Tool;
use crate::support::server::bin;

pub fn version(_folder: &Path) -> Race {
    let tool = Tool::new();
    let psql = bin().join("psql");
    let floor = Rival {
        name: "psql",
        run: Box::new(move || {
            let mut command = Command::new(&psql);
            command.arg("--version");
            command
        }),
        limit: None,
    };
    Race::new(
        Box::new(move || tool.command(&["--version"])),
        std::iter::once(floor).chain(peers::version()),
    )
}
