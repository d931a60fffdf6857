//! Making the next migration file.

use std::io::Write;
use std::path::PathBuf;

use serde::Serialize;

use super::Files;
use super::file::Migration;
use crate::error::{Error, Result, command};
use crate::plan::{Consent, Effect, Plan, Risk, Step};
use crate::source::Source;

/// A version this high is a timestamp: `YYYYMMDDhhmmss`.
pub(super) const TIMESTAMPS: i64 = 10_000_000_000_000;

/// The file to be made.
#[derive(Debug)]
pub struct Draft {
    path: PathBuf,
    shown: String,
    text: String,
}

/// The file that was made.
#[derive(Debug, Serialize)]
pub struct Created {
    /// Where it is.
    pub path: String,
}

/// Plans the file after the last one. `now` is `YYYYMMDDhhmmss` in UTC; it is the number if the last file is
/// numbered so, or if asked for.
pub fn plan(source: &Source, description: &str, now: i64, timestamp: bool) -> Result<Plan<Draft>> {
    let Source::Folder { path, shown, .. } = source else {
        return Err(
            Error::configuration("there is no folder of migrations here")
                .hint("change to the project's folder, or name one with `--migrations`")
                .hint(
                    command("init --with-files")
                        .anywhere()
                        .hint("have those in this program written out with {}"),
                )
                .into(),
        );
    };
    let name = slug(description)?;
    // A folder that is named is made with its first file.
    let migrations = if path.exists() {
        Files::read(source)?.all
    } else {
        Vec::new()
    };
    let file = format!("{}_{name}.sql", next_number(&migrations, now, timestamp)?);
    let shown = format!("{}/{file}", shown.trim_end_matches('/'));
    let text = format!("-- {}\n\n", description.trim());
    Ok(Plan {
        title: "make a migration".to_owned(),
        risk: Risk::Harmless,
        steps: vec![Step::new(Effect::Adds, "write", &shown)],
        work: Draft {
            path: path.join(file),
            shown,
            text,
        },
    })
}

/// Writes the file; never over another one.
pub fn create(draft: Draft, _consent: Consent) -> Result<Created> {
    let cannot = |error: std::io::Error| {
        Error::failed(format!("cannot write {}", draft.shown)).because(error)
    };
    let mut file = crate::trust::create_new(&draft.path).map_err(cannot)?;
    file.write_all(draft.text.as_bytes()).map_err(cannot)?;
    Ok(Created { path: draft.shown })
}

fn next_number(migrations: &[Migration], now: i64, timestamp: bool) -> Result<String> {
    let Some(last) = migrations.last() else {
        return Ok(if timestamp {
            now.to_string()
        } else {
            "001".to_owned()
        });
    };
    if timestamp || last.version >= TIMESTAMPS {
        return Ok(now.max(last.version + 1).to_string());
    }
    let next = last
        .version
        .checked_add(1)
        .ok_or_else(|| Error::failed("there is no number after the last one"))?;
    let width = last.file.find('_').unwrap_or(3).max(3);
    Ok(format!("{next:0width$}"))
}

fn slug(description: &str) -> Result<String> {
    if let Some(stranger) = description
        .chars()
        .find(|letter| letter.is_alphabetic() && !letter.is_ascii())
    {
        return Err(
            Error::usage(format!("{stranger:?} cannot be in the name of a migration"))
                .hint("describe the change in the letters a to z")
                .into(),
        );
    }
    let mut slug = String::new();
    for letter in description.chars() {
        if letter.is_ascii_alphanumeric() {
            slug.push(letter.to_ascii_lowercase());
        } else if !slug.is_empty() && !slug.ends_with('_') {
            slug.push('_');
        }
    }
    let slug = slug.trim_end_matches('_').to_owned();
    if slug.is_empty() || slug.len() > 100 {
        return Err(Error::usage("the description makes no file name")
            .hint(
                command("migrate new \"tip currency\"")
                    .hint("describe the change in a few plain words: {}"),
            )
            .into());
    }
    Ok(slug)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbered(file: &str) -> Migration {
        let version = file
            .split('_')
            .next()
            .and_then(|number| number.parse().ok())
            .expect("has a number");
        Migration::new(
            version,
            "x".to_owned(),
            file,
            file.to_owned(),
            String::new(),
        )
        .expect("fits")
    }

    #[test]
    fn numbers_go_on_as_they_began() {
        let next = |last: &str, timestamp| {
            next_number(&[numbered(last)], 20_261_122_101_500, timestamp).expect("goes on")
        };
        assert_eq!(next("009_x.sql", false), "010");
        assert_eq!(next("999_x.sql", false), "1000");
        assert_eq!(next("0009_x.sql", false), "0010");
        assert_eq!(next("009_x.sql", true), "20261122101500");
        assert_eq!(next("20250101000000_x.sql", false), "20261122101500");
        assert_eq!(next("20991231000000_x.sql", false), "20991231000001");
        assert_eq!(next_number(&[], 1, false).expect("goes on"), "001");
    }

    #[test]
    fn words_become_a_name() {
        assert_eq!(
            slug("Add  tip-currency!").expect("is one"),
            "add_tip_currency"
        );
        assert!(slug("¡!").is_err());
        assert!(slug("").is_err());
        assert!(slug("Été").is_err());
    }
}
