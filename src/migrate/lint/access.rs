//! Rules about who may see and do what.

use super::Hit;
use super::facts::{Fact, Facts, Name};
use super::rule::{Level, Rule};

/// All of them.
pub(super) const RULES: &[&Rule] = &[
    &TABLE_WITHOUT_ROW_SECURITY,
    &ROW_SECURITY_OFF,
    &VIEW_WITHOUT_OPTIONS,
    &DEFINER_WITHOUT_SEARCH_PATH,
    &POLICY_WITHOUT_ROLE,
    &POLICY_CALL_PER_ROW,
    &GRANT_TO_EVERYONE,
];

/// A table that anybody may read to whom default privileges give it.
pub static TABLE_WITHOUT_ROW_SECURITY: Rule = Rule::new(
    Level::Warning,
    "table-without-row-security",
    "default privileges may give every new table in public to everyone, and from here until its policies come nothing hides a row",
    "enable row-level security in the migration that makes the table",
);

/// Policies that no longer hold.
pub static ROW_SECURITY_OFF: Rule = Rule::new(
    Level::Warning,
    "row-security-off",
    "the policies of the table stay, and no longer hide anything",
    "change the policies instead",
);

/// A view that shows what policies hide.
pub static VIEW_WITHOUT_OPTIONS: Rule = Rule::new(
    Level::Warning,
    "view-without-security-options",
    "a plain view reads with the rights of its owner, past all policies; and `create or replace` drops the options it does not repeat",
    "say `with (security_invoker = true)` (PostgreSQL 15), or `with (security_barrier = true)` and decide in the view who sees what",
);

/// A function that can be made to call something else.
pub static DEFINER_WITHOUT_SEARCH_PATH: Rule = Rule::new(
    Level::Warning,
    "definer-without-search-path",
    "whoever calls it chooses what its names mean, and has them run with the rights of its owner",
    "add `set search_path = pg_catalog, pg_temp`, and name the schema of everything else",
);

/// A policy for all roles.
pub static POLICY_WITHOUT_ROLE: Rule = Rule::new(
    Level::Warning,
    "policy-without-role",
    "without TO a policy is for every role there is, now and later",
    "name the roles: `to authenticated`",
);

/// A policy that asks the same question for every row.
pub static POLICY_CALL_PER_ROW: Rule = Rule::new(
    Level::Warning,
    "policy-call-per-row",
    "asked once a row and not once a query, it makes large tables up to a hundred times slower",
    "wrap the call, so that it is made once: `(select app.current_user_id())`",
);

/// A grant to those who are not signed in, or to all.
pub static GRANT_TO_EVERYONE: Rule = Rule::new(
    Level::Warning,
    "grant-to-everyone",
    "row-level security stops neither TRUNCATE, REFERENCES nor TRIGGER, and hides nothing where it is off",
    "grant what is needed to the roles that need it",
);

/// What the rules here find.
pub(super) fn look(facts: &Facts, hits: &mut Vec<Hit>) {
    for fact in &facts.all {
        match fact {
            Fact::Table { name, span, .. } => {
                let is_shown = fact.is_permanent() && name.is_exposed();
                if is_shown && !facts.secures(name) && !facts.mentions_row_security {
                    let hit = Hit::new(
                        &TABLE_WITHOUT_ROW_SECURITY,
                        *span,
                        format!("the table {name} is made without row-level security"),
                    );
                    hits.push(hit.rewrite(format!(
                        "add `alter table {name} enable row level security;`"
                    )));
                }
            }
            Fact::RowSecurityOff { table, span } => hits.push(Hit::new(
                &ROW_SECURITY_OFF,
                *span,
                format!("row-level security of {table} ends or is weakened here"),
            )),
            Fact::View {
                name,
                options,
                span,
            } if name.is_exposed() => {
                let says =
                    |option: &String| option == "security_invoker" || option == "security_barrier";
                if !options.iter().any(says) {
                    hits.push(Hit::new(
                        &VIEW_WITHOUT_OPTIONS,
                        *span,
                        format!("the view {name} does not say with whose rights it reads"),
                    ));
                }
            }
            Fact::Definer { name, span } if !facts.sets_search_path(name) => hits.push(Hit::new(
                &DEFINER_WITHOUT_SEARCH_PATH,
                *span,
                format!(
                    "{name} runs with the rights of its owner and the search_path of its caller"
                ),
            )),
            Fact::Policy {
                name,
                table,
                roles,
                calls,
                span,
            } => {
                if !roles {
                    hits.push(Hit::new(
                        &POLICY_WITHOUT_ROLE,
                        *span,
                        format!("the policy {name} on {table} names no role"),
                    ));
                }
                for (call, span) in calls {
                    let hit = Hit::new(
                        &POLICY_CALL_PER_ROW,
                        *span,
                        format!("the policy {name} on {table} calls {call} for every row"),
                    );
                    hits.push(hit.rewrite(format!("write `(select {call})`")));
                }
            }
            Fact::Grant {
                privileges,
                object,
                roles,
                span,
            } => {
                if let Some(message) = too_much(privileges, object, roles) {
                    hits.push(Hit::new(&GRANT_TO_EVERYONE, *span, message));
                }
            }
            _ => {}
        }
    }
}

/// What is wrong with a grant on tables, if anything is: `public` is to have nothing, `anon` no more than reading.
fn too_much(privileges: &[String], object: &str, roles: &[Name]) -> Option<String> {
    let has = |name: &str| {
        roles
            .iter()
            .any(|role| role.schema.is_none() && role.name == name)
    };
    let is_more_than_reading = privileges.iter().any(|word| word != "select");
    let role = match () {
        () if has("public") => "public",
        () if has("anon") && is_more_than_reading => "anon",
        () => return None,
    };
    Some(format!(
        "{role} is granted {} on {object}",
        privileges.join(", ")
    ))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{SECURE, finds};

    #[test]
    fn tables_that_clients_see_need_row_level_security() {
        finds(
            "create table t (a text);",
            &["1:14 table-without-row-security"],
        );
        finds(
            "create table public.T as select 1;",
            &["1:14 table-without-row-security"],
        );
        finds(&format!("create table public.t (a text);\n{SECURE}"), &[]);
        finds(
            "create table \"t\" (a text); alter table only public.t enable row level security, force row level security;",
            &[],
        );
        finds(
            "create temp table t (a text); create table app.t (a text);",
            &[],
        );
        finds(
            "create table t (a text); do $$ begin execute 'alter table t enable row level security'; end $$;",
            &[],
        );
        finds(
            "alter table t disable row level security;",
            &["1:15 row-security-off"],
        );
        finds(
            "alter table t no force row level security;",
            &["1:15 row-security-off"],
        );
    }

    #[test]
    fn views_say_with_whose_rights_they_read() {
        finds(
            "create view v as select a from t;",
            &["1:13 view-without-security-options"],
        );
        finds(
            "create or replace view public.v as select a from t;",
            &["1:24 view-without-security-options"],
        );
        finds(
            "create view v with (security_invoker = true) as select a from t;",
            &[],
        );
        finds(
            "create view v with (security_barrier) as select a from t;",
            &[],
        );
        finds("create view v as select 1;", &[]);
        finds(
            "create view app.v as select a from t; create temp view w as select a from t;",
            &[],
        );
    }

    #[test]
    fn functions_with_the_rights_of_their_owner_fix_their_search_path() {
        let function = |options: &str| {
            format!("create function f() returns int language sql {options} as $$ select 1 $$;")
        };
        finds(
            &function("security definer"),
            &["1:46 definer-without-search-path"],
        );
        finds(
            &function("security definer set search_path = pg_catalog, pg_temp"),
            &[],
        );
        finds(
            &function("set search_path from current security definer"),
            &[],
        );
        finds(&function("security invoker"), &[]);
        finds(
            &format!(
                "{} alter function f() set search_path = ''; ",
                function("security definer")
            ),
            &[],
        );
        finds(
            "create procedure p() language sql security definer as $$ select 1 $$;",
            &["1:35 definer-without-search-path"],
        );
    }

    #[test]
    fn policies_name_roles_and_ask_once_a_query() {
        finds(
            "create policy p on t using (true);",
            &["1:15 policy-without-role"],
        );
        finds(
            "create policy p on t for select to authenticated using (a = (select app.current_user_id()));",
            &[],
        );
        finds(
            "create policy p on t to authenticated using (a = auth.uid()) with check (b = current_setting('x'));",
            &["1:50 policy-call-per-row", "1:78 policy-call-per-row"],
        );
        finds(
            "create policy p on t to authenticated using (lower(a) = 'x');",
            &[],
        );
    }

    #[test]
    fn grants_to_everyone_are_named() {
        finds(
            "grant select on table t to public;",
            &["1:1 grant-to-everyone"],
        );
        finds(
            "grant insert (a, b), update on t to anon;",
            &["1:1 grant-to-everyone"],
        );
        finds(
            "grant all on all tables in schema public to service_role, anon;",
            &["1:1 grant-to-everyone"],
        );
        finds(
            "grant select on t to anon; grant all on t to service_role;",
            &[],
        );
        finds(
            "grant usage on schema app to anon, public; grant execute on function f() to public; grant a to b;",
            &[],
        );
    }
}
