//! What is special about a server.

use std::io::Write;
use std::path::Path;

use super::process;

/// How a server differs from the one all tests share.
#[derive(Default)]
pub struct Setup {
    settings: String,
    rules: String,
    files: Vec<(String, Vec<u8>)>,
}

impl Setup {
    /// It does not.
    pub fn new() -> Self {
        Self::default()
    }

    /// A line of postgresql.conf; it wins over those before it.
    pub fn setting(mut self, line: &str) -> Self {
        self.settings += line;
        self.settings.push('\n');
        self
    }

    /// A line of pg_hba.conf, before those all servers have; the first that fits decides.
    pub fn rule(mut self, line: &str) -> Self {
        self.rules += line;
        self.rules.push('\n');
        self
    }

    /// A file in the folder of the data, which settings name without a path. Nobody else can read it.
    pub fn file(mut self, name: &str, bytes: impl AsRef<[u8]>) -> Self {
        self.files.push((name.to_owned(), bytes.as_ref().to_vec()));
        self
    }

    /// Writes it into the data below this folder.
    pub fn write(&self, folder: &Path, port: u16, rules: &str) {
        let data = folder.join("data");
        let mut settings = std::fs::OpenOptions::new()
            .append(true)
            .open(data.join("postgresql.conf"))
            .unwrap();
        write!(
            settings,
            "listen_addresses = '127.0.0.1'\n\
             port = {port}\n\
             unix_socket_directories = '{}'\n\
             fsync = off\n\
             full_page_writes = off\n\
             max_connections = 200\n\
             autovacuum = off\n\
             {}",
            folder.display(),
            self.settings
        )
        .unwrap();
        process::write(&data.join("pg_hba.conf"), self.rules.clone() + rules);
        for (name, bytes) in &self.files {
            process::write(&data.join(name), bytes);
        }
    }
}
