//! `user`

use clap::{Args, Subcommand, ValueEnum};

use super::secret::PasswordArgs;
use crate::account::user::{self, Role, User};
use crate::account::who::Who;
use crate::account::{Actor, email};
use crate::context::Context;
use crate::error::{Exit, Result};
use crate::ui::{Cell, Report, Table};

#[derive(Debug, Subcommand)]
pub(super) enum UserCommand {
    /// Make a user
    Create(CreateArgs),
    /// Show a user
    Show(ShowArgs),
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    toysoldiers user create nina@example.com\n  \
    toysoldiers user create ops@example.com --role admin --generate\n  \
    pass show nina | toysoldiers user create nina@example.com --password-stdin")]
pub(super) struct CreateArgs {
    /// E-mail address; the same whatever its case
    email: String,
    /// What the user will be
    #[arg(long, value_enum, default_value = "fan")]
    role: RoleArg,
    #[command(flatten)]
    password: PasswordArgs,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum RoleArg {
    Fan,
    Creator,
    Admin,
}

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  toysoldiers user show nina@example.com")]
pub(super) struct ShowArgs {
    /// E-mail address, user id or creator id
    who: String,
}

impl UserCommand {
    pub(super) async fn run(self, cx: &Context) -> Result<Exit> {
        match self {
            Self::Create(args) => args.run(cx).await,
            Self::Show(args) => args.run(cx).await,
        }
    }
}

impl CreateArgs {
    async fn run(self, cx: &Context) -> Result<Exit> {
        let email = email::parse(&self.email)?;
        let role = match self.role {
            RoleArg::Fan => Role::Fan,
            RoleArg::Creator => Role::Creator,
            RoleArg::Admin => Role::Admin,
        };
        let db = cx.connect().await?;
        let plan = user::plan_create(&db, email, role).await?;
        let actor = Actor(cx.actor());
        cx.carry_out(plan, async |draft, consent| {
            let password = self.password.obtain(cx).await?;
            self.password.reveal(cx, &draft.email, &password)?;
            user::create(&db, draft, &password, &actor, consent).await
        })
        .await
    }
}

impl ShowArgs {
    async fn run(self, cx: &Context) -> Result<Exit> {
        let who = Who::parse(&self.who)?;
        let db = cx.connect().await?;
        cx.report(&user::show(&db, &who).await?)
    }
}

impl Report for User {
    fn table(&self) -> Table {
        Table::record([
            ("id", Cell::text(self.id)),
            ("email", Cell::text(&self.email)),
            ("role", Cell::text(&self.role)),
            ("created_at", self.created_at.into()),
            ("updated_at", self.updated_at.into()),
            ("creator_id", self.creator_id.map(Cell::text).into()),
        ])
    }
}
