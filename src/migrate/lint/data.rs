//! Rules about rows: changing all of them, and finding those that refer to one.

use super::change::Key;
use super::facts::{Fact, Facts, Name, quoted};
use super::rule::{Level, Rule};
use super::{Hit, Indexes};

/// All of them.
pub(super) const RULES: &[&Rule] = &[&WRITE_WITHOUT_WHERE, &UNINDEXED_FOREIGN_KEY];

/// An `UPDATE` or `DELETE` of everything.
pub static WRITE_WITHOUT_WHERE: Rule = Rule::new(
    Level::Warning,
    "write-without-where",
    "it changes every row of the table, locks them all until the migration ends, and doubles the table's size on disk",
    "add a WHERE; write `where true` if every row is meant, and change large tables in batches",
);

/// A foreign key nobody can look up. On a new table a note: there is time to build the index.
pub static UNINDEXED_FOREIGN_KEY: Rule = Rule::new(
    Level::Warning,
    "unindexed-foreign-key",
    "every delete or new key in the table it refers to reads this whole table to find the rows that refer to it",
    "declare an index that begins with the columns of the key in database/indexes",
);

/// What the rules here find. `is_settled` says of a foreign key, which is the how-manieth fact, that nobody misses an
/// index for it.
pub(super) fn look(facts: &Facts, is_settled: impl Fn(Key, usize) -> bool, hits: &mut Vec<Hit>) {
    let made = facts.tables();
    for (index, fact) in facts.all.iter().enumerate() {
        match fact {
            Fact::Write { verb, table, span } if !made.contains(table) => hits.push(Hit::new(
                &WRITE_WITHOUT_WHERE,
                *span,
                format!("{verb} without WHERE changes all rows of {table}"),
            )),
            Fact::ForeignKey {
                table,
                columns,
                target,
                name,
                span,
                ..
            } => {
                let key = Key {
                    table: table.clone(),
                    columns: columns.clone(),
                    target: target.clone(),
                    name: name
                        .clone()
                        .unwrap_or_else(|| format!("{}_{}_fkey", table.name, columns.join("_"))),
                };
                if is_settled(key, index) {
                    continue;
                }
                let columns: Vec<_> = columns.iter().map(|column| quoted(column)).collect();
                let columns = columns.join(", ");
                let hit = Hit::new(
                    &UNINDEXED_FOREIGN_KEY,
                    *span,
                    format!(
                        "no index finds the rows of {table} by {columns}, which refers to {target}"
                    ),
                )
                .rewrite(format!(
                    "declare it in database/indexes, where `index apply` builds it while everybody writes: `create index NAME on \
                     {table} ({columns});`"
                ));
                hits.push(if made.contains(table) {
                    hit.level(Level::Note)
                } else {
                    hit
                });
            }
            _ => {}
        }
    }
}

/// Whether there is a foreign key here whose index would have to be looked for in other files.
pub(super) fn wanting<'a>(
    facts: &'a Facts,
    indexes: &'a Indexes,
) -> impl Iterator<Item = &'a Name> {
    facts.all.iter().filter_map(|fact| match fact {
        Fact::ForeignKey { table, columns, .. } if !indexes.cover(table, columns) => Some(table),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::super::tests::{SECURE, finds};

    #[test]
    fn all_rows_are_changed_on_purpose_only() {
        finds(
            "update t set a = 1;\ndelete from only t;",
            &["1:1 write-without-where", "2:1 write-without-where"],
        );
        finds(
            "update t set a = 1 where true; delete from t using u where t.a = u.a;",
            &[],
        );
        finds(
            "create temp table t (a text); update t set a = 'b'; delete from t; drop table t;",
            &[],
        );
        finds(
            "insert into t select 1; do $$ begin delete from t; end $$;",
            &[],
        );
    }

    #[test]
    fn foreign_keys_have_an_index_somewhere() {
        let table =
            |rest: &str| format!("create table t (a uuid references u, b uuid {rest});{SECURE}");
        finds(&table(""), &["1:24 unindexed-foreign-key (note)"]);
        finds(
            &format!("{} create index on public.t (a, b);", table("")),
            &[],
        );
        finds(&table(", unique (a, b)"), &[]);
        finds(&table(", primary key (a)"), &[]);
        finds(
            &table(", primary key (b, a)"),
            &["1:24 unindexed-foreign-key (note)"],
        );
        finds(
            &format!("{} create index on t (a) where b is null;", table("")),
            &["1:24 unindexed-foreign-key (note)"],
        );
        finds(
            &format!(
                "{} create index on t using hash (a) where a is not null;",
                table("")
            ),
            &[],
        );
        finds(
            &format!("{} create index on t using gin (a);", table("")),
            &["1:24 unindexed-foreign-key (note)"],
        );
        finds(
            "alter table t add constraint f foreign key (a, b) references u (x, y) not valid;",
            &["1:19 unindexed-foreign-key"],
        );
    }

    #[test]
    fn what_becomes_of_a_foreign_key_counts() {
        let keys = |rest: &str| {
            let text = format!(
                "create table t (a uuid constraint k references u, b uuid references \"V\");{SECURE}{rest}"
            );
            let found = super::super::tests::found(&text);
            let is_key = |found: &&String| found.contains("unindexed");
            found.iter().filter(is_key).count()
        };
        assert_eq!(keys(""), 2);
        for (rest, left) in [
            ("drop table t;", 0),
            ("drop table if exists x, public.t cascade;", 0),
            ("drop table u cascade;", 1),
            ("drop table \"V\";", 1),
            ("drop table v;", 2),
            ("alter table t drop column a;", 1),
            ("alter table t drop a, drop if exists b;", 0),
            ("alter table t drop constraint k;", 1),
            ("alter table t drop constraint if exists \"t_b_fkey\";", 1),
            ("alter table t drop constraint t_a_fkey;", 2),
            ("alter table x drop constraint k;", 2),
            (
                "alter table t rename to x; create index on x (a); drop table t;",
                1,
            ),
            (
                "alter table t rename column a to c; create index on t (c);",
                1,
            ),
            (
                "alter table t rename a to c; alter table t drop column c;",
                1,
            ),
            (
                "alter table t rename constraint k to l; alter table t drop constraint l;",
                1,
            ),
            ("alter table t set schema app; drop schema app cascade;", 0),
            ("drop schema public cascade;", 0),
            (
                "drop table t; create table t (a uuid references u); create index on t (a);",
                0,
            ),
            (
                "create index on t (a); drop table t; create table t (a uuid references u);",
                1,
            ),
            (
                "alter table t drop constraint k; alter table t add constraint k foreign key (a) references u;",
                2,
            ),
        ] {
            assert_eq!(keys(rest), left, "{rest}");
        }
        assert_eq!(
            super::super::tests::found("create index on t (a); alter table t rename to x; alter table x add foreign key (a) references u not valid;")
                .iter()
                .filter(|found| found.contains("unindexed"))
                .count(),
            0
        );
    }
}
