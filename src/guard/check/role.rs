//! Who we are there, and what that is enough for.

use super::Line;
use super::identity::Bookkeeping;
use crate::error::{self, Result};
use crate::pg::tools::Tool;
use crate::pg::{Db, Query};
use crate::plan::counted;

crate::row! {
    /// What the role may do; of what it may not, how many and one of them.
    pub struct Rights {
        /// Its name.
        pub role: String,
        /// It may do anything.
        pub superuser: bool,
        /// No policy hides a row from it.
        pub bypasses_policies: bool,
        /// It may make roles.
        pub creates_roles: bool,
        /// It may make schemas in this database.
        pub creates_schemas: bool,
        /// It may make tables in the schema public.
        pub creates_tables: bool,
        /// Everybody may make things in the schema public.
        pub open_to_all: bool,
        /// Who owns the schema public, if there is one.
        pub public_owner: Option<String>,
        /// Roles that the platform's first migration makes are not there.
        pub lacks_roles: bool,
        /// Tables of the platform and of ours that it does not own.
        pub strange: i64,
        /// One of them.
        pub a_strange: Option<String>,
        /// Tables and sequences it may not read.
        pub unreadable: i64,
        /// One of them.
        pub an_unreadable: Option<String>,
        /// Tables some rows of which policies hide from it.
        pub filtered: i64,
        /// One of them.
        pub a_filtered: Option<String>,
    }
}

static ROLE: Query<Rights> = crate::query!("env/role");

/// Asks who we are.
pub(super) async fn read(db: &Db) -> Result<Rights> {
    db.one(&ROLE, &[]).await
}

impl Rights {
    /// The role, whether it sees everything, whether others may create where names are looked up, and whether it can
    /// migrate and back up.
    pub(super) fn lines(&self, bookkeeping: Bookkeeping, pg_dump: Result<Tool>) -> [Line; 5] {
        [
            self.line(),
            self.sight(),
            self.public(),
            self.migrating(bookkeeping),
            self.backing_up(pg_dump),
        ]
    }

    fn line(&self) -> Line {
        let mut powers: Vec<&str> = [
            (self.superuser, "superuser"),
            (self.bypasses_policies, "bypassrls"),
            (self.creates_roles, "createrole"),
            (self.creates_schemas, "create on the database"),
        ]
        .into_iter()
        .filter_map(|(has, name)| has.then_some(name))
        .collect();
        if self.superuser {
            powers.truncate(1);
        }
        let found = if powers.is_empty() {
            format!("{}: an ordinary role", self.role)
        } else {
            format!("{}: {}", self.role, powers.join(", "))
        };
        Line::fine("role", &*self.role, found)
    }

    /// A command that meets a policy gets an error and not the rows that are left, so this stops most of them.
    fn sight(&self) -> Line {
        if self.filtered == 0 {
            return Line::fine("sees_all_rows", true, "yes");
        }
        let found = some(
            "no: policies hide rows of ",
            self.filtered,
            self.a_filtered.as_deref(),
        );
        Line::fine("sees_all_rows", false, found).wrong(
            "connect as the owner of the tables or a role with BYPASSRLS: others get errors instead of rows",
        )
    }

    /// What anybody puts into it can come before what PostgreSQL brings where a name is looked up.
    fn public(&self) -> Line {
        if !self.open_to_all {
            return Line::fine("public_is_closed", true, "yes");
        }
        let owner = self.public_owner.as_deref().unwrap_or("?");
        Line::fine(
            "public_is_closed",
            false,
            "no: everybody may create in the schema public",
        )
        .note(format!(
            "as {owner}, who owns it, or a superuser, run `revoke create on schema public from public`"
        ))
    }

    fn migrating(&self, bookkeeping: Bookkeeping) -> Line {
        let mut reasons = Vec::new();
        if bookkeeping.is_absent() && !self.creates_schemas {
            reasons.push("it has no CREATE on the database".to_owned());
        }
        if !self.creates_tables {
            reasons.push("it has no CREATE on the schema public".to_owned());
        }
        if bookkeeping.is_absent() && self.lacks_roles && !self.creates_roles {
            reasons.push("it cannot create the roles of the first migration".to_owned());
        }
        if self.strange > 0 {
            reasons.push(some(
                "it does not own ",
                self.strange,
                self.a_strange.as_deref(),
            ));
        }
        if reasons.is_empty() {
            return Line::fine("can_migrate", true, "yes");
        }
        Line::fine("can_migrate", false, format!("no: {}", reasons.join(", ")))
            .note("migrate as the owner of the tables")
    }

    /// Whether it may read everything, and whether there is a program here that can.
    fn backing_up(&self, pg_dump: Result<Tool>) -> Line {
        let mut reasons = Vec::new();
        let mut advice = Vec::new();
        if self.unreadable > 0 {
            reasons.push(some(
                "it may not read ",
                self.unreadable,
                self.an_unreadable.as_deref(),
            ));
        } else if self.filtered > 0 {
            reasons.push(some(
                "policies hide rows of ",
                self.filtered,
                self.a_filtered.as_deref(),
            ));
        }
        if !reasons.is_empty() {
            advice.push("back up as the owner of the tables, or grant this role pg_read_all_data and BYPASSRLS".to_owned());
        }
        if let Err(error) = pg_dump {
            let error = error::explain(&error);
            advice.extend(error.hint());
            reasons.push(error.message);
        }
        if reasons.is_empty() {
            return Line::fine("can_back_up", true, "yes");
        }
        let found = format!("no: {}", reasons.join(", and "));
        Line::fine("can_back_up", false, found).note(advice.join("; "))
    }
}

/// `it does not own 3 relations, public.users for one`
fn some(what: &str, count: i64, example: Option<&str>) -> String {
    let example = example.unwrap_or("?");
    if count == 1 {
        return format!("{what}{example}");
    }
    let count = counted(usize::try_from(count).unwrap_or(usize::MAX), "relation");
    format!("{what}{count}, {example} for one")
}
