//! The same way in for PostgreSQL's own programs: pg_dump, pg_restore, psql.
//!
//! They reach the very server we reached, trust whom we trust, and get the password in a file that has no name:
//! it is on no command line, in no environment and in no folder, and gone when the last of us is.

use std::ffi::OsString;
use std::fs::{File, Permissions};
use std::io::{Seek, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use rustix::io::FdFlags;

use super::endpoint::Endpoint;
use super::tls::{self, Material, Tls};
use super::{options, passfile};
use crate::error::{Error, Result};

/// Settings of the person's shell that would send a program elsewhere, or there in another way, or hold a password.
const FOREIGN: [&str; 16] = [
    "DATABASE_URL",
    "PGDATABASE",
    "PGGSSENCMODE",
    "PGHOST",
    "PGHOSTADDR",
    "PGLOADBALANCEHOSTS",
    "PGOPTIONS",
    "PGPASSFILE",
    "PGPASSWORD",
    "PGPORT",
    "PGREQUIREAUTH",
    "PGREQUIREPEER",
    "PGSERVICE",
    "PGSERVICEFILE",
    "PGTARGETSESSIONATTRS",
    "PGUSER",
];

/// What a program needs to get in. The files live as long as this does.
#[derive(Debug)]
pub struct Passage {
    variables: Vec<(&'static str, OsString)>,
    withheld: Vec<String>,
    files: Vec<File>,
}

impl Passage {
    /// To the first place of the address, with its password.
    pub fn to(endpoint: &Endpoint, application: &str) -> Result<Self> {
        let place = &endpoint.places()[0];
        let mut files = Vec::new();
        let mut variables = vec![
            ("PGHOST", place.host.to_string().into()),
            ("PGPORT", place.port.to_string().into()),
            ("PGDATABASE", endpoint.database().into()),
            ("PGAPPNAME", application.into()),
        ];
        if let Some(address) = place.address {
            variables.push(("PGHOSTADDR", address.to_string().into()));
        }
        if let Some(user) = endpoint.user() {
            variables.push(("PGUSER", user.into()));
        }
        // By name is the only way libpq knows.
        if let Some(name) = endpoint
            .owner
            .as_ref()
            .and_then(|owner| owner.name.as_ref())
        {
            variables.push(("PGREQUIREPEER", name.into()));
        }
        let startup = &endpoint.options().startup;
        if !startup.is_empty() {
            variables.push(("PGOPTIONS", startup.into()));
        }
        let user = endpoint.user().unwrap_or("*");
        // Empty for who was let in without one: a password for somebody else must not be found.
        let entry = endpoint
            .password()
            .map(|password| passfile::entry(place, None, user, password))
            .unwrap_or_default();
        variables.push(("PGPASSFILE", nameless(&entry, &mut files)?.into()));
        let material = match Tls::prepare(endpoint, place)? {
            Some(tls) => tls.material(),
            None => Material::plain(),
        };
        variables.extend(material.variables);
        if let Some(roots) = material.roots {
            variables.push(("PGSSLROOTCERT", nameless(&roots, &mut files)?.into()));
        }
        Ok(Self {
            variables,
            withheld: endpoint.withheld.clone(),
            files,
        })
    }

    /// A setting of the session, with the first message of every connection.
    pub fn add_setting(&mut self, name: &str, value: &str) {
        self.add_options(&options::word(name, value));
    }

    fn add_options(&mut self, options: &str) {
        match self
            .variables
            .iter_mut()
            .find(|(name, _)| *name == "PGOPTIONS")
        {
            Some((_, value)) => {
                value.push(" ");
                value.push(options);
            }
            None => self.variables.push(("PGOPTIONS", options.into())),
        }
    }

    /// A variable for the program.
    pub fn add_variable(&mut self, name: &'static str, value: &str) {
        self.variables.push((name, value.into()));
    }

    /// A file for the program, without a name; its path is good for as long as this lives.
    pub fn add_file(&mut self, text: &str) -> Result<String> {
        nameless(text, &mut self.files)
    }

    /// Tells the program. What the person's shell says about connections does not count.
    pub fn show(&self, command: &mut Command) {
        let withheld = self.withheld.iter().map(String::as_str);
        for name in FOREIGN.into_iter().chain(tls::VARIABLES).chain(withheld) {
            command.env_remove(name);
        }
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
    }
}

/// Writes a file that only its descriptor leads to, which our children inherit.
fn nameless(text: &str, files: &mut Vec<File>) -> Result<String> {
    let cannot = |error: std::io::Error| {
        Error::failed("cannot write a file for PostgreSQL's programs").because(error)
    };
    let mut file = tempfile::tempfile().map_err(cannot)?;
    // libpq reads no password from a file that others could read.
    file.set_permissions(Permissions::from_mode(0o600))
        .map_err(cannot)?;
    file.write_all(text.as_bytes()).map_err(cannot)?;
    file.rewind().map_err(cannot)?;
    rustix::io::fcntl_setfd(&file, FdFlags::empty()).map_err(|error| cannot(error.into()))?;
    let path = format!("/dev/fd/{}", file.as_raw_fd());
    files.push(file);
    Ok(path)
}
