//! `user list`, `create` and `show`.

use insta::assert_snapshot;

use crate::support::{Database, Tool};

const PASSWORD: &str = "correct horse battery staple";

fn tool(database: &Database) -> Tool {
    Tool::new().on(database).input(format!("{PASSWORD}\n"))
}

#[test]
fn makes_a_user_and_writes_it_down_but_never_the_password() {
    let database = Database::migrated();
    let tool = tool(&database);
    assert_snapshot!(tool.run(&["user", "create", " Nina@Example.com ", "--password-stdin"]), @"
    -- stdout
    id  UUID
    email  Nina@Example.com
    role  fan
    created at  NOW
    updated at  NOW
    creator id  -
    -- stderr
    -> (url)  SOCKET/DB as postgres
    -- exit 0
    ");
    assert_snapshot!(tool.run(&["user", "show", "nina@example.COM"]), @"
    -- stdout
    id  UUID
    email  Nina@Example.com
    role  fan
    created at  NOW
    updated at  NOW
    creator id  -
    -- stderr
    -> (url)  SOCKET/DB as postgres
    -- exit 0
    ");
    assert_snapshot!(tool.run(&["user", "show", "nina@example.com", "-o", "json"]).stdout, @r#"
    {
      "id": "UUID",
      "email": "Nina@Example.com",
      "role": "fan",
      "created_at": "TIME",
      "updated_at": "TIME",
      "creator_id": null
    }
    "#);
    assert_snapshot!(tool.run(&["user", "show", "nina@example.com", "-o", "csv"]).stdout, @"
    id,email,role,created_at,updated_at,creator_id
    UUID,Nina@Example.com,fan,TIME,TIME,
    ");
    let hash = database.value("select password_hash from users");
    assert!(hash.starts_with("$2a$12$") && hash.len() == 60, "{hash}");
    assert!(bcrypt::verify(PASSWORD, &hash).unwrap());
    assert_snapshot!(database.sql("select action, actor ~ '^[^@]+@', role, client is null, subject = (select id from users), details from toysoldiers.audit_log").join("\n"), @r#"user create|t|postgres|t|t|{"role": "fan"}"#);
    let everything = database
        .sql("select row_to_json(l)::text from toysoldiers.audit_log l")
        .concat();
    assert!(
        !everything.contains("nina") && !everything.contains(&hash),
        "{everything}"
    );
}

#[test]
fn pgcrypto_reads_the_hash() {
    let database = Database::migrated();
    tool(&database)
        .run(&["user", "create", "a@example.com", "--password-stdin"])
        .ok();
    database.sql("create extension pgcrypto");
    assert_eq!(
        database.value(&format!(
            "select password_hash = crypt('{PASSWORD}', password_hash) from users"
        )),
        "t"
    );
    assert_eq!(
        database.value("select password_hash = crypt('wrong', password_hash) from users"),
        "f"
    );
}

#[test]
fn addresses_are_in_any_script_and_the_same_however_their_domain_is_written() {
    let database = Database::migrated();
    // As another program may have stored it.
    database.sql(
        "insert into users (email, password_hash, role) values
             ('root@localhost', 'x', 'admin'), ('nina@xn--bcher-kva.example', 'x', 'fan')",
    );
    let tool = tool(&database);
    let create = |email: &str| tool.run(&["user", "create", email, "--password-stdin"]);
    for email in ["राम@उदाहरण.भारत", "jose\u{301}@example.com"] {
        create(email).ok();
        tool.run(&["user", "show", email]).ok();
    }
    tool.run(&["user", "show", "josé@EXAMPLE.com"]).ok();
    tool.run(&["user", "show", "राम@xn--p1b6ci4b4b3a.xn--h2brj9c"])
        .ok();
    assert_eq!(
        database.value("select email = normalize(email, NFC) from users where email like 'jos%'"),
        "t"
    );
    tool.run(&["user", "show", "root@localhost"]).ok();
    create("root2@localhost").code(2);
    assert_snapshot!(create("Nina@bücher.example"), @"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    error: there is a user nina@xn--bcher-kva.example already
      note: addresses are the same whatever their case, and however their domain is written; nothing was changed
      hint: see it with `toysoldiers user show nina@xn--bcher-kva.example`
    -- exit 1
    ");
    // The creator is the user that is there.
    tool.run(&["creator", "create", "nina@bücher.example"]).ok();
    tool.run(&["creator", "show", "nina@Bücher.example"]).ok();
    assert_eq!(
        database.value("select email from creators c join users u on u.id = c.user_id"),
        "nina@xn--bcher-kva.example"
    );
}

#[test]
fn of_a_piped_password_a_byte_order_mark_is_no_part() {
    let database = Database::migrated();
    let tool = Tool::new()
        .on(&database)
        .input(format!("\u{feff}{PASSWORD}\r\n"));
    tool.run(&["user", "create", "a@example.com", "--password-stdin"])
        .ok();
    let hash = database.value("select password_hash from users");
    assert!(bcrypt::verify(PASSWORD, &hash).unwrap());
}

#[test]
fn an_address_is_taken_whatever_its_case() {
    let database = Database::migrated();
    let tool = tool(&database);
    tool.run(&["user", "create", "a@example.com", "--password-stdin"])
        .ok();
    assert_snapshot!(tool.run(&["user", "create", "A@EXAMPLE.com", "--password-stdin"]), @"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    error: there is a user a@example.com already
      note: addresses are the same whatever their case, and however their domain is written; nothing was changed
      hint: see it with `toysoldiers user show a@example.com`
    -- exit 1
    ");
    assert_eq!(database.value("select count(*) from users"), "1");
    assert_eq!(
        database.value("select count(*) from toysoldiers.audit_log"),
        "1"
    );
}

#[test]
fn two_at_once_make_one_user() {
    let database = Database::migrated();
    let tool = tool(&database);
    let racers: Vec<_> = (0..3)
        .map(|_| tool.spawn(&["user", "create", "a@example.com", "--generate"]))
        .collect();
    let mut codes: Vec<_> = racers
        .into_iter()
        .map(|racer| tool.outcome(racer).code.unwrap())
        .collect();
    codes.sort_unstable();
    assert_eq!(codes, [0, 1, 1]);
    assert_eq!(
        database.value(
            "select (select count(*) from users), (select count(*) from toysoldiers.audit_log)"
        ),
        "1|1"
    );
}

#[test]
fn a_password_can_be_made_and_is_shown_once() {
    let database = Database::migrated();
    let outcome = Tool::new()
        .on(&database)
        .run(&[
            "user",
            "create",
            "a@example.com",
            "--generate",
            "--role",
            "admin",
            "-o",
            "json",
        ])
        .ok();
    assert_eq!(outcome.json()["role"], "admin");
    let password = outcome
        .stderr
        .lines()
        .find_map(|line| line.strip_prefix("password of a@example.com: "))
        .unwrap();
    assert!(!outcome.stdout.contains(password));
    assert!(bcrypt::verify(password, &database.value("select password_hash from users")).unwrap());
}

#[test]
fn passwords_end_at_72_bytes() {
    let database = Database::migrated();
    let run = |password: &str, email: &str| {
        Tool::new().on(&database).input(password).run(&[
            "user",
            "create",
            email,
            "--password-stdin",
        ])
    };
    let longest = "x".repeat(72);
    run(&longest, "a@example.com").ok();
    assert!(bcrypt::verify(&longest, &database.value("select password_hash from users")).unwrap());
    run(&"🎈".repeat(18), "b@example.com").ok();
    assert_snapshot!(run(&"x".repeat(73), "c@example.com"), @"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    error: this cannot be a password
      caused by: it has 73 bytes, and bcrypt reads 72; letters outside of ASCII take 2 to 4 bytes each
      hint: choose another, or have one made with `--generate`
    -- exit 2
    ");
    assert_snapshot!(run(&format!("{}x", "🎈".repeat(18)), "c@example.com"), @"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    error: this cannot be a password
      caused by: it has 73 bytes, and bcrypt reads 72; letters outside of ASCII take 2 to 4 bytes each
      hint: choose another, or have one made with `--generate`
    -- exit 2
    ");
    run("", "c@example.com").code(2);
    run("\r\n", "c@example.com").code(2);
    run("a\0b", "c@example.com").code(2);
    assert_snapshot!(run(&"x".repeat(100_000), "c@example.com"), @"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    error: standard input holds more than 4096 bytes, and a password has 72 at most
      note: nothing was changed
      hint: pass the password alone, on one line
    -- exit 2
    ");
    assert_snapshot!(run("Secret1\nlogin: nina\n", "c@example.com"), @"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    error: standard input holds more than one line, and a password is one
      note: nothing was changed
      hint: pass the password alone, on one line
    -- exit 2
    ");
    assert_eq!(database.value("select count(*) from users"), "2");
}

#[test]
fn without_a_terminal_a_password_must_come_from_somewhere() {
    let database = Database::migrated();
    let tool = Tool::new().on(&database);
    assert_snapshot!(tool.run(&["user", "create", "a@example.com"]), @"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    error: cannot go on without a password: there is no terminal to ask on
      hint: give it with `--password-stdin`, or have one made with `--generate`
    -- exit 6
    ");
    assert_snapshot!(tool.run(&["user", "create", "a@example.com", "--generate", "--password-stdin"]), @"
    -- stderr
    error: the argument '--generate' cannot be used with '--password-stdin'

    Usage: toysoldiers user create --generate <EMAIL>

    For more information, try '--help'.
    -- exit 2
    ");
    assert_eq!(database.value("select count(*) from users"), "0");
}

#[test]
fn a_dry_run_makes_nobody_and_asks_nothing() {
    let database = Database::migrated();
    assert_snapshot!(Tool::new().on(&database).run(&["user", "create", "a@example.com", "--dry-run"]), @"
    -- stdout
    plan: create the user a@example.com
      create user a@example.com  (fan)
    -- stderr
    -> (url)  SOCKET/DB as postgres
    dry run: nothing was changed
    -- exit 0
    ");
    assert_eq!(database.value("select count(*) from users"), "0");
}

#[test]
fn garbage_is_refused_before_anything_is_opened() {
    // There is no such database: a connection would fail with another code.
    let tool = Tool::new().env("DATABASE_URL", "postgresql:///nothing?host=/nonexistent");
    for garbage in [
        "",
        "nina",
        "nina@",
        "@example.com",
        "a b@example.com",
        "nina@example",
        "x@y.z\u{0}",
        "nina@exa mple.com",
    ] {
        if !garbage.contains('\0') {
            tool.run(&["user", "create", garbage, "--generate"]).code(2);
        }
        // What is there may have any address.
        if !garbage.contains(['\0', '@']) {
            tool.run(&["user", "show", garbage]).code(2);
        }
    }
    tool.run(&["user", "show", "7b0c9f3e-5d0f-4c8e-9a5b-0d9c2d1f6a3"])
        .code(2);
    assert_snapshot!(tool.run(&["user", "create", "nina@", "--generate"]), @r#"
    -- stderr
    error: "nina@" is no e-mail address
      caused by: domain is empty
      hint: write it as name@example.com
    -- exit 2
    "#);
    assert_snapshot!(tool.run(&["user", "show", "nina"]), @r#"
    -- stderr
    error: "nina" is neither an e-mail address nor an id
      hint: write name@example.com, or an id such as UUID
    -- exit 2
    "#);
}

#[test]
fn somebody_who_is_not_there_is_answered_with_the_nearest() {
    let database = Database::seeded();
    let tool = Tool::new().on(&database);
    assert_snapshot!(tool.run(&["user", "show", "clockwork.fax@example.com"]), @"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    error: there is no user clockwork.fax@example.com
      hint: did you mean clockwork.fox@example.com?
    -- exit 1
    ");
    assert_snapshot!(tool.run(&["user", "show", "zzz@nowhere.test"]), @"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    error: there is no user zzz@nowhere.test
      hint: make one with `toysoldiers user create EMAIL`
    -- exit 1
    ");
    assert_snapshot!(tool.run(&["user", "show", "7b0c9f3e-5d0f-4c8e-9a5b-0d9c2d1f6a3b"]), @"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    error: there is no user UUID
      hint: make one with `toysoldiers user create EMAIL`
    -- exit 1
    ");
}

#[test]
fn a_user_is_found_by_each_id() {
    let database = Database::seeded();
    let tool = Tool::new().on(&database);
    let by_email = tool
        .run(&["user", "show", "clockwork.fox@example.com", "-o", "json"])
        .stdout;
    for question in ["u.id", "c.id"] {
        let id = database.value(&format!("select {question} from users u join creators c on c.user_id = u.id where email = 'clockwork.fox@example.com'"));
        assert_eq!(
            tool.run(&["user", "show", &id, "-o", "json"]).stdout,
            by_email
        );
    }
}

#[test]
fn a_database_nobody_set_up_cannot_record_who_changed_what() {
    let database = Database::empty();
    let tool = Tool::new().on(&database);
    assert_snapshot!(tool.run(&["user", "create", "a@example.com", "--generate"]), @"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    error: this database was not set up by toysoldiers: it cannot record who changed what
      note: nothing was changed
      hint: run `toysoldiers migrate up` first
    -- exit 6
    ");
    assert_snapshot!(tool.run(&["user", "show", "a@example.com"]), @r#"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    error: this needs what migration 005_creators makes, and this database has not got it
      caused by: relation "public.users" does not exist
      note: in the query user/find
      hint: bring it up to date with `toysoldiers migrate up` on the same environment, or name another with `--env`
    -- exit 6
    "#);
}

#[test]
fn on_a_terminal_the_password_is_asked_for_twice_and_does_not_show() {
    let database = Database::migrated();
    let tool = Tool::new().on(&database);
    let mut terminal = tool.terminal(&["user", "create", "a@example.com"]);
    terminal.exp_string("password").unwrap();
    terminal.send_line("first try").unwrap();
    terminal.exp_string("the same again").unwrap();
    terminal.send_line("second try").unwrap();
    terminal.exp_string("the two differ").unwrap();
    terminal.exp_string("password").unwrap();
    terminal.send_line(PASSWORD).unwrap();
    terminal.exp_string("the same again").unwrap();
    terminal.send_line(PASSWORD).unwrap();
    let rest = terminal.exp_eof().unwrap();
    assert!(rest.contains("a@example.com"), "{rest}");
    assert!(!rest.contains("horse"), "{rest}");
    assert!(bcrypt::verify(PASSWORD, &database.value("select password_hash from users")).unwrap());
}

#[test]
fn an_interrupt_at_the_prompt_ends_it_and_leaves_the_terminal_as_it_was() {
    let database = Database::migrated();
    let tool = Tool::new().on(&database);
    let mut terminal = tool.terminal(&["user", "create", "a@example.com"]);
    terminal.exp_string("password").unwrap();
    terminal.send_control('c').unwrap();
    let rest = terminal.exp_eof().unwrap();
    assert!(rest.contains("interrupted"), "{rest}");
    assert!(
        rest.contains("\u{1b}[?25h"),
        "the cursor is shown again: {rest:?}"
    );
    let status = terminal.process().wait().unwrap();
    assert!(format!("{status:?}").contains("130"), "{status:?}");
    assert_eq!(database.value("select count(*) from users"), "0");
}

#[test]
fn lists_users_and_filters_them() {
    let database = Database::migrated();
    database.sql(
        "insert into users (id, email, password_hash, role, created_at, updated_at) values
            ('00000000-0000-0000-0000-000000000001', 'Ann@Example.com', 'x', 'admin', '2026-03-01 00:00Z', '2026-03-02 00:00Z'),
            ('00000000-0000-0000-0000-000000000002', 'bob%@example.com', 'x', 'fan', '2026-03-31 23:59:59.5Z', '2026-04-01 00:00Z'),
            ('00000000-0000-0000-0000-000000000003', 'cat@example.org', 'x', 'creator', '2026-04-01 00:00Z', '2026-04-01 00:00Z');
         insert into creators (id, user_id) values ('00000000-0000-0000-0000-000000000009', '00000000-0000-0000-0000-000000000003')",
    );
    let tool = Tool::new().on(&database);
    let emails = |flags: &[&str]| {
        let words = [&["user", "list", "-o", "json"], flags].concat();
        let page = tool.run(&words).ok().json();
        let rows = page["rows"].as_array().unwrap().iter();
        rows.map(|row| row["email"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
            .join(" ")
    };
    let (ann, bob, cat) = ("Ann@Example.com", "bob%@example.com", "cat@example.org");
    assert_eq!(emails(&[]), format!("{cat} {bob} {ann}"));
    assert_eq!(emails(&["--role", "admin"]), ann);
    assert_eq!(emails(&["--email", "EXAMPLE.COM"]), format!("{bob} {ann}"));
    // Text is text, not a pattern.
    assert_eq!(emails(&["--email", "%"]), bob);
    assert_eq!(emails(&["--email", "_"]), "");
    // March, all of it and nothing else.
    assert_eq!(
        emails(&["--since", "2026-03-01", "--until", "2026-04-01"]),
        format!("{bob} {ann}")
    );
    assert_eq!(emails(&["--since", "2026-04-01T02:00:00+02:00"]), cat);
    assert_eq!(emails(&["--role", "fan", "--email", "ann"]), "");
    assert_snapshot!(tool.run(&["user", "list", "--sort", "email", "-o", "csv"]).ok().stdout.replace("Z,", ","), @"
    id,email,role,created_at,updated_at,creator_id
    UUID,Ann@Example.com,admin,TIME,TIME,
    UUID,bob%@example.com,fan,TIME,TIME,
    UUID,cat@example.org,creator,TIME,TIME,UUID
    ");
    assert_snapshot!(tool.run(&["user", "list", "--role", "creator", "-o", "json"]).ok().stdout, @r#"
    {
      "rows": [
        {
          "id": "UUID",
          "email": "cat@example.org",
          "role": "creator",
          "created_at": "TIME",
          "updated_at": "TIME",
          "creator_id": "UUID"
        }
      ],
      "next": null
    }
    "#);
    assert_snapshot!(tool.run(&["user", "list", "--role", "fan", "--role", "admin"]), @"
    -- stderr
    error: the argument '--role <ROLE>' cannot be used multiple times

    Usage: toysoldiers user list [OPTIONS]

    For more information, try '--help'.
    -- exit 2
    ");
    assert_snapshot!(tool.run(&["user", "list", "--email", "nobody"]), @"
    -- stderr
    -> (url)  SOCKET/DB as postgres
    0 users
    -- exit 0
    ");
}

#[test]
fn a_password_that_cannot_be_shown_makes_nobody() {
    let database = Database::migrated();
    let tool = Tool::new().on(&database);
    let full = std::fs::OpenOptions::new()
        .write(true)
        .open("/dev/full")
        .unwrap();
    let mut command = tool.command(&["user", "create", "a@example.com", "--generate"]);
    tool.outcome(command.stderr(full).spawn().unwrap()).code(6);
    assert_eq!(database.value("select count(*) from users"), "0");
}

#[test]
fn a_result_that_cannot_be_shown_is_said_to_be_done() {
    let database = Database::migrated();
    let tool = Tool::new().on(&database);
    let full = std::fs::OpenOptions::new()
        .write(true)
        .open("/dev/full")
        .unwrap();
    let mut command = tool.command(&["user", "create", "a@example.com", "--generate"]);
    let outcome = tool.outcome(command.stdout(full).spawn().unwrap()).code(1);
    assert!(
        outcome
            .stderr
            .contains("error: it was done, but the result cannot be shown"),
        "{outcome}"
    );
    assert_eq!(database.value("select count(*) from users"), "1");
}

#[test]
fn sharing_a_domain_is_no_likeness() {
    let database = Database::migrated();
    let tool = Tool::new().on(&database);
    tool.run(&["user", "create", "i2@example.com", "--generate"])
        .ok();
    let outcome = tool.run(&["user", "show", "nobody@example.com"]).code(1);
    assert!(!outcome.stderr.contains("i2@"), "{outcome}");
}

#[test]
fn a_creator_is_made_with_a_profile() {
    let tool = Tool::new().env("DATABASE_URL", "postgresql:///nothing?host=/nonexistent");
    assert_snapshot!(tool.run(&["user", "create", "nina@example.com", "--role", "creator", "--generate"]), @"
    -- stderr
    error: a creator is more than a user of that role: there is a profile too
      hint: make both with `toysoldiers creator create nina@example.com`
    -- exit 2
    ");
}
