//! `policy test`

mod cells;

use std::fmt::Write;

use clap::{Args, ValueEnum};
use serde::Serialize;

use super::SourceArgs;
use crate::context::Context;
use crate::error::{Exit, Result};
use crate::pg::Db;
use crate::plan::{Consent, counted};
use crate::policy::matrix::tested::Tested;
use crate::policy::matrix::{self, Identity, Matrix, coverage, mutant};
use crate::ui::{Cell, Report, Table};

#[derive(Debug, Args)]
#[command(
    after_help = "matrix.toml stands among the files of policies. It says who asks, makes the rows they ask for, and tells what \
    everybody comes to: allowed, hidden, denied, no_grant or error. All of it is rolled back.\n\n\
    Where all is right, a line a table says so; what is wrong is shown cell by cell.\n\n\
    Ends with exit code 3 if a cell is not as it should be, or a weaker policy is not noticed.\n\n\
    Examples:\n  toysoldiers policy test\n  toysoldiers policy test --matrix\n  toysoldiers --env staging policy test --mutate --yes"
)]
pub(in crate::cli) struct TestArgs {
    /// How requests say who asks: by the claims of a token, by app.user_id, or one after the other
    #[arg(long, value_enum, default_value_t = Ways::Both)]
    identity: Ways,
    /// Weaken each policy in turn, and report what the matrix does not notice; locks each table for moments
    #[arg(long)]
    mutate: bool,
    /// Show the whole matrix, also what is right
    #[arg(long)]
    matrix: bool,
    #[command(flatten)]
    source: SourceArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Ways {
    Claims,
    Setting,
    Both,
}

impl Ways {
    fn identities(self) -> &'static [Identity] {
        match self {
            Self::Claims => &[Identity::Claims],
            Self::Setting => &[Identity::Setting],
            Self::Both => &[Identity::Claims, Identity::Setting],
        }
    }
}

impl TestArgs {
    pub(super) async fn run(self, cx: &Context) -> Result<Exit> {
        let matrix = Matrix::require(&self.source.source(cx)?)?;
        let db = cx.session("proving policies").await?;
        if !self.mutate {
            return cx.confirm(&self.test(cx, &db, &matrix).await?);
        }
        let plan = mutant::plan(&db, &matrix).await?;
        cx.carry_out(plan, async |mutants, consent: Consent| {
            let mut tested = self.test(cx, &db, &matrix).await?;
            tested.tested.mutants = mutant::run(&db, &matrix, mutants, &cx.ui, consent).await?;
            Ok(tested)
        })
        .await
    }

    async fn test(&self, cx: &Context, db: &Db, matrix: &Matrix) -> Result<Shown> {
        let proofs = matrix::test(db, matrix, self.identity.identities(), &cx.ui).await?;
        let untested = coverage::untested(db, matrix).await?;
        Ok(Shown {
            tested: Tested::of(matrix, &proofs, untested),
            whole: self.matrix,
        })
    }
}

/// The result, and whether people are shown the whole of it.
#[derive(Serialize)]
struct Shown {
    #[serde(flatten)]
    tested: Tested,
    #[serde(skip)]
    whole: bool,
}

impl Report for Shown {
    fn table(&self) -> Table {
        let mut table = Table::new(&[
            "table", "command", "row", "actor", "identity", "expected", "found", "right", "message",
        ]);
        for cell in &self.tested.cells {
            table.row([
                Cell::text(&cell.table),
                Cell::text(cell.command),
                Cell::text(&cell.row),
                Cell::text(&cell.actor),
                Cell::text(cell.identity),
                Cell::text(&cell.expected),
                Cell::text(&cell.found),
                Cell::Flag(cell.right),
                cell.message.clone().into(),
            ]);
        }
        table
    }

    fn sheets(&self) -> Option<Vec<Table>> {
        let tested = &self.tested;
        let cells = match (self.whole, tested.wrong) {
            (true, _) => tested.matrix(),
            (false, 0) => tested.tables(),
            (false, _) => tested.wrong_rows(),
        };
        Some(vec![
            cells,
            tested.refusals(),
            tested.gaps(),
            tested.survived(),
        ])
    }

    fn has_findings(&self) -> bool {
        self.whole || self.exit() != Exit::Done || !self.tested.untested.is_empty()
    }

    fn summary(&self) -> String {
        let tested = &self.tested;
        let mut text = match tested.wrong {
            0 => format!("{} as they should be", counted(tested.total, "cell")),
            wrong => format!("{wrong} of {} wrong", counted(tested.total, "cell")),
        };
        if !tested.untested.is_empty() {
            let pairs: usize = tested.untested.iter().map(|gap| gap.roles.len()).sum();
            let _ = write!(text, "; {} untested", counted(pairs, "privilege"));
        }
        if !tested.mutants.is_empty() {
            let survivors = tested.survivors().count();
            let mutants = counted(tested.mutants.len(), "weaker policy");
            let mutants = mutants.replace("policys", "policies");
            let _ = match survivors {
                0 => write!(text, "; {mutants}, all noticed"),
                survivors => write!(text, "; {mutants}, {survivors} not noticed"),
            };
        }
        text
    }

    fn exit(&self) -> Exit {
        if self.tested.wrong == 0 && self.tested.survivors().next().is_none() {
            Exit::Done
        } else {
            Exit::Finding
        }
    }
}
