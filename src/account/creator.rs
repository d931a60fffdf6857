//! Creators: users with a profile, a payout account and a verification.

use jiff::Timestamp;
use rust_decimal::Decimal;
use secrecy::SecretString;
use uuid::Uuid;

use super::password;
use super::user::{self, User};
use super::who::{self, Who};
use crate::bookkeeping;
use crate::error::{Error, Result, command};
use crate::pg::page::Column;
use crate::pg::{Db, Page, Paged, Param, Query};
use crate::plan::{Consent, Effect, Plan, Risk, Step};

crate::row! {
    /// A creator with the totals the platform shows.
    pub struct Creator {
        /// Id of the profile.
        pub id: Uuid,
        /// Id of the user.
        pub user_id: Uuid,
        /// Address.
        pub email: String,
        /// Stripe Connect account.
        pub payout_account: Option<String>,
        /// About the creator.
        pub bio: Option<String>,
        /// Subscription tiers, as the platform writes them.
        pub tiers: serde_json::Value,
        /// Whether somebody checked who this is.
        pub verified: bool,
        /// When the user came.
        pub created_at: Timestamp,
        /// Items published.
        pub total_content: i64,
        /// Views of them.
        pub total_views: i64,
        /// Seconds watched.
        pub total_watch_time: Decimal,
        /// Completed tips in US dollars.
        pub total_tips: Decimal,
        /// Comments on them.
        pub total_comments: i64,
    }
}

crate::row! {
    /// A creator that was made.
    pub struct Created {
        /// Id of the profile.
        pub id: Uuid,
        /// Id of the user.
        pub user_id: Uuid,
        /// Address.
        pub email: String,
        /// Stripe Connect account.
        pub payout_account: Option<String>,
        /// Whether somebody checked who this is: not yet.
        pub verified: bool,
        /// Whether the user was made too.
        pub new_user: bool,
    }
}

crate::row! {
    /// What is needed to decide on a verification.
    pub struct Profile {
        /// Id of the profile.
        pub id: Uuid,
        /// Address.
        pub email: String,
        /// Stripe Connect account.
        pub payout_account: Option<String>,
        /// Whether somebody checked who this is.
        pub verified: bool,
    }
}

crate::row! {
    /// A creator in a list.
    pub struct Listed {
        /// Id of the profile.
        pub id: Uuid,
        /// Id of the user.
        pub user_id: Uuid,
        /// Address.
        pub email: String,
        /// Stripe Connect account.
        pub payout_account: Option<String>,
        /// Whether somebody checked who this is.
        pub verified: bool,
        /// When the user came.
        pub created_at: Timestamp,
        /// Items published.
        pub total_content: i64,
        /// Views of them.
        pub total_views: i64,
        /// Seconds watched.
        pub total_watch_time: Decimal,
        /// Completed tips in US dollars.
        pub total_tips: Decimal,
        /// Comments on them.
        pub total_comments: i64,
    }
}

static SHOW: Query<Creator> = crate::query!("creator/show");
static CREATE: Query<Created> = crate::query!("creator/create");
static PROFILE: Query<Profile> = crate::query!("creator/profile");
static LIST: Query<Listed> = crate::query!("creator/list");

/// A creator to be made.
#[derive(Debug)]
pub struct Draft {
    /// Address, checked.
    pub email: String,
    /// Stripe Connect account, checked.
    pub payout: Option<String>,
    /// Whether there is no such user yet, so that a password is needed.
    pub new_user: bool,
}

/// What a list can be sorted by.
pub const COLUMNS: [Column; 11] = [
    Column::new("id"),
    Column::new("user_id"),
    Column::new("email"),
    Column::nullable("payout_account"),
    Column::new("verified"),
    Column::new("created_at"),
    Column::new("total_content"),
    Column::new("total_views"),
    Column::new("total_watch_time"),
    Column::new("total_tips"),
    Column::new("total_comments"),
];

/// Which creators a list is of; what is not said does not matter.
#[derive(Debug, Default)]
pub struct Filter {
    /// Those somebody checked, or the others.
    pub verified: Option<bool>,
    /// Those who can be paid, or the others.
    pub payout: Option<bool>,
    /// Part of the address, whatever its case.
    pub email: Option<String>,
}

/// A Stripe Connect account: `acct_` and letters and digits.
pub fn parse_payout(text: &str) -> Result<String> {
    let text = text.trim();
    match text.strip_prefix("acct_") {
        Some(rest)
            if !rest.is_empty()
                && rest.len() <= 64
                && rest.bytes().all(|byte| byte.is_ascii_alphanumeric()) =>
        {
            Ok(text.to_owned())
        }
        _ => Err(Error::usage(format!("{text:?} is no payout account"))
            .hint("write a Stripe Connect account, such as acct_1MqZK2Lkdw")
            .into()),
    }
}

/// A page of the creators that pass the filter.
pub async fn list(db: &Db, filter: &Filter, page: &Page) -> Result<Paged<Listed>> {
    let params: [&dyn Param; 3] = [&filter.verified, &filter.payout, &filter.email];
    page.ask(db, &LIST, &params, |row| row.id).await
}

/// The creator in a few words; an error that names the nearest if there is none.
pub async fn find(db: &Db, who: &Who) -> Result<Profile> {
    match db.opt(&PROFILE, &[&who.spellings(), &who.id()]).await? {
        Some(profile) => Ok(profile),
        None => Err(missing(db, who).await?),
    }
}

/// The creator with totals; an error that names the nearest if there is none.
pub async fn show(db: &Db, who: &Who) -> Result<Creator> {
    match db.opt(&SHOW, &[&who.spellings(), &who.id()]).await? {
        Some(creator) => Ok(creator),
        None => Err(missing(db, who).await?),
    }
}

async fn missing(db: &Db, who: &Who) -> Result<anyhow::Error> {
    if let Some(User { email, .. }) = user::find(db, who).await? {
        return Ok(Error::failed(format!("{email} is a user, but no creator"))
            .hint(command(format!("creator create {email}")).hint("make a profile with {}"))
            .into());
    }
    who::missing(
        db,
        who,
        "creator",
        command("creator create EMAIL").hint("make one with {}"),
    )
    .await
}

/// What making a creator would do.
pub async fn plan_create(db: &Db, email: String, payout: Option<String>) -> Result<Plan<Draft>> {
    bookkeeping::require(db, bookkeeping::WITH_AUDIT_LOG).await?;
    let user = user::find(db, &Who::Email(email.clone())).await?;
    if let Some(user) = &user
        && user.creator_id.is_some()
    {
        return Err(already(&user.email));
    }
    let new_user = user.is_none();
    // Whoever is there keeps the address as it is written there.
    let email = user.map_or(email, |user| user.email);
    let mut steps = Vec::new();
    if new_user {
        steps.push(Step::new(Effect::Adds, "create", format!("user {email}")).detail("creator"));
    }
    let detail = payout.as_ref().map_or_else(
        || "no payout account".to_owned(),
        |payout| format!("paid to {payout}"),
    );
    steps.push(Step::new(Effect::Adds, "create", format!("creator {email}")).detail(detail));
    Ok(Plan {
        title: format!("create the creator {email}"),
        risk: Risk::Mild,
        steps,
        work: Draft {
            email,
            payout,
            new_user,
        },
    })
}

/// Makes the profile, and the user with this password if there is none; all of it or nothing.
pub async fn create(
    db: &Db,
    draft: Draft,
    password: Option<&SecretString>,
    _consent: Consent,
) -> Result<Created> {
    let hash = password.map(password::hash).transpose()?;
    let params: [&dyn Param; 3] = [&draft.email, &hash, &draft.payout];
    db.one_withheld(&CREATE, &params)
        .await
        .map_err(|error| match crate::error::sqlstate(&error) {
            Some("23505") => already(&draft.email),
            _ => error,
        })
}

fn already(email: &str) -> anyhow::Error {
    Error::failed(format!("{email} is a creator already"))
        .unchanged()
        .hint(command(format!("creator show {email}")).hint("see the profile with {}"))
        .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn payout_accounts_are_told_from_garbage() {
        assert_eq!(parse_payout(" acct_1MqZ ").expect("is one"), "acct_1MqZ");
        for garbage in [
            "",
            "acct_",
            "acct-1",
            "ACCT_1",
            "acct_1 2",
            "acct_é",
            "acct_'; drop",
        ] {
            assert!(parse_payout(garbage).is_err(), "{garbage}");
        }
    }
}
