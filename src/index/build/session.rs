//! The session for what is done concurrently.

use std::sync::Arc;

use tokio::sync::Mutex;

use crate::error::Result;
use crate::pg::{Db, Endpoint, RunContext};

/// One session, opened when it is needed first, and again after something failed in it.
pub(super) struct Sessions<'a> {
    endpoint: &'a Endpoint,
    run: RunContext<'a>,
    current: Mutex<Option<Arc<Db>>>,
}

impl<'a> Sessions<'a> {
    pub(super) fn new(endpoint: &'a Endpoint, run: RunContext<'a>) -> Self {
        Self {
            endpoint,
            run,
            current: Mutex::new(None),
        }
    }

    /// The session.
    pub(super) async fn open(&self) -> Result<Arc<Db>> {
        let mut current = self.current.lock().await;
        if let Some(db) = current.as_ref() {
            return Ok(Arc::clone(db));
        }
        let db = Db::connect(self.endpoint, self.run.unhurried()).await?;
        self.run.sessions.attend(&db);
        // A build is worth more than the client that began it: it goes on without it.
        let mut settings = "set client_connection_check_interval = 0".to_owned();
        if db.server_major() >= 17 {
            settings.push_str("; set transaction_timeout = 0");
        }
        db.script(&settings).await?;
        let db = Arc::new(db);
        *current = Some(Arc::clone(&db));
        Ok(db)
    }

    /// Something failed in it; the next one is a new one.
    pub(super) async fn leave(&self) {
        *self.current.lock().await = None;
    }
}
