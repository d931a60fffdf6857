//! A value or an environment put into toysoldiers.toml. All the rest of the file stays as somebody wrote it: comments, order, line
//! ends, mode and owner, and where a symbolic link leads.

use std::fs::{self, Metadata, Permissions};
use std::io::Write;
use std::os::unix::fs::{MetadataExt, PermissionsExt, fchown};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;
use toml_edit::{DocumentMut, Item, value};

use super::file::{self, LARGEST};
use crate::error::{Error, Hint, Result};
use crate::reading;

/// A byte order mark, which some editors begin a file with.
const MARK: char = '\u{feff}';

/// The file as it will be, not yet in the place of the old one.
#[derive(Debug)]
pub struct Edit {
    path: PathBuf,
    new: NamedTempFile,
    before: String,
}

/// Writes the file with this environment's fingerprint beside the old one, which says early if there is no right to.
pub fn fingerprint(path: &Path, environment: &str, fingerprint: &str) -> Result<Edit> {
    edit(path, |name, text| {
        with_fingerprint(name, text, environment, fingerprint)
    })
}

/// The same with an environment more, which has these lines.
pub(super) fn environment(path: &Path, environment: &str, lines: &str) -> Result<Edit> {
    edit(path, |name, text| {
        with_environment(name, text, environment, lines)
    })
}

fn edit(path: &Path, change: impl FnOnce(&str, &str) -> Result<String>) -> Result<Edit> {
    let cannot = |error: std::io::Error| {
        Error::failed(format!("cannot write {}", path.display()))
            .because(error)
            .unchanged()
            .hint("edit it as a user who may write it and its folder")
    };
    // Where a link leads is what is replaced, not the link.
    let path = fs::canonicalize(path).map_err(cannot)?;
    let before = reading::text(&path, LARGEST).map_err(cannot)?;
    let after = change(&path.display().to_string(), &before)?;
    let folder = path.parent().unwrap_or(Path::new("/"));
    let mut new = tempfile::Builder::new()
        .prefix(".toysoldiers.toml.")
        .tempfile_in(folder)
        .map_err(cannot)?;
    new.write_all(after.as_bytes()).map_err(cannot)?;
    let metadata = fs::metadata(&path).map_err(cannot)?;
    resemble(&new, &metadata).map_err(cannot)?;
    new.as_file().sync_all().map_err(cannot)?;
    Ok(Edit { path, new, before })
}

impl Edit {
    /// Puts the file in its place, unless somebody has changed the old one meanwhile.
    pub fn keep(self) -> Result<()> {
        let Self { path, new, before } = self;
        if reading::text(&path, LARGEST).ok().as_ref() != Some(&before) {
            return Err(
                Error::refused(format!("{} was changed meanwhile", path.display()))
                    .note("it was left as it is now")
                    .hint(Hint::again("run the same command again"))
                    .into(),
            );
        }
        new.persist(&path).map_err(|error| {
            Error::failed(format!("cannot write {}", path.display())).because(error.error)
        })?;
        Ok(())
    }
}

/// Gives a file the mode and the owner of another. Only root may give files away; what belongs to us does already.
fn resemble(new: &NamedTempFile, metadata: &Metadata) -> std::io::Result<()> {
    let ours = new.as_file().metadata()?;
    if (ours.uid(), ours.gid()) != (metadata.uid(), metadata.gid()) {
        let _ = fchown(new.as_file(), Some(metadata.uid()), Some(metadata.gid()));
    }
    new.as_file()
        .set_permissions(Permissions::from_mode(metadata.mode() & 0o7777))
}

/// The text with the environment's fingerprint in it. `name` is what the file is called.
fn with_fingerprint(
    name: &str,
    text: &str,
    environment: &str,
    fingerprint: &str,
) -> Result<String> {
    let cannot = || {
        Error::failed(format!("cannot put a fingerprint into {name}"))
            .unchanged()
            .hint(format!(
                "write it yourself: `fingerprint = \"{fingerprint}\"` in `[env.{environment}]`"
            ))
    };
    let plain = text.trim_start_matches(MARK);
    let mut document: DocumentMut = plain.parse().map_err(|error| cannot().because(error))?;
    let table = document
        .get_mut("env")
        .and_then(|environments| environments.get_mut(environment))
        .and_then(Item::as_table_like_mut)
        .ok_or_else(cannot)?;
    match table.get_mut("fingerprint").and_then(Item::as_value_mut) {
        Some(old) => {
            // What stands around it: a comment at the end of its line, say.
            let around = old.decor().clone();
            *old = fingerprint.into();
            *old.decor_mut() = around;
        }
        None => {
            table.insert("fingerprint", value(fingerprint));
        }
    }
    let mut after = document.to_string();
    if plain.contains("\r\n") {
        after = after.replace("\r\n", "\n").replace('\n', "\r\n");
    }
    if text.starts_with(MARK) {
        after.insert(0, MARK);
    }
    // However the file is written, it is to be read as meant.
    let read = file::parse(name, &after).ok();
    let written = read
        .as_ref()
        .and_then(|content| content.env.get(environment));
    if written.and_then(|table| table.fingerprint.as_deref()) != Some(fingerprint) {
        return Err(cannot().into());
    }
    Ok(after)
}

/// The text with an environment behind it.
fn with_environment(name: &str, text: &str, environment: &str, lines: &str) -> Result<String> {
    let seam = match text.chars().next_back() {
        None => "",
        Some('\n') => "\n",
        Some(_) => "\n\n",
    };
    let mut added = format!("{seam}{lines}");
    if text.contains("\r\n") {
        added = added.replace('\n', "\r\n");
    }
    let after = format!("{text}{added}");
    let read = file::parse(name, after.trim_start_matches(MARK)).ok();
    if read.is_none_or(|content| !content.env.contains_key(environment)) {
        return Err(
            Error::failed(format!("cannot put an environment into {name}"))
                .unchanged()
                .hint(format!("write it yourself, as `[env.{environment}]`"))
                .into(),
        );
    }
    Ok(after)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_environment_stands_behind_what_is_there() {
        let lines = "[env.b]\nurl = \"y\"\n";
        let with = |text| with_environment("f", text, "b", lines).ok();
        for (before, after) in [
            ("", Some("[env.b]\nurl = \"y\"\n")),
            ("# a", Some("# a\n\n[env.b]\nurl = \"y\"\n")),
            (
                "\u{feff}[env.a]\r\nurl = 'x'\r\n",
                Some("\u{feff}[env.a]\r\nurl = 'x'\r\n\r\n[env.b]\r\nurl = \"y\"\r\n"),
            ),
            (
                "env.a.url = 'x'\n",
                Some("env.a.url = 'x'\n\n[env.b]\nurl = \"y\"\n"),
            ),
            ("env = { a = { url = 'x' } }\n", None),
        ] {
            assert_eq!(with(before).as_deref(), after, "{before}");
        }
    }

    fn edited(text: &str) -> String {
        with_fingerprint("toysoldiers.toml", text, "shop", "42").expect("can be edited")
    }

    #[test]
    fn everything_else_stays() {
        for (before, after) in [
            (
                "# shops\n[env.shop]\nurl = 'x' # where\n\n# others\n[env.b]\nurl = \"y\"\n",
                "# shops\n[env.shop]\nurl = 'x' # where\nfingerprint = \"42\"\n\n# others\n[env.b]\nurl = \"y\"\n",
            ),
            (
                "[env.shop]\nfingerprint   =  \"7\"   # of May\nurl = \"x\"\n",
                "[env.shop]\nfingerprint   =  \"42\"   # of May\nurl = \"x\"\n",
            ),
            (
                "[env]\nshop = { url = \"x\" }\n",
                "[env]\nshop = { url = \"x\" , fingerprint = \"42\" }\n",
            ),
            (
                "env.shop.url = \"x\"\nenv.b.url = \"y\"\n",
                "env.shop.url = \"x\"\nenv.shop.fingerprint = \"42\"\nenv.b.url = \"y\"\n",
            ),
            (
                "[env.shop]\r\nurl = \"x\"\r\n[env.shop.backup]\r\n",
                "[env.shop]\r\nurl = \"x\"\r\nfingerprint = \"42\"\r\n[env.shop.backup]\r\n",
            ),
            (
                "\u{feff}[env.shop]\nurl = \"x\"",
                "\u{feff}[env.shop]\nurl = \"x\"\nfingerprint = \"42\"\n",
            ),
        ] {
            assert_eq!(edited(before), after);
        }
    }

    #[test]
    fn what_is_not_there_is_not_made() {
        let edited = with_fingerprint("toysoldiers.toml", "[env.b]\nurl = \"x\"\n", "shop", "42");
        assert!(edited.is_err());
    }
}
