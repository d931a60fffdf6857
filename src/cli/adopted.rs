//! What `policy adopt` and `index adopt` wrote.

use crate::error::command;
use crate::plan::counted;
use crate::source::addition::Adopted;
use crate::ui::{Cell, Report, Table};

impl Report for Adopted {
    fn table(&self) -> Table {
        let mut table = Table::new(&["file", "new", "statements"]);
        for file in &self.files {
            table.row([
                Cell::text(&file.path),
                Cell::Flag(file.is_new),
                Cell::count(file.statements),
            ]);
        }
        table
    }

    fn summary_lines(&self) -> Vec<String> {
        let statements: usize = self.files.iter().map(|file| file.statements).sum();
        let done = match self.files.len() {
            0 => format!(
                "nothing to declare: the files say what there is ({})",
                self.source
            ),
            count => format!(
                "declared: {} in {} ({})",
                counted(statements, "statement"),
                counted(count, "file"),
                self.source
            ),
        };
        let rest = match self.differences {
            0 => "the database is as declared".to_owned(),
            count => format!(
                "{} left: {}",
                counted(count, "difference"),
                command(format!("{} status", self.noun))
            ),
        };
        let left = self
            .left
            .iter()
            .map(|line| format!("note: not declared: {line}"));
        std::iter::once(format!("{done}; {rest}"))
            .chain(left)
            .collect()
    }
}
