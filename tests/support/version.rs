//! What the servers of the tests are able to: which version they are, and whether they have HypoPG.

use std::collections::BTreeSet;
use std::io::Write;
use std::sync::{LazyLock, Mutex};

use toysoldiers::pg::tools::Tool;

use super::Server;
use super::server::sql;

/// The major version of PostgreSQL the tests run on.
pub fn major() -> u32 {
    static MAJOR: LazyLock<u32> = LazyLock::new(|| {
        let question = "select current_setting('server_version_num')::int / 10000";
        let socket = &Server::shared().socket;
        sql(socket, "postgres", question)[0].parse().unwrap()
    });
    *MAJOR
}

/// Whether it is this version or a newer one. A test of what an older one lacks ends without it, and that is said once.
pub fn since(wanted: u32) -> bool {
    let there = major() >= wanted;
    if !there {
        say(format!(
            "what PostgreSQL {wanted} brought is not tested with {}",
            major()
        ));
    }
    there
}

/// Whether this SQL has nothing in it that came with a later version.
pub fn understands(sql: &str) -> bool {
    let sql = sql.to_lowercase();
    let fifteen = ["security_invoker", "nulls not distinct", "merge into"];
    !fifteen.iter().any(|words| sql.contains(words)) || since(15)
}

/// Whether there is HypoPG. Without it the tests only begin where somebody chose another server, and that is said once.
pub fn has_hypopg() -> bool {
    let there = Server::shared().has_hypopg();
    if !there {
        say("what needs HypoPG is not tested: this server does not have it".to_owned());
    }
    there
}

/// The folders in TOYSOLDIERS_TEST_PG_BINS that hold programs of other major versions than the server's, and which.
/// Only tests ask for them that are left out where nobody names any. If all are of the server's, that is said once.
pub fn other_programs() -> Vec<(String, Tool)> {
    let folders = std::env::var_os("TOYSOLDIERS_TEST_PG_BINS").expect("names folders");
    let mut found = Vec::new();
    for folder in std::env::split_paths(&folders) {
        let program = Tool::ask(folder.join("pg_dump")).unwrap();
        if program.major != major() {
            found.push((folder.to_str().unwrap().to_owned(), program));
        }
    }
    if found.is_empty() {
        say("no programs of another version are tested: nobody names any".to_owned());
    }
    found
}

/// What a test prints is kept back when it passes.
fn say(line: String) {
    static SAID: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
    let text = format!("note: {line}\n");
    if SAID.lock().unwrap().insert(line) {
        let _ = std::io::stderr().write_all(text.as_bytes());
    }
}
