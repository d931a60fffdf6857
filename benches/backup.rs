//! `backup create`, against pg_dump alone, which neither counts rows nor hashes nor reads back; of the demo's data.

use std::path::Path;
use std::process::Command;

use crate::race::{Race, Rival};
use crate::support::server::bin;
use crate::support::{Database, Tool};

pub fn create(folder: &Path) -> Race {
    let database = Database::seeded();
    let tool = Tool::new().on(&database);
    let pg_dump = bin().join("pg_dump");
    // A new folder each time: two backups of one second have one name, and the second is refused.
    let mut folders = (0..).map({
        let folder = folder.to_owned();
        move |number: usize| folder.join(format!("backup{number}"))
    });
    let dump = folder.join("dump");
    Race::new(
        Box::new(move || {
            let folder = folders.next().unwrap();
            tool.command(&["backup", "create", "--to", folder.to_str().unwrap()])
        }),
        [Rival {
            name: "pg_dump",
            run: Box::new(move || {
                let mut command = Command::new(&pg_dump);
                command
                    .args(["--format=custom", "--file"])
                    .arg(&dump)
                    .arg(database.url());
                command
            }),
            limit: Some(1.5),
        }],
    )
}
