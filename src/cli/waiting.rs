//! How long a change waits for others: for another run, and for whoever has locked a table.

use std::time::Duration;

use clap::Args;

use crate::context::Context;
use crate::error::Result;
use crate::pg::lock::{self, Lock};
use crate::pg::{Db, RunContext, attempt};

#[derive(Debug, Clone, Copy, Args)]
pub(super) struct WaitArgs {
    /// How long to wait for another run on the same database to end
    #[arg(long, default_value = "10m", value_name = "TIME", value_parser = crate::settings::duration)]
    wait: Duration,
    /// For how long to try again when other sessions hold a lock; 0 for one attempt
    #[arg(long, default_value = "5m", value_name = "TIME", value_parser = crate::settings::duration)]
    retry_for: Duration,
}

impl WaitArgs {
    pub(super) fn run(self, cx: &Context) -> RunContext<'_> {
        cx.run(self.wait, self.retry_for)
    }

    /// Makes the plan once nobody holds these locks, which another run may have taken before it locks what is looked at;
    /// a look that finds a table locked is made again. A dry run looks at once, and only once.
    pub(super) async fn plan<T>(
        self,
        cx: &Context,
        db: &Db,
        locks: &[&'static Lock],
        what: &str,
        plan: impl AsyncFnMut() -> Result<T>,
    ) -> Result<T> {
        let mut run = self.run(cx);
        if cx.ui.is_dry() {
            run.retry_for = Duration::ZERO;
        } else {
            for lock in locks {
                lock::wait_until_free(db, lock, run).await?;
            }
        }
        attempt::retry(db, what, run, plan).await
    }
}
