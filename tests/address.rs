//! Addresses: whatever psql takes is taken the same way, whatever it refuses is refused, and no password in them
//! is ever told.

mod passfile;
mod porter;
mod written;

use std::path::Path;

use insta::assert_snapshot;
use proptest::prelude::*;
use toysoldiers::error::explain;
use toysoldiers::pg::Endpoint;
use toysoldiers::pg::endpoint::{Host, Place, Surroundings};

use crate::support::Tool;
use porter::{Door, Porter};

/// The door a place is before, if any.
fn door(place: &Place, doors: &[Door]) -> Option<usize> {
    doors.iter().position(|door| match (door, &place.host) {
        (Door::Socket(folder, port), Host::Socket(named)) => folder == named && *port == place.port,
        (Door::Tcp(address, port), Host::Name(name)) => {
            let named = place.address.or_else(|| name.parse().ok());
            named == address.parse().ok() && *port == place.port
        }
        _ => false,
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn an_address_means_to_us_what_it_means_to_psql(
        meaning in written::meaning(2),
        whims in written::whims(),
        ipv6 in any::<bool>(),
    ) {
        thread_local!(static PORTER: Porter = Porter::new(false));
        PORTER.with(|porter| {
            // The last door, which not every machine has, instead of the one on 127.0.0.1.
            let doors = match &porter.doors[..] {
                [socket, _, last] if ipv6 => vec![socket.clone(), last.clone()],
                doors => doors.to_vec(),
            };
            let text = meaning.written(&doors, &mut whims.clone());
            porter.psql(&text, &[("PGUSER", "somebody")]);
            let visits = porter.visits();
            prop_assert_eq!(visits.len(), 1, "{}: {:?}", text, visits);
            let said = |name: &str| visits[0].said.get(name).map(String::as_str);

            let around = Surroundings { user: Some("somebody".to_owned()), ..Surroundings::default() };
            let ours = Endpoint::parse_in(&text, &around);
            let ours = ours.map_err(|error| TestCaseError::fail(format!("{text}: {error:?}")))?;
            prop_assert_eq!(ours.user(), said("user"), "{}", text);
            prop_assert_eq!(Some(ours.database()), said("database"), "{}", text);
            prop_assert_eq!(&ours.options().text, said("options").unwrap_or_default(), "{}", text);
            // psql has a name for itself when the address has none.
            prop_assert_eq!(ours.application_name().or(Some("psql")), said("application_name"), "{}", text);
            let reached = ours.places().iter().find_map(|place| door(place, &porter.doors));
            prop_assert_eq!(reached, Some(visits[0].door), "{}", text);
            Ok(())
        })?;
    }

    #[test]
    fn no_password_is_told_however_it_is_misspelt(
        before in "[a-z0-9@/:?#%&=' ,;\\[\\]\\\\]{0,5}",
        after in "[a-z0-9@/:?#%&=' ,;\\[\\]\\\\]{0,5}",
        shape in 0..6_usize,
    ) {
        let password = format!("{before}s3cret{after}");
        let text = match shape {
            0 => format!("postgresql://me:{password}@db.example.com:6000/shop?sslmode=require"),
            1 => format!("postgres://me:{password}@db.example.com,b"),
            2 => format!("postgresql://db.example.com/shop?password={password}&sslmode=require"),
            3 => format!("host=db.example.com password={password} dbname=shop"),
            4 => format!("password='{password}' host=db.example.com dbname=shop"),
            _ => format!("{password} psql postgresql://me:{password}@db.example.com"),
        };
        let told = match Endpoint::parse(&text) {
            Ok(endpoint) => format!("{endpoint:?} {} {}", endpoint.describe(), endpoint.url()),
            Err(error) => {
                let explanation = explain(&error);
                prop_assert!(explanation.hint().is_some(), "{}: {:?}", text, error);
                format!("{error:?} {error:#} {}", serde_json::to_string(&explanation).unwrap())
            }
        };
        prop_assert!(!told.contains("s3cret"), "{}: {}", text, told);
        prop_assert!(toysoldiers::pg::conninfo::holds_password(&text), "{}", text);
    }

    #[test]
    fn no_text_is_too_odd(text in "\\PC*|(postgres(ql)?://)?[a-z:@/?&=%0-9,'\\[\\] \\\\]{0,40}") {
        if let Err(error) = Endpoint::parse(&text) {
            prop_assert!(explain(&error).hint().is_some(), "{}: {:?}", text, error);
        }
    }
}

/// What psql refuses before it connects anywhere. HOST is a place where somebody would open.
const MALFORMED: &[&str] = &[
    "postgresql://HOST/x?",
    "postgresql://me:100%@HOST/x",
    "postgresql://me:%zz@HOST/x",
    "postgresql://me%0@HOST/x",
    "postgresql://me:a%00b@HOST/x",
    "postgresql://HOST/%",
    "postgresql://HOST/x?application_name=%4",
    "postgresql://HOST/x?application%5name=a",
    "postgresql://[::1/x",
    "postgresql://[]/x",
    "postgresql://[]:5432/x",
    "postgresql://[::1]x/x",
    "postgresql://HOST,[/x",
    "postgresql://HOST/x?sslmode",
    "postgresql://HOST/x?sslmode&user=a",
    "postgresql://HOST/x?&user=a",
    "postgresql://HOST/x?user=a&&dbname=b",
    "postgresql://HOST/x?user=a=b",
    "postgresql://HOST/x?options=-csearch_path=a",
    "postgresql://HOST/x?nonsense=1",
    "postgresql://HOST/x?SSLMODE=disable",
    "postgresql://HOST/x?=a",
    "postgresql://HOST/x?ssl=false",
    "postgresql://HOST/x?ssl=1",
    "postgresql://HOST/x?sslmode=nonsense",
    "postgresql://HOST/x?sslmode=",
    "postgresql://HOST/x?sslmode=VERIFY-FULL",
    "postgresql://HOST/x?channel_binding=maybe",
    "postgresql://HOST/x?target_session_attrs=leader",
    "postgresql://HOST/x?target_session_attrs=",
    "postgresql://HOST/x?ssl_min_protocol_version=SSLv3",
    "postgresql://HOST/x?ssl_min_protocol_version=TLSv1.3&ssl_max_protocol_version=TLSv1.2",
    "postgresql://HOST/x?gssencmode=maybe",
    "postgresql://HOST/x?connect_timeout=soon",
    "postgresql://HOST/x?connect_timeout=",
    "postgresql://HOST/x?connect_timeout=1.5",
    "postgresql://HOST/x?connect_timeout=99999999999",
    "postgresql://HOST/x?keepalives_idle=often",
    "postgresql://HOST/x?tcp_user_timeout=10s",
    "postgresql://HOST/x?port=1,2",
    "postgresql://127.0.0.1:0/x",
    "postgresql://127.0.0.1:65536/x",
    "postgresql://127.0.0.1:99999999999/x",
    "postgresql://127.0.0.1:-1/x",
    "postgresql://127.0.0.1:http/x",
    "postgresql://127.0.0.1:5432x/x",
    "postgresql://127.0.0.1:1:2/x",
    "postgresql://::1/x",
    "postgresql://HOST/x?service=nowhere",
    "host=HOSTNAME port=PORT user",
    "host=HOSTNAME port=PORT user me",
    "host=HOSTNAME port=PORT =me",
    "host=HOSTNAME port=PORT dbname='x",
    "host=HOSTNAME port=PORT dbname='x\\'",
    "host=HOSTNAME port=PORT dbname='it''s'",
    "host=HOSTNAME port=PORT nonsense=1",
    "host=HOSTNAME port=PORT ssl=true",
    "host=HOSTNAME port=PORT Host=a",
    "host=HOSTNAME port=PORT password=two words",
    "host=HOSTNAME port=PORT,PORT",
    "host=HOSTNAME port='PORT x'",
    "host=HOSTNAME,a,b port=PORT,1",
    "host=HOSTNAME,a hostaddr=127.0.0.1 port=PORT",
    "host=a hostaddr=127.0.0.1,127.0.0.1 port=PORT",
    "hostaddr=localhost port=PORT",
    "host=HOSTNAME port=PORT service=nowhere",
    "Postgresql://HOST/x?a=b",
    "jdbc:postgresql://HOST/x?user=a",
    "DATABASE_URL=postgresql://HOST/x",
    "psql postgresql://HOST/x?user=a",
];

#[test]
fn what_psql_refuses_is_refused() {
    let porter = Porter::new(false);
    let Door::Tcp(host, port) = &porter.doors[1] else {
        panic!("the second door is on 127.0.0.1");
    };
    let port = port.to_string();
    let mut accepted = Vec::new();
    // The first shows that psql would come.
    for (number, text) in MALFORMED.iter().enumerate() {
        let text = text
            .replace("HOSTNAME", host)
            .replace("HOST", &format!("{host}:{port}"))
            .replace("PORT", &port);
        let outcome = porter.psql(&text, &[]);
        let visits = porter.visits();
        assert!(!outcome.status.success(), "{text}");
        assert_eq!(visits.len(), usize::from(number == 0), "{text}: {visits:?}");
        if Endpoint::parse(&text).is_ok() {
            accepted.push(text);
        }
    }
    assert_eq!(accepted.len(), 1, "{accepted:?}");
}

fn refused(url: &str) -> String {
    let outcome = Tool::new().run(&["env", "show", "--database-url", url]);
    assert_eq!(
        (outcome.code, outcome.stdout.as_str()),
        (Some(4), ""),
        "{outcome}"
    );
    outcome.stderr
}

#[test]
fn what_is_wrong_is_named_and_how_to_mend_it() {
    assert_snapshot!(refused("postgresql://app:p@ss@db.example.com/shop"), @"
    error: cannot use --database-url
      caused by: the host part of the connection string holds a character that has to be escaped there
      hint: write characters such as @ / : ? # % in a user or a password as %40 %2F %3A %3F %23 %25
    ");
    assert_snapshot!(refused("postgresql://app:12/34@db.example.com/shop"), @"
    error: cannot use --database-url
      caused by: the database part of the connection string holds a character that has to be escaped there
      hint: write characters such as @ / : ? # % in a user or a password as %40 %2F %3A %3F %23 %25
    ");
    assert_snapshot!(refused("postgresql://app@db.example.com:99999/shop"), @"
    error: cannot use --database-url
      caused by: port is not a number from 1 to 65535
      hint: write it as in `host:5432`; a colon in a user or a password is %3A, a slash %2F
    ");
    assert_snapshot!(refused("postgresql://app@db.example.com/shop?sslmod=require"), @"
    error: cannot use --database-url
      caused by: the connection string has the unknown parameter sslmod
      hint: did you mean `sslmode`?
    ");
    assert_snapshot!(refused("postgresql://app@db.example.com/shop?sslmode=no-verify"), @"
    error: cannot use --database-url
      caused by: sslmode has a value only Node.js knows
      hint: write `sslmode=require`, which does not verify the server either, or better `sslmode=verify-full`
    ");
    assert_snapshot!(refused("postgresql://app@db.example.com/shop?options=-csearch_path=shop"), @"
    error: cannot use --database-url
      caused by: a parameter of the connection string has two `=`
      hint: write = inside a value as %3D
    ");
    assert_snapshot!(refused("postgresql:///shop"), @"
    error: cannot use --database-url
      caused by: the connection string names no host
      hint: write it as `postgresql://user@host:5432/database`
    ");
    assert_snapshot!(refused("jdbc:postgresql://db.example.com/shop?user=app"), @"
    error: cannot use --database-url
      caused by: the connection string is one for Java
      hint: leave out `jdbc:`, and say who as `postgresql://user@host:5432/database`; the password goes into a variable
    ");
    assert_snapshot!(refused("psql 'postgresql://app@db.example.com/shop'"), @"
    error: cannot use --database-url
      caused by: the connection string does not begin with `postgresql://`
      hint: leave out what stands before `postgresql://`, and quotes
    ");
    assert_snapshot!(refused("host=db.example.com password=hunter2 is=mine"), @"
    error: cannot use --database-url
      caused by: the connection string has an unknown parameter
      hint: check where the password ends: write characters such as @ / : ? # % in a user or a password as %40 %2F %3A %3F %23 %25, or quote it as `password='...'`
    ");
    assert_snapshot!(refused("service=shop"), @"
    error: cannot use --database-url
      caused by: there is no service shop
      note: there is no file of services
      hint: write it under `[shop]` into ~/.pg_service.conf, or name its file with PGSERVICEFILE
    ");
}

#[test]
fn what_supabase_and_others_give_out_is_taken_as_it_is() {
    for url in [
        "postgresql://postgres.abcdefghijklmnop:s3cret@aws-0-eu-central-1.pooler.supabase.com:6543/postgres?pgbouncer=true&connection_limit=1",
        "postgres://postgres.abc:s3cret@aws-0-eu-central-1.pooler.supabase.com:6543/postgres?sslmode=require&supa=base-pooler.x",
        "postgresql://app:s3cret@ep-cool-name-123456-pooler.eu-central-1.aws.neon.tech/shop?sslmode=require&channel_binding=require",
        "postgres://u:s3cret@ec2-1-2-3-4.compute-1.amazonaws.com:5432/d8?ssl=true",
        "postgresql://doadmin:s3cret@db-do-user-1-0.c.db.ondigitalocean.com:25060/defaultdb?sslmode=require",
        "host=shop.postgres.database.azure.com port=5432 dbname=shop user=app@shop password={s3cret} sslmode=require",
        "host=/cloudsql/project:region:instance dbname=shop user=app password=s3cret",
    ] {
        let outcome = Tool::new()
            .run(&["env", "show", "--database-url", url])
            .ok();
        assert!(!outcome.to_string().contains("s3cret"), "{outcome}");
    }
}

#[test]
fn a_service_means_to_us_what_it_means_to_psql() {
    let porter = Porter::new(false);
    let Door::Tcp(host, port) = &porter.doors[1] else {
        panic!("the second door is on 127.0.0.1");
    };
    let file = porter.folder.write(
        "services",
        format!(
            "# all of ours\n[a]\nhost=/nonexistent\n\n [shop]\r\n host={host}\r\nport={port}\n#user=x\nuser=me\n\
             user=you\ndbname=the shop = ours\noptions=-c a=b\n[shop]\nport=1\n[shopping]\nport=2\n"
        ),
    );
    let file = file.display().to_string();
    for address in [
        "service=shop".to_owned(),
        "service=shop user=they application_name=x".to_owned(),
        "postgresql:///other?service=shop&options=".to_owned(),
        format!("postgresql://them@/?service=a&host={host}&port={port}"),
    ] {
        porter.psql(
            &address,
            &[("PGSERVICEFILE", &file), ("PGUSER", "somebody")],
        );
        let visits = porter.visits();
        let said = |name: &str| visits[0].said.get(name).map(String::as_str);
        let around = Surroundings {
            user: Some("somebody".to_owned()),
            service_file: Some(file.clone().into()),
            system_folder: Some("/nonexistent".into()),
            ..Surroundings::default()
        };
        let ours = Endpoint::parse_in(&address, &around).unwrap();
        assert_eq!(ours.user(), said("user"), "{address}");
        assert_eq!(Some(ours.database()), said("database"), "{address}");
        let options = said("options").unwrap_or_default();
        assert_eq!(ours.options().text, options, "{address}");
        assert_eq!(door(&ours.places()[0], &porter.doors), Some(1), "{address}");
        assert!(Path::new(&file).is_file());
    }
}
