//! The numbers of files: which is there twice, which is missing, and what undoes nothing.

use super::super::file::Migration;
use super::super::lint::{Finding, form};
use super::super::new::TIMESTAMPS;

/// A file by its number.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Numbered {
    pub version: i64,
    pub name: String,
    pub path: String,
}

impl Numbered {
    pub(super) fn of(migration: &Migration) -> Self {
        Self {
            version: migration.version,
            name: migration.file.clone(),
            path: migration.path.clone(),
        }
    }
}

/// Numbers that are there twice, and numbers that are not there. Timestamps have gaps by nature.
pub(super) fn numbering(numbered: &[Numbered]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for pair in numbered.windows(2) {
        let [before, after] = pair else { continue };
        let (first, path) = (&before.name, &after.path);
        let (before, number) = (before.version, after.version);
        if before == number {
            let message = format!("{first} has the number {number} too");
            findings.push(Finding::of_file(&form::DUPLICATE_NUMBER, path, message));
        } else if number - before > 1 && number < TIMESTAMPS {
            let missing = if number - before == 2 {
                format!("number {} is missing", before + 1)
            } else {
                format!("numbers {} to {} are missing", before + 1, number - 1)
            };
            let message = format!("{missing} between {first} and this file");
            findings.push(Finding::of_file(&form::GAP_IN_NUMBERS, path, message));
        }
    }
    findings
}

/// Files that undo a migration that is not there.
pub(super) fn strays(numbered: &[Numbered], downs: &[Numbered]) -> Vec<Finding> {
    let is_stray = |down: &&Numbered| numbered.iter().all(|up| up.version != down.version);
    let strays = downs.iter().filter(is_stray);
    strays
        .map(|down| {
            let message = format!("there is no migration {} that it could undo", down.version);
            Finding::of_file(&form::NAMING, &down.path, message)
        })
        .collect()
}
