//! Asking a server, without the program under test.

use std::path::Path;

use tokio::runtime::Runtime;
use tokio_postgres::{Client, Config, NoTls, SimpleQueryMessage};

/// A session somebody else has; it ends when dropped.
pub struct Session {
    client: Client,
    runtime: Runtime,
}

impl Session {
    /// Connects to a database by the folder of a socket.
    pub fn open(socket: &Path, database: &str) -> Self {
        Self::open_as(socket, database, "postgres")
    }

    /// The same as another role.
    pub fn open_as(socket: &Path, database: &str, role: &str) -> Self {
        let runtime = runtime();
        let client = runtime.block_on(async {
            let mut config = config(socket, database);
            let (client, connection) = config.user(role).connect(NoTls).await.unwrap();
            tokio::spawn(connection);
            client
        });
        Self { client, runtime }
    }

    pub fn sql(&self, text: &str) {
        self.runtime
            .block_on(self.client.batch_execute(text))
            .unwrap();
    }
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
}

fn config(socket: &Path, database: &str) -> Config {
    let mut config = Config::new();
    config
        .host_path(socket)
        .user("postgres")
        .dbname(database)
        .application_name("tests");
    config
}

/// The rows of all statements, values as text joined by bars.
pub fn sql(socket: &Path, database: &str, text: &str) -> Vec<String> {
    try_sql(socket, database, text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

/// The same; the error is the server's message.
pub fn try_sql(socket: &Path, database: &str, text: &str) -> Result<Vec<String>, String> {
    runtime().block_on(async {
        let (client, connection) = config(socket, database)
            .connect(NoTls)
            .await
            .map_err(|error| error.to_string())?;
        let connection = tokio::spawn(connection);
        let messages = client
            .simple_query(text)
            .await
            .map_err(|error| match error.as_db_error() {
                Some(db) => db.message().to_owned(),
                None => error.to_string(),
            });
        drop(client);
        // The session is over when this returns: a template must have none.
        let _ = connection.await;
        let rows = messages?.into_iter().filter_map(|message| match message {
            SimpleQueryMessage::Row(row) => {
                let values: Vec<&str> = (0..row.len())
                    .map(|index| row.get(index).unwrap_or(""))
                    .collect();
                Some(values.join("|"))
            }
            _ => None,
        });
        Ok(rows.collect())
    })
}
