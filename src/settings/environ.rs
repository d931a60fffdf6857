//! The process environment, taken once.

use std::collections::HashMap;
use std::ffi::OsString;
use std::path::PathBuf;

use secrecy::SecretString;

use crate::error::{Error, Result};

/// Variables of the process environment. An empty variable counts as unset.
#[derive(Default)]
pub struct Environ(HashMap<OsString, OsString>);

impl Environ {
    /// Of these variables.
    pub fn new(variables: impl IntoIterator<Item = (OsString, OsString)>) -> Self {
        Self(
            variables
                .into_iter()
                .filter(|(_, value)| !value.is_empty())
                .collect(),
        )
    }

    /// A variable's text.
    pub fn get(&self, name: &str) -> Result<Option<String>> {
        let Some(value) = self.0.get(std::ffi::OsStr::new(name)) else {
            return Ok(None);
        };
        value.clone().into_string().map(Some).map_err(|_| {
            Error::configuration(format!("the variable {name} is not UTF-8"))
                .hint("set it anew, or unset it")
                .into()
        })
    }

    /// A variable's text that nobody may see.
    pub fn secret(&self, name: &str) -> Result<Option<SecretString>> {
        Ok(self.get(name)?.map(SecretString::from))
    }

    /// A variable's path.
    pub fn path(&self, name: &str) -> Option<PathBuf> {
        self.0.get(std::ffi::OsStr::new(name)).map(PathBuf::from)
    }

    /// The text of all variables, for taking out of messages what is secret.
    pub fn values(&self) -> impl Iterator<Item = std::borrow::Cow<'_, str>> {
        self.0.values().map(|value| value.to_string_lossy())
    }

    /// Whether a variable is set at all.
    pub fn has(&self, name: &str) -> bool {
        self.0.contains_key(std::ffi::OsStr::new(name))
    }
}
