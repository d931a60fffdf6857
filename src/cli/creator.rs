//! `creator`

use clap::{Args, Subcommand};

use super::secret::PasswordArgs;
use crate::account::creator::{self, Created, Creator, Verified};
use crate::account::who::Who;
use crate::account::{Actor, email};
use crate::context::Context;
use crate::error::{Exit, Result};
use crate::ui::{Cell, Report, Table};

#[derive(Debug, Subcommand)]
pub(super) enum CreatorCommand {
    /// Make a creator's profile, and the user too if there is none
    Create(CreateArgs),
    /// Show a creator with totals
    Show(ShowArgs),
    /// Mark a creator as checked
    Verify(VerifyArgs),
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    toysoldiers creator create nina@example.com --payout acct_1MqZK2Lkdw\n  \
    toysoldiers creator create new@example.com --generate")]
pub(super) struct CreateArgs {
    /// E-mail address of the user; a new one needs a password
    email: String,
    /// Stripe Connect account that tips are paid to
    #[arg(long, value_name = "ACCOUNT")]
    payout: Option<String>,
    #[command(flatten)]
    password: PasswordArgs,
}

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  toysoldiers creator show nina@example.com")]
pub(super) struct ShowArgs {
    /// E-mail address, creator id or user id
    who: String,
}

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  toysoldiers creator verify nina@example.com --yes")]
pub(super) struct VerifyArgs {
    /// E-mail address, creator id or user id
    who: String,
    /// Verify even a creator who cannot be paid yet
    #[arg(long)]
    without_payout: bool,
}

impl CreatorCommand {
    pub(super) async fn run(self, cx: &Context) -> Result<Exit> {
        match self {
            Self::Create(args) => args.run(cx).await,
            Self::Show(args) => args.run(cx).await,
            Self::Verify(args) => args.run(cx).await,
        }
    }
}

impl CreateArgs {
    async fn run(self, cx: &Context) -> Result<Exit> {
        let email = email::parse(&self.email)?;
        let payout = self
            .payout
            .as_deref()
            .map(creator::parse_payout)
            .transpose()?;
        let db = cx.connect().await?;
        let plan = creator::plan_create(&db, email, payout).await?;
        let actor = Actor(cx.actor());
        cx.carry_out(plan, async |draft, consent| {
            let password = if draft.new_user {
                Some(self.password.obtain(cx).await?)
            } else {
                None
            };
            match &password {
                Some(password) => self.password.reveal(cx, &draft.email, password)?,
                None => self.password.decline(cx, &draft.email),
            }
            creator::create(&db, draft, password.as_ref(), &actor, consent).await
        })
        .await
    }
}

impl ShowArgs {
    async fn run(self, cx: &Context) -> Result<Exit> {
        let who = Who::parse(&self.who)?;
        let db = cx.connect().await?;
        cx.report(&creator::show(&db, &who).await?)
    }
}

impl VerifyArgs {
    async fn run(self, cx: &Context) -> Result<Exit> {
        let who = Who::parse(&self.who)?;
        let db = cx.connect().await?;
        let plan = creator::plan_verify(&db, &who, self.without_payout).await?;
        let actor = Actor(cx.actor());
        cx.carry_out(plan, async |work, consent| {
            creator::verify(&db, work, &actor, consent).await
        })
        .await
    }
}

impl Report for Created {
    fn table(&self) -> Table {
        Table::record([
            ("id", Cell::text(self.id)),
            ("user_id", Cell::text(self.user_id)),
            ("email", Cell::text(&self.email)),
            ("payout_account", self.payout_account.clone().into()),
            ("verified", Cell::Flag(self.verified)),
            ("new_user", Cell::Flag(self.new_user)),
        ])
    }
}

impl Report for Creator {
    fn table(&self) -> Table {
        Table::record([
            ("id", Cell::text(self.id)),
            ("user_id", Cell::text(self.user_id)),
            ("email", Cell::text(&self.email)),
            ("payout_account", self.payout_account.clone().into()),
            ("bio", self.bio.clone().into()),
            ("tiers", Cell::text(&self.tiers)),
            ("verified", Cell::Flag(self.verified)),
            ("created_at", self.created_at.into()),
            ("total_content", Cell::Count(self.total_content)),
            ("total_views", Cell::Count(self.total_views)),
            ("total_watch_time", Cell::Seconds(self.total_watch_time)),
            ("total_tips", Cell::Dollars(self.total_tips)),
            ("total_comments", Cell::Count(self.total_comments)),
        ])
    }
}

impl Report for Verified {
    fn table(&self) -> Table {
        Table::record([
            ("id", Cell::text(self.id)),
            ("email", Cell::text(&self.email)),
            ("verified", Cell::Flag(self.verified)),
            ("changed", Cell::Flag(self.changed)),
        ])
    }

    fn summary(&self) -> String {
        if self.changed {
            format!("{} is verified", self.email)
        } else {
            format!("{} was verified before; nothing was changed", self.email)
        }
    }
}
