//! Files of passwords: libpq finds in them what we find, and in what we write exactly what was meant.

use std::os::unix::fs::PermissionsExt;

use proptest::prelude::*;
use secrecy::{ExposeSecret, SecretString};
use toysoldiers::pg::endpoint::{Host, Place};
use toysoldiers::pg::passfile::{entry, lookup};

use super::porter::{Door, Porter};

thread_local!(static PORTER: Porter = Porter::new(true));

/// A place before a door of the porter, and its address for psql.
fn place(porter: &Porter, number: usize, name: &str) -> (Place, String) {
    match &porter.doors[number] {
        Door::Socket(folder, port) => (
            Place {
                host: Host::Socket(folder.clone()),
                address: None,
                port: *port,
            },
            format!("host={} port={port}", quoted(&folder.display().to_string())),
        ),
        Door::Tcp(address, port) => (
            Place {
                host: Host::Name(name.to_owned()),
                address: address.parse().ok(),
                port: *port,
            },
            format!("host={} hostaddr={address} port={port}", quoted(name)),
        ),
    }
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}

/// What psql tells the porter, and what we find, in this file.
fn both(
    porter: &Porter,
    file: &str,
    (place, address): &(Place, String),
    database: &str,
    user: &str,
) -> (Option<String>, Option<String>) {
    let path = porter.folder.write("pgpass", file);
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    let address = format!(
        "{address} dbname={} user={}",
        quoted(database),
        quoted(user)
    );
    porter.psql(&address, &[("PGPASSFILE", &path.display().to_string())]);
    let visits = porter.visits();
    assert_eq!(visits.len(), 1, "{address}: {visits:?}");
    let found = lookup(&path, true, place, database, user);
    assert_eq!(found.warning, None);
    let ours = found
        .password
        .map(|password| password.expose_secret().to_owned());
    (visits[0].password.clone(), ours)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn libpq_finds_the_password_that_was_written(
        number in 0..2_usize,
        name in "[a-z:.#-]{1,8}",
        database in "[ -~é\t]{1,8}",
        user in "[ -~é\t]{1,8}",
        password in "[ -~é\t\r]{1,8}",
        any_database in any::<bool>(),
    ) {
        PORTER.with(|porter| {
            let there = place(porter, number, &name);
            let secret = SecretString::from(password.as_str());
            let named = Some(database.as_str()).filter(|_| !any_database);
            let file = entry(&there.0, named, &user, &secret);
            let (theirs, ours) = both(porter, &file, &there, &database, &user);
            prop_assert_eq!(theirs.as_deref(), Some(password.as_str()), "{}", file);
            prop_assert_eq!(ours, theirs, "{}", file);
            // For nobody else.
            let stranger = format!("{user}x");
            let (theirs, ours) = both(porter, &file, &there, &database, &stranger);
            prop_assert_eq!((theirs, ours), (None, None), "{}", file);
            Ok(())
        })?;
    }

    #[test]
    fn what_libpq_finds_in_a_file_is_found(
        number in 0..2_usize,
        lines in proptest::collection::vec(
            (proptest::collection::vec((0..6_u8, "[a-z*:\\\\#]{0,3}"), 5..6), "(\r)?\n"),
            1..6,
        ),
    ) {
        PORTER.with(|porter| {
            let there = place(porter, number, "db");
            let host = there.0.host.to_string();
            let port = there.0.port.to_string();
            let mut file = String::new();
            for (fields, end) in &lines {
                let right = [&host, &port, "shop", "m:e", "pass"];
                let fields: Vec<String> = fields
                    .iter()
                    .zip(right)
                    .map(|((choice, odd), right)| match choice {
                        0 => odd.clone(),
                        1 => "*".to_owned(),
                        2 => right.to_owned(),
                        _ => right.replace('\\', "\\\\").replace(':', "\\:"),
                    })
                    .collect();
                file += &(fields.join(":") + end);
            }
            let (theirs, ours) = both(porter, &file, &there, "shop", "m:e");
            prop_assert_eq!(ours, theirs, "{}", file);
            Ok(())
        })?;
    }
}
