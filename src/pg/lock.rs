//! The lock that keeps two runners apart.
//!
//! It is polled. A session that waits inside `pg_advisory_lock` holds a snapshot, and a `CREATE INDEX
//! CONCURRENTLY` of the lock's holder waits for that snapshot: a deadlock.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::db::Db;
use super::query::Query;
use crate::error::{Error, Kind, Result};
use crate::plan::Progress;

/// The key of the lock every runner of migrations takes: "toysoldi" in ASCII.
pub const MIGRATE: i64 = 0x746f_7973_6f6c_6469;

/// The key of the lock every deploy takes, besides the one its migrations take: "toysdepl" in ASCII.
pub const DEPLOY: i64 = 0x746f_7973_6465_706c;

/// The key of the lock of those who build indexes: "toysindx" in ASCII. A build may take hours, and no migration and no
/// policy has to wait for it.
pub const INDEX: i64 = 0x746f_7973_696e_6478;

const POLL: Duration = Duration::from_millis(100);

crate::row! {
    /// Whether the lock is ours now.
    pub struct Attempt {
        /// It is.
        pub acquired: bool,
    }
}

crate::row! {
    /// Who holds the lock.
    pub struct Holder {
        /// Process id of the session on the server.
        pub pid: i32,
        /// Its role.
        pub role: String,
        /// Its application.
        pub application: String,
        /// Where it comes from.
        pub client: String,
        /// How long it has been connected, in whole seconds.
        pub seconds: i64,
    }
}

static TRY: Query<Attempt> = crate::query!("lock/try");
static HOLDER: Query<Holder> = crate::query!("lock/holder");
static RELEASE: Query<Attempt> = crate::query!("lock/release");

/// Takes the lock `key`, polling for at most `wait`; says once who holds it.
pub async fn acquire(db: &Db, key: i64, wait: Duration, progress: &dyn Progress) -> Result<()> {
    let start = Instant::now();
    let mut told = false;
    loop {
        if db.one(&TRY, &[&key]).await?.acquired {
            return Ok(());
        }
        let holder = db
            .opt(&HOLDER, &[&key])
            .await?
            .map(|holder| describe(&holder));
        if start.elapsed() >= wait {
            let holder = holder.unwrap_or_else(|| "another session".to_owned());
            return Err(
                Error::new(Kind::Refused, "another run is at work on this database")
                    .note(format!("the lock is held by {holder}"))
                    .unchanged()
                    .hint("wait for it to end, or allow more time with `--wait`")
                    .into(),
            );
        }
        if let Some(holder) = holder
            && !told
        {
            progress.say(&format!("waiting for another run to end: {holder}"));
            told = true;
        }
        sleep(POLL).await;
    }
}

/// Gives the lock back; the end of the session does so too.
pub async fn release(db: &Db, key: i64) -> Result<()> {
    db.one(&RELEASE, &[&key]).await.map(|_| ())
}

fn describe(holder: &Holder) -> String {
    format!(
        "pid {} ({} as {}, {}, connected for {} s)",
        holder.pid, holder.application, holder.role, holder.client, holder.seconds
    )
}
