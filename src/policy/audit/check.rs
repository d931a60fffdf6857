//! The checks there are: a file each, whose comment says what it finds and whose query finds it.

use std::sync::LazyLock;

use serde::Serialize;
use serde_json::Value;

use super::header::{self, Level};
use super::judge;
use crate::error::{Error, Kind, Result, command, nearest};
use crate::pg::{Db, Query};

crate::row! {
    /// Something that is wrong, as the query of a check tells it.
    pub struct Found {
        /// What it is about, as people type it: `public.tips`, `policy own on public.tips`.
        pub object: String,
        /// What exactly.
        pub detail: String,
        /// The statement that mends just this.
        pub fix: Option<String>,
        /// The relation it belongs to, if it belongs to one.
        pub relation: Option<String>,
    }
}

/// Queries whose rows are the findings.
static ROWS: [Query<Found>; 48] = [
    crate::query!("audit/auth_users_exposed"),
    crate::query!("audit/bypassrls_role"),
    crate::query!("audit/default_privileges"),
    crate::query!("audit/duplicate_index"),
    crate::query!("audit/extension_in_public"),
    crate::query!("audit/extension_outdated"),
    crate::query!("audit/fkey_to_auth_unique"),
    crate::query!("audit/foreign_table_reachable"),
    crate::query!("audit/function_executable_by_public"),
    crate::query!("audit/function_search_path"),
    crate::query!("audit/graphql_exposed"),
    crate::query!("audit/immutable_reads_settings"),
    crate::query!("audit/index_not_leakproof"),
    crate::query!("audit/leakproof_function"),
    crate::query!("audit/low_trust_bypasses_rls"),
    crate::query!("audit/maintain_granted"),
    crate::query!("audit/materialized_view_reachable"),
    crate::query!("audit/multiple_permissive_policies"),
    crate::query!("audit/nested_definer_view"),
    crate::query!("audit/no_primary_key"),
    crate::query!("audit/partition_reachable"),
    crate::query!("audit/policies_without_rls"),
    crate::query!("audit/policy_always_true"),
    crate::query!("audit/policy_to_public"),
    crate::query!("audit/policy_user_metadata"),
    crate::query!("audit/queue_exposed"),
    crate::query!("audit/references_or_trigger_granted"),
    crate::query!("audit/reg_column"),
    crate::query!("audit/rls_disabled"),
    crate::query!("audit/rls_forced"),
    crate::query!("audit/rls_not_forced"),
    crate::query!("audit/rls_without_policy"),
    crate::query!("audit/schema_create_granted"),
    crate::query!("audit/security_definer_function"),
    crate::query!("audit/security_definer_pg_temp"),
    crate::query!("audit/security_definer_search_path"),
    crate::query!("audit/security_definer_view"),
    crate::query!("audit/sensitive_column_readable"),
    crate::query!("audit/storage_listing"),
    crate::query!("audit/table_bloat"),
    crate::query!("audit/truncate_granted"),
    crate::query!("audit/unindexed_foreign_key"),
    crate::query!("audit/unique_oracle"),
    crate::query!("audit/unreadable"),
    crate::query!("audit/extension_of_others"),
    crate::query!("audit/untrusted_code"),
    crate::query!("audit/unused_index"),
    crate::query!("audit/view_without_barrier"),
];

static UNWRAPPED: Query<judge::Calls> = crate::query!("audit/unwrapped_call");
static RECURSION: Query<judge::Reads> = crate::query!("audit/policy_recursion");
static UNINDEXED: Query<judge::Columns> = crate::query!("audit/policy_column_unindexed");

/// The columns by which policies on tables of these schemas look for rows, and that no index begins with.
pub async fn compared(db: &Db, schemas: &[String]) -> Result<Vec<judge::Compared>> {
    let scope = serde_json::json!({ "policy_schemas": schemas });
    judge::compared(db.all(&UNINDEXED, &[&scope]).await?)
}

/// Who finds.
#[derive(Debug, Clone, Copy)]
enum Way {
    /// The query.
    Rows(usize),
    /// The program, in the expressions the query brings.
    Unwrapped,
    Recursion,
    Unindexed,
    /// Nobody asks the database.
    Nowhere,
}

/// Something that can be wrong.
#[derive(Debug, Serialize)]
pub struct Check {
    /// Its name, which never changes.
    #[serde(rename = "check")]
    pub name: String,
    /// How much its findings weigh.
    #[serde(skip)]
    pub level: Level,
    /// What is wrong, in one sentence.
    #[serde(skip)]
    pub title: String,
    /// What is wrong, and why it hurts.
    pub why: String,
    /// What to do, in the imperative.
    pub remedy: String,
    /// The lints of Supabase's splinter that look for the same.
    pub splinter: Vec<String>,
    #[serde(skip)]
    way: Way,
}

static CHECKS: LazyLock<std::result::Result<Vec<Check>, String>> = LazyLock::new(|| {
    let rows = ROWS.iter().enumerate();
    let rows = rows.map(|(index, query)| (query.name, &*query.sql, Way::Rows(index)));
    let judged = [
        (UNWRAPPED.name, &*UNWRAPPED.sql, Way::Unwrapped),
        (RECURSION.name, &*RECURSION.sql, Way::Recursion),
        (UNINDEXED.name, &*UNINDEXED.sql, Way::Unindexed),
    ];
    let mut checks = rows
        .chain(judged)
        .map(|(file, text, way)| Check::read(file, text, way))
        .collect::<std::result::Result<Vec<_>, _>>()?;
    checks.sort_by(|a, b| (a.level, &a.name).cmp(&(b.level, &b.name)));
    Ok(checks)
});

/// What finds waivers that waive nothing.
pub(super) static UNUSED: LazyLock<Check> = LazyLock::new(|| {
    Check {
    name: "unused-waiver".to_owned(),
    level: Level::Note,
    title: "A waiver waives nothing".to_owned(),
    why: "A waiver waives nothing: what it was for is gone, or has another name, and it would hide the next one like it."
        .to_owned(),
    remedy: "remove the waiver, or name the object as it is called now".to_owned(),
    splinter: Vec::new(),
    way: Way::Nowhere,
}
});

impl Check {
    fn read(file: &str, text: &str, way: Way) -> std::result::Result<Self, String> {
        let header = header::parse(text).map_err(|what| format!("{file}.sql: {what}"))?;
        let name = file.rsplit('/').next().unwrap_or(file).replace('_', "-");
        Ok(Self {
            name,
            level: header.level,
            title: header.title().to_owned(),
            why: header.why,
            remedy: header.remedy,
            splinter: header.splinter,
            way,
        })
    }

    /// Every check there is, by level and name.
    pub fn all() -> Result<&'static [Self]> {
        match &*CHECKS {
            Ok(checks) => Ok(checks),
            Err(what) => Err(Error::new(Kind::Bug, what.clone()).into()),
        }
    }

    /// The check of this name.
    pub fn named(name: &str) -> Result<Option<&'static Self>> {
        Ok(Self::all()?.iter().find(|check| check.name == name))
    }

    /// What to do about a name that no check has.
    pub fn suggestion(name: &str) -> Result<String> {
        let names = Self::all()?.iter().map(|check| check.name.as_str());
        Ok(match nearest(name, names) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("{} shows all of them", command("policy audit --list")),
        })
    }

    /// Finds what is wrong; `scope` says for whom and where.
    pub(super) async fn ask(&self, db: &Db, scope: &Value) -> Result<Vec<Found>> {
        match self.way {
            Way::Rows(index) => db.all(&ROWS[index], &[scope]).await,
            Way::Unwrapped => judge::unwrapped(db.all(&UNWRAPPED, &[scope]).await?),
            Way::Recursion => judge::recursion(&db.all(&RECURSION, &[scope]).await?),
            Way::Unindexed => judge::unindexed(db.all(&UNINDEXED, &[scope]).await?),
            Way::Nowhere => Ok(Vec::new()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_says_what_it_finds_and_none_has_a_name_twice() {
        let checks = Check::all().expect("have their headers");
        let mut names: Vec<_> = checks.iter().map(|check| &check.name).collect();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), checks.len());
        for check in checks {
            assert!(check.why.ends_with('.'), "{}: {}", check.name, check.why);
            assert!(!check.remedy.ends_with('.'), "{}", check.name);
        }
    }
}
