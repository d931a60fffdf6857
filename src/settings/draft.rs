//! A first toysoldiers.toml, an environment more in one that is there, and the files to begin with.

use std::io::Write;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::edit::{self, Edit};
use super::file::{File, NAME, names_variable};
use super::{CONFIG, Environ, Flags, private};
use crate::error::{Error, Result};
use crate::pg::Endpoint;
use crate::plan::{Consent, Effect, Plan, Risk, Step, counted};
use crate::trust::{self, Caller};

/// An environment to begin with.
#[derive(Debug, Clone)]
pub struct First {
    /// Its name.
    pub name: String,
    /// Where its database is; without a password.
    pub url: String,
    /// The program that will print the password, and its arguments.
    pub password_command: Option<Vec<String>>,
    /// The variable that will hold the password.
    pub password_env: Option<String>,
    /// Whether every change asks first.
    pub protected: bool,
}

/// The files to be written.
#[derive(Debug)]
pub struct Draft {
    settings: Option<Settings>,
    files: Vec<(PathBuf, &'static [u8])>,
}

/// What is done about toysoldiers.toml.
#[derive(Debug)]
enum Settings {
    /// One is written.
    New(PathBuf, String),
    /// One has an environment more.
    More(PathBuf, Edit),
}

/// Where files of one noun are to be, and their names and contents.
pub type Folder = (PathBuf, &'static [(&'static str, &'static [u8])]);

/// The files that were written.
#[derive(Debug, Serialize)]
pub struct Written {
    /// Where toysoldiers.toml is, if something was written into it.
    pub path: Option<PathBuf>,
    /// How many files besides.
    pub files: usize,
}

impl First {
    /// Refuses what the file could not hold: a name that is taken or no key, an address that cannot be read
    /// or that has a password in it.
    pub fn check(&self) -> Result<()> {
        let fits = |letter: char| letter.is_ascii_alphanumeric() || letter == '-' || letter == '_';
        if self.name.is_empty() || !self.name.chars().all(fits) {
            return Err(
                Error::usage(format!("{:?} cannot name an environment", self.name))
                    .hint("use letters, digits, - and _")
                    .into(),
            );
        }
        if private(&self.name).is_some() {
            return Err(Error::usage(format!(
                "the environment {} is the private server's",
                self.name
            ))
            .hint("give yours another name")
            .into());
        }
        if Endpoint::parse(&self.url)?.has_password() {
            return Err(Error::usage(
                "the address holds a password, and the file is meant to be committed",
            )
            .hint("leave it out; say who knows it with `--password-command` or `--password-env`")
            .into());
        }
        if self
            .password_env
            .as_ref()
            .is_some_and(|name| !names_variable(name))
        {
            return Err(Error::usage("the password's variable has no name of a variable")
                .hint("name it like PRODUCTION_PASSWORD; the password itself stays out of the file")
                .into());
        }
        Ok(())
    }
}

/// A file that is there already.
#[derive(Debug)]
pub struct There {
    /// Where it is.
    pub path: PathBuf,
    /// The environments it has.
    pub environments: Vec<String>,
}

/// The file that an environment would be added to.
pub fn there(
    flags: &Flags,
    environ: &Environ,
    here: &Path,
    caller: &Caller,
) -> Result<Option<There>> {
    let named = flags.config.clone().or_else(|| environ.path(CONFIG));
    let file = File::find(named.as_deref(), here, caller)?;
    Ok(file.map(|file| There {
        path: file.path,
        environments: file.content.env.into_keys().collect(),
    }))
}

/// What writing a file into the folder `here` would do, or an environment into the file that is `there` already; and the
/// files of `folders`, but for folders that are there. No file is ever overwritten.
pub fn plan(
    here: &Path,
    there: Option<&There>,
    first: Option<&First>,
    folders: Vec<Folder>,
) -> Result<Plan<Draft>> {
    if let Some(first) = first {
        first.check()?;
    }
    let mut steps = Vec::new();
    let path = here.join(NAME);
    let settings = match (there, first) {
        (Some(There { path, environments }), Some(first)) => {
            if environments.contains(&first.name) {
                return Err(Error::refused(format!(
                    "{} has an environment {} already",
                    path.display(),
                    first.name
                ))
                .unchanged()
                .hint("edit it there, or give the new one another name")
                .into());
            }
            let lines = environment(first);
            let edit = edit::environment(path, &first.name, &lines)?;
            let step = Step::new(Effect::Changes, "add to", path.display().to_string());
            let lines = lines.lines().filter(|line| !line.is_empty());
            steps.push(step.lines(lines.map(|line| format!("+ {line}")).collect()));
            Some(Settings::More(path.clone(), edit))
        }
        _ if path.exists() => None,
        _ => {
            steps.push(Step::new(Effect::Adds, "write", path.display().to_string()));
            Some(Settings::New(path.clone(), text(first)))
        }
    };
    let mut files = Vec::new();
    for (folder, contents) in folders {
        let shown = folder.display().to_string();
        // Whoever made a link there would have the files written elsewhere.
        if let Some(parent) = folder.parent().filter(|parent| parent.is_symlink()) {
            return Err(Error::refused(format!("{} is a link", parent.display()))
                .unchanged()
                .hint("make a folder of it, or begin in another one")
                .into());
        }
        if folder.symlink_metadata().is_ok() {
            steps.push(Step::new(Effect::Verifies, "leave", shown).detail("is there already"));
            continue;
        }
        steps.push(Step::new(Effect::Adds, "write", shown).detail(counted(contents.len(), "file")));
        let own = contents
            .iter()
            .map(|(name, bytes)| (folder.join(name), *bytes));
        files.extend(own);
    }
    if settings.is_none() && files.is_empty() {
        return Err(
            Error::refused(format!("{} is there already", path.display()))
                .unchanged()
                .hint("name an environment to be added to it")
                .into(),
        );
    }
    let title = match (&settings, files.is_empty()) {
        (Some(Settings::More(..)), true) => format!("add an environment to {NAME}"),
        (Some(_), true) => format!("write {NAME}"),
        (Some(_), false) => format!("write {NAME} and the files in this program"),
        (None, _) => "write the files in this program".to_owned(),
    };
    Ok(Plan {
        title,
        risk: Risk::Harmless,
        steps,
        work: Draft { settings, files },
    })
}

/// Writes the files.
pub fn write(draft: Draft, _consent: Consent) -> Result<Written> {
    let Draft { settings, files } = draft;
    let count = files.len();
    for (path, bytes) in files {
        write_new(&path, bytes)?;
    }
    let path = match settings {
        None => None,
        Some(Settings::New(path, text)) => {
            write_new(&path, text.as_bytes())?;
            Some(path)
        }
        Some(Settings::More(path, edit)) => {
            edit.keep()?;
            Some(path)
        }
    };
    Ok(Written { path, files: count })
}

fn write_new(path: &Path, bytes: &[u8]) -> Result<()> {
    let cannot = |error: std::io::Error| {
        Error::failed(format!("cannot write {}", path.display())).because(error)
    };
    let mut file = trust::create_new(path).map_err(cannot)?;
    file.write_all(bytes).map_err(cannot)?;
    Ok(())
}

fn text(first: Option<&First>) -> String {
    let example = First {
        name: "production".to_owned(),
        url: "postgresql://user@host:5432/database".to_owned(),
        password_command: None,
        password_env: Some("PRODUCTION_PASSWORD".to_owned()),
        protected: true,
    };
    let environment = match first {
        Some(first) => environment(first),
        None => environment(&example)
            .lines()
            .map(|line| match line {
                "" => "\n".to_owned(),
                line if line.starts_with('#') => format!("{line}\n"),
                // Its comment stays where those of the other lines are.
                line => format!("# {}\n", line.replacen("  ", "", 1)),
            })
            .collect(),
    };
    format!(
        "# Settings of toysoldiers. Commit this file: it holds no secret.\n\
         # `toysoldiers env show` tells every value in force and where it came from.\n\n\
         # The environment when neither --env nor TOYSOLDIERS_ENV names one.\n\
         default_env = \"local\"\n\n\
         [migrations]\n\
         # dir = \"database/migrations\"           # relative to this file\n\n\
         # `local` and `demo` need no table: they are databases of a private server.\n\
         {environment}"
    )
}

/// The tables of an environment, with what else could stand there.
fn environment(first: &First) -> String {
    let First {
        name,
        url,
        password_command,
        password_env,
        protected,
    } = first;
    let quoted = |text: &str| toml::Value::from(text).to_string();
    let command = match password_command {
        Some(words) => {
            let words: Vec<String> = words.iter().map(|word| quoted(word)).collect();
            format!("password_command = [{}]", words.join(", "))
        }
        None => {
            "# password_command = [\"op\", \"read\", \"op://ops/database/password\"]".to_owned()
        }
    };
    let variable = match password_env {
        Some(variable) => format!("password_env = {}", quoted(variable)),
        None => "# password_env = \"THE_VARIABLE\"".to_owned(),
    };
    let line = |text: &str, comment: &str| format!("{text:<40} # {comment}\n");
    [
        format!("[env.{name}]\nurl = {}\n", quoted(url)),
        "# Who knows the password: a program that prints it, a variable, ~/.pgpass or PGPASSWORD.\n".to_owned(),
        format!("{command}\n{variable}\n"),
        line(&format!("protected = {protected}"), "whether every change asks first"),
        line("# deny = [\"backup restore\"]", "commands that are never run here"),
        format!("# `toysoldiers --env {name} env pin` writes here which server this is: its fingerprint.\n\n"),
        format!("# Lists and numbers are read here while it has what the primary has.\n# [env.{name}.replica]\n"),
        "# url = \"postgresql://user@replica:5432/database\"\n".to_owned(),
        line("# max_lag = \"30s\"", "how long it is waited for"),
        format!("\n# [env.{name}.backup]\n"),
        line("# destination = \"backups\"", "a folder, relative to this file"),
    ]
    .concat()
}

#[cfg(test)]
mod tests {
    use super::super::file::Content;
    use super::*;

    /// The text with what it only shows in force: everything after a `#` that is not a sentence.
    fn uncommented(text: &str) -> Content {
        let lines: Vec<&str> = text
            .lines()
            .map(|line| match line.strip_prefix("# ") {
                Some(shown) if shown.starts_with('[') || shown.contains(" = ") => shown,
                _ => line,
            })
            .collect();
        toml::from_str(&lines.join("\n")).expect("its examples are right")
    }

    #[test]
    fn what_is_written_can_be_read() {
        let words = ["op", "read", "it's \"here\""].map(str::to_owned);
        let mut first = First {
            name: "production".to_owned(),
            url: "postgresql://app@db.example.com/app?options=\"x\"".to_owned(),
            password_command: None,
            password_env: Some("SECRET".to_owned()),
            protected: true,
        };
        let content: Content = toml::from_str(&text(Some(&first))).expect("is a file of ours");
        let table = &content.env["production"];
        assert_eq!(
            (
                table.url.as_str(),
                table.password_env.as_deref(),
                table.protected
            ),
            (first.url.as_str(), Some("SECRET"), true)
        );
        first.password_env = None;
        first.password_command = Some(words.to_vec());
        let content: Content = toml::from_str(&text(Some(&first))).expect("is a file of ours");
        let table = &content.env["production"];
        assert_eq!(table.password_command.as_deref(), Some(&words[..]));
    }

    #[test]
    fn what_is_only_shown_is_right_too() {
        let content: Content = toml::from_str(&text(None)).expect("is a file of ours");
        assert!(content.env.is_empty());
        let table = &uncommented(&text(None)).env["production"];
        assert!(table.protected && table.replica.is_some());
        assert!(table.password_command.is_some() && table.backup.destination.is_some());
        assert_eq!(table.deny, ["backup restore"]);
    }
}
