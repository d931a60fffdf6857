//! What is not looked for, and why.

use super::{Row, Theirs, never};

const RUNNER: &str = "every migration runs with a lock_timeout and a statement_timeout of its own";
const MODE: &str = "transaction-control and the rules beside it say so";

pub(super) static TABLE: &[Row] = &[
    never(Theirs::RequireLockTimeout, RUNNER),
    never(Theirs::RequireStatementTimeout, RUNNER),
    never(Theirs::RequireTimeoutSettings, RUNNER),
    never(Theirs::TransactionNesting, MODE),
    never(Theirs::BanUncommittedTransaction, MODE),
    never(
        Theirs::BanConcurrentIndexCreationInTransaction,
        "needs-no-transaction says so, for all such statements",
    ),
    never(
        Theirs::UnusedIgnore,
        "unused-allow says so: comments for squawk are not heard here",
    ),
    never(
        Theirs::PreferRobustStmts,
        "a migration happens as a whole or goes on where it stopped, and IF NOT EXISTS takes an invalid index for a finished one",
    ),
    never(Theirs::PreferRepack, "REPACK comes with PostgreSQL 19"),
];
