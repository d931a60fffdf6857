//! Files of passwords: `~/.pgpass`, PGPASSFILE, `passfile=`.
//!
//! Read as libpq reads them, and written so that libpq finds what was meant. A line is
//! `host:port:database:user:password`; the first that fits counts.

use std::fs::Metadata;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use secrecy::{ExposeSecret, SecretString};

use super::endpoint::{Host, Place};
use crate::error::io_reason;
use crate::reading::{self, MIB};

/// Where PostgreSQL keeps its sockets, as it was built here and there. libpq calls the one it was built with
/// `localhost`.
const SOCKET_FOLDERS: [&str; 3] = ["/var/run/postgresql", "/run/postgresql", "/tmp"];

/// What a file of passwords has to say.
#[derive(Debug, Default)]
pub struct Found {
    /// The password of the first line that fits, unless it is empty.
    pub password: Option<SecretString>,
    /// Why the file was not looked at.
    pub warning: Option<String>,
}

/// Looks for the password of a user on a server. A file that is not there is worth a warning only if somebody
/// `named` it.
pub fn lookup(path: &Path, named: bool, place: &Place, database: &str, user: &str) -> Found {
    let ignored = |why: String| Found {
        password: None,
        warning: Some(format!(
            "the password file {} is ignored: {why}",
            path.display()
        )),
    };
    match read(path) {
        Ok(Ok(bytes)) => match search(&bytes, place, database, user).map(String::from_utf8) {
            None => Found::default(),
            Some(Err(_)) => ignored("the password for this server is not UTF-8".to_owned()),
            Some(Ok(password)) => Found {
                password: Some(password)
                    .filter(|password| !password.is_empty())
                    .map(SecretString::from),
                warning: None,
            },
        },
        Ok(Err(why)) => ignored(why),
        Err(error) if error.kind() == io::ErrorKind::NotFound && !named => Found::default(),
        Err(error) => ignored(io_reason(&error)),
    }
}

/// More than anybody has passwords.
const LARGEST: u64 = 16 * MIB;

/// The content of the file, or why it is not trusted.
fn read(path: &Path) -> io::Result<Result<Vec<u8>, String>> {
    let distrust = |facts: &Metadata| {
        if !facts.is_file() {
            return Some("it is not a file".to_owned());
        }
        (facts.permissions().mode() & 0o077 != 0).then(|| {
            format!(
                "others may read it; `chmod 600 {}` makes it private",
                path.display()
            )
        })
    };
    // Before it is opened, which waits if it is a pipe; and of what was opened, which may be another by now.
    if let Some(why) = distrust(&std::fs::metadata(path)?) {
        return Ok(Err(why));
    }
    let file = reading::open(path)?;
    if let Some(why) = distrust(&file.metadata()?) {
        return Ok(Err(why));
    }
    reading::rest(&file, LARGEST).map(Ok)
}

/// The password of the first line that fits.
fn search(text: &[u8], place: &Place, database: &str, user: &str) -> Option<Vec<u8>> {
    let port = place.port.to_string();
    let names = names(place);
    text.split(|byte| *byte == b'\n').find_map(|line| {
        let end = line.iter().rposition(|byte| *byte != b'\r')? + 1;
        let line = Some(&line[..end]).filter(|line| !line.starts_with(b"#"))?;
        let rest = names.iter().find_map(|name| after(line, name.as_bytes()))?;
        let rest = after(rest, port.as_bytes())?;
        let rest = after(rest, database.as_bytes())?;
        Some(unescaped(after(rest, user.as_bytes())?))
    })
}

/// What the server may be called in the file.
fn names(place: &Place) -> Vec<String> {
    let name = match &place.host {
        Host::Name(name) => return vec![name.clone()],
        Host::Socket(folder) => folder.display().to_string(),
    };
    if SOCKET_FOLDERS.contains(&name.as_str()) {
        vec![name, "localhost".to_owned()]
    } else {
        vec![name]
    }
}

/// What follows a field and its colon, if the field fits.
fn after<'a>(line: &'a [u8], field: &[u8]) -> Option<&'a [u8]> {
    if let Some(rest) = line.strip_prefix(b"*:") {
        return Some(rest);
    }
    let mut line = line.iter();
    let mut field = field.iter();
    loop {
        let mut byte = line.next()?;
        if *byte == b':' && field.len() == 0 {
            return Some(line.as_slice());
        }
        if *byte == b'\\' {
            byte = line.next()?;
        }
        if field.next() != Some(byte) {
            return None;
        }
    }
}

/// A password as it was meant; a colon ends it.
fn unescaped(field: &[u8]) -> Vec<u8> {
    let mut password = Vec::with_capacity(field.len());
    let mut bytes = field.iter().copied();
    while let Some(byte) = bytes.next().filter(|byte| *byte != b':') {
        match byte {
            b'\\' => password.push(bytes.next().unwrap_or(byte)),
            byte => password.push(byte),
        }
    }
    password
}

/// The lines by which libpq finds this password for this server, user and database, or for all its databases.
/// No line when there is a line break in them, which such a file cannot hold: then no password is found, rather
/// than half of one.
pub fn entry(place: &Place, database: Option<&str>, user: &str, password: &SecretString) -> String {
    let names = match &place.host {
        Host::Name(name) => vec![name.clone()],
        Host::Socket(folder) => vec![folder.display().to_string(), "localhost".to_owned()],
    };
    let database = database.map_or_else(|| "*".to_owned(), escaped);
    let password = password.expose_secret();
    // At the end of a line carriage returns get lost, before a colon they do not.
    let end = if password.ends_with('\r') { ":" } else { "" };
    let port = place.port;
    let (user, password) = (escaped(user), escaped(password));
    let lines: Vec<String> = names
        .iter()
        .map(|name| {
            let name = escaped(name);
            format!("{name}:{port}:{database}:{user}:{password}{end}")
        })
        .collect();
    if lines.iter().any(|line| line.contains('\n')) {
        return String::new();
    }
    lines.join("\n") + "\n"
}

/// As a field that means nothing but itself.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        // A * alone would be anything, and a # at the beginning a comment.
        if matches!(letter, ':' | '\\' | '*' | '#') {
            escaped.push('\\');
        }
        escaped.push(letter);
    }
    escaped
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    fn place(host: &str, port: u16) -> Place {
        let host = if host.starts_with('/') {
            Host::Socket(PathBuf::from(host))
        } else {
            Host::Name(host.to_owned())
        };
        Place {
            host,
            address: None,
            port,
        }
    }

    fn found(text: &str, place: &Place) -> Option<String> {
        search(text.as_bytes(), place, "shop", "me")
            .map(|password| String::from_utf8(password).expect("is UTF-8"))
    }

    #[test]
    fn the_first_line_that_fits_counts() {
        for (text, password) in [
            ("db:5432:shop:me:a\ndb:5432:shop:me:b", Some("a")),
            ("#db:5432:shop:me:a\n\n*:*:*:*:b\r\n", Some("b")),
            (
                "db:5433:shop:me:a\nx:5432:shop:me:b\ndb:5432:shop:you:c",
                None,
            ),
            ("d\\b:*:*:me:a\\:b\\\\c:ignored", Some("a:b\\c")),
            ("db:5432:shop:me", None),
            ("db:5432:shop:me:", Some("")),
            ("**:5432:shop:me:a", None),
        ] {
            assert_eq!(
                found(text, &place("db", 5432)).as_deref(),
                password,
                "{text}"
            );
        }
    }

    #[test]
    fn a_socket_where_sockets_usually_are_is_localhost_too() {
        let usual = place("/var/run/postgresql", 5432);
        let other = place("/srv/run", 5432);
        assert_eq!(found("localhost:*:*:*:a", &usual).as_deref(), Some("a"));
        assert_eq!(
            found("/var/run/postgresql:*:*:*:a", &usual).as_deref(),
            Some("a")
        );
        assert_eq!(found("localhost:*:*:*:a", &other), None);
    }

    #[test]
    fn a_file_others_may_read_is_ignored_with_a_warning() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("pgpass");
        let warning = |named| {
            let found = lookup(&path, named, &place("db", 1), "shop", "me");
            assert!(found.password.is_none());
            found
                .warning
                .map(|text| text.replace(&folder.path().display().to_string(), "FOLDER"))
        };
        assert_eq!(warning(false), None);
        insta::assert_snapshot!(warning(true).expect("a warning"), @"the password file FOLDER/pgpass is ignored: no such file or directory");
        std::fs::write(&path, "*:*:*:*:x").expect("is written");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).expect("is set");
        insta::assert_snapshot!(warning(false).expect("a warning"), @"the password file FOLDER/pgpass is ignored: others may read it; `chmod 600 FOLDER/pgpass` makes it private");
        std::fs::remove_file(&path).expect("is removed");
        std::fs::create_dir(&path).expect("is made");
        insta::assert_snapshot!(warning(false).expect("a warning"), @"the password file FOLDER/pgpass is ignored: it is not a file");
    }

    #[test]
    fn an_entry_means_nothing_but_itself() {
        let secret = |text: &str| SecretString::from(text);
        assert_eq!(
            entry(&place("::1", 6000), Some("*"), "a:b", &secret("c\\d\r")),
            "\\:\\:1:6000:\\*:a\\:b:c\\\\d\r:\n"
        );
        assert_eq!(
            entry(&place("/run/x", 5432), None, "me", &secret("pw")),
            "/run/x:5432:*:me:pw\nlocalhost:5432:*:me:pw\n"
        );
        assert_eq!(entry(&place("db", 5432), None, "me", &secret("a\nb")), "");
    }
}
