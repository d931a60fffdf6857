//! Rules about the transaction a migration is, and the session it runs in.

use super::Hit;
use super::facts::{Fact, Facts};
use super::rule::{Level, Rule};
use crate::pg::sql;

/// All of them.
pub(super) const RULES: &[&Rule] = &[
    &TRANSACTION_CONTROL,
    &READ_ONLY,
    &ASKED_BEFORE,
    &WRAPPED,
    &NEEDS_NO_TRANSACTION,
    &NEEDS_TRANSACTION,
    &CONCURRENT_WITHOUT_NAME,
    &UNLOCKS_RUN,
    &SESSION_SETTING,
    &NEW_ENUM_VALUE,
    &COMMITTING_CALL,
    &UNDONE_ALONE,
];

/// `COMMIT` and its kind.
pub static TRANSACTION_CONTROL: Rule = Rule::new(
    Level::Error,
    "transaction-control",
    "each migration is a transaction of its own, with its row in the history; what is committed in between stays when the rest fails",
    "remove the transaction control; everything in the file happens, or nothing does",
);

/// How a file says what kind of transaction it is.
pub(in crate::migrate) const CHOOSE: &str = "to choose the kind of transaction, such as its isolation level, begin the file with `set transaction ...;`, or put `begin ...;` and `commit;` around all of it";

/// A transaction that may not write its row.
pub static READ_ONLY: Rule = Rule::new(
    Level::Error,
    "read-only-transaction",
    "the row in the history is written in the transaction of the migration",
    "leave out READ ONLY",
);

/// A kind of transaction that is chosen too late.
pub static ASKED_BEFORE: Rule = Rule::new(
    Level::Error,
    "transaction-mode-after-detach",
    "policies are taken off before the first statement, and after that the kind of a transaction cannot be chosen",
    "put `begin ...;`, with what SET TRANSACTION says, and `commit;` around the whole file",
);

/// A `BEGIN ... COMMIT` in a file that is one transaction.
pub static WRAPPED: Rule = Rule::new(
    Level::Note,
    "wrapped-in-transaction",
    "every migration is one transaction without being told so, and this file runs as if BEGIN and COMMIT were not there",
    "leave out BEGIN and COMMIT",
);

/// What PostgreSQL refuses inside a transaction.
pub static NEEDS_NO_TRANSACTION: Rule = Rule::new(
    Level::Error,
    "needs-no-transaction",
    "PostgreSQL refuses it inside of a transaction, and every migration is one unless it says otherwise",
    "put it into a file of its own that begins with `-- toysoldiers: no-transaction`",
);

/// What means nothing outside of a transaction.
pub static NEEDS_TRANSACTION: Rule = Rule::new(
    Level::Error,
    "needs-transaction",
    "it lasts as long as the transaction around it, and this file asks for none",
    "put it into a file without `no-transaction`",
);

/// An index that nobody can find again.
pub static CONCURRENT_WITHOUT_NAME: Rule = Rule::new(
    Level::Warning,
    "concurrent-index-without-name",
    "a build that is interrupted leaves an INVALID index behind, and without its name the next run cannot drop it",
    "give the index a name",
);

/// What gives away the mark of the run.
pub static UNLOCKS_RUN: Rule = Rule::new(
    Level::Error,
    "unlocks-run",
    "the session that runs it is marked, so that another run waits for it if this program is killed, and has settings that the rest of the file relies on",
    "leave it out, or name what is to be forgotten: DISCARD PLANS, RESET, pg_advisory_unlock(KEY); each file begins with a clean session",
);

/// A setting that outlives the transaction.
pub static SESSION_SETTING: Rule = Rule::new(
    Level::Warning,
    "session-setting",
    "it also holds for what is sent after the file, such as its row in the history",
    "use SET LOCAL, which ends with the migration",
);

/// A value that can be used only once it is committed.
pub static NEW_ENUM_VALUE: Rule = Rule::new(
    Level::Warning,
    "new-enum-value-in-use",
    "PostgreSQL refuses to use a new value of an enum before the transaction that adds it has ended",
    "use the value in the next migration",
);

/// A call that ends the transaction it is in.
pub static COMMITTING_CALL: Rule = Rule::new(
    Level::Warning,
    "committing-call",
    "PostgreSQL refuses COMMIT and ROLLBACK in a procedure that is called inside of a transaction",
    "call it in a file of its own that begins with `-- toysoldiers: no-transaction`",
);

/// A file that is to undo a migration without a transaction.
pub static UNDONE_ALONE: Rule = Rule::new(
    Level::Error,
    "undone-without-transaction",
    "a migration is undone in one transaction with its row in the history",
    "leave out `no-transaction`, and write statements without CONCURRENTLY; or undo the migration in a new one",
);

/// What to write instead of what PostgreSQL refuses inside a transaction, in a file that undoes a migration.
pub(in crate::migrate) const UNDONE: &str = "write it without CONCURRENTLY, or leave it out: a migration is undone in one transaction with its row in the history";

/// What the rules here find in a file that is a transaction.
pub(super) fn look(facts: &Facts, text: &str, hits: &mut Vec<Hit>) {
    for fact in &facts.all {
        match fact {
            Fact::Setting { what, span } => hits.push(Hit::new(
                &SESSION_SETTING,
                *span,
                format!("{what} holds for the session, not for this migration"),
            )),
            Fact::EnumValue { name, value, span } if !facts.makes_type(name) => {
                let rest = &text[span.end()..];
                let later = sql::statements(rest)
                    .filter_map(Result::ok)
                    .find_map(|statement| Some(statement.start + statement.text.find(value)?));
                let is_known = |place: usize| {
                    let start = span.end() + place;
                    hits.iter().any(|hit| hit.span.start == start)
                };
                if let Some(place) = later.filter(|place| !is_known(*place)) {
                    hits.push(Hit::new(
                        &NEW_ENUM_VALUE,
                        (span.end() + place, value.len()).into(),
                        format!("{value} of the enum {name} is new in this migration"),
                    ));
                }
            }
            Fact::Call { name, span } if facts.commits(name) => hits.push(Hit::new(
                &COMMITTING_CALL,
                *span,
                format!("the procedure {name} ends the transaction it is called in"),
            )),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::finds;

    #[test]
    fn settings_end_with_the_migration() {
        finds(
            "set search_path = app;\nset role x;\nset session authorization y;\nselect pg_catalog.set_config('search_path', '', false);",
            &[
                "1:1 session-setting",
                "2:1 session-setting",
                "3:1 session-setting",
                "4:8 session-setting",
            ],
        );
        finds(
            "set local search_path = app; set local role x; select set_config('a', 'b', true); set constraints all deferred;",
            &[],
        );
        finds(
            "-- toysoldiers: no-transaction\nset search_path = app;",
            &[],
        );
    }

    #[test]
    fn a_new_value_of_an_enum_waits_for_the_next_migration() {
        finds(
            "alter type mood add value 'x';\ninsert into t values ('x');",
            &["2:23 new-enum-value-in-use"],
        );
        finds(
            "alter type mood add value 'x'; insert into t values ('y');",
            &[],
        );
        finds(
            "create type mood as enum ('y'); alter type mood add value 'x'; insert into t values ('x');",
            &[],
        );
    }

    #[test]
    fn procedures_that_commit_are_not_called_in_a_transaction() {
        let made = "create procedure p() language plpgsql as $$ begin commit; end $$;";
        finds(&format!("{made}\ncall p();"), &["2:1 committing-call"]);
        finds(
            &format!("-- toysoldiers: no-transaction\n{made}\ncall p();"),
            &[],
        );
        finds(
            "create procedure p() language plpgsql as $$ begin null; end $$; call p();",
            &[],
        );
    }

    #[test]
    fn an_index_built_concurrently_has_a_name() {
        let file = |sql: &str| format!("-- toysoldiers: no-transaction\n{sql}");
        finds(
            &file("create index concurrently on t (a);"),
            &["2:1 concurrent-index-without-name"],
        );
        finds(
            &file("create unique index concurrently if not exists \"On\" on t (a);"),
            &[],
        );
    }
}
