//! A first toysoldiers.toml.

use std::io::Write;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::file::{NAME, names_variable};
use super::private;
use crate::error::{Error, Result};
use crate::pg::Endpoint;
use crate::plan::{Consent, Effect, Plan, Risk, Step};
use crate::trust;

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

/// The file to be written.
#[derive(Debug)]
pub struct Draft {
    path: PathBuf,
    text: String,
}

/// The file that was written.
#[derive(Debug, Serialize)]
pub struct Written {
    /// Where it is.
    pub path: PathBuf,
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

/// What writing the file into `folder` would do; a file that is there is never overwritten.
pub fn plan(folder: &Path, first: Option<&First>) -> Result<Plan<Draft>> {
    if let Some(first) = first {
        first.check()?;
    }
    let path = folder.join(NAME);
    if path.exists() {
        return Err(
            Error::refused(format!("{} is there already", path.display()))
                .unchanged()
                .hint("edit it, or move it away first")
                .into(),
        );
    }
    let step = Step::new(Effect::Adds, "write", path.display().to_string());
    let work = Draft {
        path,
        text: text(first),
    };
    Ok(Plan {
        title: format!("write {NAME}"),
        risk: Risk::Harmless,
        steps: vec![step],
        work,
    })
}

/// Writes the file.
pub fn write(draft: Draft, _consent: Consent) -> Result<Written> {
    let Draft { path, text } = draft;
    let cannot = |error: std::io::Error| {
        Error::failed(format!("cannot write {}", path.display())).because(error)
    };
    let mut file = trust::create_new(&path).map_err(cannot)?;
    file.write_all(text.as_bytes()).map_err(cannot)?;
    Ok(Written { path })
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
