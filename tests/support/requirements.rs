//! What the tests need on this machine. Without it they end at once with one message, rather than failing one by one
//! for the same reason.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::LazyLock;

use toysoldiers::pg::tools::Programs;

const PROGRAMS: [&str; 5] = ["initdb", "postgres", "pg_dump", "pg_restore", "psql"];

static FOUND: LazyLock<Requirements> =
    LazyLock::new(|| Requirements::find().unwrap_or_else(|missing| give_up(&missing)));

/// Programs that are there.
pub struct Requirements {
    /// The folder of PostgreSQL's.
    pub postgresql: PathBuf,
    pub pgbouncer: PathBuf,
}

/// The programs; the tests end here if one is missing.
pub fn requirements() -> &'static Requirements {
    &FOUND
}

/// The folder a person chose for PostgreSQL's programs, for the tests as for the program they test.
pub fn chosen() -> Option<PathBuf> {
    std::env::var_os("TOYSOLDIERS_PG_BIN").map(PathBuf::from)
}

impl Requirements {
    /// What is there, or what is missing, a line each.
    fn find() -> Result<Self, Vec<String>> {
        let postgresql = Programs::new(chosen()).folder_with(&PROGRAMS);
        match (postgresql, pgbouncer()) {
            (Ok(postgresql), Some(pgbouncer)) => Ok(Self {
                postgresql,
                pgbouncer,
            }),
            (postgresql, pgbouncer) => {
                let postgresql = postgresql.err().map(|error| match chosen() {
                    Some(_) => error.to_string(),
                    None => format!("{error}: `apt-get install postgresql`"),
                });
                let pgbouncer = match pgbouncer {
                    Some(_) => None,
                    None => Some("PgBouncer: `apt-get install pgbouncer`".to_owned()),
                };
                Err(postgresql.into_iter().chain(pgbouncer).collect())
            }
        }
    }
}

fn pgbouncer() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    // Not every user has the folder of a system's services on the PATH.
    std::env::split_paths(&path)
        .chain([PathBuf::from("/usr/sbin")])
        .map(|folder| folder.join("pgbouncer"))
        .find(|program| program.is_file())
}

/// Ends the tests, all of them, saying what is missing.
pub fn give_up(missing: &[String]) -> ! {
    let mut text = String::from("\nerror: the tests need what this machine does not have\n");
    for line in missing {
        let _ = writeln!(text, "  missing: {line}");
    }
    text += match chosen() {
        Some(_) => "  hint: name another folder in TOYSOLDIERS_PG_BIN, or unset it\n",
        None => "  hint: run `scripts/test.sh`, which installs it\n",
    };
    // What a test prints is kept back until its end, which does not come.
    let _ = std::io::stderr().write_all(text.as_bytes());
    #[expect(clippy::exit, reason = "each of hundreds of tests would say the same")]
    std::process::exit(1)
}
