//! Services: parameters of a connection kept under a name, in the files libpq keeps them in.
//!
//! What the address itself says wins. Of a line nothing but the name of its parameter is ever shown: values may
//! be passwords, or hold one by mistake.

use std::io;
use std::path::{Path, PathBuf};

use secrecy::SecretString;

use super::endpoint::{Draft, Endpoint, Host, Surroundings};
use super::parameter::{self, value::whole};
use crate::error::{Error, Excerpt, Result, nearest};
use crate::reading::{self, MIB};

/// Where distributions keep the system's file when PGSYSCONFDIR does not say: Debian's, and Red Hat's.
const SYSTEM_FOLDERS: [&str; 2] = ["/etc/postgresql-common", "/etc/sysconfig/pgsql"];

const FILE: &str = "pg_service.conf";

/// One service and what its file says.
#[derive(Debug)]
pub(super) struct Section {
    file: String,
    lines: Vec<Line>,
}

/// One parameter of a service.
struct Line {
    number: usize,
    name: String,
    value: String,
}

impl std::fmt::Debug for Line {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}=...", self.number, self.name)
    }
}

/// The password the service of this name holds, if it is one for this very endpoint: the service names each of
/// its hosts, and no other port, database or user. So a service that happens to be set never sends its password
/// to somebody else.
pub fn password_of(
    service: &str,
    around: &Surroundings,
    endpoint: &Endpoint,
) -> Result<Option<SecretString>> {
    let section = match search(service, None, around)? {
        Search::Found(section) => section,
        Search::Elsewhere { .. } => return Ok(None),
    };
    let value = |name: &str| section.value(name).filter(|value| !value.is_empty());
    let list = |name: &str| -> Vec<&str> {
        value(name)
            .map(|value| value.split(',').collect())
            .unwrap_or_default()
    };
    let (hosts, ports) = match list("host") {
        hosts if hosts.is_empty() => (list("hostaddr"), list("port")),
        hosts => (hosts, list("port")),
    };
    let is_named = |place: &super::endpoint::Place| {
        let name = match &place.host {
            Host::Name(name) => name.clone(),
            Host::Socket(folder) => folder.display().to_string(),
        };
        hosts.iter().enumerate().any(|(index, host)| {
            let port = if ports.len() == 1 { 0 } else { index };
            let port = ports.get(port).filter(|port| !port.is_empty());
            *host == name && port.is_none_or(|port| whole(port) == Some(place.port.into()))
        })
    };
    let is_meant = endpoint.places().iter().all(is_named)
        && value("user").is_none_or(|user| endpoint.user() == Some(user))
        && value("dbname").is_none_or(|database| endpoint.database() == database);
    let password = value("password").map(SecretString::from);
    Ok(password.filter(|_| is_meant))
}

impl Section {
    /// Reads the service of this name from the file the address names, else from the usual ones.
    pub(super) fn find(
        service: &str,
        named: Option<PathBuf>,
        around: &Surroundings,
    ) -> Result<Self> {
        let (files, sections) = match search(service, named, around)? {
            Search::Found(section) => return Ok(section),
            Search::Elsewhere { files, sections } => (files, sections),
        };
        let error = Error::configuration(format!("there is no service {service}"));
        let error = if files.is_empty() {
            error.note("there is no file of services")
        } else if sections.is_empty() {
            error.note(format!("{} holds no service", files.join(", ")))
        } else {
            error.note(format!(
                "{} holds {}",
                files.join(", "),
                sections.join(", ")
            ))
        };
        Err(match nearest(service, sections.iter().map(String::as_str)) {
            Some(near) => error.hint(format!("did you mean `service={near}`?")),
            None => error.hint(format!(
                "write it under `[{service}]` into ~/.{FILE}, or name its file with PGSERVICEFILE"
            )),
        }
        .into())
    }

    fn value(&self, name: &str) -> Option<&str> {
        let line = self.lines.iter().find(|line| line.name == name)?;
        Some(&line.value)
    }

    /// Puts into the draft what is wanted. Of a parameter given twice, the first counts.
    pub(super) fn apply(&self, draft: &mut Draft, wanted: impl Fn(&str) -> bool) -> Result<()> {
        for (index, line) in self.lines.iter().enumerate() {
            let again = self.lines[..index]
                .iter()
                .any(|seen| seen.name == line.name);
            if again || !wanted(&line.name) {
                continue;
            }
            parameter::apply(draft, &line.name, &line.value)
                .map_err(|error| self.located(error, line))?;
        }
        Ok(())
    }

    fn located(&self, error: anyhow::Error, line: &Line) -> anyhow::Error {
        match error.downcast::<Error>() {
            Ok(error) => error
                .at(Excerpt {
                    file: self.file.clone(),
                    line: line.number,
                    column: 1,
                    width: line.name.len(),
                    text: format!("{}=...", line.name),
                    before: 0,
                    goes_on: false,
                })
                .into(),
            Err(error) => error,
        }
    }

    /// The section of this name in the text of a file, or the names of the others.
    fn parse(
        file: &str,
        text: &str,
        service: &str,
    ) -> Result<std::result::Result<Self, Vec<String>>> {
        let mut others = Vec::new();
        let mut lines = None;
        for (number, line) in (1..).zip(text.lines()) {
            let line = line.trim_ascii();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            if let Some(title) = line.strip_prefix('[') {
                if lines.is_some() {
                    break;
                }
                let title = title.split(']').next().unwrap_or_default();
                if title == service {
                    lines = Some(Vec::new());
                } else {
                    others.push(title.to_owned());
                }
            } else if let Some(lines) = &mut lines {
                lines.push(Line::parse(file, number, line)?);
            }
        }
        Ok(lines.map_or(Err(others), |lines| {
            Ok(Self {
                file: file.to_owned(),
                lines,
            })
        }))
    }
}

impl Line {
    fn parse(file: &str, number: usize, line: &str) -> Result<Self> {
        let refused = |what: &str, hint: &str| {
            Error::configuration(what)
                .note(format!("in {file}, line {number}"))
                .hint(hint)
        };
        if line.starts_with("ldap:") || line.starts_with("ldaps:") {
            return Err(refused(
                "the service is looked up by LDAP, which is not spoken",
                "write its parameters into the file",
            )
            .into());
        }
        let Some((name, value)) = line.split_once('=') else {
            return Err(refused(
                "a line of the service is not `name=value`",
                "mend that line; a comment begins with #",
            )
            .into());
        };
        if ["service", "servicefile"].contains(&name) {
            return Err(refused(
                "a service cannot refer to another",
                "write the parameters of that service here",
            )
            .into());
        }
        if name.trim_ascii() != name {
            return Err(refused(
                "a line of the service has blanks before `=`",
                "take them away",
            )
            .into());
        }
        if !parameter::is_known(name) {
            let hint = match nearest(name, parameter::names()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => "fix that line, or take it away".to_owned(),
            };
            return Err(refused("the service has an unknown parameter", &hint).into());
        }
        Ok(Self {
            number,
            name: name.to_owned(),
            value: value.to_owned(),
        })
    }
}

/// What looking for a service came to.
enum Search {
    Found(Section),
    /// Not in any of these files, which have these sections.
    Elsewhere {
        files: Vec<String>,
        sections: Vec<String>,
    },
}

/// More than anybody has services.
const LARGEST: u64 = 16 * MIB;

fn search(service: &str, named: Option<PathBuf>, around: &Surroundings) -> Result<Search> {
    let own = around
        .home
        .as_ref()
        .map(|home| home.join(".pg_service.conf"));
    let must_be_there = named.is_some() || around.service_file.is_some();
    let first = named.or_else(|| around.service_file.clone()).or(own);
    let system = match &around.system_folder {
        Some(folder) => vec![folder.join(FILE)],
        None => SYSTEM_FOLDERS
            .map(|folder| Path::new(folder).join(FILE))
            .into(),
    };
    let (mut files, mut sections) = (Vec::new(), Vec::new());
    let candidates = first.map(|path| (path, must_be_there));
    for (path, must_be_there) in candidates
        .into_iter()
        .chain(system.into_iter().map(|path| (path, false)))
    {
        let file = path.display().to_string();
        let text = match reading::bytes(&path, LARGEST) {
            Ok(bytes) => String::from_utf8(bytes).map_err(|_| {
                Error::configuration(format!("{file} is not UTF-8")).hint("save it as UTF-8")
            })?,
            Err(error) if error.kind() == io::ErrorKind::NotFound && !must_be_there => continue,
            Err(error) => {
                return Err(Error::configuration(format!(
                    "cannot read the file of services {file}"
                ))
                .because(error)
                .hint("name another with `servicefile=` or PGSERVICEFILE, or unset that")
                .into());
            }
        };
        match Section::parse(&file, &text, service)? {
            Ok(section) => return Ok(Search::Found(section)),
            Err(others) => sections.extend(others),
        }
        files.push(file);
    }
    Ok(Search::Elsewhere { files, sections })
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;
    use crate::error::explain;

    /// A home with this file in it.
    fn home(text: &str) -> (tempfile::TempDir, Surroundings) {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join(".pg_service.conf"), text).expect("is written");
        let around = Surroundings {
            home: Some(folder.path().to_owned()),
            base: Some(PathBuf::from("/base")),
            system_folder: Some(folder.path().join("system")),
            ..Surroundings::default()
        };
        (folder, around)
    }

    fn refused(text: &str, address: &str) -> String {
        let (folder, around) = home(text);
        let error = Endpoint::parse_in(address, &around).expect_err("is refused");
        assert!(!format!("{error:?}").contains("s3cret"), "{error:?}");
        let told = explain(&error);
        let hint = told.hint().expect("a hint");
        let place = told.excerpt.map_or_else(String::new, |excerpt| {
            format!("{}:{}: {}", excerpt.file, excerpt.line, excerpt.text)
        });
        let told = [
            told.message,
            place,
            told.notes
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join("; "),
            hint,
        ];
        let told = told.join(" | ");
        assert!(!told.contains("s3cret"), "{told}");
        told.replace(&folder.path().display().to_string(), "HOME")
    }

    #[test]
    fn what_the_address_says_wins_and_of_two_lines_the_first() {
        let (_folder, around) = home(
            "# shops\n[other]\nhost=x\n[shop]\n  host=db.example.com\r\nhost=again\nuser=me\nsslrootcert=ca.pem\n\
             password=s3cret\n[shop]\nport=1\n",
        );
        let endpoint = Endpoint::parse_in("service=shop user=you", &around).expect("is there");
        assert_eq!(endpoint.describe(), "db.example.com/you as you");
        assert!(endpoint.has_password());
        let root = PathBuf::from("/base/ca.pem");
        assert_eq!(
            endpoint.tls().trust,
            Some(super::super::endpoint::Trust::File(root))
        );
    }

    #[test]
    fn a_service_that_is_nowhere_is_told_from_those_that_are() {
        insta::assert_snapshot!(refused("[shop]\n[staging]\n", "service=shopp"), @"there is no service shopp |  | HOME/.pg_service.conf holds shop, staging | did you mean `service=shop`?");
        insta::assert_snapshot!(refused("", "service=shop"), @"there is no service shop |  | HOME/.pg_service.conf holds no service | write it under `[shop]` into ~/.pg_service.conf, or name its file with PGSERVICEFILE");
    }

    #[test]
    fn a_line_that_cannot_be_is_shown_without_its_value() {
        let mut told = String::new();
        for line in [
            "sslmode=s3cret",
            "pasword=s3cret",
            "password s3cret",
            "password =s3cret",
            "port=s3cret",
            "dbname=postgresql://me:s3cret@x/y",
            "service=s3cret",
            "ldap://s3cret?a=b",
        ] {
            told += &refused(&format!("[shop]\nhost=x\n{line}\n"), "service=shop");
            told.push('\n');
        }
        insta::assert_snapshot!(told, @"
        the value of sslmode is unknown | HOME/.pg_service.conf:3: sslmode=... |  | give it one of disable, allow, prefer, require, verify-ca, verify-full
        the service has an unknown parameter |  | in HOME/.pg_service.conf, line 3 | did you mean `password`?
        a line of the service is not `name=value` |  | in HOME/.pg_service.conf, line 3 | mend that line; a comment begins with #
        a line of the service has blanks before `=` |  | in HOME/.pg_service.conf, line 3 | take them away
        port is not a number from 1 to 65535 | HOME/.pg_service.conf:3: port=... |  | write it as in `host:5432`; a colon in a user or a password is %3A, a slash %2F
        dbname holds a whole connection string | HOME/.pg_service.conf:3: dbname=... |  | give that connection string alone
        a service cannot refer to another |  | in HOME/.pg_service.conf, line 3 | write the parameters of that service here
        the service is looked up by LDAP, which is not spoken |  | in HOME/.pg_service.conf, line 3 | write its parameters into the file
        ");
    }

    #[test]
    fn a_password_is_for_the_server_its_service_names() {
        let (_folder, around) = home(
            "[shop]\nhost=db.example.com,::1\nport=5432,6000\nuser=me\npassword=s3cret\n\
             [any]\npassword=s3cret\n",
        );
        let password = |service: &str, address: &str| {
            let endpoint = Endpoint::parse(address).expect("is an address");
            let password = password_of(service, &around, &endpoint).expect("is read");
            password.map(|password| password.expose_secret().to_owned())
        };
        for address in [
            "postgresql://me@db.example.com/x",
            "postgresql://me@[::1]:6000/x",
            "postgresql://me@db.example.com,[::1]:6000/x",
        ] {
            assert_eq!(
                password("shop", address).as_deref(),
                Some("s3cret"),
                "{address}"
            );
            assert_eq!(password("any", address), None, "{address}");
            assert_eq!(password("nowhere", address), None, "{address}");
        }
        for address in [
            "postgresql://me@elsewhere.example.com/x",
            "postgresql://you@db.example.com/x",
            "postgresql://db.example.com/x",
            "postgresql://me@db.example.com:6000/x",
            "postgresql://me@db.example.com,elsewhere.example.com/x",
        ] {
            assert_eq!(password("shop", address), None, "{address}");
        }
    }
}
