//! A first toysoldiers.toml.

use std::io::Write;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::file::{NAME, names_variable};
use super::private;
use crate::error::{Error, Result};
use crate::pg::Endpoint;
use crate::plan::{Consent, Plan, Risk, Step};

/// An environment to begin with.
#[derive(Debug, Clone)]
pub struct First {
    /// Its name.
    pub name: String,
    /// Where its database is; without a password.
    pub url: String,
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
            .hint("leave it out, and name the variable that holds it with `--password-env`")
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
                .note("nothing was changed")
                .hint("edit it, or move it away first")
                .into(),
        );
    }
    let step = Step::new("write", path.display().to_string());
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
    let mut file = std::fs::File::create_new(&path).map_err(cannot)?;
    file.write_all(text.as_bytes()).map_err(cannot)?;
    Ok(Written { path })
}

fn text(first: Option<&First>) -> String {
    let quoted = |text: &str| toml::Value::from(text).to_string();
    let environment = match first {
        Some(First {
            name,
            url,
            password_env,
            protected,
        }) => {
            let password = match password_env {
                Some(variable) => format!("password_env = {}", quoted(variable)),
                None => {
                    "# password_env = \"THE_VARIABLE\"       # the variable that holds the password"
                        .to_owned()
                }
            };
            format!(
                "[env.{name}]\nurl = {}\n{password}\nprotected = {protected}\n",
                quoted(url)
            )
        }
        None => "# [env.production]\n# url = \"postgresql://user@host:5432/database\"\n\
                 # password_env = \"PRODUCTION_PASSWORD\"  # the variable that holds the password\n\
                 # protected = true                       # every change asks first\n"
            .to_owned(),
    };
    format!(
        "# Settings of toysoldiers. Commit this file: it holds no secret.\n\
         # `toysoldiers env show` tells every value in force and where it came from.\n\n\
         # The environment when neither --env nor TOYSOLDIERS_ENV names one.\n\
         default_env = \"local\"\n\n\
         [migrations]\n\
         # dir = \"database/migrations\"         # relative to this file\n\n\
         # `local` and `demo` need no table: they are databases of a private server.\n\
         {environment}"
    )
}

#[cfg(test)]
mod tests {
    use super::super::file::Content;
    use super::*;

    #[test]
    fn what_is_written_can_be_read() {
        let first = First {
            name: "production".to_owned(),
            url: "postgresql://app@db.example.com/app?options=\"x\"".to_owned(),
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
        let content: Content = toml::from_str(&text(None)).expect("is a file of ours");
        assert!(content.env.is_empty());
        let uncommented = text(None)
            .replace("# [", "[")
            .replace("# url", "url")
            .replace("# password", "password")
            .replace("# protected", "protected");
        let content: Content = toml::from_str(&uncommented).expect("its examples are right");
        assert!(content.env["production"].protected);
    }
}
