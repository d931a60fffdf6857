//! Functions that run where no search_path is set: a rule that has to know what other files make.

use std::collections::{HashMap, HashSet};

use super::Hit;
use super::facts::{Fact, Facts, Name};
use super::rule::{Level, Rule};

/// All of them.
pub(super) const RULES: &[&Rule] = &[&RELIES_ON_SEARCH_PATH];

/// A schema that cannot be dumped and loaded again.
pub static RELIES_ON_SEARCH_PATH: Rule = Rule::new(
    Level::Warning,
    "relies-on-search-path",
    "pg_dump and pg_restore run it with an empty search_path, and then it does not find its names: neither the schema nor a backup can be loaded",
    "qualify the names in the function, or add `set search_path = ...` to it",
);

/// Functions of extensions that are called by their bare names more often than not. The catalog has none of the name.
const OF_EXTENSIONS: [&str; 14] = [
    "unaccent",
    "similarity",
    "word_similarity",
    "show_trgm",
    "uuid_generate_v1mc",
    "uuid_generate_v4",
    "uuid_generate_v5",
    "digest",
    "hmac",
    "crypt",
    "gen_salt",
    "gen_random_bytes",
    "ll_to_earth",
    "earth_distance",
];

/// Functions of the catalog that are called most: nobody needs to look for them in other files.
const OF_CATALOG: [&str; 32] = [
    "lower",
    "upper",
    "length",
    "char_length",
    "octet_length",
    "btrim",
    "trim",
    "left",
    "right",
    "substring",
    "position",
    "concat",
    "md5",
    "now",
    "date_trunc",
    "extract",
    "abs",
    "round",
    "floor",
    "jsonb_typeof",
    "jsonb_array_length",
    "array_length",
    "cardinality",
    "array_position",
    "to_tsvector",
    "num_nonnulls",
    "num_nulls",
    "count",
    "sum",
    "max",
    "min",
    "avg",
];

/// What files make that these functions look for.
#[derive(Debug, Default)]
pub struct Routines {
    functions: HashMap<String, HashMap<(Name, String), Function>>,
    tables: HashSet<String>,
    with_path: HashSet<Name>,
}

#[derive(Debug)]
struct Function {
    count: Option<usize>,
    calls: Vec<String>,
    tables: Vec<String>,
}

impl Routines {
    /// Adds those of a file; what it says holds, whatever earlier ones said.
    pub fn add(&mut self, facts: &Facts) {
        for fact in &facts.all {
            match fact {
                Fact::Function {
                    name,
                    parameters,
                    count,
                    calls,
                    tables,
                } => {
                    let function = Function {
                        count: *count,
                        calls: calls.clone(),
                        tables: tables.clone(),
                    };
                    self.functions
                        .entry(name.name.clone())
                        .or_default()
                        .insert((name.clone(), parameters.clone()), function);
                }
                Fact::Dropped(name) => {
                    if let Some(functions) = self.functions.get_mut(&name.name) {
                        functions.retain(|(other, _), _| other != name);
                    }
                    self.with_path.remove(name);
                }
                Fact::SearchPath(name) => {
                    self.with_path.insert(name.clone());
                }
                Fact::Table { name, .. } if fact.is_permanent() => {
                    self.tables.insert(name.name.clone());
                }
                _ => {}
            }
        }
    }

    /// What a function looks for by the search_path of its caller, if anything; and whether each that can be meant does.
    fn relies(&self, called: &Name, count: usize) -> Option<(&str, bool)> {
        let functions = self.functions.get(&called.name)?;
        let meant = functions.iter().filter(|((name, _), function)| {
            (called.schema.is_none() || called.schema == name.schema)
                && function.count.is_none_or(|wanted| wanted == count)
        });
        let found: Vec<Option<&str>> = meant
            .map(|((name, _), function)| {
                if self.with_path.contains(name) {
                    return None;
                }
                let mut calls = function.calls.iter().map(String::as_str);
                let call = calls.find(|call| {
                    self.functions
                        .get(*call)
                        .is_some_and(|made| !made.is_empty())
                        || OF_EXTENSIONS.contains(call)
                });
                let mut tables = function.tables.iter();
                call.or_else(|| {
                    let table = tables.find(|table| self.tables.contains(*table));
                    table.map(String::as_str)
                })
            })
            .collect();
        let first = found.iter().flatten().next()?;
        Some((first, found.iter().all(Option::is_some)))
    }
}

/// What the rule finds.
pub(super) fn look(facts: &Facts, routines: &Routines, hits: &mut Vec<Hit>) {
    for fact in &facts.all {
        let Fact::Run {
            what,
            called,
            count,
            span,
        } = fact
        else {
            continue;
        };
        if let Some((missing, is_sure)) = routines.relies(called, *count) {
            let hit = Hit::new(
                &RELIES_ON_SEARCH_PATH,
                *span,
                format!(
                    "{what} calls {called}, which looks for {missing} by the search_path of its caller"
                ),
            );
            // Which of several functions is called only the server knows.
            hits.push(if is_sure { hit } else { hit.level(Level::Note) });
        }
    }
}

/// The functions that run here and of which other files may know.
pub(super) fn wanting(facts: &Facts) -> impl Iterator<Item = &Name> {
    facts.all.iter().filter_map(|fact| match fact {
        Fact::Run { called, .. } if !OF_CATALOG.contains(&called.name.as_str()) => Some(called),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::super::tests::found;

    const SHORTEN: &str = "create function app.shorten(t text) returns text language sql as $$ select left(t, 4) $$;
        create function app.shorten(u uuid, n int) returns text language sql as $$ select shorten(u::text) $$;
        create table t (id uuid primary key);";

    /// Where the rule finds something, if it does; calls stand on lines of their own.
    #[track_caller]
    fn relies(text: &str, expected: &[&str]) {
        let mut found = found(&format!("{SHORTEN} {text}"));
        found.retain(|finding| finding.contains("relies-on-search-path"));
        assert_eq!(found, expected, "{text}");
    }

    const HERE: [&str; 1] = ["4:1 relies-on-search-path"];

    #[test]
    fn what_runs_in_a_restore_names_the_schemas_of_what_it_calls() {
        for text in [
            "create table u (id uuid, a text check (\napp.shorten(id, 1) <> ''));",
            "create table u (id uuid, a text, constraint c check (a >\napp.shorten(id, 1)));",
            "create table u (id uuid, a text generated always as (\napp.shorten(id, 1)) stored);",
            "alter table t add constraint c check (\nshorten(id, 1) <> '') not valid;",
            "alter table t add column a text generated always as (\nshorten(id, 1)) stored;",
            "create index i on t (\napp.shorten(id, 1));",
            "create index i on t (id) where\napp.shorten(id, 1) = '';",
            "create materialized view app.v as select\nshorten(id, 1) from t;",
            "create domain app.d as uuid check (\napp.shorten(value, 1) <> '');",
        ] {
            relies(text, &HERE);
        }
    }

    #[test]
    fn whoever_sets_or_needs_no_path_is_left_alone() {
        for text in [
            // The other one of the name, and one of the catalog.
            "create table u (a text check (app.shorten(a) = lower(a)));",
            "create index i on t (app.shorten(id, 1)); alter function app.shorten(uuid, int) set search_path = app;",
            "drop function app.shorten(uuid, int); create function app.shorten(id uuid, n int) returns text language sql as $$ select app.shorten(id::text) $$; create index i on t (app.shorten(id, 1));",
            // Nothing runs it but a person.
            "create view app.v as select shorten(id, 1) from t;",
            "create table u (id uuid, a text default shorten(gen_random_uuid(), 1));",
            "create policy p on t to a using (shorten(id, 1) = '');",
        ] {
            relies(text, &[]);
        }
    }

    #[test]
    fn a_body_is_read_as_far_as_it_can_be() {
        let function = |options: &str, body: &str| {
            format!(
                "create function f(u uuid) returns text language plpgsql {options} as $$ begin {body} end $$; create index i on t (\nf(id));"
            )
        };
        for body in [
            "return shorten(u, 1);",
            "return (select max(id) from t);",
            "insert into t (id) values (u);",
            "return unaccent(u::text);",
        ] {
            relies(&function("", body), &HERE);
            relies(&function("set search_path = app", body), &[]);
        }
        for body in [
            "return app.shorten(u, 1); -- shorten(u, 1)",
            "return 'shorten(u, 1)' || left(u::text, 1);",
            "return u is distinct from t or extract(year from t) > 1;",
            "return (with t as (select 1) select 2 from t);",
            "select 1 into t from app.t;",
        ] {
            relies(&function("", body), &[]);
        }
    }

    #[test]
    fn which_of_several_is_meant_is_for_the_server_to_say() {
        relies(
            "create function app.shorten(u uuid) returns text language sql as $$ select shorten(u::text) $$; create index i on t (\napp.shorten(id));",
            &["4:1 relies-on-search-path (note)"],
        );
    }
}
