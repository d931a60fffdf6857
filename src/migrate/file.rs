//! One migration file: what its name says and what is in it.

use std::sync::Arc;

use refinery::Migration as Refined;

use super::import::Tool;
use super::lint::form;
use crate::error::{self, Error, Result};
use crate::pg::session::SearchPath;

/// A migration as it lies in a folder or in the program.
#[derive(Debug, Clone)]
pub struct Migration {
    /// Its number.
    pub version: i64,
    /// Its description: `creators` of `005_creators.sql`.
    pub name: String,
    /// The name of its file.
    pub file: String,
    /// The file as a person would name it.
    pub path: String,
    /// Where the names in it are looked for that do not say it themselves.
    pub search_path: SearchPath,
    /// refinery's checksum of number, description and text: hashed once, however often it is compared.
    pub checksum: u64,
    /// Shared: it may be large, and plans are made again.
    sql: Arc<String>,
}

/// What a file in the folder of migrations is.
#[derive(Debug, PartialEq, Eq)]
pub enum Kind {
    /// `NNN_description.sql`
    Up(i64, String),
    /// `NNN_description.down.sql`, which undoes one.
    Down(i64, String),
    /// Nothing of ours.
    Other,
}

/// refinery's checksum of a migration.
pub fn checksum(version: i64, name: &str, sql: &str) -> Result<u64, refinery::Error> {
    Refined::unapplied(&format!("V{version}__{name}"), sql).map(|refined| refined.checksum())
}

/// Why a name that ends in `.sql` is none of ours.
#[derive(Debug, PartialEq, Eq)]
pub struct Misfit(pub String);

impl Misfit {
    /// The same, with the file it is about.
    pub fn about(self, path: &str) -> Error {
        Error::failed(format!("{path} does not fit: {}", self.0))
            .note("a migration is named NNN_description.sql, the description of letters, digits and underscores")
            .hint(instead(path))
    }
}

/// What to do about a name that is none of ours: it may be another tool's.
pub fn instead(path: &str) -> String {
    let file = path.rsplit('/').next().unwrap_or(path);
    let mut tools = Tool::ALL.into_iter().filter(|tool| tool.is_known_by(file));
    let first = tools.next().map(Tool::take_over);
    let others = tools.map(|tool| format!("`--from {}`", tool.word()));
    let words: Vec<String> = first.into_iter().chain(others).collect();
    if words.is_empty() {
        form::NAMING.rewrite.to_owned()
    } else {
        words.join(", or ")
    }
}

/// Reads a file's name. A name that ends in `.sql` and is none of ours is an error: it would never run.
pub fn kind(file: &str) -> Result<Kind, Misfit> {
    let misfit = |why: &str| Misfit(why.to_owned());
    let Some(stem) = file.strip_suffix(".sql") else {
        if file.to_ascii_lowercase().ends_with(".sql") {
            return Err(misfit("its ending is not .sql in lower case"));
        }
        return Ok(Kind::Other);
    };
    let (stem, down) = stem
        .strip_suffix(".down")
        .map_or((stem, false), |stem| (stem, true));
    let (number, name) = stem
        .split_once('_')
        .ok_or_else(|| misfit("it has no number and underscore in front"))?;
    if number.is_empty() || !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(misfit("it does not begin with a number"));
    }
    let version = number
        .parse()
        .map_err(|_| misfit("its number is too large"))?;
    if name.is_empty() {
        return Err(misfit("it has no description"));
    }
    if let Some(stranger) = name
        .chars()
        .find(|letter| !letter.is_ascii_alphanumeric() && *letter != '_')
    {
        return Err(misfit(&format!("its description contains {stranger:?}")));
    }
    if name.len() > 200 {
        return Err(misfit("its description is longer than 200 characters"));
    }
    let name = name.to_owned();
    Ok(if down {
        Kind::Down(version, name)
    } else {
        Kind::Up(version, name)
    })
}

impl Migration {
    /// A migration in a folder, of this number and description, as [`kind`] reads them, with its text as [`text::decode`](crate::source::text::decode) does.
    pub fn new(version: i64, name: String, file: &str, path: String, sql: String) -> Result<Self> {
        let checksum = checksum(version, &name, &sql)
            .map_err(|error| Error::failed(format!("{path} does not fit")).because(error))?;
        Ok(Self {
            version,
            name,
            file: file.to_owned(),
            path,
            search_path: SearchPath::Files,
            checksum,
            sql: Arc::new(sql),
        })
    }

    /// Its text, normalised.
    pub fn sql(&self) -> &str {
        &self.sql
    }

    /// As refinery takes it, without the text: refinery makes four copies of what it is given, looks at the checksum
    /// and sends what it is told to by us.
    pub fn refined(&self) -> Result<Refined> {
        let refined = serde_json::json!({
            "state": "Unapplied",
            "name": self.name,
            "checksum": self.checksum,
            "version": self.version,
            "prefix": "Versioned",
            "sql": "",
            "applied_on": null,
        });
        serde_json::from_value(refined).map_err(|error| {
            Error::new(
                error::Kind::Bug,
                "refinery's migrations are not what they were",
            )
            .because(error)
            .into()
        })
    }

    /// `005_creators`, the file's name without its ending.
    pub fn title(&self) -> &str {
        self.file.strip_suffix(".sql").unwrap_or(&self.file)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::source::text::decode;

    fn migration(sql: &str) -> Migration {
        let (file, sql) = ("001_a.sql".to_owned(), sql.to_owned());
        Migration::new(1, "a".to_owned(), "001_a.sql", file, sql).expect("fits")
    }

    #[test]
    fn names_are_read() {
        let read = |file: &str| kind(file).expect("fits");
        assert_eq!(read("001_users.sql"), Kind::Up(1, "users".to_owned()));
        assert_eq!(
            read("20261122093000_tip_currency.sql"),
            Kind::Up(20_261_122_093_000, "tip_currency".to_owned())
        );
        assert_eq!(
            read("001_users.down.sql"),
            Kind::Down(1, "users".to_owned())
        );
        assert_eq!(read("README.md"), Kind::Other);
    }

    #[test]
    fn names_that_do_not_fit_are_errors() {
        for file in [
            "users.sql",
            "_users.sql",
            "1.5_users.sql",
            "V1__users.sql",
            "001_tip-currency.sql",
            "001_.sql",
            "001.sql",
            "99999999999999999999_big.sql",
            "001_a b.sql",
            "001_é.sql",
            ".sql",
            "001_x.verify.sql",
            "001_x.SQL",
        ] {
            assert!(kind(file).is_err(), "{file}");
        }
    }

    #[test]
    fn a_mark_and_carriage_returns_change_nothing() {
        let unix = decode(b"select 1;\nselect 2;\n", "f").expect("is text");
        let windows = decode(b"\xef\xbb\xbfselect 1;\r\nselect 2;\r\n", "f").expect("is text");
        assert_eq!(unix, windows);
        let checksum = |sql: &str| migration(sql).checksum;
        assert_eq!(checksum(&unix), checksum(&windows));
    }

    #[test]
    fn refinery_gets_the_same_migration_without_its_text() {
        let ours = migration("select 1;");
        let refined = ours.refined().expect("is as refinery writes it");
        let whole = Refined::unapplied("V1__a", "select 1;").expect("fits");
        assert_eq!(refined, whole);
        assert_eq!(refined.to_string(), whole.to_string());
        assert_eq!(refined.checksum(), ours.checksum);
        assert_eq!(refined.sql(), Some(""));
    }

    #[test]
    fn the_name_of_another_tool_leads_to_that_tool() {
        let from = |word: &str| {
            format!("take the files over with `migrate baseline --from {word} --migrations FOLDER`")
        };
        for (path, hint) in [
            ("m/users.sql", form::NAMING.rewrite.to_owned()),
            ("m/001_a b.sql", form::NAMING.rewrite.to_owned()),
            (
                "m/V1__users.sql",
                format!("{}, or `--from refinery`", from("flyway")),
            ),
            (
                "m/U1__users.sql",
                format!("{}, or `--from refinery`", from("flyway")),
            ),
            ("m/R__views.sql", from("flyway")),
            (
                "m/001_users.up.sql",
                format!("{}, or `--from golang-migrate`", from("sqlx")),
            ),
        ] {
            assert_eq!(instead(path), hint, "{path}");
        }
    }

    proptest! {
        #[test]
        fn no_name_makes_it_panic(name in "\\PC{0,40}") {
            let _ = kind(&name);
            let _ = kind(&format!("{name}.sql"));
        }
    }
}
