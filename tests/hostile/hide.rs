//! A name alone hides nothing: what is left out as somebody else's is that only if they own it.

use crate::support::{Database, Tool};

/// The tables without row-level security that anybody may read.
fn open_tables(database: &Database) -> Vec<String> {
    let tool = Tool::new().on(database);
    let words = ["policy", "audit", "--check", "rls-disabled", "-o", "json"];
    let findings: serde_json::Value =
        serde_json::from_str(&tool.run(&words).stdout).expect("is JSON");
    let findings = findings.as_array().expect("is a list").iter();
    let names = findings.map(|one| one["object"].as_str().expect("has a name").to_owned());
    names.filter(|name| name.starts_with("net.")).collect()
}

#[test]
fn a_schema_of_a_providers_name_is_looked_at_unless_it_is_the_providers() {
    let database = Database::migrated();
    let web = format!("web_{}", database.name);
    database.sql(&format!(
        "create role {web}; create schema net authorization {web}; grant usage on schema net to anon;
         create table net.t (id int primary key); grant select on net.t to anon"
    ));
    assert_eq!(open_tables(&database), ["net.t"]);
    for owner in ["postgres", &format!("supabase_{web}")] {
        database.sql(&format!(
            "do $$ begin create role {owner}; exception when duplicate_object then null; end $$;
             alter schema net owner to {owner}"
        ));
        assert_eq!(open_tables(&database), [""; 0], "{owner}");
    }
    database.sql(&format!(
        "alter schema net owner to postgres; drop role {web}, supabase_{web}"
    ));
}
