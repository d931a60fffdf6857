//! Making a plan on a database where others are at work: another run is waited for before anything is looked at that it
//! may have locked, and a look that finds a table locked is made again.

use std::time::Duration;

use crate::context::Context;
use crate::error::Result;
use crate::pg::Db;
use crate::pg::attempt::{self, Limits};
use crate::pg::lock::{self, Lock};

/// How long others are waited for.
pub(super) struct Looking {
    /// Another run.
    pub wait: Duration,
    /// Whoever has locked a table.
    pub retry_for: Duration,
}

impl Looking {
    /// Makes the plan once nobody holds these locks. A dry run looks at once, and only once.
    pub(super) async fn plan<T>(
        &self,
        cx: &Context,
        db: &Db,
        locks: &[&'static Lock],
        what: &str,
        plan: impl AsyncFnMut() -> Result<T>,
    ) -> Result<T> {
        let mut retry_for = Duration::ZERO;
        if !cx.ui.is_dry() {
            retry_for = self.retry_for;
            for lock in locks {
                lock::wait_until_free(db, lock, self.wait, &cx.ui).await?;
            }
        }
        let limits = Limits::looking(cx.flags().lock_timeout, retry_for);
        attempt::retry(db, what, limits, &cx.ui, plan).await
    }
}
