//! `creator`

use clap::{Args, Subcommand};

use super::list::{self, ListArgs};
use super::secret::PasswordArgs;
use crate::account::creator::{self, Created, Creator, Filter, Listed};
use crate::account::email;
use crate::account::verification::{self, Judged, Verdict};
use crate::account::who::Who;
use crate::context::Context;
use crate::error::{Exit, Result};
use crate::pg::Paged;
use crate::plan::counted;
use crate::ui::{Cell, Report, Table};

#[derive(Debug, Subcommand)]
pub(super) enum CreatorCommand {
    /// List creators with their totals, newest first
    List(CreatorListArgs),
    /// Make a creator's profile, and the user too if there is none
    Create(CreateArgs),
    /// Show a creator with totals
    Show(ShowArgs),
    /// Mark a creator as checked
    Verify(VerifyArgs),
    /// Take a verification back
    Unverify(UnverifyArgs),
}

#[derive(Debug, Args)]
#[command(
    mut_arg("sort", |sort| list::sorted(sort, &creator::COLUMNS, "-created_at")),
    after_help = "Examples:\n  \
    toysoldiers creator list --unverified --payout --sort created_at\n  \
    toysoldiers creator list --sort -total_tips --limit 10\n  \
    toysoldiers creator list --limit 10000 -o csv > creators.csv"
)]
#[allow(clippy::struct_excessive_bools)] // flags, and no two of a kind at once
pub(super) struct CreatorListArgs {
    /// Only verified creators
    #[arg(long)]
    verified: bool,
    /// Only creators who are not verified
    #[arg(long, conflicts_with = "verified")]
    unverified: bool,
    /// Only creators with a payout account
    #[arg(long)]
    payout: bool,
    /// Only creators without a payout account
    #[arg(long, conflicts_with = "payout")]
    no_payout: bool,
    /// Only addresses that contain this, whatever its case
    #[arg(long, value_name = "TEXT")]
    email: Option<String>,
    #[command(flatten)]
    list: ListArgs,
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

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  toysoldiers creator unverify nina@example.com --yes")]
pub(super) struct UnverifyArgs {
    /// E-mail address, creator id or user id
    who: String,
}

impl CreatorCommand {
    pub(super) async fn run(self, cx: &Context) -> Result<Exit> {
        match self {
            Self::List(args) => args.run(cx).await,
            Self::Create(args) => args.run(cx).await,
            Self::Show(args) => args.run(cx).await,
            Self::Verify(args) => {
                let verdict = if args.without_payout {
                    Verdict::VerifyWithoutPayout
                } else {
                    Verdict::Verify
                };
                judge(cx, &args.who, verdict).await
            }
            Self::Unverify(args) => judge(cx, &args.who, Verdict::Unverify).await,
        }
    }
}

impl CreatorListArgs {
    async fn run(self, cx: &Context) -> Result<Exit> {
        let page = self.list.page(&creator::COLUMNS)?;
        let filter = Filter {
            verified: one_of(self.verified, self.unverified),
            payout: one_of(self.payout, self.no_payout),
            email: self.email,
        };
        cx.answer(async |db| creator::list(db, &filter, &page).await)
            .await
    }
}

/// What a pair of flags asks for; neither: it does not matter.
fn one_of(yes: bool, no: bool) -> Option<bool> {
    (yes || no).then_some(yes)
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
            creator::create(&db, draft, password.as_ref(), consent)
                .await
                .map_err(|error| self.password.void(error))
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

async fn judge(cx: &Context, who: &str, verdict: Verdict) -> Result<Exit> {
    let who = Who::parse(who)?;
    let db = cx.connect().await?;
    let plan = verification::plan(&db, &who, verdict).await?;
    cx.carry_out(plan, async |work, consent| {
        verification::apply(&db, work, consent).await
    })
    .await
}

impl Report for Paged<Listed> {
    fn table(&self) -> Table {
        let mut table = Table::new(&[
            "id",
            "user_id",
            "email",
            "payout_account",
            "verified",
            "created_at",
            "total_content",
            "total_views",
            "total_watch_time",
            "total_tips",
            "total_comments",
        ])
        .unseen(&["id", "user_id"])
        .leaving(&[
            "total_watch_time",
            "total_comments",
            "total_content",
            "created_at",
            "payout_account",
        ])
        .cutting(&[("email", 20)]);
        for creator in &self.rows {
            table.row([
                Cell::text(creator.id),
                Cell::text(creator.user_id),
                Cell::text(&creator.email),
                creator.payout_account.clone().into(),
                Cell::Flag(creator.verified),
                creator.created_at.into(),
                Cell::Count(creator.total_content),
                Cell::Count(creator.total_views),
                Cell::Seconds(creator.total_watch_time),
                Cell::Dollars(creator.total_tips),
                Cell::Count(creator.total_comments),
            ]);
        }
        table
    }

    fn summary(&self) -> String {
        counted(self.rows.len(), "creator")
    }

    fn remainder(&self) -> Vec<String> {
        list::remainder(self.next)
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

impl Report for Judged {
    fn table(&self) -> Table {
        Table::record([
            ("id", Cell::text(self.id)),
            ("email", Cell::text(&self.email)),
            ("verified", Cell::Flag(self.verified)),
            ("changed", Cell::Flag(self.changed)),
        ])
    }

    fn summary(&self) -> String {
        match (self.verified, self.changed) {
            (true, true) => format!("{} is verified", self.email),
            (true, false) => format!("{} was verified before; nothing was changed", self.email),
            (false, true) => format!("{} is not verified any more", self.email),
            (false, false) => format!(
                "{} was not verified before; nothing was changed",
                self.email
            ),
        }
    }
}
