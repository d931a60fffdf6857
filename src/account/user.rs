//! Users.

use jiff::Timestamp;
use secrecy::SecretString;
use uuid::Uuid;

use super::password;
use super::who::{self, Who};
use crate::bookkeeping;
use crate::error::{self, Error, Result, command};
use crate::pg::page::Column;
use crate::pg::{Db, Page, Paged, Param, Query};
use crate::plan::{Consent, Effect, Plan, Risk, Step};

/// What a user may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Follows, comments and tips.
    Fan,
    /// Has or will have a creator's profile.
    Creator,
    /// Runs the platform.
    Admin,
}

impl Role {
    /// As the database writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Fan => "fan",
            Self::Creator => "creator",
            Self::Admin => "admin",
        }
    }
}

crate::row! {
    /// A user, with the creator's profile if there is one.
    pub struct User {
        /// Id of the user.
        pub id: Uuid,
        /// Address.
        pub email: String,
        /// fan, creator or admin.
        pub role: String,
        /// When the user came.
        pub created_at: Timestamp,
        /// When the user was last changed.
        pub updated_at: Timestamp,
        /// Id of the creator's profile.
        pub creator_id: Option<Uuid>,
    }
}

static FIND: Query<User> = crate::query!("user/find");
static CREATE: Query<User> = crate::query!("user/create");
static LIST: Query<User> = crate::query!("user/list");

/// What a list can be sorted by.
pub const COLUMNS: [Column; 6] = [
    Column::new("id"),
    Column::new("email"),
    Column::new("role"),
    Column::new("created_at"),
    Column::new("updated_at"),
    Column::nullable("creator_id"),
];

/// Which users a list is of; what is not said does not matter.
#[derive(Debug, Default)]
pub struct Filter {
    /// What they are.
    pub role: Option<Role>,
    /// Part of the address, whatever its case.
    pub email: Option<String>,
    /// Came at this time or later.
    pub since: Option<Timestamp>,
    /// Came before this time.
    pub until: Option<Timestamp>,
}

/// A user to be made.
#[derive(Debug)]
pub struct Draft {
    /// Address, checked.
    pub email: String,
    /// What the user will be.
    pub role: Role,
}

/// The user, or nothing.
pub async fn find(db: &Db, who: &Who) -> Result<Option<User>> {
    db.opt(&FIND, &[&who.spellings(), &who.id()]).await
}

/// The user; an error that names the nearest if there is none.
pub async fn show(db: &Db, who: &Who) -> Result<User> {
    match find(db, who).await? {
        Some(user) => Ok(user),
        None => Err(who::missing(
            db,
            who,
            "user",
            command("user create EMAIL").hint("make one with {}"),
        )
        .await?),
    }
}

/// A page of the users that pass the filter.
pub async fn list(db: &Db, filter: &Filter, page: &Page) -> Result<Paged<User>> {
    let role = filter.role.map(Role::as_str);
    let params: [&dyn Param; 4] = [&role, &filter.email, &filter.since, &filter.until];
    page.ask(db, &LIST, &params, |row| row.id).await
}

/// What making a user would do.
pub async fn plan_create(db: &Db, email: String, role: Role) -> Result<Plan<Draft>> {
    bookkeeping::require(db, bookkeeping::WITH_AUDIT_LOG).await?;
    if let Some(user) = find(db, &Who::Email(email.clone())).await? {
        return Err(taken(&user.email));
    }
    let step = Step::new(Effect::Adds, "create", format!("user {email}")).detail(role.as_str());
    Ok(Plan {
        title: format!("create the user {email}"),
        risk: Risk::Mild,
        steps: vec![step],
        work: Draft { email, role },
    })
}

/// Makes the user.
pub async fn create(
    db: &Db,
    draft: Draft,
    password: &SecretString,
    _consent: Consent,
) -> Result<User> {
    let hash = password::hash(password)?;
    let params: [&dyn Param; 3] = [&draft.email, &hash, &draft.role.as_str()];
    db.one_withheld(&CREATE, &params)
        .await
        .map_err(|error| taken_or(error, &draft.email))
}

/// Another command may have been faster than ours: the database has the last word on what is unique.
pub(super) fn taken_or(error: anyhow::Error, email: &str) -> anyhow::Error {
    if error::sqlstate(&error) == Some("23505") {
        taken(email)
    } else {
        error
    }
}

fn taken(email: &str) -> anyhow::Error {
    Error::failed(format!("there is a user {email} already"))
        .note("addresses are the same whatever their case, and however their domain is written; nothing was changed")
        .hint(command(format!("user show {email}")).hint("see it with {}"))
        .into()
}
