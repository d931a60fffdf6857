//! toysoldiers.toml: what is in it, and what is wrong with it, by line.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer};
use toml::Spanned;

use crate::error::{Error, Excerpt, Result, masked_file, nearest};
use crate::pg::Endpoint;
use crate::pg::endpoint::Surroundings;
use crate::reading::{self, MIB};
use crate::trust::{Caller, Distrust};

/// Name of the file, searched from the current folder up.
pub const NAME: &str = "toysoldiers.toml";

/// A configuration file that was read.
#[derive(Debug)]
pub struct File {
    /// Where it is.
    pub path: PathBuf,
    /// What is in it.
    pub content: Content,
    /// Whose it is, by number.
    pub owner: u32,
    /// Its text, for showing places.
    text: String,
}

/// Where a database of a configured environment is.
#[derive(Debug)]
pub struct Address<'a> {
    /// The environment.
    pub name: &'a String,
    /// What is said of it.
    pub table: &'a EnvTable,
    /// The address, if it can be read.
    pub endpoint: Result<Endpoint>,
}

/// A word of the file that only others can judge, and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    /// The word.
    pub text: String,
    /// Where.
    pub place: Excerpt,
}

/// The whole file.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Content {
    /// The environment when nobody names one.
    pub default_env: Option<String>,
    /// `[migrations]`
    pub migrations: MigrationsTable,
    /// `[policies]`
    pub policies: PoliciesTable,
    /// `[indexes]`
    pub indexes: IndexesTable,
    /// `[env.NAME]`
    pub env: BTreeMap<String, EnvTable>,
}

/// `[migrations]`
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MigrationsTable {
    /// Their folder, relative to the file.
    pub dir: Option<PathBuf>,
    /// Rules whose findings stop `migrate up`, in every environment.
    pub deny: Vec<Spanned<String>>,
}

/// `[policies]`
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PoliciesTable {
    /// Their folder, relative to the file.
    pub dir: Option<PathBuf>,
}

/// `[indexes]`
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct IndexesTable {
    /// Their folder, relative to the file.
    pub dir: Option<PathBuf>,
}

/// `[env.NAME.migrations]`
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EnvMigrationsTable {
    /// Rules whose findings stop `migrate up` here as well.
    pub deny: Vec<Spanned<String>>,
}

/// `[env.NAME]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EnvTable {
    /// Where the database is.
    pub url: String,
    /// The program that prints the password, and its arguments.
    #[serde(default, deserialize_with = "program")]
    pub password_command: Option<Vec<String>>,
    /// How long it may take.
    #[serde(default, deserialize_with = "time")]
    pub password_timeout: Option<Duration>,
    /// The variable that holds the password.
    #[serde(default, deserialize_with = "variable")]
    pub password_env: Option<String>,
    /// Whether every change asks first.
    #[serde(default)]
    pub protected: bool,
    /// The server's identity, written by `env pin`.
    #[serde(default, deserialize_with = "fingerprint")]
    pub fingerprint: Option<String>,
    /// Commands that are never run here.
    #[serde(default, deserialize_with = "commands")]
    pub deny: Vec<String>,
    /// `[env.NAME.migrations]`
    #[serde(default)]
    pub migrations: EnvMigrationsTable,
    /// `[env.NAME.replica]`
    #[serde(default)]
    pub replica: Option<ReplicaTable>,
    /// `[env.NAME.backup]`
    #[serde(default)]
    pub backup: BackupTable,
}

/// `[env.NAME.replica]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReplicaTable {
    /// Where it is.
    pub url: String,
    /// How long a read waits for it to have what the primary has.
    #[serde(default, deserialize_with = "time")]
    pub max_lag: Option<Duration>,
}

/// `[env.NAME.backup]`
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BackupTable {
    /// Where backups go: a folder, relative to the file, or an address with a scheme.
    pub destination: Option<String>,
    /// Whether `deploy` takes one before it applies migrations.
    pub before_migrate: bool,
}

impl BackupTable {
    /// Where backups go, for a file in this folder.
    pub fn place(&self, folder: &Path) -> Option<PathBuf> {
        let to = self.destination.as_ref()?;
        // `s3://bucket` is no path that begins beside the file.
        let scheme = to.split_once("://").map(|(scheme, _)| scheme);
        let is_address = scheme.is_some_and(|scheme| !scheme.contains('/'));
        Some(if is_address {
            PathBuf::from(to)
        } else {
            folder.join(to)
        })
    }
}

/// A length of time: `30s`.
fn time<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    let text = String::deserialize(deserializer)?;
    super::duration(&text).map(Some).map_err(D::Error::custom)
}

/// A value of this type; the error says what was expected instead of what serde calls it.
fn value<'de, D: Deserializer<'de>, T: DeserializeOwned>(
    deserializer: D,
    expected: &str,
) -> Result<T, D::Error> {
    let value = toml::Value::deserialize(deserializer)?;
    T::deserialize(value).map_err(|_| D::Error::custom(expected))
}

/// A number of up to 20 digits, in quotes: TOML's own numbers end before it does.
fn fingerprint<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let expected = "a fingerprint is a number in quotes, as `env pin` writes it";
    let text: String = value(deserializer, expected)?;
    if text.parse::<u64>().is_err() {
        return Err(D::Error::custom(expected));
    }
    Ok(Some(text))
}

/// A program and its arguments.
fn program<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<String>>, D::Error> {
    let expected =
        "password_command is a list of a program and its arguments: [\"pass\", \"show\", \"db\"]";
    let words: Vec<String> = value(deserializer, expected)?;
    if words.first().is_none_or(String::is_empty) {
        return Err(D::Error::custom(expected));
    }
    Ok(Some(words))
}

const VARIABLE: &str = "password_env is the name of a variable, like PRODUCTION_PASSWORD";

/// The name of a variable.
fn variable<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let name: String = value(deserializer, VARIABLE)?;
    if !names_variable(&name) {
        return Err(D::Error::custom(VARIABLE));
    }
    Ok(Some(name))
}

/// Whether a variable can have this name; a password seldom looks like one.
pub(super) fn names_variable(name: &str) -> bool {
    let fits = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    !name.is_empty() && name.chars().all(fits)
}

/// Commands as one types them: `user delete`.
fn commands<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let expected = "deny is a list of commands: [\"backup restore\"]";
    let commands: Vec<String> = value(deserializer, expected)?;
    if commands.iter().any(|command| command.trim().is_empty()) {
        return Err(D::Error::custom(expected));
    }
    Ok(commands)
}

/// More than anybody writes by hand.
pub(super) const LARGEST: u64 = MIB;

impl File {
    /// Reads the named file, or the first one found from `here` up; nothing if there is none. One that was found
    /// has to belong to `caller`: the search goes on past no file, since that file may be what guards.
    pub fn find(named: Option<&Path>, here: &Path, caller: &Caller) -> Result<Option<Self>> {
        let path = match named {
            Some(path) => here.join(path),
            None => match here
                .ancestors()
                .map(|folder| folder.join(NAME))
                .find(|path| path.is_file())
            {
                Some(path) => path,
                None => return Ok(None),
            },
        };
        let cannot = |error: std::io::Error| {
            Error::configuration(format!("cannot read {}", path.display()))
                .because(error)
                .hint("name a file that is there with `--config`")
        };
        let file = match named {
            Some(_) => reading::open(&path).map_err(cannot)?,
            None => caller.open(&path).map_err(|distrust| match distrust {
                Distrust::Unreadable(error) => cannot(error),
                distrust => not_obeyed(&path, distrust),
            })?,
        };
        let owner = file.metadata().map_err(cannot)?.uid();
        let text = reading::rest(&file, LARGEST)
            .and_then(reading::text_of)
            .map_err(cannot)?;
        let content = parse(&path.display().to_string(), &text)?;
        Ok(Some(Self {
            path,
            content,
            owner,
            text,
        }))
    }

    /// Where the environments' databases are, and their replicas.
    pub(super) fn addresses(&self, around: &Surroundings) -> impl Iterator<Item = Address<'_>> {
        let around = super::beside(self, around);
        self.content.env.iter().flat_map(move |(name, table)| {
            let replica = table.replica.as_ref().map(|replica| &replica.url);
            std::iter::once(&table.url)
                .chain(replica)
                .map(|url| Address {
                    name,
                    table,
                    endpoint: Endpoint::parse_in(url, &around),
                })
                .collect::<Vec<_>>()
        })
    }

    /// Rules that are denied everywhere, then those that are denied in these environments.
    pub fn denied<'a>(&'a self, tables: impl IntoIterator<Item = &'a EnvTable>) -> Vec<Word> {
        let everywhere = &self.content.migrations.deny;
        let here = tables.into_iter().map(|table| &table.migrations.deny);
        let shown = masked_file(&self.text);
        let words = std::iter::once(everywhere).chain(here).flatten();
        let mut words: Vec<Word> = words
            .map(|word| {
                let span = word.span();
                let file = self.path.display().to_string();
                Word {
                    text: word.get_ref().clone(),
                    place: Excerpt::new(file, &shown, span.start, span.len()),
                }
            })
            .collect();
        words.dedup();
        words
    }
}

/// What was found is another's, or could be.
fn not_obeyed(path: &Path, distrust: Distrust) -> Error {
    Error::configuration(format!("{} was found and is not obeyed", path.display()))
        .because(distrust)
        .note("what is found without being named must belong to you or root, and be writable by nobody else")
        .hint("if you trust it, name it with `--config FILE` or TOYSOLDIERS_CONFIG")
}

/// What a text says; `file` is what it is called.
pub(super) fn parse(file: &str, text: &str) -> Result<Content> {
    let content: Content = toml::from_str(text).map_err(|error| describe(file, text, &error))?;
    for reserved in [super::LOCAL, super::DEMO] {
        if content.env.contains_key(reserved) {
            let offset = text.find(&format!("env.{reserved}")).unwrap_or(0);
            return Err(Error::configuration(format!(
                "the environment {reserved} is the private server's"
            ))
            .at(Excerpt::new(
                file,
                &masked_file(text),
                offset,
                "env.".len() + reserved.len(),
            ))
            .hint("give yours another name")
            .into());
        }
    }
    Ok(content)
}

/// serde names the key and the keys it knows in backquotes; the span shows where the key stands.
fn describe(file: &str, text: &str, error: &toml::de::Error) -> anyhow::Error {
    let message = error.message();
    let span = error.span().unwrap_or(0..0);
    // Where a variable's name belongs somebody may have written the password itself.
    let mut shown = masked_file(text);
    if message == VARIABLE {
        shown.replace_range(span.clone(), &"*".repeat(span.len()));
    }
    let quoted: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
    let unknown = message
        .starts_with("unknown field")
        .then(|| quoted.split_first())
        .flatten();
    let (what, hint) = if let Some((key, known)) = unknown {
        let hint = match nearest(key, known.iter().copied()) {
            // Next to the nearest key somebody would write the password itself.
            _ if *key == "password" => {
                "no secret goes into this file; name a program that prints it with `password_command`, or a variable with `password_env`".to_owned()
            }
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("the keys here are {}", known.join(", ")),
        };
        (format!("there is no key {key} in toysoldiers.toml"), hint)
    } else {
        let what = message
            .lines()
            .next()
            .unwrap_or("cannot be read")
            .replace('`', "");
        (
            format!("toysoldiers.toml cannot be read: {what}"),
            "mend that line and try again".to_owned(),
        )
    };
    Error::configuration(what)
        .at(Excerpt::new(file, &shown, span.start, span.len()))
        .hint(hint)
        .into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::explain;

    fn refused(text: &str) -> (String, usize, Option<String>) {
        let explanation = explain(&parse("toysoldiers.toml", text).expect_err("is wrong"));
        let hint = explanation.hint();
        (
            explanation.message,
            explanation.excerpt.map_or(0, |excerpt| excerpt.line),
            hint,
        )
    }

    #[test]
    fn an_unknown_key_is_named_with_its_line_and_the_nearest_known_one() {
        let (message, line, hint) =
            refused("default_env = \"x\"\n[env.x]\nurl = \"\"\nprotectd = true\n");
        assert_eq!(message, "there is no key protectd in toysoldiers.toml");
        assert_eq!(
            (line, hint.as_deref()),
            (4, Some("did you mean `protected`?"))
        );
    }

    #[test]
    fn a_wrong_type_and_a_missing_key_have_their_line() {
        let (message, line, _) = refused("[env.x]\nurl = \"\"\nprotected = \"yes\"\n");
        assert_eq!(
            message,
            "toysoldiers.toml cannot be read: invalid type: string \"yes\", expected a boolean"
        );
        assert_eq!(line, 3);
        let (message, line, _) = refused("[env.x]\nprotected = true\n");
        assert_eq!(
            (message.as_str(), line),
            ("toysoldiers.toml cannot be read: missing field url", 1)
        );
    }

    #[test]
    fn the_private_environments_cannot_be_taken() {
        let (message, line, _) = refused("[env.local]\nurl = \"postgresql://x/y\"\n");
        assert_eq!(
            (message.as_str(), line),
            ("the environment local is the private server's", 1)
        );
    }
}
