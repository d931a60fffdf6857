//! `user`

use clap::{Args, Subcommand, ValueEnum};
use jiff::Timestamp;

use super::list::{self, ListArgs};
use super::secret::PasswordArgs;
use crate::account::email;
use crate::account::user::{self, Filter, Role, User};
use crate::account::who::Who;
use crate::context::Context;
use crate::error::{Error, Exit, Result, command, quoted};
use crate::pg::Paged;
use crate::plan::counted;
use crate::ui::{Cell, Report, Table};

#[derive(Debug, Subcommand)]
pub(super) enum UserCommand {
    /// List users, newest first
    List(UserListArgs),
    /// Make a user
    Create(CreateArgs),
    /// Show a user
    Show(ShowArgs),
}

#[derive(Debug, Args)]
#[command(
    mut_arg("sort", |sort| list::sorted(sort, &user::COLUMNS, "-created_at")),
    after_help = "Examples:\n  \
    toysoldiers user list --role admin\n  \
    toysoldiers user list --email @example.com --sort email\n  \
    toysoldiers user list --since 2026-03-01 --until 2026-04-01 --limit 10000 -o csv > march.csv"
)]
pub(super) struct UserListArgs {
    /// Only users of this role
    #[arg(long, value_enum)]
    role: Option<RoleArg>,
    /// Only addresses that contain this, whatever its case
    #[arg(long, value_name = "TEXT")]
    email: Option<String>,
    /// Only users who came at this time or later; a date begins at midnight UTC
    #[arg(long, value_name = "TIME", value_parser = list::moment)]
    since: Option<Timestamp>,
    /// Only users who came before this time
    #[arg(long, value_name = "TIME", value_parser = list::moment)]
    until: Option<Timestamp>,
    #[command(flatten)]
    list: ListArgs,
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
            Self::List(args) => args.run(cx).await,
            Self::Create(args) => args.run(cx).await,
            Self::Show(args) => args.run(cx).await,
        }
    }
}

impl From<RoleArg> for Role {
    fn from(role: RoleArg) -> Self {
        match role {
            RoleArg::Fan => Self::Fan,
            RoleArg::Creator => Self::Creator,
            RoleArg::Admin => Self::Admin,
        }
    }
}

impl UserListArgs {
    async fn run(self, cx: &Context) -> Result<Exit> {
        let page = self.list.page(&user::COLUMNS)?;
        let filter = Filter {
            role: self.role.map(Role::from),
            email: self.email,
            since: self.since,
            until: self.until,
        };
        cx.answer(async |db| user::list(db, &filter, &page).await)
            .await
    }
}

impl CreateArgs {
    async fn run(self, cx: &Context) -> Result<Exit> {
        let role = Role::from(self.role);
        if role == Role::Creator {
            return Err(Error::usage(
                "a creator is more than a user of that role: there is a profile too",
            )
            .hint(
                command(format!("creator create {}", quoted(&self.email)))
                    .hint("make both with {}"),
            )
            .into());
        }
        let email = email::parse(&self.email)?;
        let db = cx.connect().await?;
        let plan = user::plan_create(&db, email, role).await?;
        cx.carry_out(plan, async |draft, consent| {
            let password = self.password.obtain(cx).await?;
            self.password.reveal(cx, &draft.email, &password)?;
            user::create(&db, draft, &password, consent)
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
        cx.report(&user::show(&db, &who).await?)
    }
}

impl Report for Paged<User> {
    fn table(&self) -> Table {
        let mut table = Table::new(&[
            "id",
            "email",
            "role",
            "created_at",
            "updated_at",
            "creator_id",
        ])
        .unseen(&["id", "creator_id"])
        .leaving(&["updated_at", "created_at"])
        .cutting(&[("email", 20)]);
        for user in &self.rows {
            table.row([
                Cell::text(user.id),
                Cell::text(&user.email),
                Cell::text(&user.role),
                user.created_at.into(),
                user.updated_at.into(),
                user.creator_id.map(Cell::text).into(),
            ]);
        }
        table
    }

    fn summary(&self) -> String {
        counted(self.rows.len(), "user")
    }

    fn remainder(&self) -> Vec<String> {
        list::remainder(self.next)
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
